//! The HyperLogLog commands: estimates of how many distinct elements were added, kept in strings.

use super::args;
use super::bitmap::made_raw;
use super::cx::Cx;
use super::error::{Error, Outcome};
use super::table::{Entry, keys};
use crate::keyspace::{EventClass, Tx};
use crate::types::hyperloglog::{self, Corrupt, Form, REGISTERS, Registers, Run};
use crate::types::string::StringValue;
use crate::types::text::Text;

pub(super) static COMMANDS: &[Entry] = &[
    keys("pfadd", pfadd),
    keys("pfcount", pfcount),
    keys("pfdebug", pfdebug),
    keys("pfmerge", pfmerge),
    keys("pfselftest", pfselftest),
];

const NOT_VALID: Error = Error::fixed("WRONGTYPE Key is not a valid HyperLogLog string value.");
const CORRUPTED: Error = Error::fixed("INVALIDOBJ Corrupted HLL object detected");

impl From<Corrupt> for Error {
    fn from(_: Corrupt) -> Error {
        CORRUPTED
    }
}

fn sparse_bytes_max(cx: &Cx<'_, '_>) -> usize {
    cx.server.config.hll_sparse_max_bytes.get_usize()
}

/// The estimate at a key, if there is one.
fn peek<'t>(tx: &'t Tx<'_>, key: &[u8]) -> Result<Option<Text<'t>>, Error> {
    let Some(string) = tx.peek_as::<StringValue>(key)? else { return Ok(None) };
    let text = string.text();
    if hyperloglog::form_of(&text).is_some() { Ok(Some(text)) } else { Err(NOT_VALID) }
}

/// Tells that an estimate was changed.
fn changed(cx: &mut Cx<'_, '_>, args: &[&[u8]]) {
    cx.tx.changed(args[1]);
    cx.tx.notify(EventClass::STRING, "pfadd", args[1]);
    cx.tx.record(args);
}

pub(super) fn pfadd(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (key, elements) = (args[1], &args[2..]);
    let is_new = peek(cx.tx, key)?.is_none();
    let bytes_max = sparse_bytes_max(cx);
    let new = || StringValue::raw(hyperloglog::empty());
    let string = cx.tx.write_or_insert(key, new)?;
    let was_raw = string.is_raw();
    let bytes = string.buffer_mut();
    let mut is_changed = is_new;
    let mut outcome = Ok(());
    let mut added = 0;
    for element in elements {
        match hyperloglog::add(bytes, element, bytes_max) {
            Ok(raised) => is_changed |= raised,
            Err(corrupt) => {
                outcome = Err(corrupt.into());
                break;
            }
        }
        added += 1;
    }
    if is_changed {
        hyperloglog::forget_estimate(bytes);
        // What has failed would fail in a replay as well, and end it.
        changed(cx, &args[..2 + added]);
    } else if !was_raw {
        made_raw(cx, &args[..2]);
    }
    cx.reply.int(i64::from(is_changed));
    outcome
}

/// A single estimate that is up to date is told as it was kept. One that is not is made anew and not
/// kept: counting changes nothing here, so it works where nothing may be written.
pub(super) fn pfcount(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let mut registers = Box::new([0; REGISTERS]);
    for key in &args[1..] {
        // Counts as access, and tells who waits for a miss.
        cx.tx.read::<StringValue>(key)?;
        let Some(text) = peek(cx.tx, key)? else { continue };
        if args.len() == 2
            && let Some(estimate) = hyperloglog::kept_estimate(&text)
        {
            cx.reply.int(estimate as i64);
            return Ok(());
        }
        hyperloglog::merge(&mut registers, &text)?;
    }
    cx.reply.int(hyperloglog::estimate(&registers) as i64);
    Ok(())
}

pub(super) fn pfmerge(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    // The effect names them, and in a replay nothing expires by itself.
    args[1..].iter().for_each(|key| cx.tx.end_if_due(key));
    let mut registers: Box<Registers> = Box::new([0; REGISTERS]);
    let mut is_dense = false;
    for key in &args[1..] {
        cx.tx.read::<StringValue>(key)?;
        if let Some(text) = peek(cx.tx, key)? {
            is_dense |= hyperloglog::form_of(&text) == Some(Form::Dense);
            hyperloglog::merge(&mut registers, &text)?;
        }
    }
    let bytes_max = sparse_bytes_max(cx);
    let new = || StringValue::raw(hyperloglog::empty());
    let bytes = cx.tx.write_or_insert(args[1], new)?.buffer_mut();
    // What is at the key was merged above, so it is whole.
    if is_dense {
        hyperloglog::make_dense(bytes)?;
    }
    hyperloglog::raise_to(bytes, &registers, bytes_max)?;
    hyperloglog::forget_estimate(bytes);
    changed(cx, args);
    cx.reply.ok();
    Ok(())
}

pub(super) fn pfdebug(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (name, key) = (args[1], args[2]);
    if args::is(name, "SIMD") {
        // There is one way to merge registers here.
        return match () {
            () if args::is(key, "ON") || args::is(key, "OFF") => {
                cx.reply.simple(if args::is(key, "ON") { "enabled" } else { "disabled" });
                Ok(())
            }
            () => Err(Error::fixed("ERR Argument must be ON or OFF")),
        };
    }
    let text = peek(cx.tx, key)?.ok_or(Error::fixed("ERR The specified key does not exist"))?;
    let form = hyperloglog::form_of(&text);
    match () {
        () if args::is(name, "ENCODING") => {
            cx.reply.simple(if form == Some(Form::Dense) { "dense" } else { "sparse" });
        }
        () if args::is(name, "DECODE") => {
            if form != Some(Form::Sparse) {
                return Err(Error::fixed("ERR HLL encoding is not sparse"));
            }
            let runs: Vec<String> = hyperloglog::sparse_runs(&text)
                .map(|run| run.map(shown))
                .collect::<Result<_, _>>()?;
            cx.reply.text(&runs.join(" "));
        }
        () if args::is(name, "GETREG") => {
            make_dense(cx, key)?;
            let mut registers = Box::new([0; REGISTERS]);
            if let Some(text) = peek(cx.tx, key)? {
                hyperloglog::merge(&mut registers, &text)?;
            }
            cx.reply.array(REGISTERS);
            registers.iter().for_each(|value| cx.reply.int(i64::from(*value)));
        }
        () if args::is(name, "TODENSE") => {
            let converted = make_dense(cx, key)?;
            cx.reply.int(i64::from(converted));
        }
        () => return Err(Error::quoting(&[b"ERR Unknown PFDEBUG subcommand '", name, b"'"])),
    }
    Ok(())
}

fn shown(run: Run) -> String {
    match run {
        Run::Zeros(len) => format!("z:{len}"),
        Run::LongZeros(len) => format!("Z:{len}"),
        Run::Values(value, len) => format!("v:{value},{len}"),
    }
}

/// Gives an estimate that exists its dense form; whether it had another.
fn make_dense(cx: &mut Cx<'_, '_>, key: &[u8]) -> Result<bool, Error> {
    let is_sparse = |text: &Text<'_>| hyperloglog::form_of(text) == Some(Form::Sparse);
    let Some(text) = peek(cx.tx, key)?.filter(is_sparse) else { return Ok(false) };
    let mut bytes = text.to_vec();
    hyperloglog::make_dense(&mut bytes)?;
    if let Some(string) = cx.tx.write::<StringValue>(key)? {
        *string = StringValue::raw(bytes);
        cx.tx.changed(key);
        cx.tx.record(&[b"PFDEBUG", b"TODENSE", key]);
    }
    Ok(true)
}

/// How far an estimate of a known number may be off here: over four times the standard error.
const SELFTEST_ERROR_MAX: f64 = 0.04;

/// Adds elements and holds the estimates to their number, in both forms.
pub(super) fn pfselftest(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    for sparse_bytes_max in [0, 3000] {
        let mut bytes = hyperloglog::empty();
        for element in 1..=20_000_u32 {
            hyperloglog::add(&mut bytes, &element.to_le_bytes(), sparse_bytes_max)?;
            if element.is_power_of_two() || element == 20_000 {
                let mut registers = Box::new([0; REGISTERS]);
                hyperloglog::merge(&mut registers, &bytes)?;
                let estimate = hyperloglog::estimate(&registers) as f64;
                let off = (estimate - f64::from(element)).abs() / f64::from(element);
                if off > SELFTEST_ERROR_MAX {
                    return Err(Error::new(format!(
                        "ERR TESTFAILED {element} elements are estimated to be {estimate}"
                    )));
                }
            }
        }
    }
    cx.reply.ok();
    Ok(())
}
