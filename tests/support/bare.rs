//! Servers without sockets, and their whole state as text.

use std::ops::ControlFlow;
use std::sync::Arc;

use forebay::command::{self, Blocked, Flow, Server, Session};
use forebay::config::Config;
use forebay::journal::MemorySink;
use forebay::keyspace::{Batch, Clock, Keyspace, ManualClock, Options, ShardSet};
use forebay::types::hash::{Field, Hash};
use forebay::types::set::Set;
use forebay::types::stream::pending::{Filter, Owner};
use forebay::types::stream::{Stream, StreamId};

/// How many numbered databases a bare server has.
pub const DATABASES: usize = 3;

/// An empty server; frames go to `sink`.
pub fn new_server(
    clock: Arc<ManualClock>,
    seed: u64,
    sink: Option<Arc<MemorySink>>,
) -> Arc<Server> {
    let config = Config::from_lines("stream-node-max-entries 5\n").expect("the lines are valid");
    let has_sink = sink.is_some();
    let keyspace = Keyspace::new(Options {
        databases: DATABASES,
        clock: clock as Arc<dyn Clock>,
        seed,
        sink: sink.map(|sink| sink as Arc<dyn forebay::journal::Sink>),
    });
    let server = Arc::new(Server::new(Arc::new(keyspace), Arc::new(config)));
    if has_sink {
        // What is only replayed does nothing by itself.
        server.look_after_streams();
    }
    server
}

/// One connection without a socket.
pub struct Connection {
    session: Session,
    blocked: Option<Blocked>,
}

impl Connection {
    pub fn new() -> Connection {
        Connection { session: Session::new(None), blocked: None }
    }

    /// Runs a command; its reply, as bytes.
    pub fn run(&mut self, server: &Arc<Server>, args: &[Vec<u8>]) -> Vec<u8> {
        self.run_together(server, &[args.to_vec()]).swap_remove(0)
    }

    /// Runs commands that have come together, up to one that is blocked; their replies.
    pub fn run_together(
        &mut self,
        server: &Arc<Server>,
        commands: &[Vec<Vec<u8>>],
    ) -> Vec<Vec<u8>> {
        let mut batch = Batch::new(&server.keyspace);
        let now_ms = server.keyspace.clock().now_ms();
        let mut replies = Vec::new();
        for (at, args) in commands.iter().enumerate() {
            let args: Vec<&[u8]> = args.iter().map(Vec::as_slice).collect();
            let (session, mut out) = (&mut self.session, Vec::new());
            batch.expect_more(at + 1 < commands.len());
            let flow = command::execute_in(&mut batch, server, session, &args, &mut out, now_ms);
            replies.push(out);
            if let Flow::Blocked(blocked) = flow {
                self.blocked = Some(blocked);
                break;
            }
        }
        batch.close(&mut self.session.seen);
        replies
    }

    /// The reply to a command that was blocked, once it has come.
    pub fn late_reply(&mut self) -> Option<Vec<u8>> {
        let late = self.blocked.as_mut()?.reply.try_recv().ok()?;
        self.blocked = None;
        Some(late.bytes)
    }

    /// Whether it may send a command; a wait whose time is over ends first.
    pub fn is_free(&mut self, server: &Server) -> bool {
        let Some(blocked) = &mut self.blocked else { return true };
        let now_ms = server.keyspace.clock().now_ms();
        let over = blocked.deadline_ms.is_some_and(|deadline_ms| deadline_ms <= now_ms);
        if over && blocked.waiter.cancel() {
            server.keyspace.leave(&blocked.waiter);
            self.blocked = None;
        } else if blocked.reply.try_recv().is_ok() {
            self.blocked = None;
        }
        self.blocked.is_none()
    }
}

/// Asks a server in a database, as bytes of the reply.
pub fn ask(server: &Arc<Server>, db: usize, words: &[&[u8]]) -> Vec<u8> {
    let mut session = Session::stand_in(db, forebay::resp::Proto::Resp3);
    let mut out = Vec::new();
    let now_ms = server.keyspace.clock().now_ms();
    command::execute(server, &mut session, words, &mut out, now_ms);
    out
}

/// The state, as text: the functions, then each key with all that is kept of it, in order.
pub fn digest(server: &Arc<Server>) -> Vec<String> {
    let functions = ask(server, 0, &[b"FUNCTION", b"LIST", b"WITHCODE"]);
    let mut lines = vec![functions.escape_ascii().to_string()];
    for db in 0..DATABASES {
        for key in &keys(server, db) {
            let kind = ask(server, db, &[b"TYPE", key]);
            let value = match kind.as_slice() {
                b"+none\r\n" => continue,
                b"+string\r\n" => {
                    let encoding = ask(server, db, &[b"OBJECT", b"ENCODING", key]);
                    // A SET that is recorded for a computed number makes an integer, as in Redis.
                    let is_raw = [u8::from(encoding.ends_with(b"raw\r\n"))];
                    [ask(server, db, &[b"GET", key]), is_raw.to_vec()].concat()
                }
                b"+list\r\n" => ask(server, db, &[b"LRANGE", key, b"0", b"-1"]),
                b"+set\r\n" => {
                    let members = members(server, db, key);
                    [members, ask(server, db, &[b"OBJECT", b"ENCODING", key])].concat()
                }
                b"+zset\r\n" => {
                    let members = ask(server, db, &[b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"]);
                    [members, ask(server, db, &[b"OBJECT", b"ENCODING", key])].concat()
                }
                b"+hash\r\n" => hash_state(server, db, key),
                b"+stream\r\n" => stream_state(server, db, key),
                other => panic!("a key of type {}", String::from_utf8_lossy(other)),
            };
            let deadline = ask(server, db, &[b"PEXPIRETIME", key]);
            let state = [kind, deadline, value].concat();
            lines.push(format!("{db} {} {}", key.escape_ascii(), state.escape_ascii()));
        }
    }
    lines
}

/// The members of a set, in an order of their own.
fn members(server: &Arc<Server>, db: usize, key: &[u8]) -> Vec<u8> {
    let mut members = Vec::new();
    server.keyspace.run(ShardSet::ALL, db, server.keyspace.clock().now_ms(), |tx| {
        if let Ok(Some(set)) = tx.read::<Set>(key) {
            members.extend(set.iter().map(|member| member.to_vec()));
        }
    });
    members.sort();
    members.join(&b' ')
}

/// The fields of a hash, due ones among them, in order, each with its value and deadline.
fn hash_state(server: &Arc<Server>, db: usize, key: &[u8]) -> Vec<u8> {
    let now_ms = server.keyspace.clock().now_ms();
    let mut fields = server.keyspace.run(ShardSet::ALL, db, now_ms, |tx| {
        let hash = tx.peek_as::<Hash>(key).expect("it is one").expect("it is there");
        let line = |(name, field): (&[u8], Field<'_>)| {
            let (name, value) = (name.escape_ascii(), field.value.escape_ascii());
            format!("{name}: {value} until {}\n", field.expire_at_ms)
        };
        hash.iter().map(line).collect::<Vec<String>>()
    });
    fields.sort();
    let encoding = ask(server, db, &[b"OBJECT", b"ENCODING", key]);
    [encoding, fields.concat().into_bytes()].concat()
}

/// The keys of a database that are alive, in order.
fn keys(server: &Arc<Server>, db: usize) -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    server.keyspace.run(ShardSet::ALL, db, server.keyspace.clock().now_ms(), |tx| {
        tx.scan(0, usize::MAX, |slot| keys.push(slot.key.to_vec()));
    });
    keys.sort();
    keys
}

/// All of a stream but for what is left out of state: when its consumers were seen last.
fn stream_state(server: &Arc<Server>, db: usize, key: &[u8]) -> Vec<u8> {
    let mut full = ask(server, db, &[b"XINFO", b"STREAM", key, b"FULL", b"COUNT", b"0"]);
    // Policies stand there only.
    full.extend(ask(server, db, &[b"XINFO", b"GROUPS", key]));
    let text: Vec<&[u8]> = full.split(|&byte| byte == b'\n').collect();
    let mut kept = Vec::new();
    let mut lines = text.into_iter();
    while let Some(line) = lines.next() {
        // The radix tree's figures tell of memory layout, not of state. An age goes by the server's time,
        // which after a start is that of the snapshot at least; what it is the age of comes below.
        let left_out: [&[u8]; 4] =
            [b"seen-time\r", b"radix-tree-keys\r", b"radix-tree-nodes\r", b"oldest-ready-ms\r"];
        if left_out.contains(&line) {
            lines.next();
            continue;
        }
        kept.extend_from_slice(line);
    }
    kept.extend(queue_state(server, db, key).into_bytes());
    kept
}

/// What groups keep of their entries that no reply shows.
fn queue_state(server: &Arc<Server>, db: usize, key: &[u8]) -> String {
    let now_ms = server.keyspace.clock().now_ms();
    server.keyspace.run(ShardSet::ALL, db, now_ms, |tx| {
        let stream = tx.peek_as::<Stream>(key).expect("it is one").expect("it is there");
        let mut lines = String::new();
        for entry in stream.log().range(StreamId::MIN, StreamId::MAX) {
            let id = entry.id();
            // Delays that are over are forgotten now and then, and mean nothing.
            let due_ms = stream.due_ms(id).filter(|&due_ms| due_ms > now_ms as u64);
            let judged_ms = stream.judged_ms(id);
            let expires_ms = stream.expires_ms(id).or(judged_ms);
            let addressee = stream.addressee(id).map(|group| group.escape_ascii().to_string());
            lines += &format!("{due_ms:?} {expires_ms:?} {judged_ms:?} {addressee:?}\n");
        }
        let window_ms = stream.policy().and_then(|policy| Some(policy.dedup.as_ref()?.window_ms));
        for (message, id) in stream.messages() {
            if (now_ms as u64).saturating_sub(id.ms) < window_ms.unwrap_or(0) {
                lines += &format!("{} {id}\n", message.escape_ascii());
            }
        }
        for (_, group) in stream.groups() {
            group.scan::<()>(StreamId::MIN, Filter::default(), |record| {
                if record.owner != Owner::RELEASED {
                    // Numbers of consumers mean nothing.
                    let name = group.owner_name(record.owner).escape_ascii();
                    let state = record.owner.is_unowned().then_some(record.owner);
                    let (id, time, count) = (record.id, record.time, record.count);
                    lines += &format!("{id} {name} {state:?} {time} {count}\n");
                }
                ControlFlow::Continue(())
            });
            let (line, paced) = (group.in_line(), group.paced());
            lines += &format!("{:?} {:?}\n", line.collect::<Vec<_>>(), paced.collect::<Vec<_>>());
        }
        lines
    })
}
