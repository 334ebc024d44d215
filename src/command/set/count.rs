//! SINTERCARD, SUNIONCARD, SDIFFCARD: how many members an outcome has.

use std::ops::ControlFlow;

use super::combine::{check_types, each_common, each_left, sources, union};
use super::limits;
use crate::command::args;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::types::hyperloglog::{self, REGISTERS};
use crate::types::set::Set;
use crate::types::text::Text;

const NUMKEYS_NOT_POSITIVE: Error = Error::fixed("ERR numkeys should be greater than 0");
const NUMKEYS_TOO_LARGE: Error =
    Error::fixed("ERR Number of keys can't be greater than number of args");
const LIMIT_NEGATIVE: Error = Error::fixed("ERR LIMIT can't be negative");

struct Request<'a> {
    keys: &'a [&'a [u8]],
    /// Where counting ends.
    limit: usize,
    /// An estimate will do.
    approximate: bool,
}

impl<'a> Request<'a> {
    fn parse(words: &'a [&'a [u8]], may_approximate: bool) -> Result<Request<'a>, Error> {
        let numkeys = args::integer_in(words[1], 1, i64::MAX, NUMKEYS_NOT_POSITIVE)?;
        let numkeys = usize::try_from(numkeys).unwrap_or(usize::MAX);
        let (keys, options) = words[2..].split_at_checked(numkeys).ok_or(NUMKEYS_TOO_LARGE)?;
        let mut request = Request { keys, limit: usize::MAX, approximate: false };
        let mut options = options.iter();
        while let Some(option) = options.next() {
            if args::is(option, "LIMIT")
                && let Some(limit) = options.next()
            {
                let limit = args::integer_in(limit, 0, i64::MAX, LIMIT_NEGATIVE)? as usize;
                request.limit = if limit == 0 { usize::MAX } else { limit };
            } else if may_approximate && args::is(option, "APPROX") {
                request.approximate = true;
            } else {
                return Err(Error::SYNTAX);
            }
        }
        Ok(request)
    }
}

/// Counts what is shown, up to a limit.
fn count_to(
    limit: usize,
    each: impl FnOnce(&mut dyn FnMut(Text<'_>) -> ControlFlow<()>) -> ControlFlow<()>,
) -> usize {
    let mut count = 0;
    let _: ControlFlow<()> = each(&mut |_| {
        count += 1;
        if count == limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    count
}

pub(super) fn sintercard(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let request = Request::parse(args, false)?;
    check_types(cx.tx, request.keys)?;
    let sets = sources(cx.tx, request.keys);
    cx.reply.count(count_to(request.limit, |show| each_common(&sets, show)));
    Ok(())
}

pub(super) fn sdiffcard(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let request = Request::parse(args, false)?;
    check_types(cx.tx, request.keys)?;
    let sets = sources(cx.tx, request.keys);
    cx.reply.count(count_to(request.limit, |show| each_left(&sets, show)));
    Ok(())
}

/// How many members a union probably has, in memory that does not grow with it.
fn approximate_union(sets: &[Option<&Set>]) -> usize {
    let mut registers = Box::new([0; REGISTERS]);
    for member in sets.iter().flatten().flat_map(|set| set.iter()) {
        hyperloglog::note(&mut registers, &member);
    }
    hyperloglog::estimate(&registers) as usize
}

pub(super) fn sunioncard(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let request = Request::parse(args, true)?;
    check_types(cx.tx, request.keys)?;
    let limits = limits(cx);
    let sets = sources(cx.tx, request.keys);
    // What one of them has alone may be enough.
    let largest = sets.iter().flatten().map(|set| set.len()).max().unwrap_or(0);
    let count = if largest >= request.limit {
        request.limit
    } else if request.approximate {
        approximate_union(&sets)
    } else {
        union(&sets, &limits, request.limit).len()
    };
    cx.reply.count(count.min(request.limit));
    Ok(())
}
