//! CLIENT and its subcommands.

mod support;

use std::time::Duration;

use support::{Raw, TestServer};

/// The value of a field in a line of CLIENT LIST.
fn field<'a>(line: &'a str, name: &str) -> &'a str {
    let prefix = format!("{name}=");
    line.split([' ', '\n'])
        .find_map(|word| word.strip_prefix(&prefix))
        .unwrap_or_else(|| panic!("no {name} in {line}"))
}

fn id_of(client: &mut Raw) -> u64 {
    client.ask("CLIENT ID")[1..].parse().expect("an id is a number")
}

/// Blocks a client, whichever command can.
fn block(server: &TestServer, client: &mut Raw) {
    client.command("BLPOP nothing 0");
    server.wait_blocked(1);
}

#[test]
fn names_have_no_spaces() {
    let server = TestServer::start();
    let mut client = server.raw();
    let refused = "-ERR Client names cannot contain spaces, newlines or special characters.";
    assert_eq!(client.ask("CLIENT GETNAME"), "$-1");
    assert_eq!(client.ask("CLIENT SETNAME a!~"), "+OK");
    for name in ["a\nb", "a\u{7f}", "\u{e9}", "\t"] {
        assert_eq!(client.ask(&format!("CLIENT SETNAME {name}")), refused, "{name:?}");
    }
    assert_eq!(client.ask("CLIENT GETNAME"), "$3 a!~");
    assert_eq!(client.ask("CLIENT SETNAME \"\""), "+OK");
    assert_eq!(client.ask("CLIENT GETNAME"), "$-1");
    client.ask("HELLO 3");
    assert_eq!(client.ask("CLIENT GETNAME"), "_");
}

#[test]
fn libraries_say_what_they_are() {
    let server = TestServer::start();
    let mut client = server.raw();
    assert_eq!(client.ask("CLIENT SETINFO lib-name redis-py(x)"), "+OK");
    assert_eq!(client.ask("CLIENT SETINFO LIB-VER 1.0"), "+OK");
    assert_eq!(
        client.ask("CLIENT SETINFO lib-ver 1\n0"),
        "-ERR lib-ver cannot contain spaces, newlines or special characters."
    );
    assert_eq!(client.ask("CLIENT SETINFO nosuch x"), "-ERR Unrecognized option 'nosuch'");
    let line = client.ask("CLIENT INFO");
    assert_eq!(field(&line, "lib-name"), "redis-py(x)");
    assert_eq!(field(&line, "lib-ver"), "1.0");
    assert_eq!(client.ask("CLIENT SETINFO LIB-NAME \"\""), "+OK");
    assert_eq!(field(&client.ask("CLIENT INFO"), "lib-name"), "");
}

#[test]
fn info_tells_the_truth_about_itself() {
    let server = TestServer::manual();
    let mut client = server.raw();
    let id = id_of(&mut client);
    server.advance_ms(5_999);
    client.ask("HELLO 3 SETNAME me");
    client.ask("SELECT 3");
    client.ask("WATCH a b");
    server.advance_ms(2_000);
    let line = client.ask("CLIENT INFO");
    assert!(
        line.starts_with(&format!("={} txt:id={id} addr=127.0.0.1:", line.len() - 4)),
        "{line}"
    );
    for (name, value) in [
        ("laddr", server.address.to_string().as_str()),
        ("name", "me"),
        ("age", "7"),
        ("idle", "2"),
        ("flags", "N"),
        ("db", "3"),
        ("sub", "0"),
        ("psub", "0"),
        ("ssub", "0"),
        ("multi", "-1"),
        ("watch", "2"),
        ("multi-mem", "0"),
        ("obl", "0"),
        ("oll", "0"),
        ("omem", "0"),
        ("events", "r"),
        ("cmd", "client|info"),
        ("user", "default"),
        ("redir", "-1"),
        ("resp", "3"),
        ("io-thread", "0"),
        ("tot-cmds", "4"),
    ] {
        assert_eq!(field(&line, name), value, "{name}");
    }
    let sent = field(&line, "tot-net-in").parse::<u64>().expect("a number");
    let expected: usize =
        ["CLIENT ID", "HELLO 3 SETNAME me", "SELECT 3", "WATCH a b", "CLIENT INFO"]
            .iter()
            .map(|line| {
                let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
                let mut request = Vec::new();
                forebay::resp::text::write_request(&mut request, &words);
                request.len()
            })
            .sum();
    assert_eq!(sent, expected as u64);
    assert!(field(&line, "fd").parse::<i32>().expect("a number") > 2);
    assert!(field(&line, "tot-mem").parse::<u64>().expect("a number") > 0);
    assert!(field(&line, "tot-net-out").parse::<u64>().expect("a number") > 0);
}

#[test]
fn the_fields_stand_in_the_order_of_redis() {
    let server = TestServer::start();
    let line = server.raw().ask("CLIENT INFO");
    let names: Vec<&str> = line
        .split_whitespace()
        .skip(1)
        .map(|word| word.split_once('=').expect("fields are name=value").0)
        .collect();
    assert_eq!(
        names.join(" "),
        "id addr laddr fd name age idle flags db sub psub ssub multi watch qbuf qbuf-free argv-mem \
         multi-mem rbs rbp obl oll omem tot-mem events cmd user redir resp lib-name lib-ver \
         io-thread tot-net-in tot-net-out tot-cmds"
    );
}

#[test]
fn flags_follow_the_state() {
    let server = TestServer::start();
    let mut client = server.raw();
    let mut other = server.raw();
    let id = id_of(&mut client);
    let mut flags = || {
        let line = other.ask(&format!("CLIENT LIST ID {id}"));
        field(&line, "flags").to_string()
    };
    assert_eq!(flags(), "N");
    client.ask("CLIENT NO-EVICT on");
    assert_eq!(flags(), "e");
    client.ask("CLIENT NO-TOUCH on");
    assert_eq!(flags(), "eT");
    client.ask("CLIENT NO-EVICT off");
    client.ask("CLIENT NO-TOUCH OFF");
    client.ask("MULTI");
    client.ask("DEL some key");
    assert_eq!(flags(), "x");
    let line = server.raw().ask(&format!("CLIENT LIST ID {id}"));
    assert_eq!(field(&line, "multi"), "1");
    assert!(field(&line, "multi-mem").parse::<u64>().expect("a number") >= 11);
    client.ask("DISCARD");
    assert_eq!(flags(), "N");
    assert_eq!(client.ask("CLIENT NO-EVICT maybe"), "-ERR syntax error");
    assert_eq!(client.ask("CLIENT NO-TOUCH maybe"), "-ERR syntax error");
}

#[test]
fn a_running_transaction_shows() {
    let server = TestServer::start();
    let mut client = server.raw();
    assert_eq!(client.ask("MULTI"), "+OK");
    assert_eq!(client.ask("CLIENT INFO"), "+QUEUED");
    let line = client.ask("EXEC");
    assert_eq!((field(&line, "flags"), field(&line, "multi")), ("x", "1"));
    assert_eq!(field(&line, "cmd"), "exec");
    let line = client.ask("CLIENT INFO");
    assert_eq!((field(&line, "flags"), field(&line, "multi")), ("N", "-1"));
}

#[test]
fn list_filters() {
    let server = TestServer::start();
    let mut one = server.raw();
    let mut two = server.raw();
    let (first, second) = (id_of(&mut one), id_of(&mut two));
    let mut ids = |request: &str| -> Vec<u64> {
        let reply = one.ask(request);
        assert!(reply.starts_with('$'), "{request}: {reply}");
        let lines = reply.split_whitespace().filter_map(|word| word.strip_prefix("id="));
        lines.map(|id| id.parse().expect("an id is a number")).collect()
    };
    assert_eq!(ids("CLIENT LIST"), [first, second]);
    assert_eq!(ids("CLIENT LIST TYPE NORMAL"), [first, second]);
    for kind in ["master", "replica", "SLAVE", "pubsub"] {
        assert!(ids(&format!("CLIENT LIST TYPE {kind}")).is_empty());
    }
    assert_eq!(ids(&format!("CLIENT LIST ID {second}")), [second]);
    assert_eq!(ids(&format!("CLIENT LIST ID {second} 99999 {first} -1 0")), [second, first]);
    assert!(ids("CLIENT LIST ID 99999").is_empty());
    for (request, reply) in [
        ("CLIENT LIST x", "-ERR syntax error"),
        ("CLIENT LIST TYPE", "-ERR syntax error"),
        ("CLIENT LIST TYPE normal x", "-ERR syntax error"),
        ("CLIENT LIST TYPE nosuch", "-ERR Unknown client type 'nosuch'"),
        ("CLIENT LIST ID", "-ERR syntax error"),
        ("CLIENT LIST ID x", "-ERR Invalid client ID"),
        ("CLIENT LIST ID 1 x", "-ERR Invalid client ID"),
        ("CLIENT LIST ID 99999999999999999999", "-ERR Invalid client ID"),
    ] {
        assert_eq!(two.ask(request), reply, "{request}");
    }
    two.ask("HELLO 3");
    assert_eq!(two.ask("CLIENT LIST ID 99999"), "=4 txt:");
}

#[test]
fn a_client_that_has_gone_is_not_listed() {
    let server = TestServer::start();
    let mut stays = server.raw();
    let mut goes = server.raw();
    let id = id_of(&mut goes);
    drop(goes);
    server.wait_until("the client to go", || server.server.clients.get(id).is_none());
    assert_eq!(stays.ask(&format!("CLIENT LIST ID {id}")), "$0");
}

#[test]
fn kill_by_address() {
    let server = TestServer::start();
    let mut killer = server.raw();
    let mut victim = server.raw();
    let address = field(&victim.ask("CLIENT INFO"), "addr").to_string();
    assert_eq!(killer.ask("CLIENT KILL 1.2.3.4:5"), "-ERR No such client");
    assert_eq!(killer.ask(&format!("CLIENT KILL {address}")), "+OK");
    assert!(victim.closed());
    // In this form one's own connection is not spared; the answer still comes.
    let own = field(&killer.ask("CLIENT INFO"), "addr").to_string();
    killer.command(&format!("CLIENT KILL {own}"));
    killer.command("PING");
    assert_eq!(killer.reply(), "+OK");
    assert!(killer.closed());
}

#[test]
fn kill_by_filters() {
    let server = TestServer::manual();
    let mut old = server.raw();
    id_of(&mut old);
    server.advance_ms(10_000);
    let mut killer = server.raw();
    let own = id_of(&mut killer);
    let mut victim = server.raw();
    let id = id_of(&mut victim);
    assert_eq!(killer.ask("CLIENT KILL ID 99999"), ":0");
    assert_eq!(killer.ask(&format!("CLIENT KILL ID {id} TYPE pubsub")), ":0");
    assert_eq!(killer.ask(&format!("CLIENT KILL ID {id} ADDR 1.2.3.4:5")), ":0");
    assert_eq!(killer.ask(&format!("CLIENT KILL ID {id} LADDR 1.2.3.4:5")), ":0");
    assert_eq!(killer.ask(&format!("CLIENT KILL ID {id} MAXAGE 11")), ":0");
    assert_eq!(killer.ask(&format!("CLIENT KILL ID {own}")), ":0", "oneself is skipped");
    assert_eq!(victim.ask("PING"), "+PONG");
    let laddr = server.address;
    let request = format!("CLIENT KILL ID {id} TYPE normal USER default LADDR {laddr} SKIPME yes");
    assert_eq!(killer.ask(&request), ":1");
    assert!(victim.closed());
    assert_eq!(killer.ask("CLIENT KILL MAXAGE 10 SKIPME no"), ":1");
    assert!(old.closed());
    let mut others: Vec<Raw> = (0..3).map(|_| server.raw()).collect();
    others.iter_mut().for_each(|client| {
        id_of(client);
    });
    assert_eq!(killer.ask("CLIENT KILL TYPE normal"), ":3");
    assert!(others.iter_mut().all(Raw::closed));
    killer.command(&format!("CLIENT KILL ID {own} SKIPME no"));
    killer.command("PING");
    assert_eq!(killer.reply(), ":1");
    assert!(killer.closed(), "what is behind the own end is not answered");
}

#[test]
fn kill_refuses_what_it_does_not_know() {
    let server = TestServer::start();
    let mut client = server.raw();
    for (request, reply) in [
        ("CLIENT KILL", "-ERR wrong number of arguments for 'client|kill' command"),
        ("CLIENT KILL ID", "-ERR No such client"),
        ("CLIENT KILL ID x", "-ERR client-id should be greater than 0"),
        ("CLIENT KILL ID 0", "-ERR client-id should be greater than 0"),
        ("CLIENT KILL TYPE nosuch", "-ERR Unknown client type 'nosuch'"),
        ("CLIENT KILL USER nobody", "-ERR No such user 'nobody'"),
        ("CLIENT KILL SKIPME maybe", "-ERR syntax error"),
        ("CLIENT KILL MAXAGE x", "-ERR maxage is not an integer or out of range"),
        ("CLIENT KILL MAXAGE 0", "-ERR maxage should be greater than 0"),
        ("CLIENT KILL NOSUCH x", "-ERR syntax error"),
        ("CLIENT KILL ID 1 TYPE", "-ERR syntax error"),
        ("CLIENT NOSUCH", "-ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP."),
        ("CLIENT", "-ERR wrong number of arguments for 'client' command"),
    ] {
        assert_eq!(client.ask(request), reply, "{request}");
    }
}

#[test]
fn replies_can_be_turned_off() {
    let server = TestServer::start();
    let mut client = server.raw();
    for line in ["CLIENT REPLY SKIP", "ECHO unheard", "ECHO heard"] {
        client.command(line);
    }
    assert_eq!(client.reply(), "$5 heard");
    for line in ["CLIENT REPLY OFF", "ECHO a", "NOSUCH", "CLIENT REPLY SKIP", "ECHO b", "ECHO c"] {
        client.command(line);
    }
    assert_eq!(client.ask("CLIENT REPLY ON"), "+OK");
    assert_eq!(client.ask("PING"), "+PONG");
    assert_eq!(client.ask("CLIENT REPLY maybe"), "-ERR syntax error");
}

#[test]
fn pause_holds_writes_or_everything() {
    let server = TestServer::manual();
    let mut client = server.raw();
    let mut other = server.raw();
    assert_eq!(client.ask("CLIENT PAUSE 1000 WRITE"), "+OK");
    assert_eq!(other.ask("PING"), "+PONG");
    assert_eq!(other.ask("EXISTS k"), ":0");
    other.command("DEL k");
    assert_eq!(client.ask("PING"), "+PONG");
    // A shorter pause does not end the longer one.
    assert_eq!(client.ask("CLIENT PAUSE 1 WRITE"), "+OK");
    server.advance_ms(999);
    assert_eq!(client.ask("PING"), "+PONG");
    assert!(!other.has_reply_within(Duration::from_millis(20)), "the pause is not over");
    server.advance_ms(1);
    assert_eq!(other.reply(), ":0");
    // A script may write unless it says that it does not; so may what brings messages about.
    for (held, reply) in [
        ("DEL k", ":0"),
        ("EVAL return(1) 0", ":1"),
        ("EVALSHA none 0", "-NOSCRIPT No matching script. Please use EVAL."),
        ("FCALL none 0", "-ERR Function not found"),
        ("PUBLISH c m", ":0"),
        ("PFCOUNT k", ":0"),
    ] {
        assert_eq!(client.ask("CLIENT PAUSE 1000 WRITE"), "+OK");
        assert_eq!(client.ask("EVAL_RO return(1) 0"), ":1");
        client.send(b"EVAL \"#!lua flags=no-writes\\nreturn 1\" 0\r\n");
        assert_eq!(client.reply(), ":1");
        other.command(held);
        assert!(!other.has_reply_within(Duration::from_millis(20)), "{held}");
        assert_eq!(client.ask("CLIENT UNPAUSE"), "+OK");
        assert_eq!(other.reply(), reply);
    }
    assert_eq!(client.ask("CLIENT PAUSE 1000"), "+OK");
    other.command("PING");
    assert!(!other.has_reply_within(Duration::from_millis(20)), "reads are held as well");
    server.advance_ms(1000);
    assert_eq!(other.reply(), "+PONG");
    for (request, reply) in [
        ("CLIENT PAUSE x", "-ERR timeout is not an integer or out of range"),
        ("CLIENT PAUSE 1.5", "-ERR timeout is not an integer or out of range"),
        ("CLIENT PAUSE -1", "-ERR timeout is negative"),
        ("CLIENT PAUSE 9223372036854775807", "-ERR timeout is out of range"),
        ("CLIENT PAUSE x nosuch", "-ERR CLIENT PAUSE mode must be WRITE or ALL"),
        (
            "CLIENT PAUSE 1 ALL x",
            "-ERR unknown subcommand or wrong number of arguments for 'PAUSE'. Try CLIENT HELP.",
        ),
    ] {
        assert_eq!(client.ask(request), reply, "{request}");
    }
    assert_eq!(client.ask("CLIENT PAUSE 0"), "+OK");
    assert_eq!(other.ask("DEL k"), ":0");
}

#[test]
fn a_touched_watch_shows() {
    let server = TestServer::start();
    let mut client = server.raw();
    let mut other = server.raw();
    let id = id_of(&mut client);
    other.ask("SET k v");
    client.ask("WATCH k");
    other.ask("DEL k");
    assert_eq!(field(&other.ask(&format!("CLIENT LIST ID {id}")), "flags"), "d");
    client.ask("UNWATCH");
    assert_eq!(field(&other.ask(&format!("CLIENT LIST ID {id}")), "flags"), "N");
}

#[test]
fn unblock_ends_a_wait() {
    let server = TestServer::start();
    let mut client = server.raw();
    let mut other = server.raw();
    let id = id_of(&mut client);
    for (how, reply) in [
        ("", "*-1"),
        (" TIMEOUT", "*-1"),
        (" error", "-UNBLOCKED client unblocked via CLIENT UNBLOCK"),
    ] {
        block(&server, &mut client);
        let line = other.ask(&format!("CLIENT LIST ID {id}"));
        assert_eq!((field(&line, "flags"), field(&line, "cmd")), ("b", "blpop"));
        assert_eq!(other.ask(&format!("CLIENT UNBLOCK {id}{how}")), ":1");
        assert_eq!(client.reply(), reply);
        assert_eq!(other.ask(&format!("CLIENT UNBLOCK {id}")), ":0", "it waits no more");
        assert_eq!(client.ask("PING"), "+PONG");
    }
    for (request, reply) in [
        ("CLIENT UNBLOCK x", "-ERR value is not an integer or out of range"),
        ("CLIENT UNBLOCK 99999", ":0"),
        ("CLIENT UNBLOCK -1", ":0"),
        ("CLIENT UNBLOCK x nosuch", "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"),
        (
            "CLIENT UNBLOCK 1 ERROR x",
            "-ERR unknown subcommand or wrong number of arguments for 'UNBLOCK'. Try CLIENT HELP.",
        ),
    ] {
        assert_eq!(other.ask(request), reply, "{request}");
    }
}

#[test]
fn a_blocked_client_can_be_killed() {
    let server = TestServer::start();
    let mut client = server.raw();
    let id = id_of(&mut client);
    block(&server, &mut client);
    assert_eq!(server.raw().ask(&format!("CLIENT KILL ID {id}")), ":1");
    assert!(client.closed());
    server.wait_until("the client to go", || server.server.clients.get(id).is_none());
}

#[test]
fn a_silent_client_gets_no_reply_to_a_wait_either() {
    let server = TestServer::start();
    let (mut silent, mut other) = (server.raw(), server.raw());
    silent.command("CLIENT REPLY OFF");
    silent.command("BLPOP q 0");
    server.wait_blocked(1);
    assert_eq!(other.ask("RPUSH q a"), ":1");
    silent.command("CLIENT REPLY ON");
    assert_eq!(silent.reply(), "+OK");
    silent.command("CLIENT REPLY SKIP");
    silent.command("BLPOP q 0");
    server.wait_blocked(1);
    assert_eq!(other.ask("RPUSH q b"), ":1");
    assert_eq!(silent.ask("PING"), "+PONG");
}
