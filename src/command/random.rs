//! What the commands that draw at random have in common.

use std::collections::HashMap;

use super::args;
use super::error::Error;
use crate::keyspace::Keyspace;

/// More draws with repetition than this are refused: no reply of that length could be sent, and it
/// would have to be made first, under the locks.
const DRAWS_MAX: u64 = 1 << 27;

/// How many are wanted: different ones, or, below zero, as many draws, which may repeat.
///
/// # Errors
/// It is no integer; the one integer whose sign cannot be turned; more draws than are answered.
pub(super) fn count(text: &[u8]) -> Result<i64, Error> {
    let count = args::integer(text)?;
    if count == i64::MIN {
        return Err(Error::fixed(
            "ERR value is out of range, value must between -9223372036854775807 and \
             9223372036854775807",
        ));
    }
    if count < 0 && count.unsigned_abs() > DRAWS_MAX {
        return Err(Error::OUT_OF_RANGE);
    }
    Ok(count)
}

/// A place below `bound`, which is not 0.
pub(super) fn below(keyspace: &Keyspace, bound: usize) -> usize {
    (keyspace.random() % bound as u64) as usize
}

/// So many different numbers below `len`, in random order, in a time that goes by how many they are:
/// the first steps of a shuffle, of which only what is no longer in its place is kept.
pub(super) fn distinct(
    len: usize,
    count: usize,
    mut draw: impl FnMut(usize) -> usize,
) -> Vec<usize> {
    let mut moved = HashMap::new();
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
