//! What the process takes of the machine, as the allocator and the kernel say.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use tikv_jemalloc_ctl::{epoch, stats};

/// For how long a reading of the allocator serves the check against `maxmemory`. A reading takes
/// some ten microseconds, far too much for every write.
const READING_MS: i64 = 10;

/// Bytes, as jemalloc counts them. All zero in a program with another allocator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allocated {
    /// In use by the program.
    pub allocated: u64,
    /// In pages that hold something in use.
    pub active: u64,
    /// Mapped and touched.
    pub resident: u64,
    /// The allocator's own records.
    pub metadata: u64,
}

impl Allocated {
    /// Asks the allocator now.
    pub fn read() -> Self {
        // The counts stand still between two epochs. An error means an allocator without counts.
        if epoch::advance().is_err() {
            return Self::default();
        }
        let bytes = |read: Result<usize, tikv_jemalloc_ctl::Error>| read.unwrap_or(0) as u64;
        Self {
            allocated: bytes(stats::allocated::read()),
            active: bytes(stats::active::read()),
            resident: bytes(stats::resident::read()),
            metadata: bytes(stats::metadata::read()),
        }
    }
}

/// Memory over time.
#[derive(Default)]
pub struct Memory {
    /// Bytes allocated when the server began to serve.
    at_start: AtomicU64,
    peak: AtomicU64,
    /// Unix ms of the peak.
    peak_at_ms: AtomicI64,
    last: AtomicU64,
    last_at_ms: AtomicI64,
}

impl Memory {
    /// Notes what the empty server takes.
    pub fn note_start(&self, now_ms: i64) {
        self.at_start.store(self.look(now_ms).allocated, Ordering::Relaxed);
    }

    pub fn at_start(&self) -> u64 {
        self.at_start.load(Ordering::Relaxed)
    }

    /// Asks the allocator, and keeps the peak.
    pub fn look(&self, now_ms: i64) -> Allocated {
        let seen = Allocated::read();
        self.last.store(seen.allocated, Ordering::Relaxed);
        self.last_at_ms.store(now_ms, Ordering::Relaxed);
        if seen.allocated > self.peak.fetch_max(seen.allocated, Ordering::Relaxed) {
            self.peak_at_ms.store(now_ms, Ordering::Relaxed);
        }
        seen
    }

    /// Bytes at the peak, and its unix ms.
    pub fn peak(&self) -> (u64, i64) {
        (self.peak.load(Ordering::Relaxed), self.peak_at_ms.load(Ordering::Relaxed))
    }

    /// Are more bytes in use than this? Knows it to within what is allocated in 10 ms, but never
    /// says yes on an old reading: memory that was just freed is free.
    pub fn is_over(&self, limit: u64, now_ms: i64) -> bool {
        let is_fresh = now_ms - self.last_at_ms.load(Ordering::Relaxed) < READING_MS;
        if is_fresh && self.last.load(Ordering::Relaxed) <= limit {
            return false;
        }
        self.look(now_ms).allocated > limit
    }

    pub(super) fn reset_peak(&self) {
        self.peak.store(self.last.load(Ordering::Relaxed), Ordering::Relaxed);
        self.peak_at_ms.store(self.last_at_ms.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// Bytes of the process that are in memory; 0 where the kernel does not say.
pub fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok());
    pages.unwrap_or(0) * rustix::param::page_size() as u64
}

/// Bytes of memory the machine has; 0 where the kernel does not say.
pub fn machine_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = total.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn the_kernel_tells() {
        let (own, machine) = (resident_bytes(), machine_bytes());
        assert!(0 < own && own < machine, "{own} of {machine}");
    }

    #[test]
    fn nothing_is_over_a_limit_that_nobody_reaches() {
        let memory = Memory::default();
        memory.note_start(5);
        assert!(!memory.is_over(u64::MAX, 5));
        assert!(!memory.is_over(u64::MAX, 500));
        assert_eq!(memory.peak().0, memory.look(501).allocated.max(memory.peak().0));
    }
}
