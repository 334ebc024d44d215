//! `forebay dump` and `forebay export`, run as programs on directories in which streams are queues.

#[path = "support/process.rs"]
mod process;
mod support;

use std::path::Path;
use std::sync::Arc;

use forebay::command::replay::replay;
use forebay::command::store::{self, Cause, Store};
use forebay::command::{self, Flow, Server, Session};
use forebay::config::Config;
use forebay::journal::Frame;
use forebay::journal::disk::DirDisk;
use forebay::keyspace::{Clock, Keyspace, ManualClock, Options};
use forebay::resp::decode::split_words;
use forebay::resp::text::write_request;
use process::{Scratch, run};
use support::START_MS;
use support::bare::{DATABASES, digest, new_server};
use support::commands::Generator;

/// A server that keeps its data in a directory.
struct Kept {
    server: Arc<Server>,
    clock: Arc<ManualClock>,
    session: Session,
}

impl Kept {
    fn new(dir: &Path) -> Kept {
        let lines = "appendonly yes\nappendfsync no\nstream-node-max-entries 5\n\
                     journal-segment-size 1mb\njournal-reserve-size 0\n";
        let config = Config::from_lines(lines).expect("the lines are valid");
        let clock = ManualClock::new(START_MS);
        let keyspace = Keyspace::new(Options {
            databases: DATABASES,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            seed: 1,
            sink: None,
        });
        let server = Arc::new(Server::new(Arc::new(keyspace), Arc::new(config)));
        server.begin_loading();
        let disk = DirDisk::open(dir).expect("the directory can be made");
        Store::open(&server, Arc::new(disk)).expect("it is empty");
        server.end_loading();
        server.look_after_streams();
        Kept { server, clock, session: Session::new(None) }
    }

    fn run(&mut self, args: &[Vec<u8>]) {
        let args: Vec<&[u8]> = args.iter().map(Vec::as_slice).collect();
        let mut out = Vec::new();
        let now_ms = self.clock.now_ms();
        let flow = command::execute(&self.server, &mut self.session, &args, &mut out, now_ms);
        if let Flow::Blocked(blocked) = flow
            && blocked.waiter.cancel()
        {
            self.server.keyspace.leave(&blocked.waiter);
        }
    }

    fn lines(&mut self, lines: &[&str]) {
        for line in lines {
            self.run(&line.split(' ').map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>());
        }
    }

    /// Ends with everything in a snapshot.
    fn close(self) {
        store::save(&self.server, Cause::Save).expect("the disk is well");
        Store::close(&self.server, false).expect("the disk is well");
    }
}

/// What `forebay dump` prints of the scratch directory.
fn dumped(scratch: &Scratch) -> Vec<String> {
    let output = run(scratch, &["dump", "forebay-data"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("what is no text is escaped");
    text.lines().map(str::to_string).collect()
}

/// Every state and policy, in few entries.
const QUEUES: &[&str] = &[
    "XGROUP CREATE jobs workers 0 MKSTREAM",
    "XGROUP CREATE jobs plain 0",
    "XCFGSET jobs MAXLEN 1000 TTLFIELD ttl",
    "XCFGSET jobs GROUP workers LEASE 30000 MAXDELIVERIES 2 BACKOFF 1000 1000 ORDERBY k RATE 50 1000",
    "XADD jobs 1-1 k x",
    "XADD jobs 1-2 k x",
    "XADD jobs 1-3 k y",
    "XADD jobs 1-4 k z",
    "XADD jobs DELAY 60000 1-5 k w",
    "XADD jobs TTL 90000 1-6 k v",
    "XREADGROUP GROUP workers anna COUNT 3 STREAMS jobs >",
    "XNACK jobs workers FATAL IDS 1 1-3",
    "XNACK jobs workers FAIL IDS 1 1-4 DELAY 5000",
    "XREADGROUP GROUP plain ben COUNT 2 STREAMS jobs >",
    "XNACK jobs plain FAIL IDS 1 1-2",
];

#[test]
fn queues_are_printed_with_all_that_is_in_them() {
    let scratch = Scratch::new("dump");
    let mut kept = Kept::new(&scratch.dir());
    kept.lines(QUEUES);
    kept.close();
    let lines = dumped(&scratch);
    let of_jobs: Vec<String> = lines
        .iter()
        .filter(|line| line.contains(" jobs "))
        .map(|line| line.replace(&START_MS.to_string(), "NOW"))
        .collect();
    let at = |ms: i64| (START_MS + ms).to_string();
    let expected = [
        "XPOLICY jobs MAXLEN 1000 TTLFIELD ttl".to_string(),
        "XADD jobs 1-1 k x".into(),
        "XADD jobs 1-2 k x".into(),
        "XADD jobs 1-3 k y".into(),
        "XADD jobs 1-4 k z".into(),
        format!("XADD jobs DELAY {} 1-5 k w", at(60_000)),
        format!("XADD jobs TTL {} 1-6 k v", at(90_000)),
        "XSETID jobs 1-6 ENTRIESADDED 6 MAXDELETEDID 0-0".into(),
        "XGROUP CREATE jobs plain 1-2 ENTRIESREAD 2".into(),
        "XGROUP CREATECONSUMER jobs plain ben".into(),
        "XCLAIM jobs plain ben 0 1-1 TIME NOW RETRYCOUNT 1 JUSTID FORCE".into(),
        "XNACK jobs plain SILENT IDS 1 1-2 RETRYCOUNT 1 FORCE".into(),
        "XGROUP CREATE jobs workers 1-4 ENTRIESREAD 4".into(),
        "XGROUP CREATECONSUMER jobs workers anna".into(),
        "XCLAIM jobs workers anna 0 1-1 TIME NOW RETRYCOUNT 1 JUSTID FORCE".into(),
        "XCFGSET jobs GROUP workers LEASE 30000 MAXDELIVERIES 2 BACKOFF 1000 1000 ORDERBY k \
         RATE 50 1000"
            .into(),
        "XPLACE jobs workers \"\" 0 0-0 1-2 h0@NOW".into(),
        "XPLACE jobs workers \"\" 0 0-0 1-3 x1@NOW".into(),
        format!("XPLACE jobs workers \"\" 0 0-0 1-4 d1@{}", at(5000)),
        "XPACE jobs workers NOW 3".into(),
    ];
    assert_eq!(of_jobs, expected, "{lines:#?}");
}

/// A state without what no command says: when consumers were active last.
fn without_activity(lines: &[String]) -> Vec<String> {
    const WORD: &str = "active-time\\r";
    let cut = |line: &String| {
        let mut parts = line.split(WORD);
        let mut kept = parts.next().unwrap_or_default().to_string();
        for part in parts {
            kept += part.split_once("\\r").map_or("", |(_, rest)| rest);
        }
        kept
    };
    lines.iter().map(cut).collect()
}

#[test]
fn what_is_printed_of_queues_makes_them_again() {
    let mut compared = 0;
    for seed in 1..=12 {
        let scratch = Scratch::new("dump-again");
        let mut kept = Kept::new(&scratch.dir());
        let mut generator = Generator::new(seed);
        for _ in 0..400 {
            if generator.one_in(5) {
                kept.clock.advance_ms(generator.below(40) as i64);
            }
            let args = generator.queue_command();
            kept.run(&args);
        }
        let expected = without_activity(&digest(&kept.server));
        let clock = Arc::clone(&kept.clock);
        kept.close();
        let lines = dumped(&scratch);
        let copy = new_server(Arc::clone(&clock), seed, None);
        let mut effects = Vec::new();
        // What remembers entries that are gone is told of only, the file's name and date first.
        let told = lines.iter().filter(|line| line.starts_with("# ") && line.contains("ORDERBY"));
        let is_whole = told.count() == 0;
        for line in lines.iter().filter(|line| !line.starts_with('#')) {
            let words = split_words(line.as_bytes()).expect("a line that a prompt takes");
            write_request(&mut effects, &words.iter().map(Vec::as_slice).collect::<Vec<_>>());
        }
        let frame = Frame { time_ms: clock.now_ms(), effects };
        replay(&copy, &frame).unwrap_or_else(|why| panic!("seed {seed}: {}\n{lines:#?}", why.0));
        if is_whole {
            let found = without_activity(&digest(&copy));
            assert_eq!(found, expected, "seed {seed}:\n{}", lines.join("\n"));
            compared += 1;
        }
    }
    assert!(compared > 5, "{compared} were compared");
}

#[test]
fn an_export_names_what_it_leaves_behind() {
    let scratch = Scratch::new("export");
    let mut kept = Kept::new(&scratch.dir());
    kept.lines(QUEUES);
    kept.lines(&["XADD plain 1-1 f v", "XGROUP CREATE plain g 0", "SELECT 1"]);
    // The second is due long before the export, and so as any other entry.
    kept.lines(&["XADD later DELAY 9000000000000 1-1 f v", "XADD later DELAY 10 1-2 f v"]);
    kept.close();
    let output = run(&scratch, &["export", "out.rdb"]);
    assert!(output.status.success());
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let expected = [
        "left behind of jobs of database 0: the stream's policy (MAXLEN 1000 TTLFIELD ttl), the \
         policy of group workers (LEASE 30000 MAXDELIVERIES 2 BACKOFF 1000 1000 ORDERBY k RATE 50 \
         1000), entries that live for a time only: 1, leases: 1, \
         deferred deliveries: 1, deliveries held by ORDERBY: 1, parked entries: 1",
        "left behind of later of database 1: entries that are not due yet: 1",
    ];
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let expected = [
        "3 keys written to out.rdb",
        "1 streams: pending entries without a consumer belong to one named released there",
    ];
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
}
