//! The vocabulary of the command tables: sets of flags, and arguments.

/// Declares a set of named bits with the order in which `COMMAND` tells them.
macro_rules! bit_set {
    ($(#[$doc:meta])* $set:ident($bits:ty) { $($(#[$bit_doc:meta])* $bit:ident = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Default)]
        pub struct $set($bits);

        impl $set {
            pub const NONE: $set = $set(0);
            bit_set!(@bits $set($bits), 0, $($(#[$bit_doc])* $bit,)*);

            /// Each bit with its name, in the order in which they are told.
            pub const NAMES: &'static [($set, &'static str)] = &[$(($set::$bit, $name)),*];

            /// All of `sets` together.
            pub const fn all(sets: &[$set]) -> $set {
                let mut bits = 0;
                let mut at = 0;
                while at < sets.len() {
                    bits |= sets[at].0;
                    at += 1;
                }
                $set(bits)
            }

            /// The bits as a number.
            pub const fn bits(self) -> $bits {
                self.0
            }

            /// Whether every bit of `other` is set here.
            #[inline]
            pub const fn has(self, other: $set) -> bool {
                self.0 & other.0 == other.0
            }

            /// Whether any bit of `other` is set here.
            #[inline]
            pub const fn has_any(self, other: $set) -> bool {
                self.0 & other.0 != 0
            }

            #[must_use]
            pub const fn with(self, other: $set) -> $set {
                $set(self.0 | other.0)
            }

            #[must_use]
            pub const fn without(self, other: $set) -> $set {
                $set(self.0 & !other.0)
            }

            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }

            /// The names of the bits that are set, in the order in which they are told.
            pub fn names(self) -> impl Iterator<Item = &'static str> {
                Self::NAMES.iter().filter(move |(bit, _)| self.has(*bit)).map(|(_, name)| *name)
            }

            /// The bit called `name`, whatever the case of its letters.
            pub fn named(name: &[u8]) -> Option<$set> {
                let is_it = |known: &str| known.as_bytes().eq_ignore_ascii_case(name);
                Self::NAMES.iter().find(|(_, known)| is_it(known)).map(|(bit, _)| *bit)
            }
        }

        impl std::fmt::Debug for $set {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_set().entries(self.names()).finish()
            }
        }
    };
    (@bits $set:ident($bits:ty), $at:expr, $(#[$bit_doc:meta])* $bit:ident, $($(#[$rest_doc:meta])* $rest:ident,)*) => {
        $(#[$bit_doc])*
        pub const $bit: $set = $set(1 << ($at));
        bit_set!(@bits $set($bits), $at + 1, $($(#[$rest_doc])* $rest,)*);
    };
    (@bits $set:ident($bits:ty), $at:expr,) => {};
}

bit_set! {
    /// How a command behaves towards the server's state.
    Flags(u32) {
        WRITE = "write",
        READONLY = "readonly",
        /// Refused when memory is at its limit.
        DENYOOM = "denyoom",
        ADMIN = "admin",
        PUBSUB = "pubsub",
        NOSCRIPT = "noscript",
        /// May park its client.
        BLOCKING = "blocking",
        /// Allowed while the journal is being read at the start.
        LOADING = "loading",
        STALE = "stale",
        SKIP_MONITOR = "skip_monitor",
        /// Its arguments (a password) stay out of the slow log.
        SKIP_SLOWLOG = "skip_slowlog",
        ASKING = "asking",
        FAST = "fast",
        /// Allowed before the client has authenticated.
        NO_AUTH = "no_auth",
        /// No write by itself, but what it brings about may be: refused to scripts that read only,
        /// and held back while writes are paused.
        MAY_REPLICATE = "may_replicate",
        NO_MANDATORY_KEYS = "no_mandatory_keys",
        NO_ASYNC_LOADING = "no_async_loading",
        NO_MULTI = "no_multi",
        /// Where the keys stand depends on other words than the name.
        MOVABLEKEYS = "movablekeys",
        /// Allowed while a script runs past its time.
        ALLOW_BUSY = "allow_busy",
    }
}

impl Flags {
    /// Those that clients are told of: Redis keeps `may_replicate` to itself.
    pub fn told(self) -> Flags {
        self.without(Flags::MAY_REPLICATE)
    }
}

bit_set! {
    /// The ACL categories to which a command belongs.
    Categories(u32) {
        KEYSPACE = "keyspace",
        READ = "read",
        WRITE = "write",
        SET = "set",
        SORTEDSET = "sortedset",
        LIST = "list",
        HASH = "hash",
        STRING = "string",
        BITMAP = "bitmap",
        HYPERLOGLOG = "hyperloglog",
        GEO = "geo",
        STREAM = "stream",
        PUBSUB = "pubsub",
        ADMIN = "admin",
        FAST = "fast",
        SLOW = "slow",
        BLOCKING = "blocking",
        DANGEROUS = "dangerous",
        CONNECTION = "connection",
        TRANSACTION = "transaction",
        SCRIPTING = "scripting",
    }
}

bit_set! {
    /// What a command does with a key.
    KeyFlags(u16) {
        /// Reads the value.
        RO = "RO",
        /// Changes the value, and what it writes depends on what was there.
        RW = "RW",
        /// Overwrites the value without looking at it.
        OW = "OW",
        /// Removes the key.
        RM = "RM",
        /// The value, or part of it, is shown to the client or copied.
        ACCESS = "access",
        UPDATE = "update",
        INSERT = "insert",
        DELETE = "delete",
        /// The word is a channel or a pattern, not a key.
        NOT_KEY = "not_key",
        /// The spec does not find every key of the command.
        INCOMPLETE = "incomplete",
        /// The other flags depend on the command's options.
        VARIABLE_FLAGS = "variable_flags",
    }
}

/// `flags![WRITE, FAST]`: a set of [`Flags`].
macro_rules! flags {
    ($($flag:ident),*) => { $crate::command::spec::Flags::all(&[$($crate::command::spec::Flags::$flag),*]) };
}

/// `categories![READ, FAST]`: a set of [`Categories`].
macro_rules! categories {
    ($($name:ident),*) => {
        $crate::command::spec::Categories::all(&[$($crate::command::spec::Categories::$name),*])
    };
}

/// `key_flags![RW, UPDATE]`: a set of [`KeyFlags`].
macro_rules! key_flags {
    ($($flag:ident),*) => {
        $crate::command::spec::KeyFlags::all(&[$($crate::command::spec::KeyFlags::$flag),*])
    };
}

pub(super) use {categories, flags, key_flags};

/// The part of the manual to which a command belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Cluster,
    Generic,
    String,
    List,
    Set,
    Bitmap,
    HyperLogLog,
    SortedSet,
    Geo,
    Hash,
    Connection,
    Server,
    Transactions,
    Stream,
    Pubsub,
    Scripting,
}

impl Group {
    pub const fn name(self) -> &'static str {
        match self {
            Group::Cluster => "cluster",
            Group::Generic => "generic",
            Group::String => "string",
            Group::List => "list",
            Group::Set => "set",
            Group::Bitmap => "bitmap",
            Group::HyperLogLog => "hyperloglog",
            Group::SortedSet => "sorted-set",
            Group::Geo => "geo",
            Group::Hash => "hash",
            Group::Connection => "connection",
            Group::Server => "server",
            Group::Transactions => "transactions",
            Group::Stream => "stream",
            Group::Pubsub => "pubsub",
            Group::Scripting => "scripting",
        }
    }
}

/// One argument of a command's syntax, or a block or a choice of several.
#[derive(Debug, Clone, Copy)]
pub struct Argument {
    pub name: &'static str,
    pub kind: ArgumentKind,
    /// The word that stands before the value, or for a [`ArgumentKind::Token`] alone.
    pub token: Option<&'static str>,
    /// How the syntax line calls the value, where that is not its name.
    pub display: Option<&'static str>,
    /// The Redis release that first had the argument, where the command is older.
    pub since: Option<&'static str>,
    /// The Redis release since which it should not be used any more.
    pub deprecated_since: Option<&'static str>,
    /// Which of the command's key specs finds this key.
    pub key_spec: Option<u8>,
    /// Redis does not have it.
    pub is_own: bool,
    pub optional: bool,
    pub multiple: bool,
    /// The token is repeated before each of several values.
    pub multiple_token: bool,
    /// What a block or a choice consists of.
    pub arguments: &'static [Argument],
}

/// What may stand in an argument's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgumentKind {
    String,
    Integer,
    Double,
    Key,
    Pattern,
    UnixTime,
    Token,
    OneOf,
    Block,
}

impl ArgumentKind {
    pub const fn name(self) -> &'static str {
        match self {
            ArgumentKind::String => "string",
            ArgumentKind::Integer => "integer",
            ArgumentKind::Double => "double",
            ArgumentKind::Key => "key",
            ArgumentKind::Pattern => "pattern",
            ArgumentKind::UnixTime => "unix-time",
            ArgumentKind::Token => "pure-token",
            ArgumentKind::OneOf => "oneof",
            ArgumentKind::Block => "block",
        }
    }
}

impl Argument {
    const fn new(name: &'static str, kind: ArgumentKind) -> Argument {
        Argument {
            name,
            kind,
            token: None,
            display: None,
            since: None,
            deprecated_since: None,
            key_spec: None,
            is_own: false,
            optional: false,
            multiple: false,
            multiple_token: false,
            arguments: &[],
        }
    }

    pub const fn optional(mut self) -> Argument {
        self.optional = true;
        self
    }

    /// Redis does not have it.
    pub const fn own(mut self) -> Argument {
        self.is_own = true;
        self
    }

    pub const fn multiple(mut self) -> Argument {
        self.multiple = true;
        self
    }

    pub const fn multiple_token(mut self) -> Argument {
        self.multiple_token = true;
        self
    }

    pub const fn after(mut self, token: &'static str) -> Argument {
        self.token = Some(token);
        self
    }

    pub const fn shown(mut self, display: &'static str) -> Argument {
        self.display = Some(display);
        self
    }

    pub const fn since(mut self, version: &'static str) -> Argument {
        self.since = Some(version);
        self
    }

    pub const fn deprecated_since(mut self, version: &'static str) -> Argument {
        self.deprecated_since = Some(version);
        self
    }
}

pub const fn string(name: &'static str) -> Argument {
    Argument::new(name, ArgumentKind::String)
}

pub const fn integer(name: &'static str) -> Argument {
    Argument::new(name, ArgumentKind::Integer)
}

pub const fn double(name: &'static str) -> Argument {
    Argument::new(name, ArgumentKind::Double)
}

pub const fn pattern(name: &'static str) -> Argument {
    Argument::new(name, ArgumentKind::Pattern)
}

pub const fn unix_time(name: &'static str) -> Argument {
    Argument::new(name, ArgumentKind::UnixTime)
}

pub const fn token(name: &'static str, token: &'static str) -> Argument {
    Argument::new(name, ArgumentKind::Token).after(token)
}

/// A key that the command's key spec number `key_spec` finds.
pub const fn key(name: &'static str, key_spec: u8) -> Argument {
    let mut argument = Argument::new(name, ArgumentKind::Key);
    argument.key_spec = Some(key_spec);
    argument
}

pub const fn one_of(name: &'static str, arguments: &'static [Argument]) -> Argument {
    let mut argument = Argument::new(name, ArgumentKind::OneOf);
    argument.arguments = arguments;
    argument
}

pub const fn block(name: &'static str, arguments: &'static [Argument]) -> Argument {
    let mut argument = Argument::new(name, ArgumentKind::Block);
    argument.arguments = arguments;
    argument
}
