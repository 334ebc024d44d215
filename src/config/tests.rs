//! The settings as a whole: files and command lines in, CONFIG GET, SET and REWRITE out.

use std::path::PathBuf;

use super::*;

/// A directory of the test's own, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("forebay-config-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("the temporary directory is writable");
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("the scratch directory is writable");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).expect("the scratch directory is the test's own");
    }
}

fn lines(text: &str) -> Config {
    Config::from_lines(text).unwrap_or_else(|error| panic!("{error}"))
}

fn from_file(path: PathBuf, lines: &str) -> Result<Config, StartError> {
    let lines = lines.as_bytes().to_vec();
    Config::load(&Sources { file: Some(path), from_stdin: false, lines })
}

fn show(config: &Config, name: &str) -> String {
    String::from_utf8(config.get_one(name).expect("a known name")).expect("text")
}

/// Line and message of the error that these lines make.
fn error_of(text: &str) -> (usize, String) {
    match Config::from_lines(text) {
        Err(StartError::Line { number, message, .. }) => (number, message),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("{text:?} was taken"),
    }
}

fn set(config: &Config, pairs: &[(&str, &str)]) -> Result<(), String> {
    let pairs: Vec<(&[u8], &[u8])> =
        pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    config.set(&pairs, false).map_err(|error| error.to_string())
}

#[test]
fn defaults_without_and_with_a_file() {
    let scratch = Scratch::new("defaults");
    let bare = Config::defaults();
    assert_eq!(bare.promise(), Promise::Always);
    assert_eq!(show(&bare, "bind"), "127.0.0.1 -::1");
    assert!(bare.protected_mode.get());
    assert_eq!(bare.maxclients.get(), 10_000);
    assert_eq!(bare.client_output_buffer_limit.of(ClientClass::Subscriber).hard_bytes, 32 << 20);

    let path = scratch.write("empty.conf", "");
    let with_file = from_file(path.clone(), "").expect("an empty file is fine");
    assert_eq!(with_file.promise(), Promise::EverySecond);
    assert_eq!(show(&with_file, "bind"), "127.0.0.1 -::1");
    let fsynced = from_file(path.clone(), "appendonly yes").expect("a good line");
    assert_eq!(fsynced.promise(), Promise::EverySecond);
    let memory_only = from_file(path, "save \"\"").expect("a good line");
    assert_eq!(memory_only.promise(), Promise::MemoryOnly);
}

#[test]
fn the_promise_of_a_command_line() {
    assert_eq!(lines("save \"\"\nappendonly no").promise(), Promise::MemoryOnly);
    assert_eq!(lines("appendonly no").promise(), Promise::EverySecond);
    assert_eq!(lines("save \"\"").promise(), Promise::Always);
    assert_eq!(lines("appendfsync no").promise(), Promise::WhenTheKernelLikes);
}

#[test]
fn units_quotes_and_several_words() {
    let config = lines(
        "# a comment\n\n  MaxMemory 2GB \nproto-max-bulk-len 1100k\nsave 900 1\nsave \"300 10\"\n\
         requirepass \"a b\\x41\"\nbind 127.0.0.1 ::1\nunixsocketperm 700\n\
         client-output-buffer-limit replica 1mb 2kb 3\nclient-output-buffer-limit pubsub 0 0 0\n\
         shutdown-on-sigterm nosave NOW",
    );
    assert_eq!(config.maxmemory.get(), 2 << 30);
    assert_eq!(config.proto_max_bulk_len.get(), 1_100_000);
    assert_eq!(show(&config, "save"), "900 1 300 10");
    assert_eq!(*config.requirepass.get(), b"a bA");
    assert_eq!(config.bind.get().len(), 2);
    assert_eq!(config.unixsocketperm.get(), 0o700);
    assert_eq!(show(&config, "unixsocketperm"), "700");
    assert_eq!(
        show(&config, "client-output-buffer-limit"),
        "normal 0 0 0 slave 1048576 2048 3 pubsub 0 0 0"
    );
    assert_eq!(show(&config, "shutdown-on-sigterm"), "nosave now");
}

#[test]
fn save_points_add_up_until_emptied() {
    assert_eq!(show(&lines("save 1 1\nsave 2 2"), "save"), "1 1 2 2");
    assert_eq!(show(&lines("save 1 1\nsave \"\""), "save"), "");
    assert_eq!(show(&lines("save 1 1\nsave \"\"\nsave 3 3"), "save"), "3 3");
}

/// The sentences are redis-server 8.2.3's; the line numbers count the blank line that stands where a
/// file would.
#[test]
fn errors_in_redis_words() {
    for (text, message) in [
        ("bogus x", "Bad directive or wrong number of arguments"),
        ("port", "wrong number of arguments"),
        ("port 1 2", "wrong number of arguments"),
        ("port x", "argument couldn't be parsed into an integer"),
        ("timeout 010", "argument couldn't be parsed into an integer"),
        ("port 99999", "argument must be between 0 and 65535 inclusive"),
        ("maxclients -1", "argument must be greater or equal to 0"),
        ("maxclients 0", "argument must be between 1 and 4294967295 inclusive"),
        ("maxmemory 1kk", "argument must be a memory value"),
        ("maxmemory -1", "argument must be a memory value"),
        ("maxmemory-clients -1", "argument must be a memory or percent value"),
        ("maxmemory-clients 101%", "percentage argument must be less or equal to 100"),
        ("appendonly maybe", "argument must be 'yes' or 'no'"),
        (
            "loglevel foo",
            "argument(s) must be one of the following: debug, verbose, notice, warning, nothing",
        ),
        ("unixsocketperm 888", "argument couldn't be parsed as an octal number"),
        ("unixsocketperm 1777", "argument must be between 0 and 777 inclusive"),
        ("save a b", "Invalid save parameters"),
        ("save 1", "Invalid save parameters"),
        ("save 0 1", "Invalid save parameters"),
        ("save \"\" \"\"", "Invalid save parameters"),
        (
            "client-output-buffer-limit normal 1 2",
            "Wrong number of arguments in buffer limit configuration.",
        ),
        (
            "client-output-buffer-limit normal 1 2 x",
            "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
        ),
        (
            "client-output-buffer-limit master 1 2 3",
            "Invalid client class specified in buffer limit configuration.",
        ),
        ("dbfilename a/b", "dbfilename can't be a path, just a filename"),
        ("appenddirname \"\"", "appenddirname can't be empty"),
        ("oom-score-adj-values 1 2", "wrong number of arguments"),
        ("replicaof a", "wrong number of arguments"),
        ("replicaof a b", "Invalid master port"),
        ("include", "Bad directive or wrong number of arguments"),
        ("port \"1", "Unbalanced quotes in configuration line"),
        ("port=1", "Bad directive or wrong number of arguments"),
    ] {
        assert_eq!(error_of(text), (2, message.to_string()), "{text}");
    }
    let error = Config::from_lines("hz 5\nport \"x\"").err().expect("x is no port");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        error.to_string(),
        format!(
            "\n*** FATAL CONFIG FILE ERROR (Forebay {version}) ***\nReading the configuration file, \
             at line 3\n>>> 'port \"x\"'\nargument couldn't be parsed into an integer"
        )
    );
}

#[test]
fn what_protects_something_and_is_not_built_stops_the_start() {
    for text in [
        "tls-port 6380",
        "replicaof 10.0.0.1 6379",
        "slaveof 10.0.0.1 6379",
        "cluster-enabled yes",
        "rename-command FLUSHALL \"\"",
        "loadmodule x.so",
        "maxmemory-policy allkeys-lru",
        "min-replicas-to-write 1",
        "maxmemory-clients 5%",
        "sentinel monitor a b 1 2",
    ] {
        let (line, message) = error_of(text);
        assert_eq!(line, 2, "{text}");
        assert!(message.contains(':'), "{text} says what to do instead, not {message:?}");
    }
}

#[test]
fn the_value_that_switches_it_off_is_fine() {
    let config = lines(
        "tls-port 0\nreplicaof no one\ncluster-enabled no\n\
         maxmemory-policy NoEviction\nmin-slaves-to-write 0\nmaxmemory-clients 0",
    );
    assert_eq!(show(&config, "maxmemory-policy"), "noeviction");
    // A later line switches off what an earlier one had on.
    assert_eq!(show(&lines("tls-port 6380\ntls-port 0"), "tls-port"), "0");
    let message = "CONFIG SET failed (possibly related to argument 'maxmemory-policy') - ";
    let error = set(&config, &[("maxmemory-policy", "allkeys-lru")]).expect_err("not built");
    assert!(error.starts_with(message), "{error}");
    assert_eq!(set(&config, &[("maxmemory-policy", "noeviction")]), Ok(()));
}

#[test]
fn what_has_no_effect_is_remembered_and_listed() {
    let config =
        lines("activerehashing no\nlist-max-ziplist-size 5\nport 7000\nlua-replicate-commands yes");
    assert_eq!(config.given_without_effect(), ["list-max-listpack-size", "activerehashing"]);
    assert_eq!(show(&config, "activerehashing"), "no");
    assert_eq!(show(&config, "list-max-listpack-size"), "5");
}

#[test]
fn includes_nest_and_expand() {
    let scratch = Scratch::new("include");
    let directory = scratch.0.display().to_string();
    scratch.write("1.part", "port 7001\ntimeout 5\n");
    scratch.write("2.part", "timeout 6\n");
    let main = scratch.write("main.conf", &format!("include {directory}/*.part\nport 7002\n"));
    let config = from_file(main, "port 7003").expect("all of these are readable");
    assert_eq!((config.port.get(), config.timeout_s.get()), (7003, 6));

    let empty = scratch.write("empty.conf", &format!("include {directory}/*.none\n"));
    assert!(from_file(empty, "").is_ok(), "a pattern may match nothing");
    let missing = scratch.write("missing.conf", &format!("include {directory}/none\n"));
    let error = from_file(missing, "").err().expect("a plain name has to be there").to_string();
    assert_eq!(
        error,
        format!(
            "Fatal error, can't open config file '{directory}/none': No such file or directory"
        )
    );
    let circle = scratch.0.join("circle.conf");
    scratch.write("circle.conf", &format!("include {}\n", circle.display()));
    assert!(matches!(from_file(circle, ""), Err(StartError::Line { number: 1, .. })));
}

#[test]
fn get_takes_names_and_patterns() {
    let config = Config::defaults();
    let get = |patterns: &[&str]| -> Vec<String> {
        let patterns: Vec<&[u8]> = patterns.iter().map(|pattern| pattern.as_bytes()).collect();
        let found = config.get(&patterns);
        found.into_iter().map(|(name, _)| String::from_utf8(name).expect("text")).collect()
    };
    assert_eq!(get(&["MAXMEMORY"]), ["MAXMEMORY"]);
    assert_eq!(get(&["maxmemory", "maxmemory"]), ["maxmemory"]);
    assert_eq!(get(&["slave-p*"]), ["slave-priority"]);
    assert_eq!(
        get(&["replica-priority", "slave-priority"]),
        ["replica-priority", "slave-priority"]
    );
    assert_eq!(get(&["nosuch"]), Vec::<String>::new());
    assert_eq!(get(&["lua-enable-deprecated-api"]), ["lua-enable-deprecated-api"]);
    let all = get(&["*"]);
    assert!(!all.contains(&"lua-enable-deprecated-api".to_string()));
    assert!(all.len() > 205, "Redis 8.2 has 205 names, this has {}", all.len());
}

#[test]
fn set_is_all_or_nothing() {
    let config = Config::defaults();
    assert_eq!(set(&config, &[("maxmemory", "1gb"), ("TIMEOUT", "7")]), Ok(()));
    assert_eq!((config.maxmemory.get(), config.timeout_s.get()), (1 << 30, 7));
    let failed = |name: &str, reason: &str| {
        Err(format!("CONFIG SET failed (possibly related to argument '{name}') - {reason}"))
    };
    let unknown = "Unknown option or number of arguments for CONFIG SET - 'nosuch'";
    for (pairs, expected) in [
        (&[("maxmemory", "5"), ("nosuch", "1")][..], Err(unknown.to_string())),
        (
            &[("maxmemory", "5"), ("timeout", "-1")],
            failed("timeout", "argument must be between 0 and 2147483647 inclusive"),
        ),
        (&[("maxmemory", "5"), ("MAXMEMORY", "6")], failed("MAXMEMORY", "duplicate parameter")),
        (
            &[("slave-priority", "5"), ("replica-priority", "6")],
            failed("replica-priority", "duplicate parameter"),
        ),
        (
            &[("maxmemory", "zz"), ("databases", "2")],
            failed("databases", "can't set immutable config"),
        ),
        (&[("dbfilename", "x")], failed("dbfilename", "can't set protected config")),
        (&[("save", "a")], failed("save", "Invalid save parameters")),
    ] {
        assert_eq!(set(&config, pairs), expected);
        assert_eq!((config.maxmemory.get(), config.timeout_s.get()), (1 << 30, 7));
    }
    assert_eq!(set(&config, &[("save", "")]), Ok(()));
    assert_eq!(
        set(&config, &[("client-output-buffer-limit", "slave 1mb 2 3 normal 1 2 3")]),
        Ok(())
    );
    assert_eq!(config.client_output_buffer_limit.of(ClientClass::Replica).hard_bytes, 1 << 20);
}

#[test]
fn protected_settings_follow_their_switch() {
    let pair: &[(&[u8], &[u8])] = &[(b"dbfilename", b"x.rdb")];
    let local = lines("enable-protected-configs local");
    assert!(local.set(pair, false).is_err());
    assert_eq!(local.set(pair, true), Ok(()));
    assert_eq!(lines("enable-protected-configs yes").set(pair, false), Ok(()));
}

#[test]
fn a_failing_hook_puts_everything_back() {
    let config = lines("maxclients 5");
    config.on_change(
        "maxclients",
        Box::new(|config| match config.maxclients.get() {
            6 => Err("six is too many".into()),
            _ => Ok(()),
        }),
    );
    let refused = set(&config, &[("timeout", "9"), ("maxclients", "6")]);
    let message = "CONFIG SET failed (possibly related to argument 'maxclients') - six is too many";
    assert_eq!(refused, Err(message.to_string()));
    assert_eq!((config.maxclients.get(), config.timeout_s.get()), (5, 0));
    assert_eq!(show(&config, "maxclients"), "5");
    assert_eq!(set(&config, &[("timeout", "9"), ("maxclients", "7")]), Ok(()));
}

/// Who has followed a change that is taken back follows that as well.
#[test]
fn hooks_that_have_run_follow_what_is_put_back() {
    let config = lines("timeout 3");
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let follower = std::sync::Arc::clone(&seen);
    config.on_change(
        "timeout",
        Box::new(move |config| {
            follower.lock().expect("no thread panics").push(config.timeout_s.get());
            Ok(())
        }),
    );
    config.on_change("maxclients", Box::new(|_| Err("never".into())));
    assert!(set(&config, &[("timeout", "9"), ("maxclients", "6")]).is_err());
    assert_eq!(*seen.lock().expect("no thread panics"), [9, 3]);
}

#[test]
fn rewrite_keeps_the_file_and_adds_what_differs() {
    let scratch = Scratch::new("rewrite");
    let path = scratch.write(
        "r.conf",
        "# my file\nport 7104\n\n# about memory\nmaxmemory 100000\nsave 900 1\nsave 300 10\n\
         slave-priority 5\ntimeout 0\n  TimeOut   0\nclient-output-buffer-limit normal 1 2 3\n\
         client-output-buffer-limit slave 5mb 0 0\nrequirepass \"a b\"\nbind 127.0.0.1 -::1\n# \u{e9}nd\n",
    );
    let config = from_file(path.clone(), "hz 20").expect("a good file");
    let pairs = [
        ("maxmemory", "2097152"),
        ("save", "60 1"),
        ("stream-node-max-bytes", "8192"),
        ("client-output-buffer-limit", "pubsub 1gb 2 3"),
        ("proto-max-bulk-len", "1100000"),
        ("loglevel", "debug"),
    ];
    assert_eq!(set(&config, &pairs), Ok(()));
    config.rewrite(&[]).expect("the file is writable");
    let expected = "# my file\nport 7104\n\n# about memory\nmaxmemory 2mb\nsave 60 1\n\
         replica-priority 5\ntimeout 0\nclient-output-buffer-limit normal 1 2 3\n\
         client-output-buffer-limit replica 5mb 0 0\nrequirepass \"a b\"\nbind 127.0.0.1 -::1\n# \u{e9}nd\n\
         # Generated by CONFIG REWRITE\nproto-max-bulk-len 1100000\n\
         client-output-buffer-limit pubsub 1gb 2 3\nloglevel debug\nstream-node-max-bytes 8kb\nhz 20\n";
    assert_eq!(std::fs::read_to_string(&path).expect("just written"), expected);

    // What it wrote is read back to the same settings, and a second rewrite changes nothing.
    let again = from_file(path.clone(), "").expect("what was written is good");
    assert_eq!(again.get(&[b"*"]), config.get(&[b"*"]));
    again.rewrite(&[]).expect("the file is writable");
    assert_eq!(std::fs::read_to_string(&path).expect("just written"), expected);
}

#[test]
fn rewrite_without_a_file_is_refused() {
    let error = Config::defaults().rewrite(&[]).expect_err("there is no file");
    assert_eq!(error.to_string(), "The server is running without a config file");
}

#[test]
fn paths_start_in_the_directory_that_was_given() {
    let given = lines("dir /srv/jobs");
    assert_eq!(given.dir_path(), PathBuf::from("/srv/jobs"));
    assert_eq!(given.resolve(b"a.log"), PathBuf::from("/srv/jobs/a.log"));
    assert_eq!(given.resolve(b"/var/a.log"), PathBuf::from("/var/a.log"));
    let here = std::env::current_dir().expect("tests run somewhere");
    let bare = lines("port 1");
    assert_eq!(bare.dir_path(), here.join("forebay-data"));
    assert_eq!(bare.resolve(b"a.log"), here.join("a.log"));
}

/// The page people read has to name whatever stops a start, and whatever takes effect.
#[test]
fn the_page_names_what_is_refused_and_what_takes_effect() {
    let page = include_str!("../../docs/configuration.md");
    let names = table::SETTINGS
        .iter()
        .filter(|setting| !matches!(setting.kind, Kind::Tuning))
        .map(|setting| setting.name)
        .chain(table::directive_names());
    for name in names {
        assert!(page.contains(&format!("`{name}`")), "docs/configuration.md does not name {name}");
    }
}
