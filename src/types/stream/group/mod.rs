//! Consumer groups: a cursor over the stream, consumers, and what they hold.

mod consumers;
pub(super) mod image;
mod order;
mod pace;
mod progress;
mod queue;
mod states;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;
use std::sync::Arc;

pub use self::consumers::Consumer;
use self::consumers::Consumers;
pub use self::progress::Extent;
pub use self::queue::Turn;
use self::queue::Work;
use self::states::Unowned;
use super::StreamId;
use super::log::{Cursor, Log, Range};
use super::pending::{Filter, Owner, Pending, Record};
use super::policy::GroupPolicy;

/// The greatest count of deliveries: that of an entry which XNACK FATAL has given up, and which no
/// delivery raises.
pub const DELIVERIES_MAX: u64 = i64::MAX as u64;

/// A consumer group of one stream. Its name is the key that the stream keeps it under.
///
/// Invariants: each consumer's `pending` is the number of records that its number owns, and no
/// record is owned by a number without a consumer, so that numbers can be given out again.
#[derive(Clone, Default)]
pub struct Group {
    last_delivered_id: StreamId,
    /// Where in the log the last delivered entry was read.
    cursor: Cursor,
    entries_read: Option<u64>,
    pending: Pending,
    /// Pending entries without a consumer.
    unowned: Unowned,
    consumers: Consumers,
    /// The place of the last released record in the order of release.
    released: u64,
    policy: Option<Arc<GroupPolicy>>,
    /// What parameters of the policy need.
    work: Option<Box<Work>>,
    /// When consumers are to be looked at for CONSUMERTTL, unix ms, or earlier. No part of the value: a
    /// group that is loaded finds it out again.
    idle_check_ms: u64,
}

impl Group {
    /// A group that has read `entries_read` entries (`None`: not known) up to `last_delivered_id`.
    pub fn new(last_delivered_id: StreamId, entries_read: Option<u64>) -> Group {
        Group { last_delivered_id, entries_read, ..Group::default() }
    }

    /// The greatest id delivered; entries behind it are new to the group.
    pub fn last_delivered_id(&self) -> StreamId {
        self.last_delivered_id
    }

    /// How many of all entries ever added lie up to that id; `None` where that is not known.
    pub fn entries_read(&self) -> Option<u64> {
        self.entries_read
    }

    /// Moves the place from which the group delivers. Pending entries stay as they are.
    pub fn set_id(&mut self, last_delivered_id: StreamId, entries_read: Option<u64>) {
        self.last_delivered_id = last_delivered_id;
        self.entries_read = entries_read;
    }

    /// Moves the place on to `id` if it is before it, and leaves the count of entries read.
    pub fn raise_last_delivered_id(&mut self, id: StreamId) {
        self.last_delivered_id = self.last_delivered_id.max(id);
    }

    /// What the group does by itself; none where it is as in Redis.
    #[inline]
    pub fn policy(&self) -> Option<&GroupPolicy> {
        self.policy.as_deref()
    }

    /// Changes what the group does by itself. A policy in which nothing is set is none.
    pub fn set_policy(&mut self, policy: GroupPolicy) {
        self.policy = (!policy.is_none()).then(|| Arc::new(policy));
        self.fit_work();
        self.idle_check_ms = 0;
    }

    pub fn pending(&self) -> &Pending {
        &self.pending
    }

    // Consumers.

    pub fn consumer(&self, name: &[u8]) -> Option<&Consumer> {
        self.consumers.by_name(name)
    }

    /// The consumer of a number that this group gave out and has not taken back.
    pub fn consumer_numbered(&self, number: u32) -> &Consumer {
        self.consumers.numbered(number)
    }

    /// The name of a record's owner, empty if it has none.
    pub fn owner_name(&self, owner: Owner) -> &[u8] {
        owner.consumer_number().map_or(&[], |number| self.consumers.numbered(number).name())
    }

    pub fn consumer_count(&self) -> usize {
        self.consumers.len()
    }

    /// All consumers in order of name.
    pub fn consumers_by_name(&self) -> Vec<&Consumer> {
        self.consumers.in_name_order()
    }

    /// Makes a consumer, seen now and never active. `None` if there is one of this name.
    pub fn create_consumer(&mut self, name: &[u8], now_ms: u64) -> Option<u32> {
        match self.consumers.by_name(name) {
            Some(_) => None,
            None => {
                if let Some(ttl_ms) = self.policy().and_then(|policy| policy.consumer_ttl_ms) {
                    self.idle_check_ms = self.idle_check_ms.min(now_ms + ttl_ms);
                }
                Some(self.consumers.create(name, now_ms))
            }
        }
    }

    /// When consumers are to be looked at for being idle, unix ms; [`NEVER`](super::NEVER) if they are
    /// not.
    pub fn idle_check_ms(&self) -> i64 {
        let is_checked = self.policy().is_some_and(|policy| policy.consumer_ttl_ms.is_some());
        let at_ms = self.idle_check_ms.min(super::NEVER as u64).cast_signed();
        if is_checked && self.consumers.len() > 0 { at_ms } else { super::NEVER }
    }

    /// Sets when that is, unix ms.
    pub fn set_idle_check(&mut self, at_ms: u64) {
        self.idle_check_ms = at_ms;
    }

    /// Removes a consumer with all it holds; how many entries that were. `None` if there is no
    /// consumer of this name.
    pub fn delete_consumer(&mut self, name: &[u8]) -> Option<u64> {
        let consumer = self.consumers.remove(name)?;
        let taken = self.pending.take_owner(Owner::consumer(consumer.number()));
        debug_assert_eq!(taken, consumer.pending());
        Some(taken)
    }

    /// Notes that a consumer was named by a command at this time.
    pub fn see_consumer(&mut self, number: u32, now_ms: u64) {
        self.consumers.numbered_mut(number).seen_ms = now_ms;
    }

    /// Notes that a consumer received entries at this time.
    pub fn note_active(&mut self, number: u32, now_ms: u64) {
        self.consumers.numbered_mut(number).active_ms = Some(now_ms);
    }

    /// Sets when a consumer was last named and last received entries, as a snapshot states them.
    pub fn set_consumer_times(&mut self, number: u32, seen_ms: u64, active_ms: Option<u64>) {
        let consumer = self.consumers.numbered_mut(number);
        consumer.seen_ms = seen_ms;
        consumer.active_ms = active_ms;
    }

    // Pending entries.

    /// The entries of the group's stream that were never delivered.
    pub fn undelivered<'a>(&self, log: &'a Log) -> Range<'a> {
        log.after(self.last_delivered_id, self.cursor)
    }

    /// Moves the group's place on over the entry `id`, the next behind it. `extent` is the
    /// stream's.
    pub fn advance(&mut self, id: StreamId, extent: &Extent) {
        self.entries_read =
            extent.entries_read_after(id, self.last_delivered_id, self.entries_read);
        self.last_delivered_id = id;
    }

    /// Notes where the last delivered entry was read, so that the next read starts there.
    pub fn set_cursor(&mut self, cursor: Cursor) {
        self.cursor = cursor;
    }

    /// Puts a pending entry under a consumer, with the time of delivery and the deliveries so far,
    /// whether or not it was pending before. What it was before.
    pub fn assign(
        &mut self,
        id: StreamId,
        consumer: u32,
        at_ms: u64,
        count: u64,
    ) -> Option<Record> {
        self.put(Record { id, owner: Owner::consumer(consumer), time: at_ms, count })
    }

    /// Delivers a pending entry once more. It must be pending.
    pub fn redeliver(&mut self, record: Record, consumer: u32, at_ms: u64) {
        let count = (record.count + 1).min(DELIVERIES_MAX);
        self.assign(record.id, consumer, at_ms, count);
    }

    /// How many pending entries have no consumer.
    pub fn unowned_count(&self) -> u64 {
        self.unowned.all()
    }

    /// Takes the owner from an entry, or puts one there without an owner; it is the last released
    /// then, also if it had no owner before. What it was before.
    pub fn release(&mut self, id: StreamId, count: u64) -> Option<Record> {
        self.released += 1;
        self.put(Record { id, owner: Owner::RELEASED, time: self.released, count })
    }

    /// Makes an entry no longer pending. What it was.
    pub fn acknowledge(&mut self, id: StreamId) -> Option<Record> {
        let record = self.pending.take(id)?;
        self.uncount(record);
        if self.work.is_some() {
            self.follow_done(id);
        }
        Some(record)
    }

    /// Whether the group is not done with an entry that the stream has or had: it is pending, or
    /// still to be delivered.
    pub fn awaits(&self, id: StreamId) -> bool {
        id > self.last_delivered_id || self.pending.get(id).is_some()
    }

    /// Shows pending entries from `from` on, in id order, until `visit` breaks.
    pub fn scan<B>(
        &self,
        from: StreamId,
        filter: Filter,
        visit: impl FnMut(Record) -> ControlFlow<B>,
    ) -> Option<B> {
        self.pending.scan(from, filter, visit)
    }

    /// Pending entries that anybody may claim who wants what was last delivered at `by_ms` or
    /// before (`None`: nothing was): the free as they were released or became ready, then the
    /// others, the longest idle first.
    pub fn claimable(&self, by_ms: Option<u64>) -> impl Iterator<Item = Record> {
        let delivered = by_ms.map(|by_ms| self.pending.delivered_by(by_ms));
        let free = self.pending.released().chain(self.pending.ready());
        free.chain(delivered.into_iter().flatten())
    }

    /// How many entries of the stream are still to be delivered; `None` where deletions have made
    /// that unknown.
    pub fn lag(&self, extent: &Extent) -> Option<i64> {
        extent.lag(self.last_delivered_id, self.entries_read)
    }

    /// Bytes allocated. Walks the group's nodes and consumers.
    pub fn heap_bytes(&self) -> usize {
        let work = self.work.as_ref().map_or(0, |work| work.heap_bytes());
        self.pending.heap_bytes() + self.consumers.heap_bytes() + work
    }

    fn put(&mut self, record: Record) -> Option<Record> {
        let old = self.put_alone(record);
        if self.work.is_some() {
            self.follow(record);
        }
        old
    }

    /// Without a look at others with its value.
    fn put_alone(&mut self, record: Record) -> Option<Record> {
        match record.owner.consumer_number() {
            Some(number) => self.consumers.numbered_mut(number).pending += 1,
            None => *self.unowned.of(record.owner) += 1,
        }
        let old = self.pending.put(record);
        if let Some(old) = old {
            self.uncount(old);
        }
        old
    }

    /// Counts one record less of its owner.
    fn uncount(&mut self, record: Record) {
        match record.owner.consumer_number() {
            Some(number) => self.consumers.numbered_mut(number).pending -= 1,
            None => *self.unowned.of(record.owner) -= 1,
        }
    }
}
