//! How a Lua number is written as an argument of a command.

/// Appends a number as Redis writes it: a whole one as an integer, any other with the fewest digits
/// that read back the same.
pub(super) fn write(number: f64, out: &mut Vec<u8>) {
    // 2⁶²: beyond it Redis tells no integer from others.
    const EXACT_MAX: f64 = 4_611_686_018_427_387_904.0;
    if number.fract() == 0.0 && number.abs() <= EXACT_MAX {
        out.extend_from_slice(itoa::Buffer::new().format(number as i64).as_bytes());
        return;
    }
    if number.is_sign_negative() {
        out.push(b'-');
    }
    if number.is_nan() {
        out.extend_from_slice(b"nan");
    } else if number.is_infinite() {
        out.extend_from_slice(b"inf");
    } else {
        write_shortest(number.abs(), out);
    }
}

/// `digits` and the power of ten of the last one become plain or scientific notation.
fn write_shortest(number: f64, out: &mut Vec<u8>) {
    let mut buffer = ryu::Buffer::new();
    let (digits, power) = shortest_digits(buffer.format_finite(number));
    let len = digits.len() as i32;
    let exponent = power + len - 1;
    if power >= 0 && exponent < len + 7 {
        out.extend_from_slice(&digits);
        out.resize(out.len() + power as usize, b'0');
    } else if power < 0 && (power > -7 || exponent.abs() < 4) {
        let whole = len + power;
        if whole <= 0 {
            out.extend_from_slice(b"0.");
            out.resize(out.len() + (-whole) as usize, b'0');
            out.extend_from_slice(&digits);
        } else {
            let (whole, fraction) = digits.split_at(whole as usize);
            out.extend_from_slice(whole);
            out.push(b'.');
            out.extend_from_slice(fraction);
        }
    } else {
        let digits = &digits[..digits.len().min(18)];
        out.push(digits[0]);
        if digits.len() > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits[1..]);
        }
        out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
        out.extend_from_slice(itoa::Buffer::new().format(exponent.abs()).as_bytes());
    }
}

/// The significant digits of a number's text, and the power of ten of the last one.
fn shortest_digits(text: &str) -> (Vec<u8>, i32) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let mut power: i32 = exponent.parse().expect("the exponent is a small number");
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits: Vec<u8> = [whole.as_bytes(), fraction.as_bytes()].concat();
    power -= fraction.len() as i32;
    while digits.len() > 1 && digits.last() == Some(&b'0') {
        digits.pop();
        power += 1;
    }
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count().min(digits.len() - 1);
    digits.drain(..zeros);
    (digits, power)
}

/// A number as C casts it to a 64-bit integer: what does not fit is the smallest one.
pub(super) fn to_integer(number: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&number) { number as i64 } else { i64::MIN }
}

/// Appends a number as C's `%.{precision}g` prints it.
pub(super) fn write_g(number: f64, precision: usize, out: &mut Vec<u8>) {
    if !number.is_finite() {
        if number.is_sign_negative() {
            out.push(b'-');
        }
        out.extend_from_slice(if number.is_nan() { b"nan" } else { b"inf" });
        return;
    }
    if number.fract() == 0.0
        && number.abs() < 1e14
        && precision >= 14
        && (number != 0.0 || number.is_sign_positive())
    {
        out.extend_from_slice(itoa::Buffer::new().format(number as i64).as_bytes());
        return;
    }
    let text = format!("{number:.*e}", precision.saturating_sub(1));
    let (mantissa, exponent) = text.split_once('e').expect("a number in scientific notation");
    let exponent: i32 = exponent.parse().expect("the exponent is a small number");
    if (-4..precision as i32).contains(&exponent) {
        let decimals = precision as i32 - 1 - exponent;
        let fixed = format!("{number:.*}", decimals as usize);
        out.extend_from_slice(without_zeros(&fixed).as_bytes());
        return;
    }
    out.extend_from_slice(without_zeros(mantissa).as_bytes());
    let sign = if exponent < 0 { '-' } else { '+' };
    out.extend_from_slice(format!("e{sign}{:02}", exponent.abs()).as_bytes());
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// Reads as much of `text` as C's `strtod` does (no white space in front); the number, and how many
/// bytes it takes.
pub(super) fn parse_prefix(text: &[u8]) -> Option<(f64, usize)> {
    let (negative, sign_len) = match text.first() {
        Some(b'-') => (true, 1),
        Some(b'+') => (false, 1),
        _ => (false, 0),
    };
    let rest = &text[sign_len..];
    let (number, len) = if starts_with(rest, b"0x") && rest.get(2).is_some_and(is_hex_start) {
        parse_hex(&rest[2..]).map(|(number, len)| (number, len + 2))?
    } else if starts_with(rest, b"inf") {
        (f64::INFINITY, if starts_with(rest, b"infinity") { 8 } else { 3 })
    } else if starts_with(rest, b"nan") {
        (f64::NAN, 3 + nan_tail(&rest[3..]))
    } else {
        parse_decimal(rest)?
    };
    Some((if negative { -number } else { number }, sign_len + len))
}

fn starts_with(text: &[u8], word: &[u8]) -> bool {
    text.len() >= word.len() && text[..word.len()].eq_ignore_ascii_case(word)
}

fn is_hex_start(byte: &u8) -> bool {
    byte.is_ascii_hexdigit() || *byte == b'.'
}

/// `nan(letters)` is one number.
fn nan_tail(text: &[u8]) -> usize {
    let [b'(', inside @ ..] = text else { return 0 };
    let len = inside.iter().take_while(|it| it.is_ascii_alphanumeric() || **it == b'_').count();
    if inside.get(len) == Some(&b')') { len + 2 } else { 0 }
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn parse_decimal(text: &[u8]) -> Option<(f64, usize)> {
    let whole = digits(text);
    let mut len = whole;
    let mut fraction = 0;
    if text.get(len) == Some(&b'.') {
        fraction = digits(&text[len + 1..]);
        len += 1 + fraction;
    }
    if whole + fraction == 0 {
        return None;
    }
    if let Some(b'e' | b'E') = text.get(len) {
        let sign = usize::from(matches!(text.get(len + 1), Some(b'+' | b'-')));
        let exponent = digits(&text[len + 1 + sign..]);
        if exponent > 0 {
            len += 1 + sign + exponent;
        }
    }
    let number = std::str::from_utf8(&text[..len]).ok()?.parse().ok()?;
    Some((number, len))
}

/// A hexadecimal number behind its `0x`, with fraction and power of two.
fn parse_hex(text: &[u8]) -> Option<(f64, usize)> {
    let (mut number, mut len, mut digits, mut scale) = (0.0_f64, 0, 0, 0_i32);
    let mut in_fraction = false;
    while let Some(&byte) = text.get(len) {
        if byte == b'.' && !in_fraction {
            in_fraction = true;
        } else if let Some(digit) = char::from(byte).to_digit(16) {
            number = number * 16.0 + f64::from(digit);
            digits += 1;
            scale -= if in_fraction { 4 } else { 0 };
        } else {
            break;
        }
        len += 1;
    }
    if digits == 0 {
        // Only the zero of `0x` is a number then.
        return None;
    }
    if let Some(b'p' | b'P') = text.get(len) {
        let negative = text.get(len + 1) == Some(&b'-');
        let sign = usize::from(matches!(text.get(len + 1), Some(b'+' | b'-')));
        let count = self::digits(&text[len + 1 + sign..]);
        if count > 0 {
            let exponent = std::str::from_utf8(&text[len + 1 + sign..][..count]).ok()?;
            let exponent = exponent.parse().unwrap_or(i32::MAX / 2);
            scale = scale.saturating_add(if negative { -exponent } else { exponent });
            len += 1 + sign + count;
        }
    }
    Some((number * 2.0_f64.powi(scale), len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_redis_writes_them() {
        let cases = [
            (3.0, "3"),
            (-0.0, "0"),
            (3.25159265358979, "3.25159265358979"),
            (1e20, "1e+20"),
            (9_007_199_254_740_992.0, "9007199254740992"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (1e-7, "1e-7"),
            (0.1, "0.1"),
            (123456789012345678.0, "123456789012345680"),
            (-2.5, "-2.5"),
            (1.5e300, "1.5e+300"),
            (0.5, "0.5"),
            (4_503_599_627_370_495.5, "4503599627370495.5"),
            (1e16, "10000000000000000"),
            (1e17, "100000000000000000"),
            (1.7e18, "1700000000000000000"),
            (4.6e18, "4600000000000000000"),
            (-4.6e18, "-4600000000000000000"),
            (4_611_686_018_427_387_904.0, "4611686018427387904"),
            (-4_611_686_018_427_387_904.0, "-4611686018427387904"),
            (4_611_686_018_427_388_928.0, "4611686018427389000"),
            (-4_611_686_018_427_388_928.0, "-4611686018427389000"),
            (4.7e18, "4.7e+18"),
            (9_223_372_036_854_775_808.0, "9223372036854776000"),
            (1e19, "1e+19"),
        ];
        for (number, text) in cases {
            let mut out = Vec::new();
            write(number, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), text);
        }
    }
}
