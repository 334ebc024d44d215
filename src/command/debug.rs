//! DEBUG: for tests and for looking at one key from the inside.

mod protocol;

use std::time::Duration;

use super::args::is;
use super::blocking::take_long;
use super::cx::Cx;
use super::error::{Error, Outcome};
use super::server::Server;
use super::session::Session;
use super::store;
use super::table::{Entry, keys};
use crate::keyspace::{NEVER, ShardSet, Tx};
use crate::types::number::parse_i64;

pub(super) static COMMANDS: &[Entry] = &[keys("debug", debug)];

const NOT_ALLOWED: &str = "ERR DEBUG command not allowed. If the enable-debug-command option is \
                           set to \"local\", you can run it from a local connection, otherwise \
                           you need to set this option in the configuration file, and then \
                           restart the server.";

const HELP: &[&str] = &[
    "DEBUG takes one of these subcommands:",
    "ERROR <text>",
    "    Answer with this error.",
    "LOG <text>",
    "    Write a line into the log.",
    "OBJECT <key>",
    "    Show how a key's value is held.",
    "PROTOCOL <kind>",
    "    Answer with a reply of this kind: string, integer, double, bignum, null, array, set, map,",
    "    attrib, push, verbatim, true or false.",
    "RELOAD [NOSAVE]",
    "    Take a snapshot, then load everything anew from the disk.",
    "SET-ACTIVE-EXPIRE <0|1>",
    "    Stop, or go on, removing keys when they are due; reads never see them either way.",
    "SLEEP <seconds>",
    "    Do nothing for that long, then answer. Other connections are served meanwhile.",
    "DICT-RESIZING, PAUSE-CRON, QUICKLIST-PACKED-THRESHOLD, REPLYBUFFER RESIZING, each <value>",
    "    Nothing: what they steer in Redis is not here. Test suites set them.",
    "HELP",
    "    Show this.",
];

/// Steers the inside of Redis: its tables, its timer, its lists' nodes.
const STEERS_NOTHING: [&str; 3] = ["DICT-RESIZING", "PAUSE-CRON", "QUICKLIST-PACKED-THRESHOLD"];

/// Whether `enable-debug-command` lets this connection call DEBUG. Asked before anything else that is
/// known of the user or the transaction, as in Redis.
///
/// # Errors
/// It does not.
pub(super) fn check_open(server: &Server, session: &Session) -> Outcome {
    match server.config.enable_debug_command.get().as_slice() {
        b"yes" => Ok(()),
        b"local" if session.is_local() => Ok(()),
        _ => Err(Error::fixed(NOT_ALLOWED)),
    }
}

fn debug(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    match args[1..] {
        [name] if is(name, "HELP") => {
            cx.reply.array(HELP.len());
            HELP.iter().for_each(|line| cx.reply.simple(line));
            Ok(())
        }
        [name, text] if is(name, "ERROR") => Err(Error::new(text)),
        [name, text] if is(name, "LOG") => {
            tracing::warn!("DEBUG LOG: {}", text.escape_ascii());
            cx.reply.ok();
            Ok(())
        }
        [name, kind] if is(name, "PROTOCOL") => protocol::protocol(cx, kind),
        [name, _] if STEERS_NOTHING.iter().any(|known| is(name, known)) => {
            cx.reply.ok();
            Ok(())
        }
        [name, what, _] if is(name, "REPLYBUFFER") && is(what, "RESIZING") => {
            cx.reply.ok();
            Ok(())
        }
        [name, key] if is(name, "OBJECT") => object(cx, key),
        [name, ref options @ ..] if is(name, "RELOAD") => reload(cx, options),
        [name, seconds] if is(name, "SLEEP") => sleep(cx, seconds),
        [name, active] if is(name, "SET-ACTIVE-EXPIRE") => set_active_expire(cx, active),
        _ => {
            let name = String::from_utf8_lossy(&args[1][..args[1].len().min(128)]).into_owned();
            Err(Error::new(format!(
                "ERR unknown subcommand or wrong number of arguments for '{name}'. Try DEBUG HELP."
            )))
        }
    }
}

/// The command's facts name no key, so it comes without a lock and takes that of the key here. In a
/// transaction others may be held already, and taking one out of order could wait forever.
fn object(cx: &mut Cx<'_, '_>, key: &[u8]) -> Outcome {
    let keyspace = cx.tx.keyspace();
    let shard = keyspace.shard_of(key);
    let described = if cx.tx.locked().contains(shard) {
        describe(cx.tx, key)
    } else if cx.tx.locked() == ShardSet::NONE {
        keyspace.run(shard, cx.tx.db(), cx.tx.now_ms(), |tx| describe(tx, key))
    } else {
        return Err(Error::fixed("ERR DEBUG OBJECT is not for transactions"));
    };
    cx.reply.simple(&described.ok_or(Error::NO_SUCH_KEY)?);
    Ok(())
}

fn describe(tx: &Tx<'_>, key: &[u8]) -> Option<String> {
    let slot = tx.slot(key)?;
    let encoding = slot.value.encoding(slot.key.len(), slot.expire_at_ms != NEVER);
    Some(format!(
        "Value at:{:p} refcount:1 encoding:{encoding} serializedlength:{} lru:{} \
         lru_seconds_idle:{}",
        &slot.value,
        super::memory::value_bytes(&slot.value, 0),
        // Redis keeps seconds in 24 bits.
        (slot.accessed_at_ms() / 1000) & 0xff_ffff,
        (tx.now_ms() - slot.accessed_at_ms()).max(0) / 1000
    ))
}

fn reload(cx: &mut Cx<'_, '_>, options: &[&[u8]]) -> Outcome {
    let mut with_snapshot = true;
    for option in options {
        match () {
            () if is(option, "NOSAVE") => with_snapshot = false,
            () if is(option, "NOFLUSH") || is(option, "MERGE") => {
                return Err(Error::fixed("ERR DEBUG RELOAD starts from empty databases here"));
            }
            () => {
                return Err(Error::fixed(
                    "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.",
                ));
            }
        }
    }
    if cx.tx.locked() != ShardSet::NONE {
        return Err(Error::fixed("ERR DEBUG RELOAD is not for transactions"));
    }
    if cx.server.store.loading.is_active() {
        return Err(Error::LOADING);
    }
    match take_long(|| store::reload(cx.server, with_snapshot)) {
        Ok(()) => cx.reply.ok(),
        Err(why) => return Err(Error::new(format!("ERR cannot reload: {why}"))),
    }
    Ok(())
}

/// The connection waits, as the name says, and so does whoever shares its pipeline. The worker thread
/// is handed over where the runtime can do that.
fn sleep(cx: &mut Cx<'_, '_>, seconds: &[u8]) -> Outcome {
    // What is not a number is no time at all, as in Redis.
    let seconds = std::str::from_utf8(seconds).ok().and_then(|text| text.parse().ok());
    let seconds: f64 = seconds.unwrap_or(0.0);
    let time = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    take_long(|| std::thread::sleep(time));
    cx.reply.ok();
    Ok(())
}

fn set_active_expire(cx: &mut Cx<'_, '_>, active: &[u8]) -> Outcome {
    // As C's atoi reads it: anything but a number is 0.
    let active = parse_i64(active).unwrap_or(0) != 0;
    cx.tx.keyspace().set_active_expiry(active);
    cx.reply.ok();
    Ok(())
}
