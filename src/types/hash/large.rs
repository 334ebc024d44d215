//! A large hash: its fields in a dict, and the deadlines of those that have one in order.
//!
//! Invariant: for every field with a deadline there is one [`Due`] of that time and the key of its
//! name, and there are no others.

use super::field::{Field, NEVER, Packing};
use crate::types::dict::Dict;
use crate::types::spine::{Slot, Spine};

/// (deadline in unix ms, the dict's key of the field's name), in order. Two fields of one deadline
/// and key are two alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Due(pub (i64, u32));

impl Slot for Due {
    type Key = (i64, u32);

    fn key(&self) -> &(i64, u32) {
        &self.0
    }
}

#[derive(Clone, Default)]
pub(super) struct Large {
    pub fields: Dict<Packing>,
    pub dues: Spine<Due>,
}

impl Large {
    /// A hash of fields that have no deadlines.
    pub fn of<'f>(fields: impl Iterator<Item = (&'f [u8], Field<'f>)> + Clone) -> Large {
        Large { fields: Dict::of(fields), dues: Spine::default() }
    }

    pub fn set(&mut self, name: &[u8], field: Field<'_>) -> bool {
        if !self.dues.is_empty() {
            self.forget(name);
        }
        if field.expire_at_ms != NEVER {
            let due = (field.expire_at_ms, self.fields.key_of(name));
            let place = self.dues.partition_point(|key| *key < due);
            self.dues.insert(place, Due(due));
        }
        self.fields.insert(name, field)
    }

    pub fn remove(&mut self, name: &[u8]) -> bool {
        if !self.dues.is_empty() {
            self.forget(name);
        }
        self.fields.remove(name)
    }

    /// Takes a field's deadline out of the order, if it has one.
    fn forget(&mut self, name: &[u8]) {
        let expire_at_ms = self.fields.get(name).map_or(NEVER, |field| field.expire_at_ms);
        if expire_at_ms != NEVER {
            let due = (expire_at_ms, self.fields.key_of(name));
            let place = self.dues.partition_point(|key| *key < due);
            self.dues.remove(place);
        }
    }

    /// How many fields are due.
    pub fn due_count(&self, now_ms: i64) -> usize {
        if self.nearest_deadline() > now_ms {
            return 0;
        }
        self.dues.partition_point(|&(at_ms, _)| at_ms <= now_ms)
    }

    pub fn nearest_deadline(&self) -> i64 {
        self.dues.front().map_or(NEVER, |due| due.0.0)
    }

    /// The names of up to `max` fields that are due.
    pub fn due_names(&self, now_ms: i64, max: usize) -> Vec<&[u8]> {
        let mut names = Vec::new();
        let mut before = None;
        for &Due((at_ms, key)) in self.dues.iter() {
            if at_ms > now_ms || names.len() >= max {
                break;
            }
            // Fields of one time and key are all found at the first of their dues.
            if before.replace((at_ms, key)) != Some((at_ms, key)) {
                let alike = self.fields.of_key(key);
                let alike = alike.filter(|(_, field)| field.expire_at_ms == at_ms);
                names.extend(alike.map(|(name, _)| name));
            }
        }
        names
    }
}
