use std::collections::BTreeMap;
use std::ops::ControlFlow;

use proptest::prelude::*;

use super::*;

type Model = BTreeMap<StreamId, Record>;

const STATES: [Owner; 7] = [
    Owner::RELEASED,
    Owner::READY,
    Owner::DEFERRED,
    Owner::HELD,
    Owner::FATAL,
    Owner::USED_UP,
    Owner::EXPIRED,
];

fn record(ms: u64, owner: u32, time: u64, count: u64) -> Record {
    let owner = match u32::MAX - owner {
        state @ 0..7 => STATES[state as usize],
        _ => Owner::consumer(owner),
    };
    Record { id: StreamId::new(ms, 0), owner, time, count }
}

fn scanned(pending: &Pending, from: StreamId, filter: Filter) -> Vec<Record> {
    let mut records = Vec::new();
    pending.scan(from, filter, |record| {
        records.push(record);
        ControlFlow::<()>::Continue(())
    });
    records
}

fn modelled(model: &Model, from: StreamId, filter: Filter) -> Vec<Record> {
    let admits = |record: &&Record| {
        filter.owner.is_none_or(|owner| record.owner == owner)
            && match record.owner.consumer_number() {
                Some(_) => filter.delivered_by_ms.is_none_or(|by| record.time as i64 <= by),
                None if filter.only_free => [Owner::RELEASED, Owner::READY].contains(&record.owner),
                None => true,
            }
    };
    model.range(from..).map(|(_, record)| record).filter(admits).copied().collect()
}

/// Compares everything that can be asked with the model's answer.
fn assert_same(pending: &Pending, model: &Model, from: StreamId, by_ms: u64) {
    assert_eq!(pending.len(), model.len() as u64);
    assert_eq!(pending.first_id(), model.keys().next().copied());
    assert_eq!(pending.last_id(), model.keys().next_back().copied());
    assert_eq!(pending.summary, pending.root.summary());
    pending.root.assert_sound(StreamId::MIN, StreamId::MAX);
    let owners: Vec<_> = (0..6).map(Owner::consumer).chain(STATES).collect();
    for owner in owners.into_iter().map(Some).chain([None]) {
        for delivered_by_ms in [None, Some(-1), Some(by_ms as i64)] {
            for only_free in [false, true] {
                let filter = Filter { owner, delivered_by_ms, only_free };
                assert_eq!(scanned(pending, from, filter), modelled(model, from, filter));
            }
        }
    }
    let mut delivered = modelled(model, StreamId::MIN, Filter::default());
    let in_state = |state| {
        let mut records = modelled(model, StreamId::MIN, Filter::default());
        records.retain(|record| record.owner == state);
        records.sort_by_key(|record| (record.time, record.id));
        records
    };
    delivered.retain(|record| !record.owner.is_unowned() && record.time <= by_ms);
    delivered.sort_by_key(|record| (record.time, record.id));
    assert_eq!(pending.delivered_by(by_ms).collect::<Vec<_>>(), delivered);
    let (released, ready) = (in_state(Owner::RELEASED), in_state(Owner::READY));
    assert_eq!(pending.released().collect::<Vec<_>>(), released);
    assert_eq!(pending.ready().collect::<Vec<_>>(), ready);
    assert_eq!(pending.earliest_ready_ms(), ready.first().map(|record| record.time));
    let mut due = in_state(Owner::DEFERRED);
    assert_eq!(pending.earliest_due_ms(), due.first().map(|record| record.time));
    due.retain(|record| record.time <= by_ms);
    assert_eq!(pending.due_by(by_ms).collect::<Vec<_>>(), due);
    let earliest =
        model.values().filter(|record| !record.owner.is_unowned()).map(|record| record.time).min();
    assert_eq!(pending.earliest_delivery_ms(), earliest);
    assert_eq!(pending.has_released(), !released.is_empty());
}

#[derive(Clone, Debug)]
enum Op {
    /// Delivers a run of ids behind the last.
    Deliver {
        entries: u64,
        owner: u32,
        time_step: u64,
    },
    /// Puts one record anywhere.
    Put {
        ms: u64,
        owner: u32,
        time: u64,
        count: u64,
    },
    /// Takes runs of ids out, `stride` apart.
    Take {
        ms: u64,
        entries: u64,
        stride: u64,
    },
    TakeOwner {
        owner: u32,
    },
    /// Keeps a clone, to see later that it has not changed.
    Clone,
}

fn owner_number() -> impl Strategy<Value = u32> {
    prop_oneof![6 => 0u32..5, 2 => u32::MAX - 4..=u32::MAX]
}

fn op() -> impl Strategy<Value = Op> {
    let count = prop_oneof![8 => 0u64..4, 1 => 0u64..1000, 1 => Just(i64::MAX as u64)];
    prop_oneof![
        4 => (1u64..400, owner_number(), 0u64..70_000).prop_map(|(entries, owner, time_step)| {
            Op::Deliver { entries, owner, time_step }
        }),
        6 => (0u64..6000, owner_number(), 0u64..3000, count).prop_map(|(ms, owner, time, count)| {
            Op::Put { ms, owner, time, count }
        }),
        4 => (0u64..4000, 1u64..500, 1u64..5).prop_map(|(ms, entries, stride)| {
            Op::Take { ms, entries, stride }
        }),
        1 => owner_number().prop_map(|owner| Op::TakeOwner { owner }),
        1 => Just(Op::Clone),
    ]
}

/// A group under test, its model, and the clones taken so far with theirs.
struct Pair {
    pending: Pending,
    model: Model,
    now_ms: u64,
    released: u64,
    clones: Vec<(Pending, Model)>,
}

impl Pair {
    fn new() -> Pair {
        let (pending, model) = (Pending::new(), Model::new());
        Pair { pending, model, now_ms: 1000, released: 0, clones: Vec::new() }
    }

    fn put(&mut self, mut record: Record) {
        if record.owner == Owner::RELEASED {
            self.released += 1;
            record.time = self.released;
        }
        assert_eq!(self.pending.put(record), self.model.insert(record.id, record));
    }

    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Deliver { entries, owner, time_step } => {
                let last = self.model.keys().next_back().map_or(0, |id| id.ms);
                self.now_ms += time_step;
                for n in 1..=entries {
                    self.now_ms += n % 2;
                    self.put(record(last + n, owner, self.now_ms, 1));
                }
            }
            Op::Put { ms, owner, time, count } => {
                // Runs of neighbours out of order make chunks split in the middle.
                for n in 0..8 {
                    self.put(record(ms + n * 3 % 8, owner, time + n, count));
                }
            }
            Op::Take { ms, entries, stride } => {
                for n in 0..entries {
                    let id = StreamId::new(ms + n * stride, 0);
                    assert_eq!(self.pending.take(id), self.model.remove(&id));
                    assert_eq!(self.pending.get(id), None);
                }
            }
            Op::TakeOwner { owner } => {
                let owner = record(0, owner, 0, 0).owner;
                let before = self.model.len();
                self.model.retain(|_, record| record.owner != owner);
                assert_eq!(self.pending.take_owner(owner), (before - self.model.len()) as u64);
            }
            Op::Clone => self.clones.push((self.pending.clone(), self.model.clone())),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn agrees_with_a_plain_map(
        ops in prop::collection::vec((op(), 0u64..5000, 0u64..100_000), 1..40)
    ) {
        let mut pair = Pair::new();
        for (op, from, by_ms) in &ops {
            pair.apply(op);
            assert_same(&pair.pending, &pair.model, StreamId::new(*from, 1), *by_ms);
        }
        for (pending, model) in &pair.clones {
            assert_same(pending, model, StreamId::MIN, 3000);
        }
        let ids: Vec<_> = pair.model.keys().copied().collect();
        for id in ids {
            assert_eq!(pair.pending.get(id), pair.model.get(&id).copied());
        }
    }
}

#[test]
fn three_levels_grow_and_shrink_in_any_order() {
    const ENTRIES: u64 = 20_000;
    let mut pair = Pair::new();
    // Ids from both ends and the middle, an order that no fast path serves.
    for n in 0..ENTRIES {
        let ms = n * 7919 % ENTRIES;
        pair.put(record(ms, (n % 6) as u32, 5000 + n / 3, 1 + n % 300));
    }
    assert_same(&pair.pending, &pair.model, StreamId::new(777, 0), 5100);
    pair.apply(&Op::Clone);
    for n in 0..ENTRIES - 100 {
        let id = StreamId::new(n * 6007 % ENTRIES, 0);
        assert_eq!(pair.pending.take(id), pair.model.remove(&id));
    }
    assert_same(&pair.pending, &pair.model, StreamId::new(777, 0), 9000);
    let (clone, clone_model) = &pair.clones[0];
    assert_same(clone, clone_model, StreamId::new(19_990, 0), 7000);
    let left = pair.pending.heap_bytes();
    assert!(left < 100 * 256, "{left} bytes for a hundred records");
}

#[test]
fn an_emptied_tail_is_used_again() {
    let mut pending = Pending::new();
    let mut bytes_after_first = None;
    for ms in 0..100_000 {
        pending.put(record(ms, 1, ms, 1));
        assert_eq!(pending.take(StreamId::new(ms, 0)).map(|record| record.time), Some(ms));
        let bytes = pending.heap_bytes();
        assert!(bytes <= *bytes_after_first.get_or_insert(bytes) + 64, "{bytes} bytes");
    }
    assert!(pending.is_empty());
}

#[test]
fn a_full_count_takes_its_sixty_four_bits() {
    let mut pending = Pending::new();
    for ms in 0..10 {
        pending.put(record(ms, 0, ms, 1));
    }
    pending.put(record(4, u32::MAX, 1, i64::MAX as u64));
    assert_eq!(pending.get(StreamId::new(4, 0)).map(|record| record.count), Some(i64::MAX as u64));
    assert_eq!(pending.get(StreamId::new(5, 0)).map(|record| record.count), Some(1));
}
