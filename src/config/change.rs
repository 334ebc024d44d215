//! CONFIG SET: several settings at once, all or none.

use std::fmt;

use super::Config;
use super::setting::{Change, Kind};
use super::table::{self, SETTINGS};
use super::value::{Shape, Value};
use super::words;

/// Called after a setting has changed, by whoever has something to do then (bind a port, change the
/// log's level). An error puts back every setting of the same CONFIG SET.
pub type Hook = Box<dyn Fn(&Config) -> Result<(), String> + Send + Sync>;

/// Why CONFIG SET changed nothing. Shown in Redis's words, without the code `ERR`.
#[derive(Debug, PartialEq, Eq)]
pub enum SetError {
    Unknown { name: Vec<u8> },
    Failed { name: Vec<u8>, reason: String },
}

impl fmt::Display for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { name } => write!(
                f,
                "Unknown option or number of arguments for CONFIG SET - '{}'",
                String::from_utf8_lossy(name)
            ),
            Self::Failed { name, reason } => write!(
                f,
                "CONFIG SET failed (possibly related to argument '{}') - {reason}",
                String::from_utf8_lossy(name)
            ),
        }
    }
}

impl Config {
    /// Calls `hook` whenever CONFIG SET has changed this setting.
    ///
    /// # Panics
    /// If the table has no such setting.
    pub fn on_change(&self, name: &str, hook: Hook) {
        let at = table::find(name.as_bytes()).expect("hooks are for settings of the table");
        self.hooks.lock().push((at, hook));
    }

    /// Sets all of these, or none of them. `is_local` says whether the one who asks is on this
    /// machine, which `enable-protected-configs local` asks for.
    ///
    /// # Errors
    /// The first that cannot be, and why; names are checked before values, as in Redis.
    pub fn set(&self, pairs: &[(&[u8], &[u8])], is_local: bool) -> Result<(), SetError> {
        let places = self.check_names(pairs, is_local)?;
        // Held throughout, so that two CONFIG SETs are one after the other.
        let hooks = self.hooks.lock();
        let mut values = self.values.write();
        let mut changed: Vec<(usize, Value)> = Vec::with_capacity(pairs.len());
        for (&at, (name, word)) in places.iter().zip(pairs) {
            match parse_for_set(at, word, &values[at]) {
                Ok(value) => changed.push((at, value)),
                Err(reason) => return Err(SetError::Failed { name: name.to_vec(), reason }),
            }
        }
        for (at, value) in &mut changed {
            self.apply(*at, value);
            std::mem::swap(&mut values[*at], value);
        }
        // From here on `changed` holds the values from before.
        drop(values);
        if let Err((at, reason)) = self.run_hooks(&hooks, &places) {
            let mut values = self.values.write();
            for (at, before) in changed {
                self.apply(at, &before);
                values[at] = before;
            }
            drop(values);
            self.follow_back(&hooks, &places, at);
            let name = pairs[places.iter().position(|place| *place == at).unwrap_or(0)].0.to_vec();
            return Err(SetError::Failed { name, reason });
        }
        let mut given = self.given.write();
        places.into_iter().for_each(|at| given[at] = true);
        Ok(())
    }

    fn check_names(
        &self,
        pairs: &[(&[u8], &[u8])],
        is_local: bool,
    ) -> Result<Vec<usize>, SetError> {
        let mut places = Vec::with_capacity(pairs.len());
        for (name, _) in pairs {
            let failed =
                |reason: &str| SetError::Failed { name: name.to_vec(), reason: reason.to_string() };
            let at = table::find(name).ok_or_else(|| SetError::Unknown { name: name.to_vec() })?;
            match SETTINGS[at].change {
                Change::Live => {}
                Change::Fixed => return Err(failed("can't set immutable config")),
                Change::Guarded if self.allows_protected(is_local) => {}
                Change::Guarded => return Err(failed("can't set protected config")),
            }
            if places.contains(&at) {
                return Err(failed("duplicate parameter"));
            }
            places.push(at);
        }
        Ok(places)
    }

    fn allows_protected(&self, is_local: bool) -> bool {
        match self.enable_protected_configs.get().as_slice() {
            b"yes" => true,
            b"local" => is_local,
            _ => false,
        }
    }

    /// Has the hooks that have run, up to the one of `failed`, see what was put back.
    fn follow_back(&self, hooks: &[(usize, Hook)], places: &[usize], failed: usize) {
        for (at, hook) in hooks.iter().filter(|(at, _)| places.contains(at)) {
            if *at == failed {
                return;
            }
            // It held before; and what is told is why the change was refused.
            drop(hook(self));
        }
    }

    fn run_hooks(&self, hooks: &[(usize, Hook)], places: &[usize]) -> Result<(), (usize, String)> {
        for (at, hook) in hooks.iter().filter(|(at, _)| places.contains(at)) {
            hook(self).map_err(|reason| (*at, reason))?;
        }
        Ok(())
    }
}

fn parse_for_set(at: usize, word: &[u8], previous: &Value) -> Result<Value, String> {
    let setting = &SETTINGS[at];
    let value = if matches!(setting.shape, Shape::StreamRules) && !word.is_empty() {
        // As CONFIG GET shows them: a rule a line.
        word.split(|byte| *byte == b'\n').try_fold(previous.clone(), |value, line| {
            let words = words::split(line).ok_or("unbalanced quotes")?;
            setting.shape.parse(&words, &value)
        })?
    } else if setting.shape.takes_several_words() && !word.is_empty() {
        let words: Vec<Vec<u8>> = word.split(|byte| *byte == b' ').map(<[u8]>::to_vec).collect();
        setting.shape.parse(&words, previous)?
    } else if word.is_empty() && matches!(previous, Value::OutputLimits(_)) {
        previous.clone()
    } else {
        setting.shape.parse(&[word.to_vec()], previous)?
    };
    match setting.kind {
        Kind::Refused(instead) if value != setting.default_value(false) => Err(instead.into()),
        _ => Ok(value),
    }
}

/// A setting as a line of redis.conf.
pub(super) fn line_of(name: &str, words: &[Vec<u8>]) -> String {
    let mut line = name.to_string();
    for word in words {
        line.push(' ');
        line.push_str(&words::word(word));
    }
    line
}
