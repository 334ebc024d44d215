//! A stream `s` with a group `g` and a policy, and what is in it.

use std::sync::Arc;

use forebay::command::replay::replay;
use forebay::journal::Frame;
use forebay::keyspace::ManualClock;
use forebay::types::stream::pending::Owner;
use forebay::types::stream::{Stream, StreamId};

use super::bare::{digest, new_server};
use super::{Raw, START_MS, TestServer};

/// A server with the stream and the group, and a client of it.
pub struct Queue {
    pub server: TestServer,
    pub client: Raw,
    frames: Vec<Frame>,
}

impl Queue {
    /// `policy` is what XCFGSET takes; empty for none.
    pub fn new(policy: &str) -> Queue {
        let server = TestServer::manual();
        let client = server.raw();
        let mut queue = Queue { server, client, frames: Vec::new() };
        assert_eq!(queue.ask("XGROUP CREATE s g 0 MKSTREAM"), "+OK");
        if !policy.is_empty() {
            assert_eq!(queue.ask(&format!("XCFGSET s GROUP g {policy}")), "+OK");
        }
        queue
    }

    pub fn ask(&mut self, line: &str) -> String {
        self.client.ask(line)
    }

    /// Asks with words that may hold spaces.
    pub fn words(&mut self, words: &[&str]) -> String {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        let mut request = Vec::new();
        forebay::resp::text::write_request(&mut request, &words);
        self.client.send(&request);
        self.client.reply()
    }

    /// Adds an entry with one field.
    pub fn add(&mut self, id: &str) {
        assert!(self.ask(&format!("XADD s {id} f v")).starts_with('$'));
    }

    /// What a read of `>` delivers to a consumer: the ids.
    pub fn read(&mut self, consumer: &str) -> String {
        let reply = self.ask(&format!("XREADGROUP GROUP g {consumer} STREAMS s >"));
        assert!(!reply.starts_with('-'), "{reply}");
        ids(&reply)
    }

    pub fn advance(&mut self, ms: i64) {
        self.server.advance_ms(ms);
    }

    /// Ms since the start.
    pub fn now(&self) -> i64 {
        self.server.server.keyspace.clock().now_ms() - START_MS
    }

    pub fn start(&self) -> i64 {
        START_MS
    }

    /// The effects recorded since the last call, a frame a line.
    pub fn effects(&mut self) -> Vec<String> {
        let frames = self.server.sink.drain();
        let shown = frames.iter().map(|frame| {
            let text = String::from_utf8_lossy(&frame.effects).into_owned();
            let words = text.split("\r\n").filter(|word| !word.starts_with(['$', '*']));
            words.collect::<Vec<_>>().join(" ")
        });
        let shown = shown.collect();
        self.frames.extend(frames);
        shown
    }

    /// The reasons in the stream `dead`.
    pub fn reasons(&mut self) -> String {
        // What is due of a stream is done before anybody sees it, and this is another one.
        self.ask("EXISTS s");
        let reply = self.ask("XRANGE dead - +");
        let words: Vec<&str> = reply.split(' ').collect();
        let named = words.windows(3).filter(|words| words[0] == "dlq.reason");
        named.map(|words| words[2]).collect::<Vec<_>>().join(" ")
    }

    /// In how many ms a deferred entry is due.
    pub fn due_in(&mut self, id: &str) -> i64 {
        let state = self.state(id);
        let at = state.strip_prefix("DEFERRED").and_then(|rest| rest.split('@').nth(1));
        at.unwrap_or_else(|| panic!("{state}")).parse::<i64>().expect("a time") - self.now()
    }

    /// An entry's state in the group: its name, whose it is, deliveries, and its time since the start.
    pub fn state(&mut self, id: &str) -> String {
        let id = StreamId::parse(id.as_bytes(), 0).expect("an id");
        let keyspace = &self.server.server.keyspace;
        keyspace.run(keyspace.shard_of(b"s"), 0, keyspace.clock().now_ms(), |tx| {
            let stream = tx.peek_as::<Stream>(b"s").expect("a stream").expect("it is there");
            let group = stream.group(b"g").expect("it is there");
            let Some(record) = group.pending().get(id) else {
                let is_new = id > group.last_delivered_id();
                return if is_new { "NEW" } else { "DONE" }.to_string();
            };
            let since = record.time as i64 - START_MS;
            let state = match record.owner {
                Owner::READY => "READY",
                Owner::DEFERRED => "DEFERRED",
                Owner::HELD => "HELD",
                owner if owner.is_dead() => "DEAD",
                Owner::RELEASED => return format!("RELEASED {}", record.count),
                owner => {
                    let name = String::from_utf8_lossy(group.owner_name(owner));
                    return format!("INFLIGHT {name} {}", record.count);
                }
            };
            format!("{state} {} @{since}", record.count)
        })
    }

    /// The states of several entries.
    pub fn states(&mut self, ids: &str) -> String {
        ids.split(' ').map(|id| self.state(id)).collect::<Vec<_>>().join(", ")
    }

    /// Another server takes its place that knows what was recorded, so many ms later.
    pub fn restart(&mut self, after_ms: i64) {
        let clock = ManualClock::new(START_MS + self.now() + after_ms);
        self.effects();
        let server = TestServer::launch("", Some(Arc::clone(&clock)), true);
        for frame in &self.frames {
            replay(&server.server, frame).unwrap_or_else(|why| panic!("{}", why.0));
        }
        self.client = server.raw();
        self.server = server;
    }
}

/// The ids in a reply, in order.
pub fn ids(reply: &str) -> String {
    let is_id = |word: &&str| {
        word.split_once('-').is_some_and(|(ms, seq)| {
            !ms.is_empty()
                && [ms, seq].iter().all(|part| part.bytes().all(|it| it.is_ascii_digit()))
        })
    };
    reply.split(' ').filter(is_id).collect::<Vec<_>>().join(" ")
}

/// What is recorded makes the same elsewhere, with other settings.
pub fn assert_replays(server: &TestServer) {
    let frames = server.sink.drain();
    let clock = server.clock.clone().expect("it is turned by hand");
    // Without a task that looks after its streams between two frames.
    let copy = new_server(clock, 7, None);
    for frame in &frames {
        if let Err(error) = replay(&copy, frame) {
            panic!("{}: {}", error.0, frame.effects.escape_ascii());
        }
    }
    assert_eq!(digest(&copy), digest(&server.server));
}
