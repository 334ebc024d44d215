//! Error replies, by their code.

use std::collections::BTreeMap;

use parking_lot::Mutex;

/// Codes come from command handlers, but scripts make their own; without a bound a client could fill
/// the memory with them. Redis's number.
const CODES_MAX: usize = 128;

/// How often each error code was answered.
#[derive(Default)]
pub struct ErrorCounts(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    by_code: BTreeMap<Vec<u8>, u64>,
    total: u64,
}

impl ErrorCounts {
    pub fn count(&self, code: &[u8]) {
        let mut counts = self.0.lock();
        counts.total += 1;
        if let Some(count) = counts.by_code.get_mut(code) {
            *count += 1;
        } else if counts.by_code.len() < CODES_MAX {
            counts.by_code.insert(code.to_vec(), 1);
        }
    }

    pub fn total(&self) -> u64 {
        self.0.lock().total
    }

    /// Codes in order, with their counts.
    pub fn by_code(&self) -> Vec<(Vec<u8>, u64)> {
        self.0.lock().by_code.iter().map(|(code, count)| (code.clone(), *count)).collect()
    }

    pub(super) fn reset(&self) {
        *self.0.lock() = Counts::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_counted_up_to_a_bound() {
        let errors = ErrorCounts::default();
        errors.count(b"WRONGTYPE");
        errors.count(b"ERR");
        errors.count(b"ERR");
        assert_eq!(errors.by_code(), [(b"ERR".to_vec(), 2), (b"WRONGTYPE".to_vec(), 1)]);
        (0..1000).for_each(|n: u32| errors.count(&n.to_be_bytes()));
        assert_eq!((errors.by_code().len(), errors.total()), (CODES_MAX, 1003));
        errors.reset();
        assert_eq!((errors.by_code().len(), errors.total()), (0, 0));
    }
}
