//! Commands that came together: those that follow each other in one shard keep its lock, and what they leave
//! behind is one frame.
//!
//! For everybody else they are one atomic step, as the commands of an EXEC are. That saves what a short step
//! costs beside its command: taking the lock, room in the journal, a place in its queue, the head of a frame.

use super::{Held, Keyspace, Seen, ShardSet, Tx};
use crate::journal::Class;
use crate::journal::writer::Reservation;

/// After so many commands the lock is given to others.
const COMMANDS_MAX: u32 = 64;
/// No command joins effects as long as these, bytes.
pub(super) const EFFECT_BYTES_MAX: usize = 16 << 10;
/// Room is held for a frame of so many bytes at least: a batch of short commands asks once.
const ROOM_BYTES: usize = 8 << 10;

/// The commands of one connection that have come together.
pub struct Batch<'k> {
    keyspace: &'k Keyspace,
    /// The step that more commands may join.
    open: Option<Tx<'k>>,
    /// How many commands it has.
    commands: u32,
    /// Room for its frame. Kept until the next command is let in, for the last one may be run again
    /// under more locks.
    room: Option<Room<'k>>,
    /// For what that is held; none where nothing is changed.
    class: Option<Class>,
    /// The time of its last command.
    now_ms: i64,
    expects_more: bool,
}

struct Room<'k> {
    held: Reservation<'k>,
    /// For how long a frame; 0: for what is recorded so far.
    bytes: usize,
}

impl<'k> Batch<'k> {
    pub fn new(keyspace: &'k Keyspace) -> Batch<'k> {
        Batch {
            keyspace,
            open: None,
            commands: 0,
            room: None,
            class: None,
            now_ms: 0,
            expects_more: false,
        }
    }

    /// Says whether another command has come behind the next one: else that one ends its step.
    #[inline]
    pub fn expect_more(&mut self, expects_more: bool) {
        self.expects_more = expects_more;
    }

    #[inline]
    pub fn expects_more(&self) -> bool {
        self.expects_more
    }

    /// Ends the open step unless it has the locks of `shards`, so that a command there joins it.
    #[inline]
    pub fn close_unless_at(&mut self, shards: ShardSet, seen: &mut Seen) {
        if self.open.as_ref().is_none_or(|tx| tx.locked() != shards) {
            self.close(seen);
        }
    }

    /// Whether room for a command's effects of `bytes` is held together with that for the commands before.
    /// If it is not, and an open step has changed something, that is ended.
    pub fn hold_room(&mut self, class: Class, bytes: usize, seen: &mut Seen) -> bool {
        let before = self.class.replace(class);
        let Some(tx) = &self.open else { return false };
        if before.is_none_or(|before| before == class) {
            let Some(room) = &mut self.room else { return false };
            let needed = tx.recorded_bytes() + bytes;
            if needed <= room.bytes {
                return true;
            }
            let wanted = needed.max(ROOM_BYTES);
            if room.held.raise(class, wanted as u64).is_ok() {
                room.bytes = wanted;
                return true;
            }
        }
        // What is kept for acknowledgements is not for others.
        self.close(seen);
        self.class = Some(class);
        false
    }

    /// Keeps the room that a command was let in with for as long as its step is open.
    #[inline]
    pub fn keep_room(&mut self, held: Reservation<'k>) {
        if self.open.is_some() {
            self.room = Some(Room { held, bytes: 0 });
        }
    }

    /// Runs a command under the locks of `shards`, in the open step if there is one. It ends the step
    /// unless its second result says that others may join, and nothing stands against that.
    ///
    /// # Errors
    /// Locks that it needs are held for long, and nothing was done.
    #[inline]
    pub fn run<R>(
        &mut self,
        shards: ShardSet,
        db: usize,
        now_ms: i64,
        seen: &mut Seen,
        command: impl FnOnce(&mut Tx<'k>) -> (R, bool),
    ) -> Result<R, Held> {
        let tx = match &mut self.open {
            Some(tx) => {
                debug_assert_eq!(tx.locked(), shards, "the step was closed if it has other locks");
                tx.select(db);
                tx
            }
            None => self.open.insert(self.keyspace.begin(shards, db, now_ms)?),
        };
        self.now_ms = now_ms;
        self.commands += 1;
        let (result, may_stay) = command(tx);
        if may_stay && self.commands < COMMANDS_MAX && tx.may_stay() {
            tx.end_command();
        } else {
            self.end(seen);
        }
        Ok(result)
    }

    /// Ends the open step, if there is one: raises `seen` to the journal's position behind all that its
    /// commands may have seen, and serves who waits for what they have changed.
    #[inline]
    pub fn close(&mut self, seen: &mut Seen) {
        self.end(seen);
        if self.room.is_some() {
            self.room = None;
        }
    }

    #[inline]
    fn end(&mut self, seen: &mut Seen) {
        if let Some(tx) = self.open.take() {
            self.commands = 0;
            self.class = None;
            self.keyspace.end(tx, self.now_ms, seen);
        }
    }
}

impl Drop for Batch<'_> {
    /// Only a handler that panics leaves a step open: the commands before it have been done.
    fn drop(&mut self) {
        if let Some(tx) = &mut self.open {
            tx.give_up_command();
            tx.end_step();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;

    use super::super::{Expiry, ManualClock, Options, Value};
    use super::*;
    use crate::journal::MemorySink;
    use crate::types::string::StringValue;

    const NOW_MS: i64 = 1_000;

    fn keyspace() -> (Keyspace, Arc<MemorySink>) {
        let sink = Arc::new(MemorySink::default());
        let keyspace = Keyspace::new(Options {
            databases: 1,
            clock: ManualClock::new(NOW_MS),
            seed: 1,
            sink: Some(Arc::clone(&sink) as Arc<dyn crate::journal::Sink>),
        });
        (keyspace, sink)
    }

    fn set(tx: &mut Tx<'_>, key: &[u8], value: &[u8]) {
        tx.put(key, Value::String(StringValue::new(value)), Expiry::Clear);
        tx.changed(key);
        tx.record(&[b"SET", key, value]);
    }

    /// Sets `key` as a command that others may join.
    fn send(batch: &mut Batch<'_>, seen: &mut Seen, key: &[u8], value: &[u8]) {
        let shards = batch.keyspace.shard_of(key);
        batch.close_unless_at(shards, seen);
        let sent = batch.run(shards, 0, NOW_MS, seen, |tx| (set(tx, key, value), true));
        assert_eq!(sent, Ok(()));
    }

    fn effects(sink: &MemorySink) -> Vec<String> {
        let text = |effects: &[u8]| {
            let text = String::from_utf8_lossy(effects).into_owned();
            let words = text.split("\r\n").filter(|word| !word.starts_with(['*', '$']));
            words.collect::<Vec<_>>().join(" ").trim_end().to_owned()
        };
        sink.drain().iter().map(|frame| text(&frame.effects)).collect()
    }

    /// Two keys of different shards.
    fn strangers(keyspace: &Keyspace) -> [Vec<u8>; 2] {
        let other = (0..100).map(|n| format!("k{n}").into_bytes());
        let mut other = other.filter(|key| keyspace.shard_of(key) != keyspace.shard_of(b"a"));
        [b"a".to_vec(), other.next().expect("there are 64 shards")]
    }

    #[test]
    fn commands_in_one_shard_are_one_frame_and_others_are_not() {
        let (keyspace, sink) = keyspace();
        let [one, other] = strangers(&keyspace);
        let mut batch = Batch::new(&keyspace);
        let mut seen = Seen::default();
        send(&mut batch, &mut seen, &one, b"1");
        send(&mut batch, &mut seen, &one, b"2");
        assert_eq!(seen.position, 0, "nobody may be told anything yet");
        send(&mut batch, &mut seen, &other, b"3");
        assert_eq!((seen.position, seen.written), (1, 1));
        batch.close(&mut seen);
        assert_eq!((seen.position, seen.written), (2, 2));
        let other = String::from_utf8(other).expect("ASCII");
        assert_eq!(effects(&sink), ["SET a 1 SET a 2".to_owned(), format!("SET {other} 3")]);
    }

    #[test]
    fn who_does_not_let_others_join_ends_the_step() {
        let (keyspace, sink) = keyspace();
        let mut batch = Batch::new(&keyspace);
        let mut seen = Seen::default();
        send(&mut batch, &mut seen, b"a", b"1");
        let shards = keyspace.shard_of(b"a");
        let run = batch.run(shards, 0, NOW_MS, &mut seen, |tx| (set(tx, b"a", b"2"), false));
        assert_eq!((run, seen.position), (Ok(()), 1));
        // The lock is free again.
        keyspace.run(shards, 0, NOW_MS, |tx| assert!(tx.exists(b"a")));
        assert_eq!(effects(&sink), ["SET a 1 SET a 2"]);
    }

    #[test]
    fn the_lock_is_given_to_others_now_and_then() {
        let (keyspace, sink) = keyspace();
        let mut batch = Batch::new(&keyspace);
        let mut seen = Seen::default();
        for _ in 0..3 * COMMANDS_MAX {
            send(&mut batch, &mut seen, b"a", b"1");
        }
        assert_eq!(effects(&sink).len(), 3);
        let long = vec![b'x'; EFFECT_BYTES_MAX];
        send(&mut batch, &mut seen, b"a", &long);
        send(&mut batch, &mut seen, b"a", b"1");
        batch.close(&mut seen);
        assert_eq!(effects(&sink).len(), 2);
    }

    #[test]
    fn a_key_that_is_due_goes_before_all_else_in_the_frame() {
        let (keyspace, sink) = keyspace();
        let shards = keyspace.shard_of(b"a");
        keyspace.run(shards, 0, NOW_MS, |tx| {
            set(tx, b"a", b"1");
            tx.set_expire_at(b"a", NOW_MS + 5);
        });
        sink.drain();
        let mut batch = Batch::new(&keyspace);
        let mut seen = Seen::default();
        let other = (0..10_000).map(|n| format!("k{n}").into_bytes());
        let mut other = other.filter(|key| keyspace.shard_of(key) == shards);
        let other = other.next().expect("one of 64");
        for key in [&other[..], b"a"] {
            let run = |tx: &mut Tx<'_>| (set(tx, key, b"2"), true);
            assert_eq!(batch.run(shards, 0, NOW_MS + 5, &mut seen, run), Ok(()));
        }
        batch.close(&mut seen);
        let other = String::from_utf8(other).expect("ASCII");
        assert_eq!(effects(&sink), [format!("DEL a SET {other} 2 SET a 2")]);
    }

    #[test]
    fn a_handler_that_panics_takes_nothing_back_of_the_commands_before_it() {
        let (keyspace, sink) = keyspace();
        let shards = keyspace.shard_of(b"a");
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let mut batch = Batch::new(&keyspace);
            let mut seen = Seen::default();
            send(&mut batch, &mut seen, b"a", b"1");
            let fail = |tx: &mut Tx<'_>| -> ((), bool) {
                set(tx, b"a", b"half");
                panic!("as asked");
            };
            batch.run(shards, 0, NOW_MS, &mut seen, fail).ok();
        }));
        assert!(panicked.is_err());
        assert_eq!(effects(&sink), ["SET a 1"]);
        keyspace.run(shards, 0, NOW_MS, |tx| assert!(tx.exists(b"a")));
    }
}
