//! What the server counts of itself: calls, errors, latencies, slow commands, rates.
//!
//! Built so that counting costs the way of a request next to nothing: a connection gathers what it
//! did in a [`Tally`] of its own and hands it over when its batch is done, and what is shared is
//! split over [`SHARDS`] places that different threads write. Readers add the places up.

mod calls;
mod errors;
mod histogram;
mod latency;
pub mod memory;
mod rates;
mod slowlog;
mod traffic;

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use memory::Memory;
use parking_lot::Mutex;

pub use calls::{CallTotals, Calls, Tally};
pub use errors::ErrorCounts;
pub use histogram::{Histogram, Snapshot};
pub use latency::{LatencyMonitor, Sample, Spikes};
pub use rates::{Rate, Rates};
pub use slowlog::{Caller, SlowEntry, SlowLog};
pub use traffic::{Traffic, TrafficTotals};

/// Over how many places a shared count is split.
pub const SHARDS: usize = 4;

/// What others count of themselves, and never start again from zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunningTotals {
    /// Reads that found a key.
    pub hits: u64,
    /// Reads that found none.
    pub misses: u64,
    /// Keys removed at their deadline.
    pub expired: u64,
    /// Fields of hashes removed at theirs.
    pub expired_fields: u64,
    /// Connections.
    pub accepted: u64,
    /// Connections turned away because there were too many.
    pub rejected: u64,
}

/// Everything that is counted.
pub struct Metrics {
    pub calls: Calls,
    pub errors: ErrorCounts,
    pub slowlog: SlowLog,
    pub latency: LatencyMonitor,
    pub rates: Rates,
    pub traffic: Traffic,
    pub memory: Memory,
    /// What the others had counted at the last reset.
    pub totals_base: Mutex<RunningTotals>,
}

impl Metrics {
    /// Counts for so many commands, each known by its place.
    pub fn new(commands: usize) -> Self {
        Self {
            calls: Calls::new(commands),
            errors: ErrorCounts::default(),
            slowlog: SlowLog::default(),
            latency: LatencyMonitor::default(),
            rates: Rates::default(),
            traffic: Traffic::default(),
            memory: Memory::default(),
            totals_base: Mutex::default(),
        }
    }

    /// Looks at the totals that rates are made of, and at memory; to be called every 100 ms.
    pub fn sample(&self, now_ms: i64) {
        let traffic = self.traffic.totals();
        self.rates.commands.sample(now_ms, self.calls.total_calls());
        self.rates.input_bytes.sample(now_ms, traffic.bytes_in);
        self.rates.output_bytes.sample(now_ms, traffic.bytes_out);
        self.memory.look(now_ms);
    }

    /// Forgets what CONFIG RESETSTAT forgets: not the slow log, and not the latency monitor.
    pub fn reset(&self, totals: RunningTotals) {
        *self.totals_base.lock() = totals;
        self.calls.reset();
        self.errors.reset();
        self.rates.reset();
        self.traffic.reset();
        self.memory.reset_peak();
    }
}

/// The place that this thread writes; threads take turns in choosing.
fn shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    OWN.with(|own| {
        if own.get() == usize::MAX {
            own.set(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
        }
        own.get()
    })
}
