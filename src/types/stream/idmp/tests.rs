use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const NOW: u64 = 1_700_000_000_000;

/// For each producer what it had remembered, in order, with nothing ever thrown away early.
#[derive(Default)]
struct Model {
    producers: BTreeMap<u8, Vec<(u8, StreamId)>>,
    added: u64,
}

impl Model {
    fn live(&self, producer: u8, limits: IdmpLimits, now_ms: u64) -> Vec<(u8, StreamId)> {
        let all = self.producers.get(&producer).map_or(&[][..], Vec::as_slice);
        let newest = &all[all.len().saturating_sub(limits.per_producer_max as usize)..];
        let oldest_ms = now_ms.saturating_sub(u64::from(limits.duration_s) * 1000);
        newest.iter().copied().filter(|(_, id)| id.ms > oldest_ms).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn remembers_what_its_limits_say(
        ops in prop::collection::vec((0..5u8, 0..12u8, 0..400u64, 0..40u8), 1..300),
    ) {
        let mut limits = IdmpLimits { duration_s: 5, per_producer_max: 4 };
        let mut idmp = Idmp::new(limits);
        let mut model = Model::default();
        let mut now_ms = NOW;
        let mut seq = 0;
        for (producer, iid, passed_ms, change) in ops {
            now_ms += passed_ms;
            if change == 0 {
                limits.per_producer_max = 1 + limits.per_producer_max % 5;
                idmp.set_limits(limits);
                model.producers.clear();
            }
            let live = model.live(producer, limits, now_ms);
            let known = live.iter().find(|(known, _)| *known == iid).map(|(_, id)| *id);
            prop_assert_eq!(idmp.find(&[producer], &[iid], now_ms), known);
            if known.is_none() {
                seq += 1;
                let id = StreamId { ms: now_ms, seq };
                idmp.remember(&[producer], &[iid], id, now_ms);
                model.producers.entry(producer).or_default().push((iid, id));
                model.added += 1;
            }
            let lives = (0..5).map(|one| model.live(one, limits, now_ms).len());
            let lives: Vec<usize> = lives.filter(|&live| live > 0).collect();
            prop_assert_eq!(idmp.tracked(now_ms), (lives.len(), lives.iter().sum()));
            prop_assert_eq!(idmp.iter(now_ms).count(), lives.iter().sum::<usize>());
            prop_assert_eq!(idmp.added(), model.added);
        }
    }
}

fn id(ms: u64) -> StreamId {
    StreamId { ms, seq: 0 }
}

#[test]
fn an_id_is_kept_to_the_millisecond() {
    let mut idmp = Idmp::new(IdmpLimits { duration_s: 1, per_producer_max: 10 });
    idmp.remember(b"p", b"i", id(NOW), NOW);
    assert_eq!(idmp.find(b"p", b"i", NOW + 999), Some(id(NOW)));
    assert_eq!(idmp.find(b"p", b"i", NOW + 1000), None);
    assert_eq!(idmp.tracked(NOW + 999), (1, 1));
    assert_eq!(idmp.tracked(NOW + 1000), (0, 0));
    assert_eq!(idmp.find(b"other", b"i", NOW), None);
}

#[test]
fn same_limits_forget_nothing() {
    let mut idmp = Idmp::new(IdmpLimits::default());
    idmp.remember(b"p", b"i", id(NOW), NOW);
    idmp.set_limits(IdmpLimits::default());
    assert_eq!(idmp.tracked(NOW), (1, 1));
    idmp.set_limits(IdmpLimits { duration_s: 60, ..IdmpLimits::default() });
    assert_eq!(idmp.tracked(NOW), (0, 0));
    assert_eq!(idmp.added(), 1);
}

#[test]
fn what_is_restored_may_come_in_any_order() {
    let mut idmp = Idmp::new(IdmpLimits { duration_s: 100, per_producer_max: 3 });
    for ms in [5, 3, 4] {
        let iid = [ms as u8];
        assert_eq!(idmp.restore(b"p", &iid, id(NOW + ms), NOW + 9), Ok(()));
        assert_eq!(idmp.restore(b"p", &iid, id(NOW + ms), NOW + 9), Ok(()));
        assert_eq!(idmp.restore(b"p", &iid, id(NOW), NOW + 9), Err(IdmpConflict));
    }
    assert_eq!(idmp.added(), 0);
    idmp.remember(b"p", b"new", id(NOW + 9), NOW + 9);
    // The oldest by id went, though it came second.
    assert_eq!(idmp.find(b"p", &[3], NOW + 9), None);
    let kept: Vec<StreamId> = idmp.iter(NOW + 9).map(|(_, _, id)| id).collect();
    assert_eq!(kept, [id(NOW + 4), id(NOW + 5), id(NOW + 9)]);
}

#[test]
fn content_ids_tell_content_and_not_order() {
    let content = |pairs: &[(&str, &str)]| {
        let mut content = ContentId::default();
        for (name, value) in pairs {
            content.add(name.as_bytes(), value.as_bytes());
        }
        content.bytes()
    };
    assert_eq!(content(&[("a", "1"), ("b", "2")]), content(&[("b", "2"), ("a", "1")]));
    assert_ne!(content(&[("a", "1"), ("b", "2")]), content(&[("a", "2"), ("b", "1")]));
    assert_ne!(content(&[("ab", "c")]), content(&[("a", "bc")]));
    assert_ne!(content(&[("a", "")]), content(&[("", "a")]));
    assert_ne!(content(&[("a", "1")]), content(&[("a", "1"), ("a", "1")]));
}
