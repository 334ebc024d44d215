//! The facts of the commands for publishing and subscribing.

use super::words::{categories, flags, key_flags, pattern, string};
use super::{Group, KeySpec, Spec};

/// The commands of this group, without their subcommands.
pub static ALL: &[&Spec] = &[
    &PSUBSCRIBE,
    &PUBLISH,
    &PUBSUB,
    &PUNSUBSCRIBE,
    &SPUBLISH,
    &SSUBSCRIBE,
    &SUBSCRIBE,
    &SUNSUBSCRIBE,
    &UNSUBSCRIBE,
];

pub static PSUBSCRIBE: Spec = Spec {
    summary: "Listens to all channels whose names match patterns.",
    complexity: "O(N) in the number of patterns",
    flags: flags![PUBSUB, NOSCRIPT, LOADING, STALE],
    categories: categories![PUBSUB, SLOW],
    arguments: &[pattern("pattern").multiple()],
    ..Spec::new("psubscribe", Group::Pubsub, -2, "2.0.0")
};

pub static PUBLISH: Spec = Spec {
    summary: "Sends a message to those who listen to a channel.",
    complexity: "O(N+M) in the receivers and the patterns that anybody listens to",
    flags: flags![PUBSUB, LOADING, STALE, FAST, MAY_REPLICATE],
    categories: categories![PUBSUB, FAST],
    arguments: &[string("channel"), string("message")],
    ..Spec::new("publish", Group::Pubsub, 3, "2.0.0")
};

pub static PUBSUB: Spec = Spec {
    summary: "Holds the commands that look at channels and their listeners.",
    complexity: "Depends on the subcommand",
    categories: categories![SLOW],
    subcommands: &[
        &PUBSUB_CHANNELS,
        &PUBSUB_HELP,
        &PUBSUB_NUMPAT,
        &PUBSUB_NUMSUB,
        &PUBSUB_SHARDCHANNELS,
        &PUBSUB_SHARDNUMSUB,
    ],
    ..Spec::new("pubsub", Group::Pubsub, -2, "2.8.0")
};

pub static PUBSUB_CHANNELS: Spec = Spec {
    summary: "Lists the channels that anybody listens to.",
    complexity: "O(N) in the number of channels",
    flags: flags![PUBSUB, LOADING, STALE],
    categories: categories![PUBSUB, SLOW],
    arguments: &[pattern("pattern").optional()],
    ..Spec::new("pubsub|channels", Group::Pubsub, -2, "2.8.0")
};

pub static PUBSUB_HELP: Spec = Spec {
    summary: "Lists the subcommands of PUBSUB.",
    flags: flags![LOADING, STALE],
    categories: categories![SLOW],
    ..Spec::new("pubsub|help", Group::Pubsub, 2, "6.2.0")
};

pub static PUBSUB_NUMPAT: Spec = Spec {
    summary: "Counts the patterns that anybody listens to.",
    flags: flags![PUBSUB, LOADING, STALE],
    categories: categories![PUBSUB, SLOW],
    ..Spec::new("pubsub|numpat", Group::Pubsub, 2, "2.8.0")
};

pub static PUBSUB_NUMSUB: Spec = Spec {
    summary: "Counts the listeners of each channel, without those by pattern.",
    complexity: "O(N) in the number of channels asked for",
    flags: flags![PUBSUB, LOADING, STALE],
    categories: categories![PUBSUB, SLOW],
    arguments: &[string("channel").optional().multiple()],
    ..Spec::new("pubsub|numsub", Group::Pubsub, -2, "2.8.0")
};

pub static PUBSUB_SHARDCHANNELS: Spec = Spec {
    summary: "Lists the shard channels that anybody listens to.",
    complexity: "O(N) in the number of shard channels",
    flags: flags![PUBSUB, LOADING, STALE],
    categories: categories![PUBSUB, SLOW],
    arguments: &[pattern("pattern").optional()],
    ..Spec::new("pubsub|shardchannels", Group::Pubsub, -2, "7.0.0")
};

pub static PUBSUB_SHARDNUMSUB: Spec = Spec {
    summary: "Counts the listeners of each shard channel.",
    complexity: "O(N) in the number of shard channels asked for",
    flags: flags![PUBSUB, LOADING, STALE],
    categories: categories![PUBSUB, SLOW],
    arguments: &[string("shardchannel").optional().multiple()],
    ..Spec::new("pubsub|shardnumsub", Group::Pubsub, -2, "7.0.0")
};

pub static PUNSUBSCRIBE: Spec = Spec {
    summary: "Listens to patterns no longer, to these or to all.",
    complexity: "O(N) in the number of patterns",
    flags: flags![PUBSUB, NOSCRIPT, LOADING, STALE],
    categories: categories![PUBSUB, SLOW],
    arguments: &[pattern("pattern").optional().multiple()],
    ..Spec::new("punsubscribe", Group::Pubsub, -1, "2.0.0")
};

pub static SPUBLISH: Spec = Spec {
    summary: "Sends a message to those who listen to a shard channel.",
    complexity: "O(N) in the number of receivers",
    flags: flags![PUBSUB, LOADING, STALE, FAST, MAY_REPLICATE],
    categories: categories![PUBSUB, FAST],
    keys: &[KeySpec::at(1, key_flags![NOT_KEY])],
    arguments: &[string("shardchannel"), string("message")],
    ..Spec::new("spublish", Group::Pubsub, 3, "7.0.0")
};

pub static SSUBSCRIBE: Spec = Spec {
    summary: "Listens to shard channels.",
    complexity: "O(N) in the number of shard channels",
    flags: flags![PUBSUB, NOSCRIPT, LOADING, STALE],
    categories: categories![PUBSUB, SLOW],
    keys: &[KeySpec::at(1, key_flags![NOT_KEY]).up_to(-1)],
    arguments: &[string("shardchannel").multiple()],
    ..Spec::new("ssubscribe", Group::Pubsub, -2, "7.0.0")
};

pub static SUBSCRIBE: Spec = Spec {
    summary: "Listens to channels.",
    complexity: "O(N) in the number of channels",
    flags: flags![PUBSUB, NOSCRIPT, LOADING, STALE],
    categories: categories![PUBSUB, SLOW],
    arguments: &[string("channel").multiple()],
    ..Spec::new("subscribe", Group::Pubsub, -2, "2.0.0")
};

pub static SUNSUBSCRIBE: Spec = Spec {
    summary: "Listens to shard channels no longer, to these or to all.",
    complexity: "O(N) in the number of shard channels",
    flags: flags![PUBSUB, NOSCRIPT, LOADING, STALE],
    categories: categories![PUBSUB, SLOW],
    keys: &[KeySpec::at(1, key_flags![NOT_KEY]).up_to(-1)],
    arguments: &[string("shardchannel").optional().multiple()],
    ..Spec::new("sunsubscribe", Group::Pubsub, -1, "7.0.0")
};

pub static UNSUBSCRIBE: Spec = Spec {
    summary: "Listens to channels no longer, to these or to all.",
    complexity: "O(N) in the number of channels",
    flags: flags![PUBSUB, NOSCRIPT, LOADING, STALE],
    categories: categories![PUBSUB, SLOW],
    arguments: &[string("channel").optional().multiple()],
    ..Spec::new("unsubscribe", Group::Pubsub, -1, "2.0.0")
};
