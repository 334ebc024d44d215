//! Holding a commit back while clients who send many requests at a time are still sending.
//!
//! Under `appendfsync always` the only thread that serves commits when it has nothing else to do, by what it
//! was last told of its sockets. Clients who were all answered after the last commit come back within
//! microseconds of each other, so another look finds more of them, and a sync serves more. That is worth the
//! look where each of them brings much: with 50 connections and `-P 16` a tenth more XADDs a second. Where
//! each brings one command, the load generator has nothing to do meanwhile: an eighth fewer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// A client brings much that brings so many commands together.
pub const COMMANDS_MIN: u64 = 4;

/// How long is looked for more.
#[derive(Clone, Copy)]
struct Patience {
    /// Since something came; a look takes one or two µs.
    quiet: Duration,
    /// In all.
    at_most: Duration,
}

const PATIENCE: Patience =
    Patience { quiet: Duration::from_micros(5), at_most: Duration::from_micros(500) };

/// Whether more is being looked for.
#[derive(Default)]
pub struct Gathering {
    wanted: Notify,
    is_on: AtomicBool,
}

impl Gathering {
    /// Something has been appended that others may soon join.
    #[inline]
    pub fn begin(&self) {
        if !self.is_on.load(Ordering::Relaxed) {
            self.is_on.store(true, Ordering::Relaxed);
            self.wanted.notify_one();
        }
    }

    /// Keeps the runtime's thread from going to sleep while something is gathered and `position`, the
    /// journal's end, moves. To be run as a task beside the others.
    pub async fn keep_awake(&self, position: impl Fn() -> u64) {
        loop {
            self.gather(PATIENCE, &position).await;
        }
    }

    async fn gather(&self, patience: Patience, position: &impl Fn() -> u64) {
        self.wanted.notified().await;
        let begun = Instant::now();
        let (mut end, mut moved) = (position(), begun);
        loop {
            // The runtime looks at the sockets before it comes back to a task that makes way.
            tokio::task::yield_now().await;
            let now = Instant::now();
            let end_now = position();
            if end_now != end {
                (end, moved) = (end_now, now);
            } else if now - moved >= patience.quiet {
                break;
            }
            if now - begun >= patience.at_most {
                break;
            }
        }
        self.is_on.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// How many looks there were, where the journal moves at the first `moves` of them.
    fn looks(gathering: &Gathering, patience: Patience, moves: u64) -> u64 {
        let asked = Cell::new(0);
        let position = || {
            asked.set(asked.get() + 1);
            asked.get().min(moves)
        };
        let mut gathered = pin!(gathering.gather(patience, &position));
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..10_000 {
            if gathered.as_mut().poll(&mut context) == Poll::Ready(()) {
                break;
            }
        }
        asked.get()
    }

    #[test]
    fn it_looks_until_nothing_more_comes_or_the_time_is_over() {
        const LONG: Duration = Duration::from_secs(1000);
        let gathering = Gathering::default();
        let until_quiet = Patience { quiet: Duration::ZERO, at_most: LONG };
        assert_eq!(looks(&gathering, until_quiet, 50), 0, "nothing has been appended");
        gathering.begin();
        gathering.begin();
        assert_eq!(looks(&gathering, until_quiet, 50), 51);
        assert_eq!(looks(&gathering, until_quiet, 50), 0, "two beginnings were one");
        gathering.begin();
        let impatient = Patience { quiet: LONG, at_most: Duration::ZERO };
        assert_eq!(looks(&gathering, impatient, u64::MAX), 2, "the first position, and one look");
        gathering.begin();
        assert_eq!(looks(&gathering, until_quiet, 1), 2, "it can begin again");
    }
}
