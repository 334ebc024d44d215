//! The payload of DUMP and RESTORE: a value, the version of its form, and a checksum.
//!
//! ```text
//! type u8, value, version u16, CRC-64 of all before it u64      little endian
//! ```

use super::decode::{self, Decoded, Limits, Setting};
use super::encode;
use super::kind::opcode;
use super::source::Source;
use super::{Dialect, crc64};
use crate::keyspace::Value;
use crate::types::stream::idmp::IdmpLimits;

const FOOTER_BYTES: usize = 10;

/// Why a payload is refused.
#[derive(Debug)]
pub enum Refused {
    /// It is cut or damaged, or a newer server wrote it.
    Footer,
    /// It is whole, but no value that can be held.
    Value,
}

/// Reads a payload.
///
/// # Errors
/// See [`Refused`].
pub fn read(payload: &[u8], limits: Limits) -> Result<Value, Refused> {
    let (body, dialect) = checked(payload)?;
    let (&kind, body) = body.split_first().ok_or(Refused::Value)?;
    let mut source = Source::from_bytes(body);
    let decoded = decode::value(&mut source, kind, &Setting { dialect, limits });
    match decoded {
        Ok(Decoded::Value(value)) => Ok(value),
        Ok(_) | Err(_) => Err(Refused::Value),
    }
}

/// What a payload's footer stands behind, if it is right.
fn checked(payload: &[u8]) -> Result<(&[u8], Dialect), Refused> {
    let at = payload.len().checked_sub(FOOTER_BYTES).ok_or(Refused::Footer)?;
    let (body, footer) = payload.split_at(at);
    let version = u16::from_le_bytes([footer[0], footer[1]]);
    let dialect = Dialect::of_version(u32::from(version)).ok_or(Refused::Footer)?;
    let stated = footer[2..].first_chunk().copied().map_or(0, u64::from_le_bytes);
    if stated != crc64::checksum(&payload[..at + 2]) {
        return Err(Refused::Footer);
    }
    Ok((body, dialect))
}

/// Reads the payload of FUNCTION DUMP: the texts of libraries.
///
/// # Errors
/// See [`Refused`].
pub fn read_functions(payload: &[u8]) -> Result<Vec<Vec<u8>>, Refused> {
    let (body, _) = checked(payload)?;
    let mut source = Source::from_bytes(body);
    let mut codes = Vec::new();
    while source.offset() < body.len() as u64 {
        if !matches!(source.u8(), Ok(opcode::FUNCTION_2)) {
            return Err(Refused::Value);
        }
        codes.push(source.string().map_err(|_| Refused::Value)?);
    }
    Ok(codes)
}

/// Writes the payload of FUNCTION DUMP.
pub fn write_functions(codes: &[&[u8]]) -> Vec<u8> {
    let mut payload = Vec::new();
    for code in codes {
        payload.push(opcode::FUNCTION_2);
        encode::string(&mut payload, code).expect("a vector takes all that is written to it");
    }
    finish(payload, encode::Form::Common)
}

/// Adds the footer.
fn finish(mut payload: Vec<u8>, form: encode::Form) -> Vec<u8> {
    payload.extend_from_slice(&(form.version() as u16).to_le_bytes());
    let checksum = crc64::checksum(&payload);
    payload.extend_from_slice(&checksum.to_le_bytes());
    payload
}

/// Writes a payload, in the oldest form that holds all of the value. `idmp` is what streams remember
/// by the settings, which need not be told.
pub fn write(value: &Value, idmp: IdmpLimits) -> Vec<u8> {
    let form = encode::Form::least_for(value, idmp);
    let mut payload = Vec::new();
    encode::value(&mut payload, value, form).expect("a vector takes all that is written to it");
    finish(payload, form)
}
