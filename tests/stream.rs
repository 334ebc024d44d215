//! The commands on a stream's entries. The replies were taken from redis-server 8.2.

mod support;

use support::{Raw, TestServer};

/// Asks each request and compares the reply.
fn check(client: &mut Raw, story: &[(&str, &str)]) {
    for (at, (request, reply)) in story.iter().enumerate() {
        assert_eq!(client.ask(request), *reply, "step {at}: {request}");
    }
}

#[test]
fn xadd_takes_ids_in_every_form() {
    let server = TestServer::start();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XADD s 5-1 f v", "$3 5-1"),
            (
                "XADD s 5 f v",
                "-ERR The ID specified in XADD is equal or smaller than the target stream top item",
            ),
            ("XADD s 5-* f v", "$3 5-2"),
            ("XADD s 6-* f v", "$3 6-0"),
            ("XADD s 7 f v", "$3 7-0"),
            ("XADD s 007-002 f v", "$3 7-2"),
            ("XADD s +8-1 f v", "$3 8-1"),
            ("XADD s 8-18446744073709551615 f v", "$22 8-18446744073709551615"),
            (
                "XADD s 8-* f v",
                "-ERR The ID specified in XADD is equal or smaller than the target stream top item",
            ),
            ("XADD s 9-0 f v f w g x", "$3 9-0"),
            (
                "XRANGE s - +",
                "*8 *2 $3 5-1 *2 $1 f $1 v *2 $3 5-2 *2 $1 f $1 v *2 $3 6-0 *2 $1 f $1 v *2 $3 7-0 *2 $1 f $1 v *2 $3 7-2 *2 $1 f $1 v *2 $3 8-1 *2 $1 f $1 v *2 $22 8-18446744073709551615 *2 $1 f $1 v *2 $3 9-0 *6 $1 f $1 v $1 f $1 w $1 g $1 x",
            ),
            ("XADD zero 0-* f v", "$3 0-1"),
            ("XADD zero 0-* f v", "$3 0-2"),
            (
                "XADD last 18446744073709551615-18446744073709551615 f v",
                "$41 18446744073709551615-18446744073709551615",
            ),
            (
                "XADD last * f v",
                "-ERR The stream has exhausted the last possible ID, unable to add more items",
            ),
            (
                "XADD last 5-5 f v",
                "-ERR The stream has exhausted the last possible ID, unable to add more items",
            ),
        ],
    );
}

#[test]
fn xadd_refuses() {
    let server = TestServer::start();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XADD", "-ERR wrong number of arguments for 'xadd' command"),
            ("XADD s", "-ERR wrong number of arguments for 'xadd' command"),
            ("XADD s *", "-ERR wrong number of arguments for 'xadd' command"),
            ("XADD s * f", "-ERR wrong number of arguments for 'xadd' command"),
            ("XADD s * f v g", "-ERR wrong number of arguments for 'xadd' command"),
            (
                "XADD s NOMKSTREAM KEEPREF ACKED",
                "-ERR Invalid stream ID specified as stream command argument",
            ),
            ("XADD s 0-0 f v", "-ERR The ID specified in XADD must be greater than 0-0"),
            ("XADD s 0 f v", "-ERR The ID specified in XADD must be greater than 0-0"),
            ("XADD s - f v", "-ERR Invalid stream ID specified as stream command argument"),
            ("XADD s + f v", "-ERR Invalid stream ID specified as stream command argument"),
            ("XADD s -5 f v", "-ERR Invalid stream ID specified as stream command argument"),
            ("XADD s 5-5-5 f v", "-ERR Invalid stream ID specified as stream command argument"),
            ("XADD s *-5 f v", "-ERR Invalid stream ID specified as stream command argument"),
            ("XADD s 5-5-* f v", "-ERR Invalid stream ID specified as stream command argument"),
            ("XADD s -* f v", "-ERR Invalid stream ID specified as stream command argument"),
            ("XADD s abc f v", "-ERR Invalid stream ID specified as stream command argument"),
            (
                "XADD s 99999999999999999999 f v",
                "-ERR Invalid stream ID specified as stream command argument",
            ),
            (
                "XADD s NOMKSTREAM f v",
                "-ERR Invalid stream ID specified as stream command argument",
            ),
            ("XADD s MAXLEN 5 f v", "-ERR Invalid stream ID specified as stream command argument"),
            (
                "XADD s MAXLEN 5 MINID 1 1 f v",
                "-ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
            ),
            (
                "XADD s MAXLEN 5 MAXLEN 4 1 f v",
                "-ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
            ),
            (
                "XADD s MINID - 1-1 f v",
                "-ERR Invalid stream ID specified as stream command argument",
            ),
            (
                "XADD s MINID abc 1 f v",
                "-ERR Invalid stream ID specified as stream command argument",
            ),
            ("XADD s MAXLEN = -1 1 f v", "-ERR The MAXLEN argument must be >= 0."),
            ("XADD s MAXLEN a 1 f v", "-ERR value is not an integer or out of range"),
            (
                "XADD s MAXLEN ~ 1 f v",
                "-ERR Invalid stream ID specified as stream command argument",
            ),
            (
                "XADD s LIMIT 5 1 f v",
                "-ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
            ),
            (
                "XADD s MAXLEN 5 LIMIT 5 1 f v",
                "-ERR syntax error, LIMIT cannot be used without the special ~ option",
            ),
            (
                "XADD s MAXLEN = 5 LIMIT 5 1 f v",
                "-ERR syntax error, LIMIT cannot be used without the special ~ option",
            ),
            ("XADD s MAXLEN ~ 5 LIMIT -5 1 f v", "-ERR The LIMIT argument must be >= 0."),
            ("XADD s MAXLEN ~ 5 LIMIT x 1 f v", "-ERR value is not an integer or out of range"),
            (
                "XADD s KEEPREF DELREF 1 f v",
                "-ERR Invalid stream ID specified as stream command argument",
            ),
            ("EXISTS s", ":0"),
            ("SET str x", "+OK"),
            (
                "XADD str 1 f v",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            ("XADD str 0-0 f v", "-ERR The ID specified in XADD must be greater than 0-0"),
            ("XADD str * f", "-ERR wrong number of arguments for 'xadd' command"),
            (
                "XADD str NOMKSTREAM 1 f v",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            ("XADD s 5 f v", "$3 5-0"),
            (
                "XADD s 5 f v",
                "-ERR The ID specified in XADD is equal or smaller than the target stream top item",
            ),
            (
                "XADD s 4-* f v",
                "-ERR The ID specified in XADD is equal or smaller than the target stream top item",
            ),
            (
                "XADD s 4-9 f v",
                "-ERR The ID specified in XADD is equal or smaller than the target stream top item",
            ),
            ("XLEN s", ":1"),
        ],
    );
}

#[test]
fn nomkstream_makes_no_stream() {
    let server = TestServer::start();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XADD s NOMKSTREAM 1 f v", "$-1"),
            ("XADD s NOMKSTREAM 0-0 f v", "-ERR The ID specified in XADD must be greater than 0-0"),
            ("EXISTS s", ":0"),
            ("XADD s 1 f v", "$3 1-0"),
            ("XADD s nomkstream 2 f v", "$3 2-0"),
            ("XLEN s", ":2"),
        ],
    );
}

#[test]
fn xadd_trims_what_it_adds_to() {
    let server = TestServer::start();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XADD s 1 f v", "$3 1-0"),
            ("XADD s 2 f v", "$3 2-0"),
            ("XADD s MAXLEN 2 3 f v", "$3 3-0"),
            ("XADD s MAXLEN = 2 4 f v", "$3 4-0"),
            ("XRANGE s - +", "*2 *2 $3 3-0 *2 $1 f $1 v *2 $3 4-0 *2 $1 f $1 v"),
            ("XADD s MINID 4 5 f v", "$3 5-0"),
            (
                "XADD s MINID = 5 LIMIT 1 6 f v",
                "-ERR syntax error, LIMIT cannot be used without the special ~ option",
            ),
            ("XRANGE s - +", "*2 *2 $3 4-0 *2 $1 f $1 v *2 $3 5-0 *2 $1 f $1 v"),
            ("XADD s MAXLEN 0 7 f v", "$3 7-0"),
            ("XLEN s", ":0"),
            ("XADD s MINID 9 8 f v", "$3 8-0"),
            ("XLEN s", ":0"),
            ("EXISTS s", ":1"),
            ("XADD s KEEPREF MAXLEN 1 9 f v", "$3 9-0"),
            ("XADD s MAXLEN 1 DELREF 10 f v", "$4 10-0"),
            ("XADD s ACKED MAXLEN 1 11 f v", "$4 11-0"),
            ("XRANGE s - +", "*1 *2 $4 11-0 *2 $1 f $1 v"),
        ],
    );
}

#[test]
fn tilde_trims_whole_nodes() {
    let server = TestServer::start();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("CONFIG SET stream-node-max-entries 3", "+OK"),
            ("XADD s 1 f v", "$3 1-0"),
            ("XADD s 2 f v", "$3 2-0"),
            ("XADD s 3 f v", "$3 3-0"),
            ("XADD s 4 f v", "$3 4-0"),
            ("XADD s 5 f v", "$3 5-0"),
            ("XADD s 6 f v", "$3 6-0"),
            ("XADD s 7 f v", "$3 7-0"),
            ("XTRIM s MAXLEN ~ 5", ":0"),
            ("XTRIM s MAXLEN ~ 4 LIMIT 2", ":0"),
            ("XTRIM s MAXLEN ~ 4", ":3"),
            ("XDEL s 6", ":1"),
            // The node ends with 6, though it is gone.
            ("XTRIM s MINID ~ 6", ":0"),
            ("XTRIM s MINID ~ 6-1", ":2"),
            ("XRANGE s - +", "*1 *2 $3 7-0 *2 $1 f $1 v"),
            ("XTRIM s MAXLEN ~ 0 LIMIT 0", ":1"),
            ("XLEN s", ":0"),
            ("XADD s 8 f v", "$3 8-0"),
            ("XADD s 9 f v", "$3 9-0"),
            ("XADD s 10 f v", "$4 10-0"),
            ("XADD s MAXLEN ~ 1 11 f v", "$4 11-0"),
            ("XADD s MINID ~ 100 LIMIT 1 12 f v", "$4 12-0"),
            ("XLEN s", ":2"),
            ("CONFIG SET stream-node-max-entries 100", "+OK"),
        ],
    );
}

#[test]
fn xtrim_is_exact_without_tilde() {
    let server = TestServer::start();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XADD s 1 f v", "$3 1-0"),
            ("XADD s 2 f v", "$3 2-0"),
            ("XADD s 3 f v", "$3 3-0"),
            ("XADD s 4 f v", "$3 4-0"),
            ("XADD s 5 f v", "$3 5-0"),
            ("XTRIM s MAXLEN 4", ":1"),
            ("XTRIM s MAXLEN = 4", ":0"),
            ("XTRIM s MINID 3", ":1"),
            ("XTRIM s MINID 3-1", ":1"),
            ("XTRIM s KEEPREF MAXLEN 1", ":1"),
            ("XRANGE s - +", "*1 *2 $3 5-0 *2 $1 f $1 v"),
            ("XTRIM s MAXLEN 0", ":1"),
            ("XLEN s", ":0"),
            ("EXISTS s", ":1"),
        ],
    );
}

#[test]
fn xtrim_refuses() {
    let server = TestServer::start();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XTRIM s", "-ERR wrong number of arguments for 'xtrim' command"),
            ("XTRIM s MAXLEN", "-ERR wrong number of arguments for 'xtrim' command"),
            ("XTRIM s FOO 5", "-ERR syntax error"),
            ("XTRIM s MAXLEN 5 FOO", "-ERR syntax error"),
            (
                "XTRIM s LIMIT 5 KEEPREF",
                "-ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
            ),
            ("XTRIM s KEEPREF ACKED", "-ERR syntax error"),
            ("XTRIM s KEEPREF KEEPREF", "-ERR syntax error"),
            ("XTRIM s MAXLEN ~ 5 DELREF ACKED", "-ERR syntax error"),
            ("XTRIM s MAXLEN ~ 5 LIMIT", "-ERR syntax error"),
            (
                "XTRIM s MAXLEN 5 LIMIT 5",
                "-ERR syntax error, LIMIT cannot be used without the special ~ option",
            ),
            ("XTRIM s NOMKSTREAM MAXLEN 5", "-ERR syntax error"),
            (
                "XTRIM s MAXLEN 5 MINID 3",
                "-ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
            ),
            ("XTRIM s MAXLEN -1", "-ERR The MAXLEN argument must be >= 0."),
            ("XTRIM s MAXLEN x", "-ERR value is not an integer or out of range"),
            ("XTRIM s MINID x", "-ERR Invalid stream ID specified as stream command argument"),
            ("XTRIM s MAXLEN 5", ":0"),
            ("SET str x", "+OK"),
            (
                "XTRIM str MAXLEN 5",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            ("XTRIM str MAXLEN x", "-ERR value is not an integer or out of range"),
        ],
    );
}

#[test]
fn xdel_and_xlen() {
    let server = TestServer::start();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XDEL s 1", ":0"),
            ("XLEN s", ":0"),
            ("XADD s 1 f v", "$3 1-0"),
            ("XADD s 2 f v", "$3 2-0"),
            ("XADD s 3 f v", "$3 3-0"),
            ("XDEL s 1-0 9 1", ":1"),
            ("XDEL s 3 2 3", ":2"),
            ("XLEN s", ":0"),
            ("EXISTS s", ":1"),
            ("XDEL s 1 abc", "-ERR Invalid stream ID specified as stream command argument"),
            ("XDEL s -", "-ERR Invalid stream ID specified as stream command argument"),
            ("XDEL nope abc", ":0"),
            ("XDEL s", "-ERR wrong number of arguments for 'xdel' command"),
            ("XLEN", "-ERR wrong number of arguments for 'xlen' command"),
            ("SET str x", "+OK"),
            ("XDEL str 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("XDEL str abc", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("XLEN str", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ],
    );
}

#[test]
fn xdelex() {
    let server = TestServer::start();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XDELEX s IDS 2 1 2", "*2 :-1 :-1"),
            ("XADD s 1 f v", "$3 1-0"),
            ("XADD s 2 f v", "$3 2-0"),
            ("XADD s 3 f v", "$3 3-0"),
            ("XDELEX s IDS 3 1 9 1", "*3 :1 :-1 :-1"),
            ("XDELEX s KEEPREF IDS 1 2", "*1 :1"),
            ("XDELEX s DELREF IDS 1 3", "*1 :1"),
            ("XLEN s", ":0"),
            ("XADD s 4 f v", "$3 4-0"),
            ("XDELEX s acked ids 1 4", "*1 :1"),
            ("XDELEX s IDS 1 abc", "-ERR Invalid stream ID specified as stream command argument"),
            ("XDELEX s IDS 0 1", "-ERR Number of IDs must be a positive integer"),
            ("XDELEX s IDS -1 1", "-ERR Number of IDs must be a positive integer"),
            ("XDELEX s IDS x 1", "-ERR Number of IDs must be a positive integer"),
            ("XDELEX s IDS 2 1", "-ERR The `numids` parameter must match the number of arguments"),
            ("XDELEX s IDS 1 1 2", "-ERR syntax error"),
            (
                "XDELEX s KEEPREF IDS 1",
                "-ERR The `numids` parameter must match the number of arguments",
            ),
            ("XDELEX s KEEPREF IDS 1 1 DELREF", "-ERR syntax error"),
            ("XDELEX s KEEPREF DELREF IDS 1 1", "-ERR syntax error"),
            ("XDELEX s FOO IDS 1 1", "-ERR syntax error"),
            ("XDELEX s ACKED KEEPREF DELREF", "-ERR syntax error"),
            ("XDELEX s IDS 1 1 IDS 2 2 3", "*2 :-1 :-1"),
            ("XDELEX nope IDS 1 abc", "*1 :-1"),
            ("XDELEX nope FOO 1 2", "-ERR syntax error"),
            ("SET str x", "+OK"),
            (
                "XDELEX str IDS 1 1",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            (
                "XDELEX str FOO 1 2",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
        ],
    );
}

#[test]
fn xrange_and_xrevrange() {
    let server = TestServer::start();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XADD s 5-1 f a", "$3 5-1"),
            ("XADD s 5-2 f b", "$3 5-2"),
            ("XADD s 6-1 f c", "$3 6-1"),
            ("XADD s 7-1 f d", "$3 7-1"),
            (
                "XRANGE s - +",
                "*4 *2 $3 5-1 *2 $1 f $1 a *2 $3 5-2 *2 $1 f $1 b *2 $3 6-1 *2 $1 f $1 c *2 $3 7-1 *2 $1 f $1 d",
            ),
            ("XRANGE s 5 5", "*2 *2 $3 5-1 *2 $1 f $1 a *2 $3 5-2 *2 $1 f $1 b"),
            ("XRANGE s 5-2 6", "*2 *2 $3 5-2 *2 $1 f $1 b *2 $3 6-1 *2 $1 f $1 c"),
            ("XRANGE s (5-1 (7-1", "*2 *2 $3 5-2 *2 $1 f $1 b *2 $3 6-1 *2 $1 f $1 c"),
            (
                "XRANGE s (5 (6",
                "*3 *2 $3 5-1 *2 $1 f $1 a *2 $3 5-2 *2 $1 f $1 b *2 $3 6-1 *2 $1 f $1 c",
            ),
            ("XRANGE s + -", "*0"),
            ("XRANGE s - + COUNT 2", "*2 *2 $3 5-1 *2 $1 f $1 a *2 $3 5-2 *2 $1 f $1 b"),
            ("XRANGE s - + COUNT 0", "*-1"),
            ("XRANGE s - + COUNT -1", "*-1"),
            (
                "XRANGE s - + COUNT 1 COUNT 3",
                "*3 *2 $3 5-1 *2 $1 f $1 a *2 $3 5-2 *2 $1 f $1 b *2 $3 6-1 *2 $1 f $1 c",
            ),
            (
                "XREVRANGE s + -",
                "*4 *2 $3 7-1 *2 $1 f $1 d *2 $3 6-1 *2 $1 f $1 c *2 $3 5-2 *2 $1 f $1 b *2 $3 5-1 *2 $1 f $1 a",
            ),
            ("XREVRANGE s 6 5-2", "*2 *2 $3 6-1 *2 $1 f $1 c *2 $3 5-2 *2 $1 f $1 b"),
            ("XREVRANGE s (7-1 (5-1 COUNT 1", "*1 *2 $3 6-1 *2 $1 f $1 c"),
            ("XREVRANGE s - +", "*0"),
            ("XRANGE nope - +", "*0"),
            ("XRANGE nope - + COUNT 0", "*0"),
            ("XRANGE s", "-ERR wrong number of arguments for 'xrange' command"),
            ("XRANGE s - b", "-ERR Invalid stream ID specified as stream command argument"),
            ("XRANGE s a +", "-ERR Invalid stream ID specified as stream command argument"),
            ("XRANGE s ( +", "-ERR Invalid stream ID specified as stream command argument"),
            ("XRANGE s (- +", "-ERR Invalid stream ID specified as stream command argument"),
            ("XRANGE s - (+", "-ERR Invalid stream ID specified as stream command argument"),
            (
                "XRANGE s (18446744073709551615-18446744073709551615 +",
                "-ERR invalid start ID for the interval",
            ),
            ("XRANGE s - (0-0", "-ERR invalid end ID for the interval"),
            ("XREVRANGE s (0-0 -", "-ERR invalid end ID for the interval"),
            (
                "XREVRANGE s + (18446744073709551615-18446744073709551615",
                "-ERR invalid start ID for the interval",
            ),
            ("XRANGE s - + COUNT", "-ERR syntax error"),
            ("XRANGE s - + COUNT x", "-ERR value is not an integer or out of range"),
            ("XRANGE s - + FOO 1", "-ERR syntax error"),
            ("XRANGE nope a +", "-ERR Invalid stream ID specified as stream command argument"),
            ("SET str x", "+OK"),
            (
                "XRANGE str - +",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            ("XRANGE str a +", "-ERR Invalid stream ID specified as stream command argument"),
            (
                "XREVRANGE str + -",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
        ],
    );
}

#[test]
fn xread_reads_behind_ids() {
    let server = TestServer::start();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XADD a 1 f v", "$3 1-0"),
            ("XADD a 2 f w", "$3 2-0"),
            ("XADD b 3 f x", "$3 3-0"),
            ("XREAD STREAMS a 0", "*1 *2 $1 a *2 *2 $3 1-0 *2 $1 f $1 v *2 $3 2-0 *2 $1 f $1 w"),
            ("XREAD STREAMS a 1", "*1 *2 $1 a *1 *2 $3 2-0 *2 $1 f $1 w"),
            ("XREAD STREAMS a 1-0", "*1 *2 $1 a *1 *2 $3 2-0 *2 $1 f $1 w"),
            ("XREAD STREAMS a 2", "*-1"),
            ("XREAD STREAMS a $", "*-1"),
            ("XREAD STREAMS a +", "*1 *2 $1 a *1 *2 $3 2-0 *2 $1 f $1 w"),
            (
                "XREAD COUNT 5 STREAMS a nope b + + +",
                "*2 *2 $1 a *1 *2 $3 2-0 *2 $1 f $1 w *2 $1 b *1 *2 $3 3-0 *2 $1 f $1 x",
            ),
            ("XREAD STREAMS nope +", "*-1"),
            (
                "XREAD STREAMS a b 0 0",
                "*2 *2 $1 a *2 *2 $3 1-0 *2 $1 f $1 v *2 $3 2-0 *2 $1 f $1 w *2 $1 b *1 *2 $3 3-0 *2 $1 f $1 x",
            ),
            (
                "XREAD COUNT 1 STREAMS a b 0 0",
                "*2 *2 $1 a *1 *2 $3 1-0 *2 $1 f $1 v *2 $1 b *1 *2 $3 3-0 *2 $1 f $1 x",
            ),
            ("XREAD COUNT 0 STREAMS b 0", "*1 *2 $1 b *1 *2 $3 3-0 *2 $1 f $1 x"),
            ("XREAD COUNT -1 STREAMS b 0", "*1 *2 $1 b *1 *2 $3 3-0 *2 $1 f $1 x"),
            (
                "XREAD COUNT 1 COUNT 2 STREAMS a 0",
                "*1 *2 $1 a *2 *2 $3 1-0 *2 $1 f $1 v *2 $3 2-0 *2 $1 f $1 w",
            ),
            (
                "XREAD STREAMS a a 0 1",
                "*2 *2 $1 a *2 *2 $3 1-0 *2 $1 f $1 v *2 $3 2-0 *2 $1 f $1 w *2 $1 a *1 *2 $3 2-0 *2 $1 f $1 w",
            ),
            ("XREAD STREAMS nope 0", "*-1"),
            ("XREAD STREAMS a 18446744073709551615-18446744073709551615", "*-1"),
            ("XREAD BLOCK 0 STREAMS nope a 0 1", "*1 *2 $1 a *1 *2 $3 2-0 *2 $1 f $1 w"),
            ("XDEL a 2", ":1"),
            ("XREAD STREAMS a +", "*1 *2 $1 a *1 *2 $3 1-0 *2 $1 f $1 v"),
            ("XREAD STREAMS a 1", "*-1"),
        ],
    );
}

#[test]
fn xread_refuses() {
    let server = TestServer::start();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XREAD", "-ERR wrong number of arguments for 'xread' command"),
            ("XREAD STREAMS a", "-ERR wrong number of arguments for 'xread' command"),
            (
                "XREAD STREAMS a b 0",
                "-ERR Unbalanced 'xread' list of streams: for each stream key an ID, '+', or '$' must be specified.",
            ),
            ("XREAD COUNT x STREAMS a 0", "-ERR value is not an integer or out of range"),
            ("XREAD COUNT 1 FOO a", "-ERR syntax error"),
            ("XREAD COUNT 5 STREAMS", "-ERR syntax error"),
            ("XREAD COUNT 5 BLOCK STREAMS a 0", "-ERR timeout is not an integer or out of range"),
            ("XREAD BLOCK x STREAMS a 0", "-ERR timeout is not an integer or out of range"),
            ("XREAD BLOCK -1 STREAMS a 0", "-ERR timeout is negative"),
            ("XREAD BLOCK 1.5 STREAMS a 0", "-ERR timeout is not an integer or out of range"),
            ("XREAD BLOCK 9223372036854775807 STREAMS a 0", "-ERR timeout is out of range"),
            ("XREAD FOO STREAMS a 0", "-ERR syntax error"),
            ("XREAD STREAMS a foo", "-ERR Invalid stream ID specified as stream command argument"),
            ("XREAD STREAMS a -", "-ERR Invalid stream ID specified as stream command argument"),
            (
                "XREAD STREAMS a >",
                "-ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
            ),
            (
                "XREAD GROUP g c STREAMS a 0",
                "-ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.",
            ),
            (
                "XREAD NOACK STREAMS a 0",
                "-ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.",
            ),
            (
                "XREAD COUNT 1 NOACK STREAMS a 0",
                "-ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.",
            ),
            ("XREAD CLAIM 5 STREAMS a 0", "-ERR syntax error"),
            ("SET str x", "+OK"),
            (
                "XREAD STREAMS str 0",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            (
                "XREAD STREAMS str foo",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            (
                "XREAD STREAMS foo str foo 0",
                "-ERR Invalid stream ID specified as stream command argument",
            ),
            (
                "XREAD STREAMS str $",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            (
                "XREAD STREAMS str +",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
        ],
    );
}

#[test]
fn xsetid() {
    let server = TestServer::start();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XSETID s 5", "-ERR no such key"),
            ("XADD s 5 f v", "$3 5-0"),
            ("XADD s 7 f v", "$3 7-0"),
            (
                "XSETID s 6",
                "-ERR The ID specified in XSETID is smaller than the target stream top item",
            ),
            ("XSETID s 8", "+OK"),
            (
                "XADD s 8 f v",
                "-ERR The ID specified in XADD is equal or smaller than the target stream top item",
            ),
            ("XADD s 8-* f v", "$3 8-1"),
            ("XDEL s 8-1", ":1"),
            (
                "XSETID s 8",
                "-ERR The ID specified in XSETID is smaller than current max_deleted_entry_id",
            ),
            ("XSETID s 10 ENTRIESADDED 20 MAXDELETEDID 9", "+OK"),
            ("XSETID s 9 MAXDELETEDID 0", "+OK"),
            ("XSETID s 10 MAXDELETEDID 0-0", "+OK"),
            (
                "XSETID s 8-5 MAXDELETEDID 1",
                "-ERR The ID specified in XSETID is smaller than current max_deleted_entry_id",
            ),
            (
                "XSETID s 20 ENTRIESADDED 1",
                "-ERR The entries_added specified in XSETID is smaller than the target stream length",
            ),
            ("XSETID s 20 ENTRIESADDED -1", "-ERR entries_added must be positive"),
            ("XSETID s 20 ENTRIESADDED x", "-ERR value is not an integer or out of range"),
            ("XSETID s 20 ENTRIESADDED", "-ERR syntax error"),
            (
                "XSETID s 20 MAXDELETEDID 21",
                "-ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
            ),
            (
                "XSETID s 20 MAXDELETEDID abc",
                "-ERR Invalid stream ID specified as stream command argument",
            ),
            ("XSETID s 20 MAXDELETEDID", "-ERR syntax error"),
            ("XSETID s 20 FOO 1", "-ERR syntax error"),
            ("XSETID s abc", "-ERR Invalid stream ID specified as stream command argument"),
            ("XSETID s -", "-ERR Invalid stream ID specified as stream command argument"),
            ("XSETID s", "-ERR wrong number of arguments for 'xsetid' command"),
            ("XSETID nope abc", "-ERR Invalid stream ID specified as stream command argument"),
            ("SET str x", "+OK"),
            ("XSETID str 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("XSETID str 1 FOO", "-ERR syntax error"),
        ],
    );
}

/// Redis 8.10: MAXCOUNT and MAXSIZE limit the whole reply.
#[test]
fn xread_limits_its_reply() {
    let server = TestServer::start();
    let mut client = server.raw();
    check(&mut client, &[("XADD a 1 f v", "$3 1-0"), ("XADD a 2 f v", "$3 2-0")]);
    check(&mut client, &[("XADD b 3 f v", "$3 3-0"), ("XADD b 4 f v", "$3 4-0")]);
    // An entry of these takes 31 bytes.
    let one = "*1 *2 $1 a *1 *2 $3 1-0 *2 $1 f $1 v";
    let two = "*1 *2 $1 a *2 *2 $3 1-0 *2 $1 f $1 v *2 $3 2-0 *2 $1 f $1 v";
    let three = "*2 *2 $1 a *2 *2 $3 1-0 *2 $1 f $1 v *2 $3 2-0 *2 $1 f $1 v \
                 *2 $1 b *1 *2 $3 3-0 *2 $1 f $1 v";
    check(
        &mut client,
        &[
            ("XREAD MAXCOUNT 1 STREAMS a b 0 0", one),
            ("XREAD MAXCOUNT 2 STREAMS a b 0 0", two),
            ("XREAD MAXCOUNT 3 STREAMS a b 0 0", three),
            ("XREAD COUNT 2 MAXCOUNT 3 STREAMS a b 0 0", three),
            ("XREAD MAXSIZE 1 STREAMS a b 0 0", one),
            ("XREAD MAXSIZE 61 STREAMS a b 0 0", one),
            ("XREAD MAXSIZE 62 STREAMS a b 0 0", two),
            ("XREAD MAXSIZE 100 STREAMS a b 0 0", three),
            (
                "XREAD MAXSIZE 1000 MAXCOUNT 2 STREAMS a b + +",
                "*2 *2 $1 a *1 *2 $3 2-0 *2 $1 f \
              $1 v *2 $1 b *1 *2 $3 4-0 *2 $1 f $1 v",
            ),
            ("XREAD MAXCOUNT 0 STREAMS a 0", "-ERR MAXCOUNT must be a positive integer"),
            ("XREAD MAXSIZE -1 STREAMS a 0", "-ERR MAXSIZE must be a positive integer"),
            ("XREAD MAXSIZE x STREAMS a 0", "-ERR MAXSIZE must be a positive integer"),
            (
                "XREAD COUNT 2 MAXCOUNT 1 STREAMS a 0",
                "-ERR MAXCOUNT must be greater than or equal to COUNT",
            ),
        ],
    );
}

#[test]
fn ids_follow_the_clock() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("XADD s * f v", "$15 1700000000000-0"),
            ("XADD s * f v", "$15 1700000000000-1"),
            ("XADD s 1700000000009-* f v", "$15 1700000000009-0"),
        ],
    );
    server.advance_ms(5);
    assert_eq!(client.ask("XADD s * f v"), "$15 1700000000009-1");
    server.advance_ms(5);
    assert_eq!(client.ask("XADD s * f v"), "$15 1700000000010-0");
}
