//! A byte string that may be kept as an integer.

use std::fmt;
use std::ops::Deref;

use super::number;

/// What a stored string reads as: borrowed bytes, or digits written out from an integer.
#[derive(Clone, Copy)]
pub enum Text<'a> {
    /// The string's own bytes.
    Bytes(&'a [u8]),
    /// The decimal form of an integer, left aligned.
    Digits {
        /// Digits and sign; only the first `len` count.
        digits: [u8; number::I64_DIGITS_MAX],
        /// How many bytes of `digits` are the string.
        len: u8,
    },
}

impl Text<'_> {
    /// The decimal form of `value`.
    #[inline]
    pub fn from_integer(value: i64) -> Text<'static> {
        let mut buffer = itoa::Buffer::new();
        let written = buffer.format(value).as_bytes();
        let mut digits = [0; number::I64_DIGITS_MAX];
        digits[..written.len()].copy_from_slice(written);
        Text::Digits { digits, len: written.len() as u8 }
    }
}

impl Deref for Text<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Text::Bytes(bytes) => bytes,
            Text::Digits { digits, len } => &digits[..usize::from(*len)],
        }
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.escape_ascii())
    }
}
