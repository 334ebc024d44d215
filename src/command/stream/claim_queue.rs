//! XCLAIM and XAUTOCLAIM in a group with a policy: claiming is a way to have an entry in flight as any
//! other, and obeys ORDERBY, MAXINFLIGHT and MAXDELIVERIES.

use std::collections::BTreeSet;

use super::claim::{Claimed, Options, Scan, record_claimed, write_claimed};
use super::come_back::is_used_up;
use super::dead_letter::{self, Casualty, Reason};
use super::effects::record_paced;
use super::force::may_make_record;
use super::reply::write_id;
use super::retention;
use crate::command::cx::Cx;
use crate::command::error::Outcome;
use crate::types::stream::group::{Consumer, DELIVERIES_MAX, Group};
use crate::types::stream::log::Log;
use crate::types::stream::pending::{Owner, Record};
use crate::types::stream::{Stream, StreamId};

const CHECKED: &str = "the group was looked for first";

/// Who claims where.
pub(super) struct Claimant<'a> {
    pub key: &'a [u8],
    pub group: &'a [u8],
    pub consumer: &'a [u8],
    pub idle_ms_min: i64,
}

/// What becomes of one entry.
enum Verdict {
    Leave,
    Assign(u64),
    GiveUp(Reason),
    /// The stream has it no more.
    Gone,
}

/// How one request judges entries.
struct Judge<'a> {
    options: &'a Options,
    idle_ms_min: i64,
    now_ms: i64,
    /// The claiming consumer, if there is one of its name yet.
    consumer: Option<Owner>,
}

impl Judge<'_> {
    /// What becomes of an entry, if there is room for it: see [`has_room`].
    fn judge(&self, group: &Group, log: &Log, id: StreamId) -> Verdict {
        let known = group.pending().get(id);
        if !log.contains(id) {
            return if known.is_some() { Verdict::Gone } else { Verdict::Leave };
        }
        let (owner, before) = match known {
            Some(record) => (record.owner, record.count),
            None if self.options.force => (Owner::READY, 0),
            None => return Verdict::Leave,
        };
        let is_own = known.is_some() && Some(owner) == self.consumer;
        // What is not idle at all is only touched, and only by who has it: it tells a worker that
        // its lease is lost.
        let is_touch = self.options.just_id && (is_own || self.idle_ms_min <= 0);
        if is_touch && !is_own {
            return Verdict::Leave;
        }
        if let Some(reason) = Reason::of_state(owner) {
            let has_dlq = group.policy().is_some_and(|policy| policy.dlq.is_some());
            return if has_dlq { Verdict::GiveUp(reason) } else { Verdict::Leave };
        }
        let idle_ms = |record: Record| self.now_ms - record.time as i64;
        if !owner.is_unowned() && known.is_some_and(|record| idle_ms(record) < self.idle_ms_min) {
            return Verdict::Leave;
        }
        let after = self.options.count.unwrap_or(before.saturating_add(1)).min(DELIVERIES_MAX);
        if !is_touch && after > 0 && is_used_up(group, after - 1) {
            return match known {
                Some(_) => Verdict::GiveUp(Reason::MaxDeliveries),
                None => Verdict::Leave,
            };
        }
        let just_shown = self.options.just_id && self.options.count.is_none();
        Verdict::Assign(if just_shown { before.max(1) } else { after })
    }
}

/// Whether an entry may go out that has this record, as MAXINFLIGHT and ORDERBY have it now. What is out
/// already takes no other place, and the dead take none.
fn has_room(group: &Group, log: &Log, id: StreamId, known: Option<Record>) -> bool {
    let waits = known.is_none_or(|it| it.owner.is_unowned() && !it.owner.is_dead());
    let is_held = || log.get(id).is_some_and(|entry| group.is_held(&entry));
    !waits || group.free_slots() > 0 && !is_held()
}

/// XCLAIM, its arguments read.
pub(super) fn claim(
    cx: &mut Cx<'_, '_>,
    claimant: &Claimant<'_>,
    ids: &[StreamId],
    options: &Options,
) -> Outcome {
    let &Claimant { key, group: name, idle_ms_min, .. } = claimant;
    let now_ms = cx.tx.now_ms();
    let stream = cx.tx.peek_as::<Stream>(key)?.expect(CHECKED);
    let group = stream.group(name).expect(CHECKED);
    let known = group.consumer(claimant.consumer).map(Consumer::number);
    let consumer = known.map(Owner::consumer);
    let mut judge = Judge { options, idle_ms_min, now_ms, consumer };
    let buries =
        |&id: &StreamId| matches!(judge.judge(group, stream.log(), id), Verdict::GiveUp(_));
    if ids.iter().any(buries) && !cx.reach(dead_letter::shards(cx, group)) {
        return Ok(());
    }
    let stream = cx.tx.write::<Stream>(key)?.expect(CHECKED);
    let (group, log, times) = stream.reading(name).expect(CHECKED);
    let before_id = group.last_delivered_id();
    if let Some(last_id) = options.last_id {
        group.raise_last_delivered_id(last_id);
    }
    let last_id = group.last_delivered_id();
    let (consumer, is_new) = super::claim::consumer_of(group, claimant.consumer, now_ms);
    judge.consumer = Some(Owner::consumer(consumer));
    let (mut claimed, mut dead, mut named) = (Claimed::default(), Vec::new(), BTreeSet::new());
    for &id in ids {
        // Named twice it is claimed, or given up, once.
        if !named.insert(id) {
            continue;
        }
        let known = group.pending().get(id);
        match judge.judge(group, log, id) {
            Verdict::Leave => {}
            Verdict::Gone => {
                group.acknowledge(id);
                claimed.gone.push(id);
            }
            _ if known.is_none() && !may_make_record(group, log, times, id) => {}
            _ if !has_room(group, log, id, known) => {}
            Verdict::GiveUp(reason) => {
                let casualty = known.and_then(|record| Casualty::new(group, log, &record, reason));
                dead.extend(casualty);
            }
            Verdict::Assign(count) => {
                let (owner, time) = (Owner::consumer(consumer), options.delivered_at_ms as u64);
                group.place(log, Record { id, owner, time, count });
                claimed.assigned.push((id, count));
            }
        }
    }
    if !claimed.assigned.is_empty() {
        group.note_active(consumer, now_ms as u64);
    }
    let due_ms = group.next_due_ms();
    write_claimed(&mut cx.reply, log, &claimed.assigned, options.just_id);
    let to = (name, claimant.consumer, options.delivered_at_ms as u64);
    record_claimed(cx.tx, key, to, last_id, &claimed, is_new, last_id != before_id);
    if last_id != before_id {
        retention::groups_moved(cx.tx, key);
    }
    dead_letter::give_up(cx, key, name, &dead);
    cx.tx.arm(key, due_ms);
    if !dead.is_empty() || !claimed.gone.is_empty() || options.delivered_at_ms < now_ms {
        cx.tx.signal(key);
    }
    Ok(())
}

/// XAUTOCLAIM, with what it has found.
pub(super) fn auto_claim(
    cx: &mut Cx<'_, '_>,
    claimant: &Claimant<'_>,
    scan: Scan,
    just_id: bool,
) -> Outcome {
    let &Claimant { key, group: name, .. } = claimant;
    let now_ms = cx.tx.now_ms();
    let stream = cx.tx.peek_as::<Stream>(key)?.expect(CHECKED);
    let group = stream.group(name).expect(CHECKED);
    let log = stream.log();
    let (used_up, found): (Vec<Record>, Vec<Record>) =
        scan.found.iter().partition(|record| is_used_up(group, record.count));
    let bury = |record| Casualty::new(group, log, record, Reason::MaxDeliveries);
    let dead: Vec<Casualty> = used_up.iter().filter_map(bury).collect();
    let (mut slots, mut tokens) = (group.free_slots(), group.rate_left(now_ms as u64));
    let is_paced = group.policy().is_some_and(|policy| policy.rate.is_some());
    if !dead.is_empty() && !cx.reach(dead_letter::shards(cx, group)) {
        return Ok(());
    }
    let stream = cx.tx.write::<Stream>(key)?.expect(CHECKED);
    let (group, log) = stream.group_mut(name).expect(CHECKED);
    let (consumer, is_new) = super::claim::consumer_of(group, claimant.consumer, now_ms);
    let mut claimed = Claimed { gone: scan.gone, ..Claimed::default() };
    for record in found {
        let needs_slot = record.owner.is_unowned();
        if tokens == 0 || needs_slot && slots == 0 {
            continue;
        }
        slots -= u64::from(needs_slot && slots != u64::MAX);
        tokens -= u64::from(tokens != u64::MAX);
        let count = if just_id { record.count.max(1) } else { record.count + 1 };
        let count = count.min(DELIVERIES_MAX);
        let owner = Owner::consumer(consumer);
        group.place(log, Record { id: record.id, owner, time: now_ms as u64, count });
        claimed.assigned.push((record.id, count));
    }
    for &id in &claimed.gone {
        group.acknowledge(id);
    }
    if !claimed.assigned.is_empty() {
        group.note_active(consumer, now_ms as u64);
        group.note_deliveries(now_ms as u64, claimed.assigned.len() as u64);
    }
    let (last_id, due_ms) = (group.last_delivered_id(), group.next_due_ms());
    cx.reply.array(3);
    write_id(&mut cx.reply, scan.next.unwrap_or(StreamId::MIN));
    write_claimed(&mut cx.reply, log, &claimed.assigned, just_id);
    cx.reply.array(claimed.gone.len());
    claimed.gone.iter().for_each(|&id| write_id(&mut cx.reply, id));
    let to = (name, claimant.consumer, now_ms as u64);
    record_claimed(cx.tx, key, to, last_id, &claimed, is_new, false);
    if is_paced && !claimed.assigned.is_empty() {
        record_paced(cx.tx, key, name, claimed.assigned.len());
    }
    dead_letter::give_up(cx, key, name, &dead);
    cx.tx.arm(key, due_ms);
    if !dead.is_empty() || !claimed.gone.is_empty() {
        cx.tx.signal(key);
    }
    Ok(())
}
