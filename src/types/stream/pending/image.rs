//! Pending entries in snapshots: their chunks, the dead slots left out.
//!
//! ```text
//! chunk    slots, owner count, owners (4 bytes each), owner of each slot (a byte),
//!          ids ms, ids seq, times, counts
//! column   bytes a delta (1, 2, 4, 8), base, deltas
//! ```
//!
//! Owners and deltas are little end first. Chunks follow each other in id order.

use std::sync::Arc;

use super::chunk::{Chunk, SLOTS_MAX};
use super::tree::Node;
use super::{Owner, Pending, Summary};
use crate::types::image::{BadImage, Cut, PIECE_BYTES};
use crate::types::stream::StreamId;

impl Pending {
    /// Appends chunks with records from `from` on, as many as make a piece, and answers where to go
    /// on.
    pub(in crate::types::stream) fn put_chunks(
        &self,
        mut from: StreamId,
        out: &mut Vec<u8>,
    ) -> Option<StreamId> {
        let start = out.len();
        while let Some(chunk) = self.root.chunk_from(from) {
            if out.len() - start >= PIECE_BYTES {
                return Some(from);
            }
            chunk.put(out);
            from = chunk.last_id()?.next()?;
        }
        None
    }
}

/// Puts pending entries together.
#[derive(Default)]
pub(in crate::types::stream) struct PendingReader {
    chunks: Vec<Arc<Chunk>>,
    live: u64,
    last_id: Option<StreamId>,
}

impl PendingReader {
    /// How many records have come.
    pub fn len(&self) -> u64 {
        self.live
    }

    /// Takes a piece's chunks. `count` is told of each owner and its records, until it says that one
    /// is wrong; times of the unowned are at most `released`.
    pub fn read(
        &mut self,
        mut cut: Cut<'_>,
        released: u64,
        mut count: impl FnMut(Owner, u64) -> bool,
    ) -> Result<(), BadImage> {
        while !cut.is_empty() {
            let chunk = Chunk::take(&mut cut, self.last_id, released)?;
            for (owner, live) in chunk.owner_counts() {
                if !count(owner, live) {
                    return Err(BadImage("a pending entry of an unknown consumer"));
                }
            }
            self.live += chunk.live_count() as u64;
            self.last_id = chunk.last_id();
            match self.chunks.last_mut().and_then(Arc::get_mut) {
                // What acknowledgements have left of two chunks is often less than one.
                Some(last) if last.slots() + chunk.slots() <= SLOTS_MAX / 2 => last.absorb(&chunk),
                _ => self.chunks.push(Arc::new(chunk)),
            }
        }
        Ok(())
    }

    pub fn finish(self) -> Pending {
        let leaves = self.chunks.into_iter().map(|chunk| {
            let low = chunk.first_id().unwrap_or(StreamId::MIN);
            let summary = chunk.summary();
            (low, Node::Leaf(chunk), summary)
        });
        let (root, summary) = Node::over(leaves.collect());
        Pending { root, summary }
    }
}

impl Node {
    /// The root of a tree over nodes of one kind in id order, each with its least id and summary.
    fn over(mut nodes: Vec<(StreamId, Node, Summary)>) -> (Node, Summary) {
        while nodes.len() > 1 {
            let mut above = Vec::new();
            let mut below = nodes.into_iter().peekable();
            while let Some(&(low, ..)) = below.peek() {
                let (node, summary) = Node::parent_of(&mut below);
                above.push((low, node, summary));
            }
            nodes = above;
        }
        let root = nodes.pop().map(|(_, node, summary)| (node, summary));
        root.unwrap_or((Node::empty(), Summary::EMPTY))
    }
}
