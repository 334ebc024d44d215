//! GEOADD.

use super::point;
use crate::command::args;
use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::command::zset::add::zadd;

/// Becomes a ZADD, and is recorded as one.
pub(super) fn geoadd(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let mut at = 2;
    let (mut new_only, mut present_only) = (false, false);
    while let Some(word) = args.get(at) {
        match () {
            () if args::is(word, "NX") => new_only = true,
            () if args::is(word, "XX") => present_only = true,
            () if args::is(word, "CH") => {}
            () => break,
        }
        at += 1;
    }
    let places = &args[at..];
    if !places.len().is_multiple_of(3) || new_only && present_only {
        return Err(Error::SYNTAX);
    }
    let mut scores = Vec::with_capacity(places.len() / 3);
    for place in places.chunks_exact(3) {
        scores.push(point(place[0], place[1])?.score().to_string());
    }
    let mut request: Vec<&[u8]> = vec![b"ZADD"];
    request.extend_from_slice(&args[1..at]);
    let members = places.chunks_exact(3).map(|place| place[2]);
    request
        .extend(scores.iter().zip(members).flat_map(|(score, member)| [score.as_bytes(), member]));
    zadd(cx, &request)
}
