//! What removing entries leaves in the groups, and XINFO STREAM FULL of a stream with groups. The
//! replies were taken from redis-server 8.2, but where a newer release is named.

mod support;

use support::{Raw, TestServer};

/// Asks each request and compares the reply.
fn check(client: &mut Raw, story: &[(&str, &str)]) {
    for (at, (request, reply)) in story.iter().enumerate() {
        assert_eq!(client.ask(request), *reply, "step {at}: {request}");
    }
}

#[test]
fn xdelex_leaves_groups_as_its_policy_says() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XADD s 1 f v", "$3 1-0"),
            ("XADD s 2 f v", "$3 2-0"),
            ("XADD s 3 f v", "$3 3-0"),
            ("XADD s 4 f v", "$3 4-0"),
            ("XADD s 5 f v", "$3 5-0"),
            ("XGROUP CREATE s g 0", "+OK"),
            ("XGROUP CREATE s h 0", "+OK"),
            (
                "XREADGROUP GROUP g c COUNT 4 STREAMS s >",
                "*1 *2 $1 s *4 *2 $3 1-0 *2 $1 f $1 v *2 $3 2-0 *2 $1 f $1 v *2 $3 3-0 *2 $1 f $1 v *2 $3 4-0 *2 $1 f $1 v",
            ),
            (
                "XREADGROUP GROUP h c COUNT 5 STREAMS s >",
                "*1 *2 $1 s *5 *2 $3 1-0 *2 $1 f $1 v *2 $3 2-0 *2 $1 f $1 v *2 $3 3-0 *2 $1 f $1 v *2 $3 4-0 *2 $1 f $1 v *2 $3 5-0 *2 $1 f $1 v",
            ),
            ("XACK s g 1 2", ":2"),
            ("XACK s h 1", ":1"),
            // Pending in h, not yet given to g, and not there at all.
            ("XDELEX s ACKED IDS 4 1 2 5 9", "*4 :1 :2 :2 :2"),
            ("XPENDING s g - + 10 c", "*2 *4 $3 3-0 $1 c :0 :1 *4 $3 4-0 $1 c :0 :1"),
            ("XDELEX s KEEPREF IDS 1 3", "*1 :1"),
            ("XPENDING s g", "*4 :2 $3 3-0 $3 4-0 *1 *2 $1 c $1 2"),
            ("XDELEX s DELREF IDS 2 4 4", "*2 :1 :-1"),
            ("XPENDING s g", "*4 :1 $3 3-0 $3 3-0 *1 *2 $1 c $1 1"),
            // The entry is gone, but what was left of it in the groups goes now.
            ("XDELEX s DELREF IDS 1 3", "*1 :-1"),
            ("XPENDING s g", "*4 :0 $-1 $-1 *-1"),
            ("XPENDING s h", "*4 :2 $3 2-0 $3 5-0 *1 *2 $1 c $1 2"),
            ("XLEN s", ":2"),
            ("XGROUP DESTROY s g", ":1"),
            ("XGROUP DESTROY s h", ":1"),
            ("XDELEX s ACKED IDS 2 2 5", "*2 :1 :1"),
            ("XLEN s", ":0"),
        ],
    );
}

#[test]
fn trimming_obeys_the_policies() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XADD s 1 f v", "$3 1-0"),
            ("XADD s 2 f v", "$3 2-0"),
            ("XADD s 3 f v", "$3 3-0"),
            ("XADD s 4 f v", "$3 4-0"),
            ("XADD s 5 f v", "$3 5-0"),
            ("XADD s 6 f v", "$3 6-0"),
            ("XGROUP CREATE s g 0", "+OK"),
            (
                "XREADGROUP GROUP g c COUNT 5 STREAMS s >",
                "*1 *2 $1 s *5 *2 $3 1-0 *2 $1 f $1 v *2 $3 2-0 *2 $1 f $1 v *2 $3 3-0 *2 $1 f $1 v *2 $3 4-0 *2 $1 f $1 v *2 $3 5-0 *2 $1 f $1 v",
            ),
            ("XACK s g 2 4", ":2"),
            ("XTRIM s MAXLEN = 3 ACKED", ":2"),
            (
                "XRANGE s - +",
                "*4 *2 $3 1-0 *2 $1 f $1 v *2 $3 3-0 *2 $1 f $1 v *2 $3 5-0 *2 $1 f $1 v *2 $3 6-0 *2 $1 f $1 v",
            ),
            ("XTRIM s MAXLEN 0 ACKED", ":0"),
            ("XTRIM s MINID 3 KEEPREF", ":1"),
            ("XPENDING s g", "*4 :3 $3 1-0 $3 5-0 *1 *2 $1 c $1 3"),
            ("XADD s MINID 5 DELREF 7 f v", "$3 7-0"),
            ("XPENDING s g", "*4 :2 $3 1-0 $3 5-0 *1 *2 $1 c $1 2"),
            (
                "XRANGE s - +",
                "*3 *2 $3 5-0 *2 $1 f $1 v *2 $3 6-0 *2 $1 f $1 v *2 $3 7-0 *2 $1 f $1 v",
            ),
            ("XADD s ACKED MAXLEN 1 8 f v", "$3 8-0"),
            ("XACK s g 5", ":1"),
            ("XADD s ACKED MAXLEN 1 9 f v", "$3 9-0"),
            (
                "XRANGE s - +",
                "*4 *2 $3 6-0 *2 $1 f $1 v *2 $3 7-0 *2 $1 f $1 v *2 $3 8-0 *2 $1 f $1 v *2 $3 9-0 *2 $1 f $1 v",
            ),
            ("XADD s DELREF MAXLEN 0 10 f v", "$4 10-0"),
            ("XLEN s", ":0"),
        ],
    );
}

/// Redis 8.4 and later; 8.2 trims nothing with `~` and one of these policies.
#[test]
fn an_approximate_trim_with_a_policy_goes_entry_by_entry() {
    let server = TestServer::manual();
    let mut client = server.raw();
    client.ask("CONFIG SET stream-node-max-entries 2");
    for id in 1..=5 {
        client.ask(&format!("XADD s {id} f v"));
    }
    client.ask("XGROUP CREATE s g 0");
    client.ask("XREADGROUP GROUP g c STREAMS s >");
    check(
        &mut client,
        &[
            ("XACK s g 1 2 4", ":3"),
            ("XTRIM s MINID ~ 6 ACKED", ":3"),
            ("XRANGE s - +", "*2 *2 $3 3-0 *2 $1 f $1 v *2 $3 5-0 *2 $1 f $1 v"),
            ("XTRIM s MINID ~ 6 LIMIT 1 DELREF", ":1"),
            ("XTRIM s MINID ~ 6 DELREF", ":1"),
            ("XPENDING s g", "*4 :0 $-1 $-1 *-1"),
            ("XLEN s", ":0"),
        ],
    );
}

#[test]
fn xinfo_stream_full_shows_groups_and_consumers() {
    let server = TestServer::manual();
    let mut client = server.raw();
    for request in [
        "XADD s 1 f v",
        "XADD s 2 f v",
        "XADD s 3 f v",
        "XGROUP CREATE s g 0",
        "XGROUP CREATE s h 2",
        "XREADGROUP GROUP g alice COUNT 1 STREAMS s >",
        "XREADGROUP GROUP g bob COUNT 1 STREAMS s >",
        "XGROUP CREATECONSUMER s g carol",
    ] {
        let reply = client.ask(request);
        assert!(!reply.starts_with('-'), "{request}: {reply}");
    }
    let consumer = |name: &str, active: &str, pending: &str| {
        let len = name.len();
        format!(
            "*10 $4 name ${len} {name} $9 seen-time :1700000000000 $11 active-time :{active} \
             $9 pel-count {pending}"
        )
    };
    let groups = |pending: &str| {
        format!(
            "$6 groups *2 *14 $4 name $1 g $17 last-delivered-id $3 2-0 $12 entries-read :2 $3 lag \
             :1 $9 pel-count :2 {pending} $9 consumers *3 {} {} {} *14 $4 name $1 h \
             $17 last-delivered-id $3 2-0 $12 entries-read $-1 $3 lag $-1 $9 pel-count :0 \
             $7 pending *0 $9 consumers *0",
            consumer("alice", "1700000000000", ":1 $7 pending *1 *3 $3 1-0 :1700000000000 :1"),
            consumer("bob", "1700000000000", ":1 $7 pending *1 *3 $3 2-0 :1700000000000 :1"),
            consumer("carol", "-1", ":0 $7 pending *0"),
        )
    };
    let alices = "*4 $3 1-0 $5 alice :1700000000000 :1";
    let full = client.ask("XINFO STREAM s FULL");
    let both = groups(&format!("$7 pending *2 {alices} *4 $3 2-0 $3 bob :1700000000000 :1"));
    assert!(full.ends_with(&both), "{full}\n{both}");
    let full = client.ask("XINFO STREAM s FULL COUNT 1");
    assert!(full.ends_with(&groups(&format!("$7 pending *1 {alices}"))), "{full}");
    assert!(full.contains("$7 entries *1 *2 $3 1-0"), "{full}");
}
