//! Groups in snapshots.
//!
//! ```text
//! StreamGroup      name, last delivered id, entries read (optional), last place of release,
//!                  consumer numbers, pending entries
//! GroupPolicy      if there is one, see policy
//! StreamConsumers  for each number: 0 if it is free, or name length + 1, name, seen ms, active ms (optional)
//! StreamPending    chunks, see pending
//! ```

use std::sync::Arc;

use super::consumers::Consumers;
use super::{Consumer, Group};
use crate::types::image::bytes::{put_bytes, put_optional, put_varint};
use crate::types::image::{BadImage, Cut, PIECE_BYTES, Tag};
use crate::types::stream::COUNT_MAX;
use crate::types::stream::StreamId;
use crate::types::stream::log::image::{put_id, take_id};
use crate::types::stream::pending::image::PendingReader;
use crate::types::stream::policy::GroupPolicy;

/// No time is greater: the clock has 63 bits.
const TIME_MAX: u64 = i64::MAX as u64;

/// How far a group is written.
#[derive(Clone, Copy)]
pub(in crate::types::stream) enum GroupPlace {
    Head,
    Policy,
    /// The consumers from this number on.
    Consumers(u32),
    /// The pending entries from this id on.
    Pending(StreamId),
}

impl Group {
    /// Appends the next piece, and answers where to go on.
    pub(in crate::types::stream) fn put_piece(
        &self,
        name: &[u8],
        place: GroupPlace,
        out: &mut Vec<u8>,
    ) -> Option<GroupPlace> {
        let mut place = match place {
            GroupPlace::Head => {
                self.put_head(name, out);
                match self.policy {
                    Some(_) => return Some(GroupPlace::Policy),
                    None => GroupPlace::Consumers(0),
                }
            }
            GroupPlace::Policy => {
                self.policy().iter().for_each(|policy| policy.put_piece(out));
                GroupPlace::Consumers(0)
            }
            GroupPlace::Consumers(number) => {
                out.push(Tag::StreamConsumers as u8);
                GroupPlace::Consumers(self.consumers.put(number, out))
            }
            GroupPlace::Pending(from) => {
                out.push(Tag::StreamPending as u8);
                return self.pending.put_chunks(from, out).map(GroupPlace::Pending);
            }
        };
        if matches!(place, GroupPlace::Consumers(number) if number == self.consumers.numbers()) {
            place = GroupPlace::Pending(self.pending.first_id()?);
        }
        Some(place)
    }

    fn put_head(&self, name: &[u8], out: &mut Vec<u8>) {
        out.push(Tag::StreamGroup as u8);
        put_bytes(out, name);
        put_id(out, self.last_delivered_id);
        put_optional(out, self.entries_read);
        put_varint(out, self.released);
        put_varint(out, u64::from(self.consumers.numbers()));
        put_varint(out, self.pending.len());
    }
}

impl Consumers {
    /// Appends the numbers from `number` on, as many as make a piece; the number to go on with.
    fn put(&self, mut number: u32, out: &mut Vec<u8>) -> u32 {
        let start = out.len();
        while number < self.numbers() && out.len() - start < PIECE_BYTES {
            match self.get(number) {
                None => out.push(0),
                Some(consumer) => {
                    put_varint(out, consumer.name().len() as u64 + 1);
                    out.extend_from_slice(consumer.name());
                    put_varint(out, consumer.seen_ms);
                    put_optional(out, consumer.active_ms);
                }
            }
            number += 1;
        }
        number
    }
}

/// Puts a group together.
pub(in crate::types::stream) struct GroupReader {
    name: Box<[u8]>,
    group: Group,
    pending: PendingReader,
    /// What the head says.
    numbers: u64,
    pending_count: u64,
}

impl GroupReader {
    /// Reads a group's head.
    pub fn new(mut cut: Cut<'_>) -> Result<GroupReader, BadImage> {
        let name = cut.bytes()?.into();
        let group = Group {
            last_delivered_id: take_id(&mut cut)?,
            entries_read: cut.optional_to(COUNT_MAX)?,
            released: cut.varint_to(COUNT_MAX)?,
            ..Group::default()
        };
        let (numbers, pending_count) = (cut.varint()?, cut.varint()?);
        cut.end()?;
        Ok(GroupReader { name, group, pending: PendingReader::default(), numbers, pending_count })
    }

    pub fn read_policy(&mut self, cut: Cut<'_>) -> Result<(), BadImage> {
        if self.group.policy.is_some() || self.group.consumers.numbers() > 0 {
            return Err(BadImage("a group's policy is not where it belongs"));
        }
        self.group.policy = Some(Arc::new(GroupPolicy::read_piece(cut)?));
        Ok(())
    }

    pub fn read_consumers(&mut self, mut cut: Cut<'_>) -> Result<(), BadImage> {
        const WRONG: BadImage = BadImage("the consumers of a group are damaged");
        let consumers = &mut self.group.consumers;
        while !cut.is_empty() {
            if u64::from(consumers.numbers()) >= self.numbers {
                return Err(WRONG);
            }
            let Some(len) = cut.optional_to(usize::MAX as u64)? else {
                consumers.push_free();
                continue;
            };
            let name = cut.take(len as usize)?;
            let (seen_ms, active_ms) = (cut.varint_to(TIME_MAX)?, cut.optional_to(TIME_MAX)?);
            if consumers.by_name(name).is_some() {
                return Err(WRONG);
            }
            consumers.push(name, seen_ms, active_ms);
        }
        Ok(())
    }

    pub fn read_pending(&mut self, cut: Cut<'_>) -> Result<(), BadImage> {
        let Group { consumers, unowned, released, .. } = &mut self.group;
        if u64::from(consumers.numbers()) != self.numbers {
            return Err(BadImage("the consumers of a group are not whole"));
        }
        self.pending.read(cut, *released, |owner, count| {
            match owner.consumer_number() {
                None => *unowned.of(owner) += count,
                Some(number) => match consumers.get_mut(number) {
                    Some(Consumer { pending, .. }) => *pending += count,
                    None => return false,
                },
            }
            true
        })
    }

    pub fn finish(self) -> Result<(Box<[u8]>, Group), BadImage> {
        let GroupReader { name, mut group, pending, numbers, pending_count } = self;
        if u64::from(group.consumers.numbers()) != numbers || pending.len() != pending_count {
            return Err(BadImage("a group is not whole"));
        }
        group.pending = pending.finish();
        Ok((name, group))
    }
}
