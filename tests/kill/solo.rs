//! A client with keys of its own, which it changes in every way, several requests at a time.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::AtomicBool;

use forebay::journal::sim::Dice;
use redis::{Cmd, Value};

use crate::client::{Load, Wire, request, until_dead};

const BATCH_MAX: usize = 6;
const GROUP: &str = "g";

/// What is in the client's keys.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct World {
    /// Ids and values.
    entries: Vec<(String, String)>,
    last_delivered: String,
    /// Ids, and how often each was delivered.
    pending: BTreeMap<String, u64>,
    queue: VecDeque<String>,
    taken: VecDeque<String>,
    counter: i64,
    text: String,
    /// Changed together by transactions alone.
    pair: (i64, i64),
    /// A key that comes and goes.
    guest: bool,
}

#[derive(Clone, Debug)]
enum Op {
    Add(String),
    /// With an id that the client gives.
    AddAt(String, String),
    Read,
    Acknowledge(String),
    Delete(String),
    Claim(String),
    Trim(usize),
    Push(String),
    Move,
    PopTaken,
    Increment,
    Set(String),
    Pair(i64),
    Guest,
    /// Acknowledged and deleted in one step.
    Finish(String),
}

pub struct Solo {
    name: &'static str,
    world: World,
    /// Asked for and not answered, in order.
    in_flight: VecDeque<Op>,
    made: u64,
    answers: u64,
    is_prepared: bool,
}

impl Solo {
    pub fn new(name: &'static str) -> Solo {
        let world = World { last_delivered: "0-0".into(), ..World::default() };
        let in_flight = VecDeque::new();
        Solo { name, world, in_flight, made: 0, answers: 0, is_prepared: false }
    }

    fn key(&self, key: &str) -> String {
        format!("{}:{key}", self.name)
    }

    fn requests(&self, op: &Op) -> Vec<Cmd> {
        let stream = &self.key("stream");
        let (queue, taken) = (&self.key("queue"), &self.key("taken"));
        let one = |words: &[&str]| vec![request(words)];
        match op {
            Op::Add(value) => one(&["XADD", stream, "*", "v", value]),
            Op::AddAt(id, value) => one(&["XADD", stream, id, "v", value]),
            Op::Read => {
                one(&["XREADGROUP", "GROUP", GROUP, "c", "COUNT", "1", "STREAMS", stream, ">"])
            }
            Op::Acknowledge(id) => one(&["XACK", stream, GROUP, id]),
            Op::Delete(id) => one(&["XDEL", stream, id]),
            Op::Claim(id) => one(&["XCLAIM", stream, GROUP, "c", "0", id]),
            Op::Trim(count) => one(&["XTRIM", stream, "MAXLEN", &count.to_string()]),
            Op::Push(value) => one(&["LPUSH", queue, value]),
            Op::Move => one(&["RPOPLPUSH", queue, taken]),
            Op::PopTaken => one(&["RPOP", taken]),
            Op::Increment => one(&["INCR", &self.key("counter")]),
            Op::Set(text) => one(&["SET", &self.key("text"), text]),
            Op::Pair(number) => {
                let number = &number.to_string();
                vec![
                    request(&["MULTI"]),
                    request(&["SET", &self.key("left"), number]),
                    request(&["SET", &self.key("right"), number]),
                    request(&["EXEC"]),
                ]
            }
            Op::Guest if self.world.guest => one(&["DEL", &self.key("guest")]),
            Op::Guest => one(&["SET", &self.key("guest"), "here", "PX", "100000000"]),
            Op::Finish(id) => vec![
                request(&["MULTI"]),
                request(&["XACK", stream, GROUP, id]),
                request(&["XDEL", stream, id]),
                request(&["EXEC"]),
            ],
        }
    }

    /// Something to do that makes sense in the world as it will be.
    fn draw(&mut self, world: &World, dice: &mut Dice) -> Op {
        self.made += 1;
        // Long enough that segments change; now and then longer than a segment.
        let length = if dice.chance(400) { 80_000 } else { 1 + dice.below(300) };
        let value = format!("{}{}", self.made, "x".repeat(length));
        let entry = world.entries.get(dice.below(world.entries.len().max(1)));
        let pending = world.pending.keys().nth(dice.below(world.pending.len().max(1)));
        match (dice.below(16), pending, entry) {
            (0, Some(id), _) => Op::Acknowledge(id.clone()),
            (1, Some(id), _) => Op::Finish(id.clone()),
            (2, Some(id), _) if world.entries.iter().any(|(entry, _)| entry == id) => {
                Op::Claim(id.clone())
            }
            (3, _, Some((id, _))) => Op::Delete(id.clone()),
            (4, _, _) if world.entries.len() > 40 => Op::Trim(20),
            (5 | 6, _, _) => Op::Push(value),
            (7, _, _) => Op::Move,
            (8, _, _) => Op::PopTaken,
            (9, _, _) => Op::Increment,
            (10, _, _) => Op::Set(value),
            (11, _, _) => Op::Pair(self.made as i64),
            (12, _, _) => Op::Guest,
            (13, _, _) => Op::Read,
            _ => Op::Add(value),
        }
    }

    /// The op answered by `reply` has been done.
    fn answered(&mut self, op: &Op, reply: &Value) {
        self.answers += 1;
        let mut op = op.clone();
        if let (Op::Add(value), Value::BulkString(id)) = (&op, reply) {
            let id = String::from_utf8(id.clone()).expect("an id is text");
            op = Op::AddAt(id, value.clone());
        }
        let shown = apply(&mut self.world, &op);
        let found = format!("{reply:?}");
        assert!(found.contains(&shown), "{}: {op:?} was answered {found}, not {shown}", self.name);
    }

    fn find(&self, wire: &mut Wire) -> World {
        let mut ask = |words: &[&str]| wire.ask::<Value>(words).expect("it serves");
        let stream = &self.key("stream");
        let entries = ask(&["XRANGE", stream, "-", "+"]);
        let entries: Vec<(String, Vec<String>)> = parsed(entries);
        let entries = entries.into_iter().map(|(id, mut fields)| (id, fields.remove(1)));
        let groups: Vec<HashMap<String, Value>> = parsed(ask(&["XINFO", "GROUPS", stream]));
        let last_delivered = parsed(groups[0]["last-delivered-id"].clone());
        let pending: Vec<(String, String, u64, u64)> =
            parsed(ask(&["XPENDING", stream, GROUP, "-", "+", "1000000"]));
        let mut number = |key: &str| parsed::<Option<i64>>(ask(&["GET", &self.key(key)]));
        let pair = (number("left").unwrap_or(0), number("right").unwrap_or(0));
        let counter = number("counter").unwrap_or(0);
        let text: Option<String> = parsed(ask(&["GET", &self.key("text")]));
        World {
            entries: entries.collect(),
            last_delivered,
            pending: pending.into_iter().map(|(id, _, _, count)| (id, count)).collect(),
            queue: parsed::<Vec<String>>(ask(&["LRANGE", &self.key("queue"), "0", "-1"])).into(),
            taken: parsed::<Vec<String>>(ask(&["LRANGE", &self.key("taken"), "0", "-1"])).into(),
            counter,
            text: text.unwrap_or_default(),
            pair,
            guest: parsed(ask(&["EXISTS", &self.key("guest")])),
        }
    }

    /// Makes the group; the kill may come in between.
    fn prepare(&mut self, wire: &mut Wire) {
        let words = ["XGROUP", "CREATE", &self.key("stream"), GROUP, "0", "MKSTREAM"];
        let made: String = wire.ask(&words).expect("it serves");
        assert_eq!(made, "OK");
        self.is_prepared = true;
    }
}

fn parsed<T: redis::FromRedisValue>(value: Value) -> T {
    let shown = format!("{value:?}");
    T::from_redis_value(value).unwrap_or_else(|error| panic!("{error}: {shown}"))
}

/// Does an op to the world; something that its reply has to show.
fn apply(world: &mut World, op: &Op) -> String {
    let count = |done: bool| format!("int({})", u8::from(done));
    match op {
        Op::Add(_) => unreachable!("an id was given to it"),
        Op::AddAt(id, value) => {
            world.entries.push((id.clone(), value.clone()));
            id.clone()
        }
        Op::Read => {
            let next = world.entries.iter().find(|(id, _)| later(id, &world.last_delivered));
            let Some((id, value)) = next.cloned() else { return "nil".into() };
            world.last_delivered.clone_from(&id);
            world.pending.insert(id, 1);
            value
        }
        Op::Acknowledge(id) => count(world.pending.remove(id).is_some()),
        Op::Delete(id) => {
            let before = world.entries.len();
            world.entries.retain(|(entry, _)| entry != id);
            count(world.entries.len() < before)
        }
        Op::Claim(id) => {
            let is_entry = world.entries.iter().any(|(entry, _)| entry == id);
            match world.pending.get_mut(id) {
                Some(count) if is_entry => {
                    *count += 1;
                    id.clone()
                }
                // Claiming finds that the entry is gone, and forgets it.
                Some(_) => {
                    world.pending.remove(id);
                    "[]".into()
                }
                None => "[]".into(),
            }
        }
        Op::Trim(length) => {
            let gone = world.entries.len().saturating_sub(*length);
            world.entries.drain(..gone);
            format!("int({gone})")
        }
        Op::Push(value) => {
            world.queue.push_front(value.clone());
            format!("int({})", world.queue.len())
        }
        Op::Move => {
            let Some(value) = world.queue.pop_back() else { return "nil".into() };
            world.taken.push_front(value.clone());
            value
        }
        Op::PopTaken => world.taken.pop_back().unwrap_or_else(|| "nil".into()),
        Op::Increment => {
            world.counter += 1;
            format!("int({})", world.counter)
        }
        Op::Set(text) => {
            world.text.clone_from(text);
            "ok".into()
        }
        Op::Pair(number) => {
            world.pair = (*number, *number);
            "array([ok, ok])".into()
        }
        Op::Guest => {
            world.guest = !world.guest;
            if world.guest { "ok".into() } else { "int(1)".into() }
        }
        Op::Finish(id) => {
            let was_pending = world.pending.remove(id).is_some();
            let before = world.entries.len();
            world.entries.retain(|(entry, _)| entry != id);
            format!("array([{}, {}])", count(was_pending), count(world.entries.len() < before))
        }
    }
}

/// The lines in which two worlds differ.
fn differences(wanted: &World, found: &World) -> String {
    let lines = |world: &World| -> Vec<String> {
        let text = format!("{world:#?}");
        text.lines().map(|line| line.chars().take(60).collect()).collect()
    };
    let (wanted, found) = (lines(wanted), lines(found));
    let missing = wanted.iter().filter(|line| !found.contains(line)).map(|line| format!("-{line}"));
    let extra = found.iter().filter(|line| !wanted.contains(line)).map(|line| format!("+{line}"));
    missing.chain(extra).collect::<Vec<_>>().join("\n")
}

fn later(id: &str, than: &str) -> bool {
    let parts = |id: &str| -> (u64, u64) {
        let (ms, seq) = id.split_once('-').expect("an id has two parts");
        (ms.parse().expect("a number"), seq.parse().expect("a number"))
    };
    parts(id) > parts(than)
}

impl Load for Solo {
    fn run(&mut self, port: u16, dying: &AtomicBool, seed: u64) {
        let mut dice = Dice::new(seed);
        until_dead(port, dying, |wire| {
            // What a batch does is drawn before its first answer; ids that it makes are not used.
            let mut ahead = self.world.clone();
            let mut batch = Vec::new();
            for _ in 0..1 + dice.below(BATCH_MAX) {
                let op = self.draw(&ahead, &mut dice);
                // A second one in the batch would be the opposite of the first.
                if matches!(op, Op::Guest) && !self.in_flight.is_empty() {
                    continue;
                }
                if !matches!(op, Op::Add(_)) {
                    apply(&mut ahead, &op);
                }
                batch.push(self.requests(&op));
                self.in_flight.push_back(op);
            }
            wire.send(&batch.concat())?;
            for requests in batch {
                let mut reply = Value::Nil;
                for _ in requests {
                    reply = wire.receive()?;
                }
                let op = self.in_flight.pop_front().expect("one for each reply");
                self.answered(&op, &reply);
            }
            Ok(())
        });
    }

    fn check(&mut self, wire: &mut Wire) {
        if !self.is_prepared {
            return self.prepare(wire);
        }
        let found = self.find(wire);
        let mut tried = vec![self.world.clone()];
        let mut world = self.world.clone();
        for op in std::mem::take(&mut self.in_flight) {
            if world == found {
                break;
            }
            // The id that it was given is the only thing nobody was told of.
            let op = match op {
                Op::Add(value) => {
                    let given = found.entries.iter().find(|(_, found)| *found == value);
                    let id = given.map_or("missing".into(), |(id, _)| id.clone());
                    Op::AddAt(id, value)
                }
                op => op,
            };
            if matches!(&op, Op::AddAt(id, _) if id == "missing") {
                break;
            }
            apply(&mut world, &op);
            tried.push(world.clone());
        }
        let last = tried.last().expect("the one answered for");
        assert!(
            tried.contains(&found),
            "{}: what was answered, and {} more in flight; and what is found:\n{}\n{}",
            self.name,
            tried.len() - 1,
            differences(&tried[0], &found),
            differences(last, &found),
        );
        self.world = found;
    }

    fn answers(&self) -> u64 {
        self.answers
    }
}
