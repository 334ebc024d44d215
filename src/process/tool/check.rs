//! `forebay check`: what a directory holds, and whether a server would start on it.

use std::path::Path;
use std::process::{self, ExitCode};

use crate::journal::disk::{DirDisk, Disk};
use crate::journal::recovery::{LOCK_FILE, Plan};
use crate::journal::repair::Repair;
use crate::process::civil::Civil;

/// Ends with success if a server would start on the directory, be it by a repair.
pub fn check(dir: &Path, with_repair: bool) -> Result<ExitCode, String> {
    let in_dir = |error: std::io::Error| format!("{}: {error}", dir.display());
    if !dir.is_dir() {
        return Err(format!("{}: there is no such directory", dir.display()));
    }
    let disk = DirDisk::open(dir).map_err(in_dir)?;
    // Held to the end: no server may start meanwhile.
    let _lock = if with_repair {
        let taken = disk.lock(LOCK_FILE, process::id());
        Some(taken.map_err(|refused| format!("{}: {refused}", dir.display()))?)
    } else {
        None
    };
    let mut plan = Plan::survey(&disk).map_err(in_dir)?;
    print(&plan);
    if !with_repair {
        return Ok(if plan.damage.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS });
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

fn print(plan: &Plan) {
    if let Some(snapshot) = &plan.snapshot {
        println!(
            "{}  snapshot at position {}, {} parts, {} bytes, of start {}, {}",
            snapshot.name,
            snapshot.position,
            snapshot.parts,
            snapshot.file_bytes,
            snapshot.start,
            date(snapshot.time_ms)
        );
    }
    for segment in &plan.segments {
        println!(
            "{}  positions {} to {}, {} frames, {} bytes, of start {}{}",
            segment.name,
            segment.first,
            segment.end,
            segment.frames,
            segment.file_bytes,
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
                    "cut at the next start: {}, offset {} (position {}), {} whole frames behind",
                    torn.file, torn.offset, torn.position, torn.frames
                );
            }
            let snapshot = plan.snapshot.as_ref().map_or(String::new(), |found| {
                format!("the snapshot at {}, then ", found.position)
            });
            println!(
                "loaded: {snapshot}the steps from position {} to {}, {} bytes in all",
                plan.from(),
                plan.end,
                plan.load_bytes()
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
