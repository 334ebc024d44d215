//! The data structures. Pure: no locks, no I/O, no clock (the time is an argument).

pub mod extended;
pub mod image;
pub mod list;
pub mod number;
mod spine;
pub mod stream;
pub mod string;
pub mod text;
