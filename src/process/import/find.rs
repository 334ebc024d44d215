//! Which files an import reads.

use std::fs;
use std::path::{Path, PathBuf};

use super::ImportError;
use crate::rdb::manifest::Manifest;

/// What Redis calls its files in its directory, by its settings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Names {
    /// `dbfilename`
    pub rdb: String,
    /// `appenddirname`
    pub log_directory: String,
    /// `appendfilename`
    pub log: String,
}

impl Default for Names {
    fn default() -> Names {
        Names {
            rdb: "dump.rdb".into(),
            log_directory: "appendonlydir".into(),
            log: "appendonly.aof".into(),
        }
    }
}

/// Redis's files in a directory, if there are any: what an AOF has is newer than what an RDB file
/// has, and a multi-part AOF newer than one of a single file.
pub fn find(directory: &Path, names: &Names) -> Option<PathBuf> {
    let manifest = directory.join(&names.log_directory).join(format!("{}.manifest", names.log));
    let candidates = [manifest, directory.join(&names.log), directory.join(&names.rdb)];
    candidates.into_iter().find(|path| path.is_file())
}

/// The files of an import, in order.
pub(super) struct Parts {
    pub files: Vec<PathBuf>,
    /// They are known to be an AOF's, which may be empty.
    pub is_log: bool,
}

impl Parts {
    pub(super) fn of(path: &Path) -> Result<Parts, ImportError> {
        let failed = |error| ImportError::Io { path: path.to_owned(), error };
        if fs::metadata(path).map_err(failed)?.is_dir() {
            return Parts::of(&Parts::in_directory(path)?);
        }
        let ending = path.extension().and_then(|ending| ending.to_str());
        if ending != Some("manifest") {
            return Ok(Parts { files: vec![path.to_owned()], is_log: ending == Some("aof") });
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        let manifest = Manifest::parse(&text)
            .map_err(|wrong| ImportError::Manifest { path: path.to_owned(), wrong })?;
        let directory = path.parent().unwrap_or(Path::new("."));
        let names = manifest.base.iter().chain(&manifest.increments);
        Ok(Parts { files: names.map(|name| directory.join(name)).collect(), is_log: true })
    }

    /// What to read in a directory: a manifest in it, or Redis's files by their usual names.
    fn in_directory(path: &Path) -> Result<PathBuf, ImportError> {
        let failed = |error| ImportError::Io { path: path.to_owned(), error };
        let mut manifests = Vec::new();
        for entry in fs::read_dir(path).map_err(failed)? {
            let found = entry.map_err(failed)?.path();
            if found.extension().is_some_and(|ending| ending == "manifest") {
                manifests.push(found);
            }
        }
        manifests.sort();
        match manifests.pop() {
            None => find(path, &Names::default())
                .ok_or_else(|| ImportError::Nothing { path: path.to_owned() }),
            Some(only) if manifests.is_empty() => Ok(only),
            Some(last) => {
                manifests.push(last);
                Err(ImportError::Several { path: path.to_owned(), manifests })
            }
        }
    }
}
