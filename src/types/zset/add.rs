//! Adding under conditions: what ZADD's options say.

use super::{Limits, Repr, Zset};

/// When a score is taken, and how.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct AddRule {
    /// New members only.
    pub new_only: bool,
    /// Members only that are there.
    pub present_only: bool,
    /// A member that is there gets a higher score only.
    pub greater_only: bool,
    /// A member that is there gets a lower score only.
    pub less_only: bool,
    /// The score is added to what a member has.
    pub increment: bool,
}

/// What became of a member, with its score now.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Added {
    New(f64),
    Moved(f64),
    /// It has the score already.
    Same(f64),
    /// The rule does not let it.
    Refused,
}

/// Infinities of both signs were to be added up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotANumber;

impl Zset {
    /// Adds a member, or changes its score, as far as the rule lets it.
    ///
    /// # Errors
    /// An increment makes no number; nothing has changed.
    #[inline]
    pub fn add(
        &mut self,
        member: &[u8],
        score: f64,
        rule: AddRule,
        limits: Limits,
    ) -> Result<Added, NotANumber> {
        if rule == AddRule::default()
            && let Repr::Large(large) = &mut self.repr
            && large.index.add(member, score)
        {
            // The way of most: one search for a member that is new.
            large.order.insert(score, member);
            return Ok(Added::New(score));
        }
        let Some(before) = self.score(member) else {
            if rule.present_only {
                return Ok(Added::Refused);
            }
            self.put_new(member, score, limits);
            return Ok(Added::New(score));
        };
        if rule.new_only {
            return Ok(Added::Refused);
        }
        let score = if rule.increment { before + score } else { score };
        if score.is_nan() {
            return Err(NotANumber);
        }
        if rule.less_only && score >= before || rule.greater_only && score <= before {
            return Ok(Added::Refused);
        }
        if score == before {
            return Ok(Added::Same(before));
        }
        self.move_to(member, before, score);
        Ok(Added::Moved(score))
    }
}
