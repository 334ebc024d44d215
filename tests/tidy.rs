//! What a person would have to remember: the layers, the banned calls, the lengths, no loose ends.

use std::fs;
use std::path::{Path, PathBuf};

/// Each room, and the rooms it may import. `docs/architecture.md` says why.
const ROOMS: &[(&str, &[&str])] = &[
    ("glob", &[]),
    ("resp", &[]),
    ("types", &[]),
    ("acl", &["glob"]),
    ("config", &["glob"]),
    ("journal", &["resp"]),
    ("metrics", &["config"]),
    ("script", &["resp"]),
    ("keyspace", &["types", "journal"]),
    ("rdb", &["keyspace", "types", "resp"]),
    ("pubsub", &["keyspace", "config", "resp", "glob"]),
    (
        "command",
        &[
            "keyspace", "types", "journal", "metrics", "config", "resp", "glob", "rdb", "pubsub",
            "acl", "script",
        ],
    ),
    ("net", &["command", "keyspace", "metrics", "config", "resp"]),
    (
        "process",
        &["net", "command", "keyspace", "types", "rdb", "journal", "metrics", "config", "resp"],
    ),
];

const FILE_LINES_MAX: usize = 800;
const FUNCTION_LINES_MAX: usize = 70;
/// In a comment right above a function that is longer: the reason.
const LONG_MARK: &str = "Long because";

/// Calls that have no place in the server's code, and where they do have one.
const BANNED: &[(&str, &[&str], &str)] = &[
    (".unwrap()", &[], "say by `expect` why it cannot fail, or handle it"),
    ("todo!(", &[], "write it"),
    ("unimplemented!(", &[], "write it"),
    ("dbg!(", &[], "remove it"),
    ("TODO", &[], "do it, or say in an issue that it is to be done"),
    ("FIXME", &[], "fix it"),
    ("unsafe ", &["src/script/stack.rs"], "only what was measured there had reason for it"),
    ("println!", &[], "the log is for messages; process/tool/out.rs says what tools have to say"),
    (
        "SystemTime::now",
        &["src/keyspace/clock.rs", "src/process/log.rs"],
        "time is injected: ask the clock",
    ),
    ("rand::", &[], "randomness is injected: ask the keyspace"),
    ("thread::sleep", &["src/command/debug.rs"], "nothing sleeps while serving"),
];

struct Source {
    /// Relative to the crate, with `/`.
    path: String,
    /// Without the modules of tests.
    lines: Vec<String>,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder can be read") {
            let path: PathBuf = entry.expect("the entry can be read").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|ending| ending != "rs") {
                continue;
            }
            let name = path.strip_prefix(root).expect("below the root").to_string_lossy();
            let path_name = name.replace('\\', "/");
            let is_test = path_name.ends_with("/tests.rs") || path_name.contains("/tests/");
            if !is_test {
                let text = fs::read_to_string(&path).expect("sources are text");
                found.push(Source { path: path_name, lines: without_tests(&text) });
            }
        }
    }
    assert!(found.len() > 20, "the sources were not found");
    found
}

/// The lines before a `#[cfg(test)]` module with a body, which stands last in a file.
fn without_tests(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let body = lines.windows(2).position(|pair| {
        pair[0].trim() == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{')
    });
    lines[..body.unwrap_or(lines.len())].iter().map(|line| line.to_string()).collect()
}

fn room_of(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("src/")?;
    let room = inside.split('/').next()?;
    Some(room.strip_suffix(".rs").unwrap_or(room))
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

#[test]
fn imports_run_downwards() {
    let mut wrong = Vec::new();
    for source in sources() {
        let room = room_of(&source.path).expect("a source is in src");
        if matches!(room, "main" | "lib") {
            continue;
        }
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            wrong.push(format!("{}: the room {room} is not in the plan", source.path));
            continue;
        };
        for (number, line) in source.lines.iter().enumerate() {
            if is_comment(line) {
                continue;
            }
            for import in line.split("crate::").skip(1) {
                let end = import.find(|c: char| !c.is_alphanumeric() && c != '_');
                let target = &import[..end.unwrap_or(import.len())];
                let known = ROOMS.iter().any(|(name, _)| *name == target);
                if known && target != room && !allowed.contains(&target) {
                    wrong.push(format!("{}:{}: {room} imports {target}", source.path, number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "against the layers:\n{}", wrong.join("\n"));
}

#[test]
fn no_banned_calls() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (number, line) in source.lines.iter().enumerate() {
            for (banned, places, advice) in BANNED {
                let code = if is_comment(line) && *banned != "TODO" && *banned != "FIXME" {
                    ""
                } else {
                    line.as_str()
                };
                let allowed = places.iter().any(|place| source.path.starts_with(place));
                if code.contains(banned) && !allowed {
                    wrong.push(format!("{}:{}: {banned}: {advice}", source.path, number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_and_functions_are_short() {
    let mut wrong = Vec::new();
    for source in sources() {
        if source.lines.len() > FILE_LINES_MAX {
            wrong.push(format!("{}: {} lines", source.path, source.lines.len()));
        }
        for (start, line) in source.lines.iter().enumerate() {
            let code = line.trim_start();
            let indent = &line[..line.len() - code.len()];
            let words = code.split("fn ").next().unwrap_or_default();
            let is_function = code.contains("fn ")
                && words.split_whitespace().all(|word| {
                    ["pub", "const", "async", "pub(super)", "pub(crate)"].contains(&word)
                });
            let is_declaration = line.ends_with(';');
            if !is_function || is_declaration || is_comment(line) {
                continue;
            }
            let end = format!("{indent}}}");
            let length =
                source.lines[start..].iter().position(|line| *line == end).unwrap_or(0) + 1;
            let above = source.lines[..start].iter().rev();
            let excused = above
                .take_while(|line| is_comment(line) || line.trim_start().starts_with("#["))
                .any(|line| line.contains(LONG_MARK));
            if length > FUNCTION_LINES_MAX && !excused {
                wrong.push(format!("{}:{}: a function of {length} lines", source.path, start + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_begins_with_what_it_is_for() {
    let silent: Vec<String> = sources()
        .into_iter()
        .filter(|source| !source.lines.first().is_some_and(|line| line.starts_with("//!")))
        .map(|source| source.path)
        .collect();
    assert!(silent.is_empty(), "no module documentation: {silent:?}");
}
