//! SORT and SORT_RO.

mod support;

use support::{TestServer, check, effects};

const NOT_A_NUMBER: &str = "-ERR One or more scores can't be converted into double";

#[test]
fn elements_are_sorted() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("RPUSH l 3 1 2 10", ":4"),
            ("SORT l", "*4 $1 1 $1 2 $1 3 $2 10"),
            ("SORT l DESC", "*4 $2 10 $1 3 $1 2 $1 1"),
            ("SORT l ALPHA", "*4 $1 1 $2 10 $1 2 $1 3"),
            ("SORT l LIMIT 1 2", "*2 $1 2 $1 3"),
            ("SORT l LIMIT -1 2", "*2 $1 1 $1 2"),
            ("SORT l LIMIT 1 -1", "*3 $1 2 $1 3 $2 10"),
            ("SORT l LIMIT 10 5", "*0"),
            ("SORT l BY nosort", "*4 $1 3 $1 1 $1 2 $2 10"),
            ("SORT l BY nosort DESC LIMIT 0 2", "*2 $2 10 $1 2"),
            ("SORT l BY nosort LIMIT 1 2", "*2 $1 1 $1 2"),
            ("SORT l BY nosort DESC LIMIT 1 2", "*2 $1 2 $1 1"),
            ("SORT l BY nosort DESC LIMIT 3 9", "*1 $1 3"),
            ("SORT l BY nosort LIMIT 4 1", "*0"),
            ("SORT l BY nosort LIMIT 0 0", "*0"),
            ("SORT l BY nosort LIMIT -1 -1", "*4 $1 3 $1 1 $1 2 $2 10"),
            ("SORT l BY nosort LIMIT 1 1 GET # GET none", "*2 $1 1 $-1"),
            ("SORT l BY nosort DESC LIMIT 0 1 STORE last", ":1"),
            ("LRANGE last 0 -1", "*1 $2 10"),
            ("ZADD z 1 a 2 b 3 c", ":3"),
            ("SORT z BY nosort LIMIT 1 5", "*2 $1 b $1 c"),
            ("SORT z BY nosort DESC LIMIT 0 2", "*2 $1 c $1 b"),
            ("SADD members 5 7 9", ":3"),
            ("SORT members BY nosort LIMIT 1 1", "*1 $1 7"),
            ("SORT members BY nosort DESC LIMIT 0 2", "*2 $1 5 $1 7"),
            ("SORT members BY nosort DESC LIMIT 0 2 STORE last", ":2"),
            ("LRANGE last 0 -1", "*2 $1 9 $1 7"),
            ("SORT_RO l", "*4 $1 1 $1 2 $1 3 $2 10"),
            ("SORT none", "*0"),
            ("SADD s 3 1 2", ":3"),
            ("SORT s", "*3 $1 1 $1 2 $1 3"),
            ("RPUSH t b a", ":2"),
            ("SORT t", NOT_A_NUMBER),
            ("SORT t ALPHA DESC", "*2 $1 b $1 a"),
            ("RPUSH odd 1.0 1 01 -Inf 1e400 +5 .5", ":7"),
            ("SORT odd", "*7 $4 -Inf $2 .5 $2 01 $1 1 $3 1.0 $2 +5 $5 1e400"),
            ("RPUSH hex 0x10", ":1"),
            ("SORT hex", NOT_A_NUMBER),
            ("SET str 1", "+OK"),
            ("SORT str", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("SORT l LIMIT x 1", "-ERR value is not an integer or out of range"),
            ("SORT l LIMIT 1", "-ERR syntax error"),
            ("SORT l FOO", "-ERR syntax error"),
            ("SORT_RO l STORE x", "-ERR syntax error"),
        ],
    );
}

#[test]
fn other_keys_weigh_and_show() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("RPUSH l 3 1 2 10", ":4"),
            ("MSET w_1 30 w_2 20 w_3 x w_10 5 d_1 one d_2 two", "+OK"),
            ("SORT l BY w_*", NOT_A_NUMBER),
            ("SET w_3 40", "+OK"),
            ("SORT l BY w_* GET #", "*4 $2 10 $1 2 $1 1 $1 3"),
            ("SORT l BY w_* GET d_* LIMIT 1 2", "*2 $3 two $3 one"),
            ("SORT l BY w_* DESC LIMIT 0 2 GET d_* GET #", "*4 $-1 $1 3 $3 one $1 1"),
            ("SORT l BY none_*", "*4 $1 1 $2 10 $1 2 $1 3"),
            ("SORT l BY w_* ALPHA", "*4 $1 2 $1 1 $1 3 $2 10"),
            ("SORT l GET nostar LIMIT 0 1", "*1 $-1"),
            ("COMMAND GETKEYS SORT l BY w_* STORE out STORE out2 GET x", "*2 $1 l $4 out2"),
            ("MULTI", "+OK"),
            ("SORT l BY w_*", "+QUEUED"),
            ("EXEC", "*1 *4 $2 10 $1 2 $1 1 $1 3"),
        ],
    );
}

#[test]
fn outcomes_are_stored_and_recorded_as_they_are() {
    let server = TestServer::manual();
    let mut client = server.raw();
    let mut effects_of = |command: &str| {
        drop(effects(&server));
        client.ask(command);
        effects(&server)
    };
    effects_of("RPUSH l 3 1 2");
    effects_of("MSET w_1 3 w_2 1 d_1 one");
    assert_eq!(effects_of("SORT l STORE out"), ["RPUSH out 1 2 3"]);
    assert_eq!(effects_of("SORT l BY w_* STORE out"), ["DEL out; RPUSH out 3 2 1"]);
    assert_eq!(effects_of("SORT l GET d_* GET # STORE l2").len(), 1);
    assert_eq!(effects_of("SORT none STORE out"), ["DEL out"]);
    assert!(effects_of("SORT none STORE out").is_empty());
    effects_of("SADD s 3 1 2 20");
    assert_eq!(effects_of("SORT s BY nosort STORE out"), ["RPUSH out 1 2 20 3"]);
    check(
        &mut client,
        &[
            ("LRANGE l2 0 -1", "*6 $3 one $1 1 $0  $1 2 $0  $1 3"),
            ("SORT l STORE l", ":3"),
            ("LRANGE l 0 -1", "*3 $1 1 $1 2 $1 3"),
            ("OBJECT ENCODING l", "$8 listpack"),
        ],
    );
}
