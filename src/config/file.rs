//! Reading the text of a configuration file: lines to values.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::setting::Kind;
use super::table::{self, SETTINGS};
use super::value::Value;
use super::words;
use crate::glob::{self, Case};

/// Includes within includes, before they are taken for a circle.
const INCLUDE_DEPTH_MAX: usize = 64;

/// Why the settings do not allow a start.
#[derive(Debug)]
pub enum StartError {
    Unreadable {
        path: PathBuf,
        error: io::Error,
    },
    /// A line that cannot be, in Redis's words.
    Line {
        number: usize,
        line: String,
        message: String,
    },
    Whole {
        message: String,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = env!("CARGO_PKG_VERSION");
        let head = format!("\n*** FATAL CONFIG FILE ERROR (Forebay {version}) ***\n");
        match self {
            Self::Unreadable { path, error } => {
                let reason = io_reason(error);
                write!(f, "Fatal error, can't open config file '{}': {reason}", path.display())
            }
            Self::Line { number, line, message } => write!(
                f,
                "{head}Reading the configuration file, at line {number}\n>>> '{line}'\n{message}"
            ),
            Self::Whole { message } => write!(f, "{head}{message}"),
        }
    }
}

impl std::error::Error for StartError {}

/// The system's words for an error, without the number that Rust appends.
pub fn io_reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_string(),
        None => text,
    }
}

/// Values as they are being gathered from files and command line.
pub(super) struct Loader {
    pub values: Vec<Value>,
    /// For each setting, the line that gave it last.
    pub given: Vec<Option<(usize, String)>>,
    pub users: Vec<UserLine>,
}

/// A line that describes a user, `user NAME RULE …`. What the rules say is read elsewhere.
#[derive(Clone, Debug)]
pub struct UserLine {
    /// The name, and the rules.
    pub words: Vec<Vec<u8>>,
    /// Where it stands, and as what.
    number: usize,
    line: String,
}

impl UserLine {
    /// The line cannot be, for this reason in Redis's words; `word` is what is wrong in it.
    pub fn refused(&self, word: &[u8], reason: &str) -> StartError {
        let word = String::from_utf8_lossy(word);
        StartError::Line {
            number: self.number,
            line: self.line.clone(),
            message: format!("Error in user declaration '{word}': {reason}"),
        }
    }
}

impl Loader {
    pub fn new(with_file: bool) -> Self {
        Self {
            values: SETTINGS.iter().map(|setting| setting.default_value(with_file)).collect(),
            given: vec![None; SETTINGS.len()],
            users: Vec::new(),
        }
    }

    /// Reads a file's text, as if its lines stood here.
    pub fn read_file(&mut self, path: &Path, depth: usize) -> Result<(), StartError> {
        let text = std::fs::read(path).map_err(|error| StartError::Unreadable {
            path: std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()),
            error,
        })?;
        self.read_text(&text, depth)
    }

    pub fn read_text(&mut self, text: &[u8], depth: usize) -> Result<(), StartError> {
        for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let line = trim(line);
            if line.is_empty() || line[0] == b'#' {
                continue;
            }
            let at_line = |message: String| StartError::Line {
                number: at + 1,
                line: String::from_utf8_lossy(line).into_owned(),
                message,
            };
            let mut words = words::split(line)
                .ok_or_else(|| at_line("Unbalanced quotes in configuration line".into()))?;
            // Empty only for a line of nothing but NULs.
            let Some(name) = words.first().map(|name| name.to_ascii_lowercase()) else { continue };
            words.remove(0);
            match (name.as_slice(), words.as_slice()) {
                (b"include", [path]) => self.include(path, depth).map_err(|error| match error {
                    IncludeError::TooDeep => at_line("include files include each other".into()),
                    IncludeError::Inside(error) => error,
                })?,
                (b"user", [_, ..]) => {
                    let line = String::from_utf8_lossy(line).into_owned();
                    self.users.push(UserLine { words, number: at + 1, line });
                }
                _ => {
                    let place = (at + 1, String::from_utf8_lossy(line).into_owned());
                    self.read_directive(&name, &words, place).map_err(at_line)?;
                }
            }
        }
        Ok(())
    }

    fn read_directive(
        &mut self,
        name: &[u8],
        words: &[Vec<u8>],
        place: (usize, String),
    ) -> Result<(), String> {
        let Some(at) = table::find(name) else {
            if let Some(directive) = table::find_directive(name) {
                return Err(directive.instead.into());
            }
            if table::is_obsolete(name) && words.len() == 1 {
                return Ok(());
            }
            return Err("Bad directive or wrong number of arguments".into());
        };
        let setting = &SETTINGS[at];
        if words.is_empty() {
            return Err("wrong number of arguments".into());
        }
        // Several words may be given as one: `--save "900 1"`.
        let split_again = match words {
            [word] if setting.shape.takes_several_words() && !word.is_empty() => {
                words::split(word).ok_or("Unbalanced quotes in configuration line")?
            }
            _ => words.to_vec(),
        };
        let mut value = setting.shape.parse(&split_again, &self.values[at])?;
        // Save points add up over the lines of a file; an empty one forgets those before it.
        if setting.name == "save"
            && self.given[at].is_some()
            && let (Value::List(before), Value::List(points)) = (&self.values[at], &mut value)
            && !points.is_empty()
        {
            points.splice(0..0, before.iter().cloned());
        }
        self.values[at] = value;
        self.given[at] = Some(place);
        Ok(())
    }

    fn include(&mut self, pattern: &[u8], depth: usize) -> Result<(), IncludeError> {
        if depth == INCLUDE_DEPTH_MAX {
            return Err(IncludeError::TooDeep);
        }
        let pattern = String::from_utf8_lossy(pattern);
        for path in expand(&pattern) {
            self.read_file(&path, depth + 1).map_err(IncludeError::Inside)?;
        }
        Ok(())
    }

    /// Refuses what is not built and was not switched off by a later line.
    pub fn check_refused(&self) -> Result<(), StartError> {
        for (at, setting) in SETTINGS.iter().enumerate() {
            let Kind::Refused(instead) = setting.kind else { continue };
            let Some((number, line)) = &self.given[at] else { continue };
            if self.values[at] != setting.default_value(false) {
                return Err(StartError::Line {
                    number: *number,
                    line: line.clone(),
                    message: instead.into(),
                });
            }
        }
        Ok(())
    }
}

enum IncludeError {
    TooDeep,
    Inside(StartError),
}

fn trim(line: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let start = line.iter().position(|byte| !blank(byte)).unwrap_or(line.len());
    let end = line.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
    &line[start..end]
}

/// The files that an include names, in order of their names. A pattern may match none; a plain name
/// is given back whether it exists or not, so that its absence is an error.
fn expand(pattern: &str) -> Vec<PathBuf> {
    if !glob::is_pattern(pattern.as_bytes()) {
        return vec![PathBuf::from(pattern)];
    }
    let mut found = vec![PathBuf::from(if pattern.starts_with('/') { "/" } else { "" })];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        if !glob::is_pattern(part.as_bytes()) {
            found.iter_mut().for_each(|path| path.push(part));
            continue;
        }
        found = found.iter().flat_map(|directory| entries_like(directory, part)).collect();
    }
    found.retain(|path| path.exists());
    found
}

/// The entries of a directory whose names match; hidden ones only on request.
fn entries_like(directory: &Path, part: &str) -> Vec<PathBuf> {
    let listed = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let names = std::fs::read_dir(listed).into_iter().flatten().flatten();
    let mut matching: Vec<PathBuf> = names
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.') || part.starts_with('.'))
        .filter(|name| glob::matches(part.as_bytes(), name.as_bytes(), Case::Sensitive))
        .map(|name| directory.join(name))
        .collect();
    matching.sort();
    matching
}
