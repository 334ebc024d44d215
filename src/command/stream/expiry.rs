//! Entries that outlive their TTL.
//!
//! When an entry expires each group that there is judges it once: what waits to be delivered there is
//! given up, and what a consumer holds stays with it until it comes back. The entry leaves the stream
//! when no group holds it any more.
//!
//! ```text
//! XEXPIRED key id…   the groups have judged these entries
//! ```

use super::chores::UPKEEP_BYTES;
use super::dead_letter::{self, Casualty, Reason};
use super::filter::{self, admits};
use super::places::Places;
use super::reply::IdText;
use super::{args, retention};
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::keyspace::{PutOff, ShardSet};
use crate::types::stream::group::Group;
use crate::types::stream::log::Log;
use crate::types::stream::pending::{Owner, Record};
use crate::types::stream::{Stream, StreamId, Times};

/// Entries that are judged in one step.
const ENTRIES_PER_STEP: usize = 16;
/// What is recorded of an entry beside what is recorded of each group, at most, bytes.
const ENTRY_BYTES: usize = 512;
/// What each field of it takes beside its name and value.
const FIELD_BYTES: usize = 64;

/// What becomes of an expired entry in one group.
enum Sentence {
    /// It is to be given up.
    GiveUp(Record),
    /// The group has no place for the dead, and is done with it.
    Drop,
    /// Nothing now: a consumer holds it, or it is dead already, or done with.
    Stay,
}

/// Has groups judge entries that have expired, some of them if they are many.
///
/// # Errors
/// Nothing was done.
pub(super) fn judge(cx: &mut Cx<'_, '_>, key: &[u8]) -> Result<(), PutOff> {
    let now_ms = cx.tx.recorded_ms() as u64;
    let Ok(Some(stream)) = cx.tx.peek_as::<Stream>(key) else { return Ok(()) };
    let ids: Vec<StreamId> = stream.expiring(now_ms).take(ENTRIES_PER_STEP).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let needed: ShardSet =
        stream.groups().map(|(_, group)| dead_letter::shards(cx, group)).collect();
    if !cx.tx.locked().contains(needed) {
        return Err(PutOff::Locks(needed.union(cx.tx.locked())));
    }
    let bytes = stream.groups().len() * ids.len() * ENTRY_BYTES;
    let of_entry = |&id: &StreamId| {
        stream.log().get(id).map_or(0, |it| it.payload_bytes() + it.field_count() * FIELD_BYTES)
    };
    let entries: usize = ids.iter().map(of_entry).sum();
    let bytes = bytes + stream.groups().len() * entries + ids.len() * ENTRY_BYTES;
    let bytes = bytes + if stream.has_filters() { UPKEEP_BYTES } else { 0 };
    let _room = cx.server.store.reserve_bytes(true, bytes).map_err(|_| PutOff::NoRoom)?;
    let names: Vec<Box<[u8]>> = stream.groups().map(|(name, _)| name.into()).collect();
    for name in &names {
        judge_in(cx, key, name, &ids);
    }
    let Ok(Some(stream)) = cx.tx.write::<Stream>(key) else { return Ok(()) };
    ids.iter().for_each(|&id| _ = stream.note_expired(id));
    cx.tx.changed(key);
    if let Some(effect) = cx.tx.effect(2 + ids.len()) {
        let effect = effect.arg(b"XEXPIRED").arg(key);
        ids.iter().fold(effect, |effect, &id| effect.arg(IdText::new(id).as_bytes())).end();
    }
    // Groups with FILTER pass it while it is still there.
    filter::pass_unwanted(cx.tx, key);
    retention::settle(cx.tx, key, &ids);
    Ok(())
}

/// Has one group judge entries.
fn judge_in(cx: &mut Cx<'_, '_>, key: &[u8], name: &[u8], ids: &[StreamId]) {
    let now_ms = cx.tx.recorded_ms();
    let Ok(Some(stream)) = cx.tx.write::<Stream>(key) else { return };
    let Some((group, log, times)) = stream.reading(name) else { return };
    let mut casualties = Vec::new();
    let mut places = Places::new(now_ms);
    for &id in ids {
        // Of what comes back only the groups that hold it are asked.
        let is_recalled = times.is_recalled(id);
        let is_new = !is_recalled && is_awaited(group, log, times, id);
        match sentence(group, id, is_new, now_ms as u64) {
            // An ended policy has left it behind, which has judged it.
            Sentence::Drop if is_recalled && is_released(group, id) => {}
            Sentence::GiveUp(record) => {
                casualties.extend(Casualty::new(group, log, &record, Reason::Expired));
            }
            Sentence::Drop => places.finish(group, id),
            Sentence::Stay => {}
        }
    }
    places.record(cx.tx, key, name, b"");
    dead_letter::give_up(cx, key, name, &casualties);
}

/// Whether the group's cursor is to come to an entry that is for this group.
fn is_awaited(group: &Group, log: &Log, times: Times<'_>, id: StreamId) -> bool {
    let is_admitted = || log.get(id).is_some_and(|entry| admits(group, &entry));
    id > group.last_delivered_id()
        && !times.is_for_others(id)
        && (times.is_addressed(id) || is_admitted())
}

fn is_released(group: &Group, id: StreamId) -> bool {
    group.pending().get(id).is_some_and(|record| record.owner == Owner::RELEASED)
}

fn sentence(group: &Group, id: StreamId, is_new: bool, now_ms: u64) -> Sentence {
    let has_policy = group.policy().is_some();
    match group.pending().get(id) {
        Some(record) if !record.owner.is_unowned() || record.owner.is_dead() => Sentence::Stay,
        Some(record) if has_policy => Sentence::GiveUp(record),
        Some(_) => Sentence::Drop,
        None if has_policy && is_new => {
            // Given up without ever having been out.
            Sentence::GiveUp(Record { id, owner: Owner::READY, time: now_ms, count: 0 })
        }
        None => Sentence::Stay,
    }
}

/// `XEXPIRED key id…`
pub(super) fn xexpired(cx: &mut Cx<'_, '_>, words: &[&[u8]]) -> Outcome {
    let ids = args::ids(&words[2..])?;
    let stream = cx.tx.write::<Stream>(words[1])?.ok_or(Error::NO_SUCH_KEY)?;
    for id in ids {
        stream.note_expired(id);
    }
    cx.tx.changed(words[1]);
    cx.tx.record(&[]);
    Ok(())
}
