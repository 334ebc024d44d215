//! The facts of the HyperLogLog commands.

use super::words::{categories, flags, key, key_flags, string};
use super::{Group, KeySpec, Spec};

/// The commands of this group, without their subcommands.
pub static ALL: &[&Spec] = &[&PFADD, &PFCOUNT, &PFDEBUG, &PFMERGE, &PFSELFTEST];

pub static PFADD: Spec = Spec {
    summary: "Adds elements to an estimate of how many distinct ones there are.",
    complexity: "O(1) for each element",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, HYPERLOGLOG, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, INSERT])],
    arguments: &[key("key", 0), string("element").optional().multiple()],
    ..Spec::new("pfadd", Group::HyperLogLog, -2, "2.8.9")
};

pub static PFCOUNT: Spec = Spec {
    summary: "Estimates how many distinct elements were added, to all keys together.",
    complexity: "O(N) in the number of keys",
    flags: flags![READONLY, MAY_REPLICATE],
    categories: categories![READ, HYPERLOGLOG, SLOW],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS]).up_to(-1)],
    arguments: &[key("key", 0).multiple()],
    ..Spec::new("pfcount", Group::HyperLogLog, -2, "2.8.9")
};

pub static PFDEBUG: Spec = Spec {
    summary: "Shows or changes how an estimate is kept.",
    flags: flags![WRITE, DENYOOM, ADMIN],
    categories: categories![WRITE, HYPERLOGLOG, ADMIN, SLOW, DANGEROUS],
    keys: &[KeySpec::at(2, key_flags![RW, ACCESS])],
    arguments: &[string("subcommand"), key("key", 0)],
    ..Spec::new("pfdebug", Group::HyperLogLog, 3, "2.8.9")
};

pub static PFMERGE: Spec = Spec {
    summary: "Merges estimates into one.",
    complexity: "O(N) in the number of keys",
    flags: flags![WRITE, DENYOOM],
    categories: categories![WRITE, HYPERLOGLOG, SLOW],
    keys: &[
        KeySpec::at(1, key_flags![RW, ACCESS, INSERT]),
        KeySpec::at(2, key_flags![RO, ACCESS]).up_to(-1),
    ],
    arguments: &[key("destkey", 0), key("sourcekey", 1).optional().multiple()],
    ..Spec::new("pfmerge", Group::HyperLogLog, -2, "2.8.9")
};

pub static PFSELFTEST: Spec = Spec {
    summary: "Checks the estimates against what is known of them.",
    flags: flags![ADMIN],
    categories: categories![HYPERLOGLOG, ADMIN, SLOW, DANGEROUS],
    ..Spec::new("pfselftest", Group::HyperLogLog, 1, "2.8.9")
};
