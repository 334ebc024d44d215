//! HSCAN.

use super::{Cx, Error, Outcome, args};
use crate::command::keys::parse_cursor;
use crate::glob::{self, Case};
use crate::resp::Reply;
use crate::types::hash::Hash;

struct Options<'a> {
    count: usize,
    pattern: Option<&'a [u8]>,
    with_values: bool,
}

impl<'a> Options<'a> {
    fn parse(words: &[&'a [u8]]) -> Result<Options<'a>, Error> {
        let mut options = Options { count: 10, pattern: None, with_values: true };
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            if args::is(word, "NOVALUES") {
                options.with_values = false;
                continue;
            }
            let value = rest.next().ok_or(Error::SYNTAX)?;
            if args::is(word, "COUNT") {
                let count = usize::try_from(args::integer(value)?).ok();
                options.count = count.filter(|count| *count > 0).ok_or(Error::SYNTAX)?;
            } else if args::is(word, "MATCH") {
                options.pattern = Some(value).filter(|pattern| **pattern != b"*").copied();
            } else {
                return Err(Error::SYNTAX);
            }
        }
        Ok(options)
    }
}

pub(super) fn hscan(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let cursor = parse_cursor(args[2]).ok_or(Error::fixed("ERR invalid cursor"))?;
    let due_ms = cx.tx.due_ms();
    let proto = cx.reply.proto();
    let (mut found, mut elements) = (Vec::new(), 0);
    let mut next = 0;
    // As in Redis: without a key the options are not looked at.
    if let Some(hash) = cx.tx.read::<Hash>(args[1])? {
        let options = Options::parse(&args[3..])?;
        let mut reply = Reply::new(&mut found, proto);
        next = hash.scan(cursor, options.count, |name, field| {
            let matches = |pattern| glob::matches(pattern, name, Case::Sensitive);
            if field.is_due(due_ms) || !options.pattern.is_none_or(matches) {
                return;
            }
            reply.bulk(name);
            elements += 1;
            if options.with_values {
                reply.bulk(field.value);
                elements += 1;
            }
        });
    }
    cx.reply.array(2);
    cx.reply.text(itoa::Buffer::new().format(next));
    cx.reply.array(elements);
    cx.reply.raw(&found);
    Ok(())
}
