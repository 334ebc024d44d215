//! What a stream sheds by itself: entries beyond its length or age, and those that everybody is done
//! with.

use super::effects::record_deleted;
use super::filter;
use super::trim::Trimmed;
use crate::keyspace::{EventClass, Tx};
use crate::types::stream::log::{Trim, TrimBy};
use crate::types::stream::pending::Record;
use crate::types::stream::{Deletion, RefPolicy, Stream, StreamId};

/// Entries that are removed, or looked at, in one step.
const ENTRIES_PER_STEP: usize = 256;

/// Removes entries that are too many, some of them if they are far too many.
pub(super) fn trim_by_length(stream: &mut Stream) -> Option<Trimmed> {
    let policy = stream.policy()?;
    let max_len = policy.max_len.filter(|_| policy.drops_oldest())?;
    let excess = stream.log().len().checked_sub(max_len)?;
    if excess == 0 {
        return None;
    }
    let by = if excess <= ENTRIES_PER_STEP as u64 {
        TrimBy::MaxLen(max_len)
    } else {
        TrimBy::MinId(first_to_stay(stream)?)
    };
    trim(stream, by)
}

/// Removes entries that are too old, some of them if they are many.
fn trim_by_age(stream: &mut Stream, now_ms: u64) -> Option<Trimmed> {
    let age_ms = stream.policy()?.age_limit_ms()?;
    let oldest = StreamId { ms: (now_ms + 1).checked_sub(age_ms)?, seq: 0 };
    if stream.log().first_id()? >= oldest {
        return None;
    }
    let bound = first_to_stay(stream).map_or(oldest, |id| id.min(oldest));
    trim(stream, TrimBy::MinId(bound))
}

/// Where a step ends that removes entries from the front.
fn first_to_stay(stream: &Stream) -> Option<StreamId> {
    let mut all = stream.log().range(StreamId::MIN, StreamId::MAX);
    all.nth(ENTRIES_PER_STEP).map(|entry| entry.id())
}

fn trim(stream: &mut Stream, by: TrimBy) -> Option<Trimmed> {
    let trim = Trim { by, approximate: false, limit: 0 };
    Trimmed::by(stream, trim, RefPolicy::default())
}

/// Finds out what is to be done after a change of policies, groups or cursors, and does some of it.
pub(super) fn groups_moved(tx: &mut Tx<'_>, key: &[u8]) {
    let Ok(Some(stream)) = tx.write::<Stream>(key) else { return };
    stream.groups_moved();
    if !tx.is_replaying() {
        filter::pass_unwanted(tx, key);
    }
    let due_ms = tx.peek_as::<Stream>(key).ok().flatten().map(Stream::next_due_ms);
    due_ms.into_iter().for_each(|due_ms| tx.arm(key, due_ms));
}

/// Does some of what the policy of the stream at `key` asks for.
pub(super) fn shed(tx: &mut Tx<'_>, key: &[u8]) {
    let now_ms = tx.now_ms() as u64;
    let Ok(Some(stream)) = tx.write::<Stream>(key) else { return };
    for trimmed in [trim_by_length(stream), trim_by_age(stream, now_ms)].into_iter().flatten() {
        tx.changed(key);
        if let Some(effect) = tx.effect(2 + trimmed.effect_args()) {
            trimmed.write(effect.arg(b"XTRIM").arg(key)).end();
        }
        tx.notify(EventClass::STREAM, "xtrim", key);
    }
    sweep(tx, key);
}

/// Looks at some entries of a stream in which any may be one that everybody is done with.
fn sweep(tx: &mut Tx<'_>, key: &[u8]) {
    let Ok(Some(stream)) = tx.write::<Stream>(key) else { return };
    let Some(from) = stream.sweep_from() else { return };
    let entries = stream.log().range(from, StreamId::MAX).take(ENTRIES_PER_STEP);
    let ids: Vec<StreamId> = entries.map(|entry| entry.id()).collect();
    let next = ids.last().filter(|_| ids.len() == ENTRIES_PER_STEP).and_then(|id| id.next());
    stream.sweep_on(next);
    settle(tx, key, &ids);
}

/// What changes of one group's pending entries bring about: an entry that it is done with may go, and
/// one that has expired and came back is judged again.
pub(super) fn moved(tx: &mut Tx<'_>, key: &[u8], moves: &[(StreamId, Option<Record>)]) {
    let Ok(Some(stream)) = tx.peek_as::<Stream>(key) else { return };
    if !stream.may_shed() {
        return;
    }
    recall(tx, key, moves.iter().filter_map(|(_, record)| *record));
    let done: Vec<StreamId> =
        moves.iter().filter(|(_, record)| record.is_none()).map(|&(id, _)| id).collect();
    settle(tx, key, &done);
}

/// Has expired entries that came back judged again.
pub(super) fn recall(tx: &mut Tx<'_>, key: &[u8], records: impl Iterator<Item = Record>) {
    let now_ms = tx.now_ms();
    let Ok(Some(stream)) = tx.write::<Stream>(key) else { return };
    if !stream.has_schedule() {
        return;
    }
    let mut is_any = false;
    for record in records {
        let came_back = record.owner.is_unowned() && !record.owner.is_dead();
        is_any |= came_back && stream.recall(record.id);
    }
    if is_any {
        tx.arm(key, now_ms);
    }
}

/// Removes what is over of the entries behind `from` up to `to`, which a group's cursor has passed; and
/// has it pass on where it stands before entries now that are not for the group.
pub(super) fn settle_passed(tx: &mut Tx<'_>, key: &[u8], from: StreamId, to: StreamId) {
    let Ok(Some(stream)) = tx.peek_as::<Stream>(key) else { return };
    let Some(from) = from.next().filter(|&from| from <= to) else { return };
    let has_filters = stream.has_filters();
    if stream.may_shed() {
        let ids: Vec<StreamId> = stream.log().range(from, to).map(|entry| entry.id()).collect();
        settle(tx, key, &ids);
    }
    if has_filters && !tx.is_replaying() {
        filter::pass_unwanted(tx, key);
    }
}

/// Removes those of `ids` that nobody wants any more: a group was done with each, or passed it. Who stood
/// before them passes on.
pub(super) fn settle(tx: &mut Tx<'_>, key: &[u8], ids: &[StreamId]) {
    remove_over(tx, key, ids);
    filter::pass_on(tx, key);
}

/// Removes those of `ids` that nobody wants any more.
pub(super) fn remove_over(tx: &mut Tx<'_>, key: &[u8], ids: &[StreamId]) {
    // In a replay an effect says so.
    if ids.is_empty() || tx.is_replaying() {
        return;
    }
    let Ok(Some(stream)) = tx.write::<Stream>(key) else { return };
    if !stream.may_shed() {
        return;
    }
    let mut gone = ids.to_vec();
    gone.retain(|&id| {
        stream.is_over(id) && stream.delete(id, RefPolicy::default()) == Deletion::Deleted
    });
    if gone.is_empty() {
        return;
    }
    record_deleted(tx, key, &gone);
}
