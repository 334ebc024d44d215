//! The facts of the commands for strings as rows of bits.

use super::words::{block, categories, flags, integer, key, key_flags, one_of, string, token};
use super::{Group, KeySpec, Spec};

/// The commands of this group, without their subcommands.
pub static ALL: &[&Spec] = &[&BITCOUNT, &BITFIELD, &BITFIELD_RO, &BITOP, &BITPOS, &GETBIT, &SETBIT];

pub static BITCOUNT: Spec = Spec {
    summary: "Counts the bits of a string that are set.",
    complexity: "O(N) in the bytes looked at",
    flags: flags![READONLY],
    categories: categories![READ, BITMAP, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[
        key("key", 0),
        block(
            "range",
            &[
                integer("start"),
                integer("end"),
                one_of("unit", &[token("byte", "BYTE"), token("bit", "BIT")])
                    .since("7.0.0")
                    .optional(),
            ],
        )
        .optional(),
    ],
    ..Spec::new("bitcount", Group::Bitmap, -2, "2.6.0")
};

pub static BITFIELD: Spec = Spec {
    summary: "Reads, sets and adds to integers of any width within a string.",
    complexity: "O(1) for each operation",
    flags: flags![WRITE, DENYOOM],
    categories: categories![WRITE, BITMAP, SLOW],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, UPDATE, VARIABLE_FLAGS])],
    arguments: &[
        key("key", 0),
        one_of(
            "operation",
            &[
                block("get-block", &[string("encoding"), integer("offset")]).after("GET"),
                block(
                    "write",
                    &[
                        one_of(
                            "overflow-block",
                            &[token("wrap", "WRAP"), token("sat", "SAT"), token("fail", "FAIL")],
                        )
                        .after("OVERFLOW")
                        .optional(),
                        one_of(
                            "write-operation",
                            &[
                                block(
                                    "set-block",
                                    &[string("encoding"), integer("offset"), integer("value")],
                                )
                                .after("SET"),
                                block(
                                    "incrby-block",
                                    &[string("encoding"), integer("offset"), integer("increment")],
                                )
                                .after("INCRBY"),
                            ],
                        ),
                    ],
                ),
            ],
        )
        .optional()
        .multiple(),
    ],
    ..Spec::new("bitfield", Group::Bitmap, -2, "3.2.0")
};

pub static BITFIELD_RO: Spec = Spec {
    summary: "Reads integers of any width within a string.",
    complexity: "O(1) for each operation",
    flags: flags![READONLY, FAST],
    categories: categories![READ, BITMAP, FAST],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[
        key("key", 0),
        block("get-block", &[string("encoding"), integer("offset")])
            .after("GET")
            .optional()
            .multiple()
            .multiple_token(),
    ],
    ..Spec::new("bitfield_ro", Group::Bitmap, -2, "6.0.0")
};

pub static BITOP: Spec = Spec {
    summary: "Combines strings bit by bit and stores the result.",
    complexity: "O(N) in the bytes of all strings",
    flags: flags![WRITE, DENYOOM],
    categories: categories![WRITE, BITMAP, SLOW],
    keys: &[
        KeySpec::at(2, key_flags![OW, UPDATE]),
        KeySpec::at(3, key_flags![RO, ACCESS]).up_to(-1),
    ],
    arguments: &[
        one_of(
            "operation",
            &[
                token("and", "AND"),
                token("or", "OR"),
                token("xor", "XOR"),
                token("not", "NOT"),
                token("diff", "DIFF").since("8.2.0"),
                token("diff1", "DIFF1").since("8.2.0"),
                token("andor", "ANDOR").since("8.2.0"),
                token("one", "ONE").since("8.2.0"),
            ],
        ),
        key("destkey", 0),
        key("key", 1).multiple(),
    ],
    ..Spec::new("bitop", Group::Bitmap, -4, "2.6.0")
};

pub static BITPOS: Spec = Spec {
    summary: "Finds the first bit of a string that is set, or that is not.",
    complexity: "O(N) in the bytes looked at",
    flags: flags![READONLY],
    categories: categories![READ, BITMAP, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[
        key("key", 0),
        integer("bit"),
        block(
            "range",
            &[
                integer("start"),
                block(
                    "end-unit-block",
                    &[
                        integer("end"),
                        one_of("unit", &[token("byte", "BYTE"), token("bit", "BIT")])
                            .since("7.0.0")
                            .optional(),
                    ],
                )
                .optional(),
            ],
        )
        .optional(),
    ],
    ..Spec::new("bitpos", Group::Bitmap, -3, "2.8.7")
};

pub static GETBIT: Spec = Spec {
    summary: "Reads one bit of a string.",
    flags: flags![READONLY, FAST],
    categories: categories![READ, BITMAP, FAST],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[key("key", 0), integer("offset")],
    ..Spec::new("getbit", Group::Bitmap, 3, "2.2.0")
};

pub static SETBIT: Spec = Spec {
    summary: "Sets or clears one bit of a string, with zeros before it.",
    flags: flags![WRITE, DENYOOM],
    categories: categories![WRITE, BITMAP, SLOW],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, UPDATE])],
    arguments: &[key("key", 0), integer("offset"), integer("value")],
    ..Spec::new("setbit", Group::Bitmap, 4, "2.2.0")
};
