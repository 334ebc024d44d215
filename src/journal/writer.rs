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

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering, fence};
use std::task::{Context, Poll};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use atomic_waker::AtomicWaker;
use parking_lot::Mutex;

use super::committer::{Committer, Group, failing};
use super::disk::Disk;
use super::effects::{Frame, Sink};
use super::frame::{HEAD_BYTES, Kind, PAYLOAD_BYTES_MAX, Stamp};
use super::pool::Pool;
use super::progress::Progress;
use super::recovery::Plan;
use super::segment::FileKind;
use super::snapshot::SnapshotWriter;

pub use super::committer::Failure;

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

/// The journal has failed, or was ended, while this waited: what was appended may be lost or may
/// come back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutcomeUnknown;

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

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
enum State {
    Serving = 0,
    /// Something is in doubt, and work is refused.
    Impaired = 1,
    /// A snapshot is being written that will stand for what is in doubt.
    Healing = 2,
    Failed = 3,
    Ended = 4,
}

impl State {
    const ALL: [State; 5] =
        [State::Serving, State::Impaired, State::Healing, State::Failed, State::Ended];
}

/// Frames that wait to be written.
struct Queue {
    group: Group,
    /// An emptied group, for its buffer.
    idle: Group,
    /// The position of the next frame.
    next: u64,
    /// The latest time of a frame, unix ms.
    time_ms: i64,
    start: u32,
}

struct Shared {
    /// The number of this start.
    start: u32,
    disk: Arc<dyn Disk>,
    pool: Arc<Pool>,
    queue: Mutex<Queue>,
    /// The queue's `next`, for a look without its lock.
    next: AtomicU64,
    /// Up to here the queue has been emptied.
    taken: AtomicU64,
    committer: Mutex<Committer>,
    settled: Progress,
    durable: Progress,
    mode: AtomicU8,
    state: AtomicU8,
    failure: Mutex<Option<Failure>>,
    /// How often the journal has failed.
    failures: AtomicU64,
    on_failure: OnFailure,
    /// What reservations hold of the room.
    held: AtomicU64,
    backlog_bytes_max: AtomicU64,
    /// The position of the last whole snapshot.
    snapshot: AtomicU64,
    segments: AtomicUsize,
    stopping: AtomicBool,
    started: Instant,
    /// When the last sync ended, ms behind `started`.
    synced_at_ms: AtomicU64,
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
    /// The number of this start.
    pub start: u32,
    pub next: u64,
    pub settled: u64,
    pub durable: u64,
    /// The position of the last whole snapshot; 0 without one.
    pub snapshot: u64,
    pub segments: usize,
    /// Why room cannot be had, if more is wanted.
    pub room_trouble: Option<String>,
    /// The failure that is in force.
    pub failure: Option<Failure>,
    /// Connections that wait.
    pub waiting: usize,
}

const SYNC_EVERY: Duration = Duration::from_secs(1);
/// How long until room is asked for again on a full disk.
const RETRY_ROOM: Duration = Duration::from_millis(250);

impl Journal {
    /// Begins a new start behind what `plan` found, and its threads.
    ///
    /// # Errors
    /// The segment to write to cannot be made, or the last one cannot be synced.
    ///
    /// # Panics
    /// The plan's case stops the start; or a thread cannot be started.
    pub fn open(disk: Arc<dyn Disk>, plan: &Plan, options: Options) -> Result<Journal, Failure> {
        let mut journal = Journal::open_stepped(disk, plan, options)?;
        let spawn = |name: &str, run: fn(&Shared)| {
            let shared = Arc::clone(&journal.shared);
            let named = thread::Builder::new().name(name.into());
            named.spawn(move || run(&shared)).expect("the server's threads can be started")
        };
        let writer = spawn("journal-write", Shared::run_writer);
        let keeper = spawn("journal-room", Shared::run_keeper);
        journal.writer = Some(writer.thread().clone());
        journal.keeper = Some(keeper.thread().clone());
        journal.threads = Mutex::new(vec![writer, keeper]);
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
            failures: AtomicU64::new(0),
            on_failure: options.on_failure,
            held: AtomicU64::new(0),
            backlog_bytes_max: AtomicU64::new(options.backlog_bytes_max),
            snapshot: AtomicU64::new(plan.from()),
            stopping: AtomicBool::new(false),
            started: Instant::now(),
            synced_at_ms: AtomicU64::new(0),
        };
        let shared = Arc::new(shared);
        Ok(Journal { shared, threads: Mutex::default(), writer: None, keeper: None })
    }

    /// Takes a frame; the position behind it. Called under the locks of the shards it changed, so in
    /// the order of changes; no system call is made. Nobody hears of it before [`Journal::flush`].
    ///
    /// # Panics
    /// The payload is longer than [`PAYLOAD_BYTES_MAX`], which [`Journal::reserve`] refuses.
    pub fn append(&self, frame: Frame) -> u64 {
        self.shared.append(Kind::Step, frame.time_ms, frame.effects)
    }

    /// Sees to it that what was appended gets written; called when a batch is done, outside of
    /// locks. Without `Always` it is written now, by this thread or by one that is at it.
    pub fn flush(&self) {
        if self.shared.mode() == Mode::Always {
            fence(Ordering::SeqCst);
            if self.shared.taken.load(Ordering::Acquire) < self.shared.next.load(Ordering::Acquire)
                && let Some(writer) = &self.writer
            {
                writer.unpark();
            }
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

    /// Ends a batch: waits until all below `position` is settled, and a reply may tell of it.
    pub fn settle(&self, position: u64) -> Settle<'_> {
        if self.shared.settled.position() < position {
            self.flush();
        }
        self.shared.wait(Awaited::Settled, position)
    }

    /// Waits until all below `position` is on the disk, whatever the mode (WAITAOF).
    pub fn wait_durable(&self, position: u64) -> Settle<'_> {
        self.shared.wait(Awaited::Durable, position)
    }

    /// Waits until a batch may start: until the backlog is below its limit.
    pub fn admit(&self) -> Settle<'_> {
        let backlog_bytes_max = self.shared.backlog_bytes_max.load(Ordering::Relaxed);
        let position = self.next().saturating_sub(backlog_bytes_max);
        self.settle(position)
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

    /// Changes when what was appended is synced. To `Always`: returns when everything so far is.
    ///
    /// # Errors
    /// The journal has failed. If it fails at this sync, it is as if `Always` had been in force.
    pub fn set_mode(&self, mode: Mode) -> Result<(), Failure> {
        let shared = &self.shared;
        if let Some(failure) = shared.failure.lock().clone() {
            return Err(failure);
        }
        {
            // Whoever writes inline looks at the mode with the committer in hand, so nothing is
            // settled by the old mode's rule once the new one is in force.
            let committer = shared.committer.lock();
            shared.mode.store(mode as u8, Ordering::Release);
            if mode != Mode::Always {
                shared.settled.advance(committer.written());
            }
        }
        shared.write_inline();
        if let Some(writer) = &self.writer {
            writer.unpark();
        }
        if mode == Mode::Always { self.sync() } else { Ok(()) }
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

    /// Sets the length of the segments that are made from now on.
    pub fn set_segment_bytes(&self, bytes: u64) {
        self.shared.pool.set_segment_bytes(bytes);
    }

    /// Sets what is kept back for acknowledgements and deletes.
    pub fn set_reserve_bytes(&self, bytes: u64) {
        self.shared.pool.set_reserve_bytes(bytes);
    }

    pub fn set_backlog_bytes_max(&self, bytes: u64) {
        self.shared.backlog_bytes_max.store(bytes, Ordering::Relaxed);
    }

    pub fn status(&self) -> Status {
        let shared = &self.shared;
        Status {
            mode: shared.mode(),
            start: shared.start,
            next: self.next(),
            settled: self.settled(),
            durable: self.durable(),
            snapshot: shared.snapshot.load(Ordering::Relaxed),
            segments: shared.segments.load(Ordering::Relaxed),
            room_trouble: shared.pool.trouble(),
            failure: shared.failure.lock().clone(),
            waiting: shared.settled.waiting() + shared.durable.waiting(),
        }
    }

    /// Notes the position of a snapshot, and the latest time of a step below it. Called with the
    /// locks of all shards held; no system call is made.
    ///
    /// In an impaired journal it is also where frames are kept again: the snapshot will stand for
    /// what is in doubt below.
    pub fn cut(&self) -> Cut {
        let queue = self.shared.queue.lock();
        self.shared.exchange_state(State::Impaired, State::Healing);
        Cut { position: queue.next, time_ms: queue.time_ms }
    }

    /// Begins to write a snapshot of the state at `cut`; outside of the locks.
    ///
    /// # Errors
    /// The file cannot be made; or, in an impaired journal, no new segment.
    pub fn begin_snapshot(&self, cut: Cut) -> Result<SnapshotWriter, Failure> {
        if self.shared.state() == State::Healing {
            let reopened = self.shared.committer.lock().reopen(cut.position, self.durable());
            if let Err(failure) = reopened {
                self.shared.impair_again();
                return Err(failure);
            }
        }
        let disk = Arc::clone(&self.shared.disk);
        let begun = SnapshotWriter::begin(disk, cut.position, self.shared.start, cut.time_ms);
        if begun.is_err() {
            self.shared.impair_again();
        }
        begun
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
            self.shared.impair_again();
        }
        let bytes = finished?;
        self.shared.snapshot.store(position, Ordering::Relaxed);
        self.remove_before(position)?;
        Ok(bytes)
    }

    /// Gives a snapshot up that was begun.
    pub fn abandon_snapshot(&self, writer: SnapshotWriter) {
        drop(writer);
        self.shared.impair_again();
    }

    fn finish(&self, writer: SnapshotWriter, position: u64) -> Result<u64, Failure> {
        if self.shared.state() == State::Healing {
            // Nothing below the cut can be synced any more; the snapshot itself stands for it.
            let bytes = writer.finish(position)?;
            self.shared.committer.lock().set_healed();
            *self.shared.failure.lock() = None;
            self.shared.durable.advance(position);
            self.shared.settled.advance(position);
            self.shared.exchange_state(State::Healing, State::Serving);
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
        let names = disk.list().map_err(failing("read", "the directory"))?;
        let snapshots = names
            .into_iter()
            .filter(|name| FileKind::Snapshot.position(name).is_some_and(|of| of < position));
        let segments = {
            let mut committer = self.shared.committer.lock();
            let forgotten = committer.forget_before(position);
            self.shared.segments.store(committer.firsts().len(), Ordering::Relaxed);
            forgotten
        };
        let segments = segments.into_iter().map(|first| FileKind::Segment.name(first));
        for name in snapshots.chain(segments) {
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
        self.stop_threads();
        self.sync()?;
        let shared = &self.shared;
        let time_ms = shared.queue.lock().time_ms;
        // It states that everything before it is durable, which is true by now.
        shared.append(Kind::End, time_ms, Vec::new());
        let ended = self.sync();
        shared.state.store(State::Ended as u8, Ordering::Release);
        shared.wake_all();
        ended
    }

    fn stop_threads(&self) {
        self.shared.stopping.store(true, Ordering::Release);
        for thread in self.threads.lock().drain(..) {
            thread.thread().unpark();
            thread.join().expect("the journal's threads do not panic");
        }
    }
}

impl Sink for Journal {
    fn append(&self, frame: Frame) {
        Journal::append(self, frame);
    }
}

impl Drop for Journal {
    /// Without [`Journal::end`] it is as if the process had died.
    fn drop(&mut self) {
        self.stop_threads();
    }
}

/// The position of a snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cut {
    pub position: u64,
    pub time_ms: i64,
}

/// Room that is held; given back when this is dropped.
#[must_use = "the room is free again when the reservation is dropped"]
pub struct Reservation<'j> {
    held: &'j AtomicU64,
    bytes: u64,
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Awaited {
    Settled,
    Durable,
}

/// Waits for a position.
#[must_use = "nothing is waited for until it is awaited"]
pub struct Settle<'j> {
    shared: &'j Shared,
    awaited: Awaited,
    target: u64,
    /// How often the journal had failed when the waiting began.
    failures: u64,
    waker: Option<Arc<AtomicWaker>>,
}

impl Settle<'_> {
    fn outcome(&self) -> Option<Result<(), OutcomeUnknown>> {
        let progress = self.shared.progress(self.awaited);
        if progress.position() >= self.target {
            return Some(Ok(()));
        }
        match self.shared.state() {
            State::Serving => None,
            State::Failed | State::Ended => Some(Err(OutcomeUnknown)),
            // Who had appended when it failed must not be told that all is well.
            State::Impaired | State::Healing
                if self.failures != self.shared.failures.load(Ordering::Acquire) =>
            {
                Some(Err(OutcomeUnknown))
            }
            // What reads rest on stays in doubt until a snapshot is whole, and reads go on.
            State::Impaired | State::Healing => {
                (self.awaited == Awaited::Settled).then_some(Ok(()))
            }
        }
    }
}

impl Future for Settle<'_> {
    type Output = Result<(), OutcomeUnknown>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(outcome) = self.outcome() {
            return Poll::Ready(outcome);
        }
        let is_listed = self.waker.is_some();
        let waker = Arc::clone(self.waker.get_or_insert_default());
        waker.register(cx.waker());
        if !is_listed {
            self.shared.progress(self.awaited).enlist(self.target, &waker);
        }
        // It may have come to pass before it was listed.
        self.outcome().map_or(Poll::Pending, Poll::Ready)
    }
}

impl Shared {
    fn mode(&self) -> Mode {
        match self.mode.load(Ordering::Acquire) {
            0 => Mode::Always,
            1 => Mode::EverySecond,
            _ => Mode::Never,
        }
    }

    fn state(&self) -> State {
        State::ALL[usize::from(self.state.load(Ordering::Acquire))]
    }

    fn exchange_state(&self, from: State, to: State) -> bool {
        let (from, to) = (from as u8, to as u8);
        self.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    fn progress(&self, awaited: Awaited) -> &Progress {
        match awaited {
            Awaited::Settled => &self.settled,
            Awaited::Durable => &self.durable,
        }
    }

    fn wait(&self, awaited: Awaited, target: u64) -> Settle<'_> {
        let failures = self.failures.load(Ordering::Acquire);
        Settle { shared: self, awaited, target, failures, waker: None }
    }

    fn wake_all(&self) {
        self.settled.wake_all();
        self.durable.wake_all();
    }

    fn append(&self, kind: Kind, time_ms: i64, payload: Vec<u8>) -> u64 {
        assert!(payload.len() as u64 <= PAYLOAD_BYTES_MAX, "a frame longer than was reserved");
        let mut queue = self.queue.lock();
        let position = queue.next;
        let length = (HEAD_BYTES + payload.len()) as u64;
        queue.next += length;
        queue.time_ms = queue.time_ms.max(time_ms);
        // In an impaired journal it goes nowhere: a snapshot will stand for it.
        if matches!(self.state(), State::Serving | State::Healing) {
            let stamp = Stamp { kind, start: queue.start, position, durable: 0, time_ms };
            queue.group.push(&stamp, payload);
        }
        self.next.store(queue.next, Ordering::Release);
        queue.next
    }

    fn reserve(&self, class: Class, bytes: u64) -> Result<Reservation<'_>, Refused> {
        match self.state() {
            State::Serving => {}
            State::Ended => return Err(Refused::Ended),
            State::Impaired | State::Healing | State::Failed => {
                let failure = self.failure.lock().clone();
                // Between the state and its reason there is a moment.
                return Err(failure.map_or(Refused::Ended, Refused::Failed));
            }
        }
        let bytes = bytes + HEAD_BYTES as u64;
        if bytes > PAYLOAD_BYTES_MAX {
            return Err(Refused::TooLong);
        }
        let cost = self.pool.cost(bytes);
        let held = self.held.fetch_add(cost, Ordering::AcqRel) + cost;
        let reservation = Reservation { held: &self.held, bytes: cost };
        let full = || Refused::Full(self.pool.trouble().unwrap_or_else(|| "no room".into()));
        if bytes > self.pool.frame_bytes_max() {
            self.pool.prepare_large(bytes).map_err(|error| Refused::Full(error.to_string()))?;
        }
        // While more room can be had, the reserve is lent: the pool is being filled again.
        if self.pool.is_short() {
            let reserve = if class == Class::Ordinary { self.pool.reserve_bytes() } else { 0 };
            let next = self.next.load(Ordering::Acquire);
            if next.saturating_add(held).saturating_add(reserve) > self.pool.limit() {
                return Err(full());
            }
        }
        Ok(reservation)
    }

    /// Takes what has gathered; the position behind it. The caller has the committer.
    fn take(&self) -> (Group, u64) {
        let mut queue = self.queue.lock();
        let idle = std::mem::take(&mut queue.idle);
        let group = std::mem::replace(&mut queue.group, idle);
        self.taken.store(queue.next, Ordering::Release);
        (group, queue.next)
    }

    fn give_back(&self, mut group: Group) {
        group.clear();
        self.queue.lock().idle = group;
    }

    /// Writes what has gathered, with the committer in hand. What a change of segments made durable
    /// is told at once.
    fn write_gathered(&self, committer: &mut Committer) -> Result<(), Failure> {
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
    fn commit(&self) {
        let done = {
            let mut committer = self.committer.lock();
            if committer.is_broken() || committer.is_healing() {
                return;
            }
            let written = self.write_gathered(&mut committer);
            let end = committer.written();
            let synced = match written {
                Ok(()) if self.durable.position() < end => committer.sync(),
                other => other,
            };
            synced.map(|()| end)
        };
        match done {
            Ok(end) => self.note_synced(end),
            Err(failure) => self.fail(failure),
        }
    }

    fn note_synced(&self, end: u64) {
        self.synced_at_ms.store(self.now_ms(), Ordering::Relaxed);
        self.durable.advance(end);
        self.settled.advance(end);
    }

    /// Writes what has gathered without syncing, unless another thread is at it: that one looks
    /// again when it is done.
    fn write_inline(&self) {
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
                return self.commit();
            }
            let written = self.write_gathered(&mut committer).map(|()| committer.written());
            drop(committer);
            match written {
                Ok(end) => self.settled.advance(end),
                Err(failure) => return self.fail(failure),
            }
        }
    }

    /// Syncs what was written, and lets others write meanwhile.
    fn sync_aside(&self) {
        let (file, name, end) = {
            let committer = self.committer.lock();
            if committer.is_broken() || committer.is_healing() {
                return;
            }
            committer.to_sync()
        };
        // Somebody may have found the committer taken just now.
        self.write_inline();
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

    fn fail(&self, failure: Failure) {
        let is_final = self.mode() == Mode::Always;
        {
            // With the queue locked, no frame is added to a group that will not be written.
            let mut queue = self.queue.lock();
            if !matches!(self.state(), State::Serving | State::Healing) {
                return;
            }
            *self.failure.lock() = Some(failure.clone());
            let state = if is_final { State::Failed } else { State::Impaired };
            self.state.store(state as u8, Ordering::Release);
            queue.group = Group::default();
            self.taken.store(queue.next, Ordering::Release);
            self.failures.fetch_add(1, Ordering::AcqRel);
        }
        self.wake_all();
        (self.on_failure)(&failure, is_final);
    }

    /// The snapshot that was to heal the journal did not come to be.
    fn impair_again(&self) {
        let mut queue = self.queue.lock();
        if self.exchange_state(State::Healing, State::Impaired) {
            queue.group = Group::default();
            self.taken.store(queue.next, Ordering::Release);
            drop(queue);
            self.committer.lock().set_broken();
        }
    }

    fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    /// Under `Never` the kernel writes when it likes; a segment's end has to be synced all the same,
    /// so what is left for then is kept short.
    fn wants_sync(&self) -> bool {
        let unsynced = self.settled.position().saturating_sub(self.durable.position());
        self.state() == State::Serving && unsynced > self.pool.segment_bytes() / 4
    }

    fn run_writer(&self) {
        while !self.stopping.load(Ordering::Acquire) {
            match self.mode() {
                Mode::Always => {
                    let has_work =
                        self.taken.load(Ordering::Acquire) < self.next.load(Ordering::Acquire);
                    if has_work && self.state() == State::Serving {
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

    fn run_keeper(&self) {
        while !self.stopping.load(Ordering::Acquire) {
            match self.pool.tend() {
                Ok(true) => {}
                Ok(false) => thread::park(),
                Err(_) => thread::park_timeout(RETRY_ROOM),
            }
        }
    }

    /// Fills the pool, as far as it can be.
    fn tend_pool(&self) {
        while matches!(self.pool.tend(), Ok(true)) {}
    }
}

#[cfg(test)]
mod tests;
