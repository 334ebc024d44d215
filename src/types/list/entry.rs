//! One element as it lies packed in a chunk.
//!
//! The form is the published listpack entry, because it is small, can be walked from both ends, and
//! makes the size of a chunk exactly what Redis counts when it decides on an encoding:
//!
//! ```text
//! | header 1..=9 bytes | payload 0.. bytes | trailer 1..=5 bytes |
//!
//! 0vvvvvvv                      the integer v, 0..=127
//! 10llllll  payload             l bytes, l < 64
//! 110vvvvv vvvvvvvv             a signed integer of 13 bits, big end first
//! 1110llll llllllll payload     l bytes, l < 4096
//! 11110000 u32-le   payload     l bytes
//! 11110001 .. 11110100          a signed integer of 16, 24, 32 or 64 bits, little end first
//! ```
//!
//! The trailer is the length of header and payload in groups of seven bits, the last byte holding
//! the lowest group; every byte but the first has its top bit set, so it is read backwards.
//!
//! Elements that are integers in canonical decimal form are kept as integers. The packing is a
//! function of the value, so equal elements are equal bytes and nothing is unpacked to compare.

use crate::types::number;
use crate::types::text::Text;

/// An element on its way into a chunk, or being looked for in one.
pub(in crate::types) struct Entry<'a> {
    header: [u8; 9],
    header_len: u8,
    trailer: [u8; 5],
    trailer_len: u8,
    payload: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Packs `value`, which is shorter than 4 GiB: no argument of a request is longer.
    #[inline]
    pub fn new(value: &'a [u8]) -> Entry<'a> {
        let mut header = [0; 9];
        let mut payload: &[u8] = &[];
        let header_len = if let Some(integer) = number::parse_i64(value) {
            pack_integer(integer, &mut header)
        } else {
            payload = value;
            pack_length(value.len(), &mut header)
        };
        let (trailer, trailer_len) = pack_trailer(header_len + payload.len());
        Entry { header, header_len: header_len as u8, trailer, trailer_len, payload }
    }

    /// Bytes the packed entry takes.
    pub fn len(&self) -> usize {
        usize::from(self.header_len) + self.payload.len() + usize::from(self.trailer_len)
    }

    /// Writes the entry into `place`, which has exactly its length.
    #[inline]
    pub fn write(&self, place: &mut [u8]) {
        let (header, rest) = place.split_at_mut(usize::from(self.header_len));
        let (payload, trailer) = rest.split_at_mut(self.payload.len());
        // One byte each in the common case: plain loops, not calls to memcpy.
        for (to, from) in header.iter_mut().zip(&self.header) {
            *to = *from;
        }
        payload.copy_from_slice(self.payload);
        for (to, from) in trailer.iter_mut().zip(&self.trailer) {
            *to = *from;
        }
    }

    /// Whether the entry that `packed` begins with is this one.
    pub fn begins(&self, packed: &[u8]) -> bool {
        // The first byte tells most entries apart and every chunk has one at an entry's start.
        if packed[0] != self.header[0] {
            return false;
        }
        let header_len = usize::from(self.header_len);
        let body_len = header_len + self.payload.len();
        packed.len() > body_len
            && packed[..header_len] == self.header[..header_len]
            && packed[header_len..body_len] == *self.payload
    }
}

fn pack_integer(value: i64, header: &mut [u8; 9]) -> usize {
    let le = value.to_le_bytes();
    match value {
        0..=127 => {
            header[0] = le[0];
            1
        }
        -4096..=4095 => {
            header[0] = 0b1100_0000 | (le[1] & 0b1_1111);
            header[1] = le[0];
            2
        }
        _ => {
            // Values of 24 bits have a width of their own: ids of jobs are of that size.
            let (tag, width) = match value {
                -0x8000..=0x7fff => (0xf1, 2),
                -0x80_0000..=0x7f_ffff => (0xf2, 3),
                -0x8000_0000..=0x7fff_ffff => (0xf3, 4),
                _ => (0xf4, 8),
            };
            header[0] = tag;
            header[1..=width].copy_from_slice(&le[..width]);
            1 + width
        }
    }
}

fn pack_length(len: usize, header: &mut [u8; 9]) -> usize {
    match len {
        0..64 => {
            header[0] = 0b1000_0000 | len as u8;
            1
        }
        64..4096 => {
            header[0] = 0b1110_0000 | (len >> 8) as u8;
            header[1] = len as u8;
            2
        }
        _ => {
            let len = u32::try_from(len).expect("an argument is shorter than 4 GiB");
            header[0] = 0xf0;
            header[1..5].copy_from_slice(&len.to_le_bytes());
            5
        }
    }
}

fn trailer_len(body_len: usize) -> usize {
    match body_len {
        0..0x80 => 1,
        0x80..0x3fff => 2,
        0x3fff..0x1f_ffff => 3,
        0x1f_ffff..0xfff_ffff => 4,
        _ => 5,
    }
}

fn pack_trailer(body_len: usize) -> ([u8; 5], u8) {
    if body_len < 0x80 {
        return ([body_len as u8, 0, 0, 0, 0], 1);
    }
    let len = trailer_len(body_len);
    let mut trailer = [0; 5];
    let mut rest = body_len;
    for (place, byte) in trailer[..len].iter_mut().enumerate().rev() {
        *byte = (rest & 0x7f) as u8 | if place == 0 { 0 } else { 0x80 };
        rest >>= 7;
    }
    (trailer, len as u8)
}

/// Lengths of header and payload of the entry at the start of `packed`.
fn body(packed: &[u8]) -> (usize, usize) {
    let first = packed[0];
    match first {
        0..0x80 => (1, 0),
        0x80..0xc0 => (1, usize::from(first & 0x3f)),
        0xc0..0xe0 => (2, 0),
        0xe0..0xf0 => (2, usize::from(first & 0x0f) << 8 | usize::from(packed[1])),
        0xf0 => (5, u32::from_le_bytes([packed[1], packed[2], packed[3], packed[4]]) as usize),
        0xf1 => (3, 0),
        0xf2 => (4, 0),
        0xf3 => (5, 0),
        _ => (9, 0),
    }
}

/// Length of the whole entry at the start of `packed`, if it is just as [`Entry`] packs it.
pub(super) fn checked_len(packed: &[u8]) -> Option<usize> {
    let header_len = match *packed.first()? {
        0..0xc0 => 1,
        0xc0..0xf0 => 2,
        0xf1 => 3,
        0xf2 => 4,
        0xf0 | 0xf3 => 5,
        0xf4 => 9,
        _ => return None,
    };
    if packed.len() < header_len {
        return None;
    }
    let (header, payload) = body(packed);
    let body_len = header + payload;
    let (trailer, trailer_len) = pack_trailer(body_len);
    let len = body_len + usize::from(trailer_len);
    if packed.get(body_len..len)? != &trailer[..usize::from(trailer_len)] {
        return None;
    }
    // Another form of the same value would not be found when it is looked for.
    let value = element(packed);
    Entry::new(&value).begins(&packed[..len]).then_some(len)
}

/// Length of the whole entry at the start of `packed`.
#[inline]
pub(super) fn len_forward(packed: &[u8]) -> usize {
    let (header, payload) = body(packed);
    header + payload + trailer_len(header + payload)
}

/// Length of the whole entry at the end of `packed`.
#[inline]
pub(super) fn len_backward(packed: &[u8]) -> usize {
    let mut body_len = 0;
    for (place, &byte) in packed.iter().rev().enumerate() {
        body_len |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return body_len + place + 1;
        }
    }
    unreachable!("a trailer's first byte has no top bit")
}

/// The element at the start of `packed`.
pub(super) fn element(packed: &[u8]) -> Text<'_> {
    let first = packed[0];
    let integer = |width: usize| {
        let mut le = [if packed[width] & 0x80 == 0 { 0 } else { 0xff }; 8];
        le[..width].copy_from_slice(&packed[1..=width]);
        Text::from_integer(i64::from_le_bytes(le))
    };
    match first {
        0..0x80 => Text::from_integer(i64::from(first)),
        0xc0..0xe0 => {
            let bits = u16::from(first & 0x1f) << 8 | u16::from(packed[1]);
            // Shifting the sign bit to the top and back spreads it.
            Text::from_integer(i64::from((bits << 3) as i16 >> 3))
        }
        0xf1 => integer(2),
        0xf2 => integer(3),
        0xf3 => integer(4),
        0xf4.. => integer(8),
        _ => {
            let (header, payload) = body(packed);
            Text::Bytes(&packed[header..header + payload])
        }
    }
}
