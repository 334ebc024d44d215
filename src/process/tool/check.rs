//! `forebay check`: what a directory holds, and whether a server would start on it.

use std::path::Path;
use std::process::{self, ExitCode};

use super::{count, directory, transfer};
use crate::command::store;
use crate::journal::disk::Disk;
use crate::journal::recovery::{LOCK_FILE, Plan};
use crate::journal::repair::Repair;
use crate::process::civil::Civil;
use crate::process::import::{self, Names};

/// Ends with success if a server would start on the directory, be it by a repair.
pub fn check(dir: &Path, with_repair: bool, databases: usize) -> Result<ExitCode, String> {
    let in_dir = |error: std::io::Error| directory::failed(dir, &error);
    let disk = directory::open(dir)?;
    // Held to the end: no server may start meanwhile. Where there is nothing to repair, none is left.
    let _lock = if with_repair && store::holds_something(&disk)? {
        let taken = disk.lock(LOCK_FILE, process::id());
        Some(taken.map_err(|refused| format!("{}: {refused}", dir.display()))?)
    } else {
        None
    };
    let mut plan = Plan::survey(&disk).map_err(in_dir)?;
    if plan.is_fresh()
        && let Some(found) = import::find(dir, &Names::default())
    {
        return check_foreign(dir, &found, databases);
    }
    print(&plan);
    if !with_repair {
        return Ok(if plan.damage.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS });
    }
    if plan.damage.is_none() {
        println!("nothing is to be repaired");
    }
    // One repair may uncover the next damage.
    while let Some(repair) = Repair::of(&disk, &plan).map_err(in_dir)?? {
        println!("\nrepair; lost:");
        repair.losses.iter().for_each(|loss| println!("  {loss}"));
        for kept in repair.apply(&disk, &plan).map_err(in_dir)? {
            println!("  kept as {kept}");
        }
        plan = Plan::survey(&disk).map_err(in_dir)?;
        println!("\nafter it:");
        print(&plan);
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads Redis's files as a start would, and writes nothing.
fn check_foreign(dir: &Path, found: &Path, databases: usize) -> Result<ExitCode, String> {
    println!("found: no data of Forebay, but Redis's {}: a start imports it", found.display());
    match import::import(&transfer::server(databases)?, found, &import::Options::default()) {
        Ok(report) => {
            transfer::describe(&report).iter().for_each(|line| println!("{line}"));
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            println!("it cannot: {error}");
            println!("a server does not start on it: {}", error.advice(found, dir));
            Ok(ExitCode::FAILURE)
        }
    }
}

fn print(plan: &Plan) {
    if let Some(snapshot) = &plan.snapshot {
        println!(
            "{}  snapshot at position {}, {}, {}, of start {}, {}",
            snapshot.name,
            snapshot.position,
            count(snapshot.parts, "part"),
            count(snapshot.file_bytes, "byte"),
            snapshot.start,
            date(snapshot.time_ms)
        );
    }
    for segment in &plan.segments {
        println!(
            "{}  positions {} to {}, {}, {}, of start {}{}",
            segment.name,
            segment.first,
            segment.end,
            count(segment.frames, "frame"),
            count(segment.file_bytes, "byte"),
            segment.start,
            if segment.is_orderly { ", ended in order" } else { "" }
        );
    }
    plan.obsolete.iter().for_each(|name| println!("{name}  of no use, the next start removes it"));
    for damage in &plan.damaged_snapshots {
        println!("damaged snapshot: {damage}");
    }
    println!("found: {}", plan.case);
    match &plan.damage {
        Some(damage) => {
            println!("damage: {damage}");
            println!("a server does not start on it: {}", plan.case.advice());
        }
        None => {
            if let Some(torn) = &plan.torn {
                println!(
                    "cut at the next start: {}, offset {} (position {}), {} behind",
                    torn.file,
                    torn.offset,
                    torn.position,
                    count(torn.frames, "whole frame")
                );
            }
            let snapshot = plan.snapshot.as_ref().map_or(String::new(), |found| {
                format!("the snapshot at {}, then ", found.position)
            });
            println!(
                "loaded: {snapshot}the steps from position {} to {}, {} in all",
                plan.from(),
                plan.end,
                count(plan.load_bytes(), "byte")
            );
        }
    }
}

/// A unix time in ms as a date in UTC.
pub fn date(unix_ms: i64) -> String {
    let Civil { year, month, day, hour, minute, second, millisecond } =
        Civil::from_unix_ms(unix_ms);
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z")
}
