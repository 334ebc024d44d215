//! What a stream or a group was told to do by itself, beyond what Redis's streams do.
//!
//! A policy is a list of parameters as XCFGSET takes them; [`words`] reads and writes them. Times are
//! in ms. A stream or group without parameters has no policy: there is no empty one.

pub(super) mod image;
#[cfg(test)]
mod tests;
mod words;

pub use self::words::{BadPolicy, value_count};

/// Times in a policy end below this, ms: from here on a number that may be either is a unix time.
pub const ABSOLUTE_MS_MIN: u64 = 1_000_000_000_000;

/// How long an entry waits between a failure and its next delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    pub min_ms: u64,
    pub max_ms: u64,
}

impl Backoff {
    /// What holds where a lease is set and nothing else is said.
    pub const DEFAULT: Backoff = Backoff { min_ms: 1000, max_ms: 60_000 };
    /// An entry may go out again at once.
    pub const NONE: Backoff = Backoff { min_ms: 0, max_ms: 0 };

    /// How long to wait after the `failures`th failure (from 1), before any spread: doubled each
    /// time, and at most `max_ms`.
    pub fn delay_ms(self, failures: u64) -> u64 {
        let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        // Past forty doublings even one millisecond is beyond every maximum.
        self.min_ms.saturating_mul(1 << doublings.min(40)).min(self.max_ms)
    }
}

/// At most so many deliveries in any stretch of so many ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub deliveries: u64,
    pub window_ms: u64,
}

/// A field whose value has to match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFilter {
    pub field: Box<[u8]>,
    pub glob: Box<[u8]>,
}

/// The policy of a group. Numbers that are there are above zero, strings are not empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupPolicy {
    /// An entry that is not acknowledged after so long comes back.
    pub lease_ms: Option<u64>,
    /// After the failure of this delivery an entry is dead.
    pub max_deliveries: Option<u64>,
    /// The stream that the dead are appended to.
    pub dlq: Option<Box<[u8]>>,
    /// As it was set; [`GroupPolicy::backoff`] says what holds.
    pub backoff: Option<Backoff>,
    /// Entries with one value of this field go out one after the other.
    pub order_by: Option<Box<[u8]>>,
    /// So many entries may be out at once.
    pub max_in_flight: Option<u64>,
    pub rate: Option<Rate>,
    /// An entry that does not match all of them is passed over.
    pub filters: Vec<FieldFilter>,
    /// A consumer that is idle for so long is removed.
    pub consumer_ttl_ms: Option<u64>,
}

impl GroupPolicy {
    /// Whether nothing is set that would do anything, so that it is no policy.
    pub fn is_none(&self) -> bool {
        let backoff = self.backoff.filter(|&backoff| backoff != Backoff::NONE);
        GroupPolicy { backoff, ..self.clone() } == GroupPolicy::default()
    }

    /// How long a retry waits.
    pub fn backoff(&self) -> Backoff {
        let default = if self.lease_ms.is_some() { Backoff::DEFAULT } else { Backoff::NONE };
        self.backoff.unwrap_or(default)
    }

    /// Whether an entry with these fields is for the group. `is_match` takes a glob and a value.
    pub fn admits<'a>(
        &self,
        fields: impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone,
        is_match: impl Fn(&[u8], &[u8]) -> bool,
    ) -> bool {
        self.filters.iter().all(|filter| {
            // Where a field stands twice its first value counts, for every policy that reads one.
            let value = fields.clone().find(|(name, _)| *name == &*filter.field);
            value.is_some_and(|(_, value)| is_match(&filter.glob, value))
        })
    }
}

/// What XADD does at MAXLEN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// The oldest entries go.
    #[default]
    Drop,
    /// The new one is refused.
    Reject,
}

/// Which entries stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retain {
    /// All, until they are trimmed.
    #[default]
    All,
    /// Those that a group is not done with.
    Acked,
}

/// The field that says which message an entry is, and for how long a second one is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DedupField {
    pub field: Box<[u8]>,
    pub window_ms: u64,
}

/// The policy of a stream. Numbers that are there are above zero, strings are not empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamPolicy {
    /// Entries that the stream holds at most.
    pub max_len: Option<u64>,
    /// How old an entry gets, by its id.
    pub max_age_ms: Option<u64>,
    pub overflow: Overflow,
    pub retain: Retain,
    /// Where an entry says how long it is to wait before its first delivery.
    pub delay_field: Option<Box<[u8]>>,
    /// Where an entry says how long it lives.
    pub ttl_field: Option<Box<[u8]>>,
    pub dedup: Option<DedupField>,
}

impl StreamPolicy {
    /// The age at which entries are removed; none where only what everybody is done with may go.
    pub fn age_limit_ms(&self) -> Option<u64> {
        self.max_age_ms.filter(|_| self.retain == Retain::All)
    }

    /// Whether entries are removed where there are more than MAXLEN.
    pub fn drops_oldest(&self) -> bool {
        self.overflow == Overflow::Drop && self.retain == Retain::All
    }

    /// Whether nothing is set that would do anything, so that it is no policy.
    pub fn is_none(&self) -> bool {
        *self == StreamPolicy::default()
    }
}
