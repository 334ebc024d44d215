//! Publish and subscribe: who is told what, by way of a mailbox for each connection.
//!
//! All that one connection does and another is told of comes here: messages, keyspace events,
//! invalidations of cached keys, commands for MONITOR. A connection's task fetches its mail between
//! two requests and when it has nothing else to do; it sends it like replies, when the journal has
//! settled what the mail tells of.
//!
//! Locks, in the order in which they are taken: a keyspace shard's, a channel's bucket, patterns or
//! trackers, a bucket of the keys that are tracked, a mailbox. Nobody holds one while waiting for
//! anything else.

mod events;
pub mod mailbox;
mod message;
mod monitor;
mod post;
mod registry;
pub mod tracking;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::Waker;

use events::EventChannels;
use message::Message;
use monitor::Monitors;
use post::Post;
use registry::{Channels, Patterns};
use tracking::{Tracker, Tracking};

pub use mailbox::Mailbox;
pub use monitor::line as monitor_line;

use crate::config::{ClientClass, Config};
use crate::keyspace::{Audience, Clock, EventClass, News};

/// What can be subscribed to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Channel,
    Pattern,
    /// Channels of a space of their own; in a cluster they would lie with the keys of their slot.
    ShardChannel,
}

/// A message on its way to those it was addressed to.
pub struct Addressed {
    kind: Kind,
    channel: Box<[u8]>,
    letters: Vec<(Message, Vec<Arc<Mailbox>>)>,
}

impl Addressed {
    /// How many get it; whoever has subscribed twice, twice.
    pub fn receivers(&self) -> usize {
        self.letters.iter().map(|(_, mailboxes)| mailboxes.len()).sum()
    }
}

/// The post office.
pub struct PubSub {
    channels: Channels,
    shard_channels: Channels,
    patterns: Patterns,
    monitors: Monitors,
    tracking: Tracking,
    events: EventChannels,
    /// How many connections have subscribed to anything.
    subscribed_clients: AtomicUsize,
    /// How many connections were cut off because of what they left unread.
    cut_off: AtomicU64,
    config: Arc<Config>,
    clock: Arc<dyn Clock>,
}

impl PubSub {
    pub fn new(config: Arc<Config>, clock: Arc<dyn Clock>) -> PubSub {
        PubSub {
            channels: Channels::default(),
            shard_channels: Channels::default(),
            patterns: Patterns::default(),
            monitors: Monitors::default(),
            tracking: Tracking::default(),
            events: EventChannels::default(),
            subscribed_clients: AtomicUsize::new(0),
            cut_off: AtomicU64::new(0),
            config,
            clock,
        }
    }

    /// Has keyspace events go by these letters of `notify-keyspace-events` from now on; the classes
    /// that the keyspace is to tell.
    pub fn set_events(&self, letters: &[u8]) -> EventClass {
        self.events.set(letters)
    }

    fn post<'p>(&'p self, position: u64, wakers: &'p mut Vec<Waker>) -> Post<'p> {
        // What is pushed was not asked for one by one, so it is always under the limit for
        // subscribers: Redis's for others is none at all by default.
        let limit = self.config.client_output_buffer_limit.of(ClientClass::Subscriber);
        Post { position, limit, clock: &*self.clock, wakers, cut_off: &self.cut_off }
    }

    // --- messages

    pub fn subscribe(&self, kind: Kind, name: &[u8], mailbox: &Arc<Mailbox>) {
        match kind {
            Kind::Channel => self.channels.subscribe(name, mailbox),
            Kind::Pattern => self.patterns.subscribe(name, mailbox),
            Kind::ShardChannel => self.shard_channels.subscribe(name, mailbox),
        }
    }

    pub fn unsubscribe(&self, kind: Kind, name: &[u8], client_id: u64) {
        match kind {
            Kind::Channel => self.channels.unsubscribe(name, client_id),
            Kind::Pattern => self.patterns.unsubscribe(name, client_id),
            Kind::ShardChannel => self.shard_channels.unsubscribe(name, client_id),
        }
    }

    /// Calls `visit` with everything that is subscribed to, and the id of each subscriber: its kind,
    /// its name, the client. Channels are locked meanwhile.
    pub fn each_subscription(&self, mut visit: impl FnMut(Kind, &[u8], u64)) {
        self.channels.each(|name, client_id| visit(Kind::Channel, name, client_id));
        self.patterns.each(|name, client_id| visit(Kind::Pattern, name, client_id));
        self.shard_channels.each(|name, client_id| visit(Kind::ShardChannel, name, client_id));
    }

    /// Notes whether a connection has subscribed to anything.
    pub fn note_subscribed(&self, mailbox: &Mailbox, is_subscribed: bool) {
        if mailbox.set_subscribed(is_subscribed) {
            if is_subscribed {
                self.subscribed_clients.fetch_add(1, Ordering::Relaxed);
            } else {
                self.subscribed_clients.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// Puts a message into the mailboxes of a channel's subscribers. Nobody is told before the
    /// journal has settled `position`. How many get it.
    pub fn publish(
        &self,
        channel: &[u8],
        payload: &[u8],
        position: u64,
        wakers: &mut Vec<Waker>,
    ) -> usize {
        if self.channels.is_empty() && self.patterns.is_empty() {
            return 0;
        }
        let message = Message::to_channel("message", channel, payload);
        // Both at different times.
        let post = std::cell::RefCell::new(self.post(position, wakers));
        let deliver = |mailbox: &Mailbox| post.borrow_mut().message(mailbox, &message);
        self.channels.publish(channel, deliver, || {
            self.patterns.publish(channel, |pattern, mailbox| {
                let message = Message::to_pattern(pattern, channel, payload);
                post.borrow_mut().message(mailbox, &message);
            })
        })
    }

    /// As [`PubSub::publish`], to a shard channel.
    pub fn publish_to_shard(
        &self,
        channel: &[u8],
        payload: &[u8],
        position: u64,
        wakers: &mut Vec<Waker>,
    ) -> usize {
        let message = Message::to_channel("smessage", channel, payload);
        let mut post = self.post(position, wakers);
        self.shard_channels.publish(channel, |mailbox| post.message(mailbox, &message), || 0)
    }

    /// A message with those who get it as things stand now, to be sent later.
    pub fn address(&self, kind: Kind, channel: &[u8], payload: &[u8]) -> Addressed {
        let word = if kind == Kind::ShardChannel { "smessage" } else { "message" };
        let direct = Message::to_channel(word, channel, payload);
        let mut letters = vec![(direct, self.channels_of(kind).mailboxes(channel))];
        if kind != Kind::ShardChannel {
            for (pattern, mailboxes) in self.patterns.mailboxes(channel) {
                letters.push((Message::to_pattern(&pattern, channel, payload), mailboxes));
            }
        }
        Addressed { kind, channel: channel.into(), letters }
    }

    /// Sends a message to those it is addressed to, as [`PubSub::publish`] does.
    pub fn send(&self, message: &Addressed, position: u64, wakers: &mut Vec<Waker>) {
        let mut post = self.post(position, wakers);
        let _order = self.channels_of(message.kind).hold(&message.channel);
        for (letter, mailboxes) in &message.letters {
            mailboxes.iter().for_each(|mailbox| post.message(mailbox, letter));
        }
    }

    /// How many have subscribed to exactly this channel.
    pub fn subscribers(&self, kind: Kind, channel: &[u8]) -> usize {
        self.channels_of(kind).subscribers(channel)
    }

    /// The names of channels that have subscribers, all or those that match.
    pub fn channel_names(&self, kind: Kind, pattern: Option<&[u8]>) -> Vec<Box<[u8]>> {
        self.channels_of(kind).names(pattern)
    }

    fn channels_of(&self, kind: Kind) -> &Channels {
        match kind {
            Kind::ShardChannel => &self.shard_channels,
            Kind::Channel | Kind::Pattern => &self.channels,
        }
    }

    /// How many channels or patterns have subscribers.
    pub fn count(&self, kind: Kind) -> usize {
        match kind {
            Kind::Channel => self.channels.len(),
            Kind::Pattern => self.patterns.len(),
            Kind::ShardChannel => self.shard_channels.len(),
        }
    }

    pub fn subscribed_clients(&self) -> usize {
        self.subscribed_clients.load(Ordering::Relaxed)
    }

    /// How many connections were cut off because of what they left unread, since the last reset.
    pub fn cut_off(&self) -> u64 {
        self.cut_off.load(Ordering::Relaxed)
    }

    pub fn reset_counts(&self) {
        self.cut_off.store(0, Ordering::Relaxed);
    }

    // --- cached keys

    /// See [`Tracking::begin`].
    pub fn track(&self, tracker: &Arc<Tracker>, at_first: impl FnOnce()) {
        self.tracking.begin(tracker, at_first);
    }

    /// See [`Tracking::end`].
    pub fn untrack(&self, tracker: &Tracker, at_last: impl FnOnce()) {
        self.tracking.end(tracker, at_last);
    }

    /// See [`Tracking::note_read`].
    pub fn note_read(&self, key: &[u8], client_id: u64, wakers: &mut Vec<Waker>) {
        let keys_max = self.config.tracking_table_max_keys.get_usize();
        self.tracking.note_read(key, client_id, keys_max, &mut self.post(0, wakers));
    }

    /// See [`Tracking::totals`].
    pub fn tracking_totals(&self) -> (usize, usize, usize, usize) {
        self.tracking.totals()
    }

    // --- monitors

    /// Whether anybody sees every command.
    #[inline]
    pub fn is_monitored(&self) -> bool {
        self.monitors.are_present()
    }

    pub fn monitor(&self, mailbox: &Arc<Mailbox>) {
        self.monitors.enter(mailbox);
    }

    pub fn unmonitor(&self, client_id: u64) {
        self.monitors.leave(client_id);
    }

    /// Shows a command's line ([`monitor_line`]) to all monitors.
    pub fn show(&self, line: &[u8], position: u64, wakers: &mut Vec<Waker>) {
        self.monitors.show(line, &mut self.post(position, wakers));
    }
}

impl Audience for PubSub {
    fn hear(&self, news: Vec<News>, position: u64, wakers: &mut Vec<Waker>) {
        let mut changed: Vec<(Box<[u8]>, u64)> = Vec::new();
        let broadcasts = self.tracking.broadcasts();
        for item in news {
            match item {
                News::Event { event, db, key, subkeys } => {
                    self.events.messages(event, db, &key, &subkeys, |channel, payload| {
                        self.publish(channel, payload, position, wakers);
                    });
                }
                News::Changed { key, origin } => {
                    self.tracking.key_changed(&key, origin, &mut self.post(position, wakers));
                    if broadcasts {
                        changed.push((key, origin));
                    }
                }
                News::Flushed { .. } => {
                    self.tracking.all_changed(&mut self.post(position, wakers));
                }
                News::Other(tell) => tell(position, wakers),
            }
        }
        if !changed.is_empty() {
            let keys: Vec<(&[u8], u64)> = changed.iter().map(|(key, it)| (&**key, *it)).collect();
            self.tracking.keys_changed(&keys, &mut self.post(position, wakers));
        }
    }
}
