use super::*;
use crate::types::stream::log::TrimBy;

fn id(ms: u64) -> StreamId {
    StreamId { ms, seq: 0 }
}

/// Entries 1 to `count`, all delivered to one group and the given ones acknowledged.
fn stream(count: u64, acknowledged: &[u64]) -> Stream {
    let mut stream = Stream::new(IdmpLimits::default());
    for ms in 1..=count {
        let limits = NodeLimits { bytes_max: 4096, entries_max: 2 };
        stream.append(id(ms), &["f", "v"], limits).expect("small");
    }
    let mut group = Group::new(id(count), None);
    let consumer = group.create_consumer(b"c", 0).expect("the first of its name");
    for ms in (1..=count).filter(|ms| !acknowledged.contains(ms)) {
        group.assign(id(ms), consumer, 0, 1);
    }
    assert!(stream.add_group(b"g", group));
    stream
}

fn ids(stream: &Stream) -> Vec<u64> {
    let all = stream.log().range(StreamId::MIN, StreamId::MAX);
    all.map(|entry| entry.id().ms).collect()
}

fn pending(stream: &Stream) -> u64 {
    stream.group(b"g").expect("it was added").consumer(b"c").expect("it was made").pending()
}

#[test]
fn policies_decide_what_a_deletion_leaves() {
    let mut stream = stream(4, &[1]);
    assert_eq!(stream.delete(id(9), RefPolicy::DelRef), Deletion::NoSuchEntry);
    assert_eq!(stream.delete(id(1), RefPolicy::Acked), Deletion::Deleted);
    assert_eq!(stream.delete(id(2), RefPolicy::Acked), Deletion::StillAwaited);
    assert_eq!(stream.delete(id(2), RefPolicy::KeepRef), Deletion::Deleted);
    assert_eq!(pending(&stream), 3);
    assert_eq!(stream.delete(id(3), RefPolicy::DelRef), Deletion::Deleted);
    assert_eq!((ids(&stream), pending(&stream)), (vec![4], 2));
    assert_eq!(stream.max_deleted_id(), id(3));
}

#[test]
fn an_entry_not_yet_delivered_is_awaited() {
    let mut stream = stream(2, &[1, 2]);
    stream.append(id(3), &["f", "v"], NodeLimits::default()).expect("small");
    assert_eq!(stream.delete(id(3), RefPolicy::Acked), Deletion::StillAwaited);
    assert!(stream.remove_group(b"g").is_some());
    assert_eq!(stream.delete(id(3), RefPolicy::Acked), Deletion::Deleted);
}

/// Redis 8.4 and later: `~` with ACKED or DELREF goes entry by entry through what it may trim.
#[test]
fn an_approximate_trim_of_the_acked_passes_over_the_others() {
    let by_id = Trim { by: TrimBy::MinId(id(6)), approximate: true, limit: 0 };
    let mut one = stream(5, &[1, 2, 4]);
    assert_eq!(one.trim(by_id, RefPolicy::Acked), (3, id(4)));
    assert_eq!((ids(&one), pending(&one)), (vec![3, 5], 2));
    let mut other = stream(5, &[]);
    assert_eq!(other.trim(by_id, RefPolicy::DelRef), (5, id(5)));
    assert_eq!((ids(&other), pending(&other)), (vec![], 0));
    // Trimming is not deleting.
    assert_eq!(other.max_deleted_id(), StreamId::MIN);
}

#[test]
fn a_trim_tells_the_last_that_went() {
    let to = |len| Trim { by: TrimBy::MaxLen(len), approximate: false, limit: 0 };
    let mut stream = stream(5, &[]);
    let (removed, last) = stream.trim(to(2), RefPolicy::KeepRef);
    assert_eq!(removed, 3);
    // Anything from the last that went up to just before the first that stays.
    assert!(id(3) <= last && last < id(4));
    assert_eq!(stream.trim(to(0), RefPolicy::KeepRef), (2, id(5)));
    assert_eq!(pending(&stream), 5);
}

#[test]
fn ids_are_made_from_the_time_and_what_was_before() {
    let mut stream = Stream::new(IdmpLimits::default());
    assert_eq!(stream.next_id(5), Some(id(5)));
    assert_eq!(stream.next_id(0), Some(StreamId { ms: 0, seq: 1 }));
    stream.set_id(StreamId { ms: 7, seq: u64::MAX }, None, None);
    assert_eq!(stream.next_id(5), Some(id(8)));
    assert_eq!(stream.next_id_at(7), None);
    assert_eq!(stream.next_id_at(6), None);
    assert_eq!(stream.next_id_at(9), Some(id(9)));
    stream.set_id(StreamId::MAX, Some(9), Some(id(4)));
    assert_eq!(stream.next_id(5), None);
    assert_eq!((stream.entries_added(), stream.max_deleted_id()), (9, id(4)));
}

/// What was removed behind the last entry still lies in its block when its id is given again.
#[test]
fn an_id_can_be_given_again_after_xsetid() {
    for entries_max in [2, 100] {
        let limits = NodeLimits { bytes_max: 4096, entries_max };
        let mut stream = Stream::new(IdmpLimits::default());
        for ms in 1..=4 {
            stream.append(id(ms), &["f", "v"], limits).expect("small");
        }
        let mut group = Group::new(id(4), None);
        let consumer = group.create_consumer(b"c", 0).expect("the first of its name");
        group.assign(id(2), consumer, 0, 1);
        stream.add_group(b"g", group);
        // A trim is no deletion, so XSETID may go back before what it took.
        let all = Trim { by: TrimBy::MaxLen(0), approximate: false, limit: 0 };
        assert_eq!(stream.trim(all, RefPolicy::Acked).0, 3);
        stream.set_id(id(2), None, None);
        let next = StreamId { ms: 2, seq: 5 };
        for id in [next, id(3), id(7)] {
            stream.append(id, &["f", "v"], limits).expect("small");
            assert!(stream.log().contains(id), "{id}");
            assert_eq!(stream.log().get(id).map(|entry| entry.id()), Some(id));
        }
        assert_eq!(ids(&stream), [2, 2, 3, 7]);
        assert_eq!(stream.delete(id(3), RefPolicy::KeepRef), Deletion::Deleted);
        assert_eq!(stream.delete(id(4), RefPolicy::KeepRef), Deletion::NoSuchEntry);
        let two = Trim { by: TrimBy::MinId(id(7)), approximate: false, limit: 0 };
        assert_eq!(stream.trim(two, RefPolicy::KeepRef).0, 2);
        assert_eq!(ids(&stream), [7]);
    }
}
