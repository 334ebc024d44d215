//! Where RDB bytes are read from, and the primitives that all records are made of.
//!
//! ```text
//! 00llllll                     a length below 64
//! 01llllll llllllll            a length below 2^14
//! 10000000 + 4 bytes           a length, big endian
//! 10000001 + 8 bytes           a length, big endian
//! 11eeeeee                     a string in a special form: 0, 1, 2 an integer of 1, 2, 4 bytes
//!                              (little endian), 3 compressed (lengths packed and unpacked, bytes)
//! ```
//!
//! No stated length is trusted: what is allocated grows with the bytes that have come.

use std::io::{self, Read};

use super::crc64::Checksum;
use super::error::{Fault, RdbError};
use super::lzf;
use crate::types::text::Text;

/// Bytes asked for from a reader at a time.
const BUFFER_BYTES: usize = 64 * 1024;

/// Outcome of reading from a [`Source`].
pub type Reading<T> = Result<T, RdbError>;

/// Bytes of an RDB file, an AOF or a payload, with the offset and the checksum of what was read.
pub struct Source<'r> {
    input: Option<&'r mut dyn Read>,
    /// Bytes that were read ahead, or all there are.
    buffer: Buffer<'r>,
    /// The next byte in the buffer.
    at: usize,
    /// Bytes of the buffer before this one are in the checksum.
    summed: usize,
    /// Offset of the buffer's first byte.
    base: u64,
    checksum: Checksum,
}

enum Buffer<'r> {
    Whole(&'r [u8]),
    Ahead(Vec<u8>),
}

impl Buffer<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Buffer::Whole(bytes) => bytes,
            Buffer::Ahead(bytes) => bytes,
        }
    }
}

/// A length, or the form of a string that has none.
enum Length {
    Bytes(u64),
    Form(u8),
}

impl<'r> Source<'r> {
    /// Reads from bytes at hand.
    pub fn from_bytes(bytes: &'r [u8]) -> Source<'r> {
        Source::new(None, Buffer::Whole(bytes))
    }

    /// Reads from a file or the like, which need not be buffered.
    pub fn from_reader(input: &'r mut dyn Read) -> Source<'r> {
        Source::new(Some(input), Buffer::Ahead(Vec::new()))
    }

    fn new(input: Option<&'r mut dyn Read>, buffer: Buffer<'r>) -> Source<'r> {
        Source { input, buffer, at: 0, summed: 0, base: 0, checksum: Checksum::new() }
    }

    /// Offset of the next byte.
    pub fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    /// The checksum of all bytes read so far.
    pub fn checksum(&mut self) -> u64 {
        self.checksum.update(&self.buffer.bytes()[self.summed..self.at]);
        self.summed = self.at;
        self.checksum.value()
    }

    /// An error at the next byte.
    pub fn error(&self, fault: Fault) -> RdbError {
        RdbError { offset: self.offset(), fault }
    }

    pub fn malformed(&self, what: &'static str) -> RdbError {
        self.error(Fault::Malformed(what))
    }

    /// The bytes that are at hand; none at the end.
    pub fn peek(&mut self) -> Reading<&[u8]> {
        if self.at == self.buffer.bytes().len() {
            self.refill()?;
        }
        Ok(&self.buffer.bytes()[self.at..])
    }

    /// Passes over `count` of the bytes at hand.
    pub fn consume(&mut self, count: usize) {
        debug_assert!(self.at + count <= self.buffer.bytes().len());
        self.at += count;
    }

    /// Reads on; the buffer stays empty at the end.
    fn refill(&mut self) -> Reading<()> {
        let Some(input) = &mut self.input else { return Ok(()) };
        let Buffer::Ahead(buffer) = &mut self.buffer else { return Ok(()) };
        self.checksum.update(&buffer[self.summed..]);
        self.base += buffer.len() as u64;
        (self.at, self.summed) = (0, 0);
        buffer.resize(BUFFER_BYTES, 0);
        let read = loop {
            match input.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => break outcome,
            }
        };
        buffer.truncate(*read.as_ref().unwrap_or(&0));
        match read {
            Ok(_) => Ok(()),
            Err(error) => Err(self.error(Fault::Io(error))),
        }
    }

    pub fn u8(&mut self) -> Reading<u8> {
        Ok(self.array::<1>()?[0])
    }

    pub fn array<const N: usize>(&mut self) -> Reading<[u8; N]> {
        let mut array = [0; N];
        let mut filled = 0;
        while filled < N {
            let at_hand = self.peek()?;
            if at_hand.is_empty() {
                return Err(self.error(Fault::Truncated));
            }
            let count = at_hand.len().min(N - filled);
            array[filled..filled + count].copy_from_slice(&at_hand[..count]);
            self.consume(count);
            filled += count;
        }
        Ok(array)
    }

    pub fn u64_le(&mut self) -> Reading<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// The next `len` bytes.
    pub fn bytes(&mut self, len: u64) -> Reading<Vec<u8>> {
        let mut bytes = Vec::new();
        self.pass(len, |part| bytes.extend_from_slice(part))?;
        Ok(bytes)
    }

    pub fn skip(&mut self, len: u64) -> Reading<()> {
        self.pass(len, |_| {})
    }

    fn pass(&mut self, len: u64, mut part: impl FnMut(&[u8])) -> Reading<()> {
        let mut left = len;
        while left > 0 {
            let at_hand = self.peek()?;
            if at_hand.is_empty() {
                return Err(self.error(Fault::Truncated));
            }
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(at_hand.len());
            part(&at_hand[..count]);
            self.consume(count);
            left -= count as u64;
        }
        Ok(())
    }

    fn length_or_form(&mut self) -> Reading<Length> {
        let first = self.u8()?;
        let low = first & 0x3f;
        Ok(match (first >> 6, low) {
            (0, _) => Length::Bytes(u64::from(low)),
            (1, _) => Length::Bytes(u64::from(u16::from_be_bytes([low, self.u8()?]))),
            (2, 0) => Length::Bytes(u64::from(u32::from_be_bytes(self.array()?))),
            (2, 1) => Length::Bytes(u64::from_be_bytes(self.array()?)),
            (2, _) => return Err(self.malformed("no such form of a length")),
            _ => Length::Form(low),
        })
    }

    /// A length, or any number that is written as one.
    pub fn length(&mut self) -> Reading<u64> {
        match self.length_or_form()? {
            Length::Bytes(length) => Ok(length),
            Length::Form(_) => Err(self.malformed("a string stands where a length should")),
        }
    }

    /// A string, its compression undone.
    pub fn string(&mut self) -> Reading<Vec<u8>> {
        match self.length_or_form()? {
            Length::Bytes(length) => self.bytes(length),
            Length::Form(3) => {
                let packed = self.length()?;
                let unpacked = self.length()?;
                let packed = self.bytes(packed)?;
                let unpacked = usize::try_from(unpacked).ok();
                unpacked
                    .and_then(|len| lzf::decompress(&packed, len))
                    .ok_or_else(|| self.malformed("a compressed string cannot be unpacked"))
            }
            Length::Form(form) => Ok(Text::from_integer(self.integer(form)?).to_vec()),
        }
    }

    fn integer(&mut self, form: u8) -> Reading<i64> {
        Ok(match form {
            0 => i64::from(i8::from_le_bytes(self.array()?)),
            1 => i64::from(i16::from_le_bytes(self.array()?)),
            2 => i64::from(i32::from_le_bytes(self.array()?)),
            _ => return Err(self.malformed("no such form of a string")),
        })
    }

    pub fn skip_string(&mut self) -> Reading<()> {
        match self.length_or_form()? {
            Length::Bytes(length) => self.skip(length),
            Length::Form(3) => {
                let packed = self.length()?;
                self.length()?;
                self.skip(packed)
            }
            Length::Form(form) => self.integer(form).map(drop),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that gives one byte at a time.
    struct Drip<'b>(&'b [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(out.len()).min(1);
            out[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[test]
    fn every_form_of_length_and_string() {
        let bytes = b"\x3f\x7f\xff\x80\x00\x01\x00\x00\x81\0\0\0\x01\0\0\0\0\
            \xc0\xff\xc1\x00\x80\xc2\x00\x00\x00\x80\xc3\x04\x04\x00a\x20\x00\x02hi";
        let mut drip = Drip(bytes);
        for mut source in [Source::from_bytes(bytes), Source::from_reader(&mut drip)] {
            let lengths: Vec<u64> = (0..4).map(|_| source.length().expect("lengths")).collect();
            assert_eq!(lengths, [63, 16383, 65536, 1 << 32]);
            let strings: Vec<Vec<u8>> = (0..5).map(|_| source.string().expect("strings")).collect();
            let expected: [&[u8]; 5] = [b"-1", b"-32768", b"-2147483648", b"aaaa", b"hi"];
            assert_eq!(strings, expected);
            assert_eq!(source.offset(), bytes.len() as u64);
            assert_eq!(source.checksum(), super::super::crc64::checksum(bytes));
            assert!(matches!(source.u8().expect_err("the end").fault, Fault::Truncated));
        }
    }

    #[test]
    fn a_stated_length_allocates_nothing() {
        let huge = b"\x81\x7f\xff\xff\xff\xff\xff\xff\xffabc";
        let error = Source::from_bytes(huge).string().expect_err("there are three bytes");
        assert!(matches!(error.fault, Fault::Truncated));
        assert_eq!(error.offset, huge.len() as u64);
        let packed = b"\xc3\x03\x81\x7f\xff\xff\xff\xff\xff\xff\xff\x00a\x20";
        assert!(Source::from_bytes(packed).string().is_err());
        for bytes in [&b"\x82"[..], b"\xc4", b"\xff"] {
            let error = Source::from_bytes(bytes).string().expect_err("no such form");
            assert!(matches!(error.fault, Fault::Malformed(_)));
        }
    }
}
