//! The facts of the commands for the server: settings, figures, databases.

use super::words::{
    block, categories, flags, integer, key, key_flags, one_of, pattern, string, token,
};
use super::{Group, KeySpec, Spec};

/// The commands of this group, without their subcommands.
pub static ALL: &[&Spec] = &[
    &BGREWRITEAOF,
    &BGSAVE,
    &COMMAND,
    &CONFIG,
    &DBSIZE,
    &DEBUG,
    &FLUSHALL,
    &FLUSHDB,
    &INFO,
    &LASTSAVE,
    &LATENCY,
    &LOLWUT,
    &MEMORY,
    &MONITOR,
    &SAVE,
    &SHUTDOWN,
    &SLOWLOG,
    &SWAPDB,
    &TIME,
];

pub static BGREWRITEAOF: Spec = Spec {
    summary: "Begins a snapshot, after which the journal is shorter.",
    flags: flags![ADMIN, NOSCRIPT, NO_ASYNC_LOADING],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    ..Spec::new("bgrewriteaof", Group::Server, 1, "1.0.0")
};

pub static BGSAVE: Spec = Spec {
    summary: "Begins a snapshot, while others are served.",
    flags: flags![ADMIN, NOSCRIPT, NO_ASYNC_LOADING],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    arguments: &[token("schedule", "SCHEDULE").optional().since("3.2.2")],
    ..Spec::new("bgsave", Group::Server, -1, "1.0.0")
};

pub static COMMAND: Spec = Spec {
    summary: "Describes every command.",
    complexity: "O(N) in the number of commands",
    flags: flags![LOADING, STALE],
    categories: categories![SLOW, CONNECTION],
    tips: &["nondeterministic_output_order"],
    subcommands: &[
        &COMMAND_COUNT,
        &COMMAND_DOCS,
        &COMMAND_GETKEYS,
        &COMMAND_GETKEYSANDFLAGS,
        &COMMAND_HELP,
        &COMMAND_INFO,
        &COMMAND_LIST,
    ],
    ..Spec::new("command", Group::Server, -1, "2.8.13")
};

pub static COMMAND_COUNT: Spec = Spec {
    summary: "Tells how many commands there are.",
    flags: flags![LOADING, STALE],
    categories: categories![SLOW, CONNECTION],
    ..Spec::new("command|count", Group::Server, 2, "2.8.13")
};

pub static COMMAND_DOCS: Spec = Spec {
    summary: "Tells what commands are for and what arguments they take.",
    complexity: "O(N) in the number of commands asked for",
    flags: flags![LOADING, STALE],
    categories: categories![SLOW, CONNECTION],
    tips: &["nondeterministic_output_order"],
    arguments: &[string("command-name").optional().multiple()],
    ..Spec::new("command|docs", Group::Server, -2, "7.0.0")
};

pub static COMMAND_GETKEYS: Spec = Spec {
    summary: "Finds the keys in a request.",
    complexity: "O(N) in the number of arguments",
    flags: flags![LOADING, STALE],
    categories: categories![SLOW, CONNECTION],
    arguments: &[string("command"), string("arg").optional().multiple()],
    ..Spec::new("command|getkeys", Group::Server, -3, "2.8.13")
};

pub static COMMAND_GETKEYSANDFLAGS: Spec = Spec {
    summary: "Finds the keys in a request and tells what would happen to each.",
    complexity: "O(N) in the number of arguments",
    flags: flags![LOADING, STALE],
    categories: categories![SLOW, CONNECTION],
    arguments: &[string("command"), string("arg").optional().multiple()],
    ..Spec::new("command|getkeysandflags", Group::Server, -3, "7.0.0")
};

pub static COMMAND_HELP: Spec = Spec {
    summary: "Lists the subcommands of COMMAND.",
    flags: flags![LOADING, STALE],
    categories: categories![SLOW, CONNECTION],
    ..Spec::new("command|help", Group::Server, 2, "5.0.0")
};

pub static COMMAND_INFO: Spec = Spec {
    summary: "Describes commands by name.",
    complexity: "O(N) in the number of commands asked for",
    flags: flags![LOADING, STALE],
    categories: categories![SLOW, CONNECTION],
    tips: &["nondeterministic_output_order"],
    arguments: &[string("command-name").optional().multiple()],
    ..Spec::new("command|info", Group::Server, -2, "2.8.13")
};

pub static COMMAND_LIST: Spec = Spec {
    summary: "Lists the names of commands, all or those that match.",
    complexity: "O(N) in the number of commands",
    flags: flags![LOADING, STALE],
    categories: categories![SLOW, CONNECTION],
    tips: &["nondeterministic_output_order"],
    arguments: &[one_of(
        "filterby",
        &[
            string("module-name").after("MODULE"),
            string("category").after("ACLCAT"),
            pattern("pattern").after("PATTERN"),
        ],
    )
    .after("FILTERBY")
    .optional()],
    ..Spec::new("command|list", Group::Server, -2, "7.0.0")
};

pub static CONFIG: Spec = Spec {
    summary: "Holds the commands about settings.",
    complexity: "Depends on the subcommand",
    categories: categories![SLOW],
    subcommands: &[&CONFIG_GET, &CONFIG_HELP, &CONFIG_RESETSTAT, &CONFIG_REWRITE, &CONFIG_SET],
    ..Spec::new("config", Group::Server, -2, "2.0.0")
};

pub static CONFIG_GET: Spec = Spec {
    summary: "Shows the settings whose names match.",
    complexity: "O(N) in the number of settings",
    flags: flags![ADMIN, NOSCRIPT, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    arguments: &[string("parameter").multiple()],
    ..Spec::new("config|get", Group::Server, -3, "2.0.0")
};

pub static CONFIG_HELP: Spec = Spec {
    summary: "Lists the subcommands of CONFIG.",
    flags: flags![LOADING, STALE],
    categories: categories![SLOW],
    ..Spec::new("config|help", Group::Server, 2, "5.0.0")
};

pub static CONFIG_RESETSTAT: Spec = Spec {
    summary: "Sets the counters that INFO shows back to zero.",
    flags: flags![ADMIN, NOSCRIPT, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..Spec::new("config|resetstat", Group::Server, 2, "2.0.0")
};

pub static CONFIG_REWRITE: Spec = Spec {
    summary: "Writes the settings in force back to the configuration file.",
    flags: flags![ADMIN, NOSCRIPT, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..Spec::new("config|rewrite", Group::Server, 2, "2.8.0")
};

pub static CONFIG_SET: Spec = Spec {
    summary: "Changes settings of the running server.",
    complexity: "O(N) in the number of settings given",
    flags: flags![ADMIN, NOSCRIPT, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    arguments: &[block("data", &[string("parameter"), string("value")]).multiple()],
    ..Spec::new("config|set", Group::Server, -4, "2.0.0")
};

pub static DBSIZE: Spec = Spec {
    summary: "Counts the keys of the selected database.",
    flags: flags![READONLY, FAST],
    categories: categories![KEYSPACE, READ, FAST],
    tips: &["request_policy:all_shards", "response_policy:agg_sum"],
    ..Spec::new("dbsize", Group::Server, 1, "1.0.0")
};

pub static DEBUG: Spec = Spec {
    is_system: true,
    summary: "Holds commands for people who test or examine the server.",
    complexity: "Depends on the subcommand",
    flags: flags![ADMIN, NOSCRIPT, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    ..Spec::new("debug", Group::Server, -2, "1.0.0")
};

pub static FLUSHALL: Spec = Spec {
    summary: "Empties every database.",
    complexity: "O(N) in the number of keys",
    flags: flags![WRITE],
    categories: categories![KEYSPACE, WRITE, SLOW, DANGEROUS],
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    arguments: &[one_of(
        "flush-type",
        &[token("async", "ASYNC").since("4.0.0"), token("sync", "SYNC").since("6.2.0")],
    )
    .optional()],
    ..Spec::new("flushall", Group::Server, -1, "1.0.0")
};

pub static FLUSHDB: Spec = Spec {
    summary: "Empties the selected database.",
    complexity: "O(N) in the number of keys",
    flags: flags![WRITE],
    categories: categories![KEYSPACE, WRITE, SLOW, DANGEROUS],
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    arguments: &[one_of(
        "flush-type",
        &[token("async", "ASYNC").since("4.0.0"), token("sync", "SYNC").since("6.2.0")],
    )
    .optional()],
    ..Spec::new("flushdb", Group::Server, -1, "1.0.0")
};

pub static INFO: Spec = Spec {
    summary: "Tells the server's figures and counters.",
    flags: flags![LOADING, STALE],
    categories: categories![SLOW, DANGEROUS],
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    arguments: &[string("section").optional().multiple()],
    ..Spec::new("info", Group::Server, -1, "1.0.0")
};

pub static LASTSAVE: Spec = Spec {
    summary: "Tells when the last snapshot was whole.",
    flags: flags![LOADING, STALE, FAST],
    categories: categories![ADMIN, FAST, DANGEROUS],
    tips: &["nondeterministic_output"],
    ..Spec::new("lastsave", Group::Server, 1, "1.0.0")
};

pub static LATENCY: Spec = Spec {
    summary: "Holds the commands about slow events.",
    complexity: "Depends on the subcommand",
    categories: categories![SLOW],
    subcommands: &[
        &LATENCY_DOCTOR,
        &LATENCY_GRAPH,
        &LATENCY_HELP,
        &LATENCY_HISTOGRAM,
        &LATENCY_HISTORY,
        &LATENCY_LATEST,
        &LATENCY_RESET,
    ],
    ..Spec::new("latency", Group::Server, -2, "2.8.13")
};

pub static LATENCY_DOCTOR: Spec = Spec {
    summary: "Explains the slow events seen.",
    flags: flags![ADMIN, NOSCRIPT, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    tips: &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
    ..Spec::new("latency|doctor", Group::Server, 2, "2.8.13")
};

pub static LATENCY_GRAPH: Spec = Spec {
    summary: "Draws the recent times of an event.",
    flags: flags![ADMIN, NOSCRIPT, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    tips: &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
    arguments: &[string("event")],
    ..Spec::new("latency|graph", Group::Server, 3, "2.8.13")
};

pub static LATENCY_HELP: Spec = Spec {
    summary: "Lists the subcommands of LATENCY.",
    flags: flags![LOADING, STALE],
    categories: categories![SLOW],
    ..Spec::new("latency|help", Group::Server, 2, "2.8.13")
};

pub static LATENCY_HISTOGRAM: Spec = Spec {
    summary: "Tells how the running times of commands are distributed.",
    complexity: "O(N) in the number of commands asked for",
    flags: flags![ADMIN, NOSCRIPT, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    tips: &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
    arguments: &[string("command").optional().multiple()],
    ..Spec::new("latency|histogram", Group::Server, -2, "7.0.0")
};

pub static LATENCY_HISTORY: Spec = Spec {
    summary: "Lists the recent times of an event.",
    flags: flags![ADMIN, NOSCRIPT, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    tips: &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
    arguments: &[string("event")],
    ..Spec::new("latency|history", Group::Server, 3, "2.8.13")
};

pub static LATENCY_LATEST: Spec = Spec {
    summary: "Tells the last time of each event.",
    flags: flags![ADMIN, NOSCRIPT, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    tips: &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
    ..Spec::new("latency|latest", Group::Server, 2, "2.8.13")
};

pub static LATENCY_RESET: Spec = Spec {
    summary: "Forgets the times of events.",
    flags: flags![ADMIN, NOSCRIPT, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    tips: &["request_policy:all_nodes", "response_policy:agg_sum"],
    arguments: &[string("event").optional().multiple()],
    ..Spec::new("latency|reset", Group::Server, -2, "2.8.13")
};

pub static LOLWUT: Spec = Spec {
    summary: "Shows a small piece of art and the version.",
    flags: flags![READONLY, FAST],
    categories: categories![READ, FAST],
    arguments: &[integer("version").after("VERSION").optional()],
    ..Spec::new("lolwut", Group::Server, -1, "5.0.0")
};

pub static MEMORY: Spec = Spec {
    summary: "Holds the commands about memory.",
    complexity: "Depends on the subcommand",
    categories: categories![SLOW],
    subcommands: &[
        &MEMORY_DOCTOR,
        &MEMORY_HELP,
        &MEMORY_MALLOC_STATS,
        &MEMORY_PURGE,
        &MEMORY_STATS,
        &MEMORY_USAGE,
    ],
    ..Spec::new("memory", Group::Server, -2, "4.0.0")
};

pub static MEMORY_DOCTOR: Spec = Spec {
    summary: "Judges how memory is used.",
    categories: categories![SLOW],
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    ..Spec::new("memory|doctor", Group::Server, 2, "4.0.0")
};

pub static MEMORY_HELP: Spec = Spec {
    summary: "Lists the subcommands of MEMORY.",
    flags: flags![LOADING, STALE],
    categories: categories![SLOW],
    ..Spec::new("memory|help", Group::Server, 2, "4.0.0")
};

pub static MEMORY_MALLOC_STATS: Spec = Spec {
    summary: "Shows the allocator's own figures.",
    complexity: "Depends on the allocator",
    categories: categories![SLOW],
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    ..Spec::new("memory|malloc-stats", Group::Server, 2, "4.0.0")
};

pub static MEMORY_PURGE: Spec = Spec {
    summary: "Asks the allocator to give free memory back.",
    complexity: "Depends on the allocator",
    categories: categories![SLOW],
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    ..Spec::new("memory|purge", Group::Server, 2, "4.0.0")
};

pub static MEMORY_STATS: Spec = Spec {
    summary: "Tells what memory is used for.",
    categories: categories![SLOW],
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    ..Spec::new("memory|stats", Group::Server, 2, "4.0.0")
};

pub static MEMORY_USAGE: Spec = Spec {
    summary: "Tells how many bytes a key and its value take.",
    complexity: "O(N) in the number of samples",
    flags: flags![READONLY],
    categories: categories![READ, SLOW],
    keys: &[KeySpec::at(2, key_flags![RO])],
    arguments: &[key("key", 0), integer("count").after("SAMPLES").optional()],
    ..Spec::new("memory|usage", Group::Server, -3, "4.0.0")
};

pub static MONITOR: Spec = Spec {
    summary: "Shows every command that is run, but for dangerous ones, as it is run.",
    flags: flags![ADMIN, NOSCRIPT, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    ..Spec::new("monitor", Group::Server, 1, "1.0.0")
};

pub static SAVE: Spec = Spec {
    summary: "Takes a snapshot, and answers when it is whole.",
    complexity: "O(N) in the number of keys",
    flags: flags![ADMIN, NOSCRIPT, NO_ASYNC_LOADING, NO_MULTI],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    ..Spec::new("save", Group::Server, 1, "1.0.0")
};

pub static SHUTDOWN: Spec = Spec {
    summary: "Stops the server in order.",
    complexity: "O(N) in the number of keys if a snapshot is written",
    flags: flags![ADMIN, NOSCRIPT, LOADING, STALE, NO_MULTI, ALLOW_BUSY],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    arguments: &[
        one_of("save-selector", &[token("nosave", "NOSAVE"), token("save", "SAVE")]).optional(),
        token("now", "NOW").since("7.0.0").optional(),
        token("force", "FORCE").since("7.0.0").optional(),
        token("abort", "ABORT").since("7.0.0").optional(),
    ],
    ..Spec::new("shutdown", Group::Server, -1, "1.0.0")
};

pub static SLOWLOG: Spec = Spec {
    summary: "Holds the commands about the log of slow commands.",
    complexity: "Depends on the subcommand",
    categories: categories![SLOW],
    subcommands: &[&SLOWLOG_GET, &SLOWLOG_HELP, &SLOWLOG_LEN, &SLOWLOG_RESET],
    ..Spec::new("slowlog", Group::Server, -2, "2.2.12")
};

pub static SLOWLOG_GET: Spec = Spec {
    summary: "Lists the latest slow commands.",
    complexity: "O(N) in the number of entries asked for",
    flags: flags![ADMIN, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    tips: &["request_policy:all_nodes", "nondeterministic_output"],
    arguments: &[integer("count").optional()],
    ..Spec::new("slowlog|get", Group::Server, -2, "2.2.12")
};

pub static SLOWLOG_HELP: Spec = Spec {
    summary: "Lists the subcommands of SLOWLOG.",
    flags: flags![LOADING, STALE],
    categories: categories![SLOW],
    ..Spec::new("slowlog|help", Group::Server, 2, "6.2.0")
};

pub static SLOWLOG_LEN: Spec = Spec {
    summary: "Counts the entries of the slow log.",
    flags: flags![ADMIN, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    tips: &["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
    ..Spec::new("slowlog|len", Group::Server, 2, "2.2.12")
};

pub static SLOWLOG_RESET: Spec = Spec {
    summary: "Empties the slow log.",
    complexity: "O(N) in the number of entries",
    flags: flags![ADMIN, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..Spec::new("slowlog|reset", Group::Server, 2, "2.2.12")
};

pub static SWAPDB: Spec = Spec {
    summary: "Swaps two databases.",
    complexity: "O(N) in the number of clients that wait or watch in them",
    flags: flags![WRITE, FAST],
    categories: categories![KEYSPACE, WRITE, FAST, DANGEROUS],
    arguments: &[integer("index1"), integer("index2")],
    ..Spec::new("swapdb", Group::Server, 3, "4.0.0")
};

pub static TIME: Spec = Spec {
    summary: "Tells the server's time.",
    flags: flags![LOADING, STALE, FAST],
    categories: categories![FAST],
    tips: &["nondeterministic_output"],
    ..Spec::new("time", Group::Server, 1, "2.6.0")
};
