//! Writing hashes.

use std::io::{self, Write};

use super::{length, string};
use crate::rdb::kind::value::{HASH, HASH_LISTPACK, HASH_LISTPACK_EX, HASH_METADATA};
use crate::rdb::packed::listpack;
use crate::types::hash::{Hash, NEVER};

/// The type of a hash's form. Those with deadlines are read from Redis 7.4 on.
pub(super) fn kind_of(hash: &Hash) -> u8 {
    match (hash.is_packed(), has_deadlines(hash)) {
        (true, false) => HASH_LISTPACK,
        (true, true) => HASH_LISTPACK_EX,
        (false, false) => HASH,
        (false, true) => HASH_METADATA,
    }
}

/// Whether any field has a deadline.
pub(in crate::rdb) fn has_deadlines(hash: &Hash) -> bool {
    hash.nearest_deadline() != NEVER
}

pub(super) fn hash(out: &mut dyn Write, hash: &Hash) -> io::Result<()> {
    let nearest_ms = hash.nearest_deadline();
    if nearest_ms != NEVER {
        out.write_all(&nearest_ms.to_le_bytes())?;
    }
    if hash.is_packed() {
        return string(out, &packed(hash));
    }
    length(out, hash.len() as u64)?;
    for (name, field) in hash.iter() {
        if nearest_ms != NEVER {
            // One more than how much later, so that 0 is left for no deadline at all.
            let later_by = match field.expire_at_ms {
                NEVER => 0,
                at_ms => at_ms - nearest_ms + 1,
            };
            length(out, later_by as u64)?;
        }
        string(out, name)?;
        string(out, field.value)?;
    }
    Ok(())
}

fn packed(hash: &Hash) -> Vec<u8> {
    let mut listpack = listpack::Builder::new();
    if !has_deadlines(hash) {
        for (name, field) in hash.iter() {
            listpack.push(name);
            listpack.push(field.value);
        }
        return listpack.finish();
    }
    // Redis looks for due fields from the front.
    let mut fields: Vec<_> = hash.iter().collect();
    fields.sort_by_key(|(_, field)| field.expire_at_ms);
    for (name, field) in fields {
        listpack.push(name);
        listpack.push(field.value);
        listpack.push_integer(if field.expire_at_ms == NEVER { 0 } else { field.expire_at_ms });
    }
    listpack.finish()
}
