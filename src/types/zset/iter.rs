//! Walking over members, from either end.

use super::Zset;
use super::chunk::Chunk;

/// Members with their scores, in order.
#[derive(Clone)]
pub struct Iter<'a> {
    set: &'a Zset,
    /// Ranks that are left.
    from: usize,
    to: usize,
    /// The chunk of the next member from the front, and its index there.
    front: Option<(&'a Chunk, usize)>,
    /// The chunk of the next member from the back, and the index behind it.
    back: Option<(&'a Chunk, usize)>,
}

impl<'a> Iter<'a> {
    pub(super) fn new(set: &'a Zset, from: usize, to: usize) -> Iter<'a> {
        Iter { set, from, to, front: None, back: None }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], f64);

    #[inline]
    fn next(&mut self) -> Option<(&'a [u8], f64)> {
        if self.from == self.to {
            return None;
        }
        let (chunk, index) = match self.front {
            Some((chunk, index)) if index < chunk.count() => (chunk, index),
            _ => self.set.locate(self.from),
        };
        self.from += 1;
        self.front = Some((chunk, index + 1));
        Some(chunk.entry(index))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.to - self.from;
        (left, Some(left))
    }
}

impl<'a> DoubleEndedIterator for Iter<'a> {
    #[inline]
    fn next_back(&mut self) -> Option<(&'a [u8], f64)> {
        if self.from == self.to {
            return None;
        }
        let (chunk, behind) = match self.back {
            Some((chunk, behind)) if behind > 0 => (chunk, behind),
            _ => {
                let (chunk, index) = self.set.locate(self.to - 1);
                (chunk, index + 1)
            }
        };
        self.to -= 1;
        self.back = Some((chunk, behind - 1));
        Some(chunk.entry(behind - 1))
    }
}

impl ExactSizeIterator for Iter<'_> {}
