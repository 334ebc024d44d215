//! Loading a snapshot: its parts, in order, into a keyspace that is empty.

use super::format::{self, Record, Then};
use super::values::{self, Reader};
use crate::keyspace::shard::Shard;
use crate::keyspace::table::{NEVER, Slot};
use crate::keyspace::value::{Kind, Typed, Value};
use crate::keyspace::{Keyspace, SHARDS};
use crate::types::image::{BadImage, ImageReader};
use crate::types::string::StringImageReader;

/// No key takes fewer bytes in a snapshot: a tag, a kind and a length, then a piece's tag and length.
const KEY_BYTES_MIN: u64 = 5;

/// Puts the keys of a snapshot into a keyspace. Nobody else may change that meanwhile; if the load
/// fails, what it holds is of no use.
pub struct SnapshotLoader<'k> {
    keyspace: &'k Keyspace,
    now_ms: i64,
    /// How long all parts are together at most.
    bytes: u64,
    /// How many keys are still to come; none before the head.
    missing: Option<u64>,
    db: Option<usize>,
    /// The key whose value is being read.
    open: Option<OpenKey>,
    /// Whole keys of the part that is being read, by shard.
    read: Vec<Vec<WholeKey>>,
    has_reserved: bool,
    effects: Vec<u8>,
}

struct WholeKey {
    hash: u64,
    db: usize,
    key: Box<[u8]>,
    expire_at_ms: i64,
    value: Value,
}

struct OpenKey {
    db: usize,
    key: Box<[u8]>,
    expire_at_ms: i64,
    kind: Kind,
    /// Made when the value turns out to have more than one piece.
    reader: Option<Box<dyn Reader>>,
    /// The fragments of the piece that is being read.
    piece: Vec<u8>,
}

impl<'k> SnapshotLoader<'k> {
    /// Begins. `bytes`: how long all parts are together at most, such as the length of their file:
    /// a wrong number of keys in them makes for no more memory than as many bytes can hold.
    pub fn new(keyspace: &'k Keyspace, bytes: u64) -> SnapshotLoader<'k> {
        SnapshotLoader {
            keyspace,
            now_ms: keyspace.clock().now_ms(),
            bytes,
            missing: None,
            db: None,
            open: None,
            read: (0..SHARDS).map(|_| Vec::new()).collect(),
            has_reserved: false,
            effects: Vec::new(),
        }
    }

    /// The commands, in RESP form, that are to be replayed when all is loaded.
    pub fn take_effects(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.effects)
    }

    /// How many keys are still to come; none before the first part.
    pub fn keys_missing(&self) -> Option<u64> {
        self.missing
    }

    /// Loads the next part.
    ///
    /// # Errors
    /// It is no part of a snapshot that this server writes, does not follow the one before, or names
    /// a database that the keyspace does not have.
    pub fn part(&mut self, part: &[u8]) -> Result<(), BadImage> {
        let mut rest = part;
        while !rest.is_empty() {
            let record = Record::decode(&mut rest)?;
            match (record, self.missing) {
                (Record::Head { version: format::VERSION, keys }, None) => {
                    self.missing = Some(keys);
                }
                (Record::Head { .. }, None) => return Err(BadImage("an unknown version")),
                (_, None) => return Err(BadImage("no head of a snapshot")),
                (Record::Head { .. }, Some(_)) => return Err(BadImage("a second head")),
                (Record::Db(db), Some(_)) => self.select(db)?,
                (Record::Key { kind, expire_at_ms, key }, Some(_)) => {
                    self.open_key(kind, expire_at_ms, key)?;
                }
                (Record::Image { bytes, then }, Some(_)) => self.image(bytes, then)?,
                (Record::Effect(effect), Some(_)) => self.effects.extend_from_slice(effect),
            }
        }
        self.insert_read()
    }

    /// Ends the load.
    ///
    /// # Errors
    /// Keys or parts are missing.
    pub fn finish(self) -> Result<(), BadImage> {
        if self.open.is_some() {
            return Err(BadImage("the last value is cut off"));
        }
        if self.missing != Some(0) {
            return Err(BadImage("keys are missing"));
        }
        for shard in &self.keyspace.shards {
            for db in &mut shard.lock().dbs {
                db.table.shrink();
            }
        }
        Ok(())
    }

    fn select(&mut self, db: u64) -> Result<(), BadImage> {
        let exists = |db: &usize| *db < self.keyspace.databases();
        let db = usize::try_from(db).ok().filter(exists);
        self.db = Some(db.ok_or(BadImage("a database beyond `databases`"))?);
        Ok(())
    }

    fn open_key(&mut self, kind: u8, expire_at_ms: i64, key: &[u8]) -> Result<(), BadImage> {
        if self.open.is_some() {
            return Err(BadImage("a key within another's value"));
        }
        let db = self.db.ok_or(BadImage("a key in no database"))?;
        let kind = values::kind_of(kind)?;
        let (key, piece) = (key.into(), Vec::new());
        self.open = Some(OpenKey { db, key, expire_at_ms, kind, reader: None, piece });
        Ok(())
    }

    fn image(&mut self, bytes: &[u8], then: Then) -> Result<(), BadImage> {
        let Some(open) = &mut self.open else { return Err(BadImage("a value of no key")) };
        if then == Then::Fragment {
            open.piece.extend_from_slice(bytes);
            return Ok(());
        }
        let whole;
        let piece = if open.piece.is_empty() {
            bytes
        } else {
            open.piece.extend_from_slice(bytes);
            whole = std::mem::take(&mut open.piece);
            &whole
        };
        if then == Then::Key && open.reader.is_none() && open.kind == Kind::String {
            // Most values are short strings; these go without an allocation for the reader.
            let mut reader = StringImageReader::default();
            ImageReader::read_piece(&mut reader, piece)?;
            let value = ImageReader::finish(reader)?.into_value();
            return self.end_key(value);
        }
        let reader = open.reader.get_or_insert_with(|| values::reader(open.kind));
        reader.read_piece(piece)?;
        if then == Then::Key {
            let reader = open.reader.take().expect("made above");
            let value = reader.finish()?;
            return self.end_key(value);
        }
        Ok(())
    }

    fn end_key(&mut self, value: Value) -> Result<(), BadImage> {
        let OpenKey { db, key, expire_at_ms, .. } =
            self.open.take().expect("the caller has it open");
        if value.is_empty_collection() {
            return Err(BadImage("a key whose collection is empty"));
        }
        let missing = self.missing.filter(|&missing| missing > 0);
        let missing = missing.ok_or(BadImage("more keys than the head has said"))?;
        if !self.has_reserved {
            // Nearly all keys are in one database in most cases, and the first key's is a good
            // guess. Where it was wrong the tables are shrunk in the end.
            self.has_reserved = true;
            self.reserve(db, missing);
        }
        self.missing = Some(missing - 1);
        let hash = self.keyspace.hash(&key);
        let shard = Keyspace::shard_of_hash(hash);
        self.read[shard].push(WholeKey { hash, db, key, expire_at_ms, value });
        Ok(())
    }

    /// Inserts the keys that were read, shard by shard: looking all of a shard's up first has the
    /// processor fetch their places in the index side by side, where each insertion by itself would
    /// wait for its own. Four million small keys take 1.2 s of CPU instead of 2.3.
    fn insert_read(&mut self) -> Result<(), BadImage> {
        const TWICE: BadImage = BadImage("a key that was there already");
        for (shard, read) in self.keyspace.shards.iter().zip(&mut self.read) {
            let mut shard = shard.lock();
            for WholeKey { hash, db, key, .. } in read.iter() {
                if shard.dbs[*db].table.find(*hash, key).is_some() {
                    return Err(TWICE);
                }
            }
            for whole in read.drain(..) {
                // There may be two of one key in this part.
                if shard.dbs[whole.db].table.find(whole.hash, &whole.key).is_some() {
                    return Err(TWICE);
                }
                insert(self.keyspace, &mut shard, self.now_ms, whole);
            }
        }
        Ok(())
    }

    /// Makes room for so many keys in a database at once: growing a table step by step would move
    /// its keys again and again.
    fn reserve(&self, db: usize, keys: u64) {
        let keys = keys.min(self.bytes / KEY_BYTES_MIN);
        let share = keys / SHARDS as u64;
        // Keys fall onto the shards at random: this many more than the mean are more than enough.
        let room = share + 6 * share.isqrt() + 16;
        for shard in &self.keyspace.shards {
            shard.lock().dbs[db].table.reserve(room as usize);
        }
    }
}

fn insert(keyspace: &Keyspace, shard: &mut Shard, now_ms: i64, whole: WholeKey) {
    let WholeKey { hash, db, key, expire_at_ms, value } = whole;
    let field_deadline_ms = value.nearest_deadline();
    let timer_ms = value.timer_ms();
    let slot = Slot::new(hash, key, value, now_ms, shard.epoch);
    let part = &mut shard.dbs[db];
    if field_deadline_ms != NEVER {
        part.field_deadlines.insert((field_deadline_ms, hash));
        keyspace.note_deadline(field_deadline_ms);
    }
    if timer_ms != NEVER {
        part.timers.insert((timer_ms, hash));
        shard.timer_ms = shard.timer_ms.min(timer_ms);
        keyspace.note_timer(timer_ms);
    }
    let at = part.table.insert_new(slot);
    shard.keys += 1;
    if expire_at_ms != NEVER {
        part.table.set_deadline(at, expire_at_ms);
        part.deadlines.insert((expire_at_ms, hash));
        keyspace.note_deadline(expire_at_ms);
    }
}
