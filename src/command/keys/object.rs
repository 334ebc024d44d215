//! OBJECT: how a value is kept, and when it was used.

use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::keyspace::NEVER;

pub(super) fn encoding(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let slot = cx.tx.slot(args[2]);
    let encoding = slot.map(|slot| slot.value.encoding(slot.key.len(), slot.expire_at_ms != NEVER));
    match encoding {
        Some(encoding) => cx.reply.text(encoding),
        None => cx.reply.null(),
    }
    Ok(())
}

/// Nothing is ever evicted here, so no frequencies are kept: the answer is what Redis says without
/// an LFU policy.
pub(super) fn freq(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    if !cx.tx.exists(args[2]) {
        cx.reply.null();
        return Ok(());
    }
    Err(Error::fixed(
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. \
         Please note that when switching between policies at runtime LRU and LFU data will take \
         some time to adjust.",
    ))
}

/// Whole seconds.
pub(super) fn idletime(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    match cx.tx.slot(args[2]).map(|slot| slot.accessed_at_ms()) {
        Some(accessed_at_ms) => {
            let idle_ms = (cx.tx.now_ms() - accessed_at_ms).max(0);
            cx.reply.int(idle_ms / 1000);
        }
        None => cx.reply.null(),
    }
    Ok(())
}

/// A value belongs to its key alone.
pub(super) fn refcount(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    match cx.tx.exists(args[2]) {
        true => cx.reply.int(1),
        false => cx.reply.null(),
    }
    Ok(())
}
