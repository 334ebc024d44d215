//! ZPOPMIN, ZPOPMAX, ZMPOP, and what the waiting forms share with them.

use super::{put_member, shrunk};
use crate::command::args::{self, MultiPop};
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::types::zset::Zset;

/// From which end members are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    Min,
    Max,
}

impl End {
    pub fn parse(word: &[u8]) -> Result<End, Error> {
        if args::is(word, "MIN") {
            Ok(End::Min)
        } else if args::is(word, "MAX") {
            Ok(End::Max)
        } else {
            Err(Error::SYNTAX)
        }
    }

    fn command(self) -> &'static [u8] {
        match self {
            End::Min => b"ZPOPMIN",
            End::Max => b"ZPOPMAX",
        }
    }

    fn event(self) -> &'static str {
        match self {
            End::Min => "zpopmin",
            End::Max => "zpopmax",
        }
    }
}

/// How what was popped is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shape {
    /// Members and scores in one array.
    Flat,
    /// An array of pairs.
    Pairs,
    /// The key, the member and its score.
    WithKey,
    /// The key, and an array of pairs.
    KeyAndPairs,
}

pub(super) fn zpopmin(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    pop_command(cx, args, End::Min)
}

pub(super) fn zpopmax(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    pop_command(cx, args, End::Max)
}

fn pop_command(cx: &mut Cx<'_, '_>, args: &[&[u8]], end: End) -> Outcome {
    let (count, shape) = match &args[2..] {
        [] => (1, Shape::Flat),
        [count] => {
            let count = args::integer_in(count, 0, i64::MAX, Error::NOT_POSITIVE)? as usize;
            (count, if cx.reply.is_resp3() { Shape::Pairs } else { Shape::Flat })
        }
        _ => return Err(Error::SYNTAX),
    };
    if count == 0 && cx.tx.peek_as::<Zset>(args[1])?.is_some()
        || !pop(cx, args[1], end, count, shape)?
    {
        cx.reply.array(0);
    }
    Ok(())
}

/// Pops up to `count` members (at least one) of a set and writes them to the reply; tells whether
/// there was a set.
pub(super) fn pop(
    cx: &mut Cx<'_, '_>,
    key: &[u8],
    end: End,
    count: usize,
    shape: Shape,
) -> Result<bool, Error> {
    let Some(set) = cx.tx.write::<Zset>(key)? else { return Ok(false) };
    let len = set.len();
    let count = count.min(len);
    let reply = &mut cx.reply;
    match shape {
        Shape::Flat => reply.array(count * 2),
        Shape::Pairs => reply.array(count),
        Shape::WithKey => {
            reply.array(3);
            reply.bulk(key);
        }
        Shape::KeyAndPairs => {
            reply.array(2);
            reply.bulk(key);
            reply.array(count);
        }
    }
    let as_pairs = matches!(shape, Shape::Pairs | Shape::KeyAndPairs);
    let (from, to) = match end {
        End::Min => (0, count),
        End::Max => (len - count, len),
    };
    let mut put = |(member, score)| put_member(reply, member, Some(score), as_pairs);
    match end {
        End::Min => set.range(from, to).for_each(&mut put),
        End::Max => set.range(from, to).rev().for_each(&mut put),
    }
    set.remove_range(from, to);
    shrunk(cx, key, end.event());
    if let Some(effect) = cx.tx.effect(3) {
        effect.arg(end.command()).arg(key).int(count as i64).end();
    }
    Ok(true)
}

/// Pops from the first of the keys that holds a set; tells whether one does. A key of another type
/// before it is an error.
pub(super) fn pop_first(cx: &mut Cx<'_, '_>, request: &MultiPop<'_, End>) -> Result<bool, Error> {
    for key in request.keys {
        if pop(cx, key, request.end, request.count, Shape::KeyAndPairs)? {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn zmpop(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    if !pop_first(cx, &MultiPop::parse(&args[1..], End::parse)?)? {
        cx.reply.null_array();
    }
    Ok(())
}
