//! What a stream's policy makes of a new entry: whether it is taken, when it is due, how long it lives.

use super::idempotency::Idempotency;
use crate::command::args::{integer, is};
use crate::command::error::Error;
use crate::journal::EffectWriter;
use crate::types::number::parse_i64;
use crate::types::stream::policy::{ABSOLUTE_MS_MIN, StreamPolicy};
use crate::types::stream::{Stream, StreamId, TIME_MAX};

const DELAY_RANGE: Error = Error::fixed("ERR DELAY must be 0 or more");
const TTL_RANGE: Error = Error::fixed("ERR TTL must be 0 or more");
const GIVEN_TWICE: Error = Error::fixed("ERR DELAY or TTL specified multiple times");
const BEYOND_AGE: Error =
    Error::fixed("ERR the entry would be due only after the stream's MAXAGE has removed it");

/// DELAY and TTL as they were given, and in an effect the message that the entry is remembered as.
#[derive(Default)]
pub(super) struct Terms<'a> {
    delay: Option<u64>,
    ttl: Option<u64>,
    message: Option<&'a [u8]>,
    redriven: Option<Redriven<'a>>,
}

/// Whom an entry is for that comes back from the dead.
#[derive(Clone, Copy)]
pub(super) enum Redriven<'a> {
    /// The one group in which it died. What its fields say of time is over.
    To(&'a [u8]),
    /// All groups of its stream.
    ToAll,
}

/// Unix times in ms.
#[derive(Clone, Copy, Default)]
pub(super) struct Times {
    pub due_ms: Option<u64>,
    pub expires_ms: Option<u64>,
}

fn is_absolute(ms: u64) -> bool {
    ms >= ABSOLUTE_MS_MIN
}

/// A time that may be relative to `from_ms` as a unix time; none for 0. There is none behind the last
/// that a record keeps.
pub(super) fn unix_ms(ms: u64, from_ms: u64) -> Option<u64> {
    match ms {
        0 => None,
        ms if is_absolute(ms) => Some(ms),
        ms => Some(from_ms.saturating_add(ms)),
    }
    .map(|unix_ms| unix_ms.min(TIME_MAX))
}

/// The ms of a DELAY, of which [`unix_ms`] says what they mean.
///
/// # Errors
/// It is no number, or below 0.
pub(super) fn delay_of(text: &[u8]) -> Result<u64, Error> {
    u64::try_from(integer(text)?).map_err(|_| DELAY_RANGE)
}

impl<'a> Terms<'a> {
    pub fn redriven(to: Redriven<'a>) -> Terms<'a> {
        Terms { redriven: Some(to), ..Terms::default() }
    }

    pub fn is_redriven(&self) -> bool {
        self.redriven.is_some()
    }

    /// The one group that the entry is for, if it is not for all.
    pub fn addressee(&self) -> Option<&'a [u8]> {
        match self.redriven {
            Some(Redriven::To(group)) => Some(group),
            _ => None,
        }
    }

    /// Reads the term at the front of `rest`, if it is one. How many arguments it took.
    pub fn take(&mut self, rest: &[&'a [u8]], is_replay: bool) -> Result<Option<usize>, Error> {
        let [option, value, ..] = rest else { return Ok(None) };
        let (term, ms) = if is(option, "DELAY") {
            (&mut self.delay, delay_of(value)?)
        } else if is(option, "TTL") {
            (&mut self.ttl, u64::try_from(integer(value)?).map_err(|_| TTL_RANGE)?)
        } else if is_replay && is(option, "MESSAGE") {
            self.message = Some(value);
            return Ok(Some(2));
        } else if is_replay && is(option, "FOR") {
            self.redriven = Some(Redriven::To(value));
            return Ok(Some(2));
        } else {
            return Ok(None);
        };
        if term.replace(ms).is_some() {
            return Err(GIVEN_TWICE);
        }
        Ok(Some(2))
    }

    /// The times that an effect states.
    pub fn stated(&self) -> Times {
        Times { due_ms: self.delay, expires_ms: self.ttl }
    }

    /// The times that hold for an entry with these fields that is added now.
    ///
    /// # Errors
    /// A field that the policy names holds no time.
    pub fn resolve(
        &self,
        policy: Option<&StreamPolicy>,
        fields: &[&[u8]],
        now_ms: u64,
    ) -> Result<Times, Error> {
        let policy = policy.filter(|_| self.addressee().is_none());
        let from_field = |name: Option<&Box<[u8]>>, parameter: &str| match name {
            Some(name) => ms_of_field(name, parameter, fields),
            None => Ok(None),
        };
        let delay = match self.delay {
            Some(delay) => Some(delay),
            None => from_field(policy.and_then(|it| it.delay_field.as_ref()), "DELAYFIELD")?,
        };
        let ttl = match self.ttl {
            Some(ttl) => Some(ttl),
            None => from_field(policy.and_then(|it| it.ttl_field.as_ref()), "TTLFIELD")?,
        };
        let due_ms = delay.and_then(|ms| unix_ms(ms, now_ms)).filter(|&due_ms| due_ms > now_ms);
        let expires_ms = ttl.and_then(|ms| unix_ms(ms, due_ms.unwrap_or(now_ms)));
        Ok(Times { due_ms, expires_ms })
    }

    pub fn message(&self) -> Option<&'a [u8]> {
        self.message
    }
}

/// The ms in a field of a new entry; none if it does not have the field, or has it empty.
fn ms_of_field(name: &[u8], parameter: &str, fields: &[&[u8]]) -> Result<Option<u64>, Error> {
    let (pairs, _) = fields.as_chunks();
    let Some([_, value]) = pairs.iter().find(|[field, _]| *field == name) else { return Ok(None) };
    if value.is_empty() {
        return Ok(None);
    }
    let ms = parse_i64(value).and_then(|ms| u64::try_from(ms).ok());
    let refusal = || {
        let head = format!("ERR {parameter} is '");
        Error::quoting(&[head.as_bytes(), name, b"', and its value is no number of milliseconds"])
    };
    ms.map(Some).ok_or_else(refusal)
}

impl Times {
    /// How many arguments [`write`](Times::write) adds to an effect.
    pub fn effect_args(self) -> usize {
        2 * (usize::from(self.due_ms.is_some()) + usize::from(self.expires_ms.is_some()))
    }

    pub fn write<'e>(self, mut effect: EffectWriter<'e>) -> EffectWriter<'e> {
        if let Some(due_ms) = self.due_ms {
            effect = effect.arg(b"DELAY").display(due_ms);
        }
        if let Some(expires_ms) = self.expires_ms {
            effect = effect.arg(b"TTL").display(expires_ms);
        }
        effect
    }
}

/// The entry that a message was added as before, by its idempotency id or the field that says it.
pub(super) fn find_duplicate(
    stream: &Stream,
    idempotency: Option<&Idempotency<'_>>,
    fields: &[&[u8]],
    now_ms: u64,
) -> Option<Duplicate> {
    let by_iid = idempotency.and_then(|it| stream.idmp().find(it.producer, &it.iid, now_ms));
    let by_field = || stream.find_message(fields, now_ms).map(Duplicate::ByField);
    by_iid.map(Duplicate::ByIid).or_else(by_field)
}

pub(super) enum Duplicate {
    ByIid(StreamId),
    ByField(StreamId),
}

/// Whether a stream with this policy takes one more entry.
///
/// # Errors
/// It is full, and nothing may go for the new one.
pub(super) fn check_room(stream: &Stream, policy: &StreamPolicy) -> Result<(), Error> {
    let Some(max_len) = policy.max_len else { return Ok(()) };
    // Where only that may go which everybody is done with, it is gone already.
    if !policy.drops_oldest() && stream.log().len() >= max_len {
        return Err(Error::new(format!("FULL stream is at its limit of {max_len} entries")));
    }
    Ok(())
}

/// Whether an entry of this id lives until it is due.
///
/// # Errors
/// The stream's MAXAGE would have removed it.
pub(super) fn check_age(policy: &StreamPolicy, id: StreamId, times: Times) -> Result<(), Error> {
    match (policy.age_limit_ms(), times.due_ms) {
        (Some(age_ms), Some(due_ms)) if due_ms >= id.ms.saturating_add(age_ms) => Err(BEYOND_AGE),
        _ => Ok(()),
    }
}
