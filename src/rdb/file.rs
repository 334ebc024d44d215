//! Reading an RDB file record by record.
//!
//! ```text
//! file    "REDIS" or "VALKEY", version in digits up to nine bytes together, record…, EOF, CRC-64
//! record  opcode and what belongs to it, or a key:
//!         [deadline] [idle time | frequency], type, key, value
//! ```
//! A checksum of 0 stands for none.

use super::decode::{self, Decoded, Limits, Setting};
use super::kind::opcode;
use super::source::{Reading, Source};
use super::{Dialect, Fault};
use crate::keyspace::NEVER;

/// From this version on a file ends with a checksum.
const CHECKSUM_SINCE: u32 = 5;
/// Magic and version together.
const HEADER_BYTES: usize = 9;

/// What a library of functions is called where it cannot be held.
pub const LIBRARY: &str = "function library";

/// A record that is more than a hint.
#[derive(Debug)]
pub enum Record {
    Key(Key),
    /// Something beside the keys that cannot be held.
    Foreign {
        kind: String,
        name: Vec<u8>,
    },
    /// A library of functions: its code.
    Library {
        name: Vec<u8>,
        code: Vec<u8>,
    },
    /// What the file says of itself, such as `redis-ver`.
    Aux {
        name: Vec<u8>,
        value: Vec<u8>,
    },
}

/// A key as the file has it.
#[derive(Debug)]
pub struct Key {
    pub db: u64,
    pub name: Vec<u8>,
    pub decoded: Decoded,
    /// Unix ms; [`NEVER`] if it stays.
    pub expire_at_ms: i64,
    /// Seconds since it was last used, where the file says so.
    pub idle_s: Option<u64>,
}

/// A file being read.
pub struct Reader<'s, 'r> {
    source: &'s mut Source<'r>,
    setting: Setting,
    version: u32,
    db: u64,
}

/// Whether these are the first bytes of an RDB file.
pub fn is_rdb(bytes: &[u8]) -> bool {
    bytes.starts_with(b"REDIS") || bytes.starts_with(b"VALKEY")
}

impl<'s, 'r> Reader<'s, 'r> {
    /// Reads the file's header.
    ///
    /// # Errors
    /// It is no RDB file, or of a version that is not known.
    pub fn begin(source: &'s mut Source<'r>, limits: Limits) -> Reading<Reader<'s, 'r>> {
        let header: [u8; HEADER_BYTES] = source.array().map_err(|mut error| {
            if matches!(error.fault, Fault::Truncated) {
                error.fault = Fault::NotRdb;
            }
            error
        })?;
        let digits = header.strip_prefix(b"REDIS").or_else(|| header.strip_prefix(b"VALKEY"));
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let version: u32 = digits
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| source.error(Fault::NotRdb))?;
        let dialect =
            Dialect::of_version(version).ok_or_else(|| source.error(Fault::Version(version)))?;
        let setting = Setting { dialect, limits };
        Ok(Reader { source, setting, version, db: 0 })
    }

    /// The next record; none at the end, whose checksum has been compared.
    ///
    /// # Errors
    /// The bytes are no record, or end; or the checksum is another.
    pub fn next_record(&mut self) -> Reading<Option<Record>> {
        let mut expire_at_ms = NEVER;
        let mut idle_s = None;
        loop {
            match self.source.u8()? {
                opcode::EOF => return self.end().map(|()| None),
                opcode::SELECT_DB => self.db = self.source.length()?,
                opcode::RESIZE_DB => {
                    self.source.length()?;
                    self.source.length()?;
                }
                opcode::SLOT_INFO => {
                    for _ in 0..3 {
                        self.source.length()?;
                    }
                }
                opcode::EXPIRE_TIME => {
                    let seconds = i32::from_le_bytes(self.source.array()?);
                    expire_at_ms = i64::from(seconds) * 1000;
                }
                opcode::EXPIRE_TIME_MS => {
                    // The very last millisecond stands for "no deadline" here.
                    let ms = i64::from_le_bytes(self.source.array()?);
                    expire_at_ms = ms.min(NEVER - 1);
                }
                opcode::IDLE => idle_s = Some(self.source.length()?),
                opcode::FREQ => drop(self.source.u8()?),
                opcode::AUX => {
                    let name = self.source.string()?;
                    let value = self.source.string()?;
                    return Ok(Some(Record::Aux { name, value }));
                }
                opcode::FUNCTION_2 => {
                    let code = self.source.string()?;
                    let name = decode::library_name(&code).to_vec();
                    return Ok(Some(Record::Library { name, code }));
                }
                opcode::FUNCTION_PRE_GA => {
                    let name = decode::early_library(self.source)?;
                    return Ok(Some(Record::Foreign { kind: LIBRARY.into(), name }));
                }
                opcode::MODULE_AUX => {
                    let name = decode::module_aux(self.source)?.into_bytes();
                    return Ok(Some(Record::Foreign { kind: "state of a module".into(), name }));
                }
                kind => {
                    let name = self.source.string()?;
                    let decoded = decode::value(self.source, kind, &self.setting)?;
                    let key = Key { db: self.db, name, decoded, expire_at_ms, idle_s };
                    return Ok(Some(Record::Key(key)));
                }
            }
        }
    }

    /// Whether a checksum attests that the file's end is its end.
    pub fn has_checksum(&self) -> bool {
        self.version >= CHECKSUM_SINCE
    }

    fn end(&mut self) -> Reading<()> {
        if !self.has_checksum() {
            return Ok(());
        }
        let computed = self.source.checksum();
        let stated = self.source.u64_le()?;
        if stated != 0 && stated != computed {
            return Err(self.source.error(Fault::Checksum { stated, computed }));
        }
        Ok(())
    }
}
