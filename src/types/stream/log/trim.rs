//! Trimming a log from its front, as XADD and XTRIM ask for it.

use super::{Log, Slot};
use crate::types::stream::StreamId;

/// Which entries a trim is to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrimBy {
    /// The last so many.
    MaxLen(u64),
    /// Those that are not below this id.
    MinId(StreamId),
}

/// A trim as asked for by MAXLEN or MINID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trim {
    pub by: TrimBy,
    /// `~`: only whole nodes go.
    pub approximate: bool,
    /// Ends the trim before a node that would make it more than this many entries. 0 is no limit.
    pub limit: u64,
}

impl Log {
    /// Trims from the front, and answers how many entries were removed.
    pub fn trim(&mut self, trim: Trim) -> u64 {
        let mut removed = 0;
        while let Some(node) = self.nodes.front() {
            let live = u64::from(node.live);
            if self.is_trimmed(trim.by) || (trim.limit > 0 && removed + live > trim.limit) {
                break;
            }
            if self.takes_whole(trim.by, live, node.last_id) {
                self.remove_front_through(node.last_id);
                self.nodes.remove_from_front(node.live);
                removed += live;
                continue;
            }
            if !trim.approximate {
                let cut = match trim.by {
                    TrimBy::MaxLen(len) => self.remove_front(self.len - len),
                    TrimBy::MinId(id) => {
                        id.prev().map_or(0, |last| self.remove_front_through(last))
                    }
                };
                self.nodes.remove_from_front(cut as u32);
                removed += cut;
            }
            break;
        }
        removed
    }

    /// Trims entry by entry, as the policies DELREF and ACKED need it: `may_remove` is asked for each
    /// entry in order, and those for which it says no stay and are passed over. Answers how many
    /// were removed.
    ///
    /// As in Redis, nodes only tell the limit here: `~` trims the same entries as `=`.
    pub fn trim_if(&mut self, trim: Trim, mut may_remove: impl FnMut(StreamId) -> bool) -> u64 {
        let mut removed = 0;
        let mut node = self.nodes.front();
        let mut first = StreamId::MIN;
        while let Some(current) = node {
            let live = u64::from(current.live);
            if self.is_trimmed(trim.by) || (trim.limit > 0 && removed + live > trim.limit) {
                break;
            }
            let whole = self.takes_whole(trim.by, live, current.last_id);
            let excess = match trim.by {
                TrimBy::MaxLen(len) => self.len - len,
                TrimBy::MinId(_) => u64::MAX,
            };
            let doomed: Vec<StreamId> = self
                .range(first, current.last_id)
                .map(|entry| entry.id())
                .take_while(|&id| !matches!(trim.by, TrimBy::MinId(min) if id >= min))
                .filter(|&id| may_remove(id))
                .take(usize::try_from(excess).unwrap_or(usize::MAX))
                .collect();
            removed += doomed.len() as u64;
            for id in doomed {
                self.remove(id);
            }
            let Some(behind) = current.last_id.next() else { break };
            if !whole {
                break;
            }
            node = self.nodes.after(current.last_id);
            first = behind;
        }
        removed
    }

    /// Whether a glance shows that nothing is left to do.
    fn is_trimmed(&self, by: TrimBy) -> bool {
        matches!(by, TrimBy::MaxLen(len) if self.len <= len)
    }

    /// Whether all of a node with so many entries up to `last_id` may go.
    fn takes_whole(&self, by: TrimBy, live: u64, last_id: StreamId) -> bool {
        match by {
            TrimBy::MaxLen(len) => self.len - live >= len,
            TrimBy::MinId(id) => last_id < id,
        }
    }

    /// Removes the entries up to and including `last`, and answers how many that were.
    fn remove_front_through(&mut self, last: StreamId) -> u64 {
        let before = self.len;
        while let Some(Slot { block, .. }) = self.slots.front() {
            let behind = last.next().map_or(block.slots(), |id| block.seek(id));
            if block.next_live(behind).is_none() {
                self.len -= block.live() as u64;
                self.drop_block(0);
                continue;
            }
            if behind > block.start() {
                self.len -= self.change_block(0, |block| block.remove_before(behind)) as u64;
            }
            break;
        }
        before - self.len
    }

    /// Removes the first `count` entries; there are more than that. Answers `count`.
    fn remove_front(&mut self, count: u64) -> u64 {
        let mut left = count;
        while left > 0
            && let Some(Slot { block, .. }) = self.slots.front()
        {
            let live = block.live() as u64;
            if live <= left {
                self.drop_block(0);
                left -= live;
                continue;
            }
            let mut behind = block.start();
            for _ in 0..left {
                behind = 1 + block.next_live(behind).expect("the block has more than `left`");
            }
            self.change_block(0, |block| block.remove_before(behind));
            break;
        }
        self.len -= count;
        count
    }
}
