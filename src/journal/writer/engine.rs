//! What the handle, the waiters and the threads of a journal share, and the threads' work.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};

use super::settle::{Awaited, Settle};
use super::{Class, Failure, IdleThreads, Mode, OnFailure, Refused};
use crate::journal::committer::{Committer, Group, failing};
use crate::journal::disk::{Disk, FileId, is_missing};
use crate::journal::frame::{HEAD_BYTES, Kind, PAYLOAD_BYTES_MAX, Stamp};
use crate::journal::pool::Pool;
use crate::journal::progress::Progress;
use crate::journal::recovery::LOCK_FILE;

/// At the very end of the reserve so much is kept at most, bytes.
const MARGIN: u64 = 4 << 20;
/// How often the writer looks whether something waits for a commit.
const WAITS_AT_MOST: Duration = Duration::from_millis(2);
/// A single thread that serves makes syncs itself that usually take no longer. Measured with 50 connections
/// that send one XADD at a time, it served a sixth more of them at syncs of 0.1 ms than with a second thread
/// that syncs, as many at 0.25 ms, and a quarter fewer at 0.5 ms.
const SHORT_SYNC: Duration = Duration::from_micros(200);
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// How often the current segment and the lock file are looked for under their names.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// While nothing is appended so many segments are made ready to be written cheaply, so that a burst as long
/// does not share the disk with that. Under load it is the next one only.
const WRITTEN_AHEAD: usize = 2;
/// How often it is looked whether anything is appended.
const LOOK_FOR_QUIET_EVERY: Duration = Duration::from_millis(100);
/// How long until room is asked for again on a full disk.
const RETRY_ROOM: Duration = Duration::from_millis(250);

/// What the journal is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum State {
    Serving = 0,
    /// Something is in doubt, and work is refused.
    Impaired = 1,
    /// A snapshot is being written that will stand for what is in doubt.
    Healing = 2,
    Failed = 3,
    Ended = 4,
    /// Nothing is kept, and nothing promised (`appendonly no`, `save ""`).
    Off = 5,
    /// A snapshot is being written behind which the journal will serve again; nothing is promised
    /// yet.
    Resuming = 6,
}

impl State {
    const ALL: [State; 7] = [
        State::Serving,
        State::Impaired,
        State::Healing,
        State::Failed,
        State::Ended,
        State::Off,
        State::Resuming,
    ];

    /// Whether frames are kept.
    fn keeps(self) -> bool {
        matches!(self, State::Serving | State::Healing | State::Resuming)
    }

    /// A snapshot is being written that will stand for all before its cut, whatever the disk holds.
    pub(super) fn is_reopening(self) -> bool {
        matches!(self, State::Healing | State::Resuming)
    }
}

/// Frames that wait to be written.
pub(super) struct Queue {
    pub(super) group: Group,
    /// An emptied group, for its buffer.
    pub(super) idle: Group,
    /// The position of the next frame.
    pub(super) next: u64,
    /// The latest time of a frame, unix ms.
    pub(super) time_ms: i64,
    pub(super) start: u32,
}

pub(super) struct Shared {
    /// The number of this start.
    pub(super) start: u32,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) pool: Arc<Pool>,
    pub(super) queue: Mutex<Queue>,
    /// The queue's `next`, for a look without its lock.
    pub(super) next: AtomicU64,
    /// Up to here the queue has been emptied.
    pub(super) taken: AtomicU64,
    pub(super) committer: Mutex<Committer>,
    pub(super) settled: Progress,
    pub(super) durable: Progress,
    pub(super) mode: AtomicU8,
    pub(super) state: AtomicU8,
    pub(super) failure: Mutex<Option<Failure>>,
    /// The lock file that is held ([`super::Journal::watch_lock`]).
    pub(super) lock: Mutex<Option<FileId>>,
    /// The lock file was lost, and not taken again yet: the spares may be another server's by now.
    pub(super) is_unlocked: AtomicBool,
    /// How often the journal has failed.
    pub(super) failures: AtomicU64,
    pub(super) on_failure: OnFailure,
    /// What reservations hold of the room.
    pub(super) held: AtomicU64,
    /// The longest frame of a step.
    pub(super) step_bytes_max: AtomicU64,
    pub(super) backlog_bytes_max: AtomicU64,
    /// The position of the last whole snapshot.
    pub(super) snapshot: AtomicU64,
    pub(super) segments: AtomicUsize,
    pub(super) stopping: AtomicBool,
    pub(super) started: Instant,
    /// When the last sync ended, ms behind `started`.
    pub(super) synced_at_ms: AtomicU64,
    /// The threads that commit before they sleep; set if there are such, see
    /// [`Shared::commit_when_idle`].
    pub(super) idle_threads: OnceLock<Arc<IdleThreads>>,
    /// The largest group of late, bytes. Falls by an eighth with each smaller one.
    pub(super) usual_bytes: AtomicU64,
    /// What a sync takes of late: a step up for one that took longer, a step down for another, so about as
    /// many took longer as did not.
    pub(super) usual_sync_ns: AtomicU64,
    /// The writer's thread was called to commit.
    pub(super) is_writer_called: AtomicBool,
    /// The writer's thread sleeps until it is woken.
    pub(super) is_writer_asleep: AtomicBool,
}

/// Room that is held; given back when this is dropped.
#[must_use = "the room is free again when the reservation is dropped"]
pub struct Reservation<'j> {
    shared: &'j Shared,
    /// What it takes of the room.
    cost: u64,
    /// The length of the frame that a spare is kept for, if it is longer than others take; else 0.
    large: u64,
}

impl Reservation<'_> {
    /// Holds room for `bytes` in all, where that is more than it was; for a step that finds out as it
    /// goes what it leaves behind.
    ///
    /// # Errors
    /// As [`super::Journal::reserve`]; what was held before still is.
    pub fn raise(&mut self, class: Class, bytes: u64) -> Result<(), Refused> {
        self.shared.raise(self, class, bytes)
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        self.shared.held.fetch_sub(self.cost, Ordering::AcqRel);
        if self.large > 0 {
            let end = self.shared.next.load(Ordering::Acquire);
            self.shared.pool.release_large(self.large, end);
        }
    }
}

impl Shared {
    pub(super) fn mode(&self) -> Mode {
        match self.mode.load(Ordering::Acquire) {
            0 => Mode::Always,
            1 => Mode::EverySecond,
            _ => Mode::Never,
        }
    }

    pub(super) fn state(&self) -> State {
        State::ALL[usize::from(self.state.load(Ordering::Acquire))]
    }

    pub(super) fn exchange_state(&self, from: State, to: State) -> bool {
        let (from, to) = (from as u8, to as u8);
        self.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    pub(super) fn progress(&self, awaited: Awaited) -> &Progress {
        match awaited {
            Awaited::Settled => &self.settled,
            Awaited::Durable => &self.durable,
        }
    }

    pub(super) fn wait(&self, awaited: Awaited, target: u64, written: u64) -> Settle<'_> {
        let failures = self.failures.load(Ordering::Acquire);
        Settle { shared: self, awaited, target, written, failures, waker: None }
    }

    pub(super) fn wake_all(&self) {
        self.settled.wake_all();
        self.durable.wake_all();
    }

    /// Takes a frame and leaves its payload empty; the position behind it.
    pub(super) fn append(&self, kind: Kind, time_ms: i64, payload: &mut Vec<u8>) -> u64 {
        assert!(payload.len() as u64 <= PAYLOAD_BYTES_MAX, "a frame longer than was reserved");
        let mut queue = self.queue.lock();
        let position = queue.next;
        let length = (HEAD_BYTES + payload.len()) as u64;
        queue.next += length;
        queue.time_ms = queue.time_ms.max(time_ms);
        // In an impaired journal it goes nowhere: a snapshot will stand for it.
        if self.state().keeps() {
            let stamp = Stamp { kind, start: queue.start, position, durable: 0, time_ms };
            queue.group.push(&stamp, payload);
        } else {
            payload.clear();
        }
        self.next.store(queue.next, Ordering::Release);
        queue.next
    }

    pub(super) fn reserve(&self, class: Class, bytes: u64) -> Result<Reservation<'_>, Refused> {
        let mut room = Reservation { shared: self, cost: 0, large: 0 };
        self.raise(&mut room, class, bytes)?;
        Ok(room)
    }

    fn raise(&self, room: &mut Reservation<'_>, class: Class, bytes: u64) -> Result<(), Refused> {
        match self.state() {
            State::Serving => {}
            State::Off | State::Resuming => return Ok(()),
            State::Ended => return Err(Refused::Ended),
            State::Impaired | State::Healing | State::Failed => {
                let failure = self.failure.lock().clone();
                // Between the state and its reason there is a moment.
                return Err(failure.map_or(Refused::Ended, Refused::Failed));
            }
        }
        let bytes = bytes.saturating_add(HEAD_BYTES as u64);
        if bytes > self.step_bytes_max.load(Ordering::Relaxed) {
            return Err(Refused::TooLong);
        }
        let before = room.cost;
        let more = self.pool.cost(bytes).saturating_sub(before);
        room.cost += more;
        let held = self.held.fetch_add(more, Ordering::SeqCst) + more;
        let found = self.find_room(room, class, bytes, held);
        if found.is_err() {
            room.cost = before;
            self.held.fetch_sub(more, Ordering::AcqRel);
        }
        found
    }

    /// Sees to it that there is room for `held` in all, a frame of `bytes` among it.
    fn find_room(
        &self,
        room: &mut Reservation<'_>,
        class: Class,
        bytes: u64,
        held: u64,
    ) -> Result<(), Refused> {
        let full = |error: io::Error| Refused::Full(error.to_string());
        if bytes > self.pool.frame_bytes_max() && bytes > room.large {
            self.keep_large(room, bytes).map_err(full)?;
        }
        let end = self.next.load(Ordering::Acquire).saturating_add(held);
        // While more room can be had, the reserve is lent: the pool is being filled again.
        if !self.pool.is_short() {
            return self.pool.reach(end).map_err(full);
        }
        let reserve = self.pool.reserve_bytes();
        // What a step leaves behind may be more than was asked for: the waiters that a push
        // serves, the ids that one XAUTOCLAIM finds. A part of the reserve is for that.
        let kept = if class == Class::Ordinary { reserve } else { (reserve / 8).min(MARGIN) };
        if end.saturating_add(kept) > self.pool.limit() {
            let why = self.pool.trouble();
            return Err(Refused::Full(why.unwrap_or_else(|| "no room".into())));
        }
        Ok(())
    }

    /// Has a spare kept for a frame of `bytes`. What grows step by step gets twice the length each time,
    /// where that can be had, and gives the one before back.
    fn keep_large(&self, room: &mut Reservation<'_>, bytes: u64) -> io::Result<()> {
        let settled = self.settled.position();
        let before = room.large;
        let twice = (2 * before).clamp(bytes, PAYLOAD_BYTES_MAX);
        room.large = match self.pool.keep_large(twice, settled) {
            Ok(()) => twice,
            Err(error) if twice == bytes => return Err(error),
            Err(_) => self.pool.keep_large(bytes, settled).map(|()| bytes)?,
        };
        if before > 0 {
            self.pool.release_large(before, 0);
        }
        Ok(())
    }

    /// Takes what has gathered; the position behind it. The caller has the committer.
    pub(super) fn take(&self) -> (Group, u64) {
        let mut queue = self.queue.lock();
        let idle = std::mem::take(&mut queue.idle);
        let group = std::mem::replace(&mut queue.group, idle);
        self.taken.store(queue.next, Ordering::Release);
        (group, queue.next)
    }

    pub(super) fn give_back(&self, mut group: Group) {
        group.clear();
        self.queue.lock().idle = group;
    }

    /// Writes what has gathered, with the committer in hand. What a change of segments made durable
    /// is told at once.
    pub(super) fn write_gathered(&self, committer: &mut Committer) -> Result<(), Failure> {
        let (mut group, end) = self.take();
        if group.is_empty() {
            self.give_back(group);
            return Ok(());
        }
        let durable = committer.write(&mut group, self.durable.position())?;
        debug_assert_eq!(committer.written(), end, "frames are written where they were promised");
        // While it heals this is where it was.
        self.durable.advance(durable);
        self.segments.store(committer.firsts().len(), Ordering::Relaxed);
        self.give_back(group);
        Ok(())
    }

    /// Writes and syncs what has gathered: a group commit.
    pub(super) fn commit(&self) {
        self.commit_with(self.committer.lock());
        self.look_again();
    }

    /// Has the committer in hand for something else than writing.
    pub(super) fn with_committer<R>(&self, work: impl FnOnce(&mut Committer) -> R) -> R {
        let worked = work(&mut self.committer.lock());
        self.look_again();
        worked
    }

    /// Who finds the committer taken leaves its work to the one that has it: so whoever has had it
    /// looks again.
    fn look_again(&self) {
        match self.mode() {
            Mode::Always => self.commit_when_idle(),
            Mode::EverySecond | Mode::Never => self.write_inline(),
        }
    }

    /// Commits, on a thread of the runtime that would go to sleep now, until little is left or
    /// another thread is at it: that one looks again when it is done.
    ///
    /// So a sync begins when all requests that have come are served, no thread has to be woken for
    /// it, and what comes meanwhile, which the other threads serve, is the next group.
    ///
    /// Less than half of a usual group is left to the next thread that goes to sleep. There will be
    /// one: another is awake, or this one has just woken clients who waited. Else each client that is
    /// quick would have a sync to itself, and all others wait for that. Measured with 50 connections that
    /// send one XADD at a time: groups of 20 to 25 instead of 15; on a disk that takes 1.2 ms to
    /// sync a fifth more of them a second, with 500 connections seven tenths more.
    pub(super) fn commit_when_idle(&self) {
        let mut has_woken = false;
        loop {
            // Either this sees what was appended, or who appended it finds the committer free.
            fence(Ordering::SeqCst);
            if !self.has_work() || self.state() != State::Serving {
                return;
            }
            if self.mode() != Mode::Always {
                // It was changed while this committed.
                return self.write_inline();
            }
            if self.is_little() && (has_woken || self.is_any_awake()) {
                return;
            }
            let Some(committer) = self.committer.try_lock() else { return };
            if committer.is_in_doubt() {
                // Whoever found that out is about to tell, and drops what has gathered.
                return;
            }
            has_woken = self.commit_with(committer) > 0;
        }
    }

    /// Called with the committer in hand.
    pub(super) fn note_sync_took(&self, time: Duration) {
        let usual_ns = self.usual_sync_ns.load(Ordering::Relaxed);
        let step_ns = usual_ns / 16 + 1000;
        let is_longer = time.as_nanos() > u128::from(usual_ns);
        let usual_ns =
            if is_longer { usual_ns + step_ns } else { usual_ns.saturating_sub(step_ns) };
        self.usual_sync_ns.store(usual_ns, Ordering::Relaxed);
    }

    /// Whether a thread that is about to sleep calls the writer's own instead of committing: it is the
    /// only one that serves, and a sync takes so long that waking another thread costs less.
    pub(super) fn leaves_commits_to_writer(&self) -> bool {
        let is_single = self.idle_threads.get().is_some_and(|threads| threads.is_single);
        is_single
            && u128::from(self.usual_sync_ns.load(Ordering::Relaxed)) > SHORT_SYNC.as_nanos()
            && self.mode() == Mode::Always
            && self.state() == State::Serving
    }

    /// Whether less than half of a usual group has gathered.
    fn is_little(&self) -> bool {
        let taken = self.taken.load(Ordering::Acquire);
        let gathered = self.next.load(Ordering::Acquire).saturating_sub(taken);
        gathered < self.usual_bytes.load(Ordering::Relaxed) / 2
    }

    fn is_any_awake(&self) -> bool {
        self.idle_threads.get().is_some_and(|threads| threads.awake.load(Ordering::SeqCst) > 0)
    }

    pub(super) fn has_work(&self) -> bool {
        self.taken.load(Ordering::Acquire) < self.next.load(Ordering::Acquire)
    }

    /// A group commit; how many waited for it.
    fn commit_with(&self, mut committer: MutexGuard<'_, Committer>) -> usize {
        let done = {
            if committer.is_in_doubt() {
                return 0;
            }
            let before = committer.written();
            let written = self.write_gathered(&mut committer);
            let end = committer.written();
            let usual_bytes = self.usual_bytes.load(Ordering::Relaxed);
            let usual_bytes = (end - before).max(usual_bytes - usual_bytes / 8);
            self.usual_bytes.store(usual_bytes, Ordering::Relaxed);
            let synced = match written {
                Ok(()) if self.durable.position() < end => {
                    let begun = Instant::now();
                    let synced = committer.sync();
                    self.note_sync_took(begun.elapsed());
                    synced
                }
                other => other,
            };
            drop(committer);
            synced.map(|()| end)
        };
        match done {
            Ok(end) => self.note_synced(end),
            Err(failure) => {
                self.fail(failure);
                0
            }
        }
    }

    /// All before `end` is on the disk; how many waited for it.
    pub(super) fn note_synced(&self, end: u64) -> usize {
        self.synced_at_ms.store(self.now_ms(), Ordering::Relaxed);
        self.durable.advance(end) + self.settled.advance(end)
    }

    /// Writes what has gathered without syncing, unless another thread is at it: that one looks
    /// again when it is done.
    pub(super) fn write_inline(&self) {
        loop {
            fence(Ordering::SeqCst);
            if self.taken.load(Ordering::Acquire) == self.next.load(Ordering::Acquire) {
                return;
            }
            let Some(mut committer) = self.committer.try_lock() else { return };
            if committer.is_broken() {
                return;
            }
            if self.mode() == Mode::Always {
                drop(committer);
                return self.commit_when_idle();
            }
            let written = self.write_gathered(&mut committer).map(|()| committer.written());
            let is_healing = committer.is_healing();
            drop(committer);
            match written {
                // Below it lies what went nowhere, until a snapshot stands for that.
                Ok(_) if is_healing => {}
                Ok(end) => {
                    self.settled.advance(end);
                }
                Err(failure) => return self.fail(failure),
            }
        }
    }

    /// Syncs what was written, and lets others write meanwhile.
    pub(super) fn sync_aside(&self) {
        let Some((file, name, end)) = self.with_committer(|committer| committer.to_sync()) else {
            return;
        };
        if self.durable.position() >= end {
            return;
        }
        match file.sync() {
            Ok(()) => {
                self.synced_at_ms.store(self.now_ms(), Ordering::Relaxed);
                self.durable.advance(end);
            }
            Err(error) => {
                self.committer.lock().set_broken();
                self.fail(failing("sync", &name)(error));
            }
        }
    }

    pub(super) fn fail(&self, failure: Failure) {
        let state = if self.mode() == Mode::Always { State::Failed } else { State::Impaired };
        self.fail_to(state, failure);
    }

    /// The first failure latches: the journal goes to `state`.
    fn fail_to(&self, state: State, failure: Failure) {
        let is_final = {
            // With the queue locked, no frame is added to a group that will not be written.
            let mut queue = self.queue.lock();
            let before = self.state();
            if !before.keeps() {
                return;
            }
            // Where nothing is promised yet there is nobody to whom the outcome is unknown.
            let state = match before {
                State::Resuming => State::Off,
                // The mode may have been changed meanwhile: it is not in force yet.
                State::Healing => State::Impaired,
                _ => state,
            };
            if state != State::Off {
                *self.failure.lock() = Some(failure.clone());
                self.failures.fetch_add(1, Ordering::AcqRel);
            }
            self.state.store(state as u8, Ordering::Release);
            self.drop_gathered(&mut queue);
            state == State::Failed
        };
        self.wake_all();
        (self.on_failure)(&failure, is_final);
    }

    /// The snapshot that was to reopen the journal did not come to be.
    pub(super) fn close_again(&self) {
        let mut queue = self.queue.lock();
        if self.exchange_state(State::Healing, State::Impaired)
            || self.exchange_state(State::Resuming, State::Off)
        {
            self.drop_gathered(&mut queue);
            drop(queue);
            self.committer.lock().set_broken();
            // Who waited for that snapshot, where nothing is kept any more, waits for nothing now.
            self.wake_all();
        }
    }

    /// Stops keeping frames.
    pub(super) fn switch_off(&self) {
        let mut queue = self.queue.lock();
        if self.exchange_state(State::Serving, State::Off) {
            self.drop_gathered(&mut queue);
            drop(queue);
            self.committer.lock().set_broken();
            self.wake_all();
        }
    }

    /// Has an impaired journal keep nothing any more; whether it was impaired. The snapshot that may
    /// be under way serves to resume then.
    pub(super) fn give_up_doubt(&self) -> bool {
        let queue = self.queue.lock();
        let was_impaired = self.exchange_state(State::Impaired, State::Off)
            || self.exchange_state(State::Healing, State::Resuming);
        if was_impaired {
            *self.failure.lock() = None;
        }
        drop(queue);
        if was_impaired {
            self.wake_all();
        }
        was_impaired
    }

    fn drop_gathered(&self, queue: &mut Queue) {
        queue.group = Group::default();
        self.taken.store(queue.next, Ordering::Release);
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    /// Under `Never` the kernel writes when it likes; a segment's end has to be synced all the same,
    /// so what is left for then is kept short.
    pub(super) fn wants_sync(&self) -> bool {
        let unsynced = self.settled.position().saturating_sub(self.durable.position());
        self.state() == State::Serving && unsynced > self.pool.segment_bytes() / 4
    }

    pub(super) fn run_writer(&self) {
        let mut seen = (0, 0);
        while !self.stopping.load(Ordering::Acquire) {
            match self.mode() {
                Mode::Always => {
                    if self.idle_threads.get().is_some() {
                        self.commit_what_waits(&mut seen);
                    } else if self.has_work() && self.state() == State::Serving {
                        self.commit();
                    } else {
                        thread::park();
                    }
                }
                Mode::EverySecond => {
                    self.write_inline();
                    let now_ms = self.now_ms();
                    let since_ms = now_ms.saturating_sub(self.synced_at_ms.load(Ordering::Relaxed));
                    let left = SYNC_EVERY.saturating_sub(Duration::from_millis(since_ms));
                    if left.is_zero() || self.wants_sync() {
                        self.synced_at_ms.store(now_ms, Ordering::Relaxed);
                        self.sync_aside();
                    } else {
                        thread::park_timeout(left);
                    }
                }
                Mode::Never => {
                    self.write_inline();
                    if self.wants_sync() {
                        self.sync_aside();
                    }
                    thread::park();
                }
            }
        }
    }

    /// Where idle threads commit: sees to it that nothing waits long for one, because all are busy or
    /// one of them is at something long. Looks from time to time while there is something to do, so
    /// that nobody has to wake it. `seen` is what it saw the last time.
    pub(super) fn commit_what_waits(&self, seen: &mut (u64, u64)) {
        let now = (self.taken.load(Ordering::Acquire), self.next.load(Ordering::Acquire));
        let before = std::mem::replace(seen, now);
        let is_called = self.is_writer_called.swap(false, Ordering::SeqCst);
        if self.state() == State::Serving && self.has_work() && (is_called || before.0 == now.0) {
            // Or nobody has committed for as long.
            self.commit();
        } else if before != now || self.has_work() && self.state() == State::Serving {
            thread::park_timeout(WAITS_AT_MOST);
        } else {
            self.is_writer_asleep.store(true, Ordering::SeqCst);
            fence(Ordering::SeqCst);
            if !self.has_work() || self.state() != State::Serving {
                thread::park();
            }
            self.is_writer_asleep.store(false, Ordering::SeqCst);
        }
    }

    pub(super) fn run_keeper(&self) {
        let mut looked = Instant::now();
        let (mut next, mut is_quiet) = (u64::MAX, false);
        while !self.stopping.load(Ordering::Acquire) {
            match self.tend(if is_quiet { WRITTEN_AHEAD } else { 1 }) {
                Ok(true) => {}
                Ok(false) => {
                    let wait = if is_quiet { LOOK_EVERY } else { LOOK_FOR_QUIET_EVERY };
                    thread::park_timeout(wait);
                    let before = std::mem::replace(&mut next, self.next.load(Ordering::Acquire));
                    is_quiet = before == next;
                }
                Err(_) => thread::park_timeout(RETRY_ROOM),
            }
            if looked.elapsed() >= LOOK_EVERY {
                looked = Instant::now();
                self.look_for_files();
            }
        }
    }

    /// Whoever removes the directory, or puts another in its place, leaves an open file behind that
    /// takes writes and syncs, and that no start will find. Without the lock file that is held
    /// another server may be writing there.
    ///
    /// No write has failed, and memory holds everything: so the process does not end, whatever the
    /// mode. Writes are refused until a snapshot has succeeded, in a directory made or taken anew.
    pub(super) fn look_for_files(&self) {
        let Some((file, name, _)) = self.with_committer(|committer| committer.to_sync()) else {
            return;
        };
        let segment = file.id().ok().and_then(|open| self.loss_of(&name, open));
        let is_segment = segment.is_some();
        let lock = *self.lock.lock();
        let lock = lock.and_then(|held| self.loss_of(LOCK_FILE, held));
        let is_locked = lock.is_none();
        let Some(failure) = segment.or(lock) else { return };
        let is_lost = self.with_committer(|committer| {
            // The segment may have been left, and removed, in between.
            let current = committer.to_sync().map(|(_, current, _)| current);
            let is_lost = current.is_some_and(|current| !is_segment || current == name);
            if is_lost {
                committer.set_broken();
            }
            is_lost
        });
        if is_lost {
            self.is_unlocked.store(!is_locked, Ordering::Release);
            self.pool.forget_lost();
            self.fail_to(State::Impaired, failure);
        }
    }

    /// Why a name does not lead to the file that is open; none while it does, or nobody can tell.
    fn loss_of(&self, name: &str, open: FileId) -> Option<Failure> {
        match self.disk.id(name) {
            Ok(found) if found == open => None,
            Ok(_) => Some(failing("find", name)(io::Error::other("another file has its name"))),
            Err(error) if is_missing(&error) => Some(failing("find", name)(error)),
            // Where it cannot be looked for, files that are open still serve.
            Err(_) => None,
        }
    }

    fn tend(&self, write_ahead: usize) -> io::Result<bool> {
        if self.is_unlocked.load(Ordering::Acquire) {
            return Ok(false);
        }
        let end = || self.next.load(Ordering::Acquire) + self.held.load(Ordering::SeqCst);
        self.pool.tend(self.settled.position(), &end, write_ahead)
    }

    /// Fills the pool, as far as it can be.
    pub(super) fn tend_pool(&self) {
        while matches!(self.tend(1), Ok(true)) {}
    }
}
