//! Reading arguments: numbers, timeouts, options, with Redis's errors.

use super::error::Error;

/// A whole signed decimal number in 64 bits, as Redis reads it: no sign but `-`, no leading zero,
/// no space.
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    if digits.is_empty() || (digits[0] == b'0' && text.len() > 1) || digits.len() > 19 {
        return None;
    }
    let mut value = 0i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        // Downwards, since there is one more negative number than positive ones.
        value = value.checked_mul(10)?.checked_sub(i64::from(digit))?;
    }
    if negative { Some(value) } else { value.checked_neg() }
}

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

/// Whether an argument is the option `name` (upper case), in any case.
pub fn is(arg: &[u8], name: &str) -> bool {
    arg.eq_ignore_ascii_case(name.as_bytes())
}

/// A finite decimal number with nothing around it, as Redis's `string2ld` takes it.
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    if text.is_empty() || text[0].is_ascii_whitespace() {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    match text.parse::<f64>() {
        Ok(value) if !value.is_nan() => Some(value),
        _ => None,
    }
}

/// A blocking command's timeout in seconds with fraction; the deadline in unix ms, `None` for 0,
/// which waits without end.
pub fn timeout_seconds(text: &[u8], now_ms: i64) -> Result<Option<i64>, Error> {
    let seconds = parse_f64(text).ok_or(Error::TIMEOUT_NOT_FLOAT)?;
    // Rounded up, so that a wait never ends early.
    let ms = (seconds * 1000.0).ceil();
    if ms > i64::MAX as f64 {
        return Err(Error::TIMEOUT_OUT_OF_RANGE);
    }
    deadline(ms as i64, now_ms)
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
