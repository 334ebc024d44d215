//! What a connection notes about itself: its name, its library, two switches.

use crate::command::args;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};

pub(super) fn id(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    let id = cx.session.id();
    cx.reply.int(id as i64);
    Ok(())
}

pub(super) fn getname(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    let name = cx.session.client.as_ref().map(|client| client.seen.lock().name.clone());
    match name.filter(|name| !name.is_empty()) {
        Some(name) => cx.reply.bulk(&name),
        None => cx.reply.null(),
    }
    Ok(())
}

pub(super) fn setname(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    check_name(args[2])?;
    set_name(cx, args[2]);
    cx.reply.ok();
    Ok(())
}

/// The name must not break the lines and fields of CLIENT LIST.
pub(crate) fn check_name(name: &[u8]) -> Result<(), Error> {
    match is_plain(name) {
        true => Ok(()),
        false => Err(Error::fixed(
            "ERR Client names cannot contain spaces, newlines or special characters.",
        )),
    }
}

/// Names the connection; an empty name is none.
pub(crate) fn set_name(cx: &mut Cx<'_, '_>, name: &[u8]) {
    if let Some(client) = &cx.session.client {
        client.seen.lock().name = name.to_vec();
    }
}

fn is_plain(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_graphic)
}

pub(super) fn setinfo(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (attribute, value) = (args[2], args[3]);
    let is_name = args::is(attribute, "LIB-NAME");
    if !is_name && !args::is(attribute, "LIB-VER") {
        return Err(Error::quoting(&[b"ERR Unrecognized option '", attribute, b"'"]));
    }
    if !is_plain(value) {
        let mut text = b"ERR ".to_vec();
        text.extend_from_slice(attribute);
        text.extend_from_slice(b" cannot contain spaces, newlines or special characters.");
        return Err(Error::new(text));
    }
    if let Some(client) = &cx.session.client {
        let mut seen = client.seen.lock();
        let place = if is_name { &mut seen.lib_name } else { &mut seen.lib_ver };
        *place = value.to_vec();
    }
    cx.reply.ok();
    Ok(())
}

pub(super) fn no_evict(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    cx.session.no_evict = parse_switch(args[2])?;
    cx.reply.ok();
    Ok(())
}

pub(super) fn no_touch(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    cx.session.no_touch = parse_switch(args[2])?;
    // In a transaction the commands behind it feel it at once.
    cx.tx.set_no_touch(cx.session.no_touch);
    cx.reply.ok();
    Ok(())
}

fn parse_switch(text: &[u8]) -> Result<bool, Error> {
    if args::is(text, "ON") {
        Ok(true)
    } else if args::is(text, "OFF") {
        Ok(false)
    } else {
        Err(Error::SYNTAX)
    }
}
