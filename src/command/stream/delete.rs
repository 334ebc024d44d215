//! XDEL and XDELEX.

use super::trim::{policy, policy_name};
use super::{args, filter};
use crate::command::args::{integer, is};
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::keyspace::EventClass;
use crate::types::stream::{Deletion, RefPolicy, Stream, StreamId};

const NUMIDS_NOT_POSITIVE: Error = Error::fixed("ERR Number of IDs must be a positive integer");
const NUMIDS_MISMATCH: Error =
    Error::fixed("ERR The `numids` parameter must match the number of arguments");

pub(super) fn xdel(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let key = args[1];
    let Some(stream) = cx.tx.write::<Stream>(key)? else {
        cx.reply.int(0);
        return Ok(());
    };
    let ids = args::ids(&args[2..])?;
    let mut effect: Vec<&[u8]> = vec![b"XDEL", key];
    for (&id, &text) in ids.iter().zip(&args[2..]) {
        if stream.delete(id, RefPolicy::Unsaid) == Deletion::Deleted {
            effect.push(text);
        }
    }
    let deleted = effect.len() - 2;
    let groups_changed = stream.take_groups_changed();
    if deleted > 0 {
        if groups_changed {
            cx.tx.signal(key);
        }
        cx.tx.changed(key);
        cx.tx.record(&effect);
        cx.tx.notify(EventClass::STREAM, "xdel", key);
        filter::pass_on(cx.tx, key);
    }
    cx.reply.count(deleted);
    Ok(())
}

/// `[KEEPREF | DELREF | ACKED] IDS numids id…`, as XDELEX and XACKDEL take it.
pub(super) struct PolicyAndIds<'a> {
    pub policy: RefPolicy,
    pub ids: &'a [&'a [u8]],
}

impl<'a> PolicyAndIds<'a> {
    pub fn parse(mut rest: &'a [&'a [u8]]) -> Result<PolicyAndIds<'a>, Error> {
        let mut given = None;
        let mut ids: &[&[u8]] = &[];
        while let [option, more @ ..] = rest {
            if let Some(policy) = policy(option)
                && given.is_none()
            {
                given = Some(policy);
                rest = more;
                continue;
            }
            let [numids, more @ ..] = more else { return Err(Error::SYNTAX) };
            if !is(option, "IDS") {
                return Err(Error::SYNTAX);
            }
            let count = integer(numids).ok().and_then(|count| usize::try_from(count).ok());
            let count = count.filter(|&count| count > 0).ok_or(NUMIDS_NOT_POSITIVE)?;
            (ids, rest) = more.split_at_checked(count).ok_or(NUMIDS_MISMATCH)?;
        }
        if ids.is_empty() {
            return Err(Error::SYNTAX);
        }
        Ok(PolicyAndIds { policy: given.unwrap_or_default(), ids })
    }
}

pub(super) fn xdelex(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let key = args[1];
    cx.tx.read::<Stream>(key)?;
    let PolicyAndIds { policy, ids } = PolicyAndIds::parse(&args[2..])?;
    let Some(stream) = cx.tx.write::<Stream>(key)? else {
        cx.reply.array(ids.len());
        (0..ids.len()).for_each(|_| cx.reply.int(-1));
        return Ok(());
    };
    let parsed = args::ids(ids)?;
    let mut changed: Vec<StreamId> = Vec::new();
    let mut deleted = false;
    cx.reply.array(ids.len());
    for &id in &parsed {
        match stream.delete(id, policy) {
            Deletion::Deleted => {
                changed.push(id);
                deleted = true;
                cx.reply.int(1);
            }
            Deletion::StillAwaited => cx.reply.int(2),
            Deletion::NoSuchEntry => {
                if policy == RefPolicy::DelRef && stream.forget_references(id) {
                    changed.push(id);
                }
                cx.reply.int(-1);
            }
        }
    }
    let groups_changed = stream.take_groups_changed();
    if !changed.is_empty() {
        if groups_changed {
            cx.tx.signal(key);
        }
        cx.tx.changed(key);
        let word = Some(policy_name(policy).as_bytes()).filter(|word| !word.is_empty());
        if let Some(effect) = cx.tx.effect(4 + word.iter().len() + changed.len()) {
            let effect = effect.arg(b"XDELEX").arg(key).args(word);
            let effect = effect.arg(b"IDS").display(changed.len());
            changed.iter().fold(effect, |effect, id| effect.display(id)).end();
        }
        if deleted {
            cx.tx.notify(EventClass::STREAM, "xdel", key);
            filter::pass_on(cx.tx, key);
        }
    }
    Ok(())
}
