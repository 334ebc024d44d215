//! MIGRATE: keys to another server, whole or not at all, whatever happens to them meanwhile.

mod support;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use support::{Raw, TestServer, check, effects};

fn port(server: &TestServer) -> u16 {
    server.address.port()
}

/// One key of each type, of which the string has a deadline.
fn fill(client: &mut Raw) {
    for line in [
        "SET string value PX 100000",
        "RPUSH list a b c",
        "SADD set 1 2 x",
        "ZADD zset 1.5 a -inf b",
        "HSET hash f v g w",
        "XADD stream 1-1 f v",
        "XGROUP CREATE stream g 0",
        "XREADGROUP GROUP g c STREAMS stream >",
    ] {
        assert!(!client.ask(line).starts_with('-'), "{line}");
    }
}

const KEYS: &str = "string list set zset hash stream";

#[test]
fn keys_of_every_type_move() {
    let (here, there) = (TestServer::manual(), TestServer::manual());
    let (mut client, mut other) = (here.raw(), there.raw());
    fill(&mut client);
    let keys: Vec<&str> = KEYS.split(' ').collect();
    let dumps: Vec<String> = keys.iter().map(|key| client.ask(&format!("DUMP {key}"))).collect();
    here.sink.drain();
    let line = format!("MIGRATE 127.0.0.1 {} \"\" 0 1000 KEYS {KEYS} none", port(&there));
    assert_eq!(client.ask(&line), "+OK");
    assert_eq!(client.ask("DBSIZE"), ":0");
    let removed: Vec<String> = keys.iter().map(|key| format!("DEL {key}")).collect();
    assert_eq!(effects(&here), removed);
    for (key, dump) in keys.iter().zip(dumps) {
        assert_eq!(other.ask(&format!("DUMP {key}")), dump, "{key}");
    }
    check(
        &mut other,
        &[
            ("PTTL string", ":100000"),
            ("PTTL list", ":-1"),
            ("XPENDING stream g", "*4 :1 $3 1-1 $3 1-1 *1 *2 $1 c $1 1"),
        ],
    );
    assert_eq!(client.ask(&line), "+NOKEY");
}

#[test]
fn options_are_redis_s() {
    let (here, there) = (TestServer::manual(), TestServer::manual());
    let (mut client, mut other) = (here.raw(), there.raw());
    let to = port(&there);
    let busy = "-ERR Target instance replied with error: BUSYKEY Target key name already exists.";
    let index = "-ERR Target instance replied with error: ERR DB index is out of range";
    let nobody = "-IOERR error or timeout writing to target instance";
    let both =
        "-ERR When using MIGRATE KEYS option, the key argument must be set to the empty string";
    let integer = "-ERR value is not an integer or out of range";
    for (rest, reply, is_left, there) in [
        ("k 0 1000", "+OK", ":0", "$3 new"),
        ("k 0 1000 COPY", "+OK", ":1", "$3 new"),
        ("k 1 1000 copy", "+OK", ":1", "$-1"),
        ("k 99 1000", index, ":1", "$3 new"),
        ("none 0 1000", "+NOKEY", ":1", "$-1"),
        ("k x 1000", integer, ":1", "$-1"),
        ("k 0 x", integer, ":1", "$-1"),
        ("k 0 1000 NOSUCH", "-ERR syntax error", ":1", "$-1"),
        ("k 0 1000 AUTH", "-ERR syntax error", ":1", "$-1"),
        ("k 0 1000 AUTH2 user", "-ERR syntax error", ":1", "$-1"),
        ("k 0 1000 KEYS k", both, ":1", "$-1"),
        ("\"\" 0 1000 KEYS", "+NOKEY", ":1", "$-1"),
        ("\"\" 0 0 KEYS none k", "+OK", ":0", "$3 new"),
    ] {
        check(&mut client, &[("SET k new", "+OK")]);
        other.ask("FLUSHALL");
        assert_eq!(client.ask(&format!("MIGRATE 127.0.0.1 {to} {rest}")), reply, "{rest}");
        assert_eq!(client.ask("EXISTS k"), is_left, "{rest}");
        assert_eq!(other.ask("GET k"), there, "{rest}");
    }
    // One that is in the way there stays here; the other one goes.
    other.ask("FLUSHALL");
    check(&mut client, &[("SET k new", "+OK"), ("SET l new", "+OK")]);
    check(&mut other, &[("SET k old", "+OK")]);
    assert_eq!(client.ask(&format!("MIGRATE 127.0.0.1 {to} \"\" 0 1000 KEYS k l")), busy);
    check(&mut client, &[("EXISTS k", ":1"), ("EXISTS l", ":0")]);
    check(&mut other, &[("GET k", "$3 old"), ("GET l", "$3 new")]);
    assert_eq!(client.ask(&format!("MIGRATE 127.0.0.1 {to} k 0 1000 REPLACE")), "+OK");
    check(&mut other, &[("GET k", "$3 new")]);
    check(&mut client, &[("SET k new", "+OK")]);
    assert_eq!(client.ask("MIGRATE 127.0.0.1 1 k 0 1000"), nobody);
    let unknown = "-IOERR error or timeout connecting to the client";
    assert_eq!(client.ask("MIGRATE no.such.host.invalid 1 k 0 5000"), unknown);
    assert_eq!(client.ask("EXISTS k"), ":1");
}

#[test]
fn a_target_with_a_password_wants_it() {
    let here = TestServer::manual();
    let there = TestServer::configured("requirepass secret\nuser carol on >pw ~* +@all\n");
    let mut client = here.raw();
    let to = port(&there);
    let wrong = "-ERR Target instance replied with error: WRONGPASS invalid username-password pair \
                 or user is disabled.";
    let none = "-ERR Target instance replied with error: NOAUTH Authentication required.";
    for (login, reply) in [
        ("", none),
        (" AUTH nope", wrong),
        (" AUTH2 carol nope", wrong),
        (" AUTH secret", "+OK"),
        (" REPLACE AUTH2 carol pw", "+OK"),
    ] {
        client.ask("SET k v");
        assert_eq!(
            client.ask(&format!("MIGRATE 127.0.0.1 {to} k 0 1000{login}")),
            reply,
            "{login}"
        );
        let left = if reply == "+OK" { ":0" } else { ":1" };
        assert_eq!(client.ask("EXISTS k"), left, "{login}");
    }
    // The slow log keeps no passwords.
    client.ask("CONFIG SET slowlog-log-slower-than 0");
    client.ask(&format!("MIGRATE 127.0.0.1 {to} k 0 1000 AUTH2 carol pw"));
    let log = client.ask("SLOWLOG GET 1");
    assert!(log.contains("AUTH2 $10 (redacted) $10 (redacted)"), "{log}");
}

#[test]
fn transactions_and_scripts_migrate_as_part_of_their_step() {
    let (here, there) = (TestServer::manual(), TestServer::manual());
    let (mut client, mut other) = (here.raw(), there.raw());
    let to = port(&there);
    check(&mut client, &[("SET k 1", "+OK"), ("MULTI", "+OK"), ("INCR k", "+QUEUED")]);
    assert_eq!(client.ask(&format!("MIGRATE 127.0.0.1 {to} k 0 1000")), "+QUEUED");
    check(&mut client, &[("EXISTS k", "+QUEUED"), ("EXEC", "*3 :2 +OK :0")]);
    assert_eq!(effects(&here).last().map(String::as_str), Some("INCRBY k 1; DEL k"));
    check(&mut other, &[("GET k", "$1 2")]);
    client.ask("SET k 3");
    let script = "return(redis.call('migrate','127.0.0.1',ARGV[1],KEYS[1],0,1000,'REPLACE'))";
    assert_eq!(client.ask(&format!("EVAL {script} 1 k {to}")), "+OK");
    check(&mut client, &[("EXISTS k", ":0")]);
    check(&mut other, &[("GET k", "$1 3")]);
}

/// A target in the hands of the test.
struct Target {
    listener: TcpListener,
}

impl Target {
    fn new() -> Target {
        Target { listener: TcpListener::bind("127.0.0.1:0").expect("a port is free") }
    }

    fn port(&self) -> u16 {
        self.listener.local_addr().expect("it listens").port()
    }

    /// What comes over the next connection, up to a request with `last`; it is not answered yet.
    fn requests(&self, last: &str) -> (TcpStream, String) {
        let (mut stream, _) = self.listener.accept().expect("somebody connects");
        let mut text = String::new();
        let mut buffer = [0; 4096];
        while !text.contains(last) {
            let len = stream.read(&mut buffer).expect("it can be read");
            assert!(len > 0, "it ended with {text}");
            text += &String::from_utf8_lossy(&buffer[..len]);
        }
        (stream, text)
    }
}

#[test]
fn what_changes_on_its_way_is_sent_again() {
    let here = TestServer::start();
    let target = Target::new();
    let (mut client, mut other) = (here.raw(), here.raw());
    other.ask("SET k first");
    other.ask("SET l first");
    client.command(&format!("MIGRATE 127.0.0.1 {} \"\" 0 5000 KEYS k l", target.port()));
    let (mut stream, text) = target.requests("\r\nl\r\n");
    assert!(text.contains("RESTORE") && !text.contains("REPLACE"), "{text}");
    // Nothing is locked meanwhile.
    check(&mut other, &[("GET k", "$5 first"), ("SET k second", "+OK"), ("GET k", "$6 second")]);
    stream.write_all(b"+OK\r\n+OK\r\n+OK\r\n").expect("it listens");
    let (mut stream, text) = target.requests("REPLACE");
    assert!(
        text.contains("second") && !text.contains("\r\nl\r\n"),
        "only what has changed: {text}"
    );
    check(&mut other, &[("EXISTS l", ":0"), ("DEL k", ":1")]);
    stream.write_all(b"+OK\r\n+OK\r\n").expect("it listens");
    // What was removed here is removed there.
    let (mut stream, text) = target.requests("\r\nk\r\n");
    assert!(text.contains("DEL") && !text.contains("RESTORE"), "{text}");
    stream.write_all(b"+OK\r\n:1\r\n").expect("it listens");
    assert_eq!(client.reply(), "+OK");
    check(&mut other, &[("DBSIZE", ":0")]);
}

#[test]
fn a_target_that_fails_leaves_the_keys_here() {
    let here = TestServer::start();
    let mut client = here.raw();
    let reading = "-IOERR error or timeout reading to target instance";
    client.ask("SET k v");
    client.ask("SET l v");
    // Says nothing.
    let target = Target::new();
    assert_eq!(client.ask(&format!("MIGRATE 127.0.0.1 {} k 0 50", target.port())), reading);
    // Says that one has arrived, and goes.
    let target = Target::new();
    client.command(&format!("MIGRATE 127.0.0.1 {} \"\" 0 5000 KEYS k l", target.port()));
    let (mut stream, _) = target.requests("\r\nl\r\n");
    stream.write_all(b"+OK\r\n+OK\r\n").expect("it listens");
    drop(stream);
    assert_eq!(client.reply(), reading);
    check(&mut client, &[("EXISTS k", ":0"), ("EXISTS l", ":1")]);
    // A client that is let go by another one does not wait for it.
    let mut other = here.raw();
    let id = client.ask("CLIENT ID").trim_start_matches(':').to_string();
    client.command(&format!("MIGRATE 127.0.0.1 {} l 0 5000", target.port()));
    let (stream, _) = target.requests("\r\nl\r\n");
    assert_eq!(other.ask(&format!("CLIENT UNBLOCK {id}")), ":1");
    assert_eq!(client.reply(), reading);
    drop(stream);
    assert_eq!(other.ask("EXISTS l"), ":1");
}
