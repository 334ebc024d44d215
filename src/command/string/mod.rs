//! The string commands.

mod compare;
mod counter;
mod expiry;
mod increx;
mod lcs;
mod many;
mod set;

use super::args;
use super::cx::Cx;
use super::error::{Error, Outcome};
use super::table::{Entry, keys};
use crate::keyspace::{EventClass, Expiry, Value};
use crate::types::string::StringValue;

pub(super) static COMMANDS: &[Entry] = &[
    keys("append", append),
    keys("decr", counter::decr),
    keys("decrby", counter::decrby),
    keys("delex", compare::delex),
    keys("digest", compare::digest),
    keys("get", get),
    keys("getdel", getdel),
    keys("getex", set::getex),
    keys("getrange", getrange),
    keys("getset", set::getset),
    keys("incr", counter::incr),
    keys("incrby", counter::incrby),
    keys("incrbyfloat", counter::incrbyfloat),
    keys("increx", increx::increx),
    keys("lcs", lcs::lcs),
    keys("mget", many::mget),
    keys("mset", many::mset),
    keys("msetex", many::msetex),
    keys("msetnx", many::msetnx),
    keys("psetex", set::psetex),
    keys("set", set::set),
    keys("setex", set::setex),
    keys("setnx", set::setnx),
    keys("setrange", setrange),
    keys("strlen", strlen),
    keys("substr", getrange),
];

const TOO_LONG: Error =
    Error::fixed("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
const OFFSET_OUT_OF_RANGE: Error = Error::fixed("ERR offset is out of range");

/// Puts a string at a key, as SET does.
fn store(cx: &mut Cx<'_, '_>, key: &[u8], value: StringValue, expiry: Expiry) {
    record_store(cx, key, &value, expiry);
    cx.tx.put(key, Value::String(value), expiry);
    cx.tx.changed(key);
    cx.tx.notify(EventClass::STRING, "set", key);
    if let Expiry::At(_) = expiry {
        cx.tx.notify(EventClass::GENERIC, "expire", key);
    }
}

/// Puts a string at a key that is made from the one that stood there; `event` says how.
fn store_derived(
    cx: &mut Cx<'_, '_>,
    key: &[u8],
    value: StringValue,
    expiry: Expiry,
    event: &'static str,
) {
    record_store(cx, key, &value, expiry);
    if cx.tx.replace(key, Value::String(value), expiry).is_none() {
        cx.tx.notify(EventClass::NEW, "new", key);
    }
    cx.tx.changed(key);
    cx.tx.notify(EventClass::STRING, event, key);
    if let Expiry::At(_) = expiry {
        cx.tx.notify(EventClass::GENERIC, "expire", key);
    }
}

/// Records that a string is put at a key, as a SET of the same outcome. Comes before the change: the
/// value moves with it.
fn record_store(cx: &mut Cx<'_, '_>, key: &[u8], value: &StringValue, expiry: Expiry) {
    if let Some(effect) = cx.tx.effect(match expiry {
        Expiry::Clear => 3,
        Expiry::Keep => 4,
        Expiry::At(_) => 5,
    }) {
        let effect = effect.arg(b"SET").arg(key).arg(&value.text());
        match expiry {
            Expiry::Clear => effect.end(),
            Expiry::Keep => effect.arg(b"KEEPTTL").end(),
            Expiry::At(unix_ms) => effect.arg(b"PXAT").int(unix_ms).end(),
        }
    }
}

/// Removes a key that exists.
fn remove(cx: &mut Cx<'_, '_>, key: &[u8]) {
    cx.tx.remove(key);
    cx.tx.changed(key);
    cx.tx.record(&[b"DEL", key]);
    cx.tx.notify(EventClass::GENERIC, "del", key);
}

/// Writes the string at a key, or null; tells whether there is one.
fn reply_value(cx: &mut Cx<'_, '_>, key: &[u8]) -> Result<bool, Error> {
    match cx.tx.read::<StringValue>(key)? {
        Some(value) => {
            cx.reply.bulk(&value.text());
            Ok(true)
        }
        None => {
            cx.reply.null();
            Ok(false)
        }
    }
}

fn get(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    reply_value(cx, args[1])?;
    Ok(())
}

fn getdel(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    if reply_value(cx, args[1])? {
        remove(cx, args[1]);
    }
    Ok(())
}

fn strlen(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let len = cx.tx.read::<StringValue>(args[1])?.map_or(0, StringValue::len);
    cx.reply.count(len);
    Ok(())
}

fn append(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (key, suffix) = (args[1], args[2]);
    let len_max = cx.server.config.proto_max_bulk_len.get_usize();
    let len = match cx.tx.write::<StringValue>(key)? {
        Some(value) => {
            check_len(value.len(), suffix.len(), len_max)?;
            value.append(suffix)
        }
        None => {
            cx.tx.put(key, Value::String(StringValue::new(suffix)), Expiry::Clear);
            suffix.len()
        }
    };
    cx.tx.changed(key);
    cx.tx.record(&[b"APPEND", key, suffix]);
    cx.tx.notify(EventClass::STRING, "append", key);
    cx.reply.count(len);
    Ok(())
}

fn setrange(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (key, patch) = (args[1], args[3]);
    let offset = usize::try_from(args::integer(args[2])?).map_err(|_| OFFSET_OUT_OF_RANGE)?;
    let len_max = cx.server.config.proto_max_bulk_len.get_usize();
    if patch.is_empty() {
        let len = cx.tx.peek_as::<StringValue>(key)?.map_or(0, StringValue::len);
        cx.reply.count(len);
        return Ok(());
    }
    // Checked before the key is made; the type comes first in Redis.
    let len = match cx.tx.write::<StringValue>(key)? {
        Some(value) => {
            check_len(offset, patch.len(), len_max)?;
            value.set_range(offset, patch)
        }
        None => {
            check_len(offset, patch.len(), len_max)?;
            let mut value = StringValue::new(b"");
            let len = value.set_range(offset, patch);
            cx.tx.put(key, Value::String(value), Expiry::Clear);
            len
        }
    };
    cx.tx.changed(key);
    cx.tx.record(&[b"SETRANGE", key, args[2], patch]);
    cx.tx.notify(EventClass::STRING, "setrange", key);
    cx.reply.count(len);
    Ok(())
}

fn check_len(before: usize, more: usize, len_max: usize) -> Outcome {
    match before.checked_add(more) {
        Some(len) if len <= len_max => Ok(()),
        _ => Err(TOO_LONG),
    }
}

fn getrange(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (start, end) = (args::integer(args[2])?, args::integer(args[3])?);
    match cx.tx.read::<StringValue>(args[1])? {
        None => cx.reply.bulk(b""),
        Some(value) => {
            let text = value.text();
            let (from, to) = byte_range(start, end, text.len());
            cx.reply.bulk(&text[from..to]);
        }
    }
    Ok(())
}

/// GETRANGE's inclusive bounds, negative ones counted from the end, as a half-open range.
fn byte_range(start: i64, end: i64, len: usize) -> (usize, usize) {
    let len = len as i64;
    if len == 0 || (start < 0 && end < 0 && start > end) {
        return (0, 0);
    }
    let place = |index: i64| if index < 0 { (len + index).max(0) } else { index };
    let (from, last) = (place(start), place(end).min(len - 1));
    if from > last { (0, 0) } else { (from as usize, last as usize + 1) }
}
