//! EVAL, EVALSHA, EVAL_RO, EVALSHA_RO.

use super::host::{Caller, ScriptHost};
use crate::command::args;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::script::{self, Call, Failed};

const NO_SCRIPT: Error = Error::fixed("NOSCRIPT No matching script. Please use EVAL.");

/// Keys, and the arguments behind them.
pub(super) struct Words<'r, 'w> {
    pub keys: &'r [&'w [u8]],
    pub args: &'r [&'w [u8]],
}

/// Splits what follows the script into keys and arguments.
pub(super) fn keys_and_args<'r, 'w>(args: &'r [&'w [u8]]) -> Result<Words<'r, 'w>, Error> {
    let count = args::integer(args[2])?;
    let rest = &args[3..];
    if count > rest.len() as i64 {
        return Err(Error::fixed("ERR Number of keys can't be greater than number of args"));
    }
    let count =
        usize::try_from(count).map_err(|_| Error::fixed("ERR Number of keys can't be negative"))?;
    let (keys, args) = rest.split_at(count);
    Ok(Words { keys, args })
}

/// A call with these keys and arguments, within what the settings allow.
pub(super) fn call_of<'a>(cx: &Cx<'_, '_>, words: &Words<'a, 'a>) -> Call<'a> {
    Call {
        keys: words.keys,
        args: words.args,
        memory_bytes_max: cx.server.config.script_memory_limit.get_usize(),
        busy_after_ms: cx.server.config.busy_reply_threshold_ms.get(),
    }
}

/// Turns a script's outcome into the command's.
pub(super) fn answer(cx: &mut Cx<'_, '_>, outcome: script::Outcome, unknown: &Error) -> Outcome {
    match outcome {
        script::Outcome::Done => Ok(()),
        script::Outcome::Unknown => Err(unknown.clone()),
        script::Outcome::Failed(Failed { text, is_counted }) => {
            cx.error_is_counted = is_counted;
            Err(Error::new(text))
        }
    }
}

pub(super) fn eval(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let words = keys_and_args(args)?;
    let call = call_of(cx, &words);
    let caller = Caller { request: args, read_only: is_read_only(args), name: None };
    let (mut host, reply) = ScriptHost::new(cx, caller);
    let outcome = host.server().scripts.cache.eval(args[1], &call, &mut host, reply);
    let tracked = host.end();
    cx.session.listening.tracked = tracked;
    answer(cx, outcome, &NO_SCRIPT)
}

pub(super) fn evalsha(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let words = keys_and_args(args)?;
    let call = call_of(cx, &words);
    let caller = Caller { request: args, read_only: is_read_only(args), name: None };
    let (mut host, reply) = ScriptHost::new(cx, caller);
    let outcome = host.server().scripts.cache.eval_sha(args[1], &call, &mut host, reply);
    let tracked = host.end();
    cx.session.listening.tracked = tracked;
    answer(cx, outcome, &NO_SCRIPT)
}

/// The form that changes nothing was called.
pub(super) fn is_read_only(args: &[&[u8]]) -> bool {
    args[0].len() > 3 && args[0][args[0].len() - 3..].eq_ignore_ascii_case(b"_ro")
}
