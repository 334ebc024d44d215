//! MONITOR: connections that see every command.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;

use super::mailbox::Mailbox;
use super::post::Post;
use crate::config;

/// The connections that see every command.
#[derive(Default)]
pub struct Monitors {
    /// Looked at with every command.
    present: AtomicBool,
    mailboxes: RwLock<BTreeMap<u64, Arc<Mailbox>>>,
}

impl Monitors {
    /// Whether there are any.
    #[inline]
    pub fn are_present(&self) -> bool {
        self.present.load(Ordering::Relaxed)
    }

    pub fn enter(&self, mailbox: &Arc<Mailbox>) {
        let mut mailboxes = self.mailboxes.write();
        mailboxes.insert(mailbox.client_id, Arc::clone(mailbox));
        self.present.store(true, Ordering::Relaxed);
    }

    pub fn leave(&self, client_id: u64) {
        let mut mailboxes = self.mailboxes.write();
        mailboxes.remove(&client_id);
        self.present.store(!mailboxes.is_empty(), Ordering::Relaxed);
    }

    pub fn show(&self, line: &[u8], post: &mut Post<'_>) {
        for mailbox in self.mailboxes.read().values() {
            post.bytes(mailbox, line);
        }
    }
}

/// A command as monitors see it; `from` is the connection's address, or `lua`.
pub fn line(now_us: i64, db: usize, from: &str, args: &[&[u8]]) -> Vec<u8> {
    let (seconds, micros) = (now_us.div_euclid(1_000_000), now_us.rem_euclid(1_000_000));
    let mut line = format!("+{seconds}.{micros:06} [{db} {from}]");
    for arg in args {
        line.push(' ');
        line.push_str(&config::quote(arg));
    }
    line.push_str("\r\n");
    line.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_that_of_redis() {
        let args: [&[u8]; 3] = [b"SET", b"a b", b"q\"\\\n\r\t\x07\x08\x00\xff"];
        assert_eq!(
            line(1_795_338_187_054_976, 3, "127.0.0.1:5", &args),
            b"+1795338187.054976 [3 127.0.0.1:5] \"SET\" \"a b\" \"q\\\"\\\\\\n\\r\\t\\a\\b\\x00\\xff\"\r\n"
        );
        assert_eq!(line(1_000_000, 0, "lua", &[b"get"]), b"+1.000000 [0 lua] \"get\"\r\n");
    }
}
