//! XINFO GROUPS and XINFO CONSUMERS.

use super::args::no_group_for_key;
use super::policy::write_words;
use super::reply::write_id;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::resp::Reply;
use crate::types::stream::Stream;
use crate::types::stream::group::Group;
use crate::types::stream::pending::Owner;

pub(super) fn groups(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let now_ms = cx.tx.now_ms();
    let stream = cx.tx.read::<Stream>(args[2])?.ok_or(Error::NO_SUCH_KEY)?;
    let extent = stream.extent();
    let groups = stream.groups();
    let reply = &mut cx.reply;
    reply.array(groups.len());
    for (name, group) in groups {
        reply.map(6 + if group.policy().is_some() { OWN_FIELDS } else { 0 });
        reply.text("name");
        reply.bulk(name);
        reply.text("consumers");
        reply.count(group.consumer_count());
        reply.text("pending");
        reply.int(group.pending().len() as i64);
        reply.text("last-delivered-id");
        write_id(reply, group.last_delivered_id());
        reply.text("entries-read");
        match group.entries_read() {
            Some(read) => reply.int(read as i64),
            None => reply.null(),
        }
        reply.text("lag");
        match group.lag(&extent) {
            Some(lag) => reply.int(lag),
            None => reply.null(),
        }
        if let Some(policy) = group.policy() {
            write_states(reply, group, now_ms);
            write_words(reply, &policy.words());
        }
    }
    Ok(())
}

/// What is told of a group with a policy beside what Redis tells: this many fields.
const OWN_FIELDS: usize = 7;

/// How many of the pending entries of a group are in which state, and for how long the first of the
/// ready has been.
fn write_states(reply: &mut Reply<'_>, group: &Group, now_ms: i64) {
    let counts = [
        ("ready", group.count_in(Owner::READY)),
        ("inflight", group.in_flight()),
        ("deferred", group.count_in(Owner::DEFERRED)),
        ("held", group.count_in(Owner::HELD)),
        ("dead", group.count_in(Owner::FATAL)),
    ];
    for (name, count) in counts {
        reply.text(name);
        reply.int(count.cast_signed());
    }
    reply.text("oldest-ready-ms");
    match group.pending().earliest_ready_ms() {
        Some(ready_ms) => reply.int((now_ms - ready_ms.cast_signed()).max(0)),
        None => reply.null(),
    }
}

pub(super) fn consumers(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (key, name) = (args[2], args[3]);
    let now_ms = cx.tx.now_ms();
    let stream = cx.tx.read::<Stream>(key)?.ok_or(Error::NO_SUCH_KEY)?;
    let group = stream.group(name).ok_or_else(|| no_group_for_key(key, name))?;
    let since = |at_ms: u64| (now_ms - at_ms as i64).max(0);
    let consumers = group.consumers_by_name();
    cx.reply.array(consumers.len());
    for consumer in consumers {
        cx.reply.map(4);
        cx.reply.text("name");
        cx.reply.bulk(consumer.name());
        cx.reply.text("pending");
        cx.reply.int(consumer.pending() as i64);
        cx.reply.text("idle");
        cx.reply.int(since(consumer.seen_ms()));
        cx.reply.text("inactive");
        cx.reply.int(consumer.active_ms().map_or(-1, since));
    }
    Ok(())
}
