//! A server's lives on one directory: who may use it, orderly ends, kills behind each change of what
//! is promised, and real faults of the file system.

#[path = "support/process.rs"]
mod process;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use process::{Process, Scratch, free_port, run, wait_for};
use redis::{Connection, RedisResult};
use rustix::fs::{CWD, FileType, mknodat};
use rustix::process::{Pid, Resource, Rlimit, Signal, geteuid, getrlimit, prlimit};

/// Small segments; no snapshot but those that are asked for.
const SMALL: &[&str] =
    &["--journal-segment-size", "65536", "--journal-reserve-size", "65536", "--save", ""];

fn start(scratch: &Scratch, arguments: &[&str]) -> Process {
    Process::start(scratch, free_port(), &[SMALL, arguments].concat())
}

fn ask<T: redis::FromRedisValue>(connection: &mut Connection, line: &str) -> RedisResult<T> {
    let mut words = line.split(' ');
    let mut request = redis::cmd(words.next().expect("a command"));
    words.map(|word| if word == "\"\"" { "" } else { word }).for_each(|word| {
        request.arg(word);
    });
    request.query(connection)
}

fn get(connection: &mut Connection, key: &str) -> Option<i64> {
    ask(connection, &format!("GET {key}")).expect("it serves")
}

fn ok(connection: &mut Connection, line: &str) {
    ask::<()>(connection, line).unwrap_or_else(|error| panic!("{line}: {error}"));
}

/// An error reply as it came, without the dash.
fn refusal(connection: &mut Connection, line: &str) -> String {
    let error = ask::<redis::Value>(connection, line).expect_err(line);
    format!("{} {}", error.code().unwrap_or_default(), error.detail().unwrap_or_default())
}

#[test]
fn a_directory_is_one_servers() {
    let scratch = Scratch::new("lock");
    let mut first = start(&scratch, &[]);
    ok(&mut first.connect(), "SET a 1");
    let second = run(&scratch, &["--port", &free_port().to_string()]);
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8_lossy(&second.stdout);
    let holder = format!("the directory is in use by process {}", first.child.id());
    assert!(said.contains(&holder), "{said}");
    // Nor may a repair touch it.
    let repair = run(&scratch, &["check", "forebay-data", "--repair"]);
    let said = String::from_utf8_lossy(&repair.stderr);
    assert!(!repair.status.success() && said.contains(&first.child.id().to_string()), "{said}");
    // It is free again after any end.
    first.kill();
    let mut third = start(&scratch, &[]);
    assert_eq!(get(&mut third.connect(), "a"), Some(1));
    third.signal(Signal::TERM);
    assert!(third.wait_end().success());
    assert_eq!(get(&mut start(&scratch, &[]).connect(), "a"), Some(1));
}

/// Servers that keep nothing share a directory, until one wants to keep something.
#[test]
fn who_keeps_nothing_takes_no_lock() {
    let scratch = Scratch::new("shared");
    let first = start(&scratch, &["--appendonly", "no"]);
    let second = start(&scratch, &["--appendonly", "no"]);
    let (one, two) = (&mut first.connect(), &mut second.connect());
    ok(one, "SET a 1");
    ok(one, "SAVE");
    ok(two, "SET b 1");
    let refused = refusal(two, "SAVE");
    assert!(refused.contains(&first.child.id().to_string()), "{refused}");
    let refused = refusal(two, "CONFIG SET appendonly yes");
    assert!(refused.contains(&first.child.id().to_string()), "{refused}");
    let setting: Vec<String> = ask(two, "CONFIG GET appendonly").expect("it serves");
    assert_eq!(setting[1], "no", "what was refused is not in force");
    assert_eq!(get(two, "b"), Some(1));
}

#[test]
fn an_orderly_end_keeps_what_the_settings_keep() {
    // Settings, how it ends, and whether the key is there afterwards.
    let memory_only = &["--appendonly", "no"][..];
    let kept: &[(&[&str], &str, bool)] = &[
        (&[], "SHUTDOWN", true),
        (&[], "SHUTDOWN NOSAVE", true),
        (&[], "SHUTDOWN SAVE", true),
        (&["--appendfsync", "no"], "SHUTDOWN", true),
        (&["--appendfsync", "everysec"], "SHUTDOWN NOSAVE", true),
        (&["--save", "60 1"], "TERM", true),
        (memory_only, "TERM", false),
        (memory_only, "SHUTDOWN", false),
        (memory_only, "SHUTDOWN NOSAVE", false),
        (memory_only, "SHUTDOWN SAVE", true),
    ];
    for (settings, end, is_kept) in kept {
        let told = format!("{settings:?} {end}");
        let scratch = Scratch::new("end");
        let mut server = start(&scratch, settings);
        ok(&mut server.connect(), "SET a 1");
        if *end == "TERM" {
            server.signal(Signal::TERM);
        } else {
            let gone = ask::<redis::Value>(&mut server.connect(), end).expect_err("it closes");
            assert!(gone.code().is_none(), "{told}: {gone}");
        }
        assert!(server.wait_end().success(), "{told}: {}", scratch.log());
        let server = start(&scratch, settings);
        let found = get(&mut server.connect(), "a");
        assert_eq!(found.is_some(), *is_kept, "{told}: {}", scratch.log());
    }
}

/// Kills the server after each change; what was answered under a promise is there.
#[test]
fn what_is_promised_may_change_while_it_runs() {
    let scratch = Scratch::new("modes");
    let promises = [
        ("CONFIG SET appendonly yes appendfsync always", "always"),
        ("CONFIG SET appendfsync everysec", "everysec"),
        ("CONFIG SET appendfsync no", "no"),
        ("CONFIG SET appendfsync always", "always"),
        ("CONFIG SET appendonly no", "memory-only"),
        ("CONFIG SET save 3600\u{a0}1", "everysec"),
        ("CONFIG SET save \"\"", "memory-only"),
        ("CONFIG SET appendonly yes", "always"),
    ];
    let mut number = 0;
    for last in 0..promises.len() {
        // Each life begins in memory, and goes through the changes up to one of them.
        let directory = scratch.path(&format!("data{last}"));
        fs::create_dir(&directory).expect("the scratch directory is writable");
        let directory = directory.to_str().expect("text").to_string();
        let mut server = start(&scratch, &["--appendonly", "no", "--dir", &directory]);
        let client = &mut server.connect();
        let mut kept = 0;
        for (change, promise) in &promises[..=last] {
            number += 1;
            ok(client, &format!("SET n {number}"));
            let mut request = redis::cmd("CONFIG");
            change.split(' ').skip(1).for_each(|word| {
                request.arg(word.replace('\u{a0}', " ").replace("\"\"", ""));
            });
            request.query::<()>(client).unwrap_or_else(|error| panic!("{change}: {error}"));
            wait_for(change, || server.info("forebay_promise_in_force") == *promise);
            if *promise != "memory-only" {
                number += 1;
                ok(client, &format!("SET n {number}"));
                ok(client, "RPUSH list x");
                kept = number;
            } else {
                // Kept is what there was when it was switched off.
                kept = kept.max(number);
            }
        }
        let length: i64 = ask(client, "LLEN list").expect("it serves");
        server.kill();
        let server = start(&scratch, &["--dir", &directory]);
        let client = &mut server.connect();
        assert_eq!(get(client, "n"), Some(kept), "after {:?}", promises[last]);
        assert_eq!(ask(client, "LLEN list"), Ok(length), "after {:?}", promises[last]);
    }
}

/// Sets how long a file may get that a process writes.
fn limit_files(server: &Process, bytes: Option<u64>) {
    let limit = Rlimit { current: bytes, maximum: None };
    let pid = Pid::from_child(&server.child);
    prlimit(Some(pid), Resource::Fsize, limit).expect("it is our child");
}

/// The log is shorter than that, and the journal longer once [`fill`] has been there.
const LIMIT: u64 = 8192;

fn fill(client: &mut Connection) {
    ok(client, &format!("SET filler {}", "x".repeat(LIMIT as usize)));
}

const UNKNOWN: &str = "MISCONF The outcome of this command";

#[test]
fn under_always_a_write_that_fails_ends_the_process() {
    let scratch = Scratch::new("always");
    let mut server = start(&scratch, &[]);
    let client = &mut server.connect();
    ok(client, "SET a 1");
    fill(client);
    limit_files(&server, Some(LIMIT));
    let told = refusal(client, "SET a 2");
    assert!(told.starts_with(UNKNOWN) && told.contains("File too large"), "{told}");
    assert_eq!(server.wait_end().code(), Some(1));
    let log = scratch.log();
    assert!(log.contains("The journal has failed: cannot write"), "{log}");
    assert!(log.contains("File too large"), "{log}");
    let found = get(&mut start(&scratch, &[]).connect(), "a");
    assert!(found == Some(1) || found == Some(2), "{found:?}");
}

#[test]
fn otherwise_a_write_that_fails_is_healed_without_a_restart() {
    for fsync in ["everysec", "no"] {
        let scratch = Scratch::new("heals");
        let mut server = start(&scratch, &["--appendfsync", fsync]);
        let client = &mut server.connect();
        ok(client, "SET a 1");
        fill(client);
        limit_files(&server, Some(LIMIT));
        let told = refusal(client, "SET a 2");
        assert!(told.starts_with(UNKNOWN), "{told}");
        let client = &mut server.connect();
        let refused = refusal(client, "SET a 3");
        assert_eq!(refused, "MISCONF Errors writing to the AOF file: File too large");
        assert!(get(client, "a") < Some(3), "reads go on");
        assert!(scratch.log().contains("Writes are refused until a snapshot has succeeded"));
        limit_files(&server, None);
        wait_for("service", || ask::<()>(client, "SET a 4").is_ok());
        assert_eq!(server.info("forebay_promise_in_force"), fsync);
        server.kill();
        assert_eq!(get(&mut start(&scratch, &[]).connect(), "a"), Some(4));
    }
}

#[test]
fn a_directory_that_is_removed_is_noticed_and_one_made_anew_taken() {
    for fsync in ["always", "everysec"] {
        let scratch = Scratch::new("removed");
        let mut server = start(&scratch, &["--appendfsync", fsync]);
        let client = &mut server.connect();
        ok(client, "SET a 1");
        ok(client, "RPUSH list x y z");
        fs::remove_dir_all(scratch.dir()).expect("it is there");
        let gone = "MISCONF Errors writing to the AOF file: No such file or directory";
        wait_for("it to be noticed", || {
            // Until then answers are given, which nobody can keep.
            ask::<()>(client, "SET a 2")
                .is_err_and(|error| format!("{error:?}").contains("No such"))
        });
        // Who waited just then was told that nobody knows, and sent away.
        let client = &mut server.connect();
        assert_eq!(refusal(client, "DEL a"), gone);
        assert_eq!(get(client, "a"), Some(2));
        let log = scratch.log();
        assert!(log.contains("The journal has failed: cannot find"), "{log}");
        fs::create_dir(scratch.dir()).expect("the scratch directory is writable");
        wait_for("service", || ask::<()>(client, "SET a 3").is_ok());
        // It is this server's again.
        let second = run(&scratch, &["--port", &free_port().to_string()]);
        let said = String::from_utf8_lossy(&second.stdout);
        assert!(said.contains(&format!("in use by process {}", server.child.id())), "{said}");
        server.kill();
        let server = start(&scratch, &[]);
        assert_eq!(get(&mut server.connect(), "a"), Some(3));
        assert_eq!(ask(&mut server.connect(), "LLEN list"), Ok(3));
    }
}

#[test]
fn a_file_in_the_place_of_the_directory_is_noticed() {
    let scratch = Scratch::new("file");
    let mut server = start(&scratch, &[]);
    let client = &mut server.connect();
    ok(client, "SET a 1");
    fs::remove_dir_all(scratch.dir()).expect("it is there");
    fs::write(scratch.dir(), "no directory").expect("the scratch directory is writable");
    wait_for("it to be noticed", || {
        ask::<()>(client, "SET a 2")
            .is_err_and(|error| format!("{error:?}").contains("Not a directory"))
    });
    let client = &mut server.connect();
    assert_eq!(get(client, "a"), Some(2));
    fs::remove_file(scratch.dir()).expect("it is there");
    fs::create_dir(scratch.dir()).expect("the scratch directory is writable");
    wait_for("service", || ask::<()>(client, "SET a 3").is_ok());
    server.kill();
    assert_eq!(get(&mut start(&scratch, &[]).connect(), "a"), Some(3));
}

/// Without its lock file the directory may be another server's by now.
#[test]
fn a_lock_file_that_is_gone_is_noticed() {
    for fsync in ["always", "everysec"] {
        let scratch = Scratch::new("unlocked");
        let mut server = start(&scratch, &["--appendfsync", fsync]);
        let client = &mut server.connect();
        ok(client, "SET a 1");
        let path = scratch.dir().join("forebay.lock");
        fs::remove_file(&path).expect("it is there");
        // Nobody else has come: the directory is taken again, and a snapshot stands for all.
        wait_for("the directory to be taken again", || path.exists());
        wait_for("service", || ask::<()>(client, "SET a 2").is_ok());
        let second = run(&scratch, &["--port", &free_port().to_string()]);
        let said = String::from_utf8_lossy(&second.stdout);
        assert!(said.contains(&format!("in use by process {}", server.child.id())), "{said}");
        // Somebody else has: nothing is written any more until they go.
        fs::remove_file(&path).expect("it is there");
        let others = fs::File::create(&path).expect("the directory is writable");
        others.try_lock().expect("nobody has a new file");
        wait_for("it to be noticed", || {
            ask::<()>(client, "SET a 3")
                .is_err_and(|error| format!("{error:?}").contains("MISCONF"))
        });
        let client = &mut server.connect();
        let refused = refusal(client, "SET a 4");
        assert!(refused.starts_with("MISCONF Errors writing to the AOF file"), "{refused}");
        wait_for("the log to say so", || scratch.log().contains("the directory is in use by"));
        drop(others);
        wait_for("service", || ask::<()>(client, "SET a 5").is_ok());
        assert_eq!(server.info("forebay_promise_in_force"), fsync);
        server.kill();
        assert_eq!(get(&mut start(&scratch, &[]).connect(), "a"), Some(5));
    }
}

/// Reads the base of a log from where nobody writes, so that the import does not end.
#[test]
fn a_signal_ends_a_start_that_still_imports() {
    for signal in [Signal::TERM, Signal::INT] {
        let scratch = Scratch::new("import");
        let log = scratch.dir().join("appendonlydir");
        fs::create_dir_all(&log).expect("the scratch directory is writable");
        let manifest = "file base.aof seq 1 type b\nfile more.aof seq 1 type i\n";
        fs::write(log.join("appendonly.aof.manifest"), manifest).expect("it is writable");
        let set = |value| format!("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n{value}\r\n");
        fs::write(log.join("base.aof"), set(1)).expect("it is writable");
        let pipe = log.join("more.aof");
        mknodat(CWD, &pipe, FileType::Fifo, 0o600.into(), 0).expect("a pipe can be made");
        let mut server = Process::spawn(&scratch, free_port(), SMALL);
        wait_for("the import to begin", || scratch.log().contains("Listening on"));
        std::thread::sleep(std::time::Duration::from_millis(50));
        let begun = std::time::Instant::now();
        server.signal(signal);
        assert!(server.wait_end().success(), "{}", scratch.log());
        assert!(begun.elapsed().as_secs() < 3, "it takes its time: {:?}", begun.elapsed());
        assert!(!scratch.log().contains("Ready to accept"), "{}", scratch.log());
        fs::remove_file(&pipe).expect("it is there");
        fs::write(&pipe, set(2)).expect("it is writable");
        // Nothing of it was kept: the import begins again.
        let server = start(&scratch, &[]);
        assert_eq!(get(&mut server.connect(), "a"), Some(2));
        assert!(scratch.log().contains("Import: "));
    }
}

/// All that a process may have of threads is in use.
#[test]
fn a_snapshot_without_a_thread_is_refused() {
    let scratch = Scratch::new("threads");
    let directory = scratch.path("theirs");
    fs::create_dir(&directory).expect("the scratch directory is writable");
    let server = start_as_nobody(&scratch, &directory, &[]);
    let client = &mut server.connect();
    ok(client, "SET a 1");
    // By a process of the server's user: not every root may do it.
    let limit = |threads: &str| {
        let mut command = Command::new("prlimit");
        if geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        let pid = server.child.id().to_string();
        command.args(["--pid", &pid, &format!("--nproc={threads}:")]);
        assert!(command.status().expect("util-linux has it").success());
    };
    limit("1");
    for request in ["BGSAVE", "BGREWRITEAOF"] {
        let refused = refusal(client, request);
        assert!(
            refused.starts_with("ERR cannot save: ") && refused.contains("thread"),
            "{refused}"
        );
    }
    assert_eq!(server.info("rdb_last_bgsave_status"), "err");
    limit(&getrlimit(Resource::Nproc).current.map_or("unlimited".into(), |it| it.to_string()));
    ok(client, "BGSAVE");
    wait_for("the snapshot", || server.info("rdb_saves") == "1");
}

/// Connections take all the descriptors they may; the journal and its snapshots have theirs.
#[test]
fn connections_leave_the_journal_its_files() {
    let scratch = Scratch::new("files");
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -n 80; exec \"$0\" \"$@\"", &process::binary()]);
    let mut server = Process::spawn_by(shell, &scratch, free_port(), SMALL);
    server.wait_ready(&scratch);
    let client = &mut server.connect();
    let mut crowd = Vec::new();
    let refused = loop {
        assert!(crowd.len() < 80, "more connections than descriptors");
        let mut one = TcpStream::connect(("127.0.0.1", server.port)).expect("it listens");
        one.write_all(b"PING\r\n").expect("it is let in, for the time being");
        let mut reply = [0; 36];
        let bytes = one.read(&mut reply).unwrap_or(0);
        if &reply[..bytes] != b"+PONG\r\n" {
            break String::from_utf8_lossy(&reply[..bytes]).into_owned();
        }
        crowd.push(one);
    };
    // It may be gone before it has read that.
    let told = "-ERR max number of clients reached";
    assert!(refused.is_empty() || refused.starts_with(told), "{refused}");
    assert!(crowd.len() > 20, "{}", crowd.len());
    // Segments change, and snapshots are written.
    let long = "v".repeat(20_000);
    for number in 1..=20 {
        ok(client, &format!("SET key{number} {long}"));
        if number % 5 == 0 {
            ok(client, "SAVE");
        }
    }
    server.kill();
    let server = start(&scratch, &[]);
    assert_eq!(ask(&mut server.connect(), "DBSIZE"), Ok(20));
}

/// Not even root may write there.
#[test]
fn a_directory_that_cannot_be_written_ends_the_start() {
    let scratch = Scratch::new("proc");
    let port = free_port().to_string();
    let output = run(&scratch, &["--port", &port, "--dir", "/proc"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("cannot use the data in /proc: the lock file cannot be made"), "{said}");
}

const NOBODY: u32 = 65534;

/// Starts a server as somebody who is not root, which may write everywhere.
fn start_as_nobody(scratch: &Scratch, directory: &Path, arguments: &[&str]) -> Process {
    let command = if geteuid().is_root() {
        let copy = scratch.path("forebay");
        // By another process: one that this one has open for writing cannot be run.
        let copied = Command::new("cp").arg(process::binary()).arg(&copy).status();
        assert!(copied.expect("it can be run").success());
        chown(directory, Some(NOBODY), Some(NOBODY)).expect("root may");
        let mut command = Command::new(copy);
        command.uid(NOBODY).gid(NOBODY);
        command
    } else {
        Command::new(process::binary())
    };
    let directory = ["--dir", directory.to_str().expect("text")];
    let arguments = [SMALL, &directory, arguments].concat();
    let mut server = Process::spawn_by(command, scratch, free_port(), &arguments);
    server.wait_ready(scratch);
    server
}

/// What is allocated is used; but no segment can be given its name, and accepted frames need one.
#[test]
fn who_loses_the_right_to_the_directory_loses_nothing_answered() {
    for fsync in ["always", "everysec"] {
        let scratch = Scratch::new("rights");
        let directory = scratch.path("theirs");
        fs::create_dir(&directory).expect("the scratch directory is writable");
        let set_mode = |mode| {
            let permissions = fs::Permissions::from_mode(mode);
            fs::set_permissions(&directory, permissions).expect("it is ours");
        };
        let mut server = start_as_nobody(&scratch, &directory, &["--appendfsync", fsync]);
        let client = &mut server.connect();
        ok(client, "RPUSH list x y z");
        set_mode(0o555);
        assert!(refusal(client, "SAVE").contains("Permission denied"));
        ok(client, "LPOP list");
        let long = "v".repeat(2000);
        let mut taken = 0;
        let told = loop {
            match ask::<()>(client, &format!("SET key{taken} {long}")) {
                Ok(()) => taken += 1,
                Err(error) => break format!("{error:?}"),
            }
            assert!(taken < 1000, "there is no end of room");
        };
        assert!(told.contains("Permission denied"), "{told}");
        if fsync == "always" {
            assert_eq!(server.wait_end().code(), Some(1));
            set_mode(0o755);
        } else {
            let client = &mut server.connect();
            assert_eq!(ask(client, "LLEN list"), Ok(2), "reads go on");
            assert!(refusal(client, "LPOP list").contains("Permission denied"));
            set_mode(0o755);
            wait_for("service", || ask::<()>(client, "LPUSH list y").is_ok());
            ok(client, "LPOP list");
            server.kill();
        }
        let server = start_as_nobody(&scratch, &directory, &[]);
        let client = &mut server.connect();
        assert_eq!(ask(client, "LLEN list"), Ok(2));
        for number in 0..taken {
            assert_eq!(ask(client, &format!("STRLEN key{number}")), Ok(2000), "{fsync}");
        }
    }
}
