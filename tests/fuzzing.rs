//! The fuzz targets, driven in the ordinary test run: every case that was kept, and a bounded number
//! of mutations of whole inputs. `FOREBAY_FUZZ_RUNS` sets how many, `FOREBAY_FUZZ_SEED` where they
//! start. `tests/fuzz` has the same targets for cargo-fuzz.

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use forebay::command::Server;
use forebay::journal::sim::SimDisk;
use forebay::journal::{Frame, Journal, MemorySink, Mode, Options, Plan};
use forebay::keyspace::ManualClock;
use forebay::resp::text::write_request;
use support::START_MS;
use support::bare::{Connection, new_server};
use support::commands::Generator;
use support::targets::TARGETS;
use support::values::PAYLOADS;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Whole inputs of a target, to start from.
fn seeds(target: &str, generator: &mut Generator) -> Vec<Vec<u8>> {
    match target {
        "restore" => PAYLOADS.iter().map(|whole| whole[..whole.len() - 10].to_vec()).collect(),
        "rdb_import" => {
            let mut all = b"\xfa\x01a\x01b\xfe\x01\xfb\x05\x01".to_vec();
            for (at, whole) in PAYLOADS.iter().enumerate() {
                let (kind, value) = whole[..whole.len() - 10].split_at(1);
                let deadline = 1_700_000_000_000 + 1000 * at as i64;
                all.extend_from_slice(&[b"\xfc", deadline.to_le_bytes().as_slice()].concat());
                all.extend_from_slice(&[kind, &[2, b'k', b'a' + at as u8], value].concat());
            }
            let foreign =
                b"\x04\x01h\x01\x01f\x01v\x07\x01m\x05\x02\x05\x05\x01x\0\xf7\x05\x02\x01\0";
            vec![all, foreign.to_vec()]
        }
        "segment" => vec![segment(generator), segment_of_queues(generator)],
        "snapshot" => vec![snapshot_part(generator), snapshot_part_of_queues(generator)],
        _ => {
            let mut log = b"#TS:1700000000\r\n".to_vec();
            for _ in 0..40 {
                let command = generator.command();
                write_request(&mut log, &command.iter().map(Vec::as_slice).collect::<Vec<_>>());
            }
            vec![log, b"*1\r\n$5\r\nMULTI\r\n*1\r\n$4\r\nEXEC\r\n".to_vec()]
        }
    }
}

/// A segment of a journal with the steps of some commands.
fn segment(generator: &mut Generator) -> Vec<u8> {
    let frame = |time_ms| {
        let mut effects = Vec::new();
        let command = generator.command();
        write_request(&mut effects, &command.iter().map(Vec::as_slice).collect::<Vec<_>>());
        Frame { time_ms, effects }
    };
    segment_of((0..10).map(frame))
}

/// One with what queues leave in the journal, and some of it as it never was.
fn segment_of_queues(generator: &mut Generator) -> Vec<u8> {
    let sink = Arc::new(MemorySink::default());
    queues(generator, Some(Arc::clone(&sink)));
    let mut frames = sink.drain();
    for at in 0..frames.len() {
        if generator.one_in(3) {
            let other = frames[generator.below(at as u64 + 1) as usize].effects.clone();
            frames[at].effects = mutated(frames[at].effects.clone(), &other, generator);
        }
    }
    segment_of(frames.into_iter())
}

/// A server with queues in it that have been worked on.
fn queues(generator: &mut Generator, sink: Option<Arc<MemorySink>>) -> Arc<Server> {
    let clock = ManualClock::new(START_MS);
    let server = new_server(Arc::clone(&clock), 1, sink);
    server.look_after_streams();
    let mut connection = Connection::new();
    for _ in 0..120 {
        clock.advance_ms(generator.below(10) as i64);
        if connection.is_free(&server) {
            connection.run(&server, &generator.queue_command());
        }
    }
    server
}

fn segment_of(frames: impl Iterator<Item = Frame>) -> Vec<u8> {
    let disk = SimDisk::new();
    let plan = Plan::survey(&disk).expect("the disk can be read");
    let options = Options {
        mode: Mode::Always,
        segment_bytes: 16 << 10,
        reserve_bytes: 0,
        backlog_bytes_max: 1 << 20,
        on_failure: Box::new(|_, _| {}),
    };
    let journal =
        Journal::open_stepped(Arc::new(disk.clone()), &plan, options).expect("it is well");
    for frame in frames {
        journal.append(frame);
        journal.step();
    }
    disk.content("00000000000000000000.journal").expect("the first segment")
}

/// A snapshot's only part, of what some commands have made.
fn snapshot_part(generator: &mut Generator) -> Vec<u8> {
    let server = new_server(ManualClock::new(START_MS), 1, None);
    let mut connection = Connection::new();
    for _ in 0..60 {
        if connection.is_free(&server) {
            connection.run(&server, &generator.command());
        }
    }
    first_part(&server)
}

/// One with queues.
fn snapshot_part_of_queues(generator: &mut Generator) -> Vec<u8> {
    first_part(&queues(generator, None))
}

fn first_part(server: &Arc<Server>) -> Vec<u8> {
    let begun = server.keyspace.begin_snapshot(|| ());
    let ((), mut snapshot) = begun.expect("no other one is running");
    let mut part = Vec::new();
    assert!(snapshot.next_part(&mut part));
    part
}

fn mutated(mut bytes: Vec<u8>, other: &[u8], generator: &mut Generator) -> Vec<u8> {
    for _ in 0..=generator.below(4) {
        let len = bytes.len() as u64;
        let at = generator.below(len + 1) as usize;
        let end = (at + generator.below(12) as usize).min(bytes.len());
        match generator.below(6) {
            0 if at < bytes.len() => bytes[at] = generator.below(256) as u8,
            1 if at < bytes.len() => bytes[at] ^= 1 << generator.below(8),
            2 => drop(bytes.drain(at..end)),
            3 => drop(bytes.splice(at..at, [0x81, 0x7f, 255, 255, 255, 255, 255, 255, 255])),
            4 => bytes.truncate(at),
            _ => {
                let from = generator.below(other.len() as u64 + 1) as usize;
                let to = (from + generator.below(40) as usize).min(other.len());
                bytes.splice(at..end, other[from..to].iter().copied());
            }
        }
    }
    bytes
}

#[test]
fn kept_cases_are_borne() {
    for (name, target) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/cases").join(name);
        let mut cases = 0;
        for entry in fs::read_dir(&folder).expect("each target has kept cases") {
            target(&fs::read(entry.expect("an entry").path()).expect("a file"));
            cases += 1;
        }
        assert!(cases > 0, "{name} has no kept case");
    }
}

#[test]
fn mutations_are_borne() {
    let runs = number("FOREBAY_FUZZ_RUNS", 1000);
    let mut generator = Generator::new(number("FOREBAY_FUZZ_SEED", 1));
    for (name, target) in TARGETS {
        let mut from = Vec::new();
        for run in 0..runs {
            // Drawn anew now and then: making them takes longer than reading what becomes of them.
            if run % 50 == 0 {
                from = seeds(name, &mut generator);
                from.iter().for_each(|whole| target(whole));
            }
            let seeds = &from;
            let seed = seeds[generator.below(seeds.len() as u64) as usize].clone();
            let other = &seeds[generator.below(seeds.len() as u64) as usize];
            target(&mutated(seed, other, &mut generator));
        }
    }
}
