//! GEODIST, GEOHASH, GEOPOS.

use super::{places, put_distance, put_point, unit};
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};

pub(super) fn geodist(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let meters = match &args[4..] {
        [] => 1.0,
        [word] => unit(word)?,
        _ => return Err(Error::SYNTAX),
    };
    match places(cx, args[1], &args[2..4])?[..] {
        [Some(one), Some(other)] => put_distance(&mut cx.reply, one.distance_m(other) / meters),
        _ => cx.reply.null(),
    }
    Ok(())
}

pub(super) fn geohash(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let places = places(cx, args[1], &args[2..])?;
    cx.reply.array(places.len());
    for place in places {
        match place {
            Some(place) => cx.reply.bulk(&place.geohash()),
            None => cx.reply.null(),
        }
    }
    Ok(())
}

pub(super) fn geopos(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let places = places(cx, args[1], &args[2..])?;
    cx.reply.array(places.len());
    for place in places {
        match place {
            Some(place) => put_point(&mut cx.reply, place),
            None => cx.reply.null_array(),
        }
    }
    Ok(())
}
