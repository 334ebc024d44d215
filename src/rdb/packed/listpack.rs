//! The listpack: strings and integers one behind the other, each with its length behind it.
//!
//! ```text
//! listpack  bytes u32, elements u16 (65535: more than can be counted), element…, 0xff
//! element   0nnnnnnn                   0..127
//!           10llllll                   string of l bytes
//!           110nnnnn n                 13 bits, signed
//!           1110llll l                 string of l bytes, below 4096
//!           0xf0 + 4                   string of l bytes
//!           0xf1 + 2, f2 + 3, f3 + 4, f4 + 8   integer, signed
//!           and behind each its length so far, in 1 to 5 bytes of 7 bits, read backwards
//! ```
//! Numbers are little endian but for the split ones.

use super::{BadPacking, head, i24};
use crate::types::number::parse_i64;
use crate::types::text::Text;

const HEADER_BYTES: usize = 6;
const END: u8 = 0xff;
/// The count in the header that stands for "count them".
const UNCOUNTED: u16 = u16::MAX;

/// The elements of a listpack, in order.
pub struct Elements<'a> {
    rest: &'a [u8],
    counted: Option<u16>,
}

/// Looks at the frame of a listpack; the elements are checked as they are read.
///
/// # Errors
/// The stated length is not that of the bytes, or they have no end mark.
pub fn read(bytes: &[u8]) -> Result<Elements<'_>, BadPacking> {
    let stated = head(bytes).map(u32::from_le_bytes);
    if stated.map(|bytes| bytes as usize) != Some(bytes.len()) || bytes.len() <= HEADER_BYTES {
        return Err(BadPacking("a listpack is not as long as it says"));
    }
    let (elements, end) = bytes[HEADER_BYTES..].split_at(bytes.len() - HEADER_BYTES - 1);
    if end != [END] {
        return Err(BadPacking("a listpack has no end mark"));
    }
    let count = u16::from_le_bytes([bytes[4], bytes[5]]);
    Ok(Elements { rest: elements, counted: (count != UNCOUNTED).then_some(count) })
}

impl<'a> Elements<'a> {
    /// The next element; none at the end.
    ///
    /// # Errors
    /// The bytes are no element, or the elements are not as many as the header says.
    pub fn next_element(&mut self) -> Result<Option<Text<'a>>, BadPacking> {
        if self.rest.is_empty() {
            return match self.counted {
                None | Some(0) => Ok(None),
                Some(_) => Err(BadPacking("a listpack has fewer elements than it says")),
            };
        }
        self.counted = match self.counted {
            Some(0) => return Err(BadPacking("a listpack has more elements than it says")),
            counted => counted.map(|count| count - 1),
        };
        let (element, len) = decode(self.rest).ok_or(BadPacking("no element of a listpack"))?;
        let behind = &self.rest[len..];
        let mut length = [0; 5];
        let length = put_back_length(&mut length, len);
        self.rest = behind
            .strip_prefix(length)
            .ok_or(BadPacking("the length behind an element of a listpack is not its length"))?;
        Ok(Some(element))
    }

    /// The next element.
    ///
    /// # Errors
    /// As [`Elements::next_element`], or there is none.
    pub fn required(&mut self) -> Result<Text<'a>, BadPacking> {
        self.next_element()?.ok_or(BadPacking("a listpack ends too early"))
    }

    /// The next element, an integer.
    ///
    /// # Errors
    /// As [`Elements::required`], or it is none.
    pub fn integer(&mut self) -> Result<i64, BadPacking> {
        let element = self.required()?;
        parse_i64(&element).ok_or(BadPacking("a string stands where an integer should"))
    }
}

/// The element at the start of the bytes, and its length.
fn decode(bytes: &[u8]) -> Option<(Text<'_>, usize)> {
    let (&first, behind) = bytes.split_first()?;
    let string = |header: usize, len: usize| {
        let string = bytes.get(header..header.checked_add(len)?)?;
        Some((Text::Bytes(string), header + len))
    };
    let integer = |value: i64, len: usize| Some((Text::from_integer(value), len));
    match first {
        0..=0x7f => integer(i64::from(first), 1),
        0x80..=0xbf => string(1, usize::from(first & 0x3f)),
        0xc0..=0xdf => {
            let bits = u16::from_be_bytes([first & 0x1f, *behind.first()?]);
            integer(i64::from((bits << 3) as i16 >> 3), 2)
        }
        0xe0..=0xef => string(2, usize::from(u16::from_be_bytes([first & 0x0f, *behind.first()?]))),
        0xf0 => string(5, u32::from_le_bytes(head(behind)?) as usize),
        0xf1 => integer(i64::from(i16::from_le_bytes(head(behind)?)), 3),
        0xf2 => integer(i24(head(behind)?), 4),
        0xf3 => integer(i64::from(i32::from_le_bytes(head(behind)?)), 5),
        0xf4 => integer(i64::from_le_bytes(head(behind)?), 9),
        0xf5.. => None,
    }
}

/// Writes the length that stands behind an element of `len` bytes.
fn put_back_length(out: &mut [u8; 5], len: usize) -> &[u8] {
    // The bounds are those of the writers, which leave the last value of some ranges to the next.
    let count = match len {
        0..=127 => 1,
        128..=16_382 => 2,
        16_383..=2_097_150 => 3,
        2_097_151..=268_435_454 => 4,
        _ => 5,
    };
    // All but the first of them say that there are more before them.
    for (at, byte) in out[..count].iter_mut().rev().enumerate() {
        let continues = if at + 1 == count { 0 } else { 0x80 };
        *byte = (len >> (7 * at)) as u8 & 0x7f | continues;
    }
    &out[..count]
}

/// A listpack being written.
pub struct Builder {
    bytes: Vec<u8>,
    count: usize,
}

impl Default for Builder {
    fn default() -> Builder {
        Builder::new()
    }
}

impl Builder {
    pub fn new() -> Builder {
        Builder { bytes: vec![0; HEADER_BYTES], count: 0 }
    }

    /// Adds a string, as an integer where it reads as one.
    pub fn push(&mut self, text: &[u8]) {
        match parse_i64(text) {
            Some(value) => self.push_integer(value),
            None => self.push_string(text),
        }
    }

    pub fn push_integer(&mut self, value: i64) {
        let from = self.bytes.len();
        let wide = value.to_le_bytes();
        match value {
            0..=127 => self.bytes.push(value as u8),
            -4096..=4095 => {
                let bits = value as u16 & 0x1fff;
                self.bytes.extend_from_slice(&(0xc000 | bits).to_be_bytes());
            }
            -0x8000..=0x7fff => self.put(0xf1, &wide[..2]),
            -0x80_0000..=0x7f_ffff => self.put(0xf2, &wide[..3]),
            -0x8000_0000..=0x7fff_ffff => self.put(0xf3, &wide[..4]),
            _ => self.put(0xf4, &wide),
        }
        self.end_element(from);
    }

    fn push_string(&mut self, text: &[u8]) {
        let from = self.bytes.len();
        match text.len() {
            len @ 0..64 => self.put(0x80 | len as u8, text),
            len @ 64..4096 => {
                self.bytes.extend_from_slice(&(0xe000 | len as u16).to_be_bytes());
                self.bytes.extend_from_slice(text);
            }
            len => {
                self.put(0xf0, &(len as u32).to_le_bytes());
                self.bytes.extend_from_slice(text);
            }
        }
        self.end_element(from);
    }

    fn put(&mut self, first: u8, rest: &[u8]) {
        self.bytes.push(first);
        self.bytes.extend_from_slice(rest);
    }

    fn end_element(&mut self, from: usize) {
        let mut length = [0; 5];
        let length = put_back_length(&mut length, self.bytes.len() - from);
        self.bytes.extend_from_slice(length);
        self.count += 1;
    }

    /// The listpack's length as it is now.
    pub fn len(&self) -> usize {
        self.bytes.len() + 1
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.push(END);
        let len = self.bytes.len() as u32;
        let count = u16::try_from(self.count).unwrap_or(UNCOUNTED);
        self.bytes[..4].copy_from_slice(&len.to_le_bytes());
        self.bytes[4..6].copy_from_slice(&count.to_le_bytes());
        self.bytes
    }
}

/// The length that a string of `len` bytes takes at most, with all that belongs to it.
pub fn element_len_max(len: usize) -> usize {
    len + 10
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements(bytes: &[u8]) -> Result<Vec<Vec<u8>>, BadPacking> {
        let mut elements = read(bytes)?;
        let mut all = Vec::new();
        while let Some(element) = elements.next_element()? {
            all.push(element.to_vec());
        }
        Ok(all)
    }

    #[test]
    fn every_width_comes_back() {
        let mut texts: Vec<Vec<u8>> = Vec::new();
        for bits in 0..63 {
            for near in [-1i64, 0, 1] {
                let value = (1i64 << bits) + near;
                texts.push(value.to_string().into_bytes());
                texts.push((-value).to_string().into_bytes());
            }
        }
        texts.extend([i64::MAX, i64::MIN].map(|value| value.to_string().into_bytes()));
        for len in [0, 1, 63, 64, 125, 126, 127, 4095, 4096, 16_380, 16_383, 2_097_150] {
            texts.push(vec![b'x'; len]);
        }
        let mut builder = Builder::new();
        for text in &texts {
            builder.push(text);
        }
        let len = builder.len();
        let bytes = builder.finish();
        assert_eq!(bytes.len(), len);
        assert_eq!(elements(&bytes), Ok(texts));
    }

    #[test]
    fn the_bytes_are_those_of_redis() {
        let mut builder = Builder::new();
        for text in [b"a".as_slice(), b"1", b"200", b"-70000"] {
            builder.push(text);
        }
        let expected = b"\x13\0\0\0\x04\0\x81a\x02\x01\x01\xc0\xc8\x02\xf2\x90\xee\xfe\x04\xff";
        let mut expected = expected.to_vec();
        expected[0] = expected.len() as u8;
        assert_eq!(builder.finish(), expected);
    }

    #[test]
    fn a_count_that_does_not_fit_is_left_to_the_reader() {
        let mut builder = Builder::new();
        (0..70_000).for_each(|_| builder.push(b"7"));
        let bytes = builder.finish();
        assert_eq!(bytes[4..6], [0xff, 0xff]);
        assert_eq!(elements(&bytes).map(|all| all.len()), Ok(70_000));
    }

    #[test]
    fn damage_is_refused_and_never_panics() {
        let mut builder = Builder::new();
        for text in [b"abc".as_slice(), b"5", b"-300", b"70000", &[b'y'; 70]] {
            builder.push(text);
        }
        let whole = builder.finish();
        for len in 0..whole.len() {
            assert!(elements(&whole[..len]).is_err(), "cut at {len}");
        }
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            // Inside an element it may be another element; the frame and the count have to hold.
            if let Ok(all) = elements(&bytes) {
                assert_eq!(all.len(), 5, "bit {bit}");
            }
        }
    }
}
