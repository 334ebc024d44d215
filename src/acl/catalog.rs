//! The commands that rules can name.

use std::collections::HashMap;

/// A command or subcommand, as the command table tells of it.
#[derive(Clone, Copy, Debug)]
pub struct Listed {
    /// Lower case, with its container: `config|get`.
    pub name: &'static str,
    /// One bit a category.
    pub categories: u32,
    /// May be run by anybody, whoever has logged in or not (AUTH, HELLO, QUIT, RESET).
    pub is_open: bool,
}

/// All commands, each known by its place in the list.
pub struct Catalog {
    commands: Vec<Listed>,
    /// For each command the places of what is below it.
    below: Vec<Vec<usize>>,
    by_name: HashMap<&'static str, usize>,
    categories: Vec<(&'static str, u32)>,
}

impl Catalog {
    /// `categories` are the names of the bits, in the order in which they are told.
    pub fn new(commands: Vec<Listed>, categories: Vec<(&'static str, u32)>) -> Catalog {
        let by_name: HashMap<&'static str, usize> =
            commands.iter().enumerate().map(|(at, listed)| (listed.name, at)).collect();
        let mut below = vec![Vec::new(); commands.len()];
        for (at, listed) in commands.iter().enumerate() {
            if let Some((container, _)) = listed.name.split_once('|')
                && let Some(&container) = by_name.get(container)
            {
                below[container].push(at);
            }
        }
        Catalog { commands, below, by_name, categories }
    }

    pub fn len(&self) -> usize {
        self.commands.len()
    }

    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// The command at this place.
    pub fn get(&self, command: usize) -> &Listed {
        &self.commands[command]
    }

    /// The place of a command by its full name, in any case.
    pub fn find(&self, name: &[u8]) -> Option<usize> {
        let name = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
        self.by_name.get(name.as_str()).copied()
    }

    /// The places of the subcommands of a container.
    pub fn below(&self, command: usize) -> &[usize] {
        &self.below[command]
    }

    /// The bit of a category, by its name in any case, without `@`.
    pub fn category(&self, name: &[u8]) -> Option<u32> {
        let is_it = |(known, _): &&(&str, u32)| known.as_bytes().eq_ignore_ascii_case(name);
        self.categories.iter().find(is_it).map(|(_, bit)| *bit)
    }

    /// The names of all categories.
    pub fn categories(&self) -> impl ExactSizeIterator<Item = &'static str> {
        self.categories.iter().map(|(name, _)| *name)
    }

    /// The places of the commands of a category, without what comes in with their containers.
    pub fn in_category(&self, bit: u32) -> impl Iterator<Item = usize> {
        let listed = self.commands.iter().enumerate();
        listed.filter(move |(_, listed)| listed.categories & bit != 0).map(|(at, _)| at)
    }
}
