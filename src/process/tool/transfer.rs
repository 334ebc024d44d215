//! `forebay import` and `forebay export`.

use std::path::Path;
use std::process::ExitCode;

/// Fills an empty data directory from a file of Redis.
pub fn import(_: &Path, _: &Path, _: bool, _: usize) -> Result<ExitCode, String> {
    Err("not yet".into())
}

/// Writes what a data directory holds as an RDB file.
pub fn export(_: &Path, _: &Path, _: usize) -> Result<ExitCode, String> {
    Err("not yet".into())
}
