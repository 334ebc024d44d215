//! XCLAIM and XAUTOCLAIM: taking pending entries over.

use std::ops::ControlFlow;

use super::args::{id, no_key_or_group, range_start};
use super::claim_queue::{self, Claimant};
use super::effects::{PLACED_BYTES, record_acknowledged, record_assigned};
use super::force::may_make_record;
use super::pending::idle_filter;
use super::reply::{write_entry, write_id};
use super::retention;
use crate::command::args::{integer_in, is, parse_i64};
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::journal::Class;
use crate::keyspace::{EventClass, Tx};
use crate::resp::Reply;
use crate::types::stream::group::{Consumer, DELIVERIES_MAX, Group};
use crate::types::stream::log::Log;
use crate::types::stream::pending::{Filter, Record};
use crate::types::stream::{Stream, StreamId};

/// Pending entries that one XAUTOCLAIM looks at for each that it may claim, where it has to look
/// at all to find those that the stream no longer has.
const LOOKS_EACH: usize = 10;

/// The options of XCLAIM.
pub(super) struct Options {
    pub delivered_at_ms: i64,
    /// Sets the count of deliveries.
    pub count: Option<u64>,
    pub force: bool,
    pub just_id: bool,
    pub last_id: Option<StreamId>,
}

/// What a claim did, to be recorded.
#[derive(Default)]
pub(super) struct Claimed {
    /// Ids with their counts of deliveries now.
    pub assigned: Vec<(StreamId, u64)>,
    /// Pending entries that the stream no longer has.
    pub gone: Vec<StreamId>,
}

pub(super) fn xclaim(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (key, name, consumer_name) = (args[1], args[2], args[3]);
    let now_ms = cx.tx.now_ms();
    let stream = cx.tx.write::<Stream>(key)?;
    let found = stream.and_then(|stream| stream.reading(name));
    let (group, log, times) = found.ok_or_else(|| no_key_or_group(key, name))?;
    let idle_ms_min = min_idle(args[4], "XCLAIM")?;
    let ids_end = 5 + args[5..].iter().take_while(|text| id(text, 0).is_ok()).count();
    let ids: Vec<StreamId> = super::args::ids(&args[5..ids_end])?;
    let options = options(&args[ids_end..], now_ms)?;
    if group.policy().is_some() {
        let claimant = Claimant { key, group: name, consumer: consumer_name, idle_ms_min };
        return claim_queue::claim(cx, &claimant, &ids, &options);
    }

    let before_id = group.last_delivered_id();
    if let Some(last_id) = options.last_id {
        group.raise_last_delivered_id(last_id);
    }
    let last_id = group.last_delivered_id();
    let (consumer, is_new) = consumer_of(group, consumer_name, now_ms);
    let mut claimed = Claimed::default();
    for id in ids {
        let known = group.pending().get(id);
        if !log.contains(id) {
            if known.is_some() {
                group.acknowledge(id);
                claimed.gone.push(id);
            }
            continue;
        }
        let before = match known {
            Some(record) if !is_idle(record, now_ms, idle_ms_min) => continue,
            Some(record) => record.count,
            // As if it had been delivered once, to nobody.
            None if options.force && may_make_record(group, log, times, id) => 1,
            None => continue,
        };
        let count = match options.count {
            Some(count) => count,
            None if options.just_id => before,
            None => (before + 1).min(DELIVERIES_MAX),
        };
        group.assign(id, consumer, options.delivered_at_ms as u64, count);
        claimed.assigned.push((id, count));
    }
    note_claimed(group, consumer, &claimed, now_ms);
    write_claimed(&mut cx.reply, log, &claimed.assigned, options.just_id);
    let to = (name, consumer_name, options.delivered_at_ms as u64);
    let place_moved = last_id != before_id;
    record_claimed(cx.tx, key, to, last_id, &claimed, is_new, place_moved);
    if place_moved {
        retention::groups_moved(cx.tx, key);
    }
    if options.delivered_at_ms < now_ms {
        // Who waits to claim may now find it idle for long enough.
        cx.tx.signal(key);
    }
    Ok(())
}

pub(super) fn xautoclaim(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (key, name, consumer_name) = (args[1], args[2], args[3]);
    let now_ms = cx.tx.now_ms();
    let idle_ms_min = min_idle(args[4], "XAUTOCLAIM")?;
    let start = range_start(args[5])?;
    let (count, just_id) = auto_options(&args[6..])?;
    let group = cx.tx.peek_as::<Stream>(key)?.and_then(|stream| stream.group(name));
    let pending = group.map_or(0, |group| group.pending().len() as usize);
    cx.hold_room(Class::Drain, count.min(pending).saturating_mul(PLACED_BYTES))?;
    let stream = cx.tx.write::<Stream>(key)?;
    let stream = stream.filter(|stream| stream.group(name).is_some());
    let stream = stream.ok_or_else(|| no_key_or_group(key, name))?;
    let has_holes = may_have_holes(stream, name);
    let (group, log) = stream.group_mut(name).ok_or_else(|| no_key_or_group(key, name))?;

    let scan = if has_holes {
        scan_all(group, log, start, count, now_ms, idle_ms_min)
    } else {
        scan_idle(group, start, count, now_ms, idle_ms_min)
    };
    if group.policy().is_some() {
        let claimant = Claimant { key, group: name, consumer: consumer_name, idle_ms_min };
        return claim_queue::auto_claim(cx, &claimant, scan, just_id);
    }
    let (consumer, is_new) = consumer_of(group, consumer_name, now_ms);
    let mut claimed = Claimed { gone: scan.gone, ..Claimed::default() };
    for record in scan.found {
        let count = record.count + u64::from(!just_id);
        let count = count.min(DELIVERIES_MAX);
        group.assign(record.id, consumer, now_ms as u64, count);
        claimed.assigned.push((record.id, count));
    }
    for &id in &claimed.gone {
        group.acknowledge(id);
    }
    note_claimed(group, consumer, &claimed, now_ms);
    let last_id = group.last_delivered_id();

    cx.reply.array(3);
    write_id(&mut cx.reply, scan.next.unwrap_or(StreamId::MIN));
    write_claimed(&mut cx.reply, log, &claimed.assigned, just_id);
    cx.reply.array(claimed.gone.len());
    for &id in &claimed.gone {
        write_id(&mut cx.reply, id);
    }
    let to = (name, consumer_name, now_ms as u64);
    record_claimed(cx.tx, key, to, last_id, &claimed, is_new, false);
    Ok(())
}

fn min_idle(text: &[u8], command: &str) -> Result<i64, Error> {
    parse_i64(text)
        .ok_or_else(|| Error::new(format!("ERR Invalid min-idle-time argument for {command}")))
}

fn options(args: &[&[u8]], now_ms: i64) -> Result<Options, Error> {
    let mut options = Options {
        delivered_at_ms: now_ms,
        count: None,
        force: false,
        just_id: false,
        last_id: None,
    };
    let invalid =
        |option: &str| Error::new(format!("ERR Invalid {option} option argument for XCLAIM"));
    let mut rest = args;
    while let [word, others @ ..] = rest {
        rest = match others {
            rest if is(word, "FORCE") => {
                options.force = true;
                rest
            }
            rest if is(word, "JUSTID") => {
                options.just_id = true;
                rest
            }
            [value, rest @ ..] if is(word, "IDLE") => {
                let idle_ms = parse_i64(value).ok_or_else(|| invalid("IDLE"))?;
                options.delivered_at_ms = now_ms.wrapping_sub(idle_ms);
                rest
            }
            [value, rest @ ..] if is(word, "TIME") => {
                options.delivered_at_ms = parse_i64(value).ok_or_else(|| invalid("TIME"))?;
                rest
            }
            [value, rest @ ..] if is(word, "RETRYCOUNT") => {
                let count = parse_i64(value).ok_or_else(|| invalid("RETRYCOUNT"))?;
                options.count = u64::try_from(count).ok();
                rest
            }
            [value, rest @ ..] if is(word, "LASTID") => {
                options.last_id = Some(id(value, 0)?);
                rest
            }
            _ => {
                let head: &[u8] = b"ERR Unrecognized XCLAIM option '";
                return Err(Error::new([head, word, b"'"].concat()));
            }
        };
    }
    // No delivery lies ahead, nor before the beginning of time.
    if !(0..=now_ms).contains(&options.delivered_at_ms) {
        options.delivered_at_ms = now_ms;
    }
    Ok(options)
}

/// COUNT and JUSTID of XAUTOCLAIM.
fn auto_options(args: &[&[u8]]) -> Result<(usize, bool), Error> {
    const COUNT_DEFAULT: usize = 100;
    /// As many as Redis has room to note.
    const COUNT_MAX: i64 = i64::MAX / 16;
    let (mut count, mut just_id) = (COUNT_DEFAULT, false);
    let mut rest = args;
    while let [word, others @ ..] = rest {
        rest = match others {
            [value, rest @ ..] if is(word, "COUNT") => {
                let error = Error::fixed("ERR COUNT must be > 0");
                count = integer_in(value, 1, COUNT_MAX, error)? as usize;
                rest
            }
            rest if is(word, "JUSTID") => {
                just_id = true;
                rest
            }
            _ => return Err(Error::SYNTAX),
        };
    }
    Ok((count, just_id))
}

/// The consumer of a name, made if need be, and whether it was.
pub(super) fn consumer_of(group: &mut Group, name: &[u8], now_ms: i64) -> (u32, bool) {
    let known = group.consumer(name).map(Consumer::number);
    let consumer = known.unwrap_or_else(|| {
        group.create_consumer(name, now_ms as u64).expect("there was none of this name")
    });
    group.see_consumer(consumer, now_ms as u64);
    (consumer, known.is_none())
}

fn note_claimed(group: &mut Group, consumer: u32, claimed: &Claimed, now_ms: i64) {
    if !claimed.assigned.is_empty() {
        group.note_active(consumer, now_ms as u64);
    }
}

fn is_idle(record: Record, now_ms: i64, idle_ms_min: i64) -> bool {
    record.owner.is_unowned() || now_ms - record.time as i64 >= idle_ms_min
}

/// Whether some pending entry of a group may be gone from the stream: trimmed off its start, or
/// deleted from its middle.
fn may_have_holes(stream: &Stream, name: &[u8]) -> bool {
    let pending = stream.group(name).and_then(|group| group.pending().first_id());
    pending.is_some_and(|first| {
        stream.log().first_id().is_none_or(|in_log| first < in_log)
            || stream.max_deleted_id() >= first
    })
}

/// What XAUTOCLAIM finds in one call.
#[derive(Default)]
pub(super) struct Scan {
    pub found: Vec<Record>,
    pub gone: Vec<StreamId>,
    /// Where to go on.
    pub next: Option<StreamId>,
}

/// Looks at one pending entry after another, as Redis does: also one that is not idle yet is
/// cleared away if the stream no longer has it.
fn scan_all(
    group: &Group,
    log: &Log,
    start: StreamId,
    count: usize,
    now_ms: i64,
    idle_ms_min: i64,
) -> Scan {
    let mut scan = Scan::default();
    let mut looks = count.saturating_mul(LOOKS_EACH);
    scan.next = group.scan(start, Filter::default(), |record| {
        if looks == 0 || scan.found.len() + scan.gone.len() == count {
            return ControlFlow::Break(record.id);
        }
        looks -= 1;
        if !log.contains(record.id) {
            scan.gone.push(record.id);
        } else if is_idle(record, now_ms, idle_ms_min)
            && (record.owner.is_free() || !record.owner.is_unowned())
        {
            scan.found.push(record);
        }
        ControlFlow::Continue(())
    });
    scan
}

/// Goes straight to what is idle.
fn scan_idle(group: &Group, start: StreamId, count: usize, now_ms: i64, idle_ms_min: i64) -> Scan {
    let mut scan = Scan::default();
    let filter = Filter { only_free: true, ..idle_filter(None, now_ms, idle_ms_min) };
    group.scan(start, filter, |record| {
        scan.found.push(record);
        if scan.found.len() < count { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    if scan.found.len() == count
        && let Some(behind) = scan.found.last().and_then(|last| last.id.next())
    {
        scan.next = group.scan(behind, Filter::default(), |record| ControlFlow::Break(record.id));
    }
    scan
}

pub(super) fn write_claimed(
    reply: &mut Reply<'_>,
    log: &Log,
    assigned: &[(StreamId, u64)],
    just_id: bool,
) {
    reply.array(assigned.len());
    for &(id, _) in assigned {
        if just_id {
            write_id(reply, id);
        } else {
            let entry = log.get(id).expect("an entry is claimed only while the stream has it");
            write_entry(reply, &entry);
        }
    }
}

/// Records what a claim changed, if it did. `place_moved`: the group's place was set.
pub(super) fn record_claimed(
    tx: &mut Tx<'_>,
    key: &[u8],
    to: (&[u8], &[u8], u64),
    last_id: StreamId,
    claimed: &Claimed,
    consumer_is_new: bool,
    place_moved: bool,
) {
    let (group, consumer, _) = to;
    if consumer_is_new {
        tx.changed_unwatched(key);
        tx.record(&[b"XGROUP", b"CREATECONSUMER", key, group, consumer]);
        tx.notify(EventClass::STREAM, "xgroup-createconsumer", key);
    }
    if !claimed.gone.is_empty() {
        record_acknowledged(tx, key, group, &claimed.gone);
    }
    if place_moved || !claimed.assigned.is_empty() {
        record_assigned(tx, key, to, last_id, &claimed.assigned);
    }
}
