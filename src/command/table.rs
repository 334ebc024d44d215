//! The command table: the facts of each command beside the function that does it.

use std::sync::LazyLock;

use super::cx::Cx;
use super::error::{Error, Outcome};
use super::session::Session;
use super::spec::{self, Folded, NameIndex, Spec};
use crate::keyspace::{Keyspace, ShardSet};

/// Does a command: reads its arguments (the name first), changes values through `cx.tx`, writes its
/// reply to `cx.reply`. On an error nothing is written and nothing changed.
pub type Handler = fn(&mut Cx<'_, '_>, &[&[u8]]) -> Outcome;

/// Which shards a command runs under.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Locks {
    /// Those of its keys, as its spec finds them; none for a command without keys.
    Keys,
    /// None, although it may name channels where others name keys.
    None,
    /// All: it sees whole databases, or finds its keys only while running.
    All,
    /// Those of its keys, or all if elements name more of them (SORT with BY or GET).
    Sorted,
    /// Those of the connection's watched keys (UNWATCH, DISCARD).
    Watched,
    /// Those of the queued commands and of the watched keys (EXEC).
    Queued,
}

/// A family's line for one command: its name in the specs (`xgroup|create`), and how to do it.
pub struct Entry {
    pub name: &'static str,
    pub run: Handler,
    pub locks: Locks,
}

/// A command under the locks of its keys.
pub const fn keys(name: &'static str, run: Handler) -> Entry {
    Entry { name, run, locks: Locks::Keys }
}

/// A command without locks.
pub const fn free(name: &'static str, run: Handler) -> Entry {
    Entry { name, run, locks: Locks::None }
}

/// A command under the locks of its keys, or all where BY or GET asks for more.
pub const fn sorting(name: &'static str, run: Handler) -> Entry {
    Entry { name, run, locks: Locks::Sorted }
}

/// A command under all locks.
pub const fn all(name: &'static str, run: Handler) -> Entry {
    Entry { name, run, locks: Locks::All }
}

/// A command as it can be called.
pub struct Command {
    pub spec: &'static Spec,
    pub run: Handler,
    pub locks: Locks,
    /// Its place in [`commands`]: statistics are kept by it.
    pub index: usize,
    /// Its first word, where that alone tells it and is not longer than a [`Folded`] holds.
    folded: Option<Folded>,
}

/// A command or a container of commands, by its first word.
struct Top {
    spec: &'static Spec,
    command: Option<usize>,
    /// Short names of the commands below it.
    below: Vec<(&'static str, usize)>,
}

impl Top {
    /// The place of a command below this one.
    fn find(&self, word: &[u8]) -> Option<usize> {
        let named = |(name, _): &&(&str, usize)| name.as_bytes().eq_ignore_ascii_case(word);
        self.below.iter().find(named).map(|&(_, at)| at)
    }
}

struct Table {
    commands: Vec<Command>,
    tops: Vec<Top>,
    /// Of the tops.
    specs: Vec<&'static Spec>,
    names: NameIndex<2048>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::build(super::FAMILIES, spec::ALL));
/// Commands that stand in effects only.
static INTERNAL: LazyLock<Table> =
    LazyLock::new(|| Table::build(super::INTERNAL, &[spec::internal::ALL]));

/// Every command and subcommand that is served.
pub fn commands() -> &'static [Command] {
    &TABLE.commands
}

/// The facts of every command that is served, containers without what is below them.
pub fn tops() -> &'static [&'static Spec] {
    &TABLE.specs
}

/// The facts of the containers that are no commands by themselves.
pub fn containers() -> impl Iterator<Item = &'static Spec> {
    TABLE.tops.iter().filter(|top| top.command.is_none()).map(|top| top.spec)
}

/// The subcommands of a container that are served; none for any other command.
pub fn below(spec: &Spec) -> impl Iterator<Item = &'static Spec> {
    let top = TABLE.top(spec.name.as_bytes()).map_or(&[][..], |top| &top.below);
    top.iter().map(|&(_, at)| TABLE.commands[at].spec)
}

/// The facts of a command by its full name, `get` or `xgroup|create`.
pub fn spec_named(name: &[u8]) -> Option<&'static Spec> {
    match name.iter().position(|byte| *byte == b'|') {
        None => TABLE.top(name).map(|top| top.spec),
        Some(at) => TABLE.top(&name[..at])?.find(&name[at + 1..]).map(|at| TABLE.commands[at].spec),
    }
}

/// The facts of the command or container that a request names.
pub fn spec_of(request: &[&[u8]]) -> Option<&'static Spec> {
    let top = TABLE.top(request[0])?;
    match request.get(1) {
        Some(word) if !top.below.is_empty() => top.find(word).map(|at| TABLE.commands[at].spec),
        _ => Some(top.spec),
    }
}

/// Finds the command that a request names, by its first word or, in a container, its first two.
pub fn lookup(args: &[&[u8]]) -> Result<&'static Command, Error> {
    TABLE.lookup(args)
}

/// As [`lookup`], looking first whether it is `last` again.
#[inline]
pub fn lookup_after(
    last: Option<&'static Command>,
    args: &[&[u8]],
) -> Result<&'static Command, Error> {
    match last {
        Some(last) if last.folded.is_some_and(|it| it == Folded::new(args[0])) => Ok(last),
        _ => lookup(args),
    }
}

/// Finds the command that an effect names.
pub fn lookup_effect(args: &[&[u8]]) -> Result<&'static Command, Error> {
    // Looked at first, so that no error is made of a name that is only found in the other one.
    if INTERNAL.top(args[0]).is_some() { INTERNAL.lookup(args) } else { TABLE.lookup(args) }
}

fn unknown_command(args: &[&[u8]]) -> Error {
    // Redis shows at most 128 bytes of name and of arguments.
    const SHOWN_BYTES_MAX: usize = 128;
    let name = &args[0][..args[0].len().min(SHOWN_BYTES_MAX)];
    let mut parts: Vec<&[u8]> =
        vec![b"ERR unknown command '", name, b"', with args beginning with: "];
    let mut shown = 0;
    for arg in &args[1..] {
        if shown >= SHOWN_BYTES_MAX {
            break;
        }
        let part = &arg[..arg.len().min(SHOWN_BYTES_MAX - shown)];
        let part = part.split(|&byte| byte == 0).next().unwrap_or(part);
        parts.extend([b"'".as_slice(), part, b"' "]);
        shown += part.len() + 3;
    }
    Error::quoting(&parts)
}

fn unknown_subcommand(container: &str, word: &[u8]) -> Error {
    let word = &word[..word.len().min(128)];
    let container = container.to_uppercase();
    Error::quoting(&[
        b"ERR unknown subcommand '",
        word,
        b"'. Try ",
        container.as_bytes(),
        b" HELP.",
    ])
}

impl Table {
    fn build(families: &[&[Entry]], specs: &[&[&'static Spec]]) -> Table {
        let mut table = Table {
            commands: Vec::new(),
            tops: Vec::new(),
            specs: Vec::new(),
            names: NameIndex::new(),
        };
        for entry in families.iter().flat_map(|family| family.iter()) {
            table.add(entry, specs);
        }
        for top in table.tops.iter().filter(|top| top.below.is_empty()) {
            if let Some(at) = top.command {
                let name = top.spec.name.as_bytes();
                let is_short = name.len() <= Folded::NAME_BYTES_MAX;
                table.commands[at].folded = is_short.then(|| Folded::new(name));
            }
        }
        table
    }

    fn top(&self, name: &[u8]) -> Option<&Top> {
        let at = self.names.find(name, |at| self.tops[at].spec.name);
        at.map(|at| &self.tops[at])
    }

    fn lookup(&'static self, args: &[&[u8]]) -> Result<&'static Command, Error> {
        let top = self.top(args[0]).ok_or_else(|| unknown_command(args))?;
        if !top.below.is_empty() && args.len() > 1 {
            return match top.find(args[1]) {
                Some(at) => Ok(&self.commands[at]),
                None => Err(unknown_subcommand(top.spec.name, args[1])),
            };
        }
        match top.command {
            Some(at) => Ok(&self.commands[at]),
            None => Err(Error::wrong_arity(top.spec.name)),
        }
    }

    fn add(&mut self, entry: &Entry, specs: &[&[&'static Spec]]) {
        let first = entry.name.split('|').next().unwrap_or(entry.name);
        let specs = specs.iter().flat_map(|group| group.iter());
        let top = specs.copied().find(|spec| spec.name == first);
        let top = top.unwrap_or_else(|| panic!("no facts are known of {first}"));
        let at = match self.tops.iter().position(|known| known.spec.name == first) {
            Some(at) => at,
            None => {
                let at = self.tops.len();
                self.specs.push(top);
                self.tops.push(Top { spec: top, command: None, below: Vec::new() });
                let names = std::mem::take(&mut self.names);
                self.names = names.with(first, at);
                at
            }
        };
        let index = self.commands.len();
        let spec = if entry.name == first {
            self.tops[at].command = Some(index);
            top
        } else {
            let below = top.subcommands.iter().find(|spec| spec.name == entry.name);
            let below = below.unwrap_or_else(|| panic!("no facts are known of {}", entry.name));
            self.tops[at].below.push((below.short_name(), index));
            below
        };
        let (run, locks) = (entry.run, entry.locks);
        self.commands.push(Command { spec, run, locks, index, folded: None });
    }
}

impl Command {
    /// The shards that a call has to lock.
    pub fn shards(&self, keyspace: &Keyspace, session: &Session, args: &[&[u8]]) -> ShardSet {
        match self.locks {
            Locks::None => ShardSet::NONE,
            Locks::All => ShardSet::ALL,
            Locks::Sorted if super::keys::names_keys_while_running(args) => ShardSet::ALL,
            Locks::Keys | Locks::Sorted => self.key_shards(keyspace, args),
            Locks::Watched => session.watched_shards(keyspace),
            Locks::Queued => {
                let queued = session.queued().iter().map(|queued| {
                    let args = queued.args();
                    queued.command.shards(keyspace, session, &args)
                });
                queued.collect::<ShardSet>().union(session.watched_shards(keyspace))
            }
        }
    }

    fn key_shards(&self, keyspace: &Keyspace, args: &[&[u8]]) -> ShardSet {
        if self.spec.keys.is_empty() {
            return ShardSet::NONE;
        }
        if let Some(at) = self.spec.usual_key(args) {
            return keyspace.shard_of(args[at]);
        }
        let keys = self.spec.keys_of(args);
        keys.iter().map(|key| keyspace.shard_of(args[key.position as usize])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_before_never_shows() {
        let words: Vec<&[u8]> = tops().iter().map(|spec| spec.name.as_bytes()).collect();
        for last in commands().iter().map(Some).chain([None]) {
            for word in &words {
                let upper = word.to_ascii_uppercase();
                let longer = [word, &b"x"[..]].concat();
                for name in [word, upper.as_slice(), longer.as_slice(), &word[1..]] {
                    for args in [&[name][..], &[name, b"help"]] {
                        let found = lookup_after(last, args).ok().map(|command| command.index);
                        assert_eq!(found, lookup(args).ok().map(|command| command.index));
                    }
                }
            }
        }
    }
}
