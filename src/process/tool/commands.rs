//! Commands as text, and the commands that would make a key.

use std::io::{self, Write};
use std::sync::Arc;

use super::streams::print_stream;
use crate::config::word;
use crate::keyspace::{Keyspace, NEVER, ShardSet, Slot, Value};
use crate::resp::text::format_double;
use crate::types::hash::Hash;
use crate::types::text::Text;
use crate::types::zset::Zset;

/// Elements that one command of a dump adds, at most.
const ELEMENTS_MAX: usize = 64;

/// Prints a request as a line that a client's prompt takes: words that need it in quotes.
pub fn print(args: &[impl AsRef<[u8]>], out: &mut impl Write) -> io::Result<()> {
    for (nth, arg) in args.iter().enumerate() {
        if nth > 0 {
            out.write_all(b" ")?;
        }
        out.write_all(word(arg.as_ref()).as_bytes())?;
    }
    out.write_all(b"\n")
}

/// Prints every key as the commands that make it.
pub fn print_keys(keyspace: &Arc<Keyspace>, out: &mut impl Write) -> io::Result<()> {
    keyspace.run(ShardSet::ALL, 0, 0, |tx| {
        // A snapshot's keys are shown whether they are due by now or not.
        tx.replay_at(0);
        for db in 0..keyspace.databases() {
            tx.select(db);
            if tx.db_len() == 0 {
                continue;
            }
            print(&[b"SELECT" as &[u8], db.to_string().as_bytes()], out)?;
            let mut printed = Ok(());
            tx.scan(0, usize::MAX, |slot| {
                if printed.is_ok() {
                    printed = print_key(slot, out);
                }
            });
            printed?;
        }
        Ok(())
    })
}

fn print_key(slot: &Slot, out: &mut impl Write) -> io::Result<()> {
    let key = &*slot.key;
    match &slot.value {
        Value::String(string) => print(&[b"SET" as &[u8], key, &string.text()], out)?,
        Value::List(list) => {
            print_elements(b"RPUSH", key, &list.iter().collect::<Vec<_>>(), out)?;
        }
        Value::Set(set) => print_elements(b"SADD", key, &set.iter().collect::<Vec<_>>(), out)?,
        Value::Zset(set) => print_zset(key, set, out)?,
        Value::Hash(hash) => print_hash(key, hash, out)?,
        Value::Stream(stream) => print_stream(key, stream, out)?,
    }
    if slot.expire_at_ms != NEVER {
        print(&[b"PEXPIREAT" as &[u8], key, slot.expire_at_ms.to_string().as_bytes()], out)?;
    }
    Ok(())
}

/// Prints the commands that add elements to a key.
fn print_elements(
    command: &[u8],
    key: &[u8],
    elements: &[Text<'_>],
    out: &mut impl Write,
) -> io::Result<()> {
    for some in elements.chunks(ELEMENTS_MAX) {
        let args: Vec<&[u8]> =
            [command, key].into_iter().chain(some.iter().map(|text| &**text)).collect();
        print(&args, out)?;
    }
    Ok(())
}

fn print_zset(key: &[u8], set: &Zset, out: &mut impl Write) -> io::Result<()> {
    let members: Vec<_> = set.iter().collect();
    for some in members.chunks(ELEMENTS_MAX) {
        let scores: Vec<String> = some.iter().map(|(_, score)| format_double(*score)).collect();
        let pairs =
            scores.iter().zip(some).flat_map(|(score, (member, _))| [score.as_bytes(), member]);
        let args: Vec<&[u8]> = [&b"ZADD"[..], key].into_iter().chain(pairs).collect();
        print(&args, out)?;
    }
    Ok(())
}

fn print_hash(key: &[u8], hash: &Hash, out: &mut impl Write) -> io::Result<()> {
    let fields: Vec<_> = hash.iter().collect();
    for some in fields.chunks(ELEMENTS_MAX) {
        let pairs = some.iter().flat_map(|(name, field)| [*name, field.value]);
        let args: Vec<&[u8]> = [&b"HSET"[..], key].into_iter().chain(pairs).collect();
        print(&args, out)?;
    }
    for (name, field) in fields.iter().filter(|(_, field)| field.expire_at_ms != NEVER) {
        let deadline = field.expire_at_ms.to_string();
        let head = [b"HPEXPIREAT" as &[u8], key, deadline.as_bytes()];
        print(&[&head[..], &[b"FIELDS", b"1", name]].concat(), out)?;
    }
    Ok(())
}
