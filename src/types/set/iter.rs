//! Walking the members of a set.

use super::Repr;
use super::integers::Integers;
use crate::types::dict;
use crate::types::list::chunk::Chunk;
use crate::types::text::Text;

/// The members of a set.
#[derive(Clone)]
pub struct Iter<'a>(Walk<'a>);

#[derive(Clone)]
enum Walk<'a> {
    Integers { integers: &'a Integers, place: usize },
    Packed { chunk: &'a Chunk, offset: usize, left: usize },
    Table(dict::Iter<'a, ()>),
}

impl<'a> Iter<'a> {
    pub(super) fn new(repr: &'a Repr) -> Iter<'a> {
        Iter(match repr {
            Repr::Integers(integers) => Walk::Integers { integers, place: 0 },
            Repr::Packed(chunk) => {
                Walk::Packed { chunk, offset: chunk.start(), left: chunk.count() }
            }
            Repr::Table(dict) => Walk::Table(dict.iter()),
        })
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Text<'a>;

    fn next(&mut self) -> Option<Text<'a>> {
        match &mut self.0 {
            Walk::Integers { integers, place } => {
                if *place == integers.len() {
                    return None;
                }
                *place += 1;
                Some(Text::from_integer(integers.get(*place - 1)))
            }
            Walk::Packed { chunk, offset, left } => {
                *left = left.checked_sub(1)?;
                let element = chunk.element(*offset);
                *offset = chunk.next(*offset);
                Some(element)
            }
            Walk::Table(entries) => entries.next().map(|(member, ())| Text::Bytes(member)),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = match &self.0 {
            Walk::Integers { integers, place } => integers.len() - place,
            Walk::Packed { left, .. } => *left,
            Walk::Table(entries) => entries.len(),
        };
        (left, Some(left))
    }
}

impl ExactSizeIterator for Iter<'_> {}
