//! How entries leave a stream: deleted, trimmed, too old, done with.

use super::{Id, Record, Refs, Refusal, State, Stream, World};
use crate::command::TrimBy;
use crate::value::Value;

impl Stream {
    /// Removes an entry; false if it is not there, or still needed.
    ///
    /// "the record goes with the entry (an INFLIGHT one stays until its ack or expiry, then DONE): no
    /// ghosts. Only an explicit KEEPREF keeps dangling records as Redis does." Without a policy records
    /// stay as in Redis, but for those of delayed entries.
    pub fn remove(&mut self, id: Id, refs: Option<Refs>) -> bool {
        if !self.entries.contains_key(&id) || refs == Some(Refs::Acked) && self.is_awaited(id) {
            return false;
        }
        self.entries.remove(&id);
        self.forget(id, refs);
        true
    }

    /// What becomes of the records of an entry that is gone.
    pub fn forget(&mut self, id: Id, refs: Option<Refs>) {
        for group in self.groups.values_mut() {
            let Some(record) = group.records.get(&id) else { continue };
            let goes = match refs {
                Some(Refs::Keep) => false,
                Some(Refs::Delete) => true,
                _ => matches!(record.state, State::Waiting { .. } | State::Dead { .. }),
            };
            if goes {
                group.records.remove(&id);
            }
        }
    }

    /// Whether a group is not done with an entry.
    pub fn is_awaited(&self, id: Id) -> bool {
        let entry = self.entries.get(&id);
        let only_for = entry.and_then(|entry| entry.only_for.as_ref());
        let is_for = |name: &String| only_for.is_none_or(|only| only == name);
        self.groups.iter().any(|(name, group)| {
            !group.is_done(id) && (is_for(name) || group.records.contains_key(&id))
        })
    }

    /// Whether RETAIN ACKED keeps an entry: "with no group yet, nothing goes".
    fn is_retained(&self, id: Id) -> bool {
        self.policy.sheds_done && (self.groups.is_empty() || self.is_awaited(id))
    }

    /// XADD's own MAXLEN, which spares what RETAIN ACKED keeps.
    pub fn trim_oldest(&mut self, len: u64) {
        self.trim(TrimBy::MaxLen(len), None);
    }

    /// How many were removed.
    fn trim(&mut self, by: TrimBy, refs: Option<Refs>) -> i64 {
        let ids: Vec<Id> = self.entries.keys().copied().collect();
        let mut removed = 0;
        for id in ids {
            let goes = match by {
                TrimBy::MaxLen(len) => self.entries.len() as u64 > len,
                TrimBy::MinId(min) => id < min,
            };
            let is_kept = !matches!(refs, Some(Refs::Keep | Refs::Delete)) && self.is_retained(id);
            if !goes || is_kept {
                continue;
            }
            if refs.is_none() && !self.policy.sheds_done {
                self.remove_first(id);
                removed += 1;
            } else {
                removed += i64::from(self.remove(id, refs));
            }
        }
        removed
    }

    pub fn is_pending(&self, id: Id) -> bool {
        self.groups.values().any(|group| group.records.contains_key(&id))
    }

    /// Removes the oldest entries down to a length.
    pub fn shorten(&mut self, len: u64) {
        while self.entries.len() as u64 > len {
            let first = *self.entries.keys().next().expect("it is longer than something");
            self.remove_first(first);
        }
    }

    /// Removes the first entry; with it go the records that an explicit KEEPREF left of earlier ones.
    fn remove_first(&mut self, id: Id) {
        self.remove(id, None);
        let end = self.entries.keys().next().copied().unwrap_or((u64::MAX, u64::MAX));
        for group in self.groups.values_mut() {
            let is_left = |record: &Record| match record.state {
                State::Waiting { .. } | State::Dead { .. } => false,
                State::InFlight { .. } | State::Released(_) => true,
            };
            group.records.retain(|&other, record| other >= end || is_left(record));
        }
    }

    /// "MAXLEN: retention kept by the server"
    pub fn keep_length(&mut self) {
        if let Some(max) = self.policy.max_len
            && !self.policy.rejects
            && !self.policy.sheds_done
        {
            self.shorten(max);
        }
    }

    /// MAXAGE, where it may remove anything: "trimming spares what is unfinished", and what is finished
    /// is gone there already.
    pub fn age_limit(&self) -> Option<u64> {
        self.policy.max_age.filter(|_| !self.policy.sheds_done)
    }

    /// Removes what is too old.
    pub fn keep_age(&mut self, now: u64) {
        let Some(age) = self.age_limit() else { return };
        while let Some(&first) = self.entries.keys().next()
            && first.0 + age <= now
        {
            self.remove_first(first);
        }
    }

    /// "ACKED: an entry goes when every group is done with it (with no group yet, nothing goes)"; and
    /// an expired one "leaves the stream when no group holds it".
    pub fn shed(&mut self) {
        let ids: Vec<Id> = self.entries.keys().copied().collect();
        for id in ids {
            let is_done = self.policy.sheds_done && !self.groups.is_empty() && !self.is_awaited(id);
            if is_done || self.entries[&id].judged && !self.is_pending(id) {
                self.remove(id, None);
            }
        }
    }
}

impl World {
    pub(super) fn delete(&mut self, key: &str, ids: &[Id]) -> Result<Value, Refusal> {
        let Some(stream) = self.stream(key)? else { return Ok(Value::Int(0)) };
        let count = ids.iter().filter(|&&id| stream.remove(id, None)).count();
        Ok(Value::Int(count as i64))
    }

    /// XDELEX: 1 for what is deleted, 2 for what is still needed (or would be, if it were there), -1
    /// for what is not there.
    pub(super) fn delete_ex(
        &mut self,
        key: &str,
        refs: Option<Refs>,
        ids: &[Id],
    ) -> Result<Value, Refusal> {
        let mut stream = self.stream(key)?;
        let mut outcome = |&id: &Id| {
            let Some(stream) = stream.as_mut() else { return -1 };
            if refs == Some(Refs::Acked) && stream.is_awaited(id) {
                return 2;
            }
            if stream.remove(id, refs) {
                return 1;
            }
            if refs == Some(Refs::Delete) {
                // As in Redis, also of an entry that went before.
                stream.forget(id, refs);
            }
            -1
        };
        Ok(Value::Array(ids.iter().map(|id| Value::Int(outcome(id))).collect()))
    }

    pub(super) fn trim(
        &mut self,
        key: &str,
        by: TrimBy,
        refs: Option<Refs>,
    ) -> Result<Value, Refusal> {
        let Some(stream) = self.stream(key)? else { return Ok(Value::Int(0)) };
        Ok(Value::Int(stream.trim(by, refs)))
    }
}
