//! What happens to an entry in a group with a policy: each row of the states, under a clock that is
//! turned by hand.

mod support;

use support::queues::{Queue, ids};

fn queue(policy: &str) -> Queue {
    Queue::new(policy)
}

#[test]
fn new_and_ready_go_in_flight_and_count_one_more() {
    let mut queue = queue("LEASE 1000 BACKOFF 0 0");
    queue.add("1");
    assert_eq!(queue.state("1"), "NEW");
    assert_eq!(queue.read("c"), "1-0");
    assert_eq!(queue.state("1"), "INFLIGHT c 1");
    queue.advance(1000);
    assert_eq!(queue.state("1"), "READY 1 @1000");
    assert_eq!(queue.read("d"), "1-0");
    assert_eq!(queue.state("1"), "INFLIGHT d 2");
}

#[test]
fn a_lease_ends_to_the_millisecond() {
    let mut queue = queue("LEASE 1000 BACKOFF 0 0");
    queue.add("1");
    queue.read("c");
    queue.advance(999);
    assert_eq!((queue.state("1"), queue.read("d")), ("INFLIGHT c 1".into(), String::new()));
    queue.advance(1);
    assert_eq!(queue.read("d"), "1-0");
}

#[test]
fn a_redelivered_entry_has_the_ordinary_shape() {
    let mut queue = queue("LEASE 1000 BACKOFF 0 0");
    queue.add("1");
    let first = queue.ask("XREADGROUP GROUP g c STREAMS s >");
    queue.advance(1000);
    assert_eq!(queue.ask("XREADGROUP GROUP g c STREAMS s >"), first);
}

#[test]
fn acknowledging_is_open_to_all_however_late() {
    let mut queue = queue("LEASE 1000 MAXDELIVERIES 1");
    for id in ["1", "2", "3"] {
        queue.add(id);
    }
    queue.read("c");
    queue.ask("XNACK s g FAIL IDS 1 1");
    queue.advance(1000);
    assert_eq!(queue.state("2"), "DEAD 1 @1000");
    queue.advance(5000);
    assert_eq!(queue.ask("XACK s g 1 2 3"), ":3");
    assert_eq!(queue.state("1"), "DONE");
    assert_eq!(queue.state("2"), "DONE");
}

#[test]
fn a_failure_waits_for_its_backoff_with_a_spread_of_a_tenth() {
    let mut queue = queue("LEASE 1000 BACKOFF 100 400");
    queue.add("1");
    // 100, 200, 400, 400: the nth retry waits twice as long as the one before, up to the maximum.
    for (count, least, most) in [(1, 90, 110), (2, 180, 220), (3, 360, 400), (4, 360, 400)] {
        assert_eq!(queue.read("c"), "1-0");
        queue.ask("XNACK s g FAIL IDS 1 1");
        let due = queue.due_in("1");
        assert!((least..=most).contains(&due), "retry {count} waits {due}");
        queue.advance(due - 1);
        assert_eq!(queue.read("c"), "");
        queue.advance(1);
        assert_eq!(queue.state("1"), format!("READY {count} @{}", queue.now()));
    }
}

#[test]
fn a_lapsed_lease_waits_for_its_backoff_by_default() {
    let mut queue = queue("LEASE 5000");
    queue.add("1");
    queue.read("c");
    queue.advance(5000);
    let due = queue.due_in("1");
    assert!((900..=1100).contains(&due), "{due}");
}

#[test]
fn at_maxdeliveries_an_entry_is_judged_when_it_comes_back() {
    let mut queue = queue("LEASE 1000 MAXDELIVERIES 2 BACKOFF 0 0 DLQ dead");
    queue.add("1");
    queue.read("c");
    queue.advance(1000);
    assert_eq!(queue.read("c"), "1-0");
    assert_eq!(queue.ask("XLEN dead"), ":0");
    queue.advance(1000);
    assert_eq!(queue.state("1"), "DONE");
    assert_eq!(queue.reasons(), "maxdeliveries");
}

#[test]
fn the_dead_tell_their_story() {
    let mut queue = queue("LEASE 1000 MAXDELIVERIES 1 DLQ dead");
    queue.add("1");
    queue.read("worker");
    queue.advance(1000);
    assert_eq!(queue.state("1"), "DONE");
    let at = queue.start() + 1000;
    let story = format!(
        "*1 *2 $15 {at}-0 *16 $1 f $1 v $10 dlq.stream $1 s $9 dlq.group $1 g $6 dlq.id $3 1-0 \
         $10 dlq.reason $13 maxdeliveries $14 dlq.deliveries $1 1 $12 dlq.consumer $6 worker \
         $8 dlq.time $13 {at}"
    );
    assert_eq!(queue.ask("XRANGE dead - +"), story);
    // One frame holds the append and the drop.
    let frames = queue.effects();
    let both = frames.iter().find(|frame| frame.contains("dlq.stream")).expect("it is recorded");
    assert!(both.contains("XADD dead") && both.contains("XPLACE s g"), "{both}");
}

#[test]
fn nack_fail_at_the_limit_dead_letters() {
    let mut queue = queue("MAXDELIVERIES 1 DLQ dead");
    queue.add("1");
    queue.read("c");
    assert_eq!(queue.ask("XNACK s g FAIL IDS 1 1"), ":1");
    assert_eq!(queue.reasons(), "maxdeliveries");
    assert_eq!(queue.state("1"), "DONE");
}

#[test]
fn nack_silent_takes_the_delivery_back() {
    let mut queue = queue("LEASE 1000 MAXDELIVERIES 1 DLQ dead");
    queue.add("1");
    for _ in 0..3 {
        assert_eq!(queue.read("c"), "1-0");
        queue.ask("XNACK s g SILENT IDS 1 1");
        assert_eq!(queue.state("1"), "READY 0 @0");
    }
    queue.read("c");
    queue.ask("XNACK s g SILENT IDS 1 1 DELAY 500");
    assert_eq!(queue.state("1"), "DEFERRED 0 @500");
}

#[test]
fn nack_fatal_dead_letters_now() {
    let mut queue = queue("LEASE 1000 MAXDELIVERIES 9 DLQ dead");
    queue.add("1");
    queue.read("c");
    queue.ask("XNACK s g FATAL IDS 1 1");
    assert_eq!(queue.reasons(), "fatal");
}

#[test]
fn nack_takes_a_delay_from_now_or_a_time() {
    let mut queue = queue("LEASE 1000 BACKOFF 0 0");
    queue.add("1");
    queue.read("c");
    queue.ask("XNACK s g FAIL IDS 1 1 DELAY 700");
    assert_eq!(queue.state("1"), "DEFERRED 1 @700");
    let at = queue.start() + 300;
    queue.ask(&format!("XNACK s g FAIL IDS 1 1 DELAY {at}"));
    assert_eq!(queue.state("1"), "DEFERRED 1 @300");
    queue.advance(300);
    assert_eq!(queue.read("c"), "1-0");
}

#[test]
fn nack_reschedules_what_nobody_has() {
    let mut queue = queue("MAXDELIVERIES 1");
    queue.add("1");
    queue.read("c");
    queue.ask("XNACK s g FAIL IDS 1 1");
    assert_eq!(queue.state("1"), "DEAD 1 @0");
    // The dead that are parked in a group come back so.
    queue.ask("XNACK s g SILENT IDS 1 1 RETRYCOUNT 0");
    assert_eq!(queue.state("1"), "READY 0 @0");
    queue.ask("XNACK s g SILENT IDS 1 1 DELAY 10");
    assert_eq!(queue.state("1"), "DEFERRED 0 @10");
}

#[test]
fn nack_of_a_consumer_is_only_for_what_it_still_holds() {
    let mut queue = queue("LEASE 1000 BACKOFF 0 0");
    queue.add("1");
    queue.read("c");
    queue.advance(1000);
    assert_eq!(queue.read("d"), "1-0");
    assert_eq!(queue.ask("XNACK s g FAIL IDS 1 1 CONSUMER c"), ":0");
    assert_eq!(queue.state("1"), "INFLIGHT d 2");
    assert_eq!(queue.ask("XNACK s g FAIL IDS 1 1 CONSUMER d"), ":1");
}

#[test]
fn noack_reads_are_done_at_once() {
    let mut queue = queue("LEASE 1000 BACKOFF 0 0");
    queue.add("1");
    queue.read("c");
    queue.advance(1000);
    queue.add("2");
    assert_eq!(ids(&queue.ask("XREADGROUP GROUP g c NOACK STREAMS s >")), "1-0 2-0");
    assert_eq!((queue.state("1"), queue.state("2")), ("DONE".into(), "DONE".into()));
}

#[test]
fn without_a_dlq_the_dead_are_parked_and_handed_to_nobody() {
    let mut queue = queue("LEASE 1000 MAXDELIVERIES 1");
    queue.add("1");
    queue.read("c");
    queue.advance(1000);
    assert_eq!(queue.state("1"), "DEAD 1 @1000");
    assert_eq!(queue.read("c"), "");
    assert_eq!(queue.ask("XAUTOCLAIM s g c 0 0"), "*3 $3 0-0 *0 *0");
    assert_eq!(queue.ask("XCLAIM s g c 0 1"), "*0");
    assert_eq!(queue.ask("XREADGROUP GROUP g c CLAIM 0 STREAMS s >"), "*-1");
    assert_eq!(queue.ask("XPENDING s g - + 9"), "*1 *4 $3 1-0 $0  :-1 :1");
}

#[test]
fn where_the_append_is_refused_the_dead_are_parked() {
    let mut queue = queue("LEASE 1000 MAXDELIVERIES 1 DLQ dead");
    queue.ask("SET dead string");
    queue.add("1");
    queue.read("c");
    queue.advance(1000);
    assert_eq!(queue.state("1"), "DEAD 1 @1000");
    // With the way clear, XCLAIM sends it there.
    queue.ask("DEL dead");
    assert_eq!(queue.ask("XCLAIM s g c 0 1"), "*0");
    assert_eq!((queue.state("1"), queue.reasons()), ("DONE".into(), "maxdeliveries".into()));
}

/// Whatever becomes of MAXDELIVERIES, of the count and of time while it is parked.
#[test]
fn the_parked_keep_the_reason_that_they_died_of() {
    let mut queue = queue("MAXDELIVERIES 1");
    for id in ["1", "2"] {
        queue.add(id);
    }
    queue.ask("XADD s TTL 50 3 f v");
    queue.ask("XADD s TTL 500 4 f v");
    queue.ask("XREADGROUP GROUP g c COUNT 2 STREAMS s >");
    queue.ask("XNACK s g FATAL IDS 1 1");
    queue.ask("XNACK s g FAIL IDS 1 2");
    queue.advance(50);
    queue.ask("XNACK s g FATAL IDS 1 4 FORCE");
    queue.advance(500);
    assert_eq!(queue.states("1 2 3 4"), "DEAD 1 @0, DEAD 1 @0, DEAD 0 @50, DEAD 0 @50");
    queue.restart(1000);
    queue.ask("XCFGSET s GROUP g MAXDELIVERIES 5 DLQ dead");
    assert_eq!(queue.ask("XCLAIM s g c 0 1-0 2-0 3-0 4-0"), "*0");
    assert_eq!(queue.reasons(), "fatal maxdeliveries expired fatal");
}

/// "XCLAIM of a dead entry appends it to the dead-letter stream": that takes no place in flight, nor in a
/// line.
#[test]
fn xclaim_of_the_dead_needs_no_place() {
    let mut queue = queue("LEASE 1000");
    for id in ["1", "2"] {
        queue.ask(&format!("XADD s {id} k a"));
    }
    queue.read("c");
    queue.ask("XNACK s g FATAL IDS 1 2");
    assert_eq!(queue.states("1 2"), "INFLIGHT c 1, DEAD 1 @0");
    queue.ask("XCFGSET s GROUP g DLQ dead MAXINFLIGHT 1 ORDERBY k");
    assert_eq!(queue.ask("XCLAIM s g c 0 2-0"), "*0");
    assert_eq!((queue.state("2").as_str(), queue.reasons().as_str()), ("DONE", "fatal"));
}

#[test]
fn deleting_an_entry_takes_its_record_along() {
    let mut queue = queue("LEASE 1000 MAXDELIVERIES 1 BACKOFF 0 0");
    for id in ["1", "2", "3", "4"] {
        queue.add(id);
    }
    assert_eq!(ids(&queue.ask("XREADGROUP GROUP g c COUNT 3 STREAMS s >")), "1-0 2-0 3-0");
    queue.ask("XNACK s g SILENT IDS 1 1 DELAY 500");
    queue.ask("XNACK s g FAIL IDS 1 2");
    // Deferred and dead they go with the entry; in flight it stays until its ack or its lease's end.
    assert_eq!(queue.ask("XDEL s 1 2 3"), ":3");
    assert_eq!(queue.states("1 2 3"), "DONE, DONE, INFLIGHT c 1");
    queue.advance(1000);
    assert_eq!(queue.state("3"), "DONE");
    assert_eq!(queue.ask("XPENDING s g"), "*4 :0 $-1 $-1 *-1");
}

#[test]
fn trimming_leaves_no_ghosts() {
    let mut queue = queue("LEASE 1000 BACKOFF 0 0");
    for id in ["1", "2", "3"] {
        queue.add(id);
    }
    queue.ask("XREADGROUP GROUP g c COUNT 2 STREAMS s >");
    queue.ask("XNACK s g FAIL IDS 1 1 DELAY 500");
    assert_eq!(queue.ask("XTRIM s MAXLEN 0"), ":3");
    assert_eq!(queue.states("1 2"), "DONE, INFLIGHT c 1");
    assert_eq!(queue.ask("XACK s g 2"), ":1");
}

#[test]
fn only_an_explicit_keepref_keeps_dangling_records() {
    let mut queue = queue("LEASE 1000 BACKOFF 0 0");
    queue.add("1");
    queue.read("c");
    queue.ask("XNACK s g FAIL IDS 1 1 DELAY 500");
    assert_eq!(queue.ask("XDELEX s KEEPREF IDS 1 1"), "*1 :1");
    assert_eq!(queue.state("1"), "DEFERRED 1 @500");
    queue.advance(500);
    assert_eq!(queue.read("c"), "");
    assert_eq!(queue.state("1"), "DONE");
}

#[test]
fn xclaim_takes_any_record_but_the_held() {
    let mut queue = queue("LEASE 10000 ORDERBY k");
    queue.ask("XADD s 1 k a");
    queue.ask("XADD s 2 k a");
    queue.read("c");
    assert_eq!(queue.states("1 2"), "INFLIGHT c 1, HELD 0 @0");
    assert_eq!(queue.ask("XCLAIM s g d 0 2"), "*0");
    assert_eq!(ids(&queue.ask("XCLAIM s g d 0 1")), "1-0");
    assert_eq!(queue.state("1"), "INFLIGHT d 2");
    queue.ask("XNACK s g FAIL IDS 1 1 DELAY 500");
    assert_eq!(ids(&queue.ask("XCLAIM s g d 0 1")), "1-0");
    assert_eq!(queue.state("1"), "INFLIGHT d 3");
}

#[test]
fn xclaim_force_makes_a_record_as_ready_first() {
    let mut queue = queue("LEASE 10000 MAXINFLIGHT 1");
    queue.add("1");
    queue.add("2");
    assert_eq!(ids(&queue.ask("XCLAIM s g c 0 2 FORCE")), "2-0");
    assert_eq!(queue.state("2"), "INFLIGHT c 1");
    assert_eq!(queue.ask("XCLAIM s g c 0 1 FORCE"), "*0");
    queue.ask("XACK s g 2");
    // Acknowledged already, and asked for again: it is new to the cursor.
    assert_eq!(queue.read("c"), "1-0");
}

#[test]
fn touching_succeeds_only_for_the_owner() {
    let mut queue = queue("LEASE 1000 MAXDELIVERIES 1 BACKOFF 0 0");
    queue.add("1");
    queue.read("c");
    queue.advance(600);
    assert_eq!(queue.ask("XCLAIM s g c 0 1 JUSTID"), "*1 $3 1-0");
    queue.advance(600);
    assert_eq!(queue.state("1"), "INFLIGHT c 1");
    assert_eq!(queue.ask("XCLAIM s g d 0 1 JUSTID"), "*0");
    queue.advance(400);
    assert_eq!(queue.state("1"), "DEAD 1 @1600");
    // The lease is lost, and the worker is told.
    assert_eq!(queue.ask("XCLAIM s g c 0 1 JUSTID"), "*0");
}

#[test]
fn every_way_in_flight_obeys_maxdeliveries() {
    let ways = [
        "XCLAIM s g d 0 1",
        "XCLAIM s g d 1 1 JUSTID",
        "XAUTOCLAIM s g d 0 0",
        "XAUTOCLAIM s g d 0 0 JUSTID",
        "XREADGROUP GROUP g d CLAIM 0 STREAMS s >",
        "XREADGROUP GROUP g c STREAMS s 0",
    ];
    for way in ways {
        let mut queue = queue("MAXDELIVERIES 1 DLQ dead");
        queue.add("1");
        queue.read("c");
        queue.advance(5);
        queue.ask(way);
        assert_eq!(
            (queue.state("1"), queue.reasons()),
            ("DONE".into(), "maxdeliveries".into()),
            "{way}"
        );
    }
}

#[test]
fn every_way_in_flight_obeys_maxinflight() {
    for way in [
        "XCLAIM s g d 0 2",
        "XAUTOCLAIM s g d 5 0",
        "XREADGROUP GROUP g d CLAIM 5 STREAMS s >",
        "XREADGROUP GROUP g d STREAMS s >",
    ] {
        let mut queue = queue("MAXINFLIGHT 1");
        queue.add("1");
        queue.add("2");
        queue.read("c");
        queue.ask("XNACK s g FAIL IDS 1 2 FORCE");
        assert_eq!(queue.states("1 2"), "INFLIGHT c 1, READY 0 @0");
        queue.ask(way);
        assert_eq!(queue.states("1 2"), "INFLIGHT c 1, READY 0 @0", "{way}");
    }
}

/// The usual loop ends: what the limits leave behind goes to `>`, or to the next sweep.
#[test]
fn xautoclaim_goes_on_past_what_the_limits_leave() {
    for policy in ["LEASE 100000 MAXINFLIGHT 1", "LEASE 100000 RATE 1 1000"] {
        let mut queue = queue(policy);
        for id in ["1", "2", "3"] {
            queue.add(id);
        }
        queue.ask("XREADGROUP GROUP g w COUNT 1 STREAMS s >");
        assert_eq!(queue.ask("XNACK s g SILENT IDS 2 2 3 FORCE"), ":2");
        assert_eq!(queue.ask("XAUTOCLAIM s g w 60000 0"), "*3 $3 0-0 *0 *0", "{policy}");
        let first = queue.ask("XAUTOCLAIM s g w 60000 0 COUNT 1");
        assert_eq!(first, "*3 $3 3-0 *0 *0", "{policy}");
        let last = queue.ask("XAUTOCLAIM s g w 60000 3-0 COUNT 1");
        assert_eq!(last, "*3 $3 0-0 *0 *0", "{policy}");
        queue.ask("XACK s g 1");
        queue.advance(1000);
        assert_eq!(ids(&queue.ask("XAUTOCLAIM s g w 60000 0")), "0-0 2-0", "{policy}");
        assert_eq!(queue.states("2 3"), "INFLIGHT w 1, READY 0 @0", "{policy}");
    }
}

/// XCLAIM clears the record of an entry that is gone; another one that it names may have the place.
#[test]
fn a_claim_takes_the_place_that_it_clears() {
    let mut queue = queue("MAXINFLIGHT 1");
    queue.add("1");
    queue.add("2");
    queue.read("c");
    queue.ask("XNACK s g SILENT IDS 1 2 FORCE DELAY 900");
    queue.ask("XDEL s 1-0");
    assert_eq!(ids(&queue.ask("XCLAIM s g d 0 2-0 1-0 JUSTID")), "");
    assert_eq!(queue.states("1 2"), "DONE, DEFERRED 0 @900");
    assert_eq!(queue.read("c"), "");
    queue.add("3");
    assert_eq!(queue.read("c"), "3-0");
    queue.ask("XDEL s 3-0");
    assert_eq!(ids(&queue.ask("XCLAIM s g d 0 3-0 2-0")), "2-0");
}

/// Where XNACK has made a record of what the cursor has yet to come to, one read of a group without a policy
/// delivers it twice, and a start knows the same of it.
#[test]
fn what_is_ready_before_the_cursor_comes_to_it_replays() {
    let mut queue = queue("");
    queue.add("1");
    queue.ask("XNACK s g FATAL IDS 1 1 FORCE DELAY 0");
    assert_eq!(queue.read("c"), "1-0 1-0");
    assert_eq!(queue.state("1"), "INFLIGHT c 1");
    queue.restart(1);
    assert_eq!(queue.state("1"), "INFLIGHT c 1");
}

/// No delivery raises the count of an entry that XNACK FATAL has given up in a group without a policy.
#[test]
fn the_greatest_count_of_deliveries_stays() {
    let mut queue = queue("");
    queue.add("1");
    queue.read("c");
    queue.ask("XNACK s g FATAL IDS 1 1");
    queue.ask("XCFGSET s GROUP g LEASE 1000");
    assert_eq!(ids(&queue.ask("XAUTOCLAIM s g c 0 0 JUSTID")), "0-0 1-0");
    queue.ask("XNACK s g SILENT IDS 1 1 RETRYCOUNT 9223372036854775807");
    assert_eq!(ids(&queue.ask("XAUTOCLAIM s g c 0 0")), "0-0 1-0");
    queue.restart(1);
    assert_eq!(queue.state("1"), "INFLIGHT c 9223372036854775807");
}

#[test]
fn xautoclaim_and_claim_take_the_ready_and_the_idle() {
    for way in ["XAUTOCLAIM s g d 100 0", "XREADGROUP GROUP g d CLAIM 100 STREAMS s >"] {
        let mut queue = queue("MAXDELIVERIES 9 ORDERBY k");
        for id in ["1", "2", "3", "4"] {
            queue.add(id);
        }
        queue.ask("XADD s 5 k a");
        queue.ask("XADD s 6 k a");
        queue.read("c");
        queue.ask("XNACK s g FAIL IDS 1 1");
        queue.ask("XNACK s g FAIL IDS 1 2 DELAY 500");
        queue.ask("XNACK s g FATAL IDS 1 3");
        queue.advance(100);
        queue.ask("XCLAIM s g c 0 5 JUSTID");
        queue.ask(way);
        let states = queue.states("1 2 3 4 5 6");
        let expected =
            "INFLIGHT d 2, DEFERRED 1 @500, DEAD 1 @0, INFLIGHT d 2, INFLIGHT c 1, HELD 0 @0";
        assert_eq!(states, expected, "{way}");
    }
}

#[test]
fn history_shows_own_entries_and_gives_up_the_used_up() {
    let mut queue = queue("LEASE 60000 MAXDELIVERIES 2 DLQ dead");
    queue.add("1");
    queue.read("c");
    assert_eq!(ids(&queue.ask("XREADGROUP GROUP g c STREAMS s 0")), "1-0");
    assert_eq!(queue.state("1"), "INFLIGHT c 2");
    assert_eq!(queue.ask("XREADGROUP GROUP g c STREAMS s 0"), "*1 *2 $1 s *0");
    assert_eq!((queue.state("1"), queue.reasons()), ("DONE".into(), "maxdeliveries".into()));
}

/// What the stream has no more takes its place in the reply: what is behind the last one is not reached.
#[test]
fn a_history_read_judges_as_far_as_it_reads() {
    let mut queue = queue("MAXDELIVERIES 1");
    for id in ["1", "2"] {
        queue.add(id);
    }
    queue.read("c");
    queue.ask("XDEL s 1-0");
    assert_eq!(ids(&queue.ask("XREADGROUP GROUP g c COUNT 1 STREAMS s 0")), "1-0");
    assert_eq!(queue.states("1 2"), "INFLIGHT c 1, INFLIGHT c 1");
    assert_eq!(ids(&queue.ask("XREADGROUP GROUP g c COUNT 2 STREAMS s 0")), "1-0");
    assert_eq!(queue.states("1 2"), "INFLIGHT c 1, DEAD 1 @0");
}

#[test]
fn setid_moves_the_cursor_only() {
    let mut queue = queue("LEASE 1000");
    for id in ["1", "2", "3"] {
        queue.add(id);
    }
    queue.read("c");
    queue.ask("XACK s g 2");
    queue.ask("XGROUP SETID s g 0");
    // What is pending is passed over, what was acknowledged comes again.
    assert_eq!(queue.read("d"), "2-0");
    assert_eq!(queue.states("1 2 3"), "INFLIGHT c 1, INFLIGHT d 1, INFLIGHT c 1");
}

#[test]
fn what_a_removed_consumer_held_is_ready_its_count_kept() {
    let mut queue = queue("LEASE 1000 MAXDELIVERIES 2");
    queue.add("1");
    queue.read("c");
    assert_eq!(queue.ask("XGROUP DELCONSUMER s g c"), ":1");
    assert_eq!(queue.state("1"), "READY 1 @0");
    assert_eq!(queue.read("d"), "1-0");
    assert_eq!(queue.state("1"), "INFLIGHT d 2");
}

#[test]
fn the_end_of_a_policy_leaves_released_entries() {
    let mut queue = queue("LEASE 1000 MAXDELIVERIES 1 BACKOFF 0 0");
    for id in ["1", "2", "3"] {
        queue.add(id);
    }
    queue.read("c");
    queue.ask("XNACK s g FAIL IDS 1 1");
    queue.ask("XNACK s g SILENT IDS 1 2 RETRYCOUNT 4 DELAY 900");
    assert_eq!(queue.states("1 2 3"), "DEAD 1 @0, DEFERRED 4 @900, INFLIGHT c 1");
    queue.ask("XCFGSET s GROUP g LEASE 0 MAXDELIVERIES 0");
    assert_eq!(queue.states("1 2 3"), "RELEASED 1, RELEASED 4, INFLIGHT c 1");
    queue.advance(9000);
    assert_eq!(queue.read("d"), "");
    assert_eq!(ids(&queue.ask("XAUTOCLAIM s g d 99999 0 JUSTID")), "0-0 1-0 2-0");
}

/// In the order in which they would have gone out, the dead last.
#[test]
fn the_end_of_a_policy_releases_in_order() {
    let mut queue = queue("MAXDELIVERIES 3 BACKOFF 0 0");
    for id in ["1", "2", "3", "4"] {
        queue.add(id);
    }
    queue.read("c");
    queue.ask("XNACK s g FATAL IDS 1 1");
    queue.ask("XNACK s g FAIL IDS 1 2 DELAY 50");
    queue.ask("XNACK s g FAIL IDS 1 3 DELAY 40");
    queue.ask("XNACK s g FAIL IDS 1 4");
    queue.ask("XCFGSET s GROUP g MAXDELIVERIES 0");
    assert_eq!(ids(&queue.ask("XREADGROUP GROUP g d CLAIM 9 STREAMS s >")), "4-0 3-0 2-0 1-0");
}

#[test]
fn a_policy_takes_over_what_was_released_before() {
    let mut queue = queue("");
    queue.add("1");
    queue.read("c");
    queue.ask("XNACK s g FAIL IDS 1 1");
    assert_eq!(queue.read("c"), "");
    queue.ask("XCFGSET s GROUP g LEASE 1000");
    assert_eq!(queue.read("c"), "1-0");
}

#[test]
fn a_dead_letter_stream_may_lie_in_any_shard() {
    for dlq in ["d1", "d2", "d3", "d4", "d5", "d6"] {
        let mut queue = queue(&format!("MAXDELIVERIES 1 DLQ {dlq}"));
        queue.add("1");
        queue.add("2");
        queue.read("c");
        queue.ask("XNACK s g FAIL IDS 1 1");
        queue.ask("MULTI");
        queue.ask("XNACK s g FAIL IDS 1 2");
        assert_eq!(queue.ask("EXEC"), "*1 :1");
        assert_eq!(queue.ask(&format!("XLEN {dlq}")), ":2", "{dlq}");
    }
}

#[test]
fn a_script_dead_letters_like_any() {
    let mut queue = queue("MAXDELIVERIES 1 DLQ dead");
    queue.add("1");
    queue.read("c");
    assert_eq!(
        queue.words(&["EVAL", "return redis.call('XNACK','s','g','FAIL','IDS','1','1')", "0"]),
        ":1"
    );
    assert_eq!(queue.reasons(), "maxdeliveries");
}

#[test]
fn what_came_due_while_the_server_was_away_comes_back_at_once() {
    let mut queue = queue("LEASE 1000 BACKOFF 0 0");
    queue.add("1");
    queue.read("c");
    queue.restart(5000);
    assert_eq!(queue.state("1"), "READY 1 @1000");
    assert_eq!(queue.read("d"), "1-0");
}

#[test]
fn leases_go_on_over_a_restart() {
    let mut queue = queue("LEASE 1000 BACKOFF 0 0");
    queue.add("1");
    queue.read("c");
    queue.restart(400);
    assert_eq!(queue.state("1"), "INFLIGHT c 1");
    queue.advance(599);
    assert_eq!(queue.state("1"), "INFLIGHT c 1");
    queue.advance(1);
    assert_eq!(queue.state("1"), "READY 1 @1000");
}
