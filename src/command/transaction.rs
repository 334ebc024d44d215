//! MULTI, EXEC, DISCARD, WATCH, UNWATCH.

use std::sync::Arc;

use super::cx::{Cx, Mode};
use super::dispatch;
use super::error::{Error, Outcome};
use super::observe;
use super::permission;
use super::server::Server;
use super::session::{Multi, Session, Transaction};
use super::store::transaction_bytes;
use super::stream;
use super::table::{Entry, Locks, keys};
use crate::keyspace::{Held, Seen, ShardSet, Tx};

pub(super) static COMMANDS: &[Entry] = &[
    keys("multi", multi),
    Entry { name: "exec", run: exec, locks: Locks::Queued },
    Entry { name: "discard", run: discard, locks: Locks::Watched },
    keys("watch", watch),
    Entry { name: "unwatch", run: unwatch, locks: Locks::Watched },
];

fn multi(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    if cx.session.multi.is_some() {
        return Err(Error::fixed("ERR MULTI calls can not be nested"));
    }
    cx.session.multi = Some(Box::default());
    cx.reply.ok();
    Ok(())
}

/// Runs the queue as one step: all shards of all its commands, and of the watched keys, are locked,
/// so the check of the watches and the run are one.
fn exec(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    let Some(multi) = cx.session.multi.take() else {
        return Err(Error::fixed("ERR EXEC without MULTI"));
    };
    // What it may need beside its own keys is known before any of it runs.
    let needed = stream::shards_beside(cx, &multi.queue);
    if cx.may_run_again() && !cx.tx.require(needed) {
        cx.session.multi = Some(multi);
        return Ok(());
    }
    let Multi { queue, aborted, refusal, queued_bytes } = *multi;
    let broken = cx.session.watch_broken(cx.tx);
    // The transaction's own writes are no reason to break a watch.
    cx.session.unwatch(cx.tx);
    if let Some(refusal) = refusal {
        return Err(discarded(&refusal));
    }
    if aborted {
        return Err(Error::EXEC_ABORTED);
    }
    if broken {
        cx.reply.null_array();
        return Ok(());
    }
    cx.reply.array(queue.len());
    cx.session.executing = Some(Transaction { queued: queue.len(), queued_bytes });
    cx.tx.expect_bytes(transaction_bytes(&queue));
    let mode = std::mem::replace(&mut cx.mode, Mode::InExec);
    for queued in &queue {
        let args = queued.args();
        if cx.session.is_restricted()
            && let Err(error) = permission::recheck_queued(cx, queued.command, &args)
        {
            cx.server.metrics.errors.count(error.code());
            cx.reply.error(error.text());
            continue;
        }
        let begun = cx.session.stopwatch.start();
        let succeeded = dispatch::call(cx, queued.command, &args);
        observe::called(cx.server, cx.session, queued.command, &args, succeeded, begun);
        // HELLO may have changed the version.
        let proto = cx.session.proto;
        cx.reply.set_proto(proto);
    }
    cx.mode = mode;
    cx.session.executing = None;
    Ok(())
}

/// An EXEC that is refused before it runs ends its transaction all the same. Gives what the client
/// is told.
pub(super) fn abandon(
    server: &Arc<Server>,
    session: &mut Session,
    why: &Error,
    now_ms: i64,
) -> Error {
    session.multi = None;
    let shards = session.watched_shards(&server.keyspace);
    if shards != ShardSet::NONE {
        let (db, watches) = (session.db, session.give_up_watches());
        let end = |tx: &mut Tx<'_>| watches.end(tx);
        let ended = server.keyspace.try_run_noting(shards, db, now_ms, &mut Seen::default(), end);
        if let Err(Held) = ended {
            // A script has the locks, and the answer does not wait for them.
            let server = Arc::clone(server);
            tokio::task::spawn_blocking(move || {
                server.keyspace.run(shards, db, now_ms, |tx| watches.end(tx));
            });
        }
    }
    discarded(why)
}

fn discarded(why: &Error) -> Error {
    let text = why.text();
    let reason: &[u8] = b"EXECABORT Transaction discarded because of: ";
    Error::new([reason, text.strip_prefix(b"ERR ").unwrap_or(text)].concat())
}

fn discard(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    if cx.session.multi.take().is_none() {
        return Err(Error::fixed("ERR DISCARD without MULTI"));
    }
    cx.session.unwatch(cx.tx);
    cx.reply.ok();
    Ok(())
}

fn watch(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    if cx.session.multi.is_some() {
        return Err(Error::fixed("ERR WATCH inside MULTI is not allowed"));
    }
    for key in &args[1..] {
        cx.session.watch(cx.tx, key);
    }
    cx.reply.ok();
    Ok(())
}

fn unwatch(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    cx.session.unwatch(cx.tx);
    cx.reply.ok();
    Ok(())
}
