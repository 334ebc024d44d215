//! The consumers of a group, by name and by number.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::types::stream::pending::Owner;

/// One consumer of a group.
#[derive(Clone)]
pub struct Consumer {
    name: Arc<[u8]>,
    number: u32,
    pub(super) seen_ms: u64,
    pub(super) active_ms: Option<u64>,
    pub(super) pending: u64,
}

impl Consumer {
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Stands for the consumer in pending entries, as long as it exists.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// When a command last named the consumer, Unix time in ms.
    pub fn seen_ms(&self) -> u64 {
        self.seen_ms
    }

    /// When the consumer last received entries, Unix time in ms; `None` if it never has.
    pub fn active_ms(&self) -> Option<u64> {
        self.active_ms
    }

    /// How many pending entries it holds.
    pub fn pending(&self) -> u64 {
        self.pending
    }
}

/// Consumers under numbers that are given out again once free, lowest come first served last.
#[derive(Clone, Default)]
pub(super) struct Consumers {
    /// By number; `None` where the number is free.
    slots: Vec<Option<Consumer>>,
    free: Vec<u32>,
    /// Numbers, by the hash of the name.
    by_name: HashTable<u32>,
    hasher: RandomState,
}

impl Consumers {
    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    pub(super) fn by_name(&self, name: &[u8]) -> Option<&Consumer> {
        let is_named = |&number: &u32| self.numbered(number).name() == name;
        let number = self.by_name.find(self.hasher.hash_one(name), is_named)?;
        Some(self.numbered(*number))
    }

    pub(super) fn numbered(&self, number: u32) -> &Consumer {
        self.slots[number as usize].as_ref().expect("the number stands for a consumer")
    }

    pub(super) fn numbered_mut(&mut self, number: u32) -> &mut Consumer {
        self.slots[number as usize].as_mut().expect("the number stands for a consumer")
    }

    /// How many numbers were ever given out; all are below it.
    pub(super) fn numbers(&self) -> u32 {
        self.slots.len() as u32
    }

    pub(super) fn get(&self, number: u32) -> Option<&Consumer> {
        self.slots.get(number as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut Consumer> {
        self.slots.get_mut(number as usize)?.as_mut()
    }

    pub(super) fn in_name_order(&self) -> Vec<&Consumer> {
        let mut consumers: Vec<_> = self.slots.iter().flatten().collect();
        consumers.sort_unstable_by_key(|consumer| consumer.name());
        consumers
    }

    /// Makes a consumer of a name that there is none of; its number.
    pub(super) fn create(&mut self, name: &[u8], now_ms: u64) -> u32 {
        let number = self.free.pop().unwrap_or_else(|| self.new_number());
        self.enter(number, name, now_ms, None);
        number
    }

    /// Adds a number that is free.
    pub(super) fn push_free(&mut self) {
        let number = self.new_number();
        self.free.push(number);
    }

    /// Adds a number for a consumer of a name that there is none of.
    pub(super) fn push(&mut self, name: &[u8], seen_ms: u64, active_ms: Option<u64>) {
        let number = self.new_number();
        self.enter(number, name, seen_ms, active_ms);
    }

    fn new_number(&mut self) -> u32 {
        self.slots.push(None);
        u32::try_from(self.slots.len() - 1)
            .ok()
            .filter(|&number| number <= Owner::CONSUMER_MAX)
            .expect("four billion names do not fit in memory")
    }

    fn enter(&mut self, number: u32, name: &[u8], seen_ms: u64, active_ms: Option<u64>) {
        self.slots[number as usize] =
            Some(Consumer { name: name.into(), number, seen_ms, active_ms, pending: 0 });
        let (slots, hasher) = (&self.slots, &self.hasher);
        let hash = |&number: &u32| {
            slots[number as usize].as_ref().map_or(0, |named| hasher.hash_one(named.name()))
        };
        self.by_name.insert_unique(hasher.hash_one(name), number, hash);
    }

    /// Removes a consumer and frees its number.
    pub(super) fn remove(&mut self, name: &[u8]) -> Option<Consumer> {
        let slots = &self.slots;
        let is_named = |&number: &u32| {
            slots[number as usize].as_ref().is_some_and(|consumer| consumer.name() == name)
        };
        let found = self.by_name.find_entry(self.hasher.hash_one(name), is_named).ok()?;
        let (number, _) = found.remove();
        self.free.push(number);
        self.slots[number as usize].take()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let names: usize = self.slots.iter().flatten().map(|named| named.name.len() + 16).sum();
        names
            + self.slots.capacity() * size_of::<Option<Consumer>>()
            + self.free.capacity() * size_of::<u32>()
            + self.by_name.allocation_size()
    }
}
