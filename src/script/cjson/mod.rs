//! The `cjson` library: JSON with the semantics of lua-cjson 2.1, which Redis ships.

mod decode;
mod encode;

use std::sync::Arc;

use mlua::{Lua, MultiValue, Table, Value};
use parking_lot::Mutex;

use super::failure::{bad_argument, one_frame_further, raise, type_name};
use super::memory::Budget;
use super::stack::{self, Reader, Writes};
use super::state::Shared;

/// How deep tables are followed at most, whatever is set: as far as Lua's C stack reaches in Redis.
const STACK_DEPTH_MAX: usize = 2600;

/// What is done with numbers that JSON has no word for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum InvalidNumbers {
    Refuse,
    Write,
    Null,
}

/// Settings of one instance of the library. They outlive the script that sets them, as in Redis.
#[derive(Clone, Copy)]
struct Config {
    sparse_convert: bool,
    sparse_ratio: i64,
    sparse_safe: i64,
    encode_depth_max: i64,
    decode_depth_max: i64,
    encode_invalid: InvalidNumbers,
    decode_invalid: bool,
    keep_buffer: bool,
    precision: i64,
    arrays_marked: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            sparse_convert: false,
            sparse_ratio: 2,
            sparse_safe: 10,
            encode_depth_max: 1000,
            decode_depth_max: 1000,
            encode_invalid: InvalidNumbers::Refuse,
            decode_invalid: true,
            keep_buffer: true,
            precision: 14,
            arrays_marked: false,
        }
    }
}

/// What the functions of one instance share.
struct Instance {
    config: Mutex<Config>,
    shared: Arc<Shared>,
    /// Marks tables that are arrays even when they are empty.
    array_meta: Table,
}

/// Makes the library.
pub(super) fn library(lua: &Lua, shared: &Arc<Shared>) -> mlua::Result<Table> {
    let array_meta = lua.create_table()?;
    instance(lua, shared, &array_meta)
}

fn instance(lua: &Lua, shared: &Arc<Shared>, array_meta: &Table) -> mlua::Result<Table> {
    let instance = Arc::new(Instance {
        config: Mutex::default(),
        shared: Arc::clone(shared),
        array_meta: array_meta.clone(),
    });
    let cjson = lua.create_table()?;
    cjson.raw_set("null", Value::NULL)?;
    cjson.raw_set("_NAME", "cjson")?;
    cjson.raw_set("_VERSION", "2.1.0")?;
    cjson.raw_set("encode", stack::writer(lua, &instance)?)?;
    let own = Arc::clone(&instance);
    cjson.raw_set("decode", lua.create_function(move |lua, args| own.decode(lua, &args))?)?;
    let own = Arc::clone(&instance);
    let make = move |lua: &Lua, _: MultiValue| self::instance(lua, &own.shared, &own.array_meta);
    cjson.raw_set("new", lua.create_function(make)?)?;
    for (name, set) in SETTINGS {
        let own = Arc::clone(&instance);
        let set = move |lua: &Lua, args: MultiValue| {
            let mut config = own.config.lock();
            let asked = Asked { lua, name, args: &args };
            set(&asked, &mut config)
        };
        cjson.raw_set(*name, lua.create_function(set)?)?;
    }
    Ok(cjson)
}

impl Writes for Instance {
    fn write(&self, value: &mut Reader, out: &mut Vec<u8>) -> bool {
        let config = *self.config.lock();
        encode::encode_small(&config, value, out, 0)
    }

    fn write_any(&self, lua: &Lua, args: &MultiValue) -> mlua::Result<Value> {
        one_frame_further(|| self.encode(lua, args))
    }
}

impl Instance {
    fn encode(&self, lua: &Lua, args: &MultiValue) -> mlua::Result<Value> {
        if args.len() != 1 {
            return Err(bad_argument(lua, 1, "encode", "expected 1 argument"));
        }
        let config = *self.config.lock();
        let budget = Budget::new(lua, &self.shared);
        self.shared.limit.aside(lua, || {
            let encoded = encode::encode(&config, &self.array_meta, &args[0], &budget);
            let text = encoded.map_err(|error| error.raise(lua))?;
            Ok(Value::String(lua.create_string(text)?))
        })?
    }

    fn decode(&self, lua: &Lua, args: &MultiValue) -> mlua::Result<Value> {
        if args.len() != 1 {
            return Err(bad_argument(lua, 1, "decode", "expected 1 argument"));
        }
        let Some(text) = lua.coerce_string(args[0].clone())? else {
            let why = format!("string expected, got {}", type_name(args.front()));
            return Err(bad_argument(lua, 1, "decode", &why));
        };
        let config = *self.config.lock();
        self.shared.limit.aside(lua, || {
            let budget = Budget::new(lua, &self.shared);
            let decoded = decode::decode(lua, &config, &self.array_meta, &text.as_bytes(), budget);
            decoded.map_err(|error| error.raise(lua))
        })?
    }
}

/// Why a value cannot be encoded or a text not be decoded.
enum Failed {
    Text(String),
    Lua(mlua::Error),
}

impl From<mlua::Error> for Failed {
    fn from(error: mlua::Error) -> Failed {
        Failed::Lua(error)
    }
}

impl Failed {
    fn raise(self, lua: &Lua) -> mlua::Error {
        match self {
            Failed::Text(text) => raise(lua, text),
            Failed::Lua(error) => error,
        }
    }
}

// --- settings

type Setter = fn(&Asked<'_>, &mut Config) -> mlua::Result<MultiValue>;

const SETTINGS: &[(&str, Setter)] = &[
    ("encode_sparse_array", |asked, config| {
        asked.check_count(3)?;
        asked.switch(0, &mut config.sparse_convert)?;
        asked.integer(1, &mut config.sparse_ratio, 0, i64::from(i32::MAX))?;
        asked.integer(2, &mut config.sparse_safe, 0, i64::from(i32::MAX))?;
        Ok([
            Value::Boolean(config.sparse_convert),
            Value::Integer(config.sparse_ratio),
            Value::Integer(config.sparse_safe),
        ]
        .into_iter()
        .collect())
    }),
    ("encode_max_depth", |asked, config| {
        asked.check_count(1)?;
        asked.integer(0, &mut config.encode_depth_max, 1, i64::from(i32::MAX))?;
        Ok(one(Value::Integer(config.encode_depth_max)))
    }),
    ("decode_max_depth", |asked, config| {
        asked.check_count(1)?;
        asked.integer(0, &mut config.decode_depth_max, 1, i64::from(i32::MAX))?;
        Ok(one(Value::Integer(config.decode_depth_max)))
    }),
    ("encode_number_precision", |asked, config| {
        asked.check_count(1)?;
        asked.integer(0, &mut config.precision, 1, 14)?;
        Ok(one(Value::Integer(config.precision)))
    }),
    ("encode_keep_buffer", |asked, config| {
        asked.check_count(1)?;
        // Buffers are the allocator's business here; the setting is only remembered.
        asked.switch(0, &mut config.keep_buffer)?;
        Ok(one(Value::Boolean(config.keep_buffer)))
    }),
    ("encode_invalid_numbers", |asked, config| {
        asked.check_count(1)?;
        match asked.args.front() {
            None | Some(Value::Nil) => {}
            Some(Value::Boolean(true)) => config.encode_invalid = InvalidNumbers::Write,
            Some(Value::Boolean(false)) => config.encode_invalid = InvalidNumbers::Refuse,
            Some(value) => {
                config.encode_invalid = match &*asked.word(value)? {
                    b"off" => InvalidNumbers::Refuse,
                    b"on" => InvalidNumbers::Write,
                    b"null" => InvalidNumbers::Null,
                    other => return Err(asked.invalid_option(other)),
                }
            }
        }
        Ok(one(match config.encode_invalid {
            InvalidNumbers::Refuse => Value::Boolean(false),
            InvalidNumbers::Write => Value::Boolean(true),
            InvalidNumbers::Null => Value::String(asked.lua.create_string("null")?),
        }))
    }),
    ("decode_invalid_numbers", |asked, config| {
        asked.check_count(1)?;
        asked.switch(0, &mut config.decode_invalid)?;
        Ok(one(Value::Boolean(config.decode_invalid)))
    }),
    ("decode_array_with_array_mt", |asked, config| {
        asked.check_count(1)?;
        asked.switch(0, &mut config.arrays_marked)?;
        Ok(one(Value::Boolean(config.arrays_marked)))
    }),
];

fn one(value: Value) -> MultiValue {
    [value].into_iter().collect()
}

/// A call of a function that sets something.
struct Asked<'a> {
    lua: &'a Lua,
    name: &'a str,
    args: &'a MultiValue,
}

impl Asked<'_> {
    fn check_count(&self, count_max: usize) -> mlua::Result<()> {
        if self.args.len() > count_max {
            let why = "found too many arguments";
            return Err(bad_argument(self.lua, count_max + 1, self.name, why));
        }
        Ok(())
    }

    fn integer(&self, at: usize, setting: &mut i64, min: i64, max: i64) -> mlua::Result<()> {
        let value = match self.args.get(at) {
            None | Some(Value::Nil) => return Ok(()),
            Some(value) => value,
        };
        let Some(number) = self.lua.coerce_number(value.clone())? else {
            let why = format!("number expected, got {}", type_name(Some(value)));
            return Err(bad_argument(self.lua, at + 1, self.name, &why));
        };
        let number = number as i64;
        if !(min..=max).contains(&number) {
            let why = format!("expected integer between {min} and {max}");
            return Err(bad_argument(self.lua, 1, self.name, &why));
        }
        *setting = number;
        Ok(())
    }

    fn switch(&self, at: usize, setting: &mut bool) -> mlua::Result<()> {
        match self.args.get(at) {
            None | Some(Value::Nil) => {}
            Some(Value::Boolean(value)) => *setting = *value,
            Some(value) => {
                *setting = match &*self.word(value)? {
                    b"off" => false,
                    b"on" => true,
                    other => return Err(self.invalid_option(other)),
                }
            }
        }
        Ok(())
    }

    fn word(&self, value: &Value) -> mlua::Result<Vec<u8>> {
        match self.lua.coerce_string(value.clone())? {
            Some(word) => Ok(word.as_bytes().to_vec()),
            None => {
                let why = format!("string expected, got {}", type_name(Some(value)));
                Err(bad_argument(self.lua, 1, self.name, &why))
            }
        }
    }

    fn invalid_option(&self, option: &[u8]) -> mlua::Error {
        let why = format!("invalid option '{}'", String::from_utf8_lossy(option));
        bad_argument(self.lua, 1, self.name, &why)
    }
}
