//! HSET, HMSET, HSETNX, HDEL.

use super::{Cx, Error, Outcome, edit, edit_or_insert, limits, removed};
use crate::keyspace::EventClass;
use crate::types::hash::{Field, Hash};

pub(super) fn hset(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let added = set_all(cx, args, "hset")?;
    cx.reply.count(added);
    Ok(())
}

pub(super) fn hmset(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    set_all(cx, args, "hmset")?;
    cx.reply.ok();
    Ok(())
}

/// Sets fields, which takes their deadlines away; how many were not there.
fn set_all(cx: &mut Cx<'_, '_>, args: &[&[u8]], command: &str) -> Result<usize, Error> {
    let (pairs, []) = args[2..].as_chunks::<2>() else {
        return Err(Error::wrong_arity(command));
    };
    let (key, limits, due_ms) = (args[1], limits(cx), cx.tx.due_ms());
    let added = edit_or_insert(cx, key, |hash| {
        // The nearest deadline of a small hash is looked for in all of it.
        if hash.nearest_deadline() > due_ms {
            return hash.set_all(pairs, &limits);
        }
        let added = |[name, value]: &[&[u8]; 2]| {
            let was_due = is_due(hash, name, due_ms);
            let is_new = hash.set(name, Field::new(value), &limits);
            usize::from(is_new || was_due)
        };
        pairs.iter().map(added).sum()
    })?;
    cx.tx.changed(key);
    cx.tx.notify_subkeys(EventClass::HASH, "hset", key, pairs.iter().map(|[name, _]| *name));
    if let Some(effect) = cx.tx.effect(args.len()) {
        effect.arg(b"HSET").args(args[1..].iter().copied()).end();
    }
    Ok(added)
}

/// Whether a field is still held whose deadline has passed.
fn is_due(hash: &Hash, name: &[u8], due_ms: i64) -> bool {
    hash.get(name).is_some_and(|field| field.is_due(due_ms))
}

pub(super) fn hsetnx(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (key, name, value) = (args[1], args[2], args[3]);
    let due_ms = cx.tx.due_ms();
    let hash = cx.tx.peek_as::<Hash>(key)?;
    if hash.is_some_and(|hash| hash.live(name, due_ms).is_some()) {
        cx.reply.int(0);
        return Ok(());
    }
    let limits = limits(cx);
    edit_or_insert(cx, key, |hash| hash.set(name, Field::new(value), &limits))?;
    cx.tx.changed(key);
    cx.tx.record(&[b"HSET", key, name, value]);
    cx.tx.notify_subkeys(EventClass::HASH, "hset", key, [name]);
    cx.reply.int(1);
    Ok(())
}

pub(super) fn hdel(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (key, names) = (args[1], &args[2..]);
    let due_ms = cx.tx.due_ms();
    let gone = edit(cx, key, |hash| {
        let remove = |name: &&[u8]| hash.live(name, due_ms).is_some() && hash.remove(name);
        names.iter().copied().filter(remove).collect::<Vec<&[u8]>>()
    })?;
    let gone = gone.unwrap_or_default();
    if !gone.is_empty() {
        removed(cx, key, &gone);
    }
    cx.reply.count(gone.len());
    Ok(())
}
