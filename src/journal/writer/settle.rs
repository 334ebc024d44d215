//! Waiting for a position.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use atomic_waker::AtomicWaker;

use super::engine::{Shared, State};

/// The journal has failed, or was ended, while this waited: what was appended may be lost or may
/// come back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutcomeUnknown;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Awaited {
    Settled,
    Durable,
}

/// Waits for a position.
#[must_use = "nothing is waited for until it is awaited"]
pub struct Settle<'j> {
    pub(super) shared: &'j Shared,
    pub(super) awaited: Awaited,
    pub(super) target: u64,
    /// The position behind what the one who waits has changed itself; 0 if nothing.
    pub(super) written: u64,
    /// How often the journal had failed when the waiting began.
    pub(super) failures: u64,
    pub(super) waker: Option<Arc<AtomicWaker>>,
}

impl Settle<'_> {
    fn outcome(&self) -> Option<Result<(), OutcomeUnknown>> {
        let progress = self.shared.progress(self.awaited);
        if progress.position() >= self.target {
            return Some(Ok(()));
        }
        match self.shared.state() {
            State::Serving => None,
            // Nothing is promised there.
            State::Off | State::Resuming if self.awaited == Awaited::Settled => Some(Ok(())),
            State::Resuming => None,
            State::Failed | State::Ended | State::Off => Some(Err(OutcomeUnknown)),
            // It is on the disk once a snapshot stands for it.
            State::Impaired | State::Healing if self.awaited == Awaited::Durable => None,
            // Who had appended when it failed must not be told that all is well.
            State::Impaired | State::Healing
                if self.failures != self.shared.failures.load(Ordering::Acquire) =>
            {
                Some(Err(OutcomeUnknown))
            }
            // It may have failed before the waiting began: behind what is settled is what went
            // nowhere.
            State::Impaired | State::Healing if self.written > progress.position() => {
                Some(Err(OutcomeUnknown))
            }
            // What reads rest on stays in doubt until a snapshot is whole, and reads go on.
            State::Impaired | State::Healing => Some(Ok(())),
        }
    }
}

impl Drop for Settle<'_> {
    /// Who gives up waiting is not kept until its position comes.
    fn drop(&mut self) {
        if let Some(waker) = &self.waker {
            self.shared.progress(self.awaited).delist(self.target, waker);
        }
    }
}

impl Future for Settle<'_> {
    type Output = Result<(), OutcomeUnknown>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(outcome) = self.outcome() {
            return Poll::Ready(outcome);
        }
        // Who was woken for something else than its position is listed no more, and has no waker left.
        let is_listed = self.waker.as_ref().is_some_and(|waker| waker.take().is_some());
        let waker = Arc::clone(self.waker.get_or_insert_default());
        waker.register(cx.waker());
        if !is_listed {
            self.shared.progress(self.awaited).enlist(self.target, &waker);
        }
        // It may have come to pass before it was listed.
        self.outcome().map_or(Poll::Pending, Poll::Ready)
    }
}
