//! The numbers of snapshots, and what is told of the one that runs.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::keyspace::table::Epoch;

/// How far a snapshot has come.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Progress {
    /// Keys captured.
    pub keys_done: u64,
    /// Keys at the cut, those past their deadline but not collected included.
    pub keys: u64,
}

/// The longest holds of locks by a snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Holds {
    /// Slots touched under one lock of a shard; never more than [`super::SLOTS_PER_HOLD`].
    pub slots: u64,
    /// Time under one lock of a shard.
    pub ns: u64,
    /// Time under the locks of all shards, at the cut.
    pub cut_ns: u64,
}

/// What a keyspace keeps of its snapshots.
#[derive(Default)]
pub struct Snapshots {
    epochs: Mutex<Epochs>,
    keys_done: AtomicU64,
    keys: AtomicU64,
    hold_slots: AtomicU64,
    hold_ns: AtomicU64,
    cut_ns: AtomicU64,
}

#[derive(Default)]
struct Epochs {
    is_running: bool,
    current: Epoch,
    /// How many were begun since every slot had the epoch of its day: slots may carry the current
    /// one or as many before it.
    since_walked: u32,
}

impl Snapshots {
    /// The epoch of a new snapshot; none if one is running.
    pub fn begin(&self) -> Option<Epoch> {
        let mut epochs = self.epochs.lock();
        if epochs.is_running {
            return None;
        }
        epochs.is_running = true;
        epochs.current = epochs.current.next();
        epochs.since_walked += 1;
        Some(epochs.current)
    }

    pub fn note_cut(&self, keys: u64, ns: u64) {
        self.keys.store(keys, Ordering::Relaxed);
        self.keys_done.store(0, Ordering::Relaxed);
        self.hold_slots.store(0, Ordering::Relaxed);
        self.hold_ns.store(0, Ordering::Relaxed);
        self.cut_ns.store(ns, Ordering::Relaxed);
    }

    pub fn note_keys(&self, keys: u64) {
        self.keys_done.fetch_add(keys, Ordering::Relaxed);
    }

    pub fn note_hold(&self, slots: usize, ns: u64) {
        self.hold_slots.fetch_max(slots as u64, Ordering::Relaxed);
        self.hold_ns.fetch_max(ns, Ordering::Relaxed);
    }

    /// The running snapshot has visited every slot.
    pub fn note_walked(&self) {
        self.epochs.lock().since_walked = 0;
    }

    /// Whether the next snapshot would get an epoch that some slot still has.
    pub fn needs_walk(&self) -> bool {
        self.epochs.lock().since_walked >= Epoch::COUNT - 1
    }

    pub fn end(&self, epoch: Epoch) {
        let mut epochs = self.epochs.lock();
        debug_assert_eq!(epochs.current, epoch, "one snapshot at a time");
        epochs.is_running = false;
    }

    pub fn progress(&self) -> Option<Progress> {
        self.epochs.lock().is_running.then(|| Progress {
            keys_done: self.keys_done.load(Ordering::Relaxed),
            keys: self.keys.load(Ordering::Relaxed),
        })
    }

    pub fn holds(&self) -> Holds {
        Holds {
            slots: self.hold_slots.load(Ordering::Relaxed),
            ns: self.hold_ns.load(Ordering::Relaxed),
            cut_ns: self.cut_ns.load(Ordering::Relaxed),
        }
    }

    /// As if so many snapshots had been given up.
    #[cfg(test)]
    pub fn pretend_given_up(&self, times: u32) {
        let mut epochs = self.epochs.lock();
        epochs.since_walked += times;
        for _ in 0..times {
            epochs.current = epochs.current.next();
        }
    }
}
