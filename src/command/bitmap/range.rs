//! BITCOUNT and BITPOS: looking at a range of bits.

use crate::command::args;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::types::bits;
use crate::types::string::StringValue;

/// What a range counts in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Byte,
    Bit,
}

impl Unit {
    fn parse(word: &[u8]) -> Result<Unit, Error> {
        if args::is(word, "BYTE") {
            Ok(Unit::Byte)
        } else if args::is(word, "BIT") {
            Ok(Unit::Bit)
        } else {
            Err(Error::SYNTAX)
        }
    }
}

/// A range as it is asked for; both ends belong to it, negative ones count from the end.
struct Range {
    start: i64,
    end: i64,
    unit: Unit,
}

impl Range {
    /// Both ends count from the string's, and are the wrong way round. BITCOUNT counts nothing then,
    /// where BITPOS looks at the first byte if both lie before it.
    fn is_backward(&self) -> bool {
        self.start < 0 && self.end < 0 && self.start > self.end
    }

    /// The first and the last bit in a string of so many bytes; none if it is empty.
    fn bits(&self, bytes: usize) -> Option<(u64, u64)> {
        let len = match self.unit {
            Unit::Byte => bytes as i64,
            Unit::Bit => bytes as i64 * 8,
        };
        let place = |at: i64| if at < 0 { at.saturating_add(len).max(0) } else { at };
        let (start, end) = (place(self.start), place(self.end).min(len - 1));
        if start > end {
            return None;
        }
        Some(match self.unit {
            Unit::Byte => (start as u64 * 8, end as u64 * 8 + 7),
            Unit::Bit => (start as u64, end as u64),
        })
    }
}

pub(super) fn bitcount(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let range = match args[2..] {
        [] => Range { start: 0, end: -1, unit: Unit::Byte },
        [start, end] => {
            Range { start: args::integer(start)?, end: args::integer(end)?, unit: Unit::Byte }
        }
        [start, end, unit] => {
            let (start, end) = (args::integer(start)?, args::integer(end)?);
            Range { start, end, unit: Unit::parse(unit)? }
        }
        _ => return Err(Error::SYNTAX),
    };
    let count = match cx.tx.read::<StringValue>(args[1])? {
        Some(_) if range.is_backward() => 0,
        Some(string) => {
            let text = string.text();
            range.bits(text.len()).map_or(0, |(from, last)| bits::count(&text, from, last))
        }
        None => 0,
    };
    cx.reply.int(count as i64);
    Ok(())
}

pub(super) fn bitpos(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let bit = match args::integer(args[2])? {
        0 => false,
        1 => true,
        _ => return Err(Error::fixed("ERR The bit argument must be 1 or 0.")),
    };
    let (range, has_end) = parse_search(&args[3..])?;
    let Some(string) = cx.tx.read::<StringValue>(args[1])? else {
        // An endless row of zeros.
        cx.reply.int(if bit { -1 } else { 0 });
        return Ok(());
    };
    let text = string.text();
    let answer = match range.bits(text.len()) {
        None => -1,
        Some((from, last)) => match bits::find(&text, bit, from, last) {
            Some(place) => place as i64,
            // Behind the string all bits are 0, unless the range has an end before that.
            None if !bit && !has_end => text.len() as i64 * 8,
            None => -1,
        },
    };
    cx.reply.int(answer);
    Ok(())
}

/// The range of BITPOS, and whether its end was given.
fn parse_search(words: &[&[u8]]) -> Result<(Range, bool), Error> {
    let (start, end, unit) = match *words {
        [] => return Ok((Range { start: 0, end: -1, unit: Unit::Byte }, false)),
        [start] => {
            let start = args::integer(start)?;
            return Ok((Range { start, end: -1, unit: Unit::Byte }, false));
        }
        [start, end] => (start, end, Unit::Byte),
        [start, end, unit] => {
            // Redis reads the start first, and the unit before the end.
            args::integer(start)?;
            (start, end, Unit::parse(unit)?)
        }
        _ => return Err(Error::SYNTAX),
    };
    Ok((Range { start: args::integer(start)?, end: args::integer(end)?, unit }, true))
}
