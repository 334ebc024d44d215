//! Reading arguments: numbers, timeouts, options, with Redis's errors.

use super::error::Error;
use crate::types::extended::Extended;
pub use crate::types::number::parse_i64;

const NUMKEYS_NOT_POSITIVE: Error = Error::fixed("ERR numkeys should be greater than 0");
pub const COUNT_NOT_POSITIVE: Error = Error::fixed("ERR count should be greater than 0");

/// An integer argument, or `ERR value is not an integer or out of range`.
pub fn integer(text: &[u8]) -> Result<i64, Error> {
    parse_i64(text).ok_or(Error::NOT_INTEGER)
}

/// An integer within `min..=max`, or the given error.
pub fn integer_in(text: &[u8], min: i64, max: i64, error: Error) -> Result<i64, Error> {
    match parse_i64(text) {
        Some(value) if (min..=max).contains(&value) => Ok(value),
        _ => Err(error),
    }
}

/// An integer in 32 bits, which is how Redis reads the numbers of databases.
pub fn small_integer(text: &[u8]) -> Result<i32, Error> {
    let value = integer(text)?;
    i32::try_from(value).map_err(|_| {
        Error::fixed("ERR value is out of range, value must between -2147483648 and 2147483647")
    })
}

/// The number of one of `databases` databases.
pub fn database(text: &[u8], databases: usize) -> Result<usize, Error> {
    let number = small_integer(text)?;
    let number = usize::try_from(number).ok().filter(|number| *number < databases);
    number.ok_or(Error::DB_OUT_OF_RANGE)
}

/// What commands that take from the first of several keys are asked for.
pub struct MultiPop<'a, E> {
    pub keys: &'a [&'a [u8]],
    /// The end from which is taken.
    pub end: E,
    /// How many are taken at most, at least one.
    pub count: usize,
}

impl<'a, E> MultiPop<'a, E> {
    /// Reads from `numkeys` on; `parse_end` reads the word for the end.
    pub fn parse(
        args: &'a [&'a [u8]],
        parse_end: impl FnOnce(&[u8]) -> Result<E, Error>,
    ) -> Result<MultiPop<'a, E>, Error> {
        let numkeys = integer_in(args[0], 1, i64::MAX, NUMKEYS_NOT_POSITIVE)?;
        let numkeys = usize::try_from(numkeys).unwrap_or(usize::MAX);
        let (keys, rest) = args[1..].split_at_checked(numkeys).ok_or(Error::SYNTAX)?;
        let [end, rest @ ..] = rest else { return Err(Error::SYNTAX) };
        let end = parse_end(end)?;
        let count = match rest {
            [] => 1,
            [option, count, rest @ ..] if is(option, "COUNT") => {
                let count = integer_in(count, 1, i64::MAX, COUNT_NOT_POSITIVE)?;
                if !rest.is_empty() {
                    return Err(Error::SYNTAX);
                }
                count as usize
            }
            _ => return Err(Error::SYNTAX),
        };
        Ok(MultiPop { keys, end, count })
    }
}

/// Whether an argument is the option `name` (upper case), in any case.
pub fn is(arg: &[u8], name: &str) -> bool {
    arg.eq_ignore_ascii_case(name.as_bytes())
}

/// A blocking command's timeout in seconds with fraction; the deadline in unix ms, `None` for 0,
/// which waits without end.
pub fn timeout_seconds(text: &[u8], now_ms: i64) -> Result<Option<i64>, Error> {
    let seconds = Extended::parse(text).ok_or(Error::TIMEOUT_NOT_FLOAT)?;
    // Rounded up, so that a wait never ends early.
    deadline(seconds.ceil_of_product(1000), now_ms)
}

/// A blocking command's timeout in milliseconds, as XREAD's BLOCK takes it.
pub fn timeout_ms(text: &[u8], now_ms: i64) -> Result<Option<i64>, Error> {
    deadline(parse_i64(text).ok_or(Error::TIMEOUT_NOT_INTEGER)?, now_ms)
}

fn deadline(ms: i64, now_ms: i64) -> Result<Option<i64>, Error> {
    match ms {
        ..0 => Err(Error::TIMEOUT_NEGATIVE),
        0 => Ok(None),
        _ => now_ms.checked_add(ms).map(Some).ok_or(Error::TIMEOUT_OUT_OF_RANGE),
    }
}
