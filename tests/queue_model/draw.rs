//! Random steps, drawn with an eye on what is in the model, so that most of them do something.

use forebay::journal::sim::Dice;

use crate::command::{AutoClaim, Claim, Command, Mode, Nack, Read, TrimBy, Which};
use crate::model::{Id, Refs, World};
use crate::subject::CONNECTIONS;

/// What is done to both.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Command(usize, Command),
    /// So many ms pass; what becomes due meanwhile is looked at at its time.
    Pass(u64),
    /// The server is away for so many ms.
    Restart(u64),
    /// The same, with a snapshot to begin with.
    RestartFromSnapshot(u64),
    /// So many ms pass, and power is lost while what is due is done.
    LosePower(u64),
}

/// Which features a sequence uses.
pub struct Draw {
    dice: Dice,
    /// Entries get small ids of their own, or those of the clock.
    own_ids: bool,
    next_id: u64,
    uses_order: bool,
    uses_filters: bool,
}

impl Draw {
    pub fn new(seed: u64) -> Draw {
        let mut dice = Dice::new(seed);
        let own_ids = dice.below(2) == 0;
        let uses_order = dice.below(2) == 0;
        let uses_filters = dice.below(3) == 0;
        Draw { dice, own_ids, next_id: 1, uses_order, uses_filters }
    }

    /// The names of all commands that are drawn.
    pub fn names() -> impl Iterator<Item = &'static str> {
        "XADD XREADGROUP XACK XACKDEL XNACK XCLAIM XAUTOCLAIM XDEL XDELEX XTRIM XGROUP XCFGSET \
         XREDRIVE XPENDING DEL SET"
            .split_whitespace()
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.dice.below(limit as usize) as u64
    }

    fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }

    fn maybe<T: Clone>(&mut self, times: u64, from: &[T]) -> Option<T> {
        if self.one_in(times) { Some(self.pick(from)) } else { None }
    }

    fn word(&mut self, from: &[&str]) -> String {
        self.pick(from).to_string()
    }

    fn key(&mut self) -> String {
        self.word(&["s", "s", "s", "s", "s", "s", "t", "dead"])
    }

    fn group(&mut self) -> String {
        self.word(&["g", "g", "g", "g", "h"])
    }

    fn consumer(&mut self) -> String {
        self.word(&["alice", "bob", "carol"])
    }

    fn refs(&mut self) -> Option<Refs> {
        self.maybe(2, &[Refs::Keep, Refs::Delete, Refs::Acked])
    }

    /// The steps that make what most sequences are about.
    pub fn opening(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        for group in ["g", "h"] {
            let (key, group) = ("s".to_string(), group.to_string());
            let from = Some((0, 0));
            steps.push(Command::CreateGroup { key, group: group.clone(), from });
            for _ in 0..self.below(5) {
                steps.push(self.configure_group("s".into(), group.clone()));
            }
        }
        steps.into_iter().map(|command| Step::Command(0, command)).collect()
    }

    pub fn step(&mut self, world: &World) -> Step {
        match self.below(100) {
            0..20 => {
                let ms = [0, 1, 1, 3, 5, 10, 20, 50, 120, 1000, 5000];
                Step::Pass(self.pick(&ms))
            }
            20 => Step::Restart(self.pick(&[0, 1, 30, 2000])),
            21 => Step::RestartFromSnapshot(self.pick(&[0, 1, 30, 2000])),
            // Of what blocked readers are given meanwhile some is on disk, and some is not.
            22 if world.waiters.is_empty() => Step::LosePower(self.pick(&[1, 30, 100, 1100])),
            _ => {
                let blocked: Vec<usize> =
                    world.waiters.iter().map(|waiter| waiter.connection).collect();
                let free: Vec<usize> =
                    (0..CONNECTIONS).filter(|at| !blocked.contains(at)).collect();
                match free.as_slice() {
                    [] => Step::Pass(1),
                    free => {
                        let connection = self.pick(free);
                        Step::Command(connection, self.command(world, free.len() > 2))
                    }
                }
            }
        }
    }

    fn command(&mut self, world: &World, may_block: bool) -> Command {
        let (key, group) = (self.key(), self.group());
        match self.below(100) {
            0..22 => self.add(),
            22..46 => self.read(key, group, may_block),
            46..50 => {
                let (consumer, count) = (self.consumer(), self.maybe(2, &[1, 2]));
                Command::History { key, group, consumer, count }
            }
            50..58 => {
                let ids = self.pending_ids(world, &key, &group);
                Command::Ack { key, group, ids }
            }
            58..60 => {
                let ids = self.pending_ids(world, &key, &group);
                let refs = self.maybe(2, &[Refs::Keep, Refs::Delete]);
                Command::AckDel { key, group, refs, ids }
            }
            60..70 => self.nack(world, key, group),
            70..75 => self.claim(world, key, group),
            75..77 => Command::AutoClaim(AutoClaim {
                key,
                group,
                consumer: self.consumer(),
                min_idle: self.pick(&[0, 5, 20]),
                start: self.pick(&[(0, 0), (0, 0), (2, 0)]),
                count: self.maybe(2, &[1, 2]),
                just_id: self.one_in(3),
            }),
            77 => {
                let ids = self.entry_ids(world, &key);
                Command::Delete { key, ids }
            }
            78 => {
                let (ids, refs) = (self.entry_ids(world, &key), self.refs());
                Command::DeleteEx { key, refs, ids }
            }
            79 => {
                let len = self.pick(&[0, 2, 4, 6]);
                let id = self.entry_ids(world, &key)[0];
                let by = self.pick(&[TrimBy::MaxLen(len), TrimBy::MinId(id)]);
                let refs = self.refs();
                Command::Trim { key, by, refs }
            }
            80 => Command::CreateGroup { key, group, from: self.maybe(2, &[(0, 0), (3, 0)]) },
            // Who is blocked is not told of it, as in Redis.
            81 if world.waiters.is_empty() => {
                let from = self.maybe(2, &[(0, 0), (3, 0)]);
                Command::SetId { key, group, from }
            }
            82 if self.one_in(4) => Command::Destroy { key, group },
            // Who is blocked is made again whenever it looks.
            83 if world.waiters.is_empty() => {
                let consumer = self.consumer();
                Command::DeleteConsumer { key, group, consumer }
            }
            84 => Command::CreateConsumer { key, group, consumer: self.consumer() },
            // What a blocked reader gets at once of entries whose due times are drawn has no order that
            // is known.
            85..91 if world.waiters.is_empty() => self.configure_group(key, group),
            91..93 => self.configure_stream(key),
            93 | 94 if self.one_in(2) => {
                let ids = self.entry_ids(world, "dead");
                let which = self.pick(&[Which::Count(1), Which::Count(3), Which::Ids(ids)]);
                let to = self.maybe(4, &["s".to_string(), "t".to_string()]);
                Command::Redrive { key: "dead".into(), which, to }
            }
            93 if self.one_in(4) => Command::DeleteKey { key: self.word(&["t", "dead", "dead"]) },
            94 if self.one_in(4) => Command::SetString { key: "dead".into() },
            94..96 => Command::Pending { key, group },
            _ => {
                let consumer = self.maybe(3, &["alice".to_string(), "bob".to_string()]);
                let idle = self.maybe(3, &[5]);
                Command::PendingRange { key, group, idle, consumer }
            }
        }
    }

    fn add(&mut self) -> Command {
        let id = (self.own_ids && !self.one_in(30)).then_some((self.next_id, 0));
        self.next_id += 1;
        let mut fields = Vec::new();
        if self.uses_order || self.one_in(2) {
            fields.push(("k".to_string(), self.word(&["a", "a", "b", "c"])));
        }
        if self.one_in(4) {
            fields.push(("wait".to_string(), self.word(&["0", "20", "", "x", "50"])));
        }
        fields.push(("n".to_string(), self.next_id.to_string()));
        Command::Add {
            key: self.word(&["s", "s", "s", "s", "s", "s", "s", "t"]),
            id,
            may_create: !self.one_in(20),
            delay: self.maybe(6, &[0, 10, 30, 30, 1_700_000_000_100]),
            ttl: self.maybe(8, &[5, 40, 100, 1_600_000_000_000]),
            max_len: self.maybe(20, &[3, 6]),
            fields,
        }
    }

    fn read(&mut self, key: String, group: String, may_block: bool) -> Command {
        let keys = match self.below(8) {
            0 => vec![key, "t".to_string()],
            _ => vec![key],
        };
        let keys = if keys[0] == "t" { vec!["t".to_string()] } else { keys };
        let blocks = may_block && keys.len() == 1 && self.one_in(8);
        let claim = if blocks { None } else { self.maybe(8, &[0, 5, 30]) };
        let count = self.maybe(2, &[1, 1, 2, 3]);
        Command::Read(Read {
            keys,
            group,
            consumer: self.consumer(),
            count,
            max_count: if count.is_none() { self.maybe(8, &[1, 2]) } else { None },
            no_ack: claim.is_none() && self.one_in(12),
            claim,
            blocks,
        })
    }

    fn nack(&mut self, world: &World, key: String, group: String) -> Command {
        let ids = self.pending_ids(world, &key, &group);
        Command::Nack(Nack {
            key,
            group,
            mode: self.pick(&[Mode::Fail, Mode::Fail, Mode::Silent, Mode::Fatal]),
            ids,
            delay: self.maybe(4, &[0, 5, 50, 1_700_000_000_200]),
            retry_count: self.maybe(8, &[0, 1, 5]),
            consumer: self.maybe(6, &["alice".to_string(), "bob".to_string()]),
            force: self.one_in(8),
        })
    }

    fn claim(&mut self, world: &World, key: String, group: String) -> Command {
        let ids = self.pending_ids(world, &key, &group);
        let last_key = key.clone();
        Command::Claim(Claim {
            key,
            group,
            consumer: self.consumer(),
            min_idle: self.pick(&[0, 0, 5, 20]),
            ids,
            idle: self.maybe(10, &[0, 7]),
            retry_count: self.maybe(10, &[0, 1, 3]),
            last_id: if self.one_in(12) { Some(self.entry_ids(world, &last_key)[0]) } else { None },
            force: self.one_in(4),
            just_id: self.one_in(3),
        })
    }

    /// One parameter, on or off.
    fn configure_group(&mut self, key: String, group: String) -> Command {
        let mut on = vec![
            "LEASE 20",
            "LEASE 20",
            "LEASE 100",
            "MAXDELIVERIES 1",
            "MAXDELIVERIES 2",
            "MAXDELIVERIES 3",
            "DLQ dead",
            "DLQ dead",
            "BACKOFF 0 0",
            "BACKOFF 0 0",
            "BACKOFF 5 5",
            "BACKOFF 20 100",
            "MAXINFLIGHT 1",
            "MAXINFLIGHT 2",
            "RATE 2 50",
            "RATE 3 20",
            "CONSUMERTTL 60",
        ];
        if self.uses_order {
            on.extend(["ORDERBY k", "ORDERBY k", "ORDERBY k"]);
        }
        if self.uses_filters {
            on.extend(["FILTER k a", "FILTER n 1*"]);
        }
        let off = [
            "LEASE 0",
            "MAXDELIVERIES 0",
            "DLQ ",
            "BACKOFF 0 0",
            "ORDERBY ",
            "MAXINFLIGHT 0",
            "RATE 0 0",
            "FILTER  ",
            "CONSUMERTTL 0",
        ];
        let words = if self.one_in(3) { self.pick(&off) } else { self.pick(&on) };
        Command::Configure {
            key,
            group: Some(group),
            words: words.split(' ').map(str::to_string).collect(),
        }
    }

    fn configure_stream(&mut self, key: String) -> Command {
        let mut all = vec![
            "DELAYFIELD wait",
            "DELAYFIELD ",
            "TTLFIELD wait",
            "TTLFIELD ",
            "DEDUPFIELD k 30",
            "DEDUPFIELD  0",
            "MAXLEN 4",
            "MAXLEN 8",
            "MAXLEN 0",
            "OVERFLOW REJECT",
            "OVERFLOW DROP",
            "RETAIN ALL",
            "RETAIN ACKED",
            "MAXAGE 0",
        ];
        if !self.own_ids {
            all.push("MAXAGE 60");
        }
        let words = self.pick(&all);
        Command::Configure {
            key,
            group: None,
            words: words.split(' ').map(str::to_string).collect(),
        }
    }

    /// One to three ids, most of them pending.
    fn pending_ids(&mut self, world: &World, key: &str, group: &str) -> Vec<Id> {
        let group = world.streams.get(key).and_then(|stream| stream.groups.get(group));
        let pending: Vec<Id> =
            group.into_iter().flat_map(|group| group.records.keys().copied()).collect();
        let others = self.entry_ids(world, key);
        let mut drawn = Vec::new();
        for _ in 0..self.pick(&[1, 1, 1, 2, 3]) {
            let others = pending.is_empty() || self.one_in(8);
            let id = if others { self.entry_ids(world, key)[0] } else { self.pick(&pending) };
            drawn.push(id);
        }
        drop(others);
        drawn
    }

    fn entry_ids(&mut self, world: &World, key: &str) -> Vec<Id> {
        let stream = world.streams.get(key);
        let mut ids: Vec<Id> =
            stream.into_iter().flat_map(|stream| stream.entries.keys().copied()).collect();
        ids.push((1 + self.below(4), 0));
        (0..self.pick(&[1, 1, 2])).map(|_| self.pick(&ids)).collect()
    }
}
