//! Removing keys at their deadlines: one task, asleep until the nearest.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::shard::ShardSet;
use super::table::NEVER;
use super::tx::Tx;
use super::{Keyspace, SHARDS};

/// How many keys are removed in one go, under one lock of their shard.
const KEYS_PER_STEP: usize = 64;

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
            for shard in 0..SHARDS {
                while self.expire_some(shard) {
                    tokio::task::yield_now().await;
                }
            }
            if let Some(sink) = self.sink.get() {
                sink.flush();
            }
        }
    }

    /// Removes a bounded number of due keys of a shard; true if there may be more.
    fn expire_some(&self, shard: usize) -> bool {
        self.run(ShardSet::one(shard), 0, self.clock.now_ms(), |tx| {
            // Looked at under the lock: loading begins with having had all of them.
            if self.expiry_paused.load(Ordering::Acquire) {
                return false;
            }
            let mut left = KEYS_PER_STEP;
            for db in 0..self.databases {
                tx.select(db);
                while let Some(at) = tx.first_due(0) {
                    if left == 0 {
                        return true;
                    }
                    left -= 1;
                    tx.expire_at_place(0, at);
                    tx.end_step();
                }
                tx.note_first_deadline();
            }
            false
        })
    }
}

impl Tx<'_> {
    fn note_first_deadline(&self) {
        if let Some(&(deadline_ms, _)) = self.part(0).deadlines.first() {
            self.keyspace().note_deadline(deadline_ms);
        }
    }
}
