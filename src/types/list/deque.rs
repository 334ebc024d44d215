//! The long form of a list: a deque of chunks.
//!
//! Each slot carries the position of its chunk's first element on a number line that only moves at
//! the ends: a push on the left takes the number below the first slot's. So an index is found by
//! binary search, a push or a pop touches one slot, and only a change in the middle renumbers the
//! slots on its nearer side.
//!
//! Invariants: no chunk is empty; `slots[i + 1].start == slots[i].start + slots[i].chunk.count()`.
//! Chunks are behind an `Arc`, so that a clone of the list shares them until one side writes.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Side;
use super::chunk::{CHUNK_BYTES_MAX, Chunk};
use super::entry::Entry;

#[derive(Clone)]
struct Slot {
    start: i64,
    chunk: Arc<Chunk>,
}

impl Slot {
    fn end(&self) -> i64 {
        self.start + self.chunk.count() as i64
    }
}

#[derive(Clone)]
pub(super) struct Deque {
    slots: VecDeque<Slot>,
}

impl Deque {
    /// A deque of one chunk, or of none if it is empty.
    pub fn new(first: Chunk) -> Deque {
        let mut slots = VecDeque::new();
        if first.count() > 0 {
            slots.push_back(Slot { start: 0, chunk: Arc::new(first) });
        }
        Deque { slots }
    }

    pub fn len(&self) -> usize {
        match (self.slots.front(), self.slots.back()) {
            (Some(first), Some(last)) => (last.end() - first.start) as usize,
            _ => 0,
        }
    }

    pub fn chunk_count(&self) -> usize {
        self.slots.len()
    }

    pub fn chunk(&self, slot: usize) -> &Chunk {
        &self.slots[slot].chunk
    }

    /// The only chunk, if there is no more than one.
    pub fn into_single(mut self) -> Chunk {
        debug_assert!(self.slots.len() <= 1);
        self.slots.pop_front().map_or_else(Chunk::new, |slot| Arc::unwrap_or_clone(slot.chunk))
    }

    pub fn heap_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
    }

    /// Slot, and index within its chunk, of element `index`, which exists.
    pub fn locate(&self, index: usize) -> (usize, usize) {
        let position = self.slots[0].start + index as i64;
        let slot = self.slots.partition_point(|slot| slot.start <= position) - 1;
        (slot, (position - self.slots[slot].start) as usize)
    }

    pub fn push(&mut self, side: Side, value_len: usize, entry: &Entry<'_>) {
        let end = match side {
            Side::Left => self.slots.front_mut(),
            Side::Right => self.slots.back_mut(),
        };
        match end {
            Some(slot) if slot.chunk.takes(value_len) => {
                Arc::make_mut(&mut slot.chunk).push(side, entry);
                slot.start -= i64::from(side == Side::Left);
            }
            _ => self.push_chunk(side, value_len, entry),
        }
    }

    fn push_chunk(&mut self, side: Side, value_len: usize, entry: &Entry<'_>) {
        // What could not take a small element is as full as it gets; what could not take a large
        // one may be half empty.
        if let Some(slot) = match side {
            Side::Left => self.slots.front_mut(),
            Side::Right => self.slots.back_mut(),
        } && slot.chunk.used() + CHUNK_BYTES_MAX / 16 <= slot.chunk.capacity()
        {
            Arc::make_mut(&mut slot.chunk).shrink();
        }
        let mut chunk = if Chunk::new().takes(value_len) {
            Chunk::with_capacity(CHUNK_BYTES_MAX, side)
        } else {
            Chunk::with_capacity(entry.len(), side)
        };
        chunk.push(side, entry);
        let chunk = Arc::new(chunk);
        match side {
            Side::Left => {
                let start = self.slots.front().map_or(0, |slot| slot.start - 1);
                self.slots.push_front(Slot { start, chunk });
            }
            Side::Right => {
                let start = self.slots.back().map_or(0, Slot::end);
                self.slots.push_back(Slot { start, chunk });
            }
        }
    }

    /// Adds a chunk that is not empty behind the last.
    pub fn push_whole(&mut self, chunk: Arc<Chunk>) {
        let start = self.slots.back().map_or(0, Slot::end);
        self.slots.push_back(Slot { start, chunk });
    }

    /// Drops `count` elements from an end; there are as many.
    pub fn cut(&mut self, side: Side, mut count: usize) {
        while count > 0 {
            let slot = match side {
                Side::Left => self.slots.front_mut(),
                Side::Right => self.slots.back_mut(),
            }
            .expect("no more is cut than there is");
            let in_chunk = slot.chunk.count();
            if in_chunk > count {
                Arc::make_mut(&mut slot.chunk).cut(side, count);
                slot.start += if side == Side::Left { count as i64 } else { 0 };
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
        let (at, in_chunk) = self.locate(index);
        let chunk = Arc::make_mut(&mut self.slots[at].chunk);
        let offset = chunk.seek(in_chunk);
        chunk.remove(offset);
        if chunk.count() == 0 {
            // Alone before, alone after: a buffer of the new size replaces the old.
            *chunk = Chunk::new();
            chunk.push(Side::Right, entry);
            self.settle(at, 0);
        } else if chunk.takes(value_len) {
            chunk.insert(offset, entry);
            self.settle(at, 0);
        } else {
            self.insert_split(at, in_chunk, value_len, entry);
            self.renumber(at, at + 2, 0);
        }
    }

    /// Inserts an element before element `index`, or behind the last.
    pub fn insert(&mut self, index: usize, value_len: usize, entry: &Entry<'_>) {
        if index == self.len() {
            return self.push(Side::Right, value_len, entry);
        }
        let (at, in_chunk) = self.locate(index);
        if self.slots[at].chunk.takes(value_len) {
            let chunk = Arc::make_mut(&mut self.slots[at].chunk);
            chunk.insert(chunk.seek(in_chunk), entry);
        } else {
            self.insert_split(at, in_chunk, value_len, entry);
        }
        self.renumber(at, at + 2, 1);
    }

    /// Inserts before element `in_chunk` of slot `at`, whose chunk has no room, by cutting the
    /// chunk in two there. Touches slots `at..=at + 2` and leaves their numbers to the caller.
    fn insert_split(&mut self, at: usize, in_chunk: usize, value_len: usize, entry: &Entry<'_>) {
        let left = Arc::make_mut(&mut self.slots[at].chunk);
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
        let filled = behind.into_iter().filter(|chunk| chunk.count() > 0);
        for (i, chunk) in filled.enumerate() {
            self.slots.insert(at + 1 + i, Slot { start: 0, chunk: Arc::new(chunk) });
        }
    }

    /// Removes up to `limit` elements equal to `wanted`, searching from `side`. Returns how many.
    pub fn remove_matching(&mut self, wanted: &Entry<'_>, side: Side, limit: usize) -> usize {
        let slots = self.slots.len();
        let mut removed = 0;
        let mut touched: Option<usize> = None;
        let mut several = false;
        let mut offsets = Vec::new();
        for i in 0..slots {
            let at = if side == Side::Left { i } else { slots - 1 - i };
            offsets.clear();
            collect_matching(&self.slots[at].chunk, wanted, side, limit - removed, &mut offsets);
            if !offsets.is_empty() {
                removed += offsets.len();
                Arc::make_mut(&mut self.slots[at].chunk).remove_all(&offsets);
                several |= touched.replace(at).is_some();
            }
            if removed == limit {
                break;
            }
        }
        match touched {
            Some(_) if several => self.rebuild(),
            Some(at) => self.settle(at, removed),
            None => {}
        }
        removed
    }

    /// After `removed` elements left the chunk of slot `at`: numbers the rest, and drops the chunk
    /// if it is empty or joins it to a neighbour if it has become sparse.
    fn settle(&mut self, at: usize, removed: usize) {
        self.renumber(at, at, -(removed as i64));
        if self.slots[at].chunk.count() == 0 {
            self.slots.remove(at);
            return;
        }
        if at > 0 && joinable(&self.slots[at - 1].chunk, &self.slots[at].chunk) {
            self.join(at - 1);
        } else if at + 1 < self.slots.len()
            && joinable(&self.slots[at].chunk, &self.slots[at + 1].chunk)
        {
            self.join(at);
        }
    }

    /// Joins the chunk behind slot `at` to the one in it.
    fn join(&mut self, at: usize) {
        if let Some(right) = self.slots.remove(at + 1) {
            Arc::make_mut(&mut self.slots[at].chunk).append(&right.chunk);
        }
    }

    /// Drops empty chunks, joins sparse ones, numbers all slots anew. Walks every slot: for
    /// removals that have touched several.
    fn rebuild(&mut self) {
        let mut rest: VecDeque<Slot> = VecDeque::with_capacity(self.slots.len());
        for slot in self.slots.drain(..) {
            match rest.back_mut() {
                _ if slot.chunk.count() == 0 => {}
                Some(last) if joinable(&last.chunk, &slot.chunk) => {
                    Arc::make_mut(&mut last.chunk).append(&slot.chunk);
                }
                Some(last) => {
                    let start = last.end();
                    rest.push_back(Slot { start, chunk: slot.chunk });
                }
                None => rest.push_back(slot),
            }
        }
        self.slots = rest;
    }

    /// Restores the numbering after slots `from..=to` (or the last) were changed and the list
    /// became longer by `grown`: inside them from the start of `from`, beyond them by moving the
    /// nearer side.
    fn renumber(&mut self, from: usize, to: usize, grown: i64) {
        let to = to.min(self.slots.len() - 1);
        for at in from..to {
            self.slots[at + 1].start = self.slots[at].end();
        }
        if grown == 0 {
            return;
        }
        if to < self.slots.len() / 2 {
            self.slots.range_mut(..=to).for_each(|slot| slot.start -= grown);
        } else {
            self.slots.range_mut(to + 1..).for_each(|slot| slot.start += grown);
        }
    }
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
        let mut position = self.slots[0].start;
        for slot in &self.slots {
            slot.chunk.check();
            assert!(slot.chunk.count() > 0, "empty chunk");
            assert_eq!(slot.start, position, "numbering");
            position = slot.end();
        }
    }
}
