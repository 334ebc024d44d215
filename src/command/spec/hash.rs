//! The facts of the commands for hashes.

use super::words::{
    block, categories, double, flags, integer, key, key_flags, one_of, pattern, string, token,
    unix_time,
};
use super::{Deprecated, Group, KeySpec, Spec};

/// The commands of this group, without their subcommands.
pub static ALL: &[&Spec] = &[
    &HDEL,
    &HEXISTS,
    &HEXPIRE,
    &HEXPIREAT,
    &HEXPIRETIME,
    &HGET,
    &HGETALL,
    &HGETDEL,
    &HGETEX,
    &HIMPORT,
    &HINCRBY,
    &HINCRBYFLOAT,
    &HKEYS,
    &HLEN,
    &HMGET,
    &HMSET,
    &HPERSIST,
    &HPEXPIRE,
    &HPEXPIREAT,
    &HPEXPIRETIME,
    &HPTTL,
    &HRANDFIELD,
    &HSCAN,
    &HSET,
    &HSETEX,
    &HSETNX,
    &HSTRLEN,
    &HTTL,
    &HVALS,
];

pub static HDEL: Spec = Spec {
    summary: "Removes fields.",
    complexity: "O(N) in the number of fields named",
    flags: flags![WRITE, FAST],
    categories: categories![WRITE, HASH, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, DELETE])],
    arguments: &[key("key", 0), string("field").multiple()],
    ..Spec::new("hdel", Group::Hash, -3, "2.0.0")
};

pub static HEXISTS: Spec = Spec {
    summary: "Tells whether there is a field.",
    flags: flags![READONLY, FAST],
    categories: categories![READ, HASH, FAST],
    keys: &[KeySpec::at(1, key_flags![RO])],
    arguments: &[key("key", 0), string("field")],
    ..Spec::new("hexists", Group::Hash, 3, "2.0.0")
};

pub static HEXPIRE: Spec = Spec {
    summary: "Sets after how many seconds fields are gone.",
    complexity: "O(N) in the number of fields named",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, HASH, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, UPDATE])],
    arguments: &[
        key("key", 0),
        integer("seconds"),
        one_of(
            "condition",
            &[token("nx", "NX"), token("xx", "XX"), token("gt", "GT"), token("lt", "LT")],
        )
        .optional(),
        block("fields", &[integer("numfields"), string("field").multiple()]).after("FIELDS"),
    ],
    ..Spec::new("hexpire", Group::Hash, -6, "7.4.0")
};

pub static HEXPIREAT: Spec = Spec {
    summary: "Sets the second at which fields are gone.",
    complexity: "O(N) in the number of fields named",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, HASH, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, UPDATE])],
    arguments: &[
        key("key", 0),
        unix_time("unix-time-seconds"),
        one_of(
            "condition",
            &[token("nx", "NX"), token("xx", "XX"), token("gt", "GT"), token("lt", "LT")],
        )
        .optional(),
        block("fields", &[integer("numfields"), string("field").multiple()]).after("FIELDS"),
    ],
    ..Spec::new("hexpireat", Group::Hash, -6, "7.4.0")
};

pub static HEXPIRETIME: Spec = Spec {
    summary: "Tells the second at which fields are gone.",
    complexity: "O(N) in the number of fields named",
    flags: flags![READONLY, FAST],
    categories: categories![READ, HASH, FAST],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[
        key("key", 0),
        block("fields", &[integer("numfields"), string("field").multiple()]).after("FIELDS"),
    ],
    ..Spec::new("hexpiretime", Group::Hash, -5, "7.4.0")
};

pub static HGET: Spec = Spec {
    summary: "Reads a field.",
    flags: flags![READONLY, FAST],
    categories: categories![READ, HASH, FAST],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[key("key", 0), string("field")],
    ..Spec::new("hget", Group::Hash, 3, "2.0.0")
};

pub static HGETALL: Spec = Spec {
    summary: "Reads all fields with their values.",
    complexity: "O(N) in the number of fields",
    flags: flags![READONLY],
    categories: categories![READ, HASH, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    tips: &["nondeterministic_output_order"],
    arguments: &[key("key", 0)],
    ..Spec::new("hgetall", Group::Hash, 2, "2.0.0")
};

pub static HGETDEL: Spec = Spec {
    summary: "Reads fields and removes them.",
    complexity: "O(N) in the number of fields named",
    flags: flags![WRITE, FAST],
    categories: categories![WRITE, HASH, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, DELETE])],
    arguments: &[
        key("key", 0),
        block("fields", &[integer("numfields"), string("field").multiple()]).after("FIELDS"),
    ],
    ..Spec::new("hgetdel", Group::Hash, -5, "8.0.0")
};

pub static HGETEX: Spec = Spec {
    summary: "Reads fields and sets when they are gone.",
    complexity: "O(N) in the number of fields named",
    flags: flags![WRITE, FAST],
    categories: categories![WRITE, HASH, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, UPDATE])],
    arguments: &[
        key("key", 0),
        one_of(
            "expiration",
            &[
                integer("seconds").after("EX"),
                integer("milliseconds").after("PX"),
                unix_time("unix-time-seconds").after("EXAT"),
                unix_time("unix-time-milliseconds").after("PXAT"),
                token("persist", "PERSIST"),
            ],
        )
        .optional(),
        block("fields", &[integer("numfields"), string("field").multiple()]).after("FIELDS"),
    ],
    ..Spec::new("hgetex", Group::Hash, -5, "8.0.0")
};

pub static HIMPORT: Spec = Spec {
    summary: "Holds the commands for making many hashes of the same fields.",
    complexity: "Depends on the subcommand",
    categories: categories![HASH, SLOW],
    subcommands: &[&HIMPORT_DISCARD, &HIMPORT_DISCARDALL, &HIMPORT_PREPARE, &HIMPORT_SET],
    ..Spec::new("himport", Group::Hash, -2, "8.10.0")
};

pub static HIMPORT_DISCARD: Spec = Spec {
    summary: "Forgets a set of field names of the connection.",
    complexity: "O(N) in the number of the connection's sets",
    categories: categories![HASH, SLOW],
    arguments: &[string("fieldset-name")],
    ..Spec::new("himport|discard", Group::Hash, 3, "8.10.0")
};

pub static HIMPORT_DISCARDALL: Spec = Spec {
    summary: "Forgets all sets of field names of the connection.",
    complexity: "O(N) in the number of the connection's sets",
    categories: categories![HASH, SLOW],
    ..Spec::new("himport|discardall", Group::Hash, 2, "8.10.0")
};

pub static HIMPORT_PREPARE: Spec = Spec {
    summary: "Names a set of field names for the connection.",
    complexity: "O(N) in the number of fields",
    flags: flags![DENYOOM],
    categories: categories![HASH, SLOW],
    arguments: &[string("fieldset-name"), string("field").multiple()],
    ..Spec::new("himport|prepare", Group::Hash, -4, "8.10.0")
};

pub static HIMPORT_SET: Spec = Spec {
    summary: "Makes a hash of a named set of fields and their values.",
    complexity: "O(N) in the number of fields",
    flags: flags![WRITE, DENYOOM],
    categories: categories![WRITE, HASH, SLOW],
    keys: &[KeySpec::at(2, key_flags![OW, UPDATE])],
    arguments: &[key("key", 0), string("fieldset-name"), string("value").multiple()],
    ..Spec::new("himport|set", Group::Hash, -5, "8.10.0")
};

pub static HINCRBY: Spec = Spec {
    summary: "Adds an integer to a field.",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, HASH, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, UPDATE])],
    arguments: &[key("key", 0), string("field"), integer("increment")],
    ..Spec::new("hincrby", Group::Hash, 4, "2.0.0")
};

pub static HINCRBYFLOAT: Spec = Spec {
    summary: "Adds a number with a fraction to a field.",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, HASH, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, UPDATE])],
    arguments: &[key("key", 0), string("field"), double("increment")],
    ..Spec::new("hincrbyfloat", Group::Hash, 4, "2.6.0")
};

pub static HKEYS: Spec = Spec {
    summary: "Reads the names of all fields.",
    complexity: "O(N) in the number of fields",
    flags: flags![READONLY],
    categories: categories![READ, HASH, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    tips: &["nondeterministic_output_order"],
    arguments: &[key("key", 0)],
    ..Spec::new("hkeys", Group::Hash, 2, "2.0.0")
};

pub static HLEN: Spec = Spec {
    summary: "Counts the fields.",
    flags: flags![READONLY, FAST],
    categories: categories![READ, HASH, FAST],
    keys: &[KeySpec::at(1, key_flags![RO])],
    arguments: &[key("key", 0)],
    ..Spec::new("hlen", Group::Hash, 2, "2.0.0")
};

pub static HMGET: Spec = Spec {
    summary: "Reads several fields.",
    complexity: "O(N) in the number of fields named",
    flags: flags![READONLY, FAST],
    categories: categories![READ, HASH, FAST],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[key("key", 0), string("field").multiple()],
    ..Spec::new("hmget", Group::Hash, -3, "2.0.0")
};

pub static HMSET: Spec = Spec {
    summary: "Sets fields.",
    complexity: "O(N) in the number of fields named",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, HASH, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, UPDATE])],
    deprecated: Some(Deprecated {
        since: "4.0.0",
        replaced_by: "`HSET` with multiple field-value pairs",
    }),
    arguments: &[key("key", 0), block("data", &[string("field"), string("value")]).multiple()],
    ..Spec::new("hmset", Group::Hash, -4, "2.0.0")
};

pub static HPERSIST: Spec = Spec {
    summary: "Has fields stay for good.",
    complexity: "O(N) in the number of fields named",
    flags: flags![WRITE, FAST],
    categories: categories![WRITE, HASH, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, UPDATE])],
    arguments: &[
        key("key", 0),
        block("fields", &[integer("numfields"), string("field").multiple()]).after("FIELDS"),
    ],
    ..Spec::new("hpersist", Group::Hash, -5, "7.4.0")
};

pub static HPEXPIRE: Spec = Spec {
    summary: "Sets after how many milliseconds fields are gone.",
    complexity: "O(N) in the number of fields named",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, HASH, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, UPDATE])],
    arguments: &[
        key("key", 0),
        integer("milliseconds"),
        one_of(
            "condition",
            &[token("nx", "NX"), token("xx", "XX"), token("gt", "GT"), token("lt", "LT")],
        )
        .optional(),
        block("fields", &[integer("numfields"), string("field").multiple()]).after("FIELDS"),
    ],
    ..Spec::new("hpexpire", Group::Hash, -6, "7.4.0")
};

pub static HPEXPIREAT: Spec = Spec {
    summary: "Sets the millisecond at which fields are gone.",
    complexity: "O(N) in the number of fields named",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, HASH, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, UPDATE])],
    arguments: &[
        key("key", 0),
        unix_time("unix-time-milliseconds"),
        one_of(
            "condition",
            &[token("nx", "NX"), token("xx", "XX"), token("gt", "GT"), token("lt", "LT")],
        )
        .optional(),
        block("fields", &[integer("numfields"), string("field").multiple()]).after("FIELDS"),
    ],
    ..Spec::new("hpexpireat", Group::Hash, -6, "7.4.0")
};

pub static HPEXPIRETIME: Spec = Spec {
    summary: "Tells the millisecond at which fields are gone.",
    complexity: "O(N) in the number of fields named",
    flags: flags![READONLY, FAST],
    categories: categories![READ, HASH, FAST],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[
        key("key", 0),
        block("fields", &[integer("numfields"), string("field").multiple()]).after("FIELDS"),
    ],
    ..Spec::new("hpexpiretime", Group::Hash, -5, "7.4.0")
};

pub static HPTTL: Spec = Spec {
    summary: "Tells after how many milliseconds fields are gone.",
    complexity: "O(N) in the number of fields named",
    flags: flags![READONLY, FAST],
    categories: categories![READ, HASH, FAST],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    tips: &["nondeterministic_output"],
    arguments: &[
        key("key", 0),
        block("fields", &[integer("numfields"), string("field").multiple()]).after("FIELDS"),
    ],
    ..Spec::new("hpttl", Group::Hash, -5, "7.4.0")
};

pub static HRANDFIELD: Spec = Spec {
    summary: "Picks fields at random.",
    complexity: "O(N) in the number of fields picked",
    flags: flags![READONLY],
    categories: categories![READ, HASH, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    tips: &["nondeterministic_output"],
    arguments: &[
        key("key", 0),
        block("options", &[integer("count"), token("withvalues", "WITHVALUES").optional()])
            .optional(),
    ],
    ..Spec::new("hrandfield", Group::Hash, -2, "6.2.0")
};

pub static HSCAN: Spec = Spec {
    summary: "Visits the fields step by step.",
    complexity: "O(1) for each field visited",
    flags: flags![READONLY],
    categories: categories![READ, HASH, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    tips: &["nondeterministic_output"],
    arguments: &[
        key("key", 0),
        integer("cursor"),
        pattern("pattern").after("MATCH").optional(),
        integer("count").after("COUNT").optional(),
        token("novalues", "NOVALUES").optional(),
    ],
    ..Spec::new("hscan", Group::Hash, -3, "2.8.0")
};

pub static HSET: Spec = Spec {
    summary: "Sets fields.",
    complexity: "O(N) in the number of fields named",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, HASH, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, UPDATE])],
    arguments: &[key("key", 0), block("data", &[string("field"), string("value")]).multiple()],
    ..Spec::new("hset", Group::Hash, -4, "2.0.0")
};

pub static HSETEX: Spec = Spec {
    summary: "Sets fields and when they are gone.",
    complexity: "O(N) in the number of fields named",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, HASH, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, UPDATE])],
    arguments: &[
        key("key", 0),
        one_of("condition", &[token("fnx", "FNX"), token("fxx", "FXX")]).optional(),
        one_of(
            "expiration",
            &[
                integer("seconds").after("EX"),
                integer("milliseconds").after("PX"),
                unix_time("unix-time-seconds").after("EXAT"),
                unix_time("unix-time-milliseconds").after("PXAT"),
                token("keepttl", "KEEPTTL"),
            ],
        )
        .optional(),
        block(
            "fields",
            &[integer("numfields"), block("data", &[string("field"), string("value")]).multiple()],
        )
        .after("FIELDS"),
    ],
    ..Spec::new("hsetex", Group::Hash, -6, "8.0.0")
};

pub static HSETNX: Spec = Spec {
    summary: "Sets a field that is not there yet.",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, HASH, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, INSERT])],
    arguments: &[key("key", 0), string("field"), string("value")],
    ..Spec::new("hsetnx", Group::Hash, 4, "2.0.0")
};

pub static HSTRLEN: Spec = Spec {
    summary: "Tells how long a field's value is.",
    flags: flags![READONLY, FAST],
    categories: categories![READ, HASH, FAST],
    keys: &[KeySpec::at(1, key_flags![RO])],
    arguments: &[key("key", 0), string("field")],
    ..Spec::new("hstrlen", Group::Hash, 3, "3.2.0")
};

pub static HTTL: Spec = Spec {
    summary: "Tells after how many seconds fields are gone.",
    complexity: "O(N) in the number of fields named",
    flags: flags![READONLY, FAST],
    categories: categories![READ, HASH, FAST],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    tips: &["nondeterministic_output"],
    arguments: &[
        key("key", 0),
        block("fields", &[integer("numfields"), string("field").multiple()]).after("FIELDS"),
    ],
    ..Spec::new("httl", Group::Hash, -5, "7.4.0")
};

pub static HVALS: Spec = Spec {
    summary: "Reads the values of all fields.",
    complexity: "O(N) in the number of fields",
    flags: flags![READONLY],
    categories: categories![READ, HASH, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    tips: &["nondeterministic_output_order"],
    arguments: &[key("key", 0)],
    ..Spec::new("hvals", Group::Hash, 2, "2.0.0")
};
