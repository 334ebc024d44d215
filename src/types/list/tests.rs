use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::types::image::tests::{pieces, read, read_damaged};

impl List {
    fn check(&self) {
        match &self.repr {
            Repr::Packed(chunk) => chunk.check(),
            Repr::Long(deque) => deque.check(),
        }
    }
}

#[derive(Clone, Debug)]
enum Op {
    Push(Side, Vec<Vec<u8>>),
    Cut(Side, usize),
    Set(usize, Vec<u8>),
    Insert(usize, Vec<u8>),
    Remove(Side, usize, Vec<u8>),
    Trim(usize, usize),
    Range(usize, usize),
    CloneAndKeep,
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Left), Just(Side::Right)]
}

/// Few distinct values, so that removals hit; every header form of an entry among them.
fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => (0u8..6).prop_map(|n| format!("job-{n}").into_bytes()),
        4 => prop::sample::select(vec![
            0i64, 1, 127, 128, -1, -4096, 4095, 4096, -4097, 32767, -32768, 32768, 8_388_607,
            -8_388_608, 8_388_608, i64::from(i32::MAX), i64::from(i32::MIN), 1 << 40, i64::MIN,
        ])
        .prop_map(|n| n.to_string().into_bytes()),
        2 => Just(b"007".to_vec()),
        1 => Just(Vec::new()),
        4 => prop::sample::select(vec![63usize, 64, 126, 127, 128, 300, 900])
            .prop_map(|len| vec![b'x'; len]),
        1 => prop::sample::select(vec![4095usize, 4096, 8170, 8185, 8192, 9000, 20_000])
            .prop_map(|len| vec![b'y'; len]),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (side(), prop::collection::vec(value(), 1..12)).prop_map(|(s, v)| Op::Push(s, v)),
        4 => (side(), 0usize..9).prop_map(|(s, n)| Op::Cut(s, n)),
        1 => (side(), 0usize..80).prop_map(|(s, n)| Op::Cut(s, n)),
        4 => (any::<usize>(), value()).prop_map(|(i, v)| Op::Set(i, v)),
        6 => (any::<usize>(), value()).prop_map(|(i, v)| Op::Insert(i, v)),
        3 => (side(), 1usize..5, value()).prop_map(|(s, n, v)| Op::Remove(s, n, v)),
        1 => (side(), Just(usize::MAX), value()).prop_map(|(s, n, v)| Op::Remove(s, n, v)),
        1 => (0usize..4, 0usize..150).prop_map(|(a, b)| Op::Trim(a, b)),
        3 => (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Op::Range(a, b)),
        1 => Just(Op::CloneAndKeep),
    ]
}

fn model_remove(model: &mut VecDeque<Vec<u8>>, side: Side, limit: usize, value: &[u8]) -> usize {
    let mut hits: Vec<usize> = (0..model.len()).filter(|&i| model[i] == value).collect();
    if side == Side::Right {
        hits.reverse();
    }
    hits.truncate(limit);
    hits.sort_unstable_by(|a, b| b.cmp(a));
    for &i in &hits {
        model.remove(i);
    }
    hits.len()
}

fn apply(list: &mut List, model: &mut VecDeque<Vec<u8>>, op: &Op) {
    match op {
        Op::Push(side, values) => {
            list.push_all(*side, values.iter().map(Vec::as_slice));
            for value in values {
                match side {
                    Side::Left => model.push_front(value.clone()),
                    Side::Right => model.push_back(value.clone()),
                }
            }
        }
        Op::Cut(side, count) => {
            list.cut(*side, *count);
            for _ in 0..*count {
                match side {
                    Side::Left => model.pop_front(),
                    Side::Right => model.pop_back(),
                };
            }
        }
        Op::Set(index, value) => {
            let index = index % (model.len() + 1);
            assert_eq!(list.set(index, value), index < model.len());
            if let Some(place) = model.get_mut(index) {
                place.clone_from(value);
            }
        }
        Op::Insert(index, value) => {
            let index = index % (model.len() + 1);
            list.insert(index, value);
            model.insert(index, value.clone());
        }
        Op::Remove(side, limit, value) => {
            let removed = list.remove(*side, *limit, value);
            assert_eq!(removed, model_remove(model, *side, *limit, value));
        }
        Op::Trim(from, to) => {
            let to = (*to).max(*from);
            list.trim(*from, to);
            model.truncate(to);
            model.drain(..(*from).min(model.len()));
        }
        Op::Range(a, b) => {
            let (a, b) = (a % (model.len() + 2), b % (model.len() + 2));
            let (from, to) = (a.min(b), a.max(b));
            let wanted: Vec<&Vec<u8>> = model.iter().take(to).skip(from).collect();
            let range = list.range(from, to);
            assert_eq!(range.len(), wanted.len());
            assert!(range.clone().zip(&wanted).all(|(a, b)| *a == **b));
            assert!(range.clone().rev().zip(wanted.iter().rev()).all(|(a, b)| *a == **b));
            // From both ends at once.
            let (mut range, mut met) = (range, 0);
            while let Some(front) = range.next() {
                assert_eq!(*front, **wanted[met]);
                met += 1;
                if let Some(back) = range.next_back() {
                    assert_eq!(*back, **wanted[met + range.len()]);
                }
            }
        }
        Op::CloneAndKeep => {}
    }
}

fn same(list: &List, model: &VecDeque<Vec<u8>>) {
    list.check();
    assert_eq!(list.len(), model.len());
    assert!(list.iter().zip(model).all(|(a, b)| *a == **b));
    assert!(list.iter().rev().zip(model.iter().rev()).all(|(a, b)| *a == **b));
    assert_eq!(list.end(Side::Left).as_deref(), model.front().map(Vec::as_slice));
    assert_eq!(list.end(Side::Right).as_deref(), model.back().map(Vec::as_slice));
    for (index, value) in model.iter().enumerate().step_by(7) {
        assert_eq!(list.get(index).as_deref(), Some(value.as_slice()));
    }
    assert!(list.get(model.len()).is_none());
    if let Some(value) = model.get(model.len() / 2) {
        assert_eq!(list.find(value), model.iter().position(|v| v == value));
        let from_right = list.matches(value).rev().position(|m| m);
        assert_eq!(from_right, model.iter().rev().position(|v| v == value));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn behaves_as_a_deque_of_strings(ops in prop::collection::vec(op(), 1..90)) {
        let (mut list, mut model) = (List::new(), VecDeque::new());
        let mut kept = Vec::new();
        for op in &ops {
            apply(&mut list, &mut model, op);
            if matches!(op, Op::CloneAndKeep) {
                kept.push((list.clone(), model.clone()));
            }
            same(&list, &model);
        }
        // Later changes have not reached the clones that share chunks, nor do theirs reach others.
        for (mut kept, mut kept_model) in kept {
            same(&kept, &kept_model);
            for op in &ops {
                apply(&mut kept, &mut kept_model, op);
            }
            same(&kept, &kept_model);
        }
        same(&list, &model);
    }

    #[test]
    fn an_image_gives_the_same_list(
        before in prop::collection::vec(op(), 1..60),
        after in prop::collection::vec(op(), 1..30),
        seeds in prop::collection::vec(any::<u64>(), 60),
    ) {
        let (mut list, mut model) = (List::new(), VecDeque::new());
        before.iter().for_each(|op| apply(&mut list, &mut model, op));
        let image = list.image();
        let (encoding, kept) = (list.encoding(), model.clone());
        // The image is of the list as it was.
        after.iter().for_each(|op| apply(&mut list, &mut model, op));
        let pieces = pieces(image);
        let mut list = read::<ListImageReader>(&pieces).expect("it was written so");
        let mut model = kept;
        same(&list, &model);
        prop_assert_eq!(list.encoding(), encoding);
        for op in &after {
            apply(&mut list, &mut model, op);
            same(&list, &model);
        }
        for seed in seeds {
            read_damaged::<ListImageReader>(&pieces, seed, |mut list| {
                let mut model = list.iter().map(|text| text.to_vec()).collect();
                same(&list, &model);
                after.iter().for_each(|op| apply(&mut list, &mut model, op));
                same(&list, &model);
            });
        }
    }

    #[test]
    fn every_value_reads_back(value in prop::collection::vec(any::<u8>(), 0..300), n in any::<i64>()) {
        let mut list = List::new();
        let digits = n.to_string();
        list.push(Side::Right, &value);
        list.push(Side::Right, digits.as_bytes());
        prop_assert_eq!(&*list.get(0).unwrap(), value.as_slice());
        prop_assert_eq!(&*list.get(1).unwrap(), digits.as_bytes());
        list.check();
    }
}

fn filled(count: usize) -> List {
    let mut list = List::new();
    for i in 0..count {
        list.push(Side::Right, format!("element-{i:06}").as_bytes());
    }
    list
}

#[test]
fn long_list_is_found_and_changed_in_the_middle() {
    let mut list = filled(20_000);
    let mut model: VecDeque<Vec<u8>> =
        (0..20_000).map(|i| format!("element-{i:06}").into_bytes()).collect();
    for index in [0, 1, 5_000, 9_999, 15_000, 19_999] {
        for value in ["a", "element-middle", &"z".repeat(5_000), &"w".repeat(10_000)] {
            list.insert(index, value.as_bytes());
            model.insert(index, value.as_bytes().to_vec());
            assert!(list.set(index / 2, value.as_bytes()));
            model[index / 2] = value.as_bytes().to_vec();
        }
    }
    same(&list, &model);
    assert_eq!(list.remove(Side::Right, 3, b"a"), model_remove(&mut model, Side::Right, 3, b"a"));
    same(&list, &model);
    for i in 0..200 {
        let value = format!("element-{:06}", 8_000 + i);
        let removed = list.remove(Side::Left, 1, value.as_bytes());
        assert_eq!(removed, model_remove(&mut model, Side::Left, 1, value.as_bytes()));
    }
    same(&list, &model);
}

#[test]
fn removals_leave_no_sparse_chunks() {
    let mut list = List::new();
    for i in 0..20_000 {
        list.push(Side::Right, if i % 100 == 0 { b"stays" } else { b"leaves" });
    }
    assert_eq!(list.remove(Side::Left, usize::MAX, b"leaves"), 19_800);
    assert_eq!((list.len(), list.encoding()), (200, "listpack"));
    assert!(list.heap_bytes(0) < 2048, "{}", list.heap_bytes(0));

    let mut list = filled(20_000);
    for i in (0..20_000).filter(|i| i % 50 != 0) {
        list.remove(Side::Left, 1, format!("element-{i:06}").as_bytes());
    }
    list.check();
    assert_eq!(list.len(), 400);
    assert!(list.heap_bytes(0) < 20_000, "{}", list.heap_bytes(0));
}

#[test]
fn form_changes_where_redis_changes_it() {
    // 100-byte elements take 103 packed bytes; 7 more frame them.
    let mut list = List::new();
    let value = [b'v'; 100];
    for _ in 0..79 {
        list.push(Side::Right, &value);
    }
    assert_eq!(list.encoding(), "listpack");
    list.push(Side::Right, &value);
    assert_eq!(list.encoding(), "quicklist");
    while list.len() > 40 {
        list.cut(Side::Right, 1);
        assert_eq!(list.encoding(), "quicklist", "{}", list.len());
    }
    list.cut(Side::Right, 1);
    assert_eq!((list.len(), list.encoding()), (39, "listpack"));

    let mut list = List::new();
    list.push(Side::Left, &[b'v'; 8186]);
    assert_eq!(list.encoding(), "quicklist");
    list.push(Side::Left, b"short");
    list.cut(Side::Right, 1);
    assert_eq!(list.encoding(), "listpack");
    assert!(list.set(0, &[b'v'; 9000]));
    assert_eq!(list.encoding(), "quicklist");
    assert!(list.set(0, b"1"));
    assert_eq!(list.encoding(), "listpack");
}

#[test]
fn short_lists_are_small() {
    assert_eq!(size_of::<List>(), 32);
    assert_eq!(List::new().heap_bytes(0), 0);
    let mut list = List::new();
    list.push(Side::Right, b"job");
    assert_eq!(list.heap_bytes(0), 8);
    let mut list = filled(100);
    list.cut(Side::Left, 97);
    assert!(list.heap_bytes(0) <= 192, "{}", list.heap_bytes(0));
}

#[test]
fn small_elements_cost_what_they_cost_redis() {
    let mut list = List::new();
    for i in 0..200_000 {
        list.push(Side::Left, format!("value:{i:06}").as_bytes());
    }
    // 12 bytes each: two of frame, and less than a quarter of a byte for chunks.
    let each = list.heap_bytes(0) as f64 / 2e5;
    assert!(each < 14.25, "{each}");
    let mut numbers = List::new();
    for i in 0..100_000 {
        numbers.push(Side::Right, (1_000_000 + i).to_string().as_bytes());
    }
    let each = numbers.heap_bytes(0) as f64 / 1e5;
    assert!(each < 5.2, "{each}");
}

#[test]
fn a_queue_keeps_its_memory() {
    let mut list = filled(3_000);
    let before = list.heap_bytes(0);
    for i in 0..50_000 {
        list.push(Side::Left, format!("element-{i:06}").as_bytes());
        list.cut(Side::Right, 1);
    }
    list.check();
    assert!(list.heap_bytes(0) <= before + 2 * CHUNK_BYTES_MAX);
}
