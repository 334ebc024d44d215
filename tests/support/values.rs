//! Values to write and read again, and what is in them as text.

use std::ops::ControlFlow;
use std::sync::LazyLock;

use forebay::keyspace::Value;
use forebay::rdb::{crc64, payload};
use forebay::types::hash::{Field, Hash, Limits};
use forebay::types::list::{List, Side};
use forebay::types::set::{Set, SetLimits};
use forebay::types::stream::group::Group;
use forebay::types::stream::idmp::IdmpLimits;
use forebay::types::stream::log::NodeLimits;
use forebay::types::stream::pending::{Filter, Owner};
use forebay::types::stream::{RefPolicy, Stream, StreamId};
use forebay::types::string::StringValue;
use forebay::types::zset::{self, Zset};

use super::START_MS;

pub fn id(ms: u64, seq: u64) -> StreamId {
    StreamId { ms, seq }
}

/// Small values of each type and form.
pub static SAMPLES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let mut list = List::new();
    for element in [b"x".as_slice(), b"", b"10", b"-70000"] {
        list.push(Side::Right, element);
    }
    let many: Vec<String> = (0..130).map(|n| format!("m{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let sets: [&[&str]; 5] =
        [&["-5", "7", "300"], &["100000"], &["5000000000", "-1"], &["x", "", "7"], &many];
    let sets = sets.map(|members| {
        let mut set = Set::new();
        for member in members {
            set.insert(member.as_bytes(), &SetLimits::default());
        }
        Value::Set(set)
    });
    let packed: &mut [(&[u8], f64)] =
        &mut [(b"a", 1.0), (b"b", -2.5), (b"", f64::INFINITY), (b"12", 1e20), (b"z", 1.0)];
    let small = Zset::from_members(packed, zset::Limits::default());
    let long = [b'm'; 65];
    let large: &mut [(&[u8], f64)] = &mut [(&long, 0.1), (b"b", -0.0), (b"c", -7.0)];
    let large = Zset::from_members(large, zset::Limits::default());
    let plain = Stream::new(IdmpLimits::default());
    let busy = busy_stream();
    let mut unowned = busy.clone();
    let (group, _) = unowned.group_mut(b"g").expect("the stream has it");
    group.release(id(3, 1), 1);
    group.release(id(2, 1), 7);
    let mut idempotent = busy.clone();
    let now_ms = START_MS as u64;
    idempotent.idmp_mut().set_limits(IdmpLimits { duration_s: 2, per_producer_max: 2 });
    idempotent.idmp_mut().remember(b"p", b"i", id(now_ms, 0), now_ms);
    idempotent.idmp_mut().remember(b"p", b"j", id(now_ms, 1), now_ms);
    idempotent.idmp_mut().note_duplicate();
    let streams = [plain, busy, unowned, idempotent].map(|one| Value::Stream(Box::new(one)));
    let texts = [b"dumped".as_slice(), b"", b"-5", b"1000", b"2000000000", &[b'a'; 60]];
    let strings = texts.map(|text| Value::String(StringValue::new(text)));
    let zsets = [small, large].map(Value::Zset);
    let hashes = hashes().map(Value::Hash);
    let values = strings.into_iter().chain([Value::List(list)]).chain(streams);
    values.chain(sets).chain(zsets).chain(hashes).collect()
});

/// Small and large, with deadlines and without.
fn hashes() -> [Hash; 4] {
    let limits = Limits { fields_max: 3, ..Limits::default() };
    let mut small = Hash::new();
    for (name, value) in [(b"f".as_slice(), b"v".as_slice()), (b"", b"10"), (b"7", b"")] {
        small.set(name, Field::new(value), &limits);
    }
    let mut large = small.clone();
    large.set(b"g", Field::new(&[b'x'; 70]), &limits);
    let [mut small_timed, mut large_timed] = [small.clone(), large.clone()];
    for (hash, later_ms) in [(&mut small_timed, 50), (&mut large_timed, 70)] {
        hash.set_deadline(b"f", START_MS + later_ms);
        hash.set_deadline(b"7", START_MS + 10);
    }
    [small, large, small_timed, large_timed]
}

/// Entries in three nodes, two of them deleted, and a group with pending entries.
fn busy_stream() -> Stream {
    let mut stream = Stream::new(IdmpLimits::default());
    let limits = NodeLimits { bytes_max: 0, entries_max: 3 };
    for ms in 1..9 {
        let fields: &[&str] = if ms % 3 == 0 { &["f", "v", "g", "7"] } else { &["f", "12"] };
        stream.append(id(ms, 1), fields, limits).expect("small");
    }
    stream.delete(id(2, 1), RefPolicy::KeepRef);
    stream.delete(id(5, 1), RefPolicy::KeepRef);
    let mut group = Group::new(id(5, 1), Some(5));
    let alice = group.create_consumer(b"alice", START_MS as u64).expect("a new name");
    let bob = group.create_consumer(b"bob", START_MS as u64 + 9).expect("a new name");
    group.note_active(alice, START_MS as u64 + 1);
    group.assign(id(2, 1), alice, START_MS as u64, 1);
    group.assign(id(4, 1), bob, START_MS as u64 + 5, 2);
    stream.add_group(b"g", group);
    stream.add_group(b"", Group::new(StreamId::MIN, None));
    stream
}

/// The samples as payloads.
pub static PAYLOADS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    SAMPLES.iter().map(|value| payload::write(value, IdmpLimits::default())).collect()
});

/// A payload of these bytes, type first, with the footer of a version.
pub fn with_footer(body: &[u8], version: u16) -> Vec<u8> {
    let mut payload = [body, &version.to_le_bytes()].concat();
    let checksum = crc64::checksum(&payload);
    payload.extend_from_slice(&checksum.to_le_bytes());
    payload
}

/// All that is in a value, one thing a line, but for what no payload tells: how a string or a list
/// is kept, which sign a zero has, and where deleted entries of a stream lie.
pub fn describe(value: &Value) -> String {
    match value {
        Value::String(string) => format!("string {}", string.text().escape_ascii()),
        Value::List(list) => format!("list {list:?}"),
        Value::Set(set) => {
            let mut members: Vec<_> = set.iter().map(|member| member.to_vec()).collect();
            members.sort();
            let members: Vec<_> =
                members.iter().map(|member| member.escape_ascii().to_string()).collect();
            format!("set {}", members.join(" "))
        }
        Value::Zset(set) => {
            // A large set has negative zeros, and may be small enough to be read as one that has none.
            let members = set.iter().map(|(member, score)| (member.escape_ascii(), score + 0.0));
            format!(
                "zset {:?}",
                members.map(|(m, score)| format!("{m} {score}")).collect::<Vec<_>>()
            )
        }
        Value::Hash(hash) => describe_hash(hash),
        Value::Stream(stream) => describe_stream(stream).join("\n"),
    }
}

/// Fields stand in no order.
fn describe_hash(hash: &Hash) -> String {
    let line = |(name, field): (&[u8], Field<'_>)| {
        let (name, value) = (name.escape_ascii(), field.value.escape_ascii());
        format!("hash {name}: {value} until {}", field.expire_at_ms)
    };
    let mut lines: Vec<String> = hash.iter().map(line).collect();
    lines.sort();
    lines.join("\n")
}

fn describe_stream(stream: &Stream) -> Vec<String> {
    let mut lines = vec![format!("{:?}, {} nodes", stream.extent(), stream.log().node_count())];
    let all = stream.log().range(StreamId::MIN, StreamId::MAX);
    lines.extend(all.map(|entry| {
        let fields = entry.fields();
        let pairs = fields.map(|(n, v)| format!(" {}: {}", n.escape_ascii(), v.escape_ascii()));
        format!("{}{}", entry.id(), pairs.collect::<String>())
    }));
    for (name, group) in stream.groups() {
        let entries_read = group.entries_read();
        lines.push(format!(
            "group {} at {} read {entries_read:?}, {} pending, {} unowned",
            name.escape_ascii(),
            group.last_delivered_id(),
            group.pending().len(),
            group.unowned_count(),
        ));
        for consumer in group.consumers_by_name() {
            let (seen, active) = (consumer.seen_ms(), consumer.active_ms());
            let name = consumer.name().escape_ascii();
            lines.push(format!("consumer {name} {seen} {active:?} {}", consumer.pending()));
        }
        let _: Option<()> = group.scan(StreamId::MIN, Filter::default(), |record| {
            let owner = match record.owner.consumer_number() {
                Some(_) => group.owner_name(record.owner).escape_ascii().to_string(),
                None => format!("{:?}", record.owner),
            };
            let time = if record.owner == Owner::RELEASED { 0 } else { record.time };
            lines.push(format!("pending {} {owner} {time} {}", record.id, record.count));
            ControlFlow::Continue(())
        });
        let released: Vec<_> = group.pending().released().map(|record| record.id).collect();
        lines.push(format!("released {released:?}"));
    }
    let idmp = stream.idmp();
    lines.push(format!("{:?} {} {}", idmp.limits(), idmp.added(), idmp.duplicates()));
    let mut remembered: Vec<_> = idmp.iter(0).collect();
    remembered.sort();
    lines.push(format!("{remembered:?}"));
    lines
}
