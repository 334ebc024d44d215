//! The hash: names of fields, their values, and when which of them is gone.
//!
//! A small hash is one buffer ([`packed`]), searched from its start; one that passes either of Redis's
//! limits is a dict with the deadlines of its fields in order beside it ([`large`]). The two forms are what
//! `OBJECT ENCODING` calls `listpack` (`listpackex` once a field has had a deadline) and `hashtable`.
//! As in Redis a large hash stays large.
//!
//! Fields whose deadline has passed are still here until somebody removes them: whoever reads asks
//! with the time ([`Field::is_due`]). A clone of a large hash takes constant time and shares its chunks.

mod field;
mod image;
mod large;
mod packed;
#[cfg(test)]
mod tests;

pub use field::{DEADLINE_MS_MAX, Field, NEVER};
pub use image::{HashImage, HashImageReader};

use large::Large;
use packed::Packed;

use super::dict;

/// Up to where a hash is small.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Fields.
    pub fields_max: usize,
    /// Bytes of any name or value.
    pub bytes_max: usize,
}

impl Default for Limits {
    /// Redis's own.
    fn default() -> Limits {
        Limits { fields_max: 512, bytes_max: 64 }
    }
}

impl Limits {
    fn allow(&self, name: &[u8], value: &[u8]) -> bool {
        name.len() <= self.bytes_max && value.len() <= self.bytes_max
    }
}

#[derive(Clone)]
enum Repr {
    Packed(Packed),
    Large(Box<Large>),
}

/// A hash. See the module's text.
#[derive(Clone)]
pub struct Hash {
    repr: Repr,
}

impl Default for Hash {
    fn default() -> Hash {
        Hash::new()
    }
}

impl Hash {
    /// An empty hash; takes no memory of its own until a field is set.
    pub fn new() -> Hash {
        Hash { repr: Repr::Packed(Packed::default()) }
    }

    /// An empty hash in the large form, which it keeps.
    pub fn new_large() -> Hash {
        Hash { repr: Repr::Large(Box::default()) }
    }

    /// How many fields there are, those included whose deadline has passed.
    pub fn len(&self) -> usize {
        match &self.repr {
            Repr::Packed(packed) => packed.len(),
            Repr::Large(large) => large.fields.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many fields there are at this time, unix ms.
    pub fn live_len(&self, now_ms: i64) -> usize {
        match &self.repr {
            Repr::Packed(packed) if packed.is_timed() => {
                packed.iter().filter(|(_, field)| !field.is_due(now_ms)).count()
            }
            Repr::Packed(packed) => packed.len(),
            Repr::Large(large) => large.fields.len() - large.due_count(now_ms),
        }
    }

    /// The earliest deadline of any field; [`NEVER`] if none has one.
    pub fn nearest_deadline(&self) -> i64 {
        match &self.repr {
            Repr::Packed(packed) if packed.is_timed() => {
                packed.iter().map(|(_, field)| field.expire_at_ms).min().unwrap_or(NEVER)
            }
            Repr::Packed(_) => NEVER,
            Repr::Large(large) => large.nearest_deadline(),
        }
    }

    /// Names of fields whose deadline has passed, about `max` of them.
    pub fn due_names(&self, now_ms: i64, max: usize) -> Vec<&[u8]> {
        match &self.repr {
            Repr::Packed(packed) => {
                let due = packed.iter().filter(|(_, field)| field.is_due(now_ms));
                due.take(max).map(|(name, _)| name).collect()
            }
            Repr::Large(large) => large.due_names(now_ms, max),
        }
    }

    /// The name `OBJECT ENCODING` gives the hash's present form.
    pub fn encoding(&self) -> &'static str {
        match &self.repr {
            Repr::Packed(packed) if packed.is_timed() => "listpackex",
            Repr::Packed(_) => "listpack",
            Repr::Large(_) => "hashtable",
        }
    }

    /// Whether a scan gives all of it at once.
    pub fn is_packed(&self) -> bool {
        matches!(self.repr, Repr::Packed(_))
    }

    /// Bytes allocated. Parts beyond the first `samples` are taken to be like those; 0 looks at all.
    pub fn heap_bytes(&self, samples: usize) -> usize {
        match &self.repr {
            Repr::Packed(packed) => packed.capacity(),
            Repr::Large(large) => {
                size_of::<Large>() + large.fields.heap_bytes(samples) + large.dues.heap_bytes()
            }
        }
    }

    /// A field, whether its deadline has passed or not.
    #[inline]
    pub fn get(&self, name: &[u8]) -> Option<Field<'_>> {
        match &self.repr {
            Repr::Packed(packed) => packed.get(name),
            Repr::Large(large) => large.fields.get(name),
        }
    }

    /// A field that is there at this time, unix ms.
    #[inline]
    pub fn live(&self, name: &[u8], now_ms: i64) -> Option<Field<'_>> {
        self.get(name).filter(|field| !field.is_due(now_ms))
    }

    /// Sets a field, value and deadline; whether there was none of the name.
    pub fn set(&mut self, name: &[u8], field: Field<'_>, limits: &Limits) -> bool {
        if let Repr::Packed(packed) = &mut self.repr {
            if limits.allow(name, field.value) {
                let is_new = packed.set(name, field);
                if is_new && packed.len() > limits.fields_max {
                    self.make_large();
                }
                return is_new;
            }
            self.make_large();
        }
        match &mut self.repr {
            Repr::Packed(packed) => packed.set(name, field),
            Repr::Large(large) => large.set(name, field),
        }
    }

    /// Sets fields without deadlines; how many of them there were none of.
    pub fn set_all(&mut self, pairs: &[[&[u8]; 2]], limits: &Limits) -> usize {
        let becomes_large = |hash: &Hash| {
            hash.is_empty() && pairs.iter().any(|[name, value]| !limits.allow(name, value))
        };
        if becomes_large(self) {
            // Most hashes are made whole, and making room field by field costs more than the fields.
            let fields = pairs.iter().map(|[name, value]| (*name, Field::new(value)));
            self.repr = Repr::Large(Box::new(Large::of(fields)));
            return self.len();
        }
        let set = |[name, value]: &[&[u8]; 2]| self.set(name, Field::new(value), limits);
        pairs.iter().map(set).map(usize::from).sum()
    }

    /// Gives a field another deadline ([`NEVER`]: none); whether it is there.
    pub fn set_deadline(&mut self, name: &[u8], expire_at_ms: i64) -> bool {
        let Some(field) = self.get(name) else { return false };
        if field.expire_at_ms == expire_at_ms {
            return true;
        }
        let value = field.value.to_vec();
        let field = Field { value: &value, expire_at_ms };
        match &mut self.repr {
            Repr::Packed(packed) => packed.set(name, field),
            Repr::Large(large) => large.set(name, field),
        };
        true
    }

    /// Takes a field out; whether it was there.
    pub fn remove(&mut self, name: &[u8]) -> bool {
        match &mut self.repr {
            Repr::Packed(packed) => packed.remove(name),
            Repr::Large(large) => large.remove(name),
        }
    }

    fn make_large(&mut self) {
        if let Repr::Packed(packed) = &self.repr {
            let mut large = Box::new(Large::default());
            for (name, field) in packed.iter() {
                large.set(name, field);
            }
            self.repr = Repr::Large(large);
        }
    }

    /// Takes the form that these limits give a hash that is loaded.
    pub fn fit(&mut self, limits: &Limits) {
        let is_small = self.len() <= limits.fields_max
            && self.iter().all(|(name, field)| limits.allow(name, field.value));
        match (&self.repr, is_small) {
            (Repr::Packed(_), false) => self.make_large(),
            (Repr::Large(large), true) => {
                let mut packed = Packed::default();
                for (name, field) in large.fields.iter() {
                    packed.set(name, field);
                }
                self.repr = Repr::Packed(packed);
            }
            _ => {}
        }
    }

    /// The field at a place below the length, in an order that changes only with fields that come and go.
    pub fn at(&self, place: usize) -> Option<(&[u8], Field<'_>)> {
        match &self.repr {
            Repr::Packed(packed) => packed.iter().nth(place),
            Repr::Large(large) => large.fields.at(place),
        }
    }

    /// All fields, those included whose deadline has passed.
    pub fn iter(&self) -> Iter<'_> {
        match &self.repr {
            Repr::Packed(packed) => Iter::Packed(packed.iter()),
            Repr::Large(large) => Iter::Large(large.fields.iter()),
        }
    }

    /// Visits `count` fields or more from `cursor` on, as [`Dict::scan`](dict::Dict::scan) does; all of a
    /// small hash.
    pub fn scan<'h>(
        &'h self,
        cursor: u64,
        count: usize,
        mut visit: impl FnMut(&'h [u8], Field<'h>),
    ) -> u64 {
        match &self.repr {
            Repr::Packed(packed) => {
                packed.iter().for_each(|(name, field)| visit(name, field));
                0
            }
            Repr::Large(large) => large.fields.scan(cursor, count, visit),
        }
    }
}

/// The fields of a [`Hash`].
#[derive(Clone)]
#[expect(private_interfaces, reason = "how fields are packed is nobody's business")]
pub enum Iter<'a> {
    Packed(packed::Iter<'a>),
    Large(dict::Iter<'a, field::Packing>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], Field<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Iter::Packed(iter) => iter.next(),
            Iter::Large(iter) => iter.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Iter::Packed(iter) => iter.size_hint(),
            Iter::Large(iter) => iter.size_hint(),
        }
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let fields = self.iter().map(|(name, field)| (name.escape_ascii().to_string(), field));
        f.debug_map().entries(fields).finish()
    }
}
