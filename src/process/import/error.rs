//! Why an import fails.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::Unknown;
use crate::rdb::{Fault, RdbError};

/// Why an import fails.
#[derive(Debug)]
pub enum ImportError {
    /// A file or directory cannot be read.
    Io { path: PathBuf, error: io::Error },
    /// Nothing in a directory can be imported.
    Nothing { path: PathBuf },
    /// A directory has several manifests.
    Several { path: PathBuf, manifests: Vec<PathBuf> },
    /// Parts of an AOF, without the manifest of the name that is set for one (`log`).
    Unnamed { path: PathBuf, log: String },
    /// A manifest is none.
    Manifest { path: PathBuf, wrong: String },
    /// A file is damaged, or of an unknown version.
    Damaged { path: PathBuf, error: RdbError },
    /// The files have a database beyond those that there are.
    Database { path: PathBuf, db: String, databases: usize },
    /// A file has a key twice.
    Twice { path: PathBuf, db: u64, name: Vec<u8> },
    /// The files have what cannot be held.
    Unknown(Vec<Unknown>),
}

impl ImportError {
    /// What an operator can do about it where a start finds `file` in `directory`.
    pub fn advice(&self, file: &Path, directory: &Path) -> String {
        let words = match self {
            ImportError::Unknown(_) => {
                return format!(
                    "'forebay import {} --dir {} --skip-unknown' leaves out what cannot be held",
                    file.display(),
                    directory.display()
                );
            }
            ImportError::Damaged { error, .. } => match error.fault {
                Fault::Io(_) => "move it away to start without what it holds",
                Fault::Version(_) | Fault::UnknownRecord(_) => {
                    "another version has written it: replace it by one that is known here, or move \
                     it away to start without what it holds"
                }
                _ => DAMAGED,
            },
            ImportError::Manifest { .. } | ImportError::Twice { .. } => DAMAGED,
            ImportError::Unnamed { .. } => {
                "set `appendfilename` as Redis had it, bring the manifest back, or move the parts \
                 away to start without them"
            }
            ImportError::Io { .. }
            | ImportError::Nothing { .. }
            | ImportError::Several { .. }
            | ImportError::Database { .. } => {
                "mend that, or move Redis's files away to start without them"
            }
        };
        words.into()
    }
}

const DAMAGED: &str = "the file is damaged: replace it by a whole one, or move it away to start \
                       without what it holds";

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ImportError::Io { path, error } => write!(f, "cannot read {}: {error}", path.display()),
            ImportError::Nothing { path } => write!(
                f,
                "{} holds no RDB file, AOF or manifest of one by the names that are set",
                path.display()
            ),
            ImportError::Several { path, manifests } => {
                let names: Vec<String> =
                    manifests.iter().map(|path| path.display().to_string()).collect();
                write!(f, "{} holds several manifests: {}", path.display(), names.join(", "))
            }
            ImportError::Unnamed { path, log } => {
                write!(f, "{} is there, but no {log}.manifest beside it", path.display())
            }
            ImportError::Manifest { path, wrong } => {
                write!(f, "{} is no manifest: {wrong}", path.display())
            }
            ImportError::Damaged { path, error } => write!(f, "{}: {error}", path.display()),
            ImportError::Database { path, db, databases } => write!(
                f,
                "{} has keys in database {db}, and there are {databases}: raise `databases`",
                path.display()
            ),
            ImportError::Twice { path, db, name } => write!(
                f,
                "{} has the key {} of database {db} twice",
                path.display(),
                name.escape_ascii()
            ),
            ImportError::Unknown(unknown) => {
                write!(f, "these cannot be held here; --skip-unknown leaves them out:")?;
                unknown.iter().try_for_each(|unknown| write!(f, "\n  {unknown}"))
            }
        }
    }
}

impl std::error::Error for ImportError {}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "database {}, {}: {}", self.db, self.name.escape_ascii(), self.kind)
    }
}
