//! The HyperLogLog commands.

mod support;

use support::{TestServer, check, effects};

const NOT_VALID: &str = "-WRONGTYPE Key is not a valid HyperLogLog string value.";
const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";

#[test]
fn elements_are_counted() {
    let server = TestServer::manual();
    let mut client = server.raw();
    check(
        &mut client,
        &[
            ("PFADD h", ":1"),
            ("PFADD h", ":0"),
            ("PFADD h a b c", ":1"),
            ("PFADD h a", ":0"),
            ("PFCOUNT h", ":3"),
            ("PFADD g c d", ":1"),
            ("PFCOUNT h g none", ":4"),
            ("PFCOUNT none", ":0"),
            ("PFMERGE m h g", "+OK"),
            ("PFCOUNT m", ":4"),
            ("PFMERGE none", "+OK"),
            ("PFCOUNT none", ":0"),
            ("PFDEBUG ENCODING h", "+sparse"),
            ("PFDEBUG DECODE h", "$44 Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603"),
            ("PFDEBUG TODENSE h", ":1"),
            ("PFDEBUG TODENSE h", ":0"),
            ("PFDEBUG ENCODING h", "+dense"),
            ("PFDEBUG DECODE h", "-ERR HLL encoding is not sparse"),
            ("PFDEBUG FOO h", "-ERR Unknown PFDEBUG subcommand 'FOO'"),
            ("PFDEBUG DECODE nokey", "-ERR The specified key does not exist"),
            ("PFDEBUG SIMD x", "-ERR Argument must be ON or OFF"),
            ("STRLEN h", ":12304"),
            ("PFCOUNT h", ":3"),
            ("PFMERGE m2 m h", "+OK"),
            ("PFDEBUG ENCODING m2", "+dense"),
            ("PFCOUNT m2", ":4"),
            ("PFSELFTEST", "+OK"),
            ("SET s foo", "+OK"),
            ("PFADD s a", NOT_VALID),
            ("PFCOUNT s", NOT_VALID),
            ("PFMERGE x h s", NOT_VALID),
            ("EXISTS x", ":0"),
            ("RPUSH l a", ":1"),
            ("PFADD l a", WRONG_TYPE),
            ("PFCOUNT h l", WRONG_TYPE),
            ("CONFIG SET hll-sparse-max-bytes 4", "+OK"),
            ("PFADD tight a b c", ":1"),
            ("PFDEBUG ENCODING tight", "+dense"),
            ("PFCOUNT tight", ":3"),
        ],
    );
}

#[test]
fn effects_are_the_commands() {
    let server = TestServer::manual();
    let mut client = server.raw();
    client.ask("PFADD h a");
    client.ask("PFADD h a");
    client.ask("PFCOUNT h");
    client.ask("PFMERGE m h");
    client.ask("PFDEBUG GETREG h");
    assert_eq!(effects(&server), ["PFADD h a", "PFMERGE m h", "PFDEBUG TODENSE h"]);
}

#[test]
fn damage_is_told() {
    let server = TestServer::manual();
    let mut client = server.raw();
    // A header, and one register of zeros.
    client.send(b"*3\r\n$3\r\nSET\r\n$3\r\nbad\r\n$17\r\nHYLL\x01\0\0\0\0\0\0\0\0\0\0\x80\0\r\n");
    assert_eq!(client.reply(), "+OK");
    let corrupted = "-INVALIDOBJ Corrupted HLL object detected";
    check(
        &mut client,
        &[
            ("PFDEBUG TODENSE bad", corrupted),
            ("OBJECT ENCODING bad", "$6 embstr"),
            ("PFADD bad a", corrupted),
            ("OBJECT ENCODING bad", "$3 raw"),
            ("PFCOUNT bad", corrupted),
            ("PFMERGE y bad", corrupted),
            ("PFMERGE bad y", corrupted),
            ("PFDEBUG TODENSE bad", corrupted),
            ("PFDEBUG DECODE bad", "$3 z:1"),
        ],
    );
    let recorded = effects(&server);
    // It has become a string that was changed in place, if without a change.
    assert!(recorded.len() == 2 && recorded[1] == "PFADD bad", "{recorded:?}");
    // Whole up to the middle of the registers: what was applied of a PFADD is kept, and no more, or no
    // start could repeat it.
    client.send(
        b"*3\r\n$3\r\nSET\r\n$4\r\nhalf\r\n$18\r\nHYLL\x01\0\0\0\0\0\0\0\0\0\0\x80\x5f\xff\r\n",
    );
    assert_eq!(client.reply(), "+OK");
    effects(&server);
    let mut applied = Vec::new();
    for element in 0..64 {
        match client.ask(&format!("PFADD half {element}")).as_str() {
            ":1" => applied.push(element),
            ":0" => {}
            error => assert_eq!(error, corrupted),
        }
    }
    assert!(applied.len() > 2 && applied.len() < 60, "both halves are met: {applied:?}");
    // The first of all fails, and only gives the string another form.
    let applied_by = applied.iter().map(|element| format!("PFADD half {element}"));
    let recorded: Vec<String> = std::iter::once("PFADD half".into()).chain(applied_by).collect();
    assert_eq!(effects(&server), recorded);
    let failing = (0..64).find(|element| !applied.contains(element)).expect("one fails");
    let begun = (64..200).find_map(|element| {
        assert_eq!(client.ask(&format!("PFADD half {element} {failing}")), corrupted);
        effects(&server).pop().map(|effect| (element, effect))
    });
    let (element, effect) = begun.expect("some are applied before the other fails");
    assert_eq!(effect, format!("PFADD half {element}"));
}
