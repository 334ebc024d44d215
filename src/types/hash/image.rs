//! Hashes in snapshots.
//!
//! ```text
//! HashPacked  1 if a field has or had a deadline, field count, entries
//! HashLarge   the dict's head
//! HashChunk   entries
//! ```
//!
//! Entries are as they lie in a small hash, see [`packed`](super::packed), which is as they lie in a dict.
//! The order of the deadlines is made anew.

use std::collections::HashSet;

use super::field::{NEVER, Packing};
use super::large::{Due, Large};
use super::packed::Packed;
use super::{Hash, Repr};
use crate::types::dict::{DictImage, DictReader, Payload};
use crate::types::image::bytes::put_varint;
use crate::types::image::{BadImage, Cut, ImageReader, ImageWriter, Tag};

/// What is left to be written of a hash.
pub struct HashImage(State);

enum State {
    Packed(Packed),
    Begin(DictImage<Packing>),
    Fields(DictImage<Packing>),
    Done,
}

impl Hash {
    /// The hash as it is now, to be written to a snapshot.
    pub fn image(&self) -> HashImage {
        HashImage(match &self.repr {
            Repr::Packed(packed) => State::Packed(packed.clone()),
            Repr::Large(large) => State::Begin(DictImage::new(&large.fields)),
        })
    }
}

impl ImageWriter for HashImage {
    fn write_piece(&mut self, out: &mut Vec<u8>) -> bool {
        match std::mem::replace(&mut self.0, State::Done) {
            State::Packed(packed) => {
                out.push(Tag::HashPacked as u8);
                out.push(u8::from(packed.is_timed()));
                put_varint(out, packed.len() as u64);
                out.extend_from_slice(packed.entries());
                false
            }
            State::Begin(image) => {
                out.push(Tag::HashLarge as u8);
                image.write_head(out);
                self.0 = State::Fields(image);
                true
            }
            State::Fields(mut image) => {
                let more = image.write_piece(Tag::HashChunk, out);
                self.0 = State::Fields(image);
                more
            }
            State::Done => unreachable!("nothing follows the last piece"),
        }
    }
}

/// Puts a hash together.
#[derive(Default)]
pub struct HashImageReader(Reading);

#[derive(Default)]
enum Reading {
    #[default]
    Start,
    Packed(Packed),
    Large {
        reader: DictReader<Packing>,
        dues: Vec<(i64, u32)>,
    },
}

fn read_packed(mut cut: Cut<'_>) -> Result<Packed, BadImage> {
    let is_timed = cut.byte()?;
    let count = cut.varint()?;
    let mut packed = Packed::default();
    let mut names = HashSet::new();
    let mut has_deadlines = false;
    while !cut.is_empty() {
        let name = cut.bytes()?;
        let field = Packing::read(&mut cut)?;
        has_deadlines |= field.expire_at_ms != NEVER;
        if !names.insert(name) {
            return Err(BadImage("a field that stands twice"));
        }
        packed.push(name, field);
    }
    if names.len() as u64 != count || is_timed > 1 || is_timed < u8::from(has_deadlines) {
        return Err(BadImage("a small hash is damaged"));
    }
    if is_timed == 1 {
        packed.set_timed();
    }
    Ok(packed)
}

impl ImageReader for HashImageReader {
    type Value = Hash;

    fn read_piece(&mut self, piece: &[u8]) -> Result<(), BadImage> {
        let (tag, mut cut) = Cut::open(piece)?;
        match (&mut self.0, tag) {
            (Reading::Start, Tag::HashPacked) => self.0 = Reading::Packed(read_packed(cut)?),
            (Reading::Start, Tag::HashLarge) => {
                let reader = DictReader::begin(&mut cut)?;
                cut.end()?;
                self.0 = Reading::Large { reader, dues: Vec::new() };
            }
            (Reading::Large { reader, dues }, Tag::HashChunk) => {
                reader.read_piece(cut, |dict, name, field| {
                    if field.expire_at_ms != NEVER {
                        dues.push((field.expire_at_ms, dict.key_of(name)));
                    }
                })?;
            }
            _ => return Err(BadImage("a piece that does not continue the hash")),
        }
        Ok(())
    }

    fn finish(self) -> Result<Hash, BadImage> {
        let repr = match self.0 {
            Reading::Start => return Err(BadImage("a hash is not whole")),
            Reading::Packed(packed) => Repr::Packed(packed),
            Reading::Large { reader, mut dues } => {
                let mut large = Large { fields: reader.finish()?, ..Large::default() };
                dues.sort_unstable();
                dues.into_iter().for_each(|due| large.dues.push_back(Due(due)));
                Repr::Large(Box::new(large))
            }
        };
        Ok(Hash { repr })
    }
}
