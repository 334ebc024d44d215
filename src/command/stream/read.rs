//! XREAD.

use smallvec::SmallVec;

use super::args;
use super::read_options::{
    MAXCOUNT_BELOW_COUNT, MAXCOUNT_NOT_POSITIVE, MAXSIZE_NOT_POSITIVE, Room, positive,
};
use super::reply::{IdText, write_entry};
use crate::command::args::{integer, is, timeout_ms};
use crate::command::cx::{AtDeadline, Blocking, Cx};
use crate::command::error::{Error, Outcome};
use crate::keyspace::{Class, Typed, Wait};
use crate::types::stream::log::{Cursor, Entry};
use crate::types::stream::{Stream, StreamId};

const UNBALANCED: Error = Error::fixed(
    "ERR Unbalanced 'xread' list of streams: for each stream key an ID, '+', or '$' must be \
     specified.",
);
const GROUP_ID: Error = Error::fixed(
    "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> \
     <consumer> option.",
);
const GROUP: Error =
    Error::fixed("ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.");
const NOACK: Error =
    Error::fixed("ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.");

struct Request<'a, 'b> {
    /// Entries of each stream (COUNT).
    count: usize,
    /// What MAXCOUNT and MAXSIZE leave room for.
    room: Room,
    /// BLOCK was given; the deadline in unix ms, `None` for a wait without end.
    block: Option<Option<i64>>,
    keys: &'a [&'b [u8]],
    /// One for each key.
    ids: &'a [&'b [u8]],
}

impl<'a, 'b> Request<'a, 'b> {
    fn parse(args: &'a [&'b [u8]], now_ms: i64) -> Result<Request<'a, 'b>, Error> {
        let mut count = None;
        let mut request =
            Request { count: usize::MAX, room: Room::default(), block: None, keys: &[], ids: &[] };
        let mut rest = &args[1..];
        loop {
            rest = match rest {
                [word, value, rest @ ..] if is(word, "BLOCK") => {
                    request.block = Some(timeout_ms(value, now_ms)?);
                    rest
                }
                [word, value, rest @ ..] if is(word, "COUNT") => {
                    count = usize::try_from(integer(value)?).ok().filter(|&count| count > 0);
                    request.count = count.unwrap_or(usize::MAX);
                    rest
                }
                [word, value, rest @ ..] if is(word, "MAXCOUNT") => {
                    request.room.entries = positive(value, MAXCOUNT_NOT_POSITIVE)?;
                    rest
                }
                [word, value, rest @ ..] if is(word, "MAXSIZE") => {
                    request.room.bytes = Some(positive(value, MAXSIZE_NOT_POSITIVE)?);
                    rest
                }
                [word, streams @ ..] if is(word, "STREAMS") && !streams.is_empty() => {
                    if !streams.len().is_multiple_of(2) {
                        return Err(UNBALANCED);
                    }
                    (request.keys, request.ids) = streams.split_at(streams.len() / 2);
                    break;
                }
                [word, _, _, ..] if is(word, "GROUP") => return Err(GROUP),
                [word, ..] if is(word, "NOACK") => return Err(NOACK),
                _ => return Err(Error::SYNTAX),
            };
        }
        if count.is_some_and(|count| request.room.entries < count as u64) {
            return Err(MAXCOUNT_BELOW_COUNT);
        }
        Ok(request)
    }
}

/// What is to be read of a stream.
#[derive(Clone, Copy)]
enum From {
    /// What is behind this id.
    After(StreamId),
    /// The last entry (`+`).
    Last,
}

pub(super) fn xread(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let request = Request::parse(args, cx.tx.now_ms())?;
    let mut froms: SmallVec<[From; 4]> = SmallVec::new();
    for (key, id) in request.keys.iter().zip(request.ids) {
        let stream = cx.tx.read::<Stream>(key)?;
        froms.push(match *id {
            b"$" => From::After(stream.map_or(StreamId::MIN, Stream::last_id)),
            b"+" => From::Last,
            b">" => return Err(GROUP_ID),
            id => From::After(args::id(id, 0)?),
        });
    }
    let tx = &*cx.tx;
    let mut room = request.room;
    let mut found: SmallVec<[(&[u8], Entries<'_>); 1]> = SmallVec::new();
    for (key, from) in request.keys.iter().zip(&froms) {
        let Some(stream) = tx.peek(key).and_then(Stream::of) else { continue };
        let entries = read(stream, *from, request.count, &mut room);
        if !entries.is_empty() {
            found.push((key, entries));
        }
    }
    if found.is_empty() {
        drop(found);
        match request.block {
            Some(deadline_ms) => block(cx, args, &request, &froms, deadline_ms),
            None => cx.reply.null_array(),
        }
        return Ok(());
    }
    let reply = &mut cx.reply;
    if reply.is_resp3() {
        reply.map(found.len())
    } else {
        reply.array(found.len())
    }
    for (key, entries) in &found {
        if !reply.is_resp3() {
            reply.array(2);
        }
        reply.bulk(key);
        reply.array(entries.len());
        for entry in entries {
            write_entry(reply, entry);
        }
    }
    Ok(())
}

type Entries<'a> = SmallVec<[Entry<'a>; 4]>;

fn read<'a>(stream: &'a Stream, from: From, count: usize, room: &mut Room) -> Entries<'a> {
    let log = stream.log();
    let mut entries = Entries::new();
    match from {
        From::Last => entries.extend(log.last().filter(|entry| room.take(entry))),
        From::After(id) => {
            let range = log.after(id, Cursor::default()).take(count);
            entries.extend(range.take_while(|entry| room.take(entry)));
        }
    }
    entries
}

/// Waits for entries behind those that are there now.
fn block(
    cx: &mut Cx<'_, '_>,
    args: &[&[u8]],
    request: &Request<'_, '_>,
    froms: &[From],
    deadline_ms: Option<i64>,
) {
    // What `$` stands for is settled now.
    let mut retry_args: Vec<Vec<u8>> = args.iter().map(|arg| arg.to_vec()).collect();
    let ids_at = args.len() - request.ids.len();
    for (arg, from) in retry_args[ids_at..].iter_mut().zip(froms) {
        if let From::After(id) = from {
            *arg = IdText::new(*id).as_bytes().to_vec();
        }
    }
    let keys = request.keys.iter().map(|&key| key.into()).collect();
    cx.block_with(Blocking {
        wait: Wait { keys, class: Class::StreamReader },
        deadline_ms,
        at_deadline: AtDeadline::NullArray,
        retry_args: Some(retry_args),
        look_again_ms: None,
    });
}
