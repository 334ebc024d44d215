//! Commands as values: what the model is told, and the words that the server is sent.

use crate::model::{Id, Refs, show};

/// A command of one connection.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    Add {
        key: String,
        id: Option<Id>,
        may_create: bool,
        delay: Option<u64>,
        ttl: Option<u64>,
        max_len: Option<u64>,
        fields: Vec<(String, String)>,
    },
    Read(Read),
    History {
        key: String,
        group: String,
        consumer: String,
        count: Option<u64>,
    },
    Ack {
        key: String,
        group: String,
        ids: Vec<Id>,
    },
    AckDel {
        key: String,
        group: String,
        refs: Option<Refs>,
        ids: Vec<Id>,
    },
    Nack(Nack),
    Claim(Claim),
    AutoClaim(AutoClaim),
    Delete {
        key: String,
        ids: Vec<Id>,
    },
    DeleteEx {
        key: String,
        refs: Option<Refs>,
        ids: Vec<Id>,
    },
    Trim {
        key: String,
        by: TrimBy,
        refs: Option<Refs>,
    },
    CreateGroup {
        key: String,
        group: String,
        from: Option<Id>,
    },
    SetId {
        key: String,
        group: String,
        from: Option<Id>,
    },
    Destroy {
        key: String,
        group: String,
    },
    CreateConsumer {
        key: String,
        group: String,
        consumer: String,
    },
    DeleteConsumer {
        key: String,
        group: String,
        consumer: String,
    },
    /// A parameter and its values, as XCFGSET takes them.
    Configure {
        key: String,
        group: Option<String>,
        words: Vec<String>,
    },
    Redrive {
        key: String,
        which: Which,
        to: Option<String>,
    },
    Pending {
        key: String,
        group: String,
    },
    PendingRange {
        key: String,
        group: String,
        idle: Option<u64>,
        consumer: Option<String>,
    },
    DeleteKey {
        key: String,
    },
    /// A value of another type takes the key.
    SetString {
        key: String,
    },
}

/// XREADGROUP of `>`.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    pub keys: Vec<String>,
    pub group: String,
    pub consumer: String,
    pub count: Option<u64>,
    pub max_count: Option<u64>,
    pub no_ack: bool,
    pub claim: Option<u64>,
    /// Waits until there is something.
    pub blocks: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Silent,
    Fail,
    Fatal,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Nack {
    pub key: String,
    pub group: String,
    pub mode: Mode,
    pub ids: Vec<Id>,
    pub delay: Option<u64>,
    pub retry_count: Option<u64>,
    pub consumer: Option<String>,
    pub force: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    pub key: String,
    pub group: String,
    pub consumer: String,
    pub min_idle: u64,
    pub ids: Vec<Id>,
    pub idle: Option<u64>,
    pub retry_count: Option<u64>,
    pub last_id: Option<Id>,
    pub force: bool,
    pub just_id: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AutoClaim {
    pub key: String,
    pub group: String,
    pub consumer: String,
    pub min_idle: u64,
    pub start: Id,
    pub count: Option<u64>,
    pub just_id: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TrimBy {
    MaxLen(u64),
    MinId(Id),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Which {
    Count(u64),
    Ids(Vec<Id>),
}

/// Words of a command, put together.
#[derive(Default)]
struct Words(Vec<String>);

impl Words {
    fn of(words: &[&str]) -> Words {
        Words(words.iter().map(|word| word.to_string()).collect())
    }

    fn with(mut self, words: &[&str]) -> Words {
        self.0.extend(words.iter().map(|word| word.to_string()));
        self
    }

    /// A word and its value, if there is one.
    fn option(mut self, word: &str, value: Option<impl ToString>) -> Words {
        if let Some(value) = value {
            self.0.extend([word.to_string(), value.to_string()]);
        }
        self
    }

    fn flag(mut self, word: &str, is_set: bool) -> Words {
        if is_set {
            self.0.push(word.to_string());
        }
        self
    }

    fn refs(self, refs: Option<Refs>) -> Words {
        let word = match refs {
            Some(Refs::Keep) => "KEEPREF",
            Some(Refs::Delete) => "DELREF",
            Some(Refs::Acked) => "ACKED",
            None => return self,
        };
        self.with(&[word])
    }

    fn ids(mut self, ids: &[Id]) -> Words {
        self.0.extend(ids.iter().map(|&id| show(id)));
        self
    }

    /// `IDS n id…`
    fn numbered(self, ids: &[Id]) -> Words {
        let count = ids.len().to_string();
        self.with(&["IDS", &count]).ids(ids)
    }
}

impl Command {
    pub fn words(&self) -> Vec<String> {
        match self {
            Command::Add { key, id, may_create, delay, ttl, max_len, fields } => {
                let words = Words::of(&["XADD", key]).flag("NOMKSTREAM", !may_create);
                let words = words.option("MAXLEN", *max_len).option("DELAY", *delay);
                let words = words.option("TTL", *ttl);
                let words = words.with(&[&id.map_or("*".to_string(), show)]);
                let pair =
                    |words: Words, (name, value): &(String, String)| words.with(&[name, value]);
                fields.iter().fold(words, pair)
            }
            Command::Read(read) => read.words(),
            Command::History { key, group, consumer, count } => {
                let words = Words::of(&["XREADGROUP", "GROUP", group, consumer]);
                words.option("COUNT", *count).with(&["STREAMS", key, "0"])
            }
            Command::Ack { key, group, ids } => Words::of(&["XACK", key, group]).ids(ids),
            Command::AckDel { key, group, refs, ids } => {
                Words::of(&["XACKDEL", key, group]).refs(*refs).numbered(ids)
            }
            Command::Nack(nack) => nack.words(),
            Command::Claim(claim) => claim.words(),
            Command::AutoClaim(claim) => claim.words(),
            Command::Delete { key, ids } => Words::of(&["XDEL", key]).ids(ids),
            Command::DeleteEx { key, refs, ids } => {
                Words::of(&["XDELEX", key]).refs(*refs).numbered(ids)
            }
            Command::Trim { key, by, refs } => {
                let (word, bound) = match by {
                    TrimBy::MaxLen(len) => ("MAXLEN", len.to_string()),
                    TrimBy::MinId(id) => ("MINID", show(*id)),
                };
                Words::of(&["XTRIM", key, word, &bound]).refs(*refs)
            }
            Command::CreateGroup { key, group, from } => {
                let from = from.map_or("$".to_string(), show);
                Words::of(&["XGROUP", "CREATE", key, group, &from, "MKSTREAM"])
            }
            Command::SetId { key, group, from } => {
                let from = from.map_or("$".to_string(), show);
                Words::of(&["XGROUP", "SETID", key, group, &from])
            }
            Command::Destroy { key, group } => Words::of(&["XGROUP", "DESTROY", key, group]),
            Command::CreateConsumer { key, group, consumer } => {
                Words::of(&["XGROUP", "CREATECONSUMER", key, group, consumer])
            }
            Command::DeleteConsumer { key, group, consumer } => {
                Words::of(&["XGROUP", "DELCONSUMER", key, group, consumer])
            }
            Command::Configure { key, group, words } => {
                let head = Words::of(&["XCFGSET", key]).option("GROUP", group.as_ref());
                words.iter().fold(head, |head, word| head.with(&[word]))
            }
            Command::Redrive { key, which, to } => {
                let words = Words::of(&["XREDRIVE", key]);
                let words = match which {
                    Which::Count(count) => words.option("COUNT", Some(count)),
                    Which::Ids(ids) => words.numbered(ids),
                };
                words.option("TO", to.as_ref())
            }
            Command::Pending { key, group } => Words::of(&["XPENDING", key, group]),
            Command::PendingRange { key, group, idle, consumer } => {
                let words = Words::of(&["XPENDING", key, group]).option("IDLE", *idle);
                let words = words.with(&["-", "+", "100"]);
                consumer.iter().fold(words, |words, consumer| words.with(&[consumer]))
            }
            Command::DeleteKey { key } => Words::of(&["DEL", key]),
            Command::SetString { key } => Words::of(&["SET", key, "x"]),
        }
        .0
    }
}

impl Read {
    fn words(&self) -> Words {
        let words = Words::of(&["XREADGROUP", "GROUP", &self.group, &self.consumer]);
        let words = words.option("COUNT", self.count).option("MAXCOUNT", self.max_count);
        let words = words.option("CLAIM", self.claim).flag("NOACK", self.no_ack);
        let words = words.option("BLOCK", self.blocks.then_some(0)).with(&["STREAMS"]);
        let words = self.keys.iter().fold(words, |words, key| words.with(&[key]));
        self.keys.iter().fold(words, |words, _| words.with(&[">"]))
    }
}

impl Nack {
    fn words(&self) -> Words {
        let mode = match self.mode {
            Mode::Silent => "SILENT",
            Mode::Fail => "FAIL",
            Mode::Fatal => "FATAL",
        };
        let words = Words::of(&["XNACK", &self.key, &self.group, mode]).numbered(&self.ids);
        let words = words.option("DELAY", self.delay).option("RETRYCOUNT", self.retry_count);
        words.option("CONSUMER", self.consumer.as_ref()).flag("FORCE", self.force)
    }
}

impl Claim {
    fn words(&self) -> Words {
        let min_idle = self.min_idle.to_string();
        let words = Words::of(&["XCLAIM", &self.key, &self.group, &self.consumer, &min_idle]);
        let words = words.ids(&self.ids).option("IDLE", self.idle);
        let words = words.option("RETRYCOUNT", self.retry_count);
        let words = words.option("LASTID", self.last_id.map(show));
        words.flag("FORCE", self.force).flag("JUSTID", self.just_id)
    }
}

impl AutoClaim {
    fn words(&self) -> Words {
        let (min_idle, start) = (self.min_idle.to_string(), show(self.start));
        let words = ["XAUTOCLAIM", &self.key, &self.group, &self.consumer, &min_idle, &start];
        Words::of(&words).option("COUNT", self.count).flag("JUSTID", self.just_id)
    }
}
