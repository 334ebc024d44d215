//! XREDRIVE.

use super::adding::Request;
use super::group::due;
use super::{ERR, Entry, Id, Refusal, State, World};
use crate::command::Which;
use crate::value::Value;

const STORY: [&str; 7] = [
    "dlq.stream",
    "dlq.group",
    "dlq.id",
    "dlq.reason",
    "dlq.deliveries",
    "dlq.consumer",
    "dlq.time",
];

/// Where an entry died.
struct Origin {
    key: String,
    group: String,
    id: Id,
}

type Fields = Vec<(String, String)>;

impl World {
    /// "returns the dead, atomically, each to the group it died in and to no other. With TO they become
    /// ordinary entries of that stream. The reply is how many."
    pub(super) fn redrive(
        &mut self,
        key: &str,
        which: &Which,
        to: Option<&str>,
    ) -> Result<Value, Refusal> {
        if to == Some(key) {
            return Err(ERR);
        }
        if self.stream(key)?.is_some()
            && let Some(to) = to
        {
            self.stream(to)?;
        }
        let Some(stream) = self.stream(key)? else { return Ok(Value::Int(0)) };
        let ids: Vec<Id> = match which {
            Which::Count(count) => stream.entries.keys().copied().take(*count as usize).collect(),
            Which::Ids(ids) => {
                let mut ids = ids.clone();
                ids.sort_unstable();
                ids.dedup();
                ids
            }
        };
        let letters: Vec<(Id, Entry)> =
            ids.iter().filter_map(|id| Some((*id, stream.entries.get(id)?.clone()))).collect();
        let mut returned = Vec::new();
        for (id, letter) in letters {
            if self.return_one(&letter, to) {
                returned.push(id);
            }
        }
        for &id in &returned {
            self.streams.get_mut(key).expect("they were there").remove(id, None);
        }
        Ok(Value::Int(returned.len() as i64))
    }

    fn return_one(&mut self, letter: &Entry, to: Option<&str>) -> bool {
        let (fields, origin) = read(letter);
        let (Some(origin), None) = (origin, to) else {
            return to.is_some_and(|to| self.append_returned(to, &fields, None));
        };
        if self.group(&origin.key, &origin.group).is_err() {
            return false;
        }
        let now = self.now;
        let stands = self.entry(&origin.key, origin.id).is_some_and(|entry| {
            let is_alive = !entry.judged && entry.expires.is_none_or(|at| at > now);
            is_alive && entry.fields == fields
        });
        if !stands {
            // "else a new entry there, without the story fields, that all other groups count as done"
            return self.append_returned(&origin.key, &fields, Some(origin.group));
        }
        // "its record with delivery count 0 if the entry still stands in its stream"
        let entry = self.entry(&origin.key, origin.id).cloned();
        let group = self.group(&origin.key, &origin.group).expect("looked for just now");
        let known = group.records.get(&origin.id).map(|record| &record.state);
        if matches!(known, Some(State::InFlight { .. })) {
            return true;
        }
        if group.policy.is_some() {
            group.put(origin.id, entry.as_ref(), due(now), 0);
        } else {
            group.release(origin.id, 0);
        }
        true
    }

    fn append_returned(&mut self, key: &str, fields: &Fields, group: Option<String>) -> bool {
        let request = Request { may_create: true, redriven: Some(group), ..Request::default() };
        self.add(key, &request, fields).is_ok()
    }
}

/// The fields without the story, and what it tells.
fn read(letter: &Entry) -> (Fields, Option<Origin>) {
    let all = &letter.fields;
    let own = all.len().saturating_sub(STORY.len());
    let story = &all[own..];
    if !story.iter().map(|(name, _)| name.as_str()).eq(STORY) {
        return (all.clone(), None);
    }
    let (ms, seq) = story[2].1.split_once('-').expect("an id as it was written");
    let number = |text: &str| text.parse().expect("an id as it was written");
    let id = (number(ms), number(seq));
    let origin = Origin { key: story[0].1.clone(), group: story[1].1.clone(), id };
    (all[..own].to_vec(), Some(origin))
}
