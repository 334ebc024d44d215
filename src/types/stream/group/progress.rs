//! How far a group has read, counted in entries.
//!
//! A stream counts all entries ever added, and a group those it has read. Deletions leave holes:
//! of an id in the middle nobody knows how many entries ever stood before it. So counts are given
//! up where they would be guesses, and found again at the places where they are certain.

use crate::types::stream::StreamId;

/// What the counts need to know of a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extent {
    /// Entries now in the stream.
    pub length: u64,
    /// Entries ever added.
    pub entries_added: u64,
    /// The smallest id in the stream; `0-0` if it is empty.
    pub first_id: StreamId,
    /// The greatest id ever added.
    pub last_id: StreamId,
    /// The greatest id ever deleted from among others; `0-0` if there is none.
    pub max_deleted_id: StreamId,
}

impl Extent {
    /// A group's count of entries read after the entry `id` was delivered to it, whose cursor
    /// stood at `cursor` and whose count was `entries_read`.
    pub(super) fn entries_read_after(
        &self,
        id: StreamId,
        cursor: StreamId,
        entries_read: Option<u64>,
    ) -> Option<u64> {
        match entries_read {
            // All entries between cursor and id are still there, so there are none.
            Some(read) if cursor >= self.first_id && !self.has_holes_from(cursor) => Some(read + 1),
            unknown if self.entries_added == 0 => unknown,
            _ => self.entries_up_to(id),
        }
    }

    /// Entries behind `cursor`. Below zero after XSETID has lowered the count of entries added.
    pub(super) fn lag(&self, cursor: StreamId, entries_read: Option<u64>) -> Option<i64> {
        if self.length == 0 {
            return Some(0);
        }
        if cursor < self.first_id && self.max_deleted_id < self.first_id {
            return Some(self.length as i64);
        }
        let read = match entries_read {
            Some(read) if !self.has_holes_from(cursor) => read,
            _ => self.entries_up_to(cursor)?,
        };
        Some(self.entries_added.wrapping_sub(read) as i64)
    }

    /// Whether an entry at `id` or behind it may have been deleted.
    fn has_holes_from(&self, id: StreamId) -> bool {
        self.length > 0 && self.max_deleted_id != StreamId::MIN && id <= self.max_deleted_id
    }

    /// How many of all entries ever added lie up to `id`, where that is certain.
    pub fn entries_up_to(&self, id: StreamId) -> Option<u64> {
        if self.entries_added == 0 {
            return Some(0);
        }
        if self.length == 0 && id <= self.last_id || id == self.last_id {
            return Some(self.entries_added);
        }
        let has_holes_ahead =
            self.max_deleted_id != StreamId::MIN && self.max_deleted_id >= self.first_id;
        if id > self.last_id || has_holes_ahead || id > self.first_id {
            return None;
        }
        if id != StreamId::MIN && id < self.max_deleted_id {
            return None;
        }
        let before_first = self.entries_added - self.length;
        Some(if id == self.first_id { before_first + 1 } else { before_first })
    }
}
