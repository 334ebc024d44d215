//! CLIENT TRACKING and its kin, through real sockets.

mod support;

use std::time::Duration;

use support::{Raw, TestServer};

fn resp3(server: &TestServer) -> Raw {
    let mut client = server.raw();
    assert!(client.ask("HELLO 3").starts_with('%'));
    client
}

fn invalidated(key: &str) -> String {
    format!(">2 $10 invalidate *1 ${} {key}", key.len())
}

fn hears_nothing(client: &mut Raw) {
    assert_eq!(client.ask("ECHO nothing"), "$7 nothing");
}

#[test]
fn a_key_that_was_read_is_told_of_once() {
    let server = TestServer::start();
    let (mut reader, mut writer) = (resp3(&server), server.raw());
    assert_eq!(reader.ask("CLIENT TRACKING ON"), "+OK");
    reader.ask("GET k");
    reader.ask("MGET a b");
    writer.ask("SET k 1");
    assert_eq!(reader.reply(), invalidated("k"));
    writer.ask("SET k 2");
    writer.ask("MSET a 1 b 2 c 3");
    assert_eq!(reader.reply(), invalidated("a"));
    assert_eq!(reader.reply(), invalidated("b"));
    hears_nothing(&mut reader);
    // Its own change comes behind the reply, and a write reads nothing.
    reader.ask("GET k");
    assert_eq!(reader.ask("SET k 3"), "+OK");
    assert_eq!(reader.reply(), invalidated("k"));
    reader.ask("GETSET k 4");
    writer.ask("SET k 5");
    hears_nothing(&mut reader);
    reader.ask("GET k");
    writer.ask("FLUSHALL");
    assert_eq!(reader.reply(), ">2 $10 invalidate _");
    reader.ask("GET k");
    assert_eq!(reader.ask("CLIENT TRACKING OFF"), "+OK");
    writer.ask("SET k 1");
    hears_nothing(&mut reader);
}

#[test]
fn whatever_changes_a_key_is_told() {
    let server = TestServer::start();
    let (mut reader, mut writer) = (resp3(&server), server.raw());
    reader.ask("CLIENT TRACKING ON");
    writer.ask("SET short 1 PX 30");
    reader.ask("GET short");
    assert_eq!(reader.reply(), invalidated("short"), "its time is over");
    writer.ask("RPUSH l a");
    for (read, change, key) in [
        ("LRANGE l 0 -1", "RENAME l m", "l"),
        ("LRANGE m 0 -1", "LPOP m", "m"),
        ("XRANGE s - +", "XADD s 1-1 f v", "s"),
        ("GET d", "RESTORE d 0 nonsense", ""),
        ("GET d", "APPEND d x", "d"),
        ("TYPE d", "EXPIRE d 100", "d"),
        ("GET d", "UNLINK d", "d"),
    ] {
        reader.ask(read);
        writer.ask(change);
        if !key.is_empty() {
            assert_eq!(reader.reply(), invalidated(key), "{change}");
        }
    }
    writer.ask("MULTI");
    writer.ask("SET t 1");
    writer.ask("SET u 1");
    reader.ask("MGET t u");
    writer.ask("EXEC");
    assert_eq!(reader.reply(), invalidated("t"));
    assert_eq!(reader.reply(), invalidated("u"));
    // A waiting read is noted when it is served.
    reader.command("XREAD BLOCK 0 STREAMS s $");
    server.wait_blocked(1);
    writer.ask("XADD s 2-1 f v");
    // Not behind the invalidation: that is of when it was read in vain.
    assert!(reader.reply().starts_with("%1 $1 s"));
    assert_eq!(reader.reply(), invalidated("s"));
    writer.ask("XADD s 3-1 f v");
    assert_eq!(reader.reply(), invalidated("s"));
}

#[test]
fn opting_in_and_out() {
    let server = TestServer::start();
    let (mut reader, mut writer) = (resp3(&server), server.raw());
    reader.ask("CLIENT TRACKING ON OPTIN");
    reader.ask("GET a");
    reader.ask("CLIENT CACHING YES");
    reader.ask("GET b");
    reader.ask("GET c");
    writer.ask("MSET a 1 b 1 c 1");
    assert_eq!(reader.reply(), invalidated("b"));
    hears_nothing(&mut reader);
    reader.ask("CLIENT CACHING YES");
    reader.ask("MULTI");
    reader.ask("GET a");
    reader.ask("GET b");
    reader.ask("EXEC");
    reader.ask("GET c");
    writer.ask("MSET a 1 b 1 c 1");
    assert_eq!(reader.reply(), invalidated("a"));
    assert_eq!(reader.reply(), invalidated("b"));
    hears_nothing(&mut reader);
    reader.ask("CLIENT TRACKING OFF");
    reader.ask("CLIENT TRACKING ON OPTOUT");
    reader.ask("GET a");
    reader.ask("CLIENT CACHING NO");
    reader.ask("GET b");
    writer.ask("MSET a 1 b 1");
    assert_eq!(reader.reply(), invalidated("a"));
    hears_nothing(&mut reader);
}

#[test]
fn prefixes_are_broadcast() {
    let server = TestServer::start();
    let (mut some, mut all, mut writer) = (resp3(&server), resp3(&server), server.raw());
    some.ask("CLIENT TRACKING ON BCAST PREFIX u: PREFIX v:");
    all.ask("CLIENT TRACKING ON BCAST NOLOOP");
    writer.ask("MSET u:1 1 v:1 1 w:1 1 u:2 1");
    assert_eq!(some.reply(), ">2 $10 invalidate *2 $3 u:1 $3 u:2");
    assert_eq!(some.reply(), ">2 $10 invalidate *1 $3 v:1");
    assert_eq!(all.reply(), ">2 $10 invalidate *4 $3 u:1 $3 v:1 $3 w:1 $3 u:2");
    all.ask("SET w:2 1");
    hears_nothing(&mut all);
    hears_nothing(&mut some);
    let info = writer.ask("INFO everything");
    assert!(info.contains("tracking_clients:2") && info.contains("tracking_total_prefixes:3"));
    assert!(writer.ask("CLIENT LIST").contains("flags=tB"));
}

#[test]
fn another_connection_is_told() {
    let server = TestServer::start();
    let (mut told, mut reader, mut writer) = (server.raw(), server.raw(), server.raw());
    let id: u64 = told.ask("CLIENT ID")[1..].parse().expect("a number");
    assert_eq!(reader.ask(&format!("CLIENT TRACKING ON REDIRECT {id}")), "+OK");
    assert_eq!(reader.ask("CLIENT GETREDIR"), format!(":{id}"));
    told.ask("SUBSCRIBE __redis__:invalidate");
    reader.ask("GET k");
    writer.ask("SET k 1");
    assert_eq!(told.reply(), "*3 $7 message $20 __redis__:invalidate *1 $1 k");
    writer.ask("FLUSHALL");
    assert_eq!(told.reply(), "*3 $7 message $20 __redis__:invalidate $-1");
    hears_nothing(&mut reader);
    drop(told);
    server.wait_until("it is gone", || server.server.clients.get(id).is_none());
    reader.ask("HELLO 3");
    reader.ask("GET k");
    writer.ask("SET k 1");
    assert_eq!(reader.reply(), format!(">2 $21 tracking-redir-broken :{id}"));
    let expected =
        format!("%3 $5 flags ~2 $2 on $15 broken_redirect $8 redirect :{id} $8 prefixes *0");
    assert_eq!(reader.ask("CLIENT TRACKINGINFO"), expected);
}

#[test]
fn too_many_keys_are_let_go() {
    let server = TestServer::configured("tracking-table-max-keys 2\n");
    let mut reader = resp3(&server);
    reader.ask("CLIENT TRACKING ON");
    assert_eq!(reader.ask("MGET a b c d e"), "*5 _ _ _ _ _");
    for _ in 0..3 {
        assert!(reader.reply().starts_with(">2 $10 invalidate *1"));
    }
    assert!(!reader.has_reply_within(Duration::from_millis(50)));
    assert!(reader.ask("INFO stats").contains("tracking_total_keys:2"));
}

#[test]
fn options_that_do_not_go_together() {
    let server = TestServer::start();
    let mut client = server.raw();
    let off = "*6 $5 flags *1 $3 off $8 redirect :-1 $8 prefixes *0";
    let switch = |what: &str| {
        format!(
            "-ERR You can't switch {what} before disabling tracking for this client, and then \
             re-enabling it with a different mode."
        )
    };
    let overlap = |one: &str, other: &str| {
        format!(
            "-ERR Prefix '{one}' overlaps with {other}. Prefixes for a single client must not \
             overlap."
        )
    };
    let story = [
        ("CLIENT TRACKINGINFO", off.to_string()),
        ("CLIENT GETREDIR", ":-1".into()),
        (
            "CLIENT CACHING YES",
            "-ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN \
             or OPTOUT mode enabled"
                .into(),
        ),
        (
            "CLIENT TRACKING ON REDIRECT 0",
            "-ERR The client ID you want redirect to does not exist".into(),
        ),
        (
            "CLIENT TRACKING ON REDIRECT 9999",
            "-ERR The client ID you want redirect to does not exist".into(),
        ),
        ("CLIENT TRACKING ON REDIRECT", "-ERR syntax error".into()),
        ("CLIENT TRACKING MAYBE", "-ERR syntax error".into()),
        (
            "CLIENT TRACKING ON PREFIX a",
            "-ERR PREFIX option requires BCAST mode to be enabled".into(),
        ),
        (
            "CLIENT TRACKING ON BCAST OPTIN",
            "-ERR OPTIN and OPTOUT are not compatible with BCAST".into(),
        ),
        (
            "CLIENT TRACKING ON OPTIN OPTOUT",
            "-ERR You can't specify both OPTIN mode and OPTOUT mode".into(),
        ),
        ("CLIENT TRACKING ON BCAST PREFIX a PREFIX ab", overlap("a", "another provided prefix 'ab'")),
        ("CLIENT TRACKING ON BCAST PREFIX a PREFIX b", "+OK".into()),
        ("CLIENT TRACKING ON BCAST PREFIX bb", overlap("bb", "an existing prefix 'b'")),
        ("CLIENT TRACKING ON", switch("BCAST mode on/off")),
        ("CLIENT TRACKING ON BCAST", "+OK".into()),
        (
            "CLIENT TRACKINGINFO",
            "*6 $5 flags *2 $2 on $5 bcast $8 redirect :0 $8 prefixes *3 $0  $1 a $1 b".into(),
        ),
        ("CLIENT TRACKING OFF", "+OK".into()),
        ("CLIENT TRACKING ON OPTIN NOLOOP", "+OK".into()),
        ("CLIENT TRACKING ON OPTOUT", switch("OPTIN/OPTOUT mode")),
        (
            "CLIENT CACHING NO",
            "-ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.".into(),
        ),
        ("CLIENT CACHING YES", "+OK".into()),
        (
            "CLIENT TRACKINGINFO",
            "*6 $5 flags *4 $2 on $5 optin $11 caching-yes $6 noloop $8 redirect :0 $8 prefixes *0"
                .into(),
        ),
        ("PING", "+PONG".into()),
        (
            "CLIENT TRACKINGINFO",
            "*6 $5 flags *3 $2 on $5 optin $6 noloop $8 redirect :0 $8 prefixes *0".into(),
        ),
        ("RESET", "+RESET".into()),
        ("CLIENT TRACKINGINFO", off.to_string()),
    ];
    for (command, expected) in story {
        assert_eq!(client.ask(command), expected, "{command}");
    }
}
