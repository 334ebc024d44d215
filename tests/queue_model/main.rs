//! Queues against a model: random sequences of stream commands, policies, time, restarts and lost
//! power run on the server and on a plain, slow model of the states that entries go through. After
//! each step replies, states and what blocked readers were given are compared.
//!
//! A sequence that differs is printed as short as it could be made, with its seed.
//! `FOREBAY_QUEUE_CASES` sets how many sequences are run, `FOREBAY_QUEUE_SEED` the first seed,
//! `FOREBAY_QUEUE_STEPS` how long they are.

mod command;
mod draw;
mod model;
mod subject;
#[path = "../support/mod.rs"]
mod support;
mod value;

use std::collections::BTreeMap;

use command::Command;
use draw::{Draw, Step};
use model::World;
use subject::{Subject, state_of};
use value::Value;

/// Both, side by side.
struct Pair {
    world: World,
    subject: Subject,
    /// How often each command was answered without an error.
    succeeded: BTreeMap<String, u64>,
}

impl Pair {
    fn new() -> Pair {
        let now = support::START_MS as u64;
        let world = World { now, started: now, started_before: now, ..World::default() };
        Pair { world, subject: Subject::new(now), succeeded: BTreeMap::new() }
    }

    /// Does a step on both.
    ///
    /// # Errors
    /// How they differ.
    fn take(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Command(connection, command) => self.command(*connection, command)?,
            Step::Pass(ms) => self.pass(*ms)?,
            Step::Restart(ms) => {
                self.subject.restart(*ms, 0);
                self.wake_up(*ms)?;
            }
            Step::RestartFromSnapshot(ms) => {
                self.subject.snapshot();
                self.subject.restart(*ms, 0);
                self.wake_up(*ms)?;
            }
            Step::LosePower(ms) => {
                self.subject.note_frames();
                self.subject.advance(*ms);
                // Half of what was done about what was due is on disk.
                let lost = self.subject.note_frames().div_ceil(2);
                self.subject.restart(0, lost);
                self.wake_up(*ms)?;
            }
        }
        self.subject.note_frames();
        Ok(())
    }

    fn command(&mut self, connection: usize, command: &Command) -> Result<(), String> {
        let words = command.words();
        let expected = self.world.run(connection, command);
        let found = self.subject.run(connection, &words);
        if found != expected {
            return Err(format!("the reply is\n  {found:?}\nthe model's\n  {expected:?}"));
        }
        if found.is_some_and(|reply| !matches!(reply, Value::Error(_) | Value::Nil)) {
            *self.succeeded.entry(words[0].clone()).or_default() += 1;
        }
        self.settle()
    }

    /// Time goes on, and stops wherever something is due, and one ms before.
    fn pass(&mut self, ms: u64) -> Result<(), String> {
        let until = self.world.now + ms;
        while self.world.now < until {
            let next = self.world.next_event().map_or(until, |at| at.min(until));
            let before = if next - self.world.now > 1 { next - 1 } else { next };
            self.subject.advance(before - self.world.now);
            self.world.now = before;
            self.settle()?;
        }
        Ok(())
    }

    /// A new server begins its work.
    fn wake_up(&mut self, after: u64) -> Result<(), String> {
        self.world.waiters.clear();
        self.world.now += after;
        self.world.started = self.world.now;
        self.subject.touch();
        self.settle()?;
        self.world.started_before = self.world.started;
        Ok(())
    }

    /// Both do what is due now, and serve who waits; then they are compared.
    fn settle(&mut self) -> Result<(), String> {
        let mut served = Vec::new();
        self.subject.touch();
        self.world.consumers = self.subject.consumers();
        self.world.settle();
        self.adopt()?;
        loop {
            let more = self.world.serve();
            self.world.settle();
            if more.is_empty() {
                break;
            }
            served.extend(more);
        }
        self.subject.touch();
        self.adopt()?;
        served.sort_by_key(|(connection, _)| *connection);
        let found = self.subject.late_replies();
        if found != served {
            return Err(format!("blocked readers got\n  {found:?}\nin the model\n  {served:?}"));
        }
        let (found, expected) = (self.subject.state(), state_of(&self.world));
        if found == expected {
            return Ok(());
        }
        let only = |these: &[String], others: &[String]| {
            let only = these.iter().filter(|line| !others.contains(line));
            only.map(|line| format!("\n  {line}")).collect::<String>()
        };
        let (here, there) = (only(&found, &expected), only(&expected, &found));
        Err(format!("the server has{here}\nthe model{there}"))
    }

    /// The model takes over the due times that the server has drawn.
    fn adopt(&mut self) -> Result<(), String> {
        for (key, group, id) in self.world.undecided() {
            let due = self.subject.due(&key, &group, id);
            if !self.world.adopt(&key, &group, id, due) {
                return Err(format!("{key}/{group} {id:?} waits until {due:?}, out of bounds"));
            }
        }
        Ok(())
    }
}

/// Runs a sequence that is drawn as it goes.
fn run_case(seed: u64, steps: usize, succeeded: &mut BTreeMap<String, u64>) {
    let mut draw = Draw::new(seed);
    let mut pair = Pair::new();
    let mut story = draw.opening();
    for at in 0..steps {
        if at == story.len() {
            story.push(draw.step(&pair.world));
        }
        if let Err(difference) = pair.take(&story[at].clone()) {
            story.truncate(at + 1);
            let (story, difference) = shorten(story, difference);
            let lines: Vec<String> = story.iter().map(shown).collect();
            panic!("seed {seed}\n{}\n{difference}", lines.join("\n"));
        }
    }
    for (name, count) in pair.succeeded {
        *succeeded.entry(name).or_default() += count;
    }
}

/// How a sequence ends that is run as it stands.
fn difference_in(story: &[Step]) -> Option<String> {
    let mut pair = Pair::new();
    let is_free = |pair: &Pair, step: &Step| match step {
        Step::Command(at, _) => !pair.world.waiters.iter().any(|it| it.connection == *at),
        _ => true,
    };
    for step in story {
        if !is_free(&pair, step) {
            return None;
        }
        if let Err(difference) = pair.take(step) {
            return Some(difference);
        }
    }
    None
}

/// Leaves out what the difference does not need.
fn shorten(mut story: Vec<Step>, mut difference: String) -> (Vec<Step>, String) {
    let mut size = story.len() / 2;
    while size > 0 {
        let mut at = 0;
        let mut is_shorter = false;
        while at < story.len() {
            let mut tried = story.clone();
            tried.drain(at..(at + size).min(story.len()));
            let outcome = std::panic::catch_unwind(|| difference_in(&tried)).unwrap_or(None);
            match outcome {
                Some(found) => (story, difference, is_shorter) = (tried, found, true),
                None => at += size,
            }
        }
        if !(size == 1 && is_shorter) {
            size /= 2;
        }
    }
    (story, difference)
}

fn shown(step: &Step) -> String {
    match step {
        Step::Command(connection, command) => {
            let words = command.words();
            let quoted = words.iter().map(|it| if it.is_empty() { "\"\"" } else { it });
            format!("{connection}: {}", quoted.collect::<Vec<_>>().join(" "))
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn the_server_does_what_the_model_does() {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
    };
    let cases = number("FOREBAY_QUEUE_CASES", 120);
    let first = number("FOREBAY_QUEUE_SEED", 1);
    let steps = number("FOREBAY_QUEUE_STEPS", 120) as usize;
    let mut succeeded = BTreeMap::new();
    for seed in first..first + cases {
        run_case(seed, steps, &mut succeeded);
    }
    // A command that is always refused would show nothing.
    for name in Draw::names() {
        assert!(succeeded.contains_key(name) || cases < 100, "{name} never succeeded");
    }
}
