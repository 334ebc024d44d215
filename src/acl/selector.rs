//! One set of what a user may do: commands, keys and channels, all of which have to fit.

use super::catalog::Catalog;
use super::demand::{ChannelUse, Demand, Denial, KeyUse, Reason};
use super::rule::RuleError;
use crate::glob::{self, Case};

/// Commands, keys and channels that are allowed together.
///
/// The commands are kept twice: as bits, which requests are held to, and as the rules that led to
/// them, which is how they are told. A rule leaves the list when a later one makes it say nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Selector {
    /// One bit for each command of the catalog.
    allowed: Vec<u64>,
    /// Commands that the catalog does not know yet are allowed: the rules start from `+@all`.
    from_all: bool,
    /// Every command is, whatever its bit: nothing was taken away since `+@all`.
    all_commands: bool,
    /// What came since `+@all` or `-@all`.
    rules: Vec<CommandRule>,
    /// Commands that are not allowed but with certain first arguments.
    first_args: Vec<(usize, Vec<Vec<u8>>)>,
    all_keys: bool,
    keys: Vec<KeyPattern>,
    all_channels: bool,
    channels: Vec<Vec<u8>>,
}

/// A command, a category or a command with a first argument, allowed or not.
#[derive(Clone, PartialEq, Eq, Debug)]
struct CommandRule {
    allows: bool,
    /// Lower case: `get`, `config|get`, `@read`, `select|0`.
    name: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct KeyPattern {
    pattern: Vec<u8>,
    reads: bool,
    writes: bool,
}

impl Selector {
    /// Allows nothing, or nothing but every channel.
    pub(super) fn new(catalog: &Catalog, all_channels: bool) -> Selector {
        Selector {
            allowed: vec![0; catalog.len().div_ceil(64)],
            from_all: false,
            all_commands: false,
            rules: Vec::new(),
            first_args: Vec::new(),
            all_keys: false,
            keys: Vec::new(),
            all_channels,
            channels: Vec::new(),
        }
    }

    /// Applies one rule. On an error nothing has changed.
    pub(super) fn apply(&mut self, rule: &[u8], catalog: &Catalog) -> Result<(), RuleError> {
        let is = |name: &str| rule.eq_ignore_ascii_case(name.as_bytes());
        match rule {
            _ if is("allkeys") || is("~*") => {
                self.all_keys = true;
                self.keys.clear();
            }
            _ if is("resetkeys") => {
                self.all_keys = false;
                self.keys.clear();
            }
            _ if is("allchannels") || is("&*") => {
                self.all_channels = true;
                self.channels.clear();
            }
            _ if is("resetchannels") => {
                self.all_channels = false;
                self.channels.clear();
            }
            _ if is("allcommands") || is("+@all") => self.start_from(true),
            _ if is("nocommands") || is("-@all") => self.start_from(false),
            [b'~' | b'%', ..] => self.add_keys(rule)?,
            [b'&', pattern @ ..] => self.add_channels(pattern)?,
            [sign @ (b'+' | b'-'), b'@', ..] => {
                self.set_category(&rule[1..], *sign == b'+', catalog)?;
            }
            [b'+', name @ ..] => self.allow(name, catalog)?,
            [b'-', name @ ..] => {
                let command = catalog.find(name).ok_or(RuleError::UnknownName)?;
                self.set_command(command, false, catalog);
                self.note_rule(false, catalog.get(command).name.as_bytes());
            }
            _ => return Err(RuleError::Syntax),
        }
        Ok(())
    }

    fn start_from(&mut self, all: bool) {
        self.allowed.fill(if all { u64::MAX } else { 0 });
        self.from_all = all;
        self.all_commands = all;
        self.rules.clear();
        self.first_args.clear();
    }

    fn add_keys(&mut self, rule: &[u8]) -> Result<(), RuleError> {
        if self.all_keys {
            return Err(RuleError::KeysAllowedAlready);
        }
        let added = KeyPattern::parse(rule)?;
        match self.keys.iter_mut().find(|known| known.pattern == added.pattern) {
            Some(known) => {
                known.reads |= added.reads;
                known.writes |= added.writes;
            }
            None => self.keys.push(added),
        }
        Ok(())
    }

    fn add_channels(&mut self, pattern: &[u8]) -> Result<(), RuleError> {
        if self.all_channels {
            return Err(RuleError::ChannelsAllowedAlready);
        }
        if has_blanks(pattern) {
            return Err(RuleError::Syntax);
        }
        if !self.channels.iter().any(|known| known == pattern) {
            self.channels.push(pattern.to_vec());
        }
        Ok(())
    }

    /// `+name`, `+container|name`, or `+name|first-argument`.
    fn allow(&mut self, name: &[u8], catalog: &Catalog) -> Result<(), RuleError> {
        let Some(at) = name.iter().rposition(|byte| *byte == b'|') else {
            let command = catalog.find(name).ok_or(RuleError::UnknownName)?;
            self.set_command(command, true, catalog);
            self.note_rule(true, catalog.get(command).name.as_bytes());
            return Ok(());
        };
        let (head, word) = (&name[..at], &name[at + 1..]);
        let command = catalog.find(head).ok_or(RuleError::UnknownName)?;
        if head.contains(&b'|') {
            return Err(RuleError::FirstArgOfSubcommand);
        }
        if word.is_empty() {
            return Err(RuleError::Syntax);
        }
        if catalog.below(command).is_empty() {
            self.allow_first_arg(command, word);
        } else {
            let command = catalog.find(name).ok_or(RuleError::UnknownName)?;
            self.set_command(command, true, catalog);
        }
        self.note_rule(true, name);
        Ok(())
    }

    fn allow_first_arg(&mut self, command: usize, word: &[u8]) {
        let words = match self.first_args.iter_mut().find(|(known, _)| *known == command) {
            Some((_, words)) => words,
            None => {
                self.first_args.push((command, Vec::new()));
                &mut self.first_args.last_mut().expect("one was pushed").1
            }
        };
        if !words.iter().any(|known| known.eq_ignore_ascii_case(word)) {
            words.push(word.to_vec());
        }
    }

    /// `name` is with its `@`.
    fn set_category(
        &mut self,
        name: &[u8],
        allows: bool,
        catalog: &Catalog,
    ) -> Result<(), RuleError> {
        let category = catalog.category(&name[1..]).ok_or(RuleError::UnknownName)?;
        self.note_rule(allows, name);
        for command in catalog.in_category(category) {
            self.set_command(command, allows, catalog);
        }
        Ok(())
    }

    /// Allows a command and all below it, or not.
    fn set_command(&mut self, command: usize, allows: bool, catalog: &Catalog) {
        let bit = 1 << (command % 64);
        if allows {
            self.allowed[command / 64] |= bit;
        } else {
            self.allowed[command / 64] &= !bit;
            self.all_commands = false;
        }
        self.first_args.retain(|(known, _)| *known != command);
        for &below in catalog.below(command) {
            self.set_command(below, allows, catalog);
        }
    }

    /// Notes a rule about commands as the last one. Earlier ones on the same name, or on what is
    /// below it, say nothing any more.
    fn note_rule(&mut self, allows: bool, name: &[u8]) {
        let name = name.to_ascii_lowercase();
        let is_within = |known: &[u8]| {
            known.strip_prefix(name.as_slice()).is_some_and(|rest| matches!(rest, [] | [b'|', ..]))
        };
        self.rules.retain(|rule| !is_within(&rule.name));
        self.rules.push(CommandRule { allows, name });
    }

    /// Whether nothing is refused.
    pub(super) fn allows_everything(&self) -> bool {
        self.all_commands && self.all_keys && self.all_channels
    }

    pub(super) fn allows_every_channel(&self) -> bool {
        self.all_channels
    }

    /// The patterns of channels that are allowed; none where all channels are.
    pub(super) fn channels(&self) -> &[Vec<u8>] {
        &self.channels
    }

    /// Whether every key may be read.
    fn reads_every_key(&self) -> bool {
        self.all_keys || self.keys.iter().any(|known| known.reads && known.pattern == b"*")
    }

    // --- Checking

    /// Whether a request is allowed.
    pub(super) fn check(&self, demand: &Demand<'_>, catalog: &Catalog) -> Result<(), Denial> {
        self.check_command(demand, catalog)?;
        let word = |position: usize| demand.words[position];
        let denied_key = demand.keys.iter().find(|key| !self.allows_key(word(key.position), **key));
        if let Some(key) = denied_key {
            return Err(Denial { reason: Reason::Key, position: key.position });
        }
        let denied_channel = demand
            .channels
            .iter()
            .find(|channel| !self.allows_channel(word(channel.position), **channel));
        match denied_channel {
            Some(channel) => Err(Denial { reason: Reason::Channel, position: channel.position }),
            None => Ok(()),
        }
    }

    /// As [`Selector::check`], for a request that also reads keys it does not name.
    pub(super) fn check_reading_any_key(
        &self,
        demand: &Demand<'_>,
        catalog: &Catalog,
    ) -> Result<(), Denial> {
        self.check(demand, catalog)?;
        match self.reads_every_key() {
            true => Ok(()),
            false => Err(Denial { reason: Reason::Key, position: 0 }),
        }
    }

    fn check_command(&self, demand: &Demand<'_>, catalog: &Catalog) -> Result<(), Denial> {
        let command = demand.command;
        let listed = catalog.get(command);
        if self.all_commands || listed.is_open || self.has_command(command) {
            return Ok(());
        }
        let denied = Denial { reason: Reason::Command, position: 0 };
        let first_args = self.first_args.iter().find(|(known, _)| *known == command);
        let (Some((_, allowed)), Some(word)) = (first_args, demand.words.get(1)) else {
            return Err(denied);
        };
        match allowed.iter().any(|known| known.eq_ignore_ascii_case(word)) {
            true => Ok(()),
            false => Err(denied),
        }
    }

    fn has_command(&self, command: usize) -> bool {
        self.allowed[command / 64] & (1 << (command % 64)) != 0
    }

    fn allows_key(&self, key: &[u8], wanted: KeyUse) -> bool {
        self.all_keys
            || self.keys.iter().any(|known| {
                (known.reads || !wanted.reads)
                    && (known.writes || !wanted.writes)
                    && glob::matches(&known.pattern, key, Case::Sensitive)
            })
    }

    /// Whether a channel may be used, or a pattern of channels subscribed to.
    pub(super) fn allows_channel(&self, name: &[u8], wanted: ChannelUse) -> bool {
        self.all_channels
            || self.channels.iter().any(|known| match wanted.is_pattern {
                true => known == name,
                false => glob::matches(known, name, Case::Sensitive),
            })
    }

    // --- Telling

    /// The rules that make the selector from one that allows nothing.
    pub(super) fn describe(&self) -> Vec<u8> {
        let mut parts = Vec::new();
        let keys = self.describe_keys();
        if !keys.is_empty() {
            parts.push(keys);
        }
        parts.push(match self.all_channels {
            true => b"&*".to_vec(),
            false => {
                let mut words = vec![b"resetchannels".to_vec()];
                words.extend(
                    self.channels.iter().map(|channel| [b"&", channel.as_slice()].concat()),
                );
                words.join(&b' ')
            }
        });
        parts.push(self.describe_commands());
        parts.join(&b' ')
    }

    /// The rules on keys; empty if there are none.
    pub fn describe_keys(&self) -> Vec<u8> {
        if self.all_keys {
            return b"~*".to_vec();
        }
        self.keys.iter().map(KeyPattern::describe).collect::<Vec<_>>().join(&b' ')
    }

    /// The patterns of channels; empty if there are none.
    pub fn describe_channels(&self) -> Vec<u8> {
        if self.all_channels {
            return b"&*".to_vec();
        }
        let channels = self.channels.iter().map(|channel| [b"&", channel.as_slice()].concat());
        channels.collect::<Vec<_>>().join(&b' ')
    }

    /// The rules on commands.
    pub fn describe_commands(&self) -> Vec<u8> {
        let mut text = if self.from_all { b"+@all".to_vec() } else { b"-@all".to_vec() };
        for rule in &self.rules {
            text.extend_from_slice(if rule.allows { b" +" } else { b" -" });
            text.extend_from_slice(&rule.name);
        }
        text
    }
}

impl KeyPattern {
    /// `~pattern`, or `%R~pattern`, `%W~pattern`, `%RW~pattern`. As in Redis the `~` may be missing
    /// where nothing follows.
    fn parse(rule: &[u8]) -> Result<KeyPattern, RuleError> {
        let mut parsed = KeyPattern { pattern: Vec::new(), reads: false, writes: false };
        let mut rest = &rule[1..];
        if rule[0] == b'~' {
            (parsed.reads, parsed.writes) = (true, true);
        } else {
            while let [letter, ref behind @ ..] = *rest {
                rest = behind;
                match letter.to_ascii_uppercase() {
                    b'R' if !parsed.reads => parsed.reads = true,
                    b'W' if !parsed.writes => parsed.writes = true,
                    b'~' => break,
                    _ => return Err(RuleError::Syntax),
                }
            }
        }
        if !parsed.reads && !parsed.writes || has_blanks(rest) {
            return Err(RuleError::Syntax);
        }
        parsed.pattern = rest.to_vec();
        Ok(parsed)
    }

    fn describe(&self) -> Vec<u8> {
        let sign: &[u8] = match (self.reads, self.writes) {
            (true, false) => b"%R~",
            (false, true) => b"%W~",
            _ => b"~",
        };
        [sign, &self.pattern].concat()
    }
}

/// Blanks and NULs cannot stand in a name or a pattern: the file of users could not hold them.
pub(super) fn has_blanks(word: &[u8]) -> bool {
    word.iter().any(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c | 0))
}
