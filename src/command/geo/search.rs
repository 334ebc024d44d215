//! GEOSEARCH, GEOSEARCHSTORE, GEORADIUS, GEORADIUSBYMEMBER and their read-only forms.

use super::shape::{Family, Order, Query};
use super::{put_distance, put_point};
use crate::command::cx::Cx;
use crate::command::error::Outcome;
use crate::command::store::effects_of_members;
use crate::command::zset::{self, limits};
use crate::journal::Class;
use crate::resp::text::DoubleText;
use crate::types::geo::{Point, Shape, cells_for};
use crate::types::zset::{ScoreBound, ScoreRange, Zset};

pub(super) fn georadius(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    search(cx, args, args[1], Family::Radius { may_store: true })
}

pub(super) fn georadius_ro(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    search(cx, args, args[1], Family::Radius { may_store: false })
}

pub(super) fn georadiusbymember(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    search(cx, args, args[1], Family::RadiusByMember { may_store: true })
}

pub(super) fn georadiusbymember_ro(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    search(cx, args, args[1], Family::RadiusByMember { may_store: false })
}

pub(super) fn geosearch(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    search(cx, args, args[1], Family::Search)
}

pub(super) fn geosearchstore(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    search(cx, args, args[2], Family::SearchStore)
}

/// A place that was found.
struct Found<'s> {
    member: &'s [u8],
    score: f64,
    place: Point,
    distance_m: f64,
}

fn search(cx: &mut Cx<'_, '_>, args: &[&[u8]], source: &[u8], family: Family) -> Outcome {
    let set = cx.tx.read::<Zset>(source)?;
    let query = Query::parse(args, family, set)?;
    let found = match (set, query.middle, query.shape) {
        (Some(set), Some(middle), Some(shape)) => find(set, &query, middle, shape),
        _ => Vec::new(),
    };
    match query.store {
        None => {
            let reply = &mut cx.reply;
            reply.array(found.len());
            let extras = [query.with_distance, query.with_hash, query.with_coordinates];
            let extras = extras.into_iter().filter(|with| *with).count();
            for one in &found {
                if extras > 0 {
                    reply.array(extras + 1);
                }
                reply.bulk(one.member);
                if query.with_distance {
                    put_distance(reply, one.distance_m / query.unit_m);
                }
                if query.with_hash {
                    reply.int(one.score as i64);
                }
                if query.with_coordinates {
                    put_point(reply, one.place);
                }
            }
        }
        Some(destination) => {
            let score = |one: &Found<'_>| match query.stores_distance {
                true => one.distance_m / query.unit_m,
                false => one.score,
            };
            let mut members: Vec<(Vec<u8>, f64)> =
                found.iter().map(|one| (one.member.to_vec(), score(one))).collect();
            store(cx, destination, &mut members, family)?;
        }
    }
    Ok(())
}

/// All that is in the shape, as the query wants it sorted and counted.
fn find<'s>(set: &'s Zset, query: &Query<'_>, middle: Point, shape: Shape) -> Vec<Found<'s>> {
    let enough = if query.any { query.count } else { usize::MAX };
    let mut found = Vec::new();
    for cell in cells_for(shape, middle) {
        let (from, to) = cell.scores();
        let range = ScoreRange {
            min: ScoreBound { score: from, is_open: false },
            max: ScoreBound { score: to, is_open: true },
        };
        let (from, to) = set.ranks_by_score(&range);
        for (member, score) in set.range(from, to) {
            if found.len() >= enough {
                break;
            }
            let place = Point::from_score(score);
            if let Some(distance_m) = shape.distance_m(middle, place) {
                found.push(Found { member, score, place, distance_m });
            }
        }
    }
    // The nearest, if only some are asked for and not just any.
    let nearest = (query.count > 0 && !query.any).then_some(Order::Nearest);
    match query.order.or(nearest) {
        Some(Order::Nearest) => found.sort_by(|a, b| a.distance_m.total_cmp(&b.distance_m)),
        Some(Order::Furthest) => found.sort_by(|a, b| b.distance_m.total_cmp(&a.distance_m)),
        None => {}
    }
    if query.count > 0 {
        found.truncate(query.count);
    }
    found
}

/// Stores what was found. It is recorded as it is: another machine might count distances otherwise in the
/// last bit.
fn store(
    cx: &mut Cx<'_, '_>,
    destination: &[u8],
    members: &mut [(Vec<u8>, f64)],
    family: Family,
) -> Outcome {
    let set = Zset::from_members(members, limits(cx));
    let scores: Vec<DoubleText> =
        members.iter().map(|(_, score)| DoubleText::new(*score)).collect();
    let pairs = members.iter().zip(&scores);
    let pairs = pairs.flat_map(|((member, _), score)| [&score[..], &member[..]]);
    let head = [b"ZADD".as_slice(), destination];
    let effect: Vec<&[u8]> = head.into_iter().chain(pairs).collect();
    let bytes = effects_of_members(destination, effect.iter().copied(), effect.len());
    cx.hold_room(Class::Ordinary, bytes)?;
    let event = match family {
        Family::SearchStore => "geosearchstore",
        _ => "georadiusstore",
    };
    if !set.is_empty() && cx.tx.exists(destination) {
        cx.tx.record(&[b"DEL", destination]);
    }
    zset::store(cx, destination, set, &effect, event);
    Ok(())
}
