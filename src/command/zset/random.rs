//! ZRANDMEMBER.

use super::put_member;
use crate::command::args;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::types::zset::Zset;

/// The one integer whose sign cannot be turned, where a sign says whether members may come twice.
const NOT_MIRRORED: Error = Error::fixed(
    "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
);

pub(super) fn zrandmember(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    match &args[2..] {
        [] => one(cx, args[1]),
        [count, rest @ ..] => {
            let count = args::integer(count)?;
            if count == i64::MIN {
                return Err(NOT_MIRRORED);
            }
            let with_scores = match rest {
                [] => false,
                [option] if args::is(option, "WITHSCORES") => true,
                _ => return Err(Error::SYNTAX),
            };
            // The reply's length would not fit.
            if with_scores && count.unsigned_abs() > i64::MAX as u64 / 2 {
                return Err(Error::OUT_OF_RANGE);
            }
            many(cx, args[1], count, with_scores)
        }
    }
}

fn one(cx: &mut Cx<'_, '_>, key: &[u8]) -> Outcome {
    let random = cx.tx.keyspace().random();
    match cx.tx.read::<Zset>(key)? {
        Some(set) => {
            let picked = set.get((random % set.len().max(1) as u64) as usize);
            cx.reply.bulk(picked.map_or(b"", |(member, _)| member));
        }
        None => cx.reply.null(),
    }
    Ok(())
}

/// Each member once if `count` is positive; as many draws as it says if negative.
fn many(cx: &mut Cx<'_, '_>, key: &[u8], count: i64, with_scores: bool) -> Outcome {
    let keyspace = cx.tx.keyspace();
    let Some(set) = cx.tx.read::<Zset>(key)? else {
        cx.reply.array(0);
        return Ok(());
    };
    let len = set.len();
    let draw = |below: usize| (keyspace.random() % below as u64) as usize;
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    let drawn = if count < 0 { wanted } else { wanted.min(len) };
    let as_pairs = cx.reply.is_resp3();
    cx.reply.array(if with_scores && !as_pairs { drawn * 2 } else { drawn });
    let reply = &mut cx.reply;
    let mut put = |rank: usize| {
        let (member, score) = set.get(rank).expect("a rank below the length");
        put_member(reply, member, with_scores.then_some(score), as_pairs);
    };
    if count < 0 {
        (0..drawn).for_each(|_| put(draw(len)));
    } else if drawn == len {
        (0..len).for_each(put);
    } else {
        distinct(len, drawn, draw).into_iter().for_each(put);
    }
    Ok(())
}

/// So many different numbers below `len`, in random order, in a time that goes by how many they are:
/// the first steps of a shuffle, of which only what is no longer in its place is kept.
pub(in crate::command) fn distinct(
    len: usize,
    count: usize,
    mut draw: impl FnMut(usize) -> usize,
) -> Vec<usize> {
    let mut moved = std::collections::HashMap::new();
    (0..count)
        .map(|at| {
            let other = at + draw(len - at);
            let own = moved.get(&at).copied().unwrap_or(at);
            moved.insert(other, own).unwrap_or(other)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::distinct;

    #[test]
    fn draws_differ_and_reach_every_place() {
        let mut state = 7u64;
        let mut draw = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize % below
        };
        let mut hits = [0; 10];
        for _ in 0..2000 {
            let mut drawn = distinct(10, 4, &mut draw);
            drawn.iter().for_each(|&at| hits[at] += 1);
            drawn.sort_unstable();
            drawn.dedup();
            assert_eq!(drawn.len(), 4);
        }
        // 800 each, if they are as likely as each other.
        assert!(hits.iter().all(|hits| (700..900).contains(hits)), "{hits:?}");
    }
}
