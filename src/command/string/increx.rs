//! INCREX: an increment with bounds and a deadline in one step.

use std::cmp::Ordering;

use super::super::args;
use super::super::cx::Cx;
use super::super::error::{Error, Outcome};
use super::expiry::{Choice, Unit};
use super::{remove, store_derived};
use crate::keyspace::{Expiry, NEVER};
use crate::types::extended::Extended;
use crate::types::string::StringValue;

const ENX_ALONE: Error = Error::fixed("ERR ENX flag requires an expiration");
const BOUNDS_CROSSED: Error = Error::fixed("ERR LBOUND can't be greater than UBOUND");
const INFINITE_INCREMENT: Error = Error::fixed("ERR BYFLOAT increment cannot be Infinity");
const INFINITE_VALUE: Error = Error::fixed("ERR value cannot be Infinity");
const APPLIED_OVERFLOW: Error = Error::fixed("ERR applied increment would overflow");
const APPLIED_INFINITE: Error = Error::fixed("ERR applied increment would produce Infinity");

/// The options as they were given; numbers are looked at once all are known.
struct Options<'a> {
    /// BYINT or BYFLOAT.
    increment: Option<&'a [u8]>,
    by_float: bool,
    lower: Option<&'a [u8]>,
    upper: Option<&'a [u8]>,
    saturate: bool,
    expiry: Choice<'a>,
    /// ENX: only a key without a deadline gets one.
    only_new_expiry: bool,
}

/// Sets what was not set; `false` if it was.
fn once<T>(place: &mut Option<T>, value: T) -> bool {
    place.replace(value).is_none()
}

impl<'a> Options<'a> {
    fn parse(mut rest: &[&'a [u8]]) -> Result<Options<'a>, Error> {
        let mut options = Options {
            increment: None,
            by_float: false,
            lower: None,
            upper: None,
            saturate: false,
            expiry: Choice::Unsaid,
            only_new_expiry: false,
        };
        while let [option, more @ ..] = rest {
            rest = more;
            let fits = if args::is(option, "SATURATE") {
                !std::mem::replace(&mut options.saturate, true)
            } else if args::is(option, "ENX") {
                !std::mem::replace(&mut options.only_new_expiry, true)
            } else if args::is(option, "PERSIST") {
                std::mem::replace(&mut options.expiry, Choice::Persist) == Choice::Unsaid
            } else if let [argument, more @ ..] = rest {
                rest = more;
                options.set(option, argument)
            } else {
                false
            };
            if !fits {
                return Err(Error::SYNTAX);
            }
        }
        match (options.only_new_expiry, options.expiry) {
            (true, Choice::Persist) => Err(Error::SYNTAX),
            (true, Choice::Unsaid) => Err(ENX_ALONE),
            _ => Ok(options),
        }
    }

    /// An option with an argument; here none may stand twice.
    fn set(&mut self, option: &[u8], argument: &'a [u8]) -> bool {
        if args::is(option, "BYINT") {
            once(&mut self.increment, argument)
        } else if args::is(option, "BYFLOAT") {
            self.by_float = true;
            once(&mut self.increment, argument)
        } else if args::is(option, "LBOUND") {
            once(&mut self.lower, argument)
        } else if args::is(option, "UBOUND") {
            once(&mut self.upper, argument)
        } else if let Some(unit) = Unit::of(option) {
            std::mem::replace(&mut self.expiry, Choice::At(unit, argument)) == Choice::Unsaid
        } else {
            false
        }
    }
}

/// What the arithmetic comes to: the value to store (none where the result is out of bounds and
/// is not to saturate), and the two numbers of the reply.
struct Sum<T> {
    stored: bool,
    value: T,
    applied: T,
}

pub(super) fn increx(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let options = Options::parse(&args[2..])?;
    let key = args[1];
    if options.by_float {
        let numbers = FloatNumbers::read(&options)?;
        let expiry = deadline(cx, &options)?;
        let current = match cx.tx.peek_as::<StringValue>(key)? {
            Some(value) => Extended::parse(&value.text()).ok_or(Error::NOT_FLOAT)?,
            None => Extended::ZERO,
        };
        let sum = numbers.add(current, options.saturate)?;
        let text = sum.value.to_text();
        if sum.stored {
            apply(cx, key, StringValue::from_bytes(text.as_bytes()), expiry, "incrbyfloat");
        }
        cx.reply.array(2);
        reply_float(cx, &text);
        reply_float(cx, &sum.applied.to_text());
    } else {
        let numbers = IntegerNumbers::read(&options)?;
        let expiry = deadline(cx, &options)?;
        let current = match cx.tx.peek_as::<StringValue>(key)? {
            Some(value) => value.integer().ok_or(Error::NOT_INTEGER)?,
            None => 0,
        };
        let sum = numbers.add(current, options.saturate)?;
        if sum.stored {
            apply(cx, key, StringValue::from_integer(sum.value), expiry, "incrby");
        }
        cx.reply.array(2);
        cx.reply.int(sum.value);
        cx.reply.int(sum.applied);
    }
    Ok(())
}

/// What becomes of the deadline.
fn deadline(cx: &Cx<'_, '_>, options: &Options<'_>) -> Result<IncrementExpiry, Error> {
    Ok(match options.expiry {
        Choice::Unsaid | Choice::KeepTtl => IncrementExpiry::Keep,
        Choice::Persist => IncrementExpiry::Clear,
        Choice::At(unit, number) => IncrementExpiry::At {
            unix_ms: unit.deadline_ms(number, cx.tx.now_ms(), "increx")?,
            only_new: options.only_new_expiry,
        },
    })
}

#[derive(Clone, Copy)]
enum IncrementExpiry {
    Keep,
    Clear,
    At { unix_ms: i64, only_new: bool },
}

fn apply(
    cx: &mut Cx<'_, '_>,
    key: &[u8],
    value: StringValue,
    expiry: IncrementExpiry,
    event: &'static str,
) {
    let expiry = match expiry {
        IncrementExpiry::Keep => Expiry::Keep,
        IncrementExpiry::Clear => Expiry::Clear,
        IncrementExpiry::At { unix_ms, only_new } => {
            let has_deadline = cx.tx.expire_at(key).is_some_and(|at| at != NEVER);
            if only_new && has_deadline {
                Expiry::Keep
            } else if unix_ms <= cx.tx.now_ms() {
                if cx.tx.exists(key) {
                    remove(cx, key);
                }
                return;
            } else {
                Expiry::At(unix_ms)
            }
        }
    };
    store_derived(cx, key, value, expiry, event);
}

/// A double in RESP3, with all the digits that are stored.
fn reply_float(cx: &mut Cx<'_, '_>, text: &str) {
    if cx.reply.is_resp3() {
        cx.reply.raw(format!(",{text}\r\n").as_bytes());
    } else {
        cx.reply.text(text);
    }
}

struct IntegerNumbers {
    increment: i64,
    lower: i64,
    upper: i64,
}

impl IntegerNumbers {
    fn read(options: &Options<'_>) -> Result<IntegerNumbers, Error> {
        let number = |text: Option<&[u8]>, default: i64, name: &str| match text {
            None => Ok(default),
            Some(text) => args::parse_i64(text)
                .ok_or_else(|| Error::new(format!("ERR {name} is not an integer or out of range"))),
        };
        let numbers = IntegerNumbers {
            increment: number(options.increment, 1, "Increment")?,
            lower: number(options.lower, i64::MIN, "LBOUND")?,
            upper: number(options.upper, i64::MAX, "UBOUND")?,
        };
        if numbers.lower > numbers.upper { Err(BOUNDS_CROSSED) } else { Ok(numbers) }
    }

    fn add(&self, current: i64, saturate: bool) -> Result<Sum<i64>, Error> {
        let sum = i128::from(current) + i128::from(self.increment);
        let bounded = sum.clamp(i128::from(self.lower), i128::from(self.upper));
        if bounded != sum && !saturate {
            return Ok(Sum { stored: false, value: current, applied: 0 });
        }
        // Within the bounds, which are of 64 bits.
        let value = bounded as i64;
        let applied = value.checked_sub(current).ok_or(APPLIED_OVERFLOW)?;
        Ok(Sum { stored: true, value, applied })
    }
}

struct FloatNumbers {
    increment: Extended,
    lower: Extended,
    upper: Extended,
}

impl FloatNumbers {
    fn read(options: &Options<'_>) -> Result<FloatNumbers, Error> {
        let number = |text: Option<&[u8]>, default: Extended, name: &str| match text {
            None => Ok(default),
            Some(text) => Extended::parse(text)
                .ok_or_else(|| Error::new(format!("ERR {name} is not a valid float"))),
        };
        let numbers = FloatNumbers {
            increment: number(options.increment, Extended::ZERO, "Increment")?,
            lower: number(options.lower, Extended::MIN, "LBOUND")?,
            upper: number(options.upper, Extended::MAX, "UBOUND")?,
        };
        if numbers.increment.is_infinite() {
            return Err(INFINITE_INCREMENT);
        }
        match numbers.lower.compare(numbers.upper) {
            Ordering::Greater => Err(BOUNDS_CROSSED),
            _ => Ok(numbers),
        }
    }

    fn add(&self, current: Extended, saturate: bool) -> Result<Sum<Extended>, Error> {
        if current.is_infinite() {
            return Err(INFINITE_VALUE);
        }
        let outside = match current.checked_add(self.increment) {
            // Both are finite, so only their common sign can have led out of the format.
            None if self.increment.is_negative() => self.lower,
            None => self.upper,
            Some(sum) if sum.compare(self.lower) == Ordering::Less => self.lower,
            Some(sum) if sum.compare(self.upper) == Ordering::Greater => self.upper,
            Some(sum) => {
                return Ok(Sum { stored: true, value: sum, applied: self.increment });
            }
        };
        if !saturate {
            return Ok(Sum { stored: false, value: current, applied: Extended::ZERO });
        }
        let applied = outside.checked_add(current.negated()).ok_or(APPLIED_INFINITE)?;
        Ok(Sum { stored: true, value: outside, applied })
    }
}
