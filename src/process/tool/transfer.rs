//! `forebay import` and `forebay export`.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use super::directory::Traces;
use super::out::{Out, complain};
use super::{count, directory};
use crate::command::Server;
use crate::command::store::{self, Cause, Store};
use crate::config::{self, Config};
use crate::journal::disk::DirDisk;
use crate::keyspace::{Keyspace, Options, SystemClock};
use crate::process::export;
use crate::process::import::{self, Report, Truncated};
use crate::rdb::RELEASED_CONSUMER;
use crate::rdb::export::{Exported, LeftBehind};

/// Fills a data directory from a file of Redis. One that is not there is made when all has been read.
pub fn import(
    file: &Path,
    dir: &Path,
    skip_unknown: bool,
    databases: usize,
    out: &mut Out,
) -> Result<ExitCode, String> {
    let server = server(databases)?;
    directory::want_room(dir, file)?;
    let report = import::import(&server, file, &import::Options { skip_unknown })
        .map_err(|error| error.to_string())?;
    let traces = Traces::before(dir)?;
    if let Err(why) = keep(&server, dir) {
        let is_ours = Store::abandon(&server);
        return Err(match traces.remove(is_ours) {
            Ok(()) => why,
            Err(error) => format!("{why}; what was written there stays: {error}"),
        });
    }
    describe(&report).iter().chain(&report.warning).try_for_each(|line| out.line(line))?;
    Ok(ExitCode::SUCCESS)
}

/// Writes what the server holds into a directory, as a snapshot.
fn keep(server: &Arc<Server>, dir: &Path) -> Result<(), String> {
    let disk = DirDisk::open(dir).map_err(|error| directory::failed(dir, &error))?;
    let opened = Store::open(server, Arc::new(disk))
        .map_err(|reason| format!("cannot use {}: {reason}", dir.display()))?;
    if !opened.is_fresh {
        return Err(format!("{} was filled by somebody else meanwhile", dir.display()));
    }
    store::save(server, Cause::Save).map_err(|error| error.to_string())?;
    Store::close(server, false).map_err(|failure| failure.to_string())
}

/// Writes what a data directory holds as an RDB file.
pub fn export(
    file: &Path,
    dir: &Path,
    databases: usize,
    said: &mut Out,
) -> Result<ExitCode, String> {
    let disk = directory::open(dir)?;
    // Let go of again: the store takes the directory for itself.
    drop(directory::want_unused(dir, &disk)?);
    directory::want_data(dir, &disk)?;
    let server = server(databases)?;
    Store::read(&server, Arc::new(disk))
        .map_err(|reason| format!("cannot use {}: {reason}", dir.display()))?;
    let shown = |error: io::Error| format!("{}: {error}", file.display());
    let mut out = OpenOptions::new().write(true).create_new(true).open(file).map_err(shown)?;
    let exported = match write(&server, &mut out) {
        Ok(exported) => exported,
        Err(error) => {
            // Half a file is of no use; that it stays is told by the name in the error.
            drop(fs::remove_file(file));
            return Err(shown(error));
        }
    };
    describe_exported(&exported, file).iter().try_for_each(|line| said.line(line))?;
    // Beside the rest, so that nobody who looks for losses has to look through it.
    exported.left_behind.iter().for_each(|left| complain(&describe_left(left)));
    Ok(ExitCode::SUCCESS)
}

/// What an export has done, in lines for people.
fn describe_exported(exported: &Exported, file: &Path) -> Vec<String> {
    let mut lines = vec![format!("{} written to {}", count(exported.keys, "key"), file.display())];
    if exported.libraries > 0 {
        lines.push(format!(
            "{} of functions written with them",
            count(exported.libraries, "library")
        ));
    }
    if exported.without_idempotency > 0 {
        lines.push(format!(
            "{}: what is remembered of producers' ids has no place in an RDB file",
            count(exported.without_idempotency, "stream")
        ));
    }
    if exported.with_released > 0 {
        lines.push(format!(
            "{}: pending entries without a consumer belong to one named {} there",
            count(exported.with_released, "stream"),
            RELEASED_CONSUMER.escape_ascii()
        ));
    }
    if exported.with_field_deadlines > 0 {
        lines.push(format!(
            "{}: deadlines of fields are read by redis-server from 7.4 on, valkey-server does not \
             load such a file",
            count(exported.with_field_deadlines, "hash")
        ));
    }
    lines
}

/// What an RDB file does not say of a stream, in a line for people.
fn describe_left(left: &LeftBehind) -> String {
    let words = |words: &[Vec<u8>]| {
        let words: Vec<_> = words.iter().map(|word| config::word(word)).collect();
        words.join(" ")
    };
    let mut parts = Vec::new();
    if !left.policy.is_empty() {
        parts.push(format!("the stream's policy ({})", words(&left.policy)));
    }
    for (name, policy) in &left.group_policies {
        parts.push(format!("the policy of group {} ({})", config::word(name), words(policy)));
    }
    let counts = [
        (left.delayed, "entries that are not due yet"),
        (left.expiring, "entries that live for a time only"),
        (left.addressed, "entries that are for one group alone"),
        (left.messages, "messages remembered by DEDUPFIELD"),
        (left.leased, "leases"),
        (left.deferred, "deferred deliveries"),
        (left.held, "deliveries held by ORDERBY"),
        (left.ready, "deliveries that are ready"),
        (left.parked, "parked entries"),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    parts.extend(counts.map(|(count, what)| format!("{what}: {count}")));
    let (key, db) = (left.key.escape_ascii(), left.db);
    format!("left behind of {key} of database {db}: {}", parts.join(", "))
}

fn write(server: &Arc<Server>, out: &mut File) -> io::Result<Exported> {
    let exported = export::export(server, out)?;
    out.sync_all()?;
    Ok(exported)
}

/// A server that serves nobody.
pub(super) fn server(databases: usize) -> Result<Arc<Server>, String> {
    let lines = format!(
        "databases {databases}\nappendonly yes\nappendfsync always\njournal-reserve-size 0\n\
         journal-segment-size 1mb\n"
    );
    let config = Config::from_lines(&lines).map_err(|error| error.to_string())?;
    let keyspace =
        Keyspace::new(Options { databases, clock: Arc::new(SystemClock), seed: 0, sink: None });
    let server = Arc::new(Server::new(Arc::new(keyspace), Arc::new(config)));
    server.begin_loading();
    Ok(server)
}

/// What an import has done, in lines for people.
pub fn describe(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    let files: Vec<String> = report.files.iter().map(|path| path.display().to_string()).collect();
    let writer =
        report.written_by.as_ref().map_or(String::new(), |by| format!(", written by {by}"));
    lines.push(format!("read {}{writer}", files.join(", ")));
    let mut keys = count(report.held, "key");
    if report.commands > 0 {
        keys += &format!(", {} of an append-only file", count(report.commands, "command"));
    }
    lines.push(keys);
    if report.libraries > 0 {
        lines.push(format!("{} of functions", count(report.libraries, "library")));
    }
    if report.expired > 0 {
        lines.push(format!("left out as expired: {}", count(report.expired, "key")));
    }
    if report.empty > 0 {
        lines.push(format!("left out as without any element: {}", count(report.empty, "key")));
    }
    for unknown in &report.unknown {
        lines.push(format!(
            "left out: {} of database {}, a {}",
            unknown.name.escape_ascii(),
            unknown.db,
            unknown.kind
        ));
    }
    if let Some(Truncated { path, offset, lost_bytes }) = &report.truncated {
        lines.push(format!(
            "{} ends in the midst of a command: left out from offset {offset} on, {}",
            path.display(),
            count(*lost_bytes, "byte")
        ));
    }
    lines
}
