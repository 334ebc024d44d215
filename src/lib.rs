//! Forebay: a server for streams, lists and job queues that speaks the Redis protocol.
//!
//! The rooms of the house, from the top down, are described in `docs/architecture.md`;
//! `tests/tidy.rs` holds the imports between them to that page.

pub mod acl;
pub mod command;
pub mod config;
pub mod glob;
pub mod journal;
pub mod keyspace;
pub mod metrics;
pub mod net;
pub mod process;
pub mod pubsub;
pub mod rdb;
pub mod resp;
pub mod script;
pub mod types;
