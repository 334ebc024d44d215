//! The list: a deque of packed chunks.
//!
//! A short list is one packed chunk, held directly and grown with what it holds, because many keys
//! hold short lists. A list past 8 KiB is a deque of chunks of that size ([`deque`]). Both ends
//! push and pop in constant time, an index is found in logarithmic time, and a clone of a long list
//! shares its chunks.
//!
//! The two forms are what `OBJECT ENCODING` calls `listpack` and `quicklist`, by the rule Redis
//! has with its default `list-max-listpack-size -2`: a list becomes long when the packed bytes plus
//! the bytes of the arguments about to be stored pass 8 KiB, and short again when a removal leaves
//! one chunk of at most half of that. Chunks take elements by the same bound as Redis's nodes; the
//! forms can differ from Redis's only after changes in the middle of a long list, where Redis cuts
//! and joins nodes by rules of its own.

pub(super) mod chunk;
mod deque;
pub(super) mod entry;
mod image;
mod iter;
#[cfg(test)]
mod tests;

pub use image::{ListImage, ListImageReader};
pub use iter::{Iter, Matches};

use chunk::{CHUNK_BYTES_MAX, Chunk, LISTPACK_FRAME_BYTES};
use deque::Deque;
use entry::Entry;

use super::text::Text;

/// An end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The head, index 0.
    Left,
    /// The tail, index -1.
    Right,
}

#[derive(Clone)]
enum Repr {
    Packed(Chunk),
    Long(Box<Deque>),
}

/// A list of byte strings. See the module's text.
#[derive(Clone)]
pub struct List {
    repr: Repr,
}

impl Default for List {
    fn default() -> List {
        List::new()
    }
}

impl List {
    /// An empty list; takes no memory of its own until something is pushed.
    pub fn new() -> List {
        List { repr: Repr::Packed(Chunk::new()) }
    }

    /// How many elements there are, in constant time.
    pub fn len(&self) -> usize {
        match &self.repr {
            Repr::Packed(chunk) => chunk.count(),
            Repr::Long(deque) => deque.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name `OBJECT ENCODING` gives the list's present form.
    pub fn encoding(&self) -> &'static str {
        match self.repr {
            Repr::Packed(_) => "listpack",
            Repr::Long(_) => "quicklist",
        }
    }

    /// Bytes allocated for the list. Chunks beyond the first `samples` are taken to be like those;
    /// 0 looks at every chunk.
    pub fn heap_bytes(&self, samples: usize) -> usize {
        match &self.repr {
            Repr::Packed(chunk) => chunk.capacity(),
            Repr::Long(deque) => {
                let chunks = deque.chunk_count();
                let looked_at = if samples == 0 { chunks } else { samples.min(chunks) };
                let sampled: usize = deque
                    .chunks()
                    .take(looked_at)
                    .map(|chunk| chunk.capacity() + ARC_CHUNK_BYTES)
                    .sum();
                size_of::<Deque>() + deque.heap_bytes() + sampled * chunks / looked_at.max(1)
            }
        }
    }

    /// Adds one element at an end.
    #[inline]
    pub fn push(&mut self, side: Side, value: &[u8]) {
        self.grow_for(value.len());
        self.push_in_form(side, value);
    }

    /// Adds elements at an end one by one, so the last is outermost. The form is chosen once, from
    /// all of them.
    pub fn push_all<'v>(&mut self, side: Side, values: impl Iterator<Item = &'v [u8]> + Clone) {
        self.grow_for(values.clone().map(<[u8]>::len).sum());
        for value in values {
            self.push_in_form(side, value);
        }
    }

    /// The element at an end.
    #[inline]
    pub fn end(&self, side: Side) -> Option<Text<'_>> {
        let chunk = match &self.repr {
            Repr::Packed(chunk) => chunk,
            Repr::Long(deque) => deque.end(side)?,
        };
        if chunk.count() == 0 {
            return None;
        }
        Some(match side {
            Side::Left => chunk.element(chunk.start()),
            Side::Right => chunk.element(chunk.prev(chunk.end())),
        })
    }

    /// Drops up to `count` elements from an end: the second half of a pop, after [`List::end`] or
    /// [`List::range`] has been read.
    pub fn cut(&mut self, side: Side, count: usize) {
        if count >= self.len() {
            *self = List::new();
            return;
        }
        match &mut self.repr {
            Repr::Packed(chunk) => chunk.cut(side, count),
            Repr::Long(deque) => deque.cut(side, count),
        }
        self.shrink_form();
    }

    /// The element at `index`.
    pub fn get(&self, index: usize) -> Option<Text<'_>> {
        if index >= self.len() {
            return None;
        }
        Some(match &self.repr {
            Repr::Packed(chunk) => chunk.element(chunk.seek(index)),
            Repr::Long(deque) => {
                let (chunk, in_chunk) = deque.locate(index);
                chunk.element(chunk.seek(in_chunk))
            }
        })
    }

    /// Replaces the element at `index`; tells whether there is one.
    pub fn set(&mut self, index: usize, value: &[u8]) -> bool {
        if index >= self.len() {
            return false;
        }
        self.grow_for(value.len());
        let entry = Entry::new(value);
        match &mut self.repr {
            Repr::Packed(chunk) => {
                let offset = chunk.seek(index);
                chunk.remove(offset);
                chunk.insert(offset, &entry);
            }
            Repr::Long(deque) => deque.set(index, value.len(), &entry),
        }
        self.shrink_form();
        true
    }

    /// Goes over to the long form, in which Redis keeps a list that was written in several nodes,
    /// short as it may be.
    pub fn make_long(&mut self) {
        if let Repr::Packed(chunk) = &mut self.repr
            && chunk.count() > 0
        {
            let chunk = std::mem::replace(chunk, Chunk::new());
            self.repr = Repr::Long(Box::new(Deque::new(chunk)));
        }
    }

    /// Index of the first element equal to `value`.
    pub fn find(&self, value: &[u8]) -> Option<usize> {
        self.matches(value).position(|matches| matches)
    }

    /// Inserts `value` so that it becomes the element at `index`, which is at most the length.
    pub fn insert(&mut self, index: usize, value: &[u8]) {
        self.grow_for(value.len());
        let entry = Entry::new(value);
        match &mut self.repr {
            Repr::Packed(chunk) => chunk.insert(chunk.seek(index), &entry),
            Repr::Long(deque) => deque.insert(index, value.len(), &entry),
        }
    }

    /// Removes up to `limit` elements equal to `value`, searching from `side`. Returns how many.
    pub fn remove(&mut self, side: Side, limit: usize, value: &[u8]) -> usize {
        let wanted = Entry::new(value);
        let removed = match &mut self.repr {
            Repr::Packed(chunk) => {
                let mut offsets = Vec::new();
                deque::collect_matching(chunk, &wanted, side, limit, &mut offsets);
                chunk.remove_all(&offsets);
                offsets.len()
            }
            Repr::Long(deque) => deque.remove_matching(&wanted, side, limit),
        };
        if removed > 0 {
            self.shrink_form();
        }
        removed
    }

    /// Keeps elements `from..to` and drops the rest. `to` may lie past the end.
    pub fn trim(&mut self, from: usize, to: usize) {
        let len = self.len();
        self.cut(Side::Right, len - to.min(len));
        self.cut(Side::Left, from.min(len));
    }

    /// All elements from the left; from the right with `rev()`.
    pub fn iter(&self) -> Iter<'_> {
        Iter::new(self, 0, self.len())
    }

    /// Elements `from..to`, as far as there are any.
    pub fn range(&self, from: usize, to: usize) -> Iter<'_> {
        let to = to.min(self.len());
        Iter::new(self, from.min(to), to)
    }

    /// For each element from the left, or from the right with `rev()`, whether it equals `value`.
    pub fn matches<'a>(&'a self, value: &'a [u8]) -> Matches<'a> {
        Matches { iter: self.iter(), wanted: Entry::new(value) }
    }

    #[inline]
    fn push_in_form(&mut self, side: Side, value: &[u8]) {
        let entry = Entry::new(value);
        match &mut self.repr {
            Repr::Packed(chunk) => chunk.push(side, &entry),
            Repr::Long(deque) => deque.push(side, value.len(), &entry),
        }
    }

    /// Goes over to the long form if `value_bytes` more do not fit the short one.
    #[inline]
    fn grow_for(&mut self, value_bytes: usize) {
        if let Repr::Packed(chunk) = &mut self.repr
            && chunk.used() + LISTPACK_FRAME_BYTES + value_bytes > CHUNK_BYTES_MAX
        {
            let chunk = std::mem::replace(chunk, Chunk::new());
            self.repr = Repr::Long(Box::new(Deque::new(chunk)));
        }
    }

    /// Goes back to the short form if what is left is one chunk of at most half its bound: half, so
    /// that a list at the bound does not change with every push and pop.
    fn shrink_form(&mut self) {
        if let Repr::Long(deque) = &mut self.repr
            && deque.chunk_count() <= 1
            && deque
                .end(Side::Left)
                .is_none_or(|only| only.used() + LISTPACK_FRAME_BYTES <= CHUNK_BYTES_MAX / 2)
        {
            let deque = std::mem::replace(&mut **deque, Deque::new(Chunk::new()));
            let mut chunk = deque.into_single();
            chunk.shrink();
            self.repr = Repr::Packed(chunk);
        }
    }
}

/// What a chunk's shared allocation takes beside its buffer: two counts and the chunk itself.
const ARC_CHUNK_BYTES: usize = 2 * size_of::<usize>() + size_of::<Chunk>();

impl std::fmt::Debug for List {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
