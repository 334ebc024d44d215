//! What is known of each command before it runs: the facts that `COMMAND` tells, that decide which
//! shards are locked, and that arity, state and permission checks read.
//!
//! A [`Spec`] is plain `static` text, one table file a command group. A command is listed where
//! somebody looking for it would look: `XADD` in [`stream`], `BLPOP` in [`list`]. A new group is a
//! new file and one line in [`ALL`]. `tests/command_facts.rs` holds every entry to Redis's facts.

pub mod access;
pub mod bitmap;
pub mod cluster;
pub mod connection;
pub mod generic;
pub mod geo;
pub mod hash;
pub mod hyperloglog;
pub mod internal;
mod keys;
pub mod list;
mod name_index;
pub mod pubsub;
pub mod replication;
pub mod scripting;
pub mod server;
pub mod set;
pub mod sorted_set;
pub mod stream;
pub mod string;
mod syntax;
pub mod transactions;
mod words;

pub use keys::{Begin, Find, KeyRef, KeyRefs, KeySpec, Words};
pub use name_index::{Folded, NameIndex};
pub use words::{Argument, ArgumentKind, Categories, Flags, Group, KeyFlags};

/// The facts of one command or subcommand.
#[derive(Debug)]
pub struct Spec {
    /// Lower case; a subcommand carries its container, as in `xgroup|create`.
    pub name: &'static str,
    /// Number of words with the name (and the container's); negative means "at least".
    pub arity: i16,
    pub flags: Flags,
    /// ACL categories, those implied by the flags included.
    pub categories: Categories,
    /// Where the keys stand. Empty for commands without keys.
    pub keys: &'static [KeySpec],
    /// Advice for clients and proxies, such as `nondeterministic_output`.
    pub tips: &'static [&'static str],
    pub group: Group,
    /// The Redis release that first had the command.
    pub since: &'static str,
    /// Since when, and in favour of what, the command is deprecated.
    pub deprecated: Option<Deprecated>,
    /// Meant for those who look after servers, not for applications.
    pub is_system: bool,
    /// One sentence for `COMMAND DOCS`.
    pub summary: &'static str,
    /// Cost as `COMMAND DOCS` shows it.
    pub complexity: &'static str,
    pub arguments: &'static [Argument],
    /// The commands below a container such as `XGROUP`.
    pub subcommands: &'static [&'static Spec],
}

/// Since when, and in favour of what, a command is deprecated.
#[derive(Debug, Clone, Copy)]
pub struct Deprecated {
    pub since: &'static str,
    pub replaced_by: &'static str,
}

/// Every command of every group, containers with their subcommands below them.
pub static ALL: &[&[&Spec]] = &[
    access::ALL,
    bitmap::ALL,
    cluster::ALL,
    connection::ALL,
    generic::ALL,
    geo::ALL,
    hyperloglog::ALL,
    hash::ALL,
    list::ALL,
    pubsub::ALL,
    replication::ALL,
    scripting::ALL,
    server::ALL,
    set::ALL,
    sorted_set::ALL,
    stream::ALL,
    string::ALL,
    transactions::ALL,
];

impl Spec {
    /// What every table entry leaves unsaid: no flags, no keys, no arguments.
    const fn new(name: &'static str, group: Group, arity: i16, since: &'static str) -> Spec {
        Spec {
            name,
            arity,
            flags: Flags::NONE,
            categories: Categories::NONE,
            keys: &[],
            tips: &[],
            group,
            since,
            deprecated: None,
            is_system: false,
            summary: "",
            complexity: "O(1)",
            arguments: &[],
            subcommands: &[],
        }
    }

    /// Whether a request of `words` words, the name and any subcommand included, fits the arity.
    #[inline]
    pub fn arity_fits(&self, words: usize) -> bool {
        let stated = usize::from(self.arity.unsigned_abs());
        if self.arity >= 0 { words == stated } else { words >= stated }
    }

    /// The name without its container: `create` for `xgroup|create`.
    pub fn short_name(&self) -> &'static str {
        match self.name.split_once('|') {
            Some((_, short)) => short,
            None => self.name,
        }
    }

    /// Whether any word of the command is a key (a channel name is not).
    pub fn takes_keys(&self) -> bool {
        self.keys.iter().any(|spec| !spec.flags.has(KeyFlags::NOT_KEY))
    }
}
