//! Settings: the command line and a redis.conf to one [`Config`].
//!
//! Each setting stands once, in [`table`]: name, shape, default, whether it can change while
//! running, and what it means here. The room knows nothing of the others, so any of them may read
//! it: what takes effect is in [`Live`], typed and free of locks, and a `Config` dereferences to
//! that: `config.maxclients.get()`.
//!
//! # Defaults
//!
//! They are Redis's, but for these: `bind` is loopback (`127.0.0.1 -::1`); `dir` is `./forebay-data`,
//! made if it is missing; and where no configuration file is given, `appendonly` is `yes` and
//! `appendfsync` is `always`. A file brings Redis's defaults for the last two, because its author
//! wrote it with those in mind; the command line alone does not. See [`Promise`] for what follows.

mod arguments;
mod change;
mod file;
mod live;
mod promise;
mod rewrite;
mod setting;
pub mod table;
mod value;
mod words;

#[cfg(test)]
mod tests;

use std::io::Read;
use std::path::{Path, PathBuf};

use parking_lot::{Mutex, RwLock};

pub use arguments::{Invocation, Sources};
pub use change::{Hook, SetError};
pub use file::{StartError, UserLine, io_reason};
pub use live::{Flag, Live, Number, OutputLimits, Shared};
pub use promise::Promise;
pub use rewrite::{RewriteError, replace_file};
pub use setting::{Change, Kind, Setting};
pub use value::{ClientClass, OutputLimit, Shape, Value, parse_memory};
pub use words::{quote, split, word};

use crate::glob::{self, Case};
use file::Loader;
use table::SETTINGS;

/// All settings of a server.
///
/// Invariant: `live` holds what `values` holds, for every setting that takes effect; both change
/// together, under the write lock of `values`.
pub struct Config {
    live: Live,
    /// One for each row of the table.
    values: RwLock<Vec<Value>>,
    /// Which rows somebody gave, at start or by CONFIG SET.
    given: RwLock<Vec<bool>>,
    hooks: Mutex<Vec<(usize, Hook)>>,
    users: Vec<UserLine>,
    /// The configuration file, absolute, if there is one.
    file: Option<PathBuf>,
    /// Where relative paths start.
    base: PathBuf,
}

impl Config {
    /// The settings of a server that was given none.
    pub fn defaults() -> Self {
        Self::from_loader(Loader::new(false), None, PathBuf::from("."))
    }

    /// Reads file, standard input and command line.
    ///
    /// # Errors
    /// What is wrong, and in which line: unknown names, bad values, and settings that are not built.
    pub fn load(sources: &Sources) -> Result<Self, StartError> {
        let file = match &sources.file {
            Some(path) => Some(
                std::path::absolute(path)
                    .map_err(|error| StartError::Unreadable { path: path.clone(), error })?,
            ),
            None => None,
        };
        let text = gather_text(file.as_deref(), sources)?;
        let mut loader = Loader::new(file.is_some() || sources.from_stdin);
        loader.read_text(&text, 0)?;
        loader.check_refused()?;
        let base = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        Ok(Self::from_loader(loader, file, base))
    }

    /// The settings that these lines of a redis.conf give, as from the command line.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn from_lines(lines: &str) -> Result<Self, StartError> {
        Self::load(&Sources { lines: lines.as_bytes().to_vec(), ..Sources::default() })
    }

    fn from_loader(loader: Loader, file: Option<PathBuf>, base: PathBuf) -> Self {
        let config = Self {
            live: Live::default(),
            values: RwLock::new(loader.values),
            given: RwLock::new(loader.given.iter().map(Option::is_some).collect()),
            hooks: Mutex::default(),
            users: loader.users,
            file,
            base,
        };
        for (at, value) in config.values.read().iter().enumerate() {
            config.apply(at, value);
        }
        config
    }

    /// Copies a value to where the server reads it.
    fn apply(&self, at: usize, value: &Value) {
        if let Kind::Effective(apply) = SETTINGS[at].kind {
            apply(&self.live, value);
        }
    }

    /// The settings whose names match one of these patterns, with their values, as CONFIG GET
    /// answers: a plain name comes back as it was asked for, and nothing comes twice.
    pub fn get(&self, patterns: &[&[u8]]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let values = self.values.read();
        let given = self.given.read();
        let mut found: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        for pattern in patterns {
            for (at, setting) in SETTINGS.iter().enumerate() {
                for name in setting.names().map(str::as_bytes) {
                    let plain = pattern.eq_ignore_ascii_case(name);
                    let matched = plain
                        || (glob::matches(pattern, name, Case::Ignored)
                            && (!setting.hidden || given[at]));
                    let seen = |(known, _): &(Vec<u8>, Vec<u8>)| known.eq_ignore_ascii_case(name);
                    if matched && !found.iter().any(seen) {
                        let shown_name = if plain { pattern.to_vec() } else { name.to_vec() };
                        found.push((shown_name, self.shown(at, &values[at])));
                    }
                }
            }
        }
        found
    }

    /// One setting's value as CONFIG GET shows it; none for a name that is not known.
    pub fn get_one(&self, name: &str) -> Option<Vec<u8>> {
        let at = table::find(name.as_bytes())?;
        Some(self.shown(at, &self.values.read()[at]))
    }

    fn shown(&self, at: usize, value: &Value) -> Vec<u8> {
        let setting = &SETTINGS[at];
        if setting.name == "dir" {
            return self.dir_path().into_os_string().into_encoded_bytes();
        }
        setting.shape.show(value)
    }

    /// The users that file and command line describe.
    pub fn users(&self) -> &[UserLine] {
        &self.users
    }

    /// The configuration file, absolute.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Where data is kept, absolute.
    pub fn dir_path(&self) -> PathBuf {
        self.absolute(&self.dir.get())
    }

    /// A path of a setting (`logfile`, `pidfile`, `unixsocket`), absolute. Redis works in its `dir`,
    /// so a relative path is beneath it if `dir` was given; else it is where the server started.
    pub fn resolve(&self, path: &[u8]) -> PathBuf {
        let dir = table::find(b"dir").expect("the table has dir");
        if self.given.read()[dir] {
            self.dir_path().join(to_path(path))
        } else {
            self.absolute(path)
        }
    }

    fn absolute(&self, path: &[u8]) -> PathBuf {
        let joined = self.base.join(to_path(path));
        // Removes the `./` that the default of `dir` starts with; touches no file.
        std::path::absolute(&joined).unwrap_or(joined)
    }

    /// Was this setting given, by file, command line or CONFIG SET?
    pub fn is_given(&self, name: &str) -> bool {
        table::find(name.as_bytes()).is_some_and(|at| self.given.read()[at])
    }

    /// The names that were given and have no effect here, for one line of the log.
    pub fn given_without_effect(&self) -> Vec<&'static str> {
        let given = self.given.read();
        let rows = SETTINGS.iter().zip(given.iter());
        rows.filter(|(setting, given)| **given && matches!(setting.kind, Kind::Tuning))
            .map(|(setting, _)| setting.name)
            .collect()
    }
}

/// Does this setting hold a password, which has to stay out of logs?
pub fn holds_secret(name: &[u8]) -> bool {
    const SECRET: [&[u8]; 4] =
        [b"requirepass", b"masterauth", b"tls-key-file-pass", b"tls-client-key-file-pass"];
    let row = table::find(name).map(|at| SETTINGS[at].name.as_bytes());
    row.is_some_and(|name| SECRET.contains(&name))
}

fn to_path(bytes: &[u8]) -> &Path {
    use std::os::unix::ffi::OsStrExt;
    Path::new(std::ffi::OsStr::from_bytes(bytes))
}

/// File, standard input and command line as one text, so that line numbers in errors count as
/// Redis counts them.
fn gather_text(file: Option<&Path>, sources: &Sources) -> Result<Vec<u8>, StartError> {
    let mut text = Vec::new();
    if let Some(path) = file {
        text = std::fs::read(path)
            .map_err(|error| StartError::Unreadable { path: path.to_path_buf(), error })?;
    }
    if sources.from_stdin {
        std::io::stdin()
            .read_to_end(&mut text)
            .map_err(|error| StartError::Unreadable { path: PathBuf::from("-"), error })?;
    }
    text.push(b'\n');
    text.extend_from_slice(&sources.lines);
    Ok(text)
}
