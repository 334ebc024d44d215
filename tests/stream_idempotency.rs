//! Idempotent adding, and what the commands on streams leave as effects.

mod support;

use forebay::command::replay::replay;
use support::{Raw, TestServer};

fn check(client: &mut Raw, story: &[(&str, &str)]) {
    for (at, (request, reply)) in story.iter().enumerate() {
        assert_eq!(client.ask(request), *reply, "step {at}: {request}");
    }
}

/// The idempotency part of XINFO STREAM: duration, maxsize, producers, ids, added, duplicates.
fn idmp(client: &mut Raw, key: &str) -> Vec<i64> {
    let info = client.ask(&format!("XINFO STREAM {key}"));
    let words: Vec<&str> = info.split(' ').collect();
    let start = words.iter().position(|word| *word == "idmp-duration").expect("it is shown");
    let values = words[start..].iter().filter_map(|word| word.strip_prefix(':'));
    values.take(6).map(|value| value.parse().expect("a number")).collect()
}

#[test]
fn the_same_message_is_added_once() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XADD s IDMP p 1 * f v", "$15 1700000000000-0"),
            ("XADD s IDMP p 1 * f other", "$15 1700000000000-0"),
            ("XADD s IDMP p 2 * f v", "$15 1700000000000-1"),
            ("XADD s IDMP q 1 * f v", "$15 1700000000000-2"),
            ("XADD s MAXLEN ~ 100 idmp q 1 KEEPREF * f v", "$15 1700000000000-2"),
            ("XADD s IDMP p 1 NOMKSTREAM * f v", "$15 1700000000000-0"),
            ("XLEN s", ":3"),
        ],
    );
    assert_eq!(idmp(&mut client, "s"), [100, 100, 2, 3, 3, 3]);
    // The answer stays the same when the entry is gone.
    check(&mut client, &[("XDEL s 1700000000000-0", ":1")]);
    check(&mut client, &[("XADD s IDMP p 1 * f v", "$15 1700000000000-0"), ("XLEN s", ":2")]);
    check(&mut client, &[("XADD none NOMKSTREAM IDMP p 1 * f v", "$-1"), ("EXISTS none", ":0")]);
}

#[test]
fn idmpauto_knows_a_message_by_its_content() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XADD s IDMPAUTO p * a 1 b 2", "$15 1700000000000-0"),
            ("XADD s IDMPAUTO p * a 1 b 2", "$15 1700000000000-0"),
            ("XADD s IDMPAUTO p * b 2 a 1", "$15 1700000000000-0"),
            ("XADD s IDMPAUTO p * a 2 b 1", "$15 1700000000000-1"),
            ("XADD s IDMPAUTO q * a 1 b 2", "$15 1700000000000-2"),
            ("XADD s IDMPAUTO p * a \"\"", "$15 1700000000000-3"),
            ("XADD s IDMPAUTO p * a \"\"", "$15 1700000000000-3"),
        ],
    );
    assert_eq!(idmp(&mut client, "s"), [100, 100, 2, 4, 4, 3]);
}

#[test]
fn ids_are_forgotten_after_their_time_and_beyond_their_number() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XADD s * f v", "$15 1700000000000-0"),
            ("XCFGSET s IDMP-DURATION 1 IDMP-MAXSIZE 2", "+OK"),
            ("XADD s IDMP p 1 * f v", "$15 1700000000000-1"),
            ("XADD s IDMP p 2 * f v", "$15 1700000000000-2"),
            ("XADD s IDMP p 3 * f v", "$15 1700000000000-3"),
            ("XADD s IDMP p 3 * f v", "$15 1700000000000-3"),
            ("XADD s IDMP p 2 * f v", "$15 1700000000000-2"),
            // 1 had to go for 3, and comes in place of 2.
            ("XADD s IDMP p 1 * f v", "$15 1700000000000-4"),
        ],
    );
    assert_eq!(idmp(&mut client, "s"), [1, 2, 1, 2, 4, 2]);
    server.advance_ms(999);
    check(&mut client, &[("XADD s IDMP p 1 * f v", "$15 1700000000000-4")]);
    server.advance_ms(1);
    assert_eq!(idmp(&mut client, "s"), [1, 2, 0, 0, 4, 3]);
    check(&mut client, &[("XADD s IDMP p 1 * f v", "$15 1700000001000-0")]);
}

#[test]
fn idmp_refuses() {
    let server = TestServer::start();
    let mut client = server.raw();
    let twice = "-ERR IDMP/IDMPAUTO specified multiple times";
    let not_auto = "-ERR IDMP/IDMPAUTO can be used only with auto-generated IDs";
    let not_an_id = "-ERR Invalid stream ID specified as stream command argument";
    check(
        &mut client,
        &[
            ("XADD s IDMP p * f v", not_an_id),
            ("XADD s IDMP p i 1-1 f v", not_auto),
            ("XADD s IDMPAUTO p 1-* f v", not_auto),
            ("XADD s IDMP p i IDMP q j * f v", twice),
            ("XADD s IDMPAUTO p IDMP q j * f v", twice),
            ("XADD s IDMP p i IDMPAUTO q * f v", twice),
            ("XADD s IDMP \"\" i * f v", "-ERR IDMP requires a non-empty producer ID"),
            ("XADD s IDMP p \"\" * f v", "-ERR IDMP requires a non-empty idempotent ID"),
            ("XADD s IDMPAUTO \"\" * f v", "-ERR IDMPAUTO requires a non-empty producer ID"),
            ("EXISTS s", ":0"),
        ],
    );
}

#[test]
fn xcfgset() {
    let server = TestServer::manual();
    let mut client = server.raw();
    let not_integer = "-ERR value is not an integer or out of range";
    let duration = "-ERR IDMP-DURATION must be between 1 and 86400 seconds";
    let maxsize = "-ERR IDMP-MAXSIZE must be between 1 and 10000 entries";
    check(
        &mut client,
        &[
            ("XCFGSET s IDMP-DURATION 5", "-ERR no such key"),
            ("XADD s IDMP p i * f v", "$15 1700000000000-0"),
            ("XCFGSET s", "-ERR At least one parameter must be specified"),
            ("XCFGSET s IDMP-DURATION", "-ERR syntax error"),
            ("XCFGSET s FOO", "-ERR syntax error"),
            ("XCFGSET s FOO 1", "-ERR syntax error"),
            ("XCFGSET s IDMP-DURATION 5 IDMP-MAXSIZE", "-ERR syntax error"),
            ("XCFGSET s IDMP-DURATION x", not_integer),
            ("XCFGSET s IDMP-MAXSIZE 3.14", not_integer),
            ("XCFGSET s IDMP-MAXSIZE 000", not_integer),
            ("XCFGSET s IDMP-DURATION x IDMP-MAXSIZE", not_integer),
            ("XCFGSET s IDMP-DURATION 0", duration),
            ("XCFGSET s IDMP-DURATION -1", duration),
            ("XCFGSET s IDMP-DURATION 86401", duration),
            ("XCFGSET s IDMP-MAXSIZE 0", maxsize),
            ("XCFGSET s IDMP-MAXSIZE 10001", maxsize),
            ("XCFGSET s IDMP-DURATION 5 IDMP-MAXSIZE 10001", maxsize),
        ],
    );
    assert_eq!(idmp(&mut client, "s"), [100, 100, 1, 1, 1, 0]);
    check(&mut client, &[("XCFGSET s IDMP-DURATION 100 idmp-maxsize 100", "+OK")]);
    assert_eq!(idmp(&mut client, "s"), [100, 100, 1, 1, 1, 0]);
    check(&mut client, &[("XCFGSET s idmp-duration 86400 IDMP-MAXSIZE 10000", "+OK")]);
    assert_eq!(idmp(&mut client, "s"), [86_400, 10_000, 0, 0, 1, 0]);
    let wrong_type = "-WRONGTYPE Operation against a key holding the wrong kind of value";
    check(&mut client, &[("SET str x", "+OK"), ("XCFGSET str IDMP-DURATION 5", wrong_type)]);
}

#[test]
fn xidmprecord() {
    let server = TestServer::manual();
    let mut client = server.raw();
    let no_entry = "-ERR The specified stream ID was deleted or doesn't exist";
    let other =
        "-ERR The specified IDMP producer-id/idempotent-id pair maps to a different stream ID";
    check(
        &mut client,
        &[
            ("XIDMPRECORD s p i 1-1", "-ERR no such key"),
            ("XADD s 1700000000000-1 f v", "$15 1700000000000-1"),
            ("XADD s 1700000000000-2 f v", "$15 1700000000000-2"),
            ("XIDMPRECORD s p i 1700000000000-1", "+OK"),
            ("XIDMPRECORD s p i 1700000000000-1", "+OK"),
            ("XIDMPRECORD s p i 1700000000000-2", other),
            ("XIDMPRECORD s p j 5-5", no_entry),
            ("XIDMPRECORD s \"\" j 5-5", "-ERR IDMP requires a non-empty producer ID"),
            ("XIDMPRECORD s p \"\" 5-5", "-ERR IDMP requires a non-empty idempotent ID"),
            ("XIDMPRECORD s p j x", "-ERR Invalid stream ID specified as stream command argument"),
            ("XADD s IDMP p i * f v", "$15 1700000000000-1"),
        ],
    );
    assert_eq!(idmp(&mut client, "s"), [100, 100, 1, 1, 0, 1]);
}

/// The effects recorded since the last call, each as its words.
fn effects(server: &TestServer) -> Vec<String> {
    let shown = |bytes: Vec<u8>| {
        let text = String::from_utf8(bytes).expect("the effects of these tests are text");
        let words = text.split("\r\n").filter(|word| !word.starts_with('$') && !word.is_empty());
        let line = words.map(|word| if word.starts_with('*') { "\n" } else { word });
        line.collect::<Vec<_>>().join(" ").trim().replace(" \n ", "; ")
    };
    server.sink.drain().into_iter().map(|frame| shown(frame.effects)).collect()
}

#[test]
fn effects_say_what_came_of_a_command() {
    let server = TestServer::manual();
    let mut client = server.raw();
    client.ask("CONFIG SET stream-node-max-entries 2");
    effects(&server);
    for (request, effect) in [
        ("XADD s * f v", &["XADD s 1700000000000-0 f v"][..]),
        ("XADD s 1700000000000-* f v g w", &["XADD s 1700000000000-1 f v g w"]),
        ("XADD s IDMP p i * f v", &["XADD s IDMP p i 1700000000000-2 f v"]),
        ("XADD s IDMP p i * f v", &["XIDMPCOUNT s 1 1"]),
        ("XADD s MAXLEN ~ 2 * f v", &["XADD s MINID = 1700000000000-2 1700000000000-3 f v"]),
        ("XADD s MAXLEN ~ 2 1700000000009 f v", &["XADD s 1700000000009-0 f v"]),
        ("XADD s 1 f v", &[]),
        ("XADD none NOMKSTREAM 1 f v", &[]),
        ("XTRIM s MAXLEN 5", &[]),
        ("XTRIM s MAXLEN = 2 DELREF", &["XTRIM s MINID = 1700000000000-3 DELREF"]),
        ("XDEL s 5 1700000000009 5", &["XDEL s 1700000000009"]),
        ("XDEL s 1700000000009", &[]),
        ("XDELEX s ACKED IDS 2 5 1700000000000-3", &["XDELEX s ACKED IDS 1 1700000000000-3"]),
        ("XSETID s 1700000000010", &["XSETID s 1700000000010"]),
        ("XCFGSET s IDMP-MAXSIZE 7", &["XCFGSET s IDMP-DURATION 100 IDMP-MAXSIZE 7"]),
        ("XCFGSET s IDMP-MAXSIZE 7", &[]),
        ("XRANGE s - +", &[]),
    ] {
        client.ask(request);
        assert_eq!(effects(&server), effect, "{request}");
    }
    client.ask("CONFIG SET stream-idmp-duration 9");
    client.ask("XADD t 1 f v");
    assert_eq!(
        effects(&server),
        ["XPOLICY t; XCFGSET t IDMP-DURATION 9 IDMP-MAXSIZE 100; XADD t 1-0 f v"]
    );
}

/// Replaying gives the same streams although the settings there are others.
#[test]
fn effects_make_the_same_stream_elsewhere() {
    let server = TestServer::manual();
    let mut client = server.raw();
    client.ask("CONFIG SET stream-node-max-entries 3 stream-idmp-maxsize 4");
    for i in 0..300 {
        let request = match i % 13 {
            0 => "XADD s IDMPAUTO p * a 1".to_string(),
            1 => format!("XADD s IDMP p {} * a {i}", i % 7),
            2 => format!("XADD s MAXLEN ~ {} * a {i} b x", i % 29),
            3 => format!("XDEL s 1700000000000-{}", i / 2),
            4 => format!("XTRIM s MINID ~ 1700000000000-{} ACKED", i / 3),
            5 => format!("XADD s MINID 1700000000000-{} DELREF * c {i}", i / 4),
            6 => format!("XDELEX s DELREF IDS 1 1700000000000-{}", i / 2 + 1),
            _ => format!("XADD s * a {i}"),
        };
        let reply = client.ask(&request);
        assert!(!reply.starts_with('-'), "{request}: {reply}");
        if i % 50 == 49 {
            server.advance_ms(40_000);
        }
    }
    let other = TestServer::manual();
    for frame in server.sink.drain() {
        replay(&other.server, &frame).expect("an effect that this server wrote");
    }
    other.advance_ms(6 * 40_000);
    let without_nodes = |full: String| {
        let (nodes, rest) = full.split_once("$17 last-generated-id").expect("it is shown");
        (nodes.split(' ').nth(2).map(str::to_string), rest.to_string())
    };
    let full = "XINFO STREAM s FULL COUNT 0";
    assert_eq!(without_nodes(other.raw().ask(full)), without_nodes(client.ask(full)));
}
