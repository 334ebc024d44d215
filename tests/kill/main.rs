//! Real kills: a server is killed with -9 under load, again and again on the same directory, and
//! what was answered is compared with what is found.
//!
//! Each client knows what it was answered, and what it had asked for and was not answered. What is
//! found has to hold the first, may hold a beginning of the second, and nothing else; a transaction
//! or another atomic step is whole or absent; what a reader was shown is there.
//!
//! `FOREBAY_KILLS` (default 7) is how often the server is killed in each fsync mode, `FOREBAY_KILL_SEED`
//! where the instants come from; it is drawn, and printed, if not given. `FOREBAY_BIN` names another
//! program than the one built with the tests.

mod client;
mod jobs;
mod listener;
mod observer;
#[path = "../support/process.rs"]
mod process;
mod solo;
mod tasks;

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use client::{Dead, Load, Wire};
use forebay::journal::sim::Dice;
use process::{Process, Scratch, free_port};

/// Small segments, and snapshots all the time.
const SETTINGS: &[&str] = &[
    "--journal-segment-size",
    "65536",
    "--journal-reserve-size",
    "262144",
    "--auto-aof-rewrite-min-size",
    "300000",
    "--auto-aof-rewrite-percentage",
    "100",
    "--save",
    "",
];

fn knob(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number in the knob"))
}

/// What the clients of one directory remember, over all lives of the server.
struct History {
    loads: Vec<Box<dyn Load>>,
}

impl History {
    fn new() -> History {
        let solo = |name| Box::new(solo::Solo::new(name)) as Box<dyn Load>;
        History {
            loads: vec![
                solo("one"),
                solo("two"),
                Box::new(jobs::Jobs::default()),
                Box::new(tasks::Tasks::default()),
                Box::new(observer::Observer::default()),
                Box::new(listener::Listener::default()),
            ],
        }
    }

    /// Puts the server under load for `time`, then kills it.
    fn run(&mut self, server: &mut Process, time: Duration, seed: u64) {
        let dying = AtomicBool::new(false);
        let port = server.port;
        thread::scope(|scope| {
            for (number, load) in self.loads.iter_mut().enumerate() {
                let dying = &dying;
                let seed = seed.wrapping_mul(31).wrapping_add(number as u64);
                scope.spawn(move || load.run(port, dying, seed));
            }
            let dying = &dying;
            scope.spawn(move || disturb(port, dying, seed));
            thread::sleep(time);
            // From here on a client may lose its connection.
            dying.store(true, Ordering::SeqCst);
            server.kill();
        });
    }

    fn check(&mut self, server: &Process) {
        let mut wire = Wire::open(server.port).expect("it serves");
        for load in &mut self.loads {
            load.check(&mut wire);
        }
    }
}

/// Snapshots by hand, beside those that the journal's growth brings, and changes of what a reply
/// promises: it survives a kill in every mode.
fn disturb(port: u16, dying: &AtomicBool, seed: u64) {
    let mut dice = Dice::new(seed);
    let mut work = || -> Result<(), Dead> {
        let mut wire = Wire::open(port)?;
        loop {
            thread::sleep(Duration::from_millis(dice.below(60) as u64));
            let mode = ["always", "everysec", "no"][dice.below(3)];
            let words: &[&str] = match dice.below(8) {
                0 => &["CONFIG", "SET", "appendfsync", mode],
                1 | 2 => &["BGREWRITEAOF"],
                3 | 4 => &["SAVE"],
                _ => &["BGSAVE"],
            };
            // One may be running: then it is refused.
            wire.send(&[client::request(words)])?;
            wire.receive()?;
        }
    };
    work().expect_err("it ends with the server").must_be_the_kill(dying);
}

/// Kills a start at a random moment, then starts for good.
fn start(scratch: &Scratch, mode: &str, dice: &mut Dice) -> Process {
    let arguments = [&["--appendfsync", mode], SETTINGS].concat();
    while dice.chance(3) {
        let mut process = Process::spawn(scratch, free_port(), &arguments);
        thread::sleep(Duration::from_micros(dice.below(60_000) as u64));
        process.kill();
    }
    Process::start(scratch, free_port(), &arguments)
}

fn kill_again_and_again(mode: &str) {
    let drawn = || RandomState::new().hash_one(mode);
    let seed = knob("FOREBAY_KILL_SEED").unwrap_or_else(drawn);
    let kills = knob("FOREBAY_KILLS").unwrap_or(7);
    println!("{mode}: FOREBAY_KILL_SEED={seed} FOREBAY_KILLS={kills}");
    let mut dice = Dice::new(seed);
    let scratch = Scratch::new("kill");
    let mut history = History::new();
    for life in 0..kills {
        let mut server = start(&scratch, mode, &mut dice);
        history.check(&server);
        let time = Duration::from_millis(40 + dice.below(400) as u64);
        history.run(&mut server, time, dice.roll());
        if life % 8 == 0 {
            // The tool is of the same opinion as the next start.
            let checked = process::run(&scratch, &["check", "forebay-data"]);
            assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
        }
    }
    history.check(&start(&scratch, mode, &mut dice));
    let answers: u64 = history.loads.iter().map(|load| load.answers()).sum();
    println!("{mode}: {kills} kills, {answers} answers held to");
    assert!(answers > 20 * kills, "there was load");
}

#[test]
fn what_was_answered_survives_kills_with_always() {
    kill_again_and_again("always");
}

#[test]
fn what_was_answered_survives_kills_with_everysec() {
    kill_again_and_again("everysec");
}

#[test]
fn what_was_answered_survives_kills_with_no() {
    kill_again_and_again("no");
}
