//! DEBUG PROTOCOL: one reply of each kind, by which client libraries test what they read.

use crate::command::cx::Cx;
use crate::command::error::{Error, Outcome};

#[expect(clippy::approx_constant, reason = "what Redis sends, and it is not meant to be pi")]
const DOUBLE: f64 = 3.141;
const NUMBER: &str = "1234567999999999999999999999999999999";

pub(super) fn protocol(cx: &mut Cx<'_, '_>, kind: &[u8]) -> Outcome {
    let reply = &mut cx.reply;
    match kind.to_ascii_lowercase().as_slice() {
        b"string" => reply.text("Hello World"),
        b"integer" => reply.int(12345),
        b"double" => reply.double(DOUBLE),
        b"null" => reply.null(),
        b"array" => {
            reply.array(3);
            (0..3).for_each(|number| reply.int(number));
        }
        b"set" => {
            reply.set(3);
            (0..3).for_each(|number| reply.int(number));
        }
        b"map" => {
            reply.map(3);
            for number in 0..3 {
                reply.int(number);
                reply.bool(number == 1);
            }
        }
        b"attrib" => {
            if reply.is_resp3() {
                reply.raw(b"|1\r\n");
                reply.text("key-popularity");
                reply.array(2);
                reply.text("key:123");
                reply.int(90);
            }
            reply.text("Some real reply following the attribute");
        }
        b"push" => {
            if !reply.is_resp3() {
                return Err(Error::fixed("ERR RESP2 is not supported by this command"));
            }
            // The push comes behind the reply, as those that a command causes do.
            reply.text("Some real reply following the push reply");
            reply.push(2);
            reply.text("server-cpu-usage");
            reply.int(42);
        }
        b"verbatim" => reply.verbatim("txt", b"This is a verbatim\nstring"),
        b"true" => reply.bool(true),
        b"false" => reply.bool(false),
        b"bignum" => match reply.is_resp3() {
            true => reply.raw(format!("({NUMBER}\r\n").as_bytes()),
            false => reply.text(NUMBER),
        },
        _ => {
            return Err(Error::fixed(
                "ERR Wrong protocol type name. Please use one of the following: \
                 string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
            ));
        }
    }
    Ok(())
}
