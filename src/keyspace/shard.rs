//! One shard: its part of every database, and the set type that names several.

use std::collections::BTreeSet;
use std::mem::offset_of;
use std::ops::Deref;

use parking_lot::Mutex;

use super::SHARDS;
use super::snapshot::Capture;
use super::table::{Epoch, NEVER, Table};
use super::waiting::Waiting;
use super::watching::Watching;
use crate::journal::Effects;

/// A set of shards.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ShardSet(u64);

const _: () = assert!(SHARDS == u64::BITS as usize);

impl ShardSet {
    pub const NONE: ShardSet = ShardSet(0);
    pub const ALL: ShardSet = ShardSet(u64::MAX);

    pub fn one(shard: usize) -> ShardSet {
        ShardSet(1 << shard)
    }

    pub fn union(self, other: ShardSet) -> ShardSet {
        ShardSet(self.0 | other.0)
    }

    pub fn contains(self, other: ShardSet) -> bool {
        self.0 & other.0 == other.0
    }

    pub fn is_all(self) -> bool {
        self.0 == u64::MAX
    }

    /// The members in index order, which is the order of locking.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            if rest == 0 {
                return None;
            }
            let shard = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            Some(shard)
        })
    }

    /// The first member from `shard` on, or from the start; of an empty set there is none.
    pub(super) fn first_from(self, shard: usize) -> usize {
        let from = self.0 & (u64::MAX << shard);
        let bits = if from == 0 { self.0 } else { from };
        bits.trailing_zeros() as usize
    }

    pub(super) fn without(self, shard: usize) -> ShardSet {
        ShardSet(self.0 & !(1 << shard))
    }

    /// How many members come before `shard`, which must be one of them.
    pub(super) fn rank(self, shard: usize) -> usize {
        // Nearly always one shard is locked, and nothing has to be counted.
        if self.0 == 1 << shard {
            return 0;
        }
        assert!(self.0 >> shard & 1 == 1, "a command touched a key that it had not locked");
        (self.0 & ((1 << shard) - 1)).count_ones() as usize
    }
}

impl FromIterator<ShardSet> for ShardSet {
    fn from_iter<I: IntoIterator<Item = ShardSet>>(sets: I) -> ShardSet {
        sets.into_iter().fold(ShardSet::NONE, ShardSet::union)
    }
}

/// A shard's part of one numbered database.
#[derive(Default)]
pub(super) struct Db {
    pub table: Table,
    /// (deadline in unix ms, hash of the key), nearest first. Two keys of one hash and one deadline
    /// share a place; whoever expires it looks for all of them.
    pub deadlines: BTreeSet<(i64, u64)>,
    /// The same for hashes of which a field has a deadline, by the nearest one.
    pub field_deadlines: BTreeSet<(i64, u64)>,
    /// The same for streams that do something by themselves, by when the first of it may be.
    pub timers: BTreeSet<(i64, u64)>,
    pub waiting: Waiting,
    pub watching: Watching,
}

/// A key that became worth another look for who waits for it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct ReadyKey {
    /// Orders keys of several shards by when they became ready.
    pub seq: u64,
    pub db: usize,
    pub key: Box<[u8]>,
}

/// A shard behind its lock, in cache lines of its own: two cores on two shards share none. The lock and
/// what each step looks at first lie in the same line, since a step may take all shards (scripts do).
#[repr(align(64))]
pub(super) struct LockedShard(Mutex<Shard>);

const _: () = assert!(size_of::<usize>() + offset_of!(Shard, dbs) <= align_of::<LockedShard>());

impl LockedShard {
    pub fn new(databases: usize) -> LockedShard {
        LockedShard(Mutex::new(Shard::new(databases)))
    }
}

impl Deref for LockedShard {
    type Target = Mutex<Shard>;

    #[inline]
    fn deref(&self) -> &Mutex<Shard> {
        &self.0
    }
}

// In this order: see `LockedShard`.
#[repr(C)]
pub(super) struct Shard {
    /// The latest time any step saw here: time never runs backwards between two connections.
    pub last_now_ms: i64,
    /// The first of all timers here, or earlier; unix ms.
    pub timer_ms: i64,
    /// The journal's position behind the last frame of a step here. Who has seen what lies here
    /// tells nobody before that is settled.
    pub position: u64,
    /// In the order they became ready.
    pub ready: std::collections::VecDeque<ReadyKey>,
    pub dbs: Vec<Db>,
    /// How many keys all databases have here.
    pub keys: u64,
    /// The number of the last snapshot: what is made here is made in this epoch.
    pub epoch: Epoch,
    /// While a snapshot is made.
    pub capture: Option<Box<Capture>>,
    /// Changes since the start.
    pub changes: u64,
    /// Keys removed at their deadline since the start.
    pub expired_keys: u64,
    /// The same for fields of hashes.
    pub expired_fields: u64,
    /// Reads that found a key, and that did not, since the start.
    pub hits: u64,
    pub misses: u64,
    /// Empty, for the next step that leaves some.
    pub effects: Option<Box<Effects>>,
}

impl Shard {
    fn new(databases: usize) -> Shard {
        Shard {
            last_now_ms: 0,
            timer_ms: NEVER,
            position: 0,
            ready: std::collections::VecDeque::new(),
            dbs: (0..databases).map(|_| Db::default()).collect(),
            keys: 0,
            epoch: Epoch::default(),
            capture: None,
            changes: 0,
            expired_keys: 0,
            expired_fields: 0,
            hits: 0,
            misses: 0,
            effects: None,
        }
    }
}
