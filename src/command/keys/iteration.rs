//! KEYS, SCAN, RANDOMKEY.

use crate::command::cx::Cx;
use crate::command::error::Outcome;
use crate::command::scan::{Found, Options, cursor};
use crate::glob::{self, Case};

pub(super) fn keys(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let pattern = args[1];
    let mut found = Found::new(cx.reply.proto());
    let everything = pattern == b"*";
    cx.tx.scan(0, usize::MAX, |slot| {
        if everything || glob::matches(pattern, &slot.key, Case::Sensitive) {
            found.add(|reply| reply.bulk(&slot.key));
        }
    });
    found.write(&mut cx.reply);
    Ok(())
}

pub(super) fn scan(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let cursor = cursor(args[1])?;
    let options = Options::parse(&args[2..], None)?;
    let mut found = Found::new(cx.reply.proto());
    let next = cx.tx.scan(cursor, options.count, |slot| {
        if options.allow_kind(slot.value.kind()) && options.allow(&slot.key) {
            found.add(|reply| reply.bulk(&slot.key));
        }
    });
    found.write_scan(&mut cx.reply, next)
}

pub(super) fn randomkey(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    match cx.tx.random_key() {
        Some(slot) => cx.reply.bulk(&slot.key),
        None => cx.reply.null(),
    }
    Ok(())
}
