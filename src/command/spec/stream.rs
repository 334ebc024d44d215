//! The facts of the commands for streams and their consumer groups.

use super::words::{
    block, categories, flags, integer, key, key_flags, one_of, pattern, string, token, unix_time,
};
use super::{Group, KeySpec, Spec};

/// The commands of this group, without their subcommands.
pub static ALL: &[&Spec] = &[
    &XACK,
    &XACKDEL,
    &XADD,
    &XAUTOCLAIM,
    &XCFGSET,
    &XCLAIM,
    &XDEL,
    &XDELEX,
    &XGROUP,
    &XIDMPRECORD,
    &XINFO,
    &XLEN,
    &XNACK,
    &XPENDING,
    &XRANGE,
    &XREAD,
    &XREADGROUP,
    &XREDRIVE,
    &XREVRANGE,
    &XSETID,
    &XTRIM,
];

pub static XACK: Spec = Spec {
    summary: "Marks entries as done for a group.",
    complexity: "O(N) in the number of ids",
    flags: flags![WRITE, FAST],
    categories: categories![WRITE, STREAM, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, UPDATE])],
    arguments: &[key("key", 0), string("group"), string("id").multiple()],
    ..Spec::new("xack", Group::Stream, -4, "5.0.0")
};

pub static XACKDEL: Spec = Spec {
    summary: "Marks entries as done for a group and removes them from the stream.",
    complexity: "O(N) in the number of ids",
    flags: flags![WRITE, FAST],
    categories: categories![WRITE, STREAM, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, UPDATE, DELETE])],
    arguments: &[
        key("key", 0),
        string("group"),
        one_of(
            "condition",
            &[token("keepref", "KEEPREF"), token("delref", "DELREF"), token("acked", "ACKED")],
        )
        .optional(),
        block("ids", &[integer("numids"), string("id").multiple()]).after("IDS"),
    ],
    ..Spec::new("xackdel", Group::Stream, -6, "8.2.0")
};

pub static XADD: Spec = Spec {
    summary: "Adds an entry to a stream, making the stream if needed.",
    complexity: "O(1), or O(N) in the number of entries trimmed",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, STREAM, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, UPDATE])],
    tips: &["nondeterministic_output"],
    arguments: &[
        key("key", 0),
        token("nomkstream", "NOMKSTREAM").since("6.2.0").optional(),
        one_of(
            "condition",
            &[token("keepref", "KEEPREF"), token("delref", "DELREF"), token("acked", "ACKED")],
        )
        .optional(),
        one_of(
            "idmp",
            &[
                string("pid").after("IDMPAUTO").shown("producer-id"),
                block(
                    "idmp",
                    &[string("pid").shown("producer-id"), string("iid").shown("idempotent-id")],
                )
                .after("IDMP"),
            ],
        )
        .since("8.6.0")
        .optional(),
        integer("delay-ms").after("DELAY").own().optional(),
        integer("ttl-ms").after("TTL").own().optional(),
        block(
            "trim",
            &[
                one_of(
                    "strategy",
                    &[token("maxlen", "MAXLEN"), token("minid", "MINID").since("6.2.0")],
                ),
                one_of("operator", &[token("equal", "="), token("approximately", "~")]).optional(),
                string("threshold"),
                integer("count").after("LIMIT").since("6.2.0").optional(),
            ],
        )
        .optional(),
        one_of("id-selector", &[token("auto-id", "*"), string("id")]),
        block("data", &[string("field"), string("value")]).multiple(),
    ],
    ..Spec::new("xadd", Group::Stream, -5, "5.0.0")
};

pub static XAUTOCLAIM: Spec = Spec {
    summary: "Takes over pending entries that have been idle for long, walking the group's list.",
    complexity: "O(N) in the number of entries claimed",
    flags: flags![WRITE, FAST],
    categories: categories![WRITE, STREAM, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, DELETE])],
    tips: &["nondeterministic_output"],
    arguments: &[
        key("key", 0),
        string("group"),
        string("consumer"),
        string("min-idle-time"),
        string("start"),
        integer("count").after("COUNT").optional(),
        token("justid", "JUSTID").optional(),
    ],
    ..Spec::new("xautoclaim", Group::Stream, -6, "6.2.0")
};

pub static XCFGSET: Spec = Spec {
    summary: "Changes what a stream or a group does by itself: deduplication, retries, limits.",
    flags: flags![WRITE, FAST],
    categories: categories![WRITE, STREAM, FAST],
    keys: &[
        KeySpec::at(1, key_flags![RW, UPDATE]),
        KeySpec::told_by_options(key_flags![RW, INSERT]).own(),
    ],
    arguments: &[
        key("key", 0),
        integer("idmp-duration").after("IDMP-DURATION").optional(),
        integer("idmp-maxsize").after("IDMP-MAXSIZE").optional(),
        block(
            "stream-parameters",
            &[
                integer("max-len").after("MAXLEN").optional(),
                integer("max-age-ms").after("MAXAGE").optional(),
                one_of("overflow", &[token("drop", "DROP"), token("reject", "REJECT")])
                    .after("OVERFLOW")
                    .optional(),
                one_of("retain", &[token("all", "ALL"), token("acked", "ACKED")])
                    .after("RETAIN")
                    .optional(),
                string("delay-field").after("DELAYFIELD").optional(),
                string("ttl-field").after("TTLFIELD").optional(),
                block("dedup", &[string("dedup-field"), integer("window-ms")])
                    .after("DEDUPFIELD")
                    .optional(),
            ],
        )
        .own()
        .optional(),
        block(
            "group-parameters",
            &[
                string("group").after("GROUP"),
                integer("lease-ms").after("LEASE").optional(),
                integer("max-deliveries").after("MAXDELIVERIES").optional(),
                key("dlq", 1).after("DLQ").optional(),
                block("backoff", &[integer("min-ms"), integer("max-ms")])
                    .after("BACKOFF")
                    .optional(),
                string("order-field").after("ORDERBY").optional(),
                integer("max-in-flight").after("MAXINFLIGHT").optional(),
                block("rate", &[integer("deliveries"), integer("window-ms")])
                    .after("RATE")
                    .optional(),
                block("filter", &[string("field"), pattern("glob")])
                    .after("FILTER")
                    .multiple()
                    .multiple_token()
                    .optional(),
                integer("consumer-ttl-ms").after("CONSUMERTTL").optional(),
            ],
        )
        .own()
        .optional(),
    ],
    ..Spec::new("xcfgset", Group::Stream, -2, "8.6.0")
};

pub static XCLAIM: Spec = Spec {
    summary: "Takes over pending entries by id.",
    complexity: "O(N) in the number of ids",
    flags: flags![WRITE, FAST],
    categories: categories![WRITE, STREAM, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, UPDATE])],
    tips: &["nondeterministic_output"],
    arguments: &[
        key("key", 0),
        string("group"),
        string("consumer"),
        string("min-idle-time"),
        string("id").multiple(),
        integer("ms").after("IDLE").optional(),
        unix_time("unix-time-milliseconds").after("TIME").optional(),
        integer("count").after("RETRYCOUNT").optional(),
        token("force", "FORCE").optional(),
        token("justid", "JUSTID").optional(),
        string("lastid").after("LASTID").optional(),
    ],
    ..Spec::new("xclaim", Group::Stream, -6, "5.0.0")
};

pub static XDEL: Spec = Spec {
    summary: "Removes entries from a stream.",
    complexity: "O(N) in the number of ids",
    flags: flags![WRITE, FAST],
    categories: categories![WRITE, STREAM, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, DELETE])],
    arguments: &[key("key", 0), string("id").multiple()],
    ..Spec::new("xdel", Group::Stream, -3, "5.0.0")
};

pub static XDELEX: Spec = Spec {
    summary: "Removes entries from a stream with a choice of what becomes of references to them.",
    complexity: "O(N) in the number of ids",
    flags: flags![WRITE, FAST],
    categories: categories![WRITE, STREAM, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, DELETE])],
    arguments: &[
        key("key", 0),
        one_of(
            "condition",
            &[token("keepref", "KEEPREF"), token("delref", "DELREF"), token("acked", "ACKED")],
        )
        .optional(),
        block("ids", &[integer("numids"), string("id").multiple()]).after("IDS"),
    ],
    ..Spec::new("xdelex", Group::Stream, -5, "8.2.0")
};

pub static XGROUP: Spec = Spec {
    summary: "Holds the commands about consumer groups.",
    complexity: "Depends on the subcommand",
    categories: categories![SLOW],
    subcommands: &[
        &XGROUP_CREATE,
        &XGROUP_CREATECONSUMER,
        &XGROUP_DELCONSUMER,
        &XGROUP_DESTROY,
        &XGROUP_HELP,
        &XGROUP_SETID,
    ],
    ..Spec::new("xgroup", Group::Stream, -2, "5.0.0")
};

pub static XGROUP_CREATE: Spec = Spec {
    summary: "Makes a consumer group.",
    flags: flags![WRITE, DENYOOM],
    categories: categories![WRITE, STREAM, SLOW],
    keys: &[KeySpec::at(2, key_flags![RW, INSERT])],
    arguments: &[
        key("key", 0),
        string("group"),
        one_of("id-selector", &[string("id"), token("new-id", "$")]),
        token("mkstream", "MKSTREAM").optional(),
        integer("entriesread").after("ENTRIESREAD").shown("entries-read").optional(),
    ],
    ..Spec::new("xgroup|create", Group::Stream, -5, "5.0.0")
};

pub static XGROUP_CREATECONSUMER: Spec = Spec {
    summary: "Makes a consumer in a group.",
    flags: flags![WRITE, DENYOOM],
    categories: categories![WRITE, STREAM, SLOW],
    keys: &[KeySpec::at(2, key_flags![RW, INSERT])],
    arguments: &[key("key", 0), string("group"), string("consumer")],
    ..Spec::new("xgroup|createconsumer", Group::Stream, 5, "6.2.0")
};

pub static XGROUP_DELCONSUMER: Spec = Spec {
    summary: "Removes a consumer; with a policy the group gets its entries back, else they are dropped.",
    complexity: "O(N) in the number of its pending entries",
    flags: flags![WRITE],
    categories: categories![WRITE, STREAM, SLOW],
    keys: &[KeySpec::at(2, key_flags![RW, DELETE])],
    arguments: &[key("key", 0), string("group"), string("consumer")],
    ..Spec::new("xgroup|delconsumer", Group::Stream, 5, "5.0.0")
};

pub static XGROUP_DESTROY: Spec = Spec {
    summary: "Removes a consumer group.",
    complexity: "O(N) in the number of its pending entries",
    flags: flags![WRITE],
    categories: categories![WRITE, STREAM, SLOW],
    keys: &[KeySpec::at(2, key_flags![RW, DELETE])],
    arguments: &[key("key", 0), string("group")],
    ..Spec::new("xgroup|destroy", Group::Stream, 4, "5.0.0")
};

pub static XGROUP_HELP: Spec = Spec {
    summary: "Lists the subcommands of XGROUP.",
    flags: flags![LOADING, STALE],
    categories: categories![STREAM, SLOW],
    ..Spec::new("xgroup|help", Group::Stream, 2, "5.0.0")
};

pub static XGROUP_SETID: Spec = Spec {
    summary: "Moves the place from which a group delivers next.",
    flags: flags![WRITE],
    categories: categories![WRITE, STREAM, SLOW],
    keys: &[KeySpec::at(2, key_flags![RW, UPDATE])],
    arguments: &[
        key("key", 0),
        string("group"),
        one_of("id-selector", &[string("id"), token("new-id", "$")]),
        integer("entriesread").after("ENTRIESREAD").shown("entries-read").optional(),
    ],
    ..Spec::new("xgroup|setid", Group::Stream, -5, "5.0.0")
};

pub static XIDMPRECORD: Spec = Spec {
    summary: "Notes that a producer has sent an entry, so that it is recognised when sent again.",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, STREAM, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, UPDATE])],
    arguments: &[key("key", 0), string("pid"), string("iid"), string("stream-id")],
    ..Spec::new("xidmprecord", Group::Stream, 5, "8.8.0")
};

pub static XINFO: Spec = Spec {
    summary: "Holds the commands that describe streams.",
    complexity: "Depends on the subcommand",
    categories: categories![SLOW],
    subcommands: &[&XINFO_CONSUMERS, &XINFO_GROUPS, &XINFO_HELP, &XINFO_STREAM],
    ..Spec::new("xinfo", Group::Stream, -2, "5.0.0")
};

pub static XINFO_CONSUMERS: Spec = Spec {
    summary: "Describes the consumers of a group.",
    complexity: "O(N) in the number of consumers",
    flags: flags![READONLY],
    categories: categories![READ, STREAM, SLOW],
    keys: &[KeySpec::at(2, key_flags![RO, ACCESS])],
    tips: &["nondeterministic_output"],
    arguments: &[key("key", 0), string("group")],
    ..Spec::new("xinfo|consumers", Group::Stream, 4, "5.0.0")
};

pub static XINFO_GROUPS: Spec = Spec {
    summary: "Describes the groups of a stream.",
    complexity: "O(N) in the number of groups",
    flags: flags![READONLY],
    categories: categories![READ, STREAM, SLOW],
    keys: &[KeySpec::at(2, key_flags![RO, ACCESS])],
    arguments: &[key("key", 0)],
    ..Spec::new("xinfo|groups", Group::Stream, 3, "5.0.0")
};

pub static XINFO_HELP: Spec = Spec {
    summary: "Lists the subcommands of XINFO.",
    flags: flags![LOADING, STALE],
    categories: categories![STREAM, SLOW],
    ..Spec::new("xinfo|help", Group::Stream, 2, "5.0.0")
};

pub static XINFO_STREAM: Spec = Spec {
    summary: "Describes a stream.",
    complexity: "O(1), with FULL O(N) in the number of items shown",
    flags: flags![READONLY],
    categories: categories![READ, STREAM, SLOW],
    keys: &[KeySpec::at(2, key_flags![RO, ACCESS])],
    arguments: &[
        key("key", 0),
        block("full-block", &[token("full", "FULL"), integer("count").after("COUNT").optional()])
            .optional(),
    ],
    ..Spec::new("xinfo|stream", Group::Stream, -3, "5.0.0")
};

pub static XLEN: Spec = Spec {
    summary: "Counts the entries of a stream.",
    flags: flags![READONLY, FAST],
    categories: categories![READ, STREAM, FAST],
    keys: &[KeySpec::at(1, key_flags![RO])],
    arguments: &[key("key", 0)],
    ..Spec::new("xlen", Group::Stream, 2, "5.0.0")
};

pub static XNACK: Spec = Spec {
    summary: "Gives pending entries of a group back for delivery.",
    complexity: "O(N) in the number of ids",
    flags: flags![WRITE, FAST],
    categories: categories![WRITE, STREAM, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, UPDATE])],
    arguments: &[
        key("key", 0),
        string("group"),
        one_of(
            "mode",
            &[token("silent", "SILENT"), token("fail", "FAIL"), token("fatal", "FATAL")],
        ),
        block("ids", &[integer("numids"), string("id").multiple()]).after("IDS"),
        integer("count").after("RETRYCOUNT").optional(),
        token("force", "FORCE").optional(),
        integer("delay-ms").after("DELAY").own().optional(),
        string("consumer").after("CONSUMER").own().optional(),
    ],
    ..Spec::new("xnack", Group::Stream, -7, "8.8.0")
};

pub static XPENDING: Spec = Spec {
    summary: "Tells which entries a group has delivered that are not yet acknowledged.",
    complexity: "O(1) for the summary, O(N) in the number of entries shown",
    flags: flags![READONLY],
    categories: categories![READ, STREAM, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    tips: &["nondeterministic_output"],
    arguments: &[
        key("key", 0),
        string("group"),
        block(
            "filters",
            &[
                integer("min-idle-time").after("IDLE").since("6.2.0").optional(),
                string("start"),
                string("end"),
                integer("count"),
                string("consumer").optional(),
            ],
        )
        .optional(),
    ],
    ..Spec::new("xpending", Group::Stream, -3, "5.0.0")
};

pub static XRANGE: Spec = Spec {
    summary: "Reads the entries between two ids.",
    complexity: "O(N) in the number of entries read",
    flags: flags![READONLY],
    categories: categories![READ, STREAM, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[
        key("key", 0),
        string("start"),
        string("end"),
        integer("count").after("COUNT").optional(),
    ],
    ..Spec::new("xrange", Group::Stream, -4, "5.0.0")
};

pub static XREAD: Spec = Spec {
    summary: "Reads the entries behind an id from streams, waiting for some if asked to.",
    complexity: "O(N) in the number of entries read",
    flags: flags![READONLY, BLOCKING, MOVABLEKEYS],
    categories: categories![READ, STREAM, SLOW, BLOCKING],
    keys: &[KeySpec::after("STREAMS", 1, key_flags![RO, ACCESS]).half_to_end()],
    arguments: &[
        integer("count").after("COUNT").optional(),
        integer("maxcount").after("MAXCOUNT").since("8.10.0").optional(),
        integer("maxsize").after("MAXSIZE").since("8.10.0").optional(),
        integer("milliseconds").after("BLOCK").optional(),
        block("streams", &[key("key", 0).multiple(), string("id").multiple()]).after("STREAMS"),
    ],
    ..Spec::new("xread", Group::Stream, -4, "5.0.0")
};

pub static XREADGROUP: Spec = Spec {
    summary: "Delivers entries to a consumer of a group, waiting for some if asked to.",
    complexity: "O(N) in the number of entries delivered",
    flags: flags![WRITE, BLOCKING, MOVABLEKEYS],
    categories: categories![WRITE, STREAM, SLOW, BLOCKING],
    keys: &[KeySpec::after("STREAMS", 4, key_flags![RO, ACCESS]).half_to_end()],
    arguments: &[
        block("group-block", &[string("group"), string("consumer")]).after("GROUP"),
        integer("count").after("COUNT").optional(),
        integer("maxcount").after("MAXCOUNT").since("8.10.0").optional(),
        integer("maxsize").after("MAXSIZE").since("8.10.0").optional(),
        integer("milliseconds").after("BLOCK").optional(),
        integer("min-idle-time").after("CLAIM").since("8.4.0").optional(),
        token("noack", "NOACK").optional(),
        block("streams", &[key("key", 0).multiple(), string("id").multiple()]).after("STREAMS"),
    ],
    ..Spec::new("xreadgroup", Group::Stream, -7, "5.0.0")
};

pub static XREDRIVE: Spec = Spec {
    summary: "Returns dead letters to the groups they died in, or to another stream.",
    complexity: "O(N) in the number of entries returned",
    flags: flags![WRITE, DENYOOM, MOVABLEKEYS],
    categories: categories![WRITE, STREAM, SLOW],
    keys: &[
        KeySpec::at(1, key_flags![RW, ACCESS, DELETE]),
        KeySpec::after("TO", 4, key_flags![RW, INSERT]),
    ],
    arguments: &[
        key("key", 0),
        one_of(
            "which",
            &[
                integer("count").after("COUNT"),
                block("ids", &[integer("numids"), string("id").multiple()]).after("IDS"),
            ],
        ),
        key("to", 1).after("TO").optional(),
    ],
    ..Spec::new("xredrive", Group::Stream, -4, "8.10.0")
};

pub static XREVRANGE: Spec = Spec {
    summary: "Reads the entries between two ids, the newest first.",
    complexity: "O(N) in the number of entries read",
    flags: flags![READONLY],
    categories: categories![READ, STREAM, SLOW],
    keys: &[KeySpec::at(1, key_flags![RO, ACCESS])],
    arguments: &[
        key("key", 0),
        string("end"),
        string("start"),
        integer("count").after("COUNT").optional(),
    ],
    ..Spec::new("xrevrange", Group::Stream, -4, "5.0.0")
};

pub static XSETID: Spec = Spec {
    summary: "Sets the last id and the counters of a stream.",
    flags: flags![WRITE, DENYOOM, FAST],
    categories: categories![WRITE, STREAM, FAST],
    keys: &[KeySpec::at(1, key_flags![RW, UPDATE])],
    arguments: &[
        key("key", 0),
        string("last-id"),
        integer("entries-added").after("ENTRIESADDED").since("7.0.0").optional(),
        string("max-deleted-id").after("MAXDELETEDID").since("7.0.0").optional(),
    ],
    ..Spec::new("xsetid", Group::Stream, -3, "5.0.0")
};

pub static XTRIM: Spec = Spec {
    summary: "Removes the oldest entries of a stream up to a length or an id.",
    complexity: "O(N) in the number of entries trimmed",
    flags: flags![WRITE],
    categories: categories![WRITE, STREAM, SLOW],
    keys: &[KeySpec::at(1, key_flags![RW, DELETE])],
    tips: &["nondeterministic_output"],
    arguments: &[
        key("key", 0),
        block(
            "trim",
            &[
                one_of(
                    "strategy",
                    &[token("maxlen", "MAXLEN"), token("minid", "MINID").since("6.2.0")],
                ),
                one_of("operator", &[token("equal", "="), token("approximately", "~")]).optional(),
                string("threshold"),
                integer("count").after("LIMIT").since("6.2.0").optional(),
                one_of(
                    "condition",
                    &[
                        token("keepref", "KEEPREF"),
                        token("delref", "DELREF"),
                        token("acked", "ACKED"),
                    ],
                )
                .optional(),
            ],
        ),
    ],
    ..Spec::new("xtrim", Group::Stream, -4, "5.0.0")
};
