//! The facts of the commands for sorted sets.

use super::words::{
    block, categories, double, flags, integer, key, key_flags, one_of, pattern, string, token,
};
use super::{Deprecated, Group, KeySpec, Spec};

/// The commands of this group.
pub static ALL: &[&Spec] = &[
    &BZMPOP,
    &BZPOPMAX,
    &BZPOPMIN,
    &ZADD,
    &ZCARD,
    &ZCOUNT,
    &ZDIFF,
    &ZDIFFSTORE,
    &ZINCRBY,
    &ZINTER,
    &ZINTERCARD,
    &ZINTERSTORE,
    &ZLEXCOUNT,
    &ZMPOP,
    &ZMSCORE,
    &ZPOPMAX,
    &ZPOPMIN,
    &ZRANDMEMBER,
    &ZRANGE,
    &ZRANGEBYLEX,
    &ZRANGEBYSCORE,
    &ZRANGESTORE,
    &ZRANK,
    &ZREM,
    &ZREMRANGEBYLEX,
    &ZREMRANGEBYRANK,
    &ZREMRANGEBYSCORE,
    &ZREVRANGE,
    &ZREVRANGEBYLEX,
    &ZREVRANGEBYSCORE,
    &ZREVRANK,
    &ZSCAN,
    &ZSCORE,
    &ZUNION,
    &ZUNIONSTORE,
];

pub static BZMPOP: Spec = Spec {
    summary: "Takes members from the first sorted set that has any, waiting until one does.",
    complexity: "O(K+M*log N): K keys, M members taken from one of N",
    flags: flags![WRITE, BLOCKING, MOVABLEKEYS],
    categories: categories![WRITE, SORTEDSET, SLOW, BLOCKING],
    keys: &[KeySpec::at(2, key_flags![RW, ACCESS, DELETE]).counted(1)],
    arguments: &[
        double("timeout"),
        integer("numkeys"),
        key("key", 0).multiple(),
        one_of("where", &[token("min", "MIN"), token("max", "MAX")]),
        integer("count").after("COUNT").optional(),
    ],
    ..Spec::new("bzmpop", Group::SortedSet, -5, "7.0.0")
};

pub static BZPOPMAX: Spec = Spec {
    summary: "Takes the member of the highest score, waiting until there is one.",
    complexity: "O(log N) in the number of members",
    flags: flags![WRITE, BLOCKING, FAST],
    categories: categories![WRITE, SORTEDSET, FAST, BLOCKING],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, DELETE]).up_to(-2)],
    arguments: &[key("key", 0).multiple(), double("timeout")],
    ..Spec::new("bzpopmax", Group::SortedSet, -3, "5.0.0")
};

pub static BZPOPMIN: Spec = Spec {
    summary: "Takes the member of the lowest score, waiting until there is one.",
    complexity: "O(log N) in the number of members",
    flags: flags![WRITE, BLOCKING, FAST],
    categories: categories![WRITE, SORTEDSET, FAST, BLOCKING],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, DELETE]).up_to(-2)],
    arguments: &[key("key", 0).multiple(), double("timeout")],
    ..Spec::new("bzpopmin", Group::SortedSet, -3, "5.0.0")
};

pub static ZADD: Spec = Spec {
    summary: "Adds members to a sorted set, or gives them other scores.",
    complexity: "O(log N) for each member, N being how many there are",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, SORTEDSET, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, UPDATE])],
    arguments: &[
        key("key", 0),
        one_of("condition", &[token("nx", "NX"), token("xx", "XX")]).since("3.0.2").optional(),
        one_of("comparison", &[token("gt", "GT"), token("lt", "LT")]).since("6.2.0").optional(),
        token("change", "CH").since("3.0.2").optional(),
        token("increment", "INCR").since("3.0.2").optional(),
        block("data", &[double("score"), string("member")]).multiple(),
    ],
    ..Spec::new("zadd", Group::SortedSet, -4, "1.2.0")
};

pub static ZCARD: Spec = Spec {
    summary: "Counts the members of a sorted set.",
    flags: flags![READONLY, FAST],
    categories: categories![READ, SORTEDSET, FAST],
    keys: &[KeySpec::at(1, key_flags![RO])],
    arguments: &[key("key", 0)],
    ..Spec::new("zcard", Group::SortedSet, 2, "1.2.0")
};

pub static ZCOUNT: Spec = Spec {
    summary: "Counts the members whose scores are in a range.",
    complexity: "O(log N) in the number of members",
    flags: flags![READONLY, FAST],
    categories: categories![READ, SORTEDSET, FAST],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[key("key", 0), double("min"), double("max")],
    ..Spec::new("zcount", Group::SortedSet, 4, "2.0.0")
};

pub static ZDIFF: Spec = Spec {
    summary: "Shows what is in the first of several sorted sets only.",
    complexity: "O(L+M*log M): L members of the first set looked for in the others, M in the result",
    flags: flags![READONLY, MOVABLEKEYS],
    categories: categories![READ, SORTEDSET, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS]).counted(1)],
    arguments: &[
        integer("numkeys"),
        key("key", 0).multiple(),
        token("withscores", "WITHSCORES").optional(),
    ],
    ..Spec::new("zdiff", Group::SortedSet, -3, "6.2.0")
};

pub static ZDIFFSTORE: Spec = Spec {
    summary: "Stores what is in the first of several sorted sets only.",
    complexity: "O(L+M*log M): L members of the first set looked for in the others, M in the result",
    flags: flags![WRITE, DENYOOM, MOVABLEKEYS],
    categories: categories![WRITE, SORTEDSET, SLOW],
    keys: &[
        KeySpec::at(1, key_flags![OW, UPDATE]),
        KeySpec::at(2, key_flags![RO, ACCESS]).counted(1),
    ],
    arguments: &[key("destination", 0), integer("numkeys"), key("key", 1).multiple()],
    ..Spec::new("zdiffstore", Group::SortedSet, -4, "6.2.0")
};

pub static ZINCRBY: Spec = Spec {
    summary: "Adds to the score of a member.",
    complexity: "O(log N) in the number of members",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, SORTEDSET, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, UPDATE])],
    arguments: &[key("key", 0), integer("increment"), string("member")],
    ..Spec::new("zincrby", Group::SortedSet, 4, "1.2.0")
};

pub static ZINTER: Spec = Spec {
    summary: "Shows what is in all of several sorted sets.",
    complexity: "O(N*K+M*log M): N members of the smallest of K sets, M in the result",
    flags: flags![READONLY, MOVABLEKEYS],
    categories: categories![READ, SORTEDSET, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS]).counted(1)],
    arguments: &[
        integer("numkeys"),
        key("key", 0).multiple(),
        integer("weight").after("WEIGHTS").optional().multiple(),
        one_of(
            "aggregate",
            &[
                token("sum", "SUM"),
                token("min", "MIN"),
                token("max", "MAX"),
                token("count", "COUNT"),
            ],
        )
        .after("AGGREGATE")
        .optional(),
        token("withscores", "WITHSCORES").optional(),
    ],
    ..Spec::new("zinter", Group::SortedSet, -3, "6.2.0")
};

pub static ZINTERCARD: Spec = Spec {
    summary: "Counts what is in all of several sorted sets.",
    complexity: "O(N*K): N members of the smallest of K sets",
    flags: flags![READONLY, MOVABLEKEYS],
    categories: categories![READ, SORTEDSET, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS]).counted(1)],
    arguments: &[
        integer("numkeys"),
        key("key", 0).multiple(),
        integer("limit").after("LIMIT").optional(),
    ],
    ..Spec::new("zintercard", Group::SortedSet, -3, "7.0.0")
};

pub static ZINTERSTORE: Spec = Spec {
    summary: "Stores what is in all of several sorted sets.",
    complexity: "O(N*K+M*log M): N members of the smallest of K sets, M in the result",
    flags: flags![WRITE, DENYOOM, MOVABLEKEYS],
    categories: categories![WRITE, SORTEDSET, SLOW],
    keys: &[
        KeySpec::at(1, key_flags![OW, UPDATE]),
        KeySpec::at(2, key_flags![RO, ACCESS]).counted(1),
    ],
    arguments: &[
        key("destination", 0),
        integer("numkeys"),
        key("key", 1).multiple(),
        integer("weight").after("WEIGHTS").optional().multiple(),
        one_of(
            "aggregate",
            &[
                token("sum", "SUM"),
                token("min", "MIN"),
                token("max", "MAX"),
                token("count", "COUNT"),
            ],
        )
        .after("AGGREGATE")
        .optional(),
    ],
    ..Spec::new("zinterstore", Group::SortedSet, -4, "2.0.0")
};

pub static ZLEXCOUNT: Spec = Spec {
    summary: "Counts the members in a range of their bytes.",
    complexity: "O(log N) in the number of members",
    flags: flags![READONLY, FAST],
    categories: categories![READ, SORTEDSET, FAST],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[key("key", 0), string("min"), string("max")],
    ..Spec::new("zlexcount", Group::SortedSet, 4, "2.8.9")
};

pub static ZMPOP: Spec = Spec {
    summary: "Takes members from the first sorted set that has any.",
    complexity: "O(K+M*log N): K keys, M members taken from one of N",
    flags: flags![WRITE, MOVABLEKEYS],
    categories: categories![WRITE, SORTEDSET, SLOW],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, DELETE]).counted(1)],
    arguments: &[
        integer("numkeys"),
        key("key", 0).multiple(),
        one_of("where", &[token("min", "MIN"), token("max", "MAX")]),
        integer("count").after("COUNT").optional(),
    ],
    ..Spec::new("zmpop", Group::SortedSet, -4, "7.0.0")
};

pub static ZMSCORE: Spec = Spec {
    summary: "Reads the scores of members.",
    complexity: "O(M*log N): M members asked for, of N",
    flags: flags![READONLY, FAST],
    categories: categories![READ, SORTEDSET, FAST],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[key("key", 0), string("member").multiple()],
    ..Spec::new("zmscore", Group::SortedSet, -3, "6.2.0")
};

pub static ZPOPMAX: Spec = Spec {
    summary: "Takes the members of the highest scores.",
    complexity: "O(M*log N): M members taken, of N",
    flags: flags![WRITE, FAST],
    categories: categories![WRITE, SORTEDSET, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, DELETE])],
    arguments: &[key("key", 0), integer("count").optional()],
    ..Spec::new("zpopmax", Group::SortedSet, -2, "5.0.0")
};

pub static ZPOPMIN: Spec = Spec {
    summary: "Takes the members of the lowest scores.",
    complexity: "O(M*log N): M members taken, of N",
    flags: flags![WRITE, FAST],
    categories: categories![WRITE, SORTEDSET, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, ACCESS, DELETE])],
    arguments: &[key("key", 0), integer("count").optional()],
    ..Spec::new("zpopmin", Group::SortedSet, -2, "5.0.0")
};

pub static ZRANDMEMBER: Spec = Spec {
    summary: "Shows members at random.",
    complexity: "O(M*log N): M members shown, of N",
    flags: flags![READONLY],
    categories: categories![READ, SORTEDSET, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    tips: &["nondeterministic_output"],
    arguments: &[
        key("key", 0),
        block("options", &[integer("count"), token("withscores", "WITHSCORES").optional()])
            .optional(),
    ],
    ..Spec::new("zrandmember", Group::SortedSet, -2, "6.2.0")
};

pub static ZRANGE: Spec = Spec {
    summary: "Shows the members in a range of ranks, scores or bytes.",
    complexity: "O(log N+M): M members shown, of N",
    flags: flags![READONLY],
    categories: categories![READ, SORTEDSET, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[
        key("key", 0),
        string("start"),
        string("stop"),
        one_of("sortby", &[token("byscore", "BYSCORE"), token("bylex", "BYLEX")])
            .since("6.2.0")
            .optional(),
        token("rev", "REV").since("6.2.0").optional(),
        block("limit", &[integer("offset"), integer("count")])
            .after("LIMIT")
            .since("6.2.0")
            .optional(),
        token("withscores", "WITHSCORES").optional(),
    ],
    ..Spec::new("zrange", Group::SortedSet, -4, "1.2.0")
};

pub static ZRANGEBYLEX: Spec = Spec {
    summary: "Shows the members in a range of their bytes.",
    complexity: "O(log N+M): M members shown, of N",
    flags: flags![READONLY],
    categories: categories![READ, SORTEDSET, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    deprecated: Some(Deprecated {
        since: "6.2.0",
        replaced_by: "`ZRANGE` with the `BYLEX` argument",
    }),
    arguments: &[
        key("key", 0),
        string("min"),
        string("max"),
        block("limit", &[integer("offset"), integer("count")]).after("LIMIT").optional(),
    ],
    ..Spec::new("zrangebylex", Group::SortedSet, -4, "2.8.9")
};

pub static ZRANGEBYSCORE: Spec = Spec {
    summary: "Shows the members whose scores are in a range.",
    complexity: "O(log N+M): M members shown, of N",
    flags: flags![READONLY],
    categories: categories![READ, SORTEDSET, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    deprecated: Some(Deprecated {
        since: "6.2.0",
        replaced_by: "`ZRANGE` with the `BYSCORE` argument",
    }),
    arguments: &[
        key("key", 0),
        double("min"),
        double("max"),
        token("withscores", "WITHSCORES").since("2.0.0").optional(),
        block("limit", &[integer("offset"), integer("count")]).after("LIMIT").optional(),
    ],
    ..Spec::new("zrangebyscore", Group::SortedSet, -4, "1.0.5")
};

pub static ZRANGESTORE: Spec = Spec {
    summary: "Stores the members in a range of ranks, scores or bytes.",
    complexity: "O(log N+M*log M): M members stored, of N",
    flags: flags![WRITE, DENYOOM],
    categories: categories![WRITE, SORTEDSET, SLOW],
    keys: &[KeySpec::at(1, key_flags![OW, UPDATE]), KeySpec::at(2, key_flags![RO, ACCESS])],
    arguments: &[
        key("dst", 0),
        key("src", 1),
        string("min"),
        string("max"),
        one_of("sortby", &[token("byscore", "BYSCORE"), token("bylex", "BYLEX")]).optional(),
        token("rev", "REV").optional(),
        block("limit", &[integer("offset"), integer("count")]).after("LIMIT").optional(),
    ],
    ..Spec::new("zrangestore", Group::SortedSet, -5, "6.2.0")
};

pub static ZRANK: Spec = Spec {
    summary: "Tells how many members have lower scores.",
    complexity: "O(log N) in the number of members",
    flags: flags![READONLY, FAST],
    categories: categories![READ, SORTEDSET, FAST],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[key("key", 0), string("member"), token("withscore", "WITHSCORE").optional()],
    ..Spec::new("zrank", Group::SortedSet, -3, "2.0.0")
};

pub static ZREM: Spec = Spec {
    summary: "Removes members from a sorted set.",
    complexity: "O(M*log N): M members removed, of N",
    flags: flags![WRITE, FAST],
    categories: categories![WRITE, SORTEDSET, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, DELETE])],
    arguments: &[key("key", 0), string("member").multiple()],
    ..Spec::new("zrem", Group::SortedSet, -3, "1.2.0")
};

pub static ZREMRANGEBYLEX: Spec = Spec {
    summary: "Removes the members in a range of their bytes.",
    complexity: "O(M*log N): M members removed, of N",
    flags: flags![WRITE],
    categories: categories![WRITE, SORTEDSET, SLOW],
    keys: &[KeySpec::at(1, key_flags![RW, DELETE])],
    arguments: &[key("key", 0), string("min"), string("max")],
    ..Spec::new("zremrangebylex", Group::SortedSet, 4, "2.8.9")
};

pub static ZREMRANGEBYRANK: Spec = Spec {
    summary: "Removes the members in a range of ranks.",
    complexity: "O(M*log N): M members removed, of N",
    flags: flags![WRITE],
    categories: categories![WRITE, SORTEDSET, SLOW],
    keys: &[KeySpec::at(1, key_flags![RW, DELETE])],
    arguments: &[key("key", 0), integer("start"), integer("stop")],
    ..Spec::new("zremrangebyrank", Group::SortedSet, 4, "2.0.0")
};

pub static ZREMRANGEBYSCORE: Spec = Spec {
    summary: "Removes the members whose scores are in a range.",
    complexity: "O(M*log N): M members removed, of N",
    flags: flags![WRITE],
    categories: categories![WRITE, SORTEDSET, SLOW],
    keys: &[KeySpec::at(1, key_flags![RW, DELETE])],
    arguments: &[key("key", 0), double("min"), double("max")],
    ..Spec::new("zremrangebyscore", Group::SortedSet, 4, "1.2.0")
};

pub static ZREVRANGE: Spec = Spec {
    summary: "Shows the members in a range of ranks, highest scores first.",
    complexity: "O(log N+M): M members shown, of N",
    flags: flags![READONLY],
    categories: categories![READ, SORTEDSET, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    deprecated: Some(Deprecated {
        since: "6.2.0",
        replaced_by: "`ZRANGE` with the `REV` argument",
    }),
    arguments: &[
        key("key", 0),
        integer("start"),
        integer("stop"),
        token("withscores", "WITHSCORES").optional(),
    ],
    ..Spec::new("zrevrange", Group::SortedSet, -4, "1.2.0")
};

pub static ZREVRANGEBYLEX: Spec = Spec {
    summary: "Shows the members in a range of their bytes, last ones first.",
    complexity: "O(log N+M): M members shown, of N",
    flags: flags![READONLY],
    categories: categories![READ, SORTEDSET, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    deprecated: Some(Deprecated {
        since: "6.2.0",
        replaced_by: "`ZRANGE` with the `REV` and `BYLEX` arguments",
    }),
    arguments: &[
        key("key", 0),
        string("max"),
        string("min"),
        block("limit", &[integer("offset"), integer("count")]).after("LIMIT").optional(),
    ],
    ..Spec::new("zrevrangebylex", Group::SortedSet, -4, "2.8.9")
};

pub static ZREVRANGEBYSCORE: Spec = Spec {
    summary: "Shows the members whose scores are in a range, highest first.",
    complexity: "O(log N+M): M members shown, of N",
    flags: flags![READONLY],
    categories: categories![READ, SORTEDSET, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    deprecated: Some(Deprecated {
        since: "6.2.0",
        replaced_by: "`ZRANGE` with the `REV` and `BYSCORE` arguments",
    }),
    arguments: &[
        key("key", 0),
        double("max"),
        double("min"),
        token("withscores", "WITHSCORES").optional(),
        block("limit", &[integer("offset"), integer("count")]).after("LIMIT").optional(),
    ],
    ..Spec::new("zrevrangebyscore", Group::SortedSet, -4, "2.2.0")
};

pub static ZREVRANK: Spec = Spec {
    summary: "Tells how many members have higher scores.",
    complexity: "O(log N) in the number of members",
    flags: flags![READONLY, FAST],
    categories: categories![READ, SORTEDSET, FAST],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[key("key", 0), string("member"), token("withscore", "WITHSCORE").optional()],
    ..Spec::new("zrevrank", Group::SortedSet, -3, "2.0.0")
};

pub static ZSCAN: Spec = Spec {
    summary: "Walks over members and scores in steps.",
    complexity: "O(1) for each step, O(N) for a whole walk",
    flags: flags![READONLY],
    categories: categories![READ, SORTEDSET, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    tips: &["nondeterministic_output"],
    arguments: &[
        key("key", 0),
        integer("cursor"),
        pattern("pattern").after("MATCH").optional(),
        integer("count").after("COUNT").optional(),
    ],
    ..Spec::new("zscan", Group::SortedSet, -3, "2.8.0")
};

pub static ZSCORE: Spec = Spec {
    summary: "Reads the score of a member.",
    complexity: "O(log N) in the number of members",
    flags: flags![READONLY, FAST],
    categories: categories![READ, SORTEDSET, FAST],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[key("key", 0), string("member")],
    ..Spec::new("zscore", Group::SortedSet, 3, "1.2.0")
};

pub static ZUNION: Spec = Spec {
    summary: "Shows what is in any of several sorted sets.",
    complexity: "O(N+M*log M): N members of all sets together, M in the result",
    flags: flags![READONLY, MOVABLEKEYS],
    categories: categories![READ, SORTEDSET, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS]).counted(1)],
    arguments: &[
        integer("numkeys"),
        key("key", 0).multiple(),
        integer("weight").after("WEIGHTS").optional().multiple(),
        one_of(
            "aggregate",
            &[
                token("sum", "SUM"),
                token("min", "MIN"),
                token("max", "MAX"),
                token("count", "COUNT"),
            ],
        )
        .after("AGGREGATE")
        .optional(),
        token("withscores", "WITHSCORES").optional(),
    ],
    ..Spec::new("zunion", Group::SortedSet, -3, "6.2.0")
};

pub static ZUNIONSTORE: Spec = Spec {
    summary: "Stores what is in any of several sorted sets.",
    complexity: "O(N+M*log M): N members of all sets together, M in the result",
    flags: flags![WRITE, DENYOOM, MOVABLEKEYS],
    categories: categories![WRITE, SORTEDSET, SLOW],
    keys: &[
        KeySpec::at(1, key_flags![OW, UPDATE]),
        KeySpec::at(2, key_flags![RO, ACCESS]).counted(1),
    ],
    arguments: &[
        key("destination", 0),
        integer("numkeys"),
        key("key", 1).multiple(),
        integer("weight").after("WEIGHTS").optional().multiple(),
        one_of(
            "aggregate",
            &[
                token("sum", "SUM"),
                token("min", "MIN"),
                token("max", "MAX"),
                token("count", "COUNT"),
            ],
        )
        .after("AGGREGATE")
        .optional(),
    ],
    ..Spec::new("zunionstore", Group::SortedSet, -4, "2.0.0")
};
