//! Writes groups of frames into segments: the part of the journal that touches files, in the hands
//! of one thread at a time.

use std::fmt;
use std::io;
use std::sync::Arc;

use super::disk::{Disk, DiskFile, read_full_at, write_all_at};
use super::frame::{self, HEAD_BYTES, Stamp};
use super::pool::{Pool, Spare};
use super::recovery::Plan;
use super::segment::{BLOCK_BYTES, CLOSING_OFFSET, Closing, FileKind, Header};

/// What the journal could not do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// As a verb: "write", "sync", …
    pub operation: &'static str,
    pub file: String,
    pub error: String,
    pub kind: io::ErrorKind,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} {}: {}", self.operation, self.file, self.error)
    }
}

impl std::error::Error for Failure {}

/// Makes a [`Failure`] of an I/O error.
pub fn failing<'a>(operation: &'static str, file: &'a str) -> impl Fn(io::Error) -> Failure + 'a {
    move |error| Failure {
        operation,
        file: file.into(),
        kind: error.kind(),
        error: error.to_string(),
    }
}

/// Frames on their way to the disk, in order.
#[derive(Default)]
pub struct Group {
    blocks: Vec<Block>,
}

enum Block {
    /// Whole frames, one behind the other.
    Packed(Vec<u8>),
    /// A frame whose payload is too long to be copied under the queue's lock.
    Large([u8; HEAD_BYTES], Vec<u8>),
}

/// Payloads from here on are not copied.
const LARGE_BYTES: usize = 32 << 10;
/// An emptied buffer longer than this is given back to the allocator.
const KEPT_BYTES: usize = 4 << 20;

impl Group {
    /// Adds a frame, which is sealed when it is written, and leaves its payload empty.
    pub fn push(&mut self, stamp: &Stamp, payload: &mut Vec<u8>) {
        let length = u32::try_from(payload.len()).expect("the caller has checked the length");
        let head = frame::head(stamp, length);
        if payload.len() >= LARGE_BYTES {
            self.blocks.push(Block::Large(head, std::mem::take(payload)));
            return;
        }
        if !matches!(self.blocks.last(), Some(Block::Packed(_))) {
            self.blocks.push(Block::Packed(Vec::new()));
        }
        if let Some(Block::Packed(bytes)) = self.blocks.last_mut() {
            bytes.extend_from_slice(&head);
            bytes.append(payload);
        }
    }

    /// Empties it, keeping a buffer of ordinary size for the next group.
    pub fn clear(&mut self) {
        self.blocks.truncate(1);
        match self.blocks.first_mut() {
            Some(Block::Packed(bytes)) if bytes.capacity() <= KEPT_BYTES => bytes.clear(),
            _ => self.blocks.clear(),
        }
    }

    /// Whether no frame is in it (an emptied buffer may be).
    pub fn is_empty(&self) -> bool {
        match self.blocks.as_slice() {
            [] => true,
            [Block::Packed(bytes)] => bytes.is_empty(),
            _ => false,
        }
    }
}

/// The segment that is written to.
struct Current {
    file: Arc<dyn DiskFile>,
    name: String,
    first: u64,
    bytes: u64,
}

impl Current {
    fn offset(&self, position: u64) -> u64 {
        BLOCK_BYTES + (position - self.first)
    }

    fn has_room(&self, position: u64, bytes: u64) -> bool {
        self.offset(position) + bytes <= self.bytes
    }

    fn write(&self, bytes: &[u8], position: u64) -> Result<(), Failure> {
        let written = write_all_at(&*self.file, bytes, self.offset(position));
        written.map_err(failing("write", &self.name))
    }
}

/// Writes frames behind one another.
///
/// After a failure it is broken: what reached the disk is unknown, so nothing more is written until
/// it is reopened behind what is in doubt.
pub struct Committer {
    disk: Arc<dyn Disk>,
    pool: Arc<Pool>,
    current: Current,
    /// The position behind what was written.
    written: u64,
    start: u32,
    /// The first positions of all segments there are, the current one last.
    firsts: Vec<u64>,
    is_broken: bool,
    /// Frames that were left behind are in doubt, so nothing counts as durable yet.
    is_healing: bool,
}

impl Committer {
    /// Begins a new start behind what `plan` found: the last segment's frames are made lasting,
    /// what is of no use is removed, and a new segment begins.
    ///
    /// # Errors
    /// Any of that fails. The directory can be read as before.
    pub fn open(disk: Arc<dyn Disk>, pool: Arc<Pool>, plan: &Plan) -> Result<Committer, Failure> {
        // A segment in which nothing was written is replaced by the new one of the same name.
        let held = plan.segments.iter().filter(|segment| segment.first < plan.end);
        let mut firsts: Vec<u64> = held.map(|segment| segment.first).collect();
        let last = plan.segments.iter().rev().find(|segment| segment.first < plan.end);
        for found in plan.segments.iter().filter(|found| found.end >= plan.end) {
            write_again(&*disk, &found.name, found.first, plan.stated_durable, plan.end)?;
        }
        for name in &plan.obsolete {
            disk.remove(name).map_err(failing("remove", name))?;
        }
        if !plan.obsolete.is_empty() {
            disk.sync().map_err(failing("sync", "the directory"))?;
        }
        let start = plan.start + 1;
        let begun = Begun { start, first: plan.end, durable: plan.end, awaits_snapshot: false };
        let current = begin_segment(&*disk, &pool, begun, Pool::take_first)?;
        if let Some(last) = last {
            let file = disk.open_write(&last.name).map_err(failing("open", &last.name))?;
            close_segment(&*file, &last.name, plan.end)?;
        }
        firsts.push(current.first);
        let written = plan.end;
        let (is_broken, is_healing) = (false, false);
        Ok(Committer { disk, pool, current, written, start, firsts, is_broken, is_healing })
    }

    pub fn start(&self) -> u32 {
        self.start
    }

    /// The position behind what was written.
    pub fn written(&self) -> u64 {
        self.written
    }

    pub fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// The first positions of all segments there are.
    pub fn firsts(&self) -> &[u64] {
        &self.firsts
    }

    /// Writes a group; the position below which everything is durable by now, which changing the
    /// segment may have moved.
    ///
    /// # Errors
    /// The first failure, after which nothing more can be written.
    pub fn write(&mut self, group: &mut Group, durable: u64) -> Result<u64, Failure> {
        let written = self.write_blocks(group, durable);
        self.is_broken |= written.is_err();
        written
    }

    fn write_blocks(&mut self, group: &mut Group, mut durable: u64) -> Result<u64, Failure> {
        for block in &mut group.blocks {
            match block {
                Block::Packed(bytes) => durable = self.write_packed(bytes, durable)?,
                Block::Large(head, payload) => {
                    let length = (HEAD_BYTES + payload.len()) as u64;
                    if !self.current.has_room(self.written, length) {
                        durable = self.roll(length, durable)?;
                    }
                    frame::seal_head(head, payload, durable);
                    self.current.write(head, self.written)?;
                    self.current.write(payload, self.written + HEAD_BYTES as u64)?;
                    self.written += length;
                }
            }
        }
        Ok(durable)
    }

    /// Writes frames that lie behind one another with one write a segment.
    fn write_packed(&mut self, bytes: &mut [u8], mut durable: u64) -> Result<u64, Failure> {
        let (mut from, mut at) = (0, 0);
        while let Some(length) = frame::stated_length(&bytes[at..]) {
            let length = length as usize;
            let pending = (at - from + length) as u64;
            if !self.current.has_room(self.written, pending) {
                self.current.write(&bytes[from..at], self.written)?;
                self.written += (at - from) as u64;
                from = at;
                durable = self.roll(length as u64, durable)?;
            }
            frame::seal(&mut bytes[at..at + length], durable);
            at += length;
        }
        self.current.write(&bytes[from..at], self.written)?;
        self.written += (at - from) as u64;
        Ok(durable)
    }

    /// Goes on in a new segment with room for `need` bytes; the position up to which everything is
    /// durable then.
    ///
    /// The next segment is there for good before the current one says so, and the current one is
    /// synced before anything is written to the next. Recovery knows the states in between.
    fn roll(&mut self, need: u64, durable: u64) -> Result<u64, Failure> {
        let begun = self.begun(self.written, durable);
        let next = begin_segment(&*self.disk, &self.pool, begun, |pool| pool.take(need))?;
        if self.current.first == self.written {
            // The frame is longer than an empty segment, which `next` has replaced.
            self.firsts.pop();
        } else {
            close_segment(&*self.current.file, &self.current.name, self.written)?;
        }
        self.firsts.push(next.first);
        self.current = next;
        Ok(if self.is_healing { durable } else { self.written })
    }

    /// Makes all that was written lasting.
    ///
    /// # Errors
    /// It fails, after which nothing more can be written.
    pub fn sync(&mut self) -> Result<(), Failure> {
        let synced = self.current.file.sync().map_err(failing("sync", &self.current.name));
        self.is_broken |= synced.is_err();
        synced
    }

    /// The file to sync, and the position that is durable afterwards: for a sync that does not keep
    /// others from writing. Older segments have been synced when they were left. None while what
    /// was written is in doubt.
    pub fn to_sync(&self) -> Option<(Arc<dyn DiskFile>, String, u64)> {
        if self.is_in_doubt() {
            return None;
        }
        Some((Arc::clone(&self.current.file), self.current.name.clone(), self.written))
    }

    /// Marks it as broken by a sync that failed elsewhere.
    pub fn set_broken(&mut self) {
        self.is_broken = true;
    }

    /// Goes on at `position`, leaving what is in doubt behind: a snapshot will stand for it.
    ///
    /// # Errors
    /// The new segment cannot be made; it stays broken.
    pub fn reopen(&mut self, position: u64, durable: u64) -> Result<(), Failure> {
        self.is_healing = true;
        let begun = self.begun(position, durable);
        let next = begin_segment(&*self.disk, &self.pool, begun, |pool| pool.take(0))?;
        if self.firsts.last() != Some(&position) {
            self.firsts.push(position);
        }
        self.current = next;
        self.written = position;
        self.is_broken = false;
        Ok(())
    }

    fn begun(&self, first: u64, durable: u64) -> Begun {
        Begun { start: self.start, first, durable, awaits_snapshot: self.is_healing }
    }

    /// A snapshot stands for what was in doubt.
    pub fn set_healed(&mut self) {
        self.is_healing = false;
    }

    /// What was left behind is in doubt still.
    pub fn is_healing(&self) -> bool {
        self.is_healing
    }

    /// Whether what was written counts for nothing until a snapshot stands for it.
    pub fn is_in_doubt(&self) -> bool {
        self.is_broken || self.is_healing
    }

    /// Forgets the segments of which nothing lies at or behind `position`, for the caller to remove the
    /// files.
    pub fn forget_before(&mut self, position: u64) {
        let ends = self.firsts.iter().skip(1);
        let old = ends.take_while(|end| **end <= position).count();
        self.firsts.drain(..old);
    }
}

/// What a new segment says of itself.
struct Begun {
    start: u32,
    first: u64,
    durable: u64,
    awaits_snapshot: bool,
}

/// A new segment under its name, with its header, for good; the file is what `take` takes of the pool.
fn begin_segment(
    disk: &dyn Disk,
    pool: &Pool,
    begun: Begun,
    take: impl FnOnce(&Pool) -> io::Result<Spare>,
) -> Result<Current, Failure> {
    let Begun { start, first, durable, awaits_snapshot } = begun;
    let name = FileKind::Segment.name(first);
    let spare = take(pool).map_err(failing("make", &name))?;
    let (kind, bytes) = (FileKind::Segment, spare.bytes);
    let header = Header { kind, start, first, durable, bytes, awaits_snapshot };
    write_all_at(&*spare.file, &header.encode(), 0).map_err(failing("write", &name))?;
    spare.file.sync().map_err(failing("sync", &name))?;
    disk.rename(&spare.name, &name).map_err(failing("name", &name))?;
    disk.sync().map_err(failing("sync", "the directory"))?;
    pool.set_current(first, spare.bytes);
    Ok(Current { file: spare.file, name, first, bytes: spare.bytes })
}

/// Says in a segment that the journal goes on behind `end`, and syncs it.
fn close_segment(file: &dyn DiskFile, name: &str, end: u64) -> Result<(), Failure> {
    let closing = Closing::encode(end);
    write_all_at(file, &closing, CLOSING_OFFSET).map_err(failing("write", name))?;
    file.sync().map_err(failing("sync", name))
}

/// Makes the frames between `durable` and `end` of a segment lasting, and the segment open: its
/// closing may speak of a next one that is about to be removed.
///
/// The frames are written again first: if it was a failed sync that ended the last start, the kernel
/// may hold pages for clean that never reached the disk, and would sync nothing.
fn write_again(
    disk: &dyn Disk,
    name: &str,
    first: u64,
    durable: u64,
    end: u64,
) -> Result<(), Failure> {
    let file = disk.open_write(name).map_err(failing("open", name))?;
    let mut buffer = vec![0; 256 << 10];
    let mut position = durable.clamp(first, end);
    while position < end {
        let bytes = (end - position).min(buffer.len() as u64) as usize;
        let offset = BLOCK_BYTES + (position - first);
        let read = read_full_at(&*file, &mut buffer[..bytes], offset);
        if read.map_err(failing("read", name))? < bytes {
            let ended = io::Error::from(io::ErrorKind::UnexpectedEof);
            return Err(failing("read", name)(ended));
        }
        write_all_at(&*file, &buffer[..bytes], offset).map_err(failing("write", name))?;
        position += bytes as u64;
    }
    let open = [0; (BLOCK_BYTES - CLOSING_OFFSET) as usize];
    write_all_at(&*file, &open, CLOSING_OFFSET).map_err(failing("write", name))?;
    file.sync().map_err(failing("sync", name))
}
