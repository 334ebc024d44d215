//! Damage: whatever is done to the files, everything answered is there or the start stops with file
//! and offset; but for the torn tail of the last group, and after an orderly end not even that.
//!
//! `JOURNAL_DAMAGE_SEED` (default 1) picks the journal that is damaged, `JOURNAL_BIT_STEP` (1:
//! every bit of each journal) which bits.

#[path = "support/journal.rs"]
mod model;

use forebay::journal::sim::SimDisk;
use forebay::journal::{Mode, Plan};
use model::{Model, knob, load};

/// A small journal of several segments and a snapshot, ended in order or not.
struct Victim {
    disk: SimDisk,
    /// All steps, and those that damage may not take.
    appended: u64,
    least: u64,
}

impl Victim {
    fn new(is_ended: bool, has_snapshot: bool) -> Victim {
        let disk = SimDisk::new();
        let seed = knob("JOURNAL_DAMAGE_SEED", 1);
        println!("JOURNAL_DAMAGE_SEED={seed}, ended {is_ended}, snapshot {has_snapshot}");
        let mut model = Model::open(&disk, Mode::Always, 0).expect("an empty disk");
        model.journal.set_segment_bytes(512);
        for number in 0..8 + seed % 5 {
            model.append();
            if number % 3 == 1 {
                model.journal.step();
            }
            if has_snapshot && number == 4 {
                assert!(model.snapshot());
            }
        }
        // A second start, so that segments of two starts lie behind one another.
        model.journal.sync().expect("the disk is well");
        let found = model.appended();
        drop(model);
        let mut model = Model::open(&disk, Mode::Always, found).expect("the disk is well");
        model.journal.set_segment_bytes(512);
        model.append();
        model.journal.step();
        let before = model.appended();
        // The last group has more than one frame.
        model.append();
        model.append();
        model.journal.step();
        let appended = model.appended();
        if is_ended {
            model.journal.end().expect("the disk is well");
        }
        Victim { disk, appended, least: if is_ended { appended } else { before } }
    }

    fn files(&self) -> Vec<String> {
        let mut names = self.disk.names();
        names.retain(|name| name.ends_with(".journal") || name.ends_with(".snapshot"));
        assert!(names.len() >= 3, "{names:?}");
        let bytes: usize = names.iter().map(|name| self.content(name).len()).sum();
        assert!(bytes < 10_000, "a small journal, not {bytes} bytes");
        names
    }

    fn content(&self, name: &str) -> Vec<u8> {
        self.disk.content(name).expect("the file is there")
    }

    /// Stopped, with file and offset; or all is there.
    fn check(&self, disk: &SimDisk, told: &str) -> bool {
        let plan = Plan::survey(disk).expect("damage is no error");
        if let Err(said) = plan.check() {
            assert!(said.contains("offset"), "{told}: {said}");
            return true;
        }
        let count = load(disk, &plan);
        assert!(
            (self.least..=self.appended).contains(&count),
            "{told}: {count} of {} steps (at least {}), {plan:?}",
            self.appended,
            self.least
        );
        false
    }
}

fn victims() -> Vec<Victim> {
    [(false, false), (false, true), (true, false), (true, true)]
        .into_iter()
        .map(|(is_ended, has_snapshot)| Victim::new(is_ended, has_snapshot))
        .collect()
}

#[test]
fn every_flipped_bit() {
    let (mut stopped, mut passed) = (0, 0);
    for (nth, victim) in victims().into_iter().enumerate() {
        // The first and the last are flipped bit by bit, those between them in samples.
        let step = knob("JOURNAL_BIT_STEP", if nth == 0 || nth == 3 { 1 } else { 11 }) as usize;
        let disk = victim.disk.after_kill();
        for name in victim.files() {
            let mut content = victim.content(&name);
            for bit in (0..content.len() * 8).step_by(step) {
                content[bit / 8] ^= 1 << (bit % 8);
                disk.put(&name, content.clone());
                let told = format!("{name}, bit {bit}");
                if victim.check(&disk, &told) {
                    stopped += 1
                } else {
                    passed += 1
                }
                content[bit / 8] ^= 1 << (bit % 8);
            }
            disk.put(&name, content);
        }
    }
    println!("{stopped} stop the start, {passed} do no harm");
    assert!(stopped > 0 && passed > 0);
}

#[test]
fn every_truncation_and_every_missing_file() {
    for victim in victims() {
        let files = victim.files();
        for name in &files {
            let content = victim.content(name);
            for length in 0..content.len() {
                let disk = victim.disk.after_kill();
                disk.put(name, content[..length].to_vec());
                victim.check(&disk, &format!("{name} cut to {length}"));
            }
            let disk = victim.disk.after_kill();
            disk.take(name);
            victim.check(&disk, &format!("{name} missing"));
        }
    }
}

#[test]
fn swapped_duplicated_and_foreign_files() {
    for victim in victims() {
        let files = victim.files();
        for one in &files {
            for other in files.iter().filter(|other| *other != one) {
                let disk = victim.disk.after_kill();
                disk.put(one, victim.content(other));
                victim.check(&disk, &format!("{other} in the place of {one}"));
                disk.put(other, victim.content(one));
                victim.check(&disk, &format!("{one} and {other} swapped"));
            }
            for position in [0_u64, 1, 300, 900, 1_000_000] {
                let name = format!("{position:020}.journal");
                let disk = victim.disk.after_kill();
                disk.put(&name, victim.content(one));
                victim.check(&disk, &format!("{one} also as {name}"));
            }
        }
        let disk = victim.disk.after_kill();
        disk.put("notes.txt", b"not the journal's".to_vec());
        assert!(!victim.check(&disk, "a foreign file"));
    }
}

#[test]
fn half_a_snapshot_is_passed_over() {
    let victim = Victim::new(true, true);
    let disk = victim.disk.after_kill();
    let snapshot = victim.files().into_iter().find(|name| name.ends_with(".snapshot"));
    let content = victim.content(&snapshot.expect("there is one"));
    let partial = "00000000000000999999.snapshot.partial";
    disk.put(partial, content[..content.len() / 2].to_vec());
    assert!(!victim.check(&disk, "half a snapshot"));
    let plan = Plan::survey(&disk).expect("readable");
    assert!(plan.obsolete.iter().any(|name| name == partial));
    drop(Model::open(&disk, Mode::Always, victim.appended).expect("the disk is well"));
    assert!(!disk.names().iter().any(|name| name == partial), "the start removes it");
}
