//! HyperLogLog: how many distinct elements were added, to within a percent, in 12 KiB at most.
//!
//! The estimate is kept in a string of Redis's form, so that GET, SET, DUMP and RESTORE carry it from
//! server to server:
//!
//! ```text
//! "HYLL", form u8 (0 dense, 1 sparse), 3 bytes unused, estimate u64 (little end first), registers
//! ```
//!
//! The top bit of the estimate says that it is out of date. An element's hash picks one of 16,384 registers
//! by its low 14 bits, and the register keeps the longest run of zeros, plus one, with which the other
//! 50 have begun. [`dense`] has all registers in six bits each, [`sparse`] has runs of equal ones.

mod dense;
mod estimate;
mod hash;
mod sparse;
#[cfg(test)]
mod tests;

pub use estimate::estimate;
pub use sparse::Run;

use hash::murmur;

/// How many registers there are.
pub const REGISTERS: usize = 1 << REGISTER_BITS;
const REGISTER_BITS: u32 = 14;
/// Bits of the hash that a register counts zeros in.
const COUNTED_BITS: u32 = 64 - REGISTER_BITS;
const MAGIC: &[u8; 4] = b"HYLL";
const HEADER_BYTES: usize = 16;
const FORM_AT: usize = 4;
const ESTIMATE_AT: usize = 8;
/// In the last byte of the estimate.
const OUTDATED: u8 = 0x80;

/// All registers, a byte each.
pub type Registers = [u8; REGISTERS];

/// How the registers are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    Dense,
    Sparse,
}

impl Form {
    fn number(self) -> u8 {
        match self {
            Form::Dense => 0,
            Form::Sparse => 1,
        }
    }
}

/// The registers of a sparse string are not as many as they have to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Corrupt;

/// Which form a string has; none if it is nothing of the kind.
pub fn form_of(bytes: &[u8]) -> Option<Form> {
    if bytes.len() < HEADER_BYTES || !bytes.starts_with(MAGIC) {
        return None;
    }
    match bytes[FORM_AT] {
        0 => (bytes.len() == HEADER_BYTES + dense::BYTES).then_some(Form::Dense),
        1 => Some(Form::Sparse),
        _ => None,
    }
}

/// A string to which nothing was added.
pub fn empty() -> Vec<u8> {
    let mut bytes = header(Form::Sparse);
    sparse::write_zeros(&mut bytes, REGISTERS);
    bytes
}

fn header(form: Form) -> Vec<u8> {
    let mut bytes = vec![0; HEADER_BYTES];
    bytes[..MAGIC.len()].copy_from_slice(MAGIC);
    bytes[FORM_AT] = form.number();
    bytes
}

/// The register of an element, and what it has to be at least.
fn place(element: &[u8]) -> (usize, u8) {
    let hash = murmur(element);
    let register = hash as usize % REGISTERS;
    // A bit above the counted ones ends the run.
    let zeros = (hash >> REGISTER_BITS | 1 << COUNTED_BITS).trailing_zeros();
    (register, zeros as u8 + 1)
}

/// Adds an element to a string whose form is known; whether that changed a register. A sparse string
/// that would have more than `sparse_bytes_max` bytes of registers becomes dense.
///
/// # Errors
/// The registers are damaged; the string is as it was.
pub fn add(bytes: &mut Vec<u8>, element: &[u8], sparse_bytes_max: usize) -> Result<bool, Corrupt> {
    let (register, value) = place(element);
    set(bytes, register, value, sparse_bytes_max)
}

/// Adds an element to plain registers.
pub fn note(registers: &mut Registers, element: &[u8]) {
    let (register, value) = place(element);
    registers[register] = registers[register].max(value);
}

/// Raises a register to a value, unless it is as high already; whether it was not.
fn set(
    bytes: &mut Vec<u8>,
    register: usize,
    value: u8,
    sparse_bytes_max: usize,
) -> Result<bool, Corrupt> {
    if bytes[FORM_AT] == Form::Sparse.number() {
        match sparse::raise(bytes, register, value, sparse_bytes_max)? {
            sparse::Raised::No => return Ok(false),
            sparse::Raised::Yes => return Ok(true),
            sparse::Raised::TooLarge => make_dense(bytes)?,
        }
    }
    Ok(dense::raise(&mut bytes[HEADER_BYTES..], register, value))
}

/// Gives a string the dense form.
///
/// # Errors
/// The registers are damaged; the string is as it was.
pub fn make_dense(bytes: &mut Vec<u8>) -> Result<(), Corrupt> {
    if bytes[FORM_AT] == Form::Dense.number() {
        return Ok(());
    }
    let mut registers = Box::new([0; REGISTERS]);
    merge(&mut registers, bytes)?;
    let mut converted = header(Form::Dense);
    converted[FORM_AT + 1..HEADER_BYTES].copy_from_slice(&bytes[FORM_AT + 1..HEADER_BYTES]);
    dense::write(&mut converted, &registers);
    *bytes = converted;
    Ok(())
}

/// Raises each register to that of a string whose form is known.
///
/// # Errors
/// The string's registers are damaged.
pub fn merge(registers: &mut Registers, bytes: &[u8]) -> Result<(), Corrupt> {
    if bytes[FORM_AT] == Form::Dense.number() {
        dense::merge(registers, &bytes[HEADER_BYTES..]);
        return Ok(());
    }
    let mut at = 0;
    for run in runs(bytes) {
        let (value, len) = run?;
        let end = at + len;
        let raised = registers.get_mut(at..end).ok_or(Corrupt)?;
        raised.iter_mut().for_each(|register| *register = (*register).max(value));
        at = end;
    }
    if at == REGISTERS { Ok(()) } else { Err(Corrupt) }
}

/// The runs of a sparse string: a value, and how many registers have it.
fn runs(bytes: &[u8]) -> impl Iterator<Item = Result<(u8, usize), Corrupt>> {
    sparse::runs(&bytes[HEADER_BYTES..]).map(|run| run.map(|run| (run.value(), run.registers())))
}

/// The runs of a sparse string as they are kept.
pub fn sparse_runs(bytes: &[u8]) -> impl Iterator<Item = Result<Run, Corrupt>> {
    sparse::runs(&bytes[HEADER_BYTES..])
}

/// Raises the registers of a string, whose form is known, to these, in their order.
///
/// # Errors
/// The string's registers are damaged.
pub fn raise_to(
    bytes: &mut Vec<u8>,
    registers: &Registers,
    sparse_bytes_max: usize,
) -> Result<(), Corrupt> {
    for (register, &value) in registers.iter().enumerate().filter(|(_, value)| **value > 0) {
        set(bytes, register, value, sparse_bytes_max)?;
    }
    Ok(())
}

/// The estimate that a string has kept, unless it is out of date.
pub fn kept_estimate(bytes: &[u8]) -> Option<u64> {
    let estimate = bytes[ESTIMATE_AT..].first_chunk().copied().map(u64::from_le_bytes)?;
    (bytes[HEADER_BYTES - 1] & OUTDATED == 0).then_some(estimate)
}

/// Notes that the estimate a string has kept is out of date.
pub fn forget_estimate(bytes: &mut [u8]) {
    bytes[HEADER_BYTES - 1] |= OUTDATED;
}
