use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::types::image::tests::{pieces, read, read_damaged};

type Model = BTreeMap<Vec<u8>, (Vec<u8>, i64)>;

#[derive(Clone, Debug)]
enum Op {
    Set { name: u16, len: usize, expire_at_ms: i64 },
    SetDeadline { name: u16, expire_at_ms: i64 },
    Remove { name: u16 },
    Fill { from: u16, count: u16, len: usize },
    Clone,
    Image,
    Fit,
}

fn deadline() -> impl Strategy<Value = i64> {
    prop_oneof![3 => Just(NEVER), 2 => 0..200i64]
}

fn op(names: u16) -> impl Strategy<Value = Op> {
    let len = prop_oneof![8 => 0..40usize, 1 => 60..70usize, 1 => 3000..6000usize];
    prop_oneof![
        8 => (0..names, len, deadline())
            .prop_map(|(name, len, expire_at_ms)| Op::Set { name, len, expire_at_ms }),
        4 => (0..names, deadline())
            .prop_map(|(name, expire_at_ms)| Op::SetDeadline { name, expire_at_ms }),
        6 => (0..names).prop_map(|name| Op::Remove { name }),
        1 => (0..names, 1..30u16, 50..100usize)
            .prop_map(|(from, count, len)| Op::Fill { from, count, len }),
        1 => Just(Op::Clone),
        1 => Just(Op::Image),
        1 => Just(Op::Fit),
    ]
}

const LIMITS: Limits = Limits { fields_max: 24, bytes_max: 64 };

fn name_of(number: u16) -> Vec<u8> {
    format!("field:{number}").into_bytes()
}

fn apply(hash: &mut Hash, model: &mut Model, op: &Op) {
    match *op {
        Op::Set { name, len, expire_at_ms } => {
            let (name, value) = (name_of(name), vec![len as u8; len]);
            let is_new = hash.set(&name, Field { value: &value, expire_at_ms }, &LIMITS);
            assert_eq!(is_new, model.insert(name, (value, expire_at_ms)).is_none());
        }
        Op::SetDeadline { name, expire_at_ms } => {
            let name = name_of(name);
            assert_eq!(hash.set_deadline(&name, expire_at_ms), model.contains_key(&name));
            if let Some((_, deadline)) = model.get_mut(&name) {
                *deadline = expire_at_ms;
            }
        }
        Op::Remove { name } => {
            let name = name_of(name);
            assert_eq!(hash.remove(&name), model.remove(&name).is_some());
        }
        Op::Fill { from, count, len } => {
            // One of the values is the longest, and one name comes twice.
            let names = (from..from + count).chain([from]);
            let fields: Vec<_> = names
                .map(|name| (name_of(name), vec![b'f'; len / usize::from(name - from + 1)]))
                .collect();
            let pairs: Vec<[&[u8]; 2]> =
                fields.iter().map(|(name, value)| [name.as_slice(), value]).collect();
            let added = hash.set_all(&pairs, &LIMITS);
            let before = model.len();
            let filled = |(name, value)| (name, (value, NEVER));
            model.extend(fields.iter().cloned().map(filled));
            assert_eq!(added, model.len() - before);
        }
        Op::Clone | Op::Image => {}
        Op::Fit => {
            hash.fit(&LIMITS);
            let fits = |(name, (value, _)): (&Vec<u8>, &(Vec<u8>, i64))| {
                name.len() <= LIMITS.bytes_max && value.len() <= LIMITS.bytes_max
            };
            let is_small = model.len() <= LIMITS.fields_max && model.iter().all(fits);
            assert_eq!(hash.is_packed(), is_small);
        }
    }
}

fn check(hash: &Hash, model: &Model) {
    assert_eq!((hash.len(), hash.is_empty()), (model.len(), model.is_empty()));
    let all = hash.iter().map(|(name, it)| (name.to_vec(), (it.value.to_vec(), it.expire_at_ms)));
    assert_eq!(&all.collect::<Model>(), model);
    assert_eq!(hash.iter().len(), model.len());
    let nearest = model.values().map(|&(_, at)| at).min().unwrap_or(NEVER);
    assert_eq!(hash.nearest_deadline(), nearest);
    for now_ms in [-1, 0, 50, 120, 300] {
        let due = model.iter().filter(|(_, (_, at))| *at <= now_ms);
        let due: Vec<&[u8]> = due.map(|(name, _)| &**name).collect();
        assert_eq!(hash.live_len(now_ms), model.len() - due.len());
        let mut names = hash.due_names(now_ms, usize::MAX);
        names.sort_unstable();
        assert_eq!(names, due);
        assert_eq!(hash.due_names(now_ms, 1).is_empty(), due.is_empty());
    }
    if let Repr::Large(large) = &hash.repr {
        let timed = model.values().filter(|(_, at)| *at != NEVER).count();
        assert_eq!(large.dues.slot_count(), timed);
    }
    for (place, (name, field)) in hash.iter().enumerate().step_by(5) {
        assert_eq!((hash.at(place), hash.get(name)), (Some((name, field)), Some(field)));
        assert_eq!(hash.live(name, 100).is_some(), field.expire_at_ms > 100);
    }
    assert_eq!((hash.at(model.len()), hash.get(b"absent")), (None, None));
    let (mut cursor, mut visited) = (0, 0);
    loop {
        cursor = hash.scan(cursor, 10, |_, _| visited += 1);
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(visited, model.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn does_as_a_map_does(
        ops in prop_oneof![
            prop::collection::vec(op(20), 1..60),
            prop::collection::vec(op(300), 1..250),
        ],
        damage in any::<u64>(),
    ) {
        let (mut hash, mut model) = (Hash::new(), Model::new());
        let mut kept = Vec::new();
        for op in &ops {
            apply(&mut hash, &mut model, op);
            match op {
                Op::Clone => kept.push((hash.clone(), model.clone())),
                Op::Image if !hash.is_empty() => {
                    let encoding = hash.encoding();
                    hash = read::<HashImageReader>(&pieces(hash.image())).unwrap();
                    assert_eq!(hash.encoding(), encoding);
                    check(&hash, &model);
                }
                _ => {}
            }
        }
        check(&hash, &model);
        for (hash, model) in &kept {
            check(hash, model);
        }
        if !hash.is_empty() {
            read_damaged::<HashImageReader>(&pieces(hash.image()), damage, |damaged| {
                let model = damaged.iter();
                let model = model.map(|(name, it)| (name.to_vec(), (it.value.to_vec(), it.expire_at_ms)));
                check(&damaged, &model.collect());
            });
        }
    }
}

#[test]
fn the_form_follows_the_limits() {
    let limits = Limits::default();
    let mut hash = Hash::new();
    for number in 0..512 {
        hash.set(&name_of(number), Field::new(b"1"), &limits);
    }
    assert_eq!(hash.encoding(), "listpack");
    assert!(hash.set_deadline(&name_of(1), 5));
    assert_eq!(hash.encoding(), "listpackex");
    assert!(hash.set_deadline(&name_of(1), NEVER));
    assert_eq!((hash.encoding(), hash.nearest_deadline()), ("listpackex", NEVER));
    hash.set(b"one more", Field::new(b"1"), &limits);
    assert_eq!((hash.encoding(), hash.len()), ("hashtable", 513));
    for (name, value) in [([0; 64], [0; 64]), ([1; 64], [1; 64])] {
        let mut hash = Hash::new();
        hash.set(&name, Field::new(&value), &limits);
        assert_eq!(hash.encoding(), "listpack");
        hash.set(b"f", Field::new(&[0; 65]), &limits);
        assert_eq!(hash.encoding(), "hashtable");
    }
}

#[test]
fn a_small_hash_gives_memory_back() {
    let limits = Limits::default();
    let mut hash = Hash::new();
    for number in 0..400 {
        hash.set(&name_of(number), Field::new(b"some value"), &limits);
    }
    let full = hash.heap_bytes(0);
    assert!(full < 400 * 26, "{full}");
    for number in 0..399 {
        assert!(hash.remove(&name_of(number)));
    }
    assert!(hash.heap_bytes(0) < 64);
    assert!(hash.remove(&name_of(399)) && hash.is_empty());
    assert_eq!(hash.heap_bytes(0), 0);
}
