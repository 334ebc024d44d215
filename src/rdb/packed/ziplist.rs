//! The ziplist, which servers before 7.0 wrote where later ones write a listpack.
//!
//! ```text
//! ziplist  bytes u32, offset of the last element u32, elements u16 (65535: count them), element…, 0xff
//! element  length of the one before: 1 byte, or 0xfe and 4
//!          00llllll | 01llllll l | 0x80 + 4 (big endian)    string of l bytes
//!          0xc0 + 2, d0 + 4, e0 + 8, f0 + 3, fe + 1         integer, signed
//!          0xf1..0xfd                                       0..12
//! ```
//! Numbers are little endian but for the lengths of strings.

use super::{BadPacking, head, i24};
use crate::types::text::Text;

const HEADER_BYTES: usize = 10;
const END: u8 = 0xff;
const LONG_BEFORE: u8 = 0xfe;
const UNCOUNTED: u16 = u16::MAX;

/// The elements of a ziplist, in order.
pub struct Elements<'a> {
    rest: &'a [u8],
    counted: Option<u16>,
    /// Where the next element begins, and where the last one should.
    offset: usize,
    tail: usize,
    /// Length of the element before the next; where it began.
    before: usize,
    begun: usize,
}

/// Looks at the frame of a ziplist; the elements are checked as they are read.
///
/// # Errors
/// The stated length is not that of the bytes, or they have no end mark.
pub fn read(bytes: &[u8]) -> Result<Elements<'_>, BadPacking> {
    let stated = head(bytes).map(u32::from_le_bytes);
    if stated.map(|bytes| bytes as usize) != Some(bytes.len()) || bytes.len() <= HEADER_BYTES {
        return Err(BadPacking("a ziplist is not as long as it says"));
    }
    let (elements, end) = bytes[HEADER_BYTES..].split_at(bytes.len() - HEADER_BYTES - 1);
    if end != [END] {
        return Err(BadPacking("a ziplist has no end mark"));
    }
    let tail = head(&bytes[4..]).map_or(0, u32::from_le_bytes) as usize;
    let count = u16::from_le_bytes([bytes[8], bytes[9]]);
    Ok(Elements {
        rest: elements,
        counted: (count != UNCOUNTED).then_some(count),
        offset: HEADER_BYTES,
        tail,
        before: 0,
        begun: HEADER_BYTES,
    })
}

impl<'a> Elements<'a> {
    /// The next element; none at the end.
    ///
    /// # Errors
    /// The bytes are no element, or header and elements do not agree.
    pub fn next_element(&mut self) -> Result<Option<Text<'a>>, BadPacking> {
        if self.rest.is_empty() {
            if self.tail != self.begun {
                return Err(BadPacking("a ziplist does not end where it says"));
            }
            return match self.counted {
                None | Some(0) => Ok(None),
                Some(_) => Err(BadPacking("a ziplist has fewer elements than it says")),
            };
        }
        self.counted = match self.counted {
            Some(0) => return Err(BadPacking("a ziplist has more elements than it says")),
            counted => counted.map(|count| count - 1),
        };
        const NONE: BadPacking = BadPacking("no element of a ziplist");
        let (before, header) = length_before(self.rest).ok_or(NONE)?;
        if before != self.before {
            return Err(BadPacking("an element of a ziplist does not know the one before"));
        }
        let (element, len) = decode(&self.rest[header..]).ok_or(NONE)?;
        let len = header + len;
        self.rest = &self.rest[len..];
        self.begun = self.offset;
        self.offset += len;
        self.before = len;
        Ok(Some(element))
    }
}

/// The length of the element before, and how many bytes that takes.
fn length_before(bytes: &[u8]) -> Option<(usize, usize)> {
    match bytes.split_first()? {
        (&LONG_BEFORE, behind) => Some((u32::from_le_bytes(head(behind)?) as usize, 5)),
        (&END, _) => None,
        (&length, _) => Some((usize::from(length), 1)),
    }
}

fn decode(bytes: &[u8]) -> Option<(Text<'_>, usize)> {
    let (&first, behind) = bytes.split_first()?;
    let string = |header: usize, len: usize| {
        let string = bytes.get(header..header.checked_add(len)?)?;
        Some((Text::Bytes(string), header + len))
    };
    let integer = |value: i64, len: usize| Some((Text::from_integer(value), len));
    match first {
        0..=0x3f => string(1, usize::from(first)),
        0x40..=0x7f => string(2, usize::from(u16::from_be_bytes([first & 0x3f, *behind.first()?]))),
        0x80 => string(5, u32::from_be_bytes(head(behind)?) as usize),
        0xc0 => integer(i64::from(i16::from_le_bytes(head(behind)?)), 3),
        0xd0 => integer(i64::from(i32::from_le_bytes(head(behind)?)), 5),
        0xe0 => integer(i64::from_le_bytes(head(behind)?), 9),
        0xf0 => integer(i24(head(behind)?), 4),
        0xfe => integer(i64::from(i8::from_le_bytes(head(behind)?)), 2),
        0xf1..=0xfd => integer(i64::from(first) - 0xf1, 1),
        _ => None,
    }
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

    /// A ziplist of elements that are given encoded.
    fn frame(encoded: &[&[u8]]) -> Vec<u8> {
        let mut body = Vec::new();
        let mut before = 0;
        let mut tail = HEADER_BYTES;
        for element in encoded {
            tail = HEADER_BYTES + body.len();
            let from = body.len();
            if before < 254 {
                body.push(before as u8);
            } else {
                body.push(LONG_BEFORE);
                body.extend_from_slice(&(before as u32).to_le_bytes());
            }
            body.extend_from_slice(element);
            before = body.len() - from;
        }
        let mut bytes = ((HEADER_BYTES + body.len() + 1) as u32).to_le_bytes().to_vec();
        bytes.extend_from_slice(&(tail as u32).to_le_bytes());
        bytes.extend_from_slice(&(encoded.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&body);
        bytes.push(END);
        bytes
    }

    #[test]
    fn every_form_of_element() {
        let long = [&b"\x41\x2c"[..], &[b'm'; 300]].concat();
        let longest = [&b"\x80\0\0\x40\x01"[..], &[b'n'; 16_385]].concat();
        let bytes = frame(&[
            b"\x02hi",
            &long,
            &longest,
            b"\xc0\x00\x80",
            b"\xd0\x00\x00\x00\x80",
            b"\xe0\xff\xff\xff\xff\xff\xff\xff\x7f",
            b"\xf0\x00\x00\x80",
            b"\xfe\x80",
            b"\xf1",
            b"\xfd",
        ]);
        let expected: Vec<Vec<u8>> = vec![
            b"hi".to_vec(),
            vec![b'm'; 300],
            vec![b'n'; 16_385],
            b"-32768".to_vec(),
            b"-2147483648".to_vec(),
            b"9223372036854775807".to_vec(),
            b"-8388608".to_vec(),
            b"-128".to_vec(),
            b"0".to_vec(),
            b"12".to_vec(),
        ];
        assert_eq!(elements(&bytes), Ok(expected));
        assert_eq!(elements(&frame(&[])), Ok(Vec::new()));
    }

    #[test]
    fn damage_is_refused_and_never_panics() {
        let whole = frame(&[b"\x03abc", b"\xfe\x05", b"\xc0\x10\x20", b"\xf3"]);
        for len in 0..whole.len() {
            assert!(elements(&whole[..len]).is_err(), "cut at {len}");
        }
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Ok(all) = elements(&bytes) {
                assert_eq!(all.len(), 4, "bit {bit}");
            }
        }
    }
}
