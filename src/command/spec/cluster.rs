//! The facts of the commands about clusters, all of which are refused.

use super::words::{block, categories, flags, integer, one_of, string, token};
use super::{Deprecated, Group, Spec};

/// The commands of this group, without their subcommands.
pub static ALL: &[&Spec] = &[&ASKING, &CLUSTER, &READONLY, &READWRITE];

pub static ASKING: Spec = Spec {
    summary: "Lets the next command through to a slot that is being moved here.",
    flags: flags![FAST],
    categories: categories![FAST, CONNECTION],
    ..Spec::new("asking", Group::Cluster, 1, "3.0.0")
};

pub static CLUSTER: Spec = Spec {
    summary: "Holds the commands about clusters; all are refused.",
    complexity: "Depends on the subcommand",
    categories: categories![SLOW],
    subcommands: &[
        &CLUSTER_ADDSLOTS,
        &CLUSTER_ADDSLOTSRANGE,
        &CLUSTER_BUMPEPOCH,
        &CLUSTER_COUNT_FAILURE_REPORTS,
        &CLUSTER_COUNTKEYSINSLOT,
        &CLUSTER_DELSLOTS,
        &CLUSTER_DELSLOTSRANGE,
        &CLUSTER_FAILOVER,
        &CLUSTER_FLUSHSLOTS,
        &CLUSTER_FORGET,
        &CLUSTER_GETKEYSINSLOT,
        &CLUSTER_HELP,
        &CLUSTER_INFO,
        &CLUSTER_KEYSLOT,
        &CLUSTER_LINKS,
        &CLUSTER_MEET,
        &CLUSTER_MIGRATION,
        &CLUSTER_MYID,
        &CLUSTER_MYSHARDID,
        &CLUSTER_NODES,
        &CLUSTER_REPLICAS,
        &CLUSTER_REPLICATE,
        &CLUSTER_RESET,
        &CLUSTER_SAVECONFIG,
        &CLUSTER_SET_CONFIG_EPOCH,
        &CLUSTER_SETSLOT,
        &CLUSTER_SHARDS,
        &CLUSTER_SLAVES,
        &CLUSTER_SLOT_STATS,
        &CLUSTER_SLOTS,
    ],
    ..Spec::new("cluster", Group::Cluster, -2, "3.0.0")
};

pub static CLUSTER_ADDSLOTS: Spec = Spec {
    summary: "Takes slots.",
    flags: flags![ADMIN, STALE, NO_ASYNC_LOADING],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    arguments: &[integer("slot").multiple()],
    ..Spec::new("cluster|addslots", Group::Cluster, -3, "3.0.0")
};

pub static CLUSTER_ADDSLOTSRANGE: Spec = Spec {
    summary: "Takes ranges of slots.",
    flags: flags![ADMIN, STALE, NO_ASYNC_LOADING],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    arguments: &[block("range", &[integer("start-slot"), integer("end-slot")]).multiple()],
    ..Spec::new("cluster|addslotsrange", Group::Cluster, -4, "7.0.0")
};

pub static CLUSTER_BUMPEPOCH: Spec = Spec {
    summary: "Raises the epoch of the node.",
    flags: flags![ADMIN, STALE, NO_ASYNC_LOADING],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    tips: &["nondeterministic_output"],
    ..Spec::new("cluster|bumpepoch", Group::Cluster, 2, "3.0.0")
};

pub static CLUSTER_COUNT_FAILURE_REPORTS: Spec = Spec {
    summary: "Counts who holds a node for failed.",
    flags: flags![ADMIN, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    tips: &["nondeterministic_output"],
    arguments: &[string("node-id")],
    ..Spec::new("cluster|count-failure-reports", Group::Cluster, 3, "3.0.0")
};

pub static CLUSTER_COUNTKEYSINSLOT: Spec = Spec {
    summary: "Counts the keys of a slot.",
    flags: flags![STALE],
    categories: categories![SLOW],
    arguments: &[integer("slot")],
    ..Spec::new("cluster|countkeysinslot", Group::Cluster, 3, "3.0.0")
};

pub static CLUSTER_DELSLOTS: Spec = Spec {
    summary: "Gives slots up.",
    flags: flags![ADMIN, STALE, NO_ASYNC_LOADING],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    arguments: &[integer("slot").multiple()],
    ..Spec::new("cluster|delslots", Group::Cluster, -3, "3.0.0")
};

pub static CLUSTER_DELSLOTSRANGE: Spec = Spec {
    summary: "Gives ranges of slots up.",
    flags: flags![ADMIN, STALE, NO_ASYNC_LOADING],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    arguments: &[block("range", &[integer("start-slot"), integer("end-slot")]).multiple()],
    ..Spec::new("cluster|delslotsrange", Group::Cluster, -4, "7.0.0")
};

pub static CLUSTER_FAILOVER: Spec = Spec {
    summary: "Has a replica take over.",
    flags: flags![ADMIN, STALE, NO_ASYNC_LOADING],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    arguments: &[
        one_of("options", &[token("force", "FORCE"), token("takeover", "TAKEOVER")]).optional()
    ],
    ..Spec::new("cluster|failover", Group::Cluster, -2, "3.0.0")
};

pub static CLUSTER_FLUSHSLOTS: Spec = Spec {
    summary: "Gives all slots up.",
    flags: flags![ADMIN, STALE, NO_ASYNC_LOADING],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    ..Spec::new("cluster|flushslots", Group::Cluster, 2, "3.0.0")
};

pub static CLUSTER_FORGET: Spec = Spec {
    summary: "Drops a node.",
    flags: flags![ADMIN, STALE, NO_ASYNC_LOADING],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    arguments: &[string("node-id")],
    ..Spec::new("cluster|forget", Group::Cluster, 3, "3.0.0")
};

pub static CLUSTER_GETKEYSINSLOT: Spec = Spec {
    summary: "Lists keys of a slot.",
    flags: flags![STALE],
    categories: categories![SLOW],
    tips: &["nondeterministic_output"],
    arguments: &[integer("slot"), integer("count")],
    ..Spec::new("cluster|getkeysinslot", Group::Cluster, 4, "3.0.0")
};

pub static CLUSTER_HELP: Spec = Spec {
    summary: "Lists the subcommands of CLUSTER.",
    flags: flags![LOADING, STALE],
    categories: categories![SLOW],
    ..Spec::new("cluster|help", Group::Cluster, 2, "5.0.0")
};

pub static CLUSTER_INFO: Spec = Spec {
    summary: "Describes the cluster.",
    flags: flags![STALE],
    categories: categories![SLOW],
    tips: &["nondeterministic_output"],
    ..Spec::new("cluster|info", Group::Cluster, 2, "3.0.0")
};

pub static CLUSTER_KEYSLOT: Spec = Spec {
    summary: "Tells the slot of a key.",
    flags: flags![STALE],
    categories: categories![SLOW],
    arguments: &[string("key")],
    ..Spec::new("cluster|keyslot", Group::Cluster, 3, "3.0.0")
};

pub static CLUSTER_LINKS: Spec = Spec {
    summary: "Lists the links to other nodes.",
    flags: flags![STALE],
    categories: categories![SLOW],
    tips: &["nondeterministic_output"],
    ..Spec::new("cluster|links", Group::Cluster, 2, "7.0.0")
};

pub static CLUSTER_MEET: Spec = Spec {
    summary: "Introduces another node.",
    flags: flags![ADMIN, STALE, NO_ASYNC_LOADING],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    arguments: &[
        string("ip"),
        integer("port"),
        integer("cluster-bus-port").since("4.0.0").optional(),
    ],
    ..Spec::new("cluster|meet", Group::Cluster, -4, "3.0.0")
};

pub static CLUSTER_MIGRATION: Spec = Spec {
    summary: "Moves slots between nodes.",
    flags: flags![ADMIN, STALE, NO_ASYNC_LOADING],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    arguments: &[one_of(
        "subcommand",
        &[
            block("import", &[integer("start-slot"), integer("end-slot")])
                .after("IMPORT")
                .multiple(),
            one_of("cancel", &[string("task-id").after("ID"), token("all", "ALL")]).after("CANCEL"),
            one_of(
                "status",
                &[string("task-id").after("ID").optional(), token("all", "ALL").optional()],
            )
            .after("STATUS"),
        ],
    )],
    ..Spec::new("cluster|migration", Group::Cluster, -4, "8.4.0")
};

pub static CLUSTER_MYID: Spec = Spec {
    summary: "Tells the id of the node.",
    flags: flags![STALE],
    categories: categories![SLOW],
    ..Spec::new("cluster|myid", Group::Cluster, 2, "3.0.0")
};

pub static CLUSTER_MYSHARDID: Spec = Spec {
    summary: "Tells the id of the shard.",
    flags: flags![STALE],
    categories: categories![SLOW],
    tips: &["nondeterministic_output"],
    ..Spec::new("cluster|myshardid", Group::Cluster, 2, "7.2.0")
};

pub static CLUSTER_NODES: Spec = Spec {
    summary: "Lists the nodes.",
    flags: flags![STALE],
    categories: categories![SLOW],
    tips: &["nondeterministic_output"],
    ..Spec::new("cluster|nodes", Group::Cluster, 2, "3.0.0")
};

pub static CLUSTER_REPLICAS: Spec = Spec {
    summary: "Lists the replicas of a node.",
    flags: flags![ADMIN, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    tips: &["nondeterministic_output"],
    arguments: &[string("node-id")],
    ..Spec::new("cluster|replicas", Group::Cluster, 3, "5.0.0")
};

pub static CLUSTER_REPLICATE: Spec = Spec {
    summary: "Makes the node a replica of another.",
    flags: flags![ADMIN, STALE, NO_ASYNC_LOADING],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    arguments: &[string("node-id")],
    ..Spec::new("cluster|replicate", Group::Cluster, 3, "3.0.0")
};

pub static CLUSTER_RESET: Spec = Spec {
    summary: "Makes the node forget its cluster.",
    flags: flags![ADMIN, NOSCRIPT, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    arguments: &[one_of("reset-type", &[token("hard", "HARD"), token("soft", "SOFT")]).optional()],
    ..Spec::new("cluster|reset", Group::Cluster, -2, "3.0.0")
};

pub static CLUSTER_SAVECONFIG: Spec = Spec {
    summary: "Writes what the node knows of its cluster.",
    flags: flags![ADMIN, STALE, NO_ASYNC_LOADING],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    ..Spec::new("cluster|saveconfig", Group::Cluster, 2, "3.0.0")
};

pub static CLUSTER_SET_CONFIG_EPOCH: Spec = Spec {
    summary: "Sets the epoch of the node.",
    flags: flags![ADMIN, STALE, NO_ASYNC_LOADING],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    arguments: &[integer("config-epoch")],
    ..Spec::new("cluster|set-config-epoch", Group::Cluster, 3, "3.0.0")
};

pub static CLUSTER_SETSLOT: Spec = Spec {
    summary: "Assigns a slot.",
    flags: flags![ADMIN, STALE, NO_ASYNC_LOADING],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    arguments: &[
        integer("slot"),
        one_of(
            "subcommand",
            &[
                string("importing").after("IMPORTING").shown("node-id"),
                string("migrating").after("MIGRATING").shown("node-id"),
                string("node").after("NODE").shown("node-id"),
                token("stable", "STABLE"),
            ],
        ),
    ],
    ..Spec::new("cluster|setslot", Group::Cluster, -4, "3.0.0")
};

pub static CLUSTER_SHARDS: Spec = Spec {
    summary: "Lists the shards.",
    flags: flags![LOADING, STALE],
    categories: categories![SLOW],
    tips: &["nondeterministic_output"],
    ..Spec::new("cluster|shards", Group::Cluster, 2, "7.0.0")
};

pub static CLUSTER_SLAVES: Spec = Spec {
    summary: "Lists the replicas of a node.",
    flags: flags![ADMIN, STALE],
    categories: categories![ADMIN, SLOW, DANGEROUS],
    tips: &["nondeterministic_output"],
    deprecated: Some(Deprecated { since: "5.0.0", replaced_by: "`CLUSTER REPLICAS`" }),
    arguments: &[string("node-id")],
    ..Spec::new("cluster|slaves", Group::Cluster, 3, "3.0.0")
};

pub static CLUSTER_SLOT_STATS: Spec = Spec {
    summary: "Tells figures of slots.",
    flags: flags![LOADING, STALE],
    categories: categories![SLOW],
    tips: &["nondeterministic_output", "request_policy:all_shards"],
    arguments: &[one_of(
        "filter",
        &[
            block("slotsrange", &[integer("start-slot"), integer("end-slot")]).after("SLOTSRANGE"),
            block(
                "orderby",
                &[
                    string("metric"),
                    integer("limit").after("LIMIT").optional(),
                    one_of("order", &[token("asc", "ASC"), token("desc", "DESC")]).optional(),
                ],
            )
            .after("ORDERBY"),
        ],
    )],
    ..Spec::new("cluster|slot-stats", Group::Cluster, -4, "8.2.0")
};

pub static CLUSTER_SLOTS: Spec = Spec {
    summary: "Lists slots with their nodes.",
    flags: flags![LOADING, STALE],
    categories: categories![SLOW],
    tips: &["nondeterministic_output"],
    deprecated: Some(Deprecated { since: "7.0.0", replaced_by: "`CLUSTER SHARDS`" }),
    ..Spec::new("cluster|slots", Group::Cluster, 2, "3.0.0")
};

pub static READONLY: Spec = Spec {
    summary: "Lets a replica of a cluster be read.",
    flags: flags![LOADING, STALE, FAST],
    categories: categories![FAST, CONNECTION],
    ..Spec::new("readonly", Group::Cluster, 1, "3.0.0")
};

pub static READWRITE: Spec = Spec {
    summary: "Ends READONLY.",
    flags: flags![LOADING, STALE, FAST],
    categories: categories![FAST, CONNECTION],
    ..Spec::new("readwrite", Group::Cluster, 1, "3.0.0")
};
