//! The `redis` library.

use std::cell::Cell;
use std::sync::Arc;

use mlua::{Lua, MultiValue, Table, Value};
use sha1::{Digest, Sha1};

use super::failure::Raised;
use super::host::{HOST, Refusal};
use super::memory::Budget;
use super::number;
use super::reply::{self, ReplyReader};
use super::running::Sort;
use super::stack::{self, Answer, Called, Unfit, Values, Words};
use super::state::Shared;

/// The Redis version that scripts are told: whose behaviour they can expect.
const VERSION: (u32, u32, u32) = (8, 10, 0);

thread_local! {
    /// Why the command that a script has just called did not run.
    static REFUSED: Cell<Option<Refusal>> = const { Cell::new(None) };
}

/// Strings and numbers are a command.
struct Command;

impl Called for Command {
    const TAKES_NUMBERS: bool = true;

    fn call<'r>(
        words: Words<'_, 'r>,
        reply: &'r mut Vec<u8>,
        values: &mut Values<'r>,
    ) -> Answer<'r> {
        let called = match words {
            Ok(words) => HOST.with(|host| host.call(words, reply)),
            Err(unfit) => Err(Refusal::Text(unfit_text(unfit).into())),
        };
        match called {
            Ok(()) => reply::answer(reply, values),
            Err(refusal) => {
                REFUSED.set(Some(refusal));
                Answer::Other
            }
        }
    }
}

fn unfit_text(unfit: Unfit) -> &'static str {
    match unfit {
        Unfit::None => "ERR Please specify at least one argument for this redis lib call",
        Unfit::NotText => "ERR Lua redis lib command arguments must be strings or integers",
    }
}

/// What a call comes to that is not answered at once: errors, and replies that are not small.
fn rest_of_call(lua: &Lua, shared: &Shared, raises: bool) -> mlua::Result<Value> {
    if let Some(refusal) = REFUSED.take() {
        return match refusal {
            Refusal::Text(text) if raises => Err(Raised::Reply { text, of_command: false }.into()),
            Refusal::Text(text) => error_table(lua, &text),
            Refusal::Killed => {
                Err(Raised::Killed("Script killed by user with SCRIPT KILL...").into())
            }
        };
    }
    let reply = stack::take_reply();
    if raises && reply.first() == Some(&b'-') {
        let text = reply[1..].strip_suffix(b"\r\n").unwrap_or(&reply[1..]).to_vec();
        return Err(Raised::Reply { text, of_command: true }.into());
    }
    let mut values = Values::default();
    let budget = Some(Budget::new(lua, shared));
    ReplyReader { bytes: &reply, at: 0, values: &mut values, budget }.value()?;
    shared.made(lua, &values)
}

fn error_table(lua: &Lua, text: &[u8]) -> mlua::Result<Value> {
    let table = lua.create_table_with_capacity(0, 1)?;
    table.raw_set("err", lua.create_string(text)?)?;
    Ok(Value::Table(table))
}

/// Makes the table of a status or error reply.
fn single_field(lua: &Lua, field: &str, args: &MultiValue) -> mlua::Result<Value> {
    let (1, Some(Value::String(text))) = (args.len(), args.front()) else {
        return error_table(lua, b"ERR wrong number or type of arguments");
    };
    let bytes = text.as_bytes();
    let table = lua.create_table_with_capacity(0, 1)?;
    if field == "ok" {
        table.raw_set(field, text)?;
        return Ok(Value::Table(table));
    }
    // A leading minus is the protocol's, not the text's; so is a line's end.
    let text = bytes.strip_prefix(b"-").unwrap_or(&bytes);
    let end = text.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |at| at + 1);
    let text = &text[..end];
    // A single word is no code: it is what went wrong.
    let code: &[u8] = if text.contains(&b' ') { b"" } else { b"ERR " };
    table.raw_set(field, lua.create_string([code, text].concat())?)?;
    Ok(Value::Table(table))
}

fn sha1hex(lua: &Lua, args: &MultiValue) -> mlua::Result<Value> {
    if args.len() != 1 {
        return Err(Raised::reply("ERR wrong number of arguments"));
    }
    let digest = match lua.coerce_string(args[0].clone())? {
        Some(text) => Sha1::digest(&*text.as_bytes()),
        None => Sha1::digest(b""),
    };
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Value::String(lua.create_string(hex)?))
}

fn log(lua: &Lua, args: &MultiValue) -> mlua::Result<()> {
    if args.len() < 2 {
        return Err(Raised::reply("ERR redis.log() requires two arguments or more."));
    }
    let level = match &args[0] {
        Value::Integer(level) => *level,
        Value::Number(level) => *level as i64,
        _ => return Err(Raised::reply("ERR First argument must be a number (log level).")),
    };
    let Ok(level @ 0..=3) = u8::try_from(level) else {
        return Err(Raised::reply("ERR Invalid log level."));
    };
    let mut line = Vec::new();
    for (at, value) in args.iter().skip(1).enumerate() {
        // What is no text is left out.
        if let Some(text) = lua.coerce_string(value.clone())? {
            if at > 0 {
                line.push(b' ');
            }
            line.extend_from_slice(&text.as_bytes());
        }
    }
    let line = String::from_utf8_lossy(&line);
    match level {
        0 => tracing::trace!("{line}"),
        1 => tracing::debug!("{line}"),
        2 => tracing::info!("{line}"),
        _ => tracing::warn!("{line}"),
    }
    Ok(())
}

fn setresp(lua: &Lua, shared: &Shared, args: &MultiValue) -> mlua::Result<()> {
    if args.len() != 1 {
        return Err(Raised::reply("ERR redis.setresp() requires one argument."));
    }
    let version = lua.coerce_number(args[0].clone())?.unwrap_or(0.0) as i64;
    if !matches!(version, 2 | 3) {
        return Err(Raised::reply("ERR RESP version must be 2 or 3."));
    }
    shared.set_resp3(version == 3);
    HOST.with(|host| host.set_resp3(version == 3));
    Ok(())
}

fn acl_check_cmd(args: &MultiValue) -> mlua::Result<bool> {
    let word = |value: &Value| {
        let mut digits = Vec::new();
        match value {
            Value::String(text) => return Ok(text.as_bytes().to_vec()),
            Value::Integer(number) => number::write(*number as f64, &mut digits),
            Value::Number(number) => number::write(*number, &mut digits),
            _ => return Err(Raised::reply(unfit_text(Unfit::NotText))),
        }
        Ok(digits)
    };
    if args.is_empty() {
        return Err(Raised::reply(unfit_text(Unfit::None)));
    }
    let words = args.iter().map(word).collect::<mlua::Result<Vec<Vec<u8>>>>()?;
    let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
    HOST.with(|host| host.may_call(&words))
        .ok_or_else(|| Raised::reply("ERR Invalid command passed to redis.acl_check_cmd()"))
}

fn set_repl(lua: &Lua, args: &MultiValue) -> mlua::Result<()> {
    if args.len() != 1 {
        return Err(Raised::reply("ERR redis.set_repl() requires one argument."));
    }
    let flags = lua.coerce_number(args[0].clone())?.unwrap_or(0.0) as i64;
    if flags & !3 != 0 {
        return Err(Raised::reply(
            "ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.",
        ));
    }
    // The journal always gets the effects: what was answered has to survive.
    Ok(())
}

/// Makes the library. What is there for scripts of old only, functions do not have.
pub(super) fn library(lua: &Lua, shared: &Arc<Shared>, sort: Sort) -> mlua::Result<Table> {
    let redis = lua.create_table()?;
    for (name, raises) in [("call", true), ("pcall", false)] {
        let shared = Arc::clone(shared);
        let rest = lua.create_function(move |lua, ()| rest_of_call(lua, &shared, raises))?;
        redis.raw_set(name, stack::function::<Command>(lua, rest)?)?;
    }
    for (name, field) in [("error_reply", "err"), ("status_reply", "ok")] {
        let make = move |lua: &Lua, args| single_field(lua, field, &args);
        redis.raw_set(name, lua.create_function(make)?)?;
    }
    redis.raw_set("sha1hex", lua.create_function(|lua, args| sha1hex(lua, &args))?)?;
    redis.raw_set("log", lua.create_function(|lua, args| log(lua, &args))?)?;
    let own = Arc::clone(shared);
    redis.raw_set("setresp", lua.create_function(move |lua, args| setresp(lua, &own, &args))?)?;
    redis.raw_set("set_repl", lua.create_function(|lua, args| set_repl(lua, &args))?)?;
    let check = lua.create_function(|_, args| acl_check_cmd(&args))?;
    redis.raw_set("acl_check_cmd", check)?;
    constants(&redis)?;
    if sort == Sort::Function {
        return Ok(redis);
    }
    // Effects are what is kept, always.
    let replicate = lua.create_function(|_, _: MultiValue| Ok(true))?;
    redis.raw_set("replicate_commands", replicate)?;
    // There is no debugger that could stop here.
    redis.raw_set("breakpoint", lua.create_function(|_, _: MultiValue| Ok(false))?)?;
    redis.raw_set("debug", lua.create_function(|_, _: MultiValue| Ok(()))?)?;
    Ok(redis)
}

/// What a library of functions finds in `redis` while it is loaded, beside the function that
/// registers.
pub(super) fn while_loading(lua: &Lua, redis: &Table) -> mlua::Result<()> {
    redis.raw_set("log", lua.create_function(|lua, args| log(lua, &args))?)?;
    levels_and_version(redis)
}

fn constants(redis: &Table) -> mlua::Result<()> {
    let targets = [
        ("REPL_NONE", 0),
        ("REPL_AOF", 1),
        ("REPL_SLAVE", 2),
        ("REPL_REPLICA", 2),
        ("REPL_ALL", 3),
    ];
    for (name, value) in targets {
        redis.raw_set(name, value)?;
    }
    levels_and_version(redis)
}

fn levels_and_version(redis: &Table) -> mlua::Result<()> {
    for (level, name) in
        ["LOG_DEBUG", "LOG_VERBOSE", "LOG_NOTICE", "LOG_WARNING"].iter().enumerate()
    {
        redis.raw_set(*name, level)?;
    }
    let (major, minor, patch) = VERSION;
    redis.raw_set("REDIS_VERSION", format!("{major}.{minor}.{patch}"))?;
    redis.raw_set("REDIS_VERSION_NUM", major << 16 | minor << 8 | patch)
}
