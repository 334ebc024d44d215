//! What one shard keeps for the snapshot that is being made, and how it is walked.
//!
//! A slot carries the epoch in which it was captured or made. Invariant, while a snapshot runs:
//! exactly those slots whose epoch is not the shard's are in the snapshot and not captured yet, and
//! each of them lies in its table below the place that the walk of that table has come to. A removal
//! moves a table's last slot down, which breaks neither: a visited one that comes to lie below has
//! the epoch already.
//!
//! What is about to change such a slot captures it first: a small value is encoded at once, of
//! another a clone is kept, which shares what the value is made of.

use super::format::{Record, put_piece};
use super::values;
use crate::keyspace::shard::Shard;
use crate::keyspace::table::{Epoch, Slot, Table};
use crate::keyspace::value::Value;
use crate::types::image::ImageWriter;

/// How many slots are touched at most under one lock of a shard. An empty database counts as one.
pub const SLOTS_PER_HOLD: usize = 64;
/// How many bytes of small values are encoded under one lock before it ends early.
const BYTES_PER_HOLD: usize = 16 << 10;
/// Encoded small values are kept in pieces of about this size, so that adding one never copies more.
const CHUNK_BYTES: usize = 32 << 10;

/// Where a table stands in a snapshot.
#[derive(Clone, Copy, Default, Debug)]
pub struct Walk {
    /// Of what the rest says; if it is not the shard's, the table is where it was at the cut, and
    /// none of it was visited.
    pub epoch: Epoch,
    /// The number of the table's database at the cut.
    pub db: u32,
    /// Slots from here on have been visited.
    pub rest: u32,
}

/// A key whose value is too large to be encoded under a lock.
pub struct Large {
    pub db: u32,
    pub key: Box<[u8]>,
    pub expire_at_ms: i64,
    pub value: Value,
}

/// The table of a database that was emptied: what of it is not captured is to be encoded from here.
pub struct Emptied {
    pub walk: Walk,
    pub table: Table,
}

/// What the steps that changed a shard have captured of it.
#[derive(Default)]
pub struct Handed {
    /// Whole records, each chunk with its own notion of the database.
    pub small: Vec<Vec<u8>>,
    /// The database that the last of the chunks' records are in.
    db: Option<u32>,
    pub large: Vec<Large>,
    pub emptied: Vec<Emptied>,
    /// Keys captured in these, the emptied tables' not among them.
    pub keys: u64,
}

impl Handed {
    fn add(&mut self, db: u32, slot: &Slot) {
        self.keys += 1;
        if !values::is_small(slot.key.len(), &slot.value) {
            self.large.push(Large::of(db, slot));
            return;
        }
        if self.small.last().is_none_or(|chunk| chunk.len() >= CHUNK_BYTES) {
            self.small.push(Vec::new());
            self.db = None;
        }
        let chunk = self.small.last_mut().expect("pushed if there was none");
        put_small(chunk, &mut self.db, db, slot);
    }
}

impl Large {
    fn of(db: u32, slot: &Slot) -> Large {
        let (key, value) = (slot.key.clone(), slot.value.clone());
        Large { db, key, expire_at_ms: slot.expire_at_ms, value }
    }
}

/// Appends the records of a key; `last_db` is the database of what comes before them.
pub fn put_key(out: &mut Vec<u8>, last_db: &mut Option<u32>, db: u32, slot: SlotHead<'_>) {
    if *last_db != Some(db) {
        *last_db = Some(db);
        Record::Db(u64::from(db)).encode(out);
    }
    let kind = values::number_of(slot.value.kind());
    Record::Key { kind, expire_at_ms: slot.expire_at_ms, key: slot.key }.encode(out);
}

/// What [`put_key`] writes of a key.
pub struct SlotHead<'a> {
    pub key: &'a [u8],
    pub expire_at_ms: i64,
    pub value: &'a Value,
}

/// Appends a key with its whole value.
fn put_small(out: &mut Vec<u8>, last_db: &mut Option<u32>, db: u32, slot: &Slot) {
    let (expire_at_ms, value) = (slot.expire_at_ms, &slot.value);
    put_key(out, last_db, db, SlotHead { key: &slot.key, expire_at_ms, value });
    match value {
        // By far the most small values are strings: these need no allocation.
        Value::String(string) => put_image(out, &mut string.image()),
        value => put_image(out, &mut *values::image(value)),
    }
}

fn put_image(out: &mut Vec<u8>, image: &mut dyn ImageWriter) {
    while put_piece(out, |out| image.write_piece(out)) {}
}

/// Where captured keys go: small ones into a part, the others onto a list.
pub struct Captured<'a> {
    pub part: &'a mut Vec<u8>,
    /// The database of the part's last records.
    pub last_db: &'a mut Option<u32>,
    pub large: &'a mut Vec<Large>,
    pub keys: u64,
}

impl Captured<'_> {
    fn add(&mut self, db: u32, slot: &Slot) {
        self.keys += 1;
        if values::is_small(slot.key.len(), &slot.value) {
            put_small(self.part, self.last_db, db, slot);
        } else {
            self.large.push(Large::of(db, slot));
        }
    }
}

/// A shard's part of the snapshot that is being made.
#[derive(Default)]
pub struct Capture {
    handed: Handed,
    /// The tables of the databases below this one have no slots left to capture.
    next_db: usize,
}

/// What one hold of a shard's lock came to.
pub struct Held {
    pub slots: usize,
    /// Nothing is left in the shard that is not captured.
    pub is_done: bool,
    pub handed: Handed,
}

impl Shard {
    /// Has the slot that is about to be changed, replaced or removed captured as it is, if a
    /// snapshot has yet to. Without one this is one comparison.
    #[inline]
    pub(in crate::keyspace) fn hand_over(&mut self, db: usize, at: usize) {
        if !self.dbs[db].table.slot(at).is_of(self.epoch) {
            self.hand_over_slot(db, at);
        }
    }

    #[cold]
    fn hand_over_slot(&mut self, db: usize, at: usize) {
        let table = &mut self.dbs[db].table;
        if let Some(capture) = &mut self.capture {
            let home = table.walk(self.epoch, db).db;
            capture.handed.add(home, table.slot(at));
        }
        // Without a snapshot the slot is what one that was given up has left behind.
        table.slot_mut(at).set_epoch(self.epoch);
    }

    /// Takes a database's table away, to be dropped outside of the lock; what a snapshot has yet to
    /// capture of it goes there as a whole, which takes no time.
    pub(in crate::keyspace) fn empty_table(&mut self, db: usize) -> Option<Table> {
        let mut table = std::mem::take(&mut self.dbs[db].table);
        self.keys -= table.len() as u64;
        let Some(capture) = &mut self.capture else { return Some(table) };
        let walk = *table.walk(self.epoch, db);
        // What is put there from now on was not there at the cut.
        *self.dbs[db].table.walk(self.epoch, db) = Walk { epoch: self.epoch, db: 0, rest: 0 };
        if walk.rest == 0 {
            return Some(table);
        }
        capture.handed.emptied.push(Emptied { walk, table });
        None
    }

    /// Exchanges the tables and deadlines of two databases.
    pub(in crate::keyspace) fn swap_tables(&mut self, one: usize, other: usize) {
        if let Some(capture) = &mut self.capture {
            // They remember where they were at the cut, and are walked where they are now.
            self.dbs[one].table.walk(self.epoch, one);
            self.dbs[other].table.walk(self.epoch, other);
            capture.next_db = capture.next_db.min(one).min(other);
        }
        if let Ok([one, other]) = self.dbs.get_disjoint_mut([one, other]) {
            std::mem::swap(&mut one.table, &mut other.table);
            std::mem::swap(&mut one.deadlines, &mut other.deadlines);
            std::mem::swap(&mut one.field_deadlines, &mut other.field_deadlines);
            std::mem::swap(&mut one.timers, &mut other.timers);
        }
    }

    /// Captures a bounded number of the shard's slots, and gives what was handed over meanwhile.
    pub(super) fn capture_some(&mut self, captured: &mut Captured<'_>) -> Held {
        let Some(capture) = &mut self.capture else {
            return Held { slots: 0, is_done: true, handed: Handed::default() };
        };
        let handed = std::mem::take(&mut capture.handed);
        let bytes_before = captured.part.len();
        let mut slots = 0;
        while slots < SLOTS_PER_HOLD && captured.part.len() - bytes_before < BYTES_PER_HOLD {
            let Some(db) = self.dbs.get_mut(capture.next_db) else { break };
            let table = &mut db.table;
            let walk = *table.walk(self.epoch, capture.next_db);
            let rest = table.len().min(walk.rest as usize);
            slots += 1;
            let Some(at) = rest.checked_sub(1) else {
                table.walk(self.epoch, capture.next_db).rest = 0;
                capture.next_db += 1;
                continue;
            };
            table.walk(self.epoch, capture.next_db).rest = at as u32;
            let slot = table.slot_mut(at);
            if !slot.is_of(self.epoch) {
                captured.add(walk.db, slot);
                slot.set_epoch(self.epoch);
            }
        }
        Held { slots, is_done: capture.next_db == self.dbs.len(), handed }
    }
}

impl Emptied {
    /// Encodes one more slot, and frees it; false once none is left.
    pub fn capture_one(&mut self, captured: &mut Captured<'_>) -> bool {
        let Some(slot) = self.table.pop_unindexed() else { return false };
        if self.table.len() < self.walk.rest as usize && !slot.is_of(self.walk.epoch) {
            captured.add(self.walk.db, &slot);
        }
        true
    }
}
