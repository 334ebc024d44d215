//! A disk in memory that loses power and fails on demand, for tests.
//!
//! What was written is kept apart from what was synced. [`SimDisk::after_power_cut`] gives the disk
//! as it could be found afterwards: a seed decides, page by page, which of the states that a page had
//! since its last sync survives, or that it is torn between two of them; of the names, those that
//! were synced and some of the later changes in their order (a removal may also be undone by itself).

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use rustix::io::Errno;

use super::disk::{DirLock, Disk, DiskFile, FileId, LockRefused};

/// Bytes that reach the disk together, if they are not torn. Small, so that small files have many.
const PAGE_BYTES: usize = 128;

/// Random numbers from a seed: the same seed, the same numbers.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// SplitMix64.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.roll() % bound as u64) as usize
    }

    pub fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }
}

/// A way in which a disk fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Nothing can be made or grow (ENOSPC).
    Full,
    /// Nothing can be changed (EROFS).
    ReadOnly,
    /// Writes fail (EIO).
    WriteError,
    /// Syncs fail (EIO), and some of what should have been synced is lost for good.
    SyncError,
    /// A write takes a part of its bytes. No error, and nothing may come of it.
    ShortWrites,
    /// No file can be made or opened (EMFILE).
    TooManyFiles,
    /// The directory has been removed (ENOENT).
    Gone,
}

#[derive(Clone, Default)]
struct Inode {
    now: Vec<u8>,
    synced_bytes: usize,
    /// The states of each page since its last sync, the synced one first.
    unsynced: BTreeMap<usize, Vec<Vec<u8>>>,
    /// What a failed sync left on the disk, where that is not what is read.
    lost: BTreeMap<usize, Vec<u8>>,
}

#[derive(Clone)]
enum NameChange {
    Make(String, usize),
    Rename(String, String),
    Remove(String),
}

#[derive(Default)]
struct State {
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    synced_names: BTreeMap<String, usize>,
    unsynced_names: Vec<NameChange>,
    /// By the lock file.
    locks: HashMap<usize, u32>,
    /// Changes and syncs asked for so far.
    operations: u64,
    /// The operation at which the power fails.
    power_until: Option<u64>,
    fault: Option<Fault>,
    fault_from: u64,
    room_bytes: Option<u64>,
    dice: u64,
}

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

struct SimFile {
    disk: SimDisk,
    inode: usize,
}

impl SimDisk {
    pub fn new() -> SimDisk {
        SimDisk::default()
    }

    /// Fails this way from the operation after the next `operations`, until [`SimDisk::mend`].
    pub fn fail_after(&self, fault: Fault, operations: u64) {
        let mut state = self.state.lock();
        state.fault = Some(fault);
        state.fault_from = state.operations + operations;
    }

    /// Fails this way from now on.
    pub fn fail(&self, fault: Fault) {
        self.fail_after(fault, 0);
    }

    /// Fails no more.
    pub fn mend(&self) {
        self.state.lock().fault = None;
    }

    /// Sets how many bytes all files may have together; `None`: any number.
    pub fn set_room(&self, bytes: Option<u64>) {
        self.state.lock().room_bytes = bytes;
    }

    /// Changes and syncs asked for so far.
    pub fn operations(&self) -> u64 {
        self.state.lock().operations
    }

    /// Lets the power fail when `operations` in all have been asked for: that one and all later
    /// fail.
    pub fn power_until(&self, operations: u64) {
        self.state.lock().power_until = Some(operations);
    }

    /// Whether the power has failed.
    pub fn has_lost_power(&self) -> bool {
        !self.state.lock().has_power()
    }

    /// A new disk with what this one could hold after losing power now.
    pub fn after_power_cut(&self, seed: u64) -> SimDisk {
        let state = self.state.lock();
        let mut dice = Dice::new(seed);
        let names = state.names_after_cut(&mut dice);
        let mut found = State { dice: seed, ..State::default() };
        for (name, inode) in names {
            let content = state.inodes[inode].after_cut(&mut dice);
            found.put(&name, content);
        }
        SimDisk { state: Arc::new(Mutex::new(found)) }
    }

    /// A new disk with all that was written: what is found when the process alone has died.
    pub fn after_kill(&self) -> SimDisk {
        let state = self.state.lock();
        let mut found = State::default();
        for (name, inode) in &state.names {
            found.put(name, state.inodes[*inode].now.clone());
        }
        SimDisk { state: Arc::new(Mutex::new(found)) }
    }

    /// The file names, in order.
    pub fn names(&self) -> Vec<String> {
        self.state.lock().names.keys().cloned().collect()
    }

    /// What a file holds.
    pub fn content(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.state.lock();
        state.names.get(name).map(|inode| state.inodes[*inode].now.clone())
    }

    /// Puts a file there, synced, behind the back of whoever uses the disk.
    pub fn put(&self, name: &str, content: Vec<u8>) {
        self.state.lock().put(name, content);
    }

    /// Takes a file away, synced, behind the back of whoever uses the disk.
    pub fn take(&self, name: &str) {
        let mut state = self.state.lock();
        state.names.remove(name);
        state.synced_names.remove(name);
    }
}

impl Inode {
    /// A page as it is read now.
    fn page(&self, page: usize) -> Vec<u8> {
        page_of(&self.now, page)
    }

    fn change(&mut self, offset: usize, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let end = offset + bytes.len();
        let pages = offset / PAGE_BYTES..=(end - 1) / PAGE_BYTES;
        for page in pages.clone() {
            let before = self.lost.remove(&page).unwrap_or_else(|| self.page(page));
            self.unsynced.entry(page).or_insert_with(|| vec![before]);
        }
        if self.now.len() < end {
            self.now.resize(end, 0);
        }
        self.now[offset..end].copy_from_slice(bytes);
        for page in pages {
            let now = self.page(page);
            self.unsynced.entry(page).or_default().push(now);
        }
    }

    fn sync(&mut self) {
        self.unsynced.clear();
        self.synced_bytes = self.now.len();
    }

    /// The kernel tells of the failure once and takes the pages for clean, written or not.
    fn fail_sync(&mut self, dice: &mut Dice) {
        for (page, mut states) in std::mem::take(&mut self.unsynced) {
            if dice.chance(2) {
                self.lost.insert(page, states.swap_remove(0));
            }
        }
    }

    fn after_cut(&self, dice: &mut Dice) -> Vec<u8> {
        let mut content = self.now.clone();
        let mut put = |page: usize, bytes: &[u8]| {
            let from = page * PAGE_BYTES;
            let until = (from + PAGE_BYTES).min(content.len());
            if from < until {
                content[from..until].copy_from_slice(&bytes[..until - from]);
            }
        };
        for (page, bytes) in &self.lost {
            put(*page, bytes);
        }
        for (page, states) in &self.unsynced {
            let mut bytes = states[dice.below(states.len())].clone();
            if dice.chance(4) {
                let other = &states[dice.below(states.len())];
                let tear = dice.below(PAGE_BYTES);
                bytes[tear..].copy_from_slice(&other[tear..]);
            }
            put(*page, &bytes);
        }
        if dice.chance(2) {
            content.resize(self.synced_bytes, 0);
        }
        content
    }
}

fn page_of(content: &[u8], page: usize) -> Vec<u8> {
    let from = (page * PAGE_BYTES).min(content.len());
    let until = (from + PAGE_BYTES).min(content.len());
    let mut bytes = content[from..until].to_vec();
    bytes.resize(PAGE_BYTES, 0);
    bytes
}

impl State {
    /// Puts a file there, synced; which it is.
    fn put(&mut self, name: &str, content: Vec<u8>) -> usize {
        let synced_bytes = content.len();
        self.inodes.push(Inode { now: content, synced_bytes, ..Inode::default() });
        let inode = self.inodes.len() - 1;
        self.names.insert(name.into(), inode);
        self.synced_names.insert(name.into(), inode);
        inode
    }

    fn has_power(&self) -> bool {
        self.power_until.is_none_or(|last| self.operations < last)
    }

    /// The fault that is in force.
    fn fault(&self) -> Option<Fault> {
        self.fault.filter(|_| self.operations >= self.fault_from)
    }

    /// Counts a change or a sync, and fails it if `failing` says so of the fault in force.
    fn operate(&mut self, failing: impl Fn(Fault) -> Option<Errno>) -> io::Result<()> {
        let fault = self.fault();
        self.operations += 1;
        if !self.has_power() {
            return Err(Errno::IO.into());
        }
        fault.and_then(failing).map_or(Ok(()), |error| Err(error.into()))
    }

    fn check_room(&self, inode: Option<usize>, bytes: usize) -> io::Result<()> {
        let before = inode.map_or(0, |inode| self.inodes[inode].now.len());
        if bytes <= before {
            return Ok(());
        }
        let used: usize = self.names.values().map(|inode| self.inodes[*inode].now.len()).sum();
        let asked = (used + bytes - before) as u64;
        let is_full = self.room_bytes.is_some_and(|room| asked > room);
        if is_full || self.fault() == Some(Fault::Full) {
            return Err(Errno::NOSPC.into());
        }
        Ok(())
    }

    fn names_after_cut(&self, dice: &mut Dice) -> BTreeMap<String, usize> {
        let mut names = self.synced_names.clone();
        let kept = dice.below(self.unsynced_names.len() + 1);
        for change in &self.unsynced_names[..kept] {
            match change {
                NameChange::Make(name, inode) => {
                    names.insert(name.clone(), *inode);
                }
                NameChange::Rename(from, to) => {
                    if let Some(inode) = names.remove(from) {
                        names.insert(to.clone(), inode);
                    }
                }
                NameChange::Remove(name) => {
                    if !dice.chance(4) {
                        names.remove(name);
                    }
                }
            }
        }
        names
    }

    /// A file that is to be opened.
    fn find(&self, name: &str) -> io::Result<usize> {
        match self.fault() {
            Some(Fault::TooManyFiles) if self.has_power() => Err(Errno::MFILE.into()),
            _ => self.look(name),
        }
    }

    fn look(&self, name: &str) -> io::Result<usize> {
        match self.fault() {
            _ if !self.has_power() => return Err(Errno::IO.into()),
            Some(Fault::Gone) => return Err(Errno::NOENT.into()),
            _ => {}
        }
        self.names.get(name).copied().ok_or_else(|| Errno::NOENT.into())
    }
}

fn id_of(inode: usize) -> FileId {
    FileId { device: 0, inode: inode as u64 }
}

/// How changes of names fail.
fn naming(fault: Fault) -> Option<Errno> {
    match fault {
        Fault::ReadOnly => Some(Errno::ROFS),
        Fault::Gone => Some(Errno::NOENT),
        _ => None,
    }
}

impl Disk for SimDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let state = self.state.lock();
        match state.fault() {
            _ if !state.has_power() => Err(Errno::IO.into()),
            Some(Fault::Gone) => Err(Errno::NOENT.into()),
            _ => Ok(state.names.keys().cloned().collect()),
        }
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state.lock();
        state.operate(|fault| match fault {
            Fault::TooManyFiles => Some(Errno::MFILE),
            other => naming(other),
        })?;
        state.check_room(None, bytes as usize)?;
        state.inodes.push(Inode { now: vec![0; bytes as usize], ..Inode::default() });
        let inode = state.inodes.len() - 1;
        state.names.insert(name.into(), inode);
        state.unsynced_names.push(NameChange::Make(name.into(), inode));
        Ok(Arc::new(SimFile { disk: self.clone(), inode }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let inode = self.state.lock().find(name)?;
        Ok(Arc::new(SimFile { disk: self.clone(), inode }))
    }

    fn open_write(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        if self.state.lock().fault() == Some(Fault::ReadOnly) {
            return Err(Errno::ROFS.into());
        }
        self.open(name)
    }

    fn id(&self, name: &str) -> io::Result<FileId> {
        self.state.lock().look(name).map(id_of)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        state.operate(naming)?;
        let inode = state.names.remove(from).ok_or(Errno::NOENT)?;
        state.names.insert(to.into(), inode);
        state.unsynced_names.push(NameChange::Rename(from.into(), to.into()));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        state.operate(naming)?;
        state.names.remove(name).ok_or(Errno::NOENT)?;
        state.unsynced_names.push(NameChange::Remove(name.into()));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        state.operate(|fault| match fault {
            Fault::SyncError => Some(Errno::IO),
            Fault::Gone => Some(Errno::NOENT),
            _ => None,
        })?;
        state.synced_names = state.names.clone();
        state.unsynced_names.clear();
        Ok(())
    }

    fn lock(&self, name: &str, pid: u32) -> Result<DirLock, LockRefused> {
        struct Held(SimDisk, usize);
        impl Drop for Held {
            fn drop(&mut self) {
                self.0.state.lock().locks.remove(&self.1);
            }
        }
        let mut state = self.state.lock();
        let found = state.names.get(name).copied();
        if let Some(holder) = found.and_then(|inode| state.locks.get(&inode)) {
            return Err(LockRefused::Held { pid: Some(*holder) });
        }
        state.operate(naming).map_err(LockRefused::Io)?;
        let inode = found.unwrap_or_else(|| state.put(name, format!("{pid}\n").into_bytes()));
        state.locks.insert(inode, pid);
        Ok(DirLock::new(Held(self.clone(), inode), id_of(inode)))
    }
}

impl DiskFile for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.state.lock();
        if !state.has_power() {
            return Err(Errno::IO.into());
        }
        let content = &state.inodes[self.inode].now;
        let from = content.len().min(offset as usize);
        let bytes = buffer.len().min(content.len() - from);
        buffer[..bytes].copy_from_slice(&content[from..from + bytes]);
        Ok(bytes)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.state.lock();
        let fault = state.fault();
        let is_short = fault == Some(Fault::ShortWrites) && bytes.len() > 1;
        let bytes = if is_short { &bytes[..bytes.len() / 2] } else { bytes };
        let operated = state.operate(|fault| match fault {
            Fault::WriteError => Some(Errno::IO),
            Fault::ReadOnly => Some(Errno::ROFS),
            _ => None,
        });
        state.check_room(Some(self.inode), offset as usize + bytes.len())?;
        // A write that the power cut meets may still reach the disk.
        if operated.is_ok() || !state.has_power() {
            state.inodes[self.inode].change(offset as usize, bytes);
        }
        operated.map(|()| bytes.len())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state.lock();
        let fault = state.fault();
        let operated = state.operate(|fault| (fault == Fault::SyncError).then_some(Errno::IO));
        let mut dice = Dice::new(state.dice ^ state.operations);
        let inode = &mut state.inodes[self.inode];
        match &operated {
            Ok(()) => inode.sync(),
            Err(_) if fault == Some(Fault::SyncError) => inode.fail_sync(&mut dice),
            Err(_) => {}
        }
        operated
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.state.lock().inodes[self.inode].now.len() as u64)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        let mut state = self.disk.state.lock();
        state.operate(naming)?;
        state.check_room(Some(self.inode), bytes as usize)?;
        state.inodes[self.inode].now.resize(bytes as usize, 0);
        Ok(())
    }

    fn id(&self) -> io::Result<FileId> {
        Ok(id_of(self.inode))
    }
}
