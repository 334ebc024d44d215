//! A list that one client fills and another empties, waiting in BLMOVE.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use forebay::journal::sim::Dice;

use crate::client::{Load, Wire, request, until_dead};

const QUEUE: &str = "jobs:queue";
const TAKEN: &str = "jobs:taken";
/// So many of what was taken are kept.
const KEPT: u64 = 50;

/// Jobs are numbers from 1 on, in order.
#[derive(Default)]
pub struct Jobs {
    /// The last that was pushed, and answered for.
    pushed: u64,
    /// The last that was sent.
    sent: u64,
    /// The last that was handed out, and answered.
    taken: u64,
    answers: u64,
}

impl Jobs {
    fn check_order(&self, queue: &[u64], taken: &[u64]) -> (u64, u64) {
        // Newest first, in both.
        let last_taken = taken.first().copied().unwrap_or(0);
        for (behind, number) in (0..).zip(taken) {
            assert_eq!(*number, last_taken - behind, "taken in order: {taken:?}");
        }
        let last_pushed = queue.first().copied().unwrap_or(last_taken);
        for (behind, number) in (0..).zip(queue) {
            assert_eq!(*number, last_pushed - behind, "queued in order: {queue:?}");
        }
        let first = queue.last().copied().unwrap_or(last_taken + 1);
        assert_eq!(first, last_taken + 1, "a job is in one of the two lists: {queue:?} {taken:?}");
        (last_pushed, last_taken)
    }
}

impl Load for Jobs {
    fn run(&mut self, port: u16, dying: &AtomicBool, seed: u64) {
        let Jobs { pushed, sent, taken, answers } = self;
        let mut received = 0;
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut dice = Dice::new(seed);
                until_dead(port, dying, |wire| {
                    if dice.chance(8) {
                        // The other one waits meanwhile.
                        thread::sleep(Duration::from_millis(2));
                    }
                    let first = *sent + 1;
                    *sent += 1 + dice.below(4) as u64;
                    let numbers: Vec<String> = (first..=*sent).map(|it| it.to_string()).collect();
                    let words = ["LPUSH", QUEUE].into_iter().chain(numbers.iter().map(|it| &**it));
                    let words: Vec<&str> = words.collect();
                    // Whoever waits has taken some of them before the length is told.
                    let length: u64 = wire.ask(&words)?;
                    assert!(length >= numbers.len() as u64);
                    *pushed = *sent;
                    *answers += 1;
                    Ok(())
                });
            });
            until_dead(port, dying, |wire| {
                let number: u64 = wire.ask(&["BLMOVE", QUEUE, TAKEN, "RIGHT", "LEFT", "0"])?;
                assert_eq!(number, *taken + 1, "in the order in which they were pushed");
                *taken = number;
                received += 1;
                if number.is_multiple_of(KEPT) {
                    let kept = (KEPT - 1).to_string();
                    wire.send(&[request(&["LTRIM", TAKEN, "0", &kept])])?;
                    wire.receive()?;
                }
                Ok(())
            });
        });
        self.answers += received;
        assert!(dying.load(Ordering::SeqCst));
    }

    fn check(&mut self, wire: &mut Wire) {
        let mut list = |key: &str| -> Vec<u64> {
            let found: Vec<String> = wire.ask(&["LRANGE", key, "0", "-1"]).expect("it serves");
            found.iter().map(|number| number.parse().expect("a number")).collect()
        };
        let (queue, taken) = (list(QUEUE), list(TAKEN));
        let (last_pushed, last_taken) = self.check_order(&queue, &taken);
        let Jobs { pushed, sent, .. } = self;
        assert!(
            (*pushed..=*sent).contains(&last_pushed),
            "{last_pushed} were found, {pushed} pushes were answered, {sent} sent"
        );
        assert!(
            last_pushed == *pushed || last_pushed == *sent,
            "a push is whole or absent: {last_pushed} were found, of {pushed} and up to {sent}"
        );
        assert!(
            (self.taken..=self.taken + 1).contains(&last_taken),
            "{last_taken} are taken, the last one handed out and answered is {}",
            self.taken
        );
        (self.pushed, self.sent, self.taken) = (last_pushed, last_pushed, last_taken);
    }

    fn answers(&self) -> u64 {
        self.answers
    }
}
