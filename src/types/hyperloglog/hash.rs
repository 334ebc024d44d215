//! MurmurHash2 in its form of 64 bits, which decides what registers mean: every server has to take the same.

const MULTIPLIER: u64 = 0xc6a4_a793_5bd1_e995;
const SHIFT: u32 = 47;
const SEED: u64 = 0xadc8_3b19;

fn mixed(word: u64) -> u64 {
    let word = word.wrapping_mul(MULTIPLIER);
    (word ^ word >> SHIFT).wrapping_mul(MULTIPLIER)
}

/// The hash of an element.
pub(super) fn murmur(element: &[u8]) -> u64 {
    let (words, tail) = element.as_chunks::<8>();
    let start = SEED ^ (element.len() as u64).wrapping_mul(MULTIPLIER);
    let mut hash = words.iter().fold(start, |hash, word| {
        (hash ^ mixed(u64::from_le_bytes(*word))).wrapping_mul(MULTIPLIER)
    });
    if !tail.is_empty() {
        let mut word = [0; 8];
        word[..tail.len()].copy_from_slice(tail);
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(MULTIPLIER);
    }
    hash = (hash ^ hash >> SHIFT).wrapping_mul(MULTIPLIER);
    hash ^ hash >> SHIFT
}
