//! Integers as Redis reads them from text.

/// Digits of the longest `i64`, sign included.
pub const I64_DIGITS_MAX: usize = 20;

/// Reads a signed integer in its one canonical decimal form: no leading zero but in `0` itself, no
/// `+`, no spaces, no `-0`. What passes is written back by formatting byte for byte, which is what
/// allows a value to be kept as an integer.
#[inline]
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    let (&first, rest) = text.split_first()?;
    let (negative, digits) = if first == b'-' { (true, rest) } else { (false, text) };
    let (&lead, rest) = digits.split_first()?;
    match lead {
        b'0' => return (text.len() == 1).then_some(0),
        b'1'..=b'9' => {}
        _ => return None,
    }
    if digits.len() > 19 {
        return None;
    }
    // Nineteen digits stay below 2^64.
    let mut magnitude = u64::from(lead - b'0');
    for &byte in rest {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        magnitude = magnitude * 10 + u64::from(digit);
    }
    if negative { 0i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

/// Reads a double as C's `strtod` does, all of the text: decimal or hexadecimal, `inf`, `infinity`, a
/// sign in front. None for what is no number, for NaN, and for what is so large or so small that it would
/// become infinite or zero.
pub fn parse_double(text: &[u8]) -> Option<f64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    // Most are whole numbers of few digits: exact without any rounding.
    if matches!(digits.len(), 1..=15) && digits.iter().all(u8::is_ascii_digit) {
        let add = |value: u64, digit: &u8| value * 10 + u64::from(digit - b'0');
        let value = digits.iter().fold(0, add) as f64;
        return Some(if negative { -value } else { value });
    }
    if let [b'0', b'x' | b'X', digits @ ..] = digits {
        let value = parse_hexadecimal(digits)?;
        return Some(if negative { -value } else { value });
    }
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    let is_word = digits.first().is_some_and(u8::is_ascii_alphabetic);
    if value.is_nan() || value.is_infinite() && !is_word {
        return None;
    }
    // Only zeros make a zero.
    let mantissa = digits.split(|byte| matches!(byte, b'e' | b'E')).next().unwrap_or_default();
    let is_zero = mantissa.iter().all(|byte| matches!(byte, b'0' | b'.'));
    (value != 0.0 || is_zero).then_some(value)
}

/// Reads a double as the bounds of score ranges are read: decimal alone, nothing is zero, and what is
/// too large is infinite. As in Redis a NUL ends the text.
pub fn parse_double_lenient(text: &[u8]) -> Option<f64> {
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    if text.is_empty() {
        return Some(0.0);
    }
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (!value.is_nan()).then_some(value)
}

/// Hexadecimal digits with a point and a binary exponent, behind `0x`.
fn parse_hexadecimal(text: &[u8]) -> Option<f64> {
    let (mut mantissa, mut exponent, mut seen) = (0u64, 0i64, false);
    let (mut lost, mut point, mut at) = (false, false, 0);
    while let Some(&byte) = text.get(at) {
        match char::from(byte).to_digit(16) {
            Some(digit) => {
                seen = true;
                if mantissa >> 58 == 0 {
                    mantissa = mantissa << 4 | u64::from(digit);
                    exponent -= if point { 4 } else { 0 };
                } else {
                    // More than a double has room for; it only breaks ties.
                    lost |= digit != 0;
                    exponent += if point { 0 } else { 4 };
                }
            }
            None if byte == b'.' && !point => point = true,
            None => break,
        }
        at += 1;
    }
    let written: i64 = match text[at..].split_first() {
        None => 0,
        Some((b'p' | b'P', power)) => {
            let power = std::str::from_utf8(power).ok()?;
            // Saturated: far outside of what a double has.
            power.parse::<i64>().ok()?.clamp(-10_000, 10_000)
        }
        Some(_) => return None,
    };
    if !seen {
        return None;
    }
    let value = (mantissa | u64::from(lost)) as f64;
    let mut power = exponent.saturating_add(written).clamp(-5_000, 5_000) as i32;
    let mut scaled = value;
    // In steps, since the power alone may be out of range where the product is not.
    while power != 0 {
        let step = power.clamp(-1000, 1000);
        scaled *= 2f64.powi(step);
        power -= step;
    }
    let is_sound = scaled.is_finite() && (scaled != 0.0 || mantissa == 0);
    is_sound.then_some(scaled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_integers_only() {
        for value in [0, 1, -1, 9, 10, -10, 127, i64::MAX, i64::MIN, i64::MAX - 1, i64::MIN + 1] {
            assert_eq!(parse_i64(value.to_string().as_bytes()), Some(value));
        }
        for text in [
            "",
            "-",
            "+1",
            "01",
            "-0",
            "-01",
            "00",
            " 1",
            "1 ",
            "1.0",
            "0x1",
            "1e3",
            "--1",
            "9223372036854775808",
            "-9223372036854775809",
            "18446744073709551616",
            "99999999999999999999",
            "a",
            "1a",
        ] {
            assert_eq!(parse_i64(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn doubles_as_strtod_reads_them() {
        for (text, value) in [
            ("0", 0.0),
            ("12", 12.0),
            ("00012", 12.0),
            ("+5", 5.0),
            ("-2.5", -2.5),
            (".5", 0.5),
            ("5.", 5.0),
            ("1e3", 1000.0),
            ("1E-3", 0.001),
            ("0.1", 0.1),
            ("4.9e-324", 5e-324),
            ("1.7976931348623157e308", f64::MAX),
            ("9007199254740993", 9_007_199_254_740_992.0),
            ("123456789012345678", 123_456_789_012_345_680.0),
            ("0e5", 0.0),
            ("0.000", 0.0),
            ("inf", f64::INFINITY),
            ("+Infinity", f64::INFINITY),
            ("-INF", f64::NEG_INFINITY),
            ("0x10", 16.0),
            ("-0X.8p1", -1.0),
            ("0x1p3", 8.0),
            ("0x1.fffffffffffff8p0", 2.0),
            ("0x1.fffffffffffff7ffffffffp0", 1.999_999_999_999_999_8),
            ("0x0p99999", 0.0),
            ("0x1p-1074", 5e-324),
        ] {
            assert_eq!(parse_double(text.as_bytes()), Some(value), "{text}");
        }
        assert!(parse_double(b"-0").is_some_and(f64::is_sign_negative));
        for text in [
            "",
            " 1",
            "1 ",
            "nan",
            "1e400",
            "-1e400",
            "1e-400",
            "1e",
            "infin",
            "1_0",
            "0x",
            "0xg",
            "0x1p",
            "0x1p9999",
            "0x1p-9999",
            "--1",
            "1,5",
            "0x1.2.3",
            ".",
            "e5",
            "- 1",
        ] {
            assert_eq!(parse_double(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn bounds_are_read_leniently() {
        for (text, value) in [
            ("", 0.0),
            ("1e400", f64::INFINITY),
            ("-1e400", f64::NEG_INFINITY),
            ("1e-400", 0.0),
            ("\0x", 0.0),
        ] {
            assert_eq!(parse_double_lenient(text.as_bytes()), Some(value), "{text}");
        }
        for text in ["0x10", " 1", "1 ", "(1", "nan", "-nan"] {
            assert_eq!(parse_double_lenient(text.as_bytes()), None, "{text}");
        }
    }
}
