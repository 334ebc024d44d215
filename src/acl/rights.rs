//! What a user has: passwords, and what it may do.

use super::catalog::Catalog;
use super::demand::{ChannelUse, Demand, Denial};
use super::password;
use super::rule::RuleError;
use super::selector::Selector;

/// Passwords and selectors of one user.
///
/// Invariant: there is at least one selector; the first is the one that rules outside of
/// parentheses change. Without passwords and without `nopass` nobody can log in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rights {
    pub is_on: bool,
    /// Any password will do.
    pub needs_no_password: bool,
    /// RESTORE checks payloads deeply; accepted and told, and here they are always checked.
    pub sanitizes_payload: bool,
    /// SHA-256, in hexadecimal digits.
    pub passwords: Vec<String>,
    pub selectors: Vec<Selector>,
}

impl Rights {
    /// Of a new user: off, with no password, and allowed nothing.
    pub(super) fn none(catalog: &Catalog, all_channels: bool) -> Rights {
        Rights {
            is_on: false,
            needs_no_password: false,
            sanitizes_payload: true,
            passwords: Vec::new(),
            selectors: vec![Selector::new(catalog, all_channels)],
        }
    }

    /// Of the user that connections begin as, before anybody has said otherwise.
    pub(super) fn all(catalog: &Catalog) -> Rights {
        let mut rights = Rights::none(catalog, true);
        for rule in ["on", "nopass", "+@all", "~*"] {
            rights.apply(rule.as_bytes(), catalog, true).expect("these rules are well formed");
        }
        rights
    }

    /// Applies one rule. `all_channels` says whether selectors begin with every channel allowed
    /// (`acl-pubsub-default`).
    ///
    /// # Errors
    /// The rule is not one; nothing has changed.
    pub fn apply(
        &mut self,
        rule: &[u8],
        catalog: &Catalog,
        all_channels: bool,
    ) -> Result<(), RuleError> {
        let is = |name: &str| rule.eq_ignore_ascii_case(name.as_bytes());
        match rule {
            [] => {}
            _ if is("on") => self.is_on = true,
            _ if is("off") => self.is_on = false,
            _ if is("nopass") => {
                self.needs_no_password = true;
                self.passwords.clear();
            }
            _ if is("resetpass") => {
                self.needs_no_password = false;
                self.passwords.clear();
            }
            _ if is("sanitize-payload") => self.sanitizes_payload = true,
            _ if is("skip-sanitize-payload") => self.sanitizes_payload = false,
            _ if is("clearselectors") => self.selectors.truncate(1),
            _ if is("reset") => *self = Rights::none(catalog, all_channels),
            [b'>', plain @ ..] => self.add_password(password::hash(plain)),
            [b'#', hash @ ..] => self.add_password(checked_hash(hash)?),
            [b'<', plain @ ..] => self.remove_password(&password::hash(plain))?,
            [b'!', hash @ ..] => self.remove_password(&checked_hash(hash)?)?,
            [b'(', rules @ .., b')'] => {
                let mut selector = Selector::new(catalog, all_channels);
                for rule in rules.split(|byte| *byte == b' ').filter(|rule| !rule.is_empty()) {
                    selector.apply(rule, catalog)?;
                }
                self.selectors.push(selector);
            }
            _ => self.selectors[0].apply(rule, catalog)?,
        }
        Ok(())
    }

    fn add_password(&mut self, hash: String) {
        if !self.passwords.contains(&hash) {
            self.passwords.push(hash);
        }
        self.needs_no_password = false;
    }

    fn remove_password(&mut self, hash: &str) -> Result<(), RuleError> {
        let known = self.passwords.iter().position(|known| known == hash);
        self.passwords.remove(known.ok_or(RuleError::NoSuchPassword)?);
        Ok(())
    }

    /// Replaces the passwords by this one; without one any will do (`requirepass`).
    pub(super) fn set_password(&mut self, plain: &[u8]) {
        self.needs_no_password = plain.is_empty();
        self.passwords.clear();
        if !plain.is_empty() {
            self.passwords.push(password::hash(plain));
        }
    }

    /// Whether somebody who knows this password may log in. All passwords are compared, whichever
    /// fits.
    pub(super) fn accepts(&self, plain: &[u8]) -> bool {
        if !self.is_on {
            return false;
        }
        let given = password::hash(plain);
        let known =
            self.passwords.iter().fold(false, |fits, known| fits | password::same(known, &given));
        known || self.needs_no_password
    }

    /// Whether nothing is refused.
    pub(super) fn allows_everything(&self) -> bool {
        self.selectors.iter().any(Selector::allows_everything)
    }

    /// Whether one of the selectors allows a request.
    ///
    /// # Errors
    /// What the selector that came nearest has against it.
    pub fn check(&self, demand: &Demand<'_>, catalog: &Catalog) -> Result<(), Denial> {
        self.nearest(|selector| selector.check(demand, catalog))
    }

    /// As [`Rights::check`], for a request that also reads keys it does not name (SORT with BY or
    /// GET).
    ///
    /// # Errors
    /// As [`Rights::check`].
    pub fn check_reading_any_key(
        &self,
        demand: &Demand<'_>,
        catalog: &Catalog,
    ) -> Result<(), Denial> {
        self.nearest(|selector| selector.check_reading_any_key(demand, catalog))
    }

    fn nearest(&self, check: impl Fn(&Selector) -> Result<(), Denial>) -> Result<(), Denial> {
        let mut nearest: Option<Denial> = None;
        for selector in &self.selectors {
            match check(selector) {
                Ok(()) => return Ok(()),
                Err(denial) => nearest = nearest.max(Some(denial)),
            }
        }
        nearest.map_or(Ok(()), Err)
    }

    /// Whether a subscriber may go on listening to a channel, or to a pattern of channels.
    pub fn allows_channel(&self, name: &[u8], is_pattern: bool) -> bool {
        let wanted = ChannelUse { position: 0, is_pattern };
        self.selectors.iter().any(|selector| selector.allows_channel(name, wanted))
    }

    /// Whether every channel that `before` allowed is allowed for sure: no pattern of its is missing.
    pub fn allows_channels_of(&self, before: &Rights) -> bool {
        self.selectors.iter().any(Selector::allows_every_channel)
            || before.selectors.iter().all(|old| {
                !old.allows_every_channel()
                    && old.channels().iter().all(|channel| {
                        self.selectors.iter().any(|new| new.channels().contains(channel))
                    })
            })
    }

    /// The words that stand for the switches, as ACL GETUSER and ACL LIST tell them.
    pub fn flags(&self) -> impl Iterator<Item = &'static str> {
        let switches = [
            Some(if self.is_on { "on" } else { "off" }),
            self.needs_no_password.then_some("nopass"),
            Some(match self.sanitizes_payload {
                true => "sanitize-payload",
                false => "skip-sanitize-payload",
            }),
        ];
        switches.into_iter().flatten()
    }

    /// The rules that make a new user this one.
    pub fn describe(&self) -> Vec<u8> {
        let mut parts: Vec<Vec<u8>> = self.flags().map(|flag| flag.as_bytes().to_vec()).collect();
        parts.extend(self.passwords.iter().map(|hash| format!("#{hash}").into_bytes()));
        for (number, selector) in self.selectors.iter().enumerate() {
            let rules = selector.describe();
            parts.push(match number {
                0 => rules,
                _ => [b"(", rules.as_slice(), b")"].concat(),
            });
        }
        parts.join(&b' ')
    }
}

fn checked_hash(word: &[u8]) -> Result<String, RuleError> {
    if !password::is_hash(word) {
        return Err(RuleError::BadHash);
    }
    String::from_utf8(word.to_vec()).map_err(|_| RuleError::BadHash)
}
