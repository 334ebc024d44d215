//! HINCRBY, HINCRBYFLOAT.

use super::{Cx, Error, Outcome, args, edit_or_insert, limits};
use crate::keyspace::EventClass;
use crate::types::extended::Extended;
use crate::types::hash::{Field, Hash, NEVER};

const NOT_INTEGER: Error = Error::fixed("ERR hash value is not an integer");
const NOT_FLOAT: Error = Error::fixed("ERR hash value is not a float");
const OVERFLOW: Error = Error::fixed("ERR increment or decrement would overflow");
const INCREMENT_NOT_FINITE: Error = Error::fixed("ERR value is NaN or Infinity");
const NOT_FINITE: Error = Error::fixed("ERR increment would produce NaN or Infinity");

pub(super) fn hincrby(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let increment = args::integer(args[3])?;
    let sum = match field(cx, args[1], args[2])? {
        None => increment,
        Some(field) => {
            let before = args::parse_i64(field.value).ok_or(NOT_INTEGER)?;
            before.checked_add(increment).ok_or(OVERFLOW)?
        }
    };
    let mut digits = itoa::Buffer::new();
    store(cx, args[1], args[2], digits.format(sum).as_bytes(), "hincrby")?;
    cx.reply.int(sum);
    Ok(())
}

pub(super) fn hincrbyfloat(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let increment = Extended::parse(args[3]).ok_or(Error::NOT_FLOAT)?;
    if increment.is_infinite() {
        return Err(INCREMENT_NOT_FINITE);
    }
    let before = match field(cx, args[1], args[2])? {
        None => Extended::ZERO,
        Some(field) => Extended::parse(field.value).ok_or(NOT_FLOAT)?,
    };
    let sum = before.checked_add(increment).filter(|sum| !sum.is_infinite()).ok_or(NOT_FINITE)?;
    let text = sum.to_text();
    store(cx, args[1], args[2], text.as_bytes(), "hincrbyfloat")?;
    cx.reply.bulk(text.as_bytes());
    Ok(())
}

/// The field as it is before the change, if it is there.
fn field<'t>(cx: &'t mut Cx<'_, '_>, key: &[u8], name: &[u8]) -> Result<Option<Field<'t>>, Error> {
    let due_ms = cx.tx.due_ms();
    Ok(cx.tx.peek_as::<Hash>(key)?.and_then(|hash| hash.live(name, due_ms)))
}

/// Puts the sum in, which keeps the field's deadline, and records it as what it has come to: a replay
/// has no arithmetic to repeat.
fn store(
    cx: &mut Cx<'_, '_>,
    key: &[u8],
    name: &[u8],
    value: &[u8],
    event: &'static str,
) -> Outcome {
    let expire_at_ms = field(cx, key, name)?.map_or(NEVER, |field| field.expire_at_ms);
    let limits = limits(cx);
    edit_or_insert(cx, key, |hash| hash.set(name, Field { value, expire_at_ms }, &limits))?;
    cx.tx.changed(key);
    if expire_at_ms == NEVER {
        cx.tx.record(&[b"HSET", key, name, value]);
    } else {
        cx.tx.record(&[b"HSETEX", key, b"KEEPTTL", b"FIELDS", b"1", name, value]);
    }
    cx.tx.notify_subkeys(EventClass::HASH, event, key, [name]);
    Ok(())
}
