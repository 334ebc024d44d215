//! Reading the arguments that stream commands share, and the errors they share.

use crate::command::error::Error;
use crate::types::stream::StreamId;

const INVALID_ID: Error =
    Error::fixed("ERR Invalid stream ID specified as stream command argument");

/// An id; without a sequence it is `seq_default`.
pub(super) fn id(text: &[u8], seq_default: u64) -> Result<StreamId, Error> {
    StreamId::parse(text, seq_default).ok_or(INVALID_ID)
}

/// All of `texts` as ids, each without a sequence being its millisecond's first.
pub(super) fn ids(texts: &[&[u8]]) -> Result<Vec<StreamId>, Error> {
    texts.iter().map(|text| id(text, 0)).collect()
}

/// The start of a range: `-`, an id, or `(` and an id to start behind.
pub(super) fn range_start(text: &[u8]) -> Result<StreamId, Error> {
    match text {
        b"-" => Ok(StreamId::MIN),
        b"+" => Ok(StreamId::MAX),
        [b'(', text @ ..] => {
            id(text, 0)?.next().ok_or(Error::fixed("ERR invalid start ID for the interval"))
        }
        _ => id(text, 0),
    }
}

/// The end of a range: `+`, an id, or `(` and an id to end before.
pub(super) fn range_end(text: &[u8]) -> Result<StreamId, Error> {
    match text {
        b"-" => Ok(StreamId::MIN),
        b"+" => Ok(StreamId::MAX),
        [b'(', text @ ..] => {
            id(text, u64::MAX)?.prev().ok_or(Error::fixed("ERR invalid end ID for the interval"))
        }
        _ => id(text, u64::MAX),
    }
}

/// The key or its group is not there.
pub(super) fn no_key_or_group(key: &[u8], group: &[u8]) -> Error {
    Error::quoting(&[b"NOGROUP No such key '", key, b"' or consumer group '", group, b"'"])
}

/// As [`no_key_or_group`], as XREADGROUP says it.
pub(super) fn no_key_or_group_to_read(key: &[u8], group: &[u8]) -> Error {
    let tail: &[u8] = b"' in XREADGROUP with GROUP option";
    Error::quoting(&[b"NOGROUP No such key '", key, b"' or consumer group '", group, tail])
}

/// The key is there and its group is not.
pub(super) fn no_group_for_key(key: &[u8], group: &[u8]) -> Error {
    Error::quoting(&[b"NOGROUP No such consumer group '", group, b"' for key name '", key, b"'"])
}
