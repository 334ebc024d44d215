//! Policies as words: `LEASE 30000 DLQ dead`.

use std::fmt;

use super::{
    ABSOLUTE_MS_MIN, Backoff, DedupField, FieldFilter, GroupPolicy, Overflow, Rate, Retain,
    StreamPolicy,
};
use crate::types::number::parse_i64;

/// Why words are no policy; shown without an error code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadPolicy {
    /// There is no such parameter.
    Unknown(String),
    /// The parameter, which has less than its values behind it.
    Lacks(&'static str),
    /// A parameter of groups where a stream's are set.
    OfGroup(&'static str),
    /// A parameter of streams where a group's are set.
    OfStream(&'static str),
    /// The parameter, whose value is no number.
    NotInteger(&'static str),
    /// The parameter, and the greatest value it takes.
    Range(&'static str, u64),
    /// The parameter, and what it takes.
    Takes(&'static str, &'static str),
}

impl fmt::Display for BadPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadPolicy::Unknown(word) => write!(f, "syntax error: there is no parameter '{word}'"),
            BadPolicy::Lacks(name) => {
                let count = value_count(name.as_bytes());
                write!(
                    f,
                    "syntax error: {name} takes {count} value{}",
                    if count > 1 { "s" } else { "" }
                )
            }
            BadPolicy::OfGroup(name) => {
                write!(f, "{name} is a parameter of groups: GROUP and a group's name go before it")
            }
            BadPolicy::OfStream(name) => {
                write!(f, "{name} is a parameter of streams, not of groups")
            }
            BadPolicy::NotInteger(name) => {
                write!(f, "value is not an integer or out of range: {name}")
            }
            BadPolicy::Range(name, max) => write!(f, "{name} must be between 0 and {max}"),
            BadPolicy::Takes(name, what) => write!(f, "{name} takes {what}"),
        }
    }
}

const OF_GROUP: [&str; 9] = [
    "LEASE",
    "MAXDELIVERIES",
    "DLQ",
    "BACKOFF",
    "ORDERBY",
    "MAXINFLIGHT",
    "RATE",
    "FILTER",
    "CONSUMERTTL",
];
const OF_STREAM: [&str; 7] =
    ["MAXLEN", "MAXAGE", "OVERFLOW", "RETAIN", "DELAYFIELD", "TTLFIELD", "DEDUPFIELD"];

/// What Redis itself takes of a stream, for the answer to somebody who sets it on a group.
const OF_STREAM_IN_REDIS: [&str; 2] = ["IDMP-DURATION", "IDMP-MAXSIZE"];

/// How many values a parameter takes.
pub fn value_count(parameter: &[u8]) -> usize {
    match find(&["BACKOFF", "RATE", "FILTER", "DEDUPFIELD"], parameter) {
        Some(_) => 2,
        None => 1,
    }
}

const TIME_MAX: u64 = ABSOLUTE_MS_MIN - 1;
/// Counts of entries and deliveries have 63 bits.
const NUMBER_MAX: u64 = i64::MAX as u64;

fn find(names: &[&'static str], word: &[u8]) -> Option<&'static str> {
    names.iter().copied().find(|name| word.eq_ignore_ascii_case(name.as_bytes()))
}

/// A number up to `max`; none for 0 and for nothing, which take the parameter away.
fn number(name: &'static str, text: &[u8], max: u64) -> Result<Option<u64>, BadPolicy> {
    if text.is_empty() {
        return Ok(None);
    }
    let value = parse_i64(text).ok_or(BadPolicy::NotInteger(name))?;
    let value = u64::try_from(value).ok().filter(|value| *value <= max);
    let value = value.ok_or(BadPolicy::Range(name, max))?;
    Ok((value > 0).then_some(value))
}

/// The values of the parameter `name`, which are at the front of `rest`.
fn values<'w, 'a>(name: &'static str, rest: &'w [&'a [u8]]) -> Result<&'w [&'a [u8]], BadPolicy> {
    rest.get(..value_count(name.as_bytes())).ok_or(BadPolicy::Lacks(name))
}

fn unknown(word: &[u8]) -> BadPolicy {
    BadPolicy::Unknown(String::from_utf8_lossy(word).into_owned())
}

fn string(text: &[u8]) -> Option<Box<[u8]>> {
    (!text.is_empty()).then(|| text.into())
}

impl GroupPolicy {
    /// Sets the parameters that `words` give, in their order; the others stay. FILTERs take the
    /// places of those from before.
    ///
    /// # Errors
    /// What is wrong with the first word that does not fit; the policy may be half changed.
    pub fn set(&mut self, words: &[&[u8]]) -> Result<(), BadPolicy> {
        let mut rest = words;
        if words.iter().any(|word| word.eq_ignore_ascii_case(b"FILTER")) {
            // Looked at as parameters, not as values of others.
            let mut at = 0;
            while at < words.len() {
                if words[at].eq_ignore_ascii_case(b"FILTER") {
                    self.filters.clear();
                }
                at += 1 + value_count(words[at]);
            }
        }
        while !rest.is_empty() {
            rest = &rest[self.add_first(rest)?..];
        }
        Ok(())
    }

    /// Sets the parameter at the front of `words`, a FILTER beside those there are; how many words
    /// that took.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn add_first(&mut self, words: &[&[u8]]) -> Result<usize, BadPolicy> {
        let (&word, rest) = words.split_first().ok_or_else(|| unknown(b""))?;
        let Some(name) = find(&OF_GROUP, word) else {
            let of_stream = find(&OF_STREAM, word).or_else(|| find(&OF_STREAM_IN_REDIS, word));
            return Err(of_stream.map_or_else(|| unknown(word), BadPolicy::OfStream));
        };
        let values = values(name, rest)?;
        self.set_one(name, values)?;
        Ok(1 + values.len())
    }

    fn set_one(&mut self, name: &'static str, values: &[&[u8]]) -> Result<(), BadPolicy> {
        let first = values[0];
        match name {
            "LEASE" => self.lease_ms = number(name, first, TIME_MAX)?,
            "MAXDELIVERIES" => self.max_deliveries = number(name, first, NUMBER_MAX)?,
            "DLQ" => self.dlq = string(first),
            "BACKOFF" => self.backoff = backoff(values)?,
            "ORDERBY" => self.order_by = string(first),
            "MAXINFLIGHT" => self.max_in_flight = number(name, first, NUMBER_MAX)?,
            "RATE" => self.rate = rate(values)?,
            "FILTER" => match (string(first), string(values[1])) {
                (Some(field), Some(glob)) => self.filters.push(FieldFilter { field, glob }),
                (None, None) => self.filters.clear(),
                _ => {
                    return Err(BadPolicy::Takes(name, "a field and a glob, or two empty strings"));
                }
            },
            _ => self.consumer_ttl_ms = number(name, first, TIME_MAX)?,
        }
        Ok(())
    }

    /// The words that make this policy.
    pub fn words(&self) -> Vec<Vec<u8>> {
        let mut out = Words::default();
        out.number("LEASE", self.lease_ms);
        out.number("MAXDELIVERIES", self.max_deliveries);
        out.string("DLQ", &self.dlq);
        if let Some(backoff) = self.backoff {
            out.all("BACKOFF", [backoff.min_ms, backoff.max_ms]);
        }
        out.string("ORDERBY", &self.order_by);
        out.number("MAXINFLIGHT", self.max_in_flight);
        if let Some(rate) = self.rate {
            out.all("RATE", [rate.deliveries, rate.window_ms]);
        }
        for filter in &self.filters {
            out.0.extend(["FILTER".into(), filter.field.to_vec(), filter.glob.to_vec()]);
        }
        out.number("CONSUMERTTL", self.consumer_ttl_ms);
        out.0
    }
}

/// The backoff of two values; none, which leaves the default, for two empty ones.
fn backoff(values: &[&[u8]]) -> Result<Option<Backoff>, BadPolicy> {
    if values.iter().all(|value| value.is_empty()) {
        return Ok(None);
    }
    let ms = |text| number("BACKOFF", text, TIME_MAX);
    match (ms(values[0])?, ms(values[1])?) {
        (None, None) => Ok(Some(Backoff::NONE)),
        (Some(min_ms), Some(max_ms)) if min_ms <= max_ms => Ok(Some(Backoff { min_ms, max_ms })),
        _ => Err(BadPolicy::Takes("BACKOFF", "min-ms and a max-ms that is not below it, or 0 0")),
    }
}

fn rate(values: &[&[u8]]) -> Result<Option<Rate>, BadPolicy> {
    let deliveries = number("RATE", values[0], NUMBER_MAX)?;
    match (deliveries, number("RATE's window", values[1], TIME_MAX)?) {
        (None, _) => Ok(None),
        (Some(deliveries), Some(window_ms)) => Ok(Some(Rate { deliveries, window_ms })),
        (Some(_), None) => Err(BadPolicy::Takes("RATE", "n and a time above 0 ms, or 0 0")),
    }
}

impl StreamPolicy {
    /// Sets the parameters that `words` give, in their order; the others stay.
    ///
    /// # Errors
    /// What is wrong with the first word that does not fit; the policy may be half changed.
    pub fn set(&mut self, words: &[&[u8]]) -> Result<(), BadPolicy> {
        let mut rest = words;
        while !rest.is_empty() {
            rest = &rest[self.add_first(rest)?..];
        }
        Ok(())
    }

    /// Sets the parameter at the front of `words`; how many words that took.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn add_first(&mut self, words: &[&[u8]]) -> Result<usize, BadPolicy> {
        let (&word, rest) = words.split_first().ok_or_else(|| unknown(b""))?;
        let Some(name) = find(&OF_STREAM, word) else {
            return Err(find(&OF_GROUP, word).map_or_else(|| unknown(word), BadPolicy::OfGroup));
        };
        let values = values(name, rest)?;
        self.set_one(name, values)?;
        Ok(1 + values.len())
    }

    fn set_one(&mut self, name: &'static str, values: &[&[u8]]) -> Result<(), BadPolicy> {
        let first = values[0];
        let is = |word: &str| first.eq_ignore_ascii_case(word.as_bytes());
        let is_taken_away = first.is_empty() || first == b"0";
        match name {
            "MAXLEN" => self.max_len = number(name, first, NUMBER_MAX)?,
            "MAXAGE" => self.max_age_ms = number(name, first, TIME_MAX)?,
            "OVERFLOW" if is("REJECT") => self.overflow = Overflow::Reject,
            "OVERFLOW" if is("DROP") || is_taken_away => self.overflow = Overflow::Drop,
            "OVERFLOW" => return Err(BadPolicy::Takes(name, "DROP or REJECT")),
            "RETAIN" if is("ACKED") => self.retain = Retain::Acked,
            "RETAIN" if is("ALL") || is_taken_away => self.retain = Retain::All,
            "RETAIN" => return Err(BadPolicy::Takes(name, "ALL or ACKED")),
            "DELAYFIELD" => self.delay_field = string(first),
            "TTLFIELD" => self.ttl_field = string(first),
            _ => self.dedup = dedup(values)?,
        }
        Ok(())
    }

    /// The words that make this policy.
    pub fn words(&self) -> Vec<Vec<u8>> {
        let mut out = Words::default();
        out.number("MAXLEN", self.max_len);
        out.number("MAXAGE", self.max_age_ms);
        if self.overflow == Overflow::Reject {
            out.0.extend(["OVERFLOW".into(), "REJECT".into()]);
        }
        if self.retain == Retain::Acked {
            out.0.extend(["RETAIN".into(), "ACKED".into()]);
        }
        out.string("DELAYFIELD", &self.delay_field);
        out.string("TTLFIELD", &self.ttl_field);
        if let Some(DedupField { field, window_ms }) = &self.dedup {
            let window_ms = window_ms.to_string().into_bytes();
            out.0.extend(["DEDUPFIELD".into(), field.to_vec(), window_ms]);
        }
        out.0
    }
}

fn dedup(values: &[&[u8]]) -> Result<Option<DedupField>, BadPolicy> {
    let window_ms = number("DEDUPFIELD's window", values[1], TIME_MAX)?;
    let both = string(values[0]).zip(window_ms);
    Ok(both.map(|(field, window_ms)| DedupField { field, window_ms }))
}

#[derive(Default)]
struct Words(Vec<Vec<u8>>);

impl Words {
    fn number(&mut self, name: &str, value: Option<u64>) {
        if let Some(value) = value {
            self.all(name, [value]);
        }
    }

    fn string(&mut self, name: &str, value: &Option<Box<[u8]>>) {
        if let Some(value) = value {
            self.0.extend([name.into(), value.to_vec()]);
        }
    }

    fn all<const N: usize>(&mut self, name: &str, values: [u64; N]) {
        self.0.push(name.into());
        self.0.extend(values.iter().map(|value| value.to_string().into_bytes()));
    }
}
