//! Unions, intersections and differences, shown or stored.

use std::ops::ControlFlow;

use smallvec::SmallVec;

use super::limits;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::keyspace::{EventClass, Tx, Typed, Value};
use crate::types::set::{Set, SetLimits};
use crate::types::text::Text;

/// How sets become one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Combination {
    Union,
    Intersection,
    Difference,
}

impl Combination {
    /// The event of an outcome that was stored.
    fn event(self) -> &'static str {
        match self {
            Combination::Union => "sunionstore",
            Combination::Intersection => "sinterstore",
            Combination::Difference => "sdiffstore",
        }
    }
}

/// The sets at the keys of a request; none where there is no key.
pub(super) type Sources<'t> = SmallVec<[Option<&'t Set>; 4]>;

/// Looks at every key, which counts as access: whether one has a value of another type is told even
/// if the rest decides the outcome.
pub(super) fn check_types(tx: &mut Tx<'_>, keys: &[&[u8]]) -> Result<(), Error> {
    for key in keys {
        tx.read::<Set>(key)?;
    }
    Ok(())
}

/// What [`check_types`] has found.
pub(super) fn sources<'t>(tx: &'t Tx<'_>, keys: &[&[u8]]) -> Sources<'t> {
    keys.iter().map(|key| tx.peek(key).and_then(Set::of)).collect()
}

/// Shows the members of an intersection, until told to stop.
pub(super) fn each_common<B>(
    sets: &[Option<&Set>],
    mut show: impl FnMut(Text<'_>) -> ControlFlow<B>,
) -> ControlFlow<B> {
    let Some(mut sets) = sets.iter().copied().collect::<Option<SmallVec<[&Set; 4]>>>() else {
        return ControlFlow::Continue(());
    };
    // The smallest is walked, and the next smallest rules out most.
    sets.sort_by_key(|set| set.len());
    let Some((smallest, others)) = sets.split_first() else {
        return ControlFlow::Continue(());
    };
    for member in smallest.iter() {
        if others.iter().all(|other| other.contains(&member)) {
            show(member)?;
        }
    }
    ControlFlow::Continue(())
}

/// Shows the members of the first set that are in no other, until told to stop.
pub(super) fn each_left<B>(
    sets: &[Option<&Set>],
    mut show: impl FnMut(Text<'_>) -> ControlFlow<B>,
) -> ControlFlow<B> {
    let Some((Some(first), others)) = sets.split_first() else {
        return ControlFlow::Continue(());
    };
    let mut others: SmallVec<[&Set; 4]> = others.iter().flatten().copied().collect();
    let to_walk: usize = others.iter().map(|other| other.len()).sum();
    if first.len() * others.len() <= to_walk + first.len() {
        // The largest is the likeliest to have a member.
        others.sort_by_key(|other| std::cmp::Reverse(other.len()));
        for member in first.iter() {
            if !others.iter().any(|other| other.contains(&member)) {
                show(member)?;
            }
        }
        return ControlFlow::Continue(());
    }
    // The others are so few that taking them out of a copy, which shares what stays, is less work.
    let mut left = (*first).clone();
    for member in others.iter().flat_map(|other| other.iter()) {
        left.remove(&member);
    }
    left.iter().try_for_each(show)
}

/// The union, or as much of it as makes `enough` members.
pub(super) fn union(sets: &[Option<&Set>], limits: &SetLimits, enough: usize) -> Set {
    let largest = sets.iter().flatten().copied().max_by_key(|set| set.len());
    // A large set stays in its form whatever joins it, so it is shared instead of being built anew.
    let small_max = limits.integers_max.max(limits.packed_max);
    let start = largest.filter(|set| set.len() > small_max);
    let mut union = start.cloned().unwrap_or_default();
    union.expect(union.len(), limits);
    for set in sets.iter().flatten() {
        if start.is_some_and(|start| std::ptr::eq(start, *set)) {
            continue;
        }
        for member in set.iter() {
            if union.len() >= enough {
                return union;
            }
            union.insert(&member, limits);
        }
    }
    union
}

/// The whole outcome as a set, in the form that its members alone would have.
fn combined(sets: &[Option<&Set>], how: Combination, limits: &SetLimits) -> Set {
    let mut outcome = Set::new();
    let mut add = |member: Text<'_>| {
        outcome.insert(&member, limits);
        ControlFlow::<()>::Continue(())
    };
    let _: ControlFlow<()> = match how {
        Combination::Union => return union(sets, limits, usize::MAX),
        Combination::Intersection => each_common(sets, &mut add),
        Combination::Difference => each_left(sets, &mut add),
    };
    outcome
}

fn show(cx: &mut Cx<'_, '_>, keys: &[&[u8]], how: Combination) -> Outcome {
    check_types(cx.tx, keys)?;
    let limits = limits(cx);
    let sets = sources(cx.tx, keys);
    let outcome;
    // One set alone is the outcome, whatever is done with it.
    let shown = match sets[..] {
        [Some(set)] => set,
        _ => {
            outcome = combined(&sets, how, &limits);
            &outcome
        }
    };
    cx.reply.set(shown.len());
    shown.iter().for_each(|member| cx.reply.bulk(&member));
    Ok(())
}

fn store(cx: &mut Cx<'_, '_>, args: &[&[u8]], how: Combination) -> Outcome {
    let (to, keys) = (args[1], &args[2..]);
    // The effect names them, and in a replay nothing expires by itself.
    keys.iter().for_each(|key| cx.tx.end_if_due(key));
    check_types(cx.tx, keys)?;
    let limits = limits(cx);
    let outcome = combined(&sources(cx.tx, keys), how, &limits);
    cx.reply.count(outcome.len());
    let outcome = (!outcome.is_empty()).then_some(Value::Set(outcome));
    cx.store(to, outcome, EventClass::SET, how.event(), args);
    Ok(())
}

pub(super) fn sunion(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    show(cx, &args[1..], Combination::Union)
}

pub(super) fn sinter(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    show(cx, &args[1..], Combination::Intersection)
}

pub(super) fn sdiff(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    show(cx, &args[1..], Combination::Difference)
}

pub(super) fn sunionstore(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    store(cx, args, Combination::Union)
}

pub(super) fn sinterstore(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    store(cx, args, Combination::Intersection)
}

pub(super) fn sdiffstore(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    store(cx, args, Combination::Difference)
}
