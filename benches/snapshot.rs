//! What a snapshot costs those who are served meanwhile: longest holds of locks, latencies beside it,
//! memory, and how long writing and loading take.
//!
//! `cargo bench --bench snapshot`; `FOREBAY_SNAPSHOT_KEYS`, `FOREBAY_SNAPSHOT_ENTRIES` and
//! `FOREBAY_SNAPSHOT_PENDING` set the size, `FOREBAY_SNAPSHOT_DIR` where the file is written.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use forebay::command::{self, Server, Session};
use forebay::config::Config;
use forebay::journal::disk::DirDisk;
use forebay::journal::snapshot::SnapshotWriter;
use forebay::keyspace::snapshot::SLOTS_PER_HOLD;
use forebay::keyspace::{Keyspace, Options, SnapshotLoader, SystemClock};
use parking_lot::Mutex;
use rustix::time::{ClockId, clock_gettime};
use tikv_jemalloc_ctl::{epoch, stats};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn allocated() -> usize {
    epoch::advance().expect("jemalloc keeps statistics");
    stats::allocated::read().expect("jemalloc keeps statistics")
}

fn mib(bytes: usize) -> usize {
    bytes >> 20
}

/// CPU time that this thread has had.
fn cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn new_server() -> Arc<Server> {
    let clock = Arc::new(SystemClock);
    let keyspace = Keyspace::new(Options { databases: 16, clock, seed: 7, sink: None });
    let config = Config::from_lines("").expect("no lines are valid");
    Arc::new(Server::new(Arc::new(keyspace), Arc::new(config)))
}

struct Client {
    server: Arc<Server>,
    session: Session,
    out: Vec<u8>,
}

impl Client {
    fn new(server: &Arc<Server>) -> Client {
        Client { server: Arc::clone(server), session: Session::new(None), out: Vec::new() }
    }

    fn run(&mut self, words: &[&[u8]]) -> &[u8] {
        self.out.clear();
        let now_ms = self.server.keyspace.clock().now_ms();
        command::execute(&self.server, &mut self.session, words, &mut self.out, now_ms);
        assert!(!self.out.starts_with(b"-"), "{}", self.out.escape_ascii());
        &self.out
    }
}

fn entry_id(n: u64) -> String {
    format!("{}-{}", n / 10 + 1, n % 10)
}

fn fill(server: &Arc<Server>, keys: u64, entries: u64, pending: u64) {
    let mut client = Client::new(server);
    for n in 0..keys {
        client.run(&[b"SET", format!("key:{n}").as_bytes(), format!("value:{n}").as_bytes()]);
    }
    for n in 0..entries {
        let id = entry_id(n);
        client.run(&[
            b"XADD",
            b"s",
            id.as_bytes(),
            b"job",
            b"a value of some 26 bytes..",
            b"n",
            b"1",
        ]);
    }
    client.run(&[b"XGROUP", b"CREATE", b"s", b"g", b"0"]);
    for _ in 0..pending / 100 {
        client.run(&[
            b"XREADGROUP",
            b"GROUP",
            b"g",
            b"c",
            b"COUNT",
            b"100",
            b"STREAMS",
            b"s",
            b">",
        ]);
    }
}

/// Nanoseconds of each of many.
#[derive(Default)]
struct Latencies(Vec<u32>);

impl Latencies {
    fn print(&mut self, what: &str) {
        self.0.sort_unstable();
        let count = self.0.len();
        let at = |share: f64| f64::from(self.0[((count - 1) as f64 * share) as usize]) / 1000.0;
        println!(
            "  {what}: {count}; p50 {:.1}, p99 {:.1}, p99.9 {:.1}, p99.99 {:.1}, max {:.1}",
            at(0.5),
            at(0.99),
            at(0.999),
            at(0.9999),
            at(1.0)
        );
        self.print_histogram();
    }

    /// How many took less than each power of two in µs, and not less than the one before.
    fn print_histogram(&self) {
        let mut below = 0;
        for bound_us in (0..).map(|power| 1u64 << power) {
            let end = self.0.partition_point(|nanos| u64::from(*nanos) < bound_us * 1000);
            if end > below {
                println!("    < {bound_us:>6} us: {:>9}", end - below);
            }
            below = end;
            if end == self.0.len() {
                break;
            }
        }
    }
}

/// XADD, XREADGROUP, XACK and XDEL on the stream, and SET on small keys, one after the other, until
/// told to stop. Commands a second are limited, as clients limit them: two cores are shared.
fn load(server: &Arc<Server>, keys: u64, turn: u64, is_over: &AtomicBool) -> Latencies {
    const COMMANDS_PER_MS: u32 = 50;
    let mut client = Client::new(server);
    let mut latencies = Latencies::default();
    let start = Instant::now();
    let mut n = turn;
    while !is_over.load(Ordering::Relaxed) {
        n += 1;
        // Multiplied by a number prime to it, the count visits keys and ids in no order.
        let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        let id = entry_id(mixed % 1_000_000);
        let key = format!("key:{}", mixed % keys);
        let words: &[&[u8]] = match n % 6 {
            0 => &[b"XADD", b"s", b"*", b"job", b"a value of some 26 bytes..", b"n", b"1"],
            1 => &[b"XREADGROUP", b"GROUP", b"g", b"c", b"COUNT", b"1", b"STREAMS", b"s", b">"],
            2 => &[b"XACK", b"s", b"g", id.as_bytes()],
            3 => &[b"XDEL", b"s", id.as_bytes()],
            4 => &[b"SET", key.as_bytes(), b"another value"],
            _ => &[b"DEL", key.as_bytes()],
        };
        let before = Instant::now();
        client.run(words);
        latencies.0.push(before.elapsed().as_nanos() as u32);
        let due = Duration::from_millis(latencies.0.len() as u64 / u64::from(COMMANDS_PER_MS));
        if let Some(early) = due.checked_sub(start.elapsed())
            && early > Duration::from_millis(1)
        {
            std::thread::sleep(early);
        }
    }
    latencies
}

/// Runs `work` while the load and a look at the memory run beside it; the peak of what is allocated.
fn beside_load<R>(
    server: &Arc<Server>,
    keys: u64,
    what: &str,
    work: impl FnOnce() -> R,
) -> (R, usize) {
    let is_over = AtomicBool::new(false);
    let peak = AtomicUsize::new(0);
    let result = std::thread::scope(|scope| {
        let is_over_ref = &is_over;
        let loads = [(server, 0), (server, 1 << 40)]
            .map(|(server, turn)| scope.spawn(move || load(server, keys, turn, is_over_ref)));
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                peak.fetch_max(allocated(), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let result = work();
        is_over.store(true, Ordering::Relaxed);
        let mut all = Latencies::default();
        for load in loads {
            all.0.extend(load.join().expect("the load does not panic").0);
        }
        all.print(&format!("latency of commands, us, {what}"));
        result
    });
    (result, peak.into_inner())
}

/// Times of all parts, CPU and passed, in ns.
#[derive(Default)]
struct Steps(Vec<(u64, u64)>);

impl Steps {
    fn print(&self) {
        let count = self.0.len().max(1) as u64;
        let sum = |pick: fn(&(u64, u64)) -> u64| self.0.iter().map(pick).sum::<u64>() / count;
        let max = |pick: fn(&(u64, u64)) -> u64| self.0.iter().map(pick).max().unwrap_or(0);
        println!(
            "  {count} parts; CPU us each: mean {}, longest {}; passed us: mean {}, longest {}",
            sum(|step| step.0) / 1000,
            max(|step| step.0) / 1000,
            sum(|step| step.1) / 1000,
            max(|step| step.1) / 1000,
        );
    }
}

/// Takes a snapshot; each part goes to `write`.
fn take(server: &Arc<Server>, with_cpu_clock: bool, mut write: impl FnMut(&[u8])) {
    let started = Instant::now();
    let begun = server.keyspace.begin_snapshot(|| ());
    let ((), mut snapshot) = begun.expect("no other is running");
    // Read once when a lock is had, and once before it is let go.
    let readings = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&readings);
    snapshot.time_holds_with(move || {
        let now_ns = if with_cpu_clock { cpu_ns() } else { started.elapsed().as_nanos() as u64 };
        noted.lock().push(now_ns);
        now_ns
    });
    let (mut part, mut steps, mut bytes) = (Vec::new(), Steps::default(), 0);
    loop {
        let (before, cpu_before) = (Instant::now(), cpu_ns());
        let more = snapshot.next_part(&mut part);
        let cpu = cpu_ns() - cpu_before;
        if !more {
            break;
        }
        steps.0.push((cpu, before.elapsed().as_nanos() as u64));
        bytes += part.len();
        write(&part);
    }
    let progress = snapshot.progress();
    drop(snapshot);
    println!("  {} keys, {} MiB in {:.2?}", progress.keys, mib(bytes), started.elapsed());
    steps.print();
    let holds = server.keyspace.snapshot_holds();
    assert!(holds.slots <= SLOTS_PER_HOLD as u64);
    let readings = readings.lock();
    let held_ns = readings.chunks(2).map(|pair| (pair[1] - pair[0]) as u32);
    let clock = if with_cpu_clock { "CPU us" } else { "us passed" };
    Latencies(held_ns.collect()).print(&format!("holds of a shard's lock, {clock}"));
    println!(
        "  longest hold: {} slots; at the cut, all locks: {:.1} us",
        holds.slots,
        holds.cut_ns as f64 / 1000.0
    );
}

/// Takes a snapshot into a file, under the load.
fn print_under_load(server: &Arc<Server>, keys: u64, dir: &PathBuf, with_cpu_clock: bool) {
    std::fs::create_dir_all(dir).expect("the folder can be made");
    let disk = Arc::new(DirDisk::open(dir).expect("the folder can be used"));
    let before = allocated();
    let mut writer = SnapshotWriter::begin(disk, 0, 1, 0).expect("the file can be made");
    println!("snapshot into a file, under load of two connections:");
    let ((), peak) = beside_load(server, keys, "beside it", || {
        take(server, with_cpu_clock, |part| writer.append(part).expect("the file can be written"));
    });
    drop(writer);
    let after = allocated();
    println!(
        "  memory: {} MiB before, {} at most (x{:.3}), {} after (x{:.3})",
        mib(before),
        mib(peak),
        peak as f64 / before as f64,
        mib(after),
        after as f64 / before as f64
    );
}

fn main() {
    let keys = number("FOREBAY_SNAPSHOT_KEYS", 10_000_000);
    let entries = number("FOREBAY_SNAPSHOT_ENTRIES", 5_000_000);
    let pending = number("FOREBAY_SNAPSHOT_PENDING", 1_000_000);
    let dir = std::env::var("FOREBAY_SNAPSHOT_DIR")
        .map_or_else(|_| std::env::temp_dir().join("forebay-bench-snapshot"), PathBuf::from);
    let server = new_server();
    fill(&server, keys, entries, pending);
    println!("{keys} small keys, {entries} entries, {pending} pending: {} MiB", mib(allocated()));
    println!("no snapshot:");
    beside_load(&server, keys, "load alone", || std::thread::sleep(Duration::from_secs(5)));
    print_under_load(&server, keys, &dir, false);
    print_under_load(&server, keys, &dir, true);
    println!("snapshot into memory, nothing beside it:");
    let mut parts = Vec::new();
    take(&server, true, |part| parts.push(part.to_vec()));
    drop(server);
    let server = new_server();
    let before = allocated();
    let (started, cpu_before) = (Instant::now(), cpu_ns());
    let bytes = parts.iter().map(Vec::len).sum::<usize>() as u64;
    let mut loader = SnapshotLoader::new(&server.keyspace, bytes);
    for part in &parts {
        loader.part(part).expect("it is as it was made");
    }
    loader.finish().expect("all is there");
    println!(
        "load: {:.2?}, {:.2} s of CPU, {} MiB",
        started.elapsed(),
        (cpu_ns() - cpu_before) as f64 / 1e9,
        mib(allocated() - before)
    );
}
