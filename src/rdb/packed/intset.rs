//! The intset: a set of integers, sorted, all of one width.
//!
//! ```text
//! intset  width u32 (2, 4 or 8 bytes), count u32, integer…      little endian
//! ```

use super::{BadPacking, head};

const HEADER_BYTES: usize = 8;

/// The integers of an intset, in rising order.
///
/// # Errors
/// The bytes are not as many as header and width ask for, or the integers do not rise.
pub fn read(bytes: &[u8]) -> Result<impl ExactSizeIterator<Item = i64> + Clone, BadPacking> {
    const LENGTH: BadPacking = BadPacking("an intset is not as long as it says");
    let width = head(bytes).map(u32::from_le_bytes).ok_or(LENGTH)? as usize;
    let count = bytes.get(4..).and_then(head).map(u32::from_le_bytes).ok_or(LENGTH)? as usize;
    if ![2, 4, 8].contains(&width) {
        return Err(BadPacking("no such width of an intset"));
    }
    let body = &bytes[HEADER_BYTES..];
    if count.checked_mul(width) != Some(body.len()) {
        return Err(LENGTH);
    }
    let integers = body.chunks_exact(width).map(move |bytes| {
        let mut wide = if bytes[width - 1] & 0x80 == 0 { [0; 8] } else { [0xff; 8] };
        wide[..width].copy_from_slice(bytes);
        i64::from_le_bytes(wide)
    });
    let rising = integers.clone().zip(integers.clone().skip(1)).all(|(one, next)| one < next);
    if rising { Ok(integers) } else { Err(BadPacking("the integers of an intset do not rise")) }
}

/// Writes integers that rise, each in `width` bytes, which all of them fit.
pub fn write(width: usize, integers: impl ExactSizeIterator<Item = i64>) -> Vec<u8> {
    let mut bytes = (width as u32).to_le_bytes().to_vec();
    bytes.extend_from_slice(&(integers.len() as u32).to_le_bytes());
    integers.for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()[..width]));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for (width, list) in
            [(2, vec![-5, 0, 7]), (4, vec![-70_000, 5]), (8, vec![i64::MIN, 0, i64::MAX])]
        {
            assert_eq!(integers(&write(width, list.iter().copied())), Some(list));
        }
    }

    fn integers(bytes: &[u8]) -> Option<Vec<i64>> {
        read(bytes).ok().map(Iterator::collect)
    }

    #[test]
    fn every_width() {
        assert_eq!(integers(b"\x02\0\0\0\x02\0\0\0\xff\xff\x05\0"), Some(vec![-1, 5]));
        assert_eq!(integers(b"\x04\0\0\0\x01\0\0\0\0\0\0\x80"), Some(vec![i64::from(i32::MIN)]));
        let wide = b"\x08\0\0\0\x01\0\0\0\xff\xff\xff\xff\xff\xff\xff\x7f";
        assert_eq!(integers(wide), Some(vec![i64::MAX]));
        assert_eq!(integers(b"\x02\0\0\0\0\0\0\0"), Some(vec![]));
    }

    #[test]
    fn damage_is_refused() {
        let whole = b"\x02\0\0\0\x02\0\0\0\x04\0\x05\0";
        for len in 0..whole.len() {
            assert_eq!(integers(&whole[..len]), None, "cut at {len}");
        }
        assert_eq!(integers(b"\x03\0\0\0\x01\0\0\0abc"), None);
        assert_eq!(integers(b"\x02\0\0\0\x02\0\0\0\x05\0\x05\0"), None);
        assert_eq!(integers(b"\x08\0\0\0\xff\xff\xff\xff"), None);
    }
}
