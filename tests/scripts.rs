//! EVAL, EVALSHA, SCRIPT: what scripts see, what they answer, and what they leave behind.

mod support;

use std::sync::Arc;

use forebay::journal::sim::SimDisk;
use redis::{Commands, Value};
use support::{TestServer, effects};

/// Runs a script without keys; the reply, or the error's text.
fn eval(client: &mut redis::Connection, script: &str) -> Result<Value, String> {
    eval_with(client, script, &[], &[])
}

fn eval_with(
    client: &mut redis::Connection,
    script: &str,
    keys: &[&str],
    args: &[&str],
) -> Result<Value, String> {
    let mut command = redis::cmd("EVAL");
    command.arg(script).arg(keys.len()).arg(keys).arg(args);
    command.query(client).map_err(|error| text_of(&error))
}

/// The error as it stands in the reply.
fn text_of(error: &redis::RedisError) -> String {
    match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        _ => error.to_string(),
    }
}

fn text(value: &str) -> Result<Value, String> {
    Ok(Value::BulkString(value.as_bytes().to_vec()))
}

fn array(values: Vec<Value>) -> Result<Value, String> {
    Ok(Value::Array(values))
}

fn bulk(value: &str) -> Value {
    Value::BulkString(value.as_bytes().to_vec())
}

/// The error of a script that fails, without the words that name the script.
fn failure(client: &mut redis::Connection, script: &str) -> String {
    let error = eval(client, script).expect_err("the script fails");
    match error.split_once(" script: ") {
        Some((why, place)) => {
            let at = place.split_once(", on ").map_or("", |(_, at)| at);
            format!("{why} @ {at}")
        }
        None => error,
    }
}

#[test]
fn values_become_replies() {
    let server = TestServer::manual();
    let mut client = server.connect();
    let cases = [
        ("return 1", Ok(Value::Int(1))),
        ("return 3.99", Ok(Value::Int(3))),
        ("return -1.9", Ok(Value::Int(-1))),
        ("return 1e30", Ok(Value::Int(i64::MIN))),
        ("return 'x'", text("x")),
        ("return true", Ok(Value::Int(1))),
        ("return false", Ok(Value::Nil)),
        ("return nil", Ok(Value::Nil)),
        ("return", Ok(Value::Nil)),
        ("return function() end", Ok(Value::Nil)),
        ("return cjson.null", Ok(Value::Nil)),
        ("return {1,2,nil,4}", array(vec![Value::Int(1), Value::Int(2)])),
        ("return {'a',{'b'}}", array(vec![bulk("a"), Value::Array(vec![bulk("b")])])),
        ("return {ok='a\\nb'}", Ok(Value::SimpleString("a b".into()))),
        ("return {ok=1}", array(vec![])),
        ("return redis.status_reply('fine')", Ok(Value::SimpleString("fine".into()))),
        ("return {double=3.5}", text("3.5")),
        ("return {big_number='12'}", text("12")),
        ("return {map={a=1}}", array(vec![bulk("a"), Value::Int(1)])),
        ("return {set={a=true}}", array(vec![bulk("a")])),
        ("return {verbatim_string={format='txt',string='hi'}}", text("hi")),
        ("redis.setresp(3) return {true,false}", array(vec![Value::Int(1), Value::Int(0)])),
        ("return {err='CODE why'}", Err("CODE why".into())),
    ];
    for (script, expected) in cases {
        assert_eq!(eval(&mut client, script), expected, "{script}");
    }
    let expected = array(vec![bulk("k"), bulk("a"), bulk("b"), Value::Int(2)]);
    let script = "return {KEYS[1],ARGV[1],ARGV[2],#ARGV}";
    assert_eq!(eval_with(&mut client, script, &["k"], &["a", "b"]), expected);
}

#[test]
fn replies_become_values() {
    let server = TestServer::manual();
    let mut client = server.connect();
    let cases = [
        ("return type(redis.call('get','none'))", text("boolean")),
        ("redis.setresp(3) return type(redis.call('get','none'))", text("nil")),
        ("return redis.call('set','a','5').ok", text("OK")),
        ("return redis.call('incr','a')+1", Ok(Value::Int(7))),
        ("return type(redis.call('get','a'))", text("string")),
        (
            "redis.call('rpush','l','x','y') return #redis.call('lrange','l',0,-1)",
            Ok(Value::Int(2)),
        ),
        ("return redis.call('lrange','l',0,-1)[2]", text("y")),
        ("return redis.pcall('lpush','a','x').err", text(WRONG_TYPE)),
        ("return {pcall(redis.call,'lpush','a','x')}", array(vec![Value::Nil, bulk(WRONG_TYPE)])),
        ("redis.call('set','n',3.0) return redis.call('get','n')", text("3")),
        ("redis.call('set','n',0.1) return redis.call('get','n')", text("0.1")),
        ("redis.call('set','n',1e20) return redis.call('get','n')", text("1e+20")),
        ("return redis.sha1hex('')", text("da39a3ee5e6b4b0d3255bfef95601890afd80709")),
    ];
    for (script, expected) in cases {
        assert_eq!(eval(&mut client, script), expected, "{script}");
    }
}

const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";

/// What random comparison with redis-server has found.
/// Values of every shape, and how small ones are written must be how others are: a long text beside them,
/// or a metatable, has them take the other way.
#[test]
fn small_values_are_told_as_large_ones_are() {
    const VALUES: [&str; 28] = [
        "0",
        "-0.5",
        "1e15",
        "123456789012",
        "0/0",
        "1/0",
        "true",
        "false",
        "cjson.null",
        "''",
        "'\\0\\1/\\\"\\127\\255'",
        "tostring",
        "{}",
        "{{}}",
        "{1,'a',{2,{3}}}",
        "{1,2,nil,4}",
        "{1,2,[4]=4}",
        "{[1]=1,[3]=3,[200]=2}",
        "{[1.5]=1}",
        "{[0]=0,1}",
        "{[true]=1}",
        "{a=1,b={c='d',e={}},f={1,2}}",
        "{1,x=2}",
        "{ok='fine'}",
        "{1,{ok='fine'}}",
        "{1,{double=1.5},{set={a=true}}}",
        "{setmetatable({}, {__index={1,2}})}",
        "(function() local t = {} for i = 1, 1100 do t[i] = i end return t end)()",
    ];
    let server = TestServer::manual();
    let mut client = server.connect();
    let deep = |levels: usize| format!("{}1{}", "{".repeat(levels), "}".repeat(levels));
    let values = VALUES.iter().map(|value| (*value).to_owned());
    for value in values.chain((13..20).map(deep)) {
        let script = format!(
            "local function json(value)
                 local succeeded, text = pcall(cjson.encode, value)
                 return tostring(succeeded) .. text
             end
             return {{json({{{value}}}), json(setmetatable({{{value}}}, {{}}))}}"
        );
        let Ok(Value::Array(told)) = eval(&mut client, &script) else { panic!("{value}") };
        assert_eq!(told[0], told[1], "JSON of {value}");

        let alone = eval(&mut client, &format!("return {{{value}}}"));
        let beside = eval(&mut client, &format!("return {{{value}, string.rep('x', 20000)}}"));
        let Ok(Value::Array(mut beside)) = beside else { panic!("{value}") };
        beside.pop();
        assert_eq!(alone, array(beside), "reply of {value}");
    }
}

#[test]
fn libraries_keep_to_the_letter() {
    let server = TestServer::manual();
    let mut client = server.connect();
    let cases = [
        ("return cjson.encode({[-2]='x'})", text("{\"-2\":\"x\"}")),
        ("return cjson.encode({[7]='x',a=nil,[1.5]='y'})=='' and 1 or 2", Ok(Value::Int(2))),
        ("return cjson.encode({[1e15]=1})", text("{\"1e+15\":1}")),
        ("return cmsgpack.unpack('\\207'..('\\255'):rep(8))", Ok(Value::Int(-1))),
        (
            "return select(2,pcall(struct.pack,'h'))",
            text("bad argument #2 to 'pack' (number expected, got nil)"),
        ),
        ("return struct.unpack('dc0',struct.pack('d',1e30)..'x')", text("")),
        ("return redis.error_reply('alone').err", text("ERR alone")),
        ("return redis.error_reply('-MY own\\r\\n').err", text("MY own")),
        (
            "return redis.acl_check_cmd('set','k') and redis.acl_check_cmd('xgroup')",
            Ok(Value::Int(1)),
        ),
    ];
    for (script, expected) in cases {
        assert_eq!(eval(&mut client, script), expected, "{script}");
    }
    let nested = "cjson.decode_max_depth(2) local _,e=pcall(cjson.decode,'[[[')\
                  cjson.decode_max_depth(1000) return e";
    let expected = text("Found too many nested data structures (3) at character 3");
    assert_eq!(eval(&mut client, nested), expected);
}

#[test]
fn errors_say_where_they_come_from() {
    let server = TestServer::manual();
    let mut client = server.connect();
    let cases = [
        ("error('boom')", "ERR user_script:1: boom @ @user_script:1."),
        ("\n\nerror('boom')", "ERR user_script:3: boom @ @user_script:3."),
        ("error('boom',0)", "ERR boom @ @user_script:1."),
        ("error({err='MY thing'})", "MY thing @ @user_script:1."),
        ("error({})", "ERR unknown error @ @user_script:1."),
        (
            "return 1+{}",
            "ERR user_script:1: attempt to perform arithmetic on a table value @ @user_script:1.",
        ),
        (
            "redis.call('set','k','v') return redis.call('lpush','k','v')",
            &format!("{WRONG_TYPE} @ @user_script:1."),
        ),
        ("redis.call('nosuch')", "ERR Unknown Redis command called from script @ @user_script:1."),
        (
            "redis.call('get')",
            "ERR Wrong number of args calling Redis command from script @ @user_script:1.",
        ),
        (
            "redis.call('multi')",
            "ERR This Redis command is not allowed from script @ @user_script:1.",
        ),
        (
            "redis.call()",
            "ERR Please specify at least one argument for this redis lib call @ @user_script:1.",
        ),
        (
            "redis.call({})",
            "ERR Lua redis lib command arguments must be strings or integers @ @user_script:1.",
        ),
        ("x=1", "ERR user_script:1: Attempt to modify a readonly table @ @user_script:1."),
        (
            "return x",
            "ERR user_script:1: Script attempted to access nonexistent global variable 'x' @ @user_script:1.",
        ),
        ("rawset(_G,'x',1)", "ERR Attempt to modify a readonly table @ @user_script:1."),
        ("redis.call=1", "ERR user_script:1: Attempt to modify a readonly table @ @user_script:1."),
        (
            "return (",
            "ERR Error compiling script (new function): user_script:1: unexpected symbol near '<eof>'",
        ),
        (
            "#!lua\nreturn redis.call('nosuch')",
            "ERR Unknown Redis command called from script @ @user_script:2.",
        ),
        ("#!lua", "ERR Invalid script shebang"),
        ("#!other\nreturn 1", "ERR Unexpected engine in script shebang: #!other"),
        ("#!lua flags=x\nreturn 1", "ERR Unexpected flag in script shebang: x"),
        ("#!lua name=x\nreturn 1", "ERR Unknown lua shebang option: name=x"),
        ("#!lua \"\"\nreturn 1", "ERR Unknown lua shebang option: "),
        ("#! lua\nreturn 1", "ERR Unexpected engine in script shebang: #!"),
        ("#!lua flags=\"allow-oom\nreturn 1", "ERR Invalid engine in script shebang"),
        ("#!lua flags=\"allow-oom\"x\nreturn 1", "ERR Invalid engine in script shebang"),
        ("#!lua flags=allow-oom, no-writes\nreturn 1", "ERR Unexpected flag in script shebang: "),
        ("#!lua flags=,\nreturn 1", "ERR Unexpected flag in script shebang: "),
        (
            "#!lua 'flags=no-writes, allow-oom'\nreturn 1",
            "ERR Unexpected flag in script shebang:  allow-oom",
        ),
        (
            "#!lua flags=no-writes\nreturn redis.call('set','a','b')",
            "ERR Write commands are not allowed from read-only scripts. @ @user_script:2.",
        ),
    ];
    for (script, expected) in cases {
        assert_eq!(failure(&mut client, script), expected, "{script}");
    }
}

#[test]
fn nothing_of_one_script_is_left_to_the_next() {
    let server = TestServer::manual();
    let mut client = server.connect();
    let attempts = [
        "rawset(_G,'x',1)",
        "_G.x=1",
        "string.upper=nil",
        "getmetatable('').__index=nil",
        "getmetatable(_G).__index=nil",
        "setmetatable(_G,{})",
        "setmetatable(redis,{})",
        "table.insert(redis,1)",
        "table.insert(_G,1)",
        "loadstring('x=1')()",
        "coroutine.wrap(function() x=1 end)()",
        "for k in pairs(redis) do redis[k]=nil end",
        "local f,t,k=pairs(redis) t.call=nil",
        "local f,t,k=pairs(_G) t.redis=nil",
        "loadstring(string.dump(function() return 1 end))()",
    ];
    for script in attempts {
        eval(&mut client, script).expect_err(script);
    }
    for gone in [
        "print", "dofile", "loadfile", "require", "module", "setfenv", "newproxy", "debug", "io",
        "package",
    ] {
        let why = failure(&mut client, &format!("return {gone}"));
        assert!(why.contains("nonexistent global variable"), "{gone}: {why}");
    }
    let os = eval(&mut client, "local n=0 for k in pairs(os) do n=n+1 end return n");
    assert_eq!(os, Ok(Value::Int(1)));
    let script = "return {type(redis.call),('x'):upper(),#redis,#_G,tostring(rawget(_G,'x'))}";
    let expected =
        array(vec![bulk("function"), bulk("X"), Value::Int(0), Value::Int(0), bulk("nil")]);
    assert_eq!(eval(&mut client, script), expected);
}

#[test]
fn a_script_is_one_step_with_the_effects_of_its_commands() {
    let server = TestServer::manual();
    let mut client = server.connect();
    server.sink.drain();
    eval_with(&mut client, "redis.call('set',KEYS[1],ARGV[1]) redis.call('rpush','l','x') return redis.call('incr','n')", &["k"], &["v"])
        .expect("it runs");
    assert_eq!(effects(&server), [["SET k v", "RPUSH l x", "INCRBY n 1"].join("; ")]);
    // What a script has done before it fails stays.
    eval(&mut client, "redis.call('set','k','w') error('x')").expect_err("it fails");
    assert_eq!(client.get::<_, String>("k"), Ok("w".into()));
    assert_eq!(effects(&server), ["SET k w"]);
    // A script that changes nothing leaves nothing.
    eval(&mut client, "return redis.call('get','k')").expect("it runs");
    assert!(effects(&server).is_empty());
}

#[test]
fn the_database_of_a_script_is_its_own() {
    let server = TestServer::manual();
    let mut client = server.connect();
    eval(&mut client, "redis.call('select',3) redis.call('set','k','three')").expect("it runs");
    assert_eq!(client.get::<_, Option<String>>("k"), Ok(None));
    redis::cmd("SELECT").arg(3).exec(&mut client).expect("there are 16");
    assert_eq!(client.get::<_, Option<String>>("k"), Ok(Some("three".into())));
}

#[test]
fn scripts_are_found_by_their_sha() {
    let server = TestServer::manual();
    let mut client = server.connect();
    let sha: String =
        redis::cmd("SCRIPT").arg("LOAD").arg("return 7").query(&mut client).expect("compiles");
    assert_eq!(sha.len(), 40);
    let mut evalsha = redis::cmd("EVALSHA");
    evalsha.arg(sha.to_uppercase()).arg(0);
    assert_eq!(evalsha.query::<i64>(&mut client), Ok(7));
    let exists = |client: &mut redis::Connection, sha: &str| -> Vec<i64> {
        redis::cmd("SCRIPT").arg("EXISTS").arg(sha).arg("x").query(client).expect("answers")
    };
    assert_eq!(exists(&mut client, &sha), [1, 0]);
    redis::cmd("SCRIPT").arg("FLUSH").exec(&mut client).expect("answers");
    assert_eq!(exists(&mut client, &sha), [0, 0]);
    let error = evalsha.query::<i64>(&mut client).expect_err("it is gone");
    assert_eq!(text_of(&error), "NOSCRIPT No matching script. Please use EVAL.");
}

#[test]
fn scripts_of_eval_make_room_for_each_other() {
    let server = TestServer::manual();
    let mut client = server.connect();
    let kept: String =
        redis::cmd("SCRIPT").arg("LOAD").arg("return 'kept'").query(&mut client).expect("compiles");
    for number in 0..520 {
        assert_eq!(eval(&mut client, &format!("return {number}")), Ok(Value::Int(number)));
    }
    assert_eq!(server.server.scripts.cache.count(), 501);
    assert_eq!(server.server.scripts.cache.evicted(), 20);
    let mut evalsha = redis::cmd("EVALSHA");
    assert_eq!(evalsha.arg(kept).arg(0).query::<String>(&mut client), Ok("kept".into()));
}

#[test]
fn a_script_runs_in_a_transaction_and_serves_who_waits() {
    let server = TestServer::start();
    let mut client = server.connect();
    let replies: (String, i64) = redis::pipe()
        .atomic()
        .cmd("SET")
        .arg("k")
        .arg("1")
        .cmd("EVAL")
        .arg("return redis.call('incr','k')")
        .arg(0)
        .query(&mut client)
        .expect("it runs");
    assert_eq!(replies, ("OK".into(), 2));
    let mut waiting = server.connect();
    let popped = std::thread::spawn(move || -> (String, String) {
        redis::cmd("BLPOP").arg("queue").arg(10).query(&mut waiting).expect("served")
    });
    while server
        .server
        .keyspace
        .run(forebay::keyspace::ShardSet::ALL, 0, 0, |tx| tx.waited_keys_total())
        == 0
    {
        std::thread::yield_now();
    }
    let script = "redis.call('rpush','queue','job') return redis.call('llen','queue')";
    assert_eq!(eval(&mut client, script), Ok(Value::Int(1)));
    assert_eq!(popped.join().expect("no panic"), ("queue".into(), "job".into()));
    assert_eq!(eval(&mut client, "return redis.call('blpop','queue',0)"), Ok(Value::Nil));
}

#[test]
fn a_script_that_runs_wild_can_be_ended() {
    let server = TestServer::configured("busy-reply-threshold 100");
    let mut runaway = server.connect();
    let running = std::thread::spawn(move || {
        eval(&mut runaway, "while true do pcall(function() while true do end end) end")
    });
    let mut client = server.connect();
    let busy = loop {
        let pinged: redis::RedisResult<String> = redis::cmd("PING").query(&mut client);
        if let Err(error) = pinged {
            break text_of(&error);
        }
    };
    assert_eq!(
        busy,
        "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
    );
    // Whatever needs a key is told as well, without waiting.
    let error = client.get::<_, Option<String>>("k").expect_err("it is busy");
    assert_eq!(error.code(), Some("BUSY"));
    redis::cmd("SCRIPT").arg("KILL").exec(&mut client).expect("it can be ended");
    let ended = running.join().expect("no panic").expect_err("it was ended");
    assert!(ended.starts_with("ERR Script killed by user with SCRIPT KILL... script: "), "{ended}");
    client.set::<_, _, ()>("k", "v").expect("it serves again");
    let error = redis::cmd("SCRIPT").arg("KILL").exec(&mut client).expect_err("nothing runs");
    assert_eq!(text_of(&error), "NOTBUSY No scripts in execution right now.");
}

#[test]
fn a_script_that_has_written_cannot_be_ended() {
    let server = TestServer::configured("busy-reply-threshold 20");
    let mut runaway = server.connect();
    let running = std::thread::spawn(move || {
        let script =
            "redis.call('set','k','v') local x = 0 for i = 1, 200000000 do x = x + 1 end return x";
        eval(&mut runaway, script)
    });
    let mut client = server.connect();
    while redis::cmd("PING").query::<String>(&mut client).is_ok() {}
    for sort in ["SCRIPT", "FUNCTION"] {
        let error = redis::cmd(sort).arg("KILL").exec(&mut client).expect_err("it has written");
        assert_eq!(error.code(), Some("UNKILLABLE"), "{sort}");
    }
    assert_eq!(running.join().expect("no panic"), Ok(Value::Int(200_000_000)));
    assert_eq!(client.get::<_, String>("k"), Ok("v".into()));
}

#[test]
fn who_comes_before_the_threshold_waits_without_a_thread() {
    let server = TestServer::configured("busy-reply-threshold 600000");
    let mut slow = server.connect();
    let running = std::thread::spawn(move || {
        eval(
            &mut slow,
            "local x = 0 for i = 1, 10000000 do x = x + 1 end redis.call('set','k','done') return x",
        )
    });
    // More commands than there are threads wait for the script; who needs no key is served.
    let mut waiting = Vec::new();
    for _ in 0..8 {
        let mut client = server.connect();
        waiting.push(std::thread::spawn(move || {
            loop {
                if let Some(value) = client.get::<_, Option<String>>("k").expect("it answers") {
                    return value;
                }
            }
        }));
    }
    let mut client = server.connect();
    assert_eq!(redis::cmd("PING").query::<String>(&mut client), Ok("PONG".into()));
    assert_eq!(running.join().expect("no panic"), Ok(Value::Int(10_000_000)));
    for one in waiting {
        assert_eq!(one.join().expect("no panic"), "done");
    }
}

#[test]
fn a_script_does_not_take_the_servers_memory() {
    let server = TestServer::configured("script-memory-limit 32mb");
    let mut client = server.connect();
    let hogs = [
        "return #string.rep('x', 1000000000)",
        "local t = {} for i = 1, 100000000 do t[i] = {} end",
        "local s = 'x' while true do s = s .. s end",
        "local t = {} for i = 1, 1000 do t[i] = string.rep('x', 100000) end return #table.concat(t)",
    ];
    for hog in hogs {
        let why = eval(&mut client, hog).expect_err("it may not");
        assert!(why.contains("not enough memory"), "{hog}: {why}");
        assert_eq!(eval(&mut client, "return 'fine'"), text("fine"));
    }
    eval(&mut client, "redis.call('set','k',string.rep('x',5000000)) return 1").expect("that fits");
    let why =
        eval(&mut client, "local t = {} for i = 1, 100 do t[i] = redis.call('get','k')..i end")
            .expect_err("too much");
    assert!(why.contains("not enough memory"), "{why}");
    assert!(server.server.scripts.cache.state_bytes() < 40 << 20);
}

const LIBRARY: &str = "#!lua name=lib
local calls = 0
redis.register_function('count', function(keys, args) calls = calls + 1 return {keys[1], args[1], calls} end)
redis.register_function{function_name='read', callback=function(keys) return redis.call('get', keys[1]) end, flags={'no-writes'}, description='reads'}
redis.register_function('fail', function()
  error('oops') end)
redis.register_function('put', function(keys, args) return redis.call('set', keys[1], args[1]) end)";

fn function(client: &mut redis::Connection, words: &[&str]) -> Result<Value, String> {
    redis::cmd("FUNCTION").arg(words).query(client).map_err(|error| text_of(&error))
}

fn fcall(client: &mut redis::Connection, words: &[&str]) -> Result<Value, String> {
    redis::cmd(words[0]).arg(&words[1..]).query(client).map_err(|error| text_of(&error))
}

#[test]
fn functions_are_loaded_called_and_removed() {
    let server = TestServer::manual();
    let mut client = server.connect();
    server.sink.drain();
    assert_eq!(function(&mut client, &["LOAD", LIBRARY]), text("lib"));
    assert_eq!(server.sink.drain().len(), 1);
    let called = |number| array(vec![bulk("k"), bulk("a"), Value::Int(number)]);
    assert_eq!(fcall(&mut client, &["FCALL", "count", "1", "k", "a"]), called(1));
    // A library's own variables live on.
    assert_eq!(fcall(&mut client, &["FCALL", "count", "1", "k", "a"]), called(2));
    assert_eq!(fcall(&mut client, &["FCALL", "put", "1", "k", "v"]), Ok(Value::Okay));
    assert_eq!(effects(&server), ["SET k v"]);
    assert_eq!(fcall(&mut client, &["FCALL_RO", "read", "1", "k"]), text("v"));
    let refused = "ERR Can not execute a script with write flag using *_ro command.";
    assert_eq!(fcall(&mut client, &["FCALL_RO", "put", "1", "k", "v"]), Err(refused.into()));
    let oops = "ERR user_function:6: oops script: fail, on @user_function:6.";
    assert_eq!(fcall(&mut client, &["FCALL", "fail", "0"]), Err(oops.into()));
    assert_eq!(fcall(&mut client, &["FCALL", "none", "0"]), Err("ERR Function not found".into()));
    assert_eq!(fcall(&mut client, &["FCALL", "none", "x"]), Err("ERR Function not found".into()));
    assert_eq!(fcall(&mut client, &["FCALL_RO", "READ", "1", "k"]), text("v"));
    let again = "ERR Library 'lib' already exists";
    assert_eq!(function(&mut client, &["LOAD", LIBRARY]), Err(again.into()));
    assert_eq!(function(&mut client, &["LOAD", "REPLACE", LIBRARY]), text("lib"));
    let dump = function(&mut client, &["DUMP"]).expect("answers");
    let Value::BulkString(dump) = dump else { panic!("{dump:?}") };
    assert_eq!(function(&mut client, &["DELETE", "lib"]), Ok(Value::Okay));
    assert_eq!(function(&mut client, &["DELETE", "lib"]), Err("ERR Library not found".into()));
    redis::cmd("FUNCTION").arg("RESTORE").arg(&dump).exec(&mut client).expect("it fits");
    assert_eq!(fcall(&mut client, &["FCALL", "count", "1", "k", "a"]), called(1));
    let why = redis::cmd("FUNCTION").arg("RESTORE").arg(&dump).exec(&mut client);
    let again = "ERR Library lib already exists";
    assert_eq!(why.map_err(|error| text_of(&error)), Err(again.into()));
    assert_eq!(function(&mut client, &["FLUSH"]), Ok(Value::Okay));
    assert_eq!(server.server.scripts.libraries.functions_count(), 0);
}

#[test]
fn functions_come_back_from_the_journal_and_from_a_snapshot() {
    let settings = "journal-segment-size 64kb\njournal-reserve-size 64kb\n";
    let disk = SimDisk::new();
    let server = TestServer::on_disk(settings, None, Arc::new(disk.clone()));
    let mut client = server.connect();
    assert_eq!(function(&mut client, &["LOAD", LIBRARY]), text("lib"));
    let called = array(vec![bulk("k"), bulk("a"), Value::Int(1)]);
    let from_journal = disk.after_kill();
    redis::cmd("SAVE").exec(&mut client).expect("it is saved");
    for disk in [from_journal, disk.after_kill()] {
        let server = TestServer::on_disk(settings, None, Arc::new(disk));
        let mut client = server.connect();
        assert_eq!(fcall(&mut client, &["FCALL", "count", "1", "k", "a"]), called);
        assert_eq!(function(&mut client, &["FLUSH"]), Ok(Value::Okay));
    }
}

#[test]
fn info_tells_of_scripts_and_functions() {
    let server = TestServer::start();
    let mut client = server.connect();
    let field = |client: &mut redis::Connection, name: &str| -> u64 {
        let info: redis::InfoDict =
            redis::cmd("INFO").arg("memory").query(client).expect("answers");
        info.get(name).unwrap_or_else(|| panic!("no {name}"))
    };
    assert_eq!(field(&mut client, "used_memory_vm_total"), 0);
    eval(&mut client, "return 1").expect("answers");
    eval(&mut client, "return 2").expect("answers");
    function(&mut client, &["LOAD", LIBRARY]).expect("it is right");
    fcall(&mut client, &["FCALL", "count", "1", "k", "a"]).expect("it is there");
    assert_eq!(field(&mut client, "number_of_cached_scripts"), 2);
    assert_eq!(field(&mut client, "number_of_functions"), 4);
    assert_eq!(field(&mut client, "number_of_libraries"), 1);
    for name in ["used_memory_scripts_eval", "used_memory_functions", "used_memory_vm_functions"] {
        assert!(field(&mut client, name) > 0, "{name}");
    }
    let (eval, functions) =
        (field(&mut client, "used_memory_vm_eval"), field(&mut client, "used_memory_vm_functions"));
    assert_eq!(field(&mut client, "used_memory_vm_total"), eval + functions);
}

#[test]
fn libraries_that_are_not_right_are_refused() {
    let server = TestServer::manual();
    let mut client = server.connect();
    let cases = [
        ("x", "ERR Missing library metadata"),
        ("#!lua", "ERR Invalid library metadata"),
        ("#!lua\nx=1", "ERR Library name was not given"),
        (
            "#!lua name=a-b\nx=1",
            "ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one character long",
        ),
        ("#!other name=a\nreturn 1", "ERR Engine 'other' not found"),
        ("#!lua name=a foo=b\nreturn 1", "ERR Invalid metadata value given: foo=b"),
        ("#!lua name=a\nreturn 1", "ERR No functions registered"),
        (
            "#!lua name=a\nx=1",
            "ERR Error registering functions: ERR user_function:2: Attempt to modify a readonly table",
        ),
        (
            "#!lua name=a\nredis.call('ping')",
            "ERR Error registering functions: ERR user_function:2: Script attempted to access nonexistent global variable 'call'",
        ),
        (
            "#!lua name=a\nerror('x')",
            "ERR Error registering functions: ERR user_function:2: Script attempted to access nonexistent global variable 'error'",
        ),
        (
            "#!lua name=a\nredis.register_function()",
            "ERR Error registering functions: ERR wrong number of arguments to redis.register_function",
        ),
        (
            "#!lua name=a\nredis.register_function(",
            "ERR Error compiling function: user_function:2: unexpected symbol near '<eof>'",
        ),
        (
            "#!lua name=a\nwhile true do end",
            "ERR Error registering functions: ERR FUNCTION LOAD timeout",
        ),
    ];
    for (code, expected) in cases {
        assert_eq!(function(&mut client, &["LOAD", code]), Err(expected.into()), "{code}");
    }
}

#[test]
fn the_first_line_is_in_words_that_may_be_quoted() {
    let server = TestServer::manual();
    let mut client = server.connect();
    for line in [
        "#!lua flags=",
        "#!\"lua\" 'flags=allow-oom'",
        "#!\"l\\x75a\" flags=\"no-writes\" flags=allow-oom",
        "#!lua\tflags=no-writes\r",
    ] {
        assert_eq!(eval(&mut client, &format!("{line}\nreturn 1")), Ok(Value::Int(1)), "{line}");
    }
    let register = "redis.register_function('f', function() end)";
    let mut load = |line: &str| {
        let code = format!("{line}\n{register}");
        let words = ["LOAD", "REPLACE", &code];
        let loaded = redis::cmd("FUNCTION").arg(&words).query::<String>(&mut client);
        loaded.map_err(|error| text_of(&error))
    };
    let lines = [
        "#!lua name=\"a\"",
        "#!lua \"name=a\"",
        "#!lua name='a'",
        "#!LuA NAME=a",
        "#!\"lua\" name=a",
    ];
    for line in lines {
        assert_eq!(load(line), Ok("a".into()), "{line}");
    }
    for (line, why) in [
        ("#!lua name=\"a", "ERR Invalid library metadata"),
        ("#!lua name=\"a\"b", "ERR Invalid library metadata"),
        ("#! lua name=a", "ERR Invalid metadata value given: lua"),
        ("#!\"\" name=a", "ERR Engine '' not found"),
    ] {
        assert_eq!(load(line), Err(why.into()), "{line}");
    }
}

#[test]
fn numbers_are_texts_where_a_library_names_its_functions() {
    let server = TestServer::manual();
    let mut client = server.connect();
    let mut load = |body: &str| {
        let code = format!("#!lua name=a\n{body}");
        let words = ["LOAD", "REPLACE", &code];
        let loaded = redis::cmd("FUNCTION").arg(&words).query::<String>(&mut client);
        loaded.map_err(|error| text_of(&error))
    };
    for body in [
        "redis.register_function(1, function() end)",
        "redis.register_function{function_name=1, callback=function() end}",
        "redis.register_function{function_name='f', description=0.1, callback=function() end}",
        "redis.register_function{function_name='f', flags={'NO-Writes'}, callback=function() end}",
    ] {
        assert_eq!(load(body), Ok("a".into()), "{body}");
    }
    let refused = "ERR Error registering functions: ERR ";
    let bad_name = "Library names can only contain letters, numbers, or underscores(_) and must \
                    be at least one character long";
    let unknown = "unknown argument given to redis.register_function";
    let key = "named argument key given to redis.register_function is not a string";
    for (body, why) in [
        ("redis.register_function(1e16, function() end)", bad_name),
        ("redis.register_function{1}", unknown),
        ("redis.register_function{[1]='f', callback=function() end}", unknown),
        ("redis.register_function{[true]='f'}", key),
        (
            "redis.register_function(true, function() end)",
            "first argument to redis.register_function must be a string",
        ),
    ] {
        assert_eq!(load(body), Err(format!("{refused}{why}")), "{body}");
    }
    let mut raw = server.raw();
    assert_eq!(
        raw.ask("function flush SYNC x"),
        "-ERR unknown subcommand or wrong number of arguments for 'flush'. Try FUNCTION HELP."
    );
    assert_eq!(raw.ask("FUNCTION FLUSH x"), "-ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
}

#[test]
fn scripts_find_the_handler_that_places_errors() {
    let server = TestServer::manual();
    let mut client = server.connect();
    let place = r#""line":1,"source":"@user_script""#;
    for (raised, told) in [
        ("'boo'", r#""err":"ERR user_script:1: boo","#),
        ("{err='boo'}", r#""err":"boo","#),
        ("nil", r#""err":"ERR nil","#),
        ("{a=1}", r#""a":1,"#),
    ] {
        let script = format!(
            "local _, e = xpcall(function() error({raised}) end, __redis__err__handler)
             local l, s = e.line, e.source e.line, e.source = nil, nil
             return cjson.encode(e):sub(1, -2) .. ',\"line\":' .. l .. ',\"source\":\"' .. s .. '\"}}'"
        );
        let whole = format!("{{{told}{place}}}");
        assert_eq!(eval(&mut client, &script), text(&whole), "{raised}");
    }
    assert_eq!(eval(&mut client, "return __redis__err__handler('x')"), Err("ERR x".into()));
    let library = "#!lua name=a\nredis.register_function('f', function() \
                   return type(__redis__err__handler) end)";
    redis::cmd("FUNCTION").arg(&["LOAD", library]).exec(&mut client).expect("it is right");
    let called = redis::cmd("FCALL").arg(&["f", "0"]).exec(&mut client);
    let why = text_of(&called.expect_err("functions have none"));
    assert!(why.contains("nonexistent global variable '__redis__err__handler'"), "{why}");
}
