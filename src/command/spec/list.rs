//! The facts of the commands for lists.

use super::words::{
    block, categories, double, flags, integer, key, key_flags, one_of, string, token,
};
use super::{Deprecated, Group, KeySpec, Spec};

/// The commands of this group, without their subcommands.
pub static ALL: &[&Spec] = &[
    &BLMOVE,
    &BLMOVEM,
    &BLMPOP,
    &BLPOP,
    &BRPOP,
    &BRPOPLPUSH,
    &LINDEX,
    &LINSERT,
    &LLEN,
    &LMOVE,
    &LMOVEM,
    &LMPOP,
    &LPOP,
    &LPOS,
    &LPUSH,
    &LPUSHX,
    &LRANGE,
    &LREM,
    &LSET,
    &LTRIM,
    &RPOP,
    &RPOPLPUSH,
    &RPUSH,
    &RPUSHX,
];

pub static BLMOVE: Spec = Spec {
    summary: "Moves one element between the ends of two lists, waiting until there is one.",
    flags: flags![WRITE, DENYOOM, BLOCKING],
    categories: categories![WRITE, LIST, SLOW, BLOCKING],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, DELETE]), KeySpec::at(2, key_flags![RW, INSERT])],
    arguments: &[
        key("source", 0),
        key("destination", 1),
        one_of("wherefrom", &[token("left", "LEFT"), token("right", "RIGHT")]),
        one_of("whereto", &[token("left", "LEFT"), token("right", "RIGHT")]),
        double("timeout"),
    ],
    ..Spec::new("blmove", Group::List, 6, "6.2.0")
};

pub static BLMOVEM: Spec = Spec {
    summary: "Moves up to a number of elements between the ends of two lists, waiting until there are any.",
    complexity: "O(N) in the number of elements moved",
    flags: flags![WRITE, DENYOOM, BLOCKING],
    categories: categories![WRITE, LIST, SLOW, BLOCKING],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, DELETE]), KeySpec::at(2, key_flags![RW, INSERT])],
    arguments: &[
        key("source", 0),
        key("destination", 1),
        one_of("wherefrom", &[token("left", "LEFT"), token("right", "RIGHT")]),
        one_of("whereto", &[token("left", "LEFT"), token("right", "RIGHT")]),
        double("timeout"),
        block(
            "how-many",
            &[
                one_of(
                    "selector",
                    &[integer("count").after("COUNT"), integer("exactly").after("EXACTLY")],
                ),
                one_of("ordering", &[token("obo", "OBO"), token("bulk", "BULK")]),
            ],
        )
        .optional(),
    ],
    ..Spec::new("blmovem", Group::List, -6, "8.10.0")
};

pub static BLMPOP: Spec = Spec {
    summary: "Takes elements from the first list that has any, waiting until one does.",
    complexity: "O(N+M) in the number of keys and of elements taken",
    flags: flags![WRITE, BLOCKING, MOVABLEKEYS],
    categories: categories![WRITE, LIST, SLOW, BLOCKING],
    keys: &[KeySpec::at(2, key_flags![RW, ACCESS, DELETE]).counted(1)],
    arguments: &[
        double("timeout"),
        integer("numkeys"),
        key("key", 0).multiple(),
        one_of("where", &[token("left", "LEFT"), token("right", "RIGHT")]),
        integer("count").after("COUNT").optional(),
    ],
    ..Spec::new("blmpop", Group::List, -5, "7.0.0")
};

pub static BLPOP: Spec = Spec {
    summary: "Takes the head of the first list that has one, waiting until one does.",
    complexity: "O(N) in the number of keys",
    flags: flags![WRITE, BLOCKING],
    categories: categories![WRITE, LIST, SLOW, BLOCKING],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, DELETE]).up_to(-2)],
    arguments: &[key("key", 0).multiple(), double("timeout")],
    ..Spec::new("blpop", Group::List, -3, "2.0.0")
};

pub static BRPOP: Spec = Spec {
    summary: "Takes the tail of the first list that has one, waiting until one does.",
    complexity: "O(N) in the number of keys",
    flags: flags![WRITE, BLOCKING],
    categories: categories![WRITE, LIST, SLOW, BLOCKING],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, DELETE]).up_to(-2)],
    arguments: &[key("key", 0).multiple(), double("timeout")],
    ..Spec::new("brpop", Group::List, -3, "2.0.0")
};

pub static BRPOPLPUSH: Spec = Spec {
    summary: "Moves the tail of a list to the head of another, waiting until there is one.",
    flags: flags![WRITE, DENYOOM, BLOCKING],
    categories: categories![WRITE, LIST, SLOW, BLOCKING],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, DELETE]), KeySpec::at(2, key_flags![RW, INSERT])],
    deprecated: Some(Deprecated {
        since: "6.2.0",
        replaced_by: "`BLMOVE` with the `RIGHT` and `LEFT` arguments",
    }),
    arguments: &[key("source", 0), key("destination", 1), double("timeout")],
    ..Spec::new("brpoplpush", Group::List, 4, "2.2.0")
};

pub static LINDEX: Spec = Spec {
    summary: "Reads the element at a position.",
    complexity: "O(N) in the number of chunks passed",
    flags: flags![READONLY],
    categories: categories![READ, LIST, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[key("key", 0), integer("index")],
    ..Spec::new("lindex", Group::List, 3, "1.0.0")
};

pub static LINSERT: Spec = Spec {
    summary: "Puts an element before or after another.",
    complexity: "O(N) in the number of elements passed",
    flags: flags![WRITE, DENYOOM],
    categories: categories![WRITE, LIST, SLOW],
    keys: &[KeySpec::at(1, key_flags![RW, INSERT])],
    arguments: &[
        key("key", 0),
        one_of("where", &[token("before", "BEFORE"), token("after", "AFTER")]),
        string("pivot"),
        string("element"),
    ],
    ..Spec::new("linsert", Group::List, 5, "2.2.0")
};

pub static LLEN: Spec = Spec {
    summary: "Counts the elements of a list.",
    flags: flags![READONLY, FAST],
    categories: categories![READ, LIST, FAST],
    keys: &[KeySpec::at(1, key_flags![RO])],
    arguments: &[key("key", 0)],
    ..Spec::new("llen", Group::List, 2, "1.0.0")
};

pub static LMOVE: Spec = Spec {
    summary: "Moves one element between the ends of two lists.",
    flags: flags![WRITE, DENYOOM],
    categories: categories![WRITE, LIST, SLOW],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, DELETE]), KeySpec::at(2, key_flags![RW, INSERT])],
    arguments: &[
        key("source", 0),
        key("destination", 1),
        one_of("wherefrom", &[token("left", "LEFT"), token("right", "RIGHT")]),
        one_of("whereto", &[token("left", "LEFT"), token("right", "RIGHT")]),
    ],
    ..Spec::new("lmove", Group::List, 5, "6.2.0")
};

pub static LMOVEM: Spec = Spec {
    summary: "Moves up to a number of elements between the ends of two lists.",
    complexity: "O(N) in the number of elements moved",
    flags: flags![WRITE, DENYOOM],
    categories: categories![WRITE, LIST, SLOW],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, DELETE]), KeySpec::at(2, key_flags![RW, INSERT])],
    arguments: &[
        key("source", 0),
        key("destination", 1),
        one_of("wherefrom", &[token("left", "LEFT"), token("right", "RIGHT")]),
        one_of("whereto", &[token("left", "LEFT"), token("right", "RIGHT")]),
        block(
            "how-many",
            &[
                one_of(
                    "selector",
                    &[integer("count").after("COUNT"), integer("exactly").after("EXACTLY")],
                ),
                one_of("ordering", &[token("obo", "OBO"), token("bulk", "BULK")]),
            ],
        )
        .optional(),
    ],
    ..Spec::new("lmovem", Group::List, -5, "8.10.0")
};

pub static LMPOP: Spec = Spec {
    summary: "Takes elements from the first list that has any.",
    complexity: "O(N+M) in the number of keys and of elements taken",
    flags: flags![WRITE, MOVABLEKEYS],
    categories: categories![WRITE, LIST, SLOW],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, DELETE]).counted(1)],
    arguments: &[
        integer("numkeys"),
        key("key", 0).multiple(),
        one_of("where", &[token("left", "LEFT"), token("right", "RIGHT")]),
        integer("count").after("COUNT").optional(),
    ],
    ..Spec::new("lmpop", Group::List, -4, "7.0.0")
};

pub static LPOP: Spec = Spec {
    summary: "Takes elements from the head of a list.",
    complexity: "O(N) in the number of elements taken",
    flags: flags![WRITE, FAST],
    categories: categories![WRITE, LIST, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, DELETE])],
    arguments: &[key("key", 0), integer("count").since("6.2.0").optional()],
    ..Spec::new("lpop", Group::List, -2, "1.0.0")
};

pub static LPOS: Spec = Spec {
    summary: "Finds the positions of an element.",
    complexity: "O(N) in the number of elements passed",
    flags: flags![READONLY],
    categories: categories![READ, LIST, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[
        key("key", 0),
        string("element"),
        integer("rank").after("RANK").optional(),
        integer("num-matches").after("COUNT").optional(),
        integer("len").after("MAXLEN").optional(),
    ],
    ..Spec::new("lpos", Group::List, -3, "6.0.6")
};

pub static LPUSH: Spec = Spec {
    summary: "Adds elements at the head of a list, making the list if needed.",
    complexity: "O(N) in the number of elements added",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, LIST, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, INSERT])],
    arguments: &[key("key", 0), string("element").multiple()],
    ..Spec::new("lpush", Group::List, -3, "1.0.0")
};

pub static LPUSHX: Spec = Spec {
    summary: "Adds elements at the head of a list that exists.",
    complexity: "O(N) in the number of elements added",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, LIST, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, INSERT])],
    arguments: &[key("key", 0), string("element").multiple()],
    ..Spec::new("lpushx", Group::List, -3, "2.2.0")
};

pub static LRANGE: Spec = Spec {
    summary: "Reads the elements between two positions.",
    complexity: "O(S+N) in the chunks passed and the elements read",
    flags: flags![READONLY],
    categories: categories![READ, LIST, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[key("key", 0), integer("start"), integer("stop")],
    ..Spec::new("lrange", Group::List, 4, "1.0.0")
};

pub static LREM: Spec = Spec {
    summary: "Removes elements equal to a value.",
    complexity: "O(N) in the length of the list",
    flags: flags![WRITE],
    categories: categories![WRITE, LIST, SLOW],
    keys: &[KeySpec::at(1, key_flags![RW, DELETE])],
    arguments: &[key("key", 0), integer("count"), string("element")],
    ..Spec::new("lrem", Group::List, 4, "1.0.0")
};

pub static LSET: Spec = Spec {
    summary: "Replaces the element at a position.",
    complexity: "O(N) in the number of chunks passed",
    flags: flags![WRITE, DENYOOM],
    categories: categories![WRITE, LIST, SLOW],
    keys: &[KeySpec::at(1, key_flags![RW, UPDATE])],
    arguments: &[key("key", 0), integer("index"), string("element")],
    ..Spec::new("lset", Group::List, 4, "1.0.0")
};

pub static LTRIM: Spec = Spec {
    summary: "Keeps the elements between two positions and removes the others.",
    complexity: "O(N) in the number of elements removed",
    flags: flags![WRITE],
    categories: categories![WRITE, LIST, SLOW],
    keys: &[KeySpec::at(1, key_flags![RW, DELETE])],
    arguments: &[key("key", 0), integer("start"), integer("stop")],
    ..Spec::new("ltrim", Group::List, 4, "1.0.0")
};

pub static RPOP: Spec = Spec {
    summary: "Takes elements from the tail of a list.",
    complexity: "O(N) in the number of elements taken",
    flags: flags![WRITE, FAST],
    categories: categories![WRITE, LIST, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, DELETE])],
    arguments: &[key("key", 0), integer("count").since("6.2.0").optional()],
    ..Spec::new("rpop", Group::List, -2, "1.0.0")
};

pub static RPOPLPUSH: Spec = Spec {
    summary: "Moves the tail of a list to the head of another.",
    flags: flags![WRITE, DENYOOM],
    categories: categories![WRITE, LIST, SLOW],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, DELETE]), KeySpec::at(2, key_flags![RW, INSERT])],
    deprecated: Some(Deprecated {
        since: "6.2.0",
        replaced_by: "`LMOVE` with the `RIGHT` and `LEFT` arguments",
    }),
    arguments: &[key("source", 0), key("destination", 1)],
    ..Spec::new("rpoplpush", Group::List, 3, "1.2.0")
};

pub static RPUSH: Spec = Spec {
    summary: "Adds elements at the tail of a list, making the list if needed.",
    complexity: "O(N) in the number of elements added",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, LIST, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, INSERT])],
    arguments: &[key("key", 0), string("element").multiple()],
    ..Spec::new("rpush", Group::List, -3, "1.0.0")
};

pub static RPUSHX: Spec = Spec {
    summary: "Adds elements at the tail of a list that exists.",
    complexity: "O(N) in the number of elements added",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, LIST, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, INSERT])],
    arguments: &[key("key", 0), string("element").multiple()],
    ..Spec::new("rpushx", Group::List, -3, "2.2.0")
};
