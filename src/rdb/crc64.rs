//! The checksum of RDB files and DUMP payloads: CRC-64 with the polynomial of Jones.

use crc::{CRC_64_REDIS, Crc, Digest, Table};

static CRC: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_REDIS);

/// A checksum being taken.
pub(super) struct Checksum(Digest<'static, u64, Table<16>>);

impl Checksum {
    pub(super) fn new() -> Checksum {
        Checksum(CRC.digest())
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum of all bytes so far.
    pub(super) fn value(&self) -> u64 {
        self.0.clone().finalize()
    }
}

/// The checksum of these bytes.
pub fn checksum(bytes: &[u8]) -> u64 {
    CRC.checksum(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_algorithm() {
        assert_eq!(checksum(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
        assert_eq!(checksum(b""), 0);
        let mut parts = Checksum::new();
        parts.update(b"1234");
        assert_eq!(parts.value(), checksum(b"1234"));
        parts.update(b"56789");
        assert_eq!(parts.value(), checksum(b"123456789"));
    }
}
