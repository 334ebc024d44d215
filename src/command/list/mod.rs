//! The list commands.

mod blocking;
mod edit;
mod movement;
mod pop;
mod push;
mod read;

use super::args;
use super::cx::Cx;
use super::error::Error;
use super::table::{Entry, keys};
use crate::keyspace::EventClass;
use crate::types::list::Side;

pub(super) static COMMANDS: &[Entry] = &[
    keys("blmove", blocking::blmove),
    keys("blmovem", blocking::blmovem),
    keys("blmpop", blocking::blmpop),
    keys("blpop", blocking::blpop),
    keys("brpop", blocking::brpop),
    keys("brpoplpush", blocking::brpoplpush),
    keys("lindex", read::lindex),
    keys("linsert", edit::linsert),
    keys("llen", read::llen),
    keys("lmove", movement::lmove),
    keys("lmovem", movement::lmovem),
    keys("lmpop", pop::lmpop),
    keys("lpop", pop::lpop),
    keys("lpos", read::lpos),
    keys("lpush", push::lpush),
    keys("lpushx", push::lpushx),
    keys("lrange", read::lrange),
    keys("lrem", edit::lrem),
    keys("lset", edit::lset),
    keys("ltrim", edit::ltrim),
    keys("rpop", pop::rpop),
    keys("rpoplpush", movement::rpoplpush),
    keys("rpush", push::rpush),
    keys("rpushx", push::rpushx),
];

/// The one integer whose sign cannot be turned, where a sign says from which end to search.
const NOT_MIRRORED: Error = Error::fixed(
    "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
);

/// LEFT or RIGHT.
fn parse_side(word: &[u8]) -> Result<Side, Error> {
    if args::is(word, "LEFT") {
        Ok(Side::Left)
    } else if args::is(word, "RIGHT") {
        Ok(Side::Right)
    } else {
        Err(Error::SYNTAX)
    }
}

fn side_word(side: Side) -> &'static [u8] {
    match side {
        Side::Left => b"LEFT",
        Side::Right => b"RIGHT",
    }
}

/// Removes a list that was emptied, and tells of the change either way: `event` says what it was.
fn shrunk(cx: &mut Cx<'_, '_>, key: &[u8], event: &'static str) {
    cx.shrunk(key, EventClass::LIST, event);
}

/// Tells of elements that came to a list, as `event`: whoever waits for them is to look again.
fn grown(cx: &mut Cx<'_, '_>, key: &[u8], event: &'static str) {
    cx.tx.changed(key);
    cx.tx.signal(key);
    cx.tx.notify(EventClass::LIST, event, key);
}

/// The event of elements that came to one side of a list.
fn push_event(side: Side) -> &'static str {
    match side {
        Side::Left => "lpush",
        Side::Right => "rpush",
    }
}

/// The event of elements that were taken from one side of a list.
fn pop_event(side: Side) -> &'static str {
    match side {
        Side::Left => "lpop",
        Side::Right => "rpop",
    }
}

/// Redis's inclusive bounds, negative ones counted from the end, as a half-open range within
/// `len`; empty as `0..0`.
fn element_range(start: i64, stop: i64, len: usize) -> (usize, usize) {
    let len = len as i64;
    let place = |index: i64| if index < 0 { index.saturating_add(len) } else { index };
    let (from, last) = (place(start).max(0), place(stop).min(len - 1));
    if from > last { (0, 0) } else { (from as usize, last as usize + 1) }
}

/// An index, negative ones counted from the end, within `len`.
fn element_index(index: i64, len: usize) -> Option<usize> {
    let index = if index < 0 { index.saturating_add(len as i64) } else { index };
    usize::try_from(index).ok().filter(|index| *index < len)
}
