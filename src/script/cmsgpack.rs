//! The `cmsgpack` library: MessagePack as lua-cmsgpack 0.4 writes and reads it.

use std::sync::Arc;

use mlua::{Lua, MultiValue, Table, Value};

use super::arguments::Arguments;
use super::failure::{Raised, one_frame_further, raise};
use super::held::{Held, each_key};
use super::memory::Budget;
use super::stack::{self, Answer, Called, Values, Words};
use super::state::Shared;

/// Tables nested deeper are written as nil.
const NESTING_MAX: usize = 16;
/// How deep values are followed at most when they are read: as far as Lua's C stack reaches.
const DEPTH_MAX: usize = 2600;

/// How many values are to be read (0: all), and from where, by the arguments.
type Window = fn(&Arguments<'_>) -> mlua::Result<(i64, i64)>;

/// Makes the library.
pub(super) fn library(lua: &Lua, shared: &Arc<Shared>) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("_NAME", "cmsgpack")?;
    table.raw_set("_VERSION", "lua-cmsgpack 0.4.0")?;
    table.raw_set("_DESCRIPTION", "MessagePack for Lua")?;
    table.raw_set("_COPYRIGHT", "Forebay's authors")?;
    let own = Arc::clone(shared);
    let pack = move |lua: &Lua, args: MultiValue| {
        own.limit.aside(lua, || pack(lua, &args, Budget::new(lua, &own)))?
    };
    table.raw_set("pack", lua.create_function(pack)?)?;
    let functions: [(&str, Window); 3] = [
        ("unpack", |_| Ok((0, 0))),
        ("unpack_one", |args| Ok((1, args.integer_or(1, 0)?))),
        ("unpack_limit", |args| Ok((args.integer(1)?, args.integer_or(2, 0)?))),
    ];
    for (name, window) in functions {
        let own = Arc::clone(shared);
        let unpack = move |lua: &Lua, args: MultiValue| {
            let args = Arguments::new(lua, name, &args);
            let (limit, offset) = window(&args)?;
            unpack(lua, &own, &args, limit, offset)
        };
        if name == "unpack" {
            let other = move |lua: &Lua, args| one_frame_further(|| unpack(lua, args));
            let other = lua.create_function(other)?;
            table.raw_set(name, stack::function::<UnpackSmall>(lua, other)?)?;
        } else {
            table.raw_set(name, lua.create_function(unpack)?)?;
        }
    }
    Ok(table)
}

/// Input that is no larger is read at once: it takes little memory and time.
const SMALL_BYTES_MAX: usize = 16 * 1024;

/// `unpack` of what is mostly unpacked: a small string of one value.
struct UnpackSmall;

impl Called for UnpackSmall {
    const TAKES_NUMBERS: bool = false;

    fn call<'r>(words: Words<'_, 'r>, _: &'r mut Vec<u8>, values: &mut Values<'r>) -> Answer<'r> {
        let Ok(&[packed]) = words else { return Answer::Other };
        if packed.len() > SMALL_BYTES_MAX {
            return Answer::Other;
        }
        let mut reader = Reader { packed, at: 0, depth: 0, values, budget: None };
        match reader.value() {
            Ok(_) if reader.at == packed.len() => Answer::Value,
            _ => Answer::Other,
        }
    }
}

fn pack(lua: &Lua, args: &MultiValue, budget: Budget<'_>) -> mlua::Result<Value> {
    if args.is_empty() {
        return Err(raise(lua, "bad argument #0 to 'pack' (MessagePack pack needs input.)"));
    }
    let mut writer = Writer { out: Vec::new(), budget, held: Held::default() };
    for value in args {
        writer.value(value, 0)?;
    }
    // It is copied into Lua.
    writer.budget.hold(2 * writer.out.len())?;
    Ok(Value::String(lua.create_string(&writer.out)?))
}

struct Writer<'a> {
    out: Vec<u8>,
    budget: Budget<'a>,
    held: Held,
}

/// A header whose number takes one, two or four bytes behind one of three tags.
fn write_len(tags: [Option<u8>; 3], len: usize, out: &mut Vec<u8>) {
    match (tags, len) {
        ([Some(tag), ..], 0..=0xff) => out.extend_from_slice(&[tag, len as u8]),
        ([_, Some(tag), _], 0..=0xffff) => {
            out.push(tag);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        ([.., tag], _) => {
            out.push(tag.unwrap_or_default());
            out.extend_from_slice(&(len as u32).to_be_bytes());
        }
    }
}

fn write_text(text: &[u8], out: &mut Vec<u8>) {
    if text.len() < 32 {
        out.push(0xa0 | text.len() as u8);
    } else {
        write_len([Some(0xd9), Some(0xda), Some(0xdb)], text.len(), out);
    }
    out.extend_from_slice(text);
}

fn write_number(number: f64, out: &mut Vec<u8>) {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if number.fract() == 0.0 && (-LIMIT..LIMIT).contains(&number) {
        return write_integer(number as i64, out);
    }
    let short = number as f32;
    if f64::from(short) == number {
        out.push(0xca);
        out.extend_from_slice(&short.to_be_bytes());
    } else {
        out.push(0xcb);
        out.extend_from_slice(&number.to_be_bytes());
    }
}

fn write_integer(number: i64, out: &mut Vec<u8>) {
    match number {
        -32..=127 => out.push(number as u8),
        128..=0xff => out.extend_from_slice(&[0xcc, number as u8]),
        0x100..=0xffff => {
            out.push(0xcd);
            out.extend_from_slice(&(number as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(0xce);
            out.extend_from_slice(&(number as u32).to_be_bytes());
        }
        0x1_0000_0000.. => {
            out.push(0xcf);
            out.extend_from_slice(&number.to_be_bytes());
        }
        -128..-32 => out.extend_from_slice(&[0xd0, number as u8]),
        -32768..-128 => {
            out.push(0xd1);
            out.extend_from_slice(&(number as i16).to_be_bytes());
        }
        -2_147_483_648..-32768 => {
            out.push(0xd2);
            out.extend_from_slice(&(number as i32).to_be_bytes());
        }
        ..-2_147_483_648 => {
            out.push(0xd3);
            out.extend_from_slice(&number.to_be_bytes());
        }
    }
}

impl Writer<'_> {
    fn value(&mut self, value: &Value, level: usize) -> mlua::Result<()> {
        self.budget.spend_beside(self.out.len())?;
        let out = &mut self.out;
        match value {
            Value::String(text) => write_text(&text.as_bytes(), out),
            Value::Boolean(true) => out.push(0xc3),
            Value::Boolean(false) => out.push(0xc2),
            Value::Integer(number) => write_number(*number as f64, out),
            Value::Number(number) => write_number(*number, out),
            Value::Table(table) if level < NESTING_MAX => return self.table(table, level),
            _ => out.push(0xc0),
        }
        Ok(())
    }

    fn table(&mut self, table: &Table, level: usize) -> mlua::Result<()> {
        let Some(mut pairs) = self.held.take(table)? else {
            return self.large_table(table, level);
        };
        let mut keys = Keys::default();
        pairs.iter().for_each(|(key, _)| keys.note(key));
        self.begin(&keys);
        if keys.are_of_array() {
            // Lua tells the hash part of a table in any order.
            pairs.sort_unstable_by_key(|(key, _)| key.as_i64());
        }
        for (key, value) in &pairs {
            if !keys.are_of_array() {
                self.value(key, level + 1)?;
            }
            self.value(value, level + 1)?;
        }
        self.held.give_back(pairs);
        Ok(())
    }

    fn large_table(&mut self, table: &Table, level: usize) -> mlua::Result<()> {
        let mut keys = Keys::default();
        each_key(table, |key| keys.note(key))?;
        self.begin(&keys);
        if keys.are_of_array() {
            return (1..=keys.count).try_for_each(|at| self.value(&table.raw_get(at)?, level + 1));
        }
        for pair in table.pairs::<Value, Value>() {
            let (key, value) = pair?;
            self.value(&key, level + 1)?;
            self.value(&value, level + 1)?;
        }
        Ok(())
    }

    fn begin(&mut self, keys: &Keys) {
        let (few, tags) = if keys.are_of_array() {
            (0x90, [None, Some(0xdc), Some(0xdd)])
        } else {
            (0x80, [None, Some(0xde), Some(0xdf)])
        };
        if keys.count < 16 {
            self.out.push(few | keys.count as u8);
        } else {
            write_len(tags, keys.count, &mut self.out);
        }
    }
}

/// What a table's keys tell of it.
#[derive(Default)]
struct Keys {
    count: usize,
    largest: i64,
    /// There is one that is no positive integer.
    has_other: bool,
}

impl Keys {
    fn note(&mut self, key: &Value) {
        self.count += 1;
        match key {
            Value::Integer(number) if *number > 0 => self.largest = self.largest.max(*number),
            _ => self.has_other = true,
        }
    }

    /// All are positive integers, and the largest is their number: then none is missing.
    fn are_of_array(&self) -> bool {
        !self.has_other && self.largest == self.count as i64
    }
}

fn unpack(
    lua: &Lua,
    shared: &Shared,
    args: &Arguments<'_>,
    limit: i64,
    offset: i64,
) -> mlua::Result<MultiValue> {
    let packed = args.text(0)?;
    if offset < 0 || limit < 0 {
        let len = packed.len();
        let why = format!("Invalid request to unpack with offset of {offset} and limit of {len}.");
        return Err(raise(lua, why));
    }
    if offset as usize > packed.len() {
        let why = format!("Start offset {offset} greater than input length {}.", packed.len());
        return Err(raise(lua, why));
    }
    let all = limit == 0 && offset == 0;
    let mut at = offset as usize;
    let mut unpacked = Vec::new();
    let mut values = Values::default();
    let budget = Budget::new(lua, shared);
    while at < packed.len() && (all || (unpacked.len() as i64) < limit) {
        values.clear();
        let budget = Some(&budget);
        let mut reader = Reader { packed: &packed, at, depth: 0, values: &mut values, budget };
        reader.value().map_err(|bad| match bad {
            Bad::Missing => raise(lua, "Missing bytes in input."),
            Bad::Format => raise(lua, "Bad data format in input."),
            // Lua's own, raised where no line of the script is known.
            Bad::Text(text) => Raised::Text(text.into()).into(),
            Bad::Lua(error) => error,
        })?;
        at = reader.at;
        unpacked.push(shared.made(lua, &values)?);
    }
    if !all {
        let next = if at == packed.len() { -1.0 } else { at as f64 };
        unpacked.insert(0, Value::Number(next));
    }
    Ok(MultiValue::from_vec(unpacked))
}

enum Bad {
    Missing,
    Format,
    Text(&'static str),
    Lua(mlua::Error),
}

/// Reads one value.
struct Reader<'a, 'v> {
    packed: &'a [u8],
    at: usize,
    depth: usize,
    values: &'v mut Values<'a>,
    /// None for small input.
    budget: Option<&'v Budget<'v>>,
}

/// What has been read, as far as it decides whether it can be a key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Nil,
    Nan,
    Other,
}

impl<'a> Reader<'a, '_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Bad> {
        let bytes = self.packed.get(self.at..self.at + N).ok_or(Bad::Missing)?;
        self.at += N;
        Ok(bytes.try_into().expect("as many as asked for"))
    }

    fn text(&mut self, len: usize) -> Result<Kind, Bad> {
        let end = self.at.checked_add(len).ok_or(Bad::Missing)?;
        let bytes = self.packed.get(self.at..end).ok_or(Bad::Missing)?;
        self.at = end;
        self.values.text(bytes);
        Ok(Kind::Other)
    }

    fn boolean(&mut self, value: bool) -> Kind {
        self.values.boolean(value);
        Kind::Other
    }

    /// Writes the next value.
    fn value(&mut self) -> Result<Kind, Bad> {
        if let Some(budget) = self.budget {
            budget.spend_beside(self.values.bytes()).map_err(Bad::Lua)?;
        }
        let [tag] = self.take()?;
        let number = match tag {
            0x00..=0x7f => f64::from(tag),
            0xe0.. => f64::from(tag as i8),
            0xcc => f64::from(u8::from_be_bytes(self.take()?)),
            0xcd => f64::from(u16::from_be_bytes(self.take()?)),
            0xce => f64::from(u32::from_be_bytes(self.take()?)),
            // Lua's integers have a sign, so the upper half comes out below zero.
            0xcf => i64::from_be_bytes(self.take()?) as f64,
            0xd0 => f64::from(i8::from_be_bytes(self.take()?)),
            0xd1 => f64::from(i16::from_be_bytes(self.take()?)),
            0xd2 => f64::from(i32::from_be_bytes(self.take()?)),
            0xd3 => i64::from_be_bytes(self.take()?) as f64,
            0xca => f64::from(f32::from_be_bytes(self.take()?)),
            0xcb => f64::from_be_bytes(self.take()?),
            _ => return self.other(tag),
        };
        self.values.number(number);
        Ok(if number.is_nan() { Kind::Nan } else { Kind::Other })
    }

    fn other(&mut self, tag: u8) -> Result<Kind, Bad> {
        match tag {
            0xc0 => {
                self.values.nil();
                Ok(Kind::Nil)
            }
            0xc2 => Ok(self.boolean(false)),
            0xc3 => Ok(self.boolean(true)),
            0xa0..=0xbf => self.text(usize::from(tag & 31)),
            0xd9 => {
                let [len] = self.take()?;
                self.text(usize::from(len))
            }
            0xda | 0xdc | 0xde => {
                let len = usize::from(u16::from_be_bytes(self.take()?));
                self.sized(tag, len)
            }
            0xdb | 0xdd | 0xdf => {
                let len = u32::from_be_bytes(self.take()?) as usize;
                self.sized(tag, len)
            }
            0x90..=0x9f => self.sized(0xdc, usize::from(tag & 15)),
            0x80..=0x8f => self.sized(0xde, usize::from(tag & 15)),
            _ => Err(Bad::Format),
        }
    }

    fn sized(&mut self, tag: u8, len: usize) -> Result<Kind, Bad> {
        match tag {
            0xda | 0xdb => return self.text(len),
            _ if self.depth >= DEPTH_MAX => {
                return Err(Bad::Text("stack overflow (nested too deeply)"));
            }
            _ => {}
        }
        self.depth += 1;
        match tag {
            0xdc | 0xdd => {
                self.values.array(len);
                for _ in 0..len {
                    self.value()?;
                }
            }
            _ => {
                self.values.map(len);
                (0..len).try_for_each(|_| self.pair())?;
            }
        }
        self.depth -= 1;
        Ok(Kind::Other)
    }

    fn pair(&mut self) -> Result<(), Bad> {
        let key = self.value()?;
        self.value()?;
        match key {
            Kind::Nil => Err(Bad::Text("table index is nil")),
            Kind::Nan => Err(Bad::Text("table index is NaN")),
            Kind::Other => Ok(()),
        }
    }
}
