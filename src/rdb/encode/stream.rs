//! Writing streams; [`decode`](crate::rdb::decode) has their layout.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::ops::ControlFlow;

use super::{Form, RELEASED_CONSUMER, length, string};
use crate::rdb::kind::entry;
use crate::rdb::packed::listpack;
use crate::types::stream::group::{Consumer, Group};
use crate::types::stream::log::Entry;
use crate::types::stream::pending::{Filter, Owner, Record};
use crate::types::stream::{Stream, StreamId};

pub(super) fn stream(out: &mut dyn Write, stream: &Stream, form: Form) -> io::Result<()> {
    let log = stream.log();
    length(out, log.node_count() as u64)?;
    let mut entries = log.range(StreamId::MIN, StreamId::MAX).peekable();
    for node_last in log.node_ends() {
        let in_node = std::iter::from_fn(|| entries.next_if(|entry| entry.id() <= node_last));
        write_node(out, in_node)?;
    }
    let extent = stream.extent();
    length(out, extent.length)?;
    id(out, extent.last_id)?;
    id(out, extent.first_id)?;
    id(out, extent.max_deleted_id)?;
    length(out, extent.entries_added)?;
    length(out, stream.groups().len() as u64)?;
    for (name, one) in stream.groups() {
        string(out, name)?;
        group(out, one, form)?;
    }
    match form {
        Form::Common | Form::WithFieldDeadlines => Ok(()),
        Form::WithIdempotency | Form::WithUnowned => idempotency(out, stream),
    }
}

fn id(out: &mut dyn Write, id: StreamId) -> io::Result<()> {
    length(out, id.ms)?;
    length(out, id.seq)
}

fn id_bytes(id: StreamId) -> [u8; 16] {
    (u128::from(id.ms) << 64 | u128::from(id.seq)).to_be_bytes()
}

/// Writes the entries of one node, of which there is at least one.
fn write_node<'e>(out: &mut dyn Write, entries: impl Iterator<Item = Entry<'e>>) -> io::Result<()> {
    let entries: Vec<Entry<'e>> = entries.collect();
    let Some(first) = entries.first() else { return Ok(()) };
    let mut node = listpack::Builder::new();
    node.push_integer(entries.len() as i64);
    node.push_integer(0);
    node.push_integer(first.field_count() as i64);
    for (name, _) in first.fields() {
        node.push(name);
    }
    node.push_integer(0);
    for entry in &entries {
        push_entry(&mut node, first, entry);
    }
    string(out, &id_bytes(first.id()))?;
    string(out, &node.finish())
}

fn push_entry(node: &mut listpack::Builder, first: &Entry<'_>, one: &Entry<'_>) {
    let names = first.fields().map(|(name, _)| name);
    let same_fields = names.eq(one.fields().map(|(name, _)| name));
    node.push_integer(if same_fields { entry::SAME_FIELDS } else { 0 });
    node.push_integer(one.id().ms.wrapping_sub(first.id().ms) as i64);
    node.push_integer(one.id().seq.wrapping_sub(first.id().seq) as i64);
    let count = one.field_count() as i64;
    if !same_fields {
        node.push_integer(count);
    }
    for (name, value) in one.fields() {
        if !same_fields {
            node.push(name);
        }
        node.push(value);
    }
    node.push_integer(if same_fields { 3 + count } else { 4 + 2 * count });
}

fn group(out: &mut dyn Write, group: &Group, form: Form) -> io::Result<()> {
    id(out, group.last_delivered_id())?;
    length(out, group.entries_read().unwrap_or(u64::MAX))?;
    length(out, group.pending().len())?;
    each_record(group, Filter::default(), |record| {
        out.write_all(&id_bytes(record.id))?;
        // Of the unowned the time is their place in the order of release.
        let delivered_at_ms = if record.owner.is_unowned() { 0 } else { record.time };
        out.write_all(&delivered_at_ms.to_le_bytes())?;
        length(out, record.count)
    })?;
    let consumers = group.consumers_by_name();
    let gives_owner = form < Form::WithUnowned && group.unowned_count() > 0;
    let has_namesake = group.consumer(RELEASED_CONSUMER).is_some();
    length(out, (consumers.len() + usize::from(gives_owner && !has_namesake)) as u64)?;
    for consumer in consumers {
        let takes_unowned = gives_owner && consumer.name() == RELEASED_CONSUMER;
        write_consumer(out, group, consumer, takes_unowned)?;
    }
    if gives_owner && !has_namesake {
        string(out, RELEASED_CONSUMER)?;
        consumer_times(out, 0, None)?;
        length(out, group.unowned_count())?;
        unowned(out, group)?;
    }
    if form >= Form::WithUnowned {
        length(out, group.unowned_count())?;
        for record in group.pending().unowned() {
            out.write_all(&id_bytes(record.id))?;
        }
    }
    Ok(())
}

fn consumer_times(out: &mut dyn Write, seen_ms: u64, active_ms: Option<u64>) -> io::Result<()> {
    out.write_all(&seen_ms.to_le_bytes())?;
    out.write_all(&active_ms.unwrap_or(u64::MAX).to_le_bytes())
}

fn write_consumer(
    out: &mut dyn Write,
    group: &Group,
    consumer: &Consumer,
    takes_unowned: bool,
) -> io::Result<()> {
    string(out, consumer.name())?;
    consumer_times(out, consumer.seen_ms(), consumer.active_ms())?;
    let more = if takes_unowned { group.unowned_count() } else { 0 };
    length(out, consumer.pending() + more)?;
    let owner = Some(Owner::consumer(consumer.number()));
    let own = Filter { owner, ..Filter::default() };
    each_record(group, own, |record| out.write_all(&id_bytes(record.id)))?;
    if takes_unowned { unowned(out, group) } else { Ok(()) }
}

fn unowned(out: &mut dyn Write, group: &Group) -> io::Result<()> {
    let unowned = Filter { delivered_by_ms: Some(-1), ..Filter::default() };
    each_record(group, unowned, |record| out.write_all(&id_bytes(record.id)))
}

fn each_record(
    group: &Group,
    filter: Filter,
    mut each: impl FnMut(Record) -> io::Result<()>,
) -> io::Result<()> {
    let failed = group.scan(StreamId::MIN, filter, |record| match each(record) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    });
    failed.map_or(Ok(()), Err)
}

/// All that is remembered, expired or not: when a payload is read nobody need know the time at which
/// it was written.
fn idempotency(out: &mut dyn Write, stream: &Stream) -> io::Result<()> {
    let idmp = stream.idmp();
    length(out, u64::from(idmp.limits().duration_s))?;
    length(out, u64::from(idmp.limits().per_producer_max))?;
    let mut producers: BTreeMap<&[u8], Vec<(&[u8], StreamId)>> = BTreeMap::new();
    for (producer, iid, entry) in idmp.iter(0) {
        producers.entry(producer).or_default().push((iid, entry));
    }
    length(out, producers.len() as u64)?;
    for (producer, iids) in producers {
        string(out, producer)?;
        length(out, iids.len() as u64)?;
        for (iid, entry) in iids {
            string(out, iid)?;
            id(out, entry)?;
        }
    }
    length(out, idmp.added())?;
    length(out, idmp.duplicates())
}
