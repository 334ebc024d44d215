//! A model of the journal's promise: numbered steps whose content follows from their number.

// Each test file is a crate of its own and uses a part of this.
#![allow(dead_code)]

use std::sync::Arc;

use forebay::journal::disk::Disk;
use forebay::journal::recovery::{Item, Loader};
use forebay::journal::sim::{Dice, SimDisk};
use forebay::journal::{Frame, Journal, Mode, Options, Plan};

pub const SEGMENT_BYTES: u64 = 1024;

pub fn options(mode: Mode) -> Options {
    Options {
        mode,
        segment_bytes: SEGMENT_BYTES,
        reserve_bytes: 0,
        backlog_bytes_max: 1 << 20,
        on_failure: Box::new(|_, _| {}),
    }
}

/// A knob of the tests, from the environment.
pub fn knob(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().expect("a number in the knob"))
}

/// What step `number` holds: its number, and bytes that make some steps longer than a segment.
pub fn payload(number: u64) -> Vec<u8> {
    let mut dice = Dice::new(number);
    let length = match number % 40 {
        25 => 1500,
        33 => 40_000,
        _ if dice.chance(5) => 300,
        _ => dice.below(60),
    };
    let mut payload = format!("step {number} ").into_bytes();
    payload.extend((0..length).map(|_| dice.roll() as u8));
    payload
}

/// A journal together with what was appended to it.
pub struct Model {
    pub journal: Journal,
    /// The positions behind the steps that this start appended, after those it found.
    pub ends: Vec<u64>,
    pub found: u64,
}

impl Model {
    /// Opens what is on the disk, which holds `found` steps; none if the disk fails.
    pub fn open(disk: &SimDisk, mode: Mode, found: u64) -> Option<Model> {
        let plan = Plan::survey(disk).ok()?;
        assert_eq!(plan.check(), Ok(()), "the directory can be started on");
        let disk: Arc<dyn Disk> = Arc::new(disk.clone());
        let journal = Journal::open_stepped(disk, &plan, options(mode)).ok()?;
        Some(Model { journal, ends: Vec::new(), found })
    }

    pub fn append(&mut self) {
        let number = self.appended();
        let frame = Frame { time_ms: 1000 + number as i64, effects: payload(number) };
        self.ends.push(self.journal.append(frame));
    }

    /// How many steps there are.
    pub fn appended(&self) -> u64 {
        self.found + self.ends.len() as u64
    }

    /// How many steps lie below a position.
    pub fn below(&self, position: u64) -> u64 {
        self.found + self.ends.iter().filter(|end| **end <= position).count() as u64
    }

    /// Writes a snapshot: each part holds one step. Whether it came to be.
    pub fn snapshot(&mut self) -> bool {
        let cut = self.journal.cut(0);
        let count = self.appended();
        let Ok(mut writer) = self.journal.begin_snapshot(cut) else { return false };
        for number in 0..count {
            if writer.append(&payload(number)).is_err() {
                self.journal.abandon_snapshot(writer);
                return false;
            }
        }
        self.journal.finish_snapshot(writer).is_ok()
    }
}

/// How many steps are loaded; they have to be those from 0 on, in order.
pub fn load(disk: &dyn Disk, plan: &Plan) -> u64 {
    let mut loader = Loader::new(disk, plan);
    let mut count = 0;
    let mut behind_snapshot = false;
    while let Some(item) = loader.next_item().expect("what was surveyed can be read") {
        let found = match item {
            Item::Part(payload) => {
                assert!(!behind_snapshot, "parts come before steps");
                payload
            }
            Item::Step { payload, time_ms, .. } => {
                behind_snapshot = true;
                assert_eq!(time_ms, 1000 + count as i64);
                payload
            }
        };
        assert!(found == payload(count), "step {count} is not what was appended");
        count += 1;
    }
    assert_eq!(loader.read_bytes(), loader.read_bytes().min(plan.load_bytes()));
    count
}

/// Surveys a disk that has to be startable, and loads it.
pub fn recover(disk: &SimDisk) -> (Plan, u64) {
    let plan = Plan::survey(disk).expect("the disk can be read");
    assert_eq!(plan.check(), Ok(()), "files: {:?}", disk.names());
    let count = load(disk, &plan);
    (plan, count)
}
