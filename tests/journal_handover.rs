//! Who finds the journal's writer busy leaves its work to the one who is at it: that one has to look
//! again, whatever it was busy with, or a reply would wait for ever.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use forebay::journal::disk::{DirLock, Disk, DiskFile, FileId, LockRefused};
use forebay::journal::sim::SimDisk;
use forebay::journal::{Frame, Journal, Mode, Options, Plan};
use parking_lot::{Condvar, Mutex};

/// A disk whose syncs wait while its gate is closed, and tell that they do.
#[derive(Clone, Default)]
struct SlowDisk {
    disk: SimDisk,
    gate: Arc<Gate>,
    mode: Option<Mode>,
}

/// Stops only threads that have the committer in hand while they sync: others would be waited for
/// by the test itself.
#[derive(Default)]
struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default)]
struct GateState {
    is_closed: bool,
    /// How many wait before it.
    waiting: u32,
    /// The holder has ended without having been stopped.
    is_over: bool,
}

/// The name of the thread that is to be stopped.
const HOLDER: &str = "holder";

impl Gate {
    fn set_closed(&self, closed: bool) {
        let mut state = self.state.lock();
        state.is_closed = closed;
        state.is_over = false;
        self.changed.notify_all();
    }

    /// The writer's own thread has it in hand as well, where it commits.
    fn stops(&self, mode: Option<Mode>) -> bool {
        match thread::current().name() {
            Some(HOLDER) => true,
            Some("journal-write") => mode == Some(Mode::Always),
            _ => false,
        }
    }

    fn pass(&self, mode: Option<Mode>) {
        if !self.stops(mode) {
            return;
        }
        let mut state = self.state.lock();
        state.waiting += 1;
        self.changed.notify_all();
        while state.is_closed {
            self.changed.wait(&mut state);
        }
        state.waiting -= 1;
    }

    fn end(&self) {
        self.state.lock().is_over = true;
        self.changed.notify_all();
    }

    fn wait_for_somebody(&self) {
        let mut state = self.state.lock();
        while state.waiting == 0 && !state.is_over {
            self.changed.wait(&mut state);
        }
    }
}

struct SlowFile(Arc<dyn DiskFile>, SlowDisk);

impl SlowDisk {
    fn slow(&self, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(SlowFile(file, self.clone()))
    }
}

impl Disk for SlowDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.slow(self.disk.create(name, bytes)?))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.slow(self.disk.open(name)?))
    }

    fn open_write(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.slow(self.disk.open_write(name)?))
    }

    fn id(&self, name: &str) -> io::Result<FileId> {
        self.disk.id(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.sync()
    }

    fn lock(&self, name: &str, pid: u32) -> Result<DirLock, LockRefused> {
        self.disk.lock(name, pid)
    }
}

impl DiskFile for SlowFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.0.write_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.1.gate.pass(self.1.mode);
        self.0.sync()
    }

    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }

    fn id(&self) -> io::Result<FileId> {
        self.0.id()
    }
}

fn open(disk: &SlowDisk, mode: Mode) -> Journal {
    let plan = Plan::survey(disk).expect("the disk can be read");
    let options = Options {
        mode,
        segment_bytes: 4096,
        reserve_bytes: 0,
        backlog_bytes_max: 1 << 20,
        on_failure: Box::new(|failure, _| panic!("{failure}")),
    };
    let journal = Journal::open(Arc::new(disk.clone()), &plan, options).expect("the disk is well");
    journal.let_idle_threads_commit(Arc::default());
    journal
}

/// Appends a frame, as a connection does whose thread then has nothing else to do.
fn append(journal: &Journal, bytes: usize) -> u64 {
    let end = journal.append(Frame { time_ms: 1, effects: vec![b'x'; bytes] });
    journal.flush();
    journal.commit_when_idle();
    end
}

fn wait_settled(journal: &Journal, position: u64) {
    for _ in 0..2000 {
        let mut settle = Box::pin(journal.settle(position, position));
        if settle.as_mut().poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(Ok(())) {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("{position} waits for ever, {} is settled", journal.settled());
}

/// Does something on a thread that the gate stops.
fn hold<'s>(scope: &'s thread::Scope<'s, '_>, disk: &'s SlowDisk, work: impl FnOnce() + Send + 's) {
    let holder = thread::Builder::new().name(HOLDER.into());
    let spawned = holder.spawn_scoped(scope, move || {
        work();
        disk.gate.end();
    });
    spawned.expect("threads can be started");
}

#[test]
fn what_comes_during_a_sync_of_somebody_else_is_committed_by_it() {
    let disk = SlowDisk { mode: Some(Mode::Always), ..SlowDisk::default() };
    let journal = open(&disk, Mode::Always);
    wait_settled(&journal, append(&journal, 10));
    for _ in 0..20 {
        disk.gate.set_closed(true);
        journal.append(Frame { time_ms: 1, effects: vec![b'y'; 10] });
        thread::scope(|scope| {
            // As the end of a snapshot does, or a change of the mode.
            hold(scope, &disk, || journal.sync().expect("the disk is well"));
            disk.gate.wait_for_somebody();
            let end = append(&journal, 10);
            disk.gate.set_closed(false);
            wait_settled(&journal, end);
        });
    }
}

#[test]
fn what_comes_during_a_change_of_segments_is_written_by_who_changes_them() {
    for mode in [Mode::EverySecond, Mode::Never] {
        let disk = SlowDisk { mode: Some(mode), ..SlowDisk::default() };
        let journal = open(&disk, mode);
        wait_settled(&journal, append(&journal, 10));
        for _ in 0..20 {
            disk.gate.set_closed(true);
            thread::scope(|scope| {
                // Two of them do not fit into one segment: it is synced when it is left.
                hold(scope, &disk, || {
                    append(&journal, 2500);
                    append(&journal, 2500);
                });
                disk.gate.wait_for_somebody();
                let end = append(&journal, 10);
                disk.gate.set_closed(false);
                wait_settled(&journal, end);
            });
        }
    }
}
