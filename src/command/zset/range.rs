//! ZRANGE in all its forms, old and new, and ZRANGESTORE.

use super::args::{Limit, lex_range, score_range};
use super::{limits, put_member, store};
use crate::command::args;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::types::zset::{LexRange, ScoreRange, Zset};

const LIMIT_WITHOUT_RANGE: Error = Error::fixed(
    "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
);
const SCORES_OF_LEX: Error =
    Error::fixed("ERR syntax error, WITHSCORES not supported in combination with BYLEX");

/// What a range counts by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Rank,
    Score,
    Lex,
}

/// Redis's inclusive bounds, negative ones counted from the end, as a half-open range within
/// `len`; empty as `0..0`.
pub(super) fn rank_range(start: i64, stop: i64, len: usize) -> (usize, usize) {
    let len = len as i64;
    let place = |index: i64| if index < 0 { index.saturating_add(len) } else { index };
    let (from, last) = (place(start).max(0), place(stop).min(len - 1));
    if from > last { (0, 0) } else { (from as usize, last as usize + 1) }
}

/// What a command of the family has settled by its name; the rest is up to options.
#[derive(Clone, Copy)]
struct Family {
    by: Option<By>,
    backward: Option<bool>,
    /// Which no command that stores takes.
    may_show_scores: bool,
}

/// Where the ends of the range lie.
enum Ends<'a> {
    Ranks(i64, i64),
    Scores(ScoreRange),
    Members(LexRange<'a>),
}

/// A range, read and checked.
struct Query<'a> {
    ends: Ends<'a>,
    backward: bool,
    limit: Limit,
    with_scores: bool,
}

impl<'a> Query<'a> {
    /// Reads both ends and what stands behind them.
    fn parse(words: &[&'a [u8]], family: Family) -> Result<Query<'a>, Error> {
        let (first, second) = (words[0], words[1]);
        let (mut by, mut backward) = (family.by, family.backward);
        let (mut limit, mut with_scores) = (Limit::ALL, false);
        let mut rest = &words[2..];
        while let [word, more @ ..] = rest {
            rest = more;
            if family.may_show_scores && args::is(word, "WITHSCORES") {
                with_scores = true;
            } else if args::is(word, "LIMIT")
                && let [offset, count, more @ ..] = rest
            {
                limit = Limit::parse(offset, count)?;
                rest = more;
            } else if backward.is_none() && args::is(word, "REV") {
                backward = Some(true);
            } else if by.is_none() && args::is(word, "BYLEX") {
                by = Some(By::Lex);
            } else if by.is_none() && args::is(word, "BYSCORE") {
                by = Some(By::Score);
            } else {
                return Err(Error::SYNTAX);
            }
        }
        let (by, backward) = (by.unwrap_or(By::Rank), backward.unwrap_or(false));
        if limit.has_count() && by == By::Rank {
            return Err(LIMIT_WITHOUT_RANGE);
        }
        if with_scores && by == By::Lex {
            return Err(SCORES_OF_LEX);
        }
        // Who goes backward says the upper end first.
        let (min, max) = if backward { (second, first) } else { (first, second) };
        let ends = match by {
            By::Rank => Ends::Ranks(args::integer(first)?, args::integer(second)?),
            By::Score => Ends::Scores(score_range(min, max)?),
            By::Lex => Ends::Members(lex_range(min, max)?),
        };
        Ok(Query { ends, backward, limit, with_scores })
    }

    /// The ranks `from..to` that it picks.
    fn ranks(&self, set: &Zset) -> (usize, usize) {
        let ranks = match &self.ends {
            Ends::Ranks(start, stop) => {
                let (from, to) = rank_range(*start, *stop, set.len());
                return if self.backward { (set.len() - to, set.len() - from) } else { (from, to) };
            }
            Ends::Scores(range) => set.ranks_by_score(range),
            Ends::Members(range) => set.ranks_by_lex(range, self.backward),
        };
        self.limit.apply(ranks, self.backward)
    }

    fn reply(&self, cx: &mut Cx<'_, '_>, key: &[u8]) -> Outcome {
        let Some(set) = cx.tx.read::<Zset>(key)? else {
            cx.reply.array(0);
            return Ok(());
        };
        let (from, to) = self.ranks(set);
        let as_pairs = cx.reply.is_resp3();
        let len = to - from;
        cx.reply.array(if self.with_scores && !as_pairs { len * 2 } else { len });
        let mut members = set.range(from, to);
        let reply = &mut cx.reply;
        let mut put = |(member, score): (&[u8], f64)| {
            put_member(reply, member, self.with_scores.then_some(score), as_pairs);
        };
        match self.backward {
            false => members.by_ref().for_each(&mut put),
            true => members.by_ref().rev().for_each(&mut put),
        }
        Ok(())
    }
}

fn range(cx: &mut Cx<'_, '_>, args: &[&[u8]], by: Option<By>, backward: Option<bool>) -> Outcome {
    let family = Family { by, backward, may_show_scores: true };
    Query::parse(&args[2..], family)?.reply(cx, args[1])
}

pub(super) fn zrange(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    range(cx, args, None, None)
}

pub(super) fn zrevrange(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    range(cx, args, Some(By::Rank), Some(true))
}

pub(super) fn zrangebyscore(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    range(cx, args, Some(By::Score), Some(false))
}

pub(super) fn zrevrangebyscore(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    range(cx, args, Some(By::Score), Some(true))
}

pub(super) fn zrangebylex(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    range(cx, args, Some(By::Lex), Some(false))
}

pub(super) fn zrevrangebylex(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    range(cx, args, Some(By::Lex), Some(true))
}

pub(super) fn zrangestore(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let family = Family { by: None, backward: None, may_show_scores: false };
    let query = Query::parse(&args[3..], family)?;
    cx.tx.end_if_due(args[2]);
    let limits = limits(cx);
    let mut stored = Zset::new();
    if let Some(set) = cx.tx.read::<Zset>(args[2])? {
        let (from, to) = query.ranks(set);
        let mut members: Vec<(&[u8], f64)> = set.range(from, to).collect();
        stored = Zset::from_members(&mut members, limits);
    }
    store(cx, args[1], stored, args, "zrangestore");
    Ok(())
}
