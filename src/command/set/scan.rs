//! SSCAN.

use crate::command::cx::Cx;
use crate::command::error::Outcome;
use crate::command::scan::{Found, Options, cursor};
use crate::keyspace::Kind;
use crate::types::set::Set;

pub(super) fn sscan(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let cursor = cursor(args[2])?;
    let mut found = Found::new(cx.reply.proto());
    let mut next = 0;
    // As in Redis: without a key the options are not looked at.
    if let Some(set) = cx.tx.read::<Set>(args[1])? {
        let options = Options::parse(&args[3..], Some(Kind::Set))?;
        next = set.scan(cursor, options.count, |member| {
            if options.allow(&member) {
                found.add(|reply| reply.bulk(&member));
            }
        });
    }
    found.write_scan(&mut cx.reply, next)
}
