//! TIME, SHUTDOWN and LOLWUT.

use super::args::{self, is};
use super::blocking::take_long;
use super::cx::Cx;
use super::error::{Error, Outcome};
use super::store::{self, Cause};
use super::table::{Entry, keys};

pub(super) static COMMANDS: &[Entry] =
    &[keys("lolwut", lolwut), keys("shutdown", shutdown), keys("time", time)];

fn time(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    let now_us = cx.server.keyspace.clock().now_us();
    cx.reply.array(2);
    cx.reply.bulk_int(now_us / 1_000_000);
    cx.reply.bulk_int(now_us % 1_000_000);
    Ok(())
}

#[derive(Default)]
struct Shutdown {
    save: bool,
    nosave: bool,
    now: bool,
    force: bool,
    abort: bool,
}

/// A shutdown is orderly and begins at once: there is no replica to wait for, so there is never one
/// in progress that could be aborted.
fn shutdown(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let mut asked = Shutdown::default();
    for arg in &args[1..] {
        match () {
            () if is(arg, "SAVE") => asked.save = true,
            () if is(arg, "NOSAVE") => asked.nosave = true,
            () if is(arg, "NOW") => asked.now = true,
            () if is(arg, "FORCE") => asked.force = true,
            () if is(arg, "ABORT") => asked.abort = true,
            () => return Err(Error::SYNTAX),
        }
    }
    let with_abort = asked.save || asked.nosave || asked.now || asked.force;
    if asked.save && asked.nosave || asked.abort && with_abort {
        return Err(Error::SYNTAX);
    }
    if asked.abort {
        return Err(Error::fixed("ERR No shutdown in progress."));
    }
    tracing::warn!("User requested shutdown...");
    if asked.save
        && let Err(error) = take_long(|| store::save(cx.server, Cause::Shutdown))
        && !asked.force
    {
        tracing::warn!("SHUTDOWN SAVE refused, there is no snapshot: {error}");
        return Err(Error::fixed("ERR Errors trying to SHUTDOWN. Check logs."));
    }
    cx.session.close_after_reply = true;
    if asked.save || asked.nosave {
        cx.server.shutdown.begin_without_snapshot();
    } else {
        cx.server.shutdown.begin();
    }
    Ok(())
}

/// A basin of water, as wide as asked, and what it is the basin of.
fn lolwut(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    const WIDTH: i64 = 48;
    const WIDTH_MAX: i64 = 160;
    let mut numbers = args[1..].iter();
    if args.get(1).is_some_and(|arg| is(arg, "VERSION")) && args.len() > 2 {
        args::integer(args[2])?;
        numbers.nth(1);
    }
    let width = match numbers.next() {
        Some(width) => args::integer(width)?.clamp(8, WIDTH_MAX),
        None => WIDTH,
    };
    let mut text = String::new();
    for depth in 0..6 {
        text.push('|');
        for _ in 0..width {
            let drop = cx.tx.keyspace().random() % 8;
            text.push(match (depth, drop) {
                (0, 0..3) => '.',
                (0, _) => ' ',
                (1, 0..4) => '~',
                (1, _) => '-',
                (_, 0) => '~',
                _ => '=',
            });
        }
        text.push_str(if depth == 5 { ">>\n" } else { "|\n" });
    }
    text.push_str(&format!(
        "\nThe basin fills at its pace, the turbines draw at theirs. Forebay ver. {}\n",
        env!("CARGO_PKG_VERSION")
    ));
    cx.reply.verbatim("txt", text.as_bytes());
    Ok(())
}
