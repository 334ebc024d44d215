//! The commands for strings as rows of bits.

mod support;

use support::{TestServer, check, effects};

const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";
const BAD_OFFSET: &str = "-ERR bit offset is not an integer or out of range";
const SYNTAX: &str = "-ERR syntax error";

#[test]
fn ranges_that_run_backward_in_front_of_the_string() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("SET b 1", "+OK"),
            ("BITPOS b 0 -3 -4", ":0"),
            ("BITPOS b 1 -3 -4", ":2"),
            ("BITCOUNT b -3 -4", ":0"),
            ("BITPOS b 0 -1 -2", ":0"),
        ],
    );
}

/// Redis keeps a string that such a command was let at as one that was changed, and tells nobody.
#[test]
fn what_changes_only_the_form_is_replayed_and_breaks_no_watch() {
    let server = TestServer::manual();
    let (mut client, mut watcher) = (server.raw(), server.raw());
    let hll = "HYLL\u{1}\0\0\0\0\0\0\0\0\0\0\0\u{7f}\u{7f}";
    for (value, encoding, command, reply, effect) in [
        ("12", "$3 int", "SETBIT k 0 0", ":0", "SETBIT k 0 0"),
        ("abc", "$6 embstr", "SETBIT k 0 0", ":0", "SETBIT k 0 0"),
        ("12", "$3 int", "BITFIELD k SET u1 0 0", "*1 :0", "BITFIELD k SET u1 0 0"),
        (
            "abc",
            "$6 embstr",
            "BITFIELD k OVERFLOW FAIL INCRBY u1 0 5",
            "*1 $-1",
            "BITFIELD k OVERFLOW FAIL INCRBY u1 0 5",
        ),
        (hll, "$6 embstr", "PFADD k", ":0", "PFADD k"),
    ] {
        check(&mut client, &[(&format!("SET k {value}"), "+OK")]);
        check(&mut client, &[("OBJECT ENCODING k", encoding)]);
        check(&mut watcher, &[("WATCH k", "+OK")]);
        drop(effects(&server));
        check(&mut client, &[(command, reply), ("OBJECT ENCODING k", "$3 raw")]);
        assert_eq!(effects(&server), [effect], "{value}");
        check(&mut client, &[(command, reply)]);
        assert!(effects(&server).is_empty(), "{command}: nothing is left to change");
        check(&mut watcher, &[("MULTI", "+OK"), ("EXEC", "*0")]);
    }
}

#[test]
fn single_bits() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("SETBIT k 7 1", ":0"),
            ("SETBIT k 7 1", ":1"),
            ("SETBIT k 100 0", ":0"),
            ("STRLEN k", ":13"),
            ("OBJECT ENCODING k", "$3 raw"),
            ("GETBIT k 7", ":1"),
            ("GETBIT k 4294967295", ":0"),
            ("GETBIT none 3", ":0"),
            ("SET i 123", "+OK"),
            ("SETBIT i 1 1", ":0"),
            ("GET i", "$3 q23"),
            ("SETBIT k 4294967296 1", BAD_OFFSET),
            ("SETBIT k -1 1", BAD_OFFSET),
            ("GETBIT k x", BAD_OFFSET),
            ("SETBIT k 1 2", "-ERR bit is not an integer or out of range"),
            ("RPUSH l a", ":1"),
            ("SETBIT l 1 1", WRONG_TYPE),
            ("SETBIT l x 1", BAD_OFFSET),
            ("GETBIT l 1", WRONG_TYPE),
        ],
    );
    drop(effects(&server));
    client.ask("SETBIT k 7 1");
    assert!(effects(&server).is_empty(), "nothing was changed");
    client.ask("SETBIT k 7 0");
    assert_eq!(effects(&server), ["SETBIT k 7 0"]);
}

#[test]
fn ranges() {
    let server = TestServer::manual();
    let mut client = server.raw();
    client.ask("SET k foobar");
    client.ask("BITFIELD ff SET u24 0 16777215");
    client.ask("SET empty \"\"");
    check(
        &mut client,
        &[
            ("BITCOUNT k", ":26"),
            ("BITCOUNT k 0 0", ":4"),
            ("BITCOUNT k 0 -1 bit", ":26"),
            ("BITCOUNT k 5 30 BIT", ":17"),
            ("BITCOUNT k -1 -5", ":0"),
            ("BITCOUNT k -100 -50", ":4"),
            ("BITCOUNT k 3 100", ":10"),
            ("BITCOUNT none", ":0"),
            ("BITCOUNT k 0", SYNTAX),
            ("BITCOUNT k 0 1 foo", SYNTAX),
            ("BITCOUNT none a b", "-ERR value is not an integer or out of range"),
            ("BITPOS k 1", ":1"),
            ("BITPOS k 1 2", ":17"),
            ("BITPOS k 2", "-ERR The bit argument must be 1 or 0."),
            ("BITPOS none 1", ":-1"),
            ("BITPOS none 0 5", ":0"),
            ("BITPOS ff 0", ":24"),
            ("BITPOS ff 0 0 -1", ":-1"),
            ("BITPOS ff 0 7", ":-1"),
            ("BITPOS ff 1 7 15 bit", ":7"),
            ("BITPOS ff 0 0 1 foo", SYNTAX),
            ("BITPOS empty 0", ":-1"),
        ],
    );
}

#[test]
fn combinations() {
    let server = TestServer::manual();
    let mut client = server.raw();
    let value = |client: &mut support::Raw| client.ask("BITFIELD d GET u24 0");
    client.ask("BITFIELD a SET u24 0 1044650");
    client.ask("BITFIELD b SET u16 0 65280");
    client.ask("BITFIELD c SET u8 0 1");
    for (operation, expected) in [
        ("DIFF", 0x00_f0_aa),
        ("DIFF1", 0xf0_00_00),
        ("ANDOR", 0x0f_00_00),
        ("ONE", 0xf0_f0_aa),
        ("XOR", 0xf1_f0_aa),
        ("AND", 0x01_00_00),
        ("OR", 0xff_f0_aa),
    ] {
        assert_eq!(client.ask(&format!("BITOP {operation} d a b c")), ":3");
        assert_eq!(value(&mut client), format!("*1 :{expected}"), "{operation}");
    }
    check(
        &mut client,
        &[
            ("BITOP NOT d c", ":1"),
            ("BITFIELD d GET u8 0", "*1 :254"),
            ("OBJECT ENCODING d", "$3 raw"),
            ("BITOP NOT d none", ":0"),
            ("EXISTS d", ":0"),
            ("BITOP NOT d a b", "-ERR BITOP NOT must be called with a single source key."),
            ("BITOP DIFF d a", "-ERR BITOP DIFF must be called with at least two source keys."),
            ("BITOP FOO d a", SYNTAX),
            ("RPUSH l x", ":1"),
            ("BITOP AND d none l", WRONG_TYPE),
            ("BITOP OR l a", ":3"),
            ("TYPE l", "+string"),
        ],
    );
}

#[test]
fn fields() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("BITFIELD k GET u8 0", "*1 :0"),
            ("EXISTS k", ":0"),
            ("BITFIELD k SET u8 0 255 GET u4 0 GET i4 4", "*3 :0 :15 :-1"),
            ("BITFIELD k INCRBY u8 0 10", "*1 :9"),
            ("BITFIELD k OVERFLOW SAT INCRBY u8 0 1000", "*1 :255"),
            ("BITFIELD k OVERFLOW FAIL INCRBY u8 0 1", "*1 $-1"),
            ("BITFIELD k SET i8 #1 -5 GET i8 #1", "*2 :0 :-5"),
            ("BITFIELD_RO k GET u8 #1", "*1 :251"),
            (
                "BITFIELD t SET i5 3 17 SET i5 3 -17 INCRBY i5 3 100 OVERFLOW SAT INCRBY i5 3 -100 \
                 GET i5 3 OVERFLOW WRAP SET u5 3 -1 GET u5 3 OVERFLOW SAT SET u4 0 17 \
                 SET i4 0 -100 OVERFLOW FAIL SET u4 0 17 SET i4 0 7",
                "*11 :0 :-15 :-13 :-16 :-16 :16 :31 :1 :-1 $-1 :-8",
            ),
            (
                "BITFIELD u SET i64 0 9223372036854775807 INCRBY i64 0 1 OVERFLOW SAT \
                 INCRBY i64 0 -5 INCRBY i64 0 -9223372036854775808 OVERFLOW FAIL INCRBY i64 0 -1 \
                 INCRBY i64 0 1",
                "*6 :0 :-9223372036854775808 :-9223372036854775808 :-9223372036854775808 $-1 \
                 :-9223372036854775807",
            ),
            ("BITFIELD new OVERFLOW FAIL INCRBY u8 0 300", "*1 $-1"),
            ("STRLEN new", ":1"),
            ("BITFIELD k OVERFLOW FOO", "-ERR Invalid OVERFLOW type specified"),
            ("BITFIELD k GET u8", SYNTAX),
            ("BITFIELD k GET u8 -1", BAD_OFFSET),
            (
                "BITFIELD k GET u64 0",
                "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not \
                 supported but i64 is.",
            ),
            ("BITFIELD k SET u8 0 x", "-ERR value is not an integer or out of range"),
            ("BITFIELD_RO k SET u8 0 1", "-ERR BITFIELD_RO only supports the GET subcommand"),
            ("BITFIELD k", "*0"),
            ("COMMAND GETKEYSANDFLAGS BITFIELD k GET u8 0", "*1 *2 $1 k *2 +RO +access"),
            ("COMMAND GETKEYSANDFLAGS BITFIELD k SET u8 0 1", "*1 *2 $1 k *3 +RW +access +update"),
        ],
    );
    drop(effects(&server));
    client.ask("BITFIELD k SET u8 0 255 GET u8 0");
    assert!(effects(&server).is_empty(), "nothing was changed");
}
