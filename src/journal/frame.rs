//! The form of a frame: one checked record of the journal.
//!
//! ```text
//!  0  u32  CRC32C of all that follows, the payload included
//!  4  u32  length of the payload, bytes
//!  8  u32  start: how many times the journal had been started, when it was written
//! 12  u8   kind
//! 13  u8   version of this form
//! 14  u16  0
//! 16  u64  position of the frame's first byte
//! 24  u64  durable position known when the frame was written
//! 32  i64  time of the step, unix ms
//! 40       payload
//! ```
//!
//! All numbers are little-endian. The position in the frame itself tells a frame from an older one
//! that lies in the same place of a file, and finds frames behind a damaged one. The durable position
//! tells damage from a torn tail: what lies below it had been synced, so it may not be missing.

use std::fmt;

/// Bytes of a frame before its payload.
pub const HEAD_BYTES: usize = 40;

/// The version that is written. Tags below are never given another meaning within a version.
pub const VERSION: u8 = 1;

/// The longest payload, bytes.
pub const PAYLOAD_BYTES_MAX: u64 = u32::MAX as u64 - 4096;

/// What a frame holds. The numbers are on disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// The effects of one atomic step.
    Step = 1,
    /// The orderly end of a start. Nothing before it may be missing.
    End = 2,
    /// The first frame of a snapshot.
    SnapshotBegin = 3,
    /// A part of a snapshot.
    SnapshotPart = 4,
    /// The last frame of a snapshot: how many parts there are (u64).
    SnapshotEnd = 5,
}

impl Kind {
    pub const ALL: [Kind; 5] =
        [Kind::Step, Kind::End, Kind::SnapshotBegin, Kind::SnapshotPart, Kind::SnapshotEnd];

    fn of(tag: u8) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| *kind as u8 == tag)
    }
}

/// What a frame says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    pub kind: Kind,
    pub start: u32,
    pub position: u64,
    pub durable: u64,
    pub time_ms: i64,
}

/// A frame that is whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Whole<'a> {
    pub stamp: Stamp,
    pub payload: &'a [u8],
}

impl Whole<'_> {
    /// In bytes.
    pub fn length(&self) -> u64 {
        (HEAD_BYTES + self.payload.len()) as u64
    }

    /// The position behind it.
    pub fn end(&self) -> u64 {
        self.stamp.position + self.length()
    }
}

/// Why bytes are not a whole frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bad {
    /// The file ends before the frame does.
    Torn,
    /// The version is not one that this server reads.
    Version(u8),
    /// The kind is not one that this version has.
    Kind(u8),
    Checksum,
    /// It is whole but belongs somewhere else.
    Position(u64),
    /// It is whole but of another start than the file.
    Start(u32),
    /// It is whole but follows the orderly end of its start.
    AfterEnd,
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Torn => f.write_str("the frame is cut off by the end of the file"),
            Self::Version(version) => write!(f, "the frame has the unknown version {version}"),
            Self::Kind(tag) => write!(f, "the frame has the unknown kind {tag}"),
            Self::Checksum => f.write_str("the frame's checksum is wrong"),
            Self::Position(position) => write!(f, "the frame belongs at position {position}"),
            Self::Start(start) => write!(f, "the frame is of start {start}, and the file is not"),
            Self::AfterEnd => f.write_str("the frame follows the mark of an orderly end"),
        }
    }
}

/// The head of a frame that is still to be sealed.
pub fn head(stamp: &Stamp, payload_bytes: u32) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    head[4..8].copy_from_slice(&payload_bytes.to_le_bytes());
    head[8..12].copy_from_slice(&stamp.start.to_le_bytes());
    head[12] = stamp.kind as u8;
    head[13] = VERSION;
    head[16..24].copy_from_slice(&stamp.position.to_le_bytes());
    head[24..32].copy_from_slice(&stamp.durable.to_le_bytes());
    head[32..40].copy_from_slice(&stamp.time_ms.to_le_bytes());
    head
}

/// Puts the durable position and the checksum into a frame: the last thing before it is written.
pub fn seal(frame: &mut [u8], durable: u64) {
    seal_head(frame, &[], durable);
}

/// As [`seal`], where (the rest of) the payload lies elsewhere.
pub fn seal_head(head: &mut [u8], payload: &[u8], durable: u64) {
    head[24..32].copy_from_slice(&durable.to_le_bytes());
    let checksum = checksum(head, payload);
    head[..4].copy_from_slice(&checksum.to_le_bytes());
}

/// Appends a whole frame to `out`.
pub fn encode(stamp: &Stamp, payload: &[u8], out: &mut Vec<u8>) {
    let length = u32::try_from(payload.len()).expect("callers hold to PAYLOAD_BYTES_MAX");
    let mut head = head(stamp, length);
    seal_head(&mut head, payload, stamp.durable);
    out.extend_from_slice(&head);
    out.extend_from_slice(payload);
}

/// The length of the frame that `bytes` begin with, head included, as its head has it, right or
/// wrong.
pub fn stated_length(bytes: &[u8]) -> Option<u64> {
    (bytes.len() >= HEAD_BYTES).then(|| HEAD_BYTES as u64 + u64::from(u32_at(bytes, 4)))
}

/// The position that the frame which `bytes` begin with states, right or wrong.
pub fn stated_position(bytes: &[u8]) -> Option<u64> {
    (bytes.len() >= HEAD_BYTES).then(|| u64_at(bytes, 16))
}

/// Reads the frame at the start of `bytes`, which has to stand at `position`. `None`: nothing has
/// been written there.
///
/// # Errors
/// The bytes are neither.
pub fn decode(bytes: &[u8], position: u64) -> Result<Option<Whole<'_>>, Bad> {
    let Some(length) = stated_length(bytes) else {
        return if is_blank(bytes) { Ok(None) } else { Err(Bad::Torn) };
    };
    let (head, rest) = bytes.split_at(HEAD_BYTES);
    if is_blank(head) {
        return Ok(None);
    }
    if head[13] != VERSION {
        return Err(Bad::Version(head[13]));
    }
    let kind = Kind::of(head[12]).ok_or(Bad::Kind(head[12]))?;
    if (bytes.len() as u64) < length {
        return Err(Bad::Torn);
    }
    let payload = &rest[..length as usize - HEAD_BYTES];
    if u32_at(head, 0) != checksum(&bytes[..length as usize], &[]) {
        return Err(Bad::Checksum);
    }
    let stamp = Stamp {
        kind,
        start: u32_at(head, 8),
        position: u64_at(head, 16),
        durable: u64_at(head, 24),
        time_ms: u64_at(head, 32).cast_signed(),
    };
    if stamp.position != position {
        return Err(Bad::Position(stamp.position));
    }
    Ok(Some(Whole { stamp, payload }))
}

pub(super) fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

fn checksum(head: &[u8], payload: &[u8]) -> u32 {
    let checksum = crc32c::crc32c(&head[4..]);
    if payload.is_empty() { checksum } else { crc32c::crc32c_append(checksum, payload) }
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stamps() -> impl Strategy<Value = Stamp> {
        let kinds = proptest::sample::select(Kind::ALL.to_vec());
        (kinds, any::<u32>(), any::<u32>(), any::<u64>(), any::<i64>()).prop_map(
            |(kind, start, position, durable, time_ms)| Stamp {
                kind,
                start,
                position: u64::from(position),
                durable,
                time_ms,
            },
        )
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(stamp in stamps(), payload: Vec<u8>, behind: Vec<u8>) {
            let mut bytes = Vec::new();
            encode(&stamp, &payload, &mut bytes);
            prop_assert_eq!(stated_length(&bytes), Some(bytes.len() as u64));
            prop_assert_eq!(stated_position(&bytes), Some(stamp.position));
            let whole = bytes.len();
            bytes.extend_from_slice(&behind);
            let frame = decode(&bytes, stamp.position).expect("whole").expect("not blank");
            prop_assert_eq!(frame, Whole { stamp, payload: &payload });
            prop_assert_eq!(frame.end(), stamp.position + whole as u64);
        }

        #[test]
        fn a_frame_elsewhere_is_refused(stamp in stamps(), payload: Vec<u8>) {
            let mut bytes = Vec::new();
            encode(&stamp, &payload, &mut bytes);
            let refused = decode(&bytes, stamp.position + 1);
            prop_assert_eq!(refused, Err(Bad::Position(stamp.position)));
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let stamp = Stamp {
            kind: Kind::Step,
            start: 3,
            position: 777,
            durable: 700,
            time_ms: 1_700_000_000_000,
        };
        let mut bytes = Vec::new();
        encode(&stamp, b"*1\r\n$4\r\nPING\r\n", &mut bytes);
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&bytes, 777).is_err(), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        for length in 1..bytes.len() {
            assert_eq!(decode(&bytes[..length], 777), Err(Bad::Torn), "{length} bytes");
        }
        assert_eq!(decode(&[], 777), Ok(None));
        assert_eq!(decode(&[0; 20], 777), Ok(None));
        assert_eq!(decode(&[0; 200], 777), Ok(None));
    }

    #[test]
    fn unknown_tags_are_named() {
        let stamp = Stamp { kind: Kind::End, start: 1, position: 0, durable: 0, time_ms: 0 };
        let mut sealed = head(&stamp, 0);
        sealed[12] = 99;
        seal(&mut sealed, 0);
        assert_eq!(decode(&sealed, 0), Err(Bad::Kind(99)));
        sealed[13] = 2;
        seal(&mut sealed, 0);
        assert_eq!(decode(&sealed, 0), Err(Bad::Version(2)));
    }

    #[test]
    fn the_form_on_disk_stays_as_it_is() {
        let stamp = Stamp { kind: Kind::Step, start: 2, position: 3, durable: 4, time_ms: 5 };
        let mut bytes = Vec::new();
        encode(&stamp, b"x", &mut bytes);
        let mut expected = [0; 41];
        for (at, byte) in [(4, 1), (8, 2), (12, 1), (13, 1), (16, 3), (24, 4), (32, 5), (40, b'x')]
        {
            expected[at] = byte;
        }
        assert_eq!(bytes[4..], expected[4..]);
        let checksum = u32_at(&bytes, 0);
        assert_eq!(checksum, crc32c::crc32c(&expected[4..]));
    }
}
