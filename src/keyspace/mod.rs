//! The keyspace: shards behind locks, and the one gate through which values change.
//!
//! 64 shards, each a mutex over its part of every numbered database. A command runs on its
//! connection's thread, in [`Keyspace::run`], under the locks of the shards its keys hash to, always
//! taken in index order. It sees a [`Tx`], never a shard.

mod batch;
pub mod clock;
mod expiry;
mod fields;
mod hold;
mod lacking;
pub mod news;
mod room;
mod scan;
mod shard;
pub mod snapshot;
pub mod table;
pub mod timers;
mod tx;
pub mod value;
pub mod waiting;
mod watching;

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;

pub use batch::Batch;
pub use clock::{Clock, ManualClock, SystemClock};
pub use hold::{Held, Hold, hand_over};
pub use news::{Audience, EventClass, News, Telling};
pub use shard::ShardSet;
pub use snapshot::{Snapshot, SnapshotLoader};
pub use table::{NEVER, Slot};
pub use timers::{Chores, PutOff};
pub use tx::{Expiry, Tx, WrongType};
pub use value::{Kind, Typed, Value};
pub use waiting::{Class, Parked, Wait, Waiter};

use crate::journal::Sink;
use shard::LockedShard;

/// How many shards there are.
pub const SHARDS: usize = 64;

/// What a keyspace is made with.
pub struct Options {
    /// How many numbered databases.
    pub databases: usize,
    pub clock: Arc<dyn Clock>,
    /// Seeds the key hash and whatever is drawn at random.
    pub seed: u64,
    /// Where the frames of effects go, if anybody wants them.
    pub sink: Option<Arc<dyn Sink>>,
}

/// How far into the journal somebody has looked.
#[derive(Clone, Copy, Default, Debug)]
pub struct Seen {
    /// Behind all that was read or changed: a result may be told once this is settled.
    pub position: u64,
    /// Behind the last change of one's own.
    pub written: u64,
}

/// All keys of all databases.
pub struct Keyspace {
    shards: Box<[LockedShard]>,
    hasher: foldhash::quality::FixedState,
    clock: Arc<dyn Clock>,
    databases: usize,
    /// Set once: at the start, or when it is decided later that a journal is kept.
    sink: OnceLock<Arc<dyn Sink>>,
    /// Orders waiting clients by arrival.
    arrivals: AtomicU64,
    random: AtomicU64,
    /// The nearest deadline of any key, unix ms, or earlier.
    next_deadline_ms: AtomicI64,
    deadline_moved: Notify,
    /// The nearest time at which a stream is to be looked after, unix ms, or earlier.
    next_timer_ms: AtomicI64,
    timer_moved: Notify,
    chores: OnceLock<Arc<dyn Chores>>,
    active_expiry: AtomicBool,
    snapshots: snapshot::Snapshots,
    expiry_paused: AtomicBool,
    /// What anybody wants to be told.
    interest: news::Interest,
    /// A script has the locks for long.
    pub hold: Hold,
    audience: OnceLock<Arc<dyn Audience>>,
}

impl Keyspace {
    pub fn new(options: Options) -> Keyspace {
        let shards = (0..SHARDS).map(|_| LockedShard::new(options.databases));
        Keyspace {
            shards: shards.collect(),
            hasher: foldhash::quality::FixedState::with_seed(options.seed),
            clock: options.clock,
            databases: options.databases,
            sink: options.sink.map_or_else(OnceLock::new, OnceLock::from),
            arrivals: AtomicU64::new(0),
            random: AtomicU64::new(options.seed),
            next_deadline_ms: AtomicI64::new(NEVER),
            deadline_moved: Notify::new(),
            next_timer_ms: AtomicI64::new(NEVER),
            timer_moved: Notify::new(),
            chores: OnceLock::new(),
            active_expiry: AtomicBool::new(true),
            snapshots: snapshot::Snapshots::default(),
            expiry_paused: AtomicBool::new(false),
            interest: news::Interest::default(),
            hold: Hold::default(),
            audience: OnceLock::new(),
        }
    }

    /// Has frames of effects go to `sink` from now on. A step that is under way may leave only its
    /// last effects there, so until the next snapshot nobody may rest on what it gets.
    ///
    /// No lock is taken: a transaction may have some (CONFIG SET in it).
    ///
    /// # Panics
    /// They go somewhere already.
    pub fn set_sink(&self, sink: Arc<dyn Sink>) {
        assert!(self.sink.set(sink).is_ok(), "a keyspace has one journal");
    }

    /// Has `audience` hear what steps tell from now on.
    ///
    /// # Panics
    /// Somebody hears it already.
    pub fn set_audience(&self, audience: Arc<dyn Audience>) {
        assert!(self.audience.set(audience).is_ok(), "a keyspace has one audience");
    }

    /// Which classes of events are told from now on.
    pub fn set_events(&self, classes: EventClass) {
        self.interest.set_events(classes);
    }

    /// Whether it is told from now on which keys have changed.
    pub fn set_cached(&self, cached: bool) {
        self.interest.set_cached(cached);
    }

    /// Time is at least this from now on, unix ms: that of what was loaded.
    pub fn set_time_floor(&self, now_ms: i64) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.last_now_ms = shard.last_now_ms.max(now_ms);
        }
    }

    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub fn databases(&self) -> usize {
        self.databases
    }

    /// The shard that a key lies in, as a set of one.
    pub fn shard_of(&self, key: &[u8]) -> ShardSet {
        ShardSet::one(Keyspace::shard_of_hash(self.hash(key)))
    }

    fn hash(&self, key: &[u8]) -> u64 {
        self.hasher.hash_one(key)
    }

    /// The table index takes its places from the low bits and its tags from the top ones, so the
    /// shard comes from the middle.
    fn shard_of_hash(hash: u64) -> usize {
        (hash >> 40) as usize % SHARDS
    }

    /// Runs one atomic step under the locks of `shards`, in database `db`.
    ///
    /// Time in the step is the later of `now_ms` and the locked shards' last reading. Waiters that
    /// the step made ready are served before this returns, in steps of their own.
    pub fn run<R>(
        &self,
        shards: ShardSet,
        db: usize,
        now_ms: i64,
        step: impl FnOnce(&mut Tx<'_>) -> R,
    ) -> R {
        self.run_noting(shards, db, now_ms, &mut Seen::default(), step)
    }

    /// As [`Keyspace::run`], raising `seen` to the journal's position behind all that the step may
    /// have seen.
    pub fn run_noting<R>(
        &self,
        shards: ShardSet,
        db: usize,
        now_ms: i64,
        seen: &mut Seen,
        step: impl FnOnce(&mut Tx<'_>) -> R,
    ) -> R {
        let tx = match self.begin(shards, db, now_ms) {
            Ok(tx) => tx,
            Err(Held) => hand_over(|| self.begin_whenever(shards, db, now_ms)),
        };
        self.finish(tx, now_ms, seen, step)
    }

    /// As [`Keyspace::run_noting`], unless locks that it needs are held for long.
    ///
    /// # Errors
    /// They are, and nothing was done.
    #[inline]
    pub fn try_run_noting<R>(
        &self,
        shards: ShardSet,
        db: usize,
        now_ms: i64,
        seen: &mut Seen,
        step: impl FnOnce(&mut Tx<'_>) -> R,
    ) -> Result<R, Held> {
        let tx = self.begin(shards, db, now_ms)?;
        Ok(self.finish(tx, now_ms, seen, step))
    }

    #[inline]
    fn finish<'k, R>(
        &'k self,
        mut tx: Tx<'k>,
        now_ms: i64,
        seen: &mut Seen,
        step: impl FnOnce(&mut Tx<'_>) -> R,
    ) -> R {
        let result = step(&mut tx);
        self.end(tx, now_ms, seen);
        result
    }

    /// Ends a step and its locks, having served who waits for what it has changed.
    #[inline]
    fn end(&self, mut tx: Tx<'_>, now_ms: i64, seen: &mut Seen) {
        let shards = tx.locked();
        tx.end_step();
        seen.position = tx.position().max(seen.position);
        seen.written = tx.written().max(seen.written);
        let served = if tx.has_ready() { tx.serve_after_chores() } else { Ok(()) };
        // What was removed is freed, and who was told is woken, when no lock is held any more.
        let leftovers = tx.close();
        if let Err(needed) = served {
            // Whoever has the locks for long has served what was ready before it began.
            self.do_chores(shards.union(needed), now_ms).ok();
        }
        leftovers.finish();
    }

    /// Locks `shards`. What streams have to do there is done first, as much as is done in one go,
    /// and keys that somebody made ready are served: nobody may see the state between a push and
    /// its waiters.
    #[inline]
    fn begin(&self, shards: ShardSet, db: usize, now_ms: i64) -> Result<Tx<'_>, Held> {
        let mut looked_after = false;
        loop {
            let tx = Tx::new(self, shards, self.try_lock(shards)?, db, now_ms);
            if !tx.has_ready() && (looked_after || !tx.has_chores()) {
                return Ok(tx);
            }
            let has_chores = tx.has_chores() && !looked_after;
            tx.close().finish();
            if has_chores {
                looked_after = true;
                self.do_chores(shards, now_ms)?;
            } else {
                self.serve(shards, now_ms)?;
            }
        }
    }

    /// Runs a step under all locks in which effects are replayed: before it nothing is done that is
    /// due, and nobody is served.
    pub fn run_replay<R>(&self, now_ms: i64, step: impl FnOnce(&mut Tx<'_>) -> R) -> R {
        let tx = Tx::new(self, ShardSet::ALL, self.lock(ShardSet::ALL), 0, now_ms);
        self.finish(tx, now_ms, &mut Seen::default(), step)
    }

    /// As [`Keyspace::begin`], blocking for as long as it takes.
    fn begin_whenever(&self, shards: ShardSet, db: usize, now_ms: i64) -> Tx<'_> {
        loop {
            drop(self.lock(shards));
            if let Ok(tx) = self.begin(shards, db, now_ms) {
                return tx;
            }
        }
    }

    /// Serves waiters until no key in `shards` is ready, locking more shards as they are needed.
    fn serve(&self, mut shards: ShardSet, now_ms: i64) -> Result<(), Held> {
        loop {
            let mut tx = Tx::new(self, shards, self.try_lock(shards)?, 0, now_ms);
            let served = tx.serve_ready();
            tx.close().finish();
            match served {
                Ok(()) => return Ok(()),
                Err(needed) => shards = shards.union(needed),
            }
        }
    }

    #[inline]
    fn try_lock(&self, shards: ShardSet) -> Result<tx::Guards<'_>, Held> {
        let mut guards = tx::Guards::new();
        if shards.is_all() {
            guards.reserve_exact(SHARDS);
        }
        for shard in shards.iter() {
            guards.push(self.hold.try_lock(&self.shards[shard])?);
        }
        Ok(guards)
    }

    /// Locks `shards` however long that takes.
    fn lock(&self, shards: ShardSet) -> tx::Guards<'_> {
        shards.iter().map(|shard| self.hold.lock(&self.shards[shard])).collect()
    }

    /// Takes a waiter whose wait was cancelled from under its keys.
    pub fn leave(&self, waiter: &Waiter) {
        let mut tx = Tx::new(self, waiter.shards(), self.lock(waiter.shards()), waiter.db, 0);
        for key in waiter.keys() {
            tx.waiting_mut(key).leave(key, waiter);
        }
        tx.close().finish();
        if waiter.has_heir() {
            self.look_again(waiter);
        }
    }

    /// Has the first waiters for a waiter's keys look again, because of the time and not because
    /// anything has changed.
    pub fn look_again(&self, waiter: &Waiter) {
        self.run(waiter.shards(), waiter.db, self.clock.now_ms(), |tx| {
            for key in waiter.keys() {
                tx.signal(key);
            }
        });
    }

    fn next_arrival(&self) -> u64 {
        self.arrivals.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The next random number (SplitMix64: seeded, so a run can be repeated).
    pub fn random(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.random.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
