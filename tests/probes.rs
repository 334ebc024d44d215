//! What clients ask to find out what kind of server they talk to, and what it answers that has no
//! cluster, no replicas and no modules.

mod support;

use std::io::Write;

use support::{Raw, TestServer};

const NO_CLUSTER: &str = "-ERR This instance has cluster support disabled";
const NO_MODULES: &str = "-ERR MODULE command not allowed. If the enable-module-command option is set \
    to \"local\", you can run it from a local connection, otherwise you need to set this option in \
    the configuration file, and then restart the server.";

fn expect(client: &mut Raw, exchanges: &[(&str, &str)]) {
    for (request, reply) in exchanges {
        assert_eq!(client.ask(request), *reply, "{request}");
    }
}

#[test]
fn there_is_no_cluster() {
    let server = TestServer::start();
    let mut client = server.raw();
    for request in [
        "CLUSTER INFO",
        "CLUSTER NODES",
        "CLUSTER SLOTS",
        "CLUSTER SHARDS",
        "CLUSTER KEYSLOT x",
        "CLUSTER MYID",
        "CLUSTER HELP",
        "CLUSTER RESET HARD",
        "CLUSTER SLOT-STATS SLOTSRANGE 0 1",
        "READONLY",
        "READWRITE",
        "ASKING",
    ] {
        assert_eq!(client.ask(request), NO_CLUSTER, "{request}");
    }
    expect(
        &mut client,
        &[
            ("CLUSTER", "-ERR wrong number of arguments for 'cluster' command"),
            ("CLUSTER FOO", "-ERR unknown subcommand 'FOO'. Try CLUSTER HELP."),
            ("CLUSTER KEYSLOT", "-ERR wrong number of arguments for 'cluster|keyslot' command"),
        ],
    );
    assert!(client.ask("INFO cluster").ends_with("# Cluster cluster_enabled:0"));
}

#[test]
fn there_are_no_replicas() {
    let server = TestServer::start();
    let mut client = server.raw();
    let refused = "-ERR replication is not built: this server takes no replicas";
    expect(
        &mut client,
        &[
            ("ROLE", "*3 $6 master :0 *0"),
            ("REPLICAOF NO ONE", "+OK"),
            ("SLAVEOF no one", "+OK"),
            ("REPLICAOF x y", "-ERR Invalid master port"),
            ("REPLICAOF x 70000", "-ERR Invalid master port"),
            ("REPLICAOF x 7000", "-ERR replication is not built: this server can follow no other"),
            ("REPLICAOF x", "-ERR wrong number of arguments for 'replicaof' command"),
            ("SYNC", refused),
            ("PSYNC ? -1", refused),
            ("REPLCONF", "+OK"),
            ("REPLCONF listening-port 10 capa eof", "+OK"),
            ("REPLCONF listening-port x", "-ERR value is not an integer or out of range"),
            ("REPLCONF x", "-ERR syntax error"),
            ("REPLCONF foo bar", "-ERR Unrecognized REPLCONF option: foo"),
            ("FAILOVER", "-ERR FAILOVER requires connected replicas."),
            ("FAILOVER ABORT", "-ERR No failover in progress."),
            ("FAILOVER TO x", "-ERR syntax error"),
            ("FAILOVER TO x 1 FORCE TIMEOUT 5", "-ERR FAILOVER requires connected replicas."),
            ("FAILOVER TIMEOUT -1", "-ERR FAILOVER timeout must be greater than 0"),
        ],
    );
    // A replica's acknowledgement is never answered.
    client.command("REPLCONF ACK 1");
    assert_eq!(client.ask("PING"), "+PONG");
}

#[test]
fn waiting_for_replicas_takes_its_time() {
    let server = TestServer::manual();
    let mut client = server.raw();
    expect(
        &mut client,
        &[
            ("WAIT 0 0", ":0"),
            ("WAIT -1 10", ":0"),
            ("WAIT x 1", "-ERR value is not an integer or out of range"),
            ("WAIT 1 x", "-ERR timeout is not an integer or out of range"),
            ("WAIT 1 -1", "-ERR timeout is negative"),
            ("MULTI", "+OK"),
            ("WAIT 1 0", "+QUEUED"),
            ("EXEC", "*1 :0"),
        ],
    );
    let id = client.ask("CLIENT ID");
    client.command("WAIT 1 500");
    server.wait_blocked(1);
    server.advance_ms(499);
    assert_eq!(server.server.clients.all().iter().filter(|it| it.is_blocked()).count(), 1);
    server.advance_ms(1);
    assert_eq!(client.reply(), ":0");
    client.command("WAIT 1 0");
    server.wait_blocked(1);
    assert_eq!(server.raw().ask(&format!("CLIENT UNBLOCK {}", &id[1..])), ":1");
    assert_eq!(client.reply(), ":0");
}

#[test]
fn there_are_no_modules() {
    let server = TestServer::start();
    let mut client = server.raw();
    expect(
        &mut client,
        &[
            ("MODULE LIST", "*0"),
            ("MODULE LOAD /x.so", NO_MODULES),
            ("MODULE LOADEX /x.so CONFIG a b", NO_MODULES),
            ("MODULE UNLOAD x", NO_MODULES),
            ("MODULE FOO", "-ERR unknown subcommand 'FOO'. Try MODULE HELP."),
        ],
    );
    assert!(client.ask("MODULE HELP").starts_with("*11 +MODULE takes one of these subcommands:"));
    let server = TestServer::configured("enable-module-command yes");
    assert!(server.raw().ask("MODULE LOAD /x.so").starts_with("-ERR modules cannot be loaded"));
}

#[test]
fn a_value_is_restored_while_asking_too() {
    let server = TestServer::start();
    let mut client = server.connect();
    let mut run = |command: &mut redis::Cmd| command.query::<redis::Value>(&mut client);
    run(redis::cmd("SET").arg("a").arg("x")).expect("SET works");
    let dumped = run(redis::cmd("DUMP").arg("a")).expect("DUMP works");
    let dumped: Vec<u8> = redis::from_redis_value(dumped).expect("a payload is bytes");
    run(redis::cmd("RESTORE-ASKING").arg("b").arg(0).arg(dumped)).expect("it is restored");
    assert_eq!(server.raw().ask("GET b"), "$1 x");
}

#[test]
fn one_reply_of_each_kind() {
    let server = TestServer::configured("enable-debug-command yes");
    let mut client = server.raw();
    let kinds = [
        ("string", "$11 Hello World", "$11 Hello World"),
        ("integer", ":12345", ":12345"),
        ("double", "$5 3.141", ",3.141"),
        ("null", "$-1", "_"),
        ("array", "*3 :0 :1 :2", "*3 :0 :1 :2"),
        ("set", "*3 :0 :1 :2", "~3 :0 :1 :2"),
        ("map", "*6 :0 :0 :1 :1 :2 :0", "%3 :0 #f :1 #t :2 #f"),
        ("TRUE", ":1", "#t"),
        ("false", ":0", "#f"),
    ];
    for (kind, in_version_2, _) in kinds {
        assert_eq!(client.ask(&format!("DEBUG PROTOCOL {kind}")), in_version_2);
    }
    expect(
        &mut client,
        &[
            ("DEBUG PROTOCOL bignum", "$37 1234567999999999999999999999999999999"),
            ("DEBUG PROTOCOL push", "-ERR RESP2 is not supported by this command"),
            ("DEBUG PROTOCOL attrib", "$39 Some real reply following the attribute"),
            ("DEBUG ERROR OOPS", "-OOPS"),
            ("DEBUG LOG hello", "+OK"),
            ("DEBUG QUICKLIST-PACKED-THRESHOLD 10", "+OK"),
            ("DEBUG REPLYBUFFER RESIZING 0", "+OK"),
            (
                "DEBUG PROTOCOL",
                "-ERR unknown subcommand or wrong number of arguments for 'PROTOCOL'. \
            Try DEBUG HELP.",
            ),
        ],
    );
    assert!(client.ask("DEBUG PROTOCOL nope").starts_with("-ERR Wrong protocol type name."));
    client.ask("HELLO 3");
    for (kind, _, in_version_3) in kinds {
        assert_eq!(client.ask(&format!("DEBUG PROTOCOL {kind}")), in_version_3);
    }
}

#[test]
fn connections_that_pass_their_limits_are_counted() {
    let server = TestServer::configured("client-query-buffer-limit 1mb");
    let mut stream = std::net::TcpStream::connect(server.address).expect("it listens");
    stream.write_all(b"*2\r\n$4\r\nECHO\r\n$3000000\r\n").expect("it reads so much");
    // What is behind the limit may be refused while it is sent.
    while stream.write_all(&[b'x'; 65536]).is_ok() {}
    server.wait_until("the connection to be ended", || server.server.clients.is_empty());
    let stats = server.raw().ask("INFO stats");
    assert!(stats.contains("client_query_buffer_limit_disconnections:1"), "{stats}");
    assert!(stats.contains("client_output_buffer_limit_disconnections:0"), "{stats}");
}
