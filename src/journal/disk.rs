//! The one way to files: a directory of files that are preallocated, written, synced and renamed.
//!
//! Everything the journal does to a disk passes through [`Disk`] and [`DiskFile`], so that tests can
//! put a failing one ([`super::sim::SimDisk`]) in its place. Files are named relative to the
//! directory, which has no folders inside.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A directory of files.
pub trait Disk: Send + Sync {
    /// The names of all files, in no order.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Makes a file of `bytes` zero bytes whose room on the disk is taken at once, in the place of
    /// one of that name. When it fails, no file stays behind.
    fn create(&self, name: &str, bytes: u64) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file to read it.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file that exists to read and write it.
    fn open_write(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Which file has a name. Opens none, so that it can be asked where no more can be opened.
    fn id(&self, name: &str) -> io::Result<FileId>;

    /// Gives a file another name, in the place of one that has it. Lasting after [`Disk::sync`].
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file. Lasting after [`Disk::sync`].
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes the names as they are now lasting.
    fn sync(&self) -> io::Result<()>;

    /// Takes the directory for the process `pid` until the lock is dropped.
    ///
    /// # Errors
    /// Somebody holds it; the lock file cannot be made.
    fn lock(&self, name: &str, pid: u32) -> Result<DirLock, LockRefused>;
}

/// A file that is open. Reading and writing name their place, so one file may be used by several
/// threads.
pub trait DiskFile: Send + Sync {
    /// Reads at most `buffer.len()` bytes; 0 at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes some of `bytes`; how many.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Makes what was written lasting, and the file's length.
    ///
    /// # Errors
    /// After a failure nobody knows what is on the disk, and asking again tells nothing: the kernel
    /// may have dropped what it could not write.
    fn sync(&self) -> io::Result<()>;

    /// In bytes.
    fn len(&self) -> io::Result<u64>;

    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()>;

    fn id(&self) -> io::Result<FileId>;
}

/// Tells a file from all others that there are, whatever they are called.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FileId {
    pub device: u64,
    pub inode: u64,
}

impl From<fs::Metadata> for FileId {
    fn from(found: fs::Metadata) -> FileId {
        FileId { device: found.dev(), inode: found.ino() }
    }
}

/// Whether an error says that there is no such file, or no such directory. Any other leaves that
/// open.
pub fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Writes all of `bytes`, going on after short writes.
///
/// # Errors
/// Those of [`DiskFile::write_at`]; a write that takes nothing.
pub fn write_all_at(file: &dyn DiskFile, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write_at(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = &bytes[written..];
                offset += written as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads until `buffer` is full or the file ends; how many bytes.
///
/// # Errors
/// Those of [`DiskFile::read_at`].
pub fn read_full_at(file: &dyn DiskFile, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match file.read_at(&mut buffer[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Writes zeros from `offset` to `end`, and syncs.
///
/// A block that was preallocated but never written has to be noted as written in the file system's
/// own journal at its first sync: on ext4 an fdatasync took 256 µs there, and 157 µs where zeros had
/// been written before.
///
/// # Errors
/// Those of writing and syncing.
pub fn write_zeros(file: &dyn DiskFile, mut offset: u64, end: u64) -> io::Result<()> {
    static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
    while offset < end {
        let bytes = (end - offset).min(ZEROS.len() as u64);
        write_all_at(file, &ZEROS[..bytes as usize], offset)?;
        offset += bytes;
    }
    file.sync()
}

/// The directory is this process's until this is dropped.
pub struct DirLock {
    _held: Box<dyn Send + Sync>,
    id: FileId,
}

impl DirLock {
    /// `id` is the lock file's.
    pub fn new(held: impl Send + Sync + 'static, id: FileId) -> DirLock {
        DirLock { _held: Box::new(held), id }
    }

    /// The file that is locked. Whoever finds another one under its name, or none, shares the
    /// directory with whoever asks for it.
    pub fn id(&self) -> FileId {
        self.id
    }
}

impl fmt::Debug for DirLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DirLock")
    }
}

/// Why a directory could not be taken.
#[derive(Debug)]
pub enum LockRefused {
    /// Another process uses it; its number, if the lock file tells.
    Held { pid: Option<u32> },
    /// The lock file cannot be made or written.
    Io(io::Error),
}

impl fmt::Display for LockRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { pid: Some(pid) } => write!(f, "the directory is in use by process {pid}"),
            Self::Held { pid: None } => f.write_str("the directory is in use by another process"),
            Self::Io(error) => write!(f, "the lock file cannot be made or read: {error}"),
        }
    }
}

/// Makes a directory, and those above it, lasting: each level's name is in the one above, which is
/// synced. Nothing is done if it is there.
///
/// # Errors
/// One cannot be made or synced; something that is no directory is in the way.
pub fn make_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let above = match path.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        _ => Path::new("."),
    };
    make_directory(above)?;
    match fs::create_dir(path) {
        // Somebody else has been faster, and may not have synced it yet.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        made => made?,
    }
    File::open(above)?.sync_all()
}

/// A directory of the file system.
pub struct DirDisk {
    root: PathBuf,
    /// The directory, open from the start: where no file can be opened any more, names can still be
    /// made lasting.
    opened: File,
}

impl DirDisk {
    /// Opens a directory, making it if it is missing.
    ///
    /// # Errors
    /// It cannot be made, or is not a directory.
    pub fn open(root: &Path) -> io::Result<DirDisk> {
        make_directory(root)?;
        Ok(DirDisk { root: root.to_path_buf(), opened: File::open(root)? })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Takes the directory to read it until the lock is dropped, together with others who read, and
    /// without changing anything. None where there is no lock file: then nobody uses it.
    ///
    /// # Errors
    /// Somebody has it to write; the lock file cannot be read.
    pub fn lock_to_read(&self, name: &str) -> Result<Option<DirLock>, LockRefused> {
        let mut file = match File::open(self.path(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(LockRefused::Io)?,
        };
        match file.try_lock_shared() {
            Ok(()) => {
                let id = DiskFile::id(&file).map_err(LockRefused::Io)?;
                Ok(Some(DirLock::new(file, id)))
            }
            Err(error) => Err(refusal(error, &mut file)),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }
}

impl Disk for DirDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            // A file may lie elsewhere and be linked here. A link that leads nowhere is a name all
            // the same: who opens it tells of it.
            let is_file = kind.is_file() || kind.is_symlink() && !entry.path().is_dir();
            // A name that is not UTF-8 is none of the journal's.
            if let (true, Ok(name)) = (is_file, entry.file_name().into_string()) {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<Arc<dyn DiskFile>> {
        let path = self.path(name);
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
        if let Err(error) = preallocate(&file, bytes) {
            drop(file);
            // The room it took until it failed is needed elsewhere. The first error is the one told.
            return Err(fs::remove_file(&path).err().map_or(error, |_| {
                io::Error::other(format!("no room for {name}, and its rest cannot be removed"))
            }));
        }
        Ok(Arc::new(file))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let path = self.path(name);
        let opened = File::open(&path).map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound && path.is_symlink() {
                io::Error::new(error.kind(), format!("{name} is a link that leads nowhere"))
            } else {
                error
            }
        });
        Ok(Arc::new(opened?))
    }

    fn open_write(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(OpenOptions::new().read(true).write(true).open(self.path(name))?))
    }

    fn id(&self, name: &str) -> io::Result<FileId> {
        Ok(fs::metadata(self.path(name))?.into())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))
    }

    fn sync(&self) -> io::Result<()> {
        match File::open(&self.root) {
            Ok(directory) => directory.sync_all(),
            Err(error) if is_out_of_files(&error) => self.opened.sync_all(),
            Err(error) => Err(error),
        }
    }

    fn lock(&self, name: &str, pid: u32) -> Result<DirLock, LockRefused> {
        let path = self.path(name);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path).map_err(LockRefused::Io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(error) => return Err(refusal(error, &mut file)),
        }
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{pid}")
        };
        write(&mut file).map_err(LockRefused::Io)?;
        let id = DiskFile::id(&file).map_err(LockRefused::Io)?;
        Ok(DirLock::new(file, id))
    }
}

/// Why the lock was not had, and who has it: as a courtesy, since that it is held is what counts.
fn refusal(error: fs::TryLockError, file: &mut File) -> LockRefused {
    match error {
        fs::TryLockError::WouldBlock => {
            let mut holder = String::new();
            let pid =
                file.read_to_string(&mut holder).ok().and_then(|_| holder.trim().parse().ok());
            // Who only reads leaves the number of the last who wrote.
            LockRefused::Held { pid: pid.filter(is_running) }
        }
        fs::TryLockError::Error(error) => LockRefused::Io(error),
    }
}

fn is_running(pid: &u32) -> bool {
    let pid = i32::try_from(*pid).ok().and_then(rustix::process::Pid::from_raw);
    // One that may not be signalled is there as well.
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

fn is_out_of_files(error: &io::Error) -> bool {
    let errno = rustix::io::Errno::from_io_error(error);
    matches!(errno, Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE))
}

/// Takes the room on the disk, so that writing into the file cannot fail for want of it.
fn preallocate(file: &File, bytes: u64) -> io::Result<()> {
    if bytes == 0 {
        return Ok(());
    }
    match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
        Ok(()) => Ok(()),
        // The file system does not know how; writing does the same, slower.
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => write_zeros(file, 0, bytes),
        Err(error) => Err(error.into()),
    }
}

impl DiskFile for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        FileExt::write_at(self, bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        File::set_len(self, bytes)
    }

    fn id(&self) -> io::Result<FileId> {
        Ok(self.metadata()?.into())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A directory of a test's own, removed at its end.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Scratch {
            let name = format!("forebay-disk-{name}-{}", std::process::id());
            Scratch(std::env::temp_dir().join(name))
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).expect("the scratch directory is the test's own");
        }
    }

    #[test]
    fn several_read_and_one_writes() {
        let scratch = Scratch::new("lock");
        let disk = DirDisk::open(&scratch.0).expect("it can be made");
        let read = || disk.lock_to_read("lock");
        assert!(read().expect("nobody has it").is_none(), "and nothing is made");
        assert!(disk.list().expect("it can be read").is_empty());
        let own = std::process::id();
        let held = disk.lock("lock", own).expect("nobody has it");
        for refused in [read().map(drop), disk.lock("lock", own).map(drop)] {
            let LockRefused::Held { pid } = refused.expect_err("it is held") else {
                panic!("it is held")
            };
            assert_eq!(pid, Some(own));
        }
        drop(held);
        let readers = [read().expect("nobody writes"), read().expect("nobody writes")];
        assert!(readers.iter().all(Option::is_some));
        let refused = disk.lock("lock", own).expect_err("it is being read");
        assert!(matches!(refused, LockRefused::Held { pid: Some(_) }));
        drop(readers);
        // A number that is nobody's is not told of: no process has one so high.
        drop(disk.lock("lock", i32::MAX as u32).expect("nobody has it"));
        let reader = read().expect("nobody writes");
        let refused = disk.lock("lock", own).expect_err("it is being read");
        assert!(matches!(refused, LockRefused::Held { pid: None }));
        drop(reader);
    }

    #[test]
    fn links_to_files_are_files() {
        let scratch = Scratch::new("links");
        let disk = DirDisk::open(&scratch.0).expect("it can be made");
        drop(disk.create("file", 0).expect("it can be made"));
        fs::create_dir(scratch.0.join("folder")).expect("it can be made");
        for (to, name) in [("file", "a"), ("folder", "b"), ("nowhere", "c")] {
            symlink(to, scratch.0.join(name)).expect("a link can be made");
        }
        let mut names = disk.list().expect("it can be read");
        names.sort();
        assert_eq!(names, ["a", "c", "file"]);
        assert!(disk.open("a").is_ok());
        let error = disk.open("c").err().expect("there is nothing");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert_eq!(error.to_string(), "c is a link that leads nowhere");
    }

    #[test]
    fn directories_are_made_level_by_level() {
        let scratch = Scratch::new("levels");
        let root = &scratch.0;
        let deep = root.join("a/b/../c");
        make_directory(&deep).expect("the temporary directory is writable");
        make_directory(&deep).expect("it is there");
        assert!(root.join("a/b").is_dir() && root.join("a/c").is_dir());
        let file = root.join("file");
        fs::write(&file, "").expect("the folder is writable");
        for path in [file.clone(), file.join("below")] {
            assert!(make_directory(&path).is_err(), "{}", path.display());
        }
    }

    #[test]
    fn a_file_is_told_from_another_of_its_name() {
        let scratch = Scratch::new("ids");
        let root = scratch.0.join("data");
        let disk = DirDisk::open(&root).expect("the temporary directory is writable");
        let file = disk.create("a", 10).expect("there is room");
        let same = |name| disk.id(name).expect("it is there") == file.id().expect("it is open");
        assert!(same("a"));
        disk.rename("a", "b").expect("it is there");
        disk.create("a", 10).expect("there is room");
        assert!(same("b") && !same("a"));
        let lock = disk.lock("lock", 7).expect("nobody has it");
        assert_eq!(disk.id("lock").expect("it is there"), lock.id());
        fs::remove_dir_all(&root).expect("it is the test's own");
        assert!(is_missing(&disk.id("b").expect_err("it is gone")));
        fs::write(&root, "").expect("the temporary directory is writable");
        assert!(is_missing(&disk.id("b").expect_err("a file is in the way")));
    }
}
