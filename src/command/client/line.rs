//! One connection as a line of CLIENT LIST.

use std::fmt::Write;
use std::sync::atomic::Ordering;

use crate::command::clients::{Client, Seen};
use crate::resp::Proto;

/// Writes a connection's line, without its end.
///
/// The fields are Redis's, in its order. Replies wait in one buffer here, so there is never a list
/// of them (`oll`, `omem`); keys are not tracked (`redir`), nothing is subscribed to (`sub`, `psub`,
/// `ssub`), and a connection's task belongs to no thread (`io-thread`).
pub(crate) fn write(client: &Client, now_ms: i64, line: &mut Vec<u8>) {
    let seen = client.seen.lock().clone();
    let age = (now_ms - client.connected_at_ms).max(0) / 1000;
    let idle = (now_ms - client.active_at_ms.load(Ordering::Relaxed)).max(0) / 1000;
    let query = client.query_bytes.load(Ordering::Relaxed);
    let query_capacity = client.query_capacity.load(Ordering::Relaxed).max(query);
    let output = client.output_bytes.load(Ordering::Relaxed);
    let output_capacity = client.output_capacity.load(Ordering::Relaxed);
    let output_peak = client.output_peak.load(Ordering::Relaxed).max(output_capacity);
    let names = (seen.name.len() + seen.lib_name.len() + seen.lib_ver.len()) as u64;
    let total = size_of::<Client>() as u64
        + names
        + query_capacity
        + output_capacity
        + seen.queued_bytes as u64;
    let user = seen.user.as_ref().map(|user| String::from_utf8_lossy(user.name()));
    let user = user.unwrap_or("(superuser)".into());
    let mut text = String::with_capacity(400);
    // Writing to a string does not fail.
    let mut put = |field: &str, value: &dyn std::fmt::Display| {
        let separator = if text.is_empty() { "" } else { " " };
        write!(text, "{separator}{field}={value}").expect("a string takes what is written to it");
    };
    put("id", &client.id);
    put("addr", &client.addr);
    put("laddr", &client.laddr);
    put("fd", &client.fd);
    put("name", &String::from_utf8_lossy(&seen.name));
    put("age", &age);
    put("idle", &idle);
    put("flags", &flags(client, &seen));
    put("db", &seen.db);
    put("sub", &0);
    put("psub", &0);
    put("ssub", &0);
    put("multi", &seen.queued.map_or(-1, |queued| queued as i64));
    put("watch", &seen.watched);
    put("qbuf", &query);
    put("qbuf-free", &(query_capacity - query));
    put("argv-mem", &0);
    put("multi-mem", &seen.queued_bytes);
    put("rbs", &output_capacity);
    put("rbp", &output_peak);
    put("obl", &output);
    put("oll", &0);
    put("omem", &0);
    put("tot-mem", &total);
    put("events", &if output > 0 { "rw" } else { "r" });
    put("cmd", &seen.command);
    put("user", &user);
    put("redir", &-1);
    put("resp", &if seen.proto == Proto::Resp3 { 3 } else { 2 });
    put("lib-name", &String::from_utf8_lossy(&seen.lib_name));
    put("lib-ver", &String::from_utf8_lossy(&seen.lib_ver));
    put("io-thread", &0);
    put("tot-net-in", &client.bytes_in.load(Ordering::Relaxed));
    put("tot-net-out", &client.bytes_out.load(Ordering::Relaxed));
    put("tot-cmds", &client.commands.load(Ordering::Relaxed));
    line.extend_from_slice(text.as_bytes());
}

/// The letters of Redis that can apply here; `N` if none does.
fn flags(client: &Client, seen: &Seen) -> String {
    let letters = [
        (seen.queued.is_some(), 'x'),
        (client.is_blocked(), 'b'),
        (seen.watch_touched.load(Ordering::Relaxed), 'd'),
        (seen.close_after_reply, 'c'),
        (client.is_killed(), 'A'),
        (client.is_unix, 'U'),
        (seen.no_evict, 'e'),
        (seen.no_touch, 'T'),
    ];
    let set: String = letters.iter().filter(|(is_set, _)| *is_set).map(|(_, it)| it).collect();
    if set.is_empty() { "N".into() } else { set }
}
