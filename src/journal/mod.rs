//! What is kept of every change: effects, gathered into frames, and the files that hold them.
//!
//! An effect is a command in RESP form, deterministic: replayed onto the same state at the same time
//! it gives the same state. The effects of one atomic step form one frame. This room knows bytes and
//! positions, and nothing of data types.
//!
//! From the bottom up:
//!
//! - [`disk`] is the one way to files; [`sim`] is a disk that loses power and fails on demand.
//! - [`frame`] is the form of what is written: one checked, numbered record.
//! - [`segment`] is a preallocated file of frames. All segments in order are the journal.
//! - [`pool`] keeps empty segments ready, and with them the room for what will be accepted.
//! - [`progress`] is a position that moves on, and those who wait for it.
//! - [`writer`] gathers what connections append, writes and syncs it: [`Journal`].
//! - [`snapshot`] writes a state as a file of frames, after which older segments may go.
//! - [`recovery`] reads a directory, decides what is to be loaded ([`case`]), and loads it.
//!
//! - [`repair`] cuts what is damaged, where somebody wants that.
//!
//! A **position** counts the bytes of all frames since the journal's first, headers of frames
//! included and headers of files not. A frame's position is that of its first byte; a step is on
//! disk when the durable position has reached the position behind its frame.

pub mod case;
mod committer;
pub mod disk;
mod effects;
pub mod frame;
pub mod pool;
pub mod progress;
pub mod recovery;
pub mod repair;
pub mod segment;
pub mod sim;
pub mod snapshot;
mod survey;
pub mod writer;

pub use effects::{EffectWriter, Effects, Frame, MemorySink, Sink};
pub use recovery::{Plan, is_own_file};
pub use writer::{Class, Journal, Mode, Options, State};
