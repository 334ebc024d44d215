//! MULTI, EXEC, DISCARD, WATCH, UNWATCH.

mod support;

use support::TestServer;

#[test]
fn a_transaction_is_queued_and_run() {
    let server = TestServer::start();
    let mut client = server.raw();
    assert_eq!(client.ask("MULTI"), "+OK");
    assert_eq!(client.ask("EXISTS a"), "+QUEUED");
    assert_eq!(client.ask("DEL a b"), "+QUEUED");
    assert_eq!(client.ask("EXEC"), "*2 :0 :0");
    assert_eq!(client.ask("EXEC"), "-ERR EXEC without MULTI");
    assert_eq!(client.ask("DISCARD"), "-ERR DISCARD without MULTI");
}

#[test]
fn a_refused_command_aborts_the_transaction() {
    let server = TestServer::start();
    let mut client = server.raw();
    assert_eq!(client.ask("MULTI"), "+OK");
    assert_eq!(client.ask("MULTI"), "-ERR MULTI calls can not be nested");
    assert_eq!(client.ask("WATCH a"), "-ERR WATCH inside MULTI is not allowed");
    assert_eq!(
        client.ask("NOSUCH a b"),
        "-ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' ".trim_end()
    );
    assert_eq!(client.ask("DEL"), "-ERR wrong number of arguments for 'del' command");
    assert_eq!(client.ask("EXEC"), "-EXECABORT Transaction discarded because of previous errors.");
}
