//! Power cuts: at every operation of a workload on the simulated disk, what was answered is there,
//! and nothing else than a prefix of what was appended.
//!
//! `JOURNAL_SEED` (default 1) picks the workloads, `JOURNAL_WORKLOADS` (default 2) how many of them
//! are cut, `JOURNAL_SURVIVORS` (default 2) how many of the disks that each cut may leave are tried.

#[path = "support/journal.rs"]
mod model;

use forebay::journal::case::Case;
use forebay::journal::sim::{Dice, SimDisk};
use forebay::journal::{Mode, Plan};
use model::{Model, knob, load, recover};

/// What is known about a workload when its disk lost power.
#[derive(Clone, Copy, Default, Debug)]
struct Promise {
    /// Steps that were told to be on the disk, and to be with the kernel.
    durable: u64,
    settled: u64,
    appended: u64,
}

impl Promise {
    fn of(model: &Model) -> Promise {
        Promise {
            durable: model.below(model.journal.durable()),
            settled: model.below(model.journal.settled()),
            appended: model.appended(),
        }
    }
}

/// Appends, snapshots, ends and starts anew, as the seed decides, until the power fails.
fn work(disk: &SimDisk, seed: u64, mode: Mode, found: u64) -> Promise {
    let mut dice = Dice::new(seed);
    let nothing_new = Promise { durable: found, settled: found, appended: found };
    let Some(mut model) = Model::open(disk, mode, found) else { return nothing_new };
    for _ in 0..30 {
        match dice.below(12) {
            0 => {
                model.snapshot();
            }
            1 => {
                let is_ended = model.journal.end().is_ok();
                let before = Promise::of(&model);
                if !is_ended {
                    return before;
                }
                assert_eq!(before.durable, before.appended, "an orderly end loses nothing");
                drop(model);
                match Model::open(disk, mode, before.appended) {
                    Some(next) => model = next,
                    None => return before,
                }
            }
            _ => {
                for _ in 0..=dice.below(4) {
                    model.append();
                }
                // Sometimes what was appended stays in memory for a while.
                if !dice.chance(4) {
                    model.journal.step();
                }
            }
        }
        if model.journal.status().failure.is_some() {
            break;
        }
    }
    Promise::of(&model)
}

fn check_survivor(disk: &SimDisk, least: u64, promise: Promise, told: &str) -> u64 {
    let (plan, count) = recover(disk);
    assert!(
        (least..=promise.appended).contains(&count),
        "{told}: {count} steps came back of {promise:?}; {plan:?}"
    );
    count
}

fn cut_everywhere(mode: Mode, seeds: std::ops::Range<u64>, cuts: &mut u64) {
    let survivors = knob("JOURNAL_SURVIVORS", 2);
    for seed in seeds {
        let whole = SimDisk::new();
        work(&whole, seed, mode, 0);
        for operation in 0..=whole.operations() {
            let disk = SimDisk::new();
            disk.power_until(operation);
            let promise = work(&disk, seed, mode, 0);
            for survivor in 0..survivors {
                let cut_seed = seed * 1_000_003 + operation * 101 + survivor;
                let told = format!("{mode:?}, seed {seed}, operation {operation}, cut {cut_seed}");
                let after = disk.after_power_cut(cut_seed);
                let count = check_survivor(&after, promise.durable, promise, &told);
                // Losing power again while starting and working on changes nothing.
                after.power_until(Dice::new(cut_seed).below(60) as u64);
                let second = work(&after, seed + 1, mode, count);
                let after = after.after_power_cut(cut_seed + 1);
                check_survivor(&after, second.durable, second, &format!("{told}, again"));
                *cuts += 2;
            }
            if mode != Mode::Always {
                check_survivor(&disk.after_kill(), promise.settled, promise, "a kill alone");
            }
        }
    }
}

#[test]
fn every_cut_leaves_what_was_answered() {
    let seed = knob("JOURNAL_SEED", 1);
    let workloads = knob("JOURNAL_WORKLOADS", 2);
    println!("JOURNAL_SEED={seed} JOURNAL_WORKLOADS={workloads}");
    let mut cuts = 0;
    for (nth, mode) in [Mode::Always, Mode::EverySecond, Mode::Never].into_iter().enumerate() {
        let share = if nth == 0 { workloads } else { workloads.div_ceil(3) };
        cut_everywhere(mode, seed..seed + share, &mut cuts);
    }
    println!("{cuts} cuts");
    assert!(cuts > 100, "the disk was cut");
}

#[test]
fn a_kill_alone_loses_nothing_that_was_settled() {
    for mode in [Mode::EverySecond, Mode::Never] {
        let disk = SimDisk::new();
        let mut model = Model::open(&disk, mode, 0).expect("an empty disk");
        for _ in 0..40 {
            model.append();
            model.journal.flush();
            assert_eq!(model.below(model.journal.settled()), model.appended());
        }
        let (plan, count) = recover(&disk.after_kill());
        assert_eq!((plan.case, count), (Case::Crashed, 40));
    }
}

#[test]
fn cases_have_their_names() {
    let disk = SimDisk::new();
    assert_eq!(recover(&disk).0.case, Case::Fresh);
    let mut model = Model::open(&disk, Mode::Always, 0).expect("an empty disk");
    for _ in 0..20 {
        model.append();
        model.journal.step();
    }
    assert_eq!(recover(&disk).0.case, Case::Crashed);
    model.journal.end().expect("the disk is well");
    let (plan, count) = recover(&disk);
    assert_eq!((plan.case, count, plan.start), (Case::Orderly, 20, 1));
    assert_eq!(plan.time_ms, 1019);

    let last = plan.segments.last().expect("a segment").clone();
    let mut content = disk.content(&last.name).expect("it is there");
    let place = (128 + last.end - last.first) as usize;
    content[place] = 1;
    let torn = disk.after_kill();
    torn.put(&last.name, content.clone());
    // Behind the mark of the end nothing can be missing.
    assert_eq!(recover(&torn).0.case, Case::Orderly);
    content.truncate(place);
    torn.put(&last.name, content);
    let plan = Plan::survey(&torn).expect("readable");
    assert_eq!(plan.case, Case::ShortSegment);
    let said = plan.check().expect_err("the start stops");
    assert!(said.contains(&last.name) && said.contains("offset"), "{said}");
}

#[test]
fn a_snapshot_stands_for_what_is_before_it() {
    let disk = SimDisk::new();
    let mut model = Model::open(&disk, Mode::Always, 0).expect("an empty disk");
    for round in 1..=3 {
        for _ in 0..30 {
            model.append();
            model.journal.step();
        }
        assert!(model.snapshot());
        let names = disk.names();
        let snapshots = names.iter().filter(|name| name.ends_with(".snapshot")).count();
        let segments = names.iter().filter(|name| name.ends_with(".journal")).count();
        assert_eq!((snapshots, segments), (1, 1), "{names:?}");
        let (plan, count) = recover(&disk);
        assert_eq!(count, 30 * round);
        assert_eq!(load(&disk, &plan), count);
    }
}
