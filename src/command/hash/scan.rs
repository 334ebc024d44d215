//! HSCAN.

use super::{Cx, Outcome};
use crate::command::scan::{Found, Options, cursor};
use crate::keyspace::Kind;
use crate::types::hash::Hash;

pub(super) fn hscan(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let cursor = cursor(args[2])?;
    let due_ms = cx.tx.due_ms();
    let mut found = Found::new(cx.reply.proto());
    let mut next = 0;
    // As in Redis: without a key the options are not looked at.
    if let Some(hash) = cx.tx.read::<Hash>(args[1])? {
        let options = Options::parse(&args[3..], Some(Kind::Hash))?;
        next = hash.scan(cursor, options.count, |name, field| {
            if field.is_due(due_ms) || !options.allow(name) {
                return;
            }
            found.add(|reply| reply.bulk(name));
            if options.with_values {
                found.add(|reply| reply.bulk(field.value));
            }
        });
    }
    found.write_scan(&mut cx.reply, next)
}
