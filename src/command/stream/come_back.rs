//! Entries that come back to their group: their lease has run out, or they were deferred until now.

use super::dead_letter::{self, Casualty, Reason};
use super::effects::own_records;
use super::places::Places;
use crate::command::cx::Cx;
use crate::keyspace::{PutOff, Tx};
use crate::types::stream::group::{Consumer, Group};
use crate::types::stream::log::Log;
use crate::types::stream::pending::{Owner, Record};
use crate::types::stream::policy::{Backoff, GroupPolicy};
use crate::types::stream::{Stream, StreamId};

/// Entries of one kind that are looked after in one step.
const ENTRIES_PER_STEP: usize = 64;
/// What the effect of one entry that comes back takes, at most, bytes.
const PLACE_BYTES: usize = 128;

/// When an entry that has failed for the `count`th time may go out again, if it failed at `at_ms`.
pub(super) fn due_after_failure(tx: &Tx<'_>, policy: &GroupPolicy, count: u64, at_ms: u64) -> u64 {
    let Backoff { max_ms, .. } = policy.backoff();
    let delay_ms = policy.backoff().delay_ms(count.max(1));
    if delay_ms == 0 {
        return at_ms;
    }
    // A tenth less to a tenth more, so that what failed together does not come back together; the
    // maximum is one.
    let spread_ms = delay_ms / 10;
    let most_ms = (delay_ms + spread_ms).min(max_ms);
    let least_ms = delay_ms - spread_ms;
    at_ms + least_ms + tx.keyspace().random() % (most_ms - least_ms + 1)
}

/// Whether an entry that was delivered so often is not to be delivered again.
pub(super) fn is_used_up(group: &Group, count: u64) -> bool {
    let max = group.policy().and_then(|policy| policy.max_deliveries);
    max.is_some_and(|max| count >= max)
}

/// What is to be done about one group.
#[derive(Default)]
struct Due {
    /// With where they go.
    back: Vec<Record>,
    /// Their entries are gone.
    gone: Vec<Record>,
    dead: Vec<Casualty>,
}

/// Has deferred entries of a group become ready, and takes back those whose lease has run out; not
/// all at once if they are many.
///
/// # Errors
/// Nothing was done.
pub(super) fn settle(cx: &mut Cx<'_, '_>, key: &[u8], name: &[u8]) -> Result<(), PutOff> {
    let Ok(Some(stream)) = cx.tx.peek_as::<Stream>(key) else { return Ok(()) };
    let Some(group) = stream.group(name) else { return Ok(()) };
    let due = find_due(cx.tx, group, stream.log());
    if !due.dead.is_empty() {
        let needed = dead_letter::shards(cx, group);
        if !cx.tx.locked().contains(needed) {
            return Err(PutOff::Locks(needed.union(cx.tx.locked())));
        }
    }
    let bytes = (due.back.len() + due.gone.len()) * PLACE_BYTES + key.len() + name.len();
    let bytes = bytes + due.dead.iter().map(Casualty::bytes).sum::<usize>();
    let _room = cx.server.store.reserve_bytes(true, bytes).map_err(|_| PutOff::NoRoom)?;
    let now_ms = cx.tx.recorded_ms();
    let Some(stream) = cx.tx.write::<Stream>(key).ok().flatten() else { return Ok(()) };
    let Some((group, log)) = stream.group_mut(name) else { return Ok(()) };
    let mut places = Places::new(now_ms);
    due.gone.iter().for_each(|record| places.finish(group, record.id));
    due.back.iter().for_each(|&record| places.put(group, log, record));
    places.record(cx.tx, key, name, b"");
    dead_letter::give_up(cx, key, name, &due.dead);
    Ok(())
}

fn find_due(tx: &Tx<'_>, group: &Group, log: &Log) -> Due {
    let now_ms = tx.now_ms() as u64;
    let mut due = Due::default();
    for record in group.pending().due_by(now_ms).take(ENTRIES_PER_STEP) {
        due.back.push(Record { owner: Owner::READY, ..record });
    }
    let Some(policy) = group.policy() else { return due };
    let Some(lease_ms) = policy.lease_ms else { return due };
    let Some(by_ms) = now_ms.checked_sub(lease_ms) else { return due };
    for record in group.pending().delivered_by(by_ms).take(ENTRIES_PER_STEP) {
        if !log.contains(record.id) {
            due.gone.push(record);
        } else if is_used_up(group, record.count) {
            due.dead.extend(Casualty::new(group, log, &record, Reason::MaxDeliveries));
        } else {
            let lapsed_ms = record.time + lease_ms;
            let due_ms = due_after_failure(tx, policy, record.count, lapsed_ms);
            due.back.push(waiting(record, due_ms, now_ms));
        }
    }
    due
}

/// A record that no consumer has, and that goes out at `due_ms` or behind it.
pub(super) fn waiting(record: Record, due_ms: u64, now_ms: u64) -> Record {
    let owner = if due_ms <= now_ms { Owner::READY } else { Owner::DEFERRED };
    Record { owner, time: due_ms, ..record }
}

/// Takes back all that a consumer holds, which is about to go: it is ready again, its count kept, or
/// given up where that was its last delivery. False, and nothing done, if that takes more shards.
pub(super) fn take_back(cx: &mut Cx<'_, '_>, key: &[u8], name: &[u8], consumer: &[u8]) -> bool {
    let Ok(Some(stream)) = cx.tx.peek_as::<Stream>(key) else { return true };
    let Some(group) = stream.group(name) else { return true };
    let Some(number) = group.consumer(consumer).map(Consumer::number) else { return true };
    let now_ms = cx.tx.now_ms() as u64;
    let (mut back, mut gone, mut dead) = (Vec::new(), Vec::new(), Vec::new());
    for record in own_records(group, number, StreamId::MIN, usize::MAX) {
        if !stream.log().contains(record.id) {
            gone.push(record.id);
        } else if is_used_up(group, record.count) {
            dead.extend(Casualty::new(group, stream.log(), &record, Reason::MaxDeliveries));
        } else {
            back.push(waiting(record, now_ms, now_ms));
        }
    }
    if !dead.is_empty() && !cx.reach(dead_letter::shards(cx, group)) {
        return false;
    }
    let mut places = Places::new(now_ms as i64);
    let stream = cx.tx.write::<Stream>(key).ok().flatten();
    if let Some((group, log)) = stream.and_then(|stream| stream.group_mut(name)) {
        gone.into_iter().for_each(|id| places.finish(group, id));
        back.into_iter().for_each(|record| places.put(group, log, record));
    }
    places.record(cx.tx, key, name, b"");
    dead_letter::give_up(cx, key, name, &dead);
    cx.tx.signal(key);
    true
}
