//! ZSCAN.

use crate::command::cx::Cx;
use crate::command::error::Outcome;
use crate::command::scan::{Found, Options, cursor};
use crate::keyspace::Kind;
use crate::resp::Proto;
use crate::resp::text::format_double_17;
use crate::types::zset::Zset;

pub(super) fn zscan(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let cursor = cursor(args[2])?;
    // A score is a string here in RESP3 too, and not the shortest one where the set is large, as in
    // Redis.
    let mut found = Found::new(Proto::Resp2);
    let mut next = 0;
    // As in Redis: without a key the options are not looked at.
    if let Some(set) = cx.tx.read::<Zset>(args[1])? {
        let options = Options::parse(&args[3..], Some(Kind::Zset))?;
        let is_large = set.is_large();
        next = set.scan(cursor, options.count, |member, score| {
            if !options.allow(member) {
                return;
            }
            found.add(|reply| reply.bulk(member));
            found.add(|reply| match is_large {
                true => reply.text(&format_double_17(score)),
                false => reply.double(score),
            });
        });
    }
    found.write_scan(&mut cx.reply, next)
}
