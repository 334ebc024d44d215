//! What a connection is told without asking each time: its subscriptions, the keys it caches, the
//! commands of others.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::clients::Seen;
use super::cx::{Cx, Mode};
use super::error::Error;
use super::server::Server;
use super::session::Session;
use super::spec::{Flags, KeyFlags};
use super::table::Command;
use crate::pubsub::tracking::{self, Tracker};
use crate::pubsub::{Kind, Mailbox};
use crate::resp::Proto;

/// What a connection has subscribed to, of one kind.
type Names = BTreeSet<Box<[u8]>>;

/// A connection's part of it.
#[derive(Default)]
pub struct Listening {
    /// By kind; none for who has never subscribed.
    names: Option<Box<[Names; 3]>>,
    /// Keys that it reads are told of when they change.
    pub tracked: Option<Box<Tracked>>,
    pub monitors: bool,
    /// It has subscriptions, or monitors: not every command is for it.
    is_confining: bool,
}

/// A tracked connection, as it sees itself.
#[derive(Clone)]
pub struct Tracked {
    pub tracker: Arc<Tracker>,
    /// CLIENT CACHING was called for the next command.
    pub caching: bool,
}

impl Tracked {
    /// Whether what is read now is cached.
    fn notes_reads(&self) -> bool {
        match self.tracker.mode {
            tracking::Mode::Reads => true,
            tracking::Mode::OptIn => self.caching,
            tracking::Mode::OptOut => !self.caching,
            tracking::Mode::Broadcast => false,
        }
    }
}

impl Listening {
    /// Of a stand-in for a connection that is tracked, if it is.
    pub fn of_tracked(tracked: Option<Tracked>) -> Listening {
        Listening { tracked: tracked.map(Box::new), ..Listening::default() }
    }

    fn names(&self, kind: Kind) -> Option<&Names> {
        self.names.as_ref().map(|names| &names[kind as usize])
    }

    fn count(&self, kind: Kind) -> usize {
        self.names(kind).map_or(0, Names::len)
    }

    fn is_subscribed(&self) -> bool {
        self.names.as_ref().is_some_and(|names| names.iter().any(|names| !names.is_empty()))
    }

    /// How many subscriptions Redis tells with each change of this kind: those to channels and
    /// patterns count together.
    pub fn count_told(&self, kind: Kind) -> usize {
        match kind {
            Kind::ShardChannel => self.count(kind),
            Kind::Channel | Kind::Pattern => self.count(Kind::Channel) + self.count(Kind::Pattern),
        }
    }

    /// What it has subscribed to, of this kind.
    pub fn subscriptions(&self, kind: Kind) -> Vec<Box<[u8]>> {
        self.names(kind).into_iter().flatten().cloned().collect()
    }

    /// Whether commands have to be held against what it listens to ([`check`]).
    #[inline]
    pub fn is_confining(&self) -> bool {
        self.is_confining
    }

    fn settle_confinement(&mut self) {
        self.is_confining = self.monitors || self.is_subscribed();
    }

    /// Shows others how it is.
    pub fn show(&self, seen: &mut Seen) {
        let kinds = [Kind::Channel, Kind::Pattern, Kind::ShardChannel];
        seen.subscriptions = kinds.map(|kind| self.count(kind));
        seen.monitors = self.monitors;
        let tracker = self.tracked.as_ref().map(|tracked| &tracked.tracker);
        if tracker.is_some() || seen.tracker.is_some() {
            seen.tracker = tracker.cloned();
        }
    }
}

impl Session {
    /// In RESP2 a subscriber takes few commands: nothing else tells replies from messages.
    pub fn is_confined(&self) -> bool {
        self.proto == Proto::Resp2 && self.listening.is_subscribed()
    }

    pub fn set_proto(&mut self, proto: Proto) {
        self.proto = proto;
        if let Some(client) = &self.client {
            client.mailbox.set_resp3(proto == Proto::Resp3);
        }
    }

    fn mailbox(&self) -> Option<Arc<Mailbox>> {
        self.client.as_ref().map(|client| Arc::clone(&client.mailbox))
    }

    pub fn subscribe(&mut self, server: &Server, kind: Kind, name: &[u8]) {
        let Some(mailbox) = self.mailbox() else { return };
        let names = self.listening.names.get_or_insert_default();
        if names[kind as usize].insert(name.into()) {
            server.pubsub.subscribe(kind, name, &mailbox);
            self.note_subscriptions(server, &mailbox);
        }
    }

    pub fn unsubscribe(&mut self, server: &Server, kind: Kind, name: &[u8]) {
        let Some(mailbox) = self.mailbox() else { return };
        let Some(names) = &mut self.listening.names else { return };
        if names[kind as usize].remove(name) {
            server.pubsub.unsubscribe(kind, name, mailbox.client_id);
            self.note_subscriptions(server, &mailbox);
        }
    }

    fn note_subscriptions(&mut self, server: &Server, mailbox: &Mailbox) {
        server.pubsub.note_subscribed(mailbox, self.listening.is_subscribed());
        self.listening.settle_confinement();
    }

    /// Has the connection see every command.
    pub fn monitor(&mut self, server: &Server) {
        let Some(mailbox) = self.mailbox() else { return };
        server.pubsub.monitor(&mailbox);
        self.listening.monitors = true;
        self.listening.settle_confinement();
    }

    /// Has the connection told of keys that it caches.
    pub fn track(&mut self, server: &Server, tracker: Arc<Tracker>) {
        server.pubsub.track(&tracker, || server.keyspace.set_cached(true));
        self.listening.tracked = Some(Box::new(Tracked { tracker, caching: false }));
    }

    pub fn untrack(&mut self, server: &Server) {
        if let Some(tracked) = self.listening.tracked.take() {
            server.pubsub.untrack(&tracked.tracker, || server.keyspace.set_cached(false));
        }
    }

    /// Ends all of it, without a word to the connection.
    pub fn stop_listening(&mut self, server: &Server) {
        for kind in [Kind::Channel, Kind::Pattern, Kind::ShardChannel] {
            for name in self.listening.subscriptions(kind) {
                self.unsubscribe(server, kind, &name);
            }
        }
        self.untrack(server);
        if std::mem::take(&mut self.listening.monitors) {
            server.pubsub.unmonitor(self.id());
        }
        self.listening.settle_confinement();
    }
}

/// Whether a command is for a connection that subscribes or monitors.
pub(super) fn check(session: &Session, command: &Command) -> Result<(), Error> {
    const FOR_SUBSCRIBERS: [&str; 9] = [
        "ping",
        "quit",
        "reset",
        "subscribe",
        "unsubscribe",
        "psubscribe",
        "punsubscribe",
        "ssubscribe",
        "sunsubscribe",
    ];
    let name = command.spec.name;
    if session.is_confined() && !FOR_SUBSCRIBERS.contains(&name) {
        return Err(Error::new(format!(
            "ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / \
             RESET are allowed in this context"
        )));
    }
    let touches_keys = Flags::WRITE.with(Flags::READONLY).with(Flags::MAY_REPLICATE);
    if session.listening.monitors && command.spec.flags.has_any(touches_keys) {
        return Err(Error::fixed("ERR Replica can't interact with the keyspace"));
    }
    Ok(())
}

/// Notes that the connection caches what a command has read.
pub(super) fn note_reads(cx: &mut Cx<'_, '_>, command: &Command, args: &[&[u8]]) {
    let Some(tracked) = &mut cx.session.listening.tracked else { return };
    if command.spec.flags.has(Flags::READONLY) && tracked.notes_reads() {
        let id = tracked.tracker.mailbox.client_id;
        for key in &command.spec.keys_of(args) {
            if !key.flags.has(KeyFlags::NOT_KEY) {
                let key = args[key.position as usize];
                cx.server.pubsub.note_read(key, id, cx.tx.wakers());
            }
        }
    }
    // It was for one command, or one transaction.
    let is_over = cx.mode == Mode::Direct && cx.session.multi.is_none();
    if tracked.caching && is_over && !command.spec.name.starts_with("client|") {
        tracked.caching = false;
    }
}
