use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

/// Takes as many places as it says.
#[derive(Clone, Debug, PartialEq)]
struct Wide(u64, usize);

impl Slot for Wide {
    type Key = ();
    const IS_UNIT: bool = false;

    fn key(&self) -> &() {
        &()
    }

    fn weight(&self) -> usize {
        self.1
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Keyed(u64);

impl Slot for Keyed {
    type Key = u64;

    fn key(&self) -> &u64 {
        &self.0
    }
}

/// Found by the first, taking as many places as the second says.
#[derive(Clone, Debug, PartialEq)]
struct Both(u64, usize);

impl Slot for Both {
    type Key = u64;
    const IS_UNIT: bool = false;

    fn key(&self) -> &u64 {
        &self.0
    }

    fn weight(&self) -> usize {
        self.1
    }
}

impl<T: Slot + PartialEq + std::fmt::Debug> Spine<T> {
    fn check(&self, model: &[T]) {
        assert_eq!(self.slot_count(), model.len());
        assert_eq!(self.len(), model.iter().map(Slot::weight).sum::<usize>());
        assert_eq!(self.is_empty(), model.is_empty());
        assert_eq!((self.front(), self.back()), (model.first(), model.last()));
        assert!(self.iter().eq(model));
        assert_eq!(self.iter().len(), model.len());
        assert_eq!(self.head.is_some(), model.len() > 1);
        assert_eq!(self.middle.is_some(), model.len() > 2);
        if let Some(middle) = &self.middle {
            middle.assert_sound();
        }
        let mut start = 0;
        for (index, slot) in model.iter().enumerate() {
            if index % 5 == 0 {
                for place in [start, start + slot.weight() - 1] {
                    assert_eq!(self.at(place), Some((slot, place - start)));
                }
            }
            start += slot.weight();
        }
        assert_eq!((self.at(start), self.at(usize::MAX)), (None, None));
    }

    fn nodes(&self) -> HashSet<usize> {
        let mut found = Vec::new();
        self.middle.iter().for_each(|middle| middle.addresses(&mut found));
        found.into_iter().collect()
    }
}

#[derive(Clone, Debug)]
enum Op {
    Push { back: bool, count: usize },
    Pop { back: bool, count: usize },
    Insert(usize),
    Remove { at: usize, count: usize },
    Change(usize, usize),
    Clone,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (any::<bool>(), 1..200usize).prop_map(|(back, count)| Op::Push { back, count }),
        2 => (any::<bool>(), 1..200usize).prop_map(|(back, count)| Op::Pop { back, count }),
        8 => any::<usize>().prop_map(Op::Insert),
        2 => (any::<usize>(), 1..150usize).prop_map(|(at, count)| Op::Remove { at, count }),
        4 => (any::<usize>(), 1..9usize).prop_map(|(at, weight)| Op::Change(at, weight)),
        1 => Just(Op::Clone),
    ]
}

/// Where a slot of the model begins.
fn start(model: &[Wide], index: usize) -> usize {
    model[..index].iter().map(Slot::weight).sum()
}

fn apply(spine: &mut Spine<Wide>, model: &mut Vec<Wide>, op: &Op, next: &mut u64) {
    let mut new = || {
        *next += 1;
        Wide(*next, *next as usize % 7 + 1)
    };
    match *op {
        Op::Push { back, count } => {
            for slot in std::iter::repeat_with(new).take(count) {
                match back {
                    true => spine.push_back(slot.clone()),
                    false => spine.push_front(slot.clone()),
                }
                model.insert(if back { model.len() } else { 0 }, slot);
            }
        }
        Op::Pop { back, count } => {
            for _ in 0..count {
                let popped = if back { spine.pop_back() } else { spine.pop_front() };
                let expected = match back {
                    true => model.pop(),
                    false => (!model.is_empty()).then(|| model.remove(0)),
                };
                assert_eq!(popped, expected);
            }
        }
        Op::Insert(at) => {
            for near in 0..3 {
                let index = (at.wrapping_add(near)) % (model.len() + 1);
                let slot = new();
                spine.insert(start(model, index), slot.clone());
                model.insert(index, slot);
            }
        }
        Op::Remove { at, count } => {
            for _ in 0..count.min(model.len()) {
                let index = at % model.len();
                let place = start(model, index) + at % model[index].1;
                assert_eq!(spine.remove(place), Some(model.remove(index)));
            }
        }
        Op::Change(at, weight) if !model.is_empty() => {
            let index = at % model.len();
            let place = start(model, index) + at % model[index].1;
            let before = spine.change(place, |slot, before| {
                slot.1 = weight;
                before
            });
            assert_eq!(before, at % model[index].1);
            model[index].1 = weight;
        }
        Op::Change(..) | Op::Clone => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn does_what_a_vector_does(ops in prop::collection::vec(op(), 1..120)) {
        let (mut spine, mut model, mut next) = (Spine::new(), Vec::new(), 0);
        let mut kept: Vec<(Spine<Wide>, Vec<Wide>)> = Vec::new();
        for op in &ops {
            apply(&mut spine, &mut model, op, &mut next);
            spine.check(&model);
            if matches!(op, Op::Clone) {
                kept.push((spine.clone(), model.clone()));
            }
        }
        // Either side changes, and the other does not see it.
        for (mut spine, mut model) in kept {
            spine.check(&model);
            let other = (spine.clone(), model.clone());
            ops.iter().take(9).for_each(|op| apply(&mut spine, &mut model, op, &mut next));
            spine.check(&model);
            other.0.check(&other.1);
        }
    }

    #[test]
    fn finds_what_a_sorted_vector_finds(
        keys in prop::collection::btree_set(0..5000u64, 0..600),
        removed in prop::collection::vec(any::<usize>(), 0..400),
        shuffle in any::<u64>(),
    ) {
        let mut model: Vec<Keyed> = keys.iter().copied().map(Keyed).collect();
        let mut order = model.clone();
        order.sort_by_key(|slot| slot.0.wrapping_mul(shuffle | 1));
        let mut spine = Spine::new();
        for slot in order {
            let place = spine.partition_point(|&key| key < slot.0);
            spine.insert(place, slot);
        }
        for at in removed.into_iter().take(model.len()) {
            let slot = model.remove(at % model.len());
            let place = spine.partition_point(|&key| key < slot.0);
            prop_assert_eq!(spine.get(place), Some(&slot));
            prop_assert_eq!(spine.get_mut(place), Some(&mut slot.clone()));
            prop_assert_eq!(spine.remove(place), Some(slot));
        }
        spine.check(&model);
        for key in (0..5001).step_by(7) {
            let expected = model.partition_point(|slot| slot.0 < key);
            prop_assert_eq!(spine.partition_point(|&other| other < key), expected);
            let before = expected.checked_sub(1).map(|index| (index, &model[index]));
            prop_assert_eq!(spine.last_before(|&other| other < key), before);
        }
    }

    #[test]
    fn changes_the_slot_that_a_key_finds(
        slots in prop_oneof![0..4u64, 0..300u64, 4000..9000u64],
        changes in prop::collection::vec((0..20_000u64, 1..9usize), 1..60),
    ) {
        let mut model: Vec<Both> = (0..slots).map(|nth| Both(nth * 2 + 1, 1)).collect();
        let mut spine = Spine::new();
        model.iter().for_each(|slot| spine.push_back(slot.clone()));
        let (kept, before) = (spine.clone(), model.clone());
        for (key, weight) in changes {
            let key = key % (slots * 2 + 2);
            let index = model.partition_point(|slot| slot.0 <= key).checked_sub(1);
            let expected = index.map(|index| {
                let start: usize = model[..index].iter().map(Slot::weight).sum();
                let slot = &mut model[index];
                (std::mem::replace(slot, Both(slot.0, weight)), start)
            });
            let change = |slot: &mut Both, start| {
                (std::mem::replace(slot, Both(slot.0, weight)), start)
            };
            prop_assert_eq!(spine.change_last_before(|&other| other <= key, change), expected);
        }
        spine.check(&model);
        kept.check(&before);
    }
}

#[test]
fn a_write_copies_one_path() {
    let mut spine = Spine::new();
    (0..100_000).for_each(|key| spine.push_back(Keyed(key)));
    let depth = spine.middle.as_ref().map_or(0, Node::assert_sound) + 1;
    let changes: [fn(&mut Spine<Keyed>); 6] = [
        |spine| spine.push_back(Keyed(100_000)),
        |spine| spine.push_front(Keyed(0)),
        |spine| assert!(spine.pop_front().is_some()),
        |spine| assert!(spine.remove(50_000).is_some()),
        |spine| spine.insert(30_000, Keyed(30_000)),
        |spine| assert!(spine.get_mut(70_000).is_some()),
    ];
    for change in changes {
        let mut copy = spine.clone();
        assert_eq!(copy.nodes(), spine.nodes());
        change(&mut copy);
        let own = copy.nodes().difference(&spine.nodes()).count();
        // The path, and one beside it where the nodes on it are full.
        assert!((1..=2 * depth).contains(&own), "{own} nodes of {depth} levels");
    }
}

/// Removing anything in any order leaves no long chain of nodes with little in them.
#[test]
fn sparse_nodes_are_merged() {
    let mut spine = Spine::new();
    (0..100_000).for_each(|key| spine.push_back(Keyed(key)));
    for key in (0..100_000).filter(|key| key % 100 != 0) {
        let place = spine.partition_point(|&other| other < key);
        assert_eq!(spine.remove(place), Some(Keyed(key)));
    }
    let model: Vec<Keyed> = (0..1000).map(|n| Keyed(n * 100)).collect();
    spine.check(&model);
    assert!(spine.nodes().len() < 150, "{}", spine.nodes().len());
}
