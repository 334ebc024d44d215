//! SCARD, SISMEMBER, SMISMEMBER, SMEMBERS.

use crate::command::cx::Cx;
use crate::command::error::Outcome;
use crate::types::set::Set;

pub(super) fn scard(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let len = cx.tx.read::<Set>(args[1])?.map_or(0, Set::len);
    cx.reply.count(len);
    Ok(())
}

pub(super) fn sismember(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let found = cx.tx.read::<Set>(args[1])?.is_some_and(|set| set.contains(args[2]));
    cx.reply.int(i64::from(found));
    Ok(())
}

pub(super) fn smismember(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let set = cx.tx.read::<Set>(args[1])?;
    let members = &args[2..];
    cx.reply.array(members.len());
    for member in members {
        cx.reply.int(i64::from(set.is_some_and(|set| set.contains(member))));
    }
    Ok(())
}

pub(super) fn smembers(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    match cx.tx.read::<Set>(args[1])? {
        Some(set) => {
            cx.reply.set(set.len());
            set.iter().for_each(|member| cx.reply.bulk(&member));
        }
        None => cx.reply.set(0),
    }
    Ok(())
}
