//! The groups of a stream, by name.

use std::sync::Arc;

use super::StreamId;
use super::group::Group;
use crate::types::spine::{Slot, Spine};

/// A group and its name. Shared with clones of the stream until one side changes the group.
#[derive(Clone)]
struct Named {
    name: Arc<[u8]>,
    group: Arc<Group>,
}

impl Slot for Named {
    type Key = Arc<[u8]>;

    fn key(&self) -> &Arc<[u8]> {
        &self.name
    }
}

/// Groups in order of name.
#[derive(Clone, Default)]
pub(super) struct Groups {
    groups: Spine<Named>,
}

impl Groups {
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    #[inline]
    pub fn get(&self, name: &[u8]) -> Option<&Group> {
        let named = self.groups.get(self.find(name)?)?;
        Some(&named.group)
    }

    #[inline]
    pub fn get_mut(&mut self, name: &[u8]) -> Option<&mut Group> {
        let place = self.find(name)?;
        self.groups.get_mut(place).map(|named| Arc::make_mut(&mut named.group))
    }

    /// The group at this place in the order of names, and its name.
    pub fn at(&self, place: usize) -> Option<(&[u8], &Group)> {
        self.groups.get(place).map(|named| (&*named.name, &*named.group))
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &Group)> {
        self.groups.iter().map(|named| (&*named.name, &*named.group))
    }

    /// Adds a group; false, and no change, if there is one of this name.
    pub fn insert(&mut self, name: &[u8], group: Group) -> bool {
        if self.find(name).is_some() {
            return false;
        }
        let named = Named { name: name.into(), group: Arc::new(group) };
        self.groups.insert(self.place(name), named);
        true
    }

    pub fn remove(&mut self, name: &[u8]) -> Option<Arc<Group>> {
        let place = self.find(name)?;
        self.groups.remove(place).map(|named| named.group)
    }

    /// Whether a group has the entry pending or still has to be given it, which may be for one group alone.
    pub fn await_entry(&self, id: StreamId, addressee: Option<&[u8]>) -> bool {
        match addressee {
            None => self.groups.iter().any(|named| named.group.awaits(id)),
            // Another group is never given it, but may have a record of its id that outlived another
            // entry.
            Some(name) => self.get(name).is_some_and(|group| group.awaits(id)) || self.hold(id),
        }
    }

    /// Whether a group has the entry pending.
    pub fn hold(&self, id: StreamId) -> bool {
        self.groups.iter().any(|named| named.group.pending().get(id).is_some())
    }

    /// Makes an entry no longer pending in any group; whether it was in one.
    pub fn forget_references(&mut self, id: StreamId) -> bool {
        let mut was_pending = false;
        for place in 0..self.groups.len() {
            // Looked up first: a group that does not have it must not be copied.
            if self.at(place).is_some_and(|(_, group)| group.pending().get(id).is_some())
                && let Some(named) = self.groups.get_mut(place)
            {
                was_pending |= Arc::make_mut(&mut named.group).acknowledge(id).is_some();
            }
        }
        was_pending
    }

    /// Drops an entry that is gone where it waits for its next delivery or is dead; whether it did
    /// anywhere.
    pub fn forget(&mut self, id: StreamId) -> bool {
        self.forget_by(|group| group.forget(id))
    }

    /// The same for all entries below `end`.
    pub fn forget_below(&mut self, end: StreamId) -> bool {
        self.forget_by(|group| group.forget_below(end))
    }

    fn forget_by(&mut self, forget: impl Fn(&mut Group) -> bool) -> bool {
        let mut forgot = false;
        for place in 0..self.groups.len() {
            // Looked at first: a group that has none must not be copied.
            if self.at(place).is_some_and(|(_, group)| group.queued_count() > 0)
                && let Some(named) = self.groups.get_mut(place)
            {
                forgot |= forget(Arc::make_mut(&mut named.group));
            }
        }
        forgot
    }

    pub fn heap_bytes(&self) -> usize {
        /// The two counters of each `Arc`.
        const COUNTERS_BYTES: usize = 4 * size_of::<usize>();
        let own = |named: &Named| {
            COUNTERS_BYTES + named.name.len() + size_of::<Group>() + named.group.heap_bytes()
        };
        self.groups.heap_bytes() + self.groups.iter().map(own).sum::<usize>()
    }

    /// The place of the group of this name, if there is one.
    #[inline]
    fn find(&self, name: &[u8]) -> Option<usize> {
        // Most streams have one group.
        if self.groups.back().is_some_and(|last| *last.name == *name) {
            return Some(self.groups.len() - 1);
        }
        let place = self.place(name);
        let named = self.groups.get(place)?;
        (*named.name == *name).then_some(place)
    }

    /// The place of the group of this name, or where it would stand.
    fn place(&self, name: &[u8]) -> usize {
        self.groups.partition_point(|other| **other < *name)
    }
}
