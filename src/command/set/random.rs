//! SPOP and SRANDMEMBER: members drawn at random.

use super::change::shrunk;
use crate::command::args;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::command::random;
use crate::command::store::effects_of_members;
use crate::journal::Class;
use crate::keyspace::{EventClass, Keyspace};
use crate::types::set::Set;

/// Members that one SREM of the effects names, at most.
const EFFECT_MEMBERS_MAX: usize = 1024;

/// Takes a member out that chance picks.
fn take_any(keyspace: &Keyspace, set: &mut Set) -> Option<Vec<u8>> {
    if set.is_empty() {
        return None;
    }
    let member = set.member(random::below(keyspace, set.len()))?.to_vec();
    set.remove(&member);
    Some(member)
}

pub(super) fn spop(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    match args[2..] {
        [] => pop_one(cx, args[1]),
        [count] => {
            let count = args::integer_in(count, 0, i64::MAX, Error::NOT_POSITIVE)? as usize;
            pop_many(cx, args[1], count)
        }
        _ => Err(Error::SYNTAX),
    }
}

fn pop_one(cx: &mut Cx<'_, '_>, key: &[u8]) -> Outcome {
    let keyspace = cx.tx.keyspace();
    let taken = cx.tx.write::<Set>(key)?.and_then(|set| take_any(keyspace, set));
    let Some(member) = taken else {
        cx.reply.null();
        return Ok(());
    };
    shrunk(cx, key, "spop");
    cx.tx.record(&[b"SREM", key, &member]);
    cx.reply.bulk(&member);
    Ok(())
}

fn pop_many(cx: &mut Cx<'_, '_>, key: &[u8], count: usize) -> Outcome {
    let keyspace = cx.tx.keyspace();
    let len = cx.tx.peek_as::<Set>(key)?.map_or(0, Set::len);
    if len == 0 || count == 0 {
        cx.reply.set(0);
        return Ok(());
    }
    if count >= len {
        let Some(set) = cx.tx.write::<Set>(key)? else { return Ok(()) };
        cx.reply.set(len);
        set.iter().for_each(|member| cx.reply.bulk(&member));
        cx.tx.remove(key);
        cx.tx.changed(key);
        cx.tx.notify(EventClass::SET, "spop", key);
        cx.tx.notify(EventClass::GENERIC, "del", key);
        cx.tx.record(&[b"DEL", key]);
        return Ok(());
    }
    let places = random::distinct(len, count, |bound| random::below(keyspace, bound));
    let set = cx.tx.peek_as::<Set>(key)?;
    let at = |place| set.and_then(|set| set.member(place)).map(|member| member.to_vec());
    let taken: Vec<Vec<u8>> = places.into_iter().filter_map(at).collect();
    let members = taken.iter().map(Vec::as_slice);
    cx.hold_room(Class::Drain, effects_of_members(key, members, EFFECT_MEMBERS_MAX))?;
    let Some(set) = cx.tx.write::<Set>(key)? else { return Ok(()) };
    taken.iter().for_each(|member| _ = set.remove(member));
    cx.tx.changed(key);
    cx.tx.notify(EventClass::SET, "spop", key);
    for some in taken.chunks(EFFECT_MEMBERS_MAX) {
        let head = [b"SREM".as_slice(), key].into_iter();
        let effect: Vec<&[u8]> = head.chain(some.iter().map(Vec::as_slice)).collect();
        cx.tx.record(&effect);
    }
    cx.reply.set(taken.len());
    taken.iter().for_each(|member| cx.reply.bulk(member));
    Ok(())
}

pub(super) fn srandmember(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let keyspace = cx.tx.keyspace();
    match args[2..] {
        [] => {
            let set = cx.tx.read::<Set>(args[1])?.filter(|set| !set.is_empty());
            match set.and_then(|set| set.member(random::below(keyspace, set.len()))) {
                Some(member) => cx.reply.bulk(&member),
                None => cx.reply.null(),
            }
            Ok(())
        }
        [count] => show_many(cx, args[1], random::count(count)?),
        _ => Err(Error::SYNTAX),
    }
}

/// Shows `count` different members, or, below zero, as many that may be the same.
fn show_many(cx: &mut Cx<'_, '_>, key: &[u8], count: i64) -> Outcome {
    let keyspace = cx.tx.keyspace();
    let set = cx.tx.read::<Set>(key)?.filter(|_| count != 0);
    let Some(set) = set else {
        cx.reply.array(0);
        return Ok(());
    };
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if count > 0 && wanted >= set.len() {
        cx.reply.array(set.len());
        set.iter().for_each(|member| cx.reply.bulk(&member));
        return Ok(());
    }
    cx.reply.array(wanted);
    let mut show = |place| {
        let member = set.member(place).expect("a place below the length");
        cx.reply.bulk(&member);
    };
    if count < 0 {
        (0..wanted).for_each(|_| show(random::below(keyspace, set.len())));
    } else {
        random::distinct(set.len(), wanted, |bound| random::below(keyspace, bound))
            .into_iter()
            .for_each(show);
    }
    Ok(())
}
