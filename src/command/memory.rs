//! MEMORY: what keys and the process take.

use tikv_jemalloc_ctl::stats_print::{Options, stats_print};

use super::args::{self, is};
use super::cx::Cx;
use super::error::{Error, Outcome};
use super::help::help;
use super::table::{Entry, all, keys};
use crate::keyspace::{Slot, Value};
use crate::metrics::memory::{Allocated, resident_bytes};
use crate::script::Scripts;

pub(super) static COMMANDS: &[Entry] = &[
    keys("memory|doctor", doctor),
    keys("memory|help", help),
    keys("memory|malloc-stats", malloc_stats),
    keys("memory|purge", purge),
    all("memory|stats", stats),
    keys("memory|usage", usage),
];

/// How many parts of a value USAGE looks at unless told otherwise.
const SAMPLES_DEFAULT: usize = 5;
/// Of a key's place in the index: four bytes and a tag, at the usual load of seven eighths.
const INDEX_BYTES: u64 = 6;
/// Of a deadline and a hash in the nodes of an ordered set, which are filled by two thirds.
const DEADLINE_BYTES: u64 = 24;

/// Bytes that a value has allocated; `samples` parts of a long one are looked at, 0 means all.
pub(super) fn value_bytes(value: &Value, samples: usize) -> usize {
    match value {
        Value::String(string) => string.heap_bytes(),
        Value::List(list) => list.heap_bytes(samples),
        Value::Set(set) => set.heap_bytes(samples),
        Value::Zset(set) => set.heap_bytes(samples),
        Value::Hash(hash) => hash.heap_bytes(samples),
        Value::Stream(stream) => stream.memory_bytes(),
    }
}

fn usage(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let mut samples = SAMPLES_DEFAULT;
    let mut options = args[3..].iter();
    while let Some(option) = options.next() {
        let (true, Some(count)) = (is(option, "SAMPLES"), options.next()) else {
            return Err(Error::SYNTAX);
        };
        samples = usize::try_from(args::integer(count)?).map_err(|_| Error::SYNTAX)?;
    }
    match cx.tx.slot(args[2]) {
        None => cx.reply.null(),
        Some(slot) => {
            let bytes = size_of::<Slot>() + slot.key.len() + value_bytes(&slot.value, samples);
            cx.reply.count(bytes);
        }
    }
    Ok(())
}

/// What the server takes for itself, whatever the keys hold.
pub(super) struct Overhead {
    /// For each database that has keys: its number, and the bytes of its table and its deadlines.
    pub databases: Vec<(usize, u64, u64)>,
    pub keys: u64,
    pub client_bytes: u64,
    /// All of it, the empty server included.
    pub total: u64,
}

impl Overhead {
    /// Reads it; all shards are locked.
    pub fn of(cx: &mut Cx<'_, '_>) -> Overhead {
        let own_db = cx.tx.db();
        let mut databases = Vec::new();
        let mut keys = 0;
        for db in 0..cx.tx.keyspace().databases() {
            cx.tx.select(db);
            let len = cx.tx.db_len() as u64;
            if len > 0 {
                keys += len;
                let table = len * (size_of::<Slot>() as u64 + INDEX_BYTES);
                databases.push((db, table, cx.tx.db_with_deadline() as u64 * DEADLINE_BYTES));
            }
        }
        cx.tx.select(own_db);
        let clients = cx.server.clients.all();
        let client_bytes =
            clients.iter().map(|client| client.memory_bytes(&client.seen.lock())).sum();
        let tables: u64 = databases.iter().map(|(_, table, deadlines)| table + deadlines).sum();
        let total = cx.server.metrics.memory.at_start() + tables + client_bytes;
        Overhead { databases, keys, client_bytes, total }
    }
}

/// `part` of `whole` as a percentage.
pub(super) fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

/// How many times `part` is in `whole`.
pub(super) fn ratio(whole: u64, part: u64) -> f64 {
    if part == 0 { 0.0 } else { whole as f64 / part as f64 }
}

/// A field of STATS.
enum Field {
    Whole(&'static str, u64),
    /// May be below zero.
    Signed(&'static str, i64),
    Share(&'static str, f64),
    /// `db.N`: bytes of its table, and of its deadlines.
    Database(usize, u64, u64),
}

fn stats(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    let overhead = Overhead::of(cx);
    let memory = &cx.server.metrics.memory;
    let now = memory.look(cx.tx.now_ms());
    let scripts = &cx.server.scripts;
    let fields = stats_fields(&overhead, &now, memory.peak().0, memory.at_start(), scripts);
    cx.reply.map(fields.len());
    for field in fields {
        match field {
            Field::Whole(name, value) => {
                cx.reply.text(name);
                cx.reply.int(value as i64);
            }
            Field::Signed(name, value) => {
                cx.reply.text(name);
                cx.reply.int(value);
            }
            Field::Share(name, value) => {
                cx.reply.text(name);
                cx.reply.double(value);
            }
            Field::Database(db, table, deadlines) => {
                cx.reply.text(&format!("db.{db}"));
                cx.reply.map(2);
                cx.reply.text("overhead.hashtable.main");
                cx.reply.int(table as i64);
                cx.reply.text("overhead.hashtable.expires");
                cx.reply.int(deadlines as i64);
            }
        }
    }
    Ok(())
}

fn stats_fields(
    overhead: &Overhead,
    now: &Allocated,
    peak: u64,
    at_start: u64,
    scripts: &Scripts,
) -> Vec<Field> {
    use Field::{Share, Signed, Whole};
    let dataset = now.allocated.saturating_sub(overhead.total);
    let grown = now.allocated.saturating_sub(at_start);
    let rss = resident_bytes();
    let states = scripts.cache.state_bytes() + scripts.libraries.state_bytes();
    let difference = |more: u64, less: u64| more as i64 - less as i64;
    let mut fields = vec![
        Whole("peak.allocated", peak),
        Whole("total.allocated", now.allocated),
        Whole("startup.allocated", at_start),
        Whole("replication.backlog", 0),
        Whole("replica.fullsync.buffer", 0),
        Whole("clients.slaves", 0),
        Whole("clients.normal", overhead.client_bytes),
        Whole("cluster.links", 0),
        Whole("aof.buffer", 0),
        Whole("lua.caches", scripts.cache.source_bytes() as u64),
        Whole("functions.caches", scripts.libraries.code_bytes() as u64),
        Whole("script.VMs", states as u64),
    ];
    let databases = overhead.databases.iter();
    fields.extend(databases.map(|&(db, table, deadlines)| Field::Database(db, table, deadlines)));
    fields.extend([
        Whole("overhead.db.hashtable.lut", overhead.keys * INDEX_BYTES),
        Whole("overhead.db.hashtable.rehashing", 0),
        Whole("overhead.total", overhead.total),
        Whole("db.dict.rehashing.count", 0),
        Whole("keys.count", overhead.keys),
        Whole("keys.bytes-per-key", grown.checked_div(overhead.keys).unwrap_or(0)),
        Whole("dataset.bytes", dataset),
        Share("dataset.percentage", percent(dataset, grown)),
        Share("peak.percentage", percent(now.allocated, peak)),
        Whole("allocator.allocated", now.allocated),
        Whole("allocator.active", now.active),
        Whole("allocator.resident", now.resident),
        Whole("allocator.muzzy", 0),
        Share("allocator-fragmentation.ratio", ratio(now.active, now.allocated)),
        Signed("allocator-fragmentation.bytes", difference(now.active, now.allocated)),
        Share("allocator-rss.ratio", ratio(now.resident, now.active)),
        Signed("allocator-rss.bytes", difference(now.resident, now.active)),
        Share("rss-overhead.ratio", ratio(rss, now.resident)),
        Signed("rss-overhead.bytes", difference(rss, now.resident)),
        Share("fragmentation", ratio(rss, now.allocated)),
        Signed("fragmentation.bytes", difference(rss, now.allocated)),
    ]);
    fields
}

fn doctor(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    let memory = &cx.server.metrics.memory;
    let now = memory.look(cx.tx.now_ms());
    let text =
        diagnosis(&now, memory.peak().0, resident_bytes(), cx.server.config.maxmemory.get_u64());
    cx.reply.verbatim("txt", text.as_bytes());
    Ok(())
}

/// Below this, ratios say nothing: what the process takes empty outweighs the rest.
const DIAGNOSIS_BYTES_MIN: u64 = 5 << 20;

fn diagnosis(now: &Allocated, peak: u64, rss: u64, maxmemory: u64) -> String {
    if now.allocated < DIAGNOSIS_BYTES_MIN {
        return "Too little memory is in use to say anything about it.\n".into();
    }
    let mut found = Vec::new();
    if ratio(peak, now.allocated) > 1.5 {
        found.push(format!(
            "The peak was {peak} bytes, {} are in use now: pages between the two go back to the \
             system as the allocator gets to them.",
            now.allocated
        ));
    }
    if ratio(now.active, now.allocated) > 1.1 && now.active - now.allocated > 10 << 20 {
        found.push(format!(
            "{} bytes lie in pages that are partly in use (fragmentation): many values have been \
             removed from between others.",
            now.active - now.allocated
        ));
    }
    if ratio(rss, now.resident) > 1.1 && rss - now.resident > 10 << 20 {
        found.push(format!(
            "{} bytes of the process are not the allocator's: stacks, code and files.",
            rss - now.resident
        ));
    }
    if maxmemory > 0 && now.allocated > maxmemory / 10 * 9 {
        found.push(
            "More than nine tenths of maxmemory are in use: writes will be refused when it is \
             full, and nothing is evicted."
                .into(),
        );
    }
    if found.is_empty() {
        return "Nothing about the use of memory looks wrong.\n".into();
    }
    found.iter().map(|line| format!("- {line}\n")).collect()
}

/// The allocator's own report.
fn malloc_stats(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    let mut text = Vec::new();
    if stats_print(&mut text, Options::default()).is_err() || text.is_empty() {
        text = b"Stats not supported for the current allocator".to_vec();
    }
    cx.reply.verbatim("txt", &text);
    Ok(())
}

/// The allocator gives unused pages back by itself, some seconds after they were freed; there is
/// nothing left to be asked for.
fn purge(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    cx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_diagnosis_follows_the_figures() {
        let mib = 1 << 20;
        let now = Allocated {
            allocated: 100 * mib,
            active: 105 * mib,
            resident: 110 * mib,
            metadata: mib,
        };
        let report =
            |now: &Allocated, peak, rss, max| diagnosis(now, peak * mib, rss * mib, max * mib);
        assert!(report(&now, 101, 112, 0).starts_with("Nothing"));
        assert!(report(&now, 200, 112, 0).contains("The peak was"));
        assert!(report(&now, 101, 200, 0).contains("not the allocator's"));
        assert!(report(&now, 101, 112, 105).contains("nine tenths"));
        let holes = Allocated { active: 150 * mib, ..now };
        assert!(report(&holes, 101, 112, 0).contains("fragmentation"));
        assert!(report(&Allocated::default(), 0, 9, 0).starts_with("Too little"));
    }
}
