//! XSETID.

use super::args;
use crate::command::args::{integer, is};
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::keyspace::EventClass;
use crate::types::stream::{Stream, StreamId};

const NEGATIVE_COUNT: Error = Error::fixed("ERR entries_added must be positive");
const BELOW_GIVEN_DELETED: Error = Error::fixed(
    "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
);
const BELOW_DELETED: Error =
    Error::fixed("ERR The ID specified in XSETID is smaller than current max_deleted_entry_id");
const BELOW_TOP: Error =
    Error::fixed("ERR The ID specified in XSETID is smaller than the target stream top item");
const BELOW_LENGTH: Error = Error::fixed(
    "ERR The entries_added specified in XSETID is smaller than the target stream length",
);

pub(super) fn xsetid(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let key = args[1];
    let id = args::id(args[2], 0)?;
    let mut entries_added = None;
    let mut max_deleted = None;
    let mut rest = &args[3..];
    while let [option, more @ ..] = rest {
        let [value, more @ ..] = more else { return Err(Error::SYNTAX) };
        if is(option, "ENTRIESADDED") {
            let count = u64::try_from(integer(value)?).map_err(|_| NEGATIVE_COUNT)?;
            entries_added = Some(count);
        } else if is(option, "MAXDELETEDID") {
            let deleted = args::id(value, 0)?;
            if id < deleted {
                return Err(BELOW_GIVEN_DELETED);
            }
            max_deleted = Some(deleted);
        } else {
            return Err(Error::SYNTAX);
        }
        rest = more;
    }
    let stream = cx.tx.write::<Stream>(key)?.ok_or(Error::NO_SUCH_KEY)?;
    if id < stream.max_deleted_id() {
        return Err(BELOW_DELETED);
    }
    if stream.log().last_id().is_some_and(|last| id < last) {
        return Err(BELOW_TOP);
    }
    if entries_added.is_some_and(|count| count < stream.log().len()) {
        return Err(BELOW_LENGTH);
    }
    // Redis takes 0-0 as not given.
    let max_deleted = max_deleted.filter(|&deleted| deleted != StreamId::MIN);
    stream.set_id(id, entries_added, max_deleted);
    // Redis does not count this as a change to those who watch the key.
    cx.tx.changed_unwatched(key);
    cx.tx.record(args);
    cx.tx.notify(EventClass::STREAM, "xsetid", key);
    cx.reply.ok();
    Ok(())
}
