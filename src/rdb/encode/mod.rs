//! Writing values.

mod hash;
mod set;
mod stream;

use std::io::{self, Write};

pub(super) use hash::has_deadlines as has_field_deadlines;

use super::kind::{self, node};
use super::lzf;
use super::packed::listpack;
use crate::keyspace::Value;
use crate::resp::text::DoubleText;
use crate::types::list::List;
use crate::types::number::parse_i64;
use crate::types::stream::Stream;
use crate::types::stream::idmp::IdmpLimits;
use crate::types::zset::Zset;

/// How much of a value its form can hold, which decides who can read it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Form {
    /// What redis-server from 7.2 and valkey-server read. Idempotency ids are left out of streams,
    /// and pending entries that have no owner go to a consumer named [`RELEASED_CONSUMER`], with a
    /// time of delivery so long ago that anybody may claim them.
    Common,
    /// Redis 7.4: with deadlines of fields. Valkey has a form of its own.
    WithFieldDeadlines,
    /// Redis 8.6: with idempotency.
    WithIdempotency,
    /// Redis 8.8: with pending entries that have no owner.
    WithUnowned,
}

/// Who holds entries without an owner where a form must have one.
pub const RELEASED_CONSUMER: &[u8] = b"released";

impl Form {
    /// The RDB version that first has the form.
    pub fn version(self) -> u32 {
        match self {
            Form::Common => 11,
            Form::WithFieldDeadlines => 12,
            Form::WithIdempotency => 13,
            Form::WithUnowned => 14,
        }
    }

    /// The oldest form that holds all of a value. `idmp` is what needs no telling.
    pub fn least_for(value: &Value, idmp: IdmpLimits) -> Form {
        match value {
            Value::Stream(stream) if has_unowned(stream) => Form::WithUnowned,
            Value::Stream(stream) if has_idempotency(stream, idmp) => Form::WithIdempotency,
            Value::Hash(hash) if has_field_deadlines(hash) => Form::WithFieldDeadlines,
            _ => Form::Common,
        }
    }
}

/// Whether a stream has pending entries without an owner.
pub(super) fn has_unowned(stream: &Stream) -> bool {
    stream.groups().any(|(_, group)| group.unowned_count() > 0)
}

/// Whether a stream remembers producers, or otherwise than by these limits.
pub(super) fn has_idempotency(stream: &Stream, limits: IdmpLimits) -> bool {
    let idmp = stream.idmp();
    let unused = idmp.added() == 0 && idmp.duplicates() == 0 && idmp.iter(0).next().is_none();
    !unused || idmp.limits() != limits
}

/// Strings up to this length are written as they are: Redis's own bound.
const COMPRESSED_BYTES_MIN: usize = 21;
/// What compression has to save.
const SAVING_BYTES_MIN: usize = 4;
/// The listpacks that lists are cut into: as Redis's own by default.
const LIST_NODE_BYTES_MAX: usize = 8 * 1024;

/// Writes a value's type byte. In a file the key stands between it and the value.
pub(super) fn kind_of(value: &Value, form: Form) -> u8 {
    match value {
        Value::String(_) => kind::value::STRING,
        Value::List(_) => kind::value::LIST_QUICKLIST_2,
        Value::Set(members) => set::kind_of(members),
        Value::Zset(set) if set.is_large() => kind::value::ZSET_2,
        Value::Zset(_) => kind::value::ZSET_LISTPACK,
        Value::Hash(fields) => hash::kind_of(fields),
        Value::Stream(_) => match form {
            Form::Common | Form::WithFieldDeadlines => kind::value::STREAM_LISTPACKS_3,
            Form::WithIdempotency => kind::value::STREAM_LISTPACKS_4,
            Form::WithUnowned => kind::value::STREAM_LISTPACKS_5,
        },
    }
}

/// Writes a value with its type byte before it.
pub(super) fn value(out: &mut dyn Write, value: &Value, form: Form) -> io::Result<()> {
    out.write_all(&[kind_of(value, form)])?;
    body(out, value, form)
}

/// Writes a value without its type byte.
pub(super) fn body(out: &mut dyn Write, value: &Value, form: Form) -> io::Result<()> {
    match value {
        Value::String(text) => string(out, &text.text()),
        Value::List(elements) => list(out, elements),
        Value::Set(members) => set::set(out, members),
        Value::Zset(set) => zset(out, set),
        Value::Hash(fields) => hash::hash(out, fields),
        Value::Stream(entries) => stream::stream(out, entries, form),
    }
}

/// Writes a length, or any number that is written as one.
pub(super) fn length(out: &mut dyn Write, value: u64) -> io::Result<()> {
    match value {
        0..0x40 => out.write_all(&[value as u8]),
        0x40..0x4000 => out.write_all(&(0x4000 | value as u16).to_be_bytes()),
        0x4000..=0xffff_ffff => {
            out.write_all(&[0x80])?;
            out.write_all(&(value as u32).to_be_bytes())
        }
        _ => {
            out.write_all(&[0x81])?;
            out.write_all(&value.to_be_bytes())
        }
    }
}

/// Writes a string: as an integer of up to four bytes, or compressed, where that is shorter.
pub(super) fn string(out: &mut dyn Write, text: &[u8]) -> io::Result<()> {
    // The longest number of 32 bits has eleven characters.
    if text.len() <= 11
        && let Some(value) = parse_i64(text)
        && let Ok(value) = i32::try_from(value)
    {
        return small_integer(out, value);
    }
    if text.len() >= COMPRESSED_BYTES_MIN
        && let Some(packed) = lzf::compress(text, SAVING_BYTES_MIN)
    {
        out.write_all(&[0xc3])?;
        length(out, packed.len() as u64)?;
        length(out, text.len() as u64)?;
        return out.write_all(&packed);
    }
    length(out, text.len() as u64)?;
    out.write_all(text)
}

fn small_integer(out: &mut dyn Write, value: i32) -> io::Result<()> {
    let wide = value.to_le_bytes();
    let (form, bytes) = match value {
        -0x80..=0x7f => (0xc0, &wide[..1]),
        -0x8000..=0x7fff => (0xc1, &wide[..2]),
        _ => (0xc2, &wide[..]),
    };
    out.write_all(&[form])?;
    out.write_all(bytes)
}

/// Writes a small sorted set as a listpack, a large one member by member, from the highest score down:
/// so servers put each before all that they have, which is the least work.
fn zset(out: &mut dyn Write, set: &Zset) -> io::Result<()> {
    if set.is_large() {
        length(out, set.len() as u64)?;
        return set.iter().rev().try_for_each(|(member, score)| {
            string(out, member)?;
            out.write_all(&score.to_le_bytes())
        });
    }
    let mut packed = listpack::Builder::new();
    for (member, score) in set.iter() {
        packed.push(member);
        packed.push(&DoubleText::new(score));
    }
    string(out, &packed.finish())
}

/// Writes a list as nodes of its elements; what is larger than a node is one by itself.
fn list(out: &mut dyn Write, list: &List) -> io::Result<()> {
    let mut nodes = 0;
    for_each_node(list, |_| {
        nodes += 1;
        Ok(())
    })?;
    length(out, nodes)?;
    for_each_node(list, |node| match node {
        Node::Plain(element) => {
            length(out, node::PLAIN)?;
            string(out, element)
        }
        Node::Packed(listpack) => {
            length(out, node::PACKED)?;
            string(out, &listpack.finish())
        }
    })
}

enum Node<'n> {
    Plain(&'n [u8]),
    Packed(listpack::Builder),
}

fn for_each_node(list: &List, mut each: impl FnMut(Node<'_>) -> io::Result<()>) -> io::Result<()> {
    let mut open = listpack::Builder::new();
    for element in list.iter() {
        let is_plain = element.len() > LIST_NODE_BYTES_MAX;
        let is_full = open.len() + listpack::element_len_max(element.len()) > LIST_NODE_BYTES_MAX;
        if (is_plain || is_full) && !open.is_empty() {
            each(Node::Packed(std::mem::take(&mut open)))?;
        }
        if is_plain {
            each(Node::Plain(&element))?;
        } else {
            open.push(&element);
        }
    }
    if open.is_empty() { Ok(()) } else { each(Node::Packed(open)) }
}
