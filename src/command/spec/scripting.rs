//! The facts of the commands for scripts and functions.

use super::words::{
    Argument, KeyFlags, categories, flags, integer, key, key_flags, one_of, string, token,
};
use super::{Flags, Group, KeySpec, Spec};

/// The commands of this group, without their subcommands.
pub static ALL: &[&Spec] =
    &[&EVAL, &EVALSHA, &EVALSHA_RO, &EVAL_RO, &FCALL, &FCALL_RO, &FUNCTION, &SCRIPT];

const CALLED: KeyFlags = key_flags![RW, ACCESS, UPDATE];
const CALLED_RO: KeyFlags = key_flags![RO, ACCESS];
const CALL_FLAGS: Flags = flags![NOSCRIPT, STALE, SKIP_MONITOR, NO_MANDATORY_KEYS, MOVABLEKEYS];
const CALL_RO_FLAGS: Flags = CALL_FLAGS.with(Flags::READONLY);
const CALL_RW_FLAGS: Flags = CALL_FLAGS.with(Flags::MAY_REPLICATE);

const fn call(
    name: &'static str,
    arguments: &'static [Argument],
    keys: &'static [KeySpec],
    flags: Flags,
    since: &'static str,
) -> Spec {
    Spec {
        complexity: "Depends on the script",
        flags,
        categories: categories![SLOW, SCRIPTING],
        keys,
        arguments,
        ..Spec::new(name, Group::Scripting, -3, since)
    }
}

const fn called_with(what: &'static str) -> [Argument; 4] {
    [
        string(what),
        integer("numkeys"),
        key("key", 0).multiple().optional(),
        string("arg").multiple().optional(),
    ]
}

static SCRIPT_ARGUMENTS: [Argument; 4] = called_with("script");
static SHA_ARGUMENTS: [Argument; 4] = called_with("sha1");
static FUNCTION_ARGUMENTS: [Argument; 4] = called_with("function");
static KEYS: [KeySpec; 1] = [KeySpec::at(2, CALLED).counted(1)];
static KEYS_RO: [KeySpec; 1] = [KeySpec::at(2, CALLED_RO).counted(1)];

pub static EVAL: Spec = Spec {
    summary: "Runs a script in Lua.",
    ..call("eval", &SCRIPT_ARGUMENTS, &KEYS, CALL_RW_FLAGS, "2.6.0")
};

pub static EVALSHA: Spec = Spec {
    summary: "Runs a script that the server has, by its SHA-1.",
    ..call("evalsha", &SHA_ARGUMENTS, &KEYS, CALL_RW_FLAGS, "2.6.0")
};

pub static EVALSHA_RO: Spec = Spec {
    summary: "Runs a script that the server has and that changes nothing, by its SHA-1.",
    ..call("evalsha_ro", &SHA_ARGUMENTS, &KEYS_RO, CALL_RO_FLAGS, "7.0.0")
};

pub static EVAL_RO: Spec = Spec {
    summary: "Runs a script in Lua that changes nothing.",
    ..call("eval_ro", &SCRIPT_ARGUMENTS, &KEYS_RO, CALL_RO_FLAGS, "7.0.0")
};

pub static FCALL: Spec = Spec {
    summary: "Calls a function.",
    ..call("fcall", &FUNCTION_ARGUMENTS, &KEYS, CALL_RW_FLAGS, "7.0.0")
};

pub static FCALL_RO: Spec = Spec {
    summary: "Calls a function that changes nothing.",
    ..call("fcall_ro", &FUNCTION_ARGUMENTS, &KEYS_RO, CALL_RO_FLAGS, "7.0.0")
};

pub static FUNCTION: Spec = Spec {
    summary: "What there is to do with libraries of functions.",
    complexity: "Depends on the subcommand",
    categories: categories![SLOW],
    subcommands: &[
        &FUNCTION_DELETE,
        &FUNCTION_DUMP,
        &FUNCTION_FLUSH,
        &FUNCTION_HELP,
        &FUNCTION_KILL,
        &FUNCTION_LIST,
        &FUNCTION_LOAD,
        &FUNCTION_RESTORE,
        &FUNCTION_STATS,
    ],
    ..Spec::new("function", Group::Scripting, -2, "7.0.0")
};

pub static FUNCTION_DELETE: Spec = Spec {
    summary: "Removes a library with its functions.",
    flags: flags![WRITE, NOSCRIPT],
    categories: categories![WRITE, SLOW, SCRIPTING],
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    arguments: &[string("library-name")],
    ..Spec::new("function|delete", Group::Scripting, 3, "7.0.0")
};

pub static FUNCTION_DUMP: Spec = Spec {
    summary: "Gives all libraries as bytes for FUNCTION RESTORE.",
    complexity: "O(N) in the number of libraries",
    flags: flags![NOSCRIPT],
    categories: categories![SLOW, SCRIPTING],
    ..Spec::new("function|dump", Group::Scripting, 2, "7.0.0")
};

pub static FUNCTION_FLUSH: Spec = Spec {
    summary: "Removes all libraries.",
    complexity: "O(N) in the number of libraries",
    flags: flags![WRITE, NOSCRIPT],
    categories: categories![WRITE, SLOW, SCRIPTING],
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    arguments: &[one_of("flush-type", &[token("async", "ASYNC"), token("sync", "SYNC")]).optional()],
    ..Spec::new("function|flush", Group::Scripting, -2, "7.0.0")
};

pub static FUNCTION_HELP: Spec = Spec {
    summary: "Lists the subcommands of FUNCTION.",
    flags: flags![LOADING, STALE],
    categories: categories![SLOW, SCRIPTING],
    ..Spec::new("function|help", Group::Scripting, 2, "7.0.0")
};

pub static FUNCTION_KILL: Spec = Spec {
    summary: "Ends the function that runs, if it has changed nothing yet.",
    flags: flags![NOSCRIPT, ALLOW_BUSY],
    categories: categories![SLOW, SCRIPTING],
    tips: &["request_policy:all_shards", "response_policy:one_succeeded"],
    ..Spec::new("function|kill", Group::Scripting, 2, "7.0.0")
};

pub static FUNCTION_LIST: Spec = Spec {
    summary: "Tells of the libraries and their functions.",
    complexity: "O(N) in the number of functions",
    flags: flags![NOSCRIPT],
    categories: categories![SLOW, SCRIPTING],
    tips: &["nondeterministic_output_order"],
    arguments: &[
        string("library-name-pattern").after("LIBRARYNAME").optional(),
        token("withcode", "WITHCODE").optional(),
    ],
    ..Spec::new("function|list", Group::Scripting, -2, "7.0.0")
};

pub static FUNCTION_LOAD: Spec = Spec {
    summary: "Loads a library of functions.",
    complexity: "Depends on the library",
    flags: flags![WRITE, DENYOOM, NOSCRIPT],
    categories: categories![WRITE, SLOW, SCRIPTING],
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    arguments: &[token("replace", "REPLACE").optional(), string("function-code")],
    ..Spec::new("function|load", Group::Scripting, -3, "7.0.0")
};

pub static FUNCTION_RESTORE: Spec = Spec {
    summary: "Loads all libraries of a payload.",
    complexity: "O(N) in the number of libraries",
    flags: flags![WRITE, DENYOOM, NOSCRIPT],
    categories: categories![WRITE, SLOW, SCRIPTING],
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    arguments: &[
        string("serialized-value"),
        one_of(
            "policy",
            &[token("flush", "FLUSH"), token("append", "APPEND"), token("replace", "REPLACE")],
        )
        .optional(),
    ],
    ..Spec::new("function|restore", Group::Scripting, -3, "7.0.0")
};

pub static FUNCTION_STATS: Spec = Spec {
    summary: "Tells which function runs, and how many there are.",
    flags: flags![NOSCRIPT, ALLOW_BUSY],
    categories: categories![SLOW, SCRIPTING],
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    ..Spec::new("function|stats", Group::Scripting, 2, "7.0.0")
};

pub static SCRIPT: Spec = Spec {
    summary: "What there is to do with the server's scripts.",
    complexity: "Depends on the subcommand",
    categories: categories![SLOW],
    subcommands: &[
        &SCRIPT_DEBUG,
        &SCRIPT_EXISTS,
        &SCRIPT_FLUSH,
        &SCRIPT_HELP,
        &SCRIPT_KILL,
        &SCRIPT_LOAD,
    ],
    ..Spec::new("script", Group::Scripting, -2, "2.6.0")
};

pub static SCRIPT_DEBUG: Spec = Spec {
    summary: "Would set how the next scripts are debugged; there is no debugger.",
    flags: flags![NOSCRIPT],
    categories: categories![SLOW, SCRIPTING],
    arguments: &[one_of("mode", &[token("yes", "YES"), token("sync", "SYNC"), token("no", "NO")])],
    ..Spec::new("script|debug", Group::Scripting, 3, "3.2.0")
};

pub static SCRIPT_EXISTS: Spec = Spec {
    summary: "Tells which scripts the server has.",
    complexity: "O(N) in the number of scripts asked for",
    flags: flags![NOSCRIPT],
    categories: categories![SLOW, SCRIPTING],
    tips: &["request_policy:all_shards", "response_policy:agg_logical_and"],
    arguments: &[string("sha1").multiple()],
    ..Spec::new("script|exists", Group::Scripting, -3, "2.6.0")
};

pub static SCRIPT_FLUSH: Spec = Spec {
    summary: "Forgets all scripts.",
    complexity: "O(N) in the number of scripts",
    flags: flags![NOSCRIPT],
    categories: categories![SLOW, SCRIPTING],
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    arguments: &[one_of("flush-type", &[token("async", "ASYNC"), token("sync", "SYNC")])
        .since("6.2.0")
        .optional()],
    ..Spec::new("script|flush", Group::Scripting, -2, "2.6.0")
};

pub static SCRIPT_HELP: Spec = Spec {
    summary: "Lists the subcommands of SCRIPT.",
    flags: flags![LOADING, STALE],
    categories: categories![SLOW, SCRIPTING],
    ..Spec::new("script|help", Group::Scripting, 2, "5.0.0")
};

pub static SCRIPT_KILL: Spec = Spec {
    summary: "Ends the script that runs, if it has changed nothing yet.",
    flags: flags![NOSCRIPT, ALLOW_BUSY],
    categories: categories![SLOW, SCRIPTING],
    tips: &["request_policy:all_shards", "response_policy:one_succeeded"],
    ..Spec::new("script|kill", Group::Scripting, 2, "2.6.0")
};

pub static SCRIPT_LOAD: Spec = Spec {
    summary: "Compiles a script and keeps it.",
    complexity: "O(N) in the script's length",
    flags: flags![NOSCRIPT, STALE],
    categories: categories![SLOW, SCRIPTING],
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    arguments: &[string("script")],
    ..Spec::new("script|load", Group::Scripting, 3, "2.6.0")
};
