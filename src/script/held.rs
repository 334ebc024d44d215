//! Walking tables of Lua without holding all that is in them: the interpreter keeps some 8,000 values
//! for Rust at a time.

use std::cell::Cell;

use mlua::{Error, Table, Value};

/// Pairs that are held at a time, in all tables that lie in one another. A table that is walked in
/// steps holds a few values more, however deep it lies.
const PAIRS_MAX: usize = 1500;
/// Pairs of one table that are held.
const PAIRS_OF_TABLE_MAX: usize = 250;

/// How many pairs may still be held.
pub(super) struct Held(Cell<usize>);

impl Default for Held {
    fn default() -> Held {
        Held(Cell::new(PAIRS_MAX))
    }
}

impl Held {
    /// The pairs of a table, which are to be given back; none of a table of too many, which is to be
    /// walked in steps. Taking all at once costs much less.
    ///
    /// # Errors
    /// The interpreter's own.
    pub fn take(&self, table: &Table) -> mlua::Result<Option<Vec<(Value, Value)>>> {
        let room = self.0.get().min(PAIRS_OF_TABLE_MAX);
        let mut pairs = Vec::new();
        let mut is_large = false;
        let walked = table.for_each(|key: Value, value: Value| {
            if pairs.len() == room {
                is_large = true;
                // Ends the walk.
                return Err(Error::StackError);
            }
            pairs.push((key, value));
            Ok(())
        });
        if is_large {
            return Ok(None);
        }
        walked?;
        self.0.set(self.0.get() - pairs.len());
        Ok(Some(pairs))
    }

    pub fn give_back(&self, pairs: Vec<(Value, Value)>) {
        self.0.set(self.0.get() + pairs.len());
    }
}

/// Calls `note` with each key of a table.
///
/// # Errors
/// The interpreter's own.
pub(super) fn each_key(table: &Table, mut note: impl FnMut(&Value)) -> mlua::Result<()> {
    // The values are not asked for: whether they are true costs nothing.
    table.for_each(|key: Value, _: bool| {
        note(&key);
        Ok(())
    })
}
