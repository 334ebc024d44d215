//! How much memory scripts may take.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use mlua::Lua;

/// A limit on the memory of a state.
#[derive(Default)]
pub(super) struct Limit(AtomicUsize);

impl Limit {
    /// Sets the limit, bytes; 0 for none.
    pub fn set(&self, bytes: usize) {
        self.0.store(bytes, Ordering::Relaxed);
    }

    pub fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Does something with the allocator's limit off. With it on, every value that Rust makes goes
    /// through a protected call, which costs several times as much: so it is on while Lua runs, and
    /// Rust counts for itself ([`Budget`]).
    pub fn aside<R>(&self, lua: &Lua, work: impl FnOnce() -> R) -> mlua::Result<R> {
        lua.set_memory_limit(0)?;
        let result = work();
        lua.set_memory_limit(self.bytes())?;
        Ok(result)
    }
}

/// Looks now and then whether the values that Rust makes still fit.
pub(super) struct Budget<'a> {
    lua: &'a Lua,
    bytes_max: usize,
    until_look: Cell<u32>,
}

/// Values made between two looks.
const STRIDE: u32 = 512;

impl<'a> Budget<'a> {
    pub fn new(lua: &'a Lua, limit: &Limit) -> Budget<'a> {
        Budget { lua, bytes_max: limit.bytes(), until_look: Cell::new(STRIDE) }
    }

    /// One more value.
    ///
    /// # Errors
    /// The script has more than it may have.
    #[inline]
    pub fn spend(&self) -> mlua::Result<()> {
        let left = self.until_look.get();
        if left > 0 {
            self.until_look.set(left - 1);
            return Ok(());
        }
        self.until_look.set(STRIDE);
        if self.bytes_max > 0 && self.lua.used_memory() > self.bytes_max {
            return Err(mlua::Error::MemoryError("not enough memory".into()));
        }
        Ok(())
    }
}
