//! Dicts in snapshots: a type's image has a head and then these pieces, under tags of its own.
//!
//! ```text
//! head   seed (8 bytes, low end first), member count
//! piece  entries, in order of (hash, member)
//! ```
//!
//! Entries are as they lie in a chunk, see [`chunk`](super::chunk).

use super::{Dict, Payload};
use crate::types::image::bytes::put_varint;
use crate::types::image::{BadImage, Cut, PIECE_BYTES, Tag};

/// What is left to be written of a dict.
pub(in crate::types) struct DictImage<P: Payload> {
    /// Without the chunks that are written: what changes in them afterwards, on the side that serves,
    /// need not be kept apart any more.
    rest: Dict<P>,
    /// How many members of the first chunk are written.
    written: usize,
}

impl<P: Payload> DictImage<P> {
    pub fn new(dict: &Dict<P>) -> DictImage<P> {
        DictImage { rest: dict.clone(), written: 0 }
    }

    /// Appends the head, before any piece.
    pub fn write_head(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.rest.seed.to_le_bytes());
        put_varint(out, self.rest.len() as u64);
    }

    /// Appends the next piece; false if that was the last one. A dict without members has none.
    pub fn write_piece(&mut self, tag: Tag, out: &mut Vec<u8>) -> bool {
        out.push(tag as u8);
        let begin = out.len();
        while let Some(first) = self.rest.parts.front() {
            let chunk = &first.chunk;
            for at in self.written..chunk.len() {
                if out.len() - begin >= PIECE_BYTES {
                    self.written = at;
                    return true;
                }
                out.extend_from_slice(chunk.packed(at));
            }
            self.rest.parts.pop_front();
            self.written = 0;
            if out.len() - begin >= PIECE_BYTES / 2 {
                break;
            }
        }
        !self.rest.is_empty()
    }
}

/// Puts a dict together.
pub(in crate::types) struct DictReader<P: Payload> {
    dict: Dict<P>,
    members: u64,
}

impl<P: Payload> DictReader<P> {
    /// Begins with what [`DictImage::write_head`] wrote.
    pub fn begin(cut: &mut Cut<'_>) -> Result<DictReader<P>, BadImage> {
        let seed = u64::from_le_bytes(cut.array()?);
        Ok(DictReader { dict: Dict::with_seed(seed), members: cut.varint()? })
    }

    /// Takes the next piece, without its tag.
    pub fn read_piece(
        &mut self,
        mut cut: Cut<'_>,
        mut visit: impl FnMut(&Dict<P>, &[u8], P::Ref<'_>),
    ) -> Result<(), BadImage> {
        while !cut.is_empty() {
            let member = cut.bytes()?;
            let payload = P::read(&mut cut)?;
            self.dict.push_in_order(member, payload)?;
            visit(&self.dict, member, payload);
        }
        Ok(())
    }

    /// Ends the dict.
    pub fn finish(self) -> Result<Dict<P>, BadImage> {
        if self.dict.len() as u64 != self.members || self.members == 0 {
            return Err(BadImage("members are missing"));
        }
        Ok(self.dict)
    }
}
