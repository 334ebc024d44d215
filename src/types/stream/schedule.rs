//! When entries may first be delivered, and how long they live.
//!
//! Three sets of entries, found by id and in order of time: those that are delayed, those that will
//! expire, and those that have expired and that a group still holds. Each is kept as pending entries
//! are, in a few bytes an entry; a clone costs the same however many there are.

use super::StreamId;
use super::pending::image::PendingReader;
use super::pending::{Owner, Pending, Record};
use crate::types::image::bytes::put_varint;
use crate::types::image::{BadImage, Cut, Tag};

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
}

/// What a group does with an entry that its cursor comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Deliver,
    /// Not before this unix time in ms.
    Defer(u64),
    /// It has expired: the group is done with it.
    Pass,
}

/// When entries of a stream may be delivered, to look at while a group changes.
#[derive(Clone, Copy)]
pub struct Times<'a>(Option<&'a Schedule>);

impl<'a> Times<'a> {
    pub(super) fn of(schedule: Option<&'a Schedule>) -> Times<'a> {
        Times(schedule)
    }

    /// What a group whose cursor comes to an entry does with it at this time.
    #[inline]
    pub fn fate(&self, id: StreamId, now_ms: u64) -> Fate {
        let Some(schedule) = self.0 else { return Fate::Deliver };
        if self.has_expired(id, now_ms) {
            return Fate::Pass;
        }
        match schedule.due_ms(id) {
            Some(due_ms) if due_ms > now_ms => Fate::Defer(due_ms),
            _ => Fate::Deliver,
        }
    }

    /// Whether an entry has outlived its time.
    pub fn has_expired(&self, id: StreamId, now_ms: u64) -> bool {
        let Some(schedule) = self.0 else { return false };
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
        self.delays.is_empty() && self.expiries.is_empty() && self.expired.is_empty()
    }

    pub fn delay(&mut self, id: StreamId, due_ms: u64) {
        put(&mut self.delays, id, due_ms.min(TIME_MAX));
    }

    pub fn expire(&mut self, id: StreamId, expires_ms: u64) {
        put(&mut self.expiries, id, expires_ms.min(TIME_MAX));
    }

    pub fn due_ms(&self, id: StreamId) -> Option<u64> {
        self.delays.get(id).map(|record| record.time)
    }

    pub fn expires_ms(&self, id: StreamId) -> Option<u64> {
        self.expiries.get(id).map(|record| record.time)
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
    }

    /// Forgets all entries below `end`.
    pub fn forget_before(&mut self, end: StreamId) {
        for times in [&mut self.delays, &mut self.expiries, &mut self.expired] {
            forget_before(times, end);
        }
    }

    pub fn heap_bytes(&self) -> usize {
        let all = [&self.delays, &self.expiries, &self.expired];
        all.into_iter().map(Pending::heap_bytes).sum::<usize>() + size_of::<Schedule>()
    }
}

// Snapshots.
//
// StreamSchedule  how many are delayed, will expire, have expired
// StreamDelays    chunks, see pending; the same of the others

const PARTS: [Tag; 3] = [Tag::StreamDelays, Tag::StreamExpiries, Tag::StreamExpired];

impl Schedule {
    fn parts(&self) -> [&Pending; 3] {
        [&self.delays, &self.expiries, &self.expired]
    }

    /// Appends what a [`ScheduleReader`] has to know first.
    pub fn put_head(&self, out: &mut Vec<u8>) {
        out.push(Tag::StreamSchedule as u8);
        self.parts().iter().for_each(|part| put_varint(out, part.len()));
    }

    /// The first place with anything in it, from a part on.
    pub fn first_place(&self, part: usize) -> Option<(usize, StreamId)> {
        let parts = self.parts().into_iter().enumerate().skip(part);
        parts.filter_map(|(at, times)| Some((at, times.first_id()?))).next()
    }

    /// Appends the next piece, and answers where to go on.
    pub fn put_piece(
        &self,
        (part, from): (usize, StreamId),
        out: &mut Vec<u8>,
    ) -> Option<(usize, StreamId)> {
        out.push(PARTS[part] as u8);
        match self.parts()[part].put_chunks(from, out) {
            Some(from) => Some((part, from)),
            None => self.first_place(part + 1),
        }
    }
}

/// Puts a schedule together.
pub(super) struct ScheduleReader {
    lens: [u64; 3],
    parts: [PendingReader; 3],
}

impl ScheduleReader {
    pub fn new(mut cut: Cut<'_>) -> Result<ScheduleReader, BadImage> {
        let lens = [cut.varint()?, cut.varint()?, cut.varint()?];
        cut.end()?;
        Ok(ScheduleReader { lens, parts: Default::default() })
    }

    /// Takes a piece of the part that its tag says.
    pub fn read(&mut self, tag: Tag, cut: Cut<'_>) -> Result<(), BadImage> {
        let part = PARTS.iter().position(|&part| part == tag);
        let part = part.ok_or(BadImage("a piece that is no part of a schedule"))?;
        self.parts[part].read(cut, 0, |owner, _| owner == Owner::consumer(0))
    }

    /// Ends the schedule of a stream that has the entries `contains` says.
    pub fn finish(self, contains: impl Fn(StreamId) -> bool) -> Result<Schedule, BadImage> {
        const WRONG: BadImage = BadImage("the schedule of a stream is not whole");
        if self.parts.iter().map(PendingReader::len).ne(self.lens) {
            return Err(WRONG);
        }
        let [delays, expiries, expired] = self.parts.map(PendingReader::finish);
        let schedule = Schedule { delays, expiries, expired };
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
            && all[2].iter().all(|&id| schedule.expiries.get(id).is_none());
        if is_sound && !schedule.is_empty() { Ok(schedule) } else { Err(WRONG) }
    }
}
