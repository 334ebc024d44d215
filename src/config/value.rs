//! The values of settings: how each shape is read, checked, and shown by CONFIG GET.

use super::words;

/// A setting's value, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Flag(bool),
    /// Counts, sizes in bytes, times. A percentage, where one is allowed, is its negation.
    Number(i64),
    /// The spelling that stands in the setting's own list.
    Choice(&'static str),
    Text(Vec<u8>),
    List(Vec<Vec<u8>>),
    OutputLimits([OutputLimit; 3]),
}

/// Three values of `client-output-buffer-limit`: when a connection is closed for what it leaves unread.
/// Zero switches a limit off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct OutputLimit {
    /// Bytes waiting at which the connection is closed at once.
    pub hard_bytes: u64,
    /// Bytes waiting that are borne for `soft_seconds`.
    pub soft_bytes: u64,
    pub soft_seconds: u64,
}

/// The kinds of connection that have output limits of their own, in the order CONFIG GET shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientClass {
    Normal,
    Replica,
    Subscriber,
}

/// What values a setting takes.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// `yes` or `no`.
    Flag,
    Number {
        min: i64,
        max: i64,
        /// Redis words the refusal of a negative number differently where it stores no sign.
        unsigned: bool,
    },
    /// Bytes, with an optional unit: `k`, `m`, `g` are powers of 1000, `kb`, `mb`, `gb` of 1024.
    Memory {
        min: i64,
        max: i64,
        /// `5%` is taken as well.
        percent: bool,
    },
    /// File permissions.
    Octal,
    Choice(&'static [&'static str]),
    Text,
    /// A name without a directory; empty only where that is allowed.
    FileName {
        name: &'static str,
        may_be_empty: bool,
    },
    /// Any number of words.
    Words,
    SavePoints,
    OutputLimits,
    /// Rules, a line each, that add up: two globs and what holds for what matches them. A rule takes
    /// the place of an earlier one with the same globs; the globs alone take that away.
    StreamRules,
    Percentiles,
    OomScores,
    ShutdownFlags,
    /// `host port`, or `no one` for none.
    Primary,
    /// The letters of classes of keyspace events.
    EventClasses,
}

const SHUTDOWN_FLAGS: &[&str] = &["default", "save", "nosave", "now", "force"];

impl Shape {
    /// Does one directive of a file give several words to this setting?
    pub fn takes_several_words(self) -> bool {
        matches!(
            self,
            Self::Words
                | Self::SavePoints
                | Self::OutputLimits
                | Self::StreamRules
                | Self::Percentiles
                | Self::OomScores
                | Self::ShutdownFlags
                | Self::Primary
        )
    }

    /// Reads a value from the words given for it. `previous` is what holds so far: some settings
    /// are given in parts.
    ///
    /// # Errors
    /// Redis's sentence on what is wrong with it.
    pub fn parse(self, words: &[Vec<u8>], previous: &Value) -> Result<Value, String> {
        if self.takes_several_words() {
            return self.parse_words(words, previous);
        }
        let [word] = words else { return Err("wrong number of arguments".into()) };
        self.parse_word(word)
    }

    fn parse_word(self, word: &[u8]) -> Result<Value, String> {
        match self {
            Self::Flag => parse_flag(word).map(Value::Flag),
            Self::Number { min, max, unsigned } => {
                parse_number(word, min, max, unsigned).map(Value::Number)
            }
            Self::Memory { min, max, percent } => {
                parse_size(word, min, max, percent).map(Value::Number)
            }
            Self::Octal => parse_octal(word).map(Value::Number),
            Self::Choice(choices) => parse_choice(word, choices).map(Value::Choice),
            Self::FileName { name, may_be_empty } => {
                if word.contains(&b'/') {
                    return Err(format!("{name} can't be a path, just a filename"));
                }
                if word.is_empty() && !may_be_empty {
                    return Err(format!("{name} can't be empty"));
                }
                Ok(Value::Text(word.to_vec()))
            }
            Self::EventClasses => parse_event_classes(word).map(Value::Text),
            _ => Ok(Value::Text(word.to_vec())),
        }
    }

    fn parse_words(self, words: &[Vec<u8>], previous: &Value) -> Result<Value, String> {
        match self {
            Self::SavePoints => parse_save_points(words),
            Self::OutputLimits => parse_output_limits(words, previous),
            Self::StreamRules => parse_stream_rule(words, previous),
            Self::Percentiles => parse_percentiles(words),
            Self::OomScores => parse_oom_scores(words),
            Self::ShutdownFlags => parse_shutdown_flags(words),
            Self::Primary => parse_primary(words),
            // A single empty word empties the list.
            _ if matches!(words, [word] if word.is_empty()) => Ok(Value::List(Vec::new())),
            _ => Ok(Value::List(words.to_vec())),
        }
    }

    /// The value as CONFIG GET shows it.
    pub fn show(self, value: &Value) -> Vec<u8> {
        match (self, value) {
            (Self::Octal, Value::Number(number)) => format!("{number:o}").into_bytes(),
            (Self::Memory { percent: true, .. }, Value::Number(number)) if *number < 0 => {
                format!("{}%", -number).into_bytes()
            }
            (_, Value::Flag(flag)) => {
                if *flag {
                    b"yes".to_vec()
                } else {
                    b"no".to_vec()
                }
            }
            (_, Value::Number(number)) => number.to_string().into_bytes(),
            (_, Value::Choice(choice)) => choice.as_bytes().to_vec(),
            (Self::EventClasses, Value::Text(letters)) if letters.first() == Some(&b'A') => {
                letters.iter().filter(|letter| !b"noc".contains(letter)).copied().collect()
            }
            (_, Value::Text(text)) => text.clone(),
            (Self::StreamRules, Value::List(rules)) => rules.join(&b'\n'),
            (_, Value::List(words)) => words.join(&b' '),
            (_, Value::OutputLimits(limits)) => show_output_limits(limits).into_bytes(),
        }
    }
}

fn parse_flag(word: &[u8]) -> Result<bool, String> {
    if word.eq_ignore_ascii_case(b"yes") {
        Ok(true)
    } else if word.eq_ignore_ascii_case(b"no") {
        Ok(false)
    } else {
        Err("argument must be 'yes' or 'no'".into())
    }
}

/// A decimal number in its one canonical spelling: no sign `+`, no leading zero, no blank.
pub(super) fn canonical_integer(word: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(word).ok()?;
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

fn check_range(number: i64, min: i64, max: i64) -> Result<i64, String> {
    if (min..=max).contains(&number) {
        Ok(number)
    } else {
        Err(format!("argument must be between {min} and {max} inclusive"))
    }
}

fn parse_number(word: &[u8], min: i64, max: i64, unsigned: bool) -> Result<i64, String> {
    let number = canonical_integer(word).ok_or("argument couldn't be parsed into an integer")?;
    if unsigned && number < 0 {
        return Err("argument must be greater or equal to 0".into());
    }
    check_range(number, min, max)
}

fn parse_size(word: &[u8], min: i64, max: i64, percent: bool) -> Result<i64, String> {
    if percent && let Some(digits) = word.strip_suffix(b"%") {
        let share = canonical_integer(digits).filter(|share| *share >= 0);
        let share = share.ok_or("argument must be a memory or percent value")?;
        if share > 100 {
            return Err("percentage argument must be less or equal to 100".into());
        }
        return Ok(-share);
    }
    let kind = if percent { "memory or percent" } else { "memory" };
    let bytes = parse_memory(word).ok_or_else(|| format!("argument must be a {kind} value"))?;
    check_range(i64::try_from(bytes).unwrap_or(i64::MAX), min, max)
}

/// A size in bytes with an optional unit, as redis.conf writes them; nothing at all is zero.
pub fn parse_memory(word: &[u8]) -> Option<u64> {
    let digits = word.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let factor = match word[digits..].to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1000,
        b"kb" => 1 << 10,
        b"m" => 1_000_000,
        b"mb" => 1 << 20,
        b"g" => 1_000_000_000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    let digits = std::str::from_utf8(&word[..digits]).ok()?;
    let number: u64 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    number.checked_mul(factor)
}

fn parse_octal(word: &[u8]) -> Result<i64, String> {
    let text = std::str::from_utf8(word).ok().filter(|text| !text.starts_with('+'));
    let mode = text.and_then(|text| i64::from_str_radix(text, 8).ok());
    let mode = mode.ok_or("argument couldn't be parsed as an octal number")?;
    if (0..=0o777).contains(&mode) {
        Ok(mode)
    } else {
        Err("argument must be between 0 and 777 inclusive".into())
    }
}

fn parse_choice(word: &[u8], choices: &'static [&'static str]) -> Result<&'static str, String> {
    let found = choices.iter().find(|choice| choice.as_bytes().eq_ignore_ascii_case(word));
    found
        .copied()
        .ok_or_else(|| format!("argument(s) must be one of the following: {}", choices.join(", ")))
}

/// Adds a rule to those of `previous`; an empty word forgets them all.
fn parse_stream_rule(rule: &[Vec<u8>], previous: &Value) -> Result<Value, String> {
    let Value::List(rules) = previous else { return Ok(previous.clone()) };
    let [keys, groups, parameters @ ..] = rule else {
        return match rule {
            [none] if none.is_empty() => Ok(Value::List(Vec::new())),
            _ => Err("a stream-policy is a key glob, a group glob, and parameters".into()),
        };
    };
    let globs = [keys, groups];
    let has_globs = |rule: &Vec<u8>| {
        let words = words::split(rule).unwrap_or_default();
        words.iter().take(2).eq(globs)
    };
    let mut rules: Vec<Vec<u8>> = rules.iter().filter(|rule| !has_globs(rule)).cloned().collect();
    if !parameters.is_empty() {
        let shown = rule.iter().map(|word| words::word(word).into_owned().into_bytes());
        rules.push(shown.collect::<Vec<_>>().join(&b' '));
    }
    Ok(Value::List(rules))
}

fn parse_save_points(words: &[Vec<u8>]) -> Result<Value, String> {
    if matches!(words, [word] if word.is_empty()) {
        return Ok(Value::List(Vec::new()));
    }
    let at_least = |word: &[u8], min| canonical_integer(word).is_some_and(|n| n >= min);
    let pair_is_good = |pair: &[Vec<u8>]| matches!(pair, [seconds, changes] if at_least(seconds, 1) && at_least(changes, 0));
    if words.is_empty() || !words.chunks(2).all(pair_is_good) {
        return Err("Invalid save parameters".into());
    }
    Ok(Value::List(words.to_vec()))
}

fn parse_output_limits(words: &[Vec<u8>], previous: &Value) -> Result<Value, String> {
    let Value::OutputLimits(mut limits) = previous.clone() else {
        unreachable!("the table gives this setting a default of its own shape")
    };
    if !words.len().is_multiple_of(4) {
        return Err("Wrong number of arguments in buffer limit configuration.".into());
    }
    for quarter in words.chunks(4) {
        let class = client_class(&quarter[0])
            .ok_or("Invalid client class specified in buffer limit configuration.")?;
        let seconds = canonical_integer(&quarter[3]).and_then(|n| u64::try_from(n).ok());
        limits[class as usize] =
            match (parse_memory(&quarter[1]), parse_memory(&quarter[2]), seconds) {
                (Some(hard_bytes), Some(soft_bytes), Some(soft_seconds)) => {
                    OutputLimit { hard_bytes, soft_bytes, soft_seconds }
                }
                _ => {
                    return Err("Error in hard, soft or soft_seconds setting in buffer limit \
                                configuration."
                        .into());
                }
            };
    }
    Ok(Value::OutputLimits(limits))
}

fn client_class(word: &[u8]) -> Option<ClientClass> {
    match word.to_ascii_lowercase().as_slice() {
        b"normal" => Some(ClientClass::Normal),
        b"slave" | b"replica" => Some(ClientClass::Replica),
        b"pubsub" => Some(ClientClass::Subscriber),
        _ => None,
    }
}

/// Redis still shows the second class by its old name, and clients parse it.
fn show_output_limits(limits: &[OutputLimit; 3]) -> String {
    let shown = ["normal", "slave", "pubsub"].iter().zip(limits).map(|(class, limit)| {
        format!("{class} {} {} {}", limit.hard_bytes, limit.soft_bytes, limit.soft_seconds)
    });
    shown.collect::<Vec<_>>().join(" ")
}

fn parse_percentiles(words: &[Vec<u8>]) -> Result<Value, String> {
    if matches!(words, [word] if word.is_empty()) {
        return Ok(Value::List(Vec::new()));
    }
    let mut shown = Vec::with_capacity(words.len());
    for word in words {
        let number = std::str::from_utf8(word).ok().and_then(|text| text.parse::<f64>().ok());
        let number = number.ok_or("Invalid latency-tracking-info-percentiles parameters")?;
        if !(0.0..=100.0).contains(&number) {
            return Err("latency-tracking-info-percentiles parameters should sit between \
                        [0.0,100.0]"
                .into());
        }
        shown.push(number.to_string().into_bytes());
    }
    Ok(Value::List(shown))
}

fn parse_oom_scores(words: &[Vec<u8>]) -> Result<Value, String> {
    if words.len() != 3 {
        return Err("wrong number of arguments".into());
    }
    let in_range = |word: &Vec<u8>| {
        canonical_integer(word).is_some_and(|score| (-2000..=2000).contains(&score))
    };
    if !words.iter().all(in_range) {
        return Err("Invalid oom-score-adj-values, elements must be between -2000 and 2000.".into());
    }
    Ok(Value::List(words.to_vec()))
}

fn parse_shutdown_flags(words: &[Vec<u8>]) -> Result<Value, String> {
    let mut flags = Vec::with_capacity(words.len());
    for word in words {
        flags.push(parse_choice(word, SHUTDOWN_FLAGS)?);
    }
    if flags.contains(&"save") && flags.contains(&"nosave") {
        return Err("shutdown options SAVE and NOSAVE can't be used simultaneously".into());
    }
    Ok(Value::List(flags.into_iter().map(|flag| flag.as_bytes().to_vec()).collect()))
}

/// The letters in Redis's one order. `A` stands for the first of them, and swallows three that it
/// does not stand for, as in Redis: they take effect, and are not shown.
fn parse_event_classes(word: &[u8]) -> Result<Vec<u8>, String> {
    const IN_ALL: &[u8] = b"g$lshzxetda";
    const BESIDE_ALL: &[u8] = b"noc";
    const OTHERS: &[u8] = b"KEmSTIV";
    let is_known = |letter: &u8| {
        *letter == b'A' || [IN_ALL, BESIDE_ALL, OTHERS].iter().any(|known| known.contains(letter))
    };
    if !word.iter().all(is_known) {
        return Err("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.".into());
    }
    let has = |letter: &u8| word.contains(letter);
    // Letters that are not for any event of this server are left out of what makes `A`.
    let is_all = has(&b'A') || IN_ALL.iter().filter(|letter| **letter != b'a').all(has);
    let mut letters = Vec::new();
    if is_all {
        letters.push(b'A');
    } else {
        letters.extend(IN_ALL.iter().filter(|letter| has(letter)));
    }
    letters.extend(BESIDE_ALL.iter().filter(|letter| has(letter)));
    letters.extend(OTHERS.iter().filter(|letter| has(letter)));
    Ok(letters)
}

fn parse_primary(words: &[Vec<u8>]) -> Result<Value, String> {
    match words {
        [none] if none.is_empty() => Ok(Value::List(Vec::new())),
        [no, one] if no.eq_ignore_ascii_case(b"no") && one.eq_ignore_ascii_case(b"one") => {
            Ok(Value::List(Vec::new()))
        }
        [_, port] if canonical_integer(port).is_some_and(|port| (0..=65535).contains(&port)) => {
            Ok(Value::List(words.to_vec()))
        }
        [_, _] => Err("Invalid master port".into()),
        _ => Err("wrong number of arguments".into()),
    }
}
