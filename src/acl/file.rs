//! The file of users: a line for each, `user NAME RULE …`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::catalog::Catalog;
use super::rights::Rights;
use super::rule::{self, RuleError};
use super::selector::has_blanks;
use super::users::{Changed, User};

/// What loading a file did.
#[derive(Default)]
pub struct Loaded {
    /// Users that the file does not name.
    pub removed: Vec<Arc<User>>,
    /// Users that were there before and stay.
    pub changed: Vec<Changed>,
}

/// Everything that is wrong with a file, in Redis's words.
#[derive(Debug)]
pub struct LoadError(String);

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = "WARNING: ACL errors detected, no change to the previously active ACL rules was \
                   performed";
        write!(f, "{}{end}", self.0)
    }
}

impl std::error::Error for LoadError {}

/// A user's line, without its end.
pub(super) fn line_of(name: &[u8], rights: &Rights) -> Vec<u8> {
    [b"user ", name, b" ", &rights.describe()].concat()
}

/// The users of a file's text.
pub(super) fn parse(
    text: &[u8],
    file_name: &str,
    catalog: &Catalog,
    all_channels: bool,
) -> Result<BTreeMap<Box<[u8]>, Rights>, LoadError> {
    let mut parser =
        Parser { catalog, all_channels, users: BTreeMap::new(), errors: String::new() };
    for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = trim(line);
        if !line.is_empty() {
            parser.read_line(line, at + 1, file_name);
        }
    }
    if parser.errors.is_empty() { Ok(parser.users) } else { Err(LoadError(parser.errors)) }
}

struct Parser<'a> {
    catalog: &'a Catalog,
    all_channels: bool,
    users: BTreeMap<Box<[u8]>, Rights>,
    errors: String,
}

impl Parser<'_> {
    /// Every error is told, so that a file can be mended in one go.
    fn read_line(&mut self, line: &[u8], number: usize, file_name: &str) {
        let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
        let place = format!("{file_name}:{number}");
        let [b"user", name, ref rules @ ..] = *words else {
            self.errors +=
                &format!("{place} should start with user keyword followed by the username. ");
            return;
        };
        let shown = String::from_utf8_lossy(name);
        if has_blanks(name) {
            // Redis's text has this quote too.
            self.errors += &format!("'{place}: username '{shown}' contains invalid characters. ");
            return;
        }
        if self.users.contains_key(name) {
            self.errors += &format!("WARNING: Duplicate user '{shown}' found on line {number}. ");
            return;
        }
        let mut rights = Rights::none(self.catalog, self.all_channels);
        match rule::join_selectors(rules) {
            Ok(rules) => self.apply(&mut rights, &rules, &place),
            Err(_) => {
                self.errors += &format!("{place}: Unmatched parenthesis in selector definition.");
            }
        }
        self.users.insert(name.into(), rights);
    }

    fn apply(&mut self, rights: &mut Rights, rules: &[Vec<u8>], place: &str) {
        let mut is_told = false;
        for rule in rules {
            let rule = trim(rule);
            match rights.apply(rule, self.catalog, self.all_channels) {
                Ok(()) => {}
                // A name of a command is no secret, and each is worth knowing.
                Err(error @ RuleError::UnknownName) => {
                    let rule = String::from_utf8_lossy(rule);
                    let text = error.text();
                    self.errors +=
                        &format!("{place}: Error in applying operation '{rule}': {text}. ");
                }
                Err(error) if !is_told => {
                    self.errors += &format!("{place}: {}. ", error.text());
                    is_told = true;
                }
                // It may be wrong only because of the one before.
                Err(_) => {}
            }
        }
    }
}

fn trim(text: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let start = text.iter().position(|byte| !is_blank(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
    &text[start..end]
}
