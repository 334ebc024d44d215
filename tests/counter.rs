//! Strings that count: the INCR family and INCREX.

mod support;

use support::{TestServer, check};

#[test]
fn counters() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("INCR n", ":1"),
            ("INCR n", ":2"),
            ("DECR n", ":1"),
            ("INCRBY n 10", ":11"),
            ("DECRBY n 4", ":7"),
            ("INCRBY n -20", ":-13"),
            ("GET n", "$3 -13"),
            ("OBJECT ENCODING n", "$3 int"),
            ("SET n 9223372036854775806", "+OK"),
            ("INCR n", ":9223372036854775807"),
            ("INCR n", "-ERR increment or decrement would overflow"),
            ("INCRBY n 1", "-ERR increment or decrement would overflow"),
            ("DECRBY n -1", "-ERR increment or decrement would overflow"),
            ("SET n -9223372036854775808", "+OK"),
            ("DECR n", "-ERR increment or decrement would overflow"),
            ("DECRBY n 1", "-ERR increment or decrement would overflow"),
            ("DECRBY n -9223372036854775808", "-ERR decrement would overflow"),
            ("INCRBY n -9223372036854775808", "-ERR increment or decrement would overflow"),
            ("INCRBY n abc", "-ERR value is not an integer or out of range"),
            ("INCRBY n 1.5", "-ERR value is not an integer or out of range"),
            ("INCRBY n 01", "-ERR value is not an integer or out of range"),
            ("INCRBY n 9223372036854775808", "-ERR value is not an integer or out of range"),
            ("SET s abc", "+OK"),
            ("INCR s", "-ERR value is not an integer or out of range"),
            ("SET s \"\"", "+OK"),
            ("INCR s", "-ERR value is not an integer or out of range"),
            ("SET s 010", "+OK"),
            ("INCR s", "-ERR value is not an integer or out of range"),
            ("SET s +1", "+OK"),
            ("DECR s", "-ERR value is not an integer or out of range"),
            ("RPUSH l a", ":1"),
            ("INCR l", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("INCRBY l abc", "-ERR value is not an integer or out of range"),
            (
                "INCRBYFLOAT l 1",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            (
                "INCRBYFLOAT l abc",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            ("SET t 5 EX 100", "+OK"),
            ("INCR t", ":6"),
            ("TTL t", ":100"),
            ("INCR", "-ERR wrong number of arguments for 'incr' command"),
            ("INCRBY n", "-ERR wrong number of arguments for 'incrby' command"),
            ("INCRBYFLOAT f 10.50", "$4 10.5"),
            ("INCRBYFLOAT f 0.1", "$4 10.6"),
            ("INCRBYFLOAT f -5", "$3 5.6"),
            ("INCRBYFLOAT f 5.0e3", "$22 5005.60000000000000009"),
            ("INCRBYFLOAT g 0.1", "$3 0.1"),
            ("INCRBYFLOAT g 0.2", "$3 0.3"),
            ("OBJECT ENCODING g", "$6 embstr"),
            ("SET h 0x10", "+OK"),
            ("INCRBYFLOAT h 1", "$2 17"),
            (
                "INCRBYFLOAT h 1e300",
                "$301 1000000000000000000008997324079559193870523944273290747938260082321265646596180935755849152083750497190350372508614274835903592556184672983913096260520748646287327135641843653294084255107606016789726652932370030551382947620994540294772781889620606179267611627097410650567187386105690089424915104006144",
            ),
            ("SET h 3.0e3", "+OK"),
            ("INCRBYFLOAT h 0", "$4 3000"),
            ("INCRBYFLOAT h inf", "-ERR increment would produce NaN or Infinity"),
            ("INCRBYFLOAT h nan", "-ERR value is not a valid float"),
            ("INCRBYFLOAT h \"\"", "-ERR value is not a valid float"),
            ("INCRBYFLOAT h abc", "-ERR value is not a valid float"),
            ("SET h abc", "+OK"),
            ("INCRBYFLOAT h 1", "-ERR value is not a valid float"),
            ("INCRBYFLOAT t 1.5", "$3 7.5"),
            ("TTL t", ":100"),
            ("SET h 1e4932", "+OK"),
            ("INCRBYFLOAT h 1e4932", "-ERR increment would produce NaN or Infinity"),
        ],
    );
}

#[test]
fn increx() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("INCREX n", "*2 :1 :1"),
            ("INCREX n", "*2 :2 :1"),
            ("INCREX n BYINT 5", "*2 :7 :5"),
            ("INCREX n BYINT -10", "*2 :-3 :-10"),
            ("INCREX n BYINT 0", "*2 :-3 :0"),
            ("OBJECT ENCODING n", "$3 int"),
            ("INCREX n UBOUND 4 BYINT 100", "*2 :-3 :0"),
            ("GET n", "$2 -3"),
            ("INCREX n BYINT 100 UBOUND 40 SATURATE", "*2 :40 :43"),
            ("INCREX n BYINT -100 LBOUND 5 SATURATE", "*2 :5 :-35"),
            ("INCREX n LBOUND 0 UBOUND 5", "*2 :5 :0"),
            ("INCREX new BYINT 5 UBOUND 4", "*2 :0 :0"),
            ("EXISTS new", ":0"),
            ("SET n 9223372036854775800", "+OK"),
            ("INCREX n BYINT 9223372036854775800", "*2 :9223372036854775800 :0"),
            ("INCREX n BYINT 9223372036854775800 SATURATE", "*2 :9223372036854775807 :7"),
            (
                "INCREX n BYINT 1 SATURATE UBOUND -9223372036854775808",
                "-ERR applied increment would overflow",
            ),
            ("SET n 50", "+OK"),
            ("INCREX n BYINT 5 UBOUND 30", "*2 :50 :0"),
            ("INCREX n BYINT 5 UBOUND 30 SATURATE", "*2 :30 :-20"),
            ("INCREX n BYINT -25 UBOUND 30", "*2 :5 :-25"),
            ("SET f 1.5", "+OK"),
            ("INCREX f BYFLOAT 0.25", "*2 $4 1.75 $4 0.25"),
            ("INCREX f BYFLOAT 0.1", "*2 $4 1.85 $3 0.1"),
            ("INCREX f BYFLOAT 100 UBOUND 42.5", "*2 $4 1.85 $1 0"),
            ("INCREX f BYFLOAT 100 UBOUND 42.5 SATURATE", "*2 $4 42.5 $5 40.65"),
            ("INCREX f BYFLOAT -100 LBOUND -5.5 SATURATE", "*2 $4 -5.5 $3 -48"),
            ("INCREX newf BYFLOAT -0.5 UBOUND -1.5", "*2 $1 0 $1 0"),
            ("EXISTS newf", ":0"),
            ("INCREX f BYINT 1", "-ERR value is not an integer or out of range"),
            ("SET f inf", "+OK"),
            ("INCREX f BYFLOAT 1", "-ERR value cannot be Infinity"),
            ("INCREX f BYFLOAT inf", "-ERR BYFLOAT increment cannot be Infinity"),
            ("INCREX f BYFLOAT nan", "-ERR Increment is not a valid float"),
            ("INCREX f BYFLOAT abc", "-ERR Increment is not a valid float"),
            ("INCREX n BYINT abc", "-ERR Increment is not an integer or out of range"),
            ("INCREX n BYINT 1.5", "-ERR Increment is not an integer or out of range"),
            ("INCREX n LBOUND abc", "-ERR LBOUND is not an integer or out of range"),
            ("INCREX n UBOUND 1.5", "-ERR UBOUND is not an integer or out of range"),
            ("INCREX n BYFLOAT 1 LBOUND abc", "-ERR LBOUND is not a valid float"),
            ("INCREX n LBOUND 10 UBOUND 5", "-ERR LBOUND can't be greater than UBOUND"),
            (
                "INCREX n BYFLOAT 1 LBOUND 10.5 UBOUND 1.5",
                "-ERR LBOUND can't be greater than UBOUND",
            ),
            ("INCREX n EX 0", "-ERR invalid expire time in 'increx' command"),
            ("INCREX n EX abc", "-ERR value is not an integer or out of range"),
            ("INCREX n ENX", "-ERR ENX flag requires an expiration"),
            ("INCREX n PERSIST ENX", "-ERR syntax error"),
            ("INCREX n ENX PERSIST", "-ERR syntax error"),
            ("INCREX n BYINT 1 BYINT 2", "-ERR syntax error"),
            ("INCREX n BYINT 1 BYFLOAT 2", "-ERR syntax error"),
            ("INCREX n LBOUND 0 LBOUND 0", "-ERR syntax error"),
            ("INCREX n SATURATE SATURATE", "-ERR syntax error"),
            ("INCREX n PERSIST PERSIST", "-ERR syntax error"),
            ("INCREX n EX 10 EX 10", "-ERR syntax error"),
            ("INCREX n EX 10 PX 10", "-ERR syntax error"),
            ("INCREX n EX 10 PERSIST", "-ERR syntax error"),
            ("INCREX n FOO", "-ERR syntax error"),
            ("INCREX n BYINT", "-ERR syntax error"),
            ("INCREX", "-ERR wrong number of arguments for 'increx' command"),
            ("SET s hello", "+OK"),
            ("INCREX s", "-ERR value is not an integer or out of range"),
            ("INCREX s BYFLOAT 1", "-ERR value is not a valid float"),
            ("RPUSH l a", ":1"),
            ("INCREX l", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            (
                "INCREX l BYFLOAT 1",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            ("SET n 10", "+OK"),
            ("INCREX n EX 100", "*2 :11 :1"),
            ("TTL n", ":100"),
            ("INCREX n", "*2 :12 :1"),
            ("TTL n", ":100"),
            ("INCREX n PX 500000 ENX", "*2 :13 :1"),
            ("TTL n", ":100"),
            ("INCREX n PERSIST", "*2 :14 :1"),
            ("TTL n", ":-1"),
            ("INCREX n PX 500000 ENX", "*2 :15 :1"),
            ("TTL n", ":500"),
            ("INCREX n EXAT 32503680000", "*2 :16 :1"),
            ("EXPIRETIME n", ":32503680000"),
            ("INCREX n PXAT 1 ENX", "*2 :17 :1"),
            ("GET n", "$2 17"),
            ("INCREX n BYINT 100 UBOUND 15 PERSIST", "*2 :17 :0"),
            ("INCREX n PXAT 1", "*2 :18 :1"),
            ("EXISTS n", ":0"),
        ],
    );
}

#[test]
fn numbers_have_the_digits_of_a_long_double() {
    let server = TestServer::manual();
    let mut client = server.raw();
    let large = client.ask("INCRBYFLOAT large 1e4931");
    assert!(large.starts_with("$4932 1000000000000000000"), "{large}");
    check(
        &mut client,
        &[
            ("INCRBYFLOAT small 0.00000000000000001", "$19 0.00000000000000001"),
            ("INCRBYFLOAT small 0.000000000000000001", "$19 0.00000000000000001"),
        ],
    );
}
