//! BITFIELD and BITFIELD_RO: integers of any width within a string.

use super::{changed, checked_offset, made_raw};
use crate::command::args;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::types::bits;
use crate::types::string::StringValue;

const BAD_TYPE: Error = Error::fixed(
    "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but \
     i64 is.",
);
const BAD_OVERFLOW: Error = Error::fixed("ERR Invalid OVERFLOW type specified");
const ONLY_GET: Error = Error::fixed("ERR BITFIELD_RO only supports the GET subcommand");

/// What becomes of a value that its field cannot hold.
#[derive(Clone, Copy)]
enum Overflow {
    /// The bits that do not fit are lost.
    Wrap,
    /// The nearest value that fits is kept.
    Saturate,
    /// Nothing is written, and the reply says so.
    Fail,
}

/// Where a field lies, and how its bits are read.
#[derive(Clone, Copy)]
struct Field {
    place: u64,
    width: u32,
    signed: bool,
}

#[derive(Clone, Copy)]
enum Action {
    Get,
    Set(i64, Overflow),
    Add(i64, Overflow),
}

impl Field {
    fn parse(cx: &Cx<'_, '_>, kind: &[u8], place: &[u8]) -> Result<Field, Error> {
        let (&sign, width) = kind.split_first().ok_or(BAD_TYPE)?;
        let (signed, width_max) = match sign {
            b'i' => (true, 64),
            b'u' => (false, 63),
            _ => return Err(BAD_TYPE),
        };
        let width = args::integer_in(width, 1, width_max, BAD_TYPE)? as u32;
        // `#2` is the third of fields that lie side by side.
        let offset = match place.strip_prefix(b"#") {
            Some(nth) => args::parse_i64(nth).and_then(|nth| nth.checked_mul(i64::from(width))),
            None => args::parse_i64(place),
        };
        Ok(Field { place: checked_offset(cx, offset)?, width, signed })
    }

    /// Bytes that a string needs to have the field whole.
    fn bytes_min(self) -> usize {
        ((self.place + u64::from(self.width)).div_ceil(8)) as usize
    }

    fn get(self, bytes: &[u8]) -> i64 {
        let bits = bits::get_field(bytes, self.place, self.width);
        if self.signed { extended(bits, self.width) } else { bits as i64 }
    }

    /// The value to be written for one that may not fit; none if nothing is to be.
    fn fit(self, value: i128, overflow: Overflow) -> Option<i64> {
        let (min, max) = match self.signed {
            true => (-(1_i128 << (self.width - 1)), (1_i128 << (self.width - 1)) - 1),
            false => (0, (1_i128 << self.width) - 1),
        };
        if (min..=max).contains(&value) {
            return Some(value as i64);
        }
        match overflow {
            Overflow::Fail => None,
            Overflow::Saturate => Some(value.clamp(min, max) as i64),
            Overflow::Wrap if self.signed => Some(extended(value as u64, self.width)),
            Overflow::Wrap => Some((value & max) as i64),
        }
    }

    /// A value of SET as it is compared with the field's range: for an unsigned one a negative value
    /// is one above all others, and for a signed one so is what is so far below that Redis's
    /// distance to the greatest value overflows.
    fn given(self, value: i64) -> i128 {
        if !self.signed {
            return (value as u64).into();
        }
        let max = i64::MAX >> (64 - self.width);
        let is_far_below = self.width < 64 && max.checked_sub(value).is_none();
        i128::from(value) + if is_far_below { 1 << 64 } else { 0 }
    }
}

/// The low `width` bits as a signed integer.
fn extended(bits: u64, width: u32) -> i64 {
    let unused = 64 - width;
    (bits << unused) as i64 >> unused
}

/// What a request asks for, in order.
fn parse(cx: &Cx<'_, '_>, words: &[&[u8]]) -> Result<Vec<(Field, Action)>, Error> {
    let (mut steps, mut overflow, mut rest) = (Vec::new(), Overflow::Wrap, words);
    while let [name, more @ ..] = rest {
        rest = match *more {
            [kind, place, ref more @ ..] if args::is(name, "GET") => {
                steps.push((Field::parse(cx, kind, place)?, Action::Get));
                more
            }
            [kind, place, value, ref more @ ..]
                if args::is(name, "SET") || args::is(name, "INCRBY") =>
            {
                let field = Field::parse(cx, kind, place)?;
                let value = args::integer(value)?;
                let is_set = args::is(name, "SET");
                let action = if is_set { Action::Set } else { Action::Add };
                steps.push((field, action(value, overflow)));
                more
            }
            [kind, ref more @ ..] if args::is(name, "OVERFLOW") => {
                overflow = match () {
                    () if args::is(kind, "WRAP") => Overflow::Wrap,
                    () if args::is(kind, "SAT") => Overflow::Saturate,
                    () if args::is(kind, "FAIL") => Overflow::Fail,
                    () => return Err(BAD_OVERFLOW),
                };
                more
            }
            _ => return Err(Error::SYNTAX),
        };
    }
    Ok(steps)
}

pub(super) fn bitfield_ro(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let steps = parse(cx, &args[2..])?;
    if !steps.iter().all(|(_, action)| matches!(action, Action::Get)) {
        return Err(ONLY_GET);
    }
    show(cx, args[1], &steps)
}

pub(super) fn bitfield(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let steps = parse(cx, &args[2..])?;
    let written = steps.iter().filter(|(_, action)| !matches!(action, Action::Get));
    match written.map(|(field, _)| field.bytes_min()).max() {
        None => show(cx, args[1], &steps),
        Some(bytes_min) => change(cx, args, &steps, bytes_min),
    }
}

/// Answers steps that only read.
fn show(cx: &mut Cx<'_, '_>, key: &[u8], steps: &[(Field, Action)]) -> Outcome {
    let string = cx.tx.read::<StringValue>(key)?;
    let text = string.map(StringValue::text);
    let bytes = text.as_deref().unwrap_or(b"");
    cx.reply.array(steps.len());
    steps.iter().for_each(|(field, _)| cx.reply.int(field.get(bytes)));
    Ok(())
}

fn change(
    cx: &mut Cx<'_, '_>,
    args: &[&[u8]],
    steps: &[(Field, Action)],
    bytes_min: usize,
) -> Outcome {
    let string = cx.tx.write_or_insert(args[1], || StringValue::raw(Vec::new()))?;
    let (len_before, was_raw) = (string.len(), string.is_raw());
    let bytes = string.bytes_mut(bytes_min);
    let mut is_changed = bytes.len() > len_before;
    cx.reply.array(steps.len());
    for &(field, action) in steps {
        let before = field.get(bytes);
        let (after, answer) = match action {
            Action::Get => (None, Some(before)),
            Action::Set(value, overflow) => {
                let after = field.fit(field.given(value), overflow);
                (after, after.map(|_| before))
            }
            Action::Add(value, overflow) => {
                let after = field.fit(i128::from(before) + i128::from(value), overflow);
                (after, after)
            }
        };
        if let Some(after) = after.filter(|after| *after != before) {
            bits::set_field(bytes, field.place, field.width, after as u64);
            is_changed = true;
        }
        match answer {
            Some(answer) => cx.reply.int(answer),
            None => cx.reply.null(),
        }
    }
    if is_changed {
        changed(cx, args);
    } else if !was_raw {
        made_raw(cx, args);
    }
    Ok(())
}
