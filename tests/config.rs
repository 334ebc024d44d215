//! CONFIG over TCP: the settings while the server runs.

mod support;

use support::TestServer;

// What `maxmemory` is compared with is what this allocator counts.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[test]
fn get_by_name_pattern_and_several() {
    let server = TestServer::start();
    let mut client = server.raw();
    assert_eq!(client.ask("CONFIG GET maxmemory"), "*2 $9 maxmemory $1 0");
    assert_eq!(client.ask("config get MAXMEMORY"), "*2 $9 MAXMEMORY $1 0");
    assert_eq!(
        client.ask("CONFIG GET timeout slowlog-max* timeout"),
        "*4 $7 timeout $1 0 $15 slowlog-max-len $3 128"
    );
    assert_eq!(client.ask("CONFIG GET nosuch"), "*0");
    assert_eq!(client.ask("CONFIG GET save"), "*2 $4 save $23 3600 1 300 100 60 10000");
    assert_eq!(
        client.ask("CONFIG GET client-output-buffer-limit"),
        "*2 $26 client-output-buffer-limit $67 normal 0 0 0 slave 268435456 67108864 60 pubsub \
         33554432 8388608 60"
    );
    client.ask("HELLO 3");
    assert_eq!(client.ask("CONFIG GET maxmemory"), "%1 $9 maxmemory $1 0");
    assert_eq!(client.ask("CONFIG GET nosuch"), "%0");
}

#[test]
fn every_setting_of_redis_is_shown() {
    let server = TestServer::start();
    let all: redis::Value = redis::cmd("CONFIG")
        .arg("GET")
        .arg("*")
        .query(&mut server.connect())
        .expect("CONFIG GET answers");
    let shown: std::collections::HashMap<String, String> =
        redis::from_redis_value(all).expect("names and values");
    for line in include_str!("facts/settings.txt").lines() {
        let (name, default) = line.split_once('\t').expect("a name, a tab, a default");
        let value = shown.get(name).unwrap_or_else(|| panic!("{name} is not shown"));
        // These differ on purpose: docs/configuration.md.
        if !["appendonly", "appendfsync", "bind", "dir", "port"].contains(&name) {
            assert_eq!(value, default, "{name}");
        }
    }
    assert_eq!(shown["appendonly"], "yes");
    assert_eq!(shown["appendfsync"], "always");
    assert_eq!(shown["bind"], "127.0.0.1 -::1");
}

#[test]
fn set_changes_all_or_nothing() {
    let server = TestServer::start();
    let mut client = server.raw();
    assert_eq!(client.ask("CONFIG SET maxmemory 2mb TIMEOUT 7"), "+OK");
    assert_eq!(
        client.ask("CONFIG GET maxmemory timeout"),
        "*4 $9 maxmemory $7 2097152 $7 timeout $1 7"
    );
    for (request, error) in [
        (
            "CONFIG SET nosuch 1",
            "-ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'",
        ),
        (
            "CONFIG SET maxmemory 1 timeout -1",
            "-ERR CONFIG SET failed (possibly related to argument 'timeout') - argument must be \
             between 0 and 2147483647 inclusive",
        ),
        (
            "CONFIG SET maxmemory 1 MAXMEMORY 2",
            "-ERR CONFIG SET failed (possibly related to argument 'MAXMEMORY') - duplicate parameter",
        ),
        (
            "CONFIG SET databases 4",
            "-ERR CONFIG SET failed (possibly related to argument 'databases') - can't set \
             immutable config",
        ),
        (
            "CONFIG SET dbfilename x",
            "-ERR CONFIG SET failed (possibly related to argument 'dbfilename') - can't set \
             protected config",
        ),
        ("CONFIG SET maxmemory 1 timeout", "-ERR syntax error"),
        ("CONFIG SET maxmemory", "-ERR wrong number of arguments for 'config|set' command"),
        ("CONFIG", "-ERR wrong number of arguments for 'config' command"),
        ("CONFIG NOSUCH", "-ERR unknown subcommand 'NOSUCH'. Try CONFIG HELP."),
    ] {
        assert_eq!(client.ask(request), error, "{request}");
    }
    assert_eq!(client.ask("CONFIG GET maxmemory"), "*2 $9 maxmemory $7 2097152");
}

#[test]
fn what_is_not_built_is_refused_while_running_too() {
    let server = TestServer::start();
    let mut client = server.raw();
    let refused = client.ask("CONFIG SET maxmemory-policy allkeys-lru");
    assert!(refused.contains("'maxmemory-policy') - nothing is ever evicted"), "{refused}");
    assert_eq!(client.ask("CONFIG SET maxmemory-policy noeviction"), "+OK");
}

#[test]
fn a_password_set_while_running_is_asked_of_the_next() {
    let server = TestServer::start();
    let mut first = server.raw();
    assert_eq!(first.ask("CONFIG SET requirepass secret"), "+OK");
    assert_eq!(first.ask("PING"), "+PONG", "who is in stays in");
    let mut next = server.raw();
    assert_eq!(next.ask("CONFIG GET requirepass"), "-NOAUTH Authentication required.");
    assert_eq!(next.ask("AUTH secret"), "+OK");
    assert_eq!(next.ask("CONFIG GET requirepass"), "*2 $11 requirepass $6 secret");
}

#[test]
fn maxmemory_refuses_what_may_grow() {
    let server = TestServer::start();
    let (mut client, mut keeper) = (server.raw(), server.raw());
    let refused = "-OOM command not allowed when used memory > 'maxmemory'.";
    assert_eq!(client.ask("RPUSH list a b"), ":2");
    assert_eq!(keeper.ask("CONFIG SET maxmemory 1"), "+OK");
    assert_eq!(client.ask("RPUSH list c"), refused);
    assert_eq!(client.ask("LRANGE list 0 -1"), "*2 $1 a $1 b");
    assert_eq!(client.ask("LPOP list"), "$1 a");
    assert_eq!(client.ask("MULTI"), "+OK");
    assert_eq!(client.ask("SET k v"), refused);
    let aborted = "-EXECABORT Transaction discarded because of";
    assert_eq!(client.ask("EXEC"), format!("{aborted} previous errors."));
    // Room when it was queued, none when it is run.
    assert_eq!(keeper.ask("CONFIG SET maxmemory 0"), "+OK");
    assert_eq!(client.ask("MULTI"), "+OK");
    assert_eq!(client.ask("SET k v"), "+QUEUED");
    assert_eq!(keeper.ask("CONFIG SET maxmemory 1"), "+OK");
    assert_eq!(client.ask("EXEC"), format!("{aborted}: {}", &refused[1..]));
    assert_eq!(client.ask("EXISTS k"), ":0");
    assert_eq!(client.ask("EXEC"), "-ERR EXEC without MULTI");
    assert_eq!(keeper.ask("CONFIG SET maxmemory 0"), "+OK");
    assert_eq!(client.ask("RPUSH list c"), ":2");
}

#[test]
fn rewrite_needs_a_file() {
    let server = TestServer::start();
    let error = "-ERR The server is running without a config file";
    assert_eq!(server.raw().ask("CONFIG REWRITE"), error);
}

#[test]
fn resetstat_forgets_counts_but_not_the_slow_log() {
    let server = TestServer::configured("slowlog-log-slower-than 0");
    let mut client = server.raw();
    client.ask("GET nokey");
    client.ask("NOSUCH");
    assert_eq!(client.ask("CONFIG RESETSTAT"), "+OK");
    let stats = client.ask("INFO stats commandstats errorstats");
    for field in [
        "total_error_replies:0",
        "keyspace_misses:0",
        "total_connections_received:0",
        "cmdstat_config|resetstat:calls=1,",
    ] {
        assert!(stats.contains(field), "{field} in {stats}");
    }
    assert!(!stats.contains("cmdstat_get") && !stats.contains("errorstat_"), "{stats}");
    assert_ne!(client.ask("SLOWLOG LEN"), ":0");
}

#[test]
fn help_names_every_subcommand() {
    let server = TestServer::start();
    let help = server.raw().ask("CONFIG HELP");
    for name in ["GET", "SET", "RESETSTAT", "REWRITE", "HELP"] {
        assert!(help.contains(&format!("+{name}")), "{name} in {help}");
    }
}
