//! ZADD, ZINCRBY.

use smallvec::SmallVec;

use super::args::score;
use super::limits;
use crate::command::args;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::keyspace::EventClass;
use crate::types::zset::{AddRule, Added, Limits, NotANumber, Zset};

const NEW_AND_PRESENT: Error =
    Error::fixed("ERR XX and NX options at the same time are not compatible");
const CLASHING_COMPARISONS: Error =
    Error::fixed("ERR GT, LT, and/or NX options at the same time are not compatible");
const ONE_INCREMENT: Error =
    Error::fixed("ERR INCR option supports a single increment-element pair");
const NOT_A_NUMBER: Error = Error::fixed("ERR resulting score is not a number (NaN)");

impl From<NotANumber> for Error {
    fn from(_: NotANumber) -> Error {
        NOT_A_NUMBER
    }
}

/// What stands between the key and the first score.
struct Options {
    rule: AddRule,
    /// Members that got another score are counted too.
    counts_changed: bool,
}

impl Options {
    /// Reads options; how many words they take.
    #[inline]
    fn parse(words: &[&[u8]]) -> (Options, usize) {
        let mut options = Options { rule: AddRule::default(), counts_changed: false };
        for (at, word) in words.iter().enumerate() {
            // A score begins with no such letter, but for an infinity.
            let rule = &mut options.rule;
            match word.len() {
                2 if args::is(word, "NX") => rule.new_only = true,
                2 if args::is(word, "XX") => rule.present_only = true,
                2 if args::is(word, "GT") => rule.greater_only = true,
                2 if args::is(word, "LT") => rule.less_only = true,
                2 if args::is(word, "CH") => options.counts_changed = true,
                4 if args::is(word, "INCR") => rule.increment = true,
                _ => return (options, at),
            }
        }
        (options, words.len())
    }

    fn check(&self, pairs: usize) -> Result<(), Error> {
        let rule = self.rule;
        if rule.new_only && rule.present_only {
            return Err(NEW_AND_PRESENT);
        }
        if rule.greater_only && (rule.new_only || rule.less_only) || rule.less_only && rule.new_only
        {
            return Err(CLASHING_COMPARISONS);
        }
        if rule.increment && pairs > 1 {
            return Err(ONE_INCREMENT);
        }
        Ok(())
    }
}

pub(in crate::command) fn zadd(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (options, taken) = Options::parse(&args[2..]);
    let pairs = &args[2 + taken..];
    if pairs.is_empty() || !pairs.len().is_multiple_of(2) {
        return Err(Error::SYNTAX);
    }
    options.check(pairs.len() / 2)?;
    let mut scores: SmallVec<[f64; 4]> = SmallVec::new();
    for pair in pairs.chunks_exact(2) {
        scores.push(score(pair[0])?);
    }
    let limits = limits(cx);
    let Some(set) = set_to_add_to(cx, args[1], options.rule, pairs, limits)? else {
        match options.rule.increment {
            true => cx.reply.null(),
            false => cx.reply.int(0),
        }
        return Ok(());
    };
    let was_large = set.is_large();
    if !options.rule.increment {
        set.grow_for(pairs.len() / 2, limits);
    }
    let mut tally = Tally::default();
    for (pair, &score) in pairs.chunks_exact(2).zip(&scores) {
        tally.note(set.add(pair[1], score, options.rule, limits)?);
    }
    let form_changed = set.is_large() != was_large;
    report(cx, args, &tally, form_changed, if options.rule.increment { "zincr" } else { "zadd" });
    match (options.rule.increment, tally.score) {
        (true, Some(score)) => cx.reply.double(score),
        (true, None) => cx.reply.null(),
        (false, _) if options.counts_changed => cx.reply.count(tally.new + tally.moved),
        (false, _) => cx.reply.count(tally.new),
    }
    Ok(())
}

/// The set at a key, made if the rule lets it take new members.
#[inline]
fn set_to_add_to<'t>(
    cx: &'t mut Cx<'_, '_>,
    key: &[u8],
    rule: AddRule,
    pairs: &[&[u8]],
    limits: Limits,
) -> Result<Option<&'t mut Zset>, Error> {
    if rule.present_only {
        return Ok(cx.tx.write::<Zset>(key)?);
    }
    let new = || Zset::new_for(pairs.len() / 2, pairs[1].len(), limits);
    Ok(Some(cx.tx.write_or_insert(key, new)?))
}

/// What became of the members.
#[derive(Default)]
struct Tally {
    new: usize,
    moved: usize,
    /// That of the last member that was not refused.
    score: Option<f64>,
}

impl Tally {
    #[inline]
    fn note(&mut self, added: Added) {
        match added {
            Added::New(score) => {
                self.new += 1;
                self.score = Some(score);
            }
            Added::Moved(score) => {
                self.moved += 1;
                self.score = Some(score);
            }
            Added::Same(score) => self.score = Some(score),
            Added::Refused => {}
        }
    }
}

/// Tells of the change, if there was one, and records the command as it came: with the same set
/// it does the same again.
fn report(
    cx: &mut Cx<'_, '_>,
    args: &[&[u8]],
    tally: &Tally,
    form_changed: bool,
    event: &'static str,
) {
    let has_changed = tally.new + tally.moved > 0;
    if has_changed {
        cx.tx.changed(args[1]);
        cx.tx.notify(EventClass::ZSET, event, args[1]);
    } else if form_changed {
        // Many members at once make a set large, even if it has them all.
        cx.tx.changed_unwatched(args[1]);
    }
    if (has_changed || form_changed)
        && let Some(effect) = cx.tx.effect(args.len())
    {
        effect.args(args.iter().copied()).end();
    }
}

pub(super) fn zincrby(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (increment, pair) = (score(args[2])?, &args[2..4]);
    let rule = AddRule { increment: true, ..AddRule::default() };
    let limits = limits(cx);
    let Some(set) = set_to_add_to(cx, args[1], rule, pair, limits)? else { return Ok(()) };
    let was_large = set.is_large();
    let mut tally = Tally::default();
    tally.note(set.add(pair[1], increment, rule, limits)?);
    let form_changed = set.is_large() != was_large;
    report(cx, args, &tally, form_changed, "zincr");
    cx.reply.double(tally.score.unwrap_or_default());
    Ok(())
}
