//! ORDERBY: entries with the same value of a field go out one after the other.
//!
//! Each value has a line: its unfinished entries, those in flight before those that wait, both by id.
//! The first in a line may go out if it is not out already; who waits behind it is held. So what a
//! value's next entry is takes one search, however many others are stuck.

use crate::types::spine::{Slot, Spine};
use crate::types::stream::StreamId;
use crate::types::stream::log::Entry;

/// An unfinished entry, and what its value comes to.
#[derive(Clone)]
struct Valued {
    id: StreamId,
    value: u64,
}

impl Slot for Valued {
    type Key = StreamId;

    fn key(&self) -> &StreamId {
        &self.id
    }
}

/// A place in a line: the value, whether the entry waits, the entry.
type Place = (u64, bool, StreamId);

#[derive(Clone)]
struct InLine(Place);

impl Slot for InLine {
    type Key = Place;

    fn key(&self) -> &Place {
        &self.0
    }
}

/// The first of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct First {
    pub id: StreamId,
    pub is_in_flight: bool,
}

impl First {
    /// Whether an entry of the same value has to let it go first.
    pub fn goes_before(self, id: StreamId) -> bool {
        self.id != id && (self.is_in_flight || self.id < id)
    }
}

/// The lines of a group. Two values that come to the same number share a line: no more than that
/// becomes of it.
///
/// Invariant: both hold the same entries.
#[derive(Clone, Default)]
pub(super) struct Order {
    by_id: Spine<Valued>,
    lines: Spine<InLine>,
}

/// What an entry's value of a field comes to; `None` if it does not have the field.
pub(super) fn value_of(entry: &Entry<'_>, field: &[u8]) -> Option<u64> {
    let (_, value) = entry.fields().find(|(name, _)| *name == field)?;
    Some(number_of(value))
}

/// A number for a value, the same for ever: it stands in snapshots. (FNV-1a, its bits mixed.)
fn number_of(value: &[u8]) -> u64 {
    let step = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let mut hash = value.iter().fold(0xcbf2_9ce4_8422_2325, step);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

impl Order {
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// The value of an entry that stands in a line.
    pub fn value(&self, id: StreamId) -> Option<u64> {
        let place = self.by_id.partition_point(|&other| other < id);
        self.by_id.get(place).filter(|valued| valued.id == id).map(|valued| valued.value)
    }

    /// Has an entry stand in a line, if it does not, as one that is in flight or waits.
    pub fn enter(&mut self, id: StreamId, value: u64, is_in_flight: bool) {
        let place = match self.by_id.back() {
            // Entries come in order of their ids.
            Some(last) if last.id < id => self.by_id.len(),
            _ => self.by_id.partition_point(|&other| other < id),
        };
        if self.by_id.get(place).is_none_or(|valued| valued.id != id) {
            self.by_id.insert(place, Valued { id, value });
            self.insert((value, !is_in_flight, id));
        }
    }

    /// Takes an entry from its line; its value, if others stand there still.
    pub fn leave(&mut self, id: StreamId) -> Option<u64> {
        let place = self.by_id.partition_point(|&other| other < id);
        let value = self.by_id.get(place).filter(|valued| valued.id == id)?.value;
        self.by_id.remove(place);
        // It is one of the two.
        let at = self.remove((value, false, id)).or_else(|| self.remove((value, true, id)))?;
        let stands_at = |at| self.lines.get(at).is_some_and(|found: &InLine| found.0.0 == value);
        (stands_at(at) || at.checked_sub(1).is_some_and(stands_at)).then_some(value)
    }

    /// Notes whether an entry is in flight; its value, if it has one.
    pub fn note(&mut self, id: StreamId, is_in_flight: bool) -> Option<u64> {
        let value = self.value(id)?;
        if self.remove((value, is_in_flight, id)).is_some() {
            self.insert((value, !is_in_flight, id));
        }
        Some(value)
    }

    /// The first of a value's line.
    pub fn first(&self, value: u64) -> Option<First> {
        self.at_or_behind(value, (value, false, StreamId::MIN))
    }

    /// The two first of those that wait in a value's line.
    pub fn waiting(&self, value: u64) -> [Option<StreamId>; 2] {
        let first = self.at_or_behind(value, (value, true, StreamId::MIN)).map(|first| first.id);
        let behind = first.and_then(StreamId::next);
        let second = behind.and_then(|id| self.at_or_behind(value, (value, true, id)));
        [first, second.map(|second| second.id)]
    }

    /// Whether an entry of this value has to let another one go first.
    pub fn holds(&self, id: StreamId, value: u64) -> bool {
        self.first(value).is_some_and(|first| first.goes_before(id))
    }

    /// All entries in the lines with their values, by id, from a place on.
    pub fn from(&self, place: usize) -> impl Iterator<Item = (StreamId, u64)> {
        (place..self.by_id.len())
            .filter_map(|place| self.by_id.get(place))
            .map(|it| (it.id, it.value))
    }

    pub fn heap_bytes(&self) -> usize {
        self.by_id.heap_bytes() + self.lines.heap_bytes()
    }

    fn at_or_behind(&self, value: u64, place: Place) -> Option<First> {
        let at = self.lines.partition_point(|&other| other < place);
        let &InLine((found, waits, id)) = self.lines.get(at)?;
        (found == value).then_some(First { id, is_in_flight: !waits })
    }

    fn insert(&mut self, place: Place) {
        let at = self.lines.partition_point(|&other| other < place);
        self.lines.insert(at, InLine(place));
    }

    /// Takes a place out, if it is taken; where it was among all.
    fn remove(&mut self, place: Place) -> Option<usize> {
        let at = self.lines.partition_point(|&other| other < place);
        self.lines.get(at).filter(|found| found.0 == place)?;
        self.lines.remove(at);
        Some(at)
    }
}
