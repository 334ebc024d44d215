//! Bytes and calls to the kernel on all connections, those that have gone included.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{SHARDS, shard};

#[derive(Default)]
pub struct Traffic {
    shards: [Shard; SHARDS],
    query_limit_ends: AtomicU64,
    output_limit_ends: AtomicU64,
}

#[repr(align(64))]
#[derive(Default)]
struct Shard {
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    reads: AtomicU64,
    writes: AtomicU64,
}

/// All traffic since the start or the last reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrafficTotals {
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub reads: u64,
    pub writes: u64,
    /// Connections ended because what they sent, or what they did not read, passed its limit.
    pub query_limit_ends: u64,
    pub output_limit_ends: u64,
}

impl Traffic {
    pub fn count_read(&self, bytes: u64) {
        let own = &self.shards[shard()];
        own.bytes_in.fetch_add(bytes, Ordering::Relaxed);
        own.reads.fetch_add(1, Ordering::Relaxed);
    }

    pub fn count_write(&self, bytes: u64) {
        let own = &self.shards[shard()];
        own.bytes_out.fetch_add(bytes, Ordering::Relaxed);
        own.writes.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection is ended because what it sent and is not run yet passed
    /// `client-query-buffer-limit`.
    pub fn count_query_limit_end(&self) {
        self.query_limit_ends.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection is ended because what it did not read passed `client-output-buffer-limit`.
    pub fn count_output_limit_end(&self) {
        self.output_limit_ends.fetch_add(1, Ordering::Relaxed);
    }

    pub fn totals(&self) -> TrafficTotals {
        let ends = TrafficTotals {
            query_limit_ends: self.query_limit_ends.load(Ordering::Relaxed),
            output_limit_ends: self.output_limit_ends.load(Ordering::Relaxed),
            ..TrafficTotals::default()
        };
        self.shards.iter().fold(ends, |sum, shard| TrafficTotals {
            bytes_in: sum.bytes_in + shard.bytes_in.load(Ordering::Relaxed),
            bytes_out: sum.bytes_out + shard.bytes_out.load(Ordering::Relaxed),
            reads: sum.reads + shard.reads.load(Ordering::Relaxed),
            writes: sum.writes + shard.writes.load(Ordering::Relaxed),
            ..sum
        })
    }

    pub(super) fn reset(&self) {
        self.query_limit_ends.store(0, Ordering::Relaxed);
        self.output_limit_ends.store(0, Ordering::Relaxed);
        for shard in &self.shards {
            for count in [&shard.bytes_in, &shard.bytes_out, &shard.reads, &shard.writes] {
                count.store(0, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_add_up() {
        let traffic = Traffic::default();
        traffic.count_read(10);
        traffic.count_read(5);
        traffic.count_write(7);
        traffic.count_query_limit_end();
        let expected = TrafficTotals {
            bytes_in: 15,
            bytes_out: 7,
            reads: 2,
            writes: 1,
            query_limit_ends: 1,
            output_limit_ends: 0,
        };
        assert_eq!(traffic.totals(), expected);
        traffic.reset();
        assert_eq!(traffic.totals(), TrafficTotals::default());
    }
}
