//! A worker through redis-rs that writes down what it asks, what it is given and what it does with it.
//!
//!     fire_worker HISTORY ORDERS      (compat/fire/README.md has both)

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis::streams::{StreamAutoClaimOptions, StreamAutoClaimReply, StreamClaimOptions};
use redis::streams::{StreamId, StreamReadOptions, StreamReadReply};
use redis::{Commands, Connection, RedisError, RedisResult};
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// splitmix64: the seed is given, and nothing more is wanted of it.
struct Dice(u64);

impl Dice {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((word ^ (word >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + (self.unit() * (high - low + 1) as f64) as u64
    }

    fn pick(&mut self, weights: &Value) -> String {
        let weights = weights.as_object().expect("weights are an object");
        let sum: f64 = weights.values().filter_map(Value::as_f64).sum();
        let mut left = self.unit() * sum;
        for (word, weight) in weights {
            left -= weight.as_f64().unwrap_or(0.0);
            if left < 0.0 {
                return word.clone();
            }
        }
        weights.keys().next().expect("there are weights").clone()
    }
}

struct Worker {
    orders: Value,
    stream: String,
    group: String,
    name: String,
    lease_ms: u64,
    history: File,
    dice: Dice,
    client: redis::Client,
    /// None while the server is away.
    connection: Option<Connection>,
    asked: u64,
}

/// An entry as the history keeps it.
type Taken = [String; 3];

/// What is wrong with the connection, as opposed to what the server says.
fn is_gone(error: &RedisError) -> bool {
    let loading = redis::ErrorKind::Server(redis::ServerErrorKind::BusyLoading);
    error.is_io_error() || error.is_connection_dropped() || error.kind() == loading
}

fn taken(entries: Vec<StreamId>) -> Vec<Taken> {
    // Those that were deleted meanwhile have no fields.
    let whole = entries.into_iter().filter_map(|entry| {
        let job = entry.get("job")?;
        Some([entry.id.clone(), job, entry.get("key").unwrap_or_default()])
    });
    whole.collect()
}

impl Worker {
    fn new(path: &str, orders: &str) -> Outcome<Worker> {
        let orders: Value = serde_json::from_str(orders)?;
        let text = |word: &str| orders[word].as_str().unwrap_or_default().to_owned();
        let number = |word: &str| orders[word].as_u64().ok_or(format!("no {word}"));
        let port = number("port")?;
        Ok(Worker {
            stream: text("stream"),
            group: text("group"),
            name: text("name"),
            lease_ms: number("lease")?,
            history: OpenOptions::new().append(true).create(true).open(path)?,
            dice: Dice(number("seed")?),
            client: redis::Client::open(format!("redis://127.0.0.1:{port}/"))?,
            connection: None,
            asked: 0,
            orders,
        })
    }

    /// One write for each line, and before anything is done about it: a kill cannot undo it.
    fn note(&mut self, words: &[Value]) -> Outcome<()> {
        let now_us = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros() as u64;
        let mut line = vec![json!(now_us), json!(self.asked)];
        line.extend_from_slice(words);
        self.history.write_all(format!("{}\n", Value::Array(line)).as_bytes())?;
        Ok(())
    }

    /// `None` if the server went before it answered.
    fn ask<T: Clone + Into<Value>>(
        &mut self,
        words: &[Value],
        request: impl FnOnce(&mut Connection) -> RedisResult<T>,
    ) -> Outcome<Option<T>> {
        let Some(mut connection) = self.connection.take() else { return Ok(None) };
        self.asked += 1;
        self.note(&[&[json!("?")], words].concat())?;
        match request(&mut connection) {
            Ok(reply) => {
                self.note(&[json!("!"), reply.clone().into()])?;
                self.connection = Some(connection);
                Ok(Some(reply))
            }
            Err(error) if is_gone(&error) => {
                self.note(&[json!("-")])?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn read(&mut self, how: &str) -> Outcome<Vec<Taken>> {
        let count = self.dice.between(1, self.orders["count"].as_u64().unwrap_or(1));
        let (stream, group, name) = (self.stream.clone(), self.group.clone(), self.name.clone());
        // The other ways to claim are the Python workers'.
        if matches!(how, "auto" | "claim" | "take over") {
            let idle = self.lease_ms / 2;
            let words = [json!("read"), json!("auto"), json!(count), json!(idle)];
            let reply = self.ask(&words, |connection| {
                let options = StreamAutoClaimOptions::default().count(count as usize);
                let reply: StreamAutoClaimReply =
                    connection.xautoclaim_options(&stream, &group, &name, idle, "0-0", options)?;
                Ok(taken(reply.claimed))
            })?;
            return Ok(reply.unwrap_or_default());
        }
        let mut options = StreamReadOptions::default().group(&group, &name).count(count as usize);
        let block = if how == "block" { self.dice.between(20, 80) } else { 0 };
        if block > 0 {
            options = options.block(block as usize);
        }
        let start = if how == "recall" { "0" } else { ">" };
        let words = [json!("read"), json!(how), json!(count), json!(block)];
        let reply = self.ask(&words, |connection| {
            let reply: Option<StreamReadReply> =
                connection.xread_options(&[&stream], &[start], &options)?;
            let streams = reply.map(|reply| reply.keys).unwrap_or_default();
            Ok(taken(streams.into_iter().flat_map(|stream| stream.ids).collect()))
        })?;
        Ok(reply.unwrap_or_default())
    }

    fn acknowledge(&mut self, entry: &str) -> Outcome<()> {
        let (stream, group) = (self.stream.clone(), self.group.clone());
        self.ask(&[json!("ack"), json!(entry)], |connection| {
            connection.xack::<_, _, _, u64>(&stream, &group, &[entry])
        })?;
        Ok(())
    }

    fn nack(&mut self, mode: &str, entry: &str, delay: Option<u64>, mine: bool) -> Outcome<()> {
        let mut command = redis::cmd("XNACK");
        command.arg(&self.stream).arg(&self.group).arg(mode).arg("IDS").arg(1).arg(entry);
        if let Some(delay) = delay {
            command.arg("DELAY").arg(delay);
        }
        if mine {
            command.arg("CONSUMER").arg(&self.name);
        }
        let told = delay.map_or(json!(-1), |delay| json!(delay));
        let words = [json!("nack"), json!(mode), json!(entry), told];
        self.ask(&words, |connection| command.query::<u64>(connection))?;
        Ok(())
    }

    fn touch(&mut self, entry: &str) -> Outcome<bool> {
        let (stream, group, name) = (self.stream.clone(), self.group.clone(), self.name.clone());
        let held = self.ask(&[json!("touch"), json!(entry)], |connection| {
            let options = StreamClaimOptions::default().with_justid();
            let ids: Vec<String> =
                connection.xclaim_options(&stream, &group, &name, 0, &[entry], options)?;
            Ok(ids.len())
        })?;
        Ok(held.is_some_and(|held| held > 0))
    }

    fn pause(&mut self, ms: f64) {
        sleep(Duration::from_secs_f64(ms / 1000.0));
    }

    /// One entry, by what the dice say becomes of it.
    fn work(&mut self, entry: &str) -> Outcome<()> {
        let fate = self.dice.pick(&self.orders["fates"]);
        let work_ms = self.dice.unit() * self.orders["work"].as_f64().unwrap_or(0.0);
        self.pause(work_ms);
        let lease_ms = self.lease_ms as f64;
        match fate.as_str() {
            "succeed" => self.acknowledge(entry),
            "fail" => {
                let mine = self.dice.unit() < 0.3;
                self.nack("FAIL", entry, None, mine)
            }
            "later" => {
                let delay = self.dice.between(20, 300);
                self.nack("FAIL", entry, Some(delay), false)
            }
            "silent" => {
                let delay = (self.dice.unit() < 0.5).then(|| self.dice.between(20, 200));
                self.nack("SILENT", entry, delay, false)
            }
            "fatal" => self.nack("FATAL", entry, None, false),
            "hang" => {
                let share = 1.1 + self.dice.unit() / 2.0;
                self.pause(lease_ms * share);
                self.acknowledge(entry)
            }
            "touch" => {
                self.pause(lease_ms * 0.6);
                if !self.touch(entry)? {
                    return Ok(());
                }
                self.pause(lease_ms * 0.6);
                self.acknowledge(entry)
            }
            "vanish" => {
                let me = rustix::process::getpid();
                rustix::process::kill_process(me, rustix::process::Signal::KILL)?;
                Ok(())
            }
            other => Err(format!("no fate {other}").into()),
        }
    }

    /// A connection to a server that has its data.
    fn connect(&self) -> Option<Connection> {
        let mut connection = self.client.get_connection().ok()?;
        redis::cmd("PING").query::<String>(&mut connection).ok()?;
        Some(connection)
    }

    fn serve(&mut self) -> Outcome<()> {
        let mut recall = self.orders["recall"].as_bool().unwrap_or(false);
        loop {
            if self.connection.is_none() {
                self.connection = self.connect();
                if self.connection.is_none() {
                    self.pause(10.0);
                }
                continue;
            }
            let how = if recall { "recall".into() } else { self.dice.pick(&self.orders["reads"]) };
            let entries = self.read(&how)?;
            if self.connection.is_none() {
                continue;
            }
            recall = false;
            for [entry, _, _] in &entries {
                self.work(entry)?;
                if self.connection.is_none() {
                    // What is left of the batch comes back when the lease is over.
                    break;
                }
            }
            if entries.is_empty() && how != "block" {
                let ms = 1.0 + self.dice.unit() * 14.0;
                self.pause(ms);
            }
        }
    }
}

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [path, orders] = words.as_slice() else {
        return Err("usage: fire_worker HISTORY ORDERS".into());
    };
    let mut worker = Worker::new(path, orders)?;
    let outcome = worker.serve();
    if let Err(error) = &outcome {
        worker.note(&[json!("oops"), json!(error.to_string())])?;
    }
    outcome
}
