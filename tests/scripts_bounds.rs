//! What scripts may not: take the server's memory by what Rust makes for them, leave half of a
//! restore, write when nothing may be written, or keep those waiting whom nothing holds up.

mod support;

use std::time::Duration;

use redis::Value;
use support::TestServer;

/// A client's reply to EVAL of a script without keys, as one line.
fn eval(client: &mut redis::Connection, script: &str) -> Result<Value, String> {
    let called = redis::cmd("EVAL").arg(script).arg(0).query(client);
    called.map_err(|error: redis::RedisError| {
        format!("{} {}", error.code().unwrap_or_default(), error.detail().unwrap_or_default())
    })
}

fn function(client: &mut redis::Connection, words: &[&str]) -> redis::RedisResult<Value> {
    redis::cmd("FUNCTION").arg(words).query(client)
}

#[test]
fn what_rust_makes_for_a_script_counts_as_the_scripts() {
    let server = TestServer::configured("script-memory-limit 8mb");
    let mut client = server.connect();
    let many = "local s, t = string.rep('x', 1000000), {} for i = 1, 5000 do t[i] = s end ";
    let nested =
        "local t = {'x'} for i = 1, 12 do local u = {} for j = 1, 20 do u[j] = t end t = u end ";
    for made in [many, nested] {
        for told in ["return #cjson.encode(t)", "return #cmsgpack.pack(t)", "return t"] {
            let why = eval(&mut client, &format!("{made}{told}")).expect_err("it is too much");
            assert!(why.contains("not enough memory"), "{told}: {why}");
            assert_eq!(eval(&mut client, "return 1"), Ok(Value::Int(1)), "{told}");
        }
    }
}

#[test]
fn small_values_that_rust_makes_for_a_script_count_as_well() {
    let server = TestServer::configured("script-memory-limit 2mb");
    let mut client = server.connect();
    let filled =
        "redis.call('rpush', 'l', 'a', 'b', 'c', 'd') return redis.call('set', 'k', 'v').ok";
    assert_eq!(eval(&mut client, filled), Ok(Value::BulkString(b"OK".into())));
    for made in [
        "redis.call('lrange', 'l', 0, -1)",
        "redis.call('echo', 'echoed ' .. i)",
        "redis.pcall('set', 'k', 'v')",
        "redis.pcall('lrange', 'k', 0, -1)",
        "cmsgpack.unpack('\\148\\1\\2\\3\\4')",
    ] {
        let script = format!("local t = {{}} for i = 1, 50000 do t[i] = {made} end return #t");
        let why = eval(&mut client, &script).expect_err("it is too much");
        assert!(why.contains("not enough memory"), "{made}: {why}");
        let within = format!("local t = {{}} for i = 1, 100 do t[i] = {made} end return #t");
        assert_eq!(eval(&mut client, &within), Ok(Value::Int(100)), "{made}");
    }
}

#[test]
fn what_was_unpacked_can_be_large_or_many() {
    let server = TestServer::manual();
    let mut client = server.connect();
    // An array of 100,000 numbers, and more values than a small call gives.
    let large = "return #cmsgpack.unpack('\\221\\0\\1\\134\\160' .. string.rep('\\7', 100000))";
    assert_eq!(eval(&mut client, large), Ok(Value::Int(100_000)));
    let many = "return {cmsgpack.unpack('\\1\\192\\195\\161x\\145\\5')}";
    let first = Value::Array(vec![Value::Int(1)]);
    assert_eq!(eval(&mut client, many), Ok(first), "nil ends the table");
    let count = "return select('#', cmsgpack.unpack('\\1\\192\\195\\161x\\145\\5'))";
    assert_eq!(eval(&mut client, count), Ok(Value::Int(5)));
}

#[test]
fn lengths_that_were_made_up_take_no_memory() {
    let server = TestServer::configured("script-memory-limit 32mb");
    let mut client = server.connect();
    // Arrays of 2³²-1 elements in one another, and the same of maps.
    for head in ["\\221\\221\\221\\221", "\\221\\223"] {
        let script = format!(
            "return cmsgpack.unpack('{head}' .. string.rep('\\221\\255\\255\\255\\255', 1000) .. \
             string.rep('\\223\\255\\255\\255\\255\\1', 1000) .. string.rep('a', 1000000))"
        );
        let why = eval(&mut client, &script).expect_err("it ends too early");
        assert!(why.contains("Missing bytes in input."), "{why}");
    }
    assert!(server.server.scripts.cache.state_bytes() < 20 << 20);
}

#[test]
fn a_script_can_be_ended_while_rust_works_for_it() {
    let server = TestServer::configured("busy-reply-threshold 50\nscript-memory-limit 0");
    let mut runaway = server.connect();
    let running = std::thread::spawn(move || {
        // 2⁴⁰ empty tables are told as nothing.
        eval(
            &mut runaway,
            "local t = {} for i = 1, 15 do t = {t, t, t, t, t, t} end \
             for i = 1, 1000000 do end cmsgpack.pack(t)",
        )
    });
    let mut client = server.connect();
    let ended = || redis::cmd("SCRIPT").arg("KILL").exec(&mut server.connect());
    server.wait_until("the script is busy", || server.server.scripts.running.busy().is_some());
    ended().expect("it can be ended");
    let why = running.join().expect("no panic").expect_err("it was ended");
    assert!(why.starts_with("ERR Script killed by user with SCRIPT KILL..."), "{why}");
    assert_eq!(eval(&mut client, "return 1"), Ok(Value::Int(1)));
}

#[test]
fn a_restore_leaves_what_was_there_as_it_was() {
    let server = TestServer::manual();
    let mut client = server.connect();
    let kept = "#!lua name=kept\nlocal calls = 0\n\
                redis.register_function('count', function() calls = calls + 1 return calls end)";
    let other = "#!lua name=other\nredis.register_function('f', function() return 1 end)";
    let colliding = "#!lua name=third\nredis.register_function('count', function() end)";
    function(&mut client, &["LOAD", other]).expect("it is right");
    function(&mut client, &["LOAD", colliding]).expect("it is right");
    let Value::BulkString(dump) = function(&mut client, &["DUMP"]).expect("answers") else {
        panic!("a dump is a string");
    };
    function(&mut client, &["FLUSH"]).expect("always");
    function(&mut client, &["LOAD", kept]).expect("it is right");
    let count = |client: &mut redis::Connection| -> i64 {
        redis::cmd("FCALL").arg("count").arg(0).query(client).expect("it is there")
    };
    assert_eq!(count(&mut client), 1);
    let restore = |client: &mut redis::Connection, policy: &str| {
        redis::cmd("FUNCTION").arg("RESTORE").arg(&dump).arg(policy).exec(client)
    };
    for policy in ["APPEND", "REPLACE"] {
        let refused = restore(&mut client, policy).expect_err("both have a function `count`");
        assert_eq!(refused.detail(), Some("Function count already exists"));
    }
    // Nothing of the other library has come, and what the first one holds has stayed.
    assert_eq!(server.server.scripts.libraries.count(), 1);
    assert_eq!(count(&mut client), 2);
    restore(&mut client, "FLUSH").expect("nothing is in its way");
    assert_eq!(server.server.scripts.libraries.count(), 2);
}

#[test]
fn a_script_writes_nothing_at_the_limit_of_memory() {
    let server = TestServer::manual();
    let mut client = server.connect();
    let mut keeper = server.raw();
    assert_eq!(keeper.ask("CONFIG SET maxmemory 1"), "+OK");
    let writes = "redis.call('set', 'k', 'v') return 1";
    let why = eval(&mut client, writes).expect_err("there is no room");
    assert!(why.starts_with("OOM command not allowed when used memory > 'maxmemory'."), "{why}");
    let why = eval(&mut client, &format!("#!lua\n{writes}")).expect_err("there is no room");
    assert_eq!(why, "OOM command not allowed when used memory > 'maxmemory'.");
    assert_eq!(keeper.ask("EVAL_RO #!lua\nreturn\t1 0"), format!("-{why}"));
    assert_eq!(keeper.ask("MULTI"), "+OK");
    assert_eq!(keeper.ask("EVAL return\t1 0"), "+QUEUED");
    assert_eq!(keeper.ask("EVAL #!lua\nreturn\t1 0"), format!("-{why}"));
    let aborted = "-EXECABORT Transaction discarded because of previous errors.";
    assert_eq!(keeper.ask("EXEC"), aborted);
    let allowed = format!("#!lua flags=allow-oom\n{writes}");
    assert_eq!(eval(&mut client, &allowed), Ok(Value::Int(1)));
    assert_eq!(keeper.ask("GET k"), "$1 v");
}

#[test]
fn a_long_call_into_the_library_of_lua_holds_nobody_up() {
    let server = TestServer::configured("busy-reply-threshold 50");
    let running = &server.server.scripts.running;
    // No instruction is counted within the call, which takes 2²⁴ steps; then it goes on for ever.
    let patterns = "local a, q = string.rep('a', 24), string.rep('a?', 24)
                    string.find(a, q .. a) while true do end";
    let functions =
        format!("#!lua name=x\nredis.register_function('find', function() {patterns} end)");
    redis::cmd("FUNCTION").arg(&["LOAD", &functions]).exec(&mut server.connect()).expect("right");
    for (words, kill) in
        [(&["EVAL", patterns, "0"], "SCRIPT"), (&["FCALL", "find", "0"], "FUNCTION")]
    {
        let mut runaway = server.connect();
        let words = words.map(String::from);
        let ran = std::thread::spawn(move || {
            redis::cmd(&words[0]).arg(&words[1..]).query::<Value>(&mut runaway)
        });
        server.wait_until("the script is busy", || running.busy().is_some());
        assert_eq!(running.description(), None, "it is still in its first call");
        for request in ["PING", "GET k", "INFO", "CONFIG GET save", "SET k v"] {
            let mut client = server.raw();
            client.command(request);
            assert!(client.has_reply_within(Duration::from_secs(5)), "{request} waits");
            assert!(client.reply().starts_with("-BUSY "), "{request}");
        }
        assert_eq!(running.description(), None, "it is still in its first call");
        assert_eq!(server.raw().ask(&format!("{kill} KILL")), "+OK");
        let why = ran.join().expect("no panic").expect_err("it was ended");
        assert!(why.to_string().contains("Script killed by user with SCRIPT KILL..."), "{why}");
        assert_eq!(server.raw().ask("PING"), "+PONG");
    }
}

#[test]
fn a_script_that_makes_much_garbage_is_ended_like_others() {
    for _ in 0..10 {
        let server = TestServer::configured("busy-reply-threshold 20");
        let running = &server.server.scripts.running;
        let mut runaway = server.connect();
        let script = "while true do local x = string.rep('x', 100000) end";
        let ran = std::thread::spawn(move || eval(&mut runaway, script));
        // More of them than there are threads, from before it is busy on.
        let waiting: Vec<_> = (0..8).map(|_| server.raw()).collect();
        let waiting: Vec<_> = waiting
            .into_iter()
            .map(|mut client| {
                client.command("GET k");
                client
            })
            .collect();
        server.wait_until("the script is busy", || running.busy().is_some());
        for mut client in waiting {
            assert!(client.has_reply_within(Duration::from_secs(5)), "it waits for the script");
            let reply = client.reply();
            // It may have come before the script.
            assert!(reply.starts_with("-BUSY ") || reply == "$-1", "{reply}");
        }
        assert_eq!(server.raw().ask("SCRIPT KILL"), "+OK");
        ran.join().expect("no panic").expect_err("it was ended");
    }
}

#[test]
fn exec_is_answered_while_a_script_is_busy() {
    let server = TestServer::configured("busy-reply-threshold 50");
    let mut client = server.raw();
    assert_eq!(client.ask("WATCH k"), "+OK");
    assert_eq!(client.ask("MULTI"), "+OK");
    assert_eq!(client.ask("GET k"), "+QUEUED");
    let mut runaway = server.connect();
    let running = std::thread::spawn(move || eval(&mut runaway, "while true do end"));
    server.wait_until("the script is busy", || server.server.scripts.running.busy().is_some());
    client.command("EXEC");
    assert!(client.has_reply_within(Duration::from_secs(5)), "EXEC waits for the script");
    let refused = client.reply();
    assert!(refused.starts_with("-EXECABORT Transaction discarded because of: BUSY"), "{refused}");
    redis::cmd("SCRIPT").arg("KILL").exec(&mut server.connect()).expect("it can be ended");
    running.join().expect("no panic").expect_err("it was ended");
    // The watch has gone with the transaction.
    let mut other = server.raw();
    assert_eq!(other.ask("SET k 1"), "+OK");
    assert_eq!(client.ask("MULTI"), "+OK");
    assert_eq!(client.ask("GET k"), "+QUEUED");
    assert_eq!(client.ask("EXEC"), "*1 $1 1");
}

#[test]
fn large_tables_are_told_whole() {
    let server = TestServer::manual();
    let mut client = server.connect();
    let made = "local t, m = {}, {} for i = 1, 30000 do t[i] = 's' .. i; m['k' .. i] = {i} end ";
    let told = eval(&mut client, &format!("{made} return t")).expect("it is told");
    let Value::Array(values) = told else { panic!("{told:?}") };
    assert_eq!(values.len(), 30_000);
    assert_eq!(values[29_999], Value::BulkString(b"s30000".to_vec()));
    let told = eval(&mut client, &format!("{made} redis.setresp(3) return {{map = m}}"));
    let Ok(Value::Array(values)) = told else { panic!("{told:?}") };
    assert_eq!(values.len(), 60_000);
    for (there, back) in [("cjson.encode", "cjson.decode"), ("cmsgpack.pack", "cmsgpack.unpack")] {
        let same = format!(
            "{made} local t2, m2 = {back}({there}(t)), {back}({there}(m))
             assert(#t2 == #t)
             for i = 1, #t do assert(t2[i] == t[i] and m2['k' .. i][1] == i) end
             local deep = t for i = 1, 10 do deep = {{deep, a = t}} end
             return #{there}(deep)"
        );
        assert!(matches!(eval(&mut client, &same), Ok(Value::Int(2_000_000..))), "{there}");
    }
}
