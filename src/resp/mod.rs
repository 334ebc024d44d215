//! The Redis protocol on the wire: requests in, replies out, RESP2 and RESP3.
//!
//! A leaf room: it knows bytes, and nothing of commands or data types.

pub mod decode;
pub mod encode;
pub mod text;

pub use decode::{Decoder, Limits, ProtocolError, Step};
pub use encode::{Proto, Reply};
