//! A sequence that is cloned in constant time, whatever its length.
//!
//! Values of any size are handed to a snapshot while they are being changed. What they are made of,
//! blocks, chunks, groups, consumers, stands in spines: a B-tree whose nodes are shared by clones until one
//! side writes, which then copies the nodes on one path. The first and the last slot lie outside of the
//! tree, so what happens at the ends costs no more than in a plain deque, and what has up to two
//! slots allocates nothing.
//!
//! A slot takes one place, or as many as it says: so a list finds the chunk of its element
//! number 1,000,000. Slots with keys in rising order are found by key.

mod node;
#[cfg(test)]
mod tests;

use node::Node;

/// What stands in a [`Spine`].
pub(super) trait Slot: Clone {
    /// What slots are found by; `()` where they are found by place alone.
    type Key: Clone;
    /// Whether every slot takes just one place.
    const IS_UNIT: bool = true;

    /// Does not change while the slot stands in the tree.
    fn key(&self) -> &Self::Key;

    /// How many places it takes, at least one.
    fn weight(&self) -> usize {
        1
    }
}

/// A sequence of slots. See the module's text.
///
/// Invariants: with one slot or more `tail` is set, with two or more `head` too, and only then is
/// there a `middle`, which is never empty and takes `middle_weight` places.
#[derive(Clone)]
pub(super) struct Spine<T: Slot> {
    head: Option<T>,
    middle: Option<Node<T>>,
    middle_weight: usize,
    tail: Option<T>,
    slots: usize,
}

impl<T: Slot> Default for Spine<T> {
    fn default() -> Spine<T> {
        Spine { head: None, middle: None, middle_weight: 0, tail: None, slots: 0 }
    }
}

fn weight_of<T: Slot>(slot: &Option<T>) -> usize {
    slot.as_ref().map_or(0, Slot::weight)
}

impl<T: Slot> Spine<T> {
    pub fn new() -> Spine<T> {
        Spine::default()
    }

    /// How many places all slots take together.
    #[inline]
    pub fn len(&self) -> usize {
        if T::IS_UNIT {
            return self.slots;
        }
        weight_of(&self.head) + self.middle_weight + weight_of(&self.tail)
    }

    /// How many slots there are.
    #[inline]
    pub fn slot_count(&self) -> usize {
        self.slots
    }

    pub fn is_empty(&self) -> bool {
        self.slots == 0
    }

    #[inline]
    pub fn front(&self) -> Option<&T> {
        self.head.as_ref().or(self.tail.as_ref())
    }

    #[inline]
    pub fn back(&self) -> Option<&T> {
        self.tail.as_ref()
    }

    /// The first slot, to change whatever is left of it, key and weight too.
    #[inline]
    pub fn front_mut(&mut self) -> Option<&mut T> {
        self.head.as_mut().or(self.tail.as_mut())
    }

    /// The last slot, to change whatever is left of it, key and weight too.
    #[inline]
    pub fn back_mut(&mut self) -> Option<&mut T> {
        self.tail.as_mut()
    }

    pub fn push_back(&mut self, slot: T) {
        self.slots += 1;
        let Some(last) = self.tail.replace(slot) else { return };
        if self.head.is_none() {
            self.head = Some(last);
            return;
        }
        self.middle_weight += last.weight();
        match &mut self.middle {
            Some(middle) => middle.push_back_root(last),
            None => self.middle = Some(Node::single(last)),
        }
    }

    pub fn push_front(&mut self, slot: T) {
        self.slots += 1;
        if self.tail.is_none() {
            self.tail = Some(slot);
            return;
        }
        let Some(first) = self.head.replace(slot) else { return };
        self.middle_weight += first.weight();
        match &mut self.middle {
            Some(middle) => middle.push_front_root(first),
            None => self.middle = Some(Node::single(first)),
        }
    }

    pub fn pop_back(&mut self) -> Option<T> {
        let last = self.tail.take()?;
        self.slots -= 1;
        self.tail = match self.middle_weight.checked_sub(1) {
            Some(place) => Some(self.remove_from_middle(place)),
            None => self.head.take(),
        };
        Some(last)
    }

    pub fn pop_front(&mut self) -> Option<T> {
        let first = self.head.take().or_else(|| self.tail.take())?;
        self.slots -= 1;
        if self.middle_weight > 0 {
            self.head = Some(self.remove_from_middle(0));
        }
        Some(first)
    }

    fn remove_from_middle(&mut self, place: usize) -> T {
        let middle = self.middle.as_mut().expect("what has weight is there");
        let slot = middle.remove_root(place);
        self.middle_weight -= slot.weight();
        if self.middle_weight == 0 {
            self.middle = None;
        }
        slot
    }

    /// The slot that takes `place`, and how many places before it are the slot's too.
    #[inline]
    pub fn at(&self, place: usize) -> Option<(&T, usize)> {
        match self.part(place) {
            Part::Head => self.head.as_ref().map(|slot| (slot, place)),
            Part::Middle(place) => self.middle.as_ref().map(|middle| middle.at(place)),
            Part::Tail(place) => self.tail.as_ref().map(|slot| (slot, place)),
            Part::Behind => None,
        }
    }

    /// The slot at `place`, of slots that take one each.
    #[inline]
    pub fn get(&self, place: usize) -> Option<&T> {
        self.at(place).map(|(slot, _)| slot)
    }

    /// The slot at `place`, of slots that take one each, to be changed but for its key.
    #[inline]
    pub fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        debug_assert!(T::IS_UNIT);
        match self.part(place) {
            Part::Head => self.head.as_mut(),
            Part::Middle(place) => self.middle.as_mut().map(|middle| middle.get_mut(place)),
            Part::Tail(_) => self.tail.as_mut(),
            Part::Behind => None,
        }
    }

    /// Changes the slot that takes `place`, which must be there and keeps a place. `change` is told how
    /// many places before it are the slot's too.
    pub fn change<R>(&mut self, place: usize, change: impl FnOnce(&mut T, usize) -> R) -> R {
        const THERE: &str = "only a slot that is there is changed";
        match self.part(place) {
            Part::Head => change(self.head.as_mut().expect(THERE), place),
            Part::Middle(place) => {
                let middle = self.middle.as_mut().expect(THERE);
                let (answer, before, after) = middle.change(place, change);
                self.middle_weight = self.middle_weight - before + after;
                answer
            }
            Part::Tail(before) => change(self.tail.as_mut().expect(THERE), before),
            Part::Behind => unreachable!("{THERE}"),
        }
    }

    /// Changes the last slot whose key is `before`, which keeps a place; none if there is no such slot.
    /// `change` is told where it begins.
    #[inline]
    pub fn change_last_before<R>(
        &mut self,
        before: impl Fn(&T::Key) -> bool,
        change: impl FnOnce(&mut T, usize) -> R,
    ) -> Option<R> {
        let head = weight_of(&self.head);
        let tail = self.tail.as_mut()?;
        if before(tail.key()) {
            return Some(change(tail, head + self.middle_weight));
        }
        match &mut self.middle {
            Some(middle) if before(middle.first_key()) => {
                let (answer, was, is) = middle.change_last_before(&before, head, change);
                self.middle_weight = self.middle_weight - was + is;
                Some(answer)
            }
            _ => {
                let head = self.head.as_mut().filter(|head| before(head.key()))?;
                Some(change(head, 0))
            }
        }
    }

    /// Puts a slot before the one that begins at `place`, or behind the last.
    pub fn insert(&mut self, place: usize, slot: T) {
        let (head, len) = (weight_of(&self.head), self.len());
        if place == len {
            return self.push_back(slot);
        }
        if place == 0 {
            return self.push_front(slot);
        }
        if self.head.is_none() {
            unreachable!("a place inside the only slot");
        }
        self.slots += 1;
        self.middle_weight += slot.weight();
        match &mut self.middle {
            Some(middle) => middle.insert_root(place - head, slot),
            None => self.middle = Some(Node::single(slot)),
        }
    }

    /// Takes the slot out that takes `place`.
    pub fn remove(&mut self, place: usize) -> Option<T> {
        match self.part(place) {
            Part::Head => self.pop_front(),
            Part::Middle(place) => {
                self.slots -= 1;
                Some(self.remove_from_middle(place))
            }
            Part::Tail(_) => self.pop_back(),
            Part::Behind => None,
        }
    }

    /// The first place whose slot's key is not `before`; the length if all are.
    #[inline]
    pub fn partition_point(&self, before: impl Fn(&T::Key) -> bool) -> usize {
        let Some(tail) = &self.tail else { return 0 };
        if before(tail.key()) {
            return self.len();
        }
        let Some(head) = self.head.as_ref().filter(|head| before(head.key())) else { return 0 };
        head.weight() + self.middle.as_ref().map_or(0, |middle| middle.partition_point(&before))
    }

    /// The last slot whose key is `before`, and where it begins.
    #[inline]
    pub fn last_before(&self, before: impl Fn(&T::Key) -> bool) -> Option<(usize, &T)> {
        let tail = self.tail.as_ref()?;
        if before(tail.key()) {
            return Some((self.len() - tail.weight(), tail));
        }
        let head = self.head.as_ref().filter(|head| before(head.key()))?;
        let found = self.middle.as_ref().and_then(|middle| middle.last_before(&before));
        Some(found.map_or((0, head), |(place, slot)| (head.weight() + place, slot)))
    }

    /// The slots in order.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { spine: self, place: 0, run: [].iter(), left: self.slots }
    }

    /// Bytes allocated for the spine itself, roughly.
    pub fn heap_bytes(&self) -> usize {
        self.slots.saturating_sub(2) * node::SLOT_OVERHEAD_BYTES
            + self.slots.saturating_sub(2) * size_of::<T>()
    }

    /// Where a place lies, counted from the part's start.
    #[inline]
    fn part(&self, place: usize) -> Part {
        if T::IS_UNIT {
            return match place {
                _ if place >= self.slots => Part::Behind,
                _ if place == self.slots - 1 => Part::Tail(0),
                0 => Part::Head,
                _ => Part::Middle(place - 1),
            };
        }
        let head = weight_of(&self.head);
        if place < head {
            return Part::Head;
        }
        let place = place - head;
        if place < self.middle_weight {
            return Part::Middle(place);
        }
        let place = place - self.middle_weight;
        if place < weight_of(&self.tail) { Part::Tail(place) } else { Part::Behind }
    }

    /// The slot that begins at `place` and those that lie behind it in one run of memory.
    fn run_at(&self, place: usize) -> &[T] {
        match self.part(place) {
            Part::Head => self.head.as_slice(),
            Part::Middle(place) => self.middle.as_ref().map_or(&[], |middle| middle.run_at(place)),
            Part::Tail(_) => self.tail.as_slice(),
            Part::Behind => &[],
        }
    }
}

enum Part {
    Head,
    Middle(usize),
    Tail(usize),
    Behind,
}

/// The slots of a [`Spine`] in order.
#[derive(Clone)]
pub(super) struct Iter<'a, T: Slot> {
    spine: &'a Spine<T>,
    /// Of the slots behind `run`.
    place: usize,
    run: std::slice::Iter<'a, T>,
    left: usize,
}

impl<'a, T: Slot> Iterator for Iter<'a, T> {
    type Item = &'a T;

    #[inline]
    fn next(&mut self) -> Option<&'a T> {
        self.left = self.left.checked_sub(1)?;
        if self.run.len() == 0 {
            let run = self.spine.run_at(self.place);
            self.place += run.iter().map(Slot::weight).sum::<usize>();
            self.run = run.iter();
        }
        self.run.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T: Slot> ExactSizeIterator for Iter<'_, T> {}
