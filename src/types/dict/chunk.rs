//! Up to 64 members with their payloads, packed.
//!
//! ```text
//! index: [hash 32 | start 32] …          in order of (hash, member)
//! bytes: entry | entry | garbage | …     in the order they came
//! entry: length of the member (LEB128), member, payload
//! ```
//!
//! What is inserted goes behind the last entry, and only the index makes room in its middle. An entry that
//! is removed, or replaced by a longer one, stays as garbage until a quarter of the bytes is; then
//! they are packed anew.

use std::marker::PhantomData;

use super::Payload;

/// A chunk of more members is split.
const MEMBERS_MAX: usize = 64;
/// A chunk of several members that take more bytes is split, so that copying one costs little.
const BYTES_MAX: usize = 4096;
/// A chunk of fewer members looks for a neighbour to merge with.
const MEMBERS_MIN: usize = MEMBERS_MAX / 4;
/// What a merge leaves at most, and what chunks have that are filled in order: there is room for more.
const MEMBERS_FILLED: usize = MEMBERS_MAX * 3 / 4;
const BYTES_FILLED: usize = BYTES_MAX * 3 / 4;
/// So much garbage is no reason to pack anew.
const GARBAGE_MIN: usize = 128;

#[derive(Clone)]
pub(super) struct Chunk<P> {
    index: Vec<u64>,
    bytes: Vec<u8>,
    /// How many of the bytes belong to no entry.
    garbage: usize,
    payload: PhantomData<P>,
}

impl<P> Default for Chunk<P> {
    fn default() -> Chunk<P> {
        Chunk { index: Vec::new(), bytes: Vec::new(), garbage: 0, payload: PhantomData }
    }
}

fn hash_of(place: u64) -> u32 {
    (place >> 32) as u32
}

fn start_of(place: u64) -> usize {
    place as u32 as usize
}

/// The bytes to ask for where `needed` are: what the allocator would give, which has four sizes in each
/// doubling. A plain vector would double.
pub(in crate::types) fn good_capacity(needed: usize) -> usize {
    let step = (needed / 8).next_power_of_two().max(16);
    needed.next_multiple_of(step)
}

/// How long a number is as LEB128.
#[inline]
pub(in crate::types) fn varint_len(value: usize) -> usize {
    if value < 0x80 { 1 } else { (value.ilog2() as usize) / 7 + 1 }
}

/// Writes a number at the start of `place`; what is left of that.
#[inline]
pub(in crate::types) fn write_varint(place: &mut [u8], mut value: usize) -> &mut [u8] {
    let mut at = 0;
    while value >= 0x80 {
        place[at] = value as u8 | 0x80;
        value >>= 7;
        at += 1;
    }
    place[at] = value as u8;
    &mut place[at + 1..]
}

/// Reads a number that [`write_varint`] wrote, and what lies behind it.
#[inline]
pub(in crate::types) fn read_varint(packed: &[u8]) -> (usize, &[u8]) {
    let (mut value, mut at) = (0, 0);
    loop {
        let byte = packed[at];
        value |= usize::from(byte & 0x7f) << (7 * at);
        at += 1;
        if byte < 0x80 {
            return (value, &packed[at..]);
        }
    }
}

impl<P: Payload> Chunk<P> {
    pub fn len(&self) -> usize {
        self.index.len()
    }

    pub fn hash_at(&self, at: usize) -> u32 {
        hash_of(self.index[at])
    }

    pub fn first_hash(&self) -> u32 {
        self.hash_at(0)
    }

    /// The first member whose hash is at least this.
    #[inline]
    pub fn first_from(&self, hash: u32) -> usize {
        self.index.partition_point(|&place| hash_of(place) < hash)
    }

    /// Where a member is, or where it would stand.
    #[inline]
    pub fn find(&self, hash: u32, member: &[u8]) -> Result<usize, usize> {
        let mut at = self.first_from(hash);
        while let Some(&place) = self.index.get(at)
            && hash_of(place) == hash
        {
            match self.member_at(start_of(place)).0.cmp(member) {
                std::cmp::Ordering::Less => at += 1,
                std::cmp::Ordering::Equal => return Ok(at),
                std::cmp::Ordering::Greater => break,
            }
        }
        Err(at)
    }

    /// The member whose entry starts there, and what lies behind it.
    #[inline]
    fn member_at(&self, start: usize) -> (&[u8], &[u8]) {
        let (len, rest) = read_varint(&self.bytes[start..]);
        rest.split_at(len)
    }

    #[inline]
    pub fn entry(&self, at: usize) -> (&[u8], P::Ref<'_>) {
        let (member, rest) = self.member_at(start_of(self.index[at]));
        (member, P::unpack(rest))
    }

    /// The bytes of a whole entry.
    pub fn packed(&self, at: usize) -> &[u8] {
        let start = start_of(self.index[at]);
        &self.bytes[start..start + self.entry_len(at)]
    }

    fn entry_len(&self, at: usize) -> usize {
        let (member, payload) = self.entry(at);
        Chunk::<P>::len_of(member, payload)
    }

    /// How many bytes an entry takes.
    pub fn len_of(member: &[u8], payload: P::Ref<'_>) -> usize {
        varint_len(member.len()) + member.len() + P::packed_len(payload)
    }

    fn live_bytes(&self) -> usize {
        self.bytes.len() - self.garbage
    }

    /// Whether it is to be split.
    pub fn is_full(&self) -> bool {
        self.len() > MEMBERS_MAX || self.live_bytes() > BYTES_MAX && self.len() > 1
    }

    /// Whether a member that comes in order goes into this chunk, with some room left, and not to the next.
    pub fn takes_in_order(&self, member: &[u8], payload: P::Ref<'_>) -> bool {
        let bytes = self.live_bytes() + member.len() + P::packed_len(payload);
        self.len() < MEMBERS_FILLED && bytes < BYTES_FILLED
    }

    pub fn is_sparse(&self) -> bool {
        self.len() < MEMBERS_MIN && self.live_bytes() < BYTES_MAX / 2
    }

    /// Whether another chunk goes into this one, with some room left.
    pub fn takes(&self, other: &Chunk<P>) -> bool {
        self.len() + other.len() <= MEMBERS_FILLED
            && self.live_bytes() + other.live_bytes() <= BYTES_FILLED
    }

    /// Makes room for so many members with so many bytes of entries, as far as they may go into one chunk.
    pub fn reserve(&mut self, members: usize, entries_bytes: usize) {
        let index = members.min(MEMBERS_MAX) * size_of::<u64>();
        self.index.reserve_exact(good_capacity(index) / size_of::<u64>());
        self.bytes.reserve_exact(good_capacity(entries_bytes.min(BYTES_MAX)));
    }

    /// Puts a member in at the place where it has to stand.
    pub fn insert(&mut self, at: usize, hash: u32, member: &[u8], payload: P::Ref<'_>) {
        let start = self.push(member, payload);
        if self.index.len() == self.index.capacity() {
            let room = good_capacity((self.index.len() + 1) * size_of::<u64>()) / size_of::<u64>();
            self.index.reserve_exact(room - self.index.len());
        }
        self.index.insert(at, place(hash, start));
    }

    /// Writes an entry behind the last one; its start.
    fn push(&mut self, member: &[u8], payload: P::Ref<'_>) -> usize {
        let start = self.bytes.len();
        let end = start + Chunk::<P>::len_of(member, payload);
        if end > self.bytes.capacity() {
            self.bytes.reserve_exact(good_capacity(end) - start);
        }
        self.bytes.resize(end, 0);
        let rest = write_varint(&mut self.bytes[start..], member.len());
        let (to, rest) = rest.split_at_mut(member.len());
        to.copy_from_slice(member);
        P::pack(payload, rest);
        start
    }

    /// Gives a member another payload.
    pub fn replace(&mut self, at: usize, payload: P::Ref<'_>) {
        let start = start_of(self.index[at]);
        let (member, before) = self.entry(at);
        let (member_len, before_len) = (member.len(), P::packed_len(before));
        let len = P::packed_len(payload);
        let payload_start = start + varint_len(member_len) + member_len;
        if len == before_len {
            return P::pack(payload, &mut self.bytes[payload_start..payload_start + len]);
        }
        let member = member.to_vec();
        self.discard(start, payload_start + before_len);
        let start = self.push(&member, payload);
        self.index[at] = place(self.hash_at(at), start);
        self.pack_if_worth();
    }

    pub fn remove(&mut self, at: usize) {
        let start = start_of(self.index[at]);
        self.discard(start, start + self.entry_len(at));
        self.index.remove(at);
        self.pack_if_worth();
    }

    /// Gives up an entry's bytes.
    fn discard(&mut self, start: usize, end: usize) {
        if end == self.bytes.len() {
            self.bytes.truncate(start);
        } else {
            self.garbage += end - start;
        }
    }

    fn pack_if_worth(&mut self) {
        let wasted = self.garbage + self.bytes.capacity() - self.bytes.len();
        if wasted > GARBAGE_MIN && wasted > self.bytes.capacity() / 4 {
            *self = self.part(0, self.len());
        }
    }

    /// Members `from..to`, without garbage.
    fn part(&self, from: usize, to: usize) -> Chunk<P> {
        let bytes = (from..to).map(|at| self.entry_len(at)).sum();
        let mut part = Chunk::default();
        part.bytes.reserve_exact(good_capacity(bytes));
        part.index.reserve_exact(good_capacity((to - from) * size_of::<u64>()) / size_of::<u64>());
        for at in from..to {
            part.index.push(place(self.hash_at(at), part.bytes.len()));
            part.bytes.extend_from_slice(self.packed(at));
        }
        part
    }

    /// Keeps about half of the bytes, or of the members where there are too many; the rest. None if all
    /// have one hash.
    pub fn split(&mut self) -> Option<Chunk<P>> {
        let middle = if self.len() > MEMBERS_MAX {
            self.len() / 2
        } else {
            let mut left = 0;
            let half = self.live_bytes() / 2;
            let reaches_half = |&at: &usize| {
                left += self.entry_len(at);
                left > half
            };
            (0..self.len()).find(reaches_half).unwrap_or(0)
        };
        // The nearest place to the middle at which the hash changes.
        let changes = |at: &usize| self.hash_at(*at - 1) != self.hash_at(*at);
        let above = (middle.max(1)..self.len()).find(changes);
        let below = (1..middle.max(1)).rev().find(changes);
        let at = match (above, below) {
            (Some(above), Some(below)) if middle - below < above - middle => below,
            (Some(at), _) | (None, Some(at)) => at,
            (None, None) => return None,
        };
        let upper = self.part(at, self.len());
        *self = self.part(0, at);
        Some(upper)
    }

    /// Takes over all members of the chunk behind this one.
    pub fn append(&mut self, other: &Chunk<P>) {
        for at in 0..other.len() {
            let (member, payload) = other.entry(at);
            self.insert(self.len(), other.hash_at(at), member, payload);
        }
    }

    /// Bytes allocated, the shared allocation of the chunk itself included.
    pub fn heap_bytes(&self) -> usize {
        let counts = 2 * size_of::<usize>();
        let index = self.index.capacity() * size_of::<u64>();
        counts + size_of::<Chunk<P>>() + index + self.bytes.capacity()
    }
}

fn place(hash: u32, start: usize) -> u64 {
    let start = u32::try_from(start).expect("a chunk has less than 4 GiB");
    u64::from(hash) << 32 | u64::from(start)
}

#[cfg(test)]
impl<P: Payload> Chunk<P> {
    /// Panics unless members are in order and all bytes accounted for.
    pub fn assert_sound(&self, hash: impl Fn(&[u8]) -> u32) {
        let order: Vec<_> =
            (0..self.len()).map(|at| (self.hash_at(at), self.entry(at).0)).collect();
        assert!(order.is_sorted_by(|one, next| one < next));
        assert!(order.iter().all(|&(at, member)| at == hash(member)));
        let live: usize = (0..self.len()).map(|at| self.entry_len(at)).sum();
        assert_eq!(live, self.live_bytes());
        assert!(self.garbage <= GARBAGE_MIN.max(self.bytes.capacity() / 4));
    }
}
