//! Entries that outlive their time: what each group does about them, and when they are gone.
//! Each test names the sentence that it shows.

mod support;

use std::sync::Arc;

use forebay::keyspace::ManualClock;
use support::bare::{ask, new_server};
use support::queues::assert_replays;
use support::{Raw, START_MS, TestServer, check};

/// Ids that XRANGE shows, without the time at which the clock starts.
fn ids(client: &mut Raw, key: &str) -> Vec<String> {
    let reply = client.ask(&format!("XRANGE {key} - +"));
    let is_id = |word: &&str| word.contains('-') && word.starts_with(|c: char| c.is_ascii_digit());
    reply.split(' ').filter(is_id).map(|id| id.replace("1700000000000-", "")).collect()
}

/// The words of the entries of a dead-letter stream, without ids and lengths.
fn dead(client: &mut Raw, key: &str) -> Vec<String> {
    let reply = client.ask(&format!("XRANGE {key} - +"));
    let entries = reply.split(" *2 $").skip(1).map(|entry| {
        let words = entry.split(' ').skip(2).filter(|word| !word.starts_with(['$', '*']));
        words.collect::<Vec<_>>().join(" ")
    });
    entries.collect()
}

/// "TTL is kept by a timer. … each group that exists when it expires judges it once (READY, NEW,
/// DEFERRED, HELD: dead-lettered with reason `expired`; INFLIGHT: when it comes back), then it leaves the
/// stream when no group holds it."
#[test]
fn what_expires_is_dead_lettered_by_each_group() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XGROUP CREATE s new 0 MKSTREAM", "+OK"),
            ("XGROUP CREATE s out 0", "+OK"),
            ("XGROUP CREATE s ready 0", "+OK"),
            ("XGROUP CREATE s done 0", "+OK"),
            ("XCFGSET s GROUP new DLQ d:new", "+OK"),
            ("XCFGSET s GROUP out DLQ d:out", "+OK"),
            ("XCFGSET s GROUP ready DLQ d:ready", "+OK"),
            ("XCFGSET s GROUP done DLQ d:done", "+OK"),
            ("XADD s TTL 100 * f v", "$15 1700000000000-0"),
        ],
    );
    for group in ["out", "ready", "done"] {
        client.ask(&format!("XREADGROUP GROUP {group} c STREAMS s >"));
    }
    check(
        &mut client,
        &[
            ("XNACK s ready FAIL IDS 1 1700000000000-0", ":1"),
            ("XACK s done 1700000000000-0", ":1"),
        ],
    );
    server.advance_ms(99);
    check(&mut client, &[("XLEN s", ":1"), ("EXISTS d:new d:out d:ready d:done", ":0")]);
    server.advance_ms(1);
    let story = |group: &str, count: u32, time: i64| {
        let consumer = if count > 0 && group == "out" { "c " } else { "" };
        format!(
            "f v dlq.stream s dlq.group {group} dlq.id 1700000000000-0 dlq.reason expired \
             dlq.deliveries {count} dlq.consumer {consumer}dlq.time {time}"
        )
    };
    let squeezed = |lines: Vec<String>| -> Vec<String> {
        lines.iter().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    };
    // It is held where it is in flight.
    check(&mut client, &[("XLEN s", ":1"), ("EXISTS d:out d:done", ":0")]);
    assert_eq!(squeezed(dead(&mut client, "d:new")), [story("new", 0, START_MS + 100)]);
    assert_eq!(squeezed(dead(&mut client, "d:ready")), [story("ready", 1, START_MS + 100)]);
    // An entry past it is never NEW, and a group made later never sees it.
    check(
        &mut client,
        &[
            ("XREADGROUP GROUP new c STREAMS s >", "*-1"),
            ("XGROUP CREATE s late 0", "+OK"),
            ("XCLAIM s late c 0 1700000000000-0 FORCE", "*0"),
            ("XNACK s late SILENT IDS 1 1700000000000-0 FORCE", ":0"),
            ("XCFGSET s GROUP late LEASE 1000", "+OK"),
            ("XCLAIM s late c 0 1700000000000-0 FORCE", "*0"),
            ("XNACK s late SILENT IDS 1 1700000000000-0 FORCE", ":0"),
            ("XNACK s done SILENT IDS 1 1700000000000-0 FORCE", ":0"),
            ("XREADGROUP GROUP late c STREAMS s >", "*-1"),
        ],
    );
    server.advance_ms(5);
    check(&mut client, &[("XNACK s out FAIL IDS 1 1700000000000-0", ":1"), ("XLEN s", ":0")]);
    assert_eq!(squeezed(dead(&mut client, "d:out")).len(), 1);
    assert!(dead(&mut client, "d:out")[0].contains("dlq.reason expired"));
    assert_replays(&server);
}

/// "RabbitMQ's TTL acts only at the head; here by timer": behind others, and with nobody there.
#[test]
fn entries_expire_wherever_they_are() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XADD s * f v", "$15 1700000000000-0"),
            ("XADD s TTL 50 * f v", "$15 1700000000000-1"),
            ("XADD s DELAY 100 TTL 50 * f v", "$15 1700000000000-2"),
            ("XGROUP CREATE s plain 0", "+OK"),
        ],
    );
    server.advance_ms(50);
    assert_eq!(ids(&mut client, "s"), ["0", "2"]);
    // Counted from the due time; a group without a policy has no place for the dead.
    client.ask("XREADGROUP GROUP plain c STREAMS s >");
    assert!(client.ask("XPENDING s plain - + 10").starts_with("*2 "));
    server.advance_ms(99);
    assert_eq!(ids(&mut client, "s"), ["0", "2"]);
    server.advance_ms(1);
    assert_eq!(ids(&mut client, "s"), ["0"]);
    assert!(client.ask("XPENDING s plain - + 10").starts_with("*1 "));
    assert_replays(&server);
}

/// "Without a DLQ …: DEAD. Never dropped."
#[test]
fn what_expires_without_a_dlq_is_parked() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XGROUP CREATE s g 0 MKSTREAM", "+OK"),
            ("XCFGSET s GROUP g MAXDELIVERIES 3", "+OK"),
            ("XADD s TTL 50 * f v", "$15 1700000000000-0"),
        ],
    );
    server.advance_ms(50);
    check(
        &mut client,
        &[
            ("XLEN s", ":1"),
            ("XPENDING s g - + 10", "*1 *4 $15 1700000000000-0 $0  :-1 :0"),
            ("XREADGROUP GROUP g c STREAMS s >", "*-1"),
            // It leaves when no group holds it.
            ("XACK s g 1700000000000-0", ":1"),
            ("XLEN s", ":0"),
        ],
    );
    assert_replays(&server);
}

/// An expired entry is over when nobody holds it, also where another group would still come to it.
#[test]
fn an_expired_entry_is_over_when_xackdel_ends_its_parking() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XGROUP CREATE s g 0 MKSTREAM", "+OK"),
            ("XGROUP CREATE s h 0", "+OK"),
            ("XCFGSET s GROUP g MAXDELIVERIES 3", "+OK"),
            ("XADD s TTL 50 * f v", "$15 1700000000000-0"),
        ],
    );
    server.advance_ms(50);
    check(
        &mut client,
        &[("XLEN s", ":1"), ("XACKDEL s g ACKED IDS 1 1700000000000-0", "*1 :2"), ("XLEN s", ":0")],
    );
    assert_replays(&server);
}

/// "each group that exists when it expires judges it once": also where a reader comes to it before that.
#[test]
fn what_has_expired_is_judged_though_a_reader_was_faster() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XGROUP CREATE s g 0 MKSTREAM", "+OK"),
            ("XCFGSET s GROUP g DLQ d", "+OK"),
            ("MULTI", "+OK"),
            ("XADD s TTL 1000000000000 1-0 f v", "+QUEUED"),
            ("XREADGROUP GROUP g c STREAMS s >", "+QUEUED"),
            ("EXEC", "*2 $3 1-0 *-1"),
            ("XLEN s", ":0"),
            ("XLEN d", ":1"),
        ],
    );
    let mut waits = server.raw();
    waits.command("XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
    server.wait_blocked(1);
    check(
        &mut client,
        &[
            ("XADD s TTL 1000000000000 2-0 f v", "$3 2-0"),
            ("XLEN s", ":0"),
            ("XLEN d", ":2"),
            ("XADD s 3-0 f v", "$3 3-0"),
        ],
    );
    assert_eq!(waits.reply(), "*1 *2 $1 s *1 *2 $3 3-0 *2 $1 f $1 v");
    assert_replays(&server);
}

/// Expiring entries are judged some at a time: a read that comes meanwhile loses none.
#[test]
fn none_of_many_that_expire_at_once_is_lost() {
    const ENTRIES: usize = 1000;
    // Without a task that does what is due before anybody asks.
    let clock = ManualClock::new(START_MS);
    let server = new_server(Arc::clone(&clock), 7, Some(Arc::default()));
    let ask_for = |line: &str| {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        String::from_utf8(ask(&server, 0, &words)).expect("it is text")
    };
    ask_for("XGROUP CREATE s g 0 MKSTREAM");
    ask_for("XCFGSET s GROUP g DLQ d");
    for _ in 0..ENTRIES {
        ask_for("XADD s TTL 1700000000050 * f v");
    }
    clock.advance_ms(50);
    assert_eq!(ask_for("XREADGROUP GROUP g c STREAMS s >"), "_\r\n");
    // Each look at the stream does some.
    let is_done = |_: &usize| ask_for("XLEN s") == ":0\r\n";
    assert!((0..ENTRIES).find(is_done).is_some());
    assert_eq!(ask_for("XLEN d"), format!(":{ENTRIES}\r\n"));
}

/// A policy that is set again judges what an earlier one had parked.
#[test]
fn an_expired_entry_is_judged_again_when_a_policy_is_set() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XGROUP CREATE s g 0 MKSTREAM", "+OK"),
            ("XCFGSET s GROUP g MAXDELIVERIES 3", "+OK"),
            ("XADD s TTL 50 1-0 f v", "$3 1-0"),
        ],
    );
    server.advance_ms(50);
    check(
        &mut client,
        &[
            ("XLEN s", ":1"),
            ("XCFGSET s GROUP g MAXDELIVERIES 0", "+OK"),
            ("XPENDING s g - + 9", "*1 *4 $3 1-0 $0  :-1 :0"),
            ("XCFGSET s GROUP g DLQ d", "+OK"),
            ("XPENDING s g - + 9", "*0"),
            ("XLEN s", ":0"),
        ],
    );
    assert!(dead(&mut client, "d")[0].contains("dlq.reason expired"));
    assert_replays(&server);
}

/// What the end of a policy has released stays until it is released again, whatever comes back elsewhere.
#[test]
fn what_an_ended_policy_had_parked_is_not_judged_for_others() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XGROUP CREATE s g 0 MKSTREAM", "+OK"),
            ("XGROUP CREATE s later 0", "+OK"),
            ("XGROUP CREATE s h 0", "+OK"),
            ("XCFGSET s GROUP h MAXDELIVERIES 3", "+OK"),
            ("XADD s TTL 50 1-0 f v", "$3 1-0"),
        ],
    );
    for group in ["g", "later"] {
        client.ask(&format!("XREADGROUP GROUP {group} c STREAMS s >"));
    }
    server.advance_ms(50);
    check(
        &mut client,
        &[
            ("XCFGSET s GROUP h MAXDELIVERIES 0", "+OK"),
            ("XNACK s g FAIL IDS 1 1-0", ":1"),
            ("XPENDING s g - + 9", "*0"),
            ("XNACK s later FAIL IDS 1 1-0 DELAY 5", ":1"),
            ("XPENDING s later - + 9", "*0"),
            ("XPENDING s h - + 9", "*1 *4 $3 1-0 $0  :-1 :0"),
            ("XNACK s h FAIL IDS 1 1-0", ":1"),
            ("XLEN s", ":0"),
        ],
    );
    assert_replays(&server);
}

/// A group that goes, or a consumer, does not leave expired entries behind.
#[test]
fn nothing_expired_stays_without_a_holder() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(&mut client, &[("XGROUP CREATE s g 0 MKSTREAM", "+OK"), ("XGROUP CREATE s h 0", "+OK")]);
    for _ in 0..2 {
        client.ask("XADD s TTL 50 * f v");
    }
    client.ask("XREADGROUP GROUP g c COUNT 1 STREAMS s >");
    client.ask("XREADGROUP GROUP h c STREAMS s >");
    check(&mut client, &[("XACK s h 1700000000000-0", ":1")]);
    server.advance_ms(50);
    check(
        &mut client,
        &[
            ("XLEN s", ":2"),
            ("XGROUP DELCONSUMER s g c", ":1"),
            ("XLEN s", ":1"),
            ("XGROUP DESTROY s h", ":1"),
            ("XLEN s", ":0"),
        ],
    );
    assert_replays(&server);
}
