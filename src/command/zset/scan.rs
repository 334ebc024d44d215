//! ZSCAN.

use crate::command::args;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::command::keys::parse_cursor;
use crate::glob::{self, Case};
use crate::resp::text::format_double_17;
use crate::resp::{Proto, Reply};
use crate::types::zset::Zset;

pub(super) fn zscan(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    const COUNT_DEFAULT: usize = 10;
    let cursor = parse_cursor(args[2]).ok_or(Error::fixed("ERR invalid cursor"))?;
    let Some(set) = cx.tx.read::<Zset>(args[1])? else {
        // Redis looks at no option where there is nothing to scan.
        cx.reply.array(2);
        cx.reply.bulk(b"0");
        cx.reply.array(0);
        return Ok(());
    };
    let (mut count, mut pattern) = (COUNT_DEFAULT, None);
    let mut options = args[3..].iter();
    while let Some(option) = options.next() {
        let value = options.next().ok_or(Error::SYNTAX)?;
        if args::is(option, "COUNT") {
            count = usize::try_from(args::integer(value)?).map_err(|_| Error::SYNTAX)?;
            if count == 0 {
                return Err(Error::SYNTAX);
            }
        } else if args::is(option, "MATCH") {
            pattern = Some(*value).filter(|pattern| *pattern != b"*");
        } else {
            return Err(Error::SYNTAX);
        }
    }
    // How many there are is known only afterwards. A score is a string here in RESP3 too,
    // and not the shortest one where the set is large, as in Redis.
    let (mut found, mut members) = (Vec::new(), 0);
    let is_large = set.is_large();
    let next = set.scan(cursor, count, |member, score| {
        if pattern.is_none_or(|pattern| glob::matches(pattern, member, Case::Sensitive)) {
            let mut reply = Reply::new(&mut found, Proto::Resp2);
            reply.bulk(member);
            if is_large {
                reply.text(&format_double_17(score));
            } else {
                reply.double(score);
            }
            members += 1;
        }
    });
    cx.reply.array(2);
    let mut digits = itoa::Buffer::new();
    cx.reply.text(digits.format(next));
    cx.reply.array(members * 2);
    cx.reply.raw(&found);
    Ok(())
}
