//! Making a damaged directory one that can be started on, at the price of what cannot be read.
//!
//! Nothing is thrown away: what is cut is kept beside, under its name with [`KEPT`] behind it.

use std::io;

use super::case::Case;
use super::disk::{Disk, read_full_at, write_all_at, write_zeros};
use super::recovery::Plan;
use super::segment::{BLOCK_BYTES, CLOSING_OFFSET, FileKind, Header};

/// The ending of files that were put aside.
pub const KEPT: &str = ".damaged";

/// The length of a segment that is made only to begin at a position.
const EMPTY_SEGMENT_BYTES: u64 = 64 << 10;

/// What a repair would do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Repair {
    /// The segment that is cut, and where; none if what is readable ends with a segment or a
    /// snapshot.
    cut: Option<(String, u64)>,
    /// Files that are put aside whole.
    aside: Vec<String>,
    /// A segment that has to be made, for what follows to go on at its position.
    begin: Option<u64>,
    /// What is lost, a line each.
    pub losses: Vec<String>,
}

impl Repair {
    /// What can be done about what a survey found. None: nothing has to be.
    ///
    /// # Errors
    /// The directory cannot be read. The inner error says why nothing can be saved by cutting.
    pub fn of(disk: &dyn Disk, plan: &Plan) -> io::Result<Result<Option<Repair>, String>> {
        let Some(damage) = &plan.damage else { return Ok(Ok(None)) };
        let names = disk.list()?;
        let mut repair = Repair { cut: None, aside: Vec::new(), begin: None, losses: Vec::new() };
        for damage in &plan.damaged_snapshots {
            repair.aside.push(damage.file.clone());
            repair.losses.push(format!("the snapshot {damage}"));
        }
        let from = plan.from();
        if plan.snapshot.is_none()
            && matches!(plan.case, Case::MissingSegment | Case::DamagedSnapshot)
        {
            return Ok(Err("nothing is left that the rest could be put on: there is no whole \
                           snapshot, and the beginning of the journal is missing"
                .into()));
        }
        let is_beyond = |name: &String, position: u64| {
            FileKind::Segment.position(name).is_some_and(|first| first > position)
        };
        if damage.position < from
            || matches!(plan.case, Case::MissingSegment | Case::DamagedSnapshot)
        {
            // What the snapshot stands for is whole; behind it nothing can be reached.
            let segments = names.iter().filter(|name| FileKind::Segment.position(name).is_some());
            repair.aside.extend(segments.cloned());
            repair.begin = Some(from);
            repair.losses.push(format!("every step behind the snapshot at position {from}"));
        } else {
            let position = damage.position;
            if damage.offset < BLOCK_BYTES {
                repair.aside.push(damage.file.clone());
                repair.begin = Some(position);
            } else {
                repair.cut = Some((damage.file.clone(), damage.offset));
            }
            repair.aside.extend(names.iter().filter(|name| is_beyond(name, position)).cloned());
            let frames = plan.torn.as_ref().map_or(0, |torn| torn.frames);
            repair.losses.push(format!(
                "every step from position {position} on ({}, offset {}), of which {frames} whole \
                 ones in the same file",
                damage.file, damage.offset
            ));
        }
        repair.aside.sort();
        repair.aside.dedup();
        let later = repair.aside.iter().filter(|name| FileKind::Segment.position(name).is_some());
        repair.losses.extend(later.map(|name| format!("what {name} holds")));
        Ok(Ok(Some(repair)))
    }

    /// Does it; the names under which what was cut is kept.
    ///
    /// # Errors
    /// A file cannot be read or written. What was damaged is there still, under its own name or
    /// put aside.
    pub fn apply(&self, disk: &dyn Disk, plan: &Plan) -> io::Result<Vec<String>> {
        let mut kept = Vec::new();
        for name in &self.aside {
            let aside = free_name(disk, name)?;
            disk.rename(name, &aside)?;
            kept.push(aside);
        }
        if let Some((name, offset)) = &self.cut {
            kept.push(copy(disk, name)?);
            cut(disk, name, *offset)?;
        }
        if let Some(position) = self.begin {
            // The one before it, if it is read at all, ends there: it must not speak of another.
            let before = plan.segments.iter().rfind(|found| found.end == position);
            if let Some(before) = before.filter(|found| !self.aside.contains(&found.name)) {
                reopen(disk, &before.name)?;
            } else {
                begin(disk, position, plan.start)?;
            }
        }
        disk.sync()?;
        Ok(kept)
    }
}

/// A name that is not taken, for a file that is put aside.
fn free_name(disk: &dyn Disk, name: &str) -> io::Result<String> {
    let names = disk.list()?;
    let numbered = (1..).map(|number| format!("{name}{KEPT}-{number}"));
    let mut candidates = std::iter::once(format!("{name}{KEPT}")).chain(numbered);
    Ok(candidates.find(|name| !names.contains(name)).expect("numbers do not end"))
}

fn copy(disk: &dyn Disk, name: &str) -> io::Result<String> {
    let aside = free_name(disk, name)?;
    let from = disk.open(name)?;
    let bytes = from.len()?;
    let to = disk.create(&aside, bytes)?;
    let mut buffer = vec![0; 256 << 10];
    let mut offset = 0;
    while offset < bytes {
        let read = read_full_at(&*from, &mut buffer, offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        write_all_at(&*to, &buffer[..read], offset)?;
        offset += read as u64;
    }
    to.sync()?;
    Ok(aside)
}

/// Makes a segment end at `offset`, as if nothing had been written behind it.
fn cut(disk: &dyn Disk, name: &str, offset: u64) -> io::Result<()> {
    let file = disk.open_write(name)?;
    let mut head = vec![0; BLOCK_BYTES as usize];
    read_full_at(&*file, &mut head, 0)?;
    let stated = Header::decode(FileKind::Segment, &head).map_or(0, |header| header.bytes);
    let bytes = file.len()?.max(stated).max(offset);
    file.set_len(bytes)?;
    write_zeros(&*file, offset, bytes)?;
    drop(file);
    reopen(disk, name)
}

/// Takes away what a segment says of a next one.
fn reopen(disk: &dyn Disk, name: &str) -> io::Result<()> {
    let file = disk.open_write(name)?;
    write_all_at(&*file, &[0; (BLOCK_BYTES - CLOSING_OFFSET) as usize], CLOSING_OFFSET)?;
    file.sync()
}

/// Makes an empty segment at `position`.
fn begin(disk: &dyn Disk, position: u64, start: u32) -> io::Result<()> {
    let bytes = EMPTY_SEGMENT_BYTES;
    let file = disk.create(&FileKind::Segment.name(position), bytes)?;
    let header = Header {
        kind: FileKind::Segment,
        start,
        first: position,
        durable: position,
        bytes,
        awaits_snapshot: false,
    };
    write_all_at(&*file, &header.encode(), 0)?;
    file.sync()
}
