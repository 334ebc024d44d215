//! Replies of commands, as scripts see them.

use bstr::BStr;
use mlua::Either;

use super::failure::Raised;
use super::memory::Budget;
use super::stack::{Answer, Values};

/// A string on its way into a table. What is text goes through Lua's stack alone.
pub(super) type Text<'a> = Either<&'a str, &'a BStr>;

pub(super) fn text(bytes: &[u8]) -> Text<'_> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Either::Left(text),
        Err(_) => Either::Right(BStr::new(bytes)),
    }
}

/// A reply that is no larger is read at once: it takes little memory and time.
const SMALL_BYTES_MAX: usize = 16 * 1024;

/// A small reply; any other is to be read with an eye on the script's bounds.
pub(super) fn answer<'r>(reply: &'r [u8], values: &mut Values<'r>) -> Answer<'r> {
    if reply.len() > SMALL_BYTES_MAX || reply.first() == Some(&b'-') {
        return Answer::Other;
    }
    let mut reader = ReplyReader { bytes: reply, at: 1, values, budget: None };
    match reply.first() {
        Some(b':') => Answer::Number(reader.integer() as f64),
        Some(b'$') => match reader.integer() {
            -1 => Answer::False,
            len => Answer::Text(&reply[reader.at..reader.at + len as usize]),
        },
        _ => {
            reader.at = 0;
            reader.value().map_or(Answer::Other, |()| Answer::Value)
        }
    }
}

fn integer(line: &[u8]) -> i64 {
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

/// Reads one reply as a value of Lua.
pub(super) struct ReplyReader<'a, 'v> {
    pub bytes: &'a [u8],
    pub at: usize,
    pub values: &'v mut Values<'a>,
    /// None for a small reply.
    pub budget: Option<Budget<'v>>,
}

impl<'a> ReplyReader<'a, '_> {
    /// The rest of a line, its end passed over.
    fn line(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.at..];
        let len = memchr::memchr(b'\r', rest).expect("a reply's line has an end");
        self.at += len + 2;
        &rest[..len]
    }

    fn integer(&mut self) -> i64 {
        integer(self.line())
    }

    fn len(&mut self) -> usize {
        self.integer() as usize
    }

    fn string(&mut self, len: usize) {
        self.values.text(&self.bytes[self.at..self.at + len]);
        self.at += len + 2;
    }

    /// The next value is the only one of a table, under this key.
    fn under(&mut self, key: &'static [u8]) {
        self.values.map(1);
        self.values.text(key);
    }

    fn values(&mut self, count: usize) -> mlua::Result<()> {
        (0..count).try_for_each(|_| self.value())
    }

    fn set(&mut self, len: usize) -> mlua::Result<()> {
        self.under(b"set");
        self.values.map(len);
        for _ in 0..len {
            self.value()?;
            self.values.boolean(true);
        }
        Ok(())
    }

    fn verbatim(&mut self) {
        let len = self.len();
        let (format, text) = (self.at..self.at + 3, self.at + 4..self.at + len);
        self.under(b"verbatim_string");
        self.values.map(2);
        self.values.text(b"format");
        self.values.text(&self.bytes[format]);
        self.values.text(b"string");
        self.values.text(&self.bytes[text]);
        self.at += len + 2;
    }

    /// Writes the next value.
    ///
    /// # Errors
    /// It takes more memory than a script may have, or the script is being ended.
    pub fn value(&mut self) -> mlua::Result<()> {
        if let Some(budget) = &self.budget {
            budget.spend_beside(self.values.bytes())?;
        }
        let tag = self.bytes[self.at];
        self.at += 1;
        match tag {
            b':' => {
                let number = self.integer();
                self.values.number(number as f64);
            }
            b'$' => match self.integer() {
                -1 => self.values.boolean(false),
                len => self.string(len as usize),
            },
            b'*' | b'>' => match self.integer() {
                -1 => self.values.boolean(false),
                len => {
                    self.values.array(len as usize);
                    return self.values(len as usize);
                }
            },
            b'+' => {
                self.under(b"ok");
                let line = self.line();
                self.values.text(line);
            }
            b'-' => {
                self.values.map(2);
                self.values.text(b"err");
                let line = self.line();
                self.values.text(line);
                // The command has been counted as failed; the script is not to be for that.
                self.values.text(b"ignore_error_stats_update");
                self.values.boolean(true);
            }
            _ => return self.of_resp3(tag),
        }
        Ok(())
    }

    fn of_resp3(&mut self, tag: u8) -> mlua::Result<()> {
        match tag {
            b'_' => {
                self.line();
                self.values.nil();
            }
            b'#' => {
                let line = self.line();
                self.values.boolean(line == b"t");
            }
            b',' => {
                self.under(b"double");
                let line = self.line();
                let number = std::str::from_utf8(line).ok().and_then(|text| text.parse().ok());
                self.values.number(number.unwrap_or(f64::NAN));
            }
            b'(' => {
                self.under(b"big_number");
                let line = self.line();
                self.values.text(line);
            }
            b'%' => {
                let len = self.len();
                self.under(b"map");
                self.values.map(len);
                return self.values(2 * len);
            }
            b'~' => {
                let len = self.len();
                return self.set(len);
            }
            b'=' => self.verbatim(),
            tag => return Err(Raised::reply(format!("ERR a reply begins with byte {tag}"))),
        }
        Ok(())
    }
}
