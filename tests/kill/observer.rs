//! A client that only looks: what it was shown of others' changes is there after the kill.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;

use redis::{FromRedisValue, Value};

use crate::client::{Dead, Load, Wire, until_dead};

/// What only grows, as it was shown last.
#[derive(Default, Clone, PartialEq, PartialOrd, Debug)]
struct Shown {
    counter: i64,
    /// The number that the text begins with.
    text: u64,
    pair: i64,
    last_task: (u64, u64),
}

#[derive(Default)]
pub struct Observer {
    shown: Shown,
    answers: u64,
}

fn look(wire: &mut Wire) -> Result<Shown, Dead> {
    let counter: Option<i64> = wire.ask(&["GET", "one:counter"])?;
    let text: Option<String> = wire.ask(&["GET", "one:text"])?;
    let text = text.unwrap_or_default();
    let number = text.split('x').next().unwrap_or_default();
    let (left, right): (Option<i64>, Option<i64>) = wire.ask(&["MGET", "one:left", "one:right"])?;
    assert_eq!(left, right, "one step changes both");
    let last: Vec<(String, Vec<String>)> =
        wire.ask(&["XREVRANGE", "tasks", "+", "-", "COUNT", "1"])?;
    let last_task = last.first().map_or((0, 0), |(id, _)| parts(id));
    let pair = left.unwrap_or(0);
    let text = number.parse().unwrap_or(0);
    Ok(Shown { counter: counter.unwrap_or(0), text, pair, last_task })
}

fn parts(id: &str) -> (u64, u64) {
    let (ms, seq) = id.split_once('-').expect("an id has two parts");
    (ms.parse().expect("a number"), seq.parse().expect("a number"))
}

impl Load for Observer {
    fn run(&mut self, port: u16, dying: &AtomicBool, _: u64) {
        let Observer { shown, answers } = self;
        until_dead(port, dying, |wire| {
            let now = look(wire)?;
            let last_task = shown.last_task.max(now.last_task);
            *shown = Shown { last_task, ..now };
            *answers += 5;
            Ok(())
        });
    }

    fn check(&mut self, wire: &mut Wire) {
        let mut found = look(wire).expect("it serves");
        // The last one may have been finished since; its id is never given again.
        let stream = wire.ask::<HashMap<String, Value>>(&["XINFO", "STREAM", "tasks"]);
        let last = stream.expect("it serves").remove("last-generated-id").expect("it has one");
        found.last_task = parts(&String::from_redis_value(last).expect("text"));
        let Shown { counter, text, pair, last_task } = &self.shown;
        let is_there = found.counter >= *counter
            && found.text >= *text
            && found.pair >= *pair
            && found.last_task >= *last_task;
        assert!(is_there, "{:?} was shown, {found:?} is found", self.shown);
    }

    fn answers(&self) -> u64 {
        self.answers
    }
}
