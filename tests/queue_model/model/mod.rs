//! The model: what `docs/queues.md` says, in vectors and maps, one rule a function, slow.
//!
//! It is written from the specification of the queue features, and knows nothing of how the server
//! keeps its streams. The one thing it cannot foretell is the spread of BACKOFF: there it knows a
//! range, and takes over what the server has drawn ([`World::adopt`]). The same of when a consumer is
//! looked at that has held leases.

mod adding;
mod claiming;
mod giving_back;
mod group;
mod keys;
mod leaving;
mod pending;
mod policy;
mod reading;
mod redriving;
mod time;

use std::collections::{BTreeMap, BTreeSet};

pub use group::{Group, Record, State};
pub use policy::{GroupPolicy, StreamPolicy};

use crate::command::{Command, Read};
use crate::value::Value;

pub type Id = (u64, u64);

pub fn show((ms, seq): Id) -> String {
    format!("{ms}-{seq}")
}

/// What happens to the records of an entry that is deleted, where the request says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refs {
    Keep,
    Delete,
    Acked,
}

/// An error's first word.
pub type Refusal = &'static str;

pub const NO_GROUP: Refusal = "NOGROUP";
pub const ERR: Refusal = "ERR";
pub const WRONG_TYPE: Refusal = "WRONGTYPE";

/// The greatest count of deliveries that Redis keeps.
const COUNT_MAX: u64 = i64::MAX as u64;

#[derive(Clone, Debug, Default)]
pub struct Entry {
    pub fields: Vec<(String, String)>,
    /// Not delivered before, unix ms.
    pub due: u64,
    pub expires: Option<u64>,
    /// It has expired, and each group that there was has judged it.
    pub judged: bool,
    /// Redriven for this group: all others count it as done.
    pub only_for: Option<String>,
}

impl Entry {
    /// The first value of a field.
    pub fn value(&self, field: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(name, _)| name == field);
        found.map(|(_, value)| value.as_str())
    }
}

#[derive(Clone, Debug, Default)]
pub struct Stream {
    pub entries: BTreeMap<Id, Entry>,
    pub last_id: Id,
    pub groups: BTreeMap<String, Group>,
    pub policy: StreamPolicy,
    /// What DEDUPFIELD has seen: value, id, when.
    pub messages: Vec<(String, Id, u64)>,
}

/// A connection that is blocked in a read.
#[derive(Clone, Debug)]
pub struct Waiter {
    pub connection: usize,
    pub read: Read,
}

/// All keys, and the time.
#[derive(Clone, Debug, Default)]
pub struct World {
    pub now: u64,
    /// When the server began.
    pub started: u64,
    /// When the one before began, as long as what that has done may come to light.
    pub started_before: u64,
    /// The consumers that the server has, by key and group.
    pub consumers: BTreeMap<(String, String), BTreeSet<String>>,
    pub streams: BTreeMap<String, Stream>,
    /// Keys of another type.
    pub strings: BTreeSet<String>,
    pub waiters: Vec<Waiter>,
}

impl World {
    /// Runs a command; `None` if the connection is blocked now.
    pub fn run(&mut self, connection: usize, command: &Command) -> Option<Value> {
        if let Command::Read(read) = command {
            return match self.read(read) {
                Ok(Value::Nil) if read.blocks => {
                    self.waiters.push(Waiter { connection, read: read.clone() });
                    None
                }
                Ok(reply) => Some(reply),
                Err(refusal) => Some(Value::error(refusal)),
            };
        }
        Some(self.answer(command).unwrap_or_else(Value::error))
    }

    fn answer(&mut self, command: &Command) -> Result<Value, Refusal> {
        match command {
            Command::Add { key, id, may_create, delay, ttl, max_len, fields } => {
                let request = adding::Request {
                    id: *id,
                    may_create: *may_create,
                    delay: *delay,
                    ttl: *ttl,
                    max_len: *max_len,
                    redriven: None,
                };
                let added = self.add(key, &request, fields)?;
                Ok(added.map_or(Value::Nil, Value::id))
            }
            Command::Read(_) => unreachable!("reads may block"),
            Command::History { key, group, consumer, count } => {
                self.history(key, group, consumer, *count)
            }
            Command::Ack { key, group, ids } => self.acknowledge(key, group, ids),
            Command::AckDel { key, group, refs, ids } => self.ack_del(key, group, *refs, ids),
            Command::Nack(nack) => self.nack(nack),
            Command::Claim(claim) => self.claim(claim),
            Command::AutoClaim(claim) => self.auto_claim(claim),
            Command::Delete { key, ids } => self.delete(key, ids),
            Command::DeleteEx { key, refs, ids } => self.delete_ex(key, *refs, ids),
            Command::Trim { key, by, refs } => self.trim(key, *by, *refs),
            Command::CreateGroup { key, group, from } => self.create_group(key, group, *from),
            Command::SetId { key, group, from } => self.set_id(key, group, *from),
            Command::Destroy { key, group } => self.destroy(key, group),
            Command::CreateConsumer { key, group, consumer } => {
                self.create_consumer(key, group, consumer)
            }
            Command::DeleteConsumer { key, group, consumer } => {
                self.delete_consumer(key, group, consumer)
            }
            Command::Configure { key, group, words } => {
                self.configure(key, group.as_deref(), words)
            }
            Command::Redrive { key, which, to } => self.redrive(key, which, to.as_deref()),
            Command::Pending { key, group } => self.pending(key, group),
            Command::PendingRange { key, group, idle, consumer } => {
                self.pending_range(key, group, *idle, consumer.as_deref())
            }
            Command::DeleteKey { key } => self.delete_key(key),
            Command::SetString { key } => self.set_string(key),
        }
    }

    /// The stream at a key.
    ///
    /// # Errors
    /// Something else is there.
    fn stream(&mut self, key: &str) -> Result<Option<&mut Stream>, Refusal> {
        if self.strings.contains(key) { Err(WRONG_TYPE) } else { Ok(self.streams.get_mut(key)) }
    }

    /// A group that has to be there.
    fn group(&mut self, key: &str, group: &str) -> Result<&mut Group, Refusal> {
        let stream = self.stream(key)?.ok_or(NO_GROUP)?;
        stream.groups.get_mut(group).ok_or(NO_GROUP)
    }

    /// The same for XGROUP and XCFGSET, to which a key that is not there is another error.
    fn group_of_key(&mut self, key: &str, group: &str) -> Result<&mut Group, Refusal> {
        let stream = self.stream(key)?.ok_or(ERR)?;
        stream.groups.get_mut(group).ok_or(NO_GROUP)
    }

    fn entry(&self, key: &str, id: Id) -> Option<&Entry> {
        self.streams.get(key)?.entries.get(&id)
    }

    /// Serves blocked readers in the order in which they came.
    pub fn serve(&mut self) -> Vec<(usize, Value)> {
        let mut served = Vec::new();
        for waiter in std::mem::take(&mut self.waiters) {
            let before = self.streams.clone();
            match self.read(&waiter.read) {
                Ok(Value::Nil) => {
                    // Nobody was heard of.
                    for (key, stream) in &mut self.streams {
                        for (name, group) in &mut stream.groups {
                            group.consumers.clone_from(&before[key].groups[name].consumers);
                        }
                    }
                    self.waiters.push(waiter);
                }
                Ok(reply) => served.push((waiter.connection, reply)),
                Err(refusal) => served.push((waiter.connection, Value::error(refusal))),
            }
        }
        served
    }
}
