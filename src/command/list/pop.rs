//! LPOP, RPOP, LMPOP, and what the waiting forms share with them.

use super::super::args::{self, MultiPop};
use super::super::cx::Cx;
use super::super::error::{Error, Outcome};
use super::{parse_side, pop_event, shrunk};
use crate::keyspace::EventClass;
use crate::types::list::{List, Side};

pub(super) fn lpop(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    pop(cx, args, Side::Left, "lpop")
}

pub(super) fn rpop(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    pop(cx, args, Side::Right, "rpop")
}

fn pop(cx: &mut Cx<'_, '_>, args: &[&[u8]], side: Side, name: &str) -> Outcome {
    match args {
        [_, key] => {
            if !pop_one(cx, key, side)? {
                cx.reply.null();
            }
        }
        [_, key, count] => {
            let count = args::integer_in(count, 0, i64::MAX, Error::NOT_POSITIVE)? as usize;
            match cx.tx.peek_as::<List>(key)? {
                None => cx.reply.null_array(),
                Some(_) if count == 0 => cx.reply.array(0),
                Some(_) => pop_many(cx, key, side, count)?,
            }
        }
        _ => return Err(Error::wrong_arity(name)),
    }
    Ok(())
}

fn pop_name(side: Side) -> &'static [u8] {
    match side {
        Side::Left => b"LPOP",
        Side::Right => b"RPOP",
    }
}

/// Pops an element and writes it to the reply; tells whether there was a list.
pub(super) fn pop_one(cx: &mut Cx<'_, '_>, key: &[u8], side: Side) -> Result<bool, Error> {
    let Some(list) = cx.tx.write::<List>(key)? else { return Ok(false) };
    let Some(element) = list.end(side) else { return Ok(false) };
    cx.reply.bulk(&element);
    list.cut(side, 1);
    let emptied = list.is_empty();
    if emptied {
        cx.tx.remove(key);
    }
    cx.tx.changed(key);
    cx.tx.notify(EventClass::LIST, pop_event(side), key);
    if emptied {
        cx.tx.notify(EventClass::GENERIC, "del", key);
    }
    cx.tx.record(&[pop_name(side), key]);
    Ok(true)
}

/// Pops up to `count` elements (at least one) of a list that exists, and writes them as an array.
pub(super) fn pop_many(cx: &mut Cx<'_, '_>, key: &[u8], side: Side, count: usize) -> Outcome {
    let Some(list) = cx.tx.write::<List>(key)? else { return Ok(()) };
    let count = count.min(list.len());
    cx.reply.array(count);
    match side {
        Side::Left => list.range(0, count).for_each(|element| cx.reply.bulk(&element)),
        Side::Right => {
            let from = list.len() - count;
            list.range(from, list.len()).rev().for_each(|element| cx.reply.bulk(&element));
        }
    }
    list.cut(side, count);
    shrunk(cx, key, pop_event(side));
    if let Some(effect) = cx.tx.effect(3) {
        effect.arg(pop_name(side)).arg(key).int(count as i64).end();
    }
    Ok(())
}

/// Pops from the first of the keys that holds a list; tells whether one does. A key of another type
/// before it is an error.
pub(super) fn pop_first(cx: &mut Cx<'_, '_>, request: &MultiPop<'_, Side>) -> Result<bool, Error> {
    for key in request.keys {
        if cx.tx.peek_as::<List>(key)?.is_some() {
            cx.reply.array(2);
            cx.reply.bulk(key);
            pop_many(cx, key, request.end, request.count)?;
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn lmpop(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    if !pop_first(cx, &MultiPop::parse(&args[1..], parse_side)?)? {
        cx.reply.null_array();
    }
    Ok(())
}
