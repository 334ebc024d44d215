//! Scores, ranges and limits as the sorted set commands take them.

use crate::command::args;
use crate::command::error::Error;
use crate::types::number::{parse_double, parse_double_lenient};
use crate::types::zset::{LexBound, LexRange, ScoreBound, ScoreRange};

const NOT_A_SCORE_RANGE: Error = Error::fixed("ERR min or max is not a float");
const NOT_A_LEX_RANGE: Error = Error::fixed("ERR min or max not valid string range item");

/// A score, which is never NaN.
pub(in crate::command) fn score(text: &[u8]) -> Result<f64, Error> {
    parse_double(text).ok_or(Error::NOT_FLOAT)
}

/// `min` and `max` of a range of scores: `(` before one leaves it out.
pub(super) fn score_range(min: &[u8], max: &[u8]) -> Result<ScoreRange, Error> {
    let bound = |text: &[u8]| -> Result<ScoreBound, Error> {
        let (is_open, number) = match text {
            [b'(', number @ ..] => (true, number),
            number => (false, number),
        };
        let score = parse_double_lenient(number).ok_or(NOT_A_SCORE_RANGE)?;
        Ok(ScoreBound { score, is_open })
    };
    Ok(ScoreRange { min: bound(min)?, max: bound(max)? })
}

/// `min` and `max` of a range of members: `-`, `+`, or a member behind `[` or `(`.
pub(super) fn lex_range<'a>(min: &'a [u8], max: &'a [u8]) -> Result<LexRange<'a>, Error> {
    let bound = |text: &'a [u8]| match text {
        b"-" => Ok(LexBound::Least),
        b"+" => Ok(LexBound::Greatest),
        [b'[', member @ ..] => Ok(LexBound::Inclusive(member)),
        [b'(', member @ ..] => Ok(LexBound::Exclusive(member)),
        _ => Err(NOT_A_LEX_RANGE),
    };
    Ok(LexRange { min: bound(min)?, max: bound(max)? })
}

/// LIMIT: how many members are passed over, and how many follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Limit {
    offset: i64,
    /// Negative for all.
    count: i64,
}

impl Limit {
    pub const ALL: Limit = Limit { offset: 0, count: -1 };

    pub fn parse(offset: &[u8], count: &[u8]) -> Result<Limit, Error> {
        Ok(Limit { offset: args::integer(offset)?, count: args::integer(count)? })
    }

    /// Whether it says how many, which a range by rank does by itself.
    pub fn has_count(&self) -> bool {
        self.count != -1
    }

    /// The part of ranks `from..to` that it leaves, counted from the end if `backward`.
    pub fn apply(&self, (from, to): (usize, usize), backward: bool) -> (usize, usize) {
        let len = to - from;
        // Nothing is so far behind a start that is before the first.
        let skipped = usize::try_from(self.offset).map_or(len, |offset| offset.min(len));
        let left = len - skipped;
        let count = usize::try_from(self.count).map_or(left, |count| count.min(left));
        match backward {
            false => (from + skipped, from + skipped + count),
            true => (to - skipped - count, to - skipped),
        }
    }
}
