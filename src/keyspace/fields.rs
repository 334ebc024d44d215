//! Deadlines of parts of values: fields of hashes.
//!
//! Each shard's part of a database keeps the hashes of which a field has a deadline in order of the
//! nearest one, beside the deadlines of keys. The task that removes keys removes due fields as well.
//! Readers ask with the time and see none that is due; two hashes of one hash and one deadline share a
//! place in the order, and whoever comes to it looks for all of them.

use super::news::EventClass;
use super::table::NEVER;
use super::tx::Tx;
use super::value::Value;

/// How many fields of one hash are removed in one go.
const FIELDS_PER_STEP: usize = 64;

impl Tx<'_> {
    /// Up to which unix ms deadlines of fields have passed: the step's time, or in a replay, in
    /// which nothing is gone but by an effect, no time at all.
    pub fn due_ms(&self) -> i64 {
        if self.is_replaying() { i64::MIN } else { self.now_ms() }
    }

    /// The earliest deadline of a field at a key, before that is changed. See
    /// [`Tx::field_deadlines_changed`].
    pub fn nearest_field_deadline(&self, key: &[u8]) -> i64 {
        self.peek(key).map_or(NEVER, Value::nearest_deadline)
    }

    /// Tells that fields at a key that is still there have changed, of which the earliest deadline was
    /// `before_ms`.
    #[inline]
    pub fn field_deadlines_changed(&mut self, key: &[u8], before_ms: i64) {
        let (rank, hash) = self.place(key);
        let found = self.guards[rank].dbs[self.db()].table.find(hash, key);
        if let Some(at) = found {
            self.move_field_deadline(rank, at, before_ms);
        }
    }

    /// Brings the order up to date with the value in a slot, where the one before had its nearest
    /// deadline at `before_ms`.
    pub(super) fn move_field_deadline(&mut self, rank: usize, at: usize, before_ms: i64) {
        let db = self.db();
        let part = &mut self.guards[rank].dbs[db];
        let slot = part.table.slot(at);
        let (hash, after_ms) = (slot.hash, slot.value.nearest_deadline());
        if before_ms == after_ms {
            return;
        }
        if before_ms != NEVER {
            part.field_deadlines.remove(&(before_ms, hash));
        }
        if after_ms != NEVER {
            part.field_deadlines.insert((after_ms, hash));
            self.keyspace.note_deadline(after_ms);
        }
    }

    /// The first hash of a shard's part of the database that has due fields.
    pub(super) fn first_with_due_fields(&mut self, rank: usize) -> Option<usize> {
        let (db, now_ms) = (self.db(), self.now_ms());
        let part = &mut self.guards[rank].dbs[db];
        loop {
            let &(deadline_ms, hash) = part.field_deadlines.first()?;
            if deadline_ms > now_ms {
                return None;
            }
            match part.table.find_with_due_parts(hash, now_ms) {
                Some(at) => return Some(at),
                // Its twin of the same hash and deadline went first.
                None => part.field_deadlines.pop_first(),
            };
        }
    }

    /// Removes some of the due fields of the hash in a slot, and the key with the last.
    pub(super) fn expire_fields_at_place(&mut self, rank: usize, at: usize) {
        let now_ms = self.now_ms();
        let slot = self.slot_to_change(rank, at);
        let Value::Hash(hash) = &mut slot.value else { return };
        let key = slot.key.clone();
        let before_ms = hash.nearest_deadline();
        let due = hash.due_names(now_ms, FIELDS_PER_STEP);
        let due: Vec<Box<[u8]>> = due.into_iter().map(Box::from).collect();
        due.iter().for_each(|name| assert!(hash.remove(name), "a due field is there"));
        let is_emptied = hash.is_empty();
        self.move_field_deadline(rank, at, before_ms);
        if is_emptied {
            let slot = self.remove_at(rank, at);
            self.discard(slot.value);
        }
        self.guards[rank].expired_fields += due.len() as u64;
        self.changed(&key);
        if let Some(effect) = self.effect(2 + due.len()) {
            effect.arg(b"HDEL").arg(&key).args(due.iter().map(|name| &**name)).end();
        }
        let names = due.iter().map(|name| &**name);
        self.notify_subkeys(EventClass::HASH, "hexpired", &key, names);
        if is_emptied {
            self.notify(EventClass::GENERIC, "del", &key);
        }
    }

    /// How many bytes the effect of [`Tx::expire_fields_at_place`] takes, about.
    pub(super) fn expire_fields_bytes(&self, rank: usize, at: usize) -> u64 {
        let slot = self.part(rank).table.slot(at);
        let Value::Hash(hash) = &slot.value else { return 0 };
        let names = hash.due_names(self.now_ms(), FIELDS_PER_STEP);
        // Each with its length before it.
        let names: usize = names.iter().map(|name| name.len() + 24).sum();
        (slot.key.len() + names) as u64
    }
}
