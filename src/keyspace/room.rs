//! Room in the journal that a step finds out while it runs that it needs.

use super::Tx;
use crate::journal::Class;
use crate::journal::writer::{Refused, Reservation};

/// So much is asked for at a time at least: most scripts ask once.
const STEP_BYTES: usize = 64 << 10;

/// Room for the frame of a step. Whoever lets a command in holds what its arguments tell of; this is for
/// what they do not.
#[derive(Default)]
pub(super) struct Room<'k> {
    held: Option<Box<Held<'k>>>,
    /// A command has asked for more than it was let in with.
    was_asked_for: bool,
    /// What the step's commands were let in with: so much may follow what is recorded.
    expected_bytes: usize,
}

struct Held<'k> {
    room: Reservation<'k>,
    /// Of the frame as a whole.
    bytes: usize,
}

impl Room<'_> {
    /// What the step's commands were let in with is enough for it.
    #[inline]
    pub fn is_ordinary(&self) -> bool {
        !self.was_asked_for
    }

    /// The frame has been handed over.
    #[inline]
    pub fn release(&mut self) {
        if self.was_asked_for {
            self.held = None;
            self.was_asked_for = false;
        }
        self.expected_bytes = 0;
    }
}

impl Tx<'_> {
    /// Holds room for effects of `bytes` beyond what is recorded, before what they tell of is changed.
    ///
    /// # Errors
    /// There is none: it must not be changed.
    pub fn hold_room(&mut self, class: Class, bytes: usize) -> Result<(), Refused> {
        let keyspace = self.keyspace;
        self.room.was_asked_for = true;
        let sink = keyspace.sink.get().filter(|_| !self.is_replaying());
        let Some(sink) = sink else { return Ok(()) };
        let mut needed = self.recorded_bytes() + self.room.expected_bytes + bytes;
        if self.room.held.as_ref().is_some_and(|held| needed <= held.bytes) {
            return Ok(());
        }
        if class == Class::Ordinary {
            needed = needed.next_multiple_of(STEP_BYTES);
        }
        if let Some(held) = &mut self.room.held {
            held.room.raise(class, needed as u64)?;
            held.bytes = needed;
        } else {
            let room = sink.reserve(class, needed as u64)?;
            self.room.held = room.map(|room| Box::new(Held { room, bytes: needed }));
        }
        Ok(())
    }

    /// Says for how many bytes of effects room is held already, by whoever let the step in.
    pub fn expect_bytes(&mut self, bytes: usize) {
        self.room.expected_bytes = bytes;
    }

    /// Whether the command has left effects behind so far.
    pub fn has_recorded(&self) -> bool {
        self.recorded > 0
    }

    /// How long the effects of the step are so far.
    pub fn recorded_bytes(&self) -> usize {
        self.effects.as_ref().map_or(0, |effects| effects.len())
    }
}
