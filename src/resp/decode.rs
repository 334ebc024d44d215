//! The request decoder: arguments are ranges of the connection's buffer, nothing is copied.
//!
//! A plain request is `*N\r\n` followed by N times `$len\r\n<bytes>\r\n`; everything else is an
//! inline command, a line of words. What was understood of a request that is not whole yet is kept,
//! so a request that comes in many pieces is read once, whatever its size. Limits and error texts
//! are those of Redis's networking.

/// The limits of a connection's requests.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// `proto-max-bulk-len`, bytes.
    pub bulk_bytes_max: usize,
    /// Before AUTH on a server that wants it: few and short arguments only.
    pub authenticated: bool,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { bulk_bytes_max: 512 * 1024 * 1024, authenticated: true }
    }
}

/// The longest line that is waited for: an inline command, or a length.
const LINE_BYTES_MAX: usize = 64 * 1024;
/// Before AUTH, at most so many arguments of at most so many bytes.
const UNAUTHENTICATED_ARGS_MAX: i64 = 10;
const UNAUTHENTICATED_BULK_BYTES_MAX: i64 = 16_384;

/// Why the stream of requests cannot be read on; the connection answers and closes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProtocolError(pub String);

/// What a call of [`Decoder::step`] found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// A whole request; its arguments are [`Decoder::ranges`]. It ends at [`Decoder::position`].
    Request,
    /// An empty request (`*0`, or an empty line), to be passed over in silence.
    Empty,
    /// More bytes are needed: at least so many are known to be missing (0: not known).
    Incomplete { missing: usize },
}

/// Where an argument lies: bytes `start..end` of the buffer.
pub type Range = (usize, usize);

/// The state of reading one connection's requests.
#[derive(Default, Debug)]
pub struct Decoder {
    /// The first byte not yet understood.
    position: usize,
    /// Where the request that is being read, or was read last, starts.
    start: usize,
    /// Up to where the search for the end of a line has come, so it is not searched twice.
    searched: usize,
    ranges: Vec<Range>,
    /// Arguments of the request still to come; `None` between requests.
    missing_args: Option<i64>,
    /// The length of the argument being read.
    bulk: Option<usize>,
    /// Words of an inline command that had quotes or escapes, unescaped.
    unquoted: Option<Vec<Vec<u8>>>,
}

impl Decoder {
    pub fn new() -> Decoder {
        Decoder::default()
    }

    /// The first byte behind the last request.
    pub fn position(&self) -> usize {
        self.position
    }

    /// The arguments of the request just read.
    pub fn ranges(&self) -> &[Range] {
        &self.ranges
    }

    /// The words of an inline command whose quoting had to be undone; they stand for `ranges`.
    pub fn unquoted(&self) -> Option<&[Vec<u8>]> {
        self.unquoted.as_deref()
    }

    /// As [`Decoder::unquoted`], giving them away.
    pub fn take_unquoted(&mut self) -> Option<Vec<Vec<u8>>> {
        self.unquoted.take()
    }

    /// Where the request being read begins to matter: bytes before it may be dropped from the
    /// buffer (see [`Decoder::shift`]).
    pub fn needed_from(&self) -> usize {
        match self.missing_args {
            Some(_) => self.ranges.first().map_or(self.position, |range| range.0),
            None => self.position,
        }
    }

    /// Goes back before the request just read, so that the next step reads it again.
    pub fn unread(&mut self) {
        self.position = self.start;
        self.searched = self.start;
    }

    /// Tells that `bytes` bytes were removed from the front of the buffer.
    pub fn shift(&mut self, bytes: usize) {
        self.position -= bytes;
        self.start = self.start.saturating_sub(bytes);
        self.searched = self.searched.saturating_sub(bytes);
        for range in &mut self.ranges {
            range.0 = range.0.saturating_sub(bytes);
            range.1 = range.1.saturating_sub(bytes);
        }
    }

    /// Reads one request from `buf`, which starts where it started at the last call (or was
    /// shifted).
    pub fn step(&mut self, buf: &[u8], limits: &Limits) -> Result<Step, ProtocolError> {
        if self.missing_args.is_none() {
            self.ranges.clear();
            self.unquoted = None;
            self.start = self.position;
            match buf.get(self.position) {
                None => return Ok(Step::Incomplete { missing: 0 }),
                Some(b'*') => {}
                Some(_) => return self.inline(buf),
            }
            let count = match short_length(b'*', &buf[self.position..]) {
                Some((count, bytes)) => {
                    self.position += bytes;
                    count as i64
                }
                None => match self.long_count(buf)? {
                    Some(count) => count,
                    None => return Ok(Step::Incomplete { missing: 0 }),
                },
            };
            if !limits.authenticated && count > UNAUTHENTICATED_ARGS_MAX {
                return Err(error("unauthenticated multibulk length"));
            }
            if count <= 0 {
                return Ok(Step::Empty);
            }
            self.missing_args = Some(count);
        }
        self.arguments(buf, limits)
    }

    fn long_count(&mut self, buf: &[u8]) -> Result<Option<i64>, ProtocolError> {
        let Some(line) = self.line(buf, "too big mbulk count string")? else { return Ok(None) };
        match parse_length(&buf[line.0 + 1..line.1]) {
            Some(count) if count <= i64::from(i32::MAX) => Ok(Some(count)),
            _ => Err(error("invalid multibulk length")),
        }
    }

    /// Takes arguments of less than a hundred bytes, nearly all there are, as long as they are whole;
    /// how many of `missing` are missing still.
    #[inline]
    fn short_arguments(&mut self, buf: &[u8], mut missing: i64) -> i64 {
        let mut position = self.position;
        while missing > 0
            && let Some((len, bytes)) = short_length(b'$', &buf[position..])
            && buf.len() >= position + bytes + len + 2
        {
            let start = position + bytes;
            self.ranges.push((start, start + len));
            position = start + len + 2;
            missing -= 1;
        }
        self.position = position;
        missing
    }

    fn arguments(&mut self, buf: &[u8], limits: &Limits) -> Result<Step, ProtocolError> {
        let mut missing = self.missing_args.unwrap_or(0);
        if self.bulk.is_none() {
            missing = self.short_arguments(buf, missing);
        }
        while missing > 0 {
            let len = match self.bulk {
                Some(len) => len,
                None => {
                    let Some(len) = self.bulk_length(buf, limits)? else {
                        self.missing_args = Some(missing);
                        return Ok(Step::Incomplete { missing: 0 });
                    };
                    len
                }
            };
            let end = self.position + len;
            if buf.len() < end + 2 {
                self.bulk = Some(len);
                self.missing_args = Some(missing);
                return Ok(Step::Incomplete { missing: end + 2 - buf.len() });
            }
            // Redis does not look at the two bytes behind an argument either.
            self.ranges.push((self.position, end));
            self.position = end + 2;
            self.searched = self.position;
            self.bulk = None;
            missing -= 1;
        }
        self.missing_args = None;
        Ok(Step::Request)
    }

    #[inline]
    fn bulk_length(&mut self, buf: &[u8], limits: &Limits) -> Result<Option<usize>, ProtocolError> {
        if let Some((len, bytes)) = short_length(b'$', &buf[self.position..]) {
            self.position += bytes;
            return Ok(Some(len));
        }
        let start = self.position;
        let Some(line) = self.line(buf, "too big bulk count string")? else {
            return Ok(None);
        };
        if buf[start] != b'$' {
            return Err(error(&format!("expected '$', got '{}'", char::from(buf[start]))));
        }
        match parse_length(&buf[line.0 + 1..line.1]) {
            Some(len) if len < 0 || len as u64 > limits.bulk_bytes_max as u64 => {
                Err(error("invalid bulk length"))
            }
            Some(len) if !limits.authenticated && len > UNAUTHENTICATED_BULK_BYTES_MAX => {
                Err(error("unauthenticated bulk length"))
            }
            Some(len) => Ok(Some(len as usize)),
            None => Err(error("invalid bulk length")),
        }
    }

    /// Takes a line that ends in `\r\n`; its range is without the end. Only the `\r` is looked
    /// for, as in Redis.
    fn line(&mut self, buf: &[u8], too_long: &str) -> Result<Option<Range>, ProtocolError> {
        let from = self.searched.max(self.position);
        match memchr::memchr(b'\r', &buf[from..]) {
            Some(offset) if from + offset + 1 < buf.len() => {
                let line = (self.position, from + offset);
                self.position = line.1 + 2;
                self.searched = self.position;
                Ok(Some(line))
            }
            found => {
                if found.is_none() && buf.len() - self.position > LINE_BYTES_MAX {
                    return Err(error(too_long));
                }
                self.searched = found.map_or(buf.len(), |offset| from + offset);
                Ok(None)
            }
        }
    }

    fn inline(&mut self, buf: &[u8]) -> Result<Step, ProtocolError> {
        let from = self.searched.max(self.position);
        // Redis looks for the end of the line with strchr, which sees nothing behind a NUL.
        let found = memchr::memchr2(b'\n', 0, &buf[from..]);
        let Some(offset) = found.filter(|offset| buf[from + offset] == b'\n') else {
            if buf.len() - self.position > LINE_BYTES_MAX {
                return Err(error("too big inline request"));
            }
            self.searched = found.map_or(buf.len(), |offset| from + offset);
            return Ok(Step::Incomplete { missing: 0 });
        };
        let line = &buf[self.position..from + offset];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.iter().any(|byte| matches!(byte, b'"' | b'\'')) {
            self.unquoted =
                Some(split_words(line).ok_or_else(|| error("unbalanced quotes in request"))?);
        } else {
            let mut at = 0;
            for word in line.split(|byte| byte.is_ascii_whitespace() || *byte == 0x0b) {
                if !word.is_empty() {
                    let start = self.position + at;
                    self.ranges.push((start, start + word.len()));
                }
                at += word.len() + 1;
            }
        }
        self.position = from + offset + 1;
        self.searched = self.position;
        let words = self.unquoted.as_ref().map_or(self.ranges.len(), Vec::len);
        Ok(if words == 0 { Step::Empty } else { Step::Request })
    }
}

fn error(text: &str) -> ProtocolError {
    ProtocolError(format!("Protocol error: {text}"))
}

/// A length of one or two digits (`$5\r\n`, `*33\r\n`), and how long its line is. None for any other. Read as
/// one number, since this is most of what reading a request takes.
#[inline]
fn short_length(tag: u8, bytes: &[u8]) -> Option<(usize, usize)> {
    const LINE_END: u64 = u16::from_le_bytes(*b"\r\n") as u64;
    let word = bytes.first_chunk().copied().unwrap_or_else(|| {
        let mut last = [0; 8];
        last[..bytes.len()].copy_from_slice(bytes);
        last
    });
    let word = u64::from_le_bytes(word);
    let first = (word >> 8 & 0xff).wrapping_sub(u64::from(b'0'));
    if word & 0xff != u64::from(tag) || first > 9 {
        return None;
    }
    if word >> 16 & 0xffff == LINE_END {
        return Some((first as usize, 4));
    }
    let second = (word >> 16 & 0xff).wrapping_sub(u64::from(b'0'));
    let has_two = first > 0 && second <= 9 && word >> 24 & 0xffff == LINE_END;
    has_two.then(|| ((first * 10 + second) as usize, 5))
}

/// A length as Redis reads it: a decimal number without sign (but `-`), leading zero or space.
fn parse_length(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    if digits.is_empty() || digits.len() > 19 || (digits[0] == b'0' && text.len() > 1) {
        return None;
    }
    let mut value = 0i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(i64::from(digit))?;
    }
    Some(if negative { -value } else { value })
}

/// Splits a line into words as redis-cli's quoting goes: `"…"` with escapes, `'…'` with `\'` only.
/// `None` where quotes are unbalanced or a closing quote is followed by anything but space.
pub fn split_words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let space = |byte: u8| byte.is_ascii_whitespace() || byte == 0x0b;
    let mut words = Vec::new();
    let mut at = 0;
    loop {
        while at < line.len() && space(line[at]) {
            at += 1;
        }
        if at >= line.len() || line[at] == 0 {
            return Some(words);
        }
        let mut word = Vec::new();
        while at < line.len() && !space(line[at]) && line[at] != 0 {
            match line[at] {
                quote @ (b'"' | b'\'') => {
                    at = quoted(line, at + 1, quote, &mut word)?;
                    if at < line.len() && !space(line[at]) && line[at] != 0 {
                        return None;
                    }
                }
                byte => {
                    word.push(byte);
                    at += 1;
                }
            }
        }
        words.push(word);
    }
}

/// Reads a quoted part from `at` to behind its closing quote.
fn quoted(line: &[u8], mut at: usize, quote: u8, word: &mut Vec<u8>) -> Option<usize> {
    loop {
        match (*line.get(at)?, quote) {
            (byte, _) if byte == quote => return Some(at + 1),
            (b'\\', b'"') => {
                let escaped = *line.get(at + 1)?;
                let hex = line.get(at + 2..at + 4).and_then(|hex| {
                    let digit = |byte: u8| char::from(byte).to_digit(16);
                    Some((digit(hex[0])? * 16 + digit(hex[1])?) as u8)
                });
                if let (b'x', Some(byte)) = (escaped, hex) {
                    word.push(byte);
                    at += 4;
                    continue;
                }
                word.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    byte => byte,
                });
                at += 2;
            }
            (b'\\', _) if line.get(at + 1) == Some(&b'\'') => {
                word.push(b'\'');
                at += 2;
            }
            (byte, _) => {
                word.push(byte);
                at += 1;
            }
        }
    }
}
