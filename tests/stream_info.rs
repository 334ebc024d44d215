//! XINFO STREAM, and the commands on streams as a client library sees them.

mod support;

use support::{Raw, TestServer};

/// Asks each request and compares the reply.
fn check(client: &mut Raw, story: &[(&str, &str)]) {
    for (at, (request, reply)) in story.iter().enumerate() {
        assert_eq!(client.ask(request), *reply, "step {at}: {request}");
    }
}

#[test]
fn replies_are_maps_in_resp3() {
    let server = TestServer::start();
    let mut client = server.raw();
    client.ask("HELLO 3");
    check(
        &mut client,
        &[
            ("XADD s NOMKSTREAM 1 f v", "_"),
            ("XADD s 1 f v", "$3 1-0"),
            ("XRANGE s - +", "*1 *2 $3 1-0 *2 $1 f $1 v"),
            ("XRANGE s - + COUNT 0", "_"),
            ("XREAD STREAMS s nope 0 0", "%1 $1 s *1 *2 $3 1-0 *2 $1 f $1 v"),
            ("XREAD STREAMS s 1", "_"),
        ],
    );
    let info = client.ask("XINFO STREAM s");
    assert!(info.starts_with("%16 $6 length :1 $15 radix-tree-keys :1 "), "{info}");
    let full = client.ask("XINFO STREAM s FULL");
    assert!(full.starts_with("%15 $6 length :1 "), "{full}");
}

#[test]
fn xinfo_stream() {
    let server = TestServer::start();
    let mut client = server.raw();
    let summary = "$17 last-generated-id $3 2-0 $20 max-deleted-entry-id $3 1-0 $13 entries-added \
                   :2 $23 recorded-first-entry-id $3 2-0 $13 idmp-duration :100 $12 idmp-maxsize \
                   :100 $12 pids-tracked :0 $12 iids-tracked :0 $10 iids-added :0 $15 \
                   iids-duplicates :0";
    let one = "$6 length :1 $15 radix-tree-keys :1 $16 radix-tree-nodes :2";
    let short = format!(
        "*32 {one} {summary} $6 groups :0 $11 first-entry *2 $3 2-0 *2 $1 f $1 w $10 last-entry *2 \
         $3 2-0 *2 $1 f $1 w"
    );
    let full = format!("*30 {one} {summary} $7 entries *1 *2 $3 2-0 *2 $1 f $1 w $6 groups *0");
    let unknown = |word: &str| {
        format!(
            "-ERR unknown subcommand or wrong number of arguments for '{word}'. Try XINFO HELP."
        )
    };
    check(
        &mut client,
        &[
            ("XADD s 1 f v", "$3 1-0"),
            ("XADD s 2 f w", "$3 2-0"),
            ("XDEL s 1", ":1"),
            ("XINFO STREAM s", &short),
            ("XINFO STREAM s FULL", &full),
            ("XINFO STREAM s FULL COUNT 0", &full),
            ("XINFO STREAM s FULL COUNT 1", &full),
            ("XINFO STREAM s FULL COUNT -1", &full),
            ("XINFO STREAM s FULL COUNT x", "-ERR value is not an integer or out of range"),
            ("XINFO STREAM s FOO", &unknown("STREAM")),
            ("XINFO Stream s FULL COUNT", &unknown("Stream")),
            ("XINFO STREAM s FULL FOO 1", &unknown("STREAM")),
            ("XINFO STREAM s FULL COUNT 1 2", &unknown("STREAM")),
            ("XINFO STREAM nope FOO", "-ERR no such key"),
            ("XINFO STREAM", "-ERR wrong number of arguments for 'xinfo|stream' command"),
            ("SET str x", "+OK"),
            (
                "XINFO STREAM str",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            ("XINFO FOO", "-ERR unknown subcommand 'FOO'. Try XINFO HELP."),
            ("XDEL s 2", ":1"),
        ],
    );
    let empty = client.ask("XINFO STREAM s");
    assert!(empty.starts_with("*32 $6 length :0 $15 radix-tree-keys :0 $16 radix-tree-nodes :1"));
    assert!(empty.ends_with("$6 groups :0 $11 first-entry $-1 $10 last-entry $-1"), "{empty}");
    assert!(client.ask("XINFO HELP").starts_with('*'));
    for i in 3..15 {
        client.ask(&format!("XADD s {i} f v"));
    }
    assert!(client.ask("XINFO STREAM s FULL").contains("$7 entries *10 "));
    assert!(client.ask("XINFO STREAM s FULL COUNT 0").contains("$7 entries *12 "));
}

#[test]
fn the_redis_crate_reads_what_it_added() {
    use redis::TypedCommands;
    use redis::streams::{StreamMaxlen, StreamReadOptions};
    let server = TestServer::start();
    for mut client in [server.connect(), server.connect3()] {
        let _: usize = client.del("s").expect("DEL");
        let fields = [("name", "ada"), ("age", "36")];
        let id = client.xadd("s", "*", &fields).expect("XADD").expect("the id of the entry");
        let second = client
            .xadd_maxlen("s", StreamMaxlen::Approx(1000), "*", &[("name", "bob")])
            .expect("XADD")
            .expect("the id of the entry");
        assert_eq!(client.xlen("s").expect("XLEN"), 2);
        let all = client.xrange_all("s").expect("XRANGE");
        assert_eq!(all.ids.len(), 2);
        assert_eq!(all.ids[0].id, id);
        assert_eq!(all.ids[0].get::<String>("name").as_deref(), Some("ada"));
        assert_eq!(all.ids[0].get::<u32>("age"), Some(36));
        let options = StreamReadOptions::default().count(5);
        let read = client.xread_options(&["s"], &[&id], &options).expect("XREAD");
        let read = read.expect("there is an entry behind the first");
        assert_eq!(read.keys[0].ids[0].id, second);
        let info = client.xinfo_stream("s").expect("XINFO");
        assert_eq!((info.length, info.last_generated_id), (2, second.clone()));
        assert_eq!(client.xdel("s", &[&id, &second]).expect("XDEL"), 2);
    }
}
