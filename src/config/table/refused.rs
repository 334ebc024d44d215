//! The settings that protect something or decide what becomes of the data, and are not built.
//!
//! A server that took them without effect would break the promise somebody wrote them down for.

use super::super::setting::{Setting, choice, count, flag, number, shaped, text};
use super::super::value::Shape;
use super::INT_MAX;

const TLS: &str = "TLS is not built: put a TLS proxy (stunnel, haproxy, ghostunnel) in front of the \
                   plain port";
const REPLICATION: &str = "replication is not built: start without it, and copy the data in \
                           through a client";
const CLUSTER: &str = "cluster mode is not built: run one server, or shard in the client";
const MODULES: &str = "modules cannot be loaded: remove the line";
const SENTINEL: &str = "Sentinel is not built: run a Sentinel of Redis's for servers of Redis's";

pub static SETTINGS: &[Setting] = &[
    number("tls-port", 0, 65535, "0").refused(TLS),
    flag("tls-replication", false).refused(TLS),
    flag("tls-cluster", false).refused(TLS),
    choice("tls-auth-clients-user", &["off", "cn"], "off").refused(TLS),
    text("tls-expected-peer-name", "").refused(TLS),
    shaped("replicaof", Shape::Primary, "").alias("slaveof").fixed().refused(REPLICATION),
    number("min-replicas-to-write", 0, INT_MAX, "0").alias("min-slaves-to-write").refused(
        "there are no replicas to wait for: set it to 0; appendfsync always is what makes a \
         reply durable here",
    ),
    flag("cluster-enabled", false).fixed().refused(CLUSTER),
    choice(
        "maxmemory-policy",
        &[
            "volatile-lru",
            "volatile-lfu",
            "volatile-lrm",
            "volatile-random",
            "volatile-ttl",
            "allkeys-lru",
            "allkeys-lfu",
            "allkeys-lrm",
            "allkeys-random",
            "noeviction",
        ],
        "noeviction",
    )
    .refused(
        "nothing is ever evicted: set noeviction, and let keys expire or trim them; at maxmemory \
         a write that needs memory is refused",
    ),
    shaped("maxmemory-clients", Shape::Memory { min: -100, max: i64::MAX, percent: true }, "0")
        .refused(
            "clients are not evicted: limit each with client-output-buffer-limit and maxclients",
        ),
    flag("import-mode", false)
        .hidden()
        .refused("keys expire when they are due: import with their times to live"),
    flag("aof-load-truncated", true)
        .refused("how a torn end of the journal is met is not for choice: leave it at yes"),
    text("preload-file", "").fixed().refused(
        "'forebay import FILE' fills a data directory from files of Redis: leave it empty",
    ),
    text("unixsocketgroup", "").fixed().refused(
        "the socket's group is not set: give the directory of unixsocket the group, and set \
         unixsocketperm",
    ),
    count("rdma-port", 0, 65535, "0")
        .fixed()
        .hidden()
        .refused("RDMA is not built: use bind and port"),
];

/// A directive without a value of its own.
#[derive(Debug)]
pub struct Directive {
    pub name: &'static str,
    /// What to do instead.
    pub instead: &'static str,
}

pub static DIRECTIVES: &[Directive] = &[
    Directive {
        name: "rename-command",
        instead: "commands keep their names: remove the line, and take the command from users by \
                  access rules instead, as in 'user default on nopass ~* &* +@all -flushall'",
    },
    Directive { name: "loadmodule", instead: MODULES },
    Directive { name: "loadmodule-ex", instead: MODULES },
    Directive { name: "sentinel", instead: SENTINEL },
];
