//! Holds `docs/compatibility.md` to the command table: every command of Redis 8.10 has one row, and
//! the row says what is so. `FOREBAY_WRITE_DOCS=1` writes the tables anew.

use std::collections::BTreeMap;
use std::path::PathBuf;

use forebay::command::table;

const BEGIN: &str = "<!-- commands -->";
const END: &str = "<!-- end of commands -->";
/// What Redis does not have; `docs/queues.md` tells of it.
const OWN: [&str; 1] = ["xredrive"];

/// `group name`, a line for each command and subcommand of Redis 8.10.
fn all() -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in include_str!("facts/names.txt").lines() {
        let (group, name) = line.split_once(' ').expect("a line is a group and a name");
        groups.entry(group).or_default().push(name);
    }
    groups
}

fn is_served(name: &str) -> bool {
    table::spec_named(name.replacen(' ', "|", 1).to_ascii_lowercase().as_bytes()).is_some()
}

/// Why a command is not served, and will not be.
fn reason(name: &str) -> &'static str {
    let first = name.split(' ').next().unwrap_or(name);
    match first {
        "BACKUP" => {
            "the journal and its snapshots are copied as files; `forebay export` writes an RDB file"
        }
        "HOTKEYS" => {
            "sampling keys would cost every request; `INFO commandstats` and SLOWLOG tell what is heavy"
        }
        _ => panic!("{name} is not served, and nothing says why"),
    }
}

/// What is served of it, where that is not all.
fn remark(name: &str) -> &'static str {
    let first = name.split(' ').next().unwrap_or(name);
    match (first, name) {
        ("CLUSTER" | "ASKING" | "READONLY" | "READWRITE", _) => {
            "answers as a server that is in no cluster"
        }
        ("MODULE", "MODULE LOAD" | "MODULE LOADEX" | "MODULE UNLOAD") => "refused",
        ("SYNC" | "PSYNC", _) => "refused: replication is not built",
        ("REPLICAOF" | "SLAVEOF", _) => "NO ONE only",
        ("REPLCONF", _) => "accepted; SYNC and PSYNC are refused",
        ("FAILOVER" | "WAIT" | "ROLE", _) => "answers as a primary without replicas",
        ("MIGRATE", _) => "keys are not locked on their way: see [MIGRATE](#migrate)",
        ("DEBUG", _) => "the subcommands that test suites of libraries use: DEBUG HELP lists them",
        _ => "",
    }
}

fn tables() -> String {
    let mut text = String::new();
    for (group, names) in all() {
        text += &format!("\n### {group}\n\n| command | here | |\n| --- | --- | --- |\n");
        for name in names {
            let (here, why) = match is_served(name) {
                true => ("yes", remark(name)),
                false => ("no", reason(name)),
            };
            let row = format!("| {name} | {here} | {why} |");
            text += &(row.replace("|  |", "| |") + "\n");
        }
    }
    text
}

fn page() -> (PathBuf, String) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/compatibility.md");
    let text = std::fs::read_to_string(&path).expect("the page is there");
    (path, text)
}

#[test]
fn every_command_has_its_row() {
    let (path, text) = page();
    let (head, rest) = text.split_once(BEGIN).expect("the page says where the tables begin");
    let (old, tail) = rest.split_once(END).expect("the page says where the tables end");
    let new = tables();
    if std::env::var_os("FOREBAY_WRITE_DOCS").is_some() {
        let text = format!("{head}{BEGIN}\n{new}\n{END}{tail}");
        std::fs::write(&path, text).expect("the page can be written");
        return;
    }
    let rows = |text: &str| -> Vec<String> {
        text.lines().filter(|line| line.starts_with('|')).map(String::from).collect()
    };
    let (old, new) = (rows(old), rows(&new));
    assert_eq!(old.len(), new.len(), "rows are missing: FOREBAY_WRITE_DOCS=1 writes them");
    for (old, new) in old.iter().zip(&new) {
        assert_eq!(old, new, "the page says otherwise: FOREBAY_WRITE_DOCS=1 writes it");
    }
}

#[test]
fn nothing_is_served_that_redis_does_not_have() {
    let known: Vec<String> =
        all().into_values().flatten().map(|name| name.to_ascii_lowercase()).collect();
    for command in table::commands() {
        let name = command.spec.name.replacen('|', " ", 1);
        assert!(known.contains(&name) || OWN.contains(&&*name), "{name}");
    }
}
