//! The B-tree whose leaves are chunks.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::chunk::{Chunk, SLOTS_MAX};
use super::masks::Masks;
use super::{Filter, Owner, Record, Summary};
use crate::types::stream::StreamId;

/// Children of an inner node; the width of an owner's mask.
const FANOUT: usize = 64;

/// A full chunk with at least this many dead slots is compacted rather than split. With fewer,
/// both halves of a split have live ones.
const COMPACT_DEAD_MIN: usize = SLOTS_MAX / 2;

/// Chunks with no more live records than this look for a neighbour to merge with.
const MERGE_LIVE_MAX: u64 = SLOTS_MAX as u64 / 8;

/// Neighbours are merged when the result is at most half full, so that it is not soon split again.
const MERGED_SLOTS_MAX: u64 = SLOTS_MAX as u64 / 2;
const MERGED_CHILDREN_MAX: usize = FANOUT / 2;

/// A chunk, or an inner node over them. Shared with clones until one of them writes.
#[derive(Clone)]
pub(super) enum Node {
    Leaf(Arc<Chunk>),
    Inner(Arc<Inner>),
}

/// Up to [`FANOUT`] children in id order.
///
/// Invariants: all ids of child `i` are at least `lows[i]` (but for the first child, whose bound
/// is the node's own) and below `lows[i + 1]`; `summaries[i]` is that of `children[i]`, exact;
/// `owners` holds, for each owner with a live record below, the children that have one. Only the
/// last child may be without live records: it is where a stream's next delivery goes.
#[derive(Clone)]
pub(super) struct Inner {
    lows: Vec<StreamId>,
    summaries: Vec<Summary>,
    children: Vec<Node>,
    owners: Masks,
}

/// What putting a record into a subtree did to it.
pub(super) struct Put {
    /// The record that the id had.
    pub(super) old: Option<Record>,
    /// The record's owner may have had none in the subtree before.
    owner_may_be_new: bool,
    /// What no longer had room and goes to the right of the subtree. Boxed, because it is rare and every
    /// level hands it on.
    pub(super) split: Option<Box<Split>>,
}

/// A node that stands to the right of the one it came from.
pub(super) struct Split {
    low: StreamId,
    node: Node,
    summary: Summary,
    /// The node holds nothing but the record just put; its left neighbour is as it was.
    is_fresh: bool,
}

/// What taking a record out of a subtree did to it.
pub(super) struct Taken {
    pub(super) record: Record,
    /// The record's owner has others in the subtree.
    owner_stays: bool,
    /// The subtree has fewer children than before.
    shrank: bool,
}

impl Node {
    pub(super) fn empty() -> Node {
        Node::Leaf(Arc::new(Chunk::new()))
    }

    /// Puts a record in the place of its id. `summary` is the subtree's, and follows; what a split
    /// takes is not in it.
    pub(super) fn put(&mut self, record: Record, summary: &mut Summary) -> Put {
        match self {
            Node::Leaf(chunk) => put_in_chunk(Arc::make_mut(chunk), record, summary),
            Node::Inner(inner) => Arc::make_mut(inner).put(record, summary),
        }
    }

    /// Takes the record of `id` out, if there is one. `summary` is the subtree's, and follows.
    pub(super) fn take(&mut self, id: StreamId, summary: &mut Summary) -> Option<Taken> {
        match self {
            Node::Leaf(chunk) => {
                // Looked up first: what is not there must not cost a copy of a shared chunk.
                let slot = chunk.find(id).ok().filter(|&slot| chunk.is_live(slot))?;
                let record = chunk.record(slot);
                let chunk = Arc::make_mut(chunk);
                let owner_stays = chunk.kill(slot);
                chunk.follow(summary, slot, Some(record), None);
                Some(Taken { record, owner_stays, shrank: false })
            }
            Node::Inner(inner) => {
                if Arc::strong_count(inner) > 1 && inner.get(id).is_none() {
                    return None;
                }
                Arc::make_mut(inner).take(id, summary)
            }
        }
    }

    /// Takes all records of `owner` out; how many they were.
    pub(super) fn take_owner(&mut self, owner: Owner) -> u64 {
        match self {
            Node::Leaf(chunk) if !chunk.has_owner(owner) => 0,
            Node::Leaf(chunk) => Arc::make_mut(chunk).kill_owner(owner),
            Node::Inner(inner) if !inner.owners.contains(owner) => 0,
            Node::Inner(inner) => Arc::make_mut(inner).take_owner(owner),
        }
    }

    pub(super) fn get(&self, id: StreamId) -> Option<Record> {
        match self {
            Node::Leaf(chunk) => {
                let slot = chunk.find(id).ok().filter(|&slot| chunk.is_live(slot))?;
                Some(chunk.record(slot))
            }
            Node::Inner(inner) => inner.get(id),
        }
    }

    /// Shows the records not below `from` that pass the filter, in id order.
    pub(super) fn scan<B>(
        &self,
        from: StreamId,
        filter: &Filter,
        visit: &mut impl FnMut(Record) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        match self {
            Node::Leaf(chunk) => chunk.scan(from, filter, visit),
            Node::Inner(inner) => inner.scan(from, filter, visit),
        }
    }

    pub(super) fn first_id(&self) -> Option<StreamId> {
        match self {
            Node::Leaf(chunk) => chunk.first_id(),
            Node::Inner(inner) => {
                let at = inner.summaries.iter().position(|summary| summary.live > 0)?;
                inner.children[at].first_id()
            }
        }
    }

    pub(super) fn last_id(&self) -> Option<StreamId> {
        match self {
            Node::Leaf(chunk) => chunk.last_id(),
            Node::Inner(inner) => {
                let at = inner.summaries.iter().rposition(|summary| summary.live > 0)?;
                inner.children[at].last_id()
            }
        }
    }

    /// Puts what a split took beside the root that it left, under a new root; the summary of both.
    pub(super) fn grow(&mut self, summary: Summary, split: Split) -> Summary {
        let mut root = Inner::new();
        let left = std::mem::replace(self, Node::empty());
        root.push_child(StreamId::MIN, left, summary);
        root.push_child(split.low, split.node, split.summary);
        *self = Node::Inner(Arc::new(root));
        summary.with(split.summary)
    }

    /// Takes away roots with a single child.
    pub(super) fn lower(&mut self) {
        while let Node::Inner(inner) = self
            && inner.children.len() == 1
        {
            let child = inner.children[0].clone();
            *self = child;
        }
    }

    /// A node over as many of `children` as it can have.
    pub(super) fn parent_of(
        children: &mut impl Iterator<Item = (StreamId, Node, Summary)>,
    ) -> (Node, Summary) {
        let mut inner = Inner::new();
        for (low, node, summary) in children.take(FANOUT) {
            inner.push_child(low, node, summary);
        }
        let summary = inner.summary();
        (Node::Inner(Arc::new(inner)), summary)
    }

    /// The first chunk with a live record at `from` or behind it.
    pub(super) fn chunk_from(&self, from: StreamId) -> Option<&Chunk> {
        match self {
            Node::Leaf(chunk) => chunk.last_id().filter(|&last| last >= from).map(|_| &**chunk),
            Node::Inner(inner) => {
                let first = inner.child_of(from);
                inner.children[first..].iter().find_map(|child| child.chunk_from(from))
            }
        }
    }

    pub(super) fn summary(&self) -> Summary {
        match self {
            Node::Leaf(chunk) => chunk.summary(),
            Node::Inner(inner) => inner.summary(),
        }
    }

    /// Bytes allocated for the subtree, those shared with clones included.
    pub(super) fn heap_bytes(&self) -> usize {
        /// The two counts before the value in an `Arc`.
        const ARC_COUNTS: usize = 2 * size_of::<usize>();
        match self {
            Node::Leaf(chunk) => ARC_COUNTS + size_of::<Chunk>() + chunk.heap_bytes(),
            Node::Inner(inner) => {
                let children: usize = inner.children.iter().map(Node::heap_bytes).sum();
                ARC_COUNTS
                    + size_of::<Inner>()
                    + inner.lows.capacity() * size_of::<StreamId>()
                    + inner.summaries.capacity() * size_of::<Summary>()
                    + inner.children.capacity() * size_of::<Node>()
                    + inner.owners.heap_bytes()
                    + children
            }
        }
    }

    fn has_owner(&self, owner: Owner) -> bool {
        match self {
            Node::Leaf(chunk) => chunk.has_owner(owner),
            Node::Inner(inner) => inner.owners.contains(owner),
        }
    }

    fn for_each_owner(&self, mut visit: impl FnMut(Owner)) {
        match self {
            Node::Leaf(chunk) => chunk.owners().for_each(visit),
            Node::Inner(inner) => inner.owners.iter().for_each(|(owner, _)| visit(owner)),
        }
    }
}

fn put_in_chunk(chunk: &mut Chunk, record: Record, summary: &mut Summary) -> Put {
    let slot = match chunk.find(record.id) {
        Ok(slot) => {
            let old = chunk.is_live(slot).then(|| chunk.record(slot));
            let owner_may_be_new = chunk.overwrite(slot, record);
            chunk.follow(summary, slot, old, Some(record));
            return Put { old, owner_may_be_new, split: None };
        }
        Err(slot) => slot,
    };
    if !chunk.is_full() {
        let at_end = slot == chunk.slots();
        let owner_may_be_new = if at_end { chunk.push(record) } else { chunk.insert(slot, record) };
        chunk.follow(summary, slot, None, Some(record));
        return Put { old: None, owner_may_be_new, split: None };
    }
    if SLOTS_MAX - chunk.live_count() >= COMPACT_DEAD_MIN {
        chunk.compact();
        return put_in_chunk(chunk, record, summary);
    }
    if slot == chunk.slots() {
        // Deliveries come in id order: chunks left behind stay full.
        let mut right = Chunk::following(chunk);
        right.push(record);
        let split = Split {
            low: record.id,
            summary: right.summary(),
            node: Node::Leaf(Arc::new(right)),
            is_fresh: true,
        };
        return Put { old: None, owner_may_be_new: true, split: Some(Box::new(split)) };
    }
    let mut right = chunk.split();
    let low = right.first_id().expect("few slots were dead, so either half has live ones");
    let half = if record.id < low { &mut *chunk } else { &mut right };
    let slot = half.find(record.id).expect_err("the id was in neither half");
    half.insert(slot, record);
    *summary = chunk.summary();
    let split =
        Split { low, summary: right.summary(), node: Node::Leaf(Arc::new(right)), is_fresh: false };
    Put { old: None, owner_may_be_new: true, split: Some(Box::new(split)) }
}

impl Inner {
    fn new() -> Inner {
        Inner {
            lows: Vec::new(),
            summaries: Vec::new(),
            children: Vec::new(),
            owners: Masks::default(),
        }
    }

    pub(super) fn children(&self) -> impl Iterator<Item = (&Node, Summary)> {
        self.children.iter().zip(self.summaries.iter().copied())
    }

    /// The child in whose range `id` lies.
    fn child_of(&self, id: StreamId) -> usize {
        // Deliveries go to the end, and most acknowledgements are of the oldest or the newest.
        match self.lows[1..] {
            [.., last] if last <= id => self.lows.len() - 1,
            [second, ..] if id < second => 0,
            ref lows => lows.partition_point(|&low| low <= id),
        }
    }

    fn get(&self, id: StreamId) -> Option<Record> {
        self.children[self.child_of(id)].get(id)
    }

    fn put(&mut self, record: Record, summary: &mut Summary) -> Put {
        let at = self.child_of(record.id);
        let mut put = self.children[at].put(record, &mut self.summaries[at]);
        let Some(split) = put.split.take() else {
            if let Some(old) = put.old
                && old.owner != record.owner
            {
                self.note_owner(at, old.owner);
            }
            if put.owner_may_be_new {
                self.owners.add(record.owner, 1 << at);
            }
            self.follow(summary, at, put.old, Some(record));
            return put;
        };
        put.owner_may_be_new = true;
        if self.children.len() < FANOUT {
            self.insert_split(at, *split);
            *summary = self.summary();
        } else if split.is_fresh && at + 1 == self.children.len() {
            let mut right = Inner::new();
            let (low, right_summary) = (split.low, split.summary);
            right.push_child(split.low, split.node, split.summary);
            let node = Node::Inner(Arc::new(right));
            let split = Split { low, node, summary: right_summary, is_fresh: true };
            put.split = Some(Box::new(split));
        } else {
            let mut right = self.split_half();
            let low = right.lows[0];
            if at < self.children.len() {
                self.insert_split(at, *split);
            } else {
                right.insert_split(at - self.children.len(), *split);
            }
            *summary = self.summary();
            let right_summary = right.summary();
            let node = Node::Inner(Arc::new(right));
            let split = Split { low, node, summary: right_summary, is_fresh: false };
            put.split = Some(Box::new(split));
        }
        put
    }

    fn take(&mut self, id: StreamId, summary: &mut Summary) -> Option<Taken> {
        let at = self.child_of(id);
        let mut taken = self.children[at].take(id, &mut self.summaries[at])?;
        taken.owner_stays = taken.owner_stays || self.owners.clear(taken.record.owner, 1 << at);
        self.follow(summary, at, Some(taken.record), None);
        taken.shrank = self.tidy_child(at, taken.shrank);
        Some(taken)
    }

    fn take_owner(&mut self, owner: Owner) -> u64 {
        let mask = self.owners.remove(owner);
        let mut taken = 0;
        for at in (0..self.children.len()).rev().filter(|at| mask & (1 << at) != 0) {
            taken += self.children[at].take_owner(owner);
            self.summaries[at] = self.children[at].summary();
            self.tidy_child(at, true);
        }
        taken
    }

    fn scan<B>(
        &self,
        from: StreamId,
        filter: &Filter,
        visit: &mut impl FnMut(Record) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let first = if from == StreamId::MIN { 0 } else { self.child_of(from) };
        let mut mask = u64::MAX << first;
        if let Some(owner) = filter.owner {
            mask &= self.owners.get(owner);
        }
        while mask != 0 {
            let at = mask.trailing_zeros() as usize;
            if at >= self.children.len() {
                break;
            }
            mask &= mask - 1;
            if filter.admits_any(self.summaries[at]) {
                let from = if at == first { from } else { StreamId::MIN };
                self.children[at].scan(from, filter, visit)?;
            }
        }
        ControlFlow::Continue(())
    }

    fn summary(&self) -> Summary {
        self.summaries.iter().copied().fold(Summary::EMPTY, Summary::with)
    }

    /// Has the node's summary follow a record of child `at` that changed from `old` (`None`: none was
    /// there) to `new` (`None`: taken out), as the child's own has done.
    fn follow(&self, summary: &mut Summary, at: usize, old: Option<Record>, new: Option<Record>) {
        if let Some(old) = old {
            summary.live -= 1;
            let kind = old.owner.kind();
            // Most records that go leave others of the same time in the child.
            if old.time == summary.least(kind) && self.summaries[at].least(kind) > old.time {
                let least = self.summaries.iter().map(|summary| summary.least(kind)).min();
                summary.least[kind as usize] = least.unwrap_or(u64::MAX);
            }
        }
        if let Some(new) = new {
            summary.add(new);
            summary.live += 1;
        }
    }

    /// Removes or merges the child if it has become empty or sparse. Whether there is one less.
    fn tidy_child(&mut self, at: usize, child_shrank: bool) -> bool {
        let live = self.summaries[at].live;
        if live == 0 {
            let is_last = at + 1 == self.children.len();
            if !is_last {
                self.remove_child(at);
            }
            return !is_last;
        }
        let is_sparse = match &self.children[at] {
            // Asked at powers of two only: whichever neighbour falls below last asks again.
            Node::Leaf(_) => live <= MERGE_LIVE_MAX && live.is_power_of_two(),
            Node::Inner(inner) => child_shrank && inner.children.len() <= MERGED_CHILDREN_MAX / 2,
        };
        is_sparse && (self.merge_with_next(at) || (at > 0 && self.merge_with_next(at - 1)))
    }

    /// Merges a child with the one behind it, if there is one and both together are small. A leaf that
    /// stands last is left alone: deliveries fill it, and it is merged once another stands behind it.
    fn merge_with_next(&mut self, at: usize) -> bool {
        if matches!(self.children[at], Node::Leaf(_)) && at + 2 == self.children.len() {
            return false;
        }
        let Some((left, [right, ..])) = self.children[at..].split_first_mut() else { return false };
        match (left, right) {
            (Node::Leaf(left), Node::Leaf(right)) => {
                let live = self.summaries[at].live + self.summaries[at + 1].live;
                if live > MERGED_SLOTS_MAX {
                    return false;
                }
                Arc::make_mut(left).absorb(right);
            }
            (Node::Inner(left), Node::Inner(right)) => {
                if left.children.len() + right.children.len() > MERGED_CHILDREN_MAX {
                    return false;
                }
                Arc::make_mut(left).absorb(right, self.lows[at + 1]);
            }
            _ => unreachable!("all children of a node are of one kind"),
        }
        self.summaries[at] = self.summaries[at].with(self.summaries[at + 1]);
        self.owners.change_all(|_, mask| mask | ((mask >> 1) & (1 << at)));
        self.remove_child(at + 1);
        true
    }

    /// Takes over the children of the node to the right, whose range starts at `low`.
    fn absorb(&mut self, right: &Inner, low: StreamId) {
        // An empty last child may stand nowhere but at the end.
        if self.summaries.last().is_some_and(|summary| summary.live == 0) {
            self.remove_child(self.children.len() - 1);
        }
        let shift = self.children.len();
        self.lows.extend_from_slice(&right.lows);
        self.lows[shift] = low;
        self.summaries.extend_from_slice(&right.summaries);
        self.children.extend_from_slice(&right.children);
        for (owner, mask) in right.owners.iter() {
            self.owners.add(owner, mask << shift);
        }
    }

    fn push_child(&mut self, low: StreamId, node: Node, summary: Summary) {
        let at = self.children.len();
        node.for_each_owner(|owner| self.owners.add(owner, 1 << at));
        self.lows.push(low);
        self.summaries.push(summary);
        self.children.push(node);
    }

    /// Puts what child `at` gave away behind it. There must be room.
    fn insert_split(&mut self, at: usize, split: Split) {
        debug_assert!(self.children.len() < FANOUT);
        let place = at + 1;
        if place == self.children.len() && split.is_fresh {
            self.push_child(split.low, split.node, split.summary);
            return;
        }
        let below = (1 << place) - 1;
        let left = &self.children[at];
        let left_bit = 1 << at;
        self.owners.change_all(|owner, mask| {
            let mask = (mask & below) | ((mask & !below) << 1);
            if mask & left_bit != 0 && !left.has_owner(owner) { mask & !left_bit } else { mask }
        });
        let owners = &mut self.owners;
        left.for_each_owner(|owner| owners.add(owner, left_bit));
        split.node.for_each_owner(|owner| owners.add(owner, 1 << place));
        self.lows.insert(place, split.low);
        self.summaries.insert(place, split.summary);
        self.children.insert(place, split.node);
    }

    fn remove_child(&mut self, at: usize) {
        let below = (1u64 << at) - 1;
        self.owners.change_all(|_, mask| (mask & below) | ((mask >> 1) & !below));
        self.lows.remove(at);
        self.summaries.remove(at);
        self.children.remove(at);
    }

    /// Cuts off and returns the right half of the children.
    fn split_half(&mut self) -> Inner {
        let middle = self.children.len() / 2;
        let mut right = Inner {
            lows: self.lows.split_off(middle),
            summaries: self.summaries.split_off(middle),
            children: self.children.split_off(middle),
            owners: self.owners.clone(),
        };
        right.owners.change_all(|_, mask| mask >> middle);
        self.owners.change_all(|_, mask| mask & ((1 << middle) - 1));
        right
    }

    /// Sets or clears what `owners` says of one owner and child, as the child has it.
    fn note_owner(&mut self, at: usize, owner: Owner) {
        if self.children[at].has_owner(owner) {
            self.owners.add(owner, 1 << at);
        } else {
            self.owners.clear(owner, 1 << at);
        }
    }
}

#[cfg(test)]
impl Node {
    /// Panics unless the summaries, masks and bounds of the subtree are exact.
    pub(super) fn assert_sound(&self, low: StreamId, high: StreamId) {
        use std::collections::HashSet;

        let owners = |node: &Node| {
            let mut owners = HashSet::new();
            node.for_each_owner(|owner| assert!(owners.insert(owner), "an owner twice"));
            owners
        };
        let Node::Inner(inner) = self else {
            assert!(self.first_id().is_none_or(|id| id >= low));
            assert!(self.last_id().is_none_or(|id| id <= high));
            return;
        };
        let length = inner.children.len();
        assert!((1..=FANOUT).contains(&length));
        assert!(inner.lows.len() == length && inner.summaries.len() == length);
        for (at, child) in inner.children.iter().enumerate() {
            assert_eq!(inner.summaries[at], child.summary());
            assert!(inner.summaries[at].live > 0 || at + 1 == length, "an empty child");
            let masked =
                inner.owners.iter().filter(|(_, mask)| mask & (1 << at) != 0).map(|(o, _)| o);
            assert_eq!(masked.collect::<HashSet<_>>(), owners(child));
            let low = if at == 0 { low } else { inner.lows[at] };
            let high = inner.lows.get(at + 1).map_or(high, |next| next.prev().expect("not 0-0"));
            child.assert_sound(low, high);
        }
        assert!(inner.owners.iter().all(|(_, mask)| mask != 0));
    }
}
