//! Members and what belongs to each: the large form of hashes, of sets, and of the member side of
//! sorted sets.
//!
//! Members stand in the order of their hashes, packed in chunks of up to 64 ([`chunk`]) in a
//! [spine](super::spine). So a member is found in logarithmic time, and so is the one at any place, which
//! is all that a random pick needs; a clone takes constant time and shares the chunks; and a scan's
//! cursor is a hash, which is a position that no insertion or removal moves: what is there from the
//! first call to the last is visited, and visited once.
//!
//! ```text
//! spine:  [hashes from 0]  [from 0x031f…]  [from 0x06c2…]  …
//! chunk:  up to 64 members in order of (hash, member)
//! ```
//!
//! Invariants: the first chunk's range begins at 0, every other's at a hash that is at most its first
//! member's and above the last one of the chunk before; no chunk is empty. So members of one hash
//! are in one chunk, and a step of a scan never ends between them.
//!
//! The hash is 32 bits of XXH3, which is the same in every version and on every machine, with a seed
//! that each value keeps, also in its image: chunks are read back in order, and cursors outlive a
//! restart. Many members of one hash make long chunks and nothing worse.

pub(super) mod chunk;
mod image;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use chunk::Chunk;
pub(super) use image::{DictImage, DictReader};

use super::image::{BadImage, Cut};
use super::spine::{self, Slot, Spine};

/// The seed that new dicts take.
static SEED: AtomicU64 = AtomicU64::new(0x466f_7265_6261_7900);

/// Has dicts that are made from now on hash with `seed`; those that are there keep theirs. A server
/// draws one when it starts, so that nobody can choose members of one hash.
pub fn set_seed(seed: u64) {
    SEED.store(seed, Ordering::Relaxed);
}

/// What belongs to each member, and how it is packed behind it.
pub(super) trait Payload: Clone {
    /// As it is given and read.
    type Ref<'a>: Copy;

    /// Bytes it takes when packed.
    fn packed_len(payload: Self::Ref<'_>) -> usize;

    /// Packs it into `place`, which has just that length.
    fn pack(payload: Self::Ref<'_>, place: &mut [u8]);

    /// Reads what `packed` begins with.
    fn unpack(packed: &[u8]) -> Self::Ref<'_>;

    /// Reads what an image has, packed as [`Payload::pack`] does it.
    ///
    /// # Errors
    /// It is no such thing.
    fn read<'a>(cut: &mut Cut<'a>) -> Result<Self::Ref<'a>, BadImage>;
}

/// Nothing belongs to a set's member.
impl Payload for () {
    type Ref<'a> = ();

    fn packed_len((): ()) -> usize {
        0
    }

    fn pack((): (), _: &mut [u8]) {}

    fn unpack(_: &[u8]) {}

    fn read(_: &mut Cut<'_>) -> Result<(), BadImage> {
        Ok(())
    }
}

/// The score of a sorted set's member, its bits with the low end first.
impl Payload for f64 {
    type Ref<'a> = f64;

    fn packed_len(_: f64) -> usize {
        size_of::<f64>()
    }

    fn pack(score: f64, place: &mut [u8]) {
        place.copy_from_slice(&score.to_le_bytes());
    }

    fn unpack(packed: &[u8]) -> f64 {
        f64::from_le_bytes(*packed.first_chunk().expect("a score has eight bytes"))
    }

    fn read(cut: &mut Cut<'_>) -> Result<f64, BadImage> {
        let score = f64::from_le_bytes(cut.array()?);
        if score.is_nan() { Err(BadImage("a score that is no number")) } else { Ok(score) }
    }
}

/// A chunk in the spine.
#[derive(Clone)]
struct Part<P> {
    /// Its members' hashes are at least this.
    from: u32,
    /// How many it has; beside the pointer, since the spine asks for it often.
    members: u32,
    chunk: Arc<Chunk<P>>,
}

impl<P: Payload> Part<P> {
    fn new(from: u32, chunk: Chunk<P>) -> Part<P> {
        Part { from, members: chunk.len() as u32, chunk: Arc::new(chunk) }
    }

    /// Puts a member in where it would stand, or another payload to it where it is; whether the chunk
    /// is to be split then.
    #[inline]
    fn put(
        &mut self,
        at: Result<usize, usize>,
        hash: u32,
        member: &[u8],
        payload: P::Ref<'_>,
    ) -> bool {
        self.change(|chunk| match at {
            Ok(at) => chunk.replace(at, payload),
            Err(at) => chunk.insert(at, hash, member, payload),
        });
        self.chunk.is_full()
    }

    /// Changes the chunk, which stays shared with nobody, and counts its members.
    fn change<R>(&mut self, change: impl FnOnce(&mut Chunk<P>) -> R) -> R {
        let chunk = Arc::make_mut(&mut self.chunk);
        let answer = change(chunk);
        self.members = chunk.len() as u32;
        answer
    }
}

impl<P: Payload> Slot for Part<P> {
    type Key = u32;
    const IS_UNIT: bool = false;

    fn key(&self) -> &u32 {
        &self.from
    }

    fn weight(&self) -> usize {
        self.members as usize
    }
}

/// Members, each once, with their payloads. See the module's text.
#[derive(Clone)]
pub(super) struct Dict<P: Payload> {
    parts: Spine<Part<P>>,
    seed: u64,
}

impl<P: Payload> Default for Dict<P> {
    fn default() -> Dict<P> {
        Dict::new()
    }
}

impl<P: Payload> Dict<P> {
    pub fn new() -> Dict<P> {
        Dict::with_seed(SEED.load(Ordering::Relaxed))
    }

    fn with_seed(seed: u64) -> Dict<P> {
        Dict { parts: Spine::new(), seed }
    }

    /// How many members there are, in constant time.
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    #[inline]
    fn hash(&self, member: &[u8]) -> u32 {
        (xxh3_64_with_seed(member, self.seed) >> 32) as u32
    }

    /// The chunk for a hash, and the place of its first member.
    #[inline]
    fn part(&self, hash: u32) -> Option<(usize, &Part<P>)> {
        self.parts.last_before(|from| *from <= hash)
    }

    /// What belongs to a member.
    #[inline]
    pub fn get(&self, member: &[u8]) -> Option<P::Ref<'_>> {
        let hash = self.hash(member);
        let (_, part) = self.part(hash)?;
        part.chunk.find(hash, member).ok().map(|at| part.chunk.entry(at).1)
    }

    #[inline]
    pub fn contains(&self, member: &[u8]) -> bool {
        let hash = self.hash(member);
        self.part(hash).is_some_and(|(_, part)| part.chunk.find(hash, member).is_ok())
    }

    /// The member at a place below the length, in an order that changes only with insertions and removals.
    pub fn at(&self, place: usize) -> Option<(&[u8], P::Ref<'_>)> {
        self.parts.at(place).map(|(part, at)| part.chunk.entry(at))
    }

    /// Puts a member in, or another payload to one that is there; whether it is new.
    pub fn insert(&mut self, member: &[u8], payload: P::Ref<'_>) -> bool {
        self.put(member, payload, true)
    }

    /// Puts a member in unless it is there already; whether it was not.
    pub fn add(&mut self, member: &[u8], payload: P::Ref<'_>) -> bool {
        self.put(member, payload, false)
    }

    fn put(&mut self, member: &[u8], payload: P::Ref<'_>, replaces: bool) -> bool {
        let hash = self.hash(member);
        let Some((start, part)) = self.part(hash) else {
            self.push_first(Chunk::default(), hash, member, payload);
            return true;
        };
        // Looked at before it is changed: a chunk that is shared is copied only if it has to be.
        let at = part.chunk.find(hash, member);
        if at.is_err() || replaces {
            let is_full = self.parts.change(start, |part, _| part.put(at, hash, member, payload));
            if is_full {
                self.split(start);
            }
        }
        at.is_err()
    }

    /// A dict of these members, each with the last payload that it comes with. Room is made for all of them
    /// at once.
    pub fn of<'m>(entries: impl Iterator<Item = (&'m [u8], P::Ref<'m>)> + Clone) -> Dict<P> {
        let mut dict = Dict::default();
        let len_of = |(member, payload)| Chunk::<P>::len_of(member, payload);
        let lens = entries.clone().map(len_of);
        let (members, bytes) = lens.fold((0, 0), |(count, bytes), len| (count + 1, bytes + len));
        let mut chunk = Chunk::default();
        chunk.reserve(members, bytes);
        for (member, payload) in entries {
            if dict.parts.is_empty() {
                let chunk = std::mem::take(&mut chunk);
                dict.push_first(chunk, dict.hash(member), member, payload);
            } else {
                dict.insert(member, payload);
            }
        }
        dict
    }

    /// Puts in the first member of all, and into an empty chunk.
    fn push_first(&mut self, mut chunk: Chunk<P>, hash: u32, member: &[u8], payload: P::Ref<'_>) {
        chunk.insert(0, hash, member, payload);
        self.parts.push_back(Part::new(0, chunk));
    }

    /// Moves the upper half of a chunk to one of its own, unless all of it has one hash; the same with
    /// halves that are still too large, because a large payload is among them.
    fn split(&mut self, start: usize) {
        while let Some(upper) = self.parts.change(start, |part, _| part.change(Chunk::split)) {
            let (part, _) = self.parts.at(start).expect("a lower half stays");
            let (behind, again) = (start + part.weight(), part.chunk.is_full());
            let upper_is_full = upper.is_full();
            self.parts.insert(behind, Part::new(upper.first_hash(), upper));
            if upper_is_full {
                self.split(behind);
            }
            if !again {
                break;
            }
        }
    }

    /// Takes a member out; whether it was there.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        let hash = self.hash(member);
        let Some((start, part)) = self.part(hash) else { return false };
        let Ok(at) = part.chunk.find(hash, member) else { return false };
        if part.members == 1 {
            self.remove_part(start);
            return true;
        }
        let sparse = self.parts.change(start, |part, _| {
            part.change(|chunk| chunk.remove(at));
            part.chunk.is_sparse()
        });
        if sparse {
            self.merge(start);
        }
        true
    }

    fn remove_part(&mut self, start: usize) -> Option<Part<P>> {
        let removed = self.parts.remove(start);
        // Nothing comes before the first chunk.
        if let Some(first) = self.parts.front_mut() {
            first.from = 0;
        }
        removed
    }

    /// Merges a chunk that has become sparse with the one behind or before it, if they go into one.
    fn merge(&mut self, start: usize) {
        let Some((part, _)) = self.parts.at(start) else { return };
        let behind = start + part.weight();
        let fits = |left: &Part<P>, right: &Part<P>| left.chunk.takes(&right.chunk);
        if let Some((next, _)) = self.parts.at(behind)
            && fits(part, next)
        {
            return self.join(start, behind);
        }
        let before = start.checked_sub(1).and_then(|place| self.parts.at(place));
        if let Some((previous, inside)) = before
            && fits(previous, part)
        {
            self.join(start - 1 - inside, start);
        }
    }

    fn join(&mut self, left: usize, right: usize) {
        if let Some(right) = self.parts.remove(right) {
            self.parts.change(left, |part, _| part.change(|chunk| chunk.append(&right.chunk)));
        }
    }

    /// All members, in the order of places.
    pub fn iter(&self) -> Iter<'_, P> {
        Iter { parts: self.parts.iter(), chunk: None, at: 0, left: self.len() }
    }

    /// Visits `count` members or more from `cursor` on (0: from the start), if there are so many, and
    /// gives the cursor to go on with; 0: all are visited. A member that is there from the
    /// first call to the last is visited once, whatever changes meanwhile.
    pub fn scan<'d>(
        &'d self,
        cursor: u64,
        count: usize,
        mut visit: impl FnMut(&'d [u8], P::Ref<'d>),
    ) -> u64 {
        let Ok(from) = u32::try_from(cursor) else { return 0 };
        let Some((start, part)) = self.part(from) else { return 0 };
        let (mut place, mut at, mut visited) = (start, part.chunk.first_from(from), 0);
        let mut last = None;
        while let Some((part, _)) = self.parts.at(place) {
            for at in at..part.chunk.len() {
                let hash = part.chunk.hash_at(at);
                if visited >= count && last != Some(hash) {
                    // Above a hash that was visited, so it is not 0.
                    return u64::from(hash);
                }
                let (member, payload) = part.chunk.entry(at);
                visit(member, payload);
                visited += 1;
                last = Some(hash);
            }
            place += part.weight();
            at = 0;
        }
        0
    }

    /// The members of a hash, as a key of an index beside this one. See [`Dict::key_of`].
    pub fn of_key(&self, key: u32) -> impl Iterator<Item = (&[u8], P::Ref<'_>)> {
        let part = self.part(key).map(|(_, part)| part);
        part.into_iter().flat_map(move |part| {
            let chunk = &part.chunk;
            let range = chunk.first_from(key)..chunk.len();
            range.take_while(move |&at| chunk.hash_at(at) == key).map(|at| chunk.entry(at))
        })
    }

    /// A short key for a member: an index beside this one can name members by it, and find them
    /// with [`Dict::of_key`].
    pub fn key_of(&self, member: &[u8]) -> u32 {
        self.hash(member)
    }

    /// Bytes allocated. Chunks beyond the first `samples` are taken to be like those; 0 looks at every chunk.
    pub fn heap_bytes(&self, samples: usize) -> usize {
        let parts = self.parts.slot_count();
        let looked_at = if samples == 0 { parts } else { samples.min(parts) };
        let sampled: usize =
            self.parts.iter().take(looked_at).map(|it| it.chunk.heap_bytes()).sum();
        self.parts.heap_bytes() + sampled * parts / looked_at.max(1)
    }

    /// Adds a member behind all others, which the caller has in order of hashes.
    ///
    /// # Errors
    /// It does not follow the last one.
    fn push_in_order(&mut self, member: &[u8], payload: P::Ref<'_>) -> Result<(), BadImage> {
        let hash = self.hash(member);
        if let Some(last) = self.parts.back_mut() {
            let end = last.chunk.len() - 1;
            if (last.chunk.hash_at(end), last.chunk.entry(end).0) >= (hash, member) {
                return Err(BadImage("members out of order"));
            }
            if last.chunk.takes_in_order(member, payload) || last.chunk.hash_at(end) == hash {
                last.change(|chunk| chunk.insert(end + 1, hash, member, payload));
                return Ok(());
            }
        }
        let from = if self.is_empty() { 0 } else { hash };
        let mut chunk = Chunk::default();
        chunk.insert(0, hash, member, payload);
        self.parts.push_back(Part::new(from, chunk));
        Ok(())
    }
}

impl Dict<f64> {
    /// Gives a member the score that `decide` says by the one it has, and leaves it as it is if that
    /// is none. What it had.
    #[inline]
    pub fn update(
        &mut self,
        member: &[u8],
        decide: impl FnOnce(Option<f64>) -> Option<f64>,
    ) -> Option<f64> {
        let hash = self.hash(member);
        if self.is_empty() {
            let score = decide(None)?;
            self.push_first(Chunk::default(), hash, member, score);
            return None;
        }
        let change = |part: &mut Part<f64>, start| {
            let at = part.chunk.find(hash, member);
            let before = at.ok().map(|at| part.chunk.entry(at).1);
            let is_full = decide(before).is_some_and(|score| part.put(at, hash, member, score));
            (before, is_full.then_some(start))
        };
        let changed = self.parts.change_last_before(|from| *from <= hash, change);
        let (before, full) = changed.expect("the first chunk's range begins at 0");
        if let Some(start) = full {
            self.split(start);
        }
        before
    }
}

/// All members of a [`Dict`].
#[derive(Clone)]
pub(super) struct Iter<'a, P: Payload> {
    parts: spine::Iter<'a, Part<P>>,
    chunk: Option<&'a Chunk<P>>,
    at: usize,
    left: usize,
}

impl<'a, P: Payload> Iterator for Iter<'a, P> {
    type Item = (&'a [u8], P::Ref<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        if self.chunk.is_none_or(|chunk| chunk.len() == self.at) {
            self.chunk = self.parts.next().map(|part| &*part.chunk);
            self.at = 0;
        }
        let entry = self.chunk?.entry(self.at);
        self.at += 1;
        Some(entry)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<P: Payload> ExactSizeIterator for Iter<'_, P> {}
