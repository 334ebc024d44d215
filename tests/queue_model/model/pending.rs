//! XPENDING.

use std::collections::BTreeMap;

use super::{Refusal, World};
use crate::value::Value;

impl World {
    pub(super) fn pending(&mut self, key: &str, group: &str) -> Result<Value, Refusal> {
        let group = self.group(key, group)?;
        let mut owners: BTreeMap<&str, u64> = BTreeMap::new();
        for record in group.records.values() {
            record.owner().into_iter().for_each(|owner| *owners.entry(owner).or_default() += 1);
        }
        let (Some(first), Some(last)) =
            (group.records.keys().next(), group.records.keys().next_back())
        else {
            return Ok(Value::Array(vec![Value::Int(0), Value::Nil, Value::Nil, Value::Nil]));
        };
        let row = |(owner, count): (&str, u64)| {
            Value::Array(vec![Value::text(owner), Value::text(&count.to_string())])
        };
        let rows = owners.into_iter().map(row).collect();
        let count = group.records.len() as i64;
        Ok(Value::Array(vec![
            Value::Int(count),
            Value::id(*first),
            Value::id(*last),
            Value::Array(rows),
        ]))
    }

    /// "XPENDING shows unowned records as Redis 8.8 does (consumer "", idle −1)."
    pub(super) fn pending_range(
        &mut self,
        key: &str,
        group: &str,
        idle: Option<u64>,
        consumer: Option<&str>,
    ) -> Result<Value, Refusal> {
        let now = self.now;
        let group = self.group(key, group)?;
        let mut rows = Vec::new();
        for (&id, record) in &group.records {
            let idle_ms = record.since().map(|since| now - since);
            let is_idle = idle_ms.unwrap_or(u64::MAX) >= idle.unwrap_or(0);
            let is_asked = consumer.is_none_or(|asked| record.owner() == Some(asked));
            if is_idle && is_asked {
                rows.push(Value::Array(vec![
                    Value::id(id),
                    Value::text(record.owner().unwrap_or_default()),
                    Value::Int(idle_ms.map_or(-1, |ms| ms as i64)),
                    Value::Int(record.count as i64),
                ]));
            }
        }
        Ok(Value::Array(rows))
    }
}
