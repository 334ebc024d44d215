//! Sorted sets in snapshots: their chunks.
//!
//! ```text
//! ZsetPacked  member count, entries
//! ZsetLarge   chunk count, member count
//! ZsetChunk   member count, entries
//!
//! entry       score, eight bytes, little end first; length, member
//! ```
//!
//! Entries are in order. The index by member is built anew while they are read.

use super::chunk::{Chunk, MEMBERS_MAX, order};
use super::{Large, Repr, Zset};
use crate::types::image::bytes::{put_bytes, put_varint};
use crate::types::image::{BadImage, Cut, ImageReader, ImageWriter, Tag};

/// What is left to be written of a sorted set.
pub struct ZsetImage {
    /// Without the chunks that are written: what changes in them afterwards, on the side that serves,
    /// need not be kept apart any more. The index is not written.
    set: Zset,
    is_begun: bool,
}

impl Zset {
    /// The set as it is now, to be written to a snapshot.
    pub fn image(&self) -> ZsetImage {
        let repr = match &self.repr {
            Repr::Packed(chunk) => Repr::Packed(chunk.clone()),
            Repr::Large(large) => {
                Repr::Large(Box::new(Large { order: large.order.clone(), ..Large::default() }))
            }
        };
        ZsetImage { set: Zset { repr }, is_begun: false }
    }
}

impl ImageWriter for ZsetImage {
    fn write_piece(&mut self, out: &mut Vec<u8>) -> bool {
        match &mut self.set.repr {
            Repr::Packed(chunk) => {
                put_chunk(out, Tag::ZsetPacked, chunk);
                false
            }
            Repr::Large(large) if !self.is_begun => {
                out.push(Tag::ZsetLarge as u8);
                put_varint(out, large.order.chunk_count() as u64);
                put_varint(out, large.order.len() as u64);
                self.is_begun = true;
                large.order.len() > 0
            }
            Repr::Large(large) => {
                if let Some(chunk) = large.order.pop_first() {
                    put_chunk(out, Tag::ZsetChunk, &chunk);
                }
                large.order.len() > 0
            }
        }
    }
}

fn put_chunk(out: &mut Vec<u8>, tag: Tag, chunk: &Chunk) {
    out.push(tag as u8);
    put_varint(out, chunk.count() as u64);
    for index in 0..chunk.count() {
        let (member, score) = chunk.entry(index);
        out.extend_from_slice(&score.to_le_bytes());
        put_bytes(out, member);
    }
}

fn read_chunk(mut cut: Cut<'_>) -> Result<Chunk, BadImage> {
    const BAD: BadImage = BadImage("a chunk of a sorted set is damaged");
    let count = usize::try_from(cut.varint()?).map_err(|_| BAD)?;
    let bytes = cut.len();
    // Nothing is allocated because of a count alone.
    let mut chunk =
        Chunk::with_room(count.min(bytes / 9), bytes.saturating_sub(count.saturating_mul(9)));
    let mut last: Option<(&[u8], f64)> = None;
    for index in 0..count {
        let score = f64::from_le_bytes(cut.array()?);
        let member = cut.bytes()?;
        let rises =
            last.is_none_or(|(last, last_score)| order(last_score, last, score, member).is_lt());
        if score.is_nan() || !rises {
            return Err(BAD);
        }
        chunk.insert(index, score, member);
        last = Some((member, score));
    }
    cut.end()?;
    Ok(chunk)
}

/// Puts a sorted set together.
#[derive(Default)]
pub struct ZsetImageReader {
    state: State,
}

#[derive(Default)]
enum State {
    #[default]
    Start,
    Packed(Chunk),
    Large {
        large: Box<Large>,
        chunks: u64,
        members: u64,
    },
}

impl ImageReader for ZsetImageReader {
    type Value = Zset;

    fn read_piece(&mut self, piece: &[u8]) -> Result<(), BadImage> {
        let (tag, mut cut) = Cut::open(piece)?;
        match (&mut self.state, tag) {
            (State::Start, Tag::ZsetPacked) => {
                let chunk = read_chunk(cut)?;
                let mut members: Vec<&[u8]> =
                    (0..chunk.count()).map(|index| chunk.member(index)).collect();
                members.sort_unstable();
                if members.windows(2).any(|pair| pair[0] == pair[1]) {
                    return Err(BadImage("a member of a sorted set comes twice"));
                }
                self.state = State::Packed(chunk);
            }
            (State::Start, Tag::ZsetLarge) => {
                let (chunks, members) = (cut.varint()?, cut.varint()?);
                cut.end()?;
                self.state = State::Large { large: Box::default(), chunks, members };
            }
            (State::Large { large, chunks, .. }, Tag::ZsetChunk)
                if (large.order.chunk_count() as u64) < *chunks =>
            {
                let chunk = read_chunk(cut)?;
                if chunk.count() == 0 || chunk.count() > MEMBERS_MAX {
                    return Err(BadImage("a chunk of a sorted set of a size that none has"));
                }
                for index in 0..chunk.count() {
                    let (member, score) = chunk.entry(index);
                    if !large.index.add(member, score) {
                        return Err(BadImage("a member of a sorted set comes twice"));
                    }
                }
                if !large.order.push_whole(chunk) {
                    return Err(BadImage("a sorted set is out of order"));
                }
            }
            _ => return Err(BadImage("a piece that does not continue the sorted set")),
        }
        Ok(())
    }

    fn finish(self) -> Result<Zset, BadImage> {
        match self.state {
            State::Packed(chunk) => Ok(Zset { repr: Repr::Packed(chunk) }),
            State::Large { large, chunks, members }
                if large.order.chunk_count() as u64 == chunks
                    && large.order.len() as u64 == members =>
            {
                Ok(Zset { repr: Repr::Large(large) })
            }
            _ => Err(BadImage("a sorted set is not whole")),
        }
    }
}
