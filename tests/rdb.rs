//! DUMP payloads: what is written comes back, what is damaged is refused, and the forms that older
//! servers wrote are read. `FOREBAY_RDB_CASES` sets how many random cases are run.

mod support;

use std::sync::Arc;

use forebay::command::{self, Server, Session};
use forebay::config::Config;
use forebay::keyspace::{Clock, Keyspace, ManualClock, Options, Value};
use forebay::rdb::decode::Limits;
use forebay::rdb::payload;
use forebay::resp::text::write_request;
use forebay::types::set::SetLimits;
use forebay::types::stream::idmp::IdmpLimits;
use forebay::types::zset;
use support::commands::Generator;
use support::values::{PAYLOADS, SAMPLES, describe, with_footer};
use support::{START_MS, TestServer, effects};

const IDMP: IdmpLimits = IdmpLimits { duration_s: 100, per_producer_max: 100 };
const LIMITS: Limits = Limits {
    idmp: IDMP,
    set: SetLimits { integers_max: 512, packed_max: 128, packed_member_bytes_max: 64 },
    zset: zset::Limits { members_max: 128, member_bytes_max: 64 },
};

fn cases() -> u64 {
    std::env::var("FOREBAY_RDB_CASES").map_or(60, |text| text.parse().expect("a number"))
}

/// Every value that random commands make.
fn random_values(seed: u64) -> Vec<Value> {
    let clock = ManualClock::new(START_MS);
    let config = Config::from_lines("stream-node-max-entries 5\n").expect("the lines are valid");
    let keyspace = Keyspace::new(Options {
        databases: 3,
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        seed,
        sink: None,
    });
    let server = Arc::new(Server::new(Arc::new(keyspace), Arc::new(config)));
    let mut generator = Generator::new(seed);
    let mut session = Session::new(None);
    for _ in 0..400 {
        if generator.one_in(5) {
            clock.advance_ms(generator.below(40) as i64);
        }
        let args = generator.command();
        let args: Vec<&[u8]> = args.iter().map(Vec::as_slice).collect();
        // Redis's payload has no place for policies and schedules; neither may scripts make any.
        let queue_words = ["XCFGSET", "DELAY", "TTL", "XREDRIVE"];
        let says =
            |arg: &&[u8], word: &str| arg.windows(word.len()).any(|at| at == word.as_bytes());
        if args.iter().any(|arg| queue_words.iter().any(|word| says(arg, word))) {
            continue;
        }
        let now_ms = clock.now_ms();
        // Whoever would wait goes on with the next command.
        let flow = command::execute(&server, &mut session, &args, &mut Vec::new(), now_ms);
        if let command::Flow::Blocked(blocked) = flow {
            blocked.waiter.cancel();
            server.keyspace.leave(&blocked.waiter);
        }
    }
    let mut values = Vec::new();
    for db in 0..3 {
        for key in Generator::KEYS {
            let shards = server.keyspace.shard_of(key);
            let found = server.keyspace.run(shards, db, clock.now_ms(), |tx| tx.peek(key).cloned());
            values.extend(found);
        }
    }
    values
}

#[test]
fn what_is_written_comes_back() {
    let mut streams_in_newer_forms = 0;
    let random = (0..cases()).flat_map(random_values);
    for value in SAMPLES.iter().cloned().chain(random) {
        let written = payload::write(&value, IDMP);
        let read = payload::read(&written, LIMITS).expect("it was written here");
        assert_eq!(describe(&read), describe(&value));
        // A large set that has lost its long members is read as a small one.
        if read.encoding(0, false) == value.encoding(0, false) {
            assert_eq!(payload::write(&read, IDMP), written, "{}", describe(&value));
        }
        let version = written[written.len() - 10];
        assert!([11, 12, 13, 14].contains(&version));
        streams_in_newer_forms += u64::from(version > 11);
    }
    assert!(streams_in_newer_forms > 0, "idempotency and unowned entries were not met");
}

#[test]
fn large_values_come_back() {
    let mut list = forebay::types::list::List::new();
    let mut stream = forebay::types::stream::Stream::new(IDMP);
    for n in 0..3000u64 {
        let element = match n % 7 {
            0 => vec![b'x'; n as usize * 11],
            1 => n.to_string().into_bytes(),
            _ => format!("element {n} of a list").into_bytes(),
        };
        let end = forebay::types::list::Side::Right;
        list.push(end, &element);
        let fields =
            [b"name".as_slice(), &element, b"n", n.to_string().as_bytes()].map(<[u8]>::to_vec);
        let id = support::values::id(1_700_000_000_000 + n / 3, n);
        stream.append(id, &fields, Default::default()).expect("small");
    }
    let mut set = zset::Zset::new();
    for n in 0..3000 {
        set.insert(format!("member {n}").as_bytes(), f64::from(n % 100) / 7.0, LIMITS.zset);
    }
    for value in [Value::List(list), Value::Zset(set), Value::Stream(Box::new(stream))] {
        let written = payload::write(&value, IDMP);
        let read = payload::read(&written, LIMITS).expect("it was written here");
        assert!(describe(&read) == describe(&value));
    }
}

/// Reads a payload that may be anything: what is taken for a value has to be one.
fn read_damaged(payload: &[u8]) -> bool {
    let Ok(value) = payload::read(payload, LIMITS) else { return false };
    let written = payload::write(&value, IDMP);
    let again = payload::read(&written, LIMITS).expect("it was written here");
    assert_eq!(describe(&again), describe(&value));
    true
}

#[test]
fn every_truncation_and_every_flipped_bit_is_refused() {
    for whole in PAYLOADS.iter() {
        for len in 0..whole.len() {
            assert!(!read_damaged(&whole[..len]), "cut at {len}");
        }
        for bit in 0..whole.len() * 8 {
            let mut payload = whole.clone();
            payload[bit / 8] ^= 1 << (bit % 8);
            assert!(!read_damaged(&payload), "bit {bit}");
        }
    }
}

#[test]
fn damage_with_a_right_checksum_is_refused_or_a_whole_value() {
    for whole in PAYLOADS.iter() {
        let (body, footer) = whole.split_at(whole.len() - 10);
        let version = u16::from(footer[0]);
        for len in 0..body.len() {
            assert!(!read_damaged(&with_footer(&body[..len], version)), "cut at {len}");
        }
        let mut taken = 0;
        for bit in 0..body.len() * 8 {
            let mut body = body.to_vec();
            body[bit / 8] ^= 1 << (bit % 8);
            taken += usize::from(read_damaged(&with_footer(&body, version)));
        }
        assert!(taken < body.len() * 8 || body.len() < 3, "nothing was refused");
    }
}

#[test]
fn random_damage_never_panics() {
    let mut generator = Generator::new(cases());
    for _ in 0..cases() * 200 {
        let from = &PAYLOADS[generator.below(PAYLOADS.len() as u64) as usize];
        let mut body = from[..from.len() - 10].to_vec();
        for _ in 0..=generator.below(4) {
            let at = generator.below(body.len() as u64) as usize;
            match generator.below(5) {
                0 => body[at] = generator.below(256) as u8,
                1 => body.insert(at, generator.below(256) as u8),
                2 if body.len() > 1 => drop(body.remove(at)),
                // Lengths of eight bytes, and elements copied over others.
                3 => drop(
                    body.splice(at..at, [0x81, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
                ),
                _ => {
                    let with = &PAYLOADS[generator.below(PAYLOADS.len() as u64) as usize];
                    let start = generator.below(with.len() as u64) as usize;
                    let end = (start + 1 + generator.below(20) as usize).min(with.len());
                    body.splice(at..at, with[start..end].iter().copied());
                }
            }
        }
        read_damaged(&with_footer(&body, 14));
    }
}

/// Reads a value in the form of an older server.
fn read_old(body: &[u8], version: u16) -> String {
    let value = payload::read(&with_footer(body, version), LIMITS);
    describe(&value.unwrap_or_else(|refused| panic!("{refused:?}: {}", body.escape_ascii())))
}

#[test]
fn lists_of_older_servers() {
    // A ziplist of "a", 1, "bc", as Redis 6.2 keeps it.
    let ziplist = b"\x14\0\0\0\x0f\0\0\0\x03\0\0\x01a\x03\xf2\x02\x02bc\xff";
    assert_eq!(ziplist.len(), 0x14);
    let expected = "list [\"a\", \"1\", \"bc\"]";
    assert_eq!(read_old(&[b"\x0a\x14", ziplist.as_slice()].concat(), 9), expected);
    assert_eq!(read_old(b"\x01\x03\x01a\xc0\x01\x02bc", 6), expected);
    let twice = [b"\x0e\x02\x14", ziplist.as_slice(), b"\x14", ziplist].concat();
    let read = read_old(&twice, 9);
    assert_eq!(read, "list [\"a\", \"1\", \"bc\", \"a\", \"1\", \"bc\"]");
}

#[test]
fn hashes_of_every_form() {
    let far = START_MS + 5;
    let plain = "hash a: 1 until 9223372036854775807\nhash b: xy until 9223372036854775807";
    let timed = format!("hash a: 1 until 9223372036854775807\nhash b: xy until {far}");
    assert_eq!(read_old(b"\x04\x02\x01a\xc0\x01\x01b\x02xy", 6), plain);
    assert_eq!(read_old(b"\x09\x0d\x02\x01a\x01\x001\x01b\x02\x00xy\xff", 2), plain);
    let ziplist = b"\x17\0\0\0\x12\0\0\0\x04\0\0\x01a\x03\xf2\x02\x01b\x03\x02xy\xff";
    assert_eq!(ziplist.len(), 0x17);
    assert_eq!(read_old(&[b"\x0d\x17", ziplist.as_slice()].concat(), 9), plain);
    let listpack = b"\x13\0\0\0\x04\0\x81a\x02\x01\x01\x81b\x02\x82xy\x03\xff";
    assert_eq!(listpack.len(), 0x13);
    assert_eq!(read_old(&[b"\x10\x13", listpack.as_slice()].concat(), 10), plain);

    let deadline = far.to_le_bytes();
    let integer = [b"\xf4", deadline.as_slice(), b"\x09"].concat();
    let fields = [b"\x81b\x02\x82xy\x03", integer.as_slice(), b"\x81a\x02\x01\x01\0\x01"].concat();
    let len = fields.len() as u8 + 7;
    let packed = [&[len, len, 0, 0, 0, 6, 0], fields.as_slice(), b"\xff"].concat();
    assert_eq!(read_old(&[b"\x19", deadline.as_slice(), &packed].concat(), 12), timed);
    assert_eq!(read_old(&[b"\x17", packed.as_slice()].concat(), 12), timed);
    let metadata = [b"\x18", deadline.as_slice(), b"\x02\0\x01a\xc0\x01\x01\x01b\x02xy"].concat();
    assert_eq!(read_old(&metadata, 12), timed);
    let wide = [b"\x81", (far as u64).to_be_bytes().as_slice()].concat();
    let pre_ga = [b"\x16\x02\0\x01a\xc0\x01", wide.as_slice(), b"\x01b\x02xy"].concat();
    assert_eq!(read_old(&pre_ga, 12), timed);
    let never = (-1i64).to_le_bytes();
    let valkey = [b"\x16\x02\x01a\xc0\x01", never.as_slice(), b"\x01b\x02xy", &deadline].concat();
    assert_eq!(read_old(&valkey, 80), timed);

    let twice = b"\x04\x02\x01a\xc0\x01\x01a\x02xy";
    assert!(payload::read(&with_footer(twice, 11), LIMITS).is_err());
}

/// A stream of one node with the entries 1-1 (f: v) and 1-3 (f: w) and one deleted between them.
const OLD_NODE: &[u8] = b"\x2e\0\0\0\x14\0\x02\x01\x01\x01\x01\x01\x81f\x02\0\x01\
    \x02\x01\0\x01\0\x01\x81v\x02\x04\x01\
    \x03\x01\0\x01\x01\x01\x81x\x02\x04\x01\
    \x02\x01\0\x01\x02\x01\x81w\x02\x04\x01\xff";

#[test]
fn streams_of_older_servers() {
    let mut node = OLD_NODE.to_vec();
    node[0] = node.len() as u8;
    let first = (1u128 << 64 | 1).to_be_bytes();
    let head = [b"\x01\x10", first.as_slice(), &[node.len() as u8], &node].concat();
    let time = START_MS.to_le_bytes();
    let pending = [first.as_slice(), &time, b"\x02"].concat();
    let group = |entries_read: &[u8], times: &[u8]| {
        let start: &[u8] = b"\x01g\x01\x03";
        [start, entries_read, b"\x01", &pending, b"\x01\x05alice", times, b"\x01", &first].concat()
    };
    let v1 = [b"\x0f", head.as_slice(), b"\x02\x01\x03\x01", &group(b"", &time)].concat();
    let metadata = b"\x02\x01\x03\x01\x01\x01\x02\x03\x01";
    let v2 = [b"\x13", head.as_slice(), metadata, &group(b"\x03", &time)].concat();
    let times = [time, (-1i64).to_le_bytes()].concat();
    let v3 = [b"\x15", head.as_slice(), metadata, &group(b"\x03", &times)].concat();
    let entries = "1-1 f: v\n1-3 f: w\n";
    for (body, version, max_deleted, added, active) in [
        (v1, 9, "0-0", 2, "Some(1700000000000)"),
        (v2, 10, "1-2", 3, "Some(1700000000000)"),
        (v3, 11, "1-2", 3, "None"),
    ] {
        let read = read_old(&body, version);
        assert!(read.contains(&format!("entries_added: {added}")), "{read}");
        assert!(read.contains(&format!("max_deleted_id: {max_deleted}")), "{read}");
        assert!(read.contains(&format!("group g at 1-3 read Some({added}), 1 pending")), "{read}");
        assert!(read.contains(&format!("consumer alice 1700000000000 {active} 1")), "{read}");
        assert!(read.contains("pending 1-1 alice 1700000000000 2"), "{read}");
        assert!(read.contains(entries), "{read}");
    }
}

fn arguments(words: &[&[u8]]) -> Vec<u8> {
    let mut request = Vec::new();
    write_request(&mut request, words);
    request
}

#[test]
fn restore_answers_as_redis() {
    let server = TestServer::manual();
    let mut client = server.raw();
    let payload = payload::write(&SAMPLES[0], IDMP);
    let foreign = with_footer(b"\x06\x01\x01a", 11);
    let newer = with_footer(&payload[..payload.len() - 10], 15);
    let mut damaged = payload.clone();
    damaged[2] ^= 1;
    let busy = "-BUSYKEY Target key name already exists.";
    let footer = "-ERR DUMP payload version or checksum are wrong";
    let syntax = "-ERR syntax error";
    let integer = "-ERR value is not an integer or out of range";
    let bad = "-ERR Bad data format";
    let frequency = "-ERR Invalid FREQ value, must be >= 0 and <= 255";
    for (key, ttl, payload, options, expected) in [
        ("b", "0", &payload[..], "", "+OK"),
        ("b", "0", &payload, "", busy),
        ("b", "-1", &payload, "", busy),
        ("b", "x", b"xx", "", busy),
        ("b", "0", b"xx", "REPLACE", footer),
        ("b", "-1", b"xx", "REPLACE", "-ERR Invalid TTL value, must be >= 0"),
        ("c", "x", b"xx", "", integer),
        ("c", "0", b"", "", footer),
        ("c", "0", &damaged, "", footer),
        ("c", "0", &newer, "", footer),
        ("c", "0", &foreign, "", bad),
        ("c", "0", &with_footer(b"\x00\x05ab", 11), "", bad),
        ("c", "0", &with_footer(b"\x12\x00", 11), "", bad),
        ("c", "0", &with_footer(b"", 11), "", bad),
        ("c", "0", &with_footer(&payload[..payload.len() - 10], 80), "", "+OK"),
        ("c", "0", &payload, "IDLETIME -1", "-ERR Invalid IDLETIME value, must be >= 0"),
        ("c", "0", &payload, "IDLETIME x", integer),
        ("c", "0", &payload, "IDLETIME", syntax),
        ("c", "0", &payload, "FREQ", syntax),
        ("c", "0", &payload, "IDLETIME 1 FREQ 1", syntax),
        ("c", "0", &payload, "FREQ 1 IDLETIME 1", syntax),
        ("c", "0", &payload, "FREQ 256", frequency),
        ("c", "0", &payload, "FREQ -1", frequency),
        ("c", "0", &payload, "FREQ x", integer),
        ("c", "0", &payload, "FOO", syntax),
        ("c", "0", &payload, "FREQ 10 freq 3 replace", "+OK"),
        ("c", "0", &payload, "REPLACE IDLETIME 10 IDLETIME 20", "+OK"),
    ] {
        let words = [b"RESTORE", key.as_bytes(), ttl.as_bytes(), payload];
        let options = options.split_whitespace().map(str::as_bytes);
        let words: Vec<&[u8]> = words.into_iter().chain(options).collect();
        client.send(&arguments(&words));
        assert_eq!(client.reply(), expected, "{key} {ttl} {:?}", &words[4..]);
    }
    assert_eq!(client.ask("OBJECT IDLETIME c"), ":20");
    assert_eq!(client.ask("PTTL c"), ":-1");
    assert_eq!(client.ask("DUMP none"), "$-1");
    assert_eq!(client.ask("DUMP"), "-ERR wrong number of arguments for 'dump' command");
    assert_eq!(client.ask("RESTORE a 0"), "-ERR wrong number of arguments for 'restore' command");
}

#[test]
fn deadlines_of_restored_keys() {
    let server = TestServer::manual();
    let mut client = server.raw();
    let payload = payload::write(&SAMPLES[0], IDMP);
    let past = (START_MS - 1).to_string();
    let later = (START_MS + 5000).to_string();
    for (ttl, options, pttl) in [
        ("0", "REPLACE", ":-1"),
        ("1000", "REPLACE", ":1000"),
        (&*later, "REPLACE ABSTTL", ":5000"),
        ("0", "REPLACE ABSTTL", ":-1"),
        (&*past, "REPLACE ABSTTL", ":-2"),
        (&*past, "ABSTTL", ":-2"),
        ("9223372036854775807", "REPLACE", ":-2"),
        ("9223372036854775807", "REPLACE ABSTTL", ":9223370336854775806"),
    ] {
        let words = [b"RESTORE".as_slice(), b"c", ttl.as_bytes(), &payload];
        let options = options.split_whitespace().map(str::as_bytes);
        client.send(&arguments(&words.into_iter().chain(options).collect::<Vec<_>>()));
        assert_eq!(client.reply(), "+OK", "{ttl}");
        assert_eq!(client.ask("PTTL c"), pttl, "{ttl}");
    }
}

#[test]
fn effects_of_restore_say_when_not_how_long() {
    let server = TestServer::manual();
    let mut client = server.raw();
    let payload = payload::write(&SAMPLES[1], IDMP);
    client.send(&arguments(&[b"RESTORE", b"k", b"1000", &payload, b"IDLETIME", b"7"]));
    assert_eq!(client.reply(), "+OK");
    let recorded = effects(&server);
    assert_eq!(recorded.len(), 1);
    let start = format!("RESTORE k {} ", START_MS + 1000);
    assert!(recorded[0].starts_with(&start), "{recorded:?}");
    assert!(recorded[0].ends_with(" ABSTTL REPLACE"), "{recorded:?}");
    let words = [b"RESTORE".as_slice(), b"k", b"1", &payload, b"ABSTTL", b"REPLACE"];
    client.send(&arguments(&words));
    assert_eq!(client.reply(), "+OK");
    assert_eq!(effects(&server), ["DEL k"]);
}

#[test]
fn a_stream_remembers_by_the_settings_where_its_payload_does_not_say() {
    let server = TestServer::configured("stream-idmp-duration 200\n");
    let mut client = server.raw();
    assert_eq!(client.ask("XADD s 1-1 f v"), "$3 1-1");
    effects(&server);
    client.command("DUMP s");
    let reply = client.reply();
    let plain = payload::write(&SAMPLES[7], IDMP);
    assert!(reply.starts_with("$"), "{reply}");
    client.send(&arguments(&[b"RESTORE", b"t", b"0", &plain]));
    assert_eq!(client.reply(), "+OK");
    let recorded = effects(&server).join("; ");
    assert!(recorded.ends_with("XCFGSET t IDMP-DURATION 200 IDMP-MAXSIZE 100"), "{recorded}");
    // One that says so keeps what it says.
    let told = payload::write(&SAMPLES[10], IDMP);
    client.send(&arguments(&[b"RESTORE", b"u", b"0", &told]));
    assert_eq!(client.reply(), "+OK");
    let recorded = effects(&server).join("; ");
    assert!(recorded.ends_with("ABSTTL REPLACE"), "{recorded}");
}

#[test]
fn a_list_of_several_nodes_is_long() {
    let encoding = |body: &[u8]| {
        let value = payload::read(&with_footer(body, 11), LIMITS).expect("a list");
        value.encoding(0, false)
    };
    let node = b"\x0c\x0c\0\0\0\x02\0\x81x\x02\x05\x01\xff";
    assert_eq!(encoding(&[b"\x12\x01\x02", node.as_slice()].concat()), "listpack");
    let two = [b"\x12\x02\x02", node.as_slice(), b"\x02", node].concat();
    assert_eq!(encoding(&two), "quicklist");
    assert_eq!(encoding(b"\x12\x01\x01\x01x"), "quicklist");
    assert_eq!(encoding(b"\x01\x01\x01x"), "listpack");
}

#[test]
fn streams_of_newer_servers() {
    // Built byte by byte from the layout, not by the writer that is tested here.
    let read = read_old(include_bytes!("fuzz/cases/restore/idempotency"), 13);
    let remembered = "IdmpLimits { duration_s: 100, per_producer_max: 100 } 2 1\n";
    assert!(read.contains(remembered), "{read}");
    assert!(read.contains("3 pending, 0 unowned"), "{read}");
    assert!(read.ends_with("[([112], [105], 5-1), ([112], [106], 6-1)]"), "{read}");
    let read = read_old(include_bytes!("fuzz/cases/restore/unowned"), 14);
    assert!(read.contains("3 pending, 3 unowned"), "{read}");
    assert!(read.contains("consumer alice 1700000000000 None 0"), "{read}");
    assert!(read.contains("released [6-1, 5-1, 5-2]"), "{read}");
}
