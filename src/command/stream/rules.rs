//! `stream-policy`: policies that streams and groups have from when they are made.

use std::sync::Arc;

use parking_lot::RwLock;

use crate::config::{Config, StartError};
use crate::glob::{self, Case};
use crate::types::stream::policy::{BadPolicy, GroupPolicy, StreamPolicy};

/// One line of the setting.
struct Rule {
    keys: Box<[u8]>,
    groups: Box<[u8]>,
    /// What it says of streams; none where it says nothing of them.
    stream: Option<StreamPolicy>,
    group: Option<GroupPolicy>,
}

/// The rules in force. A stream or group takes what the last rule says that matches it and says
/// anything of its kind.
#[derive(Default)]
pub struct StreamRules(RwLock<Vec<Rule>>);

impl StreamRules {
    /// Rules that follow the settings from now on. What the settings say at the start is taken in by
    /// [`StreamRules::load`].
    pub fn following(config: &Config) -> Arc<StreamRules> {
        let rules = Arc::new(StreamRules::default());
        let follower = Arc::clone(&rules);
        config.on_change("stream-policy", Box::new(move |config| follower.read(config)));
        rules
    }

    /// Takes in what the settings say.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn load(&self, config: &Config) -> Result<(), StartError> {
        self.read(config).map_err(|message| StartError::Whole { message })
    }

    fn read(&self, config: &Config) -> Result<(), String> {
        let lines = config.stream_policy.get();
        let parse = |line: &Vec<u8>| {
            let named = |bad| format!("stream-policy {}: {bad}", String::from_utf8_lossy(line));
            Rule::parse(line).map_err(named)
        };
        let rules: Result<Vec<Rule>, String> = lines.iter().map(parse).collect();
        *self.0.write() = rules?;
        Ok(())
    }

    /// The policy of a stream that is made at `key`.
    pub fn of_stream(&self, key: &[u8]) -> Option<StreamPolicy> {
        let rules = self.0.read();
        let policies = rules.iter().rev().filter(|rule| rule.is_for_key(key));
        let policy = policies.filter_map(|rule| rule.stream.as_ref()).next();
        policy.filter(|policy| !policy.is_none()).cloned()
    }

    /// The policy of a group that is made on the stream at `key`.
    pub fn of_group(&self, key: &[u8], name: &[u8]) -> Option<GroupPolicy> {
        let rules = self.0.read();
        let matching = rules.iter().rev().filter(|rule| {
            rule.is_for_key(key) && glob::matches(&rule.groups, name, Case::Sensitive)
        });
        let mut policy = matching.filter_map(|rule| rule.group.as_ref()).next()?.clone();
        if policy.dlq.as_deref() == Some(key) {
            // The glob is also that of the dead letters. Their dead are parked.
            policy.dlq = None;
        }
        (!policy.is_none()).then_some(policy)
    }
}

impl Rule {
    fn parse(line: &[u8]) -> Result<Rule, String> {
        let words = crate::config::split(line).unwrap_or_default();
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        let [keys, groups, rest @ ..] = &*words else {
            return Err("a stream-policy is a key glob, a group glob, and parameters".into());
        };
        let (mut stream, mut group): (Option<StreamPolicy>, _) = (None, None);
        let mut rest = rest;
        while !rest.is_empty() {
            let mut of_stream = stream.clone().unwrap_or_default();
            rest = match of_stream.add_first(rest) {
                Ok(taken) => {
                    stream = Some(of_stream);
                    &rest[taken..]
                }
                Err(BadPolicy::OfGroup(_)) => {
                    let of_group = group.get_or_insert_with(GroupPolicy::default);
                    &rest[of_group.add_first(rest).map_err(|bad| bad.to_string())?..]
                }
                Err(bad) => return Err(bad.to_string()),
            };
        }
        Ok(Rule { keys: (*keys).into(), groups: (*groups).into(), stream, group })
    }

    fn is_for_key(&self, key: &[u8]) -> bool {
        glob::matches(&self.keys, key, Case::Sensitive)
    }
}
