//! The forms that wait: BZPOPMIN, BZPOPMAX, BZMPOP.
//!
//! Each tries what its plain form does and, where that finds nothing, waits for its keys. When one
//! becomes worth another look the command is run again from its start. What it then does is
//! recorded as the plain form.

use super::pop::{End, Shape, pop, pop_first};
use crate::command::args::{self, MultiPop};
use crate::command::cx::{AtDeadline, Cx};
use crate::command::error::Outcome;
use crate::keyspace::Class;
use crate::types::zset::Zset;

/// Waits until one of `keys` is worth another look; a null array at the deadline.
fn wait(cx: &mut Cx<'_, '_>, keys: &[&[u8]], deadline_ms: Option<i64>) {
    cx.block(keys, Class::Zset, deadline_ms, AtDeadline::NullArray);
}

pub(super) fn bzpopmin(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    pop_or_wait(cx, args, End::Min)
}

pub(super) fn bzpopmax(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    pop_or_wait(cx, args, End::Max)
}

fn pop_or_wait(cx: &mut Cx<'_, '_>, args: &[&[u8]], end: End) -> Outcome {
    let (keys, timeout) = (&args[1..args.len() - 1], args[args.len() - 1]);
    let deadline_ms = args::timeout_seconds(timeout, cx.tx.now_ms())?;
    for key in keys {
        if cx.tx.peek_as::<Zset>(key)?.is_some() {
            pop(cx, key, end, 1, Shape::WithKey)?;
            return Ok(());
        }
    }
    wait(cx, keys, deadline_ms);
    Ok(())
}

pub(super) fn bzmpop(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let request = MultiPop::parse(&args[2..], End::parse)?;
    let deadline_ms = args::timeout_seconds(args[1], cx.tx.now_ms())?;
    if !pop_first(cx, &request)? {
        wait(cx, request.keys, deadline_ms);
    }
    Ok(())
}
