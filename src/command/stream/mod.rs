//! Streams: a file a command or a small family.

mod ack;
mod add;
mod admission;
mod args;
mod beside;
mod chores;
mod claim;
mod claim_queue;
mod come_back;
mod dead_letter;
mod delete;
mod effects;
mod expiry;
mod filter;
mod force;
mod group;
mod group_info;
mod idempotency;
mod idle;
mod nack;
mod pending;
mod places;
mod policy;
mod range;
mod read;
mod read_group;
mod read_options;
mod redrive;
mod reply;
mod retention;
mod rules;
mod set_id;
mod stream_info;
mod take;
mod trim;

pub(super) use self::beside::shards_beside;
pub use self::rules::StreamRules;
use super::cx::{Cx, Mode};
use super::server::Server;
use super::table::{Entry, keys};
use crate::types::stream::Stream;
use crate::types::stream::idmp::IdmpLimits;
use crate::types::stream::log::NodeLimits;
use crate::types::stream::policy::StreamPolicy;

pub(super) static COMMANDS: &[Entry] = &[
    keys("xack", ack::xack),
    keys("xackdel", ack::xackdel),
    keys("xadd", add::xadd),
    keys("xautoclaim", claim::xautoclaim),
    keys("xcfgset", policy::xcfgset),
    keys("xclaim", claim::xclaim),
    keys("xdel", delete::xdel),
    keys("xdelex", delete::xdelex),
    keys("xgroup|create", group::create),
    keys("xgroup|createconsumer", group::create_consumer),
    keys("xgroup|delconsumer", group::delete_consumer),
    keys("xgroup|destroy", group::destroy),
    keys("xgroup|help", super::help::help),
    keys("xgroup|setid", group::set_id),
    keys("xidmprecord", idempotency::xidmprecord),
    keys("xinfo|consumers", group_info::consumers),
    keys("xinfo|groups", group_info::groups),
    keys("xinfo|help", super::help::help),
    keys("xinfo|stream", stream_info::stream),
    keys("xlen", range::xlen),
    keys("xnack", nack::xnack),
    keys("xpending", pending::xpending),
    keys("xrange", range::xrange),
    keys("xread", read::xread),
    keys("xreadgroup", read_group::xreadgroup),
    keys("xredrive", redrive::xredrive),
    keys("xrevrange", range::xrevrange),
    keys("xsetid", set_id::xsetid),
    keys("xtrim", trim::xtrim),
];

/// What stands in effects only: outcomes, so that a replay need not find them again.
pub(super) static INTERNAL: &[Entry] = &[
    keys("xassign", effects::assign),
    keys("xdeliver", effects::deliver),
    keys("xexpired", expiry::xexpired),
    keys("xidmpcount", idempotency::xidmpcount),
    keys("xpace", effects::pace),
    keys("xpass", filter::xpass),
    keys("xplace", places::place),
    keys("xpolicy", policy::xpolicy),
    keys("xredeliver", effects::redeliver),
    keys("xrelease", effects::release),
];

/// Where a stream's nodes end by the settings.
fn node_limits(cx: &Cx<'_, '_>) -> NodeLimits {
    let config = &cx.server.config;
    NodeLimits {
        bytes_max: config.stream_node_max_bytes.get_u64(),
        entries_max: config.stream_node_max_entries.get_u64(),
    }
}

/// What a new stream is to remember of its producers. In replay it is what no setting has changed:
/// another setting has left an effect of its own, see [`record_new_stream`].
pub(super) fn idmp_limits(server: &Server, mode: Mode) -> IdmpLimits {
    if mode == Mode::Replay { IdmpLimits::default() } else { server.idmp_limits() }
}

/// Makes a new stream with its settings in effects of its own, where a replay could not know them. They
/// stand before what was done with it first.
pub(super) fn record_new_stream(cx: &mut Cx<'_, '_>, key: &[u8]) {
    let limits = idmp_limits(cx.server, cx.mode);
    let stream = cx.tx.peek_as::<Stream>(key).ok().flatten();
    let words = stream.and_then(Stream::policy).map(StreamPolicy::words);
    let has_limits = limits != IdmpLimits::default();
    if has_limits || words.is_some() {
        policy::record_policy(cx.tx, key, None, &words.unwrap_or_default());
    }
    if has_limits && let Some(effect) = cx.tx.effect(6) {
        idempotency::write_limits(effect.arg(b"XCFGSET").arg(key), limits).end();
    }
}

/// An empty stream as the settings want it at `key`. In replay an effect follows that says what they
/// were.
fn new_stream(server: &Server, mode: Mode, key: &[u8]) -> Stream {
    let mut stream = Stream::new(idmp_limits(server, mode));
    if mode != Mode::Replay
        && let Some(policy) = server.stream_rules.of_stream(key)
    {
        stream.set_policy(policy);
    }
    stream
}
