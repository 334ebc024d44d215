//! XREDRIVE: returning the dead to where they died, or to another stream.

use super::add::{Redriven, add_redriven};
use super::effects::{record_deleted, record_released};
use super::places::Places;
use super::{args, dead_letter, filter};
use crate::command::args::{integer_in, is};
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::command::permission;
use crate::command::store::effect_bytes;
use crate::journal::Class;
use crate::keyspace::ShardSet;
use crate::types::stream::group::Group;
use crate::types::stream::log::Entry;
use crate::types::stream::pending::{Owner, Record};
use crate::types::stream::{RefPolicy, Stream, StreamId};

const COUNT_RANGE: Error = Error::fixed("ERR COUNT must be a positive integer");
const NUMIDS_RANGE: Error = Error::fixed("ERR numids must be a positive integer");
const NUMIDS_MISMATCH: Error = Error::fixed("ERR number of IDs doesn't match numids");
const TO_ITSELF: Error = Error::fixed("ERR TO must be another key than that of the dead letters");

/// Which of the dead are meant.
enum Chosen {
    First(usize),
    Ids(Vec<StreamId>),
}

/// An entry of the stream of dead letters.
struct Letter {
    id: StreamId,
    /// Names and values by turns, without the story.
    fields: Vec<Vec<u8>>,
    /// Where it died; none for an entry that somebody else has put there.
    origin: Option<Origin>,
}

struct Origin {
    key: Vec<u8>,
    group: Vec<u8>,
    id: StreamId,
}

impl Letter {
    fn read(entry: &Entry<'_>) -> Letter {
        let fields: Vec<(&[u8], &[u8])> = entry.fields().collect();
        let own = fields.len().saturating_sub(dead_letter::STORY.len());
        let story = &fields[own..];
        let is_story = story.iter().map(|(name, _)| *name).eq(dead_letter::STORY);
        let origin = is_story.then_some(story).and_then(|story| {
            let id = StreamId::parse(story[2].1, 0)?;
            Some(Origin { key: story[0].1.to_vec(), group: story[1].1.to_vec(), id })
        });
        let kept = if origin.is_some() { &fields[..own] } else { &fields[..] };
        let fields = kept.iter().flat_map(|(name, value)| [name.to_vec(), value.to_vec()]);
        Letter { id: entry.id(), fields: fields.collect(), origin }
    }

    fn fields(&self) -> Vec<&[u8]> {
        self.fields.iter().map(Vec::as_slice).collect()
    }

    /// The stream that it goes to.
    fn target<'l>(&'l self, to: Option<&'l [u8]>) -> Option<&'l [u8]> {
        to.or_else(|| self.origin.as_ref().map(|origin| &*origin.key))
    }
}

pub(super) fn xredrive(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let dlq = args[1];
    let (chosen, to) = parse(&args[2..])?;
    if to == Some(dlq) {
        return Err(TO_ITSELF);
    }
    let Some(stream) = cx.tx.peek_as::<Stream>(dlq)? else {
        cx.reply.int(0);
        return Ok(());
    };
    if let Some(to) = to {
        // Locked as the dead letters are, being named. What is no stream would take none of them.
        cx.tx.peek_as::<Stream>(to)?;
    }
    let letters: Vec<Letter> = match chosen {
        Chosen::First(count) => {
            let all = stream.log().range(StreamId::MIN, StreamId::MAX);
            all.take(count).map(|entry| Letter::read(&entry)).collect()
        }
        Chosen::Ids(mut ids) => {
            // Named twice it is returned once.
            ids.sort_unstable();
            ids.dedup();
            ids.iter().filter_map(|&id| stream.log().get(id)).map(|it| Letter::read(&it)).collect()
        }
    };
    let mut targets: Vec<&[u8]> = letters.iter().filter_map(|letter| letter.target(to)).collect();
    targets.sort_unstable();
    targets.dedup();
    permission::check_written(cx, args, &targets)?;
    let needed: ShardSet = targets.iter().map(|key| cx.tx.keyspace().shard_of(key)).collect();
    if !cx.reach(needed) {
        return Ok(());
    }
    let bytes = |letter: &Letter| 2 * effect_bytes(&letter.fields());
    let bytes: usize = letters.iter().map(bytes).sum();
    cx.hold_room(Class::Ordinary, bytes)?;
    let mut returned = Vec::new();
    for letter in &letters {
        if return_one(cx, letter, to) {
            returned.push(letter.id);
        }
    }
    forget(cx, dlq, &returned)?;
    cx.reply.count(returned.len());
    Ok(())
}

fn parse<'a>(rest: &[&'a [u8]]) -> Result<(Chosen, Option<&'a [u8]>), Error> {
    let [option, count, rest @ ..] = rest else { return Err(Error::SYNTAX) };
    let (chosen, rest) = if is(option, "COUNT") {
        let count = integer_in(count, 1, i64::MAX, COUNT_RANGE)?;
        (Chosen::First(usize::try_from(count).unwrap_or(usize::MAX)), rest)
    } else if is(option, "IDS") {
        let count = integer_in(count, 1, i64::MAX, NUMIDS_RANGE)?;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let (ids, rest) = rest.split_at_checked(count).ok_or(NUMIDS_MISMATCH)?;
        (Chosen::Ids(args::ids(ids)?), rest)
    } else {
        return Err(Error::SYNTAX);
    };
    match rest {
        [] => Ok((chosen, None)),
        [word, key] if is(word, "TO") => Ok((chosen, Some(key))),
        _ => Err(Error::SYNTAX),
    }
}

/// Returns one of the dead; false, and nothing done, if there is no place for it.
fn return_one(cx: &mut Cx<'_, '_>, letter: &Letter, to: Option<&[u8]>) -> bool {
    let Some(key) = letter.target(to) else { return false };
    if !cx.tx.locked().contains(cx.tx.keyspace().shard_of(key)) {
        return false;
    }
    let Some(origin) = letter.origin.as_ref().filter(|_| to.is_none()) else {
        return add_redriven(cx, key, &letter.fields(), Redriven::ToAll);
    };
    let now_ms = cx.tx.now_ms() as u64;
    let Ok(Some(stream)) = cx.tx.peek_as::<Stream>(key) else { return false };
    if stream.group(&origin.group).is_none() {
        return false;
    }
    let entry = stream.log().get(origin.id).filter(|_| !stream.has_expired(origin.id, now_ms));
    // Of the same id, and yet another one, if the stream was made anew.
    let stands = entry.is_some_and(|entry| {
        entry.fields().flat_map(|(name, value)| [name, value]).eq(letter.fields())
    });
    match stands {
        true => return_record(cx, origin),
        false => add_redriven(cx, key, &letter.fields(), Redriven::To(&origin.group)),
    }
}

/// Gives the group its record of the entry back, as one that was never delivered.
fn return_record(cx: &mut Cx<'_, '_>, origin: &Origin) -> bool {
    let Origin { key, group: name, id } = origin;
    let now_ms = cx.tx.recorded_ms();
    let Ok(Some(stream)) = cx.tx.write::<Stream>(key) else { return false };
    let Some((group, log)) = stream.group_mut(name) else { return false };
    let known = group.pending().get(*id);
    // Somebody may have made it pending again already.
    if known.is_some_and(|record| !record.owner.is_unowned()) {
        return true;
    }
    if group.policy().is_none() {
        group.release(*id, 0);
        record_released(cx.tx, key, name, &[(*id, 0)]);
    } else {
        let mut places = Places::new(now_ms);
        let ready = Record { id: *id, owner: Owner::READY, time: now_ms as u64, count: 0 };
        places.put(group, log, ready);
        let due_ms = Group::next_due_ms(group);
        places.record(cx.tx, key, name, b"");
        cx.tx.arm(key, due_ms);
    }
    cx.tx.signal(key);
    true
}

/// Removes what was returned from the dead letters.
fn forget(cx: &mut Cx<'_, '_>, dlq: &[u8], ids: &[StreamId]) -> Outcome {
    let Some(stream) = cx.tx.write::<Stream>(dlq)?.filter(|_| !ids.is_empty()) else {
        return Ok(());
    };
    for &id in ids {
        stream.delete(id, RefPolicy::default());
    }
    if stream.take_groups_changed() {
        cx.tx.signal(dlq);
    }
    record_deleted(cx.tx, dlq, ids);
    filter::pass_on(cx.tx, dlq);
    Ok(())
}
