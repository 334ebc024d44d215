//! The effect that says where entries are in a group now: under a consumer, in a state without one,
//! or done with. It states outcomes, so that a replay decides nothing again.
//!
//! ```text
//! XPLACE key group consumer at-ms to-id [id place …]
//! place   kind, count of deliveries, and @time where it is not at-ms
//! kind    i under the consumer   r ready   d deferred   h held   - done (no count)
//!         dead: x fatal   u used up   e expired
//! ```
//!
//! The group's cursor passes all entries up to `to-id` (0-0: it stays).

use super::args::{id, no_key_or_group};
use super::effects::DOES_NOT_FIT;
use super::reply::IdText;
use super::retention;
use crate::command::args::integer;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::keyspace::Tx;
use crate::types::number::parse_i64;
use crate::types::stream::group::Group;
use crate::types::stream::log::Log;
use crate::types::stream::pending::{Owner, Record};
use crate::types::stream::{Stream, StreamId};

const KINDS: [(u8, Owner); 6] = [
    (b'r', Owner::READY),
    (b'd', Owner::DEFERRED),
    (b'h', Owner::HELD),
    (b'x', Owner::FATAL),
    (b'u', Owner::USED_UP),
    (b'e', Owner::EXPIRED),
];

/// What a command does to the pending entries of one group, noted as it is done.
pub(super) struct Places {
    at_ms: u64,
    to: StreamId,
    moves: Vec<(StreamId, Option<Record>)>,
}

impl Places {
    pub fn new(at_ms: i64) -> Places {
        Places { at_ms: at_ms as u64, to: StreamId::MIN, moves: Vec::new() }
    }

    /// When it is done, unix ms.
    pub fn at_ms(&self) -> u64 {
        self.at_ms
    }

    pub fn is_empty(&self) -> bool {
        self.moves.is_empty() && self.to == StreamId::MIN
    }

    /// The cursor has passed all entries up to `id`.
    pub fn passed(&mut self, id: StreamId) {
        self.to = id;
    }

    /// Puts an entry into a state, or under a consumer.
    pub fn put(&mut self, group: &mut Group, log: &Log, record: Record) {
        group.place(log, record);
        self.moves.push((record.id, Some(record)));
    }

    /// Notes a place that an entry has been put into.
    pub fn note(&mut self, record: Record) {
        self.moves.push((record.id, Some(record)));
    }

    /// Has the group be done with an entry.
    pub fn finish(&mut self, group: &mut Group, id: StreamId) {
        group.acknowledge(id);
        self.moves.push((id, None));
    }

    /// Counts and records what was done. `consumer` is the one under which entries were put, empty
    /// if there is none.
    pub fn record(&self, tx: &mut Tx<'_>, key: &[u8], group: &[u8], consumer: &[u8]) {
        self.state(tx, key, group, consumer);
        self.settle(tx, key);
    }

    /// The first half of [`record`](Self::record): counts and records the places alone.
    pub fn state(&self, tx: &mut Tx<'_>, key: &[u8], group: &[u8], consumer: &[u8]) {
        if !self.is_empty() {
            tx.changed_unwatched(key);
            self.write(tx, key, group, consumer);
        }
    }

    /// The other half: does, and records, what they bring about.
    pub fn settle(&self, tx: &mut Tx<'_>, key: &[u8]) {
        if !self.is_empty() {
            retention::moved(tx, key, &self.moves);
        }
    }

    fn write(&self, tx: &mut Tx<'_>, key: &[u8], group: &[u8], consumer: &[u8]) {
        let Some(effect) = tx.effect(6 + self.moves.len() * 2) else { return };
        let effect = effect.args([b"XPLACE" as &[u8], key, group, consumer]);
        let mut effect = effect.int(self.at_ms as i64).arg(IdText::new(self.to).as_bytes());
        for (id, record) in &self.moves {
            effect = effect.arg(IdText::new(*id).as_bytes()).arg(&self.word(record.as_ref()));
        }
        effect.end();
    }

    fn word(&self, record: Option<&Record>) -> Vec<u8> {
        let Some(record) = record else { return b"-".to_vec() };
        let kind = KINDS.iter().find(|(_, owner)| *owner == record.owner);
        let kind = char::from(kind.map_or(b'i', |&(letter, _)| letter));
        if record.time == self.at_ms {
            format!("{kind}{}", record.count).into_bytes()
        } else {
            format!("{kind}{}@{}", record.count, record.time).into_bytes()
        }
    }
}

/// Reads a place as [`Places`] writes it.
fn parse(
    id: StreamId,
    word: &[u8],
    at_ms: u64,
    consumer: Option<u32>,
) -> Result<Option<Record>, Error> {
    let number = |text: &[u8]| {
        let value = parse_i64(text).and_then(|value| u64::try_from(value).ok());
        value.ok_or(DOES_NOT_FIT)
    };
    let (&letter, rest) = word.split_first().ok_or(DOES_NOT_FIT)?;
    if letter == b'-' {
        return Ok(None);
    }
    let owner = match KINDS.iter().find(|(known, _)| *known == letter) {
        Some(&(_, owner)) => owner,
        None if letter == b'i' => Owner::consumer(consumer.ok_or(DOES_NOT_FIT)?),
        None => return Err(DOES_NOT_FIT),
    };
    let (count, time) = match rest.iter().position(|&byte| byte == b'@') {
        Some(at) => (number(&rest[..at])?, number(&rest[at + 1..])?),
        None => (number(rest)?, at_ms),
    };
    Ok(Some(Record { id, owner, time, count }))
}

pub(super) fn place(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (key, name) = (args[1], args[2]);
    let at_ms = integer(args[4])? as u64;
    let to = id(args[5], 0)?;
    let pairs = args[6..].chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return Err(DOES_NOT_FIT);
    }
    let stream = cx.tx.write::<Stream>(key)?.ok_or_else(|| no_key_or_group(key, name))?;
    let extent = stream.extent();
    let (group, log) = stream.group_mut(name).ok_or(DOES_NOT_FIT)?;
    let consumer = group.consumer(args[3]).map(|consumer| consumer.number());
    if to != StreamId::MIN {
        group.pass_to(to, log, &extent);
    }
    let mut placed = Vec::new();
    for pair in pairs {
        let id = id(pair[0], 0)?;
        match parse(id, pair[1], at_ms, consumer)? {
            Some(record) => {
                placed.push(record);
                group.place(log, record);
            }
            None => {
                group.acknowledge(id);
            }
        }
    }
    let is_taken = placed.iter().any(|record| !record.owner.is_unowned());
    if is_taken && let Some(consumer) = consumer {
        group.note_active(consumer, at_ms);
    }
    let due_ms = group.next_due_ms();
    cx.tx.arm(key, due_ms);
    retention::recall(cx.tx, key, placed.into_iter());
    cx.tx.changed_unwatched(key);
    cx.tx.record(&[]);
    Ok(())
}
