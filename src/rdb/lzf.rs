//! LZF, the compression of strings in RDB files.
//!
//! ```text
//! 000lllll                     the next l + 1 bytes stand for themselves
//! lllddddd dddddddd            l + 2 bytes (l = 1..6) from d + 1 bytes back
//! 111ddddd llllllll dddddddd   l + 9 bytes from d + 1 bytes back
//! ```

/// The longest run of bytes that stand for themselves.
const LITERAL_MAX: usize = 32;
const MATCH_MIN: usize = 3;
const MATCH_MAX: usize = 264;
/// The farthest that a match may reach back.
const DISTANCE_MAX: usize = 1 << 13;
const HASH_BITS: u32 = 13;

/// Undoes the compression. `None` if the bytes do not stand for exactly `len` bytes.
///
/// What is allocated grows with what is decoded, which is at most 88 times as long as `compressed`.
pub fn decompress(compressed: &[u8], len: usize) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(len.min(compressed.len().saturating_mul(4)));
    let mut rest = compressed;
    while let Some((&control, behind)) = rest.split_first() {
        rest = behind;
        let control = usize::from(control);
        if control < LITERAL_MAX {
            let (literal, behind) = rest.split_at_checked(control + 1)?;
            out.extend_from_slice(literal);
            rest = behind;
        } else {
            let mut run = (control >> 5) + 2;
            if run == 9 {
                let (&more, behind) = rest.split_first()?;
                run += usize::from(more);
                rest = behind;
            }
            let (&low, behind) = rest.split_first()?;
            rest = behind;
            let distance = ((control & 0x1f) << 8 | usize::from(low)) + 1;
            let from = out.len().checked_sub(distance)?;
            copy_within(&mut out, from, run);
        }
        if out.len() > len {
            return None;
        }
    }
    (out.len() == len).then_some(out)
}

/// Appends `run` bytes from `from` on, which may be bytes that this appends itself.
fn copy_within(out: &mut Vec<u8>, from: usize, run: usize) {
    if from + run <= out.len() {
        out.extend_from_within(from..from + run);
    } else {
        for at in from..from + run {
            out.push(out[at]);
        }
    }
}

/// Compresses, if that saves at least `saving_min` bytes.
pub fn compress(bytes: &[u8], saving_min: usize) -> Option<Vec<u8>> {
    let out_max = bytes.len().checked_sub(saving_min)?;
    let mut out = Vec::with_capacity(out_max.min(1 << 16));
    // Places of three bytes seen before, plus one, by their hash.
    let mut seen = vec![0u32; 1 << HASH_BITS];
    let mut literal_from = 0;
    let mut at = 0;
    while at + MATCH_MIN <= bytes.len() {
        let slot = &mut seen[hash(&bytes[at..])];
        let before = std::mem::replace(slot, u32::try_from(at + 1).ok()?) as usize;
        let found = before.checked_sub(1).filter(|&from| {
            at - from <= DISTANCE_MAX && bytes[from..from + MATCH_MIN] == bytes[at..at + MATCH_MIN]
        });
        let Some(from) = found else {
            at += 1;
            continue;
        };
        let run_max = MATCH_MAX.min(bytes.len() - at);
        let run = (MATCH_MIN..run_max)
            .find(|&length| bytes[from + length] != bytes[at + length])
            .unwrap_or(run_max);
        put_literals(&mut out, &bytes[literal_from..at]);
        put_match(&mut out, at - from - 1, run - 2);
        at += run;
        literal_from = at;
        if out.len() > out_max {
            return None;
        }
    }
    put_literals(&mut out, &bytes[literal_from..]);
    (out.len() <= out_max).then_some(out)
}

fn hash(bytes: &[u8]) -> usize {
    let word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
    (word.wrapping_mul(0x9e37_79b1) >> (32 - HASH_BITS)) as usize
}

fn put_literals(out: &mut Vec<u8>, bytes: &[u8]) {
    for run in bytes.chunks(LITERAL_MAX) {
        out.push(run.len() as u8 - 1);
        out.extend_from_slice(run);
    }
}

/// `run` counts from 1, `distance` from 0.
fn put_match(out: &mut Vec<u8>, distance: usize, run: usize) {
    let high = (distance >> 8) as u8;
    if run < 7 {
        out.push((run as u8) << 5 | high);
    } else {
        out.push(7 << 5 | high);
        out.push((run - 7) as u8);
    }
    out.push(distance as u8);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_redis_wrote() {
        // `SET a aaaa…` of 100 bytes, as redis-server 8.2.3 dumps it.
        assert_eq!(decompress(b"\x01aa\xe0\x57\x00\x01aa", 100), Some(vec![b'a'; 100]));
    }

    #[test]
    fn refuses_what_is_no_compressed_string() {
        for (bytes, len) in [
            (&b"\x05ab"[..], 6),
            (b"\x20", 3),
            (b"\x20\x00", 3),
            (b"\x00a\xe0", 10),
            (b"\x00a\xe0\x01", 10),
            (b"\x00a\x20\x01", 4),
            (b"\x00a\x20\x00", 5),
            (b"\x00a\x20\x00", 3),
            (b"", 1),
        ] {
            assert_eq!(decompress(bytes, len), None, "{bytes:?}");
        }
        assert_eq!(decompress(b"\x00a\x20\x00", 4), Some(b"aaaa".to_vec()));
        assert_eq!(decompress(b"", 0), Some(Vec::new()));
    }

    #[test]
    fn what_does_not_shrink_stays() {
        assert_eq!(compress(b"abcdefghijklmnopqrstuvwxyz", 4), None);
        assert_eq!(compress(b"", 4), None);
        let far = [vec![b'x'; 3], (0..=255).cycle().take(9000).collect(), vec![b'x'; 3]].concat();
        let packed = compress(&far, 4).expect("it repeats");
        assert_eq!(decompress(&packed, far.len()), Some(far));
    }

    proptest! {
        #[test]
        fn what_was_compressed_comes_back(
            words in prop::collection::vec(prop::collection::vec(0u8..4, 1..9), 0..400),
        ) {
            let bytes = words.concat();
            if let Some(packed) = compress(&bytes, 4) {
                prop_assert!(packed.len() + 4 <= bytes.len());
                prop_assert_eq!(decompress(&packed, bytes.len()), Some(bytes));
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), len in 0usize..400) {
            if let Some(out) = decompress(&bytes, len) {
                prop_assert_eq!(out.len(), len);
            }
        }
    }
}
