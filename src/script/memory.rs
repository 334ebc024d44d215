//! How much memory scripts may take.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use mlua::Lua;

use super::state::Shared;

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

/// Looks now and then whether what Rust makes for a script still fits, and whether the script is to
/// end: Lua's own looks do not come while Rust works.
pub(super) struct Budget<'a> {
    lua: &'a Lua,
    shared: &'a Shared,
    until_look: Cell<u32>,
    /// Bytes outside of Lua at which to look next.
    look_at_bytes: Cell<usize>,
}

/// Values made between two looks.
const STRIDE: u32 = 512;
/// Bytes gathered between two looks.
const STRIDE_BYTES: usize = 64 * 1024;

impl<'a> Budget<'a> {
    pub fn new(lua: &'a Lua, shared: &'a Shared) -> Budget<'a> {
        Budget {
            lua,
            shared,
            until_look: Cell::new(STRIDE),
            look_at_bytes: Cell::new(STRIDE_BYTES),
        }
    }

    /// One more value.
    ///
    /// # Errors
    /// The script has more than it may have, or is being ended.
    #[inline]
    pub fn spend(&self) -> mlua::Result<()> {
        self.spend_beside(0)
    }

    /// One more value; so many bytes have been gathered outside of Lua by now.
    ///
    /// # Errors
    /// As [`Budget::spend`].
    #[inline]
    pub fn spend_beside(&self, bytes: usize) -> mlua::Result<()> {
        let left = self.until_look.get();
        if left > 0 && bytes < self.look_at_bytes.get() {
            self.until_look.set(left - 1);
            return Ok(());
        }
        self.until_look.set(STRIDE);
        self.look_at_bytes.set(bytes.saturating_add(STRIDE_BYTES));
        self.hold(bytes)?;
        self.shared.look()
    }

    /// Whether so many bytes beside those of Lua are allowed.
    ///
    /// # Errors
    /// They are not.
    pub fn hold(&self, bytes: usize) -> mlua::Result<()> {
        let bytes_max = self.shared.limit.bytes();
        if bytes_max > 0 && self.lua.used_memory().saturating_add(bytes) > bytes_max {
            return Err(mlua::Error::MemoryError("not enough memory".into()));
        }
        Ok(())
    }
}
