//! XADD.

pub(super) use super::admission::Redriven;
use super::admission::{self, Duplicate, Terms, Times};
use super::idempotency::Idempotency;
use super::reply::{IdText, write_id};
use super::trim::{TrimOptions, Trimmed};
use super::{args, filter, idempotency, new_stream, node_limits, record_new_stream, retention};
use crate::command::args::is;
use crate::command::cx::{Cx, Mode};
use crate::command::error::{Error, Outcome};
use crate::keyspace::EventClass;
use crate::resp::{Proto, Reply};
use crate::types::stream::log::{EntryTooLarge, NodeLimits, Trim};
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
    terms: Terms<'a>,
    id: NewId,
    fields: &'a [&'a [u8]],
}

impl<'a> Request<'a> {
    fn parse(cx: &Cx<'_, '_>, args: &'a [&'a [u8]]) -> Result<Request<'a>, Error> {
        let mut may_create = true;
        let mut options = TrimOptions::default();
        let mut idempotency = None;
        let mut terms = Terms::default();
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
            } else if let Some(taken) = terms.take(rest, cx.mode == Mode::Replay)? {
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
        Ok(Request { key: args[1], may_create, trim, policy, idempotency, terms, id, fields })
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

/// An entry that was added.
struct Added<'a> {
    id: StreamId,
    times: Times,
    /// What it is remembered as.
    message: Option<&'a [u8]>,
    trimmed: Option<Trimmed>,
    /// By the stream's own limit, where the request has trimmed as well.
    trimmed_more: Option<Trimmed>,
}

pub(super) fn xadd(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let request = Request::parse(cx, args)?;
    add(cx, &request)
}

/// Adds an entry that goes to the dead or comes back from them: it is none that was sent twice. False
/// if the stream does not take it.
pub(super) fn add_redriven(
    cx: &mut Cx<'_, '_>,
    key: &[u8],
    fields: &[&[u8]],
    to: Redriven<'_>,
) -> bool {
    let request = Request {
        key,
        may_create: true,
        trim: None,
        policy: RefPolicy::default(),
        idempotency: None,
        terms: Terms::redriven(to),
        id: NewId::Auto,
        fields,
    };
    // As if somebody sent it: with all that the stream does about it, and that others are told.
    let mut unread = Vec::new();
    let reply = Reply::new(&mut unread, Proto::Resp2);
    add(&mut Cx::new(cx.tx, reply, cx.session, cx.server, Mode::InExec), &request).is_ok()
}

fn add(cx: &mut Cx<'_, '_>, request: &Request<'_>) -> Outcome {
    let key = request.key;
    let now_ms = cx.tx.recorded_ms() as u64;
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
    if cx.mode != Mode::Replay && !request.terms.is_redriven() {
        let idempotency = request.idempotency.as_ref();
        match admission::find_duplicate(stream, idempotency, request.fields, now_ms) {
            Some(Duplicate::ByIid(id)) => {
                stream.idmp_mut().note_duplicate();
                let counts = (stream.idmp().added(), stream.idmp().duplicates());
                write_id(&mut cx.reply, id);
                idempotency::record_counts(cx, key, counts);
                return Ok(());
            }
            Some(Duplicate::ByField(id)) => {
                write_id(&mut cx.reply, id);
                return Ok(());
            }
            None => {}
        }
    }
    let added = request.add_to(stream, now_ms, limits, cx.mode == Mode::Replay);
    let (has_filters, timer_ms) = (stream.has_filters(), stream.soonest_after_add_ms());
    if is_new && added.is_err() {
        cx.tx.remove(key);
    }
    let added = added.as_ref().map_err(Error::clone)?;
    let id = IdText::new(added.id);
    cx.reply.bulk(id.as_bytes());
    cx.tx.changed(key);
    cx.tx.signal(key);
    cx.tx.notify(EventClass::STREAM, "xadd", key);
    if is_new {
        record_new_stream(cx, key);
    }
    record(cx, request, added, &id);
    if added.trimmed.is_some() || added.trimmed_more.is_some() {
        cx.tx.notify(EventClass::STREAM, "xtrim", key);
    }
    if let Some(timer_ms) = timer_ms {
        cx.tx.arm(key, timer_ms);
    }
    if has_filters && cx.mode != Mode::Replay {
        filter::pass_unwanted(cx.tx, key);
    }
    Ok(())
}

impl<'a> Request<'a> {
    /// Adds the entry, and removes what it makes too much.
    fn add_to(
        &self,
        stream: &mut Stream,
        now_ms: u64,
        limits: NodeLimits,
        is_replay: bool,
    ) -> Result<Added<'a>, Error> {
        let policy = stream.policy().filter(|_| !is_replay);
        let times = match is_replay {
            true => self.terms.stated(),
            false => self.terms.resolve(policy, self.fields, now_ms)?,
        };
        if let Some(policy) = policy {
            admission::check_room(stream, policy)?;
        }
        let id = self.resolve_id(stream, now_ms)?;
        if let Some(policy) = policy {
            admission::check_age(policy, id, times)?;
        }
        let message = match is_replay {
            true => self.terms.message(),
            false => stream.message(self.fields),
        };
        stream.append(id, self.fields, limits).map_err(|EntryTooLarge| TOO_LARGE)?;
        if let Some(known) = &self.idempotency {
            stream.idmp_mut().remember(known.producer, &known.iid, id, now_ms);
        }
        if let Some(message) = message {
            stream.remember_message(message, id, now_ms);
        }
        if times.due_ms.is_some() {
            // So that delays which are over do not gather.
            stream.forget_due(now_ms, 2);
        }
        stream.schedule(id, times.due_ms, times.expires_ms);
        if let Some(group) = self.terms.addressee() {
            stream.address(id, group);
        }
        let mut trimmed = self.trim.and_then(|trim| Trimmed::by(stream, trim, self.policy));
        let mut more = None;
        if !is_replay && stream.policy().is_some() {
            more = retention::trim_by_length(stream);
        }
        if trimmed.is_none() {
            trimmed = more.take();
        }
        Ok(Added { id, times, message, trimmed, trimmed_more: more })
    }
}

fn record(cx: &mut Cx<'_, '_>, request: &Request<'_>, added: &Added<'_>, id: &IdText) {
    let Added { times, message, trimmed, trimmed_more, .. } = added;
    let mut args = 3 + request.fields.len() + times.effect_args();
    args += request.idempotency.as_ref().map_or(0, |_| Idempotency::EFFECT_ARGS);
    args += trimmed.as_ref().map_or(0, Trimmed::effect_args);
    args += message.map_or(0, |_| 2);
    args += request.terms.addressee().map_or(0, |_| 2);
    let Some(mut effect) = cx.tx.effect(args) else { return };
    effect = effect.arg(b"XADD").arg(request.key);
    if let Some(known) = &request.idempotency {
        effect = known.write(effect);
    }
    if let Some(trimmed) = trimmed {
        effect = trimmed.write(effect);
    }
    if let Some(message) = message {
        effect = effect.arg(b"MESSAGE").arg(message);
    }
    if let Some(group) = request.terms.addressee() {
        effect = effect.arg(b"FOR").arg(group);
    }
    effect = times.write(effect);
    let fields = request.fields.iter().copied();
    effect.arg(id.as_bytes()).args(fields).end();
    if let Some(trimmed) = trimmed_more
        && let Some(effect) = cx.tx.effect(2 + trimmed.effect_args())
    {
        trimmed.write(effect.arg(b"XTRIM").arg(request.key)).end();
    }
}
