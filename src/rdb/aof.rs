//! Reading an append-only file: requests in RESP, with remarks between them.
//!
//! ```text
//! request  *count CRLF, ($length CRLF, bytes CRLF)…
//! remark   # up to the end of the line
//! ```
//! A file may begin with an RDB file, which [`file`](super::file) reads from the same [`Source`].

use super::Fault;
use super::source::{Reading, Source};

/// The longest line of a count or a length.
const LINE_BYTES_MAX: usize = 32;
/// Redis's bounds of a request. What is allocated grows with the arguments that have come.
const ARGS_MAX: u64 = i32::MAX as u64;
const ARG_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// Reads the next request; none at the end, and then nothing is cut off.
///
/// # Errors
/// [`Fault::Truncated`]: the bytes end inside of a request. Else they are no request.
pub fn next_request(source: &mut Source<'_>) -> Reading<Option<Vec<Vec<u8>>>> {
    loop {
        match source.peek()?.first() {
            None => return Ok(None),
            Some(b'#') => skip_line(source)?,
            Some(b'*') => break,
            Some(_) => return Err(source.malformed("no request begins here")),
        }
    }
    let count = number(source, b'*')?;
    if !(1..=ARGS_MAX).contains(&count) {
        return Err(source.malformed("no such count of arguments"));
    }
    let mut args = Vec::new();
    for _ in 0..count {
        let length = number(source, b'$')?;
        if length > ARG_BYTES_MAX {
            return Err(source.malformed("an argument is longer than any server takes"));
        }
        args.push(source.bytes(length)?);
        if source.array()? != *b"\r\n" {
            return Err(source.malformed("an argument does not end where it says"));
        }
    }
    Ok(Some(args))
}

fn skip_line(source: &mut Source<'_>) -> Reading<()> {
    loop {
        let at_hand = source.peek()?;
        if at_hand.is_empty() {
            return Err(source.error(Fault::Truncated));
        }
        match memchr::memchr(b'\n', at_hand) {
            Some(end) => {
                source.consume(end + 1);
                return Ok(());
            }
            None => {
                let count = at_hand.len();
                source.consume(count);
            }
        }
    }
}

/// A line of a mark and a number.
fn number(source: &mut Source<'_>, mark: u8) -> Reading<u64> {
    const NO_NUMBER: &str = "no number of arguments or bytes";
    if source.u8()? != mark {
        return Err(source.malformed("a request is not laid out as it should be"));
    }
    let mut value = 0u64;
    for digits in 0..LINE_BYTES_MAX {
        match source.u8()? {
            byte @ b'0'..=b'9' => {
                let shifted = value.checked_mul(10);
                value = shifted
                    .and_then(|value| value.checked_add(u64::from(byte - b'0')))
                    .ok_or_else(|| source.malformed(NO_NUMBER))?;
            }
            b'\r' if digits > 0 && source.u8()? == b'\n' => return Ok(value),
            _ => return Err(source.malformed(NO_NUMBER)),
        }
    }
    Err(source.malformed(NO_NUMBER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_remarks() {
        let file = b"#TS:1700000000\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n#x\r\n*1\r\n$0\r\n\r\n";
        let mut source = Source::from_bytes(file);
        let first = next_request(&mut source).expect("whole").expect("a request");
        assert_eq!(first, [b"SELECT".to_vec(), b"0".to_vec()]);
        let second = next_request(&mut source).expect("whole").expect("a request");
        assert_eq!(second, [b"".to_vec()]);
        assert!(next_request(&mut source).expect("whole").is_none());
    }

    #[test]
    fn as_many_arguments_as_a_server_takes() {
        const COUNT: usize = 1_100_000;
        let file = [format!("*{COUNT}\r\n").into_bytes(), b"$1\r\na\r\n".repeat(COUNT)].concat();
        let request = next_request(&mut Source::from_bytes(&file)).expect("whole");
        assert_eq!(request.map(|args| args.len()), Some(COUNT));
        // What it says it has is not believed before it is there.
        let error = next_request(&mut Source::from_bytes(b"*2147483647\r\n$1\r\na\r\n"));
        assert!(matches!(error.expect_err("one of many").fault, Fault::Truncated));
    }

    #[test]
    fn a_cut_request_is_truncated() {
        let file = b"*2\r\n$3\r\nDEL\r\n$1\r\na\r\n";
        for len in 1..file.len() {
            let error = next_request(&mut Source::from_bytes(&file[..len])).expect_err("cut");
            assert!(matches!(error.fault, Fault::Truncated), "cut at {len}");
        }
        assert!(matches!(
            next_request(&mut Source::from_bytes(b"#TS:17")).expect_err("cut").fault,
            Fault::Truncated
        ));
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for file in [
            &b"GET a\r\n"[..],
            b"*0\r\n",
            b"*-1\r\n",
            b"*1\n$1\r\na\r\n",
            b"*1\r\n+1\r\na\r\n",
            b"*1\r\n$1\r\nabc",
            b"*99999999999999999999\r\n",
            b"*2147483648\r\n",
            b"*1\r\n$99999999999\r\n",
            b"*00000000000000000000000000000000000001\r\n",
        ] {
            let error = next_request(&mut Source::from_bytes(file)).expect_err("no request");
            assert!(matches!(error.fault, Fault::Malformed(_)), "{}", file.escape_ascii());
        }
    }
}
