//! FUNCTION, FCALL, FCALL_RO: libraries of functions.

use super::eval::{answer, call_of, is_read_only, keys_and_args};
use super::host::{Caller, ScriptHost, leave_worker};
use super::script::end_running;
use crate::command::args::is;
use crate::command::cx::{Cx, Mode};
use crate::command::error::{Error, Outcome};
use crate::glob::{self, Case};
use crate::rdb;
use crate::script::{Libraries, Library, Policy, Sort};

const UNKNOWN_FUNCTION: Error = Error::fixed("ERR Function not found");

pub(super) fn fcall(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let words = keys_and_args(args).map_err(|error| match error {
        _ if !cx.server.scripts.libraries.contains(args[1]) => UNKNOWN_FUNCTION,
        error if error == Error::NOT_INTEGER => Error::fixed("ERR Bad number of keys provided"),
        error => error,
    })?;
    let call = call_of(cx, &words);
    let caller = Caller { request: args, read_only: is_read_only(args), name: Some(args[1]) };
    let (mut host, reply) = ScriptHost::new(cx, caller);
    let outcome = host.server().scripts.libraries.call(args[1], &call, &mut host, reply);
    let tracked = host.end();
    cx.session.listening.tracked = tracked;
    answer(cx, outcome, &UNKNOWN_FUNCTION)
}

pub(super) fn load(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (code, options) = args[2..].split_last().expect("the arity has been checked");
    if let Some(option) = options.iter().find(|option| !is(option, "REPLACE")) {
        return Err(Error::quoting(&[b"ERR Unknown option given: ", option]));
    }
    let replace = !options.is_empty();
    let loaded = loading(cx, |libraries, hold_long| libraries.load(code, replace, hold_long));
    let name = loaded.map_err(Error::new)?;
    cx.tx.changed_server();
    cx.tx.record(&[b"FUNCTION", b"LOAD", b"REPLACE", code]);
    cx.reply.bulk(&name);
    Ok(())
}

/// Has libraries loaded. What is replayed takes as long as it takes, and holds nobody up.
fn loading<R>(
    cx: &mut Cx<'_, '_>,
    load: impl FnOnce(&Libraries, Option<&mut dyn FnMut()>) -> R,
) -> R {
    let server = cx.server;
    if cx.mode == Mode::Replay {
        return load(&server.scripts.libraries, None);
    }
    let running = &server.scripts.running;
    running.begin_loading();
    let loaded = load(&server.scripts.libraries, Some(&mut leave_worker));
    running.end(|| server.keyspace.hold.end());
    loaded
}

pub(super) fn delete(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    if !cx.server.scripts.libraries.delete(args[2]) {
        return Err(Error::fixed("ERR Library not found"));
    }
    cx.tx.changed_server();
    cx.tx.record(&[b"FUNCTION", b"DELETE", args[2]]);
    cx.reply.ok();
    Ok(())
}

pub(super) fn flush(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    match args[2..] {
        [] => {}
        [mode] if is(mode, "SYNC") || is(mode, "ASYNC") => {}
        [_] => return Err(Error::fixed("ERR FUNCTION FLUSH only supports SYNC|ASYNC option")),
        _ => {
            let head: &[u8] = b"ERR unknown subcommand or wrong number of arguments for '";
            return Err(Error::quoting(&[head, args[1], b"'. Try FUNCTION HELP."]));
        }
    }
    cx.server.scripts.libraries.flush();
    cx.tx.changed_server();
    cx.tx.record(&[b"FUNCTION", b"FLUSH"]);
    cx.reply.ok();
    Ok(())
}

pub(super) fn list(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (mut pattern, mut with_code) = (None, false);
    let mut words = args[2..].iter();
    while let Some(word) = words.next() {
        if !with_code && is(word, "WITHCODE") {
            with_code = true;
        } else if pattern.is_none() && is(word, "LIBRARYNAME") {
            let given = words.next();
            pattern = Some(given.ok_or(Error::fixed("ERR library name argument was not given"))?);
        } else {
            return Err(Error::quoting(&[b"ERR Unknown argument ", word]));
        }
    }
    let libraries = cx.server.scripts.libraries.list();
    let is_asked = |library: &&Library| {
        pattern.is_none_or(|pattern| glob::matches(pattern, &library.name, Case::Ignored))
    };
    let asked: Vec<&Library> = libraries.iter().filter(is_asked).collect();
    cx.reply.array(asked.len());
    for library in asked {
        write_library(cx, library, with_code);
    }
    Ok(())
}

fn write_library(cx: &mut Cx<'_, '_>, library: &Library, with_code: bool) {
    cx.reply.map(if with_code { 4 } else { 3 });
    cx.reply.text("library_name");
    cx.reply.bulk(&library.name);
    cx.reply.text("engine");
    cx.reply.text("LUA");
    cx.reply.text("functions");
    cx.reply.array(library.functions.len());
    for function in &library.functions {
        cx.reply.map(3);
        cx.reply.text("name");
        cx.reply.bulk(&function.name);
        cx.reply.text("description");
        match &function.description {
            Some(description) => cx.reply.bulk(description),
            None => cx.reply.null(),
        }
        cx.reply.text("flags");
        let flags: Vec<&str> = function.flags.names().collect();
        cx.reply.set(flags.len());
        for flag in flags {
            cx.reply.simple(flag);
        }
    }
    if with_code {
        cx.reply.text("library_code");
        cx.reply.bulk(&library.code);
    }
}

pub(super) fn stats(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    let scripts = &cx.server.scripts;
    if scripts.running.busy() == Some(Sort::Script) {
        return Err(Error::fixed(
            "BUSY Redis is busy running a script. \
             You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
        ));
    }
    let (libraries, functions) = (scripts.libraries.count(), scripts.libraries.functions_count());
    let running = match scripts.running.running() {
        Some(Sort::Function) => scripts.running.description(),
        _ => None,
    };
    cx.reply.map(2);
    cx.reply.text("running_script");
    match running {
        None => cx.reply.null(),
        Some(running) => {
            cx.reply.map(3);
            cx.reply.text("name");
            cx.reply.text(&running.name);
            cx.reply.text("command");
            cx.reply.array(running.command.len());
            for word in &running.command {
                cx.reply.bulk(word);
            }
            cx.reply.text("duration_ms");
            cx.reply.count(running.duration_ms as usize);
        }
    }
    cx.reply.text("engines");
    cx.reply.map(1);
    cx.reply.text("LUA");
    cx.reply.map(2);
    cx.reply.text("libraries_count");
    cx.reply.count(libraries);
    cx.reply.text("functions_count");
    cx.reply.count(functions);
    Ok(())
}

pub(super) fn kill(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    end_running(cx, Sort::Function)
}

pub(super) fn dump(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    let libraries = cx.server.scripts.libraries.list();
    let codes: Vec<&[u8]> = libraries.iter().map(|library| &*library.code).collect();
    cx.reply.bulk(&rdb::payload::write_functions(&codes));
    Ok(())
}

pub(super) fn restore(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let policy = match args[3..] {
        [] => Policy::Append,
        [word] if is(word, "APPEND") => Policy::Append,
        [word] if is(word, "REPLACE") => Policy::Replace,
        [word] if is(word, "FLUSH") => Policy::Flush,
        [_] => {
            return Err(Error::fixed(
                "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.",
            ));
        }
        _ => {
            return Err(Error::fixed(
                "ERR Unknown subcommand or wrong number of arguments for 'restore'. \
                 Try FUNCTION HELP.",
            ));
        }
    };
    let codes = rdb::payload::read_functions(args[2]).map_err(|refused| {
        Error::fixed(match refused {
            rdb::payload::Refused::Footer => "ERR DUMP payload version or checksum are wrong",
            rdb::payload::Refused::Value => "ERR failed loading functions payload",
        })
    })?;
    let restored = loading(cx, |libraries, hold_long| libraries.restore(&codes, policy, hold_long));
    restored.map_err(Error::new)?;
    cx.tx.changed_server();
    let word: &[u8] = match policy {
        Policy::Flush => b"FLUSH",
        Policy::Append | Policy::Replace => b"REPLACE",
    };
    cx.tx.record(&[b"FUNCTION", b"RESTORE", args[2], word]);
    cx.reply.ok();
    Ok(())
}
