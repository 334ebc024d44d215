//! The options of XREADGROUP, and the room that a reply still has.

use super::reply::entry_bytes;
use crate::command::args::{integer, integer_in, is, timeout_ms};
use crate::command::error::Error;
use crate::types::stream::log::Entry;

pub(super) struct ReadOptions<'a, 'b> {
    pub(super) group: &'b [u8],
    pub(super) consumer: &'b [u8],
    /// Entries a stream.
    pub(super) count: u64,
    pub(super) room: Room,
    /// The deadline, unix ms, of a read that may wait (`Some(None)`: without end).
    pub(super) block: Option<Option<i64>>,
    /// Take over what has been idle for at least so long.
    pub(super) claim_idle_ms: Option<i64>,
    pub(super) no_ack: bool,
    pub(super) keys: &'a [&'b [u8]],
    /// As many as keys.
    pub(super) ids: &'a [&'b [u8]],
}

impl<'a, 'b> ReadOptions<'a, 'b> {
    /// Reads the arguments, the command's name first.
    pub(super) fn parse(args: &'a [&'b [u8]], now_ms: i64) -> Result<Self, Error> {
        let mut group = None;
        let mut count = None;
        let mut options = ReadOptions {
            group: &[],
            consumer: &[],
            count: u64::MAX,
            room: Room::default(),
            block: None,
            claim_idle_ms: None,
            no_ack: false,
            keys: &[],
            ids: &[],
        };
        let mut rest = &args[1..];
        loop {
            rest = match rest {
                [word, value, rest @ ..] if is(word, "COUNT") => {
                    count = u64::try_from(integer(value)?).ok().filter(|&count| count > 0);
                    options.count = count.unwrap_or(u64::MAX);
                    rest
                }
                [word, name, consumer, rest @ ..] if is(word, "GROUP") => {
                    group = Some(*name);
                    options.consumer = consumer;
                    rest
                }
                [word, streams @ ..] if is(word, "STREAMS") && !streams.is_empty() => {
                    if streams.len() % 2 != 0 {
                        return Err(UNBALANCED);
                    }
                    (options.keys, options.ids) = streams.split_at(streams.len() / 2);
                    break;
                }
                [word, value, rest @ ..] if is(word, "BLOCK") => {
                    options.block = Some(timeout_ms(value, now_ms)?);
                    rest
                }
                [word, rest @ ..] if is(word, "NOACK") => {
                    options.no_ack = true;
                    rest
                }
                [word, value, rest @ ..] if is(word, "CLAIM") => {
                    options.claim_idle_ms = Some(claim_idle_ms(value)?);
                    rest
                }
                [word, value, rest @ ..] if is(word, "MAXCOUNT") => {
                    options.room.entries = positive(value, MAXCOUNT_NOT_POSITIVE)?;
                    rest
                }
                [word, value, rest @ ..] if is(word, "MAXSIZE") => {
                    options.room.bytes = Some(positive(value, MAXSIZE_NOT_POSITIVE)?);
                    rest
                }
                _ => return Err(Error::SYNTAX),
            };
        }
        options.group = group.ok_or(MISSING_GROUP)?;
        if count.is_some_and(|count| options.room.entries < count) {
            return Err(MAXCOUNT_BELOW_COUNT);
        }
        Ok(options)
    }
}

const UNBALANCED: Error = Error::fixed(
    "ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be \
     specified.",
);
const MISSING_GROUP: Error = Error::fixed("ERR Missing GROUP option for XREADGROUP");
pub(super) const MAXCOUNT_NOT_POSITIVE: Error =
    Error::fixed("ERR MAXCOUNT must be a positive integer");
pub(super) const MAXSIZE_NOT_POSITIVE: Error =
    Error::fixed("ERR MAXSIZE must be a positive integer");
pub(super) const MAXCOUNT_BELOW_COUNT: Error =
    Error::fixed("ERR MAXCOUNT must be greater than or equal to COUNT");

/// A limit, which has to be above zero.
pub(super) fn positive(text: &[u8], error: Error) -> Result<u64, Error> {
    integer_in(text, 1, i64::MAX, error).map(i64::cast_unsigned)
}

fn claim_idle_ms(text: &[u8]) -> Result<i64, Error> {
    let not_integer = Error::fixed("ERR min-idle-time is not an integer");
    let idle_ms = integer_in(text, i64::MIN, i64::MAX, not_integer)?;
    if idle_ms < 0 {
        return Err(Error::fixed("ERR min-idle-time must be a positive integer"));
    }
    Ok(idle_ms)
}

/// What a reply over all its streams still has room for.
#[derive(Clone, Copy)]
pub(super) struct Room {
    /// Entries (MAXCOUNT).
    pub(super) entries: u64,
    /// Bytes (MAXSIZE). Soft: the first entry of a reply always fits.
    pub(super) bytes: Option<u64>,
    taken: bool,
}

impl Default for Room {
    fn default() -> Room {
        Room { entries: u64::MAX, bytes: None, taken: false }
    }
}

impl Room {
    pub(super) fn is_used_up(&self) -> bool {
        self.entries == 0 || (self.taken && self.bytes == Some(0))
    }

    /// Whether nothing has been taken yet.
    pub(super) fn is_untouched(&self) -> bool {
        !self.taken
    }

    /// Has nothing more fit.
    pub(super) fn close(&mut self) {
        self.entries = 0;
    }

    /// Takes the room for an entry; false if there is not enough.
    pub(super) fn take(&mut self, entry: &Entry<'_>) -> bool {
        match self.bytes {
            Some(_) => self.take_bytes(entry_bytes(entry)),
            None => self.take_bytes(0),
        }
    }

    /// Takes the room for an entry of so many bytes.
    pub(super) fn take_bytes(&mut self, bytes: u64) -> bool {
        if self.entries == 0 {
            return false;
        }
        if let Some(left) = self.bytes {
            if bytes > left && self.taken {
                // Nothing behind it is to overtake it.
                self.bytes = Some(0);
                return false;
            }
            self.bytes = Some(left.saturating_sub(bytes));
        }
        self.entries -= 1;
        self.taken = true;
        true
    }
}
