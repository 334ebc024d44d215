//! Import and export of whole files, on files that are made here. `compat/rdb` has those that real
//! servers write.

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use forebay::command::{self, Server, Session};
use forebay::config::Config;
use forebay::keyspace::{Clock, Keyspace, ManualClock, Options as KeyspaceOptions, ShardSet};
use forebay::process::export::export;
use forebay::process::import::{
    ImportError, Names, Options, Report, Unknown, find, import, strays,
};
use forebay::rdb::{Fault, crc64};
use forebay::resp::{Proto, text::write_request};
use support::START_MS;
use support::commands::Generator;
use support::values::describe;

const DATABASES: usize = 3;
const SKIP: Options = Options { skip_unknown: true };
const REFUSE: Options = Options { skip_unknown: false };

fn new_server() -> Arc<Server> {
    let clock: Arc<dyn Clock> = ManualClock::new(START_MS);
    let keyspace =
        Keyspace::new(KeyspaceOptions { databases: DATABASES, clock, seed: 1, sink: None });
    let config = Config::from_lines("").expect("the lines are valid");
    Arc::new(Server::new(Arc::new(keyspace), Arc::new(config)))
}

fn ask(server: &Arc<Server>, db: usize, line: &str) -> String {
    let mut session = Session::stand_in(db, Proto::Resp2);
    let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
    let mut out = Vec::new();
    command::execute(server, &mut session, &words, &mut out, START_MS);
    String::from_utf8_lossy(&out).replace("\r\n", " ").trim_end().to_string()
}

/// A folder of its own for a test, emptied first.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("import-{name}"));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("the folder can be made");
    path
}

fn write(path: &Path, bytes: &[u8]) -> PathBuf {
    fs::create_dir_all(path.parent().expect("it is in a folder")).expect("it can be made");
    fs::write(path, bytes).expect("the file can be written");
    path.to_owned()
}

/// An RDB file of these records, with its checksum.
fn rdb(records: &[u8]) -> Vec<u8> {
    let mut file = [b"REDIS0011", records, b"\xff"].concat();
    let checksum = crc64::checksum(&file);
    file.extend_from_slice(&checksum.to_le_bytes());
    file
}

/// An AOF of these lines of words.
fn log(lines: &[&str]) -> Vec<u8> {
    let mut file = Vec::new();
    for line in lines {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        write_request(&mut file, &words);
    }
    file
}

fn imported(path: &Path) -> (Arc<Server>, Report) {
    let server = new_server();
    let report = import(&server, path, &REFUSE).unwrap_or_else(|error| panic!("{error}"));
    (server, report)
}

fn refused(path: &Path) -> ImportError {
    import(&new_server(), path, &REFUSE).expect_err("it is to be refused")
}

/// What is found in a directory that has something.
fn found(directory: &Path, names: &Names) -> PathBuf {
    let found = find(directory, names).unwrap_or_else(|error| panic!("{error}"));
    found.expect("there is something").path
}

#[test]
fn keys_with_deadlines_in_databases() {
    let mut records = b"\xfa\x09redis-ver\x058.2.3\xfa\x05ctime\xc2\0\0\0\0".to_vec();
    records.extend_from_slice(b"\xfe\x00\xfb\x03\x01\xf8\x40\x64\x00\x01a\xc0\x05");
    for (key, ms) in [(b'b', START_MS + 1000), (b'c', START_MS), (b'd', -5)] {
        records.push(0xfc);
        records.extend_from_slice(&ms.to_le_bytes());
        records.extend_from_slice(&[0, 1, key, 1, b'v']);
    }
    records.extend_from_slice(b"\xfd\x64\xf1\x53\x65\x00\x01e\x01v\xf9\x07\x00\x01f\x01v");
    // A slot's sizes, a list without elements, and a key in another database.
    records.extend_from_slice(b"\xf4\x01\x01\x01\x12\x01g\x00\xfe\x02\x01\x01l\x02\x01x\x01y");
    let path = write(&folder("deadlines").join("dump.rdb"), &rdb(&records));
    let (server, report) = imported(&path);
    assert_eq!(report.written_by.as_deref(), Some("redis 8.2.3"));
    assert_eq!((report.keys, report.expired, report.empty), (5, 2, 1));
    assert_eq!(ask(&server, 0, "OBJECT IDLETIME a"), ":100");
    assert_eq!(ask(&server, 0, "GET a"), "$1 5");
    assert_eq!(ask(&server, 0, "PTTL b"), ":1000");
    assert_eq!(ask(&server, 0, "EXISTS c d g"), ":0");
    assert_eq!(ask(&server, 0, "EXPIRETIME e"), ":1700000100");
    assert_eq!(ask(&server, 0, "GET f"), "$1 v");
    assert_eq!(ask(&server, 2, "LRANGE l 0 -1"), "*2 $1 x $1 y");
}

#[test]
fn libraries_of_functions_come_and_go() {
    let code = "#!lua name=mylib\nredis.register_function('f', function() return 7 end)";
    let mut records = vec![0xf5, 0x40, code.len() as u8];
    records.extend_from_slice(code.as_bytes());
    records.extend_from_slice(b"\xfe\x00\x00\x01k\x01v");
    let path = write(&folder("libraries").join("dump.rdb"), &rdb(&records));
    let (server, report) = imported(&path);
    assert_eq!((report.libraries, report.keys), (1, 1));
    assert_eq!(ask(&server, 0, "FCALL f 0"), ":7");
    let mut written = Vec::new();
    let exported = export(&server, &mut written).expect("a vector takes all");
    assert_eq!((exported.libraries, exported.keys), (1, 1));
    let path = write(&folder("libraries").join("again.rdb"), &written);
    let (server, report) = imported(&path);
    assert_eq!((report.libraries, report.keys), (1, 1));
    assert_eq!(ask(&server, 0, "FCALL f 0"), ":7");
}

/// Its code registers nothing.
const NOT_LOADED: &str = "function library (ERR No functions registered)";

#[test]
fn what_cannot_be_held_is_named_key_by_key() {
    let mut records = b"\xf5\x1c#!lua name=mylib\nreturn 1234".to_vec();
    records[1] = (records.len() - 2) as u8;
    records.extend_from_slice(b"\xfe\x01\x0b\x03set\x0a\x02\0\0\0\x01\0\0\0\x05\0");
    records.extend_from_slice(b"\x00\x01k\x01v\x07\x01m\x05\x02\x05\x05\x01x\0");
    let path = write(&folder("unknown").join("some.rdb"), &rdb(&records));
    let unknown = |db, name: &str, kind: &str| Unknown {
        db,
        name: name.as_bytes().to_vec(),
        kind: kind.into(),
    };
    let expected = vec![unknown(0, "mylib", NOT_LOADED), unknown(1, "m", "module type AAAAAAAAA")];
    match refused(&path) {
        ImportError::Unknown(named) => assert_eq!(named, expected),
        other => panic!("{other}"),
    }
    let text = refused(&path).to_string();
    assert!(
        text.contains("--skip-unknown") && text.contains("database 1, m: module type"),
        "{text}"
    );
    let server = new_server();
    let report = import(&server, &path, &SKIP).expect("they are left out");
    assert_eq!((report.keys, report.unknown), (2, expected));
    assert_eq!(ask(&server, 1, "GET k"), "$1 v");
}

#[test]
fn damaged_files_are_refused_with_the_offset() {
    let home = folder("damaged");
    let whole = rdb(
        b"\xfe\x00\x00\x01a\x05value\x12\x01l\x01\x02\x0c\x0c\0\0\0\x02\0\x81x\x02\x05\x01\xff",
    );
    let path = write(&home.join("whole.rdb"), &whole);
    imported(&path);
    for len in 0..whole.len() {
        let path = write(&home.join("cut.rdb"), &whole[..len]);
        match refused(&path) {
            ImportError::Damaged { error, .. } if len >= 9 => {
                assert_eq!(error.offset, len as u64);
            }
            ImportError::Damaged { error, .. } => assert!(matches!(error.fault, Fault::NotRdb)),
            other => panic!("cut at {len}: {other}"),
        }
    }
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let path = write(&home.join("flipped.rdb"), &bytes);
        let error = refused(&path).to_string();
        assert!(error.contains("flipped.rdb"), "bit {bit}: {error}");
    }
    let at = whole.len() - 8;
    let unsummed = [&whole[..at], &[0; 8]].concat();
    imported(&write(&home.join("unsummed.rdb"), &unsummed));
    let twice = rdb(b"\xfe\x00\x00\x01a\x01v\x00\x01a\x01w");
    let error = refused(&write(&home.join("twice.rdb"), &twice)).to_string();
    assert!(error.ends_with("has the key a of database 0 twice"), "{error}");
    let beyond = rdb(b"\xfe\x03\x00\x01a\x01v");
    let error = refused(&write(&home.join("beyond.rdb"), &beyond)).to_string();
    assert!(error.contains("database 3, and there are 3: raise `databases`"), "{error}");
    let error = refused(&write(&home.join("text.rdb"), b"hello world")).to_string();
    assert!(error.ends_with("text.rdb: it does not begin like an RDB file (offset 0)"), "{error}");
    let error = refused(&write(&home.join("newer.rdb"), b"REDIS0099\xff")).to_string();
    assert!(error.contains("RDB version 99 is not known"), "{error}");
}

#[test]
fn a_log_is_run() {
    let lines = [
        "SELECT 1",
        "SET a 1 PXAT 1699999999000",
        "INCR a",
        "MULTI",
        "RPUSH l x y",
        "XADD s 5-1 f v",
        "EXEC",
        "XGROUP CREATE s g 0-0",
        "XCLAIM s g alice 0 5-1 TIME 1699999999500 RETRYCOUNT 3 FORCE JUSTID LASTID 5-1",
        "SELECT 0",
        "set b 2",
        "DEL nothing",
    ];
    let file = [b"#TS:1700000000\r\n".as_slice(), &log(&lines)].concat();
    let path = write(&folder("log").join("appendonly.aof"), &file);
    let (server, report) = imported(&path);
    assert_eq!((report.commands, report.truncated), (10, None));
    // Nothing expires while it is run; what was due goes when it is looked for.
    assert_eq!(ask(&server, 1, "EXISTS a"), ":0");
    assert_eq!(ask(&server, 1, "LLEN l"), ":2");
    assert_eq!(ask(&server, 1, "XPENDING s g - + 9"), "*1 *4 $3 5-1 $5 alice :500 :3");
    assert_eq!(ask(&server, 0, "GET b"), "$1 2");
}

#[test]
fn an_old_log_may_begin_with_an_rdb_file() {
    let file = [rdb(b"\xfe\x02\x00\x01a\x01v"), log(&["APPEND a w", "SELECT 2", "APPEND a w"])];
    let path = write(&folder("preamble").join("appendonly.aof"), &file.concat());
    let (server, report) = imported(&path);
    assert_eq!((report.keys, report.held, report.commands), (1, 2, 3));
    assert_eq!(ask(&server, 2, "GET a"), "$2 vw");
    assert_eq!(ask(&server, 0, "GET a"), "$1 w");
}

#[test]
fn a_cut_tail_is_left_out_and_told() {
    let home = folder("tail");
    let first = log(&["SET a 1"]);
    let step = log(&["MULTI", "SET a 2", "SET b 2", "EXEC"]);
    let whole = [first.clone(), step].concat();
    for len in first.len()..whole.len() {
        let path = write(&home.join("appendonly.aof"), &whole[..len]);
        let (server, report) = imported(&path);
        assert_eq!(ask(&server, 0, "GET a"), "$1 1", "cut at {len}");
        let truncated = report.truncated.map(|it| (it.path, it.offset, it.lost_bytes));
        let lost = (len - first.len()) as u64;
        let expected = (lost > 0).then_some((path, first.len() as u64, lost));
        assert_eq!(truncated, expected, "cut at {len}");
    }
    let path = write(&home.join("bad.aof"), &[first.as_slice(), b"SET a 3\r\n"].concat());
    let error = refused(&path).to_string();
    assert!(error.contains(&format!("offset {}", first.len())), "{error}");
}

#[test]
fn a_log_in_parts() {
    let home = folder("parts");
    let parts = home.join("appendonlydir");
    write(&parts.join("appendonly.aof.2.base.rdb"), &rdb(b"\xfe\x01\x00\x01a\x01v"));
    write(&parts.join("appendonly.aof.1.incr.aof"), &log(&["SET old 1"]));
    write(&parts.join("appendonly.aof.3.incr.aof"), &log(&["SELECT 1", "APPEND a w"]));
    let last = [log(&["SELECT 1", "APPEND a x"]), b"*2\r\n$3\r\nDE".to_vec()].concat();
    write(&parts.join("appendonly.aof.4.incr.aof"), &last);
    write(&home.join("dump.rdb"), &rdb(b""));
    let manifest = write(
        &parts.join("appendonly.aof.manifest"),
        b"file appendonly.aof.2.base.rdb seq 2 type b\n\
          file appendonly.aof.1.incr.aof seq 1 type h\n\
          file appendonly.aof.3.incr.aof seq 3 type i\n\
          file appendonly.aof.4.incr.aof seq 4 type i\n",
    );
    assert_eq!(found(&home, &Names::default()), manifest);
    for path in [&home, &parts, &manifest] {
        let (server, report) = imported(path);
        assert_eq!(ask(&server, 1, "GET a"), "$3 vwx");
        assert_eq!((report.files.len(), report.commands), (3, 4));
        assert!(report.truncated.is_some());
        assert_eq!(ask(&server, 0, "EXISTS old"), ":0");
    }
    // Only the last file may be cut.
    write(&parts.join("appendonly.aof.3.incr.aof"), b"*2\r\n$3\r\nDE");
    assert!(refused(&home).to_string().contains("3.incr.aof: it ends in the middle"));
    fs::remove_file(parts.join("appendonly.aof.3.incr.aof")).expect("it is there");
    assert!(refused(&home).to_string().contains("cannot read"));
    write(&parts.join("other.manifest"), b"");
    assert!(matches!(refused(&parts), ImportError::Several { .. }));
    assert!(matches!(refused(&folder("empty")), ImportError::Nothing { .. }));
    assert!(matches!(find(&folder("empty"), &Names::default()), Ok(None)));
}

#[test]
fn the_setting_says_whether_the_log_counts_or_the_rdb_file() {
    let home = folder("which");
    let by_log = Names::default();
    let by_rdb = Names { log_counts: false, ..Names::default() };
    let old = write(&home.join("appendonly.aof"), &log(&["SET old 1"]));
    for names in [&by_log, &by_rdb] {
        assert_eq!(found(&home, names), old, "there is no other");
    }
    let rdb_file = write(&home.join("dump.rdb"), &rdb(b"\xfe\x00\x00\x03new\x01v"));
    assert_eq!((found(&home, &by_log), found(&home, &by_rdb)), (old.clone(), rdb_file.clone()));
    let parts = home.join("appendonlydir");
    let base = write(&parts.join("appendonly.aof.1.base.rdb"), &rdb(b""));
    let line = b"file appendonly.aof.1.base.rdb seq 1 type b\n";
    let manifest = write(&parts.join("appendonly.aof.manifest"), line);
    assert_eq!(
        (found(&home, &by_log), found(&home, &by_rdb)),
        (manifest.clone(), rdb_file.clone())
    );
    // Who is not read and newer is told of.
    let minutes_ago = |path: &Path, minutes: u64| {
        let file = fs::File::options().write(true).open(path).expect("it is there");
        let then = SystemTime::now() - Duration::from_secs(60 * minutes);
        file.set_modified(then).expect("the time can be set");
    };
    let warning = |names: &Names| {
        let found = find(&home, names).expect("all can be read").expect("there is something");
        found.warning.unwrap_or_default()
    };
    for path in [&old, &base, &manifest] {
        minutes_ago(path, 60);
    }
    minutes_ago(&rdb_file, 30);
    let newer = format!("{} is newer than {} and", rdb_file.display(), manifest.display());
    assert!(warning(&by_log).starts_with(&newer), "{}", warning(&by_log));
    assert_eq!(warning(&by_rdb), "");
    minutes_ago(&base, 10);
    let newer = format!("{} is newer than {} and", manifest.display(), rdb_file.display());
    assert!(warning(&by_rdb).starts_with(&newer), "{}", warning(&by_rdb));
    assert_eq!(warning(&by_log), "");
}

#[test]
fn what_cannot_be_read_is_not_taken_for_nothing() {
    let names = Names::default();
    let wrong = |home: &Path| match find(home, &names) {
        Err(error) => error.to_string(),
        Ok(found) => panic!("{found:?}"),
    };
    let home = folder("dangling");
    symlink("nowhere.rdb", home.join("dump.rdb")).expect("a link can be made");
    assert!(wrong(&home).ends_with("dump.rdb: the link leads nowhere"), "{}", wrong(&home));
    write(&home.join("nowhere.rdb"), &rdb(b""));
    assert_eq!(found(&home, &names), home.join("dump.rdb"));
    // With an AOF in front it is not asked for.
    fs::remove_file(home.join("nowhere.rdb")).expect("it is there");
    write(&home.join("appendonly.aof"), b"");
    assert_eq!(found(&home, &names), home.join("appendonly.aof"));
    let home = folder("dangling-directory");
    symlink("nowhere", home.join("appendonlydir")).expect("a link can be made");
    assert!(wrong(&home).contains("appendonlydir: "), "{}", wrong(&home));
    let home = folder("other-name");
    write(&home.join("appendonlydir/foo.aof.manifest"), b"file foo.aof.1.incr.aof seq 1 type i\n");
    let expected = "foo.aof.manifest is there, but no appendonly.aof.manifest beside it";
    assert!(wrong(&home).ends_with(expected), "{}", wrong(&home));
    let named = Names { log: "foo.aof".into(), ..Names::default() };
    assert_eq!(found(&home, &named), home.join("appendonlydir/foo.aof.manifest"));
    let home = folder("lost-manifest");
    write(&home.join("appendonlydir/appendonly.aof.1.incr.aof"), b"");
    assert!(wrong(&home).contains("but no appendonly.aof.manifest"), "{}", wrong(&home));
    let home = folder("directory");
    fs::create_dir(home.join("dump.rdb")).expect("it can be made");
    assert!(wrong(&home).ends_with("dump.rdb: it is no file"), "{}", wrong(&home));
    // What looks like Redis's, by names that are not asked for, is no more than told of.
    let home = folder("strays");
    for name in ["my.rdb", "old.aof", "temp-17.rdb", "notes.txt", "x/appendonly.aof.manifest"] {
        write(&home.join(name), b"");
    }
    assert!(matches!(find(&home, &names), Ok(None)));
    let expected = ["my.rdb", "old.aof", "x/appendonly.aof.manifest"].map(|name| home.join(name));
    assert_eq!(strays(&home, &names), expected);
}

#[test]
fn what_stands_behind_an_rdb_file_is_not_looked_at() {
    let home = folder("behind");
    let whole = rdb(b"\xfe\x00\x00\x01a\x01v");
    for behind in [&b"\n"[..], &[0; 16], b"*1\r\n$8\r\nFLUSHALL\r\n", b"REDIS"] {
        let path = write(&home.join("dump.rdb"), &[&whole, behind].concat());
        let (server, report) = imported(&path);
        assert_eq!((report.keys, report.commands), (1, 0));
        assert_eq!(ask(&server, 0, "GET a"), "$1 v");
    }
    // By a name that says nothing, an AOF may go on behind it.
    let path = write(&home.join("noname"), &[&whole[..], b"\n"].concat());
    assert_eq!(imported(&path).1.keys, 1);
    let path = write(&home.join("noname"), &[whole.clone(), log(&["DEL a"])].concat());
    assert_eq!(imported(&path).1.held, 0);
    let path = write(&home.join("a.aof"), &[&whole[..], b"\n"].concat());
    assert!(refused(&path).to_string().contains("no request begins here"));
}

/// Redis up to 6.2 logged SCRIPT LOAD and SCRIPT FLUSH, and scripts if it was told to.
#[test]
fn scripts_of_an_old_log_are_run() {
    let set = "return(redis.call('set',KEYS[1],ARGV[1]))";
    let load = format!("SCRIPT LOAD {set}");
    let eval = format!("EVAL {set} 1 b 2");
    let other = "EVAL redis.call('set','other',3) 0";
    let sha = ask(&new_server(), 0, &load).split(' ').next_back().expect("a sum").to_string();
    let by_sha = format!("EVALSHA {sha} 1 a 1");
    let lines = [&load, "PUBLISH c x", &by_sha, "SCRIPT FLUSH", &eval, "PFCOUNT hll", other];
    let path = write(&folder("scripts").join("appendonly.aof"), &log(&lines));
    let (server, report) = imported(&path);
    assert_eq!(report.commands, 7);
    assert_eq!(ask(&server, 0, "MGET a b other"), "*3 $1 1 $1 2 $1 3");
    let path = write(&folder("scripts").join("appendonly.aof"), &log(&["SCRIPT FLUSH", &by_sha]));
    assert!(refused(&path).to_string().contains("NOSCRIPT"));
}

#[test]
fn progress_is_told_in_bytes() {
    let home = folder("progress");
    let base = [rdb(b"\xfe\x00\x00\x01a\x01v"), vec![]].concat();
    let commands = log(&["SET b 1"]).repeat(10_000);
    write(&home.join("x.1.base.rdb"), &base);
    write(&home.join("x.2.incr.aof"), &commands);
    let lines = b"file x.1.base.rdb seq 1 type b\nfile x.2.incr.aof seq 2 type i\n";
    let (server, _) = imported(&write(&home.join("x.manifest"), lines));
    let loading = &server.store.loading;
    let bytes = (base.len() + commands.len()) as u64;
    assert_eq!(loading.bytes_total.load(Ordering::Relaxed), bytes);
    assert_eq!(loading.bytes_loaded.load(Ordering::Relaxed), bytes);
}

#[test]
fn commands_that_cannot_be_run_are_named() {
    let lines =
        ["SET a x", "TS.ADD h f v", "TS.ADD h g v", "INCR a", "CONFIG SET maxmemory 1", "SET b"];
    let path = write(&folder("commands").join("appendonly.aof"), &log(&lines));
    let server = new_server();
    let report = import(&server, &path, &SKIP).expect("they are left out");
    let named: Vec<String> = report.unknown.iter().map(ToString::to_string).collect();
    assert_eq!(named.len(), 4, "{named:?}");
    assert_eq!(named[0], "database 0, h: command TS.ADD");
    assert!(named[1].starts_with("database 0, a: command INCR at offset "), "{named:?}");
    assert!(named[1].ends_with(": ERR value is not an integer or out of range"), "{named:?}");
    assert_eq!(named[2], "database 0, SET: command CONFIG");
    assert!(named[3].contains("wrong number of arguments"), "{named:?}");
    assert!(matches!(refused(&path), ImportError::Unknown(_)));
    let path = write(&folder("select").join("appendonly.aof"), &log(&["SELECT 9"]));
    assert!(matches!(refused(&path), ImportError::Database { .. }));
}

#[test]
fn what_is_exported_comes_back() {
    let home = folder("export");
    for seed in 1..20 {
        let server = new_server();
        let mut generator = Generator::new(seed);
        let mut session = Session::new(None);
        for _ in 0..400 {
            let args = generator.plain_command();
            let args: Vec<&[u8]> = args.iter().map(Vec::as_slice).collect();
            // Forms that other servers do not have are left out of the comparison, in scripts as well.
            let lost = ["XNACK", "XCFGSET", "RESTORE", "IDMP", "DELAY", "TTL", "XREDRIVE"];
            let says =
                |arg: &&[u8], word: &str| arg.windows(word.len()).any(|at| at == word.as_bytes());
            if args.iter().any(|arg| lost.iter().any(|word| says(arg, word))) {
                continue;
            }
            let flow = command::execute(&server, &mut session, &args, &mut Vec::new(), START_MS);
            if let command::Flow::Blocked(blocked) = flow {
                blocked.waiter.cancel();
                server.keyspace.leave(&blocked.waiter);
            }
        }
        let mut file = Vec::new();
        let exported = export(&server, &mut file).expect("a vector takes it");
        assert_eq!((exported.without_idempotency, exported.with_released), (0, 0));
        let path = write(&home.join("dump.rdb"), &file);
        let (copy, report) = imported(&path);
        assert_eq!(report.keys, exported.keys);
        for db in 0..DATABASES {
            assert_eq!(ask(&copy, db, "DBSIZE"), ask(&server, db, "DBSIZE"));
            for key in Generator::KEYS.iter().map(|key| String::from_utf8_lossy(key)) {
                // Not by DUMP: what is loaded takes the form that its size gives it.
                let value = |server: &Arc<Server>| {
                    server.keyspace.run(ShardSet::ALL, db, START_MS, |tx| {
                        tx.peek(key.as_bytes()).map(describe)
                    })
                };
                assert_eq!(value(&copy), value(&server), "seed {seed}");
                let line = format!("PEXPIRETIME {key}");
                assert_eq!(ask(&copy, db, &line), ask(&server, db, &line), "seed {seed}");
            }
        }
    }
}
