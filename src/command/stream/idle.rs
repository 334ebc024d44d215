//! CONSUMERTTL: consumers that are idle for too long are removed, and what they held comes back.
//!
//! All consumers of a group are looked at when the longest idle of them may be idle for too long, which
//! is about once in the time to live however often they read.

use super::{come_back, dead_letter, retention};
use crate::command::cx::Cx;
use crate::keyspace::{EventClass, PutOff};
use crate::types::stream::Stream;
use crate::types::stream::group::Group;

/// Consumers that are removed in one step.
const CONSUMERS_PER_STEP: usize = 16;

/// What a look at all consumers of a group found.
struct Look {
    idle: Vec<Box<[u8]>>,
    /// They wait in a read: that is being active.
    waiting: Vec<u32>,
    /// When to look again, unix ms.
    again_ms: u64,
}

/// Removes consumers of a group that are idle for too long, some of them if they are many.
///
/// # Errors
/// Nothing was done.
pub(super) fn remove_idle(cx: &mut Cx<'_, '_>, key: &[u8], name: &[u8]) -> Result<(), PutOff> {
    let now_ms = cx.tx.now_ms() as u64;
    let Ok(Some(stream)) = cx.tx.peek_as::<Stream>(key) else { return Ok(()) };
    let Some(group) = stream.group(name) else { return Ok(()) };
    if group.idle_check_ms() > now_ms.cast_signed() {
        return Ok(());
    }
    let look = look(cx, key, (name, group), now_ms);
    let holds = |name: &[u8]| group.consumer(name).is_some_and(|it| it.pending() > 0);
    if look.idle.iter().any(|name| holds(name)) {
        let needed = dead_letter::shards(cx, group);
        if !cx.tx.locked().contains(needed) {
            return Err(PutOff::Locks(needed.union(cx.tx.locked())));
        }
    }
    for consumer in &look.idle {
        come_back::take_back(cx, key, name, consumer);
        let Ok(Some(stream)) = cx.tx.write::<Stream>(key) else { return Ok(()) };
        let Some((group, _)) = stream.group_mut(name) else { return Ok(()) };
        group.delete_consumer(consumer);
        cx.tx.changed_unwatched(key);
        cx.tx.record(&[b"XGROUP", b"DELCONSUMER", key, name, consumer]);
        cx.tx.notify(EventClass::STREAM, "xgroup-delconsumer", key);
    }
    let Ok(Some(stream)) = cx.tx.write::<Stream>(key) else { return Ok(()) };
    let may_shed = stream.may_shed();
    if let Some((group, _)) = stream.group_mut(name) {
        look.waiting.iter().for_each(|&number| group.see_consumer(number, now_ms));
        group.set_idle_check(look.again_ms);
    }
    if may_shed && !look.idle.is_empty() {
        retention::groups_moved(cx.tx, key);
    }
    Ok(())
}

fn look(cx: &Cx<'_, '_>, key: &[u8], (name, group): (&[u8], &Group), now_ms: u64) -> Look {
    let mut look = Look { idle: Vec::new(), waiting: Vec::new(), again_ms: u64::MAX };
    let policy = group.policy();
    let Some(ttl_ms) = policy.and_then(|policy| policy.consumer_ttl_ms) else { return look };
    let lease_ms = policy.and_then(|policy| policy.lease_ms);
    let waiting = cx.tx.waiting_in_group(key, name);
    // When somebody was last seen is not journalled: before the start nobody was idle.
    let start_ms = cx.server.started_at_ms as u64;
    for consumer in group.consumers_by_name() {
        let idle_from_ms = consumer.seen_ms().max(start_ms).saturating_add(ttl_ms);
        let again_ms = if idle_from_ms > now_ms {
            idle_from_ms
        } else if waiting.contains(consumer.name()) {
            look.waiting.push(consumer.number());
            now_ms + (ttl_ms / 4).max(1)
        } else if let Some(lease_ms) = lease_ms.filter(|_| consumer.pending() > 0) {
            // It may be at work. The first lease that ends is looked at first.
            let delivered_ms = group.pending().earliest_delivery_ms().unwrap_or(now_ms);
            (delivered_ms + lease_ms).max(now_ms + 1)
        } else if look.idle.len() < CONSUMERS_PER_STEP {
            look.idle.push(consumer.name().into());
            continue;
        } else {
            now_ms
        };
        look.again_ms = look.again_ms.min(again_ms);
    }
    look
}
