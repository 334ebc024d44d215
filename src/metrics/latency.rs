//! The latency monitor: samples of what took longer than a threshold, by kind of event.

use std::collections::{BTreeMap, VecDeque};

use parking_lot::Mutex;

/// How many samples are kept of an event: Redis's number, which LATENCY GRAPH draws.
const SAMPLES_MAX: usize = 160;

/// The longest that an event took in one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Unix seconds.
    pub at_s: i64,
    pub ms: u64,
}

/// What is known of one kind of event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spikes {
    /// Oldest first, never empty.
    pub samples: VecDeque<Sample>,
    /// The longest since the last reset.
    pub ms_max: u64,
    /// All samples since the last reset, those no longer kept included.
    pub ms_sum: u64,
    pub count: u64,
}

impl Spikes {
    pub fn latest(&self) -> Sample {
        *self.samples.back().expect("an event is noted with its first sample")
    }
}

/// Samples by event.
#[derive(Default)]
pub struct LatencyMonitor(Mutex<BTreeMap<&'static str, Spikes>>);

impl LatencyMonitor {
    /// Notes that an event took so long. Two in one second are one sample, the longer.
    pub fn record(&self, event: &'static str, at_s: i64, ms: u64) {
        let mut events = self.0.lock();
        let spikes = events.entry(event).or_default();
        spikes.ms_max = spikes.ms_max.max(ms);
        spikes.ms_sum += ms;
        spikes.count += 1;
        match spikes.samples.back_mut() {
            Some(last) if last.at_s == at_s => last.ms = last.ms.max(ms),
            _ => {
                if spikes.samples.len() == SAMPLES_MAX {
                    spikes.samples.pop_front();
                }
                spikes.samples.push_back(Sample { at_s, ms });
            }
        }
    }

    /// All events that had a sample, by name.
    pub fn events(&self) -> Vec<(&'static str, Spikes)> {
        self.0.lock().iter().map(|(event, spikes)| (*event, spikes.clone())).collect()
    }

    pub fn event(&self, event: &[u8]) -> Option<Spikes> {
        let events = self.0.lock();
        events.iter().find(|(name, _)| name.as_bytes() == event).map(|(_, spikes)| spikes.clone())
    }

    /// Forgets these events, or all if none is named; how many there were.
    pub fn reset(&self, events: &[&[u8]]) -> usize {
        let mut kept = self.0.lock();
        let before = kept.len();
        kept.retain(|event, _| !events.is_empty() && !events.contains(&event.as_bytes()));
        before - kept.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sample_a_second_and_a_bounded_history() {
        let monitor = LatencyMonitor::default();
        for (at_s, ms) in [(1, 5), (1, 9), (1, 7), (2, 3)] {
            monitor.record("command", at_s, ms);
        }
        let spikes = monitor.event(b"command").expect("it has samples");
        assert_eq!(spikes.samples, [Sample { at_s: 1, ms: 9 }, Sample { at_s: 2, ms: 3 }]);
        assert_eq!((spikes.ms_max, spikes.ms_sum, spikes.count), (9, 24, 4));
        assert_eq!(spikes.latest(), Sample { at_s: 2, ms: 3 });
        (0..1000).for_each(|at_s| monitor.record("command", at_s + 10, 1));
        assert_eq!(monitor.event(b"command").expect("still").samples.len(), SAMPLES_MAX);
    }

    #[test]
    fn reset_by_name_or_whole() {
        let monitor = LatencyMonitor::default();
        for event in ["command", "fast-command", "expire-cycle"] {
            monitor.record(event, 1, 1);
        }
        assert_eq!(monitor.reset(&[b"command", b"none"]), 1);
        assert_eq!(monitor.event(b"command"), None);
        assert_eq!(monitor.reset(&[]), 2);
        assert_eq!(monitor.events(), []);
    }
}
