//! A run of pending entries in columns.

use std::cmp::Ordering;
use std::ops::ControlFlow;

use super::column::Column;
use super::{Filter, Kind, Owner, Record, Summary};
use crate::types::image::{BadImage, Cut};
use crate::types::stream::StreamId;
use crate::types::stream::group::DELIVERIES_MAX;

/// Slots in a chunk; the width of its live bitmap.
pub(super) const SLOTS_MAX: usize = 128;

/// No record has a greater time: commands take times of 63 bits.
const TIME_MAX: u64 = i64::MAX as u64;

/// A chunk with at least this many slots, three in four of them dead, is written anew.
const COMPACT_SLOTS_MIN: usize = 64;

/// Up to [`SLOTS_MAX`] pending entries in id order, a column for each attribute.
///
/// ```text
/// slot        0     1     2     3   …
/// ids_ms    [ 0     0     3     9 ]       base + delta, 1 to 8 bytes a slot
/// ids_seq   [ 0     1     0     0 ]
/// times     [ 0     0     0     7 ]       delivery time, or what a state without a consumer keeps
/// counts    [ 1     1     2     1 ]
/// owner     [ 0     0     1     0 ]       place in `owners`
/// live      [ 1     0     1     1 ]       one bit a slot
/// owners    [ (7, 2 live)  (9, 1 live) ]
/// ```
///
/// Invariants: ids ascend strictly over all slots, the dead included, so that a record that comes
/// back revives its slot. `owners` counts the live slots of each owner; one that counts 0 may be
/// taken over by another owner. The number of distinct live owners never exceeds the slots, so a
/// place fits a byte. Times of dead slots stay, and count for `in_time_order`.
#[derive(Clone)]
pub(super) struct Chunk {
    ids_ms: Column,
    ids_seq: Column,
    times: Column,
    counts: Column,
    owner: Vec<u8>,
    owners: Vec<LocalOwner>,
    live: u128,
    /// Times never descend from slot to slot, and no slot was ever unowned: the first live slot
    /// is the longest delivered. True for whatever was only ever delivered in order.
    in_time_order: bool,
}

#[derive(Clone, Copy)]
struct LocalOwner {
    owner: Owner,
    live: u8,
}

impl Chunk {
    pub(super) fn new() -> Chunk {
        Chunk {
            ids_ms: Column::new(),
            ids_seq: Column::new(),
            times: Column::new(),
            counts: Column::new(),
            owner: Vec::new(),
            owners: Vec::new(),
            live: 0,
            in_time_order: true,
        }
    }

    /// An empty chunk to stand behind `previous`, with room for a full one.
    pub(super) fn following(previous: &Chunk) -> Chunk {
        Chunk {
            ids_ms: Column::like(&previous.ids_ms, SLOTS_MAX),
            ids_seq: Column::like(&previous.ids_seq, SLOTS_MAX),
            times: Column::like(&previous.times, SLOTS_MAX),
            counts: Column::with_capacity(SLOTS_MAX),
            owner: Vec::with_capacity(SLOTS_MAX),
            owners: Vec::new(),
            live: 0,
            in_time_order: true,
        }
    }

    /// Appends the live records for a snapshot; there must be one.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        let slots = SetBits(self.live);
        out.push(self.live_count() as u8);
        let mut places = [0u8; SLOTS_MAX];
        let present = self.owners.iter().enumerate().filter(|(_, local)| local.live > 0);
        out.push(present.clone().count() as u8);
        for (written, (place, local)) in present.enumerate() {
            out.extend_from_slice(&local.owner.0.to_le_bytes());
            places[place] = written as u8;
        }
        out.extend(slots.clone().map(|slot| places[usize::from(self.owner[slot])]));
        for column in [&self.ids_ms, &self.ids_seq, &self.times, &self.counts] {
            column.put(slots.clone(), out);
        }
    }

    /// Reads what [`put`](Self::put) wrote. All ids are above `behind`, and the times of released
    /// records at most `released`.
    pub(super) fn take(
        cut: &mut Cut<'_>,
        behind: Option<StreamId>,
        released: u64,
    ) -> Result<Chunk, BadImage> {
        const WRONG: BadImage = BadImage("pending entries of a group are damaged");
        let slots = usize::from(cut.byte()?);
        let owner_count = usize::from(cut.byte()?);
        if slots == 0 || slots > SLOTS_MAX || owner_count > slots {
            return Err(WRONG);
        }
        let (numbers, _) = cut.take(4 * owner_count)?.as_chunks();
        let owners = numbers.iter().map(|&number| Owner(u32::from_le_bytes(number)));
        let mut chunk = Chunk {
            owner: cut.take(slots)?.to_vec(),
            owners: owners.map(|owner| LocalOwner { owner, live: 0 }).collect(),
            ids_ms: Column::take(cut, slots, u64::MAX)?,
            ids_seq: Column::take(cut, slots, u64::MAX)?,
            times: Column::take(cut, slots, TIME_MAX)?,
            counts: Column::take(cut, slots, DELIVERIES_MAX)?,
            live: u128::MAX >> (SLOTS_MAX - slots),
            in_time_order: true,
        };
        let mut last = (behind, 0);
        for slot in 0..slots {
            let local = chunk.owners.get_mut(usize::from(chunk.owner[slot])).ok_or(WRONG)?;
            local.live += 1;
            let owner = local.owner;
            let (id, time) = (chunk.id(slot), chunk.times.get(slot));
            if last.0 >= Some(id) || owner == Owner::RELEASED && time > released {
                return Err(WRONG);
            }
            chunk.in_time_order &= last.1 <= time && !owner.is_unowned();
            last = (Some(id), time);
        }
        for (place, local) in chunk.owners.iter().enumerate() {
            let is_known = |other: &LocalOwner| other.owner == local.owner;
            let is_double = chunk.owners[..place].iter().any(is_known);
            if local.live == 0 || is_double || !local.owner.is_known() {
                return Err(WRONG);
            }
        }
        Ok(chunk)
    }

    /// The owners with live records here, and how many they have.
    pub(super) fn owner_counts(&self) -> impl Iterator<Item = (Owner, u64)> {
        self.owners.iter().map(|local| (local.owner, u64::from(local.live)))
    }

    pub(super) fn slots(&self) -> usize {
        self.owner.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.slots() == SLOTS_MAX
    }

    pub(super) fn live_count(&self) -> usize {
        self.live.count_ones() as usize
    }

    #[inline]
    pub(super) fn id(&self, slot: usize) -> StreamId {
        StreamId::new(self.ids_ms.get(slot), self.ids_seq.get(slot))
    }

    #[inline]
    pub(super) fn record(&self, slot: usize) -> Record {
        Record {
            id: self.id(slot),
            owner: self.owner_of(slot),
            time: self.times.get(slot),
            count: self.counts.get(slot),
        }
    }

    pub(super) fn is_live(&self, slot: usize) -> bool {
        self.live & bit(slot) != 0
    }

    /// The slot of `id`, dead or live, or the place where it would stand.
    #[inline]
    pub(super) fn find(&self, id: StreamId) -> Result<usize, usize> {
        let slots = self.slots();
        let Some(last) = slots.checked_sub(1) else { return Err(0) };
        match id.cmp(&self.id(last)) {
            Ordering::Greater => return Err(slots),
            Ordering::Equal => return Ok(last),
            Ordering::Less => {}
        }
        let first_live = self.live.trailing_zeros() as usize;
        if first_live < slots && self.id(first_live) == id {
            // Most acknowledgements come in the order of delivery.
            return Ok(first_live);
        }
        let start = self.ids_ms.lower_bound(0..slots, id.ms);
        if self.id(start) >= id {
            // The first of its millisecond, or the only one, as most are.
            return if self.id(start) == id { Ok(start) } else { Err(start) };
        }
        let end = self.ids_ms.upper_bound(start..slots, id.ms);
        let slot = self.ids_seq.lower_bound(start..end, id.seq);
        if slot < end && self.ids_seq.get(slot) == id.seq { Ok(slot) } else { Err(slot) }
    }

    /// Puts a record behind the last slot. The chunk must have room and the id must be greater.
    /// Whether the owner is new here.
    pub(super) fn push(&mut self, record: Record) -> bool {
        let slot = self.slots();
        debug_assert!(slot < SLOTS_MAX && (slot == 0 || self.id(slot - 1) < record.id));
        self.note_time_order(slot.checked_sub(1), None, record);
        let owner = self.owner_added(record.owner);
        self.ids_ms.push(record.id.ms);
        self.ids_seq.push(record.id.seq);
        self.times.push(record.time);
        self.counts.push(record.count);
        self.owner.push(owner);
        self.live |= bit(slot);
        self.owners[usize::from(owner)].live == 1
    }

    /// Puts a record at `slot`, moving those behind it. The chunk must have room.
    /// Whether the owner is new here.
    pub(super) fn insert(&mut self, slot: usize, record: Record) -> bool {
        debug_assert!(self.slots() < SLOTS_MAX);
        self.note_time_order(slot.checked_sub(1), Some(slot), record);
        let owner = self.owner_added(record.owner);
        self.ids_ms.insert(slot, record.id.ms);
        self.ids_seq.insert(slot, record.id.seq);
        self.times.insert(slot, record.time);
        self.counts.insert(slot, record.count);
        self.owner.insert(slot, owner);
        let below = bit(slot) - 1;
        self.live = (self.live & below) | ((self.live & !below) << 1) | bit(slot);
        self.owners[usize::from(owner)].live == 1
    }

    /// Gives the slot of the record's id, dead or live, the record's other attributes.
    /// Whether the owner is new here.
    pub(super) fn overwrite(&mut self, slot: usize, record: Record) -> bool {
        debug_assert!(self.id(slot) == record.id);
        self.note_time_order(slot.checked_sub(1), Some(slot + 1), record);
        if self.is_live(slot) {
            self.owner_removed(slot);
        }
        let owner = self.owner_added(record.owner);
        self.owner[slot] = owner;
        self.times.set(slot, record.time);
        self.counts.set(slot, record.count);
        self.live |= bit(slot);
        self.owners[usize::from(owner)].live == 1
    }

    /// Takes a live record out; its slot stays, dead. Whether its owner has others here.
    pub(super) fn kill(&mut self, slot: usize) -> bool {
        debug_assert!(self.is_live(slot));
        self.live &= !bit(slot);
        let owner_stays = self.owner_removed(slot);
        if self.live == 0 {
            self.clear();
        } else if self.slots() >= COMPACT_SLOTS_MIN && self.live_count() * 4 <= self.slots() {
            // Paid for by the kills since the slots were filled, three for each record copied.
            self.compact();
        }
        owner_stays
    }

    /// Takes out all records of one owner; how many they were.
    pub(super) fn kill_owner(&mut self, owner: Owner) -> u64 {
        let mask = self.slots_of(owner);
        self.live &= !mask;
        for local in self.owners.iter_mut().filter(|local| local.owner == owner) {
            local.live = 0;
        }
        if self.live == 0 {
            self.clear();
        } else if self.live_count() * 4 <= self.slots() {
            self.compact();
        }
        u64::from(mask.count_ones())
    }

    /// Cuts off and returns the records from the middle on.
    pub(super) fn split(&mut self) -> Chunk {
        let middle = self.slots() / 2;
        let mut left = Chunk::new();
        let mut right = Chunk::new();
        for slot in 0..self.slots() {
            let half = if slot < middle { &mut left } else { &mut right };
            if self.is_live(slot) {
                half.push(self.record(slot));
            }
        }
        *self = left;
        right
    }

    /// Takes over the records of the chunk to the right. Both together must fit.
    pub(super) fn absorb(&mut self, right: &Chunk) {
        if self.slots() + right.live_count() > SLOTS_MAX {
            self.compact();
        }
        for slot in SetBits(right.live) {
            self.push(right.record(slot));
        }
    }

    /// Writes the chunk anew without its dead slots.
    pub(super) fn compact(&mut self) {
        let mut compacted = Chunk::new();
        for slot in SetBits(self.live) {
            compacted.push(self.record(slot));
        }
        *self = compacted;
    }

    /// Whether `owner` has a live record here.
    pub(super) fn has_owner(&self, owner: Owner) -> bool {
        self.owners.iter().any(|local| local.owner == owner && local.live > 0)
    }

    /// The owners with live records here, each once.
    pub(super) fn owners(&self) -> impl Iterator<Item = Owner> {
        self.owners.iter().filter(|local| local.live > 0).map(|local| local.owner)
    }

    pub(super) fn summary(&self) -> Summary {
        let mut summary = Summary { live: self.live_count() as u64, ..Summary::EMPTY };
        for slot in SetBits(self.live) {
            summary.add(self.record(slot));
        }
        summary
    }

    /// Has the chunk's summary follow the record of `slot`, which has changed from `old` (`None`: none
    /// was there) to `new` (`None`: taken out).
    pub(super) fn follow(
        &self,
        summary: &mut Summary,
        slot: usize,
        old: Option<Record>,
        new: Option<Record>,
    ) {
        if let Some(old) = old {
            summary.live -= 1;
            let kind = old.owner.kind();
            if old.time == summary.least(kind) {
                summary.least[kind as usize] = self.least_time(kind, old.time, slot);
            }
        }
        if let Some(new) = new {
            summary.add(new);
            summary.live += 1;
        }
    }

    /// The least time of a kind, which is known not to be below `bound`. Another record of that time,
    /// if there is one, most often stands right behind the slot `near`.
    fn least_time(&self, kind: Kind, bound: u64, near: usize) -> u64 {
        if self.in_time_order {
            let first = self.live.trailing_zeros() as usize;
            let is_there = kind == Kind::Delivered && first < self.slots();
            return if is_there { self.times.get(first) } else { u64::MAX };
        }
        let behind = u128::MAX << near;
        let mut least = u64::MAX;
        for slot in SetBits(self.live & behind).chain(SetBits(self.live & !behind)) {
            if self.owner_of(slot).kind() == kind {
                least = least.min(self.times.get(slot));
                if least == bound {
                    break;
                }
            }
        }
        least
    }

    /// Shows the live records not below `from` that pass the filter, in id order.
    pub(super) fn scan<B>(
        &self,
        from: StreamId,
        filter: &Filter,
        visit: &mut impl FnMut(Record) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let slots = match filter.owner {
            Some(owner) => self.slots_of(owner),
            None => self.live,
        };
        // Most chunks are entered from their start.
        let start =
            if from == StreamId::MIN { 0 } else { self.find(from).unwrap_or_else(|slot| slot) };
        let behind = if start < SLOTS_MAX { u128::MAX << start } else { 0 };
        for slot in SetBits(slots & behind) {
            let record = self.record(slot);
            if filter.admits(record) {
                visit(record)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// The record of a kind that comes first by time and slot among those that come after the time
    /// and slot given.
    pub(super) fn next_by_time(
        &self,
        kind: Kind,
        after: Option<(u64, usize)>,
    ) -> Option<(usize, Record)> {
        if self.in_time_order {
            let start = after.map_or(0, |(_, slot)| slot + 1);
            let behind = self.live & u128::MAX.checked_shl(start as u32).unwrap_or(0);
            let first = SetBits(behind).next().filter(|_| kind == Kind::Delivered)?;
            return Some((first, self.record(first)));
        }
        let mut next = None;
        for slot in SetBits(self.live) {
            let key = (self.times.get(slot), slot);
            let is_of_kind = || self.owner_of(slot).kind() == kind;
            if after.is_none_or(|after| key > after)
                && next.is_none_or(|next| key < next)
                && is_of_kind()
            {
                next = Some(key);
            }
        }
        next.map(|(_, slot)| (slot, self.record(slot)))
    }

    pub(super) fn first_id(&self) -> Option<StreamId> {
        (self.live != 0).then(|| self.id(self.live.trailing_zeros() as usize))
    }

    pub(super) fn last_id(&self) -> Option<StreamId> {
        (self.live != 0).then(|| self.id(127 - self.live.leading_zeros() as usize))
    }

    /// Bytes allocated behind the chunk.
    pub(super) fn heap_bytes(&self) -> usize {
        self.ids_ms.heap_bytes()
            + self.ids_seq.heap_bytes()
            + self.times.heap_bytes()
            + self.counts.heap_bytes()
            + self.owner.capacity()
            + self.owners.capacity() * size_of::<LocalOwner>()
    }

    /// The live slots of one owner.
    fn slots_of(&self, owner: Owner) -> u128 {
        let mut slots = 0;
        for (place, local) in self.owners.iter().enumerate() {
            if local.owner == owner && local.live > 0 {
                for slot in memchr::memchr_iter(place as u8, &self.owner) {
                    slots |= bit(slot);
                }
            }
        }
        slots & self.live
    }

    /// Forgets everything and keeps the memory: a worker that takes one entry at a time and
    /// acknowledges it before the next empties its chunk each time.
    fn clear(&mut self) {
        self.ids_ms.clear();
        self.ids_seq.clear();
        self.times.clear();
        self.counts.clear();
        self.owner.clear();
        self.owners.clear();
        self.live = 0;
        self.in_time_order = true;
    }

    /// Clears `in_time_order` if a record breaks it between the slots `before` and `behind`.
    fn note_time_order(&mut self, before: Option<usize>, behind: Option<usize>, record: Record) {
        if self.in_time_order {
            let after_its_left = before.is_none_or(|slot| self.times.get(slot) <= record.time);
            let before_its_right = behind
                .filter(|&slot| slot < self.slots())
                .is_none_or(|slot| record.time <= self.times.get(slot));
            self.in_time_order = after_its_left && before_its_right && !record.owner.is_unowned();
        }
    }

    fn owner_of(&self, slot: usize) -> Owner {
        self.owners[usize::from(self.owner[slot])].owner
    }

    /// Counts one more record of `owner`; its place.
    fn owner_added(&mut self, owner: Owner) -> u8 {
        let known = self.owners.iter().position(|local| local.owner == owner);
        let place = known.or_else(|| self.owners.iter().position(|local| local.live == 0));
        let place = place.unwrap_or_else(|| {
            self.owners.push(LocalOwner { owner, live: 0 });
            self.owners.len() - 1
        });
        self.owners[place].owner = owner;
        self.owners[place].live += 1;
        u8::try_from(place).expect("a chunk has at most as many owners as live slots, and one more")
    }

    /// Counts one record less of the owner of `slot`; whether it has others.
    fn owner_removed(&mut self, slot: usize) -> bool {
        let local = &mut self.owners[usize::from(self.owner[slot])];
        local.live -= 1;
        local.live > 0
    }
}

/// The places of the set bits, ascending.
#[derive(Clone)]
struct SetBits(u128);

impl Iterator for SetBits {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let place = self.0.trailing_zeros() as usize;
        self.0 &= self.0 - 1;
        Some(place)
    }
}

fn bit(slot: usize) -> u128 {
    1 << slot
}
