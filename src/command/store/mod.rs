//! What the server keeps on disk: its directory, the journal in it, and the snapshots.
//!
//! A server starts without; [`Store::open`] loads what the directory holds and opens the journal. By
//! `appendonly no` and `save ""` nothing is kept: then the journal is opened the first time that
//! somebody wants a snapshot, or journalling, after all.

mod gathering;
mod load;
mod open;
mod reload;
mod room;
mod save;

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::config::{Config, Promise};
use crate::journal::disk::{DirLock, Disk};
use crate::journal::writer::{Failure, IdleThreads};
use crate::journal::{Journal, Mode, State};
use gathering::Gathering;

pub use load::{LoadProgress, Loaded};
pub use open::{Opened, holds_something};
pub use reload::reload;
pub use room::{effect_bytes, effects_of_members, misconf, transaction_bytes};
pub use save::{Busy, Cause, Running, SaveError, Saves, save, save_aside, tend};

/// See the module's text.
#[derive(Default)]
pub struct Store {
    journal: OnceLock<Arc<Journal>>,
    disk: OnceLock<Arc<dyn Disk>>,
    /// The directory is this server's. Held by whoever opens the journal or changes what it promises.
    lock: Mutex<Option<DirLock>>,
    /// The position behind what was loaded.
    loaded_end: AtomicU64,
    pub loading: Loading,
    pub saves: Saves,
    pub failed: Failed,
    /// The runtime's threads, set if they commit before they sleep ([`Store::commit_when_idle`]).
    pub idle_threads: OnceLock<Arc<IdleThreads>>,
    /// What only one thread that serves has use for.
    gathering: Gathering,
    /// No threads: [`Journal::step`] does their work (tests).
    pub stepped: AtomicBool,
}

impl Store {
    /// The journal, if one has been opened.
    #[inline]
    pub fn journal(&self) -> Option<&Arc<Journal>> {
        self.journal.get()
    }

    /// Called by a thread of the runtime that is about to sleep, and is no longer counted as awake.
    pub fn commit_when_idle(&self) {
        if let Some(journal) = self.journal() {
            journal.commit_when_idle();
        }
    }

    /// Tells that a batch of so many commands is about to wait for the disk.
    #[inline]
    pub fn note_batch(&self, commands: u64) {
        let is_single = || self.idle_threads.get().is_some_and(|threads| threads.is_single);
        let is_always = || self.journal().is_some_and(|journal| journal.mode() == Mode::Always);
        if commands >= gathering::COMMANDS_MIN && is_single() && is_always() {
            self.gathering.begin();
        }
    }

    /// Has the only thread that serves look for more, where that is worth it, before it commits. Never ends.
    pub async fn keep_gathering(&self) {
        self.gathering.keep_awake(|| self.journal().map_or(0, |journal| journal.next())).await;
    }

    /// What a reply promises right now; none while a snapshot has to succeed first.
    pub fn promise_in_force(&self) -> Option<Promise> {
        let Some(journal) = self.journal() else { return Some(Promise::MemoryOnly) };
        match (journal.state(), journal.mode()) {
            (State::Off, _) => Some(Promise::MemoryOnly),
            (State::Serving, Mode::Always) => Some(Promise::Always),
            (State::Serving, Mode::EverySecond) => Some(Promise::EverySecond),
            (State::Serving, Mode::Never) => Some(Promise::WhenTheKernelLikes),
            _ => None,
        }
    }
}

/// How the journal is to be written by the settings; none for memory only.
fn mode_of(config: &Config) -> Option<Mode> {
    match config.promise() {
        Promise::Always => Some(Mode::Always),
        Promise::EverySecond => Some(Mode::EverySecond),
        Promise::WhenTheKernelLikes => Some(Mode::Never),
        Promise::MemoryOnly => None,
    }
}

/// Whether what is on disk is being loaded, and how far that is.
#[derive(Default)]
pub struct Loading {
    active: AtomicBool,
    pub begun_at_ms: AtomicI64,
    pub bytes_total: AtomicU64,
    pub bytes_loaded: AtomicU64,
    /// How many keys there were at its end.
    pub keys_loaded: AtomicU64,
}

impl Loading {
    /// Keys are not to be looked at: they are being loaded.
    #[inline]
    pub fn is_active(&self) -> bool {
        self.active.load(Ordering::Acquire)
    }

    /// Whether it begins: not while it is going on.
    #[must_use = "who has not begun it must not end it"]
    pub fn begin(&self, now_ms: i64) -> bool {
        if self.active.swap(true, Ordering::AcqRel) {
            return false;
        }
        self.begun_at_ms.store(now_ms, Ordering::Relaxed);
        self.bytes_total.store(0, Ordering::Relaxed);
        self.bytes_loaded.store(0, Ordering::Relaxed);
        true
    }

    pub fn end(&self) {
        self.active.store(false, Ordering::Release);
    }
}

/// Whether the journal has failed so that the process has to end.
#[derive(Default)]
pub struct Failed {
    failure: OnceLock<Failure>,
    signal: Notify,
}

impl Failed {
    fn tell(&self, failure: &Failure) {
        // Only the first one counts.
        drop(self.failure.set(failure.clone()));
        self.signal.notify_waiters();
    }

    /// The failure, if there was one.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.get()
    }

    /// Resolves once it has failed.
    pub async fn told(&self) -> Failure {
        let mut signal = std::pin::pin!(self.signal.notified());
        // Listen before looking, so that a failure in between is not missed.
        signal.as_mut().enable();
        loop {
            if let Some(failure) = self.failure() {
                return failure.clone();
            }
            signal.as_mut().await;
            signal.set(self.signal.notified());
        }
    }
}
