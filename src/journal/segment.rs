//! A file of frames: what stands at its head, how it is named, and how its frames are read.
//!
//! ```text
//!   0  header: magic, version, start, first position, durable position, length of the file, whether
//!      it awaits a snapshot
//!  64  closing, written when the next segment is there: magic, the position behind the last frame
//! 128  frames
//! ```
//!
//! Invariants, on which recovery rests:
//!
//! - A file gets its name only when its header and its full length are synced. So a named segment
//!   with a bad header, or one that is shorter than its header says, has been damaged.
//! - A segment is closed, and closed is synced, before anything is written to the next one. So the
//!   last segment cannot disappear unnoticed once it holds something.
//! - All frames of a segment are of one start.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use super::disk::{Disk, DiskFile, read_full_at};
use super::frame::{self, Bad, HEAD_BYTES, Stamp, Whole, is_blank, u32_at, u64_at};

/// Bytes before the first frame.
pub const BLOCK_BYTES: u64 = 128;
const PART_BYTES: usize = 64;
const VERSION: u32 = 1;
const CLOSING_MAGIC: &[u8; 8] = b"FOREBAYC";

/// What a file of frames is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileKind {
    Segment,
    Snapshot,
}

impl FileKind {
    fn magic(self) -> &'static [u8; 8] {
        match self {
            Self::Segment => b"FOREBAYJ",
            Self::Snapshot => b"FOREBAYS",
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Segment => ".journal",
            Self::Snapshot => ".snapshot",
        }
    }

    /// The file's name. Names sort as positions do.
    pub fn name(self, position: u64) -> String {
        format!("{position:020}{}", self.ending())
    }

    /// The position in a file's name.
    pub fn position(self, name: &str) -> Option<u64> {
        let digits = name.strip_suffix(self.ending())?;
        (digits.len() == 20 && digits.bytes().all(|digit| digit.is_ascii_digit()))
            .then(|| digits.parse().ok())?
    }
}

/// The ending of files that are not what they are to become yet.
pub const PARTIAL: &str = ".partial";

/// The header of a file of frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    pub kind: FileKind,
    pub start: u32,
    /// A segment: the position of its first frame. A snapshot: the position it stands for; its own
    /// frames count from 0.
    pub first: u64,
    /// The durable position when the file was made.
    pub durable: u64,
    /// The length of the file; 0 where it is not known beforehand.
    pub bytes: u64,
    /// A segment that was begun while a snapshot was being written which stands for what lies before
    /// it, and is not in the journal or in doubt. Until that is whole nothing in it is promised, and
    /// what it holds fits on nothing else.
    pub awaits_snapshot: bool,
}

impl Header {
    pub fn encode(&self) -> [u8; PART_BYTES] {
        let mut bytes = [0; PART_BYTES];
        bytes[..8].copy_from_slice(self.kind.magic());
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.start.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.first.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.durable.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.bytes.to_le_bytes());
        bytes[40] = u8::from(self.awaits_snapshot);
        put_checksum(&mut bytes);
        bytes
    }

    /// Reads a header.
    ///
    /// # Errors
    /// It is not one of this kind, of a known version, and whole.
    pub fn decode(kind: FileKind, bytes: &[u8]) -> Result<Header, BadHeader> {
        let bytes = bytes.get(..PART_BYTES).ok_or(BadHeader::Short)?;
        if bytes[..8] != *kind.magic() {
            return Err(BadHeader::Magic);
        }
        if u32_at(bytes, 8) != VERSION {
            return Err(BadHeader::Version(u32_at(bytes, 8)));
        }
        if !checksum_is_right(bytes) {
            return Err(BadHeader::Checksum);
        }
        Ok(Header {
            kind,
            start: u32_at(bytes, 12),
            first: u64_at(bytes, 16),
            durable: u64_at(bytes, 24),
            bytes: u64_at(bytes, 32),
            awaits_snapshot: bytes[40] != 0,
        })
    }
}

/// Why a file's header cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BadHeader {
    Short,
    Magic,
    Version(u32),
    Checksum,
    /// The file is named for another position than the header has.
    Name(u64),
}

impl fmt::Display for BadHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => f.write_str("the file ends within its header"),
            Self::Magic => f.write_str("the file does not begin as such files do"),
            Self::Version(version) => write!(f, "the file has the unknown version {version}"),
            Self::Checksum => f.write_str("the checksum of the file's header is wrong"),
            Self::Name(position) => write!(f, "by its header the file belongs at {position}"),
        }
    }
}

/// Whether a segment says that the journal goes on in the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Closing {
    Open,
    /// The position behind its last frame, at which the next segment begins.
    At(u64),
    /// Something was written there, and it is not whole.
    Bad,
}

/// Where the closing is in the file.
pub const CLOSING_OFFSET: u64 = PART_BYTES as u64;

impl Closing {
    pub fn encode(end: u64) -> [u8; PART_BYTES] {
        let mut bytes = [0; PART_BYTES];
        bytes[..8].copy_from_slice(CLOSING_MAGIC);
        bytes[8..16].copy_from_slice(&end.to_le_bytes());
        put_checksum(&mut bytes);
        bytes
    }

    fn decode(bytes: &[u8]) -> Closing {
        if is_blank(bytes) {
            return Closing::Open;
        }
        if bytes.len() == PART_BYTES && bytes[..8] == *CLOSING_MAGIC && checksum_is_right(bytes) {
            return Closing::At(u64_at(bytes, 8));
        }
        Closing::Bad
    }
}

fn put_checksum(bytes: &mut [u8; PART_BYTES]) {
    let checksum = crc32c::crc32c(&bytes[..PART_BYTES - 4]);
    bytes[PART_BYTES - 4..].copy_from_slice(&checksum.to_le_bytes());
}

fn checksum_is_right(bytes: &[u8]) -> bool {
    u32_at(bytes, PART_BYTES - 4) == crc32c::crc32c(&bytes[..PART_BYTES - 4])
}

/// Reads a file's frames in order.
pub struct Reader {
    file: Arc<dyn DiskFile>,
    bytes: u64,
    /// Where the next frame begins in the file.
    offset: u64,
    /// The position of the next frame.
    position: u64,
    start: u32,
    buffer: Vec<u8>,
    /// Where the buffer begins in the file.
    buffer_at: u64,
}

/// A frame that was read: what it says of itself, and where its payload is, for [`Reader::payload`].
pub type Place = (Stamp, Range<usize>);

/// How much is read at once, bytes.
const READ_BYTES: usize = 256 << 10;

impl Reader {
    /// Opens the file `name`. The inner result is of its header.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn open(
        disk: &dyn Disk,
        kind: FileKind,
        name: &str,
    ) -> io::Result<Result<(Reader, Header, Closing), BadHeader>> {
        let file = disk.open(name)?;
        let bytes = file.len()?;
        let mut block = [0; BLOCK_BYTES as usize];
        let read = read_full_at(&*file, &mut block, 0)?;
        let header = match Header::decode(kind, &block[..read]) {
            Ok(header) => header,
            Err(bad) => return Ok(Err(bad)),
        };
        if kind.position(name) != Some(header.first) && !name.ends_with(PARTIAL) {
            return Ok(Err(BadHeader::Name(header.first)));
        }
        let closing = Closing::decode(&block[PART_BYTES.min(read)..read]);
        let position = if kind == FileKind::Segment { header.first } else { 0 };
        let reader = Reader {
            file,
            bytes,
            offset: BLOCK_BYTES,
            position,
            start: header.start,
            buffer: Vec::new(),
            buffer_at: BLOCK_BYTES,
        };
        Ok(Ok((reader, header, closing)))
    }

    /// The position of the next frame.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Where the next frame begins in the file.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The length of the file.
    pub fn file_bytes(&self) -> u64 {
        self.bytes
    }

    /// The next frame; `None`: nothing has been written there. The inner error is of the bytes.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn next_frame(&mut self) -> io::Result<Result<Option<Whole<'_>>, Bad>> {
        Ok(self.step()?.map(|found| {
            found.map(|(stamp, payload)| Whole { stamp, payload: self.payload(payload) })
        }))
    }

    /// As [`Reader::next_frame`], with the payload's place for [`Reader::payload`].
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn step(&mut self) -> io::Result<Result<Option<Place>, Bad>> {
        self.fill(HEAD_BYTES as u64)?;
        let length = frame::stated_length(self.ahead());
        let is_inside = length.is_some_and(|length| length <= self.bytes - self.offset);
        if is_inside && !is_blank(&self.ahead()[..HEAD_BYTES]) {
            self.fill(length.unwrap_or(0))?;
        }
        let from = (self.offset - self.buffer_at) as usize;
        let whole = match frame::decode(&self.buffer[from..], self.position) {
            Ok(Some(whole)) if whole.stamp.start != self.start => {
                return Ok(Err(Bad::Start(whole.stamp.start)));
            }
            Ok(Some(whole)) => whole,
            Ok(None) => return Ok(Ok(None)),
            Err(bad) => return Ok(Err(bad)),
        };
        self.offset += whole.length();
        self.position = whole.end();
        let payload = from + HEAD_BYTES..from + whole.length() as usize;
        Ok(Ok(Some((whole.stamp, payload))))
    }

    /// The payload of the frame that was read last.
    pub fn payload(&self, place: Range<usize>) -> &[u8] {
        &self.buffer[place]
    }

    /// What is read of the file from the next frame on.
    fn ahead(&self) -> &[u8] {
        &self.buffer[(self.offset - self.buffer_at) as usize..]
    }

    /// Reads on until `bytes` from the next frame on are in the buffer, if the file has them.
    fn fill(&mut self, bytes: u64) -> io::Result<()> {
        let have = self.ahead().len();
        let wanted = bytes.min(self.bytes.saturating_sub(self.offset)) as usize;
        if have >= wanted {
            return Ok(());
        }
        self.buffer.drain(..(self.offset - self.buffer_at) as usize);
        self.buffer_at = self.offset;
        let left = (self.bytes - self.offset) as usize;
        self.buffer.resize(wanted.max(READ_BYTES).min(left), 0);
        let at = self.buffer_at + have as u64;
        let read = read_full_at(&*self.file, &mut self.buffer[have..], at)?;
        self.buffer.truncate(have + read);
        Ok(())
    }

    /// What is in the file from the next frame's place on, where no frame could be read.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn look_behind(&mut self) -> io::Result<Rest> {
        let mut rest = Rest::default();
        let (base_offset, base) = (self.offset, self.position);
        while self.offset < self.bytes {
            self.fill(HEAD_BYTES as u64)?;
            let ahead = self.ahead();
            if ahead.is_empty() {
                break;
            }
            if is_blank(ahead) {
                self.offset += ahead.len() as u64;
                continue;
            }
            rest.written = true;
            // A head that is cut by the end of the buffer is looked at when the buffer is filled.
            let heads = ahead.len().saturating_sub(HEAD_BYTES - 1).max(1);
            let expected = |at: usize| base + (self.offset + at as u64 - base_offset);
            let stated = |at: &usize| frame::stated_position(&ahead[*at..]) == Some(expected(*at));
            let found = (0..heads).find(stated);
            let expected = expected(found.unwrap_or(0));
            self.offset += found.unwrap_or(heads) as u64;
            if found.is_some() {
                self.take_candidate(expected, &mut rest)?;
            }
        }
        Ok(rest)
    }

    /// Something at the next place states the right position; steps over it.
    fn take_candidate(&mut self, position: u64, rest: &mut Rest) -> io::Result<()> {
        let length = frame::stated_length(self.ahead()).unwrap_or(0);
        let mut step = 1;
        if length <= self.bytes - self.offset {
            self.fill(length)?;
            if let Ok(Some(whole)) = frame::decode(self.ahead(), position)
                && whole.stamp.start == self.start
            {
                rest.frames += 1;
                rest.durable = rest.durable.max(whole.stamp.durable);
                rest.end_mark |= whole.stamp.kind == frame::Kind::End;
                step = whole.length();
            }
        }
        self.offset += step;
        Ok(())
    }
}

/// What lies behind the last frame that can be reached.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Rest {
    /// There is something, whole or not.
    pub written: bool,
    /// How many whole frames.
    pub frames: u64,
    /// The highest durable position they state.
    pub durable: u64,
    /// The mark of an orderly end is among them.
    pub end_mark: bool,
}
