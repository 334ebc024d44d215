//! The first line of a script: `#!lua name=… flags=…`.

use crate::resp::decode::split_words;

/// What a script says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Flags(u8);

impl Flags {
    /// It changes nothing.
    pub const NO_WRITES: Flags = Flags(1);
    /// It may run when memory is at its limit.
    pub const ALLOW_OOM: Flags = Flags(2);
    pub const ALLOW_STALE: Flags = Flags(4);
    pub const NO_CLUSTER: Flags = Flags(8);
    pub const ALLOW_CROSS_SLOT_KEYS: Flags = Flags(16);

    /// Each with its name, in the order in which they are told.
    pub const NAMES: [(Flags, &'static str); 5] = [
        (Flags::NO_WRITES, "no-writes"),
        (Flags::ALLOW_OOM, "allow-oom"),
        (Flags::ALLOW_STALE, "allow-stale"),
        (Flags::NO_CLUSTER, "no-cluster"),
        (Flags::ALLOW_CROSS_SLOT_KEYS, "allow-cross-slot-keys"),
    ];

    pub fn has(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    #[must_use]
    pub fn with(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }

    pub fn named(name: &[u8]) -> Option<Flags> {
        Flags::NAMES.iter().find(|(_, known)| known.as_bytes() == name).map(|(flag, _)| *flag)
    }

    /// The names of the flags that are set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Flags::NAMES.iter().filter(move |(flag, _)| self.has(*flag)).map(|(_, name)| *name)
    }
}

/// A script's first line, taken apart.
#[derive(Clone, Debug)]
pub struct Shebang {
    /// What stands behind `#!`.
    pub engine: Vec<u8>,
    pub options: Vec<Vec<u8>>,
    /// The line's length, without its end: the rest keeps its line numbers.
    pub len: usize,
}

/// What is wrong with a first line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BadShebang {
    /// It has no end.
    Open,
    /// Its quotes are not balanced.
    Quotes,
}

impl Shebang {
    /// The first line of a script, in words that may be quoted; `None` if it does not begin with `#!`.
    ///
    /// # Errors
    /// It cannot be taken apart.
    pub fn of(source: &[u8]) -> Option<Result<Shebang, BadShebang>> {
        if !source.starts_with(b"#!") {
            return None;
        }
        let Some(len) = memchr::memchr(b'\n', source) else { return Some(Err(BadShebang::Open)) };
        let Some(words) = split_words(&source[..len]) else {
            return Some(Err(BadShebang::Quotes));
        };
        let mut words = words.into_iter();
        let engine = words.next().map_or_else(Vec::new, |word| word[2..].to_vec());
        Some(Ok(Shebang { engine, options: words.collect(), len }))
    }
}

/// What the text of a script states of itself, if it does.
pub fn flags_of_source(source: &[u8]) -> Option<Flags> {
    Some(eval_flags(source).ok()??.0)
}

/// The flags that a script for EVAL states and the length of its first line; `None` where there is
/// no such line: then everything is allowed that was allowed before there were flags.
///
/// # Errors
/// The line is not as it should be; the error's text.
pub(super) fn eval_flags(source: &[u8]) -> Result<Option<(Flags, usize)>, Vec<u8>> {
    let shebang = match Shebang::of(source) {
        None => return Ok(None),
        Some(shebang) => shebang.map_err(|bad| match bad {
            BadShebang::Open => b"ERR Invalid script shebang".to_vec(),
            BadShebang::Quotes => b"ERR Invalid engine in script shebang".to_vec(),
        })?,
    };
    if shebang.engine != b"lua" {
        let text = [b"ERR Unexpected engine in script shebang: #!", &*shebang.engine].concat();
        return Err(text);
    }
    let mut flags = Flags::default();
    for option in &shebang.options {
        let Some(names) = option.strip_prefix(b"flags=") else {
            return Err([b"ERR Unknown lua shebang option: ", &**option].concat());
        };
        // Nothing at all is no flag; nothing between two commas is one without a name.
        for name in names.split(|byte| *byte == b',').filter(|_| !names.is_empty()) {
            let flag = Flags::named(name)
                .ok_or_else(|| [b"ERR Unexpected flag in script shebang: ", name].concat())?;
            flags = flags.with(flag);
        }
    }
    Ok(Some((flags, shebang.len)))
}
