//! The commands: what each takes, and what it does.

pub mod spec;
