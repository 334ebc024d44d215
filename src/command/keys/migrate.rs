//! MIGRATE: keys to another server.
//!
//! While the network is waited for nothing is locked: keys that are on their way can be read and
//! changed. What has arrived is removed here only if it is still what was sent. If it has changed it
//! is sent again in place of what arrived, and if it has been removed it is removed there too: in the
//! end it was either changed before it moved, or not at all. In a transaction or a script, which are
//! one step, the locks are held instead, as Redis stops for it.

mod target;

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use self::target::{Login, Report, Target};
use crate::command::args::{self, is};
use crate::command::blocking::take_long;
use crate::command::cx::{Cx, Mode};
use crate::command::dispatch::{Blocked, LateReply};
use crate::command::error::{Error, Outcome};
use crate::command::observe;
use crate::command::server::Server;
use crate::command::session::{Queued, Session};
use crate::command::store::effect_bytes;
use crate::command::stream;
use crate::command::table::Command;
use crate::keyspace::{EventClass, NEVER, Seen, Tx};
use crate::rdb::payload;
use crate::resp::{Proto, Reply};
use crate::types::stream::idmp::IdmpLimits;

/// How often keys are sent again because they have changed on their way.
const ROUNDS_MAX: usize = 32;
const TIMEOUT_DEFAULT_MS: i64 = 1000;
/// How long to wait before looking again where writes are paused or a script has the locks.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
const RESTLESS: Error = Error::fixed(
    "ERR The keys change faster than they can be moved: they are here, and older values of them on \
     the target instance",
);

/// A key as it is sent.
pub(crate) struct Parcel {
    key: Vec<u8>,
    /// 0 for one without a deadline.
    ttl_ms: i64,
    /// None for a key that has been removed since it was sent: it is to be removed there.
    payload: Option<Vec<u8>>,
}

impl Parcel {
    fn of(tx: &mut Tx<'_>, key: &[u8], idmp: IdmpLimits) -> Option<Parcel> {
        let payload = payload::write(tx.get(key)?, idmp);
        let now_ms = tx.now_ms();
        let ttl_ms = match tx.expire_at(key) {
            None | Some(NEVER) => 0,
            Some(expire_at_ms) => (expire_at_ms - now_ms).max(1),
        };
        Some(Parcel { key: key.to_vec(), ttl_ms, payload: Some(payload) })
    }
}

/// Keys on their way.
pub(crate) struct Migration {
    target: Target,
    copy: bool,
    replace: bool,
    db: usize,
    idmp: IdmpLimits,
    /// Each with a session that watches its key.
    parcels: Vec<(Parcel, Session)>,
}

struct Options<'r, 'a> {
    copy: bool,
    replace: bool,
    login: Option<Login>,
    keys: &'r [&'a [u8]],
}

impl<'r, 'a> Options<'r, 'a> {
    fn parse(args: &'r [&'a [u8]]) -> Result<Options<'r, 'a>, Error> {
        let keys = &args[3..4];
        let mut options = Options { copy: false, replace: false, login: None, keys };
        let mut rest = args[6..].iter();
        while let Some(word) = rest.next() {
            if is(word, "COPY") {
                options.copy = true;
            } else if is(word, "REPLACE") {
                options.replace = true;
            } else if is(word, "AUTH") {
                let password = rest.next().ok_or(Error::SYNTAX)?.to_vec();
                options.login = Some(Login { user: None, password });
            } else if is(word, "AUTH2") {
                let user = Some(rest.next().ok_or(Error::SYNTAX)?.to_vec());
                let password = rest.next().ok_or(Error::SYNTAX)?.to_vec();
                options.login = Some(Login { user, password });
            } else if is(word, "KEYS") {
                if !args[3].is_empty() {
                    let text = "ERR When using MIGRATE KEYS option, the key argument must be set to \
                                the empty string";
                    return Err(Error::fixed(text));
                }
                options.keys = &args[args.len() - rest.len()..];
                break;
            } else {
                return Err(Error::SYNTAX);
            }
        }
        Ok(options)
    }
}

pub(super) fn migrate(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let Options { copy, replace, login, keys } = Options::parse(args)?;
    let limit_ms = match args::integer(args[5])? {
        ..=0 => TIMEOUT_DEFAULT_MS,
        limit_ms => limit_ms,
    };
    let target = Target {
        host: String::from_utf8_lossy(args[1]).into_owned(),
        // What is no port is none that anybody listens on.
        port: std::str::from_utf8(args[2]).ok().and_then(|it| it.parse().ok()).unwrap_or(0),
        limit: Duration::from_millis(limit_ms.unsigned_abs()),
        login,
        db: args::integer(args[4])?,
    };
    let idmp = stream::idmp_limits(cx.server, cx.mode);
    let db = cx.tx.db();
    let mut parcels = Vec::new();
    for key in keys {
        if let Some(parcel) = Parcel::of(cx.tx, key, idmp) {
            let mut watch = Session::stand_in(db, Proto::Resp2);
            if cx.mode == Mode::Direct && !copy {
                watch.watch(cx.tx, key);
            }
            parcels.push((parcel, watch));
        }
    }
    if parcels.is_empty() {
        cx.reply.simple("NOKEY");
        return Ok(());
    }
    let migration = Migration { target, copy, replace, db, idmp, parcels };
    if cx.mode == Mode::Direct {
        cx.migration = Some(Box::new(migration));
        return Ok(());
    }
    migration.run_locked(cx)
}

/// Removes a key that has arrived elsewhere.
fn remove(tx: &mut Tx<'_>, key: &[u8]) {
    if tx.remove(key) {
        tx.changed(key);
        tx.record(&[b"DEL", key]);
        tx.notify(EventClass::GENERIC, "del", key);
    }
}

impl Migration {
    fn run_locked(&self, cx: &mut Cx<'_, '_>) -> Outcome {
        let parcels: Vec<&Parcel> = self.parcels.iter().map(|(parcel, _)| parcel).collect();
        let deliver = || {
            let runtime = Handle::try_current().ok()?;
            Some(runtime.block_on(self.target.deliver(&parcels, self.replace)))
        };
        let Some(Report { arrived, outcome }) = take_long(deliver) else {
            return Err(Error::fixed("IOERR error or timeout connecting to the client"));
        };
        if !self.copy {
            let arrived = parcels.iter().zip(arrived).filter(|(_, arrived)| *arrived);
            arrived.for_each(|(parcel, _)| remove(cx.tx, &parcel.key));
        }
        outcome?;
        cx.reply.ok();
        Ok(())
    }

    /// Moves the keys; `seen` notes what the reply rests on.
    async fn run(&mut self, server: &Arc<Server>, origin: u64, seen: &mut Seen) -> Outcome {
        for round in 0..ROUNDS_MAX {
            let parcels: Vec<&Parcel> = self.parcels.iter().map(|(parcel, _)| parcel).collect();
            let Report { arrived, outcome } =
                self.target.deliver(&parcels, self.replace || round > 0).await;
            if self.copy {
                return outcome;
            }
            let mut left = Vec::new();
            let mut settled = Ok(());
            for ((parcel, mut watch), arrived) in
                std::mem::take(&mut self.parcels).into_iter().zip(arrived)
            {
                if !arrived {
                    self.let_go(server, &mut watch);
                    continue;
                }
                match self.settle(server, origin, parcel, &mut watch, seen).await {
                    Ok(None) => {}
                    Ok(Some(changed)) => left.push((changed, watch)),
                    Err(error) => settled = Err(error),
                }
            }
            self.parcels = left;
            let is_over = self.parcels.is_empty() || outcome.is_err() || settled.is_err();
            if is_over || round + 1 == ROUNDS_MAX {
                for (_, mut watch) in std::mem::take(&mut self.parcels) {
                    self.let_go(server, &mut watch);
                }
                return outcome.and(settled).and(if is_over { Ok(()) } else { Err(RESTLESS) });
            }
        }
        Ok(())
    }

    /// A parcel has arrived: its key is removed, or gives the parcel that is to follow.
    async fn settle(
        &self,
        server: &Arc<Server>,
        origin: u64,
        parcel: Parcel,
        watch: &mut Session,
        seen: &mut Seen,
    ) -> Result<Option<Parcel>, Error> {
        let keyspace = &server.keyspace;
        let key = &parcel.key;
        let room = server.store.reserve_bytes(true, effect_bytes(&[b"DEL", key]));
        let room = room.inspect_err(|_| self.let_go(server, watch))?;
        loop {
            let now_ms = keyspace.clock().now_ms();
            if server.pause.at(now_ms).is_some() {
                tokio::time::sleep(LOOK_AGAIN).await;
                continue;
            }
            let step = |tx: &mut Tx<'_>| {
                tx.set_origin(origin);
                let has_changed = watch.watch_broken(tx);
                watch.unwatch(tx);
                if !has_changed {
                    remove(tx, key);
                    return None;
                }
                watch.watch(tx, key);
                let gone = || Parcel { key: key.clone(), ttl_ms: 0, payload: None };
                let next = Parcel::of(tx, key, self.idmp);
                // What is gone here and there is done with.
                let is_done = next.is_none() && parcel.payload.is_none();
                if is_done {
                    watch.unwatch(tx);
                }
                (!is_done).then(|| next.unwrap_or_else(gone))
            };
            if let Ok(next) =
                keyspace.try_run_noting(keyspace.shard_of(key), self.db, now_ms, seen, step)
            {
                drop(room);
                return Ok(next);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    fn let_go(&self, server: &Server, watch: &mut Session) {
        let shards = watch.watched_shards(&server.keyspace);
        server.keyspace.run(shards, self.db, 0, |tx| watch.unwatch(tx));
    }
}

/// Moves keys on a task of its own: the connection takes it for any other command that waits. If that
/// ends before, the keys move all the same.
pub(crate) fn begin(
    session: &Session,
    server: &Arc<Server>,
    command: &'static Command,
    args: &[&[u8]],
    mut migration: Box<Migration>,
) -> Blocked {
    let mut at_deadline = Vec::new();
    Reply::new(&mut at_deadline, session.proto)
        .error(b"IOERR error or timeout reading to target instance");
    let (blocked, waiter, sender) = Blocked::by_task(session, at_deadline);
    let request = Queued::new(command, args);
    let mut caller = Session::new(session.client.clone());
    caller.proto = session.proto;
    let server = Arc::clone(server);
    tokio::spawn(async move {
        let begun = caller.stopwatch.start();
        let mut seen = caller.seen;
        let outcome = migration.run(&server, caller.id(), &mut seen).await;
        let mut bytes = Vec::new();
        let mut reply = Reply::new(&mut bytes, caller.proto);
        match &outcome {
            Ok(()) => reply.ok(),
            Err(error) => {
                server.metrics.errors.count(error.code());
                reply.error(error.text());
            }
        }
        observe::called(&server, &mut caller, command, &request.args(), outcome.is_ok(), begun);
        caller.stopwatch.stop(&server.metrics.calls);
        if waiter.cancel() {
            // A connection that has gone needs no answer.
            drop(sender.send(LateReply { bytes, position: seen.position }));
        }
    });
    blocked
}
