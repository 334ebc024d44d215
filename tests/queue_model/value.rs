//! Replies, as far as they are compared.

use std::fmt;

use crate::model::{Id, show};

#[derive(Clone, PartialEq)]
pub enum Value {
    Nil,
    Int(i64),
    Text(String),
    Array(Vec<Value>),
    /// Its first word.
    Error(String),
}

impl Value {
    pub fn ok() -> Value {
        Value::text("OK")
    }

    pub fn text(text: &str) -> Value {
        Value::Text(text.to_string())
    }

    pub fn id(id: Id) -> Value {
        Value::Text(show(id))
    }

    pub fn error(text: &str) -> Value {
        Value::Error(text.to_string())
    }

    /// Reads a whole reply of RESP2.
    pub fn parse(reply: &[u8]) -> Value {
        let mut rest = reply;
        let value = Value::read(&mut rest);
        assert!(rest.is_empty(), "more than a reply: {}", reply.escape_ascii());
        value
    }

    fn read(rest: &mut &[u8]) -> Value {
        let end = rest.windows(2).position(|pair| pair == b"\r\n").expect("a whole line");
        let line = String::from_utf8_lossy(&rest[1..end]).into_owned();
        let kind = rest[0];
        *rest = &rest[end + 2..];
        let number = || line.parse::<i64>().expect("a number");
        match kind {
            b':' => Value::Int(number()),
            b'+' => Value::Text(line),
            b'-' => Value::error(line.split(' ').next().unwrap_or_default()),
            b'$' | b'*' if number() < 0 => Value::Nil,
            b'$' => {
                let (text, after) = rest.split_at(number() as usize);
                *rest = &after[2..];
                Value::Text(String::from_utf8_lossy(text).into_owned())
            }
            b'*' => Value::Array((0..number()).map(|_| Value::read(rest)).collect()),
            other => panic!("a reply of RESP2 begins with {}", other.escape_ascii()),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Nil => write!(f, "nil"),
            Value::Int(number) => write!(f, ":{number}"),
            Value::Text(text) => write!(f, "{text:?}"),
            Value::Error(text) => write!(f, "-{text}"),
            Value::Array(items) => {
                f.write_str("[")?;
                for (at, item) in items.iter().enumerate() {
                    write!(f, "{}{item:?}", if at > 0 { " " } else { "" })?;
                }
                f.write_str("]")
            }
        }
    }
}
