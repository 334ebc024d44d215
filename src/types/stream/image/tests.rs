use std::fmt::Write;
use std::ops::ControlFlow;

use proptest::prelude::*;

use super::*;
use crate::types::image::tests::{pieces, read, read_damaged};
use crate::types::stream::idmp::IdmpLimits;
use crate::types::stream::log::{NodeLimits, Trim, TrimBy};
use crate::types::stream::pending::{Filter, Owner};
use crate::types::stream::policy::{DedupField, GroupPolicy};
use crate::types::stream::{RefPolicy, StreamId};

#[derive(Clone, Debug)]
enum Op {
    /// Adds entries, with an idempotency id for each if there is a producer.
    Append {
        entries: u64,
        names: u8,
        size: usize,
        producer: u8,
    },
    Delete(usize, RefPolicy),
    DeleteRange(usize, usize),
    Trim {
        by_len: bool,
        at: usize,
        approximate: bool,
        policy: RefPolicy,
    },
    SetId {
        last: u8,
        added: u8,
    },
    Limit(u64),
    IdmpLimits(u32),
    AddGroup {
        group: u8,
        at: usize,
    },
    RemoveGroup(u8),
    Deliver {
        group: u8,
        consumer: u8,
        count: usize,
    },
    Assign {
        group: u8,
        consumer: u8,
        at: usize,
        count: u64,
    },
    Release {
        group: u8,
        at: usize,
    },
    Acknowledge {
        group: u8,
        at: usize,
        stride: usize,
        count: usize,
    },
    RemoveConsumer {
        group: u8,
        consumer: u8,
    },
    /// Delays of entries, and when they expire.
    Schedule {
        at: usize,
        due: u64,
        ttl: u64,
        expired: bool,
    },
    /// The policy of a group, or of the stream.
    Policy(Option<u8>, u64),
}

fn policy() -> impl Strategy<Value = RefPolicy> {
    prop::sample::select(vec![RefPolicy::KeepRef, RefPolicy::DelRef, RefPolicy::Acked])
}

fn op() -> impl Strategy<Value = Op> {
    let size = prop_oneof![30 => 0..60usize, 3 => 100..3000usize, 1 => 4000..9000usize];
    prop_oneof![
        20 => (1..60u64, 0..6u8, size, 0..4u8)
            .prop_map(|(entries, names, size, producer)| Op::Append { entries, names, size, producer }),
        6 => (any::<usize>(), policy()).prop_map(|(at, policy)| Op::Delete(at, policy)),
        2 => (any::<usize>(), 0..120usize).prop_map(|(at, count)| Op::DeleteRange(at, count)),
        2 => (any::<bool>(), 0..500usize, any::<bool>(), policy())
            .prop_map(|(by_len, at, approximate, policy)| Op::Trim { by_len, at, approximate, policy }),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(last, added)| Op::SetId { last, added }),
        1 => prop_oneof![Just(0), 1..20u64].prop_map(Op::Limit),
        1 => (1..4u32).prop_map(Op::IdmpLimits),
        3 => (0..3u8, any::<usize>()).prop_map(|(group, at)| Op::AddGroup { group, at }),
        1 => (0..3u8).prop_map(Op::RemoveGroup),
        12 => (0..3u8, 0..5u8, 1..200usize)
            .prop_map(|(group, consumer, count)| Op::Deliver { group, consumer, count }),
        4 => (0..3u8, 0..5u8, any::<usize>(), 0..9u64)
            .prop_map(|(group, consumer, at, count)| Op::Assign { group, consumer, at, count }),
        3 => (0..3u8, any::<usize>()).prop_map(|(group, at)| Op::Release { group, at }),
        4 => (0..3u8, any::<usize>(), 1..4usize, 1..200usize).prop_map(
            |(group, at, stride, count)| Op::Acknowledge { group, at, stride, count }),
        1 => (0..3u8, 0..5u8).prop_map(|(group, consumer)| Op::RemoveConsumer { group, consumer }),
        3 => (any::<usize>(), prop_oneof![0..90u64, Just(7)], 0..90u64, any::<bool>())
            .prop_map(|(at, due, ttl, expired)| Op::Schedule { at, due, ttl, expired }),
        1 => (prop::option::of(0..3u8), 0..3u64).prop_map(|(group, n)| Op::Policy(group, n)),
    ]
}

/// A stream, and what its operations carry along.
#[derive(Clone)]
struct World {
    stream: Stream,
    entries_max: u64,
    /// Turned by the operations: Unix time in ms.
    now_ms: u64,
}

impl World {
    fn new() -> World {
        let limits = IdmpLimits { duration_s: 2, per_producer_max: 30 };
        World { stream: Stream::new(limits), entries_max: 7, now_ms: 1_700_000_000_000 }
    }

    /// The id of the entry picked by `at`, or one that does not exist if there is none.
    fn pick(&self, at: usize) -> StreamId {
        let log = self.stream.log();
        let at = at % usize::try_from(log.len()).expect("few").max(1);
        let entry = log.range(StreamId::MIN, StreamId::MAX).nth(at);
        entry.map_or(StreamId::new(at as u64 % 50, 1), |entry| entry.id())
    }

    fn append(&mut self, names: u8, size: usize, producer: u8) {
        let Some(id) = self.stream.next_id(self.now_ms) else { return };
        let name = match names {
            0 => "other".to_owned(),
            1 => "n".repeat(size.min(1300)),
            _ => "field".to_owned(),
        };
        let value = vec![b'a' + (id.seq % 26) as u8; size];
        let limits = NodeLimits { bytes_max: 4096, entries_max: self.entries_max };
        let fields = [name.as_bytes(), &value, b"second", b"12"];
        if self.stream.append(id, &fields, limits).is_err() {
            return;
        }
        if self.stream.find_message(&fields, self.now_ms).is_none()
            && let Some(message) = self.stream.message(&fields)
        {
            self.stream.remember_message(message, id, self.now_ms);
        }
        if producer > 0 {
            let idmp = self.stream.idmp_mut();
            let iid = [producer, id.seq as u8];
            if idmp.find(&[producer], &iid, self.now_ms).is_some() {
                idmp.note_duplicate();
            } else {
                idmp.remember(&[producer], &iid, id, self.now_ms);
            }
        }
    }

    fn apply(&mut self, op: &Op) {
        self.now_ms += 7;
        match *op {
            Op::Append { entries, names, size, producer } => {
                for n in 0..entries {
                    self.now_ms += n % 3;
                    self.append(names, size, producer);
                }
            }
            Op::Delete(at, policy) => {
                self.stream.delete(self.pick(at), policy);
            }
            Op::DeleteRange(at, count) => {
                let range = self.stream.log().range(self.pick(at), StreamId::MAX);
                let ids: Vec<StreamId> = range.take(count).map(|entry| entry.id()).collect();
                for id in ids {
                    self.stream.delete(id, RefPolicy::KeepRef);
                }
            }
            Op::Trim { by_len, at, approximate, policy } => {
                let by = match by_len {
                    true => TrimBy::MaxLen(at as u64),
                    false => TrimBy::MinId(self.pick(at)),
                };
                self.stream.trim(Trim { by, approximate, limit: 0 }, policy);
            }
            Op::SetId { last, added } => self.set_id(last, added),
            Op::Schedule { at, due, ttl, expired } => {
                let (id, now_ms) = (self.pick(at), self.now_ms);
                if self.stream.log().contains(id) {
                    let expires_ms = (ttl > 0).then_some(now_ms + ttl);
                    let due_ms = (due > 0).then_some(now_ms + due);
                    if !self.stream.has_expired(id, 0) {
                        self.stream.schedule(id, due_ms, expires_ms);
                    }
                }
                if self.stream.log().contains(id) && self.stream.addressee(id).is_none() && due == 7
                {
                    self.stream.address(id, b"some");
                }
                self.stream.forget_due(now_ms, 1);
                if expired {
                    let ids: Vec<StreamId> = self.stream.expiring(now_ms).take(2).collect();
                    ids.into_iter().for_each(|id| assert!(self.stream.note_expired(id)));
                }
            }
            Op::Policy(None, n) => {
                let dedup = DedupField { field: b"field".as_slice().into(), window_ms: 30 };
                let policy = StreamPolicy { max_len: (n > 0).then_some(n), ..Default::default() };
                let dedup = (n > 1).then_some(dedup);
                self.stream.set_policy(StreamPolicy { dedup, ..policy });
            }
            Op::Policy(Some(group), n) => {
                let max_deliveries = (n > 0).then_some(n);
                let policy = GroupPolicy { max_deliveries, ..GroupPolicy::default() };
                self.stream.set_group_policy(&[b'g', group], policy, 1000);
            }
            Op::Limit(entries_max) => self.entries_max = entries_max,
            Op::IdmpLimits(duration_s) => {
                let limits = IdmpLimits { duration_s, per_producer_max: 30 };
                self.stream.idmp_mut().set_limits(limits);
            }
            ref op => self.apply_to_group(op),
        }
    }

    fn set_id(&mut self, last: u8, added: u8) {
        let stream = &mut self.stream;
        let top = stream.log().last_id().unwrap_or(StreamId::MIN);
        let last_id =
            StreamId { ms: top.ms + u64::from(last / 64), seq: top.seq + u64::from(last) };
        let entries_added = stream.log().len() + u64::from(added);
        stream.set_id(last_id, Some(entries_added), None);
    }

    fn apply_to_group(&mut self, op: &Op) {
        let name = |group: u8| [b'g', group];
        match *op {
            Op::AddGroup { group, at } => {
                let from = self.pick(at).prev().unwrap_or(StreamId::MIN);
                let read = (at % 2 == 0).then_some(at as u64 % 100);
                self.stream.add_group(&name(group), Group::new(from, read));
            }
            Op::RemoveGroup(group) => {
                self.stream.remove_group(&name(group));
            }
            Op::Deliver { group, consumer, count } => self.deliver(&name(group), consumer, count),
            Op::Assign { group, consumer, at, count } => {
                let (id, now_ms) = (self.pick(at), self.now_ms);
                if let Some((group, _)) = self.stream.group_mut(&name(group)) {
                    let number = number_of(group, consumer, now_ms);
                    group.assign(id, number, now_ms - at as u64 % 500, count);
                }
            }
            Op::Release { group, at } => {
                let id = self.pick(at);
                if let Some((group, _)) = self.stream.group_mut(&name(group)) {
                    group.release(id, at as u64 % 4);
                }
            }
            Op::Acknowledge { group, at, stride, count } => {
                let from = self.pick(at);
                let Some((group, _)) = self.stream.group_mut(&name(group)) else { return };
                let mut ids = Vec::new();
                group.scan(from, Filter::default(), |record| {
                    ids.push(record.id);
                    ControlFlow::<()>::Continue(())
                });
                for id in ids.into_iter().step_by(stride).take(count) {
                    group.acknowledge(id);
                }
            }
            Op::RemoveConsumer { group, consumer } => {
                if let Some((group, _)) = self.stream.group_mut(&name(group)) {
                    group.delete_consumer(&[b'c', consumer]);
                }
            }
            _ => unreachable!("the others are not of groups"),
        }
    }

    fn deliver(&mut self, name: &[u8], consumer: u8, count: usize) {
        let (extent, now_ms) = (self.stream.extent(), self.now_ms);
        let Some((group, log)) = self.stream.group_mut(name) else { return };
        let number = number_of(group, consumer, now_ms);
        let mut entries = group.undelivered(log);
        let ids: Vec<StreamId> = entries.by_ref().take(count).map(|entry| entry.id()).collect();
        if let Some(cursor) = entries.cursor() {
            group.set_cursor(cursor);
        }
        for id in ids {
            group.assign(id, number, now_ms, 1);
            group.advance(id, &extent);
        }
        group.note_active(number, now_ms);
    }

    /// All that can be seen of the stream.
    fn state(&self) -> String {
        let Stream { log, last_id, max_deleted_id, entries_added, idmp, .. } = &self.stream;
        let mut state = format!("{last_id} {max_deleted_id} {entries_added} {}", log.node_count());
        let _ = writeln!(state, " {} {log:?} {:?}", log.len(), log.last_id());
        let back: Vec<StreamId> =
            log.range_rev(StreamId::MIN, StreamId::MAX).map(|entry| entry.id()).collect();
        assert!(
            back.iter().rev().copied().eq(log
                .range(StreamId::MIN, StreamId::MAX)
                .inspect(|entry| assert!(log.contains(entry.id())))
                .map(|entry| entry.id()))
        );
        let _ = writeln!(state, "{:?} {} {}", idmp.limits(), idmp.added(), idmp.duplicates());
        let tracked = idmp.tracked(self.now_ms);
        let _ = writeln!(state, "{tracked:?} {:?}", idmp.iter(self.now_ms).collect::<Vec<_>>());
        for (producer, iid, id) in idmp.iter(self.now_ms) {
            assert_eq!(idmp.find(producer, iid, self.now_ms), Some(id));
        }
        let _ = writeln!(state, "{:?}", self.stream.policy());
        let messages = self.stream.dedup.as_ref().map(|dedup| dedup.iter().collect::<Vec<_>>());
        let _ = writeln!(state, "{messages:?} {:?}", self.stream.next_expiry_ms());
        for entry in log.range(StreamId::MIN, StreamId::MAX).filter(|_| self.stream.has_schedule())
        {
            let (stream, id) = (&self.stream, entry.id());
            let _ = write!(state, "{:?} {:?} ", stream.due_ms(id), stream.expires_ms(id));
            let _ = write!(state, "{:?} ", stream.addressee(id));
            let _ =
                writeln!(state, "{} {:?}", stream.has_expired(id, 0), stream.fate(id, self.now_ms));
        }
        let _ = writeln!(state, "{:?}", self.stream.expiring(u64::MAX).collect::<Vec<_>>());
        for (name, group) in self.stream.groups() {
            let _ = writeln!(state, "{name:?} {}", group_state(group, &self.stream, self.now_ms));
        }
        state
    }
}

fn number_of(group: &mut Group, consumer: u8, now_ms: u64) -> u32 {
    let name = [b'c', consumer];
    let known = group.consumer(&name).map(|consumer| consumer.number());
    known.or_else(|| group.create_consumer(&name, now_ms)).expect("it is there or made")
}

fn group_state(group: &Group, stream: &Stream, now_ms: u64) -> String {
    let mut state = format!("{} {:?}", group.last_delivered_id(), group.entries_read());
    let _ = writeln!(state, " {:?} {}", group.lag(&stream.extent()), group.unowned_count());
    let scan = |filter: Filter| {
        let mut records = Vec::new();
        group.scan(StreamId::MIN, filter, |record| {
            let owner = group.owner_name(record.owner);
            records.push((record.id, owner, record.time, record.count));
            ControlFlow::<()>::Continue(())
        });
        records
    };
    let _ = writeln!(state, "{} {:?}", group.pending().len(), scan(Filter::default()));
    let by = Some(now_ms - 100);
    let _ = writeln!(
        state,
        "{:?}",
        scan(Filter { delivered_by_ms: by.map(u64::cast_signed), ..Filter::default() })
    );
    let claimable: Vec<StreamId> = group.claimable(by).map(|record| record.id).collect();
    let _ = writeln!(state, "{claimable:?} {:?}", group.pending().earliest_delivery_ms());
    for consumer in group.consumers_by_name() {
        let (name, pending) = (consumer.name(), consumer.pending());
        let times = (consumer.seen_ms(), consumer.active_ms());
        let own =
            scan(Filter { owner: Some(Owner::consumer(consumer.number())), ..Default::default() });
        assert_eq!(own.len() as u64, pending);
        let _ = writeln!(state, "{name:?} {pending} {times:?} {own:?}");
    }
    let _ = writeln!(state, "{:?}", group.policy());
    let next: Vec<StreamId> =
        group.undelivered(stream.log()).take(3).map(|entry| entry.id()).collect();
    let _ = writeln!(state, "{next:?}");
    state
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 50, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_image_gives_the_same_stream(
        before in prop::collection::vec(op(), 1..80),
        after in prop::collection::vec(op(), 1..30),
        seeds in prop::collection::vec(any::<u64>(), 40),
    ) {
        let mut world = World::new();
        before.iter().for_each(|op| world.apply(op));
        let mut copy = world.clone();
        let (image, state) = (world.stream.image(), world.state());
        let mut changed = world.clone();
        after.iter().for_each(|op| changed.apply(op));
        // The image is of the stream as it was.
        prop_assert_eq!(world.state(), state);
        let pieces = pieces(image);
        copy.stream = read::<StreamImageReader>(&pieces).expect("it was written so");
        prop_assert_eq!(copy.state(), world.state());
        for op in &after {
            world.apply(op);
            copy.apply(op);
            prop_assert_eq!(copy.state(), world.state(), "{:?}", op);
        }
        for seed in seeds {
            read_damaged::<StreamImageReader>(&pieces, seed, |stream| {
                let mut damaged = World { stream, ..copy.clone() };
                damaged.state();
                after.iter().for_each(|op| damaged.apply(op));
                damaged.state();
            });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// Clones share all they can, and what one side does is not seen by the other: each becomes what the
    /// same operations make of a stream that was never cloned.
    #[test]
    fn clones_change_apart(
        common in prop::collection::vec(op(), 1..60),
        sides in prop::collection::vec((prop::collection::vec(op(), 1..30), any::<bool>()), 1..4),
    ) {
        let mut world = World::new();
        let mut story = common;
        story.iter().for_each(|op| world.apply(op));
        for (ops, goes_on_with_clone) in sides {
            let mut clone = world.clone();
            // By turns, so that each copies what the other shares still.
            for op in &ops {
                world.apply(op);
                if !matches!(op, Op::Delete(..) | Op::Trim { .. }) {
                    clone.apply(op);
                }
            }
            let is_kept = |op: &&Op| !matches!(op, Op::Delete(..) | Op::Trim { .. });
            let of_clone: Vec<Op> = ops.iter().filter(is_kept).cloned().collect();
            let twin = |ops: &[Op]| {
                let mut twin = World::new();
                story.iter().chain(ops).for_each(|op| twin.apply(op));
                twin
            };
            prop_assert_eq!(world.state(), twin(&ops).state());
            prop_assert_eq!(clone.state(), twin(&of_clone).state());
            if goes_on_with_clone {
                world = clone;
                story.extend(of_clone);
            } else {
                story.extend(ops);
            }
        }
    }
}

/// Every bit of the pieces of a stream that has some of everything.
#[test]
fn no_flipped_bit_makes_a_stream_that_panics() {
    let mut world = World::new();
    for n in 0..3 {
        world.apply(&Op::Append { entries: 6, names: n, size: 5, producer: n });
    }
    world.apply(&Op::Delete(9, RefPolicy::KeepRef));
    for group in 0..2 {
        world.apply(&Op::AddGroup { group, at: 0 });
        world.apply(&Op::Deliver { group, consumer: 0, count: 5 });
        world.apply(&Op::Deliver { group, consumer: 1, count: 5 });
        world.apply(&Op::Release { group, at: 2 });
        world.apply(&Op::Acknowledge { group, at: 3, stride: 1, count: 1 });
    }
    world.apply(&Op::RemoveConsumer { group: 0, consumer: 0 });
    let after = [
        Op::Append { entries: 3, names: 2, size: 9, producer: 1 },
        Op::Deliver { group: 0, consumer: 2, count: 50 },
        Op::Delete(3, RefPolicy::DelRef),
        Op::Trim { by_len: true, at: 12, approximate: false, policy: RefPolicy::KeepRef },
        Op::Release { group: 1, at: 2 },
        Op::RemoveConsumer { group: 1, consumer: 1 },
        Op::Trim { by_len: true, at: 0, approximate: false, policy: RefPolicy::Acked },
    ];
    let pieces = pieces(world.stream.image());
    let mut taken = 0;
    for at in 0..pieces.len() {
        for bit in 0..pieces[at].len() * 8 {
            let mut flipped = pieces.clone();
            flipped[at][bit / 8] ^= 1 << (bit % 8);
            if let Ok(stream) = read::<StreamImageReader>(&flipped) {
                taken += 1;
                let mut world = World { stream, ..world.clone() };
                world.state();
                after.iter().for_each(|op| world.apply(op));
                world.state();
            }
        }
        for len in 0..pieces[at].len() {
            let mut short = pieces.clone();
            short[at].truncate(len);
            if let Ok(stream) = read::<StreamImageReader>(&short) {
                World { stream, ..world.clone() }.state();
            }
        }
    }
    // A bit of a name or a time makes another stream, and no check can tell.
    assert!(taken > 0);
}
