//! DEL, UNLINK, EXISTS, TOUCH, TYPE.

use smallvec::SmallVec;

use crate::command::cx::Cx;
use crate::command::error::Outcome;
use crate::keyspace::{EventClass, Tx};

/// UNLINK is the same: whatever takes long to free is freed when no lock is held any more.
pub(super) fn del(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let mut effect: SmallVec<[&[u8]; 8]> = SmallVec::new();
    effect.push(b"DEL");
    for key in &args[1..] {
        if cx.tx.remove(key) {
            cx.tx.changed(key);
            effect.push(key);
            cx.tx.notify(EventClass::GENERIC, "del", key);
        }
    }
    let removed = effect.len() - 1;
    if removed > 0 {
        cx.tx.record(&effect);
    }
    cx.reply.count(removed);
    Ok(())
}

/// Whether there is a key; a miss is told.
fn look(tx: &mut Tx<'_>, key: &[u8]) -> bool {
    let found = tx.exists(key);
    if !found {
        tx.notify_miss(key);
    }
    found
}

/// A key named twice counts twice.
pub(super) fn exists(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let found = args[1..].iter().filter(|key| look(cx.tx, key)).count();
    cx.reply.count(found);
    Ok(())
}

pub(super) fn touch(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    // Touching is what it was asked for, even by a client that otherwise does not (NO-TOUCH).
    cx.tx.set_no_touch(false);
    let found = args[1..].iter().filter(|key| cx.tx.get(key).is_some()).count();
    cx.tx.set_no_touch(cx.session.no_touch);
    cx.reply.count(found);
    Ok(())
}

/// TYPE.
pub(super) fn kind(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    look(cx.tx, args[1]);
    let kind = cx.tx.peek(args[1]).map_or("none", |value| value.kind().name());
    cx.reply.simple(kind);
    Ok(())
}
