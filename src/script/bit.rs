//! The `bit` library: operations on 32 bits, as BitOp 1.0.2 has them.

use mlua::{Lua, MultiValue, Table, Value};

use super::arguments::Arguments;

/// Added to a number so that its 32 low bits stand at the end of the mantissa, rounded to even.
const MAGIC: f64 = 6_755_399_441_055_744.0;

fn bits(args: &Arguments<'_>, at: usize) -> mlua::Result<u32> {
    Ok((args.number(at)? + MAGIC).to_bits() as u32)
}

fn signed(bits: u32) -> Value {
    Value::Number(f64::from(bits as i32))
}

type Shift = fn(u32, u32) -> u32;
type Fold = fn(u32, u32) -> u32;
type Single = fn(u32) -> u32;

const SHIFTS: [(&str, Shift); 5] = [
    ("lshift", |bits, count| bits << count),
    ("rshift", |bits, count| bits >> count),
    ("arshift", |bits, count| (bits as i32 >> count) as u32),
    ("rol", u32::rotate_left),
    ("ror", u32::rotate_right),
];

const FOLDS: [(&str, Fold); 3] =
    [("band", |a, b| a & b), ("bor", |a, b| a | b), ("bxor", |a, b| a ^ b)];

const SINGLES: [(&str, Single); 3] =
    [("tobit", |bits| bits), ("bnot", |bits| !bits), ("bswap", u32::swap_bytes)];

/// Makes the library.
pub(super) fn library(lua: &Lua) -> mlua::Result<Table> {
    let bit = lua.create_table()?;
    for (name, shift) in SHIFTS {
        let function = move |lua: &Lua, args: MultiValue| {
            let args = Arguments::new(lua, name, &args);
            let count = bits(&args, 1);
            Ok(signed(shift(bits(&args, 0)?, count? & 31)))
        };
        bit.raw_set(name, lua.create_function(function)?)?;
    }
    for (name, fold) in FOLDS {
        let function = move |lua: &Lua, args: MultiValue| {
            let args = Arguments::new(lua, name, &args);
            let first = bits(&args, 0)?;
            // From the last one on: of two that are no numbers the later one is told.
            let others = (1..args.len()).rev();
            others
                .map(|at| bits(&args, at))
                .try_fold(first, |all, it| Ok(fold(all, it?)))
                .map(signed)
        };
        bit.raw_set(name, lua.create_function(function)?)?;
    }
    for (name, change) in SINGLES {
        let function = move |lua: &Lua, args: MultiValue| {
            Ok(signed(change(bits(&Arguments::new(lua, name, &args), 0)?)))
        };
        bit.raw_set(name, lua.create_function(function)?)?;
    }
    bit.raw_set("tohex", lua.create_function(tohex)?)?;
    Ok(bit)
}

fn tohex(lua: &Lua, args: MultiValue) -> mlua::Result<Value> {
    let args = Arguments::new(lua, "tohex", &args);
    let value = bits(&args, 0)?;
    let asked = if args.len() < 2 { 8 } else { bits(&args, 1)? as i32 };
    let digits = asked.unsigned_abs().min(8) as usize;
    let text = if asked < 0 { format!("{value:08X}") } else { format!("{value:08x}") };
    Ok(Value::String(lua.create_string(&text[8 - digits..])?))
}
