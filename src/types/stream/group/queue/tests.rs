use std::collections::BTreeMap;
use std::ops::ControlFlow;

use proptest::prelude::*;

use crate::types::image::{ImageReader, ImageWriter};
use crate::types::stream::group::Group;
use crate::types::stream::log::NodeLimits;
use crate::types::stream::pending::{Owner, Record};
use crate::types::stream::policy::GroupPolicy;
use crate::types::stream::{RefPolicy, Stream, StreamId, StreamImageReader};

const ENTRIES: u64 = 40;
const STATES: [Owner; 3] = [Owner::READY, Owner::DEFERRED, Owner::HELD];
const DEAD: [Owner; 3] = [Owner::FATAL, Owner::USED_UP, Owner::EXPIRED];

fn policy(words: &str) -> GroupPolicy {
    let mut policy = GroupPolicy::default();
    let words: Vec<&[u8]> = words.split(' ').map(str::as_bytes).collect();
    policy.set(&words).expect("the words are a policy");
    policy
}

/// Entries 1 to 40, each with a value of `k` but for every fifth.
fn stream() -> Stream {
    let mut stream = Stream::new(Default::default());
    let limits = NodeLimits { bytes_max: 4096, entries_max: 100 };
    for ms in 1..=ENTRIES {
        let value = [b'a' + (ms * ms % 7) as u8];
        let field: &[u8] = if ms.is_multiple_of(5) { b"other" } else { b"k" };
        stream.append(StreamId::new(ms, 0), &[field, &value], limits).expect("it is small");
    }
    stream.add_group(b"g", Group::new(StreamId::new(ENTRIES, 0), None));
    stream.set_group_policy(b"g", policy("ORDERBY k RATE 5 100"), 0);
    let (group, _) = stream.group_mut(b"g").expect("just added");
    group.create_consumer(b"c", 0).expect("the first");
    stream
}

#[derive(Clone, Debug)]
enum Op {
    /// Into flight, if the order lets it.
    Take(u64),
    Ready(u64),
    Defer(u64),
    Kill(u64),
    Acknowledge(u64),
    Delete(u64),
    Deliver(u64, u64),
    /// Through a snapshot.
    Reload,
    Clone,
}

fn op() -> impl Strategy<Value = Op> {
    let id = || 1..=ENTRIES;
    prop_oneof![
        6 => id().prop_map(Op::Take),
        4 => id().prop_map(Op::Ready),
        3 => id().prop_map(Op::Defer),
        1 => id().prop_map(Op::Kill),
        4 => id().prop_map(Op::Acknowledge),
        1 => id().prop_map(Op::Delete),
        2 => (0u64..50, 1u64..4).prop_map(|(after, count)| Op::Deliver(after, count)),
        1 => Just(Op::Reload),
        1 => Just(Op::Clone),
    ]
}

fn reload(stream: &Stream) -> Stream {
    let mut image = stream.image();
    let mut reader = StreamImageReader::default();
    loop {
        let mut piece = Vec::new();
        let goes_on = image.write_piece(&mut piece);
        reader.read_piece(&piece).expect("a piece of an image");
        if !goes_on {
            return reader.finish().expect("it is whole");
        }
    }
}

fn records(group: &Group) -> Vec<Record> {
    let mut records = Vec::new();
    group.scan(StreamId::MIN, Default::default(), |record| {
        records.push(record);
        ControlFlow::<()>::Continue(())
    });
    records
}

fn value(ms: u64) -> Option<u64> {
    (!ms.is_multiple_of(5)).then_some(ms * ms % 7)
}

/// Each line by the definition: the first is ready if it is due and none is in flight, all behind it
/// are held if they are due.
fn assert_ordered(group: &Group) {
    let all = records(group);
    for state in STATES {
        let count = all.iter().filter(|record| record.owner == state).count();
        assert_eq!(group.count_in(state), count as u64);
    }
    let dead = all.iter().filter(|record| record.owner.is_dead()).count();
    assert_eq!(group.count_in(Owner::FATAL), dead as u64);
    let mut lines: BTreeMap<u64, Vec<Record>> = BTreeMap::new();
    for record in all.iter().filter(|record| !record.owner.is_dead()) {
        match value(record.id.ms) {
            Some(value) => lines.entry(value).or_default().push(*record),
            None => assert_ne!(record.owner, Owner::HELD, "it has no value"),
        }
    }
    let in_line: Vec<StreamId> = group.in_line().map(|(id, _)| id).collect();
    let mut expected: Vec<StreamId> = lines.values().flatten().map(|record| record.id).collect();
    expected.sort();
    assert_eq!(in_line, expected);
    for line in lines.values() {
        let out = line.iter().filter(|record| !record.owner.is_unowned()).count();
        assert!(out <= 1, "{line:?}");
        for (place, record) in line.iter().enumerate() {
            let may_go = out == 0 && place == 0;
            assert!(record.owner != Owner::READY || may_go, "{line:?}");
            assert!(record.owner != Owner::HELD || !may_go, "{line:?}");
        }
    }
}

fn apply(stream: &mut Stream, op: &Op, now_ms: u64) {
    let put = |stream: &mut Stream, ms: u64, owner: Owner| {
        let (group, log) = stream.group_mut(b"g").expect("it is there");
        let id = StreamId::new(ms, 0);
        if log.contains(id) {
            group.place(log, Record { id, owner, time: now_ms, count: 1 });
        }
    };
    match *op {
        Op::Take(ms) => {
            let (group, log) = stream.group_mut(b"g").expect("it is there");
            if log.get(StreamId::new(ms, 0)).is_some_and(|entry| !group.is_held(&entry)) {
                put(stream, ms, Owner::consumer(0));
            }
        }
        Op::Ready(ms) => put(stream, ms, Owner::READY),
        Op::Defer(ms) => put(stream, ms, Owner::DEFERRED),
        Op::Kill(ms) => put(stream, ms, DEAD[(ms % 3) as usize]),
        Op::Acknowledge(ms) => {
            let (group, _) = stream.group_mut(b"g").expect("it is there");
            group.acknowledge(StreamId::new(ms, 0));
        }
        Op::Delete(ms) => drop(stream.delete(StreamId::new(ms, 0), RefPolicy::Unsaid)),
        Op::Deliver(_, count) => {
            let (group, _) = stream.group_mut(b"g").expect("it is there");
            group.note_deliveries(now_ms, count);
        }
        Op::Reload => *stream = reload(stream),
        Op::Clone => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_line_is_as_its_definition_says_whatever_happens(
        ops in prop::collection::vec(op(), 1..150)
    ) {
        let mut stream = stream();
        let mut now_ms = 0;
        let mut kept = Vec::new();
        for op in &ops {
            if let Op::Deliver(after, _) = op {
                now_ms += after;
            }
            if let Op::Clone = op {
                let group = stream.group(b"g").expect("it is there");
                kept.push((stream.clone(), records(group)));
            }
            let before = stream.group(b"g").map(|group| group.paced().collect::<Vec<_>>());
            apply(&mut stream, op, now_ms);
            let group = stream.group(b"g").expect("it is there");
            assert_ordered(group);
            if matches!(op, Op::Reload) {
                prop_assert_eq!(before, Some(group.paced().collect()));
            }
        }
        for (stream, before) in &kept {
            let group = stream.group(b"g").expect("it is there");
            prop_assert_eq!(&records(group), before);
            assert_ordered(group);
        }
    }

    #[test]
    fn another_field_makes_the_lines_anew(ops in prop::collection::vec(op(), 1..60)) {
        let mut stream = stream();
        // What is in flight and gone from the stream has no value to be found any more.
        let ops = ops.iter().filter(|op| !matches!(op, Op::Delete(_)));
        ops.for_each(|op| apply(&mut stream, op, 5));
        stream.set_group_policy(b"g", policy("LEASE 9"), 6);
        let group = stream.group(b"g").expect("it is there");
        prop_assert_eq!(group.count_in(Owner::HELD), 0);
        prop_assert_eq!(group.in_line().count(), 0);
        let in_flight = group.in_flight();
        stream.set_group_policy(b"g", policy("ORDERBY k"), 7);
        let group = stream.group(b"g").expect("it is there");
        prop_assert_eq!(group.in_flight(), in_flight);
        assert_ordered(group);
        stream.set_group_policy(b"g", GroupPolicy::default(), 8);
        let group = stream.group(b"g").expect("it is there");
        prop_assert_eq!(group.count_in(Owner::HELD) + group.count_in(Owner::FATAL), 0);
    }
}
