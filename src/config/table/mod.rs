//! Every setting of Redis 8, once each: in [`effective`], [`tuning`] or [`refused`] after what it
//! means here. The settings of its modules and of Valkey are names only, in [`elsewhere`].

mod effective;
mod elsewhere;
mod refused;
mod tuning;

use std::sync::LazyLock;

use super::setting::{Setting, text};

pub(super) use refused::Directive;

/// All settings. A setting is known by its place in this list.
pub static SETTINGS: LazyLock<Vec<Setting>> = LazyLock::new(|| {
    let rows = effective::SETTINGS.iter().chain(tuning::SETTINGS).chain(refused::SETTINGS);
    rows.copied().chain(elsewhere::NAMES.iter().map(|name| text(name, "").hidden())).collect()
});

/// The largest `int` of Redis.
const INT_MAX: i64 = i32::MAX as i64;

/// The place of the setting with this name or alias.
pub fn find(name: &[u8]) -> Option<usize> {
    SETTINGS.iter().position(|setting| setting.is_called(name))
}

/// A directive that may stand in a file but has no value to show, and that is not built.
pub(super) fn find_directive(name: &[u8]) -> Option<&'static Directive> {
    refused::DIRECTIVES.iter().find(|directive| directive.name.as_bytes() == name)
}

/// The names of all directives that are not built.
#[cfg(test)]
pub(super) fn directive_names() -> impl Iterator<Item = &'static str> {
    refused::DIRECTIVES.iter().map(|directive| directive.name)
}

/// Names that Redis once had and takes without a word.
pub(super) fn is_obsolete(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 4] = [
        b"io-threads-do-reads",
        b"list-max-ziplist-entries",
        b"list-max-ziplist-value",
        b"lua-replicate-commands",
    ];
    NAMES.contains(&name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_default_is_what_config_get_shows() {
        for setting in SETTINGS.iter() {
            for with_file in [false, true] {
                let shown = setting.shape.show(&setting.default_value(with_file));
                let text = match setting.default_with_file {
                    Some(default) if with_file => default,
                    _ => setting.default,
                };
                assert_eq!(String::from_utf8_lossy(&shown), text, "{}", setting.name);
            }
        }
    }

    #[test]
    fn no_name_stands_twice() {
        let mut seen = HashSet::new();
        for name in SETTINGS.iter().flat_map(|setting| setting.names()) {
            assert!(seen.insert(name), "{name}");
            assert_eq!(name, name.to_ascii_lowercase());
        }
    }
}
