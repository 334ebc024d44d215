//! Giving entries up: to the group's dead-letter stream, with their story, or parked in the group.
//!
//! It is one step: the entry is appended there and dropped here in one frame. Where the append is
//! refused, or there is no such stream, the entry stays in the group as dead; it is never lost.

use super::add::{Redriven, add_redriven};
use super::places::Places;
use crate::command::cx::Cx;
use crate::keyspace::ShardSet;
use crate::types::stream::group::Group;
use crate::types::stream::log::Log;
use crate::types::stream::pending::{Owner, Record};
use crate::types::stream::{Stream, StreamId};

/// The fields that tell of an entry's end, behind its own.
pub(super) const STORY: [&[u8]; 7] = [
    b"dlq.stream",
    b"dlq.group",
    b"dlq.id",
    b"dlq.reason",
    b"dlq.deliveries",
    b"dlq.consumer",
    b"dlq.time",
];

/// Why an entry is given up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reason {
    MaxDeliveries,
    Fatal,
    Expired,
}

impl Reason {
    fn text(self) -> &'static [u8] {
        match self {
            Reason::MaxDeliveries => b"maxdeliveries",
            Reason::Fatal => b"fatal",
            Reason::Expired => b"expired",
        }
    }

    /// The state of an entry that is parked for this reason.
    fn state(self) -> Owner {
        match self {
            Reason::MaxDeliveries => Owner::USED_UP,
            Reason::Fatal => Owner::FATAL,
            Reason::Expired => Owner::EXPIRED,
        }
    }

    /// Why an entry is parked in this state; `None` if it is not dead.
    pub fn of_state(state: Owner) -> Option<Reason> {
        let all = [Reason::MaxDeliveries, Reason::Fatal, Reason::Expired];
        all.into_iter().find(|reason| reason.state() == state)
    }
}

/// An entry that is to be given up, and what is told of it.
pub(super) struct Casualty {
    id: StreamId,
    count: u64,
    reason: Reason,
    /// Who holds it; empty if nobody does.
    consumer: Vec<u8>,
    fields: Vec<Vec<u8>>,
}

impl Casualty {
    /// `None` if the stream has the entry no more: then there is nothing to keep.
    pub fn new(group: &Group, log: &Log, record: &Record, reason: Reason) -> Option<Casualty> {
        let entry = log.get(record.id)?;
        let fields = entry.fields().flat_map(|(name, value)| [name.to_vec(), value.to_vec()]);
        Some(Casualty {
            id: record.id,
            count: record.count,
            reason,
            consumer: group.owner_name(record.owner).to_vec(),
            fields: fields.collect(),
        })
    }

    /// About how much its effects take.
    pub fn bytes(&self) -> usize {
        const EACH_BYTES: usize = 32;
        const STORY_BYTES: usize = 512;
        let fields: usize = self.fields.iter().map(|field| field.len() + EACH_BYTES).sum();
        fields + self.consumer.len() + STORY_BYTES
    }
}

/// The shards that giving up entries of a group takes beside the stream's own.
pub(super) fn shards(cx: &Cx<'_, '_>, group: &Group) -> ShardSet {
    let dlq = group.policy().and_then(|policy| policy.dlq.as_deref());
    dlq.map_or(ShardSet::NONE, |dlq| cx.tx.keyspace().shard_of(dlq))
}

/// Gives entries of a group up, and records that. The shard of the group's dead-letter stream is
/// locked, or the entries are parked.
pub(super) fn give_up(cx: &mut Cx<'_, '_>, key: &[u8], name: &[u8], casualties: &[Casualty]) {
    const CHECKED: &str = "the group was there when its entries were looked at";
    for casualty in casualties {
        let is_moved = append(cx, key, name, casualty);
        let now_ms = cx.tx.recorded_ms();
        let stream = cx.tx.write::<Stream>(key).ok().flatten().expect(CHECKED);
        let (group, log) = stream.group_mut(name).expect(CHECKED);
        let mut places = Places::new(now_ms);
        if is_moved {
            places.finish(group, casualty.id);
        } else {
            let Casualty { id, count, reason, .. } = *casualty;
            let dead = Record { id, owner: reason.state(), time: now_ms as u64, count };
            places.put(group, log, dead);
        }
        places.record(cx.tx, key, name, b"");
    }
}

/// Appends an entry and its story to the group's dead-letter stream; whether that is done.
fn append(cx: &mut Cx<'_, '_>, key: &[u8], name: &[u8], casualty: &Casualty) -> bool {
    let now_ms = cx.tx.now_ms().to_string();
    let group = cx.tx.peek_as::<Stream>(key).ok().flatten().and_then(|stream| stream.group(name));
    let policy = group.and_then(Group::policy);
    let Some(dlq) = policy.and_then(|policy| policy.dlq.clone()) else { return false };
    if *dlq == *key || !cx.tx.locked().contains(cx.tx.keyspace().shard_of(&dlq)) {
        return false;
    }
    let (id, count) = (casualty.id.to_string(), casualty.count.to_string());
    let story: [&[u8]; 7] = [
        key,
        name,
        id.as_bytes(),
        casualty.reason.text(),
        count.as_bytes(),
        &casualty.consumer,
        now_ms.as_bytes(),
    ];
    let mut fields: Vec<&[u8]> = casualty.fields.iter().map(Vec::as_slice).collect();
    fields.extend(STORY.into_iter().zip(story).flat_map(|(name, value)| [name, value]));
    // It is never taken for one that was sent before: it would be lost.
    add_redriven(cx, &dlq, &fields, Redriven::ToAll)
}
