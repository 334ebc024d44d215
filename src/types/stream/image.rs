//! Streams in snapshots.
//!
//! ```text
//! Stream  last id, max deleted id, entries added, idmp (see there), log (see there), group count
//! ```
//!
//! Behind it the policy if there is one, the log's pieces, those of idmp, and each group's in order of
//! name.

use std::sync::Arc;

use super::group::Group;
use super::group::image::{GroupPlace, GroupReader};
use super::idmp::image::IdmpReader;
use super::log::image::{LogPlace, LogReader, put_id, take_id};
use super::policy::StreamPolicy;
use super::{COUNT_MAX, Stream};
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
        if self.stream.idmp.is_empty() { self.group_place(0) } else { Place::Idmp(0) }
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
                stream.idmp.put_piece(from, out).map_or_else(|| self.group_place(0), Place::Idmp)
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
        Ok(Parts { stream, log, idmp, group: None, group_count })
    }

    fn read_piece(&mut self, tag: Tag, cut: Cut<'_>) -> Result<(), BadImage> {
        match (tag, &mut self.group) {
            (Tag::StreamPolicy, None) if self.stream.policy.is_none() => {
                self.stream.policy = Some(Arc::new(StreamPolicy::read_piece(cut)?));
                Ok(())
            }
            (Tag::StreamNodes, _) => self.log.read_nodes(cut),
            (Tag::StreamBlock, _) => self.log.read_block(cut),
            (Tag::StreamIdmp, _) => self.idmp.read(cut),
            (Tag::StreamConsumers, Some(group)) => group.read_consumers(cut),
            (Tag::StreamPending, Some(group)) => group.read_pending(cut),
            (Tag::GroupPolicy, Some(group)) => group.read_policy(cut),
            (Tag::StreamGroup, _) => {
                self.end_group()?;
                self.group = Some(GroupReader::new(cut)?);
                Ok(())
            }
            _ => Err(BadImage("a piece that does not continue the stream")),
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
        let Parts { mut stream, log, idmp, group_count, .. } = parts;
        if stream.groups.len() as u64 != group_count {
            return Err(BadImage("the groups of a stream are not whole"));
        }
        if log.last_id() > stream.last_id {
            // Its next entries would stand before others.
            return Err(BadImage("a stream's last id is below its entries"));
        }
        stream.log = log.finish()?;
        stream.idmp = idmp.finish()?;
        stream.timer_ms = stream.next_due_ms();
        Ok(stream)
    }
}
