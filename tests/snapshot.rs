//! Rule: a snapshot is the state at its cut, whatever is done to the keyspace while it is made.
//!
//! Random sequences of every command, with snapshots begun, continued, given up and finished between
//! them. What a whole one loads is the state at its cut; with the frames behind the cut it is the
//! state at the end. `FOREBAY_SNAPSHOT_CASES` sets how many sequences are run,
//! `FOREBAY_SNAPSHOT_SEED` the first seed.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use forebay::command::Server;
use forebay::command::replay::replay;
use forebay::journal::{Frame, MemorySink};
use forebay::keyspace::{Clock, ManualClock, Snapshot, SnapshotLoader};
use support::START_MS;
use support::bare::{Connection, ask, digest, new_server};
use support::commands::Generator;

const CONNECTIONS: usize = 4;
const COMMANDS_PER_CASE: usize = 400;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// An empty server whose time is `now_ms`, with its clock.
fn server_at(now_ms: i64, seed: u64) -> (Arc<Server>, Arc<ManualClock>) {
    let clock = ManualClock::new(now_ms);
    (new_server(Arc::clone(&clock), seed, None), clock)
}

fn load(server: &Arc<Server>, parts: &[Vec<u8>]) {
    let bytes = parts.iter().map(Vec::len).sum::<usize>() as u64;
    let mut loader = SnapshotLoader::new(&server.keyspace, bytes);
    for part in parts {
        loader.part(part).expect("the part is as it was made");
    }
    assert_eq!(loader.keys_missing(), Some(0));
    loader.finish().expect("all parts are there");
}

/// A snapshot in the making, and what it has to come to.
struct Making {
    snapshot: Snapshot,
    parts: Vec<Vec<u8>>,
    at_ms: i64,
    expected: Vec<String>,
    /// How many frames there were at the cut.
    frames: usize,
}

struct Case {
    server: Arc<Server>,
    clock: Arc<ManualClock>,
    sink: Arc<MemorySink>,
    frames: Vec<Frame>,
    seed: u64,
}

impl Case {
    fn begin(&mut self, generator: &mut Generator) -> Making {
        let expected = digest(&self.server);
        let sink = Arc::clone(&self.sink);
        let begun = self.server.keyspace.begin_snapshot(|| sink.drain());
        let (frames, mut snapshot) = begun.expect("no other is running");
        self.frames.extend(frames);
        assert!(self.server.keyspace.begin_snapshot(|| ()).is_none(), "one at a time");
        // Most parts hold one record, so that commands come between any two.
        snapshot.set_part_bytes([1, 1, 40, 200][generator.below(4) as usize]);
        let (at_ms, frames) = (self.clock.now_ms(), self.frames.len());
        Making { snapshot, parts: Vec::new(), at_ms, expected, frames }
    }

    fn check(&mut self, making: Making) {
        let progress = making.snapshot.progress();
        assert_eq!(progress.keys_done, progress.keys, "seed {}", self.seed);
        drop(making.snapshot);
        let (copy, clock) = server_at(making.at_ms, self.seed + 1);
        load(&copy, &making.parts);
        assert_eq!(digest(&copy), making.expected, "seed {}: at the cut", self.seed);
        // Looking at it does what is due in it, which is recorded too.
        let at_the_end = digest(&self.server);
        self.frames.extend(self.sink.drain());
        for frame in &self.frames[making.frames..] {
            replay(&copy, frame).unwrap_or_else(|error| panic!("seed {}: {}", self.seed, error.0));
        }
        clock.advance_ms(self.clock.now_ms() - making.at_ms);
        assert_eq!(digest(&copy), at_the_end, "seed {}: at the end", self.seed);
    }
}

/// How many snapshots became whole.
fn run_case(seed: u64) -> usize {
    let clock = ManualClock::new(START_MS);
    let sink = Arc::new(MemorySink::default());
    let server = new_server(Arc::clone(&clock), seed, Some(Arc::clone(&sink)));
    let mut case = Case { server, clock, sink, frames: Vec::new(), seed };
    let mut generator = Generator::new(seed);
    let mut connections: Vec<Connection> = (0..CONNECTIONS).map(|_| Connection::new()).collect();
    let mut making = None;
    let mut whole = 0;
    for _ in 0..COMMANDS_PER_CASE {
        if generator.one_in(5) {
            case.clock.advance_ms(generator.below(40) as i64);
        }
        match &mut making {
            None if generator.one_in(20) => making = Some(case.begin(&mut generator)),
            None => {}
            Some(_) if generator.one_in(60) => making = None,
            Some(found) if generator.one_in(3) => {
                let mut part = Vec::new();
                if found.snapshot.next_part(&mut part) {
                    found.parts.push(part);
                } else {
                    assert!(part.is_empty() && !found.snapshot.next_part(&mut part));
                    whole += 1;
                    case.check(making.take().expect("found just now"));
                }
            }
            Some(_) => {}
        }
        let turn = generator.below(CONNECTIONS as u64) as usize;
        if connections[turn].is_free(&case.server) {
            connections[turn].run(&case.server, &generator.plain_command());
        }
    }
    whole
}

#[test]
fn a_snapshot_is_the_state_at_its_cut() {
    let cases = number("FOREBAY_SNAPSHOT_CASES", 150);
    let first = number("FOREBAY_SNAPSHOT_SEED", 1);
    let whole: usize = (first..first + cases).map(run_case).sum();
    assert!(whole as u64 >= cases, "only {whole} snapshots became whole");
}

/// Keys of no interest to the other commands, so that tables are long and their slots move.
fn churn(server: &Arc<Server>, generator: &mut Generator, keys: u64) {
    let mut key = || format!("churn:{}", generator.below(keys)).into_bytes();
    let (one, other) = (key(), key());
    let words: &[&[u8]] = match generator.below(7) {
        0 | 1 => &[b"SET", &one, &other],
        2 => &[b"DEL", &one],
        3 => &[b"APPEND", &one, b"+"],
        4 => &[b"RENAME", &one, &other],
        5 => &[b"PEXPIRE", &one, b"3600000"],
        _ => &[b"RPUSH", &one, b"element"],
    };
    ask(server, 0, words);
}

#[test]
fn with_the_frames_behind_it_a_snapshot_is_the_state_at_the_end() {
    const THREADS: u64 = 3;
    const KEYS: u64 = 6000;
    let clock = ManualClock::new(START_MS);
    let sink = Arc::new(MemorySink::default());
    let server = new_server(Arc::clone(&clock), 3, Some(Arc::clone(&sink)));
    for key in 0..KEYS {
        ask(&server, 0, &[b"SET", format!("churn:{key}").as_bytes(), b"as it was"]);
    }
    let is_over = AtomicBool::new(false);
    let commands = AtomicUsize::new(0);
    let mut frames = Vec::new();
    let mut snapshots = Vec::new();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (server, is_over, commands) = (&server, &is_over, &commands);
            scope.spawn(move || {
                let mut generator = Generator::new(thread + 17);
                let mut connections: Vec<_> = (0..3).map(|_| Connection::new()).collect();
                while !is_over.load(Ordering::Relaxed) {
                    churn(server, &mut generator, KEYS);
                    let turn = generator.below(3) as usize;
                    let command = generator.plain_command();
                    // Emptied and exchanged again and again, the tables would never be long.
                    let is_rare = matches!(command[0].as_slice(), b"FLUSHDB" | b"SWAPDB");
                    if (!is_rare || generator.one_in(50)) && connections[turn].is_free(server) {
                        connections[turn].run(server, &command);
                    }
                    commands.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for round in 0..5 {
            let begun = server.keyspace.begin_snapshot(|| sink.drain());
            let (before, mut snapshot) = begun.expect("no other is running");
            frames.extend(before);
            snapshot.set_part_bytes(1 << (round * 4));
            let (at, began_at) = (frames.len(), commands.load(Ordering::Relaxed));
            let mut parts = Vec::new();
            let mut part = Vec::new();
            while snapshot.next_part(&mut part) {
                parts.push(std::mem::take(&mut part));
                // The others are to get on as well, in every part of the walk.
                let wanted = began_at + parts.len().min(400);
                while commands.load(Ordering::Relaxed) < wanted {
                    std::thread::yield_now();
                }
            }
            snapshots.push((at, parts));
        }
        is_over.store(true, Ordering::Relaxed);
    });
    frames.extend(sink.drain());
    let expected = digest(&server);
    for (at, parts) in snapshots {
        let (copy, _) = server_at(START_MS, 5);
        load(&copy, &parts);
        for frame in &frames[at..] {
            replay(&copy, frame).unwrap_or_else(|error| panic!("{}", error.0));
        }
        assert!(digest(&copy) == expected, "the snapshot at frame {at} is another state");
    }
}
