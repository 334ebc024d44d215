//! A run of packed entries in one buffer, with room to grow at both ends.
//!
//! ```text
//! buf: | free | entry | entry | … | entry | free |
//!             ^ head                      ^ tail
//! ```
//!
//! Invariants: `head <= tail <= buf.len()`; the bytes from head to tail are `count` whole entries.
//! Offsets of entries count from the start of `buf` and hold until the next change.

use super::Side;
use super::entry::{self, Entry};
use crate::types::text::Text;

/// The most bytes a chunk of several entries takes, and its buffer's size in a long list. Redis's
/// nodes have the same bound by default, so a list shrinks to its small encoding where Redis's does.
pub(super) const CHUNK_BYTES_MAX: usize = 8192;
/// What a listpack takes beside its entries; counted for the bound above, stored nowhere here.
pub(super) const LISTPACK_FRAME_BYTES: usize = 7;
/// Redis's allowance for the packing of one more element when it asks whether a node has room.
const ENTRY_FRAME_BYTES: usize = 8;

#[derive(Clone)]
pub(in crate::types) struct Chunk {
    buf: Box<[u8]>,
    head: u32,
    tail: u32,
    count: u32,
}

impl Chunk {
    /// An empty chunk without a buffer.
    pub fn new() -> Chunk {
        Chunk { buf: Box::default(), head: 0, tail: 0, count: 0 }
    }

    /// An empty chunk with all its room on the side it will be pushed to.
    pub fn with_capacity(bytes: usize, side: Side) -> Chunk {
        let end = match side {
            Side::Left => bytes as u32,
            Side::Right => 0,
        };
        Chunk { buf: vec![0; bytes].into_boxed_slice(), head: end, tail: end, count: 0 }
    }

    /// A chunk of `count` packed entries; none if `packed` is anything else.
    pub fn from_packed(count: u64, packed: &[u8]) -> Option<Chunk> {
        let tail = u32::try_from(packed.len()).ok()?;
        let (mut counted, mut rest) = (0, packed);
        while !rest.is_empty() {
            rest = &rest[entry::checked_len(rest)?..];
            counted += 1;
        }
        let count = u32::try_from(count).ok().filter(|&count| count == counted)?;
        Some(Chunk { buf: packed.into(), head: 0, tail, count })
    }

    /// The packed entries.
    pub fn packed(&self) -> &[u8] {
        &self.buf[self.start()..self.end()]
    }

    pub fn count(&self) -> usize {
        self.count as usize
    }

    /// Bytes of the packed entries.
    pub fn used(&self) -> usize {
        (self.tail - self.head) as usize
    }

    pub fn capacity(&self) -> usize {
        self.buf.len()
    }

    /// Whether an element of `value_len` bytes may join without passing the bound.
    pub fn takes(&self, value_len: usize) -> bool {
        self.used() + LISTPACK_FRAME_BYTES + ENTRY_FRAME_BYTES + value_len <= CHUNK_BYTES_MAX
    }

    /// Offset of the first entry.
    pub fn start(&self) -> usize {
        self.head as usize
    }

    /// Offset behind the last entry.
    pub fn end(&self) -> usize {
        self.tail as usize
    }

    /// Offset behind the entry at `offset`.
    #[inline]
    pub fn next(&self, offset: usize) -> usize {
        offset + entry::len_forward(&self.buf[offset..])
    }

    /// Offset of the entry that ends at `offset`.
    #[inline]
    pub fn prev(&self, offset: usize) -> usize {
        offset - entry::len_backward(&self.buf[..offset])
    }

    /// Offset of entry `index`, walked to from the nearer end; the end for `index == count`.
    pub fn seek(&self, index: usize) -> usize {
        let count = self.count();
        debug_assert!(index <= count);
        if index <= count / 2 {
            (0..index).fold(self.start(), |offset, _| self.next(offset))
        } else {
            (index..count).fold(self.end(), |offset, _| self.prev(offset))
        }
    }

    #[inline]
    pub fn element(&self, offset: usize) -> Text<'_> {
        entry::element(&self.buf[offset..])
    }

    #[inline]
    pub fn matches(&self, offset: usize, wanted: &Entry<'_>) -> bool {
        wanted.begins(&self.buf[offset..self.end()])
    }

    /// Adds an entry at an end. The caller has asked [`Chunk::takes`] where the bound matters.
    #[inline]
    pub fn push(&mut self, side: Side, entry: &Entry<'_>) {
        let len = entry.len();
        self.make_room(side, len);
        let at = match side {
            Side::Left => {
                self.head -= len as u32;
                self.start()
            }
            Side::Right => {
                self.tail += len as u32;
                self.end() - len
            }
        };
        entry.write(&mut self.buf[at..at + len]);
        self.count += 1;
    }

    /// Cuts `count` entries off an end.
    pub fn cut(&mut self, side: Side, count: usize) {
        debug_assert!(count <= self.count());
        match side {
            Side::Left => self.head = self.seek(count) as u32,
            Side::Right => self.tail = self.seek(self.count() - count) as u32,
        }
        self.count -= count as u32;
        self.give_back();
    }

    /// Inserts an entry before the one at `offset`, or behind the last.
    pub fn insert(&mut self, offset: usize, entry: &Entry<'_>) {
        let (before, len) = (offset - self.start(), entry.len());
        self.make_room(Side::Right, len);
        let (at, end) = (self.start() + before, self.end());
        self.buf.copy_within(at..end, at + len);
        entry.write(&mut self.buf[at..at + len]);
        self.tail += len as u32;
        self.count += 1;
    }

    /// Takes the entry at `offset` out.
    pub fn remove(&mut self, offset: usize) {
        let (next, end) = (self.next(offset), self.end());
        self.buf.copy_within(next..end, offset);
        self.tail -= (next - offset) as u32;
        self.count -= 1;
    }

    /// Takes the entries at `offsets` out, which are in rising order.
    pub fn remove_all(&mut self, offsets: &[usize]) {
        let Some(&first) = offsets.first() else { return };
        let mut write = first;
        for (i, &offset) in offsets.iter().enumerate() {
            let kept_from = self.next(offset);
            let kept_to = offsets.get(i + 1).copied().unwrap_or(self.end());
            self.buf.copy_within(kept_from..kept_to, write);
            write += kept_to - kept_from;
        }
        self.tail = write as u32;
        self.count -= offsets.len() as u32;
        self.give_back();
    }

    /// Moves entry `index` and what lies behind it into a chunk of its own.
    pub fn split_off(&mut self, index: usize) -> Chunk {
        let at = self.seek(index);
        let moved = &self.buf[at..self.end()];
        let mut right = Chunk::with_capacity(size_class(moved.len()), Side::Right);
        right.buf[..moved.len()].copy_from_slice(moved);
        right.tail = moved.len() as u32;
        right.count = self.count - index as u32;
        self.tail = at as u32;
        self.count = index as u32;
        self.give_back();
        right
    }

    /// Adds all entries of `right` behind this chunk's own.
    pub fn append(&mut self, right: &Chunk) {
        self.make_room(Side::Right, right.used());
        let end = self.end();
        self.buf[end..end + right.used()].copy_from_slice(&right.buf[right.start()..right.end()]);
        self.tail += right.used() as u32;
        self.count += right.count;
    }

    /// Gives back what the buffer has beyond its entries, if that is worth an allocation.
    pub fn shrink(&mut self) {
        let fitting = size_class(self.used());
        if fitting + CHUNK_BYTES_MAX / 16 <= self.capacity() {
            self.move_to(fitting, 0);
        }
    }

    /// Makes `len` bytes free at an end, by sliding the entries or in a larger buffer.
    #[inline]
    fn make_room(&mut self, side: Side, len: usize) {
        let free = match side {
            Side::Left => self.start(),
            Side::Right => self.capacity() - self.end(),
        };
        if free < len {
            self.make_room_slow(side, len);
        }
    }

    #[cold]
    fn make_room_slow(&mut self, side: Side, len: usize) {
        let need = self.used() + len;
        let full_grown = self.capacity() >= CHUNK_BYTES_MAX;
        if need <= self.capacity() && (full_grown || need <= self.capacity() / 4 * 3) {
            // Half of the slack on each side: pushes at alternating ends do not slide each time.
            let spare = (self.capacity() - need) / 2;
            let head = match side {
                Side::Left => len + spare,
                Side::Right => spare,
            };
            let entries = self.start()..self.end();
            self.buf.copy_within(entries, head);
            self.tail = (head + self.used()) as u32;
            self.head = head as u32;
            return;
        }
        let capacity = if self.count == 0 {
            size_class(need)
        } else {
            let grown = need + need / 2;
            let bounded = if need <= CHUNK_BYTES_MAX { grown.min(CHUNK_BYTES_MAX) } else { grown };
            size_class(bounded)
        };
        let head = match side {
            Side::Left => capacity - self.used(),
            Side::Right => 0,
        };
        self.move_to(capacity, head);
    }

    /// After a removal: a buffer three quarters empty is replaced by one half as large.
    fn give_back(&mut self) {
        if self.used() < self.capacity() / 4 && self.capacity() > 32 {
            let capacity = size_class(self.used() * 2);
            self.move_to(capacity, (capacity - self.used()) / 2);
        }
    }

    fn move_to(&mut self, capacity: usize, head: usize) {
        let used = self.used();
        let mut buf = vec![0; capacity].into_boxed_slice();
        buf[head..head + used].copy_from_slice(&self.buf[self.start()..self.end()]);
        self.buf = buf;
        self.head = head as u32;
        self.tail = (head + used) as u32;
    }
}

/// The allocator's next size class (jemalloc's: four to each doubling), so that no room is paid
/// for and left unused.
fn size_class(bytes: usize) -> usize {
    match bytes {
        0..=8 => 8,
        9..=128 => bytes.next_multiple_of(16),
        _ => bytes.next_multiple_of(bytes.next_power_of_two() / 8),
    }
}

#[cfg(test)]
impl Chunk {
    /// Panics where an invariant of the type does not hold.
    pub fn check(&self) {
        assert!(self.start() <= self.end() && self.end() <= self.capacity());
        let mut forward = vec![self.start()];
        while let Some(&at) = forward.last().filter(|&&at| at < self.end()) {
            forward.push(self.next(at));
        }
        let mut backward = vec![self.end()];
        while let Some(&at) = backward.last().filter(|&&at| at > self.start()) {
            backward.push(self.prev(at));
        }
        backward.reverse();
        assert_eq!(forward, backward, "walked from both ends");
        assert_eq!(forward.len() - 1, self.count());
    }
}
