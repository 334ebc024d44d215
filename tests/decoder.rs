//! The request decoder, held to the `redis-protocol` crate on well-formed requests, whole and cut at
//! every position, and to Redis on malformed ones.

use forebay::resp::text::write_request;
use forebay::resp::{Decoder, Limits, ProtocolError, Step};
use proptest::prelude::*;
use redis_protocol::resp2::decode::decode;
use redis_protocol::resp2::types::OwnedFrame;

/// The arguments of the first request in `bytes` as `redis-protocol` reads them, and its length.
fn oracle(bytes: &[u8]) -> (Vec<Vec<u8>>, usize) {
    let (frame, length) = decode(bytes).expect("well formed").expect("whole");
    let OwnedFrame::Array(frames) = frame else { panic!("a request is an array") };
    let word = |frame| match frame {
        OwnedFrame::BulkString(bytes) => bytes,
        other => panic!("an argument is a bulk string, not {other:?}"),
    };
    (frames.into_iter().map(word).collect(), length)
}

fn words(decoder: &Decoder, buf: &[u8]) -> Vec<Vec<u8>> {
    match decoder.unquoted() {
        Some(words) => words.to_vec(),
        None => decoder.ranges().iter().map(|&(from, to)| buf[from..to].to_vec()).collect(),
    }
}

fn requests() -> impl Strategy<Value = Vec<Vec<Vec<u8>>>> {
    let word = prop_oneof![
        8 => proptest::collection::vec(any::<u8>(), 0..12),
        1 => proptest::collection::vec(any::<u8>(), 90..130),
        1 => proptest::collection::vec(any::<u8>(), 990..1030),
    ];
    proptest::collection::vec(proptest::collection::vec(word, 1..6), 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However the bytes arrive, and whatever was dropped from the buffer meanwhile, the same
    /// requests come out as the oracle reads.
    #[test]
    fn reads_what_the_oracle_reads(requests in requests(), cut in 1usize..200) {
        let mut bytes = Vec::new();
        for request in &requests {
            let args: Vec<&[u8]> = request.iter().map(Vec::as_slice).collect();
            write_request(&mut bytes, &args);
        }
        let mut expected = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let (args, length) = oracle(&bytes[at..]);
            expected.push(args);
            at += length;
        }
        prop_assert_eq!(&expected, &requests);

        let mut decoder = Decoder::new();
        let mut buf: Vec<u8> = Vec::new();
        let mut found = Vec::new();
        for piece in bytes.chunks(cut) {
            buf.extend_from_slice(piece);
            loop {
                match decoder.step(&buf, &Limits::default()) {
                    Ok(Step::Request) => found.push(words(&decoder, &buf)),
                    Ok(Step::Incomplete { .. }) => break,
                    other => prop_assert!(false, "{:?}", other),
                }
            }
            let done = decoder.needed_from();
            buf.drain(..done);
            decoder.shift(done);
        }
        prop_assert_eq!(found, requests);
        prop_assert!(buf.is_empty());
    }
}

#[test]
fn a_request_cut_anywhere_is_read_once_it_is_whole() {
    let mut bytes = Vec::new();
    write_request(&mut bytes, &[b"XADD", b"key", b"*", b"field", &[b'v'; 120]]);
    for cut in 0..bytes.len() {
        let mut decoder = Decoder::new();
        let first = decoder.step(&bytes[..cut], &Limits::default());
        assert!(matches!(first, Ok(Step::Incomplete { .. })), "cut at {cut}: {first:?}");
        assert_eq!(decoder.step(&bytes, &Limits::default()), Ok(Step::Request), "cut at {cut}");
        assert_eq!(words(&decoder, &bytes), oracle(&bytes).0);
        assert_eq!(decoder.position(), bytes.len());
    }
}

fn first_step(bytes: &[u8], limits: &Limits) -> Result<Step, ProtocolError> {
    Decoder::new().step(bytes, limits)
}

fn refusal(bytes: &[u8]) -> String {
    match first_step(bytes, &Limits::default()) {
        Err(error) => error.0,
        other => panic!("{:?} was read as {other:?}", bytes.escape_ascii().to_string()),
    }
}

#[test]
fn malformed_requests_are_refused_in_redis_words() {
    let invalid_count = "Protocol error: invalid multibulk length";
    for count in ["x", "1x", "+1", "01", "99999999999", "2147483648", ""] {
        assert_eq!(refusal(format!("*{count}\r\n").as_bytes()), invalid_count, "{count}");
    }
    let invalid_length = "Protocol error: invalid bulk length";
    for length in ["x", "-1", "04", "536870913", ""] {
        assert_eq!(refusal(format!("*1\r\n${length}\r\n").as_bytes()), invalid_length, "{length}");
    }
    assert_eq!(refusal(b"*1\r\n:1\r\n"), "Protocol error: expected '$', got ':'");
    assert_eq!(refusal(b"set \"a\r\n"), "Protocol error: unbalanced quotes in request");
    let long = vec![b'a'; 64 * 1024 + 1];
    assert_eq!(refusal(&long), "Protocol error: too big inline request");
    let count = [b"*", long.as_slice()].concat();
    assert_eq!(refusal(&count), "Protocol error: too big mbulk count string");
    let length = [b"*1\r\n$", long.as_slice()].concat();
    assert_eq!(refusal(&length), "Protocol error: too big bulk count string");
}

/// The words of requests, or how the first bad one is refused.
type Read = Result<Vec<Vec<Vec<u8>>>, String>;

/// What comes out of `bytes`, of which those before `cut` come first.
fn requests_of(bytes: &[u8], cut: usize) -> Read {
    let mut decoder = Decoder::new();
    let mut found = Vec::new();
    for buf in [&bytes[..cut], bytes] {
        loop {
            match decoder.step(buf, &Limits::default()) {
                Ok(Step::Request) => found.push(words(&decoder, buf)),
                Ok(Step::Empty) => found.push(Vec::new()),
                Ok(Step::Incomplete { .. }) => break,
                Err(error) => return Err(error.0),
            }
        }
    }
    Ok(found)
}

/// Lengths are read in two ways, in place and as a line of any length; which one is taken hangs on
/// what lies behind them and must not show.
#[test]
fn odd_requests_are_read_alike_wherever_they_are_cut_and_whatever_follows() {
    let invalid_count = Err("Protocol error: invalid multibulk length".to_owned());
    let invalid_length = Err("Protocol error: invalid bulk length".to_owned());
    let one = |word: &[u8]| Ok(vec![vec![word.to_vec()]]);
    let cases: &[(&[u8], Read)] = &[
        // Redis looks for the `\r` alone.
        (b"*1\rX$1\rXa\r\n", one(b"a")),
        (b"*1\r\n$1\rXaXX", one(b"a")),
        (b"*1\r\n$10\rX0123456789\r\n", one(b"0123456789")),
        (b"*1\r\n$0\r\n\r\n", one(b"")),
        (b"*0\r\n", Ok(vec![vec![]])),
        (b"*0\rX", Ok(vec![vec![]])),
        (b"*00\r\n", invalid_count.clone()),
        (b"*01\r\n", invalid_count.clone()),
        (b"*1x\r\n", invalid_count.clone()),
        (b"*\r\n", invalid_count.clone()),
        (b"* 1\r\n", invalid_count),
        (b"*1\r\n$00\r\n", invalid_length.clone()),
        (b"*1\r\n$05\r\n", invalid_length.clone()),
        (b"*1\r\n$0x\r\n", invalid_length.clone()),
        (b"*1\r\n$\r\n", invalid_length.clone()),
        (b"*1\r\n$-0\r\n", invalid_length),
    ];
    for (bytes, expected) in cases {
        for behind in [&b""[..], b"*1\r\n$4\r\nPING\r\n"] {
            let mut expected = expected.clone();
            if let (Ok(requests), false) = (&mut expected, behind.is_empty()) {
                requests.push(vec![b"PING".to_vec()]);
            }
            let all = [bytes, behind].concat();
            for cut in 0..=all.len() {
                let shown = all.escape_ascii();
                assert_eq!(requests_of(&all, cut), expected, "{shown} cut at {cut}");
            }
        }
    }
    assert_eq!(requests_of(b"*", 1), Ok(vec![]));
    assert_eq!(requests_of(b"*1\r\n$", 5), Ok(vec![]));
}

#[test]
fn empty_requests_are_passed_over() {
    for bytes in ["*0\r\n", "*-1\r\n", "\r\n", "\n", "   \r\n"] {
        let step = first_step(bytes.as_bytes(), &Limits::default());
        assert_eq!(step, Ok(Step::Empty), "{bytes:?}");
    }
}

#[test]
fn before_auth_requests_have_to_be_small() {
    let limits = Limits { authenticated: false, ..Limits::default() };
    assert_eq!(first_step(b"*10\r\n", &limits), Ok(Step::Incomplete { missing: 0 }));
    let many = first_step(b"*11\r\n", &limits);
    assert_eq!(many, Err(ProtocolError("Protocol error: unauthenticated multibulk length".into())));
    assert!(first_step(b"*1\r\n$16384\r\n", &limits).is_ok());
    let long = first_step(b"*1\r\n$16385\r\n", &limits);
    assert_eq!(long, Err(ProtocolError("Protocol error: unauthenticated bulk length".into())));
}

#[test]
fn an_argument_may_be_as_long_as_the_limit_and_no_longer() {
    let limits = Limits { bulk_bytes_max: 1000, ..Limits::default() };
    let step = first_step(b"*1\r\n$1000\r\n", &limits);
    assert_eq!(step, Ok(Step::Incomplete { missing: 1002 }));
    assert!(first_step(b"*1\r\n$1001\r\n", &limits).is_err());
}

#[test]
fn inline_commands_are_split_as_redis_splits_them() {
    let cases: &[(&[u8], &[&[u8]])] = &[
        (b"PING\r\n", &[b"PING"]),
        (b"  SET  a\tb \n", &[b"SET", b"a", b"b"]),
        (b"SET \"a b\" 'c d'\r\n", &[b"SET", b"a b", b"c d"]),
        (b"ECHO \"\\x41\\n\\q\\\"\"\r\n", &[b"ECHO", b"A\nq\""]),
        (b"ECHO 'it\\'s \\n'\r\n", &[b"ECHO", b"it's \\n"]),
        (b"ECHO \"\"\r\n", &[b"ECHO", b""]),
    ];
    for (line, expected) in cases {
        let mut decoder = Decoder::new();
        assert_eq!(decoder.step(line, &Limits::default()), Ok(Step::Request));
        assert_eq!(words(&decoder, line), expected.to_vec());
    }
    assert_eq!(refusal(b"ECHO \"a\"b\r\n"), "Protocol error: unbalanced quotes in request");
}
