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
}
