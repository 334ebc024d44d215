//! Reading values.

mod hash;
mod list;
mod set;
mod skip;
mod stream;
mod zset;

use super::source::{Reading, Source};
use super::{Dialect, kind};
use crate::keyspace::Value;
use crate::types::set::SetLimits;
use crate::types::stream::idmp::IdmpLimits;
use crate::types::string::StringValue;
use crate::types::zset::Limits as ZsetLimits;

pub(super) use skip::{early_library, library_name, module_aux};

/// What the settings say of values that are read.
#[derive(Clone, Copy, Default, Debug)]
pub struct Limits {
    /// What streams are to remember of their producers, where their form does not say.
    pub idmp: IdmpLimits,
    /// Up to where sets are kept small.
    pub set: SetLimits,
    /// Up to where sorted sets are kept small.
    pub zset: ZsetLimits,
}

/// What reading has to be told.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub dialect: Dialect,
    pub limits: Limits,
}

/// What was read of a value.
#[derive(Debug)]
pub enum Decoded {
    Value(Value),
    /// A collection without elements, which no key holds.
    Empty,
    /// A value of this type, which was passed over.
    Foreign(String),
}

/// Reads a value whose type byte has been read.
///
/// # Errors
/// The bytes end, or are no such value; or the type is none whose end could be found.
pub fn value(source: &mut Source<'_>, kind: u8, setting: &Setting) -> Reading<Decoded> {
    use kind::value::*;
    let value = match kind {
        STRING => Value::String(StringValue::new(&source.string()?)),
        LIST => Value::List(list::plain(source)?),
        LIST_ZIPLIST => Value::List(list::ziplist(source)?),
        LIST_QUICKLIST => Value::List(list::quicklist(source)?),
        LIST_QUICKLIST_2 => Value::List(list::quicklist_2(source)?),
        SET => Value::Set(set::plain(source, &setting.limits.set)?),
        SET_INTSET => Value::Set(set::integers(source, &setting.limits.set)?),
        SET_LISTPACK => Value::Set(set::packed(source, &setting.limits.set)?),
        ZSET => Value::Zset(zset::with_digits(source, setting.limits.zset)?),
        ZSET_2 => Value::Zset(zset::with_bits(source, setting.limits.zset)?),
        ZSET_ZIPLIST => Value::Zset(zset::from_ziplist(source, setting.limits.zset)?),
        ZSET_LISTPACK => Value::Zset(zset::from_listpack(source, setting.limits.zset)?),
        HASH => Value::Hash(hash::plain(source)?),
        HASH_ZIPMAP | HASH_ZIPLIST | HASH_LISTPACK | HASH_LISTPACK_EX | HASH_LISTPACK_EX_PRE_GA => {
            Value::Hash(hash::packed(source, kind)?)
        }
        HASH_METADATA | HASH_METADATA_PRE_GA => {
            Value::Hash(hash::timed(source, kind, setting.dialect)?)
        }
        STREAM_LISTPACKS | STREAM_LISTPACKS_2 | STREAM_LISTPACKS_3 | STREAM_LISTPACKS_4
        | STREAM_LISTPACKS_5 => {
            let form = stream::Form::of_kind(kind);
            Value::Stream(Box::new(stream::stream(source, form, setting.limits.idmp)?))
        }
        _ => return skip::value(source, kind).map(Decoded::Foreign),
    };
    Ok(if value.is_empty_collection() { Decoded::Empty } else { Decoded::Value(value) })
}
