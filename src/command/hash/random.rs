//! HRANDFIELD.

use std::collections::HashSet;

use super::read::live;
use super::{Cx, Error, Outcome, args};
use crate::command::random;
use crate::keyspace::Keyspace;
use crate::resp::Reply;
use crate::types::hash::{Field, Hash};

/// How often a pick that has hit a field that is due is tried again.
const TRIES: usize = 100;

pub(super) fn hrandfield(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let due_ms = cx.tx.due_ms();
    let keyspace = cx.tx.keyspace();
    if args.len() == 2 {
        let hash = cx.tx.read::<Hash>(args[1])?;
        match hash.and_then(|hash| pick(hash, due_ms, keyspace)) {
            Some((name, _)) => cx.reply.bulk(name),
            None => cx.reply.null(),
        }
        return Ok(());
    }
    let count = random::count(args[2])?;
    let with_values = match &args[3..] {
        [] => false,
        [word] if args::is(word, "WITHVALUES") => true,
        _ => return Err(Error::SYNTAX),
    };
    let len = count.unsigned_abs();
    if with_values && len > i64::MAX as u64 / 2 {
        return Err(Error::OUT_OF_RANGE);
    }
    let hash = cx.tx.read::<Hash>(args[1])?.filter(|hash| hash.live_len(due_ms) > 0);
    let Some(hash) = hash.filter(|_| count != 0) else {
        cx.reply.array(0);
        return Ok(());
    };
    let mut out = Answer { reply: &mut cx.reply, with_values };
    if count > 0 {
        write_distinct(hash, len, due_ms, keyspace, &mut out);
        return Ok(());
    }
    out.begin(len as usize);
    for _ in 0..len {
        if let Some((name, field)) = pick(hash, due_ms, keyspace) {
            out.field(name, field);
        }
    }
    Ok(())
}

struct Answer<'r, 'a> {
    reply: &'r mut Reply<'a>,
    with_values: bool,
}

impl Answer<'_, '_> {
    /// In RESP3 names and values are pairs.
    fn begin(&mut self, fields: usize) {
        let is_flat = self.with_values && !self.reply.is_resp3();
        self.reply.array(if is_flat { 2 * fields } else { fields });
    }

    fn field(&mut self, name: &[u8], field: Field<'_>) {
        if self.with_values && self.reply.is_resp3() {
            self.reply.array(2);
        }
        self.reply.bulk(name);
        if self.with_values {
            self.reply.bulk(field.value);
        }
    }
}

/// Any field that is there, each as likely as another.
fn pick<'h>(hash: &'h Hash, due_ms: i64, keyspace: &Keyspace) -> Option<(&'h [u8], Field<'h>)> {
    for _ in 0..TRIES.min(hash.len() * TRIES) {
        let found = hash.at(random::below(keyspace, hash.len()));
        if let Some((name, field)) = found.filter(|(_, field)| !field.is_due(due_ms)) {
            return Some((name, field));
        }
    }
    // Nearly all are due, and about to be removed.
    live(hash, due_ms).next()
}

/// Writes `count` different fields, or all if there are no more.
fn write_distinct(
    hash: &Hash,
    count: u64,
    due_ms: i64,
    keyspace: &Keyspace,
    out: &mut Answer<'_, '_>,
) {
    let len = hash.live_len(due_ms);
    let count = usize::try_from(count).unwrap_or(usize::MAX).min(len);
    out.begin(count);
    if count == len {
        live(hash, due_ms).for_each(|(name, field)| out.field(name, field));
        return;
    }
    // Where a third of them is wanted, going through all costs no more than picking does.
    if count * 3 > len || hash.len() - len > len {
        let mut left = count;
        for (seen, (name, field)) in live(hash, due_ms).enumerate() {
            if random::below(keyspace, len - seen) < left {
                out.field(name, field);
                left -= 1;
            }
        }
        return;
    }
    let mut picked = HashSet::with_capacity(count);
    while picked.len() < count {
        let place = random::below(keyspace, hash.len());
        let Some((name, field)) = hash.at(place) else { break };
        if !field.is_due(due_ms) && picked.insert(place) {
            out.field(name, field);
        }
    }
}
