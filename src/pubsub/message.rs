//! The forms of what is pushed.

use crate::resp::{Proto, Reply};

/// A message without its first byte, which alone tells the two protocols apart.
pub struct Message(Vec<u8>);

impl Message {
    pub fn to_channel(kind: &str, channel: &[u8], payload: &[u8]) -> Message {
        Message::of(&[kind.as_bytes(), channel, payload])
    }

    pub fn to_pattern(pattern: &[u8], channel: &[u8], payload: &[u8]) -> Message {
        Message::of(&[b"pmessage", pattern, channel, payload])
    }

    fn of(parts: &[&[u8]]) -> Message {
        let room = parts.iter().map(|part| part.len() + 16).sum::<usize>() + 8;
        let mut bytes = Vec::with_capacity(room);
        let mut reply = Reply::new(&mut bytes, Proto::Resp3);
        reply.push(parts.len());
        parts.iter().for_each(|part| reply.bulk(part));
        Message(bytes)
    }

    /// The message in two parts, to be sent together.
    pub fn parts(&self, is_resp3: bool) -> [&[u8]; 2] {
        [if is_resp3 { b">" } else { b"*" }, &self.0[1..]]
    }
}

/// The channel through which a RESP2 connection gets the invalidations of another.
const INVALIDATION_CHANNEL: &[u8] = b"__redis__:invalidate";

/// Tells that keys have changed; `None`: that all have.
pub fn invalidation(keys: Option<&[&[u8]]>, proto: Proto) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut reply = Reply::new(&mut bytes, proto);
    match proto {
        Proto::Resp3 => {
            reply.push(2);
            reply.text("invalidate");
        }
        Proto::Resp2 => {
            reply.push(3);
            reply.text("message");
            reply.bulk(INVALIDATION_CHANNEL);
        }
    }
    match keys {
        Some(keys) => {
            reply.array(keys.len());
            keys.iter().for_each(|key| reply.bulk(key));
        }
        None => reply.null(),
    }
    bytes
}

/// Tells a RESP3 connection that the one its invalidations go to has gone.
pub fn broken_redirection(client_id: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut reply = Reply::new(&mut bytes, Proto::Resp3);
    reply.push(2);
    reply.text("tracking-redir-broken");
    reply.int(client_id as i64);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_in_both_protocols() {
        let message = Message::to_channel("smessage", b"c", b"hi");
        let rest = b"3\r\n$8\r\nsmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n".as_slice();
        assert_eq!(message.parts(false), [b"*", rest]);
        assert_eq!(message.parts(true), [b">", rest]);
        let message = Message::to_pattern(b"*", b"c", b"hi");
        let rest = b"4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$1\r\nc\r\n$2\r\nhi\r\n".as_slice();
        assert_eq!(message.parts(true), [b">", rest]);
    }

    #[test]
    fn invalidations_in_both_protocols() {
        let keys: &[&[u8]] = &[b"k", b"l"];
        assert_eq!(
            invalidation(Some(keys), Proto::Resp3),
            b">2\r\n$10\r\ninvalidate\r\n*2\r\n$1\r\nk\r\n$1\r\nl\r\n"
        );
        assert_eq!(
            invalidation(None, Proto::Resp2),
            b"*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n$-1\r\n"
        );
        assert_eq!(broken_redirection(7), b">2\r\n$21\r\ntracking-redir-broken\r\n:7\r\n");
    }
}
