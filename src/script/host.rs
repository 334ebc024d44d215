//! What a script needs of the server.

use super::shebang::Flags;

/// Calls of a script that reach out of Lua.
pub trait Host {
    /// Whether a script with these flags (none: it states none) may run at all.
    ///
    /// # Errors
    /// It may not; the error's text, with its code.
    fn admit(&mut self, flags: Option<Flags>) -> Result<(), Vec<u8>>;

    /// Runs a command for the script; its reply, errors included, goes to `out`.
    ///
    /// # Errors
    /// A script may not call it; the error's text, with its code.
    fn call(&mut self, args: &[&[u8]], out: &mut Vec<u8>) -> Result<(), Refusal>;

    /// Replies come in RESP3 from now on, or not any more.
    fn set_resp3(&mut self, resp3: bool);

    /// Whether the caller may run a command; `None`: there is no such command.
    fn may_call(&mut self, args: &[&[u8]]) -> Option<bool>;

    /// The script holds its thread for long.
    fn hold_long(&mut self);

    /// The name and the request by which the script was called, for those who ask what runs.
    fn describe(&self) -> (String, Vec<Vec<u8>>);
}

/// Why a script may not call a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// With its code.
    Text(Vec<u8>),
    /// The script is being ended.
    Killed,
}

scoped_tls_hkt::scoped_thread_local!(
    /// The host of the script that this thread runs.
    pub(super) static mut HOST: for<'a> &'a mut (dyn Host + 'a)
);
