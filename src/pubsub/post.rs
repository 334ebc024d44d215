//! Posting to mailboxes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;

use super::mailbox::Mailbox;
use super::message::Message;
use crate::config::OutputLimit;
use crate::keyspace::Clock;

/// What is posted because of one thing that happened.
pub struct Post<'p> {
    /// The journal's position of its cause: nothing is sent before that is settled.
    pub position: u64,
    pub limit: OutputLimit,
    pub clock: &'p dyn Clock,
    /// Of those who got something, to be woken when no lock is held any more.
    pub wakers: &'p mut Vec<Waker>,
    /// Counts who was cut off.
    pub cut_off: &'p AtomicU64,
}

impl Post<'_> {
    pub fn message(&mut self, mailbox: &Mailbox, message: &Message) {
        self.parts(mailbox, &message.parts(mailbox.is_resp3()));
    }

    pub fn bytes(&mut self, mailbox: &Mailbox, bytes: &[u8]) {
        self.parts(mailbox, &[bytes]);
    }

    fn parts(&mut self, mailbox: &Mailbox, parts: &[&[u8]]) {
        let now_ms = || self.clock.now_ms();
        if mailbox.post(parts, self.position, self.limit, now_ms, self.wakers) {
            self.cut_off.fetch_add(1, Ordering::Relaxed);
        }
    }
}
