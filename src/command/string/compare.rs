//! Conditions on a string's value or its digest: DIGEST, DELEX, and the IF options of SET.

use xxhash_rust::xxh3::xxh3_64;

use super::super::args;
use super::super::cx::Cx;
use super::super::error::{Error, Outcome};
use crate::types::string::StringValue;

const NOT_A_DIGEST: Error = Error::fixed("ERR must be exactly 16 hexadecimal characters");
const NOT_A_STRING: Error =
    Error::fixed("ERR Key should be of string type if conditions are specified");
const NOT_A_CONDITION: Error =
    Error::fixed("ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE");

/// What a condition compares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Subject {
    Value,
    Digest,
}

/// A condition on the value that a key has now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Condition<'a> {
    pub subject: Subject,
    /// Whether they are to be equal.
    pub equal: bool,
    pub with: &'a [u8],
}

impl<'a> Condition<'a> {
    /// The condition an option names.
    pub fn of(option: &[u8], with: &'a [u8]) -> Option<Condition<'a>> {
        let (subject, equal) = [
            ("IFEQ", Subject::Value, true),
            ("IFNE", Subject::Value, false),
            ("IFDEQ", Subject::Digest, true),
            ("IFDNE", Subject::Digest, false),
        ]
        .into_iter()
        .find_map(|(name, subject, equal)| args::is(option, name).then_some((subject, equal)))?;
        Some(Condition { subject, equal, with })
    }

    /// Whether this is the same option as `other`, whatever they compare with.
    pub fn is_like(&self, other: &Condition<'_>) -> bool {
        self.subject == other.subject && self.equal == other.equal
    }

    /// Whether the condition holds. A key that is missing equals nothing, and Redis does not look
    /// at a digest's form before it has something to compare it with.
    pub fn holds(&self, value: Option<&StringValue>) -> Result<bool, Error> {
        let Some(value) = value else { return Ok(!self.equal) };
        let same = match self.subject {
            Subject::Value => *value.text() == *self.with,
            Subject::Digest if self.with.len() != DIGEST_DIGITS => return Err(NOT_A_DIGEST),
            Subject::Digest => digest_of(value).eq_ignore_ascii_case(self.with),
        };
        Ok(same == self.equal)
    }
}

const DIGEST_DIGITS: usize = 16;

fn digest_of(value: &StringValue) -> Vec<u8> {
    format!("{:016x}", xxh3_64(&value.text())).into_bytes()
}

pub(super) fn digest(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    match cx.tx.read::<StringValue>(args[1])? {
        Some(value) => cx.reply.bulk(&digest_of(value)),
        None => cx.reply.null(),
    }
    Ok(())
}

pub(super) fn delex(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let key = args[1];
    if args.len() != 2 && args.len() != 4 {
        return Err(Error::wrong_arity("delex"));
    }
    let exists = cx.tx.exists(key);
    let wanted = match args.get(2..) {
        Some([option, with]) if exists => {
            let value = cx.tx.read::<StringValue>(key).map_err(|_| NOT_A_STRING)?;
            Condition::of(option, with).ok_or(NOT_A_CONDITION)?.holds(value)?
        }
        _ => exists,
    };
    if wanted {
        super::remove(cx, key);
    }
    cx.reply.int(i64::from(wanted));
    Ok(())
}
