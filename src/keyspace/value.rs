//! A key's value, whatever its type.

use crate::types::hash::{self, Hash};
use crate::types::list::List;
use crate::types::set::Set;
use crate::types::stream::Stream;
use crate::types::string::StringValue;
use crate::types::zset::Zset;

/// What a key holds.
#[derive(Clone, Debug)]
pub enum Value {
    String(StringValue),
    List(List),
    Set(Set),
    Zset(Zset),
    Hash(Hash),
    Stream(Box<Stream>),
}

/// The types a value can have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    String,
    List,
    Set,
    Zset,
    Hash,
    Stream,
}

impl Kind {
    /// What TYPE answers.
    pub fn name(self) -> &'static str {
        match self {
            Kind::String => "string",
            Kind::List => "list",
            Kind::Set => "set",
            Kind::Zset => "zset",
            Kind::Hash => "hash",
            Kind::Stream => "stream",
        }
    }
}

impl Value {
    pub fn kind(&self) -> Kind {
        match self {
            Value::String(_) => Kind::String,
            Value::List(_) => Kind::List,
            Value::Set(_) => Kind::Set,
            Value::Zset(_) => Kind::Zset,
            Value::Hash(_) => Kind::Hash,
            Value::Stream(_) => Kind::Stream,
        }
    }

    /// What OBJECT ENCODING answers for the value at a key of `key_len` bytes.
    pub fn encoding(&self, key_len: usize, has_deadline: bool) -> &'static str {
        match self {
            Value::String(string) => string.encoding(key_len, has_deadline),
            Value::List(list) => list.encoding(),
            Value::Set(set) => set.encoding(),
            Value::Zset(set) => set.encoding(),
            Value::Hash(hash) => hash.encoding(),
            Value::Stream(_) => "stream",
        }
    }

    /// The earliest deadline of any part of the value, unix ms; [`NEVER`](super::NEVER) without one.
    #[inline]
    pub fn nearest_deadline(&self) -> i64 {
        match self {
            Value::Hash(hash) => hash.nearest_deadline(),
            _ => hash::NEVER,
        }
    }

    /// When the value is to be looked after, unix ms; [`NEVER`](super::NEVER) for what does nothing
    /// by itself.
    #[inline]
    pub fn timer_ms(&self) -> i64 {
        match self {
            Value::Stream(stream) => stream.timer_ms(),
            _ => hash::NEVER,
        }
    }

    /// The same to be set, where the value can have one.
    pub(super) fn timer_ms_mut(&mut self) -> Option<&mut i64> {
        match self {
            Value::Stream(stream) => Some(stream.timer_ms_mut()),
            _ => None,
        }
    }

    /// Whether Redis would not keep a key with this value (a stream may be empty).
    pub fn is_empty_collection(&self) -> bool {
        match self {
            Value::List(list) => list.is_empty(),
            Value::Set(set) => set.is_empty(),
            Value::Zset(set) => set.is_empty(),
            Value::Hash(hash) => hash.is_empty(),
            Value::String(_) | Value::Stream(_) => false,
        }
    }
}

/// A type that a command can ask a key for.
pub trait Typed: Sized {
    fn of(value: &Value) -> Option<&Self>;
    fn of_mut(value: &mut Value) -> Option<&mut Self>;
    fn into_value(self) -> Value;
}

impl Typed for StringValue {
    fn of(value: &Value) -> Option<&StringValue> {
        if let Value::String(string) = value { Some(string) } else { None }
    }
    fn of_mut(value: &mut Value) -> Option<&mut StringValue> {
        if let Value::String(string) = value { Some(string) } else { None }
    }
    fn into_value(self) -> Value {
        Value::String(self)
    }
}

impl Typed for List {
    fn of(value: &Value) -> Option<&List> {
        if let Value::List(list) = value { Some(list) } else { None }
    }
    fn of_mut(value: &mut Value) -> Option<&mut List> {
        if let Value::List(list) = value { Some(list) } else { None }
    }
    fn into_value(self) -> Value {
        Value::List(self)
    }
}

impl Typed for Set {
    fn of(value: &Value) -> Option<&Set> {
        if let Value::Set(set) = value { Some(set) } else { None }
    }
    fn of_mut(value: &mut Value) -> Option<&mut Set> {
        if let Value::Set(set) = value { Some(set) } else { None }
    }
    fn into_value(self) -> Value {
        Value::Set(self)
    }
}

impl Typed for Zset {
    fn of(value: &Value) -> Option<&Zset> {
        if let Value::Zset(set) = value { Some(set) } else { None }
    }
    fn of_mut(value: &mut Value) -> Option<&mut Zset> {
        if let Value::Zset(set) = value { Some(set) } else { None }
    }
    fn into_value(self) -> Value {
        Value::Zset(self)
    }
}

impl Typed for Hash {
    fn of(value: &Value) -> Option<&Hash> {
        if let Value::Hash(hash) = value { Some(hash) } else { None }
    }
    fn of_mut(value: &mut Value) -> Option<&mut Hash> {
        if let Value::Hash(hash) = value { Some(hash) } else { None }
    }
    fn into_value(self) -> Value {
        Value::Hash(self)
    }
}

impl Typed for Stream {
    fn of(value: &Value) -> Option<&Stream> {
        if let Value::Stream(stream) = value { Some(stream) } else { None }
    }
    fn of_mut(value: &mut Value) -> Option<&mut Stream> {
        if let Value::Stream(stream) = value { Some(stream) } else { None }
    }
    fn into_value(self) -> Value {
        Value::Stream(Box::new(self))
    }
}
