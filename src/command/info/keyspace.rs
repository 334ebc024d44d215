//! The sections on the data: Persistence, Keyspace.

use std::sync::atomic::Ordering;

use super::Text;
use crate::command::cx::Cx;
use crate::command::store::{Cause, Loading, Running};
use crate::config::Promise;
use crate::journal::State;
use crate::journal::writer::Status;
use crate::keyspace::{NEVER, Value};

/// How many keys a database's mean time to live is taken from.
const TTL_SAMPLES: usize = 64;

/// Redis's fields: the `rdb_` and the `aof_rewrite` ones both tell of snapshots, the other `aof_`
/// ones of the journal.
pub fn persistence(cx: &mut Cx<'_, '_>, text: &mut Text) {
    let store = &cx.server.store;
    let (running, last) = (store.saves.running(), store.saves.last());
    let now_ms = cx.server.keyspace.clock().now_ms();
    text.field("loading", u8::from(store.loading.is_active()));
    for name in ["async_loading", "current_cow_peak", "current_cow_size", "current_cow_size_age"] {
        text.field(name, 0);
    }
    let progress = cx.tx.keyspace().snapshot_progress().unwrap_or_default();
    let (done, total) = (progress.keys_done, progress.keys);
    let percent = if total == 0 { 0.0 } else { done as f64 * 100.0 / total as f64 };
    text.line(format_args!("current_fork_perc:{percent:.2}"));
    text.field("current_save_keys_processed", done);
    text.field("current_save_keys_total", total);
    let is_rewrite = |cause: Cause| matches!(cause, Cause::Rewrite | Cause::Growth | Cause::Room);
    let saves = running.as_ref().filter(|running| !is_rewrite(running.cause));
    let rewrites = running.as_ref().filter(|running| is_rewrite(running.cause));
    let status = if last.is_ok { "ok" } else { "err" };
    let took_s = last.took_ms.map_or(-1, |took_ms| took_ms / 1000);
    let since_s = |running: &Running| (now_ms - running.begun_at_ms) / 1000;
    let changes = cx.tx.changes_total().saturating_sub(last.changes);
    text.field("rdb_changes_since_last_save", changes);
    text.field("rdb_bgsave_in_progress", u8::from(saves.is_some()));
    text.field("rdb_last_save_time", last.saved_at_ms / 1000);
    text.field("rdb_last_bgsave_status", status);
    text.field("rdb_last_bgsave_time_sec", took_s);
    text.field("rdb_current_bgsave_time_sec", saves.map_or(-1, since_s));
    text.field("rdb_saves", last.succeeded);
    text.field("rdb_last_cow_size", 0);
    text.field("rdb_last_load_keys_expired", 0);
    text.field("rdb_last_load_keys_loaded", store.loading.keys_loaded.load(Ordering::Relaxed));
    let in_force = store.promise_in_force();
    let is_kept = in_force != Some(Promise::MemoryOnly);
    text.field("aof_enabled", u8::from(is_kept));
    text.field("aof_rewrite_in_progress", u8::from(rewrites.is_some()));
    text.field("aof_rewrite_scheduled", u8::from(store.saves.is_scheduled()));
    text.field("aof_last_rewrite_time_sec", took_s);
    text.field("aof_current_rewrite_time_sec", rewrites.map_or(-1, since_s));
    text.field("aof_last_bgrewrite_status", status);
    text.field("aof_rewrites", last.succeeded);
    text.field("aof_rewrites_consecutive_failures", last.failures_in_a_row);
    let journal = store.journal().map(|journal| journal.status());
    let is_failed = journal.as_ref().is_some_and(|journal| journal.failure.is_some());
    text.field("aof_last_write_status", if is_failed { "err" } else { "ok" });
    text.field("aof_last_cow_size", 0);
    text.field("module_fork_in_progress", 0);
    text.field("module_fork_last_cow_size", 0);
    text.field("forebay_promise_asked", cx.server.config.promise().name());
    text.field("forebay_promise_in_force", in_force.map_or("none", Promise::name));
    if let Some(journal) = journal {
        of_journal(&journal, last.bytes, text);
    }
    if store.loading.is_active() {
        of_loading(&store.loading, now_ms, text);
    }
}

fn of_journal(journal: &Status, base_bytes: u64, text: &mut Text) {
    let behind = journal.next - journal.snapshot;
    text.field("aof_current_size", base_bytes + behind);
    text.field("aof_base_size", base_bytes);
    text.field("aof_pending_rewrite", u8::from(journal.state == State::Off));
    text.field("aof_buffer_length", journal.next.saturating_sub(journal.settled));
    text.field("aof_pending_bio_fsync", 0);
    text.field("aof_delayed_fsync", 0);
    text.field("forebay_journal_start", journal.start);
    text.field("forebay_journal_position", journal.next);
    text.field("forebay_journal_durable", journal.durable);
    text.field("forebay_journal_snapshot", journal.snapshot);
    text.field("forebay_journal_segments", journal.segments);
    text.field("forebay_journal_room", if journal.room_trouble.is_some() { "short" } else { "ok" });
    if let Some(trouble) = &journal.room_trouble {
        text.field("forebay_journal_room_error", trouble);
    }
    if let Some(failure) = &journal.failure {
        text.field("forebay_journal_failure", failure);
    }
}

fn of_loading(loading: &Loading, now_ms: i64, text: &mut Text) {
    let begun_at_ms = loading.begun_at_ms.load(Ordering::Relaxed);
    let total = loading.bytes_total.load(Ordering::Relaxed);
    let loaded = loading.bytes_loaded.load(Ordering::Relaxed);
    let percent = if total == 0 { 0.0 } else { loaded as f64 * 100.0 / total as f64 };
    let spent_s = (now_ms - begun_at_ms).max(0) as f64 / 1000.0;
    let left = total.saturating_sub(loaded) as f64;
    let eta_s = if loaded == 0 { 1.0 } else { spent_s * left / loaded as f64 };
    text.field("loading_start_time", begun_at_ms / 1000);
    text.field("loading_total_bytes", total);
    text.field("loading_rdb_used_mem", 0);
    text.field("loading_loaded_bytes", loaded);
    text.line(format_args!("loading_loaded_perc:{percent:.2}"));
    text.line(format_args!("loading_eta_seconds:{eta_s:.0}"));
}

pub fn databases(cx: &mut Cx<'_, '_>, text: &mut Text) {
    let own_db = cx.tx.db();
    for db in 0..cx.tx.keyspace().databases() {
        cx.tx.select(db);
        let keys = cx.tx.db_len();
        if keys == 0 {
            continue;
        }
        let expires = cx.tx.db_with_deadline();
        let mean_ttl_ms = if expires == 0 { 0 } else { mean_ttl_ms(cx) };
        let timed = cx.tx.db_with_field_deadline();
        text.line(format_args!(
            "db{db}:keys={keys},expires={expires},avg_ttl={mean_ttl_ms},subexpiry={timed}"
        ));
    }
    cx.tx.select(own_db);
}

/// How long strings are, and how many elements the other values have: for each type, numbers of keys by
/// the power of two that is not above their size. All keys are looked at, so that no write has to count.
pub fn sizes(cx: &mut Cx<'_, '_>, text: &mut Text) {
    const TYPES: [&str; 5] =
        ["strings_sizes", "lists_items", "sets_items", "zsets_items", "hashes_items"];
    let own_db = cx.tx.db();
    for db in 0..cx.tx.keyspace().databases() {
        cx.tx.select(db);
        let mut counts = [[0_u64; usize::BITS as usize + 1]; TYPES.len()];
        cx.tx.scan(0, usize::MAX, |slot| {
            let (kind, size) = match &slot.value {
                Value::String(string) => (0, string.len()),
                Value::List(list) => (1, list.len()),
                Value::Set(set) => (2, set.len()),
                Value::Zset(set) => (3, set.len()),
                Value::Hash(hash) => (4, hash.len()),
                Value::Stream(_) => return,
            };
            counts[kind][size.checked_ilog2().map_or(0, |power| power as usize + 1)] += 1;
        });
        for (name, counts) in TYPES.iter().zip(&counts) {
            let shown = counts.iter().enumerate().filter(|(_, count)| **count > 0);
            let shown: Vec<String> =
                shown.map(|(bin, count)| format!("{}={count}", bin_name(bin))).collect();
            if !shown.is_empty() {
                text.line(format_args!("db{db}_distrib_{name}:{}", shown.join(",")));
            }
        }
    }
    cx.tx.select(own_db);
}

/// `0`, `1`, `2` … `512`, `1K` …
fn bin_name(bin: usize) -> String {
    const UNITS: [&str; 7] = ["", "K", "M", "G", "T", "P", "E"];
    match bin.checked_sub(1) {
        None => "0".into(),
        Some(power) => format!("{}{}", 1 << (power % 10), UNITS[power / 10]),
    }
}

/// The mean time to live of some keys of the database that have one: an estimate, as in Redis.
fn mean_ttl_ms(cx: &mut Cx<'_, '_>) -> i64 {
    let now_ms = cx.tx.now_ms();
    let (mut sum, mut count) = (0, 0);
    cx.tx.scan(0, TTL_SAMPLES, |slot| {
        if slot.expire_at_ms != NEVER {
            sum += i128::from(slot.expire_at_ms.saturating_sub(now_ms).max(0));
            count += 1;
        }
    });
    if count == 0 { 0 } else { i64::try_from(sum / count).unwrap_or(i64::MAX) }
}
