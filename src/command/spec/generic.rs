//! The facts of the commands for keys of every type.

use super::words::{
    block, categories, flags, integer, key, key_flags, one_of, pattern, string, token, unix_time,
};
use super::{Group, KeySpec, Spec};

/// The commands of this group, without their subcommands.
pub static ALL: &[&Spec] = &[
    &COPY,
    &DEL,
    &DUMP,
    &EXISTS,
    &EXPIRE,
    &EXPIREAT,
    &EXPIRETIME,
    &KEYS,
    &MIGRATE,
    &MOVE,
    &OBJECT,
    &PERSIST,
    &PEXPIRE,
    &PEXPIREAT,
    &PEXPIRETIME,
    &PTTL,
    &RANDOMKEY,
    &RENAME,
    &RENAMENX,
    &RESTORE,
    &SCAN,
    &SORT,
    &SORT_RO,
    &TOUCH,
    &TTL,
    &TYPE,
    &UNLINK,
    &WAITAOF,
];

pub static COPY: Spec = Spec {
    summary: "Copies the value of a key to another key.",
    complexity: "O(N) in the size of a value that cannot be shared, otherwise O(1)",
    flags: flags![WRITE, DENYOOM],
    categories: categories![KEYSPACE, WRITE, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS]), KeySpec::at(2, key_flags![OW, UPDATE])],
    arguments: &[
        key("source", 0),
        key("destination", 1),
        integer("destination-db").after("DB").optional(),
        token("replace", "REPLACE").optional(),
    ],
    ..Spec::new("copy", Group::Generic, -3, "6.2.0")
};

pub static DEL: Spec = Spec {
    summary: "Removes keys.",
    complexity: "O(N) in the number of keys",
    flags: flags![WRITE],
    categories: categories![KEYSPACE, WRITE, SLOW],
    keys: &[KeySpec::at(1, key_flags![RM, DELETE]).up_to(-1)],
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    arguments: &[key("key", 0).multiple()],
    ..Spec::new("del", Group::Generic, -2, "1.0.0")
};

pub static DUMP: Spec = Spec {
    summary: "Gives the value of a key as bytes that RESTORE takes.",
    complexity: "O(N) in the size of the value",
    flags: flags![READONLY],
    categories: categories![KEYSPACE, READ, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    tips: &["nondeterministic_output"],
    arguments: &[key("key", 0)],
    ..Spec::new("dump", Group::Generic, 2, "2.6.0")
};

pub static EXISTS: Spec = Spec {
    summary: "Counts which of the keys exist.",
    complexity: "O(N) in the number of keys",
    flags: flags![READONLY, FAST],
    categories: categories![KEYSPACE, READ, FAST],
    keys: &[KeySpec::at(1, key_flags![RO]).up_to(-1)],
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    arguments: &[key("key", 0).multiple()],
    ..Spec::new("exists", Group::Generic, -2, "1.0.0")
};

pub static EXPIRE: Spec = Spec {
    summary: "Lets a key expire after a number of seconds.",
    flags: flags![WRITE, FAST],
    categories: categories![KEYSPACE, WRITE, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, UPDATE])],
    arguments: &[
        key("key", 0),
        integer("seconds"),
        one_of(
            "condition",
            &[token("nx", "NX"), token("xx", "XX"), token("gt", "GT"), token("lt", "LT")],
        )
        .since("7.0.0")
        .optional(),
    ],
    ..Spec::new("expire", Group::Generic, -3, "1.0.0")
};

pub static EXPIREAT: Spec = Spec {
    summary: "Lets a key expire at a Unix time in seconds.",
    flags: flags![WRITE, FAST],
    categories: categories![KEYSPACE, WRITE, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, UPDATE])],
    arguments: &[
        key("key", 0),
        unix_time("unix-time-seconds"),
        one_of(
            "condition",
            &[token("nx", "NX"), token("xx", "XX"), token("gt", "GT"), token("lt", "LT")],
        )
        .since("7.0.0")
        .optional(),
    ],
    ..Spec::new("expireat", Group::Generic, -3, "1.2.0")
};

pub static EXPIRETIME: Spec = Spec {
    summary: "Tells the Unix time in seconds at which a key expires.",
    flags: flags![READONLY, FAST],
    categories: categories![KEYSPACE, READ, FAST],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[key("key", 0)],
    ..Spec::new("expiretime", Group::Generic, 2, "7.0.0")
};

pub static KEYS: Spec = Spec {
    summary: "Lists all keys that match a pattern.",
    complexity: "O(N) in the number of keys in the database",
    flags: flags![READONLY],
    categories: categories![KEYSPACE, READ, SLOW, DANGEROUS],
    tips: &["request_policy:all_shards", "nondeterministic_output_order"],
    arguments: &[pattern("pattern")],
    ..Spec::new("keys", Group::Generic, 2, "1.0.0")
};

pub static MIGRATE: Spec = Spec {
    summary: "Moves keys to another server.",
    complexity: "O(N) in the size of the values, and what the network takes",
    flags: flags![WRITE, MOVABLEKEYS],
    categories: categories![KEYSPACE, WRITE, SLOW, DANGEROUS],
    keys: &[
        KeySpec::at(3, key_flags![RW, ACCESS, DELETE]),
        KeySpec::after("KEYS", -2, key_flags![RW, ACCESS, DELETE, INCOMPLETE]).up_to(-1),
    ],
    tips: &["nondeterministic_output"],
    arguments: &[
        string("host"),
        integer("port"),
        one_of("key-selector", &[key("key", 0), token("empty-string", "\"\"")]),
        integer("destination-db"),
        integer("timeout"),
        token("copy", "COPY").optional(),
        token("replace", "REPLACE").optional(),
        one_of(
            "authentication",
            &[
                string("auth").shown("password").after("AUTH"),
                block("auth2", &[string("username"), string("password")]).after("AUTH2"),
            ],
        )
        .optional(),
        key("keys", 1).shown("key").after("KEYS").optional().multiple(),
    ],
    ..Spec::new("migrate", Group::Generic, -6, "2.6.0")
};

pub static MOVE: Spec = Spec {
    summary: "Moves a key to another database.",
    flags: flags![WRITE, FAST],
    categories: categories![KEYSPACE, WRITE, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, UPDATE])],
    arguments: &[key("key", 0), integer("db")],
    ..Spec::new("move", Group::Generic, 3, "1.0.0")
};

pub static OBJECT: Spec = Spec {
    summary: "Holds the commands about how values are kept.",
    complexity: "Depends on the subcommand",
    categories: categories![SLOW],
    subcommands: &[
        &OBJECT_ENCODING,
        &OBJECT_FREQ,
        &OBJECT_HELP,
        &OBJECT_IDLETIME,
        &OBJECT_REFCOUNT,
    ],
    ..Spec::new("object", Group::Generic, -2, "2.2.3")
};

pub static OBJECT_ENCODING: Spec = Spec {
    summary: "Names the form in which a value is kept.",
    flags: flags![READONLY],
    categories: categories![KEYSPACE, READ, SLOW],
    keys: &[KeySpec::at(2, key_flags![RO])],
    tips: &["nondeterministic_output"],
    arguments: &[key("key", 0)],
    ..Spec::new("object|encoding", Group::Generic, 3, "2.2.3")
};

pub static OBJECT_FREQ: Spec = Spec {
    summary: "Tells how often a key is used, under a policy that counts it.",
    flags: flags![READONLY],
    categories: categories![KEYSPACE, READ, SLOW],
    keys: &[KeySpec::at(2, key_flags![RO])],
    tips: &["nondeterministic_output"],
    arguments: &[key("key", 0)],
    ..Spec::new("object|freq", Group::Generic, 3, "4.0.0")
};

pub static OBJECT_HELP: Spec = Spec {
    summary: "Lists the subcommands of OBJECT.",
    flags: flags![LOADING, STALE],
    categories: categories![KEYSPACE, SLOW],
    ..Spec::new("object|help", Group::Generic, 2, "6.2.0")
};

pub static OBJECT_IDLETIME: Spec = Spec {
    summary: "Tells the seconds since a key was last used.",
    flags: flags![READONLY],
    categories: categories![KEYSPACE, READ, SLOW],
    keys: &[KeySpec::at(2, key_flags![RO])],
    tips: &["nondeterministic_output"],
    arguments: &[key("key", 0)],
    ..Spec::new("object|idletime", Group::Generic, 3, "2.2.3")
};

pub static OBJECT_REFCOUNT: Spec = Spec {
    summary: "Tells how many references there are to a value.",
    flags: flags![READONLY],
    categories: categories![KEYSPACE, READ, SLOW],
    keys: &[KeySpec::at(2, key_flags![RO])],
    tips: &["nondeterministic_output"],
    arguments: &[key("key", 0)],
    ..Spec::new("object|refcount", Group::Generic, 3, "2.2.3")
};

pub static PERSIST: Spec = Spec {
    summary: "Keeps a key from expiring.",
    flags: flags![WRITE, FAST],
    categories: categories![KEYSPACE, WRITE, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, UPDATE])],
    arguments: &[key("key", 0)],
    ..Spec::new("persist", Group::Generic, 2, "2.2.0")
};

pub static PEXPIRE: Spec = Spec {
    summary: "Lets a key expire after a number of milliseconds.",
    flags: flags![WRITE, FAST],
    categories: categories![KEYSPACE, WRITE, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, UPDATE])],
    arguments: &[
        key("key", 0),
        integer("milliseconds"),
        one_of(
            "condition",
            &[token("nx", "NX"), token("xx", "XX"), token("gt", "GT"), token("lt", "LT")],
        )
        .since("7.0.0")
        .optional(),
    ],
    ..Spec::new("pexpire", Group::Generic, -3, "2.6.0")
};

pub static PEXPIREAT: Spec = Spec {
    summary: "Lets a key expire at a Unix time in milliseconds.",
    flags: flags![WRITE, FAST],
    categories: categories![KEYSPACE, WRITE, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, UPDATE])],
    arguments: &[
        key("key", 0),
        unix_time("unix-time-milliseconds"),
        one_of(
            "condition",
            &[token("nx", "NX"), token("xx", "XX"), token("gt", "GT"), token("lt", "LT")],
        )
        .since("7.0.0")
        .optional(),
    ],
    ..Spec::new("pexpireat", Group::Generic, -3, "2.6.0")
};

pub static PEXPIRETIME: Spec = Spec {
    summary: "Tells the Unix time in milliseconds at which a key expires.",
    flags: flags![READONLY, FAST],
    categories: categories![KEYSPACE, READ, FAST],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[key("key", 0)],
    ..Spec::new("pexpiretime", Group::Generic, 2, "7.0.0")
};

pub static PTTL: Spec = Spec {
    summary: "Tells the milliseconds until a key expires.",
    flags: flags![READONLY, FAST],
    categories: categories![KEYSPACE, READ, FAST],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    tips: &["nondeterministic_output"],
    arguments: &[key("key", 0)],
    ..Spec::new("pttl", Group::Generic, 2, "2.6.0")
};

pub static RANDOMKEY: Spec = Spec {
    summary: "Names a key picked at random.",
    flags: flags![READONLY],
    categories: categories![KEYSPACE, READ, SLOW],
    tips: &["request_policy:all_shards", "response_policy:special", "nondeterministic_output"],
    ..Spec::new("randomkey", Group::Generic, 1, "1.0.0")
};

pub static RENAME: Spec = Spec {
    summary: "Gives a key another name, replacing what is there.",
    flags: flags![WRITE],
    categories: categories![KEYSPACE, WRITE, SLOW],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, DELETE]), KeySpec::at(2, key_flags![OW, UPDATE])],
    arguments: &[key("key", 0), key("newkey", 1)],
    ..Spec::new("rename", Group::Generic, 3, "1.0.0")
};

pub static RENAMENX: Spec = Spec {
    summary: "Gives a key another name unless that is taken.",
    flags: flags![WRITE, FAST],
    categories: categories![KEYSPACE, WRITE, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, DELETE]), KeySpec::at(2, key_flags![OW, INSERT])],
    arguments: &[key("key", 0), key("newkey", 1)],
    ..Spec::new("renamenx", Group::Generic, 3, "1.0.0")
};

pub static RESTORE: Spec = Spec {
    summary: "Makes a key from the bytes that DUMP gave.",
    complexity: "O(N) in the size of the value",
    flags: flags![WRITE, DENYOOM],
    categories: categories![KEYSPACE, WRITE, SLOW, DANGEROUS],
    keys: &[KeySpec::at(1, key_flags![OW, UPDATE])],
    arguments: &[
        key("key", 0),
        integer("ttl"),
        string("serialized-value"),
        token("replace", "REPLACE").optional(),
        token("absttl", "ABSTTL").optional(),
        integer("seconds").after("IDLETIME").optional(),
        integer("frequency").after("FREQ").optional(),
    ],
    ..Spec::new("restore", Group::Generic, -4, "2.6.0")
};

pub static SCAN: Spec = Spec {
    summary: "Walks over the keys of the database, a few with each call.",
    complexity: "O(1) for each call, O(N) for the whole walk",
    flags: flags![READONLY],
    categories: categories![KEYSPACE, READ, SLOW],
    tips: &["nondeterministic_output", "request_policy:special", "response_policy:special"],
    arguments: &[
        integer("cursor"),
        pattern("pattern").after("MATCH").optional(),
        integer("count").after("COUNT").optional(),
        string("type").after("TYPE").since("6.0.0").optional(),
    ],
    ..Spec::new("scan", Group::Generic, -2, "2.8.0")
};

pub static SORT: Spec = Spec {
    summary: "Sorts the elements of a list, set or sorted set, and may store them.",
    complexity: "O(N*log(M)) in the N elements and the M given",
    flags: flags![WRITE, DENYOOM, MOVABLEKEYS],
    categories: categories![WRITE, SET, SORTEDSET, LIST, SLOW, DANGEROUS],
    keys: &[
        KeySpec::at(1, key_flags![RO, ACCESS]),
        KeySpec::told_by_options(key_flags![RO, ACCESS]),
        KeySpec::told_by_options(key_flags![OW, UPDATE]),
    ],
    arguments: &[
        key("key", 0),
        pattern("by-pattern").shown("pattern").after("BY").optional(),
        block("limit", &[integer("offset"), integer("count")]).after("LIMIT").optional(),
        pattern("get-pattern").shown("pattern").after("GET").optional().multiple().multiple_token(),
        one_of("order", &[token("asc", "ASC"), token("desc", "DESC")]).optional(),
        token("sorting", "ALPHA").optional(),
        key("destination", 1).after("STORE").optional(),
    ],
    ..Spec::new("sort", Group::Generic, -2, "1.0.0")
};

pub static SORT_RO: Spec = Spec {
    summary: "Sorts the elements of a list, set or sorted set.",
    complexity: "O(N*log(M)) in the N elements and the M given",
    flags: flags![READONLY, MOVABLEKEYS],
    categories: categories![READ, SET, SORTEDSET, LIST, SLOW, DANGEROUS],
    keys: &[
        KeySpec::at(1, key_flags![RO, ACCESS]),
        KeySpec::told_by_options(key_flags![RO, ACCESS]),
    ],
    arguments: &[
        key("key", 0),
        pattern("by-pattern").shown("pattern").after("BY").optional(),
        block("limit", &[integer("offset"), integer("count")]).after("LIMIT").optional(),
        pattern("get-pattern").shown("pattern").after("GET").optional().multiple().multiple_token(),
        one_of("order", &[token("asc", "ASC"), token("desc", "DESC")]).optional(),
        token("sorting", "ALPHA").optional(),
    ],
    ..Spec::new("sort_ro", Group::Generic, -2, "7.0.0")
};

pub static TOUCH: Spec = Spec {
    summary: "Renews the idle time of keys and counts those that exist.",
    complexity: "O(N) in the number of keys",
    flags: flags![READONLY, FAST],
    categories: categories![KEYSPACE, READ, FAST],
    keys: &[KeySpec::at(1, key_flags![RO]).up_to(-1)],
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    arguments: &[key("key", 0).multiple()],
    ..Spec::new("touch", Group::Generic, -2, "3.2.1")
};

pub static TTL: Spec = Spec {
    summary: "Tells the seconds until a key expires.",
    flags: flags![READONLY, FAST],
    categories: categories![KEYSPACE, READ, FAST],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    tips: &["nondeterministic_output"],
    arguments: &[key("key", 0)],
    ..Spec::new("ttl", Group::Generic, 2, "1.0.0")
};

pub static TYPE: Spec = Spec {
    summary: "Names the type of a value.",
    flags: flags![READONLY, FAST],
    categories: categories![KEYSPACE, READ, FAST],
    keys: &[KeySpec::at(1, key_flags![RO])],
    arguments: &[key("key", 0)],
    ..Spec::new("type", Group::Generic, 2, "1.0.0")
};

pub static UNLINK: Spec = Spec {
    summary: "Removes keys, freeing their memory later.",
    complexity: "O(N) in the number of keys",
    flags: flags![WRITE, FAST],
    categories: categories![KEYSPACE, WRITE, FAST],
    keys: &[KeySpec::at(1, key_flags![RM, DELETE]).up_to(-1)],
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    arguments: &[key("key", 0).multiple()],
    ..Spec::new("unlink", Group::Generic, -2, "4.0.0")
};

pub static WAITAOF: Spec = Spec {
    summary: "Waits until the disk, and those of replicas, have what the client has written.",
    flags: flags![BLOCKING],
    categories: categories![SLOW, BLOCKING, CONNECTION],
    tips: &["request_policy:all_shards", "response_policy:agg_min"],
    arguments: &[integer("numlocal"), integer("numreplicas"), integer("timeout")],
    ..Spec::new("waitaof", Group::Generic, 4, "7.2.0")
};
