//! COMMAND and its subcommands.

mod support;

use std::collections::BTreeSet;

use forebay::command::spec;
use support::TestServer;

#[test]
fn every_command_is_described_and_counted() {
    let server = TestServer::start();
    let mut client = server.connect();
    let command = |args: &[&str]| {
        let mut command = redis::cmd("COMMAND");
        args.iter().for_each(|arg| {
            command.arg(arg);
        });
        command
    };
    let all: Vec<redis::Value> = command(&[]).query(&mut client).expect("COMMAND works");
    let count: usize = command(&["COUNT"]).query(&mut client).expect("COUNT works");
    let names: Vec<String> = command(&["LIST"]).query(&mut client).expect("LIST works");
    assert_eq!(all.len(), count);
    assert_eq!(names.len(), count);
    let described: BTreeSet<String> = all
        .iter()
        .map(|entry| {
            let fields = entry.as_sequence().expect("an entry is an array");
            assert_eq!(fields.len(), 10);
            redis::from_redis_value_ref(&fields[0]).expect("a name comes first")
        })
        .collect();
    assert_eq!(described, names.iter().cloned().collect());
    let known: BTreeSet<&str> =
        spec::ALL.iter().flat_map(|group| group.iter().map(|spec| spec.name)).collect();
    assert!(names.iter().all(|name| known.contains(name.as_str())));
}

#[test]
fn info_in_both_versions() {
    let server = TestServer::start();
    let mut client = server.raw();
    assert!(client.ask("COMMAND INFO DEL").starts_with("*1 *10 $3 del :-2 *1 +write :1 :-1 :1 *3"));
    assert_eq!(client.ask("COMMAND INFO nosuch"), "*1 $-1");
    assert_eq!(client.ask("COMMAND INFO object|nosuch"), "*1 $-1");
    assert_eq!(client.ask("COMMAND INFO del|x"), "*1 $-1");
    let encoding = "*10 $15 object|encoding :3 *1 +readonly :2 :2 :1 *3 +@keyspace +@read +@slow \
        *1 $23 nondeterministic_output *1 *6 $5 flags *1 +RO $12 begin_search *4 $4 type $5 index \
        $4 spec *2 $5 index :2 $9 find_keys *4 $4 type $5 range $4 spec *6 $7 lastkey :0 $7 keystep \
        :1 $5 limit :0 *0";
    assert_eq!(client.ask("COMMAND INFO OBJECT|Encoding"), format!("*1 {encoding}"));
    let object = client.ask("COMMAND INFO object");
    assert!(object.starts_with("*1 *10 $6 object :-2 *0 :0 :0 :0 *1 +@slow *0 *0 *5 *10 "));
    assert!(object.contains(encoding));
    client.ask("HELLO 3");
    assert_eq!(
        client.ask("COMMAND INFO TTL nosuch"),
        "*2 *10 $3 ttl :2 ~2 +readonly +fast :1 :1 :1 ~3 +@keyspace +@read +@fast \
         ~1 $23 nondeterministic_output ~1 %3 $5 flags ~2 +RO +access $12 begin_search %2 $4 type \
         $5 index $4 spec %1 $5 index :1 $9 find_keys %2 $4 type $5 range $4 spec %3 $7 lastkey :0 \
         $7 keystep :1 $5 limit :0 ~0 _"
    );
}

#[test]
fn docs_in_both_versions() {
    let server = TestServer::start();
    let mut client = server.raw();
    assert_eq!(client.ask("COMMAND DOCS nosuch"), "*0");
    let renamenx = "$5 since $5 1.0.0 $5 group $7 generic $10 complexity $4 O(1) $9 arguments *2 \
        *8 $4 name $3 key $4 type $3 key $12 display_text $3 key $14 key_spec_index :0 \
        *8 $4 name $6 newkey $4 type $3 key $12 display_text $6 newkey $14 key_spec_index :1";
    let reply = client.ask("COMMAND DOCS renamenx nosuch");
    assert!(reply.starts_with("*2 $8 renamenx *10 $7 summary "), "{reply}");
    assert!(reply.ends_with(renamenx), "{reply}");
    let quit = client.ask("COMMAND DOCS quit");
    assert!(quit.contains("$9 doc_flags *1 +deprecated $16 deprecated_since $5 7.2.0"), "{quit}");
    client.ask("HELLO 3");
    let reply = client.ask("COMMAND DOCS object");
    assert!(reply.starts_with("%1 $6 object %5 $7 summary "), "{reply}");
    assert!(reply.contains("$11 subcommands %5 $15 object|encoding %5 $7 summary"), "{reply}");
    let copy = client.ask("COMMAND DOCS copy");
    let replace = "%5 $4 name $7 replace $4 type $10 pure-token $12 display_text $7 replace \
        $5 token $7 REPLACE $5 flags ~1 +optional";
    assert!(copy.ends_with(replace), "{copy}");
    let kill = client.ask("COMMAND DOCS client|kill");
    assert!(kill.contains("$5 flags ~1 +multiple $9 arguments *7 "), "{kill}");
}

/// What Forebay's own words and keys are, for whoever asks.
#[test]
fn own_words_are_told() {
    let server = TestServer::start();
    let mut client = server.raw();
    for (command, words) in [
        ("XADD", &["DELAY", "TTL"][..]),
        ("XNACK", &["DELAY", "CONSUMER"]),
        ("XREDRIVE", &["COUNT", "IDS", "TO"]),
        ("XCFGSET", &["LEASE", "DLQ", "FILTER", "CONSUMERTTL", "RETAIN", "DEDUPFIELD"]),
    ] {
        let docs = client.ask(&format!("COMMAND DOCS {command}"));
        for word in words {
            let token = format!("$5 token ${} {word} ", word.len());
            assert!(docs.contains(&token), "{command} {word}: {docs}");
        }
    }
    assert!(client.ask("COMMAND INFO xredrive").contains("+movablekeys"));
}

/// KEYS is MIGRATE's option where keys stand behind it.
#[test]
fn a_last_keys_is_no_option_of_migrate() {
    let server = TestServer::start();
    let mut client = server.raw();
    assert_eq!(client.ask("COMMAND GETKEYS MIGRATE h 1 key 1 0 x KEYS"), "*1 $3 key");
    assert_eq!(client.ask("COMMAND GETKEYS MIGRATE h 1 \"\" 1 0 x KEYS a b"), "*2 $1 a $1 b");
}

#[test]
fn list_filters() {
    let server = TestServer::start();
    let mut client = server.raw();
    assert_eq!(client.ask("COMMAND LIST FILTERBY PATTERN RENAME*"), "*2 $6 rename $8 renamenx");
    assert_eq!(client.ask("COMMAND LIST filterby pattern object|f*"), "*1 $11 object|freq");
    assert_eq!(client.ask("COMMAND LIST FILTERBY PATTERN nosuch"), "*0");
    assert_eq!(client.ask("COMMAND LIST FILTERBY MODULE any"), "*0");
    assert_eq!(client.ask("COMMAND LIST FILTERBY ACLCAT nosuch"), "*0");
    let transactions = client.ask("COMMAND LIST FILTERBY ACLCAT Transaction");
    assert_eq!(transactions, "*5 $5 multi $4 exec $7 discard $5 watch $7 unwatch");
    for request in [
        "COMMAND LIST x",
        "COMMAND LIST FILTERBY",
        "COMMAND LIST FILTERBY PATTERN",
        "COMMAND LIST FILTERBY NOSUCH x",
        "COMMAND LIST FILTERBY PATTERN x y",
    ] {
        assert_eq!(client.ask(request), "-ERR syntax error", "{request}");
    }
}

#[test]
fn getkeys() {
    let server = TestServer::start();
    let mut client = server.raw();
    let no_keys = "-ERR The command has no key arguments";
    let unknown = "-ERR Invalid command specified";
    let arity = "-ERR Invalid number of arguments specified for command";
    for (request, reply) in [
        ("DEL a b", "*2 $1 a $1 b"),
        ("rename a b", "*2 $1 a $1 b"),
        ("object encoding k", "*1 $1 k"),
        ("OBJECT HELP", no_keys),
        ("object", no_keys),
        ("object nosuch k", unknown),
        ("object encoding", arity),
        ("ping", no_keys),
        ("nosuch", unknown),
        ("del", arity),
        ("ttl a b", arity),
    ] {
        assert_eq!(client.ask(&format!("COMMAND GETKEYS {request}")), reply, "{request}");
    }
    assert_eq!(
        client.ask("COMMAND GETKEYS"),
        "-ERR wrong number of arguments for 'command|getkeys' command"
    );
    assert_eq!(
        client.ask("COMMAND GETKEYSANDFLAGS copy a b"),
        "*2 *2 $1 a *2 +RO +access *2 $1 b *2 +OW +update"
    );
    client.ask("HELLO 3");
    assert_eq!(client.ask("COMMAND GETKEYSANDFLAGS del a"), "*1 *2 $1 a ~2 +RM +delete");
}

#[test]
fn help_lists_what_is_there() {
    let server = TestServer::start();
    let mut client = server.raw();
    for (container, subcommands) in [("COMMAND", 7), ("CLIENT", 18), ("OBJECT", 5)] {
        let help = client.ask(&format!("{container} HELP"));
        let lines = 1 + 2 * subcommands;
        assert!(help.starts_with(&format!("*{lines} +{container} ")), "{help}");
        let extra = client.ask(&format!("{container} HELP x"));
        let name = container.to_lowercase();
        assert_eq!(extra, format!("-ERR wrong number of arguments for '{name}|help' command"));
    }
    assert!(client.ask("OBJECT HELP").contains(" +IDLETIME key "));
    assert_eq!(client.ask("COMMAND NOSUCH"), "-ERR unknown subcommand 'NOSUCH'. Try COMMAND HELP.");
}
