//! XPENDING: what a group has delivered and nobody has acknowledged.

use std::ops::ControlFlow;

use super::args::{no_key_or_group, range_end, range_start};
use super::reply::write_id;
use crate::command::args::{integer, is};
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::resp::Reply;
use crate::types::stream::group::Group;
use crate::types::stream::pending::{Filter, Owner};
use crate::types::stream::{Stream, StreamId};

/// The arguments of the form that lists entries.
struct Listing<'a> {
    start: StreamId,
    end: StreamId,
    count: usize,
    consumer: Option<&'a [u8]>,
    idle_ms_min: i64,
}

pub(super) fn xpending(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (key, name) = (args[1], args[2]);
    let listing = match args.len() {
        3 => None,
        6..=9 => Some(listing(args)?),
        _ => return Err(Error::SYNTAX),
    };
    let now_ms = cx.tx.now_ms();
    let stream = cx.tx.read::<Stream>(key)?;
    let group = stream.and_then(|stream| stream.group(name));
    let group = group.ok_or_else(|| no_key_or_group(key, name))?;
    match listing {
        None => write_summary(&mut cx.reply, group),
        Some(listing) => write_listing(&mut cx.reply, group, &listing, now_ms),
    }
    Ok(())
}

fn listing<'a>(args: &[&'a [u8]]) -> Result<Listing<'a>, Error> {
    let (idle_ms_min, rest) = match &args[3..] {
        [word, idle, rest @ ..] if is(word, "IDLE") => (integer(idle)?, rest),
        rest => (0, rest),
    };
    let [start, end, count, consumer @ ..] = rest else { return Err(Error::SYNTAX) };
    let count = usize::try_from(integer(count)?).unwrap_or(0);
    Ok(Listing {
        start: range_start(start)?,
        end: range_end(end)?,
        count,
        consumer: consumer.first().copied(),
        idle_ms_min,
    })
}

fn write_summary(reply: &mut Reply<'_>, group: &Group) {
    let pending = group.pending();
    reply.array(4);
    reply.int(pending.len() as i64);
    let (Some(first), Some(last)) = (pending.first_id(), pending.last_id()) else {
        reply.null();
        reply.null();
        reply.null_array();
        return;
    };
    write_id(reply, first);
    write_id(reply, last);
    let mut consumers = group.consumers_by_name();
    consumers.retain(|consumer| consumer.pending() > 0);
    reply.array(consumers.len());
    for consumer in consumers {
        reply.array(2);
        reply.bulk(consumer.name());
        reply.bulk_int(consumer.pending() as i64);
    }
}

fn write_listing(reply: &mut Reply<'_>, group: &Group, listing: &Listing<'_>, now_ms: i64) {
    let owner = match listing.consumer.map(|name| group.consumer(name)) {
        None => None,
        Some(Some(consumer)) => Some(Owner::consumer(consumer.number())),
        Some(None) => return reply.array(0),
    };
    let filter = idle_filter(owner, now_ms, listing.idle_ms_min);
    let mut records = Vec::new();
    if listing.count > 0 {
        group.scan(listing.start, filter, |record| {
            if record.id > listing.end {
                return ControlFlow::Break(());
            }
            records.push(record);
            if records.len() < listing.count {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
    }
    reply.array(records.len());
    for record in records {
        reply.array(4);
        write_id(reply, record.id);
        reply.bulk(group.owner_name(record.owner));
        let idle_ms = (now_ms - record.time as i64).max(0);
        reply.int(if record.owner.is_unowned() { -1 } else { idle_ms });
        reply.int(record.count as i64);
    }
}

/// What was not delivered for at least so long, of one owner or of all.
pub(super) fn idle_filter(owner: Option<Owner>, now_ms: i64, idle_ms_min: i64) -> Filter {
    let delivered_by_ms = (idle_ms_min > 0).then(|| now_ms.saturating_sub(idle_ms_min));
    Filter { owner, delivered_by_ms, only_free: false }
}

/// The latest time of delivery of what has been idle for at least so long; `None` if that was
/// before the beginning of time.
pub(super) fn delivered_by_ms(now_ms: i64, idle_ms_min: i64) -> Option<u64> {
    u64::try_from(now_ms.saturating_sub(idle_ms_min)).ok()
}
