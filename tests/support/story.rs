//! Stories: commands with the replies that redis-server 8.2.3 gives, told through the `redis` crate.

use redis::Value;

use super::TestServer;

/// A reply as text: lists in brackets, `nil`, errors behind an exclamation mark, `""` for nothing.
pub fn told(reply: &Result<Value, redis::RedisError>) -> String {
    match reply {
        Ok(value) => value_told(value),
        Err(error) => match (error.code(), error.detail()) {
            (Some(code), Some(detail)) => format!("!{code} {detail}"),
            _ => format!("!{error}"),
        },
    }
}

fn value_told(value: &Value) -> String {
    match value {
        Value::Nil => "nil".into(),
        Value::Int(number) => number.to_string(),
        Value::BulkString(text) if text.is_empty() => "\"\"".into(),
        Value::BulkString(text) => String::from_utf8_lossy(text).into_owned(),
        Value::SimpleString(text) => text.clone(),
        Value::Okay => "OK".into(),
        Value::Array(values) => {
            format!("[{}]", values.iter().map(value_told).collect::<Vec<_>>().join(" "))
        }
        other => panic!("a reply of RESP2 holds no {other:?}"),
    }
}

/// Sends a line, its words parted by single spaces; the reply as text.
pub fn ask(client: &mut redis::Connection, line: &str) -> String {
    let mut words = line.split(' ').map(|word| if word == "\"\"" { "" } else { word });
    let mut command = redis::cmd(words.next().expect("a line has a name"));
    words.for_each(|word| {
        command.arg(word);
    });
    told(&command.query(client))
}

/// Tells a story of lines `command => reply` to an empty server.
pub fn tell(story: &str) {
    let server = TestServer::start();
    let mut client = server.connect();
    let mut lines = 0;
    for line in story.lines().filter(|line| !line.is_empty()) {
        let (command, reply) = line.split_once(" => ").expect("a line has a command and a reply");
        assert_eq!(ask(&mut client, command), reply, "{command}");
        lines += 1;
    }
    assert!(lines > 0, "there is a story");
}
