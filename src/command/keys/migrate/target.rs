//! The server that keys move to: one connection, one batch of requests, a line of reply for each.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::Parcel;
use crate::command::error::Error;

/// Bytes that are written within one time limit.
const WRITE_BYTES: usize = 64 * 1024;
/// Of a reply's line; the rest of a longer one is cut off.
const LINE_BYTES_MAX: usize = 1023;

/// Where to, and what it takes to get in.
pub(super) struct Target {
    pub host: String,
    pub port: u16,
    /// For the connection, and for each part that is written or read.
    pub limit: Duration,
    pub login: Option<Login>,
    pub db: i64,
}

pub(super) struct Login {
    pub user: Option<Vec<u8>>,
    pub password: Vec<u8>,
}

/// What became of a batch: which parcels have arrived, and what went wrong.
pub(super) struct Report {
    pub arrived: Vec<bool>,
    pub outcome: Result<(), Error>,
}

fn request(out: &mut Vec<u8>, words: &[&[u8]]) {
    out.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}

const CONNECTING: &str = "connecting to the client";
const WRITING: &str = "writing to target instance";
const READING: &str = "reading to target instance";

fn failed(doing: &str) -> Error {
    Error::new(format!("IOERR error or timeout {doing}"))
}

impl Target {
    /// Sends parcels; `replace` those that are there already.
    pub async fn deliver(&self, parcels: &[&Parcel], replace: bool) -> Report {
        let mut arrived = vec![false; parcels.len()];
        let outcome = self.try_deliver(parcels, replace, &mut arrived).await;
        Report { arrived, outcome }
    }

    async fn try_deliver(
        &self,
        parcels: &[&Parcel],
        replace: bool,
        arrived: &mut [bool],
    ) -> Result<(), Error> {
        let resolving = lookup_host((self.host.as_str(), self.port));
        let Ok(Ok(addresses)) = timeout(self.limit, resolving).await else {
            return Err(failed(CONNECTING));
        };
        let addresses: Vec<SocketAddr> = addresses.collect();
        let mut stream = match timeout(self.limit, TcpStream::connect(&addresses[..])).await {
            Ok(Ok(stream)) => stream,
            // Redis connects without waiting, and meets a refusal when it writes.
            Ok(Err(_)) => return Err(failed(WRITING)),
            Err(_) => return Err(failed(CONNECTING)),
        };
        for part in self.requests(parcels, replace).chunks(WRITE_BYTES) {
            let Ok(Ok(())) = timeout(self.limit, stream.write_all(part)).await else {
                return Err(failed(WRITING));
            };
        }
        let mut lines = Lines { stream, limit: self.limit, buffer: Vec::new() };
        let mut refused = None;
        for _ in 0..usize::from(self.login.is_some()) + 1 {
            refused = refused.or(lines.next().await?);
        }
        // Where it did not let us in, or has no such database, nothing has arrived where it should.
        let is_elsewhere = refused.is_some();
        for arrived in arrived {
            let error = lines.next().await;
            if is_elsewhere {
                continue;
            }
            match error? {
                None => *arrived = true,
                Some(error) => refused = refused.or(Some(error)),
            }
        }
        match refused {
            None => Ok(()),
            Some(line) => {
                Err(Error::quoting(&[b"ERR Target instance replied with error: ", &line]))
            }
        }
    }

    fn requests(&self, parcels: &[&Parcel], replace: bool) -> Vec<u8> {
        let mut out = Vec::new();
        if let Some(Login { user, password }) = &self.login {
            match user {
                Some(user) => request(&mut out, &[b"AUTH", user, password]),
                None => request(&mut out, &[b"AUTH", password]),
            }
        }
        request(&mut out, &[b"SELECT", self.db.to_string().as_bytes()]);
        for Parcel { key, ttl_ms, payload } in parcels {
            let Some(payload) = payload else {
                request(&mut out, &[b"DEL", key]);
                continue;
            };
            let ttl = ttl_ms.to_string();
            let words: [&[u8]; 5] = [b"RESTORE", key, ttl.as_bytes(), payload, b"REPLACE"];
            request(&mut out, &words[..if replace { 5 } else { 4 }]);
        }
        out
    }
}

struct Lines {
    stream: TcpStream,
    limit: Duration,
    buffer: Vec<u8>,
}

impl Lines {
    /// The text of the next reply if it is an error.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let end = loop {
            if let Some(end) = memchr::memchr(b'\n', &self.buffer) {
                break end;
            }
            // What does not end is no reply of a server.
            let reading = timeout(self.limit, self.stream.read_buf(&mut self.buffer)).await;
            if !matches!(reading, Ok(Ok(1..))) || self.buffer.len() > WRITE_BYTES {
                return Err(failed(READING));
            }
        };
        let mut line: Vec<u8> = self.buffer.drain(..=end).collect();
        line.truncate(line.trim_ascii_end().len().min(LINE_BYTES_MAX));
        Ok((line.first() == Some(&b'-')).then(|| line.split_off(1)))
    }
}
