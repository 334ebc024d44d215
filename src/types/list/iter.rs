//! Walking a list, from either end or both.

use std::iter::FusedIterator;

use super::chunk::Chunk;
use super::entry::Entry;
use super::{List, Repr};
use crate::types::text::Text;

/// A place between two elements: a chunk, the index of its first element, and an offset in it.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    start: usize,
    offset: usize,
    chunk: &'a Chunk,
}

/// The elements of a list, or of a range of it, in order; from the end with `rev()`.
#[derive(Clone)]
pub struct Iter<'a> {
    list: &'a List,
    front: Cursor<'a>,
    back: Cursor<'a>,
    remaining: usize,
}

impl<'a> Iter<'a> {
    /// Elements `from..to`, which exist. Costs one search for each of the two ends.
    pub(super) fn new(list: &'a List, from: usize, to: usize) -> Iter<'a> {
        let front = cursor(list, from);
        // The place behind the last element wanted, not the place before the next: that may lie
        // in another chunk.
        let back = match to.checked_sub(1) {
            Some(last) if last >= from => {
                let before = cursor(list, last);
                Cursor { offset: before.chunk.next(before.offset), ..before }
            }
            _ => front,
        };
        Iter { list, front, back, remaining: to - from }
    }

    #[inline]
    fn step_forward(&mut self) -> Option<(&'a Chunk, usize)> {
        self.remaining = self.remaining.checked_sub(1)?;
        let mut at = self.front;
        if at.offset == at.chunk.end() {
            at.start += at.chunk.count();
            at.chunk = located(self.list, at.start).0;
            at.offset = at.chunk.start();
        }
        self.front = Cursor { offset: at.chunk.next(at.offset), ..at };
        Some((at.chunk, at.offset))
    }

    #[inline]
    fn step_backward(&mut self) -> Option<(&'a Chunk, usize)> {
        self.remaining = self.remaining.checked_sub(1)?;
        let at = &mut self.back;
        if at.offset == at.chunk.start() {
            at.chunk = located(self.list, at.start - 1).0;
            at.start -= at.chunk.count();
            at.offset = at.chunk.end();
        }
        at.offset = at.chunk.prev(at.offset);
        Some((at.chunk, at.offset))
    }
}

/// The chunk of element `index`, which exists, and the element's index in it.
fn located(list: &List, index: usize) -> (&Chunk, usize) {
    match &list.repr {
        Repr::Packed(chunk) => (chunk, index),
        Repr::Long(deque) => deque.locate(index),
    }
}

/// The place before element `index`, or behind the last.
fn cursor(list: &List, index: usize) -> Cursor<'_> {
    match &list.repr {
        Repr::Packed(chunk) => Cursor { start: 0, offset: chunk.seek(index), chunk },
        Repr::Long(deque) if index == deque.len() => {
            let (chunk, last) = deque.locate(index - 1);
            Cursor { start: index - 1 - last, offset: chunk.end(), chunk }
        }
        Repr::Long(deque) => {
            let (chunk, in_chunk) = deque.locate(index);
            Cursor { start: index - in_chunk, offset: chunk.seek(in_chunk), chunk }
        }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Text<'a>;

    #[inline]
    fn next(&mut self) -> Option<Text<'a>> {
        self.step_forward().map(|(chunk, offset)| chunk.element(offset))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.remaining, Some(self.remaining))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.step_backward().map(|(chunk, offset)| chunk.element(offset))
    }
}

impl ExactSizeIterator for Iter<'_> {}
impl FusedIterator for Iter<'_> {}

/// For each element in turn, whether it equals the one looked for. Compares packed bytes, so it is
/// faster than comparing what [`Iter`] yields.
pub struct Matches<'a> {
    pub(super) iter: Iter<'a>,
    pub(super) wanted: Entry<'a>,
}

impl Iterator for Matches<'_> {
    type Item = bool;

    #[inline]
    fn next(&mut self) -> Option<bool> {
        let (chunk, offset) = self.iter.step_forward()?;
        Some(chunk.matches(offset, &self.wanted))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.iter.size_hint()
    }
}

impl DoubleEndedIterator for Matches<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<bool> {
        let (chunk, offset) = self.iter.step_backward()?;
        Some(chunk.matches(offset, &self.wanted))
    }
}

impl ExactSizeIterator for Matches<'_> {}
