//! AUTH, HELLO, PING, ECHO, QUIT, RESET, SELECT.

mod support;

use support::TestServer;

const WRONG_PASSWORD: &str = "-WRONGPASS invalid username-password pair or user is disabled.";
const NO_AUTH: &str = "-NOAUTH Authentication required.";
const HELLO_NO_AUTH: &str = "-NOAUTH HELLO must be called with the client already authenticated, \
    otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client \
    and select the RESP protocol version at the same time";
const NO_PASSWORD_CONFIGURED: &str = "-ERR AUTH <password> called without any password configured \
    for the default user. Are you sure your configuration is correct?";

#[test]
fn ping_and_echo() {
    let server = TestServer::start();
    let mut client = server.raw();
    assert_eq!(client.ask("PING"), "+PONG");
    assert_eq!(client.ask("ping hello"), "$5 hello");
    assert_eq!(client.ask("PING \"\""), "$0");
    assert_eq!(client.ask("PING a b"), "-ERR wrong number of arguments for 'ping' command");
    assert_eq!(client.ask("ECHO x"), "$1 x");
    assert_eq!(client.ask("ECHO"), "-ERR wrong number of arguments for 'echo' command");
    assert_eq!(client.ask("ECHO a b"), "-ERR wrong number of arguments for 'echo' command");
}

#[test]
fn quit_answers_and_closes() {
    let server = TestServer::start();
    for quit in ["QUIT", "quit now"] {
        let mut client = server.raw();
        client.command(quit);
        client.command("PING");
        assert_eq!(client.reply(), "+OK");
        assert!(client.closed(), "what is behind QUIT is not answered");
    }
}

#[test]
fn select_checks_the_number() {
    let server = TestServer::start();
    let mut client = server.raw();
    assert_eq!(client.ask("SELECT 15"), "+OK");
    assert_eq!(client.ask("SELECT 16"), "-ERR DB index is out of range");
    assert_eq!(client.ask("SELECT -1"), "-ERR DB index is out of range");
    assert_eq!(client.ask("SELECT x"), "-ERR value is not an integer or out of range");
    assert_eq!(
        client.ask("SELECT 99999999999"),
        "-ERR value is out of range, value must between -2147483648 and 2147483647"
    );
    assert_eq!(client.ask("SELECT"), "-ERR wrong number of arguments for 'select' command");
    assert!(client.ask("CLIENT INFO").contains(" db=15 "), "a refused number changes nothing");
}

#[test]
fn select_in_a_transaction_holds_for_what_follows() {
    let server = TestServer::start();
    let mut client = server.raw();
    for queued in ["MULTI", "SELECT 3", "CLIENT INFO", "SELECT 5"] {
        client.ask(queued);
    }
    let replies = client.ask("EXEC");
    assert!(replies.starts_with("*3 +OK $") && replies.contains(" db=3 "), "{replies}");
    assert!(replies.ends_with(" +OK"), "{replies}");
    assert!(client.ask("CLIENT INFO").contains(" db=5 "));
}

#[test]
fn without_a_password_auth_says_so() {
    let server = TestServer::start();
    let mut client = server.raw();
    assert_eq!(client.ask("AUTH x"), NO_PASSWORD_CONFIGURED);
    assert_eq!(client.ask("AUTH default x"), "+OK");
    assert_eq!(client.ask("AUTH nobody x"), WRONG_PASSWORD);
    assert_eq!(client.ask("AUTH a b c"), "-ERR syntax error");
    assert_eq!(client.ask("AUTH"), "-ERR wrong number of arguments for 'auth' command");
}

#[test]
fn with_a_password_nothing_goes_before_it() {
    let server = TestServer::configured("requirepass secret");
    let mut client = server.raw();
    assert_eq!(client.ask("PING"), NO_AUTH);
    assert_eq!(client.ask("CLIENT ID"), NO_AUTH);
    assert_eq!(client.ask("ECHO"), "-ERR wrong number of arguments for 'echo' command");
    assert_eq!(client.ask("HELLO"), HELLO_NO_AUTH);
    assert_eq!(client.ask("HELLO 3"), HELLO_NO_AUTH);
    assert_eq!(client.ask("HELLO 3 SETNAME x"), HELLO_NO_AUTH);
    assert_eq!(client.ask("AUTH wrong"), WRONG_PASSWORD);
    assert_eq!(client.ask("AUTH secrets"), WRONG_PASSWORD);
    assert_eq!(client.ask("AUTH \"\""), WRONG_PASSWORD);
    assert_eq!(client.ask("AUTH nobody secret"), WRONG_PASSWORD);
    assert_eq!(client.ask("PING"), NO_AUTH);
    assert_eq!(client.ask("AUTH secret"), "+OK");
    assert_eq!(client.ask("PING"), "+PONG");
    // A failed login does not log out.
    assert_eq!(client.ask("AUTH wrong"), WRONG_PASSWORD);
    assert_eq!(client.ask("PING"), "+PONG");
    assert_eq!(client.ask("RESET"), "+RESET");
    assert_eq!(client.ask("PING"), NO_AUTH);
    assert_eq!(client.ask("AUTH default secret"), "+OK");
    assert_eq!(client.ask("PING"), "+PONG");
    let mut client = server.raw();
    assert!(client.ask("HELLO 3 AUTH default secret SETNAME me").starts_with("%7 $6 server"));
    assert_eq!(client.ask("CLIENT GETNAME"), "$2 me");
    let mut client = server.raw();
    assert_eq!(client.ask("QUIT"), "+OK");
}

#[test]
fn hello_tells_of_the_server_in_the_version_it_chooses() {
    let server = TestServer::start();
    let mut client = server.raw();
    let id = client.ask("CLIENT ID");
    let in_version_2 = format!(
        "*14 $6 server $5 redis $7 version $6 8.10.0 $5 proto :2 $2 id {id} $4 mode \
         $10 standalone $4 role $6 master $7 modules *0"
    );
    let in_version_3 = in_version_2.replace("*14", "%7").replace("proto :2", "proto :3");
    assert_eq!(client.ask("HELLO"), in_version_2);
    assert_eq!(client.ask("HELLO 3"), in_version_3);
    assert_eq!(client.ask("HELLO"), in_version_3);
    assert_eq!(client.ask("HELLO 2"), in_version_2);
}

#[test]
fn hello_refuses_what_it_does_not_know() {
    let server = TestServer::start();
    let mut client = server.raw();
    let not_a_number = "-ERR Protocol version is not an integer or out of range";
    let unsupported = "-NOPROTO unsupported protocol version";
    for (request, reply) in [
        ("HELLO 1", unsupported),
        ("HELLO 4", unsupported),
        ("HELLO -3", unsupported),
        ("HELLO x", not_a_number),
        ("HELLO 02", not_a_number),
        ("HELLO 99999999999999999999", not_a_number),
        ("HELLO AUTH default x", not_a_number),
        ("HELLO 3 AUTH", "-ERR Syntax error in HELLO option 'AUTH'"),
        ("HELLO 3 AUTH default", "-ERR Syntax error in HELLO option 'AUTH'"),
        ("HELLO 3 SETNAME", "-ERR Syntax error in HELLO option 'SETNAME'"),
        ("HELLO 3 nosuch", "-ERR Syntax error in HELLO option 'nosuch'"),
        ("HELLO 3 AUTH nobody x", WRONG_PASSWORD),
        ("HELLO 3 SETNAME bad AUTH nobody x", WRONG_PASSWORD),
        (
            "HELLO 3 SETNAME \n",
            "-ERR Client names cannot contain spaces, newlines or special characters.",
        ),
    ] {
        assert_eq!(client.ask(request), reply, "{request}");
    }
    assert_eq!(client.ask("CLIENT GETNAME"), "$-1", "in version 2 still, and without a name");
}

#[test]
fn hello_names_the_connection() {
    let server = TestServer::start();
    let mut client = server.raw();
    client.ask("HELLO 3 SETNAME one SETNAME two");
    assert_eq!(client.ask("CLIENT GETNAME"), "$3 two");
    client.ask("HELLO 3 SETNAME \"\"");
    assert_eq!(client.ask("CLIENT GETNAME"), "_");
}

#[test]
fn reset_puts_everything_back() {
    let server = TestServer::start();
    let mut client = server.raw();
    client.ask("HELLO 3 SETNAME me");
    client.ask("CLIENT SETINFO LIB-NAME library");
    client.ask("CLIENT NO-EVICT ON");
    client.ask("CLIENT NO-TOUCH ON");
    client.ask("SELECT 5");
    client.ask("WATCH k");
    client.ask("MULTI");
    assert_eq!(client.ask("DEL k"), "+QUEUED");
    assert_eq!(client.ask("RESET"), "+RESET");
    assert_eq!(client.ask("EXEC"), "-ERR EXEC without MULTI");
    assert_eq!(client.ask("CLIENT GETNAME"), "$-1");
    let line = client.ask("CLIENT INFO");
    for field in ["flags=N", "db=0", "multi=-1", "watch=0", "resp=2", "name=", "lib-name=library"] {
        assert!(line.split(' ').any(|word| word == field), "{field} in {line}");
    }
    assert_eq!(client.ask("RESET x"), "-ERR wrong number of arguments for 'reset' command");
}

#[test]
fn reset_ends_silence() {
    let server = TestServer::start();
    let mut client = server.raw();
    client.command("CLIENT REPLY OFF");
    client.command("PING");
    assert_eq!(client.ask("RESET"), "+RESET");
    assert_eq!(client.ask("PING"), "+PONG");
}

#[test]
fn a_client_library_connects_in_both_versions() {
    let server = TestServer::configured("requirepass secret");
    for options in ["", "?protocol=resp3"] {
        let url = format!("redis://:secret@{}/2{options}", server.address);
        let client = redis::Client::open(url).expect("the address is well formed");
        let mut connection = client.get_connection().expect("the password is right");
        let keys: usize = redis::cmd("DBSIZE").query(&mut connection).expect("DBSIZE works");
        assert_eq!(keys, 0);
    }
}

#[test]
fn a_request_forged_through_a_browser_ends_the_connection() {
    let server = TestServer::start();
    for request in ["POST / HTTP/1.1\r\nSET a b\r\n", "GET / HTTP/1.1\r\nHost: x\r\nSET a b\r\n"] {
        let mut client = server.raw();
        client.send(request.as_bytes());
        if request.starts_with("GET") {
            assert_eq!(client.reply(), "-ERR wrong number of arguments for 'get' command");
        }
        assert!(client.closed(), "{request}");
    }
    assert_eq!(server.raw().ask("EXISTS a"), ":0");
}
