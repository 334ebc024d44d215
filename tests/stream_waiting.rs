//! XREAD that waits.

mod support;

use std::time::Duration;

use support::{Raw, TestServer};

const NOT_YET: Duration = Duration::from_millis(20);

fn waiting(server: &TestServer, request: &str) -> Raw {
    let mut client = server.raw();
    client.command(request);
    server.wait_blocked(1);
    client
}

#[test]
fn an_added_entry_ends_the_wait() {
    let server = TestServer::start();
    let mut producer = server.raw();
    for (request, reply) in [
        ("XREAD BLOCK 0 STREAMS s $", "*1 *2 $1 s *1 *2 $3 1-0 *2 $1 f $1 v"),
        ("XREAD BLOCK 0 STREAMS t s 0 0", "*1 *2 $1 s *1 *2 $3 1-0 *2 $1 f $1 v"),
        ("XREAD BLOCK 0 COUNT 3 STREAMS s +", "*1 *2 $1 s *1 *2 $3 1-0 *2 $1 f $1 v"),
        (
            "XREAD BLOCK 0 STREAMS s s $ 0",
            "*2 *2 $1 s *1 *2 $3 1-0 *2 $1 f $1 v *2 $1 s *1 *2 \
          $3 1-0 *2 $1 f $1 v",
        ),
        ("XREAD BLOCK 100000 STREAMS s 0-5", "*1 *2 $1 s *1 *2 $3 1-0 *2 $1 f $1 v"),
    ] {
        producer.ask("DEL s");
        let mut consumer = waiting(&server, request);
        assert_eq!(producer.ask("XADD s 1 f v"), "$3 1-0");
        assert_eq!(consumer.reply(), reply, "{request}");
    }
}

#[test]
fn dollar_is_where_the_stream_ended_when_the_wait_began() {
    let server = TestServer::start();
    let mut producer = server.raw();
    producer.ask("XADD s 5 f v");
    let mut consumer = waiting(&server, "XREAD BLOCK 0 STREAMS s $");
    producer.ask("MULTI");
    producer.ask("XADD s 6 f a");
    producer.ask("XADD s 7 f b");
    producer.ask("EXEC");
    let both = "*1 *2 $1 s *2 *2 $3 6-0 *2 $1 f $1 a *2 $3 7-0 *2 $1 f $1 b";
    assert_eq!(consumer.reply(), both);
}

#[test]
fn every_reader_gets_every_entry() {
    let server = TestServer::start();
    let mut consumers: Vec<Raw> = (1..=3)
        .map(|count| {
            let mut consumer = server.raw();
            consumer.command("XREAD BLOCK 0 STREAMS s $");
            server.wait_blocked(count);
            consumer
        })
        .collect();
    server.raw().ask("XADD s 1 f v");
    for consumer in &mut consumers {
        assert_eq!(consumer.reply(), "*1 *2 $1 s *1 *2 $3 1-0 *2 $1 f $1 v");
    }
}

#[test]
fn what_does_not_last_wakes_nobody() {
    let server = TestServer::start();
    let mut producer = server.raw();
    let mut consumer = waiting(&server, "XREAD BLOCK 0 STREAMS s $");
    for request in [
        "MULTI",
        "XADD s 1 f old",
        "DEL s",
        "EXEC",
        "MULTI",
        "XADD s 1 f old",
        "DEL s",
        "LPUSH s x",
        "EXEC",
        "DEL s",
        "SET s x",
        "DEL s",
        "XADD s MAXLEN 0 1 f trimmed",
        "XADD other 1 f v",
    ] {
        producer.ask(request);
    }
    assert!(!consumer.has_reply_within(NOT_YET));
    producer.ask("XADD s 2 f new");
    assert_eq!(consumer.reply(), "*1 *2 $1 s *1 *2 $3 2-0 *2 $1 f $3 new");
}

#[test]
fn a_wait_ends_at_its_deadline() {
    let server = TestServer::manual();
    let mut consumer = waiting(&server, "XREAD BLOCK 100 STREAMS s 0");
    server.advance_ms(99);
    assert!(!consumer.has_reply_within(NOT_YET));
    server.advance_ms(1);
    assert_eq!(consumer.reply(), "*-1");
    consumer.ask("HELLO 3");
    consumer.command("XREAD BLOCK 100 STREAMS s 0");
    server.wait_blocked(1);
    server.advance_ms(100);
    assert_eq!(consumer.reply(), "_");
}

/// A wait that is looked at in vain keeps its deadline.
#[test]
fn a_look_in_vain_does_not_lengthen_the_wait() {
    let server = TestServer::manual();
    let mut producer = server.raw();
    producer.ask("XADD s 10 f v");
    let mut consumer = waiting(&server, "XREAD BLOCK 100 STREAMS s 20");
    server.advance_ms(60);
    producer.ask("XADD s 11 f v");
    assert!(!consumer.has_reply_within(NOT_YET));
    server.advance_ms(40);
    assert_eq!(consumer.reply(), "*-1");
}

#[test]
fn nothing_waits_inside_a_transaction() {
    let server = TestServer::start();
    let mut client = server.raw();
    client.ask("MULTI");
    client.ask("XREAD BLOCK 0 STREAMS s 0");
    client.ask("XREAD BLOCK 0 STREAMS s $");
    assert_eq!(client.ask("EXEC"), "*2 *-1 *-1");
}

#[test]
fn unblocking_by_hand() {
    let server = TestServer::start();
    let mut consumer = server.raw();
    let id = consumer.ask("CLIENT ID").trim_start_matches(':').to_string();
    consumer.command("XREAD BLOCK 0 STREAMS s $");
    server.wait_blocked(1);
    assert_eq!(server.raw().ask(&format!("CLIENT UNBLOCK {id}")), ":1");
    assert_eq!(consumer.reply(), "*-1");
    consumer.command("XREAD BLOCK 0 STREAMS s $");
    server.wait_blocked(1);
    assert_eq!(server.raw().ask(&format!("CLIENT UNBLOCK {id} ERROR")), ":1");
    assert_eq!(consumer.reply(), "-UNBLOCKED client unblocked via CLIENT UNBLOCK");
}
