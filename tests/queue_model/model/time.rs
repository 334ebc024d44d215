//! What happens by itself: leases lapse, entries expire, consumers are forgotten, streams shed.

use super::reading::is_for;
use super::{Id, State, World};

impl World {
    /// Does all that is due now.
    pub fn settle(&mut self) {
        loop {
            let mut again = false;
            for key in self.streams.keys().cloned().collect::<Vec<_>>() {
                again |= self.settle_stream(&key);
            }
            if !again {
                return;
            }
        }
    }

    /// Whether anything was done that may have more of it.
    fn settle_stream(&mut self, key: &str) -> bool {
        let mut again = false;
        for name in self.streams[key].groups.keys().cloned().collect::<Vec<_>>() {
            again |= self.end_leases(key, &name);
            again |= self.forget_consumers(key, &name);
        }
        again |= self.judge_expired(key);
        let now = self.now;
        if !self.streams.contains_key(key) {
            return again;
        }
        self.pass_unwanted(key);
        let stream = self.streams.get_mut(key).expect("looked for just now");
        stream.shed();
        stream.keep_length();
        stream.keep_age(now);
        self.pass_unwanted(key);
        let stream = self.streams.get_mut(key).expect("looked for just now");
        stream.shed();
        again
    }

    /// "unacknowledged after this time it comes back by itself"
    fn end_leases(&mut self, key: &str, name: &str) -> bool {
        let now = self.now;
        let group = &self.streams[key].groups[name];
        let Some(lease) = group.policy.as_ref().and_then(|policy| policy.lease) else {
            return false;
        };
        let Some(by) = now.checked_sub(lease) else { return false };
        let lapsed = group.delivered_by(by);
        for &id in &lapsed {
            let since = self.streams[key].groups[name].records[&id].since().expect("in flight");
            self.lapse(key, name, id, since + lease);
        }
        !lapsed.is_empty()
    }

    /// "consumers idle that long are removed and what they held comes back"
    fn forget_consumers(&mut self, key: &str, name: &str) -> bool {
        let now = self.now;
        let known = self.consumers.get(&(key.to_string(), name.to_string())).cloned();
        let known = known.unwrap_or_default();
        let mut idle = Vec::new();
        for (consumer, until) in self.idle_until(key, name, self.started) {
            // "With a LEASE it is looked at again when the first lease ends."
            let latest = self.streams[key].groups[name].consumers[&consumer].leased_until;
            if until <= now && latest <= now {
                idle.push(consumer);
            }
        }
        for (consumer, until) in self.idle_until(key, name, self.started_before) {
            if until <= now && !known.contains(&consumer) && !idle.contains(&consumer) {
                idle.push(consumer);
            }
        }
        for consumer in &idle {
            self.delete_consumer(key, name, consumer).expect("it is there");
        }
        self.note_leases(key, name);
        !idle.is_empty()
    }

    /// Consumers that are idle, with when each may go: "who is blocked in a read or holds a live lease is
    /// not idle". "After a start from the start at the earliest."
    fn idle_until(&self, key: &str, name: &str, started: u64) -> Vec<(String, u64)> {
        let group = &self.streams[key].groups[name];
        let Some(ttl) = group.policy.as_ref().and_then(|policy| policy.consumer_ttl) else {
            return Vec::new();
        };
        let is_blocked = |consumer: &str| {
            self.waiters.iter().any(|waiter| {
                let read = &waiter.read;
                let is_here = read.group == name && read.keys.iter().any(|it| it == key);
                is_here && read.consumer == consumer
            })
        };
        let idle = group.consumers.iter();
        let idle = idle.filter(|(name, _)| !is_blocked(name) && !group.holds_lease(name));
        idle.map(|(name, it)| (name.clone(), it.seen.max(started) + ttl)).collect()
    }

    fn note_leases(&mut self, key: &str, name: &str) {
        let now = self.now;
        let group = self.group(key, name).expect("it is being settled");
        let Some(lease) = group.policy.as_ref().and_then(|policy| policy.lease) else { return };
        let names: Vec<String> = group.consumers.keys().cloned().collect();
        for name in names {
            if group.holds_lease(&name) {
                let consumer = group.consumers.get_mut(&name).expect("it was listed");
                consumer.leased_until = now + lease;
            }
        }
    }

    /// "each group that exists when it expires judges it once (READY, NEW, DEFERRED, HELD: dead-lettered
    /// with reason `expired`; INFLIGHT: when it comes back)"
    fn judge_expired(&mut self, key: &str) -> bool {
        let now = self.now;
        let stream = self.streams.get_mut(key).expect("it is being settled");
        let mut due: Vec<(u64, Id, bool)> = Vec::new();
        for (&id, entry) in &mut stream.entries {
            if let Some(at) = entry.expires.filter(|&at| at <= now) {
                due.push((at, id, !entry.judged));
                entry.judged = true;
            }
        }
        // As they have expired, whenever they came back.
        due.sort_unstable();
        let mut again = due.iter().any(|(_, _, is_first)| *is_first);
        for name in stream.groups.keys().cloned().collect::<Vec<_>>() {
            for &(_, id, is_first) in &due {
                again |= match is_first {
                    true => self.judge_new(key, &name, id),
                    false => self.judge_one(key, &name, id, false),
                };
            }
        }
        again
    }

    /// NEW entries; those that have a record are judged as those that come back are.
    fn judge_new(&mut self, key: &str, name: &str, id: Id) -> bool {
        let group = &self.streams[key].groups[name];
        let entry = &self.streams[key].entries[&id];
        let is_new = id > group.cursor && !group.records.contains_key(&id);
        let is_for_it = group.policy.is_some() && is_for(group, name, entry);
        if is_new && is_for_it {
            self.bury(key, name, id, "expired");
            return true;
        }
        self.judge_one(key, name, id, true)
    }

    /// Judges an expired entry that waits in a group: with a policy it is dead-lettered, without one
    /// there is no place for the dead.
    fn judge_one(&mut self, key: &str, name: &str, id: Id, is_first: bool) -> bool {
        let group = self.group(key, name).expect("it is being settled");
        let Some(record) = group.records.get(&id) else { return false };
        match record.state {
            State::Waiting { .. } if group.policy.is_some() => {
                self.bury(key, name, id, "expired");
                true
            }
            // What a policy has left behind was judged by it.
            State::Released(place) if place <= group.releases_by_end && !is_first => false,
            State::Waiting { .. } | State::Released(_) => group.records.remove(&id).is_some(),
            _ => false,
        }
    }

    /// "entries that do not match count as done for this group, passed as they reach its cursor whether
    /// anyone reads or not"
    fn pass_unwanted(&mut self, key: &str) {
        let stream = self.streams.get_mut(key).expect("it is being settled");
        for (name, group) in &mut stream.groups {
            let Some(policy) = &group.policy else { continue };
            if policy.filters.is_empty() {
                continue;
            }
            let after = (group.cursor.0, group.cursor.1 + 1);
            let unwanted = stream.entries.range(after..);
            let unwanted =
                unwanted.take_while(|(_, entry)| !is_for(group, name, entry) || entry.judged);
            if let Some((&last, _)) = unwanted.last() {
                group.cursor = last;
            }
        }
    }

    /// When something may happen by itself next, behind now.
    pub fn next_event(&self) -> Option<u64> {
        let mut times: Vec<u64> = Vec::new();
        for (key, stream) in &self.streams {
            times.extend(stream.entries.values().filter_map(|entry| entry.expires));
            times.extend(stream.entries.values().map(|entry| entry.due));
            let first = stream.entries.keys().next();
            times.extend(first.zip(stream.age_limit()).map(|(first, age)| first.0 + age));
            for (name, group) in &stream.groups {
                for record in group.records.values() {
                    let lease = group.policy.as_ref().and_then(|policy| policy.lease);
                    times.extend(record.since().zip(lease).map(|(since, lease)| since + lease));
                    if let State::Waiting { due, .. } = record.state {
                        times.push(due);
                    }
                }
                times.extend(
                    self.idle_until(key, name, self.started).into_iter().map(|(_, until)| until),
                );
                if let Some((_, ms)) = group.policy.as_ref().and_then(|policy| policy.rate) {
                    times.extend(group.deliveries.iter().map(|at| at + ms));
                }
            }
        }
        times.into_iter().filter(|&at| at > self.now).min()
    }

    /// Takes over a due time that the server has drawn; none if the entry is out again already, so that
    /// it was due. False if it is not within bounds.
    pub fn adopt(&mut self, key: &str, name: &str, id: Id, drawn: Option<u64>) -> bool {
        let now = self.now;
        let group = self.group(key, name).expect("who asks has looked");
        let record = group.records.get_mut(&id).expect("who asks has looked");
        let State::Waiting { due, spread } = &mut record.state else { return false };
        let Some((least, most)) = spread.take() else { return true };
        *due = drawn.unwrap_or(now.min(most));
        (least..=most).contains(due)
    }

    /// The records whose due time only the server knows.
    pub fn undecided(&self) -> Vec<(String, String, Id)> {
        let mut found = Vec::new();
        for (key, stream) in &self.streams {
            for (name, group) in &stream.groups {
                for (&id, record) in &group.records {
                    if let State::Waiting { spread: Some(_), .. } = record.state {
                        found.push((key.clone(), name.clone(), id));
                    }
                }
            }
        }
        found
    }
}
