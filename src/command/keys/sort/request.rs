//! What SORT is asked for.

use crate::command::args;
use crate::command::cx::Cx;
use crate::command::error::Error;
use crate::command::permission;

const BY_DENIED: Error =
    Error::fixed("ERR BY option of SORT denied due to insufficient ACL permissions.");
const GET_DENIED: Error =
    Error::fixed("ERR GET option of SORT denied due to insufficient ACL permissions.");

/// What BY and GET name, for each element.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pattern<'a> {
    /// The element itself: `#`.
    Element,
    /// No key: there is no `*` that an element could be put for.
    Nothing,
    /// The string at a key, or a field of the hash there.
    Key { before: &'a [u8], after: &'a [u8], field: Option<&'a [u8]> },
}

impl<'a> Pattern<'a> {
    pub fn parse(text: &'a [u8]) -> Pattern<'a> {
        let Some(star) = text.iter().position(|byte| *byte == b'*') else {
            return if text == b"#" { Pattern::Element } else { Pattern::Nothing };
        };
        let (before, after) = (&text[..star], &text[star + 1..]);
        let arrow = after.windows(2).position(|pair| pair == b"->");
        match arrow {
            // An arrow to nothing belongs to the name.
            Some(at) if at + 2 < after.len() => {
                Pattern::Key { before, after: &after[..at], field: Some(&after[at + 2..]) }
            }
            _ => Pattern::Key { before, after, field: None },
        }
    }
}

/// A whole request.
pub(super) struct Request<'a> {
    pub by: Option<Pattern<'a>>,
    pub get: Vec<Pattern<'a>>,
    pub descending: bool,
    pub alpha: bool,
    /// How many are left out, and how many are taken then; below 0: all.
    limit: (i64, i64),
    pub store: Option<&'a [u8]>,
}

impl<'a> Request<'a> {
    pub fn parse(
        cx: &Cx<'_, '_>,
        args: &[&'a [u8]],
        reads_only: bool,
    ) -> Result<Request<'a>, Error> {
        let mut request = Request {
            by: None,
            get: Vec::new(),
            descending: false,
            alpha: false,
            limit: (0, -1),
            store: None,
        };
        let mut rest = &args[2..];
        while let [option, more @ ..] = rest {
            rest = match *more {
                _ if args::is(option, "ASC") || args::is(option, "DESC") => {
                    request.descending = args::is(option, "DESC");
                    more
                }
                _ if args::is(option, "ALPHA") => {
                    request.alpha = true;
                    more
                }
                [offset, count, ref more @ ..] if args::is(option, "LIMIT") => {
                    request.limit = (args::integer(offset)?, args::integer(count)?);
                    more
                }
                [key, ref more @ ..] if args::is(option, "STORE") && !reads_only => {
                    request.store = Some(key);
                    more
                }
                [pattern, ref more @ ..] if args::is(option, "BY") => {
                    let by = Pattern::parse(pattern);
                    // `#` is no name either.
                    let by = if by == Pattern::Element { Pattern::Nothing } else { by };
                    if by != Pattern::Nothing && !permission::may_read_any_key(cx.session, args) {
                        return Err(BY_DENIED);
                    }
                    request.by = Some(by);
                    more
                }
                [pattern, ref more @ ..] if args::is(option, "GET") => {
                    if !permission::may_read_any_key(cx.session, args) {
                        return Err(GET_DENIED);
                    }
                    request.get.push(Pattern::parse(pattern));
                    more
                }
                _ => return Err(Error::SYNTAX),
            };
        }
        Ok(request)
    }

    /// Which of so many elements are wanted.
    pub fn limits(&self, len: usize) -> (usize, usize) {
        let (offset, count) = self.limit;
        let from = usize::try_from(offset).unwrap_or(0).min(len);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        (from, from.saturating_add(count).min(len))
    }
}

/// Whether a request to SORT or SORT_RO may read keys that only its elements name. (An option's word in
/// the place of a key's name counts too: then more is locked than had to be.)
pub(in crate::command) fn names_keys_while_running(args: &[&[u8]]) -> bool {
    args.iter().skip(2).zip(args.iter().skip(3)).any(|(option, pattern)| {
        (args::is(option, "BY") || args::is(option, "GET")) && pattern.contains(&b'*')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let key = |before, after, field| Pattern::Key { before, after, field };
        for (text, pattern) in [
            ("#", Pattern::Element),
            ("nosort", Pattern::Nothing),
            ("", Pattern::Nothing),
            ("w_*", key(b"w_", b"", None)),
            ("*", key(b"", b"", None)),
            ("a*b*", key(b"a", b"b*", None)),
            ("h_*->f", key(b"h_", b"", Some(b"f"))),
            ("h_*x->f->g", key(b"h_", b"x", Some(b"f->g"))),
            ("h_*->", key(b"h_", b"->", None)),
            ("h->*", key(b"h->", b"", None)),
        ] {
            assert_eq!(Pattern::parse(text.as_bytes()), pattern, "{text}");
        }
    }

    #[test]
    fn keys_that_only_elements_name() {
        let names = |line: &str| {
            let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            names_keys_while_running(&words)
        };
        assert!(names("SORT k BY w_*") && names("sort k desc get # get w_*->f"));
        assert!(!names("SORT k BY nosort") && !names("SORT k GET #") && !names("SORT *"));
    }
}
