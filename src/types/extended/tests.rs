use super::*;

fn sum(a: &str, b: &str) -> Option<String> {
    let a = Extended::parse(a.as_bytes())?;
    let b = Extended::parse(b.as_bytes())?;
    Some(a.checked_add(b)?.to_text())
}

/// Replies of redis-server 8.2 to `SET k a`, `INCRBYFLOAT k b`.
#[test]
fn sums_are_those_of_redis() {
    for (a, b, expected) in [
        ("0.1", "0.2", "0.3"),
        ("10.50", "0.1", "10.6"),
        ("5.0e3", "2.0e2", "5200"),
        ("3.0e3", "-3000", "0"),
        ("-0.0", "-0", "0"),
        ("0", "1e-17", "0.00000000000000001"),
        ("0", "1e-18", "0"),
        ("1", "-1e-19", "1"),
        ("0xff", "1", "256"),
        ("0x1.8p1", "0X.8P-1", "3.25"),
        ("+.5", "5.", "5.5"),
        ("9223372036854775807", "1", "9223372036854775808"),
        ("18446744073709551615", "0.5", "18446744073709551616"),
        ("1e20", "0.1", "100000000000000000000"),
        ("1.23456789012345678901", "0", "1.23456789012345679"),
        ("1e30", "0", "1000000000000000000024696061952"),
    ] {
        assert_eq!(sum(a, b).as_deref(), Some(expected), "{a} + {b}");
    }
}

#[test]
fn only_whole_numbers_in_range_are_read() {
    for text in [
        "",
        " 1",
        "1 ",
        "abc",
        "1a",
        "nan",
        "NaN",
        "-nan",
        "1e",
        "1e+",
        "0x",
        "0xg",
        ".",
        "-",
        "+",
        "1e4933",
        "-1e4933",
        "1e-4952",
        "1e999999999999999999999",
        "1e-999999999999999999999",
        "1..2",
        "1.2.3",
        "--1",
        "inf1",
        "1_000",
        "1\0",
        "0x1p16384",
        "0x1p-16446",
    ] {
        assert_eq!(Extended::parse(text.as_bytes()), None, "{text:?}");
    }
    assert_eq!(Extended::parse(&[b'1'; 5120]), None);
    for text in ["inf", "-Infinity", "+INF"] {
        assert!(Extended::parse(text.as_bytes()).unwrap().is_infinite(), "{text:?}");
    }
    assert_eq!(sum("inf", "1"), None);
    assert_eq!(sum("1e4932", "1e4932"), None);
    assert_eq!(sum("1e4932", "-1e4932").as_deref(), Some("0"));
    assert_eq!(sum("1e-4940", "0x1p-16445").as_deref(), Some("0"));
    assert_eq!(sum("0e99999", "0").as_deref(), Some("0"));
}

#[test]
fn products_round_up_to_whole_numbers() {
    for (text, expected) in [
        ("0", 0),
        ("1", 1000),
        ("0.001", 1),
        ("0.0011", 2),
        ("0.1", 100),
        ("1e-300", 1),
        ("-0.0001", 0),
        ("-1.5", -1500),
        ("-1e-300", 0),
        ("1e30", i64::MAX),
        ("-1e30", i64::MIN),
        ("inf", i64::MAX),
        ("9223372036854775.807", i64::MAX),
        ("9223372036854775", 9_223_372_036_854_775_000),
    ] {
        let number = Extended::parse(text.as_bytes()).unwrap();
        assert_eq!(number.ceil_of_product(1000), expected, "{text}");
    }
}
