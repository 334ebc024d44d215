//! What can be wrong with bytes that should be an RDB file, a DUMP payload or an AOF.

use std::fmt;
use std::io;

/// What is wrong, and where.
#[derive(Debug)]
pub struct RdbError {
    /// Offset in the file or payload of the first byte that was not understood. Inside a packed
    /// value, which may be compressed, it is where the value ends.
    pub offset: u64,
    pub fault: Fault,
}

/// What is wrong.
#[derive(Debug)]
pub enum Fault {
    /// The bytes end in the middle of something.
    Truncated,
    /// The file cannot be read.
    Io(io::Error),
    /// The bytes are not what any server writes.
    Malformed(&'static str),
    /// It does not begin like an RDB file.
    NotRdb,
    /// A version of the format that is not known here.
    Version(u32),
    /// A record of a kind that is not known here: what stands behind it cannot be found.
    UnknownRecord(u8),
    /// The checksum at the end is not that of the bytes before it.
    Checksum { stated: u64, computed: u64 },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Truncated => f.write_str("it ends in the middle of a record"),
            Fault::Io(error) => write!(f, "cannot be read: {error}"),
            Fault::Malformed(what) => f.write_str(what),
            Fault::NotRdb => f.write_str("it does not begin like an RDB file"),
            Fault::Version(version) => write!(f, "RDB version {version} is not known"),
            Fault::UnknownRecord(kind) => write!(f, "a record of the unknown type {kind}"),
            Fault::Checksum { stated, computed } => write!(
                f,
                "the checksum stated is {stated:016x}, that of the bytes is {computed:016x}"
            ),
        }
    }
}

impl fmt::Display for RdbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (offset {})", self.fault, self.offset)
    }
}

impl std::error::Error for RdbError {}
