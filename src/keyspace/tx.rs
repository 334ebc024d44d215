//! The one gate: every read and change of a value passes through a [`Tx`].
//!
//! A `Tx` is one atomic step over the shards that its command has locked. A handler that changes a
//! value says so twice: [`Tx::changed`] (who watches the key, who counts changes) and
//! [`Tx::record`] or [`Tx::effect`] (what the journal keeps). The two belong together: a step that
//! changed something and recorded nothing, or the other way round, is caught by an assertion in
//! debug builds, at the end of the step.

use std::collections::{BTreeSet, HashSet};
use std::task::Waker;

use parking_lot::MutexGuard;
use smallvec::SmallVec;

use super::Keyspace;
use super::news::{EventClass, News};
use super::room::Room;
use super::shard::{Db, ReadyKey, Shard, ShardSet};
use super::table::{NEVER, Slot, Table};
use super::value::{Kind, Typed, Value};
use super::waiting::Waiting;
use crate::journal::Effects;

mod record;

pub(super) type Guards<'k> = SmallVec<[MutexGuard<'k, Shard>; 1]>;

/// The key holds a value of another type than the command is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WrongType;

/// What becomes of a key's deadline when its value is replaced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expiry {
    /// As it was; none for a new key.
    Keep,
    /// None.
    Clear,
    /// This unix time in ms.
    At(i64),
}

/// One atomic step.
pub struct Tx<'k> {
    pub(super) keyspace: &'k Keyspace,
    shards: ShardSet,
    pub(super) guards: Guards<'k>,
    db: usize,
    now_ms: i64,
    /// The highest position of the locked shards.
    position: u64,
    /// That of the last frame of this `Tx`; 0 without one.
    written: u64,
    /// Effects are being replayed: nothing expires but by an effect, and none are recorded.
    replaying: bool,
    /// Reads leave the keys' access times as they are (CLIENT NO-TOUCH).
    no_touch: bool,
    /// Had from the first shard, or made, with the first effect that somebody keeps, and boxed: a small `Tx` is
    /// cheap to make.
    pub(super) effects: Option<Box<Effects>>,
    pub(super) room: Room<'k>,
    changes: u32,
    pub(super) recorded: u32,
    has_ready: bool,
    /// A locked shard has a stream that is to be looked after.
    pub(super) has_chores: bool,
    /// What the command found that it needs as well; it has changed nothing.
    pub(super) lacking: ShardSet,
    /// The time of the frame that is being replayed.
    replayed_ms: i64,
    /// The connection that the step runs for; 0: none.
    origin: u64,
    /// Databases that the step has exchanged.
    swapped: Vec<(usize, usize)>,
    /// What is told at the end of the step.
    news: Vec<News>,
    leftovers: Leftovers,
}

/// What is left to do when the locks are gone.
#[derive(Default)]
pub(super) struct Leftovers {
    removed: Vec<Removed>,
    /// Of those who were told something.
    wakers: Vec<Waker>,
}

impl Leftovers {
    #[inline]
    fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.wakers.is_empty()
    }

    #[inline]
    pub(super) fn finish(self) {
        self.wakers.into_iter().for_each(Waker::wake);
        drop(self.removed);
    }
}

/// What is freed when the locks are gone, because it may take long.
#[expect(dead_code, reason = "kept only to be dropped")]
pub(super) enum Removed {
    Value(Value),
    /// A shard's part of a whole database; a snapshot may have taken the table over.
    Database(Option<Table>, [BTreeSet<(i64, u64)>; 3]),
}

impl<'k> Tx<'k> {
    #[inline]
    pub(super) fn new(
        keyspace: &'k Keyspace,
        shards: ShardSet,
        mut guards: Guards<'k>,
        db: usize,
        now_ms: i64,
    ) -> Tx<'k> {
        let now_ms = guards.iter().fold(now_ms, |now_ms, shard| now_ms.max(shard.last_now_ms));
        let (mut has_ready, mut has_chores, mut position) = (false, false, 0);
        for shard in &mut guards {
            shard.last_now_ms = now_ms;
            has_chores |= shard.timer_ms <= now_ms;
            position = position.max(shard.position);
            has_ready |= !shard.ready.is_empty();
        }
        Tx {
            keyspace,
            shards,
            guards,
            db,
            now_ms,
            position,
            written: 0,
            replaying: false,
            no_touch: false,
            effects: None,
            room: Room::default(),
            changes: 0,
            recorded: 0,
            has_ready,
            has_chores,
            lacking: ShardSet::NONE,
            replayed_ms: 0,
            origin: 0,
            swapped: Vec::new(),
            news: Vec::new(),
            leftovers: Leftovers::default(),
        }
    }

    /// Ends the step's locks; gives what is to be done outside of them.
    #[inline]
    pub(super) fn close(mut self) -> Leftovers {
        self.leave_effects_buffer();
        self.leftovers
    }

    /// Closes a frame: what follows is another atomic step under the same locks.
    #[inline]
    pub(crate) fn end_step(&mut self) {
        self.end_command();
        if let (Some(sink), Some(effects)) = (self.keyspace.sink.get(), &mut self.effects)
            && !effects.is_empty()
        {
            self.position = sink.append(self.now_ms, effects.end_step());
            debug_assert!(effects.is_empty(), "the sink empties what it takes");
            self.written = self.position;
            for shard in &mut self.guards {
                shard.position = self.position;
            }
        }
        self.room.release();
        self.swapped.clear();
        if !self.news.is_empty() {
            self.spread_news();
        }
    }

    #[cold]
    fn spread_news(&mut self) {
        let news = std::mem::take(&mut self.news);
        if let Some(audience) = self.keyspace.audience.get() {
            audience.hear(news, self.position, &mut self.leftovers.wakers);
        }
    }

    /// Has something told when the step has ended. While effects are replayed nobody is told anything.
    pub fn tell(&mut self, news: News) {
        if !self.replaying {
            self.news.push(news);
        }
    }

    /// Whom to wake when the locks are gone.
    pub fn wakers(&mut self) -> &mut Vec<Waker> {
        &mut self.leftovers.wakers
    }

    pub(super) fn last_news(&self) -> Option<&News> {
        self.news.last()
    }

    /// The step runs for this connection.
    #[inline]
    pub fn set_origin(&mut self, client_id: u64) {
        self.origin = client_id;
    }

    /// The journal's position behind all that the locked shards hold, as far as steps have ended.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The journal's position behind the last step that changed anything; 0 if none did.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    pub fn keyspace(&self) -> &'k Keyspace {
        self.keyspace
    }

    /// The step's time, unix ms.
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    pub fn db(&self) -> usize {
        self.db
    }

    /// Goes on in another database (the caller has checked that it exists).
    pub fn select(&mut self, db: usize) {
        assert!(db < self.keyspace.databases, "a database within `databases`");
        self.db = db;
    }

    /// The shards that are locked.
    pub fn locked(&self) -> ShardSet {
        self.shards
    }

    pub fn set_no_touch(&mut self, no_touch: bool) {
        self.no_touch = no_touch;
    }

    /// From here on effects are replayed, and the time is at least `time_ms`.
    pub fn replay_at(&mut self, time_ms: i64) {
        self.replaying = true;
        self.replayed_ms = time_ms;
        self.now_ms = self.now_ms.max(time_ms);
    }

    /// The time that is kept with what the step does, unix ms: the same in a replay, where
    /// [`Tx::now_ms`] may be later, because other shards' steps came in between.
    pub fn recorded_ms(&self) -> i64 {
        if self.replaying { self.replayed_ms } else { self.now_ms }
    }

    /// Frees what was removed so far, where many steps are replayed under one taking of the locks.
    pub fn free_removed(&mut self) {
        self.leftovers.removed.clear();
    }

    pub fn is_replaying(&self) -> bool {
        self.replaying
    }

    // --- reading

    /// A key's value; a read that counts as access.
    pub fn get(&mut self, key: &[u8]) -> Option<&Value> {
        let (rank, hash) = self.place(key);
        let shard = &mut *self.guards[rank];
        let table = &mut shard.dbs[self.db].table;
        let found = table.find(hash, key).map(|at| table.slot_mut(at));
        let live = found.filter(|slot| slot.expire_at_ms > self.now_ms || self.replaying);
        let Some(slot) = live else {
            shard.misses += 1;
            // Not by a method: what is found below is borrowed until the end.
            if self.keyspace.interest.has(EventClass::KEY_MISS) && !self.replaying {
                self.news.push(News::event("keymiss", self.db, key));
            }
            return None;
        };
        shard.hits += 1;
        if !self.no_touch {
            slot.touch(self.now_ms);
        }
        Some(&slot.value)
    }

    /// A key's value, without counting as access.
    pub fn peek(&self, key: &[u8]) -> Option<&Value> {
        self.slot(key).map(|slot| &slot.value)
    }

    /// The value of type `T` at a key, or none, without counting as access: for commands that change
    /// it if it is there.
    pub fn peek_as<T: Typed>(&self, key: &[u8]) -> Result<Option<&T>, WrongType> {
        match self.peek(key) {
            None => Ok(None),
            Some(value) => T::of(value).map(Some).ok_or(WrongType),
        }
    }

    /// A key with its deadline and access time, without counting as access.
    pub fn slot(&self, key: &[u8]) -> Option<&Slot> {
        let (rank, hash) = self.place(key);
        let table = &self.guards[rank].dbs[self.db].table;
        let slot = table.slot(table.find(hash, key)?);
        if self.is_due(slot.expire_at_ms) { None } else { Some(slot) }
    }

    pub fn exists(&self, key: &[u8]) -> bool {
        self.slot(key).is_some()
    }

    /// The value of type `T` at a key, or none.
    pub fn read<T: Typed>(&mut self, key: &[u8]) -> Result<Option<&T>, WrongType> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => T::of(value).map(Some).ok_or(WrongType),
        }
    }

    /// The unix time in ms at which a key expires ([`NEVER`]: it does not); `None`: no such key.
    pub fn expire_at(&self, key: &[u8]) -> Option<i64> {
        self.slot(key).map(|slot| slot.expire_at_ms)
    }

    // --- changing

    /// The value of type `T` at a key, to change it. The caller reports with [`Tx::changed`] and an
    /// effect if it did.
    pub fn write<T: Typed>(&mut self, key: &[u8]) -> Result<Option<&mut T>, WrongType> {
        let (rank, _, Some(at)) = self.find_to_write(key) else { return Ok(None) };
        let slot = self.slot_to_change(rank, at);
        T::of_mut(&mut slot.value).map(Some).ok_or(WrongType)
    }

    /// As [`Tx::write`], making a missing key first.
    pub fn write_or_insert<T: Typed>(
        &mut self,
        key: &[u8],
        new: impl FnOnce() -> T,
    ) -> Result<&mut T, WrongType> {
        let (rank, hash, found) = self.find_to_write(key);
        let at = match found {
            Some(at) => at,
            None => {
                self.mark_ready(rank, key);
                self.notify(EventClass::NEW, "new", key);
                self.insert_new(rank, hash, key, new().into_value())
            }
        };
        let slot = self.slot_to_change(rank, at);
        T::of_mut(&mut slot.value).ok_or(WrongType)
    }

    /// Ends a key that is due, as a write to it does: for a key that an effect is about to name as
    /// its source, since in a replay nothing is due by itself.
    pub fn end_if_due(&mut self, key: &[u8]) {
        self.find_to_write(key);
    }

    /// Puts a value at a key, whatever was there, and tells so. A key that stays keeps its place in
    /// scans.
    pub fn put(&mut self, key: &[u8], value: Value, expiry: Expiry) {
        let kind = value.kind();
        match self.replace(key, value, expiry) {
            None => self.notify(EventClass::NEW, "new", key),
            Some(before) => self.notify_overwritten(key, before, kind),
        }
    }

    /// As [`Tx::put`] without a word of it: in some commands other events come first. Of what kind the
    /// value was that stood there.
    pub fn replace(&mut self, key: &[u8], value: Value, expiry: Expiry) -> Option<Kind> {
        let (rank, hash, found) = self.find_to_write(key);
        self.mark_ready(rank, key);
        let mut kind_before = None;
        let at = match found {
            Some(at) => {
                let slot = self.slot_to_change(rank, at);
                let before = std::mem::replace(&mut slot.value, value);
                self.move_field_deadline(rank, at, before.nearest_deadline());
                self.move_timer(rank, at, before.timer_ms());
                kind_before = Some(before.kind());
                self.discard(before);
                at
            }
            None => self.insert_new(rank, hash, key, value),
        };
        match expiry {
            Expiry::Keep => {}
            Expiry::Clear => self.set_deadline(rank, at, NEVER),
            Expiry::At(expire_at_ms) => self.set_deadline(rank, at, expire_at_ms),
        }
        kind_before
    }

    /// Takes a key away; its slot, if there was one.
    pub fn take(&mut self, key: &[u8]) -> Option<Slot> {
        let (rank, _, found) = self.find_to_write(key);
        found.map(|at| self.remove_at(rank, at))
    }

    /// Removes a key; whether there was one. What it held is freed after the locks.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        match self.take(key) {
            Some(slot) => {
                self.discard(slot.value);
                true
            }
            None => false,
        }
    }

    /// Removes a key whose collection has become empty. No effect of its own is needed: replaying
    /// what emptied it removes it again.
    pub fn remove_if_empty(&mut self, key: &[u8]) -> bool {
        let empty = self.peek(key).is_some_and(Value::is_empty_collection);
        empty && self.remove(key)
    }

    /// Sets or takes away ([`NEVER`]) the deadline of a key that exists.
    pub fn set_expire_at(&mut self, key: &[u8], expire_at_ms: i64) {
        let (rank, hash) = self.place(key);
        let found = self.guards[rank].dbs[self.db].table.find(hash, key);
        if let Some(at) = found {
            self.set_deadline(rank, at, expire_at_ms);
        }
    }

    /// Sets when a key that exists was last used, Unix ms: an import or a RESTORE may know.
    pub fn set_accessed_at(&mut self, key: &[u8], accessed_at_ms: i64) {
        let (rank, hash) = self.place(key);
        let table = &mut self.guards[rank].dbs[self.db].table;
        if let Some(at) = table.find(hash, key) {
            table.slot_mut(at).touch(accessed_at_ms);
        }
    }

    /// Has a value freed after the locks are gone, where that may take long.
    pub fn discard(&mut self, value: Value) {
        // A short string is freed in less time than it takes to remember it.
        if !matches!(value, Value::String(_)) {
            self.leftovers.removed.push(Removed::Value(value));
        }
    }

    /// Tells that a key's value (or deadline, or existence) was changed.
    #[inline]
    pub fn changed(&mut self, key: &[u8]) {
        self.changes += 1;
        let rank = self.rank_of(key);
        let shard = &mut *self.guards[rank];
        shard.changes += 1;
        let watching = &shard.dbs[self.db].watching;
        if !watching.is_empty() {
            watching.touch(key);
        }
        self.invalidate(key, self.origin);
    }

    /// As [`Tx::changed`], where those who watch the key are not to notice: in Redis the state of
    /// consumer groups does not break a WATCH.
    pub fn changed_unwatched(&mut self, key: &[u8]) {
        self.changes += 1;
        let rank = self.rank_of(key);
        self.guards[rank].changes += 1;
    }

    /// Tells who waits for a key that it is worth another look: entries or elements were added.
    /// (Keys that are made, replaced or removed do so by themselves.)
    pub fn signal(&mut self, key: &[u8]) {
        let rank = self.rank_of(key);
        self.mark_ready(rank, key);
    }

    // --- whole databases (all shards are locked)

    /// How many keys the database has, those past their deadline but not collected included.
    pub fn db_len(&self) -> usize {
        self.dbs().map(|db| db.table.len()).sum()
    }

    /// Changes since the start.
    pub fn changes_total(&self) -> u64 {
        self.guards.iter().map(|shard| shard.changes).sum()
    }

    /// Reads that found a key, and that did not, since the start.
    pub fn reads_total(&self) -> (u64, u64) {
        let sum = |(hits, misses), shard: &MutexGuard<'_, Shard>| {
            (hits + shard.hits, misses + shard.misses)
        };
        self.guards.iter().fold((0, 0), sum)
    }

    /// Tells that something was changed that belongs to no key and no database (functions).
    pub fn changed_server(&mut self) {
        self.changed_db();
    }

    /// Counts a change of a whole database.
    fn changed_db(&mut self) {
        self.changes += 1;
        if let Some(shard) = self.guards.first_mut() {
            shard.changes += 1;
        }
    }

    /// Removes every key of the database; how many there were.
    pub fn flush_db(&mut self) -> usize {
        let db = self.db;
        let mut removed = 0;
        for rank in 0..self.guards.len() {
            let affected =
                self.affected_keys(rank, db, |table, hash, key| table.find(hash, key).is_some());
            self.touch_all(rank, &affected);
            let shard = &mut *self.guards[rank];
            removed += shard.dbs[db].table.len();
            let deadlines = std::mem::take(&mut shard.dbs[db].deadlines);
            let field_deadlines = std::mem::take(&mut shard.dbs[db].field_deadlines);
            let timers = std::mem::take(&mut shard.dbs[db].timers);
            let deadlines = [deadlines, field_deadlines, timers];
            let table = shard.empty_table(db);
            self.leftovers.removed.push(Removed::Database(table, deadlines));
        }
        self.invalidate_all(self.origin);
        self.changed_db();
        removed
    }

    /// Exchanges the keys of two databases; who waits or watches stays where it is.
    pub fn swap_dbs(&mut self, one: usize, other: usize) {
        let before = self.db;
        self.swapped.push((one, other));
        for rank in 0..self.guards.len() {
            for (db, peer) in [(one, other), (other, one)] {
                let shard = &self.guards[rank];
                let (table, peer_table) = (&shard.dbs[db].table, &shard.dbs[peer].table);
                let affected: Vec<Box<[u8]>> = self.affected_keys(rank, db, |_, hash, key| {
                    table.find(hash, key).is_some() || peer_table.find(hash, key).is_some()
                });
                self.db = db;
                self.touch_all(rank, &affected);
            }
            self.guards[rank].swap_tables(one, other);
        }
        self.db = before;
        self.changed_db();
    }

    /// The waited-for and watched keys of a shard's part that `is_affected` picks.
    fn affected_keys(
        &self,
        rank: usize,
        db: usize,
        is_affected: impl Fn(&Table, u64, &[u8]) -> bool,
    ) -> Vec<Box<[u8]>> {
        let part = &self.guards[rank].dbs[db];
        let keys = part.waiting.waited_keys().chain(part.watching.watched_keys());
        keys.filter(|key| is_affected(&part.table, self.keyspace.hash(key), key))
            .map(Box::from)
            .collect()
    }

    fn touch_all(&mut self, rank: usize, keys: &[Box<[u8]>]) {
        for key in keys {
            self.guards[rank].dbs[self.db].watching.touch(key);
            self.mark_ready(rank, key);
        }
    }

    pub(super) fn dbs(&self) -> impl Iterator<Item = &Db> {
        self.guards.iter().map(|shard| &shard.dbs[self.db])
    }

    pub(super) fn part(&self, rank: usize) -> &Db {
        &self.guards[rank].dbs[self.db]
    }

    // --- inside

    #[inline]
    pub(super) fn place(&self, key: &[u8]) -> (usize, u64) {
        let hash = self.keyspace.hash(key);
        (self.shards.rank(Keyspace::shard_of_hash(hash)), hash)
    }

    pub(super) fn is_due(&self, expire_at_ms: i64) -> bool {
        expire_at_ms <= self.now_ms && !self.replaying
    }

    /// The rank of the shard of a key that the step has touched before; where one shard is locked
    /// that is known without the key's hash.
    pub(super) fn rank_of(&self, key: &[u8]) -> usize {
        if self.guards.len() == 1 {
            debug_assert_eq!(self.place(key).0, 0);
            return 0;
        }
        self.place(key).0
    }

    /// Where a key is, and its slot if it has one. A key that a write meets after its deadline is
    /// removed first, as an effect of its own.
    #[inline]
    fn find_to_write(&mut self, key: &[u8]) -> (usize, u64, Option<usize>) {
        let (rank, hash) = self.place(key);
        let table = &self.guards[rank].dbs[self.db].table;
        let found = table.find(hash, key);
        if let Some(at) = found
            && self.is_due(table.slot(at).expire_at_ms)
        {
            self.expire_at_place(rank, at);
            return (rank, hash, None);
        }
        (rank, hash, found)
    }

    /// Removes the key in a slot because its deadline has passed.
    pub(super) fn expire_at_place(&mut self, rank: usize, at: usize) {
        let slot = self.remove_at(rank, at);
        self.record_end(&slot.key);
        self.changes += 1;
        let shard = &mut *self.guards[rank];
        shard.changes += 1;
        shard.expired_keys += 1;
        shard.dbs[self.db].watching.touch_expired(&slot.key);
        self.notify(EventClass::EXPIRED, "expired", &slot.key);
        self.invalidate(&slot.key, 0);
        self.discard(slot.value);
    }

    /// The first due key of a shard's part of the database.
    pub(super) fn first_due(&mut self, rank: usize) -> Option<usize> {
        let now_ms = self.now_ms;
        let part = &mut self.guards[rank].dbs[self.db];
        loop {
            let &(deadline_ms, hash) = part.deadlines.first()?;
            if deadline_ms > now_ms {
                return None;
            }
            match part.table.find_due(hash, now_ms) {
                Some(at) => return Some(at),
                // Its twin of the same hash and deadline went first.
                None => part.deadlines.pop_first(),
            };
        }
    }

    /// The slot of a key that is not there yet.
    fn insert_new(&mut self, rank: usize, hash: u64, key: &[u8], value: Value) -> usize {
        let shard = &mut *self.guards[rank];
        shard.keys += 1;
        let has_deadlines = value.nearest_deadline() != NEVER;
        let has_timer = value.timer_ms() != NEVER;
        let slot = Slot::new(hash, key.into(), value, self.now_ms, shard.epoch);
        let at = shard.dbs[self.db].table.insert_new(slot);
        if has_deadlines {
            self.move_field_deadline(rank, at, NEVER);
        }
        if has_timer {
            self.move_timer(rank, at, NEVER);
        }
        at
    }

    /// A slot whose value is about to be changed, which counts as access.
    #[inline]
    pub(super) fn slot_to_change(&mut self, rank: usize, at: usize) -> &mut Slot {
        let shard = &mut *self.guards[rank];
        shard.hand_over(self.db, at);
        let slot = shard.dbs[self.db].table.slot_mut(at);
        slot.touch(self.now_ms);
        slot
    }

    pub(super) fn remove_at(&mut self, rank: usize, at: usize) -> Slot {
        let shard = &mut *self.guards[rank];
        shard.hand_over(self.db, at);
        shard.keys -= 1;
        let part = &mut shard.dbs[self.db];
        let slot = part.table.remove(at);
        if slot.expire_at_ms != NEVER {
            part.deadlines.remove(&(slot.expire_at_ms, slot.hash));
        }
        let field_deadline_ms = slot.value.nearest_deadline();
        if field_deadline_ms != NEVER {
            part.field_deadlines.remove(&(field_deadline_ms, slot.hash));
        }
        let timer_ms = slot.value.timer_ms();
        if timer_ms != NEVER {
            part.timers.remove(&(timer_ms, slot.hash));
        }
        self.mark_ready(rank, &slot.key);
        slot
    }

    fn set_deadline(&mut self, rank: usize, at: usize, expire_at_ms: i64) {
        let shard = &mut *self.guards[rank];
        let slot = shard.dbs[self.db].table.slot(at);
        let (hash, before_ms) = (slot.hash, slot.expire_at_ms);
        if before_ms == expire_at_ms {
            return;
        }
        shard.hand_over(self.db, at);
        let part = &mut shard.dbs[self.db];
        if before_ms != NEVER {
            part.deadlines.remove(&(before_ms, hash));
        }
        part.table.set_deadline(at, expire_at_ms);
        if expire_at_ms != NEVER {
            part.deadlines.insert((expire_at_ms, hash));
            self.keyspace.note_deadline(expire_at_ms);
        }
    }

    /// The names of the consumers that wait for a group of the stream at `key`.
    pub fn waiting_in_group(&self, key: &[u8], group: &[u8]) -> HashSet<Vec<u8>> {
        let (rank, _) = self.place(key);
        self.part(rank).waiting.names_in_group(key, group)
    }

    pub(super) fn waiting_mut(&mut self, key: &[u8]) -> &mut Waiting {
        let rank = self.rank_of(key);
        &mut self.guards[rank].dbs[self.db].waiting
    }

    #[inline]
    fn mark_ready(&mut self, rank: usize, key: &[u8]) {
        let db = self.db;
        let shard = &mut *self.guards[rank];
        let waiting = &mut shard.dbs[db].waiting;
        if !waiting.is_empty() && waiting.mark_ready(key) {
            let seq = self.keyspace.next_arrival();
            shard.ready.push_back(ReadyKey { seq, db, key: key.into() });
            self.has_ready = true;
        }
    }

    pub(super) fn has_ready(&self) -> bool {
        self.has_ready
    }

    /// A key on the locked shards' ready lists, and the rank of its shard.
    pub(super) fn first_ready(&mut self) -> Option<(usize, ReadyKey)> {
        let fronts = self.guards.iter().enumerate();
        let fronts = fronts.filter_map(|(rank, shard)| Some((rank, shard.ready.front()?)));
        let first = fronts.min_by_key(|(_, ready)| ready.seq);
        let first = first.map(|(rank, ready)| (rank, ready.clone()));
        self.has_ready = first.is_some();
        first
    }

    /// Takes a served key from its shard's ready list. What made it ready again while it was served
    /// came from its own waiters, who have all been asked.
    pub(super) fn drop_ready(&mut self, rank: usize, ready: &ReadyKey) {
        let shard = &mut *self.guards[rank];
        shard.ready.pop_front();
        shard.dbs[ready.db].waiting.clear_ready(&ready.key);
    }
}
