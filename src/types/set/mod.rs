//! The set: distinct byte strings.
//!
//! It has three forms, which `OBJECT ENCODING` names, and moves on from one to the next by the limits that
//! Redis has; never back, until its last member is gone:
//!
//! - `intset`: sorted integers of one width, as long as all members are integers ([`integers`]).
//! - `listpack`: one packed chunk in order of insertion, walked to find a member.
//! - `hashtable`: a [`Dict`] without values: a member is found in logarithmic time, picked by its place in
//!   logarithmic time, and a clone shares all of it.
//!
//! The first two are small by those limits, so walking or copying one of them has a bound that the
//! operator chose.

mod image;
mod integers;
mod iter;
#[cfg(test)]
mod tests;

pub use image::{SetImage, SetImageReader};
pub use iter::Iter;

use integers::Integers;

use super::dict::Dict;
use super::list::Side;
use super::list::chunk::Chunk;
use super::list::entry::Entry;
use super::text::Text;

/// Up to where a set stays in its smaller forms. The settings of the same names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SetLimits {
    /// `set-max-intset-entries`
    pub integers_max: usize,
    /// `set-max-listpack-entries`
    pub packed_max: usize,
    /// `set-max-listpack-value`: bytes of a member.
    pub packed_member_bytes_max: usize,
}

impl Default for SetLimits {
    /// Those of the settings as they come.
    fn default() -> SetLimits {
        SetLimits { integers_max: 512, packed_max: 128, packed_member_bytes_max: 64 }
    }
}

#[derive(Clone)]
enum Repr {
    Integers(Integers),
    Packed(Chunk),
    Table(Box<Dict<()>>),
}

/// A set of byte strings. See the module's text.
#[derive(Clone)]
pub struct Set {
    repr: Repr,
}

impl Default for Set {
    fn default() -> Set {
        Set::new()
    }
}

impl Set {
    /// An empty set; takes no memory of its own until something is added.
    pub fn new() -> Set {
        Set { repr: Repr::Integers(Integers::new()) }
    }

    /// An empty set in the form that suits `count` members of which this is the first.
    pub fn with_hint(first: &[u8], count: usize, limits: &SetLimits) -> Set {
        let repr = if integers::parse(first).is_some() && count <= limits.integers_max {
            Repr::Integers(Integers::new())
        } else if count <= limits.packed_max {
            Repr::Packed(Chunk::new())
        } else {
            Repr::Table(Box::default())
        };
        Set { repr }
    }

    /// Prepares for `count` members that are about to be added, which Redis counts as if none of them
    /// were here already and no other was.
    pub fn expect(&mut self, count: usize, limits: &SetLimits) {
        let is_small = match &self.repr {
            Repr::Integers(_) => count <= limits.integers_max,
            Repr::Packed(_) => count <= limits.packed_max,
            Repr::Table(_) => true,
        };
        if !is_small {
            self.make_table();
        }
    }

    /// How many members there are, in constant time.
    pub fn len(&self) -> usize {
        match &self.repr {
            Repr::Integers(integers) => integers.len(),
            Repr::Packed(chunk) => chunk.count(),
            Repr::Table(dict) => dict.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name `OBJECT ENCODING` gives the set's present form.
    pub fn encoding(&self) -> &'static str {
        match self.repr {
            Repr::Integers(_) => "intset",
            Repr::Packed(_) => "listpack",
            Repr::Table(_) => "hashtable",
        }
    }

    /// Bytes allocated for the set. Of a large one `samples` parts are looked at; 0 means all.
    pub fn heap_bytes(&self, samples: usize) -> usize {
        match &self.repr {
            Repr::Integers(integers) => integers.heap_bytes(),
            Repr::Packed(chunk) => chunk.capacity(),
            Repr::Table(dict) => size_of::<Dict<()>>() + dict.heap_bytes(samples),
        }
    }

    pub fn contains(&self, member: &[u8]) -> bool {
        match &self.repr {
            Repr::Integers(integers) => {
                integers::parse(member).is_some_and(|value| integers.contains(value))
            }
            Repr::Packed(chunk) => find(chunk, &Entry::new(member)).is_some(),
            Repr::Table(dict) => dict.contains(member),
        }
    }

    /// Adds a member; false if it was there already.
    pub fn insert(&mut self, member: &[u8], limits: &SetLimits) -> bool {
        if let Repr::Integers(integers) = &mut self.repr {
            match integers::parse(member) {
                Some(value) => {
                    let is_new = integers.insert(value);
                    if is_new && integers.len() > limits.integers_max {
                        self.make_table();
                    }
                    return is_new;
                }
                None if fits_packed(integers.len(), member, limits)
                    && integers.digits_max() <= limits.packed_member_bytes_max =>
                {
                    self.make_packed();
                }
                None => self.make_table(),
            }
        }
        if let Repr::Packed(chunk) = &mut self.repr {
            let entry = Entry::new(member);
            if find(chunk, &entry).is_some() {
                return false;
            }
            if fits_packed(chunk.count(), member, limits) {
                chunk.push(Side::Right, &entry);
                return true;
            }
            self.make_table();
        }
        match &mut self.repr {
            Repr::Table(dict) => dict.add(member, ()),
            Repr::Integers(_) | Repr::Packed(_) => unreachable!("it was made a table"),
        }
    }

    /// Takes a member out; false if it was not there.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        match &mut self.repr {
            Repr::Integers(integers) => {
                integers::parse(member).is_some_and(|value| integers.remove(value))
            }
            Repr::Packed(chunk) => match find(chunk, &Entry::new(member)) {
                Some(offset) => {
                    chunk.remove(offset);
                    true
                }
                None => false,
            },
            Repr::Table(dict) => dict.remove(member),
        }
    }

    /// The member at a place below [`Set::len`]. Places change with every change of the set; drawing
    /// one at random draws each member with the same chance.
    pub fn member(&self, place: usize) -> Option<Text<'_>> {
        if place >= self.len() {
            return None;
        }
        match &self.repr {
            Repr::Integers(integers) => Some(Text::from_integer(integers.get(place))),
            Repr::Packed(chunk) => Some(chunk.element(chunk.seek(place))),
            Repr::Table(dict) => dict.at(place).map(|(member, ())| Text::Bytes(member)),
        }
    }

    /// All members: integers rising, packed ones in order of insertion, others in no order.
    pub fn iter(&self) -> Iter<'_> {
        Iter::new(&self.repr)
    }

    /// Shows some members, and tells where to go on, 0 at the end. Starting from 0, who is a member all
    /// the time is shown at least once. About `count` are shown of a large set; a small one is shown
    /// whole.
    pub fn scan(&self, cursor: u64, count: usize, mut show: impl FnMut(Text<'_>)) -> u64 {
        if let Repr::Table(dict) = &self.repr {
            return dict.scan(cursor, count, |member, ()| show(Text::Bytes(member)));
        }
        self.iter().for_each(show);
        0
    }

    fn make_packed(&mut self) {
        let mut chunk = Chunk::new();
        for member in self.iter() {
            chunk.push(Side::Right, &Entry::new(&member));
        }
        self.repr = Repr::Packed(chunk);
    }

    /// Gives the set the form of large ones.
    pub fn make_table(&mut self) {
        if matches!(self.repr, Repr::Table(_)) {
            return;
        }
        let mut dict = Dict::default();
        for member in self.iter() {
            dict.add(&member, ());
        }
        self.repr = Repr::Table(Box::new(dict));
    }

    /// The integers, and the bytes that each of them needs, of a set that is kept as such.
    pub fn integers(&self) -> Option<(usize, impl ExactSizeIterator<Item = i64>)> {
        match &self.repr {
            Repr::Integers(integers) => {
                Some((integers.width_min(), (0..integers.len()).map(|place| integers.get(place))))
            }
            Repr::Packed(_) | Repr::Table(_) => None,
        }
    }

    /// A set of integers, which rise.
    pub fn from_integers(values: impl Iterator<Item = i64>, limits: &SetLimits) -> Set {
        let mut integers = Integers::new();
        for value in values {
            integers.insert(value);
        }
        let is_small = integers.len() <= limits.integers_max;
        let mut set = Set { repr: Repr::Integers(integers) };
        if !is_small {
            set.make_table();
        }
        set
    }

    /// A set of these members, packed unless they are too many; none if one is there twice.
    pub fn packed_from<'m>(
        members: impl ExactSizeIterator<Item = &'m [u8]>,
        limits: &SetLimits,
    ) -> Option<Set> {
        if members.len() > limits.packed_max {
            let mut dict = Dict::new();
            for member in members {
                if !dict.add(member, ()) {
                    return None;
                }
            }
            return Some(Set { repr: Repr::Table(Box::new(dict)) });
        }
        let mut chunk = Chunk::new();
        for member in members {
            let entry = Entry::new(member);
            if find(&chunk, &entry).is_some() {
                return None;
            }
            chunk.push(Side::Right, &entry);
        }
        Some(Set { repr: Repr::Packed(chunk) })
    }
}

impl std::fmt::Debug for Set {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Whether a member may join `count` packed ones.
fn fits_packed(count: usize, member: &[u8], limits: &SetLimits) -> bool {
    count < limits.packed_max && member.len() <= limits.packed_member_bytes_max
}

/// The offset of a member.
fn find(chunk: &Chunk, wanted: &Entry<'_>) -> Option<usize> {
    let mut offset = chunk.start();
    while offset < chunk.end() {
        if chunk.matches(offset, wanted) {
            return Some(offset);
        }
        offset = chunk.next(offset);
    }
    None
}
