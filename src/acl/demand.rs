//! What a request wants, and why it may be refused.

use smallvec::SmallVec;

/// A key that a request names, and what is done with its value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyUse {
    /// Its place among the words of the request.
    pub position: usize,
    /// The value, or part of it, is shown or copied.
    pub reads: bool,
    pub writes: bool,
}

/// A channel that a request names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChannelUse {
    pub position: usize,
    /// It is a pattern, which has to be allowed word for word.
    pub is_pattern: bool,
}

/// What a request wants.
pub struct Demand<'a> {
    /// The command's place in the catalog.
    pub command: usize,
    /// The words of the request, the name (and its container's) first.
    pub words: &'a [&'a [u8]],
    pub keys: SmallVec<[KeyUse; 4]>,
    pub channels: SmallVec<[ChannelUse; 2]>,
}

/// What a request was refused for. Later ones outweigh earlier ones, when selectors disagree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reason {
    Command,
    Key,
    /// The login.
    Auth,
    Channel,
}

impl Reason {
    /// As ACL LOG and INFO call it.
    pub const fn name(self) -> &'static str {
        match self {
            Reason::Command => "command",
            Reason::Key => "key",
            Reason::Auth => "auth",
            Reason::Channel => "channel",
        }
    }
}

/// A refusal: why, and the place of the word it is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Denial {
    pub reason: Reason,
    pub position: usize,
}
