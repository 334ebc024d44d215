//! Who is connected: what others may see of a connection, and how they reach it.

use parking_lot::{Mutex, RwLock};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use crate::acl::User;
use crate::keyspace::Waiter;
use crate::pubsub::Mailbox;
use crate::pubsub::tracking::Tracker;
use crate::resp::Proto;

/// How a blocked client was woken by CLIENT UNBLOCK.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unblock {
    /// As if its time were over.
    Timeout,
    /// With an error.
    Error,
}

/// A connection, as others see it.
pub struct Client {
    pub id: u64,
    /// `address:port` of the peer, or the socket's path.
    pub addr: String,
    /// `address:port` it connected to, or the socket's path.
    pub laddr: String,
    pub fd: i32,
    /// Through a unix socket.
    pub is_unix: bool,
    pub connected_at_ms: i64,
    /// Unix ms of the last request.
    pub active_at_ms: AtomicI64,
    pub seen: Mutex<Seen>,
    pub bytes_in: AtomicU64,
    pub bytes_out: AtomicU64,
    pub commands: AtomicU64,
    /// Bytes in its buffers: read and not yet run, its buffer's size, and how large the
    /// buffer of replies is and was at most.
    pub query_bytes: AtomicU64,
    pub query_capacity: AtomicU64,
    pub output_capacity: AtomicU64,
    pub output_peak: AtomicU64,
    killed: AtomicBool,
    /// It has a command that CLIENT PAUSE holds back.
    paused: AtomicBool,
    blocked: Mutex<Option<Blocked>>,
    /// What others leave for it.
    pub mailbox: Arc<Mailbox>,
}

struct Blocked {
    waiter: Arc<Waiter>,
    unblocked: Option<Unblock>,
}

/// What a connection tells of itself after each batch of commands.
#[derive(Clone, Default)]
pub struct Seen {
    pub name: Vec<u8>,
    pub lib_name: Vec<u8>,
    pub lib_ver: Vec<u8>,
    /// Whom it has logged in as.
    pub user: Option<Arc<User>>,
    pub db: usize,
    pub proto: Proto,
    /// Full name of the last command, `client|list`.
    pub command: &'static str,
    /// Commands queued in a transaction; `None` outside of one.
    pub queued: Option<usize>,
    pub queued_bytes: usize,
    pub watched: usize,
    /// Set when a watched key is touched.
    pub watch_touched: Arc<AtomicBool>,
    pub no_evict: bool,
    pub no_touch: bool,
    pub close_after_reply: bool,
    /// Channels, patterns and shard channels subscribed to.
    pub subscriptions: [usize; 3],
    pub monitors: bool,
    /// How it is told of keys that it caches, if it is.
    pub tracker: Option<Arc<Tracker>>,
}

/// Where a connection comes from.
pub struct Origin {
    pub addr: String,
    pub laddr: String,
    pub fd: i32,
    pub is_unix: bool,
}

impl Client {
    /// Bytes that the connection takes, `seen` being its own.
    pub fn memory_bytes(&self, seen: &Seen) -> u64 {
        let names = seen.name.len() + seen.lib_name.len() + seen.lib_ver.len();
        size_of::<Client>() as u64
            + names as u64
            + self.query_capacity.load(Ordering::Relaxed)
            + self.output_capacity.load(Ordering::Relaxed)
            + self.mailbox.waiting_bytes()
            + seen.queued_bytes as u64
    }

    /// Has the connection closed as soon as its task looks. What it waits for is nothing to it from
    /// now on: a job served to a killed client would be lost.
    pub fn kill(&self) {
        self.killed.store(true, Ordering::Relaxed);
        if let Some(blocked) = &*self.blocked.lock() {
            blocked.waiter.cancel();
        }
        self.mailbox.signal();
    }

    pub fn is_killed(&self) -> bool {
        self.killed.load(Ordering::Relaxed)
    }

    /// Whether it counts as one that has subscribed.
    pub fn is_subscriber(&self) -> bool {
        self.mailbox.is_subscribed()
    }

    /// Notes that the connection waits.
    pub fn set_blocked(&self, waiter: Arc<Waiter>) {
        *self.blocked.lock() = Some(Blocked { waiter, unblocked: None });
    }

    /// Notes that it no longer waits; how it was unblocked, if it was.
    pub fn clear_blocked(&self) -> Option<Unblock> {
        self.blocked.lock().take().and_then(|blocked| blocked.unblocked)
    }

    /// How it was unblocked, if it was; it still counts as blocked until it has answered.
    pub fn unblocked(&self) -> Option<Unblock> {
        self.blocked.lock().as_ref().and_then(|blocked| blocked.unblocked)
    }

    /// Notes that a pause holds the connection back, or no longer.
    pub fn set_paused(&self, paused: bool) {
        self.paused.store(paused, Ordering::Release);
    }

    /// Whether a command of the connection waits, of itself or because of CLIENT PAUSE.
    pub fn is_blocked(&self) -> bool {
        self.blocked.lock().is_some() || self.paused.load(Ordering::Acquire)
    }

    /// Ends the connection's wait; false if it does not wait, or is being served.
    pub fn unblock(&self, how: Unblock) -> bool {
        let mut blocked = self.blocked.lock();
        match &mut *blocked {
            Some(blocked) if blocked.unblocked.is_none() && blocked.waiter.cancel() => {
                blocked.unblocked = Some(how);
                self.mailbox.signal();
                true
            }
            _ => false,
        }
    }
}

/// All connections, by id.
#[derive(Default)]
pub struct Clients {
    connected: RwLock<BTreeMap<u64, Arc<Client>>>,
    last_id: AtomicU64,
    rejected: AtomicU64,
}

impl Clients {
    /// Counts a connection that was turned away because there were too many.
    pub fn count_rejected(&self) {
        self.rejected.fetch_add(1, Ordering::Relaxed);
    }

    /// Connections turned away because there were too many.
    pub fn rejected(&self) -> u64 {
        self.rejected.load(Ordering::Relaxed)
    }

    /// Connections accepted since the start.
    pub fn accepted(&self) -> u64 {
        self.last_id.load(Ordering::Relaxed)
    }

    pub fn enter(&self, origin: Origin, now_ms: i64) -> Arc<Client> {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let Origin { addr, laddr, fd, is_unix } = origin;
        let client = Arc::new(Client {
            id,
            addr,
            laddr,
            fd,
            is_unix,
            connected_at_ms: now_ms,
            active_at_ms: AtomicI64::new(now_ms),
            seen: Mutex::new(Seen { command: "NULL", ..Seen::default() }),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            commands: AtomicU64::new(0),
            query_bytes: AtomicU64::new(0),
            query_capacity: AtomicU64::new(0),
            output_capacity: AtomicU64::new(0),
            output_peak: AtomicU64::new(0),
            killed: AtomicBool::new(false),
            paused: AtomicBool::new(false),
            blocked: Mutex::new(None),
            mailbox: Arc::new(Mailbox::new(id)),
        });
        self.connected.write().insert(id, Arc::clone(&client));
        client
    }

    pub fn leave(&self, id: u64) {
        self.connected.write().remove(&id);
    }

    pub fn len(&self) -> usize {
        self.connected.read().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn get(&self, id: u64) -> Option<Arc<Client>> {
        self.connected.read().get(&id).cloned()
    }

    /// All connections, oldest first.
    pub fn all(&self) -> Vec<Arc<Client>> {
        self.connected.read().values().cloned().collect()
    }
}
