//! The facts of the commands for strings.

use super::words::{
    block, categories, double, flags, integer, key, key_flags, one_of, string, token, unix_time,
};
use super::{Deprecated, Group, KeySpec, Spec};

/// The commands of this group, without their subcommands.
pub static ALL: &[&Spec] = &[
    &APPEND,
    &DECR,
    &DECRBY,
    &DELEX,
    &DIGEST,
    &GET,
    &GETDEL,
    &GETEX,
    &GETRANGE,
    &GETSET,
    &INCR,
    &INCRBY,
    &INCRBYFLOAT,
    &INCREX,
    &LCS,
    &MGET,
    &MSET,
    &MSETEX,
    &MSETNX,
    &PSETEX,
    &SET,
    &SETEX,
    &SETNX,
    &SETRANGE,
    &STRLEN,
    &SUBSTR,
];

pub static APPEND: Spec = Spec {
    summary: "Adds bytes at the end of a string, starting from an empty one.",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, STRING, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, INSERT])],
    arguments: &[key("key", 0), string("value")],
    ..Spec::new("append", Group::String, 3, "2.0.0")
};

pub static DECR: Spec = Spec {
    summary: "Subtracts one from an integer, starting from zero.",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, STRING, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, UPDATE])],
    arguments: &[key("key", 0)],
    ..Spec::new("decr", Group::String, 2, "1.0.0")
};

pub static DECRBY: Spec = Spec {
    summary: "Subtracts a number from an integer, starting from zero.",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, STRING, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, UPDATE])],
    arguments: &[key("key", 0), integer("decrement")],
    ..Spec::new("decrby", Group::String, 3, "1.0.0")
};

pub static DELEX: Spec = Spec {
    summary: "Removes a string if its value meets a condition.",
    complexity: "O(1), or O(N) in the length of a value that has to be compared",
    flags: flags![WRITE, FAST],
    categories: categories![WRITE, STRING, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, DELETE])],
    arguments: &[
        key("key", 0),
        one_of(
            "condition",
            &[
                string("ifeq-value").after("IFEQ"),
                string("ifne-value").after("IFNE"),
                string("ifdeq-digest").after("IFDEQ"),
                string("ifdne-digest").after("IFDNE"),
            ],
        )
        .optional(),
    ],
    ..Spec::new("delex", Group::String, -2, "8.4.0")
};

pub static DIGEST: Spec = Spec {
    summary: "Tells a hash of the bytes of a string.",
    complexity: "O(N) in the length of the string",
    flags: flags![READONLY, FAST],
    categories: categories![READ, STRING, FAST],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[key("key", 0)],
    ..Spec::new("digest", Group::String, 2, "8.4.0")
};

pub static GET: Spec = Spec {
    summary: "Reads a string.",
    flags: flags![READONLY, FAST],
    categories: categories![READ, STRING, FAST],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[key("key", 0)],
    ..Spec::new("get", Group::String, 2, "1.0.0")
};

pub static GETDEL: Spec = Spec {
    summary: "Reads a string and removes its key.",
    flags: flags![WRITE, FAST],
    categories: categories![WRITE, STRING, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, DELETE])],
    arguments: &[key("key", 0)],
    ..Spec::new("getdel", Group::String, 2, "6.2.0")
};

pub static GETEX: Spec = Spec {
    summary: "Reads a string and sets or clears its expiry.",
    flags: flags![WRITE, FAST],
    categories: categories![WRITE, STRING, FAST],
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
    ],
    ..Spec::new("getex", Group::String, -2, "6.2.0")
};

pub static GETRANGE: Spec = Spec {
    summary: "Reads a part of a string.",
    complexity: "O(N) in the number of bytes read",
    flags: flags![READONLY],
    categories: categories![READ, STRING, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[key("key", 0), integer("start"), integer("end")],
    ..Spec::new("getrange", Group::String, 4, "2.4.0")
};

pub static GETSET: Spec = Spec {
    summary: "Replaces a string and answers with the old one.",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, STRING, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, UPDATE])],
    deprecated: Some(Deprecated { since: "6.2.0", replaced_by: "`SET` with the `!GET` argument" }),
    arguments: &[key("key", 0), string("value")],
    ..Spec::new("getset", Group::String, 3, "1.0.0")
};

pub static INCR: Spec = Spec {
    summary: "Adds one to an integer, starting from zero.",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, STRING, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, UPDATE])],
    arguments: &[key("key", 0)],
    ..Spec::new("incr", Group::String, 2, "1.0.0")
};

pub static INCRBY: Spec = Spec {
    summary: "Adds a number to an integer, starting from zero.",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, STRING, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, UPDATE])],
    arguments: &[key("key", 0), integer("increment")],
    ..Spec::new("incrby", Group::String, 3, "1.0.0")
};

pub static INCRBYFLOAT: Spec = Spec {
    summary: "Adds a number to a decimal number, starting from zero.",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, STRING, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, UPDATE])],
    arguments: &[key("key", 0), double("increment")],
    ..Spec::new("incrbyfloat", Group::String, 3, "2.6.0")
};

pub static INCREX: Spec = Spec {
    summary: "Adds to a number within bounds and sets its expiry.",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, STRING, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, UPDATE])],
    arguments: &[
        key("key", 0),
        one_of("increment", &[double("float").after("BYFLOAT"), integer("integer").after("BYINT")])
            .optional(),
        token("saturate", "SATURATE").optional(),
        string("lowerbound").after("LBOUND").optional(),
        string("upperbound").after("UBOUND").optional(),
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
        token("enx", "ENX").optional(),
    ],
    ..Spec::new("increx", Group::String, -2, "8.8.0")
};

pub static LCS: Spec = Spec {
    summary: "Finds the longest common subsequence of two strings.",
    complexity: "O(N*M) in the lengths of the strings",
    flags: flags![READONLY],
    categories: categories![READ, STRING, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS]).up_to(1)],
    arguments: &[
        key("key1", 0),
        key("key2", 0),
        token("len", "LEN").optional(),
        token("idx", "IDX").optional(),
        integer("min-match-len").after("MINMATCHLEN").optional(),
        token("withmatchlen", "WITHMATCHLEN").optional(),
    ],
    ..Spec::new("lcs", Group::String, -3, "7.0.0")
};

pub static MGET: Spec = Spec {
    summary: "Reads several strings.",
    complexity: "O(N) in the number of keys",
    flags: flags![READONLY, FAST],
    categories: categories![READ, STRING, FAST],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS]).up_to(-1)],
    tips: &["request_policy:multi_shard"],
    arguments: &[key("key", 0).multiple()],
    ..Spec::new("mget", Group::String, -2, "1.0.0")
};

pub static MSET: Spec = Spec {
    summary: "Writes several strings as one step.",
    complexity: "O(N) in the number of keys",
    flags: flags![WRITE, DENYOOM],
    categories: categories![WRITE, STRING, SLOW],
    keys: &[KeySpec::at(1, key_flags![OW, UPDATE]).every(2).up_to(-1)],
    tips: &["request_policy:multi_shard", "response_policy:all_succeeded"],
    arguments: &[block("data", &[key("key", 0), string("value")]).multiple()],
    ..Spec::new("mset", Group::String, -3, "1.0.1")
};

pub static MSETEX: Spec = Spec {
    summary: "Writes several strings as one step, with a condition and one expiry for all.",
    complexity: "O(N) in the number of keys",
    flags: flags![WRITE, DENYOOM, MOVABLEKEYS],
    categories: categories![WRITE, STRING, SLOW],
    keys: &[KeySpec::at(1, key_flags![OW, UPDATE]).counted(2)],
    arguments: &[
        integer("numkeys"),
        block("data", &[key("key", 0), string("value")]).multiple(),
        one_of("condition", &[token("nx", "NX"), token("xx", "XX")]).optional(),
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
    ],
    ..Spec::new("msetex", Group::String, -4, "8.4.0")
};

pub static MSETNX: Spec = Spec {
    summary: "Writes several strings as one step if none of the keys exists.",
    complexity: "O(N) in the number of keys",
    flags: flags![WRITE, DENYOOM],
    categories: categories![WRITE, STRING, SLOW],
    keys: &[KeySpec::at(1, key_flags![OW, INSERT]).every(2).up_to(-1)],
    arguments: &[block("data", &[key("key", 0), string("value")]).multiple()],
    ..Spec::new("msetnx", Group::String, -3, "1.0.1")
};

pub static PSETEX: Spec = Spec {
    summary: "Writes a string that expires after a number of milliseconds.",
    flags: flags![WRITE, DENYOOM],
    categories: categories![WRITE, STRING, SLOW],
    keys: &[KeySpec::at(1, key_flags![OW, UPDATE])],
    deprecated: Some(Deprecated { since: "2.6.12", replaced_by: "`SET` with the `PX` argument" }),
    arguments: &[key("key", 0), integer("milliseconds"), string("value")],
    ..Spec::new("psetex", Group::String, 4, "2.6.0")
};

pub static SET: Spec = Spec {
    summary: "Writes a string, whatever the key held.",
    flags: flags![WRITE, DENYOOM],
    categories: categories![WRITE, STRING, SLOW],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, UPDATE, VARIABLE_FLAGS])],
    arguments: &[
        key("key", 0),
        string("value"),
        one_of(
            "condition",
            &[
                token("nx", "NX"),
                token("xx", "XX"),
                string("ifeq-value").after("IFEQ").since("8.4.0"),
                string("ifne-value").after("IFNE").since("8.4.0"),
                string("ifdeq-digest").after("IFDEQ").since("8.4.0"),
                string("ifdne-digest").after("IFDNE").since("8.4.0"),
            ],
        )
        .since("2.6.12")
        .optional(),
        token("get", "GET").since("6.2.0").optional(),
        one_of(
            "expiration",
            &[
                integer("seconds").after("EX").since("2.6.12"),
                integer("milliseconds").after("PX").since("2.6.12"),
                unix_time("unix-time-seconds").after("EXAT").since("6.2.0"),
                unix_time("unix-time-milliseconds").after("PXAT").since("6.2.0"),
                token("keepttl", "KEEPTTL").since("6.0.0"),
            ],
        )
        .optional(),
    ],
    ..Spec::new("set", Group::String, -3, "1.0.0")
};

pub static SETEX: Spec = Spec {
    summary: "Writes a string that expires after a number of seconds.",
    flags: flags![WRITE, DENYOOM],
    categories: categories![WRITE, STRING, SLOW],
    keys: &[KeySpec::at(1, key_flags![OW, UPDATE])],
    deprecated: Some(Deprecated { since: "2.6.12", replaced_by: "`SET` with the `EX` argument" }),
    arguments: &[key("key", 0), integer("seconds"), string("value")],
    ..Spec::new("setex", Group::String, 4, "2.0.0")
};

pub static SETNX: Spec = Spec {
    summary: "Writes a string if the key does not exist.",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, STRING, FAST],
    keys: &[KeySpec::at(1, key_flags![OW, INSERT])],
    deprecated: Some(Deprecated { since: "2.6.12", replaced_by: "`SET` with the `NX` argument" }),
    arguments: &[key("key", 0), string("value")],
    ..Spec::new("setnx", Group::String, 3, "1.0.0")
};

pub static SETRANGE: Spec = Spec {
    summary: "Overwrites a part of a string, padding it with zero bytes if it is too short.",
    complexity: "O(N) in the number of bytes written",
    flags: flags![WRITE, DENYOOM],
    categories: categories![WRITE, STRING, SLOW],
    keys: &[KeySpec::at(1, key_flags![RW, UPDATE])],
    arguments: &[key("key", 0), integer("offset"), string("value")],
    ..Spec::new("setrange", Group::String, 4, "2.2.0")
};

pub static STRLEN: Spec = Spec {
    summary: "Tells the length of a string.",
    flags: flags![READONLY, FAST],
    categories: categories![READ, STRING, FAST],
    keys: &[KeySpec::at(1, key_flags![RO])],
    arguments: &[key("key", 0)],
    ..Spec::new("strlen", Group::String, 2, "2.2.0")
};

pub static SUBSTR: Spec = Spec {
    summary: "Reads a part of a string, by the command's old name.",
    complexity: "O(N) in the number of bytes read",
    flags: flags![READONLY],
    categories: categories![READ, STRING, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    deprecated: Some(Deprecated { since: "2.0.0", replaced_by: "`GETRANGE`" }),
    arguments: &[key("key", 0), integer("start"), integer("end")],
    ..Spec::new("substr", Group::String, 4, "1.0.0")
};
