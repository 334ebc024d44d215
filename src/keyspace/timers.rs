//! What streams do by themselves as time passes: leases lapse, delayed entries become ready.
//!
//! Each shard's part of a database keeps the streams that have something to do in order of when.
//! The time in that order may be too early, never too late: whoever makes something due earlier
//! lowers it ([`Tx::arm`]), and nothing raises it but the work itself, which finds out when there is
//! more to do. So a lease that is acknowledged in time costs the order nothing.
//!
//! What is due is done before anybody sees the shard: whoever locks it next does it, a task that
//! sleeps until the nearest time if nobody else comes. The keyspace knows nothing of leases: the
//! command layer does the work ([`Chores`]). In a replay nothing is due by itself.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::shard::ShardSet;
use super::table::NEVER;
use super::tx::Tx;
use super::{Held, Keyspace, SHARDS};

/// How many streams are looked after in one go, under one taking of their locks.
const STREAMS_PER_STEP: usize = 16;

/// How long until it is tried again where the journal has no room.
const RETRY_MS: i64 = 250;

/// Who does what streams have to do.
pub trait Chores: Send + Sync {
    /// Does some of what is due of the stream at `key`, in a step of its own that the caller ends.
    /// Its next time is as [`Tx::rearm`] has set it; the caller comes again if that has come too.
    ///
    /// # Errors
    /// Nothing was done.
    fn run(&self, tx: &mut Tx<'_>, key: &[u8]) -> Result<(), PutOff>;
}

/// Why what is due cannot be done now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PutOff {
    /// These shards have to be locked as well.
    Locks(ShardSet),
    /// The journal has no room for what it would leave behind.
    NoRoom,
}

/// What became of what was due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Done {
    All,
    /// There may be more.
    Some,
    NoRoom,
}

impl Keyspace {
    /// Has `chores` done from now on. The first call counts.
    pub fn set_chores(&self, chores: Arc<dyn Chores>) {
        if self.chores.set(chores).is_ok() {
            self.note_timer(0);
        }
    }

    pub(super) fn note_timer(&self, at_ms: i64) {
        if at_ms < self.next_timer_ms.load(Ordering::Relaxed) {
            self.next_timer_ms.fetch_min(at_ms, Ordering::Relaxed);
            self.timer_moved.notify_one();
        }
    }

    /// Does what streams have to do as its time comes, for as long as it is polled.
    pub async fn keep_time(self: Arc<Self>) {
        loop {
            let moved = self.timer_moved.notified();
            let next_ms = self.next_timer_ms.load(Ordering::Relaxed);
            if next_ms == NEVER || self.expiry_paused.load(Ordering::Acquire) {
                moved.await;
                continue;
            }
            tokio::select! {
                () = moved => continue,
                () = self.clock.sleep_until_ms(next_ms) => {}
            }
            // Whoever arms an earlier one from here on lowers it again.
            self.next_timer_ms.store(NEVER, Ordering::Relaxed);
            let mut refused = false;
            for shard in 0..SHARDS {
                loop {
                    match self.do_chores(ShardSet::one(shard), self.clock.now_ms()) {
                        Ok(Done::All) => break,
                        Ok(Done::Some) => tokio::task::yield_now().await,
                        Ok(Done::NoRoom) => {
                            refused = true;
                            break;
                        }
                        // A script has the locks: that takes long.
                        Err(Held) => self.clock.sleep_until_ms(self.clock.now_ms() + 1).await,
                    }
                }
            }
            if let Some(sink) = self.sink.get() {
                sink.flush();
            }
            if refused {
                self.clock.sleep_until_ms(self.clock.now_ms() + RETRY_MS).await;
                self.note_timer(0);
            }
        }
    }

    /// Does some of what is due in these shards, and serves who waited for it.
    pub(super) fn do_chores(&self, shards: ShardSet, now_ms: i64) -> Result<Done, Held> {
        let mut needed = shards;
        loop {
            let mut tx = Tx::new(self, needed, self.try_lock(needed)?, 0, now_ms);
            let done = tx.do_chores();
            let served = if tx.has_ready() { tx.serve_ready() } else { Ok(()) };
            if let Ok(Done::All) = done {
                tx.note_first_timers();
            }
            tx.close().finish();
            if let Err(more) = served {
                self.serve(needed.union(more), now_ms)?;
            }
            match done {
                Ok(done) => return Ok(done),
                Err(more) => needed = needed.union(more),
            }
        }
    }
}

impl Tx<'_> {
    /// Whether a locked shard has something to do.
    #[inline]
    pub(super) fn has_chores(&self) -> bool {
        self.has_chores
    }

    /// Serves who waits for a key that the step has made ready, after what streams have to do because of
    /// that step: nobody sees what it made due before that is done. Where that takes shards that are not
    /// locked, says which ones.
    pub(super) fn serve_after_chores(&mut self) -> Result<(), ShardSet> {
        let now_ms = self.now_ms();
        if !self.is_replaying() && self.guards.iter().any(|shard| shard.timer_ms <= now_ms) {
            self.do_chores()?;
        }
        self.serve_ready()
    }

    /// Does what is due in the locked shards, some of it if it is much. Where a chore needs shards
    /// that are not locked, says which ones; it is left to do.
    pub(super) fn do_chores(&mut self) -> Result<Done, ShardSet> {
        let keyspace = self.keyspace();
        let Some(chores) = keyspace.chores.get() else { return Ok(Done::All) };
        // Looked at under the locks: loading begins with having had all of them.
        if keyspace.expiry_paused.load(Ordering::Acquire) {
            return Ok(Done::All);
        }
        let db = self.db();
        let done = self.do_chores_of(&**chores);
        self.select(db);
        done
    }

    fn do_chores_of(&mut self, chores: &dyn Chores) -> Result<Done, ShardSet> {
        let mut left = STREAMS_PER_STEP;
        for rank in 0..self.guards.len() {
            if self.guards[rank].timer_ms > self.now_ms() {
                continue;
            }
            for db in 0..self.keyspace().databases {
                self.select(db);
                while let Some(key) = self.first_with_chores(rank) {
                    if left == 0 {
                        return Ok(Done::Some);
                    }
                    left -= 1;
                    let done = chores.run(self, &key);
                    self.end_step();
                    match done {
                        Ok(()) => {}
                        Err(PutOff::Locks(shards)) => return Err(shards),
                        Err(PutOff::NoRoom) => return Ok(Done::NoRoom),
                    }
                }
            }
            let shard = &mut *self.guards[rank];
            let firsts = shard.dbs.iter().filter_map(|db| db.timers.first());
            shard.timer_ms = firsts.map(|&(at_ms, _)| at_ms).min().unwrap_or(NEVER);
        }
        Ok(Done::All)
    }

    fn note_first_timers(&self) {
        for shard in &self.guards {
            if shard.timer_ms != NEVER {
                self.keyspace().note_timer(shard.timer_ms);
            }
        }
    }

    /// The key of the first stream of a shard's part of the database that has something to do.
    fn first_with_chores(&mut self, rank: usize) -> Option<Box<[u8]>> {
        let (db, now_ms) = (self.db(), self.now_ms());
        let part = &mut self.guards[rank].dbs[db];
        loop {
            let &(at_ms, hash) = part.timers.first()?;
            if at_ms > now_ms {
                return None;
            }
            match part.table.find_with_timer(hash, now_ms) {
                Some(at) => return Some(part.table.slot(at).key.clone()),
                // Its twin of the same hash and time went first.
                None => part.timers.pop_first(),
            };
        }
    }

    /// Sees to it that the stream at `key`, if there is one, is looked after at `at_ms`, unix ms, or
    /// earlier.
    pub fn arm(&mut self, key: &[u8], at_ms: i64) {
        if at_ms != NEVER {
            self.set_timer(key, |before_ms| before_ms.min(at_ms));
        }
    }

    /// Sets when the stream at `key` is to be looked after next: for what has found out when that is.
    pub fn rearm(&mut self, key: &[u8], at_ms: i64) {
        self.set_timer(key, |_| at_ms);
    }

    fn set_timer(&mut self, key: &[u8], choose: impl FnOnce(i64) -> i64) {
        let (rank, hash) = self.place(key);
        let db = self.db();
        let part = &mut self.guards[rank].dbs[db];
        let Some(at) = part.table.find(hash, key) else { return };
        let timer = part.table.slot_mut(at).value.timer_ms_mut();
        let Some(timer_ms) = timer else { return };
        let before_ms = *timer_ms;
        *timer_ms = choose(before_ms);
        self.move_timer(rank, at, before_ms);
    }

    /// Brings the order up to date with the value in a slot, where the one before had its timer at
    /// `before_ms`.
    pub(super) fn move_timer(&mut self, rank: usize, at: usize, before_ms: i64) {
        let db = self.db();
        let shard = &mut *self.guards[rank];
        let part = &mut shard.dbs[db];
        let slot = part.table.slot(at);
        let (hash, after_ms) = (slot.hash, slot.value.timer_ms());
        if before_ms == after_ms {
            return;
        }
        if before_ms != NEVER {
            part.timers.remove(&(before_ms, hash));
        }
        if after_ms != NEVER {
            part.timers.insert((after_ms, hash));
            shard.timer_ms = shard.timer_ms.min(after_ms);
            self.keyspace().note_timer(after_ms);
        }
    }
}
