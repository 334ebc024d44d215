//! What a step leaves behind for the journal.

use super::super::batch::EFFECT_BYTES_MAX;
use super::Tx;
use crate::journal::{EffectWriter, Effects};

impl Tx<'_> {
    /// Records an effect: a deterministic command, as it is to be replayed.
    pub fn record(&mut self, effect: &[&[u8]]) {
        if let Some(writer) = self.effect(effect.len()) {
            writer.args(effect.iter().copied()).end();
        }
    }

    /// As [`Tx::record`], for effects whose arguments have to be formatted first: a writer for
    /// `args` arguments, the command's name among them, or none where nobody keeps effects.
    pub fn effect(&mut self, args: usize) -> Option<EffectWriter<'_>> {
        self.recorded += 1;
        if self.replaying || self.keyspace.sink.get().is_none() {
            return None;
        }
        let db = self.db;
        Some(self.effects_to_write().start(db, args))
    }

    /// The effects to add to. While no `Tx` has it, the buffer lies in the first shard it locked.
    #[inline]
    fn effects_to_write(&mut self) -> &mut Effects {
        let guards = &mut self.guards;
        self.effects.get_or_insert_with(|| {
            guards.first_mut().and_then(|shard| shard.effects.take()).unwrap_or_default()
        })
    }

    /// Records the end of a key that was due. It is the first thing in the frame: the step's time
    /// does not move, so the key was gone before anything else in it, in the database that was its
    /// own then.
    pub(super) fn record_end(&mut self, key: &[u8]) {
        self.recorded += 1;
        if !self.replaying && self.keyspace.sink.get().is_some() {
            let before = |db, &(one, other): &(usize, usize)| match db {
                _ if db == one => other,
                _ if db == other => one,
                _ => db,
            };
            let db = self.swapped.iter().rev().fold(self.db, before);
            self.effects_to_write().start_first(db, 2).arg(b"DEL").arg(key).end();
        }
    }

    /// Leaves the buffer, emptied, to the next step whose first shard is the same. Making a buffer for
    /// each step took a thirtieth of the instructions of a pipelined XADD.
    #[inline]
    pub(super) fn leave_effects_buffer(&mut self) {
        if let Some(mut effects) = self.effects.take()
            && let Some(shard) = self.guards.first_mut()
        {
            effects.clear();
            shard.effects = Some(effects);
        }
    }

    /// Ends a command of a step that others may join.
    #[inline]
    pub(in crate::keyspace) fn end_command(&mut self) {
        debug_assert_eq!(
            self.changes > 0,
            self.recorded > 0,
            "a step has to record what it changes: {} changes, {} effects",
            self.changes,
            self.recorded
        );
        self.changes = 0;
        self.recorded = 0;
        if let Some(effects) = &mut self.effects {
            effects.end_command();
        }
    }

    /// Whether commands may join what this step has done so far: nobody waits for its end.
    #[inline]
    pub(in crate::keyspace) fn may_stay(&self) -> bool {
        let [shard] = &self.guards[..] else { return false };
        let nobody_waits = !self.has_ready && shard.timer_ms > self.now_ms && self.news.is_empty();
        nobody_waits
            && self.leftovers.is_empty()
            && self.room.is_ordinary()
            && self.recorded_bytes() < EFFECT_BYTES_MAX
    }

    /// Leaves out the effects of a command that has not come to its end.
    pub(in crate::keyspace) fn give_up_command(&mut self) {
        self.changes = 0;
        self.recorded = 0;
        self.news.clear();
        if let Some(effects) = &mut self.effects {
            effects.give_up_command();
        }
    }
}
