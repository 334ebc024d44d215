//! Strings as rows of bits, the first bit of a byte being its highest.

/// The bit at a place; beyond the end all are 0.
pub fn get(bytes: &[u8], place: u64) -> bool {
    let byte = usize::try_from(place / 8).ok().and_then(|at| bytes.get(at));
    byte.is_some_and(|byte| byte >> (7 - place % 8) & 1 == 1)
}

/// Sets or clears the bit at a place, which is within the bytes.
pub fn set(bytes: &mut [u8], place: u64, bit: bool) {
    let (at, mask) = ((place / 8) as usize, 0x80 >> (place % 8));
    if bit {
        bytes[at] |= mask;
    } else {
        bytes[at] &= !mask;
    }
}

/// The byte at a place with only the bits that lie in `from..=last`, both places of bits.
fn masked(bytes: &[u8], at: usize, from: u64, last: u64) -> u8 {
    let begin = at as u64 * 8;
    let mut byte = bytes[at];
    if begin < from {
        byte &= 0xff >> (from - begin);
    }
    if begin + 7 > last {
        byte &= 0xff << (begin + 7 - last);
    }
    byte
}

/// How many bits of `from..=last` are set; both places are within the bytes.
pub fn count(bytes: &[u8], from: u64, last: u64) -> u64 {
    let (first, end) = ((from / 8) as usize, (last / 8) as usize);
    if first == end {
        return masked(bytes, first, from, last).count_ones().into();
    }
    let (words, rest) = bytes[first + 1..end].as_chunks::<8>();
    let inner: u64 =
        words.iter().map(|word| u64::from(u64::from_ne_bytes(*word).count_ones())).sum();
    let rest: u64 = rest.iter().map(|byte| u64::from(byte.count_ones())).sum();
    let ends =
        masked(bytes, first, from, last).count_ones() + masked(bytes, end, from, last).count_ones();
    inner + rest + u64::from(ends)
}

/// The first place in `from..=last`, both within the bytes, at which there is such a bit.
pub fn find(bytes: &[u8], bit: bool, from: u64, last: u64) -> Option<u64> {
    // What is looked for becomes a bit that is set.
    let flip = if bit { 0 } else { 0xff };
    let (first, end) = ((from / 8) as usize, (last / 8) as usize);
    let in_byte = |at: usize| {
        let found = masked(
            &[bytes[at] ^ flip],
            0,
            from.saturating_sub(at as u64 * 8),
            last - at as u64 * 8,
        );
        (found != 0).then(|| at as u64 * 8 + u64::from(found.leading_zeros()))
    };
    if let Some(place) = in_byte(first) {
        return Some(place);
    }
    if first == end {
        return None;
    }
    // Eight bytes at a time, where none of them matters.
    let empty = [flip; 8];
    let mut at = first + 1;
    while at + 8 < end && bytes[at..at + 8] == empty {
        at += 8;
    }
    (at..=end).find_map(in_byte)
}

/// An unsigned integer of `width` bits (at most 64) at a place; beyond the end all bits are 0.
pub fn get_field(bytes: &[u8], place: u64, width: u32) -> u64 {
    // Nine bytes hold any field.
    let first = place / 8;
    let mut window = [0; 16];
    if let Ok(first) = usize::try_from(first)
        && first < bytes.len()
    {
        let part = &bytes[first..bytes.len().min(first + 9)];
        window[..part.len()].copy_from_slice(part);
    }
    let aligned = u128::from_be_bytes(window) << (place % 8);
    if width == 0 { 0 } else { (aligned >> (128 - width)) as u64 }
}

/// Writes the low `width` bits of a value at a place; all of them are within the bytes.
pub fn set_field(bytes: &mut [u8], place: u64, width: u32, value: u64) {
    let first = (place / 8) as usize;
    let end = bytes.len().min(first + 9);
    let mut window = [0; 16];
    window[..end - first].copy_from_slice(&bytes[first..end]);
    let shift = 128 - width - (place % 8) as u32;
    let mask = (u128::from(u64::MAX) >> (64 - width)) << shift;
    let before = u128::from_be_bytes(window);
    let after = before & !mask | u128::from(value) << shift & mask;
    bytes[first..end].copy_from_slice(&after.to_be_bytes()[..end - first]);
}

/// How rows of bits become one, place by place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    And,
    Or,
    Xor,
    /// Of a single row.
    Not,
    /// Set in the first row and in no other.
    Diff,
    /// Set in another row and not in the first.
    Diff1,
    /// Set in the first row and in another.
    AndOr,
    /// Set in just one row.
    One,
}

/// The outcome of an operation, as long as the longest row; the others count as if they had zeros
/// behind their ends.
pub fn combine(operation: Operation, rows: &[&[u8]]) -> Vec<u8> {
    let len = rows.iter().map(|row| row.len()).max().unwrap_or(0);
    let mut outcome = vec![0; len];
    let Some((first, others)) = rows.split_first() else { return outcome };
    outcome[..first.len()].copy_from_slice(first);
    match operation {
        Operation::And => {
            for row in others {
                fold(&mut outcome, row, |byte, other| byte & other);
                // Past its end.
                outcome[row.len()..].fill(0);
            }
        }
        Operation::Or => others.iter().for_each(|row| fold(&mut outcome, row, |a, b| a | b)),
        Operation::Xor => others.iter().for_each(|row| fold(&mut outcome, row, |a, b| a ^ b)),
        Operation::Not => outcome.iter_mut().for_each(|byte| *byte = !*byte),
        Operation::Diff => others.iter().for_each(|row| fold(&mut outcome, row, |a, b| a & !b)),
        Operation::Diff1 | Operation::AndOr => {
            let mut any = vec![0; len];
            others.iter().for_each(|row| fold(&mut any, row, |a, b| a | b));
            let keep = match operation {
                Operation::AndOr => |a, b| a & b,
                _ => |a: u8, b: u8| !a & b,
            };
            fold(&mut outcome, &any, keep);
        }
        Operation::One => {
            // What more than one row has.
            let mut several = vec![0; len];
            for row in others {
                for ((one, several), byte) in outcome.iter_mut().zip(&mut several).zip(*row) {
                    *several |= *one & byte;
                    *one |= byte;
                }
            }
            fold(&mut outcome, &several, |a, b| a & !b);
        }
    }
    outcome
}

/// Changes each byte by the one at its place in `row`, as far as that goes.
fn fold(bytes: &mut [u8], row: &[u8], change: impl Fn(u8, u8) -> u8) {
    bytes.iter_mut().zip(row).for_each(|(byte, other)| *byte = change(*byte, *other));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bits(bytes: &[u8]) -> Vec<bool> {
        (0..bytes.len() as u64 * 8).map(|place| get(bytes, place)).collect()
    }

    fn rows() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::vec(prop::collection::vec(any::<u8>(), 0..30), 1..5)
    }

    /// Long stretches of one byte, so that words are passed over.
    fn long() -> impl Strategy<Value = Vec<u8>> {
        let stretch = (prop::sample::select(vec![0u8, 0xff, 0x10, 0xfe]), 1usize..40);
        prop::collection::vec(stretch, 1..6).prop_map(|stretches| {
            stretches.into_iter().flat_map(|(byte, times)| vec![byte; times]).collect()
        })
    }

    proptest! {
        #[test]
        fn counting_and_finding(bytes in long(), one: u16, other: u16) {
            let model = bits(&bytes);
            let (one, other) = (usize::from(one) % model.len(), usize::from(other) % model.len());
            let (from, last) = (one.min(other), one.max(other));
            let range = || model[from..=last].iter().enumerate();
            let expected = range().filter(|(_, bit)| **bit).count();
            prop_assert_eq!(count(&bytes, from as u64, last as u64), expected as u64);
            for wanted in [false, true] {
                let expected = range().find(|(_, bit)| **bit == wanted).map(|(at, _)| (from + at) as u64);
                prop_assert_eq!(find(&bytes, wanted, from as u64, last as u64), expected);
            }
        }

        #[test]
        fn fields(mut bytes in prop::collection::vec(any::<u8>(), 1..30), at: u16, width in 1u32..=64, value: u64) {
            let mut model = bits(&bytes);
            let read = |model: &[bool], place: usize| {
                (place..place + width as usize)
                    .fold(0u64, |value, at| value << 1 | u64::from(model.get(at) == Some(&true)))
            };
            let anywhere = usize::from(at) % (model.len() + 20);
            prop_assert_eq!(get_field(&bytes, anywhere as u64, width), read(&model, anywhere));
            if let Some(room) = model.len().checked_sub(width as usize) {
                let place = usize::from(at) % (room + 1);
                for bit in 0..width as usize {
                    model[place + bit] = value >> (width as usize - 1 - bit) & 1 == 1;
                }
                set_field(&mut bytes, place as u64, width, value);
                prop_assert_eq!(bits(&bytes), model);
            }
        }

        #[test]
        fn single_bits(mut bytes in prop::collection::vec(any::<u8>(), 1..9), at: u16, bit: bool) {
            let mut model = bits(&bytes);
            let place = usize::from(at) % model.len();
            model[place] = bit;
            set(&mut bytes, place as u64, bit);
            prop_assert_eq!(bits(&bytes), model);
        }

        #[test]
        fn operations(rows in rows()) {
            let rows: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
            let len = rows.iter().map(|row| row.len()).max().unwrap_or(0);
            type Rule = fn(bool, &[bool]) -> bool;
            let rules: [(Operation, Rule); 8] = [
                (Operation::And, |first, others| first && others.iter().all(|bit| *bit)),
                (Operation::Or, |first, others| first || others.contains(&true)),
                (Operation::Xor, |first, others| others.iter().fold(first, |a, b| a ^ b)),
                (Operation::Not, |first, _| !first),
                (Operation::Diff, |first, others| first && !others.contains(&true)),
                (Operation::Diff1, |first, others| !first && others.contains(&true)),
                (Operation::AndOr, |first, others| first && others.contains(&true)),
                (Operation::One, |first, others| {
                    others.iter().filter(|bit| **bit).count() + usize::from(first) == 1
                }),
            ];
            for (operation, rule) in rules {
                let outcome = combine(operation, &rows);
                prop_assert_eq!(outcome.len(), len);
                for place in 0..len as u64 * 8 {
                    let at: Vec<bool> = rows.iter().map(|row| get(row, place)).collect();
                    prop_assert_eq!(get(&outcome, place), rule(at[0], &at[1..]), "{:?}", operation);
                }
            }
        }
    }
}
