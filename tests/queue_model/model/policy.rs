//! XCFGSET: parameters of groups and streams.

use super::group::due;
use super::{ERR, Entry, Refusal, State, World};
use crate::value::Value;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupPolicy {
    pub lease: Option<u64>,
    pub max_deliveries: Option<u64>,
    pub dlq: Option<String>,
    pub backoff: Option<(u64, u64)>,
    pub order_by: Option<String>,
    pub max_in_flight: Option<u64>,
    pub rate: Option<(u64, u64)>,
    pub filters: Vec<(String, String)>,
    pub consumer_ttl: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamPolicy {
    pub max_len: Option<u64>,
    pub max_age: Option<u64>,
    pub rejects: bool,
    pub sheds_done: bool,
    pub delay_field: Option<String>,
    pub ttl_field: Option<String>,
    pub dedup: Option<(String, u64)>,
}

impl GroupPolicy {
    /// "the nth retry waits min·2ⁿ⁻¹, at most max, ±10 % spread; default 1000 60000 where LEASE is set;
    /// `0 0` for none": the bounds of the wait.
    pub fn backoff(&self, failures: u64) -> (u64, u64) {
        let default = if self.lease.is_some() { (1000, 60_000) } else { (0, 0) };
        let (min, max) = self.backoff.unwrap_or(default);
        let doublings = failures.clamp(1, 40) - 1;
        let wait = min.saturating_mul(1 << doublings).min(max);
        let spread = wait / 10;
        (wait - spread, (wait + spread).min(max))
    }

    /// "entries that do not match count as done; repeated, all must match"
    pub fn admits(&self, entry: &Entry) -> bool {
        self.filters
            .iter()
            .all(|(field, glob)| entry.value(field).is_some_and(|value| glob_matches(glob, value)))
    }

    /// "A group has a policy once any group parameter is set"
    fn is_none(&self) -> bool {
        let backoff = self.backoff.filter(|&backoff| backoff != (0, 0));
        GroupPolicy { backoff, ..self.clone() } == GroupPolicy::default()
    }

    fn set(&mut self, words: &[String]) {
        let number = |at: usize| words[at].parse::<u64>().expect("numbers are drawn as such");
        let above_zero = |at: usize| Some(number(at)).filter(|&number| number > 0);
        let text = |at: usize| Some(words[at].clone()).filter(|text| !text.is_empty());
        match words[0].as_str() {
            "LEASE" => self.lease = above_zero(1),
            "MAXDELIVERIES" => self.max_deliveries = above_zero(1),
            "DLQ" => self.dlq = text(1),
            "BACKOFF" => self.backoff = Some((number(1), number(2))),
            "ORDERBY" => self.order_by = text(1),
            "MAXINFLIGHT" => self.max_in_flight = above_zero(1),
            "RATE" => self.rate = above_zero(1).map(|most| (most, number(2))),
            "FILTER" => {
                let filter = text(1).map(|field| (field, words[2].clone()));
                self.filters = filter.into_iter().collect();
            }
            "CONSUMERTTL" => self.consumer_ttl = above_zero(1),
            other => panic!("no parameter of groups is called {other}"),
        }
    }
}

impl StreamPolicy {
    fn set(&mut self, words: &[String]) {
        let number = |at: usize| words[at].parse::<u64>().expect("numbers are drawn as such");
        let above_zero = |at: usize| Some(number(at)).filter(|&number| number > 0);
        let text = |at: usize| Some(words[at].clone()).filter(|text| !text.is_empty());
        match words[0].as_str() {
            "MAXLEN" => self.max_len = above_zero(1),
            "MAXAGE" => self.max_age = above_zero(1),
            "OVERFLOW" => self.rejects = words[1] == "REJECT",
            "RETAIN" => self.sheds_done = words[1] == "ACKED",
            "DELAYFIELD" => self.delay_field = text(1),
            "TTLFIELD" => self.ttl_field = text(1),
            "DEDUPFIELD" => {
                self.dedup = text(1).map(|field| (field, number(2))).filter(|dedup| dedup.1 > 0);
            }
            other => panic!("no parameter of streams is called {other}"),
        }
    }
}

/// The few globs that are drawn: `*` at the end, or none.
fn glob_matches(glob: &str, value: &str) -> bool {
    match glob.strip_suffix('*') {
        Some(start) => value.starts_with(start),
        None => glob == value,
    }
}

impl World {
    /// Sets one parameter.
    pub(super) fn configure(
        &mut self,
        key: &str,
        group: Option<&str>,
        words: &[String],
    ) -> Result<Value, Refusal> {
        match group {
            Some(group) => self.configure_group(key, group, words)?,
            None => {
                let stream = self.stream(key)?.ok_or(ERR)?;
                let before = stream.policy.dedup.clone().map(|dedup| dedup.0);
                stream.policy.set(words);
                // What another field said tells nothing.
                if before != stream.policy.dedup.clone().map(|dedup| dedup.0) {
                    stream.messages.clear();
                }
            }
        }
        Ok(Value::ok())
    }

    fn configure_group(&mut self, key: &str, group: &str, words: &[String]) -> Result<(), Refusal> {
        let now = self.now;
        self.group_of_key(key, group)?;
        let stream = self.streams.get_mut(key).expect("looked for just now");
        let group = stream.groups.get_mut(group).expect("looked for just now");
        let before = group.policy.clone();
        let mut policy = before.clone().unwrap_or_default();
        policy.set(words);
        // "The key itself is refused"
        if policy.dlq.as_deref() == Some(key) {
            return Err(ERR);
        }
        if policy.rate.is_none() {
            group.deliveries.clear();
        }
        let ending = group.ending(now);
        let order_changed = before.as_ref().and_then(|it| it.order_by.clone()) != policy.order_by;
        group.policy = Some(policy).filter(|policy| !policy.is_none());
        if order_changed {
            let lines = |id| stream.entries.get(id).and_then(|entry| group.line_of(entry));
            let lines: Vec<_> = group.records.keys().map(|id| (*id, lines(id))).collect();
            for (id, line) in lines {
                group.records.get_mut(&id).expect("it was listed").line = line;
            }
        }
        match (before.is_some(), group.policy.is_some()) {
            // What XNACK had released is handed out like all that is ready.
            (false, true) => {
                for record in group.records.values_mut() {
                    if matches!(record.state, State::Released(_)) {
                        record.state = due(now);
                    }
                }
            }
            // "Taking the last group parameter away ends the policy: unowned records, the dead among
            // them, then read as XNACKed ones do in Redis." What was never delivered waits on, as a
            // delayed entry does in any group.
            (true, false) => {
                for (id, count) in ending {
                    group.release(id, count);
                }
                group.releases_by_end = group.releases;
            }
            _ => {}
        }
        Ok(())
    }
}
