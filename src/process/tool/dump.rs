//! `forebay dump`: frames as readable commands.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use super::check::date;
use super::out::Out;
use super::{commands, directory};
use crate::journal::Plan;
use crate::journal::disk::{DirDisk, Disk};
use crate::journal::frame::Kind;
use crate::journal::segment::{FileKind, Reader};
use crate::keyspace::{Keyspace, Options, SnapshotLoader, SystemClock};
use crate::resp::{Decoder, Limits, Step};

/// More than a server would have; a snapshot's databases all fit.
const DATABASES: usize = 1 << 14;

/// Prints what a start would load from a directory, or everything that is whole in one file.
pub fn dump(path: &Path, out: &mut Out) -> Result<ExitCode, String> {
    let shown = |error: io::Error| format!("{}: {error}", path.display());
    if fs::metadata(path).map_err(shown)?.is_dir() {
        let disk = directory::open(path)?;
        let _lock = directory::want_unused(path, &disk)?;
        directory::want_data(path, &disk)?;
        let plan = Plan::survey(&disk).map_err(shown)?;
        let snapshot = plan.snapshot.iter().map(|found| (FileKind::Snapshot, &found.name));
        let segments = plan.segments.iter().map(|found| (FileKind::Segment, &found.name));
        for (kind, name) in snapshot.chain(segments) {
            print_file(&disk, kind, name, plan.from(), out).map_err(shown)?;
        }
        if let Some(damage) = &plan.damage {
            return Err(format!("damage: {damage}"));
        }
    } else {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.ok_or_else(|| format!("{}: it has no name", path.display()))?;
        let kinds = [FileKind::Segment, FileKind::Snapshot];
        let kind =
            kinds.into_iter().find(|kind| kind.position(&name).is_some()).ok_or_else(|| {
                format!("{}: neither a .journal nor a .snapshot file", path.display())
            })?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let dir = parent.unwrap_or(Path::new("."));
        let disk = DirDisk::open(dir).map_err(shown)?;
        // The file may be the one that is being written.
        let _lock = directory::want_unused(dir, &disk)?;
        print_file(&disk, kind, &name, 0, out).map_err(shown)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints a file's frames from position `from` on, up to the first that is not whole, of which it
/// tells.
fn print_file(
    disk: &dyn Disk,
    kind: FileKind,
    name: &str,
    from: u64,
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(out, "# {name}")?;
    let (mut reader, header, _) = match Reader::open(disk, kind, name)? {
        Ok(opened) => opened,
        Err(bad) => return writeln!(out, "# damaged: {bad}"),
    };
    let keyspace = Arc::new(Keyspace::new(Options {
        databases: if kind == FileKind::Snapshot { DATABASES } else { 1 },
        clock: Arc::new(SystemClock),
        seed: 0,
        sink: None,
    }));
    let mut loader = SnapshotLoader::new(&keyspace, reader.file_bytes());
    loop {
        let offset = reader.offset();
        let frame = match reader.next_frame()? {
            Ok(Some(frame)) => frame,
            Ok(None) => break,
            Err(bad) => {
                writeln!(out, "# offset {offset}: {bad}")?;
                break;
            }
        };
        let stamp = frame.stamp;
        match stamp.kind {
            Kind::Step if stamp.position >= from => {
                let (position, at) = (stamp.position, date(stamp.time_ms));
                writeln!(out, "# position {position}, {at}, durable {}", stamp.durable)?;
                print_effects(frame.payload, out)?;
            }
            Kind::Step => {}
            Kind::End => writeln!(out, "# position {}, the orderly end", stamp.position)?,
            Kind::SnapshotBegin => {
                writeln!(out, "# the state at position {}, {}", header.first, date(stamp.time_ms))?;
            }
            Kind::SnapshotPart => {
                if let Err(bad) = loader.part(frame.payload) {
                    return writeln!(out, "# offset {offset}: {}", bad.0);
                }
            }
            Kind::SnapshotEnd => break,
        }
    }
    if kind == FileKind::Snapshot {
        let effects = loader.take_effects();
        match loader.finish() {
            Ok(()) => {
                // What is no key: libraries of functions.
                print_effects(&effects, out)?;
                commands::print_keys(&keyspace, out)?;
            }
            Err(bad) => writeln!(out, "# it is not whole: {}", bad.0)?,
        }
    }
    Ok(())
}

/// Prints requests in RESP form, a line each.
fn print_effects(effects: &[u8], out: &mut impl Write) -> io::Result<()> {
    let mut decoder = Decoder::new();
    let limits = Limits { bulk_bytes_max: usize::MAX, authenticated: true };
    while let Ok(step @ (Step::Request | Step::Empty)) = decoder.step(effects, &limits) {
        if step == Step::Request {
            let args: Vec<&[u8]> =
                decoder.ranges().iter().map(|&(from, to)| &effects[from..to]).collect();
            commands::print(&args, out)?;
        }
    }
    if decoder.position() == effects.len() {
        return Ok(());
    }
    writeln!(out, "# the rest is no command")
}
