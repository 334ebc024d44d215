//! Groups in snapshots.
//!
//! ```text
//! StreamGroup      name, last delivered id, entries read (optional), last place of release,
//!                  consumer numbers, pending entries
//! GroupPolicy      if there is one, see policy
//! StreamConsumers  for each number: 0 if it is free, or name length + 1, name, seen ms, active ms (optional)
//! StreamPending    chunks, see pending
//! GroupOrder       for each entry that stands in a line for its value: id, value (8 bytes, little end first)
//! GroupPace        for each run of deliveries: ms, how many
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

const BAD_WORK: BadImage = BadImage("the order or the pace of a group is damaged");

/// How far a group is written.
#[derive(Clone, Copy)]
pub(in crate::types::stream) enum GroupPlace {
    Head,
    Policy,
    /// The consumers from this number on.
    Consumers(u32),
    /// The pending entries from this id on.
    Pending(StreamId),
    /// The entries in lines from this place on.
    Order(usize),
    /// The runs of deliveries from this place on.
    Pace(usize),
}

impl Group {
    /// Appends the next piece, and answers where to go on.
    pub(in crate::types::stream) fn put_piece(
        &self,
        name: &[u8],
        place: GroupPlace,
        out: &mut Vec<u8>,
    ) -> Option<GroupPlace> {
        let place = match place {
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
                let next = self.pending.put_chunks(from, out).map(GroupPlace::Pending);
                return next.or_else(|| self.order_place(0));
            }
            GroupPlace::Order(from) => {
                out.push(Tag::GroupOrder as u8);
                let next = from + self.put_order(from, out);
                return self.order_place(next);
            }
            GroupPlace::Pace(from) => {
                out.push(Tag::GroupPace as u8);
                let next = from + self.put_pace(from, out);
                return self.pace_place(next);
            }
        };
        if matches!(place, GroupPlace::Consumers(number) if number == self.consumers.numbers()) {
            return match self.pending.first_id() {
                Some(first) => Some(GroupPlace::Pending(first)),
                None => self.order_place(0),
            };
        }
        Some(place)
    }

    /// Where to go on behind so many entries in lines.
    fn order_place(&self, from: usize) -> Option<GroupPlace> {
        let order = self.work.as_ref().and_then(|work| work.order.as_ref());
        let is_left = order.is_some_and(|order| from < order.len());
        if is_left { Some(GroupPlace::Order(from)) } else { self.pace_place(0) }
    }

    fn pace_place(&self, from: usize) -> Option<GroupPlace> {
        let pace = self.work.as_ref().and_then(|work| work.pace.as_ref());
        pace.is_some_and(|pace| from < pace.len()).then_some(GroupPlace::Pace(from))
    }

    /// Appends entries in lines, as many as make a piece; how many.
    fn put_order(&self, from: usize, out: &mut Vec<u8>) -> usize {
        let start = out.len();
        let order = self.work.as_ref().and_then(|work| work.order.as_ref());
        let mut written = 0;
        for (id, value) in order.into_iter().flat_map(|order| order.from(from)) {
            if out.len() - start >= PIECE_BYTES {
                break;
            }
            put_id(out, id);
            out.extend_from_slice(&value.to_le_bytes());
            written += 1;
        }
        written
    }

    fn put_pace(&self, from: usize, out: &mut Vec<u8>) -> usize {
        let start = out.len();
        let pace = self.work.as_ref().and_then(|work| work.pace.as_ref());
        let mut written = 0;
        for (at_ms, count) in pace.into_iter().flat_map(|pace| pace.from(from)) {
            if out.len() - start >= PIECE_BYTES {
                break;
            }
            put_varint(out, at_ms);
            put_varint(out, count);
            written += 1;
        }
        written
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
    order: Vec<(StreamId, u64)>,
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
        Ok(GroupReader {
            name,
            group,
            pending: PendingReader::default(),
            numbers,
            pending_count,
            order: Vec::new(),
        })
    }

    pub fn read_policy(&mut self, cut: Cut<'_>) -> Result<(), BadImage> {
        if self.group.policy.is_some() || self.group.consumers.numbers() > 0 {
            return Err(BadImage("a group's policy is not where it belongs"));
        }
        self.group.policy = Some(Arc::new(GroupPolicy::read_piece(cut)?));
        self.group.fit_work();
        Ok(())
    }

    pub fn read_order(&mut self, mut cut: Cut<'_>) -> Result<(), BadImage> {
        while !cut.is_empty() {
            let id = take_id(&mut cut)?;
            let value = cut.take(8)?.try_into().map(u64::from_le_bytes);
            let is_behind = self.order.last().is_none_or(|&(last, _)| last < id);
            match value {
                Ok(value) if is_behind => self.order.push((id, value)),
                _ => return Err(BAD_WORK),
            }
        }
        Ok(())
    }

    pub fn read_pace(&mut self, mut cut: Cut<'_>) -> Result<(), BadImage> {
        let work = self.group.work.as_mut();
        let pace = work.and_then(|work| work.pace.as_mut()).ok_or(BAD_WORK)?;
        while !cut.is_empty() {
            let at_ms = cut.varint_to(TIME_MAX)?;
            if !pace.push(at_ms, cut.varint_to(COUNT_MAX)?) {
                return Err(BAD_WORK);
            }
        }
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
        let GroupReader { name, mut group, pending, numbers, pending_count, order } = self;
        if u64::from(group.consumers.numbers()) != numbers || pending.len() != pending_count {
            return Err(BadImage("a group is not whole"));
        }
        group.pending = pending.finish();
        for (id, value) in order {
            let record = group.pending.get(id).filter(|record| !record.owner.is_dead());
            let owner = record.ok_or(BAD_WORK)?.owner;
            let lines = group.work.as_mut().and_then(|work| work.order.as_mut()).ok_or(BAD_WORK)?;
            lines.enter(id, value, false);
            lines.note(id, !owner.is_unowned());
        }
        Ok((name, group))
    }
}
