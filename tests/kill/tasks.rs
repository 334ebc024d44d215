//! A stream that one client fills, and two workers of a group, who wait for entries, hold them for a
//! while, and acknowledge and delete them in one step.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use forebay::journal::sim::Dice;
use redis::Value;

use crate::client::{Dead, Load, Wire, request, until_dead};

const STREAM: &str = "tasks";
const GROUP: &str = "workers";

#[derive(Default)]
struct Worker {
    name: &'static str,
    /// Delivered and answered.
    held: BTreeSet<String>,
    /// Being acknowledged and deleted, not answered.
    finishing: Option<String>,
    /// Answered for.
    finished: BTreeSet<String>,
    answers: u64,
}

#[derive(Default)]
pub struct Tasks {
    workers: Vec<Worker>,
    /// Added and answered.
    added: BTreeSet<String>,
    /// How many were sent in all, and how many answered.
    sent: u64,
    answered: u64,
}

impl Worker {
    fn work(&mut self, wire: &mut Wire, dice: &mut Dice) -> Result<(), Dead> {
        let count = (1 + dice.below(3)).to_string();
        let words = ["XREADGROUP", "GROUP", GROUP, self.name, "COUNT", &count, "BLOCK", "20"];
        let words = [&words[..], &["STREAMS", STREAM, ">"]].concat();
        wire.send(&[request(&words)])?;
        let reply = wire.receive()?;
        self.answers += 1;
        self.held.extend(ids_of(reply));
        while self.held.len() > 10 || !self.held.is_empty() && dice.chance(2) {
            let at = dice.below(self.held.len());
            let id = self.held.iter().nth(at).expect("below its length").clone();
            self.held.remove(&id);
            self.finishing = Some(id.clone());
            wire.send(&[
                request(&["MULTI"]),
                request(&["XACK", STREAM, GROUP, &id]),
                request(&["XDEL", STREAM, &id]),
                request(&["EXEC"]),
            ])?;
            let mut reply = Value::Nil;
            for _ in 0..4 {
                reply = wire.receive()?;
            }
            assert_eq!(reply, Value::Array(vec![Value::Int(1), Value::Int(1)]), "{id}");
            self.finished.insert(id);
            self.finishing = None;
            self.answers += 1;
        }
        Ok(())
    }

    fn check(&mut self, wire: &mut Wire, found: &BTreeSet<String>) {
        let words = ["XPENDING", STREAM, GROUP, "-", "+", "1000000", self.name];
        let pending: Vec<(String, String, u64, u64)> = wire.ask(&words).expect("it serves");
        let pending: BTreeSet<String> = pending.into_iter().map(|(id, ..)| id).collect();
        let name = self.name;
        assert!(pending.is_subset(found), "{name}: what is pending is in the stream");
        // It may have been handed more than it was told of, but nothing that it held is gone.
        let lost: Vec<&String> = self.held.difference(&pending).collect();
        assert!(lost.is_empty(), "{name} was handed {lost:?}, which are not pending");
        for id in &self.finished {
            assert!(!pending.contains(id) && !found.contains(id), "{name} had finished {id}");
        }
        if let Some(id) = self.finishing.take() {
            assert_eq!(pending.contains(&id), found.contains(&id), "{name}: {id} in one step");
            self.finished.insert(id);
        }
        self.held = pending;
    }
}

/// The ids in a reply of XREADGROUP on one stream.
fn ids_of(reply: Value) -> Vec<String> {
    type Stream = (String, Vec<(String, Vec<String>)>);
    let shown = format!("{reply:?}");
    let streams: Option<Vec<Stream>> = redis::FromRedisValue::from_redis_value(reply)
        .unwrap_or_else(|error| panic!("{error}: {shown}"));
    let entries = streams.into_iter().flatten().flat_map(|(_, entries)| entries);
    entries.map(|(id, _)| id).collect()
}

impl Load for Tasks {
    fn run(&mut self, port: u16, dying: &AtomicBool, seed: u64) {
        let Tasks { workers, added, sent, answered } = self;
        thread::scope(|scope| {
            for (number, worker) in workers.iter_mut().enumerate() {
                scope.spawn(move || {
                    let mut dice = Dice::new(seed ^ number as u64);
                    until_dead(port, dying, |wire| worker.work(wire, &mut dice));
                });
            }
            let mut dice = Dice::new(seed.wrapping_add(7));
            until_dead(port, dying, |wire| {
                if dice.chance(10) {
                    thread::sleep(Duration::from_millis(2));
                }
                let text = "t".repeat(dice.below(400));
                *sent += 1;
                let id: String = wire.ask(&["XADD", STREAM, "*", "task", &text])?;
                *answered += 1;
                added.insert(id);
                Ok(())
            });
        });
    }

    fn check(&mut self, wire: &mut Wire) {
        if self.workers.is_empty() {
            let words = ["XGROUP", "CREATE", STREAM, GROUP, "0", "MKSTREAM"];
            wire.ask::<String>(&words).expect("it serves");
            let worker = |name| Worker { name, ..Worker::default() };
            self.workers = vec![worker("ann"), worker("bob")];
            return;
        }
        let found: Vec<(String, Vec<String>)> =
            wire.ask(&["XRANGE", STREAM, "-", "+"]).expect("it serves");
        let found: BTreeSet<String> = found.into_iter().map(|(id, _)| id).collect();
        let mut finished = BTreeSet::new();
        for worker in &mut self.workers {
            let finishing = worker.finishing.clone();
            worker.check(wire, &found);
            finished.append(&mut worker.finished);
            // Absent is what it may be as well.
            if let Some(id) = finishing.filter(|id| found.contains(id)) {
                finished.remove(&id);
            }
        }
        for id in &self.added {
            let is_there = found.contains(id) || finished.contains(id);
            assert!(is_there, "{id} was added and answered, finished by nobody, and is gone");
        }
        let unknown = found.difference(&self.added).count() as u64;
        let unanswered = self.sent - self.answered;
        // A worker may have finished it, which tells of it as well.
        assert!(unknown <= unanswered, "{unknown} entries came from nowhere");
        (self.sent, self.answered) = (0, 0);
        self.added = found;
    }

    fn answers(&self) -> u64 {
        self.workers.iter().map(|worker| worker.answers).sum()
    }
}
