//! Error replies, worded as Redis words them, in one place.

use std::borrow::Cow;

use crate::keyspace::WrongType;

/// An error reply: its code and text (`ERR syntax error`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error(Cow<'static, [u8]>);

/// What a handler returns; on success its reply is written.
pub type Outcome = Result<(), Error>;

impl Error {
    pub const SYNTAX: Error = Error::fixed("ERR syntax error");
    pub const WRONG_TYPE: Error =
        Error::fixed("WRONGTYPE Operation against a key holding the wrong kind of value");
    pub const NOT_INTEGER: Error = Error::fixed("ERR value is not an integer or out of range");
    pub const NOT_FLOAT: Error = Error::fixed("ERR value is not a valid float");
    pub const OUT_OF_RANGE: Error = Error::fixed("ERR value is out of range");
    pub const NOT_POSITIVE: Error = Error::fixed("ERR value is out of range, must be positive");
    pub const NO_SUCH_KEY: Error = Error::fixed("ERR no such key");
    pub const INDEX_OUT_OF_RANGE: Error = Error::fixed("ERR index out of range");
    pub const SAME_OBJECT: Error = Error::fixed("ERR source and destination objects are the same");
    pub const DB_OUT_OF_RANGE: Error = Error::fixed("ERR DB index is out of range");
    pub const TIMEOUT_NOT_FLOAT: Error = Error::fixed("ERR timeout is not a float or out of range");
    pub const TIMEOUT_NOT_INTEGER: Error =
        Error::fixed("ERR timeout is not an integer or out of range");
    pub const TIMEOUT_NEGATIVE: Error = Error::fixed("ERR timeout is negative");
    pub const TIMEOUT_OUT_OF_RANGE: Error = Error::fixed("ERR timeout is out of range");
    pub const OUT_OF_MEMORY: Error =
        Error::fixed("OOM command not allowed when used memory > 'maxmemory'.");
    pub const LOADING: Error = Error::fixed("LOADING Redis is loading the dataset in memory");
    pub const NO_AUTH: Error = Error::fixed("NOAUTH Authentication required.");
    pub const EXEC_ABORTED: Error =
        Error::fixed("EXECABORT Transaction discarded because of previous errors.");

    /// A text known beforehand.
    pub const fn fixed(text: &'static str) -> Error {
        Error(Cow::Borrowed(text.as_bytes()))
    }

    /// A text made now, code included.
    pub fn new(text: impl Into<Vec<u8>>) -> Error {
        Error(Cow::Owned(text.into()))
    }

    /// A text with words of the request in it. Redis puts them in as C strings: what stands behind
    /// a NUL byte in a word is not shown. Nor are line breaks at the end of it all.
    pub fn quoting(parts: &[&[u8]]) -> Error {
        let shown = parts.iter().map(|part| part.split(|&byte| byte == 0).next().unwrap_or(part));
        let mut text = shown.collect::<Vec<_>>().concat();
        let end = text.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n'));
        text.truncate(end.map_or(0, |at| at + 1));
        Error::new(text)
    }

    /// `ERR wrong number of arguments for 'name' command`.
    pub fn wrong_arity(name: &str) -> Error {
        Error::new(format!("ERR wrong number of arguments for '{name}' command"))
    }

    pub fn text(&self) -> &[u8] {
        &self.0
    }

    /// The first word, by which INFO errorstats counts.
    pub fn code(&self) -> &[u8] {
        self.0.split(|&byte| byte == b' ').next().unwrap_or_default()
    }
}

impl From<WrongType> for Error {
    fn from(_: WrongType) -> Error {
        Error::WRONG_TYPE
    }
}
