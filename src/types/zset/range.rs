//! Ranges by score and by the members' bytes, as ranks.

use super::{Repr, Zset};

/// An end of a range of scores.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ScoreBound {
    pub score: f64,
    /// The score itself is outside.
    pub is_open: bool,
}

/// Scores from one to another.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ScoreRange {
    pub min: ScoreBound,
    pub max: ScoreBound,
}

impl ScoreRange {
    fn is_below(&self, score: f64) -> bool {
        score < self.min.score || self.min.is_open && score == self.min.score
    }

    fn is_above(&self, score: f64) -> bool {
        score > self.max.score || self.max.is_open && score == self.max.score
    }
}

/// An end of a range of members by their bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LexBound<'a> {
    /// Before every member.
    Least,
    /// Behind every member.
    Greatest,
    Inclusive(&'a [u8]),
    Exclusive(&'a [u8]),
}

/// Members from one to another. It tells something only where all have one score.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LexRange<'a> {
    pub min: LexBound<'a>,
    pub max: LexBound<'a>,
}

impl LexRange<'_> {
    fn is_below(&self, member: &[u8]) -> bool {
        match self.min {
            LexBound::Least => false,
            LexBound::Greatest => true,
            LexBound::Inclusive(bound) => member < bound,
            LexBound::Exclusive(bound) => member <= bound,
        }
    }

    fn is_above(&self, member: &[u8]) -> bool {
        match self.max {
            LexBound::Least => true,
            LexBound::Greatest => false,
            LexBound::Inclusive(bound) => member > bound,
            LexBound::Exclusive(bound) => member >= bound,
        }
    }
}

impl Zset {
    /// The ranks `from..to` of the members whose scores are in a range.
    pub fn ranks_by_score(&self, range: &ScoreRange) -> (usize, usize) {
        let from = self.partition_point(|score, _| range.is_below(score));
        let to = self.partition_point(|score, _| !range.is_above(score));
        (from, to.max(from))
    }

    /// The ranks `from..to` of the members in a range. `backward` says from which end it is going to be
    /// walked: that makes a difference only where scores differ, and in the packed form, which Redis
    /// walks from that end to the first member inside and on to the first one outside.
    pub fn ranks_by_lex(&self, range: &LexRange<'_>, backward: bool) -> (usize, usize) {
        match &self.repr {
            Repr::Packed(chunk) => {
                let count = chunk.count();
                let below = |index: &usize| range.is_below(chunk.member(*index));
                let above = |index: &usize| range.is_above(chunk.member(*index));
                // Redis looks first whether anything can be inside: at the ends alone.
                if count == 0 || below(&(count - 1)) || above(&0) {
                    return (0, 0);
                }
                if backward {
                    let to = count - (0..count).rev().take_while(above).count();
                    let from = to - (0..to).rev().take_while(|index| !below(index)).count();
                    (from, to)
                } else {
                    let from = (0..count).take_while(below).count();
                    let to = from + (from..count).take_while(|index| !above(index)).count();
                    (from, to)
                }
            }
            Repr::Large(_) => {
                let from = self.partition_point(|_, member| range.is_below(member));
                let to = self.partition_point(|_, member| !range.is_above(member));
                (from, to.max(from))
            }
        }
    }

    /// How many members at the start `before` holds for; it holds for none behind them.
    fn partition_point(&self, before: impl Fn(f64, &[u8]) -> bool) -> usize {
        match &self.repr {
            Repr::Packed(chunk) => chunk.partition_point(&before),
            Repr::Large(large) => large.order.partition_point(before),
        }
    }
}
