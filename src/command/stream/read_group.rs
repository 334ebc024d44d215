//! XREADGROUP: delivering entries to a consumer.
//!
//! A read of `>` delivers what the group was never given, after taking over what has been idle for
//! long if CLAIM asks for it. A read of an id shows the consumer's own pending entries again. All
//! keys are checked before anything is changed. Each stream's part is one effect with its outcome.

use std::ops::ControlFlow;

use smallvec::SmallVec;

use super::args::{self, no_key_or_group_to_read};
use super::come_back::is_used_up;
use super::dead_letter::{self, Casualty, Reason};
use super::effects::{
    PLACED_BYTES, note_delivered, own_records, record_acknowledged, record_assigned,
};
use super::pending::delivered_by_ms;
use super::read_options::ReadOptions;
use super::reply::{IdText, write_deleted_entry, write_entry, write_entry_items};
use super::retention;
use super::take::take;
use crate::command::cx::{AtDeadline, Blocking, Cx};
use crate::command::error::{Error, Outcome};
use crate::journal;
use crate::keyspace::{Class, EventClass, NEVER, ShardSet, Tx, Wait};
use crate::resp::{Proto, Reply};
use crate::types::stream::group::{Consumer, DELIVERIES_MAX, Group};
use crate::types::stream::log::{Entry, Log};
use crate::types::stream::pending::{Filter, Owner, Record};
use crate::types::stream::{Stream, StreamId};

/// Pending entries that the stream no longer has and that one CLAIM clears away.
const CLEARED_MAX: usize = 1000;

/// For so many entries there is room in what a command is let in with.
const FEW: u64 = 8;

/// Why a stream or group cannot be missing.
const CHECKED: &str = "all keys and groups were checked first";

/// What is read of one stream.
#[derive(Clone, Copy)]
enum Wanted {
    /// `>`
    New,
    /// The consumer's own from this id on.
    Own(StreamId),
}

pub(super) fn xreadgroup(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let mut options = ReadOptions::parse(args, cx.tx.now_ms())?;
    let mut wanted = SmallVec::<[Wanted; 4]>::new();
    for (&key, id) in options.keys.iter().zip(options.ids) {
        let stream = cx.tx.read::<Stream>(key)?;
        if stream.is_none_or(|stream| stream.group(options.group).is_none()) {
            return Err(no_key_or_group_to_read(key, options.group));
        }
        wanted.push(parse_wanted(id)?);
    }
    if options.keys.len() > 1 && !reach_all(cx, &options) {
        return Ok(());
    }
    hold_room(cx, &options)?;
    let served = read_streams(cx, &mut options, &wanted);
    if served || cx.tx.lacks_shards() {
        return Ok(());
    }
    match options.block {
        Some(deadline_ms) => {
            let group = options.group.into();
            let class = match options.claim_idle_ms {
                Some(idle_ms) => Class::StreamClaim(group, idle_ms),
                None => Class::StreamGroup(group),
            };
            let keys = options.keys.iter().map(|&key| key.into()).collect();
            let look_again_ms = claimable_at(cx.tx, &options);
            cx.block_with(Blocking {
                wait: Wait { keys, class },
                deadline_ms,
                at_deadline: AtDeadline::NullArray,
                retry_args: None,
                look_again_ms,
            });
        }
        None => cx.reply.null_array(),
    }
    Ok(())
}

/// Holds room for what a read of many entries leaves behind, where each of them has a place in the effect:
/// in a group with states, or with CLAIM. What is delivered else is told by its ends.
fn hold_room(cx: &mut Cx<'_, '_>, options: &ReadOptions<'_, '_>) -> Outcome {
    let wanted = options.count.min(options.room.entries);
    if wanted <= FEW {
        return Ok(());
    }
    let places = options.keys.iter().map(|key| {
        let stream = cx.tx.peek_as::<Stream>(key).ok().flatten();
        let group = stream.and_then(|stream| Some((stream, stream.group(options.group)?)));
        let Some((stream, group)) = group else { return 0 };
        let states_each = stream.has_schedule() || !group.is_plain();
        if !states_each && options.claim_idle_ms.is_none() {
            return 0;
        }
        (stream.log().len() + group.pending().len()).min(wanted)
    });
    let places: u64 = places.sum();
    cx.hold_room(journal::Class::Drain, places as usize * PLACED_BYTES)
}

/// Whether all streams that entries of these groups may be given up to are locked, or cannot be.
/// Otherwise nothing is done. (A read of one stream finds out whether it gives up any.)
fn reach_all(cx: &mut Cx<'_, '_>, options: &ReadOptions<'_, '_>) -> bool {
    let shards = options.keys.iter().map(|key| {
        let stream = cx.tx.peek_as::<Stream>(key).ok().flatten();
        let group = stream.and_then(|stream| stream.group(options.group));
        group.map_or(ShardSet::NONE, |group| dead_letter::shards(cx, group))
    });
    let shards: ShardSet = shards.collect();
    cx.reach(shards)
}

fn parse_wanted(text: &[u8]) -> Result<Wanted, Error> {
    match text {
        b">" => Ok(Wanted::New),
        b"$" => Err(Error::fixed(
            "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the \
             history of this consumer by specifying a proper ID, or use the > ID to get new \
             messages. The $ ID would just return an empty result set.",
        )),
        b"+" => Err(Error::fixed(
            "ERR The + ID is meaningless in the context of XREADGROUP: you want to read the \
             history of this consumer by specifying a proper ID, or use the > ID to get new \
             messages. The + ID would just return an empty result set.",
        )),
        text => Ok(match args::id(text, 0)?.next() {
            Some(from) => Wanted::Own(from),
            // To Redis `>` and the last id of all are one and the same.
            None => Wanted::New,
        }),
    }
}

/// Reads the streams in order as long as the reply has room; whether there was anything to write.
fn read_streams(cx: &mut Cx<'_, '_>, options: &mut ReadOptions<'_, '_>, wanted: &[Wanted]) -> bool {
    let mark = cx.reply.mark();
    if let (&[key], &[wanted]) = (options.keys, wanted) {
        write_streams_header(&mut cx.reply, 1);
        let served = read_stream(cx, options, key, wanted);
        if !served {
            cx.reply.truncate(mark);
        }
        return served;
    }
    let mut count = 0;
    for (&key, &wanted) in options.keys.iter().zip(wanted) {
        if options.room.is_used_up() {
            break;
        }
        count += usize::from(read_stream(cx, options, key, wanted));
    }
    if count > 0 {
        // How many there are is known only now, and stands in front.
        let parts = cx.reply.since(mark).to_vec();
        cx.reply.truncate(mark);
        write_streams_header(&mut cx.reply, count);
        cx.reply.raw(&parts);
    }
    count > 0
}

/// Announces the parts of so many streams.
fn write_streams_header(reply: &mut Reply<'_>, count: usize) {
    match reply.proto() {
        Proto::Resp2 => reply.array(count),
        Proto::Resp3 => reply.map(count),
    }
}

pub(super) fn write_stream_header(reply: &mut Reply<'_>, key: &[u8], entries: usize) {
    if !reply.is_resp3() {
        reply.array(2);
    }
    reply.bulk(key);
    reply.array(entries);
}

/// Reads one stream, which has the group, and records what that changes; whether there was anything
/// to write.
fn read_stream(
    cx: &mut Cx<'_, '_>,
    options: &mut ReadOptions<'_, '_>,
    key: &[u8],
    wanted: Wanted,
) -> bool {
    let now_ms = cx.tx.now_ms();
    // Found once for all that follows: a read of one entry is little more than finding things.
    let mut stream = cx.tx.write::<Stream>(key).ok().flatten().expect(CHECKED);
    let has_schedule = stream.has_schedule();
    let (mut group, _) = stream.group_mut(options.group).expect(CHECKED);
    if has_schedule || !group.is_plain() {
        match wanted {
            Wanted::New => return take(cx, options, key) > 0,
            Wanted::Own(start) if !bury_used_up(cx, options, key, start) => return false,
            Wanted::Own(_) => {}
        }
        stream = cx.tx.write::<Stream>(key).ok().flatten().expect(CHECKED);
        (group, _) = stream.group_mut(options.group).expect(CHECKED);
    }
    let known = group.consumer(options.consumer).map(Consumer::number);
    let consumer = known.unwrap_or_else(|| {
        let created = group.create_consumer(options.consumer, now_ms as u64);
        created.expect("there was none of this name")
    });
    group.see_consumer(consumer, now_ms as u64);
    let idle_check_ms = if known.is_none() { group.idle_check_ms() } else { NEVER };
    let to = (consumer, now_ms);
    let done = match wanted {
        Wanted::New => Done::New(deliver_new(stream, &mut cx.reply, options, key, to)),
        Wanted::Own(start) => {
            Done::Own(start, redeliver_own(stream, &mut cx.reply, options, key, to, start))
        }
    };
    if known.is_none() {
        cx.tx.arm(key, idle_check_ms);
        cx.tx.changed_unwatched(key);
        cx.tx.record(&[b"XGROUP", b"CREATECONSUMER", key, options.group, options.consumer]);
        cx.tx.notify(EventClass::STREAM, "xgroup-createconsumer", key);
    }
    match done {
        Done::New(delivered) => {
            record_new(cx.tx, key, options, &delivered);
            delivered.fresh > 0 || !delivered.assigned.is_empty()
        }
        Done::Own(start, shown) => {
            record_own(cx.tx, key, options, start, shown);
            true
        }
    }
}

enum Done {
    New(Delivered),
    /// From where on, and how many records were looked at if any was delivered again.
    Own(StreamId, Option<usize>),
}

/// What a read of `>` did to its group.
struct Delivered {
    /// Ids taken over, with their counts of deliveries now.
    assigned: Vec<(StreamId, u64)>,
    /// Pending entries that the stream no longer had.
    gone: Vec<StreamId>,
    /// How many entries were new to the group.
    fresh: usize,
    /// Where the group stood before and stands now.
    last_id_before: StreamId,
    last_id: StreamId,
}

fn deliver_new(
    stream: &mut Stream,
    reply: &mut Reply<'_>,
    options: &mut ReadOptions<'_, '_>,
    key: &[u8],
    (consumer, now_ms): (u32, i64),
) -> Delivered {
    let extent = stream.extent();
    let (group, log) = stream.group_mut(options.group).expect(CHECKED);
    let claim = match options.claim_idle_ms {
        Some(idle_ms) => find_claimable(group, log, idle_ms, now_ms, options),
        None => Claim::default(),
    };
    let mut fresh = SmallVec::<[Entry<'_>; 4]>::new();
    let mut entries = group.undelivered(log);
    while (claim.found.len() + fresh.len()) as u64 != options.count
        && !options.room.is_used_up()
        && let Some(entry) = entries.next()
        && options.room.take(&entry)
    {
        fresh.push(entry);
    }
    if !claim.found.is_empty() || !fresh.is_empty() {
        write_stream_header(reply, key, claim.found.len() + fresh.len());
    }
    for (record, entry) in &claim.found {
        // The unowned were last delivered at the beginning of time.
        let delivered_at_ms = if record.owner.is_unowned() { 0 } else { record.time as i64 };
        write_claimed_entry(reply, entry, now_ms - delivered_at_ms, record.count);
        group.redeliver(*record, consumer, now_ms as u64);
    }
    for &id in &claim.gone {
        group.acknowledge(id);
    }
    for entry in &fresh {
        match options.claim_idle_ms {
            Some(_) => write_claimed_entry(reply, entry, 0, 0),
            None => write_entry(reply, entry),
        }
    }
    let last_id_before = group.last_delivered_id();
    if !fresh.is_empty() {
        if let Some(cursor) = entries.cursor() {
            group.set_cursor(cursor);
        }
        let to = (!options.no_ack).then_some(consumer);
        note_delivered(
            group,
            log,
            fresh.iter().map(|entry| entry.id()),
            &extent,
            to,
            now_ms as u64,
        );
    }
    if !claim.found.is_empty() {
        group.note_active(consumer, now_ms as u64);
    }
    Delivered {
        assigned: claim.found.iter().map(|(record, _)| redelivered(record)).collect(),
        fresh: fresh.len(),
        last_id_before,
        last_id: group.last_delivered_id(),
        gone: claim.gone,
    }
}

/// Shows a consumer's own pending entries, which delivers them once more; how many records were
/// looked at, if any was delivered.
fn redeliver_own(
    stream: &mut Stream,
    reply: &mut Reply<'_>,
    options: &mut ReadOptions<'_, '_>,
    key: &[u8],
    (consumer, now_ms): (u32, i64),
    start: StreamId,
) -> Option<usize> {
    let (group, log) = stream.group_mut(options.group).expect(CHECKED);
    let count = options.count.min(options.room.entries).try_into().unwrap_or(usize::MAX);
    let mut records = own_records(group, consumer, start, count);
    let fitting = records.iter().take_while(|record| match log.get(record.id) {
        Some(entry) => options.room.take(&entry),
        None => options.room.take_bytes(0),
    });
    let fitting = fitting.count();
    records.truncate(fitting);
    write_stream_header(reply, key, records.len());
    let mut redelivered = false;
    for &record in &records {
        match log.get(record.id) {
            Some(entry) => {
                write_entry(reply, &entry);
                group.redeliver(record, consumer, now_ms as u64);
                redelivered = true;
            }
            None => write_deleted_entry(reply, record.id),
        }
    }
    redelivered.then_some(records.len())
}

/// Gives up those of a consumer's own entries that a read of them would deliver once too often; false,
/// and nothing done, if that takes more shards.
fn bury_used_up(
    cx: &mut Cx<'_, '_>,
    options: &ReadOptions<'_, '_>,
    key: &[u8],
    start: StreamId,
) -> bool {
    let stream = cx.tx.peek_as::<Stream>(key).ok().flatten().expect(CHECKED);
    let group = stream.group(options.group).expect(CHECKED);
    let Some(consumer) = group.consumer(options.consumer) else { return true };
    let mut room = options.count.min(options.room.entries);
    let mut dead = Vec::new();
    let filter = Filter { owner: Some(Owner::consumer(consumer.number())), ..Filter::default() };
    // Also those behind, until there is no room for what is not used up.
    group.scan(start, filter, |record| {
        if room == 0 {
            return ControlFlow::Break(());
        }
        let is_used_up = is_used_up(group, record.count);
        let casualty = || Casualty::new(group, stream.log(), &record, Reason::MaxDeliveries);
        match is_used_up.then(casualty).flatten() {
            Some(casualty) => dead.push(casualty),
            // Also one that the stream has no more takes its place in the reply.
            None => room -= 1,
        }
        ControlFlow::Continue(())
    });
    if dead.is_empty() {
        return true;
    }
    if !cx.reach(dead_letter::shards(cx, group)) {
        return false;
    }
    dead_letter::give_up(cx, key, options.group, &dead);
    cx.tx.signal(key);
    true
}

fn record_new(tx: &mut Tx<'_>, key: &[u8], options: &ReadOptions<'_, '_>, done: &Delivered) {
    if !done.gone.is_empty() {
        record_acknowledged(tx, key, options.group, &done.gone);
    }
    if !done.assigned.is_empty() {
        let to = (options.group, options.consumer, tx.now_ms() as u64);
        record_assigned(tx, key, to, done.last_id_before, &done.assigned);
    }
    if done.fresh > 0 {
        tx.changed_unwatched(key);
        record_delivered(tx, key, options, done.fresh, done.last_id);
        if options.no_ack {
            retention::settle_passed(tx, key, done.last_id_before, done.last_id);
        }
    }
}

fn record_own(
    tx: &mut Tx<'_>,
    key: &[u8],
    options: &ReadOptions<'_, '_>,
    start: StreamId,
    shown: Option<usize>,
) {
    let Some(shown) = shown else { return };
    tx.changed_unwatched(key);
    let at_ms = tx.now_ms();
    if let Some(effect) = tx.effect(7) {
        let effect = effect.args([b"XREDELIVER" as &[u8], key]);
        let effect = effect.args([options.group, options.consumer]).int(at_ms);
        effect.arg(IdText::new(start).as_bytes()).int(shown as i64).end();
    }
}

/// When there may be something to claim, unix ms, if nothing but time passes, or with it deliveries
/// to others. `None` without CLAIM.
fn claimable_at(tx: &mut Tx<'_>, options: &ReadOptions<'_, '_>) -> Option<i64> {
    /// What is to be idle for less is looked for no more often.
    const LOOKS_APART_MS: i64 = 10;
    let idle_ms = options.claim_idle_ms?;
    let now_ms = tx.now_ms();
    // What is delivered from now on is idle for so long no earlier than this.
    let mut at_ms = now_ms.saturating_add(idle_ms.max(LOOKS_APART_MS));
    for key in options.keys {
        let stream = tx.read::<Stream>(key).ok().flatten();
        let group = stream.and_then(|stream| stream.group(options.group));
        if let Some(earliest_ms) = group.and_then(|group| group.pending().earliest_delivery_ms()) {
            at_ms = at_ms.min((earliest_ms as i64).saturating_add(idle_ms));
        }
    }
    Some(at_ms.max(now_ms + 1))
}

/// What CLAIM finds in one stream.
#[derive(Default)]
struct Claim<'a> {
    found: SmallVec<[(Record, Entry<'a>); 4]>,
    /// Pending entries that the stream no longer has.
    gone: Vec<StreamId>,
}

/// Finds what may be taken over, the unowned first, then the longest idle first.
fn find_claimable<'a>(
    group: &Group,
    log: &'a Log,
    idle_ms_min: i64,
    now_ms: i64,
    options: &mut ReadOptions<'_, '_>,
) -> Claim<'a> {
    let mut claim = Claim::default();
    for record in group.claimable(delivered_by_ms(now_ms, idle_ms_min)) {
        if claim.found.len() as u64 == options.count
            || claim.gone.len() == CLEARED_MAX
            || options.room.is_used_up()
        {
            break;
        }
        match log.get(record.id) {
            Some(entry) if options.room.take(&entry) => claim.found.push((record, entry)),
            Some(_) => break,
            None => claim.gone.push(record.id),
        }
    }
    claim
}

/// An entry with how long it was idle and how often it had been delivered before.
pub(super) fn write_claimed_entry(
    reply: &mut Reply<'_>,
    entry: &Entry<'_>,
    idle_ms: i64,
    count: u64,
) {
    reply.array(4);
    write_entry_items(reply, entry);
    reply.bulk_int(idle_ms.max(0));
    reply.bulk_int(count as i64);
}

/// The id and the count of a record once it is delivered again.
fn redelivered(record: &Record) -> (StreamId, u64) {
    (record.id, (record.count + 1).min(DELIVERIES_MAX))
}

pub(super) fn record_delivered(
    tx: &mut Tx<'_>,
    key: &[u8],
    options: &ReadOptions<'_, '_>,
    count: usize,
    last_id: StreamId,
) {
    let at_ms = tx.now_ms();
    if let Some(effect) = tx.effect(7 + usize::from(options.no_ack)) {
        let effect = effect.args([b"XDELIVER" as &[u8], key, options.group, options.consumer]);
        let effect = effect.int(at_ms).int(count as i64).arg(IdText::new(last_id).as_bytes());
        let no_ack: &[&[u8]] = if options.no_ack { &[b"NOACK"] } else { &[] };
        effect.args(no_ack.iter().copied()).end();
    }
}
