//! Reading numbers from text.

use super::{Extended, Magnitude, Natural, finite};

/// Longer texts are refused, as in Redis.
const TEXT_BYTES_END: usize = 5 * 1024;
/// No number with this many digits before the point is finite, none that starts this far behind
/// it is above zero.
const DECIMAL_EXPONENT_END: i64 = 6000;
const BINARY_EXPONENT_END: i64 = 20_000;

pub(super) fn parse(text: &[u8]) -> Option<Extended> {
    if text.len() >= TEXT_BYTES_END {
        return None;
    }
    let (negative, rest) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    if rest.eq_ignore_ascii_case(b"inf") || rest.eq_ignore_ascii_case(b"infinity") {
        return Some(Extended { negative, magnitude: Magnitude::Infinite });
    }
    match rest {
        [b'0', b'x' | b'X', digits @ ..] => {
            let number = Scanned::new(digits, 16, b'p')?;
            hexadecimal(negative, &number)
        }
        digits => decimal(negative, &Scanned::new(digits, 10, b'e')?),
    }
}

/// The parts of a number: its digits as one whole number, how many of them stand behind the
/// point, and the exponent written behind.
struct Scanned {
    digits: Natural,
    digit_count: i64,
    behind_point: i64,
    exponent: i64,
}

impl Scanned {
    /// Reads all of `text`, or nothing.
    fn new(text: &[u8], base: u32, exponent_mark: u8) -> Option<Scanned> {
        let mut number =
            Scanned { digits: Natural::from(0), digit_count: 0, behind_point: 0, exponent: 0 };
        let mut point = false;
        let mut any = false;
        let mut at = 0;
        while let Some(&byte) = text.get(at) {
            match char::from(byte).to_digit(base) {
                Some(digit) => {
                    any = true;
                    number.behind_point += i64::from(point);
                    number.digit_count += i64::from(digit != 0 || number.digit_count > 0);
                    number.digits.multiply_add(base, digit);
                }
                None if byte == b'.' && !point => point = true,
                None => break,
            }
            at += 1;
        }
        let rest = &text[at..];
        if let Some((mark, exponent)) = rest.split_first() {
            if !mark.eq_ignore_ascii_case(&exponent_mark) {
                return None;
            }
            number.exponent = written_exponent(exponent)?;
        }
        any.then_some(number)
    }
}

/// The exponent, saturating far outside of what a number can have.
fn written_exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.split_first()? {
        (b'-', digits) => (true, digits),
        (b'+', digits) => (false, digits),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits.iter().fold(0i64, |value, digit| {
        (value * 10 + i64::from(digit - b'0')).min(10 * BINARY_EXPONENT_END)
    });
    Some(if negative { -value } else { value })
}

fn zero(negative: bool) -> Extended {
    Extended { negative, magnitude: Magnitude::Zero }
}

fn hexadecimal(negative: bool, number: &Scanned) -> Option<Extended> {
    if number.digits.is_zero() {
        return Some(zero(negative));
    }
    let exponent = number.exponent - 4 * number.behind_point;
    let top = exponent + number.digits.bits() as i64;
    if top.abs() > BINARY_EXPONENT_END {
        return None;
    }
    let (magnitude, above) = number.digits.top();
    finite(negative, magnitude, above + exponent as i32)
}

fn decimal(negative: bool, number: &Scanned) -> Option<Extended> {
    if number.digits.is_zero() {
        return Some(zero(negative));
    }
    let exponent = number.exponent - number.behind_point;
    if (exponent + number.digit_count).abs() > DECIMAL_EXPONENT_END {
        return None;
    }
    let mut digits = number.digits.clone();
    let power = exponent.unsigned_abs() as usize;
    if exponent >= 0 {
        digits.multiply_power_of_ten(power);
        let (magnitude, above) = digits.top();
        return finite(negative, magnitude, above);
    }
    let mut divisor = Natural::from(1);
    divisor.multiply_power_of_ten(power);
    // A quotient of about 100 bits: enough to round from, with the remainder as a sticky bit.
    let up = (divisor.bits() + 100).saturating_sub(digits.bits());
    digits.shift_left(up);
    let down = digits.bits().saturating_sub(divisor.bits() + 110);
    divisor.shift_left(down);
    let (quotient, remainder) = digits.divide(&divisor);
    finite(negative, quotient << 1 | u128::from(remainder), down as i32 - up as i32 - 1)
}
