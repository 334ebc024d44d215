//! What streams do by themselves: delays, limits, what everybody is done with, filters, consumers.
//! Each test names the sentence that it shows.

mod support;

use forebay::command::replay::replay;
use support::queues::assert_replays;
use support::{Raw, START_MS, TestServer, check, effects};

/// Ids that XRANGE shows, without the time at which the clock starts.
fn ids(client: &mut Raw, key: &str) -> Vec<String> {
    let reply = client.ask(&format!("XRANGE {key} - +"));
    let is_id = |word: &&str| word.contains('-') && word.starts_with(|c: char| c.is_ascii_digit());
    reply.split(' ').filter(is_id).map(|id| id.replace("1700000000000-", "")).collect()
}

/// "`XADD key … DELAY ms … <*|id> …`. A value of 10¹² or more is an absolute unix time in ms. DELAY on
/// XADD stands where IDMP stands, before the id; also `TTL ms`, counted from the due time."
#[test]
fn xadd_takes_delay_and_ttl() {
    let server = TestServer::manual();
    let mut client = server.raw();
    let due = START_MS + 500;
    check(
        &mut client,
        &[
            ("XADD s DELAY 100 * f v", "$15 1700000000000-0"),
            (&format!("XADD s ttl 50 delay {due} * f v"), "$15 1700000000000-1"),
            ("XADD s NOMKSTREAM DELAY 0 TTL 0 MAXLEN 10 * f v", "$15 1700000000000-2"),
            ("XADD s DELAY 1 IDMP p i * f v", "$15 1700000000000-3"),
            // In the past is now.
            ("XADD s DELAY 1000000000000 * f v", "$15 1700000000000-4"),
            ("XADD s * DELAY 5", "$15 1700000000000-5"),
            ("XADD s DELAY -1 * f v", "-ERR DELAY must be 0 or more"),
            ("XADD s TTL -1 * f v", "-ERR TTL must be 0 or more"),
            ("XADD s DELAY x * f v", "-ERR value is not an integer or out of range"),
            ("XADD s DELAY 1 DELAY 2 * f v", "-ERR DELAY or TTL specified multiple times"),
            (
                "XADD s MESSAGE x * f v",
                "-ERR Invalid stream ID specified as stream command argument",
            ),
            ("XADD s DELAY", "-ERR wrong number of arguments for 'xadd' command"),
        ],
    );
    let effects = effects(&server);
    for (at, effect) in [
        (0, "XADD s DELAY 1700000000100 1700000000000-0 f v"),
        (1, "XADD s DELAY 1700000000500 TTL 1700000000550 1700000000000-1 f v"),
        (2, "XADD s 1700000000000-2 f v"),
        (3, "XADD s IDMP p i DELAY 1700000000001 1700000000000-3 f v"),
        (4, "XADD s 1700000000000-4 f v"),
    ] {
        assert!(effects[at].ends_with(effect), "{}", effects[at]);
    }
}

/// A time to live that counts from a due time at the end of all time ends there too: what the
/// journal says of it can be read again.
#[test]
fn times_end_where_records_do() {
    let server = TestServer::manual();
    let mut client = server.raw();
    client.ask("XADD s DELAY 9223372036854775807 TTL 5 1-0 f v");
    client.ask("XCFGSET s DELAYFIELD d TTLFIELD t");
    client.ask("XADD s 2-0 d 9223372036854775807 t 5");
    client.ask("XGROUP CREATE s g 0");
    client.ask("XADD s 3-0 f v");
    client.ask("XREADGROUP GROUP g c STREAMS s >");
    assert_eq!(client.ask("XNACK s g FAIL IDS 1 3-0 DELAY 9223372036854775807"), ":1");
    assert_replays(&server);
}

/// "XRANGE and XREAD show delayed entries at once: the log is the log."
#[test]
fn the_log_is_the_log() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XADD s DELAY 100 * f v", "$15 1700000000000-0"),
            ("XREAD STREAMS s 0", "*1 *2 $1 s *1 *2 $15 1700000000000-0 *2 $1 f $1 v"),
            ("XLEN s", ":1"),
        ],
    );
    assert_eq!(ids(&mut client, "s"), ["0"]);
    assert_replays(&server);
}

/// "`DELAYFIELD f`, `TTLFIELD f`: read delay, time to live from an ordinary field"
#[test]
fn fields_say_delay_and_ttl() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XGROUP CREATE s g 0 MKSTREAM", "+OK"),
            ("XCFGSET s DELAYFIELD wait TTLFIELD life", "+OK"),
            ("XADD s * wait 100 life 50 wait 7", "$15 1700000000000-0"),
            ("XADD s DELAY 5 * wait 100 life \"\"", "$15 1700000000000-1"),
            ("XADD s TTL 0 * life 9", "$15 1700000000000-2"),
            ("XADD s * f v", "$15 1700000000000-3"),
            (
                "XADD s * wait soon",
                "-ERR DELAYFIELD is 'wait', and its value is no number of milliseconds",
            ),
            (
                "XADD s * life -1",
                "-ERR TTLFIELD is 'life', and its value is no number of milliseconds",
            ),
        ],
    );
    let effects = effects(&server);
    for (at, effect) in [
        (2, "XADD s DELAY 1700000000100 TTL 1700000000150 1700000000000-0 wait 100 life 50 wait 7"),
        (3, "XADD s DELAY 1700000000005 1700000000000-1 wait 100 life "),
        (4, "XADD s 1700000000000-2 life 9"),
        (5, "XADD s 1700000000000-3 f v"),
    ] {
        assert!(effects[at].contains(effect.trim_end()), "{}", effects[at]);
    }
}

/// "`DEDUPFIELD f window-ms`: read idempotency id from an ordinary field"
#[test]
fn a_field_says_what_was_sent_before() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XADD s * order 1", "$15 1700000000000-0"),
            ("XCFGSET s DEDUPFIELD order 1000", "+OK"),
            ("XADD s * order 1", "$15 1700000000000-1"),
            ("XADD s * order 1 more x", "$15 1700000000000-1"),
            ("XADD s * order 2", "$15 1700000000000-2"),
            ("XADD s * order \"\"", "$15 1700000000000-3"),
            ("XADD s * order \"\"", "$15 1700000000000-4"),
            ("XADD s * other 1", "$15 1700000000000-5"),
            ("XADD s IDMP p i * order 3", "$15 1700000000000-6"),
            ("XADD s IDMP p i * order 4", "$15 1700000000000-6"),
            ("XADD s IDMP p j * order 3", "$15 1700000000000-6"),
            // The answer stays the same when the entry is gone.
            ("XDEL s 1700000000000-1", ":1"),
        ],
    );
    server.advance_ms(999);
    check(&mut client, &[("XADD s * order 1", "$15 1700000000000-1")]);
    server.advance_ms(1);
    check(
        &mut client,
        &[
            ("XADD s * order 1", "$15 1700000001000-0"),
            ("XADD s * order 1", "$15 1700000001000-0"),
            // More than IDMP remembers of one producer.
            ("XCFGSET s IDMP-MAXSIZE 1", "+OK"),
            ("XADD s * order 7", "$15 1700000001000-1"),
            ("XADD s * order 8", "$15 1700000001000-2"),
            ("XADD s * order 7", "$15 1700000001000-1"),
            // What another field said tells nothing.
            ("XCFGSET s DEDUPFIELD order 5000", "+OK"),
            ("XADD s * order 7", "$15 1700000001000-1"),
            ("XCFGSET s DEDUPFIELD other 5000", "+OK"),
            ("XCFGSET s DEDUPFIELD order 5000", "+OK"),
            ("XADD s * order 7", "$15 1700000001000-3"),
        ],
    );
    let frames = server.sink.drain();
    let copy = TestServer::with("", server.clock.clone());
    frames.iter().for_each(|frame| replay(&copy.server, frame).expect("it replays"));
    check(&mut copy.raw(), &[("XADD s * order 7", "$15 1700000001000-3")]);
}

/// A stream that a rule makes remembers its first message too, after a restart as well.
#[test]
fn the_first_entry_of_a_stream_is_under_its_policy() {
    let server = TestServer::with(
        "stream-policy * * DEDUPFIELD order 1000 MAXLEN 1 OVERFLOW REJECT\nstream-idmp-duration 7\n",
        Some(forebay::keyspace::ManualClock::new(START_MS)),
    );
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XADD s IDMP p i * order 1", "$15 1700000000000-0"),
            ("XADD s * order 1", "$15 1700000000000-0"),
            ("XADD s * order 2", "-FULL stream is at its limit of 1 entries"),
        ],
    );
    let frames = server.sink.drain();
    let copy = TestServer::with("", server.clock.clone());
    frames.iter().for_each(|frame| replay(&copy.server, frame).expect("it replays"));
    check(
        &mut copy.raw(),
        &[
            ("XADD s * order 1", "$15 1700000000000-0"),
            ("XADD s IDMP p i * order 3", "$15 1700000000000-0"),
        ],
    );
}

/// "OVERFLOW DROP|REJECT: at MAXLEN: trim the oldest, or refuse XADD with `-FULL …`"
#[test]
fn a_full_stream_drops_or_refuses() {
    let server = TestServer::manual();
    let mut client = server.raw();
    for _ in 0..4 {
        client.ask("XADD s * f v");
    }
    check(&mut client, &[("XCFGSET s MAXLEN 3", "+OK")]);
    // Also what was there before.
    assert_eq!(ids(&mut client, "s"), ["1", "2", "3"]);
    check(&mut client, &[("XADD s * f v", "$15 1700000000000-4")]);
    assert_eq!(ids(&mut client, "s"), ["2", "3", "4"]);
    // A producer's own trimming goes beside it.
    check(&mut client, &[("XADD s MAXLEN 100 * f v", "$15 1700000000000-5")]);
    check(&mut client, &[("XADD s MAXLEN 2 * f v", "$15 1700000000000-6")]);
    assert_eq!(ids(&mut client, "s"), ["5", "6"]);
    let full = "-FULL stream is at its limit of 2 entries";
    check(
        &mut client,
        &[
            ("XCFGSET s MAXLEN 2 OVERFLOW REJECT", "+OK"),
            ("XADD s * f v", full),
            ("XADD s NOMKSTREAM MAXLEN 1 * f v", full),
            ("XDEL s 1700000000000-5", ":1"),
            ("XADD s IDMP p i * f v", "$15 1700000000000-7"),
            // What was taken is known to be.
            ("XADD s IDMP p i * f v", "$15 1700000000000-7"),
            ("XADD s IDMP p j * f v", full),
            // Lowered, it refuses and drops nothing.
            ("XCFGSET s MAXLEN 1", "+OK"),
            ("XLEN s", ":2"),
        ],
    );
    assert_replays(&server);
}

/// "Work that has no small bound … goes in bounded steps": a limit that is lowered by much.
#[test]
fn a_lowered_limit_is_reached_step_by_step() {
    let server = TestServer::manual();
    let mut client = server.raw();
    for _ in 0..3000 {
        client.ask("XADD s * f v");
    }
    check(&mut client, &[("XCFGSET s MAXLEN 10", "+OK")]);
    server.wait_until("the stream is as short as it should be", || {
        server.raw().ask("XLEN s") == ":10"
    });
    assert_eq!(ids(&mut client, "s").len(), 10);
    assert_replays(&server);
}

/// "`MAXLEN n`, `MAXAGE ms`: retention kept by the server, not by each producer"
#[test]
fn entries_go_when_they_are_too_old() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(&mut client, &[("XADD s * f v", "$15 1700000000000-0"), ("XCFGSET s MAXAGE 100", "+OK")]);
    server.advance_ms(60);
    check(
        &mut client,
        &[
            ("XADD s * f v", "$15 1700000000060-0"),
            ("XADD s DELAY 99 * f v", "$15 1700000000060-1"),
            (
                "XADD s DELAY 100 * f v",
                "-ERR the entry would be due only after the stream's MAXAGE has removed it",
            ),
        ],
    );
    server.advance_ms(39);
    assert_eq!(client.ask("XLEN s"), ":3");
    server.advance_ms(1);
    assert_eq!(client.ask("XLEN s"), ":2");
    server.advance_ms(60);
    assert_eq!(client.ask("XLEN s"), ":0");
    check(&mut client, &[("XADD s * f v", "$15 1700000000160-0"), ("XCFGSET s MAXAGE 0", "+OK")]);
    server.advance_ms(1000);
    assert_eq!(client.ask("XLEN s"), ":1");
    assert_replays(&server);
}

/// Where the group `g` of `s` stands, and how many entries it still has to be given.
fn lag(client: &mut Raw) -> (String, String) {
    let groups = client.ask("XINFO GROUPS s");
    let last = groups.split("$1 g ").nth(1).expect("it is there").to_string();
    let field = |name: &str| {
        let (_, rest) = last.split_once(&format!("{name} ")).expect("it is shown");
        let value = rest.split(' ').find(|word| !word.starts_with('$'));
        value.expect("it has a value").to_string()
    };
    (field("last-delivered-id"), field("lag"))
}

/// "entries that do not match count as done for this group, passed as they reach its cursor whether
/// anyone reads or not; repeated, all must match"
#[test]
fn a_group_passes_what_is_not_for_it() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XADD s * kind mail land de", "$15 1700000000000-0"),
            ("XGROUP CREATE s all 0", "+OK"),
            ("XGROUP CREATE s g 0", "+OK"),
            ("XCFGSET s GROUP g FILTER kind order.* FILTER land d?", "+OK"),
            ("XADD s * kind order.new land at", "$15 1700000000000-1"),
            ("XADD s * land de", "$15 1700000000000-2"),
        ],
    );
    assert_eq!(lag(&mut client), ("1700000000000-2".into(), ":0".into()));
    check(
        &mut client,
        &[
            ("XADD s * kind order.new land de", "$15 1700000000000-3"),
            ("XADD s * kind mail", "$15 1700000000000-4"),
        ],
    );
    assert_eq!(lag(&mut client), ("1700000000000-2".into(), ":2".into()));
    assert_replays(&server);
}

/// What a group stands before may go: then it passes at once what is not for it behind, and where all are
/// done with that, it goes too.
#[test]
fn a_group_passes_on_when_what_it_stands_before_goes() {
    for (policy, goes, left) in [
        ("RETAIN ACKED", "XDEL s 1-0", 1),
        ("RETAIN ACKED", "XDELEX s KEEPREF IDS 1 1-0", 1),
        ("RETAIN ACKED", "XDELEX s DELREF IDS 1 1-0", 1),
        ("RETAIN ACKED", "XTRIM s MINID 2-0 DELREF", 1),
        ("RETAIN ACKED", "XTRIM s MAXLEN 3 KEEPREF", 1),
        ("RETAIN ALL", "XTRIM s MAXLEN 3", 3),
        ("RETAIN ALL", "XCFGSET s MAXLEN 3", 3),
        ("RETAIN ALL", "XTRIM s MINID 2-0 DELREF", 3),
    ] {
        let server = TestServer::manual();
        let mut client = server.raw();
        check(
            &mut client,
            &[
                ("XGROUP CREATE s g 0 MKSTREAM", "+OK"),
                ("XCFGSET s GROUP g FILTER kind a", "+OK"),
                (&format!("XCFGSET s {policy}"), "+OK"),
            ],
        );
        for (id, kind) in [("1-0", "a"), ("2-0", "b"), ("3-0", "c"), ("4-0", "a")] {
            client.ask(&format!("XADD s {id} kind {kind}"));
        }
        assert_eq!(lag(&mut client), ("0-0".into(), ":4".into()));
        // In one step with what else is seen of it.
        client.ask("MULTI");
        client.ask(goes);
        client.ask("XLEN s");
        let reply = client.ask("EXEC");
        if !goes.starts_with("XCFGSET") {
            assert!(reply.ends_with(&format!(" :{left}")), "{goes}: {reply}");
        }
        assert_eq!(client.ask("XLEN s"), format!(":{left}"), "{goes}");
        // After XDEL nobody counts what stood before 4-0.
        let (cursor, lag) = lag(&mut client);
        assert_eq!(cursor, "3-0", "{goes}");
        assert!([":1", "$-1"].contains(&&*lag), "{goes}: {lag}");
        assert_replays(&server);
    }
}

/// The same where it is done with there, has expired, or is the letter that a redrive returns.
#[test]
fn a_group_passes_on_over_what_has_expired() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XGROUP CREATE s g 0 MKSTREAM", "+OK"),
            ("XCFGSET s GROUP g FILTER kind a DLQ d", "+OK"),
            ("XGROUP CREATE s holds 0", "+OK"),
            ("XCFGSET s RETAIN ACKED", "+OK"),
            ("XADD s TTL 50 1-0 kind a", "$3 1-0"),
            ("XADD s 2-0 kind b", "$3 2-0"),
            ("XADD s 3-0 kind a", "$3 3-0"),
        ],
    );
    client.ask("XREADGROUP GROUP holds c STREAMS s >");
    check(&mut client, &[("XACK s holds 2-0 3-0", ":2"), ("XLEN s", ":3")]);
    assert_eq!(lag(&mut client).0, "0-0");
    server.advance_ms(50);
    // It is in flight elsewhere, and this group has given it up.
    check(&mut client, &[("XLEN s", ":2"), ("XLEN d", ":1")]);
    assert_eq!(lag(&mut client).0, "2-0");
    check(&mut client, &[("XACK s holds 1-0", ":1"), ("XLEN s", ":1")]);
    assert_replays(&server);
    check(
        &mut client,
        &[
            ("XGROUP CREATE d g 0", "+OK"),
            ("XCFGSET d GROUP g FILTER kind a", "+OK"),
            ("XADD d * kind b", "$15 1700000000050-1"),
            ("XREDRIVE d COUNT 1", ":1"),
        ],
    );
    assert!(client.ask("XINFO GROUPS d").contains("$15 1700000000050-1 "));
}

/// "Work that has no small bound (… a filter passing a million entries …) goes in bounded steps"
#[test]
fn a_filter_passes_many_step_by_step() {
    let server = TestServer::manual();
    let mut client = server.raw();
    for _ in 0..3000 {
        client.ask("XADD s * kind mail");
    }
    check(
        &mut client,
        &[
            ("XADD s * kind order", "$18 1700000000000-3000"),
            ("XGROUP CREATE s g 0", "+OK"),
            ("XCFGSET s GROUP g FILTER kind order", "+OK"),
        ],
    );
    server.wait_until("all that does not match is passed", || {
        server.raw().ask("XINFO GROUPS s").contains("1700000000000-2999 ")
    });
    assert_replays(&server);
}

/// "RETAIN ACKED: an entry goes when every group is done with it (with no group yet, nothing goes);
/// trimming spares what is unfinished, so a full stream rejects"
#[test]
fn a_work_queue_cleans_up() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XADD s * kind a", "$15 1700000000000-0"),
            ("XADD s * kind b", "$15 1700000000000-1"),
            ("XADD s * kind a", "$15 1700000000000-2"),
            ("XCFGSET s RETAIN ACKED MAXLEN 3", "+OK"),
            ("XLEN s", ":3"),
            ("XADD s * kind a", "-FULL stream is at its limit of 3 entries"),
            ("XTRIM s MAXLEN 1", ":0"),
            ("XTRIM s MAXLEN 1 ACKED", ":0"),
            ("XGROUP CREATE s g 0", "+OK"),
            ("XGROUP CREATE s h 0", "+OK"),
            ("XCFGSET s GROUP h FILTER kind b", "+OK"),
            ("XLEN s", ":3"),
        ],
    );
    client.ask("XREADGROUP GROUP g c COUNT 3 STREAMS s >");
    check(&mut client, &[("XACK s g 1700000000000-0", ":1")]);
    assert_eq!(ids(&mut client, "s"), ["1", "2"]);
    check(&mut client, &[("XACK s g 1700000000000-1 1700000000000-2", ":2")]);
    // The second is not done in h, and behind it the third was not passed.
    assert_eq!(ids(&mut client, "s"), ["1", "2"]);
    check(&mut client, &[("XADD s * kind x", "$15 1700000000000-3")]);
    check(&mut client, &[("XADD s * kind x", "-FULL stream is at its limit of 3 entries")]);
    client.ask("XREADGROUP GROUP h c NOACK STREAMS s >");
    assert_eq!(ids(&mut client, "s"), ["3"]);
    check(&mut client, &[("XGROUP DESTROY s g", ":1"), ("XLEN s", ":0")]);
    assert_replays(&server);
}

/// "with no group yet, nothing goes": whatever trims, unless it says that references do not count.
#[test]
fn nothing_is_trimmed_before_there_is_a_group() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XADD s 1-1 a b", "$3 1-1"),
            ("XCFGSET s RETAIN ACKED", "+OK"),
            ("XADD s MAXLEN 1 2-1 a b", "$3 2-1"),
            ("XADD s MINID 9 3-1 a b", "$3 3-1"),
            ("XADD s MAXLEN 1 ACKED 4-1 a b", "$3 4-1"),
            ("XTRIM s MINID 9", ":0"),
            ("XTRIM s MAXLEN ~ 0 LIMIT 0", ":0"),
            ("XTRIM s MAXLEN 0 ACKED", ":0"),
            ("XLEN s", ":4"),
            ("XTRIM s MAXLEN 3 KEEPREF", ":1"),
            ("XTRIM s MAXLEN 2 DELREF", ":1"),
            ("XGROUP CREATE s g 3-1", "+OK"),
            ("XLEN s", ":1"),
            ("XADD s MAXLEN 1 5-1 a b", "$3 5-1"),
            ("XLEN s", ":2"),
            ("XGROUP DESTROY s g", ":1"),
            ("XTRIM s MAXLEN 0", ":0"),
            ("XLEN s", ":2"),
        ],
    );
    assert_replays(&server);
}

/// XCLAIM's LASTID passes entries as a read does.
#[test]
fn what_lastid_passes_is_done_with() {
    for policy in ["LEASE 0", "LEASE 1000", "FILTER kind a"] {
        let server = TestServer::manual();
        let mut client = server.raw();
        check(
            &mut client,
            &[
                ("XGROUP CREATE s g 0 MKSTREAM", "+OK"),
                (&format!("XCFGSET s GROUP g {policy}"), "+OK"),
                ("XCFGSET s RETAIN ACKED", "+OK"),
                ("XADD s 1-0 kind a", "$3 1-0"),
                ("XADD s 2-0 kind a", "$3 2-0"),
                ("XADD s 3-0 kind b", "$3 3-0"),
                ("XLEN s", ":3"),
                ("XCLAIM s g c 0 9-0 LASTID 2-0", "*0"),
                ("XLEN s", if policy.starts_with("FILTER") { ":0" } else { ":1" }),
            ],
        );
        assert_replays(&server);
    }
}

/// Names of the consumers of the group `g` of `s`.
fn consumers(client: &mut Raw) -> Vec<String> {
    let reply = client.ask("XINFO CONSUMERS s g");
    let mut words = reply.split(' ');
    let mut names = Vec::new();
    while words.any(|word| word == "name") {
        names.extend(words.nth(1).map(str::to_string));
    }
    names
}

/// "`CONSUMERTTL ms`: consumers idle that long are removed and what they held comes back"
#[test]
fn idle_consumers_are_removed() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XGROUP CREATE s g 0 MKSTREAM", "+OK"),
            ("XCFGSET s GROUP g CONSUMERTTL 100", "+OK"),
            ("XADD s * f v", "$15 1700000000000-0"),
            (
                "XREADGROUP GROUP g gone STREAMS s >",
                "*1 *2 $1 s *1 *2 $15 1700000000000-0 *2 $1 f $1 v",
            ),
        ],
    );
    server.advance_ms(60);
    check(&mut client, &[("XREADGROUP GROUP g alive STREAMS s >", "*-1")]);
    server.advance_ms(39);
    assert_eq!(consumers(&mut client), ["alive", "gone"]);
    server.advance_ms(1);
    assert_eq!(consumers(&mut client), ["alive"]);
    // What it held is ready, its count kept.
    check(
        &mut client,
        &[
            ("XPENDING s g - + 10", "*1 *4 $15 1700000000000-0 $0  :-1 :1"),
            (
                "XREADGROUP GROUP g alive STREAMS s >",
                "*1 *2 $1 s *1 *2 $15 1700000000000-0 *2 $1 f $1 v",
            ),
        ],
    );
    server.advance_ms(100);
    assert!(consumers(&mut client).is_empty());
    assert_replays(&server);
}

/// However a consumer is made, it is counted from then.
#[test]
fn a_consumer_that_never_read_is_idle_too() {
    for making in [
        "XGROUP CREATECONSUMER s g c",
        "XREADGROUP GROUP g c STREAMS s 0",
        "XREADGROUP GROUP g c STREAMS s >",
        "XCLAIM s g c 0 1-0",
        "XAUTOCLAIM s g c 0 0",
    ] {
        let server = TestServer::manual();
        let mut client = server.raw();
        check(
            &mut client,
            &[
                ("XGROUP CREATE s g 0 MKSTREAM", "+OK"),
                ("XCFGSET s GROUP g CONSUMERTTL 100", "+OK"),
            ],
        );
        client.ask(making);
        server.advance_ms(99);
        assert_eq!(consumers(&mut client), ["c"], "{making}");
        server.advance_ms(1);
        assert!(consumers(&mut client).is_empty(), "{making}");
        assert_replays(&server);
    }
}

/// "who is blocked in a read or holds a live lease is not idle"
#[test]
fn who_waits_or_holds_a_lease_is_not_idle() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XGROUP CREATE s g 0 MKSTREAM", "+OK"),
            ("XCFGSET s GROUP g CONSUMERTTL 100 LEASE 250", "+OK"),
            ("XADD s * f v", "$15 1700000000000-0"),
            (
                "XREADGROUP GROUP g holds STREAMS s >",
                "*1 *2 $1 s *1 *2 $15 1700000000000-0 *2 $1 f $1 v",
            ),
            ("XGROUP CREATECONSUMER s g idle", ":1"),
        ],
    );
    let mut waits = server.raw();
    waits.command("XREADGROUP GROUP g waits BLOCK 0 STREAMS s >");
    server.wait_blocked(1);
    server.advance_ms(100);
    assert_eq!(consumers(&mut client), ["holds", "waits"]);
    server.advance_ms(149);
    assert_eq!(consumers(&mut client), ["holds", "waits"]);
    // Its lease has run out.
    server.advance_ms(1);
    assert_eq!(consumers(&mut client), ["waits"]);
    assert_replays(&server);
}

/// "For groups with a policy XINFO GROUPS appends `ready`, `inflight`, `deferred`, `held`, `dead`,
/// `oldest-ready-ms`, `policy`"
#[test]
fn xinfo_groups_tells_of_states() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[("XGROUP CREATE s g 0 MKSTREAM", "+OK"), ("XCFGSET s GROUP g ORDERBY o", "+OK")],
    );
    for fields in ["o a", "o a", "o b", "o c", "x d", "x e"] {
        client.ask(&format!("XADD s * {fields}"));
    }
    client.ask("XADD s DELAY 500 * x f");
    client.ask("XREADGROUP GROUP g c STREAMS s >");
    check(
        &mut client,
        &[
            ("XNACK s g FATAL IDS 1 1700000000000-2", ":1"),
            ("XNACK s g FAIL IDS 1 1700000000000-3", ":1"),
        ],
    );
    server.advance_ms(70);
    let states = |client: &mut Raw| {
        let reply = client.ask("XINFO GROUPS s");
        let (_, states) = reply.split_once("$5 ready ").expect("they are shown");
        states.to_string()
    };
    assert_eq!(
        states(&mut client),
        ":1 $8 inflight :3 $8 deferred :1 $4 held :1 $4 dead :1 $15 oldest-ready-ms :70 $6 policy *2 \
         $7 ORDERBY $1 o"
    );
    client.ask("XREADGROUP GROUP g c STREAMS s >");
    assert!(states(&mut client).contains("$15 oldest-ready-ms $-1 "));
    assert_replays(&server);
}
