//! EXPIRE and its kin, TTL and its kin, PERSIST.

use crate::command::args;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::keyspace::{EventClass, NEVER};

/// What the number of an EXPIRE or the answer of a TTL counts in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Seconds,
    Milliseconds,
}

/// What it counts from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    Now,
    /// 1970.
    Epoch,
}

pub(super) fn expire(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    set_deadline(cx, args, "expire", Unit::Seconds, From::Now)
}

pub(super) fn pexpire(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    set_deadline(cx, args, "pexpire", Unit::Milliseconds, From::Now)
}

pub(super) fn expireat(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    set_deadline(cx, args, "expireat", Unit::Seconds, From::Epoch)
}

pub(super) fn pexpireat(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    set_deadline(cx, args, "pexpireat", Unit::Milliseconds, From::Epoch)
}

/// Under which conditions a deadline is set.
#[derive(Default)]
struct Conditions {
    /// NX: only if there is none.
    absent: bool,
    /// XX: only if there is one.
    present: bool,
    /// GT: only if it is later. No deadline is the latest of all.
    later: bool,
    /// LT: only if it is earlier.
    earlier: bool,
}

impl Conditions {
    fn parse(options: &[&[u8]]) -> Result<Conditions, Error> {
        let mut conditions = Conditions::default();
        for option in options {
            if args::is(option, "NX") {
                conditions.absent = true;
            } else if args::is(option, "XX") {
                conditions.present = true;
            } else if args::is(option, "GT") {
                conditions.later = true;
            } else if args::is(option, "LT") {
                conditions.earlier = true;
            } else {
                return Err(Error::quoting(&[b"ERR Unsupported option ", option]));
            }
        }
        let Conditions { absent, present, later, earlier } = conditions;
        if absent && (present || later || earlier) {
            return Err(Error::fixed(
                "ERR NX and XX, GT or LT options at the same time are not compatible",
            ));
        }
        if later && earlier {
            return Err(Error::fixed("ERR GT and LT options at the same time are not compatible"));
        }
        Ok(conditions)
    }

    /// [`NEVER`] is later than any deadline, which is what GT and LT want.
    fn allow(&self, before_ms: i64, expire_at_ms: i64) -> bool {
        !(self.absent && before_ms != NEVER
            || self.present && before_ms == NEVER
            || self.later && expire_at_ms <= before_ms
            || self.earlier && expire_at_ms >= before_ms)
    }
}

fn set_deadline(
    cx: &mut Cx<'_, '_>,
    args: &[&[u8]],
    command: &str,
    unit: Unit,
    from: From,
) -> Outcome {
    let key = args[1];
    let conditions = Conditions::parse(&args[3..])?;
    let expire_at_ms = parse_deadline(args[2], unit, from, cx.tx.now_ms())
        .map_err(|error| error.unwrap_or_else(|| invalid_time(command)))?;
    let allowed = match cx.tx.expire_at(key) {
        Some(before_ms) => conditions.allow(before_ms, expire_at_ms),
        None => false,
    };
    if !allowed {
        cx.reply.int(0);
        return Ok(());
    }
    // In a replay nothing is removed but by an effect that says so.
    if expire_at_ms <= cx.tx.now_ms() && !cx.tx.is_replaying() {
        cx.tx.remove(key);
        cx.tx.changed(key);
        cx.tx.record(&[b"DEL", key]);
        cx.tx.notify(EventClass::GENERIC, "del", key);
    } else {
        cx.tx.set_expire_at(key, expire_at_ms);
        cx.tx.changed(key);
        let mut digits = itoa::Buffer::new();
        cx.tx.record(&[b"PEXPIREAT", key, digits.format(expire_at_ms).as_bytes()]);
        cx.tx.notify(EventClass::GENERIC, "expire", key);
    }
    cx.reply.int(1);
    Ok(())
}

fn invalid_time(command: &str) -> Error {
    Error::new(format!("ERR invalid expire time in '{command}' command"))
}

/// Unix ms. `Err(None)`: the number is one, but no time in 64 bits of milliseconds.
fn parse_deadline(text: &[u8], unit: Unit, from: From, now_ms: i64) -> Result<i64, Option<Error>> {
    let number = args::integer(text)?;
    let ms = match unit {
        Unit::Seconds => number.checked_mul(1000).ok_or(None)?,
        Unit::Milliseconds => number,
    };
    let expire_at_ms = match from {
        From::Now => ms.checked_add(now_ms).ok_or(None)?,
        From::Epoch => ms,
    };
    // The very last millisecond stands for "no deadline" in a slot.
    Ok(expire_at_ms.min(NEVER - 1))
}

pub(super) fn ttl(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    tell_deadline(cx, args[1], Unit::Seconds, From::Now)
}

pub(super) fn pttl(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    tell_deadline(cx, args[1], Unit::Milliseconds, From::Now)
}

pub(super) fn expiretime(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    tell_deadline(cx, args[1], Unit::Seconds, From::Epoch)
}

pub(super) fn pexpiretime(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    tell_deadline(cx, args[1], Unit::Milliseconds, From::Epoch)
}

/// -2: no such key; -1: no deadline. Seconds are rounded to the nearest, as in Redis.
fn tell_deadline(cx: &mut Cx<'_, '_>, key: &[u8], unit: Unit, from: From) -> Outcome {
    let answer = match cx.tx.expire_at(key) {
        None => {
            cx.tx.notify_miss(key);
            -2
        }
        Some(NEVER) => -1,
        Some(expire_at_ms) => {
            let ms = match from {
                From::Now => (expire_at_ms - cx.tx.now_ms()).max(0),
                From::Epoch => expire_at_ms,
            };
            match unit {
                Unit::Milliseconds => ms,
                Unit::Seconds => ms.saturating_add(500) / 1000,
            }
        }
    };
    cx.reply.int(answer);
    Ok(())
}

pub(super) fn persist(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let key = args[1];
    let has_deadline = cx.tx.expire_at(key).is_some_and(|expire_at_ms| expire_at_ms != NEVER);
    if has_deadline {
        cx.tx.set_expire_at(key, NEVER);
        cx.tx.changed(key);
        cx.tx.record(&[b"PERSIST", key]);
        cx.tx.notify(EventClass::GENERIC, "persist", key);
    }
    cx.reply.int(i64::from(has_deadline));
    Ok(())
}
