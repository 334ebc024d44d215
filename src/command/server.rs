//! What all connections share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::clients::Clients;
use super::permission;
use super::session::Session;
use super::store::Store;
use super::stream::StreamRules;
use super::table;
use crate::acl::Acl;
use crate::config::Config;
use crate::keyspace::{Keyspace, ShardSet, Value};
use crate::metrics::Metrics;
use crate::pubsub::PubSub;
use crate::rdb::decode;
use crate::script::Scripts;
use crate::types::hash;
use crate::types::set::SetLimits;
use crate::types::stream::idmp::IdmpLimits;
use crate::types::zset;

/// The server as commands see it: keys, settings, and who is connected.
pub struct Server {
    pub keyspace: Arc<Keyspace>,
    pub config: Arc<Config>,
    pub clients: Clients,
    pub acl: Arc<Acl>,
    pub pause: Pause,
    pub shutdown: Shutdown,
    pub metrics: Metrics,
    pub store: Store,
    pub pubsub: Arc<PubSub>,
    pub scripts: Scripts,
    pub stream_rules: Arc<StreamRules>,
    pub started_at_ms: i64,
    /// 40 hexadecimal digits, new at every start.
    pub run_id: String,
}

impl Server {
    pub fn new(keyspace: Arc<Keyspace>, config: Arc<Config>) -> Server {
        let started_at_ms = keyspace.clock().now_ms();
        let metrics = Metrics::new(table::commands().len());
        metrics.memory.note_start(started_at_ms);
        let store = Store::default();
        let pubsub = listen_to(&keyspace, &config);
        store.saves.begin_at(started_at_ms, 0);
        let words = [(); 3].map(|()| keyspace.random());
        let mut run_id: String = words.iter().map(|word| format!("{word:016x}")).collect();
        run_id.truncate(40);
        let acl = permission::acl_of(&config);
        let stream_rules = StreamRules::following(&config);
        Server {
            keyspace,
            config,
            acl,
            clients: Clients::default(),
            pause: Pause::default(),
            shutdown: Shutdown::default(),
            metrics,
            store,
            pubsub,
            scripts: Scripts::default(),
            stream_rules,
            started_at_ms,
            run_id,
        }
    }
}

/// Has what steps tell come to the clients that want it, by the settings.
fn listen_to(keyspace: &Arc<Keyspace>, config: &Arc<Config>) -> Arc<PubSub> {
    let pubsub = Arc::new(PubSub::new(Arc::clone(config), Arc::clone(keyspace.clock())));
    keyspace.set_audience(pubsub.clone());
    keyspace.set_events(pubsub.set_events(&config.notify_keyspace_events.get()));
    // The configuration is held by the one, and holds the hook: neither keeps it alive.
    let (listener, teller) = (Arc::downgrade(&pubsub), Arc::downgrade(keyspace));
    config.on_change(
        "notify-keyspace-events",
        Box::new(move |config| {
            if let (Some(pubsub), Some(keyspace)) = (listener.upgrade(), teller.upgrade()) {
                keyspace.set_events(pubsub.set_events(&config.notify_keyspace_events.get()));
            }
            Ok(())
        }),
    );
    pubsub
}

impl Server {
    /// What a new stream is to remember of its producers, by the settings.
    pub fn idmp_limits(&self) -> IdmpLimits {
        // They are within the limits of XCFGSET, which fit.
        IdmpLimits {
            duration_s: self.config.stream_idmp_duration_s.get_u64() as u32,
            per_producer_max: self.config.stream_idmp_maxsize.get_u64() as u32,
        }
    }

    /// What the settings say of values that come from elsewhere.
    pub fn value_limits(&self) -> decode::Limits {
        decode::Limits {
            idmp: self.idmp_limits(),
            set: self.set_limits(),
            zset: self.zset_limits(),
        }
    }

    /// What a set may have to be kept small.
    pub fn set_limits(&self) -> SetLimits {
        SetLimits {
            integers_max: self.config.set_max_intset_entries.get_usize(),
            packed_max: self.config.set_max_listpack_entries.get_usize(),
            packed_member_bytes_max: self.config.set_max_listpack_value.get_usize(),
        }
    }

    /// What a sorted set may have to be kept packed.
    pub fn zset_limits(&self) -> zset::Limits {
        zset::Limits {
            members_max: self.config.zset_max_listpack_entries.get_usize(),
            member_bytes_max: self.config.zset_max_listpack_value.get_usize(),
        }
    }

    /// Has a value that is loaded take the form that the settings give it.
    pub fn fit(&self, value: &mut Value) {
        if let Value::Hash(hash) = value {
            hash.fit(&self.hash_limits());
        }
    }

    /// Up to where a hash is small, by the settings.
    pub fn hash_limits(&self) -> hash::Limits {
        hash::Limits {
            fields_max: self.config.hash_max_listpack_entries.get_usize(),
            bytes_max: self.config.hash_max_listpack_value.get_usize(),
        }
    }

    /// Has commands on keys answered with `-LOADING`, and no key expire, until
    /// [`Server::end_loading`]. Whether it has begun: not while somebody else is at it.
    pub fn begin_loading(&self) -> bool {
        let begun = self.store.loading.begin(self.keyspace.clock().now_ms());
        if begun {
            self.keyspace.pause_expiry(true);
        }
        begun
    }

    /// What is loaded is there to be served.
    pub fn end_loading(&self) {
        let (keys, changes) = self.keyspace.run(ShardSet::ALL, 0, 0, |tx| {
            let keys: usize = (0..tx.keyspace().databases())
                .map(|db| {
                    tx.select(db);
                    tx.db_len()
                })
                .sum();
            (keys as u64, tx.changes_total())
        });
        self.store.loading.keys_loaded.store(keys, Ordering::Relaxed);
        self.store.saves.begin_at(self.keyspace.clock().now_ms(), changes);
        self.store.loading.end();
        self.keyspace.pause_expiry(false);
        self.store.saves.look_again();
    }

    /// Ends a connection: its watches, and its place among the clients.
    pub fn leave(&self, session: &mut Session) {
        session.stopwatch.stop(&self.metrics.calls);
        let shards = session.watched_shards(&self.keyspace);
        if shards != ShardSet::NONE {
            self.keyspace.run(shards, session.db, 0, |tx| session.unwatch(tx));
        }
        session.stop_listening(self);
        self.clients.leave(session.id());
        if let Some(journal) = self.store.journal() {
            // What it has changed and not been answered for is nobody else's to write.
            journal.flush();
        }
    }
}

/// CLIENT PAUSE: until when which commands wait.
#[derive(Default)]
pub struct Pause {
    until_ms: AtomicI64,
    /// Reads wait as well.
    all: AtomicBool,
    changed: Notify,
}

impl Pause {
    /// Pauses until `until_ms`, all commands or those that write.
    pub fn begin(&self, until_ms: i64, all: bool) {
        self.all.store(all, Ordering::Relaxed);
        self.until_ms.store(until_ms, Ordering::Relaxed);
        self.changed.notify_waiters();
    }

    pub fn end(&self) {
        self.until_ms.store(0, Ordering::Relaxed);
        self.changed.notify_waiters();
    }

    /// The end of the pause, if there is one at `now_ms`, and whether it holds reads.
    pub fn at(&self, now_ms: i64) -> Option<(i64, bool)> {
        let until_ms = self.until_ms.load(Ordering::Relaxed);
        (now_ms < until_ms).then(|| (until_ms, self.all.load(Ordering::Relaxed)))
    }

    /// Resolves when the pause is changed or ended by hand, after this was called.
    pub fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }
}

/// Whether the server is to stop.
#[derive(Default)]
pub struct Shutdown {
    begun: AtomicBool,
    without_snapshot: AtomicBool,
    signal: Notify,
}

impl Shutdown {
    pub fn begin(&self) {
        self.begun.store(true, Ordering::SeqCst);
        self.signal.notify_waiters();
    }

    /// As [`Shutdown::begin`]; the end is to come without a snapshot (SHUTDOWN NOSAVE, or one has
    /// been taken).
    pub fn begin_without_snapshot(&self) {
        self.without_snapshot.store(true, Ordering::SeqCst);
        self.begin();
    }

    pub fn is_without_snapshot(&self) -> bool {
        self.without_snapshot.load(Ordering::SeqCst)
    }

    pub fn has_begun(&self) -> bool {
        self.begun.load(Ordering::SeqCst)
    }

    /// Resolves once the shutdown has begun.
    pub async fn begun(&self) {
        let mut signal = std::pin::pin!(self.signal.notified());
        // Listen before looking, so that a shutdown in between is not missed.
        signal.as_mut().enable();
        if !self.has_begun() {
            signal.await;
        }
    }
}
