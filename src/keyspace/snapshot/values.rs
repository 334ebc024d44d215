//! What a snapshot has to know of each kind of value: its number on disk, its image, and the reader
//! of that. A new kind is one more line in each of these.

use crate::keyspace::value::{Kind, Typed, Value};
use crate::types::hash::HashImageReader;
use crate::types::image::{BadImage, ImageReader, ImageWriter};
use crate::types::list::ListImageReader;
use crate::types::set::SetImageReader;
use crate::types::stream::StreamImageReader;
use crate::types::string::StringImageReader;
use crate::types::zset::ZsetImageReader;

/// The numbers on disk. They are never given anew.
const KINDS: [(Kind, u8); 6] = [
    (Kind::String, 1),
    (Kind::List, 2),
    (Kind::Stream, 3),
    (Kind::Hash, 4),
    (Kind::Set, 5),
    (Kind::Zset, 6),
];

/// Up to this many bytes, key included, a value is encoded at once, under the lock of its shard: that
/// takes no longer than cloning key and value, and less memory until it is written.
pub const SMALL_BYTES_MAX: usize = 512;

pub fn number_of(kind: Kind) -> u8 {
    let found = KINDS.iter().find(|(listed, _)| *listed == kind);
    found.expect("every kind has a number").1
}

pub fn kind_of(number: u8) -> Result<Kind, BadImage> {
    let found = KINDS.iter().find(|(_, listed)| *listed == number);
    found.map(|(kind, _)| *kind).ok_or(BadImage("a value of an unknown kind"))
}

/// What is to be written of a value.
pub fn image(value: &Value) -> Box<dyn ImageWriter + Send> {
    match value {
        Value::String(string) => Box::new(string.image()),
        Value::List(list) => Box::new(list.image()),
        Value::Set(set) => Box::new(set.image()),
        Value::Zset(set) => Box::new(set.image()),
        Value::Hash(hash) => Box::new(hash.image()),
        Value::Stream(stream) => Box::new(stream.image()),
    }
}

/// Whether encoding a value at a key of `key_len` bytes takes no longer than cloning it; told in
/// constant time.
pub fn is_small(key_len: usize, value: &Value) -> bool {
    let bytes = match value {
        Value::String(string) => string.heap_bytes(),
        // One sample: a packed list, which a clone would copy too.
        Value::List(list) => list.heap_bytes(1),
        Value::Set(set) => set.heap_bytes(1),
        Value::Zset(set) => set.heap_bytes(1),
        Value::Hash(hash) => hash.heap_bytes(1),
        Value::Stream(_) => return false,
    };
    key_len + bytes <= SMALL_BYTES_MAX
}

/// A reader of any kind of value.
pub trait Reader: Send {
    fn read_piece(&mut self, piece: &[u8]) -> Result<(), BadImage>;
    fn finish(self: Box<Self>) -> Result<Value, BadImage>;
}

impl<R> Reader for R
where
    R: ImageReader + Send,
    R::Value: Typed,
{
    fn read_piece(&mut self, piece: &[u8]) -> Result<(), BadImage> {
        ImageReader::read_piece(self, piece)
    }

    fn finish(self: Box<Self>) -> Result<Value, BadImage> {
        ImageReader::finish(*self).map(Typed::into_value)
    }
}

pub fn reader(kind: Kind) -> Box<dyn Reader> {
    match kind {
        Kind::String => Box::new(StringImageReader::default()),
        Kind::List => Box::new(ListImageReader::default()),
        Kind::Set => Box::new(SetImageReader::default()),
        Kind::Zset => Box::new(ZsetImageReader::default()),
        Kind::Hash => Box::new(HashImageReader::default()),
        Kind::Stream => Box::new(StreamImageReader::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_keep_their_numbers() {
        for (kind, number) in KINDS {
            assert_eq!((number_of(kind), kind_of(number)), (number, Ok(kind)));
        }
        assert!(kind_of(0).is_err() && kind_of(200).is_err());
        assert_eq!(KINDS.map(|(_, number)| number), [1, 2, 3, 4, 5, 6]);
    }
}
