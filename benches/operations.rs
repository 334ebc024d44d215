//! What single operations on a large stream or list cost, and what a snapshot adds to them.
//!
//! `cargo bench --bench operations` prints nanoseconds, and how long images take. `-- OPERATION TIMES` runs one of them so many
//! times and prints nothing: the difference of two such runs under `valgrind --tool=callgrind`,
//! divided by the difference of their times, is instructions an operation.

use std::hint::black_box;
use std::time::Instant;

use forebay::types::image::{ImageReader, ImageWriter};
use forebay::types::list::{List, Side};
use forebay::types::stream::group::Group;
use forebay::types::stream::idmp::IdmpLimits;
use forebay::types::stream::log::{NodeLimits, Trim, TrimBy};
use forebay::types::stream::{RefPolicy, Stream, StreamId, StreamImageReader};
use tikv_jemalloc_ctl::{epoch, stats};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const OPERATIONS: [&str; 10] =
    ["xadd", "xreadgroup", "xack", "xdel", "xrange", "xtrim", "lpush", "lpop", "lindex", "lset"];

fn id(n: u64) -> StreamId {
    StreamId::new(1_700_000_000_000 + n / 3, n % 3 + 1)
}

fn add(stream: &mut Stream, n: u64) {
    let value = b"a value of thirty-three bytes ...";
    stream.append(id(n), &[&b"field"[..], value], NodeLimits::default()).expect("small");
}

fn stream(entries: u64) -> Stream {
    let mut stream = Stream::new(IdmpLimits::default());
    for n in 0..entries {
        add(&mut stream, n);
    }
    let mut group = Group::new(StreamId::MIN, Some(0));
    group.create_consumer(b"worker", 0).expect("a new name");
    stream.add_group(b"group", group);
    stream
}

fn deliver(stream: &mut Stream, n: u64) {
    let extent = stream.extent();
    let (group, log) = stream.group_mut(b"group").expect("it was added");
    let number = group.consumer(b"worker").expect("it was made").number();
    let mut entries = group.undelivered(log);
    let entry = entries.next().expect("there are more");
    let cursor = entries.cursor().expect("one was read");
    group.see_consumer(number, n);
    group.note_active(number, n);
    group.assign(entry.id(), number, n, 1);
    group.advance(entry.id(), &extent);
    group.set_cursor(cursor);
}

fn list(elements: u64) -> List {
    let mut list = List::new();
    for n in 0..elements {
        push(&mut list, n);
    }
    list
}

fn push(list: &mut List, n: u64) {
    list.push(Side::Left, format!("an element of 33 bytes {n:010}").as_bytes());
}

/// A place anywhere among so many, another each time.
fn scattered(n: u64, of: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % of
}

/// The named operation on values of this size.
fn operation(name: &str, size: u64) -> Box<dyn FnMut(u64)> {
    let is_stream = name.starts_with('x');
    let mut stream = stream(if is_stream { size } else { 0 });
    let mut list = list(if is_stream { 0 } else { size });
    if name == "xack" {
        (0..size).for_each(|n| deliver(&mut stream, n));
    }
    match name {
        "xadd" => Box::new(move |n| add(&mut stream, size + n)),
        "xreadgroup" => Box::new(move |n| deliver(&mut stream, n)),
        "xack" => Box::new(move |n| {
            let (group, _) = stream.group_mut(b"group").expect("it was added");
            black_box(group.acknowledge(id(scattered(n, size))));
        }),
        "xdel" => Box::new(move |n| {
            black_box(stream.delete(id(scattered(n, size)), RefPolicy::KeepRef));
        }),
        "xrange" => Box::new(move |n| {
            let first = id(scattered(n, size));
            black_box(stream.log().range(first, StreamId::MAX).next());
        }),
        "xtrim" => Box::new(move |n| {
            add(&mut stream, size + n);
            let trim = Trim { by: TrimBy::MaxLen(size), approximate: false, limit: 0 };
            black_box(stream.trim(trim, RefPolicy::KeepRef));
        }),
        "lpush" => Box::new(move |n| push(&mut list, n)),
        "lpop" => Box::new(move |_| {
            black_box(list.end(Side::Right));
            list.cut(Side::Right, 1);
        }),
        "lindex" => Box::new(move |n| {
            black_box(list.get(scattered(n, size) as usize));
        }),
        "lset" => Box::new(move |n| {
            black_box(list.set(scattered(n, size) as usize, b"an element of 33 bytes, another!!"));
        }),
        _ => panic!("one of {OPERATIONS:?}"),
    }
}

/// Nanoseconds that each run of `step` takes.
fn mean_ns(times: u64, mut step: impl FnMut(u64)) -> f64 {
    let start = Instant::now();
    for n in 0..times {
        step(n);
    }
    start.elapsed().as_nanos() as f64 / times as f64
}

fn allocated() -> usize {
    epoch::advance().expect("jemalloc keeps statistics");
    stats::allocated::read().expect("jemalloc keeps statistics")
}

fn print_bytes() {
    const COUNT: u64 = 1_000_000;
    let start = allocated();
    let stream = stream(COUNT);
    let of_stream = allocated() - start;
    let list = list(COUNT);
    let of_list = allocated() - start - of_stream;
    let each = |bytes: usize| bytes as f64 / COUNT as f64;
    println!("bytes an entry: {:.2}, an element: {:.2}", each(of_stream), each(of_list));
    drop((stream, list));
}

/// Times a clone, and the first write behind it, a thousand times; the clone goes before the next.
fn print_shared<T: Clone>(what: &str, mut value: T, mut write: impl FnMut(&mut T, u64)) {
    let (mut clones, mut writes) = (Vec::new(), Vec::new());
    for n in 0..1000 {
        let start = Instant::now();
        let snapshot = black_box(value.clone());
        clones.push(start.elapsed().as_nanos());
        let start = Instant::now();
        write(&mut value, n);
        writes.push(start.elapsed().as_nanos());
        drop(snapshot);
    }
    clones.sort_unstable();
    writes.sort_unstable();
    println!(
        "{what}: clone {} ns, first write behind it {} ns (of a thousand the median; 99 in 100 \
         take at most {} and {} ns)",
        clones[500], writes[500], clones[990], writes[990]
    );
}

type StreamWrite = fn(&mut Stream, u64);

fn pieces(mut image: impl ImageWriter) -> Vec<Vec<u8>> {
    let mut pieces = vec![Vec::new()];
    while image.write_piece(pieces.last_mut().expect("one was pushed")) {
        pieces.push(Vec::new());
    }
    pieces
}

fn print_image(entries: u64, pending: u64) {
    let mut stream = stream(entries);
    (0..pending).for_each(|n| deliver(&mut stream, n));
    let start = Instant::now();
    let pieces = pieces(stream.image());
    let written = start.elapsed();
    let bytes: usize = pieces.iter().map(Vec::len).sum();
    let start = Instant::now();
    let mut reader = StreamImageReader::default();
    for piece in &pieces {
        reader.read_piece(piece).expect("it was written so");
    }
    let read = reader.finish().expect("it was written so");
    println!(
        "an image of {entries} entries, {pending} pending: {} MB, written in {} ms, read in {} ms",
        bytes / 1_000_000,
        written.as_millis(),
        start.elapsed().as_millis()
    );
    assert_eq!(read.log().len(), entries);
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if let [name, times] = args.as_slice() {
        let mut step = operation(name, 200_000);
        (0..times.parse().expect("a number")).for_each(&mut step);
        return;
    }
    print_bytes();
    for name in OPERATIONS {
        println!("{name}: {:.0} ns", mean_ns(100_000, operation(name, 1_000_000)));
    }
    const ENTRIES: u64 = 5_000_000;
    let mut large = stream(ENTRIES);
    (0..ENTRIES / 5).for_each(|n| deliver(&mut large, n));
    let writes: [(&str, StreamWrite); 4] = [
        ("XADD", |stream, n| add(stream, ENTRIES + n)),
        ("XREADGROUP", |stream, _| deliver(stream, 0)),
        ("XACK", |stream, n| {
            let (group, _) = stream.group_mut(b"group").expect("it was added");
            black_box(group.acknowledge(id(scattered(n, ENTRIES / 5))));
        }),
        ("XDEL", |stream, n| {
            black_box(stream.delete(id(scattered(n, ENTRIES)), RefPolicy::KeepRef));
        }),
    ];
    for (name, write) in writes {
        print_shared(
            &format!("{name}, 5 million entries, 1 million pending"),
            large.clone(),
            write,
        );
    }
    drop(large);
    let elements = list(5_000_000);
    print_shared("LPUSH, 5 million elements", elements.clone(), push);
    print_shared("LSET, 5 million elements", elements, |list, n| {
        black_box(list.set(scattered(n, 5_000_000) as usize, b"another"));
    });
    print_image(2_000_000, 500_000);
}
