//! Users: AUTH and HELLO, ACL and its subcommands, and what requests are held to.

mod support;

use std::time::Duration;

use support::{Raw, TestServer};

const WRONG_PASSWORD: &str = "-WRONGPASS invalid username-password pair or user is disabled.";
const NO_AUTH: &str = "-NOAUTH Authentication required.";
const NO_KEY: &str = "-NOPERM No permissions to access a key";
const UNKNOWN_NAME: &str = "Unknown command or category name in ACL";

/// Asks each and compares.
fn expect(client: &mut Raw, exchanges: &[(&str, &str)]) {
    for (request, reply) in exchanges {
        assert_eq!(client.ask(request), *reply, "{request}");
    }
}

/// A connection that has logged in as bob, who was made with these rules.
fn bob(server: &TestServer, rules: &str) -> Raw {
    server.raw().ask_ok(&format!("ACL SETUSER bob reset on >pw {rules}"));
    let mut bob = server.raw();
    bob.ask_ok("AUTH bob pw");
    bob
}

trait AskOk {
    fn ask_ok(&mut self, request: &str);
}

impl AskOk for Raw {
    fn ask_ok(&mut self, request: &str) {
        assert_eq!(self.ask(request), "+OK", "{request}");
    }
}

/// A string as it comes in a reply.
fn bulk(text: &str) -> String {
    if text.is_empty() { "$0".into() } else { format!("${} {text}", text.len()) }
}

fn list(client: &mut Raw, lines: &[&str]) {
    let lines: Vec<String> = lines.iter().map(|line| bulk(line)).collect();
    let reply = format!("*{} {}", lines.len(), lines.join(" "));
    assert_eq!(client.ask("ACL LIST"), reply);
}

const DEFAULT: &str = "user default on nopass sanitize-payload ~* &* +@all";

#[test]
fn users_are_made_told_and_deleted() {
    let server = TestServer::start();
    let mut client = server.raw();
    expect(&mut client, &[("ACL WHOAMI", "$7 default"), ("ACL USERS", "*1 $7 default")]);
    list(&mut client, &[DEFAULT]);
    client.ask_ok("ACL SETUSER bob on >pw ~a* %R~b* &ch* +get +@read (+set ~x) (+del)");
    client.ask_ok("ACL SETUSER alice");
    let hash = "30c952fab122c3f9759f02a6d95c3758b246b4fee239957b2d4fee46e26170c4";
    list(
        &mut client,
        &[
            "user alice off sanitize-payload resetchannels -@all",
            &format!(
                "user bob on sanitize-payload #{hash} ~a* %R~b* resetchannels &ch* -@all +get +@read \
             (~x resetchannels -@all +set) (resetchannels -@all +del)"
            ),
            DEFAULT,
        ],
    );
    let commands = bulk("-@all +get +@read");
    assert_eq!(
        client.ask("ACL GETUSER bob"),
        format!(
            "*12 $5 flags *2 $2 on $16 sanitize-payload $9 passwords *1 $64 {hash} $8 commands \
             {commands} $4 keys $9 ~a* %R~b* $8 channels $4 &ch* $9 selectors *2 *6 $8 commands \
             $10 -@all +set $4 keys $2 ~x $8 channels $0  *6 $8 commands $10 -@all +del $4 keys $0  \
             $8 channels $0"
        )
    );
    client.ask("HELLO 3");
    let alice = client.ask("ACL GETUSER alice");
    assert!(alice.starts_with("%6 $5 flags ~2 $3 off $16 sanitize-payload $9 passwords *0"));
    client.ask("HELLO 2");
    expect(
        &mut client,
        &[
            ("ACL GETUSER nobody", "$-1"),
            ("ACL USERS", "*3 $5 alice $3 bob $7 default"),
            ("ACL DELUSER nobody alice alice", ":1"),
            ("ACL DELUSER bob default", "-ERR The 'default' user cannot be removed"),
            ("ACL DELUSER bob", ":1"),
            ("ACL USERS", "*1 $7 default"),
        ],
    );
}

#[test]
fn a_rule_that_is_none_changes_nothing() {
    let server = TestServer::start();
    let mut client = server.raw();
    for (rules, wrong, why) in [
        ("+get +foo", "+foo", UNKNOWN_NAME),
        ("+@foo", "+@foo", UNKNOWN_NAME),
        ("-select|0", "-select|0", UNKNOWN_NAME),
        ("+config|get|x", "+config|get|x", "Allowing first-arg of a subcommand is not supported"),
        ("+config|", "+config|", "Syntax error"),
        ("on foo", "foo", "Syntax error"),
        ("(+get (~x))", "(+get (~x))", "Syntax error"),
        ("<nope", "<nope", "The password you are trying to remove from the user does not exist"),
        (
            "#nope",
            "#nope",
            "The password hash must be exactly 64 characters and contain only \
            lowercase hexadecimal characters",
        ),
        (
            "~* ~b",
            "~b",
            "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid \
            and does not have any effect. Try 'resetkeys' to start with an empty list of patterns",
        ),
        (
            "&* &b",
            "&b",
            "Adding a pattern after the * pattern (or the 'allchannels' flag) is not \
            valid and does not have any effect. Try 'resetchannels' to start with an empty list of \
            channels",
        ),
    ] {
        let error = format!("-ERR Error in ACL SETUSER modifier '{wrong}': {why}");
        assert_eq!(client.ask(&format!("ACL SETUSER x {rules}")), error);
    }
    expect(
        &mut client,
        &[
            (
                "ACL SETUSER x on (+get ~x",
                "-ERR Unmatched parenthesis in acl selector starting at '(+get'.",
            ),
            ("ACL USERS", "*1 $7 default"),
            ("ACL", "-ERR wrong number of arguments for 'acl' command"),
            ("ACL FOO", "-ERR unknown subcommand 'FOO'. Try ACL HELP."),
            ("ACL DELUSER", "-ERR wrong number of arguments for 'acl|deluser' command"),
        ],
    );
    for request in [&b"ACL SETUSER \"a b\" on\r\n"[..], b"ACL SETUSER \"a\\x00b\" on\r\n"] {
        client.send(request);
        assert_eq!(client.reply(), "-ERR Usernames can't contain spaces or null characters");
    }
    assert!(client.ask("ACL HELP").starts_with("*27 +ACL takes one of these subcommands:"));
}

#[test]
fn logging_in_and_out() {
    let server = TestServer::start();
    let mut admin = server.raw();
    let mut client = bob(&server, "+@all ~* &*");
    expect(
        &mut client,
        &[
            ("ACL WHOAMI", "$3 bob"),
            ("AUTH bob wrong", WRONG_PASSWORD),
            ("AUTH nobody pw", WRONG_PASSWORD),
            ("AUTH default anything", "+OK"),
            ("ACL WHOAMI", "$7 default"),
            ("AUTH bob pw", "+OK"),
            ("RESET", "+RESET"),
            ("ACL WHOAMI", "$7 default"),
            ("HELLO 2 AUTH bob wrong", WRONG_PASSWORD),
        ],
    );
    assert!(client.ask("HELLO 2 AUTH bob pw SETNAME me").starts_with("*14 "));
    assert!(client.ask("CLIENT INFO").contains(" name=me "));
    assert!(client.ask("CLIENT INFO").contains(" user=bob "));
    // Off keeps others from logging in; who is in stays in.
    admin.ask_ok("ACL SETUSER bob off");
    expect(&mut client, &[("PING", "+PONG"), ("AUTH bob pw", WRONG_PASSWORD)]);
    admin.ask_ok("ACL SETUSER bob on nopass");
    expect(&mut client, &[("AUTH bob whatever", "+OK")]);
    // A second password, and the first one taken away.
    admin.ask_ok("ACL SETUSER bob >two >one <one");
    expect(&mut client, &[("AUTH bob one", WRONG_PASSWORD), ("AUTH bob two", "+OK")]);
}

#[test]
fn the_default_user_decides_who_has_to_log_in() {
    let server = TestServer::start();
    let mut admin = server.raw();
    admin.ask_ok("ACL SETUSER default >secret");
    expect(&mut admin, &[("PING", "+PONG"), ("CONFIG GET requirepass", "*2 $11 requirepass $0")]);
    let mut client = server.raw();
    expect(
        &mut client,
        &[
            ("PING", NO_AUTH),
            ("AUTH wrong", WRONG_PASSWORD),
            ("AUTH secret", "+OK"),
            ("PING", "+PONG"),
        ],
    );
    let mut client = server.raw();
    assert_eq!(client.ask("PING"), NO_AUTH);
    admin.ask_ok("ACL SETUSER default off");
    expect(&mut client, &[("PING", NO_AUTH), ("AUTH secret", WRONG_PASSWORD)]);
    admin.ask_ok("ACL SETUSER default on");
    admin.ask_ok("CONFIG SET requirepass other");
    expect(&mut client, &[("AUTH secret", WRONG_PASSWORD), ("AUTH other", "+OK")]);
    let mut client = server.raw();
    assert_eq!(client.ask("PING"), NO_AUTH);
    admin.ask_ok("CONFIG SET requirepass \"\"");
    expect(&mut client, &[("PING", "+PONG")]);
    list(&mut admin, &[DEFAULT]);
    admin.ask_ok("ACL SETUSER default reset");
    let denied = "-NOPERM User default has no permissions to run the 'ping' command";
    expect(&mut client, &[("PING", NO_AUTH), ("QUIT", "+OK")]);
    expect(&mut admin, &[("PING", denied), ("QUIT", "+OK")]);
}

#[test]
fn small_requests_only_before_the_login() {
    let server = TestServer::configured("requirepass secret");
    let mut client = server.raw();
    client.send(b"*11\r\n");
    assert_eq!(client.reply(), "-ERR Protocol error: unauthenticated multibulk length");
    assert!(client.closed());
    let mut client = server.raw();
    client.send(b"*2\r\n$4\r\nAUTH\r\n$16385\r\n");
    assert_eq!(client.reply(), "-ERR Protocol error: unauthenticated bulk length");
    assert!(client.closed());
}

#[test]
fn requests_are_held_to_the_rules() {
    let server = TestServer::start();
    let mut client = bob(&server, "~a* %R~r* %W~w* +@all -flushall -config|set");
    expect(
        &mut client,
        &[
            ("SET a1 x", "+OK"),
            ("GET zz", NO_KEY),
            ("GET r1", "$-1"),
            ("SET r1 x", NO_KEY),
            ("SET w1 x", "+OK"),
            ("GET w1", NO_KEY),
            ("SET w1 x GET", NO_KEY),
            ("EXISTS w1 r1 a1", ":2"),
            ("EXISTS zz", NO_KEY),
            ("MGET a1 zz", NO_KEY),
            ("XREAD STREAMS a1 zz 0 0", NO_KEY),
            ("FLUSHALL", "-NOPERM User bob has no permissions to run the 'flushall' command"),
            (
                "CONFIG SET a b",
                "-NOPERM User bob has no permissions to run the 'config|set' command",
            ),
            ("CONFIG GET port", "*2 $4 port $4 6379"),
            ("nosuch", "-ERR unknown command 'nosuch', with args beginning with:"),
            ("GET", "-ERR wrong number of arguments for 'get' command"),
        ],
    );
    let mut client = bob(&server, "-@all +select|0 ~*");
    expect(
        &mut client,
        &[
            ("SELECT 0", "+OK"),
            ("SELECT 1", "-NOPERM User bob has no permissions to run the 'select' command"),
            ("GET a", "-NOPERM User bob has no permissions to run the 'get' command"),
            ("AUTH default x", "+OK"),
            ("SELECT 1", "+OK"),
        ],
    );
}

#[test]
fn transactions_are_checked_when_queued_and_when_run() {
    let server = TestServer::start();
    let mut admin = server.raw();
    let mut client = bob(&server, "~a* +@all -flushall");
    expect(
        &mut client,
        &[
            ("MULTI", "+OK"),
            ("FLUSHALL", "-NOPERM User bob has no permissions to run the 'flushall' command"),
            ("EXEC", "-EXECABORT Transaction discarded because of previous errors."),
            ("MULTI", "+OK"),
            ("SET a 1", "+QUEUED"),
            ("PING", "+QUEUED"),
        ],
    );
    admin.ask_ok("ACL SETUSER bob resetkeys -ping");
    let changed = "-NOPERM ACLs rules changed between the moment the transaction was accumulated \
        and the EXEC call. This command is no longer allowed for the following reason:";
    let replies = format!(
        "*2 {changed} no permission to touch the specified keys {changed} no permission to execute \
         the command or subcommand"
    );
    assert_eq!(client.ask("EXEC"), replies);
    assert_eq!(admin.ask("EXISTS a"), ":0");
    // Whoever may not run EXEC has no transaction any more.
    let mut client = bob(&server, "+multi");
    expect(
        &mut client,
        &[
            ("MULTI", "+OK"),
            (
                "EXEC",
                "-EXECABORT Transaction discarded because of: NOPERM User bob has no permissions \
            to run the 'exec' command",
            ),
            ("MULTI", "+OK"),
        ],
    );
}

#[test]
fn a_waiting_client_is_checked_again_when_it_is_served() {
    let server = TestServer::start();
    let mut admin = server.raw();
    let mut client = bob(&server, "~a* +@all");
    client.command("BLPOP a 0");
    server.wait_blocked(1);
    admin.ask_ok("ACL SETUSER bob resetkeys");
    assert_eq!(admin.ask("RPUSH a x"), ":1");
    assert_eq!(client.reply(), NO_KEY);
    assert_eq!(admin.ask("LRANGE a 0 -1"), "*1 $1 x");
    let mut client = bob(&server, "~b* +@all");
    client.command("BLPOP b 0");
    server.wait_blocked(1);
    admin.ask_ok("ACL SETUSER bob off");
    assert_eq!(admin.ask("RPUSH b x"), ":1");
    assert_eq!(client.reply(), "*2 $1 b $1 x");
}

#[test]
fn deleting_a_user_closes_its_connections() {
    let server = TestServer::start();
    let mut admin = server.raw();
    let mut idle = bob(&server, "+@all ~*");
    let mut waiting = bob(&server, "+@all ~*");
    waiting.command("BLPOP a 0");
    server.wait_blocked(1);
    assert_eq!(admin.ask("ACL DELUSER bob"), ":1");
    assert!(idle.closed() && waiting.closed());
    assert_eq!(admin.ask("RPUSH a x"), ":1");
    let mut leaving = bob(&server, "+@all ~*");
    assert_eq!(leaving.ask("ACL DELUSER bob"), ":1");
    assert!(leaving.closed());
}

#[test]
fn clients_are_told_and_killed_by_user() {
    let server = TestServer::start();
    let mut admin = server.raw();
    let mut client = bob(&server, "+@all");
    let listed = admin.ask("CLIENT LIST");
    assert!(listed.contains(" user=bob ") && listed.contains(" user=default "), "{listed}");
    expect(
        &mut admin,
        &[
            ("CLIENT KILL USER nobody", "-ERR No such user 'nobody'"),
            ("CLIENT KILL USER bob", ":1"),
        ],
    );
    assert!(client.closed());
    assert_eq!(admin.ask("CLIENT KILL USER bob"), ":0");
}

#[test]
fn refusals_are_logged_and_counted() {
    let server = TestServer::manual();
    let mut admin = server.raw();
    let mut client = bob(&server, "~a* +@all -flushall");
    assert_eq!(admin.ask("ACL LOG"), "*0");
    client.ask("CLIENT SETNAME me");
    client.ask("GET zz");
    server.advance_ms(2_500);
    client.ask("GET zz");
    client.ask("FLUSHALL");
    client.ask("auth bob wrong");
    client.ask("MULTI");
    client.ask("GET zz");
    let log = admin.ask("ACL LOG 2");
    assert!(
        log.starts_with(
            "*2 *20 $5 count :1 $6 reason $3 key $7 context $5 multi $6 object $2 zz \
        $8 username $3 bob $11 age-seconds $1 0 $11 client-info $"
        ),
        "{log}"
    );
    assert!(log.contains(" name=me ") && log.contains(" cmd=get user=bob "), "{log}");
    assert!(
        log.contains(
            "*20 $5 count :1 $6 reason $4 auth $7 context $8 toplevel $6 object $4 auth \
        $8 username $3 bob "
        ),
        "{log}"
    );
    let log = admin.ask("ACL LOG");
    assert!(log.starts_with("*4 "), "{log}");
    assert!(
        log.contains("*20 $5 count :2 $6 reason $3 key $7 context $8 toplevel $6 object $2 zz ")
    );
    assert!(log.contains("$6 reason $7 command $7 context $8 toplevel $6 object $8 flushall "));
    assert!(
        log.ends_with(
            "$8 entry-id :0 $17 timestamp-created :1700000000000 $22 \
        timestamp-last-updated :1700000002500"
        ),
        "{log}"
    );
    let stats = admin.ask("INFO stats");
    for field in ["auth:1", "cmd:1", "key:3", "channel:0"] {
        assert!(stats.contains(&format!("acl_access_denied_{field}")), "{stats}");
    }
    expect(
        &mut admin,
        &[
            ("ACL LOG 0", "*0"),
            ("ACL LOG -1", "*0"),
            ("ACL LOG x", "-ERR value is not an integer or out of range"),
            ("ACL LOG RESET", "+OK"),
            ("ACL LOG", "*0"),
            ("CONFIG RESETSTAT", "+OK"),
            ("CONFIG SET acllog-max-len 0", "+OK"),
        ],
    );
    client.ask("GET zz");
    assert_eq!(admin.ask("ACL LOG"), "*0");
    assert!(admin.ask("INFO stats").contains("acl_access_denied_key:1"));
    assert!(admin.ask("INFO errorstats").contains("errorstat_NOPERM:count="));
}

#[test]
fn dry_runs() {
    let server = TestServer::start();
    let mut client = server.raw();
    client.ask_ok("ACL SETUSER bob ~a* %W~w* &ch* +@all -flushall -config|set");
    let key = |key: &str| bulk(&format!("User bob has no permissions to access the '{key}' key"));
    let run =
        |name: &str| bulk(&format!("User bob has no permissions to run the '{name}' command"));
    expect(
        &mut client,
        &[
            ("ACL DRYRUN nobody get x", "-ERR User 'nobody' not found"),
            ("ACL DRYRUN bob foo", "-ERR Command 'foo' not found"),
            ("ACL DRYRUN bob config foo", "-ERR Command 'config' not found"),
            ("ACL DRYRUN bob config", "-ERR wrong number of arguments for 'config' command"),
            ("ACL DRYRUN bob get", "-ERR wrong number of arguments for 'get' command"),
            ("ACL DRYRUN bob get a1", "+OK"),
            ("ACL DRYRUN bob mget a1 zz", &key("zz")),
            ("ACL DRYRUN bob get w1", &key("w1")),
            ("ACL DRYRUN bob flushall", &run("flushall")),
            ("ACL DRYRUN bob config set a b", &run("config|set")),
            ("ACL DRYRUN bob auth x", "+OK"),
        ],
    );
    assert_eq!(client.ask("ACL LOG"), "*0");
}

#[test]
fn categories_and_passwords() {
    let server = TestServer::start();
    let mut client = server.raw();
    assert!(client.ask("ACL CAT").starts_with("*21 $8 keyspace $4 read $5 write $3 set "));
    let mut transaction: Vec<String> =
        client.ask("ACL CAT Transaction").split(' ').skip(2).step_by(2).map(String::from).collect();
    transaction.sort();
    assert_eq!(transaction, ["discard", "exec", "multi", "unwatch", "watch"]);
    assert!(client.ask("ACL CAT admin").contains("$10 config|set"));
    expect(
        &mut client,
        &[
            ("ACL CAT foo", "-ERR Unknown category 'foo'"),
            ("ACL CAT @read", "-ERR Unknown category '@read'"),
            (
                "ACL CAT a b",
                "-ERR unknown subcommand or wrong number of arguments for 'CAT'. Try ACL HELP.",
            ),
            (
                "ACL GENPASS 0",
                "-ERR ACL GENPASS argument must be the number of bits for the output \
            password, a positive number up to 4096",
            ),
            ("ACL GENPASS x", "-ERR value is not an integer or out of range"),
            (
                "ACL GENPASS 4 4",
                "-ERR unknown subcommand or wrong number of arguments for 'GENPASS'. Try ACL HELP.",
            ),
        ],
    );
    assert!(client.ask("ACL GENPASS").starts_with("$64 "));
    assert_ne!(client.ask("ACL GENPASS"), client.ask("ACL GENPASS"));
    assert!(client.ask("ACL GENPASS 5").starts_with("$2 "));
}

#[test]
fn channels_by_default() {
    let server = TestServer::configured("acl-pubsub-default allchannels");
    let mut client = server.raw();
    client.ask_ok("ACL SETUSER bob (+get)");
    list(&mut client, &["user bob off sanitize-payload &* -@all (&* -@all +get)", DEFAULT]);
    client.ask_ok("CONFIG SET acl-pubsub-default resetchannels");
    client.ask_ok("ACL SETUSER bob reset");
    list(&mut client, &["user bob off sanitize-payload resetchannels -@all", DEFAULT]);
}

#[test]
fn what_users_are_given_stays_out_of_the_slow_log() {
    let server = TestServer::configured("slowlog-log-slower-than 0");
    let mut client = server.raw();
    client.ask("ACL SETUSER bob >secret +nosuch");
    client.ask("ACL GETUSER bob");
    client.ask("ACL DELUSER carl");
    let log = client.ask("SLOWLOG GET");
    assert!(
        log.contains("*5 $3 ACL $7 SETUSER $10 (redacted) $10 (redacted) $10 (redacted)"),
        "{log}"
    );
    assert!(!log.contains("secret") && !log.contains("bob") && !log.contains("carl"), "{log}");
}

/// A directory of its own, removed when dropped.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("forebay-acl-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a directory can be made");
        Scratch(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("the path is text").to_string()
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).expect("the file can be written");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).expect("it was made");
    }
}

#[test]
fn users_of_the_settings() {
    let server = TestServer::configured(
        "requirepass secret\nuser bob on >pw (+get ~x) +@read\nuser carl off",
    );
    let mut client = server.raw();
    expect(
        &mut client,
        &[("PING", NO_AUTH), ("AUTH secret", "+OK"), ("ACL USERS", "*3 $3 bob $4 carl $7 default")],
    );
    expect(
        &mut client,
        &[("AUTH carl x", WRONG_PASSWORD), ("AUTH bob pw", "+OK"), ("GET x", "$-1")],
    );
    // A line for the default user starts from nothing, and outweighs requirepass.
    let server = TestServer::configured("user default on >hey +ping\nrequirepass secret");
    let mut client = server.raw();
    expect(
        &mut client,
        &[
            ("AUTH secret", WRONG_PASSWORD),
            ("AUTH hey", "+OK"),
            ("PING", "+PONG"),
            ("GET x", "-NOPERM User default has no permissions to run the 'get' command"),
        ],
    );
    let no_file = "-ERR This Redis instance is not configured to use an ACL file. You may want to \
        specify users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you \
        have a Redis configuration file set) in order to store users in the Redis configuration.";
    let server = TestServer::start();
    expect(&mut server.raw(), &[("ACL SAVE", no_file), ("ACL LOAD", no_file)]);
}

#[test]
fn users_of_a_file_are_saved_and_loaded() {
    let scratch = Scratch::new("file");
    let path = scratch
        .write("users.acl", "user bob on >pw   ~a* (+get ~x) +@read\n\nuser eve on nopass +ping\n");
    let server = TestServer::configured(&format!("aclfile {path}"));
    let mut admin = server.raw();
    let hash = "30c952fab122c3f9759f02a6d95c3758b246b4fee239957b2d4fee46e26170c4";
    let bob = format!(
        "user bob on sanitize-payload #{hash} ~a* resetchannels -@all +@read \
        (~x resetchannels -@all +get)"
    );
    let eve = "user eve on nopass sanitize-payload resetchannels -@all +ping";
    list(&mut admin, &[&bob, DEFAULT, eve]);
    admin.ask_ok("ACL SETUSER zed");
    admin.ask_ok("ACL SAVE");
    let saved = std::fs::read_to_string(&path).expect("it was written");
    let zed = "user zed off sanitize-payload resetchannels -@all";
    assert_eq!(saved, format!("{bob}\n{DEFAULT}\n{eve}\n{zed}\n"));
    // Who stays keeps its connections; who goes loses them.
    let (mut stays, mut goes) = (server.raw(), server.raw());
    stays.ask_ok("AUTH bob pw");
    goes.ask_ok("AUTH eve x");
    scratch.write("users.acl", "user bob on >pw +ping\n");
    admin.ask_ok("ACL LOAD");
    assert!(goes.closed());
    expect(
        &mut stays,
        &[
            ("PING", "+PONG"),
            ("GET a", "-NOPERM User bob has no permissions to run the 'get' command"),
        ],
    );
    // A file with an error changes nothing.
    scratch.write("users.acl", "user bob on +nosuch\nuser bob on\n");
    let error = format!(
        "-ERR {path}:1: Error in applying operation '+nosuch': {UNKNOWN_NAME}. WARNING: Duplicate user \
         'bob' found on line 2. WARNING: ACL errors detected, no change to the previously active \
         ACL rules was performed"
    );
    assert_eq!(admin.ask("ACL LOAD"), error);
    assert_eq!(stays.ask("PING"), "+PONG");
    std::fs::remove_file(&path).expect("it is there");
    let error =
        format!("-ERR Error loading ACLs, opening file '{path}': No such file or directory");
    assert_eq!(admin.ask("ACL LOAD"), error);
    std::fs::create_dir(&path).expect("the name is free");
    assert_eq!(
        admin.ask("ACL SAVE"),
        "-ERR There was an error trying to save the ACLs. Please check the server logs for more \
         information"
    );
}

#[test]
fn a_removed_user_is_gone_for_requests_under_way() {
    let server = TestServer::start();
    let mut admin = server.raw();
    let mut client = bob(&server, "+@all ~*");
    // In one batch, so that the second command is there when the first deletes its user.
    client.send(b"ACL DELUSER bob\r\nSET a 1\r\n");
    assert_eq!(client.reply(), ":1");
    assert!(client.closed());
    std::thread::sleep(Duration::from_millis(1));
    assert_eq!(admin.ask("EXISTS a"), ":0");
}

#[test]
fn channels_are_held_to_the_rules() {
    let server = TestServer::start();
    let mut client = bob(&server, "+@all &ch* &exact");
    let no_channel = "-NOPERM No permissions to access a channel";
    expect(
        &mut client,
        &[
            ("PUBLISH other x", no_channel),
            ("PUBLISH channel x", ":0"),
            ("SPUBLISH other x", no_channel),
            ("SUBSCRIBE ch1 other", no_channel),
            ("PSUBSCRIBE ch?", no_channel),
            ("SSUBSCRIBE other", no_channel),
            ("PSUBSCRIBE ch*", "*3 $10 psubscribe $3 ch* :1"),
            ("UNSUBSCRIBE other", "*3 $11 unsubscribe $5 other :1"),
        ],
    );
    let dry = "ACL DRYRUN bob SUBSCRIBE ch1 other";
    let reply = bulk("User bob has no permissions to access the 'other' channel");
    assert_eq!(server.raw().ask(dry), reply);
    assert!(server.raw().ask("INFO stats").contains("acl_access_denied_channel:5"));
}

#[test]
fn subscribers_are_closed_when_they_lose_a_channel() {
    let server = TestServer::start();
    let mut admin = server.raw();
    for (subscribe, rules, is_closed) in [
        ("SUBSCRIBE ch1", "resetchannels", true),
        ("SUBSCRIBE ch1", "&ch*", false),
        ("SUBSCRIBE ch1", "on +@all ~x", false),
        ("SUBSCRIBE ch1", "resetchannels &ch1", false),
        ("SUBSCRIBE ch1 ch2", "resetchannels &ch1", true),
        ("SUBSCRIBE ch1", "(allchannels) resetchannels", false),
        ("PSUBSCRIBE ch*", "resetchannels &ch1", true),
        ("PSUBSCRIBE ch*", "resetchannels &ch* &x", false),
        ("SSUBSCRIBE ch1", "resetchannels", true),
    ] {
        let mut client = bob(&server, "+@all &*");
        let channels = subscribe.split(' ').count() - 1;
        client.command(subscribe);
        (0..channels).for_each(|_| assert!(client.reply().starts_with("*3 ")));
        // `&ch*` is only a rule where not every channel is allowed already.
        if rules.starts_with('&') {
            admin.ask_ok("ACL SETUSER bob resetchannels (&*)");
        }
        admin.ask_ok(&format!("ACL SETUSER bob {rules}"));
        if is_closed {
            assert!(client.closed(), "{subscribe}, then {rules}");
        } else {
            assert_eq!(client.ask("PING"), "*2 $4 pong $0", "{subscribe}, then {rules}");
        }
    }
}
