//! The hash commands.
//!
//! A field whose deadline has passed is not there for any of them, whether it has been removed yet or
//! not. It is not removed by the commands that meet it, so they record what they did in words that come to
//! the same while it still is: in a replay nothing is due.

mod counter;
mod deadline;
mod import;
mod options;
mod random;
mod read;
mod scan;
mod timed;
mod write;

use super::args;
use super::cx::Cx;
use super::error::{Error, Outcome};
use super::table::{Entry, keys};
use crate::keyspace::{EventClass, WrongType};
use crate::types::hash::{Hash, Limits};

pub(super) use import::Fieldsets;

pub(super) static COMMANDS: &[Entry] = &[
    keys("hdel", write::hdel),
    keys("hexists", read::hexists),
    keys("hexpire", deadline::hexpire),
    keys("hexpireat", deadline::hexpireat),
    keys("hexpiretime", deadline::hexpiretime),
    keys("hget", read::hget),
    keys("hgetall", read::hgetall),
    keys("hgetdel", timed::hgetdel),
    keys("hgetex", timed::hgetex),
    keys("himport|discard", import::discard),
    keys("himport|discardall", import::discardall),
    keys("himport|prepare", import::prepare),
    keys("himport|set", import::set),
    keys("hincrby", counter::hincrby),
    keys("hincrbyfloat", counter::hincrbyfloat),
    keys("hkeys", read::hkeys),
    keys("hlen", read::hlen),
    keys("hmget", read::hmget),
    keys("hmset", write::hmset),
    keys("hpersist", deadline::hpersist),
    keys("hpexpire", deadline::hpexpire),
    keys("hpexpireat", deadline::hpexpireat),
    keys("hpexpiretime", deadline::hpexpiretime),
    keys("hpttl", deadline::hpttl),
    keys("hrandfield", random::hrandfield),
    keys("hscan", scan::hscan),
    keys("hset", write::hset),
    keys("hsetex", timed::hsetex),
    keys("hsetnx", write::hsetnx),
    keys("hstrlen", read::hstrlen),
    keys("httl", deadline::httl),
    keys("hvals", read::hvals),
];

/// Up to where a hash is small, by the settings.
fn limits(cx: &Cx<'_, '_>) -> Limits {
    cx.server.hash_limits()
}

/// Changes the hash at a key, and keeps the order of deadlines up to date; none if there is no key.
fn edit<R>(
    cx: &mut Cx<'_, '_>,
    key: &[u8],
    change: impl FnOnce(&mut Hash) -> R,
) -> Result<Option<R>, WrongType> {
    let Some(hash) = cx.tx.write::<Hash>(key)? else { return Ok(None) };
    let (answer, moved_from_ms) = changed(hash, change);
    if let Some(before_ms) = moved_from_ms {
        cx.tx.field_deadlines_changed(key, before_ms);
    }
    Ok(Some(answer))
}

/// As [`edit`], making a missing key first.
fn edit_or_insert<R>(
    cx: &mut Cx<'_, '_>,
    key: &[u8],
    change: impl FnOnce(&mut Hash) -> R,
) -> Result<R, WrongType> {
    let hash = cx.tx.write_or_insert(key, Hash::new)?;
    let (answer, moved_from_ms) = changed(hash, change);
    if let Some(before_ms) = moved_from_ms {
        cx.tx.field_deadlines_changed(key, before_ms);
    }
    Ok(answer)
}

/// Changes a hash; its nearest deadline as it was before, if it is another now.
fn changed<R>(hash: &mut Hash, change: impl FnOnce(&mut Hash) -> R) -> (R, Option<i64>) {
    let before_ms = hash.nearest_deadline();
    let answer = change(hash);
    let has_moved = hash.nearest_deadline() != before_ms;
    (answer, has_moved.then_some(before_ms))
}

/// Tells of fields that were removed, and removes the key with the last.
fn shrunk(cx: &mut Cx<'_, '_>, key: &[u8], fields: &[&[u8]]) {
    let is_emptied = cx.tx.remove_if_empty(key);
    cx.tx.changed(key);
    cx.tx.notify_subkeys(EventClass::HASH, "hdel", key, fields.iter().copied());
    if is_emptied {
        cx.tx.notify(EventClass::GENERIC, "del", key);
    }
}

/// As [`shrunk`], with the effect.
fn removed(cx: &mut Cx<'_, '_>, key: &[u8], fields: &[&[u8]]) {
    shrunk(cx, key, fields);
    if let Some(effect) = cx.tx.effect(2 + fields.len()) {
        effect.arg(b"HDEL").arg(key).args(fields.iter().copied()).end();
    }
}
