//! Stream entry ids: milliseconds and a sequence number, ordered as a pair.

use std::fmt;

/// The id of a stream entry, written `ms-seq`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct StreamId {
    /// Unix time in milliseconds, or whatever the producer chose.
    pub ms: u64,
    /// Orders entries of the same millisecond.
    pub seq: u64,
}

impl StreamId {
    /// The smallest id, `0-0`. No entry ever has it.
    pub const MIN: StreamId = StreamId { ms: 0, seq: 0 };
    /// The largest id.
    pub const MAX: StreamId = StreamId { ms: u64::MAX, seq: u64::MAX };

    pub const fn new(ms: u64, seq: u64) -> StreamId {
        StreamId { ms, seq }
    }

    /// The id right after this one, or `None` behind the last.
    pub fn next(self) -> Option<StreamId> {
        match self.seq.checked_add(1) {
            Some(seq) => Some(StreamId { ms: self.ms, seq }),
            None => self.ms.checked_add(1).map(|ms| StreamId { ms, seq: 0 }),
        }
    }

    /// The id right before this one, or `None` before the first.
    pub fn prev(self) -> Option<StreamId> {
        match self.seq.checked_sub(1) {
            Some(seq) => Some(StreamId { ms: self.ms, seq }),
            None => self.ms.checked_sub(1).map(|ms| StreamId { ms, seq: u64::MAX }),
        }
    }

    /// Parses `ms` or `ms-seq`; a missing sequence is `seq_default`.
    ///
    /// The numbers are decimal and fit in 64 bits, and are read as leniently as Redis reads them:
    /// space, a plus sign and zeros may stand before the digits.
    pub fn parse(text: &[u8], seq_default: u64) -> Option<StreamId> {
        // Redis copies an id into a buffer of this size, and ends it at a NUL.
        const TEXT_BYTES_MAX: usize = 127;
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        let text = memchr::memchr(0, text).map_or(text, |end| &text[..end]);
        match memchr::memchr(b'-', text) {
            None => Some(StreamId { ms: parse_u64(text)?, seq: seq_default }),
            Some(dash) => {
                Some(StreamId { ms: parse_u64(&text[..dash])?, seq: parse_u64(&text[dash + 1..])? })
            }
        }
    }
}

/// Decimal digits, after space, a plus sign and zeros if need be, without overflow.
fn parse_u64(text: &[u8]) -> Option<u64> {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let start = text.iter().position(|byte| !is_space(byte)).unwrap_or(text.len());
    let digits = text[start..].strip_prefix(b"+").unwrap_or(&text[start..]);
    if digits.is_empty() {
        return None;
    }
    let mut value = 0u64;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(value)
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_redis_reads() {
        let id = |ms, seq| Some(StreamId { ms, seq });
        let long = format!("{}9-1", "0".repeat(124));
        for (text, expected) in [
            ("5-1", id(5, 1)),
            ("5", id(5, 7)),
            ("+5-1", id(5, 1)),
            (" 6-+2", id(6, 2)),
            ("6-\t 3", id(6, 3)),
            ("007-002", id(7, 2)),
            ("18446744073709551615-18446744073709551615", id(u64::MAX, u64::MAX)),
            ("5-1\0rest", id(5, 1)),
            (&long, id(9, 1)),
            (&format!("0{long}"), None),
            ("18446744073709551616", None),
            ("8-18446744073709551616", None),
            ("", None),
            ("-", None),
            ("-8", None),
            ("8-", None),
            ("6--3", None),
            ("7-1x", None),
            ("7-1 ", None),
            ("0x12", None),
            ("+", None),
            ("++1", None),
        ] {
            assert_eq!(StreamId::parse(text.as_bytes(), 7), expected, "{text:?}");
        }
    }

    #[test]
    fn next_and_prev_carry_between_the_halves() {
        let id = |ms, seq| StreamId { ms, seq };
        for (one, other) in [(id(1, 1), id(1, 2)), (id(1, u64::MAX), id(2, 0))] {
            assert_eq!(one.next(), Some(other));
            assert_eq!(other.prev(), Some(one));
        }
        assert_eq!(StreamId::MAX.next(), None);
        assert_eq!(StreamId::MIN.prev(), None);
    }
}
