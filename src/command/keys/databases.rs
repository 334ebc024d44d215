//! DBSIZE, FLUSHDB, FLUSHALL, SWAPDB: whole databases.

use crate::command::args;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};

pub(super) fn dbsize(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    let keys = cx.tx.db_len();
    cx.reply.count(keys);
    Ok(())
}

pub(super) fn flushdb(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    check_flush_mode(args)?;
    cx.tx.flush_db();
    cx.tx.record(&[b"FLUSHDB"]);
    cx.reply.ok();
    Ok(())
}

pub(super) fn flushall(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    check_flush_mode(args)?;
    let selected = cx.tx.db();
    for db in 0..cx.tx.keyspace().databases() {
        cx.tx.select(db);
        cx.tx.flush_db();
    }
    cx.tx.select(selected);
    cx.tx.record(&[b"FLUSHALL"]);
    cx.reply.ok();
    Ok(())
}

/// SYNC and ASYNC come to the same: the keys are gone at once, and what they held is freed when no
/// lock is held any more.
fn check_flush_mode(args: &[&[u8]]) -> Result<(), Error> {
    match args[1..] {
        [] => Ok(()),
        [mode] if args::is(mode, "SYNC") || args::is(mode, "ASYNC") => Ok(()),
        _ => Err(Error::SYNTAX),
    }
}

pub(super) fn swapdb(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let parse = |text, error| args::integer_in(text, i32::MIN.into(), i32::MAX.into(), error);
    let one = parse(args[1], Error::fixed("ERR invalid first DB index"))?;
    let other = parse(args[2], Error::fixed("ERR invalid second DB index"))?;
    let databases = cx.tx.keyspace().databases();
    let existing = |number: i64| usize::try_from(number).ok().filter(|db| *db < databases);
    let (Some(one), Some(other)) = (existing(one), existing(other)) else {
        return Err(Error::DB_OUT_OF_RANGE);
    };
    if one != other {
        cx.tx.swap_dbs(one, other);
        cx.tx.record(&[b"SWAPDB", args[1], args[2]]);
    }
    cx.reply.ok();
    Ok(())
}
