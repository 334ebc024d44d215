//! The sections on the process: Server, Memory, Replication, CPU.

use std::fs;

use super::super::memory::{Overhead, percent, ratio};
use super::{REDIS_VERSION, Text, human};
use crate::command::cx::Cx;
use crate::metrics::memory::{machine_bytes, resident_bytes};

pub fn server(cx: &mut Cx<'_, '_>, text: &mut Text) {
    let config = &cx.server.config;
    let now_us = cx.server.keyspace.clock().now_us();
    let uptime_s = (now_us / 1000 - cx.server.started_at_ms).max(0) / 1000;
    text.field("redis_version", REDIS_VERSION);
    text.field("forebay_version", env!("CARGO_PKG_VERSION"));
    text.field("redis_git_sha1", "00000000");
    text.field("redis_git_dirty", 0);
    text.field("redis_build_id", env!("CARGO_PKG_VERSION"));
    text.field("redis_mode", "standalone");
    text.field("os", operating_system());
    text.field("arch_bits", usize::BITS);
    text.field("monotonic_clock", "processor counter, or POSIX clock_gettime");
    text.field("multiplexing_api", if cfg!(target_os = "linux") { "epoll" } else { "kqueue" });
    text.field("atomicvar_api", "rust-std");
    // Redis's way to say that another compiler made it.
    text.field("gcc_version", "0.0.0");
    text.field("process_id", std::process::id());
    text.field("process_supervised", supervised(&config.supervised.get()));
    text.field("run_id", &cx.server.run_id);
    text.field("tcp_port", config.port.get());
    text.field("server_time_usec", now_us);
    text.field("uptime_in_seconds", uptime_s);
    text.field("uptime_in_days", uptime_s / 86_400);
    let hz = setting(cx, "hz");
    text.field("hz", &hz);
    text.field("configured_hz", hz);
    // Redis's clock of key access: seconds in 24 bits.
    text.field("lru_clock", (now_us / 1_000_000) & 0xff_ffff);
    let executable = std::env::current_exe();
    text.field("executable", executable.map_or(String::new(), |path| path.display().to_string()));
    let file = cx.server.config.file();
    text.field("config_file", file.map_or(String::new(), |path| path.display().to_string()));
    text.field("io_threads_active", 0);
    listeners(cx, text);
}

/// Where it listens, as Redis writes it.
fn listeners(cx: &mut Cx<'_, '_>, text: &mut Text) {
    let config = &cx.server.config;
    let mut number = 0;
    if config.port.get() != 0 {
        let bind = config.bind.get();
        let addresses: String =
            bind.iter().map(|name| format!("bind={},", String::from_utf8_lossy(name))).collect();
        let port = config.port.get();
        text.line(format_args!("listener{number}:name=tcp,{addresses}port={port}"));
        number += 1;
    }
    let unixsocket = config.unixsocket.text();
    if !unixsocket.is_empty() {
        text.line(format_args!("listener{number}:name=unix,bind={unixsocket}"));
    }
}

fn setting(cx: &Cx<'_, '_>, name: &str) -> String {
    let value = cx.server.config.get_one(name).unwrap_or_default();
    String::from_utf8_lossy(&value).into_owned()
}

fn supervised(mode: &[u8]) -> &'static str {
    let has = |name| std::env::var_os(name).is_some();
    match mode {
        b"systemd" | b"auto" if has("NOTIFY_SOCKET") => "systemd",
        b"upstart" | b"auto" if has("UPSTART_JOB") => "upstart",
        b"no" | b"auto" => "no",
        _ => "unknown",
    }
}

fn operating_system() -> String {
    let name = rustix::system::uname();
    format!(
        "{} {} {}",
        name.sysname().to_string_lossy(),
        name.release().to_string_lossy(),
        name.machine().to_string_lossy()
    )
}

/// Interpreters' states, which hold compiled scripts and what scripts have left, and texts.
fn scripts(cx: &Cx<'_, '_>, text: &mut Text) {
    let (cache, libraries) = (&cx.server.scripts.cache, &cx.server.scripts.libraries);
    let (eval, functions) = (cache.state_bytes() as u64, libraries.state_bytes() as u64);
    let (sources, code) = (cache.source_bytes() as u64, libraries.code_bytes() as u64);
    text.field("used_memory_lua", eval);
    text.field("used_memory_vm_eval", eval);
    text.field("used_memory_lua_human", human(eval));
    text.field("used_memory_scripts_eval", sources);
    text.field("number_of_cached_scripts", cache.count());
    text.field("number_of_functions", libraries.functions_count());
    text.field("number_of_libraries", libraries.count());
    text.field("used_memory_vm_functions", functions);
    text.size("used_memory_vm_total", eval + functions);
    text.field("used_memory_functions", code);
    text.size("used_memory_scripts", sources + code);
}

pub fn memory(cx: &mut Cx<'_, '_>, text: &mut Text) {
    let overhead = Overhead::of(cx);
    let memory = &cx.server.metrics.memory;
    let now = memory.look(cx.tx.now_ms());
    let (peak, peak_at_ms) = memory.peak();
    let at_start = memory.at_start();
    let dataset = now.allocated.saturating_sub(overhead.total);
    let grown = now.allocated.saturating_sub(at_start);
    let rss = resident_bytes();
    let maxmemory = cx.server.config.maxmemory.get_u64();
    text.size("used_memory", now.allocated);
    text.size("used_memory_rss", rss);
    text.size("used_memory_peak", peak);
    text.field("used_memory_peak_time", peak_at_ms / 1000);
    text.line(format_args!("used_memory_peak_perc:{:.2}%", percent(now.allocated, peak)));
    text.field("used_memory_overhead", overhead.total);
    text.field("used_memory_startup", at_start);
    text.field("used_memory_dataset", dataset);
    text.line(format_args!("used_memory_dataset_perc:{:.2}%", percent(dataset, grown)));
    text.field("allocator_allocated", now.allocated);
    text.field("allocator_active", now.active);
    text.field("allocator_resident", now.resident);
    text.field("allocator_muzzy", 0);
    text.size("total_system_memory", machine_bytes());
    scripts(cx, text);
    text.size("maxmemory", maxmemory);
    text.field("maxmemory_policy", "noeviction");
    text.line(format_args!("allocator_frag_ratio:{:.2}", ratio(now.active, now.allocated)));
    text.field("allocator_frag_bytes", difference(now.active, now.allocated));
    text.line(format_args!("allocator_rss_ratio:{:.2}", ratio(now.resident, now.active)));
    text.field("allocator_rss_bytes", difference(now.resident, now.active));
    text.line(format_args!("rss_overhead_ratio:{:.2}", ratio(rss, now.resident)));
    text.field("rss_overhead_bytes", difference(rss, now.resident));
    text.line(format_args!("mem_fragmentation_ratio:{:.2}", ratio(rss, now.allocated)));
    text.field("mem_fragmentation_bytes", difference(rss, now.allocated));
    for name in [
        "mem_not_counted_for_evict",
        "mem_replication_backlog",
        "mem_total_replication_buffers",
        "mem_replica_full_sync_buffer",
        "mem_clients_slaves",
    ] {
        text.field(name, 0);
    }
    text.field("mem_clients_normal", overhead.client_bytes);
    text.field("mem_cluster_links", 0);
    text.field("mem_aof_buffer", 0);
    text.field("mem_allocator", "jemalloc");
    text.field("mem_overhead_db_hashtable_rehashing", 0);
    text.field("active_defrag_running", 0);
    text.field("lazyfree_pending_objects", 0);
    text.field("lazyfreed_objects", 0);
}

fn difference(more: u64, less: u64) -> i64 {
    more as i64 - less as i64
}

/// A primary without replicas, which is what a server without replication is.
pub fn replication(cx: &mut Cx<'_, '_>, text: &mut Text) {
    text.field("role", "master");
    text.field("connected_slaves", 0);
    text.field("master_failover_state", "no-failover");
    text.field("master_replid", &cx.server.run_id);
    text.field("master_replid2", "0".repeat(40));
    text.field("master_repl_offset", 0);
    text.field("second_repl_offset", -1);
    text.field("repl_backlog_active", 0);
    text.field("repl_backlog_size", setting(cx, "repl-backlog-size"));
    text.field("repl_backlog_first_byte_offset", 0);
    text.field("repl_backlog_histlen", 0);
}

/// Seconds of processor time, to the hundredth that the kernel tells.
pub fn cpu(_: &mut Cx<'_, '_>, text: &mut Text) {
    let process = ProcessorTime::of("/proc/self/stat");
    let main_thread = ProcessorTime::of(&format!("/proc/self/task/{}/stat", std::process::id()));
    for (name, seconds) in [
        ("used_cpu_sys", process.system),
        ("used_cpu_user", process.user),
        ("used_cpu_sys_children", process.children_system),
        ("used_cpu_user_children", process.children_user),
        ("used_cpu_sys_main_thread", main_thread.system),
        ("used_cpu_user_main_thread", main_thread.user),
    ] {
        text.line(format_args!("{name}:{seconds:.6}"));
    }
}

#[derive(Default)]
struct ProcessorTime {
    user: f64,
    system: f64,
    children_user: f64,
    children_system: f64,
}

impl ProcessorTime {
    /// Reads one of the kernel's `stat` files; nothing where there is none.
    fn of(path: &str) -> ProcessorTime {
        let line = fs::read_to_string(path).unwrap_or_default();
        // The name of the program may hold anything, but ends with the last parenthesis. The fields
        // behind it begin with the third; times are the 14th to the 17th.
        let fields = line.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks_a_second = rustix::param::clock_ticks_per_second() as f64;
        let mut seconds = fields
            .split_ascii_whitespace()
            .skip(11)
            .map(|ticks| ticks.parse::<f64>().unwrap_or(0.0) / ticks_a_second);
        let mut next = || seconds.next().unwrap_or(0.0);
        ProcessorTime {
            user: next(),
            system: next(),
            children_user: next(),
            children_system: next(),
        }
    }
}
