//! The sorted set: members, each once, in the order of their scores.
//!
//! A small set is one packed chunk ([`chunk`]), searched member by member. A large one is an
//! [`order`], chunks by (score, member) that count their places, beside a [dict](super::dict) from
//! member to score: a member, a rank, a score or a member's bytes are found in logarithmic time, the
//! ends in constant time, and a clone shares everything.
//!
//! The two forms are what `OBJECT ENCODING` calls `listpack` and `skiplist`, by Redis's rule: a set becomes
//! large when it gets more members, or a longer one, than [`Limits`] says, and stays so.
//!
//! Scores are never NaN. The packed form keeps no negative zero, as Redis's does not; the large one does.

mod add;
mod chunk;
mod image;
mod iter;
mod order;
mod range;
#[cfg(test)]
mod tests;

pub use add::{AddRule, Added, NotANumber};
pub use image::{ZsetImage, ZsetImageReader};
pub use iter::Iter;
pub use range::{LexBound, LexRange, ScoreBound, ScoreRange};

use chunk::Chunk;
use order::Order;

use super::dict::Dict;

/// What a packed set may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Members (`zset-max-listpack-entries`).
    pub members_max: usize,
    /// Bytes of each member (`zset-max-listpack-value`).
    pub member_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { members_max: 128, member_bytes_max: 64 }
    }
}

/// A packed set never passes this many bytes, whatever the limits say: ends have 32 bits.
const PACKED_BYTES_MAX: usize = 1 << 30;

impl Limits {
    fn allow(self, members: usize, longest: usize) -> bool {
        members <= self.members_max && longest <= self.member_bytes_max
    }
}

#[derive(Clone)]
enum Repr {
    Packed(Chunk),
    Large(Box<Large>),
}

#[derive(Clone, Default)]
struct Large {
    order: Order,
    index: Dict<f64>,
}

impl Large {
    fn insert(&mut self, member: &[u8], score: f64) {
        self.order.insert(score, member);
        self.index.insert(member, score);
    }

    /// Gives a member the score that `decide` says by the one it has, if it says one; what it had.
    #[inline]
    fn update(
        &mut self,
        member: &[u8],
        decide: impl FnOnce(Option<f64>) -> Option<f64>,
    ) -> Option<f64> {
        let mut decided = None;
        let before = self.index.update(member, |before| {
            decided = decide(before).filter(|score| before != Some(*score));
            decided
        });
        match (before, decided) {
            (None, Some(score)) => self.order.insert(score, member),
            (Some(before), Some(score)) => self.order.move_to(before, score, member),
            (_, None) => {}
        }
        before
    }
}

/// A sorted set. See the module's text.
#[derive(Clone)]
pub struct Zset {
    repr: Repr,
}

impl Default for Zset {
    fn default() -> Zset {
        Zset::new()
    }
}

impl Zset {
    /// An empty set, in the packed form.
    pub fn new() -> Zset {
        Zset { repr: Repr::Packed(Chunk::new()) }
    }

    /// An empty set in the form that suits as many members, of which one has so many bytes.
    pub fn new_for(members: usize, member_bytes: usize, limits: Limits) -> Zset {
        let mut set = Zset::new();
        if !limits.allow(members, member_bytes) {
            set.make_large();
        }
        set
    }

    /// A set of these members, each of which comes once, in any order.
    pub fn from_members<M: AsRef<[u8]>>(members: &mut [(M, f64)], limits: Limits) -> Zset {
        let longest = members.iter().map(|(member, _)| member.as_ref().len()).max().unwrap_or(0);
        let mut set = Zset::new_for(members.len(), longest, limits);
        // In order, so that chunks become full and nothing is moved.
        sort(members);
        members.iter().for_each(|(member, score)| set.put_new(member.as_ref(), *score, limits));
        set
    }

    /// How many members there are, in constant time.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.repr {
            Repr::Packed(chunk) => chunk.count(),
            Repr::Large(large) => large.order.len(),
        }
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name `OBJECT ENCODING` gives the set's present form.
    pub fn encoding(&self) -> &'static str {
        match self.repr {
            Repr::Packed(_) => "listpack",
            Repr::Large(_) => "skiplist",
        }
    }

    /// Bytes allocated for the set. Chunks beyond the first `samples` are taken to be like those;
    /// 0 looks at every chunk.
    pub fn heap_bytes(&self, samples: usize) -> usize {
        match &self.repr {
            Repr::Packed(chunk) => chunk.capacity(),
            Repr::Large(large) => {
                let chunks = large.order.chunk_count();
                let looked_at = if samples == 0 { chunks } else { samples.min(chunks) };
                let sampled: usize = large
                    .order
                    .chunks()
                    .take(looked_at)
                    .map(|chunk| chunk.capacity() + ARC_CHUNK_BYTES)
                    .sum();
                size_of::<Large>()
                    + large.order.heap_bytes()
                    + sampled * chunks / looked_at.max(1)
                    + large.index.heap_bytes(samples)
            }
        }
    }

    /// A member's score.
    #[inline]
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        match &self.repr {
            Repr::Packed(chunk) => chunk.find(member).map(|index| chunk.score(index)),
            Repr::Large(large) => large.index.get(member),
        }
    }

    /// How many members come before this one, and its score.
    pub fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        match &self.repr {
            Repr::Packed(chunk) => chunk.find(member).map(|index| (index, chunk.score(index))),
            Repr::Large(large) => {
                let score = large.index.get(member)?;
                large.order.rank(score, member).map(|rank| (rank, score))
            }
        }
    }

    /// The member of a rank, with its score.
    pub fn get(&self, rank: usize) -> Option<(&[u8], f64)> {
        if rank >= self.len() {
            return None;
        }
        let (chunk, index) = self.locate(rank);
        Some(chunk.entry(index))
    }

    /// The chunk of the member of a rank, which exists, and its index there.
    #[inline]
    fn locate(&self, rank: usize) -> (&Chunk, usize) {
        match &self.repr {
            Repr::Packed(chunk) => (chunk, rank),
            Repr::Large(large) => large.order.locate(rank),
        }
    }

    /// Adds a member, or gives it another score; its score before.
    pub fn insert(&mut self, member: &[u8], score: f64, limits: Limits) -> Option<f64> {
        let chunk = match &mut self.repr {
            Repr::Packed(chunk) => chunk,
            Repr::Large(large) => return large.update(member, |_| Some(score)),
        };
        let before = chunk.find(member).map(|index| chunk.score(index));
        match before {
            Some(before) => move_in(chunk, member, before, score),
            None => self.put_new(member, score, limits),
        }
        before
    }

    /// Adds a member that is not there.
    fn put_new(&mut self, member: &[u8], score: f64, limits: Limits) {
        if let Repr::Packed(chunk) = &self.repr
            && (!limits.allow(chunk.count() + 1, member.len())
                || chunk.capacity() + member.len() > PACKED_BYTES_MAX)
        {
            self.make_large();
        }
        match &mut self.repr {
            Repr::Packed(chunk) => {
                let score = without_negative_zero(score);
                let at = chunk.search(score, member).unwrap_or_else(|at| at);
                chunk.insert(at, score, member);
            }
            Repr::Large(large) => large.insert(member, score),
        }
    }

    /// Removes a member; its score.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        match &mut self.repr {
            Repr::Packed(chunk) => {
                let index = chunk.find(member)?;
                let score = chunk.score(index);
                chunk.remove(index, index + 1);
                Some(score)
            }
            Repr::Large(large) => {
                let score = large.index.get(member)?;
                large.order.remove(score, member);
                large.index.remove(member);
                Some(score)
            }
        }
    }

    /// Removes the members of ranks `from..to`, as far as there are any; how many.
    pub fn remove_range(&mut self, from: usize, to: usize) -> usize {
        let to = to.min(self.len());
        let from = from.min(to);
        if from == to {
            return 0;
        }
        match &mut self.repr {
            Repr::Packed(chunk) => chunk.remove(from, to),
            Repr::Large(large) if to - from == large.order.len() => **large = Large::default(),
            Repr::Large(large) => {
                let mut rank = from;
                while rank < to {
                    let (chunk, index) = large.order.locate(rank);
                    let end = chunk.count().min(index + to - rank);
                    for index in index..end {
                        large.index.remove(chunk.member(index));
                    }
                    rank += end - index;
                }
                large.order.remove_range(from, to);
            }
        }
        to - from
    }

    /// All members in order; from the highest with `rev()`.
    pub fn iter(&self) -> Iter<'_> {
        Iter::new(self, 0, self.len())
    }

    /// The members of ranks `from..to`, as far as there are any.
    pub fn range(&self, from: usize, to: usize) -> Iter<'_> {
        let to = to.min(self.len());
        Iter::new(self, from.min(to), to)
    }

    /// Visits about `count` members from `cursor` on (0: from the start), and gives the cursor to go on
    /// with; 0: all are visited. A packed set is visited whole. A member that is there from the
    /// first call to the last is visited.
    pub fn scan(&self, cursor: u64, count: usize, mut visit: impl FnMut(&[u8], f64)) -> u64 {
        match &self.repr {
            Repr::Packed(_) => {
                self.iter().for_each(|(member, score)| visit(member, score));
                0
            }
            Repr::Large(large) => large.index.scan(cursor, count, visit),
        }
    }

    /// Goes over to the large form, in which Redis keeps what was written with many members or long ones.
    pub fn make_large(&mut self) {
        if let Repr::Packed(chunk) = &self.repr {
            let mut large = Large::default();
            for index in 0..chunk.count() {
                let (member, score) = chunk.entry(index);
                large.insert(member, score);
            }
            self.repr = Repr::Large(Box::new(large));
        }
    }

    /// Goes over to the large form if the set is about to get as many members at once.
    pub fn grow_for(&mut self, members: usize, limits: Limits) {
        if members > limits.members_max {
            self.make_large();
        }
    }

    /// Whether the set is in the large form.
    pub fn is_large(&self) -> bool {
        matches!(self.repr, Repr::Large(_))
    }
}

/// Puts members in the order of their scores.
pub fn sort<M: AsRef<[u8]>>(members: &mut [(M, f64)]) {
    members.sort_unstable_by(|(one, score), (other, other_score)| {
        chunk::order(*score, one.as_ref(), *other_score, other.as_ref())
    });
}

/// Gives a member of a packed set, whose score is `before`, another one.
fn move_in(chunk: &mut Chunk, member: &[u8], before: f64, score: f64) {
    let score = without_negative_zero(score);
    let Ok(at) = chunk.search(before, member) else { return };
    if chunk.allows(at, score) {
        return chunk.set_score(at, score);
    }
    chunk.remove(at, at + 1);
    let at = chunk.search(score, member).unwrap_or_else(|at| at);
    chunk.insert(at, score, member);
}

fn without_negative_zero(score: f64) -> f64 {
    score + 0.0
}

/// What a chunk's shared allocation takes beside its buffer: two counts and the chunk itself.
const ARC_CHUNK_BYTES: usize = 2 * size_of::<usize>() + size_of::<Chunk>();

impl std::fmt::Debug for Zset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let members = self.iter().map(|(member, score)| (member.escape_ascii().to_string(), score));
        f.debug_map().entries(members).finish()
    }
}
