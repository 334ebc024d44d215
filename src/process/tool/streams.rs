//! The commands that would make a stream.
//!
//! What a client has commands for stands as these; what it has none for as the effect that the journal
//! has of it, and what no effect says alone, as a comment. Replayed, the lines make the stream again.

use std::collections::HashMap;
use std::io::{self, Write};
use std::ops::ControlFlow;

use super::commands::print;
use crate::types::stream::group::Group;
use crate::types::stream::idmp::IdmpLimits;
use crate::types::stream::log::Entry;
use crate::types::stream::pending::{Filter, Owner, Record};
use crate::types::stream::{Stream, StreamId};

/// A command that is being put together.
struct Line(Vec<Vec<u8>>);

impl Line {
    /// With words that are separated by spaces, of which none has any in it.
    fn of(words: &str) -> Line {
        Line(words.split(' ').map(|word| word.as_bytes().to_vec()).collect())
    }

    fn arg(mut self, word: impl AsRef<[u8]>) -> Line {
        self.0.push(word.as_ref().to_vec());
        self
    }

    fn args(self, words: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Line {
        words.into_iter().fold(self, Line::arg)
    }

    fn number(self, number: impl ToString) -> Line {
        self.arg(number.to_string())
    }

    fn print(self, out: &mut impl Write) -> io::Result<()> {
        print(&self.0, out)
    }

    /// As something that is told of only.
    fn tell(self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(b"# ")?;
        self.print(out)
    }
}

pub fn print_stream(key: &[u8], stream: &Stream, out: &mut impl Write) -> io::Result<()> {
    if let Some(policy) = stream.policy() {
        // XCFGSET wants the stream to be there, and what messages are remembered by stands before them.
        Line::of("XPOLICY").arg(key).args(policy.words()).print(out)?;
    }
    let messages: HashMap<StreamId, &[u8]> =
        stream.messages().map(|(message, id)| (id, message)).collect();
    for entry in stream.log().range(StreamId::MIN, StreamId::MAX) {
        print_entry(key, stream, &entry, messages.get(&entry.id()).copied(), out)?;
    }
    if stream.log().is_empty() {
        // What makes an empty stream.
        Line::of("XGROUP CREATE").arg(key).args(["forebay", "0", "MKSTREAM"]).print(out)?;
        Line::of("XGROUP DESTROY").arg(key).arg("forebay").print(out)?;
    }
    let line = Line::of("XSETID").arg(key).number(stream.last_id()).arg("ENTRIESADDED");
    let line = line.number(stream.entries_added()).arg("MAXDELETEDID");
    line.number(stream.max_deleted_id()).print(out)?;
    print_memory(key, stream, out)?;
    // Groups that have got such entries back have them judged again.
    for entry in stream.log().range(StreamId::MIN, StreamId::MAX) {
        if stream.judged_ms(entry.id()).is_some() {
            Line::of("XEXPIRED").arg(key).number(entry.id()).print(out)?;
        }
    }
    stream.groups().try_for_each(|(name, group)| print_group(key, name, group, stream, out))
}

fn print_entry(
    key: &[u8],
    stream: &Stream,
    entry: &Entry<'_>,
    message: Option<&[u8]>,
    out: &mut impl Write,
) -> io::Result<()> {
    let id = entry.id();
    let mut line = Line::of("XADD").arg(key);
    if let Some(message) = message {
        line = line.arg("MESSAGE").arg(message);
    }
    if let Some(group) = stream.addressee(id) {
        line = line.arg("FOR").arg(group);
    }
    if let Some(due_ms) = stream.due_ms(id) {
        line = line.arg("DELAY").number(due_ms);
    }
    if let Some(expires_ms) = stream.expires_ms(id).or_else(|| stream.judged_ms(id)) {
        line = line.arg("TTL").number(expires_ms);
    }
    line = line.number(id);
    for (name, value) in entry.fields() {
        line = line.arg(name).arg(value);
    }
    line.print(out)
}

/// What the stream remembers of its producers and messages.
fn print_memory(key: &[u8], stream: &Stream, out: &mut impl Write) -> io::Result<()> {
    let idmp = stream.idmp();
    let limits = idmp.limits();
    if limits != IdmpLimits::default() {
        let line = Line::of("XCFGSET").arg(key).arg("IDMP-DURATION").number(limits.duration_s);
        line.arg("IDMP-MAXSIZE").number(limits.per_producer_max).print(out)?;
    }
    for (producer, iid, id) in idmp.iter(0) {
        let line = Line::of("XIDMPRECORD").arg(key).arg(producer).arg(iid).number(id);
        // The command wants the entry to be there.
        if stream.log().contains(id) { line.print(out)? } else { line.tell(out)? }
    }
    if (idmp.added(), idmp.duplicates()) != (0, 0) {
        let line = Line::of("XIDMPCOUNT").arg(key).number(idmp.added());
        line.number(idmp.duplicates()).print(out)?;
    }
    for (message, id) in stream.messages().filter(|(_, id)| !stream.log().contains(*id)) {
        Line::of("XADD").arg(key).arg("MESSAGE").arg(message).number(id).tell(out)?;
    }
    Ok(())
}

fn print_group(
    key: &[u8],
    name: &[u8],
    group: &Group,
    stream: &Stream,
    out: &mut impl Write,
) -> io::Result<()> {
    let (log, times) = (stream.log(), stream.times(name));
    // What FORCE makes a record of, for whoever types the command.
    let is_forced = |id| log.contains(id) && !times.is_for_others(id) && !times.has_been_judged(id);
    let read = group.entries_read().map_or("-1".into(), |read| read.to_string());
    let line = Line::of("XGROUP CREATE").arg(key).arg(name).number(group.last_delivered_id());
    line.arg("ENTRIESREAD").arg(read).print(out)?;
    for consumer in group.consumers_by_name() {
        let line = Line::of("XGROUP CREATECONSUMER").arg(key).arg(name);
        line.arg(consumer.name()).print(out)?;
    }
    // Before there is a policy, by which claims are judged.
    each(group, |record| match record.owner.is_unowned() {
        true => Ok(()),
        false => print_held(key, name, group, record, is_forced(record.id), out),
    })?;
    for record in group.pending().released() {
        print_released(key, name, record, is_forced(record.id), out)?;
    }
    if let Some(policy) = group.policy() {
        // What COPY or RENAME has brought to the key of its own dead letters XCFGSET would refuse.
        let is_refused = policy.dlq.as_deref() == Some(key);
        let line = Line::of(if is_refused { "XPOLICY" } else { "XCFGSET" }).arg(key);
        line.arg("GROUP").arg(name).args(policy.words()).print(out)?;
    }
    each(group, |record| {
        let kind = match record.owner {
            Owner::READY => 'r',
            Owner::DEFERRED => 'd',
            Owner::HELD => 'h',
            Owner::FATAL => 'x',
            Owner::USED_UP => 'u',
            Owner::EXPIRED => 'e',
            _ => return Ok(()),
        };
        let place = format!("{kind}{}@{}", record.count, record.time);
        let line = Line::of("XPLACE").arg(key).arg(name).arg("").arg("0").arg("0-0");
        line.number(record.id).arg(place).print(out)
    })?;
    for (at_ms, count) in group.paced() {
        Line::of("XPACE").arg(key).arg(name).number(at_ms).number(count).print(out)?;
    }
    // Deleted while in flight: others with its value wait for it, and what the value was is gone.
    for (id, value) in group.in_line().filter(|(id, _)| !log.contains(*id)) {
        let line = Line::of("ORDERBY").arg(key).arg(name).number(id);
        line.arg(format!("{value:016x}")).tell(out)?;
    }
    Ok(())
}

/// Prints what puts an entry under its consumer: a client's command where FORCE does it.
fn print_held(
    key: &[u8],
    name: &[u8],
    group: &Group,
    record: Record,
    is_forced: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    let owner = group.owner_name(record.owner);
    if is_forced {
        let line = Line::of("XCLAIM").arg(key).arg(name).arg(owner).arg("0").number(record.id);
        let line = line.arg("TIME").number(record.time).arg("RETRYCOUNT").number(record.count);
        return line.arg("JUSTID").arg("FORCE").print(out);
    }
    let line = Line::of("XASSIGN").arg(key).arg(name).arg(owner).number(record.time);
    let line = line.number(group.last_delivered_id());
    line.number(record.id).number(record.count).print(out)
}

/// Prints what releases an entry, as XNACK does in a group without a policy: that where FORCE does it.
fn print_released(
    key: &[u8],
    name: &[u8],
    record: Record,
    is_forced: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    if is_forced {
        let line = Line::of("XNACK").arg(key).arg(name).args(["SILENT", "IDS", "1"]);
        let line = line.number(record.id).arg("RETRYCOUNT").number(record.count);
        return line.arg("FORCE").print(out);
    }
    let line = Line::of("XRELEASE").arg(key).arg(name).number(record.id);
    line.number(record.count).print(out)
}

/// Goes through all pending entries in order of id.
fn each(group: &Group, mut visit: impl FnMut(Record) -> io::Result<()>) -> io::Result<()> {
    let failed = group.scan(StreamId::MIN, Filter::default(), |record| match visit(record) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    });
    failed.map_or(Ok(()), Err)
}
