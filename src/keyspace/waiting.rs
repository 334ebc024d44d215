//! Clients that wait for a key: who, in what order, and how they are served.
//!
//! A waiter stands in arrival order under each of its keys, in the queue of its class. What makes a
//! key worth another look (a push, XADD, a rename onto it, …) puts the key on its shard's ready
//! list; [`super::Tx::serve_ready`] then runs the waiters' commands again, under the locks of all
//! their keys. A waiter leaves in O(log n) of the queue it stands in, wherever it stands.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;

use super::ShardSet;
use super::tx::Tx;
use super::value::Kind;

/// What a waiter waits for; waiters of one class on one key compete, those of two do not.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Class {
    /// An element of a list.
    List,
    /// A member of a sorted set.
    Zset,
    /// Entries of a stream, each reader by itself.
    StreamReader,
    /// Entries for this group of a stream: one entry wakes at most one of its readers.
    StreamGroup(Box<[u8]>),
    /// The same, or what is pending in the group and idle for so many ms. Served after the plain
    /// readers of the group, not by arrival among them: most entries are nothing to claim yet, and
    /// no more than one waiter of a class is to look in vain.
    StreamClaim(Box<[u8]>, i64),
}

impl Class {
    /// Whether what one waiter of this class finds nothing for, no other can be served with.
    fn looks_as_one(&self) -> bool {
        matches!(self, Class::StreamGroup(_) | Class::StreamClaim(..))
    }

    /// Whether a waiter of this class is to look again at a key of this kind (`None`: no key).
    fn wants(&self, kind: Option<Kind>) -> bool {
        match self {
            Class::List => kind == Some(Kind::List),
            Class::Zset => kind == Some(Kind::Zset),
            Class::StreamReader => kind == Some(Kind::Stream),
            // A key that is gone or retyped ends the wait of a group reader with an error.
            Class::StreamGroup(_) | Class::StreamClaim(..) => true,
        }
    }
}

/// A blocked command that can be run again.
pub trait Parked: Send + Sync {
    /// Runs the command again; its reply, if it waits no more.
    fn retry(&self, tx: &mut Tx<'_>) -> Option<Vec<u8>>;

    /// By what name it waits: for a reader of a group, its consumer.
    fn name(&self) -> Option<Vec<u8>> {
        None
    }

    /// Gives the waiting client its reply, which may be told once `position` is settled.
    fn answer(&self, reply: Vec<u8>, position: u64);
}

/// A blocked client, as its keys see it.
pub struct Waiter {
    seq: u64,
    pub db: usize,
    keys: Vec<Box<[u8]>>,
    class: Class,
    shards: ShardSet,
    /// Held while the waiter is served, so that it is either served or cancelled.
    waits: Mutex<bool>,
    command: Box<dyn Parked>,
}

/// Stands where no command is to be run again.
struct Nothing;

impl Parked for Nothing {
    fn retry(&self, _: &mut Tx<'_>) -> Option<Vec<u8>> {
        None
    }

    fn answer(&self, _: Vec<u8>, _: u64) {}
}

impl Waiter {
    /// A waiter for no key: its command waits for something else, and can be cancelled like any.
    pub fn of_nothing() -> Arc<Waiter> {
        Arc::new(Waiter {
            seq: 0,
            db: 0,
            keys: Vec::new(),
            class: Class::List,
            shards: ShardSet::NONE,
            waits: Mutex::new(true),
            command: Box::new(Nothing),
        })
    }

    /// Ends the wait unless it was served already; false if a reply was or is being made.
    /// The caller then has it leave its keys: [`super::Keyspace::leave`].
    pub fn cancel(&self) -> bool {
        std::mem::replace(&mut *self.waits.lock(), false)
    }

    pub(super) fn keys(&self) -> &[Box<[u8]>] {
        &self.keys
    }

    pub(super) fn shards(&self) -> ShardSet {
        self.shards
    }

    /// Whether the next in its queue has to learn that it has gone: it now is the one that looks
    /// again when something has become idle.
    pub(super) fn has_heir(&self) -> bool {
        matches!(self.class, Class::StreamClaim(..))
    }
}

/// What a command that has to wait asks for.
pub struct Wait {
    pub keys: Vec<Box<[u8]>>,
    pub class: Class,
}

type Queue = BTreeMap<u64, Arc<Waiter>>;

#[derive(Default)]
struct Queues {
    classes: Vec<(Class, Queue)>,
    /// On the shard's ready list already.
    ready: bool,
}

/// The waiters of one shard's part of one database, by key.
#[derive(Default)]
pub struct Waiting {
    keys: HashMap<Box<[u8]>, Queues>,
}

impl Waiting {
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Notes that a key is worth another look; true if it has to go on the ready list.
    pub(super) fn mark_ready(&mut self, key: &[u8]) -> bool {
        match self.keys.get_mut(key) {
            Some(queues) => !std::mem::replace(&mut queues.ready, true),
            None => false,
        }
    }

    pub(super) fn clear_ready(&mut self, key: &[u8]) {
        if let Some(queues) = self.keys.get_mut(key) {
            queues.ready = false;
        }
    }

    pub(super) fn waited_keys(&self) -> impl Iterator<Item = &[u8]> {
        self.keys.keys().map(|key| &**key)
    }

    fn enter(&mut self, key: &[u8], waiter: &Arc<Waiter>) {
        let queues = self.keys.entry(key.into()).or_default();
        let queue = match queues.classes.iter().position(|(class, _)| *class == waiter.class) {
            Some(at) => &mut queues.classes[at].1,
            None => {
                queues.classes.push((waiter.class.clone(), Queue::new()));
                &mut queues.classes.last_mut().expect("just pushed").1
            }
        };
        queue.insert(waiter.seq, Arc::clone(waiter));
    }

    pub(super) fn leave(&mut self, key: &[u8], waiter: &Waiter) {
        let Some(queues) = self.keys.get_mut(key) else { return };
        if let Some(at) = queues.classes.iter().position(|(class, _)| *class == waiter.class) {
            queues.classes[at].1.remove(&waiter.seq);
            if queues.classes[at].1.is_empty() {
                queues.classes.swap_remove(at);
            }
        }
        if queues.classes.is_empty() {
            self.keys.remove(key);
        }
    }

    /// The names of those who wait for a group of a stream.
    pub(super) fn names_in_group(&self, key: &[u8], group: &[u8]) -> HashSet<Vec<u8>> {
        let of_group = |class: &Class| match class {
            Class::StreamGroup(name) | Class::StreamClaim(name, _) => **name == *group,
            _ => false,
        };
        let queues = self.keys.get(key).into_iter().flat_map(|queues| &queues.classes);
        let waiters = queues.filter(|(class, _)| of_group(class)).flat_map(|(_, queue)| queue);
        waiters.filter_map(|(_, waiter)| waiter.command.name()).collect()
    }

    fn classes(&self, key: &[u8]) -> Vec<Class> {
        let queues = self.keys.get(key);
        queues.map_or(Vec::new(), |queues| {
            queues.classes.iter().map(|(class, _)| class.clone()).collect()
        })
    }

    /// The first waiter of a class that came after `seq`.
    fn next(&self, key: &[u8], class: &Class, seq: u64) -> Option<Arc<Waiter>> {
        let queues = self.keys.get(key)?;
        let (_, queue) = queues.classes.iter().find(|(found, _)| found == class)?;
        queue.range(seq + 1..).next().map(|(_, waiter)| Arc::clone(waiter))
    }
}

impl Tx<'_> {
    /// How many clients wait for keys, and for how many keys (INFO).
    pub fn waited_keys_total(&self) -> usize {
        let dbs = self.guards.iter().flat_map(|shard| shard.dbs.iter());
        dbs.map(|db| db.waiting.waited_keys().count()).sum()
    }

    /// Parks a command until one of its keys is worth another look. Called in the step that found
    /// nothing for it, so no push can slip in between.
    pub fn park(&mut self, wait: Wait, command: Box<dyn Parked>) -> Arc<Waiter> {
        // What the command has locked is what it needs again: BLMOVE also writes to a key that it
        // does not wait for.
        let shards = self.locked();
        let waiter = Arc::new(Waiter {
            seq: self.keyspace().next_arrival(),
            db: self.db(),
            keys: wait.keys,
            class: wait.class,
            shards,
            waits: Mutex::new(true),
            command,
        });
        for key in &waiter.keys {
            self.waiting_mut(key).enter(key, &waiter);
        }
        waiter
    }

    /// Runs the commands of waiters whose keys became ready, first come first served, until no key
    /// is ready. Where a waiter's keys lie in shards that are not locked, says which ones are
    /// needed as well; what is still ready stays on the shards' lists.
    pub(super) fn serve_ready(&mut self) -> Result<(), ShardSet> {
        let db = self.db();
        let served = loop {
            let Some((rank, ready)) = self.first_ready() else { break Ok(()) };
            self.select(ready.db);
            if let Err(needed) = self.serve_key(&ready.key) {
                break Err(needed);
            }
            self.drop_ready(rank, &ready);
        };
        self.select(db);
        served
    }

    fn serve_key(&mut self, key: &[u8]) -> Result<(), ShardSet> {
        for class in self.waiting_mut(key).classes(key) {
            let mut seq = 0;
            while class.wants(self.peek(key).map(|value| value.kind())) {
                let Some(waiter) = self.waiting_mut(key).next(key, &class, seq) else { break };
                if !self.locked().contains(waiter.shards) {
                    return Err(waiter.shards);
                }
                seq = waiter.seq;
                let mut waits = waiter.waits.lock();
                if !*waits {
                    // Cancelled, and on its way out.
                    continue;
                }
                let reply = waiter.command.retry(self);
                if let Some(needed) = self.take_lacking() {
                    return Err(needed.union(waiter.shards));
                }
                self.end_step();
                if let Some(reply) = reply {
                    waiter.command.answer(reply, self.position());
                    *waits = false;
                    for key in &waiter.keys {
                        self.waiting_mut(key).leave(key, &waiter);
                    }
                } else if class.looks_as_one() {
                    break;
                }
            }
        }
        Ok(())
    }
}
