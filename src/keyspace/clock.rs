//! Where the time comes from: the machine, or a test's hand.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

/// A clock that can be read and waited for.
pub trait Clock: Send + Sync {
    /// Unix time in microseconds.
    fn now_us(&self) -> i64;

    /// Resolves once [`Clock::now_ms`] is at least `deadline_ms`.
    fn sleep_until_ms(&self, deadline_ms: i64) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// Unix time in milliseconds.
    fn now_ms(&self) -> i64 {
        self.now_us().div_euclid(1000)
    }
}

/// The machine's clock.
pub struct SystemClock;

fn system_now_us() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_micros() as i64,
        Err(before) => -(before.duration().as_micros() as i64),
    }
}

impl Clock for SystemClock {
    fn now_us(&self) -> i64 {
        system_now_us()
    }

    fn sleep_until_ms(&self, deadline_ms: i64) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            // The timer's clock and the wall's may drift apart: look again on waking.
            loop {
                let missing_us = deadline_ms.saturating_mul(1000) - system_now_us();
                if missing_us <= 0 {
                    return;
                }
                tokio::time::sleep(Duration::from_micros(missing_us as u64)).await;
            }
        })
    }
}

/// A clock that stands still until it is turned.
pub struct ManualClock {
    now_us: watch::Sender<i64>,
}

impl ManualClock {
    pub fn new(now_ms: i64) -> Arc<ManualClock> {
        Arc::new(ManualClock { now_us: watch::Sender::new(now_ms * 1000) })
    }

    /// Turns the clock on by `ms` milliseconds and wakes who waits for that time.
    pub fn advance_ms(&self, ms: i64) {
        self.now_us.send_modify(|now| *now += ms * 1000);
    }
}

impl Clock for ManualClock {
    fn now_us(&self) -> i64 {
        *self.now_us.borrow()
    }

    fn sleep_until_ms(&self, deadline_ms: i64) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut now = self.now_us.subscribe();
        Box::pin(async move {
            let due = |now_us: &i64| now_us.div_euclid(1000) >= deadline_ms;
            if now.wait_for(due).await.is_err() {
                // The clock is gone: its time never comes.
                std::future::pending::<()>().await;
            }
        })
    }
}
