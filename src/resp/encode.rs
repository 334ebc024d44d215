//! Replies, written straight into the connection's output buffer.

/// What a bulk string takes beside its bytes at most: `$`, twenty digits, two line ends.
const BULK_FORM_BYTES: usize = 25;

/// The protocol version a connection has chosen with HELLO.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Proto {
    #[default]
    Resp2,
    Resp3,
}

/// Writes replies in the shape of one protocol version.
///
/// Aggregates are announced by their length and then filled by further calls; nothing checks that
/// the promised number follows, so a handler must know its length before it starts.
pub struct Reply<'a> {
    out: &'a mut Vec<u8>,
    proto: Proto,
}

impl<'a> Reply<'a> {
    pub fn new(out: &'a mut Vec<u8>, proto: Proto) -> Reply<'a> {
        Reply { out, proto }
    }

    pub fn proto(&self) -> Proto {
        self.proto
    }

    /// Changes the version for what follows (HELLO answers in the version it selects).
    pub fn set_proto(&mut self, proto: Proto) {
        self.proto = proto;
    }

    pub fn is_resp3(&self) -> bool {
        self.proto == Proto::Resp3
    }

    /// How many bytes the buffer holds: a mark for [`Reply::truncate`].
    pub fn mark(&self) -> usize {
        self.out.len()
    }

    /// Takes back all that was written after `mark`.
    pub fn truncate(&mut self, mark: usize) {
        self.out.truncate(mark);
    }

    /// What was written after `mark`.
    pub fn since(&self, mark: usize) -> &[u8] {
        &self.out[mark..]
    }

    /// Bytes that are a reply already.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub fn ok(&mut self) {
        self.out.extend_from_slice(b"+OK\r\n");
    }

    pub fn simple(&mut self, text: &str) {
        self.line(b'+', text.as_bytes());
    }

    /// An error; `text` starts with its code (`ERR …`). Line breaks would end the reply early, so
    /// they become spaces, as in Redis.
    pub fn error(&mut self, text: &[u8]) {
        self.out.push(b'-');
        let start = self.out.len();
        self.out.extend_from_slice(text);
        for byte in &mut self.out[start..] {
            if matches!(byte, b'\r' | b'\n') {
                *byte = b' ';
            }
        }
        self.out.extend_from_slice(b"\r\n");
    }

    pub fn int(&mut self, value: i64) {
        self.number(b':', value);
    }

    /// A count; Redis sends it as a signed integer.
    pub fn count(&mut self, value: usize) {
        self.int(value as i64);
    }

    pub fn bulk(&mut self, bytes: &[u8]) {
        self.out.reserve(bytes.len() + BULK_FORM_BYTES);
        self.number(b'$', bytes.len() as i64);
        self.out.extend_from_slice(bytes);
        self.out.extend_from_slice(b"\r\n");
    }

    /// Text as a bulk string.
    pub fn text(&mut self, text: &str) {
        self.bulk(text.as_bytes());
    }

    /// An integer as a bulk string.
    pub fn bulk_int(&mut self, value: i64) {
        let mut digits = itoa::Buffer::new();
        self.bulk(digits.format(value).as_bytes());
    }

    /// "No such value": the null of RESP3, a null bulk string in RESP2.
    pub fn null(&mut self) {
        self.out.extend_from_slice(match self.proto {
            Proto::Resp2 => b"$-1\r\n",
            Proto::Resp3 => b"_\r\n",
        });
    }

    /// "No such list": the null of RESP3, a null array in RESP2.
    pub fn null_array(&mut self) {
        self.out.extend_from_slice(match self.proto {
            Proto::Resp2 => b"*-1\r\n",
            Proto::Resp3 => b"_\r\n",
        });
    }

    pub fn array(&mut self, len: usize) {
        self.number(b'*', len as i64);
    }

    /// A map of `pairs` keys and values; in RESP2 a flat array of twice as many elements.
    pub fn map(&mut self, pairs: usize) {
        match self.proto {
            Proto::Resp2 => self.number(b'*', pairs as i64 * 2),
            Proto::Resp3 => self.number(b'%', pairs as i64),
        }
    }

    /// A set; in RESP2 an array.
    pub fn set(&mut self, len: usize) {
        match self.proto {
            Proto::Resp2 => self.number(b'*', len as i64),
            Proto::Resp3 => self.number(b'~', len as i64),
        }
    }

    /// An out-of-band push; in RESP2 an array.
    pub fn push(&mut self, len: usize) {
        match self.proto {
            Proto::Resp2 => self.number(b'*', len as i64),
            Proto::Resp3 => self.number(b'>', len as i64),
        }
    }

    /// A truth value; in RESP2 the integer 1 or 0.
    pub fn bool(&mut self, value: bool) {
        match self.proto {
            Proto::Resp2 => self.int(i64::from(value)),
            Proto::Resp3 => self.out.extend_from_slice(if value { b"#t\r\n" } else { b"#f\r\n" }),
        }
    }

    /// A double; in RESP2 its shortest text as a bulk string.
    pub fn double(&mut self, value: f64) {
        self.double_text(&super::text::DoubleText::new(value));
    }

    /// A double whose text is made already; in RESP2 a bulk string.
    pub fn double_text(&mut self, text: &[u8]) {
        match self.proto {
            Proto::Resp2 => self.bulk(text),
            Proto::Resp3 => self.line(b',', text),
        }
    }

    /// Text for people with its three-letter format (`txt`, `mkd`); in RESP2 a bulk string.
    pub fn verbatim(&mut self, format: &str, text: &[u8]) {
        match self.proto {
            Proto::Resp2 => self.bulk(text),
            Proto::Resp3 => {
                self.number(b'=', text.len() as i64 + 4);
                self.out.extend_from_slice(format.as_bytes());
                self.out.push(b':');
                self.out.extend_from_slice(text);
                self.out.extend_from_slice(b"\r\n");
            }
        }
    }

    fn line(&mut self, tag: u8, text: &[u8]) {
        self.out.reserve(text.len() + 3);
        self.out.push(tag);
        self.out.extend_from_slice(text);
        self.out.extend_from_slice(b"\r\n");
    }

    // Calling it cost a fifth of the instructions of a bulk string.
    #[inline(always)]
    fn number(&mut self, tag: u8, value: i64) {
        // One digit and two are the common cases (lengths, :0 and :1) and are worth a short way.
        match value {
            0..10 => self.out.extend_from_slice(&[tag, b'0' + value as u8, b'\r', b'\n']),
            10..100 => {
                let (tens, ones) = (value as u8 / 10, value as u8 % 10);
                self.out.extend_from_slice(&[tag, b'0' + tens, b'0' + ones, b'\r', b'\n']);
            }
            _ => self.line(tag, itoa::Buffer::new().format(value).as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A buffer that is a byte short doubles: the reply of a value of 512 MB would take 1 GB.
    #[test]
    fn a_bulk_string_takes_little_more_room_than_its_bytes() {
        for len in [0, 9, 10, 99, 100, 999, 1000, 9999, 10_000, 1_000_000] {
            let mut out = Vec::new();
            Reply::new(&mut out, Proto::Resp2).bulk(&vec![b'x'; len]);
            assert!(out.capacity() < len + 64, "{len} bytes took {}", out.capacity());
        }
    }
}
