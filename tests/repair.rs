//! `forebay check --repair`: a directory that no server starts on, because something that was
//! durable cannot be read, is made one that it starts on, and what was cut is kept.

#[path = "support/journal.rs"]
mod model;

use forebay::journal::repair::{KEPT, Repair};
use forebay::journal::sim::{Dice, SimDisk};
use forebay::journal::{Mode, Plan};
use model::{Model, knob, load};

/// A disk with several segments and, perhaps, a snapshot in the midst of them.
/// With it, where its steps end.
fn disk(seed: u64) -> (SimDisk, Vec<u64>) {
    let disk = SimDisk::new();
    let mut dice = Dice::new(seed);
    let mut model = Model::open(&disk, Mode::Always, 0).expect("an empty disk");
    for _ in 0..40 {
        model.append();
        model.journal.step();
        if dice.chance(25) {
            assert!(model.snapshot());
        }
    }
    if dice.chance(2) {
        model.journal.end().expect("the disk is well");
    }
    let ends = model.ends.clone();
    drop(model);
    (disk.after_kill(), ends)
}

/// Damages a file that matters, somehow; which one.
fn damage(disk: &SimDisk, dice: &mut Dice) -> String {
    let names: Vec<String> = disk
        .names()
        .into_iter()
        .filter(|name| name.ends_with(".journal") || name.ends_with(".snapshot"))
        .collect();
    let name = &names[dice.below(names.len())];
    let mut content = disk.content(name).expect("it is there");
    match dice.below(4) {
        0 => content.truncate(dice.below(content.len())),
        1 => {
            disk.take(name);
            return name.clone();
        }
        _ => {
            let at = dice.below(content.len());
            content[at] ^= 1 << dice.below(8);
        }
    }
    disk.put(name, content);
    name.clone()
}

#[test]
fn what_is_repaired_can_be_started_on_and_nothing_is_thrown_away() {
    let first = knob("JOURNAL_SEED", 1);
    let (mut stopped, mut repaired, mut hopeless) = (0, 0, 0);
    for seed in first..first + knob("FOREBAY_REPAIRS", 400) {
        let (disk, ends) = disk(seed % 20);
        let damaged = damage(&disk, &mut Dice::new(seed));
        let before = disk.names();
        let mut plan = Plan::survey(&disk).expect("the disk can be read");
        if plan.check().is_ok() {
            continue;
        }
        stopped += 1;
        let reachable = plan.end;
        let mut rounds = 0;
        loop {
            match Repair::of(&disk, &plan).expect("the disk can be read") {
                Ok(None) => break,
                Ok(Some(repair)) => {
                    assert!(!repair.losses.is_empty(), "seed {seed}: it says what is lost");
                    let kept = repair.apply(&disk, &plan).expect("the disk is well");
                    assert!(kept.iter().all(|name| name.contains(KEPT)), "{kept:?}");
                }
                // There is nothing to put the rest on.
                Err(_) => {
                    hopeless += 1;
                    assert_eq!(disk.names(), before, "seed {seed}: then nothing is touched");
                    break;
                }
            }
            rounds += 1;
            assert!(rounds < 5, "seed {seed}: it comes to an end");
            plan = Plan::survey(&disk).expect("the disk can be read");
        }
        if plan.check().is_err() {
            continue;
        }
        repaired += 1;
        let count = load(&disk, &plan);
        // Nothing below the damage is given up: what could be read, and with it every step of the
        // segments before the damaged one.
        assert_eq!(plan.end, reachable, "seed {seed}");
        let below = ends.iter().filter(|end| **end <= reachable).count();
        assert_eq!(count, below as u64, "seed {seed}");
        if let Some(first) = damaged.strip_suffix(".journal") {
            let first: u64 = first.parse().expect("segments are named by their first position");
            assert!(reachable >= first, "seed {seed}: {damaged}");
        }
        // Every file that was there is there, be it under another name.
        for name in &before {
            let is_there = disk.names().iter().any(|now| now == name || now.starts_with(name));
            assert!(is_there, "seed {seed}: {name} is gone");
        }
        // And it goes on from there.
        let mut model = Model::open(&disk, Mode::Always, count).expect("the disk is well");
        model.append();
        model.journal.step();
        drop(model);
        let plan = Plan::survey(&disk).expect("the disk can be read");
        assert_eq!(plan.check(), Ok(()), "seed {seed}");
        assert_eq!(load(&disk, &plan), count + 1, "seed {seed}");
    }
    println!("{stopped} stopped, {repaired} repaired, {hopeless} without a beginning");
    assert!(repaired > 50 && stopped == repaired + hopeless);
}
