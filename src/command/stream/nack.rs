//! XNACK: giving pending entries back.

use super::args::{ids, no_key_or_group};
use super::effects::record_released;
use crate::command::args::{integer, integer_in, is};
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::types::stream::Stream;
use crate::types::stream::group::DELIVERIES_MAX;

/// What becomes of the count of deliveries.
#[derive(Clone, Copy)]
enum Mode {
    /// The delivery does not count.
    Silent,
    /// It counts.
    Fail,
    /// No other is to be tried.
    Fatal,
}

struct Options<'a, 'b> {
    id_texts: &'a [&'b [u8]],
    count: Option<u64>,
    force: bool,
}

pub(super) fn xnack(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (key, name) = (args[1], args[2]);
    let stream = cx.tx.write::<Stream>(key)?;
    let found = stream.and_then(|stream| stream.group_mut(name));
    let (group, log) = found.ok_or_else(|| no_key_or_group(key, name))?;
    let mode = mode(args[3])?;
    let options = options(&args[4..])?;
    let mut released = Vec::new();
    for id in ids(options.id_texts)? {
        let before = match group.pending().get(id) {
            Some(record) => record.count,
            None if options.force && log.contains(id) => 0,
            None => continue,
        };
        let count = options.count.unwrap_or(match mode {
            Mode::Silent => before.saturating_sub(1),
            Mode::Fail => before,
            Mode::Fatal => DELIVERIES_MAX,
        });
        group.release(id, count);
        released.push((id, count));
    }
    cx.reply.count(released.len());
    if !released.is_empty() {
        record_released(cx.tx, key, name, &released);
        // Who waits to claim need not wait for these to become idle.
        cx.tx.signal(key);
    }
    Ok(())
}

fn mode(word: &[u8]) -> Result<Mode, Error> {
    match word {
        word if is(word, "SILENT") => Ok(Mode::Silent),
        word if is(word, "FAIL") => Ok(Mode::Fail),
        word if is(word, "FATAL") => Ok(Mode::Fatal),
        _ => Err(Error::fixed("ERR mode must be SILENT, FAIL, or FATAL")),
    }
}

fn options<'a, 'b>(mut args: &'a [&'b [u8]]) -> Result<Options<'a, 'b>, Error> {
    let mut options = Options { id_texts: &[], count: None, force: false };
    while let [word, rest @ ..] = args {
        args = match rest {
            [count, rest @ ..] if is(word, "IDS") => {
                let not_positive = Error::fixed("ERR numids must be a positive integer");
                let count = integer_in(count, 1, i64::MAX, not_positive)? as usize;
                if count > rest.len() {
                    return Err(Error::fixed("ERR number of IDs doesn't match numids"));
                }
                let (given, rest) = rest.split_at(count);
                options.id_texts = given;
                rest
            }
            [count, rest @ ..] if is(word, "RETRYCOUNT") => {
                let count = u64::try_from(integer(count)?);
                options.count = Some(
                    count
                        .map_err(|_| Error::fixed("ERR Invalid RETRYCOUNT value, must be >= 0"))?,
                );
                rest
            }
            rest if is(word, "FORCE") => {
                options.force = true;
                rest
            }
            _ => {
                let head: &[u8] = b"ERR Unrecognized XNACK option '";
                return Err(Error::new([head, word, b"'"].concat()));
            }
        };
    }
    if options.id_texts.is_empty() {
        return Err(Error::fixed("ERR syntax error, expected IDS keyword"));
    }
    Ok(options)
}
