//! Which files an import reads.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::ImportError;
use crate::rdb::manifest::Manifest;

/// What Redis calls its files in its directory and which of them count, by its settings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Names {
    /// `dbfilename`
    pub rdb: String,
    /// `appenddirname`
    pub log_directory: String,
    /// `appendfilename`
    pub log: String,
    /// `appendonly`: an AOF counts before an RDB file; otherwise the other way round.
    pub log_counts: bool,
}

impl Default for Names {
    fn default() -> Names {
        Names {
            rdb: "dump.rdb".into(),
            log_directory: "appendonlydir".into(),
            log: "appendonly.aof".into(),
            log_counts: true,
        }
    }
}

/// Redis's files that an import would read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// An RDB file, an AOF, or the manifest of one in several parts.
    pub path: PathBuf,
    /// For people: that a newer file stands beside, which does not count.
    pub warning: Option<String>,
}

/// Redis's files in a directory, if there are any. An AOF and an RDB file may be there both, and the
/// setting says which of them counts: where only the other is there, Redis would start empty, and
/// here that one is taken. A multi-part AOF is newer than one of a single file.
///
/// # Errors
/// Something is there and cannot be read, such as a link that leads nowhere, or parts of an AOF
/// without the manifest that names them: who took that for nothing would start empty.
pub fn find(directory: &Path, names: &Names) -> Result<Option<Found>, ImportError> {
    let rdb = || file(directory.join(&names.rdb));
    let log = || log_in(directory, names);
    let (first, second) = if names.log_counts { (log()?, rdb()) } else { (rdb()?, log()) };
    let Some(path) = first else {
        return Ok(second?.map(|path| Found { path, warning: None }));
    };
    // What does not count need not be whole.
    let newer = second.ok().flatten().filter(|other| written_at(other) > written_at(&path));
    let warning = newer.map(|newer| {
        let (path, newer) = (path.display(), newer.display());
        if names.log_counts {
            format!(
                "{newer} is newer than {path} and was not read, since an AOF counts first: if Redis \
                 ran without its AOF at the end, import that file into an empty directory instead"
            )
        } else {
            format!("{newer} is newer than {path} and was not read, by `appendonly no`")
        }
    });
    Ok(Some(Found { path, warning }))
}

/// Files in a directory that look like Redis's, but not by the names that are set.
pub fn strays(directory: &Path, names: &Names) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let manifest = format!("{}.manifest", names.log);
    let mut found: Vec<PathBuf> = paths
        .filter_map(|path| {
            if path.is_dir() {
                return Some(path.join(&manifest)).filter(|manifest| manifest.is_file());
            }
            // Redis's own half-written files begin like this.
            let is_temporary = path.file_name()?.to_string_lossy().starts_with("temp-");
            (!is_temporary && ends_like(&path, &["rdb", "aof"])).then_some(path)
        })
        .collect();
    found.sort();
    found
}

/// The AOF in a directory: its manifest, or the file of one that is a single file.
fn log_in(directory: &Path, names: &Names) -> Result<Option<PathBuf>, ImportError> {
    let parts = directory.join(&names.log_directory);
    if let Some(manifest) = file(parts.join(format!("{}.manifest", names.log)))? {
        return Ok(Some(manifest));
    }
    let entries = match listed(&parts) {
        Err(ImportError::Io { error, .. })
            if error.kind() == io::ErrorKind::NotFound && !parts.is_symlink() =>
        {
            Vec::new()
        }
        listed => listed?,
    };
    let like = |ending| entries.iter().find(|path| ends_like(path, &[ending]));
    match like("manifest").or_else(|| like("aof")).or_else(|| like("rdb")).cloned() {
        Some(path) => Err(ImportError::Unnamed { path, log: names.log.clone() }),
        None => file(directory.join(&names.log)),
    }
}

fn ends_like(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().and_then(OsStr::to_str);
    ending.is_some_and(|ending| endings.contains(&ending))
}

/// What a directory holds, sorted.
fn listed(directory: &Path) -> Result<Vec<PathBuf>, ImportError> {
    let failed = |error| ImportError::Io { path: directory.to_owned(), error };
    let entries = fs::read_dir(directory).map_err(failed)?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()
        .map_err(failed)?;
    paths.sort();
    Ok(paths)
}

/// A file, if it is there.
fn file(path: PathBuf) -> Result<Option<PathBuf>, ImportError> {
    let error = match fs::metadata(&path) {
        Ok(found) if found.is_file() => return Ok(Some(path)),
        Ok(_) => io::Error::other("it is no file"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if !path.is_symlink() {
                return Ok(None);
            }
            io::Error::new(error.kind(), "the link leads nowhere")
        }
        Err(error) => error,
    };
    Err(ImportError::Io { path, error })
}

/// When a file was last written, or any of those that a manifest stands among.
fn written_at(path: &Path) -> Option<SystemTime> {
    let modified = |path: &Path| fs::metadata(path).and_then(|found| found.modified()).ok();
    if !ends_like(path, &["manifest"]) {
        return modified(path);
    }
    let parts = listed(path.parent()?).ok()?;
    parts.iter().filter_map(|part| modified(part)).max()
}

/// The files of an import, in order.
pub(super) struct Parts {
    pub files: Vec<PathBuf>,
    pub form: Form,
    /// As in [`Found`].
    pub warning: Option<String>,
}

/// What a file is known to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// An RDB file. What stands behind its end is not looked at, as in Redis.
    Rdb,
    /// An AOF's, which may be empty.
    Log,
    Unknown,
}

impl Parts {
    pub(super) fn of(path: &Path) -> Result<Parts, ImportError> {
        let failed = |error| ImportError::Io { path: path.to_owned(), error };
        if fs::metadata(path).map_err(failed)?.is_dir() {
            let Found { path, warning } = Parts::in_directory(path)?;
            return Ok(Parts { warning, ..Parts::of(&path)? });
        }
        if !ends_like(path, &["manifest"]) {
            return Ok(Parts {
                files: vec![path.to_owned()],
                form: Form::by_name(path),
                warning: None,
            });
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        let manifest = Manifest::parse(&text)
            .map_err(|wrong| ImportError::Manifest { path: path.to_owned(), wrong })?;
        let directory = path.parent().unwrap_or(Path::new("."));
        let names = manifest.base.iter().chain(&manifest.increments);
        let files = names.map(|name| directory.join(name)).collect();
        Ok(Parts { files, form: Form::Log, warning: None })
    }

    /// What to read in a directory: a manifest in it, or Redis's files by their usual names.
    fn in_directory(path: &Path) -> Result<Found, ImportError> {
        let mut manifests = listed(path)?;
        manifests.retain(|path| ends_like(path, &["manifest"]));
        match manifests.pop() {
            None => find(path, &Names::default())?
                .ok_or_else(|| ImportError::Nothing { path: path.to_owned() }),
            Some(only) if manifests.is_empty() => Ok(Found { path: only, warning: None }),
            Some(last) => {
                manifests.push(last);
                Err(ImportError::Several { path: path.to_owned(), manifests })
            }
        }
    }
}

impl Form {
    pub(super) fn by_name(path: &Path) -> Form {
        match path.extension().and_then(OsStr::to_str) {
            Some("aof") => Form::Log,
            Some("rdb") => Form::Rdb,
            _ => Form::Unknown,
        }
    }
}
