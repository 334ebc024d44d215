//! What a handler works with.

use std::sync::Arc;

use super::keys::Migration;
use super::persistence::DurabilityWait;
use super::server::Server;
use super::session::Session;
use crate::keyspace::{Class, EventClass, Expiry, ShardSet, Tx, Value, Wait};
use crate::metrics::RunningTotals;
use crate::resp::{Proto, Reply};

/// How a handler was come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Straight from a connection: it may wait.
    Direct,
    /// Queued in a transaction, or called by a script: where it would wait it answers as if its time
    /// were over.
    InExec,
    /// From a script: as in a transaction.
    Script,
    /// Again, for a client that waits.
    Retry,
    /// As an effect, from the journal.
    Replay,
}

/// What a handler works with: the step it is part of, whom it serves, and where its reply goes.
pub struct Cx<'a, 'k> {
    /// Keys and values, under the locks of the command.
    pub tx: &'a mut Tx<'k>,
    pub reply: Reply<'a>,
    /// The connection's own state. In a retry or a replay a bare stand-in.
    pub session: &'a mut Session,
    pub server: &'a Arc<Server>,
    pub mode: Mode,
    pub(super) blocking: Option<Blocking>,
    /// The command waits for the disk.
    pub(super) durability: Option<DurabilityWait>,
    /// The command waits for another server.
    pub(super) migration: Option<Box<Migration>>,
    /// The error that the handler gives has been counted: a script failed with a command's.
    pub(super) error_is_counted: bool,
}

/// What a command that has to wait asks for.
pub struct Blocking {
    pub wait: Wait,
    /// Unix ms at which the wait ends; `None`: never.
    pub deadline_ms: Option<i64>,
    /// What the client gets if the wait ends without anything.
    pub at_deadline: AtDeadline,
    /// The command to run again, where it is not the one that was given: `$` of XREAD is settled
    /// when the wait begins.
    pub retry_args: Option<Vec<Vec<u8>>>,
    /// Unix ms at which the command is to be run again although nothing may have changed.
    pub look_again_ms: Option<i64>,
}

/// The reply to a wait that ended without anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AtDeadline {
    Null,
    NullArray,
    /// The integer 0 (WAIT and its kin).
    Zero,
}

impl AtDeadline {
    pub fn write(self, reply: &mut Reply<'_>) {
        match self {
            AtDeadline::Null => reply.null(),
            AtDeadline::NullArray => reply.null_array(),
            AtDeadline::Zero => reply.int(0),
        }
    }

    /// The reply's bytes.
    pub fn bytes(self, proto: Proto) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut Reply::new(&mut out, proto));
        out
    }
}

impl<'a, 'k> Cx<'a, 'k> {
    pub fn new(
        tx: &'a mut Tx<'k>,
        reply: Reply<'a>,
        session: &'a mut Session,
        server: &'a Arc<Server>,
        mode: Mode,
    ) -> Cx<'a, 'k> {
        Cx {
            tx,
            reply,
            session,
            server,
            mode,
            blocking: None,
            durability: None,
            migration: None,
            error_is_counted: false,
        }
    }

    /// What was counted since the last CONFIG RESETSTAT; all shards are locked.
    pub fn running_totals(&self) -> RunningTotals {
        let base = *self.server.metrics.totals_base.lock();
        let now = self.running_totals_ever();
        RunningTotals {
            hits: now.hits - base.hits,
            misses: now.misses - base.misses,
            expired: now.expired - base.expired,
            expired_fields: now.expired_fields - base.expired_fields,
            accepted: now.accepted - base.accepted,
            rejected: now.rejected - base.rejected,
        }
    }

    /// What was counted since the start; all shards are locked.
    pub fn running_totals_ever(&self) -> RunningTotals {
        let (hits, misses) = self.tx.reads_total();
        RunningTotals {
            hits,
            misses,
            expired: self.tx.expired_total(),
            expired_fields: self.tx.expired_fields_total(),
            accepted: self.server.clients.accepted(),
            rejected: self.server.clients.rejected(),
        }
    }

    /// Tells of elements that were taken out of a value, as `event`, and removes a value that has none
    /// left.
    pub fn shrunk(&mut self, key: &[u8], class: EventClass, event: &'static str) {
        let is_emptied = self.tx.remove_if_empty(key);
        self.tx.changed(key);
        self.tx.notify(class, event, key);
        if is_emptied {
            self.tx.notify(EventClass::GENERIC, "del", key);
        }
    }

    /// Puts what a command has made at a key, in the place of what was there, which an outcome without
    /// elements, none, only takes away. `effect` makes the same in a replay.
    pub fn store(
        &mut self,
        key: &[u8],
        outcome: Option<Value>,
        class: EventClass,
        event: &'static str,
        effect: &[&[u8]],
    ) {
        if let Some(value) = outcome {
            self.tx.put(key, value, Expiry::Clear);
            self.tx.changed(key);
            self.tx.notify(class, event, key);
            self.tx.record(effect);
        } else if self.tx.remove(key) {
            self.tx.changed(key);
            self.tx.notify(EventClass::GENERIC, "del", key);
            self.tx.record(&[b"DEL", key]);
        }
    }

    /// Has the client wait for one of `keys`: the command is run again when one becomes worth
    /// another look. Where it may not wait (in a transaction) it gets the reply of `at_deadline`
    /// at once. The handler returns right after, having changed and written nothing.
    pub fn block(
        &mut self,
        keys: &[&[u8]],
        class: Class,
        deadline_ms: Option<i64>,
        at_deadline: AtDeadline,
    ) {
        let keys = keys.iter().map(|key| Box::from(*key)).collect();
        self.block_with(Blocking {
            wait: Wait { keys, class },
            deadline_ms,
            at_deadline,
            retry_args: None,
            look_again_ms: None,
        });
    }

    /// Whether the command can be run again under more locks than it has.
    pub fn may_run_again(&self) -> bool {
        matches!(self.mode, Mode::Direct | Mode::Retry)
    }

    /// Whether these shards are locked, or cannot be for this command. If not, the handler returns at
    /// once, having changed nothing: it is run again with them.
    pub fn reach(&mut self, shards: ShardSet) -> bool {
        !self.may_run_again() || self.tx.require(shards)
    }

    /// As [`Cx::block`], saying everything.
    pub fn block_with(&mut self, blocking: Blocking) {
        match self.mode {
            Mode::Direct | Mode::Retry => self.blocking = Some(blocking),
            Mode::InExec | Mode::Script | Mode::Replay => {
                blocking.at_deadline.write(&mut self.reply)
            }
        }
    }
}
