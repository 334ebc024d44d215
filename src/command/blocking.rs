//! Work that takes long, on a thread that others wait for.

pub use crate::keyspace::hand_over as take_long;
