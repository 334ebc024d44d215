//! ZRANDMEMBER.

use super::put_member;
use crate::command::args;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::command::random;
use crate::types::zset::Zset;

pub(super) fn zrandmember(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    match &args[2..] {
        [] => one(cx, args[1]),
        [count, rest @ ..] => {
            let count = random::count(count)?;
            let with_scores = match rest {
                [] => false,
                [option] if args::is(option, "WITHSCORES") => true,
                _ => return Err(Error::SYNTAX),
            };
            // The reply's length would not fit.
            if with_scores && count.unsigned_abs() > i64::MAX as u64 / 2 {
                return Err(Error::OUT_OF_RANGE);
            }
            many(cx, args[1], count, with_scores)
        }
    }
}

fn one(cx: &mut Cx<'_, '_>, key: &[u8]) -> Outcome {
    let keyspace = cx.tx.keyspace();
    match cx.tx.read::<Zset>(key)? {
        Some(set) => {
            let picked = set.get(random::below(keyspace, set.len().max(1)));
            cx.reply.bulk(picked.map_or(b"", |(member, _)| member));
        }
        None => cx.reply.null(),
    }
    Ok(())
}

/// Each member once if `count` is positive; as many draws as it says if negative.
fn many(cx: &mut Cx<'_, '_>, key: &[u8], count: i64, with_scores: bool) -> Outcome {
    let keyspace = cx.tx.keyspace();
    let Some(set) = cx.tx.read::<Zset>(key)? else {
        cx.reply.array(0);
        return Ok(());
    };
    let len = set.len();
    let draw = |bound| random::below(keyspace, bound);
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    let drawn = if count < 0 { wanted } else { wanted.min(len) };
    let as_pairs = cx.reply.is_resp3();
    cx.reply.array(if with_scores && !as_pairs { drawn * 2 } else { drawn });
    let reply = &mut cx.reply;
    let mut put = |rank: usize| {
        let (member, score) = set.get(rank).expect("a rank below the length");
        put_member(reply, member, with_scores.then_some(score), as_pairs);
    };
    if count < 0 {
        (0..drawn).for_each(|_| put(draw(len)));
    } else if drawn == len {
        (0..len).for_each(put);
    } else {
        random::distinct(len, drawn, draw).into_iter().for_each(put);
    }
    Ok(())
}
