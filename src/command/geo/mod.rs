//! The geospatial commands: sorted sets whose scores are places.

mod add;
mod read;
mod search;
mod shape;

use super::cx::Cx;
use super::error::Error;
use super::table::{Entry, keys};
use super::zset::args::score;
use crate::resp::Reply;
use crate::types::geo::Point;

pub(super) static COMMANDS: &[Entry] = &[
    keys("geoadd", add::geoadd),
    keys("geodist", read::geodist),
    keys("geohash", read::geohash),
    keys("geopos", read::geopos),
    keys("georadius", search::georadius),
    keys("georadius_ro", search::georadius_ro),
    keys("georadiusbymember", search::georadiusbymember),
    keys("georadiusbymember_ro", search::georadiusbymember_ro),
    keys("geosearch", search::geosearch),
    keys("geosearchstore", search::geosearchstore),
];

/// A longitude and a latitude that are on the map.
fn point(longitude: &[u8], latitude: &[u8]) -> Result<Point, Error> {
    let point = Point { longitude: score(longitude)?, latitude: score(latitude)? };
    if point.is_valid() {
        return Ok(point);
    }
    let Point { longitude, latitude } = point;
    Err(Error::new(format!("ERR invalid longitude,latitude pair {longitude:.6},{latitude:.6}")))
}

/// How many meters a unit has.
fn unit(word: &[u8]) -> Result<f64, Error> {
    const UNITS: [(&[u8], f64); 4] =
        [(b"m", 1.0), (b"km", 1000.0), (b"ft", 0.3048), (b"mi", 1609.34)];
    let found = UNITS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name));
    found
        .map(|(_, meters)| *meters)
        .ok_or(Error::fixed("ERR unsupported unit provided. please use M, KM, FT, MI"))
}

/// Writes a distance: four digits behind the point, in RESP3 too.
fn put_distance(reply: &mut Reply<'_>, distance: f64) {
    let units = (distance * 10_000.0).round_ties_even();
    reply.text(&format!("{}.{:04}", (units / 10_000.0).trunc(), units % 10_000.0));
}

/// Writes longitude and latitude.
fn put_point(reply: &mut Reply<'_>, point: Point) {
    reply.array(2);
    for coordinate in [point.longitude, point.latitude] {
        reply.double(coordinate);
    }
}

/// The name as the client wrote it, in an error.
fn said(parts: &[&str], name: &[u8]) -> Error {
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).chain([name]).collect();
    Error::quoting(&parts)
}

/// The scores of members, as places; one for each.
fn places(cx: &mut Cx<'_, '_>, key: &[u8], members: &[&[u8]]) -> Result<Vec<Option<Point>>, Error> {
    let set = cx.tx.read::<crate::types::zset::Zset>(key)?;
    let place = |member: &&[u8]| set.and_then(|set| set.score(member)).map(Point::from_score);
    Ok(members.iter().map(place).collect())
}
