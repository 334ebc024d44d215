//! What a directory holds and what is to be loaded of it, and loading it.

use std::fmt;
use std::io;

use super::case::{Case, Evidence};
use super::disk::Disk;
use super::frame::{HEAD_BYTES, Kind};
use super::segment::{FileKind, PARTIAL, Reader};
use super::survey;

/// The lock file: who holds it has the directory.
pub const LOCK_FILE: &str = "forebay.lock";

/// What is said of [`Plan::has_only_spares`].
pub const ONLY_SPARES: &str = "spare files of an earlier start are there, and no journal: if this \
    directory has held data, its *.journal and *.snapshot files are gone; stop whatever starts on it, \
    and put them back from a copy";

/// Whether a file in a data directory is the journal's by its name.
pub fn is_own_file(name: &str) -> bool {
    let kinds = [FileKind::Segment, FileKind::Snapshot];
    name == LOCK_FILE
        || name.ends_with(PARTIAL)
        || kinds.iter().any(|kind| kind.position(name).is_some())
}

/// Damage: where, and what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Damage {
    pub file: String,
    /// In the file, bytes.
    pub offset: u64,
    pub position: u64,
    pub what: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Damage { file, offset, position, what } = self;
        write!(f, "{file}, offset {offset} (position {position}): {what}")
    }
}

/// What is cut of the last group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Torn {
    pub file: String,
    pub offset: u64,
    pub position: u64,
    /// Whole frames behind the first that is not; nobody had been told of them.
    pub frames: u64,
}

/// A segment that is read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundSegment {
    pub name: String,
    pub first: u64,
    /// Behind its last frame.
    pub end: u64,
    pub start: u32,
    pub frames: u64,
    pub file_bytes: u64,
    /// Its last frame is the mark of an orderly end.
    pub is_orderly: bool,
}

/// A snapshot that is whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundSnapshot {
    pub name: String,
    pub position: u64,
    pub durable: u64,
    pub start: u32,
    pub time_ms: i64,
    pub parts: u64,
    pub file_bytes: u64,
}

/// What a directory was found in, and what is to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    pub case: Case,
    /// In a case that stops the start: the damage.
    pub damage: Option<Damage>,
    /// What is cut.
    pub torn: Option<Torn>,
    pub snapshot: Option<FoundSnapshot>,
    pub damaged_snapshots: Vec<Damage>,
    /// The segments that are read, in order; of the first, what lies before the snapshot is not.
    pub segments: Vec<FoundSegment>,
    /// The position behind the last frame that is loaded.
    pub end: u64,
    /// The highest durable position stated below it: what lies behind may not be synced yet.
    pub stated_durable: u64,
    /// The highest number of a start that was seen; 0 in a fresh directory.
    pub start: u32,
    /// The latest time of a frame, unix ms: time must not run backwards behind it.
    pub time_ms: i64,
    /// There is room that a start has made ahead, and no journal: a first start was interrupted, or the
    /// files that held the data have been taken away.
    pub has_only_spares: bool,
    /// Files that the next start removes: half-made ones, and those that a snapshot stands for.
    pub obsolete: Vec<String>,
}

impl Plan {
    /// Reads a directory, without changing it.
    ///
    /// # Errors
    /// The directory or a file cannot be read. Damage is no error, see [`Plan::check`].
    pub fn survey(disk: &dyn Disk) -> io::Result<Plan> {
        survey::survey(disk)
    }

    pub(super) fn empty() -> Plan {
        Plan {
            case: Case::Fresh,
            damage: None,
            torn: None,
            snapshot: None,
            damaged_snapshots: Vec::new(),
            segments: Vec::new(),
            end: 0,
            stated_durable: 0,
            start: 0,
            time_ms: 0,
            has_only_spares: false,
            obsolete: Vec::new(),
        }
    }

    pub(super) fn decide(&mut self, evidence: Evidence, damage: Damage) {
        self.case = evidence.case();
        if self.case.stops() {
            self.damage = Some(damage);
        }
    }

    /// Whether the server may start on it.
    ///
    /// # Errors
    /// It may not; in words for the log, with file, offset and what to do.
    pub fn check(&self) -> Result<(), String> {
        let Some(damage) = &self.damage else { return Ok(()) };
        let snapshots: String =
            self.damaged_snapshots.iter().map(|damage| format!("; also {damage}")).collect();
        Err(format!("{}: {damage}{snapshots}; {}", self.case, self.case.advice()))
    }

    /// Whether nothing has ever been kept in the directory: segments may have been made, and nothing
    /// written to them.
    pub fn is_fresh(&self) -> bool {
        self.end == 0 && self.snapshot.is_none() && self.damage.is_none()
    }

    /// Bytes that [`Loader`] will read.
    pub fn load_bytes(&self) -> u64 {
        let from = self.from();
        let snapshot = self.snapshot.as_ref().map_or(0, |snapshot| snapshot.file_bytes);
        let segments =
            self.segments.iter().map(|found| found.end - found.first.max(from).min(found.end));
        snapshot + segments.sum::<u64>()
    }

    /// The position from which frames are applied.
    pub fn from(&self) -> u64 {
        self.snapshot.as_ref().map_or(0, |snapshot| snapshot.position)
    }
}

/// Something to be loaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Item<'a> {
    /// A part of the snapshot, as it was written.
    Part(&'a [u8]),
    /// A step behind the snapshot.
    Step { position: u64, time_ms: i64, payload: &'a [u8] },
}

/// Gives what a plan says is to be loaded, in order.
pub struct Loader<'d> {
    disk: &'d dyn Disk,
    from: u64,
    /// Files that are still to be opened, the next one last, with the positions at which they end.
    files: Vec<(FileKind, String, u64)>,
    open: Option<Open>,
    read_bytes: u64,
}

struct Open {
    kind: FileKind,
    name: String,
    end: u64,
    reader: Reader,
}

impl<'d> Loader<'d> {
    pub fn new(disk: &'d dyn Disk, plan: &Plan) -> Loader<'d> {
        let mut files: Vec<(FileKind, String, u64)> = Vec::new();
        for found in plan.segments.iter().rev() {
            files.push((FileKind::Segment, found.name.clone(), found.end));
        }
        if let Some(found) = &plan.snapshot {
            files.push((FileKind::Snapshot, found.name.clone(), u64::MAX));
        }
        Loader { disk, from: plan.from(), files, open: None, read_bytes: 0 }
    }

    /// How many bytes of [`Plan::load_bytes`] have been read.
    pub fn read_bytes(&self) -> u64 {
        self.read_bytes
    }

    /// The next thing to load; `None` at the end.
    ///
    /// # Errors
    /// A file cannot be read, or is no longer as it was when the plan was made.
    pub fn next_item(&mut self) -> io::Result<Option<Item<'_>>> {
        let (stamp, place) = loop {
            if self.open.is_none() && !self.open_next()? {
                return Ok(None);
            }
            let Some(Open { kind, name, end, reader }) = &mut self.open else { continue };
            if reader.position() >= *end {
                self.open = None;
                continue;
            }
            let found = reader.step()?.map_err(|bad| changed(name, &bad))?;
            let Some((stamp, place)) = found else {
                return Err(changed(name, &"it has become shorter"));
            };
            if stamp.kind == Kind::SnapshotEnd {
                *end = reader.position();
            }
            let is_behind = *kind == FileKind::Snapshot || stamp.position >= self.from;
            if is_behind {
                self.read_bytes += (HEAD_BYTES + place.len()) as u64;
            }
            if is_behind && matches!(stamp.kind, Kind::Step | Kind::SnapshotPart) {
                break (stamp, place);
            }
        };
        let Some(Open { reader, .. }) = &self.open else { return Ok(None) };
        let payload = reader.payload(place);
        Ok(Some(match stamp.kind {
            Kind::SnapshotPart => Item::Part(payload),
            _ => Item::Step { position: stamp.position, time_ms: stamp.time_ms, payload },
        }))
    }

    fn open_next(&mut self) -> io::Result<bool> {
        let Some((kind, name, end)) = self.files.pop() else { return Ok(false) };
        let (reader, _, _) =
            Reader::open(self.disk, kind, &name)?.map_err(|bad| changed(&name, &bad))?;
        self.open = Some(Open { kind, name, end, reader });
        Ok(true)
    }
}

fn changed(name: &str, what: &dyn fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{name} was whole, and is not: {what}"))
}
