//! Sorted sets through the `redis` crate: scores, ranges by rank, score and bytes, what is stored, and
//! who waits for members.

mod support;

use std::thread::JoinHandle;

use redis::Commands;
use support::TestServer;
use support::story::{ask, tell};

const MEMBERS_COME_WITH_SCORES_AND_GO: &str = r#"
ZADD z 1 a 2 b 3 c => 3
ZADD z 1 a 5 b => 0
ZADD z CH 1 a 6 b 7 d => 2
ZADD z NX 9 a 9 e => 1
ZADD z XX CH 10 a 9 f => 1
ZADD z GT CH 5 a 12 b => 1
ZADD z LT CH 5 a 13 b => 1
ZADD z INCR 2 a => 7
ZADD z NX INCR 2 a => nil
ZADD z XX INCR 2 nobody => nil
ZADD z NX XX 1 a => !ERR XX and NX options at the same time are not compatible
ZADD z GT LT 1 a => !ERR GT, LT, and/or NX options at the same time are not compatible
ZADD z NX GT 1 a => !ERR GT, LT, and/or NX options at the same time are not compatible
ZADD z INCR 1 a 2 b => !ERR INCR option supports a single increment-element pair
ZADD z 1 => !ERR wrong number of arguments for 'zadd' command
ZADD z x a => !ERR value is not a valid float
ZADD z nan a => !ERR value is not a valid float
ZINCRBY z 1.5 a => 8.5
ZINCRBY z x a => !ERR value is not a valid float
ZINCRBY z inf a => inf
ZINCRBY z -inf a => !ERR resulting score is not a number (NaN)
ZSCORE z a => inf
ZSCORE z nobody => nil
ZMSCORE z a nobody b => [inf nil 12]
ZCARD z => 5
ZREM z a nobody => 1
ZREM z b c d e => 4
EXISTS z => 0
SET s v => OK
ZADD s 1 a => !WRONGTYPE Operation against a key holding the wrong kind of value
ZSCORE s a => !WRONGTYPE Operation against a key holding the wrong kind of value
"#;

const RANGES_BY_RANK: &str = r#"
ZADD z 1 a 2 b 3 c 4 d 5 e => 5
ZRANGE z 0 -1 => [a b c d e]
ZRANGE z 1 2 WITHSCORES => [b 2 c 3]
ZRANGE z -2 -1 => [d e]
ZRANGE z -100 1 => [a b]
ZRANGE z 3 1 => []
ZRANGE z 5 9 => []
ZRANGE z 0 1 REV => [e d]
ZRANGE z 0 -1 REV WITHSCORES => [e 5 d 4 c 3 b 2 a 1]
ZREVRANGE z 0 1 WITHSCORES => [e 5 d 4]
ZREVRANGE z -1 -1 => [a]
ZRANGE z 0 -1 LIMIT 0 1 => !ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX
ZRANGE z x 1 => !ERR value is not an integer or out of range
ZRANGE z 0 1 WITHSCORES REV => [e 5 d 4]
ZRANK z c => 2
ZRANK z c WITHSCORE => [2 3]
ZREVRANK z c WITHSCORE => [2 3]
ZRANK z nobody => nil
ZRANK z nobody WITHSCORE => nil
ZRANK z c WITHSCORES => !ERR syntax error
ZREMRANGEBYRANK z 1 2 => 2
ZREMRANGEBYRANK z -1 -1 => 1
ZRANGE z 0 -1 WITHSCORES => [a 1 d 4]
ZRANGE none 0 -1 => []
"#;

const RANGES_BY_SCORE: &str = r#"
ZADD z -inf low 1 a 1 b 2.5 c 4 d inf high => 6
ZRANGEBYSCORE z 1 4 => [a b c d]
ZRANGEBYSCORE z (1 (4 => [c]
ZRANGEBYSCORE z -inf +inf WITHSCORES => [low -inf a 1 b 1 c 2.5 d 4 high inf]
ZRANGEBYSCORE z -inf +inf LIMIT 1 2 => [a b]
ZRANGEBYSCORE z -inf +inf LIMIT 1 -1 => [a b c d high]
ZRANGEBYSCORE z -inf +inf LIMIT -1 2 => []
ZRANGEBYSCORE z -inf +inf LIMIT 9 1 => []
ZRANGEBYSCORE z 4 1 => []
ZREVRANGEBYSCORE z 4 1 => [d c b a]
ZREVRANGEBYSCORE z +inf (1 WITHSCORES LIMIT 1 2 => [d 4 c 2.5]
ZRANGE z 1 4 BYSCORE => [a b c d]
ZRANGE z (4 1 BYSCORE REV => [c b a]
ZRANGE z +inf -inf BYSCORE REV LIMIT 2 2 WITHSCORES => [c 2.5 b 1]
ZRANGE z 1 4 BYSCORE LIMIT 0 => !ERR syntax error
ZRANGE z x 4 BYSCORE => !ERR min or max is not a float
ZRANGE z ((1 4 BYSCORE => !ERR min or max is not a float
ZRANGE z 1 2 BYSCORE BYLEX => !ERR syntax error
ZRANGEBYSCORE z 1 => !ERR wrong number of arguments for 'zrangebyscore' command
ZCOUNT z 1 4 => 4
ZCOUNT z (1 +inf => 3
ZCOUNT z x 1 => !ERR min or max is not a float
ZREMRANGEBYSCORE z (1 4 => 2
ZRANGE z 0 -1 => [low a b high]
ZREMRANGEBYSCORE z -inf +inf => 4
EXISTS z => 0
"#;

const RANGES_BY_LEX: &str = r#"
ZADD z 0 "" 0 a 0 aa 0 b 0 ba 0 c => 6
ZRANGEBYLEX z - + => ["" a aa b ba c]
ZRANGEBYLEX z [a (b => [a aa]
ZRANGEBYLEX z (a [b => [aa b]
ZRANGEBYLEX z + - => []
ZRANGEBYLEX z - + LIMIT 1 2 => [a aa]
ZRANGEBYLEX z - + LIMIT 1 -1 => [a aa b ba c]
ZREVRANGEBYLEX z + - LIMIT 0 2 => [c ba]
ZREVRANGEBYLEX z [b (a => [b aa]
ZRANGE z [a [b BYLEX => [a aa b]
ZRANGE z + [b BYLEX REV => [c ba b]
ZRANGE z - + BYLEX LIMIT 2 3 => [aa b ba]
ZRANGE z - + BYLEX WITHSCORES => !ERR syntax error, WITHSCORES not supported in combination with BYLEX
ZRANGE z a b BYLEX => !ERR min or max not valid string range item
ZRANGEBYLEX z x + => !ERR min or max not valid string range item
ZLEXCOUNT z - + => 6
ZLEXCOUNT z (a [b => 2
ZLEXCOUNT z b c => !ERR min or max not valid string range item
ZREMRANGEBYLEX z [a (b => 2
ZREMRANGEBYLEX z - (b => 1
ZRANGE z 0 -1 => [b ba c]
"#;

const STORES: &str = r#"
ZADD a 1 x 2 y 3 z => 3
ZADD b 10 y 20 z 30 w => 3
SADD s y q => 2
ZRANGESTORE to a 0 1 => 2
ZRANGE to 0 -1 WITHSCORES => [x 1 y 2]
ZRANGESTORE to a 3 1 BYSCORE REV LIMIT 0 2 => 2
ZRANGE to 0 -1 WITHSCORES => [y 2 z 3]
ZRANGESTORE to a [x + BYLEX => 3
ZRANGESTORE to none 0 -1 => 0
EXISTS to => 0
ZRANGESTORE to a 0 -1 WITHSCORES => !ERR syntax error
ZUNIONSTORE to 2 a b => 4
ZRANGE to 0 -1 WITHSCORES => [x 1 y 12 z 23 w 30]
ZUNIONSTORE to 3 a b s WEIGHTS 2 1 5 AGGREGATE MAX => 5
ZRANGE to 0 -1 WITHSCORES => [x 2 q 5 y 10 z 20 w 30]
ZINTERSTORE to 2 a b AGGREGATE MIN => 2
ZRANGE to 0 -1 WITHSCORES => [y 2 z 3]
ZINTERSTORE to 2 a none => 0
EXISTS to => 0
ZDIFFSTORE to 2 a b => 1
ZRANGE to 0 -1 WITHSCORES => [x 1]
ZUNION 2 a s WITHSCORES => [q 1 x 1 y 3 z 3]
ZINTER 3 a b s => [y]
ZDIFF 2 b a WITHSCORES => [w 30]
ZINTERCARD 2 a b => 2
ZINTERCARD 2 a b LIMIT 1 => 1
ZINTERCARD 2 a b LIMIT -1 => !ERR LIMIT can't be negative
ZUNIONSTORE to 0 a => !ERR at least 1 input key is needed for 'zunionstore' command
ZUNIONSTORE to 2 a => !ERR syntax error
ZUNIONSTORE to x a => !ERR value is not an integer or out of range
ZUNION 2 a b WEIGHTS 1 => !ERR syntax error
ZUNION 2 a b WEIGHTS 1 x => !ERR weight value is not a float
ZUNION 2 a b AGGREGATE NOSUCH => !ERR syntax error
ZDIFF 2 a b WEIGHTS 1 1 => !ERR syntax error
ZINTERSTORE a 2 a b => 2
ZRANGE a 0 -1 WITHSCORES => [y 12 z 23]
SET t v => OK
ZUNIONSTORE to 2 a t => !WRONGTYPE Operation against a key holding the wrong kind of value
ZUNIONSTORE t 1 b => 3
TYPE t => zset
"#;

const POPS: &str = r#"
ZADD z 1 a 2 b 3 c 4 d 5 e 6 f => 6
ZPOPMIN z => [a 1]
ZPOPMAX z => [f 6]
ZPOPMIN z 0 => []
ZPOPMIN z 2 => [b 2 c 3]
ZPOPMAX z -1 => !ERR value is out of range, must be positive
ZPOPMIN z x => !ERR value is out of range, must be positive
ZMPOP 2 none z MIN => [z [[d 4]]]
ZMPOP 1 z MAX COUNT 5 => [z [[e 5]]]
ZMPOP 1 z MIN => nil
ZMPOP 0 z MIN => !ERR numkeys should be greater than 0
ZMPOP 1 z NOSUCH => !ERR syntax error
ZMPOP 1 z MIN COUNT 0 => !ERR count should be greater than 0
EXISTS z => 0
ZADD z 1 a 2 b 3 c => 3
BZPOPMIN none z 0 => [z a 1]
BZPOPMAX z 0 => [z c 3]
BZMPOP 0 1 z MIN COUNT 3 => [z [[b 2]]]
BZPOPMIN z x => !ERR timeout is not a float or out of range
BZPOPMIN z -1 => !ERR timeout is negative
BZPOPMIN z 0.01 => nil
BZMPOP 0.01 1 z MIN => nil
BZMPOP 0 1 z MIN COUNT 0 => !ERR count should be greater than 0
SET s v => OK
BZPOPMIN s 0 => !WRONGTYPE Operation against a key holding the wrong kind of value
ZPOPMIN s => !WRONGTYPE Operation against a key holding the wrong kind of value
"#;

#[test]
fn members_come_and_go() {
    tell(MEMBERS_COME_WITH_SCORES_AND_GO);
}

#[test]
fn ranges_of_every_kind() {
    tell(RANGES_BY_RANK);
    tell(RANGES_BY_SCORE);
    tell(RANGES_BY_LEX);
}

#[test]
fn sets_are_combined_and_stored() {
    tell(STORES);
}

#[test]
fn members_are_popped() {
    tell(POPS);
}

/// As the crate's own types have them, in a set that is packed and in one that is not.
#[test]
fn scores_are_numbers_to_the_crate() {
    let server = TestServer::start();
    for mut client in [server.connect(), server.connect3()] {
        for count in [10_usize, 1000] {
            let key = format!("z{count}");
            let all: Vec<(f64, String)> =
                (0..count).map(|at| (at as f64 / 4.0, format!("m{at:04}"))).collect();
            let _: usize = client.zadd_multiple(&key, &all).expect("they are new");
            let range: Vec<(String, f64)> =
                client.zrange_withscores(&key, 3, 5).expect("there are so many");
            let expected: Vec<(String, f64)> =
                all[3..=5].iter().map(|(score, member)| (member.clone(), *score)).collect();
            assert_eq!(range, expected);
            let members: Vec<String> =
                client.zrangebyscore_limit(&key, "(0.5", "+inf", 1, 2).expect("it is a range");
            assert_eq!(members, ["m0004", "m0005"]);
            assert_eq!(client.zrank(&key, "m0007"), Ok(Some(7)));
            assert_eq!(client.zscore(&key, "m0007"), Ok(Some(1.75)));
            assert_eq!(client.zcard(&key), Ok(count));
            assert_eq!(client.del(&key), Ok(1));
        }
    }
}

/// A connection that has sent a command that waits, the `so_many`th of its kind.
fn waiting(server: &TestServer, line: &'static str, so_many: usize) -> JoinHandle<String> {
    let mut client = server.connect();
    let waiter = std::thread::spawn(move || ask(&mut client, line));
    server.wait_blocked(so_many);
    waiter
}

fn reply(waiter: JoinHandle<String>) -> String {
    waiter.join().expect("it asks")
}

#[test]
fn one_write_serves_all_whom_it_has_members_for() {
    let server = TestServer::start();
    let mut client = server.connect();
    let first = waiting(&server, "BZPOPMIN z 0", 1);
    let second = waiting(&server, "BZPOPMAX y z 0", 2);
    let third = waiting(&server, "BZMPOP 0 2 x z MIN COUNT 2", 3);
    let fourth = waiting(&server, "BZPOPMIN z 0", 4);
    assert_eq!(ask(&mut client, "ZADD z 1 a 2 b 3 c 4 d"), "4");
    assert_eq!(reply(first), "[z a 1]");
    assert_eq!(reply(second), "[z d 4]");
    assert_eq!(reply(third), "[z [[b 2] [c 3]]]");
    assert_eq!(ask(&mut client, "EXISTS z"), "0");
    // The fourth still waits; what it does not take stays.
    assert_eq!(ask(&mut client, "ZADD z 7 x 8 y"), "2");
    assert_eq!(reply(fourth), "[z x 7]");
    assert_eq!(ask(&mut client, "ZRANGE z 0 -1"), "[y]");
}

#[test]
fn whatever_makes_a_sorted_set_serves_who_waits() {
    let server = TestServer::start();
    let mut client = server.connect();
    for (setup, maker) in [
        ("ZADD o 1 a", "RENAME o z"),
        ("ZADD o 1 a", "COPY o z"),
        ("ZADD o 1 a", "ZRANGESTORE z o 0 -1"),
        ("ZADD o 1 a", "ZUNIONSTORE z 1 o"),
        ("ZADD o 1 a", "ZINTERSTORE z 2 o o WEIGHTS 1 0"),
        ("ZADD o 1 a", "ZDIFFSTORE z 1 o"),
        ("PING", "ZADD z 1 a"),
        ("PING", "ZINCRBY z 1 a"),
        ("PING", "EVAL return(redis.call('zadd','z',1,'a')) 0"),
    ] {
        ask(&mut client, "FLUSHALL");
        let waiter = waiting(&server, "BZPOPMIN z 0", 1);
        ask(&mut client, setup);
        let made = ask(&mut client, maker);
        assert!(!made.starts_with('!'), "{maker}: {made}");
        assert_eq!(reply(waiter), "[z a 1]", "{maker}");
    }
    // A place on the map is a member too.
    let waiter = waiting(&server, "BZPOPMAX z 0", 1);
    assert_eq!(ask(&mut client, "GEOADD z 13.361389 38.115556 Palermo"), "1");
    assert_eq!(reply(waiter), "[z Palermo 3479099956230698]");
}

/// What a waiter's own command brings about serves the next one, over lists and sorted sets.
#[test]
fn what_serves_one_goes_on_to_the_next() {
    let server = TestServer::start();
    let mut client = server.connect();
    let last = waiting(&server, "BLPOP c 0", 1);
    let middle = waiting(&server, "BLMOVE b c LEFT RIGHT 0", 2);
    let first = waiting(&server, "BLMOVE a b LEFT RIGHT 0", 3);
    let member = waiting(&server, "BZPOPMIN z 0", 4);
    let other = waiting(&server, "BZMPOP 0 1 z MAX COUNT 9", 5);
    let script = "redis.call('rpush','a','job')redis.call('zadd','z',1,'x',2,'y',3,'v')";
    assert_eq!(ask(&mut client, &format!("EVAL {script} 0")), "nil");
    assert_eq!(reply(first), "job");
    assert_eq!(reply(middle), "job");
    assert_eq!(reply(last), "[c job]");
    assert_eq!(reply(member), "[z x 1]");
    assert_eq!(reply(other), "[z [[v 3] [y 2]]]");
    assert_eq!(ask(&mut client, "DBSIZE"), "0");
}

#[test]
fn a_set_that_is_gone_again_serves_nobody() {
    let server = TestServer::start();
    let mut client = server.connect();
    let waiter = waiting(&server, "BZPOPMIN z 0", 1);
    for line in ["MULTI", "ZADD z 1 a", "DEL z"] {
        ask(&mut client, line);
    }
    assert_eq!(ask(&mut client, "EXEC"), "[1 1]");
    for line in ["MULTI", "ZADD z 1 a", "DEL z", "RPUSH z a"] {
        ask(&mut client, line);
    }
    assert_eq!(ask(&mut client, "EXEC"), "[1 1 1]");
    assert!(!waiter.is_finished());
    for line in ["MULTI", "DEL z", "ZADD z 2 b", "ZADD z 1 a"] {
        ask(&mut client, line);
    }
    assert_eq!(ask(&mut client, "EXEC"), "[1 1 1]");
    assert_eq!(reply(waiter), "[z a 1]");
}
