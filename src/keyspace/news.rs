//! What a step tells others: events of its keys, keys that caches hold, messages, commands seen.
//!
//! A step notes its news while it runs and hands them to the keyspace's [`Audience`] when its frame
//! has a position, still under its locks: so the news of one key come in the order of its changes, and
//! each carries the position that has to be settled before anybody is told. Where nobody wants news
//! this costs one load of [`Interest`].

use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Waker;

use super::tx::Tx;
use super::value::Kind;

/// A class of keyspace events, or several: the letters of `notify-keyspace-events`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct EventClass(u32);

impl EventClass {
    pub const NONE: EventClass = EventClass(0);
    /// `g`: commands for keys of any type.
    pub const GENERIC: EventClass = EventClass(1);
    /// `$`
    pub const STRING: EventClass = EventClass(1 << 1);
    /// `l`
    pub const LIST: EventClass = EventClass(1 << 2);
    /// `s`
    pub const SET: EventClass = EventClass(1 << 3);
    /// `h`
    pub const HASH: EventClass = EventClass(1 << 4);
    /// `z`
    pub const ZSET: EventClass = EventClass(1 << 5);
    /// `x`: a key or field has reached its deadline.
    pub const EXPIRED: EventClass = EventClass(1 << 6);
    /// `e`: a key was removed for its memory, which never happens here.
    pub const EVICTED: EventClass = EventClass(1 << 7);
    /// `t`
    pub const STREAM: EventClass = EventClass(1 << 8);
    /// `d`: of modules, which there are none of.
    pub const MODULE: EventClass = EventClass(1 << 9);
    /// `a`: of arrays.
    pub const ARRAY: EventClass = EventClass(1 << 10);
    /// `n`: a key was made.
    pub const NEW: EventClass = EventClass(1 << 11);
    /// `o`: a key was given another value.
    pub const OVERWRITTEN: EventClass = EventClass(1 << 12);
    /// `c`: a key was given a value of another type.
    pub const TYPE_CHANGED: EventClass = EventClass(1 << 13);
    /// `m`: a key was looked for in vain.
    pub const KEY_MISS: EventClass = EventClass(1 << 14);

    /// Not a class of events: keys that change are wanted, by whoever caches them.
    const CACHED: EventClass = EventClass(1 << 31);

    #[must_use]
    pub const fn union(self, other: EventClass) -> EventClass {
        EventClass(self.0 | other.0)
    }

    pub const fn contains(self, other: EventClass) -> bool {
        self.0 & other.0 == other.0
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// What anybody wants to be told, as one word that the hot paths read.
#[derive(Default)]
pub(super) struct Interest(AtomicU32);

impl Interest {
    /// Relaxed: a step that runs beside the change of a setting goes by the old or the new one.
    #[inline]
    pub(super) fn has(&self, class: EventClass) -> bool {
        self.0.load(Ordering::Relaxed) & class.0 != 0
    }

    pub(super) fn set_events(&self, classes: EventClass) {
        let cached = EventClass::CACHED.0;
        let mut before = self.0.load(Ordering::Relaxed);
        // At no time are events lost that both the old and the new setting have.
        while let Err(now) = self.0.compare_exchange_weak(
            before,
            (before & cached) | (classes.0 & !cached),
            Ordering::Relaxed,
            Ordering::Relaxed,
        ) {
            before = now;
        }
    }

    pub(super) fn set_cached(&self, cached: bool) {
        if cached {
            // Before the first read of a cache is noted; both happen under the lock of its key.
            self.0.fetch_or(EventClass::CACHED.0, Ordering::SeqCst);
        } else {
            self.0.fetch_and(!EventClass::CACHED.0, Ordering::SeqCst);
        }
    }
}

/// Tells something of a step, given its position and whom to wake afterwards ([`Audience::hear`]).
pub type Telling = Box<dyn FnOnce(u64, &mut Vec<Waker>) + Send>;

/// One thing that a step tells.
pub enum News {
    /// Something has happened to a key.
    Event {
        event: &'static str,
        db: usize,
        key: Box<[u8]>,
        /// Which fields of the key it has happened to, where the event is about fields.
        subkeys: Vec<Box<[u8]>>,
    },
    /// A key may have another value than before.
    Changed {
        key: Box<[u8]>,
        /// The connection that changed it; 0: none did.
        origin: u64,
    },
    /// So may all keys of a database.
    Flushed { origin: u64 },
    /// Something of the layers above, called with the step's position.
    Other(Telling),
}

impl News {
    /// An event that is about no fields.
    pub(super) fn event(event: &'static str, db: usize, key: &[u8]) -> News {
        News::Event { event, db, key: key.into(), subkeys: Vec::new() }
    }
}

/// Who is told.
pub trait Audience: Send + Sync {
    /// Hears what a step tells, under its locks. Nobody else is to learn of it before the journal has
    /// settled `position`. Whom it wakes comes to `wakers`, to be woken when the locks are gone.
    fn hear(&self, news: Vec<News>, position: u64, wakers: &mut Vec<Waker>);
}

impl Tx<'_> {
    /// Tells of something that has happened to a key of the step's database, by Redis's name for it.
    /// Called after the change, once for each key and event, in Redis's order.
    #[inline]
    pub fn notify(&mut self, class: EventClass, event: &'static str, key: &[u8]) {
        if self.keyspace().interest.has(class) {
            self.note_event(event, key, Vec::new());
        }
    }

    /// As [`Tx::notify`], naming the fields of the key that it has happened to.
    #[inline]
    pub fn notify_subkeys<'f>(
        &mut self,
        class: EventClass,
        event: &'static str,
        key: &[u8],
        subkeys: impl IntoIterator<Item = &'f [u8]>,
    ) {
        if self.keyspace().interest.has(class) {
            let subkeys = subkeys.into_iter().map(Box::from).collect();
            self.note_event(event, key, subkeys);
        }
    }

    /// Tells that a key was given another value, of a kind that may be another too.
    #[inline]
    pub fn notify_overwritten(&mut self, key: &[u8], before: Kind, after: Kind) {
        self.notify(EventClass::OVERWRITTEN, "overwritten", key);
        if before != after {
            self.notify(EventClass::TYPE_CHANGED, "type_changed", key);
        }
    }

    /// Tells that a key was looked for in vain, where that was not by [`Tx::get`].
    #[inline]
    pub fn notify_miss(&mut self, key: &[u8]) {
        self.notify(EventClass::KEY_MISS, "keymiss", key);
    }

    /// Whether events of a class go anywhere: for callers to whom it is work to find out what to tell.
    #[inline]
    pub fn is_notified(&self, class: EventClass) -> bool {
        self.keyspace().interest.has(class) && !self.is_replaying()
    }

    #[cold]
    fn note_event(&mut self, event: &'static str, key: &[u8], subkeys: Vec<Box<[u8]>>) {
        let db = self.db();
        self.tell(News::Event { event, db, key: key.into(), subkeys });
    }

    /// Tells whoever caches keys that this one has changed.
    #[inline]
    pub(super) fn invalidate(&mut self, key: &[u8], origin: u64) {
        if self.keyspace().interest.has(EventClass::CACHED) {
            self.tell(News::Changed { key: key.into(), origin });
        }
    }

    /// Tells whoever caches keys that those of a whole database have changed.
    pub(super) fn invalidate_all(&mut self, origin: u64) {
        if self.keyspace().interest.has(EventClass::CACHED)
            && !matches!(self.last_news(), Some(News::Flushed { .. }))
        {
            self.tell(News::Flushed { origin });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;
    use crate::journal::writer::{Refused, Reservation};
    use crate::journal::{Class, Sink};
    use crate::keyspace::{Expiry, Keyspace, ManualClock, Options, ShardSet, Value};
    use crate::types::list::List;
    use crate::types::string::StringValue;

    #[derive(Default)]
    struct Heard(Mutex<Vec<(String, u64)>>);

    impl Audience for Heard {
        fn hear(&self, news: Vec<News>, position: u64, _: &mut Vec<Waker>) {
            for news in news {
                let text = match news {
                    News::Event { event, db, key, subkeys } => {
                        let key = String::from_utf8_lossy(&key).into_owned();
                        format!("{db} {event} {key} {}", subkeys.len())
                    }
                    News::Changed { key, origin } => {
                        format!("changed {} by {origin}", String::from_utf8_lossy(&key))
                    }
                    News::Flushed { origin } => format!("flushed by {origin}"),
                    News::Other(_) => "other".into(),
                };
                self.0.lock().push((text, position));
            }
        }
    }

    /// Gives each frame a position ten further on.
    #[derive(Default)]
    struct Tens(AtomicU32);

    impl Sink for Tens {
        fn reserve(&self, _: Class, _: u64) -> Result<Option<Reservation<'_>>, Refused> {
            Ok(None)
        }

        fn append(&self, _: i64, effects: &mut Vec<u8>) -> u64 {
            effects.clear();
            u64::from(self.0.fetch_add(10, Ordering::Relaxed) + 10)
        }

        fn flush(&self) {}

        fn may_remove(&self, _: u64) -> bool {
            true
        }
    }

    fn keyspace() -> (Keyspace, Arc<Heard>, Arc<ManualClock>) {
        let clock = ManualClock::new(1000);
        let keyspace = Keyspace::new(Options {
            databases: 2,
            clock: clock.clone(),
            seed: 1,
            sink: Some(Arc::new(Tens::default())),
        });
        let heard = Arc::new(Heard::default());
        keyspace.set_audience(heard.clone());
        (keyspace, heard, clock)
    }

    fn set(tx: &mut Tx<'_>, key: &[u8], value: Value, expiry: Expiry) {
        tx.put(key, value, expiry);
        tx.changed(key);
        tx.record(&[b"SET", key]);
    }

    fn text() -> Value {
        Value::String(StringValue::new(b"v"))
    }

    #[test]
    fn nothing_is_noted_where_nobody_wants_it() {
        let (keyspace, heard, _) = keyspace();
        keyspace.set_events(EventClass::LIST);
        keyspace.run(ShardSet::ALL, 0, 1000, |tx| {
            set(tx, b"k", text(), Expiry::Clear);
            tx.notify(EventClass::STRING, "set", b"k");
            assert!(!tx.is_notified(EventClass::STRING));
        });
        assert_eq!(*heard.0.lock(), []);
    }

    #[test]
    fn events_come_in_order_with_the_position_of_their_frame() {
        let (keyspace, heard, clock) = keyspace();
        let classes = [
            EventClass::NEW,
            EventClass::OVERWRITTEN,
            EventClass::TYPE_CHANGED,
            EventClass::STRING,
            EventClass::EXPIRED,
            EventClass::KEY_MISS,
        ];
        keyspace.set_events(classes.into_iter().fold(EventClass::NONE, EventClass::union));
        keyspace.run(ShardSet::ALL, 1, 1000, |tx| {
            set(tx, b"k", text(), Expiry::Clear);
            tx.notify(EventClass::STRING, "set", b"k");
            set(tx, b"k", Value::List(List::new()), Expiry::At(1500));
        });
        clock.advance_ms(1000);
        keyspace.run(ShardSet::ALL, 1, 2000, |tx| {
            assert!(tx.get(b"k").is_none());
            set(tx, b"k", text(), Expiry::Clear);
        });
        let expected = [
            ("1 new k 0", 10),
            ("1 set k 0", 10),
            ("1 overwritten k 0", 10),
            ("1 type_changed k 0", 10),
            ("1 keymiss k 0", 20),
            ("1 expired k 0", 20),
            ("1 new k 0", 20),
        ];
        let heard: Vec<_> = heard.0.lock().clone();
        let heard: Vec<_> = heard.iter().map(|(text, at)| (text.as_str(), *at)).collect();
        assert_eq!(heard, expected);
    }

    #[test]
    fn who_caches_learns_of_changes_and_one_flush() {
        let (keyspace, heard, _) = keyspace();
        keyspace.set_cached(true);
        keyspace.run(ShardSet::ALL, 0, 1000, |tx| {
            tx.set_origin(7);
            set(tx, b"k", text(), Expiry::Clear);
            tx.flush_db();
            tx.select(1);
            tx.flush_db();
            tx.record(&[b"FLUSHALL"]);
        });
        keyspace.set_cached(false);
        keyspace.run(ShardSet::ALL, 0, 1000, |tx| set(tx, b"k", text(), Expiry::Clear));
        let heard = heard.0.lock();
        assert_eq!(*heard, [("changed k by 7".into(), 10), ("flushed by 7".into(), 10)]);
    }

    #[test]
    fn a_replay_tells_nobody() {
        let (keyspace, heard, _) = keyspace();
        keyspace.set_events(EventClass::STRING.union(EventClass::NEW));
        keyspace.run(ShardSet::ALL, 0, 1000, |tx| {
            tx.replay_at(1000);
            set(tx, b"k", text(), Expiry::Clear);
            tx.notify(EventClass::STRING, "set", b"k");
        });
        assert_eq!(*heard.0.lock(), []);
    }
}
