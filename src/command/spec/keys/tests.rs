use super::super::words::key_flags;
use super::super::{generic, list, server, stream, string, transactions};
use super::*;

/// The positions of the keys in `request`, its words separated by blanks.
fn positions(spec: &Spec, request: &str) -> Vec<u32> {
    let words: Vec<&str> = request.split(' ').collect();
    spec.keys_of(&words[..]).iter().map(|key| key.position).collect()
}

#[test]
fn one_key_behind_the_name() {
    assert_eq!(positions(&string::GET, "get k"), [1]);
    assert_eq!(positions(&stream::XADD, "xadd k * f v"), [1]);
    assert_eq!(positions(&generic::OBJECT_ENCODING, "object encoding k"), [2]);
}

#[test]
fn ranges() {
    assert_eq!(positions(&generic::DEL, "del a b c"), [1, 2, 3]);
    assert_eq!(positions(&string::MSET, "mset a 1 b 2"), [1, 3]);
    assert_eq!(positions(&list::BLPOP, "blpop a b 0"), [1, 2]);
    assert_eq!(positions(&transactions::WATCH, "watch a b"), [1, 2]);
    assert_eq!(positions(&list::BLMOVE, "blmove a b left right 0"), [1, 2]);
    assert_eq!(positions(&generic::RENAME, "rename a b"), [1, 2]);
}

#[test]
fn counted_keys() {
    assert_eq!(positions(&list::LMPOP, "lmpop 2 a b left"), [2, 3]);
    assert_eq!(positions(&list::BLMPOP, "blmpop 0 2 a b left"), [3, 4]);
    assert_eq!(positions(&string::MSETEX, "msetex 2 a 1 b 2 nx"), [2, 4]);
    for malformed in ["lmpop 0 a left", "lmpop 9 a left", "lmpop x a left", "lmpop -1 a left"] {
        assert!(positions(&list::LMPOP, malformed).is_empty(), "{malformed}");
    }
    assert!(positions(&list::LMPOP, "lmpop 18446744073709551615 a left").is_empty());
}

#[test]
fn keys_behind_a_word() {
    assert_eq!(positions(&stream::XREAD, "xread count 1 streams a b 0 0"), [4, 5]);
    assert_eq!(positions(&stream::XREADGROUP, "xreadgroup GROUP streams c STREAMS a >"), [5]);
    assert!(positions(&stream::XREAD, "xread count 1 streams").is_empty());
    assert!(positions(&stream::XREAD, "xread count 1 block 0").is_empty());
}

#[test]
fn no_keys() {
    assert!(positions(&server::TIME, "time").is_empty());
    assert!(positions(&stream::XGROUP, "xgroup").is_empty());
}

#[test]
fn what_set_does_with_its_key_depends_on_its_options() {
    let reads = key_flags![RW, ACCESS, UPDATE];
    let overwrites = key_flags![OW, UPDATE];
    let flags = |request: &str| {
        let words: Vec<&str> = request.split(' ').collect();
        string::SET.keys_of(&words[..])[0].flags
    };
    assert_eq!(flags("set k v"), overwrites);
    assert_eq!(flags("set get get ex 10"), overwrites);
    assert_eq!(flags("set k v GET"), reads);
    assert_eq!(flags("set k v ifeq w"), reads);
}

#[test]
fn the_old_form_of_key_positions() {
    assert_eq!(string::GET.key_range(), (1, 1, 1));
    assert_eq!(string::MSET.key_range(), (1, -1, 2));
    assert_eq!(list::LMOVE.key_range(), (1, 2, 1));
    assert_eq!(list::BLPOP.key_range(), (1, -2, 1));
    assert_eq!(stream::XREAD.key_range(), (0, 0, 0));
    assert_eq!(list::LMPOP.key_range(), (0, 0, 0));
    assert_eq!(server::TIME.key_range(), (0, 0, 0));
}
