use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use atomic_waker::AtomicWaker;

use super::*;
use crate::journal::disk::DirDisk;
use crate::journal::recovery::{Item, Loader};
use crate::journal::sim::{Fault, SimDisk};

const SEGMENT_BYTES: u64 = 4096;

/// Failures, and whether they were final.
type Told = Arc<Mutex<Vec<(Failure, bool)>>>;

/// A journal without threads, and what it told of its failure.
struct Bench {
    journal: Journal,
    told: Told,
}

fn options(mode: Mode, reserve_bytes: u64) -> (Options, Told) {
    let told: Told = Arc::default();
    let heard = Arc::clone(&told);
    let options = Options {
        mode,
        segment_bytes: SEGMENT_BYTES,
        reserve_bytes,
        backlog_bytes_max: 1000,
        on_failure: Box::new(move |failure, is_final| {
            heard.lock().push((failure.clone(), is_final));
        }),
    };
    (options, told)
}

fn bench(disk: &SimDisk, mode: Mode, reserve_bytes: u64) -> Bench {
    let plan = Plan::survey(disk).expect("the disk can be read");
    plan.check().expect("nothing is damaged");
    let (options, told) = options(mode, reserve_bytes);
    let disk = Arc::new(disk.clone());
    let journal = Journal::open_stepped(disk, &plan, options).expect("the disk is well");
    Bench { journal, told }
}

fn frame(bytes: usize) -> Frame {
    Frame { time_ms: 7, effects: vec![b'x'; bytes] }
}

fn waiting(journal: &Journal) -> usize {
    journal.shared.settled.waiting() + journal.shared.durable.waiting()
}

fn poll(settle: &mut Settle<'_>) -> Poll<Result<(), OutcomeUnknown>> {
    Pin::new(settle).poll(&mut Context::from_waker(Waker::noop()))
}

fn steps_on(disk: &SimDisk) -> usize {
    let plan = Plan::survey(disk).expect("the disk can be read");
    plan.check().expect("nothing is damaged");
    let mut loader = Loader::new(disk, &plan);
    let mut steps = 0;
    while let Some(item) = loader.next_item().expect("what was surveyed can be read") {
        steps += usize::from(matches!(item, Item::Step { .. }));
    }
    steps
}

#[test]
fn a_reply_waits_for_the_group_that_holds_what_it_tells() {
    let bench = bench(&SimDisk::new(), Mode::Always, 0);
    let journal = &bench.journal;
    let first = journal.append(frame(10));
    let second = journal.append(frame(10));
    assert_eq!(second - first, 50, "a position counts heads and payloads");
    let mut waits = [
        journal.settle(first, first),
        journal.settle(second, second),
        journal.wait_durable(second),
    ];
    assert!(waits.iter_mut().all(|wait| poll(wait).is_pending()));
    assert_eq!(waiting(journal), 3);
    let mut given_up = journal.settle(second, second);
    assert!(poll(&mut given_up).is_pending());
    assert_eq!(waiting(journal), 4);
    drop(given_up);
    assert_eq!(waiting(journal), 3, "who gives up is not kept");
    journal.step();
    assert!(waits.iter_mut().all(|wait| poll(wait) == Poll::Ready(Ok(()))));
    assert_eq!((waiting(journal), journal.durable()), (0, second));
}

#[test]
fn only_passed_waiters_are_woken() {
    let progress = Progress::new(0);
    let wakers: Vec<Arc<AtomicWaker>> = (0..100).map(|_| Arc::default()).collect();
    for (position, waker) in wakers.iter().enumerate() {
        progress.enlist(position as u64 * 10, waker);
    }
    progress.advance(500);
    assert_eq!(progress.waiting(), 49);
    progress.advance(400);
    assert_eq!((progress.waiting(), progress.position()), (49, 500));
    progress.advance(10_000);
    assert_eq!(progress.waiting(), 0);
}

#[test]
fn little_is_left_to_a_thread_that_is_awake() {
    let disk = SimDisk::new();
    let journal = bench(&disk, Mode::Always, 0).journal;
    let threads = Arc::new(IdleThreads { awake: AtomicUsize::new(0), is_single: false });
    journal.let_idle_threads_commit(Arc::clone(&threads));
    let awake = &threads.awake;
    let append = |bytes| journal.append(frame(bytes));
    let is_settled_after_sleep = |end| {
        journal.commit_when_idle();
        journal.settled() == end
    };
    awake.store(1, Ordering::SeqCst);
    assert!(is_settled_after_sleep(append(1000)), "there is no usual group yet");
    let end = append(100);
    assert!(!is_settled_after_sleep(end), "the thread that is awake has more to come");
    assert!(is_settled_after_sleep(append(500)), "this is half of what is usual");
    append(100);
    awake.store(0, Ordering::SeqCst);
    assert!(is_settled_after_sleep(append(1)), "nobody else would do it");
}

#[test]
fn a_single_thread_leaves_syncs_that_take_long_to_the_writers_own() {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new());
    let plan = Plan::survey(&*disk).expect("readable");
    let (options, _) = options(Mode::Always, 0);
    let journal = Journal::open(disk, &plan, options).expect("the disk is well");
    let shared = &journal.shared;
    let threads = IdleThreads { awake: AtomicUsize::new(0), is_single: true };
    journal.let_idle_threads_commit(Arc::new(threads));
    let takes = |us, times| {
        (0..times).for_each(|_| shared.note_sync_took(Duration::from_micros(us)));
    };
    takes(100, 200);
    takes(50_000, 5);
    assert!(!shared.leaves_commits_to_writer(), "a few take long now and then");
    let end = journal.append(frame(10));
    journal.commit_when_idle();
    assert_eq!(journal.settled(), end, "it was this thread");
    takes(1000, 200);
    // Its thread is ended, and this one does its work.
    journal.stop();
    let end = journal.append(frame(10));
    journal.commit_when_idle();
    assert!(journal.settled() < end, "it is left to the writer");
    let others_have_committed = &mut (0, 0);
    shared.commit_what_waits(others_have_committed);
    assert_eq!(journal.settled(), end, "it was called, so it does not wait to see who else comes");
    takes(100, 200);
    assert!(!shared.leaves_commits_to_writer());
}

/// Between the moment in which a file is found to be lost and that in which all are told.
#[test]
fn an_idle_thread_does_not_wait_for_a_journal_that_is_broken() {
    let bench = bench(&SimDisk::new(), Mode::Always, 0);
    let journal = &bench.journal;
    let end = journal.append(frame(10));
    let mut settled = journal.settle(end, end);
    assert!(poll(&mut settled).is_pending());
    journal.shared.committer.lock().set_broken();
    journal.commit_when_idle();
    journal.step();
    assert!(poll(&mut settled).is_pending(), "nothing was written");
}

/// Who waits for the disk and is woken for something else goes on waiting, and is woken again.
#[test]
fn a_wait_for_the_disk_outlasts_what_else_wakes_it() {
    let disk = SimDisk::new();
    let bench = bench(&disk, Mode::EverySecond, 0);
    let journal = &bench.journal;
    disk.fail(Fault::SyncError);
    let end = journal.append(frame(10));
    let mut durable = journal.wait_durable(end);
    assert!(poll(&mut durable).is_pending());
    journal.step();
    assert_eq!(journal.state(), State::Impaired);
    assert_eq!(waiting(journal), 0, "all were woken");
    assert!(poll(&mut durable).is_pending());
    assert!(poll(&mut durable).is_pending());
    assert_eq!(waiting(journal), 1, "and it is listed once");
    disk.mend();
    journal.set_mode(Mode::Never).expect("it takes effect when it is healed");
    assert!(poll(&mut durable).is_pending());
    let writer = journal.begin_snapshot(journal.cut(0)).expect("the disk is well");
    journal.finish_snapshot(writer).expect("the disk is well");
    assert_eq!((poll(&mut durable), waiting(journal)), (Poll::Ready(Ok(())), 0));
    assert_eq!((journal.state(), journal.mode()), (State::Serving, Mode::Never));
}

#[test]
fn modes_promise_what_they_say() {
    for mode in [Mode::EverySecond, Mode::Never] {
        let disk = SimDisk::new();
        let bench = bench(&disk, mode, 0);
        let journal = &bench.journal;
        let end = journal.append(frame(20));
        assert_eq!(poll(&mut journal.settle(end, end)), Poll::Ready(Ok(())), "{mode:?}");
        assert!(journal.durable() < end, "nothing was synced");
        assert_eq!(steps_on(&disk.after_kill()), 1);
        let mut durable = journal.wait_durable(end);
        assert!(poll(&mut durable).is_pending());
        journal.set_mode(Mode::Always).expect("the disk is well");
        assert_eq!(poll(&mut durable), Poll::Ready(Ok(())), "changing to always syncs");
        let end = journal.append(frame(20));
        let mut settled = journal.settle(end, end);
        assert!(poll(&mut settled).is_pending());
        journal.set_mode(mode).expect("the disk is well");
        assert_eq!(poll(&mut settled), Poll::Ready(Ok(())), "what waited is written");
    }
}

#[test]
fn a_batch_waits_while_the_backlog_is_long() {
    let bench = bench(&SimDisk::new(), Mode::Always, 0);
    let journal = &bench.journal;
    assert_eq!(poll(&mut journal.admit()), Poll::Ready(Ok(())));
    journal.append(frame(2000));
    let mut admission = journal.admit();
    assert!(poll(&mut admission).is_pending());
    journal.step();
    assert_eq!(poll(&mut admission), Poll::Ready(Ok(())));
}

#[test]
fn under_always_the_first_failure_is_final() {
    for fault in [Fault::WriteError, Fault::SyncError, Fault::ReadOnly] {
        let disk = SimDisk::new();
        let bench = bench(&disk, Mode::Always, 0);
        let journal = &bench.journal;
        journal.append(frame(10));
        journal.step();
        let end = journal.append(frame(10));
        let mut wait = journal.settle(end, end);
        assert!(poll(&mut wait).is_pending());
        disk.fail(fault);
        journal.step();
        assert_eq!(poll(&mut wait), Poll::Ready(Err(OutcomeUnknown)), "{fault:?}");
        let told = bench.told.lock().clone();
        assert_eq!(told.len(), 1, "{fault:?}");
        assert!(told[0].1, "{fault:?} is final");
        assert!(matches!(journal.reserve(Class::Drain, 1), Err(Refused::Failed(_))));
        // Nothing is tried again, though the disk is well now.
        disk.mend();
        let later = journal.append(frame(10));
        journal.step();
        assert!(journal.sync().is_err() && journal.end().is_err());
        assert_eq!(poll(&mut journal.settle(later, 0)), Poll::Ready(Err(OutcomeUnknown)));
        // The one in doubt may have come through, the one after it cannot.
        for seed in 0..20 {
            assert!((1..=2).contains(&steps_on(&disk.after_power_cut(seed))), "{fault:?}");
        }
    }
}

#[test]
fn what_a_failed_sync_left_with_the_kernel_is_written_again_at_the_start() {
    for seed in 0..40 {
        let disk = SimDisk::new();
        let first = bench(&disk, Mode::Always, 0);
        disk.fail(Fault::SyncError);
        first.journal.append(frame(400));
        first.journal.step();
        drop(first);
        disk.mend();
        // The process starts anew on the kernel's pages, of which some never reached the disk.
        let second = bench(&disk, Mode::Always, 0);
        let found = steps_on(&disk);
        drop(second);
        assert_eq!(found, 1);
        assert_eq!(steps_on(&disk.after_power_cut(seed)), 1, "what was served is on the disk");
    }
}

#[test]
fn short_writes_are_written_on() {
    let disk = SimDisk::new();
    let bench = bench(&disk, Mode::Always, 0);
    disk.fail(Fault::ShortWrites);
    for _ in 0..20 {
        bench.journal.append(frame(500));
        bench.journal.step();
    }
    assert!(bench.told.lock().is_empty());
    assert_eq!(steps_on(&disk.after_power_cut(1)), 20);
}

#[test]
fn otherwise_a_failure_is_healed_by_a_snapshot() {
    for fault in [Fault::WriteError, Fault::SyncError] {
        let disk = SimDisk::new();
        let bench = bench(&disk, Mode::EverySecond, 0);
        let journal = &bench.journal;
        journal.append(frame(10));
        journal.step();
        disk.fail(fault);
        let doubtful = journal.append(frame(10));
        let mut durable = journal.wait_durable(doubtful);
        assert!(poll(&mut durable).is_pending());
        journal.step();
        assert!(poll(&mut durable).is_pending(), "it may heal");
        assert!(!bench.told.lock()[0].1, "not final");
        assert!(matches!(journal.reserve(Class::Ordinary, 1), Err(Refused::Failed(_))));
        // What expires meanwhile is in no frame, and reads go on.
        let later = journal.append(frame(10));
        assert_eq!(poll(&mut journal.settle(later, 0)), Poll::Ready(Ok(())));

        assert!(journal.begin_snapshot(journal.cut(0)).is_err(), "the disk still fails");
        assert!(journal.reserve(Class::Ordinary, 1).is_err());
        disk.mend();
        let cut = journal.cut(0);
        let mut writer = journal.begin_snapshot(cut).expect("the disk is well");
        let behind = journal.append(frame(10));
        writer.append(b"all three").expect("the disk is well");
        assert!(journal.reserve(Class::Ordinary, 1).is_err(), "{fault:?}: not healed yet");
        journal.finish_snapshot(writer).expect("the disk is well");
        assert!(journal.reserve(Class::Ordinary, 1).is_ok());
        assert!(journal.durable() >= behind);
        assert_eq!(poll(&mut durable), Poll::Ready(Ok(())), "the snapshot stands for it");
        let plan = Plan::survey(&disk.after_power_cut(3)).expect("readable");
        plan.check().expect("nothing is missing");
        assert_eq!(plan.snapshot.expect("a snapshot").position, cut.position);
        assert_eq!(steps_on(&disk.after_power_cut(3)), 1, "the one behind the snapshot");
    }
}

/// While a snapshot is being written that was to heal the journal, it is told to keep nothing: the
/// snapshot would serve to resume, and fails as well.
#[test]
fn who_waits_for_the_disk_is_told_when_the_last_hope_fails() {
    let disk = SimDisk::new();
    let bench = bench(&disk, Mode::EverySecond, 0);
    let journal = &bench.journal;
    disk.fail(Fault::SyncError);
    let end = journal.append(frame(10));
    let mut durable = journal.wait_durable(end);
    journal.step();
    assert_eq!(journal.state(), State::Impaired);
    disk.mend();
    let writer = journal.begin_snapshot(journal.cut(0)).expect("the disk is well");
    journal.switch_off().expect("it is given up");
    assert_eq!(journal.state(), State::Resuming);
    assert!(poll(&mut durable).is_pending(), "a snapshot may stand for it yet");
    assert_eq!(waiting(journal), 1);
    journal.abandon_snapshot(writer);
    assert_eq!((journal.state(), waiting(journal)), (State::Off, 0), "it was woken");
    assert_eq!(poll(&mut durable), Poll::Ready(Err(OutcomeUnknown)));
}

#[test]
fn a_full_disk_refuses_new_work_and_drains() {
    let disk = SimDisk::new();
    let bench = bench(&disk, Mode::Always, 3 * SEGMENT_BYTES);
    let journal = &bench.journal;
    journal.step();
    let used: usize =
        disk.names().iter().map(|name| disk.content(name).map_or(0, |c| c.len())).sum();
    disk.set_room(Some(used as u64));
    // Fills the room with new work until it is refused.
    let mut accepted = 0;
    loop {
        journal.step();
        match journal.reserve(Class::Ordinary, 100) {
            Ok(_room) => {
                journal.append(frame(100));
                accepted += 1;
            }
            Err(Refused::Full(why)) => break assert!(why.contains("space"), "{why}"),
            Err(other) => panic!("{other:?}"),
        }
        assert!(accepted < 1000, "the disk is full at last");
    }
    assert!(accepted > 10);
    // What was accepted is acknowledged from the reserve: as many frames again, and no failure.
    for _ in 0..accepted.min(60) {
        let _room = journal.reserve(Class::Drain, 100).expect("the reserve is there");
        journal.append(frame(100));
        journal.step();
    }
    assert!(bench.told.lock().is_empty());
    // Even a new start on the full disk can drain.
    drop(bench);
    let bench = self::bench(&disk, Mode::Always, 3 * SEGMENT_BYTES);
    bench.journal.step();
    assert!(matches!(bench.journal.reserve(Class::Ordinary, 100), Err(Refused::Full(_))));
    let room = bench.journal.reserve(Class::Drain, 100).expect("the reserve is there");
    drop(room);
    // Space is back, and so is service.
    disk.set_room(None);
    bench.journal.step();
    assert!(bench.journal.reserve(Class::Ordinary, 100).is_ok());
    assert_eq!(bench.journal.status().room_trouble, None);
}

#[test]
fn a_start_begins_with_a_short_segment_or_with_a_spare_where_there_is_no_room() {
    const MIB: usize = 1 << 20;
    let lengths = |disk: &SimDisk| -> Vec<usize> {
        let names = disk.names().into_iter().filter(|name| name.ends_with(".journal"));
        names.filter_map(|name| disk.content(&name)).map(|content| content.len()).collect()
    };
    let start = |disk: &SimDisk| {
        let (mut options, _) = options(Mode::Always, 0);
        options.segment_bytes = 4 * MIB as u64;
        let plan = Plan::survey(disk).expect("the disk can be read");
        Journal::open_stepped(Arc::new(disk.clone()), &plan, options).expect("there is room")
    };
    let disk = SimDisk::new();
    let journal = start(&disk);
    assert_eq!(lengths(&disk), [MIB]);
    journal.append(frame(MIB));
    journal.step();
    assert_eq!(lengths(&disk), [4 * MIB], "what does not fit goes on in one of ordinary length");
    journal.step();
    drop(journal);

    disk.set_room(Some(0));
    let journal = start(&disk);
    assert_eq!(lengths(&disk), [4 * MIB, 4 * MIB], "the spare that the last start left");
    journal.append(frame(10));
    journal.step();
    drop(journal);
    assert_eq!(steps_on(&disk), 2);
}

#[test]
fn a_reservation_holds_room_until_it_is_dropped() {
    let disk = SimDisk::new();
    let bench = bench(&disk, Mode::Always, 0);
    let journal = &bench.journal;
    journal.step();
    disk.fail(Fault::Full);
    // The second one takes the spare that is ready, and no other can be made.
    for _ in 0..2 {
        journal.append(frame(3000));
        journal.step();
    }
    let mut held = Vec::new();
    let refused = loop {
        match journal.reserve(Class::Drain, 200) {
            Ok(room) => held.push(room),
            Err(refused) => break refused,
        }
        assert!(held.len() < 1000, "room is bounded");
    };
    assert!(matches!(refused, Refused::Full(_)) && !held.is_empty());
    held.pop();
    assert!(journal.reserve(Class::Drain, 200).is_ok());
    assert!(matches!(journal.reserve(Class::Drain, 1 << 40), Err(Refused::TooLong)));
}

/// How many spares there are, and how long they are together.
fn spares(disk: &SimDisk) -> (usize, u64) {
    let names = disk.names().into_iter().filter(|name| name.starts_with("spare-"));
    let lengths = names.filter_map(|name| disk.content(&name)).map(|content| content.len() as u64);
    lengths.fold((0, 0), |(count, bytes), length| (count + 1, bytes + length))
}

const LONG: usize = 3 * SEGMENT_BYTES as usize;

#[test]
fn room_for_a_long_frame_is_used_again_and_given_back() {
    let disk = SimDisk::new();
    let bench = bench(&disk, Mode::Always, SEGMENT_BYTES);
    let journal = &bench.journal;
    journal.step();
    let usual = spares(&disk);
    for _ in 0..10 {
        // It turns out to write nothing.
        let room = journal.reserve(Class::Ordinary, LONG as u64);
        drop(room.expect("there is room"));
    }
    let (_, bytes) = spares(&disk);
    assert!(bytes < usual.1 + 2 * LONG as u64, "one for all of them: {bytes}");
    let killed = disk.after_kill();
    journal.step();
    assert_eq!(spares(&disk), usual);
    let again = self::bench(&killed, Mode::Always, SEGMENT_BYTES);
    again.journal.step();
    assert_eq!(spares(&killed), usual, "the next start does not keep it either");
}

#[test]
fn each_long_frame_has_room_of_its_own_until_it_is_written() {
    let disk = SimDisk::new();
    let bench = bench(&disk, Mode::Always, 0);
    let journal = &bench.journal;
    journal.step();
    let reserve = || journal.reserve(Class::Ordinary, LONG as u64).expect("there is room");
    let rooms: Vec<Reservation<'_>> = (0..3).map(|_| reserve()).collect();
    disk.fail(Fault::Full);
    for room in rooms {
        journal.append(frame(LONG));
        drop(room);
        // Nothing is written yet, so nothing of it is above what is wanted.
        journal.shared.tend_pool();
    }
    journal.step();
    assert_eq!(*bench.told.lock(), []);
    assert_eq!(steps_on(&disk.after_power_cut(1)), 3);
    disk.mend();
    for _ in 0..3 {
        journal.step();
    }
    let (_, bytes) = spares(&disk);
    assert!(bytes < LONG as u64, "{bytes}");
}

#[test]
fn a_step_holds_more_room_as_it_goes() {
    let disk = SimDisk::new();
    let bench = bench(&disk, Mode::Always, 0);
    let journal = &bench.journal;
    journal.step();
    let mut room = journal.reserve(Class::Ordinary, 100).expect("there is room");
    let end = 20 * SEGMENT_BYTES;
    for bytes in (500..=end).step_by(500) {
        room.raise(Class::Ordinary, bytes).expect("there is room");
    }
    disk.fail(Fault::Full);
    let more = room.raise(Class::Drain, 10 * end);
    assert!(matches!(more, Err(Refused::Full(_))), "{more:?}");
    journal.set_step_bytes_max(2 * end);
    assert_eq!(room.raise(Class::Drain, 2 * end), Err(Refused::TooLong));
    journal.append(frame(end as usize - 500));
    drop(room);
    journal.step();
    assert_eq!(*bench.told.lock(), []);
    assert_eq!(steps_on(&disk.after_power_cut(1)), 1);
}

/// The disk is full, but nobody has tried to take room since.
#[test]
fn what_is_let_in_has_room_though_the_disk_was_filled_meanwhile() {
    for bytes in [100, 3000, LONG] {
        for class in [Class::Ordinary, Class::Drain] {
            let disk = SimDisk::new();
            let bench = bench(&disk, Mode::Always, 4 * SEGMENT_BYTES);
            let journal = &bench.journal;
            journal.step();
            disk.fail(Fault::Full);
            let mut rooms = Vec::new();
            let refused = loop {
                match journal.reserve(class, bytes as u64) {
                    Ok(room) => rooms.push(room),
                    Err(refused) => break refused,
                }
                assert!(rooms.len() < 1000, "room is bounded");
            };
            assert!(matches!(refused, Refused::Full(_)), "{refused:?}");
            let accepted = rooms.len();
            for room in rooms {
                journal.append(frame(bytes));
                drop(room);
            }
            journal.step();
            assert_eq!(*bench.told.lock(), [], "{bytes} {class:?}");
            assert_eq!(steps_on(&disk.after_power_cut(1)), accepted);
        }
    }
}

#[test]
fn spares_stay_in_use_when_the_current_segment_is_taken_away() {
    let disk = SimDisk::new();
    let bench = bench(&disk, Mode::EverySecond, 2 * SEGMENT_BYTES);
    let journal = &bench.journal;
    journal.step();
    let usual = spares(&disk);
    let names = disk.names();
    let segment = names.iter().find(|name| name.ends_with(".journal")).expect("there is one");
    disk.take(segment);
    journal.shared.look_for_files();
    assert_eq!(journal.state(), State::Impaired);
    let writer = journal.begin_snapshot(journal.cut(0)).expect("the disk is well");
    journal.finish_snapshot(writer).expect("the disk is well");
    journal.step();
    assert_eq!(spares(&disk), usual);
}

#[test]
fn a_disk_on_which_spares_cannot_be_written_is_not_filled_with_them() {
    let disk = SimDisk::new();
    let bench = bench(&disk, Mode::Always, 0);
    disk.fail(Fault::WriteError);
    for _ in 0..20 {
        bench.journal.shared.tend_pool();
    }
    assert!(spares(&disk).0 <= 2, "{:?}", spares(&disk));
}

#[test]
fn what_could_not_be_removed_is_removed_by_the_next_snapshot() {
    let mut failed = 0;
    for operations in 0..20 {
        let disk = SimDisk::new();
        let bench = bench(&disk, Mode::Always, 0);
        let journal = &bench.journal;
        let mut snapshot = |operations: u64| {
            journal.append(frame(LONG / 4));
            journal.append(frame(LONG / 4));
            journal.step();
            let cut = journal.cut(0);
            let writer = journal.begin_snapshot(cut).expect("the disk is well");
            disk.fail_after(Fault::ReadOnly, operations);
            let finished = journal.finish_snapshot(writer);
            disk.mend();
            failed += usize::from(finished.is_err() && journal.status().snapshot == cut.position);
        };
        snapshot(1000);
        snapshot(operations);
        snapshot(1000);
        let left = |end: &str| disk.names().iter().filter(|name| name.ends_with(end)).count();
        assert_eq!((left(".journal"), left(".snapshot")), (1, 1), "{:?}", disk.names());
    }
    assert!(failed > 1, "it has been tried: {failed}");
}

#[test]
fn a_start_that_cannot_open_files_fails_and_changes_nothing() {
    let disk = SimDisk::new();
    let first = bench(&disk, Mode::Always, 0);
    first.journal.append(frame(10));
    first.journal.step();
    drop(first);
    for fault in [Fault::TooManyFiles, Fault::ReadOnly, Fault::Gone, Fault::WriteError] {
        let after = disk.after_kill();
        let plan = Plan::survey(&after).expect("readable");
        after.fail(fault);
        let (options, _) = options(Mode::Always, 0);
        let opened = Journal::open_stepped(Arc::new(after.clone()), &plan, options);
        assert!(opened.is_err(), "{fault:?}");
        after.mend();
        assert_eq!(steps_on(&after), 1, "{fault:?}");
    }
    disk.fail(Fault::Gone);
    assert!(Plan::survey(&disk).is_err());
}

#[test]
fn threads_write_what_many_append_on_a_real_disk() {
    for mode in [Mode::Always, Mode::EverySecond, Mode::Never] {
        let root =
            std::env::temp_dir().join(format!("forebay-journal-{}-{mode:?}", std::process::id()));
        let disk: Arc<DirDisk> = Arc::new(DirDisk::open(&root).expect("a directory"));
        let lock = disk.lock("lock", std::process::id()).expect("nobody else has it");
        let refused = disk.lock("lock", 4712).expect_err("it is taken").to_string();
        assert!(refused.contains(&std::process::id().to_string()), "{refused}");
        let plan = Plan::survey(&*disk).expect("readable");
        let (mut options, told) = options(mode, 1 << 20);
        options.segment_bytes = 256 << 10;
        let journal =
            Journal::open(Arc::clone(&disk) as Arc<dyn Disk>, &plan, options).expect("a journal");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    runtime.handle().block_on(async {
                        for _ in 0..100 {
                            journal.admit().await.expect("the disk is well");
                            let _room = journal.reserve(Class::Ordinary, 900).expect("room");
                            let end = journal.append(frame(900));
                            journal.settle(end, end).await.expect("the disk is well");
                            assert!(journal.settled() >= end);
                        }
                    });
                });
            }
        });
        if mode == Mode::EverySecond {
            let end = journal.next();
            runtime.block_on(journal.wait_durable(end)).expect("within a second");
        }
        journal.end().expect("the disk is well");
        assert!(told.lock().is_empty());
        drop((journal, lock));
        drop(disk.lock("lock", 4713).expect("it was given back"));
        let plan = Plan::survey(&*disk).expect("readable");
        assert_eq!(plan.case, crate::journal::case::Case::Orderly);
        let frames: u64 = plan.segments.iter().map(|found| found.frames).sum();
        assert_eq!(frames, 401, "the steps and the end mark");
        assert!(plan.segments.len() > 1, "segments were changed");
        std::fs::remove_dir_all(&root).expect("it can be removed");
    }
}
