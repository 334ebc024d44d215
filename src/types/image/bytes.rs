//! Writing and reading the numbers and strings of a piece.

use super::{BadImage, Tag};

const CUT_SHORT: BadImage = BadImage("a piece is cut short");

pub(in crate::types) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A number that may be missing: one more than it, or 0.
pub(in crate::types) fn put_optional(out: &mut Vec<u8>, value: Option<u64>) {
    put_varint(out, value.map_or(0, |value| value.saturating_add(1)));
}

/// A string with its length before it.
pub(in crate::types) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// What is left to be read of a piece.
#[derive(Clone, Copy)]
pub(in crate::types) struct Cut<'a>(&'a [u8]);

impl<'a> Cut<'a> {
    pub fn new(bytes: &'a [u8]) -> Cut<'a> {
        Cut(bytes)
    }

    /// The piece's tag, and what lies behind it.
    pub fn open(piece: &'a [u8]) -> Result<(Tag, Cut<'a>), BadImage> {
        let (&number, rest) = piece.split_first().ok_or(CUT_SHORT)?;
        Ok((Tag::try_from(number)?, Cut(rest)))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// All that is left.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }

    /// Says that nothing may be left.
    pub fn end(self) -> Result<(), BadImage> {
        if self.0.is_empty() { Ok(()) } else { Err(BadImage("a piece is too long")) }
    }

    #[inline]
    pub fn byte(&mut self) -> Result<u8, BadImage> {
        let (&byte, rest) = self.0.split_first().ok_or(CUT_SHORT)?;
        self.0 = rest;
        Ok(byte)
    }

    #[inline]
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], BadImage> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(CUT_SHORT)?;
        self.0 = rest;
        Ok(taken)
    }

    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], BadImage> {
        let (&taken, rest) = self.0.split_first_chunk().ok_or(CUT_SHORT)?;
        self.0 = rest;
        Ok(taken)
    }

    #[inline]
    pub fn varint(&mut self) -> Result<u64, BadImage> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(u64::from(first));
        }
        let mut value = u64::from(first & 0x7f);
        for shift in (7..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(BadImage("a number of more than 64 bits"))
    }

    /// A number that is at most `max`.
    pub fn varint_to(&mut self, max: u64) -> Result<u64, BadImage> {
        let value = self.varint()?;
        if value <= max { Ok(value) } else { Err(BadImage("a number out of range")) }
    }

    pub fn optional_to(&mut self, max: u64) -> Result<Option<u64>, BadImage> {
        let value = self.varint()?.checked_sub(1);
        if value.is_none_or(|value| value <= max) {
            Ok(value)
        } else {
            Err(BadImage("a number out of range"))
        }
    }

    /// A string with its length before it.
    #[inline]
    pub fn bytes(&mut self) -> Result<&'a [u8], BadImage> {
        let len = usize::try_from(self.varint()?).map_err(|_| CUT_SHORT)?;
        self.take(len)
    }
}
