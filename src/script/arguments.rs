//! Arguments of library functions, read and refused as Lua's own functions do.

use mlua::{BorrowedBytes, Lua, MultiValue, Value};

use super::failure::{bad_argument, type_name};
use super::number;

/// The arguments of one call.
pub(super) struct Arguments<'a> {
    lua: &'a Lua,
    function: &'a str,
    values: &'a MultiValue,
}

impl<'a> Arguments<'a> {
    pub fn new(lua: &'a Lua, function: &'a str, values: &'a MultiValue) -> Arguments<'a> {
        Arguments { lua, function, values }
    }

    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn get(&self, at: usize) -> Option<&'a Value> {
        self.values.get(at)
    }

    /// `bad argument #2 to 'function' (why)`; arguments are counted from 0 here.
    pub fn refuse(&self, at: usize, why: &str) -> mlua::Error {
        bad_argument(self.lua, at + 1, self.function, why)
    }

    fn mismatch(&self, at: usize, wanted: &str) -> mlua::Error {
        let got = type_name(self.get(at));
        self.refuse(at, &format!("{wanted} expected, got {got}"))
    }

    /// A number, or a string that reads as one.
    pub fn number(&self, at: usize) -> mlua::Result<f64> {
        match self.get(at) {
            Some(Value::Number(number)) => Ok(*number),
            Some(Value::Integer(number)) => Ok(*number as f64),
            Some(value @ Value::String(_)) => {
                let number = self.lua.coerce_number(value.clone())?;
                number.ok_or_else(|| self.mismatch(at, "number"))
            }
            _ => Err(self.mismatch(at, "number")),
        }
    }

    /// A number cut to a whole one.
    pub fn integer(&self, at: usize) -> mlua::Result<i64> {
        self.number(at).map(number::to_integer)
    }

    /// As [`Arguments::integer`], where it may be missing.
    pub fn integer_or(&self, at: usize, default: i64) -> mlua::Result<i64> {
        match self.get(at) {
            None | Some(Value::Nil) => Ok(default),
            Some(_) => self.integer(at),
        }
    }

    /// A string, or a number as text.
    pub fn text(&self, at: usize) -> mlua::Result<BorrowedBytes> {
        match self.get(at) {
            Some(Value::String(text)) => Ok(text.as_bytes()),
            Some(value @ (Value::Integer(_) | Value::Number(_))) => {
                let text = self.lua.coerce_string(value.clone())?;
                text.map(|text| text.as_bytes()).ok_or_else(|| self.mismatch(at, "string"))
            }
            _ => Err(self.mismatch(at, "string")),
        }
    }
}
