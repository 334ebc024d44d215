//! XINFO STREAM.

use std::ops::ControlFlow;

use smallvec::SmallVec;

use super::policy::write_words;
use super::reply::{write_entry, write_id};
use crate::command::args::{integer, is};
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::resp::Reply;
use crate::types::stream::group::{Consumer, Group};
use crate::types::stream::log::Entry;
use crate::types::stream::pending::{Filter, Owner, Record};
use crate::types::stream::{Stream, StreamId};

/// Entries, and pending entries, that FULL shows of each list when not told how many.
const FULL_COUNT_DEFAULT: usize = 10;

pub(super) fn stream(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let now_ms = cx.tx.now_ms() as u64;
    let stream = cx.tx.read::<Stream>(args[2])?.ok_or(Error::NO_SUCH_KEY)?;
    let full_count = full_count(args)?;
    let reply = &mut cx.reply;
    // Thirteen that both forms share.
    let fields = 13 + if full_count.is_some() { 2 } else { 3 };
    reply.map(fields + usize::from(stream.policy().is_some()));
    write_summary(reply, stream, now_ms);
    match full_count {
        None => {
            reply.text("groups");
            reply.count(stream.groups().len());
            for (name, entry) in
                [("first-entry", stream.log().first()), ("last-entry", stream.log().last())]
            {
                reply.text(name);
                match entry {
                    Some(entry) => write_entry(reply, &entry),
                    None => reply.null(),
                }
            }
        }
        Some(count) => {
            let all = stream.log().range(StreamId::MIN, StreamId::MAX);
            let entries: SmallVec<[Entry<'_>; 10]> = all.take(count).collect();
            reply.text("entries");
            reply.array(entries.len());
            for entry in &entries {
                write_entry(reply, entry);
            }
            reply.text("groups");
            reply.array(stream.groups().len());
            for (name, group) in stream.groups() {
                write_group(reply, stream, name, group, count);
            }
        }
    }
    if let Some(policy) = stream.policy() {
        write_words(reply, &policy.words());
    }
    Ok(())
}

/// How many to show of each list, if FULL was asked for.
fn full_count(args: &[&[u8]]) -> Result<Option<usize>, Error> {
    match &args[3..] {
        [] => Ok(None),
        [full] if is(full, "FULL") => Ok(Some(FULL_COUNT_DEFAULT)),
        [full, option, count] if is(full, "FULL") && is(option, "COUNT") => {
            Ok(Some(match usize::try_from(integer(count)?) {
                Ok(0) => usize::MAX,
                Ok(count) => count,
                Err(_) => FULL_COUNT_DEFAULT,
            }))
        }
        _ => {
            let head: &[u8] = b"ERR unknown subcommand or wrong number of arguments for '";
            let word = &args[1][..args[1].len().min(128)];
            Err(Error::quoting(&[head, word, b"'. Try XINFO HELP."]))
        }
    }
}

fn write_summary(reply: &mut Reply<'_>, stream: &Stream, now_ms: u64) {
    let log = stream.log();
    let idmp = stream.idmp();
    let (producers, iids) = idmp.tracked(now_ms);
    let field = |reply: &mut Reply<'_>, name: &str, value: u64| {
        reply.text(name);
        reply.int(value.cast_signed());
    };
    let id_field = |reply: &mut Reply<'_>, name: &str, id: StreamId| {
        reply.text(name);
        write_id(reply, id);
    };
    let nodes = log.node_count() as u64;
    field(reply, "length", log.len());
    field(reply, "radix-tree-keys", nodes);
    field(reply, "radix-tree-nodes", radix_tree_nodes(nodes));
    id_field(reply, "last-generated-id", stream.last_id());
    id_field(reply, "max-deleted-entry-id", stream.max_deleted_id());
    field(reply, "entries-added", stream.entries_added());
    id_field(reply, "recorded-first-entry-id", log.first_id().unwrap_or(StreamId::MIN));
    field(reply, "idmp-duration", u64::from(idmp.limits().duration_s));
    field(reply, "idmp-maxsize", u64::from(idmp.limits().per_producer_max));
    field(reply, "pids-tracked", producers as u64);
    field(reply, "iids-tracked", iids as u64);
    field(reply, "iids-added", idmp.added());
    field(reply, "iids-duplicates", idmp.duplicates());
}

/// The inner nodes of the tree that Redis would have: of none, of a single key, or of several that
/// part at their last byte.
fn radix_tree_nodes(keys: u64) -> u64 {
    match keys {
        0 => 1,
        1 => 2,
        keys => 2 * keys + 2,
    }
}

fn write_group(reply: &mut Reply<'_>, stream: &Stream, name: &[u8], group: &Group, count: usize) {
    reply.map(7);
    reply.text("name");
    reply.bulk(name);
    reply.text("last-delivered-id");
    write_id(reply, group.last_delivered_id());
    reply.text("entries-read");
    match group.entries_read() {
        Some(read) => reply.int(read.cast_signed()),
        None => reply.null(),
    }
    reply.text("lag");
    match group.lag(&stream.extent()) {
        Some(lag) => reply.int(lag),
        None => reply.null(),
    }
    reply.text("pel-count");
    reply.int(group.pending().len().cast_signed());
    let pending = first_pending(group, Filter::default(), count);
    reply.text("pending");
    reply.array(pending.len());
    for record in pending {
        reply.array(4);
        write_id(reply, record.id);
        reply.bulk(group.owner_name(record.owner));
        write_delivery(reply, record);
    }
    let consumers = group.consumers_by_name();
    reply.text("consumers");
    reply.array(consumers.len());
    for consumer in consumers {
        write_consumer(reply, group, consumer, count);
    }
}

fn write_consumer(reply: &mut Reply<'_>, group: &Group, consumer: &Consumer, count: usize) {
    reply.map(5);
    reply.text("name");
    reply.bulk(consumer.name());
    reply.text("seen-time");
    reply.int(consumer.seen_ms().cast_signed());
    reply.text("active-time");
    reply.int(consumer.active_ms().map_or(-1, u64::cast_signed));
    reply.text("pel-count");
    reply.int(consumer.pending().cast_signed());
    let owner = Some(Owner::consumer(consumer.number()));
    let pending = first_pending(group, Filter { owner, ..Filter::default() }, count);
    reply.text("pending");
    reply.array(pending.len());
    for record in pending {
        reply.array(3);
        write_id(reply, record.id);
        write_delivery(reply, record);
    }
}

/// When a pending entry was last delivered, and how often.
fn write_delivery(reply: &mut Reply<'_>, record: Record) {
    // Redis forgets the time of an entry that was given back.
    let time_ms = if record.owner.is_unowned() { 0 } else { record.time };
    reply.int(time_ms.cast_signed());
    reply.int(record.count.cast_signed());
}

fn first_pending(group: &Group, filter: Filter, count: usize) -> Vec<Record> {
    let mut first = Vec::new();
    group.scan(StreamId::MIN, filter, |record| {
        first.push(record);
        if first.len() < count { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    first
}
