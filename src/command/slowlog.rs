//! SLOWLOG: the last commands that took long.

use super::args;
use super::cx::Cx;
use super::error::{Error, Outcome};
use super::help::help;
use super::table::{Entry, keys};

pub(super) static COMMANDS: &[Entry] = &[
    keys("slowlog|get", get),
    keys("slowlog|help", help),
    keys("slowlog|len", len),
    keys("slowlog|reset", reset),
];

const COUNT_DEFAULT: usize = 10;

fn get(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let error = Error::fixed("ERR count should be greater than or equal to -1");
    let count = match args {
        [_, _] => COUNT_DEFAULT,
        // -1 is all, and so is what no machine can hold.
        [_, _, count] => {
            usize::try_from(args::integer_in(count, -1, i64::MAX, error)?).unwrap_or(usize::MAX)
        }
        _ => {
            let head: &[u8] = b"ERR unknown subcommand or wrong number of arguments for '";
            return Err(Error::quoting(&[head, args[1], b"'. Try SLOWLOG HELP."]));
        }
    };
    let entries = cx.server.metrics.slowlog.newest(count);
    cx.reply.array(entries.len());
    for entry in entries {
        cx.reply.array(6);
        cx.reply.int(entry.id as i64);
        cx.reply.int(entry.at_s);
        cx.reply.int(entry.micros as i64);
        cx.reply.array(entry.args.len());
        entry.args.iter().for_each(|arg| cx.reply.bulk(arg));
        cx.reply.text(&entry.addr);
        cx.reply.bulk(&entry.client_name);
    }
    Ok(())
}

fn len(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    cx.reply.count(cx.server.metrics.slowlog.len());
    Ok(())
}

fn reset(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    cx.server.metrics.slowlog.reset();
    cx.reply.ok();
    Ok(())
}
