//! Which messages a stream has had, told apart by the value of a field.

use super::memory::Memory;
use crate::types::image::bytes::{put_bytes, put_varint};
use crate::types::image::{BadImage, Cut, PIECE_BYTES, Tag};
use crate::types::stream::StreamId;
use crate::types::stream::log::image::{put_id, take_id};

/// All messages are of one producer here.
const PRODUCER: &[u8] = b"";

/// The messages of one stream, each remembered for a time counted from its entry's id.
#[derive(Clone, Default)]
pub struct Dedup {
    memory: Memory,
}

impl Dedup {
    pub fn is_empty(&self) -> bool {
        self.memory.len() == 0
    }

    /// The entry that a message was added as, if that is less than `window_ms` ago.
    pub fn find(&self, message: &[u8], now_ms: u64, window_ms: u64) -> Option<StreamId> {
        let id = self.memory.find(PRODUCER, message)?;
        (now_ms.saturating_sub(id.ms) < window_ms).then_some(id)
    }

    /// Remembers a message in place of an older one, and forgets those that are over.
    pub fn remember(&mut self, message: &[u8], id: StreamId, now_ms: u64, window_ms: u64) {
        let is_over = |id: StreamId| now_ms.saturating_sub(id.ms) >= window_ms;
        while self.memory.first_id().is_some_and(is_over) {
            self.memory.forget_first();
        }
        // Behind one with a later id it may have stayed although it is over.
        self.memory.forget_message(PRODUCER, message);
        self.memory.insert(PRODUCER, message, id, usize::MAX);
    }

    /// All that are remembered, over or not, in id order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], StreamId)> {
        self.memory.iter(0).map(|(_, message, id)| (message, id))
    }

    pub fn heap_bytes(&self) -> usize {
        self.memory.heap_bytes()
    }

    /// Appends what a [`DedupReader`] has to know first.
    pub(in crate::types::stream) fn put_head(&self, out: &mut Vec<u8>) {
        out.push(Tag::StreamDedup as u8);
        put_varint(out, self.memory.len() as u64);
    }

    /// Appends the next piece, and answers where to go on.
    pub(in crate::types::stream) fn put_piece(
        &self,
        from: usize,
        out: &mut Vec<u8>,
    ) -> Option<usize> {
        out.push(Tag::StreamMessages as u8);
        let start = out.len();
        for (at, (_, message, id)) in (from..).zip(self.memory.iter(from)) {
            if out.len() - start >= PIECE_BYTES {
                return Some(at);
            }
            put_bytes(out, message);
            put_id(out, id);
        }
        None
    }
}

/// Puts the memory together.
pub(in crate::types::stream) struct DedupReader {
    dedup: Dedup,
    len: u64,
}

impl DedupReader {
    pub fn new(mut cut: Cut<'_>) -> Result<DedupReader, BadImage> {
        let len = cut.varint()?;
        cut.end()?;
        Ok(DedupReader { dedup: Dedup::default(), len })
    }

    pub fn read(&mut self, mut cut: Cut<'_>) -> Result<(), BadImage> {
        const WRONG: BadImage = BadImage("the messages of a stream are damaged");
        let memory = &mut self.dedup.memory;
        while !cut.is_empty() {
            let message = cut.bytes()?;
            let id = take_id(&mut cut)?;
            if memory.last_id() > Some(id) || memory.find(PRODUCER, message).is_some() {
                return Err(WRONG);
            }
            memory.insert(PRODUCER, message, id, usize::MAX);
        }
        Ok(())
    }

    pub fn finish(self) -> Result<Dedup, BadImage> {
        let len = self.dedup.memory.len() as u64;
        if len == self.len && len > 0 {
            Ok(self.dedup)
        } else {
            Err(BadImage("the messages of a stream are not whole"))
        }
    }
}
