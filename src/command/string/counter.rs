//! INCR, DECR, INCRBY, DECRBY, INCRBYFLOAT.

use super::super::args;
use super::super::cx::Cx;
use super::super::error::{Error, Outcome};
use super::store_derived;
use crate::keyspace::{EventClass, Expiry, Value};
use crate::types::extended::Extended;
use crate::types::string::StringValue;

const OVERFLOW: Error = Error::fixed("ERR increment or decrement would overflow");
const DECREMENT_OVERFLOW: Error = Error::fixed("ERR decrement would overflow");
const NOT_FINITE: Error = Error::fixed("ERR increment would produce NaN or Infinity");

pub(super) fn incr(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    add(cx, args[1], 1)
}

pub(super) fn decr(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    add(cx, args[1], -1)
}

pub(super) fn incrby(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    add(cx, args[1], args::integer(args[2])?)
}

pub(super) fn decrby(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let decrement = args::integer(args[2])?;
    add(cx, args[1], decrement.checked_neg().ok_or(DECREMENT_OVERFLOW)?)
}

fn add(cx: &mut Cx<'_, '_>, key: &[u8], increment: i64) -> Outcome {
    let sum = match cx.tx.write::<StringValue>(key)? {
        Some(value) => {
            let before = value.integer().ok_or(Error::NOT_INTEGER)?;
            let sum = before.checked_add(increment).ok_or(OVERFLOW)?;
            *value = StringValue::from_integer(sum);
            sum
        }
        None => {
            let value = Value::String(StringValue::from_integer(increment));
            cx.tx.put(key, value, Expiry::Clear);
            increment
        }
    };
    cx.tx.changed(key);
    if let Some(effect) = cx.tx.effect(3) {
        effect.arg(b"INCRBY").arg(key).int(increment).end();
    }
    cx.tx.notify(EventClass::STRING, "incrby", key);
    cx.reply.int(sum);
    Ok(())
}

pub(super) fn incrbyfloat(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let key = args[1];
    let before = match cx.tx.peek_as::<StringValue>(key)? {
        Some(value) => Extended::parse(&value.text()).ok_or(Error::NOT_FLOAT)?,
        None => Extended::ZERO,
    };
    let increment = Extended::parse(args[2]).ok_or(Error::NOT_FLOAT)?;
    let sum = before.checked_add(increment).ok_or(NOT_FINITE)?.to_text();
    // Recorded as its outcome, so that a replay has no arithmetic to repeat.
    let sum_value = StringValue::from_bytes(sum.as_bytes());
    store_derived(cx, key, sum_value, Expiry::Keep, "incrbyfloat");
    cx.reply.bulk(sum.as_bytes());
    Ok(())
}
