//! What others leave for a connection: messages, invalidations, commands seen; and its bell.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Poll, Waker};

use atomic_waker::AtomicWaker;
use parking_lot::Mutex;

use crate::config::OutputLimit;

/// A connection's mail, in the order in which it came, ready to be sent.
///
/// Whoever posts never waits for the connection: what it does not fetch and send grows up to
/// `client-output-buffer-limit`, and then the connection is cut off.
pub struct Mailbox {
    pub client_id: u64,
    mail: Mutex<Mail>,
    /// There is mail: looked at before every request.
    has_mail: AtomicBool,
    /// Bytes of mail, and of what the connection has made or fetched and not sent yet.
    waiting_bytes: AtomicU64,
    unsent_bytes: AtomicU64,
    is_resp3: AtomicBool,
    is_subscribed: AtomicBool,
    /// The connection has gone, or is cut off.
    closed: AtomicBool,
    cut_off: AtomicBool,
    signalled: AtomicBool,
    /// The connection's task, which alone waits for the signal. (A `Notify` would do; entering its
    /// list of waiters at every read costs more than all else that a read adds.)
    task: AtomicWaker,
}

#[derive(Default)]
struct Mail {
    bytes: Vec<u8>,
    /// The journal's position that has to be settled before any of it is sent.
    position: u64,
    /// Unix ms since when there has been more than the soft limit.
    over_soft_since_ms: Option<i64>,
}

impl Mailbox {
    pub fn new(client_id: u64) -> Mailbox {
        Mailbox {
            client_id,
            mail: Mutex::default(),
            has_mail: AtomicBool::new(false),
            waiting_bytes: AtomicU64::new(0),
            unsent_bytes: AtomicU64::new(0),
            is_resp3: AtomicBool::new(false),
            is_subscribed: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            cut_off: AtomicBool::new(false),
            signalled: AtomicBool::new(false),
            task: AtomicWaker::new(),
        }
    }

    /// Whether what is posted is to be in RESP3.
    pub fn is_resp3(&self) -> bool {
        self.is_resp3.load(Ordering::Relaxed)
    }

    pub fn set_resp3(&self, is_resp3: bool) {
        self.is_resp3.store(is_resp3, Ordering::Relaxed);
    }

    /// Whether the connection has subscribed to anything.
    pub fn is_subscribed(&self) -> bool {
        self.is_subscribed.load(Ordering::Relaxed)
    }

    /// Whether that is news.
    pub fn set_subscribed(&self, is_subscribed: bool) -> bool {
        self.is_subscribed.swap(is_subscribed, Ordering::Relaxed) != is_subscribed
    }

    /// Posts `parts` together, not to be sent before `position` is settled. True if that was too much
    /// by `limit`: the connection is cut off then. Its waker comes to `wakers`.
    pub fn post(
        &self,
        parts: &[&[u8]],
        position: u64,
        limit: OutputLimit,
        now_ms: impl FnOnce() -> i64,
        wakers: &mut Vec<Waker>,
    ) -> bool {
        let mut mail = self.mail.lock();
        if self.closed.load(Ordering::Relaxed) {
            return false;
        }
        parts.iter().for_each(|part| mail.bytes.extend_from_slice(part));
        mail.position = mail.position.max(position);
        let waiting = mail.bytes.len() as u64;
        self.waiting_bytes.store(waiting, Ordering::Relaxed);
        let too_much =
            mail.is_too_much(waiting + self.unsent_bytes.load(Ordering::Relaxed), limit, now_ms);
        if too_much {
            *mail = Mail::default();
            self.waiting_bytes.store(0, Ordering::Relaxed);
            self.cut_off.store(true, Ordering::Relaxed);
            self.closed.store(true, Ordering::Relaxed);
        }
        if !self.has_mail.swap(true, Ordering::AcqRel) || too_much {
            self.signalled.store(true, Ordering::Release);
            wakers.extend(self.task.take());
        }
        too_much
    }

    /// Whether there is mail to fetch.
    #[inline]
    pub fn has_mail(&self) -> bool {
        self.has_mail.load(Ordering::Relaxed)
    }

    /// Moves all mail to the end of `out`; the position that is to be settled before it is sent.
    pub fn fetch(&self, out: &mut Vec<u8>) -> u64 {
        let mut mail = self.mail.lock();
        self.has_mail.store(false, Ordering::Release);
        self.waiting_bytes.store(0, Ordering::Relaxed);
        let position = std::mem::take(&mut mail.position);
        let bytes = std::mem::take(&mut mail.bytes);
        drop(mail);
        if out.is_empty() {
            *out = bytes;
        } else {
            out.extend_from_slice(&bytes);
        }
        position
    }

    /// How many bytes of mail wait to be fetched.
    pub fn waiting_bytes(&self) -> u64 {
        self.waiting_bytes.load(Ordering::Relaxed)
    }

    /// How many bytes the connection itself has not sent yet.
    pub fn unsent_bytes(&self) -> u64 {
        self.unsent_bytes.load(Ordering::Relaxed)
    }

    pub fn set_unsent_bytes(&self, bytes: u64) {
        self.unsent_bytes.store(bytes, Ordering::Relaxed);
        if bytes == 0 {
            self.mail.lock().over_soft_since_ms = None;
        }
    }

    /// Takes no more mail: the connection has gone.
    pub fn close(&self) {
        let mut mail = self.mail.lock();
        self.closed.store(true, Ordering::Relaxed);
        *mail = Mail::default();
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Whether the connection was cut off because its mail grew too much.
    pub fn is_cut_off(&self) -> bool {
        self.cut_off.load(Ordering::Relaxed)
    }

    /// Has the connection look around.
    pub fn signal(&self) {
        self.signalled.store(true, Ordering::Release);
        self.task.wake();
    }

    /// Resolves when somebody wants the connection's attention: there is mail, or it was killed or
    /// unblocked.
    pub async fn signalled(&self) {
        std::future::poll_fn(|context| {
            self.task.register(context.waker());
            match self.signalled.swap(false, Ordering::Acquire) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }
}

impl Mail {
    fn is_too_much(
        &mut self,
        bytes: u64,
        limit: OutputLimit,
        now_ms: impl FnOnce() -> i64,
    ) -> bool {
        if limit.hard_bytes > 0 && bytes > limit.hard_bytes {
            return true;
        }
        if limit.soft_bytes == 0 || bytes <= limit.soft_bytes {
            self.over_soft_since_ms = None;
            return false;
        }
        let now_ms = now_ms();
        let since_ms = *self.over_soft_since_ms.get_or_insert(now_ms);
        (now_ms - since_ms) as u64 > limit.soft_seconds * 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: OutputLimit = OutputLimit { hard_bytes: 100, soft_bytes: 10, soft_seconds: 2 };

    fn post(mailbox: &Mailbox, text: &[u8], position: u64, now_ms: i64) -> bool {
        mailbox.post(&[text], position, LIMIT, || now_ms, &mut Vec::new())
    }

    #[test]
    fn mail_comes_in_order_with_its_highest_position() {
        let mailbox = Mailbox::new(1);
        assert!(!mailbox.has_mail());
        assert!(!post(&mailbox, b"one", 20, 0));
        assert!(!mailbox.post(&[b"t", b"wo"], 10, LIMIT, || 0, &mut Vec::new()));
        assert!(mailbox.has_mail());
        assert_eq!(mailbox.waiting_bytes(), 6);
        let mut out = b"reply ".to_vec();
        assert_eq!(mailbox.fetch(&mut out), 20);
        assert_eq!(out, b"reply onetwo");
        assert!(!mailbox.has_mail());
        assert_eq!(mailbox.fetch(&mut out), 0);
    }

    #[test]
    fn past_the_hard_limit_it_is_cut_off() {
        let mailbox = Mailbox::new(1);
        assert!(!post(&mailbox, &[0; 100], 0, 0));
        assert!(post(&mailbox, b"x", 0, 0));
        assert!(mailbox.is_cut_off() && mailbox.is_closed());
        assert_eq!(mailbox.waiting_bytes(), 0);
        assert!(!post(&mailbox, b"x", 0, 0), "it is counted once");
        let mut out = Vec::new();
        mailbox.fetch(&mut out);
        assert!(out.is_empty());
    }

    #[test]
    fn what_was_fetched_and_not_sent_counts() {
        let mailbox = Mailbox::new(1);
        mailbox.set_unsent_bytes(99);
        assert!(!post(&mailbox, b"x", 0, 0));
        assert!(post(&mailbox, b"y", 0, 0));
    }

    #[test]
    fn over_the_soft_limit_for_too_long_it_is_cut_off() {
        let mailbox = Mailbox::new(1);
        assert!(!post(&mailbox, &[0; 11], 0, 1000));
        assert!(!post(&mailbox, b"x", 0, 3000));
        assert!(post(&mailbox, b"x", 0, 3001));

        let recovered = Mailbox::new(2);
        assert!(!post(&recovered, &[0; 11], 0, 1000));
        recovered.fetch(&mut Vec::new());
        assert!(!post(&recovered, b"x", 0, 2000), "below it the time begins anew");
        assert!(!post(&recovered, &[0; 11], 0, 9000));
        assert!(!post(&recovered, b"x", 0, 10_000));
    }

    #[test]
    fn a_closed_one_takes_nothing() {
        let mailbox = Mailbox::new(1);
        mailbox.close();
        assert!(!post(&mailbox, b"x", 0, 0));
        assert!(!mailbox.has_mail());
    }
}
