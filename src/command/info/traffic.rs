//! The sections on connections and what they do: Clients, Threads, Stats.

use std::sync::atomic::Ordering;

use super::Text;
use crate::command::cx::Cx;
use crate::pubsub::Kind;

pub fn clients(cx: &mut Cx<'_, '_>, text: &mut Text) {
    let clients = cx.server.clients.all();
    let (mut input_max, mut output_max) = (0, 0);
    let (mut blocked, mut watching, mut watched_keys) = (0, 0, 0);
    for client in &clients {
        input_max = input_max.max(client.query_bytes.load(Ordering::Relaxed));
        output_max = output_max.max(client.mailbox.unsent_bytes() + client.mailbox.waiting_bytes());
        blocked += usize::from(client.is_blocked());
        let watched = client.seen.lock().watched;
        watching += usize::from(watched > 0);
        watched_keys += watched;
    }
    text.field("connected_clients", clients.len());
    text.field("cluster_connections", 0);
    text.field("maxclients", cx.server.config.maxclients.get());
    text.field("client_recent_max_input_buffer", input_max);
    text.field("client_recent_max_output_buffer", output_max);
    text.field("blocked_clients", blocked);
    let (tracked, ..) = cx.server.pubsub.tracking_totals();
    text.field("tracking_clients", tracked);
    text.field("pubsub_clients", cx.server.pubsub.subscribed_clients());
    text.field("watching_clients", watching);
    // Each wait has a timer of its own; there is no table of them.
    text.field("clients_in_timeout_table", 0);
    text.field("total_watched_keys", watched_keys);
    text.field("total_blocking_keys", cx.tx.waited_keys_total());
    text.field("total_blocking_keys_on_nokey", 0);
}

/// Connections belong to no thread, so there is one line for all.
pub fn threads(cx: &mut Cx<'_, '_>, text: &mut Text) {
    let traffic = cx.server.metrics.traffic.totals();
    let clients = cx.server.clients.len();
    text.line(format_args!(
        "io_thread_0:clients={clients},reads={},writes={}",
        traffic.reads, traffic.writes
    ));
}

pub fn stats(cx: &mut Cx<'_, '_>, text: &mut Text) {
    let metrics = &cx.server.metrics;
    let traffic = metrics.traffic.totals();
    let totals = cx.running_totals();
    let kbps = |bytes: u64| format!("{:.2}", bytes as f64 / 1024.0);
    text.field("total_connections_received", totals.accepted);
    text.field("total_commands_processed", metrics.calls.total_calls());
    text.field("instantaneous_ops_per_sec", metrics.rates.commands.per_second());
    text.field("total_net_input_bytes", traffic.bytes_in);
    text.field("total_net_output_bytes", traffic.bytes_out);
    text.field("total_net_repl_input_bytes", 0);
    text.field("total_net_repl_output_bytes", 0);
    text.field("instantaneous_input_kbps", kbps(metrics.rates.input_bytes.per_second()));
    text.field("instantaneous_output_kbps", kbps(metrics.rates.output_bytes.per_second()));
    text.field("instantaneous_input_repl_kbps", "0.00");
    text.field("instantaneous_output_repl_kbps", "0.00");
    text.field("rejected_connections", totals.rejected);
    zeros(text, &["sync_full", "sync_partial_ok", "sync_partial_err"]);
    text.field("expired_subkeys", totals.expired_fields);
    text.field("expired_keys", totals.expired);
    text.field("expired_stale_perc", "0.00");
    zeros(text, &["expired_time_cap_reached_count", "expire_cycle_cpu_milliseconds"]);
    zeros(text, &["evicted_keys", "evicted_clients"]);
    text.field("evicted_scripts", cx.server.scripts.cache.evicted());
    zeros(text, &["total_eviction_exceeded_time", "current_eviction_exceeded_time"]);
    text.field("keyspace_hits", totals.hits);
    text.field("keyspace_misses", totals.misses);
    let pubsub = &cx.server.pubsub;
    text.field("pubsub_channels", pubsub.count(Kind::Channel));
    text.field("pubsub_patterns", pubsub.count(Kind::Pattern));
    text.field("pubsubshard_channels", pubsub.count(Kind::ShardChannel));
    zeros(text, &["latest_fork_usec", "total_forks", "migrate_cached_sockets"]);
    zeros(text, &["slave_expires_tracked_keys", "active_defrag_hits", "active_defrag_misses"]);
    zeros(text, &["active_defrag_key_hits", "active_defrag_key_misses"]);
    zeros(text, &["total_active_defrag_time", "current_active_defrag_time"]);
    let (_, keys, readers, prefixes) = pubsub.tracking_totals();
    text.field("tracking_total_keys", keys);
    text.field("tracking_total_items", readers);
    text.field("tracking_total_prefixes", prefixes);
    text.field("unexpected_error_replies", 0);
    text.field("total_error_replies", metrics.errors.total());
    text.field("dump_payload_sanitizations", 0);
    text.field("total_reads_processed", traffic.reads);
    text.field("total_writes_processed", traffic.writes);
    zeros(text, &["io_threaded_reads_processed", "io_threaded_writes_processed"]);
    zeros(text, &["io_threaded_total_prefetch_batches", "io_threaded_total_prefetch_entries"]);
    text.field("client_query_buffer_limit_disconnections", traffic.query_limit_ends);
    text.field(
        "client_output_buffer_limit_disconnections",
        traffic.output_limit_ends + pubsub.cut_off(),
    );
    // Buffers grow and are given back as they need; there is no event loop whose turns could be
    // counted.
    zeros(text, &["reply_buffer_shrinks", "reply_buffer_expands", "eventloop_cycles"]);
    zeros(text, &["eventloop_duration_sum", "eventloop_duration_cmd_sum"]);
    text.field("instantaneous_eventloop_cycles_per_sec", 0);
    text.field("instantaneous_eventloop_duration_usec", 0);
    let denials = cx.server.acl.denied.counts();
    text.field("acl_access_denied_auth", denials.auth);
    text.field("acl_access_denied_cmd", denials.command);
    text.field("acl_access_denied_key", denials.key);
    text.field("acl_access_denied_channel", denials.channel);
}

/// Fields of what there is none of here: replicas, eviction, forks, defragmentation.
fn zeros(text: &mut Text, names: &[&str]) {
    names.iter().for_each(|name| text.field(name, 0));
}
