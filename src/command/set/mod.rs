//! The set commands.

mod change;
mod combine;
mod count;
mod random;
mod read;
mod scan;

use super::cx::Cx;
use super::table::{Entry, keys};
use crate::types::set::SetLimits;

pub(super) static COMMANDS: &[Entry] = &[
    keys("sadd", change::sadd),
    keys("scard", read::scard),
    keys("sdiff", combine::sdiff),
    keys("sdiffcard", count::sdiffcard),
    keys("sdiffstore", combine::sdiffstore),
    keys("sinter", combine::sinter),
    keys("sintercard", count::sintercard),
    keys("sinterstore", combine::sinterstore),
    keys("sismember", read::sismember),
    keys("smembers", read::smembers),
    keys("smismember", read::smismember),
    keys("smove", change::smove),
    keys("spop", random::spop),
    keys("srandmember", random::srandmember),
    keys("srem", change::srem),
    keys("sscan", scan::sscan),
    keys("sunion", combine::sunion),
    keys("sunioncard", count::sunioncard),
    keys("sunionstore", combine::sunionstore),
];

/// Up to where sets stay small, by the settings.
pub(super) fn limits(cx: &Cx<'_, '_>) -> SetLimits {
    cx.server.set_limits()
}
