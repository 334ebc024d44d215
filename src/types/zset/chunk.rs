//! A run of members in the order of their scores, in one buffer of three columns.
//!
//! ```text
//! buf: | score | score | … free | end | end | … free | member | member | … free |
//!      | 8 bytes for each place | 4 bytes for each   | what is left of the buffer
//! ```
//!
//! An end says where the member's bytes end, counted from where the first member's begin. Places
//! before `first` are of members that were popped: their bytes are dead until the next rebuild, so
//! that a pop moves nothing.
//!
//! Invariants: `first + count <= room`, `buf` holds at least `room` places, ends never fall, and
//! entries rise by (score, member). Numbers are little end first.

use std::cmp::Ordering;

/// The most members of a chunk in a large set.
pub(super) const MEMBERS_MAX: usize = 128;
/// The most bytes that the members of a chunk take together, unless one alone takes more.
pub(super) const MEMBER_BYTES_MAX: usize = 4096;

const SCORE_BYTES: usize = 8;
const END_BYTES: usize = 4;
const PLACE_BYTES: usize = SCORE_BYTES + END_BYTES;

/// Orders two members; no score is a NaN.
#[inline]
pub(super) fn order(score: f64, member: &[u8], other_score: f64, other: &[u8]) -> Ordering {
    if score < other_score {
        Ordering::Less
    } else if score > other_score {
        Ordering::Greater
    } else {
        member.cmp(other)
    }
}

#[derive(Clone)]
pub(super) struct Chunk {
    buf: Box<[u8]>,
    room: u32,
    first: u32,
    count: u32,
}

impl Chunk {
    /// An empty chunk without a buffer.
    pub fn new() -> Chunk {
        Chunk { buf: Box::default(), room: 0, first: 0, count: 0 }
    }

    /// A chunk of one member.
    pub fn single(score: f64, member: &[u8]) -> Chunk {
        let mut chunk = Chunk::new();
        chunk.insert(0, score, member);
        chunk
    }

    /// An empty chunk that takes as many members, of as many bytes together, without growing.
    pub fn with_room(members: usize, bytes: usize) -> Chunk {
        let len = size_class(members * PLACE_BYTES + bytes);
        Chunk { buf: vec![0; len].into_boxed_slice(), room: members as u32, first: 0, count: 0 }
    }

    #[inline]
    pub fn count(&self) -> usize {
        self.count as usize
    }

    /// Bytes of the buffer.
    pub fn capacity(&self) -> usize {
        self.buf.len()
    }

    /// Bytes of all members together.
    pub fn member_bytes(&self) -> usize {
        self.end_of(self.count()) - self.end_of(0)
    }

    /// Whether a member of `len` bytes may join without passing the bounds of a large set.
    #[inline]
    pub fn takes(&self, len: usize) -> bool {
        let count = self.count();
        count == 0 || count < MEMBERS_MAX && self.member_bytes() + len <= MEMBER_BYTES_MAX
    }

    #[inline]
    fn base(&self) -> usize {
        self.room as usize * PLACE_BYTES
    }

    /// Where the members before entry `index` end, dead ones included.
    #[inline]
    fn end_of(&self, index: usize) -> usize {
        match (self.first as usize + index).checked_sub(1) {
            None => 0,
            Some(place) => {
                let at = self.room as usize * SCORE_BYTES + place * END_BYTES;
                let end = self.buf[at..].first_chunk().copied().expect("a place has its end");
                u32::from_le_bytes(end) as usize
            }
        }
    }

    #[inline]
    pub fn score(&self, index: usize) -> f64 {
        let at = (self.first as usize + index) * SCORE_BYTES;
        let score = self.buf[at..].first_chunk().copied().expect("an entry has a score");
        f64::from_le_bytes(score)
    }

    #[inline]
    pub fn member(&self, index: usize) -> &[u8] {
        let base = self.base();
        &self.buf[base + self.end_of(index)..base + self.end_of(index + 1)]
    }

    #[inline]
    pub fn entry(&self, index: usize) -> (&[u8], f64) {
        (self.member(index), self.score(index))
    }

    /// The index of an entry, or where it would stand.
    #[inline]
    pub fn search(&self, score: f64, member: &[u8]) -> Result<usize, usize> {
        let (mut from, mut to) = (0, self.count());
        while from < to {
            let middle = (from + to) / 2;
            let found = self.score(middle);
            let ordering = if found < score {
                Ordering::Less
            } else if found > score {
                Ordering::Greater
            } else {
                self.member(middle).cmp(member)
            };
            match ordering {
                Ordering::Less => from = middle + 1,
                Ordering::Greater => to = middle,
                Ordering::Equal => return Ok(middle),
            }
        }
        Err(from)
    }

    /// The index of a member whose score is not known.
    pub fn find(&self, member: &[u8]) -> Option<usize> {
        let base = self.base();
        let mut start = self.end_of(0);
        for index in 0..self.count() {
            let end = self.end_of(index + 1);
            if end - start == member.len() && self.buf[base + start..base + end] == *member {
                return Some(index);
            }
            start = end;
        }
        None
    }

    /// How many entries at the start `before` holds for, of which it holds for none behind them.
    pub fn partition_point(&self, before: &impl Fn(f64, &[u8]) -> bool) -> usize {
        let (mut from, mut to) = (0, self.count());
        while from < to {
            let middle = (from + to) / 2;
            if before(self.score(middle), self.member(middle)) {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        from
    }

    /// Puts an entry before entry `index`, or behind the last.
    pub fn insert(&mut self, index: usize, score: f64, member: &[u8]) {
        let (len, count) = (member.len(), self.count());
        let end = self.end_of(count);
        if (self.first + self.count) == self.room || self.base() + end + len > self.buf.len() {
            self.grow(len);
        }
        let (start, end, base) = (self.end_of(index), self.end_of(count), self.base());
        let place = self.first as usize + index;
        let places = self.first as usize + count;
        self.buf.copy_within(base + start..base + end, base + start + len);
        self.buf[base + start..base + start + len].copy_from_slice(member);
        self.buf.copy_within(place * SCORE_BYTES..places * SCORE_BYTES, (place + 1) * SCORE_BYTES);
        self.buf[place * SCORE_BYTES..(place + 1) * SCORE_BYTES]
            .copy_from_slice(&score.to_le_bytes());
        let ends = self.room as usize * SCORE_BYTES;
        let (from, to) = (ends + place * END_BYTES, ends + places * END_BYTES);
        self.buf.copy_within(from..to, from + END_BYTES);
        self.count += 1;
        self.set_end(place, start + len);
        self.move_ends(place + 1, len as u32);
    }

    fn set_end(&mut self, place: usize, end: usize) {
        let at = self.room as usize * SCORE_BYTES + place * END_BYTES;
        self.buf[at..at + END_BYTES].copy_from_slice(&(end as u32).to_le_bytes());
    }

    /// Adds `by`, which may stand for a negative number, to the ends from a place on.
    fn move_ends(&mut self, place: usize, by: u32) {
        let ends = self.room as usize * SCORE_BYTES;
        let behind = (self.first + self.count) as usize;
        let moved = &mut self.buf[ends + place * END_BYTES..ends + behind * END_BYTES];
        for end in moved.as_chunks_mut::<END_BYTES>().0 {
            *end = u32::from_le_bytes(*end).wrapping_add(by).to_le_bytes();
        }
    }

    /// Takes entries `from..to` out.
    pub fn remove(&mut self, from: usize, to: usize) {
        let (count, taken) = (self.count(), to - from);
        if taken == count {
            *self = Chunk::new();
            return;
        }
        if from == 0 {
            self.first += taken as u32;
            self.count -= taken as u32;
        } else if to == count {
            self.count -= taken as u32;
        } else {
            self.close_gap(from, to);
        }
        self.give_back();
    }

    fn close_gap(&mut self, from: usize, to: usize) {
        let (start, kept, end) = (self.end_of(from), self.end_of(to), self.end_of(self.count()));
        let base = self.base();
        self.buf.copy_within(base + kept..base + end, base + start);
        let (first, count) = (self.first as usize, self.count());
        let ends = self.room as usize * SCORE_BYTES;
        for (column, width) in [(0, SCORE_BYTES), (ends, END_BYTES)] {
            let moved = column + (first + to) * width..column + (first + count) * width;
            self.buf.copy_within(moved, column + (first + from) * width);
        }
        self.count -= (to - from) as u32;
        self.move_ends(first + from, ((kept - start) as u32).wrapping_neg());
    }

    /// Whether entry `index` would stand where it does with another score, among those of the chunk.
    #[inline]
    pub fn allows(&self, index: usize, score: f64) -> bool {
        let precedes = |other| {
            let found = self.score(other);
            found < score || found == score && self.member(other) < self.member(index)
        };
        (index == 0 || precedes(index - 1)) && (index + 1 == self.count() || !precedes(index + 1))
    }

    /// Gives entry `index` another score that leaves it where it stands.
    pub fn set_score(&mut self, index: usize, score: f64) {
        let at = (self.first as usize + index) * SCORE_BYTES;
        self.buf[at..at + SCORE_BYTES].copy_from_slice(&score.to_le_bytes());
    }

    /// Moves entry `index` and what lies behind it into a chunk of its own.
    pub fn split_off(&mut self, index: usize) -> Chunk {
        let right = self.copy(index, self.count(), MEMBERS_MAX, MEMBER_BYTES_MAX / 4 * 3);
        self.count = index as u32;
        self.give_back();
        right
    }

    /// Adds all entries of `right` behind this chunk's own.
    pub fn append(&mut self, right: &Chunk) {
        let members = self.count() + right.count();
        let bytes = self.member_bytes() + right.member_bytes();
        let mut joined = self.copy(0, self.count(), members, bytes);
        joined.take_over(right, 0, right.count());
        *self = joined;
    }

    /// Gives back what the buffer has beyond its entries, if that is worth an allocation.
    pub fn shrink(&mut self) {
        let fitting = size_class(self.count() * PLACE_BYTES + self.member_bytes());
        if fitting + fitting / 8 < self.capacity() {
            *self = self.copy(0, self.count(), self.count(), self.member_bytes());
        }
    }

    /// Entries `from..to` in a buffer with room for at least as many members and bytes.
    fn copy(&self, from: usize, to: usize, members: usize, bytes: usize) -> Chunk {
        let used = self.end_of(to) - self.end_of(from);
        let mut copy = Chunk::with_room(members.max(to - from), bytes.max(used));
        copy.take_over(self, from, to);
        copy
    }

    /// Adds entries of another chunk behind the last; there is room.
    fn take_over(&mut self, other: &Chunk, from: usize, to: usize) {
        let at = self.end_of(self.count());
        let (start, end) = (other.end_of(from), other.end_of(to));
        let (own, base) = (self.base(), other.base());
        self.buf[own + at..own + at + end - start]
            .copy_from_slice(&other.buf[base + start..base + end]);
        let place = (self.first + self.count) as usize;
        let (columns, other_columns) =
            ([0, self.room as usize * SCORE_BYTES], [0, other.room as usize * SCORE_BYTES]);
        let first = other.first as usize;
        for (column, width) in [(0, SCORE_BYTES), (1, END_BYTES)] {
            let source = other_columns[column] + (first + from) * width;
            let target = columns[column] + place * width;
            let len = (to - from) * width;
            self.buf[target..target + len].copy_from_slice(&other.buf[source..source + len]);
        }
        self.count += (to - from) as u32;
        self.move_ends(place, (at as u32).wrapping_sub(start as u32));
    }

    /// Makes room for one more member, of `len` bytes, and drops what is dead.
    #[cold]
    fn grow(&mut self, len: usize) {
        let (members, bytes) = (self.count() + 1, self.member_bytes() + len);
        // Not beyond the bounds of a large set's chunk, where they are bounds at all.
        let grown = |need: usize, max: usize| {
            let roomy = need + need / 2;
            if need <= max { roomy.min(max) } else { roomy }
        };
        let (room, room_bytes) = match members {
            // Most small sets that ever were have few members: no slack before there are some.
            1..4 => (members, bytes),
            _ => (grown(members, MEMBERS_MAX), grown(bytes, MEMBER_BYTES_MAX)),
        };
        *self = self.copy(0, self.count(), room, room_bytes);
    }

    /// After a removal: a buffer three quarters empty is replaced by one half as large.
    fn give_back(&mut self) {
        let used = self.count() * PLACE_BYTES + self.member_bytes();
        if used < self.capacity() / 4 && self.capacity() > 64 {
            *self = self.copy(0, self.count(), self.count() * 2, self.member_bytes() * 2);
        }
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
        assert!(self.first + self.count <= self.room || self.count == 0);
        assert!(self.base() + self.end_of(self.count()) <= self.buf.len());
        for index in 1..self.count() {
            let ((member, score), (next, next_score)) = (self.entry(index - 1), self.entry(index));
            assert_eq!(order(score, member, next_score, next), Ordering::Less);
        }
    }
}
