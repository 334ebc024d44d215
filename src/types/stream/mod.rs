//! The stream: entries in blocks, consumer groups with their pending entries in columns.

pub mod group;
pub mod id;
pub mod idmp;
pub mod log;
pub mod pending;

pub use id::StreamId;

/// A stream (replaced by the full type).
#[derive(Clone, Debug)]
pub struct Stream;
