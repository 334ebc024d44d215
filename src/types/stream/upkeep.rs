//! What a stream still has to do by itself, and when.
//!
//! Nothing of it is part of the value: a stream that is loaded finds it out again.

use super::policy::Retain;
use super::{NEVER, Stream, StreamId};

/// Work that was begun, or found to be needed.
#[derive(Clone, Copy, Default)]
pub(super) struct Upkeep {
    /// From here on any entry may be one that every group is done with.
    sweep_from: Option<StreamId>,
    /// A group has a FILTER.
    has_filters: bool,
    /// A group may stand before an entry that is not for it.
    is_filtering: bool,
}

impl Stream {
    /// When the first thing in the stream is due by itself, unix ms. Looks at each group.
    pub fn next_due_ms(&self) -> i64 {
        if self.upkeep.sweep_from.is_some() || self.upkeep.is_filtering || self.is_too_long() {
            return 0;
        }
        let expiry_ms = self.next_expiry_ms().map_or(NEVER, u64::cast_signed);
        let groups = self.groups.iter().map(|(_, group)| group.next_due_ms());
        groups.min().unwrap_or(NEVER).min(expiry_ms).min(self.too_old_ms())
    }

    /// When the stream is to be looked after because of what was just added, unix ms, if that is earlier
    /// than anybody knows.
    #[inline]
    pub fn soonest_after_add_ms(&self) -> Option<i64> {
        if self.policy.is_none() && self.schedule.is_none() {
            return None;
        }
        let expiry_ms = self.next_expiry_ms().map_or(NEVER, u64::cast_signed);
        let over_ms = if self.is_too_long() { 0 } else { NEVER };
        let at_ms = expiry_ms.min(self.too_old_ms()).min(over_ms);
        (at_ms < self.timer_ms).then_some(at_ms)
    }

    /// When the first entry is too old, unix ms.
    pub fn too_old_ms(&self) -> i64 {
        let age_ms = self.policy().and_then(|policy| policy.age_limit_ms());
        let at_ms =
            age_ms.zip(self.log.first_id()).map(|(age_ms, id)| id.ms.saturating_add(age_ms));
        at_ms.and_then(|at_ms| i64::try_from(at_ms).ok()).unwrap_or(NEVER)
    }

    fn is_too_long(&self) -> bool {
        let policy = self.policy().filter(|policy| policy.drops_oldest());
        let max_len = policy.and_then(|policy| policy.max_len);
        max_len.is_some_and(|max_len| self.log.len() > max_len)
    }

    /// Finds out again what groups have to pass by themselves, and begins to look at all entries where
    /// those go that everybody is done with: after a change of policies, groups or cursors.
    pub fn groups_moved(&mut self) {
        let filters = |policy: &super::policy::GroupPolicy| !policy.filters.is_empty();
        self.upkeep.has_filters =
            self.groups.iter().any(|(_, group)| group.policy().is_some_and(filters));
        self.upkeep.is_filtering = self.upkeep.has_filters;
        let is_shedding = self.policy().is_some_and(|policy| policy.retain == Retain::Acked);
        let first_expired = || self.schedule.as_ref()?.first_expired();
        self.upkeep.sweep_from = if is_shedding { Some(StreamId::MIN) } else { first_expired() };
    }

    #[inline]
    pub fn has_filters(&self) -> bool {
        self.upkeep.has_filters
    }

    /// Whether a group may stand before an entry that is not for it.
    #[inline]
    pub fn is_filtering(&self) -> bool {
        self.upkeep.is_filtering
    }

    /// Notes that entries are gone, the last of them `last`: who stood before them may stand now before
    /// one that is not for it.
    #[inline]
    pub(super) fn note_removed(&mut self, last: StreamId) {
        if self.upkeep.has_filters && !self.upkeep.is_filtering {
            let stood_before = |group: &super::Group| {
                group.last_delivered_id() < last
                    && group.policy().is_some_and(|policy| !policy.filters.is_empty())
            };
            self.upkeep.is_filtering = self.groups.iter().any(|(_, group)| stood_before(group));
        }
    }

    /// Notes whether a group may stand before an entry that is not for it.
    pub fn set_filtering(&mut self, is_filtering: bool) {
        self.upkeep.is_filtering = is_filtering;
    }

    /// From where on entries are to be looked at, if they are.
    pub fn sweep_from(&self) -> Option<StreamId> {
        self.upkeep.sweep_from
    }

    /// Notes from where on entries are still to be looked at.
    pub fn sweep_on(&mut self, from: Option<StreamId>) {
        self.upkeep.sweep_from = from;
    }

    /// Whether entries go by themselves once groups are done with them.
    #[inline]
    pub fn may_shed(&self) -> bool {
        let has_expired = self.schedule.as_ref().is_some_and(|schedule| schedule.has_any_expired());
        has_expired || self.policy().is_some_and(|policy| policy.retain == Retain::Acked)
    }

    /// Whether an entry is to go: every group is done with it and only others stay, or it has expired
    /// and no group holds it.
    pub fn is_over(&self, id: StreamId) -> bool {
        let is_shedding = self.policy().is_some_and(|policy| policy.retain == Retain::Acked);
        let is_done = is_shedding && self.groups.len() > 0 && !self.is_awaited(id);
        is_done || self.has_been_judged(id) && !self.is_held(id)
    }

    /// Whether any group has the entry pending.
    pub fn is_held(&self, id: StreamId) -> bool {
        self.groups.hold(id)
    }

    /// Whether an entry has expired and every group was told.
    pub fn has_been_judged(&self, id: StreamId) -> bool {
        self.schedule.as_ref().is_some_and(|schedule| schedule.has_expired(id))
    }
}
