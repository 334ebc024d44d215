//! XREDRIVE: what is dead goes back to where it died. Each test names the sentence that it shows.

mod support;

use support::queues::assert_replays;
use support::{Raw, TestServer, check};

/// A stream with the groups `g` and `h`, whose dead go to `dead`; two entries have died in `g`.
fn with_dead() -> (TestServer, Raw) {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XGROUP CREATE s g 0 MKSTREAM", "+OK"),
            ("XGROUP CREATE s h 0", "+OK"),
            ("XCFGSET s GROUP g DLQ dead", "+OK"),
            ("XADD s * f 1", "$15 1700000000000-0"),
            ("XADD s * f 2", "$15 1700000000000-1"),
        ],
    );
    client.ask("XREADGROUP GROUP g c STREAMS s >");
    check(
        &mut client,
        &[
            ("XNACK s g FATAL IDS 2 1700000000000-0 1700000000000-1", ":2"),
            ("XLEN dead", ":2"),
            ("XPENDING s g - + 10", "*0"),
        ],
    );
    (server, client)
}

/// "returns the dead, atomically, each to the group it died in and to no other: its record with delivery
/// count 0 if the entry still stands in its stream"
#[test]
fn what_still_stands_gets_its_record_back() {
    let (server, mut client) = with_dead();
    check(
        &mut client,
        &[
            ("XREDRIVE dead COUNT 1", ":1"),
            ("XLEN s", ":2"),
            ("XLEN dead", ":1"),
            ("XPENDING s g - + 10", "*1 *4 $15 1700000000000-0 $0  :-1 :0"),
            (
                "XREADGROUP GROUP g c STREAMS s >",
                "*1 *2 $1 s *1 *2 $15 1700000000000-0 *2 $1 f $1 1",
            ),
            ("XREDRIVE dead IDS 2 1700000000000-1 1700000000000-9", ":1"),
            (
                "XREADGROUP GROUP g c STREAMS s >",
                "*1 *2 $1 s *1 *2 $15 1700000000000-1 *2 $1 f $1 2",
            ),
            ("XLEN dead", ":0"),
            ("XREDRIVE dead COUNT 5", ":0"),
            ("XREDRIVE none COUNT 5", ":0"),
        ],
    );
    assert_replays(&server);
}

/// "else a new entry there, without the story fields, that all other groups count as done (a payment
/// redriven for one service must not run again in three)"
#[test]
fn what_is_gone_is_added_for_its_group_alone() {
    let (server, mut client) = with_dead();
    check(
        &mut client,
        &[
            ("XDEL s 1700000000000-0", ":1"),
            ("XREDRIVE dead COUNT 10", ":2"),
            ("XRANGE s (1700000000000-1 +", "*1 *2 $15 1700000000000-2 *2 $1 f $1 1"),
            // The other had not read yet: it sees only what was for it.
            (
                "XREADGROUP GROUP h c STREAMS s >",
                "*1 *2 $1 s *1 *2 $15 1700000000000-1 *2 $1 f $1 2",
            ),
            ("XREADGROUP GROUP h c STREAMS s >", "*-1"),
            ("XGROUP CREATE s late 0", "+OK"),
            (
                "XREADGROUP GROUP late c STREAMS s >",
                "*1 *2 $1 s *1 *2 $15 1700000000000-1 *2 $1 f $1 2",
            ),
            (
                "XREADGROUP GROUP g c STREAMS s >",
                "*1 *2 $1 s *2 *2 $15 1700000000000-1 *2 $1 f $1 2 *2 $15 1700000000000-2 *2 $1 f $1 1",
            ),
        ],
    );
    assert_replays(&server);
}

/// The same where only unfinished entries stay: the others do not keep it.
#[test]
fn a_redriven_entry_goes_when_its_group_is_done() {
    let (server, mut client) = with_dead();
    check(
        &mut client,
        &[
            ("XTRIM s MAXLEN 0", ":2"),
            ("XCFGSET s RETAIN ACKED", "+OK"),
            ("XREDRIVE dead COUNT 1", ":1"),
            ("XLEN s", ":1"),
            (
                "XREADGROUP GROUP g c STREAMS s >",
                "*1 *2 $1 s *1 *2 $15 1700000000000-2 *2 $1 f $1 1",
            ),
            ("XACK s g 1700000000000-2", ":1"),
            ("XLEN s", ":0"),
        ],
    );
    assert_replays(&server);
}

/// "With TO they become ordinary entries of that stream."
#[test]
fn with_to_they_become_ordinary_entries() {
    let (server, mut client) = with_dead();
    check(
        &mut client,
        &[
            ("XADD dead * own x", "$15 1700000000000-2"),
            ("XREDRIVE dead COUNT 3 TO other", ":3"),
            (
                "XRANGE other - +",
                "*3 *2 $15 1700000000000-0 *2 $1 f $1 1 *2 $15 1700000000000-1 *2 $1 f $1 2 \
                 *2 $15 1700000000000-2 *2 $3 own $1 x",
            ),
            ("XLEN dead", ":0"),
        ],
    );
    assert_replays(&server);
}

/// What has nowhere to go stays where it is seen: no story, no group, no room.
#[test]
fn what_cannot_return_stays() {
    let (server, mut client) = with_dead();
    check(
        &mut client,
        &[
            ("XADD dead * own x", "$15 1700000000000-2"),
            ("XTRIM s MAXLEN 0", ":2"),
            ("XCFGSET s MAXLEN 1 OVERFLOW REJECT", "+OK"),
            ("XREDRIVE dead COUNT 10", ":1"),
            ("XLEN dead", ":2"),
            ("XGROUP DESTROY s g", ":1"),
            ("XREDRIVE dead COUNT 10", ":0"),
            ("DEL s", ":1"),
            ("XREDRIVE dead COUNT 10", ":0"),
            ("SET s x", "+OK"),
            ("XREDRIVE dead COUNT 10", ":0"),
            ("XLEN dead", ":2"),
            ("XADD full * f v", "$15 1700000000000-0"),
            ("XCFGSET full MAXLEN 1 OVERFLOW REJECT", "+OK"),
            ("XREDRIVE dead COUNT 10 TO full", ":0"),
            ("XLEN dead", ":2"),
        ],
    );
    assert_replays(&server);
}

/// What is named as a stream and is none is refused, as everywhere.
#[test]
fn to_must_be_a_stream() {
    const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";
    let (server, mut client) = with_dead();
    check(
        &mut client,
        &[
            ("SET string x", "+OK"),
            ("XREDRIVE dead COUNT 1 TO string", WRONG_TYPE),
            ("XREDRIVE dead IDS 1 1700000000000-0 TO string", WRONG_TYPE),
            ("XREDRIVE dead IDS 1 9-9 TO string", WRONG_TYPE),
            ("XREDRIVE none COUNT 1 TO string", ":0"),
            ("MULTI", "+OK"),
            ("XREDRIVE dead COUNT 1 TO string", "+QUEUED"),
            ("EXEC", &format!("*1 {WRONG_TYPE}")),
            ("GET string", "$1 x"),
            ("XLEN dead", ":2"),
        ],
    );
    assert_replays(&server);
}

/// A message that was sent before is the same again when it comes back: it is not taken for a duplicate,
/// nor delayed again.
#[test]
fn a_redriven_entry_is_no_duplicate() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XGROUP CREATE s g 0 MKSTREAM", "+OK"),
            ("XCFGSET s DEDUPFIELD id 100000 DELAYFIELD wait TTLFIELD life", "+OK"),
            ("XCFGSET s GROUP g DLQ dead FILTER kind a", "+OK"),
            ("XADD s * id 1 wait 50 kind a life 100", "$15 1700000000000-0"),
        ],
    );
    server.advance_ms(150);
    check(
        &mut client,
        &[
            ("XLEN s", ":0"),
            ("XLEN dead", ":1"),
            ("XCFGSET s GROUP g FILTER kind b", "+OK"),
            ("XREDRIVE dead COUNT 1", ":1"),
            (
                "XREADGROUP GROUP g c STREAMS s >",
                "*1 *2 $1 s *1 *2 $15 1700000000150-0 *8 $2 id $1 1 $4 wait $2 50 $4 kind $1 a $4 life $3 100",
            ),
        ],
    );
    server.advance_ms(200);
    check(&mut client, &[("XLEN s", ":1")]);
    assert_replays(&server);
}

/// "The caller needs ACL write permission on every stream written."
#[test]
fn every_stream_written_needs_the_right() {
    let (_server, mut client) = with_dead();
    let mut other = _server.raw();
    check(&mut client, &[("ACL SETUSER u on nopass +@all ~dead ~t %R~s", "+OK")]);
    check(
        &mut other,
        &[
            ("AUTH u x", "+OK"),
            ("XREDRIVE dead COUNT 1", "-NOPERM No permissions to access a key"),
            ("XREDRIVE dead COUNT 1 TO s", "-NOPERM No permissions to access a key"),
            ("XREDRIVE dead COUNT 1 TO t", ":1"),
        ],
    );
    assert!(client.ask("ACL LOG").contains("$1 s "));
    check(&mut client, &[("XLEN dead", ":1")]);
}

#[test]
fn in_a_transaction_too() {
    let (server, mut client) = with_dead();
    check(
        &mut client,
        &[
            ("MULTI", "+OK"),
            ("XREDRIVE dead COUNT 1", "+QUEUED"),
            ("XREDRIVE dead COUNT 1 TO far", "+QUEUED"),
            ("EXEC", "*2 :1 :1"),
            ("XLEN dead", ":0"),
            ("XLEN far", ":1"),
        ],
    );
    assert_replays(&server);
}

#[test]
fn what_is_asked_wrongly() {
    let (_server, mut client) = with_dead();
    check(
        &mut client,
        &[
            ("XREDRIVE dead", "-ERR wrong number of arguments for 'xredrive' command"),
            ("XREDRIVE dead COUNT 0", "-ERR COUNT must be a positive integer"),
            ("XREDRIVE dead COUNT x", "-ERR COUNT must be a positive integer"),
            ("XREDRIVE dead IDS 2 1-1", "-ERR number of IDs doesn't match numids"),
            ("XREDRIVE dead IDS 0 1-1", "-ERR numids must be a positive integer"),
            (
                "XREDRIVE dead IDS 1 x",
                "-ERR Invalid stream ID specified as stream command argument",
            ),
            ("XREDRIVE dead COUNT 1 TO", "-ERR syntax error"),
            ("XREDRIVE dead ALL 1", "-ERR syntax error"),
            (
                "XREDRIVE dead COUNT 1 TO dead",
                "-ERR TO must be another key than that of the dead letters",
            ),
            ("SET string x", "+OK"),
            (
                "XREDRIVE string COUNT 1",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            ("COMMAND GETKEYS XREDRIVE dead IDS 1 1-1 TO t", "*2 $4 dead $1 t"),
        ],
    );
}

/// "that all other groups count as done": also for who says FORCE there.
#[test]
fn no_other_group_is_forced_to_have_what_was_redriven() {
    let (server, mut client) = with_dead();
    check(
        &mut client,
        &[("XDEL s 1700000000000-0", ":1"), ("XREDRIVE dead COUNT 1", ":1"), ("XLEN s", ":2")],
    );
    for policy in ["", "LEASE 1000"] {
        if !policy.is_empty() {
            check(&mut client, &[(&format!("XCFGSET s GROUP h {policy}"), "+OK")]);
        }
        check(
            &mut client,
            &[
                ("XCLAIM s h w 0 1700000000000-2 FORCE", "*0"),
                ("XCLAIM s h w 0 1700000000000-2 FORCE JUSTID", "*0"),
                ("XNACK s h SILENT IDS 1 1700000000000-2 FORCE", ":0"),
                ("XNACK s h FATAL IDS 1 1700000000000-2 FORCE", ":0"),
                ("XNACK s h FAIL IDS 1 1700000000000-2 FORCE DELAY 5", ":0"),
                ("XPENDING s h - + 9", "*0"),
            ],
        );
    }
    // Its own group may, and others may have what is for all.
    check(
        &mut client,
        &[
            ("XNACK s g SILENT IDS 1 1700000000000-2 FORCE", ":1"),
            ("XCLAIM s g w 0 1700000000000-2", "*1 *2 $15 1700000000000-2 *2 $1 f $1 1"),
            ("XCLAIM s h w 0 1700000000000-1 FORCE", "*1 *2 $15 1700000000000-1 *2 $1 f $1 2"),
        ],
    );
    assert_replays(&server);
}

/// "that all other groups count as done": also where XTRIM spares what is not.
#[test]
fn what_is_redriven_for_one_group_holds_no_trim_up() {
    let (server, mut client) = with_dead();
    check(
        &mut client,
        &[
            ("XDEL s 1700000000000-0 1700000000000-1", ":2"),
            ("XREDRIVE dead COUNT 2", ":2"),
            ("XTRIM s MAXLEN 0 ACKED", ":0"),
        ],
    );
    client.ask("XREADGROUP GROUP g c NOACK STREAMS s >");
    check(&mut client, &[("XTRIM s MAXLEN 0 ACKED", ":2")]);
    assert_replays(&server);
}
