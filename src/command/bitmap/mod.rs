//! The commands for strings as rows of bits.

mod bit;
mod combine;
mod field;
mod range;

use super::args;
use super::cx::{Cx, Mode};
use super::error::Error;
use super::table::{Entry, keys};
use crate::keyspace::EventClass;

pub(super) static COMMANDS: &[Entry] = &[
    keys("bitcount", range::bitcount),
    keys("bitfield", field::bitfield),
    keys("bitfield_ro", field::bitfield_ro),
    keys("bitop", combine::bitop),
    keys("bitpos", range::bitpos),
    keys("getbit", bit::getbit),
    keys("setbit", bit::setbit),
];

const BAD_OFFSET: Error = Error::fixed("ERR bit offset is not an integer or out of range");

/// The place of a bit that a string may have.
fn offset(cx: &Cx<'_, '_>, text: &[u8]) -> Result<u64, Error> {
    let offset = args::parse_i64(text).ok_or(BAD_OFFSET)?;
    checked_offset(cx, Some(offset))
}

/// A place within the longest string that may be made; none is one that is no number.
fn checked_offset(cx: &Cx<'_, '_>, offset: Option<i64>) -> Result<u64, Error> {
    let offset = offset.and_then(|offset| u64::try_from(offset).ok()).ok_or(BAD_OFFSET)?;
    let bytes_max = cx.server.config.proto_max_bulk_len.get_u64();
    // What was taken once is not too far now.
    if offset / 8 >= bytes_max && cx.mode != Mode::Replay { Err(BAD_OFFSET) } else { Ok(offset) }
}

/// Tells that a string is kept in the form of one that was changed, though this command has changed
/// none of its bytes: it shows in OBJECT ENCODING, and Redis tells nobody.
pub(super) fn made_raw(cx: &mut Cx<'_, '_>, args: &[&[u8]]) {
    cx.tx.changed_unwatched(args[1]);
    cx.tx.record(args);
}

/// Tells that bits of a string were changed, by this command.
fn changed(cx: &mut Cx<'_, '_>, args: &[&[u8]]) {
    cx.tx.changed(args[1]);
    cx.tx.notify(EventClass::STRING, "setbit", args[1]);
    cx.tx.record(args);
}
