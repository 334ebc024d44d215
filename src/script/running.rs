//! The script that is being run: how long it has been, and whether it is to end.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// A script that runs longer is not waited for by threads: it leaves its worker, and who needs its
/// locks waits without blocking.
const LONG: Duration = Duration::from_millis(5);

/// What is run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sort {
    /// By EVAL and its kin.
    Script,
    /// By FCALL.
    Function,
}

/// Why a script cannot be ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unkillable {
    /// None is being run.
    NotRunning,
    /// It has changed something.
    HasWritten,
    /// One of the other sort is being run.
    OtherSort,
}

/// What FUNCTION STATS tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Description {
    pub name: String,
    pub command: Vec<Vec<u8>>,
    pub duration_ms: u64,
}

/// What the tick of a running script found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tick {
    Continue,
    /// From now on it counts as long.
    BecameLong,
    Kill(&'static str),
}

const IDLE: u8 = 0;
const SCRIPT: u8 = 1;
const FUNCTION: u8 = 2;

/// The state of the one script that may be running.
#[derive(Default)]
pub struct Running {
    sort: AtomicU8,
    /// It is past `busy-reply-threshold`: whoever comes gets `-BUSY`.
    busy: AtomicBool,
    long: AtomicBool,
    kill: AtomicBool,
    wrote: AtomicBool,
    busy_after_ms: AtomicI64,
    began: Mutex<Option<Began>>,
    /// It has ended, or become busy.
    changed: Notify,
}

struct Began {
    at: Instant,
    /// What is run, by name and request; copied only once it is long.
    described: Option<(String, Vec<Vec<u8>>)>,
}

impl Running {
    /// A script begins; its threshold in ms (0: never busy).
    pub(super) fn begin(&self, sort: Sort, busy_after_ms: i64) {
        self.busy_after_ms.store(busy_after_ms, Ordering::Relaxed);
        self.wrote.store(false, Ordering::Relaxed);
        let sort = if sort == Sort::Script { SCRIPT } else { FUNCTION };
        self.sort.store(sort, Ordering::Release);
    }

    /// What ran has ended, and its locks are no longer held for long: who was put off because of it
    /// looks again.
    pub fn end(&self) {
        self.sort.store(IDLE, Ordering::Release);
        let mut began = self.began.lock();
        if began.take().is_some() {
            self.kill.store(false, Ordering::Relaxed);
        }
        drop(began);
        if self.long.swap(false, Ordering::AcqRel) {
            self.busy.store(false, Ordering::Release);
            self.changed.notify_waiters();
        }
    }

    /// Called by the script every some thousand instructions.
    pub(super) fn tick(&self, describe: impl FnOnce() -> (String, Vec<Vec<u8>>)) -> Tick {
        let now = Instant::now();
        let elapsed = {
            let mut began = self.began.lock();
            let began = began.get_or_insert(Began { at: now, described: None });
            let elapsed = now - began.at;
            if elapsed >= LONG && began.described.is_none() {
                began.described = Some(describe());
            }
            elapsed
        };
        if self.kill.load(Ordering::Acquire) {
            // Redis says so of functions as well.
            return Tick::Kill("Script killed by user with SCRIPT KILL...");
        }
        let busy_after_ms = self.busy_after_ms.load(Ordering::Relaxed);
        let threshold = Duration::from_millis(busy_after_ms.max(0) as u64);
        if busy_after_ms > 0 && elapsed >= threshold && !self.busy.load(Ordering::Relaxed) {
            self.long.store(true, Ordering::Release);
            self.busy.store(true, Ordering::Release);
            self.changed.notify_waiters();
            tracing::warn!(
                elapsed_ms = elapsed.as_millis() as u64,
                "a script runs longer than busy-reply-threshold; SCRIPT KILL or FUNCTION KILL ends it"
            );
            return Tick::BecameLong;
        }
        if self.becomes_long(elapsed) { Tick::BecameLong } else { Tick::Continue }
    }

    /// Whether what has taken so long counts as long from now on.
    pub(super) fn becomes_long(&self, elapsed: Duration) -> bool {
        elapsed >= LONG && !self.long.swap(true, Ordering::AcqRel)
    }

    /// The script is about to change something: ending it later would leave half of its work. Whether
    /// it may; not if it is to end already.
    pub fn may_write(&self) -> bool {
        if self.wrote.load(Ordering::Relaxed) {
            return true;
        }
        // Who kills sets the one and looks at the other: at least one of the two sees the other's.
        self.wrote.store(true, Ordering::SeqCst);
        !self.kill.load(Ordering::SeqCst)
    }

    pub(super) fn is_killed(&self) -> bool {
        self.kill.load(Ordering::Relaxed)
    }

    /// A script is past the threshold; what sort it is.
    #[inline]
    pub fn busy(&self) -> Option<Sort> {
        if !self.busy.load(Ordering::Acquire) {
            return None;
        }
        self.running()
    }

    /// What is being run.
    pub fn running(&self) -> Option<Sort> {
        match self.sort.load(Ordering::Acquire) {
            SCRIPT => Some(Sort::Script),
            FUNCTION => Some(Sort::Function),
            _ => None,
        }
    }

    /// A script holds its locks for long.
    #[inline]
    pub fn is_long(&self) -> bool {
        self.long.load(Ordering::Acquire)
    }

    /// Has the script end at its next tick.
    ///
    /// # Errors
    /// It cannot be ended, or there is none.
    pub fn kill(&self, sort: Sort) -> Result<(), Unkillable> {
        let began = self.began.lock();
        match self.running() {
            None => return Err(Unkillable::NotRunning),
            // One that has just begun will have ended before anybody could mean it.
            Some(_) if began.is_none() => return Err(Unkillable::NotRunning),
            Some(running) if running != sort => return Err(Unkillable::OtherSort),
            Some(_) => {}
        }
        self.kill.store(true, Ordering::SeqCst);
        if self.wrote.load(Ordering::SeqCst) {
            self.kill.store(false, Ordering::SeqCst);
            return Err(Unkillable::HasWritten);
        }
        Ok(())
    }

    /// The script that has been running for a while.
    pub fn description(&self) -> Option<Description> {
        let began = self.began.lock();
        let began = began.as_ref()?;
        let (name, command) = began.described.clone()?;
        Some(Description { name, command, duration_ms: began.at.elapsed().as_millis() as u64 })
    }

    /// Resolves when no script holds its locks for long, or one has become busy.
    pub async fn settled(&self) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // Listen before looking, so that an end in between is not missed.
            changed.as_mut().enable();
            if !self.is_long() || self.busy().is_some() {
                return;
            }
            changed.await;
        }
    }
}
