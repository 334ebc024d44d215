//! SORT and SORT_RO.

mod request;

use std::cmp::Ordering;

use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};
use crate::command::store::effects_of_members;
use crate::journal::Class;
use crate::keyspace::{EventClass, Expiry, Value};
use crate::types::list::{List, Side};
use crate::types::number::parse_double_lenient;

use request::{Pattern, Request};

pub(in crate::command) use request::names_keys_while_running;

const NOT_A_NUMBER: Error = Error::fixed("ERR One or more scores can't be converted into double");
/// Elements that one RPUSH of the effects names, at most.
const EFFECT_ELEMENTS_MAX: usize = 1024;

/// What an element is ordered by.
enum Weight {
    Number(f64),
    /// None: the key that BY names does not exist; it comes before all others.
    Text(Option<Vec<u8>>),
}

pub(super) fn sort(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    run(cx, args, false)
}

pub(super) fn sort_ro(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    run(cx, args, true)
}

fn run(cx: &mut Cx<'_, '_>, args: &[&[u8]], reads_only: bool) -> Outcome {
    let request = Request::parse(cx, args, reads_only)?;
    let shown = match cx.tx.get(args[1]) {
        Some(value) if keeps_order(value, &request) => as_kept(value, &request)?,
        Some(value) => {
            let elements = elements(value)?;
            arranged(cx, elements, &request)?
        }
        None => Vec::new(),
    };
    match request.store {
        Some(to) => store(cx, to, &shown, &request.get)?,
        None => show(cx, &shown, &request.get),
    }
    Ok(())
}

/// Whether elements stay in the order in which they are kept. What is stored of a set does not: a
/// set has no order of its own that would be the same in a replay.
fn keeps_order(value: &Value, request: &Request<'_>) -> bool {
    let is_stored_set = matches!(value, Value::Set(_)) && request.store.is_some();
    request.by == Some(Pattern::Nothing) && !is_stored_set
}

/// As many elements as are wanted, in the order in which they are kept: of a list and a sorted set
/// from the end with DESC.
fn as_kept(value: &Value, request: &Request<'_>) -> Result<Vec<Vec<u8>>, Error> {
    let range = |len: usize| {
        let (from, to) = request.limits(len);
        if request.descending { (len - to, len - from) } else { (from, to) }
    };
    let mut elements: Vec<Vec<u8>> = match value {
        Value::List(list) => {
            let (from, to) = range(list.len());
            list.range(from, to).map(|element| element.to_vec()).collect()
        }
        Value::Zset(zset) => {
            let (from, to) = range(zset.len());
            zset.range(from, to).map(|(member, _)| member.to_vec()).collect()
        }
        Value::Set(set) => {
            let (from, to) = request.limits(set.len());
            let members = set.iter().skip(from).take(to - from);
            return Ok(members.map(|member| member.to_vec()).collect());
        }
        Value::String(_) | Value::Hash(_) | Value::Stream(_) => return Err(Error::WRONG_TYPE),
    };
    if request.descending {
        elements.reverse();
    }
    Ok(elements)
}

/// The elements to be sorted.
fn elements(value: &Value) -> Result<Vec<Vec<u8>>, Error> {
    match value {
        Value::List(list) => Ok(list.iter().map(|element| element.to_vec()).collect()),
        Value::Set(set) => Ok(set.iter().map(|member| member.to_vec()).collect()),
        Value::Zset(zset) => Ok(zset.iter().map(|(member, _)| member.to_vec()).collect()),
        Value::String(_) | Value::Hash(_) | Value::Stream(_) => Err(Error::WRONG_TYPE),
    }
}

/// As many elements as are wanted, in the order that is asked for.
fn arranged(
    cx: &mut Cx<'_, '_>,
    elements: Vec<Vec<u8>>,
    request: &Request<'_>,
) -> Result<Vec<Vec<u8>>, Error> {
    let (by, alpha) = match request.by {
        Some(Pattern::Nothing) => (None, true),
        by => (by, request.alpha),
    };
    let mut weighed = Vec::with_capacity(elements.len());
    for element in elements {
        let weight = weight(cx, by, alpha, &element)?;
        weighed.push((weight, element));
    }
    let compare = |(one, element): &(Weight, Vec<u8>), (other, next): &(Weight, Vec<u8>)| {
        let order = match (one, other) {
            // What weighs the same is in the order of its bytes.
            (Weight::Number(one), Weight::Number(other)) => {
                one.partial_cmp(other).unwrap_or(Ordering::Equal).then_with(|| element.cmp(next))
            }
            (Weight::Text(one), Weight::Text(other)) => match by {
                None => element.cmp(next),
                Some(_) => one.cmp(other),
            },
            _ => Ordering::Equal,
        };
        if request.descending { order.reverse() } else { order }
    };
    weighed.sort_by(compare);
    let (from, to) = request.limits(weighed.len());
    Ok(weighed.drain(from..to).map(|(_, element)| element).collect())
}

fn weight(
    cx: &mut Cx<'_, '_>,
    by: Option<Pattern<'_>>,
    alpha: bool,
    element: &[u8],
) -> Result<Weight, Error> {
    let Some(by) = by else {
        return Ok(if alpha { Weight::Text(None) } else { Weight::Number(number_in(element)?) });
    };
    let text = lookup(cx, by, element);
    if alpha {
        return Ok(Weight::Text(text));
    }
    // A missing weight is none at all.
    text.map_or(Ok(0.0), |text| number_in(&text)).map(Weight::Number)
}

fn number_in(text: &[u8]) -> Result<f64, Error> {
    parse_double_lenient(text).ok_or(NOT_A_NUMBER)
}

/// What a pattern stands for, of one element; none if there is no such key or field.
fn lookup(cx: &mut Cx<'_, '_>, pattern: Pattern<'_>, element: &[u8]) -> Option<Vec<u8>> {
    let (before, after, field) = match pattern {
        Pattern::Element => return Some(element.to_vec()),
        Pattern::Nothing => return None,
        Pattern::Key { before, after, field } => (before, after, field),
    };
    let key = [before, element, after].concat();
    let due_ms = cx.tx.due_ms();
    match (cx.tx.get(&key)?, field) {
        (Value::String(string), None) => Some(string.text().to_vec()),
        (Value::Hash(hash), Some(name)) => {
            hash.live(name, due_ms).map(|field| field.value.to_vec())
        }
        _ => None,
    }
}

fn show(cx: &mut Cx<'_, '_>, elements: &[Vec<u8>], get: &[Pattern<'_>]) {
    if get.is_empty() {
        cx.reply.array(elements.len());
        elements.iter().for_each(|element| cx.reply.bulk(element));
        return;
    }
    cx.reply.array(elements.len() * get.len());
    for element in elements {
        for pattern in get {
            match lookup(cx, *pattern, element) {
                Some(text) => cx.reply.bulk(&text),
                None => cx.reply.null(),
            }
        }
    }
}

/// Puts the outcome at a key as a list, and records that: what it was made of may be gone in a replay.
fn store(cx: &mut Cx<'_, '_>, to: &[u8], elements: &[Vec<u8>], get: &[Pattern<'_>]) -> Outcome {
    let mut stored: Vec<Vec<u8>> = Vec::with_capacity(elements.len() * get.len().max(1));
    for element in elements {
        if get.is_empty() {
            stored.push(element.clone());
        }
        for pattern in get {
            let text = lookup(cx, *pattern, element);
            stored.push(text.unwrap_or_default());
        }
    }
    let effects = stored.iter().map(Vec::as_slice);
    cx.hold_room(Class::Ordinary, effects_of_members(to, effects, EFFECT_ELEMENTS_MAX))?;
    cx.reply.count(stored.len());
    let had_value = cx.tx.exists(to);
    if stored.is_empty() {
        if cx.tx.remove(to) {
            cx.tx.changed(to);
            cx.tx.notify(EventClass::GENERIC, "del", to);
            cx.tx.record(&[b"DEL", to]);
        }
        return Ok(());
    }
    let mut list = List::new();
    list.push_all(Side::Right, stored.iter().map(Vec::as_slice));
    cx.tx.put(to, Value::List(list), Expiry::Clear);
    cx.tx.changed(to);
    cx.tx.notify(EventClass::LIST, "sortstore", to);
    if had_value {
        cx.tx.record(&[b"DEL", to]);
    }
    for some in stored.chunks(EFFECT_ELEMENTS_MAX) {
        let head = [b"RPUSH".as_slice(), to].into_iter();
        let effect: Vec<&[u8]> = head.chain(some.iter().map(Vec::as_slice)).collect();
        cx.tx.record(&effect);
    }
    Ok(())
}
