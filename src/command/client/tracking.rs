//! CLIENT TRACKING, CACHING, GETREDIR, TRACKINGINFO: connections that cache what they read.

use std::sync::Arc;

use crate::command::args;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::pubsub::Mailbox;
use crate::pubsub::tracking::{Mode, Tracker};

/// The arguments of CLIENT TRACKING.
#[derive(Default)]
struct Options {
    redirect: Option<Arc<Mailbox>>,
    prefixes: Vec<Box<[u8]>>,
    broadcast: bool,
    opt_in: bool,
    opt_out: bool,
    noloop: bool,
}

impl Options {
    fn parse(cx: &Cx<'_, '_>, words: &[&[u8]]) -> Result<Options, Error> {
        let mut options = Options::default();
        let mut rest = words;
        while let [word, more @ ..] = rest {
            rest = more;
            if args::is(word, "REDIRECT")
                && let [id, more @ ..] = rest
            {
                rest = more;
                options.set_redirect(cx, id)?;
            } else if args::is(word, "PREFIX")
                && let [prefix, more @ ..] = rest
            {
                rest = more;
                options.prefixes.push((*prefix).into());
            } else if args::is(word, "BCAST") {
                options.broadcast = true;
            } else if args::is(word, "OPTIN") {
                options.opt_in = true;
            } else if args::is(word, "OPTOUT") {
                options.opt_out = true;
            } else if args::is(word, "NOLOOP") {
                options.noloop = true;
            } else {
                return Err(Error::SYNTAX);
            }
        }
        Ok(options)
    }

    fn set_redirect(&mut self, cx: &Cx<'_, '_>, id: &[u8]) -> Result<(), Error> {
        if self.redirect.is_some() {
            return Err(Error::fixed("ERR A client can only redirect to a single other client"));
        }
        let id = args::integer(id)?;
        let client = u64::try_from(id).ok().and_then(|id| cx.server.clients.get(id));
        let client =
            client.ok_or(Error::fixed("ERR The client ID you want redirect to does not exist"))?;
        self.redirect = Some(Arc::clone(&client.mailbox));
        Ok(())
    }

    fn mode(&self) -> Mode {
        match self {
            Options { broadcast: true, .. } => Mode::Broadcast,
            Options { opt_in: true, .. } => Mode::OptIn,
            Options { opt_out: true, .. } => Mode::OptOut,
            _ => Mode::Reads,
        }
    }

    /// Whether these go together, and with how the connection is tracked so far; in Redis's order.
    fn check(&self, before: Option<&Tracker>) -> Result<(), Error> {
        if !self.broadcast && !self.prefixes.is_empty() {
            return Err(Error::fixed("ERR PREFIX option requires BCAST mode to be enabled"));
        }
        if before.is_some_and(|before| (before.mode == Mode::Broadcast) != self.broadcast) {
            return Err(Error::fixed(
                "ERR You can't switch BCAST mode on/off before disabling tracking for this \
                 client, and then re-enabling it with a different mode.",
            ));
        }
        if self.broadcast && (self.opt_in || self.opt_out) {
            return Err(Error::fixed("ERR OPTIN and OPTOUT are not compatible with BCAST"));
        }
        if self.opt_in && self.opt_out {
            return Err(Error::fixed("ERR You can't specify both OPTIN mode and OPTOUT mode"));
        }
        let was = |mode: Mode| before.is_some_and(|before| before.mode == mode);
        if self.opt_in && was(Mode::OptOut) || self.opt_out && was(Mode::OptIn) {
            return Err(Error::fixed(
                "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this \
                 client, and then re-enabling it with a different mode.",
            ));
        }
        self.check_prefixes(before)
    }

    /// No key is to be told of twice.
    fn check_prefixes(&self, before: Option<&Tracker>) -> Result<(), Error> {
        let overlap = |one: &[u8], other: &[u8]| one.starts_with(other) || other.starts_with(one);
        let refusal = |given: &[u8], what: &[u8], other: &[u8]| {
            let head: &[u8] = b"ERR Prefix '";
            let tail: &[u8] = b"'. Prefixes for a single client must not overlap.";
            Error::quoting(&[head, given, b"' overlaps with ", what, b" prefix '", other, tail])
        };
        for (at, prefix) in self.prefixes.iter().enumerate() {
            let existing = before.map_or(&[][..], |before| &before.prefixes);
            if let Some(other) = existing.iter().find(|other| overlap(prefix, other)) {
                return Err(refusal(prefix, b"an existing", other));
            }
            let later = &self.prefixes[at + 1..];
            if let Some(other) = later.iter().find(|other| overlap(prefix, other)) {
                return Err(refusal(prefix, b"another provided", other));
            }
        }
        Ok(())
    }
}

pub(super) fn tracking(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let options = Options::parse(cx, &args[3..])?;
    if args::is(args[2], "OFF") {
        cx.session.untrack(cx.server);
        cx.reply.ok();
        return Ok(());
    }
    if !args::is(args[2], "ON") {
        return Err(Error::SYNTAX);
    }
    let before = cx.session.listening.tracked.as_ref().map(|it| Arc::clone(&it.tracker));
    options.check(before.as_deref())?;
    if let Some(client) = cx.session.client.clone() {
        let mode = options.mode();
        // Prefixes come to those of before; none at all means every key.
        let mut prefixes = before.map_or(Vec::new(), |before| before.prefixes.clone());
        if options.broadcast && options.prefixes.is_empty() {
            prefixes.push(Box::default());
        }
        prefixes.extend(options.prefixes);
        prefixes.sort();
        prefixes.dedup();
        let mailbox = Arc::clone(&client.mailbox);
        let tracker = Tracker::new(mailbox, options.redirect, mode, options.noloop, prefixes);
        cx.session.track(cx.server, Arc::new(tracker));
    }
    cx.reply.ok();
    Ok(())
}

pub(super) fn caching(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let tracked = cx.session.listening.tracked.as_mut();
    let mode = tracked.as_ref().map_or(Mode::Reads, |tracked| tracked.tracker.mode);
    let Some(tracked) = tracked else {
        return Err(Error::fixed(
            "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN \
             or OPTOUT mode enabled",
        ));
    };
    if args::is(args[2], "YES") {
        if mode != Mode::OptIn {
            return Err(Error::fixed(
                "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.",
            ));
        }
    } else if args::is(args[2], "NO") {
        if mode != Mode::OptOut {
            return Err(Error::fixed(
                "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.",
            ));
        }
    } else {
        return Err(Error::SYNTAX);
    }
    tracked.caching = true;
    cx.reply.ok();
    Ok(())
}

/// -1: not tracked; 0: told itself.
fn redirect(cx: &Cx<'_, '_>) -> i64 {
    let tracked = cx.session.listening.tracked.as_ref();
    tracked.map_or(-1, |tracked| tracked.tracker.redirect_id() as i64)
}

pub(super) fn getredir(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    let redirect = redirect(cx);
    cx.reply.int(redirect);
    Ok(())
}

pub(super) fn trackinginfo(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    let redirect = redirect(cx);
    let tracked = cx.session.listening.tracked.as_ref();
    let mut flags = Vec::new();
    let mut prefixes: &[Box<[u8]>] = &[];
    match tracked {
        None => flags.push("off"),
        Some(tracked) => {
            let tracker = &tracked.tracker;
            flags.push("on");
            let (mode, caching) = match tracker.mode {
                Mode::Reads => (None, None),
                Mode::Broadcast => (Some("bcast"), None),
                Mode::OptIn => (Some("optin"), Some("caching-yes")),
                Mode::OptOut => (Some("optout"), Some("caching-no")),
            };
            flags.extend(mode);
            flags.extend(caching.filter(|_| tracked.caching));
            flags.extend(tracker.noloop.then_some("noloop"));
            flags.extend(tracker.is_broken().then_some("broken_redirect"));
            prefixes = &tracker.prefixes;
        }
    }
    let reply = &mut cx.reply;
    reply.map(3);
    reply.text("flags");
    reply.set(flags.len());
    flags.iter().for_each(|flag| reply.text(flag));
    reply.text("redirect");
    reply.int(redirect);
    reply.text("prefixes");
    reply.array(prefixes.len());
    prefixes.iter().for_each(|prefix| reply.bulk(prefix));
    Ok(())
}
