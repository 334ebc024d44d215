//! What stream commands leave in the journal where the command itself would not replay: outcomes,
//! with ids, times and counts settled.
//!
//! ```text
//! XDELIVER key group consumer at-ms count last-id [NOACK]   the next entries, to a consumer
//! XREDELIVER key group consumer at-ms start-id count        a consumer's own, once more
//! XASSIGN key group consumer at-ms last-id [id count …]     pending under a consumer
//! XPACE key group at-ms count                               deliveries that RATE counts
//! XRELEASE key group id count [id count …]                  pending without an owner, in order
//! ```

use std::ops::ControlFlow;

use super::args::{id, no_key_or_group};
use super::reply::IdText;
use super::retention;
use crate::command::args::integer;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::journal::EffectWriter;
use crate::keyspace::{EventClass, Tx};
use crate::types::stream::group::{Extent, Group};
use crate::types::stream::log::Log;
use crate::types::stream::pending::{Filter, Owner, Record};
use crate::types::stream::{Stream, StreamId};

/// The state is not the one that the effect was recorded on.
pub(super) const DOES_NOT_FIT: Error = Error::fixed("ERR the effect does not fit the state");

pub(super) fn deliver(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let at_ms = integer(args[4])? as u64;
    let count = integer(args[5])? as usize;
    let last_id = id(args[6], 0)?;
    let is_pending = args.len() == 7;
    let stream = stream_of(cx, args)?;
    let extent = stream.extent();
    let (group, log, consumer) = parties(stream, args)?;
    let mut entries = group.undelivered(log);
    let ids: Vec<StreamId> = entries.by_ref().take(count).map(|entry| entry.id()).collect();
    if ids.len() != count || ids.last() != Some(&last_id) {
        return Err(DOES_NOT_FIT);
    }
    if let Some(cursor) = entries.cursor() {
        group.set_cursor(cursor);
    }
    let to = is_pending.then_some(consumer);
    note_delivered(group, log, ids.into_iter(), &extent, to, at_ms);
    let due_ms = group.next_due_ms();
    cx.tx.arm(args[1], due_ms);
    done(cx, args[1])
}

pub(super) fn redeliver(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let at_ms = integer(args[4])? as u64;
    let start = id(args[5], 0)?;
    let count = integer(args[6])? as usize;
    let stream = stream_of(cx, args)?;
    let (group, log, consumer) = parties(stream, args)?;
    for record in own_records(group, consumer, start, count) {
        if log.contains(record.id) {
            group.redeliver(record, consumer, at_ms);
        }
    }
    let due_ms = group.next_due_ms();
    cx.tx.arm(args[1], due_ms);
    done(cx, args[1])
}

pub(super) fn assign(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let now_ms = cx.tx.now_ms() as u64;
    let at_ms = integer(args[4])? as u64;
    let last_id = id(args[5], 0)?;
    let records = ids_with_counts(&args[6..])?;
    let stream = stream_of(cx, args)?;
    let (group, log, consumer) = parties(stream, args)?;
    group.raise_last_delivered_id(last_id);
    if !records.is_empty() {
        group.note_active(consumer, now_ms);
    }
    for (id, count) in records {
        group.line_up(log, id);
        group.assign(id, consumer, at_ms, count);
    }
    let due_ms = group.next_due_ms();
    cx.tx.arm(args[1], due_ms);
    done(cx, args[1])
}

pub(super) fn pace(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (at_ms, count) = (integer(args[3])? as u64, integer(args[4])? as u64);
    let stream = stream_of(cx, args)?;
    let (group, _) = stream.group_mut(args[2]).ok_or(DOES_NOT_FIT)?;
    group.note_deliveries(at_ms, count);
    done(cx, args[1])
}

/// What an effect takes for the new place of one entry, at most: an id, an owner, a time and a count.
pub(super) const PLACED_BYTES: usize = 128;

pub(super) fn release(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let records = ids_with_counts(&args[3..])?;
    let stream = stream_of(cx, args)?;
    let (group, _) = stream.group_mut(args[2]).ok_or(DOES_NOT_FIT)?;
    for &(id, count) in &records {
        group.release(id, count);
    }
    done(cx, args[1])
}

/// Has a group's place pass over entries, and puts them under a consumer if one is to acknowledge
/// them.
pub(super) fn note_delivered(
    group: &mut Group,
    log: &Log,
    ids: impl Iterator<Item = StreamId>,
    extent: &Extent,
    to: Option<u32>,
    at_ms: u64,
) {
    for id in ids {
        group.advance(id, extent);
        if let Some(consumer) = to {
            group.line_up(log, id);
            group.assign(id, consumer, at_ms, 1);
        }
    }
    if let Some(consumer) = to {
        group.note_active(consumer, at_ms);
    }
}

/// Up to `count` of a consumer's pending entries from `start` on.
pub(super) fn own_records(
    group: &Group,
    consumer: u32,
    start: StreamId,
    count: usize,
) -> Vec<Record> {
    let mut records = Vec::new();
    let filter = Filter { owner: Some(Owner::consumer(consumer)), ..Filter::default() };
    if count > 0 {
        group.scan(start, filter, |record| {
            records.push(record);
            if records.len() < count { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
    }
    records
}

/// Counts and records that entries are pending under a consumer now, and where its group stands.
/// `to` is the group, the consumer and the time of delivery.
pub(super) fn record_assigned(
    tx: &mut Tx<'_>,
    key: &[u8],
    to: (&[u8], &[u8], u64),
    last_id: StreamId,
    records: &[(StreamId, u64)],
) {
    tx.changed_unwatched(key);
    let (group, consumer, at_ms) = to;
    if let Some(effect) = tx.effect(6 + records.len() * 2) {
        let effect = effect.args([b"XASSIGN" as &[u8], key, group, consumer]);
        let effect = effect.int(at_ms as i64).arg(IdText::new(last_id).as_bytes());
        write_ids_with_counts(effect, records).end();
    }
}

/// Counts and records that RATE counts so many deliveries now.
pub(super) fn record_paced(tx: &mut Tx<'_>, key: &[u8], group: &[u8], count: usize) {
    tx.changed_unwatched(key);
    let at_ms = tx.now_ms();
    if let Some(effect) = tx.effect(5) {
        let effect = effect.args([b"XPACE" as &[u8], key, group]);
        effect.int(at_ms).int(count as i64).end();
    }
}

/// Counts and records that entries are pending without an owner now.
pub(super) fn record_released(
    tx: &mut Tx<'_>,
    key: &[u8],
    group: &[u8],
    records: &[(StreamId, u64)],
) {
    tx.changed_unwatched(key);
    if let Some(effect) = tx.effect(3 + records.len() * 2) {
        let effect = effect.args([b"XRELEASE" as &[u8], key, group]);
        write_ids_with_counts(effect, records).end();
    }
    drop_expired(tx, key, group, records);
}

/// Has a group be done with those that have expired: without a policy there is no place for the dead.
fn drop_expired(tx: &mut Tx<'_>, key: &[u8], name: &[u8], records: &[(StreamId, u64)]) {
    let now_ms = tx.now_ms() as u64;
    let Ok(Some(stream)) = tx.write::<Stream>(key) else { return };
    if !stream.has_schedule() {
        return;
    }
    let mut expired: Vec<StreamId> = records.iter().map(|&(id, _)| id).collect();
    expired.retain(|&id| stream.has_expired(id, now_ms));
    if let Some((group, _)) = stream.group_mut(name) {
        expired.retain(|&id| group.acknowledge(id).is_some());
    }
    if !expired.is_empty() {
        record_acknowledged(tx, key, name, &expired);
        retention::settle(tx, key, &expired);
    }
}

/// Counts, records and tells that entries were deleted.
pub(super) fn record_deleted(tx: &mut Tx<'_>, key: &[u8], ids: &[StreamId]) {
    tx.changed(key);
    if let Some(effect) = tx.effect(2 + ids.len()) {
        let effect = effect.arg(b"XDEL").arg(key);
        ids.iter().fold(effect, |effect, &id| effect.arg(IdText::new(id).as_bytes())).end();
    }
    tx.notify(EventClass::STREAM, "xdel", key);
}

/// Counts and records that entries are no longer pending.
pub(super) fn record_acknowledged(tx: &mut Tx<'_>, key: &[u8], group: &[u8], ids: &[StreamId]) {
    tx.changed_unwatched(key);
    if let Some(effect) = tx.effect(3 + ids.len()) {
        let effect = effect.args([b"XACK" as &[u8], key, group]);
        ids.iter().fold(effect, |effect, &id| effect.arg(IdText::new(id).as_bytes())).end();
    }
}

fn write_ids_with_counts<'a>(
    effect: EffectWriter<'a>,
    records: &[(StreamId, u64)],
) -> EffectWriter<'a> {
    records.iter().fold(effect, |effect, &(id, count)| {
        effect.arg(IdText::new(id).as_bytes()).int(count as i64)
    })
}

fn ids_with_counts(args: &[&[u8]]) -> Result<Vec<(StreamId, u64)>, Error> {
    let pairs = args.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return Err(DOES_NOT_FIT);
    }
    pairs.map(|pair| Ok((id(pair[0], 0)?, integer(pair[1])? as u64))).collect()
}

fn stream_of<'a>(cx: &'a mut Cx<'_, '_>, args: &[&[u8]]) -> Result<&'a mut Stream, Error> {
    cx.tx.write::<Stream>(args[1])?.ok_or_else(|| no_key_or_group(args[1], args[2]))
}

/// The group, the log and the consumer's number of an effect that names all three.
fn parties<'a>(
    stream: &'a mut Stream,
    args: &[&[u8]],
) -> Result<(&'a mut Group, &'a Log, u32), Error> {
    let (group, log) = stream.group_mut(args[2]).ok_or(DOES_NOT_FIT)?;
    let consumer = group.consumer(args[3]).ok_or(DOES_NOT_FIT)?.number();
    Ok((group, log, consumer))
}

/// Ends the replay of an effect. It is counted as recorded again, which in a replay writes nothing.
fn done(cx: &mut Cx<'_, '_>, key: &[u8]) -> Outcome {
    cx.tx.changed_unwatched(key);
    cx.tx.record(&[]);
    Ok(())
}
