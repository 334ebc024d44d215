use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::types::image::tests::{pieces, read, read_damaged};

/// Limits that a few members reach.
const TIGHT: SetLimits = SetLimits { integers_max: 6, packed_max: 4, packed_member_bytes_max: 8 };

#[derive(Clone, Debug)]
enum Op {
    Insert(Vec<u8>),
    Remove(Vec<u8>),
    RemoveAt(usize),
    Expect(usize),
    CloneAndKeep,
}

/// Few distinct ones, so that removals hit; integers of each width among them.
fn member() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => prop::sample::select(vec![
            0i64, 1, 2, -1, 127, 32_767, -32_768, 32_768, 2_147_483_647, -2_147_483_648,
            2_147_483_648, i64::MIN, i64::MAX,
        ])
        .prop_map(|n| n.to_string().into_bytes()),
        4 => (0u16..300).prop_map(|n| format!("m-{n}").into_bytes()),
        1 => prop::sample::select(vec!["", "007", "+1", "-0", "1.0"]).prop_map(Vec::from),
        1 => prop::sample::select(vec![8usize, 9, 64, 65, 300]).prop_map(|len| vec![b'x'; len]),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        10 => member().prop_map(Op::Insert),
        4 => member().prop_map(Op::Remove),
        3 => any::<usize>().prop_map(Op::RemoveAt),
        1 => (0usize..9).prop_map(Op::Expect),
        1 => Just(Op::CloneAndKeep),
    ]
}

fn members(set: &Set) -> BTreeSet<Vec<u8>> {
    let members: Vec<_> = set.iter().map(|member| member.to_vec()).collect();
    assert_eq!(members.len(), set.len());
    let unique: BTreeSet<_> = members.iter().cloned().collect();
    assert_eq!(unique.len(), members.len(), "each member once");
    unique
}

/// A scan with these counts, from the start to the end.
fn scanned(set: &Set, count: usize) -> BTreeSet<Vec<u8>> {
    let (mut found, mut cursor) = (BTreeSet::new(), 0);
    loop {
        cursor = set.scan(cursor, count, |member| {
            assert!(found.insert(member.to_vec()), "shown once where nothing changes");
        });
        if cursor == 0 {
            return found;
        }
    }
}

fn check(set: &Set, model: &BTreeSet<Vec<u8>>) {
    assert_eq!(members(set), *model);
    assert_eq!(scanned(set, 3), *model);
    let by_place: BTreeSet<_> =
        (0..set.len()).map(|place| set.member(place).expect("below the length").to_vec()).collect();
    assert_eq!(by_place, *model);
    assert!(set.member(set.len()).is_none());
    assert!(model.iter().all(|member| set.contains(member)));
    assert!(!set.contains(b"nobody"));
    if set.is_empty() {
        // No key holds one.
        return;
    }
    let copy = read::<SetImageReader>(&pieces(set.image())).expect("it was written so");
    assert_eq!((members(&copy), copy.encoding()), (model.clone(), set.encoding()));
}

fn run(ops: &[Op], limits: &SetLimits) {
    let (mut set, mut model) = (Set::new(), BTreeSet::new());
    let mut kept: Vec<(Set, BTreeSet<Vec<u8>>)> = Vec::new();
    for op in ops {
        match op {
            Op::Insert(member) => {
                assert_eq!(set.insert(member, limits), model.insert(member.clone()));
            }
            Op::Remove(member) => assert_eq!(set.remove(member), model.remove(member)),
            Op::RemoveAt(place) if !model.is_empty() => {
                let member = set.member(place % model.len()).expect("a place").to_vec();
                assert!(set.remove(&member) && model.remove(&member));
            }
            Op::RemoveAt(_) => {}
            Op::Expect(count) => set.expect(*count, limits),
            Op::CloneAndKeep => kept.push((set.clone(), model.clone())),
        }
    }
    check(&set, &model);
    kept.iter().for_each(|(set, model)| check(set, model));
}

proptest! {
    #[test]
    fn a_set_is_a_set(ops in prop::collection::vec(op(), 0..60)) {
        run(&ops, &TIGHT);
        run(&ops, &SetLimits::default());
    }

    #[test]
    fn a_long_set_is_a_set(ops in prop::collection::vec(op(), 300..900)) {
        run(&ops, &SetLimits { integers_max: 0, packed_max: 0, packed_member_bytes_max: 0 });
    }
}

/// The form of a set that these members made, one by one.
fn form(members: &[&str]) -> &'static str {
    let mut set = Set::with_hint(members[0].as_bytes(), 1, &TIGHT);
    for member in members {
        set.insert(member.as_bytes(), &TIGHT);
    }
    set.encoding()
}

#[test]
fn forms_are_those_of_redis() {
    assert_eq!(form(&["1", "2", "3", "4", "5", "6"]), "intset");
    assert_eq!(form(&["1", "2", "3", "4", "5", "6", "7"]), "hashtable");
    assert_eq!(form(&["1", "2", "3", "a"]), "listpack");
    assert_eq!(form(&["1", "2", "3", "4", "a"]), "hashtable");
    assert_eq!(form(&["123456789", "a"]), "hashtable");
    assert_eq!(form(&["a", "123456789"]), "hashtable");
    assert_eq!(form(&["a", "b", "c", "d"]), "listpack");
    assert_eq!(form(&["a", "b", "c", "d", "d"]), "listpack");
    assert_eq!(form(&["a", "b", "c", "d", "e"]), "hashtable");
    let hinted = |first: &str, count| Set::with_hint(first.as_bytes(), count, &TIGHT).encoding();
    assert_eq!((hinted("1", 6), hinted("1", 7)), ("intset", "hashtable"));
    assert_eq!((hinted("a", 4), hinted("a", 5)), ("listpack", "hashtable"));
}

#[test]
fn a_value_is_no_larger_for_it() {
    // A list takes 32, and a value beside it a tag.
    assert_eq!(size_of::<Set>(), 40);
}

#[test]
fn an_image_of_any_size_is_read_and_a_damaged_one_never_breaks() {
    let none = SetLimits { integers_max: usize::MAX, ..SetLimits::default() };
    for (count, text) in [(1, ""), (5, ""), (5000, ""), (100, "m"), (5000, "member ")] {
        let mut set = Set::new();
        for n in 0..count {
            let limits = if text.is_empty() { &none } else { &SetLimits::default() };
            set.insert(format!("{text}{}", n * 70_001).as_bytes(), limits);
        }
        let pieces = pieces(set.image());
        assert!(pieces.iter().all(|piece| piece.len() < 9 << 10));
        let copy = read::<SetImageReader>(&pieces).expect("it was written so");
        assert_eq!((members(&copy), copy.encoding()), (members(&set), set.encoding()));
        for seed in (0..500u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15)) {
            read_damaged::<SetImageReader>(&pieces, seed, |mut set| {
                let all = members(&set);
                assert!(all.iter().all(|member| set.contains(member)));
                set.insert(b"another", &SetLimits::default());
                all.iter().for_each(|member| assert!(set.remove(member)));
            });
        }
    }
}
