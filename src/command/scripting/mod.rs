//! EVAL and its kin, SCRIPT: scripts in Lua.
//!
//! A script is one step under all locks. Which keys it touches is known only while it runs: job
//! libraries make the names of keys in their scripts.

mod eval;
mod host;
mod script;

use super::table::{Entry, Locks, all, keys};

pub(super) static COMMANDS: &[Entry] = &[
    all("eval", eval::eval),
    all("eval_ro", eval::eval),
    all("evalsha", eval::evalsha),
    all("evalsha_ro", eval::evalsha),
    // Who has no script to compile or to find needs no lock; the others must not wait for a script
    // that runs long on a thread that others wait for, and so take the way of who needs its locks.
    Entry { name: "script|debug", run: script::debug, locks: Locks::Keys },
    all("script|exists", script::exists),
    all("script|flush", script::flush),
    keys("script|help", super::help::help),
    keys("script|kill", script::kill),
    all("script|load", script::load),
];
