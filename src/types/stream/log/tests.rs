use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const NO_LIMITS: NodeLimits = NodeLimits { bytes_max: 0, entries_max: 0 };

fn id(ms: u64, seq: u64) -> StreamId {
    StreamId { ms, seq }
}

fn flat(entry: Entry<'_>) -> (StreamId, Vec<Vec<u8>>) {
    let fields = entry.fields().flat_map(|(name, value)| [name.to_vec(), value.to_vec()]);
    (entry.id(), fields.collect())
}

/// What a log is to be, kept in the plainest way.
#[derive(Clone, Default)]
struct Model {
    entries: BTreeMap<StreamId, Vec<Vec<u8>>>,
    /// For each node the ids ever added to it. Only the entry limit makes nodes here; the byte limit
    /// has its own test against figures from Redis.
    nodes: Vec<Vec<StreamId>>,
    /// The last node takes no more, since one behind it has been emptied.
    closed: bool,
    last: StreamId,
}

impl Model {
    fn append(&mut self, id: StreamId, fields: Vec<Vec<u8>>, entries_max: u64) {
        self.last = id;
        self.entries.insert(id, fields);
        match self.nodes.last_mut() {
            Some(node)
                if !self.closed && (entries_max == 0 || (node.len() as u64) < entries_max) =>
            {
                node.push(id);
            }
            _ => self.nodes.push(vec![id]),
        }
        self.closed = false;
    }

    fn live(&self, node: &[StreamId]) -> u64 {
        node.iter().filter(|id| self.entries.contains_key(id)).count() as u64
    }

    /// An emptied node goes; behind an emptied last one the next entry starts a new node.
    fn drop_empty_nodes(&mut self) {
        let last_was = self.nodes.last().cloned();
        let nodes = std::mem::take(&mut self.nodes);
        self.nodes = nodes.into_iter().filter(|node| self.live(node) > 0).collect();
        self.closed |= self.nodes.last() != last_was.as_ref();
    }

    fn remove(&mut self, id: StreamId) -> bool {
        let removed = self.entries.remove(&id).is_some();
        self.drop_empty_nodes();
        removed
    }

    fn trim(&mut self, trim: Trim, per_entry: bool, keep: &dyn Fn(StreamId) -> bool) -> u64 {
        let before = self.entries.len() as u64;
        for node in self.nodes.clone() {
            let len = self.entries.len() as u64;
            let live = self.live(&node);
            if matches!(trim.by, TrimBy::MaxLen(max) if len <= max)
                || (trim.limit > 0 && before - len + live > trim.limit)
            {
                break;
            }
            let whole = match trim.by {
                TrimBy::MaxLen(max) => len - live >= max,
                TrimBy::MinId(min) => *node.last().expect("nodes are never empty") < min,
            };
            if !whole && trim.approximate && !per_entry {
                break;
            }
            for id in node {
                let done = match trim.by {
                    TrimBy::MaxLen(max) => self.entries.len() as u64 <= max,
                    TrimBy::MinId(min) => id >= min,
                };
                if done {
                    break;
                }
                if !(per_entry && keep(id)) {
                    self.entries.remove(&id);
                }
            }
            if !whole {
                break;
            }
        }
        let removed = before - self.entries.len() as u64;
        self.drop_empty_nodes();
        removed
    }

    fn check(&self, log: &Log) {
        let all: Vec<_> = self.entries.iter().map(|(id, fields)| (*id, fields.clone())).collect();
        let read: Vec<_> = log.range(StreamId::MIN, StreamId::MAX).map(flat).collect();
        assert_eq!(read, all);
        let mut back: Vec<_> = log.range_rev(StreamId::MIN, StreamId::MAX).map(flat).collect();
        back.reverse();
        assert_eq!(back, all);
        assert_eq!(log.len(), all.len() as u64);
        assert_eq!(log.is_empty(), all.is_empty());
        assert_eq!(log.first().map(flat), all.first().cloned());
        assert_eq!(log.first_id(), all.first().map(|entry| entry.0));
        assert_eq!(log.last().map(flat), all.last().cloned());
        assert_eq!(log.last_id(), all.last().map(|entry| entry.0));
        assert_eq!(log.node_count(), self.nodes.len());
        let buffers = log.slots.iter().map(|slot| slot.block.heap_bytes()).sum::<usize>();
        assert_eq!(log.buffer_bytes, buffers);
        assert!(log.slots.iter().all(|slot| slot.block.live() > 0));
    }
}

#[derive(Clone, Debug)]
enum Op {
    Append { ms: u64, seq: u64, names: u8, sizes: Vec<usize> },
    Remove(usize),
    RemoveMissing(u64, u64),
    Range(usize, usize),
    Trim { by_len: bool, at: usize, approximate: bool, limit: u64, keep_every: Option<u64> },
    Limit(u64),
    ReadOn(usize),
    Snapshot,
}

fn op() -> impl Strategy<Value = Op> {
    let size = prop_oneof![30 => 0..40usize, 4 => 100..3000usize, 1 => 4000..9000usize];
    let append = (0..4u64, 0..3u64, 0..6u8, prop::collection::vec(size, 1..4))
        .prop_map(|(ms, seq, names, sizes)| Op::Append { ms, seq, names, sizes });
    prop_oneof![
        120 => append,
        60 => any::<usize>().prop_map(Op::Remove),
        2 => (0..500u64, 0..5u64).prop_map(|(ms, seq)| Op::RemoveMissing(ms, seq)),
        5 => (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Op::Range(a, b)),
        3 => (any::<bool>(), 0..200usize, any::<bool>(), 0..40u64, prop::option::of(2..4u64))
            .prop_map(|(by_len, at, approximate, limit, keep_every)| {
                Op::Trim { by_len, at, approximate, limit, keep_every }
            }),
        2 => prop_oneof![Just(0), 1..20u64].prop_map(Op::Limit),
        8 => (0..20usize).prop_map(Op::ReadOn),
        1 => Just(Op::Snapshot),
    ]
}

/// A log and its model, and what else the operations carry along.
#[derive(Default)]
struct World {
    log: Log,
    model: Model,
    entries_max: u64,
    reader: StreamId,
    cursor: Cursor,
    snapshots: Vec<(Log, Model)>,
}

impl World {
    /// The id of the entry picked by `at`, or one that may not exist if there is none.
    fn pick(&self, at: usize) -> StreamId {
        let ids = &self.model.entries;
        ids.keys().nth(at % ids.len().max(1)).copied().unwrap_or(id(at as u64, 0))
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Append { ms, seq, names, sizes } => self.append(ms, seq, names, &sizes),
            Op::Remove(at) => self.remove(self.pick(at)),
            Op::RemoveMissing(ms, seq) => self.remove(id(ms, seq)),
            Op::Range(a, b) => self.range(self.pick(a), self.pick(b)),
            Op::Trim { by_len, at, approximate, limit, keep_every } => {
                let by = match by_len {
                    true => TrimBy::MaxLen(at as u64),
                    false => TrimBy::MinId(self.pick(at)),
                };
                self.trim(Trim { by, approximate, limit }, keep_every);
            }
            Op::Limit(entries_max) => self.entries_max = entries_max,
            Op::ReadOn(count) => self.read_on(count),
            Op::Snapshot => self.snapshots.push((self.log.clone(), self.model.clone())),
        }
    }

    fn append(&mut self, ms: u64, seq: u64, names: u8, sizes: &[usize]) {
        let last = self.model.last;
        let id = if ms == 0 { id(last.ms, last.seq + 1 + seq) } else { id(last.ms + ms, seq) };
        let mut fields = Vec::new();
        for (at, &size) in sizes.iter().enumerate() {
            // Mostly the same names, now and then others, or very long ones.
            let name = match names {
                0 => format!("other-{at}"),
                1 => "n".repeat(size.min(1300)),
                _ => format!("field-{at}"),
            };
            fields.push(name.into_bytes());
            fields.push(vec![b'a' + (id.ms % 26) as u8; size]);
        }
        let limits = NodeLimits { bytes_max: 0, entries_max: self.entries_max };
        self.log.append(id, &fields, limits).expect("it is small");
        self.model.append(id, fields, self.entries_max);
    }

    fn remove(&mut self, id: StreamId) {
        assert_eq!(self.log.contains(id), self.model.entries.contains_key(&id));
        assert_eq!(self.log.get(id).map(flat).map(|e| e.1), self.model.entries.get(&id).cloned());
        assert_eq!(self.log.remove(id), self.model.remove(id));
        assert!(!self.log.contains(id));
    }

    fn range(&self, a: StreamId, b: StreamId) {
        // One past an entry, so that bounds between entries are tried too.
        for (a, b) in [(a, b), (a.next().expect("ids are small"), b)] {
            let expected: Vec<_> =
                self.model.entries.keys().copied().filter(|&id| a <= id && id <= b).collect();
            let read: Vec<_> = self.log.range(a, b).map(|entry| entry.id()).collect();
            assert_eq!(read, expected);
            let mut back: Vec<_> = self.log.range_rev(a, b).map(|entry| entry.id()).collect();
            back.reverse();
            assert_eq!(back, expected);
        }
    }

    fn trim(&mut self, trim: Trim, keep_every: Option<u64>) {
        let Some(every) = keep_every else {
            let removed = self.log.trim(trim);
            assert_eq!(removed, self.model.trim(trim, false, &|_| false), "{trim:?}");
            return;
        };
        let mut asked = BTreeSet::new();
        let removed = self.log.trim_if(trim, |id| {
            assert!(asked.insert(id), "{id} was asked for twice");
            id.ms % every != 0
        });
        let expected = self.model.trim(trim, true, &|id| id.ms % every == 0);
        assert_eq!(removed, expected, "{trim:?} keeping every {every}");
    }

    fn read_on(&mut self, count: usize) {
        let mut range = self.log.after(self.reader, self.cursor);
        let expected: Vec<StreamId> =
            self.model.entries.keys().copied().filter(|&id| id > self.reader).take(count).collect();
        let read: Vec<StreamId> = range.by_ref().take(count).map(|entry| entry.id()).collect();
        assert_eq!(read, expected);
        if let Some(&last) = read.last() {
            self.reader = last;
            self.cursor = range.cursor().expect("an entry was read");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn does_what_a_plain_map_does(ops in prop::collection::vec(op(), 1..400)) {
        let mut world = World::default();
        for op in ops {
            world.apply(op);
        }
        world.model.check(&world.log);
        for (log, model) in &world.snapshots {
            model.check(log);
        }
    }
}

/// How many entries Redis 8.2 put into one node, for a limit in bytes.
#[test]
fn nodes_end_at_the_byte_where_redis_ends_them() {
    let x = |n: usize| "x".repeat(n);
    let values = [
        (String::new(), 20_000, 1828),
        ("a".into(), 20_000, 1676),
        (x(61), 20_000, 279),
        (x(63), 20_000, 271),
        (x(64), 20_000, 264),
        (x(125), 20_000, 146),
        (x(127), 20_000, 143),
        (x(4094), 300_000, 73),
        (x(4096), 300_000, 72),
        (x(16_380), 300_000, 18),
        ("0".into(), 20_000, 1828),
        ("-0".into(), 20_000, 1547),
        ("-1".into(), 20_000, 1676),
        ("127".into(), 20_000, 1828),
        ("128".into(), 20_000, 1676),
        ("-4096".into(), 20_000, 1676),
        ("-4097".into(), 20_000, 1547),
        ("4096".into(), 20_000, 1547),
        ("32768".into(), 20_000, 1436),
        ("-32769".into(), 20_000, 1436),
        ("8388607".into(), 20_000, 1436),
        ("8388608".into(), 20_000, 1341),
        ("2147483647".into(), 20_000, 1340),
        ("2147483648".into(), 20_000, 1058),
        ("9223372036854775807".into(), 20_000, 1058),
        ("9223372036854775808".into(), 20_000, 670),
        ("-9223372036854775808".into(), 20_000, 1058),
        ("-9223372036854775809".into(), 20_000, 648),
        ("007".into(), 20_000, 1437),
        ("+1".into(), 20_000, 1547),
    ];
    for (value, bytes_max, entries) in values {
        let fields = |_: u64| vec!["f".to_owned(), value.clone()];
        let counted = entries_in_first_node(bytes_max, fields, |i| id(i + 1, 0));
        assert_eq!(counted, entries, "{} bytes {value:.20}", value.len());
    }
    let names = |i: u64| vec![format!("f{i}"), "v".to_owned()];
    assert_eq!(entries_in_first_node(20_000, names, |i| id(i + 1, 0)), 1011);
    let alternating = |i: u64| match i % 2 {
        0 => vec!["f".to_owned(), "v".to_owned()],
        _ => ["f", "v", "g", "1000"].map(str::to_owned).to_vec(),
    };
    assert_eq!(entries_in_first_node(20_000, alternating, |i| id(i + 1, 0)), 1149);
    let one = |_: u64| vec!["f".to_owned(), "v".to_owned()];
    assert_eq!(entries_in_first_node(20_000, one, |i| id(1 + i * 100_000, 0)), 1338);
    assert_eq!(entries_in_first_node(20_000, one, |i| id(5, i * 7)), 1584);
    let seq_falls = |i: u64| id(5 + i, if i == 0 { 1000 } else { 0 });
    assert_eq!(entries_in_first_node(20_000, one, seq_falls), 1547);
}

fn entries_in_first_node(
    bytes_max: u64,
    fields: impl Fn(u64) -> Vec<String>,
    id: impl Fn(u64) -> StreamId,
) -> u64 {
    let mut log = Log::new();
    for i in 0.. {
        log.append(id(i), &fields(i), NodeLimits { bytes_max, entries_max: 0 }).expect("small");
        if log.node_count() == 2 {
            return i;
        }
    }
    unreachable!("every limit is reached")
}

#[test]
fn an_id_of_any_size_comes_back() {
    let ids = [
        id(0, 1),
        id(0, u64::MAX),
        id(1, 0),
        id(1, u64::MAX),
        id(u64::MAX - 1, 3),
        id(u64::MAX, 0),
        id(u64::MAX, u64::MAX),
    ];
    let mut log = Log::new();
    for id in ids {
        log.append(id, &["f", "v"], NO_LIMITS).expect("small");
    }
    let read = |range: Vec<Entry<'_>>| range.iter().map(|entry| entry.id()).collect::<Vec<_>>();
    assert_eq!(read(log.range(StreamId::MIN, StreamId::MAX).collect()), ids);
    assert_eq!(read(log.range(id(u64::MAX, u64::MAX), StreamId::MAX).collect()), &ids[6..]);
    assert_eq!(read(log.range_rev(StreamId::MIN, StreamId::MAX).take(1).collect()), &ids[6..]);
    assert_eq!(read(log.after(ids[5], Cursor::default()).collect()), &ids[6..]);
    assert_eq!(read(log.after(ids[6], Cursor::default()).collect()), &[]);
    let trim = Trim { by: TrimBy::MinId(StreamId::MAX), approximate: false, limit: 0 };
    assert_eq!(log.trim(trim), 6);
    assert_eq!(log.first_id(), Some(StreamId::MAX));
}

#[test]
fn reading_on_takes_no_search() {
    let mut log = Log::new();
    let mut cursor = Cursor::default();
    for i in 1..=1000 {
        log.append(id(i, 0), &["f", "v"], NodeLimits::default()).expect("small");
        let mut range = log.after(id(i - 1, 0), cursor);
        assert_eq!(range.next().map(|entry| entry.id()), Some(id(i, 0)));
        cursor = range.cursor().expect("an entry was read");
        let slot = (cursor.block - log.first_block) as usize;
        let block = &log.slots.get(slot).expect("the cursor's block is there").block;
        assert_eq!(block.id_at(cursor.index as usize), id(i, 0));
    }
    // The cursor stands when what is before it goes.
    log.trim(Trim { by: TrimBy::MaxLen(1), approximate: false, limit: 0 });
    log.append(id(1001, 0), &["f", "v"], NodeLimits::default()).expect("small");
    assert_eq!(log.after(id(1000, 0), cursor).count(), 1);
}

#[test]
fn a_shared_block_is_copied_before_it_changes() {
    let mut log = Log::new();
    for i in 1..=5000 {
        log.append(id(i, 0), &["f", "v"], NodeLimits::default()).expect("small");
    }
    let snapshot = log.clone();
    let shared = |log: &Log| {
        let pairs = log.slots.iter().zip(snapshot.slots.iter());
        pairs.filter(|(a, b)| Arc::ptr_eq(&a.block, &b.block)).count()
    };
    let blocks = log.slots.len();
    assert!(blocks > 1);
    assert_eq!(shared(&log), blocks);
    log.append(id(5001, 0), &["f", "v"], NodeLimits::default()).expect("small");
    assert_eq!(shared(&log), blocks - 1);
    log.remove(id(1, 0));
    assert_eq!(shared(&log), blocks - 2);
    assert_eq!((snapshot.len(), log.len()), (5000, 5000));
    assert_eq!(snapshot.first_id(), Some(id(1, 0)));
}

/// While a long log is written, what the serving side changes need not be copied for ever.
#[test]
fn what_is_written_is_let_go() {
    let mut log = Log::new();
    for i in 1..=20_000 {
        log.append(id(i, 0), &["f", "v"], NodeLimits::default()).expect("small");
    }
    let mut image = log.clone();
    let (mut place, mut written) = (image.first_place(), 0);
    while let Some(at) = place {
        place = image.put_piece(at, &mut Vec::new());
        written += usize::from(matches!(at, image::LogPlace::Block));
        let next = |log: &Log, at| log.slots.get(at).map(|slot| Arc::as_ptr(&slot.block));
        assert_eq!(next(&image, 0), next(&log, written));
    }
    assert_eq!((written, image.slots.len()), (log.slots.len(), 0));
    assert!(log.slots.iter().all(|slot| Arc::strong_count(&slot.block) == 1));
}

#[test]
fn removed_entries_give_their_memory_back() {
    let mut log = Log::new();
    for i in 1..=10_000 {
        log.append(id(i, 0), &["f", "twenty bytes of value"], NO_LIMITS).expect("small");
    }
    let full = log.memory_bytes();
    for i in (1..=10_000).filter(|i| i % 100 != 0) {
        assert!(log.remove(id(i, 0)));
    }
    assert_eq!(log.len(), 100);
    assert!(log.memory_bytes() < full / 5, "{} of {full}", log.memory_bytes());
}

#[test]
fn a_huge_entry_has_a_block_of_its_own() {
    let huge = vec![b'x'; 10 << 20];
    let mut log = Log::new();
    log.append(id(1, 0), &[&b"f"[..], b"v"], NodeLimits::default()).expect("small");
    log.append(id(2, 0), &[&b"f"[..], &huge], NodeLimits::default()).expect("within 1 GiB");
    log.append(id(3, 0), &[&b"f"[..], b"v"], NodeLimits::default()).expect("small");
    assert_eq!(log.get(id(2, 0)).map(|entry| entry.payload_bytes()), Some(huge.len() + 1));
    assert!(log.memory_bytes() > huge.len());
    assert!(log.remove(id(2, 0)));
    assert!(log.memory_bytes() < 10_000);
    assert_eq!(log.range(StreamId::MIN, StreamId::MAX).count(), 2);
}

#[test]
fn more_than_a_gibibyte_is_refused() {
    let huge = vec![0u8; 1 << 29];
    let fields = [&huge[..], &huge[..], &b"f"[..], &b""[..]];
    let mut log = Log::new();
    assert_eq!(log.append(id(1, 0), &fields, NO_LIMITS), Err(EntryTooLarge));
    assert!(log.is_empty());
}
