//! LCS: the longest common subsequence of two strings.

use super::super::args;
use super::super::cx::Cx;
use super::super::error::{Error, Outcome};
use crate::keyspace::Tx;
use crate::types::string::StringValue;

const NOT_STRINGS: Error = Error::fixed("ERR The specified keys must contain string values");
const LEN_AND_IDX: Error =
    Error::fixed("ERR If you want both the length and indexes, please just use IDX.");
const TABLE_TOO_LARGE: Error =
    Error::fixed("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");

#[derive(Default)]
struct Options {
    len: bool,
    idx: bool,
    with_match_len: bool,
    match_len_min: usize,
}

impl Options {
    fn parse(mut rest: &[&[u8]]) -> Result<Options, Error> {
        let mut options = Options::default();
        while let [option, more @ ..] = rest {
            rest = more;
            if args::is(option, "IDX") {
                options.idx = true;
            } else if args::is(option, "LEN") {
                options.len = true;
            } else if args::is(option, "WITHMATCHLEN") {
                options.with_match_len = true;
            } else if let ([length, more @ ..], true) = (rest, args::is(option, "MINMATCHLEN")) {
                rest = more;
                options.match_len_min = usize::try_from(args::integer(length)?).unwrap_or(0);
            } else {
                return Err(Error::SYNTAX);
            }
        }
        if options.len && options.idx { Err(LEN_AND_IDX) } else { Ok(options) }
    }
}

/// A common stretch: first and last place in the one string, and in the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Match {
    a: (usize, usize),
    b: (usize, usize),
}

impl Match {
    fn len(&self) -> usize {
        self.a.1 - self.a.0 + 1
    }
}

pub(super) fn lcs(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let a = string(cx.tx, args[1])?;
    let b = string(cx.tx, args[2])?;
    let options = Options::parse(&args[3..])?;
    let len_max = cx.server.config.proto_max_bulk_len.get_usize();
    let cells = (a.len() + 1).checked_mul(b.len() + 1);
    let bytes = cells.and_then(|cells| cells.checked_mul(size_of::<u32>()));
    if bytes.is_none_or(|bytes| bytes > len_max) {
        return Err(TABLE_TOO_LARGE);
    }
    let lengths = Lengths::new(&a, &b);
    if options.len {
        cx.reply.count(lengths.total());
        return Ok(());
    }
    let (common, matches) = lengths.trace();
    if !options.idx {
        cx.reply.bulk(&common);
        return Ok(());
    }
    let shown = |found: &&Match| found.len() >= options.match_len_min;
    cx.reply.map(2);
    cx.reply.text("matches");
    cx.reply.array(matches.iter().filter(shown).count());
    for found in matches.iter().filter(shown) {
        cx.reply.array(if options.with_match_len { 3 } else { 2 });
        for (first, last) in [found.a, found.b] {
            cx.reply.array(2);
            cx.reply.count(first);
            cx.reply.count(last);
        }
        if options.with_match_len {
            cx.reply.count(found.len());
        }
    }
    cx.reply.text("len");
    cx.reply.count(lengths.total());
    Ok(())
}

fn string(tx: &mut Tx<'_>, key: &[u8]) -> Result<Vec<u8>, Error> {
    let value = tx.read::<StringValue>(key).map_err(|_| NOT_STRINGS)?;
    Ok(value.map_or(Vec::new(), |value| value.text().to_vec()))
}

/// The lengths of the longest common subsequences of all pairs of prefixes, row by row.
struct Lengths<'a> {
    a: &'a [u8],
    b: &'a [u8],
    cells: Vec<u32>,
}

impl<'a> Lengths<'a> {
    fn new(a: &'a [u8], b: &'a [u8]) -> Lengths<'a> {
        let width = b.len() + 1;
        let mut cells = vec![0u32; (a.len() + 1) * width];
        for i in 1..=a.len() {
            let (above, row) = cells[(i - 1) * width..(i + 1) * width].split_at_mut(width);
            for j in 1..width {
                row[j] =
                    if a[i - 1] == b[j - 1] { above[j - 1] + 1 } else { above[j].max(row[j - 1]) };
            }
        }
        Lengths { a, b, cells }
    }

    fn at(&self, i: usize, j: usize) -> u32 {
        self.cells[i * (self.b.len() + 1) + j]
    }

    fn total(&self) -> usize {
        self.at(self.a.len(), self.b.len()) as usize
    }

    /// Walks back from the ends: the subsequence itself, and its stretches, last one first.
    fn trace(&self) -> (Vec<u8>, Vec<Match>) {
        let (mut i, mut j) = (self.a.len(), self.b.len());
        let mut common = Vec::with_capacity(self.total());
        let mut matches: Vec<Match> = Vec::new();
        // Whether the last stretch may grow: the step before was a match.
        let mut open = false;
        while i > 0 && j > 0 {
            if self.a[i - 1] == self.b[j - 1] {
                (i, j) = (i - 1, j - 1);
                common.push(self.a[i]);
                match matches.last_mut() {
                    Some(last) if open => (last.a.0, last.b.0) = (i, j),
                    _ => matches.push(Match { a: (i, i), b: (j, j) }),
                }
                open = true;
            } else {
                open = false;
                if self.at(i - 1, j) > self.at(i, j - 1) {
                    i -= 1;
                } else {
                    j -= 1;
                }
            }
        }
        common.reverse();
        (common, matches)
    }
}
