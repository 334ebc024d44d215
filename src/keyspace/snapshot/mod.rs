//! Snapshots: the keyspace as it is at one cut, written while it serves.
//!
//! All shards are locked only to note the cut and to raise the epoch. Then they are walked, a few
//! slots under one shard's lock at a time, one shard after the other, each table from its end down as
//! SCAN does. What is about to be changed and was not captured yet is handed over first
//! ([`capture`]), so what is written is the state at the cut, and nothing that came after it.
//!
//! What was handed over is written before the walk goes on, because it keeps memory that the keyspace
//! no longer shares. Values of more than a few hundred bytes are encoded outside of the locks, piece
//! by piece, and let go of what has been written.

mod capture;
mod epoch;
mod format;
mod load;
#[cfg(test)]
mod tests;
mod values;

use std::sync::Arc;

use super::shard::ShardSet;
use super::table::Epoch;
use super::{Keyspace, SHARDS};
use crate::types::image::ImageWriter;
use capture::{Captured, Emptied, Handed, Large, SlotHead};
use format::{Record, Then};

pub use capture::SLOTS_PER_HOLD;
pub(super) use capture::{Capture, Walk};
pub(super) use epoch::Snapshots;
pub use epoch::{Holds, Progress};
pub use load::SnapshotLoader;

/// A part is done when it is about this long. It is longer by no more than a chunk of handed-over
/// values, and by a key that is so long itself.
const PART_BYTES: usize = 256 << 10;
/// Pieces of an image are cut to this many bytes.
const FRAGMENT_BYTES: usize = 64 << 10;
/// How many slots of an emptied table are encoded before the part's length is looked at again.
const EMPTIED_SLOTS: usize = 64;

/// A snapshot that is being made. Dropped, it is over, whole or not.
pub struct Snapshot {
    keyspace: Arc<Keyspace>,
    epoch: Epoch,
    keys: u64,
    has_head: bool,
    /// Shards with slots that are not captured.
    unfinished: ShardSet,
    /// The shard whose turn it is, if it is one of those.
    turn: usize,
    /// The value that is being written.
    open: Option<Open>,
    small: Vec<Vec<u8>>,
    large: Vec<Large>,
    emptied: Vec<Emptied>,
    /// What is to be replayed behind all keys, the last one first.
    effects: Vec<Vec<u8>>,
    part_bytes: usize,
    /// Nanoseconds, to measure how long locks are held.
    clock_ns: Box<dyn Fn() -> u64 + Send>,
}

/// A value of which some has been written.
struct Open {
    image: Box<dyn ImageWriter + Send>,
    /// The piece that is being written, and how much of it has been.
    piece: Vec<u8>,
    written: usize,
    /// What follows the piece.
    then: Then,
}

impl Open {
    fn new(mut image: Box<dyn ImageWriter + Send>) -> Open {
        let mut piece = Vec::new();
        let then = next_piece(&mut *image, &mut piece);
        Open { image, piece, written: 0, then }
    }

    /// Writes some more; false once the value is whole.
    fn write(&mut self, part: &mut Vec<u8>) -> bool {
        let rest = &self.piece[self.written..];
        if rest.len() > FRAGMENT_BYTES {
            let bytes = &rest[..FRAGMENT_BYTES];
            Record::Image { bytes, then: Then::Fragment }.encode(part);
            self.written += FRAGMENT_BYTES;
            return true;
        }
        Record::Image { bytes: rest, then: self.then }.encode(part);
        if self.then == Then::Key {
            return false;
        }
        self.piece.clear();
        // One long element is no reason to keep as much until the end.
        self.piece.shrink_to(FRAGMENT_BYTES);
        self.written = 0;
        self.then = next_piece(&mut *self.image, &mut self.piece);
        true
    }
}

fn next_piece(image: &mut (dyn ImageWriter + Send), piece: &mut Vec<u8>) -> Then {
    if image.write_piece(piece) { Then::Piece } else { Then::Key }
}

impl Keyspace {
    /// Begins a snapshot of the state at a cut between two steps, at which `cut` is called: all
    /// shards are locked then, so it has to be quick. None if a snapshot is running.
    pub fn begin_snapshot<C>(self: &Arc<Self>, cut: impl FnOnce() -> C) -> Option<(C, Snapshot)> {
        let epoch = self.snapshots.begin()?;
        let clock = quanta::Clock::new();
        let first = clock.now();
        let clock_ns = Box::new(move || clock.now().duration_since(first).as_nanos() as u64);
        let captures: [Box<Capture>; SHARDS] = std::array::from_fn(|_| Box::default());
        let mut guards = self.lock(ShardSet::ALL);
        let locked_ns = clock_ns();
        let noted = cut();
        let mut keys = 0;
        for (shard, capture) in guards.iter_mut().zip(captures) {
            shard.epoch = epoch;
            shard.capture = Some(capture);
            keys += shard.keys;
        }
        let unlocked_ns = clock_ns();
        drop(guards);
        self.snapshots.note_cut(keys, unlocked_ns - locked_ns);
        let snapshot = Snapshot {
            keyspace: Arc::clone(self),
            epoch,
            keys,
            has_head: false,
            unfinished: ShardSet::ALL,
            turn: 0,
            open: None,
            small: Vec::new(),
            large: Vec::new(),
            emptied: Vec::new(),
            effects: Vec::new(),
            part_bytes: PART_BYTES,
            clock_ns,
        };
        Some((noted, snapshot))
    }

    /// How far the snapshot that is running has come; none if none is.
    pub fn snapshot_progress(&self) -> Option<Progress> {
        self.snapshots.progress()
    }

    /// The longest holds of locks by the snapshot that is running, or by the last one.
    pub fn snapshot_holds(&self) -> Holds {
        self.snapshots.holds()
    }
}

impl Snapshot {
    /// Makes the next part, in place of what `part` holds; false, and nothing, if there is none.
    /// The parts have to be loaded in their order. About 256 KiB long, but for a key that is longer.
    pub fn next_part(&mut self, part: &mut Vec<u8>) -> bool {
        part.clear();
        // Under a lock there is to be room already.
        part.reserve(self.part_bytes + FRAGMENT_BYTES);
        if !self.has_head {
            self.has_head = true;
            Record::Head { version: format::VERSION, keys: self.keys }.encode(part);
        }
        let mut last_db = None;
        while part.len() < self.part_bytes && self.write_some(part, &mut last_db) {}
        while part.len() < self.part_bytes
            && let Some(effect) = self.effects.pop()
        {
            Record::Effect(&effect).encode(part);
        }
        !part.is_empty()
    }

    /// Has commands in RESP form replayed behind all keys: what belongs to none. To be called before
    /// the first part is made.
    pub fn set_effects(&mut self, mut effects: Vec<Vec<u8>>) {
        effects.reverse();
        self.effects = effects;
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        self.keyspace.snapshots.progress().unwrap_or_default()
    }

    /// Makes parts of about this length from now on.
    pub fn set_part_bytes(&mut self, bytes: usize) {
        self.part_bytes = bytes;
    }

    /// Measures the holds of locks with this clock, in nanoseconds, instead of the time that passes.
    pub fn time_holds_with(&mut self, clock_ns: impl Fn() -> u64 + Send + 'static) {
        self.clock_ns = Box::new(clock_ns);
    }

    /// Writes a bounded amount; false if there was nothing left. What was handed over goes before
    /// the walk.
    fn write_some(&mut self, part: &mut Vec<u8>, last_db: &mut Option<u32>) -> bool {
        if let Some(open) = &mut self.open {
            if !open.write(part) {
                self.open = None;
            }
        } else if let Some(chunk) = self.small.pop() {
            part.extend_from_slice(&chunk);
            *last_db = None;
        } else if let Some(Large { db, key, expire_at_ms, value }) = self.large.pop() {
            let head = SlotHead { key: &key, expire_at_ms, value: &value };
            capture::put_key(part, last_db, db, head);
            self.open = Some(Open::new(values::image(&value)));
        } else if let Some(emptied) = self.emptied.last_mut() {
            let mut captured = Captured { part, last_db, large: &mut self.large, keys: 0 };
            let has_more = (0..EMPTIED_SLOTS).all(|_| emptied.capture_one(&mut captured));
            self.keyspace.snapshots.note_keys(captured.keys);
            if !has_more {
                self.emptied.pop();
            }
        } else if self.unfinished != ShardSet::NONE {
            self.walk(part, last_db);
        } else {
            return false;
        }
        true
    }

    /// Walks on in the shard whose turn it is. They take turns, so that nobody who wants one of them
    /// finds it locked again and again, and what is handed over anywhere is found soon.
    fn walk(&mut self, part: &mut Vec<u8>, last_db: &mut Option<u32>) {
        let shard = self.unfinished.first_from(self.turn);
        self.turn = (shard + 1) % SHARDS;
        let mut captured = Captured { part, last_db, large: &mut self.large, keys: 0 };
        let (held, held_ns) = {
            let mut guard = self.keyspace.hold.lock(&self.keyspace.shards[shard]);
            let locked_ns = (self.clock_ns)();
            let held = guard.capture_some(&mut captured);
            (held, (self.clock_ns)() - locked_ns)
        };
        let snapshots = &self.keyspace.snapshots;
        let Handed { small, large, emptied, keys, .. } = held.handed;
        snapshots.note_hold(held.slots, held_ns);
        snapshots.note_keys(captured.keys + keys);
        self.small.extend(small);
        self.large.extend(large);
        self.emptied.extend(emptied);
        if held.is_done {
            self.unfinished = self.unfinished.without(shard);
            if self.unfinished == ShardSet::NONE {
                // Every slot has this epoch now.
                snapshots.note_walked();
            }
        }
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        // What a snapshot that was given up leaves unvisited keeps its old epoch. Before the numbers
        // come round to that one again, a walk brings every slot up to date.
        let mut nowhere = Vec::new();
        while self.keyspace.snapshots.needs_walk() {
            nowhere.clear();
            self.walk(&mut nowhere, &mut None);
            self.small.clear();
            self.large.clear();
            self.emptied.clear();
        }
        for shard in &self.keyspace.shards {
            let capture = shard.lock().capture.take();
            // Values that were handed over are freed here, outside of the lock.
            drop(capture);
        }
        self.keyspace.snapshots.end(self.epoch);
    }
}
