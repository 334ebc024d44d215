//! The list commands that wait.

mod support;

use std::time::Duration;

use support::{Raw, TestServer, check, effects};

/// Has a new connection send a command that waits, and waits until it does.
fn waiting(server: &TestServer, line: &str, so_many: usize) -> Raw {
    let mut client = server.raw();
    client.command(line);
    server.wait_blocked(so_many);
    client
}

/// A long enough time for a reply that must not come.
const A_WHILE: Duration = Duration::from_millis(20);

#[test]
fn those_who_wait_are_served_in_order_of_arrival() {
    let server = TestServer::start();
    let mut client = server.raw();
    let mut first = waiting(&server, "BLPOP q 0", 1);
    let mut second = waiting(&server, "BRPOP q 0", 2);
    let mut third = waiting(&server, "BLMPOP 0 1 q LEFT COUNT 5", 3);
    assert_eq!(client.ask("RPUSH q a b c d"), ":4");
    assert_eq!(first.reply(), "*2 $1 q $1 a");
    assert_eq!(second.reply(), "*2 $1 q $1 d");
    assert_eq!(third.reply(), "*2 $1 q *2 $1 b $1 c");
    assert_eq!(client.ask("EXISTS q"), ":0");
}

#[test]
fn one_push_wakes_as_many_as_it_has_elements() {
    let server = TestServer::start();
    let mut client = server.raw();
    let mut first = waiting(&server, "BLPOP q 0", 1);
    let mut second = waiting(&server, "BLPOP q 0", 2);
    assert_eq!(client.ask("RPUSH q a"), ":1");
    assert_eq!(first.reply(), "*2 $1 q $1 a");
    assert!(!second.has_reply_within(A_WHILE));
    // Pipelined: the waiter comes before the pusher's own next command.
    client.send(b"RPUSH q b\r\nRPOP q\r\n");
    assert_eq!((client.reply(), client.reply()), (":1".into(), "$-1".into()));
    assert_eq!(second.reply(), "*2 $1 q $1 b");
}

#[test]
fn a_waiter_for_several_keys_takes_from_the_first_that_has() {
    let server = TestServer::start();
    let mut client = server.raw();
    let mut waiter = waiting(&server, "BLPOP a b c 0", 1);
    assert_eq!(client.ask("RPUSH c 1"), ":1");
    assert_eq!(waiter.reply(), "*2 $1 c $1 1");
    // It stands under none of its keys any more.
    check(&mut client, &[("RPUSH a 1", ":1"), ("RPUSH b 1", ":1"), ("RPUSH c 1", ":1")]);
    check(&mut client, &[("DEL a b c", ":3")]);
    let mut waiter = waiting(&server, "BLPOP a b 0", 1);
    // Both are ready when it is served: the order of its arguments decides.
    check(&mut client, &[("MULTI", "+OK"), ("RPUSH b 2", "+QUEUED"), ("RPUSH a 1", "+QUEUED")]);
    assert_eq!(client.ask("EXEC"), "*2 :1 :1");
    assert_eq!(waiter.reply(), "*2 $1 a $1 1");
    assert_eq!(client.ask("LRANGE b 0 -1"), "*1 $1 2");
    // A key twice is one place to wait at.
    let mut waiter = waiting(&server, "BLPOP x x 0", 1);
    assert_eq!(client.ask("RPUSH x 1 2"), ":2");
    assert_eq!(waiter.reply(), "*2 $1 x $1 1");
    assert_eq!(client.ask("LRANGE x 0 -1"), "*1 $1 2");
}

#[test]
fn chains_of_moves_resolve_at_once() {
    let server = TestServer::start();
    let mut client = server.raw();
    let mut last = waiting(&server, "BLPOP c 0", 1);
    let mut second = waiting(&server, "BLMOVE b c LEFT RIGHT 0", 2);
    let mut first = waiting(&server, "BRPOPLPUSH a b 0", 3);
    client.send(b"RPUSH a job\r\nEXISTS a b c\r\n");
    assert_eq!((client.reply(), client.reply()), (":1".into(), ":0".into()));
    assert_eq!(first.reply(), "$3 job");
    assert_eq!(second.reply(), "$3 job");
    assert_eq!(last.reply(), "*2 $1 c $3 job");
    // A list moved onto itself is pushed to as well.
    let mut turned = waiting(&server, "BLMOVE d d LEFT RIGHT 0", 1);
    let mut taken = waiting(&server, "BLPOP d 0", 2);
    assert_eq!(client.ask("RPUSH d 1 2"), ":2");
    assert_eq!(turned.reply(), "$1 1");
    assert_eq!(taken.reply(), "*2 $1 d $1 2");
    assert_eq!(client.ask("LRANGE d 0 -1"), "*1 $1 1");
}

#[test]
fn keys_that_come_to_be_a_list_in_other_ways_wake_too() {
    let server = TestServer::start();
    let mut client = server.raw();
    for (setup, waker) in [
        ("RPUSH other e", "RENAME other q"),
        ("RPUSH other e", "COPY other q"),
        ("RPUSH other e", "LMOVE other q LEFT LEFT"),
        ("RPUSH other e", "RPOPLPUSH other q"),
        ("RPUSH other e", "LMOVEM other q LEFT LEFT"),
    ] {
        client.ask("FLUSHALL");
        let mut waiter = waiting(&server, "BLPOP q 0", 1);
        client.ask(setup);
        client.ask(waker);
        assert_eq!(waiter.reply(), "*2 $1 q $1 e", "{waker}");
    }
    client.ask("FLUSHALL");
    let mut waiter = waiting(&server, "BLPOP q 0", 1);
    check(&mut client, &[("SELECT 1", "+OK"), ("RPUSH q e", ":1"), ("MOVE q 0", ":1")]);
    assert_eq!(waiter.reply(), "*2 $1 q $1 e");
    let mut waiter = waiting(&server, "BLPOP q 0", 1);
    check(&mut client, &[("RPUSH q f", ":1"), ("SWAPDB 0 1", "+OK")]);
    assert_eq!(waiter.reply(), "*2 $1 q $1 f");
}

#[test]
fn a_key_deleted_or_retyped_while_waiting_wakes_nobody() {
    let server = TestServer::start();
    let mut client = server.raw();
    let mut waiter = waiting(&server, "BLPOP q p 0", 1);
    check(
        &mut client,
        &[
            ("SET q v", "+OK"),
            ("DEL q", ":1"),
            // In one step a list came and went.
            ("MULTI", "+OK"),
            ("RPUSH q a", "+QUEUED"),
            ("DEL q", "+QUEUED"),
            ("SET q v", "+QUEUED"),
            ("EXEC", "*3 :1 :1 +OK"),
        ],
    );
    assert!(!waiter.has_reply_within(A_WHILE));
    // Woken by the other key it begins again with the first, which is of the wrong type.
    assert_eq!(client.ask("RPUSH p a"), ":1");
    assert_eq!(
        waiter.reply(),
        "-WRONGTYPE Operation against a key holding the wrong kind of value"
    );
    assert_eq!(client.ask("LRANGE p 0 -1"), "*1 $1 a");
}

#[test]
fn a_move_to_the_wrong_type_leaves_the_element_to_the_next() {
    let server = TestServer::start();
    let mut client = server.raw();
    assert_eq!(client.ask("SET s v"), "+OK");
    let mut mover = waiting(&server, "BLMOVE q s LEFT LEFT 0", 1);
    let mut popper = waiting(&server, "BLPOP q 0", 2);
    assert_eq!(client.ask("RPUSH q a"), ":1");
    assert_eq!(mover.reply(), "-WRONGTYPE Operation against a key holding the wrong kind of value");
    assert_eq!(popper.reply(), "*2 $1 q $1 a");
}

#[test]
fn waits_end_at_their_time() {
    let server = TestServer::manual();
    let mut client = server.raw();
    let mut pop = waiting(&server, "BLPOP q 1.5", 1);
    let mut movement = waiting(&server, "BLMOVE q d LEFT LEFT 0.0011", 2);
    server.advance_ms(1);
    assert!(!movement.has_reply_within(A_WHILE));
    server.advance_ms(1);
    // 1.1 ms are rounded up, so that a wait never ends early.
    assert_eq!(movement.reply(), "*-1");
    server.advance_ms(1_497);
    assert!(!pop.has_reply_within(A_WHILE));
    server.advance_ms(1);
    assert_eq!(pop.reply(), "*-1");
    let mut many = waiting(&server, "BLMOVEM q d LEFT LEFT 1 EXACTLY 3 OBO", 1);
    let mut multi = waiting(&server, "BLMPOP 1 2 q p LEFT", 2);
    server.advance_ms(1_000);
    assert_eq!((many.reply(), multi.reply()), ("*-1".into(), "*-1".into()));
    // Who has left is not served.
    check(&mut client, &[("RPUSH q a b c", ":3"), ("LLEN q", ":3")]);
}

#[test]
fn a_wait_ends_by_hand_or_with_its_connection() {
    let server = TestServer::start();
    let mut client = server.raw();
    let mut waiter = server.raw();
    let id = waiter.ask("CLIENT ID").trim_start_matches(':').to_owned();
    waiter.command("BLPOP q 0");
    server.wait_blocked(1);
    assert_eq!(client.ask(&format!("CLIENT UNBLOCK {id}")), ":1");
    assert_eq!(waiter.reply(), "*-1");
    waiter.command("BLMOVE q d LEFT LEFT 0");
    server.wait_blocked(1);
    assert_eq!(client.ask(&format!("CLIENT UNBLOCK {id} ERROR")), ":1");
    assert_eq!(waiter.reply(), "-UNBLOCKED client unblocked via CLIENT UNBLOCK");
    // What was sent meanwhile follows the reply.
    waiter.send(b"BLPOP q 0\r\nPING\r\n");
    server.wait_blocked(1);
    assert_eq!(client.ask("RPUSH q a"), ":1");
    assert_eq!((waiter.reply(), waiter.reply()), ("*2 $1 q $1 a".into(), "+PONG".into()));
    waiter.command("BLPOP q 0");
    server.wait_blocked(1);
    drop(waiter);
    server.wait_blocked(0);
    check(&mut client, &[("RPUSH q a", ":1"), ("LLEN q", ":1")]);
}

#[test]
fn blmovem_exactly_waits_for_enough() {
    let server = TestServer::start();
    let mut client = server.raw();
    let mut any = waiting(&server, "BLMOVEM src dst LEFT RIGHT 0 COUNT 5 BULK", 1);
    assert_eq!(client.ask("RPUSH src a b"), ":2");
    assert_eq!(any.reply(), "*2 $1 a $1 b");
    for (last_step, moved) in [
        ("RPUSH src 3", "*3 $1 1 $1 2 $1 3"),
        ("LINSERT src BEFORE 1 0", "*3 $1 0 $1 1 $1 2"),
        ("LMOVE feed src LEFT RIGHT", "*3 $1 1 $1 2 $1 9"),
        ("LMOVEM feed src LEFT LEFT", "*3 $1 9 $1 1 $1 2"),
    ] {
        client.ask("DEL src dst feed");
        let mut waiter = waiting(&server, "BLMOVEM src dst LEFT RIGHT 0 EXACTLY 3 BULK", 1);
        check(&mut client, &[("RPUSH feed 9", ":1"), ("RPUSH src 1", ":1")]);
        check(&mut client, &[("RPUSH src 2", ":2"), ("EXISTS dst", ":0")]);
        assert!(!waiter.has_reply_within(A_WHILE), "{last_step}");
        client.ask(last_step);
        assert_eq!(waiter.reply(), moved, "{last_step}");
        assert_eq!(client.ask("LRANGE dst 0 -1"), moved);
        assert_eq!(client.ask("EXISTS src"), ":0");
    }
}

#[test]
fn blmovem_keeps_its_turn_while_others_are_served() {
    let server = TestServer::start();
    let mut client = server.raw();
    let mut mover = waiting(&server, "BLMOVEM src dst LEFT RIGHT 0 EXACTLY 2 BULK", 1);
    let mut first = waiting(&server, "BLPOP src 0", 2);
    let mut second = waiting(&server, "BLPOP src 0", 3);
    assert_eq!(client.ask("RPUSH src a"), ":1");
    assert_eq!(first.reply(), "*2 $3 src $1 a");
    assert_eq!(client.ask("RPUSH src b c"), ":2");
    assert_eq!(mover.reply(), "*2 $1 b $1 c");
    assert!(!second.has_reply_within(A_WHILE));
    assert_eq!(client.ask("RPUSH src d"), ":1");
    assert_eq!(second.reply(), "*2 $3 src $1 d");
    check(
        &mut client,
        &[("MULTI", "+OK"), ("BLMOVEM src dst LEFT LEFT 0 EXACTLY 3 OBO", "+QUEUED")],
    );
    assert_eq!(client.ask("EXEC"), "*1 *-1");
    check(
        &mut client,
        &[
            ("BLMOVEM dst src LEFT LEFT abc", "-ERR timeout is not a float or out of range"),
            ("BLMOVEM dst src LEFT LEFT -1", "-ERR timeout is negative"),
            ("BLMOVEM dst src LEFT UP 0", "-ERR syntax error"),
            ("BLMOVEM dst src LEFT LEFT 0 COUNT 2", "-ERR syntax error"),
            ("BLMOVEM dst src LEFT LEFT 0 COUNT 0 OBO", "-ERR count should be greater than 0"),
            ("BLMOVEM dst src LEFT LEFT 0", "*1 $1 b"),
        ],
    );
}

#[test]
fn a_push_in_a_transaction_serves_when_it_has_ended() {
    let server = TestServer::start();
    let mut client = server.raw();
    let mut waiter = waiting(&server, "BLPOP q 0", 1);
    check(&mut client, &[("MULTI", "+OK"), ("RPUSH q a", "+QUEUED"), ("LPOP q", "+QUEUED")]);
    assert_eq!(client.ask("EXEC"), "*2 :1 $1 a");
    assert!(!waiter.has_reply_within(A_WHILE));
    check(&mut client, &[("MULTI", "+OK"), ("LPUSH q a", "+QUEUED"), ("LPUSH q b", "+QUEUED")]);
    assert_eq!(client.ask("EXEC"), "*2 :1 :2");
    assert_eq!(waiter.reply(), "*2 $1 q $1 b");
}

#[test]
fn waiting_forms_that_need_not_wait() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("RPUSH l 1 2 3 4 5 6 7 8 9 10", ":10"),
            ("SET s v", "+OK"),
            ("BLPOP l abc", "-ERR timeout is not a float or out of range"),
            ("BLPOP l -1", "-ERR timeout is negative"),
            ("BLPOP l -0.001", "*2 $1 l $1 1"),
            ("BLPOP l 1e400", "-ERR timeout is out of range"),
            ("BLPOP l nan", "-ERR timeout is not a float or out of range"),
            ("BLPOP l inf", "-ERR timeout is out of range"),
            ("BLPOP l 9223372036854775807", "-ERR timeout is out of range"),
            ("BLPOP l \"\"", "-ERR timeout is not a float or out of range"),
            ("BLPOP s abc", "-ERR timeout is not a float or out of range"),
            ("BLPOP s 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("BRPOP s l 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("BRPOP l s 0", "*2 $1 l $2 10"),
            (
                "BRPOP none s 0",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            ("BLPOP l", "-ERR wrong number of arguments for 'blpop' command"),
            ("BLMOVE l d LEFT MIDDLE abc", "-ERR syntax error"),
            ("BLMOVE l d LEFT RIGHT abc", "-ERR timeout is not a float or out of range"),
            ("BLMOVE s d LEFT RIGHT -1", "-ERR timeout is negative"),
            (
                "BLMOVE s d LEFT RIGHT 0",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            ("BLMOVE l d LEFT RIGHT", "-ERR wrong number of arguments for 'blmove' command"),
            ("BRPOPLPUSH s d abc", "-ERR timeout is not a float or out of range"),
            (
                "BRPOPLPUSH s d 0",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            ("BRPOPLPUSH l d", "-ERR wrong number of arguments for 'brpoplpush' command"),
            ("BLMPOP abc 0 l LEFT", "-ERR numkeys should be greater than 0"),
            ("BLMPOP abc 1 l MIDDLE", "-ERR syntax error"),
            ("BLMPOP abc 1 l LEFT", "-ERR timeout is not a float or out of range"),
            ("BLMPOP -1 1 l LEFT COUNT 0", "-ERR count should be greater than 0"),
            (
                "BLMPOP 0 1 s LEFT",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            (
                "BLMPOP 0 2 none s LEFT",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            ("BLMPOP 0 2 l LEFT", "-ERR syntax error"),
            ("BLMPOP 0 1", "-ERR wrong number of arguments for 'blmpop' command"),
            ("RPUSH l 1 2 3 4 5 6 7", ":15"),
            ("BLPOP none l 0", "*2 $1 l $1 2"),
            ("BRPOP l none 0x10", "*2 $1 l $1 7"),
            ("BLMPOP 0 2 none l RIGHT COUNT 2", "*2 $1 l *2 $1 6 $1 5"),
            ("BLMPOP 0 1 l LEFT", "*2 $1 l *1 $1 3"),
            ("BLMOVE l d LEFT RIGHT 0", "$1 4"),
            ("BRPOPLPUSH l d 0", "$1 4"),
            (
                "BLMOVE d s LEFT RIGHT 0",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            (
                "BRPOPLPUSH d s 0",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            ("LRANGE d 0 -1", "*2 $1 4 $1 4"),
            ("MULTI", "+OK"),
            ("BLPOP none 0", "+QUEUED"),
            ("BRPOP none 0", "+QUEUED"),
            ("BLMPOP 0 1 none LEFT", "+QUEUED"),
            ("BLMOVE none d LEFT LEFT 0", "+QUEUED"),
            ("BRPOPLPUSH none d 0", "+QUEUED"),
            ("BLPOP d 0", "+QUEUED"),
            ("EXEC", "*6 *-1 *-1 *-1 $-1 $-1 *2 $1 d $1 4"),
        ],
    );
}

#[test]
fn what_is_recorded_is_what_was_done_in_the_end() {
    let server = TestServer::start();
    let mut client = server.raw();
    let mut mover = waiting(&server, "BLMOVE q p LEFT LEFT 0", 1);
    let mut popper = waiting(&server, "BRPOP p 0", 2);
    assert_eq!(client.ask("RPUSH q job"), ":1");
    assert_eq!((mover.reply(), popper.reply()), ("$3 job".into(), "*2 $1 p $3 job".into()));
    // Each in a frame of its own, in the order in which it happened.
    assert_eq!(effects(&server), ["RPUSH q job", "LMOVE q p LEFT LEFT", "RPOP p"]);
}
