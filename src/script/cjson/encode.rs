//! Values to JSON.

use mlua::{Table, Value};

use super::super::failure::type_name;
use super::super::held::{Held, each_key};
use super::super::memory::Budget;
use super::super::number::write_g;
use super::super::stack::{Reader, Seen};
use super::{Config, Failed, InvalidNumbers, STACK_DEPTH_MAX};

struct Encoder<'a> {
    config: &'a Config,
    array_meta: &'a Table,
    out: Vec<u8>,
    budget: &'a Budget<'a>,
    held: Held,
}

/// The JSON of a value.
pub(super) fn encode(
    config: &Config,
    array_meta: &Table,
    value: &Value,
    budget: &Budget<'_>,
) -> Result<Vec<u8>, Failed> {
    let mut encoder =
        Encoder { config, array_meta, out: Vec::new(), budget, held: Held::default() };
    encoder.value(value, 0)?;
    // It is copied into Lua.
    budget.hold(2 * encoder.out.len())?;
    Ok(encoder.out)
}

/// What is encoded over Lua's stack is no longer, and no table in it has more keys: it takes little memory
/// and time.
const SMALL_BYTES_MAX: usize = 16 * 1024;
const SMALL_KEYS_MAX: usize = 1024;

/// Writes the JSON of a small value that is as most values are; whether it is one.
pub(super) fn encode_small(
    config: &Config,
    value: &mut Reader,
    out: &mut Vec<u8>,
    depth: usize,
) -> bool {
    match value.value() {
        Seen::Text(text) => write_string(text, out),
        Seen::Number(number) if number.is_finite() => {
            write_g(number, config.precision as usize, out);
        }
        Seen::Boolean(true) => out.extend_from_slice(b"true"),
        Seen::Boolean(false) => out.extend_from_slice(b"false"),
        Seen::Nil | Seen::Null => out.extend_from_slice(b"null"),
        Seen::Table => {
            let is_plain = depth < config.encode_depth_max as usize && !value.has_metatable();
            return is_plain && small_table(config, value, out, depth + 1);
        }
        Seen::Number(_) | Seen::Other => return false,
    }
    out.len() <= SMALL_BYTES_MAX
}

fn small_table(config: &Config, table: &mut Reader, out: &mut Vec<u8>, depth: usize) -> bool {
    let mut keys = Keys::default();
    let is_walked = table.pairs(|_, key| {
        keys.note(match key {
            Seen::Number(number) => *number,
            _ => f64::NAN,
        });
        // One that is no index tells all.
        !keys.has_other && keys.count <= SMALL_KEYS_MAX
    });
    if !is_walked && !keys.has_other {
        return false;
    }
    match shape(config, &keys) {
        Ok(Shape::Array(len)) => {
            out.push(b'[');
            for at in 1..=len {
                if at > 1 {
                    out.push(b',');
                }
                if !table.at(at, |value| encode_small(config, value, out, depth)) {
                    return false;
                }
            }
            out.push(b']');
        }
        Ok(Shape::Object) => {
            out.push(b'{');
            let mut is_first = true;
            let is_written = table.pairs(|value, key| {
                if !std::mem::take(&mut is_first) {
                    out.push(b',');
                }
                let Seen::Text(key) = key else { return false };
                write_string(key, out);
                out.push(b':');
                encode_small(config, value, out, depth)
            });
            if !is_written {
                return false;
            }
            out.push(b'}');
        }
        Err(_) => return false,
    }
    true
}

/// Escapes a string: a byte to the letter behind the backslash, `u` for its code, 0 for as it is.
const ESCAPES: [u8; 256] = {
    let mut escapes = [0; 256];
    let mut byte = 0;
    while byte < 0x20 {
        escapes[byte] = b'u';
        byte += 1;
    }
    escapes[0x08] = b'b';
    escapes[b'\t' as usize] = b't';
    escapes[b'\n' as usize] = b'n';
    escapes[0x0c] = b'f';
    escapes[b'\r' as usize] = b'r';
    escapes[b'"' as usize] = b'"';
    escapes[b'\\' as usize] = b'\\';
    escapes[b'/' as usize] = b'/';
    escapes[0x7f] = b'u';
    escapes
};

fn cannot(value: &Value, why: &str) -> Failed {
    Failed::Text(format!("Cannot serialise {}: {why}", type_name(Some(value))))
}

/// How a table is written.
enum Shape {
    Array(usize),
    Object,
}

fn write_string(text: &[u8], out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut plain_from = 0;
    for (at, byte) in text.iter().enumerate() {
        let escape = ESCAPES[*byte as usize];
        if escape == 0 {
            continue;
        }
        out.extend_from_slice(&text[plain_from..at]);
        plain_from = at + 1;
        out.extend_from_slice(&[b'\\', escape]);
        if escape == b'u' {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            let digits = [HEX[(byte >> 4) as usize], HEX[(byte & 15) as usize]];
            out.extend_from_slice(b"00");
            out.extend_from_slice(&digits);
        }
    }
    out.extend_from_slice(&text[plain_from..]);
    out.push(b'"');
}

/// A table is an array if all its keys are positive integers, and not too few of them are there.
fn shape(config: &Config, keys: &Keys) -> Result<Shape, Failed> {
    if keys.has_other {
        return Ok(Shape::Object);
    }
    let Config { sparse_ratio, sparse_safe, sparse_convert, .. } = *config;
    let is_sparse = sparse_ratio > 0
        && f64::from(keys.last) > keys.count as f64 * sparse_ratio as f64
        && f64::from(keys.last) > sparse_safe as f64;
    if is_sparse {
        if sparse_convert {
            return Ok(Shape::Object);
        }
        let text = "Cannot serialise table: excessively sparse array";
        return Err(Failed::Text(text.into()));
    }
    if keys.last <= 0 { Ok(Shape::Object) } else { Ok(Shape::Array(keys.last as usize)) }
}

impl<'a> Encoder<'a> {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Failed> {
        self.budget.spend_beside(self.out.len())?;
        match value {
            Value::String(text) => write_string(&text.as_bytes(), &mut self.out),
            Value::Integer(number) => return self.number(*number as f64, value),
            Value::Number(number) => return self.number(*number, value),
            Value::Boolean(true) => self.out.extend_from_slice(b"true"),
            Value::Boolean(false) => self.out.extend_from_slice(b"false"),
            Value::Table(table) => return self.table(table, depth + 1),
            Value::Nil => self.out.extend_from_slice(b"null"),
            value if *value == Value::NULL => self.out.extend_from_slice(b"null"),
            value => return Err(cannot(value, "type not supported")),
        }
        Ok(())
    }

    fn number(&mut self, number: f64, value: &Value) -> Result<(), Failed> {
        if !number.is_finite() {
            match self.config.encode_invalid {
                InvalidNumbers::Refuse => return Err(cannot(value, "must not be NaN or Inf")),
                InvalidNumbers::Write if number.is_nan() => {
                    self.out.extend_from_slice(b"nan");
                    return Ok(());
                }
                InvalidNumbers::Write => {}
                InvalidNumbers::Null => {
                    self.out.extend_from_slice(b"null");
                    return Ok(());
                }
            }
        }
        write_g(number, self.config.precision as usize, &mut self.out);
        Ok(())
    }

    fn table(&mut self, table: &Table, depth: usize) -> Result<(), Failed> {
        if depth as i64 > self.config.encode_depth_max || depth > STACK_DEPTH_MAX {
            let text = format!("Cannot serialise, excessive nesting ({depth})");
            return Err(Failed::Text(text));
        }
        if table.metatable().is_some_and(|meta| meta == *self.array_meta) {
            return self.array(table, table.raw_len(), None, depth);
        }
        let Some(pairs) = self.held.take(table)? else {
            return self.large_table(table, depth);
        };
        let mut keys = Keys::default();
        pairs.iter().for_each(|(key, _)| keys.note_value(key));
        match shape(self.config, &keys)? {
            Shape::Array(len) => self.array(table, len, Some(&pairs), depth)?,
            Shape::Object => {
                let mut object = self.object();
                pairs.iter().try_for_each(|(key, value)| object.pair(key, value, depth))?;
                object.end();
            }
        }
        self.held.give_back(pairs);
        Ok(())
    }

    fn large_table(&mut self, table: &Table, depth: usize) -> Result<(), Failed> {
        let mut keys = Keys::default();
        each_key(table, |key| keys.note_value(key))?;
        match shape(self.config, &keys)? {
            Shape::Array(len) => self.array(table, len, None, depth),
            Shape::Object => {
                let mut object = self.object();
                for pair in table.pairs::<Value, Value>() {
                    let (key, value) = pair?;
                    object.pair(&key, &value, depth)?;
                }
                object.end();
                Ok(())
            }
        }
    }

    fn array(
        &mut self,
        table: &Table,
        len: usize,
        pairs: Option<&[(Value, Value)]>,
        depth: usize,
    ) -> Result<(), Failed> {
        self.out.push(b'[');
        // Lua walks the array part in order: then the values are at hand.
        let in_order = |pairs: &&[(Value, Value)]| {
            let is_next = |(at, (key, _)): (usize, &(Value, Value))| match key {
                Value::Integer(number) => *number == at as i64 + 1,
                _ => false,
            };
            pairs.len() == len && pairs.iter().enumerate().all(is_next)
        };
        if let Some(pairs) = pairs.filter(in_order) {
            for (at, (_, value)) in pairs.iter().enumerate() {
                if at > 0 {
                    self.out.push(b',');
                }
                self.value(value, depth)?;
            }
        } else {
            for at in 1..=len {
                if at > 1 {
                    self.out.push(b',');
                }
                let value: Value = table.raw_get(at)?;
                self.value(&value, depth)?;
            }
        }
        self.out.push(b']');
        Ok(())
    }

    fn number_key(&mut self, number: f64, key: &Value) -> Result<(), Failed> {
        self.out.push(b'"');
        self.number(number, key)?;
        self.out.push(b'"');
        Ok(())
    }

    fn object(&mut self) -> Object<'_, 'a> {
        self.out.push(b'{');
        Object { encoder: self, is_first: true }
    }
}

/// What a table's keys tell of it.
#[derive(Default)]
struct Keys {
    count: usize,
    /// Counted in C's int: what does not fit is the least there is.
    last: i32,
    /// There is one that is no positive integer.
    has_other: bool,
}

impl Keys {
    fn note_value(&mut self, key: &Value) {
        self.note(match key {
            Value::Integer(number) => *number as f64,
            Value::Number(number) => *number,
            _ => f64::NAN,
        });
    }

    /// Notes a key by its number; one that has none by what is no number.
    fn note(&mut self, number: f64) {
        self.count += 1;
        if self.has_other || number.floor() != number || number < 1.0 {
            self.has_other = true;
        } else if number > f64::from(self.last) {
            let fits = number <= f64::from(i32::MAX);
            self.last = if fits { number as i32 } else { i32::MIN };
        }
    }
}

/// An object that is being written.
struct Object<'e, 'a> {
    encoder: &'e mut Encoder<'a>,
    is_first: bool,
}

impl Object<'_, '_> {
    fn pair(&mut self, key: &Value, value: &Value, depth: usize) -> Result<(), Failed> {
        let encoder = &mut *self.encoder;
        if !std::mem::take(&mut self.is_first) {
            encoder.out.push(b',');
        }
        match key {
            Value::String(text) => write_string(&text.as_bytes(), &mut encoder.out),
            Value::Integer(number) => encoder.number_key(*number as f64, key)?,
            Value::Number(number) => encoder.number_key(*number, key)?,
            key => return Err(cannot(key, "table key must be a number or string")),
        }
        encoder.out.push(b':');
        encoder.value(value, depth)
    }

    fn end(self) {
        self.encoder.out.push(b'}');
    }
}
