//! RENAME, RENAMENX, COPY, MOVE: one value under another name or in another database.

use crate::command::args;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::keyspace::{EventClass, Expiry, Kind, NEVER};

pub(super) fn rename(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    rename_key(cx, args[1], args[2], false)?;
    cx.reply.ok();
    Ok(())
}

pub(super) fn renamenx(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let renamed = rename_key(cx, args[1], args[2], true)?;
    cx.reply.int(i64::from(renamed));
    Ok(())
}

/// False if the new name is taken and has to be free.
fn rename_key(
    cx: &mut Cx<'_, '_>,
    from: &[u8],
    to: &[u8],
    has_to_be_free: bool,
) -> Result<bool, Error> {
    if !cx.tx.exists(from) {
        return Err(Error::NO_SUCH_KEY);
    }
    if from == to {
        return Ok(!has_to_be_free);
    }
    if has_to_be_free && cx.tx.exists(to) {
        return Ok(false);
    }
    let slot = cx.tx.take(from).expect("it was there a moment ago, under the same lock");
    let kind = slot.value.kind();
    let before = cx.tx.replace(to, slot.value, deadline(slot.expire_at_ms));
    cx.tx.changed(from);
    cx.tx.changed(to);
    cx.tx.record(&[b"RENAME", from, to]);
    cx.tx.notify(EventClass::NEW, "new", to);
    cx.tx.notify(EventClass::GENERIC, "rename_from", from);
    cx.tx.notify(EventClass::GENERIC, "rename_to", to);
    notify_overwritten(cx, to, before, kind);
    Ok(true)
}

/// Tells that a value came to stand in the place of another, if it did.
pub(super) fn notify_overwritten(
    cx: &mut Cx<'_, '_>,
    key: &[u8],
    before: Option<Kind>,
    after: Kind,
) {
    if let Some(before) = before {
        cx.tx.notify_overwritten(key, before, after);
    }
}

/// The deadline goes with the value.
fn deadline(expire_at_ms: i64) -> Expiry {
    if expire_at_ms == NEVER { Expiry::Clear } else { Expiry::At(expire_at_ms) }
}

pub(super) fn copy(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (from, to) = (args[1], args[2]);
    let from_db = cx.tx.db();
    let mut to_db = from_db;
    let mut replace = false;
    let mut options = args[3..].iter();
    while let Some(option) = options.next() {
        if args::is(option, "REPLACE") {
            replace = true;
        } else if args::is(option, "DB") {
            let number = options.next().ok_or(Error::SYNTAX)?;
            to_db = args::database(number, cx.tx.keyspace().databases())?;
        } else {
            return Err(Error::SYNTAX);
        }
    }
    if from == to && from_db == to_db {
        return Err(Error::SAME_OBJECT);
    }
    let copied = copy_key(cx, (from_db, from), (to_db, to), replace);
    cx.tx.select(from_db);
    cx.reply.int(i64::from(copied));
    Ok(())
}

fn copy_key(
    cx: &mut Cx<'_, '_>,
    (from_db, from): (usize, &[u8]),
    (to_db, to): (usize, &[u8]),
    replace: bool,
) -> bool {
    let Some(slot) = cx.tx.slot(from) else {
        cx.tx.notify_miss(from);
        return false;
    };
    let expire_at_ms = slot.expire_at_ms;
    cx.tx.select(to_db);
    if !replace && cx.tx.exists(to) {
        return false;
    }
    cx.tx.select(from_db);
    let Some(value) = cx.tx.get(from).cloned() else { return false };
    let mut digits = itoa::Buffer::new();
    let db = digits.format(to_db).as_bytes();
    cx.tx.select(to_db);
    let kind = value.kind();
    let before = cx.tx.replace(to, value, deadline(expire_at_ms));
    cx.tx.changed(to);
    cx.tx.notify(EventClass::NEW, "new", to);
    cx.tx.notify(EventClass::GENERIC, "copy_to", to);
    notify_overwritten(cx, to, before, kind);
    // After the change, which may first have recorded that what stood there had expired; and in the
    // database that the effect starts from.
    cx.tx.select(from_db);
    cx.tx.record(&[b"COPY", from, to, b"DB", db, b"REPLACE"]);
    true
}

pub(super) fn move_to(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let key = args[1];
    let from_db = cx.tx.db();
    let to_db = args::database(args[2], cx.tx.keyspace().databases())?;
    if from_db == to_db {
        return Err(Error::SAME_OBJECT);
    }
    let moved = move_key(cx, key, from_db, to_db, args[2]);
    cx.tx.select(from_db);
    cx.reply.int(i64::from(moved));
    Ok(())
}

fn move_key(
    cx: &mut Cx<'_, '_>,
    key: &[u8],
    from_db: usize,
    to_db: usize,
    to_db_text: &[u8],
) -> bool {
    if !cx.tx.exists(key) {
        return false;
    }
    cx.tx.select(to_db);
    if cx.tx.exists(key) {
        return false;
    }
    cx.tx.select(from_db);
    let slot = cx.tx.take(key).expect("it was there a moment ago, under the same lock");
    cx.tx.changed(key);
    cx.tx.select(to_db);
    cx.tx.put(key, slot.value, deadline(slot.expire_at_ms));
    cx.tx.changed(key);
    cx.tx.select(from_db);
    cx.tx.record(&[b"MOVE", key, to_db_text]);
    cx.tx.notify(EventClass::GENERIC, "move_from", key);
    cx.tx.select(to_db);
    cx.tx.notify(EventClass::GENERIC, "move_to", key);
    cx.tx.select(from_db);
    true
}
