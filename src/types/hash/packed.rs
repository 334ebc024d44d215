//! A small hash: its fields one behind the other, in the order they came.
//!
//! ```text
//! field count u32, flags u8, entry | entry | …
//! entry: length of the name (LEB128), name, field (see `field`)
//! ```
//!
//! Invariant: no name stands twice. An empty hash has no bytes at all.

use super::field::{Field, NEVER, Packing};
use crate::types::dict::Payload;
use crate::types::dict::chunk::{good_capacity, read_varint, varint_len, write_varint};

const HEADER_BYTES: usize = 5;
/// Where the flags are.
const FLAGS: usize = 4;
/// A field has, or had, a deadline.
const TIMED: u8 = 1;

#[derive(Clone, Default)]
pub(super) struct Packed {
    bytes: Vec<u8>,
}

/// Where an entry lies.
struct Place {
    start: usize,
    /// Of what stands behind the name.
    payload: usize,
    end: usize,
}

impl Packed {
    pub fn len(&self) -> usize {
        let count = self.bytes.first_chunk().copied().map_or(0, u32::from_le_bytes);
        count as usize
    }

    /// Whether a field has, or had, a deadline.
    pub fn is_timed(&self) -> bool {
        self.bytes.get(FLAGS).is_some_and(|flags| flags & TIMED != 0)
    }

    pub fn set_timed(&mut self) {
        if let Some(flags) = self.bytes.get_mut(FLAGS) {
            *flags |= TIMED;
        }
    }

    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// All entries, as they lie.
    pub fn entries(&self) -> &[u8] {
        self.bytes.get(HEADER_BYTES..).unwrap_or_default()
    }

    pub fn iter(&self) -> Iter<'_> {
        Iter { rest: self.entries(), left: self.len() }
    }

    #[inline]
    fn find(&self, name: &[u8]) -> Option<Place> {
        let mut rest = self.entries();
        while !rest.is_empty() {
            let start = self.bytes.len() - rest.len();
            let (len, behind) = read_varint(rest);
            let (found, packed) = behind.split_at(len);
            let payload = self.bytes.len() - packed.len();
            let end = payload + Packing::packed_len(Packing::unpack(packed));
            if found == name {
                return Some(Place { start, payload, end });
            }
            rest = &self.bytes[end..];
        }
        None
    }

    #[inline]
    pub fn get(&self, name: &[u8]) -> Option<Field<'_>> {
        self.find(name).map(|place| Packing::unpack(&self.bytes[place.payload..]))
    }

    /// Puts a field in, or in the place of the one of its name; whether it is new.
    pub fn set(&mut self, name: &[u8], field: Field<'_>) -> bool {
        let Some(place) = self.find(name) else {
            self.push(name, field);
            return true;
        };
        let len = Packing::packed_len(field);
        self.resize(place.payload, place.end, len);
        Packing::pack(field, &mut self.bytes[place.payload..place.payload + len]);
        self.note_deadline(&field);
        false
    }

    /// Adds a field of a name that is not there.
    pub fn push(&mut self, name: &[u8], field: Field<'_>) {
        let begin = self.bytes.len().max(HEADER_BYTES);
        let len = varint_len(name.len()) + name.len() + Packing::packed_len(field);
        if begin + len > self.bytes.capacity() {
            // Many hashes are made whole by one command: what comes next is not known.
            self.bytes.reserve_exact(good_capacity(begin + len) - self.bytes.len());
        }
        self.bytes.resize(begin + len, 0);
        let rest = write_varint(&mut self.bytes[begin..], name.len());
        let (to, payload) = rest.split_at_mut(name.len());
        to.copy_from_slice(name);
        Packing::pack(field, payload);
        self.set_len(self.len() + 1);
        self.note_deadline(&field);
    }

    fn note_deadline(&mut self, field: &Field<'_>) {
        if field.expire_at_ms != NEVER {
            self.set_timed();
        }
    }

    /// Takes a field out; whether it was there.
    pub fn remove(&mut self, name: &[u8]) -> bool {
        let Some(place) = self.find(name) else { return false };
        let left = self.len() - 1;
        if left == 0 {
            self.bytes = Vec::new();
            return true;
        }
        self.resize(place.start, place.end, 0);
        self.set_len(left);
        if self.bytes.len() < self.bytes.capacity() / 2 {
            self.bytes.shrink_to(good_capacity(self.bytes.len()));
        }
        true
    }

    fn set_len(&mut self, len: usize) {
        let len = u32::try_from(len).expect("a small hash has few fields");
        self.bytes[..FLAGS].copy_from_slice(&len.to_le_bytes());
    }

    /// Makes `from..to` take `len` bytes.
    fn resize(&mut self, from: usize, to: usize, len: usize) {
        let before = self.bytes.len();
        let after = before - (to - from) + len;
        if after > before {
            if after > self.bytes.capacity() {
                self.bytes.reserve_exact(good_capacity(after) - before);
            }
            self.bytes.resize(after, 0);
        }
        self.bytes.copy_within(to..before, from + len);
        self.bytes.truncate(after);
    }
}

/// Names and fields of a [`Packed`].
#[derive(Clone)]
pub struct Iter<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], Field<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let (len, behind) = read_varint(self.rest);
        let (name, packed) = behind.split_at(len);
        let field = Packing::unpack(packed);
        self.rest = &packed[Packing::packed_len(field)..];
        Some((name, field))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}
