//! INFO, SLOWLOG, LATENCY, MEMORY, DEBUG, TIME, SHUTDOWN and LOLWUT over TCP.

mod support;

use support::{START_MS, TestServer};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The value of a field of INFO.
fn field(server: &TestServer, section: &str, name: &str) -> String {
    let text = server.raw().ask(&format!("INFO {section}"));
    let start = format!(" {name}:");
    let at = text.find(&start).unwrap_or_else(|| panic!("{name} in {text}")) + start.len();
    let rest = &text[at..];
    rest[..rest.find(' ').unwrap_or(rest.len())].to_string()
}

#[test]
fn info_has_redis_sections_in_redis_order() {
    let server = TestServer::start();
    let titles = |request: &str| -> Vec<String> {
        let text = server.raw().ask(request);
        text.split("# ").skip(1).map(|part| part.split(' ').next().unwrap_or("").into()).collect()
    };
    let default = [
        "Server",
        "Clients",
        "Memory",
        "Persistence",
        "Threads",
        "Stats",
        "Replication",
        "CPU",
        "Modules",
        "Errorstats",
        "Cluster",
        "Keyspace",
    ];
    assert_eq!(titles("INFO"), default);
    assert_eq!(titles("INFO default"), default);
    assert_eq!(titles("INFO keyspace server nosuch"), ["Server", "Keyspace"]);
    assert_eq!(titles("INFO nosuch"), Vec::<String>::new());
    let all = titles("INFO all");
    assert_eq!(all, titles("INFO everything"));
    assert_eq!(all.len(), default.len() + 2);
    let mut client = server.raw();
    client.ask("HELLO 3");
    assert!(client.ask("INFO server").contains(" txt:# Server"), "RESP3 says that it is text");
}

#[test]
fn info_tells_the_truth() {
    let server = TestServer::manual();
    let mut client = server.raw();
    assert_eq!(field(&server, "server", "redis_version"), "8.10.0");
    assert_eq!(field(&server, "server", "forebay_version"), env!("CARGO_PKG_VERSION"));
    assert_eq!(field(&server, "server", "process_id"), std::process::id().to_string());
    assert_eq!(field(&server, "server", "run_id").len(), 40);
    server.advance_ms(90_000_000);
    assert_eq!(field(&server, "server", "uptime_in_seconds"), "90000");
    assert_eq!(field(&server, "server", "uptime_in_days"), "1");
    assert_eq!(field(&server, "persistence", "aof_enabled"), "0");
    assert_eq!(field(&server, "persistence", "forebay_promise_in_force"), "memory-only");
    assert_eq!(field(&server, "replication", "role"), "master");
    assert_eq!(field(&server, "memory", "maxmemory_policy"), "noeviction");

    client.ask("SET k v PX 5000");
    client.ask("RPUSH l a");
    client.ask("SELECT 3");
    client.ask("SET k v");
    let keyspace = client.ask("INFO keyspace");
    assert!(keyspace.contains(" db0:keys=2,expires=1,avg_ttl=5000,subexpiry=0 "), "{keyspace}");
    assert!(keyspace.ends_with(" db3:keys=1,expires=0,avg_ttl=0,subexpiry=0"), "{keyspace}");
    client.ask("GET k");
    client.ask("GET none");
    client.ask("GET none");
    assert_eq!(field(&server, "stats", "keyspace_hits"), "1");
    assert_eq!(field(&server, "stats", "keyspace_misses"), "2");
    server.advance_ms(5000);
    server.wait_until("the key to expire", || field(&server, "stats", "expired_keys") == "1");
}

#[test]
fn info_counts_clients() {
    let server = TestServer::start();
    let (mut one, mut other) = (server.raw(), server.raw());
    one.command("BLPOP none 0");
    other.ask("WATCH a b");
    server.wait_blocked(1);
    let clients = server.raw().ask("INFO clients");
    for expected in [
        " connected_clients:3 ",
        " maxclients:10000 ",
        " blocked_clients:1 ",
        " watching_clients:1 ",
        " total_watched_keys:2 ",
        " total_blocking_keys:1 ",
    ] {
        assert!(clients.contains(expected), "{expected} in {clients}");
    }
}

#[test]
fn used_memory_follows_what_is_kept() {
    let server = TestServer::start();
    let used = || -> u64 { field(&server, "memory", "used_memory").parse().expect("a number") };
    let before = used();
    let big = "x".repeat(8 << 20);
    server.raw().ask(&format!("SET big {big}"));
    let between = used();
    assert!(between >= before + (8 << 20), "{before} to {between}");
    server.raw().ask("DEL big");
    server.wait_until("the memory to be free", || used() < between - (4 << 20));
    let peak: u64 = field(&server, "memory", "used_memory_peak").parse().expect("a number");
    assert!(peak >= between);
}

#[test]
fn commands_are_counted_by_how_they_end() {
    let server = TestServer::start();
    let mut client = server.raw();
    client.ask("SET k v");
    client.ask("GET k");
    client.ask("LPUSH k x");
    client.ask("GET");
    client.ask("NOSUCH");
    client.ask("MULTI");
    client.ask("GET k");
    client.ask("EXEC");
    let stats = client.ask("INFO commandstats errorstats latencystats");
    for (name, calls, rejected, failed) in [
        ("get", 2, 1, 0),
        ("set", 1, 0, 0),
        ("lpush", 1, 0, 1),
        ("exec", 1, 0, 0),
        ("multi", 1, 0, 0),
    ] {
        let line = stats.split(' ').find(|line| line.starts_with(&format!("cmdstat_{name}:")));
        let line = line.unwrap_or_else(|| panic!("{name} in {stats}"));
        assert!(line.starts_with(&format!("cmdstat_{name}:calls={calls},usec=")), "{line}");
        let end = format!(",rejected_calls={rejected},failed_calls={failed}");
        assert!(line.ends_with(&end), "{line}");
    }
    assert!(stats.contains(" errorstat_ERR:count=2 "), "{stats}");
    assert!(stats.contains(" errorstat_WRONGTYPE:count=1 "), "{stats}");
    assert!(stats.contains(" latency_percentiles_usec_get:p50="), "{stats}");
    assert_eq!(field(&server, "stats", "total_error_replies"), "3");
}

#[test]
fn a_blocked_command_counts_when_it_is_served() {
    let server = TestServer::start();
    let mut waiting = server.raw();
    waiting.command("BLPOP q 0");
    server.wait_blocked(1);
    let mut client = server.raw();
    assert!(!client.ask("INFO commandstats").contains("cmdstat_blpop"));
    client.ask("RPUSH q x");
    assert_eq!(waiting.reply(), "*2 $1 q $1 x");
    assert!(client.ask("INFO commandstats").contains("cmdstat_blpop:calls=1,"));
}

#[test]
fn slowlog_keeps_shortened_commands() {
    let server = TestServer::configured("slowlog-log-slower-than 0\nslowlog-max-len 3");
    let mut client = server.raw();
    client.ask("CLIENT SETNAME worker");
    client.ask(&format!("SET key {}", "v".repeat(200)));
    let kept = client.ask("SLOWLOG GET 1");
    assert!(kept.starts_with("*1 *6 :"), "{kept}");
    let shortened = format!("*3 $3 SET $3 key $147 {}... (72 more bytes)", "v".repeat(128));
    assert!(kept.contains(&shortened), "{kept}");
    assert!(kept.ends_with(" $6 worker"), "{kept}");
    client.ask(&format!("DEL{}", " k".repeat(40)));
    assert!(client.ask("SLOWLOG GET 1").contains("*32 $3 DEL $1 k "), "32 are kept");
    assert_eq!(client.ask("SLOWLOG LEN"), ":3");
    assert!(client.ask("SLOWLOG GET -1").starts_with("*3 "));
    let error = "-ERR count should be greater than or equal to -1";
    assert_eq!(client.ask("SLOWLOG GET -2"), error);
    assert_eq!(client.ask("SLOWLOG GET x"), error);
    assert_eq!(client.ask("CONFIG SET slowlog-log-slower-than -1"), "+OK");
    assert_eq!(client.ask("SLOWLOG RESET"), "+OK");
    assert_eq!(client.ask("SLOWLOG LEN"), ":0");
    assert_eq!(client.ask("SLOWLOG GET"), "*0");
}

#[test]
fn slowlog_keeps_no_passwords() {
    let server = TestServer::configured("slowlog-log-slower-than 0");
    let mut client = server.raw();
    client.ask("CONFIG SET requirepass s3cret timeout 5");
    client.ask("AUTH s3cret");
    client.ask("AUTH default s3cret");
    client.ask("HELLO 3 AUTH default s3cret SETNAME me");
    let kept = client.ask("SLOWLOG GET -1");
    assert!(kept.contains("(redacted)") && !kept.contains("s3cret"), "{kept}");
    assert!(kept.contains("timeout $1 5"), "the rest is kept: {kept}");
    assert!(kept.contains("SETNAME $2 me"), "the rest is kept: {kept}");
}

#[test]
fn latency_monitor_notes_what_takes_long() {
    let server = TestServer::configured("enable-debug-command yes\nlatency-monitor-threshold 5");
    let mut client = server.raw();
    assert_eq!(client.ask("LATENCY LATEST"), "*0");
    assert_eq!(client.ask("LATENCY HISTORY command"), "*0");
    let missing = "-ERR No samples available for event 'command'";
    assert_eq!(client.ask("LATENCY GRAPH command"), missing);
    assert_eq!(client.ask("DEBUG SLEEP 0.01"), "+OK");
    assert!(client.ask("LATENCY LATEST").starts_with("*1 *4 $7 command :"));
    assert!(client.ask("LATENCY HISTORY command").starts_with("*1 *2 :"));
    assert!(client.ask("LATENCY GRAPH command").contains("command - high 1"));
    assert!(client.ask("LATENCY DOCTOR").contains("- command: 1 times"));
    assert_eq!(client.ask("LATENCY RESET nosuch"), ":0");
    assert_eq!(client.ask("LATENCY RESET"), ":1");
    assert_eq!(client.ask("LATENCY LATEST"), "*0");
    assert_eq!(client.ask("CONFIG SET latency-monitor-threshold 0"), "+OK");
    assert!(client.ask("LATENCY DOCTOR").contains("monitor is off"));
    assert_eq!(client.ask("DEBUG SLEEP 0.01"), "+OK");
    assert_eq!(client.ask("LATENCY LATEST"), "*0");
}

#[test]
fn latency_histogram_by_command_and_container() {
    let server = TestServer::start();
    let mut client = server.raw();
    client.ask("SET a b");
    client.ask("SET a b");
    client.ask("CONFIG GET port");
    let shown = client.ask("LATENCY HISTOGRAM set nosuch");
    assert!(shown.starts_with("*2 $3 set *4 $5 calls :2 $14 histogram_usec *"), "{shown}");
    assert!(client.ask("LATENCY HISTOGRAM config").starts_with("*2 $10 config|get "));
    assert_eq!(client.ask("LATENCY HISTOGRAM nosuch"), "*0");
    client.ask("HELLO 3");
    assert!(client.ask("LATENCY HISTOGRAM set").starts_with("%1 $3 set %2 $5 calls :2 "));
    client.ask("CONFIG SET latency-tracking no");
    client.ask("PING");
    assert_eq!(client.ask("LATENCY HISTOGRAM ping"), "%0");
}

#[test]
fn memory_of_keys_and_of_the_process() {
    let server = TestServer::start();
    let mut client = server.raw();
    assert_eq!(client.ask("MEMORY USAGE none"), "$-1");
    client.ask(&format!("RPUSH small {}", "x".repeat(10)));
    for _ in 0..50 {
        client.ask(&format!("RPUSH large {}", "x".repeat(1000)));
    }
    let mut usage = |request: &str| -> u64 {
        let reply = client.ask(request);
        reply.trim_start_matches(':').parse().unwrap_or_else(|_| panic!("{request}: {reply}"))
    };
    let (small, large) = (usage("MEMORY USAGE small"), usage("MEMORY USAGE large"));
    assert!((40..300).contains(&small), "{small}");
    assert!((50_000..70_000).contains(&large), "{large}");
    assert_eq!(usage("MEMORY USAGE large SAMPLES 0"), large);
    assert_eq!(client.ask("MEMORY USAGE large SAMPLES -1"), "-ERR syntax error");
    assert_eq!(client.ask("MEMORY USAGE large SAMPLES"), "-ERR syntax error");
    assert_eq!(client.ask("MEMORY USAGE large NOSUCH 1"), "-ERR syntax error");
    let not_integer = "-ERR value is not an integer or out of range";
    assert_eq!(client.ask("MEMORY USAGE large SAMPLES x"), not_integer);

    let stats = client.ask("MEMORY STATS");
    assert!(stats.contains(" $10 keys.count :2 "), "{stats}");
    assert!(stats.contains(" $4 db.0 *4 "), "{stats}");
    assert!(client.ask("MEMORY MALLOC-STATS").contains("jemalloc statistics"));
    assert_eq!(client.ask("MEMORY PURGE"), "+OK");
    // What it finds depends on the tests that run beside this one.
    assert!(client.ask("MEMORY DOCTOR").ends_with('.'));
    assert_eq!(client.ask("MEMORY NOSUCH"), "-ERR unknown subcommand 'NOSUCH'. Try MEMORY HELP.");
}

#[test]
fn debug_is_closed_unless_opened() {
    // Whoever asks, and whenever: before it is looked at who that is.
    let server = TestServer::configured("user nobody on nopass +multi +exec +auth");
    let mut client = server.raw();
    for step in ["AUTH nobody x", "MULTI"] {
        assert_eq!(client.ask(step), "+OK");
        assert!(client.ask("DEBUG SLEEP 0").starts_with("-ERR DEBUG command not allowed. If"));
        assert!(client.ask("MODULE LOAD x").starts_with("-ERR MODULE command not allowed. If"));
    }
    assert!(client.ask("EXEC").starts_with("-EXECABORT"));
    assert_eq!(server.raw().ask("ACL LOG"), "*0");
    let server = TestServer::configured("enable-debug-command local");
    let mut client = server.raw();
    assert_eq!(client.ask("DEBUG SLEEP 0"), "+OK");
    assert_eq!(client.ask("DEBUG OBJECT k"), "-ERR no such key");
    client.ask("SET k v");
    let object = client.ask("DEBUG OBJECT k");
    assert!(object.starts_with("+Value at:0x") && object.contains(" encoding:embstr "), "{object}");
    assert_eq!(
        client.ask("DEBUG NOSUCH"),
        "-ERR unknown subcommand or wrong number of arguments for 'NOSUCH'. Try DEBUG HELP."
    );
    assert!(client.ask("DEBUG HELP").starts_with("*20 +DEBUG "));
}

#[test]
fn keys_stay_when_nobody_removes_them_and_are_not_seen() {
    let server = TestServer::with(
        "enable-debug-command yes",
        Some(forebay::keyspace::ManualClock::new(START_MS)),
    );
    let mut client = server.raw();
    assert_eq!(client.ask("DEBUG SET-ACTIVE-EXPIRE 0"), "+OK");
    client.ask("SET k v PX 10");
    server.advance_ms(20);
    assert_eq!(client.ask("EXISTS k"), ":0");
    assert_eq!(client.ask("DBSIZE"), ":1", "it is still there");
    assert_eq!(client.ask("DEBUG SET-ACTIVE-EXPIRE 1"), "+OK");
    server.wait_until("the key to be removed", || server.raw().ask("DBSIZE") == ":0");
}

#[test]
fn time_is_the_clocks() {
    let server = TestServer::manual();
    let mut client = server.raw();
    assert_eq!(client.ask("TIME"), "*2 $10 1700000000 $1 0");
    server.advance_ms(1234);
    assert_eq!(client.ask("TIME"), "*2 $10 1700000001 $6 234000");
}

#[test]
fn shutdown_ends_connections_and_refuses_what_it_cannot_do() {
    let server = TestServer::start();
    let mut client = server.raw();
    for request in ["SHUTDOWN NOSUCH", "SHUTDOWN SAVE NOSAVE", "SHUTDOWN ABORT NOW"] {
        assert_eq!(client.ask(request), "-ERR syntax error", "{request}");
    }
    assert_eq!(client.ask("SHUTDOWN ABORT"), "-ERR No shutdown in progress.");
    // There is nowhere to save to, and saying nothing would be taken for having saved.
    assert_eq!(client.ask("SHUTDOWN SAVE"), "-ERR Errors trying to SHUTDOWN. Check logs.");
    let mut other = server.raw();
    other.ask("PING");
    client.command("SHUTDOWN NOSAVE");
    assert!(client.closed(), "no reply, as in Redis");
    assert!(other.closed());
    server.wait_until("nobody to listen any more", || {
        std::net::TcpStream::connect(server.address).is_err()
    });
}

#[test]
fn lolwut_draws() {
    let server = TestServer::start();
    let mut client = server.raw();
    assert!(client.ask("LOLWUT").contains("Forebay ver. "));
    assert!(client.ask("LOLWUT VERSION 5 20").contains("Forebay ver. "));
    let not_integer = "-ERR value is not an integer or out of range";
    assert_eq!(client.ask("LOLWUT VERSION x"), not_integer);
}

#[test]
fn sizes_of_keys_are_told_to_who_asks() {
    let server = TestServer::manual();
    let mut client = server.raw();
    for line in [
        "SET empty \"\"",
        "SETRANGE long 1500 x",
        "SET number 12345",
        "RPUSH l 1 2 3 4 5",
        "SADD s a",
        "ZADD z 1 a 2 b 3 c",
        "HSET h f v g w",
        "HPEXPIRE h 5000 FIELDS 1 f",
        "XADD x * f v",
        "SELECT 3",
        "SET k v",
    ] {
        assert!(!client.ask(line).starts_with('-'), "{line}");
    }
    // As redis-server 8.2.3 tells it.
    let sizes = client.ask("INFO keysizes");
    let lines = "db0_distrib_strings_sizes:0=1,4=1,1K=1 db0_distrib_lists_items:4=1 \
                 db0_distrib_sets_items:1=1 db0_distrib_zsets_items:2=1 \
                 db0_distrib_hashes_items:2=1 db3_distrib_strings_sizes:1=1";
    assert!(sizes.ends_with(&format!("# Keysizes {lines}")), "{sizes}");
    let keyspace = client.ask("INFO keyspace");
    assert!(keyspace.contains("db0:keys=8,expires=0,avg_ttl=0,subexpiry=1"), "{keyspace}");
    // It looks at every key, so that no other section brings it.
    assert!(!client.ask("INFO everything").contains("distrib"));
}
