use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// What the model knows of an entry: owner's name (empty: unowned), time or order, count.
type Model = BTreeMap<StreamId, (Vec<u8>, u64, u64)>;

#[derive(Clone, Debug)]
enum Op {
    Deliver { consumer: u8, entries: u64 },
    Assign { consumer: u8, ms: u64, at_ms: u64, count: u64 },
    Release { ms: u64, count: u64 },
    Acknowledge { ms: u64 },
    Delete { consumer: u8 },
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => (0u8..8, 1u64..40).prop_map(|(consumer, entries)| Op::Deliver { consumer, entries }),
        4 => (0u8..8, 0u64..300, 0u64..50, 0u64..9)
            .prop_map(|(consumer, ms, at_ms, count)| Op::Assign { consumer, ms, at_ms, count }),
        2 => (0u64..300, 0u64..9).prop_map(|(ms, count)| Op::Release { ms, count }),
        4 => (0u64..300).prop_map(|ms| Op::Acknowledge { ms }),
        1 => (0u8..8).prop_map(|consumer| Op::Delete { consumer }),
    ]
}

fn number_of(group: &mut Group, consumer: u8) -> u32 {
    let name = [b'c', consumer];
    let known = group.consumer(&name).map(Consumer::number);
    known.or_else(|| group.create_consumer(&name, 1)).expect("it is there or made")
}

fn apply(group: &mut Group, model: &mut Model, released: &mut u64, op: &Op) {
    let name = |consumer: u8| vec![b'c', consumer];
    match *op {
        Op::Deliver { consumer, entries } => {
            let number = number_of(group, consumer);
            for _ in 0..entries {
                let id = StreamId::new(group.last_delivered_id().ms + 1, 0);
                group.assign(id, number, 20, 1);
                group.raise_last_delivered_id(id);
                model.insert(id, (name(consumer), 20, 1));
            }
        }
        Op::Assign { consumer, ms, at_ms, count } => {
            let number = number_of(group, consumer);
            let id = StreamId::new(ms, 0);
            let old = group.assign(id, number, at_ms, count);
            let old_model = model.insert(id, (name(consumer), at_ms, count));
            assert_eq!(old.map(|old| (old.time, old.count)), old_model.map(|old| (old.1, old.2)));
        }
        Op::Release { ms, count } => {
            let id = StreamId::new(ms, 0);
            *released += 1;
            assert_eq!(group.release(id, count).is_some(), model.contains_key(&id));
            model.insert(id, (Vec::new(), *released, count));
        }
        Op::Acknowledge { ms } => {
            let id = StreamId::new(ms, 0);
            assert_eq!(group.acknowledge(id).is_some(), model.remove(&id).is_some());
            assert_eq!(group.awaits(id), id > group.last_delivered_id());
        }
        Op::Delete { consumer } => {
            let deleted = group.delete_consumer(&name(consumer));
            let before = model.len();
            model.retain(|_, record| record.0 != name(consumer));
            assert_eq!(deleted.unwrap_or(0), (before - model.len()) as u64);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn agrees_with_a_plain_map(ops in prop::collection::vec(op(), 1..120)) {
        let mut group = Group::default();
        let (mut model, mut released) = (Model::new(), 0);
        for op in &ops {
            apply(&mut group, &mut model, &mut released, op);
        }
        let mut seen = Model::new();
        group.scan(StreamId::MIN, Filter::default(), |record| {
            let owner = group.owner_name(record.owner).to_vec();
            seen.insert(record.id, (owner, record.time, record.count));
            ControlFlow::<()>::Continue(())
        });
        prop_assert_eq!(&seen, &model);
        let consumers = group.consumers_by_name();
        prop_assert!(consumers.is_sorted_by_key(|consumer| consumer.name()));
        prop_assert_eq!(consumers.len(), group.consumer_count());
        for consumer in consumers {
            let held = model.values().filter(|record| record.0 == consumer.name()).count();
            prop_assert_eq!(consumer.pending(), held as u64);
        }
        let unowned = model.values().filter(|record| record.0.is_empty()).count();
        prop_assert_eq!(group.unowned_count(), unowned as u64);
        let mut order: Vec<_> = model.iter().collect();
        order.retain(|(_, record)| record.0.is_empty() || record.1 <= 30);
        order.sort_by_key(|(id, record)| (!record.0.is_empty(), record.1, **id));
        let ids: Vec<_> = order.into_iter().map(|(id, _)| *id).collect();
        let claimable: Vec<_> = group.claimable(Some(30)).map(|record| record.id).collect();
        prop_assert_eq!(claimable, ids);
    }
}

#[test]
fn a_number_given_out_again_holds_nothing_of_its_last_owner() {
    let mut group = Group::default();
    let first = group.create_consumer(b"first", 1).expect("new");
    for ms in 0..300 {
        group.assign(StreamId::new(ms, 0), first, 5, 1);
    }
    assert_eq!(group.create_consumer(b"first", 2), None);
    assert_eq!(group.delete_consumer(b"first"), Some(300));
    assert_eq!(group.delete_consumer(b"first"), None);
    let second = group.create_consumer(b"second", 3).expect("new");
    assert_eq!(second, first);
    assert_eq!(group.consumer_numbered(second).pending(), 0);
    assert!(group.pending().is_empty());
}

#[test]
fn seen_and_active_are_told_apart() {
    let mut group = Group::default();
    let number = group.create_consumer(b"c", 1).expect("new");
    group.see_consumer(number, 7);
    assert_eq!(group.consumer_numbered(number).active_ms(), None);
    group.note_active(number, 8);
    let consumer = group.consumer(b"c").expect("made above");
    assert_eq!((consumer.seen_ms(), consumer.active_ms()), (7, Some(8)));
}

fn id(ms: u64) -> StreamId {
    StreamId::new(ms, 0)
}

fn extent(length: u64, entries_added: u64, first: u64, last: u64, max_deleted: u64) -> Extent {
    let (first_id, last_id, max_deleted_id) = (id(first), id(last), id(max_deleted));
    Extent { length, entries_added, first_id, last_id, max_deleted_id }
}

/// Each line as Redis 8.2 answered it.
#[test]
fn lag_is_known_where_no_hole_is_ahead() {
    let lag = |extent: Extent, cursor, read| Group::new(id(cursor), read).lag(&extent);
    assert_eq!(lag(extent(0, 0, 0, 0, 0), 0, None), Some(0));
    assert_eq!(lag(extent(0, 6, 0, 14, 1), 8, Some(1)), Some(0));
    assert_eq!(lag(extent(1, 3, 5, 5, 4), 2, Some(1)), Some(1));
    assert_eq!(lag(extent(2, 20, 38, 39, 24), 32, Some(16)), Some(2));
    assert_eq!(lag(extent(5, 6, 2, 13, 8), 7, Some(2)), None);
    assert_eq!(lag(extent(5, 6, 2, 13, 0), 7, Some(2)), Some(4));
    assert_eq!(lag(extent(5, 6, 2, 13, 0), 7, None), None);
    assert_eq!(lag(extent(5, 6, 2, 13, 0), 2, None), Some(4));
    assert_eq!(lag(extent(5, 6, 2, 13, 8), 13, None), Some(0));
}

#[test]
fn entries_read_is_found_again_at_the_ends() {
    let mut group = Group::new(id(7), Some(4));
    group.advance(id(13), &extent(2, 9, 13, 15, 0));
    assert_eq!(group.entries_read(), Some(8));
    group.advance(id(15), &extent(2, 9, 13, 15, 0));
    assert_eq!(group.entries_read(), Some(9));

    let mut group = Group::new(id(7), Some(2));
    group.advance(id(10), &extent(5, 6, 2, 13, 8));
    assert_eq!(group.entries_read(), None);
    group.advance(id(11), &extent(5, 6, 2, 13, 8));
    assert_eq!(group.entries_read(), None);
    group.advance(id(13), &extent(5, 6, 2, 13, 8));
    assert_eq!(group.entries_read(), Some(6));
    assert_eq!(group.last_delivered_id(), id(13));
}
