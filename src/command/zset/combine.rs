//! ZUNION, ZINTER, ZDIFF, their storing forms, and ZINTERCARD.

use std::borrow::Cow;
use std::collections::HashMap;

use super::args::score;
use super::{limits, put_member, store};
use crate::command::args;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::keyspace::{Tx, Value};
use crate::types::set::Set;
use crate::types::text::Text;
use crate::types::zset::{self, Zset};

const NOT_A_WEIGHT: Error = Error::fixed("ERR weight value is not a float");
const LIMIT_NEGATIVE: Error = Error::fixed("ERR LIMIT can't be negative");

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Union,
    Intersection,
    Difference,
}

/// What the scores of one member in several sets give.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Aggregate {
    Sum,
    Min,
    Max,
    /// The sum of the weights of the sets that have the member.
    Count,
}

impl Aggregate {
    fn parse(word: &[u8]) -> Result<Aggregate, Error> {
        let names = [
            ("SUM", Aggregate::Sum),
            ("MIN", Aggregate::Min),
            ("MAX", Aggregate::Max),
            ("COUNT", Aggregate::Count),
        ];
        let found = names.iter().find(|(name, _)| args::is(word, name));
        found.map(|(_, aggregate)| *aggregate).ok_or(Error::SYNTAX)
    }

    /// What a member brings in from one set.
    fn weighted(self, score: f64, weight: f64) -> f64 {
        let weighted = if self == Aggregate::Count { weight } else { score * weight };
        // Zero times infinity.
        if weighted.is_nan() { 0.0 } else { weighted }
    }

    fn join(self, one: f64, other: f64) -> f64 {
        match self {
            // Infinities of both signs make nothing.
            Aggregate::Sum | Aggregate::Count if (one + other).is_nan() => 0.0,
            Aggregate::Sum | Aggregate::Count => one + other,
            Aggregate::Min => {
                if other < one {
                    other
                } else {
                    one
                }
            }
            Aggregate::Max => {
                if other > one {
                    other
                } else {
                    one
                }
            }
        }
    }
}

/// A set that takes part: none, where there is no key.
#[derive(Clone, Copy)]
enum Source<'a> {
    Missing,
    Sorted(&'a Zset),
    /// Each member counts as one of score 1.
    Plain(&'a Set),
}

/// A member that a set keeps as an integer is not there as bytes.
type Member<'a> = Cow<'a, [u8]>;
type Members<'a> = Box<dyn Iterator<Item = (Member<'a>, f64)> + 'a>;

impl<'a> Source<'a> {
    fn len(self) -> usize {
        match self {
            Source::Missing => 0,
            Source::Sorted(set) => set.len(),
            Source::Plain(set) => set.len(),
        }
    }

    fn score(self, member: &[u8]) -> Option<f64> {
        match self {
            Source::Missing => None,
            Source::Sorted(set) => set.score(member),
            Source::Plain(set) => set.contains(member).then_some(1.0),
        }
    }

    fn iter(self) -> Members<'a> {
        match self {
            Source::Missing => Box::new(std::iter::empty()),
            Source::Sorted(set) => {
                Box::new(set.iter().map(|(member, score)| (Cow::Borrowed(member), score)))
            }
            Source::Plain(set) => Box::new(set.iter().map(|member| (owned_or_not(member), 1.0))),
        }
    }
}

fn owned_or_not(member: Text<'_>) -> Member<'_> {
    match member {
        Text::Bytes(bytes) => Cow::Borrowed(bytes),
        Text::Digits { .. } => Cow::Owned(member.to_vec()),
    }
}

/// The sets of a command, with their weights.
struct Inputs<'a> {
    sources: Vec<(Source<'a>, f64)>,
    aggregate: Aggregate,
}

/// What stands behind the keys.
struct Options {
    /// One for each key.
    weights: Vec<f64>,
    aggregate: Aggregate,
    with_scores: bool,
}

impl Options {
    fn parse(
        mut words: &[&[u8]],
        keys: usize,
        operation: Operation,
        stores: bool,
    ) -> Result<Options, Error> {
        let mut options =
            Options { weights: vec![1.0; keys], aggregate: Aggregate::Sum, with_scores: false };
        let weighs = operation != Operation::Difference;
        while let [word, rest @ ..] = words {
            if weighs && rest.len() >= keys && args::is(word, "WEIGHTS") {
                let (weights, more) = rest.split_at(keys);
                for (weight, text) in options.weights.iter_mut().zip(weights) {
                    *weight = score(text).map_err(|_| NOT_A_WEIGHT)?;
                }
                words = more;
            } else if weighs
                && args::is(word, "AGGREGATE")
                && let [name, more @ ..] = rest
            {
                options.aggregate = Aggregate::parse(name)?;
                words = more;
            } else if !stores && args::is(word, "WITHSCORES") {
                options.with_scores = true;
                words = rest;
            } else {
                return Err(Error::SYNTAX);
            }
        }
        Ok(options)
    }
}

type Words<'a> = &'a [&'a [u8]];
type Keys<'a> = &'a [&'a [u8]];

/// The keys behind `numkeys`, and what follows them.
fn split_keys<'a>(words: &'a [&'a [u8]], name: &str) -> Result<(Keys<'a>, Words<'a>), Error> {
    let count = args::integer(words[0])?;
    if count < 1 {
        return Err(Error::new(format!("ERR at least 1 input key is needed for '{name}' command")));
    }
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    words[1..].split_at_checked(count).ok_or(Error::SYNTAX)
}

/// Looks at every key as a read does, and refuses what is no set.
fn check_sources(cx: &mut Cx<'_, '_>, keys: &[&[u8]]) -> Result<(), Error> {
    for key in keys {
        match cx.tx.get(key) {
            None | Some(Value::Zset(_) | Value::Set(_)) => {}
            Some(_) => return Err(Error::WRONG_TYPE),
        }
    }
    Ok(())
}

fn sources<'t>(tx: &'t Tx<'_>, keys: &[&[u8]]) -> Vec<Source<'t>> {
    let source = |key: &&[u8]| match tx.peek(key) {
        Some(Value::Zset(set)) => Source::Sorted(set),
        Some(Value::Set(set)) => Source::Plain(set),
        _ => Source::Missing,
    };
    keys.iter().map(source).collect()
}

impl<'a> Inputs<'a> {
    /// What comes of it, in no order.
    fn combine(mut self, operation: Operation) -> Vec<(Member<'a>, f64)> {
        if operation != Operation::Difference {
            // From the smallest on: less is looked for, and sums come about in Redis's order.
            self.sources.sort_by_key(|(source, _)| source.len());
        }
        match operation {
            Operation::Union => self.union(),
            Operation::Intersection => self.intersection().collect(),
            Operation::Difference => self.difference(),
        }
    }

    fn union(&self) -> Vec<(Member<'a>, f64)> {
        if let [(source, weight)] = self.sources[..] {
            return source
                .iter()
                .map(|(member, score)| (member, self.aggregate.weighted(score, weight)))
                .collect();
        }
        let mut scores: HashMap<Member<'a>, f64> = HashMap::new();
        for &(source, weight) in &self.sources {
            for (member, score) in source.iter() {
                let weighted = self.aggregate.weighted(score, weight);
                scores
                    .entry(member)
                    .and_modify(|score| *score = self.aggregate.join(*score, weighted))
                    .or_insert(weighted);
            }
        }
        scores.into_iter().collect()
    }

    fn intersection(&self) -> impl Iterator<Item = (Member<'a>, f64)> {
        let (&(smallest, weight), others) =
            self.sources.split_first().unwrap_or((&(Source::Missing, 1.0), &[]));
        let in_all = move |(member, score): (Member<'a>, f64)| {
            let first = self.aggregate.weighted(score, weight);
            let joined = others.iter().try_fold(first, |joined, (other, weight)| {
                let score = other.score(&member)?;
                Some(self.aggregate.join(joined, self.aggregate.weighted(score, *weight)))
            });
            joined.map(|score| (member, score))
        };
        smallest.iter().filter_map(in_all)
    }

    fn difference(&self) -> Vec<(Member<'a>, f64)> {
        let Some(((first, _), others)) = self.sources.split_first() else { return Vec::new() };
        let only_here = |(member, _): &(Member<'_>, f64)| {
            others.iter().all(|(other, _)| other.score(member).is_none())
        };
        first.iter().filter(only_here).collect()
    }
}

/// A command, read and checked.
struct Query<'a> {
    keys: &'a [&'a [u8]],
    options: Options,
    operation: Operation,
}

impl<'a> Query<'a> {
    /// Reads from `numkeys` on.
    fn parse(
        cx: &mut Cx<'_, '_>,
        words: &'a [&'a [u8]],
        name: &str,
        operation: Operation,
        stores: bool,
    ) -> Result<Query<'a>, Error> {
        let (keys, rest) = split_keys(words, name)?;
        if stores {
            // The effect names them, and in a replay nothing is due by itself.
            keys.iter().for_each(|key| cx.tx.end_if_due(key));
        }
        check_sources(cx, keys)?;
        let options = Options::parse(rest, keys.len(), operation, stores)?;
        Ok(Query { keys, options, operation })
    }

    /// What comes of it, in no order.
    fn run<'t>(&self, tx: &'t Tx<'_>) -> Vec<(Member<'t>, f64)> {
        let weights = self.options.weights.iter().copied();
        let sources = sources(tx, self.keys).into_iter().zip(weights).collect();
        let inputs = Inputs { sources, aggregate: self.options.aggregate };
        inputs.combine(self.operation)
    }
}

fn reply_with(cx: &mut Cx<'_, '_>, args: &[&[u8]], name: &str, operation: Operation) -> Outcome {
    let query = Query::parse(cx, &args[1..], name, operation, false)?;
    let mut members = query.run(cx.tx);
    zset::sort(&mut members);
    let (with_scores, as_pairs) = (query.options.with_scores, cx.reply.is_resp3());
    let len = members.len();
    cx.reply.array(if with_scores && !as_pairs { len * 2 } else { len });
    for (member, score) in members {
        put_member(&mut cx.reply, &member, with_scores.then_some(score), as_pairs);
    }
    Ok(())
}

fn store_result(
    cx: &mut Cx<'_, '_>,
    args: &[&[u8]],
    name: &'static str,
    operation: Operation,
) -> Outcome {
    let limits = limits(cx);
    let query = Query::parse(cx, &args[2..], name, operation, true)?;
    let set = Zset::from_members(&mut query.run(cx.tx), limits);
    store(cx, args[1], set, args, name);
    Ok(())
}

pub(super) fn zunion(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    reply_with(cx, args, "zunion", Operation::Union)
}

pub(super) fn zinter(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    reply_with(cx, args, "zinter", Operation::Intersection)
}

pub(super) fn zdiff(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    reply_with(cx, args, "zdiff", Operation::Difference)
}

pub(super) fn zunionstore(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    store_result(cx, args, "zunionstore", Operation::Union)
}

pub(super) fn zinterstore(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    store_result(cx, args, "zinterstore", Operation::Intersection)
}

pub(super) fn zdiffstore(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    store_result(cx, args, "zdiffstore", Operation::Difference)
}

pub(super) fn zintercard(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (keys, rest) = split_keys(&args[1..], "zintercard")?;
    check_sources(cx, keys)?;
    let mut limit = usize::MAX;
    let mut options = rest.iter();
    while let Some(option) = options.next() {
        let (true, Some(count)) = (args::is(option, "LIMIT"), options.next()) else {
            return Err(Error::SYNTAX);
        };
        let count = args::integer_in(count, 0, i64::MAX, LIMIT_NEGATIVE)? as usize;
        limit = if count == 0 { usize::MAX } else { count };
    }
    let mut sources: Vec<(Source<'_>, f64)> =
        sources(cx.tx, keys).into_iter().map(|source| (source, 1.0)).collect();
    sources.sort_by_key(|(source, _)| source.len());
    let inputs = Inputs { sources, aggregate: Aggregate::Count };
    let common = inputs.intersection().take(limit).count();
    cx.reply.count(common);
    Ok(())
}
