//! Which connections cache which keys (CLIENT TRACKING), and who is told when one changes.
//!
//! A key that a tracked connection reads is noted under the lock of the key's shard, with the
//! connection's id. The first change takes the note away and tells everybody in it. Connections in
//! BCAST mode are noted nowhere: every key is held against their prefixes.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use foldhash::quality::RandomState;
use parking_lot::{Mutex, RwLock};

use super::mailbox::Mailbox;
use super::message;
use super::post::Post;
use crate::resp::Proto;

const BUCKETS: usize = 64;

/// How a connection wants to be told.
pub struct Tracker {
    pub mailbox: Arc<Mailbox>,
    /// Whose connection is told in its place.
    pub redirect: Option<Arc<Mailbox>>,
    pub mode: Mode,
    /// Not of its own changes.
    pub noloop: bool,
    /// With [`Mode::Broadcast`]: what keys have to start with; no two of them overlap.
    pub prefixes: Vec<Box<[u8]>>,
    /// The connection that is told in its place has gone.
    broken: AtomicBool,
}

/// Which keys a connection is told of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Those that it reads.
    Reads,
    /// Those that it reads right after CLIENT CACHING YES.
    OptIn,
    /// Those that it reads, but not right after CLIENT CACHING NO.
    OptOut,
    /// All with certain prefixes.
    Broadcast,
}

impl Tracker {
    pub fn new(
        mailbox: Arc<Mailbox>,
        redirect: Option<Arc<Mailbox>>,
        mode: Mode,
        noloop: bool,
        prefixes: Vec<Box<[u8]>>,
    ) -> Tracker {
        Tracker { mailbox, redirect, mode, noloop, prefixes, broken: AtomicBool::new(false) }
    }

    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// The id of the connection that is told in its place; 0: none is.
    pub fn redirect_id(&self) -> u64 {
        self.redirect.as_ref().map_or(0, |mailbox| mailbox.client_id)
    }

    /// Tells that keys have changed, or all.
    fn tell(&self, keys: Option<&[&[u8]]>, post: &mut Post<'_>) {
        let Some(other) = &self.redirect else {
            // RESP2 has no place for it.
            if self.mailbox.is_resp3() {
                post.bytes(&self.mailbox, &message::invalidation(keys, Proto::Resp3));
            }
            return;
        };
        if other.is_closed() {
            self.broken.store(true, Ordering::Relaxed);
            if self.mailbox.is_resp3() {
                post.bytes(&self.mailbox, &message::broken_redirection(other.client_id));
            }
        } else if other.is_resp3() {
            post.bytes(other, &message::invalidation(keys, Proto::Resp3));
        } else if other.is_subscribed() {
            post.bytes(other, &message::invalidation(keys, Proto::Resp2));
        }
    }
}

/// The ids of the connections that cache a key.
type Readers = smallvec::SmallVec<[u64; 2]>;

/// A part of the table of keys, in which any place can be picked.
#[derive(Default)]
struct Bucket {
    places: HashMap<Arc<[u8]>, (usize, Readers), RandomState>,
    /// `keys[place]` is the key that says `place`.
    keys: Vec<Arc<[u8]>>,
}

impl Bucket {
    /// Notes that a connection caches a key: whether the key is new, and whether the connection is.
    fn note(&mut self, key: &[u8], client_id: u64) -> (bool, bool) {
        if let Some((_, readers)) = self.places.get_mut(key) {
            let is_new = !readers.contains(&client_id);
            if is_new {
                readers.push(client_id);
            }
            return (false, is_new);
        }
        let key: Arc<[u8]> = key.into();
        self.places.insert(Arc::clone(&key), (self.keys.len(), Readers::from_slice(&[client_id])));
        self.keys.push(key);
        (true, true)
    }

    fn take(&mut self, key: &[u8]) -> Option<Readers> {
        let (place, readers) = self.places.remove(key)?;
        self.keys.swap_remove(place);
        if let Some(moved) = self.keys.get(place)
            && let Some((stated, _)) = self.places.get_mut(moved)
        {
            *stated = place;
        }
        Some(readers)
    }
}

/// By the ids of their connections.
type Trackers = BTreeMap<u64, Arc<Tracker>>;

/// Who caches what.
pub struct Tracking {
    hasher: RandomState,
    buckets: Box<[Mutex<Bucket>]>,
    trackers: RwLock<Trackers>,
    /// The prefixes of those in BCAST mode.
    prefixes: RwLock<BTreeMap<Box<[u8]>, Trackers>>,
    keys: AtomicUsize,
    readers: AtomicUsize,
    /// Where the next key is taken from when there are too many.
    next_victim: AtomicUsize,
}

impl Default for Tracking {
    fn default() -> Tracking {
        Tracking {
            hasher: RandomState::default(),
            buckets: (0..BUCKETS).map(|_| Mutex::default()).collect(),
            trackers: RwLock::default(),
            prefixes: RwLock::default(),
            keys: AtomicUsize::new(0),
            readers: AtomicUsize::new(0),
            next_victim: AtomicUsize::new(0),
        }
    }
}

impl Tracking {
    fn bucket(&self, key: &[u8]) -> &Mutex<Bucket> {
        &self.buckets[(self.hasher.hash_one(key) >> 40) as usize % BUCKETS]
    }

    /// Begins to track a connection, or goes on in another way. `at_first` is called if it is the
    /// first of all, before anybody else begins or ends.
    pub fn begin(&self, tracker: &Arc<Tracker>, at_first: impl FnOnce()) {
        let id = tracker.mailbox.client_id;
        let mut trackers = self.trackers.write();
        let before = trackers.insert(id, Arc::clone(tracker));
        if before.is_none() && trackers.len() == 1 {
            at_first();
        }
        drop(trackers);
        if let Some(before) = before {
            self.leave_prefixes(&before);
        }
        if !tracker.prefixes.is_empty() {
            let mut prefixes = self.prefixes.write();
            for prefix in &tracker.prefixes {
                let members = prefixes.entry(prefix.clone()).or_default();
                members.insert(id, Arc::clone(tracker));
            }
        }
    }

    /// Ends the tracking of a connection. `at_last` is called if none is tracked any more, before
    /// anybody else begins. What was noted of its reads goes when the keys change.
    pub fn end(&self, tracker: &Tracker, at_last: impl FnOnce()) {
        self.leave_prefixes(tracker);
        let mut trackers = self.trackers.write();
        trackers.remove(&tracker.mailbox.client_id);
        if trackers.is_empty() {
            at_last();
            self.forget_all();
        }
    }

    fn leave_prefixes(&self, tracker: &Tracker) {
        if tracker.prefixes.is_empty() {
            return;
        }
        let mut prefixes = self.prefixes.write();
        for prefix in &tracker.prefixes {
            if let Some(members) = prefixes.get_mut(prefix) {
                members.remove(&tracker.mailbox.client_id);
                if members.is_empty() {
                    prefixes.remove(prefix);
                }
            }
        }
    }

    fn forget_all(&self) {
        for bucket in &self.buckets {
            let mut bucket = bucket.lock();
            let forgotten = std::mem::take(&mut *bucket);
            let readers = forgotten.places.values().map(|(_, readers)| readers.len()).sum();
            self.keys.fetch_sub(forgotten.keys.len(), Ordering::Relaxed);
            self.readers.fetch_sub(readers, Ordering::Relaxed);
        }
    }

    /// Takes the note of a key away. Counts change under the bucket's lock, like what they count.
    fn take(&self, bucket: &mut Bucket, key: &[u8]) -> Option<Readers> {
        let readers = bucket.take(key)?;
        self.keys.fetch_sub(1, Ordering::Relaxed);
        self.readers.fetch_sub(readers.len(), Ordering::Relaxed);
        Some(readers)
    }

    /// Notes that a connection caches a key. Called under the lock of the key's shard, so no change of
    /// the key comes between its being read and this. Of more than `keys_max` keys (0: any number) some
    /// are let go, as if they had changed.
    pub fn note_read(&self, key: &[u8], client_id: u64, keys_max: usize, post: &mut Post<'_>) {
        let mut bucket = self.bucket(key).lock();
        let (is_new_key, is_new_reader) = bucket.note(key, client_id);
        self.keys.fetch_add(usize::from(is_new_key), Ordering::Relaxed);
        self.readers.fetch_add(usize::from(is_new_reader), Ordering::Relaxed);
        drop(bucket);
        while keys_max > 0 && self.keys.load(Ordering::Relaxed) > keys_max {
            if !self.let_one_go(post) {
                break;
            }
        }
    }

    fn let_one_go(&self, post: &mut Post<'_>) -> bool {
        for _ in 0..BUCKETS {
            let turn = self.next_victim.fetch_add(1, Ordering::Relaxed);
            let mut bucket = self.buckets[turn % BUCKETS].lock();
            if bucket.keys.is_empty() {
                continue;
            }
            let key = Arc::clone(&bucket.keys[turn / BUCKETS % bucket.keys.len()]);
            let readers = self.take(&mut bucket, &key);
            drop(bucket);
            self.tell_readers(&key, readers, 0, post);
            return true;
        }
        false
    }

    /// Tells of a key that `origin` has changed whoever has read it.
    pub fn key_changed(&self, key: &[u8], origin: u64, post: &mut Post<'_>) {
        if self.keys.load(Ordering::Relaxed) == 0 {
            return;
        }
        let readers = self.take(&mut self.bucket(key).lock(), key);
        self.tell_readers(key, readers, origin, post);
    }

    fn tell_readers(&self, key: &[u8], readers: Option<Readers>, origin: u64, post: &mut Post<'_>) {
        let Some(readers) = readers else { return };
        let trackers = self.trackers.read();
        for reader in readers {
            // It may have left, or gone over to BCAST.
            let Some(tracker) = trackers.get(&reader) else { continue };
            if tracker.mode != Mode::Broadcast && !(tracker.noloop && reader == origin) {
                tracker.tell(Some(&[key]), post);
            }
        }
    }

    /// Tells of the keys that a step has changed, each with who has, those in BCAST mode: all that have
    /// a prefix in one message.
    pub fn keys_changed(&self, keys: &[(&[u8], u64)], post: &mut Post<'_>) {
        let prefixes = self.prefixes.read();
        for (prefix, members) in &*prefixes {
            let mut matching: Vec<(&[u8], u64)> = Vec::new();
            for &(key, origin) in keys {
                if key.starts_with(prefix) && !matching.iter().any(|(known, _)| *known == key) {
                    matching.push((key, origin));
                }
            }
            for (id, tracker) in members {
                let is_news = |origin: u64| !(tracker.noloop && origin == *id);
                let told: Vec<&[u8]> = matching
                    .iter()
                    .filter(|(_, origin)| is_news(*origin))
                    .map(|(key, _)| *key)
                    .collect();
                if !told.is_empty() {
                    tracker.tell(Some(&told), post);
                }
            }
        }
    }

    /// Whether any connection is in BCAST mode.
    pub fn broadcasts(&self) -> bool {
        !self.prefixes.read().is_empty()
    }

    /// Tells everybody that nothing of what they cache holds any more.
    pub fn all_changed(&self, post: &mut Post<'_>) {
        for tracker in self.trackers.read().values() {
            tracker.tell(None, post);
        }
        self.forget_all();
    }

    /// How many connections are tracked, keys noted, readers noted with them, and prefixes broadcast.
    pub fn totals(&self) -> (usize, usize, usize, usize) {
        (
            self.trackers.read().len(),
            self.keys.load(Ordering::Relaxed),
            self.readers.load(Ordering::Relaxed),
            self.prefixes.read().len(),
        )
    }
}
