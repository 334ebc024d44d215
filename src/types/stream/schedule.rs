//! When entries may first be delivered, and how long they live.
//!
//! Three sets of entries, found by id and in order of time: those that are delayed, those that will
//! expire, and those that have expired and that a group still holds. Each is kept as pending entries
//! are, in a few bytes an entry; a clone costs the same however many there are. Beside them stand the
//! entries that are for one group alone.

use std::sync::Arc;

use super::StreamId;
use super::log::image::{put_id, take_id};
use super::pending::image::PendingReader;
use super::pending::{Owner, Pending, Record};
use crate::types::image::bytes::{put_bytes, put_varint};
use crate::types::image::{BadImage, Cut, PIECE_BYTES, Tag};
use crate::types::spine::{Slot, Spine};

/// No time is greater: the clock has 63 bits.
pub const TIME_MAX: u64 = i64::MAX as u64;

/// Times of entries of one stream, unix ms. An entry is in at most one of `expiries` and `expired`,
/// and in none once the stream does not have it.
#[derive(Clone, Default)]
pub(super) struct Schedule {
    delays: Pending,
    expiries: Pending,
    /// With when that was.
    expired: Pending,
    addressed: Spine<Addressed>,
    /// No entry behind this one is in any of these: entries that were added since cost no search.
    last: StreamId,
}

/// An entry that is for one group alone.
#[derive(Clone)]
struct Addressed {
    id: StreamId,
    group: Arc<[u8]>,
}

impl Slot for Addressed {
    type Key = StreamId;

    fn key(&self) -> &StreamId {
        &self.id
    }
}

/// What a group does with an entry that its cursor comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Deliver,
    /// Not before this unix time in ms.
    Defer(u64),
    /// It has outlived its time, and the group is to be asked yet what becomes of it.
    Judge,
    /// The group is done with it: it is for another group alone, or has expired and was judged.
    Pass,
}

/// When entries of a stream may be delivered, to look at while a group changes.
#[derive(Clone, Copy)]
pub struct Times<'a> {
    schedule: Option<&'a Schedule>,
    /// The group that asks.
    group: &'a [u8],
}

impl<'a> Times<'a> {
    pub(super) fn of(schedule: Option<&'a Schedule>, group: &'a [u8]) -> Times<'a> {
        Times { schedule, group }
    }

    /// What a group whose cursor comes to an entry does with it at this time.
    #[inline]
    pub fn fate(&self, id: StreamId, now_ms: u64) -> Fate {
        let Some(schedule) = self.schedule.filter(|schedule| id <= schedule.last) else {
            return Fate::Deliver;
        };
        if self.is_for_others(id) || schedule.has_expired(id) {
            return Fate::Pass;
        }
        if schedule.expires_ms(id).is_some_and(|at_ms| at_ms <= now_ms) {
            return if self.is_recalled(id) { Fate::Pass } else { Fate::Judge };
        }
        match schedule.due_ms(id) {
            Some(due_ms) if due_ms > now_ms => Fate::Defer(due_ms),
            _ => Fate::Deliver,
        }
    }

    /// Whether an entry is for the asking group alone.
    pub fn is_addressed(&self, id: StreamId) -> bool {
        let addressee = self.schedule.and_then(|schedule| schedule.addressee(id));
        addressee.is_some_and(|group| *group == *self.group)
    }

    /// Whether an entry is for another group alone.
    pub fn is_for_others(&self, id: StreamId) -> bool {
        let addressee = self.schedule.and_then(|schedule| schedule.addressee(id));
        addressee.is_some_and(|group| *group != *self.group)
    }

    /// Whether an entry has expired and the groups have judged it, whether or not one of them got it
    /// back since.
    pub fn has_been_judged(&self, id: StreamId) -> bool {
        self.schedule.is_some_and(|schedule| schedule.judged_ms(id).is_some())
    }

    /// Whether an entry that is to be judged has been before, and came back to a group since.
    pub fn is_recalled(&self, id: StreamId) -> bool {
        let expiry = self.schedule.and_then(|schedule| schedule.expiries.get(id));
        expiry.is_some_and(|expiry| expiry.count > 0)
    }

    /// Whether an entry has outlived its time.
    pub fn has_expired(&self, id: StreamId, now_ms: u64) -> bool {
        let Some(schedule) = self.schedule.filter(|schedule| id <= schedule.last) else {
            return false;
        };
        schedule.has_expired(id) || schedule.expires_ms(id).is_some_and(|at_ms| at_ms <= now_ms)
    }
}

fn put(times: &mut Pending, id: StreamId, time: u64) {
    times.put(Record { id, owner: Owner::consumer(0), time, count: 0 });
}

fn forget_before(times: &mut Pending, end: StreamId) {
    while let Some(id) = times.first_id().filter(|&id| id < end) {
        times.take(id);
    }
}

impl Schedule {
    pub fn is_empty(&self) -> bool {
        self.parts().into_iter().all(Pending::is_empty) && self.addressed.is_empty()
    }

    /// Has a new entry be for one group alone.
    pub fn address(&mut self, id: StreamId, group: &[u8]) {
        self.last = self.last.max(id);
        let place = self.addressed.partition_point(|other| *other < id);
        self.addressed.insert(place, Addressed { id, group: group.into() });
    }

    /// The one group that an entry is for, if it is not for all.
    pub fn addressee(&self, id: StreamId) -> Option<&[u8]> {
        self.find_address(id).map(|(_, addressed)| &*addressed.group)
    }

    fn find_address(&self, id: StreamId) -> Option<(usize, &Addressed)> {
        if self.addressed.is_empty() {
            return None;
        }
        let place = self.addressed.partition_point(|other| *other < id);
        Some((place, self.addressed.get(place).filter(|addressed| addressed.id == id)?))
    }

    pub fn delay(&mut self, id: StreamId, due_ms: u64) {
        self.last = self.last.max(id);
        put(&mut self.delays, id, due_ms.min(TIME_MAX));
    }

    pub fn expire(&mut self, id: StreamId, expires_ms: u64) {
        self.last = self.last.max(id);
        put(&mut self.expiries, id, expires_ms.min(TIME_MAX));
    }

    pub fn due_ms(&self, id: StreamId) -> Option<u64> {
        self.delays.get(id).map(|record| record.time)
    }

    pub fn expires_ms(&self, id: StreamId) -> Option<u64> {
        self.expiries.get(id).map(|record| record.time)
    }

    /// When an entry expired that the groups have judged, unix ms, whether or not one of them got it
    /// back since.
    pub fn judged_ms(&self, id: StreamId) -> Option<u64> {
        let recalled = || self.expiries.get(id).filter(|expiry| expiry.count > 0);
        self.expired.get(id).or_else(recalled).map(|record| record.time)
    }

    /// How many entries will expire, or have and are still held.
    pub fn expiry_count(&self) -> u64 {
        self.expiries.len() + self.expired.len()
    }

    /// How many entries are for one group alone.
    pub fn addressed_count(&self) -> u64 {
        self.addressed.len() as u64
    }

    pub fn has_expired(&self, id: StreamId) -> bool {
        self.expired.get(id).is_some()
    }

    pub fn next_expiry_ms(&self) -> Option<u64> {
        self.expiries.earliest_delivery_ms()
    }

    /// Entries that expire at `now_ms` or before, the earliest first.
    pub fn expiring(&self, now_ms: u64) -> impl Iterator<Item = StreamId> {
        self.expiries.delivered_by(now_ms).map(|record| record.id)
    }

    /// Moves an entry from those that will expire to those that have; false if it is not among them.
    pub fn note_expired(&mut self, id: StreamId) -> bool {
        let record = self.expiries.take(id);
        record.is_some_and(|record| {
            put(&mut self.expired, id, record.time);
            true
        })
    }

    /// Has an entry that has expired be among those that will again: a group got it back since.
    pub fn recall(&mut self, id: StreamId) -> bool {
        let record = self.expired.take(id);
        record.is_some_and(|record| {
            // The count tells it from those that no group has judged.
            self.expiries.put(Record { count: 1, ..record });
            true
        })
    }

    /// Whether any entry has expired and is still held.
    pub fn has_any_expired(&self) -> bool {
        !self.expired.is_empty()
    }

    /// The first entry that has expired and is still held.
    pub fn first_expired(&self) -> Option<StreamId> {
        self.expired.first_id()
    }

    /// How many delays are not over yet.
    pub fn delayed_behind(&self, now_ms: u64) -> u64 {
        self.delays.len() - self.delays.delivered_by(now_ms).count() as u64
    }

    /// Forgets delays that are over: the entry is as any other then.
    pub fn forget_due(&mut self, now_ms: u64, most: usize) {
        let due: Vec<StreamId> =
            self.delays.delivered_by(now_ms).take(most).map(|record| record.id).collect();
        for id in due {
            self.delays.take(id);
        }
    }

    /// Forgets an entry that is no more.
    pub fn forget(&mut self, id: StreamId) {
        for times in [&mut self.delays, &mut self.expiries, &mut self.expired] {
            times.take(id);
        }
        if let Some((place, _)) = self.find_address(id) {
            self.addressed.remove(place);
        }
    }

    /// Forgets all entries below `end`.
    pub fn forget_before(&mut self, end: StreamId) {
        for times in [&mut self.delays, &mut self.expiries, &mut self.expired] {
            forget_before(times, end);
        }
        while self.addressed.front().is_some_and(|addressed| addressed.id < end) {
            self.addressed.pop_front();
        }
    }

    pub fn heap_bytes(&self) -> usize {
        let all = [&self.delays, &self.expiries, &self.expired];
        let times: usize = all.into_iter().map(Pending::heap_bytes).sum();
        // Each name with the counters of its `Arc`.
        let names: usize = self.addressed.iter().map(|it| it.group.len() + 16).sum();
        size_of::<Schedule>() + times + names + self.addressed.heap_bytes()
    }
}

// Snapshots.
//
// StreamSchedule   how many are delayed, will expire, have expired, are addressed
// StreamDelays     chunks, see pending; the same of the others
// StreamAddressed  (id, group)…

const PARTS: [Tag; 3] = [Tag::StreamDelays, Tag::StreamExpiries, Tag::StreamExpired];
/// The number of the part behind these.
const ADDRESSED: usize = PARTS.len();

impl Schedule {
    fn parts(&self) -> [&Pending; 3] {
        [&self.delays, &self.expiries, &self.expired]
    }

    /// Appends what a [`ScheduleReader`] has to know first.
    pub fn put_head(&self, out: &mut Vec<u8>) {
        out.push(Tag::StreamSchedule as u8);
        self.parts().iter().for_each(|part| put_varint(out, part.len()));
        put_varint(out, self.addressed.len() as u64);
    }

    /// The first place with anything in it, from a part on.
    pub fn first_place(&self, part: usize) -> Option<(usize, StreamId)> {
        let parts = self.parts().into_iter().enumerate().skip(part);
        let of_times = parts.filter_map(|(at, times)| Some((at, times.first_id()?))).next();
        let addressed =
            || Some((ADDRESSED, self.addressed.front()?.id)).filter(|_| part <= ADDRESSED);
        of_times.or_else(addressed)
    }

    /// Appends the next piece, and answers where to go on.
    pub fn put_piece(
        &self,
        (part, from): (usize, StreamId),
        out: &mut Vec<u8>,
    ) -> Option<(usize, StreamId)> {
        if part == ADDRESSED {
            return self.put_addressed(from, out).map(|from| (part, from));
        }
        out.push(PARTS[part] as u8);
        match self.parts()[part].put_chunks(from, out) {
            Some(from) => Some((part, from)),
            None => self.first_place(part + 1),
        }
    }
}

impl Schedule {
    fn put_addressed(&self, from: StreamId, out: &mut Vec<u8>) -> Option<StreamId> {
        out.push(Tag::StreamAddressed as u8);
        let start = out.len();
        let first = self.addressed.partition_point(|id| *id < from);
        for addressed in (first..self.addressed.len()).filter_map(|at| self.addressed.get(at)) {
            if out.len() - start >= PIECE_BYTES {
                return Some(addressed.id);
            }
            put_id(out, addressed.id);
            put_bytes(out, &addressed.group);
        }
        None
    }
}

/// Puts a schedule together.
pub(super) struct ScheduleReader {
    lens: [u64; 3],
    parts: [PendingReader; 3],
    addressed_len: u64,
    addressed: Spine<Addressed>,
}

impl ScheduleReader {
    pub fn new(mut cut: Cut<'_>) -> Result<ScheduleReader, BadImage> {
        let lens = [cut.varint()?, cut.varint()?, cut.varint()?];
        let addressed_len = cut.varint()?;
        cut.end()?;
        let (parts, addressed) = Default::default();
        Ok(ScheduleReader { lens, parts, addressed_len, addressed })
    }

    /// Takes a piece of the part that its tag says.
    pub fn read(&mut self, tag: Tag, mut cut: Cut<'_>) -> Result<(), BadImage> {
        if tag == Tag::StreamAddressed {
            while !cut.is_empty() {
                let addressed = Addressed { id: take_id(&mut cut)?, group: cut.bytes()?.into() };
                if self.addressed.back().is_some_and(|last| last.id >= addressed.id) {
                    return Err(BadImage("the addressed entries of a stream are not in order"));
                }
                self.addressed.push_back(addressed);
            }
            return Ok(());
        }
        let part = PARTS.iter().position(|&part| part == tag);
        let part = part.ok_or(BadImage("a piece that is no part of a schedule"))?;
        self.parts[part].read(cut, 0, |owner, _| owner == Owner::consumer(0))
    }

    /// Ends the schedule of a stream that has the entries `contains` says.
    pub fn finish(self, contains: impl Fn(StreamId) -> bool) -> Result<Schedule, BadImage> {
        const WRONG: BadImage = BadImage("the schedule of a stream is not whole");
        let is_whole = self.addressed.len() as u64 == self.addressed_len;
        if self.parts.iter().map(PendingReader::len).ne(self.lens) || !is_whole {
            return Err(WRONG);
        }
        let [delays, expiries, expired] = self.parts.map(PendingReader::finish);
        let addressed = self.addressed;
        let last_addressed = addressed.back().map(|addressed| addressed.id);
        let last = [&delays, &expiries, &expired].into_iter().filter_map(Pending::last_id).max();
        let last = last.max(last_addressed).unwrap_or(StreamId::MIN);
        let schedule = Schedule { delays, expiries, expired, addressed, last };
        let ids = |times: &Pending| {
            let mut ids = Vec::new();
            times.scan::<()>(StreamId::MIN, Default::default(), |record| {
                ids.push(record.id);
                std::ops::ControlFlow::Continue(())
            });
            ids
        };
        let all = schedule.parts().map(ids);
        let is_sound = all.iter().flatten().all(|&id| contains(id))
            && schedule.addressed.iter().all(|addressed| contains(addressed.id))
            && all[2].iter().all(|&id| schedule.expiries.get(id).is_none());
        if is_sound && !schedule.is_empty() { Ok(schedule) } else { Err(WRONG) }
    }
}
