//! Reading sets.
//!
//! The form that a set then has goes by the limits as Redis applies them when it reads: a packed one that
//! has become too long for them is a large one, and members one by one are added one by one.

use super::list::packing;
use crate::rdb::packed::{BadPacking, intset, listpack};
use crate::rdb::source::{Reading, Source};
use crate::types::set::{Set, SetLimits};

const TWICE: &str = "a set has a member twice";

/// Members one by one.
pub(super) fn plain(source: &mut Source<'_>, limits: &SetLimits) -> Reading<Set> {
    let count = source.length()?;
    let mut set = Set::new();
    if count > limits.integers_max as u64 {
        set.make_table();
    }
    for _ in 0..count {
        let member = source.string()?;
        if !set.insert(&member, limits) {
            return Err(source.malformed(TWICE));
        }
    }
    Ok(set)
}

pub(super) fn integers(source: &mut Source<'_>, limits: &SetLimits) -> Reading<Set> {
    let bytes = source.string()?;
    let integers = intset::read(&bytes).map_err(|bad| packing(source, bad))?;
    Ok(Set::from_integers(integers, limits))
}

pub(super) fn packed(source: &mut Source<'_>, limits: &SetLimits) -> Reading<Set> {
    let bytes = source.string()?;
    let members = read_listpack(&bytes).map_err(|bad| packing(source, bad))?;
    let set = Set::packed_from(members.iter().map(Vec::as_slice), limits);
    set.ok_or_else(|| source.malformed(TWICE))
}

fn read_listpack(bytes: &[u8]) -> Result<Vec<Vec<u8>>, BadPacking> {
    let mut elements = listpack::read(bytes)?;
    let mut members = Vec::new();
    while let Some(member) = elements.next_element()? {
        members.push(member.to_vec());
    }
    Ok(members)
}
