//! Who has subscribed to which channels and patterns.
//!
//! Channels lie in buckets by their hash, each behind a lock of its own. Who publishes holds the
//! bucket of the channel until the message stands in all mailboxes, those of patterns included: all
//! subscribers get the messages of a channel in one order.

use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use foldhash::quality::RandomState;
use hashbrown::HashMap;
use parking_lot::{Mutex, RwLock};

use super::mailbox::Mailbox;
use crate::glob::{self, Case};

const BUCKETS: usize = 64;

/// The subscribers of a channel or pattern, by their ids: leaving costs the same among many.
type Subscribers = BTreeMap<u64, Arc<Mailbox>>;
type Bucket = HashMap<Box<[u8]>, Subscribers, RandomState>;

/// Channels and their subscribers.
pub struct Channels {
    hasher: RandomState,
    buckets: Box<[Mutex<Bucket>]>,
    count: AtomicUsize,
}

impl Default for Channels {
    fn default() -> Channels {
        let hasher = RandomState::default();
        let buckets = (0..BUCKETS).map(|_| Mutex::new(Bucket::with_hasher(hasher.clone())));
        Channels { buckets: buckets.collect(), hasher, count: AtomicUsize::new(0) }
    }
}

impl Channels {
    fn bucket(&self, channel: &[u8]) -> &Mutex<Bucket> {
        // The maps take their places from the low bits and their tags from the top ones.
        let hash = self.hasher.hash_one(channel);
        &self.buckets[(hash >> 40) as usize % BUCKETS]
    }

    pub fn subscribe(&self, channel: &[u8], subscriber: &Arc<Mailbox>) {
        let mut bucket = self.bucket(channel).lock();
        let subscribers = bucket.entry(channel.into()).or_default();
        if subscribers.is_empty() {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
        subscribers.insert(subscriber.client_id, Arc::clone(subscriber));
    }

    pub fn unsubscribe(&self, channel: &[u8], client_id: u64) {
        let mut bucket = self.bucket(channel).lock();
        let Some(subscribers) = bucket.get_mut(channel) else { return };
        subscribers.remove(&client_id);
        if subscribers.is_empty() {
            bucket.remove(channel);
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Calls `deliver` for each subscriber, then `finish`, all in the channel's order of messages.
    /// How many subscribers there were.
    pub fn publish(
        &self,
        channel: &[u8],
        mut deliver: impl FnMut(&Mailbox),
        finish: impl FnOnce() -> usize,
    ) -> usize {
        let bucket = self.bucket(channel).lock();
        let mut receivers = 0;
        for subscriber in bucket.get(channel).into_iter().flat_map(BTreeMap::values) {
            deliver(subscriber);
            receivers += 1;
        }
        receivers + finish()
    }

    /// The subscribers of a channel.
    pub fn mailboxes(&self, channel: &[u8]) -> Vec<Arc<Mailbox>> {
        let bucket = self.bucket(channel).lock();
        bucket.get(channel).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    /// Keeps others from publishing to a channel for as long as the result is held.
    pub fn hold(&self, channel: &[u8]) -> impl Sized + '_ {
        self.bucket(channel).lock()
    }

    /// How many channels have subscribers.
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many have subscribed to this channel.
    pub fn subscribers(&self, channel: &[u8]) -> usize {
        self.bucket(channel).lock().get(channel).map_or(0, BTreeMap::len)
    }

    /// Calls `visit` with every channel and the id of each of its subscribers.
    pub fn each(&self, mut visit: impl FnMut(&[u8], u64)) {
        for bucket in &self.buckets {
            for (name, subscribers) in bucket.lock().iter() {
                subscribers.keys().for_each(|client_id| visit(name, *client_id));
            }
        }
    }

    /// The channels with subscribers whose names match, or all.
    pub fn names(&self, pattern: Option<&[u8]>) -> Vec<Box<[u8]>> {
        let is_meant = |name: &[u8]| {
            pattern.is_none_or(|pattern| glob::matches(pattern, name, Case::Sensitive))
        };
        let mut names = Vec::new();
        for bucket in &self.buckets {
            names.extend(bucket.lock().keys().filter(|name| is_meant(name)).cloned());
        }
        names
    }
}

/// A pattern, and the mailboxes of its subscribers.
type PatternMailboxes = (Box<[u8]>, Vec<Arc<Mailbox>>);

/// Patterns and their subscribers. Every message is held against every pattern, as in Redis.
#[derive(Default)]
pub struct Patterns {
    patterns: RwLock<BTreeMap<Box<[u8]>, Subscribers>>,
    count: AtomicUsize,
}

impl Patterns {
    pub fn subscribe(&self, pattern: &[u8], subscriber: &Arc<Mailbox>) {
        let mut patterns = self.patterns.write();
        let subscribers = patterns.entry(pattern.into()).or_default();
        subscribers.insert(subscriber.client_id, Arc::clone(subscriber));
        self.count.store(patterns.len(), Ordering::Relaxed);
    }

    pub fn unsubscribe(&self, pattern: &[u8], client_id: u64) {
        let mut patterns = self.patterns.write();
        let Some(subscribers) = patterns.get_mut(pattern) else { return };
        subscribers.remove(&client_id);
        if subscribers.is_empty() {
            patterns.remove(pattern);
            self.count.store(patterns.len(), Ordering::Relaxed);
        }
    }

    /// Calls `deliver` with each pattern that matches, and each of its subscribers. How many calls
    /// that were.
    pub fn publish(&self, channel: &[u8], mut deliver: impl FnMut(&[u8], &Mailbox)) -> usize {
        if self.is_empty() {
            return 0;
        }
        let mut receivers = 0;
        for (pattern, subscribers) in &*self.patterns.read() {
            if glob::matches(pattern, channel, Case::Sensitive) {
                subscribers.values().for_each(|subscriber| deliver(pattern, subscriber));
                receivers += subscribers.len();
            }
        }
        receivers
    }

    /// The patterns that match a channel, with their subscribers.
    pub fn mailboxes(&self, channel: &[u8]) -> Vec<PatternMailboxes> {
        let patterns = self.patterns.read();
        let matching =
            patterns.iter().filter(|(it, _)| glob::matches(it, channel, Case::Sensitive));
        matching.map(|(it, found)| (it.clone(), found.values().cloned().collect())).collect()
    }

    /// Calls `visit` with every pattern and the id of each of its subscribers.
    pub fn each(&self, mut visit: impl FnMut(&[u8], u64)) {
        for (pattern, subscribers) in self.patterns.read().iter() {
            subscribers.keys().for_each(|client_id| visit(pattern, *client_id));
        }
    }

    /// How many patterns have subscribers.
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailboxes() -> Vec<Arc<Mailbox>> {
        (1..=3).map(|id| Arc::new(Mailbox::new(id))).collect()
    }

    fn receivers(channels: &Channels, channel: &[u8]) -> Vec<u64> {
        let mut found = Vec::new();
        let count = channels.publish(channel, |mailbox| found.push(mailbox.client_id), || 0);
        assert_eq!(count, found.len());
        found
    }

    #[test]
    fn channels_come_and_go_with_their_subscribers() {
        let (channels, all) = (Channels::default(), mailboxes());
        channels.subscribe(b"a", &all[0]);
        channels.subscribe(b"a", &all[2]);
        channels.subscribe(b"a", &all[2]);
        channels.subscribe(b"b", &all[1]);
        assert_eq!(receivers(&channels, b"a"), [1, 3]);
        assert_eq!((channels.len(), channels.subscribers(b"a")), (2, 2));
        assert_eq!(receivers(&channels, b"c"), [0; 0]);

        channels.unsubscribe(b"a", 1);
        channels.unsubscribe(b"a", 1);
        channels.unsubscribe(b"nosuch", 1);
        assert_eq!(receivers(&channels, b"a"), [3]);
        channels.unsubscribe(b"a", 3);
        assert_eq!((channels.len(), channels.subscribers(b"a")), (1, 0));
        assert_eq!(channels.names(None), [Box::from(*b"b")]);
    }

    #[test]
    fn names_by_pattern() {
        let (channels, all) = (Channels::default(), mailboxes());
        for name in ["news.it", "news.de", "other"] {
            channels.subscribe(name.as_bytes(), &all[0]);
        }
        let mut names = channels.names(Some(b"news.*"));
        names.sort();
        assert_eq!(names, [Box::from(*b"news.de"), Box::from(*b"news.it")]);
        assert_eq!(channels.names(None).len(), 3);
        assert_eq!(channels.names(Some(b"N*")), [] as [Box<[u8]>; 0]);
    }

    #[test]
    fn every_pattern_that_matches_delivers() {
        let (patterns, all) = (Patterns::default(), mailboxes());
        patterns.subscribe(b"a*", &all[0]);
        patterns.subscribe(b"*b", &all[0]);
        patterns.subscribe(b"*b", &all[1]);
        patterns.subscribe(b"c", &all[2]);
        assert_eq!(patterns.len(), 3);
        let mut found = Vec::new();
        let count = patterns.publish(b"ab", |pattern, mailbox| {
            found.push((pattern.to_vec(), mailbox.client_id));
        });
        let expected = [(b"*b".to_vec(), 1), (b"*b".to_vec(), 2), (b"a*".to_vec(), 1)];
        assert_eq!((count, found.as_slice()), (3, expected.as_slice()));
        patterns.unsubscribe(b"*b", 1);
        patterns.unsubscribe(b"a*", 1);
        assert_eq!(patterns.publish(b"ab", |_, _| ()), 1);
        assert_eq!(patterns.len(), 2);
    }
}
