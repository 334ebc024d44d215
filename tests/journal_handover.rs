//! Who finds the journal's writer busy leaves its work to the one who is at it: that one has to look
//! again, whatever it was busy with, or a reply would wait for ever.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use forebay::journal::disk::{DirLock, Disk, DiskFile, LockRefused};
use forebay::journal::sim::SimDisk;
use forebay::journal::{Frame, Journal, Mode, Options, Plan};
use parking_lot::{Condvar, Mutex};

/// A disk whose syncs wait while its gate is closed, and tell that they do.
#[derive(Clone, Default)]
struct SlowDisk {
    disk: SimDisk,
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Gate {
    /// Whether it is closed, and how many wait before it.
    state: Mutex<(bool, u32)>,
    changed: Condvar,
}

impl Gate {
    fn set_closed(&self, closed: bool) {
        self.state.lock().0 = closed;
        self.changed.notify_all();
    }

    fn pass(&self) {
        let mut state = self.state.lock();
        state.1 += 1;
        self.changed.notify_all();
        while state.0 {
            self.changed.wait(&mut state);
        }
        state.1 -= 1;
    }

    fn wait_for_somebody(&self) {
        let mut state = self.state.lock();
        while state.1 == 0 {
            self.changed.wait(&mut state);
        }
    }
}

struct SlowFile(Arc<dyn DiskFile>, Arc<Gate>);

impl SlowDisk {
    fn slow(&self, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(SlowFile(file, Arc::clone(&self.gate)))
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
        self.1.pass();
        self.0.sync()
    }

    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
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
    journal.let_idle_threads_commit();
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

#[test]
fn what_comes_during_a_sync_of_somebody_else_is_committed_by_it() {
    let disk = SlowDisk::default();
    let journal = open(&disk, Mode::Always);
    wait_settled(&journal, append(&journal, 10));
    for _ in 0..20 {
        disk.gate.set_closed(true);
        journal.append(Frame { time_ms: 1, effects: vec![b'y'; 10] });
        thread::scope(|scope| {
            // As the end of a snapshot does, or a change of the mode.
            scope.spawn(|| journal.sync().expect("the disk is well"));
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
        let disk = SlowDisk::default();
        let journal = open(&disk, mode);
        wait_settled(&journal, append(&journal, 10));
        for _ in 0..20 {
            disk.gate.set_closed(true);
            thread::scope(|scope| {
                // Two of them do not fit into one segment: it is synced when it is left.
                scope.spawn(|| {
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
