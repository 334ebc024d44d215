//! `math.random` and `math.randomseed`: the 48-bit congruential generator that Redis's scripts have,
//! so that a seed gives the same numbers here and there.

use mlua::{Lua, MultiValue, Value};
use parking_lot::Mutex;

use super::failure::{bad_argument, raise, type_name};

const MULTIPLIER: u64 = 0x5_deec_e66d;
const INCREMENT: u64 = 0xb;
const MASK: u64 = (1 << 48) - 1;
/// What Redis divides by.
const RANGE: i64 = i32::MAX as i64;

/// The generator's state.
pub(super) struct Random(Mutex<u64>);

impl Default for Random {
    fn default() -> Random {
        Random(Mutex::new(0x1234_abcd_330e))
    }
}

impl Random {
    fn seed(&self, seed: i32) {
        *self.0.lock() = (u64::from(seed as u32) << 16) | 0x330e;
    }

    /// The next number in `0.0..1.0`.
    fn next(&self) -> f64 {
        let mut state = self.0.lock();
        *state = (state.wrapping_mul(MULTIPLIER) + INCREMENT) & MASK;
        let number = (*state >> 17) as i64;
        (number % RANGE) as f64 / RANGE as f64
    }

    pub fn random(&self, lua: &Lua, args: &MultiValue) -> mlua::Result<Value> {
        let fraction = self.next();
        let integer = |at: usize| integer(lua, args, at, "random");
        let number = match args.len() {
            0 => fraction,
            1 => {
                let max = integer(0)?;
                if max < 1 {
                    return Err(bad_argument(lua, 1, "random", "interval is empty"));
                }
                (fraction * max as f64).floor() + 1.0
            }
            2 => {
                let (min, max) = (integer(0)?, integer(1)?);
                if min > max {
                    return Err(bad_argument(lua, 2, "random", "interval is empty"));
                }
                // In 32 bits, as C computes it there.
                let width = (max as i32).wrapping_sub(min as i32).wrapping_add(1);
                (fraction * f64::from(width)).floor() + min as f64
            }
            _ => return Err(raise(lua, "wrong number of arguments")),
        };
        Ok(Value::Number(number))
    }

    pub fn randomseed(&self, lua: &Lua, args: &MultiValue) -> mlua::Result<()> {
        self.seed(integer(lua, args, 0, "randomseed")? as i32);
        Ok(())
    }
}

/// An argument as C's `int`.
fn integer(lua: &Lua, args: &MultiValue, at: usize, name: &str) -> mlua::Result<i64> {
    let value = args.get(at);
    let number = match value {
        Some(value) => lua.coerce_number(value.clone())?,
        None => None,
    };
    let why = || format!("number expected, got {}", type_name(value));
    let number = number.ok_or_else(|| bad_argument(lua, at + 1, name, &why()))?;
    Ok(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_redis() {
        let random = Random::default();
        assert!((random.next() - 0.396_464_773_638_39).abs() < 1e-13);
        random.seed(42);
        assert!((random.next() - 0.744_525_000_334_03).abs() < 1e-13);
        assert!((random.next() - 0.342_701_478_555_19).abs() < 1e-13);
    }
}
