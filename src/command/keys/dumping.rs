//! DUMP and RESTORE: a value as bytes, in Redis's own form.

use super::copying::notify_overwritten;
use crate::command::args;
use crate::command::cx::{Cx, Mode};
use crate::command::error::{Error, Outcome};
use crate::command::stream;
use crate::keyspace::{EventClass, Expiry, Value};
use crate::rdb::payload::{self, Refused};
use crate::types::stream::idmp::IdmpLimits;

const BUSY: Error = Error::fixed("BUSYKEY Target key name already exists.");
const NEGATIVE_TTL: Error = Error::fixed("ERR Invalid TTL value, must be >= 0");
const NEGATIVE_IDLE_TIME: Error = Error::fixed("ERR Invalid IDLETIME value, must be >= 0");
const FREQUENCY_RANGE: Error = Error::fixed("ERR Invalid FREQ value, must be >= 0 and <= 255");
const BAD_FOOTER: Error = Error::fixed("ERR DUMP payload version or checksum are wrong");
const BAD_VALUE: Error = Error::fixed("ERR Bad data format");

/// The longest time in seconds that Redis can tell a key to have been idle for.
const IDLE_S_MAX: i64 = (1 << 24) - 2;

pub(super) fn dump(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let idmp = stream::idmp_limits(cx.server, cx.mode);
    match cx.tx.get(args[1]) {
        None => cx.reply.null(),
        Some(value) => cx.reply.bulk(&payload::write(value, idmp)),
    }
    Ok(())
}

#[derive(Default)]
struct Options {
    replace: bool,
    /// The time is the deadline itself.
    absolute: bool,
    idle_s: Option<i64>,
}

impl Options {
    fn parse(words: &[&[u8]]) -> Result<Options, Error> {
        let mut options = Options::default();
        let mut has_frequency = false;
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            // An option without its value, or beside the other of the two, is no option.
            let value = rest.as_slice().first();
            if args::is(word, "REPLACE") {
                options.replace = true;
            } else if args::is(word, "ABSTTL") {
                options.absolute = true;
            } else if args::is(word, "IDLETIME")
                && let Some(value) = value
                && !has_frequency
            {
                let idle_s = args::integer(value)?;
                if idle_s < 0 {
                    return Err(NEGATIVE_IDLE_TIME);
                }
                options.idle_s = Some(idle_s.min(IDLE_S_MAX));
                rest.next();
            } else if args::is(word, "FREQ")
                && let Some(value) = value
                && options.idle_s.is_none()
            {
                // Nothing here goes by how often a key is used.
                if !(0..=255).contains(&args::integer(value)?) {
                    return Err(FREQUENCY_RANGE);
                }
                has_frequency = true;
                rest.next();
            } else {
                return Err(Error::SYNTAX);
            }
        }
        Ok(options)
    }

    /// What becomes of the key's deadline; `time_ms` is not below 0.
    fn expiry(&self, time_ms: i64, now_ms: i64) -> Expiry {
        match time_ms {
            0 => Expiry::Clear,
            // Past the end of time lies the past, as in Redis.
            _ if !self.absolute => Expiry::At(time_ms.wrapping_add(now_ms)),
            // The very last millisecond stands for "no deadline" in a slot.
            _ => Expiry::At(time_ms.min(i64::MAX - 1)),
        }
    }
}

pub(super) fn restore(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let key = args[1];
    let options = Options::parse(&args[4..])?;
    if !options.replace && cx.tx.exists(key) {
        return Err(BUSY);
    }
    let time_ms = args::integer(args[2])?;
    if time_ms < 0 {
        return Err(NEGATIVE_TTL);
    }
    let limits = cx.server.value_limits();
    let mut value = payload::read(args[3], limits).map_err(|refused| match refused {
        Refused::Footer => BAD_FOOTER,
        Refused::Value => BAD_VALUE,
    })?;
    cx.server.fit(&mut value);
    let now_ms = cx.tx.now_ms();
    let expiry = options.expiry(time_ms, now_ms);
    if let Expiry::At(expire_at_ms) = expiry
        && expire_at_ms <= now_ms
        && cx.mode != Mode::Replay
    {
        // A key that would be gone at once is not made, but one in its place goes.
        if cx.tx.remove(key) {
            cx.tx.changed(key);
            cx.tx.record(&[b"DEL", key]);
            cx.tx.notify(EventClass::GENERIC, "del", key);
        }
        cx.reply.ok();
        return Ok(());
    }
    put(cx, key, args[3], value, expiry, limits.idmp);
    if let Some(idle_s) = options.idle_s {
        cx.tx.set_accessed_at(key, now_ms.saturating_sub(idle_s * 1000));
    }
    cx.reply.ok();
    Ok(())
}

/// Puts the value, and records it with its deadline as a point in time. What streams remember by the
/// settings follows by itself, where a replay could not know it.
fn put(
    cx: &mut Cx<'_, '_>,
    key: &[u8],
    payload: &[u8],
    value: Value,
    expiry: Expiry,
    idmp: IdmpLimits,
) {
    let has_settings = match &value {
        Value::Stream(stream) => stream.idmp().limits() == idmp,
        Value::String(_) | Value::List(_) | Value::Set(_) | Value::Zset(_) | Value::Hash(_) => {
            false
        }
    };
    let kind = value.kind();
    let before = cx.tx.replace(key, value, expiry);
    cx.tx.changed(key);
    cx.tx.notify(EventClass::NEW, "new", key);
    cx.tx.notify(EventClass::GENERIC, "restore", key);
    notify_overwritten(cx, key, before, kind);
    let expire_at_ms = match expiry {
        Expiry::At(expire_at_ms) => expire_at_ms,
        Expiry::Clear | Expiry::Keep => 0,
    };
    if let Some(effect) = cx.tx.effect(6) {
        let effect = effect.arg(b"RESTORE").arg(key).int(expire_at_ms).arg(payload);
        effect.arg(b"ABSTTL").arg(b"REPLACE").end();
    }
    if has_settings {
        stream::record_new_stream(cx, key);
    }
}
