//! The server that the model is held to: without sockets, restarted from what it has recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use forebay::command::Server;
use forebay::command::replay::replay;
use forebay::journal::{Frame, MemorySink};
use forebay::keyspace::{Clock, ManualClock, ShardSet, SnapshotLoader};
use forebay::types::stream::group::Group;
use forebay::types::stream::pending::Owner;
use forebay::types::stream::{Stream, StreamId};

use crate::model::{Id, World, show};
use crate::support::bare::{Connection, ask, new_server};
use crate::value::Value;

/// Every key that commands name.
pub const KEYS: [&str; 3] = ["s", "t", "dead"];
pub const CONNECTIONS: usize = 4;

pub struct Subject {
    server: Arc<Server>,
    clock: Arc<ManualClock>,
    sink: Arc<MemorySink>,
    connections: Vec<Connection>,
    /// What the last snapshot holds, if there is one.
    parts: Vec<Vec<u8>>,
    /// What was recorded since then.
    frames: Vec<Frame>,
}

impl Subject {
    pub fn new(now: u64) -> Subject {
        Subject::loaded(now, Vec::new(), Vec::new())
    }

    fn loaded(now: u64, parts: Vec<Vec<u8>>, frames: Vec<Frame>) -> Subject {
        let clock = ManualClock::new(now as i64);
        let sink = Arc::new(MemorySink::default());
        let server = new_server(Arc::clone(&clock), now, Some(Arc::clone(&sink)));
        // As in Redis, a trim that spares some entries ends in the first node that does not go whole: the
        // model knows no nodes.
        ask(&server, 0, &[b"CONFIG", b"SET", b"stream-node-max-entries", b"100"]);
        if !parts.is_empty() {
            let bytes = parts.iter().map(Vec::len).sum::<usize>() as u64;
            let mut loader = SnapshotLoader::new(&server.keyspace, bytes);
            parts.iter().for_each(|part| loader.part(part).expect("it is as it was made"));
            loader.finish().expect("all parts are there");
        }
        for frame in &frames {
            if let Err(error) = replay(&server, frame) {
                panic!("{} in {}", error.0, frame.effects.escape_ascii());
            }
        }
        // What loading records is known already.
        sink.drain();
        server.look_after_streams();
        let connections = (0..CONNECTIONS).map(|_| Connection::new()).collect();
        Subject { server, clock, sink, connections, parts, frames }
    }

    /// Another server takes its place that knows what this one has recorded, but for the last
    /// `lost` frames, so many ms later.
    pub fn restart(&mut self, after: u64, lost: usize) {
        self.note_frames();
        self.frames.truncate(self.frames.len() - lost);
        let now = self.clock.now_ms() as u64 + after;
        let (parts, frames) = (std::mem::take(&mut self.parts), std::mem::take(&mut self.frames));
        *self = Subject::loaded(now, parts, frames);
    }

    /// Has what there is stand in a snapshot.
    pub fn snapshot(&mut self) {
        let begun = self.server.keyspace.begin_snapshot(|| self.sink.drain());
        let (_, mut snapshot) = begun.expect("no other is running");
        let mut parts = Vec::new();
        let mut part = Vec::new();
        while snapshot.next_part(&mut part) {
            parts.push(std::mem::take(&mut part));
        }
        (self.parts, self.frames) = (parts, Vec::new());
    }

    /// How many frames were recorded since the last call.
    pub fn note_frames(&mut self) -> usize {
        let frames = self.sink.drain();
        let count = frames.len();
        self.frames.extend(frames);
        count
    }

    pub fn advance(&mut self, ms: u64) {
        self.clock.advance_ms(ms as i64);
        self.touch();
    }

    /// What is due is done before anybody sees a key.
    pub fn touch(&self) {
        let words: Vec<&[u8]> =
            ["EXISTS"].iter().chain(&KEYS).map(|word| word.as_bytes()).collect();
        ask(&self.server, 0, &words);
    }

    /// The reply; `None` if the connection is blocked.
    pub fn run(&mut self, connection: usize, words: &[String]) -> Option<Value> {
        let args: Vec<Vec<u8>> = words.iter().map(|word| word.clone().into_bytes()).collect();
        let reply = self.connections[connection].run(&self.server, &args);
        (!reply.is_empty()).then(|| Value::parse(&reply))
    }

    /// Replies to commands that were blocked.
    pub fn late_replies(&mut self) -> Vec<(usize, Value)> {
        let late = |(at, connection): (usize, &mut Connection)| {
            Some((at, Value::parse(&connection.late_reply()?)))
        };
        self.connections.iter_mut().enumerate().filter_map(late).collect()
    }

    /// The state as lines, as [`state_of`] gives the model's.
    pub fn state(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let now = self.clock.now_ms();
        self.server.keyspace.run(ShardSet::ALL, 0, now, |tx| {
            for key in KEYS {
                match tx.peek_as::<Stream>(key.as_bytes()) {
                    Ok(Some(stream)) => write_stream(&mut lines, key, stream),
                    Ok(None) => {}
                    Err(_) => lines.push(format!("{key} is a string")),
                }
            }
        });
        lines
    }

    /// The names of the consumers of each group, by key and group.
    pub fn consumers(&self) -> BTreeMap<(String, String), BTreeSet<String>> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut all = BTreeMap::new();
        let now = self.clock.now_ms();
        self.server.keyspace.run(ShardSet::ALL, 0, now, |tx| {
            for key in KEYS {
                let stream = tx.peek_as::<Stream>(key.as_bytes()).ok().flatten();
                for (name, group) in stream.into_iter().flat_map(Stream::groups) {
                    let consumers = group.consumers_by_name().into_iter();
                    let consumers = consumers.map(|it| text(it.name())).collect();
                    all.insert((key.to_string(), text(name)), consumers);
                }
            }
        });
        all
    }

    /// When a record in the group is due.
    pub fn due(&self, key: &str, group: &str, id: Id) -> Option<u64> {
        let now = self.clock.now_ms();
        self.server.keyspace.run(ShardSet::ALL, 0, now, |tx| {
            let stream = tx.peek_as::<Stream>(key.as_bytes()).ok()??;
            let record =
                stream.group(group.as_bytes())?.pending().get(StreamId::new(id.0, id.1))?;
            record.owner.is_unowned().then_some(record.time)
        })
    }
}

fn write_stream(lines: &mut Vec<String>, key: &str, stream: &Stream) {
    lines.push(format!("{key} last {}", shown(stream.last_id())));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    for entry in stream.log().range(StreamId::MIN, StreamId::MAX) {
        let fields = entry.fields().map(|(name, value)| format!(" {}={}", text(name), text(value)));
        lines.push(format!("{key} {}{}", shown(entry.id()), fields.collect::<String>()));
    }
    for (name, group) in stream.groups() {
        let head = format!("{key}/{}", text(name));
        lines.push(format!("{head} cursor {}", shown(group.last_delivered_id())));
        let names = group.consumers_by_name().into_iter().map(|it| format!(" {}", text(it.name())));
        lines.push(format!("{head} consumers{}", names.collect::<String>()));
        group.scan(StreamId::MIN, Default::default(), |record| {
            let (count, time) = (record.count, record.time);
            let state = match record.owner {
                Owner::READY => format!("READY {count} @{time}"),
                Owner::DEFERRED => format!("DEFERRED {count} @{time}"),
                Owner::HELD => format!("HELD {count} @{time}"),
                Owner::FATAL => format!("DEAD {count} fatal"),
                Owner::USED_UP => format!("DEAD {count} maxdeliveries"),
                Owner::EXPIRED => format!("DEAD {count} expired"),
                Owner::RELEASED => format!("RELEASED {count}"),
                owner => format!("INFLIGHT {count} @{time} {}", text(group.owner_name(owner))),
            };
            lines.push(format!("{head} {} {state}", shown(record.id)));
            ControlFlow::<()>::Continue(())
        });
        write_counts(lines, &head, group);
    }
}

/// What XINFO tells is counted apart from the records.
fn write_counts(lines: &mut Vec<String>, head: &str, group: &Group) {
    let of = |owner: Owner| group.count_in(owner);
    let unowned =
        [Owner::READY, Owner::DEFERRED, Owner::HELD, Owner::FATAL, Owner::RELEASED].map(of);
    lines.push(format!("{head} counts {} {unowned:?}", group.in_flight()));
}

fn shown(id: StreamId) -> String {
    show((id.ms, id.seq))
}

/// The model's state as lines.
pub fn state_of(world: &World) -> Vec<String> {
    let mut lines = Vec::new();
    for key in KEYS {
        if world.strings.contains(key) {
            lines.push(format!("{key} is a string"));
        }
        let Some(stream) = world.streams.get(key) else { continue };
        lines.push(format!("{key} last {}", show(stream.last_id)));
        for (&id, entry) in &stream.entries {
            let fields = entry.fields.iter().map(|(name, value)| format!(" {name}={value}"));
            lines.push(format!("{key} {}{}", show(id), fields.collect::<String>()));
        }
        for (name, group) in &stream.groups {
            let head = format!("{key}/{name}");
            lines.push(format!("{head} cursor {}", show(group.cursor)));
            let names = group.consumers.keys().map(|name| format!(" {name}"));
            lines.push(format!("{head} consumers{}", names.collect::<String>()));
            let mut counts = [0; 5];
            for &id in group.records.keys() {
                let state = group.name_of(id, world.now);
                let kinds = ["READY", "DEFERRED", "HELD", "DEAD", "RELEASED"];
                let kind = kinds.iter().position(|kind| state.starts_with(kind));
                kind.into_iter().for_each(|kind| counts[kind] += 1);
                lines.push(format!("{head} {} {state}", show(id)));
            }
            lines.push(format!("{head} counts {} {counts:?}", group.in_flight()));
        }
    }
    lines
}
