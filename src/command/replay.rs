//! Replaying effects: the same commands, at the frame's time, with nothing expiring by itself.

use std::sync::Arc;

use super::cx::{Cx, Mode};
use super::error::Error;
use super::server::Server;
use super::session::Session;
use super::spec::Flags;
use super::table;
use crate::journal::Frame;
use crate::keyspace::{ShardSet, Tx};
use crate::resp::{Decoder, Limits, Proto, Reply, Step};

/// What was taken once is not too long now.
const LIMITS: Limits = Limits { bulk_bytes_max: usize::MAX, authenticated: true };

/// An effect that could not be replayed: it is not what this server writes, or does not fit the
/// state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplayError(pub String);

/// Applies a frame to the keyspace, as one step.
pub fn replay(server: &Arc<Server>, frame: &Frame) -> Result<(), ReplayError> {
    server.keyspace.run_replay(frame.time_ms, |tx| {
        let mut replayer = Replayer::new(server);
        replayer.replay(tx, frame.time_ms, &frame.effects)
    })
}

/// Applies frame after frame, keeping what can be kept from one to the next.
pub struct Replayer<'s> {
    server: &'s Arc<Server>,
    session: Session,
    decoder: Decoder,
    /// Where replies go, which nobody reads.
    out: Vec<u8>,
}

impl<'s> Replayer<'s> {
    pub fn new(server: &'s Arc<Server>) -> Replayer<'s> {
        let session = Session::stand_in(0, Proto::Resp2);
        Replayer { server, session, decoder: Decoder::new(), out: Vec::new() }
    }

    /// Applies a frame's effects as one step of `tx`, which has locked all shards.
    ///
    /// # Errors
    /// An effect does not fit; what came before it in the frame has been applied.
    pub fn replay(
        &mut self,
        tx: &mut Tx<'_>,
        time_ms: i64,
        effects: &[u8],
    ) -> Result<(), ReplayError> {
        tx.replay_at(time_ms);
        // A frame starts in database 0.
        tx.select(0);
        self.session.db = 0;
        self.decoder = Decoder::new();
        let mut args: Vec<&[u8]> = Vec::with_capacity(8);
        loop {
            match self.decoder.step(effects, &LIMITS) {
                Ok(Step::Request) => {}
                Ok(Step::Empty) => continue,
                Ok(Step::Incomplete { .. }) if self.decoder.position() == effects.len() => break,
                Ok(Step::Incomplete { .. }) => {
                    return Err(ReplayError("an effect is cut off".into()));
                }
                Err(error) => return Err(ReplayError(error.0)),
            }
            args.clear();
            args.extend(self.decoder.ranges().iter().map(|&(from, to)| &effects[from..to]));
            self.out.clear();
            apply(self.server, tx, &mut self.session, &args, &mut self.out)?;
        }
        tx.end_step();
        tx.free_removed();
        Ok(())
    }
}

fn apply(
    server: &Arc<Server>,
    tx: &mut Tx<'_>,
    session: &mut Session,
    args: &[&[u8]],
    out: &mut Vec<u8>,
) -> Result<(), ReplayError> {
    let failed = |text: &[u8]| {
        let shown: Vec<_> = args.iter().map(|arg| arg.escape_ascii().to_string()).collect();
        ReplayError(format!("{}: {}", String::from_utf8_lossy(text), shown.join(" ")))
    };
    let command = table::lookup_effect(args).map_err(|error| failed(error.text()))?;
    if !command.spec.arity_fits(args.len()) {
        return Err(failed(Error::wrong_arity(command.spec.name).text()));
    }
    let reply = Reply::new(out, Proto::Resp2);
    let mut cx = Cx::new(tx, reply, session, server, Mode::Replay);
    (command.run)(&mut cx, args).map_err(|error| failed(error.text()))
}

/// What other servers log, or once logged, beside commands that change keys: Redis keeps PFCOUNT's
/// estimate in the string, here it changes nothing.
const CHANGES_NO_KEY: [&str; 4] = ["pfcount", "ping", "publish", "spublish"];
/// Up to 6.2 Redis could be told to log scripts instead of what they did; a later one may be named
/// by the sum of what an earlier one loaded.
const OF_SCRIPTS: [&str; 4] = ["eval", "evalsha", "script|load", "script|flush"];

/// Why a command of another server's log was not run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unapplied {
    /// There is none of this name here that changes anything.
    Unknown,
    /// It does not fit the state; the error reply.
    Refused(Error),
}

/// Runs a command of another server's log, as one step of its own in which nothing expires and
/// nothing is recorded. SELECT moves the session.
pub fn apply_foreign(
    server: &Arc<Server>,
    session: &mut Session,
    args: &[&[u8]],
    now_ms: i64,
) -> Result<(), Unapplied> {
    let command = table::lookup(args).map_err(|_| Unapplied::Unknown)?;
    let spec = command.spec;
    if CHANGES_NO_KEY.contains(&spec.name) {
        return Ok(());
    }
    let is_script = OF_SCRIPTS.contains(&spec.name);
    if !spec.flags.has(Flags::WRITE) && !is_script && spec.name != "select" {
        return Err(Unapplied::Unknown);
    }
    if !spec.arity_fits(args.len()) {
        return Err(Unapplied::Refused(Error::wrong_arity(spec.name)));
    }
    let shards = if is_script {
        // It may name keys that its request does not.
        ShardSet::ALL
    } else {
        command.shards(&server.keyspace, session, args)
    };
    server.keyspace.run(shards, session.db, now_ms, |tx| {
        tx.replay_at(now_ms);
        let mut out = Vec::new();
        let reply = Reply::new(&mut out, Proto::Resp2);
        // As in a transaction: nothing waits.
        let mut cx = Cx::new(tx, reply, session, server, Mode::InExec);
        (command.run)(&mut cx, args).map_err(Unapplied::Refused)
    })
}
