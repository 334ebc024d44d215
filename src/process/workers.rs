//! The threads that serve: how many there are, and one that stands by.
//!
//! There is one thread fewer than there are processors to run on, or as many as `io-threads` says. On a
//! machine of two processors that is one: a second one comes in between the first one and whatever
//! else runs there (clients on the same machine, the kernel's network and disk), and is woken for
//! requests that the first one would have come to by itself. docs/architecture.md has the figures.
//!
//! But one thread alone keeps all waiting while it is at something that cannot be put off: a call into
//! Lua's own library, a command over millions of keys, a disk that hangs. So where there is one, a
//! second stands by, and serves as well once the first has not come round for long.

use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::runtime::{Builder, Runtime};

use crate::command::Server;
use crate::config::Config;
use crate::journal::writer::IdleThreads;

/// The stack of a thread: tables of scripts are followed into one another as deep as Redis does, 2,600
/// levels. What is not used takes no memory.
const STACK_BYTES: usize = 8 << 20;

/// How a thread stands by.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// Time between two looks at the thread that serves.
    look_every: Duration,
    /// How long it serves as well, once it was needed, before it looks whether the other one has time to
    /// sleep.
    help_for: Duration,
}

const PATIENCE: Patience =
    Patience { look_every: Duration::from_millis(100), help_for: Duration::from_secs(1) };

/// What the threads of a runtime know of each other.
pub struct Workers {
    /// Whom they serve, once there is somebody.
    server: OnceLock<Arc<Server>>,
    idle: Arc<IdleThreads>,
    /// How many sleep. The one that stands by does not count.
    asleep: AtomicUsize,
    /// How often one went to sleep.
    turns: AtomicU64,
    is_over: Mutex<bool>,
    over: Condvar,
}

impl Workers {
    /// Starts the threads that `config` asks for.
    ///
    /// # Errors
    /// The system gives no threads, or nothing to wait for events with.
    pub fn start(config: &Config) -> io::Result<(Runtime, Arc<Workers>)> {
        let serving = match config.io_threads.get_usize() {
            0 | 1 => std::thread::available_parallelism().map_or(1, |all| (all.get() - 1).max(1)),
            given => given,
        };
        Workers::start_some(serving, PATIENCE)
    }

    fn start_some(serving: usize, patience: Patience) -> io::Result<(Runtime, Arc<Workers>)> {
        let is_single = serving == 1;
        let threads = if is_single { 2 } else { serving };
        let workers = Arc::new(Workers {
            server: OnceLock::new(),
            idle: Arc::new(IdleThreads { awake: AtomicUsize::new(threads), is_single }),
            asleep: AtomicUsize::new(0),
            turns: AtomicU64::new(0),
            is_over: Mutex::new(false),
            over: Condvar::new(),
        });
        let (sleeping, waking) = (Arc::clone(&workers), Arc::clone(&workers));
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .on_thread_park(move || sleeping.before_sleep())
            .on_thread_unpark(move || waking.after_sleep())
            .build()?;
        if is_single {
            runtime.spawn(Arc::clone(&workers).stand_by(patience));
        }
        Ok((runtime, workers))
    }

    /// From now on a thread that goes to sleep commits what this server's journal has gathered.
    ///
    /// # Panics
    /// There is one already, or this is called outside of the runtime.
    pub fn serve(&self, server: &Arc<Server>) {
        let idle = Arc::clone(&self.idle);
        assert!(server.store.idle_threads.set(idle).is_ok(), "there is one runtime");
        assert!(self.server.set(Arc::clone(server)).is_ok(), "there is one server");
        if self.idle.is_single {
            let server = Arc::clone(server);
            tokio::spawn(async move { server.store.keep_gathering().await });
        }
    }

    /// Nobody has to stand by any more: the runtime is about to end.
    pub fn end(&self) {
        *self.is_over.lock() = true;
        self.over.notify_all();
    }

    fn before_sleep(&self) {
        self.idle.awake.fetch_sub(1, Ordering::SeqCst);
        if let Some(server) = self.server.get() {
            server.store.commit_when_idle();
        }
        self.turns.fetch_add(1, Ordering::Relaxed);
        self.asleep.fetch_add(1, Ordering::SeqCst);
    }

    fn after_sleep(&self) {
        self.asleep.fetch_sub(1, Ordering::SeqCst);
        self.idle.awake.fetch_add(1, Ordering::SeqCst);
    }

    /// Takes one thread out of the runtime until it is needed, again and again. A task of the runtime:
    /// whichever thread runs it is the one that stands by.
    async fn stand_by(self: Arc<Workers>, patience: Patience) {
        loop {
            // This thread may have held the runtime's events, while the other one sleeps until it is told
            // of something. Of two tasks that a task spawns, the first makes way for the second, to where
            // others can take it, and one that sleeps is told; so does what else lay there. Before it
            // sleeps again it takes the events over.
            tokio::spawn(async {});
            tokio::spawn(async {});
            if !self.is_needed_after_waiting(patience.look_every) {
                return;
            }
            tracing::debug!("A thread has been at one thing for long: another one serves as well");
            loop {
                tokio::time::sleep(patience.help_for).await;
                if self.asleep.load(Ordering::SeqCst) > 0 {
                    // The other one has nothing to do.
                    break;
                }
            }
        }
    }

    /// Blocks until the thread that serves has not come round between two looks, or until the end;
    /// whether it was the former.
    fn is_needed_after_waiting(&self, look_every: Duration) -> bool {
        self.idle.awake.fetch_sub(1, Ordering::SeqCst);
        if let Some(server) = self.server.get() {
            // The other one may have left it to this thread, which was awake.
            server.store.commit_when_idle();
        }
        let turn = || {
            let is_any_asleep = self.asleep.load(Ordering::SeqCst) > 0;
            (!is_any_asleep).then(|| self.turns.load(Ordering::Relaxed))
        };
        let mut is_over = self.is_over.lock();
        let mut is_needed = false;
        while !*is_over && !is_needed {
            let before = turn();
            self.over.wait_for(&mut is_over, look_every);
            is_needed = before.is_some() && turn() == before;
        }
        self.idle.awake.fetch_add(1, Ordering::SeqCst);
        !*is_over
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const MOMENT: Duration = Duration::from_millis(2);
    const LONG: Duration = Duration::from_secs(20);

    /// A task blocks its thread until another one has run; the stand-by goes back to its place in
    /// between, or does not, as the time between the rounds has it.
    #[test]
    fn who_stands_by_steps_in_for_a_thread_that_is_stuck() {
        let patience = Patience { look_every: MOMENT, help_for: MOMENT };
        let (runtime, workers) = Workers::start_some(1, patience).expect("threads");
        for round in 0..200 {
            let (release, released) = mpsc::channel::<()>();
            let (begin, begun) = mpsc::channel();
            let stuck = runtime.spawn(async move {
                begin.send(()).expect("is waited for");
                released.recv_timeout(LONG).is_ok()
            });
            begun.recv_timeout(LONG).expect("it is run");
            runtime.spawn(async move {
                tokio::time::sleep(MOMENT).await;
                release.send(()).expect("is waited for");
            });
            let was_released = runtime.block_on(stuck).expect("no panic");
            assert!(was_released, "round {round}: nobody ran the second task");
            if round % 2 == 0 {
                // Nothing keeps the thread: the other goes back.
                runtime.block_on(async { tokio::time::sleep(3 * MOMENT).await });
            }
        }
        workers.end();
        runtime.shutdown_timeout(LONG);
    }

    #[test]
    fn a_thread_that_stands_by_is_not_counted_among_those_awake() {
        let patience = Patience { look_every: MOMENT, help_for: MOMENT };
        let (runtime, workers) = Workers::start_some(1, patience).expect("threads");
        let until = std::time::Instant::now() + LONG;
        while workers.idle.awake.load(Ordering::SeqCst) > 0 {
            assert!(std::time::Instant::now() < until, "one sleeps, one stands by");
            std::thread::yield_now();
        }
        workers.end();
        runtime.shutdown_timeout(LONG);
    }
}
