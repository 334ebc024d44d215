//! Filling an empty server from Redis's own files.

mod error;
mod find;
mod log;

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::command::store::LoadProgress;
use crate::command::{Server, Session};
use crate::keyspace::{Expiry, ShardSet};
use crate::rdb::decode::Decoded;
use crate::rdb::file::{Key, LIBRARY, Reader, Record, is_rdb};
use crate::rdb::{Fault, RdbError, Source};
use crate::resp::Proto;

pub use error::ImportError;
use find::{Form, Parts};
pub use find::{Found, Names, find, strays};

/// How to import.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Options {
    /// What cannot be held is left out; otherwise the import fails if there is any.
    pub skip_unknown: bool,
}

/// Something in the files that cannot be held here.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Unknown {
    pub db: u64,
    /// The key, or the name of what is no key.
    pub name: Vec<u8>,
    /// Its type, or the command that could not be run on it.
    pub kind: String,
}

/// A last file that ends in the middle of a step, as after a crash.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Truncated {
    pub path: PathBuf,
    /// Where the last whole step ends.
    pub offset: u64,
    /// The bytes behind it, which were left out.
    pub lost_bytes: u64,
}

/// What an import has done.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Report {
    /// The files that were read, in order.
    pub files: Vec<PathBuf>,
    /// What the first RDB file says wrote it, such as `redis 8.2.3`.
    pub written_by: Option<String>,
    /// Keys read from RDB.
    pub keys: u64,
    /// Keys that are there at the end, when the commands have run.
    pub held: u64,
    /// Libraries of functions read from RDB.
    pub libraries: u64,
    /// Keys left out because their deadline had passed.
    pub expired: u64,
    /// Keys left out because their collection was empty.
    pub empty: u64,
    /// Commands run from AOF.
    pub commands: u64,
    /// What was left out, each once.
    pub unknown: Vec<Unknown>,
    pub truncated: Option<Truncated>,
    /// As in [`Found`], where what is imported was looked for in a directory.
    pub warning: Option<String>,
}

/// Reads `path` into the server's keyspace, which is empty: an RDB file, an AOF, the manifest of a
/// multi-part AOF, or a directory that holds one of these. Nothing is recorded for the journal; who
/// calls writes a snapshot afterwards. INFO and the log tell how far it is.
///
/// # Errors
/// The files cannot be read or are damaged; or, unless `options` say otherwise, they have something
/// that cannot be held, all of which is then named. The keyspace is to be thrown away.
pub fn import(server: &Arc<Server>, path: &Path, options: &Options) -> Result<Report, ImportError> {
    let parts = Parts::of(path)?;
    let mut import = Import::new(server);
    import.report.warning = parts.warning;
    // A file that is missing is told of when it is its turn.
    let sizes = parts.files.iter().filter_map(|part| fs::metadata(part).ok());
    let bytes = sizes.map(|found| found.len()).sum();
    let mut progress = LoadProgress::new(&server.store.loading, bytes);
    let mut read = 0;
    for (at, part) in parts.files.iter().enumerate() {
        let failed = |error| ImportError::Io { path: part.to_owned(), error };
        let opened = File::open(part).map_err(failed)?;
        let file = OneFile {
            path: part,
            form: parts.form,
            is_last: at + 1 == parts.files.len(),
            bytes: opened.metadata().map_err(failed)?.len(),
        };
        let mut input = Counted { input: opened, read, progress: &mut progress };
        import.file(&mut input, &file)?;
        read = input.read;
    }
    import.finish(options)
}

/// As [`import`], from `bytes` that stand for a file `path`: an RDB file, or an AOF of a single file.
///
/// # Errors
/// As of [`import`].
pub fn import_bytes(
    server: &Arc<Server>,
    bytes: &[u8],
    path: &Path,
    options: &Options,
) -> Result<Report, ImportError> {
    let mut import = Import::new(server);
    let file = OneFile { path, form: Form::Unknown, is_last: true, bytes: bytes.len() as u64 };
    import.file(&mut { bytes }, &file)?;
    import.finish(options)
}

/// A file of an import.
struct OneFile<'f> {
    path: &'f Path,
    form: Form,
    is_last: bool,
    bytes: u64,
}

fn begins_log(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(b'*' | b'#'))
}

impl OneFile<'_> {
    fn damaged(&self, error: RdbError) -> ImportError {
        ImportError::Damaged { path: self.path.to_owned(), error }
    }
}

/// A file whose bytes are counted as they are read.
struct Counted<'c, 'l> {
    input: File,
    /// Of this file and those before it.
    read: u64,
    progress: &'c mut LoadProgress<'l>,
}

impl Read for Counted<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.read += read as u64;
        self.progress.reached(self.read);
        Ok(read)
    }
}

struct Import<'i> {
    server: &'i Arc<Server>,
    now_ms: i64,
    /// Stands in for the connection whose commands an AOF has.
    session: Session,
    report: Report,
    /// Those of the report.
    named: HashSet<Unknown>,
}

impl<'i> Import<'i> {
    fn new(server: &'i Arc<Server>) -> Import<'i> {
        Import {
            server,
            now_ms: server.keyspace.clock().now_ms(),
            session: Session::stand_in(0, Proto::Resp2),
            report: Report::default(),
            named: HashSet::new(),
        }
    }

    fn finish(mut self, options: &Options) -> Result<Report, ImportError> {
        if !self.report.unknown.is_empty() && !options.skip_unknown {
            return Err(ImportError::Unknown(self.report.unknown));
        }
        let keyspace = &self.server.keyspace;
        self.report.held = keyspace.run(ShardSet::ALL, 0, self.now_ms, |tx| {
            // What is due counts until it is looked for.
            tx.replay_at(self.now_ms);
            (0..keyspace.databases())
                .map(|db| {
                    tx.select(db);
                    tx.db_len() as u64
                })
                .sum()
        });
        Ok(self.report)
    }

    fn file(&mut self, input: &mut dyn Read, file: &OneFile<'_>) -> Result<(), ImportError> {
        self.report.files.push(file.path.to_owned());
        let mut source = Source::from_reader(input);
        let damaged = |error| file.damaged(error);
        let begins = source.peek().map_err(damaged)?;
        if is_rdb(begins) {
            let is_summed = self.rdb(&mut source, file)?;
            // An AOF may have an RDB file in front. What follows on another is of no use to anybody,
            // if it is known to have ended.
            let follows = source.peek().map_err(damaged)?;
            let goes_on = match file.form {
                _ if !is_summed => !follows.is_empty(),
                Form::Rdb => false,
                Form::Log => !follows.is_empty(),
                Form::Unknown => begins_log(follows),
            };
            if !goes_on {
                return Ok(());
            }
        } else if file.form != Form::Log && !begins_log(begins) {
            return Err(damaged(source.error(Fault::NotRdb)));
        }
        self.log(&mut source, file)
    }

    /// Reads an RDB file; whether it has a checksum.
    fn rdb(&mut self, source: &mut Source<'_>, file: &OneFile<'_>) -> Result<bool, ImportError> {
        let damaged = |error| file.damaged(error);
        let mut reader = Reader::begin(source, self.server.value_limits()).map_err(damaged)?;
        while let Some(record) = reader.next_record().map_err(damaged)? {
            match record {
                Record::Key(key) => self.key(key, file.path)?,
                Record::Library { name, code } => self.library(name, &code),
                Record::Foreign { kind, name } => self.name(Unknown { db: 0, name, kind }),
                Record::Aux { name, value } => self.note_writer(&name, &value),
            }
        }
        Ok(reader.has_checksum())
    }

    /// Loads a library of functions. One that cannot be loaded here is named like all that cannot be
    /// held.
    fn library(&mut self, name: Vec<u8>, code: &[u8]) {
        match self.server.scripts.libraries.load(code, false, None) {
            Ok(_) => self.report.libraries += 1,
            Err(why) => {
                let kind = format!("{LIBRARY} ({})", String::from_utf8_lossy(&why));
                self.name(Unknown { db: 0, name, kind });
            }
        }
    }

    fn note_writer(&mut self, name: &[u8], value: &[u8]) {
        let name = String::from_utf8_lossy(name);
        if let Some(program) = name.strip_suffix("-ver")
            && self.report.written_by.is_none()
        {
            let value = String::from_utf8_lossy(value);
            self.report.written_by = Some(format!("{program} {value}"));
        }
    }

    fn key(&mut self, key: Key, path: &Path) -> Result<(), ImportError> {
        let keyspace = &self.server.keyspace;
        let db = usize::try_from(key.db).ok().filter(|db| *db < keyspace.databases());
        let db = db.ok_or_else(|| ImportError::Database {
            path: path.to_owned(),
            db: key.db.to_string(),
            databases: keyspace.databases(),
        })?;
        let value = match key.decoded {
            Decoded::Value(mut value) => {
                self.server.fit(&mut value);
                value
            }
            Decoded::Empty => {
                self.report.empty += 1;
                return Ok(());
            }
            Decoded::Foreign(kind) => {
                self.name(Unknown { db: key.db, name: key.name, kind });
                return Ok(());
            }
        };
        if key.expire_at_ms <= self.now_ms {
            self.report.expired += 1;
            return Ok(());
        }
        let accessed_at_ms = key.idle_s.map(|idle_s| {
            let idle_ms = i64::try_from(idle_s).unwrap_or(i64::MAX).saturating_mul(1000);
            self.now_ms.saturating_sub(idle_ms)
        });
        let is_new = keyspace.run(keyspace.shard_of(&key.name), db, self.now_ms, |tx| {
            tx.replay_at(self.now_ms);
            if tx.exists(&key.name) {
                return false;
            }
            // What has no deadline has the last moment of all, which is none here as well.
            tx.put(&key.name, value, Expiry::At(key.expire_at_ms));
            if let Some(accessed_at_ms) = accessed_at_ms {
                tx.set_accessed_at(&key.name, accessed_at_ms);
            }
            true
        });
        if !is_new {
            return Err(ImportError::Twice { path: path.to_owned(), db: key.db, name: key.name });
        }
        self.report.keys += 1;
        Ok(())
    }

    /// Notes what cannot be held.
    fn name(&mut self, unknown: Unknown) {
        if self.named.insert(unknown.clone()) {
            self.report.unknown.push(unknown);
        }
    }
}
