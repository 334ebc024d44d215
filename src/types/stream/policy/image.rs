//! Policies in snapshots: their words, so that a parameter that comes later needs no new layout.
//!
//! ```text
//! StreamPolicy  words
//! GroupPolicy   words
//! ```

use super::{GroupPolicy, StreamPolicy};
use crate::types::image::bytes::put_bytes;
use crate::types::image::{BadImage, Cut, Tag};

const WRONG: BadImage = BadImage("a policy is damaged");

fn put_words(tag: Tag, words: &[Vec<u8>], out: &mut Vec<u8>) {
    out.push(tag as u8);
    words.iter().for_each(|word| put_bytes(out, word));
}

fn take_words(mut cut: Cut<'_>) -> Result<Vec<&[u8]>, BadImage> {
    let mut words = Vec::new();
    while !cut.is_empty() {
        words.push(cut.bytes()?);
    }
    Ok(words)
}

impl GroupPolicy {
    pub(in crate::types::stream) fn put_piece(&self, out: &mut Vec<u8>) {
        put_words(Tag::GroupPolicy, &self.words(), out);
    }

    pub(in crate::types::stream) fn read_piece(cut: Cut<'_>) -> Result<GroupPolicy, BadImage> {
        let mut policy = GroupPolicy::default();
        policy.set(&take_words(cut)?).map_err(|_| WRONG)?;
        if policy.is_none() { Err(WRONG) } else { Ok(policy) }
    }
}

impl StreamPolicy {
    pub(in crate::types::stream) fn put_piece(&self, out: &mut Vec<u8>) {
        put_words(Tag::StreamPolicy, &self.words(), out);
    }

    pub(in crate::types::stream) fn read_piece(cut: Cut<'_>) -> Result<StreamPolicy, BadImage> {
        let mut policy = StreamPolicy::default();
        policy.set(&take_words(cut)?).map_err(|_| WRONG)?;
        if policy.is_none() { Err(WRONG) } else { Ok(policy) }
    }
}
