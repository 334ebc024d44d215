//! Reading a log in order, from any id, in either direction.

use super::{Entry, Log, Slot};
use crate::types::stream::StreamId;

/// Where in a log an entry was read, so that reading on behind it takes no search.
///
/// It is a hint and never wrong: it counts only while it still points at the very entry that reading goes on from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    pub(super) block: u64,
    pub(super) index: u32,
}

impl Log {
    /// The entries from `first` to `last`, both included.
    pub fn range(&self, first: StreamId, last: StreamId) -> Range<'_> {
        let (slot, index) = self.seek(first);
        Range { log: self, slot, index, last, read: None }
    }

    /// The entries from `last` down to `first`, both included.
    pub fn range_rev(&self, first: StreamId, last: StreamId) -> RevRange<'_> {
        let (slot, index) = match last.next() {
            Some(behind) => self.seek(behind),
            None => (self.slots.len(), 0),
        };
        RevRange { log: self, slot, index, first }
    }

    /// The entries behind `id`. Takes no search if `cursor` is where the entry `id` was read.
    pub fn after(&self, id: StreamId, cursor: Cursor) -> Range<'_> {
        let slot = cursor.block.wrapping_sub(self.first_block) as usize;
        let index = cursor.index as usize;
        if let Some(Slot { block, .. }) = self.slots.get(slot)
            && index < block.slots()
            && block.id_at(index) == id
        {
            return Range { log: self, slot, index: index + 1, last: StreamId::MAX, read: None };
        }
        match id.next() {
            Some(first) => self.range(first, StreamId::MAX),
            None => Range { log: self, slot: self.slots.len(), index: 0, last: id, read: None },
        }
    }

    /// The slot and index of the first entry that is not below `id`, or a place right before it.
    fn seek(&self, id: StreamId) -> (usize, usize) {
        let slot = self.slot_of(id).unwrap_or(0);
        (slot, self.slots.get(slot).map_or(0, |slot| slot.block.seek(id)))
    }
}

/// Entries in order, see [`Log::range`].
#[derive(Clone)]
pub struct Range<'a> {
    log: &'a Log,
    slot: usize,
    index: usize,
    last: StreamId,
    read: Option<Cursor>,
}

impl Range<'_> {
    /// Where the last entry was read, or nothing if none was. See [`Log::after`].
    pub fn cursor(&self) -> Option<Cursor> {
        self.read
    }
}

impl<'a> Iterator for Range<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        loop {
            let block = &self.log.slots.get(self.slot)?.block;
            let Some(index) = block.next_live(self.index) else {
                self.slot += 1;
                self.index = 0;
                continue;
            };
            let entry = block.entry(index);
            if entry.id() > self.last {
                self.slot = self.log.slots.len();
                return None;
            }
            let block = self.log.first_block + self.slot as u64;
            self.read = Some(Cursor { block, index: index as u32 });
            self.index = index + 1;
            return Some(entry);
        }
    }
}

/// Entries in falling order, see [`Log::range_rev`].
#[derive(Clone)]
pub struct RevRange<'a> {
    log: &'a Log,
    slot: usize,
    /// Entries of the slot from here on have been passed.
    index: usize,
    first: StreamId,
}

impl<'a> Iterator for RevRange<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        loop {
            if let Some(Slot { block, .. }) = self.log.slots.get(self.slot)
                && let Some(index) = block.prev_live(self.index)
            {
                let entry = block.entry(index);
                if entry.id() < self.first {
                    (self.slot, self.index) = (0, 0);
                    return None;
                }
                self.index = index;
                return Some(entry);
            }
            self.slot = self.slot.checked_sub(1)?;
            self.index = self.log.slots[self.slot].block.slots();
        }
    }
}
