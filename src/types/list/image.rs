//! Lists in snapshots: their chunks as they are.
//!
//! ```text
//! ListPacked  element count, entries
//! ListLong    chunk count, element count
//! ListChunk   element count, entries
//! ```
//!
//! Entries are as they lie in a chunk, see [`entry`](super::entry).

use super::chunk::Chunk;
use super::deque::Deque;
use super::{List, Repr};
use crate::types::image::bytes::put_varint;
use crate::types::image::{BadImage, Cut, ImageReader, ImageWriter, Tag};

/// What is left to be written of a list.
pub struct ListImage {
    /// Without the chunks that are written: what changes in them afterwards, on the side that serves,
    /// need not be kept apart any more.
    list: List,
    is_begun: bool,
}

impl List {
    /// The list as it is now, to be written to a snapshot.
    pub fn image(&self) -> ListImage {
        ListImage { list: self.clone(), is_begun: false }
    }
}

impl ImageWriter for ListImage {
    fn write_piece(&mut self, out: &mut Vec<u8>) -> bool {
        match &mut self.list.repr {
            Repr::Packed(chunk) => {
                put_chunk(out, Tag::ListPacked, chunk);
                false
            }
            Repr::Long(deque) if !self.is_begun => {
                out.push(Tag::ListLong as u8);
                put_varint(out, deque.chunk_count() as u64);
                put_varint(out, deque.len() as u64);
                self.is_begun = true;
                true
            }
            Repr::Long(deque) => {
                if let Some(chunk) = deque.pop_first() {
                    put_chunk(out, Tag::ListChunk, &chunk);
                }
                deque.len() > 0
            }
        }
    }
}

fn put_chunk(out: &mut Vec<u8>, tag: Tag, chunk: &Chunk) {
    out.push(tag as u8);
    put_varint(out, chunk.count() as u64);
    out.extend_from_slice(chunk.packed());
}

fn read_chunk(mut cut: Cut<'_>) -> Result<Chunk, BadImage> {
    let count = cut.varint()?;
    Chunk::from_packed(count, cut.rest()).ok_or(BadImage("a chunk of a list is damaged"))
}

/// Puts a list together.
#[derive(Default)]
pub struct ListImageReader {
    state: State,
}

#[derive(Default)]
enum State {
    #[default]
    Start,
    Packed(Chunk),
    Long {
        deque: Deque,
        chunks: u64,
        elements: u64,
    },
}

impl ImageReader for ListImageReader {
    type Value = List;

    fn read_piece(&mut self, piece: &[u8]) -> Result<(), BadImage> {
        let (tag, mut cut) = Cut::open(piece)?;
        match (&mut self.state, tag) {
            (State::Start, Tag::ListPacked) => self.state = State::Packed(read_chunk(cut)?),
            (State::Start, Tag::ListLong) => {
                let (chunks, elements) = (cut.varint()?, cut.varint()?);
                cut.end()?;
                self.state = State::Long { deque: Deque::new(Chunk::new()), chunks, elements };
            }
            (State::Long { deque, chunks, .. }, Tag::ListChunk)
                if (deque.chunk_count() as u64) < *chunks =>
            {
                let chunk = read_chunk(cut)?;
                if chunk.count() == 0 {
                    return Err(BadImage("an empty chunk of a list"));
                }
                deque.push_whole(chunk);
            }
            _ => return Err(BadImage("a piece that does not continue the list")),
        }
        Ok(())
    }

    fn finish(self) -> Result<List, BadImage> {
        match self.state {
            State::Packed(chunk) => Ok(List { repr: Repr::Packed(chunk) }),
            State::Long { deque, chunks, elements }
                if chunks > 0
                    && deque.chunk_count() as u64 == chunks
                    && deque.len() as u64 == elements =>
            {
                Ok(List { repr: Repr::Long(Box::new(deque)) })
            }
            _ => Err(BadImage("a list is not whole")),
        }
    }
}
