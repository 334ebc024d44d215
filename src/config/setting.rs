//! What is known of one setting; the rows themselves are in [`super::table`].

use super::live::Live;
use super::value::{Shape, Value};

/// One row of the table of settings.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name in redis.conf.
    pub name: &'static str,
    /// An older name, or the one name of several that Redis prefers less.
    pub alias: Option<&'static str>,
    pub shape: Shape,
    /// As CONFIG GET shows it.
    pub default: &'static str,
    /// The default once a configuration file is given, where that differs: whoever brings a
    /// redis.conf is promised what Redis promises for it.
    pub default_with_file: Option<&'static str>,
    pub change: Change,
    pub kind: Kind,
    /// Not part of `CONFIG GET *` unless somebody gave it.
    pub hidden: bool,
}

/// Whether CONFIG SET may change a setting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    Live,
    /// Only at start.
    Fixed,
    /// Only where `enable-protected-configs` allows it.
    Guarded,
}

/// What a setting means here.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Takes effect, by this.
    Effective(fn(&Live, &Value)),
    /// Tunes something that Redis has inside and Forebay has not: accepted, remembered, shown, and
    /// told once in the log.
    Tuning,
    /// Protects something, or changes what becomes of the data, and is not built: only its default,
    /// which switches it off, is accepted. Holds what to do instead.
    Refused(&'static str),
}

impl Setting {
    const fn new(name: &'static str, shape: Shape, default: &'static str) -> Self {
        Self {
            name,
            alias: None,
            shape,
            default,
            default_with_file: None,
            change: Change::Live,
            kind: Kind::Tuning,
            hidden: false,
        }
    }

    pub(super) const fn alias(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    pub(super) const fn fixed(mut self) -> Self {
        self.change = Change::Fixed;
        self
    }

    pub(super) const fn guarded(mut self) -> Self {
        self.change = Change::Guarded;
        self
    }

    pub(super) const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    pub(super) const fn with_file(mut self, default: &'static str) -> Self {
        self.default_with_file = Some(default);
        self
    }

    pub(super) const fn effective(mut self, apply: fn(&Live, &Value)) -> Self {
        self.kind = Kind::Effective(apply);
        self
    }

    pub(super) const fn refused(mut self, instead: &'static str) -> Self {
        self.kind = Kind::Refused(instead);
        self
    }

    /// Is this its name, or its other name, in any case?
    pub fn is_called(&self, name: &[u8]) -> bool {
        self.names().any(|own| own.as_bytes().eq_ignore_ascii_case(name))
    }

    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.alias)
    }

    /// The default, parsed.
    pub fn default_value(&self, with_file: bool) -> Value {
        let text = match self.default_with_file {
            Some(default) if with_file => default,
            _ => self.default,
        };
        let none_yet = match self.shape {
            Shape::OutputLimits => Value::OutputLimits(Default::default()),
            _ => Value::List(Vec::new()),
        };
        let words: Vec<Vec<u8>> = if self.shape.takes_several_words() && !text.is_empty() {
            text.split(' ').map(|word| word.as_bytes().to_vec()).collect()
        } else {
            vec![text.as_bytes().to_vec()]
        };
        self.shape.parse(&words, &none_yet).expect("a test parses every default of the table")
    }
}

pub(super) const fn flag(name: &'static str, default: bool) -> Setting {
    Setting::new(name, Shape::Flag, if default { "yes" } else { "no" })
}

/// A number that Redis keeps with a sign.
pub(super) const fn number(
    name: &'static str,
    min: i64,
    max: i64,
    default: &'static str,
) -> Setting {
    Setting::new(name, Shape::Number { min, max, unsigned: false }, default)
}

/// A number that Redis keeps without a sign.
pub(super) const fn count(
    name: &'static str,
    min: i64,
    max: i64,
    default: &'static str,
) -> Setting {
    Setting::new(name, Shape::Number { min, max, unsigned: true }, default)
}

pub(super) const fn memory(name: &'static str, min: i64, default: &'static str) -> Setting {
    Setting::new(name, Shape::Memory { min, max: i64::MAX, percent: false }, default)
}

pub(super) const fn text(name: &'static str, default: &'static str) -> Setting {
    Setting::new(name, Shape::Text, default)
}

pub(super) const fn file_name(
    name: &'static str,
    default: &'static str,
    may_be_empty: bool,
) -> Setting {
    Setting::new(name, Shape::FileName { name, may_be_empty }, default)
}

pub(super) const fn choice(
    name: &'static str,
    choices: &'static [&'static str],
    default: &'static str,
) -> Setting {
    Setting::new(name, Shape::Choice(choices), default)
}

pub(super) const fn shaped(name: &'static str, shape: Shape, default: &'static str) -> Setting {
    Setting::new(name, shape, default)
}
