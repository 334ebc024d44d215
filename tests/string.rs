//! The string commands.

mod support;

use redis::Commands;
use support::{START_MS, TestServer, check, effects};

#[test]
fn set_with_every_option() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("SET k v", "+OK"),
            ("GET k", "$1 v"),
            ("SET k v2 NX", "$-1"),
            ("SET k v2 XX", "+OK"),
            ("SET new v XX", "$-1"),
            ("SET new v NX", "+OK"),
            ("GET new", "$1 v"),
            ("SET k v3 GET", "$2 v2"),
            ("SET k v4 NX GET", "$2 v3"),
            ("SET gone v4 NX GET", "$-1"),
            ("GET gone", "$2 v4"),
            ("SET absent v XX GET", "$-1"),
            ("EXISTS absent", ":0"),
            ("SET k v EX 100", "+OK"),
            ("TTL k", ":100"),
            ("SET k v KEEPTTL", "+OK"),
            ("TTL k", ":100"),
            ("SET k v", "+OK"),
            ("TTL k", ":-1"),
            ("SET k v PX 100000 NX", "$-1"),
            ("SET k v PX 100000 XX", "+OK"),
            ("TTL k", ":100"),
            ("SET k v EXAT 32503680000", "+OK"),
            ("EXPIRETIME k", ":32503680000"),
            ("SET k v PXAT 32503680000123", "+OK"),
            ("PEXPIRETIME k", ":32503680000123"),
            ("set k v ex 5 ex 100", "+OK"),
            ("TTL k", ":100"),
            ("SET k v NX NX", "$-1"),
            ("SET k v EXAT 1", "+OK"),
            ("EXISTS k", ":0"),
            ("SET k v", "+OK"),
            // Errors, in the order in which they are found.
            ("SET k v NX XX", "-ERR syntax error"),
            ("SET k v XX NX", "-ERR syntax error"),
            ("SET k v EX 10 PX 10", "-ERR syntax error"),
            ("SET k v EX 10 KEEPTTL", "-ERR syntax error"),
            ("SET k v KEEPTTL EX 10", "-ERR syntax error"),
            ("SET k v EX", "-ERR syntax error"),
            ("SET k v PERSIST", "-ERR syntax error"),
            ("SET k v WRONG", "-ERR syntax error"),
            ("SET k v EX abc", "-ERR value is not an integer or out of range"),
            ("SET k v EX 1.5", "-ERR value is not an integer or out of range"),
            ("SET k v EX 0", "-ERR invalid expire time in 'set' command"),
            ("SET k v PX -1", "-ERR invalid expire time in 'set' command"),
            ("SET k v EX 9223372036854775807", "-ERR invalid expire time in 'set' command"),
            ("SET k v PX 9223372036854775807", "-ERR invalid expire time in 'set' command"),
            ("SET k v EXAT 0", "-ERR invalid expire time in 'set' command"),
            ("SET k v NX EX 0", "-ERR invalid expire time in 'set' command"),
            ("SET k v FOO EX 0", "-ERR syntax error"),
            ("SET k", "-ERR wrong number of arguments for 'set' command"),
            ("SET", "-ERR wrong number of arguments for 'set' command"),
            ("GET k", "$1 v"),
            ("RPUSH l a", ":1"),
            ("SET l v GET", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("SET l v NX", "$-1"),
            ("SET l v EX 0 GET", "-ERR invalid expire time in 'set' command"),
            ("SET l v", "+OK"),
            ("TYPE l", "+string"),
        ],
    );
}

#[test]
fn set_and_get_in_their_older_forms() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("SETNX k v", ":1"),
            ("SETNX k w", ":0"),
            ("GET k", "$1 v"),
            ("SETEX k 100 v", "+OK"),
            ("TTL k", ":100"),
            ("PSETEX k 100000 w", "+OK"),
            ("TTL k", ":100"),
            ("GET k", "$1 w"),
            ("GETSET k x", "$1 w"),
            ("TTL k", ":-1"),
            ("GETSET new y", "$-1"),
            ("GET new", "$1 y"),
            ("GETDEL new", "$1 y"),
            ("GETDEL new", "$-1"),
            ("EXISTS new", ":0"),
            ("SETEX k 0 v", "-ERR invalid expire time in 'setex' command"),
            ("SETEX k -1 v", "-ERR invalid expire time in 'setex' command"),
            ("SETEX k abc v", "-ERR value is not an integer or out of range"),
            ("SETEX k 9223372036854775807 v", "-ERR invalid expire time in 'setex' command"),
            ("PSETEX k 0 v", "-ERR invalid expire time in 'psetex' command"),
            ("PSETEX k abc v", "-ERR value is not an integer or out of range"),
            ("SETEX k 100", "-ERR wrong number of arguments for 'setex' command"),
            ("GET k", "$1 x"),
            ("RPUSH l a", ":1"),
            ("GET l", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("GETSET l v", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("GETDEL l", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("SETNX l v", ":0"),
            ("STRLEN l", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("TYPE l", "+list"),
            ("SETEX l 100 v", "+OK"),
            ("TYPE l", "+string"),
            ("GET", "-ERR wrong number of arguments for 'get' command"),
            ("GET a b", "-ERR wrong number of arguments for 'get' command"),
        ],
    );
}

#[test]
fn getex() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("GETEX k", "$-1"),
            ("GETEX k EX abc", "$-1"),
            ("GETEX k EX 0", "$-1"),
            ("SET k v", "+OK"),
            ("GETEX k", "$1 v"),
            ("TTL k", ":-1"),
            ("GETEX k EX 100", "$1 v"),
            ("TTL k", ":100"),
            ("GETEX k PX 200000", "$1 v"),
            ("TTL k", ":200"),
            ("GETEX k EXAT 32503680000", "$1 v"),
            ("EXPIRETIME k", ":32503680000"),
            ("GETEX k PXAT 32503680000123", "$1 v"),
            ("PEXPIRETIME k", ":32503680000123"),
            ("GETEX k PERSIST", "$1 v"),
            ("TTL k", ":-1"),
            ("GETEX k PERSIST", "$1 v"),
            ("GETEX k ex 10 ex 100", "$1 v"),
            ("TTL k", ":100"),
            ("GETEX k", "$1 v"),
            ("TTL k", ":100"),
            ("GETEX k EX 10 PX 10", "-ERR syntax error"),
            ("GETEX k EX 10 PERSIST", "-ERR syntax error"),
            ("GETEX k PERSIST EX 10", "-ERR syntax error"),
            ("GETEX k KEEPTTL", "-ERR syntax error"),
            ("GETEX k NX", "-ERR syntax error"),
            ("GETEX k EX", "-ERR syntax error"),
            ("GETEX k EX 0", "-ERR invalid expire time in 'getex' command"),
            ("GETEX k EX abc", "-ERR value is not an integer or out of range"),
            ("GETEX k PX 9223372036854775807", "-ERR invalid expire time in 'getex' command"),
            ("GETEX", "-ERR wrong number of arguments for 'getex' command"),
            ("GETEX k EXAT 1", "$1 v"),
            ("EXISTS k", ":0"),
            ("RPUSH l a", ":1"),
            ("GETEX l EX 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("GETEX l WRONG", "-ERR syntax error"),
        ],
    );
}

#[test]
fn several_keys_at_once() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("MSET a 1 b two", "+OK"),
            ("MGET a b c a", "*4 $1 1 $3 two $-1 $1 1"),
            ("RPUSH l x", ":1"),
            ("MGET l a", "*2 $-1 $1 1"),
            ("MSETNX a 9 c 3", ":0"),
            ("EXISTS c", ":0"),
            ("MSETNX c 3 d 4", ":1"),
            ("MGET c d", "*2 $1 3 $1 4"),
            ("MSET a 1 b", "-ERR wrong number of arguments for 'mset' command"),
            ("MSETNX a 1 b", "-ERR wrong number of arguments for 'msetnx' command"),
            ("MSET a", "-ERR wrong number of arguments for 'mset' command"),
            ("MGET", "-ERR wrong number of arguments for 'mget' command"),
            ("MSET a 1 a 2", "+OK"),
            ("GET a", "$1 2"),
            ("SET t v EX 100", "+OK"),
            ("MSET t w l v", "+OK"),
            ("TTL t", ":-1"),
            ("TYPE l", "+string"),
        ],
    );
}

#[test]
fn append_and_ranges() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("APPEND k abc", ":3"),
            ("APPEND k def", ":6"),
            ("GET k", "$6 abcdef"),
            ("APPEND k \"\"", ":6"),
            ("OBJECT ENCODING k", "$3 raw"),
            ("APPEND n 12", ":2"),
            ("OBJECT ENCODING n", "$3 int"),
            ("APPEND n 3", ":3"),
            ("OBJECT ENCODING n", "$3 raw"),
            ("INCR n", ":124"),
            ("STRLEN k", ":6"),
            ("STRLEN none", ":0"),
            ("STRLEN n", ":3"),
            ("GETRANGE k 0 2", "$3 abc"),
            ("GETRANGE k -3 -1", "$3 def"),
            ("GETRANGE k 0 -1", "$6 abcdef"),
            ("GETRANGE k 4 100", "$2 ef"),
            ("GETRANGE k 6 10", "$0"),
            ("GETRANGE k 3 1", "$0"),
            ("GETRANGE k -100 1", "$2 ab"),
            ("GETRANGE k -1 -3", "$0"),
            ("GETRANGE k -100 -100", "$1 a"),
            ("GETRANGE k -9223372036854775808 9223372036854775807", "$6 abcdef"),
            ("GETRANGE none 0 -1", "$0"),
            ("GETRANGE n 0 1", "$2 12"),
            ("SUBSTR k 1 2", "$2 bc"),
            ("GETRANGE k a 1", "-ERR value is not an integer or out of range"),
            ("GETRANGE k 0 b", "-ERR value is not an integer or out of range"),
            ("GETRANGE k 0", "-ERR wrong number of arguments for 'getrange' command"),
            ("SETRANGE k 1 XY", ":6"),
            ("GET k", "$6 aXYdef"),
            ("SETRANGE k 8 zz", ":10"),
            ("STRLEN k", ":10"),
            ("GETRANGE k 0 5", "$6 aXYdef"),
            ("SETRANGE new 2 ab", ":4"),
            ("STRLEN new", ":4"),
            ("SETRANGE absent 5 \"\"", ":0"),
            ("EXISTS absent", ":0"),
            ("SETRANGE k 3 \"\"", ":10"),
            ("SETRANGE k -1 x", "-ERR offset is out of range"),
            ("SETRANGE k abc x", "-ERR value is not an integer or out of range"),
            (
                "SETRANGE k 536870912 x",
                "-ERR string exceeds maximum allowed size (proto-max-bulk-len)",
            ),
            (
                "SETRANGE none 536870911 xx",
                "-ERR string exceeds maximum allowed size (proto-max-bulk-len)",
            ),
            ("EXISTS none", ":0"),
            ("SET i 1234", "+OK"),
            ("SETRANGE i 0 \"\"", ":4"),
            ("OBJECT ENCODING i", "$3 int"),
            ("SETRANGE i 0 9", ":4"),
            ("OBJECT ENCODING i", "$3 raw"),
            ("RPUSH l a", ":1"),
            ("APPEND l x", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            (
                "GETRANGE l 0 1",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            ("GETRANGE l a 1", "-ERR value is not an integer or out of range"),
            (
                "SETRANGE l 0 x",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            (
                "SETRANGE l 0 \"\"",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            ("SETRANGE l -1 x", "-ERR offset is out of range"),
        ],
    );
}

#[test]
fn digests_and_conditions() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("DIGEST none", "$-1"),
            ("SET k hello", "+OK"),
            ("DIGEST k", "$16 9555e8555c62dcfd"),
            ("SET e \"\"", "+OK"),
            ("DIGEST e", "$16 2d06800538d394c2"),
            ("SET n 123", "+OK"),
            ("DIGEST n", "$16 404a763b3f4c8c9a"),
            ("SET z v8", "+OK"),
            ("DIGEST z", "$16 0cc76dbb41381419"),
            ("RPUSH l a", ":1"),
            ("DIGEST l", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("DIGEST", "-ERR wrong number of arguments for 'digest' command"),
            ("DIGEST k z", "-ERR wrong number of arguments for 'digest' command"),
            ("SET k world IFEQ other", "$-1"),
            ("SET k world IFEQ hello", "+OK"),
            ("GET k", "$5 world"),
            ("SET k hello IFNE world", "$-1"),
            ("SET k hello IFNE other", "+OK"),
            ("GET k", "$5 hello"),
            ("SET none v IFEQ x", "$-1"),
            ("EXISTS none", ":0"),
            ("SET none v IFNE x", "+OK"),
            ("GET none", "$1 v"),
            ("SET k two IFDEQ 0000000000000000", "$-1"),
            ("SET k two IFDEQ 9555E8555C62DCFD", "+OK"),
            ("SET k hello IFDNE 9555e8555c62dcfd", "+OK"),
            ("GET k", "$5 hello"),
            ("SET k other IFDNE 9555e8555c62dcfd", "$-1"),
            ("SET k x IFDEQ 12", "-ERR must be exactly 16 hexadecimal characters"),
            ("SET k x IFDNE 12345678901234567", "-ERR must be exactly 16 hexadecimal characters"),
            ("SET nokey x IFDEQ 12", "$-1"),
            ("SET nokey x IFDNE 12", "+OK"),
            ("GET nokey", "$1 x"),
            ("SET k new IFEQ other GET", "$5 hello"),
            ("SET k new IFEQ no GET", "$5 hello"),
            ("GET k", "$5 hello"),
            ("SET n 12 IFEQ 123 EX 100", "+OK"),
            ("TTL n", ":100"),
            ("SET n 13 IFEQ 12 KEEPTTL", "+OK"),
            ("TTL n", ":100"),
            ("SET n 13 IFEQ 13 IFEQ 99", "$-1"),
            ("SET n 13 IFEQ 13 IFNE 12", "-ERR syntax error"),
            ("SET n 13 IFEQ 13 NX", "-ERR syntax error"),
            ("SET n 13 XX IFEQ 13", "-ERR syntax error"),
            ("SET n 13 IFEQ", "-ERR syntax error"),
            (
                "SET l x IFEQ a",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            (
                "SET l x IFNE a",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            (
                "SET l x IFDEQ 12",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
        ],
    );
}

#[test]
fn delex() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("DELEX none", ":0"),
            ("SET k hello", "+OK"),
            ("DELEX k", ":1"),
            ("EXISTS k", ":0"),
            ("RPUSH l a", ":1"),
            ("DELEX l IFEQ a", "-ERR Key should be of string type if conditions are specified"),
            ("DELEX l WRONG a", "-ERR Key should be of string type if conditions are specified"),
            ("DELEX l", ":1"),
            ("SET k hello", "+OK"),
            ("DELEX k IFEQ other", ":0"),
            ("DELEX k IFNE hello", ":0"),
            ("DELEX k ifeq hello", ":1"),
            ("SET k hello", "+OK"),
            ("DELEX k IFNE other", ":1"),
            ("SET k hello", "+OK"),
            ("DELEX k IFDEQ 0000000000000000", ":0"),
            ("DELEX k IFDNE 9555e8555c62dcfd", ":0"),
            ("DELEX k IFDEQ 123", "-ERR must be exactly 16 hexadecimal characters"),
            ("DELEX k IFDEQ 9555e8555c62dcfd", ":1"),
            ("SET k hello", "+OK"),
            ("DELEX k IFDNE zzzzzzzzzzzzzzzz", ":1"),
            ("SET k hello", "+OK"),
            ("DELEX k WRONG hello", "-ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE"),
            ("DELEX none WRONG hello", ":0"),
            ("DELEX none IFDEQ 1", ":0"),
            ("DELEX k IFEQ", "-ERR wrong number of arguments for 'delex' command"),
            ("DELEX k IFEQ hello extra", "-ERR wrong number of arguments for 'delex' command"),
            ("DELEX none IFEQ", "-ERR wrong number of arguments for 'delex' command"),
            ("DELEX", "-ERR wrong number of arguments for 'delex' command"),
        ],
    );
}

#[test]
fn msetex() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("MSETEX 2 a 1 b 2", ":1"),
            ("MGET a b", "*2 $1 1 $1 2"),
            ("MSETEX 2 a 3 c 4 NX", ":0"),
            ("EXISTS c", ":0"),
            ("MSETEX 2 c 4 d 5 NX EX 100", ":1"),
            ("TTL c", ":100"),
            ("MSETEX 2 a 6 none 7 XX", ":0"),
            ("GET a", "$1 1"),
            ("MSETEX 2 c 6 d 7 XX KEEPTTL", ":1"),
            ("TTL d", ":100"),
            ("MSETEX 1 c 8", ":1"),
            ("TTL c", ":-1"),
            ("MSETEX 1 c 8 PX 100000", ":1"),
            ("TTL c", ":100"),
            ("MSETEX 1 c 8 EXAT 32503680000", ":1"),
            ("EXPIRETIME c", ":32503680000"),
            ("MSETEX 1 c 8 PXAT 32503680000123 XX", ":1"),
            ("PEXPIRETIME c", ":32503680000123"),
            ("MSETEX 1 c 8 EX 10 EX 100", ":1"),
            ("MSETEX 0 a 1", "-ERR invalid numkeys value"),
            ("MSETEX -1 a 1", "-ERR invalid numkeys value"),
            ("MSETEX x a 1", "-ERR invalid numkeys value"),
            ("MSETEX 2147483648 a 1", "-ERR invalid numkeys value"),
            ("MSETEX 2147483647 a 1", "-ERR wrong number of key-value pairs"),
            ("MSETEX 2 a 1 b", "-ERR wrong number of key-value pairs"),
            ("MSETEX 1 a 1 NX XX", "-ERR syntax error"),
            ("MSETEX 1 a 1 EX 10 PX 10", "-ERR syntax error"),
            ("MSETEX 1 a 1 KEEPTTL EX 10", "-ERR syntax error"),
            ("MSETEX 1 a 1 WRONG", "-ERR syntax error"),
            ("MSETEX 1 a 1 EX", "-ERR syntax error"),
            ("MSETEX 1 a 1 EX 0", "-ERR invalid expire time in 'msetex' command"),
            ("MSETEX 1 a 1 EX abc", "-ERR value is not an integer or out of range"),
            ("MSETEX 1 a 1 PERSIST", "-ERR syntax error"),
            ("MSETEX 1 a", "-ERR wrong number of arguments for 'msetex' command"),
        ],
    );
}

#[test]
fn lcs() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("MSET a ohmytext b mynewtext", "+OK"),
            ("LCS a b", "$6 mytext"),
            ("LCS a b LEN", ":6"),
            ("LCS a b IDX", "*4 $7 matches *2 *2 *2 :4 :7 *2 :5 :8 *2 *2 :2 :3 *2 :0 :1 $3 len :6"),
            (
                "LCS a b IDX WITHMATCHLEN",
                "*4 $7 matches *2 *3 *2 :4 :7 *2 :5 :8 :4 *3 *2 :2 :3 *2 :0 :1 :2 $3 len :6",
            ),
            ("LCS a b IDX MINMATCHLEN 4", "*4 $7 matches *1 *2 *2 :4 :7 *2 :5 :8 $3 len :6"),
            (
                "LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN",
                "*4 $7 matches *1 *3 *2 :4 :7 *2 :5 :8 :4 $3 len :6",
            ),
            (
                "LCS a b IDX MINMATCHLEN -1",
                "*4 $7 matches *2 *2 *2 :4 :7 *2 :5 :8 *2 *2 :2 :3 *2 :0 :1 $3 len :6",
            ),
            ("LCS a none", "$0"),
            ("LCS a none LEN", ":0"),
            ("LCS none none2 IDX", "*4 $7 matches *0 $3 len :0"),
            (
                "LCS a b LEN IDX",
                "-ERR If you want both the length and indexes, please just use IDX.",
            ),
            ("LCS a b MINMATCHLEN", "-ERR syntax error"),
            ("LCS a b MINMATCHLEN x", "-ERR value is not an integer or out of range"),
            ("LCS a b WRONG", "-ERR syntax error"),
            ("LCS a", "-ERR wrong number of arguments for 'lcs' command"),
            ("MSET x aaaa y aa", "+OK"),
            ("LCS x y IDX", "*4 $7 matches *1 *2 *2 :2 :3 *2 :0 :1 $3 len :2"),
            ("RPUSH l e", ":1"),
            ("LCS a l", "-ERR The specified keys must contain string values"),
            ("LCS l a WRONG", "-ERR The specified keys must contain string values"),
        ],
    );
}

#[test]
fn resp3_shapes() {
    let server = TestServer::manual();
    let mut client = server.raw();
    client.ask("HELLO 3");
    check(
        &mut client,
        &[
            ("MSET a ohmytext b mynewtext", "+OK"),
            ("LCS a b IDX", "%2 $7 matches *2 *2 *2 :4 :7 *2 :5 :8 *2 *2 :2 :3 *2 :0 :1 $3 len :6"),
            ("GET none", "_"),
            ("MGET none a", "*2 _ $8 ohmytext"),
            ("SET a v XX GET", "$8 ohmytext"),
            ("SET none v XX", "_"),
            ("INCREX f3 BYFLOAT 0.5", "*2 ,0.5 ,0.5"),
            ("INCREX n3 BYINT 5", "*2 :5 :5"),
            ("GETEX none", "_"),
            ("GETDEL none", "_"),
            ("GETSET fresh v", "_"),
            ("DIGEST none", "_"),
            ("SET missing v IFEQ x", "_"),
            ("INCRBYFLOAT f 0.5", "$3 0.5"),
        ],
    );
}

#[test]
fn a_deadline_ends_a_string() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(&mut client, &[("SET a 1 PX 1000", "+OK"), ("SETEX b 2 1", "+OK")]);
    check(&mut client, &[("INCREX c PX 3000", "*2 :1 :1"), ("MSETEX 1 d 1 PX 500", ":1")]);
    server.advance_ms(999);
    check(&mut client, &[("MGET a b c d", "*4 $1 1 $1 1 $1 1 $-1"), ("PTTL a", ":1")]);
    server.advance_ms(1);
    check(&mut client, &[("GET a", "$-1"), ("APPEND a x", ":1"), ("PTTL a", ":-1")]);
    check(&mut client, &[("GETEX b PX 5000", "$1 1"), ("INCR c", ":2")]);
    server.advance_ms(2_000);
    // What an increment meets after its deadline is gone: it starts from zero.
    check(&mut client, &[("INCR c", ":1"), ("TTL c", ":-1"), ("GET b", "$1 1")]);
    server.advance_ms(3_000);
    check(&mut client, &[("SET b 2 KEEPTTL", "+OK"), ("PTTL b", ":-1")]);
}

#[test]
fn a_string_is_at_most_as_long_as_an_argument() {
    let server = TestServer::configured("proto-max-bulk-len 1mb");
    let mut client = server.raw();
    let too_long = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)";
    check(
        &mut client,
        &[
            ("SETRANGE k 1048575 x", ":1048576"),
            ("APPEND k x", too_long),
            ("APPEND k \"\"", ":1048576"),
            ("SETRANGE k 1048576 x", too_long),
            ("SETRANGE other 1048576 x", too_long),
            ("EXISTS other", ":0"),
            ("SETRANGE k 1048575 y", ":1048576"),
            ("STRLEN k", ":1048576"),
            ("SET a aaaaaaaaaa", "+OK"),
            (
                "LCS a k",
                "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
            ),
        ],
    );
}

#[test]
fn what_is_recorded_needs_no_clock_and_no_arithmetic() {
    let server = TestServer::manual();
    let mut client = server.raw();
    let at = |ms: i64| (START_MS + ms).to_string();
    for (request, recorded) in [
        ("SET k v", "SET k v".to_owned()),
        ("SET k v2 EX 10 GET", format!("SET k v2 PXAT {}", at(10_000))),
        ("SET k v3 KEEPTTL", "SET k v3 KEEPTTL".to_owned()),
        ("SET k v4 NX", String::new()),
        ("SET k v4 IFEQ v3 PX 10", format!("SET k v4 PXAT {}", at(10))),
        ("GETEX k PX 50", format!("PEXPIREAT k {}", at(50))),
        ("GETEX k PERSIST", "PERSIST k".to_owned()),
        ("GETEX k PERSIST", String::new()),
        ("GETEX k", String::new()),
        ("GETEX k EXAT 1", "DEL k".to_owned()),
        ("GETDEL k", String::new()),
        ("SETNX k 1", "SET k 1".to_owned()),
        ("SETEX k 1 1", format!("SET k 1 PXAT {}", at(1_000))),
        ("INCR k", "INCRBY k 1".to_owned()),
        ("DECRBY k 5", "INCRBY k -5".to_owned()),
        ("INCRBYFLOAT k 0.1", "SET k -2.9 KEEPTTL".to_owned()),
        ("INCREX k BYFLOAT 0.9 PERSIST", "SET k -2".to_owned()),
        ("INCREX k PX 7", format!("SET k -1 PXAT {}", at(7))),
        ("INCREX k UBOUND -1", String::new()),
        ("INCREX k PXAT 1", "DEL k".to_owned()),
        ("APPEND k ab", "APPEND k ab".to_owned()),
        ("SETRANGE k 1 c", "SETRANGE k 1 c".to_owned()),
        ("SETRANGE k 9 \"\"", String::new()),
        ("GETSET k w", "SET k w".to_owned()),
        ("MSET a 1 b 2", "SET a 1; SET b 2".to_owned()),
        ("MSETNX a 1 c 2", String::new()),
        ("MSETEX 2 a 1 b 2 EX 1", format!("SET a 1 PXAT {0}; SET b 2 PXAT {0}", at(1_000))),
        ("DELEX a IFEQ 2", String::new()),
        ("DELEX a IFEQ 1", "DEL a".to_owned()),
        ("GETDEL k", "DEL k".to_owned()),
        ("INCR b c", String::new()),
    ] {
        client.ask(request);
        assert_eq!(effects(&server).join("; "), recorded, "{request}");
    }
}

#[test]
fn strings_through_a_client_library() {
    let server = TestServer::start();
    for mut connection in [server.connect(), server.connect3()] {
        let options = redis::SetOptions::default()
            .with_expiration(redis::SetExpiry::EX(100))
            .conditional_set(redis::ExistenceCheck::NX)
            .get(true);
        let value: &[u8] = b"\0binary\r\n\xff";
        let before: Option<Vec<u8>> = connection.set_options("k", value, options).unwrap();
        assert_eq!(before, None);
        assert_eq!(connection.get::<_, Vec<u8>>("k").unwrap(), value);
        assert!(connection.ttl::<_, i64>("k").unwrap() > 90);
        let () = connection.mset(&[("a", 1), ("b", 2)]).unwrap();
        assert_eq!(connection.incr::<_, _, i64>("a", 41).unwrap(), 42);
        assert_eq!(
            connection.mget::<_, Vec<Option<i64>>>(&["a", "b", "none"]).unwrap(),
            [Some(42), Some(2), None]
        );
        let error = connection.incr::<_, _, i64>("k", 1).unwrap_err();
        assert_eq!(error.detail(), Some("value is not an integer or out of range"));
        assert_eq!(connection.del::<_, i64>(&["k", "a", "b"]).unwrap(), 3);
    }
}
