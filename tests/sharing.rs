//! Rule: handing a value to a snapshot costs the same whatever its size.
//!
//! Counts the bytes that a clone and the first write behind it allocate, for a small and for a large
//! value: they are those of one chunk and one path of the tree above it.

use forebay::types::hash::{Field, Hash, Limits};
use forebay::types::list::{List, Side};
use forebay::types::stream::group::Group;
use forebay::types::stream::idmp::IdmpLimits;
use forebay::types::stream::log::{NodeLimits, Trim, TrimBy};
use forebay::types::stream::pending::{Owner, Record};
use forebay::types::stream::policy::{DedupField, GroupPolicy, Rate, StreamPolicy};
use forebay::types::stream::{RefPolicy, Stream, StreamId};
use tikv_jemalloc_ctl::thread::allocatedp;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What a clone and one write may allocate, however large the value is: some blocks of 4 KiB or a
/// chunk of 8, and a few nodes on the way to it in each of the trees.
const BYTES_MAX: u64 = 96 << 10;
/// And how much of it may be due to size, as trees become higher.
const GROWTH_BYTES_MAX: u64 = 32 << 10;

/// Bytes that this thread allocates in `step`, freed or not.
fn allocated_by<T>(step: impl FnOnce() -> T) -> (T, u64) {
    let counter = allocatedp::read().expect("jemalloc counts");
    let before = counter.get();
    let answer = step();
    (answer, counter.get() - before)
}

type Write<T> = (&'static str, fn(&mut T));

/// What each write allocates on a value that a clone shares.
fn costs<T: Clone>(value: &mut T, writes: &[Write<T>]) -> Vec<u64> {
    let cost = |(name, write): &Write<T>| {
        let (snapshot, for_clone) = allocated_by(|| value.clone());
        assert!(for_clone < 1024, "a clone before {name} allocates {for_clone} bytes");
        let ((), for_write) = allocated_by(|| write(value));
        drop(snapshot);
        assert!(for_write < BYTES_MAX, "{name} allocates {for_write} bytes");
        for_write
    };
    writes.iter().map(cost).collect()
}

fn assert_bounded<T: Clone>(mut small: T, mut large: T, writes: &[Write<T>]) {
    let (small, large) = (costs(&mut small, writes), costs(&mut large, writes));
    for ((small, large), (name, _)) in small.iter().zip(&large).zip(writes) {
        println!("{name}: {small} bytes, in a larger value {large}");
        assert!(*large < small + GROWTH_BYTES_MAX, "{name}: {small} bytes, then {large}");
    }
}

fn id(n: u64) -> StreamId {
    StreamId::new(1_700_000_000_000 + n / 3, n % 3 + 1)
}

const CONSUMERS: u64 = 10_000;
const GROUP: &[u8] = b"group-0007";

/// Three quarters of the entries are pending in one group, beside which there are as many groups and
/// idempotency ids as a hundredth of the entries.
fn stream(entries: u64) -> Stream {
    let mut stream = Stream::new(IdmpLimits { duration_s: 1 << 30, per_producer_max: 100 });
    let mut group = Group::new(id(entries * 3 / 4), None);
    let consumers: Vec<u32> = (0..CONSUMERS)
        .map(|n| group.create_consumer(format!("worker-{n}").as_bytes(), 0).expect("a new name"))
        .collect();
    for n in 0..entries {
        let fields = ["field", "a value of some length"];
        stream.append(id(n), &fields, NodeLimits::default()).expect("small");
        if n < entries * 3 / 4 {
            group.assign(id(n), consumers[(n / 10 % CONSUMERS) as usize], n, 1);
        }
        if n % 100 == 0 {
            let producer = format!("producer-{}", n / 10_000);
            stream.idmp_mut().remember(producer.as_bytes(), &n.to_le_bytes(), id(n), id(n).ms);
            let name = format!("group-{:04}", n / 100);
            stream.add_group(name.as_bytes(), Group::new(id(n), None));
        }
    }
    stream.remove_group(GROUP);
    stream.add_group(GROUP, group);
    stream
}

fn middle(stream: &Stream) -> StreamId {
    let (_, group) = stream.groups().find(|(name, _)| *name == GROUP).expect("it was added");
    let last = group.pending().last_id().expect("much is pending");
    id((last.ms - id(0).ms) * 3 / 2)
}

const STREAM_WRITES: &[Write<Stream>] = &[
    ("XADD", |stream| {
        let id = stream.next_id(0).expect("there are more");
        stream.append(id, &["field", "value"], NodeLimits::default()).expect("small");
    }),
    ("XDEL", |stream| {
        stream.delete(middle(stream), RefPolicy::KeepRef);
    }),
    ("XDELEX DELREF", |stream| {
        stream.delete(middle(stream).next().expect("it has one"), RefPolicy::DelRef);
    }),
    ("XTRIM", |stream| {
        let by = TrimBy::MaxLen(stream.log().len() - 150);
        stream.trim(Trim { by, approximate: false, limit: 0 }, RefPolicy::KeepRef);
    }),
    ("XREADGROUP", |stream| {
        let extent = stream.extent();
        let (group, log) = stream.group_mut(GROUP).expect("it was added");
        let number = group.consumer(b"worker-50").expect("it was made").number();
        let id = group.undelivered(log).next().expect("there are more").id();
        group.assign(id, number, 1, 1);
        group.advance(id, &extent);
        group.note_active(number, 1);
    }),
    ("XACK", |stream| {
        let id = middle(stream);
        let (group, _) = stream.group_mut(GROUP).expect("it was added");
        assert!(group.acknowledge(id).is_some());
    }),
    ("XGROUP CREATECONSUMER", |stream| {
        let (group, _) = stream.group_mut(GROUP).expect("it was added");
        assert!(group.create_consumer(b"another", 1).is_some());
    }),
    ("XGROUP CREATE", |stream| {
        assert!(stream.add_group(b"another", Group::new(StreamId::MIN, None)));
    }),
    ("XGROUP DESTROY", |stream| {
        assert!(stream.remove_group(b"group-0003").is_some());
    }),
    ("XADD IDMP", |stream| {
        let (id, now_ms) = (stream.next_id(0).expect("there are more"), stream.last_id().ms);
        stream.idmp_mut().remember(b"producer-1", b"another", id, now_ms);
    }),
];

#[test]
fn a_stream_is_handed_over_at_the_same_cost_whatever_its_size() {
    assert_bounded(stream(20_000), stream(300_000), STREAM_WRITES);
}

/// When what is deferred is due, and what lives for a time only expires, unix ms.
const LATER_MS: u64 = 1_800_000_000_000;

/// A queue with a policy of every kind: a group has three quarters of the entries in every state, in the lines of
/// a tenth as many values, and RATE counts as many deliveries. Entries are delayed, expire, are for
/// the group alone, and are remembered by a field, each a third or more of them.
fn queue(entries: u64) -> Stream {
    let mut stream = Stream::new(IdmpLimits::default());
    let dedup = DedupField { field: (*b"message").into(), window_ms: 1 << 40 };
    stream.set_policy(StreamPolicy { dedup: Some(dedup), ..StreamPolicy::default() });
    stream.add_group(GROUP, Group::new(id(entries * 3 / 4), None));
    let rate = Rate { deliveries: 1 << 40, window_ms: 1 << 39 };
    let policy = GroupPolicy {
        lease_ms: Some(30_000),
        order_by: Some((*b"customer").into()),
        rate: Some(rate),
        ..GroupPolicy::default()
    };
    stream.set_group_policy(GROUP, policy, 0);
    for n in 0..entries {
        let (customer, message) = (format!("customer-{}", n / 10), format!("message-{n}"));
        let fields = ["customer", &customer, "message", &message];
        stream.append(id(n), &fields, NodeLimits::default()).expect("small");
        stream.remember_message(message.as_bytes(), id(n), id(n).ms);
        stream.schedule(
            id(n),
            (n % 3 == 0).then_some(LATER_MS + n),
            (n % 3 == 1).then_some(LATER_MS + n),
        );
        if n % 3 == 2 {
            stream.address(id(n), GROUP);
        }
    }
    let (group, log) = stream.group_mut(GROUP).expect("it was added");
    let worker = group.create_consumer(b"worker", 0).expect("a new name");
    for n in 0..entries * 3 / 4 {
        let states = [Owner::READY, Owner::DEFERRED, Owner::FATAL, Owner::consumer(worker)];
        let owner = states[(n % 4) as usize];
        let time = if owner == Owner::DEFERRED { LATER_MS + n } else { id(n).ms };
        group.place(log, Record { id: id(n), owner, time, count: 1 });
        group.note_deliveries(id(n).ms, 1);
    }
    stream
}

/// Puts an entry of the group into a state.
fn place(stream: &mut Stream, id: StreamId, owner: Owner) {
    let (group, log) = stream.group_mut(GROUP).expect("it was added");
    group.place(log, Record { id, owner, time: LATER_MS, count: 1 });
}

const QUEUE_WRITES: &[Write<Stream>] = &[
    ("XADD DELAY TTL", |stream| {
        let id = stream.next_id(0).expect("there are more");
        let fields = ["customer", "another", "message", "another"];
        stream.append(id, &fields, NodeLimits::default()).expect("small");
        stream.schedule(id, Some(LATER_MS), Some(2 * LATER_MS));
        stream.remember_message(b"another", id, id.ms);
    }),
    ("XADD of what is redriven", |stream| {
        let id = stream.next_id(0).expect("there are more");
        stream.append(id, &["customer", "another"], NodeLimits::default()).expect("small");
        stream.address(id, GROUP);
    }),
    ("an entry becomes ready", |stream| place(stream, middle(stream), Owner::READY)),
    ("an entry is deferred", |stream| place(stream, middle(stream), Owner::DEFERRED)),
    ("an entry is given up", |stream| place(stream, middle(stream), Owner::FATAL)),
    ("a delivery that RATE counts", |stream| {
        let (group, _) = stream.group_mut(GROUP).expect("it was added");
        group.note_deliveries(LATER_MS, 1);
    }),
    ("XACK that frees another", |stream| {
        let id = middle(stream).prev().expect("it has one");
        let (group, _) = stream.group_mut(GROUP).expect("it was added");
        assert!(group.acknowledge(id).is_some());
    }),
    ("an entry expires", |stream| {
        let id = stream.expiring(u64::MAX).next().expect("there are more");
        assert!(stream.note_expired(id));
    }),
    ("an expired entry comes back", |stream| {
        let mut all = stream.log().range(StreamId::MIN, StreamId::MAX);
        let id = all.find(|entry| stream.has_expired(entry.id(), 0)).expect("one did").id();
        assert!(stream.recall(id));
    }),
    ("XDEL", |stream| {
        stream.delete(middle(stream), RefPolicy::default());
    }),
    ("XCFGSET", |stream| {
        let policy = stream.policy().cloned().expect("it has one");
        stream.set_policy(StreamPolicy { max_len: Some(1 << 40), ..policy });
    }),
];

#[test]
fn a_queue_is_handed_over_at_the_same_cost_whatever_its_size() {
    assert_bounded(queue(10_000), queue(150_000), QUEUE_WRITES);
}

fn list(elements: usize) -> List {
    let mut list = List::new();
    for n in 0..elements {
        list.push(Side::Right, format!("an element of a list {n:08}").as_bytes());
    }
    list
}

const LIST_WRITES: &[Write<List>] = &[
    ("LPUSH", |list| list.push(Side::Left, b"an element")),
    ("RPUSH", |list| list.push(Side::Right, b"an element")),
    ("LPOP", |list| list.cut(Side::Left, 1)),
    ("RPOP", |list| list.cut(Side::Right, 300)),
    ("LSET", |list| assert!(list.set(list.len() / 2, b"another"))),
    ("LINSERT", |list| list.insert(list.len() / 3, b"another")),
    ("LREM", |list| assert_eq!(list.remove(Side::Left, 1, b"another"), 1)),
];

#[test]
fn a_list_is_handed_over_at_the_same_cost_whatever_its_size() {
    assert_bounded(list(20_000), list(1_000_000), LIST_WRITES);
}

/// A third of the fields has deadlines.
fn hash(fields: u32) -> Hash {
    let mut hash = Hash::new();
    for n in 0..fields {
        let expire_at_ms = if n % 3 == 0 { i64::from(n) } else { forebay::types::hash::NEVER };
        let field = Field { value: b"a value of some length", expire_at_ms };
        hash.set(format!("field {n:08}").as_bytes(), field, &Limits::default());
    }
    hash
}

const HASH_WRITES: &[Write<Hash>] = &[
    ("HSET", |hash| assert!(hash.set(b"another", Field::new(b"value"), &Limits::default()))),
    ("HSET again", |hash| {
        let field = Field::new(b"a value of another length");
        assert!(!hash.set(b"field 00000100", field, &Limits::default()));
    }),
    ("HPEXPIREAT", |hash| assert!(hash.set_deadline(b"field 00000200", 700))),
    ("HPERSIST", |hash| assert!(hash.set_deadline(b"field 00000300", forebay::types::hash::NEVER))),
    ("HDEL", |hash| assert!(hash.remove(b"field 00000400"))),
    ("HDEL of a field that expires", |hash| assert!(hash.remove(b"field 00000600"))),
];

#[test]
fn a_hash_is_handed_over_at_the_same_cost_whatever_its_size() {
    assert_bounded(hash(20_000), hash(1_000_000), HASH_WRITES);
}
