//! Sets in snapshots, each in the form it has.
//!
//! ```text
//! SetIntegers  width (2, 4 or 8), how many there are, the first of them, little end first
//! SetMore      the next integers
//! SetPacked    member count, members as they lie in the chunk
//! SetTable     the head of a dict
//! SetMembers   members
//! ```

use super::integers::Integers;
use super::{Repr, Set};
use crate::types::dict::{DictImage, DictReader};
use crate::types::image::bytes::put_varint;
use crate::types::image::{BadImage, Cut, ImageReader, ImageWriter, PIECE_BYTES, Tag};
use crate::types::list::chunk::Chunk;

/// What is left to be written of a set.
pub struct SetImage(Left);

enum Left {
    Integers { integers: Integers, place: usize, is_begun: bool },
    Packed(Chunk),
    Table { members: DictImage<()>, is_begun: bool },
}

impl Set {
    /// The set as it is now, to be written to a snapshot.
    pub fn image(&self) -> SetImage {
        SetImage(match &self.repr {
            Repr::Integers(integers) => {
                Left::Integers { integers: integers.clone(), place: 0, is_begun: false }
            }
            Repr::Packed(chunk) => Left::Packed(chunk.clone()),
            Repr::Table(dict) => Left::Table { members: DictImage::new(dict), is_begun: false },
        })
    }
}

impl ImageWriter for SetImage {
    fn write_piece(&mut self, out: &mut Vec<u8>) -> bool {
        match &mut self.0 {
            Left::Integers { integers, place, is_begun } => {
                *place = write_integers(integers, *place, !*is_begun, out);
                *is_begun = true;
                *place < integers.len()
            }
            Left::Packed(chunk) => {
                out.push(Tag::SetPacked as u8);
                put_varint(out, chunk.count() as u64);
                out.extend_from_slice(chunk.packed());
                false
            }
            Left::Table { members, is_begun: is_begun @ false } => {
                out.push(Tag::SetTable as u8);
                members.write_head(out);
                *is_begun = true;
                true
            }
            Left::Table { members, .. } => members.write_piece(Tag::SetMembers, out),
        }
    }
}

/// Writes the integers from a place on, as many as one piece takes; the place behind them.
fn write_integers(integers: &Integers, from: usize, is_first: bool, out: &mut Vec<u8>) -> usize {
    let width = integers.width();
    if is_first {
        out.push(Tag::SetIntegers as u8);
        out.push(width as u8);
        put_varint(out, integers.len() as u64);
    } else {
        out.push(Tag::SetMore as u8);
    }
    let to = integers.len().min(from + PIECE_BYTES / width);
    for place in from..to {
        out.extend_from_slice(&integers.get(place).to_le_bytes()[..width]);
    }
    to
}

/// Puts a set together.
#[derive(Default)]
pub struct SetImageReader {
    state: State,
}

#[derive(Default)]
enum State {
    #[default]
    Start,
    Integers {
        integers: Integers,
        width: usize,
        count: u64,
    },
    Packed(Chunk),
    Table(DictReader<()>),
}

impl ImageReader for SetImageReader {
    type Value = Set;

    fn read_piece(&mut self, piece: &[u8]) -> Result<(), BadImage> {
        let (tag, mut cut) = Cut::open(piece)?;
        match (&mut self.state, tag) {
            (State::Start, Tag::SetIntegers) => {
                let width = usize::from(cut.byte()?);
                let mut integers =
                    Integers::of_width(width).ok_or(BadImage("no such width of integers"))?;
                let count = cut.varint()?;
                read_integers(&mut integers, width, cut)?;
                self.state = State::Integers { integers, width, count };
            }
            (State::Integers { integers, width, .. }, Tag::SetMore) => {
                read_integers(integers, *width, cut)?;
            }
            (State::Start, Tag::SetPacked) => {
                let count = cut.varint()?;
                let chunk = Chunk::from_packed(count, cut.rest());
                let chunk = chunk.filter(are_distinct);
                self.state = State::Packed(chunk.ok_or(BadImage("a packed set is damaged"))?);
            }
            (State::Start, Tag::SetTable) => {
                self.state = State::Table(DictReader::begin(&mut cut)?);
                cut.end()?;
            }
            (State::Table(members), Tag::SetMembers) => members.read_piece(cut, |_, _, ()| {})?,
            _ => return Err(BadImage("a piece that does not continue the set")),
        }
        Ok(())
    }

    fn finish(self) -> Result<Set, BadImage> {
        let repr = match self.state {
            State::Integers { integers, count, .. } if integers.len() as u64 == count => {
                Repr::Integers(integers)
            }
            State::Packed(chunk) => Repr::Packed(chunk),
            State::Table(members) => Repr::Table(Box::new(members.finish()?)),
            _ => return Err(BadImage("a set is not whole")),
        };
        Ok(Set { repr })
    }
}

/// Adds the integers of a piece behind those there are.
fn read_integers(integers: &mut Integers, width: usize, mut cut: Cut<'_>) -> Result<(), BadImage> {
    while !cut.is_empty() {
        let bytes = cut.take(width)?;
        let fill = if bytes[width - 1] & 0x80 == 0 { 0 } else { 0xff };
        let mut wide = [fill; 8];
        wide[..width].copy_from_slice(bytes);
        if !integers.push(i64::from_le_bytes(wide)) {
            return Err(BadImage("the integers of a set do not rise"));
        }
    }
    Ok(())
}

fn are_distinct(chunk: &Chunk) -> bool {
    let mut seen = std::collections::HashSet::new();
    let mut offset = chunk.start();
    while offset < chunk.end() {
        if !seen.insert(chunk.element(offset).to_vec()) {
            return false;
        }
        offset = chunk.next(offset);
    }
    true
}
