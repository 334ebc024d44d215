//! Reading sorted sets.
//!
//! What OBJECT ENCODING then answers goes by the limits as Redis applies them when it reads: a packed
//! form stays packed whatever its members' lengths, if they are not too many.

use super::list::packing;
use crate::rdb::packed::{BadPacking, listpack, ziplist};
use crate::rdb::source::{Reading, Source};
use crate::types::number::parse_double;
use crate::types::text::Text;
use crate::types::zset::{Limits, Zset};

const TWICE: &str = "a sorted set has a member twice";
const NO_SCORE: BadPacking = BadPacking("a score of a sorted set is no number");

type Members = Vec<(Vec<u8>, f64)>;

/// Members, each with its score in digits: Redis before 4.0.
pub(super) fn with_digits(source: &mut Source<'_>, limits: Limits) -> Reading<Zset> {
    one_by_one(source, limits, |source| match source.u8()? {
        255 => Ok(f64::NEG_INFINITY),
        254 => Ok(f64::INFINITY),
        253 => Err(packing(source, NO_SCORE)),
        len => {
            let digits = source.bytes(u64::from(len))?;
            parse_double(&digits).ok_or_else(|| packing(source, NO_SCORE))
        }
    })
}

/// Members, each with the eight bytes of its score.
pub(super) fn with_bits(source: &mut Source<'_>, limits: Limits) -> Reading<Zset> {
    one_by_one(source, limits, |source| {
        let score = f64::from_le_bytes(source.array()?);
        if score.is_nan() { Err(packing(source, NO_SCORE)) } else { Ok(score) }
    })
}

fn one_by_one(
    source: &mut Source<'_>,
    limits: Limits,
    mut score: impl FnMut(&mut Source<'_>) -> Reading<f64>,
) -> Reading<Zset> {
    let mut members = Members::new();
    for _ in 0..source.length()? {
        let member = source.string()?;
        members.push((member, score(source)?));
    }
    build(source, members, limits)
}

/// One ziplist: servers before 7.0.
pub(super) fn from_ziplist(source: &mut Source<'_>, limits: Limits) -> Reading<Zset> {
    let bytes = source.string()?;
    let members = ziplist::read(&bytes).and_then(|mut all| pairs(|| all.next_element()));
    packed(source, members, limits)
}

/// One listpack.
pub(super) fn from_listpack(source: &mut Source<'_>, limits: Limits) -> Reading<Zset> {
    let bytes = source.string()?;
    let members = listpack::read(&bytes).and_then(|mut all| pairs(|| all.next_element()));
    packed(source, members, limits)
}

fn packed(
    source: &Source<'_>,
    members: Result<Members, BadPacking>,
    limits: Limits,
) -> Reading<Zset> {
    let members = members.map_err(|bad| packing(source, bad))?;
    build(source, members, Limits { member_bytes_max: usize::MAX, ..limits })
}

/// Members and scores by turns.
fn pairs<'a>(
    mut next: impl FnMut() -> Result<Option<Text<'a>>, BadPacking>,
) -> Result<Members, BadPacking> {
    let mut members = Members::new();
    while let Some(member) = next()? {
        let score = next()?.ok_or(BadPacking("a member of a sorted set has no score"))?;
        members.push((member.to_vec(), parse_double(&score).ok_or(NO_SCORE)?));
    }
    Ok(members)
}

fn build(source: &Source<'_>, mut members: Members, limits: Limits) -> Reading<Zset> {
    members.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    if members.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err(source.malformed(TWICE));
    }
    Ok(Zset::from_members(&mut members, limits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rdb::source::Source;

    fn shown(set: Reading<Zset>) -> Option<String> {
        set.ok().map(|set| format!("{} {set:?}", set.encoding()))
    }

    #[test]
    fn every_form() {
        let read = |bytes: &[u8], with: fn(&mut Source<'_>, Limits) -> Reading<Zset>| {
            shown(with(&mut Source::from_bytes(bytes), Limits::default()))
        };
        let set = Some(r#"listpack {"b": -inf, "a": 1.5, "c": inf}"#.to_string());
        assert_eq!(read(b"\x03\x01a\x031.5\x01b\xff\x01c\xfe", with_digits), set);
        let bits = [
            b"\x03\x01a".as_slice(),
            &1.5f64.to_le_bytes(),
            b"\x01b",
            &f64::NEG_INFINITY.to_le_bytes(),
            b"\x01c",
            &f64::INFINITY.to_le_bytes(),
        ];
        assert_eq!(read(&bits.concat(), with_bits), set);
        let mut builder = listpack::Builder::new();
        for text in [b"a".as_slice(), b"1.5", b"b", b"-inf", b"c", b"inf"] {
            builder.push(text);
        }
        let packed = builder.finish();
        let bytes = [&[packed.len() as u8], packed.as_slice()].concat();
        assert_eq!(read(&bytes, from_listpack), set);
    }

    #[test]
    fn what_is_no_set_is_refused() {
        let read = |bytes: &[u8], with: fn(&mut Source<'_>, Limits) -> Reading<Zset>| {
            shown(with(&mut Source::from_bytes(bytes), Limits::default()))
        };
        assert_eq!(read(b"\x02\x01a\x011\x01a\x012", with_digits), None);
        assert_eq!(read(b"\x01\x01a\xfd", with_digits), None);
        assert_eq!(read(b"\x01\x01a\x01x", with_digits), None);
        assert_eq!(
            read(&[b"\x01\x01a".as_slice(), &f64::NAN.to_le_bytes()].concat(), with_bits),
            None
        );
        for texts in [&[b"a".as_slice(), b"x"][..], &[b"a"], &[b"a", b"1", b"a", b"2"]] {
            let mut builder = listpack::Builder::new();
            texts.iter().for_each(|text| builder.push(text));
            let packed = builder.finish();
            let bytes = [&[packed.len() as u8], packed.as_slice()].concat();
            assert_eq!(read(&bytes, from_listpack), None);
        }
    }
}
