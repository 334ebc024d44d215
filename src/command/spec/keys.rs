//! Finding the keys in a request from the key specs of its command.

use std::ops::Range;

use smallvec::SmallVec;

use super::{KeyFlags, Spec};
use crate::types::stream::policy::value_count;

/// Where some of a command's keys stand, and what it does with them.
#[derive(Debug, Clone, Copy)]
pub struct KeySpec {
    pub flags: KeyFlags,
    pub begin: Begin,
    pub find: Find,
    /// Redis does not have it.
    pub is_own: bool,
}

/// Where the search for keys starts. Positions count the command's name as 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    Index(u16),
    /// After this word, looked for from position `from` on, or if that is negative from so many
    /// words before the end backwards.
    Keyword {
        word: &'static str,
        from: i16,
    },
    Unknown,
}

/// Which words from the start on are keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Find {
    /// Every `step`th word up to `last`: counted from the start, or if negative from the end
    /// (-1 is the last word). A `limit` of 2 halves what is left of the request first.
    Range {
        last: i16,
        step: u16,
        limit: u16,
    },
    /// As many keys as the word at `count` says, every `step`th from `first` on, both counted from
    /// the start.
    Count {
        count: u16,
        first: u16,
        step: u16,
    },
    Unknown,
}

impl KeySpec {
    /// One key at `position`.
    pub const fn at(position: u16, flags: KeyFlags) -> KeySpec {
        KeySpec { flags, begin: Begin::Index(position), find: Find::ONE, is_own: false }
    }

    /// One key behind `word`, which is looked for from position `from` on.
    pub const fn after(word: &'static str, from: i16, flags: KeyFlags) -> KeySpec {
        KeySpec { flags, begin: Begin::Keyword { word, from }, find: Find::ONE, is_own: false }
    }

    /// Keys that only somebody who knows the command's options finds.
    pub const fn told_by_options(flags: KeyFlags) -> KeySpec {
        KeySpec { flags, begin: Begin::Unknown, find: Find::Unknown, is_own: false }
    }

    /// Redis does not have it.
    pub const fn own(mut self) -> KeySpec {
        self.is_own = true;
        self
    }

    /// Every word up to `last`, counted from the first key, or from the end if negative.
    pub const fn up_to(mut self, last: i16) -> KeySpec {
        let step = match self.find {
            Find::Range { step, .. } => step,
            _ => 1,
        };
        self.find = Find::Range { last, step, limit: 0 };
        self
    }

    /// Every `step`th word only.
    pub const fn every(mut self, step: u16) -> KeySpec {
        self.find = Find::Range { last: 0, step, limit: 0 };
        self
    }

    /// The first half of the words that are left; the second half belongs to them one by one.
    pub const fn half_to_end(mut self) -> KeySpec {
        self.find = Find::Range { last: -1, step: 1, limit: 2 };
        self
    }

    /// The number of keys, and behind it the keys, every `step`th word.
    pub const fn counted(mut self, step: u16) -> KeySpec {
        self.find = Find::Count { count: 0, first: 1, step };
        self
    }
}

impl Find {
    const ONE: Find = Find::Range { last: 0, step: 1, limit: 0 };
}

/// A key in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyRef {
    /// Its place among the request's words; the command's name is 0.
    pub position: u32,
    pub flags: KeyFlags,
}

/// The keys of one request, in the order of the command's specs. Up to four lie in place.
pub type KeyRefs = SmallVec<[KeyRef; 4]>;

/// A request as its words, the command's name first.
pub trait Words {
    fn count(&self) -> usize;
    fn word(&self, position: usize) -> &[u8];
}

impl<T: AsRef<[u8]>> Words for [T] {
    #[inline]
    fn count(&self) -> usize {
        self.len()
    }

    #[inline]
    fn word(&self, position: usize) -> &[u8] {
        self[position].as_ref()
    }
}

/// The words of a request at which one key spec points.
struct Stretch {
    first: usize,
    last: usize,
    step: usize,
}

impl Spec {
    /// The keys of a request to this command.
    ///
    /// Empty if the request is malformed so that the keys cannot be told: the command itself is
    /// going to refuse it.
    #[inline]
    pub fn keys_of<W: Words + ?Sized>(&self, request: &W) -> KeyRefs {
        if let Some(at) = self.usual_key(request) {
            let mut keys = KeyRefs::new();
            let flags = self.flags_in(&self.keys[0], request);
            keys.push(KeyRef { position: at as u32, flags });
            return keys;
        }
        self.search_keys(request)
    }

    /// Where the only key of a request stands; none where there may be others. Nearly every request names
    /// one key right behind the command.
    #[inline]
    pub fn usual_key<W: Words + ?Sized>(&self, request: &W) -> Option<usize> {
        let [spec] = self.keys else { return None };
        let (Begin::Index(at), Find::Range { last: 0, .. }) = (spec.begin, spec.find) else {
            return None;
        };
        let is_there = !spec.flags.has(KeyFlags::NOT_KEY) && usize::from(at) < request.count();
        is_there.then_some(usize::from(at))
    }

    fn search_keys<W: Words + ?Sized>(&self, request: &W) -> KeyRefs {
        let mut keys = KeyRefs::new();
        for spec in self.keys {
            if spec.is_own {
                keys.extend(dead_letter_keys(request, spec.flags));
                continue;
            }
            if spec.flags.has(KeyFlags::OW) && spec.begin == Begin::Unknown {
                keys.extend(stored_key(request, spec.flags));
                continue;
            }
            if spec.flags.has(KeyFlags::NOT_KEY) {
                continue;
            }
            if spec.flags.has(KeyFlags::INCOMPLETE) {
                if let Some(positions) = migrated_keys(request) {
                    let flags = self.keys[0].flags;
                    keys = positions.map(|at| KeyRef { position: at as u32, flags }).collect();
                }
                continue;
            }
            let Some(begin) = spec.begin.find(request) else { continue };
            let stretch = spec.find.stretch(begin, request);
            let Some(Stretch { first, last, step }) = stretch else { return KeyRefs::new() };
            if last < first || last >= request.count() {
                // The arity of a command that takes "at least so many" does not rule this out.
                continue;
            }
            let flags = self.flags_in(spec, request);
            let positions = (first..=last).step_by(step);
            keys.extend(positions.map(|at| KeyRef { position: at as u32, flags }));
        }
        keys
    }

    /// What a request does with the keys of one spec.
    #[inline]
    fn flags_in<W: Words + ?Sized>(&self, spec: &KeySpec, request: &W) -> KeyFlags {
        match spec.flags.has(KeyFlags::VARIABLE_FLAGS) {
            true => self.flags_by_options(request),
            false => spec.flags,
        }
    }

    /// What the command does with its key where that depends on its options (SET, BITFIELD).
    fn flags_by_options<W: Words + ?Sized>(&self, request: &W) -> KeyFlags {
        if self.name == "bitfield" {
            return bitfield_flags(request);
        }
        let reads = (3..request.count()).any(|at| {
            let word = request.word(at);
            ["get", "ifeq", "ifne", "ifdeq", "ifdne"]
                .iter()
                .any(|option| word.eq_ignore_ascii_case(option.as_bytes()))
        });
        match reads {
            true => KeyFlags::all(&[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE]),
            false => KeyFlags::all(&[KeyFlags::OW, KeyFlags::UPDATE]),
        }
    }

    /// The positions of the first and the last key and the distance between keys, as the reply of
    /// `COMMAND` had them before there were key specs: neighbouring ranges are told as one, and what
    /// does not fit the form is left out. Zeroes if nothing fits.
    pub fn key_range(&self) -> (i64, i64, i64) {
        if let [KeySpec { begin: Begin::Index(first), find: Find::Range { last, step, .. }, .. }] =
            self.keys
        {
            return (i64::from(*first), last_position(*first, *last), i64::from(*step));
        }
        let mut merged: Option<(i64, i64)> = None;
        for (number, spec) in self.keys.iter().enumerate() {
            let (Begin::Index(first), Find::Range { last, step: 1, .. }) = (spec.begin, spec.find)
            else {
                continue;
            };
            let is_last = number + 1 == self.keys.len();
            let follows = merged.is_none_or(|(_, before)| before == i64::from(first) - 1);
            if !follows || (last < 0 && !is_last) {
                continue;
            }
            let start = merged.map_or(i64::from(first), |(start, _)| start);
            merged = Some((start, last_position(first, last)));
        }
        merged.map_or((0, 0, 0), |(first, last)| (first, last, 1))
    }
}

/// Where the keys of MIGRATE begin that stand behind KEYS, in place of the one before the options. A
/// request that has both is refused, and has none.
fn migrated_keys<W: Words + ?Sized>(request: &W) -> Option<Range<usize>> {
    let mut at = 6;
    while at < request.count() {
        let is = |name: &str| request.word(at).eq_ignore_ascii_case(name.as_bytes());
        // With nothing behind it, it is no option.
        if is("keys") && at + 1 < request.count() {
            let first = if request.word(3).is_empty() { at + 1 } else { request.count() };
            return Some(first..request.count());
        }
        at += if is("auth2") {
            3
        } else if is("auth") {
            2
        } else {
            1
        };
    }
    None
}

/// Where SORT stores: behind its last STORE that is not the value of another option.
fn stored_key<W: Words + ?Sized>(request: &W, flags: KeyFlags) -> Option<KeyRef> {
    let (mut found, mut at) = (None, 2);
    while at < request.count() {
        let is = |name: &str| request.word(at).eq_ignore_ascii_case(name.as_bytes());
        if is("limit") {
            at += 2;
        } else if is("by") || is("get") {
            at += 1;
        } else if is("store") && at + 1 < request.count() {
            at += 1;
            found = Some(KeyRef { position: at as u32, flags });
        }
        at += 1;
    }
    found
}

/// The streams that XCFGSET names for the dead of a group.
fn dead_letter_keys<W: Words + ?Sized>(request: &W, flags: KeyFlags) -> Vec<KeyRef> {
    let is = |at: usize, word: &[u8]| request.word(at).eq_ignore_ascii_case(word);
    let count = request.count();
    let (mut keys, mut at) = (Vec::new(), 2);
    if at >= count || !is(at, b"GROUP") {
        return keys;
    }
    at += 2;
    while at + 1 < count {
        if is(at, b"DLQ") && !request.word(at + 1).is_empty() {
            keys.push(KeyRef { position: at as u32 + 1, flags });
        }
        at += 1 + value_count(request.word(at));
    }
    keys
}

/// What BITFIELD does with its key: as long as it only gets, it only reads.
fn bitfield_flags<W: Words + ?Sized>(request: &W) -> KeyFlags {
    let mut at = 2;
    while at < request.count() {
        let word = request.word(at);
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        let behind = request.count() - at - 1;
        at += match () {
            () if is("get") && behind >= 2 => 3,
            () if is("overflow") && behind >= 1 => 2,
            () => return KeyFlags::all(&[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE]),
        };
    }
    KeyFlags::all(&[KeyFlags::RO, KeyFlags::ACCESS])
}

/// The position of a range's last key, or a negative count from the request's end.
fn last_position(first: u16, last: i16) -> i64 {
    if last >= 0 { i64::from(first) + i64::from(last) } else { i64::from(last) }
}

impl Begin {
    fn find<W: Words + ?Sized>(&self, request: &W) -> Option<usize> {
        match *self {
            Begin::Index(position) => Some(usize::from(position)),
            Begin::Keyword { word, from } => {
                let is_it = |at: &usize| request.word(*at).eq_ignore_ascii_case(word.as_bytes());
                let end = request.count();
                // The very last word is not looked at: nothing could follow it.
                let found = match usize::try_from(from) {
                    Ok(from) => (from..end.saturating_sub(1)).find(is_it),
                    Err(_) => {
                        let from = end.checked_sub(usize::from(from.unsigned_abs()))?;
                        (2..=from).rev().find(is_it)
                    }
                };
                found.map(|at| at + 1)
            }
            Begin::Unknown => None,
        }
    }
}

impl Find {
    /// `None` if the request contradicts itself.
    fn stretch<W: Words + ?Sized>(&self, begin: usize, request: &W) -> Option<Stretch> {
        let end = request.count();
        match *self {
            Find::Range { last, step, limit } => {
                let last = match usize::try_from(last) {
                    Ok(last) => begin + last,
                    Err(_) => {
                        let whole = end.checked_sub(begin)?;
                        let part = if limit == 0 { whole } else { whole / usize::from(limit) };
                        (begin + part).checked_sub(usize::from(last.unsigned_abs()))?
                    }
                };
                Some(Stretch { first: begin, last, step: usize::from(step) })
            }
            Find::Count { count, first, step } => {
                let at = begin + usize::from(count);
                if at >= end {
                    return None;
                }
                let wanted = std::str::from_utf8(request.word(at)).ok()?;
                let wanted: usize = wanted.parse().ok().filter(|wanted| *wanted > 0)?;
                let first = begin + usize::from(first);
                let step = usize::from(step);
                let last = (wanted - 1).checked_mul(step)?.checked_add(first)?;
                Some(Stretch { first, last, step })
            }
            Find::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests;
