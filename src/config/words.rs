//! How a line of a configuration file is cut into words, and a word written back.

use std::borrow::Cow;

/// Cuts a line into words as redis.conf does: blanks separate; inside double quotes `\n`, `\r`,
/// `\t`, `\b`, `\a` and `\xHH` are escapes and any other escaped byte is itself; inside single
/// quotes only `\'` is. A quote may open within a word, and has to close at the end of one.
///
/// None if a quote does not close, or closes in the middle of a word.
pub fn split(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        rest = skip_blanks(rest);
        if rest.is_empty() {
            return Some(words);
        }
        let mut word = Vec::new();
        loop {
            match rest {
                [b'"', tail @ ..] => {
                    rest = read_double_quoted(tail, &mut word)?;
                    break;
                }
                [b'\'', tail @ ..] => {
                    rest = read_single_quoted(tail, &mut word)?;
                    break;
                }
                [byte, tail @ ..] if !is_blank(*byte) => {
                    word.push(*byte);
                    rest = tail;
                }
                _ => break,
            }
        }
        words.push(word);
    }
}

/// A word as it can stand in a line, so that [`split`] gives it back: in quotes if it needs them.
pub fn word(word: &[u8]) -> Cow<'_, str> {
    let is_plain = |byte: &u8| byte.is_ascii_graphic() && !b"\"'\\#".contains(byte);
    if !word.is_empty() && word.iter().all(is_plain) {
        String::from_utf8_lossy(word)
    } else {
        Cow::Owned(quote(word))
    }
}

/// A word in double quotes, so that [`split`] gives it back byte for byte.
pub fn quote(word: &[u8]) -> String {
    let mut out = String::with_capacity(word.len() + 2);
    out.push('"');
    for &byte in word {
        match byte {
            b'\\' | b'"' => out.extend(['\\', byte as char]),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x07 => out.push_str("\\a"),
            0x08 => out.push_str("\\b"),
            b' '..=b'~' => out.push(byte as char),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}

/// NUL ends a word too, as it does for a program in C.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c | 0)
}

fn skip_blanks(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| !is_blank(*byte)).unwrap_or(text.len());
    &text[start..]
}

/// What follows the closing quote, which has to be the end of the word.
fn after_quote(rest: &[u8]) -> Option<&[u8]> {
    rest.first().is_none_or(|byte| is_blank(*byte)).then_some(rest)
}

fn read_double_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        match rest {
            [b'\\', b'x', high, low, tail @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                word.push(hex(*high) << 4 | hex(*low));
                rest = tail;
            }
            [b'\\', escaped, tail @ ..] => {
                word.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    itself => *itself,
                });
                rest = tail;
            }
            [b'"', tail @ ..] => return after_quote(tail),
            [byte, tail @ ..] => {
                word.push(*byte);
                rest = tail;
            }
            [] => return None,
        }
    }
}

fn read_single_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        match rest {
            [b'\\', b'\'', tail @ ..] => {
                word.push(b'\'');
                rest = tail;
            }
            [b'\'', tail @ ..] => return after_quote(tail),
            [byte, tail @ ..] => {
                word.push(*byte);
                rest = tail;
            }
            [] => return None,
        }
    }
}

/// The value of a byte already known to be a hexadecimal digit.
fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit.to_ascii_lowercase() - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Option<Vec<String>> {
        let as_text = |word| String::from_utf8(word).expect("the cases are text");
        split(line.as_bytes()).map(|words| words.into_iter().map(as_text).collect())
    }

    #[test]
    fn quotes_and_escapes() {
        for (line, expected) in [
            ("", Some(vec![])),
            ("  a\t b  ", Some(vec!["a", "b"])),
            (r#"save "" ''"#, Some(vec!["save", "", ""])),
            (r#"a"b c" d"#, Some(vec!["ab c", "d"])),
            (r#""\x41\n\"\q""#, Some(vec!["A\n\"q"])),
            (r#"'it\'s \n'"#, Some(vec!["it's \\n"])),
            (r#""open"#, None),
            (r#"'open"#, None),
            (r#""a"b"#, None),
            (r#"'a'b"#, None),
            (r#""\"#, None),
        ] {
            let expected = expected.map(|w| w.into_iter().map(String::from).collect());
            assert_eq!(words(line), expected, "{line:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_quoted_comes_back(word: Vec<u8>) {
            proptest::prop_assert_eq!(split(quote(&word).as_bytes()), Some(vec![word]));
        }
    }
}
