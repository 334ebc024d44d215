//! Where Redis would have cut the stream into nodes.
//!
//! Redis keeps a stream in listpacks of up to `stream-node-max-bytes` and `-entries`, and trimming
//! with `~` removes whole ones, so their boundaries show in replies. Our blocks are cut to fit the allocator
//! instead; this ledger follows Redis's arithmetic beside them, 24 bytes a node.

use super::entry::pairs;
use crate::types::number::parse_i64;
use crate::types::spine::{Slot, Spine};
use crate::types::stream::StreamId;

/// How much a node takes: Redis's `stream-node-max-bytes` and `stream-node-max-entries`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeLimits {
    /// The length of the listpack, in bytes. 0 is none but Redis's own of 1 GiB.
    pub bytes_max: u64,
    /// The entries, removed ones included. 0 is no limit.
    pub entries_max: u64,
}

impl Default for NodeLimits {
    fn default() -> NodeLimits {
        NodeLimits { bytes_max: 4096, entries_max: 100 }
    }
}

/// The payload that one entry, and the listpack that one node can have at most.
pub const LISTPACK_BYTES_MAX: u64 = 1 << 30;

/// One node: the entries above the last id of the node before it, up to `last_id`.
#[derive(Clone, Copy)]
pub(super) struct Node {
    /// The id of the last entry that was added, removed since or not.
    pub last_id: StreamId,
    /// The entries that are not removed.
    pub live: u32,
}

impl Slot for Node {
    type Key = StreamId;

    fn key(&self) -> &StreamId {
        &self.last_id
    }
}

/// What only the node that is still being filled has to know.
#[derive(Clone, Copy)]
pub(super) struct OpenNode {
    pub first_id: StreamId,
    /// Entries added to it, removed ones included.
    pub entries: u32,
    /// The listpack's length, but for the two counters at its head.
    pub bytes: u64,
}

impl OpenNode {
    /// More than a node ever has: each entry takes some bytes, and no listpack is longer than a
    /// gibibyte but for its last entry.
    pub const ENTRIES_MAX: u64 = 1 << 30;
    pub const BYTES_MAX: u64 = 1 << 40;
}

/// All nodes of a log that have entries, in order.
#[derive(Clone, Default)]
pub(super) struct Nodes {
    nodes: Spine<Node>,
    open: Option<OpenNode>,
}

impl Nodes {
    /// The number of nodes.
    pub fn count(&self) -> usize {
        self.nodes.len()
    }

    pub fn heap_bytes(&self) -> usize {
        self.nodes.heap_bytes()
    }

    pub fn get(&self, index: usize) -> Option<Node> {
        self.nodes.get(index).copied()
    }

    /// The last node, if it is still being filled.
    pub fn open(&self) -> Option<OpenNode> {
        self.open
    }

    /// Adds a node behind the last, which takes no more entries.
    pub fn push_node(&mut self, node: Node) {
        self.nodes.push_back(node);
    }

    /// Lets the last node be filled further.
    pub fn set_open(&mut self, open: OpenNode) {
        self.open = Some(open);
    }

    /// Notes that ids above `last_id`, all of them removed, may be given again.
    pub fn lower_last_id(&mut self, last_id: StreamId) {
        if let Some(node) = self.nodes.back_mut() {
            node.last_id = node.last_id.min(last_id);
        }
    }

    /// Whether an entry with this many bytes of names and values has to start a new node.
    pub fn starts_node(&self, payload_bytes: usize, limits: NodeLimits) -> bool {
        let Some(open) = &self.open else { return true };
        let live = self.nodes.back().map_or(0, |node| node.live);
        let counters = int_len(i64::from(live)) + int_len(i64::from(open.entries - live));
        let bytes_max = match limits.bytes_max {
            0 => LISTPACK_BYTES_MAX,
            bytes_max => bytes_max.min(LISTPACK_BYTES_MAX),
        };
        open.bytes + counters + payload_bytes as u64 >= bytes_max
            || (limits.entries_max != 0 && u64::from(open.entries) >= limits.entries_max)
    }

    /// Notes an entry that has been appended.
    pub fn push<F: AsRef<[u8]>>(
        &mut self,
        id: StreamId,
        fields: &[F],
        starts_node: bool,
        same_fields: bool,
    ) {
        if starts_node {
            self.nodes.push_back(Node { last_id: id, live: 0 });
            self.open = Some(OpenNode { first_id: id, entries: 0, bytes: header_len(fields) });
        }
        let node = self.nodes.back_mut().expect("an entry that starts no node continues one");
        let open = self.open.as_mut().expect("the last node is open unless it was emptied");
        node.last_id = id;
        node.live += 1;
        open.entries += 1;
        open.bytes += entry_len(open.first_id, id, fields, same_fields);
    }

    /// Notes that the entry with this id has been removed.
    pub fn remove(&mut self, id: StreamId) {
        self.remove_from(self.nodes.partition_point(|&last_id| last_id < id), 1);
    }

    /// The first node.
    pub fn front(&self) -> Option<Node> {
        self.nodes.front().copied()
    }

    /// The nodes in order.
    pub fn iter(&self) -> impl Iterator<Item = Node> {
        self.nodes.iter().copied()
    }

    /// The first node that begins at or behind `id`.
    pub fn after(&self, id: StreamId) -> Option<Node> {
        self.get(self.nodes.partition_point(|&last_id| last_id <= id))
    }

    /// Notes that the first `removed` entries of the first node have been removed.
    pub fn remove_from_front(&mut self, removed: u32) {
        self.remove_from(0, removed);
    }

    fn remove_from(&mut self, index: usize, removed: u32) {
        let node = self.nodes.get_mut(index).expect("entries were removed, so there is a node");
        node.live -= removed;
        if node.live == 0 {
            self.nodes.remove(index);
            if index == self.nodes.len() {
                // Behind an emptied last node the next entry starts a new one.
                self.open = None;
            }
        }
    }
}

/// A listpack's header and end, and the node's first record without the two counters.
fn header_len<F: AsRef<[u8]>>(fields: &[F]) -> u64 {
    let names: u64 = pairs(fields).iter().map(|[name, _]| string_len(name.as_ref())).sum();
    7 + int_len(fields.len() as i64 / 2) + names + int_len(0)
}

fn entry_len<F: AsRef<[u8]>>(
    first: StreamId,
    id: StreamId,
    fields: &[F],
    same_fields: bool,
) -> u64 {
    let count = fields.len() as i64 / 2;
    let ms = id.ms.wrapping_sub(first.ms) as i64;
    let seq = id.seq.wrapping_sub(first.seq) as i64;
    let mut bytes = int_len(0) + int_len(ms) + int_len(seq);
    bytes += pairs(fields).iter().map(|[_, value]| string_len(value.as_ref())).sum::<u64>();
    if same_fields {
        return bytes + int_len(count + 3);
    }
    bytes += pairs(fields).iter().map(|[name, _]| string_len(name.as_ref())).sum::<u64>();
    bytes + int_len(count) + int_len(2 * count + 4)
}

/// The length of a number in a listpack, with the length that follows each element.
fn int_len(value: i64) -> u64 {
    match value {
        0..=127 => 2,
        -4096..=4095 => 3,
        -0x8000..=0x7fff => 4,
        -0x80_0000..=0x7f_ffff => 5,
        -0x8000_0000..=0x7fff_ffff => 6,
        _ => 10,
    }
}

/// The length of a string in a listpack; one that reads as a number is kept as one.
fn string_len(bytes: &[u8]) -> u64 {
    if let Some(value) = parse_i64(bytes) {
        return int_len(value);
    }
    let len = bytes.len() as u64;
    let element = len
        + if len < 64 {
            1
        } else if len < 4096 {
            2
        } else {
            5
        };
    element
        + match element {
            0..128 => 1,
            128..16_383 => 2,
            16_383..2_097_151 => 3,
            2_097_151..268_435_455 => 4,
            _ => 5,
        }
}
