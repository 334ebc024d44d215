//! The pending entries of a consumer group: delivered or released, and not yet acknowledged.
//!
//! A B-tree by entry id. Its leaves are [chunks](chunk) of up to 128 records in columns; inner
//! nodes keep for each child how many records it has, the earliest delivery, release, due time and so
//! on among them, and for each consumer or state a mask of the children where it has any. So a search
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
/// The numbers above [`Owner::CONSUMER_MAX`] are the states that an entry can be in without a
/// consumer. They stand in snapshots, so none is ever given another meaning.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Owner(u32);

impl Owner {
    /// Released: given back by XNACK in a group without a policy, and the first to be claimed there.
    pub const RELEASED: Owner = Owner(u32::MAX);
    /// Handed out by the next read of `>` that has room.
    pub const READY: Owner = Owner(u32::MAX - 1);
    /// Ready when its due time has come.
    pub const DEFERRED: Owner = Owner(u32::MAX - 2);
    /// Due, and behind another entry with its value of the group's ORDERBY field.
    pub const HELD: Owner = Owner(u32::MAX - 3);
    /// Given up, and handed out to nobody: a worker said that it is not to be tried again.
    pub const FATAL: Owner = Owner(u32::MAX - 4);
    /// The same, because it was delivered as often as it may be.
    pub const USED_UP: Owner = Owner(u32::MAX - 5);
    /// The same, because it has outlived its time.
    pub const EXPIRED: Owner = Owner(u32::MAX - 6);
    /// The greatest number of a consumer.
    pub const CONSUMER_MAX: u32 = u32::MAX - 256;

    /// The consumer of this number, which must not be above [`Owner::CONSUMER_MAX`].
    pub fn consumer(number: u32) -> Owner {
        assert!(number <= Owner::CONSUMER_MAX, "consumer numbers end below the states");
        Owner(number)
    }

    /// The consumer's number; `None` where there is no consumer.
    #[inline]
    pub fn consumer_number(self) -> Option<u32> {
        (self.0 <= Owner::CONSUMER_MAX).then_some(self.0)
    }

    /// Whether no consumer holds it.
    #[inline]
    pub fn is_unowned(self) -> bool {
        self.0 > Owner::CONSUMER_MAX
    }

    /// Whether anybody may claim it who asks for what is idle: it was released, or is ready.
    pub fn is_free(self) -> bool {
        self >= Owner::READY
    }

    /// Whether it was given up, for whatever reason.
    #[inline]
    pub fn is_dead(self) -> bool {
        (Owner::EXPIRED..=Owner::FATAL).contains(&self)
    }

    /// Whether nobody holds it in a state that only this server has: it waits for a delivery, or is
    /// dead.
    pub fn is_queued(self) -> bool {
        self.is_unowned() && self != Owner::RELEASED
    }

    #[inline]
    fn kind(self) -> Kind {
        match self {
            owner if owner.0 <= Owner::CONSUMER_MAX => Kind::Delivered,
            Owner::RELEASED => Kind::Released,
            Owner::READY => Kind::Ready,
            Owner::DEFERRED => Kind::Deferred,
            _ => Kind::Parked,
        }
    }

    /// Whether this is a consumer or a state that there is.
    fn is_known(self) -> bool {
        self.0 <= Owner::CONSUMER_MAX || self >= Owner::EXPIRED
    }
}

/// What a record's time is, and so which records have one order of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// The last delivery to the consumer that holds it.
    Delivered,
    /// The place in the order of release.
    Released,
    /// Since when it has been ready.
    Ready,
    /// When it will be ready.
    Deferred,
    /// Held since, or dead since.
    Parked,
}

impl Kind {
    const COUNT: usize = 5;
}

/// One pending entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record {
    pub id: StreamId,
    pub owner: Owner,
    /// Unix time in ms of the last delivery. Without a consumer: of a released record its place in
    /// the order of release, of one that is ready, deferred or held its due time, of a dead one when
    /// it was given up.
    pub time: u64,
    /// Deliveries so far.
    pub count: u64,
}

/// What is known of a set of records without looking at them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Summary {
    live: u64,
    /// The least time of each kind; `u64::MAX` where there is none.
    least: [u64; Kind::COUNT],
}

impl Summary {
    const EMPTY: Summary = Summary { live: 0, least: [u64::MAX; Kind::COUNT] };

    fn least(&self, kind: Kind) -> u64 {
        self.least[kind as usize]
    }

    fn has(&self, kind: Kind) -> bool {
        self.least(kind) != u64::MAX
    }

    /// Takes the record's time into account, but does not count it.
    fn add(&mut self, record: Record) {
        let least = &mut self.least[record.owner.kind() as usize];
        *least = record.time.min(*least);
    }

    fn with(self, other: Summary) -> Summary {
        let mut both = Summary { live: self.live + other.live, least: self.least };
        for (least, other) in both.least.iter_mut().zip(other.least) {
            *least = other.min(*least);
        }
        both
    }
}

/// Which records a scan shows. The default shows all.
#[derive(Clone, Copy, Default, Debug)]
pub struct Filter {
    /// Only those of this owner.
    pub owner: Option<Owner>,
    /// Of those with a consumer only the ones last delivered at this time or before, which may lie
    /// before all time.
    pub delivered_by_ms: Option<i64>,
    /// Of those without a consumer only the ones that are free to be claimed.
    pub only_free: bool,
}

impl Filter {
    fn admits(&self, record: Record) -> bool {
        if record.owner.is_unowned() {
            return !self.only_free || record.owner.is_free();
        }
        self.delivered_by_ms.is_none_or(|by| u64::try_from(by).is_ok_and(|by| record.time <= by))
    }

    /// Whether records of this summary can pass.
    fn admits_any(&self, summary: Summary) -> bool {
        let delivered = summary.least(Kind::Delivered);
        let is_delivered = match self.delivered_by_ms {
            None => delivered != u64::MAX,
            Some(by) => u64::try_from(by).is_ok_and(|by| delivered <= by),
        };
        is_delivered
            || summary.has(Kind::Released)
            || summary.has(Kind::Ready)
            || !self.only_free && (summary.has(Kind::Deferred) || summary.has(Kind::Parked))
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
        let put = self.root.put(record, &mut self.summary);
        if let Some(split) = put.split {
            self.summary = self.root.grow(self.summary, *split);
        }
        put.old
    }

    /// Takes the record of `id` out.
    pub fn take(&mut self, id: StreamId) -> Option<Record> {
        let taken = self.root.take(id, &mut self.summary)?;
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

    /// The released in the order of their release, the first released first.
    pub fn released(&self) -> impl Iterator<Item = Record> {
        Oldest::new(&self.root, self.summary, Kind::Released, u64::MAX)
    }

    /// Those without a consumer: the released in their order, the ready and the deferred by due
    /// time, then the others.
    pub fn unowned(&self) -> impl Iterator<Item = Record> {
        let kinds = [Kind::Released, Kind::Ready, Kind::Deferred, Kind::Parked];
        let of = |kind| Oldest::new(&self.root, self.summary, kind, u64::MAX);
        kinds.into_iter().flat_map(of)
    }

    /// Those that are ready, the longest ready first, equal ones by id.
    pub fn ready(&self) -> impl Iterator<Item = Record> {
        Oldest::new(&self.root, self.summary, Kind::Ready, u64::MAX)
    }

    /// The deferred that are due at `by_ms`, the earliest due first, equal ones by id.
    pub fn due_by(&self, by_ms: u64) -> impl Iterator<Item = Record> {
        Oldest::new(&self.root, self.summary, Kind::Deferred, by_ms)
    }

    /// Those with a consumer last delivered at `by_ms` or before, the longest delivered first, equal
    /// ones by id.
    pub fn delivered_by(&self, by_ms: u64) -> impl Iterator<Item = Record> {
        Oldest::new(&self.root, self.summary, Kind::Delivered, by_ms)
    }

    /// When the longest delivered with a consumer was last delivered, Unix time in ms.
    pub fn earliest_delivery_ms(&self) -> Option<u64> {
        self.least(Kind::Delivered)
    }

    /// Since when the longest ready has been ready, Unix time in ms.
    pub fn earliest_ready_ms(&self) -> Option<u64> {
        self.least(Kind::Ready)
    }

    /// When the first of the deferred will be ready, Unix time in ms.
    pub fn earliest_due_ms(&self) -> Option<u64> {
        self.least(Kind::Deferred)
    }

    fn least(&self, kind: Kind) -> Option<u64> {
        self.summary.has(kind).then_some(self.summary.least(kind))
    }

    /// Whether any record is released.
    pub fn has_released(&self) -> bool {
        self.summary.has(Kind::Released)
    }

    /// Bytes allocated, those shared with clones included. Walks the nodes.
    pub fn heap_bytes(&self) -> usize {
        self.root.heap_bytes()
    }
}
