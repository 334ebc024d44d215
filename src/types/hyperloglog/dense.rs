//! All registers in six bits each, the first in the low bits of the first byte:
//!
//! ```text
//! 11000000 22221111 33333322 …      of each byte the high bits first
//! ```

use super::{REGISTERS, Registers};

const BITS: usize = 6;
const MASK: u32 = (1 << BITS) - 1;
pub(super) const BYTES: usize = REGISTERS * BITS / 8;

/// Four registers lie in three bytes.
fn quad(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0])
}

/// Raises a register to a value, unless it is as high already; whether it was not.
pub(super) fn raise(bytes: &mut [u8], register: usize, value: u8) -> bool {
    let three = &mut bytes[register / 4 * 3..][..3];
    let shift = register % 4 * BITS;
    let before = quad(three);
    if before >> shift & MASK >= u32::from(value) {
        return false;
    }
    let after = before & !(MASK << shift) | u32::from(value) << shift;
    three.copy_from_slice(&after.to_le_bytes()[..3]);
    true
}

/// Raises each register to the one packed at its place.
pub(super) fn merge(registers: &mut Registers, bytes: &[u8]) {
    let packed = bytes.as_chunks::<3>().0;
    for (four, three) in registers.as_chunks_mut::<4>().0.iter_mut().zip(packed) {
        let quad = quad(three);
        for (at, register) in four.iter_mut().enumerate() {
            *register = (*register).max((quad >> (at * BITS) & MASK) as u8);
        }
    }
}

/// Appends registers, packed.
pub(super) fn write(out: &mut Vec<u8>, registers: &Registers) {
    for four in registers.as_chunks::<4>().0 {
        let place = |quad, (at, value): (usize, &u8)| quad | u32::from(*value) << (at * BITS);
        let quad = four.iter().enumerate().fold(0, place);
        out.extend_from_slice(&quad.to_le_bytes()[..3]);
    }
}
