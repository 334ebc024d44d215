//! The list commands.

mod support;

use redis::Commands;
use support::{TestServer, check, effects};

#[test]
fn pushes() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("LPUSH l a", ":1"),
            ("LPUSH l b c", ":3"),
            ("RPUSH l d", ":4"),
            ("RPUSH l e f 7", ":7"),
            ("LRANGE l 0 -1", "*7 $1 c $1 b $1 a $1 d $1 e $1 f $1 7"),
            ("LLEN l", ":7"),
            ("LPUSHX l x", ":8"),
            ("RPUSHX l y z", ":10"),
            ("LPUSHX none x", ":0"),
            ("RPUSHX none x y", ":0"),
            ("EXISTS none", ":0"),
            ("LLEN none", ":0"),
            ("OBJECT ENCODING l", "$8 listpack"),
            ("TYPE l", "+list"),
            ("RPUSH l \"\"", ":11"),
            ("LINDEX l -1", "$0"),
            ("LPUSH l", "-ERR wrong number of arguments for 'lpush' command"),
            ("RPUSH", "-ERR wrong number of arguments for 'rpush' command"),
            ("LPUSHX l", "-ERR wrong number of arguments for 'lpushx' command"),
            ("LLEN", "-ERR wrong number of arguments for 'llen' command"),
            ("LLEN l l", "-ERR wrong number of arguments for 'llen' command"),
            ("SET s v", "+OK"),
            ("LPUSH s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("RPUSH s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("LPUSHX s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("RPUSHX s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("LLEN s", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ],
    );
}

#[test]
fn pops() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("RPUSH l a b c d e f g h", ":8"),
            ("LPOP l", "$1 a"),
            ("RPOP l", "$1 h"),
            ("LPOP l 2", "*2 $1 b $1 c"),
            ("RPOP l 2", "*2 $1 g $1 f"),
            ("LPOP l 0", "*0"),
            ("RPOP l 0", "*0"),
            ("LPOP l 100", "*2 $1 d $1 e"),
            ("EXISTS l", ":0"),
            ("LPOP l", "$-1"),
            ("RPOP l", "$-1"),
            ("LPOP l 1", "*-1"),
            ("RPOP l 0", "*-1"),
            ("RPUSH l a", ":1"),
            ("LPOP l -1", "-ERR value is out of range, must be positive"),
            ("LPOP l abc", "-ERR value is out of range, must be positive"),
            ("RPOP l 1.5", "-ERR value is out of range, must be positive"),
            ("LPOP l 9223372036854775808", "-ERR value is out of range, must be positive"),
            ("LPOP none abc", "-ERR value is out of range, must be positive"),
            ("LPOP l 1 2", "-ERR wrong number of arguments for 'lpop' command"),
            ("RPOP l 1 2", "-ERR wrong number of arguments for 'rpop' command"),
            ("LPOP", "-ERR wrong number of arguments for 'lpop' command"),
            ("SET s v", "+OK"),
            ("LPOP s", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("RPOP s 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("LPOP s 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("LPOP s abc", "-ERR value is out of range, must be positive"),
            ("RPUSH m 1 2 3", ":3"),
            ("LMPOP 1 m LEFT", "*2 $1 m *1 $1 1"),
            ("LMPOP 2 none m RIGHT COUNT 10", "*2 $1 m *2 $1 3 $1 2"),
            ("LMPOP 2 none m LEFT", "*-1"),
            ("RPUSH m 1 2 3 4", ":4"),
            ("LMPOP 2 none m right count 2", "*2 $1 m *2 $1 4 $1 3"),
            ("LMPOP 1 m LEFT COUNT 1", "*2 $1 m *1 $1 1"),
            (
                "LMPOP 2 s m LEFT",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            ("LMPOP 2 m s LEFT", "*2 $1 m *1 $1 2"),
            (
                "LMPOP 2 m s LEFT",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            ("LMPOP 0 m LEFT", "-ERR numkeys should be greater than 0"),
            ("LMPOP -1 m LEFT", "-ERR numkeys should be greater than 0"),
            ("LMPOP abc m LEFT", "-ERR numkeys should be greater than 0"),
            ("LMPOP 1 m", "-ERR wrong number of arguments for 'lmpop' command"),
            ("LMPOP 2 m LEFT", "-ERR syntax error"),
            ("LMPOP 1 m MIDDLE", "-ERR syntax error"),
            ("LMPOP 1 m LEFT COUNT", "-ERR syntax error"),
            ("LMPOP 1 m LEFT COUNT 0", "-ERR count should be greater than 0"),
            ("LMPOP 1 m LEFT COUNT -1", "-ERR count should be greater than 0"),
            ("LMPOP 1 m LEFT COUNT abc", "-ERR count should be greater than 0"),
            ("LMPOP 1 m LEFT COUNT 1 COUNT 2", "-ERR syntax error"),
            ("LMPOP 1 m LEFT WRONG 1", "-ERR syntax error"),
            ("LMPOP 9223372036854775807 m LEFT", "-ERR syntax error"),
            ("LMPOP 1", "-ERR wrong number of arguments for 'lmpop' command"),
        ],
    );
}

#[test]
fn reads() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("RPUSH l a b c d e", ":5"),
            ("LRANGE l 0 -1", "*5 $1 a $1 b $1 c $1 d $1 e"),
            ("LRANGE l 1 3", "*3 $1 b $1 c $1 d"),
            ("LRANGE l -3 -2", "*2 $1 c $1 d"),
            ("LRANGE l 3 100", "*2 $1 d $1 e"),
            ("LRANGE l -100 0", "*1 $1 a"),
            ("LRANGE l 3 1", "*0"),
            ("LRANGE l 5 10", "*0"),
            ("LRANGE l -1 -100", "*0"),
            ("LRANGE l -9223372036854775808 9223372036854775807", "*5 $1 a $1 b $1 c $1 d $1 e"),
            ("LRANGE none 0 -1", "*0"),
            ("LRANGE l a 1", "-ERR value is not an integer or out of range"),
            ("LRANGE l 0 1.5", "-ERR value is not an integer or out of range"),
            ("LRANGE none a 1", "-ERR value is not an integer or out of range"),
            ("LRANGE l 0", "-ERR wrong number of arguments for 'lrange' command"),
            ("LINDEX l 0", "$1 a"),
            ("LINDEX l 4", "$1 e"),
            ("LINDEX l 5", "$-1"),
            ("LINDEX l -1", "$1 e"),
            ("LINDEX l -5", "$1 a"),
            ("LINDEX l -6", "$-1"),
            ("LINDEX l -9223372036854775808", "$-1"),
            ("LINDEX none 0", "$-1"),
            ("LINDEX none abc", "$-1"),
            ("LINDEX l abc", "-ERR value is not an integer or out of range"),
            ("LINDEX l", "-ERR wrong number of arguments for 'lindex' command"),
            ("SET s v", "+OK"),
            ("LRANGE s 0 -1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("LRANGE s a -1", "-ERR value is not an integer or out of range"),
            ("LINDEX s 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("LINDEX s abc", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("LPOS s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ],
    );
}

#[test]
fn lpos() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("RPUSH l a b c 1 2 3 c c", ":8"),
            ("LPOS l a", ":0"),
            ("LPOS l c", ":2"),
            ("LPOS l x", "$-1"),
            ("LPOS l 1", ":3"),
            ("LPOS none c", "$-1"),
            ("LPOS l c RANK 1", ":2"),
            ("LPOS l c RANK 2", ":6"),
            ("LPOS l c RANK 4", "$-1"),
            ("LPOS l c RANK -1", ":7"),
            ("LPOS l c RANK -2", ":6"),
            ("LPOS l c RANK -4", "$-1"),
            ("LPOS l c COUNT 0", "*3 :2 :6 :7"),
            ("LPOS l c COUNT 1", "*1 :2"),
            ("LPOS l c COUNT 2", "*2 :2 :6"),
            ("LPOS l x COUNT 2", "*0"),
            ("LPOS none c COUNT 0", "*0"),
            ("LPOS l c RANK 2 COUNT 2", "*2 :6 :7"),
            ("LPOS l c RANK -1 COUNT 2", "*2 :7 :6"),
            ("LPOS l c RANK -2 COUNT 0", "*2 :6 :2"),
            ("LPOS l c MAXLEN 0", ":2"),
            ("LPOS l c MAXLEN 2", "$-1"),
            ("LPOS l c MAXLEN 3", ":2"),
            ("LPOS l c COUNT 0 MAXLEN 7", "*2 :2 :6"),
            ("LPOS l c RANK -1 MAXLEN 2", ":7"),
            ("LPOS l a RANK -1 COUNT 0 MAXLEN 7", "*0"),
            ("LPOS l c rank 9223372036854775807", "$-1"),
            ("LPOS l c RANK -9223372036854775807", "$-1"),
            ("LPOS l c RANK 1 RANK 2", ":6"),
            (
                "LPOS l c RANK 0",
                "-ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list",
            ),
            (
                "LPOS l c RANK -9223372036854775808",
                "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
            ),
            ("LPOS l c RANK abc", "-ERR value is not an integer or out of range"),
            ("LPOS l c COUNT -1", "-ERR COUNT can't be negative"),
            ("LPOS l c COUNT abc", "-ERR COUNT can't be negative"),
            ("LPOS l c MAXLEN -1", "-ERR MAXLEN can't be negative"),
            ("LPOS l c RANK", "-ERR syntax error"),
            ("LPOS l c WRONG 1", "-ERR syntax error"),
            (
                "LPOS none c RANK 0",
                "-ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list",
            ),
            ("LPOS l", "-ERR wrong number of arguments for 'lpos' command"),
        ],
    );
}

#[test]
fn edits() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("RPUSH l a b c d", ":4"),
            ("LSET l 0 A", "+OK"),
            ("LSET l -1 D", "+OK"),
            ("LSET l 1 12", "+OK"),
            ("LRANGE l 0 -1", "*4 $1 A $2 12 $1 c $1 D"),
            ("LSET l 4 x", "-ERR index out of range"),
            ("LSET l -5 x", "-ERR index out of range"),
            ("LSET l abc x", "-ERR value is not an integer or out of range"),
            ("LSET none 0 x", "-ERR no such key"),
            ("LSET none abc x", "-ERR no such key"),
            ("LSET l 0", "-ERR wrong number of arguments for 'lset' command"),
            ("LINSERT l BEFORE c new", ":5"),
            ("LINSERT l after c new2", ":6"),
            ("LINSERT l AFTER D end", ":7"),
            ("LINSERT l BEFORE A start", ":8"),
            ("LRANGE l 0 -1", "*8 $5 start $1 A $2 12 $3 new $1 c $4 new2 $1 D $3 end"),
            ("LINSERT l BEFORE nothere x", ":-1"),
            ("LINSERT none BEFORE a x", ":0"),
            ("LINSERT l AROUND a x", "-ERR syntax error"),
            ("LINSERT none AROUND a x", "-ERR syntax error"),
            ("LINSERT l BEFORE a", "-ERR wrong number of arguments for 'linsert' command"),
            ("DEL l", ":1"),
            ("RPUSH l a b a c a d a", ":7"),
            ("LREM l 1 a", ":1"),
            ("LRANGE l 0 -1", "*6 $1 b $1 a $1 c $1 a $1 d $1 a"),
            ("LREM l -1 a", ":1"),
            ("LRANGE l 0 -1", "*5 $1 b $1 a $1 c $1 a $1 d"),
            ("LREM l 0 a", ":2"),
            ("LRANGE l 0 -1", "*3 $1 b $1 c $1 d"),
            ("LREM l 0 x", ":0"),
            ("LREM none 0 x", ":0"),
            ("LREM l 10 b", ":1"),
            ("LREM l -10 c", ":1"),
            ("LREM l abc d", "-ERR value is not an integer or out of range"),
            (
                "LREM l -9223372036854775808 d",
                "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
            ),
            ("LREM l 0", "-ERR wrong number of arguments for 'lrem' command"),
            ("LREM l 0 d", ":1"),
            ("EXISTS l", ":0"),
            ("RPUSH l a b c d e f", ":6"),
            ("LTRIM l 1 -2", "+OK"),
            ("LRANGE l 0 -1", "*4 $1 b $1 c $1 d $1 e"),
            ("LTRIM l -3 100", "+OK"),
            ("LRANGE l 0 -1", "*3 $1 c $1 d $1 e"),
            ("LTRIM l 0 -1", "+OK"),
            ("LTRIM l 2 1", "+OK"),
            ("EXISTS l", ":0"),
            ("LTRIM none 0 -1", "+OK"),
            ("RPUSH l a", ":1"),
            ("LTRIM l a 1", "-ERR value is not an integer or out of range"),
            ("LTRIM l 0 b", "-ERR value is not an integer or out of range"),
            ("LTRIM none a 1", "-ERR value is not an integer or out of range"),
            ("LTRIM l 5 10", "+OK"),
            ("EXISTS l", ":0"),
            ("SET s v", "+OK"),
            ("LSET s 0 x", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("LSET s abc x", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            (
                "LINSERT s BEFORE a x",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            ("LREM s 0 a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("LREM s abc a", "-ERR value is not an integer or out of range"),
            ("LTRIM s 0 -1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("LTRIM s a -1", "-ERR value is not an integer or out of range"),
        ],
    );
}

#[test]
fn moves() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("RPUSH a 1 2 3 4 5 6", ":6"),
            ("LMOVE a b LEFT RIGHT", "$1 1"),
            ("LMOVE a b RIGHT LEFT", "$1 6"),
            ("LMOVE a b LEFT LEFT", "$1 2"),
            ("LMOVE a b right right", "$1 5"),
            ("LRANGE a 0 -1", "*2 $1 3 $1 4"),
            ("LRANGE b 0 -1", "*4 $1 2 $1 6 $1 1 $1 5"),
            ("LMOVE a a LEFT RIGHT", "$1 3"),
            ("LMOVE a a LEFT LEFT", "$1 4"),
            ("LRANGE a 0 -1", "*2 $1 4 $1 3"),
            ("RPOPLPUSH a b", "$1 3"),
            ("RPOPLPUSH a b", "$1 4"),
            ("EXISTS a", ":0"),
            ("RPOPLPUSH a b", "$-1"),
            ("LMOVE a b LEFT LEFT", "$-1"),
            ("LRANGE b 0 -1", "*6 $1 4 $1 3 $1 2 $1 6 $1 1 $1 5"),
            ("RPOPLPUSH b b", "$1 5"),
            ("LRANGE b 0 -1", "*6 $1 5 $1 4 $1 3 $1 2 $1 6 $1 1"),
            ("DEL b", ":1"),
            ("RPUSH b only", ":1"),
            ("LMOVE b b LEFT RIGHT", "$4 only"),
            ("LRANGE b 0 -1", "*1 $4 only"),
            ("LMOVE a b MIDDLE LEFT", "-ERR syntax error"),
            ("LMOVE a b LEFT MIDDLE", "-ERR syntax error"),
            ("LMOVE a b LEFT", "-ERR wrong number of arguments for 'lmove' command"),
            ("RPOPLPUSH a", "-ERR wrong number of arguments for 'rpoplpush' command"),
            ("SET s v", "+OK"),
            (
                "LMOVE s b LEFT LEFT",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            (
                "LMOVE b s LEFT LEFT",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            ("LMOVE a s LEFT LEFT", "$-1"),
            ("RPOPLPUSH s b", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("RPOPLPUSH b s", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("LRANGE b 0 -1", "*1 $4 only"),
        ],
    );
}

#[test]
fn lmovem() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("RPUSH src 1 2 3 4 5", ":5"),
            ("LMOVEM src dst LEFT RIGHT", "*1 $1 1"),
            ("LRANGE dst 0 -1", "*1 $1 1"),
            ("DEL src dst", ":2"),
            // The order in which elements come to stand.
            ("RPUSH src 1 2 3 4 5", ":5"),
            ("LMOVEM src dst LEFT LEFT COUNT 3 OBO", "*3 $1 3 $1 2 $1 1"),
            ("LRANGE dst 0 -1", "*3 $1 3 $1 2 $1 1"),
            ("LRANGE src 0 -1", "*2 $1 4 $1 5"),
            ("DEL src dst", ":2"),
            ("RPUSH src 1 2 3 4 5", ":5"),
            ("LMOVEM src dst LEFT LEFT COUNT 3 BULK", "*3 $1 1 $1 2 $1 3"),
            ("LRANGE dst 0 -1", "*3 $1 1 $1 2 $1 3"),
            ("DEL src dst", ":2"),
            ("RPUSH src 1 2 3 4 5", ":5"),
            ("RPUSH dst x", ":1"),
            ("LMOVEM src dst LEFT RIGHT COUNT 3 OBO", "*3 $1 1 $1 2 $1 3"),
            ("LRANGE dst 0 -1", "*4 $1 x $1 1 $1 2 $1 3"),
            ("DEL src dst", ":2"),
            ("RPUSH src 1 2 3 4 5", ":5"),
            ("RPUSH dst x", ":1"),
            ("LMOVEM src dst RIGHT RIGHT COUNT 3 OBO", "*3 $1 5 $1 4 $1 3"),
            ("LRANGE dst 0 -1", "*4 $1 x $1 5 $1 4 $1 3"),
            ("DEL src dst", ":2"),
            ("RPUSH src 1 2 3 4 5", ":5"),
            ("RPUSH dst x", ":1"),
            ("LMOVEM src dst RIGHT RIGHT COUNT 3 BULK", "*3 $1 3 $1 4 $1 5"),
            ("LRANGE dst 0 -1", "*4 $1 x $1 3 $1 4 $1 5"),
            ("DEL src dst", ":2"),
            ("RPUSH src 1 2 3 4 5", ":5"),
            ("RPUSH dst x", ":1"),
            ("LMOVEM src dst RIGHT LEFT COUNT 2 OBO", "*2 $1 4 $1 5"),
            ("LRANGE dst 0 -1", "*3 $1 4 $1 5 $1 x"),
            ("LMOVEM src dst RIGHT LEFT COUNT 2 BULK", "*2 $1 2 $1 3"),
            ("LRANGE dst 0 -1", "*5 $1 2 $1 3 $1 4 $1 5 $1 x"),
            ("LMOVEM src dst right right exactly 2 obo", "*-1"),
            ("LMOVEM src dst RIGHT RIGHT COUNT 100 OBO", "*1 $1 1"),
            ("EXISTS src", ":0"),
            ("LMOVEM src dst LEFT LEFT", "*-1"),
            ("LMOVEM src dst LEFT LEFT COUNT 1 BULK", "*-1"),
            ("LMOVEM src dst LEFT LEFT EXACTLY 1 BULK", "*-1"),
            ("DEL dst", ":1"),
            // One list, rotated and turned.
            ("RPUSH k a b c", ":3"),
            ("LMOVEM k k LEFT LEFT EXACTLY 2 OBO", "*2 $1 b $1 a"),
            ("LRANGE k 0 -1", "*3 $1 b $1 a $1 c"),
            ("LMOVEM k k LEFT LEFT EXACTLY 2 BULK", "*2 $1 b $1 a"),
            ("LRANGE k 0 -1", "*3 $1 b $1 a $1 c"),
            ("LMOVEM k k LEFT RIGHT COUNT 2 BULK", "*2 $1 b $1 a"),
            ("LRANGE k 0 -1", "*3 $1 c $1 b $1 a"),
            ("LMOVEM k k RIGHT LEFT COUNT 3 OBO", "*3 $1 c $1 b $1 a"),
            ("LRANGE k 0 -1", "*3 $1 c $1 b $1 a"),
            ("LMOVEM k dst LEFT RIGHT EXACTLY 4 BULK", "*-1"),
            ("EXISTS dst", ":0"),
            ("LMOVEM k dst LEFT RIGHT EXACTLY 3 BULK", "*3 $1 c $1 b $1 a"),
            ("EXISTS k", ":0"),
            // Errors.
            ("RPUSH k a b c", ":3"),
            ("LMOVEM k dst LEFT RIGHT COUNT 0 BULK", "-ERR count should be greater than 0"),
            ("LMOVEM k dst LEFT RIGHT EXACTLY 0 BULK", "-ERR count should be greater than 0"),
            ("LMOVEM k dst LEFT RIGHT COUNT -1 BULK", "-ERR count should be greater than 0"),
            ("LMOVEM k dst LEFT RIGHT COUNT a WRONG", "-ERR count should be greater than 0"),
            ("LMOVEM k dst LEFT RIGHT COUNT 2", "-ERR syntax error"),
            ("LMOVEM k dst LEFT RIGHT COUNT", "-ERR syntax error"),
            ("LMOVEM k dst LEFT RIGHT COUNT 2 OBO extra", "-ERR syntax error"),
            ("LMOVEM k dst LEFT RIGHT BAD 2 OBO", "-ERR syntax error"),
            ("LMOVEM k dst LEFT RIGHT COUNT 2 BAD", "-ERR syntax error"),
            ("LMOVEM k dst BAD RIGHT COUNT 2 OBO", "-ERR syntax error"),
            ("LMOVEM k dst LEFT BAD", "-ERR syntax error"),
            ("LMOVEM k dst LEFT", "-ERR wrong number of arguments for 'lmovem' command"),
            ("SET s v", "+OK"),
            (
                "LMOVEM s dst LEFT RIGHT",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            (
                "LMOVEM k s LEFT RIGHT COUNT 2 BULK",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            ("LMOVEM none s LEFT RIGHT", "*-1"),
            ("LRANGE k 0 -1", "*3 $1 a $1 b $1 c"),
        ],
    );
}

#[test]
fn resp3_shapes() {
    let server = TestServer::manual();
    let mut client = server.raw();
    client.ask("HELLO 3");
    check(
        &mut client,
        &[
            ("RPUSH k a", ":1"),
            ("LMOVEM none k LEFT LEFT", "_"),
            ("LMOVEM k other LEFT LEFT", "*1 $1 a"),
            ("LPOP none", "_"),
            ("LPOP none 1", "_"),
            ("LMPOP 1 none LEFT", "_"),
            ("LMOVE none k LEFT LEFT", "_"),
            ("LINDEX none 0", "_"),
            ("LPOS none a", "_"),
            ("LMOVEM k d LEFT LEFT EXACTLY 2 BULK", "_"),
            ("RPUSH k a b", ":2"),
            ("LPOP k 1", "*1 $1 a"),
            ("LMPOP 1 k LEFT", "*2 $1 k *1 $1 b"),
            ("LPOS none a COUNT 1", "*0"),
        ],
    );
}

#[test]
fn what_is_recorded_says_what_was_done() {
    let server = TestServer::start();
    let mut client = server.raw();
    for (request, recorded) in [
        ("lpush l a b", "LPUSH l a b"),
        ("RPUSH l c", "RPUSH l c"),
        ("RPUSHX l d e", "RPUSH l d e"),
        ("LPUSHX none d", ""),
        ("LPOP l", "LPOP l"),
        ("RPOP l 1", "RPOP l 1"),
        ("LPOP l 0", ""),
        ("LMPOP 2 none l LEFT COUNT 2", "LPOP l 2"),
        ("LPOP l 100", "LPOP l 1"),
        ("LPOP l", ""),
        ("RPUSH l 1 2 3 4", "RPUSH l 1 2 3 4"),
        ("LSET l 0 9", "LSET l 0 9"),
        ("LINSERT l after 9 8", "LINSERT l after 9 8"),
        ("LINSERT l AFTER none 8", ""),
        ("LREM l 0 2", "LREM l 0 2"),
        ("LREM l 0 2", ""),
        ("LTRIM l 0 2", "LTRIM l 0 2"),
        ("RPOPLPUSH l m", "LMOVE l m RIGHT LEFT"),
        ("LMOVE l m left right", "LMOVE l m LEFT RIGHT"),
        ("LMOVE none m LEFT RIGHT", ""),
        ("LMOVEM m l LEFT LEFT COUNT 9 OBO", "LMOVEM m l LEFT LEFT EXACTLY 2 OBO"),
        ("LMOVEM l m LEFT LEFT EXACTLY 9 OBO", ""),
        ("BLMOVEM l m LEFT LEFT 0", "LMOVEM l m LEFT LEFT EXACTLY 1 BULK"),
        ("BLPOP none l 0", "LPOP l"),
        ("BRPOPLPUSH l m 0", "LMOVE l m RIGHT LEFT"),
        ("BLMPOP 0 1 m RIGHT COUNT 1", "RPOP m 1"),
    ] {
        client.ask(request);
        assert_eq!(effects(&server).join("; "), recorded, "{request}");
    }
}

#[test]
fn the_encoding_follows_the_size() {
    let server = TestServer::start();
    let mut client = server.raw();
    let value = "v".repeat(100);
    for _ in 0..79 {
        client.ask(&format!("RPUSH l {value}"));
    }
    assert_eq!(client.ask("OBJECT ENCODING l"), "$8 listpack");
    client.ask(&format!("RPUSH l {value}"));
    assert_eq!(client.ask("OBJECT ENCODING l"), "$9 quicklist");
    client.ask("RPOP l 40");
    assert_eq!(client.ask("OBJECT ENCODING l"), "$9 quicklist");
    client.ask("RPOP l");
    assert_eq!(client.ask("OBJECT ENCODING l"), "$8 listpack");
    client.ask(&format!("LSET l 0 {}", "w".repeat(9_000)));
    assert_eq!(client.ask("OBJECT ENCODING l"), "$9 quicklist");
    check(&mut client, &[("LSET l 0 1", "+OK"), ("OBJECT ENCODING l", "$8 listpack")]);
}

#[test]
fn lists_through_a_client_library() {
    let server = TestServer::start();
    for mut connection in [server.connect(), server.connect3()] {
        let element: &[u8] = b"\0binary\r\n\xff";
        assert_eq!(connection.rpush::<_, _, i64>("l", element).unwrap(), 1);
        assert_eq!(connection.lpush::<_, _, i64>("l", &[1, 2, 3]).unwrap(), 4);
        assert_eq!(connection.lindex::<_, Vec<u8>>("l", -1).unwrap(), element);
        assert_eq!(connection.lrange::<_, Vec<i64>>("l", 0, 2).unwrap(), [3, 2, 1]);
        assert_eq!(connection.blpop::<_, (String, i64)>("l", 0.0).unwrap(), ("l".into(), 3));
        let moved: i64 =
            connection.lmove("l", "m", redis::Direction::Left, redis::Direction::Right).unwrap();
        assert_eq!(moved, 2);
        let popped: Option<(String, Vec<i64>)> =
            connection.lmpop(2, &["none", "m"], redis::Direction::Left, 3).unwrap();
        assert_eq!(popped, Some(("m".into(), vec![2])));
        assert_eq!(connection.lpop::<_, Option<i64>>("m", None).unwrap(), None);
        let nothing: Option<(String, i64)> = connection.blpop("m", 0.001).unwrap();
        assert_eq!(nothing, None);
        let error = connection.lset::<_, _, ()>("m", 0, 1).unwrap_err();
        assert_eq!(error.detail(), Some("no such key"));
        assert_eq!(connection.del::<_, i64>("l").unwrap(), 1);
    }
}
