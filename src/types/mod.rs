//! The data structures. Pure: no locks, no I/O, no clock (the time is an argument).

pub mod bits;
pub mod dict;
pub mod extended;
pub mod geo;
pub mod hash;
pub mod hyperloglog;
pub mod image;
pub mod list;
pub mod number;
pub mod set;
mod spine;
pub mod stream;
pub mod string;
pub mod text;
pub mod zset;
