//! XCFGSET: what a stream or a group does by itself.
//!
//! ```text
//! XPOLICY key [GROUP group] [parameter value …]   the effect: the whole policy as it is now
//! ```

use super::args::no_group_for_key;
use super::idempotency::{self, GivenLimits};
use super::retention;
use crate::command::args::is;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::keyspace::Tx;
use crate::resp::Reply;
use crate::types::stream::Stream;
use crate::types::stream::idmp::IdmpLimits;
use crate::types::stream::policy::{BadPolicy, GroupPolicy, StreamPolicy};

const NOTHING_TO_SET: Error = Error::fixed("ERR At least one parameter must be specified");
const DLQ_IS_ITSELF: Error =
    Error::fixed("ERR DLQ must be another key than that of the stream itself");

impl From<BadPolicy> for Error {
    fn from(bad: BadPolicy) -> Error {
        Error::new(format!("ERR {bad}"))
    }
}

/// The group that a request names before its parameters, and the parameters.
fn split_group<'a, 'r>(rest: &'r [&'a [u8]]) -> (Option<&'a [u8]>, &'r [&'a [u8]]) {
    match rest {
        [word, group, rest @ ..] if is(word, "GROUP") => (Some(*group), rest),
        rest => (None, rest),
    }
}

pub(super) fn xcfgset(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let key = args[1];
    let (group, words) = split_group(&args[2..]);
    if words.is_empty() {
        return Err(NOTHING_TO_SET);
    }
    match group {
        Some(group) => set_on_group(cx.tx, key, group, words)?,
        None => set_on_stream(cx.tx, key, words)?,
    }
    cx.reply.ok();
    Ok(())
}

fn set_on_stream(tx: &mut Tx<'_>, key: &[u8], words: &[&[u8]]) -> Outcome {
    let mut limits = GivenLimits::default();
    let mut checked = StreamPolicy::default();
    let mut own: Vec<&[u8]> = Vec::new();
    let mut rest = words;
    while !rest.is_empty() {
        let taken = match limits.take(rest)? {
            Some(taken) => taken,
            None => {
                let taken = checked.add_first(rest).map_err(|bad| match bad {
                    // Redis knows the command, and answers in these words.
                    BadPolicy::Unknown(_) => Error::SYNTAX,
                    bad => bad.into(),
                })?;
                own.extend(&rest[..taken]);
                taken
            }
        };
        rest = &rest[taken..];
    }
    let stream = tx.write::<Stream>(key)?.ok_or(Error::NO_SUCH_KEY)?;
    let before = stream.policy().cloned().unwrap_or_default();
    let mut policy = before.clone();
    policy.set(&own)?;
    let limits_changed = limits.apply(stream);
    let limits = stream.idmp().limits();
    stream.set_policy(policy.clone());
    if limits_changed {
        tx.changed(key);
        if let Some(effect) = tx.effect(6) {
            idempotency::write_limits(effect.arg(b"XCFGSET").arg(key), limits).end();
        }
    }
    if policy != before {
        tx.changed(key);
        record_policy(tx, key, None, &policy.words());
        retention::groups_moved(tx, key);
    }
    Ok(())
}

fn set_on_group(tx: &mut Tx<'_>, key: &[u8], name: &[u8], words: &[&[u8]]) -> Outcome {
    // Looked at before the key, as all that is wrong with a request by itself.
    GroupPolicy::default().set(words)?;
    let at_ms = tx.recorded_ms();
    let stream = tx.write::<Stream>(key)?.ok_or(Error::NO_SUCH_KEY)?;
    let (group, _) = stream.group_mut(name).ok_or_else(|| no_group_for_key(key, name))?;
    let before = group.policy().cloned().unwrap_or_default();
    let mut policy = before.clone();
    policy.set(words)?;
    if policy.dlq.as_deref() == Some(key) {
        return Err(DLQ_IS_ITSELF);
    }
    if policy != before {
        stream.set_group_policy(name, policy.clone(), at_ms);
        let due_ms = stream.next_due_ms();
        tx.arm(key, due_ms);
        tx.changed_unwatched(key);
        // What is in the group may be readable now.
        tx.signal(key);
        record_policy(tx, key, Some(name), &policy.words());
        retention::groups_moved(tx, key);
    }
    Ok(())
}

/// Records the whole policy of a stream, or of a group.
pub(super) fn record_policy(tx: &mut Tx<'_>, key: &[u8], group: Option<&[u8]>, words: &[Vec<u8>]) {
    let Some(effect) = tx.effect(2 + 2 * usize::from(group.is_some()) + words.len()) else {
        return;
    };
    let effect = effect.arg(b"XPOLICY").arg(key);
    let effect = effect.args(group.into_iter().flat_map(|group| [b"GROUP".as_slice(), group]));
    effect.args(words.iter().map(Vec::as_slice)).end();
}

/// `XPOLICY key [GROUP group] [parameter value …]`: a policy in place of the one there is. A stream that
/// is not there is made.
pub(super) fn xpolicy(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let key = args[1];
    let (group, words) = split_group(&args[2..]);
    let at_ms = cx.tx.recorded_ms();
    let stream = cx.tx.write_or_insert(key, || Stream::new(IdmpLimits::default()))?;
    match group {
        Some(name) => {
            let mut policy = GroupPolicy::default();
            policy.set(words)?;
            if !stream.set_group_policy(name, policy, at_ms) {
                return Err(no_group_for_key(key, name));
            }
        }
        None => {
            let mut policy = StreamPolicy::default();
            policy.set(words)?;
            stream.set_policy(policy);
        }
    }
    retention::groups_moved(cx.tx, key);
    cx.tx.changed(key);
    cx.tx.record(&[]);
    Ok(())
}

/// A policy as XCFGSET takes it, a word an element.
pub(super) fn write_words(reply: &mut Reply<'_>, words: &[Vec<u8>]) {
    reply.text("policy");
    reply.array(words.len());
    words.iter().for_each(|word| reply.bulk(word));
}
