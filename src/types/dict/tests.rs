use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;

use super::*;
use crate::types::image::Tag;

impl<P: Payload> Dict<P> {
    /// Panics unless the invariants hold.
    fn assert_sound(&self) {
        let mut after = None;
        for (index, part) in self.parts.iter().enumerate() {
            assert_eq!(part.members as usize, part.chunk.len());
            assert!(part.members > 0);
            part.chunk.assert_sound(|member| self.hash(member));
            assert!(part.from <= part.chunk.first_hash());
            let last = part.chunk.hash_at(part.chunk.len() - 1);
            assert!(!part.chunk.is_full() || part.chunk.first_hash() == last);
            match after {
                None => assert_eq!((index, part.from), (0, 0)),
                Some(after) => assert!(part.from > after),
            }
            after = Some(last);
        }
        assert_eq!(self.len(), self.iter().count());
    }

    fn chunks(&self) -> Vec<*const Chunk<P>> {
        self.parts.iter().map(|part| Arc::as_ptr(&part.chunk)).collect()
    }
}

/// Bytes of any length.
#[derive(Clone)]
struct Bytes;

impl Payload for Bytes {
    type Ref<'a> = &'a [u8];

    fn packed_len(payload: &[u8]) -> usize {
        chunk::varint_len(payload.len()) + payload.len()
    }

    fn pack(payload: &[u8], place: &mut [u8]) {
        chunk::write_varint(place, payload.len()).copy_from_slice(payload);
    }

    fn unpack(packed: &[u8]) -> &[u8] {
        let (len, rest) = chunk::read_varint(packed);
        &rest[..len]
    }

    fn read<'a>(cut: &mut Cut<'a>) -> Result<&'a [u8], BadImage> {
        cut.bytes()
    }
}

#[derive(Clone, Debug)]
enum Op {
    Insert { member: u16, len: usize },
    Add { member: u16 },
    Remove { member: u16 },
    Fill { from: u16, count: u16 },
    Drain { from: u16, count: u16 },
    Clone,
    Image,
}

fn op() -> impl Strategy<Value = Op> {
    let len = prop_oneof![8 => 0..40usize, 2 => 100..400usize, 1 => 3000..9000usize];
    prop_oneof![
        8 => (0..400u16, len).prop_map(|(member, len)| Op::Insert { member, len }),
        4 => (0..400u16).prop_map(|member| Op::Add { member }),
        6 => (0..400u16).prop_map(|member| Op::Remove { member }),
        2 => (0..400u16, 0..300u16).prop_map(|(from, count)| Op::Fill { from, count }),
        2 => (0..400u16, 0..300u16).prop_map(|(from, count)| Op::Drain { from, count }),
        1 => Just(Op::Clone),
        1 => Just(Op::Image),
    ]
}

fn name(member: u16) -> Vec<u8> {
    match member % 50 {
        0 => vec![member as u8; 300 + usize::from(member)],
        _ => format!("member:{member}").into_bytes(),
    }
}

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

fn apply(dict: &mut Dict<Bytes>, model: &mut Model, op: &Op) {
    match *op {
        Op::Insert { member, len } => {
            let (member, value) = (name(member), vec![len as u8; len]);
            let is_new = model.insert(member.clone(), value.clone()).is_none();
            assert_eq!(dict.insert(&member, &value), is_new);
        }
        Op::Add { member } => {
            let member = name(member);
            let is_new = !model.contains_key(&member);
            assert_eq!(dict.add(&member, b"added"), is_new);
            model.entry(member).or_insert_with(|| b"added".to_vec());
        }
        Op::Remove { member } => {
            let member = name(member);
            assert_eq!(dict.remove(&member), model.remove(&member).is_some());
        }
        Op::Fill { from, count } => {
            for member in from..from + count {
                dict.insert(&name(member), b"filled");
                model.insert(name(member), b"filled".to_vec());
            }
        }
        Op::Drain { from, count } => {
            for member in from..from + count {
                assert_eq!(dict.remove(&name(member)), model.remove(&name(member)).is_some());
            }
        }
        Op::Clone | Op::Image => {}
    }
}

fn check(dict: &Dict<Bytes>, model: &Model) {
    dict.assert_sound();
    assert_eq!(dict.len(), model.len());
    assert_eq!(dict.is_empty(), model.is_empty());
    let all: Model = dict.iter().map(|(member, it)| (member.to_vec(), it.to_vec())).collect();
    assert_eq!(&all, model);
    for (place, (member, value)) in dict.iter().enumerate().step_by(7) {
        assert_eq!(dict.at(place), Some((member, value)));
        assert_eq!((dict.get(member), dict.contains(member)), (Some(value), true));
        let same = dict.of_key(dict.key_of(member)).filter(|(found, _)| *found == member);
        assert_eq!(same.count(), 1);
    }
    assert_eq!(dict.at(model.len()), None);
    assert_eq!((dict.get(b"absent"), dict.contains(b"absent")), (None, false));
}

/// What is read back of an image.
fn read_back(dict: &Dict<Bytes>) -> Dict<Bytes> {
    let mut image = DictImage::new(dict);
    let mut head = Vec::new();
    image.write_head(&mut head);
    let mut reader = DictReader::<Bytes>::begin(&mut Cut::new(&head)).unwrap();
    loop {
        let mut piece = Vec::new();
        let more = image.write_piece(Tag::HashChunk, &mut piece);
        reader.read_piece(Cut::new(&piece[1..]), |_, _, _| {}).unwrap();
        if !more {
            return reader.finish().unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn does_as_a_map_does(ops in prop::collection::vec(op(), 1..60)) {
        let (mut dict, mut model) = (Dict::<Bytes>::new(), Model::new());
        let mut kept = Vec::new();
        for op in &ops {
            apply(&mut dict, &mut model, op);
            match op {
                Op::Clone => kept.push((dict.clone(), model.clone())),
                Op::Image if !dict.is_empty() => {
                    dict = read_back(&dict);
                    check(&dict, &model);
                }
                _ => {}
            }
        }
        check(&dict, &model);
        // What was cloned is as it was.
        for (dict, model) in &kept {
            check(dict, model);
        }
    }

    #[test]
    fn a_scan_visits_what_stays_once(
        steps in prop::collection::vec((1..40usize, prop::collection::vec(op(), 0..4)), 1..60),
    ) {
        let (mut dict, mut model) = (Dict::<Bytes>::new(), Model::new());
        apply(&mut dict, &mut model, &Op::Fill { from: 0, count: 400 });
        // These no operation touches.
        let stays = |number: u16| format!("stays:{number}").into_bytes();
        (0..150).for_each(|number| assert!(dict.insert(&stays(number), b"")));
        let mut visits: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut cursor = 0;
        for (count, ops) in steps.iter().chain(std::iter::repeat(&(50, Vec::new()))) {
            let mut visited = 0;
            cursor = dict.scan(cursor, *count, |member, _| {
                *visits.entry(member.to_vec()).or_default() += 1;
                visited += 1;
            });
            assert!(cursor == 0 || visited >= *count);
            if cursor == 0 {
                break;
            }
            ops.iter().for_each(|op| apply(&mut dict, &mut model, op));
        }
        for number in 0..150 {
            assert_eq!(visits.get(&stays(number)), Some(&1));
        }
    }

    #[test]
    fn members_of_few_hashes_are_kept_apart(ops in prop::collection::vec((0..300u32, 0..3), 1..500)) {
        let (mut chunk, mut model) = (Chunk::<Bytes>::default(), BTreeMap::new());
        let hash = |number: u32| number % 3;
        for (number, action) in ops {
            let member = number.to_be_bytes();
            match (chunk.find(hash(number), &member), action) {
                (Ok(at), 0) => {
                    chunk.remove(at);
                    assert!(model.remove(&(hash(number), number)).is_some());
                }
                (Ok(at), _) => chunk.replace(at, model[&(hash(number), number)]),
                (Err(at), _) => {
                    chunk.insert(at, hash(number), &member, b"value");
                    assert!(model.insert((hash(number), number), &b"value"[..]).is_none());
                }
            }
        }
        let number = |member: &[u8]| u32::from_be_bytes(member.try_into().unwrap());
        let all: Vec<u32> = (0..chunk.len()).map(|at| number(chunk.entry(at).0)).collect();
        assert_eq!(all, model.keys().map(|&(_, number)| number).collect::<Vec<u32>>());
        if let Some(upper) = chunk.split() {
            assert!(chunk.hash_at(chunk.len() - 1) < upper.first_hash());
            assert_eq!(chunk.len() + upper.len(), all.len());
            upper.assert_sound(|member| hash(number(member)));
        }
    }
}

#[test]
fn a_clone_shares_all_but_what_changes() {
    let mut dict = Dict::<f64>::new();
    for number in 0..20_000u32 {
        assert!(dict.insert(format!("member:{number}").as_bytes(), f64::from(number)));
    }
    dict.assert_sound();
    let before = dict.clone();
    assert_eq!(dict.chunks(), before.chunks());
    // What changes nothing copies nothing.
    assert!(!dict.add(b"member:17", 0.0) && !dict.remove(b"absent"));
    assert_eq!(dict.chunks(), before.chunks());

    assert!(!dict.insert(b"member:17", 1.5));
    assert_eq!((dict.get(b"member:17"), before.get(b"member:17")), (Some(1.5), Some(17.0)));
    let (now, then) = (dict.chunks(), before.chunks());
    assert_eq!(now.iter().filter(|chunk| !then.contains(chunk)).count(), 1);
}

#[test]
fn draining_gives_memory_back() {
    let mut dict = Dict::<()>::new();
    let member = |number: u32| format!("member:{number:06}").into_bytes();
    (0..50_000).for_each(|number| assert!(dict.add(&member(number), ())));
    let full = dict.heap_bytes(0);
    // 13 bytes each.
    assert!(full < 50_000 * 27, "{} bytes a member", full as f64 / 50_000.0);
    assert!(dict.heap_bytes(5).abs_diff(full) < full / 4);
    (0..49_000).for_each(|number| assert!(dict.remove(&member(number))));
    dict.assert_sound();
    assert!(dict.heap_bytes(0) < full / 25, "{} of {full}", dict.heap_bytes(0));
    (49_000..50_000).for_each(|number| assert!(dict.remove(&member(number))));
    assert!(dict.is_empty() && dict.scan(0, 10, |_, ()| unreachable!()) == 0);
}

#[test]
fn a_large_payload_stands_alone() {
    let mut dict = Dict::<Bytes>::new();
    (0..200u32).for_each(|number| assert!(dict.insert(&number.to_be_bytes(), b"small")));
    let large = vec![7; 1 << 20];
    assert!(!dict.insert(&99u32.to_be_bytes(), &large));
    (200..600u32).for_each(|number| assert!(dict.insert(&number.to_be_bytes(), b"small")));
    dict.assert_sound();
    assert_eq!(dict.get(&99u32.to_be_bytes()), Some(&large[..]));
    let (_, part) = dict.part(dict.hash(&99u32.to_be_bytes())).unwrap();
    assert!(part.members < 4);
}

#[test]
fn pieces_out_of_order_are_refused() {
    let mut dict = Dict::<()>::new();
    (0..1000u32).for_each(|number| assert!(dict.add(&number.to_be_bytes(), ())));
    let mut image = DictImage::new(&dict);
    let (mut head, mut one, mut two) = (Vec::new(), Vec::new(), Vec::new());
    image.write_head(&mut head);
    assert!(image.write_piece(Tag::HashChunk, &mut one));
    assert!(image.write_piece(Tag::HashChunk, &mut two));
    let begin = || DictReader::<()>::begin(&mut Cut::new(&head)).unwrap();
    let read = |reader: &mut DictReader<()>, piece: &[u8]| {
        reader.read_piece(Cut::new(&piece[1..]), |_, _, ()| {})
    };
    let mut reader = begin();
    assert_eq!(read(&mut reader, &two), Ok(()));
    assert!(read(&mut reader, &one).is_err() && reader.finish().is_err());
    let mut reader = begin();
    assert_eq!((read(&mut reader, &one), read(&mut reader, &two)), (Ok(()), Ok(())));
    assert!(reader.finish().is_err(), "some are missing");
    let mut reader = begin();
    assert!(read(&mut reader, &one[..one.len() - 1]).is_err());
}
