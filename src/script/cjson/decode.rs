//! JSON to values.

use mlua::{Lua, Table, Value};

use super::super::memory::Budget;
use super::super::number::parse_prefix;
use super::super::reply::text;
use super::{Config, Failed, STACK_DEPTH_MAX};

#[derive(Clone, Copy, PartialEq, Debug)]
enum Token {
    ObjectBegin,
    ObjectEnd,
    ArrayBegin,
    ArrayEnd,
    /// Its text is in [`Decoder::text`].
    String,
    Number(f64),
    Boolean(bool),
    Null,
    Colon,
    Comma,
    End,
    Wrong(&'static str),
}

impl Token {
    /// What error messages call it.
    fn name(self) -> &'static str {
        match self {
            Token::ObjectBegin => "T_OBJ_BEGIN",
            Token::ObjectEnd => "T_OBJ_END",
            Token::ArrayBegin => "T_ARR_BEGIN",
            Token::ArrayEnd => "T_ARR_END",
            Token::String => "T_STRING",
            Token::Number(_) => "T_NUMBER",
            Token::Boolean(_) => "T_BOOLEAN",
            Token::Null => "T_NULL",
            Token::Colon => "T_COLON",
            Token::Comma => "T_COMMA",
            Token::End => "T_END",
            Token::Wrong(why) => why,
        }
    }
}

struct Decoder<'a> {
    lua: &'a Lua,
    config: &'a Config,
    array_meta: &'a Table,
    json: &'a [u8],
    at: usize,
    /// Where the last token begins, or what is wrong with it is.
    token_at: usize,
    text: Vec<u8>,
    depth: usize,
    budget: Budget<'a>,
}

/// The value of a JSON text.
pub(super) fn decode(
    lua: &Lua,
    config: &Config,
    array_meta: &Table,
    json: &[u8],
    budget: Budget<'_>,
) -> Result<Value, Failed> {
    if json.len() >= 2 && (json[0] == 0 || json[1] == 0) {
        return Err(Failed::Text("JSON parser does not support UTF-16 or UTF-32".into()));
    }
    let mut decoder = Decoder {
        lua,
        config,
        array_meta,
        json,
        at: 0,
        token_at: 0,
        text: Vec::new(),
        depth: 0,
        budget,
    };
    let token = decoder.next();
    let value = decoder.value(token)?;
    match decoder.next() {
        Token::End => Ok(value),
        token => Err(decoder.expected("the end", token)),
    }
}

impl Decoder<'_> {
    /// A byte; 0 behind the end, which therefore ends the text inside of it as well.
    fn byte(&self, at: usize) -> u8 {
        self.json.get(at).copied().unwrap_or(0)
    }

    fn expected(&self, what: &str, found: Token) -> Failed {
        let (found, at) = (found.name(), self.token_at + 1);
        Failed::Text(format!("Expected {what} but found {found} at character {at}"))
    }

    fn wrong(&mut self, why: &'static str) -> Token {
        self.token_at = self.at;
        Token::Wrong(why)
    }

    fn single(&mut self, token: Token) -> Token {
        self.at += 1;
        token
    }

    fn next(&mut self) -> Token {
        while matches!(self.byte(self.at), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        self.token_at = self.at;
        let byte = self.byte(self.at);
        match byte {
            0 => return Token::End,
            b'{' => return self.single(Token::ObjectBegin),
            b'}' => return self.single(Token::ObjectEnd),
            b'[' => return self.single(Token::ArrayBegin),
            b']' => return self.single(Token::ArrayEnd),
            b':' => return self.single(Token::Colon),
            b',' => return self.single(Token::Comma),
            b'"' => return self.string(),
            b'-' | b'0'..=b'9' => {
                if !self.config.decode_invalid && self.is_invalid_number() {
                    return self.wrong("invalid number");
                }
                return self.number();
            }
            _ => {}
        }
        let words = [
            (b"true".as_slice(), Token::Boolean(true)),
            (b"false", Token::Boolean(false)),
            (b"null", Token::Null),
        ];
        for (word, token) in words {
            if self.json[self.at..].starts_with(word) {
                self.at += word.len();
                return token;
            }
        }
        let may_be_number = matches!(byte, b'+' | b'i' | b'I' | b'n' | b'N');
        if may_be_number && self.config.decode_invalid && self.is_invalid_number() {
            return self.number();
        }
        self.wrong("invalid token")
    }

    /// Whether a number is one that JSON does not allow: hexadecimal, infinite, with a plus or with
    /// zeros in front.
    fn is_invalid_number(&self) -> bool {
        let mut at = self.at;
        match self.byte(at) {
            b'+' => return true,
            b'-' => at += 1,
            _ => {}
        }
        match self.byte(at) {
            b'0' => matches!(self.byte(at + 1), b'x' | b'X' | b'0'..=b'9'),
            ..=b'9' => false,
            _ => {
                let rest = &self.json[at..];
                rest.len() >= 3
                    && (rest[..3].eq_ignore_ascii_case(b"inf")
                        || rest[..3].eq_ignore_ascii_case(b"nan"))
            }
        }
    }

    fn number(&mut self) -> Token {
        match parse_prefix(&self.json[self.at..]) {
            Some((number, len)) => {
                self.at += len;
                Token::Number(number)
            }
            None => self.wrong("invalid number"),
        }
    }

    fn string(&mut self) -> Token {
        self.at += 1;
        self.text.clear();
        loop {
            // What needs no look goes over in one piece.
            let rest = &self.json[self.at..];
            let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0));
            let plain = plain.unwrap_or(rest.len());
            self.text.extend_from_slice(&rest[..plain]);
            self.at += plain;
            match self.byte(self.at) {
                b'"' => {
                    self.at += 1;
                    return Token::String;
                }
                b'\\' => {}
                _ => return self.wrong("unexpected end of string"),
            }
            let escaped = match self.byte(self.at + 1) {
                byte @ (b'"' | b'\\' | b'/') => byte,
                b'b' => 0x08,
                b'f' => 0x0c,
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'u' => match self.unicode() {
                    Some(()) => continue,
                    None => return self.wrong("invalid unicode escape code"),
                },
                _ => return self.wrong("invalid escape code"),
            };
            self.text.push(escaped);
            self.at += 2;
        }
    }

    /// Four hexadecimal digits at `at`.
    fn hex4(&self, at: usize) -> Option<u32> {
        let digits = self.json.get(at..at + 4)?;
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        digits.iter().try_fold(0, |value, byte| Some(value << 4 | digit(byte)?))
    }

    /// A character given by its code, of two halves where it lies beyond the first 65,536.
    fn unicode(&mut self) -> Option<()> {
        let mut code = self.hex4(self.at + 2)?;
        let mut len = 6;
        if code & 0xf800 == 0xd800 {
            let is_high = code & 0x400 == 0;
            let follows = self.byte(self.at + 6) == b'\\' && self.byte(self.at + 7) == b'u';
            if !is_high || !follows {
                return None;
            }
            let low = self.hex4(self.at + 8)?;
            if low & 0xfc00 != 0xdc00 {
                return None;
            }
            code = ((code & 0x3ff) << 10 | low & 0x3ff) + 0x1_0000;
            len = 12;
        }
        let mut bytes = [0; 4];
        let text = char::from_u32(code)?.encode_utf8(&mut bytes);
        self.text.extend_from_slice(text.as_bytes());
        self.at += len;
        Some(())
    }

    fn value(&mut self, token: Token) -> Result<Value, Failed> {
        self.budget.spend()?;
        match token {
            Token::String => Ok(Value::String(self.lua.create_string(&self.text)?)),
            Token::Number(number) => Ok(Value::Number(number)),
            Token::Boolean(value) => Ok(Value::Boolean(value)),
            Token::Null => Ok(Value::NULL),
            Token::ObjectBegin => self.nested(Decoder::object),
            Token::ArrayBegin => self.nested(Decoder::array),
            token => Err(self.expected("value", token)),
        }
    }

    fn nested(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Table, Failed>,
    ) -> Result<Value, Failed> {
        self.depth += 1;
        if self.depth as i64 > self.config.decode_depth_max || self.depth > STACK_DEPTH_MAX {
            let (depth, at) = (self.depth, self.at);
            let text = format!("Found too many nested data structures ({depth}) at character {at}");
            return Err(Failed::Text(text));
        }
        let table = read(self)?;
        self.depth -= 1;
        Ok(Value::Table(table))
    }

    fn object(&mut self) -> Result<Table, Failed> {
        let table = self.lua.create_table()?;
        let mut token = self.next();
        if token == Token::ObjectEnd {
            return Ok(table);
        }
        loop {
            if token != Token::String {
                return Err(self.expected("object key string", token));
            }
            let key = std::mem::take(&mut self.text);
            token = self.next();
            if token != Token::Colon {
                return Err(self.expected("colon", token));
            }
            token = self.next();
            if token == Token::String {
                table.raw_set(text(&key), text(&self.text))?;
                self.budget.spend()?;
            } else {
                let value = self.value(token)?;
                table.raw_set(text(&key), value)?;
            }
            token = self.next();
            match token {
                Token::ObjectEnd => return Ok(table),
                Token::Comma => token = self.next(),
                token => return Err(self.expected("comma or object end", token)),
            }
        }
    }

    fn array(&mut self) -> Result<Table, Failed> {
        let table = self.lua.create_table()?;
        if self.config.arrays_marked {
            table.set_metatable(Some(self.array_meta.clone()))?;
        }
        let mut token = self.next();
        if token == Token::ArrayEnd {
            return Ok(table);
        }
        for at in 1_usize.. {
            let value = self.value(token)?;
            table.raw_set(at, value)?;
            token = self.next();
            match token {
                Token::ArrayEnd => break,
                Token::Comma => token = self.next(),
                token => return Err(self.expected("comma or array end", token)),
            }
        }
        Ok(table)
    }
}
