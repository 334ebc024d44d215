//! What a stream remembers of its producers, so that an entry sent twice is added once.
//!
//! A producer names each message with an idempotency id, or has it made from the content. The pair leads
//! to the entry it was added as, for a time counted from that entry's id, and for the last so
//! many messages of each producer. The entry itself may be gone by then.

pub(super) mod image;

use std::collections::{BTreeSet, VecDeque};
use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use xxhash_rust::xxh3::Xxh3Default;

use super::StreamId;

/// How long and how much is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdmpLimits {
    /// Seconds from the id of an entry to when its idempotency id may be used anew.
    pub duration_s: u32,
    /// Idempotency ids remembered of each producer.
    pub per_producer_max: u32,
}

impl Default for IdmpLimits {
    fn default() -> IdmpLimits {
        IdmpLimits { duration_s: 100, per_producer_max: 100 }
    }
}

/// The pair is remembered already, for another entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdmpConflict;

/// The idempotency memory of one stream. A stream that never used it holds five words.
#[derive(Clone, Debug)]
pub struct Idmp {
    limits: IdmpLimits,
    added: u64,
    duplicates: u64,
    memory: Option<Box<Memory>>,
}

impl Idmp {
    pub fn new(limits: IdmpLimits) -> Idmp {
        Idmp { limits, added: 0, duplicates: 0, memory: None }
    }

    pub fn limits(&self) -> IdmpLimits {
        self.limits
    }

    /// Entries ever added with an idempotency id.
    pub fn added(&self) -> u64 {
        self.added
    }

    /// Entries ever not added because they had been.
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Changes the limits. Everything is forgotten if that changes them.
    pub fn set_limits(&mut self, limits: IdmpLimits) {
        if limits != self.limits {
            self.limits = limits;
            self.memory = None;
        }
    }

    /// The entry that the producer's message was added as.
    pub fn find(&self, producer: &[u8], iid: &[u8], now_ms: u64) -> Option<StreamId> {
        let id = self.memory.as_ref()?.find(producer, iid)?;
        (!self.is_expired(id, now_ms)).then_some(id)
    }

    /// Counts an entry that was not added because it had been.
    pub fn note_duplicate(&mut self) {
        self.duplicates += 1;
    }

    /// Remembers that the producer's message was added as `id`, and counts it. The pair is not
    /// remembered at this time.
    pub fn remember(&mut self, producer: &[u8], iid: &[u8], id: StreamId, now_ms: u64) {
        self.added += 1;
        self.forget_expired(now_ms);
        self.insert(producer, iid, id);
    }

    /// Remembers the pair as it is stated from outside, not counting it.
    pub fn restore(
        &mut self,
        producer: &[u8],
        iid: &[u8],
        id: StreamId,
        now_ms: u64,
    ) -> Result<(), IdmpConflict> {
        self.forget_expired(now_ms);
        match self.find(producer, iid, now_ms) {
            Some(known) if known == id => Ok(()),
            Some(_) => Err(IdmpConflict),
            None => {
                self.insert(producer, iid, id);
                Ok(())
            }
        }
    }

    /// Sets the counts of all time, as a snapshot states them.
    pub fn set_counts(&mut self, added: u64, duplicates: u64) {
        self.added = added;
        self.duplicates = duplicates;
    }

    /// How many producers and how many idempotency ids are remembered.
    ///
    /// Passes over what has expired since the last entry was remembered.
    pub fn tracked(&self, now_ms: u64) -> (usize, usize) {
        let Some(memory) = &self.memory else { return (0, 0) };
        let (mut producers, mut iids) = (memory.producers.len(), memory.by_id.len());
        for &(id, at) in memory.by_id.iter().take_while(|(id, _)| self.is_expired(*id, now_ms)) {
            iids -= 1;
            let producer = &memory.producers_by_number[memory.record(at).producer as usize];
            producers -= usize::from(producer.records.back() == Some(&(id, at)));
        }
        (producers, iids)
    }

    /// All that is remembered and not expired: producer, idempotency id, and entry, in id order.
    pub fn iter(&self, now_ms: u64) -> impl Iterator<Item = (&[u8], &[u8], StreamId)> {
        self.memory.iter().flat_map(move |memory| {
            let live = memory.by_id.iter().filter(move |(id, _)| !self.is_expired(*id, now_ms));
            live.map(|&(id, at)| {
                let record = memory.record(at);
                let producer = &memory.producers_by_number[record.producer as usize];
                (&*producer.name, &*record.iid, id)
            })
        })
    }

    /// How many idempotency ids are remembered, expired ones included.
    fn len(&self) -> usize {
        self.memory.as_ref().map_or(0, |memory| memory.by_id.len())
    }

    /// Whether nothing is remembered.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All that is remembered from the one at place `from` on, expired or not, in id order.
    fn remembered(&self, from: usize) -> impl Iterator<Item = (&[u8], &[u8], StreamId)> {
        self.iter(0).skip(from)
    }

    /// Adds what a snapshot says is remembered behind all that is; false if it is not behind it.
    fn push_read(&mut self, producer: &[u8], iid: &[u8], id: StreamId) -> bool {
        let memory = self.memory.get_or_insert_default();
        let is_behind = memory.by_id.last().is_none_or(|&(last, _)| last <= id);
        if !is_behind || memory.find(producer, iid).is_some() {
            return false;
        }
        let number = memory.producer_number(producer);
        memory.insert(number, iid, id);
        true
    }

    /// The memory held, in bytes, roughly.
    pub fn memory_bytes(&self) -> usize {
        /// A place in the tree, one in the producer's queue, one in the index, and the id's bytes.
        const RECORD_BYTES: usize = size_of::<Record>() + 2 * 32 + 8 + 16;
        self.memory.as_ref().map_or(0, |memory| {
            size_of::<Memory>()
                + memory.records.capacity() * RECORD_BYTES
                + memory.producers_by_number.capacity() * size_of::<Producer>()
        })
    }

    /// Redis keeps no time beside the id, so the id's own is what counts.
    fn is_expired(&self, id: StreamId, now_ms: u64) -> bool {
        now_ms.saturating_sub(id.ms) >= u64::from(self.limits.duration_s) * 1000
    }

    fn forget_expired(&mut self, now_ms: u64) {
        while let Some(memory) = &self.memory
            && let Some(&(id, at)) = memory.by_id.first()
            && self.is_expired(id, now_ms)
        {
            self.forget(at);
        }
    }

    fn forget(&mut self, at: u32) {
        if let Some(memory) = &mut self.memory {
            memory.forget(at);
            if memory.by_id.is_empty() {
                self.memory = None;
            }
        }
    }

    fn insert(&mut self, producer: &[u8], iid: &[u8], id: StreamId) {
        let memory = self.memory.get_or_insert_default();
        let number = memory.producer_number(producer);
        let records = &memory.producers_by_number[number as usize].records;
        if records.len() >= self.limits.per_producer_max as usize
            && let Some(&(_, oldest)) = records.front()
        {
            memory.forget(oldest);
        }
        // The producer may have gone with its last record.
        let number = memory.producer_number(producer);
        memory.insert(number, iid, id);
    }
}

/// Makes the idempotency id of an entry from its content; the order of the fields does not matter.
#[derive(Default)]
pub struct ContentId(u128);

impl ContentId {
    pub fn add(&mut self, name: &[u8], value: &[u8]) {
        let mut hash = Xxh3Default::new();
        hash.update(&(name.len() as u64).to_le_bytes());
        hash.update(name);
        hash.update(value);
        self.0 = self.0.wrapping_add(hash.digest128());
    }

    /// The id. It stays the same over restarts and versions: it is journalled.
    pub fn bytes(&self) -> [u8; 16] {
        self.0.to_le_bytes()
    }
}

#[derive(Clone, Debug)]
struct Record {
    producer: u32,
    iid: Box<[u8]>,
    id: StreamId,
}

#[derive(Clone, Debug)]
struct Producer {
    name: Box<[u8]>,
    /// Ids and places of its records, lowest id first. Empty where the number is free.
    records: VecDeque<(StreamId, u32)>,
}

/// Records in a slab, found by producer and idempotency id, by age, and by age within a producer.
#[derive(Clone, Debug, Default)]
struct Memory {
    records: Vec<Option<Record>>,
    free_records: Vec<u32>,
    by_iid: HashTable<u32>,
    by_id: BTreeSet<(StreamId, u32)>,
    producers_by_number: Vec<Producer>,
    free_producers: Vec<u32>,
    /// Numbers of the producers that have records, by name.
    producers: HashTable<u32>,
    hasher: RandomState,
}

impl Memory {
    fn record(&self, at: u32) -> &Record {
        self.records[at as usize].as_ref().expect("a place that is noted holds a record")
    }

    fn find(&self, producer: &[u8], iid: &[u8]) -> Option<StreamId> {
        let is_named = |&number: &u32| *self.producers_by_number[number as usize].name == *producer;
        let number = *self.producers.find(self.hasher.hash_one(producer), is_named)?;
        let is_it = |&at: &u32| {
            let record = self.record(at);
            record.producer == number && *record.iid == *iid
        };
        let at = *self.by_iid.find(self.hasher.hash_one((number, iid)), is_it)?;
        Some(self.record(at).id)
    }

    /// The number of a producer, given now if it has none.
    fn producer_number(&mut self, name: &[u8]) -> u32 {
        let hash = self.hasher.hash_one(name);
        let named = &self.producers_by_number;
        let is_named = |&number: &u32| *named[number as usize].name == *name;
        if let Some(&number) = self.producers.find(hash, is_named) {
            return number;
        }
        let producer = Producer { name: name.into(), records: VecDeque::new() };
        let number = match self.free_producers.pop() {
            Some(number) => {
                self.producers_by_number[number as usize] = producer;
                number
            }
            None => {
                self.producers_by_number.push(producer);
                self.producers_by_number.len() as u32 - 1
            }
        };
        let (named, hasher) = (&self.producers_by_number, &self.hasher);
        let rehash = |&number: &u32| hasher.hash_one(&*named[number as usize].name);
        self.producers.insert_unique(hash, number, rehash);
        number
    }

    fn insert(&mut self, producer: u32, iid: &[u8], id: StreamId) {
        let record = Some(Record { producer, iid: iid.into(), id });
        let at = match self.free_records.pop() {
            Some(at) => {
                self.records[at as usize] = record;
                at
            }
            None => {
                self.records.push(record);
                self.records.len() as u32 - 1
            }
        };
        self.by_id.insert((id, at));
        // Ids rise, but for those restored from outside.
        let records = &mut self.producers_by_number[producer as usize].records;
        let place = match records.back() {
            Some(&newest) if newest > (id, at) => records.partition_point(|&one| one < (id, at)),
            _ => records.len(),
        };
        records.insert(place, (id, at));
        let (records, hasher) = (&self.records, &self.hasher);
        let rehash = |&at: &u32| {
            let record =
                records[at as usize].as_ref().expect("a place that is noted holds a record");
            hasher.hash_one((record.producer, &*record.iid))
        };
        self.by_iid.insert_unique(hasher.hash_one((producer, iid)), at, rehash);
    }

    fn forget(&mut self, at: u32) {
        let record =
            self.records[at as usize].take().expect("a place that is noted holds a record");
        self.free_records.push(at);
        self.by_id.remove(&(record.id, at));
        let hash = self.hasher.hash_one((record.producer, &*record.iid));
        if let Ok(found) = self.by_iid.find_entry(hash, |&one| one == at) {
            found.remove();
        }
        let number = record.producer;
        let producer = &mut self.producers_by_number[number as usize];
        // Both ways to forget take the oldest first, so this is nearly always the front.
        if let Some(place) = producer.records.iter().position(|&one| one == (record.id, at)) {
            producer.records.remove(place);
        }
        if producer.records.is_empty() {
            let hash = self.hasher.hash_one(&*producer.name);
            if let Ok(found) = self.producers.find_entry(hash, |&one| one == number) {
                found.remove();
            }
            self.free_producers.push(number);
        }
    }
}

#[cfg(test)]
mod tests;
