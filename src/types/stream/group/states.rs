//! The states of an entry in a group, but for those in which a consumer holds it.

use std::ops::ControlFlow;

use super::Group;
use crate::types::stream::StreamId;
use crate::types::stream::pending::Owner;

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
            owner if owner.is_dead() => &mut self.dead,
            owner => unreachable!("{owner:?} is no state without a consumer"),
        }
    }
}

impl Group {
    /// How many pending entries are in this state, which must not be a consumer. The dead count
    /// together, whatever they died of.
    pub fn count_in(&self, state: Owner) -> u64 {
        let mut unowned = self.unowned;
        *unowned.of(state)
    }

    /// Whether the group hands out what its cursor comes to and nothing else, as in Redis.
    #[inline]
    pub fn is_plain(&self) -> bool {
        self.policy.is_none() && self.unowned.ready == 0 && self.unowned.deferred == 0
    }

    /// How many pending entries consumers hold.
    pub fn in_flight(&self) -> u64 {
        self.pending.len() - self.unowned.all()
    }

    /// How many entries more may be in flight, by MAXINFLIGHT; `u64::MAX` where that is not set.
    pub fn free_slots(&self) -> u64 {
        let max = self.policy().and_then(|policy| policy.max_in_flight);
        max.map_or(u64::MAX, |max| max.saturating_sub(self.in_flight()))
    }

    /// How many pending entries are in a state that only this server has.
    pub fn queued_count(&self) -> u64 {
        self.unowned.all() - self.count_in(Owner::RELEASED)
    }

    /// Drops an entry that the stream no longer has, if it waits for its next delivery or is dead; whether
    /// it did. What a consumer holds stays until that is done with it, and what XNACK has released in
    /// a group without a policy stays as in Redis.
    pub fn forget(&mut self, id: StreamId) -> bool {
        let is_queued = self.pending.get(id).is_some_and(|record| record.owner.is_queued());
        is_queued && self.acknowledge(id).is_some()
    }

    /// The same for all entries below `end`.
    pub fn forget_below(&mut self, end: StreamId) -> bool {
        let mut gone = Vec::new();
        self.scan(StreamId::MIN, Default::default(), |record| {
            if record.id >= end {
                return ControlFlow::Break(());
            }
            if record.owner.is_queued() {
                gone.push(record.id);
            }
            ControlFlow::Continue(())
        });
        for &id in &gone {
            self.acknowledge(id);
        }
        !gone.is_empty()
    }
}
