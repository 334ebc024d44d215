//! HGETDEL, HGETEX, HSETEX: reading or setting fields, and their deadlines with them.

use super::deadline::{record_deadline, record_persist};
use super::options::{COUNT_NOT_POSITIVE, Unit, fields};
use super::{Cx, Error, Outcome, args, edit, edit_or_insert, limits, removed, shrunk};
use crate::keyspace::EventClass;
use crate::types::hash::{Field, Hash, Limits, NEVER};

const CONDITION_TWICE: Error =
    Error::fixed("ERR Only one of FXX or FNX arguments can be specified");
const EXPIRATION_TWICE: Error =
    Error::fixed("ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified");
const BAD_COUNT: Error = Error::fixed("ERR invalid number of fields");

/// Writes the fields, in order, and lets `change` have each that is there.
fn take_each(
    cx: &mut Cx<'_, '_>,
    key: &[u8],
    names: &[&[u8]],
    mut change: impl FnMut(&mut Hash, &[u8], i64) -> bool,
) -> Result<Vec<bool>, Error> {
    let due_ms = cx.tx.due_ms();
    cx.reply.array(names.len());
    if cx.tx.peek_as::<Hash>(key)?.is_none() {
        names.iter().for_each(|_| cx.reply.null());
        return Ok(Vec::new());
    }
    let proto = cx.reply.proto();
    let mut out = Vec::new();
    let changed = edit(cx, key, |hash| {
        let mut reply = crate::resp::Reply::new(&mut out, proto);
        let each = |name: &&[u8]| match hash.live(name, due_ms) {
            None => {
                reply.null();
                false
            }
            Some(field) => {
                reply.bulk(field.value);
                let before_ms = field.expire_at_ms;
                change(hash, name, before_ms)
            }
        };
        names.iter().map(each).collect::<Vec<bool>>()
    })?;
    cx.reply.raw(&out);
    Ok(changed.unwrap_or_default())
}

fn chosen<'a>(names: &[&'a [u8]], chosen: &[bool]) -> Vec<&'a [u8]> {
    names.iter().zip(chosen).filter(|(_, chosen)| **chosen).map(|(name, _)| *name).collect()
}

pub(super) fn hgetdel(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let key = args[1];
    cx.tx.peek_as::<Hash>(key)?;
    let names = fields(&args[2..], COUNT_NOT_POSITIVE)?;
    let gone = take_each(cx, key, names, |hash, name, _| hash.remove(name))?;
    let gone = chosen(names, &gone);
    if !gone.is_empty() {
        removed(cx, key, &gone);
    }
    Ok(())
}

pub(super) fn hgetex(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (key, now_ms) = (args[1], cx.tx.now_ms());
    cx.tx.peek_as::<Hash>(key)?;
    let unit = Unit::of(args[2]);
    let persists = args::is(args[2], "PERSIST");
    let expire_at_ms = match unit {
        Some(unit) => Some(unit.deadline_ms(args[3], now_ms, "hgetex")?),
        None => persists.then_some(NEVER),
    };
    let rest = match unit {
        Some(_) => &args[4..],
        None => &args[2 + usize::from(persists)..],
    };
    if rest.len() < 2 {
        return Err(Error::wrong_arity("hgetex"));
    }
    let names = fields(rest, COUNT_NOT_POSITIVE)?;
    let Some(expire_at_ms) = expire_at_ms else {
        return read_only(cx, key, names);
    };
    let is_past = expire_at_ms <= cx.tx.due_ms();
    let changed = take_each(cx, key, names, |hash, name, before_ms| {
        if is_past {
            return hash.remove(name);
        }
        before_ms != expire_at_ms && hash.set_deadline(name, expire_at_ms)
    })?;
    let changed = chosen(names, &changed);
    if changed.is_empty() {
        return Ok(());
    }
    if is_past {
        removed(cx, key, &changed);
        return Ok(());
    }
    cx.tx.changed(key);
    let event = if expire_at_ms == NEVER {
        record_persist(cx, key, &changed);
        "hpersist"
    } else {
        record_deadline(cx, key, expire_at_ms, &changed);
        "hexpire"
    };
    cx.tx.notify_subkeys(EventClass::HASH, event, key, changed.iter().copied());
    Ok(())
}

fn read_only(cx: &mut Cx<'_, '_>, key: &[u8], names: &[&[u8]]) -> Outcome {
    let due_ms = cx.tx.due_ms();
    let hash = cx.tx.read::<Hash>(key)?;
    cx.reply.array(names.len());
    for name in names {
        match hash.and_then(|hash| hash.live(name, due_ms)) {
            Some(field) => cx.reply.bulk(field.value),
            None => cx.reply.null(),
        }
    }
    Ok(())
}

/// What HSETEX does to deadlines.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expiration {
    Clear,
    Keep,
    /// Unix ms.
    At(i64),
}

struct SetEx<'a, 'b> {
    /// FNX, or FXX: none of the fields may be there, or all have to.
    present: Option<bool>,
    expiration: Expiration,
    pairs: &'b [[&'a [u8]; 2]],
}

impl<'a, 'b> SetEx<'a, 'b> {
    fn parse(words: &'b [&'a [u8]], now_ms: i64) -> Result<SetEx<'a, 'b>, Error> {
        let arity = || Error::wrong_arity("hsetex");
        let (mut present, mut expiration) = (None, None);
        let mut rest = words;
        while let [word, more @ ..] = rest {
            rest = more;
            if args::is(word, "FIELDS") {
                let [count, more @ ..] = rest else { return Err(arity()) };
                // There has to be a pair before any of it is read.
                if more.len() < 2 {
                    return Err(arity());
                }
                let count = args::integer_in(count, 1, i64::from(i32::MAX), BAD_COUNT)?;
                let (pairs, []) = more.as_chunks::<2>() else { return Err(arity()) };
                if pairs.len() as i64 != count {
                    return Err(arity());
                }
                let expiration = expiration.unwrap_or(Expiration::Clear);
                return Ok(SetEx { present, expiration, pairs });
            }
            let is_fxx = args::is(word, "FXX");
            if is_fxx || args::is(word, "FNX") {
                if present.replace(is_fxx).is_some() {
                    return Err(CONDITION_TWICE);
                }
                continue;
            }
            let unit = Unit::of(word);
            if unit.is_none() && !args::is(word, "KEEPTTL") {
                return Err(Error::quoting(&[b"ERR unknown argument: ", word]));
            }
            if expiration.is_some() {
                return Err(EXPIRATION_TWICE);
            }
            expiration = Some(match (unit, rest) {
                (None, _) => Expiration::Keep,
                (Some(unit), [number, more @ ..]) => {
                    rest = more;
                    Expiration::At(unit.deadline_ms(number, now_ms, "hsetex")?)
                }
                (Some(_), []) => return Err(arity()),
            });
        }
        Err(arity())
    }

    fn is_met(&self, hash: Option<&Hash>, due_ms: i64) -> bool {
        let is_there = |name: &[u8]| hash.is_some_and(|hash| hash.live(name, due_ms).is_some());
        self.present
            .is_none_or(|wanted| self.pairs.iter().all(|[name, _]| is_there(name) == wanted))
    }
}

pub(super) fn hsetex(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (key, due_ms) = (args[1], cx.tx.due_ms());
    let set = SetEx::parse(&args[2..], cx.tx.now_ms())?;
    if !set.is_met(cx.tx.peek_as::<Hash>(key)?, due_ms) {
        cx.reply.int(0);
        return Ok(());
    }
    match set.expiration {
        Expiration::At(expire_at_ms) if expire_at_ms <= due_ms => {
            pass_through(cx, key, &set, due_ms)?
        }
        _ => store(cx, key, &set, due_ms)?,
    }
    cx.reply.int(1);
    Ok(())
}

/// Set and gone: what comes of it is that the fields are not there. Both is told, as Redis does, also
/// where there was nothing.
fn pass_through(cx: &mut Cx<'_, '_>, key: &[u8], set: &SetEx<'_, '_>, due_ms: i64) -> Outcome {
    let names: Vec<&[u8]> = set.pairs.iter().map(|[name, _]| *name).collect();
    if cx.tx.peek_as::<Hash>(key)?.is_none() {
        cx.tx.notify(EventClass::NEW, "new", key);
    }
    cx.tx.notify_subkeys(EventClass::HASH, "hset", key, names.iter().copied());
    let gone = edit(cx, key, |hash| -> Vec<&[u8]> {
        let names = names.iter().copied();
        names.filter(|name| hash.live(name, due_ms).is_some() && hash.remove(name)).collect()
    })?;
    match gone.as_deref() {
        None => {
            cx.tx.notify_subkeys(EventClass::HASH, "hdel", key, names.iter().copied());
            cx.tx.notify(EventClass::GENERIC, "del", key);
        }
        Some([]) => cx.tx.notify_subkeys(EventClass::HASH, "hdel", key, names.iter().copied()),
        Some(gone) => {
            shrunk(cx, key, &names);
            if let Some(effect) = cx.tx.effect(2 + gone.len()) {
                effect.arg(b"HDEL").arg(key).args(gone.iter().copied()).end();
            }
        }
    }
    Ok(())
}

fn store(cx: &mut Cx<'_, '_>, key: &[u8], set: &SetEx<'_, '_>, due_ms: i64) -> Outcome {
    let limits = limits(cx);
    let kept = edit_or_insert(cx, key, |hash| {
        let store = |[name, value]: &[&[u8]; 2]| store_one(hash, name, value, set, due_ms, &limits);
        set.pairs.iter().map(store).collect::<Vec<bool>>()
    })?;
    cx.tx.changed(key);
    let names = || set.pairs.iter().map(|[name, _]| *name);
    cx.tx.notify_subkeys(EventClass::HASH, "hset", key, names());
    let len = set.pairs.len();
    if let Expiration::At(expire_at_ms) = set.expiration {
        cx.tx.notify_subkeys(EventClass::HASH, "hexpire", key, names());
        if let Some(effect) = cx.tx.effect(6 + 2 * len) {
            let effect = effect.arg(b"HSETEX").arg(key).arg(b"PXAT").int(expire_at_ms);
            let effect = effect.arg(b"FIELDS").int(len as i64);
            effect.args(set.pairs.iter().flatten().copied()).end();
        }
        return Ok(());
    }
    // A field that is due has no deadline afterwards, but would keep it in a replay.
    let with = |wanted: bool| {
        let pairs = set.pairs.iter().zip(&kept).filter(move |(_, kept)| **kept == wanted);
        pairs.flat_map(|(pair, _)| pair.iter().copied())
    };
    let kept_len = kept.iter().filter(|kept| **kept).count();
    if kept_len > 0
        && let Some(effect) = cx.tx.effect(5 + 2 * kept_len)
    {
        let effect = effect.arg(b"HSETEX").arg(key).arg(b"KEEPTTL").arg(b"FIELDS");
        effect.int(kept_len as i64).args(with(true)).end();
    }
    if kept_len < len
        && let Some(effect) = cx.tx.effect(2 + 2 * (len - kept_len))
    {
        effect.arg(b"HSET").arg(key).args(with(false)).end();
    }
    Ok(())
}

/// Sets one field; whether it has kept a deadline.
fn store_one(
    hash: &mut Hash,
    name: &[u8],
    value: &[u8],
    set: &SetEx<'_, '_>,
    due_ms: i64,
    limits: &Limits,
) -> bool {
    let before_ms = || hash.live(name, due_ms).map_or(NEVER, |field| field.expire_at_ms);
    let expire_at_ms = match set.expiration {
        Expiration::Clear => NEVER,
        Expiration::Keep => before_ms(),
        Expiration::At(expire_at_ms) => expire_at_ms,
    };
    hash.set(name, Field { value, expire_at_ms }, limits);
    set.expiration == Expiration::Keep && expire_at_ms != NEVER
}
