//! XTRIM, and the trimming options that XADD shares with it.

use super::{args, filter};
use crate::command::args::{integer, is};
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::journal::EffectWriter;
use crate::keyspace::EventClass;
use crate::types::stream::log::{NodeLimits, Trim, TrimBy};
use crate::types::stream::{RefPolicy, Stream, StreamId};

const TWO_STRATEGIES: Error =
    Error::fixed("ERR syntax error, MAXLEN and MINID options at the same time are not compatible");
const NEGATIVE_MAXLEN: Error = Error::fixed("ERR The MAXLEN argument must be >= 0.");
const NEGATIVE_LIMIT: Error = Error::fixed("ERR The LIMIT argument must be >= 0.");
const LIMIT_WITHOUT_STRATEGY: Error =
    Error::fixed("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy");
const NO_STRATEGY: Error =
    Error::fixed("ERR syntax error, XTRIM must be called with a trimming strategy");
const LIMIT_WITHOUT_TILDE: Error =
    Error::fixed("ERR syntax error, LIMIT cannot be used without the special ~ option");

/// MAXLEN, MINID, LIMIT, KEEPREF, DELREF and ACKED as they were given.
#[derive(Default)]
pub(super) struct TrimOptions {
    by: Option<TrimBy>,
    approximate: bool,
    limit: Option<u64>,
    policy: Option<RefPolicy>,
}

impl TrimOptions {
    /// Reads the option at the front of `rest`, if it is one of these. How many arguments it took.
    pub fn take(&mut self, rest: &[&[u8]]) -> Result<Option<usize>, Error> {
        let more = rest.len() > 1;
        if is(rest[0], "MAXLEN") && more {
            let (taken, threshold) = self.strategy(rest)?;
            let len = u64::try_from(integer(threshold)?).map_err(|_| NEGATIVE_MAXLEN)?;
            self.by = Some(TrimBy::MaxLen(len));
            return Ok(Some(taken));
        }
        if is(rest[0], "MINID") && more {
            let (taken, threshold) = self.strategy(rest)?;
            self.by = Some(TrimBy::MinId(args::id(threshold, 0)?));
            return Ok(Some(taken));
        }
        if is(rest[0], "LIMIT") && more {
            let limit = u64::try_from(integer(rest[1])?).map_err(|_| NEGATIVE_LIMIT)?;
            self.limit = Some(limit);
            return Ok(Some(2));
        }
        match policy(rest[0]) {
            Some(policy) if self.policy.is_none() => {
                self.policy = Some(policy);
                Ok(Some(1))
            }
            _ => Ok(None),
        }
    }

    /// The arguments that a strategy takes, and its threshold.
    fn strategy<'a>(&mut self, rest: &[&'a [u8]]) -> Result<(usize, &'a [u8]), Error> {
        if self.by.is_some() {
            return Err(TWO_STRATEGIES);
        }
        self.approximate = false;
        match rest[1] {
            b"~" | b"=" if rest.len() > 2 => {
                self.approximate = rest[1] == b"~";
                Ok((3, rest[2]))
            }
            threshold => Ok((2, threshold)),
        }
    }

    /// What is to be trimmed, if anything is.
    pub fn finish(&self, limits: NodeLimits) -> Result<Option<Trim>, Error> {
        if self.limit.is_some() && self.by.is_none() {
            return Err(LIMIT_WITHOUT_STRATEGY);
        }
        if self.limit.is_some() && !self.approximate {
            return Err(LIMIT_WITHOUT_TILDE);
        }
        let approximate = self.approximate;
        // So that no one command trims a stream without bound.
        let default_limit = || match limits.entries_max.saturating_mul(100) {
            0 => 10_000,
            limit => limit.min(1_000_000),
        };
        let limit = if approximate { self.limit.unwrap_or_else(default_limit) } else { 0 };
        Ok(self.by.map(|by| Trim { by, approximate, limit }))
    }

    pub fn policy(&self) -> RefPolicy {
        self.policy.unwrap_or_default()
    }
}

/// KEEPREF, DELREF or ACKED.
pub(super) fn policy(arg: &[u8]) -> Option<RefPolicy> {
    let policies = [RefPolicy::KeepRef, RefPolicy::DelRef, RefPolicy::Acked];
    policies.into_iter().find(|&policy| is(arg, policy_name(policy)))
}

pub(super) fn policy_name(policy: RefPolicy) -> &'static str {
    match policy {
        RefPolicy::Unsaid => "",
        RefPolicy::KeepRef => "KEEPREF",
        RefPolicy::DelRef => "DELREF",
        RefPolicy::Acked => "ACKED",
    }
}

/// What a trim did, in words that do not depend on where nodes end: settings may differ when it is
/// replayed.
pub(super) struct Trimmed {
    pub removed: u64,
    bound: Bound,
    policy: RefPolicy,
}

enum Bound {
    MinId(StreamId),
    /// The last id of all went, which no id is above.
    MaxLen(u64),
}

impl Trimmed {
    /// Trims `stream`; `None` if nothing was removed.
    pub fn by(stream: &mut Stream, trim: Trim, policy: RefPolicy) -> Option<Trimmed> {
        let (removed, last) = stream.trim(trim, policy);
        let bound = match last.next() {
            Some(id) => Bound::MinId(id),
            None => Bound::MaxLen(stream.log().len()),
        };
        (removed > 0).then_some(Trimmed { removed, bound, policy })
    }

    /// How many arguments [`write`](Trimmed::write) adds to an effect.
    pub fn effect_args(&self) -> usize {
        if self.policy == RefPolicy::Unsaid { 3 } else { 4 }
    }

    pub fn write<'e>(&self, effect: EffectWriter<'e>) -> EffectWriter<'e> {
        let effect = match self.bound {
            Bound::MinId(id) => effect.arg(b"MINID").arg(b"=").display(id),
            Bound::MaxLen(len) => effect.arg(b"MAXLEN").arg(b"=").display(len),
        };
        match self.policy {
            RefPolicy::Unsaid => effect,
            policy => effect.arg(policy_name(policy).as_bytes()),
        }
    }
}

pub(super) fn xtrim(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let key = args[1];
    let mut options = TrimOptions::default();
    let mut rest = &args[2..];
    while !rest.is_empty() {
        let taken = options.take(rest)?.ok_or(Error::SYNTAX)?;
        rest = &rest[taken..];
    }
    let trim = options.finish(super::node_limits(cx))?.ok_or(NO_STRATEGY)?;
    let mut groups_changed = false;
    let trimmed = match cx.tx.write::<Stream>(key)? {
        Some(stream) => {
            let trimmed = Trimmed::by(stream, trim, options.policy());
            groups_changed = stream.take_groups_changed();
            trimmed
        }
        None => None,
    };
    if groups_changed {
        cx.tx.signal(key);
    }
    cx.reply.int(trimmed.as_ref().map_or(0, |trimmed| trimmed.removed as i64));
    if let Some(trimmed) = trimmed {
        cx.tx.changed(key);
        cx.tx.notify(EventClass::STREAM, "xtrim", key);
        if let Some(effect) = cx.tx.effect(2 + trimmed.effect_args()) {
            trimmed.write(effect.arg(b"XTRIM").arg(key)).end();
        }
        filter::pass_on(cx.tx, key);
    }
    Ok(())
}
