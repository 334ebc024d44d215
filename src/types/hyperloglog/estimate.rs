//! From registers to a number: Ertl's improved estimator ("New cardinality estimation algorithms for
//! HyperLogLog sketches", 2017), which needs no table of corrections.

use super::{COUNTED_BITS, REGISTERS, Registers};

/// 1 / (2 ln 2)
const ALPHA: f64 = 0.721_347_520_444_481_7;

/// How many distinct elements have probably made these registers.
pub fn estimate(registers: &Registers) -> u64 {
    let mut histogram = [0_u32; 64];
    registers.iter().for_each(|&value| histogram[usize::from(value % 64)] += 1);
    let count = REGISTERS as f64;
    let share = |counted: u32| f64::from(counted) / count;
    let highest = COUNTED_BITS as usize + 1;
    let mut sum = count * tau((count - f64::from(histogram[highest])) / count);
    for &counted in histogram[1..highest].iter().rev() {
        sum += f64::from(counted);
        sum *= 0.5;
    }
    sum += count * sigma(share(histogram[0]));
    (ALPHA * count * count / sum).round() as u64
}

/// The sum that registers at zero contribute.
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut weight, mut sum) = (1.0, x);
    loop {
        x *= x;
        let before = sum;
        sum += x * weight;
        weight += weight;
        if sum == before {
            return sum;
        }
    }
}

/// The sum that registers at their highest contribute.
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut weight, mut sum) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = sum;
        weight *= 0.5;
        sum -= (1.0 - x) * (1.0 - x) * weight;
        if sum == before {
            return sum / 3.0;
        }
    }
}
