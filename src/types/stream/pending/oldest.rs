//! Records in order of time.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::chunk::Chunk;
use super::tree::Node;
use super::{Kind, Record, Summary};

/// Walks the tree best first: a node waits in the heap under the least time below it, and is
/// opened when its turn comes. The first record costs a path down, each further one little more,
/// however many there are.
pub(super) struct Oldest<'a> {
    heap: BinaryHeap<Reverse<Waiting<'a>>>,
    kind: Kind,
    time_max: u64,
}

struct Waiting<'a> {
    time: u64,
    /// Where in the tree: the place in each node on the path, from the highest bits down. Orders
    /// equal times by id, and a node before what lies behind it, so that a million records of the
    /// same millisecond are not all opened to give the first.
    path: u64,
    what: What<'a>,
}

enum What<'a> {
    Node {
        node: &'a Node,
        shift: u32,
    },
    /// A record that stands for those of its chunk that come after it.
    FirstOf {
        chunk: &'a Chunk,
        slot: usize,
        record: Record,
        shift: u32,
    },
}

/// Bits of a path for a place among an inner node's children.
const CHILD_BITS: u32 = 6;
/// Bits of a path for a slot in a chunk.
const SLOT_BITS: u32 = 7;

impl<'a> Oldest<'a> {
    /// Goes over the records of `kind` whose time is at most `time_max`.
    pub(super) fn new(root: &'a Node, summary: Summary, kind: Kind, time_max: u64) -> Oldest<'a> {
        let mut oldest = Oldest { heap: BinaryHeap::new(), kind, time_max };
        let what = What::Node { node: root, shift: u64::BITS };
        oldest.wait(summary.least(kind), 0, what);
        oldest
    }

    fn wait(&mut self, time: u64, path: u64, what: What<'a>) {
        // The greatest time stands for none.
        if time <= self.time_max && time != u64::MAX {
            self.heap.push(Reverse(Waiting { time, path, what }));
        }
    }

    /// Lets the record wait that comes next in a chunk. `path` is the chunk's.
    fn wait_next_of(
        &mut self,
        chunk: &'a Chunk,
        after: Option<(u64, usize)>,
        path: u64,
        shift: u32,
    ) {
        if let Some((slot, record)) = chunk.next_by_time(self.kind, after) {
            let what = What::FirstOf { chunk, slot, record, shift };
            self.wait(record.time, path | (slot as u64) << shift, what);
        }
    }

    fn open(&mut self, node: &'a Node, path: u64, shift: u32) {
        match node {
            Node::Inner(inner) => {
                let shift = shift - CHILD_BITS;
                for (place, (child, summary)) in inner.children().enumerate() {
                    let path = path | (place as u64) << shift;
                    self.wait(summary.least(self.kind), path, What::Node { node: child, shift });
                }
            }
            Node::Leaf(chunk) => self.wait_next_of(chunk, None, path, shift - SLOT_BITS),
        }
    }
}

impl Iterator for Oldest<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        loop {
            let Reverse(waiting) = self.heap.pop()?;
            match waiting.what {
                What::Node { node, shift } => self.open(node, waiting.path, shift),
                What::FirstOf { chunk, slot, record, shift } => {
                    let path_of_chunk = waiting.path ^ (slot as u64) << shift;
                    self.wait_next_of(chunk, Some((record.time, slot)), path_of_chunk, shift);
                    return Some(record);
                }
            }
        }
    }
}

impl Waiting<'_> {
    fn key(&self) -> (u64, u64, bool) {
        (self.time, self.path, !matches!(self.what, What::Node { .. }))
    }
}

impl Ord for Waiting<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for Waiting<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Waiting<'_> {}
