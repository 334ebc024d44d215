//! Several keys at once: MGET, MSET, MSETNX, MSETEX.

use super::super::args;
use super::super::cx::Cx;
use super::super::error::{Error, Outcome};
use super::expiry::{Choice, Unit};
use super::set::When;
use super::store;
use crate::keyspace::Expiry;
use crate::types::string::StringValue;

const BAD_NUMKEYS: Error = Error::fixed("ERR invalid numkeys value");
const BAD_PAIRS: Error = Error::fixed("ERR wrong number of key-value pairs");

pub(super) fn mget(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    cx.reply.array(args.len() - 1);
    for key in &args[1..] {
        // A key of another type counts as missing.
        match cx.tx.read::<StringValue>(key) {
            Ok(Some(value)) => cx.reply.bulk(&value.text()),
            Ok(None) | Err(_) => cx.reply.null(),
        }
    }
    Ok(())
}

fn store_all(cx: &mut Cx<'_, '_>, pairs: &[&[u8]], expiry: Expiry) {
    for pair in pairs.chunks_exact(2) {
        store(cx, pair[0], StringValue::new(pair[1]), expiry);
    }
}

fn any_exists(cx: &Cx<'_, '_>, pairs: &[&[u8]]) -> bool {
    pairs.iter().step_by(2).any(|key| cx.tx.exists(key))
}

pub(super) fn mset(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    if args.len().is_multiple_of(2) {
        return Err(Error::wrong_arity("mset"));
    }
    store_all(cx, &args[1..], Expiry::Clear);
    cx.reply.ok();
    Ok(())
}

pub(super) fn msetnx(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    if args.len().is_multiple_of(2) {
        return Err(Error::wrong_arity("msetnx"));
    }
    let wanted = !any_exists(cx, &args[1..]);
    if wanted {
        store_all(cx, &args[1..], Expiry::Clear);
    }
    cx.reply.int(i64::from(wanted));
    Ok(())
}

pub(super) fn msetex(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let numkeys = args::integer_in(args[1], 1, i64::from(i32::MAX), BAD_NUMKEYS)? as usize;
    let pairs = args.get(2..2 + 2 * numkeys).ok_or(BAD_PAIRS)?;
    let (when, expiry) = parse_msetex(&args[2 + 2 * numkeys..])?;
    let expiry = expiry.expiry(cx.tx.now_ms(), "msetex")?;
    let wanted = match when {
        When::Missing => !any_exists(cx, pairs),
        When::Present => pairs.iter().step_by(2).all(|key| cx.tx.exists(key)),
        When::Always | When::If(_) => true,
    };
    if wanted {
        store_all(cx, pairs, expiry);
    }
    cx.reply.int(i64::from(wanted));
    Ok(())
}

fn parse_msetex<'a>(mut rest: &[&'a [u8]]) -> Result<(When<'a>, Choice<'a>), Error> {
    let (mut when, mut expiry) = (When::Always, Choice::Unsaid);
    while let [option, more @ ..] = rest {
        rest = more;
        let fits = if args::is(option, "NX") {
            when.set(When::Missing)
        } else if args::is(option, "XX") {
            when.set(When::Present)
        } else if args::is(option, "KEEPTTL") {
            expiry.set_plain(Choice::KeepTtl)
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
    Ok((when, expiry))
}
