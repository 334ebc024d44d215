//! Reading a log in order, from any id, in either direction.

use super::block::Block;
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
        let Some((slot, at)) = self.slot_near(first) else { return self.nothing() };
        Range { log: self, slot, block: &at.block, index: at.block.seek(first), last, read: None }
    }

    /// The entries from `last` down to `first`, both included.
    pub fn range_rev(&self, first: StreamId, last: StreamId) -> RevRange<'_> {
        let found = match last.next() {
            Some(behind) => self.slot_near(behind).map(|(slot, at)| (slot, at.block.seek(behind))),
            None => self.slots.back().map(|at| (self.slots.len() - 1, at.block.slots())),
        };
        let (slot, index) = found.unwrap_or((0, 0));
        RevRange { log: self, slot, block: self.block(slot), index, first }
    }

    /// The entries behind `id`. Takes no search if `cursor` is where the entry `id` was read.
    pub fn after(&self, id: StreamId, cursor: Cursor) -> Range<'_> {
        let slot = cursor.block.wrapping_sub(self.first_block) as usize;
        let index = cursor.index as usize;
        if let Some(Slot { block, .. }) = self.slots.get(slot)
            && index < block.slots()
            && block.id_at(index) == id
        {
            let last = StreamId::MAX;
            return Range { log: self, slot, block, index: index + 1, last, read: None };
        }
        match id.next() {
            Some(first) => self.range(first, StreamId::MAX),
            None => self.nothing(),
        }
    }

    fn nothing(&self) -> Range<'_> {
        let slot = self.slots.len();
        Range { log: self, slot, block: Block::empty(), index: 0, last: StreamId::MIN, read: None }
    }

    /// The slot in which the first entry that is not below `id` lies, or the one before it.
    fn slot_near(&self, id: StreamId) -> Option<(usize, &Slot)> {
        self.slot_of(id).or_else(|| self.slots.front().map(|slot| (0, slot)))
    }

    fn block(&self, slot: usize) -> &Block {
        self.slots.get(slot).map_or(Block::empty(), |slot| &slot.block)
    }
}

/// Entries in order, see [`Log::range`].
#[derive(Clone)]
pub struct Range<'a> {
    log: &'a Log,
    slot: usize,
    /// The slot's block; an empty one behind the last.
    block: &'a Block,
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
            let Some(index) = self.block.next_live(self.index) else {
                if self.slot >= self.log.slots.len() {
                    return None;
                }
                self.slot += 1;
                self.block = self.log.block(self.slot);
                self.index = 0;
                continue;
            };
            let entry = self.block.entry(index);
            if entry.id() > self.last {
                self.slot = self.log.slots.len();
                self.block = Block::empty();
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
    block: &'a Block,
    /// Entries of the slot from here on have been passed.
    index: usize,
    first: StreamId,
}

impl<'a> Iterator for RevRange<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        loop {
            if let Some(index) = self.block.prev_live(self.index) {
                let entry = self.block.entry(index);
                if entry.id() < self.first {
                    (self.slot, self.index) = (0, 0);
                    return None;
                }
                self.index = index;
                return Some(entry);
            }
            self.slot = self.slot.checked_sub(1)?;
            self.block = self.log.block(self.slot);
            self.index = self.block.slots();
        }
    }
}
