//! Rule: replaying the effects gives the same state.
//!
//! Random sequences of every command, on several connections that may block, watch and queue, with
//! the clock turned between them. The frames they record are replayed into two empty keyspaces; all
//! three then hold the same keys, values, groups, consumers, pending entries and deadlines.
//! `FOREBAY_REPLAY_CASES` sets how many sequences are run, `FOREBAY_REPLAY_SEED` the first seed.

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use forebay::command::replay::replay;
use forebay::command::{self, Blocked, Flow, Server, Session};
use forebay::config::Config;
use forebay::journal::MemorySink;
use forebay::keyspace::{Clock, Keyspace, ManualClock, Options};
use support::START_MS;
use support::commands::Generator;

const DATABASES: usize = 3;
const CONNECTIONS: usize = 4;
const COMMANDS_PER_CASE: usize = 400;

fn new_server(clock: Arc<ManualClock>, seed: u64, sink: Option<Arc<MemorySink>>) -> Arc<Server> {
    let config = Config::from_lines("stream-node-max-entries 5\n").expect("the lines are valid");
    let keyspace = Keyspace::new(Options {
        databases: DATABASES,
        clock: clock as Arc<dyn Clock>,
        seed,
        sink: sink.map(|sink| sink as Arc<dyn forebay::journal::Sink>),
    });
    Arc::new(Server::new(Arc::new(keyspace), Arc::new(config)))
}

/// One connection without a socket.
struct Connection {
    session: Session,
    blocked: Option<Blocked>,
}

impl Connection {
    fn run(&mut self, server: &Arc<Server>, args: &[Vec<u8>]) -> Vec<u8> {
        let args: Vec<&[u8]> = args.iter().map(Vec::as_slice).collect();
        let mut out = Vec::new();
        let now_ms = server.keyspace.clock().now_ms();
        let flow = command::execute(server, &mut self.session, &args, &mut out, now_ms);
        if let Flow::Blocked(blocked) = flow {
            self.blocked = Some(blocked);
        }
        out
    }

    /// Whether it may send a command; a wait whose time is over ends first.
    fn is_free(&mut self, server: &Server) -> bool {
        let Some(blocked) = &mut self.blocked else { return true };
        let now_ms = server.keyspace.clock().now_ms();
        let over = blocked.deadline_ms.is_some_and(|deadline_ms| deadline_ms <= now_ms);
        if over && blocked.waiter.cancel() {
            server.keyspace.leave(&blocked.waiter);
            self.blocked = None;
        } else if blocked.reply.try_recv().is_ok() {
            self.blocked = None;
        }
        self.blocked.is_none()
    }
}

/// Asks a server in a database, as bytes of the reply.
fn ask(server: &Arc<Server>, db: usize, words: &[&[u8]]) -> Vec<u8> {
    let mut session = Session::stand_in(db, forebay::resp::Proto::Resp3);
    let mut out = Vec::new();
    let now_ms = server.keyspace.clock().now_ms();
    command::execute(server, &mut session, words, &mut out, now_ms);
    out
}

/// The state, as text: each key with all that is kept of it, in order.
fn digest(server: &Arc<Server>) -> Vec<String> {
    let mut lines = Vec::new();
    for db in 0..DATABASES {
        for key in Generator::KEYS {
            let kind = ask(server, db, &[b"TYPE", key]);
            let value = match kind.as_slice() {
                b"+none\r\n" => continue,
                b"+string\r\n" => ask(server, db, &[b"GET", key]),
                b"+list\r\n" => ask(server, db, &[b"LRANGE", key, b"0", b"-1"]),
                b"+stream\r\n" => stream_state(server, db, key),
                other => panic!("a key of type {}", String::from_utf8_lossy(other)),
            };
            let deadline = ask(server, db, &[b"PEXPIRETIME", key]);
            let state = [kind, deadline, value].concat();
            lines.push(format!("{db} {} {}", key.escape_ascii(), state.escape_ascii()));
        }
    }
    lines
}

/// All of a stream but for what is left out of state: when its consumers were seen last.
fn stream_state(server: &Arc<Server>, db: usize, key: &[u8]) -> Vec<u8> {
    let full = ask(server, db, &[b"XINFO", b"STREAM", key, b"FULL", b"COUNT", b"0"]);
    let text: Vec<&[u8]> = full.split(|&byte| byte == b'\n').collect();
    let mut kept = Vec::new();
    let mut lines = text.into_iter();
    while let Some(line) = lines.next() {
        // The radix tree's figures tell of memory layout, not of state.
        if [b"seen-time\r".as_slice(), b"radix-tree-keys\r", b"radix-tree-nodes\r"].contains(&line)
        {
            lines.next();
            continue;
        }
        kept.extend_from_slice(line);
    }
    kept
}

fn run_case(seed: u64, succeeded: &mut BTreeSet<String>) {
    let clock = ManualClock::new(START_MS);
    let sink = Arc::new(MemorySink::default());
    let server = new_server(Arc::clone(&clock), seed, Some(Arc::clone(&sink)));
    let mut generator = Generator::new(seed);
    let mut connections: Vec<Connection> = (0..CONNECTIONS)
        .map(|_| Connection { session: Session::new(None, true), blocked: None })
        .collect();
    let mut story = Vec::new();
    for _ in 0..COMMANDS_PER_CASE {
        if generator.one_in(5) {
            clock.advance_ms(generator.below(40) as i64);
        }
        let turn = generator.below(CONNECTIONS as u64) as usize;
        let connection = &mut connections[turn];
        if !connection.is_free(&server) {
            continue;
        }
        let args = generator.command();
        story.push(format!(
            "{turn}: {}",
            args.iter().map(|arg| arg.escape_ascii().to_string()).collect::<Vec<_>>().join(" ")
        ));
        let reply = connection.run(&server, &args);
        if !reply.starts_with(b"-") {
            succeeded.insert(String::from_utf8_lossy(&args[0]).into_owned());
        }
    }
    // What is past its deadline but not collected is in the original only as a deadline.
    let expected = digest(&server);
    let frames = sink.drain();
    for other_seed in [seed, seed + 1] {
        let copy = new_server(Arc::clone(&clock), other_seed, None);
        for frame in &frames {
            if let Err(error) = replay(&copy, frame) {
                panic!("seed {seed}: {}\n{}", error.0, story.join("\n"));
            }
        }
        let found = digest(&copy);
        if found != expected {
            let first = expected.iter().zip(&found).find(|(expected, found)| expected != found);
            let frames = frames
                .iter()
                .map(|frame| format!("{}: {}", frame.time_ms, frame.effects.escape_ascii()));
            panic!(
                "seed {seed}: the replayed state differs\n{first:#?}\n{} keys, {} replayed\n{}\n{}",
                expected.len(),
                found.len(),
                story.join("\n"),
                frames.collect::<Vec<_>>().join("\n")
            );
        }
    }
}

#[test]
fn effects_replayed_twice_give_the_same_state() {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
    };
    let cases = number("FOREBAY_REPLAY_CASES", 150);
    let first = number("FOREBAY_REPLAY_SEED", 1);
    let mut succeeded = BTreeSet::new();
    for seed in first..first + cases {
        run_case(seed, &mut succeeded);
    }
    // A command that is always refused would show nothing.
    for name in Generator::names() {
        assert!(succeeded.contains(name) || cases < 100, "{name} never succeeded");
    }
}
