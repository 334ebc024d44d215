//! Calls of each command: how many, how long, how they ended.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::histogram::{Histogram, Snapshot};
use super::{SHARDS, shard};

/// What is counted of every command.
pub struct Calls {
    commands: Box<[OneCommand]>,
}

#[derive(Default)]
struct OneCommand {
    shards: [Shard; SHARDS],
}

// A cache line each, so that two cores do not take turns with one.
#[repr(align(64))]
#[derive(Default)]
struct Shard {
    calls: AtomicU64,
    nanos: AtomicU64,
    failed: AtomicU64,
    rejected: AtomicU64,
    /// Made at the first call: most commands are never called.
    latencies: OnceLock<Histogram>,
}

/// One command's counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallTotals {
    pub calls: u64,
    /// Time spent in all calls.
    pub nanos: u64,
    /// Calls that answered an error.
    pub failed: u64,
    /// Calls that were refused before they began.
    pub rejected: u64,
}

/// What a connection has counted and not handed over yet: a run of calls of one command, which is
/// what a pipeline mostly is.
#[derive(Default)]
pub struct Tally {
    command: usize,
    calls: u64,
    nanos: u64,
    failed: u64,
}

impl Tally {
    /// Counts a call. Others see it after [`Tally::flush`].
    pub fn count(&mut self, calls: &Calls, command: usize, nanos: u64, failed: bool) {
        if command != self.command {
            self.flush(calls);
            self.command = command;
        }
        self.calls += 1;
        self.nanos += nanos;
        self.failed += u64::from(failed);
    }

    /// Hands over what was counted.
    pub fn flush(&mut self, calls: &Calls) {
        if self.calls == 0 {
            return;
        }
        let shard = calls.shard_of(self.command);
        shard.calls.fetch_add(self.calls, Ordering::Relaxed);
        shard.nanos.fetch_add(self.nanos, Ordering::Relaxed);
        if self.failed > 0 {
            shard.failed.fetch_add(self.failed, Ordering::Relaxed);
        }
        *self = Self { command: self.command, ..Self::default() };
    }
}

impl Calls {
    pub(super) fn new(commands: usize) -> Self {
        Self { commands: (0..commands).map(|_| OneCommand::default()).collect() }
    }

    fn shard_of(&self, command: usize) -> &Shard {
        &self.commands[command].shards[shard()]
    }

    pub fn count_rejected(&self, command: usize) {
        self.shard_of(command).rejected.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts how long a call took, for percentiles.
    pub fn record_latency(&self, command: usize, nanos: u64) {
        self.shard_of(command).latencies.get_or_init(Histogram::default).record(nanos);
    }

    pub fn totals(&self, command: usize) -> CallTotals {
        self.commands[command].shards.iter().fold(CallTotals::default(), |sum, shard| CallTotals {
            calls: sum.calls + shard.calls.load(Ordering::Relaxed),
            nanos: sum.nanos + shard.nanos.load(Ordering::Relaxed),
            failed: sum.failed + shard.failed.load(Ordering::Relaxed),
            rejected: sum.rejected + shard.rejected.load(Ordering::Relaxed),
        })
    }

    /// Calls of all commands.
    pub fn total_calls(&self) -> u64 {
        (0..self.commands.len()).map(|command| self.totals(command).calls).sum()
    }

    /// The latencies of a command; none if it was never called while they were tracked.
    pub fn latencies(&self, command: usize) -> Option<Snapshot> {
        let mut snapshot = Snapshot::default();
        for histogram in self.commands[command].shards.iter().filter_map(|it| it.latencies.get()) {
            histogram.add_to(&mut snapshot);
        }
        (snapshot.count() > 0).then_some(snapshot)
    }

    pub(super) fn reset(&self) {
        for shard in self.commands.iter().flat_map(|command| &command.shards) {
            for count in [&shard.calls, &shard.nanos, &shard.failed, &shard.rejected] {
                count.store(0, Ordering::Relaxed);
            }
            if let Some(latencies) = shard.latencies.get() {
                latencies.reset();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_arrives_when_flushed_or_when_the_command_changes() {
        let calls = Calls::new(2);
        let mut tally = Tally::default();
        tally.count(&calls, 0, 10, false);
        tally.count(&calls, 0, 20, true);
        assert_eq!(calls.totals(0), CallTotals::default());
        tally.count(&calls, 1, 5, false);
        assert_eq!(calls.totals(0), CallTotals { calls: 2, nanos: 30, failed: 1, rejected: 0 });
        tally.flush(&calls);
        tally.flush(&calls);
        assert_eq!(calls.totals(1), CallTotals { calls: 1, nanos: 5, failed: 0, rejected: 0 });
        assert_eq!(calls.total_calls(), 3);
    }

    #[test]
    fn threads_add_up_and_reset_forgets() {
        let calls = Calls::new(1);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let mut tally = Tally::default();
                    for _ in 0..100 {
                        tally.count(&calls, 0, 1, false);
                        calls.record_latency(0, 1);
                    }
                    tally.flush(&calls);
                    calls.count_rejected(0);
                });
            }
        });
        let totals = calls.totals(0);
        assert_eq!(totals, CallTotals { calls: 800, nanos: 800, failed: 0, rejected: 8 });
        assert_eq!(calls.latencies(0).map(|latencies| latencies.count()), Some(800));
        calls.reset();
        assert_eq!(calls.totals(0), CallTotals::default());
        assert_eq!(calls.latencies(0), None);
    }
}
