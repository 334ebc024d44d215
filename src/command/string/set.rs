//! SET and its kin, and GETEX, which shares its way of saying a deadline.

use super::super::args;
use super::super::cx::Cx;
use super::super::error::{Error, Outcome};
use super::compare::Condition;
use super::expiry::{Choice, Unit};
use super::{remove, reply_value, store};
use crate::keyspace::{EventClass, Expiry, NEVER};
use crate::types::string::StringValue;

/// When SET sets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum When<'a> {
    Always,
    /// NX.
    Missing,
    /// XX.
    Present,
    If(Condition<'a>),
}

impl<'a> When<'a> {
    /// Takes an option in; `false` if it clashes with an earlier one.
    pub fn set(&mut self, when: When<'a>) -> bool {
        let fits = match (*self, when) {
            (When::Always, _) => true,
            (When::If(earlier), When::If(condition)) => earlier.is_like(&condition),
            (earlier, when) => earlier == when,
        };
        if fits {
            *self = when;
        }
        fits
    }
}

struct SetOptions<'a> {
    when: When<'a>,
    expiry: Choice<'a>,
    get: bool,
}

impl<'a> SetOptions<'a> {
    fn parse(mut rest: &[&'a [u8]]) -> Result<SetOptions<'a>, Error> {
        let mut options = SetOptions { when: When::Always, expiry: Choice::Unsaid, get: false };
        while let [option, more @ ..] = rest {
            rest = more;
            let fits = if args::is(option, "NX") {
                options.when.set(When::Missing)
            } else if args::is(option, "XX") {
                options.when.set(When::Present)
            } else if args::is(option, "GET") {
                options.get = true;
                true
            } else if args::is(option, "KEEPTTL") {
                options.expiry.set_plain(Choice::KeepTtl)
            } else if let [argument, more @ ..] = rest {
                rest = more;
                if let Some(unit) = Unit::of(option) {
                    options.expiry.set(unit, argument)
                } else if let Some(condition) = Condition::of(option, argument) {
                    options.when.set(When::If(condition))
                } else {
                    false
                }
            } else {
                false
            };
            if !fits {
                return Err(Error::SYNTAX);
            }
        }
        Ok(options)
    }
}

pub(super) fn set(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (key, value) = (args[1], args[2]);
    if args.len() == 3 {
        store(cx, key, StringValue::new(value), Expiry::Clear);
        cx.reply.ok();
        return Ok(());
    }
    let options = SetOptions::parse(&args[3..])?;
    let expiry = options.expiry.expiry(cx.tx.now_ms(), "set")?;
    let wanted = match options.when {
        When::Always => true,
        When::Missing => !cx.tx.exists(key),
        When::Present => cx.tx.exists(key),
        When::If(condition) => condition.holds(cx.tx.read::<StringValue>(key)?)?,
    };
    if options.get {
        reply_value(cx, key)?;
    } else if wanted {
        cx.reply.ok();
    } else {
        cx.reply.null();
    }
    if wanted {
        store(cx, key, StringValue::new(value), expiry);
    }
    Ok(())
}

pub(super) fn setnx(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let wanted = !cx.tx.exists(args[1]);
    if wanted {
        store(cx, args[1], StringValue::new(args[2]), Expiry::Clear);
    }
    cx.reply.int(i64::from(wanted));
    Ok(())
}

pub(super) fn setex(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    set_expiring(cx, args, Unit::Ex, "setex")
}

pub(super) fn psetex(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    set_expiring(cx, args, Unit::Px, "psetex")
}

fn set_expiring(cx: &mut Cx<'_, '_>, args: &[&[u8]], unit: Unit, name: &str) -> Outcome {
    let deadline_ms = unit.deadline_ms(args[2], cx.tx.now_ms(), name)?;
    store(cx, args[1], StringValue::new(args[3]), Expiry::At(deadline_ms));
    cx.reply.ok();
    Ok(())
}

pub(super) fn getset(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    reply_value(cx, args[1])?;
    store(cx, args[1], StringValue::new(args[2]), Expiry::Clear);
    Ok(())
}

pub(super) fn getex(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let key = args[1];
    let expiry = parse_getex(&args[2..])?;
    if !reply_value(cx, key)? {
        return Ok(());
    }
    match expiry {
        Choice::Unsaid | Choice::KeepTtl => {}
        Choice::At(unit, number) => {
            let deadline_ms = unit.deadline_ms(number, cx.tx.now_ms(), "getex")?;
            if deadline_ms <= cx.tx.now_ms() {
                remove(cx, key);
            } else {
                cx.tx.set_expire_at(key, deadline_ms);
                cx.tx.changed(key);
                if let Some(effect) = cx.tx.effect(3) {
                    effect.arg(b"PEXPIREAT").arg(key).int(deadline_ms).end();
                }
                cx.tx.notify(EventClass::GENERIC, "expire", key);
            }
        }
        Choice::Persist if cx.tx.expire_at(key) == Some(NEVER) => {}
        Choice::Persist => {
            cx.tx.set_expire_at(key, NEVER);
            cx.tx.changed(key);
            cx.tx.record(&[b"PERSIST", key]);
            cx.tx.notify(EventClass::GENERIC, "persist", key);
        }
    }
    Ok(())
}

fn parse_getex<'a>(mut rest: &[&'a [u8]]) -> Result<Choice<'a>, Error> {
    let mut expiry = Choice::Unsaid;
    while let [option, more @ ..] = rest {
        rest = more;
        let fits = if args::is(option, "PERSIST") {
            expiry.set_plain(Choice::Persist)
        } else if let (Some(unit), [number, more @ ..]) = (Unit::of(option), rest) {
            rest = more;
            expiry.set(unit, number)
        } else {
            false
        };
        if !fits {
            return Err(Error::SYNTAX);
        }
    }
    Ok(expiry)
}
