//! A snapshot: a state as a file of frames, which stands for all frames below its position.
//!
//! It is written under another name and gets its own when it is whole and synced; then the segments
//! it stands for may go ([`super::Journal::finish_snapshot`]). Its frames count from 0: a begin,
//! parts whose content is the caller's, and an end that says how many parts there are.

use std::io;
use std::sync::Arc;

use super::committer::{Failure, failing};
use super::disk::{Disk, DiskFile, write_all_at};
use super::frame::{self, Bad, Kind, PAYLOAD_BYTES_MAX, Stamp};
use super::pool::Pool;
use super::recovery::{Damage, FoundSnapshot};
use super::segment::{BLOCK_BYTES, FileKind, Header, PARTIAL, Reader};

/// Gathered before it is written, bytes.
const BUFFER_BYTES: usize = 256 << 10;

/// Writes one snapshot. Dropped before it is finished, it removes what it wrote.
pub struct SnapshotWriter {
    disk: Arc<dyn Disk>,
    file: Arc<dyn DiskFile>,
    partial: String,
    /// The position that the snapshot stands for.
    position: u64,
    start: u32,
    time_ms: i64,
    parts: u64,
    /// The position within the snapshot of the next frame.
    next: u64,
    buffer: Vec<u8>,
    /// Where the buffer belongs in the file.
    offset: u64,
    is_failed: bool,
    is_finished: bool,
    /// Where there is room to be had on a full disk.
    pool: Option<Arc<Pool>>,
}

impl SnapshotWriter {
    /// Begins a snapshot of the state at `position`. `time_ms`: the latest time of a step below it.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn begin(
        disk: Arc<dyn Disk>,
        position: u64,
        start: u32,
        time_ms: i64,
    ) -> Result<SnapshotWriter, Failure> {
        let partial = format!("{}{PARTIAL}", FileKind::Snapshot.name(position));
        let file = disk.create(&partial, 0).map_err(failing("make", &partial))?;
        let kind = FileKind::Snapshot;
        let header =
            Header { kind, start, first: position, durable: 0, bytes: 0, awaits_snapshot: false };
        let mut buffer = header.encode().to_vec();
        buffer.resize(BLOCK_BYTES as usize, 0);
        let mut writer = SnapshotWriter {
            disk,
            file,
            partial,
            position,
            start,
            time_ms,
            parts: 0,
            next: 0,
            buffer,
            offset: 0,
            is_failed: false,
            is_finished: false,
            pool: None,
        };
        writer.push(Kind::SnapshotBegin, &[], 0)?;
        Ok(writer)
    }

    /// On a full disk it may take room from the journal's reserve.
    pub fn with_room_of(mut self, pool: Arc<Pool>) -> SnapshotWriter {
        self.pool = Some(pool);
        self
    }

    /// The position that it stands for.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Bytes so far.
    pub fn bytes(&self) -> u64 {
        self.offset + self.buffer.len() as u64
    }

    /// Adds a part, at most [`PAYLOAD_BYTES_MAX`] long.
    ///
    /// # Errors
    /// It cannot be written; the snapshot can only be dropped then.
    pub fn append(&mut self, payload: &[u8]) -> Result<(), Failure> {
        if payload.len() as u64 > PAYLOAD_BYTES_MAX {
            let error = io::Error::other("a part is longer than a frame may be");
            self.is_failed = true;
            return Err(failing("write", &self.partial)(error));
        }
        self.parts += 1;
        self.push(Kind::SnapshotPart, payload, 0)
    }

    /// Makes it whole and lasting under its own name; its length in bytes. `durable` is the
    /// journal's durable position, and has to have reached the snapshot's: what the snapshot stands
    /// for is promised by it from now on.
    ///
    /// # Errors
    /// It cannot be written, synced or named; what was written of it is removed.
    pub fn finish(mut self, durable: u64) -> Result<u64, Failure> {
        if self.is_failed || durable < self.position {
            let why = if self.is_failed { "a write failed" } else { "the journal is not as far" };
            return Err(failing("finish", &self.partial)(io::Error::other(why)));
        }
        let parts = self.parts.to_le_bytes();
        self.push(Kind::SnapshotEnd, &parts, durable)?;
        self.flush()?;
        self.file.sync().map_err(failing("sync", &self.partial))?;
        let name = FileKind::Snapshot.name(self.position);
        self.disk.rename(&self.partial, &name).map_err(failing("name", &name))?;
        self.is_finished = true;
        self.disk.sync().map_err(failing("sync", "the directory"))?;
        Ok(self.offset)
    }

    fn push(&mut self, kind: Kind, payload: &[u8], durable: u64) -> Result<(), Failure> {
        let (start, position, time_ms) = (self.start, self.next, self.time_ms);
        let before = self.buffer.len();
        frame::encode(
            &Stamp { kind, start, position, durable, time_ms },
            payload,
            &mut self.buffer,
        );
        self.next += (self.buffer.len() - before) as u64;
        if self.buffer.len() >= BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        loop {
            let written = write_all_at(&*self.file, &self.buffer, self.offset);
            let Err(error) = written else { break };
            let is_full = error.kind() == io::ErrorKind::StorageFull;
            if is_full && self.pool.as_ref().is_some_and(|pool| pool.give_up_spare()) {
                continue;
            }
            self.is_failed = true;
            return Err(failing("write", &self.partial)(error));
        }
        self.offset += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

impl Drop for SnapshotWriter {
    fn drop(&mut self) {
        if !self.is_finished {
            // If it cannot be removed either, the next start does it.
            drop(self.disk.remove(&self.partial));
        }
    }
}

/// Reads a snapshot through. The inner error is of its content.
///
/// # Errors
/// The file cannot be read.
pub(super) fn verify(disk: &dyn Disk, name: &str) -> io::Result<Result<FoundSnapshot, Damage>> {
    let damage = |offset, position, what: String| {
        Ok(Err(Damage { file: name.into(), offset, position, what }))
    };
    let (mut reader, header, _) = match Reader::open(disk, FileKind::Snapshot, name)? {
        Ok(opened) => opened,
        Err(bad) => {
            let position = FileKind::Snapshot.position(name).unwrap_or(0);
            return damage(0, position, bad.to_string());
        }
    };
    let mut found = FoundSnapshot {
        name: name.into(),
        position: header.first,
        durable: 0,
        start: header.start,
        time_ms: 0,
        parts: 0,
        file_bytes: reader.file_bytes(),
    };
    let mut expected = Kind::SnapshotBegin;
    loop {
        let offset = reader.offset();
        let whole = match reader.next_frame()? {
            Ok(Some(whole)) => whole,
            Ok(None) => return damage(offset, header.first, "the snapshot has no end".into()),
            Err(bad) => return damage(offset, header.first, bad.to_string()),
        };
        match (expected, whole.stamp.kind) {
            (Kind::SnapshotBegin, Kind::SnapshotBegin) => {
                found.time_ms = whole.stamp.time_ms;
                expected = Kind::SnapshotPart;
            }
            (Kind::SnapshotPart, Kind::SnapshotPart) => found.parts += 1,
            (Kind::SnapshotPart, Kind::SnapshotEnd) => {
                if whole.payload != found.parts.to_le_bytes() {
                    return damage(offset, header.first, "parts are missing".into());
                }
                found.durable = whole.stamp.durable;
                break;
            }
            _ => return damage(offset, header.first, Bad::AfterEnd.to_string()),
        }
    }
    if reader.offset() != reader.file_bytes() {
        let offset = reader.offset();
        return damage(offset, header.first, "something follows the snapshot's end".into());
    }
    Ok(Ok(found))
}
