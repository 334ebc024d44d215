//! Floating point with a mantissa of 64 bits, the `long double` in which Redis counts.
//!
//! `INCRBYFLOAT` and its kin parse, add and print in that format, and with `f64` some results show
//! other digits: 0.1 + 0.2 is `0.3` in Redis. Here a number is `mantissa * 2^exponent`, added and
//! rounded in integers, so results are the same bytes on every machine.

mod natural;
mod parse;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use natural::Natural;

/// Numbers of at least two to this power are infinite.
const EXPONENT_END: i32 = 16384;
/// The smallest number above zero is two to this power.
const EXPONENT_MIN: i32 = -16445;
/// Decimals that [`Extended::to_text`] rounds to.
const DECIMALS: usize = 17;

/// A number, or an infinity; never NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extended {
    negative: bool,
    magnitude: Magnitude,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Magnitude {
    Zero,
    /// `mantissa * 2^exponent`, the mantissa's top bit set.
    Finite {
        mantissa: u64,
        exponent: i32,
    },
    Infinite,
}

impl Magnitude {
    /// Orders magnitudes: mantissas all have their top bit set, so exponents decide first.
    fn rank(self) -> (u8, i32, u64) {
        match self {
            Magnitude::Zero => (0, 0, 0),
            Magnitude::Finite { mantissa, exponent } => (1, exponent, mantissa),
            Magnitude::Infinite => (2, 0, 0),
        }
    }
}

impl Extended {
    /// Zero.
    pub const ZERO: Extended = Extended { negative: false, magnitude: Magnitude::Zero };
    /// The largest finite number.
    pub const MAX: Extended = Extended {
        negative: false,
        magnitude: Magnitude::Finite { mantissa: u64::MAX, exponent: EXPONENT_END - 64 },
    };
    /// The lowest finite number.
    pub const MIN: Extended = Extended { negative: true, magnitude: Extended::MAX.magnitude };

    /// Reads a number as C's `strtold` does, and like Redis refuses what it does not read to the
    /// end, leading space, NaN, and what is too large or too small above zero.
    pub fn parse(text: &[u8]) -> Option<Extended> {
        parse::parse(text)
    }

    /// Whether this is one of the infinities.
    pub fn is_infinite(self) -> bool {
        self.magnitude == Magnitude::Infinite
    }

    /// Whether the number is below zero.
    pub fn is_negative(self) -> bool {
        self.negative && self.magnitude != Magnitude::Zero
    }

    /// The number with the other sign.
    pub fn negated(self) -> Extended {
        Extended { negative: !self.negative, ..self }
    }

    /// Which of two numbers is larger; the zeros are equal.
    pub fn compare(self, other: Extended) -> Ordering {
        let sign = |number: Extended| match number.magnitude {
            Magnitude::Zero => 0,
            _ if number.negative => -1,
            _ => 1,
        };
        let by_sign = sign(self).cmp(&sign(other));
        by_sign.then_with(|| {
            let by_size = self.magnitude.rank().cmp(&other.magnitude.rank());
            if self.negative { by_size.reverse() } else { by_size }
        })
    }

    /// The sum, rounded to nearest, ties to even. `None` where it is infinite or not a number.
    pub fn checked_add(self, other: Extended) -> Option<Extended> {
        let (a, b) = match (self.magnitude, other.magnitude) {
            (Magnitude::Infinite, _) | (_, Magnitude::Infinite) => return None,
            (_, Magnitude::Zero) => return Some(self),
            (Magnitude::Zero, _) => return Some(other),
            (
                Magnitude::Finite { mantissa: a, exponent: x },
                Magnitude::Finite { mantissa: b, exponent: y },
            ) if x < y => return other.add_finite(self.negative, a, x, b, y),
            (
                Magnitude::Finite { mantissa: a, exponent: x },
                Magnitude::Finite { mantissa: b, exponent: y },
            ) => ((a, x), (b, y)),
        };
        self.add_finite(other.negative, b.0, b.1, a.0, a.1)
    }

    /// `self` is `mantissa * 2^exponent`; the other number has the lower exponent.
    fn add_finite(
        self,
        other_negative: bool,
        other_mantissa: u64,
        other_exponent: i32,
        mantissa: u64,
        exponent: i32,
    ) -> Option<Extended> {
        let shift = exponent.abs_diff(other_exponent);
        // The larger number stands in the upper half, so what falls off the smaller one's end is
        // far below the rounding and one sticky bit stands for all of it.
        let large = u128::from(mantissa) << 64;
        let small = u128::from(other_mantissa) << 64;
        let kept = small.checked_shr(shift).unwrap_or(0);
        let lost = kept.checked_shl(shift).is_none_or(|back| back != small);
        let small = kept | u128::from(lost);
        let exponent = exponent - 64;
        if self.negative == other_negative {
            // One bit of room for the carry.
            let sticky = (large | small) & 1;
            let sum = (large >> 1) + (small >> 1) + (large & small & 1);
            return finite(self.negative, sum | sticky, exponent + 1);
        }
        let (negative, difference) = if large >= small {
            (self.negative, large - small)
        } else {
            (other_negative, small - large)
        };
        if difference == 0 {
            return Some(Extended { negative: false, magnitude: Magnitude::Zero });
        }
        finite(negative, difference, exponent)
    }

    /// This number times `factor`, rounded, and then rounded up to a whole number. Saturates.
    pub fn ceil_of_product(self, factor: u32) -> i64 {
        let end = if self.negative { i64::MIN } else { i64::MAX };
        let (mantissa, exponent) = match self.magnitude {
            Magnitude::Zero => return 0,
            Magnitude::Infinite => return end,
            Magnitude::Finite { mantissa, exponent } => (mantissa, exponent),
        };
        let product = finite(self.negative, u128::from(mantissa) * u128::from(factor), exponent);
        let Some(Extended { magnitude: Magnitude::Finite { mantissa, exponent }, .. }) = product
        else {
            return if factor == 0 { 0 } else { end };
        };
        if exponent > 0 {
            return end;
        }
        let down = exponent.unsigned_abs();
        let whole = mantissa.checked_shr(down).unwrap_or(0);
        let cut = whole.checked_shl(down).is_none_or(|back| back != mantissa);
        if self.negative {
            // Up is towards zero.
            0i64.checked_sub_unsigned(whole).unwrap_or(end)
        } else {
            i64::try_from(whole + u64::from(cut)).unwrap_or(end)
        }
    }

    /// Decimal text with up to 17 decimals and no trailing zeros, never in exponent form.
    pub fn to_text(self) -> String {
        let (mantissa, exponent) = match self.magnitude {
            Magnitude::Zero => return "0".to_owned(),
            Magnitude::Infinite if self.negative => return "-inf".to_owned(),
            Magnitude::Infinite => return "inf".to_owned(),
            Magnitude::Finite { mantissa, exponent } => (mantissa, exponent),
        };
        let text = if exponent >= 0 {
            let mut whole = Natural::from(u128::from(mantissa));
            whole.shift_left(exponent as usize);
            whole.to_decimal()
        } else {
            decimals(mantissa, exponent.unsigned_abs())
        };
        if self.negative && text != "0" { format!("-{text}") } else { text }
    }
}

/// `mantissa / 2^down` with up to 17 decimals.
fn decimals(mantissa: u64, down: u32) -> String {
    // 64 bits and the 57 of 10^17 leave room.
    let scaled = u128::from(mantissa) * 10u128.pow(DECIMALS as u32);
    let units = scaled.checked_shr(down).unwrap_or(0);
    let rest = if down < 128 { scaled - (units << down) } else { scaled };
    let half = 1u128.checked_shl(down - 1);
    let up = match half {
        Some(half) => rest > half || (rest == half && units & 1 == 1),
        None => false,
    };
    let digits = format!("{:0>width$}", units + u128::from(up), width = DECIMALS + 1);
    let (whole, fraction) = digits.split_at(digits.len() - DECIMALS);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

/// Rounds `magnitude * 2^exponent`, where the lowest bit of a magnitude over 64 bits may stand for
/// anything below it. `None` if the result is infinite or, being above zero, rounds to zero.
fn finite(negative: bool, magnitude: u128, exponent: i32) -> Option<Extended> {
    if magnitude == 0 {
        return None;
    }
    let zeros = magnitude.leading_zeros();
    let (magnitude, mut exponent) = (magnitude << zeros, exponent - zeros as i32 + 64);
    let (mut mantissa, rest) = ((magnitude >> 64) as u64, magnitude as u64);
    let half = 1 << 63;
    if rest > half || (rest == half && mantissa & 1 == 1) {
        (mantissa, exponent) = match mantissa.checked_add(1) {
            Some(mantissa) => (mantissa, exponent),
            None => (1 << 63, exponent + 1),
        };
    }
    let top = exponent + 63;
    // Half of the smallest number is a tie, and ties go to the even zero.
    let vanishes = top < EXPONENT_MIN - 1 || (top == EXPONENT_MIN - 1 && mantissa == 1 << 63);
    if top >= EXPONENT_END || vanishes {
        return None;
    }
    Some(Extended { negative, magnitude: Magnitude::Finite { mantissa, exponent } })
}
