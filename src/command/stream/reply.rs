//! Writing ids and entries.

use crate::resp::Reply;
use crate::types::stream::StreamId;
use crate::types::stream::log::Entry;

/// The longest text of an id: two numbers of 20 digits and the dash.
const ID_TEXT_MAX: usize = 41;

/// An id as text, without allocating: every entry read needs one.
pub(super) struct IdText {
    bytes: [u8; ID_TEXT_MAX],
    length: usize,
}

impl IdText {
    pub(super) fn new(id: StreamId) -> IdText {
        let mut text = IdText { bytes: [0; ID_TEXT_MAX], length: 0 };
        text.push(itoa::Buffer::new().format(id.ms).as_bytes());
        text.push(b"-");
        text.push(itoa::Buffer::new().format(id.seq).as_bytes());
        text
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }
}

pub(super) fn write_id(reply: &mut Reply<'_>, id: StreamId) {
    reply.bulk(IdText::new(id).as_bytes());
}

/// An entry: its id, and its names and values in a flat array.
pub(super) fn write_entry(reply: &mut Reply<'_>, entry: &Entry<'_>) {
    reply.array(2);
    write_entry_items(reply, entry);
}

/// What [`write_entry`] writes into its array, for an array that goes on.
pub(super) fn write_entry_items(reply: &mut Reply<'_>, entry: &Entry<'_>) {
    write_id(reply, entry.id());
    reply.array(entry.field_count() * 2);
    for (name, value) in entry.fields() {
        reply.bulk(name);
        reply.bulk(value);
    }
}

/// An entry that a group knows of and the stream no longer has.
pub(super) fn write_deleted_entry(reply: &mut Reply<'_>, id: StreamId) {
    reply.array(2);
    write_id(reply, id);
    reply.null_array();
}

/// How many bytes [`write_entry`] writes.
pub(super) fn entry_bytes(entry: &Entry<'_>) -> u64 {
    let fields: usize =
        entry.fields().map(|(name, value)| bulk_bytes(name.len()) + bulk_bytes(value.len())).sum();
    let arrays = header_bytes(2) + header_bytes(entry.field_count() * 2);
    (arrays + bulk_bytes(IdText::new(entry.id()).as_bytes().len()) + fields) as u64
}

fn bulk_bytes(length: usize) -> usize {
    header_bytes(length) + length + 2
}

/// A tag, a length and a line end.
fn header_bytes(length: usize) -> usize {
    let digits = length.checked_ilog10().map_or(1, |log| log as usize + 1);
    1 + digits + 2
}
