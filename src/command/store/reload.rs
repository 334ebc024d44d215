//! DEBUG RELOAD: the state thrown away, and loaded again from the disk.

use std::sync::Arc;

use super::load::load;
use super::open::survey;
use super::{Cause, Store};
use crate::command::server::Server;
use crate::journal::writer::Failure;
use crate::keyspace::ShardSet;

/// Loads everything again, after a snapshot if one is wanted. Commands are answered with `-LOADING`
/// meanwhile. No lock of a shard may be held.
///
/// # Errors
/// In words. If it fails in the midst of loading, the journal counts as failed and the process ends:
/// the disk has what memory has not.
pub fn reload(server: &Arc<Server>, with_snapshot: bool) -> Result<(), String> {
    if !server.begin_loading() {
        return Err("it is being loaded".into());
    }
    let reloaded = reload_held(server, with_snapshot);
    server.end_loading();
    reloaded.and_then(|()| Store::catch_up_with_settings(server))
}

fn reload_held(server: &Arc<Server>, with_snapshot: bool) -> Result<(), String> {
    let store = &server.store;
    // Who was admitted before loading began has ended its step once all locks have been had.
    server.keyspace.run(ShardSet::ALL, 0, 0, |_| ());
    if store.saves.running().is_some() {
        // It would remove segments that are about to be read.
        return Err("a snapshot is being written: try again when it is whole".into());
    }
    if with_snapshot {
        super::save(server, Cause::Save).map_err(|error| error.to_string())?;
    } else {
        Store::attach(server)?;
    }
    let journal = store.journal().expect("attached");
    journal.sync().map_err(|failure| failure.to_string())?;
    let disk = store.disk.get().expect("what is attached has a directory");
    let plan = survey(&**disk)?;
    server.keyspace.run(ShardSet::ALL, 0, 0, |tx| {
        tx.replay_at(0);
        for db in 0..tx.keyspace().databases() {
            tx.select(db);
            tx.flush_db();
        }
        server.scripts.libraries.flush();
        tx.record(&[b"FLUSHALL"]);
    });
    load(server, &**disk, &plan).map(drop).inspect_err(|why| {
        store.failed.tell(&Failure {
            operation: "load",
            file: "the data again".into(),
            error: why.clone(),
            kind: std::io::ErrorKind::InvalidData,
        });
    })
}
