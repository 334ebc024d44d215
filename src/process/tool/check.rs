//! `forebay check`: what a directory holds, and whether a server would start on it.

use std::path::Path;
use std::process::{self, ExitCode};

use super::out::Out;
use super::{count, directory, transfer};
use crate::command::store;
use crate::journal::disk::Disk;
use crate::journal::recovery::{LOCK_FILE, ONLY_SPARES, Plan};
use crate::journal::repair::Repair;
use crate::process::civil::Civil;
use crate::process::import::{self, Found, ImportError, Names};

/// Ends with success if a server would start on the directory, be it by a repair.
pub fn check(
    dir: &Path,
    with_repair: bool,
    databases: usize,
    out: &mut Out,
) -> Result<ExitCode, String> {
    let in_dir = |error: std::io::Error| directory::failed(dir, &error);
    let disk = directory::open(dir)?;
    // Held to the end: no server may start meanwhile. Where there is nothing to repair, none is left.
    let _lock = if with_repair && store::holds_something(&disk)? {
        let taken = disk.lock(LOCK_FILE, process::id());
        Some(taken.map_err(|refused| directory::used(dir, &refused))?)
    } else {
        directory::want_unused(dir, &disk)?
    };
    let mut plan = Plan::survey(&disk).map_err(in_dir)?;
    if plan.is_fresh() {
        match import::find(dir, &Names::default()) {
            Ok(Some(found)) => return check_foreign(dir, &found, databases, out),
            Ok(None) => {}
            Err(error) => return refuse_foreign(dir, dir, &error, out),
        }
    }
    print(&plan, out)?;
    if !with_repair {
        return Ok(if plan.damage.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS });
    }
    if plan.damage.is_none() {
        out.line("nothing is to be repaired")?;
    }
    // One repair may uncover the next damage.
    while let Some(repair) = Repair::of(&disk, &plan).map_err(in_dir)?? {
        out.line("\nrepair; lost:")?;
        repair.losses.iter().try_for_each(|loss| out.line(format_args!("  {loss}")))?;
        // What nobody can be told of is not cut.
        out.say()?;
        for kept in repair.apply(&disk, &plan).map_err(in_dir)? {
            out.line(format_args!("  kept as {kept}"))?;
        }
        plan = Plan::survey(&disk).map_err(in_dir)?;
        out.line("\nafter it:")?;
        print(&plan, out)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads Redis's files as a start would, and writes nothing.
fn check_foreign(
    dir: &Path,
    found: &Found,
    databases: usize,
    out: &mut Out,
) -> Result<ExitCode, String> {
    let path = &found.path;
    out.line(format_args!(
        "found: no data of Forebay, but Redis's {}: a start imports it",
        path.display()
    ))?;
    match import::import(&transfer::server(databases)?, path, &import::Options::default()) {
        Ok(report) => {
            let told = transfer::describe(&report);
            let told = told.iter().chain(&found.warning);
            told.into_iter().try_for_each(|line| out.line(line))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => refuse_foreign(dir, path, &error, out),
    }
}

fn refuse_foreign(
    dir: &Path,
    found: &Path,
    error: &ImportError,
    out: &mut Out,
) -> Result<ExitCode, String> {
    out.line(format_args!("it cannot: {error}"))?;
    out.line(format_args!("a server does not start on it: {}", error.advice(found, dir)))?;
    Ok(ExitCode::FAILURE)
}

fn print(plan: &Plan, out: &mut Out) -> Result<(), String> {
    if let Some(snapshot) = &plan.snapshot {
        out.line(format_args!(
            "{}  snapshot at position {}, {}, {}, of start {}, {}",
            snapshot.name,
            snapshot.position,
            count(snapshot.parts, "part"),
            count(snapshot.file_bytes, "byte"),
            snapshot.start,
            date(snapshot.time_ms)
        ))?;
    }
    for segment in &plan.segments {
        out.line(format_args!(
            "{}  positions {} to {}, {}, {}, of start {}{}",
            segment.name,
            segment.first,
            segment.end,
            count(segment.frames, "frame"),
            count(segment.file_bytes, "byte"),
            segment.start,
            if segment.is_orderly { ", ended in order" } else { "" }
        ))?;
    }
    let fate = match plan.damage {
        Some(_) => "not read, since no server starts on this directory",
        None => "of no use, the next start removes it",
    };
    plan.obsolete.iter().try_for_each(|name| out.line(format_args!("{name}  {fate}")))?;
    for damage in &plan.damaged_snapshots {
        out.line(format_args!("damaged snapshot: {damage}"))?;
    }
    out.line(format_args!("found: {}", plan.case))?;
    if plan.has_only_spares {
        out.line(format_args!("beware: {ONLY_SPARES}"))?;
    }
    match &plan.damage {
        Some(damage) => {
            out.line(format_args!("damage: {damage}"))?;
            out.line(format_args!("a server does not start on it: {}", plan.case.advice()))?;
        }
        None => {
            if let Some(torn) = &plan.torn {
                out.line(format_args!(
                    "cut at the next start: {}, offset {} (position {}), {} behind",
                    torn.file,
                    torn.offset,
                    torn.position,
                    count(torn.frames, "whole frame")
                ))?;
            }
            let snapshot = plan.snapshot.as_ref().map_or(String::new(), |found| {
                format!("the snapshot at {}, then ", found.position)
            });
            out.line(format_args!(
                "loaded: {snapshot}the steps from position {} to {}, {} in all",
                plan.from(),
                plan.end,
                count(plan.load_bytes(), "byte")
            ))?;
        }
    }
    Ok(())
}

/// A unix time in ms as a date in UTC.
pub fn date(unix_ms: i64) -> String {
    let Civil { year, month, day, hour, minute, second, millisecond } =
        Civil::from_unix_ms(unix_ms);
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z")
}
