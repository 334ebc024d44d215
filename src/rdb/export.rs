//! Writing an RDB file that redis-server and valkey-server load.

use std::io::{self, Write};

use super::crc64::Checksum;
use super::encode::{self, Form};
use super::kind::opcode;
use crate::keyspace::{NEVER, Value};
use crate::types::stream::Stream;
use crate::types::stream::idmp::IdmpLimits;
use crate::types::stream::pending::Owner;

/// A key to be written.
pub struct Key<'k> {
    pub db: usize,
    pub name: &'k [u8],
    pub value: &'k Value,
    /// Unix ms; [`NEVER`] if it stays.
    pub expire_at_ms: i64,
}

/// What was written, and what the form could not hold.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Exported {
    pub keys: u64,
    /// Libraries of functions.
    pub libraries: u64,
    /// Streams of which idempotency ids or their limits were left out.
    pub without_idempotency: u64,
    /// Streams of which pending entries without an owner were given to
    /// [`RELEASED_CONSUMER`](encode::RELEASED_CONSUMER).
    pub with_released: u64,
    /// Hashes of which fields have deadlines: Redis reads them from 7.4 on, Valkey does not.
    pub with_field_deadlines: u64,
    /// Streams that do more than the form can say.
    pub left_behind: Vec<LeftBehind>,
}

/// The words of a policy, as XCFGSET takes them.
pub type Words = Vec<Vec<u8>>;

/// What is not written of a stream that is used as a queue, for want of a place in the form.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct LeftBehind {
    pub db: usize,
    pub key: Box<[u8]>,
    /// The words of the stream's policy, none if it has none.
    pub policy: Words,
    /// Groups with a policy, by name, each with its words.
    pub group_policies: Vec<(Box<[u8]>, Words)>,
    /// Entries that are not due yet.
    pub delayed: u64,
    /// Entries that live for a time only.
    pub expiring: u64,
    /// Entries that are for one group alone.
    pub addressed: u64,
    /// Messages that are remembered by a field.
    pub messages: u64,
    /// Pending entries with a consumer in groups that have LEASE.
    pub leased: u64,
    /// Pending entries without a consumer: those that wait for a time, for another entry of their
    /// ORDERBY value, for nothing but a reader, and those that are parked.
    pub deferred: u64,
    pub held: u64,
    pub ready: u64,
    pub parked: u64,
}

impl LeftBehind {
    /// What is left behind of a stream at this time, Unix ms; `None` if nothing is.
    fn of(stream: &Stream, now_ms: i64) -> Option<LeftBehind> {
        let (delayed, expiring, addressed) = stream.scheduled_counts(now_ms as u64);
        let mut left = LeftBehind { delayed, expiring, addressed, ..LeftBehind::default() };
        left.policy = stream.policy().map(|policy| policy.words()).unwrap_or_default();
        left.messages = stream.messages().count() as u64;
        for (name, group) in stream.groups() {
            if let Some(policy) = group.policy() {
                left.group_policies.push((name.into(), policy.words()));
                left.leased += policy.lease_ms.map_or(0, |_| group.in_flight());
            }
            left.deferred += group.count_in(Owner::DEFERRED);
            left.held += group.count_in(Owner::HELD);
            left.ready += group.count_in(Owner::READY);
            // They are counted together.
            left.parked += group.count_in(Owner::FATAL);
        }
        (left != LeftBehind::default()).then_some(left)
    }
}

/// An RDB file being written, buffered by this.
pub struct Export<'w> {
    out: Summed<'w>,
    /// The time of the state, Unix ms.
    now_ms: i64,
    /// What streams remember of producers by the settings, and need not tell.
    idmp: IdmpLimits,
    db: Option<usize>,
    exported: Exported,
}

impl<'w> Export<'w> {
    /// Writes the header. `now_ms` is the time of the state that is written, Unix ms.
    ///
    /// # Errors
    /// Those of the writer, here and below.
    pub fn begin(out: &'w mut dyn Write, now_ms: i64, idmp: IdmpLimits) -> io::Result<Export<'w>> {
        let mut out = Summed { out, checksum: Checksum::new(), buffer: Vec::new() };
        write!(out, "REDIS{:04}", Form::Common.version())?;
        let ctime = (now_ms / 1000).to_string();
        for (name, value) in [
            ("forebay-ver", env!("CARGO_PKG_VERSION")),
            ("redis-bits", "64"),
            ("ctime", ctime.as_str()),
            ("aof-base", "0"),
        ] {
            out.write_all(&[opcode::AUX])?;
            encode::string(&mut out, name.as_bytes())?;
            encode::string(&mut out, value.as_bytes())?;
        }
        Ok(Export { out, now_ms, idmp, db: None, exported: Exported::default() })
    }

    /// Writes a library of functions. Libraries stand before all keys.
    pub fn library(&mut self, code: &[u8]) -> io::Result<()> {
        self.out.write_all(&[opcode::FUNCTION_2])?;
        encode::string(&mut self.out, code)?;
        self.exported.libraries += 1;
        Ok(())
    }

    /// Writes a key. The keys of a database stand together where they come together.
    pub fn key(&mut self, key: &Key<'_>) -> io::Result<()> {
        let out = &mut self.out;
        if self.db != Some(key.db) {
            out.write_all(&[opcode::SELECT_DB])?;
            encode::length(out, key.db as u64)?;
            self.db = Some(key.db);
        }
        if key.expire_at_ms != NEVER {
            out.write_all(&[opcode::EXPIRE_TIME_MS])?;
            out.write_all(&key.expire_at_ms.to_le_bytes())?;
        }
        out.write_all(&[encode::kind_of(key.value, Form::Common)])?;
        encode::string(out, key.name)?;
        encode::body(out, key.value, Form::Common)?;
        self.exported.keys += 1;
        if let Value::Hash(hash) = key.value {
            self.exported.with_field_deadlines += u64::from(encode::has_field_deadlines(hash));
        }
        if let Value::Stream(stream) = key.value {
            let forgets = encode::has_idempotency(stream, self.idmp);
            self.exported.without_idempotency += u64::from(forgets);
            self.exported.with_released += u64::from(encode::has_unowned(stream));
            if let Some(left) = LeftBehind::of(stream, self.now_ms) {
                let left = LeftBehind { db: key.db, key: key.name.into(), ..left };
                self.exported.left_behind.push(left);
            }
        }
        Ok(())
    }

    /// Writes the end and flushes.
    pub fn finish(mut self) -> io::Result<Exported> {
        self.out.write_all(&[opcode::EOF])?;
        self.out.drain()?;
        let checksum = self.out.checksum.value();
        self.out.out.write_all(&checksum.to_le_bytes())?;
        self.out.out.flush()?;
        Ok(self.exported)
    }
}

/// Writes through a buffer and takes the checksum of what goes by.
struct Summed<'w> {
    out: &'w mut dyn Write,
    checksum: Checksum,
    buffer: Vec<u8>,
}

/// Bytes gathered before they are written.
const BUFFER_BYTES: usize = 64 * 1024;

impl Summed<'_> {
    fn drain(&mut self) -> io::Result<()> {
        self.checksum.update(&self.buffer);
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

impl Write for Summed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() + bytes.len() > BUFFER_BYTES {
            self.drain()?;
        }
        if bytes.len() > BUFFER_BYTES {
            self.checksum.update(bytes);
            self.out.write_all(bytes)?;
        } else {
            self.buffer.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.drain()?;
        self.out.flush()
    }
}
