//! INFO: the server in figures, with Redis's sections and names of fields.
//!
//! It runs under all locks, as counting keys asks for; everything it reads costs microseconds, but for
//! Keysizes, which looks at every key: it is shown only to who asks for it by name, while in Redis writes
//! keep count of it.

mod commands;
mod keyspace;
mod process;
mod traffic;

use std::fmt::{Display, Write};

use super::connection::REDIS_VERSION;
use super::cx::Cx;
use super::error::Outcome;
use super::table::{Entry, all};

pub(super) static COMMANDS: &[Entry] = &[all("info", info)];

/// When a section is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    ByDefault,
    /// To who asks for all, or for it.
    WithAll,
    ByName,
}

/// A section: its name, when it is shown, and what writes it.
struct Section {
    name: &'static str,
    shown: Shown,
    write: fn(&mut Cx<'_, '_>, &mut Text),
}

const fn section(name: &'static str, write: fn(&mut Cx<'_, '_>, &mut Text)) -> Section {
    Section { name, shown: Shown::ByDefault, write }
}

/// In the order they are shown, whatever the order they are asked for in.
static SECTIONS: &[Section] = &[
    section("Server", process::server),
    section("Clients", traffic::clients),
    section("Memory", process::memory),
    section("Persistence", keyspace::persistence),
    section("Threads", traffic::threads),
    section("Stats", traffic::stats),
    section("Replication", process::replication),
    section("CPU", process::cpu),
    // There are no modules; the title alone says so, as in Redis.
    section("Modules", |_, _| ()),
    Section { shown: Shown::WithAll, ..section("Commandstats", commands::calls) },
    section("Errorstats", commands::errors),
    Section { shown: Shown::WithAll, ..section("Latencystats", commands::latencies) },
    section("Cluster", |_, text| text.field("cluster_enabled", 0)),
    section("Keyspace", keyspace::databases),
    Section { shown: Shown::ByName, ..section("Keysizes", keyspace::sizes) },
];

/// The reply as it grows.
#[derive(Default)]
struct Text(String);

impl Text {
    fn title(&mut self, name: &str) {
        if !self.0.is_empty() {
            self.0.push_str("\r\n");
        }
        self.line(format_args!("# {name}"));
    }

    fn field(&mut self, name: &str, value: impl Display) {
        self.line(format_args!("{name}:{value}"));
    }

    /// A size twice: in bytes, and as people read it.
    fn size(&mut self, name: &str, bytes: u64) {
        self.field(name, bytes);
        self.line(format_args!("{name}_human:{}", human(bytes)));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        write!(self.0, "{line}\r\n").expect("writing to a string cannot fail");
    }
}

/// Bytes as people read them: `1.50M`.
fn human(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["K", "M", "G", "T", "P", "E"];
    if bytes < 1024 {
        return format!("{bytes}B");
    }
    let power = bytes.ilog2() / 10;
    format!("{:.2}{}", bytes as f64 / (1u64 << (power * 10)) as f64, UNITS[power as usize - 1])
}

fn info(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    cx.session.stopwatch.flush(&cx.server.metrics.calls);
    let mut text = Text::default();
    for section in SECTIONS.iter().filter(|section| is_asked_for(section, &args[1..])) {
        text.title(section.name);
        (section.write)(cx, &mut text);
    }
    cx.reply.verbatim("txt", text.0.as_bytes());
    Ok(())
}

fn is_asked_for(section: &Section, asked: &[&[u8]]) -> bool {
    let names = |asked: &&[u8]| {
        let is = |name: &str| asked.eq_ignore_ascii_case(name.as_bytes());
        let by_default = section.shown == Shown::ByDefault;
        let with_all = section.shown != Shown::ByName;
        is(section.name)
            || (is("all") || is("everything")) && with_all
            || is("default") && by_default
    };
    if asked.is_empty() { section.shown == Shown::ByDefault } else { asked.iter().any(names) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_for_people() {
        for (bytes, shown) in [
            (0, "0B"),
            (1023, "1023B"),
            (1024, "1.00K"),
            (1_186_224, "1.13M"),
            (25_276_510_208, "23.54G"),
            (u64::MAX, "16.00E"),
        ] {
            assert_eq!(human(bytes), shown);
        }
    }

    #[test]
    fn sections_by_name_and_by_set() {
        let shown = |asked: &[&[u8]]| -> Vec<&str> {
            let sections = SECTIONS.iter().filter(|section| is_asked_for(section, asked));
            sections.map(|section| section.name).collect()
        };
        assert_eq!(shown(&[b"keyspace", b"SERVER", b"nosuch"]), ["Server", "Keyspace"]);
        assert_eq!(shown(&[]), shown(&[b"default"]));
        assert!(!shown(&[]).contains(&"Commandstats"));
        assert_eq!(shown(&[b"all"]).len(), SECTIONS.len() - 1);
        assert_eq!(shown(&[b"keysizes"]), ["Keysizes"]);
        assert_eq!(shown(&[b"everything"]), shown(&[b"all"]));
        assert!(shown(&[b"default", b"commandstats"]).contains(&"Commandstats"));
        assert_eq!(shown(&[b"nosuch"]), Vec::<&str>::new());
    }
}
