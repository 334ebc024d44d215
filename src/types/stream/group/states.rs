//! The states of an entry in a group, but for those in which a consumer holds it.

use super::{Extent, Group, Log, Record};
use crate::types::stream::pending::Owner;
use crate::types::stream::{NEVER, StreamId};

/// How many pending entries are in each state without a consumer.
#[derive(Clone, Copy, Default)]
pub(super) struct Unowned {
    released: u64,
    ready: u64,
    deferred: u64,
    held: u64,
    dead: u64,
}

impl Unowned {
    pub fn all(&self) -> u64 {
        self.released + self.ready + self.deferred + self.held + self.dead
    }

    /// The count of a state, which must not be a consumer.
    pub fn of(&mut self, state: Owner) -> &mut u64 {
        match state {
            Owner::RELEASED => &mut self.released,
            Owner::READY => &mut self.ready,
            Owner::DEFERRED => &mut self.deferred,
            Owner::HELD => &mut self.held,
            Owner::DEAD => &mut self.dead,
            owner => unreachable!("{owner:?} is no state without a consumer"),
        }
    }
}

impl Group {
    /// How many pending entries are in this state, which must not be a consumer.
    pub fn count_in(&self, state: Owner) -> u64 {
        let mut unowned = self.unowned;
        *unowned.of(state)
    }

    /// How many pending entries consumers hold.
    pub fn in_flight(&self) -> u64 {
        self.pending.len() - self.unowned.all()
    }

    /// When something in the group is due by itself, unix ms: a deferred entry, or the end of a
    /// lease.
    pub fn next_due_ms(&self) -> i64 {
        let due_ms = self.pending.earliest_due_ms().map_or(NEVER, u64::cast_signed);
        let Some(lease_ms) = self.policy().and_then(|policy| policy.lease_ms) else {
            return due_ms;
        };
        let delivered_ms = self.pending.earliest_delivery_ms();
        let lapse_ms = delivered_ms.map_or(NEVER, |at_ms| (at_ms + lease_ms).cast_signed());
        due_ms.min(lapse_ms)
    }

    /// Puts an entry into a state, or under a consumer. What it was before.
    pub fn place(&mut self, _log: &Log, record: Record) -> Option<Record> {
        self.put(record)
    }

    /// Moves the cursor over all entries up to `to`. `extent` is the stream's.
    pub fn pass_to(&mut self, to: StreamId, log: &Log, extent: &Extent) {
        let mut entries = self.undelivered(log);
        let mut passed = None;
        while let Some(entry) = entries.next()
            && entry.id() <= to
        {
            self.advance(entry.id(), extent);
            passed = entries.cursor();
        }
        if let Some(cursor) = passed {
            self.set_cursor(cursor);
        }
    }

    /// Pending entries below `end` that no consumer holds.
    pub fn unowned_below(&self, end: StreamId) -> Vec<Record> {
        let mut found = Vec::new();
        if self.unowned.all() > 0 {
            self.scan(StreamId::MIN, Default::default(), |record| {
                if record.id >= end {
                    return std::ops::ControlFlow::Break(());
                }
                if record.owner.is_unowned() {
                    found.push(record);
                }
                std::ops::ControlFlow::Continue(())
            });
        }
        found
    }
}
