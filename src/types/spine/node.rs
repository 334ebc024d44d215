//! The B-tree of a spine.

use std::sync::Arc;

use super::Slot;

/// Slots of a leaf and children of an inner node. A node that is shared is copied whole before it
/// changes, which counts up to so many references once more.
const FANOUT: usize = 64;

/// A node with fewer looks for a neighbour to merge with.
const MERGE_MIN: usize = FANOUT / 4;

/// What a merge leaves at most, so that the node is not soon split again.
const MERGED_MAX: usize = FANOUT * 3 / 4;

/// What nodes take beside the slots, for each slot, in bytes.
pub(super) const SLOT_OVERHEAD_BYTES: usize = 10;

/// A run of slots, or an inner node over such runs. Never empty but while it is being changed.
pub(super) enum Node<T: Slot> {
    Leaf(Arc<Leaf<T>>),
    Inner(Arc<Inner<T>>),
}

pub(super) struct Leaf<T: Slot> {
    slots: Vec<T>,
    /// Where the places of all slots up to each end, and its own. Empty where each takes just one.
    ends: Vec<usize>,
}

/// For each child the key of its first slot, where the places of all up to it end, and itself.
pub(super) struct Inner<T: Slot> {
    keys: Vec<T::Key>,
    ends: Vec<usize>,
    children: Vec<Node<T>>,
}

impl<T: Slot> Clone for Node<T> {
    fn clone(&self) -> Node<T> {
        match self {
            Node::Leaf(leaf) => Node::Leaf(Arc::clone(leaf)),
            Node::Inner(inner) => Node::Inner(Arc::clone(inner)),
        }
    }
}

impl<T: Slot> Clone for Inner<T> {
    fn clone(&self) -> Inner<T> {
        Inner { keys: self.keys.clone(), ends: self.ends.clone(), children: self.children.clone() }
    }
}

impl<T: Slot> Clone for Leaf<T> {
    fn clone(&self) -> Leaf<T> {
        Leaf { slots: self.slots.clone(), ends: self.ends.clone() }
    }
}

impl<T: Slot> Leaf<T> {
    fn new(slots: Vec<T>) -> Leaf<T> {
        let mut leaf = Leaf { slots, ends: Vec::new() };
        leaf.count();
        leaf
    }

    /// The slot that takes `place`, and how many places before it are the slot's too.
    #[inline]
    fn find(&self, place: usize) -> (usize, usize) {
        if T::IS_UNIT {
            return (place, 0);
        }
        let index = self.ends.partition_point(|&end| end <= place);
        (index, place - self.places(index))
    }

    /// How many places the first `slots` take.
    #[inline]
    fn places(&self, slots: usize) -> usize {
        if T::IS_UNIT {
            return slots;
        }
        slots.checked_sub(1).map_or(0, |last| self.ends[last])
    }

    /// Changes a slot; the answer, and the slot's weight before and after.
    #[inline]
    fn change_slot<R>(
        &mut self,
        index: usize,
        change: impl FnOnce(&mut T) -> R,
    ) -> (R, usize, usize) {
        let slot = &mut self.slots[index];
        let before = slot.weight();
        let answer = change(slot);
        let after = slot.weight();
        if before != after {
            self.ends[index..].iter_mut().for_each(|end| *end = *end - before + after);
        }
        (answer, before, after)
    }

    /// Changes the slots, and counts their places anew.
    fn change<R>(&mut self, change: impl FnOnce(&mut Vec<T>) -> R) -> R {
        let answer = change(&mut self.slots);
        self.count();
        answer
    }

    fn count(&mut self) {
        if !T::IS_UNIT {
            let mut end = 0;
            self.ends.clear();
            self.ends.extend(self.slots.iter().map(|slot| {
                end += slot.weight();
                end
            }));
        }
    }
}

impl<T: Slot> Node<T> {
    pub fn single(slot: T) -> Node<T> {
        Node::Leaf(Arc::new(Leaf::new(vec![slot])))
    }

    fn weight(&self) -> usize {
        match self {
            Node::Leaf(leaf) => leaf.places(leaf.slots.len()),
            Node::Inner(inner) => inner.ends.last().copied().unwrap_or(0),
        }
    }

    pub fn first_key(&self) -> &T::Key {
        match self {
            Node::Leaf(leaf) => leaf.slots[0].key(),
            Node::Inner(inner) => &inner.keys[0],
        }
    }

    /// Slots of a leaf, or children.
    fn width(&self) -> usize {
        match self {
            Node::Leaf(leaf) => leaf.slots.len(),
            Node::Inner(inner) => inner.children.len(),
        }
    }

    #[inline]
    pub fn at(&self, mut place: usize) -> (&T, usize) {
        let mut node = self;
        loop {
            match node {
                Node::Leaf(leaf) => {
                    let (index, before) = leaf.find(place);
                    return (&leaf.slots[index], before);
                }
                Node::Inner(inner) => {
                    let (child, start) = inner.child_at(place);
                    place -= start;
                    node = &inner.children[child];
                }
            }
        }
    }

    pub fn run_at(&self, mut place: usize) -> &[T] {
        let mut node = self;
        loop {
            match node {
                Node::Leaf(leaf) => return &leaf.slots[leaf.find(place).0..],
                Node::Inner(inner) => {
                    let (child, start) = inner.child_at(place);
                    place -= start;
                    node = &inner.children[child];
                }
            }
        }
    }

    #[inline]
    pub fn get_mut(&mut self, mut place: usize) -> &mut T {
        let mut node = self;
        loop {
            match node {
                Node::Leaf(leaf) => return &mut Arc::make_mut(leaf).slots[place],
                Node::Inner(inner) => {
                    let (child, start) = inner.child_at(place);
                    place -= start;
                    node = &mut Arc::make_mut(inner).children[child];
                }
            }
        }
    }

    /// Changes a slot; the answer, and the slot's weight before and after.
    pub fn change<R>(
        &mut self,
        place: usize,
        change: impl FnOnce(&mut T, usize) -> R,
    ) -> (R, usize, usize) {
        match self {
            Node::Leaf(leaf) => {
                let (index, inside) = leaf.find(place);
                Arc::make_mut(leaf).change_slot(index, |slot| change(slot, inside))
            }
            Node::Inner(inner) => {
                let (child, start) = inner.child_at(place);
                let change = |child: &mut Node<T>| child.change(place - start, change);
                Arc::make_mut(inner).change_child(child, change)
            }
        }
    }

    /// Changes the last slot whose key is `before`, which there is, told that it begins so many places
    /// behind `base`; the answer, and the slot's weight before and after.
    pub fn change_last_before<R>(
        &mut self,
        before: &impl Fn(&T::Key) -> bool,
        base: usize,
        change: impl FnOnce(&mut T, usize) -> R,
    ) -> (R, usize, usize) {
        match self {
            Node::Leaf(leaf) => {
                let index = leaf.slots[1..].partition_point(|slot| before(slot.key()));
                let start = base + leaf.places(index);
                Arc::make_mut(leaf).change_slot(index, |slot| change(slot, start))
            }
            Node::Inner(inner) => {
                let child = inner.keys[1..].partition_point(before);
                let base = base + inner.start_of(child);
                let change = |child: &mut Node<T>| child.change_last_before(before, base, change);
                Arc::make_mut(inner).change_child(child, change)
            }
        }
    }

    #[inline]
    pub fn partition_point(&self, before: &impl Fn(&T::Key) -> bool) -> usize {
        let (mut node, mut base) = (self, 0);
        loop {
            match node {
                Node::Leaf(leaf) => {
                    let index = leaf.slots.partition_point(|slot| before(slot.key()));
                    return base + leaf.places(index);
                }
                Node::Inner(inner) => {
                    let child = inner.keys[1..].partition_point(before);
                    base += inner.start_of(child);
                    node = &inner.children[child];
                }
            }
        }
    }

    #[inline]
    pub fn last_before(&self, before: &impl Fn(&T::Key) -> bool) -> Option<(usize, &T)> {
        let (mut node, mut base) = (self, 0);
        loop {
            match node {
                Node::Leaf(leaf) => {
                    let behind = leaf.slots.partition_point(|slot| before(slot.key()));
                    let index = behind.checked_sub(1)?;
                    return Some((base + leaf.places(index), &leaf.slots[index]));
                }
                Node::Inner(inner) => {
                    let child = inner.keys[1..].partition_point(before);
                    base += inner.start_of(child);
                    node = &inner.children[child];
                }
            }
        }
    }

    pub fn push_back_root(&mut self, slot: T) {
        if let Some(right) = self.push_back(slot) {
            let left = std::mem::replace(self, Node::Inner(Arc::new(Inner::new())));
            *self = Node::over([left, right]);
        }
    }

    pub fn push_front_root(&mut self, slot: T) {
        if let Some(left) = self.push_front(slot) {
            let right = std::mem::replace(self, Node::Inner(Arc::new(Inner::new())));
            *self = Node::over([left, right]);
        }
    }

    /// Puts a slot before the one that begins at `place`, or behind the last.
    pub fn insert_root(&mut self, place: usize, slot: T) {
        if let Some(right) = self.insert(place, slot) {
            let left = std::mem::replace(self, Node::Inner(Arc::new(Inner::new())));
            *self = Node::over([left, right]);
        }
    }

    /// Takes the slot out that takes `place`. May leave an empty root.
    pub fn remove_root(&mut self, place: usize) -> T {
        let slot = self.remove(place);
        while let Node::Inner(inner) = self
            && inner.children.len() == 1
        {
            let child = inner.children[0].clone();
            *self = child;
        }
        slot
    }

    fn over(children: [Node<T>; 2]) -> Node<T> {
        let mut inner = Inner::new();
        for child in children {
            inner.push_child(child);
        }
        Node::Inner(Arc::new(inner))
    }

    /// Adds a slot behind the last. What has no room for it stays as it is, and a node beside it
    /// is returned: slots that come in order leave full nodes behind.
    fn push_back(&mut self, slot: T) -> Option<Node<T>> {
        match self {
            Node::Leaf(leaf) if leaf.slots.len() == FANOUT => Some(Node::single(slot)),
            Node::Leaf(leaf) => {
                Arc::make_mut(leaf).change(|slots| slots.push(slot));
                None
            }
            Node::Inner(inner) => {
                let inner = Arc::make_mut(inner);
                let weight = slot.weight();
                let last = inner.children.len() - 1;
                match inner.children[last].push_back(slot) {
                    None => inner.ends[last] += weight,
                    Some(right) if inner.children.len() < FANOUT => inner.push_child(right),
                    Some(right) => {
                        let mut beside = Inner::new();
                        beside.push_child(right);
                        return Some(Node::Inner(Arc::new(beside)));
                    }
                }
                None
            }
        }
    }

    /// Adds a slot before the first, as [`push_back`](Self::push_back) does behind the last.
    fn push_front(&mut self, slot: T) -> Option<Node<T>> {
        match self {
            Node::Leaf(leaf) if leaf.slots.len() == FANOUT => Some(Node::single(slot)),
            Node::Leaf(leaf) => {
                Arc::make_mut(leaf).change(|slots| slots.insert(0, slot));
                None
            }
            Node::Inner(inner) => {
                let inner = Arc::make_mut(inner);
                let weight = slot.weight();
                let is_full = inner.children.len() == FANOUT;
                match inner.children[0].push_front(slot) {
                    Some(left) if is_full => {
                        let mut beside = Inner::new();
                        beside.push_child(left);
                        return Some(Node::Inner(Arc::new(beside)));
                    }
                    Some(left) => inner.insert_child(0, left, weight),
                    None => inner.ends.iter_mut().for_each(|end| *end += weight),
                }
                inner.keys[0] = inner.children[0].first_key().clone();
                None
            }
        }
    }

    /// Puts a slot before the one that begins at `place`, or behind the last. The right half of
    /// what has no room for it is returned.
    fn insert(&mut self, place: usize, slot: T) -> Option<Node<T>> {
        match self {
            Node::Leaf(leaf) => {
                let index = leaf.find(place).0;
                let right = Arc::make_mut(leaf).change(|slots| {
                    slots.insert(index, slot);
                    (slots.len() > FANOUT).then(|| slots.split_off(FANOUT / 2))
                });
                right.map(|slots| Node::Leaf(Arc::new(Leaf::new(slots))))
            }
            Node::Inner(inner) => {
                let inner = Arc::make_mut(inner);
                let weight = slot.weight();
                // Behind the last slot of a child rather than before the first of the next.
                let child = inner.ends.partition_point(|&end| end < place);
                let start = inner.start_of(child);
                let split = inner.children[child].insert(place - start, slot);
                inner.keys[child] = inner.children[child].first_key().clone();
                inner.ends[child..].iter_mut().for_each(|end| *end += weight);
                if let Some(right) = split {
                    let moved = right.weight();
                    inner.insert_child(child + 1, right, 0);
                    inner.ends[child] -= moved;
                }
                if inner.children.len() <= FANOUT {
                    return None;
                }
                Some(Node::Inner(Arc::new(inner.split_half())))
            }
        }
    }

    fn remove(&mut self, place: usize) -> T {
        match self {
            Node::Leaf(leaf) => {
                let index = leaf.find(place).0;
                Arc::make_mut(leaf).change(|slots| slots.remove(index))
            }
            Node::Inner(inner) => {
                let (child, start) = inner.child_at(place);
                let inner = Arc::make_mut(inner);
                let slot = inner.children[child].remove(place - start);
                let weight = slot.weight();
                inner.ends[child..].iter_mut().for_each(|end| *end -= weight);
                inner.tidy(child);
                slot
            }
        }
    }

    /// Takes over what is in the node to the right.
    fn append(&mut self, right: &Node<T>) {
        match (self, right) {
            (Node::Leaf(left), Node::Leaf(right)) => {
                Arc::make_mut(left).change(|slots| slots.extend_from_slice(&right.slots));
            }
            (Node::Inner(left), Node::Inner(right)) => {
                let left = Arc::make_mut(left);
                let start = left.ends.last().copied().unwrap_or(0);
                left.keys.extend_from_slice(&right.keys);
                left.ends.extend(right.ends.iter().map(|end| start + end));
                left.children.extend_from_slice(&right.children);
            }
            _ => unreachable!("all leaves are at one depth"),
        }
    }
}

impl<T: Slot> Inner<T> {
    fn new() -> Inner<T> {
        Inner { keys: Vec::new(), ends: Vec::new(), children: Vec::new() }
    }

    /// The child that has `place`, and where its places start.
    #[inline]
    fn child_at(&self, place: usize) -> (usize, usize) {
        let child = self.ends.partition_point(|&end| end <= place);
        (child, self.start_of(child))
    }

    #[inline]
    fn start_of(&self, child: usize) -> usize {
        child.checked_sub(1).map_or(0, |before| self.ends[before])
    }

    /// Changes a slot of a child; the answer, and the slot's weight before and after.
    #[inline]
    fn change_child<R>(
        &mut self,
        at: usize,
        change: impl FnOnce(&mut Node<T>) -> (R, usize, usize),
    ) -> (R, usize, usize) {
        let (answer, before, after) = change(&mut self.children[at]);
        if before != after {
            self.ends[at..].iter_mut().for_each(|end| *end = *end - before + after);
        }
        (answer, before, after)
    }

    fn push_child(&mut self, child: Node<T>) {
        self.keys.push(child.first_key().clone());
        self.ends.push(self.ends.last().copied().unwrap_or(0) + child.weight());
        self.children.push(child);
    }

    /// Puts a child in, whose places are `weight` more than there were.
    fn insert_child(&mut self, at: usize, child: Node<T>, weight: usize) {
        let end = match at.checked_sub(1) {
            // Split off from the child before it, which has counted it.
            Some(before) => self.ends[before],
            None => 0,
        };
        self.keys.insert(at, child.first_key().clone());
        self.ends.insert(at, end);
        self.ends[at..].iter_mut().for_each(|end| *end += weight);
        self.children.insert(at, child);
    }

    fn remove_child(&mut self, at: usize) {
        self.keys.remove(at);
        self.ends.remove(at);
        self.children.remove(at);
    }

    fn split_half(&mut self) -> Inner<T> {
        let middle = self.children.len() / 2;
        let start = self.ends[middle - 1];
        Inner {
            keys: self.keys.split_off(middle),
            ends: self.ends.split_off(middle).into_iter().map(|end| end - start).collect(),
            children: self.children.split_off(middle),
        }
    }

    /// Removes a child that has become empty, or merges one that has become sparse with a neighbour.
    fn tidy(&mut self, at: usize) {
        let width = self.children[at].width();
        if width == 0 {
            return self.remove_child(at);
        }
        self.keys[at] = self.children[at].first_key().clone();
        if width >= MERGE_MIN {
            return;
        }
        let fits = |left: usize| {
            let pair = self.children.get(left..left + 2);
            pair.is_some_and(|pair| pair[0].width() + pair[1].width() <= MERGED_MAX)
        };
        let left = match at.checked_sub(1) {
            _ if fits(at) => at,
            Some(left) if fits(left) => left,
            _ => return,
        };
        if let [to, from, ..] = &mut self.children[left..] {
            to.append(from);
        }
        self.ends[left] = self.ends[left + 1];
        self.remove_child(left + 1);
    }
}

#[cfg(test)]
impl<T: Slot> Node<T> {
    /// Panics unless counts are exact and all leaves at one depth, which is returned.
    pub fn assert_sound(&self) -> usize {
        assert!((1..=FANOUT).contains(&self.width()));
        let inner = match self {
            Node::Inner(inner) => inner,
            Node::Leaf(leaf) => {
                assert_eq!(Leaf::new(leaf.slots.clone()).ends, leaf.ends);
                return 0;
            }
        };
        assert!(inner.keys.len() == self.width() && inner.ends.len() == self.width());
        let mut end = 0;
        for (child, &at) in inner.children.iter().zip(&inner.ends) {
            end += child.weight();
            assert_eq!(at, end);
        }
        let depths: Vec<usize> = inner.children.iter().map(Node::assert_sound).collect();
        assert!(depths.iter().all(|depth| *depth == depths[0]), "leaves at several depths");
        depths[0] + 1
    }

    /// The addresses of all nodes.
    pub fn addresses(&self, found: &mut Vec<usize>) {
        match self {
            Node::Leaf(leaf) => found.push(Arc::as_ptr(leaf) as usize),
            Node::Inner(inner) => {
                found.push(Arc::as_ptr(inner) as usize);
                inner.children.iter().for_each(|child| child.addresses(found));
            }
        }
    }
}
