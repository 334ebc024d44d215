//! LPUSH, RPUSH, LPUSHX, RPUSHX.

use super::super::cx::Cx;
use super::super::error::Outcome;
use super::{grown, push_event};
use crate::types::list::{List, Side};

pub(super) fn lpush(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    push(cx, args, Side::Left)
}

pub(super) fn rpush(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    push(cx, args, Side::Right)
}

pub(super) fn lpushx(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    push_if_present(cx, args, Side::Left)
}

pub(super) fn rpushx(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    push_if_present(cx, args, Side::Right)
}

fn push(cx: &mut Cx<'_, '_>, args: &[&[u8]], side: Side) -> Outcome {
    let list = cx.tx.write_or_insert(args[1], List::new)?;
    push_all(list, side, &args[2..]);
    let len = list.len();
    finish(cx, args, side, len);
    Ok(())
}

fn push_if_present(cx: &mut Cx<'_, '_>, args: &[&[u8]], side: Side) -> Outcome {
    let Some(list) = cx.tx.write::<List>(args[1])? else {
        cx.reply.int(0);
        return Ok(());
    };
    push_all(list, side, &args[2..]);
    let len = list.len();
    finish(cx, args, side, len);
    Ok(())
}

fn push_all(list: &mut List, side: Side, values: &[&[u8]]) {
    match values {
        [value] => list.push(side, value),
        _ => list.push_all(side, values.iter().copied()),
    }
}

fn finish(cx: &mut Cx<'_, '_>, args: &[&[u8]], side: Side, len: usize) {
    grown(cx, args[1], push_event(side));
    let name: &[u8] = match side {
        Side::Left => b"LPUSH",
        Side::Right => b"RPUSH",
    };
    if let Some(effect) = cx.tx.effect(args.len()) {
        effect.arg(name).args(args[1..].iter().copied()).end();
    }
    cx.reply.count(len);
}
