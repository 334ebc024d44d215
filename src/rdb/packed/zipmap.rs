//! The zipmap, in which servers before 2.6 wrote small hashes.
//!
//! ```text
//! zipmap  pairs u8 (254 and more: count them), pair…, 0xff
//! pair    length, name, length, unused bytes u8, value, as many unused bytes
//! length  1 byte below 254, or 254 and u32 little endian
//! ```

use super::{BadPacking, head};

const END: u8 = 0xff;
const LONG: u8 = 254;
const CUT_SHORT: BadPacking = BadPacking("a zipmap is cut short");

/// A field's name and value.
pub type Pair<'a> = (&'a [u8], &'a [u8]);

/// The pairs of a zipmap, in order.
pub struct Pairs<'a> {
    rest: &'a [u8],
    counted: Option<u8>,
}

/// Begins to read a zipmap, which is checked as it is read.
///
/// # Errors
/// There are no bytes.
pub fn read(bytes: &[u8]) -> Result<Pairs<'_>, BadPacking> {
    let (&count, rest) = bytes.split_first().ok_or(CUT_SHORT)?;
    Ok(Pairs { rest, counted: (count < LONG).then_some(count) })
}

impl<'a> Pairs<'a> {
    /// The next name and value; none at the end.
    ///
    /// # Errors
    /// The bytes are no pair, or the pairs are not as many as it says.
    pub fn next_pair(&mut self) -> Result<Option<Pair<'a>>, BadPacking> {
        if self.rest == [END] {
            return match self.counted {
                None | Some(0) => Ok(None),
                Some(_) => Err(BadPacking("a zipmap has fewer pairs than it says")),
            };
        }
        self.counted = match self.counted {
            Some(0) => return Err(BadPacking("a zipmap has more pairs than it says")),
            counted => counted.map(|count| count - 1),
        };
        let name_len = self.length()?;
        let name = self.take(name_len)?;
        let value_len = self.length()?;
        let unused = self.take(1)?[0];
        let value = self.take(value_len)?;
        self.take(usize::from(unused))?;
        Ok(Some((name, value)))
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], BadPacking> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(CUT_SHORT)?;
        self.rest = rest;
        Ok(taken)
    }

    fn length(&mut self) -> Result<usize, BadPacking> {
        match self.take(1)?[0] {
            END => Err(BadPacking("a zipmap ends in the middle of a pair")),
            LONG => {
                let long = head(self.take(4)?).map(u32::from_le_bytes);
                Ok(long.ok_or(CUT_SHORT)? as usize)
            }
            short => Ok(usize::from(short)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Result<Vec<Pair<'_>>, BadPacking> {
        let mut pairs = read(bytes)?;
        let mut all = Vec::new();
        while let Some(pair) = pairs.next_pair()? {
            all.push(pair);
        }
        Ok(all)
    }

    #[test]
    fn pairs_are_read_and_no_byte_is_trusted() {
        let bytes = b"\x02\x01a\x02\x01xy.\xfe\x03\x00\x00\x00bcd\x00\x00\xff";
        let pairs: Vec<Pair<'_>> = vec![(b"a", b"xy"), (b"bcd", b"")];
        assert_eq!(all(bytes), Ok(pairs));
        assert_eq!(all(b"\x00\xff"), Ok(vec![]));
        for len in 0..bytes.len() {
            assert!(all(&bytes[..len]).is_err(), "{len}");
        }
        assert!(all(b"\x03\x01a\x01\x00b\xff").is_err());
        assert!(all(b"\x00\x01a\x01\x00b\xff").is_err());
        assert!(all(b"\xfe\x01a\x01\x00b\xff").is_ok());
    }
}
