//! A position that moves on, and those who wait until it has passed theirs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use atomic_waker::AtomicWaker;
use parking_lot::Mutex;

/// A position that only grows.
///
/// Waiters lie in a plain list: a group commit passes nearly all who wait, and who appended while
/// it was under way is passed by the next. So each is looked at about twice, with no order to keep.
#[derive(Default)]
pub struct Progress {
    position: AtomicU64,
    waiters: Mutex<Vec<(u64, Arc<AtomicWaker>)>>,
}

impl Progress {
    pub fn new(position: u64) -> Progress {
        Progress { position: AtomicU64::new(position), waiters: Mutex::default() }
    }

    pub fn position(&self) -> u64 {
        self.position.load(Ordering::Acquire)
    }

    /// Moves on to `position`, if that is further, and wakes those it passes; how many those are.
    pub fn advance(&self, position: u64) -> usize {
        let before = self.position.fetch_max(position, Ordering::AcqRel);
        if before < position { self.wake_up_to(position) } else { 0 }
    }

    /// Wakes all who wait, because something else than the position has changed.
    pub fn wake_all(&self) {
        self.wake_up_to(u64::MAX);
    }

    /// Has `waker` woken when the position reaches `target`. The caller registers with the waker
    /// first, and looks at the position again afterwards: it may have moved on in between.
    pub fn enlist(&self, target: u64, waker: &Arc<AtomicWaker>) {
        self.waiters.lock().push((target, Arc::clone(waker)));
    }

    /// Takes a waker off the list again, if the position has not passed it yet.
    pub fn delist(&self, target: u64, waker: &Arc<AtomicWaker>) {
        if self.position() < target {
            self.waiters.lock().retain(|(_, listed)| !Arc::ptr_eq(listed, waker));
        }
    }

    /// How many wait.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.waiters.lock().len()
    }

    fn wake_up_to(&self, position: u64) -> usize {
        let passed: Vec<(u64, Arc<AtomicWaker>)> = {
            let mut waiters = self.waiters.lock();
            waiters.extract_if(.., |(target, _)| *target <= position).collect()
        };
        // Outside the lock: waking may be a system call.
        for (_, waker) in &passed {
            waker.wake();
        }
        passed.len()
    }
}
