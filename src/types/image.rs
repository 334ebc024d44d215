//! The form in which values are kept in snapshots: their own chunks, written out as they are.
//!
//! A value is written as a sequence of **pieces**. A piece is whole in itself (a block of entries, a
//! chunk of a list, a group's consumers), so a large value is written and read in bounded steps, and
//! what is to be written of it is shared with the value instead of copied. What is read is checked:
//! bytes that no writer has written give [`BadImage`], never a value that breaks an invariant.
//!
//! A piece begins with its [tag](tag::Tag). Numbers are LEB128 unless said otherwise.

pub(super) mod bytes;
mod tag;
#[cfg(test)]
pub(super) mod tests;

pub(super) use bytes::Cut;
pub(super) use tag::Tag;

/// A piece that has reached this length takes nothing more, bytes. What is in it already may
/// make it longer: a stream's entry or a list's element is never cut.
pub(super) const PIECE_BYTES: usize = 4096;

/// Bytes that are no image of a value; what is wrong with them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadImage(pub &'static str);

/// What is left to be written of a value, as it was when this was made.
pub trait ImageWriter {
    /// Appends the next piece to `out`, about a few KiB long unless an element is longer; false if
    /// that was the last one. Every value has at least one piece.
    fn write_piece(&mut self, out: &mut Vec<u8>) -> bool;
}

/// Puts a value together of its pieces.
pub trait ImageReader: Sized {
    type Value;

    /// Takes the next piece, whole and in order.
    ///
    /// # Errors
    /// It is no piece of such a value, or does not follow the one before.
    fn read_piece(&mut self, piece: &[u8]) -> Result<(), BadImage>;

    /// Ends the value.
    ///
    /// # Errors
    /// Pieces are missing.
    fn finish(self) -> Result<Self::Value, BadImage>;
}
