//! What every type's tests of its images need.

use std::collections::HashSet;

use super::*;

/// All pieces of a value.
pub(in crate::types) fn pieces(mut writer: impl ImageWriter) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    loop {
        let mut piece = Vec::new();
        let more = writer.write_piece(&mut piece);
        assert!(Tag::try_from(piece[0]).is_ok());
        pieces.push(piece);
        if !more {
            return pieces;
        }
    }
}

pub(in crate::types) fn read<R: ImageReader + Default>(
    pieces: &[impl AsRef<[u8]>],
) -> Result<R::Value, BadImage> {
    let mut reader = R::default();
    for piece in pieces {
        reader.read_piece(piece.as_ref())?;
    }
    reader.finish()
}

/// Reads pieces of which one is cut short, flipped in a bit, dropped, doubled or swapped with the next,
/// as `seed` decides. A value that comes of it is shown to `visit`, which must not panic.
pub(in crate::types) fn read_damaged<R: ImageReader + Default>(
    pieces: &[Vec<u8>],
    seed: u64,
    visit: impl FnOnce(R::Value),
) {
    let mut pieces = pieces.to_vec();
    let at = (seed >> 8) as usize % pieces.len();
    let byte = (seed >> 16) as usize % pieces[at].len();
    match seed % 16 {
        0 => pieces[at].truncate(byte),
        1 => drop(pieces.remove(at)),
        2 => pieces.insert(at, pieces[at].clone()),
        3 => {
            let next = (at + 1) % pieces.len();
            pieces.swap(at, next);
        }
        4 => pieces[at].push(seed as u8),
        5..8 => pieces[at][byte] = (seed >> 56) as u8,
        // Heads are short and say the most.
        8..10 => {
            let byte = (seed >> 16) as usize % pieces[0].len();
            pieces[0][byte] ^= 1 << (seed >> 5 & 7);
        }
        _ => pieces[at][byte] ^= 1 << (seed >> 5 & 7),
    }
    if let Ok(value) = read::<R>(&pieces) {
        visit(value);
    }
}

#[test]
fn tags_are_numbered_once() {
    let numbers: HashSet<u8> = Tag::ALL.iter().map(|&tag| tag as u8).collect();
    assert_eq!(numbers.len(), Tag::ALL.len());
    for number in 0..=u8::MAX {
        match Tag::try_from(number) {
            Ok(tag) => assert_eq!(tag as u8, number),
            Err(_) => assert!(!numbers.contains(&number)),
        }
    }
    // Files that were written with these numbers are still there.
    let written = [
        1, 2, 3, 4, 16, 17, 18, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48,
        49, 50, 56, 57, 64, 65, 66, 67, 68, 80, 81, 82,
    ];
    assert_eq!(numbers, HashSet::from(written));
}

#[test]
fn a_number_reads_back_and_no_other_does() {
    for value in [0, 1, 127, 128, 16_383, 16_384, u64::MAX >> 1, u64::MAX - 1, u64::MAX] {
        let mut out = Vec::new();
        bytes::put_varint(&mut out, value);
        let mut cut = Cut::new(&out);
        assert_eq!(cut.varint(), Ok(value));
        assert!(cut.is_empty());
        assert!(Cut::new(&out[..out.len() - 1]).varint().is_err());
    }
    let too_long = [[0xff; 9].as_slice(), &[2]].concat();
    assert!(Cut::new(&too_long).varint().is_err());
    assert!(Cut::new(&[0xff; 30]).varint().is_err());
}
