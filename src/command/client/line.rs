//! One connection as a line of CLIENT LIST.

use std::fmt::Write;
use std::sync::atomic::Ordering;

use crate::command::clients::{Client, Seen};
use crate::pubsub::tracking::Mode;
use crate::resp::Proto;

/// Writes a connection's line, without its end.
///
/// The fields are Redis's, in its order. Replies wait in one buffer here, and what is pushed in another
/// (`omem`; `oll` says whether there is any); a connection's task belongs to no thread (`io-thread`).
pub(crate) fn write(client: &Client, now_ms: i64, line: &mut Vec<u8>) {
    let seen = client.seen.lock().clone();
    let age = (now_ms - client.connected_at_ms).max(0) / 1000;
    let idle = (now_ms - client.active_at_ms.load(Ordering::Relaxed)).max(0) / 1000;
    let query = client.query_bytes.load(Ordering::Relaxed);
    let query_capacity = client.query_capacity.load(Ordering::Relaxed).max(query);
    let output = client.mailbox.unsent_bytes();
    let mail = client.mailbox.waiting_bytes();
    let output_capacity = client.output_capacity.load(Ordering::Relaxed);
    let output_peak = client.output_peak.load(Ordering::Relaxed).max(output_capacity);
    let names = (seen.name.len() + seen.lib_name.len() + seen.lib_ver.len()) as u64;
    let total = size_of::<Client>() as u64
        + names
        + query_capacity
        + output_capacity
        + mail
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
    let [channels, patterns, shard_channels] = seen.subscriptions;
    put("sub", &channels);
    put("psub", &patterns);
    put("ssub", &shard_channels);
    put("multi", &seen.queued.map_or(-1, |queued| queued as i64));
    put("watch", &seen.watched);
    put("qbuf", &query);
    put("qbuf-free", &(query_capacity - query));
    put("argv-mem", &0);
    put("multi-mem", &seen.queued_bytes);
    put("rbs", &output_capacity);
    put("rbp", &output_peak);
    put("obl", &output);
    put("oll", &u8::from(mail > 0));
    put("omem", &mail);
    put("tot-mem", &total);
    put("events", &if output + mail > 0 { "rw" } else { "r" });
    put("cmd", &seen.command);
    put("user", &user);
    put("redir", &seen.tracker.as_ref().map_or(-1, |it| it.redirect_id() as i64));
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
        (seen.monitors, 'O'),
        (client.is_subscriber(), 'P'),
        (seen.queued.is_some(), 'x'),
        (client.is_blocked(), 'b'),
        (seen.tracker.is_some(), 't'),
        (seen.tracker.as_ref().is_some_and(|it| it.is_broken()), 'R'),
        (seen.tracker.as_ref().is_some_and(|it| it.mode == Mode::Broadcast), 'B'),
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
