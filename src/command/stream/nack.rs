//! XNACK: giving pending entries back.
//!
//! In a group without a policy an entry is released, as in Redis, for others to claim. With a policy,
//! or with DELAY, it comes back by itself.

use super::admission::{delay_of, unix_ms};
use super::args::{ids, no_key_or_group};
use super::come_back::{due_after_failure, is_used_up, waiting};
use super::dead_letter::{self, Casualty, Reason};
use super::effects::record_released;
use super::force::may_make_record;
use super::places::Places;
use crate::command::args::{integer, integer_in, is};
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::keyspace::Tx;
use crate::types::stream::group::{DELIVERIES_MAX, Group};
use crate::types::stream::log::Log;
use crate::types::stream::pending::{Owner, Record};
use crate::types::stream::{Stream, StreamId, Times};

/// What becomes of the count of deliveries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// The delivery does not count.
    Silent,
    /// It counts.
    Fail,
    /// No other is to be tried.
    Fatal,
}

struct Options<'a, 'b> {
    id_texts: &'a [&'b [u8]],
    count: Option<u64>,
    force: bool,
    /// Ms from now, or a unix time in ms.
    delay: Option<u64>,
    /// Only what this consumer holds.
    consumer: Option<&'b [u8]>,
}

pub(super) fn xnack(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (key, name) = (args[1], args[2]);
    let stream = cx.tx.write::<Stream>(key)?;
    let found = stream.and_then(|stream| stream.reading(name));
    let (group, log, times) = found.ok_or_else(|| no_key_or_group(key, name))?;
    let mode = mode(args[3])?;
    let options = options(&args[4..])?;
    let ids = ids(options.id_texts)?;
    if group.policy().is_some() || options.delay.is_some() {
        return give_back(cx, key, name, mode, &options, &ids);
    }
    let mut released = Vec::new();
    for id in ids {
        let Some(before) = before(group, log, times, &options, id) else { continue };
        let count = count_after(mode, options.count, before);
        group.release(id, count);
        released.push((id, count));
    }
    cx.reply.count(released.len());
    if !released.is_empty() {
        record_released(cx.tx, key, name, &released);
        // Who waits to claim need not wait for these to become idle.
        cx.tx.signal(key);
    }
    Ok(())
}

/// What is pending of an entry that is to be given back; a record as it would be for one that is made
/// pending by FORCE.
fn before(
    group: &Group,
    log: &Log,
    times: Times<'_>,
    options: &Options<'_, '_>,
    id: StreamId,
) -> Option<Record> {
    let known = group.pending().get(id);
    if let Some(name) = options.consumer {
        let holder = group.consumer(name).map(|consumer| Owner::consumer(consumer.number()));
        return known.filter(|record| Some(record.owner) == holder);
    }
    let forced = || {
        let is_made = options.force && may_make_record(group, log, times, id);
        is_made.then_some(Record { id, owner: Owner::RELEASED, time: 0, count: 0 })
    };
    known.or_else(forced)
}

fn count_after(mode: Mode, given: Option<u64>, before: Record) -> u64 {
    given.unwrap_or(match mode {
        Mode::Silent => before.count.saturating_sub(1),
        Mode::Fail => before.count,
        Mode::Fatal => DELIVERIES_MAX,
    })
}

/// What becomes of one entry in a group with a policy, or with DELAY.
enum Fate {
    /// It goes out again.
    Back(Record),
    Dead(Casualty),
    /// The stream has it no more.
    Gone,
}

fn fate(
    tx: &Tx<'_>,
    group: &Group,
    log: &Log,
    mode: Mode,
    options: &Options<'_, '_>,
    before: Record,
) -> Fate {
    let now_ms = tx.now_ms() as u64;
    let dead = |record: Record, reason| {
        Casualty::new(group, log, &record, reason).map_or(Fate::Gone, Fate::Dead)
    };
    if !log.contains(before.id) {
        return Fate::Gone;
    }
    let count = match (options.count, mode) {
        (Some(count), _) => count.min(DELIVERIES_MAX),
        // Without a consumer there is no delivery to be taken back.
        (None, Mode::Silent) if !before.owner.is_unowned() => before.count.saturating_sub(1),
        (None, _) => before.count,
    };
    let after = Record { count, ..before };
    let delayed_ms = options.delay.map(|delay| unix_ms(delay, now_ms).unwrap_or(now_ms));
    let due_ms = match (mode, group.policy()) {
        (Mode::Fatal, Some(_)) => return dead(after, Reason::Fatal),
        (Mode::Fatal, None) => {
            let count = options.count.unwrap_or(DELIVERIES_MAX);
            return Fate::Back(waiting(
                Record { count, ..before },
                delayed_ms.unwrap_or(now_ms),
                now_ms,
            ));
        }
        (Mode::Fail, Some(_)) if is_used_up(group, count) => {
            return dead(after, Reason::MaxDeliveries);
        }
        (Mode::Fail, Some(policy)) if delayed_ms.is_none() => {
            due_after_failure(tx, policy, count, now_ms)
        }
        _ => delayed_ms.unwrap_or(now_ms),
    };
    Fate::Back(waiting(after, due_ms, now_ms))
}

/// Gives entries back that come to readers by themselves, or are given up.
fn give_back(
    cx: &mut Cx<'_, '_>,
    key: &[u8],
    name: &[u8],
    mode: Mode,
    options: &Options<'_, '_>,
    ids: &[StreamId],
) -> Outcome {
    let stream = cx.tx.peek_as::<Stream>(key)?.ok_or_else(|| no_key_or_group(key, name))?;
    let group = stream.group(name).ok_or_else(|| no_key_or_group(key, name))?;
    let (log, times) = (stream.log(), stream.times(name));
    let mut named = ids.to_vec();
    // Named twice it is given back once.
    named.sort_unstable();
    named.dedup();
    let known = named.iter().filter_map(|&id| before(group, log, times, options, id));
    let fates: Vec<(StreamId, Fate)> =
        known.map(|before| (before.id, fate(cx.tx, group, log, mode, options, before))).collect();
    let is_any_dead = fates.iter().any(|(_, fate)| matches!(fate, Fate::Dead(_)));
    if is_any_dead && !cx.reach(dead_letter::shards(cx, group)) {
        return Ok(());
    }
    let mut places = Places::new(cx.tx.now_ms());
    let mut dead = Vec::new();
    let stream = cx.tx.write::<Stream>(key)?.ok_or_else(|| no_key_or_group(key, name))?;
    let (group, log) = stream.group_mut(name).ok_or_else(|| no_key_or_group(key, name))?;
    cx.reply.count(fates.len());
    for (id, fate) in fates {
        match fate {
            Fate::Back(record) => places.put(group, log, record),
            Fate::Dead(casualty) => dead.push(casualty),
            Fate::Gone => places.finish(group, id),
        }
    }
    let due_ms = group.next_due_ms();
    let has_changed = !places.is_empty() || !dead.is_empty();
    places.record(cx.tx, key, name, b"");
    dead_letter::give_up(cx, key, name, &dead);
    cx.tx.arm(key, due_ms);
    if has_changed {
        cx.tx.signal(key);
    }
    Ok(())
}

fn mode(word: &[u8]) -> Result<Mode, Error> {
    match word {
        word if is(word, "SILENT") => Ok(Mode::Silent),
        word if is(word, "FAIL") => Ok(Mode::Fail),
        word if is(word, "FATAL") => Ok(Mode::Fatal),
        _ => Err(Error::fixed("ERR mode must be SILENT, FAIL, or FATAL")),
    }
}

fn options<'a, 'b>(mut args: &'a [&'b [u8]]) -> Result<Options<'a, 'b>, Error> {
    let mut options =
        Options { id_texts: &[], count: None, force: false, delay: None, consumer: None };
    while let [word, rest @ ..] = args {
        args = match rest {
            [count, rest @ ..] if is(word, "IDS") => {
                let not_positive = Error::fixed("ERR numids must be a positive integer");
                let count = integer_in(count, 1, i64::MAX, not_positive)? as usize;
                if count > rest.len() {
                    return Err(Error::fixed("ERR number of IDs doesn't match numids"));
                }
                let (given, rest) = rest.split_at(count);
                options.id_texts = given;
                rest
            }
            [count, rest @ ..] if is(word, "RETRYCOUNT") => {
                let count = u64::try_from(integer(count)?);
                options.count = Some(
                    count
                        .map_err(|_| Error::fixed("ERR Invalid RETRYCOUNT value, must be >= 0"))?,
                );
                rest
            }
            rest if is(word, "FORCE") => {
                options.force = true;
                rest
            }
            [delay, rest @ ..] if is(word, "DELAY") => {
                options.delay = Some(delay_of(delay)?);
                rest
            }
            [consumer, rest @ ..] if is(word, "CONSUMER") => {
                options.consumer = Some(*consumer);
                rest
            }
            _ => {
                let head: &[u8] = b"ERR Unrecognized XNACK option '";
                return Err(Error::new([head, word, b"'"].concat()));
            }
        };
    }
    if options.id_texts.is_empty() {
        return Err(Error::fixed("ERR syntax error, expected IDS keyword"));
    }
    Ok(options)
}
