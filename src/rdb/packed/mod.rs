//! The packed forms in which small collections, and the nodes of large ones, are written.

pub mod intset;
pub mod listpack;
pub mod ziplist;
pub mod zipmap;

/// Bytes that are not of the packed form they should be; what is wrong with them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadPacking(pub &'static str);

/// The first `N` bytes.
fn head<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.first_chunk().copied()
}

/// A signed number of three bytes, little endian.
fn i24(bytes: [u8; 3]) -> i64 {
    i64::from(i32::from_le_bytes([0, bytes[0], bytes[1], bytes[2]]) >> 8)
}
