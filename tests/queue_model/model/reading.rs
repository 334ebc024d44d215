//! XREADGROUP.

use super::group::due;
use super::{COUNT_MAX, Entry, Group, Id, NO_GROUP, Refusal, State, World};
use crate::command::Read;
use crate::value::Value;

/// What one reply has room for.
struct Room {
    left: u64,
    taken: u64,
    /// It holds an entry that goes out alone.
    is_closed: bool,
}

/// What a read of one stream may still take.
struct Limits {
    count: u64,
    slots: u64,
    tokens: u64,
}

/// An entry that is delivered, with how long it was idle and how often it was delivered before.
struct Delivered {
    id: Id,
    fields: Vec<(String, String)>,
    idle: u64,
    count: u64,
}

impl Room {
    fn is_full(&self) -> bool {
        self.is_closed || self.left == 0
    }
}

/// What becomes of a NEW entry that the cursor comes to.
enum Fresh {
    Goes,
    Passes,
    /// It waits from now on, until then at least.
    Waits(u64),
}

pub fn fields(entry: &[(String, String)]) -> Value {
    let words = entry.iter().flat_map(|(name, value)| [Value::text(name), Value::text(value)]);
    Value::Array(words.collect())
}

impl World {
    pub(super) fn read(&mut self, read: &Read) -> Result<Value, Refusal> {
        for key in &read.keys {
            self.group(key, &read.group)?;
        }
        let left = read.max_count.unwrap_or(u64::MAX);
        let mut room = Room { left, taken: 0, is_closed: false };
        let mut parts = Vec::new();
        for key in &read.keys {
            if room.is_full() {
                break;
            }
            let delivered = self.read_stream(key, read, &mut room)?;
            if !delivered.is_empty() {
                let with_history = read.claim.is_some();
                let entries = delivered.iter().map(|it| it.shown(with_history)).collect();
                parts.push(Value::Array(vec![Value::text(key), Value::Array(entries)]));
            }
        }
        Ok(if parts.is_empty() { Value::Nil } else { Value::Array(parts) })
    }

    /// "READY by due time, then NEW by id; stop at COUNT, MAXCOUNT, MAXSIZE, MAXINFLIGHT or RATE."
    fn read_stream(
        &mut self,
        key: &str,
        read: &Read,
        room: &mut Room,
    ) -> Result<Vec<Delivered>, Refusal> {
        let now = self.now;
        let stream = self.streams.get_mut(key).ok_or(NO_GROUP)?;
        let group = stream.groups.get_mut(&read.group).ok_or(NO_GROUP)?;
        group.see(&read.consumer, now);
        let mut limits = Limits {
            count: read.count.unwrap_or(u64::MAX),
            slots: group.slots(),
            tokens: group.tokens(now),
        };
        let mut delivered = Vec::new();
        let mut dead = Vec::new();
        let mut has_cleared = false;
        for id in again(group, read, now) {
            let record = group.records[&id].clone();
            let is_out = record.owner().is_some();
            if limits.count == 0 || limits.tokens == 0 || room.is_full() {
                break;
            }
            // What is out already takes no other place.
            if !is_out && limits.slots == 0 {
                continue;
            }
            let Some(entry) = stream.entries.get(&id) else {
                group.records.remove(&id);
                has_cleared = true;
                continue;
            };
            // "at the limit it dead-letters instead"
            if group.is_used_up(record.count) {
                dead.push(id);
                has_cleared = true;
                continue;
            }
            // "The last permitted delivery of an entry (where there were earlier ones) goes out alone
            // in its reply"
            let is_last = record.count > 0 && group.is_used_up(record.count + 1);
            if is_last && room.taken > 0 {
                room.is_closed = true;
                break;
            }
            let idle = now - record.since().unwrap_or(0);
            let count = record.count;
            delivered.push(Delivered { id, fields: entry.fields.clone(), idle, count });
            limits.take(room, !is_out && !read.no_ack);
            room.is_closed = is_last;
            hand_out(group, read, id, entry, now, (record.count + 1).min(COUNT_MAX));
        }
        let after = group.cursor;
        for (&id, entry) in stream.entries.range((after.0, after.1 + 1)..) {
            if limits.are_reached() || room.is_full() {
                break;
            }
            match fate_of_new(group, &read.group, id, entry, now) {
                Fresh::Passes => {}
                Fresh::Waits(until) => group.put(id, Some(entry), due(until), 0),
                Fresh::Goes => {
                    delivered.push(Delivered {
                        id,
                        fields: entry.fields.clone(),
                        idle: 0,
                        count: 0,
                    });
                    limits.take(room, !read.no_ack);
                    hand_out(group, read, id, entry, now, 1);
                }
            }
            group.cursor = id;
        }
        group.note_deliveries(now, delivered.len());
        for id in dead {
            self.bury(key, &read.group, id, "maxdeliveries");
        }
        // What was cleared away may have held up what is behind it: nothing is stuck.
        if delivered.is_empty() && has_cleared {
            return self.read_stream(key, read, room);
        }
        Ok(delivered)
    }

    /// "History reads (id `0`): own INFLIGHT entries, count + 1 as Redis; at the limit the entry is
    /// dead-lettered instead."
    pub(super) fn history(
        &mut self,
        key: &str,
        name: &str,
        consumer: &str,
        count: Option<u64>,
    ) -> Result<Value, Refusal> {
        let now = self.now;
        let group = self.group(key, name)?;
        group.see(consumer, now);
        let own = group.records.iter().filter(|(_, it)| it.owner() == Some(consumer));
        let own: Vec<(Id, u64)> = own.map(|(&id, record)| (id, record.count)).collect();
        let mut shown = Vec::new();
        for (id, before) in own {
            if shown.len() as u64 == count.unwrap_or(u64::MAX) {
                break;
            }
            let entry = self.entry(key, id).cloned();
            let group = self.group(key, name)?;
            let Some(entry) = entry else {
                shown.push(Value::Array(vec![Value::id(id), Value::Nil]));
                continue;
            };
            if group.is_used_up(before) {
                self.bury(key, name, id, "maxdeliveries");
                continue;
            }
            group.hand_out(id, Some(&entry), consumer, now, (before + 1).min(COUNT_MAX));
            shown.push(Value::Array(vec![Value::id(id), fields(&entry.fields)]));
        }
        let part = Value::Array(vec![Value::text(key), Value::Array(shown)]);
        Ok(Value::Array(vec![part]))
    }
}

/// What has a record and may go out: what is ready, and with CLAIM what was released, and what is
/// idle, the longest first.
fn again(group: &Group, read: &Read, now: u64) -> Vec<Id> {
    let mut ids = group.ready(now);
    if let Some(idle) = read.claim {
        ids.extend(group.released());
        ids.extend(group.delivered_by(now.saturating_sub(idle)));
    }
    ids
}

/// "NEW: no record; id beyond the last delivered"
fn fate_of_new(group: &Group, name: &str, id: Id, entry: &Entry, now: u64) -> Fresh {
    let is_for_it = is_for(group, name, entry);
    // "existing records keep owner and count and are passed over", where Redis takes them from their
    // owners; "An entry past [its TTL] is never NEW"
    let is_passed_over = group.records.get(&id).is_some_and(|record| {
        group.policy.is_some() || matches!(record.state, State::Waiting { .. })
    });
    if is_passed_over || !is_for_it || entry.judged {
        Fresh::Passes
    } else if entry.due > now {
        // "A NEW entry not yet due becomes DEFERRED with count 0 as the cursor passes."
        Fresh::Waits(entry.due)
    } else if group.is_held(id, group.line_of(entry).as_ref()) {
        Fresh::Waits(now)
    } else {
        Fresh::Goes
    }
}

/// Whether an entry is for a group: FILTER admits it, or it was redriven for this group.
pub fn is_for(group: &Group, name: &str, entry: &Entry) -> bool {
    match &entry.only_for {
        Some(only) => only == name,
        None => group.policy.as_ref().is_none_or(|policy| policy.admits(entry)),
    }
}

/// "NEW or READY to INFLIGHT, count + 1"; "NOACK reads go straight to DONE."
fn hand_out(group: &mut Group, read: &Read, id: Id, entry: &Entry, now: u64, count: u64) {
    if read.no_ack {
        // Redis leaves a record alone that it comes to so.
        let stays = group.policy.is_none()
            && group
                .records
                .get(&id)
                .is_some_and(|record| !matches!(record.state, State::Waiting { .. }));
        if !stays {
            group.records.remove(&id);
        }
    } else {
        group.hand_out(id, Some(entry), &read.consumer, now, count);
    }
}

impl Limits {
    fn are_reached(&self) -> bool {
        self.count == 0 || self.slots == 0 || self.tokens == 0
    }

    fn take(&mut self, room: &mut Room, needs_slot: bool) {
        self.count -= 1;
        self.slots -= u64::from(needs_slot);
        self.tokens -= 1;
        room.left -= 1;
        room.taken += 1;
    }
}

impl Delivered {
    /// "Redelivered entries have the ordinary two-element shape; only an explicit CLAIM gets four."
    fn shown(&self, with_history: bool) -> Value {
        let mut shown = vec![Value::id(self.id), fields(&self.fields)];
        if with_history {
            shown.extend([
                Value::text(&self.idle.to_string()),
                Value::text(&self.count.to_string()),
            ]);
        }
        Value::Array(shown)
    }
}

/// Whether a record is one that anybody may have who claims what is idle.
pub fn is_free(group: &Group, id: Id, now: u64) -> bool {
    match group.records[&id].state {
        State::Waiting { .. } => group.ready(now).contains(&id),
        State::Released(_) => true,
        _ => false,
    }
}
