use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::types::image::tests::{pieces, read, read_damaged};

impl Zset {
    fn check(&self) {
        match &self.repr {
            Repr::Packed(chunk) => chunk.check(),
            Repr::Large(large) => {
                large.order.check();
                assert_eq!(large.order.len(), large.index.len());
                for (member, score) in self.iter() {
                    let indexed = large.index.get(member);
                    assert!(indexed.is_some_and(|indexed| indexed == score));
                }
            }
        }
    }
}

const LIMITS: Limits = Limits { members_max: 20, member_bytes_max: 40 };

/// Scores by member, and what is asked of them the plain way.
type Model = BTreeMap<Vec<u8>, f64>;

fn sorted(model: &Model) -> Vec<(&[u8], f64)> {
    let mut all: Vec<(&[u8], f64)> =
        model.iter().map(|(member, score)| (member.as_slice(), *score)).collect();
    all.sort_by(|one, other| chunk::order(one.1, one.0, other.1, other.0));
    all
}

#[derive(Clone, Debug)]
enum Op {
    Add(Vec<u8>, f64, AddRule),
    /// Members with rising scores, as a queue gets them.
    Fill(usize, f64, f64),
    Remove(Vec<u8>),
    RemoveRange(usize, usize),
    Pop(usize),
    PopBack(usize),
    ByScore(ScoreRange),
    Range(usize, usize),
    Grow,
    CloneAndKeep,
}

fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (-3i32..4).prop_map(f64::from),
        4 => (0u32..2000).prop_map(|n| f64::from(n) / 4.0),
        1 => prop::sample::select(vec![
            f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, f64::MAX, f64::MIN_POSITIVE, 1e-310, 0.1,
        ]),
    ]
}

/// Few distinct members, so that removals hit; short and long ones among them.
fn member() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        10 => (0u32..400).prop_map(|n| format!("job-{n}").into_bytes()),
        2 => (0u8..5, 0usize..70).prop_map(|(n, len)| vec![b'a' + n; len]),
        1 => (0u8..5, 500usize..5000).prop_map(|(n, len)| vec![b'a' + n; len]),
    ]
}

fn rule() -> impl Strategy<Value = AddRule> {
    let any = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let drawn = any.prop_map(|(new_only, present_only, greater_only, less_only, increment)| {
        AddRule { new_only, present_only, greater_only, less_only, increment }
    });
    prop_oneof![4 => Just(AddRule::default()), 1 => drawn]
}

fn bound() -> impl Strategy<Value = ScoreBound> {
    (score(), any::<bool>()).prop_map(|(score, is_open)| ScoreBound { score, is_open })
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => (member(), score(), rule()).prop_map(|(m, s, r)| Op::Add(m, s, r)),
        3 => (0usize..200, score(), -1f64..1.0).prop_map(|(n, s, by)| Op::Fill(n, s, by)),
        6 => member().prop_map(Op::Remove),
        2 => (any::<usize>(), 0usize..60).prop_map(|(from, len)| Op::RemoveRange(from, len)),
        2 => (0usize..40).prop_map(Op::Pop),
        1 => (0usize..40).prop_map(Op::PopBack),
        3 => (bound(), bound()).prop_map(|(min, max)| Op::ByScore(ScoreRange { min, max })),
        3 => (any::<usize>(), any::<usize>()).prop_map(|(from, to)| Op::Range(from, to)),
        1 => Just(Op::Grow),
        1 => Just(Op::CloneAndKeep),
    ]
}

fn model_add(
    model: &mut Model,
    member: &[u8],
    score: f64,
    rule: AddRule,
) -> Result<Added, NotANumber> {
    let Some(before) = model.get(member).copied() else {
        if rule.present_only {
            return Ok(Added::Refused);
        }
        model.insert(member.to_vec(), score);
        return Ok(Added::New(score));
    };
    let wanted = if rule.increment { before + score } else { score };
    match () {
        () if rule.new_only => Ok(Added::Refused),
        () if wanted.is_nan() => Err(NotANumber),
        () if rule.greater_only && wanted <= before => Ok(Added::Refused),
        () if rule.less_only && wanted >= before => Ok(Added::Refused),
        () if wanted == before => Ok(Added::Same(before)),
        () => {
            model.insert(member.to_vec(), wanted);
            Ok(Added::Moved(wanted))
        }
    }
}

fn apply(set: &mut Zset, model: &mut Model, op: &Op) {
    match op {
        Op::Add(member, score, rule) => {
            let expected = model_add(model, member, *score, *rule);
            assert_eq!(set.add(member, *score, *rule, LIMITS), expected);
        }
        Op::Fill(count, score, by) => {
            let mut score = if score.is_finite() { *score } else { 0.0 };
            for n in 0..*count {
                let member = format!("fill-{n}").into_bytes();
                let before = model.insert(member.clone(), score);
                assert_eq!(set.insert(&member, score, LIMITS), before);
                score += by;
            }
        }
        Op::Remove(member) => assert_eq!(set.remove(member), model.remove(member)),
        Op::RemoveRange(from, len) => {
            let from = from % (model.len() + 1);
            remove_ranks(set, model, from, from + len);
        }
        Op::Pop(count) => remove_ranks(set, model, 0, *count),
        Op::PopBack(count) => {
            let len = model.len();
            remove_ranks(set, model, len.saturating_sub(*count), len);
        }
        Op::ByScore(range) => {
            let inside = |score: f64| {
                let above_min = if range.min.is_open {
                    score > range.min.score
                } else {
                    score >= range.min.score
                };
                let below_max = if range.max.is_open {
                    score < range.max.score
                } else {
                    score <= range.max.score
                };
                above_min && below_max
            };
            let expected: Vec<_> =
                sorted(model).into_iter().filter(|(_, score)| inside(*score)).collect();
            let (from, to) = set.ranks_by_score(range);
            assert_eq!(set.range(from, to).collect::<Vec<_>>(), expected);
        }
        Op::Range(from, to) => {
            let expected = sorted(model);
            let (from, to) = (from % (expected.len() + 3), to % (expected.len() + 3));
            let expected = &expected[from.min(to).min(expected.len())..to.min(expected.len())];
            let (from, to) = (from.min(to), to);
            assert_eq!(set.range(from, to).collect::<Vec<_>>(), expected);
            let mut backward: Vec<_> = set.range(from, to).rev().collect();
            backward.reverse();
            assert_eq!(backward, expected);
        }
        Op::Grow => set.make_large(),
        Op::CloneAndKeep => {}
    }
}

fn remove_ranks(set: &mut Zset, model: &mut Model, from: usize, to: usize) {
    let all: Vec<Vec<u8>> = sorted(model).into_iter().map(|(member, _)| member.to_vec()).collect();
    let gone = &all[from.min(all.len())..to.min(all.len())];
    assert_eq!(set.remove_range(from, to), gone.len());
    for member in gone {
        model.remove(member);
    }
}

fn same_as(set: &Zset, model: &Model) {
    set.check();
    let expected = sorted(model);
    assert_eq!(set.len(), expected.len());
    assert_eq!(set.iter().collect::<Vec<_>>(), expected);
    for (rank, (member, score)) in expected.iter().enumerate() {
        assert_eq!(set.score(member), Some(*score));
        assert_eq!(set.rank(member), Some((rank, *score)));
        assert_eq!(set.get(rank), Some((*member, *score)));
    }
    assert_eq!(set.get(expected.len()), None);
    assert_eq!(set.rank(b"nobody"), None);
    let longest = expected.iter().map(|(member, _)| member.len()).max().unwrap_or(0);
    if expected.len() > LIMITS.members_max || longest > LIMITS.member_bytes_max {
        assert!(set.is_large());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn behaves_like_a_sorted_vector(ops in prop::collection::vec(op(), 1..60)) {
        let (mut set, mut model) = (Zset::new(), Model::new());
        let mut kept: Vec<(Zset, Model)> = Vec::new();
        for op in &ops {
            if matches!(op, Op::CloneAndKeep) {
                kept.push((set.clone(), model.clone()));
            }
            apply(&mut set, &mut model, op);
            set.check();
            assert_eq!(set.len(), model.len());
        }
        same_as(&set, &model);
        for (set, model) in &kept {
            same_as(set, model);
        }
    }

    #[test]
    fn ranges_by_bytes_where_scores_are_equal(
        members in prop::collection::vec("[a-d]{0,5}", 0..300),
        bounds in prop::collection::vec(("[a-d]{0,5}", 0u8..4), 2..20),
        grow in any::<bool>(),
    ) {
        let mut set = Zset::new();
        if grow {
            set.make_large();
        }
        let limits = Limits { members_max: 1000, ..LIMITS };
        let mut all: Vec<&[u8]> = members.iter().map(String::as_bytes).collect();
        for member in &all {
            set.insert(member, 7.0, limits);
        }
        all.sort_unstable();
        all.dedup();
        set.check();
        let bound = |(text, kind): &'_ (String, u8)| match kind {
            0 => (LexBound::Least, Vec::new()),
            1 => (LexBound::Greatest, Vec::new()),
            2 => (LexBound::Inclusive(b""), text.clone().into_bytes()),
            _ => (LexBound::Exclusive(b""), text.clone().into_bytes()),
        };
        for pair in bounds.windows(2) {
            let (min, max) = (bound(&pair[0]), bound(&pair[1]));
            let with = |(kind, text): &(LexBound<'_>, Vec<u8>)| match kind {
                LexBound::Inclusive(_) => LexBound::Inclusive(&text.clone().leak()[..]),
                LexBound::Exclusive(_) => LexBound::Exclusive(&text.clone().leak()[..]),
                LexBound::Least => LexBound::Least,
                LexBound::Greatest => LexBound::Greatest,
            };
            let range = LexRange { min: with(&min), max: with(&max) };
            let expected: Vec<&[u8]> = all
                .iter()
                .copied()
                .filter(|member| match range.min {
                    LexBound::Least => true,
                    LexBound::Greatest => false,
                    LexBound::Inclusive(bound) => *member >= bound,
                    LexBound::Exclusive(bound) => *member > bound,
                })
                .filter(|member| match range.max {
                    LexBound::Least => false,
                    LexBound::Greatest => true,
                    LexBound::Inclusive(bound) => *member <= bound,
                    LexBound::Exclusive(bound) => *member < bound,
                })
                .collect();
            for backward in [false, true] {
                let (from, to) = set.ranks_by_lex(&range, backward);
                let found: Vec<&[u8]> = set.range(from, to).map(|(member, _)| member).collect();
                assert_eq!(&found, &expected);
            }
        }
    }

    #[test]
    fn images_come_back(ops in prop::collection::vec(op(), 1..40), seeds in prop::collection::vec(any::<u64>(), 20)) {
        let (mut set, mut model) = (Zset::new(), Model::new());
        for op in &ops {
            apply(&mut set, &mut model, op);
        }
        let image = set.image();
        // What happens to the set meanwhile is not in the image.
        set.insert(b"later", 1.0, LIMITS);
        let written = pieces(image);
        let back = read::<ZsetImageReader>(&written).expect("an image");
        same_as(&back, &model);
        for seed in seeds {
            read_damaged::<ZsetImageReader>(&written, seed, |set| {
                set.check();
                set.iter().for_each(|(member, score)| assert_eq!(set.score(member), Some(score)));
            });
        }
    }

    #[test]
    fn a_scan_visits_what_stays(
        extra in prop::collection::vec((0u32..3000, any::<bool>()), 0..400),
        count in 1usize..40,
    ) {
        let mut set = Zset::new();
        for n in 0..500 {
            set.insert(format!("stay-{n}").as_bytes(), f64::from(n % 7), LIMITS);
        }
        let (mut cursor, mut seen) = (0, std::collections::BTreeSet::new());
        let mut extra = extra.into_iter();
        loop {
            cursor = set.scan(cursor, count, |member, _| {
                seen.insert(member.to_vec());
            });
            for (n, add) in extra.by_ref().take(20) {
                let member = format!("extra-{n}").into_bytes();
                if add {
                    set.insert(&member, 1.0, LIMITS);
                } else {
                    set.remove(&member);
                }
            }
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(seen.iter().filter(|member| member.starts_with(b"stay")).count(), 500);
    }
}

#[test]
fn the_form_follows_the_limits() {
    let mut set = Zset::new();
    for n in 0..LIMITS.members_max {
        set.insert(n.to_string().as_bytes(), 1.0, LIMITS);
    }
    assert_eq!(set.encoding(), "listpack");
    set.insert(b"one more", 1.0, LIMITS);
    assert_eq!(set.encoding(), "skiplist");
    set.remove_range(0, 20);
    assert_eq!((set.encoding(), set.len()), ("skiplist", 1));
    let mut set = Zset::new();
    set.insert(&[b'x'; 40], 1.0, LIMITS);
    assert_eq!(set.encoding(), "listpack");
    set.insert(&[b'x'; 41], 1.0, LIMITS);
    assert_eq!(set.encoding(), "skiplist");
}

#[test]
fn the_packed_form_has_no_negative_zero() {
    let mut set = Zset::new();
    set.insert(b"a", -0.0, LIMITS);
    assert!(set.score(b"a").is_some_and(f64::is_sign_positive));
    set.make_large();
    set.insert(b"b", -0.0, LIMITS);
    assert!(set.score(b"b").is_some_and(f64::is_sign_negative));
    // Equal to what it has, so it stays.
    assert_eq!(set.add(b"b", 0.0, AddRule::default(), LIMITS), Ok(Added::Same(-0.0)));
}

#[test]
fn what_has_moved_below_the_first_of_all_is_found_beside_what_follows() {
    let (mut set, mut model) = (Zset::new(), Model::new());
    let job = |score| Op::Add(b"job-0".to_vec(), score, AddRule::default());
    let ops = [
        Op::Fill(20, 453.5, 0.0),
        job(0.0),
        Op::Fill(176, 0.0, 0.3176983922227714),
        job(40.5),
        Op::Fill(79, 40.5, 0.0),
    ];
    for op in &ops {
        apply(&mut set, &mut model, op);
        same_as(&set, &model);
    }
}
