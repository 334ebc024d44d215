//! What a pending entry costs: bytes at one million, and time against growth.
//!
//! `cargo bench --bench pending`

use std::hint::black_box;
use std::ops::ControlFlow;

use forebay::types::stream::StreamId;
use forebay::types::stream::group::Group;
use forebay::types::stream::pending::Filter;
use tikv_jemalloc_ctl::{epoch, stats};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Delivery times: this many entries a millisecond.
const ENTRIES_A_MS: u64 = 20;

fn allocated() -> usize {
    epoch::advance().expect("jemalloc keeps statistics");
    stats::allocated::read().expect("jemalloc keeps statistics")
}

fn id(n: u64) -> StreamId {
    StreamId::new(1_700_000_000_000 + n / 3, n % 3)
}

fn delivered_ms(n: u64) -> u64 {
    1_700_000_000_000 + n / ENTRIES_A_MS
}

/// A group with `entries` pending, delivered round robin in batches to as many consumers.
fn group(entries: u64, consumers: u64, batch: u64) -> Group {
    let mut group = Group::default();
    let numbers: Vec<u32> = (0..consumers)
        .map(|n| group.create_consumer(format!("worker-{n}").as_bytes(), 0).expect("a new name"))
        .collect();
    for n in 0..entries {
        let consumer = numbers[(n / batch % consumers) as usize];
        group.assign(id(n), consumer, delivered_ms(n), 1);
    }
    group
}

fn print_bytes() {
    const ENTRIES: u64 = 1_000_000;
    for (consumers, batch) in [(1, 1), (10, 1), (10, 10), (100, 1), (1000, 1)] {
        let before = allocated();
        let group = group(ENTRIES, consumers, batch);
        let bytes = (allocated() - before) as f64 / ENTRIES as f64;
        let counted = group.heap_bytes() as f64 / ENTRIES as f64;
        println!(
            "bytes a pending entry, {consumers} consumers, COUNT {batch}: \
             {bytes:.1} ({counted:.1} by its own count)"
        );
    }
}

/// Nanoseconds of CPU that this thread has had, as the kernel counts them: what other processes
/// take of the machine does not count.
fn cpu_ns() -> u64 {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux has it");
    let first = schedstat.split(' ').next().expect("three numbers");
    first.parse().expect("a number")
}

/// Nanoseconds of CPU that each of `times` runs of `step` took.
fn ns_each(times: u64, mut step: impl FnMut(u64)) -> f64 {
    // The kernel brings the figure up to date when the thread is switched out.
    std::thread::yield_now();
    let start = cpu_ns();
    for n in 0..times {
        step(n);
    }
    std::thread::yield_now();
    (cpu_ns() - start) as f64 / times as f64
}

fn print_times(entries: u64) {
    let mut group = group(entries, 10, 10);
    let own = group.create_consumer(b"restarted", 0).expect("a new name");
    // Ten entries of its own, spread over all.
    for n in 0..10 {
        group.assign(id(n * (entries / 10) + 5), own, delivered_ms(entries), 2);
    }
    println!("{entries} pending:");
    let history = Filter { owner: group.consumer(b"restarted").map(owner_of), ..Filter::default() };
    let ns = ns_each(10_000, |_| {
        let mut seen = 0;
        group.scan(StreamId::MIN, history, |record| {
            seen += black_box(record).count;
            ControlFlow::<()>::Continue(())
        });
        assert_eq!(seen, 20);
    });
    println!("  history of ten: {ns:.0} ns");
    let idle =
        Filter { delivered_by_ms: Some(delivered_ms(0).cast_signed() - 1), ..Filter::default() };
    let ns = ns_each(10_000, |_| {
        let found = group.scan(StreamId::MIN, idle, |record| ControlFlow::Break(record.id));
        assert_eq!(black_box(found), None);
    });
    println!("  none idle, a whole scan: {ns:.0} ns");
    let half = delivered_ms(entries / 2);
    let ns = ns_each(10_000, |_| {
        assert!(black_box(group.claimable(Some(half)).next()).is_some());
    });
    println!("  longest idle: {ns:.0} ns");
    let ns = ns_each(100_000, |n| {
        group.assign(id(entries + n), 1, delivered_ms(entries + n), 1);
    });
    println!("  deliver: {ns:.0} ns");
    let ns = ns_each(100_000, |n| {
        group.assign(id(entries + 100_000 + n), 1, delivered_ms(entries + n), 1);
        group.acknowledge(id(entries + 100_000 + n));
    });
    println!("  deliver and acknowledge, one at a time: {ns:.0} ns");
    let acks = 10_000.min(entries / 2);
    let ns = ns_each(acks, |n| {
        assert!(group.acknowledge(id(n)).is_some());
    });
    println!("  acknowledge in order: {ns:.0} ns");
    // A stride prime to the length visits each once.
    let rest = entries - acks;
    let ns = ns_each(rest / 2, |n| {
        black_box(group.acknowledge(id(acks + n * 7919 % rest)));
    });
    println!("  acknowledge in any order: {ns:.0} ns");
}

fn owner_of(
    consumer: &forebay::types::stream::group::Consumer,
) -> forebay::types::stream::pending::Owner {
    forebay::types::stream::pending::Owner::consumer(consumer.number())
}

fn main() {
    print_bytes();
    for entries in [10_000, 1_000_000, 10_000_000] {
        print_times(entries);
    }
}
