//! CLIENT INFO, LIST, KILL: connections described or closed, all or those that match.

use std::sync::Arc;

use super::line;
use crate::acl::Acl;
use crate::command::args;
use crate::command::clients::Client;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};

pub(super) fn info(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    cx.session.publish();
    let mut text = Vec::new();
    if let Some(client) = &cx.session.client {
        line::write(client, cx.tx.now_ms(), &mut text);
        text.push(b'\n');
    }
    cx.reply.verbatim("txt", &text);
    Ok(())
}

pub(super) fn list(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let clients = match args[2..] {
        [] => cx.server.clients.all(),
        [option, kind] if args::is(option, "TYPE") => {
            let class = Class::parse(kind)?;
            let mut clients = cx.server.clients.all();
            clients.retain(|client| Class::of(client) == class);
            clients
        }
        [option, ref ids @ ..] if args::is(option, "ID") && !ids.is_empty() => {
            let invalid = || Error::fixed("ERR Invalid client ID");
            let ids = ids.iter().map(|id| args::parse_i64(id).ok_or_else(invalid));
            let ids = ids.collect::<Result<Vec<i64>, Error>>()?;
            let known = ids.into_iter().filter_map(|id| u64::try_from(id).ok());
            known.filter_map(|id| cx.server.clients.get(id)).collect()
        }
        _ => return Err(Error::SYNTAX),
    };
    cx.session.publish();
    let now_ms = cx.tx.now_ms();
    let mut text = Vec::new();
    for client in clients.iter().filter(|client| !client.is_killed()) {
        line::write(client, now_ms, &mut text);
        text.push(b'\n');
    }
    cx.reply.verbatim("txt", &text);
    Ok(())
}

/// The kinds of client that Redis tells apart. There are no replicas.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Normal,
    Master,
    Replica,
    Pubsub,
}

impl Class {
    fn of(client: &Client) -> Class {
        if client.is_subscriber() { Class::Pubsub } else { Class::Normal }
    }

    fn parse(text: &[u8]) -> Result<Class, Error> {
        let known = [
            ("NORMAL", Class::Normal),
            ("MASTER", Class::Master),
            ("REPLICA", Class::Replica),
            ("SLAVE", Class::Replica),
            ("PUBSUB", Class::Pubsub),
        ];
        match known.iter().find(|(name, _)| args::is(text, name)) {
            Some((_, class)) => Ok(*class),
            None => Err(Error::quoting(&[b"ERR Unknown client type '", text, b"'"])),
        }
    }
}

/// Whom CLIENT KILL means: all conditions have to hold.
struct Target<'a> {
    id: Option<u64>,
    class: Option<Class>,
    addr: Option<&'a [u8]>,
    laddr: Option<&'a [u8]>,
    user: Option<&'a [u8]>,
    age_s_min: Option<i64>,
    skip_me: bool,
}

impl<'a> Target<'a> {
    fn parse(mut options: &[&'a [u8]], acl: &Acl) -> Result<Target<'a>, Error> {
        let mut target = Target {
            id: None,
            class: None,
            addr: None,
            laddr: None,
            user: None,
            age_s_min: None,
            skip_me: true,
        };
        while let [option, ref rest @ ..] = *options {
            let [value, ref rest @ ..] = *rest else { return Err(Error::SYNTAX) };
            target.set(option, value, acl)?;
            options = rest;
        }
        Ok(target)
    }

    fn set(&mut self, option: &[u8], value: &'a [u8], acl: &Acl) -> Result<(), Error> {
        if args::is(option, "ID") {
            let id = args::parse_i64(value).filter(|id| *id > 0);
            let id = id.ok_or(Error::fixed("ERR client-id should be greater than 0"))?;
            self.id = Some(id.unsigned_abs());
        } else if args::is(option, "MAXAGE") {
            let not_integer = Error::fixed("ERR maxage is not an integer or out of range");
            let age = args::parse_i64(value).ok_or(not_integer)?;
            if age <= 0 {
                return Err(Error::fixed("ERR maxage should be greater than 0"));
            }
            self.age_s_min = Some(age);
        } else if args::is(option, "TYPE") {
            self.class = Some(Class::parse(value)?);
        } else if args::is(option, "ADDR") {
            self.addr = Some(value);
        } else if args::is(option, "LADDR") {
            self.laddr = Some(value);
        } else if args::is(option, "USER") {
            if acl.get(value).is_none() {
                return Err(Error::quoting(&[b"ERR No such user '", value, b"'"]));
            }
            self.user = Some(value);
        } else if args::is(option, "SKIPME") {
            self.skip_me = match value {
                value if args::is(value, "YES") => true,
                value if args::is(value, "NO") => false,
                _ => return Err(Error::SYNTAX),
            };
        } else {
            return Err(Error::SYNTAX);
        }
        Ok(())
    }

    fn is_meant(&self, client: &Client, own_id: u64, now_ms: i64) -> bool {
        let age_s = (now_ms - client.connected_at_ms) / 1000;
        self.id.is_none_or(|id| id == client.id)
            && self.class.is_none_or(|class| class == Class::of(client))
            && self.addr.is_none_or(|addr| addr == client.addr.as_bytes())
            && self.laddr.is_none_or(|laddr| laddr == client.laddr.as_bytes())
            && self.user.is_none_or(|user| is_user(client, user))
            && self.age_s_min.is_none_or(|min| age_s >= min)
            && !(self.skip_me && client.id == own_id)
            && !client.is_killed()
    }
}

fn is_user(client: &Client, name: &[u8]) -> bool {
    client.seen.lock().user.as_ref().is_some_and(|user| user.name() == name)
}

pub(super) fn kill(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (target, by_address_alone) = match args[2..] {
        // The form that was first: an address, and oneself is not spared.
        [address] => {
            let mut target = Target::parse(&[], &cx.server.acl)?;
            target.addr = Some(address);
            target.skip_me = false;
            (target, true)
        }
        ref options => (Target::parse(options, &cx.server.acl)?, false),
    };
    let (own_id, now_ms) = (cx.session.id(), cx.tx.now_ms());
    let candidates = match target.id {
        Some(id) => cx.server.clients.get(id).into_iter().collect(),
        None => cx.server.clients.all(),
    };
    let is_meant = |client: &&Arc<Client>| target.is_meant(client, own_id, now_ms);
    let mut killed = 0;
    for client in candidates.iter().filter(is_meant) {
        killed += 1;
        if client.id == own_id {
            // Its own reply still goes out.
            cx.session.close_after_reply = true;
        } else {
            client.kill();
        }
    }
    match (by_address_alone, killed) {
        (false, _) => cx.reply.int(killed),
        (true, 0) => return Err(Error::fixed("ERR No such client")),
        (true, _) => cx.reply.ok(),
    }
    Ok(())
}
