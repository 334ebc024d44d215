//! SSCAN.

use crate::command::args;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::command::keys::parse_cursor;
use crate::glob::{self, Case};
use crate::resp::Reply;
use crate::types::set::Set;

const COUNT_DEFAULT: usize = 10;

struct Options<'a> {
    count: usize,
    /// None shows all.
    pattern: Option<&'a [u8]>,
}

impl<'a> Options<'a> {
    fn parse(words: &[&'a [u8]]) -> Result<Options<'a>, Error> {
        let mut options = Options { count: COUNT_DEFAULT, pattern: None };
        let mut rest = words.iter();
        while let Some(option) = rest.next() {
            if args::is(option, "NOVALUES") {
                return Err(Error::fixed("ERR NOVALUES option can only be used in HSCAN"));
            }
            let value = rest.next().ok_or(Error::SYNTAX)?;
            if args::is(option, "COUNT") {
                let count = args::integer(value)?;
                options.count = usize::try_from(count).map_err(|_| Error::SYNTAX)?;
                if options.count == 0 {
                    return Err(Error::SYNTAX);
                }
            } else if args::is(option, "MATCH") {
                options.pattern = Some(*value).filter(|pattern| *pattern != b"*");
            } else {
                return Err(Error::SYNTAX);
            }
        }
        Ok(options)
    }
}

pub(super) fn sscan(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let cursor = parse_cursor(args[2]).ok_or(Error::fixed("ERR invalid cursor"))?;
    let Some(set) = cx.tx.read::<Set>(args[1])? else {
        cx.reply.array(2);
        cx.reply.text("0");
        cx.reply.array(0);
        return Ok(());
    };
    let options = Options::parse(&args[3..])?;
    // How many there are is known only behind them.
    let (mut shown, mut count) = (Vec::new(), 0);
    let proto = cx.reply.proto();
    let next = set.scan(cursor, options.count, |member| {
        if options.pattern.is_none_or(|it| glob::matches(it, &member, Case::Sensitive)) {
            Reply::new(&mut shown, proto).bulk(&member);
            count += 1;
        }
    });
    cx.reply.array(2);
    let mut digits = itoa::Buffer::new();
    cx.reply.text(digits.format(next));
    cx.reply.array(count);
    cx.reply.raw(&shown);
    Ok(())
}
