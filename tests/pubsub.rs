//! SUBSCRIBE, PUBLISH, PUBSUB and keyspace notifications, through real sockets.

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use forebay::journal::sim::SimDisk;

use support::{Raw, TestServer};

/// Waits until something holds.
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < until, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn resp3(server: &TestServer) -> Raw {
    let mut client = server.raw();
    assert!(client.ask("HELLO 3").starts_with('%'));
    client
}

fn info(client: &mut Raw, field: &str) -> String {
    let text = client.ask("INFO everything");
    let line = text.split([' ', '\r', '\n']).find_map(|it| it.strip_prefix(&format!("{field}:")));
    line.unwrap_or_else(|| panic!("no {field} in {text}")).to_string()
}

#[test]
fn subscriptions_are_confirmed_with_their_count() {
    let server = TestServer::start();
    let mut client = server.raw();
    assert_eq!(client.ask("SUBSCRIBE a b a"), "*3 $9 subscribe $1 a :1");
    assert_eq!(client.reply(), "*3 $9 subscribe $1 b :2");
    assert_eq!(client.reply(), "*3 $9 subscribe $1 a :2");
    assert_eq!(client.ask("PSUBSCRIBE p*"), "*3 $10 psubscribe $2 p* :3");
    assert_eq!(client.ask("SSUBSCRIBE s"), "*3 $10 ssubscribe $1 s :1");
    assert_eq!(client.ask("UNSUBSCRIBE nosuch"), "*3 $11 unsubscribe $6 nosuch :3");
    assert_eq!(client.ask("UNSUBSCRIBE"), "*3 $11 unsubscribe $1 a :2");
    assert_eq!(client.reply(), "*3 $11 unsubscribe $1 b :1");
    assert_eq!(client.ask("UNSUBSCRIBE"), "*3 $11 unsubscribe $-1 :1");
    assert_eq!(client.ask("PUNSUBSCRIBE p*"), "*3 $12 punsubscribe $2 p* :0");
    assert_eq!(client.ask("SUNSUBSCRIBE"), "*3 $12 sunsubscribe $1 s :0");
    assert_eq!(client.ask("SUNSUBSCRIBE"), "*3 $12 sunsubscribe $-1 :0");
    assert_eq!(client.ask("GET k"), "$-1", "nothing is subscribed to any more");
}

#[test]
fn a_subscriber_in_resp2_takes_few_commands() {
    let server = TestServer::start();
    let mut client = server.raw();
    client.ask("SUBSCRIBE c");
    for (command, name) in
        [("GET k", "get"), ("MULTI", "multi"), ("CLIENT LIST", "client|list"), ("HELLO 3", "hello")]
    {
        let expected = format!(
            "-ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / \
             RESET are allowed in this context"
        );
        assert_eq!(client.ask(command), expected);
    }
    assert_eq!(client.ask("PING"), "*2 $4 pong $0");
    assert_eq!(client.ask("PING hi"), "*2 $4 pong $2 hi");
    assert_eq!(client.ask("PING a b"), "-ERR wrong number of arguments for 'ping' command");
    assert_eq!(client.ask("RESET"), "+RESET");
    assert_eq!(client.ask("PING"), "+PONG");
    assert_eq!(server.raw().ask("PUBSUB NUMSUB c"), "*2 $1 c :0");
    let mut new = resp3(&server);
    new.ask("SUBSCRIBE c");
    assert_eq!(new.ask("GET k"), "_");
    assert_eq!(new.ask("PING"), "+PONG");
}

#[test]
fn messages_reach_channels_patterns_and_shards() {
    let server = TestServer::start();
    let (mut old, mut new, mut sender) = (server.raw(), resp3(&server), server.raw());
    old.ask("SUBSCRIBE news");
    old.ask("PSUBSCRIBE n*");
    new.ask("SSUBSCRIBE news");
    new.ask("PSUBSCRIBE *s");
    assert_eq!(sender.ask("PUBLISH news hello"), ":3");
    assert_eq!(old.reply(), "*3 $7 message $4 news $5 hello");
    assert_eq!(old.reply(), "*4 $8 pmessage $2 n* $4 news $5 hello");
    assert_eq!(new.reply(), ">4 $8 pmessage $2 *s $4 news $5 hello");
    assert_eq!(sender.ask("SPUBLISH news shard"), ":1");
    assert_eq!(new.reply(), ">3 $8 smessage $4 news $5 shard");
    assert_eq!(sender.ask("PUBLISH nobody x"), ":1");
    assert_eq!(old.reply(), "*4 $8 pmessage $2 n* $6 nobody $1 x");
}

#[test]
fn ones_own_messages_come_behind_the_reply() {
    let server = TestServer::start();
    let mut client = resp3(&server);
    client.ask("SUBSCRIBE c");
    client.send(b"PUBLISH c 1\r\nPING\r\nPUBLISH c 2\r\nPSUBSCRIBE c*\r\nPUBLISH c 3\r\n");
    let expected = [
        ":1",
        ">3 $7 message $1 c $1 1",
        "+PONG",
        ":1",
        ">3 $7 message $1 c $1 2",
        ">3 $10 psubscribe $2 c* :2",
        ":2",
        ">3 $7 message $1 c $1 3",
        ">4 $8 pmessage $2 c* $1 c $1 3",
    ];
    for reply in expected {
        assert_eq!(client.reply(), reply);
    }
}

#[test]
fn a_transaction_publishes_at_its_end() {
    let server = TestServer::configured("notify-keyspace-events KA\n");
    let (mut client, mut other) = (server.raw(), server.raw());
    other.ask("PSUBSCRIBE *");
    client.ask("MULTI");
    for command in ["SUBSCRIBE m", "SET k 1", "PUBLISH m self", "UNSUBSCRIBE", "GET k"] {
        assert_eq!(client.ask(command), "+QUEUED");
    }
    assert_eq!(
        client.ask("EXEC"),
        "*5 *3 $9 subscribe $1 m :1 +OK :2 *3 $11 unsubscribe $1 m :0 $1 1"
    );
    assert_eq!(client.reply(), "*3 $7 message $1 m $4 self");
    assert_eq!(other.reply(), "*4 $8 pmessage $1 * $16 __keyspace@0__:k $3 set");
    assert_eq!(other.reply(), "*4 $8 pmessage $1 * $1 m $4 self");
}

#[test]
fn pushes_come_to_those_who_want_no_replies() {
    let server = TestServer::start();
    let (mut client, mut sender) = (resp3(&server), server.raw());
    client.command("CLIENT REPLY OFF");
    client.command("PING");
    assert_eq!(client.ask("SUBSCRIBE c"), ">3 $9 subscribe $1 c :1");
    sender.ask("PUBLISH c m");
    assert_eq!(client.reply(), ">3 $7 message $1 c $1 m");
    assert_eq!(client.ask("CLIENT REPLY ON"), "+OK");
}

#[test]
fn who_waits_or_is_paused_gets_messages_all_the_same() {
    let server = TestServer::start();
    let (mut client, mut sender) = (resp3(&server), server.raw());
    client.ask("SUBSCRIBE c");
    client.ask("SUBSCRIBE __keyevent@0__:keymiss");
    client.command("BLPOP list 0");
    server.wait_blocked(1);
    sender.ask("PUBLISH c waiting");
    assert_eq!(client.reply(), ">3 $7 message $1 c $7 waiting");
    sender.ask("RPUSH list x");
    assert_eq!(client.reply(), "*2 $4 list $1 x");
    sender.ask("CONFIG SET notify-keyspace-events Em");
    sender.ask("CLIENT PAUSE 60000 WRITE");
    client.command("SET k v");
    server.wait_blocked(1);
    assert_eq!(sender.ask("GET none"), "$-1");
    assert_eq!(client.reply(), ">3 $7 message $22 __keyevent@0__:keymiss $4 none");
    // Who publishes waits as who writes does.
    let mut publisher = server.raw();
    publisher.command("PUBLISH c paused");
    server.wait_blocked(2);
    sender.ask("CLIENT UNPAUSE");
    assert_eq!(publisher.reply(), ":1");
    let mut replies = [client.reply(), client.reply()];
    replies.sort();
    assert_eq!(replies, ["+OK", ">3 $7 message $1 c $6 paused"]);
}

#[test]
fn pubsub_and_info_count() {
    let server = TestServer::start();
    let (mut client, mut other) = (server.raw(), server.raw());
    client.ask("SUBSCRIBE a.1");
    client.ask("PSUBSCRIBE a* b*");
    client.reply();
    client.ask("SSUBSCRIBE s");
    assert_eq!(other.ask("PUBSUB CHANNELS"), "*1 $3 a.1");
    assert_eq!(other.ask("PUBSUB CHANNELS b*"), "*0");
    assert_eq!(other.ask("PUBSUB SHARDCHANNELS"), "*1 $1 s");
    assert_eq!(other.ask("PUBSUB NUMSUB a.1 x"), "*4 $3 a.1 :1 $1 x :0");
    assert_eq!(other.ask("PUBSUB SHARDNUMSUB s"), "*2 $1 s :1");
    assert_eq!(other.ask("PUBSUB NUMPAT"), ":2");
    assert_eq!(
        other.ask("PUBSUB CHANNELS a b"),
        "-ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB HELP."
    );
    for (field, value) in [
        ("pubsub_clients", "1"),
        ("pubsub_channels", "1"),
        ("pubsub_patterns", "2"),
        ("pubsubshard_channels", "1"),
    ] {
        assert_eq!(info(&mut other, field), value, "{field}");
    }
    let list = other.ask("CLIENT LIST TYPE pubsub");
    assert!(list.contains("flags=P") && list.contains("sub=1 psub=2 ssub=1"), "{list}");
    assert!(!other.ask("CLIENT LIST TYPE normal").contains("flags=P"));
    drop(client);
    wait_until("the channels go with their subscriber", || {
        other.ask("PUBSUB NUMPAT") == ":0" && other.ask("PUBSUB CHANNELS") == "*0"
    });
    assert_eq!(info(&mut other, "pubsub_clients"), "0");
}

const UNREAD: usize = 20_000;

/// A subscriber to `c` that has not read so many messages, numbered, of a kilobyte each; and somebody else.
fn with_much_unread(server: &TestServer) -> (Raw, Raw) {
    let (mut slow, mut sender) = (server.raw(), server.raw());
    slow.ask("SUBSCRIBE c");
    let payload = "x".repeat(1000);
    for number in 0..UNREAD {
        assert_eq!(sender.ask(&format!("PUBLISH c {number}:{payload}")), ":1");
    }
    (slow, sender)
}

/// Has `slow` subscribe; what is published right behind that is for it.
fn subscribe_and_publish(slow: &mut Raw, sender: &mut Raw, request: &str, channel: &str) {
    slow.send(request.as_bytes());
    wait_until("it has subscribed", || {
        sender.ask(&format!("PUBSUB NUMSUB {channel}")) == format!("*2 $1 {channel} :1")
    });
    assert_eq!(sender.ask(&format!("PUBLISH {channel} last")), ":1");
}

/// How many messages come up to the one that was published last.
fn messages_until_last(slow: &mut Raw, channel: &str) -> usize {
    let (mut read, mut messages) = (String::new(), 0);
    while read != format!("*3 $7 message $1 {channel} $4 last") {
        read = slow.reply();
        messages += usize::from(read.starts_with("*3 $7 message "));
    }
    messages
}

/// Who does not read for a while gets all the same what fits its limit, without a request of its own.
#[test]
fn a_subscriber_that_reads_late_misses_nothing() {
    let server = TestServer::start();
    let (mut slow, _sender) = with_much_unread(&server);
    for number in 0..UNREAD {
        let message = slow.reply();
        assert!(message.contains(&format!(" {number}:x")), "{number}: {}", &message[..40]);
    }
}

/// Who has much unread and subscribes to more gets what is published there from then on.
#[test]
fn a_subscriber_with_much_unread_is_listened_to() {
    let server = TestServer::start();
    let (mut slow, mut sender) = with_much_unread(&server);
    for channel in ["d", "e"] {
        subscribe_and_publish(&mut slow, &mut sender, &format!("SUBSCRIBE {channel}\r\n"), channel);
    }
    assert_eq!(messages_until_last(&mut slow, "e"), UNREAD + 2);
}

/// It may have left all its channels meanwhile; what it has not read is from before that.
#[test]
fn who_was_a_subscriber_and_has_much_unread_is_listened_to() {
    let server = TestServer::start();
    let (mut slow, mut sender) = with_much_unread(&server);
    slow.send(b"UNSUBSCRIBE c\r\n");
    wait_until("it has left", || sender.ask("PUBSUB NUMSUB c") == "*2 $1 c :0");
    subscribe_and_publish(&mut slow, &mut sender, "SUBSCRIBE d\r\n", "d");
    assert_eq!(messages_until_last(&mut slow, "d"), UNREAD + 1);
}

/// What it is sent waits for the journal; what it asks for meanwhile does not.
#[test]
fn a_subscriber_is_listened_to_while_the_journal_is_at_work() {
    let server = TestServer::launch("appendfsync always\n", None, false);
    server.server.store.stepped.store(true, Ordering::Relaxed);
    server.server.begin_loading();
    server.load(Arc::new(SimDisk::new())).expect("an empty disk can be read");
    let (mut subscriber, mut sender, mut other) = (server.raw(), server.raw(), server.raw());
    subscriber.ask("SUBSCRIBE a");
    // Nothing of this is on the disk before the journal is told to work.
    sender.send(b"SET k v\r\nPUBLISH a x\r\n");
    wait_until("it is published", || other.ask("CLIENT LIST").contains("cmd=publish"));
    for channel in ["b", "c", "d"] {
        subscriber.send(format!("SUBSCRIBE {channel}\r\n").as_bytes());
        wait_until("it has subscribed", || {
            other.ask(&format!("PUBSUB NUMSUB {channel}")) == format!("*2 $1 {channel} :1")
        });
        sender.send(format!("PUBLISH {channel} x\r\n").as_bytes());
    }
    let journal = server.server.store.journal().expect("it has been opened");
    assert!(!subscriber.has_reply_within(Duration::from_millis(1)));
    while !subscriber.has_reply_within(Duration::from_millis(1)) {
        journal.step();
    }
    let mut messages = 0;
    while messages < 4 {
        messages += usize::from(subscriber.reply().starts_with("*3 $7 message "));
    }
}

#[test]
fn a_subscriber_that_does_not_read_is_cut_off() {
    let server = TestServer::configured("client-output-buffer-limit pubsub 1mb 0 0\n");
    let (mut slow, mut sender) = (server.raw(), server.raw());
    slow.ask("SUBSCRIBE c");
    let message = "x".repeat(100_000);
    let mut omem_max = 0;
    // The kernel takes some megabytes before the server has to keep anything.
    wait_until("it is cut off", || {
        sender.ask(&format!("PUBLISH c {message}"));
        let list = sender.ask("CLIENT LIST TYPE pubsub");
        let omem = list.split("omem=").nth(1).and_then(|rest| rest.split(' ').next());
        omem_max = omem_max.max(omem.map_or(0, |text| text.parse().expect("a number")));
        info(&mut sender, "client_output_buffer_limit_disconnections") == "1"
    });
    assert!(omem_max < 1 << 20, "{omem_max} bytes were kept");
    wait_until("it is gone", || sender.ask("PUBSUB NUMSUB c") == "*2 $1 c :0");
    assert_eq!(sender.ask("PUBLISH c x"), ":0");
    assert_eq!(sender.ask("CONFIG RESETSTAT"), "+OK");
    assert_eq!(info(&mut sender, "client_output_buffer_limit_disconnections"), "0");
}

/// Its requests are run, and do not begin its time anew.
#[test]
fn who_is_over_the_soft_limit_for_too_long_is_cut_off_whatever_it_asks() {
    let server = TestServer::configured("client-output-buffer-limit pubsub 0 100kb 1\n");
    let (mut slow, mut sender) = (server.raw(), server.raw());
    slow.ask("SUBSCRIBE c");
    let message = "x".repeat(10_000_000);
    for _ in 0..2 {
        assert_eq!(sender.ask(&format!("PUBLISH c {message}")), ":1");
    }
    wait_until("it is cut off", || {
        slow.try_send(b"PING\r\n");
        info(&mut sender, "client_output_buffer_limit_disconnections") == "1"
    });
}

#[test]
fn events_go_to_both_channels_in_the_order_of_the_changes() {
    let server = TestServer::start();
    let (mut listener, mut client) = (server.raw(), server.raw());
    assert_eq!(client.ask("CONFIG SET notify-keyspace-events lEKx$"), "+OK");
    let shown = "*2 $22 notify-keyspace-events $5 $lxKE";
    assert_eq!(client.ask("CONFIG GET notify-keyspace-events"), shown);
    listener.ask("PSUBSCRIBE __key*");
    client.ask("SET k 1 PX 50");
    client.ask("RPUSH list a");
    client.ask("LPOP list");
    let event = |channel: &str, payload: &str| {
        let (channel_len, payload_len) = (channel.len(), payload.len());
        format!("*4 $8 pmessage $6 __key* ${channel_len} {channel} ${payload_len} {payload}")
    };
    for (key, name) in [("k", "set"), ("list", "rpush"), ("list", "lpop"), ("k", "expired")] {
        assert_eq!(listener.reply(), event(&format!("__keyspace@0__:{key}"), name));
        assert_eq!(listener.reply(), event(&format!("__keyevent@0__:{name}"), key));
    }
    assert_eq!(
        client.ask("CONFIG SET notify-keyspace-events q"),
        "-ERR CONFIG SET failed (possibly related to argument 'notify-keyspace-events') - Invalid \
         event class character. Use 'Ag$lshzxeKEtmdn'."
    );
}

#[test]
fn the_classes_are_shown_in_redis_order() {
    let server = TestServer::start();
    let mut client = server.raw();
    for (given, shown) in [
        ("", ""),
        ("KEA", "AKE"),
        ("KEAmnoc", "AKEm"),
        ("$g", "g$"),
        ("xegKE", "gxeKE"),
        ("lshz$gtxednmocKE", "AKEm"),
        ("cnoK", "nocK"),
        ("VITSh", "hSTIV"),
    ] {
        assert_eq!(
            client.ask(&format!(
                "CONFIG SET notify-keyspace-events {}",
                if given.is_empty() { "\"\"" } else { given }
            )),
            "+OK"
        );
        let expected = format!("*2 $22 notify-keyspace-events ${} {shown}", shown.len());
        let found = client.ask("CONFIG GET notify-keyspace-events");
        assert_eq!(found, expected.trim_end(), "{given}");
    }
}

#[test]
fn the_redis_crate_subscribes() {
    let server = TestServer::start();
    let mut connection = server.connect();
    let mut pubsub = connection.as_pubsub();
    pubsub.subscribe("one").expect("it subscribes");
    pubsub.psubscribe("t*").expect("it subscribes");
    let mut sender = server.connect();
    for (channel, text) in [("one", "a"), ("two", "b"), ("three", "c")] {
        let receivers: i64 =
            redis::cmd("PUBLISH").arg(channel).arg(text).query(&mut sender).expect("it publishes");
        assert_eq!(receivers, 1);
        let message = pubsub.get_message().expect("it comes");
        assert_eq!(message.get_channel_name(), channel);
        assert_eq!(message.get_payload::<String>().expect("text"), text);
    }
}
