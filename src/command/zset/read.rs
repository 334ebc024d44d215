//! ZSCORE, ZMSCORE, ZCARD, ZCOUNT, ZLEXCOUNT, ZRANK, ZREVRANK.

use super::args::{lex_range, score_range};
use crate::command::args;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::types::zset::Zset;

fn reply_score(cx: &mut Cx<'_, '_>, score: Option<f64>) {
    match score {
        Some(score) => cx.reply.double(score),
        None => cx.reply.null(),
    }
}

pub(super) fn zscore(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let score = cx.tx.read::<Zset>(args[1])?.and_then(|set| set.score(args[2]));
    reply_score(cx, score);
    Ok(())
}

pub(super) fn zmscore(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let set = cx.tx.read::<Zset>(args[1])?;
    let score = |member: &&[u8]| set.and_then(|set| set.score(member));
    let scores: Vec<Option<f64>> = args[2..].iter().map(score).collect();
    cx.reply.array(scores.len());
    scores.into_iter().for_each(|score| reply_score(cx, score));
    Ok(())
}

pub(super) fn zcard(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let len = cx.tx.read::<Zset>(args[1])?.map_or(0, Zset::len);
    cx.reply.count(len);
    Ok(())
}

pub(super) fn zcount(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let range = score_range(args[2], args[3])?;
    let ranks = cx.tx.read::<Zset>(args[1])?.map(|set| set.ranks_by_score(&range));
    cx.reply.count(ranks.map_or(0, |(from, to)| to - from));
    Ok(())
}

pub(super) fn zlexcount(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let range = lex_range(args[2], args[3])?;
    let ranks = cx.tx.read::<Zset>(args[1])?.map(|set| set.ranks_by_lex(&range, false));
    cx.reply.count(ranks.map_or(0, |(from, to)| to - from));
    Ok(())
}

pub(super) fn zrank(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    rank(cx, args, "zrank", |rank, _| rank)
}

pub(super) fn zrevrank(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    rank(cx, args, "zrevrank", |rank, len| len - 1 - rank)
}

fn rank(
    cx: &mut Cx<'_, '_>,
    args: &[&[u8]],
    name: &str,
    place: impl Fn(usize, usize) -> usize,
) -> Outcome {
    let with_score = match &args[3..] {
        [] => false,
        [option] if args::is(option, "WITHSCORE") => true,
        [_] => return Err(Error::SYNTAX),
        _ => return Err(Error::wrong_arity(name)),
    };
    let set = cx.tx.read::<Zset>(args[1])?;
    let found = set.and_then(|set| {
        let (rank, score) = set.rank(args[2])?;
        Some((place(rank, set.len()), score))
    });
    match found {
        Some((rank, score)) if with_score => {
            cx.reply.array(2);
            cx.reply.count(rank);
            cx.reply.double(score);
        }
        Some((rank, _)) => cx.reply.count(rank),
        None if with_score => cx.reply.null_array(),
        None => cx.reply.null(),
    }
    Ok(())
}
