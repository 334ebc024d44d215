//! Redis's own files: RDB, AOF, and the payload of DUMP.
//!
//! Reading takes what redis-server 6.2 to 8.8 and valkey-server 8 and 9 write (RDB versions 1 to 14,
//! and Valkey's 80), in every encoding. Types that a [`Value`](crate::keyspace::Value) cannot hold
//! are passed over and named, so that whoever asks decides what becomes of them. Writing keeps to
//! version 11, which both redis-server from 7.2 and valkey-server load; see [`encode::Form`].
//!
//! A new type joins by an arm in [`decode::value`], which until then passes over it, and one in
//! [`encode::value`].

pub mod aof;
pub mod crc64;
pub mod decode;
pub mod encode;
mod error;
pub mod export;
pub mod file;
pub mod kind;
pub mod lzf;
pub mod manifest;
pub mod packed;
pub mod payload;
pub mod source;

pub use encode::RELEASED_CONSUMER;
pub use error::{Fault, RdbError};
pub use source::{Reading, Source};

/// Whose numbers of versions and types a file goes by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialect {
    Redis,
    /// Valkey 9 on, which counts versions from 80.
    Valkey,
}

impl Dialect {
    /// The dialect of a version, if it is known here.
    pub fn of_version(version: u32) -> Option<Dialect> {
        match version {
            1..=VERSION_MAX => Some(Dialect::Redis),
            VALKEY_VERSION => Some(Dialect::Valkey),
            _ => None,
        }
    }
}

/// The newest version of Redis's files that is read: Redis 8.8.
const VERSION_MAX: u32 = 14;
/// The version that Valkey 9 writes.
const VALKEY_VERSION: u32 = 80;
