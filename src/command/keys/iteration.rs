//! KEYS, SCAN, RANDOMKEY.

use crate::command::args;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::glob::{self, Case};
use crate::keyspace::Slot;
use crate::resp::Reply;

/// Writes the keys that `pick` wants as an array; how many there are is known only afterwards.
struct Found {
    keys: Vec<u8>,
    count: usize,
}

impl Found {
    fn new() -> Found {
        Found { keys: Vec::new(), count: 0 }
    }

    fn add(&mut self, key: &[u8], cx_reply: &Reply<'_>) {
        Reply::new(&mut self.keys, cx_reply.proto()).bulk(key);
        self.count += 1;
    }

    fn write(&self, reply: &mut Reply<'_>) {
        reply.array(self.count);
        reply.raw(&self.keys);
    }
}

pub(super) fn keys(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let pattern = args[1];
    let mut found = Found::new();
    let everything = pattern == b"*";
    cx.tx.scan(0, usize::MAX, |slot| {
        if everything || glob::matches(pattern, &slot.key, Case::Sensitive) {
            found.add(&slot.key, &cx.reply);
        }
    });
    found.write(&mut cx.reply);
    Ok(())
}

/// What SCAN shows of what it passes.
struct Filter<'a> {
    pattern: Option<&'a [u8]>,
    kind: Option<&'a [u8]>,
}

impl Filter<'_> {
    fn allows(&self, slot: &Slot) -> bool {
        let named = |name: &str, kind: &[u8]| name.as_bytes().eq_ignore_ascii_case(kind);
        self.kind.is_none_or(|kind| named(slot.value.kind().name(), kind))
            && self.pattern.is_none_or(|it| glob::matches(it, &slot.key, Case::Sensitive))
    }
}

pub(super) fn scan(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    const COUNT_DEFAULT: usize = 10;
    let cursor = parse_cursor(args[1]).ok_or(Error::fixed("ERR invalid cursor"))?;
    let mut count = COUNT_DEFAULT;
    let mut filter = Filter { pattern: None, kind: None };
    let mut options = args[2..].iter();
    while let Some(option) = options.next() {
        let value = options.next().ok_or(Error::SYNTAX)?;
        if args::is(option, "COUNT") {
            count = usize::try_from(args::integer(value)?).map_err(|_| Error::SYNTAX)?;
            if count == 0 {
                return Err(Error::SYNTAX);
            }
        } else if args::is(option, "MATCH") {
            filter.pattern = Some(value).filter(|pattern| **pattern != b"*").copied();
        } else if args::is(option, "TYPE") {
            filter.kind = Some(value);
        } else {
            return Err(Error::SYNTAX);
        }
    }
    let mut found = Found::new();
    let next = cx.tx.scan(cursor, count, |slot| {
        if filter.allows(slot) {
            found.add(&slot.key, &cx.reply);
        }
    });
    cx.reply.array(2);
    let mut digits = itoa::Buffer::new();
    cx.reply.text(digits.format(next));
    found.write(&mut cx.reply);
    Ok(())
}

/// A cursor as C's `strtoull` reads one: space in front, a sign and leading zeros are let pass, and
/// a negative number counts from 2^64 down. Only the canonical negative numbers are refused.
pub(crate) fn parse_cursor(text: &[u8]) -> Option<u64> {
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

pub(super) fn randomkey(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    match cx.tx.random_key() {
        Some(slot) => cx.reply.bulk(&slot.key),
        None => cx.reply.null(),
    }
    Ok(())
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
