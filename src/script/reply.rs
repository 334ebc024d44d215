//! Replies of commands, as scripts see them.

use bstr::BStr;
use mlua::{Either, IntoLua, Lua, Table, Value};

use super::failure::Raised;
use super::memory::Budget;

/// A string on its way into a table. What is text goes through Lua's stack alone.
pub(super) type Text<'a> = Either<&'a str, &'a BStr>;

pub(super) fn text(bytes: &[u8]) -> Text<'_> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Either::Left(text),
        Err(_) => Either::Right(BStr::new(bytes)),
    }
}

/// A value that had to be made first.
pub(super) struct Made(pub mlua::Result<Value>);

impl IntoLua for Made {
    fn into_lua(self, _: &Lua) -> mlua::Result<Value> {
        self.0
    }
}

/// A reply on its way to Lua's stack. A value that Rust holds is registered with the interpreter and
/// let go again, at several times the cost: most replies do without.
pub(super) type Answer = Either<Either<bool, f64>, Either<String, Value>>;

pub(super) fn made(value: Value) -> Answer {
    Either::Right(Either::Right(value))
}

/// Reads one reply as a value of Lua.
pub(super) struct ReplyReader<'a> {
    pub lua: &'a Lua,
    pub bytes: &'a [u8],
    pub at: usize,
    pub budget: Budget<'a>,
}

impl<'a> ReplyReader<'a> {
    /// The rest of a line, its end passed over.
    fn line(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.at..];
        let len = memchr::memchr(b'\r', rest).expect("a reply's line has an end");
        self.at += len + 2;
        &rest[..len]
    }

    pub fn integer(&mut self) -> i64 {
        let line = self.line();
        let (negative, digits) = match line {
            [b'-', digits @ ..] => (true, digits),
            digits => (false, digits),
        };
        let fold =
            |value: i64, digit: &u8| value.wrapping_mul(10).wrapping_sub(i64::from(digit - b'0'));
        // Summed up below zero, where the smallest integer has its place.
        let below = digits.iter().fold(0, fold);
        if negative { below } else { below.wrapping_neg() }
    }

    fn string(&mut self, len: usize) -> mlua::Result<mlua::LuaString> {
        let bytes = &self.bytes[self.at..self.at + len];
        self.at += len + 2;
        self.lua.create_string(bytes)
    }

    fn one(&self, key: &str, value: impl IntoLua) -> mlua::Result<Value> {
        let table = self.lua.create_table_with_capacity(0, 1)?;
        table.raw_set(key, value)?;
        Ok(Value::Table(table))
    }

    fn text(&self, bytes: &[u8]) -> mlua::Result<Value> {
        Ok(Value::String(self.lua.create_string(bytes)?))
    }

    /// The reply, if it is a number, a truth value or text.
    pub fn scalar(&mut self) -> Option<Answer> {
        self.at = 1;
        let scalar = match self.bytes[0] {
            b':' => Either::Left(Either::Right(self.integer() as f64)),
            b'$' => match self.integer() {
                -1 => Either::Left(Either::Left(false)),
                len => {
                    let bytes = &self.bytes[self.at..self.at + len as usize];
                    Either::Right(Either::Left(String::from_utf8(bytes.to_vec()).ok()?))
                }
            },
            _ => return None,
        };
        Some(scalar)
    }

    fn array(&mut self, len: usize) -> mlua::Result<Table> {
        let lua = self.lua;
        lua.create_sequence_from((0..len).map(|_| self.element()))
    }

    /// An element of an array. Strings, the most frequent ones, go there without a stop.
    fn element(&mut self) -> Either<Text<'a>, Made> {
        if self.bytes[self.at] != b'$' || self.bytes[self.at + 1] == b'-' {
            return Either::Right(Made(self.value()));
        }
        if let Err(error) = self.budget.spend() {
            return Either::Right(Made(Err(error)));
        }
        self.at += 1;
        let len = self.integer() as usize;
        let bytes = &self.bytes[self.at..self.at + len];
        self.at += len + 2;
        Either::Left(text(bytes))
    }

    fn map(&mut self, len: usize) -> mlua::Result<Value> {
        let map = self.lua.create_table_with_capacity(0, len)?;
        for _ in 0..len {
            let key = self.value()?;
            let value = self.value()?;
            map.raw_set(key, value)?;
        }
        self.one("map", Value::Table(map))
    }

    fn set(&mut self, len: usize) -> mlua::Result<Value> {
        let set = self.lua.create_table_with_capacity(0, len)?;
        for _ in 0..len {
            let member = self.value()?;
            set.raw_set(member, true)?;
        }
        self.one("set", Value::Table(set))
    }

    fn verbatim(&mut self) -> mlua::Result<Value> {
        let len = self.integer() as usize;
        let format = self.text(&self.bytes[self.at..self.at + 3])?;
        let string = self.text(&self.bytes[self.at + 4..self.at + len])?;
        self.at += len + 2;
        let table = self.lua.create_table_with_capacity(0, 2)?;
        table.raw_set("format", format)?;
        table.raw_set("string", string)?;
        self.one("verbatim_string", Value::Table(table))
    }

    /// The next value.
    ///
    /// # Errors
    /// It takes more memory than a script may have.
    pub fn value(&mut self) -> mlua::Result<Value> {
        self.budget.spend()?;
        let tag = self.bytes[self.at];
        self.at += 1;
        match tag {
            b':' => Ok(Value::Number(self.integer() as f64)),
            b'$' => match self.integer() {
                -1 => Ok(Value::Boolean(false)),
                len => self.string(len as usize).map(Value::String),
            },
            b'*' | b'>' => match self.integer() {
                -1 => Ok(Value::Boolean(false)),
                len => self.array(len as usize).map(Value::Table),
            },
            b'+' => {
                let line = self.line();
                self.one("ok", text(line))
            }
            b'-' => {
                let line = self.line();
                let table = self.lua.create_table_with_capacity(0, 2)?;
                table.raw_set("err", text(line))?;
                // The command has been counted as failed; the script is not to be for that.
                table.raw_set("ignore_error_stats_update", true)?;
                Ok(Value::Table(table))
            }
            b'_' => {
                self.line();
                Ok(Value::Nil)
            }
            b'#' => Ok(Value::Boolean(self.line() == b"t")),
            b',' => {
                let line = self.line();
                let number = std::str::from_utf8(line).ok().and_then(|text| text.parse().ok());
                self.one("double", Value::Number(number.unwrap_or(f64::NAN)))
            }
            b'(' => {
                let line = self.line();
                self.one("big_number", text(line))
            }
            b'%' => {
                let len = self.integer() as usize;
                self.map(len)
            }
            b'~' => {
                let len = self.integer() as usize;
                self.set(len)
            }
            b'=' => self.verbatim(),
            tag => Err(Raised::reply(format!("ERR a reply begins with byte {tag}"))),
        }
    }
}
