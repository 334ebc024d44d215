//! The members of a large set in the order of their scores: chunks in a
//! [spine](crate::types::spine).
//!
//! A chunk takes as many places in the spine as it has members, so a rank is found in logarithmic
//! time, and so is the rank of a (score, member). Chunks are found by a key that is not above
//! their first member and above the last of the chunk before: it need not be a member, and stays as
//! it is while members come and go. Only the first chunk takes what is below its key.
//!
//! Invariant: no chunk is empty. Chunks are behind an `Arc`, so that a clone shares them until one
//! side writes.

use std::cmp::Ordering;
use std::sync::Arc;

use super::chunk::{Chunk, MEMBER_BYTES_MAX, MEMBERS_MAX, order};
use crate::types::spine::{self, Spine};

/// What tells a chunk from the one before: a score, and the start of a member where both have
/// members of that score.
#[derive(Clone)]
struct Key {
    score: f64,
    member: Option<Arc<[u8]>>,
}

impl Key {
    /// The least that is above (score, member) `last` and not above `first`, as short as can be.
    fn between(last: (&[u8], f64), first: (&[u8], f64)) -> Key {
        let ((last, last_score), (first, score)) = (last, first);
        if last_score < score {
            return Key { score, member: None };
        }
        let shared = last.iter().zip(first).take_while(|(one, other)| one == other).count();
        Key { score, member: Some(Arc::from(&first[..shared + 1])) }
    }

    fn of(first: (&[u8], f64)) -> Key {
        Key { score: first.1, member: Some(Arc::from(first.0)) }
    }

    fn member(&self) -> &[u8] {
        self.member.as_deref().unwrap_or_default()
    }

    /// Whether (score, member) stands in the chunk of this key, or behind that.
    #[inline]
    fn is_before(&self, score: f64, member: &[u8]) -> bool {
        self.score < score || self.score == score && self.member() <= member
    }
}

#[derive(Clone)]
struct Slot {
    key: Key,
    count: u32,
    chunk: Arc<Chunk>,
}

impl spine::Slot for Slot {
    type Key = Key;
    const IS_UNIT: bool = false;

    #[inline]
    fn key(&self) -> &Key {
        &self.key
    }

    #[inline]
    fn weight(&self) -> usize {
        self.count as usize
    }
}

impl Slot {
    fn new(key: Key, chunk: Chunk) -> Slot {
        Slot { key, count: chunk.count() as u32, chunk: Arc::new(chunk) }
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

/// Members by score, then by their bytes.
#[derive(Clone, Default)]
pub(super) struct Order {
    slots: Spine<Slot>,
}

impl Order {
    #[inline]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn chunk_count(&self) -> usize {
        self.slots.slot_count()
    }

    pub fn chunks(&self) -> impl Iterator<Item = &Chunk> {
        self.slots.iter().map(|slot| &*slot.chunk)
    }

    /// The chunk of the member of a rank, which exists, and its index there.
    #[inline]
    pub fn locate(&self, rank: usize) -> (&Chunk, usize) {
        let (slot, index) = self.slots.at(rank).expect("there is a member of the rank");
        (&slot.chunk, index)
    }

    /// The rank of a member.
    pub fn rank(&self, score: f64, member: &[u8]) -> Option<usize> {
        let found = self.slots.last_before(|key| key.is_before(score, member));
        let (start, slot) = found.or_else(|| Some((0, self.slots.front()?)))?;
        slot.chunk.search(score, member).ok().map(|index| start + index)
    }

    /// Changes the chunk where (score, member) is, or would be, which keeps a member; there is one.
    /// `change` is told the rank at which it begins.
    #[inline]
    fn change_at<R>(
        &mut self,
        score: f64,
        member: &[u8],
        change: impl Fn(&mut Slot, usize) -> R,
    ) -> R {
        let found = self.slots.change_last_before(|key| key.is_before(score, member), &change);
        // Only the first chunk takes what is below its key.
        found.unwrap_or_else(|| self.slots.change(0, change))
    }

    /// How many members at the start `before` holds for; it holds for none behind them.
    pub fn partition_point(&self, before: impl Fn(f64, &[u8]) -> bool) -> usize {
        let found = self.slots.last_before(|key| before(key.score, key.member()));
        let start = found.map_or(0, |(start, _)| start);
        match self.slots.at(start) {
            Some((slot, _)) => start + slot.chunk.partition_point(&before),
            None => 0,
        }
    }

    /// Adds a member that is not there.
    pub fn insert(&mut self, score: f64, member: &[u8]) {
        let len = self.len();
        if len == 0 {
            let chunk = Chunk::single(score, member);
            return self.slots.push_back(Slot::new(Key::of((member, score)), chunk));
        }
        let added = self.change_at(score, member, |slot, start| {
            let at = slot.chunk.search(score, member).unwrap_or_else(|at| at);
            let count = slot.chunk.count();
            if slot.chunk.takes(member.len()) {
                slot.change(|chunk| chunk.insert(at, score, member));
                Added::Inside
            } else if at == count && start + count == len {
                slot.change(Chunk::shrink);
                Added::Behind
            } else if at == 0 && start == 0 {
                slot.change(Chunk::shrink);
                Added::InFront
            } else {
                Added::Split(start, slot.change(|chunk| insert_split(chunk, at, score, member)))
            }
        });
        match added {
            Added::Inside => {}
            Added::Behind => self.push_back_single(score, member),
            Added::InFront => self.push_front_single(score, member),
            Added::Split(start, chunks) => self.insert_behind(start, chunks),
        }
    }

    /// Gives a member, whose score is `before`, another one.
    pub fn move_to(&mut self, before: f64, score: f64, member: &[u8]) {
        if !self.take_out(before, member, Some(score)) {
            self.insert(score, member);
        }
    }

    /// Members that come in order leave full chunks behind.
    fn push_back_single(&mut self, score: f64, member: &[u8]) {
        self.fit_front_key();
        let last = self.slots.back().expect("it was there a moment ago");
        let key = Key::between(last.chunk.entry(last.chunk.count() - 1), (member, score));
        self.slots.push_back(Slot::new(key, Chunk::single(score, member)));
    }

    fn push_front_single(&mut self, score: f64, member: &[u8]) {
        let front = self.slots.front_mut().expect("it was there a moment ago");
        // Only the first chunk may have members below its key.
        front.key = Key::between((member, score), front.chunk.entry(0));
        self.slots.push_front(Slot::new(Key::of((member, score)), Chunk::single(score, member)));
    }

    /// Brings the key of the first chunk down to its members, before a chunk is put behind it: all of
    /// them may be below the key, and so may be what is to follow them.
    fn fit_front_key(&mut self) {
        if let Some(front) = self.slots.front_mut() {
            front.key = Key::of(front.chunk.entry(0));
        }
    }

    /// Puts chunks behind the one that begins at rank `start`.
    fn insert_behind(&mut self, start: usize, chunks: Vec<Chunk>) {
        if start == 0 {
            self.fit_front_key();
        }
        let (before, _) = self.locate(start);
        let mut place = start + before.count();
        let (member, score) = before.entry(before.count() - 1);
        let mut last = (member.to_vec(), score);
        for chunk in chunks {
            let key = Key::between((&last.0, last.1), chunk.entry(0));
            let (member, score) = chunk.entry(chunk.count() - 1);
            last = (member.to_vec(), score);
            let count = chunk.count();
            self.slots.insert(place, Slot::new(key, chunk));
            place += count;
        }
    }

    /// Adds a chunk that is not empty behind the last; false if it is not above that.
    pub fn push_whole(&mut self, chunk: Chunk) -> bool {
        let key = match self.slots.back() {
            None => Key::of(chunk.entry(0)),
            Some(last) => {
                let last = last.chunk.entry(last.chunk.count() - 1);
                let first = chunk.entry(0);
                if order(last.1, last.0, first.1, first.0) != Ordering::Less {
                    return false;
                }
                Key::between(last, first)
            }
        };
        self.slots.push_back(Slot::new(key, chunk));
        true
    }

    /// Takes the first chunk out.
    pub fn pop_first(&mut self) -> Option<Arc<Chunk>> {
        self.slots.pop_front().map(|slot| slot.chunk)
    }

    /// Removes a member of this score, which is there.
    pub fn remove(&mut self, score: f64, member: &[u8]) {
        self.take_out(score, member, None);
    }

    /// Takes a member of this score out, which is there; but where it may stay with the score
    /// `instead` it gets that, and true is returned.
    fn take_out(&mut self, score: f64, member: &[u8], instead: Option<f64>) -> bool {
        let taken = self.change_at(score, member, |slot, start| {
            let Ok(index) = slot.chunk.search(score, member) else { return Taken::Nothing };
            let count = slot.chunk.count();
            // At either end what the neighbouring chunk has counts too.
            if let Some(instead) = instead
                && index > 0
                && index + 1 < count
                && slot.chunk.allows(index, instead)
            {
                slot.change(|chunk| chunk.set_score(index, instead));
                return Taken::Nothing;
            }
            if count == 1 {
                return Taken::Last(start);
            }
            let is_sparse = slot.change(|chunk| {
                chunk.remove(index, index + 1);
                is_sparse(chunk)
            });
            // What is popped from the ends is not worth a copy: the chunk is soon gone.
            let is_pop = index == 0 && start == 0;
            if is_sparse && !is_pop { Taken::Sparse(start) } else { Taken::One }
        });
        match taken {
            Taken::Nothing => return true,
            Taken::One => {}
            Taken::Last(start) => drop(self.slots.remove(start)),
            Taken::Sparse(start) => self.join_neighbour(start),
        }
        false
    }

    /// Removes the members of ranks `from..to`, which exist.
    pub fn remove_range(&mut self, from: usize, to: usize) {
        let mut left = to - from;
        while left > 0 {
            let (chunk, index) = self.locate(from);
            let taken = left.min(chunk.count() - index);
            self.remove_in_chunk(from - index, index, index + taken);
            left -= taken;
        }
    }

    /// Removes entries of the chunk that begins at rank `start`.
    fn remove_in_chunk(&mut self, start: usize, from: usize, to: usize) {
        if self.locate(start).0.count() == to - from {
            drop(self.slots.remove(start));
            return;
        }
        let is_sparse = self.slots.change(start, |slot, _| {
            slot.change(|chunk| {
                chunk.remove(from, to);
                is_sparse(chunk)
            })
        });
        // What is popped from the ends is not worth a copy: the chunk is soon gone.
        let is_pop = from == 0 && start == 0;
        if is_sparse && !is_pop {
            self.join_neighbour(start);
        }
    }

    /// Joins the chunk that begins at rank `start`, and is sparse, to one beside it that is too.
    fn join_neighbour(&mut self, start: usize) {
        if !self.join_sparse(start) {
            self.join_sparse(start + self.locate(start).0.count());
        }
    }

    /// Joins the chunk that begins at rank `start` to the one before it, if there are two and both
    /// are sparse; whether they were.
    fn join_sparse(&mut self, start: usize) -> bool {
        if start == 0 || start >= self.len() {
            return false;
        }
        let right = self.locate(start).0;
        let left = self.locate(start - 1).0;
        if left.count() + right.count() > MEMBERS_MAX / 2
            || left.member_bytes() + right.member_bytes() > MEMBER_BYTES_MAX / 2
        {
            return false;
        }
        if let Some(right) = self.slots.remove(start) {
            self.slots.change(start - 1, |left, _| {
                left.change(|left| left.append(&right.chunk));
            });
        }
        true
    }

    pub fn heap_bytes(&self) -> usize {
        self.slots.heap_bytes()
    }
}

enum Added {
    Inside,
    Behind,
    InFront,
    /// What is to follow the chunk that begins at this rank.
    Split(usize, Vec<Chunk>),
}

enum Taken {
    Nothing,
    One,
    /// The chunk that begins at this rank has become sparse.
    Sparse(usize),
    /// It is all that the chunk has that begins at this rank: the chunk is to go.
    Last(usize),
}

/// Inserts before entry `at` of a chunk that has no room, by cutting it in two. Returns what is to
/// stand behind it; none of the chunks is empty.
fn insert_split(left: &mut Chunk, at: usize, score: f64, member: &[u8]) -> Vec<Chunk> {
    let middle = left.count() / 2;
    let mut right = left.split_off(middle);
    let is_left = at <= middle;
    let (half, at) = if is_left { (&mut *left, at) } else { (&mut right, at - middle) };
    let mut rest = Vec::new();
    if half.takes(member.len()) {
        half.insert(at, score, member);
    } else {
        // Long members: the new one gets a chunk of its own between the two parts of its half.
        let behind = half.split_off(at);
        rest.push(Chunk::single(score, member));
        rest.push(behind);
    }
    let mut behind = Vec::with_capacity(3);
    if is_left {
        behind.append(&mut rest);
        behind.push(right);
    } else {
        behind.push(right);
        behind.append(&mut rest);
    }
    behind.retain(|chunk| chunk.count() > 0);
    if left.count() == 0 {
        *left = behind.remove(0);
    }
    behind
}

/// Whether a chunk may be joined to any other.
fn is_sparse(chunk: &Chunk) -> bool {
    chunk.count() <= MEMBERS_MAX / 2 && chunk.member_bytes() <= MEMBER_BYTES_MAX / 2
}

#[cfg(test)]
impl Order {
    /// Panics where an invariant of the type does not hold.
    pub fn check(&self) {
        let mut last: Option<(Vec<u8>, f64)> = None;
        for (nth, slot) in self.slots.iter().enumerate() {
            slot.chunk.check();
            assert!(slot.chunk.count() > 0, "empty chunk");
            assert_eq!(slot.count as usize, slot.chunk.count());
            let (first, score) = slot.chunk.entry(0);
            if let Some((last, last_score)) = &last {
                let key = &slot.key;
                assert_eq!(order(*last_score, last, key.score, key.member()), Ordering::Less);
                assert_ne!(
                    order(key.score, key.member(), score, first),
                    Ordering::Greater,
                    "{nth}"
                );
            }
            let (member, score) = slot.chunk.entry(slot.chunk.count() - 1);
            last = Some((member.to_vec(), score));
        }
    }
}
