//! The sorted set commands.

pub(super) mod add;
pub(super) mod args;
mod blocking;
mod combine;
mod pop;
mod random;
mod range;
mod read;
mod remove;
mod scan;

use super::cx::Cx;
use super::table::{Entry, keys};
use crate::keyspace::{EventClass, Value};
use crate::resp::Reply;
use crate::types::zset::{Limits, Zset};

pub(super) static COMMANDS: &[Entry] = &[
    keys("bzmpop", blocking::bzmpop),
    keys("bzpopmax", blocking::bzpopmax),
    keys("bzpopmin", blocking::bzpopmin),
    keys("zadd", add::zadd),
    keys("zcard", read::zcard),
    keys("zcount", read::zcount),
    keys("zdiff", combine::zdiff),
    keys("zdiffstore", combine::zdiffstore),
    keys("zincrby", add::zincrby),
    keys("zinter", combine::zinter),
    keys("zintercard", combine::zintercard),
    keys("zinterstore", combine::zinterstore),
    keys("zlexcount", read::zlexcount),
    keys("zmpop", pop::zmpop),
    keys("zmscore", read::zmscore),
    keys("zpopmax", pop::zpopmax),
    keys("zpopmin", pop::zpopmin),
    keys("zrandmember", random::zrandmember),
    keys("zrange", range::zrange),
    keys("zrangebylex", range::zrangebylex),
    keys("zrangebyscore", range::zrangebyscore),
    keys("zrangestore", range::zrangestore),
    keys("zrank", read::zrank),
    keys("zrem", remove::zrem),
    keys("zremrangebylex", remove::zremrangebylex),
    keys("zremrangebyrank", remove::zremrangebyrank),
    keys("zremrangebyscore", remove::zremrangebyscore),
    keys("zrevrange", range::zrevrange),
    keys("zrevrangebylex", range::zrevrangebylex),
    keys("zrevrangebyscore", range::zrevrangebyscore),
    keys("zrevrank", read::zrevrank),
    keys("zscan", scan::zscan),
    keys("zscore", read::zscore),
    keys("zunion", combine::zunion),
    keys("zunionstore", combine::zunionstore),
];

/// What a packed set may hold, by the settings.
pub(super) fn limits(cx: &Cx<'_, '_>) -> Limits {
    cx.server.zset_limits()
}

/// Removes a set that was emptied, and tells of the change either way: `event` says what it was.
fn shrunk(cx: &mut Cx<'_, '_>, key: &[u8], event: &'static str) {
    cx.shrunk(key, EventClass::ZSET, event);
}

/// Stores a set that a command has made at a key, in the place of what was there; nothing, if it is
/// empty. `effect` is what gives the same set in a replay. Answers how many members it has.
pub(super) fn store(
    cx: &mut Cx<'_, '_>,
    key: &[u8],
    set: Zset,
    effect: &[&[u8]],
    event: &'static str,
) {
    cx.reply.count(set.len());
    let outcome = (!set.is_empty()).then_some(Value::Zset(set));
    cx.store(key, outcome, EventClass::ZSET, event, effect);
}

/// Writes a member, and its score if it is wanted: one behind the other, or as a pair of their own.
fn put_member(reply: &mut Reply<'_>, member: &[u8], score: Option<f64>, as_pair: bool) {
    let Some(score) = score else { return reply.bulk(member) };
    if as_pair {
        reply.array(2);
    }
    reply.bulk(member);
    reply.double(score);
}
