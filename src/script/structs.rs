//! The `struct` library: numbers and strings packed by a format, as lua-struct 0.2 does it.

use mlua::{Lua, MultiValue, Table, Value};

use super::arguments::Arguments;
use super::failure::raise;
use super::number;

/// What `!` without a number aligns to.
const ALIGN_DEFAULT: usize = 8;
const INTEGER_BYTES_MAX: usize = 32;
const INT_MAX: usize = i32::MAX as usize;

/// Makes the library.
pub(super) fn library(lua: &Lua) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("pack", lua.create_function(pack)?)?;
    table.raw_set("unpack", lua.create_function(unpack)?)?;
    table.raw_set("size", lua.create_function(size)?)?;
    Ok(table)
}

/// A format, read letter by letter.
struct Format<'a> {
    lua: &'a Lua,
    args: &'a Arguments<'a>,
    text: &'a [u8],
    at: usize,
    big_endian: bool,
    align: usize,
}

/// One letter of a format.
struct Item {
    letter: u8,
    /// Bytes that it takes; 0 for what depends on the value.
    size: usize,
}

impl<'a> Format<'a> {
    fn new(lua: &'a Lua, args: &'a Arguments<'a>, text: &'a [u8]) -> Format<'a> {
        // As a C string: it ends at a zero.
        let text = text.split(|byte| *byte == 0).next().unwrap_or(text);
        Format { lua, args, text, at: 0, big_endian: cfg!(target_endian = "big"), align: 1 }
    }

    fn number(&mut self, default: usize) -> mlua::Result<usize> {
        let mut number = None;
        while let Some(digit) = self.text.get(self.at).filter(|byte| byte.is_ascii_digit()) {
            let next = number.unwrap_or(0) * 10 + usize::from(digit - b'0');
            if next > INT_MAX {
                return Err(raise(self.lua, "integral size overflow"));
            }
            number = Some(next);
            self.at += 1;
        }
        Ok(number.unwrap_or(default))
    }

    fn next(&mut self) -> mlua::Result<Option<Item>> {
        let Some(&letter) = self.text.get(self.at) else { return Ok(None) };
        self.at += 1;
        let size = match letter {
            b'b' | b'B' | b'x' => 1,
            b'h' | b'H' => 2,
            b'l' | b'L' | b'T' | b'd' => 8,
            b'f' => 4,
            b'c' => self.number(1)?,
            b'i' | b'I' => {
                let size = self.number(4)?;
                if size > INTEGER_BYTES_MAX {
                    let limit = INTEGER_BYTES_MAX;
                    let why = format!("integral size {size} is larger than limit of {limit}");
                    return Err(raise(self.lua, why));
                }
                size
            }
            _ => 0,
        };
        Ok(Some(Item { letter, size }))
    }

    /// Bytes to leave out in front of an item at `position`.
    fn padding(&self, item: &Item, position: usize) -> usize {
        let size = item.size.min(self.align);
        if item.size == 0 || item.letter == b'c' || size == 0 {
            return 0;
        }
        // As C counts it, also for sizes that are no power of two.
        size.wrapping_sub(position & (size - 1)) & (size - 1)
    }

    /// A letter that takes no bytes.
    fn control(&mut self, letter: u8) -> mlua::Result<()> {
        match letter {
            b' ' => {}
            b'>' => self.big_endian = true,
            b'<' => self.big_endian = false,
            b'!' => {
                let align = self.number(ALIGN_DEFAULT)?;
                if !align.is_power_of_two() {
                    let why = format!("alignment {align} is not a power of 2");
                    return Err(raise(self.lua, why));
                }
                self.align = align;
            }
            other => {
                let why = format!("invalid format option '{}'", char::from(other));
                return Err(self.args.refuse(0, &why));
            }
        }
        Ok(())
    }

    fn integer_bytes(&self, number: f64, size: usize) -> Vec<u8> {
        let mut value =
            if number < 0.0 { number::to_integer(number) as u64 } else { number as u64 };
        let mut bytes = Vec::with_capacity(size);
        for _ in 0..size {
            bytes.push(value as u8);
            value >>= 8;
        }
        if self.big_endian {
            bytes.reverse();
        }
        bytes
    }

    fn integer(&self, bytes: &[u8], signed: bool) -> f64 {
        let shift_in = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        let value = if self.big_endian {
            bytes.iter().fold(0, shift_in)
        } else {
            bytes.iter().rev().fold(0, shift_in)
        };
        if !signed {
            return value as f64;
        }
        let mask = u64::MAX.wrapping_shl((bytes.len() as u32).wrapping_mul(8).wrapping_sub(1));
        let value = if value & mask != 0 { value | mask } else { value };
        value as i64 as f64
    }

    fn in_order(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        if self.big_endian != cfg!(target_endian = "big") {
            bytes.reverse();
        }
        bytes
    }
}

fn pack(lua: &Lua, mut args: MultiValue) -> mlua::Result<Value> {
    let text = Arguments::new(lua, "pack", &args).text(0)?;
    // In C a nil separates the arguments from what has been packed: it is what is found for a missing
    // one.
    args.push_back(Value::Nil);
    let args = Arguments::new(lua, "pack", &args);
    let mut format = Format::new(lua, &args, &text);
    let mut out = Vec::new();
    let mut next = 1;
    while let Some(item) = format.next()? {
        out.resize(out.len() + format.padding(&item, out.len()), 0);
        match item.letter {
            b'b' | b'B' | b'h' | b'H' | b'l' | b'L' | b'T' | b'i' | b'I' => {
                out.extend(format.integer_bytes(args.number(next)?, item.size));
                next += 1;
            }
            b'x' => out.push(0),
            b'f' => {
                let number = args.number(next)? as f32;
                out.extend(format.in_order(number.to_ne_bytes().to_vec()));
                next += 1;
            }
            b'd' => {
                let number = args.number(next)?;
                out.extend(format.in_order(number.to_ne_bytes().to_vec()));
                next += 1;
            }
            b'c' | b's' => {
                let value = args.text(next)?;
                next += 1;
                let size = if item.size == 0 { value.len() } else { item.size };
                if value.len() < size {
                    return Err(args.refuse(next, "string too short"));
                }
                out.extend_from_slice(&value[..size]);
                if item.letter == b's' {
                    out.push(0);
                }
            }
            letter => format.control(letter)?,
        }
    }
    Ok(Value::String(lua.create_string(&out)?))
}

fn unpack(lua: &Lua, args: MultiValue) -> mlua::Result<MultiValue> {
    const TOO_SHORT: &str = "data string too short";
    let args = Arguments::new(lua, "unpack", &args);
    let text = args.text(0)?;
    let packed = args.text(1)?;
    let first = args.integer_or(2, 1)?;
    if first == 0 {
        return Err(args.refuse(2, "offset must be 1 or greater"));
    }
    // A negative offset is a huge one in C.
    let mut at = (first as usize).wrapping_sub(1);
    let mut format = Format::new(lua, &args, &text);
    let mut values: Vec<Value> = Vec::new();
    while let Some(Item { letter, mut size }) = format.next()? {
        at = at.saturating_add(format.padding(&Item { letter, size }, at));
        if size > packed.len() || at > packed.len() - size {
            return Err(args.refuse(1, TOO_SHORT));
        }
        let bytes = &packed[at..at + size];
        match letter {
            b'b' | b'B' | b'h' | b'H' | b'l' | b'L' | b'T' | b'i' | b'I' => {
                values.push(Value::Number(format.integer(bytes, letter.is_ascii_lowercase())));
            }
            b'x' => {}
            b'f' => {
                let bytes = format.in_order(bytes.to_vec());
                let number = f32::from_ne_bytes(bytes.try_into().expect("four bytes"));
                values.push(Value::Number(f64::from(number)));
            }
            b'd' => {
                let bytes = format.in_order(bytes.to_vec());
                let number = f64::from_ne_bytes(bytes.try_into().expect("eight bytes"));
                values.push(Value::Number(number));
            }
            b'c' => {
                if size == 0 {
                    size = previous_size(lua, &mut values)?;
                    if size > packed.len() || at > packed.len() - size {
                        return Err(args.refuse(1, TOO_SHORT));
                    }
                }
                values.push(Value::String(lua.create_string(&packed[at..at + size])?));
            }
            b's' => {
                let Some(len) = memchr::memchr(0, &packed[at..]) else {
                    return Err(raise(lua, "unfinished string in data"));
                };
                size = len + 1;
                values.push(Value::String(lua.create_string(&packed[at..at + len])?));
            }
            letter => format.control(letter)?,
        }
        at += size;
    }
    values.push(Value::Number(at.wrapping_add(1) as i64 as f64));
    Ok(MultiValue::from_vec(values))
}

/// The number unpacked last, which is the length of what follows.
fn previous_size(lua: &Lua, values: &mut Vec<Value>) -> mlua::Result<usize> {
    let number = match values.last() {
        Some(value) => lua.coerce_number(value.clone())?,
        None => None,
    };
    values.pop();
    /// From here on, where C leaves it open, what becomes of the number on x86 is none.
    const SIZES: f64 = 18_446_744_073_709_551_616.0;
    match number {
        Some(number) if number >= SIZES => Ok(0),
        Some(number) if number > -1.0 => Ok(number as usize),
        // A negative length is a huge one in C.
        Some(_) => Ok(usize::MAX),
        None => Err(raise(lua, "format 'c0' needs a previous size")),
    }
}

fn size(lua: &Lua, args: MultiValue) -> mlua::Result<Value> {
    let args = Arguments::new(lua, "size", &args);
    let text = args.text(0)?;
    let mut format = Format::new(lua, &args, &text);
    let mut bytes = 0;
    while let Some(item) = format.next()? {
        bytes += format.padding(&item, bytes);
        match item.letter {
            b's' => return Err(args.refuse(0, "option 's' has no fixed size")),
            b'c' if item.size == 0 => {
                return Err(args.refuse(0, "option 'c0' has no fixed size"));
            }
            letter if !letter.is_ascii_alphanumeric() => format.control(letter)?,
            _ => {}
        }
        bytes += item.size;
    }
    Ok(Value::Number(bytes as f64))
}
