//! HGET, HMGET, HGETALL, HKEYS, HVALS, HLEN, HSTRLEN, HEXISTS.

use super::{Cx, Outcome};
use crate::types::hash::{Field, Hash};

pub(super) fn hget(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let due_ms = cx.tx.due_ms();
    let hash = cx.tx.read::<Hash>(args[1])?;
    match hash.and_then(|hash| hash.live(args[2], due_ms)) {
        Some(field) => cx.reply.bulk(field.value),
        None => cx.reply.null(),
    }
    Ok(())
}

pub(super) fn hmget(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let due_ms = cx.tx.due_ms();
    let hash = cx.tx.read::<Hash>(args[1])?;
    cx.reply.array(args.len() - 2);
    for name in &args[2..] {
        match hash.and_then(|hash| hash.live(name, due_ms)) {
            Some(field) => cx.reply.bulk(field.value),
            None => cx.reply.null(),
        }
    }
    Ok(())
}

pub(super) fn hexists(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let due_ms = cx.tx.due_ms();
    let hash = cx.tx.read::<Hash>(args[1])?;
    let exists = hash.is_some_and(|hash| hash.live(args[2], due_ms).is_some());
    cx.reply.int(i64::from(exists));
    Ok(())
}

pub(super) fn hstrlen(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let due_ms = cx.tx.due_ms();
    let hash = cx.tx.read::<Hash>(args[1])?;
    let field = hash.and_then(|hash| hash.live(args[2], due_ms));
    cx.reply.count(field.map_or(0, |field| field.value.len()));
    Ok(())
}

pub(super) fn hlen(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let due_ms = cx.tx.due_ms();
    let len = cx.tx.read::<Hash>(args[1])?.map_or(0, |hash| hash.live_len(due_ms));
    cx.reply.count(len);
    Ok(())
}

pub(super) fn hgetall(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let due_ms = cx.tx.due_ms();
    let hash = cx.tx.read::<Hash>(args[1])?;
    cx.reply.map(hash.map_or(0, |hash| hash.live_len(due_ms)));
    for (name, field) in hash.into_iter().flat_map(|hash| live(hash, due_ms)) {
        cx.reply.bulk(name);
        cx.reply.bulk(field.value);
    }
    Ok(())
}

pub(super) fn hkeys(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let due_ms = cx.tx.due_ms();
    let hash = cx.tx.read::<Hash>(args[1])?;
    cx.reply.array(hash.map_or(0, |hash| hash.live_len(due_ms)));
    for (name, _) in hash.into_iter().flat_map(|hash| live(hash, due_ms)) {
        cx.reply.bulk(name);
    }
    Ok(())
}

pub(super) fn hvals(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let due_ms = cx.tx.due_ms();
    let hash = cx.tx.read::<Hash>(args[1])?;
    cx.reply.array(hash.map_or(0, |hash| hash.live_len(due_ms)));
    for (_, field) in hash.into_iter().flat_map(|hash| live(hash, due_ms)) {
        cx.reply.bulk(field.value);
    }
    Ok(())
}

/// The fields that are there.
pub(super) fn live(hash: &Hash, due_ms: i64) -> impl Iterator<Item = (&[u8], Field<'_>)> {
    hash.iter().filter(move |(_, field)| !field.is_due(due_ms))
}
