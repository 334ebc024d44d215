//! Strings in snapshots: in the form they have, because it shows in `OBJECT ENCODING`.
//!
//! ```text
//! StringInteger   the integer, eight bytes, little end first
//! StringEmbedded  bytes
//! StringRaw       length, the first bytes
//! StringMore      the next bytes
//! ```

use std::sync::Arc;

use super::{EMBEDDED_BYTES_MAX, Repr, StringValue};
use crate::types::image::bytes::put_varint;
use crate::types::image::{BadImage, Cut, ImageReader, ImageWriter, Tag};

/// The most bytes of a string that go into one piece.
const PART_BYTES: usize = 16 << 10;

/// What is left to be written of a string.
pub struct StringImage {
    string: StringValue,
    written: usize,
}

impl StringValue {
    /// The string as it is now, to be written to a snapshot.
    pub fn image(&self) -> StringImage {
        StringImage { string: self.clone(), written: 0 }
    }
}

impl ImageWriter for StringImage {
    fn write_piece(&mut self, out: &mut Vec<u8>) -> bool {
        match &self.string.repr {
            Repr::Integer(value) => {
                out.push(Tag::StringInteger as u8);
                out.extend_from_slice(&value.to_le_bytes());
                false
            }
            Repr::Inline { .. } | Repr::Embedded(_) => {
                out.push(Tag::StringEmbedded as u8);
                out.extend_from_slice(&self.string.text());
                false
            }
            Repr::Raw(bytes) => {
                if self.written == 0 {
                    out.push(Tag::StringRaw as u8);
                    put_varint(out, bytes.len() as u64);
                } else {
                    out.push(Tag::StringMore as u8);
                }
                let left = &bytes[self.written..];
                let part = &left[..left.len().min(PART_BYTES)];
                out.extend_from_slice(part);
                self.written += part.len();
                self.written < bytes.len()
            }
        }
    }
}

/// Puts a string together.
#[derive(Default)]
pub struct StringImageReader {
    state: State,
}

#[derive(Default)]
enum State {
    #[default]
    Start,
    Whole(StringValue),
    Raw {
        bytes: Vec<u8>,
        len: u64,
    },
}

impl ImageReader for StringImageReader {
    type Value = StringValue;

    fn read_piece(&mut self, piece: &[u8]) -> Result<(), BadImage> {
        let (tag, mut cut) = Cut::open(piece)?;
        match (&mut self.state, tag) {
            (State::Start, Tag::StringInteger) => {
                let value = i64::from_le_bytes(cut.array()?);
                cut.end()?;
                self.state = State::Whole(StringValue::from_integer(value));
            }
            (State::Start, Tag::StringEmbedded) if cut.len() <= EMBEDDED_BYTES_MAX => {
                self.state = State::Whole(StringValue::from_bytes(cut.rest()));
            }
            (State::Start, Tag::StringRaw) => {
                let len = cut.varint()?;
                self.state = State::Raw { bytes: cut.rest().to_vec(), len };
            }
            (State::Raw { bytes, .. }, Tag::StringMore) => bytes.extend_from_slice(cut.rest()),
            _ => return Err(BadImage("a piece that does not continue the string")),
        }
        match &self.state {
            State::Raw { bytes, len } if bytes.len() as u64 > *len => {
                Err(BadImage("a string is longer than it says"))
            }
            _ => Ok(()),
        }
    }

    fn finish(self) -> Result<StringValue, BadImage> {
        match self.state {
            State::Whole(string) => Ok(string),
            State::Raw { mut bytes, len } if bytes.len() as u64 == len => {
                bytes.shrink_to_fit();
                Ok(StringValue { repr: Repr::Raw(Arc::new(bytes)) })
            }
            _ => Err(BadImage("a string is not whole")),
        }
    }
}
