//! Snapshots: when they are taken, and how they went.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{Store, mode_of};
use crate::command::server::Server;
use crate::journal::State;
use crate::journal::writer::{Failure, Journal};
use crate::keyspace::ShardSet;
use crate::script::Library;

/// How long after a failed snapshot the next one is tried by itself.
const RETRY: Duration = Duration::from_secs(5);
/// How often it is looked whether the journal lacks room.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// On a full disk so many times as long as a snapshot took passes before the next.
const REST_FOR_ROOM: u32 = 4;

/// Why a snapshot is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// SAVE, BGSAVE.
    Save,
    /// BGREWRITEAOF.
    Rewrite,
    /// The journal has grown.
    Growth,
    /// The disk is full, and segments go that hold nothing of use any more.
    Room,
    /// The journal is to be kept, or kept again.
    Reopening,
    Shutdown,
}

/// One snapshot at a time, and one is being written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Busy(pub Cause);

/// Why there is no snapshot.
#[derive(Debug)]
pub enum SaveError {
    Busy(Busy),
    /// There is no directory to write to, or no thread to do it, in words.
    NoStore(String),
    Failed(Failure),
}

impl fmt::Display for SaveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SaveError::Busy(_) => f.write_str("another snapshot is being written"),
            SaveError::NoStore(why) => f.write_str(why),
            SaveError::Failed(failure) => write!(f, "{failure}"),
        }
    }
}

/// A snapshot that is being written.
#[derive(Clone, Copy, Debug)]
pub struct Running {
    pub cause: Cause,
    pub begun_at_ms: i64,
}

/// How the last ones went, for INFO.
#[derive(Clone, Copy, Debug)]
pub struct Last {
    /// Unix ms of the last that succeeded; at first that of the start.
    pub saved_at_ms: i64,
    /// The keyspace's count of changes at its cut.
    pub changes: u64,
    pub is_ok: bool,
    /// How long the last one took, ms.
    pub took_ms: Option<i64>,
    /// Its length, bytes.
    pub bytes: u64,
    pub succeeded: u64,
    pub failures_in_a_row: u64,
}

impl Default for Last {
    fn default() -> Last {
        Last {
            saved_at_ms: 0,
            changes: 0,
            is_ok: true,
            took_ms: None,
            bytes: 0,
            succeeded: 0,
            failures_in_a_row: 0,
        }
    }
}

/// The snapshots of a server.
#[derive(Default)]
pub struct Saves {
    running: Mutex<Option<Running>>,
    last: Mutex<Last>,
    /// One is to be taken after the one that runs.
    scheduled: Mutex<Option<Cause>>,
    look_again: Notify,
}

impl Saves {
    pub fn running(&self) -> Option<Running> {
        *self.running.lock()
    }

    pub fn last(&self) -> Last {
        *self.last.lock()
    }

    pub fn is_scheduled(&self) -> bool {
        self.scheduled.lock().is_some()
    }

    /// From here changes are counted as not saved, but for `changes`; at the start, and after
    /// loading.
    pub fn begin_at(&self, now_ms: i64, changes: u64) {
        let mut last = self.last.lock();
        last.saved_at_ms = now_ms;
        last.changes = changes;
    }

    /// The length of the snapshot that was loaded, bytes; 0 without one.
    pub fn begin_with(&self, bytes: u64) {
        self.last.lock().bytes = bytes;
    }

    /// Has a snapshot taken as soon as none is being written.
    pub fn schedule(&self, cause: Cause) {
        *self.scheduled.lock() = Some(cause);
        self.look_again();
    }

    /// What was scheduled has not come to be, so it is still due; unless somebody has scheduled one
    /// since.
    fn schedule_again(&self, cause: Cause) {
        self.scheduled.lock().get_or_insert(cause);
    }

    /// Something has changed by which a snapshot may be due.
    pub fn look_again(&self) {
        self.look_again.notify_one();
    }

    fn begin(&self, cause: Cause, now_ms: i64) -> Result<(), Busy> {
        let mut running = self.running.lock();
        if let Some(running) = &*running {
            return Err(Busy(running.cause));
        }
        *running = Some(Running { cause, begun_at_ms: now_ms });
        Ok(())
    }

    fn end(&self, now_ms: i64, saved: Result<Saved, ()>) {
        let begun_at_ms = self.running.lock().take().map_or(now_ms, |running| running.begun_at_ms);
        let mut last = self.last.lock();
        last.is_ok = saved.is_ok();
        last.took_ms = Some(now_ms - begun_at_ms);
        match saved {
            Ok(Saved { bytes, changes }) => {
                last.saved_at_ms = now_ms;
                last.changes = changes;
                last.bytes = bytes;
                last.succeeded += 1;
                last.failures_in_a_row = 0;
            }
            Err(()) => last.failures_in_a_row += 1,
        }
        drop(last);
        self.look_again();
    }
}

struct Saved {
    bytes: u64,
    changes: u64,
}

/// Takes a snapshot, on this thread; its length in bytes. No lock of a shard may be held.
///
/// # Errors
/// There is none, and nothing has changed.
pub fn save(server: &Arc<Server>, cause: Cause) -> Result<u64, SaveError> {
    let clock = server.keyspace.clock();
    server.store.saves.begin(cause, clock.now_ms()).map_err(SaveError::Busy)?;
    finish(server)
}

/// Begins a snapshot that another thread writes.
///
/// # Errors
/// One is being written, or there is no thread for it.
pub fn save_aside(server: &Arc<Server>, cause: Cause) -> Result<(), SaveError> {
    let begun = server.store.saves.begin(cause, server.keyspace.clock().now_ms());
    begun.map_err(SaveError::Busy)?;
    let aside = Arc::clone(server);
    let named = thread::Builder::new().name("snapshot".into());
    // How it ended is in the log and in INFO.
    match named.spawn(move || drop(finish(&aside))) {
        Ok(_) => Ok(()),
        Err(error) => Err(end_without(
            server,
            SaveError::NoStore(format!("no thread can be started: {error}")),
        )),
    }
}

/// Writes the snapshot that has been begun.
fn finish(server: &Arc<Server>) -> Result<u64, SaveError> {
    let saved = write(server).map_err(|error| end_without(server, error))?;
    let bytes = saved.bytes;
    server.store.saves.end(server.keyspace.clock().now_ms(), Ok(saved));
    tracing::info!("Snapshot written: {bytes} bytes");
    Ok(bytes)
}

/// Notes that the snapshot that has been begun did not come to be.
fn end_without(server: &Server, error: SaveError) -> SaveError {
    tracing::error!("No snapshot: {error}");
    server.store.saves.end(server.keyspace.clock().now_ms(), Err(()));
    error
}

/// The command that loads a library.
fn loading(library: &Library) -> Vec<u8> {
    let mut effect = Vec::new();
    let words: [&[u8]; 4] = [b"FUNCTION", b"LOAD", b"REPLACE", &library.code];
    crate::resp::text::write_request(&mut effect, &words);
    effect
}

fn write(server: &Arc<Server>) -> Result<Saved, SaveError> {
    let store = &server.store;
    Store::attach(server).map_err(SaveError::NoStore)?;
    let journal = store.journal().expect("attached");
    Store::keep_lock(server).map_err(SaveError::NoStore)?;
    // Counted before the cut: what comes in between is told as not saved, and is.
    let changes = server.keyspace.run(ShardSet::ALL, 0, 0, |tx| tx.changes_total());
    let clock = server.keyspace.clock();
    let begun = server
        .keyspace
        .begin_snapshot(|| (journal.cut(clock.now_ms()), server.scripts.libraries.list()));
    let ((cut, libraries), mut snapshot) = begun.expect("one snapshot at a time");
    snapshot.set_effects(libraries.iter().map(loading).collect());
    let mut writer = journal.begin_snapshot(cut).map_err(SaveError::Failed)?;
    let mut part = Vec::new();
    while snapshot.next_part(&mut part) {
        if let Err(failure) = writer.append(&part) {
            journal.abandon_snapshot(writer);
            return Err(SaveError::Failed(failure));
        }
    }
    drop(snapshot);
    let bytes = journal.finish_snapshot(writer).map_err(SaveError::Failed)?;
    if mode_of(&server.config).is_none() {
        // Somebody wanted a snapshot of a server that keeps nothing else, or has switched the rest
        // off meanwhile.
        journal.switch_off().map_err(SaveError::Failed)?;
    }
    Ok(Saved { bytes, changes })
}

/// Takes snapshots when they are due, for as long as it is polled.
pub async fn tend(server: Arc<Server>) {
    let mut rests_until = Instant::now();
    loop {
        let again = server.store.saves.look_again.notified();
        let Some((cause, is_scheduled)) = due(&server, rests_until) else {
            tokio::select! {
                () = again => {}
                () = grown(&server) => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            continue;
        };
        let aside = Arc::clone(&server);
        let began = Instant::now();
        let saved = tokio::task::spawn_blocking(move || save(&aside, cause)).await;
        rests_until = Instant::now() + (REST_FOR_ROOM * began.elapsed()).max(RETRY);
        if is_scheduled && !matches!(saved, Ok(Ok(_))) {
            server.store.saves.schedule_again(cause);
        }
        if !matches!(saved, Ok(Ok(_) | Err(SaveError::Busy(_)))) {
            tokio::time::sleep(RETRY).await;
        }
    }
}

/// Whether a snapshot is due now, and why; and whether because it was scheduled, which it is no more
/// then. None for want of room alone before `rests_until`.
fn due(server: &Server, rests_until: Instant) -> Option<(Cause, bool)> {
    let saves = &server.store.saves;
    // The end of the one that runs has this looked at again.
    if saves.running().is_some() || server.store.loading.is_active() {
        return None;
    }
    if let Some(cause) = saves.scheduled.lock().take() {
        return Some((cause, true));
    }
    let journal = server.store.journal()?;
    let cause = match journal.state() {
        State::Impaired => Some(Cause::Reopening),
        State::Off if mode_of(&server.config).is_some() => Some(Cause::Reopening),
        State::Serving => {
            let due = due_position(server)?;
            let is_for_room = || Instant::now() >= rests_until && would_make_room(server, journal);
            (journal.next() >= due)
                .then_some(Cause::Growth)
                .or_else(|| is_for_room().then_some(Cause::Room))
        }
        _ => None,
    };
    cause.map(|cause| (cause, false))
}

/// Whether room is wanted that cannot be had, and a snapshot may free files: what was drained on a full
/// disk is still in the segments, however little they have grown since the last one.
fn would_make_room(server: &Server, journal: &Journal) -> bool {
    if !journal.is_short_of_room() {
        return false;
    }
    let status = journal.status();
    let has_large_snapshot = server.store.saves.last().bytes >= journal.segment_bytes();
    status.next > status.snapshot && (status.segments > 1 || has_large_snapshot)
}

/// The position at which the journal has grown so far that a snapshot is due.
fn due_position(server: &Server) -> Option<u64> {
    let journal = server.store.journal()?;
    let config = &server.config;
    let percentage = config.auto_aof_rewrite_percentage.get_u64();
    if percentage == 0 {
        return None;
    }
    let base = server.store.saves.last().bytes;
    let grown = base.saturating_mul(percentage) / 100;
    let growth = grown.max(config.auto_aof_rewrite_min_size.get_u64());
    Some(journal.status().snapshot.saturating_add(growth.max(1)))
}

/// Resolves when the journal may have grown to where a snapshot is due.
async fn grown(server: &Server) {
    let waits = match (server.store.journal(), due_position(server)) {
        (Some(journal), Some(due))
            if journal.state() == State::Serving && server.store.saves.running().is_none() =>
        {
            Some(journal.reached(due))
        }
        _ => None,
    };
    match waits {
        // A failure ends the wait as well, and has it looked at again.
        Some(reached) => drop(reached.await),
        None => std::future::pending().await,
    }
}
