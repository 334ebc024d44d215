//! Idempotent adding: the options of XADD, XCFGSET, XIDMPRECORD, and the effects behind them.

use std::borrow::Cow;

use super::args;
use crate::command::args::{integer, is};
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::journal::EffectWriter;
use crate::types::stream::Stream;
use crate::types::stream::idmp::{ContentId, IdmpConflict, IdmpLimits};

const GIVEN_TWICE: Error = Error::fixed("ERR IDMP/IDMPAUTO specified multiple times");
const NO_PRODUCER: Error = Error::fixed("ERR IDMP requires a non-empty producer ID");
const NO_PRODUCER_AUTO: Error = Error::fixed("ERR IDMPAUTO requires a non-empty producer ID");
const NO_IID: Error = Error::fixed("ERR IDMP requires a non-empty idempotent ID");
const DURATION_RANGE: Error = Error::fixed("ERR IDMP-DURATION must be between 1 and 86400 seconds");
const MAXSIZE_RANGE: Error = Error::fixed("ERR IDMP-MAXSIZE must be between 1 and 10000 entries");
const NO_SUCH_ENTRY: Error =
    Error::fixed("ERR The specified stream ID was deleted or doesn't exist");
const OTHER_ENTRY: Error = Error::fixed(
    "ERR The specified IDMP producer-id/idempotent-id pair maps to a different stream ID",
);

/// IDMP or IDMPAUTO as it was given.
pub(super) struct Given<'a> {
    producer: &'a [u8],
    /// None where it is to be made from the content.
    iid: Option<&'a [u8]>,
}

/// Which message of which producer an entry is.
pub(super) struct Idempotency<'a> {
    pub producer: &'a [u8],
    pub iid: Cow<'a, [u8]>,
}

/// Reads IDMP or IDMPAUTO at the front of `rest`. How many arguments it took.
pub(super) fn take<'a>(
    rest: &[&'a [u8]],
    given: &mut Option<Given<'a>>,
) -> Result<Option<usize>, Error> {
    let (taken, error, iid) = match rest {
        [option, _, iid, ..] if is(option, "IDMP") => (3, NO_PRODUCER, Some(*iid)),
        [option, _, ..] if is(option, "IDMPAUTO") => (2, NO_PRODUCER_AUTO, None),
        _ => return Ok(None),
    };
    let producer = rest[1];
    if given.is_some() {
        return Err(GIVEN_TWICE);
    }
    if producer.is_empty() {
        return Err(error);
    }
    if iid.is_some_and(<[u8]>::is_empty) {
        return Err(NO_IID);
    }
    *given = Some(Given { producer, iid });
    Ok(Some(taken))
}

impl<'a> Given<'a> {
    /// With the idempotency id that the content gives, where none was stated.
    pub fn resolve(self, fields: &[&[u8]]) -> Idempotency<'a> {
        let iid = match self.iid {
            Some(iid) => Cow::Borrowed(iid),
            None => {
                let mut content = ContentId::default();
                for [name, value] in fields.as_chunks().0 {
                    content.add(name, value);
                }
                Cow::Owned(content.bytes().to_vec())
            }
        };
        Idempotency { producer: self.producer, iid }
    }
}

impl Idempotency<'_> {
    /// How many arguments [`write`](Idempotency::write) adds to an effect.
    pub const EFFECT_ARGS: usize = 3;

    pub fn write<'e>(&self, effect: EffectWriter<'e>) -> EffectWriter<'e> {
        effect.arg(b"IDMP").arg(self.producer).arg(&self.iid)
    }
}

/// The limits as XCFGSET was given them.
#[derive(Default)]
pub(super) struct GivenLimits {
    duration_s: Option<u32>,
    per_producer_max: Option<u32>,
}

impl GivenLimits {
    /// Reads the parameter at the front of `rest`, if it is one of these. How many arguments it took.
    pub fn take(&mut self, rest: &[&[u8]]) -> Result<Option<usize>, Error> {
        let [option, value, ..] = rest else { return Ok(None) };
        if is(option, "IDMP-DURATION") {
            self.duration_s = Some(within(integer(value)?, 86_400, DURATION_RANGE)?);
        } else if is(option, "IDMP-MAXSIZE") {
            self.per_producer_max = Some(within(integer(value)?, 10_000, MAXSIZE_RANGE)?);
        } else {
            return Ok(None);
        }
        Ok(Some(2))
    }

    /// Changes what was given of the limits; whether that changed anything.
    pub fn apply(&self, stream: &mut Stream) -> bool {
        let before = stream.idmp().limits();
        let limits = IdmpLimits {
            duration_s: self.duration_s.unwrap_or(before.duration_s),
            per_producer_max: self.per_producer_max.unwrap_or(before.per_producer_max),
        };
        stream.idmp_mut().set_limits(limits);
        limits != before
    }
}

fn within(value: i64, max: u32, error: Error) -> Result<u32, Error> {
    u32::try_from(value).ok().filter(|value| (1..=max).contains(value)).ok_or(error)
}

/// Writes the four arguments that set these limits.
pub(super) fn write_limits<'e>(effect: EffectWriter<'e>, limits: IdmpLimits) -> EffectWriter<'e> {
    effect
        .arg(b"IDMP-DURATION")
        .int(i64::from(limits.duration_s))
        .arg(b"IDMP-MAXSIZE")
        .int(i64::from(limits.per_producer_max))
}

pub(super) fn xidmprecord(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let [_, key, producer, iid, id] = args else { return Err(Error::SYNTAX) };
    if producer.is_empty() {
        return Err(NO_PRODUCER);
    }
    if iid.is_empty() {
        return Err(NO_IID);
    }
    let id = args::id(id, 0)?;
    let now_ms = cx.tx.now_ms() as u64;
    let stream = cx.tx.write::<Stream>(key)?.ok_or(Error::NO_SUCH_KEY)?;
    if !stream.log().contains(id) {
        return Err(NO_SUCH_ENTRY);
    }
    match stream.idmp().find(producer, iid, now_ms) {
        Some(known) if known == id => {}
        Some(_) => return Err(OTHER_ENTRY),
        None => {
            let restored = stream.idmp_mut().restore(producer, iid, id, now_ms);
            restored.map_err(|IdmpConflict| OTHER_ENTRY)?;
            cx.tx.changed(key);
            cx.tx.record(args);
        }
    }
    cx.reply.ok();
    Ok(())
}

/// Reports that the counts of all time have changed.
pub(super) fn record_counts(cx: &mut Cx<'_, '_>, key: &[u8], (added, duplicates): (u64, u64)) {
    cx.tx.changed(key);
    if let Some(effect) = cx.tx.effect(4) {
        effect.arg(b"XIDMPCOUNT").arg(key).display(added).display(duplicates).end();
    }
}

/// `XIDMPCOUNT key added duplicates`: sets the counts of all time.
pub(super) fn xidmpcount(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let [_, key, added, duplicates] = args else { return Err(Error::SYNTAX) };
    let count = |text| u64::try_from(integer(text)?).map_err(|_| Error::NOT_INTEGER);
    let (added, duplicates) = (count(added)?, count(duplicates)?);
    let stream = cx.tx.write::<Stream>(key)?.ok_or(Error::NO_SUCH_KEY)?;
    stream.idmp_mut().set_counts(added, duplicates);
    record_counts(cx, key, (added, duplicates));
    cx.reply.ok();
    Ok(())
}
