//! ZREM, ZREMRANGEBYRANK, ZREMRANGEBYSCORE, ZREMRANGEBYLEX.

use super::args::{lex_range, score_range};
use super::range::rank_range;
use super::shrunk;
use crate::command::args;
use crate::command::cx::Cx;
use crate::command::error::Outcome;
use crate::types::zset::Zset;

pub(super) fn zrem(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let mut removed = 0;
    if let Some(set) = cx.tx.write::<Zset>(args[1])? {
        removed = args[2..].iter().filter(|member| set.remove(member).is_some()).count();
    }
    if removed > 0 {
        shrunk(cx, args[1], "zrem");
        cx.tx.record(args);
    }
    cx.reply.count(removed);
    Ok(())
}

pub(super) fn zremrangebyrank(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (start, stop) = (args::integer(args[2])?, args::integer(args[3])?);
    remove_range(cx, args, "zremrangebyrank", |set| rank_range(start, stop, set.len()))
}

pub(super) fn zremrangebyscore(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let range = score_range(args[2], args[3])?;
    remove_range(cx, args, "zremrangebyscore", |set| set.ranks_by_score(&range))
}

pub(super) fn zremrangebylex(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let range = lex_range(args[2], args[3])?;
    remove_range(cx, args, "zremrangebylex", |set| set.ranks_by_lex(&range, false))
}

fn remove_range(
    cx: &mut Cx<'_, '_>,
    args: &[&[u8]],
    event: &'static str,
    ranks: impl FnOnce(&Zset) -> (usize, usize),
) -> Outcome {
    let mut removed = 0;
    if let Some(set) = cx.tx.write::<Zset>(args[1])? {
        let (from, to) = ranks(set);
        removed = set.remove_range(from, to);
    }
    if removed > 0 {
        shrunk(cx, args[1], event);
        cx.tx.record(args);
    }
    cx.reply.count(removed);
    Ok(())
}
