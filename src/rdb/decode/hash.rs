//! Reading hashes.
//!
//! What was written field by field is large here, the rest goes by Redis's own limits; the caller may
//! go by others afterwards. Fields with a deadline are read whether that has passed or not.

use super::list::packing;
use crate::rdb::packed::{BadPacking, listpack, ziplist, zipmap};
use crate::rdb::source::{Reading, Source};
use crate::rdb::{Dialect, kind};
use crate::types::hash::{DEADLINE_MS_MAX, Field, Hash, Limits, NEVER};

const TWICE: BadPacking = BadPacking("a field that stands twice in a hash");
const NO_TIME: BadPacking = BadPacking("a deadline of a field that is no time");

fn put(hash: &mut Hash, name: &[u8], field: Field<'_>) -> Result<(), BadPacking> {
    if hash.set(name, field, &Limits::default()) { Ok(()) } else { Err(TWICE) }
}

/// Names and values, one by one.
pub(super) fn plain(source: &mut Source<'_>) -> Reading<Hash> {
    let mut hash = Hash::new_large();
    for _ in 0..source.length()? {
        let (name, value) = (source.string()?, source.string()?);
        put(&mut hash, &name, Field::new(&value)).map_err(|bad| packing(source, bad))?;
    }
    Ok(hash)
}

/// One string with all fields in it.
pub(super) fn packed(source: &mut Source<'_>, kind: u8) -> Reading<Hash> {
    use kind::value::{HASH_LISTPACK_EX, HASH_LISTPACK_EX_PRE_GA, HASH_ZIPLIST, HASH_ZIPMAP};
    if kind == HASH_LISTPACK_EX {
        // The earliest deadline, which the fields say as well.
        source.u64_le()?;
    }
    let bytes = source.string()?;
    let read = match kind {
        HASH_ZIPMAP => of_zipmap(&bytes),
        HASH_ZIPLIST => of_ziplist(&bytes),
        HASH_LISTPACK_EX | HASH_LISTPACK_EX_PRE_GA => of_timed_listpack(&bytes),
        _ => of_listpack(&bytes),
    };
    read.map_err(|bad| packing(source, bad))
}

fn of_zipmap(bytes: &[u8]) -> Result<Hash, BadPacking> {
    let mut hash = Hash::new();
    let mut pairs = zipmap::read(bytes)?;
    while let Some((name, value)) = pairs.next_pair()? {
        put(&mut hash, name, Field::new(value))?;
    }
    Ok(hash)
}

fn of_ziplist(bytes: &[u8]) -> Result<Hash, BadPacking> {
    let mut hash = Hash::new();
    let mut elements = ziplist::read(bytes)?;
    while let Some(name) = elements.next_element()? {
        let value = elements.next_element()?;
        let value = value.ok_or(BadPacking("a field of a hash has no value"))?;
        put(&mut hash, &name, Field::new(&value))?;
    }
    Ok(hash)
}

fn of_listpack(bytes: &[u8]) -> Result<Hash, BadPacking> {
    let mut hash = Hash::new();
    let mut elements = listpack::read(bytes)?;
    while let Some(name) = elements.next_element()? {
        put(&mut hash, &name, Field::new(&elements.required()?))?;
    }
    Ok(hash)
}

/// Name, value and deadline of each field; 0 for none.
fn of_timed_listpack(bytes: &[u8]) -> Result<Hash, BadPacking> {
    let mut hash = Hash::new();
    let mut elements = listpack::read(bytes)?;
    while let Some(name) = elements.next_element()? {
        let value = elements.required()?;
        let expire_at_ms = match elements.integer()? {
            0 => NEVER,
            expire_at_ms @ 1..=DEADLINE_MS_MAX => expire_at_ms,
            _ => return Err(NO_TIME),
        };
        put(&mut hash, &name, Field { value: &value, expire_at_ms })?;
    }
    Ok(hash)
}

/// Fields one by one, each with its deadline. Redis counts them from the earliest, which stands in
/// front, and before its release from 1970; Valkey writes them behind the value.
pub(super) fn timed(source: &mut Source<'_>, kind: u8, dialect: Dialect) -> Reading<Hash> {
    let is_valkey = kind == kind::value::HASH_METADATA_PRE_GA && dialect == Dialect::Valkey;
    let first_ms = match kind {
        kind::value::HASH_METADATA => source.u64_le()? as i64,
        _ => 1,
    };
    let no_time = |source: &Source<'_>| packing(source, NO_TIME);
    let mut hash = Hash::new_large();
    for _ in 0..source.length()? {
        let mut expire_at_ms = NEVER;
        if !is_valkey {
            let later_by = source.length()?;
            if later_by > 0 {
                let later_by = i64::try_from(later_by - 1).map_err(|_| no_time(source))?;
                let at_ms = first_ms
                    .checked_add(later_by)
                    .filter(|at_ms| (1..=DEADLINE_MS_MAX).contains(at_ms));
                expire_at_ms = at_ms.ok_or_else(|| no_time(source))?;
            }
        }
        let (name, value) = (source.string()?, source.string()?);
        if is_valkey {
            expire_at_ms = match source.u64_le()? as i64 {
                -1 => NEVER,
                at_ms @ 1..=DEADLINE_MS_MAX => at_ms,
                _ => return Err(no_time(source)),
            };
        }
        let field = Field { value: &value, expire_at_ms };
        put(&mut hash, &name, field).map_err(|bad| packing(source, bad))?;
    }
    Ok(hash)
}
