//! LSET, LINSERT, LREM, LTRIM.

use super::super::args;
use super::super::cx::Cx;
use super::super::error::{Error, Outcome};
use super::{NOT_MIRRORED, element_index, element_range, grown, shrunk};
use crate::keyspace::EventClass;
use crate::types::list::{List, Side};

pub(super) fn lset(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let key = args[1];
    let list = cx.tx.write::<List>(key)?.ok_or(Error::NO_SUCH_KEY)?;
    let index = element_index(args::integer(args[2])?, list.len());
    list.set(index.ok_or(Error::INDEX_OUT_OF_RANGE)?, args[3]);
    cx.tx.changed(key);
    cx.tx.record(&[b"LSET", key, args[2], args[3]]);
    cx.tx.notify(EventClass::LIST, "lset", key);
    cx.reply.ok();
    Ok(())
}

pub(super) fn linsert(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (key, pivot, value) = (args[1], args[3], args[4]);
    let behind = if args::is(args[2], "AFTER") {
        1
    } else if args::is(args[2], "BEFORE") {
        0
    } else {
        return Err(Error::SYNTAX);
    };
    let Some(list) = cx.tx.write::<List>(key)? else {
        cx.reply.int(0);
        return Ok(());
    };
    let Some(found) = list.find(pivot) else {
        cx.reply.int(-1);
        return Ok(());
    };
    list.insert(found + behind, value);
    let len = list.len();
    grown(cx, key, "linsert");
    cx.tx.record(&[b"LINSERT", key, args[2], pivot, value]);
    cx.reply.count(len);
    Ok(())
}

pub(super) fn lrem(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (key, value) = (args[1], args[3]);
    let count = args::integer(args[2])?;
    let (side, limit) = match count {
        i64::MIN => return Err(NOT_MIRRORED),
        0 => (Side::Left, usize::MAX),
        1.. => (Side::Left, count as usize),
        _ => (Side::Right, count.unsigned_abs() as usize),
    };
    let removed = match cx.tx.write::<List>(key)? {
        Some(list) => list.remove(side, limit, value),
        None => 0,
    };
    if removed > 0 {
        shrunk(cx, key, "lrem");
        cx.tx.record(&[b"LREM", key, args[2], value]);
    }
    cx.reply.count(removed);
    Ok(())
}

pub(super) fn ltrim(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let key = args[1];
    let (start, stop) = (args::integer(args[2])?, args::integer(args[3])?);
    if let Some(list) = cx.tx.write::<List>(key)? {
        let (from, to) = element_range(start, stop, list.len());
        list.trim(from, to);
        // Redis counts it as a change even where nothing is cut.
        shrunk(cx, key, "ltrim");
        cx.tx.record(&[b"LTRIM", key, args[2], args[3]]);
    }
    cx.reply.ok();
    Ok(())
}
