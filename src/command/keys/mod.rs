//! Commands on keys of any type, and on whole databases.

mod copying;
mod databases;
mod dumping;
mod existence;
mod expiry;
mod iteration;
mod migrate;
mod object;
mod sort;

pub(super) use migrate::{Migration, begin as begin_migration};
pub(super) use sort::names_keys_while_running;

use super::help::help;
use super::table::{Entry, all, keys, sorting};

pub(super) static COMMANDS: &[Entry] = &[
    keys("copy", copying::copy),
    all("dbsize", databases::dbsize),
    keys("del", existence::del),
    keys("dump", dumping::dump),
    keys("exists", existence::exists),
    keys("expire", expiry::expire),
    keys("expireat", expiry::expireat),
    keys("expiretime", expiry::expiretime),
    all("flushall", databases::flushall),
    all("flushdb", databases::flushdb),
    all("keys", iteration::keys),
    keys("migrate", migrate::migrate),
    keys("move", copying::move_to),
    keys("object|encoding", object::encoding),
    keys("object|freq", object::freq),
    keys("object|help", help),
    keys("object|idletime", object::idletime),
    keys("object|refcount", object::refcount),
    keys("persist", expiry::persist),
    keys("pexpire", expiry::pexpire),
    keys("pexpireat", expiry::pexpireat),
    keys("pexpiretime", expiry::pexpiretime),
    keys("pttl", expiry::pttl),
    all("randomkey", iteration::randomkey),
    keys("rename", copying::rename),
    keys("renamenx", copying::renamenx),
    keys("restore", dumping::restore),
    keys("restore-asking", dumping::restore),
    all("scan", iteration::scan),
    sorting("sort", sort::sort),
    sorting("sort_ro", sort::sort_ro),
    all("swapdb", databases::swapdb),
    keys("touch", existence::touch),
    keys("ttl", expiry::ttl),
    keys("type", existence::kind),
    keys("unlink", existence::del),
];
