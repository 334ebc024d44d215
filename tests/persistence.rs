//! The commands that keep data, and what clients meet meanwhile: SAVE and its kin, WAITAOF, DEBUG
//! RELOAD, loading. The replies are those of redis-server 8.2.3.

mod support;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use forebay::journal::disk::{DirLock, Disk, DiskFile, FileId, LockRefused};
use forebay::journal::sim::{Fault, SimDisk};
use parking_lot::{Condvar, Mutex};
use support::bare::digest;
use support::{Raw, TestServer, check};

/// A disk on which nothing whose name has a given ending can be made or opened while its gate is
/// closed: who tries waits.
struct Gated {
    disk: SimDisk,
    ending: &'static str,
    closed: Mutex<bool>,
    opened: Condvar,
}

impl Gated {
    fn new(disk: SimDisk, ending: &'static str, closed: bool) -> Arc<Gated> {
        Arc::new(Gated { disk, ending, closed: Mutex::new(closed), opened: Condvar::new() })
    }

    fn set_closed(&self, closed: bool) {
        *self.closed.lock() = closed;
        self.opened.notify_all();
    }

    fn pass(&self, name: &str) {
        let mut closed = self.closed.lock();
        while *closed && name.ends_with(self.ending) {
            self.opened.wait(&mut closed);
        }
    }
}

/// Opens the gate when it is dropped, so that a test which fails ends.
struct Opens<'g>(&'g Gated);

impl Drop for Opens<'_> {
    fn drop(&mut self) {
        self.0.set_closed(false);
    }
}

impl Disk for Gated {
    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<Arc<dyn DiskFile>> {
        self.pass(name);
        self.disk.create(name, bytes)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.pass(name);
        self.disk.open(name)
    }

    fn open_write(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.open_write(name)
    }

    fn id(&self, name: &str) -> io::Result<FileId> {
        self.disk.id(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.sync()
    }

    fn lock(&self, name: &str, pid: u32) -> Result<DirLock, LockRefused> {
        self.disk.lock(name, pid)
    }
}

/// Of a snapshot that is being written.
const SNAPSHOT: &str = ".snapshot.partial";
const SETTINGS: &str = "databases 3\njournal-segment-size 64kb\njournal-reserve-size 64kb\n\
                        enable-debug-command yes\n";

fn on(disk: Arc<dyn Disk>, lines: &str) -> TestServer {
    TestServer::on_disk(&format!("{SETTINGS}{lines}"), None, disk)
}

fn info(client: &mut Raw, name: &str) -> String {
    let text = client.ask("INFO persistence");
    let prefix = format!("{name}:");
    let mut words = text.split(' ').filter_map(|word| word.strip_prefix(&prefix));
    words.next().unwrap_or_default().to_string()
}

const SAVE_RUNS: &str = "-ERR Background save already in progress";
const REWRITE_RUNS: &str = "-ERR Background append only file rewriting already in progress";

#[test]
fn arguments_are_refused_in_redis_words() {
    let server = on(Arc::new(SimDisk::new()), "appendonly no\nsave \"\"\n");
    let positive = "-ERR value is out of range, must be positive";
    let local = "-ERR value is out of range, value must between 0 and 1";
    check(
        &mut server.raw(),
        &[
            ("SAVE x", "-ERR wrong number of arguments for 'save' command"),
            ("BGSAVE x", "-ERR syntax error"),
            ("BGSAVE SCHEDULE x", "-ERR syntax error"),
            ("BGREWRITEAOF x", "-ERR wrong number of arguments for 'bgrewriteaof' command"),
            ("LASTSAVE x", "-ERR wrong number of arguments for 'lastsave' command"),
            ("WAITAOF 0 0", "-ERR wrong number of arguments for 'waitaof' command"),
            ("WAITAOF 2 0 0", local),
            ("WAITAOF -1 0 0", local),
            ("WAITAOF a 0 0", "-ERR value is not an integer or out of range"),
            ("WAITAOF a -1 -1", "-ERR value is not an integer or out of range"),
            ("WAITAOF 01 0 0", "-ERR value is not an integer or out of range"),
            ("WAITAOF 2 x x", local),
            ("WAITAOF 0 -1 0", positive),
            ("WAITAOF 1 -1 -1", positive),
            ("WAITAOF 0 x -1", positive),
            ("WAITAOF 0 1.5 0", positive),
            ("WAITAOF 0 9223372036854775808 0", positive),
            ("WAITAOF 0 0 -1", "-ERR timeout is negative"),
            ("WAITAOF 0 0 x", "-ERR timeout is not an integer or out of range"),
            ("WAITAOF 1 0 9223372036854775807", "-ERR timeout is out of range"),
            (
                "WAITAOF 1 0 0",
                "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
            ),
            ("WAITAOF 0 0 0", "*2 :0 :0"),
            ("WAITAOF 0 1 20", "*2 :0 :0"),
            (
                "DEBUG RELOAD x",
                "-ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.",
            ),
            ("SHUTDOWN x", "-ERR syntax error"),
            ("SHUTDOWN SAVE NOSAVE", "-ERR syntax error"),
            ("SHUTDOWN ABORT", "-ERR No shutdown in progress."),
            ("MULTI", "+OK"),
            ("SAVE", "-ERR Command not allowed inside a transaction"),
            ("BGSAVE", "+QUEUED"),
            ("SHUTDOWN", "-ERR Command not allowed inside a transaction"),
            ("EXEC", "-EXECABORT Transaction discarded because of previous errors."),
        ],
    );
}

#[test]
fn one_snapshot_at_a_time() {
    let disk = Gated::new(SimDisk::new(), SNAPSHOT, true);
    let server = on(Arc::clone(&disk) as Arc<dyn Disk>, "");
    let (client, other) = (&mut server.raw(), &mut server.raw());
    let busy = "-ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE \
                SCHEDULE in order to schedule a BGSAVE whenever possible.";
    check(
        client,
        &[
            ("SET a 1", "+OK"),
            ("BGSAVE", "+Background saving started"),
            ("BGSAVE", SAVE_RUNS),
            ("BGSAVE SCHEDULE", SAVE_RUNS),
            ("SAVE", SAVE_RUNS),
            // What comes behind the cut is served, and kept.
            ("SET a 2", "+OK"),
            ("GET a", "$1 2"),
            ("BGREWRITEAOF", "+Background append only file rewriting scheduled"),
        ],
    );
    assert_eq!(info(client, "rdb_bgsave_in_progress"), "1");
    assert_eq!(info(client, "aof_rewrite_scheduled"), "1");
    disk.set_closed(false);
    server.wait_until("both snapshots", || info(&mut server.raw(), "rdb_saves") == "2");
    assert_eq!(info(client, "rdb_bgsave_in_progress"), "0");
    assert_eq!(info(client, "aof_rewrite_scheduled"), "0");
    disk.set_closed(true);
    check(
        client,
        &[
            ("BGREWRITEAOF", "+Background append only file rewriting started"),
            ("BGREWRITEAOF", REWRITE_RUNS),
            ("BGSAVE", busy),
            ("BGSAVE SCHEDULE", "+Background saving scheduled"),
        ],
    );
    assert_eq!(info(client, "aof_rewrite_in_progress"), "1");
    other.command("SAVE");
    assert_eq!(other.reply(), SAVE_RUNS);
    disk.set_closed(false);
    server.wait_until("both snapshots", || info(&mut server.raw(), "rdb_saves") == "4");
    // In a transaction they are taken behind it.
    check(
        client,
        &[
            ("MULTI", "+OK"),
            ("BGSAVE", "+QUEUED"),
            ("SET b 1", "+QUEUED"),
            ("EXEC", "*2 +Background saving scheduled +OK"),
        ],
    );
    server.wait_until("the snapshot", || info(&mut server.raw(), "rdb_saves") == "5");
    let again = on(Arc::new(disk.disk.after_power_cut(1)), "");
    check(&mut again.raw(), &[("GET a", "$1 2"), ("GET b", "$1 1")]);
}

#[test]
fn lastsave_and_info_tell_of_snapshots() {
    let disk = SimDisk::new();
    let server = on(Arc::new(disk.clone()), "");
    let client = &mut server.raw();
    let first = client.ask("LASTSAVE");
    assert_eq!(info(client, "rdb_changes_since_last_save"), "0");
    check(client, &[("SET a 1", "+OK"), ("RPUSH list a b", ":2")]);
    assert_ne!(info(client, "rdb_changes_since_last_save"), "0");
    thread::sleep(Duration::from_millis(1100));
    assert_eq!(client.ask("LASTSAVE"), first);
    assert_eq!(client.ask("SAVE"), "+OK");
    let second = client.ask("LASTSAVE");
    assert!(second[1..].parse::<i64>().ok() > first[1..].parse().ok(), "{first} {second}");
    assert_eq!(format!(":{}", info(client, "rdb_last_save_time")), second);
    assert_eq!(info(client, "rdb_changes_since_last_save"), "0");
    disk.fail(Fault::Full);
    let refusal = client.ask("SAVE");
    assert!(refusal.starts_with("-ERR cannot save: cannot"), "{refusal}");
    assert!(refusal.contains("No space left on device"), "{refusal}");
    assert_eq!(info(client, "rdb_last_bgsave_status"), "err");
    assert_eq!(info(client, "aof_rewrites_consecutive_failures"), "1");
    thread::sleep(Duration::from_millis(1100));
    assert_eq!(client.ask("LASTSAVE"), second, "one that failed does not count");
    disk.mend();
    assert_eq!(client.ask("SAVE"), "+OK");
    assert_eq!(info(client, "rdb_last_bgsave_status"), "ok");
    let third = client.ask("LASTSAVE");
    assert!(third[1..].parse::<i64>().ok() > second[1..].parse().ok(), "{second} {third}");
}

/// What WAITAOF says is on the disk survives a power cut, whatever the mode.
#[test]
fn waitaof_tells_the_truth() {
    for (fsync, at_once) in [("always", true), ("everysec", false), ("no", false)] {
        let disk = SimDisk::new();
        let server = on(Arc::new(disk.clone()), &format!("appendfsync {fsync}\n"));
        let client = &mut server.raw();
        assert_eq!(client.ask("WAITAOF 1 0 0"), "*2 :1 :0", "{fsync}: nothing was written");
        for number in 1..=3 {
            assert_eq!(client.ask("INCR n"), format!(":{number}"));
            let at_deadline = client.ask("WAITAOF 0 1 10");
            assert!(!at_once || at_deadline == "*2 :1 :0", "{at_deadline}");
        }
        if fsync == "no" {
            // Nobody syncs for its sake; a change of mode does.
            assert_eq!(client.ask("WAITAOF 1 0 30"), "*2 :0 :0");
            client.command("WAITAOF 1 0 0");
            assert!(!client.has_reply_within(Duration::from_millis(50)));
            assert_eq!(server.raw().ask("CONFIG SET appendfsync always"), "+OK");
            assert_eq!(client.reply(), "*2 :1 :0");
        } else {
            assert_eq!(client.ask("WAITAOF 1 0 0"), "*2 :1 :0", "{fsync}");
        }
        for seed in 0..5 {
            let again = on(Arc::new(disk.after_power_cut(seed)), "");
            assert_eq!(again.raw().ask("GET n"), "$1 3", "{fsync}");
        }
        // Who waits for replicas, of which there are none, can be unblocked.
        let id = client.ask("CLIENT ID");
        client.command("WAITAOF 0 1 0");
        server.wait_blocked(1);
        assert_eq!(server.raw().ask(&format!("CLIENT UNBLOCK {}", &id[1..])), ":1");
        assert!(client.reply().starts_with("*2 "));
    }
}

/// Whoever waits for what the disk does not have yet is answered when a snapshot stands for it.
#[test]
fn waitaof_outlasts_a_failure_that_heals() {
    let disk = SimDisk::new();
    let server = on(Arc::new(disk.clone()), "appendfsync everysec\n");
    let (before, after) = (&mut server.raw(), &mut server.raw());
    let hasty = &mut server.raw();
    assert_eq!(before.ask("WAITAOF 1 0 0"), "*2 :1 :0");
    disk.fail(Fault::SyncError);
    assert_eq!(before.ask("SET a 1"), "+OK");
    assert_eq!(after.ask("SET b 1"), "+OK");
    assert_eq!(hasty.ask("SET c 1"), "+OK");
    before.command("WAITAOF 1 0 0");
    let in_force = || info(&mut server.raw(), "forebay_promise_in_force");
    server.wait_until("the sync to fail", || in_force() == "none");
    after.command("WAITAOF 1 0 0");
    assert_eq!(hasty.ask("WAITAOF 1 0 20"), "*2 :0 :0");
    assert!(!before.has_reply_within(Duration::from_millis(50)));
    disk.mend();
    assert_eq!(before.reply(), "*2 :1 :0");
    assert_eq!(after.reply(), "*2 :1 :0");
    let again = on(Arc::new(disk.after_power_cut(1)), "");
    check(&mut again.raw(), &[("GET a", "$1 1"), ("GET b", "$1 1"), ("GET c", "$1 1")]);
}

/// Redis tells them so as well.
#[test]
fn who_waits_for_the_disk_is_told_when_nothing_is_kept_any_more() {
    let disk = SimDisk::new();
    let server = on(Arc::new(disk.clone()), "appendfsync everysec\nsave \"\"\n");
    let (client, waiter) = (&mut server.raw(), &mut server.raw());
    disk.fail(Fault::SyncError);
    assert_eq!(waiter.ask("SET a 1"), "+OK");
    waiter.command("WAITAOF 1 0 0");
    let in_force = || info(&mut server.raw(), "forebay_promise_in_force");
    server.wait_until("the sync to fail", || in_force() == "none");
    assert_eq!(client.ask("CONFIG SET appendonly no"), "+OK");
    let told = "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";
    assert_eq!(waiter.reply(), told);
}

/// What waits for a client that has gone ends.
#[test]
fn no_task_outlives_its_client() {
    let server = on(Arc::new(SimDisk::new()), "appendfsync no\n");
    assert_eq!(server.raw().ask("PING"), "+PONG");
    server.wait_until("the client to go", || server.server.clients.is_empty());
    let tasks = server.tasks();
    for request in ["WAITAOF 0 1 0", "WAITAOF 1 0 0", "WAIT 1 0", "BLPOP list 0", "SUBSCRIBE a"] {
        let mut client = server.raw();
        assert_eq!(client.ask("SET a 1"), "+OK");
        client.command(request);
        if request == "SUBSCRIBE a" {
            assert!(client.reply().starts_with("*3 "));
        } else {
            server.wait_blocked(1);
        }
        drop(client);
        server.wait_until(&format!("{request}: the client to go"), || {
            server.server.clients.is_empty()
        });
        server.wait_until(&format!("{request}: its task to end"), || server.tasks() <= tasks);
    }
    // Nor one that another client has let go.
    let mut client = server.raw();
    let id = client.ask("CLIENT ID");
    let with_client = server.tasks();
    client.command("WAITAOF 0 1 0");
    server.wait_blocked(1);
    assert_eq!(server.raw().ask(&format!("CLIENT UNBLOCK {}", &id[1..])), ":1");
    assert!(client.reply().starts_with("*2 "));
    server.wait_until("the task to end", || server.tasks() <= with_client);
}

/// Whatever keeps a snapshot that was scheduled from being written: it is tried again.
#[test]
fn a_scheduled_snapshot_that_fails_is_not_forgotten() {
    let disk = SimDisk::new();
    let server = on(Arc::new(disk.clone()), "");
    let client = &mut server.raw();
    let journal = server.server.store.journal().expect("opened");
    server.wait_until("the room is made", || journal.status().has_all_room);
    disk.fail(Fault::Full);
    check(client, &[("MULTI", "+OK"), ("BGSAVE", "+QUEUED")]);
    assert_eq!(client.ask("EXEC"), "*1 +Background saving scheduled");
    server.wait_until("it to fail", || {
        info(&mut server.raw(), "aof_rewrites_consecutive_failures") == "1"
    });
    server.wait_until("it to be scheduled again", || {
        info(&mut server.raw(), "aof_rewrite_scheduled") == "1"
    });
    disk.mend();
    server.wait_until("the snapshot", || info(&mut server.raw(), "rdb_saves") == "1");
    assert_eq!(info(client, "aof_rewrite_scheduled"), "0");
}

/// By how much the journal may grow is counted from the snapshot that was loaded.
#[test]
fn the_length_of_the_last_snapshot_outlives_a_restart() {
    let disk = SimDisk::new();
    let lines = "auto-aof-rewrite-min-size 4kb\n";
    // One that is taken by itself would be in the way of SAVE.
    let server = on(Arc::new(disk.clone()), "auto-aof-rewrite-percentage 0\n");
    let client = &mut server.raw();
    let long = "v".repeat(20_000);
    check(client, &[(&format!("SET a {long}"), "+OK"), ("SAVE", "+OK")]);
    let base = info(client, "aof_base_size");
    assert!(base.parse::<u64>().expect("a number") > 20_000, "{base}");
    assert_eq!(client.ask(&format!("SET b {}", &long[..10_000])), "+OK");
    let server = on(Arc::new(disk.after_kill()), lines);
    let client = &mut server.raw();
    assert_eq!(info(client, "aof_base_size"), base);
    thread::sleep(Duration::from_millis(300));
    assert_eq!(info(client, "rdb_saves"), "0", "it has not grown by as much");
    assert_eq!(client.ask(&format!("SET c {}", &long[..15_000])), "+OK");
    server.wait_until("the snapshot", || info(&mut server.raw(), "rdb_saves") == "1");
}

#[test]
fn who_comes_while_loading_is_told_so() {
    let disk = SimDisk::new();
    let before = on(Arc::new(disk.clone()), "");
    check(&mut before.raw(), &[("SET a 1", "+OK"), ("SAVE", "+OK"), ("SET b 2", "+OK")]);
    drop(before);
    let disk = Gated::new(disk.after_kill(), ".snapshot", true);
    let server = TestServer::launch(SETTINGS, None, false);
    server.server.begin_loading();
    let loading = "-LOADING Redis is loading the dataset in memory";
    thread::scope(|scope| {
        let _opens = Opens(&disk);
        scope.spawn(|| server.load(Arc::clone(&disk) as Arc<dyn Disk>).expect("it is whole"));
        let client = &mut server.raw();
        for request in [
            "GET a",
            "SET a 3",
            "PING",
            "DBSIZE",
            "XADD s * f v",
            "BLPOP list 0",
            "SAVE",
            "BGSAVE",
            "DEBUG RELOAD",
            "FLUSHALL",
        ] {
            assert_eq!(client.ask(request), loading, "{request}");
        }
        check(
            client,
            &[
                ("MULTI", "+OK"),
                ("SET a 3", loading),
                ("EXEC", "-EXECABORT Transaction discarded because of previous errors."),
                ("CONFIG GET appendonly", "*2 $10 appendonly $3 yes"),
                ("CLIENT SETNAME me", "+OK"),
            ],
        );
        assert_eq!(info(client, "loading"), "1");
        for field in ["loading_start_time", "loading_total_bytes", "loading_eta_seconds"] {
            assert!(info(client, field).parse::<u64>().is_ok(), "{field}");
        }
        assert!(info(client, "loading_loaded_perc").parse::<f64>().is_ok());
        disk.set_closed(false);
        server.wait_until("the end of loading", || server.raw().ask("PING") == "+PONG");
        check(client, &[("GET a", "$1 1"), ("GET b", "$1 2")]);
        assert_eq!(info(client, "loading"), "0");
        assert_eq!(info(client, "loading_total_bytes"), "");
        assert_eq!(info(client, "rdb_last_load_keys_loaded"), "2");
    });
}

/// Under load: whoever is told no `-LOADING` has been heard, and what waits goes on waiting.
#[test]
fn debug_reload_loses_nothing() {
    for lines in ["", "appendfsync everysec\n", "appendonly no\nsave \"\"\n"] {
        let disk = SimDisk::new();
        let server = on(Arc::new(disk.clone()), lines);
        let (client, waiter) = (&mut server.raw(), &mut server.raw());
        assert_eq!(client.ask("XGROUP CREATE s g 0 MKSTREAM"), "+OK");
        waiter.command("BLMOVE from to LEFT LEFT 0");
        server.wait_blocked(1);
        let done = AtomicBool::new(false);
        let counts = thread::scope(|scope| {
            let loads: Vec<_> = (0..3)
                .map(|number| {
                    let (server, done) = (&server, &done);
                    scope.spawn(move || {
                        let (mut client, mut count) = (server.raw(), 0);
                        while !done.load(Ordering::Relaxed) {
                            match client.ask(&format!("RPUSH list:{number} x")).as_bytes() {
                                [b':', length @ ..] => {
                                    count += 1;
                                    let length = std::str::from_utf8(length).expect("text");
                                    assert_eq!(length.parse(), Ok(count));
                                }
                                reply => assert!(reply.starts_with(b"-LOADING"), "{reply:?}"),
                            }
                        }
                        count
                    })
                })
                .collect();
            for number in 0..12 {
                let options = if number % 3 == 0 { " NOSAVE" } else { "" };
                if lines.contains("appendonly no") && !options.is_empty() {
                    // There is nothing but the last snapshot to load then.
                    continue;
                }
                assert_eq!(client.ask(&format!("DEBUG RELOAD{options}")), "+OK", "{lines}");
                assert!(client.ask("XADD s * f v").starts_with('$'));
            }
            done.store(true, Ordering::Relaxed);
            loads.into_iter().map(|load| load.join().expect("no panic")).collect::<Vec<i32>>()
        });
        for (number, count) in counts.iter().enumerate() {
            assert!(*count > 0);
            assert_eq!(client.ask(&format!("LLEN list:{number}")), format!(":{count}"), "{lines}");
        }
        assert_eq!(client.ask("LPUSH from x"), ":1");
        assert_eq!(waiter.reply(), "$1 x");
        assert_eq!(client.ask("LRANGE to 0 -1"), "*1 $1 x");
        if !lines.contains("appendonly no") {
            assert_eq!(digest(&on(Arc::new(disk.after_kill()), "").server), digest(&server.server));
        }
    }
}

/// A transition that is overtaken by the next one ends where the settings say.
#[test]
fn the_settings_of_the_moment_decide_when_a_snapshot_is_whole() {
    let disk = Gated::new(SimDisk::new(), SNAPSHOT, false);
    let server = on(Arc::clone(&disk) as Arc<dyn Disk>, "appendonly no\nsave \"\"\n");
    let client = &mut server.raw();
    check(client, &[("SET a 1", "+OK"), ("SAVE", "+OK")]);
    assert_eq!(info(client, "forebay_promise_in_force"), "memory-only");
    assert_eq!(info(client, "aof_enabled"), "0");
    disk.set_closed(true);
    assert_eq!(client.ask("CONFIG SET appendonly yes"), "+OK");
    // Nothing is promised before it is whole.
    server.wait_until("the snapshot to begin", || {
        info(&mut server.raw(), "forebay_promise_in_force") == "none"
    });
    assert_eq!(client.ask("SET a 2"), "+OK");
    assert_eq!(client.ask("CONFIG SET appendonly no"), "+OK");
    disk.set_closed(false);
    server.wait_until("the snapshot to end", || server.server.store.saves.running().is_none());
    server.wait_until("it to be switched off", || {
        info(&mut server.raw(), "forebay_promise_in_force") == "memory-only"
    });
    assert_eq!(client.ask("CONFIG SET appendonly yes"), "+OK");
    server.wait_until("the promise", || {
        info(&mut server.raw(), "forebay_promise_in_force") == "always"
    });
    check(client, &[("SET b 1", "+OK"), ("GET a", "$1 2")]);
    let again = on(Arc::new(disk.disk.after_power_cut(1)), "");
    check(&mut again.raw(), &[("GET a", "$1 2"), ("GET b", "$1 1")]);
}

/// Memory only, asked for while a snapshot is being written that is to stand for what a failure left
/// in doubt.
#[test]
fn healing_may_be_given_up_for_memory_only() {
    let disk = Gated::new(SimDisk::new(), SNAPSHOT, true);
    let _opens = Opens(&disk);
    let server = on(Arc::clone(&disk) as Arc<dyn Disk>, "appendfsync everysec\n");
    let (client, writer) = (&mut server.raw(), &mut server.raw());
    assert_eq!(client.ask("SET a 1"), "+OK");
    // Fails once: the segment behind the failure can be made.
    disk.disk.fail(Fault::WriteError);
    writer.command("SET a 2");
    assert!(writer.reply().starts_with("-MISCONF"));
    disk.disk.mend();
    server.wait_until("the snapshot to begin", || {
        disk.disk.names().iter().filter(|name| name.ends_with(".journal")).count() == 2
    });
    assert!(client.ask("SET a 3").starts_with("-MISCONF"));
    // The mode may be chosen by now.
    assert_eq!(client.ask("CONFIG SET appendfsync always"), "+OK");
    assert!(client.ask("SET a 3").starts_with("-MISCONF"));
    check(
        client,
        &[("CONFIG SET save \"\" appendonly no", "+OK"), ("SET a 4", "+OK"), ("GET a", "$1 4")],
    );
    disk.set_closed(false);
    server.wait_until("the snapshot to end", || server.server.store.saves.running().is_none());
    server.wait_until("memory only", || {
        info(&mut server.raw(), "forebay_promise_in_force") == "memory-only"
    });
    assert_eq!(info(client, "aof_last_write_status"), "ok");
    check(client, &[("SET a 5", "+OK"), ("CONFIG SET appendonly yes", "+OK")]);
    server.wait_until("the promise", || {
        info(&mut server.raw(), "forebay_promise_in_force") == "always"
    });
    let again = on(Arc::new(disk.disk.after_power_cut(1)), "");
    assert_eq!(again.raw().ask("GET a"), "$1 5");
}

/// A snapshot with which the journal was to be kept again, and that a crash ends: what stands on the
/// disk is what was promised last.
#[test]
fn a_crash_before_the_journal_is_kept_again_leaves_what_was_kept_before() {
    for fsync in ["always", "everysec", "no"] {
        let disk = Gated::new(SimDisk::new(), SNAPSHOT, false);
        let lines = format!("appendonly yes\nappendfsync {fsync}\nsave \"\"\n");
        let server = on(Arc::clone(&disk) as Arc<dyn Disk>, &lines);
        let client = &mut server.raw();
        check(client, &[("SET a 1", "+OK"), ("CONFIG SET appendonly no", "+OK")]);
        check(client, &[("SET a 2", "+OK"), ("SET b 2", "+OK")]);
        disk.set_closed(true);
        assert_eq!(client.ask("CONFIG SET appendonly yes"), "+OK");
        let _opens = Opens(&disk);
        let is_segment = |name: &String| name.ends_with(".journal");
        server.wait_until("the journal to go on in a new segment", || {
            disk.disk.names().iter().filter(|name| is_segment(name)).count() == 2
        });
        assert_eq!(client.ask("SET a 3"), "+OK");
        let cut = (0..20).map(|seed| disk.disk.after_power_cut(seed));
        for crashed in cut.chain([disk.disk.after_kill()]) {
            let again = on(Arc::new(crashed), "");
            check(&mut again.raw(), &[("GET a", "$1 1"), ("GET b", "$-1"), ("SET a 4", "+OK")]);
        }
    }
}

/// As above, where nothing was kept before: what came behind the cut is not put on an empty keyspace.
#[test]
fn a_crash_before_anything_was_kept_leaves_nothing() {
    let disk = Gated::new(SimDisk::new(), SNAPSHOT, true);
    let _opens = Opens(&disk);
    let lines = "appendonly no\nappendfsync everysec\nsave \"\"\n";
    let server = on(Arc::clone(&disk) as Arc<dyn Disk>, lines);
    let client = &mut server.raw();
    check(client, &[("SET a 1", "+OK"), ("CONFIG SET appendonly yes", "+OK")]);
    server.wait_until("the snapshot to begin", || {
        info(&mut server.raw(), "forebay_promise_in_force") == "none"
    });
    check(client, &[("APPEND a 2", ":2"), ("SET b 2", "+OK")]);
    let again = on(Arc::new(disk.disk.after_kill()), "");
    check(&mut again.raw(), &[("GET a", "$-1"), ("GET b", "$-1")]);
}

/// A transaction holds the locks of its keys: nothing in it may want those of all.
#[test]
fn a_transaction_may_begin_to_keep_data() {
    let server = on(Arc::new(SimDisk::new()), "appendonly no\nsave \"\"\n");
    let client = &mut server.raw();
    check(client, &[("MULTI", "+OK"), ("SET a 1", "+QUEUED")]);
    check(client, &[("CONFIG SET appendonly yes", "+QUEUED"), ("SET b 1", "+QUEUED")]);
    assert_eq!(client.ask("EXEC"), "*3 +OK +OK +OK");
    server.wait_until("the promise", || {
        info(&mut server.raw(), "forebay_promise_in_force") == "always"
    });
    check(client, &[("MULTI", "+OK"), ("SET a 2", "+QUEUED")]);
    check(client, &[("CONFIG SET appendonly no", "+QUEUED"), ("SET b 2", "+QUEUED")]);
    assert_eq!(client.ask("EXEC"), "*3 +OK +OK +OK");
    assert_eq!(info(client, "forebay_promise_in_force"), "memory-only");
}
