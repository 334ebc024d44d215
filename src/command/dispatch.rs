//! The way of a request through the command layer.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::clients::Client;
use super::cx::{Blocking, Cx, Mode};
use super::error::{Error, Outcome};
use super::keys;
use super::listening::{self, Listening, Tracked};
use super::monitor;
use super::observe;
use super::persistence;
use super::scripting;
use super::server::Server;
use super::session::{Queued, ReplyMode, Session};
use super::spec::Flags;
use super::store::Store;
use super::table::{self, Command, Locks};
use super::transaction;
use super::{debug, modules, permission};
use crate::acl::User;
use crate::journal::writer::Reservation;
use crate::keyspace::{Batch, Held, NEVER, Parked, ShardSet, Tx, Waiter};
use crate::resp::{Proto, Reply};
use crate::script::Sort;

/// After a reply as long as this no other command joins its step.
const SHORT_REPLY_BYTES: usize = 4096;

/// What the connection does after a request.
pub enum Flow {
    /// On to the next one.
    Continue,
    /// The command waits: the next one follows when it has its reply.
    Blocked(Blocked),
    /// Clients are paused until this unix ms: the request is to be tried again then, or earlier if
    /// the pause ends.
    Paused(i64),
    /// A script has the locks that the request needs, for long: it is to be tried again when the
    /// script has ended or is past `busy-reply-threshold`.
    Held,
    /// Send what is written, then close.
    Close,
}

/// The reply to a command that waited, and the journal's position that has to be settled before it
/// is told.
pub struct LateReply {
    pub bytes: Vec<u8>,
    pub position: u64,
}

/// A command that waits.
pub struct Blocked {
    pub waiter: Arc<Waiter>,
    /// The reply, when it is served.
    pub reply: oneshot::Receiver<LateReply>,
    /// Unix ms at which the wait ends; `None`: never.
    pub deadline_ms: Option<i64>,
    /// The reply if it ends without anything.
    pub at_deadline: Vec<u8>,
    /// Unix ms at which the waiter is to look again; [`NEVER`] for when its keys change only. Moved
    /// on whenever it has looked.
    pub look_again_ms: Arc<AtomicI64>,
    /// The client wants no replies (CLIENT REPLY).
    pub silent: bool,
}

impl Blocked {
    /// A wait that a task of its own ends: the connection takes it for any other command that waits.
    /// With the waiter, which the task cancels before it answers, and where it sends the answer.
    pub(super) fn by_task(
        session: &Session,
        at_deadline: Vec<u8>,
    ) -> (Blocked, Arc<Waiter>, oneshot::Sender<LateReply>) {
        let (sender, reply) = oneshot::channel();
        let waiter = Waiter::of_nothing();
        if let Some(client) = &session.client {
            client.set_blocked(Arc::clone(&waiter));
        }
        let blocked = Blocked {
            waiter: Arc::clone(&waiter),
            reply,
            // The task keeps it.
            deadline_ms: None,
            at_deadline,
            look_again_ms: Arc::new(AtomicI64::new(NEVER)),
            silent: session.is_silent(),
        };
        (blocked, waiter, sender)
    }
}

/// Runs one request (at least one argument), writing its reply to `out`.
pub fn execute(
    server: &Arc<Server>,
    session: &mut Session,
    args: &[&[u8]],
    out: &mut Vec<u8>,
    now_ms: i64,
) -> Flow {
    execute_in(&mut Batch::new(&server.keyspace), server, session, args, out, now_ms)
}

/// As [`execute`], for a request among others that have come together. What was written is not to be told
/// before the batch is closed.
pub fn execute_in<'s>(
    batch: &mut Batch<'s>,
    server: &'s Arc<Server>,
    session: &mut Session,
    args: &[&[u8]],
    out: &mut Vec<u8>,
    now_ms: i64,
) -> Flow {
    let mark = out.len();
    let flow = match admit(batch, server, session, args, now_ms) {
        // Room in the journal is held until what the command leaves behind has been appended.
        Ok(Admitted::Run(command, joining, room)) => {
            let flow = run(batch, server, session, (command, joining), args, out, now_ms);
            if let Some(room) = room {
                batch.keep_room(room);
            }
            flow
        }
        Ok(Admitted::Queued) => {
            out.extend_from_slice(b"+QUEUED\r\n");
            Flow::Continue
        }
        Ok(Admitted::Paused(until_ms)) => return Flow::Paused(until_ms),
        Ok(Admitted::Gone) => return Flow::Close,
        Err(_) if is_http(args) => {
            let addr = session.client.as_ref().map_or("", |client| &client.addr);
            tracing::warn!(
                addr,
                "closed a connection that speaks HTTP: a request forged through a browser or proxy?"
            );
            return Flow::Close;
        }
        Err(error) => {
            observe::rejected(server, args, &error);
            let error = match table::lookup(args) {
                Ok(command) if command.locks == Locks::Queued => {
                    transaction::abandon(server, session, &error, now_ms)
                }
                _ => error,
            };
            if let Some(multi) = &mut session.multi {
                multi.aborted = true;
            }
            Reply::new(out, session.proto).error(error.text());
            Flow::Continue
        }
    };
    if let Flow::Held = flow {
        return flow;
    }
    if session.reply_mode != ReplyMode::On {
        silence(session, out, mark);
    }
    if session.close_after_reply { Flow::Close } else { flow }
}

/// Takes back the reply behind `mark` where the client wants none.
fn silence(session: &mut Session, out: &mut Vec<u8>, mark: usize) {
    if !std::mem::take(&mut session.says_all_the_same) {
        out.truncate(mark);
    }
    session.reply_mode = match session.reply_mode {
        ReplyMode::SkipNext => ReplyMode::Skip,
        ReplyMode::Skip | ReplyMode::On => ReplyMode::On,
        ReplyMode::Off => ReplyMode::Off,
    };
}

/// Whether a line comes from an HTTP request. A web page can have a browser send one here, with
/// commands in its body: as in Redis, the connection is closed before they are reached.
fn is_http(args: &[&[u8]]) -> bool {
    args[0].eq_ignore_ascii_case(b"post") || args[0].eq_ignore_ascii_case(b"host:")
}

enum Admitted<'s> {
    /// The shards are given for a command that may share a step with others.
    Run(&'static Command, Option<ShardSet>, Option<Reservation<'s>>),
    Queued,
    Paused(i64),
    /// The user of the connection was deleted, and the connection goes too.
    Gone,
}

/// The checks that come before any command, in Redis's order.
fn admit<'s>(
    batch: &mut Batch<'s>,
    server: &'s Server,
    session: &mut Session,
    args: &[&[u8]],
    now_ms: i64,
) -> Result<Admitted<'s>, Error> {
    let command = table::lookup_after(session.last, args)?;
    session.last = Some(command);
    let flags = command.spec.flags;
    // What is quick by Redis's flags keeps nobody from the lock for long.
    let may_join =
        command.locks == Locks::Keys && flags.has(Flags::FAST) && session.multi.is_none();
    if !may_join {
        batch.close(&mut session.seen);
    }
    if !command.spec.arity_fits(args.len()) {
        return Err(Error::wrong_arity(command.spec.name));
    }
    if flags.has(Flags::ADMIN) {
        check_open(server, session, command)?;
    }
    if session.needs_login(server) && !flags.has(Flags::NO_AUTH) {
        return Err(Error::NO_AUTH);
    }
    if session.multi.is_some() && flags.has(Flags::NO_MULTI) {
        return Err(Error::fixed("ERR Command not allowed inside a transaction"));
    }
    if session.is_restricted() && !permission::admit(server, session, command, args)? {
        return Ok(Admitted::Gone);
    }
    check_memory(server, session, command, args, now_ms)?;
    let joining = may_join.then(|| command.shards(&server.keyspace, session, args));
    if let Some(shards) = joining {
        batch.close_unless_at(shards, &mut session.seen);
    }
    let room = Store::reserve_in(batch, server, command, session, args)?;
    if session.listening.is_confining() {
        listening::check(session, command)?;
    }
    if server.store.loading.is_active() && !flags.has(Flags::LOADING) {
        return Err(Error::LOADING);
    }
    if let Some(sort) = server.scripts.running.busy()
        && !flags.has(Flags::ALLOW_BUSY)
    {
        return Err(busy(sort));
    }
    if let Some((until_ms, all)) = server.pause.at(now_ms) {
        let queued_writes = || {
            command.locks == Locks::Queued
                && session.queued().iter().any(|queued| may_write(queued.flags))
        };
        if all || may_write(scripting::flags_of(server, command, args)) || queued_writes() {
            return Ok(Admitted::Paused(until_ms));
        }
    }
    if let Some(multi) = &mut session.multi
        && !runs_inside_multi(command)
    {
        let flags = scripting::flags_of(server, command, args);
        multi.push(Queued::new(command, args).with_flags(flags));
        return Ok(Admitted::Queued);
    }
    Ok(Admitted::Run(command, joining, room))
}

/// Some commands are closed to everybody until a setting opens them.
fn check_open(server: &Server, session: &Session, command: &Command) -> Result<(), Error> {
    match command.spec.name {
        "debug" => debug::check_open(server, session),
        "module|load" | "module|loadex" | "module|unload" => modules::check_open(server),
        _ => Ok(()),
    }
}

/// Whether a request writes, or runs what may: what CLIENT PAUSE holds back.
fn may_write(flags: Flags) -> bool {
    flags.has_any(Flags::WRITE.with(Flags::MAY_REPLICATE))
}

/// What everybody is told while a script is past `busy-reply-threshold`.
fn busy(sort: Sort) -> Error {
    Error::fixed(match sort {
        Sort::Script => {
            "BUSY Redis is busy running a script. \
             You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
        }
        Sort::Function => {
            "BUSY Redis is busy running a script. \
             You can only call FUNCTION KILL or SHUTDOWN NOSAVE."
        }
    })
}

/// At `maxmemory` what may take more is refused; nothing is ever evicted to make room.
fn check_memory(
    server: &Server,
    session: &mut Session,
    command: &Command,
    args: &[&[u8]],
    now_ms: i64,
) -> Result<(), Error> {
    let limit = server.config.maxmemory.get_u64();
    if limit == 0 {
        return Ok(());
    }
    let runs_queue = command.locks == Locks::Queued;
    let may_grow = scripting::flags_of(server, command, args).has(Flags::DENYOOM)
        || runs_queue && session.queued().iter().any(|queued| queued.flags.has(Flags::DENYOOM));
    if !may_grow || !server.metrics.memory.is_over(limit, now_ms) {
        return Ok(());
    }
    match &mut session.multi {
        // EXEC runs, to end the transaction and its watches, and answers why it did nothing.
        Some(multi) if runs_queue => {
            multi.refusal = Some(Error::OUT_OF_MEMORY);
            Ok(())
        }
        _ => Err(Error::OUT_OF_MEMORY),
    }
}

/// Commands that end or steer a transaction are run, not queued.
fn runs_inside_multi(command: &Command) -> bool {
    matches!(command.spec.name, "exec" | "discard" | "multi" | "watch" | "quit" | "reset")
}

fn run<'s>(
    batch: &mut Batch<'s>,
    server: &'s Arc<Server>,
    session: &mut Session,
    (command, joining): (&'static Command, Option<ShardSet>),
    args: &[&[u8]],
    out: &mut Vec<u8>,
    now_ms: i64,
) -> Flow {
    session.command = command.spec.name;
    let mut shards = joining.unwrap_or_else(|| command.shards(&server.keyspace, session, args));
    // A connection whose commands go here and there gains nothing by keeping a lock.
    let is_joined = batch.expects_more() && joining == Some(session.last_shards);
    session.last_shards = joining.unwrap_or(ShardSet::NONE);
    let begun = session.stopwatch.start();
    let mark = out.len();
    let ran = loop {
        match run_under(batch, server, session, (command, is_joined), args, out, (shards, now_ms)) {
            // It has found out under its locks what else it needs.
            Ok(Ran::Lacking(more)) => shards = shards.union(more),
            Ok(Ran::Done { succeeded, blocked }) => break Some((succeeded, blocked)),
            Err(Held) => break None,
        }
    };
    let Some((succeeded, blocked)) = ran else {
        return match server.scripts.running.busy() {
            None => Flow::Held,
            // A command that may run now, but on keys.
            Some(sort) => {
                out.truncate(mark);
                Reply::new(out, session.proto).error(busy(sort).text());
                Flow::Continue
            }
        };
    };
    match blocked {
        None => {
            observe::called(server, session, command, args, succeeded, begun);
            Flow::Continue
        }
        // It counts when it is served.
        Some(blocked) => Flow::Blocked(blocked),
    }
}

/// What became of a command under some locks.
enum Ran {
    Done {
        succeeded: bool,
        blocked: Option<Blocked>,
    },
    /// It has done nothing: it needs these as well.
    Lacking(ShardSet),
}

#[inline]
fn run_under<'s>(
    batch: &mut Batch<'s>,
    server: &'s Arc<Server>,
    session: &mut Session,
    (command, is_joined): (&'static Command, bool),
    args: &[&[u8]],
    out: &mut Vec<u8>,
    (shards, now_ms): (ShardSet, i64),
) -> Result<Ran, Held> {
    let mut seen = session.seen;
    let mark = out.len();
    let ran = batch.run(shards, session.db, now_ms, &mut seen, |tx| {
        tx.set_no_touch(session.no_touch);
        tx.set_origin(session.id());
        let mut reply = Reply::new(out, session.proto);
        // Looked at under the locks: DEBUG RELOAD may have begun since the command was admitted.
        if server.store.loading.is_active() && !command.spec.flags.has(Flags::LOADING) {
            reply.error(Error::LOADING.text());
            return (Ran::Done { succeeded: true, blocked: None }, false);
        }
        let mut cx = Cx::new(tx, reply, session, server, Mode::Direct);
        let succeeded = call(&mut cx, command, args);
        if let Some(lacking) = cx.tx.take_lacking() {
            return (Ran::Lacking(lacking), false);
        }
        let (durability, migration) = (cx.durability.take(), cx.migration.take());
        let blocked = if let Some(wait) = durability {
            Some(persistence::wait(session, server, wait))
        } else if let Some(migration) = migration {
            Some(keys::begin_migration(session, server, command, args, migration))
        } else {
            let blocking = cx.blocking.take();
            blocking.map(|blocking| park(tx, session, server, command, args, blocking))
        };
        // What has a long reply was not that quick.
        let may_stay = is_joined && blocked.is_none() && out.len() - mark < SHORT_REPLY_BYTES;
        (Ran::Done { succeeded, blocked }, may_stay)
    });
    session.seen = seen;
    ran
}

/// Calls a handler; an error becomes its reply. Whether it succeeded.
pub(super) fn call(cx: &mut Cx<'_, '_>, command: &Command, args: &[&[u8]]) -> bool {
    let mark = cx.reply.mark();
    let is_monitored = cx.server.pubsub.is_monitored();
    if is_monitored && monitor::is_shown_first(command) {
        monitor::show(cx, command, args);
    }
    let outcome: Outcome = (command.run)(cx, args);
    if cx.tx.lacks_shards() {
        cx.reply.truncate(mark);
        return true;
    }
    cx.session.calls += 1;
    if is_monitored && !monitor::is_shown_first(command) {
        monitor::show(cx, command, args);
    }
    if cx.session.listening.tracked.is_some() {
        listening::note_reads(cx, command, args);
    }
    if let Err(error) = &outcome {
        if !std::mem::take(&mut cx.error_is_counted) {
            cx.server.metrics.errors.count(error.code());
        }
        cx.reply.truncate(mark);
        cx.reply.error(error.text());
    }
    outcome.is_ok()
}

fn park(
    tx: &mut Tx<'_>,
    session: &Session,
    server: &Arc<Server>,
    command: &'static Command,
    args: &[&[u8]],
    blocking: Blocking,
) -> Blocked {
    let (sender, reply) = oneshot::channel();
    let request = match &blocking.retry_args {
        None => Queued::new(command, args),
        Some(args) => {
            let args: Vec<&[u8]> = args.iter().map(Vec::as_slice).collect();
            Queued::new(command, &args)
        }
    };
    let look_again_ms = Arc::new(AtomicI64::new(blocking.look_again_ms.unwrap_or(NEVER)));
    let parked = ParkedCommand {
        server: Arc::clone(server),
        look_again_ms: Arc::clone(&look_again_ms),
        request,
        proto: session.proto,
        no_touch: session.no_touch,
        user: session.user.clone(),
        client: session.client.clone(),
        tracked: session.listening.tracked.as_deref().cloned(),
        reply: Mutex::new(Some(sender)),
    };
    let waiter = tx.park(blocking.wait, Box::new(parked));
    if let Some(client) = &session.client {
        client.set_blocked(Arc::clone(&waiter));
    }
    let at_deadline = blocking.at_deadline.bytes(session.proto);
    Blocked {
        waiter,
        reply,
        deadline_ms: blocking.deadline_ms,
        at_deadline,
        look_again_ms,
        silent: session.is_silent(),
    }
}

/// A blocked client's command, to be run by whoever makes its key ready.
struct ParkedCommand {
    server: Arc<Server>,
    request: Queued,
    proto: Proto,
    no_touch: bool,
    /// Who waits: what was allowed when the wait began may not be any more.
    user: Option<Arc<User>>,
    client: Option<Arc<Client>>,
    /// How its connection is told of what it reads.
    tracked: Option<Tracked>,
    look_again_ms: Arc<AtomicI64>,
    reply: Mutex<Option<oneshot::Sender<LateReply>>>,
}

impl Parked for ParkedCommand {
    fn retry(&self, tx: &mut Tx<'_>) -> Option<Vec<u8>> {
        if self.server.store.loading.is_active() {
            return None;
        }
        let args = self.request.args();
        let mut out = Vec::new();
        let mut session = Session::stand_in(tx.db(), self.proto);
        session.listening = Listening::of_tracked(self.tracked.clone());
        tx.set_no_touch(self.no_touch);
        tx.set_origin(self.client.as_ref().map_or(0, |client| client.id));
        let mut reply = Reply::new(&mut out, self.proto);
        let still_allowed = permission::recheck_waiting(
            &self.server,
            self.user.as_ref(),
            self.client.as_ref(),
            self.request.command,
            &args,
        );
        if let Err(error) = still_allowed {
            observe::rejected(&self.server, &args, &error);
            reply.error(error.text());
            return Some(out);
        }
        let _room = match Store::reserve(&self.server, self.request.command, &session, &args) {
            Ok(room) => room,
            // Nobody would wake it when there is room again.
            Err(error) => {
                observe::rejected(&self.server, &args, &error);
                reply.error(error.text());
                return Some(out);
            }
        };
        let mut cx = Cx::new(tx, reply, &mut session, &self.server, Mode::Retry);
        let begun = cx.session.stopwatch.start();
        let succeeded = call(&mut cx, self.request.command, &args);
        if cx.tx.lacks_shards() {
            return None;
        }
        if let Some(blocking) = &cx.blocking {
            let look_again_ms = blocking.look_again_ms.unwrap_or(NEVER);
            self.look_again_ms.store(look_again_ms, Ordering::Release);
            return None;
        }
        observe::called(&self.server, &mut session, self.request.command, &args, succeeded, begun);
        session.stopwatch.stop(&self.server.metrics.calls);
        Some(out)
    }

    fn name(&self) -> Option<Vec<u8>> {
        let args = self.request.args();
        let at = args.iter().position(|arg| arg.eq_ignore_ascii_case(b"GROUP"))?;
        args.get(at + 2).map(|consumer| consumer.to_vec())
    }

    fn answer(&self, bytes: Vec<u8>, position: u64) {
        if let Some(sender) = self.reply.lock().take() {
            // A connection that has gone cancels its wait first; if it goes right now its reply is
            // lost with it, as in Redis.
            drop(sender.send(LateReply { bytes, position }));
        }
    }
}
