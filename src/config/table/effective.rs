//! The settings that take effect.

use super::super::setting::{
    Setting, choice, count, file_name, flag, memory, number, shaped, text,
};
use super::super::value::Shape;
use super::INT_MAX;

const MIB: i64 = 1 << 20;

/// `no`, `yes`, or `local`: to connections from this machine only.
const LOCALITY: &[&str] = &["no", "yes", "local"];

pub static SETTINGS: &[Setting] = &[
    // Where it listens, and whom it lets in. Redis without a file listens everywhere; loopback is
    // what the redis.conf it comes with says.
    shaped("bind", Shape::Words, "127.0.0.1 -::1").fixed().effective(|live, v| live.bind.set(v)),
    number("port", 0, 65535, "6379").fixed().effective(|live, v| live.port.set(v)),
    text("unixsocket", "").fixed().effective(|live, v| live.unixsocket.set(v)),
    shaped("unixsocketperm", Shape::Octal, "0")
        .fixed()
        .effective(|live, v| live.unixsocketperm.set(v)),
    number("tcp-backlog", 0, INT_MAX, "511").fixed().effective(|live, v| live.tcp_backlog.set(v)),
    flag("protected-mode", true).effective(|live, v| live.protected_mode.set(v)),
    text("requirepass", "").effective(|live, v| live.requirepass.set(v)),
    text("aclfile", "").fixed().effective(|live, v| live.aclfile.set(v)),
    choice("acl-pubsub-default", &["allchannels", "resetchannels"], "resetchannels")
        .effective(|live, v| live.acl_pubsub_default.set(v)),
    number("acllog-max-len", 0, i64::MAX, "128").effective(|live, v| live.acllog_max_len.set(v)),
    count("maxclients", 1, u32::MAX as i64, "10000").effective(|live, v| live.maxclients.set(v)),
    choice("enable-debug-command", LOCALITY, "no")
        .fixed()
        .effective(|live, v| live.enable_debug_command.set(v)),
    choice("enable-protected-configs", LOCALITY, "no")
        .fixed()
        .effective(|live, v| live.enable_protected_configs.set(v)),
    // Connections.
    number("timeout", 0, INT_MAX, "0").effective(|live, v| live.timeout_s.set(v)),
    number("tcp-keepalive", 0, INT_MAX, "300").effective(|live, v| live.tcp_keepalive_s.set(v)),
    memory("proto-max-bulk-len", MIB, "536870912")
        .effective(|live, v| live.proto_max_bulk_len.set(v)),
    memory("client-query-buffer-limit", MIB, "1073741824")
        .effective(|live, v| live.client_query_buffer_limit.set(v)),
    shaped(
        "client-output-buffer-limit",
        Shape::OutputLimits,
        "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
    )
    .effective(|live, v| live.client_output_buffer_limit.set(v)),
    // The process.
    number("databases", 1, INT_MAX, "16").fixed().effective(|live, v| live.databases.set(v)),
    number("io-threads", 1, 128, "1").fixed().effective(|live, v| live.io_threads.set(v)),
    flag("daemonize", false).fixed().effective(|live, v| live.daemonize.set(v)),
    choice("supervised", &["upstart", "systemd", "auto", "no"], "no")
        .fixed()
        .effective(|live, v| live.supervised.set(v)),
    text("pidfile", "").fixed().effective(|live, v| live.pidfile.set(v)),
    choice("loglevel", &["debug", "verbose", "notice", "warning", "nothing"], "notice")
        .effective(|live, v| live.loglevel.set(v)),
    text("logfile", "").fixed().effective(|live, v| live.logfile.set(v)),
    // Moving the data of a running server is not one of the things that can be done.
    text("dir", "./forebay-data").fixed().effective(|live, v| live.dir.set(v)),
    // What a reply promises. Redis's own defaults lose up to a minute of writes, so they hold only
    // for whoever brings a file written with them in mind.
    flag("appendonly", true).with_file("no").effective(|live, v| live.appendonly.set(v)),
    choice("appendfsync", &["everysec", "always", "no"], "always")
        .with_file("everysec")
        .effective(|live, v| live.appendfsync.set(v)),
    shaped("save", Shape::SavePoints, "3600 1 300 100 60 10000")
        .effective(|live, v| live.save.set(v)),
    // The journal, and when a snapshot shortens it.
    memory("journal-segment-size", 4096, "33554432")
        .effective(|live, v| live.journal_segment_size.set(v)),
    memory("journal-reserve-size", 0, "268435456")
        .effective(|live, v| live.journal_reserve_size.set(v)),
    memory("journal-backlog-limit", 64 * 1024, "67108864")
        .effective(|live, v| live.journal_backlog_limit.set(v)),
    number("auto-aof-rewrite-percentage", 0, INT_MAX, "100")
        .effective(|live, v| live.auto_aof_rewrite_percentage.set(v)),
    memory("auto-aof-rewrite-min-size", 0, "67108864")
        .effective(|live, v| live.auto_aof_rewrite_min_size.set(v)),
    // Scripts.
    number("busy-reply-threshold", 0, i64::MAX, "5000")
        .alias("lua-time-limit")
        .effective(|live, v| live.busy_reply_threshold_ms.set(v)),
    memory("script-memory-limit", 0, "536870912")
        .effective(|live, v| live.script_memory_limit.set(v)),
    // Redis's files, which an empty directory is filled from.
    file_name("dbfilename", "dump.rdb", true).guarded().effective(|live, v| live.dbfilename.set(v)),
    file_name("appendfilename", "appendonly.aof", false)
        .fixed()
        .effective(|live, v| live.appendfilename.set(v)),
    file_name("appenddirname", "appendonlydir", false)
        .fixed()
        .effective(|live, v| live.appenddirname.set(v)),
    // Memory, and how values are kept.
    count("hash-max-listpack-entries", 0, i64::MAX, "512")
        .alias("hash-max-ziplist-entries")
        .effective(|live, v| live.hash_max_listpack_entries.set(v)),
    memory("hash-max-listpack-value", 0, "64")
        .alias("hash-max-ziplist-value")
        .effective(|live, v| live.hash_max_listpack_value.set(v)),
    memory("maxmemory", 0, "0").effective(|live, v| live.maxmemory.set(v)),
    count("set-max-intset-entries", 0, i64::MAX, "512")
        .effective(|live, v| live.set_max_intset_entries.set(v)),
    count("set-max-listpack-entries", 0, i64::MAX, "128")
        .effective(|live, v| live.set_max_listpack_entries.set(v)),
    count("set-max-listpack-value", 0, i64::MAX, "64")
        .effective(|live, v| live.set_max_listpack_value.set(v)),
    memory("hll-sparse-max-bytes", 0, "3000").effective(|live, v| live.hll_sparse_max_bytes.set(v)),
    memory("stream-node-max-bytes", 0, "4096")
        .effective(|live, v| live.stream_node_max_bytes.set(v)),
    number("stream-node-max-entries", 0, i64::MAX, "100")
        .effective(|live, v| live.stream_node_max_entries.set(v)),
    number("stream-idmp-duration", 1, 86_400, "100")
        .effective(|live, v| live.stream_idmp_duration_s.set(v)),
    number("stream-idmp-maxsize", 1, 10_000, "100")
        .effective(|live, v| live.stream_idmp_maxsize.set(v)),
    shaped("stream-policy", Shape::StreamRules, "").effective(|live, v| live.stream_policy.set(v)),
    // What clients are told of keys.
    shaped("notify-keyspace-events", Shape::EventClasses, "")
        .effective(|live, v| live.notify_keyspace_events.set(v)),
    count("tracking-table-max-keys", 0, i64::MAX, "1000000")
        .effective(|live, v| live.tracking_table_max_keys.set(v)),
    // How collections are packed.
    count("zset-max-listpack-entries", 0, i64::MAX, "128")
        .alias("zset-max-ziplist-entries")
        .effective(|live, v| live.zset_max_listpack_entries.set(v)),
    memory("zset-max-listpack-value", 0, "64")
        .alias("zset-max-ziplist-value")
        .effective(|live, v| live.zset_max_listpack_value.set(v)),
    // Watching it work.
    number("slowlog-log-slower-than", -1, i64::MAX, "10000")
        .effective(|live, v| live.slowlog_log_slower_than_us.set(v)),
    number("slowlog-max-len", 0, i64::MAX, "128").effective(|live, v| live.slowlog_max_len.set(v)),
    number("slowlog-entry-max-argc", 2, INT_MAX, "32")
        .effective(|live, v| live.slowlog_entry_max_argc.set(v)),
    number("slowlog-entry-max-string-len", 1, INT_MAX, "128")
        .effective(|live, v| live.slowlog_entry_max_string_len.set(v)),
    number("latency-monitor-threshold", 0, i64::MAX, "0")
        .effective(|live, v| live.latency_monitor_threshold_ms.set(v)),
    flag("latency-tracking", true).effective(|live, v| live.latency_tracking.set(v)),
    shaped("latency-tracking-info-percentiles", Shape::Percentiles, "50 99 99.9")
        .effective(|live, v| live.latency_tracking_info_percentiles.set(v)),
];
