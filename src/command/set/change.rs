//! SADD, SREM, SMOVE.

use super::limits;
use crate::command::cx::Cx;
use crate::command::error::Outcome;
use crate::keyspace::EventClass;
use crate::types::set::Set;

pub(super) fn sadd(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (key, members) = (args[1], &args[2..]);
    let limits = limits(cx);
    let new = || Set::with_hint(members[0], members.len(), &limits);
    let set = cx.tx.write_or_insert(key, new)?;
    let form = set.encoding();
    set.expect(members.len(), &limits);
    let form_changed = set.encoding() != form;
    let added = members.iter().filter(|member| set.insert(member, &limits)).count();
    if added > 0 {
        cx.tx.changed(key);
        cx.tx.notify(EventClass::SET, "sadd", key);
        cx.tx.record(args);
    } else if form_changed {
        // Many members at once change a set's form, even if it has them all.
        cx.tx.changed_unwatched(key);
        cx.tx.record(args);
    }
    cx.reply.count(added);
    Ok(())
}

pub(super) fn srem(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (key, members) = (args[1], &args[2..]);
    let removed = match cx.tx.write::<Set>(key)? {
        Some(set) => members.iter().filter(|member| set.remove(member)).count(),
        None => 0,
    };
    if removed > 0 {
        shrunk(cx, key, "srem");
        cx.tx.record(args);
    }
    cx.reply.count(removed);
    Ok(())
}

/// Tells of members that were taken out, as `event`, and removes a set that has none left.
pub(super) fn shrunk(cx: &mut Cx<'_, '_>, key: &[u8], event: &'static str) {
    cx.shrunk(key, EventClass::SET, event);
}

pub(super) fn smove(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (from, to, member) = (args[1], args[2], args[3]);
    let is_member = match cx.tx.peek_as::<Set>(from)? {
        Some(set) => set.contains(member),
        None => {
            cx.reply.int(0);
            return Ok(());
        }
    };
    cx.tx.peek_as::<Set>(to)?;
    if is_member && from != to {
        move_member(cx, args)?;
    }
    cx.reply.int(i64::from(is_member));
    Ok(())
}

/// The source has the member, and what is at the destination is a set if anything.
fn move_member(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (from, to, member) = (args[1], args[2], args[3]);
    if let Some(set) = cx.tx.write::<Set>(from)? {
        set.remove(member);
    }
    shrunk(cx, from, "srem");
    let limits = limits(cx);
    let set = cx.tx.write_or_insert(to, || Set::with_hint(member, 1, &limits))?;
    if set.insert(member, &limits) {
        cx.tx.changed(to);
        cx.tx.notify(EventClass::SET, "sadd", to);
    }
    cx.tx.record(args);
    Ok(())
}
