//! Passing over the entries that a group's FILTER does not admit, as its cursor comes to them.
//!
//! ```text
//! XPASS key to-id [group …]   the cursors of these groups have passed all entries up to `to-id`
//! ```

use super::reply::IdText;
use super::{args, retention};
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::glob::{self, Case};
use crate::keyspace::Tx;
use crate::types::stream::group::Group;
use crate::types::stream::log::Entry;
use crate::types::stream::{Stream, StreamId};

/// Entries that one group passes in one step.
const ENTRIES_PER_STEP: usize = 256;

/// Whether an entry is for a group.
pub(super) fn admits(group: &Group, entry: &Entry<'_>) -> bool {
    let is_match = |glob: &[u8], value: &[u8]| glob::matches(glob, value, Case::Sensitive);
    group.policy().is_none_or(|policy| policy.admits(entry.fields(), is_match))
}

/// Has groups pass on that stood before entries which are gone now, if any did.
#[inline]
pub(super) fn pass_on(tx: &mut Tx<'_>, key: &[u8]) {
    let is_filtering = !tx.is_replaying()
        && tx.peek_as::<Stream>(key).is_ok_and(|it| it.is_some_and(Stream::is_filtering));
    if is_filtering {
        pass_unwanted(tx, key);
    }
}

/// Has groups pass what is not for them, each as far as the first entry that is, and what has expired.
/// Where that is far, some of it, and the rest as soon as somebody looks after the stream.
pub(super) fn pass_unwanted(tx: &mut Tx<'_>, key: &[u8]) {
    let Ok(Some(stream)) = tx.write::<Stream>(key) else { return };
    if !stream.has_filters() {
        return;
    }
    let mut passes: Vec<(StreamId, Vec<Box<[u8]>>)> = Vec::new();
    let mut settled: Vec<StreamId> = Vec::new();
    let mut is_whole = true;
    for (name, group) in stream.groups() {
        if group.policy().is_none_or(|policy| policy.filters.is_empty()) {
            continue;
        }
        let is_for_it = |entry: &Entry<'_>| match stream.addressee(entry.id()) {
            Some(addressee) => addressee == name,
            None => admits(group, entry),
        };
        let is_unwanted =
            |entry: &Entry<'_>| !is_for_it(entry) || stream.has_been_judged(entry.id());
        let unwanted = group.undelivered(stream.log()).take_while(is_unwanted);
        let ids: Vec<StreamId> = unwanted.take(ENTRIES_PER_STEP).map(|entry| entry.id()).collect();
        is_whole &= ids.len() < ENTRIES_PER_STEP;
        let Some(&to) = ids.last() else { continue };
        // After an XADD most groups pass the same one entry.
        match passes.iter_mut().find(|(other, _)| *other == to) {
            Some((_, names)) => names.push(name.into()),
            None => passes.push((to, vec![name.into()])),
        }
        settled.extend(ids);
    }
    stream.set_filtering(!is_whole);
    for (to, names) in &passes {
        pass(stream, *to, names.iter().map(|name| &**name));
    }
    for (to, names) in &passes {
        tx.changed_unwatched(key);
        if let Some(effect) = tx.effect(3 + names.len()) {
            let effect = effect.arg(b"XPASS").arg(key).arg(IdText::new(*to).as_bytes());
            effect.args(names.iter().map(|name| &**name)).end();
        }
    }
    retention::remove_over(tx, key, &settled);
    let is_filtering =
        tx.peek_as::<Stream>(key).is_ok_and(|it| it.is_some_and(Stream::is_filtering));
    if is_filtering {
        let now_ms = tx.now_ms();
        tx.arm(key, now_ms);
    }
}

fn pass<'n>(stream: &mut Stream, to: StreamId, names: impl Iterator<Item = &'n [u8]>) {
    let extent = stream.extent();
    for name in names {
        if let Some((group, log)) = stream.group_mut(name) {
            group.pass_to(to, log, &extent);
        }
    }
}

/// `XPASS key to-id [group …]`
pub(super) fn xpass(cx: &mut Cx<'_, '_>, words: &[&[u8]]) -> Outcome {
    let (key, to) = (words[1], args::id(words[2], 0)?);
    let stream = cx.tx.write::<Stream>(key)?.ok_or(Error::NO_SUCH_KEY)?;
    pass(stream, to, words[3..].iter().copied());
    cx.tx.changed_unwatched(key);
    cx.tx.record(&[]);
    Ok(())
}
