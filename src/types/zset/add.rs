//! Adding under conditions: what ZADD's options say.

use super::{Limits, Repr, Zset, move_in};

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

impl AddRule {
    /// What becomes of a member with this score before, if it is there.
    #[inline]
    fn judge(self, before: Option<f64>, score: f64) -> Result<Added, NotANumber> {
        let Some(before) = before else {
            return Ok(if self.present_only { Added::Refused } else { Added::New(score) });
        };
        if self.new_only {
            return Ok(Added::Refused);
        }
        let score = if self.increment { before + score } else { score };
        if score.is_nan() {
            return Err(NotANumber);
        }
        if self.less_only && score >= before || self.greater_only && score <= before {
            return Ok(Added::Refused);
        }
        Ok(if score == before { Added::Same(before) } else { Added::Moved(score) })
    }
}

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
        let chunk = match &mut self.repr {
            Repr::Packed(chunk) => chunk,
            Repr::Large(large) => {
                let mut added = Ok(Added::Refused);
                large.update(member, |before| {
                    added = rule.judge(before, score);
                    match added {
                        Ok(Added::New(score) | Added::Moved(score)) => Some(score),
                        Ok(Added::Same(_) | Added::Refused) | Err(NotANumber) => None,
                    }
                });
                return added;
            }
        };
        let before = chunk.find(member).map(|index| chunk.score(index));
        let added = rule.judge(before, score)?;
        match (before, added) {
            (None, Added::New(score)) => self.put_new(member, score, limits),
            (Some(before), Added::Moved(score)) => move_in(chunk, member, before, score),
            _ => {}
        }
        Ok(added)
    }
}
