//! The facts of the commands for sets.

use super::words::{categories, flags, integer, key, key_flags, pattern, string, token};
use super::{Group, KeySpec, Spec};

/// The commands of this group, without their subcommands.
pub static ALL: &[&Spec] = &[
    &SADD,
    &SCARD,
    &SDIFF,
    &SDIFFCARD,
    &SDIFFSTORE,
    &SINTER,
    &SINTERCARD,
    &SINTERSTORE,
    &SISMEMBER,
    &SMEMBERS,
    &SMISMEMBER,
    &SMOVE,
    &SPOP,
    &SRANDMEMBER,
    &SREM,
    &SSCAN,
    &SUNION,
    &SUNIONCARD,
    &SUNIONSTORE,
];

pub static SADD: Spec = Spec {
    summary: "Adds members to a set, making it if it is missing.",
    complexity: "O(log N) for each member",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, SET, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, INSERT])],
    arguments: &[key("key", 0), string("member").multiple()],
    ..Spec::new("sadd", Group::Set, -3, "1.0.0")
};

pub static SCARD: Spec = Spec {
    summary: "Counts the members of a set.",
    flags: flags![READONLY, FAST],
    categories: categories![READ, SET, FAST],
    keys: &[KeySpec::at(1, key_flags![RO])],
    arguments: &[key("key", 0)],
    ..Spec::new("scard", Group::Set, 2, "1.0.0")
};

pub static SDIFF: Spec = Spec {
    summary: "Gives the members of the first set that are in none of the others.",
    complexity: "O(N) in the number of members of all sets",
    flags: flags![READONLY],
    categories: categories![READ, SET, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS]).up_to(-1)],
    tips: &["nondeterministic_output_order"],
    arguments: &[key("key", 0).multiple()],
    ..Spec::new("sdiff", Group::Set, -2, "1.0.0")
};

pub static SDIFFCARD: Spec = Spec {
    summary: "Counts the members of the first set that are in none of the others.",
    complexity: "O(N) in the number of members of all sets",
    flags: flags![READONLY, MOVABLEKEYS],
    categories: categories![READ, SET, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS]).counted(1)],
    arguments: &[
        integer("numkeys"),
        key("key", 0).multiple(),
        integer("limit").after("LIMIT").optional(),
    ],
    ..Spec::new("sdiffcard", Group::Set, -3, "8.10.0")
};

pub static SDIFFSTORE: Spec = Spec {
    summary: "Stores the members of the first set that are in none of the others.",
    complexity: "O(N) in the number of members of all sets",
    flags: flags![WRITE, DENYOOM],
    categories: categories![WRITE, SET, SLOW],
    keys: &[
        KeySpec::at(1, key_flags![OW, UPDATE]),
        KeySpec::at(2, key_flags![RO, ACCESS]).up_to(-1),
    ],
    arguments: &[key("destination", 0), key("key", 1).multiple()],
    ..Spec::new("sdiffstore", Group::Set, -3, "1.0.0")
};

pub static SINTER: Spec = Spec {
    summary: "Gives the members that all of the sets have.",
    complexity: "O(N*M) in the members of the smallest set and the number of sets",
    flags: flags![READONLY],
    categories: categories![READ, SET, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS]).up_to(-1)],
    tips: &["nondeterministic_output_order"],
    arguments: &[key("key", 0).multiple()],
    ..Spec::new("sinter", Group::Set, -2, "1.0.0")
};

pub static SINTERCARD: Spec = Spec {
    summary: "Counts the members that all of the sets have.",
    complexity: "O(N*M) in the members of the smallest set and the number of sets",
    flags: flags![READONLY, MOVABLEKEYS],
    categories: categories![READ, SET, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS]).counted(1)],
    arguments: &[
        integer("numkeys"),
        key("key", 0).multiple(),
        integer("limit").after("LIMIT").optional(),
    ],
    ..Spec::new("sintercard", Group::Set, -3, "7.0.0")
};

pub static SINTERSTORE: Spec = Spec {
    summary: "Stores the members that all of the sets have.",
    complexity: "O(N*M) in the members of the smallest set and the number of sets",
    flags: flags![WRITE, DENYOOM],
    categories: categories![WRITE, SET, SLOW],
    keys: &[
        KeySpec::at(1, key_flags![OW, UPDATE]),
        KeySpec::at(2, key_flags![RO, ACCESS]).up_to(-1),
    ],
    arguments: &[key("destination", 0), key("key", 1).multiple()],
    ..Spec::new("sinterstore", Group::Set, -3, "1.0.0")
};

pub static SISMEMBER: Spec = Spec {
    summary: "Tells whether a set has a member.",
    complexity: "O(log N)",
    flags: flags![READONLY, FAST],
    categories: categories![READ, SET, FAST],
    keys: &[KeySpec::at(1, key_flags![RO])],
    arguments: &[key("key", 0), string("member")],
    ..Spec::new("sismember", Group::Set, 3, "1.0.0")
};

pub static SMEMBERS: Spec = Spec {
    summary: "Gives all members of a set.",
    complexity: "O(N) in the number of members",
    flags: flags![READONLY],
    categories: categories![READ, SET, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    tips: &["nondeterministic_output_order"],
    arguments: &[key("key", 0)],
    ..Spec::new("smembers", Group::Set, 2, "1.0.0")
};

pub static SMISMEMBER: Spec = Spec {
    summary: "Tells of each of several members whether a set has it.",
    complexity: "O(log N) for each member",
    flags: flags![READONLY, FAST],
    categories: categories![READ, SET, FAST],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[key("key", 0), string("member").multiple()],
    ..Spec::new("smismember", Group::Set, -3, "6.2.0")
};

pub static SMOVE: Spec = Spec {
    summary: "Moves a member from one set to another.",
    complexity: "O(log N)",
    flags: flags![WRITE, FAST],
    categories: categories![WRITE, SET, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, DELETE]), KeySpec::at(2, key_flags![RW, INSERT])],
    arguments: &[key("source", 0), key("destination", 1), string("member")],
    ..Spec::new("smove", Group::Set, 4, "1.0.0")
};

pub static SPOP: Spec = Spec {
    summary: "Takes members picked at random out of a set.",
    complexity: "O(log N) for each member taken",
    flags: flags![WRITE, FAST],
    categories: categories![WRITE, SET, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, DELETE])],
    tips: &["nondeterministic_output"],
    arguments: &[key("key", 0), integer("count").since("3.2.0").optional()],
    ..Spec::new("spop", Group::Set, -2, "1.0.0")
};

pub static SRANDMEMBER: Spec = Spec {
    summary: "Gives members of a set picked at random.",
    complexity: "O(log N) for each member given",
    flags: flags![READONLY],
    categories: categories![READ, SET, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    tips: &["nondeterministic_output"],
    arguments: &[key("key", 0), integer("count").since("2.6.0").optional()],
    ..Spec::new("srandmember", Group::Set, -2, "1.0.0")
};

pub static SREM: Spec = Spec {
    summary: "Takes members out of a set.",
    complexity: "O(log N) for each member",
    flags: flags![WRITE, FAST],
    categories: categories![WRITE, SET, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, DELETE])],
    arguments: &[key("key", 0), string("member").multiple()],
    ..Spec::new("srem", Group::Set, -3, "1.0.0")
};

pub static SSCAN: Spec = Spec {
    summary: "Walks over the members of a set, a few with each call.",
    complexity: "O(1) for each call, O(N) for the whole walk",
    flags: flags![READONLY],
    categories: categories![READ, SET, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    tips: &["nondeterministic_output"],
    arguments: &[
        key("key", 0),
        integer("cursor"),
        pattern("pattern").after("MATCH").optional(),
        integer("count").after("COUNT").optional(),
    ],
    ..Spec::new("sscan", Group::Set, -3, "2.8.0")
};

pub static SUNION: Spec = Spec {
    summary: "Gives the members that any of the sets has.",
    complexity: "O(N) in the number of members of all sets",
    flags: flags![READONLY],
    categories: categories![READ, SET, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS]).up_to(-1)],
    tips: &["nondeterministic_output_order"],
    arguments: &[key("key", 0).multiple()],
    ..Spec::new("sunion", Group::Set, -2, "1.0.0")
};

pub static SUNIONCARD: Spec = Spec {
    summary: "Counts the members that any of the sets has.",
    complexity: "O(N) in the number of members of all sets",
    flags: flags![READONLY, MOVABLEKEYS],
    categories: categories![READ, SET, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS]).counted(1)],
    arguments: &[
        integer("numkeys"),
        key("key", 0).multiple(),
        token("approx", "APPROX").optional(),
        integer("limit").after("LIMIT").optional(),
    ],
    ..Spec::new("sunioncard", Group::Set, -3, "8.10.0")
};

pub static SUNIONSTORE: Spec = Spec {
    summary: "Stores the members that any of the sets has.",
    complexity: "O(N) in the number of members of all sets",
    flags: flags![WRITE, DENYOOM],
    categories: categories![WRITE, SET, SLOW],
    keys: &[
        KeySpec::at(1, key_flags![OW, UPDATE]),
        KeySpec::at(2, key_flags![RO, ACCESS]).up_to(-1),
    ],
    arguments: &[key("destination", 0), key("key", 1).multiple()],
    ..Spec::new("sunionstore", Group::Set, -3, "1.0.0")
};
