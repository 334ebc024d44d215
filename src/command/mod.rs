//! The commands: what each takes, and what it does.
//!
//! A family is a file (or a folder) with a `COMMANDS` list of [`table::Entry`] lines, named in
//! [`FAMILIES`]. The way of a request is [`dispatch::execute`]: look the command up, check arity and
//! state, lock the shards of its keys, call its handler with a [`Cx`], and serve who waited for what
//! it changed.
//!
//! Writing a handler, `fn(&mut Cx, &[&[u8]]) -> Outcome`:
//! - Read all arguments and check them before changing anything: on `Err` nothing may have changed,
//!   and what was written to `cx.reply` is taken back.
//! - Read with `cx.tx.read::<List>(key)?` (a `WrongType` becomes the WRONGTYPE error by `?`), change
//!   with `cx.tx.write::<List>(key)?` or `write_or_insert`, replace with `put`, remove with `remove`
//!   or `remove_if_empty`.
//! - After a change: `cx.tx.changed(key)` for every key, `cx.tx.signal(key)` where elements or
//!   entries came to a key that somebody may wait for, and `cx.tx.record(&[…])` (or `effect`) with
//!   what is to be replayed: a deterministic command that the same table can run. `cx.mode ==
//!   Mode::Replay` while it is. Nothing changed: nothing recorded.
//! - After the change too: `cx.tx.notify(EventClass::LIST, "lpush", key)` for every event that Redis
//!   has for it, in its order (`del` of [`EventClass::GENERIC`](crate::keyspace::EventClass) last,
//!   where a collection was emptied). The gate itself tells `new`, `overwritten`, `type_changed`,
//!   `expired` and, in `get` and `read`, `keymiss`; what only changes a value peeks (`peek_as`).
//! - A command that finds nothing and may wait calls `cx.block(…)` and returns without a reply. It is
//!   run again from the start, in `Mode::Retry`, when one of the keys is worth another look.
//! - Time is `cx.tx.now_ms()`, settings are `cx.server.config`, randomness is
//!   `cx.tx.keyspace().random()`.

mod access;
pub mod args;
mod bitmap;
mod blocking;
mod client;
pub mod clients;
mod cluster;
mod commands;
mod config;
pub mod connection;
pub mod cx;
mod debug;
pub mod dispatch;
pub mod error;
mod geo;
mod hash;
mod help;
mod hyperloglog;
mod info;
mod keys;
mod latency;
mod list;
mod listening;
mod memory;
mod modules;
mod monitor;
mod observe;
pub mod permission;
mod persistence;
mod publish;
mod random;
pub mod replay;
mod replication;
mod scan;
mod scripting;
pub mod server;
pub mod session;
mod set;
mod slowlog;
pub mod spec;
pub mod store;
mod stream;
mod string;
mod system;
pub mod table;
mod transaction;
mod zset;

pub use cx::{AtDeadline, Blocking, Cx, Mode};
pub use dispatch::{Blocked, Flow, LateReply, execute, execute_in};
pub use error::{Error, Outcome};
pub use scripting::Watch;
pub use server::Server;
pub use session::Session;

use table::Entry;

/// Every command that clients can call, by family.
static FAMILIES: &[&[Entry]] = &[
    access::COMMANDS,
    bitmap::COMMANDS,
    client::COMMANDS,
    cluster::COMMANDS,
    commands::COMMANDS,
    config::COMMANDS,
    connection::COMMANDS,
    debug::COMMANDS,
    hyperloglog::COMMANDS,
    geo::COMMANDS,
    hash::COMMANDS,
    info::COMMANDS,
    keys::COMMANDS,
    list::COMMANDS,
    set::COMMANDS,
    stream::COMMANDS,
    string::COMMANDS,
    latency::COMMANDS,
    memory::COMMANDS,
    modules::COMMANDS,
    monitor::COMMANDS,
    persistence::COMMANDS,
    publish::COMMANDS,
    replication::COMMANDS,
    scripting::COMMANDS,
    slowlog::COMMANDS,
    system::COMMANDS,
    transaction::COMMANDS,
    zset::COMMANDS,
];

/// Commands that stand in effects only. Their specs are in [`spec::internal`].
static INTERNAL: &[&[Entry]] = &[stream::INTERNAL];
