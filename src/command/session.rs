//! A connection's state, as its commands see it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::clients::Client;
use super::error::Error;
use super::hash::Fieldsets;
use super::listening::Listening;
use super::observe::Stopwatch;
use super::server::Server;
use super::spec::Flags;
use super::table::Command;
use crate::acl::User;
use crate::keyspace::{Keyspace, Seen, ShardSet, Tx};
use crate::resp::Proto;

/// Whether replies are sent (CLIENT REPLY).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ReplyMode {
    #[default]
    On,
    Off,
    /// Not for the next command.
    SkipNext,
    /// Not for this command.
    Skip,
}

/// A connection's state.
pub struct Session {
    pub db: usize,
    pub proto: Proto,
    /// Has logged in, or did not have to when it connected.
    pub authenticated: bool,
    /// Who is asking. None is the server itself, which is not held to any rules.
    pub user: Option<Arc<User>>,
    pub reply_mode: ReplyMode,
    pub no_touch: bool,
    pub no_evict: bool,
    /// Close once the reply is sent (QUIT).
    pub close_after_reply: bool,
    /// The reply goes out although the client wants none: it is pushed.
    pub says_all_the_same: bool,
    pub multi: Option<Box<Multi>>,
    /// Set while EXEC runs, which has taken the queue.
    pub executing: Option<Transaction>,
    watched: Vec<(usize, Box<[u8]>)>,
    touched: Arc<AtomicBool>,
    /// Full name of the command being run or run last.
    pub command: &'static str,
    /// How many commands have been run, those of transactions included.
    pub calls: u64,
    pub stopwatch: Stopwatch,
    /// Names of fields that HIMPORT has prepared.
    pub fieldsets: Fieldsets,
    /// How far into the journal the connection has looked.
    pub seen: Seen,
    /// The last command; the next one is often the same.
    pub last: Option<&'static Command>,
    /// Where it was, if it may share a step with the next one.
    pub last_shards: ShardSet,
    /// What it has subscribed to and is told of.
    pub listening: Listening,
    /// Where others see this connection; none for a stand-in.
    pub client: Option<Arc<Client>>,
}

/// A transaction being queued.
#[derive(Default)]
pub struct Multi {
    pub queue: Vec<Queued>,
    /// Bytes that the queued arguments take.
    pub queued_bytes: usize,
    /// A command was refused: EXEC will refuse too.
    pub aborted: bool,
    /// Why EXEC is refused, if it is for a reason of its own.
    pub refusal: Option<Error>,
}

impl Multi {
    pub fn push(&mut self, queued: Queued) {
        self.queued_bytes += queued.bytes();
        self.queue.push(queued);
    }
}

/// The size of a transaction, as CLIENT LIST tells it.
#[derive(Clone, Copy)]
pub struct Transaction {
    pub queued: usize,
    pub queued_bytes: usize,
}

/// A command of a transaction, its arguments kept.
pub struct Queued {
    pub command: &'static Command,
    /// Those it was let in by.
    pub flags: Flags,
    bytes: Box<[u8]>,
    ends: Box<[usize]>,
}

impl Queued {
    pub fn new(command: &'static Command, args: &[&[u8]]) -> Queued {
        let mut ends = Vec::with_capacity(args.len());
        let mut bytes = Vec::with_capacity(args.iter().map(|arg| arg.len()).sum());
        for arg in args {
            bytes.extend_from_slice(arg);
            ends.push(bytes.len());
        }
        Queued { command, flags: command.spec.flags, bytes: bytes.into(), ends: ends.into() }
    }

    #[must_use]
    pub fn with_flags(self, flags: Flags) -> Queued {
        Queued { flags, ..self }
    }

    pub fn args(&self) -> Vec<&[u8]> {
        let mut start = 0;
        let slices =
            self.ends.iter().map(|&end| &self.bytes[std::mem::replace(&mut start, end)..end]);
        slices.collect()
    }

    pub fn args_len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes the queued arguments take.
    pub fn bytes(&self) -> usize {
        self.bytes.len() + self.ends.len() * size_of::<usize>()
    }
}

impl Session {
    /// The client wants no reply to what it has sent (CLIENT REPLY).
    pub fn is_silent(&self) -> bool {
        matches!(self.reply_mode, ReplyMode::Off | ReplyMode::Skip)
    }

    pub fn new(client: Option<Arc<Client>>) -> Session {
        Session {
            db: 0,
            proto: Proto::Resp2,
            authenticated: true,
            user: None,
            reply_mode: ReplyMode::On,
            no_touch: false,
            no_evict: false,
            close_after_reply: false,
            says_all_the_same: false,
            multi: None,
            executing: None,
            watched: Vec::new(),
            touched: Arc::new(AtomicBool::new(false)),
            command: "NULL",
            calls: 0,
            fieldsets: Fieldsets::default(),
            seen: Seen::default(),
            last: None,
            last_shards: ShardSet::NONE,
            stopwatch: Stopwatch::default(),
            listening: Listening::default(),
            client,
        }
    }

    /// Of a new connection.
    pub fn of(client: Arc<Client>, server: &Server) -> Session {
        let mut session = Session::new(Some(client));
        session.log_out(server);
        session
    }

    /// Stands in for a connection where a command runs without one.
    pub fn stand_in(db: usize, proto: Proto) -> Session {
        Session { db, proto, ..Session::new(None) }
    }

    /// The connection's id; 0 for a stand-in.
    pub fn id(&self) -> u64 {
        self.client.as_ref().map_or(0, |client| client.id)
    }

    /// Whether the connection has to log in before anything else. A password that was taken away
    /// again is asked of nobody.
    #[inline]
    pub fn needs_login(&self, server: &Server) -> bool {
        !self.authenticated && !server.acl.is_open()
    }

    /// Goes on as this user.
    pub fn log_in(&mut self, user: Arc<User>) {
        self.authenticated = true;
        self.set_user(user);
    }

    /// Goes on as a new connection would: as the default user, which may need a password.
    pub fn log_out(&mut self, server: &Server) {
        self.authenticated = server.acl.is_open();
        self.set_user(Arc::clone(server.acl.default_user()));
    }

    fn set_user(&mut self, user: Arc<User>) {
        if let Some(client) = &self.client {
            client.seen.lock().user = Some(Arc::clone(&user));
        }
        self.user = Some(user);
    }

    /// Whether there is anything that its user may not do.
    #[inline]
    pub fn is_restricted(&self) -> bool {
        self.user.as_ref().is_some_and(|user| !user.is_unrestricted())
    }

    /// Does it come from this machine?
    pub fn is_local(&self) -> bool {
        let is_local = |client: &Arc<Client>| {
            let loopback = client.addr.starts_with("127.") || client.addr.starts_with("[::1]:");
            client.is_unix || loopback
        };
        self.client.as_ref().is_none_or(is_local)
    }

    /// Shows others the connection's state as it is now.
    pub fn publish(&self) {
        let Some(client) = &self.client else { return };
        client.commands.store(self.calls, Ordering::Relaxed);
        let mut seen = client.seen.lock();
        seen.db = self.db;
        seen.proto = self.proto;
        seen.command = self.command;
        let queuing = self.multi.as_ref().map(|multi| Transaction {
            queued: multi.queue.len(),
            queued_bytes: multi.queued_bytes,
        });
        let transaction = queuing.or(self.executing);
        seen.queued = transaction.map(|it| it.queued);
        seen.queued_bytes = transaction.map_or(0, |it| it.queued_bytes);
        seen.watched = self.watched.len();
        if !Arc::ptr_eq(&seen.watch_touched, &self.touched) {
            seen.watch_touched = Arc::clone(&self.touched);
        }
        seen.no_evict = self.no_evict;
        seen.no_touch = self.no_touch;
        seen.close_after_reply = self.close_after_reply;
        self.listening.show(&mut seen);
    }

    pub fn queued(&self) -> &[Queued] {
        self.multi.as_ref().map_or(&[], |multi| &multi.queue)
    }

    // --- WATCH

    pub fn watched(&self) -> &[(usize, Box<[u8]>)] {
        &self.watched
    }

    pub fn watched_shards(&self, keyspace: &Keyspace) -> ShardSet {
        self.watched.iter().map(|(_, key)| keyspace.shard_of(key)).collect()
    }

    /// Watches a key of the step's database.
    pub fn watch(&mut self, tx: &mut Tx<'_>, key: &[u8]) {
        let known = self.watched.iter().any(|(db, watched)| *db == tx.db() && **watched == *key);
        if !known {
            tx.watch(key, &self.touched);
            self.watched.push((tx.db(), key.into()));
        }
    }

    /// Whether a watched key was touched, or passed its deadline, since it was watched.
    pub fn watch_broken(&self, tx: &mut Tx<'_>) -> bool {
        let db = tx.db();
        let expired = self.watched.iter().any(|(db, key)| {
            tx.select(*db);
            tx.expired_under_watch(key, &self.touched)
        });
        tx.select(db);
        expired || self.touched.load(Ordering::Relaxed)
    }

    /// Leaves the session without watches; they are to be ended by whoever gets them.
    pub fn give_up_watches(&mut self) -> Watches {
        Watches {
            touched: std::mem::take(&mut self.touched),
            keys: std::mem::take(&mut self.watched),
        }
    }

    /// Ends all watches; the shards of the watched keys are locked.
    pub fn unwatch(&mut self, tx: &mut Tx<'_>) {
        let db = tx.db();
        for (db, key) in self.watched.drain(..) {
            tx.select(db);
            tx.unwatch(&key, &self.touched);
        }
        tx.select(db);
        self.touched.store(false, Ordering::Relaxed);
    }
}

/// Watches that no session has any more.
pub struct Watches {
    touched: Arc<AtomicBool>,
    keys: Vec<(usize, Box<[u8]>)>,
}

impl Watches {
    /// Ends them; the shards of the keys are locked.
    pub fn end(&self, tx: &mut Tx<'_>) {
        let db = tx.db();
        for (db, key) in &self.keys {
            tx.select(*db);
            tx.unwatch(key, &self.touched);
        }
        tx.select(db);
    }
}
