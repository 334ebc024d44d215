//! MONITOR, through real sockets.

mod support;

use support::{Raw, START_MS, TestServer};

/// The next line that a monitor sees, without its time and the caller's address.
fn seen(monitor: &mut Raw) -> String {
    let line = monitor.reply();
    let time = format!("+{}.{:06} [", START_MS / 1000, START_MS % 1000 * 1000);
    let rest = line.strip_prefix(&time).unwrap_or_else(|| panic!("{line}"));
    let (place, words) = rest.split_once("] ").expect("words follow");
    let (db, from) = place.split_once(' ').expect("a database and an address");
    assert!(from.starts_with("127.0.0.1:"), "{line}");
    format!("{db} {words}")
}

#[test]
fn every_command_is_shown_as_it_is_run() {
    let server = TestServer::manual();
    let (mut monitor, mut client) = (server.raw(), server.raw());
    assert_eq!(monitor.ask("MONITOR"), "+OK");
    for (command, line) in [
        ("SET k a\"\\\t\u{1}", r#"0 "SET" "k" "a\"\\\t\x01""#),
        ("get nosuch", r#"0 "get" "nosuch""#),
        ("SELECT 3", r#"3 "SELECT" "3""#),
        ("INCR text", r#"3 "INCR" "text""#),
        ("PUBLISH c m", r#"3 "PUBLISH" "c" "m""#),
        ("RESET", r#"0 "RESET""#),
    ] {
        client.ask(command);
        assert_eq!(seen(&mut monitor), line);
    }
    for command in ["MULTI", "SET x 1", "GET x", "EXEC"] {
        client.ask(command);
    }
    for line in [r#"0 "MULTI""#, r#"0 "SET" "x" "1""#, r#"0 "GET" "x""#, r#"0 "EXEC""#] {
        assert_eq!(seen(&mut monitor), line);
    }
    client.command("BLPOP list 0");
    assert_eq!(seen(&mut monitor), r#"0 "BLPOP" "list" "0""#);
    server.raw().ask("RPUSH list x");
    assert_eq!(seen(&mut monitor), r#"0 "RPUSH" "list" "x""#, "what is served is not shown again");
}

#[test]
fn passwords_and_dangerous_commands_are_not_shown() {
    let server = TestServer::manual();
    let (mut monitor, mut client) = (server.raw(), server.raw());
    monitor.ask("MONITOR");
    client.ask("CONFIG SET requirepass secret");
    client.ask("CLIENT LIST");
    client.ask("NOSUCH command");
    client.ask("GET");
    client.ask("AUTH wrong");
    assert_eq!(seen(&mut monitor), r#"0 "AUTH" "(redacted)""#);
    client.ask("AUTH default secret");
    assert_eq!(seen(&mut monitor), r#"0 "AUTH" "(redacted)" "(redacted)""#);
    client.ask("HELLO 2 AUTH default secret SETNAME me");
    let line = r#"0 "HELLO" "2" "AUTH" "(redacted)" "(redacted)" "SETNAME" "me""#;
    assert_eq!(seen(&mut monitor), line);
}

#[test]
fn a_monitor_keeps_out_of_the_keys() {
    let server = TestServer::manual();
    let (mut monitor, mut client) = (server.raw(), server.raw());
    monitor.ask("MONITOR");
    assert_eq!(monitor.ask("GET k"), "-ERR Replica can't interact with the keyspace");
    assert_eq!(monitor.ask("PING"), "+PONG");
    assert_eq!(seen(&mut monitor), r#"0 "PING""#);
    monitor.command("MONITOR");
    assert!(client.ask("CLIENT LIST").contains("flags=O"));
    assert_eq!(monitor.ask("RESET"), "+RESET");
    client.ask("GET k");
    assert_eq!(monitor.ask("GET k"), "$-1");
    monitor.ask("MULTI");
    monitor.ask("MONITOR");
    assert_eq!(monitor.ask("EXEC"), "*1 -ERR MONITOR isn't allowed for DENY BLOCKING client");
}
