//! The facts of the commands about replicas and modules, of which there are none.

use super::words::{block, categories, flags, integer, key, key_flags, one_of, string, token};
use super::{Deprecated, Group, KeySpec, Spec};

/// The commands of this group, without their subcommands.
pub static ALL: &[&Spec] = &[
    &FAILOVER,
    &MODULE,
    &PSYNC,
    &REPLCONF,
    &REPLICAOF,
    &RESTORE_ASKING,
    &ROLE,
    &SLAVEOF,
    &SYNC,
    &WAIT,
];

pub static FAILOVER: Spec = Spec {
    summary: "Hands over to a replica, of which there are none.",
    flags: flags![ADMIN, NOSCRIPT, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    arguments: &[
        block("target", &[string("host"), integer("port"), token("force", "FORCE").optional()])
            .after("TO")
            .optional(),
        token("abort", "ABORT").optional(),
        integer("milliseconds").after("TIMEOUT").optional(),
    ],
    ..Spec::new("failover", Group::Server, -1, "6.2.0")
};

pub static MODULE: Spec = Spec {
    summary: "Holds the commands about modules.",
    complexity: "Depends on the subcommand",
    categories: categories![SLOW],
    subcommands: &[&MODULE_HELP, &MODULE_LIST, &MODULE_LOAD, &MODULE_LOADEX, &MODULE_UNLOAD],
    ..Spec::new("module", Group::Server, -2, "4.0.0")
};

pub static MODULE_HELP: Spec = Spec {
    summary: "Lists the subcommands of MODULE.",
    flags: flags![LOADING, STALE],
    categories: categories![SLOW],
    ..Spec::new("module|help", Group::Server, 2, "5.0.0")
};

pub static MODULE_LIST: Spec = Spec {
    summary: "Lists the modules that are loaded: none.",
    flags: flags![ADMIN, NOSCRIPT],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    tips: &["nondeterministic_output_order"],
    ..Spec::new("module|list", Group::Server, 2, "4.0.0")
};

pub static MODULE_LOAD: Spec = Spec {
    summary: "Loads a module; refused.",
    flags: flags![ADMIN, NOSCRIPT, NO_ASYNC_LOADING],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    arguments: &[string("path"), string("arg").optional().multiple()],
    ..Spec::new("module|load", Group::Server, -3, "4.0.0")
};

pub static MODULE_LOADEX: Spec = Spec {
    summary: "Loads a module with settings; refused.",
    flags: flags![ADMIN, NOSCRIPT, NO_ASYNC_LOADING],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    arguments: &[
        string("path"),
        block("configs", &[string("name"), string("value")])
            .after("CONFIG")
            .optional()
            .multiple()
            .multiple_token(),
        string("args").after("ARGS").optional().multiple(),
    ],
    ..Spec::new("module|loadex", Group::Server, -3, "7.0.0")
};

pub static MODULE_UNLOAD: Spec = Spec {
    summary: "Unloads a module; refused.",
    flags: flags![ADMIN, NOSCRIPT, NO_ASYNC_LOADING],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    arguments: &[string("name")],
    ..Spec::new("module|unload", Group::Server, 3, "4.0.0")
};

pub static PSYNC: Spec = Spec {
    summary: "Asks for a stream of changes, as a replica does; refused.",
    flags: flags![ADMIN, NOSCRIPT, NO_ASYNC_LOADING, NO_MULTI],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    is_system: true,
    arguments: &[string("replicationid"), integer("offset")],
    ..Spec::new("psync", Group::Server, -3, "2.8.0")
};

pub static REPLCONF: Spec = Spec {
    summary: "Tells what a replica is and has.",
    flags: flags![ADMIN, NOSCRIPT, LOADING, STALE, ALLOW_BUSY],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    is_system: true,
    ..Spec::new("replconf", Group::Server, -1, "3.0.0")
};

pub static REPLICAOF: Spec = Spec {
    summary: "Makes the server a replica, or none; only NO ONE is accepted.",
    flags: flags![ADMIN, NOSCRIPT, STALE, NO_ASYNC_LOADING],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    arguments: &[one_of(
        "args",
        &[
            block("host-port", &[string("host"), integer("port")]),
            block("no-one", &[token("no", "NO"), token("one", "ONE")]),
        ],
    )],
    ..Spec::new("replicaof", Group::Server, 3, "5.0.0")
};

pub static RESTORE_ASKING: Spec = Spec {
    summary: "As RESTORE, for a slot that is being moved here.",
    complexity: "O(N) in the size of the value",
    flags: flags![WRITE, DENYOOM, ASKING],
    categories: categories![KEYSPACE, WRITE, SLOW, DANGEROUS],
    is_system: true,
    keys: &[KeySpec::at(1, key_flags![OW, UPDATE])],
    arguments: &[
        key("key", 0),
        integer("ttl"),
        string("serialized-value"),
        token("replace", "REPLACE").since("3.0.0").optional(),
        token("absttl", "ABSTTL").since("5.0.0").optional(),
        integer("seconds").after("IDLETIME").since("5.0.0").optional(),
        integer("frequency").after("FREQ").since("5.0.0").optional(),
    ],
    ..Spec::new("restore-asking", Group::Server, -4, "3.0.0")
};

pub static ROLE: Spec = Spec {
    summary: "Tells whether the server is a primary or a replica.",
    flags: flags![NOSCRIPT, LOADING, STALE, FAST],
    categories: categories![ADMIN, FAST, DANGEROUS],
    ..Spec::new("role", Group::Server, 1, "2.8.12")
};

pub static SLAVEOF: Spec = Spec {
    summary: "As REPLICAOF.",
    flags: flags![ADMIN, NOSCRIPT, STALE, NO_ASYNC_LOADING],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    deprecated: Some(Deprecated { since: "5.0.0", replaced_by: "`REPLICAOF`" }),
    arguments: &[one_of(
        "args",
        &[
            block("host-port", &[string("host"), integer("port")]),
            block("no-one", &[token("no", "NO"), token("one", "ONE")]),
        ],
    )],
    ..Spec::new("slaveof", Group::Server, 3, "1.0.0")
};

pub static SYNC: Spec = Spec {
    summary: "Asks for a copy of everything, as a replica does; refused.",
    flags: flags![ADMIN, NOSCRIPT, NO_ASYNC_LOADING, NO_MULTI],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    is_system: true,
    ..Spec::new("sync", Group::Server, 1, "1.0.0")
};

pub static WAIT: Spec = Spec {
    summary: "Waits until replicas have what this connection has written.",
    flags: flags![BLOCKING],
    categories: categories![SLOW, BLOCKING, CONNECTION],
    tips: &["request_policy:all_shards", "response_policy:agg_min"],
    arguments: &[integer("numreplicas"), integer("timeout")],
    ..Spec::new("wait", Group::Generic, 3, "3.0.0")
};
