//! Rule: replaying the effects gives the same state.
//!
//! Random sequences of every command, on several connections that may block, watch, queue and send many
//! at once, with the clock turned between them. The frames they record are replayed into two empty keyspaces; all
//! three then hold the same keys, values, groups, consumers, pending entries and deadlines.
//! `FOREBAY_REPLAY_CASES` sets how many sequences are run, `FOREBAY_REPLAY_SEED` the first seed.

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use forebay::command::replay::replay;
use forebay::journal::{Frame, MemorySink};
use forebay::keyspace::ManualClock;
use forebay::resp::text::write_request;
use support::START_MS;
use support::bare::{Connection, digest, new_server};
use support::commands::Generator;

const CONNECTIONS: usize = 4;
const COMMANDS_PER_CASE: usize = 400;

type Draw = fn(&mut Generator) -> Vec<Vec<u8>>;

fn run_case(seed: u64, draw: Draw, succeeded: &mut BTreeSet<String>) {
    let clock = ManualClock::new(START_MS);
    let sink = Arc::new(MemorySink::default());
    let server = new_server(Arc::clone(&clock), seed, Some(Arc::clone(&sink)));
    let mut generator = Generator::new(seed);
    let mut connections: Vec<Connection> = (0..CONNECTIONS).map(|_| Connection::new()).collect();
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
        let commands =
            if generator.one_in(8) { generator.together(draw) } else { vec![draw(&mut generator)] };
        for args in &commands {
            let words = args.iter().map(|arg| arg.escape_ascii().to_string());
            story.push(format!("{turn}: {}", words.collect::<Vec<_>>().join(" ")));
        }
        let replies = connection.run_together(&server, &commands);
        for (args, reply) in commands.iter().zip(&replies) {
            if !reply.starts_with(b"-") {
                succeeded.insert(String::from_utf8_lossy(&args[0]).into_owned());
            }
        }
    }
    // What is past its deadline but not collected is in the original only as a deadline.
    let expected = digest(&server);
    let frames = sink.drain();
    for frame in &frames {
        note_places(&frame.effects, succeeded);
    }
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

/// Notes which kinds of places effects put entries into.
fn note_places(effects: &[u8], seen: &mut BTreeSet<String>) {
    let text = String::from_utf8_lossy(effects);
    for effect in text.split('*').filter(|effect| effect.contains("XPLACE")) {
        let words = effect.split("\r\n").filter(|word| !word.starts_with('$'));
        let places = words.skip(8).step_by(2).filter_map(|word| word.chars().next());
        seen.extend(places.map(|kind| format!("place {kind}")));
    }
}

#[test]
fn effects_with_too_few_words_are_refused() {
    let effects = ["XASSIGN", "XDELIVER", "XEXPIRED", "XIDMPCOUNT", "XPACE", "XPASS", "XPLACE"];
    let others = ["XPOLICY", "XREDELIVER", "XRELEASE", "XADD", "XACK", "SET"];
    for name in effects.into_iter().chain(others) {
        let server = new_server(ManualClock::new(START_MS), 1, None);
        let mut effects = Vec::new();
        write_request(&mut effects, &[name.as_bytes()]);
        let refused = replay(&server, &Frame { time_ms: START_MS, effects });
        let why = refused.expect_err("it names no key").0;
        assert!(why.contains("wrong number of arguments"), "{why}");
    }
}

/// Where a group's cursor stands before what has a record, a read hands it out by that and as new: without
/// acknowledgement in a stream that sheds it, or with another count.
#[test]
fn what_a_read_hands_out_twice_is_recorded_in_its_order() {
    const SHED: &[&str] = &[
        "XGROUP CREATE s g 0 MKSTREAM",
        "XCFGSET s RETAIN ACKED",
        "XCFGSET s GROUP g LEASE 1000",
        "XADD s 1-1 f v",
        "XADD s 1-2 f v",
        "XREADGROUP GROUP g alice STREAMS s >",
        "XNACK s g SILENT IDS 2 1-1 1-2",
        "XGROUP SETID s g 0",
        "XADD s 1-3 f v",
        "XREADGROUP GROUP g alice NOACK STREAMS s >",
    ];
    const COUNTED: &[&str] = &[
        "XGROUP CREATE s g 0 MKSTREAM",
        "XADD s 1-1 f v",
        "XNACK s g FATAL IDS 1 1-1 DELAY 0 FORCE",
        "XREADGROUP GROUP g alice STREAMS s >",
    ];
    for lines in [SHED, COUNTED] {
        let clock = ManualClock::new(START_MS);
        let sink = Arc::new(MemorySink::default());
        let server = new_server(Arc::clone(&clock), 1, Some(Arc::clone(&sink)));
        let mut connection = Connection::new();
        for line in lines {
            let args: Vec<Vec<u8>> = line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
            let reply = connection.run(&server, &args);
            assert!(!reply.starts_with(b"-"), "{line}: {}", reply.escape_ascii());
        }
        let copy = new_server(clock, 1, None);
        for frame in sink.drain() {
            if let Err(error) = replay(&copy, &frame) {
                panic!("{}: {}", error.0, frame.effects.escape_ascii());
            }
        }
        assert_eq!(digest(&copy), digest(&server));
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
        run_case(seed, Generator::command, &mut succeeded);
        run_case(seed, Generator::queue_command, &mut succeeded);
    }
    // A command that is always refused would show nothing.
    for name in Generator::names() {
        assert!(succeeded.contains(name) || cases < 100, "{name} never succeeded");
    }
    for kind in ["i", "r", "d", "h", "x", "-"] {
        let place = format!("place {kind}");
        assert!(succeeded.contains(&place) || cases < 100, "no entry came to {place}");
    }
}
