//! Runs of equal registers, as long as few have a value:
//!
//! ```text
//! 00llllll             l+1 zeros
//! 01llllll llllllll    l+1 zeros
//! 1vvvvvll             l+1 registers of value v+1
//! ```
//!
//! How runs are split and joined shows in the string's bytes, so it goes as in Redis: a run is split
//! where one of its registers is raised, and then neighbours of one value are joined among the five
//! runs from the one before on, as long as a run of that value can be.

use super::{Corrupt, HEADER_BYTES};

/// The longest run of zeros in one byte.
const ZEROS_MAX: usize = 64;
/// The longest run of a value, and the highest value.
const VALUES_MAX: usize = 4;
const VALUE_MAX: u8 = 32;
/// Among so many runs neighbours are joined.
const JOINED_RUNS: usize = 5;

/// A run as it is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Run {
    /// Zeros, in one byte.
    Zeros(usize),
    /// Zeros, in two bytes.
    LongZeros(usize),
    /// A value, and how many registers have it.
    Values(u8, usize),
}

impl Run {
    /// The run that a string begins with.
    fn read(bytes: &[u8]) -> Result<Run, Corrupt> {
        let (&first, rest) = bytes.split_first().ok_or(Corrupt)?;
        let low = usize::from(first & 0x3f);
        match first >> 6 {
            0 => Ok(Run::Zeros(low + 1)),
            1 => {
                let second = rest.first().ok_or(Corrupt)?;
                Ok(Run::LongZeros((low << 8 | usize::from(*second)) + 1))
            }
            _ => Ok(Run::Values((first >> 2 & 0x1f) + 1, usize::from(first & 3) + 1)),
        }
    }

    fn write(self, out: &mut Vec<u8>) {
        match self {
            Run::Zeros(len) => out.push(len as u8 - 1),
            Run::LongZeros(len) => {
                out.extend_from_slice(&(0x4000 | (len - 1) as u16).to_be_bytes())
            }
            Run::Values(value, len) => out.push(0x80 | (value - 1) << 2 | (len as u8 - 1)),
        }
    }

    /// Bytes that it takes.
    fn size(self) -> usize {
        match self {
            Run::Zeros(_) | Run::Values(..) => 1,
            Run::LongZeros(_) => 2,
        }
    }

    /// What its registers hold.
    pub fn value(self) -> u8 {
        match self {
            Run::Zeros(_) | Run::LongZeros(_) => 0,
            Run::Values(value, _) => value,
        }
    }

    /// How many registers it has.
    pub fn registers(self) -> usize {
        match self {
            Run::Zeros(len) | Run::LongZeros(len) | Run::Values(_, len) => len,
        }
    }
}

/// Appends `len` zeros, in as few bytes as they take; none for none.
pub(super) fn write_zeros(out: &mut Vec<u8>, len: usize) {
    match len {
        0 => {}
        1..=ZEROS_MAX => Run::Zeros(len).write(out),
        _ => Run::LongZeros(len).write(out),
    }
}

/// The runs in order; the last may be an error.
pub(super) fn runs(mut bytes: &[u8]) -> impl Iterator<Item = Result<Run, Corrupt>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let run = Run::read(bytes);
        bytes = run.map_or(&[], |run| &bytes[run.size()..]);
        Some(run)
    })
}

/// What became of a register that was to be raised.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Raised {
    /// It was as high already.
    No,
    Yes,
    /// It cannot be, in this form.
    TooLarge,
}

/// Where a register lies.
struct Place {
    run: Run,
    /// Where the run lies in the string, and the run before it.
    at: usize,
    before: Option<usize>,
    /// The run's first register.
    first: usize,
}

fn find(bytes: &[u8], register: usize) -> Result<Place, Corrupt> {
    let (mut at, mut before, mut first) = (HEADER_BYTES, None, 0);
    loop {
        let run = Run::read(&bytes[at..])?;
        if register < first + run.registers() {
            return Ok(Place { run, at, before, first });
        }
        before = Some(at);
        at += run.size();
        first += run.registers();
    }
}

/// Raises a register of a sparse string, header included, to a value.
pub(super) fn raise(
    bytes: &mut Vec<u8>,
    register: usize,
    value: u8,
    bytes_max: usize,
) -> Result<Raised, Corrupt> {
    if value > VALUE_MAX {
        return Ok(Raised::TooLarge);
    }
    let Place { run, at, before, first } = find(bytes, register)?;
    if run.value() >= value {
        return Ok(Raised::No);
    }
    let (left, right) = (register - first, first + run.registers() - register - 1);
    let mut parts = Vec::with_capacity(5);
    match run {
        Run::Values(other, _) => {
            if left > 0 {
                Run::Values(other, left).write(&mut parts);
            }
            Run::Values(value, 1).write(&mut parts);
            if right > 0 {
                Run::Values(other, right).write(&mut parts);
            }
        }
        Run::Zeros(_) | Run::LongZeros(_) => {
            write_zeros(&mut parts, left);
            Run::Values(value, 1).write(&mut parts);
            write_zeros(&mut parts, right);
        }
    }
    let grown = bytes.len() - run.size() + parts.len();
    if parts.len() > run.size() && grown > bytes_max + HEADER_BYTES {
        return Ok(Raised::TooLarge);
    }
    bytes.splice(at..at + run.size(), parts);
    join(bytes, before.unwrap_or(HEADER_BYTES));
    Ok(Raised::Yes)
}

/// Joins neighbours of one value among the first runs from `at` on, as far as they can be read: the register
/// has been raised by then, and damage behind it is for whoever gets there.
fn join(bytes: &mut Vec<u8>, mut at: usize) {
    for _ in 0..JOINED_RUNS {
        let Ok(run) = Run::read(&bytes[at..]) else { return };
        let next = at + run.size();
        if let Run::Values(value, len) = run
            && next < bytes.len()
            && let Ok(Run::Values(same, more)) = Run::read(&bytes[next..])
            && same == value
            && len + more <= VALUES_MAX
        {
            let mut joined = Vec::with_capacity(1);
            Run::Values(value, len + more).write(&mut joined);
            // What was joined is looked at again, with what lies behind it.
            bytes.splice(at..next + 1, joined);
        } else {
            at = next;
        }
    }
}
