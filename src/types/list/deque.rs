//! The long form of a list: chunks in a [spine](crate::types::spine).
//!
//! A chunk takes as many places in the spine as it has elements, so an index is found in logarithmic
//! time, also after changes in the middle. A push or a pop touches the chunk at that end and
//! nothing else.
//!
//! Invariant: no chunk is empty. Chunks are behind an `Arc`, so that a clone of the list shares them
//! until one side writes.

use std::sync::Arc;

use super::Side;
use super::chunk::{CHUNK_BYTES_MAX, Chunk};
use super::entry::Entry;
use crate::types::spine::{self, Spine};

/// A chunk, and how many elements it has, so that counting touches no chunk.
#[derive(Clone)]
struct Slot {
    count: u32,
    chunk: Arc<Chunk>,
}

impl spine::Slot for Slot {
    type Key = ();
    const IS_UNIT: bool = false;

    fn key(&self) -> &() {
        &()
    }

    #[inline]
    fn weight(&self) -> usize {
        self.count as usize
    }
}

impl Slot {
    fn new(chunk: Chunk) -> Slot {
        Slot { count: chunk.count() as u32, chunk: Arc::new(chunk) }
    }

    /// Changes the chunk, a copy of it if it is shared.
    #[inline]
    fn change<R>(&mut self, change: impl FnOnce(&mut Chunk) -> R) -> R {
        let chunk = Arc::make_mut(&mut self.chunk);
        let answer = change(chunk);
        self.count = chunk.count() as u32;
        answer
    }
}

#[derive(Clone)]
pub(super) struct Deque {
    slots: Spine<Slot>,
}

impl Deque {
    pub fn new(first: Chunk) -> Deque {
        let mut deque = Deque { slots: Spine::new() };
        if first.count() > 0 {
            deque.push_whole(first);
        }
        deque
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn chunk_count(&self) -> usize {
        self.slots.slot_count()
    }

    /// The chunk at an end.
    #[inline]
    pub fn end(&self, side: Side) -> Option<&Chunk> {
        let slot = match side {
            Side::Left => self.slots.front(),
            Side::Right => self.slots.back(),
        };
        slot.map(|slot| &*slot.chunk)
    }

    /// The chunk of element `index`, which exists, and the element's index in it.
    #[inline]
    pub fn locate(&self, index: usize) -> (&Chunk, usize) {
        let (slot, in_chunk) = self.slots.at(index).expect("the element exists");
        (&slot.chunk, in_chunk)
    }

    pub fn chunks(&self) -> impl Iterator<Item = &Chunk> {
        self.slots.iter().map(|slot| &*slot.chunk)
    }

    /// The only chunk, if there is no more than one.
    pub fn into_single(mut self) -> Chunk {
        debug_assert!(self.slots.slot_count() <= 1);
        self.slots.pop_back().map_or_else(Chunk::new, |slot| Arc::unwrap_or_clone(slot.chunk))
    }

    pub fn heap_bytes(&self) -> usize {
        self.slots.heap_bytes()
    }

    #[inline]
    pub fn push(&mut self, side: Side, value_len: usize, entry: &Entry<'_>) {
        match self.end_mut(side) {
            Some(slot) if slot.chunk.takes(value_len) => {
                slot.change(|chunk| chunk.push(side, entry));
            }
            _ => self.push_chunk(side, value_len, entry),
        }
    }

    #[inline]
    fn end_mut(&mut self, side: Side) -> Option<&mut Slot> {
        match side {
            Side::Left => self.slots.front_mut(),
            Side::Right => self.slots.back_mut(),
        }
    }

    fn push_chunk(&mut self, side: Side, value_len: usize, entry: &Entry<'_>) {
        // What could not take a small element is as full as it gets; what could not take a large
        // one may be half empty.
        if let Some(slot) = self.end_mut(side)
            && slot.chunk.used() + CHUNK_BYTES_MAX / 16 <= slot.chunk.capacity()
        {
            slot.change(Chunk::shrink);
        }
        let mut chunk = if Chunk::new().takes(value_len) {
            Chunk::with_capacity(CHUNK_BYTES_MAX, side)
        } else {
            Chunk::with_capacity(entry.len(), side)
        };
        chunk.push(side, entry);
        match side {
            Side::Left => self.slots.push_front(Slot::new(chunk)),
            Side::Right => self.push_whole(chunk),
        }
    }

    /// Adds a chunk that is not empty behind the last.
    pub fn push_whole(&mut self, chunk: Chunk) {
        self.slots.push_back(Slot::new(chunk));
    }

    /// Takes the first chunk out.
    pub fn pop_first(&mut self) -> Option<Arc<Chunk>> {
        self.slots.pop_front().map(|slot| slot.chunk)
    }

    /// Drops `count` elements from an end; there are as many.
    pub fn cut(&mut self, side: Side, mut count: usize) {
        while count > 0 {
            let slot = self.end_mut(side).expect("no more is cut than there is");
            let in_chunk = slot.chunk.count();
            if in_chunk > count {
                slot.change(|chunk| chunk.cut(side, count));
                return;
            }
            match side {
                Side::Left => self.slots.pop_front(),
                Side::Right => self.slots.pop_back(),
            };
            count -= in_chunk;
        }
    }

    /// Replaces element `index`.
    pub fn set(&mut self, index: usize, value_len: usize, entry: &Entry<'_>) {
        let (start, split, is_sparse) = self.change(index, |chunk, in_chunk| {
            let mut split = Vec::new();
            if chunk.count() == 1 {
                // Alone before, alone after: a buffer of the new size replaces the old.
                *chunk = Chunk::new();
                chunk.push(Side::Right, entry);
            } else {
                let offset = chunk.seek(in_chunk);
                chunk.remove(offset);
                match chunk.takes(value_len) {
                    true => chunk.insert(offset, entry),
                    false => split = insert_split(chunk, in_chunk, value_len, entry),
                }
            }
            (index - in_chunk, split, is_sparse(chunk))
        });
        if !split.is_empty() {
            self.insert_behind(start, split);
        } else if is_sparse && !self.join_sparse(start) {
            self.join_sparse(start + self.locate(start).0.count());
        }
    }

    /// Inserts an element before element `index`, or behind the last.
    pub fn insert(&mut self, index: usize, value_len: usize, entry: &Entry<'_>) {
        if index == self.len() {
            return self.push(Side::Right, value_len, entry);
        }
        let (start, split) = self.change(index, |chunk, in_chunk| {
            let mut split = Vec::new();
            match chunk.takes(value_len) {
                true => chunk.insert(chunk.seek(in_chunk), entry),
                false => split = insert_split(chunk, in_chunk, value_len, entry),
            }
            (index - in_chunk, split)
        });
        self.insert_behind(start, split);
    }

    /// Changes the chunk of element `index`, which is told the element's index in it, and leaves
    /// an element there.
    fn change<R>(&mut self, index: usize, change: impl FnOnce(&mut Chunk, usize) -> R) -> R {
        self.slots.change(index, |slot, in_chunk| slot.change(|chunk| change(chunk, in_chunk)))
    }

    /// Puts chunks behind the one that starts at element `start`.
    fn insert_behind(&mut self, start: usize, chunks: Vec<Chunk>) {
        if chunks.is_empty() {
            return;
        }
        let mut place = start + self.locate(start).0.count();
        for chunk in chunks {
            let count = chunk.count();
            self.slots.insert(place, Slot::new(chunk));
            place += count;
        }
    }

    /// Removes up to `limit` elements equal to `wanted`, searching from `side`. Returns how many.
    pub fn remove_matching(&mut self, wanted: &Entry<'_>, side: Side, limit: usize) -> usize {
        let mut removed = 0;
        // What is still to be searched.
        let (mut from, mut to) = (0, self.len());
        let mut offsets = Vec::new();
        let mut has_changed = false;
        while from < to && removed < limit {
            let near = if side == Side::Left { from } else { to - 1 };
            let (chunk, in_chunk) = self.locate(near);
            let (start, count) = (near - in_chunk, chunk.count());
            offsets.clear();
            collect_matching(chunk, wanted, side, limit - removed, &mut offsets);
            let left = count - offsets.len();
            removed += offsets.len();
            match (offsets.is_empty(), left) {
                (true, _) => {}
                (false, 0) => drop(self.slots.remove(start)),
                (false, _) => self.change(start, |chunk, _| chunk.remove_all(&offsets)),
            }
            // Its neighbour on the side that has been searched.
            let border = if side == Side::Left { start } else { start + left };
            let was_joined =
                (has_changed || !offsets.is_empty()) && left > 0 && self.join_sparse(border);
            has_changed = was_joined || !offsets.is_empty();
            match side {
                Side::Left => (from, to) = (start + left, to - offsets.len()),
                Side::Right => to = start,
            }
        }
        if removed > 0 {
            self.join_sparse(if side == Side::Left { from } else { to });
        }
        removed
    }

    /// Joins the chunk that starts at element `start` to the one before it, if there are two and
    /// both are sparse; whether they were.
    fn join_sparse(&mut self, start: usize) -> bool {
        if start == 0 || start >= self.len() {
            return false;
        }
        let right = self.locate(start).0;
        if !is_sparse(right) || !joinable(self.locate(start - 1).0, right) {
            return false;
        }
        if let Some(right) = self.slots.remove(start) {
            self.change(start - 1, |left, _| left.append(&right.chunk));
        }
        true
    }
}

/// Inserts before element `in_chunk` of a chunk that has no room, by cutting it in two there. Returns
/// what is to stand behind it; none of the chunks is empty.
fn insert_split(
    left: &mut Chunk,
    in_chunk: usize,
    value_len: usize,
    entry: &Entry<'_>,
) -> Vec<Chunk> {
    let right = left.split_off(in_chunk);
    let mut behind = Vec::with_capacity(2);
    if left.count() == 0 {
        *left = Chunk::new();
        left.push(Side::Right, entry);
        behind.push(right);
    } else if left.takes(value_len) {
        left.push(Side::Right, entry);
        behind.push(right);
    } else {
        let mut own = Chunk::new();
        own.push(Side::Right, entry);
        if right.count() > 0 && right.takes(value_len) {
            own.append(&right);
            behind.push(own);
        } else {
            behind.push(own);
            behind.push(right);
        }
    }
    behind.retain(|chunk| chunk.count() > 0);
    behind
}

/// Whether a chunk may be [`joinable`] to any other.
fn is_sparse(chunk: &Chunk) -> bool {
    chunk.used() < CHUNK_BYTES_MAX / 2
}

/// Whether two neighbours are so empty that one chunk should hold both. Half a chunk together, so
/// that the joined chunk is not cut in two by the next insertion.
fn joinable(left: &Chunk, right: &Chunk) -> bool {
    left.used() + right.used() <= CHUNK_BYTES_MAX / 2
}

/// Appends the offsets of up to `limit` entries equal to `wanted`, searched from `side`, in rising
/// order.
pub(super) fn collect_matching(
    chunk: &Chunk,
    wanted: &Entry<'_>,
    side: Side,
    limit: usize,
    offsets: &mut Vec<usize>,
) {
    match side {
        Side::Left => {
            let mut at = chunk.start();
            while at < chunk.end() && offsets.len() < limit {
                if chunk.matches(at, wanted) {
                    offsets.push(at);
                }
                at = chunk.next(at);
            }
        }
        Side::Right => {
            let mut at = chunk.end();
            while at > chunk.start() && offsets.len() < limit {
                at = chunk.prev(at);
                if chunk.matches(at, wanted) {
                    offsets.push(at);
                }
            }
            offsets.reverse();
        }
    }
}

#[cfg(test)]
impl Deque {
    /// Panics where an invariant of the type does not hold.
    pub fn check(&self) {
        for slot in self.slots.iter() {
            slot.chunk.check();
            assert!(slot.chunk.count() > 0, "empty chunk");
            assert_eq!(slot.count as usize, slot.chunk.count());
        }
    }
}
