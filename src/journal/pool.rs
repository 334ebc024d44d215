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
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};

use parking_lot::Mutex;

use super::disk::{Disk, DiskFile, is_missing, write_zeros};
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

/// The longest frame of a step, where it does not fit into every spare.
struct Large {
    bytes: u64,
    /// The position by which it was written; none while room is held for it.
    end: Option<u64>,
}

struct Spares {
    /// The shortest first, so that long ones are left for long frames; those of one length in the order in
    /// which they will be used.
    ready: VecDeque<Spare>,
    /// Each has a spare of its own.
    large: Vec<Large>,
    made: u64,
    /// Why no more could be made, the last time it was tried.
    trouble: Option<String>,
}

impl Spares {
    fn add(&mut self, spare: Spare) {
        let at = self.ready.partition_point(|other| other.bytes <= spare.bytes);
        self.ready.insert(at, spare);
    }

    fn add_as_next(&mut self, spare: Spare) {
        let at = self.ready.partition_point(|other| other.bytes < spare.bytes);
        self.ready.insert(at, spare);
    }

    /// Whether each large frame finds a spare of its own, were the one at `without` not there.
    fn suffice_for_large(&self, without: Option<usize>) -> bool {
        let mut frames: Vec<u64> = self.large.iter().map(|large| large.bytes).collect();
        frames.sort_unstable();
        let others = self.ready.iter().enumerate().filter(|(at, _)| Some(*at) != without);
        let mut longest_first = others.map(|(_, spare)| spare.bytes).rev();
        let mut fits =
            |frame: u64| longest_first.next().is_some_and(|it| it >= BLOCK_BYTES + frame);
        frames.into_iter().rev().all(&mut fits)
    }

    /// Frames below `settled` have been written.
    fn forget_written(&mut self, settled: u64) {
        self.large.retain(|large| large.end.is_none_or(|end| end > settled));
    }

    /// The frame of a reservation of `bytes`, which is held.
    fn held_large(&mut self, bytes: u64) -> Option<usize> {
        self.large.iter().position(|large| large.bytes == bytes && large.end.is_none())
    }
}

/// The spares.
pub struct Pool {
    disk: Arc<dyn Disk>,
    spares: Mutex<Spares>,
    segment_bytes: AtomicU64,
    reserve_bytes: AtomicU64,
    /// The length of the shortest spare, or of one to be made.
    shortest_bytes: AtomicU64,
    /// The length of the current segment.
    current_bytes: AtomicU64,
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
        let mut spares =
            Spares { ready: VecDeque::new(), large: Vec::new(), made: 0, trouble: None };
        for name in disk.list()? {
            let Some(number) = spare_number(&name) else { continue };
            spares.made = spares.made.max(number + 1);
            let file = disk.open_write(&name)?;
            let bytes = file.len()?;
            if bytes >= segment_bytes.max(2 * BLOCK_BYTES) {
                spares.add(Spare { name, file, bytes, written: false });
            } else {
                drop(file);
                disk.remove(&name)?;
            }
        }
        let pool = Pool {
            disk,
            segment_bytes: AtomicU64::new(segment_bytes),
            reserve_bytes: AtomicU64::new(reserve_bytes),
            shortest_bytes: AtomicU64::new(segment_bytes),
            current_bytes: AtomicU64::new(0),
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
        self.count(&self.spares.lock());
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

    /// What a step of `bytes` may take of the room: a frame that does not fit into what is left of a
    /// segment leaves that unused, which is less than the frame and no more than the segment.
    pub fn cost(&self, bytes: u64) -> u64 {
        if bytes <= self.waste_bytes() {
            return bytes;
        }
        let longest = self.segment_bytes().max(self.current_bytes.load(Ordering::Relaxed));
        bytes + bytes.min(longest)
    }

    /// The longest frame that every spare takes.
    pub fn frame_bytes_max(&self) -> u64 {
        self.shortest_bytes.load(Ordering::Relaxed).saturating_sub(BLOCK_BYTES)
    }

    /// A spare is missing, or the next one's blocks have not been written.
    pub fn wants_tending(&self) -> bool {
        self.wants_tending.load(Ordering::Acquire)
    }

    /// The position up to which everything fits for certain, the reserve included.
    pub fn limit(&self) -> u64 {
        let current_end = self.current_end.load(Ordering::Acquire);
        current_end.saturating_add(self.usable_bytes.load(Ordering::SeqCst))
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
        self.current_bytes.store(bytes, Ordering::Relaxed);
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

    /// Makes spares until all below `end` fits.
    ///
    /// # Errors
    /// One cannot be made.
    pub fn reach(&self, end: u64) -> io::Result<()> {
        while self.limit() < end {
            self.add_one(self.segment_bytes())?;
        }
        Ok(())
    }

    /// Keeps a spare for a frame of `bytes` that does not fit into each of them: one that is there and
    /// for no other such frame, else a new one. It is kept until [`Pool::release_large`].
    ///
    /// # Errors
    /// None can be made.
    pub fn keep_large(&self, bytes: u64, settled: u64) -> io::Result<()> {
        {
            let mut spares = self.spares.lock();
            spares.forget_written(settled);
            spares.large.push(Large { bytes, end: None });
            if spares.suffice_for_large(None) {
                return Ok(());
            }
        }
        self.add_one(BLOCK_BYTES + bytes).inspect_err(|_| self.release_large(bytes, 0))
    }

    /// The frame that a spare was kept for by [`Pool::keep_large`] is written when all below `end` is; or
    /// it has not come.
    pub fn release_large(&self, bytes: u64, end: u64) {
        let mut spares = self.spares.lock();
        if let Some(at) = spares.held_large(bytes) {
            spares.large[at].end = Some(end);
        }
    }

    /// Files have been taken away or replaced: spares that are not found under their names are of no use
    /// any more.
    pub fn forget_lost(&self) {
        let is_lost = |spare: &Spare| match (self.disk.id(&spare.name), spare.file.id()) {
            (Ok(found), Ok(open)) => found != open,
            (Err(error), _) => is_missing(&error),
            (Ok(_), Err(_)) => false,
        };
        let mut spares = self.spares.lock();
        spares.ready.retain(|spare| !is_lost(spare));
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
        let Some(last) = spares.ready.len().checked_sub(1) else { return false };
        let left =
            self.usable_bytes.load(Ordering::Acquire).saturating_sub(self.room_of(&spares, last));
        // The first one may be in use the next moment.
        last > 0
            && left >= self.reserve_bytes() / 2
            && spares.suffice_for_large(Some(last))
            && self.remove_at(&mut spares, last).is_ok()
    }

    /// What a spare can take for certain.
    fn room_of(&self, spares: &Spares, at: usize) -> u64 {
        spares.ready[at].bytes.saturating_sub(BLOCK_BYTES + self.waste_bytes())
    }

    fn remove_at(&self, spares: &mut Spares, at: usize) -> io::Result<()> {
        match self.disk.remove(&spares.ready[at].name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => spares.ready.remove(at),
        };
        self.count(spares);
        Ok(())
    }

    /// Removes a spare above what is wanted, the longest first. Whether there was one. Room is needed
    /// up to the position `end`, which may move on meanwhile.
    fn trim(&self, settled: u64, end: &dyn Fn() -> u64) -> io::Result<bool> {
        let mut spares = self.spares.lock();
        spares.forget_written(settled);
        let usable = self.count(&spares);
        let is_above = |at: &usize| {
            usable - self.room_of(&spares, *at) >= self.wanted_bytes()
                && spares.suffice_for_large(Some(*at))
        };
        let Some(at) = (0..spares.ready.len()).rev().find(is_above) else { return Ok(false) };
        // First it does not count any more: either who holds room sees that, or it is seen here.
        self.usable_bytes.store(usable - self.room_of(&spares, at), Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if self.limit() < end() {
            self.count(&spares);
            return Ok(false);
        }
        self.remove_at(&mut spares, at).inspect_err(|_| {
            self.count(&spares);
        })?;
        Ok(true)
    }

    /// Does one piece of work towards a full pool: makes a spare, removes one above what is wanted, or
    /// writes the blocks of one of the next `write_ahead`. Whether there is more to do. All below `settled` has been written,
    /// and room is needed up to `end`.
    ///
    /// # Errors
    /// A spare cannot be made, removed or written. The pool is short until a later call succeeds.
    pub fn tend(
        &self,
        settled: u64,
        end: &dyn Fn() -> u64,
        write_ahead: usize,
    ) -> io::Result<bool> {
        let done = if self.usable_bytes.load(Ordering::Acquire) < self.wanted_bytes() {
            self.add_one(self.segment_bytes()).map(|()| true)
        } else {
            match self.trim(settled, end) {
                Ok(false) => self.write_one(write_ahead),
                done => done,
            }
        };
        let trouble = done.as_ref().err().map(ToString::to_string);
        self.is_short.store(trouble.is_some(), Ordering::Release);
        self.spares.lock().trouble = trouble;
        done
    }

    /// Writes the blocks of a spare, if one of the next `ahead` lacks that. It is taken out of the pool
    /// meanwhile: whoever needs one now must not get it. Its room still counts.
    fn write_one(&self, ahead: usize) -> io::Result<bool> {
        let next = {
            let mut spares = self.spares.lock();
            let at = spares.ready.iter().take(ahead).position(|it| self.wants_writing(it));
            at.and_then(|at| spares.ready.remove(at))
        };
        let Some(mut spare) = next else { return Ok(false) };
        let done = write_zeros(&*spare.file, 0, spare.bytes);
        spare.written = done.is_ok();
        let mut spares = self.spares.lock();
        // One that cannot be written is no good. Where it cannot be removed either it stays what it is:
        // a new file at each attempt would fill a disk that fails.
        if done.is_ok() || self.disk.remove(&spare.name).is_err() {
            spares.add_as_next(spare);
        }
        self.count(&spares);
        drop(spares);
        done.map(|()| true)
    }

    /// A longer one is there for one frame, and must not be missing for as long.
    fn wants_writing(&self, spare: &Spare) -> bool {
        !spare.written && spare.bytes <= self.segment_bytes()
    }

    fn add_one(&self, bytes: u64) -> io::Result<()> {
        let spare = self.make(bytes)?;
        let mut spares = self.spares.lock();
        spares.add(spare);
        self.count(&spares);
        Ok(())
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

    /// Counts the room again; how much the spares have.
    fn count(&self, spares: &Spares) -> u64 {
        let usable = (0..spares.ready.len()).map(|at| self.room_of(spares, at)).sum();
        self.usable_bytes.store(usable, Ordering::SeqCst);
        let next = spares.ready.front();
        let shortest = next.map_or(u64::MAX, |spare| spare.bytes).min(self.segment_bytes());
        self.shortest_bytes.store(shortest, Ordering::Relaxed);
        let is_next_ready = next.is_some_and(|spare| !self.wants_writing(spare));
        let is_full = usable >= self.wanted_bytes();
        self.wants_tending.store(!is_next_ready || !is_full, Ordering::Release);
        usable
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::sim::SimDisk;

    const SEGMENT_BYTES: u64 = 8 * BLOCK_BYTES;

    /// Works until there is no more to do; which of the spares are written then, in order.
    fn written(pool: &Pool, ahead: usize) -> Vec<bool> {
        while pool.tend(0, &|| 0, ahead).expect("the disk is well") {}
        pool.spares.lock().ready.iter().map(|spare| spare.written).collect()
    }

    #[test]
    fn what_was_written_ahead_while_all_was_quiet_lasts_for_a_while() {
        let disk: Arc<dyn Disk> = Arc::new(SimDisk::new());
        let pool = Pool::open(disk, SEGMENT_BYTES, 3 * SEGMENT_BYTES).expect("the disk is well");
        let under_load = written(&pool, 1);
        assert!(under_load.len() > 2);
        assert_eq!(under_load[..3], [true, false, false]);
        assert_eq!(written(&pool, 2)[..3], [true, true, false]);
        assert!(pool.take(1).expect("there are spares").written);
        assert_eq!(written(&pool, 1)[..2], [true, false], "the next one is written already");
        assert!(pool.take(1).expect("there are spares").written);
        assert_eq!(written(&pool, 1)[..2], [true, false]);
    }
}
