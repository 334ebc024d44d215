//! In which order a read of `>` hands entries out in a group with a policy, how much it takes, and
//! when readers that wait are woken: each sentence of "Order", under a clock that is turned by hand.

mod support;

use std::time::Duration;

use support::Raw;
use support::queues::{Queue, assert_replays, ids};

const NOT_YET: Duration = Duration::from_millis(20);

fn queue(policy: &str) -> Queue {
    Queue::new(policy)
}

fn blocked(queue: &Queue, consumer: &str) -> Raw {
    blocked_with(queue, &format!("XREADGROUP GROUP g {consumer} BLOCK 0 STREAMS s >"), 1)
}

fn blocked_with(queue: &Queue, request: &str, count: usize) -> Raw {
    let mut client = queue.server.raw();
    client.command(request);
    queue.server.wait_blocked(count);
    client
}

#[test]
fn the_ready_go_by_due_time_then_the_new_by_id() {
    let mut queue = queue("LEASE 100000 BACKOFF 0 0");
    for id in ["1", "2", "3"] {
        queue.add(id);
    }
    queue.read("c");
    queue.ask("XNACK s g FAIL IDS 1 3 DELAY 10");
    queue.ask("XNACK s g FAIL IDS 1 1 DELAY 30");
    queue.ask("XNACK s g FAIL IDS 1 2 DELAY 20");
    queue.add("4");
    queue.add("5");
    queue.advance(30);
    assert_eq!(queue.read("c"), "3-0 2-0 1-0 4-0 5-0");
}

#[test]
fn a_read_stops_at_count_maxcount_maxsize_maxinflight_and_rate() {
    for (policy, options, taken) in [
        ("LEASE 1000", "COUNT 2", "1-0 2-0"),
        ("LEASE 1000", "MAXCOUNT 3", "1-0 2-0 3-0"),
        ("LEASE 1000", "MAXSIZE 1", "1-0"),
        ("MAXINFLIGHT 2", "COUNT 9", "1-0 2-0"),
        ("RATE 3 1000", "COUNT 9", "1-0 2-0 3-0"),
    ] {
        let mut queue = queue(policy);
        for id in ["1", "2", "3", "4", "5"] {
            queue.add(id);
        }
        // One has a record already, the others are new.
        queue.ask("XNACK s g SILENT IDS 1 1 FORCE");
        let reply = queue.ask(&format!("XREADGROUP GROUP g c {options} STREAMS s >"));
        assert_eq!(ids(&reply), taken, "{policy} {options}");
    }
}

#[test]
fn the_last_permitted_delivery_goes_out_alone() {
    let mut queue = queue("LEASE 1000 MAXDELIVERIES 2 BACKOFF 0 0");
    for id in ["1", "2", "3"] {
        queue.add(id);
    }
    assert_eq!(queue.read("c"), "1-0 2-0 3-0");
    queue.ask("XACK s g 3");
    queue.advance(1000);
    queue.add("4");
    assert_eq!(queue.read("c"), "1-0");
    assert_eq!(queue.read("c"), "2-0");
    assert_eq!(queue.read("c"), "4-0");
}

#[test]
fn before_the_last_permitted_delivery_a_reply_ends() {
    let mut queue = queue("MAXDELIVERIES 2");
    for id in ["1", "2"] {
        queue.add(id);
    }
    queue.read("c");
    queue.ask("XNACK s g SILENT IDS 1 1");
    queue.advance(1);
    queue.ask("XNACK s g FAIL IDS 1 2");
    assert_eq!(queue.read("c"), "1-0");
    assert_eq!(queue.read("c"), "2-0");
}

#[test]
fn the_last_permitted_delivery_is_alone_over_all_streams_of_a_reply() {
    let mut queue = queue("MAXDELIVERIES 2");
    queue.ask("XGROUP CREATE other g 0 MKSTREAM");
    queue.ask("XADD other 7 f v");
    queue.add("1");
    queue.read("c");
    queue.ask("XNACK s g FAIL IDS 1 1");
    assert_eq!(ids(&queue.ask("XREADGROUP GROUP g c STREAMS s other > >")), "1-0");
    queue.ask("XNACK s g SILENT IDS 1 1");
    assert_eq!(ids(&queue.ask("XREADGROUP GROUP g c STREAMS other s > >")), "7-0");
    assert_eq!(queue.read("c"), "1-0");
}

#[test]
fn with_one_delivery_permitted_entries_go_out_together() {
    let mut queue = queue("MAXDELIVERIES 1");
    queue.add("1");
    queue.add("2");
    assert_eq!(queue.read("c"), "1-0 2-0");
}

#[test]
fn one_value_goes_strictly_by_id_and_others_in_parallel() {
    let mut queue = queue("LEASE 1000 BACKOFF 0 0 ORDERBY k");
    for entry in ["1 k a", "2 k b", "3 k a", "4 x y", "5 k b", "6 k a"] {
        queue.ask(&format!("XADD s {entry}"));
    }
    assert_eq!(queue.read("c"), "1-0 2-0 4-0");
    assert_eq!(queue.states("3 5 6"), "HELD 0 @0, HELD 0 @0, HELD 0 @0");
    assert_eq!(queue.read("c"), "");
    queue.ask("XACK s g 2");
    assert_eq!(queue.read("c"), "5-0");
    queue.ask("XACK s g 1");
    assert_eq!(queue.states("3 6"), "READY 0 @0, HELD 0 @0");
    assert_eq!(queue.read("d"), "3-0");
    queue.ask("XACK s g 3");
    assert_eq!(queue.read("c"), "6-0");
}

#[test]
fn a_lapsed_head_goes_again_before_its_successors() {
    let mut queue = queue("LEASE 1000 BACKOFF 0 0 ORDERBY k");
    queue.ask("XADD s 1 k a");
    queue.ask("XADD s 2 k a");
    assert_eq!(queue.read("c"), "1-0");
    queue.advance(1000);
    assert_eq!(queue.read("d"), "1-0");
    assert_eq!(queue.state("2"), "HELD 0 @0");
}

#[test]
fn a_deferred_head_holds_its_successors() {
    let mut queue = queue("LEASE 1000 ORDERBY k");
    queue.ask("XADD s 1 k a");
    queue.ask("XADD s 2 k a");
    queue.read("c");
    queue.ask("XNACK s g FAIL IDS 1 1 DELAY 500");
    assert_eq!(queue.states("1 2"), "DEFERRED 1 @500, HELD 0 @0");
    assert_eq!(queue.read("c"), "");
    queue.advance(500);
    assert_eq!(queue.read("c"), "1-0");
}

#[test]
fn a_dead_lettered_head_frees_its_successors() {
    for policy in ["MAXDELIVERIES 1 ORDERBY k DLQ dead", "MAXDELIVERIES 1 ORDERBY k"] {
        let mut queue = queue(policy);
        queue.ask("XADD s 1 k a");
        queue.ask("XADD s 2 k a");
        queue.read("c");
        queue.ask("XNACK s g FAIL IDS 1 1");
        assert_eq!(queue.read("c"), "2-0", "{policy}");
    }
}

#[test]
fn a_read_that_gives_up_a_head_goes_on_to_its_successor() {
    let mut queue = queue("MAXDELIVERIES 3 ORDERBY k");
    queue.ask("XADD s 1 k a");
    queue.ask("XADD s 2 k a");
    queue.read("c");
    queue.ask("XNACK s g SILENT IDS 1 1 RETRYCOUNT 3");
    assert_eq!(queue.read("c"), "2-0");
    assert_eq!(queue.states("1"), "DEAD 3 @0");
}

#[test]
fn deleting_a_head_frees_its_successors() {
    let mut queue = queue("LEASE 1000 ORDERBY k");
    queue.ask("XADD s 1 k a");
    queue.ask("XADD s 2 k a");
    queue.read("c");
    queue.ask("XNACK s g FAIL IDS 1 1 DELAY 500");
    let mut reader = blocked(&queue, "d");
    assert_eq!(queue.ask("XDEL s 1"), ":1");
    assert_eq!(ids(&reader.reply()), "2-0");
}

#[test]
fn a_value_can_be_given_to_entries_that_wait() {
    let mut queue = queue("MAXDELIVERIES 5");
    for entry in ["1 k a", "2 k a", "3 k b"] {
        queue.ask(&format!("XADD s {entry}"));
    }
    queue.read("c");
    queue.ask("XNACK s g FAIL IDS 3 1 2 3");
    queue.ask("XCFGSET s GROUP g ORDERBY k");
    assert_eq!(queue.states("1 2 3"), "READY 1 @0, HELD 1 @0, READY 1 @0");
    queue.ask("XCFGSET s GROUP g ORDERBY \"\"");
    assert_eq!(queue.states("1 2 3"), "READY 1 @0, READY 1 @0, READY 1 @0");
}

#[test]
fn a_stuck_value_does_not_hide_the_others() {
    let mut queue = queue("LEASE 100000 ORDERBY k");
    for id in 1..=500 {
        queue.ask(&format!("XADD s {id} k stuck"));
    }
    queue.ask("XADD s 501 k other");
    assert_eq!(ids(&queue.ask("XREADGROUP GROUP g c COUNT 2 STREAMS s >")), "1-0 501-0");
}

#[test]
fn readers_wake_when_a_lease_ends() {
    let mut queue = queue("LEASE 1000 BACKOFF 0 0");
    queue.add("1");
    queue.read("c");
    let mut reader = blocked(&queue, "d");
    queue.advance(999);
    assert!(!reader.has_reply_within(NOT_YET));
    queue.advance(1);
    assert_eq!(ids(&reader.reply()), "1-0");
}

#[test]
fn readers_wake_when_a_value_is_freed_or_a_place() {
    for (policy, second) in [("ORDERBY k", "2 k a"), ("MAXINFLIGHT 1", "2 f v")] {
        for done in [
            "XACK s g 1",
            "XACKDEL s g IDS 1 1",
            "XNACK s g FATAL IDS 1 1",
            "XDELEX s DELREF IDS 1 1",
            "XTRIM s MINID 2 DELREF",
        ] {
            let mut queue = queue(policy);
            queue.ask("XADD s 1 k a");
            queue.read("c");
            queue.ask(&format!("XADD s {second}"));
            let mut reader = blocked(&queue, "d");
            assert!(!reader.has_reply_within(NOT_YET));
            queue.ask(done);
            assert_eq!(ids(&reader.reply()), "2-0", "{policy}: {done}");
        }
    }
}

/// An expired head that comes back is given up before anybody reads: its successor does not wait on.
#[test]
fn who_is_blocked_reads_after_what_has_expired_is_judged() {
    let mut queue = queue("ORDERBY k MAXINFLIGHT 1 DLQ dead");
    queue.ask("XADD s TTL 50 1 k a");
    queue.ask("XADD s 2 k a");
    queue.ask("XADD s 3 k b");
    assert_eq!(queue.read("c"), "1-0");
    queue.advance(50);
    let mut reader = blocked(&queue, "d");
    queue.ask("XNACK s g FAIL IDS 1 1");
    assert_eq!(ids(&reader.reply()), "2-0");
    assert_eq!(queue.reasons(), "expired");
}

#[test]
fn readers_wake_when_a_token_is_refilled() {
    let mut queue = queue("RATE 2 1000");
    for id in ["1", "2", "3", "4"] {
        queue.add(id);
    }
    assert_eq!(ids(&queue.ask("XREADGROUP GROUP g c COUNT 1 STREAMS s >")), "1-0");
    queue.advance(400);
    assert_eq!(queue.read("c"), "2-0");
    let mut reader = blocked(&queue, "d");
    queue.advance(599);
    assert!(!reader.has_reply_within(NOT_YET));
    queue.advance(1);
    assert_eq!(ids(&reader.reply()), "3-0");
    let mut reader = blocked(&queue, "d");
    queue.advance(399);
    assert!(!reader.has_reply_within(NOT_YET));
    queue.advance(1);
    assert_eq!(ids(&reader.reply()), "4-0");
}

#[test]
fn the_rate_is_kept_across_restarts_and_xclaim_is_not_counted() {
    let mut queue = queue("RATE 2 1000");
    for id in ["1", "2", "3"] {
        queue.add(id);
    }
    queue.ask("XREADGROUP GROUP g c COUNT 1 STREAMS s >");
    queue.ask("XCLAIM s g d 0 1");
    assert_eq!(ids(&queue.ask("XREADGROUP GROUP g c COUNT 1 STREAMS s >")), "2-0");
    queue.restart(500);
    assert_eq!(queue.read("c"), "");
    queue.advance(500);
    assert_eq!(queue.read("c"), "3-0");
}

#[test]
fn one_entry_that_comes_back_wakes_one_reader() {
    let mut queue = queue("LEASE 1000 BACKOFF 0 0");
    queue.add("1");
    queue.read("c");
    let mut first = blocked(&queue, "d");
    let mut second = blocked_with(&queue, "XREADGROUP GROUP g e BLOCK 0 STREAMS s >", 2);
    queue.advance(1000);
    assert_eq!(ids(&first.reply()), "1-0");
    assert!(!second.has_reply_within(NOT_YET));
    queue.advance(1000);
    assert_eq!(ids(&second.reply()), "1-0");
}

#[test]
fn only_an_explicit_claim_gets_four_elements() {
    let mut queue = queue("LEASE 1000 BACKOFF 0 0");
    queue.add("1");
    queue.read("c");
    queue.advance(1000);
    let reply = queue.ask("XREADGROUP GROUP g c CLAIM 5000 STREAMS s >");
    assert!(reply.starts_with("*1 *2 $1 s *1 *4 $3 1-0"), "{reply}");
}

#[test]
fn a_blocked_reader_gives_the_used_up_to_a_stream_in_another_shard() {
    for dlq in ["d1", "d2", "d3", "d4"] {
        let mut queue = queue("LEASE 1000 MAXDELIVERIES 5 BACKOFF 0 0");
        queue.add("1");
        queue.read("c");
        queue.ask("XNACK s g FAIL IDS 1 1 DELAY 500");
        // The limit is lowered below what it has had already.
        queue.ask(&format!("XCFGSET s GROUP g MAXDELIVERIES 1 DLQ {dlq}"));
        let mut reader = blocked(&queue, "d");
        queue.advance(500);
        assert_eq!(queue.state("1"), "DONE");
        assert_eq!(queue.ask(&format!("XLEN {dlq}")), ":1");
        queue.add("2");
        assert_eq!(ids(&reader.reply()), "2-0");
    }
}

#[test]
fn a_delayed_entry_that_comes_due_behind_others_of_its_value_is_held() {
    let mut queue = queue("LEASE 100000 BACKOFF 0 0 ORDERBY k");
    for id in ["1", "2", "3", "4"] {
        queue.ask(&format!("XADD s {id} k a"));
    }
    queue.read("c");
    queue.ask("XNACK s g FAIL IDS 1 4 DELAY 100");
    queue.advance(100);
    assert_eq!(queue.states("1 2 3 4"), "INFLIGHT c 1, HELD 0 @0, HELD 0 @0, HELD 0 @100");
    queue.ask("XACK s g 1");
    assert_eq!(queue.read("c"), "2-0");
}
#[test]
fn first_deliveries_of_delayed_entries_are_among_the_ready() {
    let mut queue = queue("LEASE 100000");
    queue.ask("XADD s DELAY 50 1 f v");
    queue.add("2");
    assert_eq!(queue.read("c"), "2-0");
    assert_eq!(queue.state("1"), "DEFERRED 0 @50");
    queue.ask("XNACK s g SILENT IDS 1 2 DELAY 60");
    queue.add("3");
    queue.advance(60);
    assert_eq!(queue.read("c"), "1-0 2-0 3-0");
}

/// "Within an ORDERBY value strictly by id": also what FORCE names, of which the group has no record yet.
#[test]
fn force_does_not_overtake_in_line() {
    let ordered = || {
        let mut queue = queue("ORDERBY k LEASE 100000");
        for id in ["1", "2", "3"] {
            queue.ask(&format!("XADD s {id} k v"));
        }
        queue.add("4");
        queue
    };
    for (way, none) in [
        ("XCLAIM s g w 0 3 FORCE", "*0"),
        ("XCLAIM s g w 0 3 FORCE JUSTID RETRYCOUNT 1", "*0"),
        ("XNACK s g SILENT IDS 1 3 FORCE", ":0"),
        ("XNACK s g FAIL IDS 1 3 FORCE", ":0"),
        ("XNACK s g FATAL IDS 1 3 FORCE", ":0"),
        ("XNACK s g SILENT IDS 1 3 FORCE DELAY 5", ":0"),
    ] {
        let mut queue = ordered();
        assert_eq!(queue.ask(way), none, "{way}");
        assert_eq!(queue.state("3"), "NEW", "{way}");
        queue.advance(5);
        assert_eq!(queue.read("c"), "1-0 4-0", "{way}");
        assert_eq!(queue.states("1 2 3"), "INFLIGHT c 1, HELD 0 @5, HELD 0 @5", "{way}");
    }
    let mut queue = ordered();
    // What has no line overtakes nobody.
    assert_eq!(queue.ask("XNACK s g SILENT IDS 2 3 4 FORCE"), ":1");
    assert_eq!(queue.ask("XREADGROUP GROUP g c COUNT 1 STREAMS s >").matches("4-0").count(), 1);
    // Nor does what the cursor has passed, by its own way or as somebody says.
    assert_eq!(queue.read("c"), "1-0");
    queue.ask("XACK s g 1");
    assert_eq!(queue.ask("XNACK s g SILENT IDS 1 1 FORCE"), ":1");
    assert_eq!(queue.states("1 2"), "READY 0 @0, HELD 0 @0");
    let mut queue = ordered();
    assert_eq!(ids(&queue.ask("XCLAIM s g w 0 3 FORCE LASTID 3")), "3-0");
    assert_replays(&queue.server);
}

#[test]
fn readers_wake_at_due_times() {
    let mut queue = queue("LEASE 100000");
    queue.ask("XADD s DELAY 700 1 f v");
    let mut reader = blocked(&queue, "c");
    queue.advance(699);
    assert!(!reader.has_reply_within(NOT_YET));
    queue.advance(1);
    assert_eq!(ids(&reader.reply()), "1-0");
}

#[test]
fn a_group_without_a_policy_hands_delayed_entries_out_when_due_and_nothing_else() {
    let mut queue = queue("");
    queue.ask("XADD s DELAY 100 1 f v");
    queue.add("2");
    assert_eq!(queue.read("c"), "2-0");
    queue.ask("XNACK s g FAIL IDS 1 2");
    assert_eq!(queue.read("c"), "");
    // Claiming does not reach what is deferred.
    assert_eq!(ids(&queue.ask("XAUTOCLAIM s g d 0 0 JUSTID")), "0-0 2-0");
    queue.ask("XACK s g 2");
    let mut reader = blocked(&queue, "c");
    queue.advance(100);
    assert_eq!(ids(&reader.reply()), "1-0");
    queue.advance(100_000);
    assert_eq!(queue.state("1"), "INFLIGHT c 1");
}
