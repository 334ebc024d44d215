//! The settings that take effect, typed, readable by every room without a lock.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use parking_lot::RwLock;

use super::value::{ClientClass, OutputLimit, Value};

/// A number that CONFIG SET may change under its readers.
///
/// Relaxed everywhere: a reader acts on the old value or on the new one, and no setting guards
/// other memory.
#[derive(Debug, Default)]
pub struct Number(AtomicI64);

impl Number {
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    /// As a size or count; the settings read this way are never negative.
    pub fn get_usize(&self) -> usize {
        usize::try_from(self.get()).unwrap_or(0)
    }

    pub fn get_u64(&self) -> u64 {
        u64::try_from(self.get()).unwrap_or(0)
    }

    pub(super) fn set(&self, value: &Value) {
        if let Value::Number(number) = value {
            self.0.store(*number, Ordering::Relaxed);
        }
    }
}

/// A `yes` or `no`.
#[derive(Debug, Default)]
pub struct Flag(AtomicBool);

impl Flag {
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn set(&self, value: &Value) {
        if let Value::Flag(flag) = value {
            self.0.store(*flag, Ordering::Relaxed);
        }
    }
}

/// A value too large for an atomic. Reading takes a lock for as long as it takes to count one more
/// reference, so it is for what is not read at every command.
#[derive(Debug, Default)]
pub struct Shared<T>(RwLock<Arc<T>>);

impl<T> Shared<T> {
    pub fn get(&self) -> Arc<T> {
        self.0.read().clone()
    }

    fn put(&self, value: T) {
        *self.0.write() = Arc::new(value);
    }
}

impl Shared<Vec<u8>> {
    pub(super) fn set(&self, value: &Value) {
        match value {
            Value::Text(text) => self.put(text.clone()),
            Value::Choice(choice) => self.put(choice.as_bytes().to_vec()),
            _ => {}
        }
    }

    /// As text; what is not UTF-8 is shown with replacement characters.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.get()).into_owned()
    }
}

impl Shared<Vec<Vec<u8>>> {
    pub(super) fn set(&self, value: &Value) {
        if let Value::List(words) = value {
            self.put(words.clone());
        }
    }
}

impl Shared<Vec<f64>> {
    pub(super) fn set(&self, value: &Value) {
        if let Value::List(words) = value {
            let parse = |word: &Vec<u8>| std::str::from_utf8(word).ok()?.parse().ok();
            self.put(words.iter().filter_map(parse).collect());
        }
    }
}

/// `client-output-buffer-limit`. Its numbers change one by one: a connection that looks in between
/// sees some old and some new, once.
#[derive(Debug, Default)]
pub struct OutputLimits([[AtomicU64; 3]; 3]);

impl OutputLimits {
    pub fn of(&self, class: ClientClass) -> OutputLimit {
        let [hard, soft, seconds] = &self.0[class as usize];
        OutputLimit {
            hard_bytes: hard.load(Ordering::Relaxed),
            soft_bytes: soft.load(Ordering::Relaxed),
            soft_seconds: seconds.load(Ordering::Relaxed),
        }
    }

    pub(super) fn set(&self, value: &Value) {
        let Value::OutputLimits(limits) = value else { return };
        for (class, limit) in self.0.iter().zip(limits) {
            class[0].store(limit.hard_bytes, Ordering::Relaxed);
            class[1].store(limit.soft_bytes, Ordering::Relaxed);
            class[2].store(limit.soft_seconds, Ordering::Relaxed);
        }
    }
}

/// Every setting that takes effect, under its redis.conf name with `-` for `_`, the unit last where
/// the name does not say it.
#[derive(Debug, Default)]
pub struct Live {
    // Where it listens, and whom it lets in.
    pub bind: Shared<Vec<Vec<u8>>>,
    pub port: Number,
    /// Empty for none.
    pub unixsocket: Shared<Vec<u8>>,
    /// Permission bits; zero leaves those of the process.
    pub unixsocketperm: Number,
    pub tcp_backlog: Number,
    pub protected_mode: Flag,
    /// Empty for none.
    pub requirepass: Shared<Vec<u8>>,
    /// `allchannels` or `resetchannels`.
    pub acl_pubsub_default: Shared<Vec<u8>>,
    /// Empty for none.
    pub aclfile: Shared<Vec<u8>>,
    pub acllog_max_len: Number,
    pub maxclients: Number,
    /// `no`, `yes` or `local`.
    pub enable_debug_command: Shared<Vec<u8>>,
    /// `no`, `yes` or `local`.
    pub enable_protected_configs: Shared<Vec<u8>>,

    // Connections.
    /// After how many idle seconds a connection is closed; zero for never.
    pub timeout_s: Number,
    /// Seconds between probes of a silent peer; zero for none.
    pub tcp_keepalive_s: Number,
    pub proto_max_bulk_len: Number,
    pub client_query_buffer_limit: Number,
    pub client_output_buffer_limit: OutputLimits,

    // The process.
    pub databases: Number,
    /// Threads that serve connections; 1, Redis's default, leaves the choice to the machine.
    pub io_threads: Number,
    pub daemonize: Flag,
    /// `no`, `upstart`, `systemd` or `auto`.
    pub supervised: Shared<Vec<u8>>,
    pub pidfile: Shared<Vec<u8>>,
    /// `debug`, `verbose`, `notice`, `warning` or `nothing`.
    pub loglevel: Shared<Vec<u8>>,
    /// Empty for standard output.
    pub logfile: Shared<Vec<u8>>,
    pub dir: Shared<Vec<u8>>,

    // What a reply promises.
    pub appendonly: Flag,
    /// `always`, `everysec` or `no`.
    pub appendfsync: Shared<Vec<u8>>,
    pub save: Shared<Vec<Vec<u8>>>,

    // The journal, all in bytes but the percentage.
    pub journal_segment_size: Number,
    pub journal_reserve_size: Number,
    pub journal_backlog_limit: Number,
    /// Zero: no snapshot is taken because the journal has grown.
    pub auto_aof_rewrite_percentage: Number,
    pub auto_aof_rewrite_min_size: Number,

    // Scripts.
    /// After so many ms of a script whoever comes gets `-BUSY`; 0 for never.
    pub busy_reply_threshold_ms: Number,
    /// Bytes that the interpreter may have; 0 for any number.
    pub script_memory_limit: Number,
    pub dbfilename: Shared<Vec<u8>>,
    pub appendfilename: Shared<Vec<u8>>,
    pub appenddirname: Shared<Vec<u8>>,

    // Memory, and how values are kept.
    pub hash_max_listpack_entries: Number,
    /// Bytes.
    pub hash_max_listpack_value: Number,
    /// Bytes; zero for no limit.
    pub maxmemory: Number,
    pub set_max_intset_entries: Number,
    pub set_max_listpack_entries: Number,
    /// Bytes.
    pub set_max_listpack_value: Number,
    pub hll_sparse_max_bytes: Number,
    pub stream_node_max_bytes: Number,
    pub stream_node_max_entries: Number,
    pub stream_idmp_duration_s: Number,
    pub stream_idmp_maxsize: Number,
    /// Rules for new streams and groups, each a line of words.
    pub stream_policy: Shared<Vec<Vec<u8>>>,

    // What clients are told of keys.
    /// The letters of classes of events, empty for none.
    pub notify_keyspace_events: Shared<Vec<u8>>,
    /// How many keys that clients cache are remembered at most; zero for any number.
    pub tracking_table_max_keys: Number,

    // How collections are packed.
    pub zset_max_listpack_entries: Number,
    /// Bytes of a member.
    pub zset_max_listpack_value: Number,

    // Watching it work.
    /// Negative switches the log off, zero logs every command.
    pub slowlog_log_slower_than_us: Number,
    pub slowlog_max_len: Number,
    pub slowlog_entry_max_argc: Number,
    pub slowlog_entry_max_string_len: Number,
    /// Zero switches the monitor off.
    pub latency_monitor_threshold_ms: Number,
    pub latency_tracking: Flag,
    pub latency_tracking_info_percentiles: Shared<Vec<f64>>,
}

impl Deref for super::Config {
    type Target = Live;

    fn deref(&self) -> &Live {
        &self.live
    }
}
