//! RATE: at most so many deliveries in any stretch of so many ms.
//!
//! What was delivered when is kept in runs of one ms, each with how many deliveries there had been
//! at its end, so that those since a time are counted by two searches.

use crate::types::spine::{Slot, Spine};
use crate::types::stream::policy::Rate;

#[derive(Clone)]
struct Run {
    /// When, unix ms; and the deliveries up to its end. Both rise from run to run.
    key: (u64, u64),
}

impl Slot for Run {
    type Key = (u64, u64);

    fn key(&self) -> &(u64, u64) {
        &self.key
    }
}

/// The deliveries of a group that RATE may still count.
#[derive(Clone, Default)]
pub(super) struct Pace {
    runs: Spine<Run>,
    /// Deliveries before the first run.
    before: u64,
}

impl Pace {
    /// Counts deliveries at a time that is not before the last one's, and forgets those that no
    /// stretch reaches any more.
    pub fn note(&mut self, at_ms: u64, count: u64, rate: Rate) {
        let (last_ms, total) = self.last();
        let at_ms = at_ms.max(last_ms);
        if at_ms == last_ms && !self.runs.is_empty() {
            self.runs.pop_back();
        }
        self.runs.push_back(Run { key: (at_ms, total + count) });
        while let Some(&Run { key: (ms, total) }) = self.runs.front()
            && ms + rate.window_ms <= at_ms
        {
            self.before = total;
            self.runs.pop_front();
        }
    }

    /// How many deliveries the rate still allows at a time.
    pub fn left(&self, now_ms: u64, rate: Rate) -> u64 {
        let old = self.runs.partition_point(|&(ms, _)| ms + rate.window_ms <= now_ms);
        let before = match old.checked_sub(1).and_then(|last| self.runs.get(last)) {
            Some(run) => run.key.1,
            None => self.before,
        };
        rate.deliveries.saturating_sub(self.last().1 - before)
    }

    /// When the rate allows the next delivery, unix ms, if it allows none now.
    pub fn next_ms(&self, rate: Rate) -> Option<u64> {
        let total = self.last().1;
        // With this run out of reach fewer than allowed are left.
        let first = self.runs.partition_point(|&(_, until)| total - until >= rate.deliveries);
        self.runs.get(first).map(|run| run.key.0 + rate.window_ms)
    }

    /// The runs from a place on: when, and how many deliveries.
    pub fn from(&self, place: usize) -> impl Iterator<Item = (u64, u64)> {
        let until = |place: usize| self.runs.get(place).map_or(0, |run| run.key.1);
        let before = move |place: usize| place.checked_sub(1).map_or(self.before, until);
        (place..self.runs.len())
            .filter_map(|place| self.runs.get(place).map(|run| (place, run.key)))
            .map(move |(place, (ms, until))| (ms, until - before(place)))
    }

    pub fn len(&self) -> usize {
        self.runs.len()
    }

    /// Adds a run behind the others; false if it does not stand there.
    pub fn push(&mut self, at_ms: u64, count: u64) -> bool {
        let (last_ms, total) = self.last();
        let fits = count > 0 && (self.runs.is_empty() || at_ms > last_ms);
        let total = total.checked_add(count).filter(|_| fits);
        total.map(|total| self.runs.push_back(Run { key: (at_ms, total) })).is_some()
    }

    pub fn heap_bytes(&self) -> usize {
        self.runs.heap_bytes()
    }

    fn last(&self) -> (u64, u64) {
        self.runs.back().map_or((0, self.before), |run| run.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { deliveries: 3, window_ms: 100 };

    #[test]
    fn no_stretch_has_more_than_the_rate() {
        let mut pace = Pace::default();
        let mut times = Vec::new();
        for now_ms in 1000..2000 {
            if pace.left(now_ms, RATE) == 0 {
                let next_ms = pace.next_ms(RATE).expect("there were deliveries");
                assert!(next_ms > now_ms && pace.left(next_ms, RATE) > 0);
                assert_eq!(pace.left(next_ms - 1, RATE), 0);
            } else if now_ms % 7 == 0 {
                let count = pace.left(now_ms, RATE).min(2);
                pace.note(now_ms, count, RATE);
                times.extend((0..count).map(|_| now_ms));
            }
        }
        for &from in &times {
            let inside = times.iter().filter(|&&at| (from..from + 100).contains(&at)).count();
            assert!(inside <= 3, "{inside} from {from}");
        }
        assert!(times.len() >= 27, "the rate is used: {}", times.len());
        assert!(pace.len() <= 3, "what is out of reach is forgotten");
    }
}
