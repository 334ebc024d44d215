//! Idempotency ids in snapshots.
//!
//! ```text
//! head        duration s, ids a producer, ids ever added, duplicates ever, ids remembered
//! StreamIdmp  (producer, idempotency id, entry's ms, seq)…    in the order in which they expire
//! ```

use super::{Idmp, IdmpLimits};
use crate::types::image::bytes::{put_bytes, put_varint};
use crate::types::image::{BadImage, Cut, PIECE_BYTES, Tag};
use crate::types::stream::COUNT_MAX;
use crate::types::stream::log::image::{put_id, take_id};

impl Idmp {
    /// Appends what an [`IdmpReader`] has to know before the first piece.
    pub(in crate::types::stream) fn put_head(&self, out: &mut Vec<u8>) {
        put_varint(out, u64::from(self.limits.duration_s));
        put_varint(out, u64::from(self.limits.per_producer_max));
        put_varint(out, self.added);
        put_varint(out, self.duplicates);
        put_varint(out, self.len() as u64);
    }

    /// Appends what is remembered from place `from` on, as much as makes a piece, and answers where
    /// to go on.
    pub(in crate::types::stream) fn put_piece(
        &self,
        from: usize,
        out: &mut Vec<u8>,
    ) -> Option<usize> {
        out.push(Tag::StreamIdmp as u8);
        let start = out.len();
        for (at, (producer, iid, id)) in (from..).zip(self.remembered(from)) {
            if out.len() - start >= PIECE_BYTES {
                return Some(at);
            }
            put_bytes(out, producer);
            put_bytes(out, iid);
            put_id(out, id);
        }
        None
    }
}

/// Puts the memory together.
pub(in crate::types::stream) struct IdmpReader {
    idmp: Idmp,
    /// What the head says.
    len: u64,
}

impl IdmpReader {
    pub fn new(cut: &mut Cut<'_>) -> Result<IdmpReader, BadImage> {
        let limits = IdmpLimits {
            duration_s: cut.varint_to(u64::from(u32::MAX))? as u32,
            per_producer_max: cut.varint_to(u64::from(u32::MAX))? as u32,
        };
        let mut idmp = Idmp::new(limits);
        idmp.set_counts(cut.varint_to(COUNT_MAX)?, cut.varint_to(COUNT_MAX)?);
        Ok(IdmpReader { idmp, len: cut.varint()? })
    }

    pub fn read(&mut self, mut cut: Cut<'_>) -> Result<(), BadImage> {
        const WRONG: BadImage = BadImage("the idempotency ids of a stream are damaged");
        while !cut.is_empty() {
            let (producer, iid) = (cut.bytes()?, cut.bytes()?);
            let id = take_id(&mut cut)?;
            if self.idmp.len() as u64 == self.len || !self.idmp.push_read(producer, iid, id) {
                return Err(WRONG);
            }
        }
        Ok(())
    }

    pub fn finish(self) -> Result<Idmp, BadImage> {
        if self.idmp.len() as u64 == self.len {
            Ok(self.idmp)
        } else {
            Err(BadImage("the idempotency ids of a stream are not whole"))
        }
    }
}
