//! What a stream remembers of its producers, so that an entry sent twice is added once.
//!
//! A producer names each message with an idempotency id, or has it made from the content. The pair leads
//! to the entry it was added as, for a time counted from that entry's id, and for the last so
//! many messages of each producer. The entry itself may be gone by then.

pub mod dedup;
pub(super) mod image;
mod memory;

use xxhash_rust::xxh3::Xxh3Default;

use self::memory::Memory;
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
#[derive(Clone)]
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
        let expired = memory.iter(0).take_while(|(.., id)| self.is_expired(*id, now_ms)).count();
        (memory.producer_count() - memory.producers_within(expired), memory.len() - expired)
    }

    /// All that is remembered and not expired: producer, idempotency id, and entry, in id order.
    pub fn iter(&self, now_ms: u64) -> impl Iterator<Item = (&[u8], &[u8], StreamId)> {
        let all = self.remembered(0);
        all.filter(move |(.., id)| !self.is_expired(*id, now_ms))
    }

    /// How many idempotency ids are remembered, expired ones included.
    fn len(&self) -> usize {
        self.memory.as_ref().map_or(0, |memory| memory.len())
    }

    /// Whether nothing is remembered.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All that is remembered from the one at place `from` on, expired or not, in id order.
    fn remembered(&self, from: usize) -> impl Iterator<Item = (&[u8], &[u8], StreamId)> {
        self.memory.iter().flat_map(move |memory| memory.iter(from))
    }

    /// Adds what a snapshot says is remembered behind all that is; false if it is not behind it.
    fn push_read(&mut self, producer: &[u8], iid: &[u8], id: StreamId) -> bool {
        let memory = self.memory.get_or_insert_default();
        if memory.last_id() > Some(id) || memory.find(producer, iid).is_some() {
            return false;
        }
        memory.insert(producer, iid, id, usize::MAX);
        true
    }

    /// The memory held, in bytes, roughly.
    pub fn memory_bytes(&self) -> usize {
        self.memory.as_ref().map_or(0, |memory| size_of::<Memory>() + memory.heap_bytes())
    }

    /// Redis keeps no time beside the id, so the id's own is what counts.
    fn is_expired(&self, id: StreamId, now_ms: u64) -> bool {
        now_ms.saturating_sub(id.ms) >= u64::from(self.limits.duration_s) * 1000
    }

    fn forget_expired(&mut self, now_ms: u64) {
        while let Some(memory) = &self.memory {
            match memory.first_id() {
                Some(id) if !self.is_expired(id, now_ms) => break,
                None => self.memory = None,
                Some(_) => self.memory.get_or_insert_default().forget_first(),
            }
        }
    }

    fn insert(&mut self, producer: &[u8], iid: &[u8], id: StreamId) {
        let per_producer_max = self.limits.per_producer_max as usize;
        self.memory.get_or_insert_default().insert(producer, iid, id, per_producer_max);
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

#[cfg(test)]
mod tests;
