//! Removing keys, and fields of hashes, at their deadlines: one task, asleep until the nearest.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::shard::ShardSet;
use super::table::NEVER;
use super::tx::Tx;
use super::{Keyspace, SHARDS};

/// How many keys are removed in one go, under one lock of their shard.
const KEYS_PER_STEP: usize = 64;

/// How long until it is tried again where the journal has no room.
const RETRY_MS: i64 = 250;
/// What the effect that removes a key takes beside the key, at most, bytes.
const EFFECT_BYTES: usize = 128;

/// What became of a shard's due keys.
enum Expired {
    All,
    /// There may be more.
    Some,
    /// The journal cannot take their removal. Nobody sees them either way.
    Refused,
}

impl Keyspace {
    /// Keys are removed at their deadline; when off, only the writes that meet them do so.
    pub fn set_active_expiry(&self, active: bool) {
        self.active_expiry.store(active, Ordering::Relaxed);
        self.deadline_moved.notify_one();
    }

    /// While keys are being loaded none is removed.
    pub fn pause_expiry(&self, paused: bool) {
        self.expiry_paused.store(paused, Ordering::Release);
        self.note_deadline(0);
        self.deadline_moved.notify_one();
        self.note_timer(0);
        self.timer_moved.notify_one();
    }

    pub(super) fn note_deadline(&self, deadline_ms: i64) {
        if deadline_ms < self.next_deadline_ms.load(Ordering::Relaxed) {
            self.next_deadline_ms.fetch_min(deadline_ms, Ordering::Relaxed);
            self.deadline_moved.notify_one();
        }
    }

    /// Removes keys as their deadlines pass, for as long as it is polled.
    pub async fn expire(self: Arc<Self>) {
        loop {
            let moved = self.deadline_moved.notified();
            let next_ms = self.next_deadline_ms.load(Ordering::Relaxed);
            let paused = self.expiry_paused.load(Ordering::Acquire);
            if next_ms == NEVER || paused || !self.active_expiry.load(Ordering::Relaxed) {
                moved.await;
                continue;
            }
            tokio::select! {
                () = moved => continue,
                () = self.clock.sleep_until_ms(next_ms) => {}
            }
            // Whoever sets an earlier deadline from here on lowers it again.
            self.next_deadline_ms.store(NEVER, Ordering::Relaxed);
            let mut refused = false;
            for shard in 0..SHARDS {
                loop {
                    match self.expire_some(shard) {
                        Expired::All => break,
                        Expired::Some => tokio::task::yield_now().await,
                        Expired::Refused => {
                            refused = true;
                            break;
                        }
                    }
                }
            }
            if let Some(sink) = self.sink.get() {
                sink.flush();
            }
            if refused {
                self.clock.sleep_until_ms(self.clock.now_ms() + RETRY_MS).await;
                self.note_deadline(0);
            }
        }
    }

    /// Removes a bounded number of due keys of a shard.
    fn expire_some(&self, shard: usize) -> Expired {
        self.run(ShardSet::one(shard), 0, self.clock.now_ms(), |tx| {
            // Looked at under the lock: loading begins with having had all of them.
            if self.expiry_paused.load(Ordering::Acquire) {
                return Expired::All;
            }
            let mut left = KEYS_PER_STEP;
            for db in 0..self.databases {
                tx.select(db);
                while let Some(at) = tx.first_due(0) {
                    if left == 0 {
                        return Expired::Some;
                    }
                    if !tx.may_expire_at_place(0, at) {
                        return Expired::Refused;
                    }
                    left -= 1;
                    tx.expire_at_place(0, at);
                    tx.end_step();
                }
                while let Some(at) = tx.first_with_due_fields(0) {
                    if left == 0 {
                        return Expired::Some;
                    }
                    if !tx.may_expire_fields_at_place(0, at) {
                        return Expired::Refused;
                    }
                    left -= 1;
                    tx.expire_fields_at_place(0, at);
                    tx.end_step();
                }
                tx.note_first_deadline();
            }
            Expired::All
        })
    }
}

impl Tx<'_> {
    /// How many keys of the database have a deadline.
    pub fn db_with_deadline(&self) -> usize {
        self.dbs().map(|db| db.table.with_deadline()).sum()
    }

    /// How many hashes of the database have fields with a deadline.
    pub fn db_with_field_deadline(&self) -> usize {
        self.dbs().map(|db| db.field_deadlines.len()).sum()
    }

    /// Keys removed at their deadline since the start.
    pub fn expired_total(&self) -> u64 {
        self.guards.iter().map(|shard| shard.expired_keys).sum()
    }

    /// Fields of hashes removed at their deadline since the start.
    pub fn expired_fields_total(&self) -> u64 {
        self.guards.iter().map(|shard| shard.expired_fields).sum()
    }

    /// Whether the journal can take the removal of the key in a slot.
    fn may_expire_at_place(&self, rank: usize, at: usize) -> bool {
        let key = &self.part(rank).table.slot(at).key;
        let bytes = (key.len() + EFFECT_BYTES) as u64;
        self.keyspace().sink.get().is_none_or(|sink| sink.may_remove(bytes))
    }

    /// The same for the due fields of the hash in a slot.
    fn may_expire_fields_at_place(&self, rank: usize, at: usize) -> bool {
        let Some(sink) = self.keyspace().sink.get() else { return true };
        sink.may_remove(self.expire_fields_bytes(rank, at) + EFFECT_BYTES as u64)
    }

    fn note_first_deadline(&self) {
        let part = self.part(0);
        let firsts = part.deadlines.first().into_iter().chain(part.field_deadlines.first());
        if let Some(deadline_ms) = firsts.map(|&(deadline_ms, _)| deadline_ms).min() {
            self.keyspace().note_deadline(deadline_ms);
        }
    }
}
