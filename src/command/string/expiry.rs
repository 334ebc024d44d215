//! The options that set a deadline: EX, PX, EXAT, PXAT.

use super::super::args;
use super::super::error::Error;

use crate::keyspace::{Expiry, NEVER};

/// How a deadline is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unit {
    Ex,
    Px,
    ExAt,
    PxAt,
}

impl Unit {
    /// The unit an option names.
    pub fn of(option: &[u8]) -> Option<Unit> {
        [("EX", Unit::Ex), ("PX", Unit::Px), ("EXAT", Unit::ExAt), ("PXAT", Unit::PxAt)]
            .into_iter()
            .find_map(|(name, unit)| args::is(option, name).then_some(unit))
    }

    pub fn is_absolute(self) -> bool {
        matches!(self, Unit::ExAt | Unit::PxAt)
    }

    /// The unix time in ms that `number` says, which may have passed already.
    pub fn deadline_ms(self, number: &[u8], now_ms: i64, command: &str) -> Result<i64, Error> {
        let invalid = || Error::new(format!("ERR invalid expire time in '{command}' command"));
        let number = args::integer(number)?;
        let ms = match self {
            Unit::Ex | Unit::ExAt => number.checked_mul(1000),
            Unit::Px | Unit::PxAt => Some(number),
        };
        let ms = ms.filter(|ms| *ms > 0).ok_or_else(invalid)?;
        let deadline_ms = if self.is_absolute() { Some(ms) } else { ms.checked_add(now_ms) };
        // The last millisecond stands for "never" in the keyspace.
        Ok(deadline_ms.ok_or_else(invalid)?.min(NEVER - 1))
    }
}

/// What the options of one command say of the deadline, before the number is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Choice<'a> {
    /// Nothing.
    Unsaid,
    KeepTtl,
    Persist,
    At(Unit, &'a [u8]),
}

impl<'a> Choice<'a> {
    /// What a command that sets a value makes of it: nothing said, no deadline.
    pub fn expiry(self, now_ms: i64, command: &str) -> Result<Expiry, Error> {
        match self {
            Choice::At(unit, number) => unit.deadline_ms(number, now_ms, command).map(Expiry::At),
            Choice::KeepTtl => Ok(Expiry::Keep),
            Choice::Unsaid | Choice::Persist => Ok(Expiry::Clear),
        }
    }

    /// Takes an option with its number in; `false` if it clashes with an earlier one. The same
    /// option again is no clash: the later number counts.
    pub fn set(&mut self, unit: Unit, number: &'a [u8]) -> bool {
        match *self {
            Choice::Unsaid => {}
            Choice::At(earlier, _) if earlier == unit => {}
            _ => return false,
        }
        *self = Choice::At(unit, number);
        true
    }

    /// The same for KEEPTTL and PERSIST.
    pub fn set_plain(&mut self, choice: Choice<'a>) -> bool {
        let fits = *self == Choice::Unsaid || *self == choice;
        if fits {
            *self = choice;
        }
        fits
    }
}
