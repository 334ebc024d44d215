//! Access control: who may run which commands on which keys and channels.
//!
//! A [`User`] has a name and [`Rights`]; rights are passwords and one or more [`Selector`]s, each of
//! which lets through what all its parts allow. Rules change rights (`+get`, `~jobs:*`), and rights
//! are written down as rules again ([`Rights::describe`]), so that the line of a user in a file gives
//! the same user.
//!
//! This room knows no command and no value. It is told what commands there are by a [`Catalog`], and
//! what a request wants by a [`Demand`]; what the answer means to a client is decided above.
//!
//! A connection holds its user. What is changed is the rights inside, as a whole, so connections act
//! on the old rights or on the new ones, and a user that lets everything through costs a request one
//! load ([`User::is_unrestricted`]).

mod catalog;
mod demand;
mod file;
mod log;
mod password;
mod rights;
mod rule;
mod selector;
mod users;

#[cfg(test)]
mod tests;

pub use catalog::{Catalog, Listed};
pub use demand::{ChannelUse, Demand, Denial, KeyUse, Reason};
pub use file::{LoadError, Loaded};
pub use log::{Context, Denials, Denied, DeniedLog};
pub use password::generate;
pub use rights::Rights;
pub use rule::{RuleError, join_selectors};
pub use selector::Selector;
pub use users::{Acl, Changed, DEFAULT_USER, Removed, User};
