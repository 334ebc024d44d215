//! The consumers of a group, by name and by number.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::types::spine::{Slot, Spine};
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

/// A number: a consumer's, or free.
#[derive(Clone)]
enum Place {
    Taken(Consumer),
    /// The number that was free before, to be given out after this one.
    Free(Option<u32>),
}

impl Slot for Place {
    type Key = ();

    fn key(&self) -> &() {
        &()
    }
}

impl Place {
    fn consumer(&self) -> Option<&Consumer> {
        match self {
            Place::Taken(consumer) => Some(consumer),
            Place::Free(_) => None,
        }
    }
}

/// A consumer, found by the hash of its name.
#[derive(Clone)]
struct Hashed {
    hash: u64,
    number: u32,
}

impl Slot for Hashed {
    type Key = u64;

    fn key(&self) -> &u64 {
        &self.hash
    }
}

/// Consumers under numbers that are given out again once free, the last freed first.
#[derive(Clone, Default)]
pub(super) struct Consumers {
    by_number: Spine<Place>,
    last_freed: Option<u32>,
    /// In order of the hashes.
    by_hash: Spine<Hashed>,
    hasher: RandomState,
}

impl Consumers {
    pub(super) fn len(&self) -> usize {
        self.by_hash.len()
    }

    pub(super) fn by_name(&self, name: &[u8]) -> Option<&Consumer> {
        self.find(name).map(|(_, consumer)| consumer)
    }

    /// The consumer of this name, and its place in `by_hash`.
    #[inline]
    fn find(&self, name: &[u8]) -> Option<(usize, &Consumer)> {
        let hash = self.hasher.hash_one(name);
        let mut place = self.by_hash.partition_point(|&other| other < hash);
        while let Some(hashed) = self.by_hash.get(place).filter(|hashed| hashed.hash == hash) {
            let consumer = self.numbered(hashed.number);
            if consumer.name() == name {
                return Some((place, consumer));
            }
            place += 1;
        }
        None
    }

    pub(super) fn numbered(&self, number: u32) -> &Consumer {
        self.get(number).expect("the number stands for a consumer")
    }

    pub(super) fn numbered_mut(&mut self, number: u32) -> &mut Consumer {
        self.get_mut(number).expect("the number stands for a consumer")
    }

    /// How many numbers were ever given out; all are below it.
    pub(super) fn numbers(&self) -> u32 {
        self.by_number.len() as u32
    }

    #[inline]
    pub(super) fn get(&self, number: u32) -> Option<&Consumer> {
        self.by_number.get(number as usize)?.consumer()
    }

    #[inline]
    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut Consumer> {
        match self.by_number.get_mut(number as usize)? {
            Place::Taken(consumer) => Some(consumer),
            Place::Free(_) => None,
        }
    }

    pub(super) fn in_name_order(&self) -> Vec<&Consumer> {
        let mut consumers: Vec<_> = self.by_number.iter().filter_map(Place::consumer).collect();
        consumers.sort_unstable_by_key(|consumer| consumer.name());
        consumers
    }

    /// Makes a consumer of a name that there is none of; its number.
    pub(super) fn create(&mut self, name: &[u8], now_ms: u64) -> u32 {
        let number = match self.last_freed {
            Some(number) => number,
            None => self.new_number(),
        };
        self.enter(number, name, now_ms, None);
        number
    }

    /// Adds a number that is free.
    pub(super) fn push_free(&mut self) {
        self.new_number();
    }

    /// Adds a number for a consumer of a name that there is none of.
    pub(super) fn push(&mut self, name: &[u8], seen_ms: u64, active_ms: Option<u64>) {
        let number = self.new_number();
        self.enter(number, name, seen_ms, active_ms);
    }

    /// Adds a number, and makes it the last freed.
    fn new_number(&mut self) -> u32 {
        let number = u32::try_from(self.by_number.len())
            .ok()
            .filter(|&number| number <= Owner::CONSUMER_MAX)
            .expect("four billion names do not fit in memory");
        self.by_number.push_back(Place::Free(self.last_freed.replace(number)));
        number
    }

    /// Puts a consumer under the number that was freed last.
    fn enter(&mut self, number: u32, name: &[u8], seen_ms: u64, active_ms: Option<u64>) {
        let place = self.by_number.get_mut(number as usize).expect("a number has a place");
        if let Place::Free(freed_before) = *place {
            self.last_freed = freed_before;
        }
        let name: Arc<[u8]> = name.into();
        let hash = self.hasher.hash_one(&*name);
        *place = Place::Taken(Consumer { name, number, seen_ms, active_ms, pending: 0 });
        let behind = self.by_hash.partition_point(|&other| other < hash);
        self.by_hash.insert(behind, Hashed { hash, number });
    }

    /// Removes a consumer and frees its number.
    pub(super) fn remove(&mut self, name: &[u8]) -> Option<Consumer> {
        let (place, consumer) = self.find(name)?;
        let number = consumer.number;
        self.by_hash.remove(place);
        let place = self.by_number.get_mut(number as usize)?;
        let freed = Place::Free(self.last_freed.replace(number));
        match std::mem::replace(place, freed) {
            Place::Taken(consumer) => Some(consumer),
            Place::Free(_) => None,
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let consumers = self.by_number.iter().filter_map(Place::consumer);
        let names: usize = consumers.map(|named| named.name.len() + 16).sum();
        names + self.by_number.heap_bytes() + self.by_hash.heap_bytes()
    }
}
