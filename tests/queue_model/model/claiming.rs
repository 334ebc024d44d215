//! XCLAIM and XAUTOCLAIM.

use std::collections::BTreeSet;

use super::reading::{fields, is_free};
use super::{COUNT_MAX, Id, Refusal, State, World};
use crate::command::{AutoClaim, Claim};
use crate::value::Value;

/// What XCLAIM makes of one id.
enum Verdict {
    Leave,
    Drop,
    Bury(&'static str),
    /// With this count from now on.
    Assign(u64),
}

impl World {
    pub(super) fn claim(&mut self, claim: &Claim) -> Result<Value, Refusal> {
        let now = self.now;
        let (key, name) = (claim.key.as_str(), claim.group.as_str());
        let group = self.group(key, name)?;
        group.see(&claim.consumer, now);
        group.cursor = group.cursor.max(claim.last_id.unwrap_or_default());
        let at = now - claim.idle.unwrap_or(0);
        let mut claimed = Vec::new();
        let mut dead = Vec::new();
        let mut ids = claim.ids.clone();
        if self.group(key, name)?.policy.is_some() {
            // Named twice it is claimed, or given up, once.
            let mut named = BTreeSet::new();
            ids.retain(|&id| named.insert(id));
        }
        for id in ids {
            let entry = self.entry(key, id).cloned();
            let verdict = self.judge(claim, id);
            let group = self.group(key, name)?;
            match verdict {
                Verdict::Leave => {}
                Verdict::Drop => drop(group.records.remove(&id)),
                Verdict::Bury(reason) => dead.push((id, reason)),
                Verdict::Assign(count) => {
                    group.hand_out(id, entry.as_ref(), &claim.consumer, at, count);
                    claimed.push(id);
                }
            }
        }
        let shown = self.shown(key, &claimed, claim.just_id);
        for (id, reason) in dead {
            self.bury(key, name, id, reason);
        }
        Ok(shown)
    }

    fn shown(&self, key: &str, ids: &[Id], just_id: bool) -> Value {
        let show = |&id: &Id| match self.entry(key, id) {
            Some(entry) if !just_id => Value::Array(vec![Value::id(id), fields(&entry.fields)]),
            _ => Value::id(id),
        };
        Value::Array(ids.iter().map(show).collect())
    }

    fn judge(&mut self, claim: &Claim, id: Id) -> Verdict {
        let now = self.now;
        let (key, name) = (claim.key.as_str(), claim.group.as_str());
        let entry = self.entry(key, id).cloned();
        let group = self.group(key, name).expect("looked for first");
        let record = group.records.get(&id);
        let Some(entry) = entry else {
            return if record.is_some() { Verdict::Drop } else { Verdict::Leave };
        };
        if record.is_none() && !(claim.force && group.may_force(name, id, &entry)) {
            return Verdict::Leave;
        }
        let owner = record.and_then(|record| record.owner());
        let is_own = owner == Some(claim.consumer.as_str());
        let before = record.map_or(0, |record| record.count);
        let idle = record.and_then(|record| record.since()).map_or(u64::MAX, |since| now - since);
        if owner.is_some() && idle < claim.min_idle {
            return Verdict::Leave;
        }
        let has_policy = group.policy.is_some();
        if !has_policy {
            // As in Redis, which counts the making of a record as a delivery.
            let before = record.map_or(1, |record| record.count);
            let next = (before + u64::from(!claim.just_id)).min(COUNT_MAX);
            return Verdict::Assign(claim.retry_count.unwrap_or(next));
        }
        // "With min-idle 0 and JUSTID only the owner's succeeds"
        let is_touch = claim.just_id && is_own;
        if claim.just_id && claim.min_idle == 0 && !is_own {
            return Verdict::Leave;
        }
        // "DEAD: never handed out"; it may go where it was refused before.
        if let Some(&State::Dead { reason, .. }) = record.map(|record| &record.state) {
            let has_dlq = group.policy.as_ref().is_some_and(|policy| policy.dlq.is_some());
            return if has_dlq { Verdict::Bury(reason) } else { Verdict::Leave };
        }
        // "XCLAIM: any record but HELD to INFLIGHT"; "obeys ORDERBY, MAXINFLIGHT"
        if owner.is_none() {
            let line = record.map_or_else(|| group.line_of(&entry), |record| record.line.clone());
            if group.slots() == 0 || group.is_held(id, line.as_ref()) {
                return Verdict::Leave;
            }
        }
        let next = claim.retry_count.unwrap_or((before + 1).min(COUNT_MAX));
        if !is_touch && next > 0 && group.is_used_up(next - 1) {
            let bury = Verdict::Bury("maxdeliveries");
            return if record.is_some() { bury } else { Verdict::Leave };
        }
        let is_shown_only = claim.just_id && claim.retry_count.is_none();
        Verdict::Assign(if is_shown_only { before.max(1) } else { next })
    }

    /// "XAUTOCLAIM and CLAIM t: READY, and INFLIGHT idle for t. Never DEFERRED, HELD, DEAD."
    pub(super) fn auto_claim(&mut self, claim: &AutoClaim) -> Result<Value, Refusal> {
        let now = self.now;
        let (key, name) = (claim.key.as_str(), claim.group.as_str());
        let has_policy = self.group(key, name)?.policy.is_some();
        let most = claim.count.unwrap_or(100);
        let mut attempts = most * 10;
        let mut left = most;
        let ids: Vec<Id> =
            self.group(key, name)?.records.range(claim.start..).map(|(&id, _)| id).collect();
        let mut rest = ids.into_iter().peekable();
        let (mut found, mut gone) = (Vec::new(), Vec::new());
        while attempts > 0
            && left > 0
            && let Some(id) = rest.next()
        {
            attempts -= 1;
            let is_there = self.entry(key, id).is_some();
            let group = self.group(key, name)?;
            let idle = group.records[&id].since().map(|since| now - since);
            let is_idle = idle.is_some_and(|idle| idle >= claim.min_idle);
            if !is_there {
                gone.push(id);
                left -= 1;
            } else if is_idle || is_free(group, id, now) {
                found.push(id);
                left -= 1;
            }
        }
        let next = rest.next();
        let group = self.group(key, name)?;
        group.see(&claim.consumer, now);
        let (mut slots, mut tokens) = (group.slots(), group.tokens(now));
        let (mut claimed, mut dead) = (Vec::new(), Vec::new());
        for id in found {
            let record = group.records[&id].clone();
            let needs_slot = record.owner().is_none();
            if group.is_used_up(record.count) {
                dead.push(id);
                continue;
            }
            if tokens == 0 || needs_slot && slots == 0 {
                continue;
            }
            slots -= u64::from(needs_slot);
            tokens -= 1;
            let least = u64::from(has_policy);
            let count = (record.count + u64::from(!claim.just_id)).min(COUNT_MAX);
            group.hand_out(id, None, &claim.consumer, now, count.max(least));
            claimed.push(id);
        }
        for id in &gone {
            group.records.remove(id);
        }
        group.note_deliveries(now, claimed.len());
        let shown = self.shown(key, &claimed, claim.just_id);
        for id in dead {
            self.bury(key, name, id, "maxdeliveries");
        }
        let gone = gone.into_iter().map(Value::id).collect();
        Ok(Value::Array(vec![Value::id(next.unwrap_or((0, 0))), shown, Value::Array(gone)]))
    }
}
