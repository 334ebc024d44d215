//! Empty segments kept ready, and with them the room for what will be accepted.
//!
//! Room on the disk is taken before anything is promised: a spare is a file whose blocks are
//! allocated. As long as a step's bytes fit into the current segment and the spares, writing it
//! cannot fail for want of room. Two classes of work draw on them: ordinary work stops at the
//! reserve, acknowledgements and deletes may use it up, so that what was accepted can be drained on
//! a full disk.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

use super::disk::{Disk, DiskFile, write_zeros};
use super::segment::{BLOCK_BYTES, PARTIAL};

const SPARE: &str = "spare-";
/// The length of the segment that a start begins with. Making it takes a few milliseconds.
const FIRST_BYTES: u64 = 1 << 20;

/// A file that is to become a segment.
pub struct Spare {
    pub name: String,
    pub file: Arc<dyn DiskFile>,
    pub bytes: u64,
    /// Its blocks have been written once, so that syncs of it are cheap.
    written: bool,
}

struct Spares {
    /// In the order in which they will be used.
    ready: VecDeque<Spare>,
    made: u64,
    /// Why no more could be made, the last time it was tried.
    trouble: Option<String>,
}

/// The spares.
pub struct Pool {
    disk: Arc<dyn Disk>,
    spares: Mutex<Spares>,
    segment_bytes: AtomicU64,
    reserve_bytes: AtomicU64,
    /// What the ready spares can take for certain.
    usable_bytes: AtomicU64,
    /// The position up to which the current segment can take frames for certain.
    current_end: AtomicU64,
    is_short: AtomicBool,
    wants_tending: AtomicBool,
}

impl Pool {
    /// Takes over the spares that an earlier start left: on a full disk they are all there is.
    ///
    /// # Errors
    /// The directory cannot be read, or an unusable spare cannot be removed.
    pub fn open(disk: Arc<dyn Disk>, segment_bytes: u64, reserve_bytes: u64) -> io::Result<Pool> {
        let mut spares = Spares { ready: VecDeque::new(), made: 0, trouble: None };
        for name in disk.list()? {
            let Some(number) = spare_number(&name) else { continue };
            spares.made = spares.made.max(number + 1);
            let file = disk.open_write(&name)?;
            let bytes = file.len()?;
            if bytes >= segment_bytes.max(2 * BLOCK_BYTES) {
                spares.ready.push_back(Spare { name, file, bytes, written: false });
            } else {
                drop(file);
                disk.remove(&name)?;
            }
        }
        let pool = Pool {
            disk,
            segment_bytes: AtomicU64::new(segment_bytes),
            reserve_bytes: AtomicU64::new(reserve_bytes),
            usable_bytes: AtomicU64::new(0),
            current_end: AtomicU64::new(0),
            is_short: AtomicBool::new(false),
            wants_tending: AtomicBool::new(true),
            spares: Mutex::new(spares),
        };
        pool.count(&pool.spares.lock());
        Ok(pool)
    }

    /// Sets the length of segments to be made.
    pub fn set_segment_bytes(&self, bytes: u64) {
        self.segment_bytes.store(bytes.max(4 * BLOCK_BYTES), Ordering::Relaxed);
    }

    /// Sets what is kept back for acknowledgements and deletes.
    pub fn set_reserve_bytes(&self, bytes: u64) {
        self.reserve_bytes.store(bytes, Ordering::Relaxed);
        self.count(&self.spares.lock());
    }

    pub fn segment_bytes(&self) -> u64 {
        self.segment_bytes.load(Ordering::Relaxed)
    }

    pub fn reserve_bytes(&self) -> u64 {
        self.reserve_bytes.load(Ordering::Relaxed)
    }

    /// At the end of a segment less than this is left unused by small frames; larger ones count
    /// double instead.
    fn waste_bytes(&self) -> u64 {
        (self.segment_bytes() / 16).min(64 << 10)
    }

    /// What a step of `bytes` may take of the room.
    pub fn cost(&self, bytes: u64) -> u64 {
        if bytes <= self.waste_bytes() { bytes } else { 2 * bytes }
    }

    /// The longest frame that a segment of ordinary length takes.
    pub fn frame_bytes_max(&self) -> u64 {
        self.segment_bytes().saturating_sub(BLOCK_BYTES)
    }

    /// A spare is missing, or the next one's blocks have not been written.
    pub fn wants_tending(&self) -> bool {
        self.wants_tending.load(Ordering::Acquire)
    }

    /// The position up to which everything fits for certain, the reserve included.
    pub fn limit(&self) -> u64 {
        let current_end = self.current_end.load(Ordering::Acquire);
        current_end.saturating_add(self.usable_bytes.load(Ordering::Acquire))
    }

    /// More room was wanted than there is, and could not be had.
    pub fn is_short(&self) -> bool {
        self.is_short.load(Ordering::Acquire)
    }

    /// Why there is too little room.
    pub fn trouble(&self) -> Option<String> {
        self.spares.lock().trouble.clone()
    }

    /// The current segment is now one that begins at `first` and has `bytes` in all.
    pub fn set_current(&self, first: u64, bytes: u64) {
        let room = bytes.saturating_sub(BLOCK_BYTES + self.waste_bytes());
        self.current_end.store(first + room, Ordering::Release);
    }

    /// A spare for a frame of `need` bytes; makes one if none is ready.
    ///
    /// # Errors
    /// There is none, and none can be made.
    pub fn take(&self, need: u64) -> io::Result<Spare> {
        let mut spares = self.spares.lock();
        let fitting = spares.ready.iter().position(|spare| spare.bytes >= BLOCK_BYTES + need);
        if let Some(spare) = fitting.and_then(|at| spares.ready.remove(at)) {
            self.count(&spares);
            return Ok(spare);
        }
        drop(spares);
        self.make(self.segment_bytes().max(BLOCK_BYTES + need))
    }

    /// The segment that a start begins with: a short one whose blocks are written at once, so that
    /// syncs are cheap from the first one on. While it fills, the next one's blocks are written. On a
    /// full disk it is a spare as it is.
    ///
    /// # Errors
    /// There is none, and none can be made.
    pub fn take_first(&self) -> io::Result<Spare> {
        let bytes = self.segment_bytes().min(FIRST_BYTES);
        let Ok(spare) = self.make(bytes) else { return self.take(0) };
        match write_zeros(&*spare.file, 0, bytes) {
            Ok(()) => Ok(Spare { written: true, ..spare }),
            Err(_) => {
                self.disk.remove(&spare.name)?;
                self.take(0)
            }
        }
    }

    /// Makes sure that a frame longer than a segment finds a spare of its length.
    ///
    /// # Errors
    /// None can be made.
    pub fn prepare_large(&self, need: u64) -> io::Result<()> {
        if BLOCK_BYTES + need <= self.segment_bytes() {
            return Ok(());
        }
        let spare = self.make(BLOCK_BYTES + need)?;
        let mut spares = self.spares.lock();
        spares.ready.push_back(spare);
        self.count(&spares);
        Ok(())
    }

    /// The spares' files are gone: they are of no use any more.
    pub fn forget(&self) {
        let mut spares = self.spares.lock();
        spares.ready.clear();
        self.count(&spares);
    }

    /// Gives a spare's room back to a full disk, for a snapshot: what it stands for frees more. Half
    /// of the reserve stays. Whether there was one to give.
    ///
    /// Only where room is short, so that nobody has been let in without a look at what is left.
    pub fn give_up_spare(&self) -> bool {
        let mut spares = self.spares.lock();
        if !self.is_short() {
            self.wants_tending.store(true, Ordering::Release);
            return false;
        }
        // The first one may be in use the next moment.
        let unusable = BLOCK_BYTES + self.waste_bytes();
        let last = spares.ready.iter().skip(1).next_back();
        let Some(room) = last.map(|spare| spare.bytes.saturating_sub(unusable)) else {
            return false;
        };
        let left = self.usable_bytes.load(Ordering::Acquire).saturating_sub(room);
        if left < self.reserve_bytes() / 2 {
            return false;
        }
        let Some(spare) = spares.ready.pop_back() else { return false };
        self.count(&spares);
        self.disk.remove(&spare.name).is_ok()
    }

    /// Does one piece of work towards a full pool: makes a spare, or writes the next one's blocks.
    /// Whether there is more to do.
    ///
    /// # Errors
    /// A spare cannot be made. The pool is short until a later call succeeds.
    pub fn tend(&self) -> io::Result<bool> {
        let done = if self.usable_bytes.load(Ordering::Acquire) < self.wanted_bytes() {
            self.make(self.segment_bytes()).map(|spare| {
                let mut spares = self.spares.lock();
                spares.ready.push_back(spare);
                self.count(&spares);
                true
            })
        } else {
            self.write_next()
        };
        let trouble = done.as_ref().err().map(ToString::to_string);
        self.is_short.store(trouble.is_some(), Ordering::Release);
        self.spares.lock().trouble = trouble;
        done
    }

    /// Writes the blocks of the spare that is next. It is taken out of the pool meanwhile: whoever
    /// needs one now must not get it. Its room still counts.
    fn write_next(&self) -> io::Result<bool> {
        let next = {
            let mut spares = self.spares.lock();
            let wants_writing = spares.ready.front().is_some_and(|spare| !spare.written);
            if wants_writing { spares.ready.pop_front() } else { None }
        };
        let Some(mut spare) = next else { return Ok(false) };
        let done = write_zeros(&*spare.file, 0, spare.bytes);
        spare.written = true;
        let mut spares = self.spares.lock();
        if done.is_ok() {
            spares.ready.push_front(spare);
        }
        self.count(&spares);
        drop(spares);
        done.map(|()| true)
    }

    fn make(&self, bytes: u64) -> io::Result<Spare> {
        let number = {
            let mut spares = self.spares.lock();
            spares.made += 1;
            spares.made - 1
        };
        let name = format!("{SPARE}{number}{PARTIAL}");
        let file = self.disk.create(&name, bytes)?;
        Ok(Spare { name, file, bytes, written: false })
    }

    fn count(&self, spares: &Spares) {
        let unusable = BLOCK_BYTES + self.waste_bytes();
        let usable = spares.ready.iter().map(|spare| spare.bytes.saturating_sub(unusable)).sum();
        self.usable_bytes.store(usable, Ordering::Release);
        let is_next_written = spares.ready.front().is_some_and(|spare| spare.written);
        let is_full = usable >= self.wanted_bytes();
        self.wants_tending.store(!is_next_written || !is_full, Ordering::Release);
    }

    fn wanted_bytes(&self) -> u64 {
        self.reserve_bytes() + self.segment_bytes()
    }
}

fn spare_number(name: &str) -> Option<u64> {
    name.strip_prefix(SPARE)?.strip_suffix(PARTIAL)?.parse().ok()
}

/// Whether a file is a spare, which the next start takes over.
pub fn is_spare(name: &str) -> bool {
    spare_number(name).is_some()
}
