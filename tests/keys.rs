//! Commands on keys of any type, and on whole databases.

mod support;

use std::collections::BTreeSet;

use support::{START_MS, TestServer, check, effects};

#[test]
fn del_unlink_exists_touch_type() {
    let server = TestServer::start();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("DEL a b", ":0"),
            ("SET a 1", "+OK"),
            ("SET b 2", "+OK"),
            ("RPUSH l 1 2 3", ":3"),
            ("TYPE a", "+string"),
            ("TYPE l", "+list"),
            ("TYPE nope", "+none"),
            ("EXISTS a a nope l", ":3"),
            ("TOUCH a nope a", ":2"),
            ("DEL a a nope", ":1"),
            ("UNLINK b nope l b", ":2"),
            ("EXISTS a b l", ":0"),
            ("DEL", "-ERR wrong number of arguments for 'del' command"),
            ("UNLINK", "-ERR wrong number of arguments for 'unlink' command"),
            ("EXISTS", "-ERR wrong number of arguments for 'exists' command"),
            ("TOUCH", "-ERR wrong number of arguments for 'touch' command"),
            ("TYPE a b", "-ERR wrong number of arguments for 'type' command"),
        ],
    );
}

#[test]
fn del_is_one_effect() {
    let server = TestServer::start();
    let mut client = server.raw();
    check(&mut client, &[("SET a 1", "+OK"), ("SET b 2", "+OK")]);
    effects(&server);
    check(&mut client, &[("DEL a nope b a", ":2"), ("DEL a", ":0")]);
    assert_eq!(effects(&server), ["DEL a b"]);
}

#[test]
fn keys_matches_patterns() {
    let server = TestServer::start();
    let mut client = server.raw();
    for key in ["one", "two", "three", "[x]", "t*"] {
        client.ask(&format!("SET {key} v"));
    }
    let mut keys = |pattern: &str| -> BTreeSet<String> {
        let reply = client.ask(&format!("KEYS {pattern}"));
        reply.split(' ').filter(|word| !word.starts_with(['*', '$'])).map(String::from).collect()
    };
    let set = |keys: &[&str]| keys.iter().map(|key| key.to_string()).collect::<BTreeSet<_>>();
    assert_eq!(keys("*"), set(&["one", "two", "three", "[x]", "t*"]));
    assert_eq!(keys("t*"), set(&["two", "three", "t*"]));
    assert_eq!(keys("t\\*"), set(&["t*"]));
    assert_eq!(keys("??e"), set(&["one"]));
    assert_eq!(keys("[ot][nw]*"), set(&["one", "two"]));
    assert_eq!(keys("\\[x]"), set(&["[x]"]));
    assert_eq!(keys("ONE"), set(&[]));
    assert_eq!(client.ask("KEYS nope"), "*0");
    assert_eq!(client.ask("KEYS"), "-ERR wrong number of arguments for 'keys' command");
}

#[test]
fn scan_meets_every_key() {
    let server = TestServer::start();
    let mut connection = server.connect();
    let mut expected = BTreeSet::new();
    for number in 0..500 {
        let key = format!("key:{number}");
        redis::cmd("SET").arg(&key).arg(number).exec(&mut connection).expect("SET works");
        expected.insert(key);
    }
    for count in [1, 7, 1000] {
        let mut seen = BTreeSet::new();
        let mut cursor = 0u64;
        loop {
            let (next, keys): (u64, Vec<String>) = redis::cmd("SCAN")
                .arg(cursor)
                .arg("COUNT")
                .arg(count)
                .query(&mut connection)
                .expect("SCAN works");
            assert!(keys.len() <= count);
            seen.extend(keys);
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(seen, expected, "COUNT {count}");
    }
}

#[test]
fn scan_filters() {
    let server = TestServer::start();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("SCAN 0", "*2 $1 0 *0"),
            ("SET a 1", "+OK"),
            ("RPUSH l 1", ":1"),
            ("SCAN 0 COUNT 100 TYPE String", "*2 $1 0 *1 $1 a"),
            ("SCAN 0 COUNT 100 TYPE list", "*2 $1 0 *1 $1 l"),
            ("SCAN 0 COUNT 100 TYPE stream", "*2 $1 0 *0"),
            ("SCAN 0 COUNT 100 TYPE nosuch", "*2 $1 0 *0"),
            ("SCAN 0 COUNT 100 MATCH l*", "*2 $1 0 *1 $1 l"),
            ("SCAN 0 MATCH a MATCH l COUNT 1 COUNT 100", "*2 $1 0 *1 $1 l"),
            ("SCAN 0 match a type list count 100", "*2 $1 0 *0"),
            ("SCAN 18446744073709551615 COUNT 100", "*2 $1 0 *0"),
        ],
    );
}

#[test]
fn scan_refuses_what_it_does_not_know() {
    let server = TestServer::start();
    let mut client = server.raw();
    let not_a_number = "-ERR value is not an integer or out of range";
    check(
        &mut client,
        &[
            ("SCAN x", "-ERR invalid cursor"),
            ("SCAN -1", "-ERR invalid cursor"),
            ("SCAN 18446744073709551616", "-ERR invalid cursor"),
            ("SCAN \"\"", "-ERR invalid cursor"),
            ("SCAN x COUNT x", "-ERR invalid cursor"),
            ("SCAN 0 COUNT", "-ERR syntax error"),
            ("SCAN 0 COUNT 0", "-ERR syntax error"),
            ("SCAN 0 COUNT -5", "-ERR syntax error"),
            ("SCAN 0 COUNT x", not_a_number),
            ("SCAN 0 COUNT 9223372036854775808", not_a_number),
            ("SCAN 0 MATCH", "-ERR syntax error"),
            ("SCAN 0 TYPE", "-ERR syntax error"),
            ("SCAN 0 NOSUCH x", "-ERR syntax error"),
            ("SCAN 0 NOVALUES", "-ERR NOVALUES option can only be used in HSCAN"),
            ("SCAN", "-ERR wrong number of arguments for 'scan' command"),
        ],
    );
}

#[test]
fn randomkey_picks_what_is_there() {
    let server = TestServer::manual();
    let mut client = server.raw();
    assert_eq!(client.ask("RANDOMKEY"), "$-1");
    client.ask("SET a 1");
    client.ask("SET b 1");
    let picks: BTreeSet<String> = (0..200).map(|_| client.ask("RANDOMKEY")).collect();
    assert_eq!(picks, BTreeSet::from(["$1 a".to_string(), "$1 b".to_string()]));
    client.ask("PEXPIRE a 10");
    server.server.keyspace.set_active_expiry(false);
    server.advance_ms(10);
    assert!((0..50).all(|_| client.ask("RANDOMKEY") == "$1 b"));
    client.ask("HELLO 3");
    client.ask("FLUSHALL");
    assert_eq!(client.ask("RANDOMKEY"), "_");
}

#[test]
fn rename() {
    let server = TestServer::start();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("RENAME a b", "-ERR no such key"),
            ("RENAME a a", "-ERR no such key"),
            ("RENAMENX a a", "-ERR no such key"),
            ("SET a 1", "+OK"),
            ("EXPIRE a 100", ":1"),
            ("RENAME a b", "+OK"),
            ("GET b", "$1 1"),
            ("TTL b", ":100"),
            ("EXISTS a", ":0"),
            ("RENAME b b", "+OK"),
            ("RENAMENX b b", ":0"),
            ("SET c 3", "+OK"),
            ("RENAMENX b c", ":0"),
            ("RENAMENX b d", ":1"),
            // The deadline of what is replaced goes with it.
            ("RENAME c d", "+OK"),
            ("TTL d", ":-1"),
            ("GET d", "$1 3"),
            ("RENAME a", "-ERR wrong number of arguments for 'rename' command"),
            ("RENAMENX a", "-ERR wrong number of arguments for 'renamenx' command"),
        ],
    );
    assert_eq!(
        effects(&server)[2..],
        ["RENAME a b", "SET c 3", "RENAME b d", "RENAME c d"],
        "what changes nothing leaves nothing"
    );
}

#[test]
fn copy() {
    let server = TestServer::start();
    let mut client = server.raw();
    let same = "-ERR source and destination objects are the same";
    check(
        &mut client,
        &[
            ("COPY a b", ":0"),
            ("RPUSH a 1 2", ":2"),
            ("EXPIRE a 100", ":1"),
            ("COPY a b", ":1"),
            ("TTL b", ":100"),
            ("RPUSH b 3", ":3"),
            ("COPY a b", ":0"),
            ("COPY a b REPLACE", ":1"),
            ("RPUSH b 4", ":3"),
            ("RPUSH a 3 4", ":4"),
            ("COPY a a", same),
            ("COPY a a DB 0", same),
            ("COPY a a DB 1", ":1"),
            ("COPY a a DB 1", ":0"),
            ("COPY a a DB 1 REPLACE", ":1"),
            ("COPY a c db 2 DB 3 replace", ":1"),
            ("EXISTS c", ":0"),
            ("SELECT 3", "+OK"),
            ("RPUSH c 5", ":5"),
            ("TTL c", ":100"),
            ("COPY a b DB 16", "-ERR DB index is out of range"),
            ("COPY a b DB -1", "-ERR DB index is out of range"),
            ("COPY a b DB x", "-ERR value is not an integer or out of range"),
            ("COPY a b DB", "-ERR syntax error"),
            ("COPY a b NOSUCH", "-ERR syntax error"),
            ("COPY a", "-ERR wrong number of arguments for 'copy' command"),
        ],
    );
}

#[test]
fn a_copy_over_an_expired_key_replays() {
    let server = TestServer::manual();
    let mut client = server.raw();
    server.server.keyspace.set_active_expiry(false);
    check(&mut client, &[("SET a 1", "+OK"), ("SET b 2", "+OK"), ("PEXPIRE b 5", ":1")]);
    server.advance_ms(5);
    effects(&server);
    assert_eq!(client.ask("COPY a b"), ":1");
    assert_eq!(effects(&server), ["DEL b; COPY a b DB 0 REPLACE"]);
}

#[test]
fn move_between_databases() {
    let server = TestServer::start();
    let mut client = server.raw();
    let same = "-ERR source and destination objects are the same";
    check(
        &mut client,
        &[
            ("MOVE a 1", ":0"),
            ("MOVE a 0", same),
            ("SET a zero", "+OK"),
            ("EXPIRE a 100", ":1"),
            ("MOVE a 1", ":1"),
            ("EXISTS a", ":0"),
            ("SET a other", "+OK"),
            ("MOVE a 1", ":0"),
            ("GET a", "$5 other"),
            ("SELECT 1", "+OK"),
            ("GET a", "$4 zero"),
            ("TTL a", ":100"),
            ("MOVE a 1", same),
            ("MOVE a 16", "-ERR DB index is out of range"),
            ("MOVE a -1", "-ERR DB index is out of range"),
            ("MOVE a x", "-ERR value is not an integer or out of range"),
            (
                "MOVE a 2147483648",
                "-ERR value is out of range, value must between -2147483648 and 2147483647",
            ),
        ],
    );
    let recorded = effects(&server);
    assert_eq!(recorded[2..], ["MOVE a 1", "SET a other"]);
}

#[test]
fn expire_conditions() {
    let server = TestServer::manual();
    let mut client = server.raw();
    let mixed = "-ERR NX and XX, GT or LT options at the same time are not compatible";
    check(
        &mut client,
        &[
            ("EXPIRE a 100", ":0"),
            ("SET a 1", "+OK"),
            ("EXPIRE a 100 XX", ":0"),
            ("EXPIRE a 100 GT", ":0"),
            ("EXPIRE a 100 LT", ":1"),
            ("EXPIRE a 90 NX", ":0"),
            ("EXPIRE a 200 xx", ":1"),
            ("EXPIRE a 200 GT", ":0"),
            ("EXPIRE a 200 LT", ":0"),
            ("EXPIRE a 201 GT", ":1"),
            ("EXPIRE a 199 LT", ":1"),
            ("EXPIRE a 300 XX GT", ":1"),
            ("EXPIRE a 299 XX LT", ":1"),
            ("TTL a", ":299"),
            ("PERSIST a", ":1"),
            ("EXPIRE a 10 NX NX", ":1"),
            ("EXPIRE a 10 NX XX", mixed),
            ("EXPIRE a 10 NX GT", mixed),
            ("EXPIRE a 10 LT NX", mixed),
            ("EXPIRE a 10 GT LT", "-ERR GT and LT options at the same time are not compatible"),
            ("EXPIRE a 10 nosuch", "-ERR Unsupported option nosuch"),
            // Options are looked at before the number, and both before the key.
            ("EXPIRE nope x nosuch", "-ERR Unsupported option nosuch"),
            ("EXPIRE nope x", "-ERR value is not an integer or out of range"),
            ("EXPIRE a 1.5", "-ERR value is not an integer or out of range"),
            ("EXPIRE a", "-ERR wrong number of arguments for 'expire' command"),
        ],
    );
}

#[test]
fn expire_numbers() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("SET a 1", "+OK"),
            ("EXPIRE a 9223372036854775807", "-ERR invalid expire time in 'expire' command"),
            ("EXPIRE a 9223372036854775", "-ERR invalid expire time in 'expire' command"),
            ("EXPIRE a -9223372036854775808", "-ERR invalid expire time in 'expire' command"),
            ("PEXPIRE a 9223372036854775807", "-ERR invalid expire time in 'pexpire' command"),
            ("EXPIREAT a 9223372036854776", "-ERR invalid expire time in 'expireat' command"),
            ("PEXPIREAT a 9223372036854775808", "-ERR value is not an integer or out of range"),
            ("TTL a", ":-1"),
            ("EXPIREAT a 9223372036854775", ":1"),
            ("PEXPIREAT a 32503680000999", ":1"),
            ("PEXPIRETIME a", ":32503680000999"),
            ("EXPIRETIME a", ":32503680001"),
            ("PEXPIREAT a 32503680000499", ":1"),
            ("EXPIRETIME a", ":32503680000"),
            ("EXPIREAT a 32503680000", ":1"),
            ("PEXPIRETIME a", ":32503680000000"),
        ],
    );
    for past in [
        "EXPIRE a 0",
        "EXPIRE a -1",
        "PEXPIRE a -9223372036854775808",
        "EXPIREAT a 1",
        "PEXPIREAT a 0",
    ] {
        check(&mut client, &[("SET a 1", "+OK"), (past, ":1"), ("EXISTS a", ":0")]);
    }
    // A refused condition comes before the removal.
    check(
        &mut client,
        &[
            ("SET a 1", "+OK"),
            ("EXPIRE a -1 XX", ":0"),
            ("EXPIRE a -1 GT", ":0"),
            ("EXISTS a", ":1"),
            ("EXPIRE a -1 LT", ":1"),
            ("EXISTS a", ":0"),
        ],
    );
}

#[test]
fn deadlines_are_told_and_kept() {
    let server = TestServer::manual();
    let mut client = server.raw();
    let soon = format!(":{}", START_MS + 1500);
    check(
        &mut client,
        &[
            ("TTL a", ":-2"),
            ("PTTL a", ":-2"),
            ("EXPIRETIME a", ":-2"),
            ("PEXPIRETIME a", ":-2"),
            ("SET a 1", "+OK"),
            ("TTL a", ":-1"),
            ("PTTL a", ":-1"),
            ("EXPIRETIME a", ":-1"),
            ("PEXPIRETIME a", ":-1"),
            ("PERSIST a", ":0"),
            ("PERSIST nope", ":0"),
            ("PEXPIRE a 1500", ":1"),
            ("PTTL a", ":1500"),
            ("TTL a", ":2"),
            ("PEXPIRETIME a", soon.as_str()),
        ],
    );
    server.advance_ms(1001);
    check(&mut client, &[("TTL a", ":0"), ("PTTL a", ":499")]);
    server.advance_ms(498);
    assert_eq!(client.ask("EXISTS a"), ":1");
    server.advance_ms(1);
    check(&mut client, &[("EXISTS a", ":0"), ("TTL a", ":-2"), ("GET a", "$-1")]);
    server.wait_until("the key to be removed", || client_dbsize(&server) == ":0");
}

fn client_dbsize(server: &TestServer) -> String {
    server.raw().ask("DBSIZE")
}

#[test]
fn deadlines_are_recorded_as_times() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("SET a 1", "+OK"),
            ("EXPIRE a 100", ":1"),
            ("EXPIRE a 50 GT", ":0"),
            ("PERSIST a", ":1"),
            ("PERSIST a", ":0"),
            ("EXPIRE a -1", ":1"),
        ],
    );
    let set = format!("PEXPIREAT a {}", START_MS + 100_000);
    assert_eq!(effects(&server)[1..], [set.as_str(), "PERSIST a", "DEL a"]);
}

#[test]
fn object() {
    let server = TestServer::manual();
    let mut client = server.raw();
    let no_frequency = "-ERR An LFU maxmemory policy is not selected, access frequency not \
        tracked. Please note that when switching between policies at runtime LRU and LFU data \
        will take some time to adjust.";
    for subcommand in ["ENCODING", "FREQ", "IDLETIME", "REFCOUNT"] {
        assert_eq!(client.ask(&format!("OBJECT {subcommand} nope")), "$-1");
    }
    check(
        &mut client,
        &[
            ("SET n 12", "+OK"),
            ("SET s text", "+OK"),
            ("RPUSH l 1", ":1"),
            ("OBJECT ENCODING n", "$3 int"),
            ("OBJECT ENCODING s", "$6 embstr"),
            ("object encoding l", "$8 listpack"),
            ("OBJECT REFCOUNT n", ":1"),
            ("OBJECT FREQ n", no_frequency),
            ("OBJECT IDLETIME n", ":0"),
        ],
    );
    server.advance_ms(2_999);
    // Looking does not count as use, not even for TYPE, EXISTS and TTL.
    check(
        &mut client,
        &[
            ("TYPE n", "+string"),
            ("EXISTS n", ":1"),
            ("TTL n", ":-1"),
            ("OBJECT ENCODING n", "$3 int"),
            ("OBJECT IDLETIME n", ":2"),
            ("CLIENT NO-TOUCH ON", "+OK"),
            ("GET n", "$2 12"),
            ("OBJECT IDLETIME n", ":2"),
            ("TOUCH n", ":1"),
            ("OBJECT IDLETIME n", ":0"),
        ],
    );
    server.advance_ms(1_000);
    check(
        &mut client,
        &[
            ("GET n", "$2 12"),
            ("OBJECT IDLETIME n", ":1"),
            ("CLIENT NO-TOUCH OFF", "+OK"),
            ("GET n", "$2 12"),
            ("OBJECT IDLETIME n", ":0"),
            ("OBJECT ENCODING", "-ERR wrong number of arguments for 'object|encoding' command"),
            ("OBJECT NOSUCH n", "-ERR unknown subcommand 'NOSUCH'. Try OBJECT HELP."),
        ],
    );
    client.ask("HELLO 3");
    assert_eq!(client.ask("OBJECT IDLETIME nope"), "_");
}

#[test]
fn flush_and_count() {
    let server = TestServer::start();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("SET a 1", "+OK"),
            ("SET b 1", "+OK"),
            ("SELECT 1", "+OK"),
            ("SET c 1", "+OK"),
            ("DBSIZE", ":1"),
            ("FLUSHDB", "+OK"),
            ("DBSIZE", ":0"),
            ("SELECT 0", "+OK"),
            ("DBSIZE", ":2"),
            ("FLUSHDB NOSUCH", "-ERR syntax error"),
            ("FLUSHDB SYNC ASYNC", "-ERR syntax error"),
            ("FLUSHALL NOSUCH", "-ERR syntax error"),
            ("DBSIZE", ":2"),
            ("FLUSHDB async", "+OK"),
            ("DBSIZE", ":0"),
            ("SET a 1", "+OK"),
            ("SELECT 5", "+OK"),
            ("FLUSHALL SYNC", "+OK"),
            ("SELECT 0", "+OK"),
            ("DBSIZE", ":0"),
            ("FLUSHALL", "+OK"),
            ("DBSIZE x", "-ERR wrong number of arguments for 'dbsize' command"),
        ],
    );
}

#[test]
fn a_flush_breaks_watches_on_what_was_there() {
    for flush in ["FLUSHDB", "FLUSHALL ASYNC"] {
        let server = TestServer::start();
        let mut client = server.raw();
        let mut other = server.raw();
        check(&mut client, &[("SET k 1", "+OK"), ("WATCH k", "+OK")]);
        assert_eq!(other.ask(flush), "+OK");
        check(&mut client, &[("MULTI", "+OK"), ("PING", "+QUEUED"), ("EXEC", "*-1")]);
        check(&mut client, &[("WATCH k", "+OK")]);
        assert_eq!(other.ask(flush), "+OK");
        check(&mut client, &[("MULTI", "+OK"), ("PING", "+QUEUED"), ("EXEC", "*1 +PONG")]);
    }
}

#[test]
fn swapdb() {
    let server = TestServer::start();
    let mut client = server.raw();
    let out_of_range = "-ERR DB index is out of range";
    check(
        &mut client,
        &[
            ("SET k zero", "+OK"),
            ("EXPIRE k 100", ":1"),
            ("SELECT 1", "+OK"),
            ("SET k one", "+OK"),
            ("SWAPDB 0 1", "+OK"),
            ("GET k", "$4 zero"),
            ("TTL k", ":100"),
            ("SELECT 0", "+OK"),
            ("GET k", "$3 one"),
            ("SWAPDB 0 0", "+OK"),
            ("GET k", "$3 one"),
            ("SWAPDB x y", "-ERR invalid first DB index"),
            ("SWAPDB 99 x", "-ERR invalid second DB index"),
            ("SWAPDB 99 0", out_of_range),
            ("SWAPDB 0 -1", out_of_range),
            ("SWAPDB 0", "-ERR wrong number of arguments for 'swapdb' command"),
        ],
    );
}

#[test]
fn moving_a_list_serves_who_waits_for_it() {
    let server = TestServer::start();
    for (prepare, arrive) in [
        ("RPUSH src 1", "RENAME src dst"),
        ("RPUSH src 1", "RENAMENX src dst"),
        ("RPUSH src 1", "COPY src dst"),
    ] {
        let mut waits = server.raw();
        let mut client = server.raw();
        client.ask("FLUSHALL");
        waits.command("BLPOP dst 0");
        server.wait_blocked(1);
        assert_eq!(client.ask(prepare), ":1");
        client.ask(arrive);
        assert_eq!(waits.reply(), "*2 $3 dst $1 1", "{arrive}");
    }
    for arrive in ["MOVE dst 0", "SWAPDB 0 1", "COPY dst dst DB 0"] {
        let mut waits = server.raw();
        let mut client = server.raw();
        client.ask("FLUSHALL");
        waits.command("BLPOP dst 0");
        server.wait_blocked(1);
        check(&mut client, &[("SELECT 1", "+OK"), ("RPUSH dst 1", ":1")]);
        client.ask(arrive);
        assert_eq!(waits.reply(), "*2 $3 dst $1 1", "{arrive}");
    }
}
