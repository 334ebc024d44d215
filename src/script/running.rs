//! The script that is being run: how long it has been, and whether it is to end.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// A script that runs longer is not waited for by threads: it leaves its worker, and who needs its
/// locks waits without blocking.
const LONG: Duration = Duration::from_millis(5);

/// What is run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sort {
    /// By EVAL and its kin.
    Script,
    /// By FCALL.
    Function,
}

/// Why a script cannot be ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unkillable {
    /// None is being run.
    NotRunning,
    /// It has changed something.
    HasWritten,
    /// One of the other sort is being run.
    OtherSort,
}

/// What FUNCTION STATS tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Description {
    pub name: String,
    pub command: Vec<Vec<u8>>,
    pub duration_ms: u64,
}

/// What the tick of a running script found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tick {
    Continue,
    /// It counts as long since the last tick.
    BecameLong,
    Kill(&'static str),
}

/// What who watches from outside has seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Watched {
    Nothing,
    /// Something runs, and may end before anybody minds.
    Short,
    Long,
}

const IDLE: u64 = 0;
const SCRIPT: u64 = 1;
const FUNCTION: u64 = 2;
const LOADING: u64 = 3;
/// The bits of a run that say what it is.
const SORT: u64 = 3;

/// The state of the one script that may be running. Whoever runs it says when it begins and ends; how
/// long it takes is for a thread outside to see ([`Running::watch`]): one call into Lua's own library
/// may take hours, and no instruction is counted meanwhile.
#[derive(Default)]
pub struct Running {
    /// What is run, and above that how many runs there have been.
    run: AtomicU64,
    /// It is past `busy-reply-threshold`: whoever comes gets `-BUSY`.
    busy: AtomicBool,
    long: AtomicBool,
    kill: AtomicBool,
    wrote: AtomicBool,
    busy_after_ms: AtomicI64,
    /// Of the run that has been seen from outside. Whoever changes `long` or `busy` has it locked, or
    /// has taken it out.
    began: Mutex<Option<Began>>,
    /// It has ended, or become busy.
    changed: Notify,
    watcher: Mutex<Option<Thread>>,
    /// The watcher is to be woken by the next one that begins.
    watcher_sleeps: AtomicBool,
}

struct Began {
    /// When it was seen first.
    at: Instant,
    /// What is run, by name and request; copied only once it is long.
    described: Option<(String, Vec<Vec<u8>>)>,
}

impl Running {
    /// A script begins; its threshold in ms (0: never busy).
    pub(super) fn begin(&self, sort: Sort, busy_after_ms: i64) {
        let sort = if sort == Sort::Script { SCRIPT } else { FUNCTION };
        self.begin_run(sort, busy_after_ms);
    }

    /// A library begins to be loaded, which has a limit of its own and is never busy.
    pub fn begin_loading(&self) {
        self.begin_run(LOADING, 0);
    }

    fn begin_run(&self, sort: u64, busy_after_ms: i64) {
        self.busy_after_ms.store(busy_after_ms, Ordering::Relaxed);
        self.wrote.store(false, Ordering::Relaxed);
        let runs = self.run.load(Ordering::Relaxed) & !SORT;
        // Who is about to sleep says so and looks at this: one of the two sees the other's.
        self.run.store(runs + SORT + 1 + sort, Ordering::SeqCst);
        if self.watcher_sleeps.load(Ordering::SeqCst) {
            self.wake_watcher();
        }
    }

    #[cold]
    fn wake_watcher(&self) {
        self.watcher_sleeps.store(false, Ordering::SeqCst);
        if let Some(watcher) = &*self.watcher.lock() {
            watcher.unpark();
        }
    }

    /// What ran has ended: who was put off because of it looks again, once `release` has let the
    /// locks be waited for.
    pub fn end(&self, release: impl FnOnce()) {
        self.run.store(self.run.load(Ordering::Relaxed) & !SORT, Ordering::SeqCst);
        if self.began.lock().take().is_none() {
            return;
        }
        self.kill.store(false, Ordering::Relaxed);
        if self.long.load(Ordering::Acquire) {
            // Before the rest: who was put off would find the locks held and be put off again.
            release();
            self.busy.store(false, Ordering::Release);
            self.long.store(false, Ordering::Release);
            self.changed.notify_waiters();
        }
    }

    /// Called by the script every some thousand instructions.
    pub(super) fn tick(&self, describe: impl FnOnce() -> (String, Vec<Vec<u8>>)) -> Tick {
        if self.kill.load(Ordering::Acquire) {
            // Redis says so of functions as well.
            return Tick::Kill("Script killed by user with SCRIPT KILL...");
        }
        if !self.is_long() {
            return Tick::Continue;
        }
        match &mut *self.began.lock() {
            Some(began) if began.described.is_none() => {
                began.described = Some(describe());
                Tick::BecameLong
            }
            _ => Tick::Continue,
        }
    }

    /// The calling thread watches from now on.
    pub fn watched_by_this_thread(&self) {
        *self.watcher.lock() = Some(thread::current());
    }

    /// Looks at what runs now, every few milliseconds while something does. `hold` is called when that
    /// counts as long: nobody is to wait for its locks on a thread from then on.
    pub fn watch(&self, now: Instant, hold: impl FnOnce()) -> Watched {
        let run = self.run.load(Ordering::SeqCst);
        if run & SORT == IDLE {
            return Watched::Nothing;
        }
        let mut began = self.began.lock();
        // Who ends says so before it takes this lock: what is noted here it finds.
        if self.run.load(Ordering::SeqCst) != run {
            return Watched::Short;
        }
        let at = began.get_or_insert(Began { at: now, described: None }).at;
        let elapsed = now.saturating_duration_since(at);
        if elapsed < LONG {
            return Watched::Short;
        }
        if !self.is_long() {
            self.long.store(true, Ordering::Release);
            hold();
        }
        let busy_after_ms = self.busy_after_ms.load(Ordering::Relaxed).max(0) as u64;
        if busy_after_ms > 0
            && elapsed >= Duration::from_millis(busy_after_ms)
            && !self.busy.load(Ordering::Relaxed)
        {
            self.busy.store(true, Ordering::Release);
            self.changed.notify_waiters();
            tracing::warn!(
                elapsed_ms = elapsed.as_millis() as u64,
                "a script runs longer than busy-reply-threshold; SCRIPT KILL or FUNCTION KILL ends it"
            );
        }
        Watched::Long
    }

    /// Has the watching thread sleep until something is run, or somebody wakes it.
    pub fn sleep_until_run(&self) {
        self.watcher_sleeps.store(true, Ordering::SeqCst);
        if self.run.load(Ordering::SeqCst) & SORT == IDLE {
            thread::park();
        }
        self.watcher_sleeps.store(false, Ordering::SeqCst);
    }

    /// The script is about to change something: ending it later would leave half of its work. Whether
    /// it may; not if it is to end already.
    pub fn may_write(&self) -> bool {
        if self.wrote.load(Ordering::Relaxed) {
            return true;
        }
        // Who kills sets the one and looks at the other: at least one of the two sees the other's.
        self.wrote.store(true, Ordering::SeqCst);
        !self.kill.load(Ordering::SeqCst)
    }

    pub(super) fn is_killed(&self) -> bool {
        self.kill.load(Ordering::Relaxed)
    }

    /// A script is past the threshold; what sort it is.
    #[inline]
    pub fn busy(&self) -> Option<Sort> {
        if !self.busy.load(Ordering::Acquire) {
            return None;
        }
        self.running()
    }

    /// What is being run; nothing while a library is loaded.
    pub fn running(&self) -> Option<Sort> {
        match self.run.load(Ordering::Acquire) & SORT {
            SCRIPT => Some(Sort::Script),
            FUNCTION => Some(Sort::Function),
            _ => None,
        }
    }

    /// A script holds its locks for long.
    #[inline]
    pub fn is_long(&self) -> bool {
        self.long.load(Ordering::Acquire)
    }

    /// Has the script end at its next tick.
    ///
    /// # Errors
    /// It cannot be ended, or there is none.
    pub fn kill(&self, sort: Sort) -> Result<(), Unkillable> {
        let began = self.began.lock();
        match self.running() {
            None => return Err(Unkillable::NotRunning),
            // One that has just begun will have ended before anybody could mean it.
            Some(_) if began.is_none() => return Err(Unkillable::NotRunning),
            Some(_) if self.wrote.load(Ordering::SeqCst) => return Err(Unkillable::HasWritten),
            Some(running) if running != sort => return Err(Unkillable::OtherSort),
            Some(_) => {}
        }
        self.kill.store(true, Ordering::SeqCst);
        if self.wrote.load(Ordering::SeqCst) {
            self.kill.store(false, Ordering::SeqCst);
            return Err(Unkillable::HasWritten);
        }
        Ok(())
    }

    /// The script that has been running for a while; not before its first tick then, since who
    /// describes it is on its thread.
    pub fn description(&self) -> Option<Description> {
        let began = self.began.lock();
        let began = began.as_ref()?;
        let (name, command) = began.described.clone()?;
        Some(Description { name, command, duration_ms: began.at.elapsed().as_millis() as u64 })
    }

    /// Resolves when no script holds its locks for long, or one has become busy.
    pub async fn settled(&self) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // Listen before looking, so that an end in between is not missed.
            changed.as_mut().enable();
            if !self.is_long() || self.busy().is_some() {
                return;
            }
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_script_is_long_and_then_busy_as_seen_from_outside() {
        let running = Running::default();
        let start = Instant::now();
        let unexpected = || panic!("it is not to be held");
        assert_eq!(running.watch(start, unexpected), Watched::Nothing);
        running.begin(Sort::Script, 100);
        assert_eq!(running.watch(start, unexpected), Watched::Short);
        assert_eq!(running.kill(Sort::Function), Err(Unkillable::OtherSort));
        assert_eq!(running.watch(start + 4 * MS, unexpected), Watched::Short);
        let mut holds = 0;
        assert_eq!(running.watch(start + 5 * MS, || holds += 1), Watched::Long);
        assert_eq!((holds, running.is_long(), running.busy()), (1, true, None));
        assert_eq!(running.watch(start + 99 * MS, unexpected), Watched::Long);
        assert_eq!(running.busy(), None);
        // It is still in its first call: there was no tick.
        assert_eq!(running.watch(start + 100 * MS, unexpected), Watched::Long);
        assert_eq!((running.busy(), running.description()), (Some(Sort::Script), None));
        let describe = || ("f".into(), vec![b"FCALL".to_vec()]);
        assert_eq!(running.tick(describe), Tick::BecameLong);
        assert_eq!(running.tick(|| panic!("it is described")), Tick::Continue);
        assert!(running.description().is_some_and(|it| it.name == "f"));
        running.kill(Sort::Script).expect("it has changed nothing");
        assert!(matches!(running.tick(describe), Tick::Kill(_)));
        let mut releases = 0;
        running.end(|| releases += 1);
        assert_eq!((releases, running.is_long(), running.busy()), (1, false, None));
        assert_eq!(running.kill(Sort::Script), Err(Unkillable::NotRunning));
    }

    #[test]
    fn one_script_after_another_is_not_one_long_one() {
        let running = Running::default();
        let start = Instant::now();
        for at in 0..100 {
            running.begin(Sort::Script, 1);
            let unexpected = || panic!("each takes no time");
            assert_eq!(running.watch(start + at * 10 * MS, unexpected), Watched::Short);
            running.end(|| panic!("nothing was held"));
        }
    }

    #[test]
    fn a_library_that_is_loaded_is_never_busy() {
        let running = Running::default();
        let start = Instant::now();
        running.begin_loading();
        assert_eq!(running.watch(start, || ()), Watched::Short);
        assert_eq!(running.watch(start + 600_000 * MS, || ()), Watched::Long);
        assert_eq!((running.busy(), running.running()), (None, None));
        assert_eq!(running.kill(Sort::Function), Err(Unkillable::NotRunning));
    }

    #[test]
    fn who_sleeps_is_woken_by_the_next_script() {
        let running = Running::default();
        thread::scope(|scope| {
            scope.spawn(|| {
                running.watched_by_this_thread();
                while running.watch(Instant::now(), || ()) == Watched::Nothing {
                    running.sleep_until_run();
                }
            });
            running.begin(Sort::Script, 0);
        });
    }
}
