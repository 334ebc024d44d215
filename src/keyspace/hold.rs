//! Locks that are held for long: a script may run for as long as it likes, and no thread that others
//! wait for is to wait with it.
//!
//! Whoever finds a shard locked looks whether that is by a long step. A command is then put off
//! without blocking ([`super::Keyspace::try_run_noting`]); what cannot be put off waits on a thread
//! that has handed its other work over.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::runtime::{Handle, RuntimeFlavor};

use super::shard::Shard;

/// How long a thread waits for a lock before it looks whether that will take long.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// The locks are held by a step that takes long: to be tried again later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Held;

/// Whether a step holds locks for long.
#[derive(Default)]
pub struct Hold(AtomicBool);

impl Hold {
    /// From now on nobody is to wait for locks on a thread that others wait for.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub fn end(&self) {
        self.0.store(false, Ordering::Release);
    }

    fn is_long(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Locks a shard, unless that takes long.
    pub(super) fn try_lock<'m>(
        &self,
        shard: &'m Mutex<Shard>,
    ) -> Result<MutexGuard<'m, Shard>, Held> {
        if let Some(guard) = shard.try_lock() {
            return Ok(guard);
        }
        loop {
            if self.is_long() {
                return Err(Held);
            }
            if let Some(guard) = shard.try_lock_for(LOOK_EVERY) {
                return Ok(guard);
            }
        }
    }

    /// Locks a shard, however long that takes; if it is long, the thread's other work goes on
    /// elsewhere.
    pub(super) fn lock<'m>(&self, shard: &'m Mutex<Shard>) -> MutexGuard<'m, Shard> {
        self.try_lock(shard).unwrap_or_else(|Held| hand_over(|| shard.lock()))
    }
}

/// Does something that blocks. The runtime's other work on this thread is handed to another one
/// meanwhile, where it can do that.
pub fn hand_over<R>(work: impl FnOnce() -> R) -> R {
    let can_hand_over = Handle::try_current()
        .is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    if can_hand_over { tokio::task::block_in_place(work) } else { work() }
}
