//! The bytes of a snapshot's parts: a sequence of records.
//!
//! ```text
//! Head            1  version:u8  keys:varint                    the first record, and only that
//! Db              2  db:varint                                  what follows lies in this database
//! Key             3  kind:u8  len:varint  key                   a key that stays
//! KeyWithDeadline 4  kind:u8  deadline_ms:i64le  len:varint  key
//! Fragment        5  len:varint  bytes                          of a piece that goes on
//! Piece           6  len:varint  bytes                          the end of a piece; more pieces follow
//! LastPiece       7  len:varint  bytes                          the end of the value
//! Effect          8  len:varint  bytes                          a command to replay behind all keys
//! ```
//!
//! A record lies whole in one part; a key's records may lie in several, one behind the other. A
//! varint has seven bits a byte, the lowest first; the top bit says that more follow.

use crate::keyspace::table::NEVER;
use crate::types::image::BadImage;

/// Of the whole format, records and images: a reader refuses what it does not know.
pub const VERSION: u8 = 1;

/// The numbers of the records on disk. They are never given anew.
mod tag {
    pub const HEAD: u8 = 1;
    pub const DB: u8 = 2;
    pub const KEY: u8 = 3;
    pub const KEY_WITH_DEADLINE: u8 = 4;
    pub const FRAGMENT: u8 = 5;
    pub const PIECE: u8 = 6;
    pub const LAST_PIECE: u8 = 7;
    pub const EFFECT: u8 = 8;
}

/// What comes behind some bytes of a value's image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Then {
    /// More of the same piece.
    Fragment,
    /// Another piece.
    Piece,
    /// Another key: the value is whole.
    Key,
}

/// One record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Record<'a> {
    /// `keys`: how many the snapshot has in all.
    Head {
        version: u8,
        keys: u64,
    },
    Db(u64),
    Key {
        kind: u8,
        /// [`NEVER`] if it stays.
        expire_at_ms: i64,
        key: &'a [u8],
    },
    Image {
        bytes: &'a [u8],
        then: Then,
    },
    /// What belongs to no key, as a command in RESP form.
    Effect(&'a [u8]),
}

impl<'a> Record<'a> {
    pub fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            Record::Head { version, keys } => {
                out.extend([tag::HEAD, version]);
                put_varint(out, keys);
            }
            Record::Db(db) => {
                out.push(tag::DB);
                put_varint(out, db);
            }
            Record::Key { kind, expire_at_ms, key } => {
                if expire_at_ms == NEVER {
                    out.extend([tag::KEY, kind]);
                } else {
                    out.extend([tag::KEY_WITH_DEADLINE, kind]);
                    out.extend(expire_at_ms.to_le_bytes());
                }
                put_bytes(out, key);
            }
            Record::Image { bytes, then } => {
                out.push(image_tag(then));
                put_bytes(out, bytes);
            }
            Record::Effect(bytes) => {
                out.push(tag::EFFECT);
                put_bytes(out, bytes);
            }
        }
    }

    /// Takes the next record off `bytes`, which are not empty.
    ///
    /// # Errors
    /// They do not begin with a record.
    pub fn decode(bytes: &mut &'a [u8]) -> Result<Record<'a>, BadImage> {
        Ok(match byte(bytes)? {
            tag::HEAD => Record::Head { version: byte(bytes)?, keys: varint(bytes)? },
            tag::DB => Record::Db(varint(bytes)?),
            tag::KEY => {
                Record::Key { kind: byte(bytes)?, expire_at_ms: NEVER, key: counted(bytes)? }
            }
            tag::KEY_WITH_DEADLINE => Record::Key {
                kind: byte(bytes)?,
                expire_at_ms: deadline(bytes)?,
                key: counted(bytes)?,
            },
            tag::FRAGMENT => Record::Image { bytes: counted(bytes)?, then: Then::Fragment },
            tag::PIECE => Record::Image { bytes: counted(bytes)?, then: Then::Piece },
            tag::LAST_PIECE => Record::Image { bytes: counted(bytes)?, then: Then::Key },
            tag::EFFECT => Record::Effect(counted(bytes)?),
            _ => return Err(BadImage("a record of an unknown kind")),
        })
    }
}

fn image_tag(then: Then) -> u8 {
    match then {
        Then::Fragment => tag::FRAGMENT,
        Then::Piece => tag::PIECE,
        Then::Key => tag::LAST_PIECE,
    }
}

/// Appends an [`Record::Image`] whose bytes `write` appends, without a copy as long as they are
/// short; `write` also says whether another piece follows.
pub fn put_piece(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> bool) -> bool {
    let at = out.len();
    // One byte is kept for the length.
    out.extend([0, 0]);
    let more = write(out);
    out[at] = image_tag(if more { Then::Piece } else { Then::Key });
    let len = out.len() - at - 2;
    if len < 0x80 {
        out[at + 1] = len as u8;
    } else {
        let mut prefix = Vec::with_capacity(10);
        put_varint(&mut prefix, len as u64);
        out.splice(at + 1..at + 2, prefix);
    }
    more
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

const CUT_OFF: BadImage = BadImage("a record is cut off");

fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Result<&'a [u8], BadImage> {
    let (taken, rest) = bytes.split_at_checked(len).ok_or(CUT_OFF)?;
    *bytes = rest;
    Ok(taken)
}

fn byte(bytes: &mut &[u8]) -> Result<u8, BadImage> {
    Ok(take(bytes, 1)?[0])
}

fn deadline(bytes: &mut &[u8]) -> Result<i64, BadImage> {
    let field = take(bytes, 8)?.try_into().map_err(|_| CUT_OFF)?;
    match i64::from_le_bytes(field) {
        NEVER => Err(BadImage("a deadline that is none")),
        expire_at_ms => Ok(expire_at_ms),
    }
}

fn counted<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], BadImage> {
    let len = usize::try_from(varint(bytes)?).map_err(|_| CUT_OFF)?;
    take(bytes, len)
}

fn varint(bytes: &mut &[u8]) -> Result<u64, BadImage> {
    let mut value = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let byte = byte(bytes)?;
        let bits = u64::from(byte & 0x7f);
        if bits << shift >> shift != bits {
            break;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(BadImage("a number that is too long"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn then() -> impl Strategy<Value = Then> {
        prop::sample::select(vec![Then::Fragment, Then::Piece, Then::Key])
    }

    proptest! {
        #[test]
        fn records_come_back(
            version in any::<u8>(),
            number in prop_oneof![0..200u64, any::<u64>()],
            kind in any::<u8>(),
            expire_at_ms in prop_oneof![Just(NEVER), any::<i64>()],
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            then in then(),
        ) {
            let records = [
                Record::Head { version, keys: number },
                Record::Db(number),
                Record::Key { kind, expire_at_ms, key: &bytes },
                Record::Image { bytes: &bytes, then },
                Record::Effect(&bytes),
            ];
            let mut out = Vec::new();
            for record in records {
                record.encode(&mut out);
            }
            let mut rest = out.as_slice();
            for record in records {
                prop_assert_eq!(Record::decode(&mut rest), Ok(record));
            }
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn a_piece_written_in_place_is_a_record(
            before in prop::collection::vec(any::<u8>(), 0..5),
            bytes in prop::collection::vec(any::<u8>(), 0..20_000),
            more in any::<bool>(),
        ) {
            let mut out = before.clone();
            let told = put_piece(&mut out, |out| {
                out.extend_from_slice(&bytes);
                more
            });
            prop_assert_eq!(told, more);
            let then = if more { Then::Piece } else { Then::Key };
            let mut expected = before;
            Record::Image { bytes: &bytes, then }.encode(&mut expected);
            prop_assert_eq!(out, expected);
        }

        #[test]
        fn any_bytes_are_records_or_an_error(
            bytes in prop::collection::vec(prop_oneof![0..9u8, any::<u8>()], 1..40)
        ) {
            let mut rest = bytes.as_slice();
            while !rest.is_empty() && Record::decode(&mut rest).is_ok() {}
        }
    }

    #[test]
    fn tags_stay_what_they_are() {
        let mut out = Vec::new();
        Record::Head { version: VERSION, keys: 300 }.encode(&mut out);
        Record::Db(2).encode(&mut out);
        Record::Key { kind: 1, expire_at_ms: NEVER, key: b"k" }.encode(&mut out);
        Record::Key { kind: 1, expire_at_ms: 1, key: b"" }.encode(&mut out);
        for then in [Then::Fragment, Then::Piece, Then::Key] {
            Record::Image { bytes: b"v", then }.encode(&mut out);
        }
        Record::Effect(b"e").encode(&mut out);
        let expected = b"\x01\x01\xac\x02\x02\x02\x03\x01\x01k\x04\x01\x01\0\0\0\0\0\0\0\0\
            \x05\x01v\x06\x01v\x07\x01v\x08\x01e";
        assert_eq!(out, expected);
    }
}
