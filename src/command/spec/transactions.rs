//! The facts of the commands for transactions.

use super::words::{categories, flags, key, key_flags};
use super::{Group, KeySpec, Spec};

/// The commands of this group, without their subcommands.
pub static ALL: &[&Spec] = &[&DISCARD, &EXEC, &MULTI, &UNWATCH, &WATCH];

pub static DISCARD: Spec = Spec {
    summary: "Leaves a transaction without running its commands.",
    complexity: "O(N) in the number of commands queued",
    flags: flags![NOSCRIPT, LOADING, STALE, FAST, ALLOW_BUSY],
    categories: categories![FAST, TRANSACTION],
    ..Spec::new("discard", Group::Transactions, 1, "2.0.0")
};

pub static EXEC: Spec = Spec {
    summary: "Runs the commands of a transaction as one step.",
    complexity: "Depends on the commands queued",
    flags: flags![NOSCRIPT, LOADING, STALE, SKIP_SLOWLOG],
    categories: categories![SLOW, TRANSACTION],
    ..Spec::new("exec", Group::Transactions, 1, "1.2.0")
};

pub static MULTI: Spec = Spec {
    summary: "Starts a transaction.",
    flags: flags![NOSCRIPT, LOADING, STALE, FAST, ALLOW_BUSY],
    categories: categories![FAST, TRANSACTION],
    ..Spec::new("multi", Group::Transactions, 1, "1.2.0")
};

pub static UNWATCH: Spec = Spec {
    summary: "Forgets all watched keys.",
    complexity: "O(N) in the number of watched keys",
    flags: flags![NOSCRIPT, LOADING, STALE, FAST, ALLOW_BUSY],
    categories: categories![FAST, TRANSACTION],
    ..Spec::new("unwatch", Group::Transactions, 1, "2.2.0")
};

pub static WATCH: Spec = Spec {
    summary: "Lets the next transaction run only if these keys stay as they are.",
    complexity: "O(N) in the number of keys",
    flags: flags![NOSCRIPT, LOADING, STALE, FAST, ALLOW_BUSY],
    categories: categories![FAST, TRANSACTION],
    keys: &[KeySpec::at(1, key_flags![RO]).up_to(-1)],
    arguments: &[key("key", 0).multiple()],
    ..Spec::new("watch", Group::Transactions, -2, "2.2.0")
};
