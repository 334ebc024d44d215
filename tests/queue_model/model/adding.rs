//! XADD: what a stream takes, and when it is due.

use super::{ERR, Entry, Id, Refusal, Stream, World};

/// A value of 10¹² or more is an absolute unix time in ms.
const ABSOLUTE: u64 = 1_000_000_000_000;

/// Of XADD, beside the fields.
#[derive(Default)]
pub struct Request {
    pub id: Option<Id>,
    pub may_create: bool,
    pub delay: Option<u64>,
    pub ttl: Option<u64>,
    pub max_len: Option<u64>,
    /// It goes to the dead or returns from there: to this group only, or to all. No duplicate then.
    pub redriven: Option<Option<String>>,
}

/// A time that may be counted from `from`; none for 0.
pub fn absolute(ms: u64, from: u64) -> Option<u64> {
    match ms {
        0 => None,
        ABSOLUTE.. => Some(ms),
        ms => Some(from + ms),
    }
}

impl World {
    /// The id of the new entry, or of the one that it repeats; none if there is no stream and none is
    /// to be made.
    pub(super) fn add(
        &mut self,
        key: &str,
        request: &Request,
        fields: &[(String, String)],
    ) -> Result<Option<Id>, Refusal> {
        let now = self.now;
        let is_new = self.stream(key)?.is_none();
        if is_new && !request.may_create {
            return Ok(None);
        }
        let stream = self.streams.entry(key.to_string()).or_default();
        let added = stream.take(now, request, fields);
        if is_new && added.is_err() {
            self.streams.remove(key);
        }
        added.map(Some)
    }
}

impl Stream {
    fn take(
        &mut self,
        now: u64,
        request: &Request,
        fields: &[(String, String)],
    ) -> Result<Id, Refusal> {
        let mut entry = Entry { fields: fields.to_vec(), ..Entry::default() };
        entry.only_for = request.redriven.clone().flatten();
        let message = self.message(&entry);
        let window = self.policy.dedup.as_ref().map_or(0, |dedup| dedup.1);
        let repeats = |(value, _, at): &&(String, Id, u64)| {
            Some(value) == message.as_ref() && now < at + window
        };
        if let Some(&(_, id, _)) = self.messages.iter().rev().find(repeats)
            && request.redriven.is_none()
        {
            return Ok(id);
        }
        if entry.only_for.is_none() {
            self.set_times(now, request, &mut entry)?;
        }
        self.check_room()?;
        let (last_ms, last_seq) = self.last_id;
        let id = match request.id {
            Some(id) if id <= self.last_id => return Err(ERR),
            Some(id) => id,
            None if now > last_ms => (now, 0),
            None => (last_ms, last_seq + 1),
        };
        // It would be due only after it has gone.
        if self.age_limit().is_some_and(|age| entry.due >= id.0 + age) {
            return Err(ERR);
        }
        if let Some(message) = message {
            self.messages.push((message, id, id.0));
        }
        self.last_id = id;
        self.entries.insert(id, entry);
        if let Some(len) = request.max_len {
            self.trim_oldest(len);
        }
        self.keep_length();
        Ok(id)
    }

    /// What DEDUPFIELD tells of an entry.
    fn message(&self, entry: &Entry) -> Option<String> {
        let (field, _) = self.policy.dedup.as_ref()?;
        entry.value(field).filter(|value| !value.is_empty()).map(str::to_string)
    }

    /// DELAY and TTL, or the fields that say them: "TTL ms, counted from the due time".
    fn set_times(&self, now: u64, request: &Request, entry: &mut Entry) -> Result<(), Refusal> {
        let said = |given: Option<u64>, field: &Option<String>| match (given, field) {
            (Some(ms), _) => Ok(Some(ms)),
            (None, Some(field)) => match entry.value(field) {
                None | Some("") => Ok(None),
                Some(text) => text.parse().map(Some).map_err(|_| ERR),
            },
            (None, None) => Ok(None),
        };
        let delay = said(request.delay, &self.policy.delay_field)?;
        let ttl = said(request.ttl, &self.policy.ttl_field)?;
        let due = delay.and_then(|ms| absolute(ms, now)).filter(|&due| due > now);
        entry.due = due.unwrap_or(0);
        entry.expires = ttl.and_then(|ms| absolute(ms, due.unwrap_or(now)));
        Ok(())
    }

    /// "at MAXLEN: trim the oldest, or refuse XADD"; "trimming spares what is unfinished, so a full
    /// stream rejects"
    fn check_room(&self) -> Result<(), Refusal> {
        let rejects = self.policy.rejects || self.policy.sheds_done;
        let is_full = self.policy.max_len.is_some_and(|max| self.entries.len() as u64 >= max);
        if rejects && is_full { Err("FULL") } else { Ok(()) }
    }
}
