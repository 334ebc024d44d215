use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::keyspace::{
    Clock, Expiry, ManualClock, NEVER, Options, SHARDS, ShardSet, Slot, Tx, Value,
};
use crate::types::image::BadImage;
use crate::types::list::{List, Side};
use crate::types::string::StringValue;

const START_MS: i64 = 1_000_000;
const DATABASES: usize = 3;

fn keyspace(clock: &Arc<ManualClock>, seed: u64) -> Arc<Keyspace> {
    Arc::new(Keyspace::new(Options {
        databases: DATABASES,
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        seed,
        sink: None,
    }))
}

fn step<R>(keyspace: &Keyspace, db: usize, step: impl FnOnce(&mut Tx<'_>) -> R) -> R {
    keyspace.run(ShardSet::ALL, db, keyspace.clock().now_ms(), |tx| {
        let result = step(tx);
        // Which effects there were is of no interest here, only that the gate is content.
        tx.changed(b"");
        tx.record(&[b"EFFECT"]);
        result
    })
}

/// Database and key; the value as text, and the deadline.
type State = BTreeMap<(usize, Vec<u8>), (String, i64)>;

fn state(keyspace: &Keyspace) -> State {
    let mut state = State::new();
    for db in 0..DATABASES {
        keyspace.run(ShardSet::ALL, db, keyspace.clock().now_ms(), |tx| {
            tx.scan(0, usize::MAX, |slot: &Slot| {
                let kept = (format!("{:?}", slot.value), slot.expire_at_ms);
                assert_eq!(state.insert((db, slot.key.to_vec()), kept), None);
            });
        });
    }
    state
}

fn parts(snapshot: &mut Snapshot) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    let mut part = Vec::new();
    while snapshot.next_part(&mut part) {
        parts.push(std::mem::take(&mut part));
    }
    parts
}

fn load(keyspace: &Keyspace, parts: &[Vec<u8>]) -> Result<(), BadImage> {
    let mut loader = SnapshotLoader::new(keyspace, 1 << 20);
    parts.iter().try_for_each(|part| loader.part(part))?;
    loader.finish()
}

/// Loads what a snapshot at `at_ms` wrote; its state.
fn loaded(parts: &[Vec<u8>], at_ms: i64) -> State {
    let copy = keyspace(&ManualClock::new(at_ms), 99);
    load(&copy, parts).expect("the parts are as they were made");
    state(&copy)
}

fn string(len: usize) -> Value {
    Value::String(StringValue::from_bytes(&vec![b'a' + (len % 26) as u8; len]))
}

fn list(elements: usize, len: usize) -> Value {
    let mut list = List::new();
    for element in 0..elements {
        list.push(Side::Right, &vec![b'a' + (element % 26) as u8; len]);
    }
    Value::List(list)
}

#[derive(Clone, Debug)]
enum Op {
    Put(usize, usize, usize),
    PutList(usize, usize),
    Append(usize, usize),
    Remove(usize, usize),
    Rename(usize, usize, usize),
    Deadline(usize, usize, i64),
    Advance(i64),
    Flush(usize),
    Swap(usize, usize),
    Begin,
    Steps(usize),
    GiveUp,
}

fn op() -> impl Strategy<Value = Op> {
    // Most keys are in the first database, so that its tables are long.
    let db = || prop_oneof![6 => Just(0usize), 1 => 1..DATABASES];
    let key = || 0usize..KEYS;
    let len = prop_oneof![8 => 0usize..40, 1 => 500usize..700];
    prop_oneof![
        8 => (db(), key(), len).prop_map(|(db, key, len)| Op::Put(db, key, len)),
        2 => (db(), key()).prop_map(|(db, key)| Op::PutList(db, key)),
        4 => (db(), key()).prop_map(|(db, key)| Op::Append(db, key)),
        8 => (db(), key()).prop_map(|(db, key)| Op::Remove(db, key)),
        3 => (db(), key(), key()).prop_map(|(db, key, to)| Op::Rename(db, key, to)),
        3 => (db(), key(), prop_oneof![Just(NEVER), START_MS..START_MS + 500])
            .prop_map(|(db, key, at)| Op::Deadline(db, key, at)),
        1 => (0..40i64).prop_map(Op::Advance),
        1 => (1..DATABASES).prop_map(Op::Flush),
        1 => (0..DATABASES, 0..DATABASES).prop_map(|(one, other)| Op::Swap(one, other)),
        2 => Just(Op::Begin),
        20 => (1usize..12).prop_map(Op::Steps),
        1 => Just(Op::GiveUp),
    ]
}

const KEYS: usize = 600;

/// Keys that lie in two shards only: tables are long, and walked in many holds.
fn crowded_keys(keyspace: &Keyspace) -> Vec<Vec<u8>> {
    let crowded = ShardSet::one(5).union(ShardSet::one(40));
    let keys = (0..).map(|n: u32| format!("key:{n}").into_bytes());
    keys.filter(|key| crowded.contains(keyspace.shard_of(key))).take(KEYS).collect()
}

struct Making {
    snapshot: Snapshot,
    parts: Vec<Vec<u8>>,
    expected: State,
    at_ms: i64,
}

impl Making {
    fn begin(keyspace: &Arc<Keyspace>, clock: &ManualClock) -> Making {
        let expected = state(keyspace);
        let (at_ms, snapshot) = keyspace.begin_snapshot(|| clock.now_ms()).expect("none runs");
        Making { snapshot, parts: Vec::new(), expected, at_ms }
    }

    /// As little as can be done at once; whether anything was left.
    fn step(&mut self) -> bool {
        if !self.snapshot.has_head {
            self.snapshot.set_part_bytes(0);
            let mut head = Vec::new();
            assert!(self.snapshot.next_part(&mut head));
            self.parts.push(head);
        }
        let mut part = Vec::new();
        let more = self.snapshot.write_some(&mut part, &mut None);
        self.parts.push(part);
        more
    }

    fn check(self) -> Result<(), TestCaseError> {
        let progress = self.snapshot.progress();
        prop_assert_eq!(progress.keys_done, progress.keys);
        prop_assert_eq!(loaded(&self.parts, self.at_ms), self.expected);
        Ok(())
    }
}

fn apply(keyspace: &Keyspace, clock: &ManualClock, keys: &[Vec<u8>], op: &Op) {
    match *op {
        Op::Put(db, key, len) => {
            step(keyspace, db, |tx| tx.put(&keys[key], string(len), Expiry::Keep));
        }
        Op::PutList(db, key) => {
            step(keyspace, db, |tx| tx.put(&keys[key], list(3, 10), Expiry::Clear));
        }
        Op::Append(db, key) => step(keyspace, db, |tx| {
            let new = || StringValue::new(b"");
            if let Ok(string) = tx.write_or_insert(&keys[key], new) {
                string.append(b"+");
            }
            if let Ok(Some(list)) = tx.write::<List>(&keys[key]) {
                list.push(Side::Left, b"more");
            }
        }),
        Op::Remove(db, key) => {
            step(keyspace, db, |tx| tx.remove(&keys[key]));
        }
        Op::Rename(db, key, to) => step(keyspace, db, |tx| {
            if let Some(slot) = tx.take(&keys[key]) {
                tx.put(&keys[to], slot.value, Expiry::At(slot.expire_at_ms));
            }
        }),
        Op::Deadline(db, key, at_ms) => {
            step(keyspace, db, |tx| tx.set_expire_at(&keys[key], at_ms));
        }
        Op::Advance(ms) => clock.advance_ms(ms),
        Op::Flush(db) => {
            step(keyspace, db, |tx| tx.flush_db());
        }
        Op::Swap(one, other) => step(keyspace, 0, |tx| tx.swap_dbs(one, other)),
        Op::Begin | Op::Steps(_) | Op::GiveUp => {}
    }
}

fn run(ops: &[Op], given_up: u32) -> Result<usize, TestCaseError> {
    let clock = ManualClock::new(START_MS);
    let keyspace = keyspace(&clock, 3);
    let keys = crowded_keys(&keyspace);
    for (n, key) in keys.iter().enumerate() {
        step(&keyspace, 0, |tx| tx.put(key, string(n % 30), Expiry::Keep));
    }
    keyspace.snapshots.pretend_given_up(given_up);
    let mut making: Option<Making> = None;
    let mut whole = 0;
    for op in ops {
        apply(&keyspace, &clock, &keys, op);
        match (op, &mut making) {
            (Op::Begin, None) => making = Some(Making::begin(&keyspace, &clock)),
            (Op::GiveUp, Some(_)) => making = None,
            (Op::Steps(steps), Some(found)) => {
                let is_whole = !(0..*steps).all(|_| found.step());
                if is_whole {
                    whole += 1;
                    making.take().expect("found just now").check()?;
                }
            }
            _ => {}
        }
    }
    let counted: u64 = keyspace.shards.iter().map(|shard| shard.lock().keys).sum();
    let tables = keyspace
        .shards
        .iter()
        .map(|shard| shard.lock().dbs.iter().map(|db| db.table.len() as u64).sum::<u64>());
    prop_assert_eq!(counted, tables.sum::<u64>());
    if let Some(mut making) = making {
        while making.step() {}
        whole += 1;
        making.check()?;
    }
    Ok(whole)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_snapshot_is_the_state_at_its_cut(ops in prop::collection::vec(op(), 1..250)) {
        run(&ops, 0)?;
    }

    /// Around the place where the numbers of epochs begin anew, with slots of very old ones.
    #[test]
    fn epochs_may_come_round(ops in prop::collection::vec(op(), 1..250), before in 1..6u32) {
        run(&ops, Epoch::COUNT - before)?;
    }
}

#[test]
fn a_slot_is_no_larger_for_its_epoch() {
    assert_eq!(size_of::<Slot>(), size_of::<(u64, Box<[u8]>, Value, i64, i64)>());
    let mut slot = Slot::new(1, b"k"[..].into(), string(1), START_MS, Epoch::default().next());
    assert!(slot.is_of(Epoch::default().next()) && !slot.is_of(Epoch::default()));
    slot.touch(START_MS + 7);
    slot.set_epoch(Epoch::default());
    assert_eq!((slot.accessed_at_ms(), slot.is_of(Epoch::default())), (START_MS + 7, true));
    slot.touch(-5);
    assert_eq!((slot.accessed_at_ms(), slot.is_of(Epoch::default())), (0, true));
}

#[test]
fn epochs_come_round_past_the_first() {
    let mut epoch = Epoch::default();
    for _ in 0..Epoch::COUNT {
        epoch = epoch.next();
        assert_ne!(epoch, Epoch::default());
    }
    assert_eq!(epoch.next(), Epoch::default().next());
}

/// Given up so often that the next number would be that of a slot never visited: every slot is
/// brought up to date by then.
#[test]
fn given_up_snapshots_do_not_hide_old_slots() {
    let clock = ManualClock::new(START_MS);
    let keyspace = keyspace(&clock, 3);
    step(&keyspace, 0, |tx| tx.put(b"before all", string(5), Expiry::Keep));
    drop(parts(&mut keyspace.begin_snapshot(|| ()).expect("none runs").1));
    step(&keyspace, 0, |tx| tx.put(b"in the first epoch", string(6), Expiry::Keep));
    keyspace.snapshots.pretend_given_up(Epoch::COUNT - 3);
    for _ in 0..6 {
        drop(keyspace.begin_snapshot(|| ()).expect("none runs"));
        let making = Making::begin(&keyspace, &clock);
        drop(making);
    }
    let mut making = Making::begin(&keyspace, &clock);
    while making.step() {}
    assert_eq!(making.expected.len(), 2);
    making.check().expect("both keys are in it");
}

#[test]
fn holds_and_parts_are_bounded() {
    let clock = ManualClock::new(START_MS);
    let keyspace = keyspace(&clock, 3);
    for n in 0..20_000 {
        let key = format!("key:{n}");
        step(&keyspace, 0, |tx| tx.put(key.as_bytes(), string(60), Expiry::At(NEVER)));
    }
    step(&keyspace, 1, |tx| {
        tx.put(b"long string", string(3_000_000), Expiry::Keep);
        tx.put(b"long element", list(3, 700_000), Expiry::Keep);
        tx.put(b"long list", list(50_000, 20), Expiry::Keep);
    });
    let ((), mut snapshot) = keyspace.begin_snapshot(|| ()).expect("none runs");
    let mut first = Vec::new();
    assert!(snapshot.next_part(&mut first));
    // What is left of the table goes over whole.
    let expected = state(&keyspace);
    step(&keyspace, 0, |tx| tx.flush_db());
    step(&keyspace, 1, |tx| tx.flush_db());
    step(&keyspace, 0, |tx| tx.put(b"too late", string(1), Expiry::Keep));
    let mut parts = parts(&mut snapshot);
    parts.insert(0, first);
    let longest = parts.iter().map(Vec::len).max().expect("there are parts");
    assert!(longest <= PART_BYTES + 2 * FRAGMENT_BYTES, "{longest}");
    assert!(parts.len() > 20);
    let holds = keyspace.snapshot_holds();
    assert_eq!(holds.slots, SLOTS_PER_HOLD as u64);
    let progress = keyspace.snapshot_progress().expect("it is not dropped yet");
    assert_eq!(progress, Progress { keys_done: 20_003, keys: 20_003 });
    drop(snapshot);
    assert_eq!(keyspace.snapshot_progress(), None);
    assert!(keyspace.shards.iter().all(|shard| shard.lock().capture.is_none()));
    assert!(loaded(&parts, START_MS) == expected);
}

/// A snapshot that has some of everything, in one part.
fn sample() -> Vec<u8> {
    let clock = ManualClock::new(START_MS);
    let keyspace = keyspace(&clock, 3);
    step(&keyspace, 0, |tx| {
        tx.put(b"string", string(5), Expiry::At(START_MS + 5));
        tx.put(b"list", list(3, 4), Expiry::Keep);
    });
    step(&keyspace, 2, |tx| tx.put(b"string", string(900), Expiry::Keep));
    let mut parts = parts(&mut keyspace.begin_snapshot(|| ()).expect("none runs").1);
    assert_eq!(parts.len(), 1);
    parts.remove(0)
}

fn load_fresh(part: &[u8]) -> Result<(), BadImage> {
    load(&keyspace(&ManualClock::new(START_MS), 1), &[part.to_vec()])
}

#[test]
fn damaged_parts_are_errors() {
    let sample = sample();
    assert_eq!(load_fresh(&sample), Ok(()));
    for end in 0..sample.len() {
        assert!(load_fresh(&sample[..end]).is_err(), "cut at {end}");
    }
    // Some flips make another valid snapshot; none may do worse.
    for at in 0..sample.len() * 8 {
        let mut flipped = sample.clone();
        flipped[at / 8] ^= 1 << (at % 8);
        let _ = load_fresh(&flipped);
    }
    assert!(load_fresh(&[sample.clone(), sample].concat()).is_err());
}

#[test]
fn what_no_snapshot_says_is_refused() {
    let head = |keys| Record::Head { version: format::VERSION, keys };
    let key = |kind| Record::Key { kind, expire_at_ms: NEVER, key: b"k" };
    let db = Record::Db(0);
    let empty_part = Record::Image { bytes: b"", then: Then::Fragment };
    let cases: &[(&[Record<'_>], &str)] = &[
        (&[], "keys are missing"),
        (&[head(1)], "keys are missing"),
        (&[db], "no head of a snapshot"),
        (&[Record::Head { version: 0, keys: 0 }], "an unknown version"),
        (&[head(0), head(0)], "a second head"),
        (&[head(1), Record::Db(DATABASES as u64)], "a database beyond `databases`"),
        (&[head(1), Record::Db(u64::MAX)], "a database beyond `databases`"),
        (&[head(1), key(1)], "a key in no database"),
        (&[head(1), db, key(0)], "a value of an unknown kind"),
        (&[head(1), db, empty_part], "a value of no key"),
        (&[head(1), db, key(1), key(1)], "a key within another's value"),
        (&[head(1), db, key(1), empty_part], "the last value is cut off"),
    ];
    for (records, why) in cases {
        let mut part = Vec::new();
        records.iter().for_each(|record| record.encode(&mut part));
        assert_eq!(load_fresh(&part), Err(BadImage(why)));
    }
    assert_eq!(load_fresh(&[255]), Err(BadImage("a record of an unknown kind")));
    let sample = sample();
    for (keys, why) in [(2, "more keys than the head has said"), (u64::MAX, "keys are missing")] {
        let mut part = Vec::new();
        head(keys).encode(&mut part);
        part.extend_from_slice(&sample[3..]);
        // A wrong number makes for no more room than the bytes could fill.
        assert_eq!(load_fresh(&part), Err(BadImage(why)));
    }
    let twice = keyspace(&ManualClock::new(START_MS), 1);
    assert_eq!(load(&twice, std::slice::from_ref(&sample)), Ok(()));
    assert_eq!(load(&twice, &[sample]), Err(BadImage("a key that was there already")));
}

#[test]
fn what_is_loaded_expires_and_is_scanned() {
    let clock = ManualClock::new(START_MS);
    let copy = keyspace(&clock, 8);
    assert_eq!(load(&copy, &[sample()]), Ok(()));
    assert_eq!(copy.shards.iter().map(|shard| shard.lock().keys).sum::<u64>(), 3);
    let live = |db| copy.run(ShardSet::ALL, db, clock.now_ms(), |tx| tx.exists(b"string"));
    assert!(live(0) && live(2));
    clock.advance_ms(5);
    assert!(!live(0) && live(2));
    let with_deadline = copy.run(ShardSet::ALL, 0, clock.now_ms(), |tx| {
        (tx.db_with_deadline(), (0..SHARDS).filter_map(|shard| tx.first_due(shard)).count())
    });
    assert_eq!(with_deadline, (1, 1));
}
