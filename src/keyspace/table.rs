//! One shard's part of one database: keys in insertion order, found by hash.
//!
//! Slots lie in a vector; a hash index points into it. Removing moves the last slot into the gap
//! (swap-remove), so a scan that walks from the end of the vector down never misses a slot that was
//! there throughout: what moves comes from a place already visited, or is not yet visited.

use hashbrown::HashTable;

use super::snapshot::Walk;
use super::value::Value;

/// No deadline.
pub const NEVER: i64 = i64::MAX;

/// The number of a snapshot, as slots carry it: 0 before the first one, and never again.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Epoch(u32);

impl Epoch {
    const BITS: u32 = 20;
    /// How many there are after the first.
    pub(super) const COUNT: u32 = (1 << Epoch::BITS) - 1;

    /// The next one; after the last they begin anew at 1.
    pub(super) fn next(self) -> Epoch {
        Epoch(self.0 % Epoch::COUNT + 1)
    }
}

/// A key with its value.
#[derive(Clone, Debug)]
pub struct Slot {
    pub(super) hash: u64,
    pub key: Box<[u8]>,
    pub value: Value,
    /// Unix time in ms at which the key is gone; [`NEVER`] if it stays.
    pub expire_at_ms: i64,
    /// In the upper 44 bits the unix time in ms of the last access (until the year 2527), in the
    /// lower 20 the epoch of the snapshot that captured the slot, or in which it was made.
    stamp: u64,
}

impl Slot {
    /// A slot that stays, accessed now.
    #[inline]
    pub(super) fn new(hash: u64, key: Box<[u8]>, value: Value, now_ms: i64, epoch: Epoch) -> Slot {
        let stamp = accessed(now_ms) | u64::from(epoch.0);
        Slot { hash, key, value, expire_at_ms: NEVER, stamp }
    }

    /// Unix time in ms of the last access that counts for OBJECT IDLETIME.
    pub fn accessed_at_ms(&self) -> i64 {
        (self.stamp >> Epoch::BITS) as i64
    }

    /// Notes an access.
    #[inline]
    pub(super) fn touch(&mut self, now_ms: i64) {
        self.stamp = accessed(now_ms) | self.stamp & u64::from(Epoch::COUNT);
    }

    /// Whether the slot was captured or made in this epoch.
    #[inline]
    pub(super) fn is_of(&self, epoch: Epoch) -> bool {
        self.stamp & u64::from(Epoch::COUNT) == u64::from(epoch.0)
    }

    pub(super) fn set_epoch(&mut self, epoch: Epoch) {
        self.stamp = self.stamp & !u64::from(Epoch::COUNT) | u64::from(epoch.0);
    }
}

/// A time of access in its place within a stamp. There are no times before 1970.
#[inline]
fn accessed(now_ms: i64) -> u64 {
    (now_ms.max(0) as u64) << Epoch::BITS
}

#[derive(Default)]
pub struct Table {
    index: HashTable<u32>,
    slots: Vec<Slot>,
    /// How many slots have a deadline.
    with_deadline: usize,
    /// Where the table stands in the last snapshot that has come to it.
    walk: Walk,
}

impl Table {
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// How many keys have a deadline.
    pub fn with_deadline(&self) -> usize {
        self.with_deadline
    }

    /// The slots in scan order; walk it from the end.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Where the table stands in the snapshot of an epoch, as the table of database `db` if nothing
    /// is known of it yet.
    pub(super) fn walk(&mut self, epoch: Epoch, db: usize) -> &mut Walk {
        if self.walk.epoch != epoch {
            self.walk = Walk { epoch, db: db as u32, rest: self.slots.len() as u32 };
        }
        &mut self.walk
    }

    /// Takes the last slot off a table in which nothing is looked up any more.
    pub(super) fn pop_unindexed(&mut self) -> Option<Slot> {
        self.slots.pop()
    }

    /// Makes room for as many more keys, and no more than that.
    pub(super) fn reserve(&mut self, keys: usize) {
        self.slots.reserve_exact(keys);
        let slots = &self.slots;
        self.index.reserve(keys, |&at| slots[at as usize].hash);
    }

    /// Gives back room that was made and is not needed.
    pub(super) fn shrink(&mut self) {
        if self.slots.len() < self.slots.capacity() / 2 {
            self.slots.shrink_to_fit();
            let slots = &self.slots;
            self.index.shrink_to_fit(|&at| slots[at as usize].hash);
        }
    }

    pub(super) fn find(&self, hash: u64, key: &[u8]) -> Option<usize> {
        let slots = &self.slots;
        self.index.find(hash, |&at| &*slots[at as usize].key == key).map(|&at| at as usize)
    }

    /// Finds a key by its hash alone, whose deadline is due.
    pub(super) fn find_due(&self, hash: u64, now_ms: i64) -> Option<usize> {
        let slots = &self.slots;
        self.index
            .find(hash, |&at| {
                let slot = &slots[at as usize];
                slot.hash == hash && slot.expire_at_ms <= now_ms
            })
            .map(|&at| at as usize)
    }

    /// Finds a key by its hash alone, of which a part is due.
    pub(super) fn find_with_due_parts(&self, hash: u64, now_ms: i64) -> Option<usize> {
        let slots = &self.slots;
        self.index
            .find(hash, |&at| {
                let slot = &slots[at as usize];
                slot.hash == hash && slot.value.nearest_deadline() <= now_ms
            })
            .map(|&at| at as usize)
    }

    /// The stream of this key hash that is to be looked after at `now_ms` or before.
    pub(super) fn find_with_timer(&self, hash: u64, now_ms: i64) -> Option<usize> {
        let slots = &self.slots;
        let is_due = |slot: &Slot| slot.hash == hash && slot.value.timer_ms() <= now_ms;
        self.index.find(hash, |&at| is_due(&slots[at as usize])).map(|&at| at as usize)
    }

    pub(super) fn slot(&self, at: usize) -> &Slot {
        &self.slots[at]
    }

    pub(super) fn slot_mut(&mut self, at: usize) -> &mut Slot {
        &mut self.slots[at]
    }

    /// Adds a key that is not there yet; its place.
    pub(super) fn insert_new(&mut self, slot: Slot) -> usize {
        let at = self.slots.len();
        let place = u32::try_from(at).expect("a shard's table holds fewer than 2^32 keys");
        if slot.expire_at_ms != NEVER {
            self.with_deadline += 1;
        }
        let hash = slot.hash;
        self.slots.push(slot);
        let slots = &self.slots;
        self.index.insert_unique(hash, place, |&at| slots[at as usize].hash);
        at
    }

    pub(super) fn set_deadline(&mut self, at: usize, expire_at_ms: i64) {
        let slot = &mut self.slots[at];
        let before = usize::from(slot.expire_at_ms != NEVER);
        slot.expire_at_ms = expire_at_ms;
        self.with_deadline = self.with_deadline - before + usize::from(expire_at_ms != NEVER);
    }

    pub(super) fn remove(&mut self, at: usize) -> Slot {
        let place = at as u32;
        let hash = self.slots[at].hash;
        match self.index.find_entry(hash, |&found| found == place) {
            Ok(entry) => drop(entry.remove()),
            Err(_) => unreachable!("every slot is indexed"),
        }
        let slot = self.slots.swap_remove(at);
        if let Some(moved) = self.slots.get(at) {
            let last = self.slots.len() as u32;
            let entry = self.index.find_mut(moved.hash, |&found| found == last);
            *entry.expect("every slot is indexed") = place;
        }
        if slot.expire_at_ms != NEVER {
            self.with_deadline -= 1;
        }
        slot
    }
}
