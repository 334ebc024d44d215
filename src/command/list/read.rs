//! LLEN, LINDEX, LRANGE, LPOS.

use super::super::args;
use super::super::cx::Cx;
use super::super::error::{Error, Outcome};
use super::{NOT_MIRRORED, element_index, element_range};
use crate::types::list::List;

const RANK_ZERO: Error = Error::fixed(
    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... \
     or use negative to start from the end of the list",
);
const COUNT_NEGATIVE: Error = Error::fixed("ERR COUNT can't be negative");
const MAXLEN_NEGATIVE: Error = Error::fixed("ERR MAXLEN can't be negative");

pub(super) fn llen(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let len = cx.tx.read::<List>(args[1])?.map_or(0, List::len);
    cx.reply.count(len);
    Ok(())
}

pub(super) fn lindex(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let Some(list) = cx.tx.read::<List>(args[1])? else {
        cx.reply.null();
        return Ok(());
    };
    let index = element_index(args::integer(args[2])?, list.len());
    match index.and_then(|index| list.get(index)) {
        Some(element) => cx.reply.bulk(&element),
        None => cx.reply.null(),
    }
    Ok(())
}

pub(super) fn lrange(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (start, stop) = (args::integer(args[2])?, args::integer(args[3])?);
    let Some(list) = cx.tx.read::<List>(args[1])? else {
        cx.reply.array(0);
        return Ok(());
    };
    let (from, to) = element_range(start, stop, list.len());
    cx.reply.array(to - from);
    for element in list.range(from, to) {
        cx.reply.bulk(&element);
    }
    Ok(())
}

struct Search {
    /// How many matches to pass over.
    skip: usize,
    from_right: bool,
    /// How many matches to report at most; none said: one, not as an array.
    count: Option<usize>,
    /// How many elements to look at.
    len_max: usize,
}

impl Search {
    fn parse(mut rest: &[&[u8]]) -> Result<Search, Error> {
        let mut search = Search { skip: 0, from_right: false, count: None, len_max: usize::MAX };
        while let [option, number, more @ ..] = rest {
            rest = more;
            if args::is(option, "RANK") {
                let rank = args::integer(number)?;
                if rank == i64::MIN {
                    return Err(NOT_MIRRORED);
                }
                let rank_from_zero = rank.unsigned_abs().checked_sub(1).ok_or(RANK_ZERO)?;
                search.skip = rank_from_zero as usize;
                search.from_right = rank < 0;
            } else if args::is(option, "COUNT") {
                let count = args::integer_in(number, 0, i64::MAX, COUNT_NEGATIVE)? as usize;
                search.count = Some(if count == 0 { usize::MAX } else { count });
            } else if args::is(option, "MAXLEN") {
                let len_max = args::integer_in(number, 0, i64::MAX, MAXLEN_NEGATIVE)? as usize;
                search.len_max = if len_max == 0 { usize::MAX } else { len_max };
            } else {
                return Err(Error::SYNTAX);
            }
        }
        if rest.is_empty() { Ok(search) } else { Err(Error::SYNTAX) }
    }

    /// Indexes of the matches, in the order of the search.
    fn run(&self, list: &List, wanted: &[u8]) -> Vec<usize> {
        let last = list.len().saturating_sub(1);
        let matches = list.matches(wanted);
        let places: Box<dyn Iterator<Item = (usize, bool)>> = if self.from_right {
            Box::new(matches.rev().enumerate().map(|(i, found)| (last - i, found)))
        } else {
            Box::new(matches.enumerate())
        };
        let found = places.take(self.len_max).filter_map(|(at, found)| found.then_some(at));
        found.skip(self.skip).take(self.count.unwrap_or(1)).collect()
    }
}

pub(super) fn lpos(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let search = Search::parse(&args[3..])?;
    let found = match cx.tx.read::<List>(args[1])? {
        Some(list) => search.run(list, args[2]),
        None => Vec::new(),
    };
    match (search.count, found.first()) {
        (Some(_), _) => {
            cx.reply.array(found.len());
            found.iter().for_each(|index| cx.reply.count(*index));
        }
        (None, Some(index)) => cx.reply.count(*index),
        (None, None) => cx.reply.null(),
    }
    Ok(())
}
