//! What a tool wants of the directory that it is given.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::command::store;
use crate::journal::disk::{DirDisk, DirLock, Disk, LockRefused};
use crate::journal::recovery::LOCK_FILE;
use crate::journal::{Plan, is_own_file};
use crate::process::import::{self, Names};

/// What file systems put into the root of a volume.
const OF_THE_VOLUME: &str = "lost+found";

/// Opens a directory that is there.
///
/// # Errors
/// It is not there, is none, or cannot be read; in words.
pub fn open(dir: &Path) -> Result<DirDisk, String> {
    match fs::metadata(dir) {
        Ok(found) if found.is_dir() => DirDisk::open(dir).map_err(|error| failed(dir, &error)),
        Ok(_) => Err(format!("{}: it is not a directory", dir.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(format!("{}: there is no such directory", dir.display()))
        }
        Err(error) => Err(failed(dir, &error)),
    }
}

/// Wants a directory to hold Forebay's data.
///
/// # Errors
/// It does not, or cannot be read; in words, which name the way in for Redis's files.
pub fn want_data(dir: &Path, disk: &dyn Disk) -> Result<(), String> {
    if store::holds_something(disk)? {
        return Ok(());
    }
    let dir_shown = dir.display();
    Err(match import::find(dir, &Names::default()) {
        Ok(None) => format!("{dir_shown} holds no Forebay data"),
        Ok(Some(found)) => {
            let found = found.path.display();
            format!(
                "{dir_shown} holds no Forebay data, but Redis's {found}: 'forebay import {found} \
                 --dir {dir_shown}' takes it in, as a start does"
            )
        }
        Err(error) => format!("{dir_shown} holds no Forebay data, and {error}"),
    })
}

/// Wants a directory in which nobody writes: what is read there changes meanwhile, and looks damaged.
/// Nobody begins to until what is returned is dropped.
///
/// # Errors
/// Somebody does, or it cannot be told; in words.
pub fn want_unused(dir: &Path, disk: &DirDisk) -> Result<Option<DirLock>, String> {
    disk.lock_to_read(LOCK_FILE).map_err(|refused| used(dir, &refused))
}

/// That a directory cannot be had, in words.
pub fn used(dir: &Path, refused: &LockRefused) -> String {
    let advice = match refused {
        LockRefused::Held { .. } => ": end that first",
        LockRefused::Io(_) => "",
    };
    format!("{}: {refused}{advice}", dir.display())
}

/// What an import has made, so that one that fails leaves nothing.
pub struct Traces {
    dir: PathBuf,
    /// Directories that were not there, the inner ones first.
    made: Vec<PathBuf>,
    /// Files of the journal that were there, such as a lock file.
    before: Vec<String>,
}

impl Traces {
    /// Before the import.
    ///
    /// # Errors
    /// The directory cannot be read; in words.
    pub fn before(dir: &Path) -> Result<Traces, String> {
        let missing = |above: &&Path| !above.as_os_str().is_empty() && !above.exists();
        let made: Vec<PathBuf> = dir.ancestors().take_while(missing).map(Path::to_owned).collect();
        let before = if made.is_empty() {
            open(dir)?.list().map_err(|error| failed(dir, &error))?
        } else {
            Vec::new()
        };
        Ok(Traces { dir: dir.to_owned(), made, before })
    }

    /// Removes what has been made since. `is_ours`: the directory's lock is held, so that nobody else
    /// has made files there; a directory is removed only when it is empty.
    pub fn remove(&self, is_ours: bool) -> io::Result<()> {
        if is_ours {
            let disk = DirDisk::open(&self.dir)?;
            // One that has become whole, or that somebody else has filled meanwhile, stays.
            if !Plan::survey(&disk)?.is_fresh() {
                return Ok(());
            }
            for name in disk.list()?.iter().filter(|name| is_own_file(name)) {
                if !self.before.contains(name) {
                    disk.remove(name)?;
                }
            }
        }
        for dir in self.made.iter().filter(|dir| dir.exists()) {
            match fs::remove_dir(dir) {
                Err(error) if error.kind() != io::ErrorKind::DirectoryNotEmpty => {
                    return Err(error);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Wants room for what is imported from `file`: a directory that is not there yet, or one that has
/// nothing but Redis's own files. In the directory of the file itself, where a start would import as
/// well, anything may stand beside.
///
/// # Errors
/// There is something else, or the directory cannot be read; in words.
pub fn want_room(dir: &Path, file: &Path) -> Result<(), String> {
    let shown = |error: io::Error| failed(dir, &error);
    if matches!(fs::metadata(dir), Err(error) if error.kind() == io::ErrorKind::NotFound) {
        return Ok(());
    }
    let disk = open(dir)?;
    want_unused(dir, &disk)?;
    if !Plan::survey(&disk).map_err(shown)?.is_fresh() {
        return Err(format!("{} holds data already: import into an empty one", dir.display()));
    }
    if is_home(dir, file).map_err(shown)? {
        return Ok(());
    }
    let names = Names::default();
    for entry in fs::read_dir(dir).map_err(shown)? {
        let name = entry.map_err(shown)?.file_name().to_string_lossy().into_owned();
        let is_known = [&names.rdb, &names.log, &names.log_directory].contains(&&name)
            || name == OF_THE_VOLUME
            || is_own_file(&name);
        if !is_known {
            return Err(format!(
                "{} holds other files, such as {name}: import into an empty directory",
                dir.display()
            ));
        }
    }
    Ok(())
}

/// Whether the directory is the one in which Redis had what is imported.
fn is_home(dir: &Path, file: &Path) -> io::Result<bool> {
    let dir = fs::canonicalize(dir)?;
    // A file that is not there is told of by the import.
    let Ok(file) = fs::canonicalize(file) else { return Ok(false) };
    // A manifest is one directory further down.
    let depth = if file.extension().is_some_and(|ending| ending == "manifest") { 3 } else { 2 };
    Ok(file.ancestors().take(depth).any(|above| above == dir))
}

/// An error of reading or writing, with its directory.
pub fn failed(dir: &Path, error: &io::Error) -> String {
    format!("{}: {error}", dir.display())
}
