//! What is noted of every command: counts, latency, the slow log, the latency monitor.

use quanta::Instant;

use super::error::Error;
use super::server::Server;
use super::session::Session;
use super::spec::Flags;
use super::table::{self, Command};
use crate::metrics::{Caller, Calls, Tally};

/// Measures a connection's commands. Within a batch the end of one is the start of the next, which
/// saves every other reading of the clock.
#[derive(Default)]
pub struct Stopwatch {
    last: Option<Instant>,
    tally: Tally,
}

impl Stopwatch {
    /// When the command that is about to run begins.
    pub fn start(&mut self) -> Instant {
        *self.last.get_or_insert_with(Instant::now)
    }

    /// Nanoseconds since `begun`, which ends the command.
    fn lap(&mut self, begun: Instant) -> u64 {
        let now = Instant::now();
        self.last = Some(now);
        u64::try_from(now.saturating_duration_since(begun).as_nanos()).unwrap_or(u64::MAX)
    }

    /// Ends a batch: the next command begins when it comes, and what was counted is handed over.
    pub fn stop(&mut self, calls: &Calls) {
        self.last = None;
        self.tally.flush(calls);
    }

    /// Hands over what was counted, for somebody who is about to read the counts.
    pub fn flush(&mut self, calls: &Calls) {
        self.tally.flush(calls);
    }
}

/// Notes a command that has run.
pub fn called(
    server: &Server,
    session: &mut Session,
    command: &Command,
    args: &[&[u8]],
    succeeded: bool,
    begun: Instant,
) {
    let nanos = session.stopwatch.lap(begun);
    let calls = &server.metrics.calls;
    session.stopwatch.tally.count(calls, command.index, nanos, !succeeded);
    let config = &server.config;
    if config.latency_tracking.get() {
        calls.record_latency(command.index, nanos);
    }
    let micros = nanos / 1000;
    let slow_us = config.slowlog_log_slower_than_us.get();
    if slow_us >= 0 && micros >= slow_us as u64 {
        log_slow(server, session, command, args, micros);
    }
    let spike_ms = config.latency_monitor_threshold_ms.get();
    if spike_ms > 0 && micros / 1000 >= spike_ms as u64 {
        let is_fast = command.spec.flags.has(Flags::FAST);
        let event = if is_fast { "fast-command" } else { "command" };
        let at_s = server.keyspace.clock().now_ms() / 1000;
        server.metrics.latency.record(event, at_s, micros / 1000);
    }
}

/// Notes a command that a script has called. What is slow is the script's: it goes into the slow log.
pub fn called_by_script(
    server: &Server,
    session: &mut Session,
    command: &Command,
    succeeded: bool,
    begun: Instant,
) {
    let nanos = session.stopwatch.lap(begun);
    let calls = &server.metrics.calls;
    session.stopwatch.tally.count(calls, command.index, nanos, !succeeded);
    if server.config.latency_tracking.get() {
        calls.record_latency(command.index, nanos);
    }
}

/// Notes a request that was refused before it ran.
pub fn rejected(server: &Server, args: &[&[u8]], error: &Error) {
    server.metrics.errors.count(error.code());
    if let Ok(command) = table::lookup(args) {
        server.metrics.calls.count_rejected(command.index);
    }
}

fn log_slow(server: &Server, session: &Session, command: &Command, args: &[&[u8]], micros: u64) {
    if command.spec.flags.has(Flags::SKIP_SLOWLOG) {
        return;
    }
    let config = &server.config;
    let name = session.client.as_ref().map(|client| client.seen.lock().name.clone());
    let caller = Caller {
        addr: session.client.as_ref().map_or("", |client| &client.addr),
        name: &name.unwrap_or_default(),
        entries_max: config.slowlog_max_len.get_usize(),
        args_max: config.slowlog_entry_max_argc.get_usize(),
        arg_bytes_max: config.slowlog_entry_max_string_len.get_usize(),
    };
    let at_s = server.keyspace.clock().now_ms() / 1000;
    server.metrics.slowlog.push(at_s, micros, &redacted(command, args), &caller);
}

/// The arguments with passwords taken out, as Redis takes them out.
pub(super) fn redacted<'a>(command: &Command, args: &[&'a [u8]]) -> Vec<&'a [u8]> {
    const REDACTED: &[u8] = b"(redacted)";
    let mut shown = args.to_vec();
    match command.spec.name {
        "auth" => shown[1..].fill(REDACTED),
        "hello" => {
            let is_auth = |arg: &&[u8]| arg.eq_ignore_ascii_case(b"auth");
            if let Some(at) = args.iter().skip(2).position(is_auth) {
                let end = args.len().min(at + 5);
                shown[at + 3..end].fill(REDACTED);
            }
        }
        "migrate" => {
            let mut at = 6;
            while at < args.len() && !args[at].eq_ignore_ascii_case(b"keys") {
                let secrets = match args[at] {
                    word if word.eq_ignore_ascii_case(b"auth") => 1,
                    word if word.eq_ignore_ascii_case(b"auth2") => 2,
                    _ => 0,
                };
                let end = args.len().min(at + 1 + secrets);
                shown[at + 1..end].fill(REDACTED);
                at = end;
            }
        }
        "acl|setuser" | "acl|deluser" | "acl|getuser" => shown[2..].fill(REDACTED),
        "config|set" => {
            for pair in shown[2..].chunks_exact_mut(2) {
                if crate::config::holds_secret(pair[0]) {
                    pair[1] = REDACTED;
                }
            }
        }
        _ => {}
    }
    shown
}
