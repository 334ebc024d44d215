//! The tools, run as programs: on directories in which streams are queues, and on such as hold
//! something else.

#[path = "support/process.rs"]
mod process;
mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;
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
use process::{Process, Scratch, run};
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
        "1 stream: pending entries without a consumer belong to one named released there",
    ];
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
}

/// Runs the program: its status, what it says, and what it complains of.
fn told(scratch: &Scratch, line: &str) -> (Option<i32>, String, String) {
    let output = run(scratch, &line.split(' ').collect::<Vec<_>>());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// What the program complains of, and it has said nothing else.
fn refused(scratch: &Scratch, line: &str) -> String {
    let (code, said, complaint) = told(scratch, line);
    assert_eq!((code, said.as_str()), (Some(1), ""), "{line}: {complaint}");
    complaint.trim_end().to_string()
}

/// The names in a directory, sorted.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("it is there");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("it can be read").file_name();
    let mut names: Vec<String> =
        entries.map(|entry| name(entry).to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn write(scratch: &Scratch, name: &str, bytes: &[u8]) {
    let path = scratch.path(name);
    fs::create_dir_all(path.parent().expect("it is in a directory")).expect("it can be made");
    fs::write(path, bytes).expect("the file can be written");
}

/// An RDB file of a key, without a checksum.
const RDB: &[u8] =
    b"REDIS0011\xfa\x09redis-ver\x058.2.3\xfe\x00\x00\x01a\x05value\xff\0\0\0\0\0\0\0\0";
/// One whose key is of a module.
const FOREIGN: &[u8] = b"REDIS0011\xfe\x00\x07\x01m\x05\x02\x05\x05\x01x\0\xff\0\0\0\0\0\0\0\0";
/// A file of commands.
const AOF: &[u8] = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n";

#[test]
fn directories_without_data_are_not_exported_or_dumped() {
    let scratch = Scratch::new("no-data");
    write(&scratch, "redis/dump.rdb", RDB);
    write(&scratch, "parts/appendonlydir/appendonly.aof.manifest", b"");
    write(&scratch, "file", b"");
    fs::create_dir(scratch.path("empty")).expect("it can be made");
    for tool in ["export out.rdb --dir", "dump"] {
        let error = refused(&scratch, &format!("{tool} empty"));
        assert_eq!(error, "empty holds no Forebay data");
        let expected = "redis holds no Forebay data, but Redis's redis/dump.rdb: 'forebay import \
                        redis/dump.rdb --dir redis' takes it in, as a start does";
        assert_eq!(refused(&scratch, &format!("{tool} redis")), expected);
        let error = refused(&scratch, &format!("{tool} parts"));
        assert!(error.contains("import parts/appendonlydir/appendonly.aof.manifest"), "{error}");
        assert!(refused(&scratch, &format!("{tool} gone")).starts_with("gone: "));
        assert!(refused(&scratch, &format!("{tool} file")).starts_with("file: "));
    }
    assert!(refused(&scratch, "dump gone").contains("No such file or directory"));
    assert!(refused(&scratch, "dump file").contains("neither a .journal nor a .snapshot file"));
    assert_eq!(names(scratch.root()), ["empty", "file", "parts", "redis"]);
    assert!(names(&scratch.path("empty")).is_empty());
    assert_eq!(names(&scratch.path("redis")), ["dump.rdb"]);
    assert_eq!(names(&scratch.path("parts")), ["appendonlydir"]);
    // What the message advises is done.
    let (code, said, _) = told(&scratch, "import redis/dump.rdb --dir redis");
    assert_eq!(code, Some(0), "{said}");
    let (_, said, _) = told(&scratch, "export out.rdb --dir redis");
    assert_eq!(said, "1 key written to out.rdb\n");
}

#[test]
fn a_check_reads_redis_files_as_a_start_would() {
    let scratch = Scratch::new("check-redis");
    write(&scratch, "forebay-data/dump.rdb", RDB);
    for check in ["check forebay-data", "check forebay-data --repair"] {
        let expected = "found: no data of Forebay, but Redis's forebay-data/dump.rdb: a start \
                        imports it\nread forebay-data/dump.rdb, written by redis 8.2.3\n1 key\n";
        assert_eq!(told(&scratch, check), (Some(0), expected.into(), String::new()));
    }
    let started = |wrong: &str| {
        let started = run(&scratch, &["--port", &process::free_port().to_string()]);
        let said = String::from_utf8_lossy(&started.stdout).into_owned();
        assert!(started.status.code() == Some(1) && said.contains(wrong), "{said}");
        said
    };
    write(&scratch, "forebay-data/dump.rdb", &RDB[..RDB.len() - 12]);
    let wrong = format!(
        "forebay-data/dump.rdb: it ends in the middle of a record (offset {})",
        RDB.len() - 12
    );
    let advice = "the file is damaged: replace it by a whole one, or move it away";
    let (code, said, _) = told(&scratch, "check forebay-data --repair");
    assert!(code == Some(1) && said.contains(&wrong) && said.contains(advice), "{said}");
    let said = started(&wrong);
    assert!(said.contains(advice) && !said.contains("--skip-unknown"), "{said}");

    write(&scratch, "forebay-data/dump.rdb", FOREIGN);
    let (code, said, _) = told(&scratch, "check forebay-data");
    let hint = "dump.rdb --dir forebay-data --skip-unknown' leaves out what cannot be held";
    assert!(code == Some(1) && said.contains(hint), "{said}");
    assert!(!said.contains("damage"), "{said}");
    let said = started("database 0, m: module type");
    assert!(said.contains("--skip-unknown' leaves out") && !said.contains("damage"), "{said}");

    write(
        &scratch,
        "forebay-data/dump.rdb",
        b"REDIS0011\xfe\x14\x00\x01a\x01v\xff\0\0\0\0\0\0\0\0",
    );
    let (code, said, _) = told(&scratch, "check forebay-data");
    assert!(code == Some(1) && said.contains("raise `databases`"), "{said}");
    assert_eq!(told(&scratch, "check forebay-data --databases 32").0, Some(0));
    assert_eq!(names(&scratch.dir()), ["dump.rdb"]);
}

#[test]
fn a_check_says_what_it_was_given_and_that_nothing_is_to_be_repaired() {
    let scratch = Scratch::new("check");
    write(&scratch, "file", b"");
    assert_eq!(refused(&scratch, "check file"), "file: it is not a directory");
    assert_eq!(refused(&scratch, "check gone"), "gone: there is no such directory");
    fs::create_dir(scratch.path("empty")).expect("it can be made");
    let (code, said, _) = told(&scratch, "check empty --repair");
    assert!(code == Some(0) && said.ends_with("\nnothing is to be repaired\n"), "{said}");
    assert!(names(&scratch.path("empty")).is_empty());
    // A start has been here, and what it kept is gone.
    write(&scratch, "empty/spare-3.partial", b"");
    let (code, said, _) = told(&scratch, "check empty");
    let beware =
        "beware: spare files of an earlier start are there, and no journal: if this directory";
    assert!(code == Some(0) && said.contains(beware), "{said}");
    let mut kept = Kept::new(&scratch.dir());
    kept.lines(&["SET a 1"]);
    kept.close();
    let (code, said, _) = told(&scratch, "check forebay-data --repair");
    assert!(code == Some(0) && said.ends_with("\nnothing is to be repaired\n"), "{said}");
    assert!(said.contains(", 1 part, "), "{said}");
}

/// What lies behind damage holds answers: nobody is to take it for rubbish.
#[test]
fn a_check_does_not_call_what_lies_behind_damage_useless() {
    let scratch = Scratch::new("behind");
    let mut kept = Kept::new(&scratch.dir());
    let value = "v".repeat(900_000);
    for key in 0..4 {
        kept.lines(&[&format!("SET {key} {value}")]);
        kept.server.store.journal().expect("opened").flush();
    }
    drop(kept);
    let segments: Vec<String> =
        names(&scratch.dir()).into_iter().filter(|name| name.ends_with(".journal")).collect();
    assert!(segments.len() > 3, "{segments:?}");
    fs::remove_file(scratch.dir().join(&segments[1])).expect("it can be removed");
    let (code, said, _) = told(&scratch, "check forebay-data");
    assert!(code == Some(1) && !said.contains("of no use"), "{said}");
    assert!(said.contains(&format!("{}  not read, since no server starts", segments[3])), "{said}");
}

#[test]
fn an_import_counts_keys_and_leaves_nothing_when_it_fails() {
    let scratch = Scratch::new("import");
    write(&scratch, "x.aof", AOF);
    write(&scratch, "cut.rdb", &RDB[..20]);
    let error = refused(&scratch, "import cut.rdb");
    assert!(error.starts_with("cut.rdb: it ends in the middle"), "{error}");
    assert!(refused(&scratch, "import gone.rdb --dir new/data").contains("gone.rdb"));
    assert_eq!(names(scratch.root()), ["cut.rdb", "x.aof"]);
    let (code, said, _) = told(&scratch, "import x.aof --dir new/data");
    assert_eq!(code, Some(0));
    assert_eq!(said, "read x.aof\n1 key, 1 command of an append-only file\n");
    let error = refused(&scratch, "import x.aof --dir new/data");
    assert_eq!(error, "new/data holds data already: import into an empty one");
}

#[test]
fn an_import_takes_no_directory_of_others() {
    let scratch = Scratch::new("import-others");
    write(&scratch, "x.aof", AOF);
    write(&scratch, "etc/passwd", b"");
    let error = refused(&scratch, "import x.aof --dir etc");
    assert_eq!(error, "etc holds other files, such as passwd: import into an empty directory");
    assert_eq!(names(&scratch.path("etc")), ["passwd"]);
    assert_eq!(refused(&scratch, "import x.aof --dir x.aof"), "x.aof: it is not a directory");
    // What Redis and this server have left there is no hindrance.
    let beside = ["dump.rdb", "appendonlydir/appendonly.aof.manifest", "lost+found/x"];
    for name in beside.iter().chain(&["forebay.lock"]) {
        write(&scratch, &format!("data/{name}"), b"");
    }
    assert_eq!(told(&scratch, "import x.aof --dir data").0, Some(0));
    // Nor is anything in the directory of the file itself, where a start would import as well.
    for (dir, file) in [
        ("one", "one/my.rdb"),
        ("two", "two"),
        ("three", "three/appendonlydir"),
        ("four", "four/appendonlydir/appendonly.aof.manifest"),
    ] {
        write(&scratch, &format!("{dir}/redis.conf"), b"");
        match dir {
            "one" => write(&scratch, file, RDB),
            "two" => write(&scratch, "two/dump.rdb", RDB),
            _ => {
                let parts = format!("{dir}/appendonlydir/appendonly.aof");
                write(&scratch, &format!("{parts}.1.base.rdb"), RDB);
                let line = b"file appendonly.aof.1.base.rdb seq 1 type b\n";
                write(&scratch, &format!("{parts}.manifest"), line);
            }
        }
        let (code, said, error) = told(&scratch, &format!("import {file} --dir {dir}"));
        assert!(code == Some(0) && said.ends_with("\n1 key\n"), "{file}: {said}{error}");
    }
}

#[test]
fn libraries_are_printed_from_a_snapshot_as_well() {
    const LINE: &str =
        "FUNCTION LOAD REPLACE \"#!lua name=lib\\nredis.register_function('f', function() end)\"";
    let code = b"#!lua name=lib\nredis.register_function('f', function() end)".to_vec();
    let scratch = Scratch::new("dump-library");
    let mut kept = Kept::new(&scratch.dir());
    kept.run(&[b"FUNCTION".to_vec(), b"LOAD".to_vec(), code]);
    kept.lines(&["SET a 1"]);
    kept.close();
    let lines = dumped(&scratch);
    let loads: Vec<&String> = lines.iter().filter(|line| line.starts_with("FUNCTION")).collect();
    assert_eq!(loads, [LINE], "{lines:#?}");
    assert!(lines.contains(&"SET a 1".to_string()), "{lines:#?}");
}

#[test]
fn what_a_server_uses_is_not_judged() {
    let scratch = Scratch::new("in-use");
    let mut server = Process::start(&scratch, process::free_port(), &[]);
    let expected = format!(
        "forebay-data: the directory is in use by process {}: end that first",
        server.child.id()
    );
    let mut lines = vec![
        "check forebay-data".to_string(),
        "check forebay-data --repair".into(),
        "dump forebay-data".into(),
        "export out.rdb".into(),
        "import x.aof".into(),
    ];
    write(&scratch, "x.aof", AOF);
    let files = names(&scratch.dir());
    let journal = files.iter().find(|name| name.ends_with(".journal")).expect("it keeps one");
    lines.push(format!("dump forebay-data/{journal}"));
    for line in &lines {
        assert_eq!(refused(&scratch, line), expected, "{line}");
    }
    assert!(!scratch.path("out.rdb").exists());
    server.kill();
    for line in lines.iter().filter(|line| !line.starts_with("import")) {
        assert_eq!(told(&scratch, line).0, Some(0), "{line}");
    }
}

#[test]
fn files_that_lie_elsewhere_are_followed() {
    let scratch = Scratch::new("links");
    let mut kept = Kept::new(&scratch.path("elsewhere"));
    kept.lines(&["SET a 1", "SET b 2"]);
    kept.close();
    fs::create_dir(scratch.dir()).expect("it can be made");
    for name in names(&scratch.path("elsewhere")) {
        let target = scratch.path("elsewhere").join(&name);
        symlink(target, scratch.dir().join(&name)).expect("a link can be made");
    }
    assert!(dumped(&scratch).contains(&"SET b 2".to_string()));
    let (code, said, _) = told(&scratch, "check forebay-data");
    assert!(code == Some(0) && said.contains("  snapshot at position "), "{said}");
    let mut server = Process::start(&scratch, process::free_port(), &[]);
    let held: i64 = redis::cmd("DBSIZE").query(&mut server.connect()).expect("it serves");
    assert_eq!(held, 2);
    server.kill();
    // A link that leads nowhere is no empty directory.
    let snapshots = names(&scratch.path("elsewhere"));
    for name in snapshots.iter().filter(|name| name.ends_with(".snapshot")) {
        fs::remove_file(scratch.path("elsewhere").join(name)).expect("it is there");
    }
    let complaint = refused(&scratch, "check forebay-data");
    assert!(complaint.contains(".snapshot is a link that leads nowhere"), "{complaint}");
    let started = run(&scratch, &["--port", &process::free_port().to_string()]);
    let said = String::from_utf8_lossy(&started.stdout).into_owned();
    assert!(started.status.code() == Some(1) && said.contains("leads nowhere"), "{said}");
}

#[test]
fn what_cannot_be_said_is_no_panic() {
    let scratch = Scratch::new("stdout");
    let mut kept = Kept::new(&scratch.dir());
    kept.lines(&["SET a 1"]);
    kept.close();
    write(&scratch, "x.aof", AOF);
    let said = |line: &str, stdout: Stdio| {
        let mut command = std::process::Command::new(process::binary());
        command.current_dir(scratch.root()).args(line.split(' ')).stdout(stdout);
        let output = command.stdin(Stdio::null()).stderr(Stdio::piped()).output();
        let output = output.expect("the program can be run");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for (at, line) in ["check forebay-data", "dump forebay-data", "--version", "--help"]
        .into_iter()
        .chain(["import x.aof --dir full", "export full.rdb"])
        .enumerate()
    {
        let full = fs::File::options().write(true).open("/dev/full").expect("Linux has it");
        let expected = "standard output: No space left on device (os error 28)\n";
        assert_eq!(said(line, full.into()), (Some(1), expected.into()), "{line}");
        let (reader, writer) = std::io::pipe().expect("a pipe can be made");
        drop(reader);
        let line = line.replace("full", &format!("gone{at}"));
        assert_eq!(said(&line, writer.into()), (Some(1), String::new()), "{line}");
    }
    // What was to be done was done all the same.
    assert!(scratch.path("full.rdb").exists() && !names(&scratch.path("full")).is_empty());
}

#[test]
fn an_import_that_finds_no_room_leaves_nothing() {
    let scratch = Scratch::new("import-full");
    let mut file = b"REDIS0011\xfe\x00".to_vec();
    for key in 0..64u8 {
        file.extend_from_slice(&[0, 1, key, 0x80, 0, 1, 0, 0]);
        file.resize(file.len() + 65_536, b'x');
    }
    file.extend_from_slice(b"\xff\0\0\0\0\0\0\0\0");
    write(&scratch, "big.rdb", &file);
    // What was there before stays: of a Redis, and of a server that kept nothing.
    write(&scratch, "there/forebay.lock", b"");
    write(&scratch, "there/dump.rdb", b"");
    // In blocks of 512 bytes: too short for a segment, and for a snapshot behind it.
    for (blocks, dir) in [(16, "new/data"), (3000, "new/data"), (3000, "there")] {
        let line =
            format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" import big.rdb --dir {dir}");
        let mut shell = std::process::Command::new("sh");
        shell.current_dir(scratch.root()).args(["-c", &line, &process::binary()]);
        let output = shell.output().expect("there is a shell");
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{blocks}: {complaint}");
        assert!(complaint.contains("File too large"), "{blocks}: {complaint}");
        assert_eq!(names(scratch.root()), ["big.rdb", "there"], "{complaint}");
        assert_eq!(names(&scratch.path("there")), ["dump.rdb", "forebay.lock"], "{complaint}");
    }
    assert_eq!(told(&scratch, "import big.rdb --dir there").0, Some(0));
}

#[test]
fn there_is_a_database_at_least() {
    let scratch = Scratch::new("databases");
    write(&scratch, "x.aof", AOF);
    for line in ["import x.aof --databases 0", "import x.aof --databases 4294967295"] {
        let (code, _, complaint) = told(&scratch, line);
        assert_eq!(code, Some(2));
        assert!(complaint.contains("is not in 1..=2147483647"), "{complaint}");
    }
}

#[test]
fn a_start_takes_the_file_that_the_setting_says_and_tells_of_what_it_does_not_take() {
    let scratch = Scratch::new("which");
    let logged = |arguments: &[&str]| {
        fs::remove_file(scratch.path("log")).ok();
        let mut server = Process::start(&scratch, process::free_port(), arguments);
        let held: Vec<String> =
            redis::cmd("KEYS").arg("*").query(&mut server.connect()).expect("it serves");
        server.kill();
        fs::remove_dir_all(scratch.dir()).expect("it is there");
        (held, scratch.log())
    };
    let old = || {
        write(&scratch, "forebay-data/appendonly.aof", AOF);
        write(
            &scratch,
            "forebay-data/dump.rdb",
            b"REDIS0011\xfe\x00\x00\x01n\x01v\xff\0\0\0\0\0\0\0\0",
        );
    };
    old();
    let (held, log) = logged(&["--appendonly", "no", "--save", "3600", "1"]);
    assert_eq!(held, ["n"], "{log}");
    let path = |name: &str| scratch.dir().join(name).display().to_string();
    assert!(log.contains(&format!("reading Redis's {}", path("dump.rdb"))), "{log}");
    old();
    let (held, log) = logged(&[]);
    assert_eq!(held, ["a"], "{log}");
    assert!(log.contains(&format!("{} is newer than", path("dump.rdb"))), "{log}");
    // An empty start says what it has not looked at, and one that would lose an AOF does not start.
    write(&scratch, "forebay-data/my.rdb", RDB);
    let (held, log) = logged(&[]);
    assert!(held.is_empty() && log.contains("my.rdb is not read"), "{log}");
    write(&scratch, "forebay-data/appendonlydir/foo.aof.manifest", b"");
    let started = run(&scratch, &["--port", &process::free_port().to_string()]);
    let said = String::from_utf8_lossy(&started.stdout).into_owned();
    assert!(started.status.code() == Some(1) && said.contains("set `appendfilename`"), "{said}");
    let (code, said, _) = told(&scratch, "check forebay-data");
    assert!(code == Some(1) && said.contains("set `appendfilename`"), "{said}");
}
