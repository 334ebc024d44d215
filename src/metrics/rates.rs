//! Per-second rates, from totals looked at every now and then.

use std::collections::VecDeque;

use parking_lot::Mutex;

/// How many looks a rate is the mean of; one each 100 ms makes 1.6 s, as in Redis.
const SAMPLES: usize = 16;

/// The rates that INFO shows.
#[derive(Default)]
pub struct Rates {
    pub commands: Rate,
    pub input_bytes: Rate,
    pub output_bytes: Rate,
}

impl Rates {
    pub(super) fn reset(&self) {
        for rate in [&self.commands, &self.input_bytes, &self.output_bytes] {
            *rate.0.lock() = Window::default();
        }
    }
}

/// How fast a total grows.
#[derive(Default)]
pub struct Rate(Mutex<Window>);

#[derive(Default)]
struct Window {
    last: Option<(i64, u64)>,
    per_second: VecDeque<u64>,
}

impl Rate {
    /// Notes the total as it is at this unix ms.
    pub fn sample(&self, now_ms: i64, total: u64) {
        let mut window = self.0.lock();
        if let Some((before_ms, before)) = window.last {
            let elapsed_ms = u64::try_from(now_ms - before_ms).unwrap_or(0).max(1);
            // A total that fell was reset.
            let grown = total.saturating_sub(before);
            if window.per_second.len() == SAMPLES {
                window.per_second.pop_front();
            }
            window.per_second.push_back(grown.saturating_mul(1000) / elapsed_ms);
        }
        window.last = Some((now_ms, total));
    }

    pub fn per_second(&self) -> u64 {
        let window = self.0.lock();
        window.per_second.iter().sum::<u64>() / SAMPLES as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_the_last_looks() {
        let rate = Rate::default();
        assert_eq!(rate.per_second(), 0);
        (0..=16).for_each(|n| rate.sample(n * 100, n as u64 * 50));
        assert_eq!(rate.per_second(), 500);
        (17..=32).for_each(|n| rate.sample(n * 100, 16 * 50));
        assert_eq!(rate.per_second(), 0);
        rate.sample(3300, 0);
        assert_eq!(rate.per_second(), 0, "a reset total is no rate");
    }
}
