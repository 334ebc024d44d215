//! Writing all keys as an RDB file that redis-server and valkey-server load.

use std::io::{self, Write};
use std::sync::Arc;

use crate::command::Server;
use crate::keyspace::{ShardSet, Value};
use crate::rdb::export::{Export, Exported, Key};
use crate::types::stream::idmp::IdmpLimits;

/// A key to be written: database, name, value, and deadline in Unix ms
/// ([`NEVER`](crate::keyspace::NEVER): none).
pub type Entry = (usize, Box<[u8]>, Value, i64);

/// Keys that are cloned under the locks at a time.
const STEP_KEYS: usize = 100;

/// Writes libraries of functions, by their code, and keys as they come, those of a database best one
/// after the other. `now_ms` is the time of
/// their state, `idmp` what their streams remember by the settings.
///
/// # Errors
/// Those of the writer.
pub fn export_entries(
    libraries: impl IntoIterator<Item = Arc<[u8]>>,
    entries: impl IntoIterator<Item = Entry>,
    out: &mut dyn Write,
    now_ms: i64,
    idmp: IdmpLimits,
) -> io::Result<Exported> {
    let mut export = Export::begin(out, now_ms, idmp)?;
    for code in libraries {
        export.library(&code)?;
    }
    for (db, name, value, expire_at_ms) in entries {
        export.key(&Key { db, name: &name, value: &value, expire_at_ms })?;
    }
    export.finish()
}

/// Writes the libraries and the whole keyspace, some keys at a time; nobody else changes it meanwhile.
///
/// # Errors
/// Those of the writer.
pub fn export(server: &Arc<Server>, out: &mut dyn Write) -> io::Result<Exported> {
    let now_ms = server.keyspace.clock().now_ms();
    let databases = 0..server.keyspace.databases();
    let entries = databases.flat_map(|db| Walk { server, db, now_ms, cursor: Some(0) }).flatten();
    let libraries = server.scripts.libraries.list().into_iter().map(|library| library.code);
    export_entries(libraries, entries, out, now_ms, server.idmp_limits())
}

/// The keys of a database, some at a time.
struct Walk<'w> {
    server: &'w Arc<Server>,
    db: usize,
    now_ms: i64,
    /// Where to go on; none at the end.
    cursor: Option<u64>,
}

impl Iterator for Walk<'_> {
    type Item = Vec<Entry>;

    fn next(&mut self) -> Option<Vec<Entry>> {
        let cursor = self.cursor?;
        let mut entries = Vec::new();
        let next = self.server.keyspace.run(ShardSet::ALL, self.db, self.now_ms, |tx| {
            tx.scan(cursor, STEP_KEYS, |slot| {
                entries.push((self.db, slot.key.clone(), slot.value.clone(), slot.expire_at_ms));
            })
        });
        self.cursor = (next != 0).then_some(next);
        Some(entries)
    }
}
