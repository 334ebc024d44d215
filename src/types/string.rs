//! The string value: an integer, or bytes.
//!
//! Which of the forms a value has shows in `OBJECT ENCODING` and follows Redis: what `SET` stores
//! is `int` if it is a canonical integer, else `embstr` if Redis would keep it in one allocation
//! with its key, and `raw` above; what `APPEND` and `SETRANGE` have changed is `raw` whatever its
//! size.

mod image;

use std::sync::Arc;

pub use image::{StringImage, StringImageReader};

use super::number;
use super::text::Text;

/// The longest string that is kept without room to grow.
const EMBEDDED_BYTES_MAX: usize = 44;
/// Redis (8.2 on) embeds a string if value, key and their headers come to no more than a cache
/// line, which leaves this many bytes to the two of them.
const EMBEDDED_WITH_KEY_BYTES_MAX: usize = 41;
/// Of these a deadline takes some; longer keys lie in allocations that have room for it anyway.
const EMBEDDED_DEADLINE_BYTES: usize = 8;
const DEADLINE_IS_FREE_FROM_KEY_BYTES: usize = 32;
/// What fits beside a length and the variant's tag without making the value larger.
const INLINE_BYTES_MAX: usize = 22;

#[derive(Clone)]
enum Repr {
    Integer(i64),
    /// Short strings need no allocation.
    Inline {
        len: u8,
        bytes: [u8; INLINE_BYTES_MAX],
    },
    Embedded(Box<[u8]>),
    /// Shared with clones until one of them is changed: the string may be large.
    Raw(Arc<Vec<u8>>),
}

/// A string value. See the module's text.
#[derive(Clone)]
pub struct StringValue {
    repr: Repr,
}

impl StringValue {
    /// The value that `SET` stores: an integer where `value` is one in canonical form.
    pub fn new(value: &[u8]) -> StringValue {
        match number::parse_i64(value) {
            Some(integer) => StringValue::from_integer(integer),
            None => StringValue::from_bytes(value),
        }
    }

    /// A value that is kept as an integer.
    pub fn from_integer(value: i64) -> StringValue {
        StringValue { repr: Repr::Integer(value) }
    }

    /// A value that is kept as bytes even if they are digits, as the result of `INCRBYFLOAT` is.
    pub fn from_bytes(value: &[u8]) -> StringValue {
        let repr = if value.len() <= INLINE_BYTES_MAX {
            let mut bytes = [0; INLINE_BYTES_MAX];
            bytes[..value.len()].copy_from_slice(value);
            Repr::Inline { len: value.len() as u8, bytes }
        } else if value.len() <= EMBEDDED_BYTES_MAX {
            Repr::Embedded(value.into())
        } else {
            Repr::Raw(Arc::new(value.to_vec()))
        };
        StringValue { repr }
    }

    /// A value of these bytes that is kept as one that was changed in place, whatever its size.
    pub fn raw(value: Vec<u8>) -> StringValue {
        StringValue { repr: Repr::Raw(Arc::new(value)) }
    }

    /// The value's bytes; those of an integer are written out.
    #[inline]
    pub fn text(&self) -> Text<'_> {
        match &self.repr {
            Repr::Integer(value) => Text::from_integer(*value),
            Repr::Inline { len, bytes } => Text::Bytes(&bytes[..usize::from(*len)]),
            Repr::Embedded(bytes) => Text::Bytes(bytes),
            Repr::Raw(bytes) => Text::Bytes(bytes),
        }
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.text().len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value as an integer, if its bytes are one in canonical form.
    #[inline]
    pub fn integer(&self) -> Option<i64> {
        match &self.repr {
            Repr::Integer(value) => Some(*value),
            _ => number::parse_i64(&self.text()),
        }
    }

    /// The name `OBJECT ENCODING` gives the value's form, under a key of `key_len` bytes. (A value
    /// that lost its deadline again is `raw` in Redis and may be `embstr` here.)
    pub fn encoding(&self, key_len: usize, has_deadline: bool) -> &'static str {
        let deadline = match has_deadline && key_len < DEADLINE_IS_FREE_FROM_KEY_BYTES {
            true => EMBEDDED_DEADLINE_BYTES,
            false => 0,
        };
        match self.repr {
            Repr::Integer(_) => "int",
            Repr::Inline { .. } | Repr::Embedded(_)
                if self.len() + key_len + deadline <= EMBEDDED_WITH_KEY_BYTES_MAX =>
            {
                "embstr"
            }
            _ => "raw",
        }
    }

    /// Bytes allocated for the value.
    pub fn heap_bytes(&self) -> usize {
        match &self.repr {
            Repr::Integer(_) | Repr::Inline { .. } => 0,
            Repr::Embedded(bytes) => bytes.len(),
            Repr::Raw(bytes) => 2 * size_of::<usize>() + size_of::<Vec<u8>>() + bytes.capacity(),
        }
    }

    /// Adds bytes at the end; returns the new length.
    pub fn append(&mut self, suffix: &[u8]) -> usize {
        let bytes = self.make_raw(suffix.len());
        bytes.extend_from_slice(suffix);
        bytes.len()
    }

    /// Overwrites bytes from `offset` on, with zeros before it where the string is shorter;
    /// returns the new length. The caller has checked the sum against its limit.
    pub fn set_range(&mut self, offset: usize, patch: &[u8]) -> usize {
        let end = offset + patch.len();
        let bytes = self.make_raw(end.saturating_sub(self.len()));
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[offset..end].copy_from_slice(patch);
        bytes.len()
    }

    /// Whether it is kept as one that was changed in place.
    pub fn is_raw(&self) -> bool {
        matches!(self.repr, Repr::Raw(_))
    }

    /// The bytes, to be changed in any way.
    pub fn buffer_mut(&mut self) -> &mut Vec<u8> {
        self.make_raw(0)
    }

    /// The bytes, to be changed in place, of which there are at least `len`: zeros make up for what is
    /// missing.
    pub fn bytes_mut(&mut self, len: usize) -> &mut [u8] {
        let bytes = self.make_raw(len.saturating_sub(self.len()));
        if bytes.len() < len {
            bytes.resize(len, 0);
        }
        bytes
    }

    /// The bytes to change, with room for `more`. Growth doubles the buffer.
    fn make_raw(&mut self, more: usize) -> &mut Vec<u8> {
        if !self.is_raw() {
            let text = self.text();
            let mut bytes = Vec::with_capacity(text.len() + more);
            bytes.extend_from_slice(&text);
            self.repr = Repr::Raw(Arc::new(bytes));
        }
        match &mut self.repr {
            Repr::Raw(bytes) => Arc::make_mut(bytes),
            _ => unreachable!("made raw above"),
        }
    }
}

impl PartialEq for StringValue {
    fn eq(&self, other: &StringValue) -> bool {
        *self.text() == *other.text()
    }
}

impl Eq for StringValue {}

impl std::fmt::Debug for StringValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.text().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::types::image::tests::{pieces, read, read_damaged};

    #[test]
    fn an_image_gives_the_same_string() {
        let mut strings: Vec<StringValue> = [0, 1, 22, 23, 44, 45, 16_384, 16_385, 100_000]
            .iter()
            .flat_map(|&len| {
                let mut appended = StringValue::from_bytes(b"");
                appended.append(&vec![b'b'; len]);
                [StringValue::from_bytes(&vec![b'a'; len]), appended]
            })
            .collect();
        strings.extend([0, -1, i64::MIN, i64::MAX].map(StringValue::from_integer));
        strings.push(StringValue::from_bytes(b"12"));
        for string in strings {
            let pieces = pieces(string.image());
            let read_back = read::<StringImageReader>(&pieces).expect("it was written so");
            assert_eq!(read_back, string);
            assert_eq!(read_back.encoding(1, false), string.encoding(1, false));
            for seed in (0..2000u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15)) {
                read_damaged::<StringImageReader>(&pieces, seed, |string| {
                    let _ = (string.len(), string.integer(), string.clone().append(b"c"));
                });
            }
        }
    }

    #[test]
    fn forms_are_those_of_redis() {
        assert_eq!(size_of::<StringValue>(), 24);
        for (value, encoding) in [
            ("", "embstr"),
            ("0", "int"),
            ("-9223372036854775808", "int"),
            ("9223372036854775808", "embstr"),
            ("007", "embstr"),
            ("1.5", "embstr"),
            (&"a".repeat(22), "embstr"),
            (&"a".repeat(23), "embstr"),
            (&"a".repeat(38), "embstr"),
            (&"a".repeat(39), "raw"),
            (&"a".repeat(44), "raw"),
            (&"a".repeat(45), "raw"),
        ] {
            let string = StringValue::new(value.as_bytes());
            assert_eq!(string.encoding(3, false), encoding, "{value:?}");
            assert_eq!(&*string.text(), value.as_bytes());
        }
        assert_eq!(StringValue::from_bytes(b"12").encoding(3, false), "embstr");
        assert_eq!(StringValue::from_bytes(b"12").integer(), Some(12));
        let string = StringValue::new(&[b'a'; 30]);
        assert_eq!(string.encoding(3, true), "embstr");
        assert_eq!(string.encoding(4, true), "raw");
        assert_eq!(StringValue::new(b"abcdefghi").encoding(32, true), "embstr");
        assert_eq!(StringValue::new(b"abcdefghij").encoding(32, true), "raw");
        let mut string = StringValue::from_integer(12);
        assert_eq!((string.append(b"3"), string.encoding(3, false)), (3, "raw"));
        assert_eq!(string.integer(), Some(123));
    }

    #[test]
    fn a_clone_keeps_its_bytes() {
        let mut string = StringValue::new(&[b'a'; 100]);
        let kept = string.clone();
        string.append(b"b");
        string.set_range(0, b"c");
        assert_eq!(&*kept.text(), [b'a'; 100]);
        assert_eq!(string.text()[0], b'c');
    }

    proptest! {
        #[test]
        fn changes_are_those_of_a_vector(
            start in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..60),
                any::<i64>().prop_map(|n| n.to_string().into_bytes()),
            ],
            changes in prop::collection::vec(
                (prop::option::of(0usize..90), prop::collection::vec(any::<u8>(), 1..30)), 0..8),
        ) {
            let mut string = StringValue::new(&start);
            let mut model = start;
            for (offset, bytes) in changes {
                let length = match offset {
                    None => {
                        model.extend_from_slice(&bytes);
                        string.append(&bytes)
                    }
                    Some(offset) => {
                        model.resize(model.len().max(offset + bytes.len()), 0);
                        model[offset..offset + bytes.len()].copy_from_slice(&bytes);
                        string.set_range(offset, &bytes)
                    }
                };
                prop_assert_eq!(length, model.len());
                prop_assert_eq!(&*string.text(), model.as_slice());
            }
        }
    }
}
