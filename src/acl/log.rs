//! What users were refused: counted, and the latest remembered (ACL LOG).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::demand::Reason;

/// Where a request that was refused came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Context {
    /// Straight from a connection.
    TopLevel,
    /// From a transaction, when it was queued or run.
    Multi,
    Script,
}

impl Context {
    /// As ACL LOG calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Context::TopLevel => "toplevel",
            Context::Multi => "multi",
            Context::Script => "lua",
        }
    }
}

/// One refusal, or several alike.
#[derive(Clone, Debug)]
pub struct Denied {
    /// How many times.
    pub count: u64,
    pub reason: Reason,
    pub context: Context,
    /// The command, key or channel.
    pub object: Vec<u8>,
    pub user: Vec<u8>,
    /// The connection, as CLIENT LIST shows it.
    pub client: Vec<u8>,
    /// Grows by one with each entry.
    pub id: u64,
    /// Unix ms of the first and of the last refusal.
    pub created_ms: i64,
    pub updated_ms: i64,
}

/// How often there was which refusal since the start or the last reset.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Denials {
    pub auth: u64,
    pub command: u64,
    pub key: u64,
    pub channel: u64,
}

/// Refusals alike within so long are one entry.
const SAME_WITHIN_MS: i64 = 60_000;
/// Only so many of the latest entries are looked through for one alike.
const LOOKED_THROUGH_MAX: usize = 10;

/// The latest refusals, newest first, and how many there were.
#[derive(Default)]
pub struct DeniedLog {
    entries: Mutex<VecDeque<Denied>>,
    next_id: AtomicU64,
    /// By [`Reason`].
    counts: [AtomicU64; 4],
}

impl DeniedLog {
    /// Notes a refusal at `created_ms`, keeping at most `entries_max` entries. Its count, id and
    /// update time are set here.
    pub fn push(&self, mut denied: Denied, entries_max: usize) {
        self.counts[denied.reason as usize].fetch_add(1, Ordering::Relaxed);
        let mut entries = self.entries.lock();
        denied.updated_ms = denied.created_ms;
        let alike = entries.iter().take(LOOKED_THROUGH_MAX).position(|known| {
            known.reason == denied.reason
                && known.context == denied.context
                && (denied.updated_ms - known.updated_ms).abs() <= SAME_WITHIN_MS
                && known.object == denied.object
                && known.user == denied.user
        });
        let entry = match alike.and_then(|at| entries.remove(at)) {
            Some(known) => Denied {
                count: known.count + 1,
                updated_ms: denied.updated_ms,
                client: denied.client,
                ..known
            },
            None => Denied { count: 1, id: self.next_id.fetch_add(1, Ordering::Relaxed), ..denied },
        };
        entries.push_front(entry);
        entries.truncate(entries_max);
    }

    /// The latest entries, newest first.
    pub fn latest(&self, count: usize) -> Vec<Denied> {
        self.entries.lock().iter().take(count).cloned().collect()
    }

    /// Forgets all entries; the counts stay.
    pub fn clear(&self) {
        self.entries.lock().clear();
    }

    pub fn counts(&self) -> Denials {
        let count = |reason: Reason| self.counts[reason as usize].load(Ordering::Relaxed);
        Denials {
            auth: count(Reason::Auth),
            command: count(Reason::Command),
            key: count(Reason::Key),
            channel: count(Reason::Channel),
        }
    }

    pub fn reset_counts(&self) {
        self.counts.iter().for_each(|count| count.store(0, Ordering::Relaxed));
    }
}
