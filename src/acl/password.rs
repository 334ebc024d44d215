//! Passwords: kept as SHA-256, compared in constant time, and made up.

use sha2::{Digest, Sha256};

/// Hexadecimal digits of a hash.
pub(super) const HASH_LEN: usize = 64;

/// The SHA-256 of a password, in lower-case hexadecimal digits.
pub(super) fn hash(password: &[u8]) -> String {
    hexadecimal(&Sha256::digest(password))
}

/// Whether a word is a hash as [`hash`] writes it.
pub(super) fn is_hash(word: &[u8]) -> bool {
    word.len() == HASH_LEN && word.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether two hashes are the same, in a time that does not tell how much of them is.
pub(super) fn same(one: &str, other: &str) -> bool {
    let pairs = one.bytes().zip(other.bytes());
    let differing = pairs.fold(0, |seen, (one, other)| seen | (one ^ other));
    // Kept from being cut short: nothing may follow from a part of the comparison.
    std::hint::black_box(differing) == 0 && one.len() == other.len()
}

/// A password of `bits` random bits (rounded up to whole digits) in hexadecimal digits.
///
/// # Errors
/// The system gives no randomness.
pub fn generate(bits: usize) -> Result<String, getrandom::Error> {
    let digits = bits.div_ceil(4);
    let mut bytes = vec![0; digits.div_ceil(2)];
    getrandom::fill(&mut bytes)?;
    let mut text = hexadecimal(&bytes);
    text.truncate(digits);
    Ok(text)
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes what is written to it");
        text
    })
}
