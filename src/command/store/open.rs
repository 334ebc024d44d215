//! Taking a directory: its lock, what it holds, and the journal that goes on behind that.

use std::process;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::load::{Loaded, load};
use super::{Store, mode_of};
use crate::command::blocking::take_long;
use crate::command::server::Server;
use crate::config::Hook;
use crate::journal::disk::{DirLock, Disk, FileId, LockRefused, is_missing};
use crate::journal::recovery::{LOCK_FILE, ONLY_SPARES};
use crate::journal::segment::FileKind;
use crate::journal::writer::Failure;
use crate::journal::{Journal, Mode, Options, Plan, Sink, State};

/// What opening found.
#[derive(Debug)]
pub struct Opened {
    /// Nothing has ever been kept in the directory.
    pub is_fresh: bool,
    pub loaded: Loaded,
}

impl Store {
    /// Loads what the directory holds and, unless the settings say that nothing is kept, opens the
    /// journal. The caller has begun `loading`, and ends it. Blocks.
    ///
    /// # Errors
    /// The directory is another process's, is damaged, or cannot be read or written; in words for
    /// the log.
    pub fn open(server: &Arc<Server>, disk: Arc<dyn Disk>) -> Result<Opened, String> {
        let store = &server.store;
        let mut lock = store.lock.lock();
        assert!(store.disk.set(Arc::clone(&disk)).is_ok(), "a store is opened once");
        let mode = mode_of(&server.config);
        if mode.is_none() && !holds_something(&*disk)? {
            // Several such servers may share a directory in which none of them writes.
            return Ok(Opened { is_fresh: true, loaded: Loaded::default() });
        }
        let taken = lock.insert(take(&*disk)?).id();
        let plan = survey(&*disk)?;
        let loaded = load(server, &*disk, &plan)?;
        store.loaded_end.store(plan.end, Ordering::Relaxed);
        store.saves.begin_with(plan.snapshot.as_ref().map_or(0, |found| found.file_bytes));
        let is_fresh = plan.is_fresh();
        if let Some(mode) = mode {
            let journal = open_journal(server, disk, &plan, mode)?;
            keep(server, journal, taken);
        }
        Ok(Opened { is_fresh, loaded })
    }

    /// Loads what the directory holds, and writes nothing there but the lock. Blocks.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn read(server: &Arc<Server>, disk: Arc<dyn Disk>) -> Result<Loaded, String> {
        let mut lock = server.store.lock.lock();
        *lock = Some(take(&*disk)?);
        let plan = survey(&*disk)?;
        load(server, &*disk, &plan)
    }

    /// Has the journal follow the settings from now on.
    pub fn follow_settings(server: &Arc<Server>) {
        let hook = |change: fn(&Arc<Server>) -> Result<(), String>| -> Hook {
            let server = Arc::downgrade(server);
            Box::new(move |_| match server.upgrade() {
                Some(server) => take_long(|| change(&server)),
                None => Ok(()),
            })
        };
        for name in ["appendonly", "appendfsync", "save"] {
            server.config.on_change(name, hook(change_promise));
        }
        for name in ["journal-segment-size", "journal-reserve-size", "journal-backlog-limit"] {
            server.config.on_change(name, hook(change_sizes));
        }
        for name in ["auto-aof-rewrite-percentage", "auto-aof-rewrite-min-size"] {
            server.config.on_change(
                name,
                hook(|server| {
                    server.store.saves.look_again();
                    Ok(())
                }),
            );
        }
    }

    /// Makes the journal keep what the settings promise, if they were changed while data was being
    /// loaded.
    ///
    /// # Errors
    /// It cannot; in words.
    pub fn catch_up_with_settings(server: &Arc<Server>) -> Result<(), String> {
        let store = &server.store;
        let is_due = match (mode_of(&server.config), store.journal()) {
            (None, journal) => journal.is_some_and(|journal| is_kept(journal)),
            (Some(mode), Some(journal)) => journal.mode() != mode,
            (Some(_), None) => true,
        };
        if is_due { change_promise(server) } else { Ok(()) }
    }

    /// Opens the journal of a server that has kept nothing so far, switched off.
    ///
    /// # Errors
    /// As [`Store::open`]; or the directory holds what this server has not loaded.
    pub(super) fn attach(server: &Arc<Server>) -> Result<(), String> {
        let store = &server.store;
        let mut lock = store.lock.lock();
        if store.journal().is_some() {
            return Ok(());
        }
        let Some(disk) = store.disk.get() else { return Err("there is no directory".into()) };
        let taken = match &*lock {
            Some(held) => held.id(),
            None => lock.insert(take(&**disk)?).id(),
        };
        let plan = survey(&**disk)?;
        if plan.end != store.loaded_end.load(Ordering::Relaxed) {
            return Err("the directory holds data of another server, which would be lost".into());
        }
        let mode = mode_of(&server.config).unwrap_or(Mode::EverySecond);
        let journal = open_journal(server, Arc::clone(disk), &plan, mode)?;
        journal.switch_off().map_err(|failure| failure.to_string())?;
        keep(server, journal, taken);
        Ok(())
    }

    /// Takes the directory again if its lock file is gone or another one: it was made anew, or
    /// replaced, or somebody has removed the file.
    ///
    /// # Errors
    /// Somebody else has it by now or had it meanwhile, or it cannot be taken; in words.
    pub(super) fn keep_lock(server: &Arc<Server>) -> Result<(), String> {
        let mut lock = server.store.lock.lock();
        let store = &server.store;
        let (Some(disk), Some(journal)) = (store.disk.get(), store.journal()) else {
            return Ok(());
        };
        if let Some(held) = &*lock {
            match disk.id(LOCK_FILE) {
                Ok(found) if found == held.id() => return Ok(()),
                Err(error) if !is_missing(&error) => {
                    // What is wrong is told by who wants to write.
                    return Ok(());
                }
                Ok(_) | Err(_) => *lock = None,
            }
        }
        let taken = take(&**disk)?;
        if holds_something(&**disk)? {
            let plan = Plan::survey(&**disk).map_err(|error| format!("cannot read: {error}"))?;
            let status = journal.status();
            if plan.start != status.start || plan.end > status.next {
                return Err("the directory holds data of another server, which would be lost: \
                            move its files away"
                    .into());
            }
        }
        journal.watch_lock(taken.id());
        *lock = Some(taken);
        Ok(())
    }

    /// Ends the journal in order, after a snapshot if one is wanted. Nobody changes anything any
    /// more. Blocks.
    ///
    /// # Errors
    /// What was answered is on disk as far as was promised; the mark of an orderly end is not.
    pub fn close(server: &Arc<Server>, with_snapshot: bool) -> Result<(), Failure> {
        let Some(journal) = server.store.journal() else { return Ok(()) };
        // While it is being loaded again memory does not have what a snapshot would stand for.
        if journal.state() != State::Serving || server.store.loading.is_active() {
            return Ok(());
        }
        journal.sync()?;
        let status = journal.status();
        if with_snapshot
            && status.next > status.snapshot
            && let Err(error) = super::save::save(server, super::Cause::Shutdown)
        {
            tracing::warn!("No snapshot at the end: {error}. The journal holds everything");
        }
        journal.end()
    }

    /// Stops writing at once and leaves what was written as it is, for who throws it away. Whether
    /// the directory is this server's, as it stays until the server is dropped.
    pub fn abandon(server: &Arc<Server>) -> bool {
        if let Some(journal) = server.store.journal() {
            journal.stop();
        }
        server.store.lock.lock().is_some()
    }
}

/// Whether a directory holds data of Forebay.
///
/// # Errors
/// It cannot be read; in words.
pub fn holds_something(disk: &dyn Disk) -> Result<bool, String> {
    let names = disk.list().map_err(|error| format!("cannot read the directory: {error}"))?;
    let is_ours = |name: &String| {
        [FileKind::Segment, FileKind::Snapshot].iter().any(|kind| kind.position(name).is_some())
    };
    Ok(names.iter().any(is_ours))
}

fn take(disk: &dyn Disk) -> Result<DirLock, String> {
    disk.lock(LOCK_FILE, process::id()).map_err(|refused| {
        let advice = match refused {
            LockRefused::Held { .. } => ": stop it, or give this server a `dir` of its own",
            LockRefused::Io(_) => "",
        };
        format!("{refused}{advice}")
    })
}

pub(super) fn survey(disk: &dyn Disk) -> Result<Plan, String> {
    let plan = Plan::survey(disk).map_err(|error| format!("cannot read the data: {error}"))?;
    plan.check()?;
    if let Some(torn) = &plan.torn {
        tracing::warn!(
            "The last group before the crash is not whole: {} is cut at offset {} (position {}; \
             {} frames behind it were whole). Nobody had been answered for what is cut",
            torn.file,
            torn.offset,
            torn.position,
            torn.frames
        );
    }
    if plan.has_only_spares {
        tracing::warn!("This start is empty, but {ONLY_SPARES}");
    }
    for damage in &plan.damaged_snapshots {
        tracing::warn!("A snapshot is damaged and was not used: {damage}");
    }
    Ok(plan)
}

fn open_journal(
    server: &Arc<Server>,
    disk: Arc<dyn Disk>,
    plan: &Plan,
    mode: Mode,
) -> Result<Journal, String> {
    let config = &server.config;
    let told = Arc::downgrade(server);
    let options = Options {
        mode,
        segment_bytes: config.journal_segment_size.get_u64(),
        reserve_bytes: config.journal_reserve_size.get_u64(),
        backlog_bytes_max: config.journal_backlog_limit.get_u64(),
        on_failure: Box::new(move |failure, is_final| {
            if let Some(server) = told.upgrade() {
                note_failure(&server, failure, is_final);
            }
        }),
    };
    let opened = if server.store.stepped.load(Ordering::Relaxed) {
        Journal::open_stepped(disk, plan, options)
    } else {
        Journal::open(disk, plan, options)
    };
    opened.map_err(|failure| failure.to_string())
}

/// Whether a journal keeps what it can, or would if it had not failed.
fn is_kept(journal: &Journal) -> bool {
    matches!(journal.state(), State::Serving | State::Impaired | State::Healing)
}

/// From here on changes are kept, in the directory whose lock file is `lock`.
fn keep(server: &Arc<Server>, journal: Journal, lock: FileId) {
    let journal = Arc::new(journal);
    journal.watch_lock(lock);
    if let Some(threads) = server.store.idle_threads.get() {
        journal.let_idle_threads_commit(Arc::clone(threads));
    }
    assert!(server.store.journal.set(Arc::clone(&journal)).is_ok(), "opened under the lock");
    server.keyspace.set_sink(journal as Arc<dyn Sink>);
    server.store.saves.look_again();
}

fn note_failure(server: &Server, failure: &Failure, is_final: bool) {
    if is_final {
        tracing::error!(
            "The journal has failed: {failure}. What was not answered may be lost or may come back: \
             the process ends, and the next start decides by what is on disk"
        );
        server.store.failed.tell(failure);
    } else {
        tracing::error!(
            "The journal has failed: {failure}. Writes are refused until a snapshot has succeeded; \
             reads go on"
        );
        server.store.saves.look_again();
    }
}

/// Makes the journal keep what the settings promise now.
fn change_promise(server: &Arc<Server>) -> Result<(), String> {
    // What is being loaded opens its journal by the settings of that moment.
    if server.store.loading.is_active() {
        return Ok(());
    }
    let promise = server.config.promise();
    match (mode_of(&server.config), server.store.journal()) {
        (None, None) => return Ok(()),
        (None, Some(journal)) => {
            if is_kept(journal) {
                journal.switch_off().map_err(|failure| failure.to_string())?;
            }
        }
        (Some(_), None) => Store::attach(server)?,
        (Some(mode), Some(journal)) => {
            journal.set_mode(mode).map_err(|failure| failure.to_string())?;
        }
    }
    server.store.saves.look_again();
    let standing = if server.store.promise_in_force() == Some(promise) {
        ""
    } else {
        " as soon as a snapshot is whole"
    };
    tracing::warn!("Promise in force{standing}: {promise}");
    Ok(())
}

fn change_sizes(server: &Arc<Server>) -> Result<(), String> {
    if let Some(journal) = server.store.journal() {
        journal.set_segment_bytes(server.config.journal_segment_size.get_u64());
        journal.set_reserve_bytes(server.config.journal_reserve_size.get_u64());
        journal.set_backlog_bytes_max(server.config.journal_backlog_limit.get_u64());
    }
    Ok(())
}
