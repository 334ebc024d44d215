//! The forms that wait: BLPOP, BRPOP, BLMPOP, BLMOVE, BRPOPLPUSH, BLMOVEM.
//!
//! Each tries what its plain form does and, where that finds nothing, waits for its keys. When one
//! becomes worth another look the command is run again from its start. What it then does is
//! recorded as the plain form.

use super::super::args::{self, MultiPop};
use super::super::cx::{AtDeadline, Cx, Mode};
use super::super::error::Outcome;
use super::movement::{Amount, Route};
use super::parse_side;
use super::pop::{pop_first, pop_one};
use crate::keyspace::Class;
use crate::types::list::{List, Side};

/// Waits until one of `keys` is worth another look; a null array at the deadline.
fn wait(cx: &mut Cx<'_, '_>, keys: &[&[u8]], deadline_ms: Option<i64>) {
    cx.block(keys, Class::List, deadline_ms, AtDeadline::NullArray);
}

pub(super) fn blpop(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    pop_or_wait(cx, args, Side::Left)
}

pub(super) fn brpop(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    pop_or_wait(cx, args, Side::Right)
}

fn pop_or_wait(cx: &mut Cx<'_, '_>, args: &[&[u8]], side: Side) -> Outcome {
    let (keys, timeout) = (&args[1..args.len() - 1], args[args.len() - 1]);
    let deadline_ms = args::timeout_seconds(timeout, cx.tx.now_ms())?;
    for key in keys {
        if cx.tx.peek_as::<List>(key)?.is_some() {
            cx.reply.array(2);
            cx.reply.bulk(key);
            pop_one(cx, key, side)?;
            return Ok(());
        }
    }
    wait(cx, keys, deadline_ms);
    Ok(())
}

pub(super) fn blmpop(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let request = MultiPop::parse(&args[2..], parse_side)?;
    let deadline_ms = args::timeout_seconds(args[1], cx.tx.now_ms())?;
    if !pop_first(cx, &request)? {
        wait(cx, request.keys, deadline_ms);
    }
    Ok(())
}

pub(super) fn blmove(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let route = Route::parse(args)?;
    move_or_wait(cx, &route, args[5])
}

pub(super) fn brpoplpush(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    move_or_wait(cx, &Route::right_to_left(args), args[3])
}

fn move_or_wait(cx: &mut Cx<'_, '_>, route: &Route<'_>, timeout: &[u8]) -> Outcome {
    let deadline_ms = args::timeout_seconds(timeout, cx.tx.now_ms())?;
    if route.move_one(cx)? {
        return Ok(());
    }
    match cx.mode {
        // A wait that ends in vain gives a null array, but where none begins it is a plain null.
        Mode::InExec | Mode::Script | Mode::Replay => cx.reply.null(),
        Mode::Direct | Mode::Retry => wait(cx, &[route.source], deadline_ms),
    }
    Ok(())
}

pub(super) fn blmovem(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let route = Route::parse(args)?;
    let deadline_ms = args::timeout_seconds(args[5], cx.tx.now_ms())?;
    let amount = Amount::parse(&args[6..])?;
    if !route.move_many(cx, &amount)? {
        wait(cx, &[route.source], deadline_ms);
    }
    Ok(())
}
