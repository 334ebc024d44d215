use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

fn registers_of(bytes: &[u8]) -> Box<Registers> {
    let mut registers = Box::new([0; REGISTERS]);
    merge(&mut registers, bytes).expect("it is whole");
    registers
}

#[test]
fn known_strings() {
    // As redis-server 8.2.3 keeps them.
    let mut bytes = empty();
    assert_eq!(&bytes[HEADER_BYTES..], b"\x7f\xff");
    assert_eq!(add(&mut bytes, b"a", 3000), Ok(true));
    assert_eq!(&bytes[HEADER_BYTES..], b"q\xa6\x84NW");
    assert_eq!(add(&mut bytes, b"a", 3000), Ok(false));
    add(&mut bytes, b"b", 3000).expect("whole");
    add(&mut bytes, b"c", 3000).expect("whole");
    assert_eq!(&bytes[HEADER_BYTES..], b"`\xf3\x80P\xb1\x84K\xfb\x80BZ");
    assert_eq!(estimate(&registers_of(&bytes)), 3);
    assert_eq!(estimate(&registers_of(&empty())), 0);
}

#[test]
fn estimates_are_near() {
    let mut bytes = empty();
    for element in 1..=100_000_u32 {
        add(&mut bytes, format!("element {element}").as_bytes(), 3000).expect("whole");
        if element.is_multiple_of(10_000) {
            let estimate = estimate(&registers_of(&bytes)) as f64;
            let off = (estimate / f64::from(element) - 1.0).abs();
            assert!(off < 0.03, "{element} elements, estimated {estimate}");
        }
    }
    assert_eq!(form_of(&bytes), Some(Form::Dense));
}

#[test]
fn damaged_strings_are_refused() {
    assert_eq!(form_of(b"HYLL"), None);
    assert_eq!(form_of(&[b"HYLL\x02".as_slice(), &[0; 20]].concat()), None);
    assert_eq!(form_of(&[b"HYLL\x00".as_slice(), &[0; 20]].concat()), None);
    for registers in [b"".as_slice(), b"\x00", b"\x7f", b"\x7f\xff\x00", b"\x7f\xfe"] {
        let mut bytes = [b"HYLL\x01".as_slice(), &[0; 11], registers].concat();
        assert_eq!(form_of(&bytes), Some(Form::Sparse));
        assert_eq!(merge(&mut [0; REGISTERS], &bytes), Err(Corrupt), "{registers:?}");
        assert_eq!(make_dense(&mut bytes), Err(Corrupt));
    }
    let mut short = [b"HYLL\x01".as_slice(), &[0; 11], b"\x00"].concat();
    let before = short.clone();
    assert_eq!(add(&mut short, b"a", 3000), Err(Corrupt));
    assert_eq!(short, before);
}

#[test]
fn the_estimate_is_kept_until_it_is_out_of_date() {
    let mut bytes = empty();
    assert_eq!(kept_estimate(&bytes), Some(0));
    forget_estimate(&mut bytes);
    assert_eq!(kept_estimate(&bytes), None);
    bytes[ESTIMATE_AT..HEADER_BYTES].copy_from_slice(&7u64.to_le_bytes());
    assert_eq!(kept_estimate(&bytes), Some(7));
}

proptest! {
    #[test]
    fn both_forms_hold_the_registers(
        elements in prop::collection::vec(0u32..3000, 0..1500),
        sparse_max in prop::sample::select(vec![0usize, 20, 200, 3000, 100_000]),
    ) {
        let (mut bytes, mut model) = (empty(), Box::new([0; REGISTERS]));
        let distinct: HashSet<u32> = elements.iter().copied().collect();
        for element in &elements {
            let before = *model;
            note(&mut model, &element.to_le_bytes());
            let raised = add(&mut bytes, &element.to_le_bytes(), sparse_max);
            prop_assert_eq!(raised, Ok(before != *model));
        }
        prop_assert!(*registers_of(&bytes) == *model);
        let off = estimate(&model).abs_diff(distinct.len() as u64);
        prop_assert!(off <= 3 + distinct.len() as u64 / 20, "{} of {}", off, distinct.len());
        if form_of(&bytes) == Some(Form::Sparse) {
            prop_assert!(bytes.len() <= (HEADER_BYTES + sparse_max).max(empty().len()));
        }
        let mut dense = bytes.clone();
        prop_assert_eq!(make_dense(&mut dense), Ok(()));
        prop_assert!(*registers_of(&dense) == *model);
        let mut merged = empty();
        prop_assert_eq!(raise_to(&mut merged, &model, sparse_max), Ok(()));
        prop_assert!(*registers_of(&merged) == *model);
    }
}
