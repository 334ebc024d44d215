//! Reading streams.
//!
//! ```text
//! stream   nodes, (first id as a string of 16 bytes, listpack)…
//!          length, last id, [2: first id, greatest deleted id, entries ever added]
//!          groups, group…, [4: idempotency]
//! group    name, last delivered id, [2: entries read]
//!          pending, (id, delivered at, deliveries)…
//!          consumers, (name, seen at, [3: active at], pending, id…)…, [5: unowned, id…]
//! node     live, deleted, fields, name…, 0, entry…
//! entry    flags, ms - first, seq - first, value… | fields, (name, value)…, elements of the entry
//! idempotency  seconds, ids a producer, producers, (name, ids, (id, entry id)…)…, added, duplicates
//! ```
//! The numbers are those of the forms that have it first. Ids are big endian in strings and in lists
//! of pending entries, else two lengths; times are 8 bytes, little endian, Unix ms.

use crate::rdb::kind;
use crate::rdb::packed::{BadPacking, listpack};
use crate::rdb::source::{Reading, Source};
use crate::types::stream::group::{DELIVERIES_MAX, Group};
use crate::types::stream::idmp::IdmpLimits;
use crate::types::stream::log::NodeLimits;
use crate::types::stream::{RefPolicy, Stream, StreamId};
use crate::types::text::Text;

use super::list::packing;

/// The forms of a stream, each with more in it than the one before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Form {
    V1,
    V2,
    V3,
    V4,
    V5,
}

impl Form {
    /// The form of a type byte that is a stream's.
    pub(super) fn of_kind(kind: u8) -> Form {
        match kind {
            kind::value::STREAM_LISTPACKS => Form::V1,
            kind::value::STREAM_LISTPACKS_2 => Form::V2,
            kind::value::STREAM_LISTPACKS_3 => Form::V3,
            kind::value::STREAM_LISTPACKS_4 => Form::V4,
            _ => Form::V5,
        }
    }
}

/// Nodes end where the file says, not where a limit would have them end.
const NODE_STARTS: NodeLimits = NodeLimits { bytes_max: 0, entries_max: 1 };
const NODE_GOES_ON: NodeLimits = NodeLimits { bytes_max: 0, entries_max: 0 };

pub(super) fn stream(source: &mut Source<'_>, form: Form, limits: IdmpLimits) -> Reading<Stream> {
    let mut stream = Stream::new(limits);
    for _ in 0..source.length()? {
        let first = source.string()?;
        let first = first.as_slice().try_into().map(id_from_bytes);
        let first = first.map_err(|_| source.malformed("the id of a stream's node is no id"))?;
        let node = source.string()?;
        read_node(&mut stream, first, &node).map_err(|bad| packing(source, bad))?;
    }
    if source.length()? != stream.log().len() {
        return Err(source.malformed("a stream is not as long as it says"));
    }
    let last_added = stream.last_id();
    let last_id = id(source)?;
    if last_id < last_added {
        return Err(source.malformed("the last id of a stream is not its last"));
    }
    let (max_deleted_id, entries_added) = match form {
        Form::V1 => (StreamId::MIN, stream.log().len()),
        _ => {
            // Which entry is the first can be seen.
            id(source)?;
            (id(source)?, source.length()?)
        }
    };
    if entries_added < stream.log().len() {
        return Err(source.malformed("a stream has more entries than were ever added"));
    }
    stream.set_id(last_id, Some(entries_added), Some(max_deleted_id));
    for _ in 0..source.length()? {
        let name = source.string()?;
        let group = read_group(source, form, &stream)?;
        if !stream.add_group(&name, group) {
            return Err(source.malformed("a stream has two groups of one name"));
        }
    }
    if form >= Form::V4 {
        read_idempotency(source, &mut stream)?;
    }
    Ok(stream)
}

fn id_from_bytes(bytes: [u8; 16]) -> StreamId {
    let whole = u128::from_be_bytes(bytes);
    StreamId { ms: (whole >> 64) as u64, seq: whole as u64 }
}

fn id(source: &mut Source<'_>) -> Reading<StreamId> {
    Ok(StreamId { ms: source.length()?, seq: source.length()? })
}

fn raw_id(source: &mut Source<'_>) -> Reading<StreamId> {
    source.array().map(id_from_bytes)
}

/// Adds a node's entries. Those that were deleted are added and deleted again, so that the node is
/// as full as it was.
fn read_node(stream: &mut Stream, first: StreamId, node: &[u8]) -> Result<(), BadPacking> {
    let mut elements = listpack::read(node)?;
    let live = elements.integer()?;
    let deleted = elements.integer()?;
    let mut names = Vec::new();
    for _ in 0..elements.integer()? {
        names.push(elements.required()?);
    }
    if elements.integer()? != 0 {
        return Err(BadPacking("the first record of a stream's node does not end"));
    }
    let mut gone = Vec::new();
    let mut entries = 0;
    let mut limits = NODE_STARTS;
    let mut fields = Vec::new();
    while let Some(flags) = elements.next_element()? {
        fields.clear();
        let (id, is_deleted) = read_entry(&mut elements, &flags, first, &names, &mut fields)?;
        if id <= stream.last_id() {
            return Err(BadPacking("the ids of a stream do not rise"));
        }
        let fields: Vec<&[u8]> = fields.iter().map(|field: &Text<'_>| &**field).collect();
        if stream.append(id, &fields, limits).is_err() {
            return Err(BadPacking("an entry of a stream is too large"));
        }
        limits = NODE_GOES_ON;
        entries += 1;
        if is_deleted {
            gone.push(id);
        }
    }
    if gone.len() as i64 != deleted || entries - deleted != live || live < 1 {
        return Err(BadPacking("a node of a stream does not have the entries it says"));
    }
    for id in gone {
        stream.delete(id, RefPolicy::KeepRef);
    }
    Ok(())
}

/// Reads an entry behind its flags: its fields, its id, and whether it is deleted.
fn read_entry<'n>(
    elements: &mut listpack::Elements<'n>,
    flags: &[u8],
    first: StreamId,
    names: &[Text<'n>],
    fields: &mut Vec<Text<'n>>,
) -> Result<(StreamId, bool), BadPacking> {
    let flags = crate::types::number::parse_i64(flags)
        .ok_or(BadPacking("the flags of an entry are no number"))?;
    // Differences may pass the end of the numbers, and wrap around there as they did when written.
    let ms = first.ms.wrapping_add(elements.integer()? as u64);
    let seq = first.seq.wrapping_add(elements.integer()? as u64);
    let mut count = 3;
    if flags & kind::entry::SAME_FIELDS != 0 {
        for name in names {
            fields.extend([*name, elements.required()?]);
        }
        count += names.len() as i64;
    } else {
        let own = elements.integer()?;
        for _ in 0..own {
            fields.extend([elements.required()?, elements.required()?]);
        }
        // As many as were read, whatever was stated.
        count += 1 + fields.len() as i64;
    }
    if fields.is_empty() {
        return Err(BadPacking("an entry of a stream has no fields"));
    }
    if elements.integer()? != count {
        return Err(BadPacking("an entry of a stream does not have the elements it says"));
    }
    Ok((StreamId { ms, seq }, flags & kind::entry::DELETED != 0))
}

/// A pending entry being read; its owner comes later.
struct Pending {
    id: StreamId,
    delivered_at_ms: u64,
    deliveries: u64,
    owner: Option<u32>,
}

fn read_group(source: &mut Source<'_>, form: Form, stream: &Stream) -> Reading<Group> {
    let last_delivered_id = id(source)?;
    let entries_read = match form {
        Form::V1 => stream.extent().entries_up_to(last_delivered_id),
        _ => match source.length()? {
            u64::MAX => None,
            read if read > i64::MAX as u64 => {
                return Err(source.malformed("a group has read a negative count of entries"));
            }
            read => Some(read),
        },
    };
    let mut group = Group::new(last_delivered_id, entries_read);
    let mut pending = Vec::new();
    for _ in 0..source.length()? {
        pending.push(Pending {
            id: raw_id(source)?,
            delivered_at_ms: time_ms(source)?,
            deliveries: source.length()?.min(DELIVERIES_MAX),
            owner: None,
        });
    }
    pending.sort_unstable_by_key(|one| one.id);
    if pending.windows(2).any(|pair| pair[0].id == pair[1].id) {
        return Err(source.malformed("an entry is pending twice in one group"));
    }
    for _ in 0..source.length()? {
        read_consumer(source, form, &mut group, &mut pending)?;
    }
    for one in &pending {
        if let Some(owner) = one.owner {
            group.assign(one.id, owner, one.delivered_at_ms, one.deliveries);
        }
    }
    if form >= Form::V5 {
        // They stand in the order in which they were released.
        for _ in 0..source.length()? {
            let id = raw_id(source)?;
            let at = pending.binary_search_by_key(&id, |one| one.id);
            let one = at.ok().map(|at| &pending[at]).filter(|one| one.owner.is_none());
            let one =
                one.ok_or_else(|| source.malformed("an entry without an owner is not pending"))?;
            group.release(id, one.deliveries);
        }
    }
    for one in pending.iter().filter(|one| one.owner.is_none()) {
        if group.pending().get(one.id).is_none() {
            group.release(one.id, one.deliveries);
        }
    }
    Ok(group)
}

/// Unix ms.
fn time_ms(source: &mut Source<'_>) -> Reading<u64> {
    match source.u64_le()? {
        ms if ms > i64::MAX as u64 => Err(source.malformed("a time before 1970")),
        ms => Ok(ms),
    }
}

fn read_consumer(
    source: &mut Source<'_>,
    form: Form,
    group: &mut Group,
    pending: &mut [Pending],
) -> Reading<()> {
    let name = source.string()?;
    let seen_ms = time_ms(source)?;
    let active_ms = match form {
        Form::V1 | Form::V2 => Some(seen_ms),
        // -1: never.
        _ => Some(source.u64_le()?).filter(|&ms| ms <= i64::MAX as u64),
    };
    let number = group
        .create_consumer(&name, seen_ms)
        .ok_or_else(|| source.malformed("a group has two consumers of one name"))?;
    group.set_consumer_times(number, seen_ms, active_ms);
    for _ in 0..source.length()? {
        let id = raw_id(source)?;
        let at = pending.binary_search_by_key(&id, |one| one.id);
        let one = at.ok().map(|at| &mut pending[at]).filter(|one| one.owner.is_none());
        match one {
            Some(one) => one.owner = Some(number),
            None => return Err(source.malformed("a consumer holds an entry that is not pending")),
        }
    }
    Ok(())
}

fn read_idempotency(source: &mut Source<'_>, stream: &mut Stream) -> Reading<()> {
    let limit = |limit: u64| u32::try_from(limit).ok().filter(|&limit| limit > 0);
    let (duration_s, per_producer_max) = (limit(source.length()?), limit(source.length()?));
    let (Some(duration_s), Some(per_producer_max)) = (duration_s, per_producer_max) else {
        return Err(source.malformed("no such limits of idempotency"));
    };
    stream.idmp_mut().set_limits(IdmpLimits { duration_s, per_producer_max });
    for _ in 0..source.length()? {
        let producer = source.string()?;
        for _ in 0..source.length()? {
            let iid = source.string()?;
            let entry = id(source)?;
            // At time 0 nothing has expired yet: what has is forgotten when it is next looked for.
            if stream.idmp_mut().restore(&producer, &iid, entry, 0).is_err() {
                return Err(source.malformed("an idempotency id stands for two entries"));
            }
        }
    }
    let (added, duplicates) = (source.length()?, source.length()?);
    stream.idmp_mut().set_counts(added, duplicates);
    Ok(())
}
