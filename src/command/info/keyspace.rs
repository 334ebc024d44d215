//! The sections on the data: Persistence, Keyspace.

use super::Text;
use crate::command::cx::Cx;
use crate::keyspace::NEVER;

/// How many keys a database's mean time to live is taken from.
const TTL_SAMPLES: usize = 64;

/// Nothing is written to disk in this version, whatever the settings ask for, and this says so.
pub fn persistence(cx: &mut Cx<'_, '_>, text: &mut Text) {
    for name in
        ["loading", "async_loading", "current_cow_peak", "current_cow_size", "current_cow_size_age"]
    {
        text.field(name, 0);
    }
    text.field("current_fork_perc", "0.00");
    text.field("current_save_keys_processed", 0);
    text.field("current_save_keys_total", 0);
    text.field("rdb_changes_since_last_save", cx.tx.changes_total());
    text.field("rdb_bgsave_in_progress", 0);
    text.field("rdb_last_save_time", cx.server.started_at_ms / 1000);
    text.field("rdb_last_bgsave_status", "ok");
    text.field("rdb_last_bgsave_time_sec", -1);
    text.field("rdb_current_bgsave_time_sec", -1);
    text.field("rdb_saves", 0);
    text.field("rdb_last_cow_size", 0);
    text.field("rdb_last_load_keys_expired", 0);
    text.field("rdb_last_load_keys_loaded", 0);
    text.field("aof_enabled", 0);
    text.field("aof_rewrite_in_progress", 0);
    text.field("aof_rewrite_scheduled", 0);
    text.field("aof_last_rewrite_time_sec", -1);
    text.field("aof_current_rewrite_time_sec", -1);
    text.field("aof_last_bgrewrite_status", "ok");
    text.field("aof_rewrites", 0);
    text.field("aof_rewrites_consecutive_failures", 0);
    text.field("aof_last_write_status", "ok");
    text.field("aof_last_cow_size", 0);
    text.field("module_fork_in_progress", 0);
    text.field("module_fork_last_cow_size", 0);
    text.field("forebay_promise_asked", cx.server.config.promise().name());
    text.field("forebay_promise_in_force", "memory-only");
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
        text.line(format_args!(
            "db{db}:keys={keys},expires={expires},avg_ttl={mean_ttl_ms},subexpiry=0"
        ));
    }
    cx.tx.select(own_db);
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
