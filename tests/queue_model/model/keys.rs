//! XGROUP, and keys that come and go.

use super::group::due;
use super::{ERR, Group, Id, Refusal, World};
use crate::value::Value;

impl World {
    pub(super) fn create_group(
        &mut self,
        key: &str,
        group: &str,
        from: Option<Id>,
    ) -> Result<Value, Refusal> {
        self.stream(key)?;
        let stream = self.streams.entry(key.to_string()).or_default();
        if stream.groups.contains_key(group) {
            return Err("BUSYGROUP");
        }
        let cursor = from.unwrap_or(stream.last_id);
        stream.groups.insert(group.to_string(), Group { cursor, ..Group::default() });
        Ok(Value::ok())
    }

    /// "XGROUP SETID moves the cursor only"
    pub(super) fn set_id(
        &mut self,
        key: &str,
        group: &str,
        from: Option<Id>,
    ) -> Result<Value, Refusal> {
        self.group_of_key(key, group)?;
        let stream = self.streams.get_mut(key).expect("looked for just now");
        let last_id = stream.last_id;
        let group = stream.groups.get_mut(group).expect("looked for just now");
        group.cursor = from.unwrap_or(last_id);
        Ok(Value::ok())
    }

    pub(super) fn destroy(&mut self, key: &str, group: &str) -> Result<Value, Refusal> {
        let stream = self.stream(key)?.ok_or(ERR)?;
        let removed = stream.groups.remove(group);
        Ok(Value::Int(i64::from(removed.is_some())))
    }

    pub(super) fn create_consumer(
        &mut self,
        key: &str,
        group: &str,
        consumer: &str,
    ) -> Result<Value, Refusal> {
        let now = self.now;
        let group = self.group_of_key(key, group)?;
        let is_new = !group.consumers.contains_key(consumer);
        if is_new {
            group.see(consumer, now);
        }
        Ok(Value::Int(i64::from(is_new)))
    }

    /// "XGROUP DELCONSUMER and CONSUMERTTL: what the consumer held becomes READY, count kept." In a
    /// group without a policy it is gone, as in Redis.
    pub(super) fn delete_consumer(
        &mut self,
        key: &str,
        name: &str,
        consumer: &str,
    ) -> Result<Value, Refusal> {
        let now = self.now;
        let group = self.group_of_key(key, name)?;
        let held = group.records.iter().filter(|(_, it)| it.owner() == Some(consumer));
        let held: Vec<(Id, u64)> = held.map(|(&id, record)| (id, record.count)).collect();
        let has_policy = group.policy.is_some();
        for &(id, count) in &held {
            if !has_policy || self.entry(key, id).is_none() {
                self.group(key, name)?.records.remove(&id);
            } else if self.group(key, name)?.is_used_up(count) {
                // "The limit is judged when an entry comes back"
                self.bury(key, name, id, "maxdeliveries");
            } else {
                self.group(key, name)?.put(id, None, due(now), count);
            }
        }
        self.group(key, name)?.consumers.remove(consumer);
        Ok(Value::Int(held.len() as i64))
    }

    pub(super) fn delete_key(&mut self, key: &str) -> Result<Value, Refusal> {
        let was_stream = self.streams.remove(key).is_some();
        let was_string = self.strings.remove(key);
        Ok(Value::Int(i64::from(was_stream || was_string)))
    }

    pub(super) fn set_string(&mut self, key: &str) -> Result<Value, Refusal> {
        self.streams.remove(key);
        self.strings.insert(key.to_string());
        Ok(Value::ok())
    }
}
