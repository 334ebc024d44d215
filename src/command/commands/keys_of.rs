//! COMMAND GETKEYS and GETKEYSANDFLAGS: the keys in a request.

use super::shape;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::command::spec::{Flags, KeyRefs};
use crate::command::table;

pub(super) fn getkeys(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let request = &args[2..];
    let keys = find(request)?;
    cx.reply.array(keys.len());
    for key in &keys {
        cx.reply.bulk(request[key.position as usize]);
    }
    Ok(())
}

pub(super) fn getkeysandflags(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let request = &args[2..];
    let keys = find(request)?;
    cx.reply.array(keys.len());
    for key in &keys {
        cx.reply.array(2);
        cx.reply.bulk(request[key.position as usize]);
        shape::write_words(&mut cx.reply, key.flags.names(), "");
    }
    Ok(())
}

fn find(request: &[&[u8]]) -> Result<KeyRefs, Error> {
    let spec = table::spec_of(request).ok_or(Error::fixed("ERR Invalid command specified"))?;
    if !spec.takes_keys() {
        return Err(Error::fixed("ERR The command has no key arguments"));
    }
    if !spec.arity_fits(request.len()) {
        return Err(Error::fixed("ERR Invalid number of arguments specified for command"));
    }
    let keys = spec.keys_of(request);
    if keys.is_empty() && !spec.flags.has(Flags::NO_MANDATORY_KEYS) {
        return Err(Error::fixed("ERR Invalid arguments specified for command"));
    }
    Ok(keys)
}
