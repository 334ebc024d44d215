//! The keyspace by itself: scans, deadlines, watches, waiting, time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use forebay::journal::{MemorySink, Sink};
use forebay::keyspace::{
    Class, Clock, Expiry, Keyspace, ManualClock, NEVER, Options, Parked, ShardSet, Tx, Value, Wait,
};
use forebay::types::string::StringValue;
use parking_lot::Mutex;
use proptest::prelude::*;

const START_MS: i64 = 1_000_000;

fn keyspace(clock: &Arc<ManualClock>, sink: Option<Arc<MemorySink>>) -> Arc<Keyspace> {
    Arc::new(Keyspace::new(Options {
        databases: 2,
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        seed: 3,
        sink: sink.map(|sink| sink as Arc<dyn Sink>),
    }))
}

fn run<R>(keyspace: &Keyspace, step: impl FnOnce(&mut Tx<'_>) -> R) -> R {
    keyspace.run(ShardSet::ALL, 0, keyspace.clock().now_ms(), step)
}

fn put(tx: &mut Tx<'_>, key: &[u8], expiry: Expiry) {
    tx.put(key, Value::String(StringValue::new(b"v")), expiry);
    tx.changed(key);
    tx.record(&[b"SET", key, b"v"]);
}

fn remove(tx: &mut Tx<'_>, key: &[u8]) -> bool {
    let removed = tx.remove(key);
    if removed {
        tx.changed(key);
        tx.record(&[b"DEL", key]);
    }
    removed
}

#[derive(Clone, Debug)]
enum Op {
    Put(u16),
    Remove(u16),
    Scan(usize),
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is put and removed between the calls of a scan: what is there from its first call to
    /// its last is visited, and what was never there is not.
    #[test]
    fn a_scan_misses_nothing_that_stays(ops in proptest::collection::vec(prop_oneof![
        4 => (0u16..400).prop_map(Op::Put),
        3 => (0u16..400).prop_map(Op::Remove),
        3 => (1usize..20).prop_map(Op::Scan),
    ], 1..400)) {
        let clock = ManualClock::new(START_MS);
        let keyspace = keyspace(&clock, None);
        let mut present = BTreeSet::new();
        for key in 0..200u16 {
            present.insert(key);
            run(&keyspace, |tx| put(tx, &key.to_be_bytes(), Expiry::Clear));
        }
        let mut cursor = 0;
        let mut stayed = present.clone();
        let mut ever = present.clone();
        let mut visited = BTreeSet::new();
        let scan = |cursor: u64, count: usize, visited: &mut BTreeSet<u16>| {
            run(&keyspace, |tx| tx.scan(cursor, count, |slot| {
                let key: [u8; 2] = slot.key[..].try_into().expect("two bytes");
                visited.insert(u16::from_be_bytes(key));
            }))
        };
        for op in ops {
            match op {
                Op::Put(key) => {
                    run(&keyspace, |tx| put(tx, &key.to_be_bytes(), Expiry::Clear));
                    present.insert(key);
                    ever.insert(key);
                }
                Op::Remove(key) => {
                    let removed = run(&keyspace, |tx| remove(tx, &key.to_be_bytes()));
                    prop_assert_eq!(removed, present.remove(&key));
                    stayed.remove(&key);
                }
                Op::Scan(count) => {
                    cursor = scan(cursor, count, &mut visited);
                    if cursor == 0 {
                        prop_assert!(stayed.is_subset(&visited));
                        prop_assert!(visited.is_subset(&ever));
                        stayed = present.clone();
                        ever = present.clone();
                        visited.clear();
                    }
                }
            }
        }
        while cursor != 0 || visited.is_empty() && !present.is_empty() {
            cursor = scan(cursor, 7, &mut visited);
        }
        prop_assert!(stayed.is_subset(&visited));
        prop_assert!(visited.is_subset(&ever));
        prop_assert_eq!(run(&keyspace, |tx| tx.db_len()), present.len());
    }

    /// Deadlines against a plain map: reads see a due key as gone, and the task collects it.
    #[test]
    fn keys_go_at_their_deadline(steps in proptest::collection::vec((0u8..20, 0i64..50, 0u8..4), 1..60)) {
        let clock = ManualClock::new(START_MS);
        let keyspace = keyspace(&clock, None);
        let mut model: BTreeMap<u8, i64> = BTreeMap::new();
        for (key, ms, action) in steps {
            let now_ms = clock.now_ms();
            match action {
                0 => {
                    run(&keyspace, |tx| put(tx, &[key], Expiry::At(now_ms + ms)));
                    model.insert(key, now_ms + ms);
                }
                1 => {
                    run(&keyspace, |tx| put(tx, &[key], Expiry::Clear));
                    model.insert(key, NEVER);
                }
                2 => {
                    run(&keyspace, |tx| put(tx, &[key], Expiry::Keep));
                    let kept = model.get(&key).copied().filter(|&at| at > now_ms);
                    model.insert(key, kept.unwrap_or(NEVER));
                }
                _ => clock.advance_ms(ms),
            }
            let now_ms = clock.now_ms();
            run(&keyspace, |tx| {
                for key in 0..20 {
                    let expected = model.get(&key).copied().filter(|&at| at > now_ms);
                    assert_eq!(tx.expire_at(&[key]), expected);
                }
            });
        }
    }
}

#[tokio::test]
async fn the_expiry_task_collects_due_keys_and_records_it() {
    let clock = ManualClock::new(START_MS);
    let sink = Arc::new(MemorySink::default());
    let keyspace = keyspace(&clock, Some(Arc::clone(&sink)));
    let task = tokio::spawn(Arc::clone(&keyspace).expire());
    for key in 0..200u8 {
        run(&keyspace, |tx| put(tx, &[key], Expiry::At(START_MS + i64::from(key))));
    }
    sink.drain();
    for (advance_ms, left) in [(0, 199), (49, 150), (100, 50), (50, 0)] {
        clock.advance_ms(advance_ms);
        while run(&keyspace, |tx| tx.db_len()) != left {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(sink.drain().len(), 200, "each key's end is a frame");
    assert_eq!(run(&keyspace, |tx| tx.expired_total()), 200);
    task.abort();
}

#[test]
fn a_write_that_meets_a_due_key_records_its_end_first() {
    let clock = ManualClock::new(START_MS);
    let sink = Arc::new(MemorySink::default());
    let keyspace = keyspace(&clock, Some(Arc::clone(&sink)));
    run(&keyspace, |tx| put(tx, b"k", Expiry::At(START_MS + 10)));
    clock.advance_ms(10);
    sink.drain();
    run(&keyspace, |tx| {
        assert!(tx.get(b"k").is_none());
        put(tx, b"k", Expiry::Keep);
        assert_eq!(tx.expire_at(b"k"), Some(NEVER), "the old deadline went with the old key");
    });
    let frames = sink.drain();
    assert_eq!(frames.len(), 1, "one step is one frame");
    let text = String::from_utf8_lossy(&frames[0].effects).into_owned();
    assert!(text.find("DEL").expect("recorded") < text.find("SET").expect("recorded"));
}

#[test]
fn time_never_runs_backwards_in_a_shard() {
    let clock = ManualClock::new(START_MS);
    let keyspace = keyspace(&clock, None);
    let shard = keyspace.shard_of(b"k");
    keyspace.run(shard, 0, START_MS + 5, |tx| assert_eq!(tx.now_ms(), START_MS + 5));
    keyspace.run(shard, 0, START_MS, |tx| assert_eq!(tx.now_ms(), START_MS + 5));
    keyspace.run(ShardSet::ALL, 0, START_MS, |tx| assert_eq!(tx.now_ms(), START_MS + 5));
}

#[test]
fn a_random_key_is_any_key() {
    let clock = ManualClock::new(START_MS);
    let keyspace = keyspace(&clock, None);
    assert!(run(&keyspace, |tx| tx.random_key().is_none()));
    for key in 0..20u8 {
        run(&keyspace, |tx| put(tx, &[key], Expiry::Clear));
    }
    // A due key is never given, however many there are.
    for key in 20..200u8 {
        run(&keyspace, |tx| put(tx, &[key], Expiry::At(START_MS)));
    }
    let mut drawn = BTreeMap::new();
    for _ in 0..4000 {
        let key = run(&keyspace, |tx| tx.random_key().expect("there are keys").key[0]);
        *drawn.entry(key).or_insert(0) += 1;
    }
    assert_eq!(drawn.keys().copied().collect::<Vec<u8>>(), (0..20).collect::<Vec<u8>>());
    assert!(drawn.values().all(|&times| times > 100), "each as likely as another: {drawn:?}");
}

#[test]
fn a_watch_sees_touches_and_deadlines_but_not_the_end_of_what_was_due() {
    let clock = ManualClock::new(START_MS);
    let keyspace = keyspace(&clock, None);
    let touched = Arc::new(AtomicBool::new(false));
    let was_touched = || touched.swap(false, Ordering::Relaxed);
    run(&keyspace, |tx| {
        put(tx, b"due", Expiry::At(START_MS));
        put(tx, b"later", Expiry::At(START_MS + 10));
        tx.watch(b"due", &touched);
        tx.watch(b"later", &touched);
        tx.watch(b"missing", &touched);
    });
    assert!(!was_touched());
    run(&keyspace, |tx| {
        assert!(!remove(tx, b"due"), "it was due already");
        assert!(!tx.expired_under_watch(b"later", &touched));
    });
    assert!(!was_touched(), "the end of a due key is no news");
    clock.advance_ms(10);
    assert!(run(&keyspace, |tx| tx.expired_under_watch(b"later", &touched)));
    run(&keyspace, |tx| put(tx, b"missing", Expiry::Clear));
    assert!(was_touched());
    run(&keyspace, |tx| {
        tx.unwatch(b"missing", &touched);
        put(tx, b"missing", Expiry::Clear);
    });
    assert!(!was_touched());
}

/// Waits for a key and removes it; notes who did.
struct Remover {
    name: u8,
    key: &'static [u8],
    log: Arc<Mutex<Vec<u8>>>,
}

impl Parked for Remover {
    fn retry(&self, tx: &mut Tx<'_>) -> Option<Vec<u8>> {
        remove(tx, self.key).then(Vec::new)
    }

    fn answer(&self, _: Vec<u8>, _: u64) {
        self.log.lock().push(self.name);
    }
}

#[test]
fn waiters_are_served_in_order_of_arrival_and_one_an_entry() {
    let clock = ManualClock::new(START_MS);
    let keyspace = keyspace(&clock, None);
    let log = Arc::new(Mutex::new(Vec::new()));
    let park = |name: u8| {
        run(&keyspace, |tx| {
            let wait =
                Wait { keys: vec![(*b"q").into()], class: Class::StreamGroup((*b"g").into()) };
            tx.park(wait, Box::new(Remover { name, key: b"q", log: Arc::clone(&log) }))
        })
    };
    let waiters: Vec<_> = (1..=4).map(park).collect();
    // One shard is locked: what the waiter needs lies in it.
    let push =
        || keyspace.run(keyspace.shard_of(b"q"), 0, START_MS, |tx| put(tx, b"q", Expiry::Clear));
    push();
    assert_eq!(*log.lock(), [1], "one entry wakes one");
    assert!(!waiters[0].cancel(), "it was served");
    assert!(waiters[1].cancel());
    keyspace.leave(&waiters[1]);
    push();
    push();
    assert_eq!(*log.lock(), [1, 3, 4], "who left is passed over");
    push();
    run(&keyspace, |tx| assert!(tx.exists(b"q"), "nobody waits any more"));
    assert_eq!(run(&keyspace, |tx| tx.waited_keys_total()), 0);
}

#[test]
fn a_waiter_whose_keys_lie_in_other_shards_is_served_before_the_next_step() {
    let clock = ManualClock::new(START_MS);
    let keyspace = keyspace(&clock, None);
    let log = Arc::new(Mutex::new(Vec::new()));
    // A string is not what a group reader waits for, but it is woken by any change of its key.
    run(&keyspace, |tx| {
        let keys = vec![(*b"q").into(), (*b"other").into(), (*b"third").into()];
        let wait = Wait { keys, class: Class::StreamGroup((*b"g").into()) };
        tx.park(wait, Box::new(Remover { name: 9, key: b"q", log: Arc::clone(&log) }));
    });
    keyspace.run(keyspace.shard_of(b"q"), 0, START_MS, |tx| put(tx, b"q", Expiry::Clear));
    keyspace.run(keyspace.shard_of(b"q"), 0, START_MS, |tx| assert!(!tx.exists(b"q")));
    assert_eq!(*log.lock(), [9]);
}
