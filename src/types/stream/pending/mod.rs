//! The pending entries of a consumer group: delivered or released, and not yet acknowledged.
//!
//! A B-tree by entry id. Its leaves are [chunks](chunk) of up to 128 records in columns; inner
//! nodes keep for each child how many records it has, the earliest delivery and the earliest
//! release among them, and for each consumer a mask of the children where it has any. So a search
//! by id, by consumer or by idleness goes down only where it finds something, and costs the same
//! beside ten records or ten million. Nodes are shared by clones until written: a clone is O(1).

mod chunk;
mod column;
pub(super) mod image;
mod masks;
mod oldest;
#[cfg(test)]
mod tests;
mod tree;

use std::ops::ControlFlow;

use self::oldest::Oldest;
use self::tree::Node;
use crate::types::stream::StreamId;

/// Who holds a pending entry: a consumer by its number in the group, or nobody.
///
/// The numbers above [`Owner::CONSUMER_MAX`] are for the states that an entry can be in without a
/// consumer. One is in use: released, free to be claimed by anybody. A record in another such state
/// (deferred until a due time, held behind another entry, dead) will take another of them, and
/// keep its due time in the record's time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Owner(u32);

impl Owner {
    /// Nobody: given back by XNACK, and the first to be claimed.
    pub const UNOWNED: Owner = Owner(u32::MAX);
    /// The greatest number of a consumer.
    pub const CONSUMER_MAX: u32 = u32::MAX - 256;

    /// The consumer of this number, which must not be above [`Owner::CONSUMER_MAX`].
    pub fn consumer(number: u32) -> Owner {
        assert!(number <= Owner::CONSUMER_MAX, "consumer numbers end below the states");
        Owner(number)
    }

    /// The consumer's number; `None` where there is no consumer.
    pub fn consumer_number(self) -> Option<u32> {
        (self.0 <= Owner::CONSUMER_MAX).then_some(self.0)
    }

    pub fn is_unowned(self) -> bool {
        self == Owner::UNOWNED
    }
}

/// One pending entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record {
    pub id: StreamId,
    pub owner: Owner,
    /// Unix time in ms of the last delivery; of an unowned record its place in the order of
    /// release instead.
    pub time: u64,
    /// Deliveries so far.
    pub count: u64,
}

/// What is known of a set of records without looking at them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Summary {
    live: u64,
    /// The least time of those with an owner; `u64::MAX` if there is none.
    earliest: u64,
    /// The least time of those without; `u64::MAX` if there is none.
    released: u64,
}

impl Summary {
    const EMPTY: Summary = Summary { live: 0, earliest: u64::MAX, released: u64::MAX };

    /// Takes the record's time into account, but does not count it.
    fn add(&mut self, record: Record) {
        let least = if record.owner.is_unowned() { &mut self.released } else { &mut self.earliest };
        *least = record.time.min(*least);
    }

    fn with(self, other: Summary) -> Summary {
        Summary {
            live: self.live + other.live,
            earliest: self.earliest.min(other.earliest),
            released: self.released.min(other.released),
        }
    }
}

/// Which records a scan shows. The default shows all.
#[derive(Clone, Copy, Default, Debug)]
pub struct Filter {
    /// Only those of this owner.
    pub owner: Option<Owner>,
    /// Only those last delivered at this time or before, and the unowned.
    pub delivered_by_ms: Option<u64>,
}

impl Filter {
    fn admits_time(&self, record: Record) -> bool {
        self.delivered_by_ms.is_none_or(|by| record.owner.is_unowned() || record.time <= by)
    }

    /// Whether records of this summary can pass.
    fn admits_any(&self, summary: Summary) -> bool {
        summary.live > 0
            && self
                .delivered_by_ms
                .is_none_or(|by| summary.earliest <= by || summary.released != u64::MAX)
    }
}

/// The pending entries of a group.
#[derive(Clone)]
pub struct Pending {
    root: Node,
    summary: Summary,
}

impl Default for Pending {
    fn default() -> Pending {
        Pending::new()
    }
}

impl Pending {
    pub fn new() -> Pending {
        Pending { root: Node::empty(), summary: Summary::EMPTY }
    }

    /// How many records there are.
    pub fn len(&self) -> u64 {
        self.summary.live
    }

    pub fn is_empty(&self) -> bool {
        self.summary.live == 0
    }

    pub fn get(&self, id: StreamId) -> Option<Record> {
        self.root.get(id)
    }

    /// The smallest id.
    pub fn first_id(&self) -> Option<StreamId> {
        self.root.first_id()
    }

    /// The greatest id.
    pub fn last_id(&self) -> Option<StreamId> {
        self.root.last_id()
    }

    /// Puts a record in the place of the one with its id, which is returned if there was one.
    pub fn put(&mut self, record: Record) -> Option<Record> {
        let put = self.root.put(record, self.summary);
        self.summary = put.summary;
        if let Some(split) = put.split {
            self.root.grow(self.summary, split);
            self.summary = self.root.summary();
        }
        put.old
    }

    /// Takes the record of `id` out.
    pub fn take(&mut self, id: StreamId) -> Option<Record> {
        let taken = self.root.take(id, self.summary)?;
        self.summary = taken.summary;
        self.root.lower();
        Some(taken.record)
    }

    /// Takes all records of one owner out, chunk by chunk; how many they were.
    pub fn take_owner(&mut self, owner: Owner) -> u64 {
        let taken = self.root.take_owner(owner);
        if taken > 0 {
            self.root.lower();
            self.summary = self.root.summary();
        }
        taken
    }

    /// Shows records from `from` on, in id order, until `visit` breaks.
    pub fn scan<B>(
        &self,
        from: StreamId,
        filter: Filter,
        mut visit: impl FnMut(Record) -> ControlFlow<B>,
    ) -> Option<B> {
        if !filter.admits_any(self.summary) {
            return None;
        }
        self.root.scan(from, &filter, &mut visit).break_value()
    }

    /// The unowned in the order of their release, the first released first.
    pub fn released(&self) -> impl Iterator<Item = Record> {
        Oldest::new(&self.root, self.summary, oldest::Kind::Released, u64::MAX)
    }

    /// The owned last delivered at `by_ms` or before, the longest delivered first, equal ones by id.
    pub fn delivered_by(&self, by_ms: u64) -> impl Iterator<Item = Record> {
        Oldest::new(&self.root, self.summary, oldest::Kind::Delivered, by_ms)
    }

    /// When the longest delivered of the owned was last delivered, Unix time in ms.
    pub fn earliest_delivery_ms(&self) -> Option<u64> {
        (self.summary.earliest != u64::MAX).then_some(self.summary.earliest)
    }

    /// Whether any record is unowned.
    pub fn has_released(&self) -> bool {
        self.summary.released != u64::MAX
    }

    /// Bytes allocated, those shared with clones included. Walks the nodes.
    pub fn heap_bytes(&self) -> usize {
        self.root.heap_bytes()
    }
}
