//! How one entry lies in a block, and the view of it that readers get.
//!
//! ```text
//! entry    head  id  body
//! head     bit 0 removed, bit 1 same fields as the block's template, bits 2..3 how the id is written
//! id       BASE_MS     seq - base.seq
//!          NEXT_MS     ms - base.ms            (seq is 0, as in most ids made by `*`)
//!          NEXT_MS_SEQ ms - base.ms, seq
//! body     same fields: value…          else: field count, (name, value)…
//! template field count, name…
//! ```
//!
//! `base` is the id of the block's first entry. Names and values are a length and the bytes; all
//! numbers are LEB128.

use crate::types::image::{BadImage, Cut};
use crate::types::stream::StreamId;

/// Set when the entry has been removed and only its bytes still lie there.
pub(super) const HEAD_REMOVED: u8 = 0b0001;
const HEAD_SAME_FIELDS: u8 = 0b0010;
const HEAD_ID: u8 = 0b1100;
const ID_BASE_MS: u8 = 0b0000;
const ID_NEXT_MS: u8 = 0b0100;
const ID_NEXT_MS_SEQ: u8 = 0b1000;

/// One entry of a [`Log`](super::Log), borrowed from its block.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    id: StreamId,
    fields: Fields<'a>,
}

impl<'a> Entry<'a> {
    /// Reads the entry at the start of `bytes`, of a block with this base id and template.
    #[inline]
    pub(super) fn decode(base: StreamId, template: &'a [u8], bytes: &'a [u8]) -> Entry<'a> {
        let mut body = bytes;
        let (id, head) = take_id(base, &mut body);
        let fields = if head & HEAD_SAME_FIELDS != 0 {
            let mut names = template;
            let left = take_varint(&mut names) as usize;
            Fields { left, names: Some(names), body }
        } else {
            let left = take_varint(&mut body) as usize;
            Fields { left, names: None, body }
        };
        Entry { id, fields }
    }

    pub fn id(&self) -> StreamId {
        self.id
    }

    /// The number of (name, value) pairs.
    pub fn field_count(&self) -> usize {
        self.fields.left
    }

    /// The (name, value) pairs in the order in which they were added.
    pub fn fields(&self) -> Fields<'a> {
        self.fields
    }

    /// The bytes of all names and values together.
    pub fn payload_bytes(&self) -> usize {
        self.fields().map(|(name, value)| name.len() + value.len()).sum()
    }
}

impl std::fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ", self.id)?;
        f.debug_map()
            .entries(self.fields().map(|(n, v)| (n.escape_ascii().to_string(), v.escape_ascii())))
            .finish()
    }
}

/// The (name, value) pairs of an [`Entry`].
#[derive(Clone, Copy)]
pub struct Fields<'a> {
    left: usize,
    /// The names that follow in the template, for an entry that shares them.
    names: Option<&'a [u8]>,
    body: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let name = match &mut self.names {
            Some(names) => take_bytes(names),
            None => take_bytes(&mut self.body),
        };
        Some((name, take_bytes(&mut self.body)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Fields<'_> {}

/// The id of the entry at the start of `bytes`, and its head.
#[inline]
pub(super) fn decode_id(base: StreamId, mut bytes: &[u8]) -> StreamId {
    take_id(base, &mut bytes).0
}

#[inline]
fn take_id(base: StreamId, bytes: &mut &[u8]) -> (StreamId, u8) {
    let head = bytes[0];
    *bytes = &bytes[1..];
    let first = take_varint(bytes);
    let id = match head & HEAD_ID {
        ID_BASE_MS => StreamId { ms: base.ms, seq: base.seq + first },
        ID_NEXT_MS => StreamId { ms: base.ms + first, seq: 0 },
        _ => StreamId { ms: base.ms + first, seq: take_varint(bytes) },
    };
    (id, head)
}

/// The encoded length of an entry's head and id.
pub(super) fn id_len(base: StreamId, id: StreamId) -> usize {
    match id_form(base, id) {
        (ID_NEXT_MS_SEQ, first) => 1 + varint_len(first) + varint_len(id.seq),
        (_, first) => 1 + varint_len(first),
    }
}

fn id_form(base: StreamId, id: StreamId) -> (u8, u64) {
    if id.ms == base.ms {
        (ID_BASE_MS, id.seq - base.seq)
    } else if id.seq == 0 {
        (ID_NEXT_MS, id.ms - base.ms)
    } else {
        (ID_NEXT_MS_SEQ, id.ms - base.ms)
    }
}

/// Appends an entry. `fields` alternates names and values; the names are left out when they are
/// those of the template.
pub(super) fn encode<F: AsRef<[u8]>>(
    out: &mut Vec<u8>,
    base: StreamId,
    id: StreamId,
    fields: &[F],
    same_fields: bool,
) {
    let (form, first) = id_form(base, id);
    out.push(form | if same_fields { HEAD_SAME_FIELDS } else { 0 });
    put_varint(out, first);
    if form == ID_NEXT_MS_SEQ {
        put_varint(out, id.seq);
    }
    if same_fields {
        for [_, value] in pairs(fields) {
            put_bytes(out, value.as_ref());
        }
    } else {
        put_varint(out, fields.len() as u64 / 2);
        for field in fields {
            put_bytes(out, field.as_ref());
        }
    }
}

/// Appends the template that an entry with these `fields` would have.
pub(super) fn encode_template<F: AsRef<[u8]>>(out: &mut Vec<u8>, fields: &[F]) {
    put_varint(out, fields.len() as u64 / 2);
    for [name, _] in pairs(fields) {
        put_bytes(out, name.as_ref());
    }
}

/// Whether `template` holds just the names of `fields`, in their order.
pub(super) fn template_matches<F: AsRef<[u8]>>(mut template: &[u8], fields: &[F]) -> bool {
    take_varint(&mut template) == fields.len() as u64 / 2
        && pairs(fields).iter().all(|[name, _]| take_bytes(&mut template) == name.as_ref())
}

/// The number of names in a template that is just what [`encode_template`] writes.
pub(super) fn check_template(template: &[u8]) -> Result<u64, BadImage> {
    let mut cut = Cut::new(template);
    let names = cut.varint()?;
    for _ in 0..names {
        cut.bytes()?;
    }
    cut.end()?;
    Ok(names)
}

/// Passes over an entry of a block with this base id and so many names in its template; its id, and
/// whether it has been removed. What passes can be read by [`Entry::decode`].
#[inline]
pub(super) fn check(
    base: StreamId,
    names: u64,
    cut: &mut Cut<'_>,
) -> Result<(StreamId, bool), BadImage> {
    const WRONG: BadImage = BadImage("an entry of a stream is damaged");
    let head = cut.byte()?;
    let first = cut.varint()?;
    let id = match head & !(HEAD_REMOVED | HEAD_SAME_FIELDS) {
        ID_BASE_MS => base.seq.checked_add(first).map(|seq| StreamId { ms: base.ms, seq }),
        ID_NEXT_MS => base.ms.checked_add(first).map(|ms| StreamId { ms, seq: 0 }),
        ID_NEXT_MS_SEQ => {
            let seq = cut.varint()?;
            base.ms.checked_add(first).map(|ms| StreamId { ms, seq })
        }
        _ => None,
    };
    let strings = match head & HEAD_SAME_FIELDS {
        0 => cut.varint()?.checked_mul(2).ok_or(WRONG)?,
        _ => names,
    };
    for _ in 0..strings {
        cut.bytes()?;
    }
    Ok((id.ok_or(WRONG)?, head & HEAD_REMOVED != 0))
}

/// The length of a LEB128 number.
#[inline]
fn varint_len(value: u64) -> usize {
    if value < 0x80 {
        return 1;
    }
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// The length of an entry's body as [`encode`] writes it.
pub(super) fn body_len<F: AsRef<[u8]>>(fields: &[F], same_fields: bool) -> usize {
    let values: usize = pairs(fields).iter().map(|[_, value]| bytes_len(value.as_ref())).sum();
    if same_fields {
        return values;
    }
    let names: usize = pairs(fields).iter().map(|[name, _]| bytes_len(name.as_ref())).sum();
    varint_len(fields.len() as u64 / 2) + names + values
}

/// Alternating names and values as pairs.
#[inline]
pub(super) fn pairs<F>(fields: &[F]) -> &[[F; 2]] {
    fields.as_chunks().0
}

/// The length of a string with its length before it.
fn bytes_len(bytes: &[u8]) -> usize {
    varint_len(bytes.len() as u64) + bytes.len()
}

#[inline]
fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[inline]
fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[inline]
fn take_varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    let mut shift = 0;
    loop {
        let byte = bytes[0];
        *bytes = &bytes[1..];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return value;
        }
        shift += 7;
    }
}

#[inline]
fn take_bytes<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let len = take_varint(bytes) as usize;
    let (taken, rest) = bytes.split_at(len);
    *bytes = rest;
    taken
}
