//! XGROUP: making, moving and removing groups and their consumers.

use super::args::{self, no_group_for_key};
use super::come_back;
use super::reply::IdText;
use super::retention;
use crate::command::args::{integer, is};
use crate::command::cx::{Cx, Mode};
use crate::command::error::{Error, Outcome};
use crate::keyspace::EventClass;
use crate::types::stream::group::{Consumer, Group};
use crate::types::stream::policy::GroupPolicy;
use crate::types::stream::{Stream, StreamId};

const KEY_REQUIRED: Error = Error::fixed(
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to \
     use the MKSTREAM option to create an empty stream automatically.",
);

/// What may follow the id in CREATE and SETID. Repeated, an option is taken, but no more arguments
/// than all options together have.
#[derive(Default)]
struct Options {
    make_stream: bool,
    /// `Some(None)` is the -1 that says "not known".
    entries_read: Option<Option<u64>>,
}

pub(super) fn create(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (key, name) = (args[2], args[3]);
    let options = options(args, true)?;
    let stream = cx.tx.peek_as::<Stream>(key)?;
    if stream.is_none() && !options.make_stream {
        return Err(KEY_REQUIRED);
    }
    if args.len() > 8 {
        return Err(unknown_subcommand(args[1]));
    }
    let is_new_key = stream.is_none();
    let (last_id, entries_added) =
        stream.map_or((StreamId::MIN, 0), |stream| (stream.last_id(), stream.entries_added()));
    let id = start_id(args[4], last_id)?;
    let entries_read = options.entries_read.flatten().map(|read| read.min(entries_added));
    if stream.is_some_and(|stream| stream.group(name).is_some()) {
        return Err(Error::fixed("BUSYGROUP Consumer Group name already exists"));
    }
    let policy = match cx.mode {
        // An effect of its own follows.
        Mode::Replay => None,
        _ => cx.server.stream_rules.of_group(key, name),
    };
    let empty = super::new_stream(cx.server, cx.mode, key);
    let at_ms = cx.tx.recorded_ms();
    let stream = cx.tx.write_or_insert(key, || empty)?;
    stream.add_group(name, Group::new(id, entries_read));
    let policy_words = policy.as_ref().map(GroupPolicy::words);
    if let Some(policy) = policy {
        stream.set_group_policy(name, policy, at_ms);
    }
    if is_new_key {
        cx.tx.changed(key)
    } else {
        cx.tx.changed_unwatched(key)
    }
    if is_new_key {
        super::record_new_stream(cx, key);
    }
    if let Some(effect) = cx.tx.effect(8) {
        let effect = effect.args([b"XGROUP" as &[u8], b"CREATE", key, name]);
        let effect = effect.arg(IdText::new(id).as_bytes()).arg(b"MKSTREAM").arg(b"ENTRIESREAD");
        effect.int(entries_read.map_or(-1, |read| read as i64)).end();
    }
    if let Some(words) = policy_words {
        super::policy::record_policy(cx.tx, key, Some(name), &words);
    }
    retention::groups_moved(cx.tx, key);
    cx.tx.notify(EventClass::STREAM, "xgroup-create", key);
    cx.reply.ok();
    Ok(())
}

pub(super) fn set_id(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (key, name) = (args[2], args[3]);
    let options = options(args, false)?;
    let stream = cx.tx.write::<Stream>(key)?.ok_or(KEY_REQUIRED)?;
    let (last_id, entries_added) = (stream.last_id(), stream.entries_added());
    let (group, _) = stream.group_mut(name).ok_or_else(|| no_group_for_key(key, name))?;
    if args.len() > 7 {
        return Err(unknown_subcommand(args[1]));
    }
    // Only here does Redis take the ends of a range as ids.
    let id = match args[4] {
        b"-" => StreamId::MIN,
        b"+" => StreamId::MAX,
        text => start_id(text, last_id)?,
    };
    let entries_read = options.entries_read.flatten().map(|read| read.min(entries_added));
    group.set_id(id, entries_read);
    // Who waits is not woken: as in Redis, only what is added to the stream ends a wait.
    cx.tx.changed_unwatched(key);
    if let Some(effect) = cx.tx.effect(7) {
        let effect = effect.args([b"XGROUP" as &[u8], b"SETID", key, name]);
        let effect = effect.arg(IdText::new(id).as_bytes()).arg(b"ENTRIESREAD");
        effect.int(entries_read.map_or(-1, |read| read as i64)).end();
    }
    retention::groups_moved(cx.tx, key);
    cx.tx.notify(EventClass::STREAM, "xgroup-setid", key);
    cx.reply.ok();
    Ok(())
}

pub(super) fn destroy(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (key, name) = (args[2], args[3]);
    let stream = cx.tx.write::<Stream>(key)?.ok_or(KEY_REQUIRED)?;
    let destroyed = stream.remove_group(name);
    cx.reply.int(i64::from(destroyed.is_some()));
    if destroyed.is_some() {
        cx.tx.changed_unwatched(key);
        // Who waits for the group has to learn that it is gone.
        cx.tx.signal(key);
        cx.tx.record(&[b"XGROUP", b"DESTROY", key, name]);
        retention::groups_moved(cx.tx, key);
        cx.tx.notify(EventClass::STREAM, "xgroup-destroy", key);
    }
    Ok(())
}

pub(super) fn create_consumer(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (key, name, consumer) = (args[2], args[3], args[4]);
    let now_ms = cx.tx.now_ms() as u64;
    let stream = cx.tx.write::<Stream>(key)?.ok_or(KEY_REQUIRED)?;
    let (group, _) = stream.group_mut(name).ok_or_else(|| no_group_for_key(key, name))?;
    let created = group.create_consumer(consumer, now_ms).is_some();
    let idle_check_ms = group.idle_check_ms();
    cx.reply.int(i64::from(created));
    if created {
        cx.tx.arm(key, idle_check_ms);
        cx.tx.changed_unwatched(key);
        cx.tx.record(&[b"XGROUP", b"CREATECONSUMER", key, name, consumer]);
        cx.tx.notify(EventClass::STREAM, "xgroup-createconsumer", key);
    }
    Ok(())
}

pub(super) fn delete_consumer(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (key, name, consumer) = (args[2], args[3], args[4]);
    let stream = cx.tx.write::<Stream>(key)?.ok_or(KEY_REQUIRED)?;
    let (group, _) = stream.group_mut(name).ok_or_else(|| no_group_for_key(key, name))?;
    let held = group.consumer(consumer).map_or(0, Consumer::pending);
    let keeps_entries = group.policy().is_some();
    if keeps_entries && held > 0 && !come_back::take_back(cx, key, name, consumer) {
        return Ok(());
    }
    let stream = cx.tx.write::<Stream>(key)?.ok_or(KEY_REQUIRED)?;
    let (group, _) = stream.group_mut(name).ok_or_else(|| no_group_for_key(key, name))?;
    let deleted = group.delete_consumer(consumer);
    let may_shed = stream.may_shed();
    cx.reply.int(deleted.map_or(0, |_| held) as i64);
    if deleted.is_some() {
        cx.tx.changed_unwatched(key);
        cx.tx.record(&[b"XGROUP", b"DELCONSUMER", key, name, consumer]);
        cx.tx.notify(EventClass::STREAM, "xgroup-delconsumer", key);
        if may_shed && held > 0 {
            // What it held is done with, where it does not come back.
            retention::groups_moved(cx.tx, key);
        }
    }
    Ok(())
}

fn options(args: &[&[u8]], may_make_stream: bool) -> Result<Options, Error> {
    let mut options = Options::default();
    let mut rest = &args[5..];
    loop {
        rest = match rest {
            [] => return Ok(options),
            [word, rest @ ..] if may_make_stream && is(word, "MKSTREAM") => {
                options.make_stream = true;
                rest
            }
            [word, count, rest @ ..] if is(word, "ENTRIESREAD") => {
                options.entries_read = Some(match integer(count)? {
                    -1 => None,
                    count => Some(u64::try_from(count).map_err(|_| {
                        Error::fixed("ERR value for ENTRIESREAD must be positive or -1")
                    })?),
                });
                rest
            }
            _ => return Err(unknown_subcommand(args[1])),
        };
    }
}

/// `$`, the stream's last id, or an id.
fn start_id(text: &[u8], last_id: StreamId) -> Result<StreamId, Error> {
    if text == b"$" { Ok(last_id) } else { args::id(text, 0) }
}

fn unknown_subcommand(word: &[u8]) -> Error {
    // Redis shows at most 128 bytes of the word.
    let word = &word[..word.len().min(128)];
    let head: &[u8] = b"ERR unknown subcommand or wrong number of arguments for '";
    Error::quoting(&[head, word, b"'. Try XGROUP HELP."])
}
