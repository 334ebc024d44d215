//! Effects: what a change leaves behind, as commands in RESP form, gathered into one frame a step.

use parking_lot::Mutex;

use super::writer::{Class, Refused, Reservation};
use crate::resp::{Proto, Reply};

/// What the effects of most steps need. Growing to it by doublings took a fifth of the CPU of a pipelined
/// XADD with its journal.
const USUAL_BYTES: usize = 256;
/// A buffer longer than this is not kept for other steps.
const KEPT_BYTES: usize = 4096;

/// The effects of one atomic step, in order.
#[derive(Default, Debug)]
pub struct Effects {
    /// What comes before all else in the frame.
    first: Vec<u8>,
    /// The database that the last of them applies to.
    first_db: usize,
    bytes: Vec<u8>,
    /// The database that the last effect applies to; a frame starts in database 0.
    db: usize,
    /// So much of `bytes` is of commands that have come to their end.
    ended: usize,
}

impl Effects {
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.first.is_empty()
    }

    /// How long they are, in bytes.
    pub fn len(&self) -> usize {
        self.first.len() + self.bytes.len()
    }

    /// Starts an effect that comes before those of the step itself, whenever in the step it is
    /// recorded: the end of a key whose deadline had passed before the step began.
    pub fn start_first(&mut self, db: usize, args: usize) -> EffectWriter<'_> {
        if db != self.first_db {
            self.first_db = db;
            EffectWriter::new(&mut self.first, 2).arg(b"SELECT").int(db as i64).end();
        }
        EffectWriter::new(&mut self.first, args)
    }

    /// Starts an effect of `args` arguments (the command's name among them) in database `db`.
    pub fn start(&mut self, db: usize, args: usize) -> EffectWriter<'_> {
        if db != self.db {
            self.db = db;
            EffectWriter::new(&mut self.bytes, 2).arg(b"SELECT").int(db as i64).end();
        }
        if self.bytes.capacity() == 0 {
            self.bytes.reserve(USUAL_BYTES);
        }
        EffectWriter::new(&mut self.bytes, args)
    }

    /// Ends a command of the step.
    #[inline]
    pub fn end_command(&mut self) {
        self.ended = self.bytes.len();
    }

    /// Takes back what was recorded since the last command ended; a key that was due is gone all the same.
    pub fn give_up_command(&mut self) {
        self.bytes.truncate(self.ended);
    }

    /// Ends the step: what it leaves behind, in order, for the caller to take out.
    pub fn end_step(&mut self) -> &mut Vec<u8> {
        self.db = 0;
        self.ended = 0;
        if !self.first.is_empty() {
            if !self.bytes.is_empty() && self.first_db != 0 {
                // What follows was written for a frame of its own.
                EffectWriter::new(&mut self.first, 2).arg(b"SELECT").int(0).end();
            }
            self.first_db = 0;
            self.first.append(&mut self.bytes);
            std::mem::swap(&mut self.first, &mut self.bytes);
        }
        &mut self.bytes
    }

    /// Empties it for other steps, keeping a buffer of ordinary size.
    pub fn clear(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        *self = Effects::default();
        if bytes.capacity() <= KEPT_BYTES {
            bytes.clear();
            self.bytes = bytes;
        }
    }
}

/// Writes the arguments of one effect; all that were promised have to follow.
#[must_use = "an effect without its arguments is not whole"]
pub struct EffectWriter<'a> {
    bytes: &'a mut Vec<u8>,
    missing: usize,
}

impl EffectWriter<'_> {
    fn new(bytes: &mut Vec<u8>, args: usize) -> EffectWriter<'_> {
        Reply::new(bytes, Proto::Resp2).array(args);
        EffectWriter { bytes, missing: args }
    }

    pub fn arg(mut self, bytes: &[u8]) -> Self {
        Reply::new(self.bytes, Proto::Resp2).bulk(bytes);
        self.missing -= 1;
        self
    }

    pub fn int(mut self, value: i64) -> Self {
        Reply::new(self.bytes, Proto::Resp2).bulk_int(value);
        self.missing -= 1;
        self
    }

    pub fn args<'b>(self, args: impl IntoIterator<Item = &'b [u8]>) -> Self {
        args.into_iter().fold(self, EffectWriter::arg)
    }

    /// Text made by formatting, such as an id.
    pub fn display(self, value: impl std::fmt::Display) -> Self {
        self.arg(value.to_string().as_bytes())
    }

    pub fn end(self) {
        debug_assert_eq!(self.missing, 0, "an effect lacks arguments");
    }
}

/// One atomic step as it is handed to the journal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// The step's time, unix ms: in replay it is the time.
    pub time_ms: i64,
    /// Requests in RESP form, starting in database 0.
    pub effects: Vec<u8>,
}

/// Where frames go.
pub trait Sink: Send + Sync {
    /// Takes the effects of a step at `time_ms`, and empties them; the position behind them. Called under
    /// the locks of the shards they changed, so in the order of changes.
    fn append(&self, time_ms: i64, effects: &mut Vec<u8>) -> u64;

    /// Sees to it that what was taken gets written, where nobody waits for it. Called without locks.
    fn flush(&self);

    /// Holds room for a frame of `bytes`; none where none has to be held.
    ///
    /// # Errors
    /// There is none: what would take it must not be done.
    fn reserve(&self, class: Class, bytes: u64) -> Result<Option<Reservation<'_>>, Refused>;

    /// Whether there is room for a frame of `bytes` of effects that only remove something, which
    /// nobody waits for.
    fn may_remove(&self, bytes: u64) -> bool;
}

/// Keeps all frames in memory, for tests.
#[derive(Default)]
pub struct MemorySink {
    frames: Mutex<Vec<Frame>>,
}

impl MemorySink {
    /// The frames so far, in order, leaving none.
    pub fn drain(&self) -> Vec<Frame> {
        std::mem::take(&mut self.frames.lock())
    }
}

impl Sink for MemorySink {
    /// Here the position is the number of frames.
    fn append(&self, time_ms: i64, effects: &mut Vec<u8>) -> u64 {
        let mut frames = self.frames.lock();
        frames.push(Frame { time_ms, effects: std::mem::take(effects) });
        frames.len() as u64
    }

    fn flush(&self) {}

    fn reserve(&self, _: Class, _: u64) -> Result<Option<Reservation<'_>>, Refused> {
        Ok(None)
    }

    fn may_remove(&self, _: u64) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_finds_nothing_of_the_one_before() {
        let mut effects = Effects::default();
        effects.start(3, 2).arg(b"DEL").arg(b"a").end();
        effects.start_first(2, 2).arg(b"DEL").arg(b"b").end();
        let expected = "*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n*2\r\n$3\r\nDEL\r\n$1\r\nb\r\n\
                        *2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n\
                        *2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*2\r\n$3\r\nDEL\r\n$1\r\na\r\n";
        assert_eq!(String::from_utf8_lossy(effects.end_step()), expected);
        effects.end_step().clear();
        effects.start(0, 2).arg(b"DEL").arg(b"c").end();
        let expected = "*2\r\n$3\r\nDEL\r\n$1\r\nc\r\n";
        assert_eq!(String::from_utf8_lossy(effects.end_step()), expected);

        // Nobody has taken that.
        effects.start_first(5, 2).arg(b"DEL").arg(b"d").end();
        effects.clear();
        assert!(effects.is_empty());
        effects.start_first(0, 2).arg(b"DEL").arg(b"c").end();
        assert_eq!(String::from_utf8_lossy(effects.end_step()), expected);
    }

    #[test]
    fn a_long_buffer_is_not_kept() {
        let mut effects = Effects::default();
        effects.start(0, 1).arg(&[b'x'; 100]).end();
        effects.clear();
        assert!(effects.bytes.capacity() >= USUAL_BYTES);
        effects.start(0, 1).arg(&[b'x'; 2 * KEPT_BYTES]).end();
        effects.clear();
        assert_eq!(effects.bytes.capacity(), 0);
    }
}
