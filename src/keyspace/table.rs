//! One shard's part of one database: keys in insertion order, found by hash.
//!
//! Slots lie in a vector; a hash index points into it. Removing moves the last slot into the gap
//! (swap-remove), so a scan that walks from the end of the vector down never misses a slot that was
//! there throughout: what moves comes from a place already visited, or is not yet visited.

use hashbrown::HashTable;

use super::value::Value;

/// No deadline.
pub const NEVER: i64 = i64::MAX;

/// A key with its value.
#[derive(Clone, Debug)]
pub struct Slot {
    pub(super) hash: u64,
    pub key: Box<[u8]>,
    pub value: Value,
    /// Unix time in ms at which the key is gone; [`NEVER`] if it stays.
    pub expire_at_ms: i64,
    /// Unix time in ms of the last access that counts for OBJECT IDLETIME.
    pub accessed_at_ms: i64,
}

#[derive(Default)]
pub struct Table {
    index: HashTable<u32>,
    slots: Vec<Slot>,
    /// How many slots have a deadline.
    with_deadline: usize,
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

    /// Takes the table apart.
    pub(super) fn into_slots(self) -> Vec<Slot> {
        self.slots
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
