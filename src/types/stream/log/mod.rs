//! The log of a stream: its entries in id order, in blocks.

mod block;
mod entry;
pub(super) mod image;
mod node;
mod range;
mod trim;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use block::{BLOCK_BYTES, Block};
pub use entry::{Entry, Fields};
pub use node::NodeLimits;
use node::{LISTPACK_BYTES_MAX, Nodes};
pub use range::{Cursor, Range, RevRange};
pub use trim::{Trim, TrimBy};

use crate::types::spine::{self, Spine};
use crate::types::stream::StreamId;

/// A block copies the template of the block before it while a node goes on, but where the names are
/// longer than this: there the node ends with its block. By Redis's default limits it has ended before.
const TEMPLATE_CARRIED_MAX: usize = BLOCK_BYTES;

/// The names and values of an entry are more than the 1 GiB that Redis takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryTooLarge;

/// The entries of a stream that are not removed, ordered by id.
///
/// Entries are added behind the last one only; any may be removed. A clone shares the blocks in
/// constant time, and either side then copies a block before changing it.
///
/// Invariants: each block holds an entry that is not removed, and only ids above all of the block
/// before it. A block's template is the field names of the first entry of every [node](NodeLimits)
/// that has entries in it.
#[derive(Clone, Default)]
pub struct Log {
    slots: Spine<Slot>,
    /// The number of the first block: blocks are numbered on, so that a [`Cursor`] finds its own again.
    first_block: u64,
    len: u64,
    nodes: Nodes,
    /// What the blocks' buffers take, in bytes.
    buffer_bytes: usize,
}

/// A block's place in the log. The id is repeated here for a search that touches no block.
#[derive(Clone)]
struct Slot {
    first_id: StreamId,
    block: Arc<Block>,
}

impl Slot {
    /// Changes the block, a copy of it if it is shared, and what the log's buffers take with it.
    #[inline]
    fn change<T>(&mut self, buffer_bytes: &mut usize, change: impl FnOnce(&mut Block) -> T) -> T {
        // A copy may have less room than what it is of.
        let before = self.block.heap_bytes();
        let block = Arc::make_mut(&mut self.block);
        let answer = change(block);
        *buffer_bytes = *buffer_bytes - before + block.heap_bytes();
        answer
    }
}

impl spine::Slot for Slot {
    type Key = StreamId;

    fn key(&self) -> &StreamId {
        &self.first_id
    }
}

impl Log {
    pub fn new() -> Log {
        Log::default()
    }

    /// The number of entries.
    pub fn len(&self) -> u64 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first entry.
    pub fn first(&self) -> Option<Entry<'_>> {
        let block = &self.slots.front()?.block;
        Some(block.entry(block.start()))
    }

    /// The id of the first entry.
    pub fn first_id(&self) -> Option<StreamId> {
        let block = &self.slots.front()?.block;
        Some(block.id_at(block.start()))
    }

    /// The last entry.
    pub fn last(&self) -> Option<Entry<'_>> {
        let block = &self.slots.back()?.block;
        Some(block.entry(block.prev_live(block.slots())?))
    }

    /// The id of the last entry.
    pub fn last_id(&self) -> Option<StreamId> {
        self.last().map(|entry| entry.id())
    }

    /// The number of nodes that Redis would keep the entries in.
    pub fn node_count(&self) -> usize {
        self.nodes.count()
    }

    /// Where each of those nodes ends: the last id that was ever added to it.
    pub fn node_ends(&self) -> impl Iterator<Item = StreamId> {
        self.nodes.iter().map(|node| node.last_id)
    }

    /// The memory that the log holds, in bytes, with blocks that are shared counted in full.
    pub fn memory_bytes(&self) -> usize {
        /// The two counters of an `Arc` stand before the block.
        const BLOCK_OWN_BYTES: usize = size_of::<Block>() + 2 * size_of::<usize>();
        size_of::<Log>()
            + self.slots.heap_bytes()
            + self.slots.len() * BLOCK_OWN_BYTES
            + self.buffer_bytes
            + self.nodes.heap_bytes()
    }

    /// Appends an entry. `fields` alternates names and values, and `id` is above every id added
    /// before. The limits say where nodes end, for later trimming with `~`.
    pub fn append<F: AsRef<[u8]>>(
        &mut self,
        id: StreamId,
        fields: &[F],
        limits: NodeLimits,
    ) -> Result<(), EntryTooLarge> {
        debug_assert!(self.last_id().is_none_or(|last| last < id), "{id} is not above the last id");
        let payload_bytes = fields.iter().map(|field| field.as_ref().len()).sum();
        if payload_bytes as u64 > LISTPACK_BYTES_MAX {
            return Err(EntryTooLarge);
        }
        let mut starts_node = self.nodes.starts_node(payload_bytes, limits);
        let mut same_fields = false;
        let mut room = None;
        if let Some(Slot { block, .. }) = self.slots.back() {
            same_fields = entry::template_matches(block.template(), fields);
            let bytes = block.id_len(id) + entry::body_len(fields, same_fields);
            room = (block.has_room(bytes) && (same_fields || !starts_node)).then_some(bytes);
        }
        let bytes = room.unwrap_or_else(|| {
            starts_node |= self.tail_template().len() > TEMPLATE_CARRIED_MAX;
            same_fields |= starts_node;
            self.push_block(id, fields, starts_node);
            // An id that is its block's base takes two bytes, the head's one among them.
            2 + entry::body_len(fields, same_fields)
        });
        if let Some(slot) = self.slots.back_mut() {
            slot.change(&mut self.buffer_bytes, |block| block.push(id, fields, same_fields, bytes));
        }
        self.nodes.push(id, fields, starts_node, same_fields);
        self.len += 1;
        Ok(())
    }

    fn tail_template(&self) -> &[u8] {
        self.slots.back().map_or(&[], |slot| slot.block.template())
    }

    /// Ends the last block and starts one for the entry `id`, with its template or, while the node
    /// goes on, the one before it.
    fn push_block<F: AsRef<[u8]>>(&mut self, id: StreamId, fields: &[F], starts_node: bool) {
        let mut template = Vec::new();
        if starts_node {
            entry::encode_template(&mut template, fields);
        } else {
            template.extend_from_slice(self.tail_template());
        }
        if let Some(slot) = self.slots.back_mut()
            && let Some(block) = Arc::get_mut(&mut slot.block)
        {
            let before = block.heap_bytes();
            block.seal();
            self.buffer_bytes -= before - block.heap_bytes();
        }
        // A short stream stays small; one that has filled a block is likely to fill the next.
        let bytes =
            if self.slots.is_empty() { 0 } else { BLOCK_BYTES.saturating_sub(template.len()) };
        let block = Block::new(id, &template, bytes);
        self.buffer_bytes += block.heap_bytes();
        self.slots.push_back(Slot { first_id: id, block: Arc::new(block) });
    }

    /// The entry with this id.
    pub fn get(&self, id: StreamId) -> Option<Entry<'_>> {
        let (_, slot) = self.slot_of(id)?;
        Some(slot.block.entry(slot.block.find(id)?))
    }

    pub fn contains(&self, id: StreamId) -> bool {
        self.slot_of(id).is_some_and(|(_, slot)| slot.block.find(id).is_some())
    }

    /// Removes the entry with this id, and answers whether there was one.
    pub fn remove(&mut self, id: StreamId) -> bool {
        let Some((at, slot)) = self.slot_of(id) else { return false };
        let Some(index) = slot.block.find(id) else { return false };
        if slot.block.live() == 1 {
            self.drop_block(at);
        } else {
            self.change_block(at, |block| block.remove(index));
        }
        self.len -= 1;
        self.nodes.remove(id);
        true
    }

    /// Notes that ids above `last_id` may be given again. No entry above it is left.
    pub fn forget_above(&mut self, last_id: StreamId) {
        debug_assert!(self.last_id().is_none_or(|last| last <= last_id));
        if let Some(tail) = self.slots.len().checked_sub(1) {
            self.change_block(tail, |block| block.forget_above(last_id));
            self.nodes.lower_last_id(last_id);
        }
    }

    /// The slot whose block holds `id` if any does, and its place.
    #[inline]
    fn slot_of(&self, id: StreamId) -> Option<(usize, &Slot)> {
        self.slots.last_before(|&first_id| first_id <= id)
    }

    /// Changes the block of a slot that is there.
    fn change_block<T>(&mut self, at: usize, change: impl FnOnce(&mut Block) -> T) -> T {
        let slot = self.slots.get_mut(at).expect("the slot is there");
        slot.change(&mut self.buffer_bytes, change)
    }

    /// Drops a block with its entries. Blocks behind it keep their numbers.
    fn drop_block(&mut self, at: usize) {
        let is_last = at + 1 == self.slots.len();
        if let Some(slot) = self.slots.remove(at) {
            self.buffer_bytes -= slot.block.heap_bytes();
            self.first_block += u64::from(!is_last);
        }
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.range(StreamId::MIN, StreamId::MAX)).finish()
    }
}
