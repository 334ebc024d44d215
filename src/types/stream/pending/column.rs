//! A column of integers as narrow as its spread allows.

use std::ops::Range;

use crate::types::image::bytes::put_varint;
use crate::types::image::{BadImage, Cut};

/// Up to a chunk's worth of `u64` values, held as a base and deltas of one width.
///
/// The width is the narrowest of 8, 16, 32 and 64 bits that has held every value so far. A value
/// outside of base and width rebuilds the column, which happens at most a few times a chunk:
/// neighbours in a stream have near ids, times and counts.
#[derive(Clone)]
pub(super) struct Column {
    base: u64,
    deltas: Deltas,
}

#[derive(Clone)]
enum Deltas {
    Bits8(Vec<u8>),
    Bits16(Vec<u16>),
    Bits32(Vec<u32>),
    Bits64(Vec<u64>),
}

/// Runs one expression over the vector of whatever width the column has.
macro_rules! deltas {
    ($deltas:expr, $vec:ident => $body:expr) => {
        match $deltas {
            Deltas::Bits8($vec) => $body,
            Deltas::Bits16($vec) => $body,
            Deltas::Bits32($vec) => $body,
            Deltas::Bits64($vec) => $body,
        }
    };
}

impl Deltas {
    fn with_max(delta_max: u64, capacity: usize) -> Deltas {
        match delta_max {
            0..=0xff => Deltas::Bits8(Vec::with_capacity(capacity)),
            0x100..=0xffff => Deltas::Bits16(Vec::with_capacity(capacity)),
            0x1_0000..=0xffff_ffff => Deltas::Bits32(Vec::with_capacity(capacity)),
            _ => Deltas::Bits64(Vec::with_capacity(capacity)),
        }
    }

    /// Bytes that a delta of this size takes.
    fn width(delta_max: u64) -> usize {
        match delta_max {
            0..=0xff => 1,
            0x100..=0xffff => 2,
            0x1_0000..=0xffff_ffff => 4,
            _ => 8,
        }
    }

    fn delta_max(&self) -> u64 {
        match self {
            Deltas::Bits8(_) => u64::from(u8::MAX),
            Deltas::Bits16(_) => u64::from(u16::MAX),
            Deltas::Bits32(_) => u64::from(u32::MAX),
            Deltas::Bits64(_) => u64::MAX,
        }
    }
}

impl Column {
    pub(super) fn new() -> Column {
        Column { base: 0, deltas: Deltas::Bits8(Vec::new()) }
    }

    /// An empty column with room for `capacity` values of 8 bits, until it meets a larger one.
    pub(super) fn with_capacity(capacity: usize) -> Column {
        Column { base: 0, deltas: Deltas::with_max(0, capacity) }
    }

    /// An empty column with room for `capacity` values, as wide as the spread of `other` needs:
    /// the next chunk of a stream is like the last.
    pub(super) fn like(other: &Column, capacity: usize) -> Column {
        Column { base: 0, deltas: Deltas::with_max(other.spread(), capacity) }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        deltas!(&self.deltas, vec => vec.len())
    }

    #[inline]
    pub(super) fn get(&self, at: usize) -> u64 {
        self.base + deltas!(&self.deltas, vec => widen(vec[at]))
    }

    #[inline]
    pub(super) fn push(&mut self, value: u64) {
        self.make_room_for(value);
        let delta = value - self.base;
        deltas!(&mut self.deltas, vec => vec.push(narrow(delta)));
    }

    pub(super) fn insert(&mut self, at: usize, value: u64) {
        self.make_room_for(value);
        let delta = value - self.base;
        deltas!(&mut self.deltas, vec => vec.insert(at, narrow(delta)));
    }

    #[inline]
    pub(super) fn set(&mut self, at: usize, value: u64) {
        self.make_room_for(value);
        let delta = value - self.base;
        deltas!(&mut self.deltas, vec => vec[at] = narrow(delta));
    }

    /// Forgets the values and keeps the memory.
    pub(super) fn clear(&mut self) {
        deltas!(&mut self.deltas, vec => vec.clear());
    }

    /// The first place in `within`, which must be ascending there, whose value is not below
    /// `value`.
    #[inline]
    pub(super) fn lower_bound(&self, within: Range<usize>, value: u64) -> usize {
        let Some(delta) = value.checked_sub(self.base) else { return within.start };
        let start = within.start;
        start + deltas!(&self.deltas, vec => vec[within].partition_point(|&d| widen(d) < delta))
    }

    /// The first place in `within`, which must be ascending there, whose value is above `value`.
    pub(super) fn upper_bound(&self, within: Range<usize>, value: u64) -> usize {
        let Some(delta) = value.checked_sub(self.base) else { return within.start };
        let start = within.start;
        start + deltas!(&self.deltas, vec => vec[within].partition_point(|&d| widen(d) <= delta))
    }

    /// Bytes allocated behind the column.
    pub(super) fn heap_bytes(&self) -> usize {
        deltas!(&self.deltas, vec => allocated(vec))
    }

    /// Appends the values at these places for a snapshot, as narrow as they can be.
    pub(super) fn put(&self, places: impl Iterator<Item = usize> + Clone, out: &mut Vec<u8>) {
        let values = places.map(|at| self.get(at));
        let base = values.clone().min().unwrap_or(0);
        let spread = values.clone().max().unwrap_or(0) - base;
        let width = Deltas::width(spread);
        out.push(width as u8);
        put_varint(out, base);
        for value in values {
            out.extend_from_slice(&(value - base).to_le_bytes()[..width]);
        }
    }

    /// Reads `length` values that are at most `max`, as [`put`](Self::put) wrote them.
    pub(super) fn take(cut: &mut Cut<'_>, length: usize, max: u64) -> Result<Column, BadImage> {
        let width = usize::from(cut.byte()?);
        let base = cut.varint()?;
        let deltas = match width {
            1 => Deltas::Bits8(cut.take(length)?.to_vec()),
            2 => Deltas::Bits16(from_le(cut.take(2 * length)?, u16::from_le_bytes)),
            4 => Deltas::Bits32(from_le(cut.take(4 * length)?, u32::from_le_bytes)),
            8 => Deltas::Bits64(from_le(cut.take(8 * length)?, u64::from_le_bytes)),
            _ => return Err(BadImage("a column of an unknown width")),
        };
        let top = deltas!(&deltas, vec => vec.iter().max().map_or(0, |&delta| widen(delta)));
        match base.checked_add(top) {
            Some(greatest) if greatest <= max => Ok(Column { base, deltas }),
            _ => Err(BadImage("a number in a column is out of range")),
        }
    }

    /// The distance between the least and the greatest value.
    fn spread(&self) -> u64 {
        deltas!(&self.deltas, vec => {
            let least = vec.iter().min().map_or(0, |&delta| widen(delta));
            vec.iter().max().map_or(0, |&delta| widen(delta)) - least
        })
    }

    /// Makes base and width such that `value` can stand in the column.
    #[inline]
    fn make_room_for(&mut self, value: u64) {
        if value >= self.base && value - self.base <= self.deltas.delta_max() {
            return;
        }
        self.rebuild_for(value);
    }

    #[cold]
    fn rebuild_for(&mut self, value: u64) {
        let length = self.len();
        let base = (0..length).map(|at| self.get(at)).fold(value, u64::min);
        let top = (0..length).map(|at| self.get(at)).fold(value, u64::max);
        // Never narrower than before: a column that was wide once is likely to be so again.
        let delta_max = (top - base).max(self.deltas.delta_max());
        let capacity = deltas!(&self.deltas, vec => vec.capacity()).max(length + 1);
        let mut rebuilt = Column { base, deltas: Deltas::with_max(delta_max, capacity) };
        for at in 0..length {
            let delta = self.get(at) - base;
            deltas!(&mut rebuilt.deltas, vec => vec.push(narrow(delta)));
        }
        *self = rebuilt;
    }
}

fn from_le<T, const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks().0.iter().map(|&delta| read(delta)).collect()
}

fn allocated<T>(vec: &Vec<T>) -> usize {
    vec.capacity() * size_of::<T>()
}

fn widen<T: Into<u64>>(delta: T) -> u64 {
    delta.into()
}

/// Cuts a delta to its column's width, which `make_room_for` has made wide enough.
fn narrow<T: TryFrom<u64>>(delta: u64) -> T {
    T::try_from(delta).unwrap_or_else(|_| unreachable!("the column was made wide enough"))
}
