//! Reads of `>` in a group that hands out more than what its cursor comes to: one with a policy, or
//! of a stream with delayed entries.
//!
//! What is ready goes first, by due time, then what is new, by id; both as far as COUNT, MAXCOUNT,
//! MAXSIZE, MAXINFLIGHT and RATE let it. The cursor passes over what cannot go out yet, and leaves a
//! record of it.

use super::claim::consumer_of;
use super::come_back::is_used_up;
use super::dead_letter::{self, Casualty, Reason};
use super::effects::record_paced;
use super::filter::admits;
use super::pending::delivered_by_ms;
use super::places::Places;
use super::read_group::{record_delivered, write_claimed_entry, write_stream_header};
use super::read_options::ReadOptions;
use super::reply::write_entry;
use super::retention;
use crate::command::cx::Cx;
use crate::keyspace::{EventClass, NEVER};
use crate::resp::Reply;
use crate::types::stream::group::{DELIVERIES_MAX, Extent, Group, Turn};
use crate::types::stream::log::{Entry, Log};
use crate::types::stream::pending::{Owner, Record};
use crate::types::stream::policy::GroupPolicy;
use crate::types::stream::{Fate, Stream, StreamId, Times};

/// Entries that one read passes over. What is behind them waits for the next one, which comes at once
/// for who is blocked.
const PASSED_MAX: usize = 10_000;
/// Pending entries without an entry, or at the end of their deliveries, that one read clears away.
const CLEARED_MAX: usize = 1000;

/// How much a read may take.
struct Limits {
    count: u64,
    /// Places for entries in flight.
    slots: u64,
    /// Deliveries that RATE allows.
    tokens: u64,
}

impl Limits {
    fn of(group: &Group, options: &ReadOptions<'_, '_>, now_ms: u64) -> Limits {
        Limits { count: options.count, slots: group.free_slots(), tokens: group.rate_left(now_ms) }
    }

    fn are_reached(&self) -> bool {
        self.count == 0 || self.slots == 0 || self.tokens == 0
    }

    /// Takes one more, which needs a place in flight or has one.
    fn take(&mut self, needs_slot: bool) {
        self.count -= 1;
        self.slots -= u64::from(needs_slot && self.slots != u64::MAX);
        self.tokens -= u64::from(self.tokens != u64::MAX);
    }
}

/// What is taken of the entries that have a record.
#[derive(Default)]
struct Picked<'a> {
    again: Vec<(Record, Entry<'a>)>,
    /// The stream has them no more.
    gone: Vec<StreamId>,
    dead: Vec<Casualty>,
}

/// What the cursor came to.
#[derive(Default)]
struct Fresh<'a> {
    entries: Vec<Entry<'a>>,
    /// Whether the cursor passed entries that were not delivered.
    has_passed: bool,
    /// It stopped because it had passed enough.
    is_cut_short: bool,
}

/// What one go of a read came to.
#[derive(Default)]
struct Taken {
    /// Entries written.
    count: usize,
    /// Records went that nobody is given: those behind them may go out now.
    has_cleared: bool,
}

/// Reads a stream, which has the group, and records what that changes; how many entries were written. Where the command
/// is to be run again with more shards, nothing was done.
pub(super) fn take(cx: &mut Cx<'_, '_>, options: &mut ReadOptions<'_, '_>, key: &[u8]) -> usize {
    loop {
        let taken = take_once(cx, options, key);
        if taken.count > 0 || !taken.has_cleared {
            return taken.count;
        }
    }
}

fn take_once(cx: &mut Cx<'_, '_>, options: &mut ReadOptions<'_, '_>, key: &[u8]) -> Taken {
    const CHECKED: &str = "all keys and groups were checked first";
    let now_ms = cx.tx.now_ms() as u64;
    let stream = cx.tx.peek_as::<Stream>(key).ok().flatten().expect(CHECKED);
    let needed = dead_letter::shards(cx, stream.group(options.group).expect(CHECKED));
    let (may_run_again, can_bury) = (cx.may_run_again(), cx.tx.locked().contains(needed));
    let stream = cx.tx.write::<Stream>(key).ok().flatten().expect(CHECKED);
    let (extent, armed_ms) = (stream.extent(), stream.timer_ms());
    let (group, log, times) = stream.reading(options.group).expect(CHECKED);
    let (policy, before_id) = (group.shared_policy(), group.last_delivered_id());
    let mut limits = Limits::of(group, options, now_ms);
    let mut picked = pick((group, log, times), options, &mut limits, now_ms);
    if !picked.dead.is_empty() && !can_bury {
        if may_run_again {
            cx.tx.require(needed);
            return Taken::default();
        }
        // They stay where they are, and are handed to nobody.
        picked.dead.clear();
    }
    let dead = std::mem::take(&mut picked.dead);
    let has_cleared = !dead.is_empty() || !picked.gone.is_empty();
    let frees_others = has_cleared && group.frees_others();
    let (consumer, is_new) = consumer_of(group, options.consumer, now_ms as i64);
    let mut places = Places::new(now_ms as i64);
    settle_picked(group, log, &picked, &mut places, consumer, options.no_ack);
    let mut reader = Reader {
        group,
        log,
        times,
        policy: policy.as_deref(),
        now_ms,
        extent,
        places: &mut places,
    };
    let to = (!options.no_ack).then_some(consumer);
    let fresh = reader.read_on(options, &mut limits, to);
    let count = picked.again.len() + fresh.entries.len();
    if count > 0 {
        write(&mut cx.reply, options, key, &picked.again, &fresh.entries, now_ms as i64);
        note_read(group, to, count as u64, now_ms);
    }
    let last_id = group.last_delivered_id();
    let waits = options.block.is_some() && count == 0;
    let again_ms = look_again_ms(group, &limits, fresh.is_cut_short, now_ms);
    let due_ms = group.next_due_ms().min(if waits { again_ms } else { NEVER });
    let is_paced = policy.is_some_and(|policy| policy.rate.is_some());
    let (has_passed, fresh_count) = (fresh.has_passed, fresh.entries.len());
    if is_new {
        record_consumer(cx, key, options);
    }
    if has_passed {
        places.passed(last_id);
    }
    places.state(cx.tx, key, options.group, options.consumer);
    // Between the two halves: where the cursor stands before what has a record, one entry may be handed out
    // by it and as new, and be done with.
    if !has_passed && fresh_count > 0 {
        cx.tx.changed_unwatched(key);
        record_delivered(cx.tx, key, options, fresh_count, last_id);
    }
    places.settle(cx.tx, key);
    if is_paced && count > 0 {
        record_paced(cx.tx, key, options.group, count);
    }
    retention::settle_passed(cx.tx, key, before_id, last_id);
    dead_letter::give_up(cx, key, options.group, &dead);
    wake(cx, key, Some(due_ms).filter(|&due_ms| due_ms < armed_ms), frees_others);
    Taken { count, has_cleared }
}

/// Notes in the group that entries were handed out, and to whom if they are to be acknowledged.
fn note_read(group: &mut Group, to: Option<u32>, count: u64, now_ms: u64) {
    if let Some(consumer) = to {
        group.note_active(consumer, now_ms);
    }
    group.note_deliveries(now_ms, count);
}

/// Sees to it that the stream is looked after in time, and that others who read look again.
fn wake(cx: &mut Cx<'_, '_>, key: &[u8], due_ms: Option<i64>, frees_others: bool) {
    if let Some(due_ms) = due_ms {
        cx.tx.arm(key, due_ms);
    }
    if frees_others {
        cx.tx.signal(key);
    }
}

/// When a reader that has found nothing is to look again although nothing changes, unix ms.
fn look_again_ms(group: &Group, limits: &Limits, is_cut_short: bool, now_ms: u64) -> i64 {
    match limits {
        _ if is_cut_short => now_ms as i64,
        Limits { tokens: 0, .. } => group.rate_next_ms(),
        _ => NEVER,
    }
}

/// Chooses among what has a record: what is ready, and with CLAIM what is idle.
fn pick<'a>(
    source: (&Group, &'a Log, Times<'_>),
    options: &mut ReadOptions<'_, '_>,
    limits: &mut Limits,
    now_ms: u64,
) -> Picked<'a> {
    let mut picked = Picked::default();
    let pending = source.0.pending();
    // What has expired is given up by who looks after the stream.
    let (_, _, times) = source;
    let ready = pending.ready().filter(|record| !times.has_expired(record.id, now_ms));
    let is_alone = pick_from(ready, source, options, limits, &mut picked);
    let Some(idle_ms) = options.claim_idle_ms.filter(|_| !is_alone) else { return picked };
    // Without a policy these have been given back, and are only for who claims.
    let is_alone = pick_from(pending.released(), source, options, limits, &mut picked);
    if let Some(by_ms) = delivered_by_ms(now_ms as i64, idle_ms)
        && !is_alone
    {
        pick_from(pending.delivered_by(by_ms), source, options, limits, &mut picked);
    }
    picked
}

/// Picks records in their order as long as there is room; whether the last one has to be alone in its
/// reply.
fn pick_from<'a>(
    records: impl Iterator<Item = Record>,
    (group, log, _): (&Group, &'a Log, Times<'_>),
    options: &mut ReadOptions<'_, '_>,
    limits: &mut Limits,
    picked: &mut Picked<'a>,
) -> bool {
    for record in records {
        let needs_slot = record.owner.is_unowned();
        let is_full = limits.count == 0 || limits.tokens == 0 || limits.slots == 0 && needs_slot;
        let cleared = picked.gone.len() + picked.dead.len();
        if is_full || options.room.is_used_up() || cleared == CLEARED_MAX {
            return false;
        }
        let Some(entry) = log.get(record.id) else {
            picked.gone.push(record.id);
            continue;
        };
        if is_used_up(group, record.count) {
            picked.dead.extend(Casualty::new(group, log, &record, Reason::MaxDeliveries));
            continue;
        }
        // A worker that this delivery kills is to take no other entry along.
        let is_last = record.count > 0 && is_used_up(group, record.count + 1);
        if is_last && !options.room.is_untouched() {
            // Nothing overtakes it: it goes out first in the next reply.
            options.room.close();
            return true;
        }
        if !options.room.take(&entry) {
            return is_last;
        }
        limits.take(needs_slot && !options.no_ack);
        picked.again.push((record, entry));
        if is_last {
            options.room.close();
            return true;
        }
    }
    false
}

/// Does with the records what was chosen.
fn settle_picked(
    group: &mut Group,
    log: &Log,
    picked: &Picked<'_>,
    places: &mut Places,
    consumer: u32,
    no_ack: bool,
) {
    picked.gone.iter().for_each(|&id| places.finish(group, id));
    for (record, _) in &picked.again {
        if no_ack {
            places.finish(group, record.id);
            continue;
        }
        let count = (record.count + 1).min(DELIVERIES_MAX);
        let owner = Owner::consumer(consumer);
        places.put(group, log, Record { id: record.id, owner, time: places.at_ms(), count });
    }
}

struct Reader<'r, 'a> {
    group: &'r mut Group,
    log: &'a Log,
    times: Times<'a>,
    policy: Option<&'r GroupPolicy>,
    now_ms: u64,
    extent: Extent,
    places: &'r mut Places,
}

impl<'a> Reader<'_, 'a> {
    /// Moves the cursor on, over what is delivered and what cannot be yet. `to` is who is to
    /// acknowledge it.
    fn read_on(
        &mut self,
        options: &mut ReadOptions<'_, '_>,
        limits: &mut Limits,
        to: Option<u32>,
    ) -> Fresh<'a> {
        let mut fresh = Fresh::default();
        let mut entries = self.group.undelivered(self.log);
        let mut taken = Vec::new();
        let mut passed = 0;
        let mut cursor = None;
        while !limits.are_reached() && !options.room.is_used_up() {
            let Some(entry) = entries.next() else { break };
            let id = entry.id();
            let turn = self.turn(&entry);
            if turn == Turn::Held {
                passed += 1;
            } else if options.room.take(&entry) {
                limits.take(to.is_some());
                fresh.entries.push(entry);
                if let Some(consumer) = to {
                    let owner = Owner::consumer(consumer);
                    let record = Record { id, owner, time: self.now_ms, count: 1 };
                    self.group.place_new(self.log, record, turn);
                    taken.push(record);
                }
            } else {
                break;
            }
            self.group.advance(id, &self.extent);
            cursor = entries.cursor();
            if passed == PASSED_MAX {
                fresh.is_cut_short = true;
                break;
            }
        }
        if let Some(cursor) = cursor {
            self.group.set_cursor(cursor);
        }
        fresh.has_passed = passed > 0;
        if fresh.has_passed {
            // Else one count says it.
            taken.into_iter().for_each(|record| self.places.note(record));
        }
        fresh
    }

    /// Whether an entry that the cursor comes to goes out now; held is whatever does not. What is to
    /// go out later gets a record.
    fn turn(&mut self, entry: &Entry<'_>) -> Turn {
        let id = entry.id();
        // Where the cursor was set back: what is pending keeps its owner and its count. Without a policy
        // it is delivered anew, as in Redis, unless it waits for its time.
        let may_be_pending = self.group.pending().last_id().is_some_and(|last| last >= id);
        let pending = if may_be_pending { self.group.pending().get(id) } else { None };
        if pending.is_some_and(|record| self.policy.is_some() || record.owner.is_queued()) {
            return Turn::Held;
        }
        let is_own = self.times.is_addressed(id);
        if !is_own && !admits(self.group, entry) {
            return Turn::Held;
        }
        let parked = |owner, time| Record { id, owner, time, count: 0 };
        let record = match self.times.fate(id, self.now_ms) {
            Fate::Pass => return Turn::Held,
            // Without a policy there is no place for the dead.
            Fate::Judge if self.policy.is_none() => return Turn::Held,
            // It is handed to nobody, and given up by who looks after the stream.
            Fate::Judge => parked(Owner::READY, self.now_ms),
            Fate::Defer(due_ms) => parked(Owner::DEFERRED, due_ms),
            Fate::Deliver => match self.group.turn(entry) {
                Turn::Held => parked(Owner::HELD, self.now_ms),
                turn => return turn,
            },
        };
        self.places.put(self.group, self.log, record);
        Turn::Held
    }
}

fn record_consumer(cx: &mut Cx<'_, '_>, key: &[u8], options: &ReadOptions<'_, '_>) {
    cx.tx.changed_unwatched(key);
    cx.tx.record(&[b"XGROUP", b"CREATECONSUMER", key, options.group, options.consumer]);
    cx.tx.notify(EventClass::STREAM, "xgroup-createconsumer", key);
}

fn write(
    reply: &mut Reply<'_>,
    options: &ReadOptions<'_, '_>,
    key: &[u8],
    again: &[(Record, Entry<'_>)],
    fresh: &[Entry<'_>],
    now_ms: i64,
) {
    write_stream_header(reply, key, again.len() + fresh.len());
    let with_history = options.claim_idle_ms.is_some();
    for (record, entry) in again {
        if with_history {
            // What has no owner was last delivered at the beginning of time.
            let delivered_ms = if record.owner.is_unowned() { 0 } else { record.time as i64 };
            write_claimed_entry(reply, entry, now_ms - delivered_ms, record.count);
        } else {
            write_entry(reply, entry);
        }
    }
    for entry in fresh {
        match with_history {
            true => write_claimed_entry(reply, entry, 0, 0),
            false => write_entry(reply, entry),
        }
    }
}
