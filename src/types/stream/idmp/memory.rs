//! What is remembered, found by producer and idempotency id, by age, and by age within a producer.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::types::spine::{Slot, Spine};
use crate::types::stream::StreamId;

/// An entry's id, and when it was remembered among those with this id.
type Age = (StreamId, u64);

struct Record {
    age: Age,
    producer: Arc<[u8]>,
    iid: Box<[u8]>,
}

/// A record by its age.
#[derive(Clone)]
struct Aged(Arc<Record>);

impl Slot for Aged {
    type Key = Age;

    #[inline]
    fn key(&self) -> &Age {
        &self.0.age
    }
}

/// A record by the hash of its producer and idempotency id.
#[derive(Clone)]
struct Hashed {
    hash: u64,
    record: Arc<Record>,
}

impl Slot for Hashed {
    type Key = u64;

    fn key(&self) -> &u64 {
        &self.hash
    }
}

/// A producer with records, by the hash of its name.
#[derive(Clone)]
struct Producer {
    hash: u64,
    name: Arc<[u8]>,
    records: Spine<Aged>,
}

impl Slot for Producer {
    type Key = u64;

    fn key(&self) -> &u64 {
        &self.hash
    }
}

/// The records of a stream. A clone shares them in constant time.
#[derive(Clone, Default)]
pub(super) struct Memory {
    by_age: Spine<Aged>,
    by_hash: Spine<Hashed>,
    producers: Spine<Producer>,
    /// Records ever added.
    added: u64,
    hasher: RandomState,
}

impl Memory {
    pub fn len(&self) -> usize {
        self.by_age.len()
    }

    pub fn producer_count(&self) -> usize {
        self.producers.len()
    }

    /// The entry that the producer's message was added as.
    pub fn find(&self, producer: &[u8], iid: &[u8]) -> Option<StreamId> {
        self.find_record(producer, iid).map(|(_, record)| record.age.0)
    }

    /// The entry with the least id.
    pub fn first_id(&self) -> Option<StreamId> {
        self.by_age.front().map(|first| first.0.age.0)
    }

    /// The entry with the greatest id.
    pub fn last_id(&self) -> Option<StreamId> {
        self.by_age.back().map(|last| last.0.age.0)
    }

    /// Producer, idempotency id and entry from the one at place `from` on, in id order.
    pub fn iter(&self, from: usize) -> impl Iterator<Item = (&[u8], &[u8], StreamId)> {
        let records = (from..self.by_age.len()).filter_map(|place| self.by_age.get(place));
        records.map(|Aged(record)| (&*record.producer, &*record.iid, record.age.0))
    }

    /// How many producers have nothing above the id of this many of the first records.
    pub fn producers_within(&self, first: usize) -> usize {
        let is_last = |Aged(record): &&Aged| {
            let newest = self.producer(&record.producer).and_then(|(_, it)| it.records.back());
            newest.is_some_and(|newest| newest.0.age == record.age)
        };
        self.by_age.iter().take(first).filter(is_last).count()
    }

    /// Remembers a pair that is not remembered, and forgets the producer's oldest if it has as many
    /// as `per_producer_max`.
    pub fn insert(&mut self, producer: &[u8], iid: &[u8], id: StreamId, per_producer_max: usize) {
        if let Some((_, known)) = self.producer(producer)
            && known.records.len() >= per_producer_max
            && let Some(Aged(oldest)) = known.records.front()
        {
            let oldest = Arc::clone(oldest);
            self.forget(&oldest);
        }
        let producer_hash = self.hasher.hash_one(producer);
        let (place, name) = match self.producer(producer) {
            Some((place, known)) => (place, Arc::clone(&known.name)),
            None => {
                let place = self.producers.partition_point(|&hash| hash < producer_hash);
                let name: Arc<[u8]> = producer.into();
                let records = Spine::new();
                let new = Producer { hash: producer_hash, name: Arc::clone(&name), records };
                self.producers.insert(place, new);
                (place, name)
            }
        };
        self.added += 1;
        let record = Record { age: (id, self.added), producer: name, iid: iid.into() };
        let record = Arc::new(record);
        if let Some(producer) = self.producers.get_mut(place) {
            insert_by_age(&mut producer.records, Arc::clone(&record));
        }
        insert_by_age(&mut self.by_age, Arc::clone(&record));
        let hash = self.hash(producer, iid);
        let place = self.by_hash.partition_point(|&other| other < hash);
        self.by_hash.insert(place, Hashed { hash, record });
    }

    /// Forgets the record with the least id.
    pub fn forget_first(&mut self) {
        if let Some(Aged(first)) = self.by_age.front() {
            let first = Arc::clone(first);
            self.forget(&first);
        }
    }

    /// Forgets a pair, if it is remembered.
    pub fn forget_message(&mut self, producer: &[u8], iid: &[u8]) {
        let Some((place, _)) = self.find_record(producer, iid) else { return };
        if let Some(record) = self.by_hash.get(place).map(|known| Arc::clone(&known.record)) {
            self.forget(&record);
        }
    }

    fn forget(&mut self, record: &Record) {
        remove_by_age(&mut self.by_age, record.age);
        if let Some((place, _)) = self.find_record(&record.producer, &record.iid) {
            self.by_hash.remove(place);
        }
        let Some((place, _)) = self.producer(&record.producer) else { return };
        let Some(producer) = self.producers.get_mut(place) else { return };
        remove_by_age(&mut producer.records, record.age);
        if producer.records.is_empty() {
            self.producers.remove(place);
        }
    }

    /// Bytes allocated, roughly.
    pub fn heap_bytes(&self) -> usize {
        /// The record with its counters and its id's bytes, and its place in the producer's spine.
        const RECORD_BYTES: usize = size_of::<Record>() + 2 * size_of::<usize>() + 16 + 16;
        self.len() * RECORD_BYTES
            + self.by_age.heap_bytes()
            + self.by_hash.heap_bytes()
            + self.producers.heap_bytes()
    }

    fn hash(&self, producer: &[u8], iid: &[u8]) -> u64 {
        self.hasher.hash_one((producer, iid))
    }

    /// A record, and its place in `by_hash`.
    fn find_record(&self, producer: &[u8], iid: &[u8]) -> Option<(usize, &Record)> {
        let hash = self.hash(producer, iid);
        let start = self.by_hash.partition_point(|&other| other < hash);
        let mut near = (start..).map_while(|place| Some((place, self.by_hash.get(place)?)));
        near.by_ref()
            .take_while(|(_, hashed)| hashed.hash == hash)
            .find(|(_, Hashed { record, .. })| *record.producer == *producer && *record.iid == *iid)
            .map(|(place, hashed)| (place, &*hashed.record))
    }

    /// A producer, and its place.
    fn producer(&self, name: &[u8]) -> Option<(usize, &Producer)> {
        let hash = self.hasher.hash_one(name);
        let start = self.producers.partition_point(|&other| other < hash);
        (start..)
            .map_while(|place| Some((place, self.producers.get(place)?)))
            .take_while(|(_, producer)| producer.hash == hash)
            .find(|(_, producer)| *producer.name == *name)
    }
}

fn insert_by_age(records: &mut Spine<Aged>, record: Arc<Record>) {
    // Ids rise, but for those restored from outside.
    let place = records.partition_point(|age| *age < record.age);
    records.insert(place, Aged(record));
}

fn remove_by_age(records: &mut Spine<Aged>, age: Age) {
    let place = records.partition_point(|other| *other < age);
    records.remove(place);
}
