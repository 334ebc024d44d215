//! A connection that tells answers from their absence, and what all loads have in common.

use std::sync::atomic::{AtomicBool, Ordering};

use redis::{Cmd, Connection, FromRedisValue, RedisError, Value};

use crate::process::PATIENCE;

/// The connection has ended.
#[derive(Debug)]
pub struct Dead(RedisError);

impl Dead {
    /// A connection may end by the kill alone.
    pub fn must_be_the_kill(&self, dying: &AtomicBool) {
        assert!(dying.load(Ordering::SeqCst), "the server went by itself: {}", self.0);
    }
}

impl From<RedisError> for Dead {
    fn from(error: RedisError) -> Dead {
        assert!(!error.is_timeout(), "the server does not answer: {error}");
        Dead(error)
    }
}

/// Sends requests, and gets each of their replies by itself.
pub struct Wire(Connection);

impl Wire {
    pub fn open(port: u16) -> Result<Wire, Dead> {
        let client = redis::Client::open(format!("redis://127.0.0.1:{port}/"))?;
        let connection = client.get_connection()?;
        connection.set_read_timeout(Some(PATIENCE))?;
        Ok(Wire(connection))
    }

    pub fn send(&mut self, requests: &[Cmd]) -> Result<(), Dead> {
        let packed: Vec<u8> = requests.iter().flat_map(Cmd::get_packed_command).collect();
        Ok(self.0.send_packed_command(&packed)?)
    }

    /// The next reply, an error reply included.
    pub fn receive(&mut self) -> Result<Value, Dead> {
        match self.0.recv_response() {
            Ok(value) => Ok(value),
            Err(error) => match error.code() {
                Some(code) => Ok(Value::SimpleString(format!("error {code}"))),
                None => Err(error.into()),
            },
        }
    }

    /// Asks for something that cannot fail.
    pub fn ask<T: FromRedisValue>(&mut self, words: &[&str]) -> Result<T, Dead> {
        let mut request = redis::cmd(words[0]);
        request.arg(&words[1..]);
        self.send(&[request])?;
        let value = self.receive()?;
        let shown = format!("{value:?}");
        Ok(T::from_redis_value(value).unwrap_or_else(|error| panic!("{words:?}: {shown}: {error}")))
    }
}

/// Words as a request.
pub fn request(words: &[&str]) -> Cmd {
    let mut request = redis::cmd(words[0]);
    request.arg(&words[1..]);
    request
}

/// Clients that work together, and what they remember.
pub trait Load: Send {
    /// Works until the connection ends, which only the kill may bring about.
    fn run(&mut self, port: u16, dying: &AtomicBool, seed: u64);

    /// Holds what is found to what was answered, and goes on from what is found.
    fn check(&mut self, wire: &mut Wire);

    /// How many answers there have been.
    fn answers(&self) -> u64;
}

/// Runs `work` until its connection ends.
pub fn until_dead(
    port: u16,
    dying: &AtomicBool,
    mut work: impl FnMut(&mut Wire) -> Result<(), Dead>,
) {
    let worked = Wire::open(port).and_then(|mut wire| {
        loop {
            work(&mut wire)?;
        }
    });
    let dead: Dead = worked.map(|never: std::convert::Infallible| match never {}).unwrap_err();
    dead.must_be_the_kill(dying);
}
