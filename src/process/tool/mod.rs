//! The commands beside serving: looking at a data directory, mending it, and moving data in and out.

mod check;
mod commands;
mod directory;
mod dump;
mod out;
mod streams;
pub mod transfer;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::RangedI64ValueParser;
use clap::{Parser, Subcommand};

pub use out::{complain, tell};

#[derive(Parser)]
#[command(name = "forebay", disable_version_flag = true, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    tool: Tool,
}

/// As many databases as the setting of that name takes.
fn databases() -> RangedI64ValueParser<u32> {
    RangedI64ValueParser::new().range(1..=i64::from(i32::MAX))
}

#[derive(Subcommand)]
enum Tool {
    /// Read a data directory without changing it, and tell what a start would find
    Check {
        /// The data directory
        dir: PathBuf,
        /// Cut what is damaged, after telling what is lost; the old files are kept beside
        #[arg(long)]
        repair: bool,
        /// How many numbered databases a server has that imports Redis's files
        #[arg(long, default_value_t = 16, value_parser = databases())]
        databases: u32,
    },
    /// Print a data directory, or one of its files, as commands
    Dump {
        /// The data directory, or a .journal or .snapshot file
        path: PathBuf,
    },
    /// Fill a data directory, new or without other files than Redis's own, from Redis's files
    Import {
        /// An RDB file, an append-only file, or the directory of one in several parts
        file: PathBuf,
        /// The data directory
        #[arg(long, default_value = "forebay-data")]
        dir: PathBuf,
        /// Leave out what cannot be held, and name it, instead of refusing the file
        #[arg(long)]
        skip_unknown: bool,
        /// How many numbered databases there are
        #[arg(long, default_value_t = 16, value_parser = databases())]
        databases: u32,
    },
    /// Write what a data directory holds as an RDB file
    Export {
        /// The RDB file to write; it must not exist
        file: PathBuf,
        /// The data directory; no server may be using it
        #[arg(long, default_value = "forebay-data")]
        dir: PathBuf,
        /// How many numbered databases there are
        #[arg(long, default_value_t = 16, value_parser = databases())]
        databases: u32,
    },
}

/// Whether the program's first argument names a tool. A configuration file of such a name can be
/// given as `./check`.
pub fn is_tool(first: &OsString) -> bool {
    ["check", "dump", "import", "export"].iter().any(|name| first == name)
}

/// Runs the tool that the program's arguments name, the program's own name included.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Its text is for people already; if it cannot be printed nobody reads it.
            drop(error.print());
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    out::run(|out| match arguments.tool {
        Tool::Check { dir, repair, databases } => {
            check::check(&dir, repair, databases as usize, out)
        }
        Tool::Dump { path } => dump::dump(&path, out),
        Tool::Import { file, dir, skip_unknown, databases } => {
            transfer::import(&file, &dir, skip_unknown, databases as usize, out)
        }
        Tool::Export { file, dir, databases } => {
            transfer::export(&file, &dir, databases as usize, out)
        }
    })
}

/// So many of something, in words: `1 part`, `2 parts`.
pub fn count(number: u64, one: &str) -> String {
    match (number, one.strip_suffix('y')) {
        (1, _) => format!("1 {one}"),
        (_, Some(stem)) if !one.ends_with("ey") => format!("{number} {stem}ies"),
        (_, _) if one.ends_with("sh") => format!("{number} {one}es"),
        (_, _) => format!("{number} {one}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn one_is_one_and_several_are_several() {
        let counted = [count(1, "key"), count(0, "key"), count(1, "library"), count(2, "library")];
        assert_eq!(counted, ["1 key", "0 keys", "1 library", "2 libraries"]);
        assert_eq!([count(1, "hash"), count(3, "hash")], ["1 hash", "3 hashes"]);
    }
}
