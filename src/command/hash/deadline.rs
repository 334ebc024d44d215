//! HEXPIRE and its kin, HTTL and its kin, HPERSIST.

use super::options::{COUNT_NOT_ABOVE_ZERO, COUNT_NOT_POSITIVE, Unit, fields};
use super::{Cx, Outcome, args, edit, removed};
use crate::keyspace::EventClass;
use crate::types::hash::{Field, Hash, NEVER};

/// Answers for a field.
mod answer {
    /// There is no such field.
    pub const MISSING: i64 = -2;
    /// It has no deadline.
    pub const NO_DEADLINE: i64 = -1;
    /// The condition is not met.
    pub const REFUSED: i64 = 0;
    pub const DONE: i64 = 1;
    /// The deadline has passed, so the field is removed.
    pub const REMOVED: i64 = 2;
}

pub(super) fn hexpire(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    set_deadlines(cx, args, Unit::SECONDS, "hexpire")
}

pub(super) fn hpexpire(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    set_deadlines(cx, args, Unit::MS, "hpexpire")
}

pub(super) fn hexpireat(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    set_deadlines(cx, args, Unit::UNIX_SECONDS, "hexpireat")
}

pub(super) fn hpexpireat(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    set_deadlines(cx, args, Unit::UNIX_MS, "hpexpireat")
}

/// Under which condition a field's deadline is set.
#[derive(Clone, Copy)]
enum Condition {
    None,
    /// NX: only if it has none.
    Absent,
    /// XX: only if it has one.
    Present,
    /// GT: only if it is later. No deadline is the latest of all.
    Later,
    /// LT: only if it is earlier.
    Earlier,
}

impl Condition {
    fn of(word: &[u8]) -> Option<Condition> {
        let conditions = [
            ("NX", Condition::Absent),
            ("XX", Condition::Present),
            ("GT", Condition::Later),
            ("LT", Condition::Earlier),
        ];
        conditions.into_iter().find_map(|(name, it)| args::is(word, name).then_some(it))
    }

    /// [`NEVER`] is later than any deadline, which is what GT and LT want.
    fn allows(self, before_ms: i64, expire_at_ms: i64) -> bool {
        match self {
            Condition::None => true,
            Condition::Absent => before_ms == NEVER,
            Condition::Present => before_ms != NEVER,
            Condition::Later => expire_at_ms > before_ms,
            Condition::Earlier => expire_at_ms < before_ms,
        }
    }
}

fn set_deadlines(cx: &mut Cx<'_, '_>, args: &[&[u8]], unit: Unit, command: &str) -> Outcome {
    let (key, due_ms) = (args[1], cx.tx.due_ms());
    let exists = cx.tx.peek_as::<Hash>(key)?.is_some();
    let expire_at_ms = unit.deadline_ms(args[2], cx.tx.now_ms(), command)?;
    let condition = Condition::of(args[3]);
    let rest = if condition.is_some() { &args[4..] } else { &args[3..] };
    let condition = condition.unwrap_or(Condition::None);
    let names = fields(rest, COUNT_NOT_ABOVE_ZERO)?;
    cx.reply.array(names.len());
    if !exists {
        names.iter().for_each(|_| cx.reply.int(answer::MISSING));
        return Ok(());
    }
    let change = Change { due_ms, expire_at_ms, condition };
    let (mut set, mut gone) = (Vec::new(), Vec::new());
    let answers = edit(cx, key, |hash| {
        let answers = names.iter().map(|name| change.apply(hash, name));
        answers.collect::<Vec<i64>>()
    })?;
    for (name, answer) in names.iter().zip(answers.unwrap_or_default()) {
        match answer {
            answer::DONE => set.push(*name),
            answer::REMOVED => gone.push(*name),
            _ => {}
        }
        cx.reply.int(answer);
    }
    if !set.is_empty() {
        cx.tx.changed(key);
        record_deadline(cx, key, expire_at_ms, &set);
        cx.tx.notify_subkeys(EventClass::HASH, "hexpire", key, set.iter().copied());
    }
    if !gone.is_empty() {
        removed(cx, key, &gone);
    }
    Ok(())
}

/// Records that fields have a deadline now.
pub(super) fn record_deadline(cx: &mut Cx<'_, '_>, key: &[u8], expire_at_ms: i64, names: &[&[u8]]) {
    if let Some(effect) = cx.tx.effect(5 + names.len()) {
        let effect = effect.arg(b"HPEXPIREAT").arg(key).int(expire_at_ms).arg(b"FIELDS");
        effect.int(names.len() as i64).args(names.iter().copied()).end();
    }
}

/// Records that fields have no deadline any more.
pub(super) fn record_persist(cx: &mut Cx<'_, '_>, key: &[u8], names: &[&[u8]]) {
    if let Some(effect) = cx.tx.effect(4 + names.len()) {
        let effect = effect.arg(b"HPERSIST").arg(key).arg(b"FIELDS");
        effect.int(names.len() as i64).args(names.iter().copied()).end();
    }
}

struct Change {
    due_ms: i64,
    expire_at_ms: i64,
    condition: Condition,
}

impl Change {
    fn apply(&self, hash: &mut Hash, name: &[u8]) -> i64 {
        let Some(field) = hash.live(name, self.due_ms) else { return answer::MISSING };
        if !self.condition.allows(field.expire_at_ms, self.expire_at_ms) {
            return answer::REFUSED;
        }
        // In a replay nothing is removed but by an effect that says so.
        if self.expire_at_ms <= self.due_ms {
            hash.remove(name);
            return answer::REMOVED;
        }
        hash.set_deadline(name, self.expire_at_ms);
        answer::DONE
    }
}

pub(super) fn httl(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    tell_deadlines(cx, args, Unit::SECONDS)
}

pub(super) fn hpttl(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    tell_deadlines(cx, args, Unit::MS)
}

pub(super) fn hexpiretime(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    tell_deadlines(cx, args, Unit::UNIX_SECONDS)
}

pub(super) fn hpexpiretime(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    tell_deadlines(cx, args, Unit::UNIX_MS)
}

/// Seconds are rounded up, as in Redis.
fn tell_deadlines(cx: &mut Cx<'_, '_>, args: &[&[u8]], unit: Unit) -> Outcome {
    let (due_ms, now_ms) = (cx.tx.due_ms(), cx.tx.now_ms());
    let hash = cx.tx.read::<Hash>(args[1])?;
    let names = fields(&args[2..], COUNT_NOT_POSITIVE)?;
    let tell = |field: Field<'_>| {
        let from_ms = if unit.absolute { 0 } else { now_ms };
        match field.expire_at_ms {
            NEVER => answer::NO_DEADLINE,
            at_ms if unit.seconds => (at_ms + 999 - from_ms) / 1000,
            at_ms => at_ms - from_ms,
        }
    };
    cx.reply.array(names.len());
    for name in names {
        let field = hash.and_then(|hash| hash.live(name, due_ms));
        cx.reply.int(field.map_or(answer::MISSING, tell));
    }
    Ok(())
}

pub(super) fn hpersist(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (key, due_ms) = (args[1], cx.tx.due_ms());
    cx.tx.peek_as::<Hash>(key)?;
    let names = fields(&args[2..], COUNT_NOT_POSITIVE)?;
    let answers = edit(cx, key, |hash| {
        let persist = |name: &&[u8]| match hash.live(name, due_ms) {
            None => answer::MISSING,
            Some(field) if field.expire_at_ms == NEVER => answer::NO_DEADLINE,
            Some(_) => {
                hash.set_deadline(name, NEVER);
                answer::DONE
            }
        };
        names.iter().map(persist).collect::<Vec<i64>>()
    })?;
    let answers = answers.unwrap_or_else(|| vec![answer::MISSING; names.len()]);
    let done = names.iter().zip(&answers).filter(|(_, answer)| **answer == answer::DONE);
    let done: Vec<&[u8]> = done.map(|(name, _)| *name).collect();
    if !done.is_empty() {
        cx.tx.changed(key);
        record_persist(cx, key, &done);
        cx.tx.notify_subkeys(EventClass::HASH, "hpersist", key, done.iter().copied());
    }
    cx.reply.array(answers.len());
    answers.into_iter().for_each(|answer| cx.reply.int(answer));
    Ok(())
}
