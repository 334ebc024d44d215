//! CONFIG: the settings, while running.

use super::blocking::take_long;
use super::cx::Cx;
use super::error::{Error, Outcome};
use super::help::help;
use super::table::{Entry, all, keys};

pub(super) static COMMANDS: &[Entry] = &[
    keys("config|get", get),
    keys("config|help", help),
    all("config|resetstat", resetstat),
    keys("config|rewrite", rewrite),
    keys("config|set", set),
];

fn get(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let found = cx.server.config.get(&args[2..]);
    cx.reply.map(found.len());
    for (name, value) in found {
        cx.reply.bulk(&name);
        cx.reply.bulk(&value);
    }
    Ok(())
}

fn set(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (pairs, rest) = args[2..].as_chunks::<2>();
    if !rest.is_empty() {
        return Err(Error::SYNTAX);
    }
    let pairs: Vec<(&[u8], &[u8])> = pairs.iter().map(|[name, value]| (*name, *value)).collect();
    let set = cx.server.config.set(&pairs, cx.session.is_local());
    set.map_err(|error| Error::new(format!("ERR {error}")))?;
    cx.reply.ok();
    Ok(())
}

fn resetstat(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    cx.session.stopwatch.flush(&cx.server.metrics.calls);
    cx.server.acl.denied.reset_counts();
    cx.server.metrics.reset(cx.running_totals_ever());
    cx.server.pubsub.reset_counts();
    cx.reply.ok();
    Ok(())
}

fn rewrite(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    // Users that have a file of their own do not stand in this one.
    let users = match cx.server.config.aclfile.get().is_empty() {
        true => cx.server.acl.lines(),
        false => Vec::new(),
    };
    match take_long(|| cx.server.config.rewrite(&users)) {
        Ok(()) => tracing::info!("CONFIG REWRITE executed with success."),
        Err(error) => {
            tracing::warn!("CONFIG REWRITE failed: {error}");
            return Err(Error::new(format!("ERR {error}")));
        }
    }
    cx.reply.ok();
    Ok(())
}
