//! What a group with a policy keeps beside its pending entries, and how entries change places in it.
//!
//! Which of the entries with one ORDERBY value is ready and which are held follows from the line they
//! stand in. It is brought up to date with each change of an entry that stands there, so that it is
//! the same whatever order effects come in.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::order::{self, Order};
use super::pace::Pace;
use super::{Extent, Group, Log, Record};
use crate::types::stream::log::Entry;
use crate::types::stream::pending::Owner;
use crate::types::stream::policy::GroupPolicy;
use crate::types::stream::{NEVER, StreamId};

/// What ORDERBY and RATE need to know.
#[derive(Clone, Default)]
pub(super) struct Work {
    /// Where ORDERBY is set.
    pub order: Option<Order>,
    /// Where RATE is set.
    pub pace: Option<Pace>,
}

impl Work {
    pub fn heap_bytes(&self) -> usize {
        let order = self.order.as_ref().map_or(0, Order::heap_bytes);
        size_of::<Work>() + order + self.pace.as_ref().map_or(0, Pace::heap_bytes)
    }
}

/// What an entry finds in the line of its ORDERBY value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// Nobody; the value.
    Alone(u64),
    /// None that goes before it. Also where there is no ORDERBY, or it has no value.
    Next,
    /// One that has to go first.
    Held,
}

impl Group {
    /// The policy, to be held while the group changes.
    pub fn shared_policy(&self) -> Option<Arc<GroupPolicy>> {
        self.policy.clone()
    }

    /// When something in the group is due by itself, unix ms: a deferred entry, the end of a lease, or
    /// a consumer that may be idle for too long.
    pub fn next_due_ms(&self) -> i64 {
        let due_ms = self.pending.earliest_due_ms().map_or(NEVER, u64::cast_signed);
        let due_ms = due_ms.min(self.idle_check_ms());
        let Some(lease_ms) = self.policy().and_then(|policy| policy.lease_ms) else {
            return due_ms;
        };
        let delivered_ms = self.pending.earliest_delivery_ms();
        let lapse_ms = delivered_ms.map_or(NEVER, |at_ms| (at_ms + lease_ms).cast_signed());
        due_ms.min(lapse_ms)
    }

    /// Whether an entry that leaves the group may let others go out.
    pub fn frees_others(&self) -> bool {
        let policy = self.policy();
        policy.is_some_and(|policy| policy.order_by.is_some() || policy.max_in_flight.is_some())
    }

    /// Puts an entry into a state, or under a consumer; `log` is the stream's. What it was before.
    pub fn place(&mut self, log: &Log, record: Record) -> Option<Record> {
        if !record.owner.is_dead() {
            self.line_up(log, record.id);
        }
        self.put(record)
    }

    /// Has an entry that is to be put into the group stand in the line of its ORDERBY value.
    #[inline]
    pub fn line_up(&mut self, log: &Log, id: StreamId) {
        if self.work.is_some() {
            self.enter_line(log, id);
        }
    }

    fn enter_line(&mut self, log: &Log, id: StreamId) {
        let Group { work, policy, .. } = self;
        let order = work.as_mut().and_then(|work| work.order.as_mut());
        let field = policy.as_ref().and_then(|policy| policy.order_by.as_deref());
        if let (Some(order), Some(field)) = (order, field)
            && order.value(id).is_none()
            && let Some(value) = log.get(id).and_then(|entry| order::value_of(&entry, field))
        {
            order.enter(id, value, false);
        }
    }

    /// What an entry that the cursor comes to, and that has no record, finds in its line.
    pub fn turn(&self, entry: &Entry<'_>) -> Turn {
        let order = self.work.as_ref().and_then(|work| work.order.as_ref());
        let field = self.policy().and_then(|policy| policy.order_by.as_deref());
        let (Some(order), Some(field)) = (order, field) else { return Turn::Next };
        let Some(value) = order::value_of(entry, field) else { return Turn::Next };
        match order.first(value) {
            None => Turn::Alone(value),
            Some(first) if first.goes_before(entry.id()) => Turn::Held,
            Some(_) => Turn::Next,
        }
    }

    /// Puts an entry under a consumer for the first time, by what it found in its line; `log` is the
    /// stream's.
    pub fn place_new(&mut self, log: &Log, record: Record, turn: Turn) {
        let order = self.work.as_mut().and_then(|work| work.order.as_mut());
        if let (Turn::Alone(value), Some(order)) = (turn, order) {
            // Nobody else's place depends on it.
            order.enter(record.id, value, true);
            self.put_alone(record);
        } else {
            self.place(log, record);
        }
    }

    /// Whether an entry has to let another one with its ORDERBY value go first.
    pub fn is_held(&self, entry: &Entry<'_>) -> bool {
        let order = self.work.as_ref().and_then(|work| work.order.as_ref());
        let field = self.policy().and_then(|policy| policy.order_by.as_deref());
        let (Some(order), Some(field)) = (order, field) else { return false };
        let value = order.value(entry.id()).or_else(|| order::value_of(entry, field));
        value.is_some_and(|value| order.holds(entry.id(), value))
    }

    /// Whether ORDERBY gives an entry a line to stand in.
    pub fn has_line_for(&self, entry: &Entry<'_>) -> bool {
        let field = self.policy().and_then(|policy| policy.order_by.as_deref());
        field.is_some_and(|field| order::value_of(entry, field).is_some())
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

    /// Counts deliveries for RATE.
    pub fn note_deliveries(&mut self, at_ms: u64, count: u64) {
        let rate = self.policy().and_then(|policy| policy.rate);
        let pace = self.work.as_mut().and_then(|work| work.pace.as_mut());
        if let (Some(rate), Some(pace)) = (rate, pace) {
            pace.note(at_ms, count, rate);
        }
    }

    /// How many deliveries RATE allows now.
    pub fn rate_left(&self, now_ms: u64) -> u64 {
        self.rated().map_or(u64::MAX, |(pace, rate)| pace.left(now_ms, rate))
    }

    /// When RATE allows the next delivery, unix ms, where it allows none now.
    pub fn rate_next_ms(&self) -> i64 {
        self.rated().and_then(|(pace, rate)| pace.next_ms(rate)).map_or(NEVER, u64::cast_signed)
    }

    /// The deliveries that RATE still counts: when, unix ms, and how many.
    pub fn paced(&self) -> impl Iterator<Item = (u64, u64)> {
        let pace = self.work.as_ref().and_then(|work| work.pace.as_ref());
        pace.into_iter().flat_map(|pace| pace.from(0))
    }

    /// The unfinished entries with an ORDERBY value, by id, each with what its value comes to.
    pub fn in_line(&self) -> impl Iterator<Item = (StreamId, u64)> {
        let order = self.work.as_ref().and_then(|work| work.order.as_ref());
        order.into_iter().flat_map(|order| order.from(0))
    }

    fn rated(&self) -> Option<(&Pace, crate::types::stream::policy::Rate)> {
        let pace = self.work.as_ref()?.pace.as_ref()?;
        Some((pace, self.policy()?.rate?))
    }

    /// Changes the policy, and brings what is pending into line with it. `log` is the stream's.
    ///
    /// Where there was none, what XNACK has released becomes ready. Where there is none any more,
    /// what no consumer holds reads as released; but for entries that were never delivered, which
    /// wait for their time as in any group. Answers what has become ready.
    pub fn adopt(&mut self, policy: GroupPolicy, log: &Log, at_ms: u64) -> Vec<StreamId> {
        let before = self.policy.clone();
        self.set_policy(policy);
        let now = self.policy.clone();
        let order_of = |policy: &Option<Arc<GroupPolicy>>| {
            policy.as_ref().and_then(|policy| policy.order_by.clone())
        };
        let order_changed = order_of(&before) != order_of(&now);
        let mut released: Vec<Record> = Vec::new();
        match (before.is_some(), now.is_some()) {
            (false, true) => {
                released.extend(self.pending.released());
                for &record in &released {
                    self.put(Record { owner: Owner::READY, time: at_ms, ..record });
                }
            }
            (true, false) => {
                self.work = None;
                self.release_all();
            }
            _ => {}
        }
        if order_changed && now.is_some() {
            self.line_all_up(log);
        }
        released.into_iter().map(|record| record.id).collect()
    }

    /// Makes or drops what parameters of the policy need to be kept.
    pub(super) fn fit_work(&mut self) {
        let (orders, rates) = self
            .policy()
            .map_or((false, false), |policy| (policy.order_by.is_some(), policy.rate.is_some()));
        if !orders && !rates {
            self.work = None;
            return;
        }
        let work = self.work.get_or_insert_default();
        if orders {
            work.order.get_or_insert_default();
        } else {
            work.order = None;
        }
        if rates {
            work.pace.get_or_insert_default();
        } else {
            work.pace = None;
        }
    }

    fn release_all(&mut self) {
        let unowned: Vec<Record> = self.pending.unowned().collect();
        for record in unowned {
            match record.owner {
                Owner::HELD if record.count == 0 => {
                    self.put(Record { owner: Owner::READY, ..record });
                }
                Owner::READY | Owner::DEFERRED if record.count == 0 => {}
                _ => {
                    self.release(record.id, record.count);
                }
            }
        }
    }

    /// Makes the lines anew, for another field or none.
    fn line_all_up(&mut self, log: &Log) {
        if let Some(order) = self.work.as_mut().and_then(|work| work.order.as_mut()) {
            *order = Order::default();
        }
        let mut all = Vec::new();
        self.scan(StreamId::MIN, Default::default(), |record| {
            all.push(record);
            std::ops::ControlFlow::<()>::Continue(())
        });
        for record in all {
            let owner = if record.owner == Owner::HELD { Owner::READY } else { record.owner };
            self.place(log, Record { owner, ..record });
        }
    }

    /// Brings the line of an entry up to date with what became of it.
    pub(super) fn follow(&mut self, record: Record) {
        let Some(order) = self.work.as_mut().and_then(|work| work.order.as_mut()) else { return };
        let value = match record.owner {
            owner if owner.is_dead() => order.leave(record.id),
            owner => order.note(record.id, !owner.is_unowned()),
        };
        if let Some(value) = value {
            self.settle_line(value, Some(record.id));
        }
    }

    /// The same for one that the group is done with.
    pub(super) fn follow_done(&mut self, id: StreamId) {
        let Some(order) = self.work.as_mut().and_then(|work| work.order.as_mut()) else { return };
        if let Some(value) = order.leave(id) {
            self.settle_line(value, None);
        }
    }

    /// Has the first in a line be ready if it is due, and those behind it held. One entry's change
    /// concerns no more than that entry and the two that wait in front.
    fn settle_line(&mut self, value: u64, changed: Option<StreamId>) {
        let Some(order) = self.work.as_ref().and_then(|work| work.order.as_ref()) else { return };
        let is_free = order.first(value).is_some_and(|first| !first.is_in_flight);
        let [first, second] = order.waiting(value);
        for id in [first, second, changed] {
            let Some(record) = id.and_then(|id| self.pending.get(id)) else { continue };
            let may_go = is_free && id == first;
            let owner = match record.owner {
                Owner::HELD if may_go => Owner::READY,
                Owner::READY if !may_go => Owner::HELD,
                _ => continue,
            };
            self.put_alone(Record { owner, ..record });
        }
    }
}
