//! The commands about replicas, as a primary answers them that has none and takes none.

use super::args::{self, is};
use super::cx::{AtDeadline, Cx};
use super::error::{Error, Outcome};
use super::table::{Entry, keys};
use crate::keyspace::Class;

pub(super) static COMMANDS: &[Entry] = &[
    keys("failover", failover),
    keys("psync", sync),
    keys("replconf", replconf),
    keys("replicaof", replicaof),
    keys("role", role),
    keys("slaveof", replicaof),
    keys("sync", sync),
    keys("wait", wait),
];

/// A primary, at offset 0, with no replicas.
fn role(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    cx.reply.array(3);
    cx.reply.text("master");
    cx.reply.int(0);
    cx.reply.array(0);
    Ok(())
}

/// NO ONE is what the server is already. Following another server is refused as the setting is.
fn replicaof(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    if is(args[1], "NO") && is(args[2], "ONE") {
        cx.reply.ok();
        return Ok(());
    }
    let port = args::parse_i64(args[2]).filter(|port| (0..=65535).contains(port));
    port.ok_or(Error::fixed("ERR Invalid master port"))?;
    Err(Error::fixed("ERR replication is not built: this server can follow no other"))
}

fn sync(_: &mut Cx<'_, '_>, _: &[&[u8]]) -> Outcome {
    Err(Error::fixed("ERR replication is not built: this server takes no replicas"))
}

/// What a replica says of itself before it asks for changes, which it is then refused.
fn replconf(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let (pairs, rest) = args[1..].as_chunks::<2>();
    if !rest.is_empty() {
        return Err(Error::SYNTAX);
    }
    for [option, value] in pairs {
        match () {
            // These are said by a replica that is already one, and are never answered.
            () if is(option, "ACK") || is(option, "GETACK") => return Ok(()),
            () if is(option, "LISTENING-PORT") || is(option, "RDB-ONLY") => {
                args::integer(value)?;
            }
            () if ["IP-ADDRESS", "CAPA", "VERSION", "RDB-FILTER-ONLY", "MAIN-CH-CLIENT-ID"]
                .iter()
                .any(|known| is(option, known)) => {}
            () => return Err(Error::quoting(&[b"ERR Unrecognized REPLCONF option: ", option])),
        }
    }
    cx.reply.ok();
    Ok(())
}

fn failover(_: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let mut rest = &args[1..];
    if let [word] = rest
        && is(word, "ABORT")
    {
        return Err(Error::fixed("ERR No failover in progress."));
    }
    loop {
        rest = match *rest {
            [] => return Err(Error::fixed("ERR FAILOVER requires connected replicas.")),
            [word, ms, ref behind @ ..] if is(word, "TIMEOUT") => {
                if args::integer(ms)? <= 0 {
                    return Err(Error::fixed("ERR FAILOVER timeout must be greater than 0"));
                }
                behind
            }
            [word, _, port, ref behind @ ..] if is(word, "TO") => {
                args::small_integer(port)?;
                behind
            }
            [word, ref behind @ ..] if is(word, "FORCE") => behind,
            _ => return Err(Error::SYNTAX),
        }
    }
}

/// Waits for replicas to have what the connection has written. There are none, so whoever asks for
/// one waits until the time is over.
fn wait(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let replicas = args::integer(args[1])?;
    let deadline_ms = args::timeout_ms(args[2], cx.tx.now_ms())?;
    if replicas <= 0 {
        cx.reply.int(0);
    } else {
        cx.block(&[], Class::List, deadline_ms, AtDeadline::Zero);
    }
    Ok(())
}
