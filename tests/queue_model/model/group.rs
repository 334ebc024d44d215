//! A group: its records, and the state that each is in.

use std::collections::BTreeMap;

use super::{Entry, GroupPolicy, Id};

/// Where a record stands. READY, DEFERRED and HELD are one: which one it is follows from the time and
/// from the others ([`Group::name_of`]).
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Unowned, and goes out at `due` or later.
    Waiting {
        due: u64,
        /// The bounds of a due time that the server has drawn and that is not known yet.
        spread: Option<(u64, u64)>,
    },
    /// Owned since its delivery.
    InFlight { consumer: String, since: u64 },
    /// Given up for this reason.
    Dead { reason: &'static str, since: u64 },
    /// Given back by XNACK in a group without a policy, with its place in the order of release.
    Released(u64),
}

#[derive(Clone, Debug)]
pub struct Record {
    pub state: State,
    pub count: u64,
    /// Its value of the ORDERBY field.
    pub line: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub struct Consumer {
    pub seen: u64,
    /// When the leases end that it held when it was last looked at, had they begun then.
    pub leased_until: u64,
}

#[derive(Clone, Debug, Default)]
pub struct Group {
    /// The last delivered id.
    pub cursor: Id,
    pub records: BTreeMap<Id, Record>,
    pub consumers: BTreeMap<String, Consumer>,
    pub policy: Option<GroupPolicy>,
    /// When entries were delivered that RATE counts.
    pub deliveries: Vec<u64>,
    /// How many were released, ever.
    pub releases: u64,
    /// How many of these when the last policy ended.
    pub releases_by_end: u64,
}

pub fn due(at: u64) -> State {
    State::Waiting { due: at, spread: None }
}

impl Record {
    pub fn owner(&self) -> Option<&str> {
        match &self.state {
            State::InFlight { consumer, .. } => Some(consumer),
            _ => None,
        }
    }

    pub fn since(&self) -> Option<u64> {
        match self.state {
            State::InFlight { since, .. } => Some(since),
            _ => None,
        }
    }
}

impl Group {
    /// Puts an entry into a state.
    pub fn put(&mut self, id: Id, entry: Option<&Entry>, state: State, count: u64) {
        let known = self.records.get(&id).and_then(|record| record.line.clone());
        let line = known.or_else(|| self.line_of(entry?));
        self.records.insert(id, Record { state, count, line });
    }

    pub fn line_of(&self, entry: &Entry) -> Option<String> {
        let field = self.policy.as_ref()?.order_by.as_ref()?;
        entry.value(field).map(str::to_string)
    }

    /// "HELD: an earlier unfinished, or any in-flight, entry has its ORDERBY value"
    pub fn is_held(&self, id: Id, line: Option<&String>) -> bool {
        let Some(line) = line else { return false };
        self.records.iter().any(|(&other, record)| {
            let holds = match record.state {
                State::InFlight { .. } => true,
                State::Waiting { .. } => other < id,
                State::Dead { .. } | State::Released(_) => false,
            };
            holds && other != id && record.line.as_ref() == Some(line)
        })
    }

    /// Whether FORCE makes a record of an entry that the group, of this name, has none of: "Within an
    /// ORDERBY value strictly by id"; a redriven entry "all other groups count as done", and "a group
    /// made later never sees" an expired one.
    pub fn may_force(&self, name: &str, id: Id, entry: &Entry) -> bool {
        let overtakes = id > self.cursor && self.line_of(entry).is_some();
        let is_for_others = entry.only_for.as_ref().is_some_and(|only| only != name);
        !overtakes && !is_for_others && !entry.judged
    }

    /// "at MAXDELIVERIES"
    pub fn is_used_up(&self, count: u64) -> bool {
        let max = self.policy.as_ref().and_then(|policy| policy.max_deliveries);
        max.is_some_and(|max| count >= max)
    }

    pub fn in_flight(&self) -> u64 {
        self.records.values().filter(|record| record.owner().is_some()).count() as u64
    }

    /// How many more may be in flight.
    pub fn slots(&self) -> u64 {
        let max = self.policy.as_ref().and_then(|policy| policy.max_in_flight);
        max.map_or(u64::MAX, |max| max.saturating_sub(self.in_flight()))
    }

    /// "at most n deliveries in any ms milliseconds (sliding)"
    pub fn tokens(&self, now: u64) -> u64 {
        let Some((most, ms)) = self.policy.as_ref().and_then(|policy| policy.rate) else {
            return u64::MAX;
        };
        let recent = self.deliveries.iter().filter(|&&at| at + ms > now).count() as u64;
        most.saturating_sub(recent)
    }

    /// Counts deliveries for RATE.
    pub fn note_deliveries(&mut self, now: u64, count: usize) {
        if self.policy.as_ref().is_some_and(|policy| policy.rate.is_some()) {
            self.deliveries.extend(std::iter::repeat_n(now, count));
        }
    }

    /// "READY by due time"
    pub fn ready(&self, now: u64) -> Vec<Id> {
        let mut ready: Vec<(u64, Id)> = Vec::new();
        for (&id, record) in &self.records {
            if let State::Waiting { due, .. } = record.state
                && due <= now
                && !self.is_held(id, record.line.as_ref())
            {
                ready.push((due, id));
            }
        }
        ready.sort_unstable();
        ready.into_iter().map(|(_, id)| id).collect()
    }

    /// The name of a record's state, with what else is seen of it.
    pub fn name_of(&self, id: Id, now: u64) -> String {
        let record = &self.records[&id];
        let count = record.count;
        match &record.state {
            State::Waiting { due, .. } if *due > now => format!("DEFERRED {count} @{due}"),
            State::Waiting { due, .. } if self.is_held(id, record.line.as_ref()) => {
                format!("HELD {count} @{due}")
            }
            State::Waiting { due, .. } => format!("READY {count} @{due}"),
            State::InFlight { consumer, since } => format!("INFLIGHT {count} @{since} {consumer}"),
            State::Dead { reason, .. } => format!("DEAD {count} {reason}"),
            State::Released(_) => format!("RELEASED {count}"),
        }
    }

    /// Whether the group is done with an entry.
    pub fn is_done(&self, id: Id) -> bool {
        id <= self.cursor && !self.records.contains_key(&id)
    }

    /// Notes that a consumer was heard of; makes it if there is none of its name.
    pub fn see(&mut self, consumer: &str, now: u64) {
        self.consumers.entry(consumer.to_string()).or_default().seen = now;
    }

    pub fn holds_lease(&self, consumer: &str) -> bool {
        let has_leases = self.policy.as_ref().is_some_and(|policy| policy.lease.is_some());
        has_leases && self.records.values().any(|record| record.owner() == Some(consumer))
    }

    /// Gives an entry to a consumer.
    pub fn hand_out(&mut self, id: Id, entry: Option<&Entry>, to: &str, at: u64, count: u64) {
        let state = State::InFlight { consumer: to.to_string(), since: at };
        self.put(id, entry, state, count);
    }

    /// Releases an entry, as XNACK does in Redis.
    pub fn release(&mut self, id: Id, count: u64) {
        self.releases += 1;
        self.put(id, None, State::Released(self.releases), count);
    }

    /// What becomes released when the policy ends, in the order in which it would have gone out: what is
    /// ready, what is to be, and last what is held or dead, with the counts of deliveries.
    pub fn ending(&self, now: u64) -> Vec<(Id, u64)> {
        let mut all: Vec<(u8, u64, Id)> = Vec::new();
        for (&id, record) in &self.records {
            let (part, time) = match record.state {
                State::Waiting { .. } if record.count == 0 => continue,
                State::Waiting { due, .. } if due > now => (1, due),
                State::Waiting { due, .. } if self.is_held(id, record.line.as_ref()) => (2, due),
                State::Waiting { due, .. } => (0, due),
                State::Dead { since, .. } => (2, since),
                State::InFlight { .. } | State::Released(_) => continue,
            };
            all.push((part, time, id));
        }
        all.sort_unstable();
        all.into_iter().map(|(_, _, id)| (id, self.records[&id].count)).collect()
    }

    /// Released entries in the order of their release.
    pub fn released(&self) -> Vec<Id> {
        let mut all: Vec<(u64, Id)> = Vec::new();
        for (&id, record) in &self.records {
            if let State::Released(place) = record.state {
                all.push((place, id));
            }
        }
        all.sort_unstable();
        all.into_iter().map(|(_, id)| id).collect()
    }

    /// Entries in flight that were delivered at `by` or before, the oldest delivery first.
    pub fn delivered_by(&self, by: u64) -> Vec<Id> {
        let mut all: Vec<(u64, Id)> = Vec::new();
        for (&id, record) in &self.records {
            all.extend(record.since().filter(|&since| since <= by).map(|since| (since, id)));
        }
        all.sort_unstable();
        all.into_iter().map(|(_, id)| id).collect()
    }
}
