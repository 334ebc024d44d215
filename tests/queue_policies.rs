//! Policies of streams and groups: XCFGSET, `stream-policy`, and where they are seen.

mod support;

use forebay::command::replay::replay;
use support::{Raw, TestServer, check, effects};

const SYNTAX: &str = "-ERR syntax error";

/// The policy that XINFO shows last, without the lengths of its words; empty for none.
fn policy(client: &mut Raw, request: &str) -> String {
    let reply = client.ask(request);
    let Some((_, policy)) = reply.split_once("$6 policy *") else { return String::new() };
    let words = policy.split(' ').skip(1).filter(|word| !word.starts_with('$'));
    words.collect::<Vec<_>>().join(" ")
}

/// Asks for words that may have spaces in them.
fn ask(client: &mut Raw, words: &[&str]) -> String {
    let args = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
    let request = format!("*{}\r\n{}", words.len(), args.collect::<String>());
    client.send(request.as_bytes());
    client.reply()
}

fn add_rule(client: &mut Raw, rule: &str) -> String {
    ask(client, &["CONFIG", "SET", "stream-policy", rule])
}

fn made() -> (TestServer, Raw) {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(&mut client, &[("XGROUP CREATE s g 0 MKSTREAM", "+OK")]);
    (server, client)
}

#[test]
fn a_group_takes_every_parameter() {
    let (_server, mut client) = made();
    let all = "LEASE 30000 MAXDELIVERIES 5 DLQ dead BACKOFF 10 20 ORDERBY customer MAXINFLIGHT 7 \
               RATE 50 1000 FILTER kind mail.* FILTER land d? CONSUMERTTL 60000";
    check(&mut client, &[(&format!("XCFGSET s GROUP g {all}"), "+OK")]);
    assert_eq!(policy(&mut client, "XINFO GROUPS s"), all);
    check(&mut client, &[("xcfgset s group g lease 5 filter a b", "+OK")]);
    let all = all.replace("30000", "5").replace("FILTER kind mail.* FILTER land d?", "FILTER a b");
    assert_eq!(policy(&mut client, "XINFO GROUPS s"), all);
}

#[test]
fn a_stream_takes_every_parameter() {
    let (_server, mut client) = made();
    let all =
        "MAXLEN 5 MAXAGE 6 OVERFLOW REJECT RETAIN ACKED DELAYFIELD d TTLFIELD t DEDUPFIELD i 7";
    check(&mut client, &[(&format!("XCFGSET s {all}"), "+OK")]);
    assert_eq!(policy(&mut client, "XINFO STREAM s"), all);
    assert_eq!(policy(&mut client, "XINFO STREAM s FULL"), all);
    // Beside Redis's own.
    check(&mut client, &[("XCFGSET s MAXLEN 9 IDMP-DURATION 7 MAXAGE 8", "+OK")]);
    assert!(client.ask("XINFO STREAM s").contains("$13 idmp-duration :7 "));
    let all = all.replace("MAXLEN 5 MAXAGE 6", "MAXLEN 9 MAXAGE 8");
    assert_eq!(policy(&mut client, "XINFO STREAM s"), all);
}

/// "value 0 or an empty string takes a parameter away"
#[test]
fn parameters_are_taken_away() {
    let (_server, mut client) = made();
    check(
        &mut client,
        &[
            ("XCFGSET s GROUP g LEASE 5 DLQ dead BACKOFF 1 2 FILTER a b RATE 1 2", "+OK"),
            ("XCFGSET s GROUP g LEASE 0 DLQ \"\" FILTER \"\" \"\" RATE 0 0", "+OK"),
        ],
    );
    assert_eq!(policy(&mut client, "XINFO GROUPS s"), "BACKOFF 1 2");
    check(&mut client, &[("XCFGSET s GROUP g BACKOFF 0 0", "+OK")]);
    assert!(!client.ask("XINFO GROUPS s").contains("policy"));
    check(&mut client, &[("XCFGSET s MAXLEN 1 RETAIN ACKED", "+OK")]);
    check(&mut client, &[("XCFGSET s MAXLEN 0 RETAIN ALL", "+OK")]);
    assert!(!client.ask("XINFO STREAM s").contains("policy"));
}

/// "Unknown parameters are refused, nothing is half applied"
#[test]
fn what_is_wrong_is_refused_whole() {
    let (server, mut client) = made();
    let before = effects(&server);
    check(
        &mut client,
        &[
            ("XCFGSET s", "-ERR At least one parameter must be specified"),
            ("XCFGSET s GROUP g", "-ERR At least one parameter must be specified"),
            ("XCFGSET s GROUP", SYNTAX),
            ("XCFGSET s MAXLEN 5 NOTHING 1", SYNTAX),
            ("XCFGSET s MAXLEN 5 MAXAGE", "-ERR syntax error: MAXAGE takes 1 value"),
            ("XCFGSET s MAXLEN 5 MAXAGE x", "-ERR value is not an integer or out of range: MAXAGE"),
            (
                "XCFGSET s IDMP-DURATION 7 MAXLEN -1",
                "-ERR MAXLEN must be between 0 and 9223372036854775807",
            ),
            (
                "XCFGSET s MAXLEN 5 IDMP-MAXSIZE 0",
                "-ERR IDMP-MAXSIZE must be between 1 and 10000 entries",
            ),
            ("XCFGSET s OVERFLOW maybe", "-ERR OVERFLOW takes DROP or REJECT"),
            (
                "XCFGSET s LEASE 5",
                "-ERR LEASE is a parameter of groups: GROUP and a group's name go before it",
            ),
            (
                "XCFGSET s GROUP g LEASE 5 MAXLEN 5",
                "-ERR MAXLEN is a parameter of streams, not of groups",
            ),
            (
                "XCFGSET s GROUP g IDMP-DURATION 5",
                "-ERR IDMP-DURATION is a parameter of streams, not of groups",
            ),
            ("XCFGSET s GROUP g LEASE 5 RATE 1", "-ERR syntax error: RATE takes 2 values"),
            ("XCFGSET s GROUP g IT 1", "-ERR syntax error: there is no parameter 'IT'"),
            (
                "XCFGSET s GROUP g LEASE 1000000000000",
                "-ERR LEASE must be between 0 and 999999999999",
            ),
            (
                "XCFGSET s GROUP g LEASE 5 BACKOFF 9 8",
                "-ERR BACKOFF takes min-ms and a max-ms that is not below it, or 0 0",
            ),
            (
                "XCFGSET s GROUP g LEASE 5 RATE 1 0",
                "-ERR RATE takes n and a time above 0 ms, or 0 0",
            ),
            // The key itself is refused.
            (
                "XCFGSET s GROUP g DLQ s",
                "-ERR DLQ must be another key than that of the stream itself",
            ),
            (
                "XCFGSET none LEASE 5",
                "-ERR LEASE is a parameter of groups: GROUP and a group's name go before it",
            ),
            ("XCFGSET none MAXLEN 5", "-ERR no such key"),
            ("XCFGSET none GROUP g LEASE 5", "-ERR no such key"),
            ("XCFGSET s GROUP h LEASE 5", "-NOGROUP No such consumer group 'h' for key name 's'"),
            ("SET string x", "+OK"),
            (
                "XCFGSET string GROUP g LEASE 5",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
        ],
    );
    assert!(!client.ask("XINFO GROUPS s").contains("policy"));
    let info = client.ask("XINFO STREAM s");
    assert!(!info.contains("policy") && info.contains("$13 idmp-duration :100 "), "{info}");
    let after: Vec<String> =
        effects(&server).into_iter().filter(|it| !before.contains(it)).collect();
    assert!(after.iter().all(|effect| effect.contains("SET string x")), "{after:?}");
}

/// "XCFGSET clears IDMP's memory only when IDMP's own values change."
#[test]
fn a_policy_leaves_what_producers_have_sent() {
    let (_server, mut client) = made();
    check(
        &mut client,
        &[
            ("XADD s IDMP p 1 * f v", "$15 1700000000000-0"),
            ("XCFGSET s MAXLEN 100 IDMP-DURATION 100", "+OK"),
            ("XADD s IDMP p 1 * f v", "$15 1700000000000-0"),
            ("XCFGSET s IDMP-DURATION 200", "+OK"),
            ("XADD s IDMP p 1 * f v", "$15 1700000000000-1"),
        ],
    );
}

/// "the caller needs ACL write permission on it"
#[test]
fn dlq_needs_the_right_to_write_there() {
    let (_server, mut client) = made();
    let mut other = _server.raw();
    check(
        &mut client,
        &[
            ("ACL SETUSER u on nopass +@all ~s %R~dead ~mine", "+OK"),
            (
                "COMMAND GETKEYS XCFGSET s GROUP dlq LEASE 5 DLQ dead FILTER DLQ x",
                "*2 $1 s $4 dead",
            ),
        ],
    );
    check(
        &mut other,
        &[
            ("AUTH u x", "+OK"),
            ("XCFGSET s GROUP g DLQ dead", "-NOPERM No permissions to access a key"),
            ("XCFGSET s GROUP g FILTER DLQ dead", "+OK"),
            ("XCFGSET s GROUP g DLQ mine", "+OK"),
            ("XCFGSET s GROUP g DLQ \"\"", "+OK"),
        ],
    );
    assert!(client.ask("ACL LOG").contains("$4 dead"));
}

/// "applies policies at creation to streams and groups that applications make themselves; the last
/// that matches holds, XCFGSET wins"
#[test]
fn stream_policy_is_for_what_is_made() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(&mut client, &[("XADD job:old * f v", "$15 1700000000000-0")]);
    for rule in [
        "job:* * MAXLEN 5 LEASE 7 DLQ job:dead",
        "job:* w? LEASE 8",
        "job:big* none MAXLEN 6 OVERFLOW REJECT",
    ] {
        assert_eq!(add_rule(&mut client, rule), "+OK");
    }
    check(
        &mut client,
        &[
            ("XADD job:a * f v", "$15 1700000000000-0"),
            ("XADD other * f v", "$15 1700000000000-0"),
            ("XGROUP CREATE job:big x 0 MKSTREAM", "+OK"),
            ("XGROUP CREATE job:a x 0", "+OK"),
            ("XGROUP CREATE job:old w1 0", "+OK"),
            ("XGROUP CREATE job:dead x 0 MKSTREAM", "+OK"),
            ("XGROUP CREATE other x 0", "+OK"),
        ],
    );
    for (request, expected) in [
        ("XINFO STREAM job:old", ""),
        ("XINFO STREAM job:a", "MAXLEN 5"),
        ("XINFO STREAM other", ""),
        ("XINFO STREAM job:big", "MAXLEN 6 OVERFLOW REJECT"),
        ("XINFO GROUPS job:big", "LEASE 7 DLQ job:dead"),
        ("XINFO GROUPS job:a", "LEASE 7 DLQ job:dead"),
        ("XINFO GROUPS job:old", "LEASE 8"),
        // It is not its own.
        ("XINFO GROUPS job:dead", "LEASE 7"),
        ("XINFO GROUPS other", ""),
    ] {
        assert_eq!(policy(&mut client, request), expected, "{request}");
    }
    check(&mut client, &[("XCFGSET job:a GROUP x LEASE 1 DLQ \"\"", "+OK")]);
    assert_eq!(policy(&mut client, "XINFO GROUPS job:a"), "LEASE 1");
    // It is in the effects: a replay has other settings.
    let copy = TestServer::manual();
    for frame in server.sink.drain() {
        replay(&copy.server, &frame).unwrap_or_else(|error| panic!("{}", error.0));
    }
    let mut copied = copy.raw();
    for request in ["XINFO STREAM job:a", "XINFO STREAM job:big", "XINFO GROUPS job:old"] {
        assert_eq!(policy(&mut copied, request), policy(&mut client, request), "{request}");
    }
}

#[test]
fn stream_policy_as_a_setting() {
    let lines = "stream-policy job:* * LEASE 5\nstream-policy \"a b\" * MAXLEN 1\n";
    let server = TestServer::configured(lines);
    let mut client = server.raw();
    let shown = |client: &mut Raw| client.ask("CONFIG GET stream-policy").replace('\n', "|");
    assert_eq!(shown(&mut client), "*2 $13 stream-policy $32 job:* * LEASE 5|\"a b\" * MAXLEN 1");
    let refused = "-ERR CONFIG SET failed (possibly related to argument 'stream-policy') - ";
    for (rule, why) in [
        ("x", "a stream-policy is a key glob, a group glob, and parameters"),
        ("x y LEASE", "stream-policy x y LEASE: syntax error: LEASE takes 1 value"),
        ("x y NO 5", "stream-policy x y NO 5: syntax error: there is no parameter 'NO'"),
        (
            "x y IDMP-DURATION 5",
            "stream-policy x y IDMP-DURATION 5: syntax error: there is no parameter 'IDMP-DURATION'",
        ),
        (
            "x y MAXLEN 1 LEASE -5",
            "stream-policy x y MAXLEN 1 LEASE -5: LEASE must be between 0 and 999999999999",
        ),
    ] {
        assert_eq!(add_rule(&mut client, rule), format!("{refused}{why}"));
    }
    assert_eq!(shown(&mut client), "*2 $13 stream-policy $32 job:* * LEASE 5|\"a b\" * MAXLEN 1");
    // The same globs again take the earlier one's place, at the end.
    assert_eq!(add_rule(&mut client, "job:* * LEASE 6"), "+OK");
    assert_eq!(shown(&mut client), "*2 $13 stream-policy $32 \"a b\" * MAXLEN 1|job:* * LEASE 6");
    assert_eq!(add_rule(&mut client, "job:* *"), "+OK");
    assert_eq!(shown(&mut client), "*2 $13 stream-policy $16 \"a b\" * MAXLEN 1");
    assert_eq!(add_rule(&mut client, "x y MAXAGE 1\nz z LEASE 2"), "+OK");
    assert_eq!(
        shown(&mut client),
        "*2 $13 stream-policy $41 \"a b\" * MAXLEN 1|x y MAXAGE 1|z z LEASE 2"
    );
    assert_eq!(add_rule(&mut client, ""), "+OK");
    assert_eq!(shown(&mut client), "*2 $13 stream-policy $0");
}
