//! SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE and WAITAOF.
//!
//! There is one kind of snapshot: it is what RDB files and rewritten append-only files are to Redis.

use std::sync::Arc;

use super::args::{self, is};
use super::blocking::take_long;
use super::cx::{Cx, Mode};
use super::dispatch::{Blocked, LateReply};
use super::error::{Error, Outcome};
use super::server::Server;
use super::session::Session;
use super::store::{self, Busy, Cause, SaveError};
use super::table::{Entry, keys};
use crate::config::Promise;
use crate::keyspace::NEVER;
use crate::resp::{Proto, Reply};

pub(super) static COMMANDS: &[Entry] = &[
    keys("bgrewriteaof", bgrewriteaof),
    keys("bgsave", bgsave),
    keys("lastsave", lastsave),
    keys("save", save),
    keys("waitaof", waitaof),
];

const SAVE_RUNS: &str = "ERR Background save already in progress";
const NOT_KEPT: Error =
    Error::fixed("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.");
const REWRITE_RUNS: &str = "ERR Background append only file rewriting already in progress";

/// The connection waits; others are served meanwhile.
fn save(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    match take_long(|| store::save(cx.server, Cause::Save)) {
        Ok(_) => cx.reply.ok(),
        Err(SaveError::Busy(_)) => return Err(Error::fixed(SAVE_RUNS)),
        Err(error) => return Err(cannot_save(&error)),
    }
    Ok(())
}

fn cannot_save(error: &SaveError) -> Error {
    Error::new(format!("ERR cannot save: {error}"))
}

fn bgsave(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let scheduled = match args[1..] {
        [] => false,
        [word] if is(word, "SCHEDULE") => true,
        _ => return Err(Error::SYNTAX),
    };
    let begun = match cx.mode {
        // As in Redis, a transaction schedules: the cut is not to be in the midst of it.
        Mode::InExec => Err(SaveError::Busy(Busy(Cause::Rewrite))),
        _ => store::save_aside(cx.server, Cause::Save),
    };
    match begun {
        Ok(()) => cx.reply.simple("Background saving started"),
        Err(SaveError::Busy(Busy(Cause::Save))) => return Err(Error::fixed(SAVE_RUNS)),
        Err(SaveError::Busy(_)) if scheduled || cx.mode == Mode::InExec => {
            cx.server.store.saves.schedule(Cause::Save);
            cx.reply.simple("Background saving scheduled");
        }
        Err(SaveError::Busy(_)) => {
            return Err(Error::fixed(
                "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE \
                 SCHEDULE in order to schedule a BGSAVE whenever possible.",
            ));
        }
        Err(error) => return Err(cannot_save(&error)),
    }
    Ok(())
}

fn bgrewriteaof(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    let begun = match cx.mode {
        Mode::InExec => Err(SaveError::Busy(Busy(Cause::Save))),
        _ => store::save_aside(cx.server, Cause::Rewrite),
    };
    match begun {
        Ok(()) => cx.reply.simple("Background append only file rewriting started"),
        Err(SaveError::Busy(Busy(Cause::Rewrite))) => return Err(Error::fixed(REWRITE_RUNS)),
        Err(SaveError::Busy(_)) => {
            cx.server.store.saves.schedule(Cause::Rewrite);
            cx.reply.simple("Background append only file rewriting scheduled");
        }
        Err(error) => return Err(cannot_save(&error)),
    }
    Ok(())
}

fn lastsave(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    cx.reply.int(cx.server.store.saves.last().saved_at_ms / 1000);
    Ok(())
}

/// A command that waits until the disk has what its client has written.
pub(super) struct DurabilityWait {
    /// The journal's position of the client's last change.
    position: u64,
    /// Wait for this disk.
    local: bool,
    /// Wait for replicas, of which there are none: until the deadline, that is.
    replicas: bool,
    deadline_ms: Option<i64>,
}

fn waitaof(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let local = match args::integer(args[1])? {
        local @ 0..=1 => local == 1,
        _ => {
            let text = "ERR value is out of range, value must between 0 and 1";
            return Err(Error::fixed(text));
        }
    };
    let replicas = match args::parse_i64(args[2]) {
        None | Some(..0) => return Err(Error::NOT_POSITIVE),
        Some(replicas) => replicas > 0,
    };
    let timeout_ms = match args::parse_i64(args[3]) {
        None => return Err(Error::TIMEOUT_NOT_INTEGER),
        Some(..0) => return Err(Error::TIMEOUT_NEGATIVE),
        Some(timeout_ms) => timeout_ms,
    };
    let deadline_ms = match timeout_ms {
        0 => None,
        timeout_ms => {
            let deadline = cx.tx.now_ms().checked_add(timeout_ms);
            Some(deadline.ok_or(Error::TIMEOUT_OUT_OF_RANGE)?)
        }
    };
    if local && cx.server.store.promise_in_force() == Some(Promise::MemoryOnly) {
        return Err(NOT_KEPT);
    }
    let wait = DurabilityWait { position: cx.session.seen.written, local, replicas, deadline_ms };
    let is_over = (!local || is_durable(cx.server, wait.position)) && !replicas;
    if is_over || cx.mode != Mode::Direct {
        counts(&mut cx.reply, is_durable(cx.server, wait.position));
    } else {
        cx.durability = Some(wait);
    }
    Ok(())
}

/// The reply: whether this disk has it, and how many replicas' disks have.
fn counts(reply: &mut Reply<'_>, local: bool) {
    reply.array(2);
    reply.int(i64::from(local));
    reply.int(0);
}

fn reply_bytes(proto: Proto, local: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    counts(&mut Reply::new(&mut bytes, proto), local);
    bytes
}

fn is_durable(server: &Server, position: u64) -> bool {
    let journal = server.store.journal();
    journal.is_some_and(|journal| journal.durable() >= position)
        && server.store.promise_in_force() != Some(Promise::MemoryOnly)
}

/// Waits on a task of its own: the connection takes it for any other command that waits.
pub(super) fn wait(session: &Session, server: &Arc<Server>, wait: DurabilityWait) -> Blocked {
    let proto = session.proto;
    let at_deadline = reply_bytes(proto, is_durable(server, wait.position));
    let (blocked, waiter, mut sender) = Blocked::by_task(session, at_deadline);
    let server = Arc::clone(server);
    tokio::spawn(async move {
        let clock = server.keyspace.clock();
        let deadline = clock.sleep_until_ms(wait.deadline_ms.unwrap_or(NEVER));
        let ended = tokio::select! {
            biased;
            ended = until_durable(&server, &wait) => ended,
            () = deadline => Ok(()),
            // The client has gone, or another one has let it go.
            () = sender.closed() => return,
        };
        if waiter.cancel() {
            let bytes = match ended {
                Ok(()) => reply_bytes(proto, is_durable(&server, wait.position)),
                Err(error) => {
                    server.metrics.errors.count(error.code());
                    let mut bytes = Vec::new();
                    Reply::new(&mut bytes, proto).error(error.text());
                    bytes
                }
            };
            // A connection that goes just now needs no answer.
            drop(sender.send(LateReply { bytes, position: 0 }));
        }
    });
    blocked
}

/// Resolves when what is waited for is there, or cannot come any more because the journal has failed
/// for good.
///
/// # Errors
/// It is not kept any more.
async fn until_durable(server: &Server, wait: &DurabilityWait) -> Result<(), Error> {
    if wait.local
        && let Some(journal) = server.store.journal()
    {
        journal.flush();
        if journal.wait_durable(wait.position).await.is_err() {
            let is_kept = server.store.promise_in_force() != Some(Promise::MemoryOnly);
            return if is_kept { Ok(()) } else { Err(NOT_KEPT) };
        }
    }
    if wait.replicas {
        std::future::pending::<()>().await;
    }
    Ok(())
}
