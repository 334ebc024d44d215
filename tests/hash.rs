//! The hash commands.

mod support;

use redis::Commands;
use support::{TestServer, check, effects};

const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";

#[test]
fn fields_are_set_read_and_removed() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("HSET h a 1 b", "-ERR wrong number of arguments for 'hset' command"),
            ("HMSET h a 1 b", "-ERR wrong number of arguments for 'hmset' command"),
            ("HSET h a 1 b 2", ":2"),
            ("HSET h b 3 c 4 c 5", ":1"),
            ("HMSET h d 6", "+OK"),
            ("HGETALL h", "*8 $1 a $1 1 $1 b $1 3 $1 c $1 5 $1 d $1 6"),
            ("HKEYS h", "*4 $1 a $1 b $1 c $1 d"),
            ("HVALS h", "*4 $1 1 $1 3 $1 5 $1 6"),
            ("HGET h b", "$1 3"),
            ("HGET h x", "$-1"),
            ("HMGET h a x b", "*3 $1 1 $-1 $1 3"),
            ("HLEN h", ":4"),
            ("HEXISTS h a", ":1"),
            ("HEXISTS h x", ":0"),
            ("HSTRLEN h a", ":1"),
            ("HSTRLEN h x", ":0"),
            ("HSETNX h a 9", ":0"),
            ("HSETNX h e 9", ":1"),
            ("HDEL h a x a", ":1"),
            ("TYPE h", "+hash"),
            ("OBJECT ENCODING h", "$8 listpack"),
            ("HDEL h b c d e", ":4"),
            ("EXISTS h", ":0"),
            ("HGET h a", "$-1"),
            ("HMGET h a b", "*2 $-1 $-1"),
            ("HGETALL h", "*0"),
            ("HKEYS h", "*0"),
            ("HVALS h", "*0"),
            ("HLEN h", ":0"),
            ("HDEL h a", ":0"),
            ("SET s 1", "+OK"),
            ("HSET s a 1", WRONG_TYPE),
            ("HSETNX s a 1", WRONG_TYPE),
            ("HGET s a", WRONG_TYPE),
            ("HMGET s a", WRONG_TYPE),
            ("HGETALL s", WRONG_TYPE),
            ("HDEL s a", WRONG_TYPE),
            ("HLEN s", WRONG_TYPE),
            ("HSCAN s 0", WRONG_TYPE),
        ],
    );
    assert_eq!(client.ask("HELLO 3").chars().next(), Some('%'));
    check(&mut client, &[("HSET h a 1 b 2", ":2"), ("HGETALL h", "%2 $1 a $1 1 $1 b $1 2")]);
}

#[test]
fn the_form_follows_the_settings() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("CONFIG SET hash-max-listpack-entries 2 hash-max-listpack-value 5", "+OK"),
            ("HSET h a 1 b 2", ":2"),
            ("OBJECT ENCODING h", "$8 listpack"),
            ("HSET h c 3", ":1"),
            ("OBJECT ENCODING h", "$9 hashtable"),
            ("HDEL h c", ":1"),
            ("OBJECT ENCODING h", "$9 hashtable"),
            ("HSET i a 123456", ":1"),
            ("OBJECT ENCODING i", "$9 hashtable"),
            ("HSET j abcdef 1", ":1"),
            ("OBJECT ENCODING j", "$9 hashtable"),
            ("HSET k a 12345", ":1"),
            ("HEXPIRE k 100 FIELDS 1 a", "*1 :1"),
            ("OBJECT ENCODING k", "$10 listpackex"),
            ("HPERSIST k FIELDS 1 a", "*1 :1"),
            ("OBJECT ENCODING k", "$10 listpackex"),
            ("HINCRBY k a 999999", ":1012344"),
            ("OBJECT ENCODING k", "$9 hashtable"),
        ],
    );
}

#[test]
fn counters() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("HINCRBY h n 5", ":5"),
            ("HINCRBY h n -7", ":-2"),
            ("HINCRBY h n x", "-ERR value is not an integer or out of range"),
            ("HINCRBY s a x", "-ERR value is not an integer or out of range"),
            ("HSET h t text big 9223372036854775807 f 1.5 e \"\"", ":4"),
            ("HINCRBY h t 1", "-ERR hash value is not an integer"),
            ("HINCRBY h e 1", "-ERR hash value is not an integer"),
            ("HINCRBY h f 1", "-ERR hash value is not an integer"),
            ("HINCRBY h big 1", "-ERR increment or decrement would overflow"),
            ("HINCRBYFLOAT h f 0.25", "$4 1.75"),
            ("HINCRBYFLOAT h new 3.0e3", "$4 3000"),
            ("HINCRBYFLOAT h t 1", "-ERR hash value is not a float"),
            ("HINCRBYFLOAT h e 1", "-ERR hash value is not a float"),
            ("HINCRBYFLOAT h f x", "-ERR value is not a valid float"),
            ("HINCRBYFLOAT h f nan", "-ERR value is not a valid float"),
            ("HINCRBYFLOAT h f inf", "-ERR value is NaN or Infinity"),
            ("HEXPIRE h 100 FIELDS 2 n f", "*2 :1 :1"),
            ("HINCRBY h n 1", ":-1"),
            ("HINCRBYFLOAT h f 1", "$4 2.75"),
            ("HTTL h FIELDS 2 n f", "*2 :100 :100"),
            ("SET s v", "+OK"),
            ("HINCRBY s a 1", WRONG_TYPE),
            ("HINCRBYFLOAT s a 1", WRONG_TYPE),
        ],
    );
}

#[test]
fn deadlines_of_fields() {
    const COUNT: &str = "-ERR The `numfields` parameter must match the number of arguments";
    const ABOVE: &str = "-ERR Parameter `numFields` should be greater than 0";
    const POSITIVE: &str = "-ERR Number of fields must be a positive integer";
    const PLACE: &str = "-ERR Mandatory argument FIELDS is missing or not at the right position";
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("HSET h a 1 b 2 c 3 d 4", ":4"),
            ("HEXPIRE h 100 FIELDS 2 a x", "*2 :1 :-2"),
            ("HEXPIRE none 100 FIELDS 2 a x", "*2 :-2 :-2"),
            ("HTTL h FIELDS 3 a b x", "*3 :100 :-1 :-2"),
            ("HPTTL h FIELDS 1 a", "*1 :100000"),
            ("HEXPIRETIME h FIELDS 1 a", "*1 :1700000100"),
            ("HPEXPIRETIME h FIELDS 1 a", "*1 :1700000100000"),
            ("HTTL none FIELDS 1 a", "*1 :-2"),
            ("HEXPIRE h 50 NX FIELDS 2 a b", "*2 :0 :1"),
            ("HEXPIRE h 60 GT FIELDS 3 a b c", "*3 :0 :1 :0"),
            ("HEXPIRE h 70 LT FIELDS 3 a b c", "*3 :1 :0 :1"),
            ("HPEXPIRE h 80000 XX FIELDS 2 a d", "*2 :1 :0"),
            ("HPEXPIREAT h 1700000000500 FIELDS 1 d", "*1 :1"),
            ("HTTL h FIELDS 1 d", "*1 :1"),
            ("HPERSIST h FIELDS 3 a a x", "*3 :1 :-1 :-2"),
            ("HPERSIST none FIELDS 1 a", "*1 :-2"),
            ("HEXPIRE h 0 FIELDS 2 b b", "*2 :2 :-2"),
            ("HEXPIREAT h 1 FIELDS 1 c", "*1 :2"),
            ("HKEYS h", "*2 $1 a $1 d"),
            ("HEXPIRE h x FIELDS 1 a", "-ERR value is not an integer or out of range"),
            ("HEXPIRE h -1 FIELDS 1 a", "-ERR invalid expire time, must be >= 0"),
            (
                "HEXPIRE h 9223372036854775807 FIELDS 1 a",
                "-ERR invalid expire time in 'hexpire' command",
            ),
            (
                "HPEXPIREAT h 70368744177664 FIELDS 1 a",
                "-ERR invalid expire time in 'hpexpireat' command",
            ),
            ("HPEXPIREAT h 70368744177663 FIELDS 1 a", "*1 :1"),
            ("HEXPIRE h 1 FIELDS 2 a", COUNT),
            ("HEXPIRE h 1 FIELDS 1 a b", COUNT),
            ("HEXPIRE h 1 FIELDS 0 a", ABOVE),
            ("HEXPIRE h 1 FIELD 1 a", PLACE),
            ("HEXPIRE h 1 NX XX FIELDS 1 a", PLACE),
            ("HTTL h FIELDS 2 a", COUNT),
            ("HTTL h FIELDS 4294967296 a", COUNT),
            ("HTTL h FIELDS 0 a", POSITIVE),
            ("HTTL h a FIELDS 1", PLACE),
            ("SET s 1", "+OK"),
            ("HEXPIRE s x FIELDS 1 a", WRONG_TYPE),
            ("HTTL s FIELDS 0 a", WRONG_TYPE),
            ("HPERSIST s FIELDS 0 a", WRONG_TYPE),
            ("HSET h a 2", ":0"),
            ("HTTL h FIELDS 1 a", "*1 :-1"),
        ],
    );
}

#[test]
fn getting_and_setting_with_deadlines() {
    const POSITIVE: &str = "-ERR Number of fields must be a positive integer";
    const PLACE: &str = "-ERR Mandatory argument FIELDS is missing or not at the right position";
    const ARITY: &str = "-ERR wrong number of arguments for 'hsetex' command";
    const ONE_TIME: &str =
        "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified";
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("HSETEX h EX 100 FIELDS 2 a 1 b 2", ":1"),
            ("HTTL h FIELDS 2 a b", "*2 :100 :100"),
            ("HSETEX h FIELDS 1 a 3", ":1"),
            ("HSETEX h KEEPTTL FIELDS 2 b 4 c 5", ":1"),
            ("HTTL h FIELDS 3 a b c", "*3 :-1 :100 :-1"),
            ("HSETEX h FNX FIELDS 2 x 1 a 1", ":0"),
            ("HSETEX h FXX FIELDS 2 x 1 a 1", ":0"),
            ("HSETEX h FXX FIELDS 2 a 6 b 7", ":1"),
            ("HSETEX none FXX FIELDS 1 a 6", ":0"),
            ("HSETEX h PXAT 1 FIELDS 2 a 8 x 9", ":1"),
            ("HGETALL h", "*4 $1 b $1 7 $1 c $1 5"),
            ("HSETEX none PXAT 1 FIELDS 1 a 8", ":1"),
            ("EXISTS none", ":0"),
            (
                "HSETEX h FXX FNX FIELDS 1 a 1",
                "-ERR Only one of FXX or FNX arguments can be specified",
            ),
            ("HSETEX h EX 1 KEEPTTL FIELDS 1 a 1", ONE_TIME),
            ("HSETEX h PERSIST FIELDS 1 a 1", "-ERR unknown argument: PERSIST"),
            ("HSETEX h FIELDS 2 a 1", ARITY),
            ("HSETEX h FXX FIELDS x a", ARITY),
            ("HSETEX h FIELDS 1 a 1 b", ARITY),
            ("HSETEX h FIELDS 0 a 1", "-ERR invalid number of fields"),
            ("HSETEX h EX -1 FIELDS 1 a 1", "-ERR invalid expire time, must be >= 0"),
            ("HGETEX h EX 10 FIELDS 2 b x", "*2 $1 7 $-1"),
            ("HTTL h FIELDS 2 b c", "*2 :10 :-1"),
            ("HGETEX h PERSIST FIELDS 1 b", "*1 $1 7"),
            ("HTTL h FIELDS 1 b", "*1 :-1"),
            ("HGETEX h FIELDS 1 b", "*1 $1 7"),
            ("HGETEX none EX 1 FIELDS 2 a b", "*2 $-1 $-1"),
            ("HGETEX h PXAT 1 FIELDS 2 b b", "*2 $1 7 $-1"),
            ("HGETEX h FIELDS 0 b", POSITIVE),
            ("HGETEX h KEEPTTL FIELDS 1 b", PLACE),
            ("HGETEX h EX FIELDS 1 c", "-ERR value is not an integer or out of range"),
            ("HGETEX h EX 10 x", "-ERR wrong number of arguments for 'hgetex' command"),
            ("HGETDEL h FIELDS 0 c", POSITIVE),
            ("HGETDEL h FIELD 1 c", PLACE),
            ("HGETDEL none FIELDS 1 c", "*1 $-1"),
            ("HGETDEL h FIELDS 2 c c", "*2 $1 5 $-1"),
            ("EXISTS h", ":0"),
        ],
    );
}

#[test]
fn a_due_field_is_gone_at_once() {
    let server = TestServer::manual();
    let mut client = server.raw();
    // Only what reads, and writes in its place, make of it.
    for setup in ["HSET h a 1 b 2 c 3", "CONFIG SET hash-max-listpack-entries 1"] {
        client.ask("DEL h");
        client.ask(setup);
        client.ask("HSET h a 1 b 2 c 3");
        check(&mut client, &[("HPEXPIRE h 100 FIELDS 2 a b", "*2 :1 :1")]);
        server.server.keyspace.set_active_expiry(false);
        server.advance_ms(100);
        check(
            &mut client,
            &[
                ("HGET h a", "$-1"),
                ("HMGET h a c", "*2 $-1 $1 3"),
                ("HLEN h", ":1"),
                ("HGETALL h", "*2 $1 c $1 3"),
                ("HKEYS h", "*1 $1 c"),
                ("HVALS h", "*1 $1 3"),
                ("HEXISTS h a", ":0"),
                ("HSTRLEN h a", ":0"),
                ("HRANDFIELD h 10", "*1 $1 c"),
                ("HRANDFIELD h", "$1 c"),
                ("HSCAN h 0", "*2 $1 0 *2 $1 c $1 3"),
                ("HTTL h FIELDS 1 a", "*1 :-2"),
                ("HPERSIST h FIELDS 1 a", "*1 :-2"),
                ("HEXPIRE h 1 FIELDS 1 a", "*1 :-2"),
                ("HGETEX h EX 1 FIELDS 1 a", "*1 $-1"),
                ("HGETDEL h FIELDS 1 a", "*1 $-1"),
                ("HDEL h a", ":0"),
                ("HSETEX h FXX FIELDS 1 a 1", ":0"),
                ("HSETNX h a 9", ":1"),
                ("HINCRBY h b 5", ":5"),
                ("HTTL h FIELDS 2 a b", "*2 :-1 :-1"),
            ],
        );
        server.server.keyspace.set_active_expiry(true);
    }
}

#[test]
fn due_fields_are_removed_and_the_key_with_the_last() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("HSET h a 1 b 2", ":2"),
            ("HPEXPIRE h 100 FIELDS 1 a", "*1 :1"),
            ("HPEXPIRE h 200 FIELDS 1 b", "*1 :1"),
            ("COPY h i", ":1"),
            ("RENAME h j", "+OK"),
            ("HSETEX k PX 100 FIELDS 1 a 1", ":1"),
            ("DEL k", ":1"),
            ("CONFIG RESETSTAT", "+OK"),
        ],
    );
    drop(effects(&server));
    server.advance_ms(100);
    let removed = |count: u64| {
        let total = || {
            server
                .server
                .keyspace
                .run(forebay::keyspace::ShardSet::ALL, 0, 0, |tx| tx.expired_fields_total())
        };
        server.wait_until("the fields are removed", || total() == count);
    };
    removed(2);
    let mut found = effects(&server);
    found.sort();
    assert_eq!(found, ["HDEL i a", "HDEL j a"]);
    check(&mut client, &[("HKEYS i", "*1 $1 b"), ("DBSIZE", ":2")]);
    server.advance_ms(100);
    removed(4);
    check(&mut client, &[("DBSIZE", ":0"), ("EXISTS i j", ":0")]);
    let info = client.ask("INFO stats");
    assert!(info.contains("expired_subkeys:4"), "{info}");
}

#[test]
fn effects_say_what_was_done() {
    let server = TestServer::manual();
    let mut client = server.raw();
    for (command, expected) in [
        ("HMSET h a 1 b 2 c 3", vec!["HSET h a 1 b 2 c 3"]),
        ("HSETNX h a 2", vec![]),
        ("HINCRBY h a 4", vec!["HSET h a 5"]),
        ("HEXPIRE h 1 FIELDS 2 a x", vec!["HPEXPIREAT h 1700000001000 FIELDS 1 a"]),
        ("HINCRBY h a 4", vec!["HSETEX h KEEPTTL FIELDS 1 a 9"]),
        ("HINCRBYFLOAT h b 0.5", vec!["HSET h b 2.5"]),
        ("HPERSIST h FIELDS 2 a b", vec!["HPERSIST h FIELDS 1 a"]),
        ("HGETEX h EX 2 FIELDS 1 a", vec!["HPEXPIREAT h 1700000002000 FIELDS 1 a"]),
        ("HGETEX h FIELDS 1 a", vec![]),
        ("HSETEX h KEEPTTL FIELDS 2 a 1 b 2", vec!["HSETEX h KEEPTTL FIELDS 1 a 1; HSET h b 2"]),
        ("HSETEX h EX 3 FIELDS 1 b 7", vec!["HSETEX h PXAT 1700000003000 FIELDS 1 b 7"]),
        ("HGETDEL h FIELDS 2 b x", vec!["HDEL h b"]),
        ("HEXPIRE h 0 FIELDS 1 c", vec!["HDEL h c"]),
        ("HDEL h x", vec![]),
        ("HIMPORT PREPARE set f g", vec![]),
        ("HIMPORT SET h set 1 2", vec!["DEL h; HSET h f 1 g 2"]),
    ] {
        assert!(!client.ask(command).starts_with('-'), "{command}");
        assert_eq!(effects(&server), expected, "{command}");
    }
}

#[test]
fn scans() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("HSCAN none 0", "*2 $1 0 *0"),
            ("HSCAN none 0 WHAT", "*2 $1 0 *0"),
            ("HSCAN none x", "-ERR invalid cursor"),
            ("HSET h a 1 ab 2 b 3", ":3"),
            ("HSCAN h 0", "*2 $1 0 *6 $1 a $1 1 $2 ab $1 2 $1 b $1 3"),
            ("HSCAN h 17 NOVALUES MATCH a*", "*2 $1 0 *2 $1 a $2 ab"),
            ("HSCAN h 0 COUNT 0", "-ERR syntax error"),
            ("HSCAN h 0 COUNT x", "-ERR value is not an integer or out of range"),
            ("HSCAN h 0 MATCH", "-ERR syntax error"),
            ("HSCAN h 0 NOVALUE", "-ERR syntax error"),
        ],
    );
    let mut redis = server.connect();
    for n in 0..2000 {
        let _: i64 = redis.hset("large", format!("field {n}"), n).expect("an answer");
    }
    let (mut cursor, mut seen) = (String::from("0"), Vec::new());
    loop {
        let (next, fields): (String, Vec<String>) = redis::cmd("HSCAN")
            .arg(&["large", &cursor, "COUNT", "50", "NOVALUES"])
            .query(&mut redis)
            .expect("an answer");
        assert!((50..80).contains(&fields.len()) || next == "0", "{}", fields.len());
        // What is removed behind the scan moves nothing before it.
        let _: i64 = redis.hdel("large", &fields).expect("an answer");
        seen.extend(fields);
        cursor = next;
        if cursor == "0" {
            break;
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 2000);
}

#[test]
fn random_fields() {
    const RANGE: &str = "-ERR value is out of range, value must between \
                         -9223372036854775807 and 9223372036854775807";
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("HRANDFIELD none", "$-1"),
            ("HRANDFIELD none 3", "*0"),
            ("HSET h a 1", ":1"),
            ("HRANDFIELD h", "$1 a"),
            ("HRANDFIELD h 0", "*0"),
            ("HRANDFIELD h 5 WITHVALUES", "*2 $1 a $1 1"),
            ("HRANDFIELD h -3", "*3 $1 a $1 a $1 a"),
            ("HRANDFIELD h -2 WITHVALUES", "*4 $1 a $1 1 $1 a $1 1"),
            ("HRANDFIELD h x", "-ERR value is not an integer or out of range"),
            ("HRANDFIELD h 1 VALUES", "-ERR syntax error"),
            ("HRANDFIELD h -9223372036854775808", RANGE),
            ("HRANDFIELD h 9223372036854775807 WITHVALUES", "-ERR value is out of range"),
        ],
    );
    let mut redis = server.connect();
    for fields in [30, 3000] {
        let key = format!("h{fields}");
        for n in 0..fields {
            let _: i64 = redis.hset(&key, n, n).expect("an answer");
        }
        let mut seen = std::collections::HashSet::new();
        for count in [1, 5, fields / 4, fields / 2, fields - 1, fields] {
            let mut picked: Vec<String> =
                redis::cmd("HRANDFIELD").arg(&key).arg(count).query(&mut redis).expect("an answer");
            assert_eq!(picked.len(), count);
            picked.sort();
            picked.dedup();
            assert_eq!(picked.len(), count, "no field twice");
            seen.extend(picked);
        }
        assert_eq!(seen.len(), fields);
    }
}

#[test]
fn hashes_of_prepared_fields() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("HIMPORT PREPARE u name age", "+OK"),
            ("HIMPORT SET k u alice 30", "+OK"),
            ("HGETALL k", "*4 $4 name $5 alice $3 age $2 30"),
            ("HSET k other 1", ":1"),
            ("HIMPORT SET k u bob 31", "+OK"),
            ("HGETALL k", "*4 $4 name $3 bob $3 age $2 31"),
            ("HIMPORT SET k u bob", "-ERR value count does not match fieldset field count"),
            ("HIMPORT SET k v bob", "-ERR no such fieldset"),
            ("HIMPORT PREPARE v a b a", "-ERR duplicate field name in fieldset"),
            ("HIMPORT SET k v 1 2 3", "-ERR no such fieldset"),
            ("HIMPORT PREPARE u other", "+OK"),
            ("HIMPORT SET k u 1", "+OK"),
            ("HGETALL k", "*2 $5 other $1 1"),
            ("HIMPORT DISCARD u", ":1"),
            ("HIMPORT DISCARD u", ":0"),
            ("HIMPORT PREPARE a x", "+OK"),
            ("HIMPORT PREPARE b x", "+OK"),
            ("HIMPORT DISCARDALL", ":2"),
            ("HIMPORT DISCARDALL", ":0"),
            ("HIMPORT PREPARE a x", "+OK"),
            ("SET s 1", "+OK"),
            ("HIMPORT SET s a 1", WRONG_TYPE),
            ("RESET", "+RESET"),
            ("HIMPORT SET k a 1", "-ERR no such fieldset"),
            ("HIMPORT PREPARE a", "-ERR wrong number of arguments for 'himport|prepare' command"),
            ("HIMPORT WHAT", "-ERR unknown subcommand 'WHAT'. Try HIMPORT HELP."),
        ],
    );
}
