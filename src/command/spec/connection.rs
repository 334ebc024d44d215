//! The facts of the commands for connections and clients.

use super::words::{block, categories, flags, integer, one_of, string, token};
use super::{Deprecated, Group, Spec};

/// The commands of this group, without their subcommands.
pub static ALL: &[&Spec] = &[&AUTH, &CLIENT, &ECHO, &HELLO, &PING, &QUIT, &RESET, &SELECT];

pub static AUTH: Spec = Spec {
    summary: "Logs the connection in.",
    complexity: "O(N) in the number of passwords of the user",
    flags: flags![NOSCRIPT, LOADING, STALE, FAST, NO_AUTH, ALLOW_BUSY],
    categories: categories![FAST, CONNECTION],
    arguments: &[string("username").since("6.0.0").optional(), string("password")],
    ..Spec::new("auth", Group::Connection, -2, "1.0.0")
};

pub static CLIENT: Spec = Spec {
    summary: "Holds the commands about connections.",
    complexity: "Depends on the subcommand",
    categories: categories![SLOW],
    subcommands: &[
        &CLIENT_CACHING,
        &CLIENT_GETNAME,
        &CLIENT_GETREDIR,
        &CLIENT_HELP,
        &CLIENT_ID,
        &CLIENT_INFO,
        &CLIENT_KILL,
        &CLIENT_LIST,
        &CLIENT_NO_EVICT,
        &CLIENT_NO_TOUCH,
        &CLIENT_PAUSE,
        &CLIENT_REPLY,
        &CLIENT_SETINFO,
        &CLIENT_SETNAME,
        &CLIENT_TRACKING,
        &CLIENT_TRACKINGINFO,
        &CLIENT_UNBLOCK,
        &CLIENT_UNPAUSE,
    ],
    ..Spec::new("client", Group::Connection, -2, "2.4.0")
};

pub static CLIENT_CACHING: Spec = Spec {
    summary: "Says whether the keys that the next command reads are cached by the client.",
    flags: flags![NOSCRIPT, LOADING, STALE],
    categories: categories![SLOW, CONNECTION],
    arguments: &[one_of("mode", &[token("yes", "YES"), token("no", "NO")])],
    ..Spec::new("client|caching", Group::Connection, 3, "6.0.0")
};

pub static CLIENT_GETREDIR: Spec = Spec {
    summary: "Tells which connection is told of the keys that this one caches.",
    flags: flags![NOSCRIPT, LOADING, STALE],
    categories: categories![SLOW, CONNECTION],
    ..Spec::new("client|getredir", Group::Connection, 2, "6.0.0")
};

pub static CLIENT_TRACKING: Spec = Spec {
    summary: "Has this connection told when keys that it caches change, or no longer.",
    complexity: "O(1); some of its options are O(N) in the number of prefixes",
    flags: flags![NOSCRIPT, LOADING, STALE],
    categories: categories![SLOW, CONNECTION],
    arguments: &[
        one_of("status", &[token("on", "ON"), token("off", "OFF")]),
        integer("client-id").after("REDIRECT").optional(),
        string("prefix").after("PREFIX").optional().multiple().multiple_token(),
        token("bcast", "BCAST").optional(),
        token("optin", "OPTIN").optional(),
        token("optout", "OPTOUT").optional(),
        token("noloop", "NOLOOP").optional(),
    ],
    ..Spec::new("client|tracking", Group::Connection, -3, "6.0.0")
};

pub static CLIENT_TRACKINGINFO: Spec = Spec {
    summary: "Tells how this connection is told of the keys that it caches.",
    flags: flags![NOSCRIPT, LOADING, STALE],
    categories: categories![SLOW, CONNECTION],
    ..Spec::new("client|trackinginfo", Group::Connection, 2, "6.2.0")
};

pub static CLIENT_GETNAME: Spec = Spec {
    summary: "Tells the name of this connection.",
    flags: flags![NOSCRIPT, LOADING, STALE],
    categories: categories![SLOW, CONNECTION],
    ..Spec::new("client|getname", Group::Connection, 2, "2.6.9")
};

pub static CLIENT_HELP: Spec = Spec {
    summary: "Lists the subcommands of CLIENT.",
    flags: flags![LOADING, STALE],
    categories: categories![SLOW, CONNECTION],
    ..Spec::new("client|help", Group::Connection, 2, "5.0.0")
};

pub static CLIENT_ID: Spec = Spec {
    summary: "Tells the number of this connection.",
    flags: flags![NOSCRIPT, LOADING, STALE],
    categories: categories![SLOW, CONNECTION],
    ..Spec::new("client|id", Group::Connection, 2, "5.0.0")
};

pub static CLIENT_INFO: Spec = Spec {
    summary: "Describes this connection.",
    flags: flags![NOSCRIPT, LOADING, STALE],
    categories: categories![SLOW, CONNECTION],
    tips: &["nondeterministic_output"],
    ..Spec::new("client|info", Group::Connection, 2, "6.2.0")
};

pub static CLIENT_KILL: Spec = Spec {
    summary: "Closes connections, one by address or all that match.",
    complexity: "O(N) in the number of connections",
    flags: flags![ADMIN, NOSCRIPT, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS, CONNECTION],
    arguments: &[one_of(
        "filter",
        &[
            string("old-format").shown("ip:port").deprecated_since("2.8.12"),
            one_of(
                "new-format",
                &[
                    integer("client-id").after("ID").since("2.8.12").optional(),
                    one_of(
                        "client-type",
                        &[
                            token("normal", "NORMAL"),
                            token("master", "MASTER").since("3.2.0"),
                            token("slave", "SLAVE"),
                            token("replica", "REPLICA").since("5.0.0"),
                            token("pubsub", "PUBSUB"),
                        ],
                    )
                    .after("TYPE")
                    .since("2.8.12")
                    .optional(),
                    string("username").after("USER").optional(),
                    string("addr").after("ADDR").shown("ip:port").optional(),
                    string("laddr").after("LADDR").shown("ip:port").since("6.2.0").optional(),
                    one_of("skipme", &[token("yes", "YES"), token("no", "NO")])
                        .after("SKIPME")
                        .optional(),
                    integer("maxage").after("MAXAGE").since("7.4.0").optional(),
                ],
            )
            .multiple(),
        ],
    )],
    ..Spec::new("client|kill", Group::Connection, -3, "2.4.0")
};

pub static CLIENT_LIST: Spec = Spec {
    summary: "Describes the open connections, all or those that match.",
    complexity: "O(N) in the number of connections",
    flags: flags![ADMIN, NOSCRIPT, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS, CONNECTION],
    tips: &["nondeterministic_output"],
    arguments: &[
        one_of(
            "client-type",
            &[
                token("normal", "NORMAL"),
                token("master", "MASTER"),
                token("replica", "REPLICA"),
                token("pubsub", "PUBSUB"),
            ],
        )
        .after("TYPE")
        .since("5.0.0")
        .optional(),
        integer("client-id").after("ID").since("6.2.0").optional().multiple(),
    ],
    ..Spec::new("client|list", Group::Connection, -2, "2.4.0")
};

pub static CLIENT_NO_EVICT: Spec = Spec {
    summary: "Exempts this connection from being closed for the memory it holds.",
    flags: flags![ADMIN, NOSCRIPT, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS, CONNECTION],
    arguments: &[one_of("enabled", &[token("on", "ON"), token("off", "OFF")])],
    ..Spec::new("client|no-evict", Group::Connection, 3, "7.0.0")
};

pub static CLIENT_NO_TOUCH: Spec = Spec {
    summary: "Lets this connection read keys without renewing their idle time.",
    flags: flags![NOSCRIPT, LOADING, STALE],
    categories: categories![SLOW, CONNECTION],
    arguments: &[one_of("enabled", &[token("on", "ON"), token("off", "OFF")])],
    ..Spec::new("client|no-touch", Group::Connection, 3, "7.2.0")
};

pub static CLIENT_PAUSE: Spec = Spec {
    summary: "Holds back commands of all clients for a while.",
    flags: flags![ADMIN, NOSCRIPT, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS, CONNECTION],
    arguments: &[
        integer("timeout"),
        one_of("mode", &[token("write", "WRITE"), token("all", "ALL")]).since("6.2.0").optional(),
    ],
    ..Spec::new("client|pause", Group::Connection, -3, "3.0.0")
};

pub static CLIENT_REPLY: Spec = Spec {
    summary: "Turns replies to this connection off, on, or off for one command.",
    flags: flags![NOSCRIPT, LOADING, STALE],
    categories: categories![SLOW, CONNECTION],
    arguments: &[one_of(
        "action",
        &[token("on", "ON"), token("off", "OFF"), token("skip", "SKIP")],
    )],
    ..Spec::new("client|reply", Group::Connection, 3, "3.2.0")
};

pub static CLIENT_SETINFO: Spec = Spec {
    summary: "Notes the name or version of the client library of this connection.",
    flags: flags![NOSCRIPT, LOADING, STALE],
    categories: categories![SLOW, CONNECTION],
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    arguments: &[one_of(
        "attr",
        &[string("libname").after("LIB-NAME"), string("libver").after("LIB-VER")],
    )],
    ..Spec::new("client|setinfo", Group::Connection, 4, "7.2.0")
};

pub static CLIENT_SETNAME: Spec = Spec {
    summary: "Names this connection.",
    flags: flags![NOSCRIPT, LOADING, STALE],
    categories: categories![SLOW, CONNECTION],
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    arguments: &[string("connection-name")],
    ..Spec::new("client|setname", Group::Connection, 3, "2.6.9")
};

pub static CLIENT_UNBLOCK: Spec = Spec {
    summary: "Ends the wait of a blocked client.",
    flags: flags![ADMIN, NOSCRIPT, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS, CONNECTION],
    arguments: &[
        integer("client-id"),
        one_of("unblock-type", &[token("timeout", "TIMEOUT"), token("error", "ERROR")]).optional(),
    ],
    ..Spec::new("client|unblock", Group::Connection, -3, "5.0.0")
};

pub static CLIENT_UNPAUSE: Spec = Spec {
    summary: "Ends a pause of the clients.",
    complexity: "O(N) in the number of commands held back",
    flags: flags![ADMIN, NOSCRIPT, LOADING, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS, CONNECTION],
    ..Spec::new("client|unpause", Group::Connection, 2, "6.2.0")
};

pub static ECHO: Spec = Spec {
    summary: "Answers with its argument.",
    flags: flags![LOADING, STALE, FAST],
    categories: categories![FAST, CONNECTION],
    arguments: &[string("message")],
    ..Spec::new("echo", Group::Connection, 2, "1.0.0")
};

pub static HELLO: Spec = Spec {
    summary: "Chooses the protocol version, and may log in and name the connection at once.",
    flags: flags![NOSCRIPT, LOADING, STALE, FAST, NO_AUTH, ALLOW_BUSY],
    categories: categories![FAST, CONNECTION],
    arguments: &[block(
        "arguments",
        &[
            integer("protover"),
            block("auth", &[string("username"), string("password")]).after("AUTH").optional(),
            string("clientname").after("SETNAME").optional(),
        ],
    )
    .optional()],
    ..Spec::new("hello", Group::Connection, -1, "6.0.0")
};

pub static PING: Spec = Spec {
    summary: "Answers, to show that the server does.",
    flags: flags![FAST],
    categories: categories![FAST, CONNECTION],
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    arguments: &[string("message").optional()],
    ..Spec::new("ping", Group::Connection, -1, "1.0.0")
};

pub static QUIT: Spec = Spec {
    summary: "Closes the connection.",
    flags: flags![NOSCRIPT, LOADING, STALE, FAST, NO_AUTH, ALLOW_BUSY],
    categories: categories![FAST, CONNECTION],
    deprecated: Some(Deprecated { since: "7.2.0", replaced_by: "closing the connection" }),
    ..Spec::new("quit", Group::Connection, -1, "1.0.0")
};

pub static RESET: Spec = Spec {
    summary: "Puts the connection back to how it was when it opened.",
    flags: flags![NOSCRIPT, LOADING, STALE, FAST, NO_AUTH, ALLOW_BUSY],
    categories: categories![FAST, CONNECTION],
    ..Spec::new("reset", Group::Connection, 1, "6.2.0")
};

pub static SELECT: Spec = Spec {
    summary: "Chooses the database of this connection.",
    flags: flags![LOADING, STALE, FAST],
    categories: categories![FAST, CONNECTION],
    arguments: &[integer("index")],
    ..Spec::new("select", Group::Connection, 2, "1.0.0")
};
