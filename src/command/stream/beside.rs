//! The shards that a transaction may need beside those of its own keys. Its commands cannot be run
//! again once one of them has changed something, so this is known before the first runs.

use crate::command::args::{is, parse_i64};
use crate::command::cx::Cx;
use crate::command::session::Queued;
use crate::command::spec::Group;
use crate::keyspace::{Keyspace, ShardSet, Tx};
use crate::types::stream::Stream;
use crate::types::stream::policy::GroupPolicy;

/// Those of the dead-letter streams of all groups that the queued commands may come to.
pub(in crate::command) fn shards_beside(cx: &mut Cx<'_, '_>, queue: &[Queued]) -> ShardSet {
    let db = cx.tx.db();
    let mut shards = ShardSet::NONE;
    for queued in queue {
        let args = queued.args();
        let spec = queued.command.spec;
        match spec.name {
            "select" => {
                let to = args.get(1).and_then(|text| parse_i64(text));
                if let Some(to) = to.and_then(|to| usize::try_from(to).ok())
                    && to < cx.tx.keyspace().databases()
                {
                    cx.tx.select(to);
                }
            }
            "xcfgset" => shards = shards.union(named_by(cx.tx.keyspace(), &args)),
            "xgroup|create" => {
                let policy = cx.server.stream_rules.of_group(args[2], args[3]);
                shards = shards.union(of_policy(cx.tx.keyspace(), policy.as_ref()));
            }
            // Its entries say where they go.
            "xredrive" => return ShardSet::ALL,
            _ => {}
        }
        if spec.group != Group::Stream {
            continue;
        }
        for key in spec.keys_of(args.as_slice()) {
            shards = shards.union(of_key(cx.tx, args[key.position as usize]));
        }
    }
    cx.tx.select(db);
    shards
}

fn of_key(tx: &Tx<'_>, key: &[u8]) -> ShardSet {
    let is_locked = tx.locked().contains(tx.keyspace().shard_of(key));
    let stream = is_locked.then(|| tx.peek_as::<Stream>(key).ok().flatten()).flatten();
    let groups = stream.into_iter().flat_map(Stream::groups);
    groups.map(|(_, group)| of_policy(tx.keyspace(), group.policy())).collect()
}

fn of_policy(keyspace: &Keyspace, policy: Option<&GroupPolicy>) -> ShardSet {
    let dlq = policy.and_then(|policy| policy.dlq.as_deref());
    dlq.map_or(ShardSet::NONE, |dlq| keyspace.shard_of(dlq))
}

/// That of the stream that XCFGSET names.
fn named_by(keyspace: &Keyspace, args: &[&[u8]]) -> ShardSet {
    let named = args.windows(2).filter(|pair| is(pair[0], "DLQ"));
    named.map(|pair| keyspace.shard_of(pair[1])).collect()
}
