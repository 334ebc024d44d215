//! What scripts reach out for: commands, the log, rights.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::command::blocking::take_long;
use crate::command::cx::{Cx, Mode};
use crate::command::dispatch;
use crate::command::error::Error;
use crate::command::listening::Tracked;
use crate::command::observe;
use crate::command::permission;
use crate::command::server::Server;
use crate::command::session::Session;
use crate::command::spec::Flags;
use crate::command::store::{effect_bytes, misconf};
use crate::command::table::{self, Command};
use crate::journal::Class;
use crate::keyspace::Tx;
use crate::resp::{Proto, Reply};
use crate::script::{self, Host, Refusal};

/// How long to wait for a thread: there may be none left to have.
const THREAD_MAX: Duration = Duration::from_secs(1);
/// How long a thread may take to take a worker over once it is there for it.
const TAKE_OVER: Duration = Duration::from_millis(1);

/// Who has called a script, and how.
pub(super) struct Caller<'a> {
    pub request: &'a [&'a [u8]],
    /// By a command that changes nothing.
    pub read_only: bool,
    /// A function's name; none for a script.
    pub name: Option<&'a [u8]>,
}

/// A script's way to the server, for one call.
pub(super) struct ScriptHost<'a, 'k> {
    tx: &'a mut Tx<'k>,
    server: &'a Arc<Server>,
    /// The script's own: its database and protocol version are not the caller's.
    session: Session,
    caller: Caller<'a>,
    flags: Option<script::Flags>,
    /// The database at the start.
    db: usize,
    /// Memory was at its limit at the start.
    is_over_memory: bool,
    has_written: bool,
}

impl<'a, 'k> ScriptHost<'a, 'k> {
    /// A host for a call in `cx`, and where the reply goes.
    pub fn new<'c>(
        cx: &'a mut Cx<'c, 'k>,
        caller: Caller<'a>,
    ) -> (ScriptHost<'a, 'k>, &'a mut Reply<'c>) {
        let limit = cx.server.config.maxmemory.get_u64();
        let now_ms = cx.tx.now_ms();
        let is_over_memory = limit > 0 && cx.server.metrics.memory.is_over(limit, now_ms);
        let db = cx.tx.db();
        let mut session = Session::new(cx.session.client.clone());
        session.user = cx.session.user.clone();
        session.db = db;
        // What the script reads, the caller may cache.
        session.listening.tracked = cx.session.listening.tracked.take();
        let host = ScriptHost {
            tx: cx.tx,
            server: cx.server,
            session,
            caller,
            flags: None,
            db,
            is_over_memory,
            has_written: false,
        };
        (host, &mut cx.reply)
    }

    pub fn server(&self) -> &'a Arc<Server> {
        self.server
    }

    /// The script has ended. Gives back what the caller's cache is told by.
    pub fn end(mut self) -> Option<Box<Tracked>> {
        self.tx.select(self.db);
        self.session.stopwatch.stop(&self.server.metrics.calls);
        self.server.scripts.running.end(|| self.server.keyspace.hold.end());
        self.session.listening.tracked.take()
    }

    fn is_read_only(&self) -> bool {
        let states_it = |flags: script::Flags| flags.has(script::Flags::NO_WRITES);
        self.caller.read_only || self.flags.is_some_and(states_it)
    }

    /// Whether the script may call a command now; if so, and it writes, room in the journal is held
    /// for it.
    fn check(&mut self, command: &'static Command, args: &[&[u8]]) -> Result<(), Error> {
        let flags = command.spec.flags;
        if flags.has(Flags::NOSCRIPT) {
            return Err(Error::fixed("ERR This Redis command is not allowed from script"));
        }
        permission::check_in_script(self.server, &mut self.session, command, args)?;
        if self.is_read_only() && flags.has_any(Flags::WRITE.with(Flags::MAY_REPLICATE)) {
            return Err(Error::fixed("ERR Write commands are not allowed from read-only scripts."));
        }
        if !flags.has(Flags::WRITE) {
            return Ok(());
        }
        // What has begun to write goes on: half of it would be worse.
        let allows_oom = |flags: script::Flags| flags.has(script::Flags::ALLOW_OOM);
        if self.is_over_memory
            && flags.has(Flags::DENYOOM)
            && !self.has_written
            && !self.flags.is_some_and(allows_oom)
        {
            return Err(Error::OUT_OF_MEMORY);
        }
        self.make_room(self.has_written || !flags.has(Flags::DENYOOM), effect_bytes(args))
    }

    /// What takes no memory may use the reserve, and so may what has begun to write.
    fn make_room(&mut self, drains: bool, bytes: usize) -> Result<(), Error> {
        let held = match self.tx.hold_room(Class::Ordinary, bytes) {
            Err(_) if drains => self.tx.hold_room(Class::Drain, bytes),
            held => held,
        };
        held.map_err(|refused| misconf(&refused))
    }
}

/// Has the runtime's worker go on without this thread: what follows blocks, but not from within.
pub(super) fn leave_worker() {
    take_long(|| {
        let Ok(runtime) = Handle::try_current() else { return };
        // Who comes back before another thread has the worker gets it back, and its sockets stand
        // still. Threads are given out in turn: when one is there for this, the worker has had one.
        let (come, has_come) = mpsc::channel();
        runtime.spawn_blocking(move || come.send(()));
        if has_come.recv_timeout(THREAD_MAX).is_ok() {
            std::thread::park_timeout(TAKE_OVER);
        }
    });
}

/// The command that a script calls.
fn find(args: &[&[u8]]) -> Result<&'static Command, Error> {
    const UNKNOWN: Error = Error::fixed("ERR Unknown Redis command called from script");
    const ARITY: Error = Error::fixed("ERR Wrong number of args calling Redis command from script");
    let command = match table::lookup(args) {
        Ok(command) => command,
        // A container without a subcommand.
        Err(_) if args.len() == 1 && table::spec_of(args).is_some() => return Err(ARITY),
        Err(_) => return Err(UNKNOWN),
    };
    if command.spec.arity_fits(args.len()) { Ok(command) } else { Err(ARITY) }
}

impl Host for ScriptHost<'_, '_> {
    fn admit(&mut self, flags: Option<script::Flags>) -> Result<(), Vec<u8>> {
        self.flags = flags;
        // A script that does not state its flags is looked at when it calls commands.
        let Some(flags) = flags else { return Ok(()) };
        let writes = !flags.has(script::Flags::NO_WRITES);
        if writes {
            self.make_room(false, 1).map_err(|error| error.text().to_vec())?;
        }
        if writes && self.caller.read_only {
            return Err(b"ERR Can not execute a script with write flag using *_ro command.".into());
        }
        if self.is_over_memory && writes && !flags.has(script::Flags::ALLOW_OOM) {
            return Err(b"OOM allow-oom flag is not set on the script, can not run it when used \
                         memory > 'maxmemory'"
                .into());
        }
        Ok(())
    }

    fn call(&mut self, args: &[&[u8]], out: &mut Vec<u8>) -> Result<(), Refusal> {
        let allowed = find(args).and_then(|command| self.check(command, args).map(|()| command));
        let command = allowed.map_err(|error| Refusal::Text(error.text().to_vec()))?;
        if command.spec.flags.has(Flags::WRITE) && !self.has_written {
            if !self.server.scripts.running.may_write() {
                return Err(Refusal::Killed);
            }
            self.has_written = true;
        }
        let begun = self.session.stopwatch.start();
        let reply = Reply::new(out, self.session.proto);
        let mut cx = Cx::new(self.tx, reply, &mut self.session, self.server, Mode::Script);
        let succeeded = dispatch::call(&mut cx, command, args);
        observe::called_by_script(self.server, &mut self.session, command, succeeded, begun);
        Ok(())
    }

    fn set_resp3(&mut self, resp3: bool) {
        self.session.proto = if resp3 { Proto::Resp3 } else { Proto::Resp2 };
    }

    fn may_call(&mut self, args: &[&[u8]]) -> Option<bool> {
        // A request that is cut short is asked for what it has.
        match table::lookup(args) {
            Ok(command) => Some(permission::may_run(&self.session, command, args)),
            Err(_) if args.len() == 1 => {
                let container = table::spec_of(args)?;
                Some(permission::may_name_container(&self.session, container, args))
            }
            Err(_) => None,
        }
    }

    fn hold_long(&mut self) {
        leave_worker();
    }

    fn describe(&self) -> (String, Vec<Vec<u8>>) {
        let name = self.caller.name.map(|name| String::from_utf8_lossy(name).into_owned());
        let words = self.caller.request.iter().map(|word| word.to_vec()).collect();
        (name.unwrap_or_default(), words)
    }
}
