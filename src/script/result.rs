//! What a script returns, as a reply.

use mlua::{LuaString, Table, Value};

use super::cache::Failed;
use super::held::each_key;
use super::memory::Budget;
use super::number;
use super::stack::{Reader, Seen};
use crate::resp::{Proto, Reply};

/// How deep tables may lie in one another, as far as Redis's stack of Lua reaches.
const DEPTH_MAX: usize = 1998;

/// What is written as it lies on Lua's stack is no longer: it takes little memory and time.
const SMALL_BYTES_MAX: usize = 16 * 1024;

/// The names of [`Fields`].
pub(super) const FIELD_NAMES: [&str; 7] =
    ["err", "ok", "double", "map", "set", "big_number", "verbatim_string"];

/// Writes a small value of RESP2, and one that stands for no reply of another kind; whether it is one. If
/// not, what was written behind `mark` is taken back.
pub(super) fn write_small(value: &mut Reader, reply: &mut Reply<'_>, mark: usize) -> bool {
    let is_small = small(value, reply, mark);
    if !is_small {
        reply.truncate(mark);
    }
    is_small
}

fn small(value: &mut Reader, reply: &mut Reply<'_>, mark: usize) -> bool {
    match value.value() {
        Seen::Text(text) => reply.bulk(text),
        Seen::Number(number) => reply.int(number::to_integer(number)),
        Seen::Boolean(true) => reply.int(1),
        Seen::Table => {
            if value.has_name() {
                return false;
            }
            let len = value.len();
            reply.array(len);
            for at in 1..=len {
                // A table ends at its first gap.
                let is_written = |value: &mut Reader| {
                    !matches!(value.value(), Seen::Nil) && small(value, reply, mark)
                };
                if !value.at(at, is_written) {
                    return false;
                }
            }
        }
        _ => reply.null(),
    }
    reply.since(mark).len() <= SMALL_BYTES_MAX
}

/// The fields by which a table says that it stands for a reply of another kind, kept so that looking
/// for them makes no strings.
pub(super) struct Fields {
    err: LuaString,
    ok: LuaString,
    double: LuaString,
    map: LuaString,
    set: LuaString,
    big_number: LuaString,
    verbatim_string: LuaString,
}

impl Fields {
    pub fn new(lua: &mlua::Lua) -> mlua::Result<Fields> {
        let [err, ok, double, map, set, big_number, verbatim_string] =
            FIELD_NAMES.map(|name| lua.create_string(name));
        Ok(Fields {
            err: err?,
            ok: ok?,
            double: double?,
            map: map?,
            set: set?,
            big_number: big_number?,
            verbatim_string: verbatim_string?,
        })
    }
}

/// Writes a value as a reply.
pub(super) struct ResultWriter<'w, 'r> {
    pub fields: &'w Fields,
    /// The version that the script has set: with 3 a truth value is one.
    pub script_proto: Proto,
    pub reply: &'w mut Reply<'r>,
    /// Where the reply begins.
    pub mark: usize,
    /// A table may be told many times over: what a script returns is no smaller than its tables.
    pub budget: Budget<'w>,
    /// The last error written.
    pub error: Option<Failed>,
}

impl ResultWriter<'_, '_> {
    /// Writes `value`.
    ///
    /// # Errors
    /// The reply takes more memory than a script may have, or the script is being ended.
    pub fn write(&mut self, value: &Value, depth: usize) -> mlua::Result<()> {
        self.budget.spend_beside(self.reply.since(self.mark).len())?;
        match value {
            Value::String(text) => self.reply.bulk(&text.as_bytes()),
            Value::Integer(number) => self.reply.int(*number),
            Value::Number(number) => self.reply.int(number::to_integer(*number)),
            Value::Boolean(value) if self.script_proto == Proto::Resp3 => self.reply.bool(*value),
            Value::Boolean(true) => self.reply.int(1),
            Value::Table(table) => {
                if depth >= DEPTH_MAX {
                    self.reply.error(b"ERR reached lua stack limit");
                    return Ok(());
                }
                self.table(table, depth)?;
            }
            _ => self.reply.null(),
        }
        Ok(())
    }

    fn table(&mut self, table: &Table, depth: usize) -> mlua::Result<()> {
        let fields = self.fields;
        if let Value::String(text) = table.raw_get(&fields.err)? {
            let text = text.as_bytes();
            self.reply.error(&text);
            let counted: Value = table.raw_get("ignore_error_stats_update")?;
            let is_counted = matches!(counted, Value::Boolean(true));
            self.error = Some(Failed { text: text.to_vec(), is_counted });
            return Ok(());
        }
        if let Value::String(text) = table.raw_get(&fields.ok)? {
            self.status(&text.as_bytes());
            return Ok(());
        }
        match table.raw_get(&fields.double)? {
            Value::Number(number) => return self.double(number),
            Value::Integer(number) => return self.double(number as f64),
            _ => {}
        }
        if let Value::Table(map) = table.raw_get(&fields.map)? {
            return self.map(&map, depth);
        }
        if let Value::Table(set) = table.raw_get(&fields.set)? {
            return self.set(&set, depth);
        }
        if let Value::String(text) = table.raw_get(&fields.big_number)? {
            self.big_number(&text.as_bytes());
            return Ok(());
        }
        if let Value::Table(parts) = table.raw_get(&fields.verbatim_string)?
            && let Value::String(format) = parts.raw_get("format")?
            && let Value::String(text) = parts.raw_get("string")?
        {
            self.verbatim(&format.as_bytes(), &text.as_bytes());
            return Ok(());
        }
        self.array(table, depth)
    }

    /// A table as an array, up to the first nil. Its values are not held meanwhile, of these the
    /// interpreter keeps few: they are counted first.
    fn array(&mut self, table: &Table, depth: usize) -> mlua::Result<()> {
        let mut len = 0;
        // What a value is does not matter here, only whether there is one.
        while table.raw_get::<Option<bool>>(len + 1)?.is_some() {
            len += 1;
        }
        self.reply.array(len);
        (1..=len).try_for_each(|at| self.write(&table.raw_get(at)?, depth + 1))
    }

    fn map(&mut self, map: &Table, depth: usize) -> mlua::Result<()> {
        self.reply.map(count(map)?);
        for pair in map.pairs::<Value, Value>() {
            let (key, value) = pair?;
            self.write(&key, depth + 1)?;
            self.write(&value, depth + 1)?;
        }
        Ok(())
    }

    fn set(&mut self, set: &Table, depth: usize) -> mlua::Result<()> {
        self.reply.set(count(set)?);
        for pair in set.pairs::<Value, bool>() {
            self.write(&pair?.0, depth + 1)?;
        }
        Ok(())
    }

    fn double(&mut self, number: f64) -> mlua::Result<()> {
        self.reply.double(number);
        Ok(())
    }

    fn status(&mut self, text: &[u8]) {
        self.reply.raw(b"+");
        self.reply.raw(&one_line(text));
        self.reply.raw(b"\r\n");
    }

    fn big_number(&mut self, text: &[u8]) {
        let text = one_line(text);
        if self.reply.is_resp3() {
            self.reply.raw(b"(");
            self.reply.raw(&text);
            self.reply.raw(b"\r\n");
        } else {
            self.reply.bulk(&text);
        }
    }

    fn verbatim(&mut self, format: &[u8], text: &[u8]) {
        let mut name: Vec<u8> = format.iter().copied().take_while(|byte| *byte != 0).collect();
        name.resize(3, b' ');
        match std::str::from_utf8(&name) {
            Ok(name) => self.reply.verbatim(name, text),
            Err(_) => self.reply.bulk(text),
        }
    }
}

fn count(table: &Table) -> mlua::Result<usize> {
    let mut count = 0;
    each_key(table, |_| count += 1)?;
    Ok(count)
}

fn one_line(text: &[u8]) -> Vec<u8> {
    let space = |byte: &u8| if matches!(byte, b'\r' | b'\n') { b' ' } else { *byte };
    text.iter().map(space).collect()
}
