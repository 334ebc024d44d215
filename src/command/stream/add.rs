//! XADD.

use super::idempotency::Idempotency;
use super::reply::{IdText, write_id};
use super::trim::{TrimOptions, Trimmed};
use super::{args, idempotency, new_stream, node_limits, record_new_stream};
use crate::command::args::is;
use crate::command::cx::{Cx, Mode};
use crate::command::error::{Error, Outcome};
use crate::keyspace::EventClass;
use crate::types::stream::log::{EntryTooLarge, Trim};
use crate::types::stream::{RefPolicy, Stream, StreamId};

const ID_ZERO: Error = Error::fixed("ERR The ID specified in XADD must be greater than 0-0");
const ID_NOT_ABOVE: Error = Error::fixed(
    "ERR The ID specified in XADD is equal or smaller than the target stream top item",
);
const IDS_EXHAUSTED: Error =
    Error::fixed("ERR The stream has exhausted the last possible ID, unable to add more items");
const TOO_LARGE: Error = Error::fixed("ERR Elements are too large to be stored");
const IDMP_WITH_ID: Error =
    Error::fixed("ERR IDMP/IDMPAUTO can be used only with auto-generated IDs");

/// The id as it was asked for.
enum NewId {
    /// `*`
    Auto,
    /// `ms-*`
    At(u64),
    Exactly(StreamId),
}

/// The arguments of XADD.
struct Request<'a> {
    key: &'a [u8],
    may_create: bool,
    trim: Option<Trim>,
    policy: RefPolicy,
    idempotency: Option<Idempotency<'a>>,
    id: NewId,
    fields: &'a [&'a [u8]],
}

impl<'a> Request<'a> {
    fn parse(cx: &Cx<'_, '_>, args: &'a [&'a [u8]]) -> Result<Request<'a>, Error> {
        let mut may_create = true;
        let mut options = TrimOptions::default();
        let mut idempotency = None;
        let mut rest = &args[2..];
        let id = loop {
            let Some(&option) = rest.first() else { return Err(Error::wrong_arity("xadd")) };
            if option == b"*" {
                break NewId::Auto;
            } else if let Some(taken) = options.take(rest)? {
                rest = &rest[taken..];
            } else if is(option, "NOMKSTREAM") {
                may_create = false;
                rest = &rest[1..];
            } else if let Some(taken) = idempotency::take(rest, &mut idempotency)? {
                rest = &rest[taken..];
            } else {
                break new_id(option)?;
            }
        };
        let trim = options.finish(node_limits(cx))?;
        // An effect states the id that was found.
        if idempotency.is_some() && !matches!(id, NewId::Auto) && cx.mode != Mode::Replay {
            return Err(IDMP_WITH_ID);
        }
        let fields = &rest[1..];
        if fields.is_empty() || !fields.len().is_multiple_of(2) {
            return Err(Error::wrong_arity("xadd"));
        }
        if matches!(id, NewId::Exactly(StreamId::MIN)) {
            return Err(ID_ZERO);
        }
        let idempotency = idempotency.map(|given| given.resolve(fields));
        let policy = options.policy();
        Ok(Request { key: args[1], may_create, trim, policy, idempotency, id, fields })
    }

    /// The id that the entry gets in this stream.
    fn resolve_id(&self, stream: &Stream, now_ms: u64) -> Result<StreamId, Error> {
        if stream.last_id() == StreamId::MAX {
            return Err(IDS_EXHAUSTED);
        }
        match self.id {
            NewId::Auto => stream.next_id(now_ms).ok_or(IDS_EXHAUSTED),
            NewId::At(ms) => stream.next_id_at(ms).ok_or(ID_NOT_ABOVE),
            NewId::Exactly(id) if id > stream.last_id() => Ok(id),
            NewId::Exactly(_) => Err(ID_NOT_ABOVE),
        }
    }
}

fn new_id(text: &[u8]) -> Result<NewId, Error> {
    match text.strip_suffix(b"-*") {
        Some(ms) if !ms.contains(&b'-') => Ok(NewId::At(args::id(ms, 0)?.ms)),
        _ => Ok(NewId::Exactly(args::id(text, 0)?)),
    }
}

pub(super) fn xadd(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let request = Request::parse(cx, args)?;
    let key = request.key;
    let now_ms = cx.tx.now_ms() as u64;
    let limits = node_limits(cx);
    let mut is_new = false;
    let stream = if request.may_create {
        let (server, mode) = (cx.server, cx.mode);
        cx.tx.write_or_insert(key, || {
            is_new = true;
            new_stream(server, mode, key)
        })?
    } else {
        match cx.tx.write::<Stream>(key)? {
            Some(stream) => stream,
            None => {
                cx.reply.null();
                return Ok(());
            }
        }
    };
    if let Some(known) = &request.idempotency
        && cx.mode != Mode::Replay
        && let Some(id) = stream.idmp().find(known.producer, &known.iid, now_ms)
    {
        stream.idmp_mut().note_duplicate();
        let counts = (stream.idmp().added(), stream.idmp().duplicates());
        write_id(&mut cx.reply, id);
        idempotency::record_counts(cx, key, counts);
        return Ok(());
    }
    let added = request.resolve_id(stream, now_ms).and_then(|id| {
        let added = stream.append(id, request.fields, limits);
        added.map(|()| id).map_err(|EntryTooLarge| TOO_LARGE)
    });
    let id = match added {
        Ok(id) => id,
        Err(error) => {
            if is_new {
                cx.tx.remove(key);
            }
            return Err(error);
        }
    };
    if let Some(known) = &request.idempotency {
        stream.idmp_mut().remember(known.producer, &known.iid, id, now_ms);
    }
    let trimmed = request.trim.and_then(|trim| Trimmed::by(stream, trim, request.policy));
    write_id(&mut cx.reply, id);
    cx.tx.changed(key);
    cx.tx.signal(key);
    cx.tx.notify(EventClass::STREAM, "xadd", key);
    if trimmed.is_some() {
        cx.tx.notify(EventClass::STREAM, "xtrim", key);
    }
    record(cx, &request, id, trimmed.as_ref());
    if is_new {
        record_new_stream(cx, key);
    }
    Ok(())
}

fn record(cx: &mut Cx<'_, '_>, request: &Request<'_>, id: StreamId, trimmed: Option<&Trimmed>) {
    let mut args = 3 + request.fields.len();
    args += request.idempotency.as_ref().map_or(0, |_| Idempotency::EFFECT_ARGS);
    args += trimmed.map_or(0, Trimmed::effect_args);
    let Some(mut effect) = cx.tx.effect(args) else { return };
    effect = effect.arg(b"XADD").arg(request.key);
    if let Some(known) = &request.idempotency {
        effect = known.write(effect);
    }
    if let Some(trimmed) = trimmed {
        effect = trimmed.write(effect);
    }
    let fields = request.fields.iter().copied();
    effect.arg(IdText::new(id).as_bytes()).args(fields).end();
}
