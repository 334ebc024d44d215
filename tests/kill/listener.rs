//! A subscriber: what it was told of, by a message or a keyspace event, is there after the kill.

use std::sync::atomic::AtomicBool;
use std::thread;

use redis::Value;

use crate::client::{Dead, Load, Wire, request, until_dead};

const KEY: &str = "listened:counter";

/// A writer counts and says so without waiting for its own replies; only a subscriber looks.
#[derive(Default)]
pub struct Listener {
    /// The count before this start of the server.
    before: i64,
    /// The highest number that a message told, and how many events of the key there were.
    message: i64,
    events: i64,
    tellings: u64,
}

impl Listener {
    fn listen(&mut self, wire: &mut Wire) -> Result<(), Dead> {
        let Value::Array(words) = wire.receive()? else { panic!("a message is a list") };
        let text = |value: &Value| match value {
            Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            other => format!("{other:?}"),
        };
        match [text(&words[0]), text(&words[1])].each_ref().map(String::as_str) {
            ["message", "listened"] => {
                self.message = text(&words[2]).parse().expect("a number was sent");
                self.tellings += 1;
            }
            ["message", _] if text(&words[2]) == KEY => {
                self.events += 1;
                self.tellings += 1;
            }
            _ => {}
        }
        Ok(())
    }
}

/// Counts on, eight steps at a time, each followed by a message that tells its number.
fn count(port: u16, dying: &AtomicBool, mut number: i64) {
    until_dead(port, dying, |wire| {
        let mut requests = Vec::new();
        for _ in 0..8 {
            number += 1;
            requests.push(request(&["INCR", KEY]));
            requests.push(request(&["PUBLISH", "listened", &number.to_string()]));
        }
        wire.send(&requests)?;
        (0..requests.len()).try_for_each(|_| wire.receive().map(|_| ()))
    });
}

impl Load for Listener {
    fn run(&mut self, port: u16, dying: &AtomicBool, _: u64) {
        let before = self.before;
        let subscribed = Wire::open(port).and_then(|mut wire| {
            let set = ["CONFIG", "SET", "notify-keyspace-events", "E$"];
            wire.ask::<String>(&set)?;
            wire.send(&[request(&["SUBSCRIBE", "listened", "__keyevent@0__:incrby"])])?;
            wire.receive()?;
            wire.receive()?;
            Ok(wire)
        });
        let mut wire = match subscribed {
            Ok(wire) => wire,
            Err(dead) => return dead.must_be_the_kill(dying),
        };
        thread::scope(|scope| {
            scope.spawn(|| count(port, dying, before));
            let ended = loop {
                if let Err(dead) = self.listen(&mut wire) {
                    break dead;
                }
            };
            ended.must_be_the_kill(dying);
        });
    }

    fn check(&mut self, wire: &mut Wire) {
        let found: Option<i64> = wire.ask(&["GET", KEY]).expect("it serves");
        let found = found.unwrap_or(0);
        assert!(found >= self.message, "{} was told, {found} is found", self.message);
        let told = self.before + self.events;
        assert!(found >= told, "{told} was told by events, {found} is found");
        (self.before, self.message, self.events) = (found, 0, 0);
    }

    fn answers(&self) -> u64 {
        self.tellings
    }
}
