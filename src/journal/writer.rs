//! The journal as connections see it: append under the locks of the shards, wait until it holds.
//!
//! A connection appends frames to a queue in memory, which gives them their positions. How they get
//! to the disk depends on the mode:
//!
//! - `Always`: one thread takes all that has gathered, writes it and syncs once. What gathers
//!   meanwhile is the next group.
//! - `EverySecond` and `Never`: whoever ends a batch writes for all that has gathered, so that bytes
//!   are with the kernel before any reply. The thread syncs, and keeps nobody from writing.
//!
//! Two positions move on: **durable**, what is on the disk, and **settled**, what replies wait for:
//! the durable position under `Always`, else what is with the kernel.
//!
//! The first failure latches. Under `Always` it is final: who waits is told that the outcome is
//! unknown, and the owner ends the process. Otherwise the journal is impaired: new work is refused,
//! reads go on, until a snapshot stands for what is in doubt ([`Journal::cut`]).

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use parking_lot::Mutex;

use super::committer::{Committer, Group, failing};
use super::disk::{Disk, FileId};
use super::effects::{Frame, Sink};
use super::frame::{Kind, PAYLOAD_BYTES_MAX};
use super::pool::Pool;
use super::progress::Progress;
use super::recovery::Plan;
use super::segment::FileKind;
use super::snapshot::SnapshotWriter;

pub use super::committer::Failure;
pub use engine::{Reservation, State};
pub use settle::{OutcomeUnknown, Settle};

use engine::{Queue, Shared};
use settle::Awaited;

mod engine;
mod settle;

/// When what was appended is synced (`appendfsync`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Mode {
    Always = 0,
    EverySecond = 1,
    Never = 2,
}

/// For what room is reserved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Work that takes something new in.
    Ordinary,
    /// Acknowledgements and deletes, which may use the reserve.
    Drain,
}

/// Why no room was reserved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refused {
    /// The disk is full; why the last attempt to take room failed.
    Full(String),
    /// The journal has failed.
    Failed(Failure),
    /// No frame can be as long.
    TooLong,
    /// The journal has been ended.
    Ended,
}

/// Told of the first failure, once: the failure, and whether it is final. Called without locks.
pub type OnFailure = Box<dyn Fn(&Failure, bool) + Send + Sync>;

/// What a journal is opened with.
pub struct Options {
    pub mode: Mode,
    /// The length of segments.
    pub segment_bytes: u64,
    /// What is kept back for acknowledgements and deletes.
    pub reserve_bytes: u64,
    /// How much may be appended and not settled before a batch waits ([`Journal::admit`]).
    pub backlog_bytes_max: u64,
    pub on_failure: OnFailure,
}

/// The threads that serve, where they commit before they sleep.
#[derive(Default)]
pub struct IdleThreads {
    /// How many of them do not sleep. One that stands by is not counted.
    pub awake: AtomicUsize,
    /// There is one: while it commits nobody is served.
    pub is_single: bool,
}

/// The journal of a server that runs.
pub struct Journal {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// The writer thread, to be woken.
    writer: Option<thread::Thread>,
    keeper: Option<thread::Thread>,
}

/// How the journal is doing, for INFO.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Status {
    pub mode: Mode,
    pub state: State,
    /// The number of this start.
    pub start: u32,
    pub next: u64,
    pub settled: u64,
    pub durable: u64,
    /// The position of the last whole snapshot; 0 without one.
    pub snapshot: u64,
    pub segments: usize,
    /// All the room that is wanted has been taken.
    pub has_all_room: bool,
    /// Why room cannot be had, if more is wanted.
    pub room_trouble: Option<String>,
    /// The failure that is in force.
    pub failure: Option<Failure>,
}

impl Journal {
    /// Begins a new start behind what `plan` found, and its threads.
    ///
    /// # Errors
    /// The segment to write to cannot be made, the last one cannot be synced, or no thread can be
    /// started.
    ///
    /// # Panics
    /// The plan's case stops the start.
    pub fn open(disk: Arc<dyn Disk>, plan: &Plan, options: Options) -> Result<Journal, Failure> {
        let mut journal = Journal::open_stepped(disk, plan, options)?;
        let spawn = |name: &str, run: fn(&Shared)| {
            let shared = Arc::clone(&journal.shared);
            let named = thread::Builder::new().name(name.into());
            let spawned = named.spawn(move || run(&shared)).map_err(failing("start", name))?;
            let thread = spawned.thread().clone();
            journal.threads.lock().push(spawned);
            Ok(thread)
        };
        let writer = spawn("journal-write", Shared::run_writer)?;
        let keeper = spawn("journal-room", Shared::run_keeper)?;
        (journal.writer, journal.keeper) = (Some(writer), Some(keeper));
        Ok(journal)
    }

    /// As [`Journal::open`], without threads: [`Journal::step`] does their work, in an order that
    /// tests can repeat.
    ///
    /// # Errors
    /// As [`Journal::open`].
    ///
    /// # Panics
    /// The plan's case stops the start.
    pub fn open_stepped(
        disk: Arc<dyn Disk>,
        plan: &Plan,
        options: Options,
    ) -> Result<Journal, Failure> {
        assert!(!plan.case.stops(), "a start that must not be: {}", plan.case);
        let pool = Pool::open(Arc::clone(&disk), options.segment_bytes, options.reserve_bytes)
            .map(Arc::new)
            .map_err(|error| failing("read", "the directory")(error))?;
        let committer = Committer::open(Arc::clone(&disk), Arc::clone(&pool), plan)?;
        let queue = Queue {
            group: Group::default(),
            idle: Group::default(),
            next: plan.end,
            time_ms: plan.time_ms,
            start: committer.start(),
        };
        let shared = Shared {
            start: committer.start(),
            disk,
            pool,
            queue: Mutex::new(queue),
            next: AtomicU64::new(plan.end),
            taken: AtomicU64::new(plan.end),
            segments: AtomicUsize::new(committer.firsts().len()),
            committer: Mutex::new(committer),
            settled: Progress::new(plan.end),
            durable: Progress::new(plan.end),
            mode: AtomicU8::new(options.mode as u8),
            state: AtomicU8::new(State::Serving as u8),
            failure: Mutex::new(None),
            lock: Mutex::new(None),
            is_unlocked: AtomicBool::new(false),
            failures: AtomicU64::new(0),
            on_failure: options.on_failure,
            held: AtomicU64::new(0),
            step_bytes_max: AtomicU64::new(PAYLOAD_BYTES_MAX),
            backlog_bytes_max: AtomicU64::new(options.backlog_bytes_max),
            snapshot: AtomicU64::new(plan.from()),
            stopping: AtomicBool::new(false),
            started: Instant::now(),
            synced_at_ms: AtomicU64::new(0),
            idle_threads: OnceLock::new(),
            usual_bytes: AtomicU64::new(0),
            usual_sync_ns: AtomicU64::new(0),
            is_writer_called: AtomicBool::new(false),
            is_writer_asleep: AtomicBool::new(false),
        };
        let shared = Arc::new(shared);
        Ok(Journal { shared, threads: Mutex::default(), writer: None, keeper: None })
    }

    /// Takes a frame; the position behind it. Called under the locks of the shards it changed, so in
    /// the order of changes; no system call is made. Nobody hears of it before [`Journal::flush`].
    ///
    /// # Panics
    /// The payload is longer than [`super::frame::PAYLOAD_BYTES_MAX`], which [`Journal::reserve`] refuses.
    pub fn append(&self, mut frame: Frame) -> u64 {
        self.shared.append(Kind::Step, frame.time_ms, &mut frame.effects)
    }

    /// Sees to it that what was appended gets written; called when a batch is done, outside of
    /// locks. Without `Always` it is written now, by this thread or by one that is at it.
    pub fn flush(&self) {
        if self.shared.mode() == Mode::Always {
            self.wake_writer();
        } else {
            self.shared.write_inline();
            if self.shared.wants_sync()
                && self.mode() == Mode::Never
                && let Some(writer) = &self.writer
            {
                writer.unpark();
            }
        }
        if let Some(keeper) = &self.keeper
            && self.shared.pool.wants_tending()
        {
            keeper.unpark();
        }
    }

    /// Where idle threads commit, the writer's own looks by itself while there is something to do.
    fn wake_writer(&self) {
        fence(Ordering::SeqCst);
        let shared = &self.shared;
        let wants_waking =
            shared.idle_threads.get().is_none() || shared.is_writer_asleep.load(Ordering::SeqCst);
        if wants_waking
            && shared.has_work()
            && let Some(writer) = &self.writer
        {
            writer.unpark();
        }
    }

    /// From now on the threads that serve call [`Journal::commit_when_idle`] before they sleep; whoever
    /// calls counts itself out first. Said once.
    ///
    /// # Panics
    /// It was said before.
    pub fn let_idle_threads_commit(&self, threads: Arc<IdleThreads>) {
        assert!(self.shared.idle_threads.set(threads).is_ok(), "there is one runtime");
    }

    /// Under `Always`: commits what has gathered, unless another thread is at it, or it is little
    /// and a thread that is awake will come to it. The only thread that serves leaves a commit that will
    /// take long to the writer's own.
    pub fn commit_when_idle(&self) {
        match &self.writer {
            Some(writer) if self.shared.leaves_commits_to_writer() => {
                // Either this sees what was appended, or who appended it has the writer woken.
                fence(Ordering::SeqCst);
                if self.shared.has_work() {
                    self.shared.is_writer_called.store(true, Ordering::SeqCst);
                    writer.unpark();
                }
            }
            _ => self.shared.commit_when_idle(),
        }
    }

    /// Ends a batch: waits until all below `position` is settled, and a reply may tell of it.
    /// `written` is the position behind what the one who waits has changed itself, 0 without any:
    /// in an impaired journal reads go on, but nobody may be told that a change went well which went
    /// nowhere.
    pub fn settle(&self, position: u64, written: u64) -> Settle<'_> {
        if self.shared.settled.position() < position {
            self.flush();
        }
        self.shared.wait(Awaited::Settled, position, written)
    }

    /// Waits until all below `position` is on the disk, whatever the mode (WAITAOF). In an impaired
    /// journal until a snapshot stands for it; an error where the journal has failed for good, has
    /// ended or is switched off.
    pub fn wait_durable(&self, position: u64) -> Settle<'_> {
        self.shared.wait(Awaited::Durable, position, position)
    }

    /// Waits until a batch may start: until the backlog is below its limit.
    pub fn admit(&self) -> Settle<'_> {
        let backlog_bytes_max = self.shared.backlog_bytes_max.load(Ordering::Relaxed);
        let position = self.next().saturating_sub(backlog_bytes_max);
        self.settle(position, 0)
    }

    /// Holds room for frames of `bytes` in all (their heads are added), before anything is changed.
    /// What is held is free again when the reservation is dropped, after the frames were appended.
    ///
    /// # Errors
    /// The work must not be done.
    pub fn reserve(&self, class: Class, bytes: u64) -> Result<Reservation<'_>, Refused> {
        self.shared.reserve(class, bytes)
    }

    /// The position of the next frame: what was appended lies below it.
    pub fn next(&self) -> u64 {
        self.shared.next.load(Ordering::Acquire)
    }

    pub fn settled(&self) -> u64 {
        self.shared.settled.position()
    }

    pub fn durable(&self) -> u64 {
        self.shared.durable.position()
    }

    pub fn mode(&self) -> Mode {
        self.shared.mode()
    }

    /// Changes when what was appended is synced. To `Always`: returns when everything so far is. In
    /// an impaired journal the mode is in force when a snapshot has healed it.
    ///
    /// # Errors
    /// The journal has failed for good. If it fails at this sync, it is as if `Always` had been in
    /// force.
    pub fn set_mode(&self, mode: Mode) -> Result<(), Failure> {
        let shared = &self.shared;
        if shared.state() == State::Failed
            && let Some(failure) = shared.failure.lock().clone()
        {
            return Err(failure);
        }
        {
            // Whoever writes inline looks at the mode with the committer in hand, so nothing is
            // settled by the old mode's rule once the new one is in force.
            let committer = shared.committer.lock();
            shared.mode.store(mode as u8, Ordering::Release);
            if mode != Mode::Always && !committer.is_in_doubt() {
                shared.settled.advance(committer.written());
            }
        }
        shared.write_inline();
        if let Some(writer) = &self.writer {
            writer.unpark();
        }
        let is_in_doubt = matches!(shared.state(), State::Impaired | State::Healing);
        if mode == Mode::Always && !is_in_doubt { self.sync() } else { Ok(()) }
    }

    /// Writes and syncs all that was appended; blocks.
    ///
    /// # Errors
    /// It fails, or the journal has failed before.
    pub fn sync(&self) -> Result<(), Failure> {
        self.shared.commit();
        let failure = self.shared.failure.lock();
        failure.clone().map_or(Ok(()), Err)
    }

    /// Keeps nothing any more, and promises nothing: what was appended so far is synced; in an
    /// impaired journal it is given up. The next snapshot switches it on again ([`Journal::cut`]).
    /// While one is being written, it is to be switched off again at its end. Blocks.
    ///
    /// # Errors
    /// The journal has failed for good.
    pub fn switch_off(&self) -> Result<(), Failure> {
        match self.sync() {
            Ok(()) => self.shared.switch_off(),
            // Impaired, before or by this sync: what is in doubt does not matter any more.
            Err(_) if self.shared.give_up_doubt() => {}
            Err(failure) => return Err(failure),
        }
        Ok(())
    }

    /// From now on it is looked whether the directory's lock file is still this one. Where it is not,
    /// another server may have the directory: it is taken for lost, until this is called again by
    /// who has taken it anew.
    pub fn watch_lock(&self, lock: FileId) {
        *self.shared.lock.lock() = Some(lock);
        if self.shared.is_unlocked.load(Ordering::Acquire) {
            self.shared.pool.forget_lost();
            self.shared.is_unlocked.store(false, Ordering::Release);
        }
    }

    pub fn state(&self) -> State {
        self.shared.state()
    }

    /// Waits until frames up to `position` have been written, as they are by others.
    pub fn reached(&self, position: u64) -> Settle<'_> {
        self.shared.wait(Awaited::Settled, position, 0)
    }

    /// Whether a batch has to wait before it starts ([`Journal::admit`]).
    pub fn is_behind(&self) -> bool {
        let backlog_bytes_max = self.shared.backlog_bytes_max.load(Ordering::Relaxed);
        self.next() > self.settled().saturating_add(backlog_bytes_max)
    }

    /// Room is wanted that the disk does not have.
    pub fn is_short_of_room(&self) -> bool {
        self.shared.pool.is_short()
    }

    /// The length of the segments that are made.
    pub fn segment_bytes(&self) -> u64 {
        self.shared.pool.segment_bytes()
    }

    /// Sets the length of the segments that are made from now on.
    pub fn set_segment_bytes(&self, bytes: u64) {
        self.shared.pool.set_segment_bytes(bytes);
    }

    /// Sets what is kept back for acknowledgements and deletes.
    pub fn set_reserve_bytes(&self, bytes: u64) {
        self.shared.pool.set_reserve_bytes(bytes);
    }

    /// Sets how long the frame of one step may be; no more than [`PAYLOAD_BYTES_MAX`], which it is from the
    /// start. For tests, which have no 4 GiB.
    pub fn set_step_bytes_max(&self, bytes: u64) {
        self.shared.step_bytes_max.store(bytes.min(PAYLOAD_BYTES_MAX), Ordering::Relaxed);
    }

    pub fn set_backlog_bytes_max(&self, bytes: u64) {
        self.shared.backlog_bytes_max.store(bytes, Ordering::Relaxed);
    }

    pub fn status(&self) -> Status {
        let shared = &self.shared;
        Status {
            mode: shared.mode(),
            state: shared.state(),
            start: shared.start,
            next: self.next(),
            settled: self.settled(),
            durable: self.durable(),
            snapshot: shared.snapshot.load(Ordering::Relaxed),
            segments: shared.segments.load(Ordering::Relaxed),
            has_all_room: !shared.pool.wants_tending(),
            room_trouble: shared.pool.trouble(),
            failure: shared.failure.lock().clone(),
        }
    }

    /// Notes the position of a snapshot, and its time: `now_ms`, or that of a step below it. Called with the
    /// locks of all shards held; no system call is made.
    ///
    /// In a journal that is impaired or switched off it is also where frames are kept again: the
    /// snapshot will stand for all below.
    pub fn cut(&self, now_ms: i64) -> Cut {
        let queue = self.shared.queue.lock();
        self.shared.exchange_state(State::Impaired, State::Healing);
        self.shared.exchange_state(State::Off, State::Resuming);
        Cut { position: queue.next, time_ms: queue.time_ms.max(now_ms) }
    }

    /// Begins to write a snapshot of the state at `cut`; outside of the locks.
    ///
    /// # Errors
    /// The file cannot be made; or, in an impaired journal, no new segment.
    pub fn begin_snapshot(&self, cut: Cut) -> Result<SnapshotWriter, Failure> {
        if self.shared.state().is_reopening() {
            let reopened = self.shared.with_committer(|it| it.reopen(cut.position, self.durable()));
            if let Err(failure) = reopened {
                self.shared.close_again();
                return Err(failure);
            }
        }
        let disk = Arc::clone(&self.shared.disk);
        let begun = SnapshotWriter::begin(disk, cut.position, self.shared.start, cut.time_ms);
        if begun.is_err() {
            self.shared.close_again();
        }
        begun.map(|writer| writer.with_room_of(Arc::clone(&self.shared.pool)))
    }

    /// Makes a snapshot lasting, and removes the segments and snapshots that it stands for; its
    /// length in bytes. Blocks.
    ///
    /// # Errors
    /// It cannot be made lasting: the journal stands as before. Or what is obsolete cannot be
    /// removed: the snapshot is whole, and the next start removes it.
    pub fn finish_snapshot(&self, writer: SnapshotWriter) -> Result<u64, Failure> {
        let position = writer.position();
        let finished = self.finish(writer, position);
        if finished.is_err() {
            self.shared.close_again();
        }
        let bytes = finished?;
        self.shared.snapshot.store(position, Ordering::Relaxed);
        self.remove_before(position)?;
        Ok(bytes)
    }

    /// Gives a snapshot up that was begun.
    pub fn abandon_snapshot(&self, writer: SnapshotWriter) {
        drop(writer);
        self.shared.close_again();
    }

    fn finish(&self, writer: SnapshotWriter, position: u64) -> Result<u64, Failure> {
        if self.shared.state().is_reopening() {
            // Nothing below the cut can be synced any more; the snapshot itself stands for it.
            let bytes = writer.finish(position)?;
            self.shared.with_committer(Committer::set_healed);
            self.shared.durable.advance(position);
            self.shared.settled.advance(position);
            // It may have failed again since; then the next snapshot heals that.
            let queue = self.shared.queue.lock();
            if self.shared.exchange_state(State::Healing, State::Serving) {
                *self.shared.failure.lock() = None;
            }
            drop(queue);
            self.shared.exchange_state(State::Resuming, State::Serving);
            self.shared.commit();
            return Ok(bytes);
        }
        if self.durable() < position {
            self.sync()?;
        }
        writer.finish(self.durable())
    }

    /// Removes what a snapshot at `position` stands for, oldest first, so that what is left is
    /// always the journal's end.
    fn remove_before(&self, position: u64) -> Result<(), Failure> {
        let disk = &*self.shared.disk;
        let oldest = self.shared.with_committer(|committer| {
            committer.forget_before(position);
            self.shared.segments.store(committer.firsts().len(), Ordering::Relaxed);
            committer.firsts().first().copied().unwrap_or(position)
        });
        // By what is there: some may be left from an earlier time, when they could not be removed.
        let names = disk.list().map_err(failing("read", "the directory"))?;
        let before = |kind: FileKind, end: u64| {
            let positions = names.iter().filter_map(move |name| kind.position(name));
            let mut obsolete: Vec<u64> = positions.filter(|at| *at < end).collect();
            obsolete.sort_unstable();
            obsolete.into_iter().map(move |at| kind.name(at))
        };
        let snapshots = before(FileKind::Snapshot, position);
        for name in snapshots.chain(before(FileKind::Segment, oldest)) {
            disk.remove(&name).map_err(failing("remove", &name))?;
        }
        disk.sync().map_err(failing("sync", "the directory"))
    }

    /// One step of what the threads do: a group, a sync, or a piece of work for the pool. For tests.
    pub fn step(&self) {
        match self.shared.mode() {
            Mode::Always => self.shared.commit(),
            Mode::EverySecond | Mode::Never => {
                self.shared.write_inline();
                self.shared.sync_aside();
            }
        }
        self.shared.tend_pool();
    }

    /// Ends the start in order: all that was appended is synced, then the mark of the end. Nothing
    /// may be appended from now on.
    ///
    /// # Errors
    /// It fails, or the journal has failed before; there is no mark then.
    pub fn end(&self) -> Result<(), Failure> {
        self.stop();
        self.sync()?;
        let shared = &self.shared;
        let time_ms = shared.queue.lock().time_ms;
        // It states that everything before it is durable, which is true by now.
        shared.append(Kind::End, time_ms, &mut Vec::new());
        let ended = self.sync();
        shared.state.store(State::Ended as u8, Ordering::Release);
        shared.wake_all();
        ended
    }

    /// Ends its threads without writing anything more. Nothing may be appended from now on.
    pub fn stop(&self) {
        self.shared.stopping.store(true, Ordering::Release);
        for thread in self.threads.lock().drain(..) {
            thread.thread().unpark();
            thread.join().expect("the journal's threads do not panic");
        }
    }
}

impl Sink for Journal {
    fn append(&self, time_ms: i64, effects: &mut Vec<u8>) -> u64 {
        self.shared.append(Kind::Step, time_ms, effects)
    }

    fn flush(&self) {
        Journal::flush(self);
    }

    fn reserve(&self, class: Class, bytes: u64) -> Result<Option<Reservation<'_>>, Refused> {
        Journal::reserve(self, class, bytes).map(Some)
    }

    fn may_remove(&self, bytes: u64) -> bool {
        // Held for no longer than this: it is appended under the locks that the caller has.
        self.reserve(Class::Drain, bytes).is_ok()
    }
}

impl Drop for Journal {
    /// Without [`Journal::end`] it is as if the process had died.
    fn drop(&mut self) {
        self.stop();
    }
}

/// The position of a snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cut {
    pub position: u64,
    pub time_ms: i64,
}

#[cfg(test)]
mod tests;
