use super::*;

fn group(words: &str) -> Result<GroupPolicy, BadPolicy> {
    let mut policy = GroupPolicy::default();
    policy.set(&words.split(' ').map(str::as_bytes).collect::<Vec<_>>())?;
    Ok(policy)
}

fn stream(words: &str) -> Result<StreamPolicy, BadPolicy> {
    let mut policy = StreamPolicy::default();
    policy.set(&words.split(' ').map(str::as_bytes).collect::<Vec<_>>())?;
    Ok(policy)
}

fn shown(words: Vec<Vec<u8>>) -> String {
    String::from_utf8_lossy(&words.join(&b' ')).into_owned()
}

#[test]
fn a_policy_is_what_its_words_say() {
    let all = "LEASE 30000 MAXDELIVERIES 5 DLQ dead BACKOFF 10 20 ORDERBY customer \
               MAXINFLIGHT 7 RATE 50 1000 FILTER kind mail.* FILTER land d? CONSUMERTTL 60000";
    assert_eq!(shown(group(all).unwrap().words()), all);
    assert_eq!(group(&all.replace("LEASE", "lease")), group(all));
    let all = "MAXLEN 5 MAXAGE 6 OVERFLOW REJECT RETAIN ACKED DELAYFIELD d TTLFIELD t \
               DEDUPFIELD i 7";
    assert_eq!(shown(stream(all).unwrap().words()), all);
    assert_eq!(group("LEASE 5 LEASE 6"), group("LEASE 6"));
}

#[test]
fn zero_and_the_empty_string_take_away() {
    let mut policy = group("LEASE 5 DLQ d RATE 1 2 FILTER a b FILTER c d").unwrap();
    policy.set(&[b"LEASE", b"0", b"DLQ", b"", b"RATE", b"0", b"0"]).unwrap();
    assert_eq!(shown(policy.words()), "FILTER a b FILTER c d");
    policy.set(&[b"FILTER", b"x", b"y"]).unwrap();
    assert_eq!(shown(policy.words()), "FILTER x y");
    policy.set(&[b"FILTER", b"", b""]).unwrap();
    assert!(policy.is_none());
    let mut policy = group("LEASE 5 MAXDELIVERIES 3 RATE 1 2 BACKOFF 0 0").unwrap();
    policy.set(&[b"MAXDELIVERIES", b"", b"RATE", b"", b"", b"BACKOFF", b"", b""]).unwrap();
    assert_eq!(shown(policy.words()), "LEASE 5");
    assert_eq!(policy.backoff(), Backoff::DEFAULT);
    // Having no backoff is nothing to do by itself.
    assert!(group("BACKOFF 0 0").unwrap().is_none());
    let mut policy = stream("MAXLEN 1 OVERFLOW REJECT RETAIN ACKED DEDUPFIELD f 1").unwrap();
    policy.set(&[b"MAXLEN", b"0", b"OVERFLOW", b"", b"RETAIN", b"ALL"]).unwrap();
    policy.set(&[b"DEDUPFIELD", b"f", b"0"]).unwrap();
    assert!(policy.is_none());
}

#[test]
fn what_is_no_policy_is_refused() {
    for (words, error) in [
        ("LEASE", "syntax error: LEASE takes 1 value"),
        ("BACKOFF 1", "syntax error: BACKOFF takes 2 values"),
        ("NOTHING 1", "syntax error: there is no parameter 'NOTHING'"),
        ("MAXLEN 1", "MAXLEN is a parameter of streams, not of groups"),
        ("LEASE x", "value is not an integer or out of range: LEASE"),
        ("LEASE -1", "LEASE must be between 0 and 999999999999"),
        ("LEASE 1000000000000", "LEASE must be between 0 and 999999999999"),
        ("BACKOFF 2 1", "BACKOFF takes min-ms and a max-ms that is not below it, or 0 0"),
        ("BACKOFF 0 1", "BACKOFF takes min-ms and a max-ms that is not below it, or 0 0"),
        ("RATE 1 0", "RATE takes n and a time above 0 ms, or 0 0"),
        ("RATE 1 1000000000000", "RATE's window must be between 0 and 999999999999"),
        ("FILTER a ", "FILTER takes a field and a glob, or two empty strings"),
    ] {
        assert_eq!(group(words).unwrap_err().to_string(), error, "{words}");
    }
    for (words, error) in [
        ("RETAIN some", "RETAIN takes ALL or ACKED"),
        ("OVERFLOW 1", "OVERFLOW takes DROP or REJECT"),
        ("DEDUPFIELD f", "syntax error: DEDUPFIELD takes 2 values"),
        ("DLQ d", "DLQ is a parameter of groups: GROUP and a group's name go before it"),
    ] {
        assert_eq!(stream(words).unwrap_err().to_string(), error, "{words}");
    }
}

#[test]
fn backoff_doubles_up_to_its_maximum() {
    let backoff = Backoff { min_ms: 1000, max_ms: 60_000 };
    let waits: Vec<u64> = (1..9).map(|failures| backoff.delay_ms(failures)).collect();
    assert_eq!(waits, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    assert_eq!(backoff.delay_ms(u64::MAX), 60_000);
    assert_eq!(Backoff::NONE.delay_ms(9), 0);
    assert_eq!(group("LEASE 1").unwrap().backoff(), Backoff::DEFAULT);
    assert_eq!(group("LEASE 1 BACKOFF 0 0").unwrap().backoff(), Backoff::NONE);
    assert_eq!(group("DLQ d").unwrap().backoff(), Backoff::NONE);
}

#[test]
fn all_filters_have_to_match() {
    let policy = group("FILTER a 1 FILTER b 2").unwrap();
    let is_equal = |glob: &[u8], value: &[u8]| glob == value;
    let admits = |words: &str| {
        let words: Vec<&[u8]> = words.split(' ').map(str::as_bytes).collect();
        policy.admits(words.as_chunks().0.iter().map(|[name, value]| (*name, *value)), is_equal)
    };
    assert!(admits("a 1 b 2"));
    assert!(admits("b 2 c 3 a 1 a 2"));
    assert!(!admits("a 1"));
    assert!(!admits("a 2 a 1 b 2"));
}
