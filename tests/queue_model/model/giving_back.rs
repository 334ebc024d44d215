//! Acknowledging, giving back, giving up.

use super::adding::{Request, absolute};
use super::group::due;
use super::{COUNT_MAX, Id, Refs, Refusal, State, World};
use crate::command::{Mode, Nack};
use crate::value::Value;

impl World {
    /// "XACK, XACKDEL: any record to DONE, whoever sends it, however late."
    pub(super) fn acknowledge(
        &mut self,
        key: &str,
        group: &str,
        ids: &[Id],
    ) -> Result<Value, Refusal> {
        let Some(stream) = self.stream(key)? else { return Ok(Value::Int(0)) };
        let Some(group) = stream.groups.get_mut(group) else { return Ok(Value::Int(0)) };
        let done = ids.iter().filter(|id| group.records.remove(id).is_some()).count();
        Ok(Value::Int(done as i64))
    }

    /// 1 for what is deleted, 2 for what another group still needs, -1 for what was not pending.
    pub(super) fn ack_del(
        &mut self,
        key: &str,
        group: &str,
        refs: Option<Refs>,
        ids: &[Id],
    ) -> Result<Value, Refusal> {
        let mut stream = self.stream(key)?;
        let mut outcome = |id: Id| {
            let Some(stream) = stream.as_mut() else { return -1 };
            let Some(group) = stream.groups.get_mut(group) else { return -1 };
            if group.records.remove(&id).is_none() {
                return -1;
            }
            if !stream.entries.contains_key(&id) && refs == Some(Refs::Delete) {
                stream.forget(id, refs);
            }
            let is_needed = stream.entries.contains_key(&id) && !stream.remove(id, refs);
            if is_needed { 2 } else { 1 }
        };
        Ok(Value::Array(ids.iter().map(|&id| Value::Int(outcome(id))).collect()))
    }

    pub(super) fn nack(&mut self, nack: &Nack) -> Result<Value, Refusal> {
        self.group(&nack.key, &nack.group)?;
        let mut ids = nack.ids.clone();
        if self.comes_back_by_itself(nack) {
            // Named twice it is given back once.
            ids.sort_unstable();
            ids.dedup();
        }
        let count = ids.iter().filter(|&&id| self.nack_one(nack, id)).count();
        Ok(Value::Int(count as i64))
    }

    /// In a group with a policy, or with DELAY; else it is for others to claim, as in Redis.
    fn comes_back_by_itself(&mut self, nack: &Nack) -> bool {
        let group = self.group(&nack.key, &nack.group).expect("looked for first");
        group.policy.is_some() || nack.delay.is_some()
    }

    /// Gives one entry back; whether there was one.
    fn nack_one(&mut self, nack: &Nack, id: Id) -> bool {
        let entry = self.entry(&nack.key, id).cloned();
        let group = self.group(&nack.key, &nack.group).expect("looked for first");
        let may_force = entry.is_some_and(|entry| group.may_force(&nack.group, id, &entry));
        let record = group.records.get(&id);
        if nack.consumer.is_some() {
            // "only what c still owns"
            if record.and_then(|record| record.owner()) != nack.consumer.as_deref() {
                return false;
            }
        } else if record.is_none() && !(nack.force && may_force) {
            return false;
        }
        let before = record.map_or(0, |record| record.count);
        let was_out = record.is_some_and(|record| record.owner().is_some());
        if self.comes_back_by_itself(nack) {
            self.give_back(nack, id, before, was_out);
        } else {
            let count = match nack.mode {
                Mode::Silent => before.saturating_sub(1),
                Mode::Fail => before,
                Mode::Fatal => COUNT_MAX,
            };
            let group = self.group(&nack.key, &nack.group).expect("looked for first");
            group.release(id, nack.retry_count.unwrap_or(count));
        }
        true
    }

    fn give_back(&mut self, nack: &Nack, id: Id, before: u64, was_out: bool) {
        let now = self.now;
        let (key, name) = (nack.key.as_str(), nack.group.as_str());
        let Some(entry) = self.entry(key, id).cloned() else {
            // "an INFLIGHT one stays until its ack or expiry, then DONE"
            self.group(key, name).expect("looked for first").records.remove(&id);
            return;
        };
        let group = self.group(key, name).expect("looked for first");
        // "SILENT: count − 1", where there is a delivery to be taken back.
        let taken_back = u64::from(nack.mode == Mode::Silent && was_out);
        let count = nack.retry_count.unwrap_or(before.saturating_sub(taken_back));
        let asked = nack.delay.map(|ms| absolute(ms, now).unwrap_or(now));
        let Some(policy) = group.policy.clone() else {
            let fatal = nack.retry_count.unwrap_or(COUNT_MAX);
            let count = if nack.mode == Mode::Fatal { fatal } else { count };
            return group.put(id, Some(&entry), due(asked.unwrap_or(now)), count);
        };
        match nack.mode {
            // "XNACK FATAL: dead-letter now."
            Mode::Fatal => self.bury_counted(key, name, id, "fatal", count),
            // "at MAXDELIVERIES dead-letter, else DEFERRED by DELAY, or BACKOFF, or READY"
            Mode::Fail if group.is_used_up(count) => {
                self.bury_counted(key, name, id, "maxdeliveries", count);
            }
            Mode::Fail if asked.is_none() => {
                let wait = policy.backoff(count);
                group.put(id, Some(&entry), after(now, wait), count);
            }
            // "READY or DELAY"
            _ => group.put(id, Some(&entry), due(asked.unwrap_or(now)), count),
        }
    }

    /// "or the lease runs out": as XNACK FAIL, at that time.
    pub(super) fn lapse(&mut self, key: &str, name: &str, id: Id, at: u64) {
        let is_there = self.entry(key, id).is_some();
        let group = self.group(key, name).expect("its lease has just run out");
        let count = group.records[&id].count;
        let policy = group.policy.clone().expect("leases are a policy's");
        if !is_there {
            group.records.remove(&id);
        } else if group.is_used_up(count) {
            self.bury(key, name, id, "maxdeliveries");
        } else {
            group.put(id, None, after(at, policy.backoff(count)), count);
        }
    }

    pub(super) fn bury(&mut self, key: &str, name: &str, id: Id, reason: &'static str) {
        let group = self.group(key, name).expect("whose entries these are");
        let count = group.records.get(&id).map_or(0, |record| record.count);
        self.bury_counted(key, name, id, reason, count);
    }

    /// "one atomic step: the original fields plus [the story] appended to DLQ, the record dropped.
    /// Without a DLQ, or when the append is refused: DEAD. Never dropped."
    fn bury_counted(&mut self, key: &str, name: &str, id: Id, reason: &'static str, count: u64) {
        let now = self.now;
        let Some(entry) = self.entry(key, id).cloned() else {
            // Nothing is left to keep.
            self.group(key, name).expect("whose entries these are").records.remove(&id);
            return;
        };
        let group = self.group(key, name).expect("whose entries these are");
        let owner = group.records.get(&id).and_then(|record| record.owner()).unwrap_or_default();
        let story = [
            ("dlq.stream", key.to_string()),
            ("dlq.group", name.to_string()),
            ("dlq.id", super::show(id)),
            ("dlq.reason", reason.to_string()),
            ("dlq.deliveries", count.to_string()),
            ("dlq.consumer", owner.to_string()),
            ("dlq.time", now.to_string()),
        ];
        let dlq = group.policy.as_ref().and_then(|policy| policy.dlq.clone());
        let mut fields = entry.fields.clone();
        fields.extend(story.map(|(field, value)| (field.to_string(), value)));
        // Never taken for a duplicate: it would be lost.
        let request = Request { may_create: true, redriven: Some(None), ..Request::default() };
        let is_appended = dlq.is_some_and(|dlq| self.add(&dlq, &request, &fields).is_ok());
        let group = self.group(key, name).expect("whose entries these are");
        if is_appended {
            group.records.remove(&id);
        } else {
            group.put(id, Some(&entry), State::Dead { reason, since: now }, count);
        }
    }
}

/// Waiting for a time between two bounds.
fn after(at: u64, (least, most): (u64, u64)) -> State {
    match least == most {
        true => due(at + least),
        false => {
            let spread = (at + least, at + most);
            State::Waiting { due: at + most, spread: Some(spread) }
        }
    }
}
