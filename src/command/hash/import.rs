//! HIMPORT: many hashes of the same fields, whose names are said once a connection.

use std::collections::{HashMap, HashSet};

use super::{Cx, Error, Outcome, limits};
use crate::keyspace::{EventClass, Expiry, Typed};
use crate::types::hash::{Field, Hash};

const DUPLICATE_FIELD: Error = Error::fixed("ERR duplicate field name in fieldset");
const NO_FIELDSET: Error = Error::fixed("ERR no such fieldset");
const OTHER_COUNT: Error = Error::fixed("ERR value count does not match fieldset field count");

/// By name, the names of fields in the order in which their values will come.
pub type Fieldsets = HashMap<Box<[u8]>, Vec<Box<[u8]>>>;

pub(super) fn prepare(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (name, fields) = (args[2], &args[3..]);
    let mut seen = HashSet::with_capacity(fields.len());
    if !fields.iter().all(|field| seen.insert(*field)) {
        return Err(DUPLICATE_FIELD);
    }
    let fields = fields.iter().map(|field| Box::from(*field)).collect();
    cx.session.fieldsets.insert(name.into(), fields);
    cx.reply.ok();
    Ok(())
}

/// Makes the hash, whatever hash was there. It is recorded with its names: whoever replays it has no
/// connection.
pub(super) fn set(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (key, name, values) = (args[2], args[3], &args[4..]);
    let fields = cx.session.fieldsets.get(name).ok_or(NO_FIELDSET)?;
    if fields.len() != values.len() {
        return Err(OTHER_COUNT);
    }
    let existed = cx.tx.peek_as::<Hash>(key)?.is_some();
    let limits = limits(cx);
    let pairs = || fields.iter().map(|field| &**field).zip(values.iter().copied());
    let mut hash = Hash::new();
    for (field, value) in pairs() {
        hash.set(field, Field::new(value), &limits);
    }
    cx.tx.put(key, hash.into_value(), Expiry::Clear);
    cx.tx.changed(key);
    if existed {
        cx.tx.record(&[b"DEL", key]);
    }
    if let Some(effect) = cx.tx.effect(2 + 2 * values.len()) {
        effect.arg(b"HSET").arg(key).args(pairs().flat_map(|(field, value)| [field, value])).end();
    }
    cx.tx.notify_subkeys(EventClass::HASH, "hset", key, pairs().map(|(field, _)| field));
    cx.reply.ok();
    Ok(())
}

pub(super) fn discard(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let discarded = cx.session.fieldsets.remove(args[2]);
    cx.reply.int(i64::from(discarded.is_some()));
    Ok(())
}

pub(super) fn discardall(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    let discarded = std::mem::take(&mut cx.session.fieldsets).len();
    cx.reply.count(discarded);
    Ok(())
}
