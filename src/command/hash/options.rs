//! What commands about fields' deadlines have in common: times, and `FIELDS numfields field …`.

use super::{Error, args};
use crate::types::hash::DEADLINE_MS_MAX;

const NEGATIVE: Error = Error::fixed("ERR invalid expire time, must be >= 0");
const NO_FIELDS: Error =
    Error::fixed("ERR Mandatory argument FIELDS is missing or not at the right position");
const OTHER_COUNT: Error =
    Error::fixed("ERR The `numfields` parameter must match the number of arguments");

/// Numbers of fields that are no positive integers, in the words of HEXPIRE and its kin.
pub(super) const COUNT_NOT_ABOVE_ZERO: Error =
    Error::fixed("ERR Parameter `numFields` should be greater than 0");
/// The same in the words of the other commands.
pub(super) const COUNT_NOT_POSITIVE: Error =
    Error::fixed("ERR Number of fields must be a positive integer");

/// What a time counts in, and from when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Unit {
    pub seconds: bool,
    /// From 1970, not from now.
    pub absolute: bool,
}

impl Unit {
    pub const SECONDS: Unit = Unit { seconds: true, absolute: false };
    pub const MS: Unit = Unit { seconds: false, absolute: false };
    pub const UNIX_SECONDS: Unit = Unit { seconds: true, absolute: true };
    pub const UNIX_MS: Unit = Unit { seconds: false, absolute: true };

    /// The unit that an option names.
    pub fn of(option: &[u8]) -> Option<Unit> {
        let units = [
            ("EX", Unit::SECONDS),
            ("PX", Unit::MS),
            ("EXAT", Unit::UNIX_SECONDS),
            ("PXAT", Unit::UNIX_MS),
        ];
        units.into_iter().find_map(|(name, unit)| args::is(option, name).then_some(unit))
    }

    /// The unix ms that a number says, which may have passed.
    pub fn deadline_ms(self, number: &[u8], now_ms: i64, command: &str) -> Result<i64, Error> {
        let number = args::integer(number)?;
        if number < 0 {
            return Err(NEGATIVE);
        }
        let ms = if self.seconds { number.checked_mul(1000) } else { Some(number) };
        let ms = if self.absolute { ms } else { ms.and_then(|ms| ms.checked_add(now_ms)) };
        ms.filter(|ms| *ms <= DEADLINE_MS_MAX)
            .ok_or_else(|| Error::new(format!("ERR invalid expire time in '{command}' command")))
    }
}

/// Reads `FIELDS numfields field …`, which `words` are to be, whole. There are two or more.
pub(super) fn fields<'a, 'b>(
    words: &'b [&'a [u8]],
    bad_count: Error,
) -> Result<&'b [&'a [u8]], Error> {
    if !args::is(words[0], "FIELDS") {
        return Err(NO_FIELDS);
    }
    let count = args::integer_in(words[1], 1, i64::MAX, bad_count)?;
    let fields = &words[2..];
    if count != fields.len() as i64 {
        return Err(OTHER_COUNT);
    }
    Ok(fields)
}
