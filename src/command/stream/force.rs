//! FORCE of XCLAIM and XNACK: a record of an entry that the group has none of.

use crate::types::stream::group::Group;
use crate::types::stream::log::Log;
use crate::types::stream::{StreamId, Times};

/// Whether a group may have a record made of an entry. It counts as done with what is for another group
/// alone and with what has expired and was judged; and with ORDERBY an entry that its cursor has not come
/// to would overtake those before it, which stand in no line yet.
pub(super) fn may_make_record(group: &Group, log: &Log, times: Times<'_>, id: StreamId) -> bool {
    let Some(entry) = log.get(id) else { return false };
    let would_overtake = || id > group.last_delivered_id() && group.has_line_for(&entry);
    !times.is_for_others(id) && !times.has_been_judged(id) && !would_overtake()
}
