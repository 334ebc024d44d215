//! Consumer groups over TCP: every option, every error, both protocols.

mod support;

use redis::streams::{StreamReadOptions, StreamReadReply};
use redis::{Commands, Value};
use support::{Raw, START_MS, TestServer};

/// A stream `s` of entries `1-0` to `{entries}-0`, each `f v`, with a group `g` at its start.
fn seeded(client: &mut Raw, entries: usize) {
    for n in 1..=entries {
        assert!(client.ask(&format!("XADD s {n}-0 f v")).ends_with(&format!("{n}-0")));
    }
    assert_eq!(client.ask("XGROUP CREATE s g 0 MKSTREAM"), "+OK");
}

const NO_KEY: &str = "-ERR The XGROUP subcommand requires the key to exist. Note that for CREATE \
                      you may want to use the MKSTREAM option to create an empty stream \
                      automatically.";
const INVALID_ID: &str = "-ERR Invalid stream ID specified as stream command argument";
const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";
const SYNTAX: &str = "-ERR syntax error";
const NOT_INTEGER: &str = "-ERR value is not an integer or out of range";

/// Asks each line and wants the reply behind it.
fn check(client: &mut Raw, dialogue: &[(&str, &str)]) {
    for (line, reply) in dialogue {
        assert_eq!(client.ask(line), *reply, "{line}");
    }
}

#[test]
fn xgroup_makes_moves_and_removes_groups() {
    let server = TestServer::manual();
    let mut client = server.raw();
    let unknown = |word| {
        format!(
            "-ERR unknown subcommand or wrong number of arguments for '{word}'. Try XGROUP HELP."
        )
    };
    let (in_create, in_setid) = (unknown("CREATE"), unknown("SETID"));
    check(
        &mut client,
        &[
            ("XGROUP CREATE s g $", NO_KEY),
            ("XGROUP CREATE s g 0 FOO", &in_create),
            ("XGROUP CREATE s g 0 ENTRIESREAD", &in_create),
            ("XGROUP CREATE s g 0 ENTRIESREAD x MKSTREAM", NOT_INTEGER),
            (
                "XGROUP CREATE s g 0 ENTRIESREAD -2",
                "-ERR value for ENTRIESREAD must be positive or -1",
            ),
            ("XGROUP CREATE s g x MKSTREAM", INVALID_ID),
            ("EXISTS s", ":0"),
            ("XGROUP CREATE s g $ MKSTREAM", "+OK"),
            ("XGROUP CREATE s g $", "-BUSYGROUP Consumer Group name already exists"),
            ("XGROUP CREATE s h -", INVALID_ID),
            ("XGROUP CREATE s h 0 MKSTREAM ENTRIESREAD 1 MKSTREAM", &in_create),
            ("XADD s 1-0 a b", "$3 1-0"),
            ("XGROUP CREATE s h $ ENTRIESREAD 9999", "+OK"),
            ("XGROUP SETID s g 0 ENTRIESREAD -1", "+OK"),
            ("XGROUP SETID s g 0 MKSTREAM", &in_setid),
            ("XGROUP SETID s nog x", "-NOGROUP No such consumer group 'nog' for key name 's'"),
            ("XGROUP SETID s g x", INVALID_ID),
            ("XGROUP SETID nokey g 0", NO_KEY),
            (
                "XINFO GROUPS s",
                "*2 *12 $4 name $1 g $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 0-0 \
                 $12 entries-read $-1 $3 lag :1 \
                 *12 $4 name $1 h $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 1-0 \
                 $12 entries-read :1 $3 lag :0",
            ),
            ("XGROUP SETID s h 0 ENTRIESREAD 0", "+OK"),
            ("XGROUP DESTROY s nog", ":0"),
            ("XGROUP DESTROY s h", ":1"),
            ("XGROUP DESTROY nokey h", NO_KEY),
            ("SET str x", "+OK"),
            ("XGROUP CREATE str g 0", WRONG_TYPE),
            ("XGROUP DESTROY str g", WRONG_TYPE),
            ("XGROUP CREATE s", "-ERR wrong number of arguments for 'xgroup|create' command"),
            ("XGROUP FOO s", "-ERR unknown subcommand 'FOO'. Try XGROUP HELP."),
        ],
    );
    assert!(client.ask("XGROUP HELP").contains("+CREATECONSUMER key group consumer"));
}

#[test]
fn consumers_are_made_seen_and_removed() {
    let server = TestServer::manual();
    let mut client = server.raw();
    seeded(&mut client, 3);
    check(
        &mut client,
        &[
            ("XGROUP CREATECONSUMER s g b", ":1"),
            ("XGROUP CREATECONSUMER s g b", ":0"),
            (
                "XGROUP CREATECONSUMER s nog b",
                "-NOGROUP No such consumer group 'nog' for key name 's'",
            ),
            ("XGROUP CREATECONSUMER nokey g b", NO_KEY),
        ],
    );
    server.advance_ms(10);
    client.ask("XREADGROUP GROUP g a COUNT 2 STREAMS s >");
    server.advance_ms(5);
    // A read of what is new that finds nothing, or leaves nothing pending, is no activity.
    client.ask("XREADGROUP GROUP g a COUNT 1 NOACK STREAMS s >");
    server.advance_ms(5);
    check(
        &mut client,
        &[
            (
                "XINFO CONSUMERS s g",
                "*2 *8 $4 name $1 a $7 pending :2 $4 idle :5 $8 inactive :10 \
                 *8 $4 name $1 b $7 pending :0 $4 idle :20 $8 inactive :-1",
            ),
            ("XINFO CONSUMERS s nog", "-NOGROUP No such consumer group 'nog' for key name 's'"),
            ("XINFO CONSUMERS nokey g", "-ERR no such key"),
            ("XGROUP DELCONSUMER s g nobody", ":0"),
            ("XGROUP DELCONSUMER s g a", ":2"),
            ("XPENDING s g", "*4 :0 $-1 $-1 *-1"),
            ("XINFO CONSUMERS s g", "*1 *8 $4 name $1 b $7 pending :0 $4 idle :20 $8 inactive :-1"),
        ],
    );
}

#[test]
fn xreadgroup_delivers_what_is_new_and_shows_what_is_own() {
    let server = TestServer::manual();
    let mut client = server.raw();
    seeded(&mut client, 4);
    check(
        &mut client,
        &[
            ("XREADGROUP GROUP g c COUNT 1 STREAMS s >", "*1 *2 $1 s *1 *2 $3 1-0 *2 $1 f $1 v"),
            (
                "XREADGROUP GROUP g c COUNT 1 NOACK STREAMS s >",
                "*1 *2 $1 s *1 *2 $3 2-0 *2 $1 f $1 v",
            ),
            (
                "XREADGROUP GROUP g d COUNT 0 STREAMS s >",
                "*1 *2 $1 s *2 *2 $3 3-0 *2 $1 f $1 v *2 $3 4-0 *2 $1 f $1 v",
            ),
            ("XREADGROUP GROUP g d STREAMS s >", "*-1"),
            ("XREADGROUP GROUP g d COUNT 1 STREAMS s 3", "*1 *2 $1 s *1 *2 $3 4-0 *2 $1 f $1 v"),
            ("XREADGROUP GROUP g e STREAMS s 0", "*1 *2 $1 s *0"),
            ("XDEL s 3-0", ":1"),
            (
                "XREADGROUP GROUP g d STREAMS s 0",
                "*1 *2 $1 s *2 *2 $3 3-0 *-1 *2 $3 4-0 *2 $1 f $1 v",
            ),
            (
                "XPENDING s g - + 9",
                "*3 *4 $3 1-0 $1 c :0 :1 *4 $3 3-0 $1 d :0 :1 *4 $3 4-0 $1 d :0 :3",
            ),
            // The last id of all is the same as `>`, and there is nothing new.
            ("XREADGROUP GROUP g d STREAMS s 18446744073709551615-18446744073709551615", "*-1"),
            // What was delivered comes again once the group is set back, to whoever asks.
            ("XGROUP SETID s g 0", "+OK"),
            ("XREADGROUP GROUP g e COUNT 1 STREAMS s >", "*1 *2 $1 s *1 *2 $3 1-0 *2 $1 f $1 v"),
            ("XPENDING s g - + 1", "*1 *4 $3 1-0 $1 e :0 :1"),
        ],
    );
}

#[test]
fn xreadgroup_reads_several_streams_within_its_room() {
    let server = TestServer::manual();
    let mut client = server.raw();
    seeded(&mut client, 3);
    check(
        &mut client,
        &[
            ("XADD t 7-0 a b", "$3 7-0"),
            ("XGROUP CREATE t g 0", "+OK"),
            (
                "XREADGROUP GROUP g c COUNT 2 MAXCOUNT 2 STREAMS s t > >",
                "*1 *2 $1 s *2 *2 $3 1-0 *2 $1 f $1 v *2 $3 2-0 *2 $1 f $1 v",
            ),
            // The first entry fits however long it is.
            (
                "XREADGROUP GROUP g c MAXSIZE 1 STREAMS s t > >",
                "*1 *2 $1 s *1 *2 $3 3-0 *2 $1 f $1 v",
            ),
            (
                "XREADGROUP GROUP g c COUNT 1 STREAMS s t 0 >",
                "*2 *2 $1 s *1 *2 $3 1-0 *2 $1 f $1 v *2 $1 t *1 *2 $3 7-0 *2 $1 a $1 b",
            ),
            (
                "XREADGROUP GROUP g c MAXSIZE 70 STREAMS s t 0 0",
                "*1 *2 $1 s *2 *2 $3 1-0 *2 $1 f $1 v *2 $3 2-0 *2 $1 f $1 v",
            ),
            ("XREADGROUP GROUP g c STREAMS s t > >", "*-1"),
        ],
    );
}

#[test]
fn xreadgroup_refuses_what_redis_refuses() {
    let server = TestServer::manual();
    let mut client = server.raw();
    seeded(&mut client, 1);
    let meaningless = |id| {
        format!(
            "-ERR The {id} ID is meaningless in the context of XREADGROUP: you want to read the \
             history of this consumer by specifying a proper ID, or use the > ID to get new \
             messages. The {id} ID would just return an empty result set."
        )
    };
    let (dollar, plus) = (meaningless("$"), meaningless("+"));
    let no_group = |key, group| {
        format!(
            "-NOGROUP No such key '{key}' or consumer group '{group}' in XREADGROUP with GROUP \
             option"
        )
    };
    let (no_key, no_group) = (no_group("nokey", "g"), no_group("s", "nog"));
    let unbalanced = "-ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or \
                      '>' must be specified.";
    check(
        &mut client,
        &[
            ("XREADGROUP GROUP g c STREAMS s $", &dollar),
            ("XREADGROUP GROUP g c STREAMS s +", &plus.replace("+ ID to get", "> ID to get")),
            ("XREADGROUP GROUP g c STREAMS s abc", INVALID_ID),
            ("XREADGROUP GROUP nog c STREAMS s abc", &no_group),
            ("XREADGROUP GROUP g c STREAMS nokey abc", &no_key),
            ("XREADGROUP GROUP g new STREAMS s nokey > >", &no_key),
            ("XREADGROUP GROUP g c STREAMS s t >", unbalanced),
            ("XREADGROUP GROUP g c COUNT x STREAMS s >", NOT_INTEGER),
            ("XREADGROUP GROUP g c COUNT STREAMS s >", NOT_INTEGER),
            (
                "XREADGROUP GROUP g c BLOCK x STREAMS s >",
                "-ERR timeout is not an integer or out of range",
            ),
            ("XREADGROUP GROUP g c BLOCK -1 STREAMS s >", "-ERR timeout is negative"),
            ("XREADGROUP GROUP g c FOO STREAMS s >", SYNTAX),
            ("XREADGROUP GROUP g c COUNT 1 NOACK NOACK", SYNTAX),
            ("XREADGROUP COUNT 1 BLOCK 5 STREAMS s >", "-ERR Missing GROUP option for XREADGROUP"),
            ("XREADGROUP GROUP g c CLAIM x STREAMS s >", "-ERR min-idle-time is not an integer"),
            ("XREADGROUP GROUP g c CLAIM -0 STREAMS s >", "-ERR min-idle-time is not an integer"),
            (
                "XREADGROUP GROUP g c CLAIM -5 STREAMS s >",
                "-ERR min-idle-time must be a positive integer",
            ),
            (
                "XREADGROUP GROUP g c MAXCOUNT 0 STREAMS s >",
                "-ERR MAXCOUNT must be a positive integer",
            ),
            (
                "XREADGROUP GROUP g c MAXSIZE x STREAMS s >",
                "-ERR MAXSIZE must be a positive integer",
            ),
            (
                "XREADGROUP GROUP g c COUNT 3 MAXCOUNT 2 STREAMS s >",
                "-ERR MAXCOUNT must be greater than or equal to COUNT",
            ),
            ("XREADGROUP GROUP g c", "-ERR wrong number of arguments for 'xreadgroup' command"),
            ("SET str x", "+OK"),
            ("XREADGROUP GROUP g c STREAMS str >", WRONG_TYPE),
            // Nobody was made on the way.
            ("XINFO CONSUMERS s g", "*0"),
        ],
    );
}

#[test]
fn xreadgroup_claim_takes_the_longest_idle_first() {
    let server = TestServer::manual();
    let mut client = server.raw();
    seeded(&mut client, 4);
    client.ask("XREADGROUP GROUP g a COUNT 3 STREAMS s >");
    server.advance_ms(100);
    client.ask("XCLAIM s g a 0 1-0 JUSTID");
    server.advance_ms(50);
    let entry = |id, idle_ms: i64, count| {
        let idle = idle_ms.to_string();
        format!("*4 $3 {id} *2 $1 f $1 v ${} {idle} $1 {count}", idle.len())
    };
    let claimed = format!(
        "*1 *2 $1 s *3 {} {} {}",
        entry("2-0", 150, 1),
        entry("3-0", 150, 1),
        entry("1-0", 50, 1)
    );
    check(
        &mut client,
        &[
            ("XREADGROUP GROUP g b COUNT 3 CLAIM 50 STREAMS s >", &claimed),
            (
                "XPENDING s g - + 9 b",
                "*3 *4 $3 1-0 $1 b :0 :2 *4 $3 2-0 $1 b :0 :2 *4 $3 3-0 $1 b :0 :2",
            ),
            ("XNACK s g FAIL IDS 2 3-0 1-0", ":2"),
        ],
    );
    // Released ones come first, as they were released, and new ones last; NOACK is for these.
    let delivered = format!(
        "*1 *2 $1 s *3 {} {} {}",
        entry("3-0", START_MS + 150, 2),
        entry("1-0", START_MS + 150, 2),
        entry("4-0", 0, 0)
    );
    // 3-0 was shown once more before.
    let still_there = format!("*1 *2 $1 s *2 {} {}", entry("1-0", 0, 3), entry("3-0", 0, 4));
    check(
        &mut client,
        &[
            ("XREADGROUP GROUP g c NOACK CLAIM 99999 STREAMS s >", &delivered),
            ("XPENDING s g", "*4 :3 $3 1-0 $3 3-0 *2 *2 $1 b $1 1 *2 $1 c $1 2"),
            ("XREADGROUP GROUP g c CLAIM 1 STREAMS s >", "*-1"),
            ("XREADGROUP GROUP g c CLAIM 9 STREAMS s 1", "*1 *2 $1 s *1 *2 $3 3-0 *2 $1 f $1 v"),
            // What the stream no longer has is not claimed, and not pending any more.
            ("XDEL s 2-0", ":1"),
            ("XREADGROUP GROUP g c COUNT 3 CLAIM 0 STREAMS s >", &still_there),
            ("XPENDING s g - + 9 b", "*0"),
        ],
    );
}

#[test]
fn xack_and_xackdel() {
    let server = TestServer::manual();
    let mut client = server.raw();
    seeded(&mut client, 6);
    client.ask("XGROUP CREATE s h 0");
    client.ask("XREADGROUP GROUP g c STREAMS s >");
    client.ask("XREADGROUP GROUP h c COUNT 4 STREAMS s >");
    let mismatch = "-ERR The `numids` parameter must match the number of arguments";
    let not_positive = "-ERR Number of IDs must be a positive integer";
    check(
        &mut client,
        &[
            ("XACK s g 1-0 x", INVALID_ID),
            ("XACK s g 1-0 1-0 9-0", ":1"),
            ("XACK s g 1-0", ":0"),
            ("XACK s nog x", ":0"),
            ("XACK nokey g x", ":0"),
            ("XACK s g", "-ERR wrong number of arguments for 'xack' command"),
            ("XACKDEL s g IDS 2 1-0 2-0", "*2 :-1 :1"),
            ("XLEN s", ":5"),
            // KEEPREF is what it does unless told otherwise.
            (
                "XPENDING s h - + 9",
                "*4 *4 $3 1-0 $1 c :0 :1 *4 $3 2-0 $1 c :0 :1 *4 $3 3-0 $1 c :0 :1 *4 $3 4-0 $1 c :0 :1",
            ),
            ("XACKDEL s g DELREF IDS 1 3-0", "*1 :1"),
            ("XACKDEL s h DELREF IDS 2 3-0 2-0", "*2 :-1 :1"),
            ("XACKDEL s g ACKED IDS 2 4-0 5-0", "*2 :2 :2"),
            ("XACKDEL s h ACKED IDS 1 4-0", "*1 :1"),
            ("XLEN s", ":3"),
            ("XACKDEL s g IDS 0 1-0", not_positive),
            ("XACKDEL s g IDS x 1-0", not_positive),
            ("XACKDEL s g IDS 2 1-0", mismatch),
            ("XACKDEL s g IDS 1 1-0 2-0", SYNTAX),
            ("XACKDEL s g KEEPREF ACKED IDS 1 1-0", SYNTAX),
            ("XACKDEL s g IDS 1 x", INVALID_ID),
            ("XACKDEL s g IDS 1 6-0 KEEPREF", "*1 :1"),
            ("XACKDEL s nog IDS 2 1-0 x", "*2 :-1 :-1"),
            ("XACKDEL nokey g IDS 1 x", "*1 :-1"),
            ("SET str x", "+OK"),
            ("XACK str g 1-0", WRONG_TYPE),
            ("XACKDEL str g IDS 1 1-0", WRONG_TYPE),
        ],
    );
}

#[test]
fn xnack_gives_entries_back() {
    let server = TestServer::manual();
    let mut client = server.raw();
    seeded(&mut client, 4);
    client.ask("XREADGROUP GROUP g c COUNT 3 STREAMS s >");
    let unrecognized = |word| format!("-ERR Unrecognized XNACK option '{word}'");
    check(
        &mut client,
        &[
            ("XNACK s g SILENT IDS 1", "-ERR wrong number of arguments for 'xnack' command"),
            ("XNACK nokey g FAIL IDS 1 x", "-NOGROUP No such key 'nokey' or consumer group 'g'"),
            ("XNACK s nog BAD IDS 1 x", "-NOGROUP No such key 's' or consumer group 'nog'"),
            ("XNACK s g BAD IDS 1 1-0", "-ERR mode must be SILENT, FAIL, or FATAL"),
            ("XNACK s g FAIL FATAL IDS 1 1-0", &unrecognized("FATAL")),
            ("XNACK s g FAIL IDS 1 1-0 2-0", &unrecognized("2-0")),
            ("XNACK s g FAIL IDS 1 1-0 RETRYCOUNT", &unrecognized("RETRYCOUNT")),
            ("XNACK s g FAIL FORCE RETRYCOUNT 5", "-ERR syntax error, expected IDS keyword"),
            ("XNACK s g FAIL IDS 0 1-0", "-ERR numids must be a positive integer"),
            ("XNACK s g FAIL IDS x 1-0", "-ERR numids must be a positive integer"),
            ("XNACK s g FAIL IDS 2 1-0", "-ERR number of IDs doesn't match numids"),
            ("XNACK s g FAIL IDS 1 x", INVALID_ID),
            ("XNACK s g FAIL IDS 1 1-0 RETRYCOUNT x", NOT_INTEGER),
            (
                "XNACK s g FAIL IDS 1 1-0 RETRYCOUNT -1",
                "-ERR Invalid RETRYCOUNT value, must be >= 0",
            ),
            ("XNACK s g SILENT IDS 2 1-0 9-9", ":1"),
            ("XNACK s g SILENT IDS 1 1-0", ":1"),
            ("XNACK s g FATAL IDS 1 2-0", ":1"),
            ("XNACK s g FAIL IDS 2 3-0 3-0", ":2"),
            ("XNACK s g FAIL IDS 1 4-0", ":0"),
            ("XNACK s g FAIL FORCE IDS 2 4-0 9-9", ":1"),
            (
                "XPENDING s g - + 9",
                "*4 *4 $3 1-0 $0  :-1 :0 *4 $3 2-0 $0  :-1 :9223372036854775807 \
                 *4 $3 3-0 $0  :-1 :1 *4 $3 4-0 $0  :-1 :0",
            ),
            ("XPENDING s g", "*4 :4 $3 1-0 $3 4-0 *0"),
            ("XPENDING s g IDLE 9223372036854775807 - + 1", "*1 *4 $3 1-0 $0  :-1 :0"),
            ("XPENDING s g - + 9 c", "*0"),
            ("XNACK s g FATAL RETRYCOUNT 7 IDS 1 1-0", ":1"),
            // A count that is full stays full.
            ("XCLAIM s g c 99999 1-0 2-0 JUSTID", "*2 $3 1-0 $3 2-0"),
            ("XREADGROUP GROUP g c STREAMS s 1", "*1 *2 $1 s *1 *2 $3 2-0 *2 $1 f $1 v"),
            (
                "XPENDING s g - + 2",
                "*2 *4 $3 1-0 $1 c :0 :7 *4 $3 2-0 $1 c :0 :9223372036854775807",
            ),
            (
                "XINFO GROUPS s",
                "*1 *12 $4 name $1 g $9 consumers :1 $7 pending :4 $17 last-delivered-id $3 3-0 $12 entries-read :3 $3 lag :1",
            ),
            ("SET str x", "+OK"),
            ("XNACK str g FAIL IDS 1 1-0", WRONG_TYPE),
        ],
    );
}

#[test]
fn xpending_sums_up_and_lists() {
    let server = TestServer::manual();
    let mut client = server.raw();
    seeded(&mut client, 4);
    client.ask("XREADGROUP GROUP g a COUNT 2 STREAMS s >");
    server.advance_ms(10);
    client.ask("XREADGROUP GROUP g b STREAMS s >");
    server.advance_ms(5);
    let entry = |id, owner, idle_ms| format!("*4 $3 {id} $1 {owner} :{idle_ms} :1");
    let (one, two) = (entry("1-0", "a", 15), entry("2-0", "a", 15));
    let (three, four) = (entry("3-0", "b", 5), entry("4-0", "b", 5));
    check(
        &mut client,
        &[
            ("XPENDING s g", "*4 :4 $3 1-0 $3 4-0 *2 *2 $1 a $1 2 *2 $1 b $1 2"),
            ("XPENDING s g - + 9", &format!("*4 {one} {two} {three} {four}")),
            ("XPENDING s g - + 2", &format!("*2 {one} {two}")),
            ("XPENDING s g (1-0 (4-0 9", &format!("*2 {two} {three}")),
            ("XPENDING s g 2 3 9", &format!("*2 {two} {three}")),
            ("XPENDING s g - + 9 b", &format!("*2 {three} {four}")),
            ("XPENDING s g - + 9 nobody", "*0"),
            ("XPENDING s g - + 9 a ignored", &format!("*2 {one} {two}")),
            ("XPENDING s g IDLE 6 - + 9", &format!("*2 {one} {two}")),
            ("XPENDING s g IDLE 6 - + 9 b", "*0"),
            ("XPENDING s g IDLE -6 - + 1", &format!("*1 {one}")),
            ("XPENDING s g IDLE 9223372036854775807 - + 9", "*0"),
            ("XPENDING s g - + 0", "*0"),
            ("XPENDING s g - + -1", "*0"),
            ("XPENDING s g - + x", NOT_INTEGER),
            ("XPENDING s g IDLE x - + 9", NOT_INTEGER),
            ("XPENDING s g IDLE 5 - +", SYNTAX),
            ("XPENDING s g -", SYNTAX),
            ("XPENDING s g - + 1 a b c d", SYNTAX),
            ("XPENDING s g x + 9", INVALID_ID),
            ("XPENDING s g - (0-0 9", "-ERR invalid end ID for the interval"),
            (
                "XPENDING s g (18446744073709551615-18446744073709551615 + 9",
                "-ERR invalid start ID for the interval",
            ),
            ("XPENDING s nog", "-NOGROUP No such key 's' or consumer group 'nog'"),
            ("XPENDING nokey g - + x", NOT_INTEGER),
            ("XPENDING nokey g - + 1", "-NOGROUP No such key 'nokey' or consumer group 'g'"),
            ("SET str x", "+OK"),
            ("XPENDING str g", WRONG_TYPE),
        ],
    );
}

#[test]
fn xclaim_takes_entries_over() {
    let server = TestServer::manual();
    let mut client = server.raw();
    seeded(&mut client, 4);
    client.ask("XREADGROUP GROUP g a COUNT 3 STREAMS s >");
    server.advance_ms(1000);
    let entry = |id: &str| format!("*2 $3 {id} *2 $1 f $1 v");
    let (one, two, four) = (entry("1-0"), entry("2-0"), entry("4-0"));
    let invalid = |option| format!("-ERR Invalid {option} option argument for XCLAIM");
    let unrecognized = |word| format!("-ERR Unrecognized XCLAIM option '{word}'");
    check(
        &mut client,
        &[
            ("XCLAIM s g b 1001 1-0", "*0"),
            ("XCLAIM s g b 1000 1-0 9-0", &format!("*1 {one}")),
            ("XCLAIM s g b 1000 1-0", "*0"),
            ("XCLAIM s g b 0 1-0 2-0 JUSTID", "*2 $3 1-0 $3 2-0"),
            ("XPENDING s g - + 9 b", "*2 *4 $3 1-0 $1 b :0 :2 *4 $3 2-0 $1 b :0 :1"),
            ("XCLAIM s g b 0 1-0 IDLE 300 RETRYCOUNT 9", &format!("*1 {one}")),
            ("XCLAIM s g b 0 2-0 TIME 5", &format!("*1 {two}")),
            (
                "XPENDING s g - + 9 b",
                &format!("*2 *4 $3 1-0 $1 b :300 :9 *4 $3 2-0 $1 b :{} :2", START_MS + 1000 - 5),
            ),
            // No delivery lies ahead, and a count below zero is none.
            ("XCLAIM s g b 0 1-0 IDLE -300 RETRYCOUNT -1", &format!("*1 {one}")),
            ("XCLAIM s g b 0 2-0 TIME 9999999999999 JUSTID", "*1 $3 2-0"),
            ("XPENDING s g - + 9 b", "*2 *4 $3 1-0 $1 b :0 :10 *4 $3 2-0 $1 b :0 :2"),
            ("XCLAIM s g b 0 4-0", "*0"),
            ("XCLAIM s g b 0 4-0 9-0 FORCE", &format!("*1 {four}")),
            ("XPENDING s g 4 4 9", "*1 *4 $3 4-0 $1 b :0 :2"),
            ("XCLAIM s g b 0 4-0 LASTID 2 LASTID 50", &format!("*1 {four}")),
            (
                "XINFO GROUPS s",
                "*1 *12 $4 name $1 g $9 consumers :2 $7 pending :4 $17 last-delivered-id $4 50-0 $12 entries-read :3 $3 lag :1",
            ),
            // What the stream no longer has is not pending any more.
            ("XDEL s 2-0", ":1"),
            ("XCLAIM s g c 99999 2-0", "*0"),
            ("XPENDING s g 2 2 9", "*0"),
            ("XCLAIM s g c 0", "-ERR wrong number of arguments for 'xclaim' command"),
            ("XCLAIM s g c x 1-0", "-ERR Invalid min-idle-time argument for XCLAIM"),
            ("XCLAIM s g c 0 x", &unrecognized("x")),
            ("XCLAIM s g c 0 1-0 IDLE", &unrecognized("IDLE")),
            ("XCLAIM s g c 0 1-0 IDLE x", &invalid("IDLE")),
            ("XCLAIM s g c 0 1-0 TIME x", &invalid("TIME")),
            ("XCLAIM s g c 0 1-0 RETRYCOUNT x", &invalid("RETRYCOUNT")),
            ("XCLAIM s g c 0 1-0 LASTID x", INVALID_ID),
            ("XCLAIM s nog c x 1-0", "-NOGROUP No such key 's' or consumer group 'nog'"),
            ("XCLAIM nokey g c x 1-0", "-NOGROUP No such key 'nokey' or consumer group 'g'"),
            ("SET str x", "+OK"),
            ("XCLAIM str g c 0 1-0", WRONG_TYPE),
        ],
    );
}

#[test]
fn xautoclaim_walks_on_by_its_cursor() {
    let server = TestServer::manual();
    let mut client = server.raw();
    seeded(&mut client, 5);
    client.ask("XREADGROUP GROUP g a STREAMS s >");
    server.advance_ms(100);
    let entry = |id: &str| format!("*2 $3 {id} *2 $1 f $1 v");
    check(
        &mut client,
        &[
            ("XAUTOCLAIM s g b 101 0", "*3 $3 0-0 *0 *0"),
            (
                "XAUTOCLAIM s g b 100 - COUNT 2",
                &format!("*3 $3 3-0 *2 {} {} *0", entry("1-0"), entry("2-0")),
            ),
            ("XAUTOCLAIM s g b 100 0 COUNT 1", &format!("*3 $3 4-0 *1 {} *0", entry("3-0"))),
            ("XDEL s 4-0", ":1"),
            // A deleted entry counts, and is told of even if it is not idle.
            ("XAUTOCLAIM s g b 0 3 COUNT 2 JUSTID", "*3 $3 5-0 *1 $3 3-0 *1 $3 4-0"),
            ("XAUTOCLAIM s g b 100 (3 JUSTID", "*3 $3 0-0 *1 $3 5-0 *0"),
            (
                "XPENDING s g - + 9",
                "*4 *4 $3 1-0 $1 b :0 :2 *4 $3 2-0 $1 b :0 :2 *4 $3 3-0 $1 b :0 :2 *4 $3 5-0 $1 b :0 :1",
            ),
            ("XAUTOCLAIM s g b 0 +", "*3 $3 0-0 *0 *0"),
            ("XAUTOCLAIM s g b x 0", "-ERR Invalid min-idle-time argument for XAUTOCLAIM"),
            ("XAUTOCLAIM s g b 0 x", INVALID_ID),
            ("XAUTOCLAIM s g b 0 0 COUNT", SYNTAX),
            ("XAUTOCLAIM s g b 0 0 COUNT 0", "-ERR COUNT must be > 0"),
            ("XAUTOCLAIM s g b 0 0 COUNT x", "-ERR COUNT must be > 0"),
            ("XAUTOCLAIM s g b 0 0 FOO", SYNTAX),
            ("XAUTOCLAIM s nog b 0 0", "-NOGROUP No such key 's' or consumer group 'nog'"),
            ("XAUTOCLAIM nokey g b x 0", "-ERR Invalid min-idle-time argument for XAUTOCLAIM"),
            ("SET str x", "+OK"),
            ("XAUTOCLAIM str g b 0 0", WRONG_TYPE),
        ],
    );
}

#[test]
fn resp3_has_maps_and_nulls() {
    let server = TestServer::manual();
    let mut client = server.raw();
    seeded(&mut client, 2);
    client.ask("HELLO 3");
    check(
        &mut client,
        &[
            ("XREADGROUP GROUP g c COUNT 1 STREAMS s >", "%1 $1 s *1 *2 $3 1-0 *2 $1 f $1 v"),
            ("XDEL s 1-0", ":1"),
            ("XREADGROUP GROUP g c STREAMS s 0", "%1 $1 s *1 *2 $3 1-0 _"),
            ("XREADGROUP GROUP g c NOACK STREAMS s >", "%1 $1 s *1 *2 $3 2-0 *2 $1 f $1 v"),
            ("XREADGROUP GROUP g c STREAMS s >", "_"),
            ("XACK s g 1-0", ":1"),
            ("XPENDING s g", "*4 :0 _ _ _"),
            ("XGROUP SETID s g 1-1", "+OK"),
            (
                "XINFO GROUPS s",
                "*1 %6 $4 name $1 g $9 consumers :1 $7 pending :0 $17 last-delivered-id $3 1-1 $12 entries-read _ $3 lag :1",
            ),
            ("XINFO CONSUMERS s g", "*1 %4 $4 name $1 c $7 pending :0 $4 idle :0 $8 inactive :0"),
        ],
    );
}

#[test]
fn one_entry_wakes_one_reader_in_order_of_arrival() {
    let server = TestServer::start();
    let mut client = server.raw();
    seeded(&mut client, 0);
    let mut readers: Vec<Raw> = (0..3).map(|_| server.raw()).collect();
    for (n, reader) in readers.iter_mut().enumerate() {
        reader.command(&format!("XREADGROUP GROUP g c{n} BLOCK 0 STREAMS s >"));
        server.wait_blocked(n + 1);
    }
    assert_eq!(client.ask("XADD s 1-0 f v"), "$3 1-0");
    assert_eq!(readers[0].reply(), "*1 *2 $1 s *1 *2 $3 1-0 *2 $1 f $1 v");
    server.wait_blocked(2);
    assert_eq!(client.ask("XADD s 2-0 f v"), "$3 2-0");
    assert_eq!(readers[1].reply(), "*1 *2 $1 s *1 *2 $3 2-0 *2 $1 f $1 v");
    assert_eq!(client.ask("XGROUP DESTROY s g"), ":1");
    assert_eq!(
        readers[2].reply(),
        "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option"
    );
}

#[test]
fn a_wait_ends_with_its_key_its_type_or_its_time() {
    let server = TestServer::manual();
    let mut client = server.raw();
    let mut reader = server.raw();
    let no_group = "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option";
    for (end, reply) in [("DEL s", no_group), ("SET s x", WRONG_TYPE), ("FLUSHALL", no_group)] {
        client.ask("DEL s");
        seeded(&mut client, 0);
        reader.command("XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
        server.wait_blocked(1);
        client.ask(end);
        assert_eq!(reader.reply(), reply, "{end}");
    }
    client.ask("DEL s");
    seeded(&mut client, 1);
    client.ask("XREADGROUP GROUP g c STREAMS s >");
    reader.command("XREADGROUP GROUP g c BLOCK 500 STREAMS s >");
    server.wait_blocked(1);
    server.advance_ms(500);
    assert_eq!(reader.reply(), "*-1");
    // In a transaction nobody waits; a consumer's own is there at once.
    assert_eq!(client.ask("MULTI"), "+OK");
    client.ask("XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
    client.ask("XREADGROUP GROUP g c BLOCK 0 STREAMS s 0");
    assert_eq!(client.ask("EXEC"), "*2 *-1 *1 *2 $1 s *1 *2 $3 1-0 *2 $1 f $1 v");
}

#[test]
fn who_waits_to_claim_wakes_when_something_is_idle() {
    let server = TestServer::manual();
    let mut client = server.raw();
    seeded(&mut client, 1);
    let mut first = server.raw();
    let mut second = server.raw();
    first.command("XREADGROUP GROUP g first BLOCK 0 CLAIM 100 STREAMS s >");
    assert!(first.reply().ends_with("$1 0 $1 0"));
    first.command("XREADGROUP GROUP g first BLOCK 50 CLAIM 100 STREAMS s >");
    server.wait_blocked(1);
    second.command("XREADGROUP GROUP g second BLOCK 0 CLAIM 100 STREAMS s >");
    server.wait_blocked(2);
    // The first goes; the second takes its place as the one that looks.
    server.advance_ms(50);
    assert_eq!(first.reply(), "*-1");
    server.advance_ms(50);
    assert_eq!(second.reply(), "*1 *2 $1 s *1 *4 $3 1-0 *2 $1 f $1 v $3 100 $1 1");
    // What is given back need not become idle.
    second.command("XREADGROUP GROUP g second BLOCK 0 CLAIM 100 STREAMS s >");
    server.wait_blocked(1);
    assert_eq!(client.ask("XNACK s g FAIL IDS 1 1-0"), ":1");
    assert!(second.reply().starts_with("*1 *2 $1 s *1 *4 $3 1-0"));
}

#[test]
fn a_group_does_not_break_a_watch() {
    let server = TestServer::start();
    let (mut client, mut other) = (server.raw(), server.raw());
    seeded(&mut other, 2);
    for (change, kept) in [
        ("XREADGROUP GROUP g c STREAMS s >", true),
        ("XACK s g 1-0", true),
        ("XNACK s g FAIL IDS 1 2-0", true),
        ("XGROUP CREATE s h 0", true),
        ("XCLAIM s g c 0 2-0", true),
        ("XACKDEL s g IDS 1 2-0", false),
    ] {
        client.ask("WATCH s");
        other.ask(change);
        client.ask("MULTI");
        client.ask("PING");
        assert_eq!(client.ask("EXEC"), if kept { "*1 +PONG" } else { "*-1" }, "{change}");
    }
}

/// A read that finds nothing leaves nothing in the journal; one that delivers leaves one effect.
#[test]
fn a_delivery_is_one_effect() {
    let server = TestServer::manual();
    let mut client = server.raw();
    seeded(&mut client, 3);
    client.ask("XGROUP CREATECONSUMER s g c");
    let effects = || -> Vec<String> {
        let frames = server.sink.drain();
        let text = |frame: &forebay::journal::Frame| {
            String::from_utf8_lossy(&frame.effects).replace("\r\n", " ").trim_end().to_string()
        };
        frames.iter().map(text).collect()
    };
    effects();
    client.ask("XREADGROUP GROUP g c COUNT 2 STREAMS s >");
    assert_eq!(effects(), [format!("*7 $8 XDELIVER $1 s $1 g $1 c $13 {START_MS} $1 2 $3 2-0")]);
    client.ask("XREADGROUP GROUP g c NOACK STREAMS s >");
    assert_eq!(
        effects(),
        [format!("*8 $8 XDELIVER $1 s $1 g $1 c $13 {START_MS} $1 1 $3 3-0 $5 NOACK")]
    );
    client.ask("XREADGROUP GROUP g c STREAMS s >");
    client.ask("XACK s g 9-0");
    client.ask("XCLAIM s g c 99 1-0");
    client.ask("XAUTOCLAIM s g c 99 0");
    assert_eq!(effects(), Vec::<String>::new());
    client.ask("XREADGROUP GROUP g c COUNT 1 STREAMS s 0");
    assert_eq!(effects(), [format!("*7 $10 XREDELIVER $1 s $1 g $1 c $13 {START_MS} $3 0-1 $1 1")]);
    client.ask("XCLAIM s g c 0 1-0 2-0");
    assert_eq!(
        effects(),
        [format!("*10 $7 XASSIGN $1 s $1 g $1 c $13 {START_MS} $3 3-0 $3 1-0 $1 3 $3 2-0 $1 2")]
    );
    client.ask("XNACK s g SILENT IDS 1 2-0");
    assert_eq!(effects(), ["*5 $8 XRELEASE $1 s $1 g $3 2-0 $1 1"]);
}

#[test]
fn the_redis_crate_reads_and_acknowledges() {
    let server = TestServer::start();
    for mut connection in [server.connect(), server.connect3()] {
        let _: () = connection.del("jobs").expect("DEL");
        let _: () = connection.xgroup_create_mkstream("jobs", "workers", "$").expect("XGROUP");
        let id: String = connection.xadd("jobs", "*", &[("kind", "mail")]).expect("XADD");
        let options = StreamReadOptions::default().group("workers", "one").count(10);
        let read: StreamReadReply =
            connection.xread_options(&["jobs"], &[">"], &options).expect("XREADGROUP");
        assert_eq!(read.keys[0].ids[0].id, id);
        assert_eq!(read.keys[0].ids[0].map["kind"], Value::BulkString(b"mail".to_vec()));
        let pending: redis::streams::StreamPendingReply =
            connection.xpending("jobs", "workers").expect("XPENDING");
        assert_eq!(pending.count(), 1);
        let claimed: redis::streams::StreamAutoClaimReply = connection
            .xautoclaim_options("jobs", "workers", "two", 0, "0", Default::default())
            .expect("XAUTOCLAIM");
        assert_eq!(claimed.claimed[0].id, id);
        let groups: redis::streams::StreamInfoGroupsReply =
            connection.xinfo_groups("jobs").expect("XINFO GROUPS");
        assert_eq!((groups.groups[0].pending, groups.groups[0].lag), (1, Some(0)));
        let acknowledged: i64 = connection.xack("jobs", "workers", &[&id]).expect("XACK");
        assert_eq!(acknowledged, 1);
    }
}
