//! Numbers as the protocol writes them, and requests as bytes.

use std::io::Write;
use std::ops::Deref;

/// The most bytes that a double's text takes: a sign, seventeen digits, a point, zeros or an exponent.
const DOUBLE_BYTES_MAX: usize = 32;

/// Up to here a double without a fraction is printed as an integer, in either direction.
const WHOLE_MAX: f64 = (i64::MAX / 2) as f64;

/// A double as Redis prints it. See [`DoubleText::new`].
#[derive(Clone, Copy)]
pub struct DoubleText {
    bytes: [u8; DOUBLE_BYTES_MAX],
    len: u8,
}

impl Deref for DoubleText {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl DoubleText {
    /// Whole numbers up to 2^62 without a point, `inf`, `-inf`, `nan`; otherwise the shortest digits
    /// that read back the same, in plain form where that is short, else with an exponent.
    #[inline]
    pub fn new(value: f64) -> DoubleText {
        let mut text = DoubleText { bytes: [0; DOUBLE_BYTES_MAX], len: 0 };
        let whole = value as i64;
        if whole as f64 == value && whole != 0 && value.abs() <= WHOLE_MAX {
            text.push(itoa::Buffer::new().format(whole).as_bytes());
        } else {
            text.put_other(value);
        }
        text
    }

    fn push(&mut self, bytes: &[u8]) {
        let from = usize::from(self.len);
        self.bytes[from..from + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len() as u8;
    }

    fn zeros(&mut self, count: usize) {
        (0..count).for_each(|_| self.push(b"0"));
    }

    fn put_other(&mut self, value: f64) {
        if value.is_nan() {
            return self.push(b"nan");
        }
        if value.is_sign_negative() {
            self.push(b"-");
        }
        if value.is_infinite() {
            return self.push(b"inf");
        }
        if value == 0.0 {
            return self.push(b"0");
        }
        let (digits, count, exponent) = shortest_digits(value.abs());
        self.put_digits(&digits[..count], exponent);
    }

    /// Puts `0.d1d2d3… * 10^(exponent + 1)` in the form that Redis gives it.
    fn put_digits(&mut self, digits: &[u8], exponent: i32) {
        let count = digits.len() as i32;
        // Of the last digit.
        let unit = exponent + 1 - count;
        let size = exponent.abs();
        if unit >= 0 && size < count + 7 {
            self.push(digits);
            self.zeros(unit as usize);
        } else if unit < 0 && (unit > -7 || size < 4) {
            let before_point = exponent + 1;
            if before_point <= 0 {
                self.push(b"0.");
                self.zeros(before_point.unsigned_abs() as usize);
                self.push(digits);
            } else {
                let (whole, fraction) = digits.split_at(before_point as usize);
                self.push(whole);
                self.push(b".");
                self.push(fraction);
            }
        } else {
            let (first, rest) = digits.split_at(1);
            self.push(first);
            if !rest.is_empty() {
                self.push(b".");
                self.push(rest);
            }
            self.push(if exponent < 0 { b"e-" } else { b"e+" });
            self.push(itoa::Buffer::new().format(size).as_bytes());
        }
    }
}

/// The shortest digits that read back the same, of a positive number; how many they are, and the
/// power of ten of the first.
fn shortest_digits(value: f64) -> ([u8; 17], usize, i32) {
    let mut text = [0; 32];
    let mut rest = &mut text[..];
    write!(rest, "{value:e}").expect("seventeen digits and an exponent are shorter");
    let (mut digits, mut count, mut exponent, mut at) = ([0; 17], 0, 0, 0);
    while text[at] != b'e' {
        if text[at] != b'.' {
            digits[count] = text[at];
            count += 1;
        }
        at += 1;
    }
    at += 1;
    let negative = text[at] == b'-';
    at += usize::from(negative);
    while text[at] != 0 {
        exponent = exponent * 10 + i32::from(text[at] - b'0');
        at += 1;
    }
    (digits, count, if negative { -exponent } else { exponent })
}

/// A double in seventeen digits, as C's `%.17g` prints it: what ZSCAN shows of a large set.
pub fn format_double_17(value: f64) -> String {
    const DIGITS: i32 = 17;
    if !value.is_finite() || value == 0.0 {
        return format_double(value);
    }
    let text = format!("{value:.16e}");
    let (digits, exponent) = text.split_once('e').expect("it is asked for with an exponent");
    let exponent: i32 = exponent.parse().expect("a small number");
    let trimmed = |text: &str| text.trim_end_matches('0').trim_end_matches('.').to_string();
    if !(-4..DIGITS).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trimmed(digits), exponent.abs());
    }
    let behind_point = (DIGITS - 1 - exponent) as usize;
    let text = format!("{value:.behind_point$}");
    if behind_point > 0 { trimmed(&text) } else { text }
}

/// As [`DoubleText::new`], for those who want a string.
pub fn format_double(value: f64) -> String {
    String::from_utf8_lossy(&DoubleText::new(value)).into_owned()
}

/// Appends `args` as a request (`*N` of `$len`) to `out`.
pub fn write_request(out: &mut Vec<u8>, args: &[&[u8]]) {
    let mut reply = super::Reply::new(out, super::Proto::Resp2);
    reply.array(args.len());
    for arg in args {
        reply.bulk(arg);
    }
}

#[cfg(test)]
mod tests {
    use super::{format_double, format_double_17};

    #[test]
    fn seventeen_digits() {
        for (value, text) in [
            (0.1, "0.10000000000000001"),
            (2.5, "2.5"),
            (-3.0, "-3"),
            (1e16, "10000000000000000"),
            (1e17, "1e+17"),
            (-1e20, "-1e+20"),
            (1e-4, "0.0001"),
            (1e-5, "1.0000000000000001e-05"),
            (123456789012345678901234.0, "1.2345678901234569e+23"),
            (4e-320, "3.999955468730732e-320"),
            (-0.0, "-0"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(format_double_17(value), text);
        }
    }

    #[test]
    fn doubles_are_printed_as_redis_prints_them() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (3.0, "3"),
            (-3.5, "-3.5"),
            (0.1, "0.1"),
            (0.30000000000000004, "0.30000000000000004"),
            (1e17, "100000000000000000"),
            (1e18, "1000000000000000000"),
            (1e20, "1e+20"),
            (-1e20, "-1e+20"),
            (12345678901234567890.0, "12345678901234567000"),
            (2251799813685249.5, "2251799813685249.5"),
            (1e-5, "0.00001"),
            (1e-7, "1e-7"),
            (0.000123456789, "1.23456789e-4"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(format_double(value), text);
        }
    }
}
