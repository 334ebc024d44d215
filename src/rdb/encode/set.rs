//! Writing sets.

use std::io::{self, Write};

use super::{length, string};
use crate::rdb::kind::value::{SET, SET_INTSET, SET_LISTPACK};
use crate::rdb::packed::{intset, listpack};
use crate::types::set::Set;

/// The type byte: a set is written in the form it has.
pub(super) fn kind_of(set: &Set) -> u8 {
    match set.encoding() {
        "intset" => SET_INTSET,
        "listpack" => SET_LISTPACK,
        _ => SET,
    }
}

/// Writes a set without its type byte.
pub(super) fn set(out: &mut dyn Write, set: &Set) -> io::Result<()> {
    if let Some((width, integers)) = set.integers() {
        return string(out, &intset::write(width, integers));
    }
    if kind_of(set) == SET_LISTPACK {
        let mut packed = listpack::Builder::new();
        set.iter().for_each(|member| packed.push(&member));
        return string(out, &packed.finish());
    }
    length(out, set.len() as u64)?;
    set.iter().try_for_each(|member| string(out, &member))
}
