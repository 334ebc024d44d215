//! EVAL and its kin, SCRIPT, FUNCTION, FCALL: scripts and functions in Lua.
//!
//! A script is one step under all locks. Which keys it touches is known only while it runs: job
//! libraries make the names of keys in their scripts.

mod eval;
mod function;
mod host;
mod script;
mod watch;

pub use watch::Watch;

use super::server::Server;
use super::spec::Flags;
use super::table::{Command, Entry, Locks, all, keys};
use crate::script::{Flags as Stated, flags_of_source};

/// The flags that a request is let in by: a script or function that states its own is taken for a
/// command that is what they say.
pub(super) fn flags_of(server: &Server, command: &Command, args: &[&[u8]]) -> Flags {
    let flags = command.spec.flags;
    // Those that run scripts are among them.
    if command.locks != Locks::All {
        return flags;
    }
    let Some(stated) = stated_flags(server, command.spec.name, args) else { return flags };
    let flags = flags.without(Flags::MAY_REPLICATE);
    if stated.has(Stated::NO_WRITES) {
        flags
    } else if stated.has(Stated::ALLOW_OOM) {
        flags.with(Flags::WRITE)
    } else {
        flags.with(Flags::WRITE).with(Flags::DENYOOM)
    }
}

/// What the script or function that a request runs states of itself, if it does. While another one
/// runs it is not known.
fn stated_flags(server: &Server, name: &str, args: &[&[u8]]) -> Option<Stated> {
    match name {
        "eval" | "eval_ro" => flags_of_source(args[1]),
        "evalsha" | "evalsha_ro" => server.scripts.cache.flags_of(args[1]),
        "fcall" | "fcall_ro" => server.scripts.libraries.flags_of(args[1]),
        _ => None,
    }
}

pub(super) static COMMANDS: &[Entry] = &[
    all("eval", eval::eval),
    all("eval_ro", eval::eval),
    all("evalsha", eval::evalsha),
    all("evalsha_ro", eval::evalsha),
    all("fcall", function::fcall),
    all("fcall_ro", function::fcall),
    all("function|delete", function::delete),
    all("function|dump", function::dump),
    all("function|flush", function::flush),
    keys("function|help", super::help::help),
    keys("function|kill", function::kill),
    all("function|list", function::list),
    all("function|load", function::load),
    all("function|restore", function::restore),
    keys("function|stats", function::stats),
    // Who has no script to compile or to find needs no lock; the others must not wait for a script
    // that runs long on a thread that others wait for, and so take the way of who needs its locks.
    Entry { name: "script|debug", run: script::debug, locks: Locks::Keys },
    all("script|exists", script::exists),
    all("script|flush", script::flush),
    keys("script|help", super::help::help),
    keys("script|kill", script::kill),
    all("script|load", script::load),
];
