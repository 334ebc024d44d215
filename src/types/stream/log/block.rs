//! A block: the contiguous bytes of some consecutive entries.

use super::entry::{self, Entry, HEAD_REMOVED};
use super::image::{put_id, take_id};
use crate::types::image::bytes::put_varint;
use crate::types::image::{BadImage, Cut};
use crate::types::stream::StreamId;

/// A block takes no further entry that would make it longer than this, so that a full block fills
/// one allocation of a page. An entry that is longer by itself has a block of its own.
pub(super) const BLOCK_BYTES: usize = 4096;

/// Blocks shorter than this are not worth rewriting to get rid of removed entries.
const COMPACT_BYTES_MIN: usize = 256;

/// The bytes of consecutive entries and where each of them begins.
///
/// ```text
/// bytes    template  entry 0  entry 1  …
/// offsets            ^0       ^        where an entry begins, counted from the template's end
/// ```
///
/// Removing an entry sets a bit in it, or moves `start` past it; the bytes go when more than half
/// of the block is removed ones. Every entry has an id of at least `base` and above the one before it.
/// The entries before `start` are all removed, the one at `start` is not, unless none is left.
#[derive(Clone, Default)]
pub(super) struct Block {
    base: StreamId,
    bytes: Vec<u8>,
    offsets: Vec<u16>,
    template_end: u32,
    removed_bytes: u32,
    start: u16,
    live: u16,
}

impl Block {
    /// An empty block with room for `bytes` bytes of entries behind the template.
    pub fn new(base: StreamId, template: &[u8], bytes: usize) -> Block {
        let mut block = Block { base, template_end: template.len() as u32, ..Block::default() };
        block.bytes.reserve_exact(template.len() + bytes);
        block.bytes.extend_from_slice(template);
        block
    }

    /// A block that holds nothing.
    pub fn empty() -> &'static Block {
        static EMPTY: Block = Block {
            base: StreamId::MIN,
            bytes: Vec::new(),
            offsets: Vec::new(),
            template_end: 0,
            removed_bytes: 0,
            start: 0,
            live: 0,
        };
        &EMPTY
    }

    /// Appends the block for a snapshot: see [`image`](super::image).
    pub fn put(&self, out: &mut Vec<u8>) {
        put_id(out, self.base);
        put_varint(out, u64::from(self.start));
        put_varint(out, u64::from(self.template_end));
        out.extend_from_slice(&self.bytes);
    }

    /// Reads what [`put`](Self::put) wrote, of a block that has an entry left. Shows the ids of all
    /// entries and whether they are left to `visit`, until it says that one is wrong. They are above `behind`.
    pub fn take(
        mut cut: Cut<'_>,
        behind: StreamId,
        mut visit: impl FnMut(StreamId, bool) -> bool,
    ) -> Result<Block, BadImage> {
        const WRONG: BadImage = BadImage("a block of a stream is damaged");
        let base = take_id(&mut cut)?;
        let start = cut.varint_to(u64::from(u16::MAX))? as u16;
        let template_end = cut.varint_to(cut.len() as u64)? as u32;
        let bytes = cut.rest();
        let (template, entries) = bytes.split_at_checked(template_end as usize).ok_or(WRONG)?;
        let names = entry::check_template(template)?;
        let mut block = Block { base, start, template_end, ..Block::default() };
        let mut last = base.prev().unwrap_or(StreamId::MIN).max(behind);
        let mut left = Cut::new(entries);
        while !left.is_empty() {
            let offset = entries.len() - left.len();
            let (id, is_removed) = entry::check(base, names, &mut left)?;
            let index = block.offsets.len();
            let is_live = index >= block.start() && !is_removed;
            if id <= last || index >= usize::from(u16::MAX) || !visit(id, is_live) {
                return Err(WRONG);
            }
            last = id;
            block.offsets.push(u16::try_from(offset).map_err(|_| WRONG)?);
            match is_live {
                true => block.live += 1,
                false => block.removed_bytes += (entries.len() - left.len() - offset) as u32,
            }
        }
        block.bytes = bytes.to_vec();
        block.offsets.shrink_to_fit();
        if block.live == 0 || base <= behind || !block.is_live(block.start()) {
            return Err(WRONG);
        }
        Ok(block)
    }

    /// The least id that an entry here may have.
    pub fn base(&self) -> StreamId {
        self.base
    }

    /// Drops the removed entries above `last_id` at the end; no other is above it.
    pub fn forget_above(&mut self, last_id: StreamId) {
        while let Some(last) = self.slots().checked_sub(1)
            && self.id_at(last) > last_id
            && !self.is_live(last)
        {
            self.removed_bytes -= self.len_of(last) as u32;
            self.bytes.truncate(self.position(last));
            self.offsets.pop();
        }
    }

    pub fn template(&self) -> &[u8] {
        &self.bytes[..self.template_end as usize]
    }

    /// The number of entries that are not removed.
    pub fn live(&self) -> usize {
        usize::from(self.live)
    }

    /// The number of entries that lie here, removed ones included.
    pub fn slots(&self) -> usize {
        self.offsets.len()
    }

    /// The first entry that is not removed.
    pub fn start(&self) -> usize {
        usize::from(self.start)
    }

    /// The memory held outside the block itself, in bytes.
    pub fn heap_bytes(&self) -> usize {
        self.bytes.capacity() + self.offsets.capacity() * size_of::<u16>()
    }

    /// Whether another entry of `bytes` bytes may still come into this block.
    pub fn has_room(&self, bytes: usize) -> bool {
        // Behind long names there is to be as much again of entries.
        let template = BLOCK_BYTES.min(self.template_end as usize);
        self.bytes.len() + bytes <= BLOCK_BYTES.max(2 * template)
    }

    /// The encoded length of an id in this block, with the head byte.
    pub fn id_len(&self, id: StreamId) -> usize {
        entry::id_len(self.base, id)
    }

    /// Appends an entry of `bytes` encoded bytes, see [`entry::encode`].
    pub fn push<F: AsRef<[u8]>>(
        &mut self,
        id: StreamId,
        fields: &[F],
        same_fields: bool,
        bytes: usize,
    ) {
        self.reserve(bytes);
        if self.live == 0 {
            self.start = self.offsets.len() as u16;
        }
        self.offsets.push((self.bytes.len() - self.template_end as usize) as u16);
        entry::encode(&mut self.bytes, self.base, id, fields, same_fields);
        self.live += 1;
    }

    /// Doubling would overshoot the page that a full block is meant to fill.
    fn reserve(&mut self, bytes: usize) {
        let wanted = self.bytes.len() + bytes;
        if wanted > self.bytes.capacity() {
            let capacity = wanted.max(BLOCK_BYTES.min(self.bytes.capacity() * 2));
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
    }

    /// Gives back what a block that takes no more entries does not need.
    pub fn seal(&mut self) {
        // Allocators round up by about this much anyway: less is not worth a copy.
        if self.bytes.capacity() - self.bytes.len() > self.bytes.capacity() / 8 {
            self.bytes.shrink_to_fit();
        }
        self.offsets.shrink_to_fit();
    }

    /// The id of the entry at `index`, removed or not.
    #[inline]
    pub fn id_at(&self, index: usize) -> StreamId {
        entry::decode_id(self.base, self.bytes_from(index))
    }

    /// The entry at `index`, which is not removed.
    #[inline]
    pub fn entry(&self, index: usize) -> Entry<'_> {
        Entry::decode(self.base, self.template(), self.bytes_from(index))
    }

    #[inline]
    pub fn is_live(&self, index: usize) -> bool {
        index >= self.start() && self.bytes_from(index)[0] & HEAD_REMOVED == 0
    }

    /// The first index whose id is not below `id`; [`slots`](Self::slots) if all are.
    pub fn seek(&self, id: StreamId) -> usize {
        let mut low = self.start();
        let mut high = self.slots();
        while low < high {
            let middle = low.midpoint(high);
            if self.id_at(middle) < id { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// The index of the entry with this id, if it is here and not removed.
    pub fn find(&self, id: StreamId) -> Option<usize> {
        let index = self.seek(id);
        (index < self.slots() && self.id_at(index) == id && self.is_live(index)).then_some(index)
    }

    /// The first entry at or behind `index` that is not removed.
    #[inline]
    pub fn next_live(&self, index: usize) -> Option<usize> {
        (index.max(self.start())..self.slots()).find(|&index| self.is_live(index))
    }

    /// The last entry before `index` that is not removed.
    #[inline]
    pub fn prev_live(&self, index: usize) -> Option<usize> {
        (self.start()..index).rev().find(|&index| self.is_live(index))
    }

    /// Removes the entry at `index`, which is not removed yet.
    pub fn remove(&mut self, index: usize) {
        let at = self.position(index);
        self.bytes[at] |= HEAD_REMOVED;
        self.removed_bytes += self.len_of(index) as u32;
        self.live -= 1;
        if index == self.start() {
            self.start = self.next_live(index).unwrap_or(self.slots()) as u16;
        }
        self.compact_if_sparse();
    }

    /// Removes every entry before `index`, and answers how many that were.
    pub fn remove_before(&mut self, index: usize) -> usize {
        let before = self.live;
        for index in self.start()..index {
            if self.is_live(index) {
                self.removed_bytes += self.len_of(index) as u32;
                self.live -= 1;
            }
        }
        self.start = index.max(self.start()) as u16;
        self.start = self.next_live(self.start()).unwrap_or(self.slots()) as u16;
        let removed = usize::from(before - self.live);
        self.compact_if_sparse();
        removed
    }

    /// Rewrites the block once removed entries are more than half of its bytes or of its slots. Each
    /// byte is thus copied for at least one that was removed, and skipping the removed ones costs
    /// no more than reading the others.
    fn compact_if_sparse(&mut self) {
        let bytes = self.bytes.len() - self.template_end as usize;
        let sparse = 2 * self.removed_bytes as usize > bytes || 2 * self.live() < self.slots();
        if !sparse || bytes < COMPACT_BYTES_MIN || self.live == 0 {
            return;
        }
        let kept_bytes = bytes - self.removed_bytes as usize;
        let mut kept = Block::new(self.base, self.template(), kept_bytes);
        kept.offsets.reserve_exact(self.live());
        for index in (self.start()..self.slots()).filter(|&index| self.is_live(index)) {
            kept.offsets.push((kept.bytes.len() - kept.template_end as usize) as u16);
            let at = self.position(index);
            kept.bytes.extend_from_slice(&self.bytes[at..at + self.len_of(index)]);
        }
        kept.live = self.live;
        *self = kept;
    }

    fn position(&self, index: usize) -> usize {
        self.template_end as usize + usize::from(self.offsets[index])
    }

    #[inline]
    fn bytes_from(&self, index: usize) -> &[u8] {
        &self.bytes[self.position(index)..]
    }

    fn len_of(&self, index: usize) -> usize {
        let end = match index + 1 < self.slots() {
            true => self.position(index + 1),
            false => self.bytes.len(),
        };
        end - self.position(index)
    }
}
