//! The set commands.

mod support;

use std::collections::BTreeSet;

use support::{Raw, TestServer, check, effects};

/// What a command leaves in the journal.
fn effects_of(server: &TestServer, client: &mut Raw, command: &str) -> Vec<String> {
    drop(effects(server));
    client.ask(command);
    effects(server)
}

const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";

#[test]
fn members_come_and_go() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("SADD s 3 1 2 1", ":3"),
            ("SMEMBERS s", "*3 $1 1 $1 2 $1 3"),
            ("OBJECT ENCODING s", "$6 intset"),
            ("TYPE s", "+set"),
            ("SADD s b a", ":2"),
            ("SMEMBERS s", "*5 $1 1 $1 2 $1 3 $1 b $1 a"),
            ("OBJECT ENCODING s", "$8 listpack"),
            ("SCARD s", ":5"),
            ("SISMEMBER s 1", ":1"),
            ("SISMEMBER s 01", ":0"),
            ("SMISMEMBER s a x 3", "*3 :1 :0 :1"),
            ("SREM s a x 3 a", ":2"),
            ("SCARD s", ":3"),
            ("SCARD none", ":0"),
            ("SMEMBERS none", "*0"),
            ("SISMEMBER none a", ":0"),
            ("SMISMEMBER none a b", "*2 :0 :0"),
            ("SREM none a", ":0"),
            ("SREM s 1 2 b", ":3"),
            ("EXISTS s", ":0"),
            ("SADD s \"\"", ":1"),
            ("SISMEMBER s \"\"", ":1"),
            ("SET t v", "+OK"),
            ("SADD t a", WRONG_TYPE),
            ("SREM t a", WRONG_TYPE),
            ("SCARD t", WRONG_TYPE),
            ("SMEMBERS t", WRONG_TYPE),
            ("SISMEMBER t a", WRONG_TYPE),
            ("SMISMEMBER t a", WRONG_TYPE),
            ("GET s", WRONG_TYPE),
        ],
    );
}

#[test]
fn forms_follow_the_settings() {
    let server = TestServer::manual();
    let mut client = server.raw();
    let encoding = |expected: &str| format!("${} {expected}", expected.len());
    for (adds, expected) in [
        (&["1 2 3 4 5"] as &[&str], "intset"),
        (&["1 2 3 4 5 6"], "hashtable"),
        (&["1", "1 1 1 1 1 1"], "hashtable"),
        (&["a b c"], "listpack"),
        (&["a b c", "d"], "hashtable"),
        (&["abcde"], "hashtable"),
        (&["1 2 3 a"], "hashtable"),
        (&["12345", "a"], "hashtable"),
        (&["a", "a a a a"], "hashtable"),
    ] {
        check(
            &mut client,
            &[(
                "CONFIG SET set-max-intset-entries 5 set-max-listpack-entries 3 \
                 set-max-listpack-value 4",
                "+OK",
            )],
        );
        for add in adds {
            client.ask(&format!("SADD s {add}"));
        }
        check(&mut client, &[("OBJECT ENCODING s", encoding(expected).as_str()), ("DEL s", ":1")]);
    }
}

#[test]
fn moves() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("SADD a 1 2", ":2"),
            ("SADD b x", ":1"),
            ("SMOVE a b 1", ":1"),
            ("SMEMBERS b", "*2 $1 x $1 1"),
            ("SMOVE a b 1", ":0"),
            ("SMOVE a a 2", ":1"),
            ("SMOVE a a 3", ":0"),
            ("SMOVE a c 2", ":1"),
            ("EXISTS a", ":0"),
            ("SMOVE a c 2", ":0"),
            ("SET t v", "+OK"),
            ("SMOVE a t 2", ":0"),
            ("SMOVE b t x", WRONG_TYPE),
            ("SMOVE b t nobody", WRONG_TYPE),
            ("SMOVE t b x", WRONG_TYPE),
        ],
    );
    assert_eq!(effects_of(&server, &mut client, "SMOVE b c x"), ["SMOVE b c x"]);
}

#[test]
fn combinations() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("SADD a 1 2 3 4", ":4"),
            ("SADD b 3 4 5", ":3"),
            ("SADD c 4 x", ":2"),
            ("SINTER a b c", "*1 $1 4"),
            ("SINTER a none", "*0"),
            ("SDIFF a b c", "*2 $1 1 $1 2"),
            ("SDIFF none a", "*0"),
            ("SDIFF a none", "*4 $1 1 $1 2 $1 3 $1 4"),
            ("SUNION a b", "*5 $1 1 $1 2 $1 3 $1 4 $1 5"),
            ("SINTERCARD 2 a b", ":2"),
            ("SINTERCARD 2 a b LIMIT 1", ":1"),
            ("SINTERCARD 2 a b LIMIT 0", ":2"),
            ("SINTERCARD 2 a b LIMIT 9 LIMIT 1", ":1"),
            ("SUNIONCARD 3 a b c", ":6"),
            ("SUNIONCARD 3 a b c LIMIT 5", ":5"),
            ("SUNIONCARD 3 a b c LIMIT 2", ":2"),
            ("SUNIONCARD 2 a none APPROX", ":4"),
            ("SUNIONCARD 1 none", ":0"),
            ("SDIFFCARD 2 a b", ":2"),
            ("SDIFFCARD 2 a b LIMIT 1", ":1"),
            ("SDIFFCARD 2 a b APPROX", "-ERR syntax error"),
            ("SINTERCARD 0 a", "-ERR numkeys should be greater than 0"),
            ("SUNIONCARD x a", "-ERR numkeys should be greater than 0"),
            ("SDIFFCARD 2 a", "-ERR Number of keys can't be greater than number of args"),
            ("SINTERCARD 1 a b", "-ERR syntax error"),
            ("SINTERCARD 1 a LIMIT", "-ERR syntax error"),
            ("SINTERCARD 1 a LIMIT -1", "-ERR LIMIT can't be negative"),
            ("SINTERSTORE d a b", ":2"),
            ("SMEMBERS d", "*2 $1 3 $1 4"),
            ("SUNIONSTORE d a b", ":5"),
            ("SDIFFSTORE a a b", ":2"),
            ("SMEMBERS a", "*2 $1 1 $1 2"),
            ("SINTERSTORE d a none", ":0"),
            ("EXISTS d", ":0"),
            ("SET t v", "+OK"),
            ("SINTER none t", WRONG_TYPE),
            ("SUNION a t", WRONG_TYPE),
            ("SDIFFSTORE d none t", WRONG_TYPE),
            ("SUNIONSTORE t a", ":2"),
            ("TYPE t", "+set"),
        ],
    );
    assert_eq!(effects_of(&server, &mut client, "SUNIONSTORE d a b"), ["SUNIONSTORE d a b"]);
    assert_eq!(effects_of(&server, &mut client, "SINTERSTORE d a none"), ["DEL d"]);
    assert!(effects_of(&server, &mut client, "SINTERSTORE d a none").is_empty());
}

#[test]
fn large_sets_combine_as_small_ones() {
    let server = TestServer::manual();
    let mut client = server.raw();
    let add = |key: &str, range: std::ops::Range<u32>| {
        let members: Vec<String> = range.map(|n| format!("m{n}")).collect();
        format!("SADD {key} {}", members.join(" "))
    };
    client.ask(&add("a", 0..3000));
    client.ask(&add("b", 2000..5000));
    client.ask(&add("c", 2500..2510));
    check(
        &mut client,
        &[
            ("SINTERCARD 2 a b", ":1000"),
            ("SINTERCARD 3 a b c", ":10"),
            ("SUNIONCARD 2 a b", ":5000"),
            ("SDIFFCARD 2 a b", ":2000"),
            ("SDIFFCARD 2 a c", ":2990"),
            ("SDIFFCARD 2 c a", ":0"),
            ("SUNIONSTORE d a b c", ":5000"),
            ("SINTERSTORE d d c", ":10"),
            ("OBJECT ENCODING d", "$8 listpack"),
            ("SDIFFSTORE d a c", ":2990"),
            ("SUNIONSTORE d d c", ":3000"),
            ("SDIFFCARD 2 d a", ":0"),
            ("SCARD a", ":3000"),
        ],
    );
}

#[test]
fn chance_picks_every_member_and_effects_say_which() {
    let server = TestServer::manual();
    let mut client = server.raw();
    client.ask("SADD s a b c d e");
    let mut seen = BTreeSet::new();
    for _ in 0..200 {
        seen.insert(client.ask("SRANDMEMBER s"));
    }
    assert_eq!(seen.len(), 5);
    for _ in 0..50 {
        let reply = client.ask("SRANDMEMBER s 3");
        let words: BTreeSet<&str> = reply.split(' ').skip(1).filter(|word| *word != "$1").collect();
        assert_eq!(words.len(), 3, "{reply}");
    }
    assert_eq!(client.ask("SRANDMEMBER s -20").split(' ').count(), 41);
    check(
        &mut client,
        &[
            ("SRANDMEMBER s 0", "*0"),
            ("SRANDMEMBER none", "$-1"),
            ("SRANDMEMBER none 2", "*0"),
            ("SRANDMEMBER s x", "-ERR value is not an integer or out of range"),
            ("SRANDMEMBER s 1 2", "-ERR syntax error"),
            (
                "SRANDMEMBER s -9223372036854775808",
                "-ERR value is out of range, value must between -9223372036854775807 and \
                 9223372036854775807",
            ),
            ("SPOP none", "$-1"),
            ("SPOP none 3", "*0"),
            ("SPOP s 0", "*0"),
            ("SPOP s -1", "-ERR value is out of range, must be positive"),
            ("SPOP s 1 2", "-ERR syntax error"),
        ],
    );
    let popped = effects_of(&server, &mut client, "SPOP s");
    assert!(popped[0].starts_with("SREM s ") && popped.len() == 1, "{popped:?}");
    let popped = effects_of(&server, &mut client, "SPOP s 2");
    assert_eq!(popped[0].split(' ').count(), 4, "{popped:?}");
    check(&mut client, &[("SCARD s", ":2")]);
    assert_eq!(effects_of(&server, &mut client, "SPOP s 2"), ["DEL s"]);
    client.ask("SADD s z");
    assert_eq!(effects_of(&server, &mut client, "SPOP s"), ["SREM s z"]);
    check(&mut client, &[("EXISTS s", ":0"), ("SET t v", "+OK"), ("SPOP t", WRONG_TYPE)]);
}

#[test]
fn scans() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("SADD s 1 2 x", ":3"),
            ("SSCAN s 0", "*2 $1 0 *3 $1 1 $1 2 $1 x"),
            ("SSCAN s 5 COUNT 1 MATCH [12]", "*2 $1 0 *2 $1 1 $1 2"),
            ("SSCAN none 7 MATCH", "*2 $1 0 *0"),
            ("SSCAN s x", "-ERR invalid cursor"),
            ("SSCAN none x", "-ERR invalid cursor"),
            ("SSCAN s 0 MATCH", "-ERR syntax error"),
            ("SSCAN s 0 COUNT 0", "-ERR syntax error"),
            ("SSCAN s 0 COUNT x", "-ERR value is not an integer or out of range"),
            ("SSCAN s 0 TYPE set", "-ERR syntax error"),
            ("SSCAN s 0 NOVALUES", "-ERR NOVALUES option can only be used in HSCAN"),
        ],
    );
    let members: Vec<String> = (0..1000).map(|n| format!("m{n}")).collect();
    client.ask(&format!("SADD large {}", members.join(" ")));
    let (mut cursor, mut seen, mut calls) = ("0".to_string(), BTreeSet::new(), 0);
    loop {
        let reply = client.ask(&format!("SSCAN large {cursor} COUNT 20"));
        let words: Vec<&str> = reply.split(' ').collect();
        cursor = words[2].to_string();
        seen.extend(
            words[4..].iter().filter(|word| word.starts_with('m')).map(|it| it.to_string()),
        );
        calls += 1;
        if cursor == "0" {
            break;
        }
    }
    assert_eq!(seen.len(), 1000);
    assert!(calls > 20, "{calls} calls");
}

#[test]
fn a_source_past_its_deadline_is_gone_in_a_replay_as_well() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(&mut client, &[("SADD a 1 2", ":2"), ("SADD b 2 3", ":2"), ("PEXPIRE b 10", ":1")]);
    server.server.keyspace.set_active_expiry(false);
    server.advance_ms(20);
    assert_eq!(effects_of(&server, &mut client, "SUNIONSTORE d a b"), ["DEL b; SUNIONSTORE d a b"]);
    check(&mut client, &[("SMEMBERS d", "*2 $1 1 $1 2")]);
}
