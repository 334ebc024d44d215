//! CLIENT: who is connected, and what may be done to them.

pub(super) mod attributes;
mod control;
pub(super) mod line;
mod listing;
mod tracking;

use super::help::help;
use super::table::{Entry, keys};

pub(super) static COMMANDS: &[Entry] = &[
    keys("client|caching", tracking::caching),
    keys("client|getname", attributes::getname),
    keys("client|getredir", tracking::getredir),
    keys("client|help", help),
    keys("client|id", attributes::id),
    keys("client|info", listing::info),
    keys("client|kill", listing::kill),
    keys("client|list", listing::list),
    keys("client|no-evict", attributes::no_evict),
    keys("client|no-touch", attributes::no_touch),
    keys("client|pause", control::pause),
    keys("client|reply", control::reply),
    keys("client|setinfo", attributes::setinfo),
    keys("client|setname", attributes::setname),
    keys("client|tracking", tracking::tracking),
    keys("client|trackinginfo", tracking::trackinginfo),
    keys("client|unblock", control::unblock),
    keys("client|unpause", control::unpause),
];
