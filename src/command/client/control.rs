//! CLIENT PAUSE, UNPAUSE, REPLY, UNBLOCK.

use crate::command::args;
use crate::command::clients::Unblock;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::command::session::ReplyMode;

/// A pause never ends earlier, and never lets pass more, because of another one.
pub(super) fn pause(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let mut all = match args[3..] {
        [] => true,
        [mode] if args::is(mode, "ALL") => true,
        [mode] if args::is(mode, "WRITE") => false,
        [_] => return Err(Error::fixed("ERR CLIENT PAUSE mode must be WRITE or ALL")),
        _ => return Err(wrong_arguments(args[1])),
    };
    let now_ms = cx.tx.now_ms();
    let mut until_ms = args::timeout_ms(args[2], now_ms)?.unwrap_or(0);
    if let Some((current_ms, current_all)) = cx.server.pause.at(now_ms) {
        until_ms = until_ms.max(current_ms);
        all |= current_all;
    }
    cx.server.pause.begin(until_ms, all);
    cx.reply.ok();
    Ok(())
}

pub(super) fn unpause(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    cx.server.pause.end();
    cx.reply.ok();
    Ok(())
}

/// Only ON is answered itself.
pub(super) fn reply(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    if args::is(args[2], "ON") {
        cx.session.reply_mode = ReplyMode::On;
        cx.reply.ok();
    } else if args::is(args[2], "OFF") {
        cx.session.reply_mode = ReplyMode::Off;
    } else if args::is(args[2], "SKIP") {
        // Where nothing is answered anyway there is nothing to skip.
        if cx.session.reply_mode != ReplyMode::Off {
            cx.session.reply_mode = ReplyMode::SkipNext;
        }
    } else {
        return Err(Error::SYNTAX);
    }
    Ok(())
}

pub(super) fn unblock(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let how = match args[3..] {
        [] => Unblock::Timeout,
        [reason] if args::is(reason, "TIMEOUT") => Unblock::Timeout,
        [reason] if args::is(reason, "ERROR") => Unblock::Error,
        [_] => {
            return Err(Error::fixed("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"));
        }
        _ => return Err(wrong_arguments(args[1])),
    };
    let id = args::integer(args[2])?;
    let client = u64::try_from(id).ok().and_then(|id| cx.server.clients.get(id));
    let unblocked = client.is_some_and(|client| client.unblock(how));
    cx.reply.int(i64::from(unblocked));
    Ok(())
}

fn wrong_arguments(subcommand: &[u8]) -> Error {
    let head: &[u8] = b"ERR unknown subcommand or wrong number of arguments for '";
    Error::quoting(&[head, subcommand, b"'. Try CLIENT HELP."])
}
