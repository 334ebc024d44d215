//! Latencies by size: 32 steps to each doubling, so that no value is off by more than 3 percent.

use std::sync::atomic::{AtomicU64, Ordering};

/// Values below this stand for themselves.
const STEPS: u64 = 32;
const STEP_BITS: u32 = STEPS.ilog2();
/// Values from here on (17 s in nanoseconds) are counted as this.
const VALUE_MAX: u64 = (1 << 34) - 1;
const BUCKETS: usize = bucket_of(VALUE_MAX) + 1;

/// Counts of values, written by many.
pub struct Histogram(Box<[AtomicU64; BUCKETS]>);

/// A histogram's counts at one moment, or several added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    counts: Vec<u64>,
}

const fn bucket_of(value: u64) -> usize {
    if value < STEPS {
        return value as usize;
    }
    // The top bits of the value, leading one included, are the step; the rest is rounding.
    let shift = value.ilog2() - STEP_BITS;
    ((shift as u64 + 1) * STEPS + (value >> shift) - STEPS) as usize
}

/// The largest value of a bucket.
fn highest_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < STEPS {
        return bucket;
    }
    let shift = bucket / STEPS - 1;
    let top = bucket % STEPS + STEPS;
    ((top + 1) << shift) - 1
}

impl Default for Histogram {
    fn default() -> Self {
        let counts: Box<[AtomicU64]> = (0..BUCKETS).map(|_| AtomicU64::new(0)).collect();
        Self(counts.try_into().expect("as many as were made"))
    }
}

impl Histogram {
    pub fn record(&self, value: u64) {
        self.0[bucket_of(value.min(VALUE_MAX))].fetch_add(1, Ordering::Relaxed);
    }

    pub fn reset(&self) {
        self.0.iter().for_each(|count| count.store(0, Ordering::Relaxed));
    }

    pub fn add_to(&self, snapshot: &mut Snapshot) {
        for (sum, count) in snapshot.counts.iter_mut().zip(self.0.iter()) {
            *sum += count.load(Ordering::Relaxed);
        }
    }
}

impl Default for Snapshot {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS] }
    }
}

impl Snapshot {
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The value that this share of the values (0 to 100) does not exceed; 0 if there is none.
    pub fn percentile(&self, share: f64) -> u64 {
        let wanted = (share / 100.0 * self.count() as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return highest_of(bucket);
            }
        }
        0
    }

    /// How many values do not exceed each power of two times `unit`, from the first that has any to
    /// the one that has all, leaving out those that add nothing: what LATENCY HISTOGRAM shows.
    pub fn cumulative_powers(&self, unit: u64) -> Vec<(u64, u64)> {
        let total = self.count();
        let mut shown: Vec<(u64, u64)> = Vec::new();
        let (mut bucket, mut seen, mut power) = (0, 0, 1);
        while seen < total {
            while bucket < BUCKETS && highest_of(bucket) <= power * unit {
                seen += self.counts[bucket];
                bucket += 1;
            }
            if seen > shown.last().map_or(0, |(_, before)| *before) {
                shown.push((power, seen));
            }
            power *= 2;
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[u64]) -> Snapshot {
        let histogram = Histogram::default();
        values.iter().for_each(|value| histogram.record(*value));
        let mut snapshot = Snapshot::default();
        histogram.add_to(&mut snapshot);
        snapshot
    }

    proptest::proptest! {
        #[test]
        fn a_value_lies_in_its_bucket(value in 0..=VALUE_MAX) {
            let bucket = bucket_of(value);
            let highest = highest_of(bucket);
            proptest::prop_assert!(value <= highest);
            proptest::prop_assert!(highest as f64 <= value as f64 * 1.032);
            proptest::prop_assert!(bucket == 0 || highest_of(bucket - 1) < value);
        }
    }

    #[test]
    fn percentiles() {
        let values: Vec<u64> = (1..=1000).map(|n| n * 1000).collect();
        let snapshot = of(&values);
        for (share, exact) in [(50.0, 500_000.0), (99.0, 990_000.0), (100.0, 1_000_000.0)] {
            let shown = snapshot.percentile(share) as f64;
            assert!((exact..exact * 1.032).contains(&shown), "p{share} is {shown}");
        }
        assert_eq!(of(&[]).percentile(50.0), 0);
        assert_eq!(of(&[7]).percentile(0.0), 7);
    }

    #[test]
    fn powers_leave_out_what_adds_nothing() {
        assert_eq!(of(&[]).cumulative_powers(1000), []);
        let shown = of(&[500, 900, 1500, 200_000]).cumulative_powers(1000);
        assert_eq!(shown, [(1, 2), (2, 3), (256, 4)]);
        assert_eq!(of(&[u64::MAX]).cumulative_powers(1000), [(1 << 25, 1)]);
    }
}
