//! Glob patterns as Redis matches them, for KEYS, SCAN, CONFIG GET and the like.
//!
//! `*` any run of bytes, `?` one byte, `[abc]`, `[a-z]`, `[^a]` one byte of a class, `\` the next
//! byte itself. Everything else stands for itself, in bytes, not characters.

/// How letters compare.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Case {
    Sensitive,
    /// ASCII letters match their other case (setting names, not keys).
    Ignored,
}

/// Does `pattern` match the whole of `text`?
///
/// Takes time in `pattern.len() * text.len()` at worst, whatever the pattern: a star that could not
/// be satisfied makes the match go back to the last star only, never to those before it. That is
/// enough, because whatever the earlier stars could take, the last one can take as well.
pub fn matches(pattern: &[u8], text: &[u8], case: Case) -> bool {
    let (mut at_pattern, mut at_text) = (0, 0);
    // Where to go on after a mismatch: behind the last star, with that star one byte longer.
    let mut last_star: Option<(usize, usize)> = None;
    loop {
        if pattern.get(at_pattern) == Some(&b'*') {
            at_pattern += 1;
            if at_pattern == pattern.len() {
                return true;
            }
            last_star = Some((at_pattern, at_text));
            continue;
        }
        let step = match text.get(at_text) {
            None if at_pattern == pattern.len() => return true,
            // The text is at its end and something is still asked for: a longer star only makes
            // that worse.
            None => return false,
            Some(&byte) => match_one(&pattern[at_pattern..], byte, case),
        };
        if let Some(consumed) = step {
            at_pattern += consumed;
            at_text += 1;
            continue;
        }
        let Some((behind_star, star_end)) = last_star else { return false };
        last_star = Some((behind_star, star_end + 1));
        (at_pattern, at_text) = (behind_star, star_end + 1);
    }
}

/// Does this text contain a byte that makes it a pattern rather than a name?
pub fn is_pattern(text: &[u8]) -> bool {
    text.iter().any(|byte| matches!(byte, b'*' | b'?' | b'['))
}

/// Matches one byte against the head of a pattern that does not start with a star; the length of
/// pattern used, or none if it does not match.
fn match_one(pattern: &[u8], byte: u8, case: Case) -> Option<usize> {
    match *pattern {
        [] => None,
        [b'?', ..] => Some(1),
        [b'[', ref class @ ..] => {
            let (matched, length) = match_class(class, byte, case);
            matched.then_some(1 + length)
        }
        // A backslash at the very end stands for itself.
        [b'\\', escaped, ..] => same(escaped, byte, case).then_some(2),
        [literal, ..] => same(literal, byte, case).then_some(1),
    }
}

/// Matches one byte against a class whose `[` is already read: whether it is in it, and how long
/// the class is, its `]` included. A class that never closes ends with the pattern.
fn match_class(class: &[u8], byte: u8, case: Case) -> (bool, usize) {
    let negated = class.first() == Some(&b'^');
    let mut at = usize::from(negated);
    let mut found = false;
    loop {
        match class[at..] {
            [b'\\', escaped, ..] => {
                found |= same(escaped, byte, case);
                at += 2;
            }
            [b']', ..] => {
                at += 1;
                break;
            }
            [] => break,
            [from, b'-', to, ..] => {
                found |= in_range(from, to, byte, case);
                at += 3;
            }
            [literal, ..] => {
                found |= same(literal, byte, case);
                at += 1;
            }
        }
    }
    (found != negated, at)
}

fn in_range(from: u8, to: u8, byte: u8, case: Case) -> bool {
    let fold = |b: u8| if case == Case::Ignored { b.to_ascii_lowercase() } else { b };
    let (low, high) = (from.min(to), from.max(to));
    (fold(low)..=fold(high)).contains(&fold(byte))
}

fn same(a: u8, b: u8, case: Case) -> bool {
    a == b || (case == Case::Ignored && a.eq_ignore_ascii_case(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(pattern: &str, text: &str) -> bool {
        matches(pattern.as_bytes(), text.as_bytes(), Case::Sensitive)
    }

    /// Each of these was put to redis-server 8.2.3 as KEYS over one key.
    #[test]
    fn matches_what_redis_matches() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("?", "", false),
            ("h?llo", "hello", true),
            ("h*llo", "heeeello", true),
            ("h[ae]llo", "hallo", true),
            ("h[ae]llo", "hillo", false),
            ("h[^e]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[a-b]llo", "hbllo", true),
            ("h[b-a]llo", "hallo", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "aXb", false),
            ("a\\", "a\\", true),
            ("[\\]]", "]", true),
            ("[]]", "]", false),
            ("[a", "a", true),
            ("[^a", "b", true),
            ("[", "x", false),
            ("[^", "x", true),
            ("[a-", "-", true),
            ("[a-]", "]", true),
            ("*a*b*c*", "xaybzc", true),
            ("*a*b*c", "xaybzcd", false),
            ("a**b", "ab", true),
            ("a*?", "a", false),
        ] {
            assert_eq!(keys(pattern, text), expected, "{pattern:?} on {text:?}");
        }
    }

    #[test]
    fn case_is_ignored_on_request_only() {
        assert!(matches(b"MaX*[A-C]", b"maxmemoryb", Case::Ignored));
        assert!(!keys("MAX*", "maxmemory"));
    }

    /// Thirty stars over a long near-match: a matcher that tries every split would not return.
    #[test]
    fn many_stars_stay_cheap() {
        let pattern = "a*".repeat(30) + "b";
        assert!(!keys(&pattern, &"a".repeat(20_000)));
    }

    proptest::proptest! {
        /// The plainest possible matcher agrees on small inputs.
        #[test]
        fn agrees_with_a_recursive_matcher(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            fn plain(p: &[u8], t: &[u8]) -> bool {
                match (p, t) {
                    ([], _) => t.is_empty(),
                    ([b'*', rest @ ..], _) => (0..=t.len()).any(|n| plain(rest, &t[n..])),
                    ([b'?', rest @ ..], [_, tail @ ..]) => plain(rest, tail),
                    ([c, rest @ ..], [d, tail @ ..]) => c == d && plain(rest, tail),
                    _ => false,
                }
            }
            proptest::prop_assert_eq!(
                keys(&pattern, &text), plain(pattern.as_bytes(), text.as_bytes())
            );
        }
    }
}
