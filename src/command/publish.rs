//! SUBSCRIBE, PUBLISH, PUBSUB and their kin.

use std::sync::Arc;

use super::cx::{Cx, Mode};
use super::error::{Error, Outcome};
use super::help::help;
use super::table::{Entry, free};
use crate::keyspace::News;
use crate::pubsub::{Addressed, Kind};

pub(super) static COMMANDS: &[Entry] = &[
    free("psubscribe", |cx, args| subscribe(cx, args, Kind::Pattern)),
    free("publish", |cx, args| publish(cx, args, Kind::Channel)),
    free("pubsub|channels", |cx, args| channels(cx, args, Kind::Channel)),
    free("pubsub|help", help),
    free("pubsub|numpat", numpat),
    free("pubsub|numsub", |cx, args| numsub(cx, args, Kind::Channel)),
    free("pubsub|shardchannels", |cx, args| channels(cx, args, Kind::ShardChannel)),
    free("pubsub|shardnumsub", |cx, args| numsub(cx, args, Kind::ShardChannel)),
    free("punsubscribe", |cx, args| unsubscribe(cx, args, Kind::Pattern)),
    free("spublish", |cx, args| publish(cx, args, Kind::ShardChannel)),
    free("ssubscribe", |cx, args| subscribe(cx, args, Kind::ShardChannel)),
    free("subscribe", |cx, args| subscribe(cx, args, Kind::Channel)),
    free("sunsubscribe", |cx, args| unsubscribe(cx, args, Kind::ShardChannel)),
    free("unsubscribe", |cx, args| unsubscribe(cx, args, Kind::Channel)),
];

fn subscribe(cx: &mut Cx<'_, '_>, args: &[&[u8]], kind: Kind) -> Outcome {
    let word = match kind {
        Kind::Channel => "subscribe",
        Kind::Pattern => "psubscribe",
        Kind::ShardChannel => "ssubscribe",
    };
    for name in &args[1..] {
        cx.session.subscribe(cx.server, kind, name);
        confirm(cx, kind, word, Some(name));
    }
    Ok(())
}

/// Without names it is all of the kind; if there are none, that is told once.
fn unsubscribe(cx: &mut Cx<'_, '_>, args: &[&[u8]], kind: Kind) -> Outcome {
    let word = match kind {
        Kind::Channel => "unsubscribe",
        Kind::Pattern => "punsubscribe",
        Kind::ShardChannel => "sunsubscribe",
    };
    let all = if args.len() == 1 { cx.session.listening.subscriptions(kind) } else { Vec::new() };
    let names: Vec<&[u8]> = match &args[1..] {
        [] => all.iter().map(|name| &**name).collect(),
        names => names.to_vec(),
    };
    for name in &names {
        cx.session.unsubscribe(cx.server, kind, name);
        confirm(cx, kind, word, Some(name));
    }
    if names.is_empty() {
        confirm(cx, kind, word, None);
    }
    Ok(())
}

/// Told like a message, also to those who want no replies.
fn confirm(cx: &mut Cx<'_, '_>, kind: Kind, word: &str, name: Option<&[u8]>) {
    let count = cx.session.listening.count_told(kind);
    cx.session.says_all_the_same = true;
    cx.reply.push(3);
    cx.reply.text(word);
    match name {
        Some(name) => cx.reply.bulk(name),
        None => cx.reply.null(),
    }
    cx.reply.count(count);
}

/// A message tells of what its sender has seen, so it leaves when that is settled.
fn publish(cx: &mut Cx<'_, '_>, args: &[&[u8]], kind: Kind) -> Outcome {
    let (channel, payload) = (args[1], args[2]);
    let seen = cx.session.seen.position.max(cx.tx.position());
    let pubsub = &cx.server.pubsub;
    let receivers = match cx.mode {
        Mode::Direct => {
            let wakers = cx.tx.wakers();
            match kind {
                Kind::ShardChannel => pubsub.publish_to_shard(channel, payload, seen, wakers),
                Kind::Channel | Kind::Pattern => pubsub.publish(channel, payload, seen, wakers),
            }
        }
        // What else is in the step has no position yet.
        Mode::InExec | Mode::Script | Mode::Retry | Mode::Replay => {
            let message = pubsub.address(kind, channel, payload);
            let receivers = message.receivers();
            if receivers > 0 {
                later(cx, message, seen);
            }
            receivers
        }
    };
    cx.reply.count(receivers);
    Ok(())
}

/// Sends a message at the end of the step, behind the news of it that come earlier.
fn later(cx: &mut Cx<'_, '_>, message: Addressed, seen: u64) {
    let pubsub = Arc::clone(&cx.server.pubsub);
    cx.tx.tell(News::Other(Box::new(move |position, wakers| {
        pubsub.send(&message, position.max(seen), wakers);
    })));
}

fn channels(cx: &mut Cx<'_, '_>, args: &[&[u8]], kind: Kind) -> Outcome {
    let pattern = match args[2..] {
        [] => None,
        [pattern] => Some(pattern),
        _ => {
            let head: &[u8] = b"ERR unknown subcommand or wrong number of arguments for '";
            return Err(Error::quoting(&[head, args[1], b"'. Try PUBSUB HELP."]));
        }
    };
    let names = cx.server.pubsub.channel_names(kind, pattern);
    cx.reply.array(names.len());
    names.iter().for_each(|name| cx.reply.bulk(name));
    Ok(())
}

fn numsub(cx: &mut Cx<'_, '_>, args: &[&[u8]], kind: Kind) -> Outcome {
    cx.reply.array(args[2..].len() * 2);
    for channel in &args[2..] {
        cx.reply.bulk(channel);
        cx.reply.count(cx.server.pubsub.subscribers(kind, channel));
    }
    Ok(())
}

fn numpat(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    cx.reply.count(cx.server.pubsub.count(Kind::Pattern));
    Ok(())
}
