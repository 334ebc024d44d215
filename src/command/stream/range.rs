//! XLEN, XRANGE, XREVRANGE.

use smallvec::SmallVec;

use super::args;
use super::reply::write_entry;
use crate::command::args::{integer, is};
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::types::stream::Stream;
use crate::types::stream::log::Entry;

pub(super) fn xlen(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let len = cx.tx.read::<Stream>(args[1])?.map_or(0, |stream| stream.log().len());
    cx.reply.int(len as i64);
    Ok(())
}

pub(super) fn xrange(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    range(cx, args, args[2], args[3], false)
}

pub(super) fn xrevrange(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    range(cx, args, args[3], args[2], true)
}

fn range(cx: &mut Cx<'_, '_>, args: &[&[u8]], first: &[u8], last: &[u8], falling: bool) -> Outcome {
    let first = args::range_start(first)?;
    let last = args::range_end(last)?;
    let mut count = usize::MAX;
    let mut rest = &args[4..];
    while let [option, more @ ..] = rest {
        let [value, more @ ..] = more else { return Err(Error::SYNTAX) };
        if !is(option, "COUNT") {
            return Err(Error::SYNTAX);
        }
        count = usize::try_from(integer(value)?).unwrap_or(0);
        rest = more;
    }
    let Some(stream) = cx.tx.read::<Stream>(args[1])? else {
        cx.reply.array(0);
        return Ok(());
    };
    if count == 0 {
        cx.reply.null_array();
        return Ok(());
    }
    let entries: SmallVec<[Entry<'_>; 8]> = match falling {
        false => stream.log().range(first, last).take(count).collect(),
        true => stream.log().range_rev(first, last).take(count).collect(),
    };
    cx.reply.array(entries.len());
    for entry in &entries {
        write_entry(&mut cx.reply, entry);
    }
    Ok(())
}
