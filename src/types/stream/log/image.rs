//! Logs in snapshots: their blocks as they are, and where Redis's nodes end.
//!
//! ```text
//! StreamNodes  (ms above the last end's, seq)…    where each node ends that has entries
//! StreamBlock  base ms, base seq, start, template length, template, entries
//! ```
//!
//! All nodes stand before the first block, so that each block's entries are counted for their nodes as
//! the block is read. What a walk over the entries brings back, offsets and counts, is not written.

use std::sync::Arc;

use super::block::Block;
use super::node::{Node, OpenNode};
use super::{Log, Slot};
use crate::types::image::bytes::{put_optional, put_varint};
use crate::types::image::{BadImage, Cut, PIECE_BYTES, Tag};
use crate::types::stream::StreamId;

/// How far a log is written.
#[derive(Clone, Copy)]
pub(in crate::types::stream) enum LogPlace {
    Node { at: usize, last_id: StreamId },
    Block,
}

impl Log {
    /// Appends what a [`LogReader`] has to know before the first piece.
    pub(in crate::types::stream) fn put_head(&self, out: &mut Vec<u8>) {
        put_varint(out, self.len);
        put_varint(out, self.nodes.count() as u64);
        let open = self.nodes.open();
        put_optional(out, open.map(|open| u64::from(open.entries)));
        if let Some(open) = open {
            put_varint(out, open.bytes);
            put_id(out, open.first_id);
        }
    }

    /// Where the first piece begins, if there is any.
    pub(in crate::types::stream) fn first_place(&self) -> Option<LogPlace> {
        (self.len > 0).then_some(LogPlace::Node { at: 0, last_id: StreamId::MIN })
    }

    /// Appends the next piece, and answers where to go on. Blocks are let go as they are written: what
    /// changes in them afterwards, on the side that serves, need not be kept apart any more.
    pub(in crate::types::stream) fn put_piece(
        &mut self,
        place: LogPlace,
        out: &mut Vec<u8>,
    ) -> Option<LogPlace> {
        match place {
            LogPlace::Node { mut at, mut last_id } => {
                out.push(Tag::StreamNodes as u8);
                let start = out.len();
                while out.len() - start < PIECE_BYTES
                    && let Some(node) = self.nodes.get(at)
                {
                    put_varint(out, node.last_id.ms - last_id.ms);
                    put_varint(out, node.last_id.seq);
                    last_id = node.last_id;
                    at += 1;
                }
                match self.nodes.get(at) {
                    Some(_) => Some(LogPlace::Node { at, last_id }),
                    None => Some(LogPlace::Block),
                }
            }
            LogPlace::Block => {
                out.push(Tag::StreamBlock as u8);
                self.slots.pop_front()?.block.put(out);
                (!self.slots.is_empty()).then_some(LogPlace::Block)
            }
        }
    }
}

pub(in crate::types::stream) fn put_id(out: &mut Vec<u8>, id: StreamId) {
    put_varint(out, id.ms);
    put_varint(out, id.seq);
}

pub(in crate::types::stream) fn take_id(cut: &mut Cut<'_>) -> Result<StreamId, BadImage> {
    Ok(StreamId { ms: cut.varint()?, seq: cut.varint()? })
}

/// Puts a log together.
pub(in crate::types::stream) struct LogReader {
    log: Log,
    /// What the head says.
    len: u64,
    node_count: u64,
    open: Option<OpenNode>,
    /// Where the nodes end whose entries are still to come, and the one being counted.
    ends: std::vec::IntoIter<StreamId>,
    ends_read: Vec<StreamId>,
    node: Option<Node>,
    /// The greatest id so far, of an entry removed or not.
    last_id: StreamId,
}

impl LogReader {
    /// Reads what [`Log::put_head`] wrote.
    pub fn new(cut: &mut Cut<'_>) -> Result<LogReader, BadImage> {
        let (len, node_count) = (cut.varint()?, cut.varint()?);
        let entries = cut.optional_to(OpenNode::ENTRIES_MAX)?;
        let open = match entries {
            Some(entries) => Some(OpenNode {
                entries: entries as u32,
                bytes: cut.varint_to(OpenNode::BYTES_MAX)?,
                first_id: take_id(cut)?,
            }),
            None => None,
        };
        Ok(LogReader {
            log: Log::new(),
            len,
            node_count,
            open,
            ends: Vec::new().into_iter(),
            ends_read: Vec::new(),
            node: None,
            last_id: StreamId::MIN,
        })
    }

    /// The number of entries that are to come in all.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The greatest id so far, of an entry removed or not, or the end of a node.
    pub fn last_id(&self) -> StreamId {
        let end = self.ends.as_slice().last().copied();
        let counted = self.node.map(|node| node.last_id);
        self.last_id.max(end.or(counted).unwrap_or(StreamId::MIN))
    }

    pub fn read_nodes(&mut self, mut cut: Cut<'_>) -> Result<(), BadImage> {
        const WRONG: BadImage = BadImage("the ends of a stream's nodes are damaged");
        if !self.log.slots.is_empty() {
            return Err(WRONG);
        }
        let mut last = self.ends_read.last().copied().unwrap_or(StreamId::MIN);
        while !cut.is_empty() {
            let ms = last.ms.checked_add(cut.varint()?).ok_or(WRONG)?;
            let id = StreamId { ms, seq: cut.varint()? };
            if id <= last {
                return Err(WRONG);
            }
            self.ends_read.push(id);
            last = id;
        }
        Ok(())
    }

    pub fn read_block(&mut self, cut: Cut<'_>) -> Result<(), BadImage> {
        if self.log.slots.is_empty() {
            if self.ends_read.len() as u64 != self.node_count {
                return Err(BadImage("the ends of a stream's nodes are not whole"));
            }
            self.ends = std::mem::take(&mut self.ends_read).into_iter();
            self.next_node();
        }
        let behind = self.last_id;
        let block = Block::take(cut, behind, |id, is_live| {
            self.last_id = id;
            !is_live || self.count(id)
        })?;
        self.log.len += block.live() as u64;
        self.log.buffer_bytes += block.heap_bytes();
        self.log.slots.push_back(Slot { first_id: block.base(), block: Arc::new(block) });
        if self.log.len > self.len {
            return Err(BadImage("a stream has more entries than it says"));
        }
        Ok(())
    }

    fn next_node(&mut self) {
        self.node = self.ends.next().map(|last_id| Node { last_id, live: 0 });
    }

    /// Counts an entry for its node; whether it has one.
    #[inline]
    fn count(&mut self, id: StreamId) -> bool {
        while let Some(node) = &mut self.node {
            if id <= node.last_id {
                node.live += 1;
                return true;
            }
            if node.live == 0 {
                return false;
            }
            self.log.nodes.push_node(*node);
            self.next_node();
        }
        false
    }

    pub fn finish(mut self) -> Result<Log, BadImage> {
        const WRONG: BadImage = BadImage("a stream's nodes do not fit its entries");
        if self.log.len != self.len {
            return Err(BadImage("a stream's entries are not whole"));
        }
        let live = self.node.map_or(0, |node| node.live);
        if let Some(node) = self.node.filter(|node| node.live > 0) {
            self.log.nodes.push_node(node);
        }
        if self.log.nodes.count() as u64 != self.node_count {
            return Err(WRONG);
        }
        if let Some(open) = self.open {
            // More than it ever had cannot be left.
            if live == 0 || live > open.entries {
                return Err(WRONG);
            }
            self.log.nodes.set_open(open);
        }
        Ok(self.log)
    }
}
