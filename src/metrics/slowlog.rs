//! The last commands that took long, with their arguments shortened.

use std::collections::VecDeque;

use parking_lot::Mutex;

/// One slow command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlowEntry {
    pub id: u64,
    /// Unix seconds at which it ended.
    pub at_s: i64,
    pub micros: u64,
    /// Shortened: see [`Caller`].
    pub args: Vec<Vec<u8>>,
    pub addr: String,
    pub client_name: Vec<u8>,
}

/// Who called, and how much of the call is kept.
pub struct Caller<'a> {
    pub addr: &'a str,
    pub name: &'a [u8],
    /// `slowlog-max-len`
    pub entries_max: usize,
    /// `slowlog-entry-max-argc`: of more arguments the last one kept says how many are missing.
    pub args_max: usize,
    /// `slowlog-entry-max-string-len`
    pub arg_bytes_max: usize,
}

/// The entries, newest first.
#[derive(Default)]
pub struct SlowLog(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    newest_first: VecDeque<SlowEntry>,
    next_id: u64,
}

impl SlowLog {
    pub fn push(&self, at_s: i64, micros: u64, args: &[&[u8]], caller: &Caller<'_>) {
        let args = shorten(args, caller.args_max, caller.arg_bytes_max);
        let mut entries = self.0.lock();
        let id = entries.next_id;
        entries.next_id += 1;
        let (addr, client_name) = (caller.addr.to_string(), caller.name.to_vec());
        entries.newest_first.push_front(SlowEntry { id, at_s, micros, args, addr, client_name });
        entries.newest_first.truncate(caller.entries_max);
    }

    /// The newest entries, at most `count`.
    pub fn newest(&self, count: usize) -> Vec<SlowEntry> {
        self.0.lock().newest_first.iter().take(count).cloned().collect()
    }

    pub fn len(&self) -> usize {
        self.0.lock().newest_first.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets the entries; ids go on.
    pub fn reset(&self) {
        self.0.lock().newest_first.clear();
    }
}

fn shorten(args: &[&[u8]], args_max: usize, arg_bytes_max: usize) -> Vec<Vec<u8>> {
    let whole = if args.len() > args_max { args_max.saturating_sub(1) } else { args.len() };
    let mut kept: Vec<Vec<u8>> = Vec::with_capacity(args.len().min(args_max));
    for arg in &args[..whole] {
        if arg.len() > arg_bytes_max {
            let mut part = arg[..arg_bytes_max].to_vec();
            let missing = arg.len() - arg_bytes_max;
            part.extend_from_slice(format!("... ({missing} more bytes)").as_bytes());
            kept.push(part);
        } else {
            kept.push(arg.to_vec());
        }
    }
    if whole < args.len() {
        kept.push(format!("... ({} more arguments)", args.len() - whole).into_bytes());
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALLER: Caller<'_> = Caller {
        addr: "1.2.3.4:5",
        name: b"worker",
        entries_max: 2,
        args_max: 3,
        arg_bytes_max: 4,
    };

    #[test]
    fn arguments_are_shortened_as_in_redis() {
        let shown = |args: &[&[u8]]| -> Vec<String> {
            let kept = shorten(args, 3, 4);
            kept.into_iter().map(|arg| String::from_utf8(arg).expect("text")).collect()
        };
        assert_eq!(shown(&[b"a", b"abcd", b"c"]), ["a", "abcd", "c"]);
        assert_eq!(shown(&[b"abcdef"]), ["abcd... (2 more bytes)"]);
        assert_eq!(shown(&[b"a", b"b", b"c", b"d"]), ["a", "b", "... (2 more arguments)"]);
    }

    #[test]
    fn the_newest_are_kept_and_ids_go_on() {
        let log = SlowLog::default();
        (0..3).for_each(|n| log.push(n, 5, &[b"x"], &CALLER));
        let ids: Vec<u64> = log.newest(10).iter().map(|entry| entry.id).collect();
        assert_eq!(ids, [2, 1]);
        assert_eq!(log.newest(1).len(), 1);
        log.reset();
        assert!(log.is_empty());
        log.push(3, 5, &[b"x"], &CALLER);
        let newest = &log.newest(1)[0];
        assert_eq!((newest.id, newest.addr.as_str()), (3, "1.2.3.4:5"));
    }
}
