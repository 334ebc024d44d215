//! Streams in snapshots.
//!
//! ```text
//! Stream  last id, max deleted id, entries added, idmp (see there), log (see there), group count
//! ```
//!
//! Behind the groups' count stand the schedule and the messages, each with a head and pieces, if there
//! are any.
//!
//! Behind it the policy if there is one, the log's pieces, those of idmp, and each group's in order of
//! name.

use std::sync::Arc;

use super::group::Group;
use super::group::image::{GroupPlace, GroupReader};
use super::idmp::dedup::DedupReader;
use super::idmp::image::IdmpReader;
use super::log::image::{LogPlace, LogReader, put_id, take_id};
use super::policy::StreamPolicy;
use super::schedule::ScheduleReader;
use super::{COUNT_MAX, Stream, StreamId};
use crate::types::image::bytes::put_varint;
use crate::types::image::{BadImage, Cut, ImageReader, ImageWriter, Tag};

#[cfg(test)]
mod tests;

/// What is left to be written of a stream.
pub struct StreamImage {
    /// Without the blocks that are written.
    stream: Stream,
    place: Place,
}

#[derive(Clone, Copy)]
enum Place {
    Head,
    Policy,
    Log(LogPlace),
    Idmp(usize),
    ScheduleHead,
    Schedule((usize, StreamId)),
    DedupHead,
    Dedup(usize),
    Group(usize, GroupPlace),
    End,
}

impl Stream {
    /// The stream as it is now, to be written to a snapshot.
    pub fn image(&self) -> StreamImage {
        StreamImage { stream: self.clone(), place: Place::Head }
    }

    fn put_head(&self, out: &mut Vec<u8>) {
        out.push(Tag::Stream as u8);
        put_id(out, self.last_id);
        put_id(out, self.max_deleted_id);
        put_varint(out, self.entries_added);
        self.idmp.put_head(out);
        self.log.put_head(out);
        put_varint(out, self.groups.len() as u64);
    }
}

impl StreamImage {
    fn log_place(&self) -> Place {
        self.stream.log.first_place().map_or_else(|| self.idmp_place(), Place::Log)
    }

    fn idmp_place(&self) -> Place {
        if self.stream.idmp.is_empty() { self.schedule_place() } else { Place::Idmp(0) }
    }

    fn schedule_place(&self) -> Place {
        if self.stream.schedule.is_some() { Place::ScheduleHead } else { self.dedup_place() }
    }

    fn dedup_place(&self) -> Place {
        if self.stream.dedup.is_some() { Place::DedupHead } else { self.group_place(0) }
    }

    fn group_place(&self, at: usize) -> Place {
        if at < self.stream.groups.len() { Place::Group(at, GroupPlace::Head) } else { Place::End }
    }
}

impl ImageWriter for StreamImage {
    fn write_piece(&mut self, out: &mut Vec<u8>) -> bool {
        let stream = &mut self.stream;
        self.place = match self.place {
            Place::Head => {
                stream.put_head(out);
                if stream.policy.is_some() { Place::Policy } else { self.log_place() }
            }
            Place::Policy => {
                stream.policy().iter().for_each(|policy| policy.put_piece(out));
                self.log_place()
            }
            Place::Log(place) => {
                stream.log.put_piece(place, out).map_or_else(|| self.idmp_place(), Place::Log)
            }
            Place::Idmp(from) => {
                stream.idmp.put_piece(from, out).map_or_else(|| self.schedule_place(), Place::Idmp)
            }
            Place::ScheduleHead => {
                let schedule = stream.schedule.as_ref();
                schedule.into_iter().for_each(|schedule| schedule.put_head(out));
                let place = schedule.and_then(|schedule| schedule.first_place(0));
                place.map_or_else(|| self.dedup_place(), Place::Schedule)
            }
            Place::Schedule(place) => {
                let next = stream.schedule.as_ref().and_then(|it| it.put_piece(place, out));
                next.map_or_else(|| self.dedup_place(), Place::Schedule)
            }
            Place::DedupHead => {
                stream.dedup.iter().for_each(|dedup| dedup.put_head(out));
                Place::Dedup(0)
            }
            Place::Dedup(from) => {
                let next = stream.dedup.as_ref().and_then(|dedup| dedup.put_piece(from, out));
                next.map_or_else(|| self.group_place(0), Place::Dedup)
            }
            Place::Group(at, place) => match stream.groups.at(at) {
                Some((name, group)) => match group.put_piece(name, place, out) {
                    Some(place) => Place::Group(at, place),
                    None => self.group_place(at + 1),
                },
                None => Place::End,
            },
            Place::End => Place::End,
        };
        !matches!(self.place, Place::End)
    }
}

/// Puts a stream together.
#[derive(Default)]
pub struct StreamImageReader {
    parts: Option<Parts>,
}

struct Parts {
    /// Without log, idmp and groups.
    stream: Stream,
    log: LogReader,
    idmp: IdmpReader,
    schedule: Option<ScheduleReader>,
    dedup: Option<DedupReader>,
    group: Option<GroupReader>,
    group_count: u64,
}

impl Parts {
    fn new(mut cut: Cut<'_>) -> Result<Parts, BadImage> {
        let (last_id, max_deleted_id) = (take_id(&mut cut)?, take_id(&mut cut)?);
        let entries_added = cut.varint_to(COUNT_MAX)?;
        let idmp = IdmpReader::new(&mut cut)?;
        let log = LogReader::new(&mut cut)?;
        let group_count = cut.varint()?;
        cut.end()?;
        if log.len() > entries_added {
            return Err(BadImage("a stream has more entries than were added"));
        }
        let stream =
            Stream { last_id, max_deleted_id, entries_added, ..Stream::new(Default::default()) };
        Ok(Parts { stream, log, idmp, schedule: None, dedup: None, group: None, group_count })
    }

    fn read_piece(&mut self, tag: Tag, cut: Cut<'_>) -> Result<(), BadImage> {
        const WRONG: BadImage = BadImage("a piece that does not continue the stream");
        match (tag, &mut self.group) {
            (Tag::StreamPolicy, None) if self.stream.policy.is_none() => {
                self.stream.policy = Some(Arc::new(StreamPolicy::read_piece(cut)?));
                Ok(())
            }
            (Tag::StreamNodes, _) => self.log.read_nodes(cut),
            (Tag::StreamBlock, _) => self.log.read_block(cut),
            (Tag::StreamIdmp, _) => self.idmp.read(cut),
            (Tag::StreamSchedule, None) if self.schedule.is_none() => {
                self.schedule = Some(ScheduleReader::new(cut)?);
                Ok(())
            }
            (Tag::StreamDedup, None) if self.dedup.is_none() => {
                self.dedup = Some(DedupReader::new(cut)?);
                Ok(())
            }
            (Tag::StreamMessages, None) => match &mut self.dedup {
                Some(dedup) => dedup.read(cut),
                None => Err(WRONG),
            },
            (
                Tag::StreamDelays | Tag::StreamExpiries | Tag::StreamExpired | Tag::StreamAddressed,
                None,
            ) => match &mut self.schedule {
                Some(schedule) => schedule.read(tag, cut),
                None => Err(WRONG),
            },
            (Tag::StreamConsumers, Some(group)) => group.read_consumers(cut),
            (Tag::StreamPending, Some(group)) => group.read_pending(cut),
            (Tag::GroupOrder, Some(group)) => group.read_order(cut),
            (Tag::GroupPace, Some(group)) => group.read_pace(cut),
            (Tag::GroupPolicy, Some(group)) => group.read_policy(cut),
            (Tag::StreamGroup, _) => {
                self.end_group()?;
                self.group = Some(GroupReader::new(cut)?);
                Ok(())
            }
            _ => Err(WRONG),
        }
    }

    fn end_group(&mut self) -> Result<(), BadImage> {
        let Some(reader) = self.group.take() else { return Ok(()) };
        let (name, group) = reader.finish()?;
        self.stream.push_group(&name, group)
    }
}

impl Stream {
    /// Adds a group behind the others by name.
    fn push_group(&mut self, name: &[u8], group: Group) -> Result<(), BadImage> {
        let last = self.groups.len().checked_sub(1).and_then(|last| self.groups.at(last));
        if last.is_some_and(|(last, _)| last >= name) {
            return Err(BadImage("the groups of a stream are not in order"));
        }
        self.groups.insert(name, group);
        Ok(())
    }
}

impl ImageReader for StreamImageReader {
    type Value = Stream;

    fn read_piece(&mut self, piece: &[u8]) -> Result<(), BadImage> {
        let (tag, cut) = Cut::open(piece)?;
        match (&mut self.parts, tag) {
            (None, Tag::Stream) => {
                self.parts = Some(Parts::new(cut)?);
                Ok(())
            }
            (Some(parts), tag) => parts.read_piece(tag, cut),
            (None, _) => Err(BadImage("a stream does not begin with its head")),
        }
    }

    fn finish(self) -> Result<Stream, BadImage> {
        let mut parts = self.parts.ok_or(BadImage("a stream is not whole"))?;
        parts.end_group()?;
        let Parts { mut stream, log, idmp, schedule, dedup, group_count, .. } = parts;
        if stream.groups.len() as u64 != group_count {
            return Err(BadImage("the groups of a stream are not whole"));
        }
        if log.last_id() > stream.last_id {
            // Its next entries would stand before others.
            return Err(BadImage("a stream's last id is below its entries"));
        }
        stream.log = log.finish()?;
        stream.idmp = idmp.finish()?;
        if let Some(schedule) = schedule {
            let contains = |id| stream.log.contains(id);
            stream.schedule = Some(Box::new(schedule.finish(contains)?));
        }
        if let Some(dedup) = dedup {
            let is_wanted = stream.policy().is_some_and(|policy| policy.dedup.is_some());
            let dedup = dedup.finish()?;
            stream.dedup = is_wanted.then(|| Box::new(dedup));
        }
        stream.groups_moved();
        stream.timer_ms = stream.next_due_ms();
        Ok(stream)
    }
}
