//! What a reply promises, by the settings `appendonly`, `appendfsync` and `save` together.

use std::fmt;

use super::Config;

/// What of the acknowledged writes survives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Promise {
    /// On disk before the reply: survives a loss of power.
    Always,
    /// With the kernel before the reply, on disk within a second: survives a kill of the process,
    /// and a loss of power but for the last second.
    EverySecond,
    /// With the kernel before the reply, on disk when the kernel likes.
    WhenTheKernelLikes,
    /// Gone with the process.
    MemoryOnly,
}

/// The whole rule. Save points mean that somebody wants to find the data again after a restart, so
/// `appendonly no` with save points is kept like an append-only file that syncs each second: never
/// less than the save points promise. Only both switched off say that nothing is to be kept.
fn promise_of(appendonly: bool, appendfsync: &[u8], has_save_points: bool) -> Promise {
    match (appendonly, has_save_points) {
        (true, _) => match appendfsync {
            b"everysec" => Promise::EverySecond,
            b"no" => Promise::WhenTheKernelLikes,
            _ => Promise::Always,
        },
        (false, true) => Promise::EverySecond,
        (false, false) => Promise::MemoryOnly,
    }
}

impl Config {
    /// The promise that the settings ask for.
    pub fn promise(&self) -> Promise {
        let has_save_points = !self.save.get().is_empty();
        promise_of(self.appendonly.get(), &self.appendfsync.get(), has_save_points)
    }
}

impl Promise {
    /// For INFO.
    pub fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::EverySecond => "everysec",
            Self::WhenTheKernelLikes => "no",
            Self::MemoryOnly => "memory-only",
        }
    }
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Always => "a reply means on disk (appendonly yes, appendfsync always)",
            Self::EverySecond => {
                "a reply means with the kernel, and on disk within a second (appendfsync everysec)"
            }
            Self::WhenTheKernelLikes => {
                "a reply means with the kernel, and on disk when the kernel writes it \
                 (appendfsync no)"
            }
            Self::MemoryOnly => {
                "a reply means in memory, and all is gone with the process (appendonly no, \
                 save \"\")"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination() {
        for (appendonly, appendfsync, saves, expected) in [
            (true, "always", true, Promise::Always),
            (true, "always", false, Promise::Always),
            (true, "everysec", true, Promise::EverySecond),
            (true, "everysec", false, Promise::EverySecond),
            (true, "no", true, Promise::WhenTheKernelLikes),
            (true, "no", false, Promise::WhenTheKernelLikes),
            (false, "always", true, Promise::EverySecond),
            (false, "everysec", true, Promise::EverySecond),
            (false, "no", true, Promise::EverySecond),
            (false, "always", false, Promise::MemoryOnly),
            (false, "everysec", false, Promise::MemoryOnly),
            (false, "no", false, Promise::MemoryOnly),
        ] {
            assert_eq!(promise_of(appendonly, appendfsync.as_bytes(), saves), expected);
        }
    }
}
