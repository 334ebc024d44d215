//! XACK and XACKDEL.

use super::args::{id, ids};
use super::effects::record_acknowledged;
use super::reply::IdText;
use super::retention;
use crate::command::args::{integer_in, is};
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::keyspace::EventClass;
use crate::types::stream::group::Group;
use crate::types::stream::{Deletion, RefPolicy, Stream, StreamId};

pub(super) fn xack(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (key, name) = (args[1], args[2]);
    let stream = cx.tx.write::<Stream>(key)?;
    let may_shed = stream.as_ref().is_some_and(|stream| stream.may_shed());
    let Some((group, _)) = stream.and_then(|stream| stream.group_mut(name)) else {
        // Redis does not look at the ids then.
        cx.reply.int(0);
        return Ok(());
    };
    if let [text] = args[3..] {
        // Most often it is one id: no list is made then.
        let id = id(text, 0)?;
        let acknowledged = group.acknowledge(id).is_some();
        let frees_others = group.frees_others();
        cx.reply.int(i64::from(acknowledged));
        if acknowledged {
            record_acknowledged(cx.tx, key, name, &[id]);
            if may_shed {
                retention::settle(cx.tx, key, &[id]);
            }
            if frees_others {
                cx.tx.signal(key);
            }
        }
        return Ok(());
    }
    let mut ids = ids(&args[3..])?;
    ids.retain(|&id| group.acknowledge(id).is_some());
    let frees_others = group.frees_others();
    cx.reply.count(ids.len());
    if !ids.is_empty() {
        record_acknowledged(cx.tx, key, name, &ids);
        if may_shed {
            retention::settle(cx.tx, key, &ids);
        }
        if frees_others {
            cx.tx.signal(key);
        }
    }
    Ok(())
}

/// The words about the references that other groups have to an entry that is to go.
const POLICIES: [(&str, RefPolicy); 3] =
    [("KEEPREF", RefPolicy::KeepRef), ("DELREF", RefPolicy::DelRef), ("ACKED", RefPolicy::Acked)];

/// What XACKDEL answers for an id.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AckDeleted {
    NotPending = -1,
    Deleted = 1,
    /// Acknowledged, and still needed elsewhere.
    Kept = 2,
}

pub(super) fn xackdel(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (key, name) = (args[1], args[2]);
    // A key of another type is told before anything about the options.
    let stream = cx.tx.write::<Stream>(key)?;
    let (policy, id_texts) = ackdel_options(&args[3..])?;
    let Some(stream) = stream.filter(|stream| stream.group(name).is_some()) else {
        cx.reply.array(id_texts.len());
        id_texts.iter().for_each(|_| cx.reply.int(AckDeleted::NotPending as i64));
        return Ok(());
    };
    let ids = ids(id_texts)?;
    let length_before = stream.log().len();
    let mut acknowledged = Vec::new();
    cx.reply.array(ids.len());
    for id in ids {
        let outcome = acknowledge_and_delete(stream, name, policy, id);
        if outcome != AckDeleted::NotPending {
            acknowledged.push(id);
        }
        cx.reply.int(outcome as i64);
    }
    let deleted = stream.log().len() < length_before;
    let frees_others = stream.group(name).is_some_and(Group::frees_others);
    let groups_changed = stream.take_groups_changed();
    if acknowledged.is_empty() {
        return Ok(());
    }
    if frees_others || groups_changed {
        cx.tx.signal(key);
    }
    if deleted {
        cx.tx.changed(key);
        cx.tx.notify(EventClass::STREAM, "xdel", key);
    } else {
        cx.tx.changed_unwatched(key);
    }
    let word = POLICIES.iter().find(|(_, known)| *known == policy).map(|it| it.0.as_bytes());
    if let Some(effect) = cx.tx.effect(5 + word.iter().len() + acknowledged.len()) {
        let effect = effect.args([b"XACKDEL" as &[u8], key, name]).args(word).arg(b"IDS");
        let effect = effect.int(acknowledged.len() as i64);
        acknowledged.iter().fold(effect, |it, &id| it.arg(IdText::new(id).as_bytes())).end();
    }
    // What the policy of references kept may be over all the same: it has expired.
    retention::settle(cx.tx, key, &acknowledged);
    Ok(())
}

fn acknowledge_and_delete(
    stream: &mut Stream,
    name: &[u8],
    policy: RefPolicy,
    id: StreamId,
) -> AckDeleted {
    let group = stream.group_mut(name);
    if group.and_then(|(group, _)| group.acknowledge(id)).is_none() {
        return AckDeleted::NotPending;
    }
    let deletion = stream.delete(id, policy);
    if policy == RefPolicy::DelRef && deletion == Deletion::NoSuchEntry {
        // References outlive their entry.
        stream.forget_references(id);
    }
    match deletion {
        Deletion::StillAwaited => AckDeleted::Kept,
        Deletion::Deleted | Deletion::NoSuchEntry => AckDeleted::Deleted,
    }
}

/// What stands behind the group: at most one word about references, and the ids.
fn ackdel_options<'a, 'b>(mut args: &'a [&'b [u8]]) -> Result<(RefPolicy, &'a [&'b [u8]]), Error> {
    let mut policy = None;
    let mut ids = None;
    while let [word, rest @ ..] = args {
        let named = POLICIES.iter().find(|(name, _)| is(word, name));
        if named.is_some() && policy.is_none() {
            policy = named.map(|&(_, policy)| policy);
            args = rest;
        } else if is(word, "IDS")
            && let [count, rest @ ..] = rest
        {
            let not_positive = Error::fixed("ERR Number of IDs must be a positive integer");
            let count = integer_in(count, 1, i64::MAX, not_positive)? as usize;
            if count > rest.len() {
                return Err(Error::fixed(
                    "ERR The `numids` parameter must match the number of arguments",
                ));
            }
            let (given, rest) = rest.split_at(count);
            ids = Some(given);
            args = rest;
        } else {
            return Err(Error::SYNTAX);
        }
    }
    let ids = ids.ok_or(Error::SYNTAX)?;
    Ok((policy.unwrap_or_default(), ids))
}
