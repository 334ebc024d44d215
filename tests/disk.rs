//! A server on a disk that fails: what is refused, what goes on, what clients are told, and that
//! nothing answered is lost.
//!
//! `FOREBAY_DRAIN` (default 20000) is how many entries are drained on a full disk.

mod support;

use std::sync::Arc;
use std::time::Duration;

use forebay::journal::sim::{Fault, SimDisk};
use support::bare::digest;
use support::{Raw, TestServer};

const SEGMENT: u64 = 64 << 10;
const RESERVE: u64 = 256 << 10;

/// The words for the system's error, as a client reads them.
fn refused(why: &str) -> String {
    format!("-MISCONF Errors writing to the AOF file: {why}")
}

const FULL: &str = "No space left on device";
const IO: &str = "Input/output error";

fn settings(fsync: &str) -> String {
    format!(
        "databases 3\nappendfsync {fsync}\njournal-segment-size {SEGMENT}\n\
         journal-reserve-size {RESERVE}\nenable-debug-command yes\n"
    )
}

fn start(disk: &SimDisk, fsync: &str) -> TestServer {
    let server = TestServer::on_disk(&settings(fsync), None, Arc::new(disk.clone()));
    wait_for_room(&server);
    server
}

/// The journal takes room on a thread of its own; a disk that fails before that has no reserve.
fn wait_for_room(server: &TestServer) {
    let journal = server.server.store.journal().expect("opened");
    server.wait_until("the room is made", || journal.status().has_all_room);
}

/// What another start finds on a disk.
fn found(disk: &SimDisk) -> Vec<String> {
    digest(&start(disk, "always").server)
}

/// One field of INFO persistence.
fn field(client: &mut Raw, name: &str) -> String {
    let text = client.ask("INFO persistence");
    let prefix = format!("{name}:");
    let mut words = text.split(' ').filter_map(|word| word.strip_prefix(&prefix));
    words.next().unwrap_or_default().to_string()
}

/// Waits until writes are taken again.
fn wait_for_service(client: &mut Raw) {
    for _ in 0..2000 {
        if client.ask("SET again 1") == "+OK" {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("service does not resume: {}", client.ask("INFO persistence"));
}

/// Adds entries, and when there is no room for more the smallest writes, until those are refused
/// too; how many entries were taken, and the refusal.
fn fill(client: &mut Raw, stream: &str) -> (u64, String) {
    let add = format!("XADD {stream} * f {}", "v".repeat(3000));
    let (taken, _) = until_refused(client, &add);
    (taken, until_refused(client, "INCR filler").1)
}

fn until_refused(client: &mut Raw, request: &str) -> (u64, String) {
    for taken in 0..20_000 {
        let reply = client.ask(request);
        if reply.starts_with('-') {
            return (taken, reply);
        }
    }
    panic!("the disk does not get full");
}

fn ids(reply: &str) -> Vec<&str> {
    let is_id = |word: &&str| {
        word.split_once('-').is_some_and(|(ms, seq)| {
            ms.len() > 10 && (ms.to_string() + seq).bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    reply.split(' ').filter(is_id).collect()
}

#[test]
fn a_full_disk_refuses_what_is_new_before_anything_changes() {
    for fsync in ["always", "everysec", "no"] {
        let disk = SimDisk::new();
        let server = start(&disk, fsync);
        let client = &mut server.raw();
        assert_eq!(client.ask("XGROUP CREATE s g 0 MKSTREAM"), "+OK");
        assert_eq!(client.ask("SET text 5"), "+OK");
        assert_eq!(client.ask("RPUSH list a b c"), ":3");
        disk.fail(Fault::Full);
        let (taken, refusal) = fill(client, "s");
        assert_eq!(refusal, refused(FULL));
        assert!(taken > 5, "what is allocated is used first: {taken}");
        assert_eq!(client.ask("XLEN s"), format!(":{taken}"));
        // Nothing that takes anything in, and nothing of it has happened.
        let before = digest(&server.server);
        for request in [
            "SET text 6",
            "INCR text",
            "APPEND text x",
            "LPUSH list d",
            "LSET list 0 z",
            "XADD t * f v",
        ] {
            assert_eq!(client.ask(request), refused(FULL), "{fsync}: {request}");
        }
        assert_eq!(client.ask("MULTI"), "+OK");
        assert_eq!(client.ask("SET text 7"), refused(FULL));
        let aborted = "-EXECABORT Transaction discarded because of previous errors.";
        assert_eq!(client.ask("EXEC"), aborted);
        assert_eq!(digest(&server.server), before, "{fsync}");
        // Reads go on.
        assert_eq!(client.ask("GET text"), "$1 5");
        assert_eq!(client.ask("LRANGE list 0 -1"), "*3 $1 a $1 b $1 c");
        assert_eq!(field(client, "forebay_journal_room"), "short");
        // What drains passes.
        let delivered = client.ask("XREADGROUP GROUP g c COUNT 2 STREAMS s >");
        let delivered = ids(&delivered);
        assert_eq!(delivered.len(), 2);
        assert_eq!(client.ask(&format!("XACK s g {}", delivered.join(" "))), ":2");
        assert_eq!(client.ask(&format!("XDEL s {}", delivered.join(" "))), ":2");
        assert_eq!(client.ask("LPOP list"), "$1 a");
        assert_eq!(client.ask("DEL text"), ":1");
        let state = digest(&server.server);
        assert_eq!(found(&disk.after_kill()), state, "{fsync}: a kill on the full disk");
        if fsync == "always" {
            assert_eq!(found(&disk.after_power_cut(1)), state, "a power cut on the full disk");
        }
        disk.mend();
        wait_for_service(client);
        assert!(client.ask("XADD s * f v").starts_with('$'));
        assert_eq!(found(&disk.after_kill()), digest(&server.server), "{fsync}: afterwards");
    }
}

/// A script for EVAL, as one word of a request.
fn eval(client: &mut Raw, script: &str) -> String {
    client.ask(&format!("EVAL {} 0", script.replace(' ', "\t")))
}

#[test]
fn a_script_is_refused_on_a_full_disk_before_it_changes_anything() {
    let disk = SimDisk::new();
    let server = start(&disk, "always");
    let client = &mut server.raw();
    let other = &mut server.raw();
    assert_eq!(client.ask("SET text 5"), "+OK");
    assert_eq!(client.ask("RPUSH list a b c"), ":3");
    assert_eq!(client.ask("EVAL #!lua\nreturn\t1 0"), ":1");
    let library = "#!lua name=l\nredis.register_function('write',function()return redis.call('set',\
                   'text','6') end)redis.register_function{function_name='read',callback=function()\
                   return redis.call('get','text') end,flags={'no-writes'}}";
    let load = format!("FUNCTION LOAD {}", library.replace(' ', "\t"));
    assert_eq!(client.ask(&load), "$1 l");
    assert_eq!(other.ask("MULTI"), "+OK");
    assert_eq!(other.ask("EVAL #!lua\nreturn\tredis.call('set','text','6') 0"), "+QUEUED");
    disk.fail(Fault::Full);
    fill(client, "s");
    let before = digest(&server.server);
    let (read, write) = ("return redis.call('get','text')", "redis.call('set','text','6')");
    let caught = "return redis.call('get','text')..redis.pcall('set','text','6').err";
    // One that states nothing is refused what it may not do when it does it.
    let refusal = eval(client, write);
    assert!(refusal.starts_with(&format!("{} script: ", refused(FULL))), "{refusal}");
    assert_eq!(eval(client, read), "$1 5");
    assert_eq!(eval(client, caught), format!("$64 5{}", &refused(FULL)[1..]));
    // One that may write by what it states is refused as a whole, and not even queued.
    for flags in ["", " flags=allow-oom", " flags=allow-stale"] {
        assert_eq!(eval(client, &format!("#!lua{flags}\n{read}")), refused(FULL), "{flags}");
    }
    assert_eq!(client.ask("EVAL_RO #!lua\nreturn\t1 0"), refused(FULL));
    assert_eq!(client.ask("FCALL write 0"), refused(FULL));
    assert_eq!(client.ask("MULTI"), "+OK");
    assert_eq!(client.ask("EVALSHA 8a2dd3f3e3d3a9ef55f3ab5d63cb20a7b0ba8b42 0"), "+QUEUED");
    assert_eq!(client.ask("EVAL #!lua\nreturn\t1 0"), refused(FULL));
    let aborted = "-EXECABORT Transaction discarded because of previous errors.";
    assert_eq!(client.ask("EXEC"), aborted);
    // It was queued when there was room.
    let discarded = "-EXECABORT Transaction discarded because of: ";
    assert_eq!(other.ask("EXEC"), format!("{discarded}{}", &refused(FULL)[1..]));
    for flags in ["no-writes", "no-writes,allow-oom"] {
        assert_eq!(eval(client, &format!("#!lua flags={flags}\n{read}")), "$1 5");
        let refusal = eval(client, &format!("#!lua flags={flags}\n{write}"));
        assert!(refusal.starts_with("-ERR Write commands are not allowed from read-only"));
    }
    assert_eq!(client.ask("FCALL read 0"), "$1 5");
    assert_eq!(digest(&server.server), before);
    // What drains passes, and who has begun is let finish: half of it would be worse.
    let moved = eval(client, "return redis.call('rpush','other',redis.call('lpop','list'))");
    assert_eq!(moved, ":1");
    assert_eq!(client.ask("LRANGE other 0 -1"), "*1 $1 a");
    let moved = eval(client, "return redis.call('lmove','list','other','left','right')");
    assert!(moved.starts_with(&refused(FULL)), "{moved}");
    assert_eq!(client.ask("LRANGE list 0 -1"), "*2 $1 b $1 c");
    assert_eq!(found(&disk.after_power_cut(1)), digest(&server.server));
    disk.mend();
    wait_for_service(client);
    assert_eq!(eval(client, &format!("#!lua\n{write} {read}")), "$1 6");
    assert_eq!(found(&disk.after_kill()), digest(&server.server));
}

/// As `assert_eq!`, for states that are too long to be read.
fn assert_same(one: &[String], other: &[String], what: &str) {
    let brief = |line: &str| line.chars().take(300).collect::<String>();
    for (one, other) in one.iter().zip(other) {
        let at = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
        let (one, other) = (brief(&one[at..]), brief(&other[at..]));
        assert_eq!(one, other, "{what}: from byte {at} of a line");
    }
    assert_eq!(one.len(), other.len(), "{what}");
}

/// What one step leaves behind may be far longer than its request, and than a segment.
#[test]
fn a_long_step_is_refused_on_a_full_disk_before_it_changes_anything() {
    let long = "x".repeat(400);
    let fill_set = |client: &mut Raw| {
        for from in (0..1500).step_by(100) {
            let members: Vec<String> = (from..from + 100).map(|at| format!("{at}{long}")).collect();
            assert_eq!(client.ask(&format!("SADD s {}", members.join(" "))), ":100");
        }
    };
    let set_all = "for i=1,3000 do redis.call('set','k'..i,string.rep('x',400)) end return 1";
    let set_caught = "for i=1,3000 do local r=redis.pcall('set','k'..i,string.rep('x',400)) \
                      if r.err then return i end end return 'all'";
    let rem_all = "for _,v in ipairs(redis.call('smembers','s')) do \
                   redis.call('srem','s',v) end return 1";
    let eval = |script: &str| format!("EVAL {} 0", script.replace(' ', "\t"));
    for request in [
        "SORT s BY nosort STORE d".to_string(),
        "SPOP s 1400".into(),
        "GEOSEARCHSTORE d places FROMLONLAT 13 38 BYRADIUS 9000 km".into(),
        "XREADGROUP GROUP g other COUNT 20000 CLAIM 0 STREAMS plain >".into(),
        "XAUTOCLAIM plain g other 0 0 COUNT 20000".into(),
        eval(set_all),
        eval(set_caught),
        eval(rem_all),
    ] {
        let disk = SimDisk::new();
        let server = start(&disk, "always");
        let client = &mut server.raw();
        fill_set(client);
        for from in (0..1500).step_by(100) {
            let one = |at| format!("13 38 {at}{long}");
            let places: Vec<String> = (from..from + 100).map(one).collect();
            assert_eq!(client.ask(&format!("GEOADD places {}", places.join(" "))), ":100");
        }
        if request.contains("plain") {
            assert_eq!(client.ask("XGROUP CREATE plain g 0 MKSTREAM"), "+OK");
            let entries = b"*5\r\n$4\r\nXADD\r\n$5\r\nplain\r\n$1\r\n*\r\n$1\r\nf\r\n$1\r\nv\r\n";
            client.send(&entries.repeat(20_000));
            (0..20_000).for_each(|_| assert!(client.reply().starts_with('$')));
            assert!(client.ask("XREADGROUP GROUP g c STREAMS plain >").starts_with('*'));
        }
        wait_for_room(&server);
        // Others fill the disk.
        disk.fail(Fault::Full);
        let before = digest(&server.server);
        let reply = client.ask(&request);
        if request.starts_with("EVAL") {
            // One that catches the refusal tells how far it came.
            let expected = if request.contains("pcall") { ":" } else { &refused(FULL) };
            assert!(reply.starts_with(expected), "{request}: {reply}");
        } else {
            assert_eq!(reply, refused(FULL), "{request}");
            assert_same(&digest(&server.server), &before, &request);
        }
        assert!(server.server.store.failed.failure().is_none(), "{request}");
        assert_eq!(client.ask("SREM s none"), ":0");
        assert_same(&found(&disk.after_power_cut(1)), &digest(&server.server), &request);
        disk.mend();
        wait_for_service(client);
        let reply = client.ask(&request);
        assert!(!reply.starts_with("-MISCONF"), "{request}: {reply}");
        if request.starts_with('X') {
            // The start sees the new consumer later.
            let again = start(&disk.after_power_cut(1), "always");
            let pending = "XPENDING plain g";
            assert_same(&[again.raw().ask(pending)], &[client.ask(pending)], &request);
        } else {
            assert_same(&found(&disk.after_power_cut(1)), &digest(&server.server), &request);
        }
    }
}

/// A frame holds what a step leaves behind, and has a longest length.
#[test]
fn a_step_longer_than_a_frame_is_refused_where_it_passes_that() {
    let disk = SimDisk::new();
    let server = start(&disk, "always");
    let client = &mut server.raw();
    server.server.store.journal().expect("opened").set_step_bytes_max(1 << 20);
    let script = "for i=1,300 do redis.call('set','k'..i,string.rep('x',10000)) end return 1";
    let reply = eval(client, script);
    assert!(reply.starts_with("-ERR the change is too long for the journal"), "{reply}");
    let written: usize = client.ask("DBSIZE")[1..].parse().expect("a number");
    assert!((80..105).contains(&written), "{written}");
    assert_eq!(client.ask("MULTI"), "+OK");
    for _ in 0..2 {
        assert_eq!(client.ask(&format!("SET big {}", "v".repeat(600_000))), "+QUEUED");
    }
    assert!(client.ask("EXEC").starts_with("-EXECABORT"), "as a whole, before it begins");
    assert_eq!(client.ask("EXISTS big"), ":0");
    assert_eq!(found(&disk.after_power_cut(1)), digest(&server.server));
}

/// Drains a stream of one entry after the other, or so many at a time.
fn drain(server: &TestServer, client: &mut Raw, count: u64) -> u64 {
    let mut drained = 0;
    loop {
        let reply = client.ask(&format!("XREADGROUP GROUP g c COUNT {count} STREAMS s >"));
        let delivered = ids(&reply);
        if delivered.is_empty() {
            assert_eq!(reply, "*-1", "after {drained}");
            return drained;
        }
        drained += delivered.len() as u64;
        let (number, delivered) = (delivered.len(), delivered.join(" "));
        let acknowledged = client.ask(&format!("XACK s g {delivered}"));
        assert_eq!(acknowledged, format!(":{number}"), "after {drained}");
        assert_eq!(client.ask(&format!("XDEL s {delivered}")), format!(":{number}"));
        assert!(server.server.store.failed.failure().is_none());
    }
}

/// The reserve's default is for a million; here it is smaller by as much as there are fewer entries.
#[test]
fn what_was_accepted_drains_on_a_full_disk() {
    let entries: u64 = std::env::var("FOREBAY_DRAIN")
        .map_or(20_000, |text| text.parse().expect("a number in the knob"));
    for (batch, entries) in [(1000, entries), (10, entries.min(20_000))] {
        let disk = SimDisk::new();
        let reserve = 256 * entries.min(1_000_000) * (1 << 20) / 1_000_000;
        let lines = format!(
            "databases 3\nappendfsync no\njournal-segment-size 1mb\njournal-reserve-size {reserve}\n"
        );
        let server = TestServer::on_disk(&lines, None, Arc::new(disk.clone()));
        let client = &mut server.raw();
        assert_eq!(client.ask("XGROUP CREATE s g 0 MKSTREAM"), "+OK");
        let request = b"*5\r\n$4\r\nXADD\r\n$1\r\ns\r\n$1\r\n*\r\n$1\r\nf\r\n$1\r\nv\r\n";
        for _ in 0..entries / 1000 {
            client.send(&request.repeat(1000));
            (0..1000).for_each(|_| assert!(client.reply().starts_with('$')));
        }
        wait_for_room(&server);
        disk.fail(Fault::Full);
        let (more, _) = fill(client, "s");
        let before = server.server.store.journal().expect("open").next();
        assert_eq!(drain(&server, client, batch), entries + more);
        let after = server.server.store.journal().expect("open").next();
        println!("{batch} at a time: {} bytes an entry", (after - before) / (entries + more));
        assert_eq!(client.ask("XLEN s"), ":0");
        assert_eq!(found(&disk.after_kill()), digest(&server.server));
    }
}

/// One at a time it takes more than the reserve; but what is drained makes room: a snapshot borrows
/// from the reserve, and what it stands for goes.
#[test]
fn draining_makes_room_on_a_full_disk() {
    let disk = SimDisk::new();
    let lines = "databases 3\nappendfsync always\njournal-segment-size 64kb\n\
                 journal-reserve-size 512kb\nauto-aof-rewrite-min-size 256kb\n";
    let server = TestServer::on_disk(lines, None, Arc::new(disk.clone()));
    let client = &mut server.raw();
    const ENTRIES: u64 = 4000;
    assert_eq!(client.ask("CONFIG SET auto-aof-rewrite-percentage 0"), "+OK");
    assert_eq!(client.ask("XGROUP CREATE s g 0 MKSTREAM"), "+OK");
    let request = b"*5\r\n$4\r\nXADD\r\n$1\r\ns\r\n$1\r\n*\r\n$1\r\nf\r\n$1\r\nv\r\n";
    for _ in 0..ENTRIES / 1000 {
        client.send(&request.repeat(1000));
        (0..1000).for_each(|_| assert!(client.reply().starts_with('$')));
    }
    wait_for_room(&server);
    // Others have filled the disk: what is free by now is what goes from here on.
    let used =
        || disk.names().iter().filter_map(|name| disk.content(name)).map(|it| it.len()).sum();
    let used: usize = used();
    disk.set_room(Some(used as u64));
    let (more, refusal) = fill(client, "s");
    assert_eq!(refusal, refused(FULL));
    assert_eq!(client.ask("CONFIG SET auto-aof-rewrite-percentage 100"), "+OK");
    let before = server.server.store.journal().expect("open").next();
    let mut drained = 0;
    while drained < ENTRIES + more {
        drained += drain_one(client);
    }
    let frames = server.server.store.journal().expect("open").next() - before;
    assert!(frames > 1 << 20, "more than the reserve: {frames}");
    assert_eq!(client.ask("XLEN s"), ":0");
    assert_eq!(found(&disk.after_kill()), digest(&server.server));
    assert_eq!(found(&disk.after_power_cut(1)), digest(&server.server));
}

/// A journal that has grown too little for a snapshot by its size gets one for the room that it frees.
#[test]
fn a_full_disk_that_was_drained_serves_again() {
    for fsync in ["always", "everysec", "no"] {
        let disk = SimDisk::new();
        let server = start(&disk, fsync);
        let client = &mut server.raw();
        assert_eq!(client.ask("XGROUP CREATE s g 0 MKSTREAM"), "+OK");
        disk.set_room(Some(4 << 20));
        let (taken, refusal) = fill(client, "s");
        assert_eq!(refusal, refused(FULL));
        assert!(taken > 500, "{taken}");
        for _ in 0..taken.div_ceil(100) {
            let delivered = client.ask("XREADGROUP GROUP g c COUNT 100 STREAMS s >");
            let ids = ids(&delivered).join(" ");
            client.ask(&format!("XACK s g {ids}"));
            client.ask(&format!("XDEL s {ids}"));
        }
        assert_eq!(client.ask("XLEN s"), ":0");
        wait_for_service(client);
        assert_eq!(found(&disk.after_kill()), digest(&server.server));
    }
}

/// Takes an entry, acknowledges and deletes it, waiting while there is no room at the moment.
fn drain_one(client: &mut Raw) -> u64 {
    let mut patiently = |request: &str| {
        for _ in 0..2000 {
            let reply = client.ask(request);
            if reply != refused(FULL) {
                return reply;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{request}: no room is made");
    };
    let reply = patiently("XREADGROUP GROUP g c COUNT 1 STREAMS s >");
    let delivered = ids(&reply);
    assert_eq!(delivered.len(), 1, "{reply}");
    assert_eq!(patiently(&format!("XACK s g {}", delivered[0])), ":1");
    assert_eq!(patiently(&format!("XDEL s {}", delivered[0])), ":1");
    1
}

const UNKNOWN: &str = "-MISCONF The outcome of this command";

/// Fails at the next operation of its kind; those who wait are told, and the rest is there.
#[test]
fn under_always_a_failure_ends_it_and_nothing_answered_is_lost() {
    for fault in [Fault::WriteError, Fault::SyncError, Fault::ReadOnly] {
        let disk = SimDisk::new();
        let server = start(&disk, "always");
        let (client, waiter, other) = (&mut server.raw(), &mut server.raw(), &mut server.raw());
        assert_eq!(client.ask("SET kept 1"), "+OK");
        assert!(client.ask("XADD s * f v").starts_with('$'));
        waiter.command("BLPOP list 0");
        server.wait_blocked(1);
        let state = digest(&server.server);
        disk.fail(fault);
        // Two in one batch, a push with somebody waiting, and a read of what is in doubt.
        client.send(b"INCR n\r\nRPUSH list a b\r\n");
        let reply = client.reply();
        assert!(reply.starts_with(UNKNOWN), "{fault:?}: {reply}");
        assert!(client.closed(), "{fault:?}");
        // The waiter is told nothing, or that nobody knows; never the element.
        let told = waiter.rest();
        assert!(told.is_empty() || told.starts_with(UNKNOWN), "{fault:?}: {told}");
        let told = other.ask_to_the_end("GET n");
        assert!(told.is_empty() || told.starts_with("-MISCONF"), "{fault:?}: {told}");
        server.wait_until("the end to begin", || server.server.store.failed.failure().is_some());
        drop(server);
        disk.mend();
        // What is in doubt may have come through, whole.
        for (found, how) in [(disk.after_kill(), "kill"), (disk.after_power_cut(3), "power cut")] {
            let again = start(&found, "always");
            let client = &mut again.raw();
            assert_eq!(client.ask("GET kept"), "$1 1", "{fault:?}, {how}");
            assert_eq!(client.ask("XLEN s"), ":1", "{fault:?}, {how}");
            let (number, length) = (client.ask("GET n"), client.ask("LLEN list"));
            let pair = (number.as_str(), length.as_str());
            let steps = [("$-1", ":0"), ("$1 1", ":0"), ("$1 1", ":2"), ("$1 1", ":1")];
            assert!(steps.contains(&pair), "{fault:?}, {how}: {pair:?}; before: {state:?}");
        }
    }
}

/// Refused until a snapshot has stood for everything, which is tried again by itself.
#[test]
fn otherwise_a_failure_refuses_writes_until_a_snapshot_is_whole() {
    for fsync in ["everysec", "no"] {
        for fault in [Fault::WriteError, Fault::ReadOnly] {
            let disk = SimDisk::new();
            let server = start(&disk, fsync);
            let (client, reader, waiter) =
                (&mut server.raw(), &mut server.raw(), &mut server.raw());
            assert_eq!(client.ask("SET kept 1"), "+OK");
            waiter.command("BLPOP list 0");
            server.wait_blocked(1);
            disk.fail(fault);
            client.send(b"INCR n\r\nRPUSH list a b\r\n");
            let told = client.reply();
            assert!(told.starts_with(UNKNOWN), "{fsync}, {fault:?}: {told}");
            assert!(client.closed(), "{fsync}, {fault:?}");
            let told = waiter.rest();
            assert!(told.is_empty() || told.starts_with(UNKNOWN), "{fsync}, {fault:?}: {told}");
            assert!(server.server.store.failed.failure().is_none(), "it goes on");
            let why = if fault == Fault::WriteError { IO } else { "Read-only file system" };
            for request in ["SET kept 2", "DEL kept", "LPOP list", "XADD s * f v"] {
                assert_eq!(reader.ask(request), refused(why), "{fsync}: {request}");
            }
            assert_eq!(reader.ask("GET kept"), "$1 1");
            assert_eq!(field(reader, "aof_last_write_status"), "err");
            assert_eq!(field(reader, "forebay_promise_in_force"), "none");
            // Nothing that was answered is lost meanwhile, and what is in doubt is whole or absent.
            let again = start(&disk.after_kill(), fsync);
            assert_eq!(again.raw().ask("GET kept"), "$1 1");
            disk.mend();
            wait_for_service(reader);
            assert_eq!(field(reader, "aof_last_write_status"), "ok");
            assert_eq!(field(reader, "forebay_promise_in_force"), fsync);
            let state = digest(&server.server);
            assert_eq!(found(&disk.after_kill()), state, "{fsync}, {fault:?}");
            // It was a snapshot, synced: all before it is there after a power cut as well.
            let after = start(&disk.after_power_cut(5), fsync);
            assert_eq!(after.raw().ask("GET n"), server.raw().ask("GET n"), "{fsync}, {fault:?}");
        }
    }
}

/// The sync fails a while after the answers: nobody waits, and what was answered is with the kernel.
#[test]
fn a_failed_sync_behind_the_answers_refuses_writes_and_heals() {
    let disk = SimDisk::new();
    let server = start(&disk, "everysec");
    let client = &mut server.raw();
    disk.fail(Fault::SyncError);
    for number in 1..=20 {
        assert_eq!(client.ask("INCR n"), format!(":{number}"));
    }
    server.wait_until("the sync to fail", || server.raw().ask("SET x 1") == refused(IO));
    assert_eq!(client.ask("GET n"), "$2 20");
    assert_eq!(client.ask("WAITAOF 1 0 50"), "*2 :0 :0");
    assert_eq!(start(&disk.after_kill(), "everysec").raw().ask("GET n"), "$2 20");
    disk.mend();
    wait_for_service(client);
    assert_eq!(client.ask("WAITAOF 1 0 5000"), "*2 :1 :0");
    for seed in 0..10 {
        let again = start(&disk.after_power_cut(seed), "everysec");
        assert_eq!(again.raw().ask("GET n"), "$2 20", "the snapshot stands for it");
    }
}

/// What CONFIG SET answers OK to is in force: at once, or when the disk is well again.
#[test]
fn an_impaired_journal_follows_the_settings() {
    for (words, in_force) in [
        ("appendfsync always", "always"),
        ("appendfsync no", "no"),
        ("save \"\"", "everysec"),
        ("appendonly no", "everysec"),
    ] {
        let disk = SimDisk::new();
        let server = start(&disk, "everysec");
        let client = &mut server.raw();
        assert_eq!(client.ask("SET a 1"), "+OK");
        disk.fail(Fault::WriteError);
        assert!(server.raw().ask("SET a 2").starts_with(UNKNOWN));
        // With save points `appendonly no` keeps the data all the same.
        assert_eq!(client.ask(&format!("CONFIG SET {words}")), "+OK", "{words}");
        assert_eq!(client.ask("SET a 3"), refused(IO), "{words}");
        assert_eq!(field(client, "forebay_promise_asked"), in_force, "{words}");
        assert_eq!(field(client, "forebay_promise_in_force"), "none", "{words}");
        disk.mend();
        wait_for_service(client);
        assert_eq!(field(client, "forebay_promise_in_force"), in_force, "{words}");
        assert_eq!(client.ask("SET a 4"), "+OK");
        assert_eq!(found(&disk.after_kill()), digest(&server.server), "{words}");
        if in_force == "always" {
            assert_eq!(found(&disk.after_power_cut(1)), digest(&server.server));
        }
    }
}

#[test]
fn an_impaired_journal_can_be_left_for_memory_only() {
    for requests in [
        &["CONFIG SET save \"\" appendonly no"][..],
        &["CONFIG SET appendonly no", "CONFIG SET save \"\""],
        &["CONFIG SET save \"\"", "CONFIG SET appendonly no"],
    ] {
        let disk = SimDisk::new();
        let server = start(&disk, "everysec");
        let client = &mut server.raw();
        assert_eq!(client.ask("SET a 1"), "+OK");
        disk.fail(Fault::SyncError);
        server.wait_until("the sync to fail", || server.raw().ask("SET a 2") == refused(IO));
        for request in requests {
            assert_eq!(client.ask(request), "+OK");
        }
        assert_eq!(client.ask("SET a 3"), "+OK", "{requests:?}");
        for (name, value) in [
            ("forebay_promise_asked", "memory-only"),
            ("forebay_promise_in_force", "memory-only"),
            ("aof_enabled", "0"),
            ("aof_last_write_status", "ok"),
        ] {
            assert_eq!(field(client, name), value, "{name}");
        }
        // The one that was tried by itself may not have ended yet.
        assert!(client.ask("SAVE").starts_with("-ERR "));
        assert_eq!(client.ask("SET a 4"), "+OK");
        disk.mend();
        assert_eq!(client.ask("CONFIG SET appendonly yes"), "+OK");
        let in_force = || field(&mut server.raw(), "forebay_promise_in_force");
        server.wait_until("the promise", || in_force() == "everysec");
        assert_eq!(client.ask("SET b 1"), "+OK");
        assert_eq!(found(&disk.after_kill()), digest(&server.server), "{requests:?}");
    }
}

#[test]
fn short_writes_change_nothing() {
    for fsync in ["always", "everysec"] {
        let disk = SimDisk::new();
        let server = start(&disk, fsync);
        let client = &mut server.raw();
        disk.fail(Fault::ShortWrites);
        let long = "v".repeat(30_000);
        for number in 1..=40 {
            assert_eq!(client.ask(&format!("RPUSH list {long}")), format!(":{number}"));
        }
        assert_eq!(client.ask("SAVE"), "+OK");
        assert_eq!(client.ask("INCR n"), ":1");
        assert_eq!(found(&disk.after_kill()), digest(&server.server));
    }
}

/// Files that are open serve on; new segments and snapshots cannot be had.
#[test]
fn without_file_descriptors_what_is_new_is_refused_when_the_room_is_used() {
    const WHY: &str = "Too many open files";
    for fsync in ["always", "everysec"] {
        let disk = SimDisk::new();
        let server = start(&disk, fsync);
        let client = &mut server.raw();
        assert_eq!(client.ask("SET a 1"), "+OK");
        let journal = server.server.store.journal().expect("opened");
        server.wait_until("the room is made", || journal.status().has_all_room);
        disk.fail(Fault::TooManyFiles);
        let refusal = client.ask("SAVE");
        assert!(refusal.starts_with("-ERR cannot save") && refusal.contains(WHY), "{refusal}");
        assert_eq!(field(client, "rdb_last_bgsave_status"), "err");
        assert_eq!(client.ask("SET a 2"), "+OK", "a snapshot that fails harms nothing");
        assert_eq!(fill(client, "s").1, refused(WHY));
        assert_eq!(client.ask("GET a"), "$1 2");
        assert_eq!(client.ask("DEL a"), ":1");
        assert_eq!(found(&disk.after_kill()), digest(&server.server), "{fsync}");
        disk.mend();
        wait_for_service(client);
        assert_eq!(client.ask("SAVE"), "+OK");
        assert_eq!(field(client, "rdb_last_bgsave_status"), "ok");
        assert_eq!(found(&disk.after_kill()), digest(&server.server), "{fsync}");
    }
}

/// Open files take writes and syncs, and no start will find them: so it is looked for.
#[test]
fn a_removed_directory_refuses_writes_until_there_is_one_again() {
    for fsync in ["always", "everysec", "no"] {
        let disk = SimDisk::new();
        let server = start(&disk, fsync);
        let client = &mut server.raw();
        assert_eq!(client.ask("SET a 1"), "+OK");
        disk.fail(Fault::Gone);
        let gone = refused("No such file or directory");
        server.wait_until("it to be seen", || server.raw().ask("SET a 2") == gone);
        // It may be missed first when room is made, a moment before it is looked for.
        let in_force = || field(&mut server.raw(), "forebay_promise_in_force");
        server.wait_until("the promise to be taken back", || in_force() == "none");
        assert!(server.server.store.failed.failure().is_none(), "memory has it all");
        assert!(client.ask("GET a").starts_with("$1 "));
        // Somebody makes it anew: what was there is not.
        disk.names().iter().for_each(|name| disk.take(name));
        disk.mend();
        wait_for_service(client);
        assert_eq!(field(client, "forebay_promise_in_force"), fsync);
        assert_eq!(client.ask("SET b 1"), "+OK");
        assert_eq!(found(&disk.after_kill()), digest(&server.server), "{fsync}");
    }
}

/// A directory put back from a copy: what is open is not what the next start finds.
#[test]
fn a_directory_replaced_by_a_copy_is_noticed() {
    for fsync in ["always", "everysec", "no"] {
        let disk = SimDisk::new();
        let server = start(&disk, fsync);
        let client = &mut server.raw();
        assert_eq!(client.ask("SET a 1"), "+OK");
        for name in disk.names() {
            disk.put(&name, disk.content(&name).expect("it is there"));
        }
        // Until it is noticed answers are given that nobody can keep; then a snapshot keeps them.
        let copied = digest(&server.server);
        assert_eq!(client.ask("SET a 2"), "+OK");
        assert_eq!(found(&disk.after_kill()), copied, "{fsync}");
        server.wait_until("it to be noticed", || field(&mut server.raw(), "rdb_saves") != "0");
        wait_for_service(client);
        assert!(server.server.store.failed.failure().is_none(), "memory has it all");
        assert_eq!(field(client, "forebay_promise_in_force"), fsync);
        assert_eq!(found(&disk.after_kill()), digest(&server.server), "{fsync}");
    }
}

/// Each removal is a frame, and nobody waits for it: they must not use the reserve up and then fail.
#[test]
fn on_a_full_disk_keys_expire_for_readers_and_are_removed_later() {
    let disk = SimDisk::new();
    let server = start(&disk, "always");
    let client = &mut server.raw();
    const KEYS: usize = 6000;
    assert_eq!(client.ask("SET stays 1"), "+OK");
    assert_eq!(client.ask("DEBUG SET-ACTIVE-EXPIRE 0"), "+OK");
    let requests: String = (0..KEYS).map(|at| format!("SET key:{at} v PX 100\r\n")).collect();
    client.send(requests.as_bytes());
    (0..KEYS).for_each(|_| assert_eq!(client.reply(), "+OK"));
    disk.fail(Fault::Full);
    assert_eq!(fill(client, "s").1, refused(FULL));
    assert_eq!(client.ask("DEBUG SET-ACTIVE-EXPIRE 1"), "+OK");
    std::thread::sleep(Duration::from_millis(600));
    assert!(server.server.store.failed.failure().is_none());
    let left: usize = client.ask("DBSIZE")[1..].parse().expect("a number");
    assert!(left > 1000, "the reserve was not for all: {left}");
    assert_eq!(client.ask("GET key:1"), "$-1", "nobody sees them");
    assert_eq!(client.ask("GET stays"), "$1 1");
    let again = start(&disk.after_kill(), "always");
    assert_eq!(again.raw().ask("GET stays"), "$1 1");
    drop(again);
    disk.mend();
    wait_for_service(client);
    // The first INCR may have been refused already: then there is no filler.
    let stay = client.ask("EXISTS stays s filler again");
    server.wait_until("the rest to go", || server.raw().ask("DBSIZE") == stay);
    assert_eq!(found(&disk.after_kill()), digest(&server.server));
}

/// A command that waited changes something only where there is room for it.
#[test]
fn who_is_served_while_writes_are_refused_is_told_so() {
    let disk = SimDisk::new();
    let server = start(&disk, "everysec");
    let (client, waiter) = (&mut server.raw(), &mut server.raw());
    assert_eq!(client.ask("XGROUP CREATE s g 0 MKSTREAM"), "+OK");
    assert!(client.ask("XADD s * f v").starts_with('$'));
    assert!(client.ask("XREADGROUP GROUP g first STREAMS s >").starts_with('*'));
    // Looks again by itself when the entry has been idle for long enough.
    waiter.command("XREADGROUP GROUP g second BLOCK 20000 CLAIM 700 STREAMS s >");
    server.wait_blocked(1);
    disk.fail(Fault::WriteError);
    client.command("SET a 1");
    assert!(client.reply().starts_with(UNKNOWN));
    assert_eq!(waiter.reply(), refused(IO));
    let pending = server.raw().ask("XPENDING s g - + 10");
    assert!(pending.contains("first") && !pending.contains("second"), "{pending}");
}
