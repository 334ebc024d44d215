//! What SCAN, HSCAN, SSCAN and ZSCAN have in common: cursors, options, and the form of their answer.

use super::args;
use super::error::{Error, Outcome};
use crate::glob::{self, Case};
use crate::keyspace::Kind;
use crate::resp::{Proto, Reply};

const COUNT_DEFAULT: usize = 10;

/// What is to be shown of what a scan passes.
pub(super) struct Options<'a> {
    /// How many are passed, about.
    pub count: usize,
    /// None shows all names.
    pattern: Option<&'a [u8]>,
    /// None shows keys of every type.
    kind: Option<&'a [u8]>,
    /// Values are shown beside names.
    pub with_values: bool,
}

impl<'a> Options<'a> {
    /// Those of a scan of a value of type `within`, or of the keys.
    pub fn parse(words: &[&'a [u8]], within: Option<Kind>) -> Result<Options<'a>, Error> {
        let mut options =
            Options { count: COUNT_DEFAULT, pattern: None, kind: None, with_values: true };
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            if args::is(word, "NOVALUES") {
                if within != Some(Kind::Hash) {
                    return Err(Error::fixed("ERR NOVALUES option can only be used in HSCAN"));
                }
                options.with_values = false;
                continue;
            }
            let value = rest.next().ok_or(Error::SYNTAX)?;
            if args::is(word, "COUNT") {
                let count = usize::try_from(args::integer(value)?).ok();
                options.count = count.filter(|count| *count > 0).ok_or(Error::SYNTAX)?;
            } else if args::is(word, "MATCH") {
                options.pattern = Some(*value).filter(|pattern| *pattern != b"*");
            } else if within.is_none() && args::is(word, "TYPE") {
                options.kind = Some(value);
            } else {
                return Err(Error::SYNTAX);
            }
        }
        Ok(options)
    }

    pub fn allow(&self, name: &[u8]) -> bool {
        self.pattern.is_none_or(|pattern| glob::matches(pattern, name, Case::Sensitive))
    }

    pub fn allow_kind(&self, kind: Kind) -> bool {
        self.kind.is_none_or(|name| kind.name().as_bytes().eq_ignore_ascii_case(name))
    }
}

/// Elements of an answer: how many there are is known only behind them.
pub(super) struct Found {
    elements: Vec<u8>,
    count: usize,
    proto: Proto,
}

impl Found {
    pub fn new(proto: Proto) -> Found {
        Found { elements: Vec::new(), count: 0, proto }
    }

    /// Adds the element that `write` writes.
    pub fn add(&mut self, write: impl FnOnce(&mut Reply<'_>)) {
        write(&mut Reply::new(&mut self.elements, self.proto));
        self.count += 1;
    }

    pub fn write(&self, reply: &mut Reply<'_>) {
        reply.array(self.count);
        reply.raw(&self.elements);
    }

    /// Answers a scan: where it goes on, and what it has found.
    pub fn write_scan(&self, reply: &mut Reply<'_>, next: u64) -> Outcome {
        reply.array(2);
        reply.text(itoa::Buffer::new().format(next));
        self.write(reply);
        Ok(())
    }
}

/// A cursor as C's `strtoull` reads one: space in front, a sign and leading zeros are let pass, and
/// a negative number counts from 2^64 down. Only the canonical negative numbers are refused.
///
/// # Errors
/// It is none.
pub(super) fn cursor(text: &[u8]) -> Result<u64, Error> {
    parse_cursor(text).ok_or(Error::fixed("ERR invalid cursor"))
}

fn parse_cursor(text: &[u8]) -> Option<u64> {
    if args::parse_i64(text).is_some_and(|number| number < 0) {
        return None;
    }
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let start = text.iter().position(|byte| !is_space(byte))?;
    let (negative, digits) = match &text[start..] {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(if negative { number.wrapping_neg() } else { number })
}

#[cfg(test)]
mod tests {
    use super::parse_cursor;

    #[test]
    fn cursors_are_read_as_redis_reads_them() {
        for (text, cursor) in [
            ("0", Some(0)),
            ("17", Some(17)),
            ("00", Some(0)),
            ("+0", Some(0)),
            (" 5", Some(5)),
            ("18446744073709551615", Some(u64::MAX)),
            ("-01", Some(u64::MAX)),
            ("-1", None),
            ("18446744073709551616", None),
            ("", None),
            (" ", None),
            ("5 ", None),
            ("0x", None),
            ("x", None),
        ] {
            assert_eq!(parse_cursor(text.as_bytes()), cursor, "{text:?}");
        }
    }
}
