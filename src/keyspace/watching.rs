//! WATCH: which connections are to know that a key was touched.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::tx::Tx;

/// Set when any key that a connection watches was touched: its EXEC then does nothing.
pub type Touched = Arc<AtomicBool>;

struct Watcher {
    touched: Touched,
    /// The key was past its deadline when the watch began: its removal then changes nothing.
    was_due: bool,
}

/// The watched keys of one shard's part of one database.
#[derive(Default)]
pub struct Watching {
    keys: HashMap<Box<[u8]>, Vec<Watcher>>,
}

impl Watching {
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(super) fn watch(&mut self, key: &[u8], touched: &Touched, was_due: bool) {
        let watchers = self.keys.entry(key.into()).or_default();
        watchers.push(Watcher { touched: Arc::clone(touched), was_due });
    }

    pub(super) fn unwatch(&mut self, key: &[u8], touched: &Touched) {
        if let Some(watchers) = self.keys.get_mut(key) {
            watchers.retain(|watcher| !Arc::ptr_eq(&watcher.touched, touched));
            if watchers.is_empty() {
                self.keys.remove(key);
            }
        }
    }

    /// Whether `touched`'s watch of the key began when the key was past its deadline.
    pub(super) fn was_due(&self, key: &[u8], touched: &Touched) -> bool {
        let mut watchers = self.keys.get(key).into_iter().flatten();
        watchers.any(|watcher| Arc::ptr_eq(&watcher.touched, touched) && watcher.was_due)
    }

    pub(super) fn touch(&self, key: &[u8]) {
        for watcher in self.keys.get(key).into_iter().flatten() {
            watcher.touched.store(true, Ordering::Relaxed);
        }
    }

    /// A key that was due is gone: news only to those who saw it alive.
    pub(super) fn touch_expired(&self, key: &[u8]) {
        for watcher in self.keys.get(key).into_iter().flatten().filter(|watcher| !watcher.was_due) {
            watcher.touched.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn watched_keys(&self) -> impl Iterator<Item = &[u8]> {
        self.keys.keys().map(|key| &**key)
    }
}

impl Tx<'_> {
    /// Has `touched` set when the key is touched from now on.
    pub fn watch(&mut self, key: &[u8], touched: &Touched) {
        let (rank, hash) = self.place(key);
        let (now_ms, db) = (self.now_ms(), self.db());
        let db = &mut self.guards[rank].dbs[db];
        let expire_at_ms = db.table.find(hash, key).map(|at| db.table.slot(at).expire_at_ms);
        let was_due = expire_at_ms.is_some_and(|at| at <= now_ms);
        db.watching.watch(key, touched, was_due);
    }

    pub fn unwatch(&mut self, key: &[u8], touched: &Touched) {
        let (rank, db) = (self.rank_of(key), self.db());
        self.guards[rank].dbs[db].watching.unwatch(key, touched);
    }

    /// Whether a watched key has passed its deadline since the watch began.
    pub fn expired_under_watch(&self, key: &[u8], touched: &Touched) -> bool {
        let (rank, hash) = self.place(key);
        let db = self.part(rank);
        let Some(at) = db.table.find(hash, key) else { return false };
        self.is_due(db.table.slot(at).expire_at_ms) && !db.watching.was_due(key, touched)
    }
}
